//! When to stop, and how long a worker pauses when there is nothing to do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What workers and control tell each other about the end.
#[derive(Debug)]
pub struct Limit {
    /// Packets that may still be taken; `u64::MAX` means no limit. Workers take from it.
    remaining: AtomicU64,
    /// Set by control once nothing more comes into the rings: workers end when theirs is empty.
    draining: AtomicBool,
}

impl Limit {
    /// At most `count` packets.
    #[must_use]
    pub fn new(count: Option<u64>) -> Self {
        Self {
            remaining: AtomicU64::new(count.unwrap_or(u64::MAX)),
            draining: AtomicBool::new(false),
        }
    }

    /// How many of `wanted` packets may be taken.
    #[inline]
    pub(super) fn take(&self, wanted: usize) -> usize {
        if self.remaining.load(Ordering::Relaxed) == u64::MAX {
            return wanted;
        }
        let wanted = wanted as u64;
        // Nothing else is ordered by the count; it only has to be exact.
        let before = self
            .remaining
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(wanted))
            })
            .unwrap_or_default();
        before.min(wanted) as usize
    }

    /// Whether as many packets were taken as were wanted.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.remaining.load(Ordering::Relaxed) == 0
    }

    /// From control: the rings get nothing more.
    pub(super) fn drain(&self) {
        // Pairs with the acquire load in `is_draining`: the programs were detached before.
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the rings get nothing more.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// Pauses of a worker whose ring is empty: short at first, longer while nothing comes.
///
/// A ring of 64 MiB holds a hundred milliseconds of the highest rates, so a pause costs nothing but
/// latency, and it lets packets gather to bursts.
#[derive(Debug)]
pub(super) struct Pause {
    next: Duration,
}

impl Pause {
    const FIRST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(1);

    pub(super) const fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// Something came.
    pub(super) const fn reset(&mut self) {
        self.next = Self::FIRST;
    }

    /// Nothing came.
    pub(super) fn sleep(&mut self) {
        std::thread::sleep(self.next);
        self.next = (self.next * 2).min(Self::LONGEST);
    }
}
