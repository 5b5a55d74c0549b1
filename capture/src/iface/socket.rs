//! The system calls of this module in one place: a netlink socket, and the ethtool ioctl on it.
//!
//! A socket belongs to the network namespace in which its thread was when it was opened, which is
//! why everything goes through one: the files of `/sys/class/net` are those of whoever mounted
//! them.
#![expect(
    unsafe_code,
    reason = "the standard library has neither netlink sockets nor ioctls"
)]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// A netlink socket. Unless it joins a group, it hears the answers to its own requests only.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

/// An ethtool command whose kernel structure is `WORDS` 32-bit words long, the command included.
///
/// Only this file makes them, so a buffer that is too short for its command cannot be written down
/// elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct EthtoolQuery<const WORDS: usize>(u32);

/// The commands and their structures, from `linux/ethtool.h`.
impl EthtoolQuery<2> {
    /// `ETHTOOL_GRXCSUM`, `struct ethtool_value`.
    pub(super) const RX_CHECKSUM: Self = Self(0x14);
    /// `ETHTOOL_GTXCSUM`, `struct ethtool_value`.
    pub(super) const TX_CHECKSUM: Self = Self(0x16);
    /// `ETHTOOL_GTSO`, `struct ethtool_value`.
    pub(super) const TSO: Self = Self(0x1e);
    /// `ETHTOOL_GGSO`, `struct ethtool_value`.
    pub(super) const GSO: Self = Self(0x23);
    /// `ETHTOOL_GFLAGS`, `struct ethtool_value`.
    pub(super) const FLAGS: Self = Self(0x25);
    /// `ETHTOOL_GGRO`, `struct ethtool_value`.
    pub(super) const GRO: Self = Self(0x2b);
}

impl EthtoolQuery<9> {
    /// `ETHTOOL_GRINGPARAM`, `struct ethtool_ringparam`.
    pub(super) const RINGS: Self = Self(0x10);
    /// `ETHTOOL_GCHANNELS`, `struct ethtool_channels`.
    pub(super) const CHANNELS: Self = Self(0x3c);
}

impl EthtoolQuery<49> {
    /// `ETHTOOL_GDRVINFO`, `struct ethtool_drvinfo`.
    pub(super) const DRIVER: Self = Self(0x03);
}

impl Socket {
    /// Opens a socket of a netlink protocol (`NETLINK_ROUTE`, `NETLINK_GENERIC`).
    pub(super) fn open(protocol: libc::c_int) -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just returned this descriptor, so nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Joins these groups: a bit each, as in `RTMGRP_*`.
    pub(super) fn join(&self, groups: u32) -> io::Result<()> {
        // SAFETY: all zeros are valid for this structure of numbers.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = groups;
        let len = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        let fd = self.0.as_raw_fd();
        // SAFETY: the address is a structure of the length that is passed with it.
        let failed = unsafe { libc::bind(fd, (&raw const address).cast(), len) };
        if failed == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Sends one request to the kernel.
    pub(super) fn send(&self, request: &[u8]) -> io::Result<()> {
        let fd = self.0.as_raw_fd();
        // SAFETY: pointer and length are those of one slice, which is only read.
        let sent = unsafe { libc::send(fd, request.as_ptr().cast(), request.len(), 0) };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Receives one datagram and gives the part of `buffer` that it fills.
    ///
    /// A datagram that does not fit is an error (`InvalidData`), not a shorter one.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        self.receive_with(buffer, 0)
    }

    /// As [`Self::receive`], but `None` where none waits.
    pub(super) fn receive_waiting<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        match self.receive_with(buffer, libc::MSG_DONTWAIT) {
            Ok(datagram) => Ok(Some(datagram)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn receive_with<'a>(&self, buffer: &'a mut [u8], flags: libc::c_int) -> io::Result<&'a [u8]> {
        let fd = self.0.as_raw_fd();
        loop {
            let (start, room) = (buffer.as_mut_ptr(), buffer.len());
            // SAFETY: `start` is valid for `room` bytes, borrowed mutably here alone.
            let len = unsafe { libc::recv(fd, start.cast(), room, libc::MSG_TRUNC | flags) };
            let Ok(len) = usize::try_from(len) else {
                let error = io::Error::last_os_error();
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error);
            };
            return buffer
                .get(..len)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "answer too long"));
        }
    }

    /// Asks the driver of an interface: the words of the command's structure, as the kernel left
    /// them.
    pub(super) fn ethtool<const WORDS: usize>(
        &self,
        name: &str,
        query: EthtoolQuery<WORDS>,
    ) -> io::Result<[u32; WORDS]> {
        let mut words = [0; WORDS];
        words[0] = query.0;
        let mut request = libc::ifreq {
            ifr_name: interface_name(name)?,
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_data: words.as_mut_ptr().cast(),
            },
        };
        let fd = self.0.as_raw_fd();
        // SAFETY: `request` outlives the call and points to `words`, which is as long as the
        // structure of the command that it names.
        let done = unsafe { libc::ioctl(fd, libc::SIOCETHTOOL, &raw mut request) };
        if done < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(words)
        }
    }

    /// The driver's own counters with their names (`ETHTOOL_GSTRINGS`, `ETHTOOL_GSTATS`), as many as
    /// `expected` says or more.
    pub(super) fn ethtool_statistics(
        &self,
        name: &str,
        expected: usize,
    ) -> io::Result<Vec<(String, u64)>> {
        const ETHTOOL_GSTRINGS: u32 = 0x1b;
        const ETHTOOL_GSTATS: u32 = 0x1d;
        const ETH_SS_STATS: u32 = 1;
        const NAME_LEN: usize = 32;
        // The kernel writes as many as there are by then, whatever room there is: queues that are added
        // in between bring some dozens each.
        const SLACK: usize = 4096;
        let room = expected + SLACK;
        // `struct ethtool_gstrings`: command, set, number, names; and `struct ethtool_stats`: command,
        // number, values. Both in words of eight bytes.
        let mut names = vec![0_u64; 2 + room * NAME_LEN / 8];
        let mut values = vec![0_u64; 1 + room];
        names[0] = pair(ETHTOOL_GSTRINGS, ETH_SS_STATS);
        self.ethtool_buffer(name, &mut names)?;
        values[0] = pair(ETHTOOL_GSTATS, expected as u32);
        self.ethtool_buffer(name, &mut values)?;
        let names: Vec<u8> = names.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let count = |bytes: &[u8], at: usize| {
            let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
            bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes)) as usize
        };
        let of_values = count(&values[0].to_ne_bytes(), 4);
        let len = count(&names, 8).min(of_values).min(room);
        let names = names.get(12..).unwrap_or_default().chunks_exact(NAME_LEN);
        let rows = names.zip(&values[1..]).take(len);
        Ok(rows
            .map(|(name, value)| (super::netlink::text(name), *value))
            .collect())
    }

    /// One ethtool command whose structure is in a buffer that has room for all that the kernel writes.
    fn ethtool_buffer(&self, name: &str, buffer: &mut [u64]) -> io::Result<()> {
        let mut request = libc::ifreq {
            ifr_name: interface_name(name)?,
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_data: buffer.as_mut_ptr().cast(),
            },
        };
        let fd = self.0.as_raw_fd();
        // SAFETY: `request` outlives the call and points to the buffer, which the callers above make
        // longer than what the kernel writes.
        let done = unsafe { libc::ioctl(fd, libc::SIOCETHTOOL, &raw mut request) };
        if done < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}

/// Two words as they lie in memory.
fn pair(first: u32, second: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

/// An interface name as `struct ifreq` has it: with a zero byte at the end.
fn interface_name(name: &str) -> io::Result<[libc::c_char; libc::IFNAMSIZ]> {
    let mut field = [0; libc::IFNAMSIZ];
    if name.len() >= field.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in field.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_room_for_its_zero_byte() {
        assert!(interface_name("exactly15bytes_").is_ok());
        let error = interface_name("exactly16bytes__").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
