//! The thread that writes records, and the shards' ends of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::FlowFileOptions;
use super::encoder::{Draft, Names, Piece};
use super::ipfix::Exported;
use super::ranking::{Ranking, States};
use super::target::Target;
use crate::flow::FlowRecord;
use crate::packet::Iface;
use crate::sink::{Overflow, SinkError};

/// Records that a shard collects before it hands them over.
const BATCH: usize = 256;
/// Batches on their way at most: with a record of about 800 bytes, 26 MiB.
const QUEUE: usize = 128;
/// Records that a shard collects before it encodes them: few enough to stay in the nearest caches.
const DRAFT: usize = 64;
/// Encoded pieces on their way at most: a row group is about 2 MiB.
const PIECES: usize = 8;

/// What crosses threads, and comes back empty.
#[derive(Debug)]
enum Parcel {
    Records(Vec<FlowRecord>),
    Piece(Piece),
    /// So many records that could not be encoded, and why.
    Broken(u64, io::Error),
}

impl Parcel {
    fn records(&self) -> u64 {
        match self {
            Self::Records(batch) => batch.len() as u64,
            Self::Piece(piece) => piece.records,
            Self::Broken(records, _) => *records,
        }
    }
}

/// Names of the interfaces, which grow while files are read.
#[derive(Clone, Debug, Default)]
pub struct IfaceNames(Arc<RwLock<Vec<String>>>);

impl IfaceNames {
    /// Sets the names from the start.
    pub fn set(&self, names: impl Iterator<Item = String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.clear();
        known.extend(names);
    }

    /// Adds those of `ifaces`, which follow `told` others, that are not known yet: who has come less far than
    /// others takes nothing away.
    pub fn learn(&self, told: usize, ifaces: &[Iface]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = known.len().checked_sub(told);
        if let Some(new) = new.and_then(|place| ifaces.get(place..)) {
            known.extend(new.iter().map(|iface| iface.name.clone()));
        }
    }

    /// Adds the name of the next interface.
    pub fn push(&self, name: String) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
    }

    /// Calls `with` with the names as they are.
    fn with<R>(&self, with: impl FnOnce(Names<'_>) -> R) -> R {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        with(Names(&known))
    }
}

/// What became of the records so far. Each counter has one writer.
#[derive(Debug, Default)]
pub struct FlowFileCounters {
    /// Records in the file.
    pub written: AtomicU64,
    /// Records left out because the disk was too slow.
    pub overflowed: AtomicU64,
    /// Records left out because the disk, or the collector, would not take them.
    pub failed: AtomicU64,
    /// Records that were not asked for.
    pub skipped: AtomicU64,
}

/// What became of a file of records.
#[derive(Debug)]
pub struct FlowFileSummary {
    /// Where it is; `-` is standard output. A file that could not be completed is still under the name
    /// that it had until then.
    pub path: PathBuf,
    /// Records in the file.
    pub written: u64,
    /// Records left out because the disk was too slow.
    pub overflowed: u64,
    /// Records left out because the disk, or the collector, would not take them.
    pub failed: u64,
    /// Records that were not asked for.
    pub skipped: u64,
    /// Why, if so.
    pub error: Option<io::Error>,
    /// Whoever read our output went away, as `head` does.
    pub reader_gone: bool,
    /// How many times records were put in order: more than once if there were too many for that.
    pub blocks: u32,
}

/// A file of records.
#[derive(Debug)]
pub struct FlowFile {
    path: PathBuf,
    /// What it is called until it is complete.
    unfinished: Option<PathBuf>,
    thread: Option<JoinHandle<Outcome>>,
    /// Says that the run went well, so that files may be completed.
    complete: Sender<()>,
    counters: Arc<FlowFileCounters>,
}

#[derive(Debug, Default)]
struct Outcome {
    error: Option<io::Error>,
    reader_gone: bool,
    /// Where an incomplete file is.
    unfinished: Option<PathBuf>,
    blocks: u32,
}

/// A shard's end.
#[derive(Debug)]
pub struct FlowSink {
    batch: Vec<FlowRecord>,
    /// How many records are handed over at once.
    full: usize,
    /// Encodes them, if that is done here.
    draft: Option<OwnDraft>,
    send: Sender<Parcel>,
    recycled: Receiver<Parcel>,
    overflow: Overflow,
    states: States,
    counters: Arc<FlowFileCounters>,
}

/// What a shard needs to encode its records.
#[derive(Debug)]
struct OwnDraft {
    draft: Box<dyn Draft>,
    names: IfaceNames,
    /// Records that were taken and not handed over yet.
    held: u64,
    piece: Piece,
}

impl FlowFile {
    /// Creates the file and its thread, with an end for each shard.
    ///
    /// # Errors
    ///
    /// When the file exists and may not be replaced, or cannot be made.
    pub fn create(
        options: &FlowFileOptions,
        shards: usize,
        names: IfaceNames,
    ) -> Result<(Self, Vec<FlowSink>), SinkError> {
        let target = Target::create(options)?;
        let drafts = (0..shards)
            .map(|_| options.draft(shards))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|source| SinkError::Create {
                path: options.path.clone(),
                source,
            })?;
        let [full, queue] = if drafts.iter().any(Option::is_some) {
            [DRAFT, PIECES]
        } else {
            [BATCH, QUEUE]
        };
        let (send, receive) = bounded(queue);
        let (give_back, recycled) = bounded(queue);
        let counters = Arc::new(FlowFileCounters::default());
        let sinks = drafts
            .into_iter()
            .map(|draft| FlowSink {
                batch: Vec::with_capacity(full),
                full,
                draft: draft.map(|draft| OwnDraft {
                    draft,
                    names: names.clone(),
                    held: 0,
                    piece: Piece::default(),
                }),
                send: send.clone(),
                recycled: recycled.clone(),
                overflow: options.overflow,
                states: options.states,
                counters: Arc::clone(&counters),
            })
            .collect();
        let unfinished = target.unfinished().map(Path::to_owned);
        let (complete, completed) = bounded(1);
        let writer = Writer {
            target,
            ranking: options.order.map(Ranking::new),
            names,
            counters: Arc::clone(&counters),
            outcome: Outcome::default(),
        };
        let thread = std::thread::Builder::new()
            .name("flow-writer".to_owned())
            .spawn(move || writer.run(&receive, &give_back, &completed))
            .map_err(SinkError::Thread)?;
        Ok((
            Self {
                path: options.path.clone(),
                unfinished,
                thread: Some(thread),
                complete,
                counters,
            },
            sinks,
        ))
    }

    /// What became of the records so far.
    #[must_use]
    pub fn counters(&self) -> Arc<FlowFileCounters> {
        Arc::clone(&self.counters)
    }

    /// Waits until everything is written and files have their names; all ends must be gone.
    #[must_use]
    pub fn finish(mut self) -> FlowFileSummary {
        // A thread that is gone has panicked, which joining it shows.
        let _panicked = self.complete.send(()).is_err();
        let joined = self.thread.take().map(JoinHandle::join);
        let outcome = joined.and_then(Result::ok).unwrap_or_else(|| Outcome {
            error: Some(io::Error::other(
                "the thread that writes connection records panicked",
            )),
            ..Outcome::default()
        });
        let counters = &self.counters;
        FlowFileSummary {
            path: outcome.unfinished.unwrap_or_else(|| self.path.clone()),
            written: counters.written.load(Ordering::Relaxed),
            overflowed: counters.overflowed.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            skipped: counters.skipped.load(Ordering::Relaxed),
            error: outcome.error,
            reader_gone: outcome.reader_gone,
            blocks: outcome.blocks,
        }
    }
}

/// A run that could not be started leaves nothing behind; what was written of one that failed stays
/// under the name of what is incomplete.
impl Drop for FlowFile {
    fn drop(&mut self) {
        let counters = &self.counters;
        let taken =
            counters.written.load(Ordering::Relaxed) + counters.failed.load(Ordering::Relaxed);
        if let (Some(_), 0, Some(unfinished)) = (&self.thread, taken, &self.unfinished) {
            // The error that is on its way says more than one from here could.
            drop(std::fs::remove_file(unfinished));
        }
    }
}

impl FlowSink {
    /// Takes a record.
    pub fn record(&mut self, record: FlowRecord) {
        if !self.states.has(record.conn_state) {
            self.counters.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.batch.push(record);
        if self.batch.len() == self.full {
            self.flush();
        }
    }

    /// Waits from now on for a disk that is slow, and loses nothing: to be called when no packets come
    /// any more that would be lost meanwhile.
    pub fn take_time(&mut self) {
        self.overflow = Overflow::Block;
    }

    /// Hands over what was collected. Where shards encode, that can still hold records back.
    pub fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if let Some(own) = &mut self.draft {
            own.held += self.batch.len() as u64;
            let OwnDraft {
                draft,
                names,
                piece,
                ..
            } = own;
            let encoded = names.with(|names| draft.records(&self.batch, names, piece));
            self.batch.clear();
            return self.hand_over(encoded);
        }
        let next = match self.recycled.try_recv() {
            Ok(Parcel::Records(batch)) => batch,
            _ => Vec::with_capacity(self.full),
        };
        let batch = std::mem::replace(&mut self.batch, next);
        self.send(Parcel::Records(batch));
    }

    /// Hands over the piece that was encoded, if there is one.
    fn hand_over(&mut self, encoded: io::Result<()>) {
        let Some(own) = &mut self.draft else { return };
        let parcel = match encoded {
            Ok(()) if own.piece.records == 0 => return,
            Ok(()) => {
                own.held = own.held.saturating_sub(own.piece.records);
                let next = match self.recycled.try_recv() {
                    Ok(Parcel::Piece(piece)) => piece,
                    _ => Piece::default(),
                };
                Parcel::Piece(std::mem::replace(&mut own.piece, next))
            }
            Err(error) => {
                own.piece.clear();
                Parcel::Broken(std::mem::take(&mut own.held), error)
            }
        };
        self.send(parcel);
    }

    fn send(&self, parcel: Parcel) {
        let lost = match self.overflow {
            Overflow::Block => self
                .send
                .send(parcel)
                .err()
                .map(|error| (error.0.records(), &self.counters.failed)),
            Overflow::Drop => match self.send.try_send(parcel) {
                Ok(()) => None,
                Err(TrySendError::Full(parcel)) => {
                    Some((parcel.records(), &self.counters.overflowed))
                }
                Err(TrySendError::Disconnected(parcel)) => {
                    Some((parcel.records(), &self.counters.failed))
                }
            },
        };
        if let Some((records, counter)) = lost {
            count(counter, records);
        }
    }
}

impl Drop for FlowSink {
    fn drop(&mut self) {
        self.flush();
        if let Some(own) = &mut self.draft {
            let encoded = own.draft.rest(&mut own.piece);
            self.hand_over(encoded);
        }
    }
}

/// The thread that writes.
struct Writer {
    target: Target,
    ranking: Option<Ranking>,
    names: IfaceNames,
    counters: Arc<FlowFileCounters>,
    outcome: Outcome,
}

impl Writer {
    fn run(
        mut self,
        receive: &Receiver<Parcel>,
        give_back: &Sender<Parcel>,
        completed: &Receiver<()>,
    ) -> Outcome {
        for mut parcel in receive {
            match &mut parcel {
                Parcel::Records(batch) => {
                    self.take(batch);
                    batch.clear();
                }
                Parcel::Piece(piece) => {
                    self.write_piece(piece);
                    piece.clear();
                }
                Parcel::Broken(records, error) => {
                    count(&self.counters.failed, *records);
                    if !self.outcome.has_failed() {
                        let kind = error.kind();
                        self.fail(std::mem::replace(error, kind.into()));
                    }
                    continue;
                }
            }
            // A full channel only means that enough are waiting to be used again.
            drop(give_back.try_send(parcel));
        }
        self.write_ranked();
        // A run that failed completes nothing.
        if completed.recv().is_err() || self.outcome.has_failed() {
            return self.outcome;
        }
        let skipped = self.counters.skipped.load(Ordering::Relaxed);
        let Self { target, names, .. } = &mut self;
        match names.with(|names| target.finish(names, skipped)) {
            Ok(exported) => self.tally(exported),
            Err(error) => self.fail(error),
        }
        // What a collector did not take is known to be lost, whatever came after it.
        if let Some(error) = self.target.take_error() {
            self.outcome.error.get_or_insert(error);
        }
        self.outcome
    }

    fn take(&mut self, batch: &mut Vec<FlowRecord>) {
        match &mut self.ranking {
            None => self.write(batch),
            Some(ranking) => {
                count(&self.counters.skipped, ranking.take(batch));
                if ranking.is_full() {
                    self.write_ranked();
                }
            }
        }
    }

    fn write_piece(&mut self, piece: &mut Piece) {
        let records = piece.records;
        if !self.outcome.has_failed() {
            match self.target.piece(piece) {
                Ok(exported) => return self.tally(exported),
                Err(error) => self.fail(error),
            }
        }
        count(&self.counters.failed, records);
    }

    fn write_ranked(&mut self) {
        if let Some(ranking) = &mut self.ranking {
            let (records, left_out) = ranking.drain();
            count(&self.counters.skipped, left_out);
            self.outcome.blocks += 1;
            self.write(&records);
        }
    }

    fn write(&mut self, records: &[FlowRecord]) {
        if records.is_empty() {
            return;
        }
        if !self.outcome.has_failed() {
            let Self { target, names, .. } = &mut *self;
            match names.with(|names| target.records(records, names)) {
                Ok(exported) => return self.tally(exported),
                Err(error) => self.fail(error),
            }
        }
        count(&self.counters.failed, records.len() as u64);
    }

    fn tally(&self, exported: Exported) {
        count(&self.counters.written, exported.sent);
        count(&self.counters.failed, exported.lost);
    }

    /// Ends writing, and says of what was written whether it is of use.
    fn fail(&mut self, error: io::Error) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.outcome.reader_gone = true;
        } else {
            self.outcome.error = Some(error);
        }
        let lost = self.target.unreadable();
        self.counters.written.fetch_sub(lost, Ordering::Relaxed);
        count(&self.counters.failed, lost);
        self.outcome.unfinished = self.target.unfinished().map(Path::to_owned);
    }
}

impl Outcome {
    const fn has_failed(&self) -> bool {
        self.error.is_some() || self.reader_gone
    }
}

fn count(counter: &AtomicU64, records: u64) {
    counter.fetch_add(records, Ordering::Relaxed);
}
