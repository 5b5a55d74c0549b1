//! A full table: who goes first, and that everybody who goes is accounted for.

use super::script::{ACK, RST, SECOND, SYN, Script, datagram, host, segment};
use crate::dissect::Layers;
use crate::flow::{ConnState, EndReason, Limits, Outcome, Timeouts};

const SERVER: (u32, u16) = (host(2), 443);

fn client(number: u16) -> (u32, u16) {
    (host(1), 1000 + number)
}

/// The three segments that open a connection.
fn handshake(number: u16) -> [Layers; 3] {
    [
        segment(client(number), SERVER, [10, 0], SYN, 0),
        segment(SERVER, client(number), [20, 11], SYN | ACK, 0),
        segment(client(number), SERVER, [11, 21], ACK, 0),
    ]
}

/// A SYN of a source that nobody has seen before.
fn flood(number: u32) -> Layers {
    segment((0x5000_0000 + number, 1), SERVER, [number, 0], SYN, 0)
}

#[test]
fn the_bound_is_never_exceeded() {
    let mut script = Script::bounded(50);
    for number in 0..1000 {
        script.packet(&datagram(client(number), SERVER));
        assert!(script.table.live() <= 50);
    }
    assert_eq!(script.table.counters().evicted, 950);
    let evicted = |end: EndReason| end == EndReason::Evicted;
    assert_eq!(
        script.records.iter().filter(|r| evicted(r.end)).count(),
        950
    );
    assert_eq!(script.finish().len(), 1000);
}

#[test]
fn whoever_was_silent_longest_goes_first() {
    let mut script = Script::bounded(10);
    for number in 0..10 {
        script
            .wait(2 * SECOND)
            .packet(&datagram(client(number), SERVER));
    }
    // The oldest speaks again: now the second oldest is the one.
    script.wait(2 * SECOND).packet(&datagram(client(0), SERVER));
    for number in 10..15 {
        script
            .wait(2 * SECOND)
            .packet(&datagram(client(number), SERVER));
    }
    let gone: Vec<_> = script
        .records
        .iter()
        .map(|record| record.initiator.endpoint.port)
        .collect();
    assert_eq!(gone, [1001, 1002, 1003, 1004, 1005]);
}

#[test]
fn open_connections_survive_a_flood_of_syns() {
    let mut script = Script::bounded(100);
    for number in 0..60 {
        for layers in handshake(number) {
            script.packet(&layers);
        }
    }
    for number in 0..10_000 {
        script.wait(10_000).packet(&flood(number));
        assert!(script.table.live() <= 100);
    }
    assert!(
        script
            .records
            .iter()
            .all(|record| record.outcome == Outcome::Unanswered)
    );
    assert_eq!(script.table.counters().evicted, 10_000 - 40);
    let records = script.finish();
    let open = records
        .iter()
        .filter(|record| record.outcome == Outcome::Established);
    assert_eq!(open.count(), 60);
}

#[test]
fn closed_connections_go_before_open_ones() {
    let mut script = Script::bounded(5);
    for number in 0..4 {
        for layers in handshake(number) {
            script.packet(&layers);
        }
        script.wait(SECOND);
    }
    script.packet(&datagram(client(8), SERVER));
    // The youngest is reset.
    script.packet(&segment(client(3), SERVER, [11, 21], 0x04, 0));
    script.packet(&datagram(client(9), SERVER));
    assert_eq!(script.records.len(), 1);
    assert_eq!(script.records[0].initiator.endpoint.port, 1003);
    // It had ended by itself, and the record says so.
    assert_eq!(script.records[0].end, EndReason::Reset);
    assert_eq!(script.table.counters().evicted, 1);
}

#[test]
fn open_connections_go_when_there_is_nobody_else() {
    let mut script = Script::bounded(4);
    for number in 0..5 {
        for layers in handshake(number) {
            script.packet(&layers);
        }
        script.wait(2 * SECOND);
    }
    // One place of the four is kept for those that are to open.
    let gone: Vec<_> = script
        .records
        .iter()
        .map(|record| (record.initiator.endpoint.port, record.end, record.outcome))
        .collect();
    let evicted = |port| (port, EndReason::Evicted, Outcome::Established);
    assert_eq!(gone, [evicted(1000), evicted(1001)]);
}

#[test]
fn a_flood_pushes_nobody_out_of_a_table_that_is_full_of_open_connections() {
    let mut script = Script::bounded(100);
    for number in 0..99 {
        for layers in handshake(number) {
            script.packet(&layers);
        }
    }
    for number in 0..1000 {
        script.wait(10_000).packet(&flood(number));
    }
    let records = script.finish();
    let open = records.iter().filter(|record| {
        record.outcome == Outcome::Established && record.end != EndReason::Evicted
    });
    assert_eq!(open.count(), 99);
}

#[test]
fn without_room_for_details_connections_are_still_followed() {
    let limits = Limits {
        max_flows: 100,
        max_details: 3,
    };
    let mut script = Script::with(limits, Timeouts::default());
    for number in 0..50 {
        for layers in handshake(number) {
            script.packet(&layers);
        }
        // A segment is missing, and is acknowledged all the same.
        script.packet(&segment(client(number), SERVER, [111, 21], ACK, 100));
        script.packet(&segment(SERVER, client(number), [21, 211], ACK, 0));
        script.packet(&segment(client(number), SERVER, [211, 21], RST | ACK, 0));
    }
    assert!(script.table.counters().details_refused >= 47);
    let records = script.finish();
    assert_eq!(records.len(), 50);
    assert!(records.iter().all(|it| it.conn_state == ConnState::Rsto));
    let missed: Vec<_> = records.iter().map(|it| it.initiator.missed_bytes).collect();
    assert_eq!(missed[..3], [100; 3]);
    assert!(missed[3..].iter().all(|missed| *missed == 0));
}

#[test]
fn details_are_given_back_when_their_flow_ends() {
    let limits = Limits {
        max_flows: 100,
        max_details: 1,
    };
    let mut script = Script::with(limits, Timeouts::default());
    for number in 0..50 {
        for layers in handshake(number) {
            script.packet(&layers);
        }
        script.packet(&segment(client(number), SERVER, [111, 21], ACK, 100));
        script.wait(400 * SECOND).advance();
    }
    assert_eq!(script.table.counters().details_refused, 0);
    assert_eq!(script.finish().len(), 50);
}

#[test]
fn a_table_for_one_flow_works() {
    let mut script = Script::bounded(1);
    for number in 0..20 {
        script.packet(&datagram(client(number % 2), SERVER));
        assert_eq!(script.table.live(), 1);
    }
    assert_eq!(script.finish().len(), 20);
}

#[test]
fn plain_connections_need_no_details() {
    use super::script::{Client, FIN, Server, Talk};
    let limits = Limits {
        max_flows: 100,
        max_details: 0,
    };
    let endings: [&[(super::script::Side, u8)]; 4] = [
        &[(Client, FIN | ACK), (Server, FIN | ACK), (Client, ACK)],
        &[
            (Server, FIN | ACK),
            (Client, ACK),
            (Client, FIN | ACK),
            (Server, ACK),
        ],
        &[(Client, RST | ACK)],
        &[(Server, RST)],
    ];
    for ending in endings {
        let mut talk = Talk::new();
        talk.script = Script::with(limits, Timeouts::default());
        talk.open().exchange().exchange();
        for &(from, flags) in ending {
            talk.send(from, flags, 0);
            assert_eq!(
                talk.script.table.counters().details_refused,
                0,
                "{flags:#x}"
            );
        }
    }
    // A SYN that is refused, or never answered.
    let mut talk = Talk::new();
    talk.script = Script::with(limits, Timeouts::default());
    talk.send(Client, SYN, 0).send(Server, RST | ACK, 0);
    assert_eq!(talk.script.table.counters().details_refused, 0);
}
