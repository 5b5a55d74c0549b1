//! Segments that most traffic consists of, taken without unpacking the connection: those that change
//! nothing but numbers, and those that open or close a connection in the ordinary way.
//!
//! The rules are those of `tcp/`, for the cases in which they come down to a few comparisons; whatever is
//! not one of these is left to them. A property test holds both against each other.

use super::{
    ACK_ONE_MORE, ACK_SAME, ACK_ZERO, ACTIVE, AT_END, CLOSED, DEFERRED, DID_CLOSE, ECN, FIN,
    FIRST_ACK, FIRST_FIN, FIRST_RST, GIVEN, Half, KEPT_ALIVE, LAST_ACK, PREV, PROBED, Packed, Rest,
    SACK, SCALE, SEEN, STAGE, STAGE_DONE, STAGE_SYN, STAGE_SYN_ACK, STATE, TIMESTAMPS, TIMING,
    UNORDERED, WINDOW_KNOWN, pack_direction,
};
use crate::dissect::{Checksum, TcpFlags};
use crate::flow::history::Letter;
use crate::flow::key::Direction;
use crate::flow::tcp::{Analysis, Arrival, EndState, Once, ShortSpan, Ticks};
use crate::packet::Span;

/// Whether a segment was a plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// No; nothing has changed.
    No,
    /// Yes, the first one of its kind from its sender.
    First,
    /// Yes, like others before.
    Again,
    /// Yes, and it closed the connection.
    Closing,
    /// Yes, after both ends had closed.
    Late,
}

/// What an end's bits have to be: open, and nothing special about its last segment.
const OPEN_MASK: u32 = STATE.mask << STATE.shift
    | FIN.mask << FIN.shift
    | UNORDERED.mask << UNORDERED.shift
    | KEPT_ALIVE.mask << KEPT_ALIVE.shift
    | PROBED.mask << PROBED.shift
    | WINDOW_KNOWN.mask << WINDOW_KNOWN.shift;
const OPEN: u32 = STATE.put(EndState::Established as u32) | WINDOW_KNOWN.put(1);

/// The same of an end that closed in the ordinary way, with nothing pending.
const SHUT_MASK: u32 = OPEN_MASK | PREV.mask << PREV.shift | DID_CLOSE.put(1) | AT_END.put(1);
const SHUT: u32 = STATE.put(EndState::Closed as u32)
    | PREV.put(EndState::Established as u32)
    | FIN.put(1)
    | DID_CLOSE.put(1)
    | AT_END.put(1)
    | WINDOW_KNOWN.put(1);

/// Flags of segments that do more than acknowledge and carry data.
const CONTROL: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0;

/// The bits of a connection of which nothing was heard, without who began.
const ACTIVE_ONLY: u16 = ACTIVE.put(1) as u16;

impl Half {
    /// Open, or closed with nothing pending.
    #[inline(always)]
    const fn is_settled(&self) -> bool {
        self.bits & OPEN_MASK == OPEN || self.bits & SHUT_MASK == SHUT
    }

    /// Takes a round-trip time; `sum` is that of all, this one included.
    #[inline(always)]
    fn sample(&mut self, rest: &mut Rest, us: u32, sum: u32) {
        if rest.rtt_samples == 0 || us < self.rtt_min {
            self.rtt_min = us;
        }
        self.rtt_max = self.rtt_max.max(us);
        self.rtt_sum = sum;
        rest.rtt_samples += 1;
        self.bits &= !TIMING.put(1);
    }
}

impl Packed {
    /// Takes a segment that changes nothing but numbers: in order, on an open connection, or a last
    /// acknowledgment on one that is closing; or one that opens or closes it in the ordinary way. `No`
    /// if it is not one; then nothing has changed.
    #[inline(always)]
    pub(crate) fn on_plain_segment(&mut self, arrival: &Arrival<'_>) -> Plain {
        match arrival.segment.flags.0 & CONTROL {
            0 => self.on_plain_ack(arrival),
            control if control == TcpFlags::FIN.0 => self.on_plain_fin(arrival),
            control if control == TcpFlags::SYN.0 => self.on_plain_syn(arrival),
            control if control == TcpFlags::RST.0 => self.on_plain_rst(arrival),
            _ => Plain::No,
        }
    }

    /// The first SYN of a connection, and the SYN-ACK that answers it.
    fn on_plain_syn(&mut self, arrival: &Arrival<'_>) -> Plain {
        const NEW: u32 = Half::NEW.bits;
        /// What is known of an end that has not said anything. Letters lie by role, and those of the other
        /// end can be here.
        const UNHEARD: u32 =
            SCALE.put(SCALE.mask) | LAST_ACK.put(LAST_ACK.mask) | GIVEN.put(GIVEN.mask);
        let segment = arrival.segment;
        let from_originator = arrival.sender == self.originator();
        let is_ack = segment.flags.has(TcpFlags::ACK);
        let announced = match segment.options.window_scale {
            Some(scale) if scale <= 14 => Some(scale),
            Some(_) => return Plain::No,
            None => None,
        };
        let stage = STAGE.get(self.bits.into());
        let [forward, reverse] = &mut self.halves;
        let [forward_rest, reverse_rest] = &mut self.rest;
        let (half, rest, peer) = match arrival.sender {
            Direction::Forward => (forward, forward_rest, reverse),
            Direction::Reverse => (reverse, reverse_rest, forward),
        };
        let unscaled = |bits: u32| SCALE.get(bits) == (Analysis::NO_SCALE + 2) as u32;
        if segment.payload_len > 0
            || segment.window == 0
            || segment.seq == u32::MAX
            || arrival.checksum == Checksum::Bad
            || arrival.ts.0 == 0
            || from_originator == is_ack
            || half.packets > 0
        {
            return Plain::No;
        }
        // What an end without a scale says of the other one is where the two ways differ.
        let scale = match announced {
            Some(scale) if !(is_ack && unscaled(peer.bits)) => u32::from(scale) + 2,
            Some(_) => return Plain::No,
            None => (Analysis::NO_SCALE + 2) as u32,
        };
        // The other end acknowledged nothing: 0, which has to be told in other words now.
        let zero = if segment.seq == 0 { ACK_SAME } else { ACK_ZERO };
        let (state, letter) = if is_ack {
            let answers = STATE.get(peer.bits) == EndState::SynSent as u32
                && stage == STAGE_SYN
                && segment.ack == peer.last
                && peer.last == peer.start.wrapping_add(1)
                && peer.start != u32::MAX
                && LAST_ACK.get(peer.bits) == ACK_SAME
                && half.bits & !UNHEARD == 0
                && (announced.is_some() || unscaled(peer.bits));
            if !answers {
                return Plain::No;
            }
            let syn = ShortSpan(self.handshake[0]).span().0;
            let after = Span(arrival.since_first.0.saturating_sub(syn));
            self.handshake[1] = ShortSpan::of(after).0;
            peer.ack = segment.ack;
            let replaced =
                STATE.put(STATE.mask) | PREV.put(PREV.mask) | LAST_ACK.put(LAST_ACK.mask);
            peer.bits = peer.bits & !replaced
                | STATE.put(EndState::Established as u32)
                | PREV.put(EndState::SynSent as u32)
                | LAST_ACK.put(zero);
            (EndState::Established, Letter::H)
        } else {
            let first = half.bits == NEW && peer.bits == NEW && peer.packets == 0;
            // An acknowledgment that nobody asked for has no place here.
            if !first || segment.ack != 0 || self.history != [0; 2] || self.bits & !1 != ACTIVE_ONLY
            {
                return Plain::No;
            }
            let scale = if announced.is_some() { NEW } else { 0 };
            peer.bits = scale | LAST_ACK.put(zero);
            self.handshake[0] = ShortSpan::of(arrival.since_first).0;
            (EndState::SynSent, Letter::S)
        };
        half.start = segment.seq;
        half.ack = segment.seq;
        half.last = segment.seq + 1;
        half.next_at = Ticks::of(arrival.ts);
        half.window = segment.window;
        half.mss = segment.options.mss.unwrap_or(0);
        let kept = half.bits & GIVEN.put(GIVEN.mask);
        half.bits = STATE.put(state as u32)
            | PREV.put(EndState::Inactive as u32)
            | kept
            | SCALE.put(scale)
            | FIRST_ACK.flag(true)
            | WINDOW_KNOWN.flag(true)
            | SACK.flag(segment.options.sack_permitted)
            | TIMESTAMPS.flag(segment.options.timestamps)
            | ECN.flag(arrival.ip.ecn != 0)
            | LAST_ACK.put(ACK_SAME);
        rest.ttl = arrival.ip.ttl;
        rest.flags = segment.flags.0;
        let (stage, seen) = if is_ack {
            (STAGE_SYN_ACK, 3)
        } else {
            (STAGE_SYN, 1)
        };
        let replaced = STAGE.put(STAGE.mask) | SEEN.put(SEEN.mask);
        self.bits = self.bits & !(replaced as u16) | (STAGE.put(stage) | SEEN.put(seen)) as u16;
        // Letters are noted by role.
        self.halves[usize::from(is_ack)].bits |= GIVEN.put(Once::SYN.0.into());
        self.letter(arrival.sender, letter);
        Plain::First
    }

    /// The first FIN of an end that has nothing else to say, on a connection where nothing is pending.
    fn on_plain_fin(&mut self, arrival: &Arrival<'_>) -> Plain {
        let segment = arrival.segment;
        let sender = arrival.sender;
        let role = usize::from(sender != self.originator());
        let given = GIVEN.get(self.halves[role].bits);
        let bits = u32::from(self.bits);
        let [forward, reverse] = &mut self.halves;
        let [forward_rest, reverse_rest] = &mut self.rest;
        let (half, rest, peer, peer_rest) = match sender {
            Direction::Forward => (forward, forward_rest, reverse, reverse_rest),
            Direction::Reverse => (reverse, reverse_rest, forward, forward_rest),
        };
        let newly_acked = segment.ack.wrapping_sub(peer.ack);
        let peer_closed = FIN.is_set(peer.bits);
        if !segment.flags.has(TcpFlags::ACK)
            || half.bits & OPEN_MASK != OPEN
            || !peer.is_settled()
            || segment.seq != half.last
            || segment.payload_len > 0
            || segment.window == 0
            || arrival.checksum == Checksum::Bad
            || given & u32::from(Once::FIN.0) != 0
            || segment.ack != peer.last
            || newly_acked > peer.last.wrapping_sub(peer.start)
            || segment.ack < peer.ack
            || half.last == u32::MAX
            || half.last <= half.start
            || peer.last <= peer.start
            || matches!(STAGE.get(bits), STAGE_SYN | STAGE_SYN_ACK)
            || DEFERRED.is_set(bits)
            || FIRST_RST.is_set(bits)
            || peer_closed != FIRST_FIN.is_set(bits)
            || half.ack <= half.start
        {
            return Plain::No;
        }
        let now = Ticks::of(arrival.ts);
        if TIMING.is_set(peer.bits) {
            let us = now.since(peer.next_at);
            let Some(sum) = peer.rtt_sum.checked_add(us) else {
                return Plain::No;
            };
            if us >= 1 << 31 || peer_rest.rtt_samples == u8::MAX {
                return Plain::No;
            }
            peer.sample(peer_rest, us, sum);
        }
        peer.ack = segment.ack;
        half.last += 1;
        half.next_at = now;
        half.window = segment.window;
        let replaced = STATE.put(STATE.mask)
            | PREV.put(PREV.mask)
            | FIRST_ACK.put(1)
            | LAST_ACK.put(LAST_ACK.mask);
        half.bits = half.bits & !replaced
            | STATE.put(EndState::Closed as u32)
            | PREV.put(EndState::Established as u32)
            | FIN.flag(true)
            | AT_END.flag(true)
            | DID_CLOSE.flag(true)
            | TIMING.flag(true)
            | ECN.flag(arrival.ip.ecn != 0 || segment.flags.0 & 0xc0 != 0)
            | TIMESTAMPS.flag(segment.options.timestamps);
        rest.flags |= segment.flags.0;
        self.bits |= if peer_closed {
            CLOSED.flag(true) as u16
        } else {
            FIRST_FIN.put(pack_direction(Some(sender))) as u16
        };
        self.halves[role].bits |= GIVEN.put(Once::FIN.0.into());
        self.letter(sender, Letter::F);
        if peer_closed {
            Plain::Closing
        } else {
            Plain::First
        }
    }

    /// The first RST, of an end that has nothing else to say, on a connection that is open on both sides or
    /// that the other end has closed.
    fn on_plain_rst(&mut self, arrival: &Arrival<'_>) -> Plain {
        const WHOLE: u32 = OPEN_MASK | DID_CLOSE.put(1) | AT_END.put(1);
        let segment = arrival.segment;
        let sender = arrival.sender;
        let is_ack = segment.flags.has(TcpFlags::ACK);
        let role = usize::from(sender != self.originator());
        let given = GIVEN.get(self.halves[role].bits);
        let bits = u32::from(self.bits);
        let [forward, reverse] = &mut self.halves;
        let [forward_rest, reverse_rest] = &mut self.rest;
        let (half, rest, peer) = match sender {
            Direction::Forward => (forward, forward_rest, reverse),
            Direction::Reverse => (reverse, reverse_rest, forward),
        };
        let peer_closed = FIN.is_set(peer.bits);
        // Without the flag, it is not looked at but remembered.
        let last_ack = match segment.ack {
            ack if ack == peer.ack => ACK_SAME,
            _ if is_ack => return Plain::No,
            ack if ack == peer.ack.wrapping_add(1) => ACK_ONE_MORE,
            0 => ACK_ZERO,
            _ => return Plain::No,
        };
        if half.bits & WHOLE != OPEN
            || !(peer.bits & WHOLE == OPEN || peer_closed && peer.bits & SHUT_MASK == SHUT)
            || segment.seq != half.last
            || segment.payload_len > 0
            || arrival.checksum == Checksum::Bad
            || given & u32::from(Once::RST.0) != 0
            || half.last <= half.start
            || peer.last <= peer.start
            || SEEN.get(bits) != SEEN.mask
            || matches!(STAGE.get(bits), STAGE_SYN | STAGE_SYN_ACK)
            || FIRST_RST.is_set(bits)
            || peer_closed != FIRST_FIN.is_set(bits)
            || DEFERRED.is_set(bits)
            || CLOSED.is_set(bits)
        {
            return Plain::No;
        }
        half.window = segment.window;
        let first_ack = if is_ack { 0 } else { FIRST_ACK.put(1) };
        let kept = half.bits & !(STATE.put(STATE.mask) | PREV.put(PREV.mask));
        half.bits = kept & !(FIRST_ACK.put(1) | LAST_ACK.put(LAST_ACK.mask))
            | half.bits & first_ack
            | STATE.put(EndState::Reset as u32)
            | PREV.put(EndState::Established as u32)
            | LAST_ACK.put(last_ack)
            | AT_END.flag(true)
            | DID_CLOSE.flag(true)
            | ECN.flag(arrival.ip.ecn != 0 || segment.flags.0 & 0xc0 != 0)
            | TIMESTAMPS.flag(segment.options.timestamps);
        rest.flags |= segment.flags.0;
        let closed = CLOSED.flag(true) | FIRST_RST.put(pack_direction(Some(sender)));
        self.bits = self.bits & !(ACTIVE.put(1) as u16) | closed as u16;
        self.halves[role].bits |= GIVEN.put(Once::RST.0.into());
        self.letter(sender, Letter::R);
        Plain::Closing
    }

    /// The same for a segment that only acknowledges, or carries data; any other is none.
    #[inline(always)]
    pub(crate) fn on_plain_data(&mut self, arrival: &Arrival<'_>) -> Plain {
        if arrival.segment.flags.0 & CONTROL == 0 {
            self.on_plain_ack(arrival)
        } else {
            Plain::No
        }
    }

    /// A segment that only acknowledges, or carries data.
    #[inline(always)]
    #[expect(
        clippy::too_many_lines,
        reason = "one condition after another, in the order of what they cost"
    )]
    fn on_plain_ack(&mut self, arrival: &Arrival<'_>) -> Plain {
        const LAST_ACK_MASK: u32 = LAST_ACK.mask << LAST_ACK.shift;
        /// Data on its way, bytes; above, putting it in order has limits to look at.
        const MOST_UNACKED: u32 = 8 << 20;
        /// The same while nothing was acknowledged.
        const MOST_WITHOUT_ACK: u32 = 16_000;
        let segment = arrival.segment;
        let len = segment.payload_len;
        let sender = arrival.sender;
        let from_originator = sender == self.originator();
        let role = usize::from(!from_originator);
        let given = GIVEN.get(self.halves[role].bits);
        let stage = STAGE.get(self.bits.into());
        let [forward, reverse] = &mut self.halves;
        let [forward_rest, reverse_rest] = &mut self.rest;
        let (half, rest, peer, peer_rest) = match sender {
            Direction::Forward => (forward, forward_rest, reverse, reverse_rest),
            Direction::Reverse => (reverse, reverse_rest, forward, forward_rest),
        };
        let flags = segment.flags.0;
        let open = half.bits & OPEN_MASK == OPEN && peer.bits & OPEN_MASK == OPEN;
        let settled = len == 0 && half.is_settled() && peer.is_settled();
        if flags & TcpFlags::ACK.0 == 0
            || !(open || settled)
            || segment.seq != half.last
            || segment.window == 0
            || arrival.checksum == Checksum::Bad
        {
            return Plain::No;
        }
        let newly_acked = segment.ack.wrapping_sub(peer.ack);
        let last = half.last.wrapping_add(len);
        // Only what was sent can be acknowledged; and whatever wraps around is looked at closely.
        if newly_acked > peer.last.wrapping_sub(peer.ack)
            || segment.ack < peer.ack
            || last < half.last
            || half.last <= half.start
            || peer.last <= peer.start
        {
            return Plain::No;
        }
        if len == 0 {
            // The same again: a duplicate, or an answer to a keep-alive.
            let last_ack = match LAST_ACK.get(half.bits) {
                ACK_ONE_MORE => peer.ack.wrapping_add(1),
                ACK_ZERO => 0,
                _ => peer.ack,
            };
            if segment.ack == last_ack && segment.window == half.window {
                return Plain::No;
            }
        } else {
            let shift = if FIRST_ACK.is_set(peer.bits) {
                0
            } else {
                SCALE.get(peer.bits).saturating_sub(2)
            };
            let window = u32::from(peer.window);
            let most = if half.ack <= half.start.wrapping_add(1) {
                MOST_WITHOUT_ACK
            } else {
                MOST_UNACKED
            };
            if !segment.captured
                || window == 0
                || peer.bits & LAST_ACK_MASK != LAST_ACK.put(ACK_SAME)
                || last == half.ack.wrapping_add(window << shift)
                || last.wrapping_sub(half.ack) > most
            {
                return Plain::No;
            }
        }
        // The handshake's last segment.
        let completed = if matches!(stage, STAGE_SYN | STAGE_SYN_ACK) {
            if stage == STAGE_SYN || !from_originator || segment.ack != peer.start.wrapping_add(1) {
                return Plain::No;
            }
            let [syn, after] = self.handshake.map(|it| ShortSpan(it).span().0);
            let rest = arrival.since_first.0.saturating_sub(syn);
            Some(ShortSpan::of(Span(rest.saturating_sub(after))))
        } else {
            None
        };
        let now = Ticks::of(arrival.ts);
        if TIMING.is_set(peer.bits) && segment.ack == peer.last {
            let us = now.since(peer.next_at);
            let Some(sum) = peer.rtt_sum.checked_add(us) else {
                return Plain::No;
            };
            if us >= 1 << 31 || peer_rest.rtt_samples == u8::MAX {
                return Plain::No;
            }
            peer.sample(peer_rest, us, sum);
        }
        peer.ack = segment.ack;
        if len > 0 {
            half.last = last;
            half.next_at = now;
            half.bits |= TIMING.put(1);
        }
        half.window = segment.window;
        half.bits = half.bits & !(FIRST_ACK.put(1) | LAST_ACK_MASK)
            | ECN.flag(arrival.ip.ecn != 0 || flags & 0xc0 != 0)
            | TIMESTAMPS.flag(segment.options.timestamps);
        rest.flags |= flags;
        if let Some(rest) = completed {
            let [_, after] = self.handshake;
            self.handshake = [after, rest.0];
            self.bits = self.bits & !(STAGE.put(STAGE.mask) as u16) | STAGE.put(STAGE_DONE) as u16;
        }
        let (once, letter) = if len > 0 {
            (Once::DATA, Letter::D)
        } else {
            (Once::ACK, Letter::A)
        };
        if given & u32::from(once.0) == 0 {
            self.halves[role].bits |= GIVEN.put(once.0.into());
            self.letter(sender, letter);
        }
        if !open && self.is_closed_by_both() {
            Plain::Late
        } else if given & u32::from(once.0) == 0 {
            Plain::First
        } else {
            Plain::Again
        }
    }

    /// Both ends' closing was noticed.
    fn is_closed_by_both(&self) -> bool {
        let [forward, reverse] = &self.halves;
        DID_CLOSE.is_set(forward.bits & reverse.bits)
    }
}
