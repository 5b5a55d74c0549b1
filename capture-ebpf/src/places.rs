//! Places in the table of flows that are cut short: who gets one, who has to go for it, and what is told
//! of whom.
//!
//! All of it is rare, so it lies in functions of their own, which the verifier checks once and by
//! themselves, and which leave stack and registers of the programs to what is done for every packet.
//! What they are about lies in the scratch.

use aya_ebpf::bindings::{__sk_buff, xdp_md};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use capture_common::cutoff::{CutEnds, CutEntry, CutHalf, CutTotals, WAYS};
use capture_common::flow_hash::ring_of;
use capture_common::{CutReport, CutSet, MAX_RINGS, RingRecord};

use crate::context::{Context, Egress, Ingress};
use crate::cutoff::TICK_SHIFT;
use crate::facts::Facts;
use crate::headers::Net;
use crate::lock::Held;
use crate::maps::{CUTS, SCRATCH};
use crate::rings::Room;
use crate::settings::Patched;
use crate::veil::Veil;

/// Who was silent for this long makes room before anybody else: a minute.
const IDLE: u32 = (60_000_000_000_u64 >> TICK_SHIFT) as u32;

/// Said of the place of a flow that nobody will miss.
const OVER: usize = 1 << 8;

/// Gives the flow of the facts in the scratch a place; 1 if a flow lost its place for it that somebody
/// may miss. It may not succeed.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_insert_xdp(ctx: *mut xdp_md) -> u32 {
    insert(&Ingress::from_raw(ctx))
}

/// The same for a packet at TCX.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_insert_tcx(ctx: *mut __sk_buff) -> u32 {
    insert(&Egress::from_raw(ctx))
}

/// Sends the report in the scratch to the ring of the facts' flow; 1 if there was room.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_tell() -> u32 {
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: the scratch belongs to this CPU while the program runs.
    let scratch = unsafe { &mut *scratch };
    let report = &scratch.report;
    let Some(slot) = Reserved::new(ring_of_fingerprint(scratch.facts.fingerprint)) else {
        return 0;
    };
    slot.submit(report);
    // Until it is in the ring, whoever has something to send of the flow tells it too.
    let (number, way) = (report.slot / WAYS as u32, report.slot as usize);
    if let Some(set) = CUTS.get_ptr_mut(number)
        && let Some(held) = Held::new(set, number)
    {
        // SAFETY: the set is held.
        let set = unsafe { &mut *held.set };
        settle(place(&mut set.entries, way), report);
    }
    1
}

/// The set of a flow.
#[inline(always)]
pub(crate) fn number(fingerprint: u64) -> u32 {
    fingerprint as u32 & (Patched.cut_sets() - 1)
}

/// One of a set's places; of `way` the last bits count.
#[inline(always)]
pub(crate) fn place<T>(places: &mut [T; WAYS], way: usize) -> &mut T {
    // SAFETY: within the array.
    let place = unsafe { places.as_mut_ptr().add(way & (WAYS - 1)) };
    // SAFETY: as above; the borrow is that of the array.
    unsafe { &mut *place }
}

#[inline(always)]
fn ring_of_fingerprint(fingerprint: u64) -> u32 {
    ring_of((fingerprint >> 32) as u32, Patched.rings()) & (MAX_RINGS as u32 - 1)
}

/// What is to be said of a flow.
#[inline(always)]
pub(crate) fn fill(report: &mut CutReport, entry: &CutEntry, number: u32, way: usize) {
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
struct Reserved {
    room: Room,
    /// When, if anybody asks: before what the report says can be seen by another packet of its flow, and before
    /// there was room, so that a report that lies behind another one in its ring was not there before that
    /// one's time.
    mono_ns: u64,
}

impl Reserved {
    #[inline(always)]
    fn new(ring: u32) -> Option<Self> {
        let mono_ns = if Patched.timed_reports() == 0 {
            0
        } else {
            // SAFETY: takes no argument.
            unsafe { bpf_ktime_get_ns() }
        };
        let room = Room::new(ring, CutReport::LEN as u32)?;
        Some(Self { room, mono_ns })
    }

    #[inline(always)]
    fn submit(self, report: &CutReport) {
        let record = RingRecord {
            mono_ns: self.mono_ns,
            cap_len: CutReport::LEN as u32,
            flags: RingRecord::FLAG_REPORT,
            ..RingRecord::EMPTY
        };
        self.room.write(&record);
        self.room.put(report);
        self.room.submit();
    }

    #[inline(always)]
    fn discard(self) {
        self.room.discard(CutReport::LEN as u32);
    }
}

/// A flow that wants a place.
struct Newcomer<'a> {
    facts: &'a Facts,
    number: u32,
    tick: u32,
}

#[inline(always)]
fn insert<C: Context>(ctx: &C) -> u32 {
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        return 0;
    };
    let veil = Veil::new(scratch);
    // SAFETY: the scratch belongs to this CPU while the program runs.
    let facts = unsafe { &(*scratch).facts };
    // SAFETY: as above, another part of it.
    let report = unsafe { &mut (*scratch).report };
    let newcomer = Newcomer {
        facts,
        number: number(facts.fingerprint),
        // SAFETY: as above, another part of it.
        tick: (unsafe { (*scratch).coarse_ns() } >> TICK_SHIFT) as u32,
    };
    let Some(set) = CUTS.get_ptr_mut(newcomer.number) else {
        return 0;
    };
    u32::from(newcomer.insert(ctx, set, report, veil))
}

impl Newcomer<'_> {
    /// Gives the flow a place, whoever has to go for it; whether somebody did who may be missed.
    #[inline(always)]
    fn insert<C: Context>(
        &self,
        ctx: &C,
        set: *mut CutSet,
        report: &mut CutReport,
        veil: Veil,
    ) -> bool {
        let Some(held) = Held::new(set, self.number) else {
            return false;
        };
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
            reserved = Reserved::new(ring_of_fingerprint(key));
            if reserved.is_none() {
                return false;
            }
        }
        let done = self.read_ends(ctx, &mut report.ends)
            && self.replace(set, way, generation, was_cut, report);
        match (reserved, done) {
            (Some(reserved), true) => {
                reserved.submit(report);
                !was_over
            }
            (Some(reserved), false) => {
                reserved.discard();
                false
            }
            (None, _) => false,
        }
    }

    /// Puts the flow of the report's ends where another one was; the report then is of that one.
    #[inline(always)]
    fn replace(
        &self,
        set: *mut CutSet,
        way: usize,
        generation: u32,
        was_cut: bool,
        report: &mut CutReport,
    ) -> bool {
        let Some(held) = Held::new(set, self.number) else {
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
        fill(report, entry, self.number, way);
        report.totals[0].flags |= CutTotals::GONE;
        set.generation = set.generation.wrapping_add(1);
        entry.ends = ends;
        entry.generation = set.generation;
        entry.halves = [CutHalf::NEW; 2];
        *place(&mut set.keys, way) = self.facts.fingerprint;
        *place(&mut set.used, way) = self.tick;
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
            let silent = self.tick.wrapping_sub(set.used[way]);
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
        let is_v4 = self.facts.net == Net::Ipv4 as u8;
        *ends = CutEnds {
            src: [0; 2],
            dst: [0; 2],
            src_port: 0,
            dst_port: 0,
            protocol: self.facts.protocol,
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
