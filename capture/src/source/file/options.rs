//! Options of pcapng blocks: code, length, value, padded to four bytes (section 3.5).

use super::scan::{ByteOrder, part};

/// Ends a list of options; lists may also just end with the block.
const OPTION_END: u16 = 0;

/// Options of a packet that readers show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketOption<'a> {
    /// A comment (`opt_comment`).
    Comment(&'a [u8]),
    /// Flags of the link layer (`epb_flags`).
    Flags(u32),
    /// A number of the packet (`epb_packetid`).
    Id(u64),
    /// What the hardware, or a program in the kernel, decided (`epb_verdict`): its type, and the rest.
    Verdict(u8, &'a [u8]),
    /// The same of a program, whose decision is a number: types 1 (TC) and 2 (XDP).
    ProgramVerdict(u8, i64),
}

/// The options of a packet; none where its format has none.
#[derive(Clone, Copy, Debug)]
pub struct PacketOptions<'a> {
    order: ByteOrder,
    bytes: &'a [u8],
}

const OPT_COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
const EPB_PACKET_ID: u16 = 5;
const EPB_VERDICT: u16 = 7;

impl<'a> PacketOptions<'a> {
    pub(super) const fn new(order: ByteOrder, bytes: &'a [u8]) -> Self {
        Self { order, bytes }
    }

    /// Those that readers show, in the order of the file.
    pub fn iter(self) -> impl Iterator<Item = PacketOption<'a>> {
        let order = self.order;
        Options::new(order, self.bytes).filter_map(move |(code, value)| {
            Some(match (code, value) {
                (OPT_COMMENT, text) => PacketOption::Comment(text),
                (EPB_FLAGS, value) => PacketOption::Flags(order.u32(value.try_into().ok()?)),
                (EPB_PACKET_ID, value) => PacketOption::Id(order.u64(value.try_into().ok()?)),
                (EPB_VERDICT, [kind @ (1 | 2), value @ ..]) => {
                    let number = order.u64(value.try_into().ok()?);
                    PacketOption::ProgramVerdict(*kind, number.cast_signed())
                }
                (EPB_VERDICT, [kind, value @ ..]) => PacketOption::Verdict(*kind, value),
                _ => return None,
            })
        })
    }
}

impl Default for PacketOptions<'_> {
    fn default() -> Self {
        Self::new(ByteOrder::Little, &[])
    }
}

/// Iterates over the options of a block.
#[derive(Debug)]
pub(super) struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
    damaged: bool,
}

impl<'a> Options<'a> {
    #[inline]
    pub(super) fn new(order: ByteOrder, rest: &'a [u8]) -> Self {
        Self {
            order,
            rest,
            damaged: false,
        }
    }

    /// Whether an option ran over the end of the block; it and what follows were not returned.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((header, rest)) = self.rest.split_first_chunk::<4>() else {
            self.damaged = true;
            self.rest = &[];
            return None;
        };
        let code = self.order.u16(part::<0, 2, _>(header));
        let value_len = usize::from(self.order.u16(part::<2, 2, _>(header)));
        if code == OPTION_END {
            self.rest = &[];
            return None;
        }
        let Some(value) = rest.get(..value_len) else {
            self.damaged = true;
            self.rest = &[];
            return None;
        };
        self.rest = rest
            .get(value_len.next_multiple_of(4)..)
            .unwrap_or_default();
        Some((code, value))
    }
}
