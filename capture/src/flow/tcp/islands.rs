//! What came beyond a hole: ranges of sequence numbers, in order, that wait for what is missing.
//!
//! Holes are rare, and how many there are is up to whoever sends. All connections of a table share one
//! store of fixed size; a connection is a chain in it.

use super::end::{Chain, End};

/// A range of relative sequence numbers, in a chain.
#[derive(Clone, Copy, Debug)]
struct Island {
    from: u64,
    to: u64,
    next: Chain,
}

/// The ranges of all connections of a table.
#[derive(Debug)]
pub(crate) struct Islands {
    store: Vec<Island>,
    free: Chain,
    limit: u32,
}

impl Islands {
    /// Memory of one range, bytes.
    pub(crate) const BYTES: u64 = size_of::<Island>() as u64;

    /// Room for this many ranges, which is taken from the system as they come.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            store: Vec::with_capacity(limit as usize),
            free: End::NO_ISLANDS,
            limit,
        }
    }

    fn get(&self, at: Chain) -> Option<Island> {
        self.store.get(at as usize).copied()
    }

    fn take(&mut self, island: Island) -> Option<Chain> {
        if let Some(free) = self.get(self.free) {
            let at = self.free;
            self.free = free.next;
            self.store[at as usize] = island;
            return Some(at);
        }
        if self.store.len() as u32 >= self.limit {
            return None;
        }
        self.store.push(island);
        Some(self.store.len() as u32 - 1)
    }

    fn give_back(&mut self, at: Chain) {
        if let Some(island) = self.store.get_mut(at as usize) {
            island.next = self.free;
            self.free = at;
        }
    }

    /// The first range of a chain.
    pub(crate) fn first(&self, chain: Chain) -> Option<(u64, u64)> {
        self.get(chain).map(|island| (island.from, island.to))
    }

    /// Takes the first range out of a chain.
    pub(crate) fn pop(&mut self, chain: &mut Chain) -> Option<(u64, u64)> {
        let island = self.get(*chain)?;
        self.give_back(*chain);
        *chain = island.next;
        Some((island.from, island.to))
    }

    /// Forgets a chain.
    pub(crate) fn clear(&mut self, chain: &mut Chain) {
        while self.pop(chain).is_some() {}
    }

    /// End of the last range, and bytes in all of them.
    pub(crate) fn extent(&self, chain: Chain) -> Option<(u64, u64)> {
        let mut extent = None;
        let mut at = chain;
        while let Some(island) = self.get(at) {
            let (_, bytes) = extent.unwrap_or((0, 0));
            extent = Some((island.to, bytes + island.to - island.from));
            at = island.next;
        }
        extent
    }

    /// Adds a range, which may overlap or touch others; `false` if there is no room.
    pub(crate) fn insert(&mut self, chain: &mut Chain, mut from: u64, mut to: u64) -> bool {
        // The last range that ends before the new one stays; those that touch it become one with it.
        let mut before = End::NO_ISLANDS;
        let mut at = *chain;
        while let Some(island) = self.get(at) {
            if island.from > to {
                break;
            }
            if island.to < from {
                before = at;
                at = island.next;
                continue;
            }
            from = from.min(island.from);
            to = to.max(island.to);
            self.give_back(at);
            at = island.next;
            self.link(chain, before, at);
        }
        let Some(new) = self.take(Island { from, to, next: at }) else {
            return false;
        };
        self.link(chain, before, new);
        true
    }

    fn link(&mut self, chain: &mut Chain, before: Chain, at: Chain) {
        match self.store.get_mut(before as usize) {
            Some(island) => island.next = at,
            None => *chain = at,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges(islands: &Islands, mut chain: Chain) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        while let Some(island) = islands.get(chain) {
            out.push((island.from, island.to));
            chain = island.next;
        }
        out
    }

    proptest! {
        /// The oracle is a set of single bytes.
        #[test]
        fn ranges_cover_what_was_put_in(puts in prop::collection::vec((0_u64..60, 1_u64..9), 0..40), pops in 0_usize..4) {
            let mut islands = Islands::new(1000);
            let mut chain = End::NO_ISLANDS;
            let mut bytes = BTreeSet::new();
            for (from, len) in puts {
                prop_assert!(islands.insert(&mut chain, from, from + len));
                bytes.extend(from..from + len);
                let got: Vec<_> = ranges(&islands, chain).iter().flat_map(|(from, to)| *from..*to).collect();
                prop_assert_eq!(&got, &bytes.iter().copied().collect::<Vec<_>>());
                // Neither overlapping nor touching.
                prop_assert!(ranges(&islands, chain).is_sorted_by(|a, b| a.1 < b.0));
                prop_assert_eq!(islands.extent(chain), bytes.last().map(|last| (last + 1, bytes.len() as u64)));
            }
            for _ in 0..pops {
                if let Some((from, to)) = islands.pop(&mut chain) {
                    bytes.retain(|byte| !(from..to).contains(byte));
                }
            }
            prop_assert_eq!(ranges(&islands, chain).iter().map(|(from, to)| to - from).sum::<u64>(), bytes.len() as u64);
        }
    }

    #[test]
    fn what_is_given_back_is_used_again_and_the_limit_holds() {
        let mut islands = Islands::new(3);
        let (mut one, mut other) = (End::NO_ISLANDS, End::NO_ISLANDS);
        assert!(islands.insert(&mut one, 10, 20));
        assert!(islands.insert(&mut other, 10, 20));
        assert!(islands.insert(&mut other, 30, 40));
        assert!(!islands.insert(&mut one, 30, 40));
        assert!(islands.insert(&mut one, 15, 25), "grows in place");
        islands.clear(&mut other);
        assert!(islands.insert(&mut one, 30, 40));
        assert!(islands.insert(&mut one, 50, 60));
        assert_eq!(ranges(&islands, one), [(10, 25), (30, 40), (50, 60)]);
        assert_eq!(islands.first(one), Some((10, 25)));
    }
}
