//! Who talks to whom: the key of a flow, the same for both directions.

use std::net::{IpAddr, Ipv4Addr};

use capture_common::flow_hash::{combine, endpoint_v4, endpoint_v6};

use crate::dissect::{Addresses, ipv4, ipv6};

/// Which way a packet goes within its flow: `Forward` is from the lower endpoint of the key to the
/// higher. It says nothing of who began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the key's first endpoint to its second.
    Forward,
    /// From the key's second endpoint to its first.
    Reverse,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }

    /// Index of what is kept for each direction.
    #[must_use]
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// An address with a port; the port is 0 where the protocol has none, and the type or code of ICMP
/// as Zeek has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Address.
    pub addr: IpAddr,
    /// Port in host byte order.
    pub port: u16,
}

/// An address as it lies in a packet (network byte order, read as native integers).
pub(crate) trait Address: Copy + Ord {
    /// What the slots of this family are aligned as: whole cache lines where that costs no memory.
    type Alignment: Copy + std::fmt::Debug;
    /// A value for keys of slots that are not in use.
    const ZERO: Self;
    /// A key of this family as one of either.
    fn any(key: Key<Self>) -> AnyKey;
    /// This address with a port, ready for the hash.
    fn endpoint(self, seed: u64, port: u16) -> u64;
    /// The address for people.
    fn ip(self) -> IpAddr;
}

/// A cache line's alignment.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct CacheLine;

impl Address for u32 {
    type Alignment = CacheLine;
    const ZERO: Self = 0;

    fn any(key: Key<Self>) -> AnyKey {
        AnyKey::V4(key)
    }

    #[inline(always)]
    fn endpoint(self, seed: u64, port: u16) -> u64 {
        endpoint_v4(seed, self, port)
    }

    fn ip(self) -> IpAddr {
        ipv4(self).into()
    }
}

impl Address for [u64; 2] {
    type Alignment = u64;
    const ZERO: Self = [0; 2];

    fn any(key: Key<Self>) -> AnyKey {
        AnyKey::V6(key)
    }

    #[inline(always)]
    fn endpoint(self, seed: u64, port: u16) -> u64 {
        endpoint_v6(seed, self, port)
    }

    fn ip(self) -> IpAddr {
        ipv6(self).into()
    }
}

/// The key of a flow between addresses of one family, the lower endpoint first: 16 bytes for IPv4, 40
/// for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<A> {
    addrs: [A; 2],
    ports: [u16; 2],
    protocol: u32,
}

const _: () = assert!(size_of::<Key<u32>>() == 16 && size_of::<Key<[u64; 2]>>() == 40);

impl<A: Address> Key<A> {
    /// A value for slots that are not in use.
    pub(crate) const EMPTY: Self = Self {
        addrs: [A::ZERO; 2],
        ports: [0; 2],
        protocol: 0,
    };

    /// The key for a packet, and the packet's direction in it.
    #[inline(always)]
    pub(crate) fn new(src: (A, u16), dst: (A, u16), protocol: u8) -> (Self, Direction) {
        let (first, second, direction) = if src <= dst {
            (src, dst, Direction::Forward)
        } else {
            (dst, src, Direction::Reverse)
        };
        let key = Self {
            addrs: [first.0, second.0],
            ports: [first.1, second.1],
            protocol: u32::from(protocol),
        };
        (key, direction)
    }

    /// Hash for the table; symmetric by construction, since the key is canonical.
    #[inline(always)]
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        let Self {
            addrs: [a, b],
            ports: [p, q],
            ..
        } = *self;
        combine(a.endpoint(seed, p), b.endpoint(seed, q), self.protocol())
    }

    /// The first and the second endpoint.
    pub(crate) fn endpoints(&self) -> [Endpoint; 2] {
        let [a, b] = self.addrs.map(Address::ip);
        let [p, q] = self.ports;
        [Endpoint { addr: a, port: p }, Endpoint { addr: b, port: q }]
    }

    /// The port of whoever sends this way.
    #[inline(always)]
    pub(crate) const fn port(&self, direction: Direction) -> u16 {
        self.ports[direction.index()]
    }

    /// Whether whoever sends this way would be the broadcast address.
    pub(crate) fn is_broadcast(&self, direction: Direction) -> bool {
        self.addrs[direction.index()].ip() == IpAddr::V4(Ipv4Addr::BROADCAST)
    }

    /// IP protocol number.
    #[inline(always)]
    pub(crate) const fn protocol(&self) -> u8 {
        self.protocol as u8
    }
}

/// A key of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AnyKey {
    V4(Key<u32>),
    V6(Key<[u64; 2]>),
}

/// The key for a packet from `src_port` to `dst_port`, and the packet's direction in it.
pub(crate) fn key_of(
    addresses: Addresses,
    src_port: u16,
    dst_port: u16,
    protocol: u8,
) -> (AnyKey, Direction) {
    match addresses {
        Addresses::V4 { src, dst } => {
            let (key, direction) = Key::new((src, src_port), (dst, dst_port), protocol);
            (AnyKey::V4(key), direction)
        }
        Addresses::V6 { src, dst } => {
            let (key, direction) = Key::new((src, src_port), (dst, dst_port), protocol);
            (AnyKey::V6(key), direction)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let (a, one) = Key::new((7_u32, 80), (9, 5000), 6);
        let (b, other) = Key::new((9_u32, 5000), (7, 80), 6);
        assert_eq!(a, b);
        assert_eq!(one, other.opposite());
    }

    #[test]
    fn a_host_that_talks_to_itself_has_two_endpoints() {
        let own = [1_u64, 2];
        let (key, one) = Key::new((own, 80), (own, 5000), 6);
        let (same, other) = Key::new((own, 5000), (own, 80), 6);
        assert_eq!(key, same);
        assert_ne!(one, other);
        assert_eq!(key.endpoints().map(|end| end.port), [80, 5000]);
    }
}
