//! The dissector against bytes written by hand from the RFCs, and against etherparse.
//!
//! - `build.rs` headers as bytes
//! - `link.rs`, `net.rs`, `transport.rs` one layer each
//! - `cut.rs` packets that end anywhere
//! - `oracle.rs` what etherparse makes of the same bytes

#![expect(clippy::indexing_slicing, reason = "the bytes here are the tests' own")]

mod build;
mod cut;
mod link;
mod net;
mod oracle;
mod transport;

use super::layers::{Header, Ip, Layers, Malformed, Net, Tcp, Transport};
use super::{TcpFlags, dissect};
use crate::packet::{LinkType, Packet, PacketMeta};

/// The layers of a packet of which `wire_len` bytes were on the wire.
fn layers_of(link: LinkType, data: &[u8], wire_len: usize) -> Layers {
    let meta = PacketMeta {
        link,
        wire_len: u32::try_from(wire_len).expect("a packet's length"),
        ..Packet::EMPTY.meta
    };
    dissect(&Packet { meta, data })
}

/// The layers of a whole Ethernet frame.
fn frame(data: &[u8]) -> Layers {
    layers_of(LinkType::ETHERNET, data, data.len())
}

/// The IP header that must be there.
fn ip(layers: &Layers) -> Ip {
    match layers.net {
        Net::Ip(ip) => ip,
        other => panic!("expected IP, found {other:?}"),
    }
}

/// The TCP header that must be there.
fn tcp(layers: &Layers) -> Tcp {
    match layers.transport {
        Transport::Tcp(tcp) => tcp,
        other => panic!("expected TCP, found {other:?}"),
    }
}
