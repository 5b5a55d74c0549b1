//! Owned bytes that packets are lent from: a piece of a file, or of a stream.
//!
//! A block is shared by everything that still looks at one of its packets, so that a burst crosses
//! to other threads without a copy. What one thread reads for all is copied by the kernel: that costs no more
//! than page faults would, and what was just copied is still in the caches when it is looked at. Where
//! several threads read the same file, its pages are mapped for all of them.

use std::io;
use std::ops::Deref;

use super::mapped::Mapped;

/// A buffer that keeps its size, so that it is cleared once and recycled ever after; or bytes of a mapped
/// file.
#[derive(Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    filled_bytes: usize,
    /// Instead of these.
    mapped: Option<Mapped>,
}

impl Block {
    /// A block that is never read into.
    pub(super) const fn of_mapped(mapped: Mapped) -> Self {
        Self {
            bytes: Vec::new(),
            filled_bytes: 0,
            mapped: Some(mapped),
        }
    }

    /// A block that is full.
    pub(super) const fn of_bytes(bytes: Vec<u8>) -> Self {
        Self {
            filled_bytes: bytes.len(),
            bytes,
            mapped: None,
        }
    }

    /// Whether some of its bytes were gone when they were read, and zeros are in their place.
    pub(super) fn is_torn(&self) -> bool {
        self.mapped.as_ref().is_some_and(Mapped::is_torn)
    }

    /// Room for `room` bytes in all, at least; what is filled stays.
    pub(super) fn reserve(&mut self, room: usize) {
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
    }

    /// Forgets what is filled, and starts with a copy of `tail`.
    pub(super) fn restart(&mut self, tail: &[u8]) {
        self.reserve(tail.len());
        self.bytes[..tail.len()].copy_from_slice(tail);
        self.filled_bytes = tail.len();
    }

    /// Keeps what is filled from `at` on, and moves it to the start.
    pub(super) fn keep(&mut self, at: usize) {
        self.bytes.copy_within(at..self.filled_bytes, 0);
        self.filled_bytes -= at;
    }

    /// One read into the room that is left. 0 means that the stream has ended, or no room is left.
    pub(super) fn read_from(&mut self, stream: &mut impl io::Read) -> io::Result<usize> {
        loop {
            match stream.read(&mut self.bytes[self.filled_bytes..]) {
                Ok(read_bytes) => {
                    self.filled_bytes += read_bytes;
                    return Ok(read_bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Bytes that it has room for in all.
    pub(super) fn room(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes that were read into it.
impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if let Some(mapped) = &self.mapped {
            return mapped.bytes();
        }
        &self.bytes[..self.filled_bytes]
    }
}
