//! Which addresses count as local: the private address space, which is what Zeek takes when nobody
//! configured networks (`Site::private_address_space` and `Site::private_address_space_is_local`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks that the IANA registries of special-purpose addresses say are not routed globally, with
/// the multicast groups that stay on the site.
const V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 24),
    (Ipv4Addr::new(239, 0, 0, 0), 8),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];

/// The same for IPv6. IPv4 in a 6to4 address (RFC 3056) counts as the IPv4 address does.
const V6: [(Ipv6Addr, u32); 10] = [
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
];

/// Whether an address is local.
pub(super) fn is_local(addr: IpAddr) -> bool {
    match addr.to_canonical() {
        IpAddr::V4(addr) => is_local_v4(addr),
        IpAddr::V6(addr) => match addr.segments() {
            [0x2002, high, low, ..] => {
                is_local_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
            }
            _ => V6.iter().any(|(network, prefix_len)| {
                (addr.to_bits() ^ network.to_bits()) >> (128 - prefix_len) == 0
            }),
        },
    }
}

fn is_local_v4(addr: Ipv4Addr) -> bool {
    V4.iter()
        .any(|(network, prefix_len)| (addr.to_bits() ^ network.to_bits()) >> (32 - prefix_len) == 0)
}
