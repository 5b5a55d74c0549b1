//! What stands in each column of the table.

use super::super::columns::{protocol_name, round_trip};
use crate::flow::{EndedBy, Endpoint, FlowRecord, Outcome};

/// A column of the table.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) heading: &'static str,
    /// The larger, the sooner it is left out; 0 stays.
    pub(super) rank: u8,
    /// Characters that it takes at most, unless nothing limits them.
    pub(super) widest: usize,
    /// Characters to which it shrinks before others are left out.
    pub(super) usual: usize,
    pub(super) side: Side,
    pub(super) text: fn(&FlowRecord) -> String,
    /// Makes a text fit.
    pub(super) shorten: fn(&str, usize) -> String,
}

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

const ANY: usize = usize::MAX;

const fn cell(
    heading: &'static str,
    rank: u8,
    side: Side,
    text: fn(&FlowRecord) -> String,
) -> Cell {
    Cell {
        heading,
        rank,
        widest: ANY,
        usual: ANY,
        side,
        text,
        shorten: cut_end,
    }
}

/// The first column where records are of several days.
pub(super) const DATED_START: &Cell = &cell("start (UTC)", 8, Side::Left, |r| {
    let start = r.first_ts.to_string();
    start.get(..23).unwrap_or(&start).replace('T', " ")
});

/// All columns, from left to right.
pub(super) const CELLS: &[Cell] = &[
    cell("start (UTC)", 8, Side::Left, |r| {
        let start = r.first_ts.to_string();
        start.get(11..23).unwrap_or(&start).to_owned()
    }),
    cell("duration", 4, Side::Right, |r| seconds(r.duration().0)),
    cell("proto", 3, Side::Left, |r| {
        protocol_name(r.protocol).map_or_else(|| r.protocol.to_string(), str::to_owned)
    }),
    Cell {
        usual: 28,
        shorten: cut_address,
        ..cell("initiator", 0, Side::Left, |r| {
            address(r, r.initiator.endpoint)
        })
    },
    Cell {
        usual: 28,
        shorten: cut_address,
        ..cell("responder", 0, Side::Left, |r| {
            address(r, r.responder.endpoint)
        })
    },
    cell("state", 0, Side::Left, |r| r.conn_state.name().to_owned()),
    Cell {
        widest: 16,
        usual: 8,
        ..cell("history", 5, Side::Left, |r| r.history.as_str().to_owned())
    },
    cell("outcome", 9, Side::Left, outcome),
    cell("pkts >", 10, Side::Right, |r| {
        r.initiator.counts.packets.to_string()
    }),
    cell("pkts <", 10, Side::Right, |r| {
        r.responder.counts.packets.to_string()
    }),
    cell("bytes >", 1, Side::Right, |r| {
        size(r.initiator.counts.wire_bytes)
    }),
    cell("bytes <", 1, Side::Right, |r| {
        size(r.responder.counts.wire_bytes)
    }),
    cell("rtt ms", 6, Side::Right, |r| {
        round_trip(r).map_or_else(String::new, |span| milliseconds(span.0))
    }),
    cell("retr", 2, Side::Right, |r| match r.tcp {
        Some(_) => {
            let [a, b] = [&r.initiator, &r.responder].map(|side| side.tcp.retransmitted_segments);
            a.saturating_add(b).to_string()
        }
        None => String::new(),
    }),
    cell("flags", 11, Side::Left, |r| match r.tcp {
        Some(_) => format!("{}/{}", r.initiator.tcp.flags, r.responder.tcp.flags),
        None => String::new(),
    }),
];

/// The outcome, who ended it, and whether somebody may want to look.
fn outcome(record: &FlowRecord) -> String {
    let side = match record.ended_by {
        Some(EndedBy::Initiator) => ">",
        Some(EndedBy::Responder) => "<",
        None => "",
    };
    let mark = match record.outcome {
        Outcome::Refused | Outcome::Reset | Outcome::HalfOpen | Outcome::Unanswered => "!",
        _ => "",
    };
    format!("{}{side}{mark}", record.outcome.name())
}

/// The address, and the port where the protocol has ports (or, for ICMP, what stands for it).
fn address(record: &FlowRecord, end: Endpoint) -> String {
    /// ICMP, TCP, UDP, `ICMPv6`, SCTP and UDP-Lite, by IANA's numbers.
    const WITH_PORTS: [u8; 6] = [1, 6, 17, 58, 132, 136];
    let has_ports = WITH_PORTS.contains(&record.protocol) || end.port != 0;
    if !has_ports {
        return end.addr.to_string();
    }
    if end.addr.is_ipv6() {
        format!("[{}]:{}", end.addr, end.port)
    } else {
        format!("{}:{}", end.addr, end.port)
    }
}

/// Cuts the end off, and shows that.
fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    text.chars().take(kept).chain(['…']).collect()
}

/// Cuts the middle of an address out: networks are told apart by its start, hosts and ports by its end.
fn cut_address(text: &str, width: usize) -> String {
    let len = text.chars().count();
    if len <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let head = kept / 3;
    let tail = kept - head;
    text.chars()
        .take(head)
        .chain(['…'])
        .chain(text.chars().skip(len - tail))
        .collect()
}

/// Seconds: six decimals as long as they mean something.
fn seconds(ns: u64) -> String {
    let whole = ns / 1_000_000_000;
    if whole < 1000 {
        format!("{whole}.{:06}", ns % 1_000_000_000 / 1000)
    } else {
        format!("{whole}.{}", ns % 1_000_000_000 / 100_000_000)
    }
}

/// Milliseconds with three decimals.
fn milliseconds(ns: u64) -> String {
    let us = ns / 1000;
    format!("{}.{:03}", us / 1000, us % 1000)
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

    #[test]
    fn addresses_that_are_cut_keep_both_ends() {
        assert_eq!(cut_address("192.0.2.1:80", 12), "192.0.2.1:80");
        assert_eq!(cut_address("[2001:db8::1:2:3]:443", 13), "[200…2:3]:443");
    }
}
