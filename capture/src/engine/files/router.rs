//! One thread reads for all shards, and sends each packet to the shard of its flow.
//!
//! What crosses threads are slots (where a packet lies), in batches, with the block that they lie in;
//! the bytes stay where they are. All shards get the same batch, and each the numbers of its own slots
//! in it, so that a slot is written once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::filtering::FilePrograms;
use super::super::{EngineError, Tracking};
use super::steer::Steer;
use super::tour::{Taker, Tour};
use super::{Counted, FileRunError, Progress, READ, bursts};
use crate::packet::Timestamp;
use crate::shard::{Shard, ShardCounters, ShardTotals};
use crate::source::file::{Block, FileError, FileSource, Slot};

/// Packets that are taken from a file at once, for any number of workers: a number of a slot has 16 bits.
const MOST_READ: usize = 1 << 14;
/// Batches that wait for a shard at most.
const QUEUE: usize = 16;

/// Goes through all files, and ends all shards.
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
    let lanes = shards
        .enumerate()
        .map(|(number, shard)| Lane::new(number, shard))
        .collect::<Result<Vec<_>, _>>()?;
    let mut router = Router {
        steer: Steer::new(tracking, lanes.len()),
        pool: Pool::new(lanes.len()),
        batch: Arc::default(),
        lanes,
    };
    let toured = tour.run(Some(source), &mut router, on_progress);
    Ok((router.finish(toured.clock)?, toured.error))
}

/// A batch on its way to a shard.
struct Batch {
    block: Arc<Block>,
    slots: Arc<Vec<Slot>>,
    /// Which of the slots are the shard's.
    own: Vec<u16>,
    filter: Option<Arc<FilePrograms>>,
}

/// Slots that were handed out, oldest first, to be used again when everybody is done with them.
struct Pool {
    lent: VecDeque<Arc<Vec<Slot>>>,
    /// Slots of a batch.
    room: usize,
}

impl Pool {
    fn new(workers: usize) -> Self {
        Self {
            lent: VecDeque::new(),
            room: (READ * workers).min(MOST_READ),
        }
    }

    /// Empty room that nobody else looks at.
    fn fresh(&mut self) -> Arc<Vec<Slot>> {
        let free = self
            .lent
            .iter()
            .position(|slots| Arc::strong_count(slots) == 1);
        let mut slots = free
            .and_then(|place| self.lent.remove(place))
            .unwrap_or_default();
        match Arc::get_mut(&mut slots) {
            Some(slots) => slots.clear(),
            None => slots = Arc::default(),
        }
        slots
    }
}

/// Sends packets to their shards, each in its thread.
struct Router {
    lanes: Vec<Lane>,
    steer: Steer,
    pool: Pool,
    /// The batch at hand.
    batch: Arc<Vec<Slot>>,
}

/// The way to one shard.
struct Lane {
    /// Slots of the batch at hand that are this shard's.
    own: Vec<u16>,
    send: Sender<Batch>,
    recycled: Receiver<Vec<u16>>,
    /// Takes the time of the last packet of all, at the end.
    end: Sender<Timestamp>,
    thread: JoinHandle<()>,
    counters: Arc<ShardCounters>,
}

impl Taker for Router {
    fn next(&mut self, source: &mut FileSource) -> Result<Option<Arc<Block>>, FileError> {
        self.batch = self.pool.fresh();
        let room = self.pool.room;
        let slots = Arc::make_mut(&mut self.batch);
        slots.reserve(room);
        source.next_batch(slots, room)
    }

    fn work(&mut self, block: &Arc<Block>, filter: Option<&Arc<FilePrograms>>, _: u64) {
        let Self {
            lanes,
            steer,
            pool,
            batch,
        } = self;
        for (number, slot) in (0..=u16::MAX).zip(batch.iter()) {
            let meta = &slot.meta;
            let data = slot.packet(block).data;
            let shard = steer.shard_of(meta.link, meta.wire_len, meta.clock, data);
            if let Some(lane) = lanes.get_mut(shard as usize) {
                lane.own.push(number);
            }
        }
        for lane in lanes {
            lane.flush(block, batch, filter);
        }
        pool.lent.push_back(std::mem::take(batch));
    }
}

impl Router {
    /// Ends everything; `clock` is the time of the last packet of all.
    fn finish(self, clock: Timestamp) -> Result<ShardTotals, EngineError> {
        let mut totals = ShardTotals::default();
        let mut panicked = false;
        // All of them at once, then one after the other.
        let ending: Vec<_> = self
            .lanes
            .into_iter()
            .map(|lane| {
                // A shard that is gone has panicked, which joining it shows.
                let _panicked = lane.end.send(clock).is_err();
                (lane.thread, lane.counters)
            })
            .collect();
        for (thread, counters) in ending {
            panicked |= thread.join().is_err();
            totals += counters.read();
        }
        if panicked {
            return Err(EngineError::Panicked);
        }
        Ok(totals)
    }
}

impl Lane {
    /// The thread of a shard, and the way to it.
    fn new(number: usize, (shard, counters): Counted) -> Result<Self, EngineError> {
        let (send, receive) = bounded(QUEUE);
        let (give_back, recycled) = bounded(QUEUE + 1);
        let (end, ended) = bounded(1);
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || work(shard, &receive, &give_back, &ended))
            .map_err(EngineError::Thread)?;
        Ok(Self {
            own: Vec::new(),
            send,
            recycled,
            end,
            thread,
            counters,
        })
    }

    fn flush(
        &mut self,
        block: &Arc<Block>,
        slots: &Arc<Vec<Slot>>,
        filter: Option<&Arc<FilePrograms>>,
    ) {
        if self.own.is_empty() {
            return;
        }
        let next = self
            .recycled
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(slots.len()));
        let own = std::mem::replace(&mut self.own, next);
        // A shard that is gone has panicked, which `finish` reports.
        drop(self.send.send(Batch {
            block: Arc::clone(block),
            slots: Arc::clone(slots),
            own,
            filter: filter.cloned(),
        }));
    }
}

fn work(
    mut shard: Shard,
    receive: &Receiver<Batch>,
    give_back: &Sender<Vec<u16>>,
    ended: &Receiver<Timestamp>,
) {
    for batch in receive {
        let Batch {
            block,
            slots,
            mut own,
            filter,
        } = batch;
        let numbers = own.iter().copied().map(usize::from);
        bursts(&mut shard, &block, &slots, numbers, filter.as_deref());
        own.clear();
        // A full channel only means that enough are waiting to be used again.
        drop(give_back.try_send(own));
    }
    // Which flows had fallen silent by the end must not depend on what else this shard was given.
    if let Ok(clock) = ended.recv() {
        shard.on_tick(clock);
    }
    shard.finish();
}
