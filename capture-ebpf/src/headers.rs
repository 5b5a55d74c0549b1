//! The walk from the link layer to the ports, whatever lies between.
//!
//! [`crate::plain`] is the short way for packets that have nothing between.
//!
//! What counts as malformed is the same here and in the library's dissector: a header that the frame
//! on the wire has no room for, a version or a header length that cannot be. A length field that
//! claims more than the frame holds is not (a fragment of a snapped or offloaded packet says so too).

use capture_common::flow_hash::{
    FragmentKey, combine, endpoint_v4, endpoint_v6, is_tunnel_port, link_hash,
};

use crate::facts::Facts;
use crate::maps::FRAGMENTS;
use crate::settings::Patched;
use crate::veil::Veil;

/// Bytes that are brought together when the headers do not lie in one piece.
pub(crate) const SCRATCH_LEN: usize = 512;

/// VLAN tags that are looked behind.
const MAX_VLAN_TAGS: usize = 4;
/// IPv6 extension headers that are looked behind.
const MAX_EXTENSIONS: usize = 8;
/// Bytes of IPv6 extension headers that are believed: with every other header they stay below
/// [`SCRATCH_LEN`].
const MAX_EXTENSIONS_LEN: usize = 400;

/// Bytes before the network header, as a mask: more than an Ethernet header with all its tags.
const MAX_LINK_LEN: usize = 0x3f;
/// Bytes before the transport header, as a mask: more than is ever brought together.
const MAX_HEADERS_LEN: usize = 0x3ff;

pub(crate) const ETHERTYPE_IPV4: u16 = 0x0800_u16.to_be();
const ETHERTYPE_ARP: u16 = 0x0806_u16.to_be();
const ETHERTYPE_VLAN: u16 = 0x8100_u16.to_be();
pub(crate) const ETHERTYPE_IPV6: u16 = 0x86dd_u16.to_be();
const ETHERTYPE_QINQ: u16 = 0x88a8_u16.to_be();
/// QinQ before 802.1ad settled its number.
const ETHERTYPE_QINQ_OLD: u16 = 0x9100_u16.to_be();

/// ICMP type, code, checksum, and four bytes whose meaning is up to the type (RFC 792, RFC 4443).
const ICMP_LEN: usize = 8;

/// Both ports, with which every transport header that has any begins.
const PORTS_LEN: usize = 4;

const PROTO_HOP_BY_HOP: u8 = 0;
const PROTO_ICMP: u8 = 1;
pub(crate) const PROTO_TCP: u8 = 6;
pub(crate) const PROTO_UDP: u8 = 17;
const PROTO_ROUTING: u8 = 43;
const PROTO_FRAGMENT: u8 = 44;
const PROTO_AUTH: u8 = 51;
const PROTO_ICMPV6: u8 = 58;
const PROTO_DEST_OPTIONS: u8 = 60;
const PROTO_SCTP: u8 = 132;
const PROTO_MOBILITY: u8 = 135;
const PROTO_UDP_LITE: u8 = 136;

/// IPv4 more-fragments flag, network byte order.
pub(crate) const MORE_FRAGMENTS: u16 = 0x2000_u16.to_be();
/// IPv4 fragment offset mask, network byte order.
pub(crate) const OFFSET_MASK: u16 = 0x1fff_u16.to_be();
/// IPv6 fragment offset mask and more-fragments flag, network byte order (RFC 8200 section 4.5).
const OFFSET_MASK_V6: u16 = 0xfff8_u16.to_be();
const MORE_FRAGMENTS_V6: u16 = 0x0001_u16.to_be();

pub(crate) const TCP_FIN: u8 = 0x01;
pub(crate) const TCP_SYN: u8 = 0x02;
pub(crate) const TCP_RST: u8 = 0x04;
pub(crate) const TCP_ACK: u8 = 0x10;

/// Whether this type, as it lies in the packet, is that of a VLAN tag.
#[inline(always)]
pub(crate) fn is_tag(ethertype: u16) -> bool {
    matches!(
        ethertype,
        ETHERTYPE_VLAN | ETHERTYPE_QINQ | ETHERTYPE_QINQ_OLD
    )
}

/// The network protocol of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
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
    /// 0 until it is known.
    pub(crate) flow_hash: u32,
}

/// `N` bytes that were checked together: one comparison for a whole header, and the verifier, which
/// forgets a check as soon as the address is computed anew, sees one address.
#[derive(Clone, Copy)]
pub(crate) struct Header<const N: usize> {
    start: *const u8,
}

impl<const N: usize> Header<N> {
    /// The header that starts here, of which all `N` bytes can be read.
    #[inline(always)]
    pub(crate) fn new(start: *const u8) -> Self {
        Self { start }
    }

    /// The field at `AT`.
    #[inline(always)]
    pub(crate) fn field<T: Copy, const AT: usize>(self) -> T {
        const { assert!(AT + size_of::<T>() <= N) };
        // SAFETY: within the header, whose bytes were checked when it was made. The address may be
        // unaligned for T; the BPF machine has no alignment, and `read_unaligned` would make LLVM
        // load byte by byte.
        let at = unsafe { self.start.add(AT) };
        // SAFETY: as above.
        unsafe { *at.cast::<T>() }
    }

    /// The field at `FIELD` of a header in here that begins at `AT`.
    #[inline(always)]
    pub(crate) fn inner<T: Copy, const AT: usize, const FIELD: usize>(self) -> T {
        const { assert!(AT + FIELD + size_of::<T>() <= N) };
        // SAFETY: as in `field`.
        let at = unsafe { self.start.add(AT + FIELD) };
        // SAFETY: as above.
        unsafe { *at.cast::<T>() }
    }
}

/// The first bytes of a packet, brought together in a buffer.
pub(crate) struct Gathered {
    pub(crate) bytes: *const [u8; SCRATCH_LEN],
    pub(crate) filled: usize,
}

impl Gathered {
    /// `N` bytes at `offset`; `None` when they do not lie within.
    #[inline(always)]
    fn header<const N: usize>(&self, offset: usize) -> Option<Header<N>> {
        if offset + N > self.filled {
            return None;
        }
        // Through memory, so that what is compared is what is added; see `emit::bounded`.
        // SAFETY: reads a local variable.
        let offset = unsafe { core::ptr::read_volatile(&raw const offset) };
        if offset > SCRATCH_LEN - N {
            return None;
        }
        // SAFETY: within the buffer by the second check.
        let start = unsafe { self.bytes.cast::<u8>().add(offset) };
        Some(Header::new(start))
    }
}

impl Walk {
    /// All of it as one number.
    #[inline(always)]
    pub(crate) fn pack(self) -> u64 {
        self.flow_hash as u64
            | (self.protocol as u64) << 32
            | (self.tcp_flags as u64) << 40
            | (self.net as u64) << 48
            | (self.fragment as u64) << 56
            | (self.malformed as u64) << 57
    }

    /// The other way round.
    #[inline(always)]
    pub(crate) fn unpack(packed: u64) -> Self {
        Self {
            flow_hash: packed as u32,
            protocol: (packed >> 32) as u8,
            tcp_flags: (packed >> 40) as u8,
            net: match (packed >> 48) as u8 {
                0 => Net::Arp,
                1 => Net::Ipv4,
                2 => Net::Ipv6,
                _ => Net::Other,
            },
            fragment: packed >> 56 & 1 != 0,
            malformed: packed >> 57 & 1 != 0,
        }
    }

    pub(crate) const fn new() -> Self {
        Self {
            net: Net::Other,
            protocol: 0,
            tcp_flags: 0,
            fragment: false,
            malformed: false,
            flow_hash: 0,
        }
    }
}

/// Walks the headers of a packet of `frame_len` bytes.
#[inline(always)]
pub(crate) fn walk(bytes: &Gathered, frame_len: u32, raw_ip: bool, seed: u64, veil: Veil) -> Walk {
    let mut walk = Walk::new();
    if descend(bytes, frame_len as usize, raw_ip, seed, veil, &mut walk).is_none() {
        // Headers of more than SCRATCH_LEN bytes are beyond what any stack accepts.
        walk.malformed = true;
    }
    walk
}

/// The walk proper; `None` when a header does not lie within the readable bytes.
#[inline(always)]
fn descend(
    bytes: &Gathered,
    frame_len: usize,
    raw_ip: bool,
    seed: u64,
    veil: Veil,
    walk: &mut Walk,
) -> Option<()> {
    if raw_ip {
        // Two bytes though one is looked at: the compiler makes `start < end` of a check for one, from
        // which the verifier learns nothing (it wants to see an offset).
        return match bytes.header::<2>(0)?.field::<u8, 0>() >> 4 {
            4 => ipv4(bytes, 0, frame_len, seed, veil, walk),
            6 => ipv6(bytes, 0, frame_len, seed, veil, walk),
            _ => Some(()),
        };
    }
    let ethernet = bytes.header::<14>(0)?;
    let dst = ethernet.field::<u32, 0>() as u64 | (ethernet.field::<u16, 4>() as u64) << 32;
    let src = ethernet.field::<u32, 6>() as u64 | (ethernet.field::<u16, 10>() as u64) << 32;
    let mut ethertype = ethernet.field::<u16, 12>();
    let mut offset = 14;
    for _ in 0..MAX_VLAN_TAGS {
        if !is_tag(ethertype) {
            break;
        }
        ethertype = bytes.header::<4>(offset)?.field::<u16, 2>();
        offset += 4;
    }
    let offset = veil.draw(offset) & MAX_LINK_LEN;
    match ethertype {
        ETHERTYPE_IPV4 => ipv4(bytes, offset, frame_len, seed, veil, walk),
        ETHERTYPE_IPV6 => ipv6(bytes, offset, frame_len, seed, veil, walk),
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
fn ipv4(
    bytes: &Gathered,
    offset: usize,
    frame_len: usize,
    seed: u64,
    veil: Veil,
    walk: &mut Walk,
) -> Option<()> {
    walk.net = Net::Ipv4;
    let header = bytes.header::<20>(offset)?;
    let version_ihl = header.field::<u8, 0>();
    let total_len = u16::from_be(header.field::<u16, 2>()) as usize;
    let id = header.field::<u16, 4>();
    let fragment = header.field::<u16, 6>();
    let protocol = header.field::<u8, 9>();
    let src = header.field::<u32, 12>();
    let dst = header.field::<u32, 16>();
    let header_len = ((version_ihl & 0x0f) as usize) * 4;
    // A GSO frame above 64 KiB says 0 for its length.
    if version_ihl >> 4 != 4
        || header_len < 20
        || (total_len < header_len && total_len != 0)
        || offset + header_len > frame_len
    {
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
    let left = payload_len(total_len, header_len, frame_len - offset);
    let mut facts = Facts {
        net_at: offset as u32,
        ip_len: (header_len + left) as u32,
        ports_at: (offset + header_len) as u32,
        headers_end: (offset + header_len) as u32,
        ..Facts::NONE
    };
    if Patched.headers_only() != 0 {
        veil.note(&facts);
    }
    let (src_port, dst_port) = if later {
        (0, 0)
    } else {
        transport(
            bytes,
            offset + header_len,
            frame_len,
            left,
            walk,
            &mut facts,
        )?
    };
    let (src, dst) = (
        endpoint_v4(seed, src, src_port),
        endpoint_v4(seed, dst, dst_port),
    );
    let fingerprint = combine(src, dst, protocol);
    facts.identify(fingerprint, u32::from(src > dst), frame_len, walk);
    veil.note(&facts);
    walk.flow_hash = steer(walk, fragments, later, (fingerprint >> 32) as u32, veil);
    Some(())
}

/// Bytes that the network header leaves to the transport; 0 in total means what the frame holds.
#[inline(always)]
fn payload_len(total_len: usize, header_len: usize, frame_leaves: usize) -> usize {
    if total_len == 0 {
        frame_leaves - header_len
    } else {
        total_len - header_len
    }
}

#[inline(always)]
fn ipv6(
    bytes: &Gathered,
    offset: usize,
    frame_len: usize,
    seed: u64,
    veil: Veil,
    walk: &mut Walk,
) -> Option<()> {
    walk.net = Net::Ipv6;
    let header = bytes.header::<40>(offset)?;
    let version = header.field::<u8, 0>();
    let payload = u16::from_be(header.field::<u16, 4>()) as usize;
    let mut protocol = header.field::<u8, 6>();
    let src = header.field::<[u64; 2], 8>();
    let dst = header.field::<[u64; 2], 24>();
    if version >> 4 != 6 {
        walk.malformed = true;
        return Some(());
    }
    let mut at = offset + 40;
    let mut left = if payload == 0 {
        // The fixed header was read, so the frame has room for it.
        (frame_len - at).min(usize::from(u16::MAX))
    } else {
        payload
    };
    // Where the payload's length is not said, it is what the frame holds, of any length.
    let ip_len = if payload == 0 {
        frame_len - offset
    } else {
        payload + 40
    };
    let mut fragments = None;
    let mut later = false;
    for _ in 0..MAX_EXTENSIONS {
        if !matches!(
            protocol,
            PROTO_HOP_BY_HOP
                | PROTO_ROUTING
                | PROTO_DEST_OPTIONS
                | PROTO_MOBILITY
                | PROTO_AUTH
                | PROTO_FRAGMENT
        ) {
            break;
        }
        let extension = bytes.header::<8>(at)?;
        let mut len = (extension.field::<u8, 1>() as usize + 1) * 8;
        if protocol == PROTO_AUTH {
            len = (extension.field::<u8, 1>() as usize + 2) * 4;
        }
        if protocol == PROTO_FRAGMENT {
            len = 8;
            let field = extension.field::<u16, 2>();
            // An atomic fragment (RFC 6946) is a whole datagram.
            if field & (OFFSET_MASK_V6 | MORE_FRAGMENTS_V6) != 0 {
                walk.fragment = true;
                later = field & OFFSET_MASK_V6 != 0;
                fragments = Some(extension.field::<u32, 4>());
            }
        }
        protocol = extension.field::<u8, 0>();
        if len > left || at + len > offset + 40 + MAX_EXTENSIONS_LEN || at + len > frame_len {
            walk.malformed = true;
            return Some(());
        }
        at = veil.draw(at + len) & MAX_HEADERS_LEN;
        left = veil.draw(left - len) & 0xffff;
        protocol = veil.draw(protocol as usize) as u8;
        if later {
            break;
        }
    }
    walk.protocol = protocol;
    let mut facts = Facts {
        net_at: offset as u32,
        ip_len: ip_len as u32,
        ports_at: at as u32,
        headers_end: at as u32,
        ..Facts::NONE
    };
    if Patched.headers_only() != 0 {
        veil.note(&facts);
    }
    let (src_port, dst_port) = if later {
        (0, 0)
    } else {
        transport(bytes, at, frame_len, left, walk, &mut facts)?
    };
    let (src_end, dst_end) = (
        endpoint_v6(seed, src, src_port),
        endpoint_v6(seed, dst, dst_port),
    );
    let fingerprint = combine(src_end, dst_end, protocol);
    facts.identify(fingerprint, u32::from(src_end > dst_end), frame_len, walk);
    veil.note(&facts);
    let hash = (fingerprint >> 32) as u32;
    let key = fragments.map(|id| FragmentKey {
        src,
        dst,
        id,
        protocol: 0,
        version: 6,
        reserved: 0,
    });
    walk.flow_hash = steer(walk, key, later, hash, veil);
    Some(())
}

/// Ports of the transport header at `offset`, (0, 0) where the protocol has none or the packet is a
/// tunnel's; notes TCP flags.
#[inline(always)]
fn transport(
    bytes: &Gathered,
    offset: usize,
    frame_len: usize,
    left: usize,
    walk: &mut Walk,
    facts: &mut Facts,
) -> Option<(u16, u16)> {
    let min_len = match walk.protocol {
        PROTO_TCP => 20,
        PROTO_UDP | PROTO_UDP_LITE => 8,
        PROTO_SCTP => 12,
        PROTO_ICMP | PROTO_ICMPV6 => 4,
        _ => return Some((0, 0)),
    };
    let has_ports = walk.protocol != PROTO_ICMP && walk.protocol != PROTO_ICMPV6;
    // The first fragment of a datagram may end within the header; the rest is elsewhere.
    let split = left < min_len;
    if split && (!walk.fragment || !has_ports || left < PORTS_LEN) {
        walk.malformed = !walk.fragment;
        return Some((0, 0));
    }
    if offset + if split { PORTS_LEN } else { min_len } > frame_len {
        walk.malformed = true;
        return Some((0, 0));
    }
    if !has_ports {
        facts.headers_end = (offset + if left < ICMP_LEN { left } else { ICMP_LEN }) as u32;
        return Some((0, 0));
    }
    if walk.protocol == PROTO_UDP && !split {
        // The address is computed once for all that is read, so that one check is enough.
        let header = bytes.header::<8>(offset)?;
        let (src, dst) = (header.field::<u16, 0>(), header.field::<u16, 2>());
        let tunnel = is_tunnel_port(u16::from_be(src)) || is_tunnel_port(u16::from_be(dst));
        facts.headers_end = (offset + min_len) as u32;
        if tunnel {
            return Some((0, 0));
        }
        let said = u16::from_be(header.field::<u16, 4>()) as usize;
        // A length of 0 is that of a jumbogram (RFC 2675 section 4).
        let len = if said == 0 { left } else { said };
        facts.payload_len = len.saturating_sub(8) as u32;
        facts.bits = Facts::FOLLOWED;
        return Some((src, dst));
    }
    if walk.protocol != PROTO_TCP || split {
        let header = bytes.header::<PORTS_LEN>(offset)?;
        let (src, dst) = (header.field::<u16, 0>(), header.field::<u16, 2>());
        let tunnel = is_tunnel_port(u16::from_be(src)) || is_tunnel_port(u16::from_be(dst));
        facts.headers_end = (offset + if split { left } else { min_len }) as u32;
        return Some(if walk.protocol == PROTO_UDP && tunnel {
            (0, 0)
        } else {
            (src, dst)
        });
    }
    let header = bytes.header::<14>(offset)?;
    let ports = (header.field::<u16, 0>(), header.field::<u16, 2>());
    facts.seq = u32::from_be(header.field::<u32, 4>());
    {
        let header_len = (header.field::<u8, 12>() >> 4) as usize * 4;
        walk.tcp_flags = header.field::<u8, 13>();
        if header_len < 20 || (header_len > left && !walk.fragment) {
            walk.malformed = true;
        } else if header_len <= left {
            facts.headers_end = (offset + header_len) as u32;
            facts.payload_len = (left - header_len) as u32;
            facts.bits = Facts::FOLLOWED;
        } else {
            facts.headers_end = (offset + left) as u32;
        }
    }
    Some(ports)
}

/// The hash by which a packet chooses its ring: fragments follow the first one of their datagram.
#[inline(always)]
fn steer(walk: &Walk, fragments: Option<FragmentKey>, later: bool, hash: u32, veil: Veil) -> u32 {
    let Some(key) = fragments else { return hash };
    // What cannot be believed says nothing of other packets.
    if walk.malformed {
        return hash;
    }
    let key = veil.keep_key(key);
    if later {
        // SAFETY: the value is copied at once; a concurrent change of the entry gives another
        // datagram's hash at worst.
        return unsafe { FRAGMENTS.get(key) }.copied().unwrap_or(hash);
    }
    // A full map makes room by itself (LRU); a failure only costs this datagram its affinity.
    let _unused = FRAGMENTS.insert(key, hash, 0);
    hash
}
