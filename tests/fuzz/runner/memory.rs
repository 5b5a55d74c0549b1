//! How much memory an input holds: an allocator that counts, and ends the process when it is too much.
//!
//! A request that is refused cannot unwind, so the process ends; its input is in `current`.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::process;
use std::sync::atomic::{AtomicI64, Ordering};

/// The system's allocator, which counts.
pub(crate) struct Counting;

/// Bytes that are held, the most since the input began, and the most that there may be.
static LIVE: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);
static BOUND: AtomicI64 = AtomicI64::new(i64::MAX);
/// What was held when the input began.
static BEFORE: AtomicI64 = AtomicI64::new(0);

/// An input begins, which may hold so many bytes.
pub(super) fn begin(bound: u64) {
    let live = LIVE.load(Ordering::Relaxed);
    BEFORE.store(live, Ordering::Relaxed);
    MOST.store(live, Ordering::Relaxed);
    let bound = i64::try_from(bound).unwrap_or(i64::MAX);
    BOUND.store(live.saturating_add(bound), Ordering::Relaxed);
}

/// It has ended: the most that it held.
pub(super) fn end() -> u64 {
    BOUND.store(i64::MAX, Ordering::Relaxed);
    let most = MOST.load(Ordering::Relaxed) - BEFORE.load(Ordering::Relaxed);
    u64::try_from(most).unwrap_or(0)
}

fn add(bytes: usize) {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 2);
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(live, Ordering::Relaxed);
    if live > BOUND.load(Ordering::Relaxed) {
        too_much();
    }
}

#[cold]
fn too_much() {
    BOUND.store(i64::MAX, Ordering::Relaxed);
    let trace = Backtrace::force_capture();
    eprintln!("an input holds more memory than it may\n{trace}");
    process::abort();
}

// SAFETY: hands everything on to the system's allocator; counting touches no allocated memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        let bytes = i64::try_from(layout.size()).unwrap_or(0);
        LIVE.fetch_sub(bytes, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(start, layout) }
    }
}
