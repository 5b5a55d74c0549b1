//! Bytes to layers: one pass, no allocation, never an error.
//!
//! A malformed packet is a value ([`Layers::malformed`]), and so is one that was cut off by the snap
//! length ([`Layers::snapped`]): whatever was found before stands. Down to the outermost transport
//! header the walk is the same as in the eBPF programs (`capture-ebpf/src/headers.rs`), and both put a
//! packet into the same bin. Only this one looks behind MPLS labels and `PPPoE` headers, into tunnels,
//! and at checksums.
//!
//! - `cursor.rs` the one place that takes bytes apart
//! - `plain.rs` the packets that most traffic consists of
//! - `layers.rs` what is found
//! - `link.rs` link layers, VLAN tags; `wireless.rs` IEEE 802.11
//! - `shim.rs` what lies between a link layer and IP: MPLS, `PPPoE` and others
//! - `net.rs` IPv4 and IPv6
//! - `transport.rs` TCP, UDP, SCTP, ICMP; `options.rs` TCP's options
//! - `checksum.rs` whether they are right
//! - `tunnel.rs` packets in packets
//! - `fragment.rs` datagrams in several packets
//! - `steering.rs` the flow hash by which packets find their shard

#![deny(
    clippy::indexing_slicing,
    reason = "bytes are taken apart in `cursor.rs` only"
)]

pub(crate) mod checksum;
mod cursor;
mod fragment;
mod layers;
mod link;
mod net;
mod options;
mod plain;
mod shim;
mod steering;
mod transport;
mod tunnel;
mod wireless;

pub use fragment::Fragments;
pub use layers::{
    Addresses, Checksum, Fragment, Header, Ip, Layers, Malformed, Net, Tcp, TcpFlags, TcpOptions,
    Transport, Tunnel, TunnelKind, ipv4, ipv6,
};
pub use steering::Steering;
pub(crate) use transport::{PROTO_TCP, PROTO_UDP};

use crate::packet::{Packet, PacketDirection};
use cursor::Cursor;

/// Finds the layers of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dissector {
    /// Which packet counts where one travels in another.
    pub tunnels: Tunnels,
    /// What is done with checksums.
    pub checksums: Checksums,
}

/// Which packet counts where one travels in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tunnels {
    /// The innermost.
    #[default]
    Inner,
    /// The outermost; nothing is looked into.
    Outer,
}

/// What is done with checksums: of IPv4, TCP, UDP, ICMP and `ICMPv6`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// Nobody looks at them.
    #[default]
    Ignore,
    /// They are computed where all bytes that they cover are there.
    Validate,
    /// The same, but a field that holds nothing but the sum of the pseudo header is left alone: that is
    /// what Linux (`CHECKSUM_PARTIAL`) leaves for the network card to complete, and what a capture on
    /// the same host sees.
    ValidateUnlessPartial,
}

/// Why a walk stopped early: the header does not lie within the captured bytes.
struct Beyond(Header);

/// Headers that packets are wrapped in beside VLAN tags, at most: labels, sessions and tunnels together.
const MAX_WRAPS: u8 = 8;

/// What a walk goes over.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// The captured bytes, from the first one of the frame.
    cursor: Cursor<'a>,
    /// Where the packet ends on the wire, counted from the same byte.
    wire_len: u32,
    dissector: Dissector,
    /// Headers that the packet may be wrapped in still.
    wraps: u8,
    /// This is a packet in another one, which says how long it is.
    nested: bool,
}

impl Scope<'_> {
    /// What is left behind one more header that wraps the packet; `None` when there were too many.
    fn unwrapped(self) -> Option<Self> {
        let wraps = self.wraps.checked_sub(1)?;
        Some(Self { wraps, ..self })
    }
}

impl Dissector {
    /// Finds the layers of a packet.
    #[must_use]
    pub fn dissect(&self, packet: &Packet<'_>) -> Layers {
        let mut layers = Layers::EMPTY;
        self.dissect_into(packet, &mut layers);
        layers
    }

    /// The same in place, whatever was there before: for many packets in a row this is much faster, as
    /// nothing is copied.
    #[inline]
    pub fn dissect_into(&self, packet: &Packet<'_>, layers: &mut Layers) {
        let checksums = match self.checksums {
            Checksums::Ignore => Checksums::Ignore,
            // What goes out is completed behind the place where it was captured.
            _ if packet.meta.gso || packet.meta.direction == Some(PacketDirection::Outbound) => {
                Checksums::Ignore
            }
            checksums => checksums,
        };
        if !plain::dissect(packet, checksums, layers) {
            self.walk(packet, checksums, layers);
        }
    }

    /// Goes down from layer to layer.
    #[inline(never)]
    fn walk(self, packet: &Packet<'_>, checksums: Checksums, layers: &mut Layers) {
        layers.clear();
        // Some writers store a length on the wire that is shorter than what they captured.
        let wire_len = packet.meta.wire_len.max(packet.data.len() as u32);
        let scope = Scope {
            cursor: Cursor::new(packet.data),
            wire_len,
            dissector: Self { checksums, ..self },
            wraps: MAX_WRAPS,
            nested: false,
        };
        if let Err(Beyond(header)) = link::descend(scope, packet.meta.link, layers) {
            // The bytes are not there: because they were not captured, or because they never were.
            if packet.data.len() < wire_len as usize {
                layers.snapped = true;
            } else {
                layers.malformed = Some(Malformed::Truncated(header));
            }
        }
    }
}

#[cfg(test)]
mod tests;
