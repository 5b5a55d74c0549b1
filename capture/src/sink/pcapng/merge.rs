//! Puts the packets of several workers in time order, as far as the workers have promised that
//! nothing older comes.
//!
//! Chunks that fit between all others are passed on whole; what overlaps is sorted packet by
//! packet, by time, then worker, then the order in which the worker pushed it.

use super::chunk::{Chunk, Order};
use crate::packet::Timestamp;

/// Chunks that wait for their turn.
#[derive(Debug)]
pub(super) struct Merge {
    /// By worker, then in the order in which they came.
    held: Vec<Chunk>,
    entries: Vec<Entry>,
}

/// Up to where packets may be written; ordered by how much they admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bound {
    Below(Timestamp),
    All,
}

impl Bound {
    #[inline]
    fn admits(self, ts: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Below(bound) => ts < bound,
        }
    }
}

/// One packet of a merge, and where it lies. Sorting by the first two fields is stable, for ranks
/// are given out in the order of workers and pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    ts: Timestamp,
    rank: u32,
    chunk: u32,
    start: u32,
    block_len: u32,
}

impl Merge {
    pub(super) fn new() -> Self {
        Self {
            held: Vec::new(),
            entries: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Chunks that wait.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn push(&mut self, chunk: Chunk) {
        let place = self
            .held
            .partition_point(|held| held.worker <= chunk.worker);
        self.held.insert(place, chunk);
    }

    /// Takes out a chunk that can be written as it is: all of it is admitted, it is sorted, and no
    /// packet of another chunk belongs between or before its packets.
    pub(super) fn pop_whole(&mut self, bound: Bound) -> Option<Chunk> {
        let (index, first) = self
            .held
            .iter()
            .enumerate()
            .min_by_key(|(_, chunk)| chunk.oldest)?;
        let fits = first.order == Order::Sorted
            && bound.admits(first.newest)
            && self.held.iter().enumerate().all(|(other_index, other)| {
                other_index == index
                    || other.oldest > first.newest
                    || (other.oldest == first.newest && other_index > index)
            });
        fits.then(|| self.held.remove(index))
    }

    /// Gives every admitted packet to `write`, in order, and the chunks that are done to `recycle`.
    pub(super) fn drain(
        &mut self,
        bound: Bound,
        mut write: impl FnMut(&[u8], Timestamp),
        mut recycle: impl FnMut(Chunk),
    ) {
        let Self { held, entries } = self;
        entries.clear();
        for (index, chunk) in held
            .iter()
            .enumerate()
            .filter(|(_, chunk)| bound.admits(chunk.oldest))
        {
            for (start, block_len, ts) in chunk.packets() {
                if bound.admits(ts) {
                    let (rank, chunk) = (entries.len() as u32, index as u32);
                    entries.push(Entry {
                        ts,
                        rank,
                        chunk,
                        start: start as u32,
                        block_len: block_len as u32,
                    });
                } else if chunk.order == Order::Sorted {
                    break;
                }
            }
        }
        if entries.is_empty() {
            return;
        }
        entries.sort_unstable();
        for entry in &*entries {
            let block = &held[entry.chunk as usize].bytes[entry.start as usize..]
                [..entry.block_len as usize];
            write(block, entry.ts);
        }
        let mut index = 0;
        while let Some(chunk) = held.get_mut(index) {
            if bound.admits(chunk.newest) {
                recycle(held.remove(index));
                continue;
            }
            if bound.admits(chunk.oldest) {
                match chunk.order {
                    Order::Unsorted => chunk.retain(|ts| bound.admits(ts)),
                    Order::Sorted => {
                        let written = chunk.packets().take_while(|&(_, _, ts)| bound.admits(ts));
                        let end = written.fold((0, 0), |(count, _), (start, len, _)| {
                            (count + 1, start + len)
                        });
                        chunk.skip(end.0, end.1);
                    }
                }
            }
            index += 1;
        }
    }
}
