//! A worker's end of a capture file: packets are encoded where they are seen, and leave as buffers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::blocks::MAX_PACKET_OVERHEAD;
use super::chunk::Chunk;
use super::writer::{Message, Shared};
use crate::packet::{IfaceId, Packet, Span, Timestamp};

/// Packet time after which a buffer is handed over even if it is not full, so that the file of a
/// live capture grows visibly.
const MAX_BUFFERED: Span = Span(100_000_000);

/// Buffers that are handed over only when they are full.
const SPARE_BUFFERS: usize = 2;

/// What happens to a packet when all buffers are waiting to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The worker waits: right for files, which wait too.
    Block,
    /// The packet is not written, but counted: right for live traffic, which does not wait.
    Drop,
}

/// Encodes the packets of one worker. Dropping it does what [`PacketSink::finish`] does.
#[derive(Debug)]
pub struct PacketSink {
    pub(super) worker: usize,
    pub(super) overflow: Overflow,
    pub(super) shared: Arc<Shared>,
    /// Full buffers go to the writer.
    pub(super) sender: Sender<Message>,
    /// And come back empty.
    pub(super) free: Receiver<Vec<u8>>,
    /// Buffers that may still be allocated.
    pub(super) quota: usize,
    pub(super) buffer_bytes: usize,
    pub(super) chunk: Option<Chunk>,
    pub(super) watermark: Timestamp,
    /// Time of the last packet, and the largest.
    pub(super) newest: Timestamp,
    /// Interfaces that the file describes, as far as this worker has looked.
    pub(super) ifaces: u32,
    /// By interface, packets that are missing from the file since its last written packet.
    pub(super) missing: Vec<u64>,
    pub(super) unwritten: u64,
}

impl PacketSink {
    /// Writes a packet, soon.
    ///
    /// # Panics
    ///
    /// If the file does not describe the packet's interface.
    #[inline]
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let IfaceId(iface) = packet.meta.iface;
        if iface >= self.ifaces {
            self.learn_ifaces(iface);
        }
        let lost = u64::from(packet.meta.lost);
        let block_len = packet.data.len() + MAX_PACKET_OVERHEAD;
        if self
            .chunk
            .as_ref()
            .is_some_and(|chunk| chunk.bytes.len() + block_len > self.buffer_bytes)
        {
            self.hand_over();
        }
        if self.chunk.is_none() {
            self.chunk = self.fresh_chunk();
        }
        let missing = &mut self.missing[iface as usize];
        let Some(chunk) = &mut self.chunk else {
            *missing += lost + 1;
            self.unwritten += 1;
            // Read by whoever shows counters; one writer, so no read-modify-write is needed.
            self.shared.workers[self.worker]
                .unwritten
                .store(self.unwritten, Ordering::Relaxed);
            return;
        };
        chunk.push(packet, lost + std::mem::take(missing));
        self.newest = self.newest.max(packet.meta.ts);
    }

    /// Promises that no packet older than `watermark` will be pushed. To be called after every burst
    /// and when nothing comes: other workers' packets wait for it, and so do the worker's own, so
    /// that a burst should be small against the memory of the buffers.
    pub fn advance(&mut self, watermark: Timestamp) {
        self.watermark = self.watermark.max(watermark);
        match &self.chunk {
            Some(chunk)
                if self.watermark.since(chunk.oldest) >= MAX_BUFFERED
                    && self.has_spare_buffers() =>
            {
                self.hand_over();
            }
            _ => {}
        }
        // What lies in the buffer has yet to come, for the writer.
        let published = match &self.chunk {
            Some(chunk) => self.watermark.min(chunk.oldest),
            None => self.watermark,
        };
        self.publish(published);
    }

    /// Hands over what is left, and promises that nothing more comes.
    pub fn finish(self) {
        drop(self);
    }

    fn publish(&self, watermark: Timestamp) {
        // Pairs with the writer's load in `Shared::bound`: whoever sees the mark finds in the
        // channel all chunks that were sent before it.
        self.shared.workers[self.worker]
            .watermark
            .fetch_max(watermark.0, Ordering::Release);
    }

    #[cold]
    fn learn_ifaces(&mut self, iface: u32) {
        // Pairs with the store in `PacketFile::add_iface`, which comes after the block was sent.
        self.ifaces = self.shared.ifaces.load(Ordering::Acquire);
        assert!(
            iface < self.ifaces,
            "interface {iface} was not described to the packet file"
        );
        self.missing.resize(self.ifaces as usize, 0);
    }

    /// Whether there are buffers enough to hand over one that is not full. The last ones are filled,
    /// or else a writer that waits for another worker would soon hold nothing but small change.
    fn has_spare_buffers(&self) -> bool {
        self.quota + self.free.len() >= SPARE_BUFFERS
    }

    fn hand_over(&mut self) {
        let Some(chunk) = self.chunk.take() else {
            return;
        };
        let packets = chunk.packets;
        // The channel has room for every buffer there is; it fails only when the writer is gone.
        if self.sender.send(Message::Chunk(chunk)).is_err() {
            self.unwritten += packets;
            self.shared.workers[self.worker]
                .unwritten
                .store(self.unwritten, Ordering::Relaxed);
        }
    }

    /// An empty buffer, if there is one or one comes free.
    fn fresh_chunk(&mut self) -> Option<Chunk> {
        let bytes = match self.free.try_recv() {
            Ok(bytes) => bytes,
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if self.quota > 0 => {
                self.quota -= 1;
                Vec::with_capacity(self.buffer_bytes)
            }
            Err(TryRecvError::Empty) => match self.overflow {
                Overflow::Drop => return None,
                Overflow::Block => self.wait_for_buffer()?,
            },
        };
        Some(Chunk::new(self.worker, bytes))
    }

    /// Waits, and lets the writer know that it must not wait for this worker's promise: a burst
    /// that is larger than all buffers would otherwise wait for itself.
    #[cold]
    fn wait_for_buffer(&self) -> Option<Vec<u8>> {
        let starving = &self.shared.workers[self.worker].starving;
        // Pairs with the load in `Shared::forced_bound`.
        starving.store(self.newest.0.saturating_add(1), Ordering::Release);
        let bytes = self.free.recv().ok();
        starving.store(0, Ordering::Release);
        bytes
    }
}

impl Drop for PacketSink {
    fn drop(&mut self) {
        self.hand_over();
        self.publish(Timestamp(u64::MAX));
    }
}
