//! Flows that fall silent: on packet time alone, to the nanosecond.

use super::script::{
    ACK, Client, FIN, MILLISECOND, RST, SECOND, START, SYN, Script, Server, Talk, datagram, host,
    segment,
};
use crate::flow::{EndReason, Outcome};

const CLIENT: (u32, u16) = (host(1), 40_000);
const SERVER: (u32, u16) = (host(2), 443);
const ELSEWHERE: (u32, u16) = (host(9), 9);

/// Who sends, and with which flags.
type Segments = Vec<(super::script::Side, u8)>;

/// What is sent to begin a flow, as segments of two ends, and how long it may then be silent, in
/// seconds (the table's defaults; Zeek's where `Timeouts` says so).
fn cases() -> Vec<(&'static str, Segments, u64)> {
    let open = vec![(Client, SYN), (Server, SYN | ACK), (Client, ACK)];
    let with = |more: &[(super::script::Side, u8)]| [open.as_slice(), more].concat();
    vec![
        ("syn", vec![(Client, SYN)], 5),
        ("half open", vec![(Client, SYN), (Server, SYN | ACK)], 300),
        ("open", open.clone(), 300),
        ("midstream", vec![(Client, ACK)], 300),
        (
            "half closed",
            with(&[(Client, FIN | ACK), (Server, ACK)]),
            300,
        ),
        (
            "closed",
            with(&[(Client, FIN | ACK), (Server, FIN | ACK), (Client, ACK)]),
            5,
        ),
        ("reset", with(&[(Server, RST)]), 5),
        ("refused", vec![(Client, SYN), (Server, RST | ACK)], 5),
    ]
}

fn begin(segments: &[(super::script::Side, u8)]) -> Talk {
    let mut talk = Talk::new();
    for &(from, flags) in segments {
        talk.send(from, flags, 0);
    }
    talk
}

#[test]
fn a_packet_before_the_timeout_joins_and_one_at_it_begins_anew() {
    for (name, segments, secs) in cases() {
        // When a connection was closed is known to 17 ms.
        let early = if secs == 5 { 20 * MILLISECOND } else { 1 };
        for (early, expected) in [(early, 1), (0, 2)] {
            let mut talk = begin(&segments);
            // The segment comes a millisecond after the pause.
            talk.wait(secs * SECOND - MILLISECOND - early)
                .send(Client, ACK, 1);
            assert_eq!(talk.finish().len(), expected, "{name}, {early} ns early");
        }
    }
}

#[test]
fn a_record_comes_with_the_clock_and_not_before() {
    for (name, segments, secs) in cases() {
        let mut talk = begin(&segments);
        let script = &mut talk.script;
        script.wait(secs * SECOND - 20 * MILLISECOND).advance();
        assert!(script.records.is_empty(), "{name}");
        // The wheel turns once a second: that late at most.
        script.wait(SECOND + 20 * MILLISECOND).advance();
        assert_eq!(script.records.len(), 1, "{name}");
        assert_eq!(script.table.live(), 0, "{name}");
    }
}

#[test]
fn silence_is_the_reason_unless_the_flow_had_ended_by_itself() {
    for (name, segments, secs) in cases() {
        let mut talk = begin(&segments);
        talk.script.wait((secs + 1) * SECOND).advance();
        let expected = match name {
            "closed" => EndReason::Fin,
            "reset" | "refused" => EndReason::Reset,
            _ => EndReason::Idle,
        };
        assert_eq!(talk.script.records[0].end, expected, "{name}");
    }
}

#[test]
fn datagrams_expire_after_a_minute_with_and_without_an_answer() {
    for answered in [false, true] {
        let mut script = Script::new();
        script.packet(&datagram(CLIENT, SERVER));
        if answered {
            script.packet(&datagram(SERVER, CLIENT));
        }
        script
            .wait(60 * SECOND - 1)
            .packet(&datagram(CLIENT, SERVER));
        script.wait(60 * SECOND).packet(&datagram(CLIENT, SERVER));
        let records = script.finish();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].initiator.counts.packets, 2);
        let outcome = if answered {
            Outcome::Answered
        } else {
            Outcome::Unanswered
        };
        assert_eq!(records[0].outcome, outcome);
        assert_eq!(records[0].end, EndReason::Idle);
        assert_eq!(records[0].duration().0, 60 * SECOND - 1);
    }
}

#[test]
fn every_packet_puts_the_end_off() {
    let mut script = Script::new();
    for _ in 0..100 {
        script.wait(59 * SECOND).packet(&datagram(CLIENT, SERVER));
        script.advance();
    }
    assert_eq!(script.finish().len(), 1);
}

#[test]
fn another_flows_packet_moves_the_time() {
    let mut script = Script::new();
    script.packet(&datagram(CLIENT, SERVER));
    script
        .wait(61 * SECOND)
        .packet(&datagram(ELSEWHERE, SERVER));
    script.advance();
    assert_eq!(script.records.len(), 1);
    assert_eq!(script.records[0].last_ts, START);
}

#[test]
fn packets_of_one_flow_stay_together_when_the_clock_was_set_back() {
    // As when files are given in the wrong order, or a machine's clock was corrected.
    let mut script = Script::new();
    script.packet(&datagram(ELSEWHERE, SERVER));
    script.now.0 -= 3600 * SECOND;
    for _ in 0..5 {
        script.wait(SECOND).packet(&datagram(CLIENT, SERVER));
        script.advance();
    }
    let records = script.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].initiator.counts.packets, 5);
    assert_eq!(records[1].duration().0, 4 * SECOND);
}

#[test]
fn a_flow_that_opens_is_given_the_time_of_an_open_one() {
    let mut talk = Talk::new();
    talk.send(Client, SYN, 0)
        .wait(3 * SECOND)
        .send(Server, SYN | ACK, 0);
    talk.send(Client, ACK, 0).wait(200 * SECOND);
    talk.script.advance();
    assert!(talk.script.records.is_empty());
    talk.wait(101 * SECOND);
    talk.script.advance();
    assert_eq!(talk.script.records.len(), 1);
}

#[test]
fn a_silence_of_years_is_one_expiry() {
    let mut script = Script::new();
    script.packet(&segment(CLIENT, SERVER, [1, 1], ACK, 10));
    script.wait(10 * 365 * 86_400 * SECOND);
    script.packet(&segment(CLIENT, SERVER, [1, 1], ACK, 10));
    script.packet(&segment(SERVER, CLIENT, [1, 1], ACK, 10));
    assert_eq!(script.finish().len(), 2);
}
