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

use core::ptr;

use aya_ebpf::bindings::BPF_RB_NO_WAKEUP;
use aya_ebpf::helpers::generated::{
    bpf_ktime_get_coarse_ns, bpf_ringbuf_discard, bpf_ringbuf_reserve, bpf_ringbuf_submit,
};
use capture_common::cutoff::{CutEnds, CutEntry, CutHalf, CutTotals, WAYS};
use capture_common::flow_hash::ring_of;
use capture_common::{CutReport, CutSet, HookCounters, MAX_RINGS, RingRecord, Settings};

use crate::context::Context;
use crate::decide::CONTROL;
use crate::headers::{Facts, Net, Scratch, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, Veil, Walk};
use crate::lock::Held;
use crate::maps::{CUTS, RINGS, Ring};

/// Time is kept in units of 2^20 ns, about a millisecond.
const TICK_SHIFT: u32 = 20;
/// A packet is let through when none was for so long: a second.
const KEEP_EVERY: u32 = (1_000_000_000_u64 >> TICK_SHIFT) as u32;
/// A segment is let through after so much payload, long before sequence numbers are ambiguous.
const MOST_AT_ONCE: u32 = 1 << 30;
/// Who was silent for this long makes room before anybody else: a minute.
const IDLE: u32 = (60_000_000_000_u64 >> TICK_SHIFT) as u32;

/// Said of the place of a flow that nobody will miss.
const OVER: usize = 1 << 8;

/// What becomes of a packet.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    /// It is copied.
    Whole,
    /// It is copied up to this offset.
    UpTo(u32),
    /// It was counted for its flow, and is not copied.
    Counted,
}

impl Cut {
    /// The same, as the verifier sees it after one path instead of many.
    #[inline(always)]
    pub(crate) fn veiled(self, veil: Veil) -> Self {
        const WHOLE: usize = 0;
        const COUNTED: usize = 1;
        let packed = match self {
            Self::Whole => WHOLE,
            Self::Counted => COUNTED,
            Self::UpTo(offset) => 2 + offset as usize,
        };
        match veil.draw(packed) {
            WHOLE => Self::Whole,
            COUNTED => Self::Counted,
            packed => Self::UpTo((packed - 2) as u32),
        }
    }
}

/// A packet on its way through its flow's cutoff.
pub(crate) struct Passage<'a> {
    pub(crate) walk: &'a Walk,
    pub(crate) facts: &'a Facts,
    pub(crate) settings: &'a Settings,
    pub(crate) wire_len: u32,
    /// Now, in nanoseconds, as of the last tick.
    pub(crate) ns: u64,
}

/// Now, as of the last tick of the kernel's clock, which costs less than to ask the hardware.
#[inline(always)]
pub(crate) fn coarse_ns() -> u64 {
    // SAFETY: takes no argument.
    unsafe { bpf_ktime_get_coarse_ns() }
}

/// Decides about a packet; a report of its flow goes to the flow's ring before the packet itself does.
#[inline(always)]
pub(crate) fn cut<C: Context>(
    ctx: &C,
    passage: &Passage<'_>,
    counters: &mut HookCounters,
    scratch: *mut Scratch,
    veil: Veil,
) -> Cut {
    let facts = passage.facts;
    if facts.bits & Facts::FOLLOWED == 0 || facts.fingerprint == 0 {
        return Cut::Whole;
    }
    let number = facts.fingerprint as u32 & (passage.settings.cut_sets - 1);
    let Some(set) = CUTS.get_ptr_mut(number) else {
        return Cut::Whole;
    };
    // SAFETY: the scratch belongs to this CPU while the program runs.
    let report = unsafe { &mut (*scratch).report };
    let mut held = Held::new(set);
    let mut way = held.as_ref().and_then(|held| held.find(facts.fingerprint));
    if held.is_some() && way.is_none() {
        drop(held);
        if !passage.makes_an_entry() {
            return Cut::Whole;
        }
        passage.insert(ctx, set, number, counters, report, veil);
        held = Held::new(set);
        way = held.as_ref().and_then(|held| held.find(facts.fingerprint));
    }
    let (Some(held), Some(way)) = (held, way) else {
        // More than was asked for, and never less.
        if passage.makes_an_entry() {
            counters.cut_unfollowed += 1;
        }
        return Cut::Whole;
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
    if !matches!(cut, Cut::Counted) {
        passage.advance(passage.half(entry));
    }
    drop(held);
    // Until it is in the ring, whoever has something to send of the flow tells it too.
    if told
        && tell(
            ring_of_fingerprint(facts.fingerprint, passage.settings),
            report,
        )
        && let Some(held) = Held::new(ptr::from_mut(set))
    {
        settle(place(&mut set.entries, way), report);
        drop(held);
    }
    cut
}

/// One of a set's places; `way` is below their number, in a form that the verifier sees.
#[inline(always)]
fn place<T>(places: &mut [T; WAYS], way: usize) -> &mut T {
    // SAFETY: within the array.
    let place = unsafe { places.as_mut_ptr().add(way & (WAYS - 1)) };
    // SAFETY: as above; the borrow is that of the array.
    unsafe { &mut *place }
}

#[inline(always)]
fn ring_of_fingerprint(fingerprint: u64, settings: &Settings) -> u32 {
    ring_of((fingerprint >> 32) as u32, settings.rings) & (MAX_RINGS as u32 - 1)
}

/// What is to be said of a flow.
#[inline(always)]
fn fill(report: &mut CutReport, entry: &CutEntry, number: u32, way: usize) {
    report.ends = entry.ends;
    report.slot = number * WAYS as u32 + way as u32;
    report.generation = entry.generation;
    report.totals[0] = entry.halves[0].totals;
    report.totals[1] = entry.halves[1].totals;
}

/// Nothing is to be said of what was told, unless there is more by now.
#[inline(always)]
fn settle(entry: &mut CutEntry, report: &CutReport) {
    let [forward, reverse] = &mut entry.halves;
    if entry.generation == report.generation
        && forward.totals.packets == report.totals[0].packets
        && reverse.totals.packets == report.totals[1].packets
    {
        forward.totals.flags &= !CutTotals::FRESH;
        reverse.totals.flags &= !CutTotals::FRESH;
    }
}

/// Room for a report in a ring.
struct Reserved(*mut core::ffi::c_void);

impl Reserved {
    #[inline(always)]
    fn new(ring: u32) -> Option<Self> {
        const SIZE: u64 = (RingRecord::LEN + CutReport::LEN) as u64;
        let ring = ptr::from_ref::<Ring>(RINGS.get(ring)?).cast_mut();
        // SAFETY: `ring` is the map that the verifier knows.
        let slot = unsafe { bpf_ringbuf_reserve(ring.cast(), SIZE, 0) };
        (!slot.is_null()).then_some(Self(slot))
    }

    #[inline(always)]
    fn submit(self, report: &CutReport) {
        let record = RingRecord {
            cap_len: CutReport::LEN as u32,
            flags: RingRecord::FLAG_REPORT,
            ..RingRecord::EMPTY
        };
        // SAFETY: the slot is 8-byte aligned and longer than the header.
        unsafe { self.0.cast::<RingRecord>().write(record) };
        // SAFETY: the report's place behind the header.
        let to = unsafe { self.0.cast::<RingRecord>().add(1) };
        // SAFETY: as above; both are aligned alike.
        unsafe { to.cast::<CutReport>().write(*report) };
        // SAFETY: the slot was reserved and is submitted once.
        unsafe { bpf_ringbuf_submit(self.0, u64::from(BPF_RB_NO_WAKEUP)) };
    }

    #[inline(always)]
    fn discard(self) {
        // SAFETY: the slot was reserved and is given back once.
        unsafe { bpf_ringbuf_discard(self.0, u64::from(BPF_RB_NO_WAKEUP)) };
    }
}

/// Sends a report; false if there is no room.
#[inline(always)]
fn tell(ring: u32, report: &CutReport) -> bool {
    let Some(slot) = Reserved::new(ring) else {
        return false;
    };
    slot.submit(report);
    true
}

impl Passage<'_> {
    #[inline(always)]
    fn tick(&self) -> u32 {
        (self.ns >> TICK_SHIFT) as u32
    }

    #[inline(always)]
    fn is_tcp(&self) -> bool {
        self.walk.protocol == 6
    }

    /// A packet without payload says nothing of what there will be to cut.
    #[inline(always)]
    fn makes_an_entry(&self) -> bool {
        self.facts.payload_len > 0 && self.walk.tcp_flags & CONTROL == 0
    }

    /// It begins another connection with the same ports.
    #[inline(always)]
    fn reopens(&self) -> bool {
        self.walk.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN
    }

    /// Behind what the packet occupies of its stream.
    #[inline(always)]
    fn next_seq(&self) -> u32 {
        let flags = self.walk.tcp_flags;
        let one = u32::from(flags & TCP_SYN != 0) + u32::from(flags & TCP_FIN != 0);
        self.facts
            .seq
            .wrapping_add(self.facts.payload_len)
            .wrapping_add(one)
    }

    /// The half of whoever sent it.
    #[inline(always)]
    fn half<'a>(&self, entry: &'a mut CutEntry) -> &'a mut CutHalf {
        let [forward, reverse] = &mut entry.halves;
        if self.facts.bits & Facts::REVERSE == 0 {
            forward
        } else {
            reverse
        }
    }

    /// Takes a packet of a known flow: what becomes of it, and whether the flow is to be told of first.
    /// What is told must not have the packet in it, so that is left to the caller.
    #[inline(always)]
    fn pass(&self, entry: &mut CutEntry) -> (Cut, bool) {
        let flags = self.walk.tcp_flags;
        let payload_len = self.facts.payload_len;
        let fresh =
            (entry.halves[0].totals.flags | entry.halves[1].totals.flags) & CutTotals::FRESH != 0;
        if self.reopens() {
            // Another connection, with a cutoff of its own.
            for half in &mut entry.halves {
                half.passed = 0;
                half.totals.flags &= !(CutTotals::KNOWN | CutTotals::CLOSED);
            }
            return (Cut::Whole, fresh);
        }
        let half = self.half(entry);
        if flags & (TCP_FIN | TCP_RST) != 0 {
            half.totals.flags |= CutTotals::CLOSED;
        }
        if payload_len == 0 {
            return (Cut::Whole, fresh);
        }
        let cutoff = self.settings.cutoff;
        if half.passed < cutoff {
            let room = cutoff - half.passed;
            half.passed += payload_len as u64;
            return if payload_len as u64 > room {
                (Cut::UpTo(self.facts.headers_end + room as u32), fresh)
            } else {
                (Cut::Whole, fresh)
            };
        }
        let known = half.totals.flags & CutTotals::KNOWN != 0;
        let next = half.totals.next_seq;
        // Of a stream that is sampled, hardly anything is next.
        let continues = !self.is_tcp()
            || (known && (self.facts.seq == next || self.settings.sample_packets != 0));
        let due = self.tick().wrapping_sub(half.kept) >= KEEP_EVERY || half.run >= MOST_AT_ONCE;
        if continues && !due && flags & CONTROL == 0 {
            self.count(half);
            return (Cut::Counted, false);
        }
        if due {
            half.kept = self.tick();
            half.run = 0;
        }
        (Cut::UpTo(self.facts.headers_end), fresh || due)
    }

    /// Counts a packet that is left out.
    #[inline(always)]
    fn count(&self, half: &mut CutHalf) {
        let totals = &mut half.totals;
        totals.packets += 1;
        totals.wire_bytes += self.wire_len as u64;
        totals.ip_bytes += self.facts.ip_len as u64;
        totals.payload_bytes += self.facts.payload_len as u64;
        totals.last_ns = self.ns;
        totals.flags |= CutTotals::FRESH;
        half.run += self.facts.payload_len;
        self.advance(half);
    }

    /// Moves on to behind this segment, unless it is an old one, or one that may be made up.
    #[inline(always)]
    fn advance(&self, half: &mut CutHalf) {
        if !self.is_tcp() || self.walk.tcp_flags & TCP_RST != 0 {
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

    /// Gives the packet's flow a place, whoever has to go for it. It may not succeed.
    #[inline(always)]
    fn insert<C: Context>(
        &self,
        ctx: &C,
        set: *mut CutSet,
        number: u32,
        counters: &mut HookCounters,
        report: &mut CutReport,
        veil: Veil,
    ) {
        let Some(held) = Held::new(set) else { return };
        // SAFETY: the set is held.
        let rank = veil.draw(self.victim(unsafe { &*set }));
        let (way, was_over) = (rank & (WAYS - 1), rank >= OVER);
        // SAFETY: as above.
        let leaving = place(unsafe { &mut (*set).entries }, way);
        // SAFETY: as above.
        let key = *place(unsafe { &mut (*set).keys }, way);
        let (generation, was_cut) = (leaving.generation, leaving.was_cut());
        drop(held);

        let mut reserved = None;
        if was_cut {
            reserved = Reserved::new(ring_of_fingerprint(key, self.settings));
            if reserved.is_none() {
                return;
            }
        }
        let done = self.read_ends(ctx, &mut report.ends)
            && self.replace(set, number, way, generation, was_cut, report);
        match (reserved, done) {
            (Some(reserved), true) => {
                if !was_over {
                    counters.cut_evicted += 1;
                }
                reserved.submit(report);
            }
            (Some(reserved), false) => reserved.discard(),
            (None, _) => {}
        }
    }

    /// Puts the flow of the report's ends where another one was; the report then is of that one.
    #[inline(always)]
    fn replace(
        &self,
        set: *mut CutSet,
        number: u32,
        way: usize,
        generation: u32,
        was_cut: bool,
        report: &mut CutReport,
    ) -> bool {
        let Some(held) = Held::new(set) else {
            return false;
        };
        // SAFETY: the set is held.
        let set = unsafe { &mut *held.set };
        let entry = place(&mut set.entries, way);
        if entry.generation != generation
            || entry.was_cut() != was_cut
            || held.find(self.facts.fingerprint).is_some()
        {
            return false;
        }
        let ends = report.ends;
        fill(report, entry, number, way);
        report.totals[0].flags |= CutTotals::GONE;
        set.generation = set.generation.wrapping_add(1);
        entry.ends = ends;
        entry.generation = set.generation;
        entry.halves = [CutHalf::NEW; 2];
        *place(&mut set.keys, way) = self.facts.fingerprint;
        *place(&mut set.used, way) = self.tick();
        true
    }

    /// Who goes: a free place first, then who was closed or silent for long, then of whom nothing was
    /// left out, and then whoever was silent longest. [`OVER`] is added to the place of the first two.
    #[inline(always)]
    fn victim(&self, set: &CutSet) -> usize {
        let mut victim = 0;
        let mut most = 0;
        let mut over = false;
        for way in 0..WAYS {
            let entry = &set.entries[way];
            let silent = self.tick().wrapping_sub(set.used[way]);
            // Clocks of CPUs differ by a tick.
            let silent = if silent > u32::MAX / 2 { 0 } else { silent } as u64;
            let [a, b] = [entry.halves[0].totals.flags, entry.halves[1].totals.flags];
            let class = if set.keys[way] == 0 {
                4
            } else if a & b & CutTotals::CLOSED != 0 || silent > IDLE as u64 {
                3
            } else if !entry.was_cut() {
                2
            } else {
                1
            };
            let rank = (class << 32) | silent;
            if rank > most {
                most = rank;
                victim = way;
                over = class >= 3;
            }
        }
        if over { victim + OVER } else { victim }
    }

    /// Reads from the packet who talks to whom.
    #[inline(always)]
    fn read_ends<C: Context>(&self, ctx: &C, ends: &mut CutEnds) -> bool {
        let facts = self.facts;
        let is_v4 = self.walk.net == Net::Ipv4;
        *ends = CutEnds {
            src: [0; 2],
            dst: [0; 2],
            src_port: 0,
            dst_port: 0,
            protocol: self.walk.protocol,
            version: if is_v4 { 4 } else { 6 },
            reserved: 0,
        };
        let reverse = facts.bits & Facts::REVERSE != 0;
        let (src, dst) = if reverse {
            (&raw mut ends.dst, &raw mut ends.src)
        } else {
            (&raw mut ends.src, &raw mut ends.dst)
        };
        let (src_port, dst_port) = if reverse {
            (&raw mut ends.dst_port, &raw mut ends.src_port)
        } else {
            (&raw mut ends.src_port, &raw mut ends.dst_port)
        };
        let addresses = if is_v4 {
            let at = facts.net_at + 12;
            // SAFETY: the first four bytes of a field of sixteen.
            (unsafe { ctx.copy(at, src.cast(), 4) })
                // SAFETY: as above.
                && unsafe { ctx.copy(at + 4, dst.cast(), 4) }
        } else {
            let at = facts.net_at + 8;
            // SAFETY: a field of sixteen bytes.
            (unsafe { ctx.copy(at, src.cast(), 16) })
                // SAFETY: as above.
                && unsafe { ctx.copy(at + 16, dst.cast(), 16) }
        };
        addresses
            // SAFETY: a field of two bytes.
            && unsafe { ctx.copy(facts.ports_at, src_port.cast(), 2) }
            // SAFETY: as above.
            && unsafe { ctx.copy(facts.ports_at + 2, dst_port.cast(), 2) }
    }
}
