//! Nanoseconds a packet of the XDP program alone, by program test runs.
//!
//! The ring is emptied between runs, so every packet is copied, but in one row, where it is full and
//! nothing is. The kernel's own cost of a test run (some 20 ns a packet) is in the figures, so what
//! counts is the distance to the first row. The least of all runs is what the program takes where
//! nobody else wants the machine; the median says how much that was the case.

#![expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]

use std::sync::Arc;

use anyhow::{Context as _, Result};
use aya::programs::{TestRun as _, Xdp};
use aya::{Ebpf, EbpfLoader, TestRunOptions};
use capture::flow::Sampling;
use capture::iface::{self, Selection};
use capture::kernel::{
    Attachment, CaptureFilter, Clock, Control, Cutoff, Delivery, Disposition, Extent, IngressHook,
    Insist, Kernel, Plan, Reception, Thinning, TimeStampType, Unmatched, Watch,
};
use capture::packet::LinkType;
use capture::source::ring::RingSource;
use clap::Parser;

const RING_BYTES: u32 = 16 << 20;
const REPEAT: u32 = 10_000;

/// Measures what the XDP program takes for a packet.
#[derive(Debug, Parser)]
struct Args {
    /// Test runs of each row, of ten thousand packets each.
    #[arg(long, default_value = "200")]
    rounds: usize,
    /// Only rows whose name has this in it.
    #[arg(default_value = "")]
    rows: String,
}

/// What becomes of the records of a run.
#[derive(Clone, Copy)]
enum Reader {
    Reads,
    IsGone,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let whole = Thinning::NONE;
    let cut = Thinning {
        cutoff: Some(Cutoff {
            bytes: 0,
            flows: 65_536,
        }),
        ..whole
    };
    let sampled = Thinning {
        sampling: Sampling {
            packets: u32::MAX,
            ..whole.sampling
        },
        control: Control::Kept,
        ..whole
    };
    let headers = Thinning {
        extent: Extent::Headers,
        ..whole
    };
    println!("{:<32} {:>7} {:>9}", "", "min ns", "median ns");
    if "count and drop".contains(&args.rows) {
        ceiling(&args)?;
    }
    let row = |name: &str, packet: &[u8], thinning: &Thinning, filter: &str, reader: Reader| {
        if name.contains(&args.rows) {
            measure(&args, name, packet, thinning, filter, reader)
        } else {
            Ok(())
        }
    };
    use Reader::{IsGone, Reads};
    row("filter refuses, TCP, 64", &tcp(64), &whole, "port 9", Reads)?;
    row(
        "filter refuses, UDP, 1514",
        &udp(1514),
        &whole,
        "port 9",
        Reads,
    )?;
    row("filter accepts, TCP, 64", &tcp(64), &whole, "tcp", Reads)?;
    row("sampled out, TCP, 64", &tcp(64), &sampled, "", Reads)?;
    row("cut, UDP, 64", &udp(64), &cut, "", Reads)?;
    row("cut, UDP, 1514", &udp(1514), &cut, "", Reads)?;
    for len in [60, 64, 128, 512, 1514] {
        row(&format!("copied, TCP, {len}"), &tcp(len), &whole, "", Reads)?;
    }
    row(
        "copied, TCP over IPv6, 78",
        &over_ipv6(&tcp(78)),
        &whole,
        "",
        Reads,
    )?;
    row(
        "copied, TCP, VLAN, 68",
        &tagged(&tcp(64)),
        &whole,
        "",
        Reads,
    )?;
    row("headers copied, TCP, 1514", &tcp(1514), &headers, "", Reads)?;
    row("ring is full, TCP, 64", &tcp(64), &whole, "", IsGone)?;
    Ok(())
}

/// A program that does nothing but to count its packets and drop them.
fn ceiling(args: &Args) -> Result<()> {
    let mut ebpf = EbpfLoader::new().load(capture_tests::generator::OBJECT)?;
    let program: &mut Xdp = ebpf
        .program_mut("sink_count_drop")
        .context("the object has no sink_count_drop")?
        .try_into()?;
    program.load()?;
    rounds(
        args,
        "count and drop",
        &mut ebpf,
        "sink_count_drop",
        &tcp(64),
        || {},
    )
}

fn measure(
    args: &Args,
    name: &str,
    packet: &[u8],
    thinning: &Thinning,
    filter: &str,
    reader: Reader,
) -> Result<()> {
    let plan = Plan {
        ifaces: vec![Attachment {
            interface: iface::find("lo")?,
            link: LinkType::ETHERNET,
            watch: Watch::Ingress,
            ingress: IngressHook::Xdp,
        }],
        selection: Selection::default(),
        watch: None,
        ingress: IngressHook::Xdp,
        insist: Insist::No,
        rings: 1,
        ring_bytes: RING_BYTES,
        filter: CaptureFilter::new(filter, None)?,
        thinning: *thinning,
        reception: Reception::AsItIs,
        disposition: Disposition::Tap,
        unmatched: Unmatched::Consume,
        time_stamps: TimeStampType::Host,
        delivery: Delivery::Rings,
        seed: 7,
        verbose: false,
    };
    let mut kernel = Kernel::load(&plan)?;
    let ring = kernel.rings().next().context("no ring")?;
    let links = [LinkType::ETHERNET].into_iter().collect();
    let mut source = RingSource::new(&ring, Arc::new(Clock::new()), links)?;
    rounds(args, name, kernel.ebpf_mut(), "capture_xdp", packet, || {
        if matches!(reader, Reader::Reads) {
            while !source.poll(&mut |_, _| {}).drained {}
        }
    })
}

/// Runs a program that is loaded, and prints its row.
fn rounds(
    args: &Args,
    name: &str,
    ebpf: &mut Ebpf,
    program: &str,
    packet: &[u8],
    mut between: impl FnMut(),
) -> Result<()> {
    let program: &mut Xdp = ebpf
        .program_mut(program)
        .context("the object lacks a program")?
        .try_into()?;
    let mut rounds = Vec::new();
    for _ in 0..args.rounds.max(1) {
        let options = TestRunOptions {
            data_in: Some(packet),
            repeat: REPEAT,
            ..TestRunOptions::default()
        };
        rounds.push(program.test_run(options)?.duration.as_nanos());
        between();
    }
    rounds.sort_unstable();
    // The first round of a ring touches its memory for the first time; the least is none of them.
    let (least, median) = (rounds[0], rounds[rounds.len() / 2]);
    println!("{name:<32} {least:>7} {median:>9}");
    Ok(())
}

/// A datagram, `len` bytes with its Ethernet header.
fn udp(len: usize) -> Vec<u8> {
    let mut packet = tcp(len);
    packet.splice(23..24, [17]);
    packet.splice(38..40, ((len - 34) as u16).to_be_bytes());
    packet
}

/// A TCP segment of a session, `len` bytes with its Ethernet header.
fn tcp(len: usize) -> Vec<u8> {
    let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    packet.extend(((len - 14) as u16).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([
        0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0,
    ]);
    packet.resize(len, 0);
    packet
}

/// What an IPv4 packet carries, in an IPv6 packet of the same length.
fn over_ipv6(packet: &[u8]) -> Vec<u8> {
    let payload_len = (packet.len() - 54) as u16;
    let mut longer = packet[..12].to_vec();
    longer.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    longer.extend(payload_len.to_be_bytes());
    longer.extend([packet[23], 64]);
    for host in [1, 2] {
        longer.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    longer.extend(&packet[34..packet.len() - 20]);
    longer
}

/// The packet with an IEEE 802.1Q tag.
fn tagged(packet: &[u8]) -> Vec<u8> {
    let mut longer = packet.to_vec();
    longer.splice(12..12, [0x81, 0, 0, 7]);
    longer
}
