//! Whole numbers as the differences from one to the next, packed to as few bits as these need
//! (`DELTA_BINARY_PACKED`,
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5>).
//!
//! Half of what writing a record costs is this, if it is done for values of any type; here they are
//! 64-bit words that the compiler can keep in registers.

use super::page::varint;

/// Values of a block, which share the smallest difference.
const BLOCK: usize = 128;
/// Values of a miniblock, which have one width.
const MINI: usize = 32;

/// How wide the numbers are in the file: differences wrap around there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Int32,
    Int64,
}

impl Physical {
    /// Bytes of a number.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Int32 => 4,
            Self::Int64 => 8,
        }
    }
}

/// Appends the numbers.
pub(super) fn encode(values: &[u64], physical: Physical, out: &mut Vec<u8>) {
    match physical {
        Physical::Int32 => blocks(
            values,
            |value| i64::from(value as i32),
            |a, b| i64::from((a as i32).wrapping_sub(b as i32)),
            out,
        ),
        Physical::Int64 => blocks(
            values,
            u64::cast_signed,
            |a, b| a.wrapping_sub(b).cast_signed(),
            out,
        ),
    }
}

fn blocks(
    values: &[u64],
    signed: impl Fn(u64) -> i64,
    difference: impl Fn(u64, u64) -> i64,
    out: &mut Vec<u8>,
) {
    varint(BLOCK as u64, out);
    varint((BLOCK / MINI) as u64, out);
    varint(values.len() as u64, out);
    let mut before = values.first().copied().unwrap_or_default();
    zigzag(signed(before), out);
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        let mut differences = [0; BLOCK];
        let mut least = i64::MAX;
        for (room, value) in differences.iter_mut().zip(block) {
            *room = difference(*value, before);
            before = *value;
            least = least.min(*room);
        }
        // What fills up the last miniblock takes no bits.
        for room in differences.iter_mut().skip(block.len()) {
            *room = least;
        }
        zigzag(least, out);
        let widths = out.len();
        out.extend_from_slice(&[0; BLOCK / MINI]);
        let (minis, _) = differences.as_chunks_mut::<MINI>();
        let used = block.len().div_ceil(MINI);
        for (place, mini) in minis.iter_mut().enumerate().take(used) {
            let mut all = 0;
            for difference in &mut *mini {
                *difference = difference.wrapping_sub(least);
                all |= *difference;
            }
            let width = u64::BITS - all.leading_zeros();
            if let Some(room) = out.get_mut(widths + place) {
                *room = width as u8;
            }
            pack(mini, width, out);
        }
    }
}

/// Packs values that are no wider than that.
fn pack(values: &[i64; MINI], width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut word, mut held) = (0_u64, 0);
    for value in values {
        let value = value.cast_unsigned();
        word |= value << held;
        let room = u64::BITS - held;
        if width < room {
            held += width;
        } else {
            out.extend_from_slice(&word.to_le_bytes());
            word = value.checked_shr(room).unwrap_or(0);
            held = width - room;
        }
    }
    // 32 values are whole bytes, and half a word at most is left.
    if held > 0 {
        out.extend_from_slice(&(word as u32).to_le_bytes());
    }
}

fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(values: &[u64], physical: Physical) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, physical, &mut out);
        out
    }

    /// The examples of the specification, with blocks of 128 values in four miniblocks.
    #[test]
    fn blocks_are_those_of_the_specification() {
        // 1, 2, 3, 4, 5: the smallest difference is 1, and nothing is left of them.
        assert_eq!(
            encoded(&[1, 2, 3, 4, 5], Physical::Int32),
            [128, 1, 4, 5, 2, 2, 0, 0, 0, 0]
        );
        // 7, 5, 3, 1, 2, 3, 4, 5: the smallest is -2, and 0, 0, 0, 3, 3, 3, 3 are left, in two bits.
        assert_eq!(
            encoded(&[7, 5, 3, 1, 2, 3, 4, 5], Physical::Int64),
            [
                128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0
            ]
        );
        assert_eq!(encoded(&[], Physical::Int64), [128, 1, 4, 0, 0]);
    }

    /// The oracle is the arithmetic of the specification, read back bit by bit.
    #[test]
    fn every_width_is_read_back() {
        for width in 0..=64 {
            for len in [1, 2, 33, 129, 300_u64] {
                for physical in [Physical::Int32, Physical::Int64] {
                    let mask = u64::MAX.checked_shr(64 - width).unwrap_or(0);
                    let mask = match physical {
                        Physical::Int32 => mask & u64::from(u32::MAX),
                        Physical::Int64 => mask,
                    };
                    let values: Vec<_> = (0..len)
                        .map(|n| (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask)
                        .collect();
                    assert_eq!(decoded(&encoded(&values, physical), physical), values);
                }
            }
        }
    }

    fn number(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }

    fn signed(bytes: &mut &[u8]) -> u64 {
        let value = number(bytes);
        value >> 1 ^ (value & 1).wrapping_neg()
    }

    fn decoded(mut bytes: &[u8], physical: Physical) -> Vec<u64> {
        let bytes = &mut bytes;
        assert_eq!([number(bytes), number(bytes)], [128, 4]);
        let len = number(bytes) as usize;
        let mut value = signed(bytes);
        let wrap = |value: u64| match physical {
            Physical::Int32 => value & u64::from(u32::MAX),
            Physical::Int64 => value,
        };
        let mut values = vec![wrap(value)];
        while values.len() < len {
            let least = signed(bytes);
            let (widths, rest) = bytes.split_at(4);
            *bytes = rest;
            for width in widths {
                if values.len() >= len {
                    assert_eq!(*width, 0, "of a miniblock without values");
                    continue;
                }
                assert!(usize::from(*width) <= physical.bytes() * 8);
                let (packed, rest) = bytes.split_at(usize::from(*width) * 4);
                *bytes = rest;
                for place in 0..32.min(len - values.len()) {
                    let above = (0..usize::from(*width)).fold(0, |above, bit| {
                        let at = place * usize::from(*width) + bit;
                        above | u64::from(packed[at / 8] >> (at % 8) & 1) << bit
                    });
                    value = value.wrapping_add(least).wrapping_add(above);
                    values.push(wrap(value));
                }
            }
        }
        assert!(bytes.is_empty());
        values.truncate(len);
        values
    }
}
