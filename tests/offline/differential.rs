//! The flow engine against the slow tracker, on random conversations.
//!
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for more, and for others.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use capture::dissect::{Checksums as Sums, Dissector, TcpFlags, Tunnels};
use capture::flow::{FlowRecord, FlowTable, History, Limits, Side, Timeouts};
use capture::packet::{FrameNo, LinkType, Packet, PacketMeta, Timestamp};
use capture_tests::oracle::output;
use capture_tests::program::locate;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::conversation::{Frame, conversations};
use crate::slow_tracker::{Checksums, Connection, Link, Segment, SideFacts, Tracker};

const DISSECTOR: Dissector = Dissector {
    tunnels: Tunnels::Inner,
    checksums: Sums::Validate,
};

const START_NS: u64 = 1_700_000_000_000_000_000;

/// What is compared of a side, as text, so that a difference can be read.
type Facts = Vec<(&'static str, String)>;

/// The same conversations on every run, unless the environment says otherwise.
fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(0x7363_6b65_7473);
    }
    config
}

/// The engine's records, from bursts of packets as a shard takes them.
fn records(frames: &[Frame]) -> Vec<FlowRecord> {
    let mut table = FlowTable::new(Limits::flows(64), Timeouts::default(), 1);
    let mut records = Vec::new();
    let mut emit = |record| records.push(record);
    let packets: Vec<_> = (1..)
        .zip(frames)
        .map(|(number, frame)| {
            let ts = Timestamp(START_NS + frame.at_ns);
            Packet {
                meta: PacketMeta {
                    frame: FrameNo(number),
                    ts,
                    clock: ts,
                    wire_len: frame.wire_len,
                    link: LinkType::ETHERNET,
                    ..PacketMeta::UNKNOWN
                },
                data: &frame.data,
            }
        })
        .collect();
    for burst in packets.chunks(32) {
        if let Some(first) = burst.first() {
            table.advance(first.meta.clock, &mut emit);
        }
        let work: Vec<_> = burst
            .iter()
            .map(|packet| {
                let mut layers = DISSECTOR.dissect(packet);
                let prepared = table.prepare(&mut layers, packet);
                (layers, prepared)
            })
            .collect();
        for (_, prepared) in &work {
            table.prefetch(prepared);
        }
        for (packet, (layers, prepared)) in burst.iter().zip(&work) {
            table.observe(prepared, packet, layers, &mut emit);
        }
    }
    table.finish(&mut emit);
    records.sort_by_key(|record| record.id);
    records
}

/// What the slow tracker says.
fn connections(frames: &[Frame]) -> Vec<Connection> {
    let mut tracker = Tracker::new(Checksums::Validate);
    for (number, frame) in (1..).zip(frames) {
        let at_ns = START_NS + frame.at_ns;
        let segment = Segment::parse(number, at_ns, Link::Ethernet, &frame.data, frame.wire_len);
        tracker.on_segment(&segment.expect("every frame is a TCP segment"));
    }
    tracker.finish()
}

/// Compares two lists of connections by some of what is said of them.
fn compare(
    frames: &[Frame],
    ours: impl Fn(&FlowRecord) -> Facts,
    theirs: impl Fn(&Connection) -> Facts,
) -> Result<(), TestCaseError> {
    let (found, expected) = (records(frames), connections(frames));
    let mut differences = Vec::new();
    let ids: Vec<_> = found.iter().map(|record| record.id.0).collect();
    let wanted: Vec<_> = expected.iter().map(|other| other.first_frame).collect();
    if ids != wanted {
        differences.push(format!(
            "connections begin with packets {ids:?}, expected {wanted:?}"
        ));
    }
    for record in &found {
        let Some(other) = expected
            .iter()
            .find(|other| other.first_frame == record.id.0)
        else {
            continue;
        };
        for ((name, ours), (_, theirs)) in ours(record).into_iter().zip(theirs(other)) {
            if ours != theirs {
                let first = other.first_frame;
                differences.push(format!("{first}: {name} is {ours}, expected {theirs}"));
            }
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{}\n{}",
        differences.join("\n"),
        listing(frames)
    )))
}

/// The packets, for people.
fn listing(frames: &[Frame]) -> String {
    let lines = (1..).zip(frames).filter_map(|(number, frame)| {
        let segment = Segment::parse(
            number,
            frame.at_ns,
            Link::Ethernet,
            &frame.data,
            frame.wire_len,
        )?;
        let marks = [
            (segment.bad_checksum, " bad checksum"),
            (!segment.captured, " snapped"),
        ];
        let marks: String = marks
            .iter()
            .filter(|mark| mark.0)
            .map(|mark| mark.1)
            .collect();
        Some(format!(
            "{number:3} {:12} {}:{} > {}:{} {} seq {} ack {} len {} win {} scale {:?}{marks}",
            frame.at_ns,
            segment.src.0,
            segment.src.1,
            segment.dst.0,
            segment.dst.1,
            TcpFlags(segment.flags),
            segment.seq,
            segment.ack,
            segment.len,
            segment.window,
            segment.window_scale,
        ))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Values of both sides of a record.
fn sides(record: &FlowRecord, of: impl Fn(&Side) -> Facts) -> Facts {
    let mut facts = of(&record.initiator);
    facts.extend(of(&record.responder));
    facts
}

/// The same for the slow tracker.
fn slow_sides(connection: &Connection, of: impl Fn(&SideFacts) -> Facts) -> Facts {
    connection.sides.iter().flat_map(of).collect()
}

fn end((address, port): (IpAddr, u16)) -> String {
    format!("{address} {port}")
}

#[test]
fn packets_bytes_and_flags_are_those_of_the_slow_tracker() {
    let ours = |record: &FlowRecord| {
        let mut facts = vec![
            (
                "initiator",
                end((
                    record.initiator.endpoint.addr,
                    record.initiator.endpoint.port,
                )),
            ),
            ("start", record.first_ts.0.to_string()),
        ];
        facts.extend(sides(record, |side| {
            vec![
                ("packets", side.counts.packets.to_string()),
                ("wire bytes", side.counts.wire_bytes.to_string()),
                ("IP bytes", side.counts.ip_bytes.to_string()),
                ("flags", side.tcp.flags.to_string()),
                ("bad checksums", side.bad_checksums.to_string()),
            ]
        }));
        facts
    };
    let theirs = |connection: &Connection| {
        let mut facts = vec![
            ("initiator", end(connection.initiator)),
            ("start", connection.first_ns.to_string()),
        ];
        facts.extend(slow_sides(connection, |side| {
            vec![
                ("packets", side.zeek.packets.to_string()),
                ("wire bytes", side.wire_bytes.to_string()),
                ("IP bytes", side.zeek.ip_bytes.to_string()),
                ("flags", TcpFlags(side.flags).to_string()),
                ("bad checksums", side.zeek.bad_checksums.to_string()),
            ]
        }));
        facts
    };
    let outcome =
        TestRunner::new(config(500)).run(&conversations(), |frames| compare(&frames, ours, theirs));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn states_histories_and_payload_are_those_of_the_slow_tracker() {
    let ours = |record: &FlowRecord| {
        let mut facts = vec![
            ("conn_state", record.conn_state.name().to_owned()),
            ("history", record.history.as_str().to_owned()),
            ("last", record.last_ts.0.to_string()),
        ];
        facts.extend(sides(record, |side| {
            vec![
                ("payload bytes", side.payload_bytes.to_string()),
                ("missed bytes", side.missed_bytes.to_string()),
            ]
        }));
        facts
    };
    let theirs = |connection: &Connection| {
        let kept = connection.history.chars().take(History::CAPACITY).collect();
        let mut facts = vec![
            ("conn_state", connection.conn_state.to_owned()),
            ("history", kept),
            ("last", connection.last_ns.to_string()),
        ];
        facts.extend(slow_sides(connection, |side| {
            vec![
                ("payload bytes", side.zeek.payload_bytes.to_string()),
                ("missed bytes", side.zeek.missed_bytes.to_string()),
            ]
        }));
        facts
    };
    let outcome =
        TestRunner::new(config(500)).run(&conversations(), |frames| compare(&frames, ours, theirs));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn health_is_that_of_the_slow_tracker() {
    let ours = |record: &FlowRecord| {
        sides(record, |Side { tcp, .. }| {
            vec![
                ("retransmitted", tcp.retransmitted_segments.to_string()),
                ("retransmitted bytes", tcp.retransmitted_bytes.to_string()),
                ("fast", tcp.fast_retransmissions.to_string()),
                ("spurious", tcp.spurious_retransmissions.to_string()),
                ("out of order", tcp.out_of_order.to_string()),
                ("lost", tcp.lost_segments.to_string()),
                ("acked unseen", tcp.acked_unseen.to_string()),
                ("duplicate ACKs", tcp.duplicate_acks.to_string()),
                ("zero windows", tcp.zero_windows.to_string()),
                ("probes", tcp.zero_window_probes.to_string()),
                ("window full", tcp.window_full.to_string()),
                ("keep-alives", tcp.keep_alives.to_string()),
            ]
        })
    };
    let theirs = |connection: &Connection| {
        slow_sides(connection, |SideFacts { health, .. }| {
            vec![
                ("retransmitted", health.retransmitted_segments.to_string()),
                (
                    "retransmitted bytes",
                    health.retransmitted_bytes.to_string(),
                ),
                ("fast", health.fast_retransmissions.to_string()),
                ("spurious", health.spurious_retransmissions.to_string()),
                ("out of order", health.out_of_order.to_string()),
                ("lost", health.lost_segments.to_string()),
                ("acked unseen", health.acked_unseen.to_string()),
                ("duplicate ACKs", health.duplicate_acks.to_string()),
                ("zero windows", health.zero_windows.to_string()),
                ("probes", health.zero_window_probes.to_string()),
                ("window full", health.window_full.to_string()),
                ("keep-alives", health.keep_alives.to_string()),
            ]
        })
    };
    let outcome =
        TestRunner::new(config(500)).run(&conversations(), |frames| compare(&frames, ours, theirs));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// A classic pcap file with nanoseconds.
fn pcap(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    for frame in frames {
        let ns = START_NS + frame.at_ns;
        for field in [
            (ns / 1_000_000_000) as u32,
            (ns % 1_000_000_000) as u32,
            frame.data.len() as u32,
            frame.wire_len,
        ] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(&frame.data);
    }
    bytes
}

fn lines(path: &Path, workers: &str) -> Vec<String> {
    let mut command = Command::new(locate().unwrap());
    command.arg("flows").arg(path);
    command.args(["--format", "jsonl", "-o", "-", "--max-flows", "5000"]);
    command.args(["--workers", workers]);
    let mut lines: Vec<_> = output(&mut command)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn conversations_give_the_same_records_on_one_two_and_eight_workers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conversations.pcap");
    let outcome = TestRunner::new(config(10)).run(
        &prop::collection::vec(conversations(), 30..31),
        |several| {
            let mut frames: Vec<_> = several.into_iter().flatten().collect();
            frames.sort_by_key(|frame| frame.at_ns);
            std::fs::write(&path, pcap(&frames)).unwrap();
            let one = lines(&path, "1");
            for workers in ["2", "8"] {
                prop_assert_eq!(&one, &lines(&path, workers), "{} workers", workers);
            }
            Ok(())
        },
    );
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
