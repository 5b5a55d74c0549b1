//! One receive queue: its socket, its frame memory, its two rings.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use super::counters::QueueCounters;
use super::error::XskError;
use super::mapped::{Descriptor, MappedRing};
use super::owner;
use super::ring::{Consumer, Producer};
use super::socket::{Socket, Statistics};
use super::umem::{Chunk, Frame, Umem};
use super::{BusyPoll, QueueId};
use crate::source::region::Pages;

/// Room that the kernel keeps in front of each frame (`XDP_PACKET_HEADROOM`).
const HEADROOM: u32 = 256;

/// How a queue is to be opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// The kernel's index of the interface.
    pub(super) ifindex: u32,
    pub(super) chunk_bytes: u32,
    /// A power of two.
    pub(super) chunks: u32,
    /// Whether the driver may write into our memory itself; `false` where it says that it cannot.
    pub(super) try_zero_copy: bool,
    /// Whether a frame of the interface's MTU fits a chunk.
    pub(super) fits: bool,
    pub(super) busy_poll: Option<BusyPoll>,
}

/// A receive queue, read by one thread.
#[derive(Debug)]
pub struct Queue {
    id: QueueId,
    umem: Arc<Umem>,
    fill: Producer<MappedRing<u64>>,
    receive: Consumer<MappedRing<Descriptor>>,
    socket: Socket,
    /// Chunks that are ours and empty; they go to the fill ring.
    free: Vec<Chunk>,
    counters: Arc<QueueCounters>,
    zero_copy: bool,
    busy_poll: bool,
    /// What the kernel had dropped when it was last asked.
    dropped: u64,
    /// Frames of the packet that is being taken; kept for its memory.
    packet: Vec<Frame>,
}

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Queue {
    /// Opens a queue in the best way that its driver has: without a copy if it can, with frames of
    /// several buffers if the kernel can.
    pub(super) fn open(id: &QueueId, wish: Wish) -> Result<Self, XskError> {
        const SHARED: u16 = libc::XDP_USE_NEED_WAKEUP;
        let mut ways = Vec::with_capacity(4);
        for copy in [libc::XDP_ZEROCOPY, libc::XDP_COPY] {
            if copy == libc::XDP_ZEROCOPY && !wish.try_zero_copy {
                continue;
            }
            ways.push(SHARED | copy | libc::XDP_USE_SG);
            if wish.fits {
                ways.push(SHARED | copy);
            }
        }
        let last = ways.len() - 1;
        for (number, flags) in ways.into_iter().enumerate() {
            match Self::open_as(id, wish, flags) {
                // A driver says in many ways that it cannot do without a copy.
                Err(XskError::Kernel { what, source, .. }) if what == BINDING && number < last => {
                    log::debug!("{id}: flags {flags:#x}: {source}");
                }
                result => return result,
            }
        }
        Err(XskError::Missing)
    }

    fn open_as(id: &QueueId, wish: Wish, flags: u16) -> Result<Self, XskError> {
        let mib = (u64::from(wish.chunk_bytes) * u64::from(wish.chunks)).div_ceil(1 << 20);
        let failed = |what| {
            move |source| XskError::Kernel {
                what,
                iface: id.iface_name.clone(),
                queue: id.queue,
                source,
            }
        };
        let socket = Socket::open().map_err(|error| match error.raw_os_error() {
            Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => XskError::Missing,
            Some(libc::EPERM | libc::EACCES) => XskError::NotPermitted,
            _ => failed("opening an AF_XDP socket")(error),
        })?;
        let (umem, free) = Umem::new(wish.chunk_bytes, wish.chunks)
            .map_err(|source| XskError::Memory { mib, source })?;
        socket
            .register(&umem)
            .map_err(|source| match source.raw_os_error() {
                Some(libc::ENOBUFS | libc::EPERM) => XskError::Locked { mib },
                Some(libc::ENOMEM) => XskError::Memory { mib, source },
                _ => failed("registering frame memory")(source),
            })?;
        let (fill, receive) =
            socket
                .rings(wish.chunks)
                .map_err(|source| match source.raw_os_error() {
                    Some(libc::ENOPROTOOPT) => XskError::Missing,
                    Some(libc::ENOMEM) => XskError::Memory { mib, source },
                    _ => failed("making the rings")(source),
                })?;
        if let Some(BusyPoll { usecs, budget }) = wish.busy_poll {
            socket
                .busy_poll(usecs, budget)
                .map_err(failed("setting up busy polling"))?;
        }
        socket
            .bind(wish.ifindex, id.queue, flags)
            .map_err(|source| match source.raw_os_error() {
                Some(libc::EBUSY) => XskError::Busy {
                    iface: id.iface_name.clone(),
                    queue: id.queue,
                    owner: owner::others(),
                },
                _ => failed(BINDING)(source),
            })?;
        let zero_copy = socket
            .is_zero_copy()
            .map_err(failed("asking for the mode"))?;
        let mut queue = Self {
            id: id.clone(),
            umem: Arc::new(umem),
            fill: Producer::new(fill),
            receive: Consumer::new(receive),
            socket,
            free,
            counters: Arc::new(QueueCounters::new(zero_copy)),
            zero_copy,
            busy_poll: wish.busy_poll.is_some(),
            dropped: 0,
            packet: Vec::new(),
        };
        queue.refill();
        Ok(queue)
    }

    /// Which queue it is.
    #[must_use]
    pub const fn id(&self) -> &QueueId {
        &self.id
    }

    /// Whether the driver writes into our memory itself.
    #[must_use]
    pub const fn is_zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// Number of frames, and the bytes of each.
    #[must_use]
    pub fn frames(&self) -> (u32, u32) {
        (self.umem.chunks(), self.umem.chunk_bytes())
    }

    /// What its memory lies in.
    #[must_use]
    pub fn pages(&self) -> Pages {
        self.umem.pages()
    }

    pub(super) const fn is_busy_polling(&self) -> bool {
        self.busy_poll
    }

    pub(super) const fn umem(&self) -> &Arc<Umem> {
        &self.umem
    }

    pub(super) const fn counters(&self) -> &Arc<QueueCounters> {
        &self.counters
    }

    /// Takes at most `max` packets, each as its frames in order. Gives whether there was nothing else.
    pub(super) fn receive(&mut self, max: usize, mut each: impl FnMut(&mut Vec<Frame>)) -> bool {
        if self.busy_poll || self.fill.shared().needs_wakeup() {
            self.socket.kick();
        }
        let available = self.receive.available();
        let mut packet = std::mem::take(&mut self.packet);
        let (mut packets, mut taken, mut looked_at) = (0, 0, 0);
        while looked_at < available && packets < max {
            if looked_at + AHEAD < available {
                self.umem
                    .prefetch(self.receive.peek(looked_at + AHEAD).address);
            }
            let Descriptor {
                address,
                len,
                options,
            } = self.receive.peek(looked_at);
            looked_at += 1;
            let continued = options & libc::XDP_PKT_CONTD != 0;
            if let Some(frame) = self.umem.take(address, len, continued) {
                packet.push(frame);
            }
            if !continued {
                each(&mut packet);
                packets += 1;
                taken = looked_at;
            }
        }
        // A packet whose end the kernel has not published yet is taken the next time, as a whole.
        packet.clear();
        self.packet = packet;
        if taken > 0 {
            self.receive.release(taken);
        }
        packets < max
    }

    /// Takes back a chunk; the kernel gets it with the next [`Self::refill`].
    pub(super) fn give_back(&mut self, chunk: Chunk) {
        self.free.push(chunk);
    }

    /// Gives the kernel all chunks that are empty.
    pub(super) fn refill(&mut self) {
        if self.free.is_empty() {
            return;
        }
        while let Some(chunk) = self.free.pop() {
            let full = self.fill.push(self.umem.give(chunk)).is_err();
            debug_assert!(!full, "the fill ring has a slot for every chunk");
        }
        self.fill.publish();
    }

    /// Asks the kernel for its statistics, makes them known, and gives how many packets it dropped
    /// since it was last asked.
    pub(super) fn ask_statistics(&mut self) -> u64 {
        let statistics: io::Result<Statistics> = self.socket.statistics();
        let Ok(statistics) = statistics else {
            return 0;
        };
        self.counters.publish_statistics(&statistics);
        let dropped = statistics.rx_dropped + statistics.rx_ring_full;
        let since = dropped.saturating_sub(self.dropped);
        self.dropped = dropped;
        since
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // What the kernel counted until the end.
        self.ask_statistics();
    }
}

/// How many frames ahead memory is asked for: frames are cold, since they go round in turn.
const AHEAD: u32 = 8;

/// What binding is called in errors.
const BINDING: &str = "binding an AF_XDP socket";

/// Whether frames of `frame_len` bytes, the header in front of them included, fit chunks of this size.
pub(super) const fn fits(frame_len: u32, chunk_bytes: u32) -> bool {
    frame_len <= chunk_bytes - HEADROOM
}
