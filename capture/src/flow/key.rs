//! Who talks to whom: the key of a flow, the same for both directions.

use std::net::{IpAddr, Ipv4Addr};

use crate::dissect::{Addresses, ipv4, ipv6};
use crate::mix::folded_product;

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
    /// The hash of a key for the table.
    fn hash(key: &Key<Self>, seed: u64) -> u64;
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
    fn hash(key: &Key<Self>, seed: u64) -> u64 {
        let [a, b] = key.addrs.map(u64::from);
        product(seed, a << 32 | b, key.rest())
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
    fn hash(key: &Key<Self>, seed: u64) -> u64 {
        let [[a, b], [c, d]] = key.addrs;
        product(product(seed, a, b), c, product(seed, d, key.rest()))
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

    /// Hash for the table; symmetric by construction, since the key is canonical. The seed has bits all over.
    #[inline(always)]
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        A::hash(self, seed)
    }

    /// All but the addresses.
    #[inline(always)]
    const fn rest(&self) -> u64 {
        let [p, q] = self.ports;
        (self.protocol as u64) << 32 | (p as u64) << 16 | q as u64
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

/// Two words and the seed. The product is folded twice: the table goes by its middle, which one alone leaves
/// uneven where hardly a bit differs.
#[inline(always)]
const fn product(seed: u64, a: u64, b: u64) -> u64 {
    /// Any odd number with as many ones as zeros: the golden ratio's.
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    folded_product(
        folded_product(a ^ seed, b ^ seed.rotate_left(32)),
        ODD ^ seed,
    )
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
    use std::collections::HashSet;

    use capture_common::flow_hash::mix64;

    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let (a, one) = Key::new((7_u32, 80), (9, 5000), 6);
        let (b, other) = Key::new((9_u32, 5000), (7, 80), 6);
        assert_eq!(a, b);
        assert_eq!(one, other.opposite());
    }

    /// The table takes the lowest bits of the upper half for its index. Of as many neighbors as entries, at
    /// least as many find different homes as by lot: 1 - 1/e.
    #[test]
    fn neighbors_have_homes_all_over_the_index() {
        const ENTRIES: u64 = 1 << 14;
        const LEAST: usize = ENTRIES as usize * 60 / 100;
        fn homes<A: Address>(seed: u64, keys: impl Iterator<Item = Key<A>>) -> usize {
            let home = |key: Key<A>| (key.hash(seed) >> 32) % ENTRIES;
            keys.map(home).collect::<HashSet<_>>().len()
        }
        for seed in [1, 7, u64::MAX, 0x0123_4567_89ab_cdef].map(mix64) {
            let v4 = (0..ENTRIES as u32).map(|number| {
                let client = u32::from_ne_bytes([10, 0, (number >> 12) as u8, 1]);
                let port = 1024 + (number & 0xfff) as u16;
                Key::new((client, port), (u32::from_ne_bytes([192, 0, 2, 1]), 443), 6).0
            });
            let v6 = (0..ENTRIES).map(|number| {
                let client = [0x0120, (number >> 12).to_be()];
                let port = 1024 + (number & 0xfff) as u16;
                Key::new((client, port), ([0x0120, u64::MAX], 443), 6).0
            });
            for homes in [homes(seed, v4), homes(seed, v6)] {
                assert!(homes >= LEAST, "{seed:x}: {homes}");
            }
        }
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
