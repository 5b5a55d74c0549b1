//! From the kernel's clock to the calendar.
//!
//! The programs stamp packets with `CLOCK_MONOTONIC`, the only clock that never jumps. It runs at the
//! same speed as `CLOCK_REALTIME` (NTP slews both), so their difference changes only when somebody
//! sets the clock, and one number turns one into the other.

#![expect(unsafe_code, reason = "clock_gettime(2)")]

use std::sync::atomic::{AtomicI64, Ordering};

use crate::packet::Timestamp;

/// The difference between the two clocks.
#[derive(Debug)]
pub struct Clock {
    /// `CLOCK_REALTIME` − `CLOCK_MONOTONIC`, ns. Written by the control thread, read by the workers.
    offset_ns: AtomicI64,
}

impl Clock {
    /// A smaller change than this is the noise of measuring, not somebody who set the clock.
    const STEP_NS: i64 = 1_000_000;

    /// Measures the difference.
    #[must_use]
    pub fn new() -> Self {
        Self {
            offset_ns: AtomicI64::new(measure()),
        }
    }

    /// What to add to a monotonic time, ns.
    #[must_use]
    pub fn offset_ns(&self) -> i64 {
        self.offset_ns.load(Ordering::Relaxed)
    }

    /// The time now, as packets that are seen now will have it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(monotonic_ns().wrapping_add_signed(self.offset_ns()))
    }

    /// Measures again and takes over the result if the clock was set in between; says by how much.
    pub fn follow(&self) -> Option<i64> {
        let (old, new) = (self.offset_ns(), measure());
        let step = new - old;
        if step.abs() < Self::STEP_NS {
            return None;
        }
        self.offset_ns.store(new, Ordering::Relaxed);
        Some(step)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// `CLOCK_MONOTONIC` in ns: what `bpf_ktime_get_ns` returns.
#[must_use]
pub fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a valid timespec; with these clocks the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Reads one clock between two readings of the other, a few times, and keeps the tightest.
fn measure() -> i64 {
    (0..8)
        .map(|_| {
            let before = read(libc::CLOCK_MONOTONIC);
            let real = read(libc::CLOCK_REALTIME);
            let after = read(libc::CLOCK_MONOTONIC);
            let monotonic = before + (after - before) / 2;
            (after - before, real.cast_signed() - monotonic.cast_signed())
        })
        .min()
        .map_or(0, |(_, offset)| offset)
}
