//! pcapng blocks as they are (draft-ietf-opsawg-pcapng): copied byte by byte, but for comments that are
//! added.

use std::io::{self, Read};
use std::path::Path;

use super::ExportError;
use super::frames::FrameSet;
use super::output::Output;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// The obsolete Packet Block.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Custom Block that is not to be copied into files that were changed (section 4.8).
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// The longest block that is believed, as when packets are read.
const MAX_BLOCK_LEN: u32 = 256 << 20;
const OPT_COMMENT: u16 = 1;
/// Bytes of a Section Header Block, and of a packet's block, before what comes next.
const SECTION_FIXED_LEN: usize = 24;
const PACKET_FIXED_LEN: usize = 28;

/// What is added on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit<'e> {
    /// A comment on the first section; taken when it was written.
    pub(super) comment: Option<&'e str>,
    /// A comment on each packet.
    pub(super) mark: Option<&'e str>,
}

/// The order of the bytes of numbers in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    const fn put_u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    const fn put_u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// Why copying ended early.
#[derive(Debug)]
pub(super) enum Failed {
    Read(io::Error),
    Write(ExportError),
}

impl Failed {
    pub(super) fn at(self, path: &Path) -> ExportError {
        match self {
            Self::Read(source) => ExportError::Again {
                path: path.to_owned(),
                source,
            },
            Self::Write(error) => error,
        }
    }
}

/// How far the first reading came in a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// To its end.
    End,
    /// To the last frame that was wanted: nobody has looked at what follows.
    LastFrame,
    /// To damage at this offset.
    Damage(u64),
}

/// Copies all blocks but packets that were not chosen, up to where the first reading came: `frames` are
/// the chosen ones and how many there were. Gives the number of the next frame.
pub(super) fn copy(
    input: &mut dyn Read,
    mut number: u64,
    (chosen, frames): (&FrameSet, u64),
    reach: Reach,
    edit: &mut Edit<'_>,
    output: &mut Output,
) -> Result<u64, Failed> {
    let mut reader = Blocks {
        input,
        order: Order::Little,
        block: Vec::new(),
    };
    // Offset of the block at hand.
    let mut offset = 0;
    // Snap length of the section's first interface: what Simple Packet Blocks are cut to.
    let mut first_snap_len = None;
    let mut changed = Vec::new();
    while let Some(kind) = reader.next().map_err(Failed::Read)? {
        match reach {
            Reach::LastFrame if number > frames => return Ok(number),
            Reach::Damage(damage) if offset >= damage => return Ok(number),
            _ => offset += reader.block.len() as u64,
        }
        let order = reader.order;
        let mut block = &*reader.block;
        match kind {
            SECTION_HEADER => {
                first_snap_len = None;
                section(block, order, edit.comment.take(), &mut changed);
                block = &changed;
            }
            INTERFACE_DESCRIPTION if first_snap_len.is_none() => {
                first_snap_len = order.u32(block, 12);
            }
            PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                if number > frames {
                    return Ok(number);
                }
                let wanted = chosen.has(number);
                number += 1;
                if !wanted {
                    continue;
                }
                if let Some(mark) = edit.mark {
                    let snap_len = first_snap_len.unwrap_or(0);
                    if marked(kind, block, order, snap_len, mark, &mut changed).is_some() {
                        block = &changed;
                    }
                }
            }
            CUSTOM_NOT_COPIED => continue,
            _ => {}
        }
        output.write(block).map_err(Failed::Write)?;
    }
    Ok(number)
}

/// A section's header, without the length that the section had.
fn section(block: &[u8], order: Order, comment: Option<&str>, out: &mut Vec<u8>) {
    out.clear();
    match comment {
        Some(comment) => with_comment(block, order, SECTION_FIXED_LEN, comment, out),
        None => out.extend_from_slice(block),
    }
    if let Some(len) = out.get_mut(16..SECTION_FIXED_LEN) {
        len.fill(0xff);
    }
}

/// A packet's block with a comment more.
fn marked(
    kind: u32,
    block: &[u8],
    order: Order,
    snap_len: u32,
    mark: &str,
    out: &mut Vec<u8>,
) -> Option<()> {
    out.clear();
    if kind != SIMPLE_PACKET {
        let cap_len = order.u32(block, 20)? as usize;
        let options = PACKET_FIXED_LEN + cap_len.next_multiple_of(4);
        if options + 4 > block.len() {
            return None;
        }
        with_comment(block, order, options, mark, out);
        return Some(());
    }
    // It has no options: an Enhanced Packet Block takes its place, of interface 0 and without a time.
    let wire_len = order.u32(block, 8)?;
    let cap_len = match snap_len {
        0 => wire_len,
        _ => wire_len.min(snap_len),
    };
    let data = block
        .get(12..)?
        .get(..(cap_len as usize).next_multiple_of(4))?;
    let mut enhanced = Vec::with_capacity(PACKET_FIXED_LEN + data.len() + 4);
    let len = (PACKET_FIXED_LEN + data.len() + 4) as u32;
    for number in [ENHANCED_PACKET, len, 0, 0, 0, cap_len, wire_len] {
        enhanced.extend_from_slice(&order.put_u32(number));
    }
    enhanced.extend_from_slice(data);
    enhanced.extend_from_slice(&order.put_u32(len));
    with_comment(&enhanced, order, PACKET_FIXED_LEN + data.len(), mark, out);
    Some(())
}

/// Appends a block with a comment behind its options, which begin at `options`.
pub(super) fn with_comment(
    block: &[u8],
    order: Order,
    options: usize,
    comment: &str,
    out: &mut Vec<u8>,
) {
    let end = block.len().saturating_sub(4);
    let mut at = options;
    // Where options run over the end of the block, the comment goes in front of them.
    let place = loop {
        if at >= end {
            break if at == end { at } else { options };
        }
        let (Some(code), Some(len)) = (order.u16(block, at), order.u16(block, at + 2)) else {
            break options;
        };
        if code == 0 {
            break at;
        }
        at += 4 + usize::from(len).next_multiple_of(4);
    };
    let start = out.len();
    out.extend_from_slice(block.get(..place).unwrap_or(block));
    put_option(order, OPT_COMMENT, comment.as_bytes(), out);
    let rest = block.get(place..end).unwrap_or(&[]);
    if rest.is_empty() {
        out.extend_from_slice(&[0; 4]);
    } else {
        out.extend_from_slice(rest);
    }
    let len = order.put_u32((out.len() - start + 4) as u32);
    out.extend_from_slice(&len);
    if let Some(place) = out.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&len);
    }
}

/// Appends an option; what does not fit into one is cut off.
fn put_option(order: Order, code: u16, value: &[u8], out: &mut Vec<u8>) {
    let mut len = value.len().min(usize::from(u16::MAX));
    // Not within a character.
    while len < value.len() && value[len] & 0xc0 == 0x80 {
        len -= 1;
    }
    out.extend_from_slice(&order.put_u16(code));
    out.extend_from_slice(&order.put_u16(len as u16));
    out.extend_from_slice(&value[..len]);
    out.resize(out.len() + len.next_multiple_of(4) - len, 0);
}

/// Appends a block of our own, in little endian: fields, and options with their codes.
pub(super) fn put_block(kind: u32, fixed: &[&[u8]], options: &[(u16, &[u8])], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    for field in fixed {
        out.extend_from_slice(field);
    }
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    for (code, value) in options {
        put_option(Order::Little, *code, value, out);
    }
    if !options.is_empty() {
        out.extend_from_slice(&[0; 4]);
    }
    let len = ((out.len() - start + 4) as u32).to_le_bytes();
    out.extend_from_slice(&len);
    out[start + 4..start + 8].copy_from_slice(&len);
}

/// Appends a section of a file that we make: who made it, and the comment.
pub(super) fn put_section(comment: Option<&str>, out: &mut Vec<u8>) {
    let application = concat!("capture ", env!("CARGO_PKG_VERSION"));
    let mut options: Vec<(u16, &[u8])> = vec![(4, application.as_bytes())];
    options.extend(comment.map(|comment| (OPT_COMMENT, comment.as_bytes())));
    let magic = BYTE_ORDER_MAGIC.to_le_bytes();
    put_block(
        SECTION_HEADER,
        &[&magic, &[1, 0, 0, 0], &[0xff; 8]],
        &options,
        out,
    );
}

/// Blocks of a stream of bytes, one after the other.
struct Blocks<'i> {
    input: &'i mut dyn Read,
    order: Order,
    block: Vec<u8>,
}

impl Blocks<'_> {
    /// Reads the next block, and gives its type; `None` at the end, or where the file is damaged: the
    /// first reading told.
    fn next(&mut self) -> io::Result<Option<u32>> {
        self.block.clear();
        if !self.fill(12)? {
            return Ok(None);
        }
        let block = &self.block;
        if Order::Little.u32(block, 0) == Some(SECTION_HEADER) {
            self.order = match Order::Little.u32(block, 8) {
                Some(BYTE_ORDER_MAGIC) => Order::Little,
                _ => Order::Big,
            };
        }
        let (kind, len) = (self.order.u32(block, 0), self.order.u32(block, 4));
        let len = len.filter(|len| len.is_multiple_of(4) && (12..=MAX_BLOCK_LEN).contains(len));
        let Some(len) = len else { return Ok(None) };
        let complete = self.fill(len as usize)?;
        Ok(kind.filter(|_| complete))
    }

    /// Reads until the block has `len` bytes; false if there are less.
    fn fill(&mut self, len: usize) -> io::Result<bool> {
        let missing = len.saturating_sub(self.block.len());
        let mut input = (&mut *self.input).take(missing as u64);
        match input.read_to_end(&mut self.block) {
            Ok(read) => Ok(read == missing),
            // A gzipped file that ends early: the first reading told.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}
