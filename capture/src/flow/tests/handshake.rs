//! How connections begin (RFC 9293 section 3.5), and those that never do.

use super::script::{ACK, Client, FIN, MILLISECOND, RST, SECOND, SYN, Server, Talk};
use crate::flow::{EndReason, EndedBy, FlowRecord, Outcome, TcpState};
use crate::packet::Span;

fn states(record: &FlowRecord) -> (TcpState, TcpState) {
    assert!(record.tcp.is_some(), "a TCP record");
    (record.initiator.tcp.state, record.responder.tcp.state)
}

fn handshake(record: &FlowRecord) -> Option<[Span; 2]> {
    record.tcp.expect("a TCP record").handshake
}

#[test]
fn three_segments_establish_both_ends() {
    let record = Talk::new().open().record();
    let open = TcpState::Established;
    assert_eq!(states(&record), (open, open));
    assert_eq!(record.outcome, Outcome::Established);
    assert_eq!((record.end, record.ended_by), (EndReason::Shutdown, None));
}

#[test]
fn the_handshakes_round_trips_are_split_at_the_observer() {
    let mut talk = Talk::new();
    talk.send(Client, SYN, 0);
    talk.wait(30 * MILLISECOND).send(Server, SYN | ACK, 0);
    talk.wait(4 * MILLISECOND).send(Client, ACK, 0);
    // Each segment comes one millisecond after the pause.
    let expected = [Span(31 * MILLISECOND), Span(5 * MILLISECOND)];
    assert_eq!(handshake(&talk.exchange().record()), Some(expected));
}

#[test]
fn a_syn_without_an_answer_is_unanswered() {
    let mut talk = Talk::new();
    let isn = talk.next[0];
    talk.send(Client, SYN, 0);
    // Retransmissions as Linux sends them (RFC 6298 section 5.5): 1 and 2 s later.
    for pause in [1, 2] {
        talk.wait(pause * SECOND).raw(Client, [isn, 0], SYN, 0);
    }
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Unanswered);
    assert_eq!(states(&record), (TcpState::SynSent, TcpState::Closed));
    assert_eq!(record.initiator.counts.packets, 3);
    assert_eq!(record.responder.counts.packets, 0);
    assert_eq!(handshake(&record), None);
}

#[test]
fn a_syn_answered_by_a_reset_is_refused() {
    let record = Talk::new()
        .send(Client, SYN, 0)
        .send(Server, RST | ACK, 0)
        .record();
    assert_eq!(record.outcome, Outcome::Refused);
    assert_eq!(states(&record), (TcpState::Closed, TcpState::Closed));
    assert_eq!(
        (record.end, record.ended_by),
        (EndReason::Reset, Some(EndedBy::Responder))
    );
}

#[test]
fn a_second_try_after_a_refusal_is_a_connection_of_its_own() {
    let mut talk = Talk::new();
    talk.send(Client, SYN, 0).send(Server, RST | ACK, 0);
    talk.next[0] = 77_000;
    talk.send(Client, SYN, 0).send(Server, RST | ACK, 0);
    let records = talk.finish();
    assert_eq!(records.len(), 2);
    assert!(
        records
            .iter()
            .all(|record| record.outcome == Outcome::Refused)
    );
}

#[test]
fn a_handshake_without_its_last_segment_is_half_open() {
    let mut talk = Talk::new();
    let numbers = [talk.next[1], talk.next[0] + 1];
    talk.send(Client, SYN, 0).send(Server, SYN | ACK, 0);
    talk.wait(SECOND).raw(Server, numbers, SYN | ACK, 0);
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::HalfOpen);
    assert_eq!(states(&record), (TcpState::SynSent, TcpState::SynReceived));
    assert_eq!(record.end, EndReason::Shutdown);
    assert_eq!(handshake(&record), None);
}

#[test]
fn a_scan_that_resets_what_it_opened_is_reset_by_the_initiator() {
    let mut talk = Talk::new();
    talk.send(Client, SYN, 0)
        .send(Server, SYN | ACK, 0)
        .send(Client, RST, 0);
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Reset);
    assert_eq!(
        (record.end, record.ended_by),
        (EndReason::Reset, Some(EndedBy::Initiator))
    );
}

#[test]
fn data_in_place_of_the_last_segment_completes_the_handshake() {
    let mut talk = Talk::new();
    talk.send(Client, SYN, 0)
        .send(Server, SYN | ACK, 0)
        .send(Client, ACK, 500);
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Established);
    assert!(handshake(&record).is_some());
}

#[test]
fn a_retransmitted_syn_is_not_part_of_the_round_trip() {
    let mut talk = Talk::new();
    let isn = talk.next[0];
    talk.send(Client, SYN, 0)
        .wait(SECOND)
        .raw(Client, [isn, 0], SYN, 0);
    talk.wait(9 * MILLISECOND)
        .send(Server, SYN | ACK, 0)
        .send(Client, ACK, 0);
    let record = talk.record();
    assert_eq!(
        handshake(&record),
        Some([Span(10 * MILLISECOND), Span(MILLISECOND)])
    );
    assert_eq!(record.initiator.counts.packets, 3);
}

#[test]
fn a_lost_syn_ack_leaves_the_round_trip_of_the_second_try() {
    let mut talk = Talk::new();
    let (client, server) = (talk.next[0], talk.next[1]);
    talk.send(Client, SYN, 0)
        .wait(9 * MILLISECOND)
        .send(Server, SYN | ACK, 0);
    // It was lost behind the observer, so the client tries again.
    talk.wait(SECOND).raw(Client, [client, 0], SYN, 0);
    talk.wait(19 * MILLISECOND)
        .raw(Server, [server, client + 1], SYN | ACK, 0);
    talk.wait(2 * MILLISECOND).send(Client, ACK, 0);
    let record = talk.record();
    assert_eq!(
        handshake(&record),
        Some([Span(20 * MILLISECOND), Span(3 * MILLISECOND)])
    );
    assert_eq!(record.outcome, Outcome::Established);
}

#[test]
fn an_ambiguous_round_trip_is_not_told() {
    // Karn's rule (RFC 6298 section 3): which of the SYNs was answered cannot be known.
    let mut talk = Talk::new();
    let client = talk.next[0];
    talk.send(Client, SYN, 0)
        .wait(9 * MILLISECOND)
        .send(Server, SYN | ACK, 0);
    talk.wait(SECOND).raw(Client, [client, 0], SYN, 0);
    talk.wait(2 * MILLISECOND).send(Client, ACK, 0);
    let record = talk.exchange().record();
    assert_eq!(handshake(&record), None);
    assert_eq!(record.outcome, Outcome::Established);
}

#[test]
fn of_two_syns_that_cross_the_second_begins_the_connection() {
    // RFC 9293 figure 8. A SYN with another number is another try, as in Zeek (`IsReuse`), whoever
    // sends it.
    let mut talk = Talk::numbered(100, 300);
    talk.raw(Client, [100, 0], SYN, 0)
        .raw(Server, [300, 0], SYN, 0);
    talk.raw(Client, [100, 301], SYN | ACK, 0)
        .raw(Server, [300, 101], SYN | ACK, 0);
    talk.raw(Client, [101, 301], ACK, 0)
        .raw(Server, [301, 101], ACK, 0);
    let records = talk.finish();
    let words: Vec<_> = records.iter().map(|it| it.conn_state.name()).collect();
    assert_eq!(words, ["S0", "S1"]);
    let open = TcpState::Established;
    assert_eq!(states(&records[1]), (open, open));
    assert_eq!(records[1].initiator.endpoint.port, 443);
    assert_eq!(records[1].outcome, Outcome::Established);
}

#[test]
fn a_try_that_goes_on_for_long_is_several() {
    // Zeek's `tcp_attempt_delay`: five seconds for each.
    let mut talk = Talk::new();
    let isn = talk.next[0];
    talk.send(Client, SYN, 0);
    for pause in [1, 2, 4, 8] {
        talk.wait(pause * SECOND).raw(Client, [isn, 0], SYN, 0);
    }
    let packets: Vec<_> = talk
        .finish()
        .iter()
        .map(|record| (record.initiator.counts.packets, record.conn_state.name()))
        .collect();
    assert_eq!(packets, [(3, "S0"), (1, "S0"), (1, "S0")]);
}

#[test]
fn the_middle_of_a_connection_is_midstream() {
    let record = Talk::new().exchange().record();
    assert_eq!(record.outcome, Outcome::Midstream);
    let open = TcpState::Established;
    assert_eq!(states(&record), (open, open));
    assert_eq!(handshake(&record), None);
}

#[test]
fn one_side_of_the_middle_of_a_connection_says_nothing_of_the_other() {
    let record = Talk::new()
        .send(Client, ACK, 10)
        .send(Client, ACK, 10)
        .record();
    assert_eq!(record.outcome, Outcome::Midstream);
    assert_eq!(states(&record), (TcpState::Established, TcpState::Closed));
}

#[test]
fn who_answers_a_syn_that_was_missed_is_the_responder() {
    let mut talk = Talk::new();
    talk.next[0] += 1;
    talk.send(Server, SYN | ACK, 0)
        .send(Client, ACK, 0)
        .exchange();
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Established);
    let open = TcpState::Established;
    assert_eq!(states(&record), (open, open));
    assert_eq!(record.responder.counts.packets, 2);
}

#[test]
fn only_a_syn_ack_is_half_open() {
    let mut talk = Talk::new();
    talk.next[0] += 1;
    let record = talk.send(Server, SYN | ACK, 0).record();
    assert_eq!(record.outcome, Outcome::HalfOpen);
    assert_eq!(states(&record), (TcpState::Closed, TcpState::SynReceived));
}

#[test]
fn sequence_numbers_wrap_around_in_the_handshake() {
    let mut talk = Talk::numbered(u32::MAX, u32::MAX);
    talk.open()
        .exchange()
        .send(Client, FIN | ACK, 0)
        .send(Server, FIN | ACK, 0)
        .send(Client, ACK, 0);
    let record = talk.record();
    assert_eq!(record.outcome, Outcome::Closed);
    assert_eq!(states(&record), (TcpState::TimeWait, TcpState::Closed));
}
