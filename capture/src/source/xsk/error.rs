//! What can be in the way of `AF_XDP`, in words that say what to do.

use std::io;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum XskError {
    /// The kernel was built without.
    #[error(
        "this kernel has no AF_XDP sockets, or not all of it (CONFIG_XDP_SOCKETS, Linux 5.9 or later); leave out --af-xdp"
    )]
    Missing,
    /// Too few rights.
    #[error("not permitted: AF_XDP needs root or the capability CAP_NET_RAW; try sudo")]
    NotPermitted,
    /// Frame memory may not be locked.
    #[error(
        "{mib} MiB of frame memory for each queue may not be locked (RLIMIT_MEMLOCK); raise the limit (ulimit -l \
         unlimited), give this program CAP_IPC_LOCK, or use a smaller --ring-size"
    )]
    Locked {
        /// Memory of one queue, MiB.
        mib: u64,
    },
    /// There is not enough memory.
    #[error(
        "no memory for {mib} MiB of frames for each queue ({source}); use a smaller --ring-size or fewer --workers"
    )]
    Memory {
        /// Memory of one queue, MiB.
        mib: u64,
        /// What the kernel said.
        source: io::Error,
    },
    /// Somebody else has a socket there.
    #[error(
        "queue {queue} of {iface} already has an AF_XDP socket{}; end that program first",
        owner.as_ref().map(|owner| format!(", probably of {owner}")).unwrap_or_default()
    )]
    Busy {
        /// The interface.
        iface: String,
        /// The queue.
        queue: u32,
        /// Who has one, as far as it can be seen.
        owner: Option<String>,
    },
    /// More queues than there is room for.
    #[error(
        "{iface} has {count} receive queues, and at most {max} can have an AF_XDP socket; use fewer \
         (ethtool -L {iface} combined N)"
    )]
    TooManyQueues {
        /// The interface.
        iface: String,
        /// How many it has.
        count: u32,
        /// How many it may have.
        max: usize,
    },
    /// Anything else that the kernel would not do.
    #[error("{what} failed for queue {queue} of {iface}: {source}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// The interface.
        iface: String,
        /// The queue.
        queue: u32,
        /// What the kernel said.
        source: io::Error,
    },
}
