//! A buffer of encoded packets on its way from a worker to the file, with what the writer needs to
//! know of it so that it need not look inside.

use super::blocks;
use crate::packet::{Packet, Timestamp};

/// Encoded packets of one worker.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) worker: usize,
    pub(super) bytes: Vec<u8>,
    /// Packets that are still to be written.
    pub(super) packets: u64,
    pub(super) oldest: Timestamp,
    pub(super) newest: Timestamp,
    pub(super) order: Order,
    /// Where what is still to be written starts.
    pub(super) at: usize,
}

/// Whether the packets of a chunk are in time order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Sorted,
    Unsorted,
}

impl Chunk {
    /// An empty chunk that uses the memory of `bytes`.
    pub(super) fn new(worker: usize, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        let (oldest, newest) = (Timestamp(u64::MAX), Timestamp(0));
        Self {
            worker,
            bytes,
            packets: 0,
            oldest,
            newest,
            order: Order::Sorted,
            at: 0,
        }
    }

    /// Encodes one more packet.
    #[inline]
    pub(super) fn push(&mut self, packet: &Packet<'_>, lost: u64) {
        blocks::enhanced_packet(&mut self.bytes, packet, lost);
        let ts = packet.meta.ts;
        if ts < self.newest {
            self.order = Order::Unsorted;
        }
        self.oldest = self.oldest.min(ts);
        self.newest = self.newest.max(ts);
        self.packets += 1;
    }

    /// What is still to be written.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Start, length and time of each packet that is still to be written.
    pub(super) fn packets(&self) -> impl Iterator<Item = (usize, usize, Timestamp)> {
        Blocks {
            bytes: &self.bytes,
            at: self.at,
        }
    }

    /// Forgets the packets that `is_written` says yes to.
    pub(super) fn retain(&mut self, is_written: impl Fn(Timestamp) -> bool) {
        let (mut oldest, mut newest, mut packets) = (Timestamp(u64::MAX), Timestamp(0), 0);
        let (mut from, start) = (self.at, self.at);
        let mut to = start;
        while let Some((block_len, ts)) = blocks::packet_at(&self.bytes[from..]) {
            if !is_written(ts) {
                if to != from {
                    self.bytes.copy_within(from..from + block_len, to);
                }
                to += block_len;
                (oldest, newest, packets) = (oldest.min(ts), newest.max(ts), packets + 1);
            }
            from += block_len;
        }
        self.bytes.truncate(to);
        (self.oldest, self.newest, self.packets) = (oldest, newest, packets);
    }

    /// Forgets the first `packets`, which end at `at`. Only for sorted chunks.
    pub(super) fn skip(&mut self, packets: u64, at: usize) {
        self.packets -= packets;
        self.at = at;
        if let Some((_, ts)) = blocks::packet_at(self.rest()) {
            self.oldest = ts;
        }
    }
}

/// Walks over encoded packets.
pub(super) struct Blocks<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Iterator for Blocks<'_> {
    type Item = (usize, usize, Timestamp);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (block_len, ts) = blocks::packet_at(&self.bytes[self.at..])?;
        let start = self.at;
        self.at += block_len;
        Some((start, block_len, ts))
    }
}
