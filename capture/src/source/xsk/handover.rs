//! From the thread that reads a queue to the shards: descriptors cross, bytes stay where they are.
//!
//! A receiver looks at the header of each packet, and its flow hash says which shard gets it, so both
//! directions of a connection meet, whatever queue the card chose for them. There are two bounded
//! rings with one producer and one consumer for each pair of queue and shard: frames go one way, empty
//! chunks the other. A shard may hold half of a queue's frames; what comes for it then is dropped and
//! counted, so that a slow shard does not take the others' frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use capture_common::ring_of;
use rtrb::{Consumer, Producer, RingBuffer};

use super::burst::peek;
use super::queue::Queue;
use super::umem::{Chunk, Frame, Umem};
use crate::kernel::monotonic_ns;

/// A frame on its way. The frames of one packet follow each other and appear at once.
#[derive(Debug)]
struct Passed {
    frame: Frame,
    /// Packets that were lost before it, of those for this shard.
    lost: u32,
    /// When the packet was seen, ns of the kernel's clock.
    mono_ns: u64,
}

/// The receiver's end of the way to one shard.
#[derive(Debug)]
struct Out {
    frames: Producer<Passed>,
    chunks: Consumer<Chunk>,
    /// Packets lost since the last one that was handed over.
    lost: u32,
}

/// Reads a queue and hands its packets to the shards.
#[derive(Debug)]
pub struct Receiver {
    queue: Queue,
    outs: Vec<Out>,
    /// No packet that is handed over later was seen before this, ns of the kernel's clock.
    seen_until: Arc<AtomicU64>,
    delivered: u64,
    behind: u64,
    asked_ns: u64,
    /// Packets that the kernel dropped since the last one that was handed over. Whose they were nobody
    /// knows, so the next one tells of them, whatever its shard.
    dropped: u32,
}

/// A shard's end of the way from one queue.
#[derive(Debug)]
pub(super) struct Lane {
    frames: Consumer<Passed>,
    chunks: Producer<Chunk>,
    umem: Arc<Umem>,
    seen_until: Arc<AtomicU64>,
}

/// What a receiver did in one step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Packets that it took.
    pub packets: usize,
    /// There was nothing else.
    pub drained: bool,
}

/// Connects a queue with `shards` shards.
pub(super) fn connect(queue: Queue, shards: usize) -> (Receiver, Vec<Lane>) {
    let (chunks, _) = queue.frames();
    let share = if shards > 1 { chunks / 2 } else { chunks } as usize;
    let seen_until = Arc::new(AtomicU64::new(0));
    let (outs, lanes) = (0..shards)
        .map(|_| {
            let (frames_in, frames_out) = RingBuffer::new(share);
            let (chunks_in, chunks_out) = RingBuffer::new(chunks as usize);
            let out = Out {
                frames: frames_in,
                chunks: chunks_out,
                lost: 0,
            };
            let lane = Lane {
                frames: frames_out,
                chunks: chunks_in,
                umem: Arc::clone(queue.umem()),
                seen_until: Arc::clone(&seen_until),
            };
            (out, lane)
        })
        .unzip();
    let receiver = Receiver {
        queue,
        outs,
        seen_until,
        delivered: 0,
        behind: 0,
        asked_ns: 0,
        dropped: 0,
    };
    (receiver, lanes)
}

impl Receiver {
    /// How often the kernel is asked for its statistics.
    pub(super) const ASK_NS: u64 = 1_000_000;
    /// Packets of one step.
    const STEP: usize = 256;

    /// Which queue it reads.
    #[must_use]
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Whether looking again is what brings packets, so that there is no point in a pause.
    #[must_use]
    pub const fn is_busy_polling(&self) -> bool {
        self.queue.is_busy_polling()
    }

    /// Takes back what the shards are done with, and hands over what has come.
    pub fn step(&mut self) -> Step {
        let Self {
            queue,
            outs,
            seen_until,
            delivered,
            behind,
            asked_ns,
            dropped,
        } = self;
        let now = monotonic_ns();
        for out in outs.iter_mut() {
            while let Ok(chunk) = out.chunks.pop() {
                queue.give_back(chunk);
            }
        }
        queue.refill();
        if now - *asked_ns >= Self::ASK_NS {
            *asked_ns = now;
            let more = u32::try_from(queue.ask_statistics()).unwrap_or(u32::MAX);
            *dropped = dropped.saturating_add(more);
        }
        let umem = Arc::clone(queue.umem());
        let mut refused: Vec<Chunk> = Vec::new();
        let mut packets = 0;
        let mut last_ns = 0;
        let drained = queue.receive(Self::STEP, |packet| {
            packets += 1;
            let header = packet.first().and_then(|frame| peek(umem.bytes(frame)));
            let (mono_ns, flow_hash) = header.unwrap_or_default();
            last_ns = mono_ns;
            let shard = ring_of(flow_hash, outs.len() as u32) as usize;
            let out = &mut outs[shard];
            let lost = out.lost.saturating_add(*dropped);
            match out.frames.write_chunk_uninit(packet.len()) {
                Ok(room) => {
                    room.fill_from_iter(packet.drain(..).map(|frame| Passed {
                        frame,
                        lost,
                        mono_ns,
                    }));
                    out.lost = 0;
                    *dropped = 0;
                    *delivered += 1;
                }
                Err(_full) => {
                    out.lost = out.lost.saturating_add(1);
                    *behind += 1;
                    refused.extend(packet.drain(..).map(Frame::into_chunk));
                }
            }
        });
        for chunk in refused {
            queue.give_back(chunk);
        }
        queue.counters().publish(*delivered, *behind);
        // After the packets: who reads this finds all that were seen before.
        let until = if drained { now } else { last_ns };
        seen_until.store(until, Ordering::Release);
        Step { packets, drained }
    }
}

impl Lane {
    pub(super) const fn umem(&self) -> &Arc<Umem> {
        &self.umem
    }

    /// Whether the receiver is there no more, so that what lies in the lane is all there is.
    pub(super) fn is_closed(&self) -> bool {
        self.frames.is_abandoned()
    }

    /// How far the queue was read, ns of the kernel's clock. What was seen before lies in the lane, or
    /// has been taken from it.
    pub(super) fn seen_until(&self) -> u64 {
        self.seen_until.load(Ordering::Acquire)
    }

    /// When the next packet was seen, ns of the kernel's clock.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.frames.peek().ok().map(|passed| passed.mono_ns)
    }

    /// Takes the next packet: its frames, and how many were lost before it.
    pub(super) fn take(&mut self) -> Option<(u32, impl Iterator<Item = Frame>)> {
        let lost = self.frames.peek().ok()?.lost;
        let mut more = true;
        let frames = std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let passed = self.frames.pop().ok()?;
            more = passed.frame.continued;
            Some(passed.frame)
        });
        Some((lost, frames))
    }

    /// Gives a frame back.
    pub(super) fn give_back(&mut self, frame: Frame) {
        // There is room for every chunk. Where the receiver is gone, nobody needs it any more.
        drop(self.chunks.push(frame.into_chunk()));
    }
}
