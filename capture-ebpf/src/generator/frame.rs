//! Writes a segment over the frame that the test run hands in.
//!
//! What no segment changes comes from the template: Ethernet, the tag, what is constant in the IP
//! header, urgent pointer and payload. Frames are recycled without being filled again, so everything
//! else is written each time. TCP over IPv4 without a tag, the usual case, is written in aligned words
//! that straddle the fields, because its headers start at an odd multiple of two bytes; all else in words
//! of two bytes.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::generated::bpf_xdp_adjust_tail;
use aya_ebpf::programs::XdpContext;
use capture_common::GeneratorSettings;
use capture_common::generator::{Segment, control_frame_len};

/// Length of a TCP header without options.
const TCP_LEN: u32 = 20;

/// Window of all segments: what fits without scaling.
const WINDOW: u32 = 65_535;
/// Data offset, in the first four bits of its word.
const DATA_OFFSET: u32 = (TCP_LEN / 4) << 12;

/// Sum of the words of the IPv4 header that the template gives: version 4, header of 5 words, DF,
/// time to live 64; the protocol comes to it.
const IPV4_SUM: u64 = 0x4500 + 0x4000 + 0x4000;
/// Sum of what never changes in a TCP header.
const TCP_SUM: u64 = DATA_OFFSET as u64 + WINDOW as u64;

/// One setting; see `maps.rs`.
#[inline(always)]
fn get(setting: &u32) -> u32 {
    // SAFETY: a reference is valid for reads. Volatile, because userspace changes the value after
    // compilation.
    unsafe { core::ptr::read_volatile(setting) }
}

/// Folds a sum and complements it (RFC 1071).
#[inline(always)]
fn checksum(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

/// What follows from the settings and the segment.
struct Shape {
    /// Bytes before the IP header.
    link_len: u32,
    net_len: u32,
    transport_len: u32,
    /// Bytes of the longest frame, which the test run hands in.
    longest: u32,
    /// Bytes of this frame.
    frame_len: u32,
    /// Sum of the words of the payload.
    payload_sum: u64,
}

impl Shape {
    #[inline(always)]
    fn of(settings: &GeneratorSettings, segment: &Segment) -> Self {
        const FILL: u64 = GeneratorSettings::FILL as u64;
        let link_len = GeneratorSettings::link_len(get(&settings.vlan) != 0);
        let net_len = GeneratorSettings::net_len(get(&settings.ip_version));
        let transport_len = GeneratorSettings::transport_len(get(&settings.protocol));
        let headers_len = link_len + net_len + transport_len;
        let longest = get(&settings.frame_len);
        let control = control_frame_len(headers_len, longest);
        let frame_len = if segment.payload_len == 0 {
            control
        } else {
            headers_len + segment.payload_len
        };
        // What is padding elsewhere is zeros, and ends at an even place where anything follows.
        let payload_sum = if frame_len > control {
            let filled = u64::from(frame_len - control);
            let odd = if filled & 1 == 1 { FILL << 8 } else { 0 };
            filled / 2 * (FILL << 8 | FILL) + odd
        } else {
            0
        };
        Self {
            link_len,
            net_len,
            transport_len,
            longest,
            frame_len,
            payload_sum,
        }
    }
}

/// Writes the segment; gives the length of its frame, or `None` if the frame that there is is too short,
/// or cannot be cut.
#[inline(always)]
pub(crate) fn write(
    ctx: &XdpContext,
    settings: &GeneratorSettings,
    segment: &Segment,
) -> Option<u32> {
    let shape = Shape::of(settings, segment);
    let plain = get(&settings.ip_version) == 4
        && get(&settings.protocol) == GeneratorSettings::TCP
        && get(&settings.vlan) == 0;
    let written = if plain {
        write_plain(ctx, settings, segment, &shape)
    } else {
        write_any(ctx, settings, segment, &shape)
    };
    if !written {
        return None;
    }
    let excess = shape.longest - shape.frame_len;
    if excess == 0 {
        return Some(shape.frame_len);
    }
    // SAFETY: the context is the one that the kernel passed.
    let cut = unsafe { bpf_xdp_adjust_tail(ctx.as_ptr().cast(), -excess.cast_signed()) };
    (cut == 0).then_some(shape.frame_len)
}

/// TCP over IPv4, without a tag.
#[inline(always)]
fn write_plain(
    ctx: &XdpContext,
    settings: &GeneratorSettings,
    segment: &Segment,
    shape: &Shape,
) -> bool {
    let start = ctx.data();
    if start + GeneratorSettings::MIN_FRAME_LEN as usize > ctx.data_end() {
        return false;
    }
    let protocol = u64::from(GeneratorSettings::TCP);
    let addresses = u64::from(segment.src) + u64::from(segment.dst);
    let transport_len = TCP_LEN + segment.payload_len;
    let total_len = shape.net_len + transport_len;
    let ipv4_checksum = checksum(IPV4_SUM + protocol + u64::from(total_len) + addresses);
    let offset_and_flags = DATA_OFFSET | u32::from(segment.flags);
    let tcp_checksum = if get(&settings.tcp_checksum) == 0 {
        0
    } else {
        checksum(
            TCP_SUM
                + protocol
                + u64::from(segment.flags)
                + u64::from(transport_len)
                + shape.payload_sum
                + addresses
                + u64::from(segment.ports)
                + u64::from(segment.seq)
                + u64::from(segment.ack),
        )
    };

    // Total length, and an identification of 0, which a datagram with DF may have (RFC 6864).
    let word16 = total_len << 16;
    let word24 = u64::from(ipv4_checksum) << 48
        | u64::from(segment.src) << 16
        | u64::from(segment.dst) >> 16;
    let word32 = u64::from(segment.dst) << 48
        | u64::from(segment.ports) << 16
        | u64::from(segment.seq) >> 16;
    let word40 =
        u64::from(segment.seq) << 48 | u64::from(segment.ack) << 16 | u64::from(offset_and_flags);
    let word48 = WINDOW << 16 | u32::from(tcp_checksum);
    // SAFETY: 56 bytes were checked above; the kernel starts frames at a multiple of 8.
    unsafe { ((start + 16) as *mut u32).write(word16.to_be()) };
    // SAFETY: as above.
    unsafe { ((start + 24) as *mut u64).write(word24.to_be()) };
    // SAFETY: as above.
    unsafe { ((start + 32) as *mut u64).write(word32.to_be()) };
    // SAFETY: as above.
    unsafe { ((start + 40) as *mut u64).write(word40.to_be()) };
    // SAFETY: as above.
    unsafe { ((start + 48) as *mut u32).write(word48.to_be()) };
    true
}

/// Any headers.
#[inline(always)]
fn write_any(
    ctx: &XdpContext,
    settings: &GeneratorSettings,
    segment: &Segment,
    shape: &Shape,
) -> bool {
    let start = ctx.data();
    let headers_len = shape.link_len + shape.net_len + shape.transport_len;
    if start + headers_len as usize > ctx.data_end() {
        return false;
    }
    let protocol = get(&settings.protocol);
    let transport_len = shape.transport_len + segment.payload_len;
    let net = start + shape.link_len as usize;
    let mut addresses = u64::from(segment.src) + u64::from(segment.dst);
    if get(&settings.ip_version) == 6 {
        addresses += net_sum(&settings.src_net) + net_sum(&settings.dst_net);
        put16(net + 4, transport_len);
        let (from, to) = if segment.from_client {
            (&settings.src_net, &settings.dst_net)
        } else {
            (&settings.dst_net, &settings.src_net)
        };
        put_net(net + 8, from);
        put32(net + 20, segment.src);
        put_net(net + 24, to);
        put32(net + 36, segment.dst);
    } else {
        let total_len = shape.net_len + transport_len;
        let sum = IPV4_SUM + u64::from(protocol) + u64::from(total_len) + addresses;
        put16(net + 2, total_len);
        put16(net + 10, u32::from(checksum(sum)));
        put32(net + 12, segment.src);
        put32(net + 16, segment.dst);
    }
    let transport = net + shape.net_len as usize;
    let sum = u64::from(protocol)
        + u64::from(transport_len)
        + shape.payload_sum
        + addresses
        + u64::from(segment.ports);
    put32(transport, segment.ports);
    if protocol == GeneratorSettings::UDP {
        // The length is in the header and in the pseudo-header.
        let sum = checksum(sum + u64::from(transport_len));
        // Zero says that there is none (RFC 768).
        let sum = if sum == 0 { 0xffff } else { sum };
        put16(transport + 4, transport_len);
        put16(transport + 6, u32::from(sum));
        return true;
    }
    put32(transport + 4, segment.seq);
    put32(transport + 8, segment.ack);
    put16(transport + 12, DATA_OFFSET | u32::from(segment.flags));
    put16(transport + 14, WINDOW);
    let tcp_checksum = if get(&settings.tcp_checksum) == 0 {
        0
    } else {
        checksum(
            sum + TCP_SUM
                + u64::from(segment.flags)
                + u64::from(segment.seq)
                + u64::from(segment.ack),
        )
    };
    put16(transport + 16, u32::from(tcp_checksum));
    true
}

/// Sum of the first words of an IPv6 address.
#[inline(always)]
fn net_sum(net: &[u32; 3]) -> u64 {
    u64::from(get(&net[0])) + u64::from(get(&net[1])) + u64::from(get(&net[2]))
}

/// Writes the first words of an IPv6 address.
#[inline(always)]
fn put_net(at: usize, net: &[u32; 3]) {
    put32(at, get(&net[0]));
    put32(at + 4, get(&net[1]));
    put32(at + 8, get(&net[2]));
}

/// Writes four bytes in the headers of a frame, whose length was checked.
#[inline(always)]
fn put32(at: usize, value: u32) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

/// Writes the lower two bytes of a value in the headers of a frame, whose length was checked.
#[inline(always)]
fn put16(at: usize, value: u32) {
    // SAFETY: the caller checked that the headers are there; all fields are at a multiple of two.
    unsafe { (at as *mut u16).write((value as u16).to_be()) };
}
