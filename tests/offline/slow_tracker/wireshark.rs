//! One connection by the rules of Wireshark's TCP analysis, in one pass: each rule as it stands in the
//! User's Guide ("TCP Analysis"), with the precise conditions of `tcp_analyze_sequence_number`.
//! Sides are numbered by whoever calls.

use super::segment::{ACK, FIN, RST, SYN, Segment};

/// What is said of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) retransmission: bool,
    pub(crate) fast: bool,
    pub(crate) spurious: bool,
    pub(crate) out_of_order: bool,
    pub(crate) lost_segment: bool,
    pub(crate) acked_unseen: bool,
    pub(crate) duplicate_ack: bool,
    pub(crate) zero_window: bool,
    pub(crate) zero_window_probe: bool,
    pub(crate) window_full: bool,
    pub(crate) keep_alive: bool,
}

#[derive(Clone, Debug)]
struct Side {
    base: Option<u32>,
    next_seq: u32,
    next_ns: u64,
    max_ack: u32,
    last_ack: u32,
    last_ack_ns: u64,
    duplicates: u32,
    window: u32,
    /// -1 unknown, -2 not in use.
    scale: i32,
    first_ack: bool,
    kept_alive: bool,
    probed: bool,
}

impl Side {
    fn new() -> Self {
        Self {
            base: None,
            next_seq: 0,
            next_ns: 0,
            max_ack: 0,
            last_ack: 0,
            last_ack_ns: 0,
            duplicates: 0,
            window: u32::MAX,
            scale: -1,
            first_ack: false,
            kept_alive: false,
            probed: false,
        }
    }
}

/// A stream, by tshark's `tcp.stream`.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    sides: [Side; 2],
    syn_ns: u64,
    initial_rtt: u64,
}

fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            sides: [Side::new(), Side::new()],
            syn_ns: 0,
            initial_rtt: 0,
        }
    }

    /// Whether a segment of this side begins a stream of its own.
    pub(crate) fn is_reused_by(&self, side: usize, segment: &Segment) -> bool {
        segment.has(SYN)
            && !segment.has(ACK)
            && self.sides[side]
                .base
                .is_some_and(|base| base != segment.seq)
    }

    /// What is said of a segment that side `side` sent.
    #[expect(
        clippy::too_many_lines,
        reason = "one rule after the other, as they are written down"
    )]
    pub(crate) fn on_segment(&mut self, side: usize, segment: &Segment) -> Events {
        let (seq, ack, len, now) = (segment.seq, segment.ack, segment.len, segment.ns);
        let window = u32::from(segment.window);
        let (syn, fin, rst, has_ack) = (
            segment.has(SYN),
            segment.has(FIN),
            segment.has(RST),
            segment.has(ACK),
        );
        let plain = !syn && !fin && !rst;
        let [first, second] = &mut self.sides;
        let (own, peer) = if side == 0 {
            (first, second)
        } else {
            (second, first)
        };
        let mut events = Events::default();

        if syn && own.base.is_some() {
            if !has_ack {
                own.next_seq = own.max_ack;
            } else if own.base != Some(seq) {
                own.base = Some(seq);
            }
        }
        if own.base.is_none() {
            own.base = Some(if syn { seq } else { seq.wrapping_sub(1) });
        }
        if peer.base.is_none() && has_ack {
            peer.base = Some(ack.wrapping_sub(1));
        }

        let repeats =
            len == 0 && window == own.window && seq == own.next_seq && ack == own.last_ack && plain;
        if len == 1 && seq == own.next_seq && peer.window == 0 {
            events.zero_window_probe = true;
        } else {
            events.zero_window = window == 0 && plain;
            events.lost_segment = own.next_seq != 0 && before(own.next_seq, seq) && !rst;
            events.keep_alive = len <= 1 && seq == own.next_seq.wrapping_sub(1) && plain;
            if len > 0 && peer.scale != -1 && plain {
                let shift = if peer.first_ack || peer.scale == -2 {
                    0
                } else {
                    peer.scale
                };
                let edge = peer.last_ack.wrapping_add(peer.window << shift);
                events.window_full = seq.wrapping_add(len) == edge;
            }
            let answers_probe =
                repeats && (window != 0 && peer.kept_alive || window == 0 && peer.probed);
            if repeats && window != 0 && !answers_probe {
                own.duplicates = match own.duplicates {
                    u32::MAX => 1,
                    count => count + 1,
                };
                events.duplicate_ack = true;
            }
        }
        if ack != own.last_ack {
            own.duplicates = 0;
        }

        if has_ack && peer.max_ack != 0 && before(peer.max_ack, ack) {
            if before(peer.max_ack, peer.next_seq) {
                peer.max_ack = peer.next_seq;
                events.acked_unseen = true;
            } else {
                events.acked_unseen = peer.duplicates == 0;
                peer.duplicates = u32::MAX;
            }
        }

        let occupies = len > 0 || syn || fin;
        let end = seq.wrapping_add(len);
        if occupies && !events.keep_alive {
            let old = own.next_seq != 0
                && before(seq, own.next_seq)
                && !(len > 1 && seq == own.next_seq.wrapping_sub(1));
            let since = |then: u64| now.checked_sub(then).unwrap_or(u64::MAX);
            let patience = if self.initial_rtt == 0 {
                3_000_000
            } else {
                self.initial_rtt
            };
            let end_with_flags = end.wrapping_add(u32::from(syn || fin));
            if len > 0 && peer.last_ack != 0 && !before(peer.last_ack, end) {
                events.spurious = true;
            } else if old
                && peer.duplicates >= 2
                && seq == peer.last_ack
                && since(peer.last_ack_ns) < 20_000_000
            {
                events.fast = true;
            } else if old && since(own.next_ns) < patience && own.next_seq != end_with_flags {
                events.out_of_order = true;
            } else if old {
                events.retransmission = true;
            }
            events.retransmission |= events.fast || events.spurious;
        }

        let next = end.wrapping_add(u32::from(syn || fin));
        if !events.zero_window_probe {
            if before(own.next_seq, next) || own.next_seq == 0 {
                own.next_seq = next;
                own.next_ns = now;
            }
            if seq == own.max_ack || own.max_ack == 0 {
                own.max_ack = own.next_seq;
            }
        }
        own.window = window;
        own.last_ack = ack;
        own.last_ack_ns = now;
        own.kept_alive = events.keep_alive;
        own.probed = events.zero_window_probe;

        if has_ack && !syn && self.syn_ns != 0 && self.initial_rtt == 0 {
            self.initial_rtt = now.saturating_sub(self.syn_ns);
        }
        if syn && !has_ack {
            self.syn_ns = now;
        }
        if syn {
            own.first_ack = true;
            if let Some(shift) = segment.window_scale {
                own.scale = i32::from(shift.min(14));
            }
            if own.scale == -1 {
                own.scale = -2;
                peer.scale = -2;
            }
            if has_ack && peer.scale == -2 {
                own.scale = -2;
            }
        } else if has_ack {
            own.first_ack = false;
        }
        events
    }
}
