//! What Wireshark's rules say of segments (`packet-tcp.c`), one case each, written from the rules.

use super::script::{ACK, Client, MILLISECOND, Server, Talk};
use crate::flow::TcpSide;

/// The health of the client and of the server after an open connection went on like this.
fn after(play: impl FnOnce(&mut Talk)) -> [TcpSide; 2] {
    let mut talk = Talk::new();
    talk.open().exchange();
    play(&mut talk);
    let record = talk.record();
    [record.initiator.tcp, record.responder.tcp]
}

#[test]
fn a_window_is_full_when_a_segment_ends_at_its_edge() {
    // The window is 8192 bytes, and nobody scales it.
    let [client, server] = after(|talk| {
        talk.send(Server, ACK, 8000).send(Server, ACK, 192);
    });
    assert_eq!((client.window_full, server.window_full), (0, 1));
    let [_, server] = after(|talk| {
        talk.send(Server, ACK, 8000).send(Server, ACK, 191);
    });
    assert_eq!(server.window_full, 0);
}

#[test]
fn what_comes_again_after_the_round_trip_is_retransmitted() {
    let [client, _] = after(|talk| {
        let numbers = talk.next;
        talk.send(Client, ACK, 100);
        talk.wait(300 * MILLISECOND).raw(Client, numbers, ACK, 100);
    });
    assert_eq!(
        (client.retransmitted_segments, client.retransmitted_bytes),
        (1, 100)
    );
    assert_eq!(client.out_of_order, 0);
}

#[test]
fn what_comes_late_by_less_than_the_round_trip_is_out_of_order() {
    let [client, _] = after(|talk| {
        let [own, other] = talk.next;
        // The second of two segments overtook the first. Segments are a millisecond apart, the
        // handshake took two.
        talk.raw(Client, [own + 100, other], ACK, 100)
            .raw(Client, [own, other], ACK, 100);
    });
    assert_eq!((client.lost_segments, client.out_of_order), (1, 1));
    assert_eq!(client.retransmitted_segments, 0);
}

#[test]
fn two_duplicate_acknowledgments_make_a_retransmission_fast() {
    let [client, server] = after(|talk| {
        let [own, other] = talk.next;
        talk.raw(Client, [own + 100, other], ACK, 100);
        for _ in 0..2 {
            talk.raw(Server, [other, own], ACK, 0);
        }
        talk.raw(Client, [own, other], ACK, 100);
    });
    assert_eq!(server.duplicate_acks, 2);
    assert_eq!(
        (client.fast_retransmissions, client.retransmitted_segments),
        (1, 1)
    );
}

#[test]
fn what_was_acknowledged_and_comes_again_is_spurious() {
    let [client, _] = after(|talk| {
        let [own, other] = talk.next;
        talk.send(Client, ACK, 100).send(Server, ACK, 0);
        talk.raw(Client, [own, other], ACK, 100);
    });
    assert_eq!(
        (
            client.spurious_retransmissions,
            client.retransmitted_segments
        ),
        (1, 1)
    );
}

#[test]
fn a_byte_before_the_next_one_keeps_the_connection_alive() {
    let [client, server] = after(|talk| {
        let [own, other] = talk.next;
        talk.wait(1000 * MILLISECOND)
            .raw(Client, [own - 1, other], ACK, 1);
        talk.raw(Server, [other, own], ACK, 0);
    });
    assert_eq!((client.keep_alives, client.retransmitted_segments), (1, 0));
    // The answer repeats an acknowledgment and is no duplicate.
    assert_eq!(server.duplicate_acks, 0);
}

#[test]
fn an_acknowledgment_of_more_than_was_seen_is_noticed_once() {
    let [client, server] = after(|talk| {
        let [own, other] = talk.next;
        for _ in 0..3 {
            talk.raw(Server, [other, own + 500], ACK, 10);
        }
    });
    assert_eq!((client.acked_unseen, server.acked_unseen), (0, 1));
}
