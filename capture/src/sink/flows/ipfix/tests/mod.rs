//! Messages as collectors read them, and sessions with collectors.

mod decoder;
mod messages;
mod sessions;
mod tools;

use super::super::encoder::{Encoder as _, Names};
use super::super::samples::{between, closed_connection};
use super::file::IpfixFile;
use crate::flow::{Counts, EndReason, FlowRecord};
use crate::packet::Timestamp;

/// A record of each template, with different values.
fn one_of_each() -> Vec<FlowRecord> {
    let connection = closed_connection();
    let mut v6 = between(6, ("2001:db8::1", 50_000), ("2001:db8::2", 22));
    v6.tcp = connection.tcp;
    v6.initiator.tcp.flags = connection.responder.tcp.flags;
    let mut all = vec![
        connection,
        v6,
        // Unreachable, port: type 3 is not answered, so the second port is the code.
        between(1, ("192.0.2.1", 3), ("192.0.2.9", 3)),
        between(58, ("2001:db8::1", 128), ("2001:db8::3", 129)),
        between(17, ("192.0.2.1", 5353), ("224.0.0.251", 5353)),
        between(17, ("2001:db8::1", 546), ("2001:db8::4", 547)),
    ];
    for (number, record) in all.iter_mut().enumerate().skip(1) {
        let number = number as u64;
        record.id.0 = number;
        record.first_ts = Timestamp(1_700_000_010_000_000_000 + number * 1_001_000_000);
        record.flow_ts = record.first_ts;
        record.last_ts = Timestamp(record.first_ts.0 + number * 250_000_000);
        record.initiator.counts = Counts {
            packets: 10 + number,
            wire_bytes: 0,
            ip_bytes: 1_000 + number,
        };
        record.responder.counts = Counts {
            packets: 20 + number,
            wire_bytes: 0,
            ip_bytes: 2_000 + number,
        };
        record.initiator.initial_ttl = 100 + number as u8;
        record.responder.initial_ttl = 200 + number as u8;
        record.end = EndReason::Active;
    }
    all
}

/// An IPFIX file with these records.
fn file_of(records: &[FlowRecord], names: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut file = IpfixFile::new();
    file.begin(&mut out).unwrap();
    if !records.is_empty() {
        file.records(records, Names(names), &mut out).unwrap();
    }
    file.finish(Names(names), 0, &mut out).unwrap();
    out
}
