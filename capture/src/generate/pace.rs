//! Keeps a sender to its rate by absolute times, so that no error adds up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A thread that sleeps wakes late by less than this; the rest of the time is spun away.
const WAKE_UP: Duration = Duration::from_micros(200);

/// How long nobody looks whether to stop.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

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

    /// Waits until it is time for the frame of this number, or until it is to stop.
    pub(super) fn wait_for(&self, frame: u64, stop: &AtomicBool) {
        let due = u128::from(frame) * 1_000_000_000 / u128::from(self.rate);
        let due = self.start + Duration::from_nanos(due as u64);
        loop {
            let ahead = due.saturating_duration_since(Instant::now());
            if ahead <= WAKE_UP || stop.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(ahead.saturating_sub(WAKE_UP).min(LONGEST_SLEEP));
        }
        while Instant::now() < due && !stop.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_stop_does_not_wait() {
        let started = Instant::now();
        // An hour and more.
        Pace::new(1).wait_for(4_000, &AtomicBool::new(true));
        assert!(started.elapsed() < Duration::from_mins(1));
    }

    #[test]
    fn frames_are_not_early() {
        let pace = Pace::new(1_000);
        pace.wait_for(20, &AtomicBool::new(false));
        assert!(pace.start.elapsed() >= Duration::from_millis(20));
    }
}
