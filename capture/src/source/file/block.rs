//! Owned bytes that packets are lent from: a whole mapped file, or a piece of a stream.
//!
//! A block is shared by everything that still looks at one of its packets, so that a burst crosses
//! to other threads without a copy. Regular files are mapped: hopping from record to record then
//! touches one cache line a packet. A file that somebody cuts short while it is mapped raises
//! `SIGBUS`, as with every program that maps its input; capture files only grow or are replaced.

#![expect(
    unsafe_code,
    reason = "a mapping is only as stable as the file behind it"
)]

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::{Advice, Mmap};

/// Bytes that slots point into.
#[derive(Debug)]
pub enum Block {
    /// A whole file, mapped.
    Mapped(Mmap),
    /// A piece of a stream.
    Arena(Arena),
}

impl Block {
    /// Maps a regular file and tells the kernel that it is read from front to back.
    pub(super) fn map(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is private and read-only, and every read of it is bounds checked
        // against the length at the time of mapping. Other processes can change the bytes; no
        // value that was read once is assumed to be the same when it is read again.
        let map = unsafe { Mmap::map(file) }?;
        // Advice only: a file system that does not take it is read just as well.
        match map.advise(Advice::Sequential) {
            Ok(()) | Err(_) => Ok(Self::Mapped(map)),
        }
    }
}

impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Arena(arena) => arena.filled(),
        }
    }
}

/// A buffer that keeps its size, so that it is cleared once and recycled ever after.
#[derive(Debug, Default)]
pub struct Arena {
    bytes: Vec<u8>,
    filled_bytes: usize,
}

impl Arena {
    /// The bytes that were read into it.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled_bytes]
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
