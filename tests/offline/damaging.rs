//! Frames that are damaged at random, dissected with all fields: nothing may panic.

use std::sync::Arc;

use capture::packet::{LinkType, Packet, PacketMeta, Timestamp};
use capture::read::{Columns, Frames, Tree, Wanted, walk};
use capture::source::file::PacketOptions;

/// Dissects frames with all fields, damaged by a generator of numbers that is the same everywhere (Marsaglia's
/// xorshift).
pub(crate) struct Damaging {
    state: u64,
    number: u64,
    dissecting: Frames,
    tree: Tree,
    columns: Columns,
}

impl Damaging {
    pub(crate) fn new() -> Self {
        Self {
            state: 0x2545_f491_4f6c_dd1d,
            number: 0,
            dissecting: Frames::default(),
            tree: Tree::new(Arc::new(Wanted::all())),
            columns: Columns::default(),
        }
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % bound as u64) as usize
    }

    /// Changes a few bytes, and may cut the rest off. Headers of so many bytes stay mostly as they are, so that
    /// what follows them is reached.
    pub(crate) fn damage(&mut self, data: &mut Vec<u8>, headers_len: usize) {
        for _ in 0..self.below(6) {
            let front = match headers_len {
                0 => 0,
                len => len.min(data.len() - 1) * self.below(2),
            };
            let at = front + self.below(data.len() - front);
            let other = self.below(256) as u8;
            data[at] = [0, 1, 0x7f, 0xff, 0xc0, other][self.below(6)];
        }
        if self.below(4) == 0 {
            data.truncate(self.below(data.len()) + 1);
        }
    }

    /// Dissects a frame of which some of the end may be missing.
    pub(crate) fn dissect(&mut self, link: LinkType, data: &[u8]) -> &Tree {
        self.number += 1;
        let meta = PacketMeta {
            link,
            ts: Timestamp(self.number * 1000),
            wire_len: (data.len() + self.below(2) * self.below(100)) as u32,
            ..PacketMeta::UNKNOWN
        };
        let frame = alone(self.number, Packet { meta, data });
        self.dissecting
            .dissect(&frame, &mut self.tree, &mut self.columns);
        &self.tree
    }
}

/// A frame of which nothing is known but its packet.
pub(crate) fn alone(number: u64, packet: Packet<'_>) -> walk::Frame<'_> {
    walk::Frame {
        number,
        packet,
        iface: None,
        section: None,
        options: PacketOptions::default(),
        first: Timestamp(0),
        previous: Timestamp(0),
        previous_shown: Timestamp(0),
    }
}
