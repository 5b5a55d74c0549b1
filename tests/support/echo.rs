//! ICMP echo by a raw socket: `ping` is not on every machine, and the demo must run on any.

use std::io::Read as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use socket2::{Domain, Protocol, Socket, Type};

use crate::netns::{Family, Host};
use crate::traffic::PATIENCE;

/// Type of an echo request and of its reply: RFC 792 and RFC 4443 section 4.
fn types(family: Family) -> (u8, u8) {
    match family {
        Family::Ipv4 => (8, 0),
        Family::Ipv6 => (128, 129),
    }
}

/// Sends `count` echo requests with `data_len` bytes of data each from `from` to `to`, each after
/// the reply to the one before.
///
/// # Errors
///
/// When a reply does not come or differs from its request.
pub(crate) fn echo(
    from: &Host,
    to: &Host,
    family: Family,
    count: u16,
    data_len: usize,
) -> Result<()> {
    from.namespace.enter(|| {
        let (domain, protocol) = match family {
            Family::Ipv4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::Ipv6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket =
            Socket::new(domain, Type::RAW, Some(protocol)).context("opening a raw socket")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let target = SocketAddr::new(to.address(family), 0).into();
        let identifier = std::process::id() as u16;
        for sequence in 1..=count {
            let request = request(family, identifier, sequence, data_len);
            let sent = socket
                .send_to(&request, &target)
                .context("sending an echo request")?;
            ensure!(sent == request.len(), "only a part of the request was sent");
            wait_for_reply(&socket, family, &request)?;
        }
        Ok(())
    })
}

/// Reads until the reply comes; a raw socket also sees neighbor discovery and the like.
fn wait_for_reply(mut socket: &Socket, family: Family, request: &[u8]) -> Result<()> {
    let (_, reply) = types(family);
    let mut buffer = vec![0; 65_536];
    loop {
        let len = socket
            .read(&mut buffer)
            .context("waiting for an echo reply")?;
        let packet = &buffer[..len];
        let message = match family {
            // With the IP header in front, whose length is in units of four bytes.
            Family::Ipv4 => packet
                .first()
                .and_then(|first| packet.get(usize::from(first & 15) * 4..)),
            Family::Ipv6 => Some(packet),
        };
        // All but type, code and checksum comes back as it was sent.
        if message.is_some_and(|message| {
            message.first() == Some(&reply) && message.get(4..) == request.get(4..)
        }) {
            return Ok(());
        }
    }
}

fn request(family: Family, identifier: u16, sequence: u16, data_len: usize) -> Vec<u8> {
    let (kind, _) = types(family);
    let mut message = vec![kind, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend((0..data_len).map(|index| index as u8));
    if family == Family::Ipv4 {
        // Over IPv6 the kernel does it, because the pseudo header is part of it.
        let checksum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&checksum);
    }
    message
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}
