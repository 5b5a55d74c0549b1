//! A line as it is put together: pieces of a few bytes, a dozen for each frame, go to a place that
//! keeps its size, and from there to the text at once. Growing a text for each piece would take longer
//! than making the piece.

#![expect(
    unsafe_code,
    reason = "what was written as text is not looked through again to see whether it is"
)]

use super::row::{ROW, Row};
use super::text::spaces;

/// Bytes that are put together before they are moved on.
const LEN: usize = 2048;

/// No piece but text is longer than this.
const PIECE: usize = 64;

/// What is being put together, and the text that it goes to when this is dropped.
pub(crate) struct Line<'o> {
    out: &'o mut String,
    /// The first `len` are text: whatever writes here writes whole characters.
    bytes: [u8; LEN],
    len: usize,
}

/// The numbers of two digits.
static PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        table[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    table
};

/// The digits of a byte with a dot behind them, and how many bytes that is.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut table = [([0; 4], 0); 256];
    let mut number = 0;
    while number < 256 {
        let byte = number as u8;
        let [a, b, c] = [b'0' + byte / 100, b'0' + byte / 10 % 10, b'0' + byte % 10];
        table[number] = match byte {
            0..10 => ([c, b'.', 0, 0], 2),
            10..100 => ([b, c, b'.', 0], 3),
            _ => ([a, b, c, b'.'], 4),
        };
        number += 1;
    }
    table
};

/// The decimal digits of a number below 100,000,000, what is behind them, and how many there are. All at once,
/// so that nothing depends on how many there are.
#[inline(always)]
pub(super) const fn ascii(number: u32) -> ([u8; 8], usize) {
    // Two numbers of four digits, four of two, eight of one; the first one in the lowest bits. What is
    // multiplied is a little more than the inverse of what is divided by, and exact for so few digits.
    let fours = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    let upper = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = upper | ((fours - 100 * upper) << 16);
    let upper = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    let digits = upper | ((pairs - 10 * upper) << 8);
    // The last one counts even if it is zero.
    let zeros = (digits | 1 << 56).trailing_zeros() & !7;
    let text = (digits | 0x3030_3030_3030_3030) >> zeros;
    (text.to_le_bytes(), 8 - zeros as usize / 8)
}

/// Bytes of a point and nine digits.
pub(super) const FRACTION: usize = 10;

/// Writes a point and so many billionths, nine digits.
#[inline(always)]
pub(super) fn write_fraction(room: &mut [u8], ns: u32) {
    let room = &mut room[..FRACTION];
    // Two numbers of five digits do not wait for each other.
    let (high, low) = (ns / 10_000, ns % 10_000);
    room[0] = b'.';
    room[1] = b'0' + (high / 10_000 % 10) as u8;
    let high = high % 10_000;
    for (at, pair) in [
        (2, high / 100),
        (4, high % 100),
        (6, low / 100),
        (8, low % 100),
    ] {
        room[at..at + 2].copy_from_slice(&PAIRS[pair as usize]);
    }
}

/// Bytes that the longest IPv4 address takes while it is written: it has a dot behind it.
pub(super) const IPV4: usize = 16;

/// Writes an IPv4 address, and says how long it is.
#[inline(always)]
pub(super) fn write_ipv4(room: &mut [u8], address: [u8; 4]) -> usize {
    let room = &mut room[..IPV4];
    let mut at = 0;
    for octet in address {
        let (text, len) = OCTETS[usize::from(octet)];
        room[at..at + 4].copy_from_slice(&text);
        at += usize::from(len);
    }
    // But for the last dot.
    at - 1
}

/// Decimal digits of a number.
#[inline]
pub(crate) const fn digits(number: u64) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

impl<'o> Line<'o> {
    /// Adds to `out`.
    #[inline]
    pub(crate) const fn new(out: &'o mut String) -> Self {
        Self {
            out,
            bytes: [0; LEN],
            len: 0,
        }
    }

    /// Moves on what there is.
    #[inline(never)]
    fn spill(&mut self) {
        let bytes = self.bytes.get(..self.len).unwrap_or(&self.bytes);
        // SAFETY: all that is written to `bytes` up to `len` is whole `str`s and ASCII.
        let text = unsafe { str::from_utf8_unchecked(bytes) };
        self.out.push_str(text);
        self.len = 0;
    }

    /// Room for a piece.
    #[inline(always)]
    fn room(&mut self) -> &mut [u8; PIECE] {
        if self.len > LEN - PIECE {
            self.spill();
        }
        let room = self.bytes.get_mut(self.len..self.len + PIECE);
        room.and_then(|room| room.first_chunk_mut())
            .expect("what is there leaves room for a piece")
    }

    /// Adds what is written as a row.
    #[inline(always)]
    pub(crate) fn row(&mut self, write: impl FnOnce(&mut Row<'_>)) {
        if self.len > LEN - ROW {
            self.spill();
        }
        let room = self.bytes.get_mut(self.len..self.len + ROW);
        let room = room.and_then(|room| room.first_chunk_mut());
        let mut row = Row::new(room.expect("what is there leaves room for a row"));
        write(&mut row);
        self.len += row.end();
    }

    /// Adds text.
    #[inline(always)]
    pub(crate) fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if bytes.len() > PIECE {
            self.spill();
            self.out.push_str(text);
            return;
        }
        self.room()[..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Adds a character.
    #[inline]
    pub(crate) fn character(&mut self, character: char) {
        if character.is_ascii() {
            self.room()[0] = character as u8;
            self.len += 1;
            return;
        }
        let len = character.encode_utf8(self.room()).len();
        self.len += len;
    }

    /// Adds spaces to make `len` characters `width`.
    #[inline]
    pub(crate) fn fill(&mut self, len: usize, width: usize) {
        let count = width.saturating_sub(len).min(PIECE);
        if count > 0 {
            self.room()[..count].fill(b' ');
            self.len += count;
        }
    }

    /// Adds a decimal number.
    #[inline]
    pub(crate) fn decimal(&mut self, number: u64) {
        match u32::try_from(number) {
            Ok(number @ 0..10) => {
                self.room()[0] = b'0' + number as u8;
                self.len += 1;
            }
            Ok(number @ 10..100_000_000) => {
                let (text, len) = ascii(number);
                self.room()[..8].copy_from_slice(&text);
                self.len += len;
            }
            _ => self.zero_padded(number, digits(number)),
        }
    }

    /// Adds the lower `len` digits of a number, 20 at most.
    #[inline(always)]
    pub(crate) fn zero_padded(&mut self, mut number: u64, len: usize) {
        let len = len.min(20);
        let room = self.room();
        let mut end = len;
        while end > 1 {
            let pair = PAIRS[(number % 100) as usize];
            number /= 100;
            end -= 2;
            room[end..end + 2].copy_from_slice(&pair);
        }
        if end == 1 {
            room[0] = b'0' + (number % 10) as u8;
        }
        self.len += len;
    }

    /// Adds a point and the first `decimals` digits of so many billionths; nothing for none.
    #[inline]
    pub(crate) fn fraction(&mut self, ns: u32, decimals: usize) {
        if decimals == 0 {
            return;
        }
        write_fraction(&mut self.room()[..FRACTION], ns);
        self.len += 1 + decimals.min(9);
    }

    /// Adds a number in hexadecimal, of `digits` digits at least.
    #[inline]
    pub(crate) fn hex(&mut self, number: u64, digits: usize) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let needed = (u64::BITS - number.leading_zeros()).div_ceil(4) as usize;
        let len = needed.max(digits).clamp(1, 32);
        let mut left = number;
        for place in self.room()[..len].iter_mut().rev() {
            *place = HEX[(left & 15) as usize];
            left >>= 4;
        }
        self.len += len;
    }

    /// Adds an IPv4 address.
    #[inline]
    pub(crate) fn ipv4(&mut self, address: [u8; 4]) {
        let len = write_ipv4(&mut self.room()[..IPV4], address);
        self.len += len;
    }

    /// Adds a MAC address.
    #[inline]
    pub(crate) fn ether(&mut self, address: [u8; 6]) {
        for (place, byte) in address.into_iter().enumerate() {
            if place > 0 {
                self.text(":");
            }
            self.hex(byte.into(), 2);
        }
    }

    /// Adds what is written to the text itself.
    #[inline(never)]
    pub(crate) fn with<T>(&mut self, add: impl FnOnce(&mut String) -> T) -> T {
        self.spill();
        add(self.out)
    }
}

impl Drop for Line<'_> {
    #[inline]
    fn drop(&mut self) {
        self.spill();
    }
}

/// Characters of an IPv4 address.
#[inline]
pub(crate) fn ipv4_len(address: [u8; 4]) -> usize {
    let lens = address.map(|octet| usize::from(OCTETS[usize::from(octet)].1));
    lens.iter().sum::<usize>() - 1
}

/// Adds what `add` writes with spaces in front of it, to be at least so wide. All of it is ASCII.
pub(super) fn right(out: &mut String, width: usize, add: impl FnOnce(&mut String)) {
    let start = out.len();
    add(out);
    let len = out.len() - start;
    if len < width {
        let mut space = String::new();
        spaces(&mut space, width - len);
        out.insert_str(start, &space);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(add: impl FnOnce(&mut Line<'_>)) -> String {
        let mut out = String::from("> ");
        add(&mut Line::new(&mut out));
        out
    }

    proptest! {
        /// The standard library's formatting is the oracle.
        #[test]
        fn pieces_read_as_the_standard_library_writes_them(
            number in any::<u64>(), shift in 0_u32..64, address in any::<[u8; 4]>(), ns in 0_u32..1_000_000_000,
            mac in any::<[u8; 6]>(), times in 1_usize..60, word in "[a-zé]{0,20}",
        ) {
            let number = number >> shift;
            let ipv4 = std::net::Ipv4Addr::from(address);
            let mut expected = String::from("> ");
            let found = line(|line| {
                for _ in 0..times {
                    line.decimal(number);
                    line.text(" → ");
                    line.ipv4(address);
                    line.character('é');
                    line.zero_padded(number, 4);
                    line.fraction(ns, 9);
                    line.fraction(ns, 6);
                    line.fraction(ns, 0);
                    line.hex(number, 4);
                    line.fill(3, 7);
                    line.ether(mac);
                    line.with(|out| out.push('!'));
                    line.row(|row| {
                        row.right(number, 7);
                        row.text(" → ");
                        row.decimal(number);
                        row.any(&word);
                        row.ipv4(address);
                        row.fraction(ns, 9);
                        row.fraction(ns, 3);
                        row.fraction(ns, 0);
                        row.ipv4_left(address, 12);
                    });
                }
            });
            for _ in 0..times {
                let [a, b, c, d, e, f] = mac.map(|byte| format!("{byte:02x}"));
                let one = format!(
                    "{number} → {ipv4}é{:04}.{ns:09}.{:06}{number:04x}    {a}:{b}:{c}:{d}:{e}:{f}!",
                    number % 10_000, ns / 1000,
                );
                expected.push_str(&one);
                let row = format!(
                    "{number:>7} → {number}{word}{ipv4}.{ns:09}.{:03}{:<12}",
                    ns / 1_000_000, ipv4.to_string(),
                );
                expected.push_str(&row);
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(ipv4_len(address), ipv4.to_string().len());
            prop_assert_eq!(digits(number), number.to_string().len());
        }
    }

    #[test]
    fn digits_are_those_of_the_number() {
        let powers = (0..8).map(|log| 10_u32.pow(log));
        let near = powers.flat_map(|power| power.saturating_sub(2)..power + 2);
        let some = (0..100_000_000).step_by(7919);
        for number in (0..20_000).chain(near).chain(some).chain([99_999_999]) {
            let (text, len) = ascii(number);
            assert_eq!(text[..len], *number.to_string().as_bytes());
        }
    }

    #[test]
    fn text_of_any_length_is_added_whole() {
        for len in [0, 1, PIECE, PIECE + 1, LEN, 3 * LEN] {
            let text = "x".repeat(len);
            assert_eq!(
                line(|line| {
                    line.text("a");
                    line.text(&text);
                    line.text("b");
                }),
                format!("> a{text}b")
            );
        }
    }
}
