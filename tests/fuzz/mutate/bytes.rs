//! Changes to any bytes: what every fuzzer does.

use crate::random::Random;

/// Numbers at which something may change: ends of ranges, and what lies beside them.
const TELLING: [u32; 24] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    15,
    16,
    20,
    31,
    32,
    40,
    63,
    64,
    127,
    128,
    255,
    256,
    1500,
    0x7fff_ffff,
    0xffff_fffe,
    0xffff_ffff,
];

/// Changes bytes a little, or puts a part of `other` into them.
pub(super) fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let len = bytes.len();
    let at = random.below(len);
    match random.below(10) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            let new = random.byte();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = new;
            }
        }
        2..=4 => {
            let width = [1, 2, 4][random.below(3)];
            number(bytes, at, width, random);
        }
        5 => {
            let end = at + 1 + random.below(16.min(len - at.min(len)));
            drop(bytes.drain(at..end.min(len)));
        }
        6 => {
            let count = 1 + random.below(16);
            let what: Vec<u8> = (0..count).map(|_| random.byte()).collect();
            bytes.splice(at..at, what);
        }
        7 => {
            // The same once more.
            let end = (at + 1 + random.below(64)).min(len);
            let again = bytes[at..end].to_vec();
            let to = random.below(len + 1);
            bytes.splice(to..to, again);
        }
        8 => {
            let from = random.below(other.len());
            let to = (from + 1 + random.below(64)).min(other.len());
            let end = (at + random.below(64)).min(len);
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => {
            if random.once_in(3) {
                bytes.truncate(at);
            } else {
                number(bytes, at, 2, random);
            }
        }
    }
}

/// Changes the number at `at`, in either byte order: a little, or to one that tells, or to one that has to
/// do with how much follows it.
pub(super) fn number(bytes: &mut [u8], at: usize, width: usize, random: &mut Random) {
    let left = bytes.len().saturating_sub(at + width) as u32;
    let Some(place) = bytes.get_mut(at..at + width) else {
        return;
    };
    let big = random.below(3) > 0;
    let old = place.iter().enumerate().fold(0, |sum, (index, byte)| {
        let shift = if big { width - 1 - index } else { index } * 8;
        sum | u32::from(*byte) << shift
    });
    let new = match random.below(8) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => old.wrapping_add(random.below(64) as u32),
        3 => old.wrapping_sub(random.below(64) as u32),
        4 => left.wrapping_add(random.below(5) as u32).wrapping_sub(2),
        5 => random.next() as u32,
        _ => TELLING[random.below(TELLING.len())],
    };
    for (index, byte) in place.iter_mut().enumerate() {
        let shift = if big { width - 1 - index } else { index } * 8;
        *byte = (new >> shift) as u8;
    }
}
