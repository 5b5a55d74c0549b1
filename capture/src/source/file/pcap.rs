//! Classic pcap: a file header, then records of 16 bytes and a packet each.
//!
//! Format: draft-ietf-opsawg-pcap. Old variants are read as libpcap reads them (`sf-pcap.c`):
//! versions before 2.4 that have the two lengths the other way round, and the "modified" format of
//! Alexey Kuznetzov's patch, whose record headers have eight more bytes.

use super::Damage;
use super::scan::{ByteOrder, Choice, Scan, Stop, Stopped, max_cap_len, part};
use crate::packet::{Iface, IfaceId, LinkType, PacketMeta, Timestamp};

/// Length of the file header in bytes.
pub(super) const FILE_HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;
/// Interface index, protocol, packet type and padding follow the usual record header.
const MODIFIED_RECORD_HEADER_LEN: usize = 24;

const MAGIC_US: u32 = 0xa1b2_c3d4;
const MAGIC_NS: u32 = 0xa1b2_3c4d;
const MAGIC_MODIFIED: u32 = 0xa1b2_cd34;

/// How the records of one pcap file are to be read.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    lengths: Lengths,
    record_header_len: usize,
    /// Nanoseconds of one unit of the fraction of a timestamp.
    unit_ns: u32,
    link: LinkType,
    max_cap_len: u32,
    iface: IfaceId,
    /// What `ifaces` shows.
    description: Iface,
}

/// In which order a record has its two lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Captured, original: version 2.4.
    AsSpecified,
    /// Original, captured: before version 2.3.
    Swapped,
    /// Either: in version 2.3 the smaller one is the captured length.
    SmallerFirst,
}

impl Pcap {
    /// Whether these are the first bytes of a pcap file.
    pub(super) fn recognizes(magic: [u8; 4]) -> bool {
        variant(magic).is_some()
    }

    /// Reads the file header; `None` if it is of another format.
    pub(super) fn open(
        header: &[u8; FILE_HEADER_LEN],
        iface: IfaceId,
    ) -> Option<Result<Self, Damage>> {
        let (order, unit_ns, record_header_len) = variant(part::<0, 4, _>(header))?;
        let major = order.u16(part::<4, 2, _>(header));
        let minor = order.u16(part::<6, 2, _>(header));
        let lengths = match (major, minor) {
            (2, 4) => Lengths::AsSpecified,
            (2, 3) => Lengths::SmallerFirst,
            // 543.0 is what DG/UX wrote.
            (2, 0..=2) | (543, 0) => Lengths::Swapped,
            _ => {
                return Some(Err(Damage::Version {
                    format: "pcap",
                    major,
                    minor,
                }));
            }
        };
        // The upper half of the field tells the length of a frame check sequence and is otherwise
        // reserved, to be ignored (section 4, "Network").
        let link = LinkType(order.u32(part::<20, 4, _>(header)) as u16);
        let snap_len = order.u32(part::<16, 4, _>(header));
        let max_cap_len = max_cap_len(link);
        let description = Iface {
            name: String::new(),
            description: String::new(),
            link,
            snap_len,
            decimals: if unit_ns == 1 { 9 } else { 6 },
        };
        Some(Ok(Self {
            order,
            lengths,
            record_header_len,
            unit_ns,
            link,
            max_cap_len,
            iface,
            description,
        }))
    }

    /// Byte order of the file.
    pub(super) const fn byte_order(&self) -> ByteOrder {
        self.order
    }

    /// The one interface of the file, which has no name.
    pub(super) fn ifaces(&self) -> &[Iface] {
        std::slice::from_ref(&self.description)
    }

    /// Steps over at most `budget` records from `at` on.
    ///
    /// Lengths are taken as they are stored, like Wireshark does: a captured length above the snap
    /// length is believed (libpcap cuts the packet there, for programs with buffers of that size),
    /// and an original length below the captured one is kept.
    pub(super) fn scan(
        &self,
        at: usize,
        budget: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Stopped {
        match self.order {
            ByteOrder::Little => self.scan_in(u32::from_le_bytes, at, budget, scan),
            ByteOrder::Big => self.scan_in(u32::from_be_bytes, at, budget, scan),
        }
    }

    /// The same in a byte order. A function of its own, for it has a use for all registers.
    #[inline(never)]
    fn scan_in(
        &self,
        number: impl Fn([u8; 4]) -> u32,
        mut at: usize,
        budget: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Stopped {
        let &Self {
            lengths,
            record_header_len,
            unit_ns,
            link,
            max_cap_len,
            iface,
            ..
        } = self;
        let window = scan.window;
        for _ in 0..budget {
            let rest = &window[at..];
            let Some(header) = rest.first_chunk::<RECORD_HEADER_LEN>() else {
                return Stopped {
                    at,
                    why: Stop::More {
                        needed: record_header_len,
                        part: "record header",
                    },
                };
            };
            let secs = number(part::<0, 4, _>(header));
            let fraction = number(part::<4, 4, _>(header));
            let mut cap_len = number(part::<8, 4, _>(header));
            let mut wire_len = number(part::<12, 4, _>(header));
            if lengths == Lengths::Swapped
                || (lengths == Lengths::SmallerFirst && cap_len > wire_len)
            {
                (cap_len, wire_len) = (wire_len, cap_len);
            }
            if cap_len > max_cap_len {
                let damage = Damage::PacketLength {
                    claimed: cap_len,
                    max: max_cap_len,
                };
                return Stopped {
                    at,
                    why: Stop::Damaged(damage),
                };
            }
            let record_len = record_header_len + cap_len as usize;
            if rest.len() < record_len {
                return Stopped {
                    at,
                    why: Stop::More {
                        needed: record_len,
                        part: "packet record",
                    },
                };
            }
            let meta = PacketMeta {
                ts: Timestamp::new(u64::from(secs), u64::from(fraction) * u64::from(unit_ns)),
                wire_len,
                iface,
                link,
                ..PacketMeta::UNKNOWN
            };
            scan.push(meta, at + record_header_len, cap_len);
            at += record_len;
        }
        Stopped {
            at,
            why: Stop::Budget,
        }
    }
}

/// Byte order, nanoseconds of a fraction's unit, and length of a record header by magic number.
fn variant(magic: [u8; 4]) -> Option<(ByteOrder, u32, usize)> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find_map(|order| match order.u32(magic) {
            MAGIC_US => Some((order, 1000, RECORD_HEADER_LEN)),
            MAGIC_NS => Some((order, 1, RECORD_HEADER_LEN)),
            MAGIC_MODIFIED => Some((order, 1000, MODIFIED_RECORD_HEADER_LEN)),
            _ => None,
        })
}
