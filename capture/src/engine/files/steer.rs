//! Whose a packet is, as the kernel decides it live: the flow hash names the shard.

use capture_common::flow_hash::ring_of;

use super::super::Tracking;
use crate::dissect::{Checksums, Dissector, Layers, Steering};
use crate::packet::{Packet, PacketMeta};
use crate::source::file::Choice;

/// Finds the shard of a packet. It has to see all of them: fragments follow their first one.
#[derive(Debug)]
pub(super) struct Steer {
    shards: u32,
    dissector: Dissector,
    steering: Steering,
    /// Of the packet at hand.
    layers: Box<Layers>,
}

impl Steer {
    pub(super) fn new(tracking: &Tracking, shards: usize) -> Self {
        Self {
            shards: u32::try_from(shards).unwrap_or(u32::MAX).max(1),
            // Where a packet goes does not depend on checksums.
            dissector: Dissector {
                checksums: Checksums::Ignore,
                ..tracking.dissector
            },
            steering: Steering::new(tracking.seed),
            layers: Box::new(Layers::EMPTY),
        }
    }

    /// Number of the shard, from 0.
    #[inline(always)]
    pub(super) fn shard_of(&mut self, meta: &PacketMeta, data: &[u8]) -> u32 {
        let hash = match self.steering.plain(meta.link, data) {
            Some(hash) => hash,
            None => self.dissected(meta, data),
        };
        ring_of(hash, self.shards)
    }

    /// The hash of a packet that takes more than a look.
    #[inline(never)]
    fn dissected(&mut self, meta: &PacketMeta, data: &[u8]) -> u32 {
        let packet = Packet { meta: *meta, data };
        self.dissector.dissect_into(&packet, &mut self.layers);
        self.steering.hash(&self.layers, meta.clock)
    }
}

/// The packets of one shard.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) steer: Steer,
    pub(super) own: u32,
}

impl Choice for Share {
    #[inline(always)]
    fn wants(&mut self, meta: &PacketMeta, data: &[u8]) -> bool {
        self.steer.shard_of(meta, data) == self.own
    }
}
