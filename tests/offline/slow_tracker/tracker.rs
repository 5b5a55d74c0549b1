//! Which packets make a connection, and what is said of each.

use std::net::IpAddr;

use super::segment::Segment;
use super::wireshark::{Events, Stream};
use super::zeek::{Conn, SideTotals};

/// What happens to packets whose checksum is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksums {
    /// They are noted, and say nothing.
    Validate,
    /// They are as good as others.
    Ignore,
}

/// How often Wireshark's analysis said what of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) retransmitted_segments: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) fast_retransmissions: u64,
    pub(crate) spurious_retransmissions: u64,
    pub(crate) out_of_order: u64,
    pub(crate) lost_segments: u64,
    pub(crate) acked_unseen: u64,
    pub(crate) duplicate_acks: u64,
    pub(crate) zero_windows: u64,
    pub(crate) zero_window_probes: u64,
    pub(crate) window_full: u64,
    pub(crate) keep_alives: u64,
}

impl Health {
    fn add(&mut self, events: Events, len: u32) {
        if events.retransmission {
            self.retransmitted_bytes += u64::from(len);
        }
        for (count, event) in [
            (&mut self.retransmitted_segments, events.retransmission),
            (&mut self.fast_retransmissions, events.fast),
            (&mut self.spurious_retransmissions, events.spurious),
            (&mut self.out_of_order, events.out_of_order),
            (&mut self.lost_segments, events.lost_segment),
            (&mut self.acked_unseen, events.acked_unseen),
            (&mut self.duplicate_acks, events.duplicate_ack),
            (&mut self.zero_windows, events.zero_window),
            (&mut self.zero_window_probes, events.zero_window_probe),
            (&mut self.window_full, events.window_full),
            (&mut self.keep_alives, events.keep_alive),
        ] {
            *count += u64::from(event);
        }
    }
}

/// What is said of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SideFacts {
    pub(crate) zeek: SideTotals,
    pub(crate) wire_bytes: u64,
    pub(crate) flags: u8,
    pub(crate) health: Health,
}

/// What is said of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Number of its first packet.
    pub(crate) first_frame: u64,
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    pub(crate) initiator: (IpAddr, u16),
    pub(crate) responder: (IpAddr, u16),
    pub(crate) conn_state: &'static str,
    pub(crate) history: String,
    /// The initiator and the responder.
    pub(crate) sides: [SideFacts; 2],
}

struct Open {
    ends: [(IpAddr, u16); 2],
    first_frame: u64,
    conn: Conn,
    stream: Stream,
    facts: [SideFacts; 2],
}

impl Open {
    fn new(segment: &Segment) -> Self {
        Self {
            ends: [segment.src, segment.dst],
            first_frame: segment.frame,
            conn: Conn::new(segment),
            stream: Stream::new(),
            facts: [SideFacts::default(); 2],
        }
    }

    fn side_of(&self, segment: &Segment) -> Option<usize> {
        let [first, second] = self.ends;
        if (segment.src, segment.dst) == (first, second) {
            Some(0)
        } else if (segment.src, segment.dst) == (second, first) {
            Some(1)
        } else {
            None
        }
    }

    fn finish(self) -> Connection {
        let begins = self.conn.originator();
        let facts = [begins, 1 - begins].map(|side| SideFacts {
            zeek: self.conn.totals(side),
            ..self.facts[side]
        });
        Connection {
            first_frame: self.first_frame,
            first_ns: self.conn.start_ns,
            last_ns: self.conn.last_ns,
            initiator: self.ends[begins],
            responder: self.ends[1 - begins],
            conn_state: self.conn.conn_state(),
            history: self.conn.history().to_owned(),
            sides: facts,
        }
    }
}

/// All connections of a list of packets.
pub(crate) struct Tracker {
    checksums: Checksums,
    open: Vec<Open>,
    done: Vec<Connection>,
}

impl Tracker {
    pub(crate) fn new(checksums: Checksums) -> Self {
        Self {
            checksums,
            open: Vec::new(),
            done: Vec::new(),
        }
    }

    pub(crate) fn on_segment(&mut self, segment: &Segment) {
        // Zeek throws these away before it looks for a connection.
        let validates = self.checksums == Checksums::Validate;
        if segment.overlong || validates && segment.bad_ip_checksum {
            return;
        }
        let known = self
            .open
            .iter()
            .position(|open| open.side_of(segment).is_some());
        let known = known.filter(|at| {
            let over = {
                let conn = &mut self.open[*at].conn;
                conn.is_gone(segment.ns) || conn.is_reused_by(segment)
            };
            if over {
                let over = self.open.remove(*at);
                self.done.push(over.finish());
            }
            !over
        });
        let at = known.unwrap_or_else(|| {
            self.open.push(Open::new(segment));
            self.open.len() - 1
        });
        let open = &mut self.open[at];
        let side = open.side_of(segment).unwrap();
        if segment.bad_checksum && validates {
            open.conn.on_corrupt(side);
            return;
        }
        open.conn.on_segment(side, segment);
        if open.stream.is_reused_by(side, segment) {
            open.stream = Stream::new();
        }
        let events = open.stream.on_segment(side, segment);
        let facts = &mut open.facts[side];
        facts.health.add(events, segment.len);
        facts.flags |= segment.flags;
        facts.wire_bytes += u64::from(segment.wire_len);
    }

    pub(crate) fn finish(mut self) -> Vec<Connection> {
        self.done.extend(self.open.into_iter().map(Open::finish));
        self.done.sort_by_key(|connection| connection.first_frame);
        self.done
    }
}
