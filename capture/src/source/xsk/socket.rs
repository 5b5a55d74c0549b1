//! The system calls of an `AF_XDP` socket (`Documentation/networking/af_xdp.rst`).

#![expect(
    unsafe_code,
    reason = "socket options and addresses that no wrapper has"
)]

use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr::null_mut;

use super::mapped::{Descriptor, MappedRing, Offsets};
use super::umem::Umem;

/// `SO_PREFER_BUSY_POLL`, `SO_BUSY_POLL` and `SO_BUSY_POLL_BUDGET` (`asm-generic/socket.h`).
const SO_PREFER_BUSY_POLL: libc::c_int = 69;
const SO_BUSY_POLL: libc::c_int = 46;
const SO_BUSY_POLL_BUDGET: libc::c_int = 70;

/// A value that socket options are made of: any bytes are one, and it has no padding.
trait Plain: Copy {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for libc::xdp_umem_reg {}

/// What the kernel counted for a socket (`struct xdp_statistics`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames dropped for want of memory, or because they were too long.
    pub rx_dropped: u64,
    /// Addresses in the fill ring that were none.
    pub rx_invalid_descs: u64,
    /// Descriptors to send that were none: always 0 here.
    pub tx_invalid_descs: u64,
    /// Frames dropped because the receive ring was full.
    pub rx_ring_full: u64,
    /// How often the kernel found the fill ring empty. With a copy, each is a frame that was dropped;
    /// without, the card waits, and what it cannot keep it counts itself.
    pub rx_fill_ring_empty_descs: u64,
    /// How often there was nothing to send: always 0 here.
    pub tx_ring_empty_descs: u64,
}

/// A socket; not bound until it is told to.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: takes numbers, gives a descriptor.
        let fd = unsafe { libc::socket(libc::AF_XDP, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Registers frame memory, which must outlive the socket.
    pub(super) fn register(&self, umem: &Umem) -> io::Result<()> {
        let registration = libc::xdp_umem_reg {
            addr: umem.start(),
            len: umem.len(),
            chunk_size: umem.chunk_bytes(),
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        };
        self.set(libc::SOL_XDP, libc::XDP_UMEM_REG, &registration)
    }

    /// Makes the rings that receiving takes, with `size` slots each, and maps the two that are used.
    /// The completion ring is for sending, but without it the kernel does not bind.
    pub(super) fn rings(&self, size: u32) -> io::Result<(MappedRing<u64>, MappedRing<Descriptor>)> {
        self.set(libc::SOL_XDP, libc::XDP_UMEM_FILL_RING, &size)?;
        self.set(libc::SOL_XDP, libc::XDP_UMEM_COMPLETION_RING, &1_u32)?;
        self.set(libc::SOL_XDP, libc::XDP_RX_RING, &size)?;
        // Receive, send, fill and completion ring; producer, consumer, slots and flags of each.
        let words: [u64; 16] = self.get(libc::SOL_XDP, libc::XDP_MMAP_OFFSETS)?;
        let [
            rx_producer,
            rx_consumer,
            rx_slots,
            rx_flags,
            _,
            _,
            _,
            _,
            fill_producer,
            fill_consumer,
            fill_slots,
            fill_flags,
            ..,
        ] = words;
        let fd = self.as_raw_fd();
        let fill = MappedRing::new(
            fd,
            libc::XDP_UMEM_PGOFF_FILL_RING,
            Offsets {
                producer: fill_producer,
                consumer: fill_consumer,
                slots: fill_slots,
                flags: fill_flags,
            },
            size,
        )?;
        let receive = MappedRing::new(
            fd,
            libc::XDP_PGOFF_RX_RING.cast_unsigned(),
            Offsets {
                producer: rx_producer,
                consumer: rx_consumer,
                slots: rx_slots,
                flags: rx_flags,
            },
            size,
        )?;
        Ok((fill, receive))
    }

    /// Binds to a queue; `flags` are `XDP_*` of `sxdp_flags`.
    pub(super) fn bind(&self, ifindex: u32, queue: u32, flags: u16) -> io::Result<()> {
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: flags,
            sxdp_ifindex: ifindex,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: 0,
        };
        let len = size_of_val(&address) as libc::socklen_t;
        // SAFETY: the address is valid for the length given.
        let result = unsafe { libc::bind(self.as_raw_fd(), (&raw const address).cast(), len) };
        done(result)
    }

    /// Whether the driver writes into our memory itself.
    pub(super) fn is_zero_copy(&self) -> io::Result<bool> {
        let [flags]: [u32; 1] = self.get(libc::SOL_XDP, libc::XDP_OPTIONS)?;
        Ok(flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }

    pub(super) fn statistics(&self) -> io::Result<Statistics> {
        let words: [u64; 6] = self.get(libc::SOL_XDP, libc::XDP_STATISTICS)?;
        let [
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        ] = words;
        Ok(Statistics {
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        })
    }

    /// Lets the driver's softirq run on our time: for `usecs` at most, `budget` packets at a time.
    pub(super) fn busy_poll(&self, usecs: u32, budget: u32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, &1_u32)?;
        self.set(libc::SOL_SOCKET, SO_BUSY_POLL, &usecs)?;
        self.set(libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget)
    }

    /// Tells the kernel to go on: that there are addresses in the fill ring again, or that this is the
    /// time for busy polling.
    pub(super) fn kick(&self) {
        let fd = self.as_raw_fd();
        // What it answers (that there is nothing, that the interface is down) shows by itself.
        // SAFETY: no buffer is given, and none is written to.
        unsafe {
            libc::recvfrom(
                fd,
                null_mut(),
                0,
                libc::MSG_DONTWAIT,
                null_mut(),
                null_mut(),
            )
        };
    }

    fn set<T: Plain>(&self, level: i32, name: i32, value: &T) -> io::Result<()> {
        let len = size_of_val(value) as libc::socklen_t;
        let value = std::ptr::from_ref(value).cast();
        // SAFETY: the value is valid for the length given.
        done(unsafe { libc::setsockopt(self.as_raw_fd(), level, name, value, len) })
    }

    fn get<T: Plain + Default, const N: usize>(&self, level: i32, name: i32) -> io::Result<[T; N]> {
        let mut value = [T::default(); N];
        let mut len = size_of_val(&value) as libc::socklen_t;
        let to = (&raw mut value).cast();
        // SAFETY: the value is valid for writing the length given, and any bytes are one.
        done(unsafe { libc::getsockopt(self.as_raw_fd(), level, name, to, &raw mut len) })?;
        if len as usize != size_of_val(&value) {
            // Structures of kernels before 5.9, which had fewer fields.
            return Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT));
        }
        Ok(value)
    }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
