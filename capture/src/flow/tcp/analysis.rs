//! What a segment says of the connection's health, by the rules of [`crate::tcp`], and how often that
//! happened.

use super::Connection;
use super::timing::Ticks;
use crate::dissect::{Tcp, TcpFlags};
use crate::flow::key::Direction;
use crate::tcp::{self, Clock, Duplicates, Segment, Side};

pub(crate) use crate::tcp::TcpEvents;
pub(super) use crate::tcp::before;

/// What the analysis keeps of one end.
pub(crate) type Analysis = Side<Ticks>;

impl Analysis {
    pub(crate) const NEW: Self = Self::new(Ticks(0));
}

impl Clock for Ticks {
    const FAST: u64 = 20_000;
    const OUT_OF_ORDER: u64 = 3_000;

    #[inline(always)]
    fn since(self, earlier: Self) -> u64 {
        u64::from(Self::since(self, earlier))
    }
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

impl Connection {
    /// Looks at a segment before anything else has changed because of it.
    pub(super) fn analyze(&mut self, segment: &Tcp, sender: Direction, now: Ticks) -> TcpEvents {
        const SENT_AGAIN: TcpEvents =
            TcpEvents(TcpEvents::FAST_RETRANSMISSION.0 | TcpEvents::SPURIOUS_RETRANSMISSION.0);
        let Tcp { seq, flags, .. } = *segment;
        let (is_syn, is_ack) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::ACK));
        let is_fin = flags.has(TcpFlags::FIN);
        let irtt = self.handshake.irtt().map(|span| span.0 / 1000);
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
        let seen = Segment {
            seq,
            ack: segment.ack,
            len: segment.payload_len,
            window: u32::from(segment.window),
            is_syn,
            is_fin,
            is_rst: flags.has(TcpFlags::RST),
            is_ack,
            flag_len: u32::from(is_syn || is_fin),
            duplicates: Duplicates::Count,
        };
        let mut events = tcp::judge(&mut fwd.analysis, &mut rev.analysis, &seen, now, irtt);
        if events.has(SENT_AGAIN) {
            // Those are counted as retransmissions, too.
            events.add(TcpEvents::RETRANSMISSION);
        }
        if is_syn {
            if let Some(scale) = segment.options.window_scale {
                fwd.analysis.scale = scale.min(Analysis::MAX_SCALE).cast_signed();
            }
            tcp::settle_scale(&mut fwd.analysis, &mut rev.analysis, is_ack);
        }
        if events.0 != 0 {
            fwd.health.count(events, segment.payload_len);
        }
        events
    }
}
