//! The symmetric flow hash: both directions of a flow give the same number.
//!
//! The kernel computes it to choose the ring, userspace to route packets of files, so that a flow
//! meets the same shard either way. Addresses and ports go in as they lie in the packet (network
//! byte order read as native integers): no byte swap, and nobody needs the numbers' meaning.
//!
//! Each endpoint is mixed with the seed, the two results are added (which makes it symmetric), and
//! the sum is mixed again. The mixer is the finalizer of `SplitMix64` (Steele, Lea and Flood, 2014),
//! a bijection, so two endpoints never collide before the sum.

/// Mixes 64 bits; a bijection.
#[must_use]
#[inline(always)]
pub const fn mix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// An endpoint of an IPv4 flow, ready to be combined.
#[must_use]
#[inline(always)]
pub const fn endpoint_v4(seed: u64, addr: u32, port: u16) -> u64 {
    mix64(seed ^ ((addr as u64) << 16 | port as u64))
}

/// An endpoint of an IPv6 flow, ready to be combined; the address comes as its two halves.
#[must_use]
#[inline(always)]
pub const fn endpoint_v6(seed: u64, addr: [u64; 2], port: u16) -> u64 {
    mix64(
        mix64(seed ^ addr[0])
            .wrapping_add(addr[1])
            .wrapping_add((port as u64) << 48),
    )
}

/// The flow hash of two endpoints and the IP protocol number, in either order of the endpoints.
#[must_use]
#[inline(always)]
pub const fn combine(a: u64, b: u64, protocol: u8) -> u64 {
    mix64(a.wrapping_add(b) ^ ((protocol as u64) << 56))
}

/// The 32 bits that travel in a ring record and choose the ring.
#[must_use]
#[inline(always)]
pub const fn flow_hash(a: u64, b: u64, protocol: u8) -> u32 {
    (combine(a, b, protocol) >> 32) as u32
}

/// The hash of a frame that is not IP: by its two MAC addresses, in either order.
#[must_use]
#[inline(always)]
pub const fn link_hash(seed: u64, dst: u64, src: u64) -> u32 {
    flow_hash(mix64(seed ^ dst), mix64(seed ^ src), 0)
}

/// The ring for a hash: multiplication instead of a division, and even for any number of rings.
#[must_use]
#[inline(always)]
pub const fn ring_of(hash: u32, rings: u32) -> u32 {
    ((hash as u64 * rings as u64) >> 32) as u32
}

/// VXLAN (RFC 7348).
pub const PORT_VXLAN: u16 = 4789;
/// VXLAN with a protocol field (draft-ietf-nvo3-vxlan-gpe).
pub const PORT_VXLAN_GPE: u16 = 4790;
/// GENEVE (RFC 8926).
pub const PORT_GENEVE: u16 = 6081;
/// GTP-U (3GPP TS 29.281).
pub const PORT_GTP_U: u16 = 2152;
/// Teredo (RFC 4380).
pub const PORT_TEREDO: u16 = 3544;
/// GRE in UDP (RFC 8086).
pub const PORT_GRE: u16 = 4754;

/// Whether UDP datagrams from or to this port are taken for those of a tunnel (host byte order).
///
/// The two directions of such a tunnel have no port in common but this one: the other is chosen anew for
/// each inner flow (RFC 7348 section 5). Their ports stay out of the hash, so that all that two
/// tunnel end points exchange meets one shard.
#[must_use]
#[inline(always)]
pub const fn is_tunnel_port(port: u16) -> bool {
    matches!(
        port,
        PORT_VXLAN | PORT_VXLAN_GPE | PORT_GENEVE | PORT_GTP_U | PORT_TEREDO | PORT_GRE
    )
}

/// What the fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5).
///
/// Only the first fragment carries ports. Whoever routes by flow remembers its hash under this key,
/// so that the later ones follow it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Source address as two halves; an IPv4 address is `[address, 0]`.
    pub src: [u64; 2],
    /// Destination address likewise.
    pub dst: [u64; 2],
    /// Identification: 16 bits in IPv4, 32 in IPv6, as they lie in the packet.
    pub id: u32,
    /// IP protocol number of the datagram.
    pub protocol: u8,
    /// 4 or 6.
    pub version: u8,
    /// Always 0.
    pub reserved: u16,
}

const _: () = assert!(size_of::<FragmentKey>() == 40);

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u64 = 0x0123_4567_89ab_cdef;

    #[test]
    fn both_directions_hash_alike() {
        let (a, b) = (
            endpoint_v4(SEED, 0x0a00_0001, 80),
            endpoint_v4(SEED, 0x0a00_0002, 5000),
        );
        assert_eq!(flow_hash(a, b, 6), flow_hash(b, a, 6));
        let (a, b) = (
            endpoint_v6(SEED, [1, 2], 80),
            endpoint_v6(SEED, [1, 3], 5000),
        );
        assert_eq!(flow_hash(a, b, 17), flow_hash(b, a, 17));
    }

    #[test]
    fn ports_belong_to_their_address() {
        let one = flow_hash(endpoint_v4(SEED, 1, 80), endpoint_v4(SEED, 2, 90), 6);
        let swapped = flow_hash(endpoint_v4(SEED, 1, 90), endpoint_v4(SEED, 2, 80), 6);
        assert_ne!(one, swapped);
    }

    #[test]
    fn protocol_and_seed_matter() {
        let hash = |seed, protocol| {
            flow_hash(endpoint_v4(seed, 1, 80), endpoint_v4(seed, 2, 90), protocol)
        };
        assert_ne!(hash(SEED, 6), hash(SEED, 17));
        assert_ne!(hash(SEED, 6), hash(SEED + 1, 6));
    }

    /// A server's connections, which differ in nothing but a client port, must spread evenly.
    #[test]
    fn flows_spread_over_the_rings() {
        for rings in [2_u32, 3, 8] {
            let mut count = [0_u32; 8];
            let server = endpoint_v4(SEED, 0x0a00_0001, 443_u16.to_be());
            for port in 0..20_000_u16 {
                let client = endpoint_v4(SEED, 0x0a00_0002, port.to_be());
                count[ring_of(flow_hash(server, client, 6), rings) as usize] += 1;
            }
            let fair = 20_000 / rings;
            for &n in &count[..rings as usize] {
                assert!(n.abs_diff(fair) < fair / 10, "{count:?} on {rings} rings");
            }
        }
    }

    #[test]
    fn every_hash_has_a_ring() {
        for hash in [0, 1, u32::MAX / 2, u32::MAX] {
            for rings in 1..=crate::MAX_RINGS as u32 {
                assert!(ring_of(hash, rings) < rings);
            }
        }
    }
}
