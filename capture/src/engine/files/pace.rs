//! So that no reader is far ahead of the others: what one has brought from the disk, the next is to find in
//! memory, however long the file is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Packets that a reader may be ahead of the slowest: a few hundred megabytes at most.
const AHEAD: u64 = 1 << 18;
/// How long a reader that is too far ahead waits before it looks again.
const PAUSE: Duration = Duration::from_micros(500);
/// Where whoever is done is.
const DONE: u64 = u64::MAX;

/// How far each reader is, in packets.
#[derive(Debug)]
pub(super) struct Pace(Vec<AtomicU64>);

impl Pace {
    pub(super) fn new(readers: usize) -> Self {
        Self((0..readers).map(|_| AtomicU64::new(0)).collect())
    }

    /// The step of the reader of this number, which every reader has to take.
    pub(super) fn reader(&self, number: usize) -> Pacer<'_> {
        Pacer { pace: self, number }
    }

    /// Where the slowest is. A reader writes its own place only, and nothing else depends on it.
    fn slowest(&self) -> u64 {
        let places = self.0.iter().map(|place| place.load(Ordering::Relaxed));
        places.min().unwrap_or(DONE)
    }

    fn set(&self, number: usize, packets: u64) {
        if let Some(place) = self.0.get(number) {
            place.store(packets, Ordering::Relaxed);
        }
    }
}

/// One reader's part in it. Nobody waits for one that is gone, whatever became of it.
#[derive(Debug)]
pub(super) struct Pacer<'a> {
    pace: &'a Pace,
    number: usize,
}

impl Pacer<'_> {
    /// Says how far the reader is, and waits until others are not too far behind.
    pub(super) fn at(&self, packets: u64) {
        self.pace.set(self.number, packets);
        while self.is_too_far(packets) {
            thread::sleep(PAUSE);
        }
    }

    fn is_too_far(&self, packets: u64) -> bool {
        packets > self.pace.slowest().saturating_add(AHEAD)
    }
}

impl Drop for Pacer<'_> {
    fn drop(&mut self) {
        self.pace.set(self.number, DONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_far_ahead_of_one_who_reads_and_nobody_waits_for_one_who_is_done() {
        let pace = Pace::new(2);
        let (fast, slow) = (pace.reader(0), pace.reader(1));
        fast.at(AHEAD);
        assert!(!fast.is_too_far(AHEAD));
        assert!(fast.is_too_far(AHEAD + 1));
        slow.at(1);
        assert!(!fast.is_too_far(AHEAD + 1));
        assert!(fast.is_too_far(AHEAD + 2));
        drop(slow);
        fast.at(u64::MAX - 1);
    }
}
