//! Who talks to whom: the key of a flow, the same for both directions.

use std::hash::Hash;
use std::net::IpAddr;

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

/// A key that a table can hold.
pub(crate) trait FlowKey: Copy + Eq {
    /// A value for slots that are not in use.
    const EMPTY: Self;
    /// Hash for the table; symmetric by construction, since the key is canonical.
    fn hash(&self, seed: u64) -> u64;
    /// The first and the second endpoint.
    fn endpoints(&self) -> [Endpoint; 2];
    /// IP protocol number.
    fn protocol(&self) -> u8;
}

/// A flow between IPv4 addresses: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyV4 {
    addrs: [u32; 2],
    ports: [u16; 2],
    protocol: u32,
}

/// A flow between IPv6 addresses: 40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyV6 {
    addrs: [[u64; 2]; 2],
    ports: [u16; 2],
    protocol: u32,
}

const _: () = assert!(size_of::<KeyV4>() == 16 && size_of::<KeyV6>() == 40);

/// A key of either family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyKey {
    V4(KeyV4),
    V6(KeyV6),
}

/// The key for a packet from `src_port` to `dst_port`, and the packet's direction in it.
#[inline(always)]
pub(crate) fn key_of(
    addresses: Addresses,
    src_port: u16,
    dst_port: u16,
    protocol: u8,
) -> (AnyKey, Direction) {
    let protocol = u32::from(protocol);
    match addresses {
        Addresses::V4 { src, dst } => {
            let forward = (src, src_port) <= (dst, dst_port);
            let (addrs, ports) = if forward {
                ([src, dst], [src_port, dst_port])
            } else {
                ([dst, src], [dst_port, src_port])
            };
            (
                AnyKey::V4(KeyV4 {
                    addrs,
                    ports,
                    protocol,
                }),
                direction(forward),
            )
        }
        Addresses::V6 { src, dst } => {
            let forward = (src, src_port) <= (dst, dst_port);
            let (addrs, ports) = if forward {
                ([src, dst], [src_port, dst_port])
            } else {
                ([dst, src], [dst_port, src_port])
            };
            (
                AnyKey::V6(KeyV6 {
                    addrs,
                    ports,
                    protocol,
                }),
                direction(forward),
            )
        }
    }
}

const fn direction(forward: bool) -> Direction {
    if forward {
        Direction::Forward
    } else {
        Direction::Reverse
    }
}

impl FlowKey for KeyV4 {
    const EMPTY: Self = Self {
        addrs: [0; 2],
        ports: [0; 2],
        protocol: 0,
    };

    #[inline(always)]
    fn hash(&self, seed: u64) -> u64 {
        let Self {
            addrs: [a, b],
            ports: [p, q],
            protocol,
        } = *self;
        combine(
            endpoint_v4(seed, a, p),
            endpoint_v4(seed, b, q),
            protocol as u8,
        )
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        let Self {
            addrs: [a, b],
            ports: [p, q],
            ..
        } = *self;
        [
            Endpoint {
                addr: ipv4(a).into(),
                port: p,
            },
            Endpoint {
                addr: ipv4(b).into(),
                port: q,
            },
        ]
    }

    fn protocol(&self) -> u8 {
        self.protocol as u8
    }
}

impl FlowKey for KeyV6 {
    const EMPTY: Self = Self {
        addrs: [[0; 2]; 2],
        ports: [0; 2],
        protocol: 0,
    };

    #[inline(always)]
    fn hash(&self, seed: u64) -> u64 {
        let Self {
            addrs: [a, b],
            ports: [p, q],
            protocol,
        } = *self;
        combine(
            endpoint_v6(seed, a, p),
            endpoint_v6(seed, b, q),
            protocol as u8,
        )
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        let Self {
            addrs: [a, b],
            ports: [p, q],
            ..
        } = *self;
        [
            Endpoint {
                addr: ipv6(a).into(),
                port: p,
            },
            Endpoint {
                addr: ipv6(b).into(),
                port: q,
            },
        ]
    }

    fn protocol(&self) -> u8 {
        self.protocol as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let there = Addresses::V4 { src: 7, dst: 9 };
        let back = Addresses::V4 { src: 9, dst: 7 };
        let (AnyKey::V4(a), one) = key_of(there, 80, 5000, 6) else {
            panic!("an IPv4 key")
        };
        let (AnyKey::V4(b), other) = key_of(back, 5000, 80, 6) else {
            panic!("an IPv4 key")
        };
        assert_eq!(a, b);
        assert_eq!(one, other.opposite());
    }

    #[test]
    fn a_host_that_talks_to_itself_has_two_endpoints() {
        let own = Addresses::V6 {
            src: [1, 2],
            dst: [1, 2],
        };
        let (AnyKey::V6(key), one) = key_of(own, 80, 5000, 6) else {
            panic!("an IPv6 key")
        };
        let (AnyKey::V6(same), other) = key_of(own, 5000, 80, 6) else {
            panic!("an IPv6 key")
        };
        assert_eq!(key, same);
        assert_ne!(one, other);
        assert_eq!(key.endpoints().map(|end| end.port), [80, 5000]);
    }
}
