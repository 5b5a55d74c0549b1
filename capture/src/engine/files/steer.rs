//! Whose a packet is: as live, a hash of its flow names the shard.

use capture_common::flow_hash::ring_of;

use super::super::Tracking;
use crate::dissect::{Checksums, Dissector, Layers, Steering};
use crate::packet::{LinkType, Packet, PacketMeta, Timestamp};
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

    /// Number of the shard of a packet, from 0.
    #[inline(always)]
    pub(super) fn shard_of(
        &mut self,
        link: LinkType,
        wire_len: u32,
        clock: Timestamp,
        data: &[u8],
    ) -> u32 {
        let hash = match self.steering.plain(link, data) {
            Some(hash) => hash,
            None => self.dissected(link, wire_len, clock, data),
        };
        ring_of(hash, self.shards)
    }

    /// The hash of a packet that takes more than a look.
    #[inline(never)]
    fn dissected(&mut self, link: LinkType, wire_len: u32, clock: Timestamp, data: &[u8]) -> u32 {
        let meta = PacketMeta {
            clock,
            wire_len,
            link,
            ..PacketMeta::UNKNOWN
        };
        self.dissector
            .dissect_into(&Packet { meta, data }, &mut self.layers);
        self.steering.hash(&self.layers, clock)
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
    fn wants(&mut self, link: LinkType, wire_len: u32, clock: Timestamp, data: &[u8]) -> bool {
        self.steer.shard_of(link, wire_len, clock, data) == self.own
    }
}
