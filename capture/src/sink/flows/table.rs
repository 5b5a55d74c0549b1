//! A table for people: what matters of each connection on one line.

use std::io::Write as _;

use super::columns::{is_trouble, protocol_name, side_mark};
use crate::flow::{Endpoint, FlowRecord};

/// Headings.
pub(super) fn header(out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _infallible = writeln!(
        out,
        "{:<15} {:>10} {:<5} {:<28} {:<28} {:<12} {:>7} {:>7} {:>9} {:>9} {:>9}  flags",
        "start (UTC)",
        "duration",
        "proto",
        "initiator",
        "responder",
        "outcome",
        "pkts >",
        "pkts <",
        "bytes >",
        "bytes <",
        "rtt ms",
    );
}

/// One record.
pub(super) fn record(record: &FlowRecord, out: &mut Vec<u8>) {
    let start = record.first_ts.to_string();
    let time = start.get(11..26).unwrap_or(&start);
    let protocol =
        protocol_name(record.protocol).map_or_else(|| record.protocol.to_string(), str::to_owned);
    let rtt = record
        .tcp
        .and_then(|tcp| tcp.handshake)
        .map_or_else(String::new, |[a, b]| {
            let microseconds = (a.0 + b.0) / 1000;
            format!("{}.{:03}", microseconds / 1000, microseconds % 1000)
        });
    let flags = record.tcp.map_or_else(String::new, |_| {
        format!(
            "{}/{}",
            record.initiator.tcp.flags, record.responder.tcp.flags
        )
    });
    let mark = if is_trouble(record.outcome) { "!" } else { "" };
    let outcome = format!(
        "{}{}{mark}",
        record.outcome.name(),
        side_mark(record.ended_by)
    );
    // Writing to a vector does not fail.
    let _infallible = writeln!(
        out,
        "{time:<15} {:>10} {protocol:<5} {:<28} {:<28} {outcome:<12} {:>7} {:>7} {:>9} {:>9} {rtt:>9}  {flags}",
        short(record.duration().0),
        address(record.initiator.endpoint),
        address(record.responder.endpoint),
        record.initiator.counts.packets,
        record.responder.counts.packets,
        size(record.initiator.counts.wire_bytes),
        size(record.responder.counts.wire_bytes),
    );
}

fn address(end: Endpoint) -> String {
    if end.addr.is_ipv6() {
        format!("[{}]:{}", end.addr, end.port)
    } else {
        format!("{}:{}", end.addr, end.port)
    }
}

/// Seconds with six decimals.
fn short(ns: u64) -> String {
    format!("{}.{:06}", ns / 1_000_000_000, ns % 1_000_000_000 / 1000)
}

/// Bytes with a decimal unit, in at most eight characters.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10_000 {
        return bytes.to_string();
    }
    let mut tenths = bytes / 100;
    for unit in UNITS {
        if tenths < 10_000 {
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
        tenths /= 1000;
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_above_ten_thousand() {
        for (bytes, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10.0kB"),
            (999_999, "999.9kB"),
            (1_000_000, "1.0MB"),
            (12_345_678_900, "12.3GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
