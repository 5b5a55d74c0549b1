//! Builds a run from a plan: threads, queues, files; starts it, stops it, and accounts for it.
//!
//! - `affinity.rs` which CPU a thread runs on
//! - `budget.rs` whether it fits into memory
//! - `change.rs` changes to a running capture
//! - `files/` capture files through the shards
//! - `filtering.rs` the capture filter of files
//! - `fresh.rs` takes away what a start that fails has made
//! - `host.rs` what a capture file says of the machine
//! - `ifaces.rs` interfaces that come and go
//! - `ledger.rs` what became of every packet
//! - `limit.rs` when to stop, and the worker's pauses
//! - `live.rs` rings and sockets through the shards
//! - `receivers.rs` the threads that read the queues of `AF_XDP` sockets

mod affinity;
mod budget;
mod change;
mod files;
mod filtering;
mod fresh;
mod host;
mod ifaces;
mod ledger;
mod limit;
mod live;
mod receivers;

pub use affinity::pin;
pub use change::Change;
pub use files::{FileRun, FileRunError, FilesPlan, Progress};
pub use filtering::{FileFilter, FilePrograms, IfaceFilterError};
pub use ifaces::{IfaceEvent, IfaceReport, LiveIface};
pub(crate) use ledger::grouped;
pub use ledger::{Check, Ledger, Written};
pub use limit::Limit;
pub use live::{LiveCapture, LivePlan, LiveReport, Snapshot};

use std::path::PathBuf;

use crate::dissect::Dissector;
use crate::flow::{Limits, Timeouts};
use crate::sink::flows::FlowFileOptions;
use crate::sink::pcapng::Rotation;
use crate::sink::{Existing, SinkError};

/// What a run writes.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The pcapng file; `-` is standard output, `None` writes no packets.
    pub packets: Option<PathBuf>,
    /// Several pcapng files in a row instead of one.
    pub rotation: Option<Rotation>,
    /// Where connection records go, and how; `None` writes none.
    pub flows: Option<FlowFileOptions>,
    /// What happens to a pcapng file that exists.
    pub existing: Existing,
    /// Memory for packets on their way to the disk, bytes.
    pub buffer_bytes: usize,
}

/// How flows are tracked.
#[derive(Clone, Copy, Debug)]
pub struct Tracking {
    /// Bounds of all shards together.
    pub limits: Limits,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Seed of the hash tables.
    pub seed: u64,
    /// What is looked at in packets.
    pub dissector: Dissector,
}

impl Tracking {
    /// The part of one of `shards` shards. Hashes spread flows evenly but not exactly, so each shard
    /// may hold a sixteenth more than its share.
    pub(crate) fn share(&self, shards: usize) -> Limits {
        let shards = u32::try_from(shards).unwrap_or(u32::MAX).max(1);
        let share = |all: u32| {
            let share = all.div_ceil(shards);
            let slack = if shards > 1 { share / 16 + 16 } else { 0 };
            share.saturating_add(slack).max(1)
        };
        Limits {
            max_flows: share(self.limits.max_flows),
            max_details: share(self.limits.max_details),
        }
    }
}

/// Why a run could not be started or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The kernel side.
    #[error(transparent)]
    Attach(#[from] crate::kernel::AttachError),
    /// An output.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A capture file.
    #[error(transparent)]
    File(#[from] crate::source::file::FileError),
    /// The capture filter, on the first file.
    #[error(transparent)]
    Filter(#[from] IfaceFilterError),
    /// It does not fit.
    #[error(
        "not enough memory: up to {tables_mib} MiB for connections (--max-flows) and {rings_mib} MiB for \
         rings (--ring-size times --workers), but {free_mib} MiB are free; ask for less of them"
    )]
    Memory {
        /// What the tables take when they are full, MiB.
        tables_mib: u64,
        /// What the rings take, MiB.
        rings_mib: u64,
        /// What there is, MiB.
        free_mib: u64,
    },
    /// The `AF_XDP` sockets.
    #[error(transparent)]
    Xsk(#[from] crate::source::xsk::XskError),
    /// A ring could not be mapped.
    #[error("cannot map a ring: {0}")]
    Ring(std::io::Error),
    /// A thread could not be started.
    #[error("cannot start a worker thread: {0}")]
    Thread(std::io::Error),
    /// A thread panicked: a bug here.
    #[error("a worker thread panicked; this is a bug, please report it with the message above")]
    Panicked,
}
