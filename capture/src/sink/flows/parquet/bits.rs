//! Truth values, eight in a byte as Parquet packs them, which take no room while they are all the same.

/// Truth values: which rows have a value, or the values of a column of flags.
#[derive(Debug, Default)]
pub(super) struct Bits {
    len: usize,
    /// What all of them are, while `words` is empty.
    all: bool,
    /// 64 in a word, the first in the lowest bit.
    words: Vec<u64>,
}

impl Bits {
    /// What all of them are; `None` if they differ. Nothing is taken for zeros.
    pub(super) fn all_same(&self) -> Option<bool> {
        self.words.is_empty().then_some(self.all)
    }

    /// Appends the lowest bits of a word, at most 64; the others must be 0.
    pub(super) fn push(&mut self, word: u64, count: usize) {
        if count == 0 {
            return;
        }
        if self.words.is_empty() {
            let full = u64::MAX >> (64 - count.min(64));
            let same = match word {
                0 => Some(false),
                word if word == full => Some(true),
                _ => None,
            };
            if let Some(all) = same
                && (self.len == 0 || self.all == all)
            {
                self.all = all;
                self.len += count;
                return;
            }
            self.spread();
        }
        let offset = self.len % 64;
        match self.words.last_mut() {
            Some(last) if offset > 0 => {
                *last |= word << offset;
                if offset + count > 64 {
                    self.words.push(word >> (64 - offset));
                }
            }
            _ => self.words.push(word),
        }
        self.len += count;
    }

    /// Writes out the values so far, which are the same.
    fn spread(&mut self) {
        let fill = if self.all { u64::MAX } else { 0 };
        self.words.resize(self.len.div_ceil(64), fill);
        if let (Some(last), rest @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= u64::MAX >> (64 - rest);
        }
    }

    /// Appends all of them to a page, in whole bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len.div_ceil(8);
        if self.words.is_empty() {
            // Bits after the last mean nothing.
            out.resize(end, if self.all { 0xff } else { 0 });
        } else {
            out.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
            out.truncate(end);
        }
    }

    /// Number of values.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Forgets them, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.words.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The oracle is a vector of truth values.
    #[test]
    fn bits_come_out_as_they_went_in() {
        for sames in [0, 1, 63, 64, 65, 130] {
            for all in [false, true] {
                let (mut bits, mut expected) = (Bits::default(), vec![all; sames]);
                for _ in 0..sames {
                    bits.push(all.into(), 1);
                }
                assert!(bits.all_same().is_some());
                for (word, count) in [(0b01, 2), (u64::MAX, 64), (0, 7), (1 << 62, 63)] {
                    bits.push(word, count);
                    expected.extend((0..count).map(|place| word >> place & 1 == 1));
                }
                assert_eq!(bits.all_same(), None);
                assert_eq!(bits.len(), expected.len());
                let mut bytes = Vec::new();
                bits.write(&mut bytes);
                assert_eq!(bytes.len(), expected.len().div_ceil(8));
                for (place, bit) in expected.into_iter().enumerate() {
                    assert_eq!(bytes[place / 8] >> (place % 8) & 1 == 1, bit, "{place}");
                }
            }
        }
    }
}
