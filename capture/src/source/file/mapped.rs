//! A file that several threads read at the same time, each from its front to its back: mapped in pieces, so
//! that its bytes are neither copied nor asked of the kernel once for each of them.

#![expect(unsafe_code, reason = "bytes of a file that is mapped")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{Advice, fadvise};

use super::torn::Watch;
use super::{Block, FileError, FileErrorKind};

/// Bytes of a piece: what all readers have left behind is given back piece by piece.
const PIECE: u64 = 16 << 20;
/// Bytes that are looked at before somebody asks whether the file is still whole.
const WINDOW: usize = 1 << 20;
/// Pages that the kernel maps at once around the one that was asked for (`fault_around_bytes`).
const AROUND: usize = 64 << 10;

/// A file of a known length.
#[derive(Debug)]
pub(crate) struct MappedFile {
    file: File,
    len: u64,
    /// The pieces that somebody reads, and their numbers.
    pieces: Mutex<Vec<(u64, Weak<Piece>)>>,
}

/// A piece of a file in memory.
#[derive(Debug)]
pub(super) struct Piece {
    // Before the mapping: it must not outlive it.
    watch: Watch,
    map: MmapRaw,
    /// Up to where somebody has asked for its pages.
    asked: AtomicUsize,
}

/// Bytes of a piece.
#[derive(Debug)]
pub(super) struct Mapped {
    piece: Arc<Piece>,
    range: Range<usize>,
}

impl MappedFile {
    /// Opens a file, of which everybody reads as much as was `agreed` on; else all that there is now.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub(crate) fn open(path: &Path, agreed: Option<u64>) -> Result<Self, FileError> {
        let open = || {
            let file = File::open(path)?;
            let len = match agreed {
                Some(len) => len,
                None => file.metadata()?.len(),
            };
            Ok(Self {
                file,
                len,
                pieces: Mutex::default(),
            })
        };
        open().map_err(|error| FileError::at_start(path, FileErrorKind::Open(error)))
    }

    /// Its length in bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Bytes from `at` on: at least `needed` of them, if the file has so many.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(super) fn window(&self, at: u64, needed: usize) -> io::Result<Block> {
        let left = self.len.saturating_sub(at);
        let needed = needed.min(usize::try_from(left).unwrap_or(usize::MAX));
        let number = at / PIECE;
        let start = usize::try_from(at % PIECE).unwrap_or(usize::MAX);
        match self.piece(number) {
            Some(piece) if piece.map.len().saturating_sub(start) >= needed => {
                let end = piece.map.len().min(start + needed.max(WINDOW));
                piece.ask(end);
                let range = start..end;
                Ok(Block::of_mapped(Mapped { piece, range }))
            }
            // What lies in two pieces, or cannot be mapped.
            Some(_) => self.copy(at, needed),
            None => {
                let window = u64::try_from(WINDOW).map_or(left, |window| left.min(window));
                self.copy(at, needed.max(usize::try_from(window).unwrap_or(needed)))
            }
        }
    }

    /// What there is of `len` bytes from `at` on.
    fn copy(&self, at: u64, len: usize) -> io::Result<Block> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, at + filled as u64) {
                Ok(0) => break,
                Ok(read_bytes) => filled += read_bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(Block::of_bytes(bytes))
    }

    /// Why a piece was torn that has a byte at `at`.
    pub(super) fn why_torn(&self, at: u64) -> io::Error {
        let end = self.len.min((at / PIECE + 1) * PIECE);
        let len = usize::try_from(end.saturating_sub(at)).unwrap_or_default();
        match self.copy(at, len) {
            Err(error) => error,
            Ok(_) => io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it was cut short while it was read",
            ),
        }
    }

    /// The piece of this number, as others have it; `None` if it cannot be mapped.
    fn piece(&self, number: u64) -> Option<Arc<Piece>> {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.retain(|(_, piece)| piece.strong_count() > 0);
        let known = pieces.iter().find(|(known, _)| *known == number);
        if let Some(piece) = known.and_then(|(_, piece)| piece.upgrade()) {
            return Some(piece);
        }
        let piece = Arc::new(self.map(number)?);
        pieces.push((number, Arc::downgrade(&piece)));
        Some(piece)
    }

    fn map(&self, number: u64) -> Option<Piece> {
        let start = number * PIECE;
        let len = self.len.saturating_sub(start).min(PIECE);
        // What is not in memory is on its way while the piece before is read. Only a wish.
        let soon = if number == 0 { start } else { start + PIECE };
        let ahead = PIECE * if number == 0 { 2 } else { 1 };
        let _wish = fadvise(&self.file, soon, ahead.try_into().ok(), Advice::WillNeed);
        let mut options = MmapOptions::new();
        options.offset(start).len(usize::try_from(len).ok()?);
        let map = options.map_raw_read_only(&self.file).ok()?;
        let watch = Watch::over(map.as_ptr(), map.len())?;
        Some(Piece {
            watch,
            map,
            asked: AtomicUsize::new(0),
        })
    }
}

impl Piece {
    /// Sees to it that the pages up to `end` are mapped; what one thread asked for, the others find.
    fn ask(&self, end: usize) {
        let mut asked = self.asked.load(Ordering::Relaxed);
        while asked < end {
            let next = (asked + WINDOW).min(self.map.len());
            let order = Ordering::Relaxed;
            match self.asked.compare_exchange(asked, next, order, order) {
                Ok(_) => {
                    for at in (asked..next).step_by(AROUND) {
                        let byte = self.map.as_ptr().wrapping_add(at);
                        // SAFETY: within the mapping; where its page is gone there are zeros by then.
                        let _ = unsafe { byte.read_volatile() };
                    }
                    asked = next;
                }
                Err(other) => asked = other,
            }
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for as long as the piece lives, and never written to by this process. Somebody may
        // write to the file meanwhile; what is made of its bytes does not depend on their staying the same,
        // as every place and length that comes from them is checked where it is used.
        unsafe { slice::from_raw_parts(self.map.as_ptr(), self.map.len()) }
    }
}

impl Mapped {
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        let Range { start, end } = self.range;
        self.piece.bytes().get(start..end).unwrap_or_default()
    }

    /// Whether something of the piece was gone when it was read.
    #[inline]
    pub(super) fn is_torn(&self) -> bool {
        self.piece.watch.is_torn()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::{FileSource, Numbering};
    use super::*;

    fn file_of(bytes: &[u8]) -> (tempfile::TempPath, Arc<MappedFile>) {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("room on the disk");
        let mapped = MappedFile::open(file.path(), None).expect("it is there");
        (file.into_temp_path(), Arc::new(mapped))
    }

    /// Bytes that differ from those a page or a piece further on.
    fn pattern(len: usize) -> Vec<u8> {
        (0..len as u64)
            .map(|at| (at ^ at >> 8 ^ at >> 16 ^ at >> 24) as u8)
            .collect()
    }

    #[test]
    fn windows_in_a_row_are_the_file_whatever_is_needed() {
        let bytes = pattern(2 * PIECE as usize + 12_345);
        let (_path, file) = file_of(&bytes);
        for needed in [1, 100, WINDOW + 1, 3 << 20] {
            let mut at = 0;
            while at < bytes.len() {
                let block = file.window(at as u64, needed).expect("it can be read");
                assert!(
                    block.len() >= needed.min(bytes.len() - at),
                    "{needed} at {at}"
                );
                assert!(*block == bytes[at..at + block.len()], "{needed} at {at}");
                // Records end anywhere: the next window begins before the end of this one.
                at += (block.len() - block.len() / 7).max(1);
            }
            let end = file
                .window(bytes.len() as u64, needed)
                .expect("it can be read");
            assert!(end.is_empty());
        }
    }

    #[test]
    fn a_file_that_is_cut_short_reads_as_zeros_and_says_so() {
        let bytes = vec![0xee; 3 << 20];
        let (path, file) = file_of(&bytes);
        let before = file.window(0, 1).expect("it can be read");
        let cut = File::options()
            .write(true)
            .open(&path)
            .expect("it is there");
        cut.set_len(5000).expect("it can be cut");
        assert!(!before.is_torn());
        assert_eq!(before.get(4999), Some(&0xee));
        assert!(
            !before.is_torn(),
            "the last page is there, though not all of it"
        );
        assert_eq!(before.get(8192), Some(&0));
        assert!(before.is_torn());
        assert_eq!(before.get(WINDOW - 1), Some(&0));
        assert_eq!(before.get(4999), Some(&0xee), "what is there stays");
        let why = file.why_torn(0);
        assert_eq!(why.kind(), io::ErrorKind::UnexpectedEof);
        // Another mapping is another matter.
        let (_other_path, other) = file_of(&bytes);
        assert!(!other.window(0, 1).expect("it can be read").is_torn());
    }

    #[test]
    fn packets_of_a_file_that_is_cut_short_end_with_an_error() {
        const PACKETS: usize = 100_000;
        let mut bytes =
            b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x01\0\0\0".to_vec();
        for _ in 0..PACKETS {
            bytes.extend(b"\x01\0\0\0\0\0\0\0\x20\0\0\0\x20\0\0\0");
            bytes.extend([0xee; 32]);
        }
        let (path, file) = file_of(&bytes);
        let mut source =
            FileSource::open_mapped(&path, Numbering::default(), file).expect("a capture");
        let mut slots = Vec::new();
        let first = source.next_batch(&mut slots, 100);
        assert!(first.expect("it is whole").is_some());
        let cut = File::options()
            .write(true)
            .open(&path)
            .expect("it is there");
        cut.set_len(8192).expect("it can be cut");
        let error = loop {
            match source.next_batch(&mut slots, 1000) {
                Ok(block) => assert!(block.is_some(), "that is not the end"),
                Err(error) => break error,
            }
        };
        let FileErrorKind::Read { packets, source } = error.kind else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), io::ErrorKind::UnexpectedEof);
        assert!((100..PACKETS as u64).contains(&packets), "{packets}");
    }
}
