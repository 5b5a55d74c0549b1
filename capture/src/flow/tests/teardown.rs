//! How connections end (RFC 9293 sections 3.5.2 and 3.6), and what comes after the end.

use super::script::{ACK, Client, FIN, RST, SECOND, SYN, Server, Side, Talk};
use crate::flow::{EndReason, EndedBy, FlowRecord, Outcome, TcpState};

use TcpState::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, SynSent, TimeWait,
};

fn states(record: &FlowRecord) -> (TcpState, TcpState) {
    assert!(record.tcp.is_some(), "a TCP record");
    (record.initiator.tcp.state, record.responder.tcp.state)
}

/// States of the initiator and the responder after these segments of an open connection.
fn after(segments: &[(Side, u8)]) -> (TcpState, TcpState) {
    let mut talk = Talk::new();
    talk.open().exchange();
    for &(from, flags) in segments {
        talk.send(from, flags, 0);
    }
    states(&talk.record())
}

#[test]
fn a_normal_close_passes_through_every_state() {
    // RFC 9293 figure 12.
    let steps = [
        (Client, FIN | ACK, (FinWait1, Established)),
        (Server, ACK, (FinWait2, CloseWait)),
        (Server, FIN | ACK, (FinWait2, LastAck)),
        (Client, ACK, (TimeWait, Closed)),
    ];
    let mut segments = Vec::new();
    for (from, flags, expected) in steps {
        segments.push((from, flags));
        assert_eq!(after(&segments), expected, "{} segments", segments.len());
    }
}

#[test]
fn the_server_may_close_first() {
    let steps = [
        (Server, FIN | ACK, (Established, FinWait1)),
        (Client, ACK, (CloseWait, FinWait2)),
        (Client, FIN | ACK, (LastAck, FinWait2)),
        (Server, ACK, (Closed, TimeWait)),
    ];
    let mut segments = Vec::new();
    for (from, flags, expected) in steps {
        segments.push((from, flags));
        assert_eq!(after(&segments), expected, "{} segments", segments.len());
    }
}

#[test]
fn a_fin_that_acknowledges_a_fin_closes_in_three_segments() {
    assert_eq!(
        after(&[(Client, FIN | ACK), (Server, FIN | ACK)]),
        (FinWait2, LastAck)
    );
    let close = [(Client, FIN | ACK), (Server, FIN | ACK), (Client, ACK)];
    assert_eq!(after(&close), (TimeWait, Closed));
}

#[test]
fn a_fin_from_before_the_beginning_misses_nothing() {
    let mut talk = Talk::new();
    talk.open();
    let [client, server] = talk.next;
    // Two before the first byte of data is one before the SYN, so that the FIN ends at the SYN.
    talk.raw(Server, [server.wrapping_sub(2), client], FIN | ACK, 0);
    talk.raw(Client, [client, server], ACK, 0);
    let record = talk.record();
    assert_eq!(record.initiator.missed_bytes, 0);
    assert_eq!(record.responder.missed_bytes, 0);
}

#[test]
fn fins_that_cross_end_in_time_wait_on_both_sides() {
    // RFC 9293 figure 13: neither FIN acknowledges the other.
    let mut talk = Talk::new();
    talk.open().exchange();
    let [client, server] = talk.next;
    talk.raw(Client, [client, server], FIN | ACK, 0);
    talk.raw(Server, [server, client], FIN | ACK, 0);
    talk.raw(Client, [client + 1, server + 1], ACK, 0);
    talk.raw(Server, [server + 1, client + 1], ACK, 0);
    let record = talk.record();
    assert_eq!(states(&record), (TimeWait, TimeWait));
    assert_eq!(
        (record.outcome, record.end),
        (Outcome::Closed, EndReason::Fin)
    );
}

#[test]
fn a_fin_that_crossed_and_was_acknowledged_leaves_its_receiver_closing() {
    let mut talk = Talk::new();
    talk.open().exchange();
    let [client, server] = talk.next;
    talk.raw(Client, [client, server], FIN | ACK, 0);
    talk.raw(Server, [server, client], FIN | ACK, 0);
    talk.raw(Client, [client + 1, server + 1], ACK, 0);
    assert_eq!(states(&talk.record()), (Closing, FinWait2));
}

#[test]
fn a_half_closed_connection_carries_data_the_other_way() {
    let mut talk = Talk::new();
    talk.open()
        .exchange()
        .send(Client, FIN | ACK, 0)
        .send(Server, ACK, 0);
    for _ in 0..10 {
        talk.send(Server, ACK, 1000).send(Client, ACK, 0);
    }
    let record = talk.record();
    assert_eq!(states(&record), (FinWait2, CloseWait));
    assert_eq!(record.outcome, Outcome::HalfClosed);
    assert_eq!(
        (record.end, record.ended_by),
        (EndReason::Shutdown, Some(EndedBy::Initiator))
    );
}

#[test]
fn closing_is_told_with_who_began_it() {
    for (first, second, by) in [
        (Client, Server, EndedBy::Initiator),
        (Server, Client, EndedBy::Responder),
    ] {
        let mut talk = Talk::new();
        talk.open().exchange();
        talk.send(first, FIN | ACK, 0)
            .send(second, FIN | ACK, 0)
            .send(first, ACK, 0);
        let record = talk.record();
        assert_eq!(record.outcome, Outcome::Closed);
        assert_eq!((record.end, record.ended_by), (EndReason::Fin, Some(by)));
    }
}

#[test]
fn a_lost_final_acknowledgment_leaves_last_ack() {
    let mut talk = Talk::new();
    talk.open()
        .exchange()
        .send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0);
    let numbers = [talk.next[1] - 1, talk.next[0]];
    // The server repeats its FIN.
    talk.wait(SECOND).raw(Server, numbers, FIN | ACK, 0);
    let record = talk.record();
    assert_eq!(states(&record), (FinWait2, LastAck));
    assert_eq!(
        (record.outcome, record.end),
        (Outcome::Closed, EndReason::Fin)
    );
    assert_eq!(record.ended_by, Some(EndedBy::Initiator));
}

#[test]
fn a_fin_with_data_is_acknowledged_behind_the_data() {
    let mut talk = Talk::new();
    talk.open().send(Client, FIN | ACK, 500);
    let [client, server] = talk.next;
    // Only the data is acknowledged yet.
    talk.raw(Server, [server, client - 1], ACK, 0);
    talk.raw(Server, [server, client - 1], ACK, 0);
    assert_eq!(states(&talk.record()), (FinWait1, Established));

    let mut talk = Talk::new();
    talk.open()
        .send(Client, FIN | ACK, 500)
        .send(Server, ACK, 0);
    assert_eq!(states(&talk.record()), (FinWait2, CloseWait));
}

#[test]
fn sequence_numbers_wrap_around_at_the_fin() {
    // The FIN is the last number of the space, or the first, or just behind it.
    for back in 0..4 {
        let mut talk = Talk::numbered(0_u32.wrapping_sub(back + 1), 0_u32.wrapping_sub(back + 1));
        talk.open();
        talk.send(Client, FIN | ACK, 0).send(Server, ACK, 0);
        talk.send(Server, FIN | ACK, 0).send(Client, ACK, 0);
        assert_eq!(states(&talk.record()), (TimeWait, Closed), "{back}");
    }
}

#[test]
fn a_reset_ends_a_connection_in_every_state() {
    let opening: [&[(Side, u8)]; 4] = [
        &[(Client, SYN)],
        &[(Client, SYN), (Server, SYN | ACK)],
        &[(Client, SYN), (Server, SYN | ACK), (Client, ACK)],
        &[(Client, ACK)],
    ];
    let closing: [&[(Side, u8)]; 4] = [
        &[],
        &[(Client, FIN | ACK)],
        &[(Client, FIN | ACK), (Server, ACK)],
        &[(Client, FIN | ACK), (Server, FIN | ACK)],
    ];
    for open in opening {
        for close in closing {
            for (from, by) in [(Client, EndedBy::Initiator), (Server, EndedBy::Responder)] {
                let mut talk = Talk::new();
                for &(from, flags) in open.iter().chain(close) {
                    talk.send(from, flags, 0);
                }
                let record = talk.send(from, RST | ACK, 0).record();
                assert_eq!(states(&record), (Closed, Closed));
                assert_eq!((record.end, record.ended_by), (EndReason::Reset, Some(by)));
                assert!(matches!(record.outcome, Outcome::Reset | Outcome::Refused));
            }
        }
    }
}

#[test]
fn what_comes_after_a_reset_belongs_to_the_connection() {
    let mut talk = Talk::new();
    talk.open()
        .exchange()
        .send(Server, RST, 0)
        .send(Client, ACK, 100)
        .send(Server, RST, 0);
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Reset);
    assert_eq!(states(&record), (Closed, Closed));
    assert_eq!(record.initiator.counts.packets, 5);
    assert_eq!(record.ended_by, Some(EndedBy::Responder));
}

#[test]
fn a_new_connection_with_the_ports_of_a_closed_one_is_a_record_of_its_own() {
    // RFC 9293 section 3.6.1: a SYN may reopen a connection in TIME-WAIT.
    let mut talk = Talk::new();
    talk.open().exchange();
    talk.send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0)
        .send(Client, ACK, 0);
    talk.next = [900_000, 800_000];
    talk.open().exchange();
    let records = talk.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].outcome, Outcome::Closed);
    assert_eq!(states(&records[0]), (TimeWait, Closed));
    assert_eq!(records[1].outcome, Outcome::Established);
    assert_eq!(records[1].initiator.counts.packets, 4);
}

#[test]
fn ports_can_be_reused_though_the_last_acknowledgment_was_lost() {
    let mut talk = Talk::new();
    talk.open()
        .send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0);
    talk.next = [900_000, 800_000];
    talk.open();
    let records = talk.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].outcome, Outcome::Closed);
    assert_eq!(records[1].outcome, Outcome::Established);
}

#[test]
fn the_ports_of_a_closed_connection_can_be_reused_the_other_way() {
    let mut talk = Talk::new();
    talk.open()
        .send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0)
        .send(Client, ACK, 0);
    talk.next = [900_000, 800_000];
    talk.send(Server, SYN, 0)
        .send(Client, SYN | ACK, 0)
        .send(Server, ACK, 0);
    let records = talk.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].initiator.endpoint.port, 443);
    assert_eq!(records[1].outcome, Outcome::Established);
}

#[test]
fn the_last_acknowledgment_again_begins_nothing() {
    let mut talk = Talk::new();
    talk.open()
        .send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0)
        .send(Client, ACK, 0);
    talk.send(Client, ACK, 0);
    let record = talk.record();
    assert_eq!(states(&record), (TimeWait, Closed));
    assert_eq!(record.outcome, Outcome::Closed);
}

#[test]
fn fins_without_a_handshake_close_too() {
    let mut talk = Talk::new();
    talk.exchange()
        .send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0)
        .send(Client, ACK, 0);
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Closed);
    assert_eq!(states(&record), (TimeWait, Closed));
}

#[test]
fn a_syn_that_was_refused_and_repeated_is_another_try() {
    let mut talk = Talk::new();
    let isn = talk.next[0];
    talk.send(Client, SYN, 0).send(Server, RST | ACK, 0);
    talk.raw(Client, [isn, 0], SYN, 0);
    let records = talk.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].outcome, Outcome::Refused);
    assert_eq!(records[1].outcome, Outcome::Unanswered);
    assert_eq!(states(&records[1]).0, SynSent);
}
