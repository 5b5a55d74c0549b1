//! The contract between the eBPF programs and userspace.
//!
//! Everything that both sides read lies here and nowhere else: the layout of a ring record, the
//! counters, the settings that are patched into the object before it is loaded, and the flow hash.
//! Layouts are `repr(C)`, without implicit padding, with sizes asserted at compile time.
//!
//! **The rule for changing it:** a change here changes the eBPF object, so `cargo xtask ebpf` has to
//! run afterwards; the build refuses an object that is older than these sources.

#![no_std]

pub mod counters;
pub mod cutoff;
pub mod flow_hash;
pub mod generator;
#[cfg(feature = "user")]
mod pod;
pub mod record;
pub mod ring;
pub mod settings;
pub mod xdp_flags;

pub use counters::HookCounters;
pub use cutoff::{CutReport, CutSet};
pub use flow_hash::{FragmentKey, flow_hash, ring_of};
pub use generator::{GeneratorCounters, GeneratorSettings, GeneratorSizes};
pub use record::{Hook, RingRecord};
pub use settings::{IfaceEntry, Settings};

/// Rings that the programs can choose from, and so the largest number of workers.
pub const MAX_RINGS: usize = 64;

/// Interfaces that one set of programs can serve at once.
pub const MAX_IFACES: usize = 128;

/// Receive queues of an interface that can have an `AF_XDP` socket.
pub const MAX_QUEUES: usize = 256;

/// Index of the `AF_XDP` socket of a queue in the map of sockets; `None` if there are too many queues.
#[must_use]
#[inline(always)]
pub const fn socket_index(slot: u32, queue: u16) -> Option<u32> {
    if (queue as usize) < MAX_QUEUES {
        Some(slot * MAX_QUEUES as u32 + queue as u32)
    } else {
        None
    }
}

/// Bytes of one frame that the largest ring record has room for. It holds the largest IPv4 or IPv6
/// GSO frame with an Ethernet header and four VLAN tags; only BIG TCP frames are longer, and they
/// are cut to this length.
pub const MAX_CAP_LEN: u32 = 65_600;
