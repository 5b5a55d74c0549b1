//! The table against a list of all packets, and against itself cut into shards.

use std::collections::HashMap;

use capture_common::ring_of;
use proptest::prelude::*;

use super::script::{START, Script, bytes_of, datagram, fragment_of, host, segment};
use crate::dissect::{Layers, Net, Steering};
use crate::flow::{FlowRecord, FlowTable, Limits, Timeouts};
use crate::packet::{FrameNo, LinkType, Packet, PacketMeta, Timestamp};

/// A packet of random traffic between few endpoints, so that they meet.
#[derive(Clone, Debug)]
struct Event {
    layers: Layers,
    wire_len: u32,
    /// Nanoseconds since the packet before it; negative where the clock was set back.
    pause: i64,
    /// Where it is a TCP segment.
    flags: Option<u8>,
}

/// What there is beside whole datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    Fragments,
    None,
}

fn event(parts: Parts) -> impl Strategy<Value = Event> {
    let pause = prop_oneof![
        20 => 0_i64..1_000_000_000,
        5 => 1_000_000_000_i64..70_000_000_000,
        1 => 290_000_000_000_i64..310_000_000_000,
        1 => -90_000_000_000_i64..0,
        // The timeouts, exactly.
        1 => prop::sample::select(vec![5_000_000_000_i64, 60_000_000_000, 300_000_000_000]),
    ];
    let part = if parts == Parts::Fragments { 44 } else { 17 };
    let kind = prop_oneof![6 => Just(6_u8), 3 => Just(17), 1 => Just(part)];
    let ends = (0_u8..3, 0_u8..3, 0_u16..3, 0_u16..3);
    let numbers = (any::<[u32; 2]>(), 0_u8..64, 0_u16..3);
    (kind, ends, numbers, 60_u32..1500, pause).prop_map(
        |(kind, (a, b, p, q), (numbers, flags, offset), wire_len, pause)| {
            let (src, dst) = ((host(a), p), (host(b), q));
            // Sequence numbers from a small range, so that acknowledgments hit.
            let numbers = numbers.map(|number| number % 4);
            let layers = match kind {
                6 => segment(src, dst, numbers, flags, 0),
                17 => datagram(src, dst),
                _ => fragment_of(datagram(src, dst), numbers[0], offset * 800),
            };
            Event {
                layers,
                wire_len,
                pause,
                flags: (kind == 6).then_some(flags),
            }
        },
    )
}

/// The packets with their numbers and times.
fn stamped(events: &[Event]) -> Vec<(PacketMeta, &Event)> {
    let (mut ts, mut clock) = (START, START);
    let stamp = |(number, event): (usize, _)| {
        let event: &Event = event;
        ts = Timestamp(ts.0.saturating_add_signed(event.pause));
        clock = clock.max(ts);
        let meta = PacketMeta {
            frame: FrameNo(number as u64 + 1),
            ts,
            clock,
            wire_len: event.wire_len,
            link: LinkType::ETHERNET,
            ..Packet::EMPTY.meta
        };
        (meta, event)
    };
    events.iter().enumerate().map(stamp).collect()
}

/// All records of so many shards, by their numbers. After the packets for which `advance` says so,
/// every shard hears what time it is.
fn records(packets: &[(PacketMeta, &Event)], shards: u32, advance: &[bool]) -> Vec<FlowRecord> {
    const SEED: u64 = 7;
    let limits = Limits::flows(10_000);
    let mut tables: Vec<_> = (0..shards)
        .map(|_| FlowTable::new(limits, Timeouts::default(), SEED))
        .collect();
    let mut steering = Steering::new(SEED);
    let mut out = Vec::new();
    for (number, (meta, event)) in packets.iter().enumerate() {
        let hash = steering.hash(&event.layers, meta.clock);
        let table = &mut tables[ring_of(hash, shards) as usize];
        let data = bytes_of(&event.layers);
        let packet = Packet {
            meta: *meta,
            data: &data,
        };
        let mut layers = event.layers;
        let prepared = table.prepare(&mut layers, &packet);
        table.observe(&prepared, &packet, &layers, &mut |record| {
            out.push(record);
        });
        if advance.get(number % advance.len().max(1)) == Some(&true) {
            for table in &mut tables {
                table.advance(meta.clock, &mut |record| out.push(record));
            }
        }
    }
    let end = packets.last().map_or(START, |(meta, _)| meta.clock);
    for table in &mut tables {
        table.advance(end, &mut |record| out.push(record));
        table.finish(&mut |record| out.push(record));
    }
    out.sort_by_key(|record| record.id);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_depend_neither_on_shards_nor_on_when_time_was_told(
        events in prop::collection::vec(event(Parts::Fragments), 1..300),
        shards in 2_u32..9,
        advance in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let packets = stamped(&events);
        let never = records(&packets, 1, &[]);
        prop_assert_eq!(&records(&packets, 1, &[true]), &never, "time told after every packet");
        prop_assert_eq!(&records(&packets, 1, &advance), &never, "time told now and then");
        prop_assert_eq!(&records(&packets, shards, &[]), &never, "{} shards", shards);
        prop_assert_eq!(&records(&packets, shards, &advance), &never, "{} shards and time", shards);
    }

    /// The slow and obvious way: a list of packets for each pair of endpoints. Records are merged by
    /// pair, since the table also splits by time and reuse of ports.
    #[test]
    fn counts_are_those_of_a_list_of_packets(
        events in prop::collection::vec(event(Parts::None), 1..300),
    ) {
        type End = (std::net::IpAddr, u16);
        #[derive(Debug, Default, PartialEq, Eq)]
        struct Sent { packets: u64, wire_bytes: u64, ip_bytes: u64, flags: u8 }
        let packets = stamped(&events);
        let mut expected: HashMap<(u8, End, End), Sent> = HashMap::new();
        let mut firsts: HashMap<(u32, u32, u32), (u16, u16)> = HashMap::new();
        for (meta, event) in &packets {
            let Net::Ip(ip) = event.layers.net else { unreachable!() };
            let mut ports = match event.layers.transport {
                crate::dissect::Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port),
                crate::dissect::Transport::Ports {
 src_port, dst_port, .. } => (src_port, dst_port),
                _ => (0, 0),
            };
            if let (Some(fragment), crate::dissect::Addresses::V4 { src, dst }) = (ip.fragment, ip.addresses) {
                let key = (src, dst, fragment.id);
                if fragment.offset == 0 {
                    firsts.insert(key, ports);
                } else {
                    ports = firsts.get(&key).copied().unwrap_or((0, 0));
                }
            }
            let ends = ((ip.addresses.src(), ports.0), (ip.addresses.dst(), ports.1));
            let sent = expected.entry((ip.protocol, ends.0, ends.1)).or_default();
            sent.packets += 1;
            sent.wire_bytes += u64::from(meta.wire_len);
            sent.ip_bytes += u64::from(ip.ip_len);
            sent.flags |= event.flags.unwrap_or(0);
        }
        let mut found: HashMap<(u8, End, End), Sent> = HashMap::new();
        for record in records(&packets, 1, &[]) {
            let initiator = (record.initiator.endpoint.addr, record.initiator.endpoint.port);
            let responder = (record.responder.endpoint.addr, record.responder.endpoint.port);
            for (from, to, counts, flags) in [
                (initiator, responder, record.initiator.counts, record.tcp.map(|_| record.initiator.tcp.flags)),
                (responder, initiator, record.responder.counts, record.tcp.map(|_| record.responder.tcp.flags)),
            ] {
                if counts.packets == 0 {
                    continue;
                }
                let sent = found.entry((record.protocol, from, to)).or_default();
                sent.packets += counts.packets;
                sent.wire_bytes += counts.wire_bytes;
                sent.ip_bytes += counts.ip_bytes;
                sent.flags |= flags.map_or(0, |flags| flags.0);
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_order_of_packets_keeps_the_tables_books(
        events in prop::collection::vec(event(Parts::Fragments), 1..300),
        max_flows in 1_u32..12,
    ) {
        let mut script = Script::bounded(max_flows);
        for (meta, event) in stamped(&events) {
            script.packet_with(meta, &event.layers);
            prop_assert!(script.table.live() <= max_flows);
        }
        let sum: u64 = script
            .finish()
            .iter()
            .map(|record| record.initiator.counts.packets + record.responder.counts.packets)
            .sum();
        prop_assert_eq!(sum, events.len() as u64);
    }
}
