//! Hears of interfaces that come and go (rtnetlink, group `RTNLGRP_LINK`).
//!
//! What is heard is a reason to look, not the news itself: whoever listens lists the interfaces again.
//! So nothing depends on every message being heard, and the kernel may drop some when there are many.

use std::io;

use super::IfaceError;
use super::link::{LINK_HEADER_LEN, RTM_DELLINK, RTM_NEWLINK};
use super::netlink::{Messages, u32_at};
use super::socket::Socket;

/// `RTMGRP_LINK` of `linux/rtnetlink.h`.
const LINK_GROUP: u32 = 1;
/// More than the kernel puts into one message about an interface.
const BUFFER_LEN: usize = 64 * 1024;

/// Hears of changes to the interfaces of the namespace in which it was opened.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    buffer: Vec<u8>,
}

/// That something has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Indexes of interfaces that went, and may belong to others since. Not all that went need to be
    /// among them.
    pub gone: Vec<u32>,
}

impl Monitor {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// When the kernel has no such socket.
    pub fn open() -> Result<Self, IfaceError> {
        let socket = Socket::open(libc::NETLINK_ROUTE)
            .and_then(|socket| socket.join(LINK_GROUP).map(|()| socket))
            .map_err(|source| IfaceError::List { source })?;
        Ok(Self {
            socket,
            buffer: vec![0; BUFFER_LEN],
        })
    }

    /// What was heard since it was asked last; `None` if nothing. Does not wait.
    ///
    /// # Errors
    ///
    /// When the kernel does not let the socket be read, which it always did before.
    pub fn changes(&mut self) -> io::Result<Option<Changes>> {
        let mut changes = None;
        loop {
            match self.socket.receive_waiting(&mut self.buffer) {
                Ok(None) => return Ok(changes),
                Ok(Some(datagram)) => note(datagram, changes.get_or_insert_default()),
                // Some were dropped, or were too long to be read: something has changed all the same.
                Err(error)
                    if error.raw_os_error() == Some(libc::ENOBUFS)
                        || error.kind() == io::ErrorKind::InvalidData =>
                {
                    changes.get_or_insert_default();
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn note(datagram: &[u8], changes: &mut Changes) {
    for message in Messages::new(datagram).map_while(Result::ok) {
        let (RTM_NEWLINK | RTM_DELLINK) = message.kind else {
            continue;
        };
        // Bridges say of their ports that they went, in a family of their own.
        if message.kind == RTM_DELLINK
            && let Some(header) = message.payload.first_chunk::<LINK_HEADER_LEN>()
            && i32::from(header[0]) == libc::AF_UNSPEC
        {
            changes.gone.extend(u32_at(header, 4));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, family: u8, index: u32) -> Vec<u8> {
        let mut bytes = 32_u32.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&[0; 10]);
        bytes.extend_from_slice(&[family, 0, 1, 0]);
        bytes.extend_from_slice(&index.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }

    #[test]
    fn only_an_interface_itself_goes() {
        let mut changes = Changes::default();
        let datagram = [
            message(16, 0, 3),
            message(17, 0, 4),
            // AF_BRIDGE: a port that left its bridge.
            message(17, 7, 5),
            message(17, 0, 6),
        ]
        .concat();
        note(&datagram, &mut changes);
        assert_eq!(changes.gone, [4, 6]);
        // Cut short: what came before counts.
        let mut changes = Changes::default();
        note(&datagram[..70], &mut changes);
        assert_eq!(changes.gone, [4]);
    }

    #[test]
    fn nothing_is_heard_where_nothing_changes() {
        let mut monitor = Monitor::open().unwrap();
        // Others may change interfaces meanwhile; what counts is that it does not wait.
        let heard = monitor.changes().unwrap();
        if let Some(changes) = heard {
            println!("others changed interfaces: {changes:?}");
        }
    }
}
