//! A row of columns in a place of fixed size. Where its pieces end is known to whoever writes them alone, so
//! that it stays in a register and no piece waits for the one before to be told of.

use super::line::{FRACTION, IPV4, ascii, write_fraction, write_ipv4};

/// Bytes of a row. All pieces together have to fit.
pub(crate) const ROW: usize = 256;

/// Spaces that are written at once.
const SPACES: usize = 16;

/// A row that is being written. What is written is whole characters.
pub(crate) struct Row<'r> {
    room: &'r mut [u8; ROW],
    end: usize,
}

impl<'r> Row<'r> {
    #[inline(always)]
    pub(super) const fn new(room: &'r mut [u8; ROW]) -> Self {
        Self { room, end: 0 }
    }

    /// Bytes that were written.
    #[inline(always)]
    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// Adds text that is known beforehand.
    #[inline(always)]
    pub(crate) fn text(&mut self, text: &'static str) {
        let end = self.end + text.len();
        self.room[self.end..end].copy_from_slice(text.as_bytes());
        self.end = end;
    }

    /// Adds text of any length that fits; mostly it is short.
    #[inline(always)]
    pub(crate) fn any(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let end = self.end + bytes.len();
        let room = &mut self.room[self.end..end];
        // Two pieces of the same size, which overlap, make any length from one to two of them.
        if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>())
            && bytes.len() <= 16
        {
            room[..8].copy_from_slice(first);
            room[bytes.len() - 8..].copy_from_slice(last);
        } else if let (Some(first), Some(last)) =
            (bytes.first_chunk::<4>(), bytes.last_chunk::<4>())
            && bytes.len() <= 8
        {
            room[..4].copy_from_slice(first);
            room[bytes.len() - 4..].copy_from_slice(last);
        } else if let (Some(first), Some(last)) =
            (bytes.first_chunk::<2>(), bytes.last_chunk::<2>())
            && bytes.len() <= 4
        {
            room[..2].copy_from_slice(first);
            room[bytes.len() - 2..].copy_from_slice(last);
        } else {
            room.copy_from_slice(bytes);
        }
        self.end = end;
    }

    /// Adds spaces to make `len` characters `width`, 16 at most.
    #[inline(always)]
    pub(crate) fn fill(&mut self, len: usize, width: usize) {
        self.room[self.end..self.end + SPACES].fill(b' ');
        self.end += width.saturating_sub(len).min(SPACES);
    }

    /// Adds a decimal number, with spaces in front of it to be at least so wide.
    #[inline(always)]
    pub(crate) fn right(&mut self, number: u64, width: usize) {
        match u32::try_from(number) {
            Ok(number @ ..100_000_000) => {
                let (text, len) = ascii(number);
                self.fill(len, width);
                self.room[self.end..self.end + 8].copy_from_slice(&text);
                self.end += len;
            }
            _ => self.long(number),
        }
    }

    /// Adds a decimal number.
    #[inline(always)]
    pub(crate) fn decimal(&mut self, number: u64) {
        match u32::try_from(number) {
            // Most numbers are 0, a port, or a length.
            Ok(number @ ..10) => {
                self.room[self.end] = b'0' + number as u8;
                self.end += 1;
            }
            Ok(number @ ..100_000_000) => {
                let (text, len) = ascii(number);
                self.room[self.end..self.end + 8].copy_from_slice(&text);
                self.end += len;
            }
            _ => self.long(number),
        }
    }

    /// The same of nine digits and more.
    #[cold]
    #[inline(never)]
    fn long(&mut self, number: u64) {
        self.any(itoa::Buffer::new().format(number));
    }

    /// Adds a point and the first `decimals` digits of so many billionths; nothing for none.
    #[inline(always)]
    pub(crate) fn fraction(&mut self, ns: u32, decimals: usize) {
        if decimals == 0 {
            return;
        }
        write_fraction(&mut self.room[self.end..self.end + FRACTION], ns);
        self.end += 1 + decimals.min(9);
    }

    /// Adds an IPv4 address.
    #[inline(always)]
    pub(crate) fn ipv4(&mut self, address: [u8; 4]) {
        self.end += write_ipv4(&mut self.room[self.end..self.end + IPV4], address);
    }

    /// Adds an IPv4 address, with spaces behind it to be at least so wide.
    #[inline(always)]
    pub(crate) fn ipv4_left(&mut self, address: [u8; 4], width: usize) {
        let start = self.end;
        self.ipv4(address);
        self.fill(self.end - start, width);
    }
}
