//! Capture files as a source: pcap and pcapng, from a path or standard input, plain or gzipped.
//!
//! Packets are handed out in bursts that lie in one block of bytes, so that a burst costs nothing
//! but its slots, and everything that a file says of itself is checked before it is believed. A
//! damaged file yields every packet before the damage, and then an error that tells where it is.
//!
//! - `block.rs`: the bytes
//! - `slot.rs`: a packet's place in its block
//! - `stream.rs`: reading them
//! - `mapped.rs`, `torn.rs`: files that several threads read, and what becomes of them meanwhile
//! - `scan.rs`: what the formats share
//! - `pcap.rs`; `pcapng.rs`, `options.rs`, `names.rs`, `resolution.rs`: the formats

mod block;
mod error;
mod mapped;
mod names;
mod options;
mod pcap;
mod pcapng;
mod resolution;
mod scan;
mod slot;
mod stream;
#[cfg(test)]
mod tests;
mod torn;

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use block::Block;
pub use error::{Damage, FileError, FileErrorKind};
pub(crate) use mapped::MappedFile;
pub use names::HostName;
pub use options::{PacketOption, PacketOptions};
pub use slot::{Numbering, Slot};

use crate::filter::capture::Origin;
use crate::packet::{FrameNo, Iface, IfaceId};
use pcap::{FILE_HEADER_LEN, Pcap};
use pcapng::Pcapng;
pub use scan::{All, Choice};
use scan::{ByteOrder, Scan, Stop, Stopped};
use stream::Stream;

/// A capture file that is read from front to back.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    stream: Stream,
    format: Format,
    /// Offset of the window in the file, and of the first unread byte in the window.
    window_offset: u64,
    at: usize,
    /// Length of the file on disk.
    total_bytes: Option<u64>,
    first_frame: FrameNo,
    numbering: Numbering,
    tail: Tail,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// What comes after the window at hand.
#[derive(Debug)]
enum Tail {
    /// An error that is reported once the packets before it are delivered.
    Failed(u64, FileErrorKind),
    /// The error was reported, or the end was reached.
    Finished,
    /// Nothing.
    Last,
    /// Perhaps more.
    Open,
}

/// Whether these files are there and can be opened, so that a wrong name is told before the first file was
/// worked on. Pipes are not looked at: they can be opened once.
///
/// # Errors
///
/// Of the first file that cannot be read.
pub fn look_for(paths: &[PathBuf]) -> Result<(), FileError> {
    let named = paths.iter().filter(|path| path.as_os_str() != "-");
    for path in named {
        let look = || {
            let metadata = path.metadata().map_err(FileErrorKind::Open)?;
            if metadata.is_dir() {
                return Err(FileErrorKind::Directory);
            }
            if metadata.is_file() {
                File::open(path).map_err(FileErrorKind::Open)?;
            }
            Ok(())
        };
        look().map_err(|kind| FileError::at_start(path, kind))?;
    }
    Ok(())
}

impl FileSource {
    /// Opens a file; `-` is standard input. Packets and interfaces are numbered from `numbering` on.
    ///
    /// A pipe is read until the file header is there.
    pub fn open(path: &Path, numbering: Numbering) -> Result<Self, FileError> {
        let file = if path.as_os_str() == "-" {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        file.map_err(FileErrorKind::Open)
            .and_then(|file| Self::open_input(file, path, numbering))
            .map_err(|kind| FileError::at_start(path, kind))
    }

    /// The same of a file that others read at the same time, and of as much of it as they do.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub(crate) fn open_mapped(
        path: &Path,
        numbering: Numbering,
        file: Arc<MappedFile>,
    ) -> Result<Self, FileError> {
        let total_bytes = file.len();
        if total_bytes == 0 {
            return Err(FileError::at_start(path, FileErrorKind::Empty));
        }
        Self::start(Stream::mapped(file), path, numbering, Some(total_bytes))
            .map_err(|kind| FileError::at_start(path, kind))
    }

    /// Reads what another thread writes into a pipe; errors call it `name`. Waits until the file
    /// header is there.
    ///
    /// # Errors
    ///
    /// When the pipe ends before, or cannot be read.
    pub fn from_pipe(pipe: io::PipeReader, name: &Path) -> Result<Self, FileError> {
        let file = File::from(OwnedFd::from(pipe));
        Self::open_input(file, name, Numbering::default())
            .map_err(|kind| FileError::at_start(name, kind))
    }

    /// Whether several can read the file at once, each for himself: it is no pipe, and not compressed.
    /// A file that cannot be opened is one; whoever reads it will see.
    pub fn is_shareable(path: &Path) -> bool {
        if path.as_os_str() == "-" {
            return false;
        }
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => false,
            Ok(_) => File::open(path).map_or(true, |file| !stream::is_gzip_file(file)),
            Err(_) => true,
        }
    }

    fn open_input(file: File, path: &Path, numbering: Numbering) -> Result<Self, FileErrorKind> {
        let metadata = file.metadata().map_err(FileErrorKind::Open)?;
        if metadata.is_dir() {
            return Err(FileErrorKind::Directory);
        }
        let total_bytes = metadata.is_file().then_some(metadata.len());
        if total_bytes == Some(0) {
            return Err(FileErrorKind::Empty);
        }
        let stream = Stream::open(file).map_err(unread)?;
        Self::start(stream, path, numbering, total_bytes)
    }

    fn start(
        mut stream: Stream,
        path: &Path,
        numbering: Numbering,
        total_bytes: Option<u64>,
    ) -> Result<Self, FileErrorKind> {
        let tail = refill(&mut stream, 0, FILE_HEADER_LEN, 0);
        let (format, at) = match Format::open(stream.block(), numbering.iface) {
            Ok(opened) => opened,
            // What is missing of the header is missing because it could not be read.
            Err(kind) => match tail {
                Tail::Failed(_, error) => return Err(error),
                _ => return Err(kind),
            },
        };
        let path = path.to_owned();
        let first_frame = numbering.frame;
        Ok(Self {
            path,
            stream,
            format,
            window_offset: 0,
            at,
            total_bytes,
            first_frame,
            numbering,
            tail,
        })
    }

    /// Appends the slots of up to `budget` packets, at least one; all lie in the block that is
    /// returned. `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// Damage, once every packet before it was delivered, or what the operating system reports.
    /// After an error the file is at its end.
    pub fn next_batch(
        &mut self,
        slots: &mut Vec<Slot>,
        budget: usize,
    ) -> Result<Option<Arc<Block>>, FileError> {
        self.next_chosen(slots, budget, &mut All)
    }

    /// The same for those that are chosen out of up to `budget` packets, which can be none of them.
    ///
    /// # Errors
    ///
    /// As [`Self::next_batch`].
    pub fn next_chosen(
        &mut self,
        slots: &mut Vec<Slot>,
        budget: usize,
        choice: &mut impl Choice,
    ) -> Result<Option<Arc<Block>>, FileError> {
        let before = self.numbering.frame;
        let budget = budget.max(1);
        loop {
            if matches!(self.tail, Tail::Finished) {
                return Ok(None);
            }
            if let Some(source) = self.stream.torn() {
                let packets = before.0 - self.first_frame.0;
                let offset = self.window_offset + self.at as u64;
                return Err(self.fail(offset, FileErrorKind::Read { packets, source }));
            }
            let block = self.stream.block();
            let mut scan = Scan {
                window: block,
                numbering: &mut self.numbering,
                slots,
                choice,
            };
            let stopped = match &mut self.format {
                Format::Pcap(pcap) => pcap.scan(self.at, budget, &mut scan),
                Format::Pcapng(pcapng) => pcapng.scan(self.at, budget, &mut scan),
            };
            self.at = stopped.at;
            if self.numbering.frame > before {
                // Whatever else is wrong is found again by the next call.
                return Ok(Some(Arc::clone(block)));
            }
            self.go_on(stopped)?;
        }
    }

    /// Whether the file has sections, and says more of packets than classic pcap can.
    #[must_use]
    pub const fn is_pcapng(&self) -> bool {
        matches!(self.format, Format::Pcapng(_))
    }

    /// The number of the section that an interface belongs to, from 1, and the number of the first
    /// interface of that section; `None` where the format has no sections.
    #[must_use]
    pub fn section_of(&self, iface: IfaceId, first_of_file: u32) -> Option<(u32, IfaceId)> {
        let Format::Pcapng(pcapng) = &self.format else {
            return None;
        };
        let (section, start) = pcapng.section_of(iface.0 - first_of_file);
        Some((section, IfaceId(first_of_file + start)))
    }

    /// The secrets of TLS connections that the file had so far, as a log of keys.
    #[must_use]
    pub fn secrets(&self) -> &[u8] {
        match &self.format {
            Format::Pcap(_) => &[],
            Format::Pcapng(pcapng) => pcapng.secrets(),
        }
    }

    /// The names of addresses that the file had so far.
    #[must_use]
    pub fn names(&self) -> &[HostName] {
        match &self.format {
            Format::Pcap(_) => &[],
            Format::Pcapng(pcapng) => pcapng.names(),
        }
    }

    /// The interfaces that the file has described so far; the first one has the number that the
    /// file was opened with. A pcapng file can describe more at any point.
    pub fn ifaces(&self) -> &[Iface] {
        match &self.format {
            Format::Pcap(pcap) => pcap.ifaces(),
            Format::Pcapng(pcapng) => pcapng.ifaces(),
        }
    }

    /// Where packets come from, for capture filters: the byte order of a file is that of link type
    /// NULL.
    pub const fn origin(&self) -> Origin {
        let order = match &self.format {
            Format::Pcap(pcap) => pcap.byte_order(),
            Format::Pcapng(pcapng) => pcapng.byte_order(),
        };
        let own = if cfg!(target_endian = "big") {
            ByteOrder::Big
        } else {
            ByteOrder::Little
        };
        match (order, own) {
            (ByteOrder::Big, ByteOrder::Big) | (ByteOrder::Little, ByteOrder::Little) => {
                Origin::File
            }
            _ => Origin::ForeignFile,
        }
    }

    /// What a file that is to follow this one is numbered from.
    pub fn numbering(&self) -> Numbering {
        let iface = IfaceId(self.numbering.iface.0 + self.ifaces().len() as u32);
        Numbering {
            iface,
            ..self.numbering
        }
    }

    /// Bytes read of the file as it lies on the disk, and how many it has; `None` for a pipe.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.stream.read_bytes(), self.total_bytes)
    }

    /// Gets more bytes, or ends.
    fn go_on(&mut self, Stopped { at, why }: Stopped) -> Result<(), FileError> {
        let offset = self.window_offset + at as u64;
        let packets = self.numbering.frame.0 - self.first_frame.0;
        let (needed, part) = match why {
            // Nothing was found and nothing is missing: only blocks without packets were passed.
            Stop::Budget => return Ok(()),
            Stop::Damaged(damage) => {
                return Err(self.fail(offset, FileErrorKind::Damaged { packets, damage }));
            }
            Stop::More { needed, part } => (needed, part),
        };
        let left = self.stream.block().len() - at;
        match std::mem::replace(&mut self.tail, Tail::Finished) {
            Tail::Failed(offset, FileErrorKind::Read { source, .. }) => {
                Err(self.fail(offset, FileErrorKind::Read { packets, source }))
            }
            Tail::Failed(offset, kind) => Err(self.fail(offset, kind)),
            Tail::Finished => Ok(()),
            Tail::Last if left == 0 => Ok(()),
            Tail::Last => {
                let damage = Damage::Truncated {
                    part,
                    needed: needed as u64,
                    left: left as u64,
                };
                Err(self.fail(offset, FileErrorKind::Damaged { packets, damage }))
            }
            Tail::Open => {
                self.tail = refill(&mut self.stream, at, needed, offset);
                self.window_offset = offset;
                self.at = 0;
                Ok(())
            }
        }
    }

    fn fail(&mut self, offset: u64, kind: FileErrorKind) -> FileError {
        self.tail = Tail::Finished;
        FileError {
            path: self.path.clone(),
            offset,
            kind,
        }
    }
}

/// Before it is known how many packets came before.
const fn unread(source: io::Error) -> FileErrorKind {
    FileErrorKind::Read { packets: 0, source }
}

/// Reads on, and says what comes after that.
fn refill(stream: &mut Stream, at: usize, needed: usize, offset: u64) -> Tail {
    match stream.refill(at, needed) {
        Ok(true) => Tail::Open,
        Ok(false) => Tail::Last,
        Err(error) => {
            let offset = offset + stream.block().len() as u64;
            Tail::Failed(offset, unread(error))
        }
    }
}

impl Format {
    /// Recognizes a format, and says where its records start.
    fn open(bytes: &[u8], first_iface: IfaceId) -> Result<(Self, usize), FileErrorKind> {
        let Some(&magic) = bytes.first_chunk::<4>() else {
            return Err(match bytes.len() {
                0 => FileErrorKind::Empty,
                _ => FileErrorKind::NotCapture {
                    hint: Some("it has less than four bytes"),
                },
            });
        };
        if Pcapng::recognizes(magic) {
            return Ok((Self::Pcapng(Pcapng::new(first_iface)), 0));
        }
        if !Pcap::recognizes(magic) {
            return Err(FileErrorKind::NotCapture { hint: hint(magic) });
        }
        let damage = match bytes.first_chunk::<FILE_HEADER_LEN>() {
            None => {
                let (needed, left) = (FILE_HEADER_LEN as u64, bytes.len() as u64);
                Damage::Truncated {
                    part: "file header",
                    needed,
                    left,
                }
            }
            Some(header) => match Pcap::open(header, first_iface) {
                Some(Ok(pcap)) => return Ok((Self::Pcap(pcap), FILE_HEADER_LEN)),
                Some(Err(damage)) => damage,
                None => return Err(FileErrorKind::NotCapture { hint: None }),
            },
        };
        Err(FileErrorKind::Damaged { packets: 0, damage })
    }
}

/// What a file of another format is, for those that captures are often packed in.
fn hint(magic: [u8; 4]) -> Option<&'static str> {
    match magic {
        [0x28, 0xb5, 0x2f, 0xfd] => {
            Some("it is zstd-compressed; pipe it in with `zstd -dc FILE |` and `-`")
        }
        [0x04, 0x22, 0x4d, 0x18] => {
            Some("it is lz4-compressed; pipe it in with `lz4 -dc FILE |` and `-`")
        }
        [0xfd, b'7', b'z', b'X'] => {
            Some("it is xz-compressed; pipe it in with `xz -dc FILE |` and `-`")
        }
        [b'B', b'Z', b'h', _] => {
            Some("it is bzip2-compressed; pipe it in with `bzip2 -dc FILE |` and `-`")
        }
        [b'P', b'K', 3, 4] => {
            Some("it is a zip archive; pipe it in with `unzip -p FILE |` and `-`")
        }
        [b's', b'n', b'o', b'o'] => {
            Some("it is a snoop file; convert it with `editcap FILE out.pcapng`")
        }
        _ => None,
    }
}
