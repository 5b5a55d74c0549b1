//! `AF_XDP` sockets as a source: for ports that are dedicated to capture (`--tap --af-xdp`).
//!
//! The program in the kernel counts and decides as it does for the rings, and then hands the frame to
//! the socket of its receive queue instead of copying it: the driver writes it into our memory itself
//! (zero copy), or the kernel copies it there.
//!
//! ```text
//!  queue 0 ──► socket, UMEM 0 ──► receiver 0 ─┬─► lane ──► worker 0 ── packets in time order
//!  queue 1 ──► socket, UMEM 1 ──► receiver 1 ─┼─► lane ──► worker 1      of all lanes
//!                       ▲                     │
//!                       └── fill ring ◄── empty chunks ◄── lanes back
//! ```
//!
//! A socket belongs to one queue, but a flow belongs to one shard, and not every card spreads both
//! directions of a connection to the same queue. So a thread for each queue routes by the flow hash
//! that the program computed. Descriptors cross between threads, bytes do not. With one queue and one
//! worker, the worker reads the queue itself.
//!
//! - `burst.rs` from frames to packets
//! - `counters.rs` what is counted for a queue
//! - `error.rs` what can be in the way
//! - `handover.rs` from queues to shards
//! - `mapped.rs` a ring in mapped memory
//! - `owner.rs` who has an `AF_XDP` socket
//! - `queue.rs` one queue: its socket, memory and rings
//! - `ring.rs` the protocol of a ring, model-checked
//! - `socket.rs` system calls
//! - `source.rs` what a worker reads
//! - `umem.rs` frame memory

mod burst;
mod counters;
mod error;
mod handover;
mod mapped;
mod owner;
mod queue;
mod ring;
mod socket;
mod source;
mod umem;

use std::fmt;
use std::os::fd::{AsRawFd as _, RawFd};
use std::sync::Arc;

use capture_common::{MAX_QUEUES, RingRecord};

pub use super::region::Pages;
pub use counters::{QueueTotals, XskTotals};
pub use error::XskError;
pub use handover::{Receiver, Step};
pub use queue::Queue;
pub use socket::Statistics;
pub use source::XskSource;

use counters::QueueCounters;
use queue::Wish;

use crate::iface::{self, Interface};
use crate::kernel::Clock;
use crate::source::ring::LinkTypes;

/// Which queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueId {
    /// Slot of the interface.
    pub slot: u16,
    /// Its name.
    pub iface_name: String,
    /// Number of the receive queue.
    pub queue: u32,
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} queue {}", self.iface_name, self.queue)
    }
}

/// Busy polling: the thread that reads runs the driver's softirq itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyPoll {
    /// For how long at a time, in microseconds (`SO_BUSY_POLL`).
    pub usecs: u32,
    /// Packets at a time at most (`SO_BUSY_POLL_BUDGET`).
    pub budget: u32,
}

/// How sockets are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XskOptions {
    /// Busy polling, if it is wanted.
    pub busy_poll: Option<BusyPoll>,
}

/// The sockets of a capture, one for each queue.
#[derive(Debug)]
pub struct Sockets {
    queues: Vec<Queue>,
}

impl Sockets {
    /// Chunks of a queue at least: what a driver takes for its own ring.
    const MIN_CHUNKS: u32 = 64;
    /// Chunks of a queue at most.
    const MAX_CHUNKS: u32 = 1 << 22;

    /// Opens a socket for each receive queue of the interfaces, whose position is their slot. All of
    /// them share `memory_bytes`.
    ///
    /// # Errors
    ///
    /// What is in the way.
    pub fn open(
        ifaces: &[&Interface],
        memory_bytes: u64,
        options: XskOptions,
    ) -> Result<Self, XskError> {
        let counts: Vec<_> = ifaces.iter().map(|iface| queue_count(iface)).collect();
        let all: u64 = counts.iter().map(|count| u64::from(count.queues)).sum();
        let share = memory_bytes / all.max(1);
        let mut queues = Vec::new();
        for (slot, (interface, count)) in ifaces.iter().zip(counts).enumerate() {
            if count.queues as usize > MAX_QUEUES {
                return Err(XskError::TooManyQueues {
                    iface: interface.name.clone(),
                    count: count.queues,
                    max: MAX_QUEUES,
                });
            }
            let wish = wish(interface, share, options);
            for queue in 0..count.queues {
                let id = QueueId {
                    slot: slot as u16,
                    iface_name: interface.name.clone(),
                    queue,
                };
                match Queue::open(&id, wish) {
                    Ok(queue) => queues.push(queue),
                    // Where the driver does not say how many it has, this is how the kernel says it.
                    Err(XskError::Kernel { source, .. })
                        if !count.certain
                            && queue > 0
                            && source.raw_os_error() == Some(libc::EINVAL) =>
                    {
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { queues })
    }

    /// The sockets with their queues, for the map that the program looks them up in.
    pub fn descriptors(&self) -> impl Iterator<Item = (&QueueId, RawFd)> {
        self.queues
            .iter()
            .map(|queue| (queue.id(), queue.as_raw_fd()))
    }

    /// One line for queues in a row that are alike: which they are, and how frames get to us.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let traits = |queue: &Queue| (queue.is_zero_copy(), queue.frames(), queue.pages());
        self.queues
            .chunk_by(|a, b| a.id().slot == b.id().slot && traits(a) == traits(b))
            .filter_map(|alike| {
                let (first, last) = (alike.first()?, alike.last()?);
                let numbers = match (first.id().queue, last.id().queue) {
                    (one, other) if one == other => format!("queue {one}"),
                    (one, other) => format!("queues {one}-{other}"),
                };
                let mode = if first.is_zero_copy() {
                    "without a copy"
                } else {
                    "with a copy (the driver has no zero-copy mode, or not for this)"
                };
                let (frames, bytes) = first.frames();
                let pages = match first.pages() {
                    Pages::Huge => ", in huge pages",
                    Pages::Usual => "",
                };
                let each = if alike.len() > 1 { " each" } else { "" };
                Some(format!(
                    "{} {numbers}: AF_XDP {mode}, {frames} frames of {bytes} bytes{each}{pages}",
                    first.id().iface_name
                ))
            })
            .collect()
    }

    /// Connects the queues with so many workers: a source for each, and what has to run between.
    /// `links` are the link types of the interfaces.
    #[must_use]
    pub fn connect(
        self,
        workers: usize,
        clock: &Arc<Clock>,
        links: &LinkTypes,
    ) -> (Vec<XskSource>, Vec<Receiver>, XskCounters) {
        let counters = XskCounters(
            self.queues
                .iter()
                .map(|queue| (queue.id().clone(), Arc::clone(queue.counters())))
                .collect(),
        );
        let mut queues = self.queues;
        if workers == 1
            && queues.len() == 1
            && let Some(queue) = queues.pop()
        {
            let source = XskSource::of_queue(queue, Arc::clone(clock), links.clone());
            return (vec![source], Vec::new(), counters);
        }
        let mut of_workers: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        let receivers = queues
            .into_iter()
            .map(|queue| {
                let (receiver, lanes) = handover::connect(queue, workers);
                for (lanes_of_worker, lane) in of_workers.iter_mut().zip(lanes) {
                    lanes_of_worker.push(lane);
                }
                receiver
            })
            .collect();
        let sources = of_workers
            .into_iter()
            .enumerate()
            .map(|(worker, lanes)| {
                XskSource::of_lanes(lanes, worker as u16, Arc::clone(clock), links.clone())
            })
            .collect();
        (sources, receivers, counters)
    }
}

/// The counters of all queues, for reading.
#[derive(Clone, Debug)]
pub struct XskCounters(Vec<(QueueId, Arc<QueueCounters>)>);

impl XskCounters {
    /// What each queue counted so far.
    #[must_use]
    pub fn read(&self) -> Vec<(QueueId, QueueTotals)> {
        let Self(queues) = self;
        queues
            .iter()
            .map(|(id, counters)| (id.clone(), counters.read()))
            .collect()
    }

    /// All of it together, of one interface or of all.
    #[must_use]
    pub fn totals(&self, slot: Option<u16>) -> XskTotals {
        let Self(queues) = self;
        let mut totals = XskTotals::default();
        for (id, counters) in queues {
            if slot.is_none_or(|slot| slot == id.slot) {
                totals.add(&counters.read());
            }
        }
        totals
    }
}

/// How many receive queues an interface has.
#[derive(Clone, Copy)]
struct QueueCount {
    queues: u32,
    /// The driver says so; else it is what the kernel keeps for it at most.
    certain: bool,
}

fn queue_count(interface: &Interface) -> QueueCount {
    let channels = iface::channels(&interface.name).map(|channels| channels.rx + channels.combined);
    match channels {
        Some(queues) if queues > 0 => QueueCount {
            queues,
            certain: true,
        },
        _ => QueueCount {
            queues: interface.rx_queues.clamp(1, MAX_QUEUES as u32),
            certain: false,
        },
    }
}

/// How the queues of an interface are to be opened, with so much memory for each.
fn wish(interface: &Interface, memory_bytes: u64, options: XskOptions) -> Wish {
    /// An Ethernet header with two VLAN tags.
    const LINK_LEN: u32 = 14 + 2 * 4;
    let longest = interface
        .mtu
        .saturating_add(LINK_LEN + RingRecord::LEN as u32);
    let chunk_bytes = if queue::fits(longest, 2048) {
        2048
    } else {
        4096
    };
    let chunks = (memory_bytes / u64::from(chunk_bytes)).clamp(
        u64::from(Sockets::MIN_CHUNKS),
        u64::from(Sockets::MAX_CHUNKS),
    ) as u32;
    // Down to a power of two: the largest bit that is set.
    let chunks = 1 << chunks.ilog2();
    let features = iface::xdp_features(interface.index).ok().flatten();
    Wish {
        ifindex: interface.index,
        chunk_bytes,
        chunks,
        try_zero_copy: features.is_none_or(iface::XdpFeatures::zero_copy),
        fits: queue::fits(longest, chunk_bytes),
        busy_poll: options.busy_poll,
    }
}
