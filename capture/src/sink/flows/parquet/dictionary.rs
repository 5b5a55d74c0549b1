//! Different texts, numbered in the order in which they come: a dictionary page while it grows.

use std::hash::{BuildHasher as _, RandomState};

/// Numbers texts.
///
/// A hash table with open addressing, whose hash is seeded, for whoever sends packets chooses the
/// addresses that are numbered here.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// The texts as a page has them: each after its length in four bytes.
    page: Vec<u8>,
    /// Where each starts in the page.
    starts: Vec<u32>,
    /// Numbers plus one; 0 where there is none. Its length is a power of two.
    table: Vec<u32>,
    seed: u64,
    last: u32,
}

impl Dictionary {
    const FIRST_TABLE: usize = 64;

    pub(super) fn new() -> Self {
        Self {
            page: Vec::new(),
            starts: Vec::new(),
            table: vec![0; Self::FIRST_TABLE],
            seed: RandomState::new().hash_one(0_u8),
            last: 0,
        }
    }

    /// Number of different texts.
    pub(super) const fn len(&self) -> usize {
        self.starts.len()
    }

    /// All of them, as a page has them.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// A text after its length.
    pub(super) fn entry(&self, number: u32) -> &[u8] {
        let start = self
            .starts
            .get(number as usize)
            .map_or(0, |start| *start as usize);
        let rest = self.page.get(start..).unwrap_or_default();
        let len = rest
            .first_chunk()
            .map_or(0, |len| u32::from_le_bytes(*len) as usize);
        rest.get(..4 + len).unwrap_or_default()
    }

    fn text(&self, number: u32) -> &[u8] {
        self.entry(number).get(4..).unwrap_or_default()
    }

    /// The number of a text, which is a new one if need be.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        if !self.starts.is_empty() && self.text(self.last) == text {
            return self.last;
        }
        let mut slot = self.slot(text);
        loop {
            match self.table.get(slot) {
                Some(0) | None => break,
                Some(number) => {
                    let number = number - 1;
                    if self.text(number) == text {
                        self.last = number;
                        return number;
                    }
                }
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
        let number = self.starts.len() as u32;
        self.starts.push(self.page.len() as u32);
        self.page
            .extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.page.extend_from_slice(text);
        if let Some(place) = self.table.get_mut(slot) {
            *place = number + 1;
        }
        if self.starts.len() * 2 > self.table.len() {
            self.grow();
        }
        self.last = number;
        number
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 4 - 1;
        self.table = vec![0; mask + 1];
        for number in 0..self.starts.len() as u32 {
            let mut slot = self.slot(self.text(number));
            while self.table.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(place) = self.table.get_mut(slot) {
                *place = number + 1;
            }
        }
    }

    fn slot(&self, text: &[u8]) -> usize {
        self.hash(text) as usize & (self.table.len() - 1)
    }

    /// Eight bytes at a time, each multiplied into 128 bits and folded.
    fn hash(&self, text: &[u8]) -> u64 {
        let fold = |hash: u64, word: u64| {
            let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
            (product >> 64) as u64 ^ product as u64
        };
        let (words, rest) = text.as_chunks();
        let mut hash = self.seed ^ (text.len() as u64) << 56;
        for word in words {
            hash = fold(hash, u64::from_le_bytes(*word));
        }
        let mut tail = [0; 8];
        if let Some(room) = tail.get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
        fold(hash, u64::from_le_bytes(tail))
    }

    /// Forgets all texts, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.page.clear();
        self.starts.clear();
        if self.table.len() > 1 << 12 {
            self.table = vec![0; Self::FIRST_TABLE];
        } else {
            self.table.fill(0);
        }
        self.last = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn texts_have_the_number_of_their_first_occurrence() {
        let mut dictionary = Dictionary::new();
        for _ in 0..2 {
            let mut known = HashMap::new();
            for n in 0..20_000_u64 {
                let text = "x".repeat((n % 23) as usize) + &(n * n % 7001).to_string();
                let next = known.len() as u32;
                let expected = *known.entry(text.clone()).or_insert(next);
                assert_eq!(dictionary.number(text.as_bytes()), expected);
            }
            assert_eq!(dictionary.len(), known.len());
            for (text, number) in known {
                assert_eq!(dictionary.text(number), text.as_bytes());
            }
            dictionary.clear();
        }
    }
}
