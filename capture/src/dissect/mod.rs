//! Bytes to layers: one pass, no allocation, never an error.
//!
//! A malformed packet is a value ([`Layers::malformed`]), and so is one that was cut off by the snap
//! length ([`Layers::snapped`]): whatever was found before stands. The walk is the same as in the
//! eBPF programs (`capture-ebpf/src/headers.rs`), and both put a packet into the same bin.
//!
//! - `cursor.rs` the one place that takes bytes apart
//! - `layers.rs` what is found
//! - `link.rs` link layers, VLAN tags
//! - `net.rs` IPv4 and IPv6
//! - `transport.rs` TCP, UDP, SCTP, ICMP
//! - `steering.rs` the flow hash by which packets find their shard

#![deny(
    clippy::indexing_slicing,
    reason = "bytes are taken apart in `cursor.rs` only"
)]

mod cursor;
mod layers;
mod link;
mod net;
mod steering;
mod transport;

pub use layers::{
    Addresses, Checksum, Fragment, Header, Ip, Layers, Malformed, Net, Tcp, TcpFlags, TcpOptions,
    Transport, Tunnel, TunnelKind, ipv4, ipv6,
};
pub(crate) use steering::fragment_key;
pub use steering::{FragmentTable, steering_hash};
pub(crate) use transport::{PROTO_TCP, PROTO_UDP};

use crate::packet::Packet;
use cursor::Cursor;

/// Why a walk stopped early: the header does not lie within the captured bytes.
struct Beyond(Header);

/// Finds the layers of a packet.
#[must_use]
#[inline]
pub fn dissect(packet: &Packet<'_>) -> Layers {
    let mut layers = Layers::EMPTY;
    let cursor = Cursor::new(packet.data);
    // Some writers store a length on the wire that is shorter than what they captured.
    let wire_len = packet.meta.wire_len.max(packet.data.len() as u32);
    if let Err(Beyond(header)) = link::descend(cursor, packet.meta.link, wire_len, &mut layers) {
        // The bytes are not there: because they were not captured, or because they never were.
        if packet.data.len() < wire_len as usize {
            layers.snapped = true;
        } else {
            layers.malformed = Some(Malformed::Truncated(header));
        }
    }
    layers
}

#[cfg(test)]
mod tests;
