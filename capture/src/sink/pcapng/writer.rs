//! The thread that owns the file: takes buffers from the workers, orders them, writes them, and
//! gives the memory back.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::SinkError;
use super::appended::Queue;
use super::blocks::{self, IfaceStatistics};
use super::chunk::{Blocks, Chunk};
use super::merge::{Bound, Merge};
use super::output::Output;
use super::rotation::{Series, SeriesSummary};
use crate::packet::{IfaceId, Timestamp};

/// How long packets wait for a worker that has nothing to hand over but moved its promise.
const POLL: Duration = Duration::from_millis(20);
/// Merged packets are written in pieces of this many bytes.
const MERGED_LEN: usize = 1 << 20;

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    Chunk(Chunk),
    /// The last words, one for each interface.
    Close(Vec<IfaceStatistics>),
    /// An encoded description of one more interface.
    Iface(Vec<u8>),
}

/// What the workers, the writer and whoever shows counters see of each other.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) workers: Box<[Marks]>,
    /// Interfaces that the file describes.
    pub(super) ifaces: AtomicU32,
    /// Those whose description has left the channel. Written by the writer alone.
    pub(super) described: AtomicU32,
    /// Written by the writer alone.
    pub(super) written: AtomicU64,
    pub(super) unwritten_disk: AtomicU64,
    pub(super) reader_gone: AtomicBool,
    /// As many files as are enough are full.
    pub(super) full: AtomicBool,
}

/// What one worker alone writes; on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Marks {
    /// Nothing older comes.
    pub(super) watermark: AtomicU64,
    /// 0, or the worker waits for a buffer and has pushed packets up to before this time.
    pub(super) starving: AtomicU64,
    /// Packets that were not written because no buffer was free.
    pub(super) unwritten: AtomicU64,
}

impl Shared {
    /// Up to where the workers allow writing. A packet at the very mark of another worker waits, so
    /// that ties are always in the order of workers; a single worker has no ties.
    fn bound(&self) -> Bound {
        let oldest = self
            .workers
            .iter()
            .map(|marks| marks.watermark.load(Ordering::Acquire))
            .min();
        match (oldest, self.workers.len()) {
            (None | Some(u64::MAX), _) => Bound::All,
            (Some(oldest), 1) => Bound::Below(Timestamp(oldest.saturating_add(1))),
            (Some(oldest), _) => Bound::Below(Timestamp(oldest)),
        }
    }

    /// Up to where to write although a promise is missing, because a worker waits for memory that
    /// waits for the promise. Order can suffer, and then it is counted; standing still is worse.
    fn forced_bound(&self) -> Bound {
        let starving = self
            .workers
            .iter()
            .map(|marks| marks.starving.load(Ordering::Acquire));
        Bound::Below(Timestamp(
            starving.filter(|&mark| mark > 0).min().unwrap_or(0),
        ))
    }
}

/// How writing ended.
#[derive(Debug)]
pub(super) enum Ended {
    Failed(SinkError),
    ReaderGone,
}

/// The state of the thread, and what it has counted when it ends.
pub(super) struct Writer {
    pub(super) output: Box<dyn Output>,
    /// What the file at hand is called.
    pub(super) path: PathBuf,
    /// `None` if there is one file.
    pub(super) series: Option<Series>,
    /// Bytes that were written before the file at hand.
    pub(super) begin: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) receiver: Receiver<Message>,
    /// By worker, the way back for buffers.
    pub(super) free: Vec<Sender<Vec<u8>>>,
    pub(super) buffer_bytes: usize,
    /// Buffers that wait, of all workers, at which there are many.
    pub(super) many: usize,
    /// Buffers that have left the channel and are still to be written.
    pub(super) held: usize,
    pub(super) tally: Tally,
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) written: u64,
    pub(super) unwritten: u64,
    pub(super) skipped: u64,
    pub(super) disordered: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) series: Option<SeriesSummary>,
    pub(super) ended: Option<Ended>,
}

impl Writer {
    /// Runs until every worker and the owner of the file have finished.
    pub(super) fn run(mut self) -> Tally {
        let receiver = self.receiver.clone();
        let mut merge = Merge::new();
        let mut merged = Vec::with_capacity(if self.free.len() > 1 { MERGED_LEN } else { 0 });
        let mut statistics = Vec::new();
        loop {
            let message = if merge.is_empty() {
                receiver.recv().map_err(RecvTimeoutError::from)
            } else {
                receiver.recv_timeout(POLL)
            };
            // The marks are read before the channel is emptied: what they promise has been sent.
            let mut bound = self.shared.bound();
            let message = match message {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bound = bound.max(self.shared.forced_bound());
                    None
                }
            };
            for message in message.into_iter().chain(receiver.try_iter()) {
                match message {
                    Message::Chunk(chunk) => merge.push(chunk),
                    Message::Close(last_words) => statistics = last_words,
                    Message::Iface(block) => {
                        self.write(&block);
                        if let Some(series) = &mut self.series {
                            series.add_iface(&block);
                        }
                        self.shared.described.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            self.drain(&mut merge, bound, &mut merged);
        }
        self.drain(&mut merge, Bound::All, &mut merged);
        self.close(&statistics);
        self.tally.series = self.series.map(Series::summary);
        self.tally
    }

    fn drain(&mut self, merge: &mut Merge, bound: Bound, merged: &mut Vec<u8>) {
        while let Some(chunk) = merge.pop_whole(bound) {
            self.held = merge.len();
            self.write_packets(chunk.rest(), chunk.packets, chunk.oldest, chunk.newest);
            self.recycle(chunk);
        }
        let mut done = Vec::new();
        let (mut packets, mut span) = (0, None::<(Timestamp, Timestamp)>);
        merge.drain(
            bound,
            |block, ts| {
                if let Some((oldest, newest)) = span
                    && merged.len() + block.len() > MERGED_LEN
                {
                    self.write_packets(merged, packets, oldest, newest);
                    merged.clear();
                    (packets, span) = (0, None);
                }
                merged.extend_from_slice(block);
                packets += 1;
                span = Some((span.map_or(ts, |(oldest, _)| oldest), ts));
            },
            |chunk| done.push(chunk),
        );
        if let Some((oldest, newest)) = span {
            self.write_packets(merged, packets, oldest, newest);
            merged.clear();
        }
        for chunk in done {
            self.recycle(chunk);
        }
    }

    /// Writes blocks of packets into the files that they belong to.
    fn write_packets(&mut self, bytes: &[u8], packets: u64, oldest: Timestamp, newest: Timestamp) {
        let Some(mut series) = self.series.take() else {
            return self.write_run(bytes, packets, oldest, newest);
        };
        let mut start = 0;
        let mut left = packets;
        let mut run = None::<(u64, Timestamp, Timestamp)>;
        for (at, block_len, ts) in (Blocks { bytes, at: 0 }) {
            if series.is_over(block_len, ts) {
                if let Some((packets, oldest, newest)) = run.take() {
                    self.write_run(&bytes[start..at], packets, oldest, newest);
                }
                if series.is_last() {
                    self.tally.skipped += left;
                    self.shared.full.store(true, Ordering::Relaxed);
                    break;
                }
                start = at;
                self.next_file(&mut series, ts);
            }
            left -= 1;
            series.count(block_len, ts);
            run = Some(match run {
                None => (1, ts, ts),
                Some((packets, oldest, newest)) => (packets + 1, oldest.min(ts), newest.max(ts)),
            });
        }
        if let Some((packets, oldest, newest)) = run {
            self.write_run(&bytes[start..], packets, oldest, newest);
        }
        self.series = Some(series);
    }

    /// Begins the next file, if the last one could be written.
    fn next_file(&mut self, series: &mut Series, ts: Timestamp) {
        if self.tally.ended.is_some() {
            return;
        }
        match series.next(ts) {
            Ok(output) => {
                self.output = output;
                series.path().clone_into(&mut self.path);
                self.begin = self.tally.bytes;
                self.write(&series.header);
            }
            Err(error) => self.tally.ended = Some(Ended::Failed(error)),
        }
    }

    /// Writes blocks of packets to the file at hand, and counts them.
    fn write_run(&mut self, bytes: &[u8], packets: u64, oldest: Timestamp, newest: Timestamp) {
        if self.tally.last.is_some_and(|last| oldest < last) {
            self.tally.disordered += 1;
        }
        let start = self.tally.bytes;
        self.write(bytes);
        let kept_bytes = (self.tally.bytes - start) as usize;
        let Tally {
            written,
            unwritten,
            first,
            last,
            ..
        } = &mut self.tally;
        if kept_bytes == bytes.len() {
            *written += packets;
            *first = Some(first.map_or(oldest, |first| first.min(oldest)));
            *last = Some(last.map_or(newest, |last| last.max(newest)));
        } else {
            let mut kept = 0;
            for (_, _, ts) in (Blocks {
                bytes: &bytes[..kept_bytes],
                at: 0,
            }) {
                kept += 1;
                *first = Some(first.map_or(ts, |first| first.min(ts)));
                *last = Some(last.map_or(ts, |last| last.max(ts)));
            }
            *written += kept;
            *unwritten += packets - kept;
        }
        // Read by whoever shows counters; this thread is the only writer.
        self.shared.written.store(*written, Ordering::Relaxed);
        self.shared
            .unwritten_disk
            .store(*unwritten, Ordering::Relaxed);
    }

    /// Writes whole blocks. What does not go through is cut off after the last block that did, and
    /// nothing is written any more: the capture goes on without its file.
    fn write(&mut self, blocks: &[u8]) {
        if self.tally.ended.is_some() {
            return;
        }
        let queue = if self.receiver.len() + self.held >= self.many {
            Queue::Long
        } else {
            Queue::Short
        };
        let (done, error) = match self.output.append_all(blocks, queue) {
            (done, Ok(())) => {
                self.tally.bytes += done as u64;
                return;
            }
            (done, Err(error)) => (done, error),
        };
        self.tally.bytes += whole_blocks(blocks, done) as u64;
        // If the file cannot be cut either, the first error is the one to tell.
        let error = match self.output.cut(self.tally.bytes - self.begin) {
            Ok(()) | Err(_) => error,
        };
        self.tally.ended = Some(if error.kind() == io::ErrorKind::BrokenPipe {
            self.shared.reader_gone.store(true, Ordering::Relaxed);
            Ended::ReaderGone
        } else {
            let error = SinkError::Write {
                path: self.path.clone(),
                source: error,
            };
            log::warn!("{error}; the capture goes on, and counts what is missing");
            Ended::Failed(error)
        });
    }

    fn close(&mut self, statistics: &[IfaceStatistics]) {
        let mut last_words = Vec::new();
        for (index, statistics) in statistics.iter().enumerate() {
            blocks::interface_statistics(&mut last_words, IfaceId(index as u32), statistics);
        }
        self.write(&last_words);
    }

    fn recycle(&self, chunk: Chunk) {
        let mut bytes = chunk.bytes;
        bytes.clear();
        // A packet that is larger than a buffer has made this one grow.
        bytes.shrink_to(self.buffer_bytes);
        match self.free[chunk.worker].try_send(bytes) {
            // A worker that has finished needs no buffers.
            Ok(()) | Err(_) => {}
        }
    }
}

/// How many of the first `done` bytes are whole blocks.
fn whole_blocks(bytes: &[u8], done: usize) -> usize {
    let mut end = 0;
    while let Some([_, _, _, _, block_len @ ..]) = bytes[end..].first_chunk::<8>() {
        let next = end + u32::from_le_bytes(*block_len) as usize;
        if next > done {
            break;
        }
        end = next;
    }
    end
}
