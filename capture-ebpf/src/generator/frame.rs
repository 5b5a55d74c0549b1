//! Writes a segment over the frame that the test run hands in.
//!
//! What no segment changes comes from the template: Ethernet, the first and the third word of the
//! IPv4 header, urgent pointer and payload. Frames are recycled without being filled again, so
//! everything else is written each time, in aligned words that straddle the fields: the headers start
//! at an odd multiple of two bytes.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::generated::bpf_xdp_adjust_tail;
use aya_ebpf::programs::XdpContext;
use capture_common::GeneratorSettings;

use crate::maps::setting;
use crate::segment::Segment;

/// Length of an Ethernet header.
const ETHERNET_LEN: u32 = 14;
/// Length of an IPv4 header without options.
const IPV4_LEN: u32 = 20;
/// Length of a TCP header without options.
const TCP_LEN: u32 = 20;

/// Window of all segments: what fits without scaling.
const WINDOW: u32 = 65_535;
/// Data offset, in the first four bits of its word.
const DATA_OFFSET: u32 = (TCP_LEN / 4) << 12;

/// Sum of the words of the IPv4 header that the template gives: version 4, header of 5 words, DF,
/// time to live 64, protocol 6.
const IPV4_SUM: u64 = 0x4500 + 0x4000 + 0x4006;
/// Sum of what never changes in a TCP header and its pseudo-header: protocol, data offset, window.
const TCP_SUM: u64 = 6 + DATA_OFFSET as u64 + WINDOW as u64;

/// Folds a sum and complements it (RFC 1071).
#[inline(always)]
fn checksum(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

/// Writes the segment; false if the frame is too short, or cannot be cut.
#[inline(always)]
pub(crate) fn write(ctx: &XdpContext, segment: &Segment) -> bool {
    let start = ctx.data();
    if start + GeneratorSettings::MIN_FRAME_LEN as usize > ctx.data_end() {
        return false;
    }

    let addresses = u64::from(segment.src) + u64::from(segment.dst);
    let (total_len, payload_sum) = if segment.data {
        (setting!(frame_len) - ETHERNET_LEN, setting!(payload_sum))
    } else {
        (IPV4_LEN + TCP_LEN, 0)
    };
    let ipv4_checksum = checksum(IPV4_SUM + u64::from(total_len) + addresses);
    let offset_and_flags = DATA_OFFSET | u32::from(segment.flags);
    let tcp_checksum = if setting!(tcp_checksum) == 0 {
        0
    } else {
        checksum(
            TCP_SUM
                + u64::from(segment.flags)
                + u64::from(total_len - IPV4_LEN)
                + u64::from(payload_sum)
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

    if segment.data || setting!(frame_len) <= GeneratorSettings::CONTROL_FRAME_LEN {
        return true;
    }
    let excess = setting!(frame_len) - GeneratorSettings::CONTROL_FRAME_LEN;
    // SAFETY: the context is the one that the kernel passed.
    unsafe { bpf_xdp_adjust_tail(ctx.as_ptr().cast(), -excess.cast_signed()) == 0 }
}
