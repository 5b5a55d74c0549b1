//! Records made by hand, for tests: every field has a value that can be told from the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dissect::{TcpFlags, Tunnel, TunnelKind};
use crate::flow::{
    ConnState, Counts, EndReason, EndedBy, Endpoint, FlowRecord, History, Outcome, RttSummary,
    Sampling, Side, TcpSide, TcpState, TcpSummary,
};
use crate::packet::{FrameNo, IfaceId, Span, Timestamp};

/// 2023-11-14T22:13:20Z.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

/// A record of which nothing is said but who talks to whom.
pub(crate) fn between(protocol: u8, initiator: (&str, u16), responder: (&str, u16)) -> FlowRecord {
    let side = |(addr, port): (&str, u16)| Side {
        endpoint: Endpoint {
            addr: addr.parse().unwrap(),
            port,
        },
        counts: Counts::default(),
        captured_packets: 0,
        captured_bytes: 0,
        payload_bytes: 0,
        missed_bytes: 0,
        bad_checksums: 0,
        initial_ttl: 0,
        tcp: TcpSide::default(),
    };
    FlowRecord {
        id: FrameNo(1),
        part: 0,
        flow_ts: START,
        first_ts: START,
        last_ts: START,
        iface: IfaceId(0),
        vlans: [0; 2],
        vlan_tags: 0,
        tunnel: None,
        protocol,
        initiator: side(initiator),
        responder: side(responder),
        tcp: (protocol == 6).then_some(TcpSummary { handshake: None }),
        conn_state: ConnState::Oth,
        history: History::new(),
        outcome: Outcome::Unanswered,
        ended_by: None,
        end: EndReason::Shutdown,
        sampling: Sampling::ALL,
    }
}

/// A TCP connection of 2.5 seconds that both sides closed, with different numbers everywhere.
pub(crate) fn closed_connection() -> FlowRecord {
    const FLAGS: TcpFlags = TcpFlags::SYN.with(TcpFlags::ACK).with(TcpFlags::FIN);
    let mut record = between(6, ("192.0.2.1", 40_000), ("198.51.100.2", 443));
    record.id = FrameNo(0x0001_0203_0405_0607);
    record.flow_ts = Timestamp(1_700_000_000_123_456_789);
    record.first_ts = record.flow_ts;
    record.last_ts = Timestamp(1_700_000_002_623_456_789);
    record.vlan_tags = 2;
    record.vlans = [100, 200];
    record.initiator.counts = Counts {
        packets: 7,
        wire_bytes: 1_098,
        ip_bytes: 1_000,
    };
    record.initiator.payload_bytes = 630;
    record.initiator.initial_ttl = 64;
    record.initiator.tcp.flags = FLAGS.with(TcpFlags::PSH);
    record.responder.counts = Counts {
        packets: 6,
        wire_bytes: 20_084,
        ip_bytes: 20_000,
    };
    record.responder.payload_bytes = 19_670;
    record.responder.missed_bytes = 1_460;
    record.responder.initial_ttl = 55;
    record.responder.tcp.flags = FLAGS;
    record.conn_state = ConnState::Sf;
    for letter in *b"ShADadFf" {
        record.history.push(letter);
    }
    record.outcome = Outcome::Closed;
    record.end = EndReason::Fin;
    record
}

/// Different records: three of four are TCP, every fifth IPv6, every seventh tunneled, three seconds
/// lie between their starts.
pub(crate) fn records(count: u64) -> Vec<FlowRecord> {
    (0..count).map(record).collect()
}

fn record(n: u64) -> FlowRecord {
    let small = n as u32;
    let protocol = [6, 17, 6, 6][(n % 4) as usize];
    let mut record = between(protocol, ("10.0.0.1", 0), ("10.0.0.2", 443));
    let addr = |high: u16| -> IpAddr {
        if n.is_multiple_of(5) {
            Ipv6Addr::new(0x2001, 0xdb8, high, 0, 0, 0, 0, (n % 9000) as u16).into()
        } else {
            Ipv4Addr::from(0x0a00_0000 | (u32::from(high) << 16) | (small % 60_000)).into()
        }
    };
    record.id = FrameNo(n * 13 + 1);
    record.flow_ts = Timestamp(START.0 + n * 3_000_000_001);
    record.first_ts = record.flow_ts;
    record.last_ts = Timestamp(record.first_ts.0 + n % 1_000 * 1_234_567);
    record.iface = IfaceId(small % 2);
    record.sampling = Sampling {
        packets: 1 + small % 100,
        flows: 1 + small % 7,
    };
    if n.is_multiple_of(3) {
        record.vlans = [100, 200];
        record.vlan_tags = small as u8 % 3;
    }
    record.tunnel = n.is_multiple_of(7).then(|| Tunnel {
        kind: TunnelKind::Vxlan,
        depth: 1,
        id: small % 1000,
        src: Some(addr(3)),
        dst: n.is_multiple_of(2).then(|| addr(4)),
        carrier: 0,
    });
    record.conn_state = [
        ConnState::Sf,
        ConnState::S0,
        ConnState::Rej,
        ConnState::Rsto,
        ConnState::Oth,
    ][(n % 5) as usize];
    if n % 5 != 4 {
        for letter in b"ShADadFf".iter().take(1 + (n % 8) as usize) {
            record.history.push(*letter);
        }
    }
    record.outcome = [Outcome::Closed, Outcome::Refused, Outcome::Answered][(n % 3) as usize];
    record.ended_by = [None, Some(EndedBy::Initiator), Some(EndedBy::Responder)][(n % 3) as usize];
    record.end = [EndReason::Fin, EndReason::Idle][(n % 2) as usize];
    record.tcp = (protocol == 6).then(|| TcpSummary {
        handshake: n
            .is_multiple_of(2)
            .then_some([Span(n * 1001 % 90_000_000), Span(n * 77 % 1_000_000)]),
    });
    for (offset, side) in [&mut record.initiator, &mut record.responder]
        .into_iter()
        .enumerate()
    {
        let offset = offset as u64;
        side.endpoint.addr = addr(offset as u16 + 1);
        if offset == 0 {
            side.endpoint.port = (n * 31 % 64_000 + 1024) as u16;
        }
        let size = (n.wrapping_mul(2_654_435_761) >> 7) % 100_000 + offset;
        side.counts = Counts {
            packets: size / 1000 + 1,
            wire_bytes: size + 54,
            ip_bytes: size + 40,
        };
        side.captured_packets = side.counts.packets / 2;
        side.captured_bytes = size / 3;
        side.payload_bytes = size;
        side.missed_bytes = if n % 50 == 1 { size / 2 } else { 0 };
        side.bad_checksums = u64::from(n % 97 == 5);
        side.initial_ttl = [64, 128, 255][(n % 3) as usize];
        if protocol == 6 {
            side.tcp = tcp_side(n + offset);
        }
    }
    record
}

fn tcp_side(n: u64) -> TcpSide {
    let mut rtt = RttSummary::default();
    if n % 4 != 1 {
        for sample in 0..=n % 5 {
            let time = Span(20_000 + n * 7919 % 40_000_000 + sample * 1_000_000);
            rtt.min = if sample == 0 { time } else { rtt.min.min(time) };
            rtt.max = rtt.max.max(time);
            rtt.sum = Span(rtt.sum.0 + time.0);
            rtt.samples += 1;
            rtt.histogram.add(time, 1);
        }
    }
    let rare = |every: u64| if n % every == 1 { n % 10 + 1 } else { 0 };
    TcpSide {
        flags: TcpFlags([0x1b, 0x02, 0x14, 0x00][(n % 4) as usize]),
        state: [TcpState::TimeWait, TcpState::SynSent, TcpState::Closed][(n % 3) as usize],
        mss: (!n.is_multiple_of(3)).then_some(1460),
        window_scale: (!n.is_multiple_of(3)).then_some((n % 15) as u8),
        sack_permitted: n.is_multiple_of(2),
        timestamps: n.is_multiple_of(3),
        ecn: n.is_multiple_of(11),
        rtt,
        retransmitted_segments: rare(20),
        retransmitted_bytes: rare(20) * 1000,
        fast_retransmissions: rare(40),
        spurious_retransmissions: rare(60),
        out_of_order: rare(30),
        lost_segments: rare(70),
        acked_unseen: rare(80),
        duplicate_acks: rare(15),
        zero_windows: rare(90),
        zero_window_probes: rare(100),
        window_full: rare(110),
        keep_alives: rare(120),
    }
}
