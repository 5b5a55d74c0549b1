//! The flow hash of a packet: of what is found without looking into tunnels, the same number that the
//! eBPF programs compute.
//!
//! Live, the kernel has chosen the ring and this is not asked. A source that feeds several shards
//! from one file uses it to route, and the tests hold it against the kernel's.
//!
//! The kernel sees only the outermost headers. So that both directions of what travels in a UDP tunnel
//! reach the same shard, tunnels go by their addresses alone; here, where their inside is known, each
//! inner flow goes its own way.

use capture_common::flow_hash::{endpoint_v4, endpoint_v6, flow_hash, is_tunnel_port};

use super::cursor::Cursor;
use super::fragment::{FragmentTable, fragment_key};
use super::layers::{Addresses, Layers, Net, Transport};
use super::transport::{PROTO_TCP, PROTO_UDP};
use crate::packet::{LinkType, Timestamp};

/// Finds the flow hashes of packets.
#[derive(Debug)]
pub struct Steering {
    seed: u64,
    fragments: FragmentTable<u32>,
}

impl Steering {
    /// Hashes with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            fragments: FragmentTable::new(),
        }
    }

    /// The flow hash of a TCP segment in whole IPv4 datagram in a bare Ethernet frame, as most packets
    /// are; `None` for any other packet, whose layers have to be found first. A router looks at every
    /// packet and wants nothing but this.
    #[must_use]
    #[inline]
    pub fn plain(&self, link: LinkType, data: &[u8]) -> Option<u32> {
        /// Ethernet header, IPv4 header without options, ports.
        const HEADERS: usize = 14 + 20 + 4;
        /// "More fragments", and the offset.
        const FRAGMENT: u16 = 0x3fff;
        let bytes = data.first_chunk::<HEADERS>()?;
        let headers = Cursor::new(bytes);
        let plain = link == LinkType::ETHERNET
            && headers.u16(12)? == 0x0800
            && headers.u8(14)? == 0x45
            && headers.u16(20)? & FRAGMENT == 0
            && headers.u8(23)? == PROTO_TCP;
        plain.then_some(())?;
        let port = |at| headers.array::<2>(at).map(|raw| u16::from_ne_bytes(*raw));
        Some(flow_hash(
            endpoint_v4(self.seed, headers.u32_raw(26)?, port(34)?),
            endpoint_v4(self.seed, headers.u32_raw(30)?, port(36)?),
            PROTO_TCP,
        ))
    }

    /// The flow hash of a packet with these layers at this packet time, as the eBPF programs compute it;
    /// 0 if it is not IP. The fragments of a datagram follow its first one; those that come before that
    /// one go by addresses.
    #[must_use]
    #[inline]
    pub fn hash(&mut self, layers: &Layers, clock: Timestamp) -> u32 {
        let Net::Ip(ip) = &layers.net else { return 0 };
        let (src_port, dst_port) = match layers.transport {
            Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port),
            Transport::Ports {
                src_port, dst_port, ..
            } if ip.protocol == PROTO_UDP
                && (is_tunnel_port(src_port) || is_tunnel_port(dst_port)) =>
            {
                (0, 0)
            }
            Transport::Ports {
                src_port, dst_port, ..
            } => (src_port, dst_port),
            _ => (0, 0),
        };
        let (src_port, dst_port) = (src_port.to_be(), dst_port.to_be());
        let hash = match ip.addresses {
            Addresses::V4 { src, dst } => flow_hash(
                endpoint_v4(self.seed, src, src_port),
                endpoint_v4(self.seed, dst, dst_port),
                ip.protocol,
            ),
            Addresses::V6 { src, dst } => flow_hash(
                endpoint_v6(self.seed, src, src_port),
                endpoint_v6(self.seed, dst, dst_port),
                ip.protocol,
            ),
        };
        let Some(fragment) = &ip.fragment else {
            return hash;
        };
        // What cannot be believed, or was not captured, says nothing of other packets: the flow table
        // does not remember its ports either.
        if layers.malformed.is_some() || layers.snapped {
            return hash;
        }
        let key = fragment_key(ip, fragment);
        if fragment.offset != 0 {
            let first = self.fragments.get_mut(&key, clock);
            first.copied().unwrap_or(hash)
        } else {
            self.fragments.insert(key, clock, hash);
            hash
        }
    }
}
