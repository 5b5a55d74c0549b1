//! Room in the rings: taken by one exchange, handed over by one store.
//!
//! Nobody is woken, the reader looks by itself. What is where, and why it holds, is said in [`capture_common::ring`].

#![expect(
    clippy::cast_ptr_alignment,
    reason = "what can be mapped starts at a page, and all positions are multiples of eight"
)]

use core::intrinsics::{AtomicOrdering, atomic_cxchg, atomic_xchg};
use core::sync::atomic::{Ordering, compiler_fence};

use capture_common::ring::{CONSUMER_AT, DATA_AT, PRODUCER_AT, STAMP_LEN, record_len, stamp};
use capture_common::{CutReport, RingRecord};

use crate::maps::RINGS;
use crate::settings::Patched;

/// How often it is tried to move a ring's position, each time because another CPU was faster.
const TRIES: u32 = 256;
/// Said instead of a position: there is no room.
const NO_ROOM: u64 = u64::MAX;

/// Room for a record, which is the caller's until it is handed over. The reader waits there meanwhile.
pub(crate) struct Room {
    at: *mut u8,
    stamp: u64,
}

/// Takes room where others took it first; gives its position. Hardly ever needed, so it is a function of its own.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_contend(ring: u32, len: u32) -> u64 {
    let Some(ring) = RINGS.get_ptr_mut(ring) else {
        return NO_ROOM;
    };
    for _ in 0..TRIES {
        let Some(position) = next(ring.cast(), len as u64) else {
            return NO_ROOM;
        };
        if take(ring.cast(), position, len as u64) {
            return position;
        }
    }
    NO_ROOM
}

/// Where the next record of `len` bytes goes; `None` if it does not fit.
#[inline(always)]
fn next(ring: *const u8, len: u64) -> Option<u64> {
    // SAFETY: within the element.
    let producer = unsafe { ring.add(PRODUCER_AT) }.cast::<u64>();
    // SAFETY: aligned.
    let position = unsafe { producer.read_volatile() };
    // After the other: of a ring that seems to be full, no more was used than at that moment. A position that was
    // overtaken in between, perhaps by the reader too, is not taken.
    // SAFETY: within the element.
    let consumer = unsafe { ring.add(CONSUMER_AT) }.cast::<u64>();
    // SAFETY: aligned. What is stored into released memory depends on what is read here.
    let released = unsafe { consumer.read_volatile() };
    let used = position.wrapping_sub(released).cast_signed();
    (used + len.cast_signed() <= Patched.ring_bytes() as i64).then_some(position)
}

/// Moves the position, if it is still where it was.
#[inline(always)]
fn take(ring: *mut u8, position: u64, len: u64) -> bool {
    // SAFETY: within the element.
    let producer = unsafe { ring.add(PRODUCER_AT) }.cast::<u64>();
    // The target has the instruction, but says to have no compare-and-swap, so `core` leaves out the method.
    // SAFETY: aligned, and written in no other way.
    let (_, done) = unsafe {
        atomic_cxchg::<u64, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(
            producer,
            position,
            position + len,
        )
    };
    done
}

impl Room {
    /// Takes room for so much of a packet; `None` if the reader is behind.
    #[inline(always)]
    pub(crate) fn new(ring: u32, cap_len: u32) -> Option<Self> {
        let element = RINGS.get_ptr_mut(ring)?.cast::<u8>();
        let len = record_len(cap_len) as u64;
        let mut position = next(element, len)?;
        if !take(element, position, len) {
            position = capture_contend(ring, len as u32);
            if position == NO_ROOM {
                return None;
            }
        }
        let offset = position & (Patched.ring_bytes() as u64 - 1);
        // SAFETY: within the element, which has room for the largest record behind its data.
        let data = unsafe { element.add(DATA_AT) };
        Some(Self {
            // SAFETY: as above.
            at: unsafe { data.add(offset as usize) },
            stamp: stamp(position, Patched.seed()),
        })
    }

    /// The record's header.
    #[inline(always)]
    fn header(&self) -> *mut RingRecord {
        // SAFETY: the stamp precedes it.
        unsafe { self.at.add(STAMP_LEN) }.cast()
    }

    /// Writes the header, by words: field by field it is three times as many instructions.
    #[inline(always)]
    pub(crate) fn write(&self, record: &RingRecord) {
        let [wire_len, cap_len] = [record.wire_len as u64, record.cap_len as u64];
        let [flow_hash, lost] = [record.flow_hash as u64, record.lost as u64];
        let [queue, iface] = [record.queue as u64, record.iface as u64];
        let [hook, verdict] = [record.hook as u64, record.verdict as u64];
        let words = [
            record.mono_ns,
            wire_len | cap_len << 32,
            flow_hash | lost << 32,
            queue | iface << 16 | hook << 32 | verdict << 40 | (record.flags as u64) << 48,
        ];
        const _: () = assert!(size_of::<[u64; 4]>() == RingRecord::LEN);
        // SAFETY: the header is in the room, and of this size; the target is little-endian.
        unsafe { self.header().cast::<[u64; 4]>().write(words) };
    }

    /// What follows the header.
    #[inline(always)]
    pub(crate) fn data(&self) -> *mut u8 {
        // SAFETY: the header precedes it.
        unsafe { self.header().add(1) }.cast()
    }

    /// Writes what follows the header, where it is this and nothing else.
    #[inline(always)]
    pub(crate) fn put(&self, report: &CutReport) {
        // SAFETY: who makes the room says that it is for so much.
        unsafe { self.data().cast::<CutReport>().write(*report) };
    }

    /// Hands the record to the reader.
    #[inline(always)]
    pub(crate) fn submit(self) {
        let place = self.at.cast::<u64>();
        if Patched.ordered_stores() == 0 {
            // SAFETY: aligned, and the reader alone looks at it.
            unsafe { atomic_xchg::<u64, { AtomicOrdering::AcqRel }>(place, self.stamp) };
            return;
        }
        // The machine keeps the order of stores, and so must the compiler.
        compiler_fence(Ordering::Release);
        // SAFETY: as above.
        unsafe { place.write_volatile(self.stamp) };
    }

    /// Hands it to the reader as one with nothing in it.
    #[inline(always)]
    pub(crate) fn discard(self, cap_len: u32) {
        let record = RingRecord {
            cap_len,
            flags: RingRecord::FLAG_NOTHING,
            ..RingRecord::EMPTY
        };
        self.write(&record);
        self.submit();
    }
}
