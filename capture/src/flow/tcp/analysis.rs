//! What a segment says of the connection's health, by Wireshark's rules (`packet-tcp.c`,
//! `tcp_analyze_sequence_number`), one pass.
//!
//! Where Wireshark's user guide and its code disagree, this follows the code: two duplicate
//! acknowledgments make a retransmission fast, a window is full when a segment ends exactly at its
//! edge, and what does not extend the stream is out of order if it comes within the initial round
//! trip.

use super::Connection;
use super::timing::Ticks;
use crate::dissect::{Tcp, TcpFlags};
use crate::flow::key::Direction;

/// What was found of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TcpEvents(pub(crate) u16);

impl TcpEvents {
    pub(crate) const RETRANSMISSION: Self = Self(0x0001);
    pub(crate) const LOST_SEGMENT: Self = Self(0x0002);
    pub(crate) const ACKED_UNSEEN: Self = Self(0x0004);
    pub(crate) const KEEP_ALIVE: Self = Self(0x0008);
    pub(crate) const DUPLICATE_ACK: Self = Self(0x0010);
    pub(crate) const ZERO_WINDOW: Self = Self(0x0020);
    pub(crate) const ZERO_WINDOW_PROBE: Self = Self(0x0040);
    pub(crate) const OUT_OF_ORDER: Self = Self(0x0200);
    pub(crate) const FAST_RETRANSMISSION: Self = Self(0x0400);
    pub(crate) const WINDOW_FULL: Self = Self(0x1000);
    pub(crate) const SPURIOUS_RETRANSMISSION: Self = Self(0x4000);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What the analysis keeps of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// Behind the highest sequence number; 0 is unknown.
    pub(crate) next_seq: u32,
    /// Behind what can be acknowledged without surprise; 0 is unknown.
    pub(crate) max_seq_to_ack: u32,
    /// Its last acknowledgment.
    pub(crate) last_ack: u32,
    /// How often it repeated that.
    pub(crate) duplicate_acks: u32,
    /// Its last window, not scaled.
    pub(crate) window: u32,
    /// Its window scale, `UNKNOWN_SCALE` before a SYN, `NO_SCALE` if the ends do not scale.
    pub(crate) scale: i8,
    /// Its last segment was a SYN, whose window is not scaled.
    pub(crate) first_ack: bool,
    /// Its last segment was a keep-alive, or a zero window probe.
    pub(crate) kept_alive: bool,
    pub(crate) probed: bool,
    /// When `next_seq` was set, and when the last segment came.
    pub(crate) next_at: Ticks,
    pub(crate) last_at: Ticks,
}

impl Analysis {
    /// No window was seen.
    pub(crate) const UNKNOWN_WINDOW: u32 = u32::MAX;
    pub(crate) const UNKNOWN_SCALE: i8 = -1;
    pub(crate) const NO_SCALE: i8 = -2;
    /// Said of an end's duplicates when what it sent was acknowledged and not seen: large enough to
    /// count as many.
    const UNSEEN: u32 = u32::MAX;

    pub(crate) const NEW: Self = Self {
        next_seq: 0,
        max_seq_to_ack: 0,
        last_ack: 0,
        duplicate_acks: 0,
        window: Self::UNKNOWN_WINDOW,
        scale: Self::UNKNOWN_SCALE,
        first_ack: false,
        kept_alive: false,
        probed: false,
        next_at: Ticks(0),
        last_at: Ticks(0),
    };
}

/// How often what happened to the segments of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) retransmitted_segments: u32,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) fast_retransmissions: u32,
    pub(crate) spurious_retransmissions: u32,
    pub(crate) out_of_order: u32,
    pub(crate) lost_segments: u32,
    pub(crate) acked_unseen: u32,
    pub(crate) duplicate_acks: u32,
    pub(crate) zero_windows: u32,
    pub(crate) zero_window_probes: u32,
    pub(crate) window_full: u32,
    pub(crate) keep_alives: u32,
}

impl Health {
    pub(crate) const NONE: Self = Self {
        retransmitted_segments: 0,
        retransmitted_bytes: 0,
        fast_retransmissions: 0,
        spurious_retransmissions: 0,
        out_of_order: 0,
        lost_segments: 0,
        acked_unseen: 0,
        duplicate_acks: 0,
        zero_windows: 0,
        zero_window_probes: 0,
        window_full: 0,
        keep_alives: 0,
    };

    fn count(&mut self, events: TcpEvents, payload_len: u32) {
        let Self {
            retransmitted_segments,
            retransmitted_bytes,
            fast_retransmissions,
            spurious_retransmissions,
            out_of_order,
            lost_segments,
            acked_unseen,
            duplicate_acks,
            zero_windows,
            zero_window_probes,
            window_full,
            keep_alives,
        } = self;
        if events.has(TcpEvents::RETRANSMISSION) {
            *retransmitted_bytes += u64::from(payload_len);
        }
        for (count, event) in [
            (retransmitted_segments, TcpEvents::RETRANSMISSION),
            (fast_retransmissions, TcpEvents::FAST_RETRANSMISSION),
            (spurious_retransmissions, TcpEvents::SPURIOUS_RETRANSMISSION),
            (out_of_order, TcpEvents::OUT_OF_ORDER),
            (lost_segments, TcpEvents::LOST_SEGMENT),
            (acked_unseen, TcpEvents::ACKED_UNSEEN),
            (duplicate_acks, TcpEvents::DUPLICATE_ACK),
            (zero_windows, TcpEvents::ZERO_WINDOW),
            (zero_window_probes, TcpEvents::ZERO_WINDOW_PROBE),
            (window_full, TcpEvents::WINDOW_FULL),
            (keep_alives, TcpEvents::KEEP_ALIVE),
        ] {
            *count += u32::from(events.has(event));
        }
    }
}

/// Sequence numbers are ordered within half of their space (RFC 9293 section 3.4).
pub(super) const fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

impl Connection {
    /// Looks at a segment before anything else has changed because of it.
    #[expect(
        clippy::too_many_lines,
        reason = "one rule after another, each of which may end the search: in Wireshark's order"
    )]
    pub(super) fn analyze(&mut self, segment: &Tcp, sender: Direction, now: Ticks) -> TcpEvents {
        /// A retransmission within this time after the acknowledgment that asked for it is fast.
        const FAST_US: u32 = 20_000;
        /// Without a handshake: out of order within this time.
        const OUT_OF_ORDER_US: u32 = 3_000;
        let Tcp {
            seq,
            ack,
            flags,
            payload_len: len,
            ..
        } = *segment;
        let (is_syn, is_ack) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::ACK));
        let is_fin = flags.has(TcpFlags::FIN);
        let plain = !is_syn && !is_fin && !flags.has(TcpFlags::RST);
        let window = u32::from(segment.window);
        let irtt = self.handshake.irtt().map(|span| (span.0 / 1000) as u32);
        let [fwd, rev] = self.pair(sender);
        let known = fwd.flags.0 != 0 || rev.flags.has(TcpFlags::ACK);
        if is_syn && !is_ack && known {
            if fwd.start == seq {
                fwd.analysis.next_seq = fwd.analysis.max_seq_to_ack;
            } else {
                // Another conversation with the same ports.
                fwd.analysis = Analysis::NEW;
                rev.analysis = Analysis::NEW;
            }
        }
        let (health, announced) = (&mut fwd.health, segment.options.window_scale);
        let (fwd, rev) = (&mut fwd.analysis, &mut rev.analysis);
        let mut events = TcpEvents::default();
        let at_next = seq == fwd.next_seq;

        'found: {
            if len == 1 && at_next && rev.window == 0 {
                events.add(TcpEvents::ZERO_WINDOW_PROBE);
                break 'found;
            }
            if window == 0 && plain {
                events.add(TcpEvents::ZERO_WINDOW);
            }
            if fwd.next_seq != 0 && before(fwd.next_seq, seq) && !flags.has(TcpFlags::RST) {
                events.add(TcpEvents::LOST_SEGMENT);
            }
            if len <= 1 && seq == fwd.next_seq.wrapping_sub(1) && plain {
                events.add(TcpEvents::KEEP_ALIVE);
            }
            if len > 0 && rev.scale != Analysis::UNKNOWN_SCALE && plain {
                let shift = if rev.first_ack || rev.scale == Analysis::NO_SCALE {
                    0
                } else {
                    u32::from(rev.scale.unsigned_abs())
                };
                let edge = rev.last_ack.wrapping_add(rev.window << shift);
                if seq.wrapping_add(len) == edge {
                    events.add(TcpEvents::WINDOW_FULL);
                }
            }
            let repeats =
                len == 0 && window == fwd.window && at_next && ack == fwd.last_ack && plain;
            if repeats && (window != 0 && rev.kept_alive || window == 0 && rev.probed) {
                break 'found;
            }
            if repeats && window != 0 {
                events.add(TcpEvents::DUPLICATE_ACK);
                fwd.duplicate_acks = fwd.duplicate_acks.wrapping_add(1).max(1);
            }
        }
        if ack != fwd.last_ack {
            fwd.duplicate_acks = 0;
        }
        if is_ack && rev.max_seq_to_ack != 0 && before(rev.max_seq_to_ack, ack) {
            if before(rev.max_seq_to_ack, rev.next_seq) {
                rev.max_seq_to_ack = rev.next_seq;
                events.add(TcpEvents::ACKED_UNSEEN);
            } else {
                if rev.duplicate_acks == 0 {
                    events.add(TcpEvents::ACKED_UNSEEN);
                }
                rev.duplicate_acks = Analysis::UNSEEN;
            }
        }
        let occupies = len > 0 || is_syn || is_fin;
        let next = seq.wrapping_add(len + u32::from(is_syn || is_fin));
        if occupies && !events.has(TcpEvents::KEEP_ALIVE) {
            let old = fwd.next_seq != 0
                && before(seq, fwd.next_seq)
                && !(len > 1 && seq == fwd.next_seq.wrapping_sub(1));
            let end = seq.wrapping_add(len);
            if len > 0 && rev.last_ack != 0 && !before(rev.last_ack, end) {
                events.add(TcpEvents::SPURIOUS_RETRANSMISSION);
                events.add(TcpEvents::RETRANSMISSION);
            } else if old {
                if rev.duplicate_acks >= 2
                    && seq == rev.last_ack
                    && now.since(rev.last_at) < FAST_US
                {
                    events.add(TcpEvents::FAST_RETRANSMISSION);
                    events.add(TcpEvents::RETRANSMISSION);
                } else if now.since(fwd.next_at) < irtt.unwrap_or(OUT_OF_ORDER_US)
                    && fwd.next_seq != next
                {
                    events.add(TcpEvents::OUT_OF_ORDER);
                } else {
                    events.add(TcpEvents::RETRANSMISSION);
                }
            }
        }
        if !events.has(TcpEvents::ZERO_WINDOW_PROBE) {
            if before(fwd.next_seq, next) || fwd.next_seq == 0 {
                fwd.next_seq = next;
                fwd.next_at = now;
            }
            if seq == fwd.max_seq_to_ack || fwd.max_seq_to_ack == 0 {
                fwd.max_seq_to_ack = fwd.next_seq;
            }
        }
        fwd.window = window;
        fwd.last_ack = ack;
        fwd.last_at = now;
        fwd.kept_alive = events.has(TcpEvents::KEEP_ALIVE);
        fwd.probed = events.has(TcpEvents::ZERO_WINDOW_PROBE);
        if is_syn {
            fwd.first_ack = true;
            if let Some(scale) = announced {
                fwd.scale = scale.min(14).cast_signed();
            }
            if fwd.scale == Analysis::UNKNOWN_SCALE {
                fwd.scale = Analysis::NO_SCALE;
                rev.scale = Analysis::NO_SCALE;
            }
            if is_ack && rev.scale == Analysis::NO_SCALE {
                fwd.scale = Analysis::NO_SCALE;
            }
        } else if is_ack {
            fwd.first_ack = false;
        }
        if events.0 != 0 {
            health.count(events, len);
        }
        events
    }
}
