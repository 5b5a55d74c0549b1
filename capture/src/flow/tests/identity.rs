//! What belongs to one flow: requests and answers, fragments, both families.

use super::script::{Script, datagram, fragment_of, host, layers};
use crate::dissect::{Addresses, Ip, Layers, Malformed, Net, Transport};
use crate::flow::{Observed, Outcome};

const A: u32 = host(1);
const B: u32 = host(2);

fn icmp(src: u32, dst: u32, kind: u8, code: u8) -> Layers {
    layers(
        src,
        dst,
        1,
        Transport::Icmp {
            kind,
            code,
            payload_len: 56,
        },
    )
}

fn v6(src: u64, dst: u64, protocol: u8, transport: Transport) -> Layers {
    let ip = Ip {
        addresses: Addresses::V6 {
            src: [0x20, src.to_be()],
            dst: [0x20, dst.to_be()],
        },
        protocol,
        ip_len: 140,
        payload_len: 100,
        fragment: None,
        ttl: 64,
        ecn: 0,
        cut_short: false,
    };
    Layers {
        net: Net::Ip(ip),
        transport,
        ..Layers::EMPTY
    }
}

#[test]
fn an_icmp_request_and_its_reply_are_one_flow_with_zeeks_ports() {
    // Request and reply: RFC 792 echo, timestamp, information; RFC 950 address mask.
    for (request, reply) in [(8, 0), (13, 14), (15, 16), (17, 18)] {
        let mut script = Script::new();
        script.packet(&icmp(A, B, request, 0));
        script.packet(&icmp(B, A, reply, 0));
        let records = script.finish();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].outcome, Outcome::Answered);
        let ports = [
            records[0].initiator.endpoint.port,
            records[0].responder.endpoint.port,
        ];
        assert_eq!(ports, [u16::from(request), u16::from(reply)]);
    }
}

#[test]
fn an_icmpv6_echo_is_one_flow() {
    let mut script = Script::new();
    let echo = |kind| Transport::Icmp {
        kind,
        code: 0,
        payload_len: 56,
    };
    script.packet(&v6(1, 2, 58, echo(128)));
    script.packet(&v6(2, 1, 58, echo(129)));
    let records = script.finish();
    assert_eq!(records.len(), 1);
    let ports = [
        records[0].initiator.endpoint.port,
        records[0].responder.endpoint.port,
    ];
    assert_eq!((ports, records[0].protocol), ([128, 129], 58));
}

#[test]
fn an_icmp_error_is_a_flow_of_type_and_code() {
    let mut script = Script::new();
    script.packet(&icmp(B, A, 3, 13));
    script.packet(&icmp(A, B, 8, 0));
    let records = script.finish();
    assert_eq!(records.len(), 2);
    let ports = [
        records[0].initiator.endpoint.port,
        records[0].responder.endpoint.port,
    ];
    assert_eq!(ports, [3, 13]);
}

#[test]
fn a_reply_alone_is_its_senders() {
    let mut script = Script::new();
    script.packet(&icmp(B, A, 0, 0));
    let record = &script.finish()[0];
    assert_eq!(record.initiator.endpoint.addr.to_string(), "10.0.0.2");
    assert_eq!(
        [
            record.initiator.endpoint.port,
            record.responder.endpoint.port
        ],
        [0, 8]
    );
    assert_eq!(record.initiator.counts.packets, 1);
}

#[test]
fn fragments_join_the_flow_of_the_first_one() {
    let mut script = Script::new();
    let first = datagram((A, 5000), (B, 53));
    script.packet(&fragment_of(first, 7, 0));
    script.packet(&fragment_of(first, 7, 1480));
    script.packet(&fragment_of(first, 7, 2960));
    script.packet(&first);
    let records = script.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].initiator.counts.packets, 4);
    assert_eq!(
        (
            records[0].initiator.endpoint.port,
            records[0].responder.endpoint.port
        ),
        (5000, 53)
    );
}

#[test]
fn ipv6_fragments_join_the_flow_of_the_first_one() {
    let ports = Transport::Ports {
        src_port: 5000,
        dst_port: 53,
        payload_len: 92,
    };
    let mut script = Script::new();
    let first = v6(1, 2, 17, ports);
    script.packet(&fragment_of(first, 7, 0));
    script.packet(&fragment_of(first, 7, 1448));
    let records = script.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].initiator.counts.packets, 2);
}

#[test]
fn fragments_of_which_the_first_was_missed_are_a_flow_without_ports() {
    let mut script = Script::new();
    let first = datagram((A, 5000), (B, 53));
    script.packet(&fragment_of(first, 7, 1480));
    script.packet(&fragment_of(first, 8, 1480));
    let records = script.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (
            records[0].initiator.endpoint.port,
            records[0].responder.endpoint.port
        ),
        (0, 0)
    );
}

#[test]
fn the_same_ports_of_other_protocols_and_families_are_other_flows() {
    let ports = Transport::Ports {
        src_port: 1,
        dst_port: 2,
        payload_len: 92,
    };
    let mut script = Script::new();
    for protocol in [17, 132, 136] {
        script.packet(&layers(A, B, protocol, ports));
        script.packet(&v6(1, 2, protocol, ports));
    }
    assert_eq!(script.finish().len(), 6);
}

#[test]
fn a_flow_may_have_one_endpoint() {
    // The land attack: source and destination alike.
    let mut script = Script::new();
    script.packet(&datagram((A, 7), (A, 7)));
    script.packet(&datagram((A, 7), (A, 7)));
    let records = script.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].initiator.counts.packets, 2);
    assert_eq!(records[0].outcome, Outcome::Unanswered);
}

#[test]
fn a_packet_without_a_key_begins_nothing() {
    let mut script = Script::new();
    let good = datagram((A, 1), (B, 2));
    let malformed = Layers {
        malformed: Some(Malformed::Version),
        ..good
    };
    let snapped = Layers {
        snapped: true,
        ..good
    };
    let arp = Layers {
        net: Net::Arp,
        ..Layers::EMPTY
    };
    assert_eq!(script.packet(&malformed), Observed::Malformed);
    assert_eq!(script.packet(&snapped), Observed::Snapped);
    assert_eq!(script.packet(&arp), Observed::NotIp);
    assert_eq!(script.table.live(), 0);
    assert!(script.finish().is_empty());
}
