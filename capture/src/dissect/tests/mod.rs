//! The dissector against bytes written by hand from the RFCs, and against etherparse.
//!
//! - `build.rs` headers as bytes
//! - `link.rs`, `shim.rs`, `net.rs`, `transport.rs` one layer each
//! - `options.rs` TCP's options; `checksum.rs` sums; `tunnel.rs` packets in packets
//! - `fragment.rs` datagrams in several packets
//! - `cut.rs` packets that end anywhere
//! - `oracle.rs` what etherparse makes of the same bytes
//! - `plain.rs` the straight line against the walk

#![expect(clippy::indexing_slicing, reason = "the bytes here are the tests' own")]

mod build;
mod checksum;
mod cut;
mod fragment;
mod link;
mod net;
mod options;
mod oracle;
mod plain;
mod shim;
mod steering;
mod transport;
mod tunnel;

use super::layers::{Header, Ip, Layers, Malformed, Net, Tcp, TcpOptions, Transport};
use super::{Checksum, Checksums, Dissector, TcpFlags, Tunnels};
use crate::packet::{LinkType, Packet, PacketMeta};

/// The layers of a packet of which `wire_len` bytes were on the wire.
fn layers_of(link: LinkType, data: &[u8], wire_len: usize) -> Layers {
    let meta = PacketMeta {
        link,
        wire_len: u32::try_from(wire_len).expect("a packet's length"),
        ..Packet::EMPTY.meta
    };
    Dissector::default().dissect(&Packet { meta, data })
}

/// UDP from `build::udp` with so many bytes of payload.
const fn udp_found(payload_len: u32) -> Transport {
    Transport::Ports {
        src_port: 49152,
        dst_port: 443,
        payload_len,
    }
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
