//! Which shard a packet goes to, where one source feeds several: a hash of what the eBPF programs hash, found
//! without looking into tunnels.
//!
//! Live, the kernel has chosen the ring and this is not asked. Of a file, every shard asks it of every packet,
//! so the function is a cheaper one than the kernel's, which has to do without products of 128 bits.
//!
//! The kernel sees only the outermost headers. So that both directions of what travels in a UDP tunnel
//! reach the same shard, tunnels go by their addresses alone; here, where their inside is known, each
//! inner flow goes its own way.

use capture_common::flow_hash::{is_tunnel_port, mix64};

use super::cursor::Cursor;
use super::fragment::{FragmentTable, fragment_key};
use super::layers::{Addresses, Layers, Net, Transport};
use super::transport::{PROTO_TCP, PROTO_UDP};
use crate::mix::folded_product;
use crate::packet::{LinkType, Timestamp};

/// Hashes packets by their flows.
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
            // Bits all over, whatever it is: products of short numbers are short.
            seed: mix64(seed ^ 0x7374_6565_7269_6e67),
            fragments: FragmentTable::new(),
        }
    }

    /// The hash of a TCP segment in a whole IPv4 datagram in a bare Ethernet frame, as most packets
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
        Some(self.of_ends(
            endpoint(headers.u32_raw(26)?.into(), port(34)?),
            endpoint(headers.u32_raw(30)?.into(), port(36)?),
            PROTO_TCP,
        ))
    }

    /// The hash of two endpoints, in either order: a product, for what it takes, of numbers that nobody
    /// knows who does not know the seed.
    #[inline(always)]
    fn of_ends(&self, a: u64, b: u64, protocol: u8) -> u32 {
        let seed = self.seed ^ u64::from(protocol) << 56;
        (folded_product(a ^ seed, b ^ seed) >> 32) as u32
    }

    /// The hash of a packet with these layers at this packet time; 0 if it is not IP. The fragments of a
    /// datagram follow its first one; those that come before that one go by addresses.
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
        let ends = match ip.addresses {
            Addresses::V4 { src, dst } => [
                endpoint(src.into(), src_port),
                endpoint(dst.into(), dst_port),
            ],
            Addresses::V6 { src, dst } => {
                let other = self.seed.rotate_left(32);
                [(src, src_port), (dst, dst_port)].map(|([high, low], port)| {
                    endpoint(folded_product(high ^ self.seed, low ^ other), port)
                })
            }
        };
        let [src, dst] = ends;
        let hash = self.of_ends(src, dst, ip.protocol);
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

/// An address with a port.
#[inline(always)]
const fn endpoint(addr: u64, port: u16) -> u64 {
    addr << 16 ^ port as u64
}
