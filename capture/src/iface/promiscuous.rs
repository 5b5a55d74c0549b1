//! Promiscuous mode: a card passes on frames for other hosts, as a port that mirrors or taps needs it.
//!
//! It is asked for by the membership of a packet socket, as libpcap does: the kernel counts who wants it,
//! and takes it back when the socket is closed, however the process ends.
#![expect(
    unsafe_code,
    reason = "packet sockets and their memberships exist only in C"
)]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// An interface that is promiscuous as long as this is kept.
#[derive(Debug)]
pub struct Promiscuous {
    _socket: OwnedFd,
}

impl Promiscuous {
    /// Makes an interface of this thread's network namespace promiscuous (packet(7),
    /// `PACKET_MR_PROMISC`).
    ///
    /// # Errors
    ///
    /// Without `CAP_NET_RAW`, or when there is no such interface.
    pub fn hold(index: u32) -> io::Result<Self> {
        // Of no protocol: it gets no frames.
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call before returned this descriptor, and nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let request = libc::packet_mreq {
            mr_ifindex: i32::try_from(index).map_err(io::Error::other)?,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        // SAFETY: the request is valid for the length given, and only read.
        let result = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_ADD_MEMBERSHIP,
                (&raw const request).cast(),
                size_of::<libc::packet_mreq>() as libc::socklen_t,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { _socket: socket })
    }
}
