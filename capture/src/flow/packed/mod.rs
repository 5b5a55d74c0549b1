//! A flow in 192 bytes, with its key and links: what ten million of them are kept in.
//!
//! Most connections are plain most of the time: what was sent was acknowledged or will be, nothing
//! came twice, nothing is missing. Then most of what a [`Connection`] knows follows from the rest, and
//! is left out here. A connection for which that does not hold, so that packing and unpacking would
//! change it, gets a [`super::detail::Detail`] instead. There is one set of rules, in `tcp/`, and it
//! works on unpacked connections; the one exception is [`Packed::on_plain_segment`], for the segments
//! that most traffic consists of.

mod plain;

pub(crate) use plain::Plain;

use super::history::{Letter, Letters};
use super::key::Direction;
use super::state::{Class, Outline};
use super::tcp::{
    Analysis, Connection, End, EndState, Handshake, Health, Once, Rtt, ShortSpan, Ticks,
    is_power_of_ten,
};
use crate::dissect::{Tcp, TcpFlags};

/// A whole number of up to 48 bits, with the alignment of 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct U48([u16; 3]);

impl U48 {
    #[inline(always)]
    pub(crate) const fn new(value: u64) -> Self {
        Self([value as u16, (value >> 16) as u16, (value >> 32) as u16])
    }

    #[inline(always)]
    pub(crate) const fn get(self) -> u64 {
        let [a, b, c] = self.0;
        a as u64 | (b as u64) << 16 | (c as u64) << 32
    }

    #[inline(always)]
    pub(crate) const fn add(&mut self, more: u32) {
        *self = Self::new(self.get() + more as u64);
    }
}

/// One end, and what was counted of what it sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Half {
    /// Packets; before this wraps around, a record is written (see `FlowTable`).
    pub(crate) packets: u32,
    /// TCP: see [`End`]. Otherwise `start` and `last` are the payload's length, low half first.
    start: u32,
    last: u32,
    ack: u32,
    next_at: Ticks,
    rtt_min: u32,
    rtt_max: u32,
    rtt_sum: u32,
    bits: u32,
    /// Bytes; below 2^48, since a packet has at most 2^16 and there are fewer than 2^32.
    pub(crate) ip_bytes: U48,
    pub(crate) wire_bytes: U48,
    window: u16,
    mss: u16,
}

impl Half {
    /// Of an end of which nothing was heard.
    const NEW: Self = Self {
        packets: 0,
        start: 0,
        last: 0,
        ack: 0,
        next_at: Ticks(0),
        rtt_min: 0,
        rtt_max: 0,
        rtt_sum: 0,
        bits: SCALE.put((Analysis::UNKNOWN_SCALE + 2) as u32),
        ip_bytes: U48::new(0),
        wire_bytes: U48::new(0),
        window: 0,
        mss: 0,
    };
}

/// The rest of an end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rest {
    rtt_samples: u8,
    last_wraps: u8,
    ack_wraps: u8,
    pub(crate) ttl: u8,
    flags: u8,
}

/// What packing keeps of a connection, or of a flow of another protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed {
    /// First word of the letters, low half first.
    history: [u32; 2],
    handshake: [u32; 2],
    pub(crate) halves: [Half; 2],
    bits: u16,
    pub(crate) rest: [Rest; 2],
}

/// A run of bits in a word.
#[derive(Clone, Copy)]
struct Field {
    shift: u32,
    mask: u32,
}

impl Field {
    const fn new(shift: u32, width: u32) -> Self {
        Self {
            shift,
            mask: (1 << width) - 1,
        }
    }

    const fn get(self, word: u32) -> u32 {
        word >> self.shift & self.mask
    }

    const fn is_set(self, word: u32) -> bool {
        self.get(word) != 0
    }

    const fn put(self, value: u32) -> u32 {
        (value & self.mask) << self.shift
    }

    const fn flag(self, value: bool) -> u32 {
        self.put(value as u32)
    }
}

const STATE: Field = Field::new(0, 3);
const PREV: Field = Field::new(3, 3);
const DID_CLOSE: Field = Field::new(6, 1);
const AT_END: Field = Field::new(7, 1);
const FIN: Field = Field::new(8, 1);
const UNORDERED: Field = Field::new(9, 1);
const GIVEN: Field = Field::new(10, Once::ALL_BITS);
const SCALE: Field = Field::new(17, 5);
const FIRST_ACK: Field = Field::new(22, 1);
const WINDOW_KNOWN: Field = Field::new(23, 1);
const KEPT_ALIVE: Field = Field::new(24, 1);
const PROBED: Field = Field::new(25, 1);
const TIMING: Field = Field::new(26, 1);
const SACK: Field = Field::new(27, 1);
const TIMESTAMPS: Field = Field::new(28, 1);
const ECN: Field = Field::new(29, 1);
const LAST_ACK: Field = Field::new(30, 2);

/// Values of `LAST_ACK`: how the last acknowledgment lies to the highest.
const ACK_SAME: u32 = 0;
const ACK_ONE_MORE: u32 = 1;
const ACK_ZERO: u32 = 2;

const REVERSED: Field = Field::new(0, 1);
const PARTIAL: Field = Field::new(1, 1);
const SEEN: Field = Field::new(2, 2);
const ACTIVE: Field = Field::new(4, 1);
const DEFERRED: Field = Field::new(5, 1);
const CLOSED: Field = Field::new(6, 1);
const FIRST_FIN: Field = Field::new(7, 2);
const FIRST_RST: Field = Field::new(9, 2);
const CROSSED: Field = Field::new(11, 1);
const STAGE: Field = Field::new(12, 3);

/// Values of `STAGE`.
const STAGE_SYN: u32 = 1;
const STAGE_SYN_ACK: u32 = 2;
const STAGE_DONE: u32 = 3;
const STAGE_UNSPLIT: u32 = 4;

const fn direction(reversed: bool) -> Direction {
    if reversed {
        Direction::Reverse
    } else {
        Direction::Forward
    }
}

const fn pack_direction(direction: Option<Direction>) -> u32 {
    match direction {
        None => 0,
        Some(Direction::Forward) => 1,
        Some(Direction::Reverse) => 2,
    }
}

const fn unpack_direction(bits: u32) -> Option<Direction> {
    match bits {
        1 => Some(Direction::Forward),
        2 => Some(Direction::Reverse),
        _ => None,
    }
}

impl Packed {
    /// Nothing counted yet.
    pub(crate) fn new(originator: Direction) -> Self {
        Self {
            history: [0; 2],
            handshake: [0; 2],
            halves: [Half::NEW; 2],
            bits: (REVERSED.flag(originator == Direction::Reverse) | ACTIVE.flag(true)) as u16,
            rest: [Rest::default(); 2],
        }
    }

    /// The direction in which the originator sends.
    #[inline(always)]
    pub(crate) const fn originator(&self) -> Direction {
        direction(REVERSED.is_set(self.bits as u32))
    }

    /// Whether this is a SYN-ACK, and its receiver has said something: then it begins nothing new.
    #[inline(always)]
    pub(crate) const fn is_answered_by(&self, segment: &Tcp) -> bool {
        let [forward, reverse] = &self.halves;
        let originator = match self.originator() {
            Direction::Forward => forward,
            Direction::Reverse => reverse,
        };
        segment
            .flags
            .has(TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0))
            && STATE.get(originator.bits) != EndState::Inactive as u32
    }

    /// What a connection is when it is unpacked; counts stay here.
    #[inline(always)]
    pub(crate) fn unpack(&self) -> Connection {
        let [forward, reverse] = &self.halves;
        if forward.bits == Half::NEW.bits && reverse.bits == Half::NEW.bits {
            return Connection {
                history: self.letters(),
                ..Connection::new(self.originator())
            };
        }
        let bits = u32::from(self.bits);
        let [a, b] = &self.halves;
        let [a_rest, b_rest] = &self.rest;
        let mut ends = [unpack_end(a, a_rest), unpack_end(b, b_rest)];
        for (number, half) in self.halves.iter().enumerate() {
            let peer_ack = ends[1 - number].ack;
            ends[number].analysis.last_ack = match LAST_ACK.get(half.bits) {
                ACK_ONE_MORE => peer_ack.wrapping_add(1),
                ACK_ZERO => 0,
                _ => peer_ack,
            };
        }
        let [x, y] = self.handshake.map(ShortSpan);
        Connection {
            ends,
            originator: self.originator(),
            partial: PARTIAL.is_set(bits),
            seen: [SEEN.get(bits) & 1 != 0, SEEN.get(bits) & 2 != 0],
            given: [GIVEN.get(a.bits) as u8, GIVEN.get(b.bits) as u8],
            active: ACTIVE.is_set(bits),
            close_deferred: DEFERRED.is_set(bits),
            closed: CLOSED.is_set(bits),
            first_fin: unpack_direction(FIRST_FIN.get(bits)),
            first_rst: unpack_direction(FIRST_RST.get(bits)),
            crossed_fins: CROSSED.is_set(bits),
            history: self.letters(),
            handshake: match STAGE.get(bits) {
                STAGE_SYN => Handshake::Syn(x),
                STAGE_SYN_ACK => Handshake::SynAck(x, y),
                STAGE_DONE => Handshake::Done(x, y),
                STAGE_UNSPLIT => Handshake::Unsplit(x),
                _ => Handshake::None,
            },
        }
    }

    /// Takes as much of a connection as there is room for; says whether that is all of it.
    pub(crate) fn pack(&mut self, connection: &Connection) -> bool {
        let (stage, handshake) = match connection.handshake {
            Handshake::None => (0, [0; 2]),
            Handshake::Syn(x) => (STAGE_SYN, [x.0, 0]),
            Handshake::SynAck(x, y) => (STAGE_SYN_ACK, [x.0, y.0]),
            Handshake::Done(x, y) => (STAGE_DONE, [x.0, y.0]),
            Handshake::Unsplit(x) => (STAGE_UNSPLIT, [x.0, 0]),
        };
        let [seen_originator, seen_responder] = connection.seen;
        let bits = REVERSED.flag(connection.originator == Direction::Reverse)
            | PARTIAL.flag(connection.partial)
            | SEEN.put(u32::from(seen_originator) | u32::from(seen_responder) << 1)
            | ACTIVE.flag(connection.active)
            | DEFERRED.flag(connection.close_deferred)
            | CLOSED.flag(connection.closed)
            | FIRST_FIN.put(pack_direction(connection.first_fin))
            | FIRST_RST.put(pack_direction(connection.first_rst))
            | CROSSED.flag(connection.crossed_fins)
            | STAGE.put(stage);
        self.bits = bits as u16;
        self.set_letters(connection.history);
        self.handshake = handshake;
        let [a, b] = &connection.ends;
        let [a_half, b_half] = &mut self.halves;
        let [a_rest, b_rest] = &mut self.rest;
        let [a_given, b_given] = connection.given;
        pack_end(a, b, a_given, a_half, a_rest);
        pack_end(b, a, b_given, b_half, b_rest);
        let fits = fits(a, b) && fits(b, a) && connection.history.0[1] == 0;
        #[cfg(debug_assertions)]
        assert_eq!(
            fits,
            self.unpack() == normal(connection),
            "what is left out follows from the rest: {:#?}\n{:#?}",
            self.unpack(),
            normal(connection)
        );
        fits
    }

    /// The connection is over.
    pub(crate) fn is_closed(&self) -> bool {
        CLOSED.is_set(self.bits.into())
    }

    /// How the flow is treated by expiry and eviction now.
    #[inline(always)]
    pub(crate) fn class(&self, is_tcp: bool, slow_service: bool) -> Class {
        self.standing().class(is_tcp, slow_service)
    }

    /// What its class depends on, to find out later which it was.
    #[inline(always)]
    pub(crate) const fn standing(&self) -> Standing {
        let [forward, reverse] = &self.halves;
        Standing {
            bits: self.bits,
            halves: [forward.bits, reverse.bits],
        }
    }

    /// Payload of a flow that is not TCP, bytes.
    pub(crate) fn payload(&self, direction: Direction) -> u64 {
        let half = &self.halves[direction.index()];
        u64::from(half.start) | u64::from(half.last) << 32
    }

    fn set_payload(&mut self, direction: Direction, payload: u64) {
        let half = &mut self.halves[direction.index()];
        half.start = payload as u32;
        half.last = (payload >> 32) as u32;
    }

    /// Datagrams with a bad checksum, of a flow that is not TCP.
    pub(crate) fn corrupt_datagrams(&self, direction: Direction) -> u32 {
        self.halves[direction.index()].ack
    }

    /// A datagram of a flow that is not TCP.
    #[inline(always)]
    pub(crate) fn on_datagram(&mut self, direction: Direction, payload_len: u32, is_udp: bool) {
        let payload = self.payload(direction) + u64::from(payload_len);
        self.set_payload(direction, payload);
        if !self.was_heard(direction) {
            let half = &mut self.halves[direction.index()];
            half.bits |= GIVEN.put(Once::DATA.0.into());
            if is_udp {
                self.letter(direction, Letter::D);
            }
        }
    }

    /// Datagrams of which only their payload's length is known, of a flow that is not TCP.
    pub(crate) fn on_skipped_datagrams(&mut self, direction: Direction, payload_bytes: u64) {
        self.set_payload(direction, self.payload(direction) + payload_bytes);
    }

    /// The same with a bad checksum.
    pub(crate) fn on_corrupt_datagram(&mut self, direction: Direction) {
        let half = &mut self.halves[direction.index()];
        half.ack = half.ack.wrapping_add(1);
        if is_power_of_ten(half.ack) {
            self.letter(direction, Letter::C);
        }
    }

    /// Whether a good datagram came this way, of a flow that is not TCP.
    #[inline(always)]
    pub(crate) fn was_heard(&self, direction: Direction) -> bool {
        GIVEN.is_set(self.halves[direction.index()].bits)
    }

    /// Forgets what was counted, of a flow that is not TCP, after it was reported.
    pub(crate) fn clear_payload(&mut self) {
        for direction in [Direction::Forward, Direction::Reverse] {
            self.set_payload(direction, 0);
        }
    }

    /// Exchanges the roles of a flow that has just begun.
    pub(crate) fn flip(&mut self) {
        self.bits ^= REVERSED.put(1) as u16;
        self.push_letter(Letter::Flip);
    }

    /// The letters, as far as they fit.
    pub(crate) fn letters(&self) -> Letters {
        let [low, high] = self.history.map(u64::from);
        Letters([low | high << 32, 0, 0])
    }

    fn set_letters(&mut self, Letters([letters, ..]): Letters) {
        self.history = [letters as u32, (letters >> 32) as u32];
    }

    /// Appends a letter in upper case, to the history of a flow that is not TCP.
    pub(crate) fn push_letter(&mut self, letter: Letter) {
        let mut letters = self.letters();
        letters.push(letter, false);
        self.set_letters(letters);
    }

    fn letter(&mut self, sender: Direction, letter: Letter) {
        let mut letters = self.letters();
        letters.push(letter, sender != self.originator());
        self.set_letters(letters);
    }
}

/// What the class of a flow depends on, while it has no detail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    bits: u16,
    halves: [u32; 2],
}

impl Standing {
    /// Whether the class of a connection is for certain the same as it was in this standing.
    #[inline(always)]
    pub(crate) const fn is_like(self, before: Self) -> bool {
        const BITS: u32 = REVERSED.put(1) | CLOSED.put(1) | ACTIVE.put(1);
        const HALF: u32 = STATE.put(STATE.mask) | DID_CLOSE.put(1);
        const WENT_ON: u32 = GIVEN.put(!(Once::SYN.0 as u32));
        let [forward, reverse] = self.halves;
        let [forward_before, reverse_before] = before.halves;
        let changed = (self.bits ^ before.bits) as u32 & BITS
            | (forward ^ forward_before | reverse ^ reverse_before) & HALF;
        changed == 0 && (forward & WENT_ON != 0) == (forward_before & WENT_ON != 0)
    }

    /// How the flow is treated by expiry and eviction.
    #[inline(always)]
    pub(crate) fn class(self, is_tcp: bool, slow_service: bool) -> Class {
        let [forward, reverse] = self.halves;
        if !is_tcp {
            return if GIVEN.get(forward) == 0 || GIVEN.get(reverse) == 0 {
                Class::Unanswered
            } else {
                Class::Answered
            };
        }
        let bits = u32::from(self.bits);
        let state = |half| EndState::from_bits(STATE.get(half));
        let (originator, responder) = match direction(REVERSED.is_set(bits)) {
            Direction::Forward => (state(forward), state(reverse)),
            Direction::Reverse => (state(reverse), state(forward)),
        };
        Class::of_tcp(Outline {
            closed: CLOSED.is_set(bits),
            active: ACTIVE.is_set(bits),
            originator,
            responder,
            did_close: DID_CLOSE.is_set(forward | reverse),
            went_on: GIVEN.get(forward) & !u32::from(Once::SYN.0) != 0,
            slow_service,
        })
    }
}

/// Whether all that is left out of an end's packed form follows from the rest.
#[inline(always)]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without short cuts there is one branch"
)]
fn fits(end: &End, peer: &End) -> bool {
    let analysis = &end.analysis;
    let next_seq = if end.flags.0 == 0 { 0 } else { end.last };
    let (fin_end, last_fin) = implied_fin(end);
    let (delivered, trimmed) = implied_order(end, fin_end);
    let last_rst = implied_rst(end);
    let known_ack = analysis.last_ack == peer.ack
        || analysis.last_ack == peer.ack.wrapping_add(1)
        || analysis.last_ack == 0;
    let rtt = &end.rtt;
    let timed = if rtt.timing {
        rtt.end == next_seq && rtt.at == analysis.next_at
    } else {
        rtt.end == 0 && rtt.at == Ticks(0)
    };
    (analysis.next_seq == next_seq)
        & (analysis.max_seq_to_ack == next_seq)
        & (analysis.duplicate_acks == 0)
        & (end.fin_end == fin_end)
        & (end.last_fin == last_fin)
        & (end.last_rst == last_rst)
        & (end.last_syn == 0)
        & (end.delivered == delivered)
        & (end.trimmed == trimmed)
        & (end.islands == End::NO_ISLANDS)
        & (end.missed == 0)
        & (end.repeats | end.zero_windows | end.gaps | end.bad_checksums == 0)
        & (end.last_wraps | end.ack_wraps <= 0xff)
        & known_ack
        & timed
        & u8::try_from(rtt.samples).is_ok()
        & u32::try_from(rtt.sum).is_ok()
        & (end.scale == u8::try_from(analysis.scale).ok())
        & (analysis.window == Analysis::UNKNOWN_WINDOW || analysis.window <= 0xffff)
        && end.health == Health::NONE
}

/// Behind the FIN, and what its letter remembers, if nothing came after it.
#[inline(always)]
fn implied_fin(end: &End) -> (u64, u64) {
    if end.fin {
        let last = end.relative_last();
        (last, last.wrapping_sub(1))
    } else {
        (0, 0)
    }
}

#[inline(always)]
fn implied_rst(end: &End) -> u64 {
    if end.flags.has(TcpFlags::RST) {
        end.relative_last()
    } else {
        0
    }
}

/// Up to where an end's data is delivered and acknowledged, if nothing is missing.
#[inline(always)]
fn implied_order(end: &End, fin_end: u64) -> (u64, u64) {
    // A stream that has not begun, or ends before it begins, has delivered nothing.
    let sane = |relative: u64| if relative < 1 << 63 { relative } else { 0 };
    let last = sane(end.relative_last());
    let acked = sane(end.relative_ack());
    let trimmed = if end.fin && acked >= fin_end {
        fin_end.wrapping_sub(1)
    } else {
        acked
    };
    (last.saturating_sub(end.fin.into()).max(1), trimmed.max(1))
}

/// What does not matter is zero, so that connections can be compared.
#[cfg(any(test, debug_assertions))]
pub(crate) fn normal(connection: &Connection) -> Connection {
    let mut normal = *connection;
    for end in &mut normal.ends {
        if end.analysis.duplicate_acks == 0 {
            end.analysis.last_at = Ticks(0);
        }
    }
    normal
}

#[inline(always)]
fn pack_end(end: &End, peer: &End, given: u8, half: &mut Half, rest: &mut Rest) {
    let analysis = &end.analysis;
    let last_ack = if analysis.last_ack == peer.ack {
        ACK_SAME
    } else if analysis.last_ack == peer.ack.wrapping_add(1) {
        ACK_ONE_MORE
    } else {
        ACK_ZERO
    };
    half.bits = STATE.put(end.state as u32)
        | PREV.put(end.prev as u32)
        | DID_CLOSE.flag(end.did_close)
        | AT_END.flag(end.at_end)
        | FIN.flag(end.fin)
        | UNORDERED.flag(end.unordered)
        | GIVEN.put(given.into())
        | SCALE.put((analysis.scale + 2).cast_unsigned().into())
        | FIRST_ACK.flag(analysis.first_ack)
        | WINDOW_KNOWN.flag(analysis.window != Analysis::UNKNOWN_WINDOW)
        | KEPT_ALIVE.flag(analysis.kept_alive)
        | PROBED.flag(analysis.probed)
        | TIMING.flag(end.rtt.timing)
        | SACK.flag(end.sack_permitted)
        | TIMESTAMPS.flag(end.timestamps)
        | ECN.flag(end.ecn)
        | LAST_ACK.put(last_ack);
    half.start = end.start;
    half.last = end.last;
    half.ack = end.ack;
    half.next_at = analysis.next_at;
    half.rtt_min = end.rtt.min;
    half.rtt_max = end.rtt.max;
    half.rtt_sum = u32::try_from(end.rtt.sum).unwrap_or(u32::MAX);
    half.window = analysis.window as u16;
    half.mss = end.mss;
    rest.rtt_samples = u8::try_from(end.rtt.samples).unwrap_or(u8::MAX);
    rest.last_wraps = u8::try_from(end.last_wraps).unwrap_or(u8::MAX);
    rest.ack_wraps = u8::try_from(end.ack_wraps).unwrap_or(u8::MAX);
    rest.ttl = end.ttl;
    rest.flags = end.flags.0;
}

#[inline(always)]
fn unpack_end(half: &Half, rest: &Rest) -> End {
    let bits = half.bits;
    let fin = FIN.is_set(bits);
    let timing = TIMING.is_set(bits);
    let scale = SCALE.get(bits) as i8 - 2;
    let sent = rest.flags != 0;
    let next_seq = if sent { half.last } else { 0 };
    let mut end = End {
        state: EndState::from_bits(STATE.get(bits)),
        prev: EndState::from_bits(PREV.get(bits)),
        did_close: DID_CLOSE.is_set(bits),
        at_end: AT_END.is_set(bits),
        fin,
        unordered: UNORDERED.is_set(bits),
        start: half.start,
        last: half.last,
        last_wraps: rest.last_wraps.into(),
        ack: half.ack,
        ack_wraps: rest.ack_wraps.into(),
        analysis: Analysis {
            next_seq,
            max_seq_to_ack: next_seq,
            window: if WINDOW_KNOWN.is_set(bits) {
                half.window.into()
            } else {
                Analysis::UNKNOWN_WINDOW
            },
            scale,
            first_ack: FIRST_ACK.is_set(bits),
            kept_alive: KEPT_ALIVE.is_set(bits),
            probed: PROBED.is_set(bits),
            next_at: half.next_at,
            ..Analysis::NEW
        },
        health: Health::NONE,
        rtt: Rtt {
            timing,
            end: if timing { next_seq } else { 0 },
            at: if timing { half.next_at } else { Ticks(0) },
            samples: rest.rtt_samples.into(),
            min: half.rtt_min,
            max: half.rtt_max,
            sum: half.rtt_sum.into(),
        },
        mss: half.mss,
        scale: u8::try_from(scale).ok(),
        sack_permitted: SACK.is_set(bits),
        timestamps: TIMESTAMPS.is_set(bits),
        ecn: ECN.is_set(bits),
        flags: TcpFlags(rest.flags),
        ttl: rest.ttl,
        ..End::NEW
    };
    let (fin_end, last_fin) = implied_fin(&end);
    end.fin_end = fin_end;
    end.last_fin = last_fin;
    end.last_rst = implied_rst(&end);
    (end.delivered, end.trimmed) = implied_order(&end, fin_end);
    end
}
