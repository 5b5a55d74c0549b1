//! Different texts, numbered in the order in which they come: a dictionary page while it grows.

use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::net::IpAddr;

use super::super::value::Value;

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
    /// The addresses that the texts are, if they are: only new ones are made into text.
    addrs: Vec<IpAddr>,
    /// Numbers plus one, 0 where there is none, below half of the hash. The length is a power of two.
    table: Vec<u64>,
    seed: u64,
}

impl Dictionary {
    const FIRST_TABLE: usize = 64;

    pub(super) fn new() -> Self {
        Self {
            page: Vec::new(),
            starts: Vec::new(),
            addrs: Vec::new(),
            table: vec![0; Self::FIRST_TABLE],
            seed: RandomState::new().hash_one(0_u8),
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
        let hash = self.hash(text);
        let found = self.find(hash, |number| self.text(number) == text);
        found.unwrap_or_else(|slot| self.add(slot, hash, |page| page.extend_from_slice(text)))
    }

    /// The number of an address's text. A dictionary has addresses only, or none.
    pub(super) fn number_of_addr(&mut self, addr: IpAddr) -> u32 {
        let bits = match addr {
            IpAddr::V4(addr) => u128::from(u32::from(addr)),
            IpAddr::V6(addr) => u128::from(addr),
        };
        let hash = fold(fold(self.seed, bits as u64), (bits >> 64) as u64);
        let found = self.find(hash, |number| {
            self.addrs.get(number as usize) == Some(&addr)
        });
        found.unwrap_or_else(|slot| {
            self.addrs.push(addr);
            self.add(slot, hash, |page| Value::Addr(addr).write(page))
        })
    }

    /// The number of what has this hash and is the same, or where to put it.
    fn find(&self, hash: u64, is_same: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.table.get(slot) {
                Some(0) | None => return Err(slot),
                Some(taken) => {
                    let number = *taken as u32 - 1;
                    if (taken ^ hash << 32) >> 32 == 0 && is_same(number) {
                        return Ok(number);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn add(&mut self, slot: usize, hash: u64, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let number = self.starts.len() as u32;
        let start = self.page.len();
        self.starts.push(start as u32);
        self.page.extend_from_slice(&[0; 4]);
        write(&mut self.page);
        let len = (self.page.len() - start - 4) as u32;
        if let Some(room) = self.page.get_mut(start..start + 4) {
            room.copy_from_slice(&len.to_le_bytes());
        }
        if let Some(place) = self.table.get_mut(slot) {
            *place = hash << 32 | u64::from(number + 1);
        }
        if self.starts.len() * 2 > self.table.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 4 - 1;
        let old = mem::replace(&mut self.table, vec![0; mask + 1]);
        for taken in old.into_iter().filter(|taken| *taken != 0) {
            let mut slot = (taken >> 32) as usize & mask;
            while self.table.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(place) = self.table.get_mut(slot) {
                *place = taken;
            }
        }
    }

    /// Eight bytes at a time.
    fn hash(&self, text: &[u8]) -> u64 {
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
        self.addrs.clear();
        self.table.fill(0);
    }
}

/// Multiplies into 128 bits, and folds these.
const fn fold(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word) as u128 * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
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

    #[test]
    fn addresses_have_the_number_and_the_text_of_their_first_occurrence() {
        let mut dictionary = Dictionary::new();
        let mut known = HashMap::new();
        for n in 0..20_000_u32 {
            let low = n.wrapping_mul(n) % 7001;
            let addr: IpAddr = if n.is_multiple_of(3) {
                std::net::Ipv6Addr::from(u128::from(low)).into()
            } else {
                std::net::Ipv4Addr::from(low << 9).into()
            };
            let next = known.len() as u32;
            let expected = *known.entry(addr).or_insert(next);
            assert_eq!(dictionary.number_of_addr(addr), expected);
        }
        for (addr, number) in known {
            assert_eq!(dictionary.text(number), addr.to_string().as_bytes());
        }
    }
}
