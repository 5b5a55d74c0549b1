//! A set of the table of cut flows, held by one CPU.
//!
//! The kernel's own spin lock turns interrupts off, and is two calls; here a word is exchanged, and who does
//! not get it after a few tries copies the packet. No program that takes the lock is interrupted by another
//! one that does on the same CPU.

use core::intrinsics::{AtomicOrdering, atomic_xchg};
use core::sync::atomic::{Ordering, compiler_fence};

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use capture_common::CutSet;
use capture_common::cutoff::WAYS;

use crate::maps::CUTS;
use crate::settings::Patched;

/// How often it is tried to get a set to oneself: for about 20 µs, as whoever has it is at times interrupted
/// for longer than it works.
const TRIES: u32 = 512;

/// A set that nobody else works on.
pub(crate) struct Held {
    pub(crate) set: *mut CutSet,
}

/// Tries again to take the lock of a set; 1 if that went well. Hardly ever needed, so it is a function of its
/// own.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_wait(number: u32) -> u32 {
    let Some(set) = CUTS.get_ptr_mut(number) else {
        return 0;
    };
    for _ in 1..TRIES {
        // Asked for nothing but the time that it takes: more tries would be more for the verifier.
        // SAFETY: takes no argument.
        let _unused = unsafe { bpf_ktime_get_ns() };
        // Who holds it keeps its cache line for as long as others only look.
        // SAFETY: a field of a value of the map.
        let lock = unsafe { &raw const (*set).lock };
        // SAFETY: as above; aligned.
        let held = unsafe { lock.read_volatile() };
        if held == 0 && exchange(set, 1) == 0 {
            return 1;
        }
    }
    0
}

impl Held {
    /// Gets a set of the map, the one with this number, to oneself, if it can be had soon.
    #[inline(always)]
    pub(crate) fn new(set: *mut CutSet, number: u32) -> Option<Self> {
        (exchange(set, 1) == 0 || capture_wait(number) != 0).then(|| Self { set })
    }

    /// The same if it can be had at once.
    #[inline(always)]
    pub(crate) fn at_once(set: *mut CutSet) -> Option<Self> {
        (exchange(set, 1) == 0).then(|| Self { set })
    }

    /// The place of a flow.
    #[inline(always)]
    pub(crate) fn find(&self, fingerprint: u64) -> Option<usize> {
        // SAFETY: the set is held.
        let keys = unsafe { &(*self.set).keys };
        (0..WAYS).find(|&way| keys[way] == fingerprint)
    }
}

impl Drop for Held {
    #[inline(always)]
    fn drop(&mut self) {
        if Patched.ordered_stores() == 0 {
            exchange(self.set, 0);
            return;
        }
        // The machine keeps the order of stores, and so must the compiler.
        compiler_fence(Ordering::Release);
        // SAFETY: a field of a value of the map.
        let lock = unsafe { &raw mut (*self.set).lock };
        // SAFETY: aligned; whoever holds the lock is the only one to store.
        unsafe { lock.write_volatile(0) };
    }
}

/// Puts a value into the lock of a set of the map, and gives the one before.
///
/// The target has the instruction, but says to have no compare-and-swap, so `core` leaves out the method.
#[inline(always)]
fn exchange(set: *mut CutSet, value: u64) -> u64 {
    // SAFETY: a field of a value of the map.
    let lock = unsafe { &raw mut (*set).lock };
    // SAFETY: aligned, and accessed in no other way.
    unsafe { atomic_xchg::<u64, { AtomicOrdering::AcqRel }>(lock, value) }
}
