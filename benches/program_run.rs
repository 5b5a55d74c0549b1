//! Nanoseconds a packet of the XDP program alone, by program test runs.
//!
//! The ring is emptied between runs, so every packet is copied, but in the last row, where it is full
//! and nothing is. The kernel's own cost of a test run (some 20 ns a packet) is in the figures.

#![expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]

use anyhow::{Context as _, Result};
use aya::maps::{ArrayOfMaps, Map, MapData, RingBuf};
use aya::programs::{TestRun as _, Xdp};
use aya::{EbpfLoader, TestRunOptions};
use capture_common::Settings;

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../capture-ebpf/object/capture.o"
));

const BPF_MAP_TYPE_RINGBUF: u32 = 27;
const RING_BYTES: u32 = 16 << 20;
const REPEAT: u32 = 10_000;
const ROUNDS: usize = 200;

fn main() -> Result<()> {
    let settings = Settings {
        tap: 1,
        seed: 7,
        ..Settings::UNPATCHED
    };
    println!("{:<20} {:>6} ns", "count and drop", ceiling()?);
    for (name, len) in [
        ("TCP, 60 bytes", 60),
        ("TCP, 64 bytes", 64),
        ("TCP, 128 bytes", 128),
        ("TCP, 1514 bytes", 1514),
    ] {
        println!("{name:<20} {:>6} ns", median(&tcp(len), true, &settings)?);
    }
    println!(
        "{:<20} {:>6} ns",
        "ring is full",
        median(&tcp(64), false, &settings)?
    );
    let cut = Settings {
        cutoff: 0,
        cut_sets: 16_384,
        ..settings
    };
    for len in [64, 1514] {
        let name = format!("UDP, cut, {len} bytes");
        println!("{name:<20} {:>6} ns", median(&udp(len), true, &cut)?);
    }
    let sampled = Settings {
        sample_packets: 1,
        ..settings
    };
    println!(
        "{:<20} {:>6} ns",
        "TCP, sampled out",
        median(&tcp(64), true, &sampled)?
    );
    Ok(())
}

/// A program that does nothing but to count its packets and drop them.
fn ceiling() -> Result<u128> {
    let mut ebpf = EbpfLoader::new().load(capture_tests::generator::OBJECT)?;
    let program: &mut Xdp = ebpf
        .program_mut("sink_count_drop")
        .context("the object has no sink_count_drop")?
        .try_into()?;
    program.load()?;
    let packet = tcp(64);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let options = TestRunOptions {
            data_in: Some(&packet),
            repeat: REPEAT,
            ..TestRunOptions::default()
        };
        rounds.push(program.test_run(options)?.duration.as_nanos());
    }
    rounds.sort_unstable();
    rounds.get(ROUNDS / 2).copied().context("no rounds")
}

fn median(packet: &[u8], drain: bool, settings: &Settings) -> Result<u128> {
    let mut ebpf = EbpfLoader::new()
        .override_global("SETTINGS", settings, true)
        .map_max_entries("CUTS", settings.cut_sets.max(1))
        .override_global("AYA_LOG_LEVEL", &0_u8, false)
        .load(OBJECT)?;
    let definition = aya_obj::Map::new_from_params(BPF_MAP_TYPE_RINGBUF, 0, 0, RING_BYTES, 0);
    let mut ring = RingBuf::try_from(Map::RingBuf(MapData::create(definition, "ring", None)?))?;
    let mut rings: ArrayOfMaps<MapData, RingBuf<MapData>> =
        ArrayOfMaps::try_from(ebpf.take_map("RINGS").context("the object has no RINGS")?)?;
    rings.set(0, &ring, 0)?;
    let program: &mut Xdp = ebpf
        .program_mut("capture_xdp")
        .context("the object has no capture_xdp")?
        .try_into()?;
    program.load()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let options = TestRunOptions {
            data_in: Some(packet),
            repeat: REPEAT,
            ..TestRunOptions::default()
        };
        let result = program.test_run(options)?;
        rounds.push(result.duration.as_nanos());
        if drain {
            while ring.next().is_some() {}
        }
    }
    rounds.sort_unstable();
    rounds.get(ROUNDS / 2).copied().context("no rounds")
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
