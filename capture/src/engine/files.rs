//! Capture files through the shards: the same shards, the same bursts as live.
//!
//! One thread hops over the packets and sends each to the shard of its flow, as the kernel does live.
//! What crosses threads are slots (where a packet lies), in batches, with the block that they lie in;
//! the bytes stay where they are. All shards get the same batch, and each the numbers of its own slots
//! in it, so that a slot is written once. With one worker there is nothing to route, and no thread but
//! this one.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use capture_common::flow_hash::ring_of;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::filtering::{FileFilter, FilePrograms, IfaceFilterError};
use super::ledger::{Ledger, Written};
use super::{EngineError, Outputs, Tracking, budget};
use crate::dissect::{Checksums, Dissector, Layers, Steering};
use crate::filter::capture::Filter;
use crate::flow::FlowTable;
use crate::packet::{Packet, Timestamp};
use crate::shard::{Shard, ShardCounters, ShardTotals};
use crate::sink::flows::{FlowFile, FlowFileSummary, FlowSink, IfaceNames};
use crate::source::BURST;
use crate::source::file::{Block, FileError, FileSource, Numbering, Slot, look_for};

/// Packets that are taken from a file at once, for each worker: few enough for their slots, a cache
/// line each, to stay in the nearest caches, and a few bursts for everybody.
const READ: usize = 512;
/// The same for any number of workers: a number of a slot has 16 bits.
const MOST_READ: usize = 1 << 14;
/// Batches that wait for a shard at most.
const QUEUE: usize = 16;

/// Files as they are going to be read.
#[derive(Clone, Debug)]
pub struct FilesPlan {
    /// The files, in this order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Which packets are tracked; `None` for all.
    pub filter: Option<Filter>,
    /// How flows are tracked.
    pub tracking: Tracking,
    /// What is written.
    pub outputs: Outputs,
    /// Number of shards.
    pub workers: usize,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The file that is read.
    pub path: &'a Path,
    /// Bytes of it that were read, as it lies on the disk.
    pub read_bytes: u64,
    /// Its length; `None` for a pipe.
    pub total_bytes: Option<u64>,
    /// Packets so far, of all files.
    pub packets: u64,
}

/// How a run over files ended.
#[derive(Debug)]
pub struct FileRun {
    /// What became of every packet.
    pub ledger: Ledger,
    /// The file of connection records.
    pub flows: Option<FlowFileSummary>,
    /// Why not everything was read, if so. Everything before it was.
    pub error: Option<FileRunError>,
}

/// Why not everything was read.
#[derive(Debug, thiserror::Error)]
pub enum FileRunError {
    /// A file is damaged, or cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file has an interface that the capture filter cannot be used for.
    #[error(transparent)]
    Filter(#[from] IfaceFilterError),
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

impl FileRun {
    /// Reads all files and ends all flows. A file that is damaged ends the run, after everything
    /// before the damage has been worked on.
    ///
    /// # Errors
    ///
    /// When an output cannot be made, or the first file cannot be opened or filtered (before anything
    /// is made), or a thread panicked.
    pub fn new(
        plan: &FilesPlan,
        on_progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, EngineError> {
        let mut files = plan.files.iter();
        let Some(first) = files.next() else {
            return Ok(Self {
                ledger: Ledger::default(),
                flows: None,
                error: None,
            });
        };
        // Before any output: a wrong name should leave nothing behind.
        look_for(&plan.files)?;
        let source = FileSource::open(first, Numbering::default())?;
        let mut filter = plan.filter.clone().map(FileFilter::new);
        if let Some(filter) = &mut filter {
            filter.programs(first, &source)?;
        }
        let names = IfaceNames::default();
        let workers = plan.workers.max(1);
        budget::check(&plan.tracking, workers, 0)?;
        let (flows, sinks) = match &plan.outputs.flows {
            Some(options) => {
                let (file, sinks) = FlowFile::create(options, workers, names.clone())?;
                (Some(file), sinks.into_iter().map(Some).collect())
            }
            None => (None, (0..workers).map(|_| None).collect()),
        };
        let mut router = Router::new(&plan.tracking, sinks)?;
        let mut names_of = Names {
            shared: names,
            known: Vec::new(),
            current: 0,
        };
        let mut reading = Reading {
            router: &mut router,
            names: &mut names_of,
            filter,
            pool: Pool::new(workers),
            packets: 0,
            clock: Timestamp::default(),
            on_progress,
        };
        let mut error = None;
        let mut next = Ok((first, source));
        loop {
            let read = next
                .map_err(FileRunError::from)
                .and_then(|(path, mut source)| {
                    reading.file(path, &mut source)?;
                    Ok(source.numbering())
                });
            let numbering = match read {
                Ok(numbering) => numbering,
                Err(failed) => {
                    error = Some(failed);
                    break;
                }
            };
            reading.names.next_file();
            if let Some(filter) = &mut reading.filter {
                filter.next_file();
            }
            let Some(path) = files.next() else { break };
            next = FileSource::open(path, numbering).map(|source| (path, source));
        }
        let clock = reading.clock;
        let shards = router.finish(clock)?;
        let flows = flows.map(FlowFile::finish);
        let ledger = Ledger {
            printed: None,
            kernel: None,
            sockets: None,
            shards,
            packets: None,
            records: flows.as_ref().map(Written::from),
        };
        Ok(Self {
            ledger,
            flows,
            error,
        })
    }
}

/// The names of the interfaces of all files, which are numbered in a row.
struct Names {
    shared: IfaceNames,
    known: Vec<String>,
    /// How many of `known` belong to files that are finished.
    current: usize,
}

impl Names {
    fn update(&mut self, source: &FileSource) {
        let ifaces = source.ifaces();
        if self.current + ifaces.len() != self.known.len() {
            self.known.truncate(self.current);
            self.known
                .extend(ifaces.iter().map(|iface| iface.name.clone()));
            self.shared.set(self.known.iter().cloned());
        }
    }

    fn next_file(&mut self) {
        self.current = self.known.len();
    }
}

struct Reading<'a> {
    router: &'a mut Router,
    names: &'a mut Names,
    filter: Option<FileFilter>,
    pool: Pool,
    packets: u64,
    /// The time of the last packet so far.
    clock: Timestamp,
    on_progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Reading<'_> {
    fn file(&mut self, path: &Path, source: &mut FileSource) -> Result<(), FileRunError> {
        loop {
            let mut batch = self.pool.fresh();
            let room = self.pool.room;
            let slots = Arc::make_mut(&mut batch);
            slots.reserve(room);
            let block = source.next_batch(slots, room)?;
            self.names.update(source);
            let Some(block) = block else { return Ok(()) };
            let filter = match &mut self.filter {
                Some(filter) => Some(filter.programs(path, source)?),
                None => None,
            };
            self.packets += slots.len() as u64;
            if let Some(last) = slots.last() {
                self.clock = last.meta.clock;
            }
            self.router.route(&block, &batch, filter.as_ref());
            self.pool.lent.push_back(batch);
            let (read_bytes, total_bytes) = source.progress();
            (self.on_progress)(Progress {
                path,
                read_bytes,
                total_bytes,
                packets: self.packets,
            });
        }
    }
}

/// Sends packets to their shards.
enum Router {
    /// One shard, right here.
    Inline {
        shard: Box<Shard>,
        counters: Arc<ShardCounters>,
    },
    /// Several, each in its thread.
    Threads {
        lanes: Vec<Lane>,
        /// The same as the shards have.
        dissector: Dissector,
        steering: Steering,
    },
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

impl Router {
    fn new(tracking: &Tracking, sinks: Vec<Option<FlowSink>>) -> Result<Self, EngineError> {
        let workers = sinks.len();
        let share = tracking.share(workers);
        let mut shards = sinks.into_iter().map(|sink| {
            let table = FlowTable::new(share, tracking.timeouts, tracking.seed);
            let counters = Arc::new(ShardCounters::default());
            (
                Shard::new(tracking.dissector, table, sink, None, Arc::clone(&counters)),
                counters,
            )
        });
        if workers == 1
            && let Some((shard, counters)) = shards.next()
        {
            return Ok(Self::Inline {
                shard: Box::new(shard),
                counters,
            });
        }
        let lanes = shards
            .enumerate()
            .map(|(number, (shard, counters))| {
                let (send, receive) = bounded(QUEUE);
                let (give_back, recycled) = bounded(QUEUE + 1);
                let (end, ended) = bounded(1);
                let thread = std::thread::Builder::new()
                    .name(format!("worker-{number}"))
                    .spawn(move || work(shard, &receive, &give_back, &ended))
                    .map_err(EngineError::Thread)?;
                Ok(Lane {
                    own: Vec::new(),
                    send,
                    recycled,
                    end,
                    thread,
                    counters,
                })
            })
            .collect::<Result<_, EngineError>>()?;
        Ok(Self::Threads {
            lanes,
            // Where a packet goes does not depend on checksums.
            dissector: Dissector {
                checksums: Checksums::Ignore,
                ..tracking.dissector
            },
            steering: Steering::new(tracking.seed),
        })
    }

    fn route(
        &mut self,
        block: &Arc<Block>,
        slots: &Arc<Vec<Slot>>,
        filter: Option<&Arc<FilePrograms>>,
    ) {
        match self {
            Self::Inline { shard, .. } => {
                bursts(
                    shard,
                    block,
                    slots,
                    0..slots.len(),
                    filter.map(AsRef::as_ref),
                );
            }
            Self::Threads {
                lanes,
                dissector,
                steering,
            } => {
                let count = lanes.len() as u32;
                let mut layers = Layers::EMPTY;
                for (number, slot) in (0..=u16::MAX).zip(slots.iter()) {
                    let packet = slot.packet(block);
                    let hash = steering.plain(&packet).unwrap_or_else(|| {
                        dissector.dissect_into(&packet, &mut layers);
                        steering.hash(&layers, packet.meta.clock)
                    });
                    if let Some(lane) = lanes.get_mut(ring_of(hash, count) as usize) {
                        lane.own.push(number);
                    }
                }
                for lane in lanes {
                    lane.flush(block, slots, filter);
                }
            }
        }
    }

    /// Ends everything; `clock` is the time of the last packet of all.
    fn finish(self, clock: Timestamp) -> Result<ShardTotals, EngineError> {
        let mut totals = ShardTotals::default();
        match self {
            Self::Inline {
                mut shard,
                counters,
            } => {
                // The last packets may have been left out.
                shard.on_tick(clock);
                shard.finish();
                totals += counters.read();
            }
            Self::Threads { lanes, .. } => {
                let mut panicked = false;
                // All of them at once, then one after the other.
                let ending: Vec<_> = lanes
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
            }
        }
        Ok(totals)
    }
}

impl Lane {
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

fn bursts(
    shard: &mut Shard,
    block: &Block,
    slots: &[Slot],
    own: impl Iterator<Item = usize>,
    filter: Option<&FilePrograms>,
) {
    let mut own = own.filter_map(|number| slots.get(number));
    let mut packets = [Packet::EMPTY; BURST];
    loop {
        let mut kept = 0;
        let mut refused = 0;
        for slot in own.by_ref().take(BURST) {
            let packet = slot.packet(block);
            if filter.is_none_or(|filter| filter.keeps(&packet)) {
                packets[kept] = packet;
                kept += 1;
            } else {
                refused += 1;
            }
        }
        if kept == 0 && refused == 0 {
            break;
        }
        shard.filtered(refused);
        if let Some(burst) = packets.get(..kept) {
            shard.on_burst(burst);
        }
    }
    // Packets alone move the time: what a file does not say did not happen.
    shard.on_tick(Timestamp::default());
}
