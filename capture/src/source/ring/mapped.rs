//! The memory of a BPF ring buffer, mapped: the reader's half of its protocol.
//!
//! Layout and ordering are the kernel's (`kernel/bpf/ringbuf.c`, documented in
//! `Documentation/bpf/ringbuf.rst`): one page with the consumer's position, one with the producer's,
//! then the data, mapped twice in a row so that no record is ever split. Every record starts with
//! eight bytes, of which the first four are its length with a busy and a discard bit on top.

#![expect(
    unsafe_code,
    reason = "maps kernel memory and follows the ring's protocol with atomics"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::source::region::{Access, Region};

/// `BPF_RINGBUF_BUSY_BIT`: reserved, not yet submitted.
const BUSY: u32 = 1 << 31;
/// `BPF_RINGBUF_DISCARD_BIT`: given back by the producer.
const DISCARD: u32 = 1 << 30;
/// `BPF_RINGBUF_HDR_SZ`.
const HEADER_LEN: u64 = 8;

/// A mapped ring, of which this is the only reader.
#[derive(Debug)]
pub(super) struct MappedRing {
    consumer: Region,
    producer: Region,
    /// Offset of the data in the producer's region: one page.
    data_at: usize,
    mask: u64,
    /// What the consumer's page says, kept here since nobody else writes it.
    position: u64,
}

// SAFETY: the regions are owned by this value alone, and the positions in them are accessed as
// atomics; moving the owner to another thread changes nothing for the kernel.
unsafe impl Send for MappedRing {}

impl MappedRing {
    /// Maps the ring behind `map`, which has `ring_bytes` of data.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn new(map: &impl AsFd, ring_bytes: usize) -> io::Result<Self> {
        let fd = map.as_fd().as_raw_fd();
        let page = page_bytes()?;
        let consumer = Region::of_file(fd, Access::Write, page, 0)?;
        let producer = Region::of_file(fd, Access::Read, page + 2 * ring_bytes, page as u64)?;
        let mut ring = Self {
            consumer,
            producer,
            data_at: page,
            mask: ring_bytes as u64 - 1,
            position: 0,
        };
        ring.position = ring.consumer_position().load(Ordering::Relaxed);
        Ok(ring)
    }

    fn consumer_position(&self) -> &AtomicU64 {
        // SAFETY: the first eight bytes of the consumer's page, aligned and mapped as long as `self`
        // lives. The kernel reads them with acquire semantics (`__bpf_ringbuf_reserve`).
        unsafe { self.consumer.start().cast().as_ref() }
    }

    fn producer_position(&self) -> &AtomicU64 {
        // SAFETY: the first eight bytes of the producer's page, likewise. The kernel writes them with
        // release semantics (`__bpf_ringbuf_reserve`).
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
    /// `each` gets the records' bytes with a lifetime that ends with this call.
    pub(super) fn burst<'ring>(
        &'ring mut self,
        max: usize,
        mut each: impl FnMut(&'ring [u8]),
    ) -> Lent<'ring> {
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
            let offset = self.data_at + (position & self.mask) as usize;
            // SAFETY: within the mapped data: the position was masked.
            let start = unsafe { self.producer.start().add(offset) };
            // SAFETY: positions are multiples of eight, so a whole header lies here, aligned.
            let header: &AtomicU32 = unsafe { start.cast().as_ref() };
            // Pairs with the exchange in `bpf_ringbuf_commit`: once the busy bit is gone, the
            // record's bytes are there.
            let word = header.load(Ordering::Acquire);
            if word & BUSY != 0 {
                unfinished = true;
                break;
            }
            let len = word & !DISCARD;
            if word & DISCARD == 0 {
                // SAFETY: the record lies within the data or its second mapping (it is no longer than
                // the ring), and the kernel does not touch it before `release`.
                let start = unsafe { self.producer.start().add(offset + HEADER_LEN as usize) };
                // SAFETY: as above; the bytes were initialized by the program that submitted them or
                // by the kernel, which hands out zeroed pages.
                each(unsafe { std::slice::from_raw_parts(start.as_ptr(), len as usize) });
                records += 1;
            }
            position += (u64::from(len) + HEADER_LEN).next_multiple_of(8);
        }
        self.position = position;
        Lent {
            ring: self,
            drained,
            unfinished,
        }
    }
}

/// Bytes of a page.
pub(super) fn page_bytes() -> io::Result<usize> {
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).map_err(io::Error::other)
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
        // Pairs with the acquire load of the position in `__bpf_ringbuf_reserve`: whatever was read
        // from the records was read before.
        self.ring
            .consumer_position()
            .store(self.ring.position, Ordering::Release);
    }
}
