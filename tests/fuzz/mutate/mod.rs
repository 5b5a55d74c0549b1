//! How inputs are changed: with an eye for what they are, so that most of what comes out gets past the first
//! check.
//!
//! - `bytes.rs` any bytes
//! - `packet.rs` packets: headers, options, lengths that stay right or do not
//! - `file.rs` capture files: their records, and the packets in them
//! - `text.rs` expressions, with packets behind them
//! - `steps.rs` rows of small records of the same length

mod bytes;
mod file;
mod packet;
mod steps;
mod text;

use crate::random::Random;

/// What the inputs of a target look like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A packet, behind bytes that choose.
    Packet {
        /// So many bytes.
        prefix: usize,
    },
    /// A capture file, behind bytes that choose.
    File {
        /// So many bytes.
        prefix: usize,
    },
    /// Text up to a zero byte, a byte that chooses, and packets, each behind its length.
    Expression {
        /// The words of the language.
        words: fn() -> Vec<String>,
    },
    /// Records of the same length, behind bytes that choose.
    Steps {
        /// So many bytes that choose.
        prefix: usize,
        /// Bytes of a record.
        len: usize,
    },
}

/// Changes inputs of one shape.
#[derive(Debug)]
pub struct Mutator {
    shape: Shape,
    words: Vec<String>,
    max_len: usize,
}

impl Mutator {
    /// For inputs of this shape, no longer than `max_len`.
    #[must_use]
    pub fn new(shape: Shape, max_len: usize) -> Self {
        let words = match shape {
            Shape::Expression { words } => words(),
            _ => Vec::new(),
        };
        Self {
            shape,
            words,
            max_len,
        }
    }

    /// Changes an input a little; parts of `other` may get into it.
    pub fn mutate(&self, input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
        for _ in 0..=random.below(4) {
            match self.shape {
                // Whatever it looks like, it can be something else.
                _ if random.once_in(20) => bytes::change(input, other, random),
                Shape::Packet { prefix } => {
                    if !choose(input, prefix, random) {
                        let mut data = input.split_off(prefix.min(input.len()));
                        packet::change(&mut data, other.get(prefix..).unwrap_or_default(), random);
                        input.extend(data);
                    }
                }
                Shape::File { prefix } => {
                    if !choose(input, prefix, random) {
                        let mut data = input.split_off(prefix.min(input.len()));
                        file::change(&mut data, other.get(prefix..).unwrap_or_default(), random);
                        input.extend(data);
                    }
                }
                Shape::Expression { .. } => text::change(input, other, &self.words, random),
                Shape::Steps { prefix, len } => {
                    if !choose(input, prefix, random) {
                        let mut data = input.split_off(prefix.min(input.len()));
                        steps::change(
                            &mut data,
                            other.get(prefix..).unwrap_or_default(),
                            len,
                            random,
                        );
                        input.extend(data);
                    }
                }
            }
        }
        input.truncate(self.max_len);
    }
}

/// Now and then, changes one of the bytes in front that choose; whether it did.
fn choose(input: &mut [u8], prefix: usize, random: &mut Random) -> bool {
    if !random.once_in(12) {
        return false;
    }
    let at = random.below(prefix);
    let byte = random.byte();
    if let Some(place) = input.get_mut(at) {
        *place = byte;
    }
    true
}

/// Packets behind lengths of two bytes, taken apart.
fn unframed(bytes: &[u8]) -> Vec<Vec<u8>> {
    crate::seeds::packets_of(bytes)
        .map(<[u8]>::to_vec)
        .collect()
}

/// And put together again.
fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        let len = packet.len().min(usize::from(u16::MAX));
        bytes.extend((len as u16).to_be_bytes());
        bytes.extend(&packet[..len]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TARGETS;

    #[test]
    fn the_same_numbers_make_the_same_inputs_no_longer_than_they_may_be() {
        for target in &TARGETS {
            let seeds = (target.seeds)();
            let mutator = Mutator::new(target.shape, target.max_len);
            let run = || {
                let mut random = Random::new(5);
                let mut made = Vec::new();
                for _ in 0..500 {
                    let mut input = random.one_of(&seeds).unwrap().clone();
                    let other = random.one_of(&seeds).unwrap();
                    mutator.mutate(&mut input, other, &mut random);
                    assert!(input.len() <= target.max_len);
                    made.push(input);
                }
                made
            };
            let made = run();
            assert_eq!(made, run(), "{}", target.name);
            let mut different = made;
            different.sort_unstable();
            different.dedup();
            assert!(
                different.len() > 400,
                "{}: {}",
                target.name,
                different.len()
            );
        }
    }

    #[test]
    fn packets_keep_their_places_behind_lengths() {
        let packets = vec![vec![1, 2, 3], vec![], vec![0; 300]];
        assert_eq!(unframed(&framed(&packets)), packets);
    }
}
