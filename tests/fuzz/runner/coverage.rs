//! What an input reached, and how much work that was: the compiler calls a function at each edge of the
//! control flow (LLVM's `SanitizerCoverage`, `trace-pc-guard`), which counts.
//!
//! The flags that ask for that are stable ones (`-C passes`, `-C llvm-args`); `cargo xtask fuzz` gives
//! them. Without, nothing is counted.

#![expect(
    unsafe_code,
    reason = "the compiler calls these functions, with raw pointers"
)]

use std::backtrace::Backtrace;
use std::process;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Edges that are told apart; more of them share.
const EDGES: usize = 1 << 20;
/// How often an edge was passed, as classes: 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more.
const CLASSES: usize = 8;

static COUNTS: [AtomicU8; EDGES] = [const { AtomicU8::new(0) }; EDGES];
/// The edges whose count is not 0.
static REACHED: [AtomicU32; EDGES] = [const { AtomicU32::new(0) }; EDGES];
static REACHED_LEN: AtomicUsize = AtomicUsize::new(0);
/// Edges that may be passed, and how many of them are left; with none left, nothing is counted.
static BOUND: AtomicU64 = AtomicU64::new(0);
static LEFT: AtomicU64 = AtomicU64::new(0);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Numbers the edges of a module, between two places that the linker gives.
///
/// # Safety
///
/// The compiler calls it, before everything else.
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_cov_trace_pc_guard_init(start: *mut u32, stop: *mut u32) {
    let mut place = start;
    // SAFETY: the compiler's promise: from `start` to `stop` lie numbers.
    while place < stop && unsafe { *place } == 0 {
        let number = NEXT.load(Ordering::Relaxed).wrapping_add(1);
        NEXT.store(number, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { *place = number };
        // SAFETY: as above; one past the last is no access.
        place = unsafe { place.add(1) };
    }
}

/// An edge is passed. Threads that race here lose a count now and then, and nothing else.
///
/// # Safety
///
/// The compiler calls it, with one of the places above.
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_cov_trace_pc_guard(guard: *mut u32) {
    let Some(left) = LEFT.load(Ordering::Relaxed).checked_sub(1) else {
        return;
    };
    LEFT.store(left, Ordering::Relaxed);
    if left == 0 {
        too_much();
    }
    // SAFETY: the compiler's promise.
    let edge = unsafe { *guard } as usize % EDGES;
    if let Some(count) = COUNTS.get(edge) {
        let before = count.load(Ordering::Relaxed);
        if before == 0 {
            let len = REACHED_LEN.load(Ordering::Relaxed);
            if let Some(place) = REACHED.get(len) {
                place.store(edge as u32, Ordering::Relaxed);
                REACHED_LEN.store(len.wrapping_add(1), Ordering::Relaxed);
            }
        }
        if before < u8::MAX {
            count.store(before.wrapping_add(1), Ordering::Relaxed);
        }
    }
}

#[cold]
fn too_much() {
    // The trace is no memory of the input, and who makes one cannot make another.
    super::memory::end();
    let trace = Backtrace::force_capture();
    eprintln!("an input takes more work than it may\n{trace}");
    process::abort();
}

/// Whether there is anything to count.
pub(super) fn is_built_in() -> bool {
    NEXT.load(Ordering::Relaxed) > 0
}

/// An input begins, which may pass so many edges.
pub(super) fn begin(bound: u64) {
    let len = REACHED_LEN.swap(0, Ordering::Relaxed);
    for edge in REACHED.iter().take(len) {
        let edge = edge.load(Ordering::Relaxed) as usize;
        if let Some(count) = COUNTS.get(edge) {
            count.store(0, Ordering::Relaxed);
        }
    }
    let bound = bound.max(1);
    BOUND.store(bound, Ordering::Relaxed);
    // The last one is one too many.
    LEFT.store(bound.saturating_add(1), Ordering::Relaxed);
}

/// It has ended: the edges that it passed.
pub(super) fn end() -> u64 {
    let left = LEFT.swap(0, Ordering::Relaxed);
    let bound = BOUND.load(Ordering::Relaxed);
    bound.saturating_add(1).saturating_sub(left)
}

/// What all inputs reached: edges, and how often in one go.
pub(super) struct Features {
    /// A bit for each class.
    seen: Vec<u8>,
    edges: usize,
}

impl Features {
    pub(super) fn new() -> Self {
        Self {
            seen: vec![0; EDGES],
            edges: 0,
        }
    }

    /// Edges that were reached.
    pub(super) const fn edges(&self) -> usize {
        self.edges
    }

    /// Adds what the last input reached; whether some of it is new.
    pub(super) fn add_reached(&mut self) -> bool {
        let mut is_new = false;
        let len = REACHED_LEN.load(Ordering::Relaxed);
        for edge in REACHED.iter().take(len) {
            let edge = edge.load(Ordering::Relaxed) as usize;
            let (Some(count), Some(seen)) = (COUNTS.get(edge), self.seen.get_mut(edge)) else {
                continue;
            };
            let class = 1 << class(count.load(Ordering::Relaxed));
            if *seen & class == 0 {
                is_new = true;
                self.edges += usize::from(*seen == 0);
                *seen |= class;
            }
        }
        is_new
    }
}

const fn class(count: u8) -> usize {
    let class = match count {
        0..=1 => 0,
        2 => 1,
        3 => 2,
        4..=7 => 3,
        8..=15 => 4,
        16..=31 => 5,
        32..=127 => 6,
        _ => 7,
    };
    assert!(class < CLASSES, "a byte has a bit for each");
    class
}
