//! The two halves of a ring with one producer and one consumer, as the kernel's `AF_XDP` rings have
//! it (`net/xdp/xsk_queue.h`, where the pairs of barriers are explained).
//!
//! Positions run on and wrap at 2³²; a slot is a position modulo the size, which is a power of two.
//! Each side stores its own position, releasing what it did to the slots before, and loads the
//! other's, acquiring. Where positions and slots lie is [`Shared`]'s business: mapped memory here, and
//! in the tests memory that loom watches.

use std::sync::atomic::{AtomicU32, Ordering};

/// A position that both sides see.
pub(super) trait Position {
    fn load(&self, ordering: Ordering) -> u32;
    fn store(&self, position: u32, ordering: Ordering);

    /// The other side's position, and all that it did before it stored it.
    #[inline(always)]
    fn acquire(&self) -> u32 {
        self.load(Ordering::Acquire)
    }

    /// Makes the own position known, after all that was done before.
    #[inline(always)]
    fn release(&self, position: u32) {
        self.store(position, Ordering::Release);
    }
}

impl Position for AtomicU32 {
    #[inline(always)]
    fn load(&self, ordering: Ordering) -> u32 {
        Self::load(self, ordering)
    }

    #[inline(always)]
    fn store(&self, position: u32, ordering: Ordering) {
        Self::store(self, position, ordering);
    }
}

/// What the two sides of a ring share.
pub(super) trait Shared {
    /// What lies in a slot.
    type Entry: Copy;
    /// How positions are kept.
    type Position: Position;
    /// How far the producer is.
    fn producer(&self) -> &Self::Position;
    /// How far the consumer is.
    fn consumer(&self) -> &Self::Position;
    /// Number of slots, a power of two.
    fn size(&self) -> u32;
    /// Reads a slot that belongs to the consumer.
    fn read(&self, slot: u32) -> Self::Entry;
    /// Writes a slot that belongs to the producer.
    fn write(&self, slot: u32, entry: Self::Entry);
}

/// The side that takes.
#[derive(Debug)]
pub(super) struct Consumer<S> {
    shared: S,
    /// As last stored.
    consumed: u32,
    /// As last seen.
    produced: u32,
}

impl<S: Shared> Consumer<S> {
    /// The only consumer of a ring that nobody has used yet.
    pub(super) fn new(shared: S) -> Self {
        Self {
            shared,
            consumed: 0,
            produced: 0,
        }
    }

    /// Number of entries that can be read. Looks at the producer's position.
    #[inline]
    pub(super) fn available(&mut self) -> u32 {
        self.produced = self.shared.producer().acquire();
        // A position that lies further ahead than the ring is long is nobody's.
        self.produced
            .wrapping_sub(self.consumed)
            .min(self.shared.size())
    }

    /// The entry that is `ahead` of the next one; `ahead` is less than [`Self::available`].
    #[inline]
    pub(super) fn peek(&self, ahead: u32) -> S::Entry {
        debug_assert!(ahead < self.produced.wrapping_sub(self.consumed));
        let slot = self.consumed.wrapping_add(ahead) & (self.shared.size() - 1);
        self.shared.read(slot)
    }

    /// Gives the next `count` slots back to the producer, with one store.
    #[inline]
    pub(super) fn release(&mut self, count: u32) {
        debug_assert!(count <= self.produced.wrapping_sub(self.consumed));
        self.consumed = self.consumed.wrapping_add(count);
        self.shared.consumer().release(self.consumed);
    }
}

/// The side that gives.
#[derive(Debug)]
pub(super) struct Producer<S> {
    shared: S,
    /// Entries written, published or not.
    written: u32,
    /// As last seen.
    consumed: u32,
}

impl<S: Shared> Producer<S> {
    /// The only producer of a ring that nobody has used yet.
    pub(super) fn new(shared: S) -> Self {
        Self {
            shared,
            written: 0,
            consumed: 0,
        }
    }

    /// What the sides share.
    pub(super) const fn shared(&self) -> &S {
        &self.shared
    }

    /// Writes an entry, which the consumer sees after [`Self::publish`]; gives it back if the ring is
    /// full.
    #[inline]
    pub(super) fn push(&mut self, entry: S::Entry) -> Result<(), S::Entry> {
        let size = self.shared.size();
        if self.written.wrapping_sub(self.consumed) >= size {
            self.consumed = self.shared.consumer().acquire();
            if self.written.wrapping_sub(self.consumed) >= size {
                return Err(entry);
            }
        }
        self.shared.write(self.written & (size - 1), entry);
        self.written = self.written.wrapping_add(1);
        Ok(())
    }

    /// Makes what was written known, with one store.
    #[inline]
    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "the one producer stores its position"
    )]
    pub(super) fn publish(&mut self) {
        self.shared.producer().release(self.written);
    }
}

/// Model-checked: loom runs every interleaving of two threads that the memory model of Rust allows,
/// and fails on a slot that both sides touch at once.
#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "loom's cells are accessed by pointer")]

    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU32;
    use loom::thread;

    use super::*;

    impl Position for AtomicU32 {
        fn load(&self, ordering: Ordering) -> u32 {
            Self::load(self, ordering)
        }

        fn store(&self, position: u32, ordering: Ordering) {
            Self::store(self, position, ordering);
        }
    }

    struct Model {
        producer: AtomicU32,
        consumer: AtomicU32,
        slots: Vec<UnsafeCell<u32>>,
    }

    impl Model {
        fn ring(size: u32) -> (Producer<Arc<Self>>, Consumer<Arc<Self>>) {
            let shared = Arc::new(Self {
                producer: AtomicU32::new(0),
                consumer: AtomicU32::new(0),
                slots: (0..size).map(|_| UnsafeCell::new(u32::MAX)).collect(),
            });
            (Producer::new(Arc::clone(&shared)), Consumer::new(shared))
        }
    }

    impl Shared for Arc<Model> {
        type Entry = u32;
        type Position = AtomicU32;

        fn producer(&self) -> &AtomicU32 {
            &self.producer
        }

        fn consumer(&self) -> &AtomicU32 {
            &self.consumer
        }

        fn size(&self) -> u32 {
            self.slots.len() as u32
        }

        fn read(&self, slot: u32) -> u32 {
            // SAFETY: loom fails the test if another thread has the cell for writing.
            self.slots[slot as usize].with(|entry| unsafe { *entry })
        }

        fn write(&self, slot: u32, entry: u32) {
            // SAFETY: loom fails the test if another thread has the cell at all.
            self.slots[slot as usize].with_mut(|to| unsafe { *to = entry });
        }
    }

    #[test]
    fn every_entry_arrives_once_and_in_order() {
        const ENTRIES: u32 = 3;
        // Fewer slots than entries, so that positions pass the end and the producer has to wait. Two
        // threads that wait for each other have no end of interleavings; three preemptions are what
        // loom recommends to bound them by.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let (mut producer, mut consumer) = Model::ring(2);
            let thread = thread::spawn(move || {
                for entry in 0..ENTRIES {
                    while producer.push(entry).is_err() {
                        thread::yield_now();
                    }
                    producer.publish();
                }
            });
            let mut next = 0;
            while next < ENTRIES {
                let available = consumer.available();
                for ahead in 0..available {
                    assert_eq!(consumer.peek(ahead), next);
                    next += 1;
                }
                if available == 0 {
                    thread::yield_now();
                } else {
                    consumer.release(available);
                }
            }
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_burst_becomes_visible_as_a_whole_or_not_at_all() {
        loom::model(|| {
            let (mut producer, mut consumer) = Model::ring(4);
            let thread = thread::spawn(move || {
                for entry in 0..3 {
                    producer.push(entry).unwrap();
                }
                producer.publish();
            });
            let available = consumer.available();
            assert!(available == 0 || available == 3);
            for ahead in 0..available {
                assert_eq!(consumer.peek(ahead), ahead);
            }
            consumer.release(available);
            thread.join().unwrap();
        });
    }

    /// A frame goes round: through the fill ring to the kernel, which writes into it, through the
    /// receive ring back, where it is read. Nobody touches it while the other has it.
    #[test]
    fn a_frame_belongs_to_one_side_at_a_time() {
        const ROUNDS: u32 = 2;
        loom::model(|| {
            let (mut fill, mut filled) = Model::ring(1);
            let (mut receive, mut received) = Model::ring(1);
            let frame = Arc::new(UnsafeCell::new(0));
            let kernel = thread::spawn({
                let frame = Arc::clone(&frame);
                move || {
                    for round in 1..=ROUNDS {
                        while filled.available() == 0 {
                            thread::yield_now();
                        }
                        let address = filled.peek(0);
                        filled.release(1);
                        // SAFETY: loom fails the test if another thread has the cell.
                        frame.with_mut(|bytes| unsafe { *bytes = round });
                        receive.push(address).unwrap();
                        receive.publish();
                    }
                }
            });
            for round in 1..=ROUNDS {
                fill.push(7).unwrap();
                fill.publish();
                while received.available() == 0 {
                    thread::yield_now();
                }
                assert_eq!(received.peek(0), 7);
                // SAFETY: as above.
                assert_eq!(frame.with(|bytes| unsafe { *bytes }), round);
                received.release(1);
            }
            kernel.join().unwrap();
        });
    }

    #[test]
    fn a_full_ring_gives_the_entry_back_and_positions_wrap() {
        loom::model(|| {
            let (mut producer, mut consumer) = Model::ring(2);
            let near_the_end = u32::MAX - 1;
            producer.written = near_the_end;
            producer.consumed = near_the_end;
            consumer.consumed = near_the_end;
            consumer.produced = near_the_end;
            producer.shared.producer.release(near_the_end);
            producer.shared.consumer.release(near_the_end);
            for round in 0..3 {
                assert_eq!(producer.push(2 * round), Ok(()));
                assert_eq!(producer.push(2 * round + 1), Ok(()));
                assert_eq!(producer.push(99), Err(99));
                producer.publish();
                assert_eq!(consumer.available(), 2);
                assert_eq!(
                    [consumer.peek(0), consumer.peek(1)],
                    [2 * round, 2 * round + 1]
                );
                consumer.release(2);
                assert_eq!(consumer.available(), 0);
            }
        });
    }
}
