//! Capture files through the shards: the same shards, the same bursts as live.
//!
//! Live, the kernel sends each packet to the shard of its flow. Of files, each shard's thread reads all
//! and takes what is its own: hopping over packets and hashing their ports costs less than one thread
//! telling the others where packets lie, whose every line would have to travel from one core's caches to
//! another's. The file is mapped, once for all of them. A pipe can be read only once, decompressing is more
//! work than the rest, and very many threads would only be in each other's way: then one thread reads, and
//! sends slots to the shards. Either way a shard gets the same packets in the same order.
//!
//! - `tour.rs` one thread's way through all files
//! - `steer.rs` whose a packet is
//! - `readers.rs` each shard reads for itself
//! - `pace.rs` so that none is far ahead of the others
//! - `router.rs` one thread reads for all

mod pace;
mod readers;
mod router;
mod steer;
mod tour;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::filtering::{FileFilter, FilePrograms, IfaceFilterError};
use super::ledger::{Ledger, Written};
use super::{EngineError, Outputs, Tracking, budget};
use crate::filter::capture::Filter;
use crate::flow::FlowTable;
use crate::packet::{Packet, Timestamp};
use crate::shard::{Shard, ShardCounters};
use crate::sink::flows::{FlowFile, FlowFileSummary, FlowSink, IfaceNames};
use crate::source::BURST;
use crate::source::file::{Block, FileError, FileSource, Numbering, Slot, look_for};
use tour::{Inputs, Tour};

/// Packets that are taken from a file at once, for each worker: few enough for their slots, a cache
/// line each, to stay in the nearest caches, and a few bursts for everybody.
const READ: usize = 512;
/// Shards that read for themselves at most: each more hops over the whole file once more.
const MOST_READERS: usize = 8;

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
    /// Not every thread that read the files has read the same.
    #[error("a file was changed while it was read, so the records are not all of the same packets")]
    Changed,
}

/// A shard, and where others see what it counts.
type Counted = (Shard, Arc<ShardCounters>);

impl FileRun {
    /// Reads all files and ends all flows. A file that is damaged ends the run, after everything
    /// before the damage has been worked on.
    ///
    /// # Errors
    ///
    /// When an output cannot be made, or a file is not there, or the first cannot be opened or filtered
    /// (before anything is made), or a thread panicked.
    pub fn new(
        plan: &FilesPlan,
        on_progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, EngineError> {
        let Some(first) = plan.files.first() else {
            return Ok(Self {
                ledger: Ledger::default(),
                flows: None,
                error: None,
            });
        };
        let workers = plan.workers.max(1);
        let each_reads = workers <= MOST_READERS
            && (workers == 1 || plan.files.iter().all(|path| FileSource::is_shareable(path)));
        let inputs = Inputs::new(plan.files.len(), each_reads && workers > 1);
        // Before any output: a wrong name should leave nothing behind.
        look_for(&plan.files)?;
        let source = inputs.open(0, first, Numbering::default())?;
        if let Some(filter) = plan.filter.clone() {
            FileFilter::new(filter).programs(first, &source)?;
        }
        let names = IfaceNames::default();
        budget::check(&plan.tracking, workers, 0)?;
        let (flows, sinks) = match &plan.outputs.flows {
            Some(options) => {
                let (file, sinks) = FlowFile::create(options, workers, names.clone())?;
                (Some(file), sinks.into_iter().map(Some).collect())
            }
            None => (None, (0..workers).map(|_| None).collect()),
        };
        let shards = shards(&plan.tracking, sinks);
        let tour = Tour::new(plan, &inputs, names);
        let (shards, error) = if each_reads {
            readers::run(&plan.tracking, shards, &tour, source, on_progress)?
        } else {
            router::run(&plan.tracking, shards, &tour, source, on_progress)?
        };
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

/// A shard for each sink.
fn shards(tracking: &Tracking, sinks: Vec<Option<FlowSink>>) -> impl Iterator<Item = Counted> {
    let share = tracking.share(sinks.len());
    let (dissector, timeouts, seed) = (tracking.dissector, tracking.timeouts, tracking.seed);
    sinks.into_iter().map(move |sink| {
        let table = FlowTable::new(share, timeouts, seed);
        let counters = Arc::new(ShardCounters::default());
        (
            Shard::new(dissector, table, sink, None, Arc::clone(&counters)),
            counters,
        )
    })
}

/// Takes those slots of a batch that are a shard's.
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
