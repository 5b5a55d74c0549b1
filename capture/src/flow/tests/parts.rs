//! Flows that last longer than the active timeout: a record now and then, and they add up.

use proptest::prelude::*;

use super::script::{ACK, RST, SECOND, SYN, Script, datagram, host, segment};
use crate::dissect::Layers;
use crate::flow::{EndReason, FlowRecord, Limits, Side, Timeouts};
use crate::packet::Span;

const CLIENT: (u32, u16) = (host(1), 40_000);
const SERVER: (u32, u16) = (host(2), 443);

fn script(active: Option<u64>) -> Script {
    let timeouts = Timeouts {
        active: active.map(Span::from_secs),
        ..Timeouts::default()
    };
    Script::with(Limits::flows(100), timeouts)
}

#[test]
fn a_long_flow_is_told_in_parts() {
    let mut script = script(Some(60));
    for _ in 0..31 {
        script.packet(&datagram(CLIENT, SERVER));
        script.wait(10 * SECOND);
    }
    // 31 packets within 300 s: those at 0 to 50 s, 60 to 110 s, and so on.
    let records = script.finish();
    let told: Vec<_> = records
        .iter()
        .map(|it| (it.part, it.initiator.counts.packets, it.end))
        .collect();
    let active = EndReason::Active;
    assert_eq!(
        told,
        [
            (0, 6, active),
            (1, 6, active),
            (2, 6, active),
            (3, 6, active),
            (4, 6, active),
            (5, 1, EndReason::Shutdown),
        ]
    );
    for pair in records.windows(2) {
        assert_eq!(pair[0].id, pair[1].id);
        assert_eq!(pair[0].flow_ts, pair[1].flow_ts);
        assert_eq!(
            pair[0].first_ts.after(Span::from_secs(60)),
            pair[1].first_ts
        );
        assert_eq!(pair[0].duration(), Span::from_secs(50));
    }
}

#[test]
fn without_room_to_remember_parts_a_flow_is_told_as_a_whole() {
    let limits = Limits {
        max_flows: 100,
        max_details: 0,
    };
    let timeouts = Timeouts {
        active: Some(Span::from_secs(60)),
        ..Timeouts::default()
    };
    let mut script = Script::with(limits, timeouts);
    for _ in 0..31 {
        script.packet(&datagram(CLIENT, SERVER));
        script.wait(10 * SECOND);
    }
    let records = script.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].initiator.counts.packets, 31);
}

#[test]
fn a_flow_without_another_packet_has_no_other_part() {
    let mut script = script(Some(60));
    script.packet(&datagram(CLIENT, SERVER));
    script.wait(59 * SECOND).packet(&datagram(SERVER, CLIENT));
    script.wait(59 * SECOND).advance();
    assert!(script.records.is_empty());
    script.wait(2 * SECOND).advance();
    assert_eq!(script.records.len(), 1);
    assert_eq!(script.records[0].end, EndReason::Idle);
}

/// What adds up over the parts of one side.
fn sums(sides: &[&Side]) -> [u64; 14] {
    let sum = |of: fn(&Side) -> u64| sides.iter().map(|side| of(side)).sum();
    [
        sum(|it| it.counts.packets),
        sum(|it| it.counts.ip_bytes),
        sum(|it| it.counts.wire_bytes),
        sum(|it| it.payload_bytes),
        sum(|it| it.missed_bytes),
        sum(|it| it.bad_checksums),
        sum(|it| it.tcp.retransmitted_segments),
        sum(|it| it.tcp.retransmitted_bytes),
        sum(|it| it.tcp.spurious_retransmissions),
        sum(|it| it.tcp.out_of_order),
        sum(|it| it.tcp.lost_segments),
        sum(|it| it.tcp.duplicate_acks),
        sum(|it| it.tcp.keep_alives),
        sum(|it| it.tcp.zero_windows),
    ]
}

fn by_side(records: &[FlowRecord]) -> [[u64; 14]; 2] {
    let initiator: Vec<_> = records.iter().map(|it| &it.initiator).collect();
    let responder: Vec<_> = records.iter().map(|it| &it.responder).collect();
    [sums(&initiator), sums(&responder)]
}

/// A step of a conversation: who, how much, how far off, and how long after the one before.
fn steps() -> impl Strategy<Value = Vec<(bool, u32, i32, u64)>> {
    let len = prop_oneof![Just(0_u32), 1_u32..1500];
    let skew = prop_oneof![8 => Just(0), 1 => -2000..2000];
    prop::collection::vec((any::<bool>(), len, skew, 0_u64..100), 1..80)
}

fn conversation(
    mut script: Script,
    steps: &[(bool, u32, i32, u64)],
    reset: bool,
) -> Vec<FlowRecord> {
    let mut next = [1000_u32, 7_000_000];
    let opening: [Layers; 3] = [
        segment(CLIENT, SERVER, [999, 0], SYN, 0),
        segment(SERVER, CLIENT, [6_999_999, 1000], SYN | ACK, 0),
        segment(CLIENT, SERVER, [1000, 7_000_000], ACK, 0),
    ];
    for layers in opening {
        script.packet(&layers);
    }
    for &(client, len, skew, pause) in steps {
        let (own, other) = if client { (0, 1) } else { (1, 0) };
        let ends = [CLIENT, SERVER];
        let numbers = [next[own].wrapping_add_signed(skew), next[other]];
        script.wait(pause * SECOND);
        script.packet(&segment(ends[own], ends[other], numbers, ACK, len));
        if skew == 0 {
            next[own] += len;
        }
    }
    if reset {
        script.packet(&segment(CLIENT, SERVER, [next[0], next[1]], RST | ACK, 0));
    }
    script.finish()
}

proptest! {
    /// The oracle is the same conversation, told at once.
    #[test]
    fn parts_add_up_to_the_whole(steps in steps(), reset in any::<bool>(), active in 1_u64..200) {
        let whole = conversation(script(None), &steps, reset);
        let parts = conversation(script(Some(active)), &steps, reset);
        prop_assert_eq!(whole.len(), 1);
        prop_assert_eq!(by_side(&parts), by_side(&whole));
        let last = parts.last().expect("a record");
        prop_assert_eq!(last.history, whole[0].history);
        prop_assert_eq!(last.conn_state, whole[0].conn_state);
        prop_assert_eq!(last.end, whole[0].end);
        prop_assert!(parts.iter().all(|part| part.id == whole[0].id));
        prop_assert!(parts.iter().zip(0..).all(|(part, number)| part.part == number));
    }
}
