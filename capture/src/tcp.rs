//! What a TCP segment says of its connection's health: Wireshark's rules (`packet-tcp.c`,
//! `tcp_analyze_sequence_number`), in one place for the connection records and for reading packets, so
//! that a retransmission is the same thing in both.
//!
//! Where Wireshark's user guide and its code disagree, this follows the code: two duplicate
//! acknowledgments make a retransmission fast, a window is full when a segment ends exactly at its
//! edge, and what does not extend the stream is out of order if it comes within the initial round
//! trip.
//!
//! The records keep time in microseconds and four bytes, reading keeps it exactly: the rules take
//! either [`Clock`].

/// What was found of one segment. The bits are Wireshark's (`TCP_A_*`).
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
    pub(crate) const ZERO_WINDOW_PROBE_ACK: Self = Self(0x0080);
    pub(crate) const KEEP_ALIVE_ACK: Self = Self(0x0100);
    pub(crate) const OUT_OF_ORDER: Self = Self(0x0200);
    pub(crate) const FAST_RETRANSMISSION: Self = Self(0x0400);
    pub(crate) const WINDOW_UPDATE: Self = Self(0x0800);
    pub(crate) const WINDOW_FULL: Self = Self(0x1000);
    pub(crate) const REUSED_PORTS: Self = Self(0x2000);
    pub(crate) const SPURIOUS_RETRANSMISSION: Self = Self(0x4000);

    #[inline]
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[inline]
    pub(crate) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A way to tell time: moments that can be subtracted.
pub(crate) trait Clock: Copy {
    /// Twenty milliseconds: a retransmission within this time after the acknowledgment that asked for
    /// it is fast.
    const FAST: u64;
    /// Three milliseconds: without a handshake, what comes within this time is out of order.
    const OUT_OF_ORDER: u64;
    /// Since `earlier`; a very long time if that is later.
    fn since(self, earlier: Self) -> u64;
}

/// A moment in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nanoseconds(pub(crate) u64);

impl Clock for Nanoseconds {
    const FAST: u64 = 20_000_000;
    const OUT_OF_ORDER: u64 = 3_000_000;

    #[inline(always)]
    fn since(self, earlier: Self) -> u64 {
        self.0.wrapping_sub(earlier.0)
    }
}

/// What the rules keep of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side<C> {
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
    pub(crate) next_at: C,
    pub(crate) last_at: C,
}

impl<C> Side<C> {
    /// No window was seen.
    pub(crate) const UNKNOWN_WINDOW: u32 = u32::MAX;
    pub(crate) const UNKNOWN_SCALE: i8 = -1;
    pub(crate) const NO_SCALE: i8 = -2;
    /// Windows are scaled by this at most (RFC 7323 section 2.3).
    pub(crate) const MAX_SCALE: u8 = 14;
    /// Said of an end's duplicates when what it sent was acknowledged and not seen: large enough to
    /// count as many.
    const UNSEEN: u32 = u32::MAX;

    /// An end of which nothing is known; `never` is any moment.
    pub(crate) const fn new(never: C) -> Self
    where
        C: Copy,
    {
        Self {
            next_seq: 0,
            max_seq_to_ack: 0,
            last_ack: 0,
            duplicate_acks: 0,
            window: Self::UNKNOWN_WINDOW,
            scale: Self::UNKNOWN_SCALE,
            first_ack: false,
            kept_alive: false,
            probed: false,
            next_at: never,
            last_at: never,
        }
    }

    /// By how many bits its window is shifted.
    #[inline(always)]
    pub(crate) fn shift(&self) -> u32 {
        if self.scale < 0 {
            0
        } else {
            u32::from(self.scale.unsigned_abs())
        }
    }
}

/// What the rules look at in a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    /// Bytes of payload.
    pub(crate) len: u32,
    pub(crate) window: u32,
    pub(crate) is_syn: bool,
    pub(crate) is_fin: bool,
    pub(crate) is_rst: bool,
    pub(crate) is_ack: bool,
    /// What a SYN or FIN adds to the next sequence number: 1, unless too many segments wait for an
    /// acknowledgment already, where Wireshark forgets it.
    pub(crate) flag_len: u32,
    /// Whether duplicates are looked for at all: MPTCP sends some that mean nothing (RFC 8684
    /// section 4).
    pub(crate) duplicates: Duplicates,
}

/// Whether duplicate acknowledgments count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    Count,
    Ignore,
}

/// Sequence numbers are ordered within half of their space (RFC 9293 section 3.4).
#[inline]
pub(crate) const fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

/// Judges a segment of `fwd`, and remembers it. `irtt` is the initial round trip's length in units of
/// the clock.
#[inline]
pub(crate) fn judge<C: Clock>(
    fwd: &mut Side<C>,
    rev: &mut Side<C>,
    segment: &Segment,
    now: C,
    irtt: Option<u64>,
) -> TcpEvents {
    let Segment {
        seq,
        ack,
        len,
        window,
        is_syn,
        is_fin,
        is_ack,
        flag_len,
        ..
    } = *segment;
    let mut events = shape(fwd, rev, segment);
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
            rev.duplicate_acks = Side::<C>::UNSEEN;
        }
    }
    let occupies = len > 0 || is_syn || is_fin;
    if occupies && !events.has(TcpEvents::KEEP_ALIVE) {
        let old = fwd.next_seq != 0
            && before(seq, fwd.next_seq)
            && !(len > 1 && seq == fwd.next_seq.wrapping_sub(1));
        let end = seq.wrapping_add(len);
        if len > 0 && rev.last_ack != 0 && !before(rev.last_ack, end) {
            events.add(TcpEvents::SPURIOUS_RETRANSMISSION);
        } else if old {
            let next = end.wrapping_add(u32::from(is_syn || is_fin));
            if rev.duplicate_acks >= 2 && seq == rev.last_ack && now.since(rev.last_at) < C::FAST {
                events.add(TcpEvents::FAST_RETRANSMISSION);
            } else if now.since(fwd.next_at) < irtt.unwrap_or(C::OUT_OF_ORDER)
                && fwd.next_seq != next
            {
                events.add(TcpEvents::OUT_OF_ORDER);
            } else {
                events.add(TcpEvents::RETRANSMISSION);
            }
        }
    }
    if !events.has(TcpEvents::ZERO_WINDOW_PROBE) {
        let next = seq.wrapping_add(len).wrapping_add(flag_len);
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
    } else if is_ack {
        fwd.first_ack = false;
    }
    events
}

/// What the segment's place in its stream and its window say, before what it acknowledges and whether
/// it came before.
#[inline(always)]
fn shape<C: Clock>(fwd: &mut Side<C>, rev: &Side<C>, segment: &Segment) -> TcpEvents {
    let Segment {
        seq,
        ack,
        len,
        window,
        ..
    } = *segment;
    let plain = !(segment.is_syn | segment.is_fin | segment.is_rst);
    let mut events = TcpEvents::default();
    let at_next = seq == fwd.next_seq;
    if len == 1 && at_next && rev.window == 0 {
        events.add(TcpEvents::ZERO_WINDOW_PROBE);
        return events;
    }
    if window == 0 && plain {
        events.add(TcpEvents::ZERO_WINDOW);
    }
    if fwd.next_seq != 0 && before(fwd.next_seq, seq) && !segment.is_rst {
        events.add(TcpEvents::LOST_SEGMENT);
    }
    if len <= 1 && seq == fwd.next_seq.wrapping_sub(1) && plain {
        events.add(TcpEvents::KEEP_ALIVE);
    }
    if len > 0 && rev.scale != Side::<C>::UNKNOWN_SCALE && plain {
        let shift = if rev.first_ack { 0 } else { rev.shift() };
        let edge = rev.last_ack.wrapping_add(rev.window << shift);
        if seq.wrapping_add(len) == edge {
            events.add(TcpEvents::WINDOW_FULL);
        }
    }
    if len != 0 || !at_next || ack != fwd.last_ack || !plain {
        return events;
    }
    if window != fwd.window {
        if window != 0 {
            events.add(TcpEvents::WINDOW_UPDATE);
        }
    } else if window == 0 {
        if rev.probed {
            events.add(TcpEvents::ZERO_WINDOW_PROBE_ACK);
        }
    } else if rev.kept_alive {
        events.add(TcpEvents::KEEP_ALIVE_ACK);
    } else if segment.duplicates == Duplicates::Count {
        events.add(TcpEvents::DUPLICATE_ACK);
        fwd.duplicate_acks = fwd.duplicate_acks.wrapping_add(1).max(1);
    }
    events
}

/// What a SYN settles about windows, after its options are read (`verify_tcp_window_scaling`): without
/// a scale on both sides there is none.
#[inline(always)]
pub(crate) fn settle_scale<C>(fwd: &mut Side<C>, rev: &mut Side<C>, is_ack: bool) {
    if fwd.scale == Side::<C>::UNKNOWN_SCALE {
        fwd.scale = Side::<C>::NO_SCALE;
        rev.scale = Side::<C>::NO_SCALE;
    } else if is_ack && rev.scale == Side::<C>::NO_SCALE {
        fwd.scale = Side::<C>::NO_SCALE;
    }
}
