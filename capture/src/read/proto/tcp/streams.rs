//! What is remembered of TCP streams: enough to judge the next segment (see [`crate::tcp`]), what waits
//! for an acknowledgment, and what waits to be put together.
//!
//! Bounded: [`MAX_CONVERSATIONS`](crate::read::memory) streams of 320 bytes, 24 bytes for each
//! segment that waits for an acknowledgment (10,000 a direction as in Wireshark, [`MAX_SENT`] in all),
//! and the buffers of `reassembly.rs`. With two passes, the first one leaves 32 bytes a stream and 24
//! bytes for each segment of a reassembled PDU.

use std::collections::VecDeque;
use std::iter;

use super::applications::ApplicationId;
use super::reassembly::Pdus;
use crate::read::memory::{Conversations, Direction, Hash, Pass, Seed};
use crate::tcp::{Nanoseconds, Side, before};

/// How many segments of a direction wait for an acknowledgment; those beyond are not remembered.
pub(super) const MAX_SENT_A_DIRECTION: usize = 10_000;
/// How many segments of all streams wait for an acknowledgment; those beyond are not remembered.
pub(super) const MAX_SENT: usize = 4 << 20;

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) streams: Conversations<Stream>,
    /// Where the stream of the next segment lies, if its hash tells.
    pub(crate) expected: Option<u32>,
    /// Segments that wait for an acknowledgment, at most: streams that end are not subtracted at once.
    pub(super) sent: usize,
    /// Bytes that wait to be put together.
    pub(super) buffered: usize,
    /// What the first of two passes found, by the number of the stream.
    pub(super) known: Vec<Known>,
    /// Where segments were put together: their frame, the PDU's first sequence number, and the frame
    /// in which it was whole. Sorted in the second pass.
    pub(super) reassembled: Vec<(u64, u32, u64)>,
    /// Connections of Multipath TCP.
    pub(super) multipath: super::meta::Memory,
}

/// What only the end of the file tells of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Sequence number zero, by direction.
    pub(super) base: [u32; 2],
    /// Initial round-trip time in ns, 0 if it is not known.
    pub(super) irtt: i64,
    /// When the last SYN came; 0 is unknown.
    pub(super) syn_at: u64,
    /// Window scales, by direction.
    pub(super) scale: [i8; 2],
    pub(super) completeness: u8,
    /// What was negotiated.
    pub(super) setup: Setup,
}

/// What was negotiated, or tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Setup(pub(super) u8);

impl Setup {
    /// The SYN, the SYN-ACK, an option speaks of Accurate ECN.
    pub(super) const ACC_ECN_SYN: u8 = 1;
    pub(super) const ACC_ECN_SYN_ACK: u8 = 2;
    pub(super) const ACC_ECN_OPTION: u8 = 4;
    /// The SYN had data and a cookie (TCP Fast Open).
    pub(super) const FAST_OPEN: u8 = 8;

    pub(super) const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    pub(super) const fn set(&mut self, bit: u8, value: bool) {
        if value {
            self.0 |= bit;
        } else {
            self.0 &= !bit;
        }
    }

    /// The three flags AE, CWR and ECE are a number.
    pub(super) const fn counts_ecn(self) -> bool {
        const BOTH: u8 = Setup::ACC_ECN_SYN | Setup::ACC_ECN_SYN_ACK;
        self.0 & BOTH == BOTH || self.has(Self::ACC_ECN_OPTION)
    }
}

/// A frame that is remembered, by the lower half of its number: a stream is read from memory for each of its
/// segments, and has several. The upper half follows from the frame that asks, if less than 2^32 lie between
/// them; Wireshark's numbers have no more bits at all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past(u32);

impl Past {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(frame: u64) -> Self {
        Self(frame as u32)
    }

    /// Its number, given that of a later frame.
    pub(super) const fn before(self, frame: u64) -> u64 {
        let ago = (frame as u32).wrapping_sub(self.0);
        frame.saturating_sub(ago as u64)
    }
}

/// A TCP stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(super) number: u32,
    /// By direction of the key.
    pub(super) flows: [Flow; 2],
    /// When the first and the last segment came, in ns since 1970.
    pub(super) first: u64,
    pub(super) last: u64,
    /// When the last SYN came; 0 is unknown.
    pub(super) syn_at: u64,
    /// Initial round-trip time in ns; 0 is unknown.
    pub(super) irtt: i64,
    pub(super) completeness: u8,
    pub(super) setup: Setup,
    /// The port that the SYN went to; 0 is unknown.
    pub(super) server_port: u16,
    /// The application that the stream is known to belong to.
    pub(super) application: Option<ApplicationId>,
    /// What the application remembers of it, where that is little.
    pub(super) state: u64,
    /// What few streams have.
    rare: Option<Box<Rare>>,
}

/// With the key of its conversation, it fills five cache lines.
const _: () = assert!(size_of::<Stream>() <= 272);

/// What few streams have, out of the way of the others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rare {
    /// By direction of the key.
    pub(super) flows: [RareOfFlow; 2],
    /// The next segment begins another stream: Wireshark's dissectors make conversations anew, and TCP
    /// then begins to count there.
    pub(super) begins_anew: bool,
    /// MPTCP operations of the connection that were seen; none is no MPTCP.
    pub(super) mptcp: u16,
}

/// The same of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RareOfFlow {
    /// The other side is asked for everything up to the FIN, and the frame that had it.
    pub(super) until_fin: bool,
    pub(super) fin_frame: u64,
    /// See [`Rare::mptcp`]: as of its last segment.
    pub(super) mptcp: u16,
    /// SCPS was offered, and the longest segment that was acknowledged.
    pub(super) scps: bool,
    pub(super) longest: u32,
}

/// One direction of a stream.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) side: Side<Nanoseconds>,
    /// Sequence number zero, if it is known.
    base: u32,
    has_base: bool,
    /// The frame that set the next sequence number, and the one whose acknowledgment was new.
    pub(super) next_frame: Past,
    pub(super) new_ack_frame: Past,
    pub(super) sent: Sent,
    /// Bytes in flight can be told.
    pub(super) in_flight_known: bool,
    /// Bytes since the last PSH, and whether the last segment had it.
    pub(super) push_bytes: u32,
    pub(super) pushed: bool,
    /// It sent its FIN before the other one did.
    pub(super) closes: bool,
    /// Bytes that the selective acknowledgments of its last segment cover.
    pub(super) sacked: u32,
    /// What waits to be put together.
    pub(super) pdus: Option<Box<Pdus>>,
}

impl Flow {
    const NEW: Self = Self {
        side: Side::new(Nanoseconds(0)),
        base: 0,
        has_base: false,
        next_frame: Past::NONE,
        new_ack_frame: Past::NONE,
        sent: Sent::NEW,
        in_flight_known: true,
        push_bytes: 0,
        pushed: false,
        closes: false,
        sacked: 0,
        pdus: None,
    };

    #[inline]
    pub(super) fn base(&self) -> Option<u32> {
        self.has_base.then_some(self.base)
    }

    pub(super) const fn set_base(&mut self, base: u32) {
        self.base = base;
        self.has_base = true;
    }
}

impl Stream {
    pub(super) const fn new(number: u32, now: u64) -> Self {
        Self {
            number,
            flows: [Flow::NEW, Flow::NEW],
            first: now,
            last: now,
            syn_at: 0,
            irtt: 0,
            completeness: 0,
            setup: Setup(0),
            server_port: 0,
            application: None,
            state: 0,
            rare: None,
        }
    }

    /// The flow of who sends this way, and the other one.
    pub(super) const fn pair(&mut self, direction: Direction) -> [&mut Flow; 2] {
        let [up, down] = &mut self.flows;
        match direction {
            Direction::Up => [up, down],
            Direction::Down => [down, up],
        }
    }

    /// What few have, if this one does.
    #[inline]
    pub(super) fn rare(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// The same, to be changed.
    #[cold]
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// See [`Rare::begins_anew`].
    #[inline]
    pub(super) fn begins_anew(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.begins_anew)
    }

    /// What is known of it now.
    pub(super) fn knowledge(&self) -> Known {
        let [up, down] = &self.flows;
        Known {
            base: [up.base, down.base],
            irtt: self.irtt,
            syn_at: self.syn_at,
            scale: [up.side.scale, down.side.scale],
            completeness: self.completeness,
            setup: self.setup,
        }
    }
}

impl Memory {
    /// What makes the hashes by which streams are fetched.
    pub(crate) const fn seed(&self) -> Seed {
        self.streams.seed()
    }

    /// Asks for the memory in which [`Self::fetch`] looks.
    #[inline]
    pub(crate) fn look_ahead(&self, hash: Hash) {
        self.streams.prefetch_index(hash);
    }

    /// Asks for what is remembered of a stream, and tells where to [expect](Self::expected) it.
    #[inline]
    pub(crate) fn fetch(&self, hash: Hash) -> Option<u32> {
        self.streams.prefetch(hash)
    }

    /// Keeps what is known of a stream for the second pass.
    pub(super) fn keep(known: &mut Vec<Known>, stream: &Stream) {
        const NOTHING: Known = Known {
            base: [0; 2],
            irtt: 0,
            syn_at: 0,
            scale: [Side::<Nanoseconds>::UNKNOWN_SCALE; 2],
            completeness: 0,
            setup: Setup(0),
        };
        let place = stream.number as usize;
        if known.len() <= place {
            known.resize(place + 1, NOTHING);
        }
        known[place] = stream.knowledge();
    }

    /// Forgets the streams, and keeps what is known of them.
    pub(crate) fn begin_second_pass(&mut self) {
        let Self {
            streams,
            expected,
            sent,
            buffered,
            known,
            reassembled,
            multipath,
        } = self;
        *multipath = super::meta::Memory::default();
        for stream in streams.states() {
            Self::keep(known, stream);
        }
        *streams = Conversations::default();
        *expected = None;
        *sent = 0;
        *buffered = 0;
        reassembled.sort_unstable();
        reassembled.dedup();
    }

    /// The frame in which the PDU that begins with `seq` was whole, of which `frame` has a segment.
    pub(super) fn reassembled_in(&self, pass: Pass, frame: u64, seq: u32) -> Option<u64> {
        if pass != Pass::Second {
            return None;
        }
        let place = self
            .reassembled
            .partition_point(|&(of, first, _)| (of, first) <= (frame, seq));
        // What was thought to be whole before needed more.
        let &(of, first, whole) = self.reassembled.get(place.checked_sub(1)?)?;
        (of == frame && first == seq).then_some(whole)
    }

    /// There is room for another segment that waits for an acknowledgment.
    pub(super) fn has_room(&mut self) -> bool {
        if self.sent < MAX_SENT {
            return true;
        }
        self.sent = self
            .streams
            .states()
            .flat_map(|stream| &stream.flows)
            .map(|flow| flow.sent.len())
            .sum();
        self.sent < MAX_SENT
    }
}

/// Segments that were sent and wait for an acknowledgment, oldest first.
#[derive(Debug)]
pub(super) struct Sent {
    /// The oldest, if there is any: mostly the only one, and it lies where the flow does. Its parts are
    /// apart so that they leave no gaps.
    at: u64,
    frame: Past,
    seq: u32,
    next: u32,
    waits: bool,
    /// Each one begins and ends no earlier than the one before, and all of them lie close together.
    in_order: bool,
    /// Those behind it, where there ever were any.
    others: Option<Box<Others>>,
}

/// Segments behind the oldest: mostly there are none, and a stream is read from memory for each of its
/// segments.
#[derive(Debug, Default)]
struct Others {
    segments: VecDeque<Segment>,
    /// Whether the range is known, which it is not after a change.
    has_range: bool,
    /// Where the lowest begins and the highest ends, of all that wait, relative to the base.
    range: (u32, u32),
}

/// A segment that waits for its acknowledgment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) at: u64,
    pub(super) frame: Past,
    pub(super) seq: u32,
    pub(super) next: u32,
}

/// What an acknowledgment is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acked {
    pub(super) frame: Past,
    pub(super) at: u64,
}

impl Sent {
    const NEW: Self = Self {
        at: 0,
        frame: Past::NONE,
        seq: 0,
        next: 0,
        waits: false,
        in_order: true,
        others: None,
    };

    pub(super) fn len(&self) -> usize {
        let others = self.others.as_ref();
        usize::from(self.waits) + others.map_or(0, |others| others.segments.len())
    }

    #[inline]
    pub(super) fn oldest(&self) -> Option<Segment> {
        self.waits.then_some(Segment {
            at: self.at,
            frame: self.frame,
            seq: self.seq,
            next: self.next,
        })
    }

    #[inline]
    const fn set_oldest(&mut self, segment: Segment) {
        let Segment {
            at,
            frame,
            seq,
            next,
        } = segment;
        (self.at, self.frame) = (at, frame);
        (self.seq, self.next) = (seq, next);
        self.waits = true;
    }

    /// Removes the oldest.
    #[inline]
    fn forget_oldest(&mut self) {
        self.waits = false;
        if let Some(others) = &mut self.others
            && let Some(next) = others.segments.pop_front()
        {
            self.set_oldest(next);
        }
    }

    /// Where the lowest begins and the highest ends may have changed.
    #[inline]
    fn forget_range(&mut self) {
        if let Some(others) = &mut self.others {
            others.has_range = false;
        }
    }

    /// Adds a segment.
    #[inline]
    pub(super) fn push(&mut self, segment: Segment, base: u32) {
        if !self.waits {
            self.in_order = segment.from(base) <= segment.to(base);
            self.set_oldest(segment);
            return;
        }
        self.push_other(segment, base);
    }

    fn push_other(&mut self, segment: Segment, base: u32) {
        /// What lies within this is in order by number as well as by wrap-around.
        const CLOSE: u32 = 1 << 30;
        let Some(oldest) = self.oldest() else {
            return;
        };
        let (from, to) = (segment.from(base), segment.to(base));
        let others = self.others.get_or_insert_default();
        let last = others.segments.back().copied().unwrap_or_else(|| {
            others.has_range = true;
            others.range = (oldest.from(base), oldest.to(base));
            oldest
        });
        let after = last.from(base) <= from && last.to(base) <= to;
        let close = to.wrapping_sub(oldest.from(base)) < CLOSE;
        self.in_order &= after && close && from <= to;
        let (low, high) = others.range;
        others.range = (low.min(from), high.max(to));
        others.segments.push_back(segment);
    }

    /// Removes what `ack` acknowledges; gives the segment that it is exactly of, the oldest if there
    /// are several, and how long the longest was.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: u32) -> (Option<Acked>, u32) {
        const FAR: u32 = 1 << 30;
        if !self.waits {
            return (None, 0);
        }
        let near = ack.wrapping_sub(self.seq).wrapping_add(FAR) < 2 * FAR;
        if !self.in_order || !near {
            return self.acknowledge_any(ack);
        }
        let (mut found, mut longest) = (None, 0);
        while self.waits && !before(ack, self.next) {
            if self.next == ack && found.is_none() {
                found = Some(Acked {
                    frame: self.frame,
                    at: self.at,
                });
            }
            longest = longest.max(self.next.wrapping_sub(self.seq));
            self.forget_range();
            self.forget_oldest();
        }
        if self.waits {
            self.cut(ack);
        }
        (found, longest)
    }

    /// What begins before `ack` begins there: the front of those in order.
    fn cut(&mut self, ack: u32) {
        let others = self.others.as_mut().map(|others| &mut others.segments);
        let begins = others.into_iter().flatten().map(|segment| &mut segment.seq);
        let mut is_cut = false;
        for seq in iter::once(&mut self.seq).chain(begins) {
            if !before(*seq, ack) {
                break;
            }
            *seq = ack;
            is_cut = true;
        }
        if is_cut {
            self.forget_range();
        }
    }

    /// The same, whatever order they are in.
    fn acknowledge_any(&mut self, ack: u32) -> (Option<Acked>, u32) {
        let Some(mut oldest) = self.oldest() else {
            return (None, 0);
        };
        let (mut found, mut longest) = (None, 0);
        let mut changed = false;
        let mut keep = |segment: &mut Segment| {
            if ack == segment.next {
                if found.is_none() {
                    found = Some(segment.acked());
                }
            } else {
                if before(segment.seq, ack) && before(ack, segment.next) {
                    segment.seq = ack;
                    changed = true;
                }
                if before(ack, segment.next) {
                    return true;
                }
            }
            longest = longest.max(segment.next.wrapping_sub(segment.seq));
            changed = true;
            false
        };
        let keeps_oldest = keep(&mut oldest);
        if let Some(others) = &mut self.others {
            others.segments.retain_mut(keep);
        }
        if keeps_oldest {
            self.set_oldest(oldest);
        } else {
            self.forget_oldest();
        }
        if changed {
            self.forget_range();
        }
        self.in_order |= !self.waits;
        (found, longest)
    }

    /// From where the lowest begins to where the highest ends.
    #[inline]
    pub(super) fn in_flight(&mut self, base: u32) -> Option<u32> {
        let oldest = self.oldest()?;
        let in_order = self.in_order;
        let Some(others) = &mut self.others else {
            return Some(oldest.next.wrapping_sub(oldest.seq));
        };
        let Some(newest) = others.segments.back() else {
            return Some(oldest.next.wrapping_sub(oldest.seq));
        };
        if !others.has_range {
            others.has_range = true;
            others.range = if in_order {
                (oldest.from(base), newest.to(base))
            } else {
                let all = iter::once(&oldest).chain(&others.segments);
                all.fold((u32::MAX, 0), |(low, high), segment| {
                    (low.min(segment.from(base)), high.max(segment.to(base)))
                })
            };
        }
        let (low, high) = others.range;
        Some(high.wrapping_sub(low))
    }

    /// Sequence number zero is another one now.
    pub(super) fn rebase(&mut self) {
        self.forget_range();
        self.in_order = !self.waits;
    }
}

impl Segment {
    const fn acked(&self) -> Acked {
        Acked {
            frame: self.frame,
            at: self.at,
        }
    }

    /// Where it begins, relative to the base.
    const fn from(&self, base: u32) -> u32 {
        self.seq.wrapping_sub(base)
    }

    /// Where it ends, relative to the base.
    const fn to(&self, base: u32) -> u32 {
        self.next.wrapping_sub(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_remembered_has_its_whole_number() {
        let turn = 1_u64 << 32;
        for (frame, later) in [
            (1, 1),
            (1, 2),
            (7, turn - 1),
            (turn - 1, turn),
            (turn - 1, turn + 5),
            (turn, turn),
            (3 * turn + 2, 4 * turn + 1),
        ] {
            assert_eq!(Past::of(frame).before(later), frame, "{later}");
        }
        assert_eq!(Past::NONE.before(9), 0);
    }
}
