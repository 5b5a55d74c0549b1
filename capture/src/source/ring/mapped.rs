//! The memory of a ring, mapped: the reader's half of its protocol, which `capture_common::ring` tells.

#![expect(
    unsafe_code,
    reason = "maps kernel memory and follows the ring's protocol with atomics"
)]

use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicU64, Ordering};

use capture_common::ring::{
    CONSUMER_AT, DATA_AT, PRODUCER_AT, STAMP_LEN, element_len, record_len, stamp,
};
use capture_common::{MAX_CAP_LEN, RingRecord};

use super::{RingMemory, record};
use crate::source::region::{Access, Region};

/// A mapped ring, of which this is the only reader.
#[derive(Debug)]
pub(super) struct MappedRing {
    consumer: Region,
    /// From the producers' position on.
    producer: Region,
    mask: u64,
    seed: u64,
    /// What the consumer's page says, kept here since nobody else writes it.
    position: u64,
}

// SAFETY: the regions are owned by this value alone, and the positions in them are accessed as
// atomics; moving the owner to another thread changes nothing for the kernel.
unsafe impl Send for MappedRing {}

impl MappedRing {
    /// Maps a ring.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn new(memory: &RingMemory<'_>) -> io::Result<Self> {
        let fd = memory.map.as_raw_fd();
        let len = element_len(memory.ring_bytes);
        let element = u64::from(memory.number) * len as u64;
        let at = |offset: usize| element + offset as u64;
        let consumer = Region::of_file(fd, Access::Write, PRODUCER_AT, at(CONSUMER_AT))?;
        let producer = Region::of_file(fd, Access::Read, len - PRODUCER_AT, at(PRODUCER_AT))?;
        let mut ring = Self {
            consumer,
            producer,
            mask: u64::from(memory.ring_bytes) - 1,
            seed: memory.seed,
            position: 0,
        };
        ring.position = ring.consumer_position().load(Ordering::Relaxed);
        Ok(ring)
    }

    fn consumer_position(&self) -> &AtomicU64 {
        // SAFETY: the first eight bytes of the consumer's page, aligned and mapped as long as `self`
        // lives.
        unsafe { self.consumer.start().cast().as_ref() }
    }

    fn producer_position(&self) -> &AtomicU64 {
        // SAFETY: the first eight bytes of the producers' page, likewise.
        unsafe { self.producer.start().cast().as_ref() }
    }

    /// Bytes that producers have reserved and this reader has not released.
    pub(super) fn backlog(&self) -> u64 {
        self.producer_position()
            .load(Ordering::Acquire)
            .wrapping_sub(self.position)
    }

    /// Lends at most `max` records to `each`, then releases them all at once. Returns how many there
    /// were, and whether that was all.
    ///
    /// `each` gets the records' headers and bytes with a lifetime that ends with this call.
    pub(super) fn burst<'ring>(
        &'ring mut self,
        max: usize,
        mut each: impl FnMut(RingRecord, &'ring [u8]),
    ) -> Lent<'ring> {
        const DATA: usize = DATA_AT - PRODUCER_AT;
        let end = self.producer_position().load(Ordering::Acquire);
        let mut position = self.position;
        let mut records = 0;
        let mut drained = true;
        let mut unfinished = false;
        while position < end {
            if records == max {
                drained = false;
                break;
            }
            let offset = DATA + (position & self.mask) as usize;
            // SAFETY: within the data: the position was masked.
            let start = unsafe { self.producer.start().add(offset) };
            // SAFETY: positions are multiples of eight, so a whole stamp lies here, aligned.
            let stamped: &AtomicU64 = unsafe { start.cast().as_ref() };
            // Pairs with the store in `Room::submit`: once the stamp is there, so are the bytes.
            if stamped.load(Ordering::Acquire) != stamp(position, self.seed) {
                unfinished = true;
                break;
            }
            // SAFETY: there is room behind the data for the largest record.
            let start = unsafe { start.add(STAMP_LEN) };
            // SAFETY: as above; nobody writes the record before it is released.
            let header = record(unsafe { start.cast().as_ref() });
            let cap_len = header.cap_len.min(MAX_CAP_LEN);
            // SAFETY: as above.
            let data = unsafe { start.add(RingRecord::LEN) };
            // SAFETY: as above; the program wrote the bytes, and the kernel zeroed those before.
            let data = unsafe { std::slice::from_raw_parts(data.as_ptr(), cap_len as usize) };
            if header.flags & RingRecord::FLAG_NOTHING == 0 {
                each(header, data);
                records += 1;
            }
            position += record_len(cap_len) as u64;
        }
        self.position = position;
        Lent {
            ring: self,
            drained,
            unfinished,
        }
    }
}

/// Records that were lent and are not yet released.
#[must_use = "records stay in the ring until they are released"]
#[derive(Debug)]
pub(super) struct Lent<'ring> {
    ring: &'ring MappedRing,
    /// There was nothing else in the ring when it was looked at.
    pub(super) drained: bool,
    /// The next record is reserved, and its producer still writes to it.
    pub(super) unfinished: bool,
}

impl Lent<'_> {
    /// Gives the memory back to the producers, with one store for all records.
    pub(super) fn release(self) {
        // Whatever was read from the records was read before; producers store into them only when they have
        // seen this.
        self.ring
            .consumer_position()
            .store(self.ring.position, Ordering::Release);
    }
}
