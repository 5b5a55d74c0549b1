//! A burst of packets that lie in frame memory, from frames to [`Packet`]s.
//!
//! A frame has the header of a ring record in front of the packet, so both are read by the same code.
//! A packet of several frames is brought together in an arena; all others stay where they are.

use std::ops::Range;
use std::sync::Arc;

use capture_common::RingRecord;

use super::umem::{Frame, Umem};
use crate::packet::{Packet, Timestamp};
use crate::source::BURST;
use crate::source::ring::{KnownLinks, ReportRing, Told, parse};

/// Bytes of the arena after which a burst is closed; a packet is no longer than 64 KiB.
const ARENA_BYTES: usize = 256 << 10;

/// Packets that were taken and not yet lent.
#[derive(Debug, Default)]
pub(super) struct Burst {
    frames: Vec<Frame>,
    packets: Vec<Taken>,
    arena: Vec<u8>,
    /// What the kernel tells in between; `None` if it cuts no flow short.
    reports: Option<ReportRing>,
}

/// One of them.
#[derive(Debug)]
struct Taken {
    /// Its frames.
    frames: Range<usize>,
    /// Which memory they lie in.
    memory: usize,
    /// Packets that were lost before it.
    lost: u32,
    /// Where it lies in the arena; `None` if it has one frame.
    gathered: Option<Range<usize>>,
}

/// What numbers packets and gives them their time, beside what the kernel says of them.
#[derive(Debug)]
pub(super) struct Numbering {
    pub(super) next_frame: u64,
    pub(super) latest: Timestamp,
    pub(super) links: KnownLinks,
}

/// What the time is, and how far the queues were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// What has to be added to a time of the kernel's.
    pub(super) offset_ns: i64,
    /// No packet that is read later was seen before this.
    pub(super) watermark: Timestamp,
}

impl Burst {
    /// Has reports told between the packets.
    pub(super) fn tell(&mut self, reports: ReportRing) {
        self.reports = Some(reports);
    }

    /// Whether there are reports that come after all packets that were read.
    pub(super) fn has_reports(&self) -> bool {
        self.reports
            .as_ref()
            .is_some_and(|reports| !reports.is_empty())
    }

    /// How many packets were taken.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether it should be lent before more is taken.
    pub(super) fn is_full(&self) -> bool {
        self.packets.len() >= BURST || self.arena.len() >= ARENA_BYTES
    }

    /// Takes a packet, whose frames lie in `umem`, the one with this number.
    pub(super) fn take(
        &mut self,
        memory: usize,
        umem: &Umem,
        packet: impl Iterator<Item = Frame>,
        lost: u32,
    ) {
        let first = self.frames.len();
        self.frames.extend(packet);
        let frames = first..self.frames.len();
        let gathered = (frames.len() > 1).then(|| {
            let start = self.arena.len();
            for frame in &self.frames[frames.clone()] {
                self.arena.extend_from_slice(umem.bytes(frame));
            }
            start..self.arena.len()
        });
        if gathered.is_none()
            && let Some(frame) = self.frames.get(first)
        {
            umem.prefetch_frame(frame);
        }
        self.packets.push(Taken {
            frames,
            memory,
            lost,
            gathered,
        });
    }

    /// Lends what was taken with what is told in between, and gives the frames back afterwards, each with the
    /// number of its memory. Says how many of both there were; `None` if it has to wait for a report, and
    /// nothing was lent.
    pub(super) fn lend<'a>(
        &mut self,
        umem: impl Fn(usize) -> &'a Arc<Umem>,
        progress: Progress,
        numbering: &mut Numbering,
        on_burst: &mut impl FnMut(&[Packet<'_>], &[Told]),
        mut give_back: impl FnMut(usize, Frame),
    ) -> Option<usize> {
        let Self {
            frames,
            packets: taken,
            arena,
            reports,
        } = self;
        let Progress {
            offset_ns,
            watermark,
        } = progress;
        let first_frame = numbering.next_frame;
        let mut packets = [Packet::EMPTY; BURST];
        let mut used = 0;
        for packet in taken.iter() {
            let bytes = match &packet.gathered {
                Some(range) => &arena[range.clone()],
                None => umem(packet.memory).bytes(&frames[packet.frames.start]),
            };
            let Numbering {
                next_frame,
                latest,
                links,
            } = numbering;
            if let Some(mut packet_found) = parse(bytes, offset_ns, links, *next_frame, latest) {
                packet_found.meta.lost = packet_found.meta.lost.saturating_add(packet.lost);
                *next_frame += 1;
                packets[used] = packet_found;
                used += 1;
            }
        }
        let told = match reports {
            None => &[][..],
            Some(reports) => {
                let Some(told) = reports.place(&packets[..used], watermark, offset_ns) else {
                    numbering.next_frame = first_frame;
                    return None;
                };
                told
            }
        };
        let lent = used + told.len();
        if lent > 0 {
            on_burst(&packets[..used], told);
        }
        let mut memories = taken
            .iter()
            .flat_map(|packet| packet.frames.clone().map(|_| packet.memory));
        for frame in frames.drain(..) {
            if let Some(memory) = memories.next() {
                give_back(memory, frame);
            }
        }
        drop(memories);
        taken.clear();
        arena.clear();
        Some(lent)
    }
}

/// When a packet was seen, ns of the kernel's clock, and its flow hash: what routing needs of the
/// header in front of it. `None` if the frame is too short for one.
#[inline(always)]
pub(super) fn peek(bytes: &[u8]) -> Option<(u64, u32)> {
    let (header, _) = bytes.split_first_chunk::<{ RingRecord::LEN }>()?;
    let record = crate::source::ring::record(header);
    Some((record.mono_ns, record.flow_hash))
}
