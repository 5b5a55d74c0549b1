//! Each shard reads for itself, in its own thread, and takes what is its own: nothing crosses threads.

use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use super::super::filtering::FilePrograms;
use super::super::{EngineError, Tracking};
use super::pace::{Pace, Pacer};
use super::steer::{Share, Steer};
use super::tour::{Taker, Tour, Toured};
use super::{Counted, FileRunError, Progress, READ, bursts};
use crate::shard::{Shard, ShardTotals};
use crate::source::file::{All, Block, Choice, FileError, FileSource, Slot};

/// Goes through all files with all shards; this thread is the first shard's.
///
/// # Errors
///
/// When a thread cannot be made, or panicked.
pub(super) fn run(
    tracking: &Tracking,
    shards: impl Iterator<Item = Counted>,
    tour: &Tour<'_>,
    source: FileSource,
    on_progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(ShardTotals, Option<FileRunError>), EngineError> {
    let (shards, counters): (Vec<_>, Vec<_>) = shards.unzip();
    let count = shards.len();
    let pace = Pace::new(count);
    let mut shards = shards.into_iter();
    let Some(first) = shards.next() else {
        return Ok((ShardTotals::default(), None));
    };
    let toured = if count == 1 {
        // There is nothing to choose from.
        let alone = Reader::new(first, count, All, pace.reader(0));
        vec![alone.run(tour, Some(source), on_progress)]
    } else {
        let reader = |number: usize, shard| {
            let choice = Share {
                steer: Steer::new(tracking, count),
                own: number as u32,
            };
            Reader::new(shard, count, choice, pace.reader(number))
        };
        let first = reader(0, first);
        let others: Vec<_> = (1..)
            .zip(shards)
            .map(|(number, shard)| (number, reader(number, shard)))
            .collect();
        thread::scope(|scope| {
            let others = others
                .into_iter()
                .map(|(number, reader)| {
                    thread::Builder::new()
                        .name(format!("worker-{number}"))
                        .spawn_scoped(scope, move || reader.run(tour, None, &mut |_| ()))
                        .map_err(EngineError::Thread)
                })
                .collect::<Result<Vec<_>, _>>()?;
            let mut toured = vec![first.run(tour, Some(source), on_progress)];
            for joined in others.into_iter().map(ScopedJoinHandle::join) {
                toured.push(joined.map_err(|_panic| EngineError::Panicked)?);
            }
            Ok::<_, EngineError>(toured)
        })?
    };
    let mut totals = ShardTotals::default();
    for counters in counters {
        totals += counters.read();
    }
    Ok((totals, outcome(toured)))
}

/// Why not everything was read. All have read the same, or the file has changed meanwhile.
fn outcome(toured: Vec<Toured>) -> Option<FileRunError> {
    let first = toured.first().map(|toured| toured.packets);
    let changed = toured.iter().any(|toured| Some(toured.packets) != first);
    let error = toured.into_iter().find_map(|toured| toured.error);
    error.or_else(|| changed.then_some(FileRunError::Changed))
}

/// One shard that reads.
struct Reader<'a, C> {
    shard: Shard,
    /// Its packets of the batch at hand.
    slots: Vec<Slot>,
    /// Packets of a batch, of which it takes its own.
    budget: usize,
    choice: C,
    pacer: Pacer<'a>,
}

impl<'a, C: Choice> Reader<'a, C> {
    /// One of `count`.
    fn new(shard: Shard, count: usize, choice: C, pacer: Pacer<'a>) -> Self {
        let budget = READ * count;
        Self {
            shard,
            slots: Vec::with_capacity(budget),
            budget,
            choice,
            pacer,
        }
    }

    fn run(
        mut self,
        tour: &Tour<'_>,
        source: Option<FileSource>,
        on_progress: &mut dyn FnMut(Progress<'_>),
    ) -> Toured {
        let toured = tour.run(source, &mut self, on_progress);
        let Self {
            mut shard, pacer, ..
        } = self;
        drop(pacer);
        // Which flows had fallen silent by the end must not depend on what else this shard was given, and
        // the last packets may have been left out.
        shard.on_tick(toured.clock);
        shard.finish();
        toured
    }
}

impl<C: Choice> Taker for Reader<'_, C> {
    fn next(&mut self, source: &mut FileSource) -> Result<Option<Arc<Block>>, FileError> {
        self.slots.clear();
        source.next_chosen(&mut self.slots, self.budget, &mut self.choice)
    }

    fn work(&mut self, block: &Arc<Block>, filter: Option<&Arc<FilePrograms>>, packets: u64) {
        let filter = filter.map(AsRef::as_ref);
        bursts(
            &mut self.shard,
            block,
            &self.slots,
            0..self.slots.len(),
            filter,
        );
        self.pacer.at(packets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Timestamp;
    use crate::source::file::FileErrorKind;

    fn toured(packets: u64, error: Option<FileRunError>) -> Toured {
        Toured {
            packets,
            clock: Timestamp(0),
            error,
        }
    }

    #[test]
    fn readers_that_saw_different_files_say_so_unless_one_knows_more() {
        let alike = outcome(vec![toured(7, None), toured(7, None)]);
        assert!(alike.is_none());
        let changed = outcome(vec![toured(7, None), toured(8, None)]);
        assert!(matches!(changed, Some(FileRunError::Changed)));
        let damage = FileError {
            path: "a.pcap".into(),
            offset: 24,
            kind: FileErrorKind::Empty,
        };
        let known = outcome(vec![toured(7, None), toured(6, Some(damage.into()))]);
        assert!(matches!(known, Some(FileRunError::File(_))));
    }
}
