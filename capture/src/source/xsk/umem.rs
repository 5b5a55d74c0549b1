//! The memory that frames lie in (UMEM), and who has which part of it.
//!
//! It is cut into chunks of one size. A chunk is either the kernel's (its address lies in the fill
//! ring, or a driver holds it) or ours; what is ours is a [`Chunk`] or a [`Frame`], values that cannot
//! be copied, so that nobody reads what he has given away.

#![expect(
    unsafe_code,
    reason = "lends slices of memory that the kernel writes to"
)]

use std::cell::UnsafeCell;
use std::io;

use crate::source::region::{Pages, Region};

/// A chunk that is ours and has nothing in it.
#[derive(Debug)]
pub(super) struct Chunk(u32);

/// A chunk that is ours, with what the kernel put there.
#[derive(Debug)]
pub(super) struct Frame {
    chunk: Chunk,
    /// Where in the chunk the bytes start.
    start: u32,
    len: u32,
    /// The next frame goes on with the same packet (`XDP_PKT_CONTD`).
    pub(super) continued: bool,
}

impl Frame {
    /// Gives up the bytes.
    pub(super) fn into_chunk(self) -> Chunk {
        self.chunk
    }
}

/// Frame memory, all of it.
#[derive(Debug)]
pub(super) struct Umem {
    memory: Region,
    chunk_bytes: u32,
    chunks: u32,
    pages: Pages,
}

// SAFETY: the memory is read only through frames, each of which exists once, and written by the kernel
// only where there is no frame.
unsafe impl Send for Umem {}
// SAFETY: as above; nothing else in it changes.
unsafe impl Sync for Umem {}

impl Umem {
    /// Maps `chunks` chunks of `chunk_bytes`, a power of two. All of them are ours.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn new(chunk_bytes: u32, chunks: u32) -> io::Result<(Self, Vec<Chunk>)> {
        let (memory, pages) = Region::anonymous(chunk_bytes as usize * chunks as usize)?;
        let umem = Self {
            memory,
            chunk_bytes,
            chunks,
            pages,
        };
        Ok((umem, (0..chunks).map(Chunk).collect()))
    }

    /// Where the memory starts, for the kernel.
    pub(super) fn start(&self) -> u64 {
        self.memory.start().as_ptr() as u64
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.memory.len() as u64
    }

    pub(super) const fn chunk_bytes(&self) -> u32 {
        self.chunk_bytes
    }

    pub(super) const fn chunks(&self) -> u32 {
        self.chunks
    }

    pub(super) const fn pages(&self) -> Pages {
        self.pages
    }

    /// The address of a chunk that goes to the kernel, as the fill ring has it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "who gives a chunk away has it no more"
    )]
    pub(super) fn give(&self, chunk: Chunk) -> u64 {
        let Chunk(number) = chunk;
        u64::from(number) * u64::from(self.chunk_bytes)
    }

    /// The frame that a descriptor of the receive ring stands for; `None` if it lies anywhere else
    /// than in one chunk, which the kernel never does.
    ///
    /// Each descriptor must be taken once: from then on the chunk is ours.
    pub(super) fn take(&self, address: u64, len: u32, continued: bool) -> Option<Frame> {
        let number = u32::try_from(address / u64::from(self.chunk_bytes)).ok()?;
        let start = (address % u64::from(self.chunk_bytes)) as u32;
        if number >= self.chunks || len > self.chunk_bytes - start {
            return None;
        }
        Some(Frame {
            chunk: Chunk(number),
            start,
            len,
            continued,
        })
    }

    /// Has the bytes at an address brought near: the header, and the beginning of the packet.
    #[inline(always)]
    pub(super) fn prefetch(&self, address: u64) {
        const LINE: usize = 64;
        for at in [address as usize, address as usize + LINE] {
            if at < self.memory.len() {
                // SAFETY: within the mapped memory, as was just checked.
                let start = unsafe { self.memory.start().add(at) };
                // SAFETY: as above; a cell says nothing of who may write what is in it.
                let place: &UnsafeCell<u8> = unsafe { start.cast().as_ref() };
                crate::prefetch::read(place);
            }
        }
    }

    /// Likewise for a frame.
    #[inline(always)]
    pub(super) fn prefetch_frame(&self, frame: &Frame) {
        let Chunk(number) = frame.chunk;
        self.prefetch(u64::from(number) * u64::from(self.chunk_bytes) + u64::from(frame.start));
    }

    /// The bytes of a frame of this memory.
    #[inline(always)]
    pub(super) fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        let Chunk(number) = frame.chunk;
        let at = number as usize * self.chunk_bytes as usize + frame.start as usize;
        let len = frame.len as usize;
        assert!(at + len <= self.memory.len(), "a frame of this memory");
        // SAFETY: within the mapped memory, as was just checked.
        let start = unsafe { self.memory.start().add(at) };
        // SAFETY: as above; mapped memory is initialized, and the kernel does not write to a chunk that
        // is ours.
        unsafe { std::slice::from_raw_parts(start.as_ptr(), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_one_chunk_is_a_frame() {
        let (umem, chunks) = Umem::new(2048, 4).unwrap();
        assert_eq!(umem.len(), 8192);
        let addresses: Vec<_> = chunks.into_iter().map(|chunk| umem.give(chunk)).collect();
        assert_eq!(addresses, [0, 2048, 4096, 6144]);
        let frame = umem.take(2048 + 256, 1792, false).unwrap();
        assert_eq!(umem.bytes(&frame), [0; 1792]);
        assert_eq!(umem.give(frame.into_chunk()), 2048);
        assert!(umem.take(2048 + 256, 1793, false).is_none());
        assert!(umem.take(8192, 0, false).is_none());
        assert!(umem.take(u64::MAX, 1, false).is_none());
    }
}
