//! Changes to rows of records of the same length: a record is a step, and its order is what matters.

use super::bytes;
use crate::random::Random;

/// Changes a field of a step, or the order of steps.
pub(super) fn change(input: &mut Vec<u8>, other: &[u8], len: usize, random: &mut Random) {
    let count = input.len() / len;
    let at = random.below(count) * len;
    let end = (at + len * (1 + random.below(6))).min(input.len());
    match random.below(10) {
        0 => drop(input.drain(at..end)),
        1 | 2 => {
            let again = input[at..end].to_vec();
            let to = random.below(count + 1) * len;
            input.splice(to..to, again);
        }
        3 | 4 => {
            let theirs = other.len() / len;
            let from = random.below(theirs) * len;
            let to = (from + len * (1 + random.below(8))).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
        5 => {
            let to = random.below(count) * len;
            for index in 0..len {
                if at + index < input.len() && to + index < input.len() {
                    input.swap(at + index, to + index);
                }
            }
        }
        6 => {
            let step: Vec<u8> = (0..len).map(|_| random.byte()).collect();
            input.splice(at..at, step);
        }
        _ => {
            let field = at + random.below(len);
            bytes::number(input, field, 1, random);
        }
    }
}
