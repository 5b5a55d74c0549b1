//! Measures how fast connection records are written: records of TCP connections as a busy server has
//! them, made in memory, through the same sink as those of a capture, in each format.

#![expect(clippy::print_stdout, reason = "says what it measured")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use capture::dissect::TcpFlags;
use capture::flow::{
    ConnState, Counts, EndReason, EndedBy, Endpoint, FlowRecord, History, Outcome, RttSummary,
    Sampling, Side, TcpSide, TcpState, TcpSummary,
};
use capture::packet::{FrameNo, IfaceId, Span, Timestamp};
use capture::sink::Existing;
use capture::sink::flows::{FlowFile, FlowFileOptions, FlowFormat, IfaceNames};
use clap::Parser;

/// Writes records in each format, and says how long that took.
#[derive(Debug, Parser)]
struct Args {
    /// Records.
    #[arg(long, default_value = "400000")]
    records: u64,
    /// Times that each is measured; the fastest counts.
    #[arg(long, default_value = "5")]
    runs: u32,
    /// Formats, by their files' endings.
    #[arg(long, value_delimiter = ',', default_value = "parquet,csv,jsonl")]
    formats: Vec<String>,
    /// Leave the files here.
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let records: Vec<_> = (0..args.records).map(record).collect();
    let folder = args.keep.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("capture-records-{}", std::process::id()))
    });
    fs::create_dir_all(&folder)?;
    println!("{} records", args.records);
    for format in &args.formats {
        let path = folder.join(format!("records.{format}"));
        let mut best: Option<(Duration, Duration)> = None;
        for _ in 0..args.runs.max(1) {
            let copy = records.clone();
            let measured = measure(&path, copy)?;
            if best.is_none_or(|best| measured.1 < best.1) {
                best = Some(measured);
            }
        }
        if let Some((wall, cpu)) = best {
            println!(
                "{format:8} {:.3} s wall  {:.3} s CPU  {} bytes",
                wall.as_secs_f64(),
                cpu.as_secs_f64(),
                fs::metadata(&path)?.len()
            );
        }
    }
    if args.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn measure(path: &Path, mut records: Vec<FlowRecord>) -> Result<(Duration, Duration)> {
    let format = FlowFormat::of(path).context("there is no such format")?;
    let names = IfaceNames::default();
    names.set(["eth0".to_owned()].into_iter());
    let count = records.len() as u64;
    let (started, used) = (Instant::now(), cpu_time());
    let mut options = FlowFileOptions::new(path.to_owned(), format);
    options.existing = Existing::Overwrite;
    let (file, sinks) = FlowFile::create(&options, 1, names)?;
    // There is one.
    for mut sink in sinks.into_iter().take(1) {
        for record in std::mem::take(&mut records) {
            sink.record(record);
        }
        sink.flush();
    }
    let summary = file.finish();
    let measured = (started.elapsed(), cpu_time().saturating_sub(used));
    ensure!(
        summary.written == count,
        "not all were written: {summary:?}"
    );
    Ok(measured)
}

/// What all threads of this process have used of the CPUs, those that have ended included.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.cast_unsigned(),
        time.tv_nsec.cast_unsigned() as u32,
    )
}

fn record(n: u64) -> FlowRecord {
    let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let start = Timestamp(1_700_000_000_000_000_000 + n * 25_000);
    let lasts = Span(1_000_000 + random % 400_000_000);
    let mut history = History::new();
    let retransmits = n % 50 == 7;
    for letter in if retransmits {
        b"ShADadTFf".iter()
    } else {
        b"ShADadFf".iter()
    } {
        history.push(*letter);
    }
    let side = |client: bool| {
        let payload = 300 + random % 5000 * if client { 1 } else { 7 };
        let packets = 4 + payload / 1460;
        let mut rtt = RttSummary::default();
        for sample in 0..3 {
            let time = Span(80_000 + (random >> (7 + sample)) % 30_000_000);
            rtt.min = if sample == 0 { time } else { rtt.min.min(time) };
            rtt.max = rtt.max.max(time);
            rtt.sum = Span(rtt.sum.0 + time.0);
            rtt.samples += 1;
            rtt.histogram.add(time, 1);
        }
        Side {
            endpoint: Endpoint {
                addr: if client {
                    Ipv4Addr::from(0x0a00_0000 + (random as u32 % 40_000)).into()
                } else {
                    Ipv4Addr::from(0xc633_6400 + (random as u32 % 200)).into()
                },
                port: if client {
                    (random % 60_000 + 1024) as u16
                } else {
                    443
                },
            },
            counts: Counts {
                packets,
                wire_bytes: payload + packets * 66,
                ip_bytes: payload + packets * 52,
            },
            captured_packets: packets,
            captured_bytes: payload + packets * 66,
            payload_bytes: payload,
            missed_bytes: 0,
            bad_checksums: 0,
            initial_ttl: if client { 64 } else { 57 },
            tcp: TcpSide {
                flags: TcpFlags(0x1b),
                state: TcpState::TimeWait,
                mss: Some(1460),
                window_scale: Some(if client { 7 } else { 9 }),
                sack_permitted: true,
                timestamps: true,
                ecn: false,
                rtt,
                retransmitted_segments: u64::from(retransmits),
                retransmitted_bytes: if retransmits { 1460 } else { 0 },
                duplicate_acks: if n % 60 == 7 { 3 } else { 0 },
                ..TcpSide::default()
            },
        }
    };
    FlowRecord {
        id: FrameNo(n * 12 + 1),
        part: 0,
        flow_ts: start,
        first_ts: start,
        last_ts: start.after(lasts),
        iface: IfaceId(0),
        vlans: [0; 2],
        vlan_tags: 0,
        tunnel: None,
        protocol: 6,
        initiator: side(true),
        responder: side(false),
        tcp: Some(TcpSummary {
            handshake: Some([
                Span(80_000 + random % 3_000_000),
                Span(30_000 + random % 70_000),
            ]),
        }),
        conn_state: if n.is_multiple_of(10) {
            ConnState::Rsto
        } else {
            ConnState::Sf
        },
        history,
        outcome: Outcome::Closed,
        ended_by: Some(EndedBy::Initiator),
        end: EndReason::Fin,
        sampling: Sampling::ALL,
    }
}
