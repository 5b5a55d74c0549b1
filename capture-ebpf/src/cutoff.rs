//! Cuts connections short: the first bytes of payload of each direction are copied, and of what follows
//! only how much it was.
//!
//! Of TCP, only segments that continue the stream are left out. What comes again, too late or behind a
//! hole is copied without its payload, and so is a segment or so a second: userspace goes on to see
//! where the stream is, that nothing is missing in it, and that the connection lives.
//!
//! A flow gets its place with its first payload, so SYNs and scans take none. Who has to make room is
//! told of in a report to its own ring, which is reserved before the place is taken: without room for
//! the report, the place stays whose it is.

use capture_common::cutoff::{CutEntry, CutHalf, CutTotals, WAYS};
use capture_common::{CutReport, HookCounters};

use crate::context::Context;
use crate::decide::CONTROL;
use crate::facts::Facts;
use crate::headers::{PROTO_TCP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN};
use crate::lock::Held;
use crate::maps::CUTS;
use crate::places::{capture_tell, fill, number, place};
use crate::settings::Patched;
use crate::veil::Veil;

/// Time is kept in units of 2^20 ns, about a millisecond.
pub(crate) const TICK_SHIFT: u32 = 20;
/// A packet is let through when none was for so long: a second.
const KEEP_EVERY: u32 = (1_000_000_000_u64 >> TICK_SHIFT) as u32;
/// A segment is let through after so much payload, long before sequence numbers are ambiguous.
const MOST_AT_ONCE: u32 = 1 << 30;
/// What becomes of a packet, as one number: the offset up to which it is copied, or what says otherwise.
/// (Of an enum, LLVM keeps parts in registers that hold nothing, which the verifier does not take.)
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut(u32);

impl Cut {
    /// It is copied.
    pub(crate) const WHOLE: Self = Self(u32::MAX);
    /// It was counted for its flow, and is not copied.
    pub(crate) const COUNTED: Self = Self(u32::MAX - 1);
    /// It is lost: the ring has no room for what has to be told before it.
    pub(crate) const UNTOLD: Self = Self(u32::MAX - 2);

    /// It is copied up to this offset.
    #[inline(always)]
    fn up_to(offset: u32) -> Self {
        Self(offset)
    }

    /// The offset up to which it is copied; one that no packet reaches, if all of it is.
    #[inline(always)]
    pub(crate) fn offset(self) -> u32 {
        self.0
    }

    /// The same, as the verifier sees it after one path instead of many.
    #[inline(always)]
    pub(crate) fn veiled(self, veil: Veil) -> Self {
        Self(veil.draw(self.0 as usize) as u32)
    }
}

/// A packet on its way through its flow's cutoff.
pub(crate) struct Passage<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) wire_len: u32,
    /// Now, in nanoseconds, as of the last tick.
    pub(crate) ns: u64,
}

/// Decides about a packet; a report of its flow goes to the flow's ring before the packet itself does.
#[inline(always)]
pub(crate) fn cut<C: Context>(
    ctx: &C,
    passage: &Passage<'_>,
    counters: &mut HookCounters,
    report: &mut CutReport,
    veil: Veil,
) -> Cut {
    let facts = passage.facts;
    if facts.bits & Facts::FOLLOWED == 0 || facts.fingerprint == 0 {
        return Cut::WHOLE;
    }
    let number = number(facts.fingerprint);
    let Some(set) = CUTS.get_ptr_mut(number) else {
        return Cut::WHOLE;
    };
    let mut held = Held::new(set, number);
    let mut way = held.as_ref().and_then(|held| held.find(facts.fingerprint));
    if held.is_some() && way.is_none() {
        drop(held);
        if !passage.makes_an_entry() {
            return Cut::WHOLE;
        }
        counters.cut_evicted += u64::from(ctx.insert());
        held = Held::new(set, number);
        way = held.as_ref().and_then(|held| held.find(facts.fingerprint));
    }
    let (Some(held), Some(way)) = (held, way) else {
        // More than was asked for, and never less.
        counters.cut_unfollowed += 1;
        return Cut::WHOLE;
    };
    let way = veil.draw(way) & (WAYS - 1);
    // SAFETY: the lock is held.
    let set = unsafe { &mut *held.set };
    *place(&mut set.used, way) = passage.tick();
    let entry = place(&mut set.entries, way);
    let reopens = passage.reopens();
    if reopens {
        // Of the connection before, whose numbers are about to be forgotten.
        fill(report, entry, number, way);
    }
    let (cut, told) = passage.pass(entry);
    if told && !reopens {
        fill(report, entry, number, way);
    }
    if cut != Cut::COUNTED {
        passage.advance(passage.half(entry));
    }
    drop(held);
    if told && capture_tell() == 0 {
        return Cut::UNTOLD;
    }
    cut
}

/// Whether it is time to let a packet of this half through.
#[inline(always)]
pub(crate) fn is_due(half: &CutHalf, tick: u32) -> bool {
    tick.wrapping_sub(half.kept) >= KEEP_EVERY || half.run >= MOST_AT_ONCE
}

/// Counts a packet that is left out.
#[inline(always)]
pub(crate) fn count(half: &mut CutHalf, facts: &Facts, wire_len: u32, ns: u64) {
    let totals = &mut half.totals;
    totals.packets += 1;
    totals.wire_bytes += wire_len as u64;
    totals.ip_bytes += facts.ip_len as u64;
    totals.payload_bytes += facts.payload_len as u64;
    totals.last_ns = ns;
    totals.flags |= CutTotals::FRESH;
    half.run += facts.payload_len;
}

impl Passage<'_> {
    #[inline(always)]
    fn tick(&self) -> u32 {
        (self.ns >> TICK_SHIFT) as u32
    }

    #[inline(always)]
    fn is_tcp(&self) -> bool {
        self.facts.protocol == PROTO_TCP
    }

    /// A packet without payload says nothing of what there will be to cut.
    #[inline(always)]
    fn makes_an_entry(&self) -> bool {
        self.facts.payload_len > 0 && self.facts.tcp_flags & CONTROL == 0
    }

    /// It begins another connection with the same ports.
    #[inline(always)]
    fn reopens(&self) -> bool {
        self.facts.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN
    }

    /// Behind what the packet occupies of its stream.
    #[inline(always)]
    fn next_seq(&self) -> u32 {
        let flags = self.facts.tcp_flags;
        let one = u32::from(flags & TCP_SYN != 0) + u32::from(flags & TCP_FIN != 0);
        self.facts
            .seq
            .wrapping_add(self.facts.payload_len)
            .wrapping_add(one)
    }

    /// The half of whoever sent it.
    #[inline(always)]
    fn half<'a>(&self, entry: &'a mut CutEntry) -> &'a mut CutHalf {
        self.facts.half(entry)
    }

    /// Takes a packet of a known flow: what becomes of it, and whether the flow is to be told of first.
    /// What is told must not have the packet in it, so that is left to the caller.
    #[inline(always)]
    fn pass(&self, entry: &mut CutEntry) -> (Cut, bool) {
        let flags = self.facts.tcp_flags;
        let payload_len = self.facts.payload_len;
        let fresh =
            (entry.halves[0].totals.flags | entry.halves[1].totals.flags) & CutTotals::FRESH != 0;
        if self.reopens() {
            // Another connection, with a cutoff of its own.
            for half in &mut entry.halves {
                half.passed = 0;
                half.totals.flags &= !(CutTotals::KNOWN | CutTotals::CLOSED);
            }
            return (Cut::WHOLE, fresh);
        }
        let half = self.half(entry);
        if flags & (TCP_FIN | TCP_RST) != 0 {
            half.totals.flags |= CutTotals::CLOSED;
        }
        if payload_len == 0 {
            return (Cut::WHOLE, fresh);
        }
        let cutoff = Patched.cutoff();
        if half.passed < cutoff {
            let room = cutoff - half.passed;
            half.passed += payload_len as u64;
            return if payload_len as u64 > room {
                (Cut::up_to(self.facts.headers_end + room as u32), fresh)
            } else {
                (Cut::WHOLE, fresh)
            };
        }
        let known = half.totals.flags & CutTotals::KNOWN != 0;
        let next = half.totals.next_seq;
        // Of a stream that is sampled, hardly anything is next.
        let continues =
            !self.is_tcp() || (known && (self.facts.seq == next || Patched.sample_packets() != 0));
        let due = is_due(half, self.tick());
        if continues && !due && flags & CONTROL == 0 {
            count(half, self.facts, self.wire_len, self.ns);
            self.advance(half);
            return (Cut::COUNTED, false);
        }
        if due {
            half.kept = self.tick();
            half.run = 0;
        }
        (Cut::up_to(self.facts.headers_end), fresh || due)
    }

    /// Moves on to behind this segment, unless it is an old one, or one that may be made up.
    #[inline(always)]
    fn advance(&self, half: &mut CutHalf) {
        if !self.is_tcp() || self.facts.tcp_flags & TCP_RST != 0 {
            return;
        }
        let next = self.next_seq();
        let totals = &mut half.totals;
        if totals.flags & CutTotals::KNOWN == 0
            || next.wrapping_sub(totals.next_seq).cast_signed() > 0
        {
            totals.next_seq = next;
            totals.flags |= CutTotals::KNOWN;
        }
    }
}
