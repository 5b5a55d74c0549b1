//! What is remembered of TCP streams: enough to judge the next segment (see [`crate::tcp`]), what waits
//! for an acknowledgment, and what waits to be put together.
//!
//! Bounded: [`MAX_CONVERSATIONS`](crate::read::memory) streams of 448 bytes, 32 bytes for each
//! segment that waits for an acknowledgment (10,000 a direction as in Wireshark, [`MAX_SENT`] in all),
//! and the buffers of `reassembly.rs`. With two passes, the first one leaves 32 bytes a stream and 24
//! bytes for each segment of a reassembled PDU.

use std::collections::VecDeque;
use std::iter;

use super::applications::ApplicationId;
use super::reassembly::Pdus;
use crate::read::memory::{Conversations, Direction, Hash, Pass, Seed};
use crate::tcp::{Nanoseconds, Side};

/// How many segments of a direction wait for an acknowledgment; those beyond are not remembered.
pub(super) const MAX_SENT_A_DIRECTION: usize = 10_000;
/// How many segments of all streams wait for an acknowledgment; those beyond are not remembered.
pub(super) const MAX_SENT: usize = 4 << 20;

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) streams: Conversations<Stream>,
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
    /// The next segment begins another stream: Wireshark's dissectors make conversations anew, and TCP
    /// then begins to count there.
    pub(super) begins_anew: bool,
    /// MPTCP operations of the connection that were seen; none is no MPTCP.
    pub(super) mptcp: u16,
}

/// One direction of a stream.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) side: Side<Nanoseconds>,
    /// Sequence number zero, if it is known.
    pub(super) base: Option<u32>,
    /// The frame that set the next sequence number, and the one whose acknowledgment was new.
    pub(super) next_frame: u64,
    pub(super) new_ack_frame: u64,
    pub(super) sent: Sent,
    /// Bytes in flight can be told.
    pub(super) in_flight_known: bool,
    /// Bytes since the last PSH, and whether the last segment had it.
    pub(super) push_bytes: u32,
    pub(super) pushed: bool,
    /// It sent its FIN before the other one did.
    pub(super) closes: bool,
    /// The other side is asked for everything up to the FIN, and the frame that had it.
    pub(super) until_fin: bool,
    pub(super) fin_frame: u64,
    /// Bytes that the selective acknowledgments of its last segment cover.
    pub(super) sacked: u32,
    /// See [`Stream::mptcp`]: as of its last segment.
    pub(super) mptcp: u16,
    /// SCPS was offered, and the longest segment that was acknowledged.
    pub(super) scps: bool,
    pub(super) longest: u32,
    /// What waits to be put together.
    pub(super) pdus: Option<Box<Pdus>>,
}

impl Flow {
    const NEW: Self = Self {
        side: Side::new(Nanoseconds(0)),
        base: None,
        next_frame: 0,
        new_ack_frame: 0,
        sent: Sent::NEW,
        in_flight_known: true,
        push_bytes: 0,
        pushed: false,
        closes: false,
        until_fin: false,
        fin_frame: 0,
        sacked: 0,
        mptcp: 0,
        scps: false,
        longest: 0,
        pdus: None,
    };
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
            begins_anew: false,
            mptcp: 0,
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

    /// What is known of it now.
    pub(super) fn knowledge(&self) -> Known {
        let [up, down] = &self.flows;
        Known {
            base: [up.base.unwrap_or(0), down.base.unwrap_or(0)],
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

    /// Asks for what is remembered of a stream.
    #[inline]
    pub(crate) fn fetch(&self, hash: Hash) {
        self.streams.prefetch(hash);
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
    /// The oldest, if `count` is not zero: mostly the only one, and it lies where the flow does.
    oldest: Segment,
    /// Those behind it, where there ever were any.
    #[expect(
        clippy::box_collection,
        reason = "mostly there are none, and a stream is read from memory for each of its segments"
    )]
    others: Option<Box<VecDeque<Segment>>>,
    count: u32,
    /// Each one begins and ends no earlier than the one before, and all of them lie close together.
    in_order: bool,
    /// Whether the range is known, which it is not after a change.
    has_range: bool,
    /// Where the lowest begins and the highest ends, relative to the base.
    range: (u32, u32),
}

/// A segment that waits for its acknowledgment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) frame: u64,
    pub(super) at: u64,
    pub(super) seq: u32,
    pub(super) next: u32,
}

/// What an acknowledgment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acked {
    pub(super) frame: u64,
    pub(super) at: u64,
}

impl Sent {
    const NEW: Self = Self {
        oldest: Segment {
            frame: 0,
            at: 0,
            seq: 0,
            next: 0,
        },
        others: None,
        count: 0,
        in_order: true,
        has_range: false,
        range: (0, 0),
    };

    pub(super) const fn len(&self) -> usize {
        self.count as usize
    }

    #[inline]
    pub(super) fn oldest(&self) -> Option<&Segment> {
        (self.count > 0).then_some(&self.oldest)
    }

    fn newest(&self) -> Option<&Segment> {
        let others = self.others.as_deref();
        others.and_then(VecDeque::back).or_else(|| self.oldest())
    }

    /// Removes the oldest.
    #[inline]
    fn forget_oldest(&mut self) {
        self.count -= 1;
        if self.count > 0
            && let Some(next) = self.others.as_deref_mut().and_then(VecDeque::pop_front)
        {
            self.oldest = next;
        }
    }

    /// Adds a segment.
    #[inline]
    pub(super) fn push(&mut self, segment: Segment, base: u32) {
        /// What lies within this is in order by number as well as by wrap-around.
        const CLOSE: u32 = 1 << 30;
        let (from, to) = (
            segment.seq.wrapping_sub(base),
            segment.next.wrapping_sub(base),
        );
        if self.count == 0 {
            self.in_order = from <= to;
            (self.has_range, self.range) = (true, (from, to));
            self.oldest = segment;
            self.count = 1;
            return;
        }
        let last = self.newest().unwrap_or(&self.oldest);
        let after = last.seq.wrapping_sub(base) <= from && last.next.wrapping_sub(base) <= to;
        let close = to.wrapping_sub(self.oldest.seq.wrapping_sub(base)) < CLOSE;
        self.in_order &= after && close && from <= to;
        let (low, high) = self.range;
        self.range = (low.min(from), high.max(to));
        self.others.get_or_insert_default().push_back(segment);
        self.count += 1;
    }

    /// Removes what `ack` acknowledges; gives the segment that it is exactly of, the oldest if there
    /// are several, and how long the longest was.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: u32) -> (Option<Acked>, u32) {
        const FAR: u32 = 1 << 30;
        let Some(first) = self.oldest() else {
            return (None, 0);
        };
        let near = ack.wrapping_sub(first.seq).wrapping_add(FAR) < 2 * FAR;
        if !self.in_order || !near {
            return self.acknowledge_any(ack);
        }
        let (mut found, mut longest) = (None, 0);
        while let Some(segment) = self.oldest()
            && !before(ack, segment.next)
        {
            if segment.next == ack && found.is_none() {
                found = Some(segment.acked());
            }
            longest = longest.max(segment.next.wrapping_sub(segment.seq));
            self.has_range = false;
            self.forget_oldest();
        }
        if self.count > 0 {
            self.cut(ack);
        }
        (found, longest)
    }

    /// What begins before `ack` begins there: the front of those in order.
    fn cut(&mut self, ack: u32) {
        let others = self.others.as_deref_mut().into_iter().flatten();
        for segment in iter::once(&mut self.oldest).chain(others) {
            if !before(segment.seq, ack) {
                break;
            }
            segment.seq = ack;
            self.has_range = false;
        }
    }

    /// The same, whatever order they are in.
    fn acknowledge_any(&mut self, ack: u32) -> (Option<Acked>, u32) {
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
        let keeps_oldest = keep(&mut self.oldest);
        let mut left = 0;
        if let Some(others) = &mut self.others {
            others.retain_mut(keep);
            left = others.len();
        }
        self.count = left as u32 + 1;
        if !keeps_oldest {
            self.forget_oldest();
        }
        if changed {
            self.has_range = false;
        }
        self.in_order |= self.count == 0;
        (found, longest)
    }

    /// From where the lowest begins to where the highest ends.
    pub(super) fn in_flight(&mut self, base: u32) -> Option<u32> {
        let newest = self.newest()?;
        let (first, last) = (self.oldest.seq, newest.next);
        if !self.has_range {
            self.has_range = true;
            self.range = if self.in_order {
                (first.wrapping_sub(base), last.wrapping_sub(base))
            } else {
                let others = self.others.as_deref().into_iter().flatten();
                let all = iter::once(&self.oldest).chain(others);
                all.fold((u32::MAX, 0), |(low, high), segment| {
                    (
                        low.min(segment.seq.wrapping_sub(base)),
                        high.max(segment.next.wrapping_sub(base)),
                    )
                })
            };
        }
        let (low, high) = self.range;
        Some(high.wrapping_sub(low))
    }

    /// Sequence number zero is another one now.
    pub(super) const fn rebase(&mut self) {
        self.has_range = false;
        self.in_order = self.count == 0;
    }
}

impl Segment {
    const fn acked(&self) -> Acked {
        Acked {
            frame: self.frame,
            at: self.at,
        }
    }
}

use crate::tcp::before;
