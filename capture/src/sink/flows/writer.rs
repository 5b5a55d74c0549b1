//! The thread that writes records, and the shards' ends of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::FlowFormat;
use crate::flow::FlowRecord;
use crate::packet::IfaceId;
use crate::sink::{Existing, Overflow, SinkError};

/// Records that a shard collects before it hands them over.
const BATCH: usize = 256;
/// Batches on their way at most: with a record of about 250 bytes, 16 MiB.
const QUEUE: usize = 256;

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

    /// Calls `with` with the interface's name, which is empty if it has none.
    fn with<R>(&self, id: IfaceId, with: impl FnOnce(&str) -> R) -> R {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        with(known.get(id.0 as usize).map_or("", String::as_str))
    }
}

/// What became of the records so far. Each counter has one writer.
#[derive(Debug, Default)]
pub struct FlowFileCounters {
    /// Records in the file.
    pub written: AtomicU64,
    /// Records left out because the disk was too slow.
    pub overflowed: AtomicU64,
    /// Records left out because the disk would not take them.
    pub failed: AtomicU64,
}

/// What became of a file of records.
#[derive(Debug)]
pub struct FlowFileSummary {
    /// Where it is; `-` is standard output.
    pub path: PathBuf,
    /// Records in the file.
    pub written: u64,
    /// Records left out because the disk was too slow.
    pub overflowed: u64,
    /// Records left out because the disk would not take them.
    pub failed: u64,
    /// Why, if so.
    pub error: Option<io::Error>,
    /// Whoever read our output went away, as `head` does.
    pub reader_gone: bool,
}

/// A file of records.
#[derive(Debug)]
pub struct FlowFile {
    path: PathBuf,
    thread: JoinHandle<Outcome>,
    counters: Arc<FlowFileCounters>,
}

#[derive(Debug, Default)]
struct Outcome {
    error: Option<io::Error>,
    reader_gone: bool,
}

/// A shard's end.
#[derive(Debug)]
pub struct FlowSink {
    batch: Vec<FlowRecord>,
    send: Sender<Vec<FlowRecord>>,
    recycled: Receiver<Vec<FlowRecord>>,
    overflow: Overflow,
    counters: Arc<FlowFileCounters>,
}

impl FlowFile {
    /// Creates the file and its thread, with an end for each shard.
    ///
    /// # Errors
    ///
    /// When the file exists and may not be replaced, or cannot be made.
    pub fn create(
        path: &Path,
        format: FlowFormat,
        existing: Existing,
        overflow: Overflow,
        shards: usize,
        names: IfaceNames,
    ) -> Result<(Self, Vec<FlowSink>), SinkError> {
        let out = crate::sink::create(path, existing)?;
        let (send, receive) = bounded::<Vec<FlowRecord>>(QUEUE);
        let (give_back, recycled) = bounded(QUEUE);
        let counters = Arc::new(FlowFileCounters::default());
        let sinks = (0..shards)
            .map(|_| FlowSink {
                batch: Vec::with_capacity(BATCH),
                send: send.clone(),
                recycled: recycled.clone(),
                overflow,
                counters: Arc::clone(&counters),
            })
            .collect();
        let thread = {
            let counters = Arc::clone(&counters);
            std::thread::Builder::new()
                .name("flow-writer".to_owned())
                .spawn(move || write_all(out, format, &names, &receive, &give_back, &counters))
                .map_err(SinkError::Thread)?
        };
        Ok((
            Self {
                path: path.to_owned(),
                thread,
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

    /// Waits until everything is written; all ends must be gone.
    #[must_use]
    pub fn finish(self) -> FlowFileSummary {
        let Self {
            path,
            thread,
            counters,
        } = self;
        let outcome = thread.join().unwrap_or_else(|_| Outcome {
            error: Some(io::Error::other(
                "the thread that writes connection records panicked",
            )),
            reader_gone: false,
        });
        FlowFileSummary {
            path,
            written: counters.written.load(Ordering::Relaxed),
            overflowed: counters.overflowed.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            error: outcome.error,
            reader_gone: outcome.reader_gone,
        }
    }
}

impl FlowSink {
    /// Takes a record.
    pub fn record(&mut self, record: FlowRecord) {
        self.batch.push(record);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    /// Hands over what was collected.
    pub fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let next = self
            .recycled
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(BATCH));
        let batch = std::mem::replace(&mut self.batch, next);
        let lost = match self.overflow {
            Overflow::Block => self
                .send
                .send(batch)
                .err()
                .map(|error| (error.0.len(), &self.counters.failed)),
            Overflow::Drop => match self.send.try_send(batch) {
                Ok(()) => None,
                Err(TrySendError::Full(batch)) => Some((batch.len(), &self.counters.overflowed)),
                Err(TrySendError::Disconnected(batch)) => {
                    Some((batch.len(), &self.counters.failed))
                }
            },
        };
        if let Some((records, counter)) = lost {
            counter.fetch_add(records as u64, Ordering::Relaxed);
        }
    }
}

impl Drop for FlowSink {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Where records go.
pub(crate) type Out = Box<dyn Write + Send>;

fn write_all(
    mut out: Out,
    format: FlowFormat,
    names: &IfaceNames,
    receive: &Receiver<Vec<FlowRecord>>,
    give_back: &Sender<Vec<FlowRecord>>,
    counters: &FlowFileCounters,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut text = Vec::with_capacity(1 << 17);
    format.header(&mut text);
    for mut batch in receive {
        if outcome.error.is_none() && !outcome.reader_gone {
            for record in &batch {
                names.with(record.iface, |iface| {
                    format.record(record, iface, &mut text);
                });
            }
            // A batch at a time: whoever reads along sees whole lines, and soon.
            write(&mut out, &mut text, &mut outcome);
        }
        let counter = if outcome.error.is_none() && !outcome.reader_gone {
            &counters.written
        } else {
            &counters.failed
        };
        counter.fetch_add(batch.len() as u64, Ordering::Relaxed);
        batch.clear();
        // A full channel only means that enough are waiting to be used again.
        drop(give_back.try_send(batch));
    }
    if !text.is_empty() && outcome.error.is_none() {
        write(&mut out, &mut text, &mut outcome);
    }
    outcome
}

fn write(out: &mut Out, text: &mut Vec<u8>, outcome: &mut Outcome) {
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => outcome.reader_gone = true,
        Err(error) => outcome.error = Some(error),
    }
    text.clear();
}
