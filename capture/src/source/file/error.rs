//! What can be wrong with a capture file, in words that name the file, the place and the cause.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A file that could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub struct FileError {
    /// The file as it was named; `-` is standard input.
    pub path: PathBuf,
    /// Where it happened: bytes from the start of the (decompressed) file.
    pub offset: u64,
    /// What happened.
    #[source]
    pub kind: FileErrorKind,
}

impl FileError {
    pub(super) fn at_start(path: &Path, kind: FileErrorKind) -> Self {
        Self {
            path: path.to_owned(),
            offset: 0,
            kind,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.as_os_str() == "-" {
            f.write_str("standard input")?;
        } else {
            write!(f, "{}", self.path.display())?;
        }
        let offset = self.offset;
        let packets = match &self.kind {
            FileErrorKind::Damaged { packets, damage } => {
                write!(f, ": damaged at byte {offset}: {damage}")?;
                packets
            }
            FileErrorKind::Read { packets, source } => {
                write!(f, ": cannot be read behind byte {offset}: {source}")?;
                packets
            }
            _ => return write!(f, ": {}", self.kind),
        };
        match packets {
            0 => f.write_str("; no packet comes before it"),
            1 => f.write_str("; the packet before it was read"),
            _ => write!(f, "; the {packets} packets before it were read"),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileErrorKind {
    /// A record or block contradicts the format.
    #[error("{damage}")]
    Damaged {
        /// Packets of this file that were delivered before it.
        packets: u64,
        /// What the contradiction is.
        damage: Damage,
    },
    /// The path is a directory.
    #[error("is a directory, not a capture file")]
    Directory,
    /// Nothing is in the file, not even a header.
    #[error("is empty: it has no file header, so it is not a capture file")]
    Empty,
    /// The first bytes are of no known format.
    #[error("is not a pcap or pcapng file{}", hint.map(|hint| format!(": {hint}")).unwrap_or_default())]
    NotCapture {
        /// What it seems to be, and what to do about it.
        hint: Option<&'static str>,
    },
    /// The file could not be opened.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// Reading or decompressing failed on the way.
    #[error("cannot be read: {source}")]
    Read {
        /// Packets of this file that were delivered before it.
        packets: u64,
        /// What the system or the decompressor said.
        source: io::Error,
    },
}

/// How a record or block contradicts the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The total length of a block cannot be one.
    #[error("a block claims a length of {claimed} bytes, which is {why}")]
    BlockLength {
        /// The total length as stored.
        claimed: u32,
        /// Why it cannot be.
        why: &'static str,
    },
    /// The number that tells the byte order of a section is neither one.
    #[error("a section starts with the byte-order magic {magic:#010x}, which is no byte order")]
    ByteOrder {
        /// As read in little endian.
        magic: u32,
    },
    /// A block is shorter than its fixed fields or its options say.
    #[error("the {block} block is too short for {part}")]
    Overrun {
        /// Name of the block type.
        block: &'static str,
        /// What has no room in it.
        part: &'static str,
    },
    /// A packet is longer than any capture program writes.
    #[error("a record claims a packet of {claimed} bytes, and no packet has more than {max}")]
    PacketLength {
        /// The captured length as stored.
        claimed: u32,
        /// The largest that is believed.
        max: u32,
    },
    /// The two copies of a block's length differ.
    #[error("a block of {leading} bytes ends with a length of {trailing}")]
    Trailer {
        /// Total length at the start of the block.
        leading: u32,
        /// Total length at its end.
        trailing: u32,
    },
    /// The file ends within a record, block or header.
    #[error("the file ends within a {part}: {left} of its {needed} bytes are there")]
    Truncated {
        /// What is cut off.
        part: &'static str,
        /// Bytes that it takes, as far as is known.
        needed: u64,
        /// Bytes that are there.
        left: u64,
    },
    /// A packet names an interface that the section has not described.
    #[error("a packet is of interface {iface}, but the section has described {described} so far")]
    UnknownIface {
        /// Number of the interface within the section.
        iface: u32,
        /// Interfaces described so far.
        described: usize,
    },
    /// The format version is none that is known.
    #[error("{format} version {major}.{minor} is not supported")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Major version as stored.
        major: u16,
        /// Minor version as stored.
        minor: u16,
    },
}
