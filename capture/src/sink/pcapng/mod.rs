//! pcapng files as a sink: many workers encode, one thread writes, in time order.
//!
//! Each worker encodes packets into a buffer of its own ([`PacketSink`]) and hands it over when it
//! is full. The writer thread puts the buffers of all workers in time order, as far as the workers
//! have promised that nothing older comes, and gives the memory back. Buffers are few and recycled:
//! the steady state allocates nothing, and no lock is taken for a packet.
//!
//! - `blocks.rs`: encoding
//! - `encoder.rs`: a worker's end
//! - `chunk.rs`: a buffer on its way
//! - `merge.rs`: time order
//! - `writer.rs`: the thread
//! - `output.rs`: where the bytes go
//! - `appended.rs`: the file itself, past the page cache where that serves
//! - `rotation.rs`: several files in a row
//!
//! Format: draft-ietf-opsawg-pcapng.

mod appended;
pub(crate) mod blocks;
mod chunk;
mod encoder;
mod merge;
mod output;
mod rotation;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{self, PipeWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;

pub use blocks::{IfaceDescription, IfaceStatistics, Section};
pub use encoder::{Overflow, PacketSink};
pub use rotation::{Names, Rotation, SeriesSummary};

use crate::packet::{IfaceId, Timestamp};
use crate::sink::flows::CollectorError;
use appended::Queue;
use output::Output;
use rotation::Series;
use writer::{Ended, Marks, Message, Shared, Tally, Writer};

/// Memory of all buffers together, in bytes, unless asked otherwise.
pub const DEFAULT_POOL_BYTES: usize = 64 << 20;
const MAX_BUFFER_BYTES: usize = 1 << 20;
const MIN_BUFFER_BYTES: usize = 16 << 10;
/// Each worker has this many buffers at least: one to fill, one on its way, one being written, and
/// one in reserve.
const MIN_BUFFERS: usize = 4;
/// Interfaces that can be added before the writer has to catch up.
const ADDED_IFACES: u32 = 256;

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Replace it.
    Overwrite,
    /// Leave it alone, and fail.
    Refuse,
}

/// How a packet file is made.
#[derive(Clone, Debug)]
pub struct PacketFileOptions {
    /// Where to write; `-` is standard output. What is written into a pipe is only called so.
    pub path: PathBuf,
    /// What to do if it exists.
    pub existing: Existing,
    /// Several files instead of one, whose names begin as `path` does.
    pub rotation: Option<Rotation>,
    /// What to do when all buffers are waiting to be written.
    pub overflow: Overflow,
    /// Memory of all buffers together, in bytes. Packets that are larger than a buffer come on top.
    pub pool_bytes: usize,
    /// Who writes.
    pub section: Section,
    /// The interfaces that are known from the start, by [`IfaceId`].
    pub ifaces: Vec<IfaceDescription>,
}

impl PacketFileOptions {
    /// What a file begins with.
    fn header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        blocks::section_header(&mut header, &self.section);
        for iface in &self.ifaces {
            blocks::interface_description(&mut header, iface);
        }
        header
    }
}

/// A pcapng file that is being written.
#[derive(Debug)]
pub struct PacketFile {
    path: PathBuf,
    sender: Sender<Message>,
    thread: JoinHandle<Tally>,
    shared: Arc<Shared>,
}

/// Live counters of a packet file, for whoever shows them.
#[derive(Clone, Debug)]
pub struct PacketFileCounters(Arc<Shared>);

/// What became of the packets of a file. `written + unwritten_overflow + unwritten_disk + skipped` is
/// what was pushed.
#[derive(Debug)]
pub struct PacketFileSummary {
    /// Packets in the file.
    pub written: u64,
    /// Packets that are not, because no buffer was free.
    pub unwritten_overflow: u64,
    /// Packets that are not, because writing had failed or the reader had gone.
    pub unwritten_disk: u64,
    /// Packets that are not, because there were as many files as are enough.
    pub skipped: u64,
    /// Times that the file goes back in time, because a packet came too late to be put in order.
    pub disordered: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Time of the oldest packet; `None` without packets.
    pub first: Option<Timestamp>,
    /// Time of the newest packet; `None` without packets.
    pub last: Option<Timestamp>,
    /// Which files there are, if there can be several.
    pub series: Option<SeriesSummary>,
    /// How the file ended.
    pub ending: Ending,
}

/// How a packet file ended.
#[derive(Debug)]
pub enum Ending {
    /// With everything that was handed to it.
    Complete,
    /// Early, but with a whole block: the disk is full, or some such.
    Failed(SinkError),
    /// Early: whoever read the pipe has gone, which is no error.
    ReaderGone,
}

/// A packet file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The collector of connection records cannot be reached.
    #[error(transparent)]
    Collector(#[from] CollectorError),
    /// It cannot be created.
    #[error("{}: cannot be created: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It exists.
    #[error("{}: exists already; --overwrite replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another process is writing it.
    #[error("{}: another process is writing it; choose another name", path.display())]
    InUse {
        /// The file as it is called until it is complete.
        path: PathBuf,
    },
    /// It was left behind incomplete.
    #[error("{}: was left incomplete by an earlier run; --overwrite replaces it", path.display())]
    Unfinished {
        /// The file as it is called until it is complete.
        path: PathBuf,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes: {0}")]
    Thread(#[source] io::Error),
    /// It cannot be written to.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PacketFile {
    /// Creates the file, writes its header, and makes one sink for each worker.
    pub fn create(
        options: &PacketFileOptions,
        workers: usize,
    ) -> Result<(Self, Vec<PacketSink>), SinkError> {
        let Some(rotation) = options.rotation else {
            let output = output::create(&options.path, options.existing, options.overflow)?;
            return Self::start(output, options, workers)
                .inspect_err(|_| remove_regular(&options.path));
        };
        let (series, output) = Series::create(options, rotation, Timestamp::now())?;
        let path = series.path().to_owned();
        Self::start_series(output, Some(series), options, workers)
            .inspect_err(|_| remove_regular(&path))
    }

    /// Writes into a pipe instead, which must be read by then.
    ///
    /// # Errors
    ///
    /// When the thread that writes cannot be started, or nobody reads.
    pub fn into_pipe(
        pipe: PipeWriter,
        options: &PacketFileOptions,
        workers: usize,
    ) -> Result<(Self, Vec<PacketSink>), SinkError> {
        Self::start(output::pipe(pipe), options, workers)
    }

    fn start(
        output: Box<dyn Output>,
        options: &PacketFileOptions,
        workers: usize,
    ) -> Result<(Self, Vec<PacketSink>), SinkError> {
        Self::start_series(output, None, options, workers)
    }

    fn start_series(
        mut output: Box<dyn Output>,
        series: Option<Series>,
        options: &PacketFileOptions,
        workers: usize,
    ) -> Result<(Self, Vec<PacketSink>), SinkError> {
        let header = options.header();
        let path = series
            .as_ref()
            .map_or(&*options.path, Series::path)
            .to_owned();
        let PacketFileOptions {
            overflow,
            pool_bytes,
            ifaces,
            ..
        } = options;
        let mut tally = Tally::default();
        match output.append_all(&header, Queue::Short) {
            (appended_len, Ok(())) => tally.bytes = appended_len as u64,
            (_, Err(source)) => return Err(SinkError::Write { path, source }),
        }

        let pool_bytes = pool_bytes / workers.max(1);
        let buffer_bytes = (pool_bytes / MIN_BUFFERS).clamp(MIN_BUFFER_BYTES, MAX_BUFFER_BYTES);
        let quota = (pool_bytes / buffer_bytes).max(MIN_BUFFERS);
        let shared = Arc::new(Shared {
            workers: (0..workers).map(|_| Marks::default()).collect(),
            ifaces: AtomicU32::new(ifaces.len() as u32),
            described: AtomicU32::new(ifaces.len() as u32),
            written: AtomicU64::new(0),
            unwritten_disk: AtomicU64::new(0),
            reader_gone: AtomicBool::new(false),
            full: AtomicBool::new(false),
        });
        let (sender, receiver) =
            crossbeam_channel::bounded(quota * workers + ADDED_IFACES as usize);
        let mut sinks = Vec::with_capacity(workers);
        let mut returns = Vec::with_capacity(workers);
        for worker in 0..workers {
            let (give_back, free) = crossbeam_channel::bounded(quota);
            returns.push(give_back);
            sinks.push(PacketSink {
                worker,
                overflow: *overflow,
                shared: Arc::clone(&shared),
                sender: sender.clone(),
                free,
                quota,
                buffer_bytes,
                chunk: None,
                watermark: Timestamp(0),
                newest: Timestamp(0),
                ifaces: ifaces.len() as u32,
                missing: vec![0; ifaces.len()],
                unwritten: 0,
            });
        }
        let writer = Writer {
            output,
            path: path.clone(),
            series,
            begin: 0,
            shared: Arc::clone(&shared),
            receiver,
            free: returns,
            buffer_bytes,
            many: quota * workers / 2,
            held: 0,
            tally,
        };
        let thread = std::thread::Builder::new().name("packet-writer".to_owned());
        let thread = thread
            .spawn(move || writer.run())
            .map_err(SinkError::Thread)?;
        Ok((
            Self {
                path,
                sender,
                thread,
                shared,
            },
            sinks,
        ))
    }

    /// Whether [`Self::add_iface`] can describe one more interface now.
    #[must_use]
    pub fn has_room_for_iface(&self) -> bool {
        // This is the only one who adds.
        let known = self.shared.ifaces.load(Ordering::Relaxed);
        known - self.shared.described.load(Ordering::Relaxed) < ADDED_IFACES
    }

    /// Describes one more interface; the number that it has from now on is returned. Workers can
    /// push its packets at once. `None` if the writer has too many of them to write already, because
    /// whoever takes the file does not: whoever adds interfaces must not wait for him.
    pub fn add_iface(&mut self, description: &IfaceDescription) -> Option<IfaceId> {
        if !self.has_room_for_iface() {
            return None;
        }
        let mut block = Vec::new();
        blocks::interface_description(&mut block, description);
        // The channel has room for it. A writer that is gone writes no packets either.
        match self.sender.send(Message::Iface(block)) {
            // Pairs with the load in `PacketSink::learn_ifaces`: the block is in the channel before
            // any packet of the interface.
            Ok(()) | Err(_) => Some(IfaceId(self.shared.ifaces.fetch_add(1, Ordering::Release))),
        }
    }

    /// The file, or the first of several.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Counters that can be read while the file is written.
    #[must_use]
    pub fn counters(&self) -> PacketFileCounters {
        PacketFileCounters(Arc::clone(&self.shared))
    }

    /// Writes what is left and one statistics block for each interface, and closes the file. Waits
    /// until all sinks are finished.
    pub fn finish(self, statistics: Vec<IfaceStatistics>) -> PacketFileSummary {
        let Self {
            path: _,
            sender,
            thread,
            shared,
        } = self;
        match sender.send(Message::Close(statistics)) {
            // If the thread is gone, joining it tells why.
            Ok(()) | Err(_) => drop(sender),
        }
        let tally = match thread.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let Tally {
            bytes,
            written,
            unwritten,
            skipped,
            disordered,
            first,
            last,
            series,
            ended,
        } = tally;
        let unwritten_overflow = PacketFileCounters(shared).unwritten_overflow();
        let ending = match ended {
            None => Ending::Complete,
            Some(Ended::Failed(error)) => Ending::Failed(error),
            Some(Ended::ReaderGone) => Ending::ReaderGone,
        };
        let unwritten_disk = unwritten;
        PacketFileSummary {
            written,
            unwritten_overflow,
            unwritten_disk,
            skipped,
            disordered,
            bytes,
            first,
            last,
            series,
            ending,
        }
    }
}

impl PacketFileCounters {
    /// Packets written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Packets not written so far because no buffer was free.
    #[must_use]
    pub fn unwritten_overflow(&self) -> u64 {
        self.0
            .workers
            .iter()
            .map(|marks| marks.unwritten.load(Ordering::Relaxed))
            .sum()
    }

    /// Packets not written so far because writing failed or the reader has gone.
    #[must_use]
    pub fn unwritten_disk(&self) -> u64 {
        self.0.unwritten_disk.load(Ordering::Relaxed)
    }

    /// Whether as many files as are enough are full, so that no more packets are written.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Whether the reader of the pipe has gone, so that nobody wants more packets.
    #[must_use]
    pub fn is_reader_gone(&self) -> bool {
        self.0.reader_gone.load(Ordering::Relaxed)
    }
}

/// Leaves no file behind that has not even a header.
fn remove_regular(path: &Path) {
    if path.as_os_str() != "-" && path.is_file() {
        // The error that led here is the one to tell.
        match std::fs::remove_file(path) {
            Ok(()) | Err(_) => {}
        }
    }
}
