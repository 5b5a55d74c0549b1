//! Whether what was asked for fits into the memory that there is, before any of it is taken.
//!
//! Rings are taken at once, tables as flows come: without a look ahead, the first would drive the
//! machine into the out-of-memory killer, and the second would end the capture when it matters.

use super::{EngineError, Tracking};
use crate::doctor::free_memory;
use crate::flow::FlowTable;

/// Checks that tables and rings, `ring_bytes` of them in all, leave something of what is free.
///
/// # Errors
///
/// When they do not, with the options that decide it.
pub(super) fn check(
    tracking: &Tracking,
    workers: usize,
    ring_bytes: u64,
) -> Result<(), EngineError> {
    let Some(free) = free_memory() else {
        return Ok(());
    };
    let tables = FlowTable::max_bytes(tracking.share(workers)).saturating_mul(workers as u64);
    if tables.saturating_add(ring_bytes) <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(EngineError::Memory {
        tables_mib: mib(tables),
        rings_mib: mib(ring_bytes),
        free_mib: free >> 20,
    })
}
