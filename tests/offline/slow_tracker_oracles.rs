//! The slow tracker itself, against tshark and Zeek on real captures: a second implementation is only
//! worth something if it is right.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use capture_tests::oracle::{output, require, require_shared};

use crate::slow_tracker::{Checksums, Connection, Events, Link, Segment, Stream, Tracker};

/// A packet of a file: nanoseconds since the epoch, its bytes, its length on the wire.
type Packet = (u64, Vec<u8>, u32);

/// A classic pcap file; `None` for anything else, and for link types that the slow tracker does not
/// know.
fn read(path: &Path) -> Option<(Link, Vec<Packet>)> {
    let bytes = std::fs::read(path).ok()?;
    let magic: [u8; 4] = *bytes.first_chunk()?;
    let (big, ns_per_unit) = match magic {
        [0xd4, 0xc3, 0xb2, 0xa1] => (false, 1000),
        [0x4d, 0x3c, 0xb2, 0xa1] => (false, 1),
        [0xa1, 0xb2, 0xc3, 0xd4] => (true, 1000),
        _ => return None,
    };
    let number = |at: usize| {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    };
    let link = match number(20)? & 0xffff {
        1 => Link::Ethernet,
        113 => Link::Cooked,
        12 | 101 | 228 | 229 => Link::Raw,
        _ => return None,
    };
    let mut packets = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let ns = u64::from(number(at)?) * 1_000_000_000 + u64::from(number(at + 4)?) * ns_per_unit;
        let len = number(at + 8)? as usize;
        let data = bytes.get(at + 16..at + 16 + len)?.to_vec();
        packets.push((ns, data, number(at + 12)?));
        at += 16 + len;
    }
    Some((link, packets))
}

fn segments(path: &Path) -> Option<Vec<Segment>> {
    let (link, packets) = read(path)?;
    let segments = (1..).zip(&packets);
    Some(
        segments
            .filter_map(|(frame, (ns, data, wire_len))| {
                Segment::parse(frame, *ns, link, data, *wire_len)
            })
            .collect(),
    )
}

fn captures(shared: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(shared.join("captures/real")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The lines of a gzipped table in the folder of expectations.
fn table(shared: &Path, name: &str) -> String {
    let path = shared.join("captures/expected").join(name);
    output(Command::new("zcat").arg(path)).unwrap()
}

/// What tshark says of the segments of a file, by frame.
fn by_tshark<'a>(rows: &[BTreeMap<&str, &'a str>]) -> BTreeMap<u64, (&'a str, Events)> {
    rows.iter()
        .map(|row| {
            let is = |name: &str| !row[format!("tcp.analysis.{name}").as_str()].is_empty();
            let events = Events {
                retransmission: is("retransmission"),
                fast: is("fast_retransmission"),
                spurious: is("spurious_retransmission"),
                out_of_order: is("out_of_order"),
                lost_segment: is("lost_segment"),
                acked_unseen: is("ack_lost_segment"),
                duplicate_ack: is("duplicate_ack"),
                zero_window: is("zero_window"),
                zero_window_probe: is("zero_window_probe"),
                window_full: is("window_full"),
                keep_alive: is("keep_alive"),
            };
            (
                row["frame.number"].parse().unwrap(),
                (row["tcp.stream"], events),
            )
        })
        .collect()
}

#[test]
fn the_slow_analysis_says_what_tshark_says_of_every_segment() {
    let Some(shared) = require_shared() else {
        return;
    };
    if !require(&["zcat"]) {
        return;
    }
    let text = table(&shared, "tshark-frames-onepass.tsv.gz");
    let mut lines = text.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    let mut by_file: BTreeMap<&str, Vec<BTreeMap<&str, &str>>> = BTreeMap::new();
    for line in lines {
        let row: BTreeMap<_, _> = columns.iter().copied().zip(line.split('\t')).collect();
        by_file.entry(row["file"]).or_default().push(row);
    }
    let (mut compared, mut differences) = (0, Vec::new());
    for path in captures(&shared) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (Some(segments), Some(rows)) = (segments(&path), by_file.get(name.as_str())) else {
            continue;
        };
        if is_beyond(&name) {
            continue;
        }
        let expected = by_tshark(rows);
        let mut streams: BTreeMap<_, Stream> = BTreeMap::new();
        for segment in segments {
            // Only what is one TCP segment for both.
            let Some((_, events)) = expected
                .get(&segment.frame)
                .filter(|(stream, _)| !stream.is_empty() && !stream.contains(','))
            else {
                continue;
            };
            let (side, key) = if segment.src <= segment.dst {
                (0, (segment.src, segment.dst))
            } else {
                (1, (segment.dst, segment.src))
            };
            let stream = streams.entry(key).or_insert_with(Stream::new);
            if stream.is_reused_by(side, &segment) {
                *stream = Stream::new();
            }
            let found = stream.on_segment(side, &segment);
            compared += 1;
            if found != *events {
                differences.push(format!(
                    "{name} {}: {found:?}\n    tshark {events:?}",
                    segment.frame
                ));
            }
        }
    }
    println!("{compared} segments compared");
    assert!(
        differences.is_empty(),
        "{} of {compared}\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(compared > 10_000);
}

/// A row of `conn.log`, as far as it is compared.
type ConnRow = (String, String, [String; 2], [String; 7]);

fn row_of(connection: &Connection) -> ConnRow {
    let end = |(address, port): (IpAddr, u16)| format!("{address} {port}");
    let [orig, resp] = connection.sides.map(|side| side.zeek);
    let passed = connection.last_ns > connection.first_ns;
    let bytes = |bytes: u64| {
        if passed {
            bytes.to_string()
        } else {
            "-".to_owned()
        }
    };
    (
        end(connection.initiator),
        end(connection.responder),
        [connection.conn_state.to_owned(), connection.history.clone()],
        [
            orig.packets.to_string(),
            orig.ip_bytes.to_string(),
            resp.packets.to_string(),
            resp.ip_bytes.to_string(),
            bytes(orig.payload_bytes),
            bytes(resp.payload_bytes),
            (orig.missed_bytes + resp.missed_bytes).to_string(),
        ],
    )
}

fn is_beyond(name: &str) -> bool {
    BEYOND.iter().any(|(file, _reason)| *file == name)
}

/// Files that the slow tracker is not made for, and why.
const BEYOND: &[(&str, &str)] = &[
    (
        "ndpi__avast.pcap",
        "timestamps go back, and Zeek's timers do not",
    ),
    ("ndpi__fuzz-2006-09-29-28586.pcap", DAMAGED),
    (
        "sv__defrag__bug-6887-defrag-eth-vlan-ipv4-tcp-syn__frag-eth-vlan-ip-tcp-syn.pcap",
        FRAGMENTS,
    ),
    (
        "sv__defrag__bug-6887-defrag-ipv4-tcp-syn__frag-ip-tcp-syn.pcap",
        FRAGMENTS,
    ),
    (
        "sv__defrag__bug-6887-defrag-ipv6-tcp__frag-ip-tcp.pcap",
        FRAGMENTS,
    ),
    ("tcpdump__heapoverflow-tcp_print.pcap", DAMAGED),
    ("tcpdump__tcp-auth-heapoverflow.pcap", DAMAGED),
    (
        "zeek__chksums__ip6-hoa-tcp-bad-chksum.pcap",
        "the home address option replaces the source",
    ),
    ("zeek__cisco-fabric-path.pcap", UNREAD),
    ("zeek__ipv6-http-atomic-frag.pcap", FRAGMENTS),
    ("zeek__pppoe-over-qinq.pcap", UNREAD),
    ("zeek__tcp__truncated-header.pcap", DAMAGED),
];
const DAMAGED: &str = "headers that cannot be";
const FRAGMENTS: &str = "the slow tracker does not reassemble";
const UNREAD: &str = "an encapsulation that the slow tracker does not read";

/// The share of Zeek's TCP rows that the slow tracker gives, in files whose TCP it can read.
fn zeek_share(checksums: Checksums, name: &str) -> Option<(usize, usize, Vec<String>)> {
    let shared = require_shared()?;
    if !require(&["zcat"]) {
        return None;
    }
    let text = table(&shared, name);
    let mut by_file: BTreeMap<&str, Vec<ConnRow>> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let text = |at: usize| fields[at].to_owned();
        if fields.len() < 22 || fields[7] != "tcp" || fields[21] != "-" {
            continue;
        }
        by_file.entry(fields[0]).or_default().push((
            format!("{} {}", fields[3], fields[4]),
            format!("{} {}", fields[5], fields[6]),
            [text(12), text(16)],
            [17, 18, 19, 20, 10, 11, 15].map(text),
        ));
    }
    let (mut equal, mut all, mut differences) = (0, 0, Vec::new());
    for path in captures(&shared) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (Some(segments), Some(mut rows)) = (segments(&path), by_file.remove(name.as_str()))
        else {
            continue;
        };
        if is_beyond(&name) {
            continue;
        }
        let mut tracker = Tracker::new(checksums);
        for segment in &segments {
            tracker.on_segment(segment);
        }
        for connection in tracker.finish() {
            let row = row_of(&connection);
            all += 1;
            if let Some(at) = rows.iter().position(|other| *other == row) {
                rows.remove(at);
                equal += 1;
            } else {
                differences.push(format!("{name} ours {row:?}"));
            }
        }
        differences.extend(rows.iter().map(|row| format!("{name} Zeek {row:?}")));
    }
    Some((equal, all, differences))
}

#[test]
fn the_slow_tracker_gives_zeeks_rows() {
    for (checksums, name) in [
        (Checksums::Validate, "zeek-conn-validate-checksums.tsv.gz"),
        (Checksums::Ignore, "zeek-conn-ignore-checksums.tsv.gz"),
    ] {
        let Some((equal, all, differences)) = zeek_share(checksums, name) else {
            return;
        };
        println!(
            "{checksums:?}: {equal} of {all} rows\n{}",
            differences.join("\n")
        );
        assert!(all > 2000 && equal * 1000 >= all * 990, "{equal} of {all}");
    }
}
