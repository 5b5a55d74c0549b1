//! The walk from the link layer to the ports; nothing else reads packet memory.
//!
//! What counts as malformed is the same here and in the library's dissector: a header that the frame
//! on the wire has no room for, a version or a header length that cannot be. A length field that
//! claims more than the frame holds is not (a fragment of a snapped or offloaded packet says so too).

use capture_common::flow_hash::{FragmentKey, endpoint_v4, endpoint_v6, flow_hash, link_hash};

use crate::maps::FRAGMENTS;

/// Bytes that are brought together when the headers do not lie in one piece.
pub(crate) const SCRATCH_LEN: usize = 512;

/// VLAN tags that are looked behind.
const MAX_VLAN_TAGS: usize = 4;
/// IPv6 extension headers that are looked behind.
const MAX_EXTENSIONS: usize = 8;

const ETHERTYPE_IPV4: u16 = 0x0800_u16.to_be();
const ETHERTYPE_ARP: u16 = 0x0806_u16.to_be();
const ETHERTYPE_VLAN: u16 = 0x8100_u16.to_be();
const ETHERTYPE_IPV6: u16 = 0x86dd_u16.to_be();
const ETHERTYPE_QINQ: u16 = 0x88a8_u16.to_be();
/// QinQ before 802.1ad settled its number.
const ETHERTYPE_QINQ_OLD: u16 = 0x9100_u16.to_be();

const PROTO_HOP_BY_HOP: u8 = 0;
const PROTO_ICMP: u8 = 1;
const PROTO_TCP: u8 = 6;
const PROTO_UDP: u8 = 17;
const PROTO_ROUTING: u8 = 43;
const PROTO_FRAGMENT: u8 = 44;
const PROTO_AUTH: u8 = 51;
const PROTO_ICMPV6: u8 = 58;
const PROTO_DEST_OPTIONS: u8 = 60;
const PROTO_SCTP: u8 = 132;
const PROTO_MOBILITY: u8 = 135;
const PROTO_UDP_LITE: u8 = 136;

/// IPv4 more-fragments flag, network byte order.
const MORE_FRAGMENTS: u16 = 0x2000_u16.to_be();
/// IPv4 fragment offset mask, network byte order.
const OFFSET_MASK: u16 = 0x1fff_u16.to_be();
/// IPv6 fragment offset mask and more-fragments flag, network byte order (RFC 8200 section 4.5).
const OFFSET_MASK_V6: u16 = 0xfff8_u16.to_be();
const MORE_FRAGMENTS_V6: u16 = 0x0001_u16.to_be();

pub(crate) const TCP_FIN: u8 = 0x01;
pub(crate) const TCP_SYN: u8 = 0x02;
pub(crate) const TCP_RST: u8 = 0x04;
pub(crate) const TCP_ACK: u8 = 0x10;

/// The network protocol of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Net {
    Arp,
    Ipv4,
    Ipv6,
    Other,
}

/// What the walk found.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) net: Net,
    /// IP protocol number behind all extension headers; 0 if the packet is not IP.
    pub(crate) protocol: u8,
    /// TCP flags; 0 if there is no TCP header in this packet.
    pub(crate) tcp_flags: u8,
    pub(crate) fragment: bool,
    pub(crate) malformed: bool,
    /// A header lies outside of what could be read, though the packet is long enough.
    pub(crate) out_of_reach: bool,
    pub(crate) flow_hash: u32,
}

/// The first bytes of a packet, readable at any offset with a check.
pub(crate) trait Bytes {
    /// Reads `T` at `offset`; `None` when it does not lie within.
    fn read<T: Copy>(&self, offset: usize) -> Option<T>;
}

/// The part of a packet that the kernel lets a program read directly.
pub(crate) struct Direct {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Bytes for Direct {
    #[inline(always)]
    fn read<T: Copy>(&self, offset: usize) -> Option<T> {
        let at = self.start + offset;
        if at + size_of::<T>() > self.end {
            return None;
        }
        // SAFETY: within the packet by the check above, which the verifier follows. The address may
        // be unaligned for T; the BPF machine has no alignment, and `read_unaligned` would make
        // LLVM load byte by byte.
        Some(unsafe { *(at as *const T) })
    }
}

/// The first bytes of a packet, brought together in a buffer.
pub(crate) struct Gathered<'a> {
    pub(crate) bytes: &'a [u8; SCRATCH_LEN],
    pub(crate) filled: usize,
}

impl Bytes for Gathered<'_> {
    #[inline(always)]
    fn read<T: Copy>(&self, offset: usize) -> Option<T> {
        if offset + size_of::<T>() > self.filled || offset > SCRATCH_LEN - 16 {
            return None;
        }
        const { assert!(size_of::<T>() <= 16) };
        // SAFETY: within the buffer by the check above; alignment as in `Direct`.
        Some(unsafe { *(self.bytes.as_ptr().add(offset).cast::<T>()) })
    }
}

impl Walk {
    const fn new() -> Self {
        Self {
            net: Net::Other,
            protocol: 0,
            tcp_flags: 0,
            fragment: false,
            malformed: false,
            out_of_reach: false,
            flow_hash: 0,
        }
    }
}

/// Walks the headers of a packet of `frame_len` bytes.
///
/// `vlan` says that the frame's outermost tag is not among its bytes.
#[inline(always)]
pub(crate) fn walk<B: Bytes>(bytes: &B, frame_len: u32, raw_ip: bool, seed: u64) -> Walk {
    let mut walk = Walk::new();
    if descend(bytes, raw_ip, seed, &mut walk).is_none() {
        // Something lies beyond what could be read: beyond the packet, or only beyond reach?
        if bytes.read::<u8>(frame_len as usize - 1).is_some() {
            walk.malformed = true;
        } else {
            walk.out_of_reach = true;
        }
    }
    walk
}

/// The walk proper; `None` when a header does not lie within the readable bytes.
#[inline(always)]
fn descend<B: Bytes>(bytes: &B, raw_ip: bool, seed: u64, walk: &mut Walk) -> Option<()> {
    if raw_ip {
        return match bytes.read::<u8>(0)? >> 4 {
            4 => ipv4(bytes, 0, seed, walk),
            6 => ipv6(bytes, 0, seed, walk),
            _ => Some(()),
        };
    }
    let dst = bytes.read::<u32>(0)? as u64 | (bytes.read::<u16>(4)? as u64) << 32;
    let src = bytes.read::<u32>(6)? as u64 | (bytes.read::<u16>(10)? as u64) << 32;
    let mut ethertype = bytes.read::<u16>(12)?;
    let mut offset = 14;
    for _ in 0..MAX_VLAN_TAGS {
        if ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_QINQ && ethertype != ETHERTYPE_QINQ_OLD {
            break;
        }
        ethertype = bytes.read::<u16>(offset + 2)?;
        offset += 4;
    }
    match ethertype {
        ETHERTYPE_IPV4 => ipv4(bytes, offset, seed, walk),
        ETHERTYPE_IPV6 => ipv6(bytes, offset, seed, walk),
        _ => {
            if ethertype == ETHERTYPE_ARP {
                walk.net = Net::Arp;
            }
            walk.flow_hash = link_hash(seed, dst, src);
            Some(())
        }
    }
}

#[inline(always)]
fn ipv4<B: Bytes>(bytes: &B, offset: usize, seed: u64, walk: &mut Walk) -> Option<()> {
    walk.net = Net::Ipv4;
    let version_ihl = bytes.read::<u8>(offset)?;
    let total_len = u16::from_be(bytes.read::<u16>(offset + 2)?) as usize;
    let id = bytes.read::<u16>(offset + 4)?;
    let fragment = bytes.read::<u16>(offset + 6)?;
    let protocol = bytes.read::<u8>(offset + 9)?;
    let src = bytes.read::<u32>(offset + 12)?;
    let dst = bytes.read::<u32>(offset + 16)?;
    let header_len = ((version_ihl & 0x0f) as usize) * 4;
    // A GSO frame above 64 KiB says 0 for its length.
    if version_ihl >> 4 != 4 || header_len < 20 || (total_len < header_len && total_len != 0) {
        walk.malformed = true;
        return Some(());
    }
    walk.protocol = protocol;
    let fragments = if fragment & (MORE_FRAGMENTS | OFFSET_MASK) == 0 {
        None
    } else {
        walk.fragment = true;
        Some(FragmentKey {
            src: [src as u64, 0],
            dst: [dst as u64, 0],
            id: id as u32,
            protocol,
            version: 4,
            reserved: 0,
        })
    };
    let later = fragment & OFFSET_MASK != 0;
    let (src_port, dst_port) = if later { (0, 0) } else {
        transport(bytes, offset + header_len, payload_len(total_len, header_len), walk)?
    };
    let hash = flow_hash(endpoint_v4(seed, src, src_port), endpoint_v4(seed, dst, dst_port), protocol);
    walk.flow_hash = steer(fragments, later, hash);
    Some(())
}

/// Bytes that the network header leaves to the transport; unknown (0 total) counts as plenty.
#[inline(always)]
fn payload_len(total_len: usize, header_len: usize) -> usize {
    if total_len == 0 { usize::from(u16::MAX) } else { total_len - header_len }
}

#[inline(always)]
fn ipv6<B: Bytes>(bytes: &B, offset: usize, seed: u64, walk: &mut Walk) -> Option<()> {
    walk.net = Net::Ipv6;
    let version = bytes.read::<u8>(offset)?;
    let payload = u16::from_be(bytes.read::<u16>(offset + 4)?) as usize;
    let mut protocol = bytes.read::<u8>(offset + 6)?;
    let src = bytes.read::<[u64; 2]>(offset + 8)?;
    let dst = bytes.read::<[u64; 2]>(offset + 24)?;
    if version >> 4 != 6 {
        walk.malformed = true;
        return Some(());
    }
    let mut at = offset + 40;
    let mut left = if payload == 0 { usize::from(u16::MAX) } else { payload };
    let mut fragments = None;
    let mut later = false;
    for _ in 0..MAX_EXTENSIONS {
        let len = match protocol {
            PROTO_HOP_BY_HOP | PROTO_ROUTING | PROTO_DEST_OPTIONS | PROTO_MOBILITY => {
                (bytes.read::<u8>(at + 1)? as usize + 1) * 8
            }
            PROTO_AUTH => (bytes.read::<u8>(at + 1)? as usize + 2) * 4,
            PROTO_FRAGMENT => {
                let field = bytes.read::<u16>(at + 2)?;
                // An atomic fragment (RFC 6946) is a whole datagram.
                if field & (OFFSET_MASK_V6 | MORE_FRAGMENTS_V6) != 0 {
                    walk.fragment = true;
                    later = field & OFFSET_MASK_V6 != 0;
                    fragments = Some(bytes.read::<u32>(at + 4)?);
                }
                8
            }
            _ => break,
        };
        protocol = bytes.read::<u8>(at)?;
        if len > left {
            walk.malformed = true;
            return Some(());
        }
        at += len;
        left -= len;
        if later {
            break;
        }
    }
    walk.protocol = protocol;
    let (src_port, dst_port) = if later { (0, 0) } else { transport(bytes, at, left, walk)? };
    let hash = flow_hash(endpoint_v6(seed, src, src_port), endpoint_v6(seed, dst, dst_port), protocol);
    let key = fragments.map(|id| FragmentKey { src, dst, id, protocol: 0, version: 6, reserved: 0 });
    walk.flow_hash = steer(key, later, hash);
    Some(())
}

/// Ports of the transport header at `offset`, (0, 0) where the protocol has none; notes TCP flags.
#[inline(always)]
fn transport<B: Bytes>(bytes: &B, offset: usize, left: usize, walk: &mut Walk) -> Option<(u16, u16)> {
    let min_len = match walk.protocol {
        PROTO_TCP => 20,
        PROTO_UDP | PROTO_UDP_LITE => 8,
        PROTO_SCTP => 12,
        PROTO_ICMP | PROTO_ICMPV6 => 4,
        _ => return Some((0, 0)),
    };
    // The first fragment of a datagram may end within the header; the rest is elsewhere.
    if left < min_len && !walk.fragment {
        walk.malformed = true;
        return Some((0, 0));
    }
    if walk.protocol == PROTO_ICMP || walk.protocol == PROTO_ICMPV6 {
        return Some((0, 0));
    }
    if left < 4 {
        return Some((0, 0));
    }
    let ports = (bytes.read::<u16>(offset)?, bytes.read::<u16>(offset + 2)?);
    if walk.protocol == PROTO_TCP && left >= 14 {
        let header_len = (bytes.read::<u8>(offset + 12)? >> 4) as usize * 4;
        walk.tcp_flags = bytes.read::<u8>(offset + 13)?;
        if header_len < 20 || (header_len > left && !walk.fragment) {
            walk.malformed = true;
        }
    }
    Some(ports)
}

/// The hash by which a packet chooses its ring: fragments follow the first one of their datagram.
#[inline(always)]
fn steer(fragments: Option<FragmentKey>, later: bool, hash: u32) -> u32 {
    let Some(key) = fragments else { return hash };
    if later {
        // SAFETY: the value is copied at once; a concurrent change of the entry gives another
        // datagram's hash at worst.
        return unsafe { FRAGMENTS.get(&key) }.copied().unwrap_or(hash);
    }
    // A full map makes room by itself (LRU); a failure only costs this datagram its affinity.
    let _unused = FRAGMENTS.insert(&key, &hash, 0);
    hash
}
