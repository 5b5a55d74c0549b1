//! What the kernel left out of flows past their cutoff, brought back into what is said of them.
//!
//! The kernel tells totals that only grow (see [`capture_common::cutoff`]), in a report before the next
//! packet of the flow; what it has not told yet is read from its table when a flow ends. Here stands
//! what was taken into account already, so that nothing is counted twice or lost, in whatever order and
//! however often it is told.

use std::collections::HashMap;
use std::sync::Arc;

use capture_common::CutReport;
use capture_common::cutoff::{CutEnds, CutTotals};

use super::key::{AnyKey, Direction, key_of};
use super::state::Counts;
use crate::dissect::Addresses;
use crate::packet::Timestamp;

/// The kernel's table of flows that are cut short.
pub trait CutTable: std::fmt::Debug + Send + Sync {
    /// What stands in a place now; `None` if it cannot be read.
    fn read(&self, slot: u32) -> Option<CutReport>;
    /// A time of the kernel's as packets have it.
    fn timestamp(&self, mono_ns: u64) -> Timestamp;
}

/// What was left out of one direction of a flow, one run of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) counts: Counts,
    /// Bytes of payload.
    pub(crate) payload_bytes: u64,
    /// TCP: the sequence number behind it.
    pub(crate) next_seq: Option<u32>,
    /// When the last packet came.
    pub(crate) last_ts: Timestamp,
}

impl Skipped {
    pub(crate) const fn is_none(&self) -> bool {
        self.counts.packets == 0
    }

    fn add(&mut self, later: &Self) {
        self.counts.packets += later.counts.packets;
        self.counts.wire_bytes += later.counts.wire_bytes;
        self.counts.ip_bytes += later.counts.ip_bytes;
        self.payload_bytes += later.payload_bytes;
        self.next_seq = later.next_seq.or(self.next_seq);
        self.last_ts = self.last_ts.max(later.last_ts);
    }
}

/// A flow of which something was left out.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Its place in the kernel's table; `None` if it has had none.
    place: Option<(u32, u32)>,
    /// The place is another flow's by now. What was told of it stays known: a report that another CPU made
    /// before can come after the last one.
    gone: bool,
    /// Which way the first of the kernel's directions goes.
    first: Direction,
    /// What was told of that place, by the kernel's directions.
    told: [CutTotals; 2],
    /// What waits for its flow to begin.
    waiting: [Skipped; 2],
    /// Left out since the flow's last record, by direction.
    left_out: [Counts; 2],
}

impl Known {
    const NEW: Self = Self {
        place: None,
        gone: false,
        first: Direction::Forward,
        told: [CutTotals {
            packets: 0,
            wire_bytes: 0,
            ip_bytes: 0,
            payload_bytes: 0,
            last_ns: 0,
            next_seq: 0,
            flags: 0,
        }; 2],
        waiting: [Skipped {
            counts: Counts::ZERO,
            payload_bytes: 0,
            next_seq: None,
            last_ts: Timestamp(0),
        }; 2],
        left_out: [Counts::ZERO; 2],
    };
}

/// All flows of a shard that were cut short.
#[derive(Debug)]
pub(crate) struct Cuts {
    table: Arc<dyn CutTable>,
    /// No more than the kernel follows, and those that go on.
    known: HashMap<AnyKey, Known>,
    /// Flows that something waits for.
    waiting: usize,
    /// Packets that were found to be left out, and are in their flow's counts.
    pub(crate) counted: u64,
}

impl Cuts {
    pub(crate) fn new(table: Arc<dyn CutTable>) -> Self {
        Self {
            table,
            known: HashMap::new(),
            waiting: 0,
            counted: 0,
        }
    }

    /// Takes a report: of whom it is, and what was not known of it, by direction.
    pub(crate) fn take(&mut self, report: &CutReport) -> (AnyKey, [Skipped; 2]) {
        let (key, first) = key_of_ends(&report.ends);
        let known = self.known.entry(key).or_insert(Known::NEW);
        let place = (report.slot, report.generation);
        if known.place != Some(place) {
            known.place = Some(place);
            known.gone = false;
            known.first = first;
            known.told = Known::NEW.told;
        }
        let mut skipped = [Skipped::default(); 2];
        let directions = [first, first.opposite()];
        for ((now, told), direction) in report.totals.iter().zip(&mut known.told).zip(directions) {
            skipped[direction.index()] = since(told, now, self.table.as_ref());
        }
        (key, skipped)
    }

    /// What the kernel's table says of a flow, and was not told yet.
    pub(crate) fn look(&mut self, key: &AnyKey) -> Option<[Skipped; 2]> {
        let known = self.known.get(key).filter(|known| !known.gone)?;
        let (slot, generation) = known.place?;
        let report = self.table.read(slot)?;
        if report.generation != generation {
            // Another flow has the place; what it says of this one is on its way.
            return None;
        }
        Some(self.take(&report).1)
    }

    /// The flow of a report is in the table: what was left out is counted as its.
    pub(crate) fn count(&mut self, key: &AnyKey, skipped: &[Skipped; 2]) {
        let Some(known) = self.known.get_mut(key) else {
            return;
        };
        for (left_out, skipped) in known.left_out.iter_mut().zip(skipped) {
            left_out.add(&skipped.counts);
            self.counted += skipped.counts.packets;
        }
    }

    /// The flow of a report is not in the table: it waits until it is.
    pub(crate) fn keep(&mut self, key: &AnyKey, skipped: &[Skipped; 2]) {
        let Some(known) = self.known.get_mut(key) else {
            return;
        };
        if known.waiting.iter().all(Skipped::is_none) {
            self.waiting += 1;
        }
        for (waiting, skipped) in known.waiting.iter_mut().zip(skipped) {
            waiting.add(skipped);
        }
    }

    /// What waited for a flow that begins.
    #[inline(always)]
    pub(crate) fn waiting_for(&mut self, key: &AnyKey) -> Option<[Skipped; 2]> {
        if self.waiting == 0 {
            return None;
        }
        let known = self.known.get_mut(key)?;
        let waiting = std::mem::take(&mut known.waiting);
        if waiting.iter().all(Skipped::is_none) {
            return None;
        }
        self.waiting -= 1;
        Some(waiting)
    }

    /// The payload of a packet was left out in part, so many bytes.
    pub(crate) fn trim(&mut self, key: AnyKey, direction: Direction, bytes: u64) {
        let known = self.known.entry(key).or_insert(Known::NEW);
        known.left_out[direction.index()].wire_bytes += bytes;
    }

    /// What was left out since the last record of a flow, by direction.
    pub(crate) fn left_out(&self, key: &AnyKey) -> [Counts; 2] {
        self.known
            .get(key)
            .map_or([Counts::ZERO; 2], |known| known.left_out)
    }

    /// A record was written; if the flow has ended, it is not needed any more unless the kernel goes on
    /// to follow it.
    pub(crate) fn reported(&mut self, key: &AnyKey, has_ended: bool) {
        let Some(known) = self.known.get_mut(key) else {
            return;
        };
        known.left_out = [Counts::ZERO; 2];
        if has_ended && (known.gone || known.place.is_none()) {
            self.known.remove(key);
        }
    }

    /// The kernel has given the place to another flow; `lives` if this one is in the table.
    pub(crate) fn gone(&mut self, key: &AnyKey, lives: bool) {
        let Some(known) = self.known.get_mut(key) else {
            return;
        };
        known.gone = true;
        if !lives && known.waiting.iter().all(Skipped::is_none) {
            self.known.remove(key);
        }
    }
}

/// What came since `told`, which is brought up to date. Reports of several CPUs can overtake each other.
fn since(told: &mut CutTotals, now: &CutTotals, table: &dyn CutTable) -> Skipped {
    let more = |told: &mut u64, now: u64| {
        let more = now.saturating_sub(*told);
        *told += more;
        more
    };
    Skipped {
        counts: Counts {
            packets: more(&mut told.packets, now.packets),
            wire_bytes: more(&mut told.wire_bytes, now.wire_bytes),
            ip_bytes: more(&mut told.ip_bytes, now.ip_bytes),
        },
        payload_bytes: more(&mut told.payload_bytes, now.payload_bytes),
        next_seq: (now.flags & CutTotals::KNOWN != 0).then_some(now.next_seq),
        last_ts: table.timestamp(now.last_ns),
    }
}

fn key_of_ends(ends: &CutEnds) -> (AnyKey, Direction) {
    let addresses = if ends.version == 4 {
        let [src, _] = ends.src;
        let [dst, _] = ends.dst;
        Addresses::V4 {
            src: src as u32,
            dst: dst as u32,
        }
    } else {
        Addresses::V6 {
            src: ends.src,
            dst: ends.dst,
        }
    };
    key_of(
        addresses,
        u16::from_be(ends.src_port),
        u16::from_be(ends.dst_port),
        ends.protocol,
    )
}
