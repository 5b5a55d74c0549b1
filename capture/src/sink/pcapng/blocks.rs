//! Encoding of pcapng blocks, little endian, appended to a buffer.
//!
//! Pure functions of what they are given: no clock, no file, no state. The fields are those of
//! draft-ietf-opsawg-pcapng, whose section numbers are given.

use crate::packet::{Iface, IfaceId, Packet, PacketDirection, Timestamp};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Bytes of an Enhanced Packet Block before its packet.
const PACKET_HEADER_LEN: usize = 28;
/// Bytes of an Enhanced Packet Block beside its packet, at most: the header, padding, three options,
/// their end, and the length.
pub(super) const MAX_PACKET_OVERHEAD: usize = PACKET_HEADER_LEN + 3 + 8 + 12 + 8 + 4 + 4;

/// Option value lengths are 16 bits; texts are cut here, a multiple of 4.
const MAX_TEXT_LEN: usize = 0xfffc;

/// What wrote a file, and where (section 4.1). Empty texts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The machine's hardware, such as the CPU's name.
    pub hardware: String,
    /// Operating system and version.
    pub os: String,
    /// Program and version.
    pub application: String,
}

/// An interface as a file describes it (section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfaceDescription {
    /// Name, description, link type and snap length.
    pub iface: Iface,
    /// Capture filter in pcap-filter(7) syntax; `None` if every packet was wanted.
    pub filter: Option<String>,
    /// What else is to be said of how packets were captured; empty for nothing.
    pub comment: String,
    /// Hardware address, where there is one.
    pub mac: Option<[u8; 6]>,
    /// Operating system of the machine that has the interface; empty if unknown.
    pub os: String,
}

impl From<Iface> for IfaceDescription {
    fn from(iface: Iface) -> Self {
        Self {
            iface,
            filter: None,
            comment: String::new(),
            mac: None,
            os: String::new(),
        }
    }
}

/// What happened on an interface (section 4.6). Counts are packets; `None` is not known and left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfaceStatistics {
    /// Remarks, one option each.
    pub comments: Vec<String>,
    /// When the capture started.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Received by the interface.
    pub received: Option<u64>,
    /// Lost by the interface, for want of resources.
    pub iface_dropped: Option<u64>,
    /// Accepted by the filter.
    pub accepted: Option<u64>,
    /// Lost by the operating system, after the filter.
    pub os_dropped: Option<u64>,
    /// Delivered to the program.
    pub delivered: Option<u64>,
}

/// Appends a Section Header Block of unspecified length, version 1.0.
pub(crate) fn section_header(out: &mut Vec<u8>, section: &Section) {
    let Section {
        hardware,
        os,
        application,
    } = section;
    block(out, SECTION_HEADER, |out| {
        out.extend_from_slice(&BYTE_ORDER_MAGIC.to_le_bytes());
        out.extend_from_slice(&[1, 0, 0, 0]);
        out.extend_from_slice(&(-1_i64).to_le_bytes());
        let texts = [(2, hardware), (3, os), (4, application)];
        for (code, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            option(out, code, text_value(text));
        }
        end_of_options(out);
    });
}

/// Appends an Interface Description Block with nanosecond timestamps.
pub(crate) fn interface_description(out: &mut Vec<u8>, description: &IfaceDescription) {
    let IfaceDescription {
        iface,
        filter,
        comment,
        mac,
        os,
    } = description;
    block(out, INTERFACE_DESCRIPTION, |out| {
        out.extend_from_slice(&iface.link.0.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&iface.snap_len.to_le_bytes());
        let texts = [(1, comment), (2, &iface.name), (3, &iface.description)];
        for (code, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            option(out, code, text_value(text));
        }
        if let Some(mac) = mac {
            option(out, 6, mac);
        }
        option(out, 9, &[9]);
        if let Some(filter) = filter {
            // The first byte says that it is a libpcap filter, as text.
            option(out, 11, &[&[0], text_value(filter)].concat());
        }
        if !os.is_empty() {
            option(out, 12, text_value(os));
        }
        end_of_options(out);
    });
}

/// Appends an Enhanced Packet Block (section 4.3). `lost` is how many packets of the interface are
/// missing before this one; it is written if there are any.
#[inline]
pub(crate) fn enhanced_packet(out: &mut Vec<u8>, packet: &Packet<'_>, lost: u64) {
    let Packet { meta, data } = packet;
    let cap_len = data.len() as u32;
    let padding = data.len().wrapping_neg() & 3;

    let mut tail = Tail {
        bytes: [0; MAX_PACKET_OVERHEAD - PACKET_HEADER_LEN],
        len: padding,
    };
    if let Some(direction) = meta.direction {
        let flags = match direction {
            PacketDirection::Inbound => 1_u8,
            PacketDirection::Outbound => 2,
        };
        tail.push([2, 0, 4, 0, flags, 0, 0, 0]);
    }
    if lost > 0 {
        tail.push([4, 0, 8, 0]);
        tail.push(lost.to_le_bytes());
    }
    if let Some(queue) = meta.queue {
        let [low, high] = queue.to_le_bytes();
        tail.push([6, 0, 4, 0, low, high, 0, 0]);
    }
    if tail.len > padding {
        tail.push([0; 4]);
    }
    let block_len = (PACKET_HEADER_LEN + data.len() + tail.len + 4) as u32;
    tail.push(block_len.to_le_bytes());

    let mut header = [0; PACKET_HEADER_LEN];
    let fields = [
        ENHANCED_PACKET,
        block_len,
        meta.iface.0,
        (meta.ts.0 >> 32) as u32,
        meta.ts.0 as u32,
        cap_len,
        meta.wire_len,
    ];
    for (bytes, field) in header.as_chunks_mut().0.iter_mut().zip(fields) {
        *bytes = field.to_le_bytes();
    }
    // All of the tail is copied, because a copy of fixed length is a few instructions and no call.
    out.reserve(data.len() + MAX_PACKET_OVERHEAD);
    let end = out.len() + block_len as usize;
    out.extend_from_slice(&header);
    out.extend_from_slice(data);
    out.extend_from_slice(&tail.bytes);
    out.truncate(end);
}

/// Appends an Interface Statistics Block. It is stamped with the end of the capture.
pub(super) fn interface_statistics(
    out: &mut Vec<u8>,
    iface: IfaceId,
    statistics: &IfaceStatistics,
) {
    let &IfaceStatistics {
        ref comments,
        start,
        end,
        received,
        iface_dropped,
        accepted,
        os_dropped,
        delivered,
    } = statistics;
    block(out, INTERFACE_STATISTICS, |out| {
        out.extend_from_slice(&iface.0.to_le_bytes());
        out.extend_from_slice(&halves(end.unwrap_or_default()));
        for comment in comments {
            option(out, 1, text_value(comment));
        }
        for (code, time) in [(2, start), (3, end)] {
            if let Some(time) = time {
                option(out, code, &halves(time));
            }
        }
        let counts = [
            (4, received),
            (5, iface_dropped),
            (6, accepted),
            (7, os_dropped),
            (8, delivered),
        ];
        for (code, count) in counts {
            if let Some(count) = count {
                option(out, code, &count.to_le_bytes());
            }
        }
        end_of_options(out);
    });
}

/// Where an Enhanced Packet Block ends and when its packet was seen, if `bytes` start with one.
#[inline]
pub(super) fn packet_at(bytes: &[u8]) -> Option<(usize, Timestamp)> {
    let header = bytes.first_chunk::<PACKET_HEADER_LEN>()?;
    let field = |index: usize| u32::from_le_bytes(header.as_chunks().0[index]);
    let ts = Timestamp(u64::from(field(3)) << 32 | u64::from(field(4)));
    Some((field(1) as usize, ts))
}

/// The end of a packet's block, put together before it is copied in one piece.
struct Tail {
    bytes: [u8; MAX_PACKET_OVERHEAD - PACKET_HEADER_LEN],
    len: usize,
}

impl Tail {
    #[inline]
    fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.len..][..N].copy_from_slice(&bytes);
        self.len += N;
    }
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    let block_len = ((out.len() - start + 4) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&block_len);
    out.extend_from_slice(&block_len);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len() + (value.len().wrapping_neg() & 3), 0);
}

fn end_of_options(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 4]);
}

/// As much of a text as an option holds.
fn text_value(text: &str) -> &[u8] {
    &text.as_bytes()[..text.floor_char_boundary(MAX_TEXT_LEN)]
}

/// A timestamp as pcapng splits it: the upper 32 bits first, whatever the byte order.
fn halves(ts: Timestamp) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&((ts.0 >> 32) as u32).to_le_bytes());
    bytes[4..].copy_from_slice(&(ts.0 as u32).to_le_bytes());
    bytes
}
