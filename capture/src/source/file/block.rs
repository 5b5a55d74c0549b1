//! Owned bytes that packets are lent from: a piece of a file, or of a stream.
//!
//! A block is shared by everything that still looks at one of its packets, so that a burst crosses
//! to other threads without a copy. Files are read, not mapped: the kernel's copy costs no more than
//! its page faults would, what was just copied is still in the caches when it is looked at, and a file
//! that somebody cuts short meanwhile is an error to report and not a signal that kills.

use std::io;
use std::ops::Deref;

/// A buffer that keeps its size, so that it is cleared once and recycled ever after.
#[derive(Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    filled_bytes: usize,
}

impl Block {
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
        &self.bytes[..self.filled_bytes]
    }
}
