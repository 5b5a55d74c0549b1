//! Keeps a sender to its rate by absolute times, so that no error adds up.

use std::thread;
use std::time::{Duration, Instant};

/// A thread that sleeps wakes late by less than this; the rest of the time is spun away.
const WAKE_UP: Duration = Duration::from_micros(200);

/// A rate, and when it began.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    rate: u64,
}

impl Pace {
    /// Begins now; `rate` is frames per second and not zero.
    pub(super) fn new(rate: u64) -> Self {
        Self {
            start: Instant::now(),
            rate,
        }
    }

    /// Waits until it is time for the frame of this number.
    pub(super) fn wait_for(&self, frame: u64) {
        let due = u128::from(frame) * 1_000_000_000 / u128::from(self.rate);
        let due = self.start + Duration::from_nanos(due as u64);
        let ahead = due.saturating_duration_since(Instant::now());
        if ahead > WAKE_UP {
            thread::sleep(ahead.saturating_sub(WAKE_UP));
        }
        while Instant::now() < due {
            std::hint::spin_loop();
        }
    }
}
