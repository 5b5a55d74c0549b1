//! The kernel's table of flows that are cut short, read by the workers.

use std::sync::Arc;

use aya::maps::{Array, MapData};
use capture_common::CutReport;
use capture_common::cutoff::{CutSet, WAYS};

use super::clock::Clock;
use crate::flow::CutTable;
use crate::packet::Timestamp;

/// The table as the kernel's map has it.
pub(super) struct CutMap {
    map: Array<MapData, CutSet>,
    clock: Arc<Clock>,
}

impl std::fmt::Debug for CutMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CutMap").finish_non_exhaustive()
    }
}

impl CutMap {
    pub(super) const fn new(map: Array<MapData, CutSet>, clock: Arc<Clock>) -> Self {
        Self { map, clock }
    }
}

impl CutTable for CutMap {
    /// While programs run, the numbers can be of slightly different moments. Each only grows, so what one
    /// reading lacks is in the next.
    fn read(&self, slot: u32) -> Option<CutReport> {
        const WAYS_U32: u32 = WAYS as u32;
        let set = self.map.get(&(slot / WAYS_U32), 0).ok()?;
        let entry = set.entries.get((slot % WAYS_U32) as usize)?;
        Some(CutReport {
            ends: entry.ends,
            slot,
            generation: entry.generation,
            totals: entry.halves.map(|half| half.totals),
        })
    }

    fn timestamp(&self, mono_ns: u64) -> Timestamp {
        Timestamp(mono_ns.wrapping_add_signed(self.clock.offset_ns()))
    }
}
