//! What is in the messages: read back by a decoder made from the RFCs.

use std::net::IpAddr;

use proptest::prelude::*;

use super::super::super::samples::{between, closed_connection};
use super::super::element::Source;
use super::super::message::MessageBuilder;
use super::decoder::{Decoder, Record, nanoseconds, unsigned};
use super::{file_of, one_of_each};
use crate::dissect::TcpFlags;
use crate::flow::{EndReason, FlowRecord, Sampling};
use crate::packet::{FrameNo, Timestamp};

#[test]
fn a_file_begins_with_its_templates_and_counts_its_records() {
    let records: Vec<_> = one_of_each().into_iter().cycle().take(3_000).collect();
    let bytes = file_of(&records, &["eth0".to_owned()]);
    let messages = Decoder::default().messages(&bytes);
    assert!(messages.len() > 2, "all in one message");
    assert_eq!(messages[0].templates, 6);
    assert_eq!(messages[0].records.len(), 0);
    let mut before = 0;
    for message in &messages {
        assert_eq!(message.sequence, before);
        assert_eq!(message.domain, 0);
        before += message.records.len() as u32;
    }
    assert_eq!(before, 3_000);
    // The last flow ends a quarter second after a full one.
    assert_eq!(messages.last().unwrap().export_secs, 1_700_000_017);
}

#[test]
fn a_file_without_records_has_templates() {
    let messages = Decoder::default().messages(&file_of(&[], &[]));
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].templates, 6);
}

#[test]
fn all_elements_of_a_connection_are_read_back() {
    let record = closed_connection();
    let bytes = file_of(std::slice::from_ref(&record), &["eth0".to_owned()]);
    let messages = Decoder::default().messages(&bytes);
    let read = &messages[1].records[0];
    // Numbers from IANA's registry.
    for ((element, reverse), expected) in [
        ((148, false), 0x0001_0203_0405_0607),
        ((152, false), 1_700_000_000_123),
        ((153, false), 1_700_000_002_623),
        ((4, false), 6),
        ((8, false), 0xc000_0201),
        ((12, false), 0xc633_6402),
        ((7, false), 40_000),
        ((11, false), 443),
        ((1, false), 1_000),
        ((1, true), 20_000),
        ((2, false), 7),
        ((2, true), 6),
        ((6, false), 0x1b),
        ((6, true), 0x13),
        ((192, false), 64),
        ((192, true), 55),
        ((136, false), 3),
        ((239, false), 1),
        ((58, false), 100),
        ((245, false), 200),
    ] {
        assert_eq!(unsigned(&read[&(element, reverse)]), expected, "{element}");
    }
    assert_eq!(nanoseconds(&read[&(156, false)]), record.first_ts.0);
    assert_eq!(nanoseconds(&read[&(157, false)]), record.last_ts.0);
    assert_eq!(read[&(82, false)], b"eth0");
    assert_eq!(read.len(), 27);
}

/// RFC 792, RFC 4443, and how a record holds type, answer and code.
#[test]
fn icmp_has_type_and_code() {
    for (protocol, addr, ports, expected) in [
        (1, "192.0.2.1", (8, 0), 0x0800),
        (1, "192.0.2.1", (0, 8), 0x0000),
        (1, "192.0.2.1", (3, 3), 0x0303),
        (1, "192.0.2.1", (11, 1), 0x0b01),
        (58, "2001:db8::1", (128, 129), 0x8000),
        (58, "2001:db8::1", (135, 136), 0x8700),
        (58, "2001:db8::1", (1, 4), 0x0104),
    ] {
        let record = between(protocol, (addr, ports.0), (addr, ports.1));
        let messages = Decoder::default().messages(&file_of(&[record], &[]));
        let element = if protocol == 1 { 32 } else { 139 };
        let read = &messages[1].records[0];
        assert_eq!(unsigned(&read[&(element, false)]), expected, "{ports:?}");
        assert!(!read.contains_key(&(7, false)), "ports of ICMP");
    }
}

/// IANA "flowEndReason".
#[test]
fn the_end_reason_is_ianas() {
    for (end, expected) in [
        (EndReason::Idle, 1),
        (EndReason::Active, 2),
        (EndReason::Fin, 3),
        (EndReason::Reset, 3),
        (EndReason::Shutdown, 4),
        (EndReason::Evicted, 5),
    ] {
        let mut record = closed_connection();
        record.end = end;
        let messages = Decoder::default().messages(&file_of(&[record], &[]));
        assert_eq!(messages[1].records[0][&(136, false)], [expected]);
    }
}

/// The 32 bits of NTP's seconds begin again in February 2036 (RFC 5905 section 6).
#[test]
fn times_go_on_after_2036() {
    let mut record = closed_connection();
    record.first_ts = Timestamp::new(2_085_978_496, 0);
    record.last_ts = Timestamp::new(2_085_978_497, 999_999_999);
    let messages = Decoder::default().messages(&file_of(&[record.clone()], &[]));
    let read = &messages[1].records[0];
    assert_eq!(unsigned(&read[&(156, false)]), 0);
    assert_eq!(nanoseconds(&read[&(157, false)]), record.last_ts.0);
}

#[test]
fn the_shortest_messages_hold_all_templates_and_the_longest_record() {
    let mut builder = MessageBuilder::new(0);
    let mut record = closed_connection();
    record.initiator.endpoint.addr = "2001:db8::1".parse().unwrap();
    record.responder.endpoint.addr = "2001:db8::2".parse().unwrap();
    let iface = "e".repeat(1_000);
    let source = Source {
        record: &record,
        iface: &iface,
    };
    builder.templates();
    builder.record(&source).unwrap();
    builder.finish(0, |message| {
        assert!(message.bytes.len() <= MessageBuilder::MIN_LEN);
        let (decoded, rest) = Decoder::default().message(message.bytes);
        assert!(rest.is_empty());
        assert_eq!(decoded.records[0][&(82, false)], iface.as_bytes()[..254]);
    });
}

fn records() -> impl Strategy<Value = Vec<FlowRecord>> {
    prop::collection::vec(record(), 1..60)
}

prop_compose! {
    fn record()(
        protocol in prop_oneof![Just(6), Just(17), Just(1), Just(58), any::<u8>()],
        v6 in any::<bool>(),
        addrs in any::<[u128; 2]>(),
        ports in any::<[u16; 2]>(),
        counts in any::<[u64; 4]>(),
        // As long as 32 bits hold the seconds since 1970.
        times in prop::array::uniform2(0_u64..4_294_967_296_000_000_000),
        flags in any::<[u8; 2]>(),
        ttls in any::<[u8; 2]>(),
        vlans in any::<[u16; 2]>(),
        id in any::<u64>(),
        iface in 0_u32..4,
        sampling in any::<[u32; 2]>(),
    ) -> FlowRecord {
        let mut record = between(protocol, ("::", ports[0]), ("::", ports[1]));
        let [first, second] = addrs.map(|bits| if v6 {
            IpAddr::V6(bits.into())
        } else {
            IpAddr::V4((bits as u32).into())
        });
        record.initiator.endpoint.addr = first;
        record.responder.endpoint.addr = second;
        record.id = FrameNo(id);
        record.first_ts = Timestamp(times[0].min(times[1]));
        record.last_ts = Timestamp(times[0].max(times[1]));
        record.vlans = vlans;
        record.iface.0 = iface;
        record.sampling = Sampling {
            packets: sampling[0].max(1),
            flows: sampling[1].max(1),
        };
        for (number, side) in [&mut record.initiator, &mut record.responder]
            .into_iter()
            .enumerate()
        {
            side.counts.packets = counts[number];
            side.counts.ip_bytes = counts[number + 2];
            side.tcp.flags = TcpFlags(flags[number]);
            side.initial_ttl = ttls[number];
        }
        record
    }
}

const NAMES: [&str; 3] = ["", "eth0", "a name with ünicode"];

fn check(read: &Record, record: &FlowRecord) {
    let number = |element: u16, reverse: bool| unsigned(&read[&(element, reverse)]);
    assert_eq!(number(148, false), record.id.0);
    // One of so many: as many in a row as the interval says, then the space is left out.
    assert_eq!(number(305, false), 1);
    assert_eq!(
        number(305, false) + number(306, false),
        u64::from(record.sampling.packets)
    );
    assert_eq!(
        number(396, false) + number(397, false),
        u64::from(record.sampling.flows)
    );
    assert_eq!(nanoseconds(&read[&(156, false)]), record.first_ts.0);
    assert_eq!(nanoseconds(&read[&(157, false)]), record.last_ts.0);
    assert_eq!(number(152, false), record.first_ts.0 / 1_000_000);
    assert_eq!(number(153, false), record.last_ts.0 / 1_000_000);
    assert_eq!(number(4, false), u64::from(record.protocol));
    let (src, dst) = match record.initiator.endpoint.addr {
        IpAddr::V4(_) => (8, 12),
        IpAddr::V6(_) => (27, 28),
    };
    let addr = |element: u16| match *read[&(element, false)] {
        [a, b, c, d] => IpAddr::from([a, b, c, d]),
        ref octets => IpAddr::from(<[u8; 16]>::try_from(octets).unwrap()),
    };
    assert_eq!(addr(src), record.initiator.endpoint.addr);
    assert_eq!(addr(dst), record.responder.endpoint.addr);
    for (side, reverse) in [(&record.initiator, false), (&record.responder, true)] {
        assert_eq!(number(1, reverse), side.counts.ip_bytes);
        assert_eq!(number(2, reverse), side.counts.packets);
        assert_eq!(number(192, reverse), u64::from(side.initial_ttl));
        if record.protocol == 6 {
            assert_eq!(number(6, reverse), u64::from(side.tcp.flags.0));
        }
    }
    let is_icmp = match record.initiator.endpoint.addr {
        IpAddr::V4(_) => record.protocol == 1,
        IpAddr::V6(_) => record.protocol == 58,
    };
    if !is_icmp {
        assert_eq!(number(7, false), u64::from(record.initiator.endpoint.port));
        assert_eq!(number(11, false), u64::from(record.responder.endpoint.port));
    }
    assert_eq!(number(58, false), u64::from(record.vlans[0]));
    assert_eq!(number(245, false), u64::from(record.vlans[1]));
    let name = NAMES.get(record.iface.0 as usize).unwrap_or(&"");
    assert_eq!(read[&(82, false)], name.as_bytes());
}

proptest! {
    /// In the order in which they were put in, whatever the length of the messages.
    #[test]
    fn random_records_are_read_back(records in records(), max_len in 0_usize..4_000) {
        let mut builder = MessageBuilder::new(max_len);
        let mut decoder = Decoder::default();
        let mut messages = Vec::new();
        let mut keep = |builder: &mut MessageBuilder| {
            builder.finish(7, |message| {
                assert!(message.bytes.len() <= max_len.max(MessageBuilder::MIN_LEN));
                let (decoded, rest) = decoder.message(message.bytes);
                assert!(rest.is_empty());
                assert_eq!(decoded.records.len(), message.records as usize);
                messages.push(decoded);
            });
        };
        builder.templates();
        for record in &records {
            let source = Source {
                record,
                iface: NAMES.get(record.iface.0 as usize).unwrap_or(&""),
            };
            if builder.record(&source).is_err() {
                keep(&mut builder);
                builder.record(&source).unwrap();
            }
        }
        keep(&mut builder);
        let mut before = 0;
        for message in &messages {
            prop_assert_eq!(message.sequence, before);
            before += message.records.len() as u32;
        }
        let read: Vec<_> = messages.iter().flat_map(|message| &message.records).collect();
        prop_assert_eq!(read.len(), records.len());
        for (read, record) in read.into_iter().zip(&records) {
            check(read, record);
        }
    }
}
