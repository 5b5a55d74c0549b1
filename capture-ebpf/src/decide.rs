//! Which packets are wanted, and how much of each: sampling, headers alone.

use aya_ebpf::helpers::generated::bpf_get_prandom_u32;
use capture_common::flow_hash::mix64;
use capture_common::{MAX_CAP_LEN, Settings};

use crate::headers::{TCP_FIN, TCP_RST, TCP_SYN, Walk};
use crate::settings::Patched;

/// Segments that open or end a connection.
pub(crate) const CONTROL: u8 = TCP_SYN | TCP_FIN | TCP_RST;

/// How much of a packet is copied.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// Bytes at most.
    pub(crate) len: u32,
    /// `RingRecord::FLAG_*` that says why payload is left out, if it is on purpose.
    pub(crate) flags: u16,
}

/// Whether sampling of packets leaves the packet out.
#[inline(always)]
pub(crate) fn is_packet_sampled_out(walk: &Walk) -> bool {
    let threshold = Patched.sample_packets();
    if threshold == 0 || (walk.tcp_flags & CONTROL != 0 && Patched.keep() != 0) {
        return false;
    }
    // SAFETY: takes no argument.
    let drawn = unsafe { bpf_get_prandom_u32() } as u32;
    drawn >= threshold
}

/// Whether sampling of flows leaves the packet out.
///
/// A flow is chosen by another hash than the one that chooses its ring, made of the same number: so
/// fragments follow the first one of their datagram here as well, and every ring gets its share.
#[inline(always)]
pub(crate) fn is_flow_sampled_out(walk: &Walk) -> bool {
    let threshold = Patched.sample_flows();
    let kept = Patched.keep() & Settings::KEEP_CONTROL_OF_ALL != 0;
    if threshold == 0 || (walk.tcp_flags & CONTROL != 0 && kept) {
        return false;
    }
    let hash = mix64(walk.flow_hash as u64 ^ Patched.seed().rotate_left(32));
    hash as u32 >= threshold
}

/// How much is copied of a packet of which everything is wanted: up to the snap length.
#[inline(always)]
pub(crate) fn share(wire_len: u32) -> Share {
    let snap_len = Patched.snap_len();
    let snap_len = if snap_len < MAX_CAP_LEN {
        snap_len
    } else {
        MAX_CAP_LEN
    };
    Share {
        len: if wire_len < snap_len {
            wire_len
        } else {
            snap_len
        },
        flags: 0,
    }
}

impl Share {
    /// The same, and not beyond this offset in the frame; `flag` says why, if that leaves something out.
    /// `tag_len` is the length of a VLAN tag that the kernel keeps aside.
    #[inline(always)]
    pub(crate) fn up_to(self, offset: u32, tag_len: u32, wire_len: u32, flag: u16) -> Self {
        // No header lies that far; beyond is said of packets that are wanted whole.
        if offset >= MAX_CAP_LEN {
            return self;
        }
        let end = offset + tag_len;
        Self {
            len: if end < self.len { end } else { self.len },
            flags: if end < wire_len && self.flags == 0 {
                flag
            } else {
                self.flags
            },
        }
    }
}
