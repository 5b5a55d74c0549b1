//! From hash to slot: open addressing with linear probing, fixed size, eight bytes an entry.
//!
//! An entry holds 32 bits of the hash and the slot's number, so that a look-up touches a flow only
//! when the hash agrees. Removal shifts the entries behind it back, so there are no tombstones and
//! nothing is ever rehashed.

/// The index of one table.
#[derive(Debug)]
pub(crate) struct Index {
    /// `hash << 32 | slot + 1`; 0 is free. There are none after [`Self::clear`].
    entries: Vec<u64>,
    mask: u32,
}

impl Index {
    /// Entries of an index for `flows` flows: it is at most three quarters full.
    const fn entries(flows: u32) -> u64 {
        let entries = (flows as u64 * 4 / 3 + 1).next_power_of_two();
        if entries < 16 { 16 } else { entries }
    }

    /// Memory of an index for `flows` flows.
    pub(crate) const fn bytes(flows: u32) -> u64 {
        Self::entries(flows) * size_of::<u64>() as u64
    }

    /// An index for at most `flows` flows.
    pub(crate) fn new(flows: u32) -> Self {
        let mask = (Self::entries(flows).min(1 << 32) - 1) as u32;
        Self {
            entries: Self::room(mask),
            mask,
        }
    }

    /// An index with the same slots, for at most `flows` flows. No slot is looked at for it.
    pub(crate) fn grown(&self, flows: u32) -> Self {
        let mut index = Self::new(flows);
        for entry in self.entries.iter().filter(|entry| **entry != 0) {
            index.insert((entry >> 32) as u32, *entry as u32 - 1);
        }
        index
    }

    /// Takes all slots out, and gives the memory back until it is needed again: mostly, it is not.
    pub(crate) fn clear(&mut self) {
        self.entries = Vec::new();
    }

    /// Free entries for this mask.
    fn room(mask: u32) -> Vec<u64> {
        // Zeroed memory comes from the kernel page by page as it is touched.
        let entries = vec![0; mask as usize + 1];
        crate::hugepages::advise(&entries);
        entries
    }

    /// Asks for the memory that [`Self::find`] will read.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(entry) = self.entries.get((hash & self.mask) as usize) {
            crate::prefetch::read(entry);
        }
    }

    /// The first slot whose hash agrees, without asking whether its key does: worth prefetching.
    #[inline(always)]
    pub(crate) fn guess(&self, hash: u32) -> Option<u32> {
        let mut at = hash & self.mask;
        loop {
            let entry = *self.entries.get(at as usize)?;
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == hash {
                return Some(entry as u32 - 1);
            }
            at = (at + 1) & self.mask;
        }
    }

    /// The slot under this hash for which `is_it` holds.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = hash & self.mask;
        loop {
            let entry = *self.entries.get(at as usize)?;
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == hash && is_it(entry as u32 - 1) {
                return Some(entry as u32 - 1);
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Adds a slot that is not in the index. There must be room, as there is by construction for as
    /// many flows as the index was made for.
    pub(crate) fn insert(&mut self, hash: u32, slot: u32) {
        if self.entries.is_empty() {
            self.entries = Self::room(self.mask);
        }
        let mut at = hash & self.mask;
        while self.entries[at as usize] != 0 {
            at = (at + 1) & self.mask;
        }
        self.entries[at as usize] = u64::from(hash) << 32 | u64::from(slot + 1);
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32) {
        let wanted = u64::from(hash) << 32 | u64::from(slot + 1);
        let mut hole = hash & self.mask;
        if self.entries.is_empty() {
            return;
        }
        while self.entries[hole as usize] != wanted {
            if self.entries[hole as usize] == 0 {
                return;
            }
            hole = (hole + 1) & self.mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let entry = self.entries[at as usize];
            if entry == 0 {
                break;
            }
            // An entry may move back to the hole if its home is not between the hole and itself.
            let home = (entry >> 32) as u32 & self.mask;
            if at.wrapping_sub(home) & self.mask >= at.wrapping_sub(hole) & self.mask {
                self.entries[hole as usize] = entry;
                hole = at;
            }
        }
        self.entries[hole as usize] = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The oracle is a hash map from slot to hash; hashes are few, so that they collide.
        #[test]
        fn agrees_with_a_hash_map(steps in prop::collection::vec((0_u32..40, 0_u32..24, any::<bool>()), 0..400)) {
            let mut index = Index::new(40);
            let mut oracle: HashMap<u32, u32> = HashMap::new();
            for (slot, hash, add) in steps {
                // The high bits must not matter for the home, the low ones wrap around the end.
                let hash = hash.wrapping_mul(0x0400_0003).wrapping_sub(8);
                if add {
                    if let std::collections::hash_map::Entry::Vacant(entry) = oracle.entry(slot) {
                        entry.insert(hash);
                        index.insert(hash, slot);
                    }
                } else if let Some(hash) = oracle.remove(&slot) {
                    index.remove(hash, slot);
                }
                for slot in 0..40 {
                    let hash = oracle.get(&slot).copied();
                    prop_assert_eq!(hash.and_then(|hash| index.find(hash, |it| it == slot)), hash.map(|_| slot));
                }
                let used = index.entries.iter().filter(|entry| **entry != 0).count();
                prop_assert_eq!(used, oracle.len());
            }
            let grown = index.grown(80);
            for slot in 0..40 {
                let hash = oracle.get(&slot).copied();
                prop_assert_eq!(hash.and_then(|hash| grown.find(hash, |it| it == slot)), hash.map(|_| slot));
            }
        }
    }
}
