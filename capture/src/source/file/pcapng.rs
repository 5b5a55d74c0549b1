//! pcapng: blocks that carry their own length, in sections that carry their own byte order.
//!
//! Format: draft-ietf-opsawg-pcapng. Of the blocks, those that hold packets, those that describe
//! interfaces, those with names of addresses and those with secrets of TLS are read; all others are stepped
//! over by their length, known or not.

use super::Damage;
use super::names::{HostName, names_of};
use super::options::Options;
use super::resolution::Resolution;
use super::scan::{ByteOrder, Choice, Scan, Stop, Stopped, max_cap_len, part};
use super::slot::OptionBytes;
use crate::packet::{Iface, IfaceId, LinkType, PacketDirection, PacketMeta, Timestamp};

/// Section Header Block; a palindrome, so that it reads the same in both byte orders.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// The obsolete Packet Block.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// Secrets of TLS, as a log of keys.
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// Bytes of secrets that are kept of a file.
const MOST_SECRETS: usize = 64 << 20;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and total length, and the total length again at the end.
const BLOCK_OVERHEAD: usize = 12;
const MIN_SECTION_HEADER_LEN: usize = 28;
const MAX_BLOCK_LEN: u32 = 256 << 20;

const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const EPB_FLAGS: u16 = 2;
const EPB_DROPCOUNT: u16 = 4;
const EPB_QUEUE: u16 = 6;
/// Drop count of a Packet Block that says "unknown".
const UNKNOWN_DROPS: u16 = 0xffff;

/// What was read of a pcapng file so far.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    /// Interfaces of the section, which packets name by their place in it.
    section: Vec<SectionIface>,
    /// Number of the first interface of the file.
    first_iface: IfaceId,
    /// Interfaces of all sections so far.
    ifaces: Vec<Iface>,
    /// How many of them there were when each section began.
    section_starts: Vec<u32>,
    /// Secrets of TLS so far.
    secrets: Vec<u8>,
    /// Names of addresses so far.
    names: Vec<HostName>,
}

/// What packets need of their interface.
#[derive(Clone, Copy, Debug)]
struct SectionIface {
    id: IfaceId,
    link: LinkType,
    snap_len: u32,
    max_cap_len: u32,
    resolution: Resolution,
    offset_secs: i64,
}

/// One block: the bytes between its two lengths.
type Body<'a> = &'a [u8];

impl Pcapng {
    /// Whether these are the first bytes of a pcapng file.
    pub(super) fn recognizes(magic: [u8; 4]) -> bool {
        u32::from_le_bytes(magic) == SECTION_HEADER
    }

    /// A file of which nothing was read yet, the first section's header included.
    pub(super) fn new(first_iface: IfaceId) -> Self {
        Self {
            order: ByteOrder::Little,
            section: Vec::new(),
            first_iface,
            ifaces: Vec::new(),
            section_starts: Vec::new(),
            secrets: Vec::new(),
            names: Vec::new(),
        }
    }

    /// The number of the section that has described an interface of this place, from 1, and the place
    /// of that section's first one.
    pub(super) fn section_of(&self, iface: u32) -> (u32, u32) {
        let sections = self.section_starts.partition_point(|start| *start <= iface);
        let start = sections
            .checked_sub(1)
            .map(|last| self.section_starts[last]);
        (sections.max(1) as u32, start.unwrap_or(0))
    }

    /// The interfaces that were described so far, of all sections.
    /// Byte order of the file, or of the section at hand.
    pub(super) const fn byte_order(&self) -> ByteOrder {
        self.order
    }

    pub(super) fn ifaces(&self) -> &[Iface] {
        &self.ifaces
    }

    /// Steps over blocks from `at` on, until `budget` packets were found.
    pub(super) fn scan(
        &mut self,
        mut at: usize,
        budget: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Stopped {
        let window = scan.window;
        let full = scan.numbering.frame.0 + budget as u64;
        while scan.numbering.frame.0 < full {
            let rest = &window[at..];
            let Some(start) = rest.first_chunk::<8>() else {
                return Stopped {
                    at,
                    why: Stop::More {
                        needed: BLOCK_OVERHEAD,
                        part: "block header",
                    },
                };
            };
            let kind = self.order.u32(part::<0, 4, _>(start));
            if kind == SECTION_HEADER {
                let Some(header) = rest.first_chunk::<12>() else {
                    let needed = MIN_SECTION_HEADER_LEN;
                    return Stopped {
                        at,
                        why: Stop::More {
                            needed,
                            part: "section header",
                        },
                    };
                };
                match section_order(part::<8, 4, _>(header)) {
                    Ok(order) => self.order = order,
                    Err(damage) => {
                        return Stopped {
                            at,
                            why: Stop::Damaged(damage),
                        };
                    }
                }
            }
            let claimed = self.order.u32(part::<4, 4, _>(start));
            if let Err(damage) = check_block_len(claimed) {
                return Stopped {
                    at,
                    why: Stop::Damaged(damage),
                };
            }
            let block_len = claimed as usize;
            let Some(block) = rest.get(..block_len) else {
                return Stopped {
                    at,
                    why: Stop::More {
                        needed: block_len,
                        part: "block",
                    },
                };
            };
            if let Err(damage) = self.block(kind, block, at, scan) {
                return Stopped {
                    at,
                    why: Stop::Damaged(damage),
                };
            }
            at += block_len;
        }
        Stopped {
            at,
            why: Stop::Budget,
        }
    }

    /// Reads one complete block that starts at `at` in the window.
    #[inline]
    fn block(
        &mut self,
        kind: u32,
        block: &[u8],
        at: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Result<(), Damage> {
        let (Some(start), Some(end)) = (block.first_chunk::<8>(), block.last_chunk::<4>()) else {
            return Ok(());
        };
        let (leading, trailing) = (self.order.u32(part::<4, 4, _>(start)), self.order.u32(*end));
        if leading != trailing {
            return Err(Damage::Trailer { leading, trailing });
        }
        let body = &block[8..block.len() - 4];
        let at = at + 8;
        match kind {
            ENHANCED_PACKET => self.enhanced_packet(body, at, scan),
            INTERFACE_DESCRIPTION => self.interface_description(body),
            PACKET => self.obsolete_packet(body, at, scan),
            SECTION_HEADER => self.section_header(body),
            SIMPLE_PACKET => self.simple_packet(body, at, scan),
            DECRYPTION_SECRETS => {
                self.decryption_secrets(body);
                Ok(())
            }
            NAME_RESOLUTION => {
                names_of(self.order, body, &mut self.names);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Section 4.7. What is no log of TLS keys, or is damaged, is left out.
    #[cold]
    fn decryption_secrets(&mut self, body: Body<'_>) {
        let Some((fixed, rest)) = body.split_first_chunk::<8>() else {
            return;
        };
        let kind = self.order.u32(part::<0, 4, _>(fixed));
        let len = self.order.u32(part::<4, 4, _>(fixed)) as usize;
        if let Some(log) = rest.get(..len)
            && kind == TLS_KEY_LOG
            && self.secrets.len() + len <= MOST_SECRETS
        {
            self.secrets.extend_from_slice(log);
            self.secrets.push(b'\n');
        }
    }

    /// The secrets of TLS that the file had so far, line by line.
    pub(super) fn secrets(&self) -> &[u8] {
        &self.secrets
    }

    /// The names of addresses that the file had so far.
    pub(super) fn names(&self) -> &[HostName] {
        &self.names
    }

    /// Section 4.1. The section's length is not needed: blocks are stepped over one by one.
    fn section_header(&mut self, body: Body<'_>) -> Result<(), Damage> {
        let Some(fixed) = body.first_chunk::<16>() else {
            return Err(Damage::Overrun {
                block: "Section Header",
                part: "its fixed fields",
            });
        };
        let major = self.order.u16(part::<4, 2, _>(fixed));
        let minor = self.order.u16(part::<6, 2, _>(fixed));
        // 1.2 was written by mistake and is the same format; libpcap and Wireshark take it.
        if major != 1 || !matches!(minor, 0 | 2) {
            return Err(Damage::Version {
                format: "pcapng",
                major,
                minor,
            });
        }
        self.section.clear();
        self.section_starts.push(self.ifaces.len() as u32);
        Ok(())
    }

    /// Section 4.2.
    fn interface_description(&mut self, body: Body<'_>) -> Result<(), Damage> {
        const BLOCK: &str = "Interface Description";
        let Some((fixed, rest)) = body.split_first_chunk::<8>() else {
            return Err(Damage::Overrun {
                block: BLOCK,
                part: "its fixed fields",
            });
        };
        let link = LinkType(self.order.u16(part::<0, 2, _>(fixed)));
        let snap_len = self.order.u32(part::<4, 4, _>(fixed));
        let mut iface = Iface {
            name: String::new(),
            description: String::new(),
            link,
            snap_len,
            decimals: Resolution::DEFAULT.decimals(),
        };
        let mut resolution = Resolution::DEFAULT;
        let mut offset_secs = 0;
        let mut options = Options::new(self.order, rest);
        for (code, value) in &mut options {
            match (code, value) {
                (IF_NAME, text) => iface.name = until_nul(text),
                (IF_DESCRIPTION, text) => iface.description = until_nul(text),
                (IF_TSRESOL, &[exponent]) => {
                    resolution = Resolution::from_option(exponent);
                    iface.decimals = resolution.decimals();
                }
                (IF_TSOFFSET, value) => {
                    if let Ok(bytes) = <[u8; 8]>::try_from(value) {
                        offset_secs = self.order.u64(bytes).cast_signed();
                    }
                }
                _ => {}
            }
        }
        // Options that cannot be told apart might hide the resolution, and with it all timestamps.
        if options.is_damaged() {
            return Err(Damage::Overrun {
                block: BLOCK,
                part: "one of its options",
            });
        }
        let id = IfaceId(self.first_iface.0 + self.ifaces.len() as u32);
        let max_cap_len = max_cap_len(link);
        self.section.push(SectionIface {
            id,
            link,
            snap_len,
            max_cap_len,
            resolution,
            offset_secs,
        });
        self.ifaces.push(iface);
        Ok(())
    }

    /// Section 4.3.
    #[inline]
    fn enhanced_packet(
        &self,
        body: Body<'_>,
        at: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Result<(), Damage> {
        const BLOCK: &str = "Enhanced Packet";
        let Some((fixed, rest)) = body.split_first_chunk::<20>() else {
            return Err(Damage::Overrun {
                block: BLOCK,
                part: "its fixed fields",
            });
        };
        let order = self.order;
        let iface = self.iface(order.u32(part::<0, 4, _>(fixed)))?;
        let ts = iface.timestamp(
            order.u32(part::<4, 4, _>(fixed)),
            order.u32(part::<8, 4, _>(fixed)),
        );
        let cap_len = iface.check_cap_len(order.u32(part::<12, 4, _>(fixed)))?;
        let wire_len = order.u32(part::<16, 4, _>(fixed));
        let padded_len = (cap_len as usize).next_multiple_of(4);
        let Some(options) = rest.get(padded_len..) else {
            return Err(Damage::Overrun {
                block: BLOCK,
                part: "its packet",
            });
        };
        let mut meta = PacketMeta {
            ts,
            wire_len,
            iface: iface.id,
            link: iface.link,
            ..PacketMeta::UNKNOWN
        };
        if !options.is_empty() {
            packet_options(order, options, &mut meta);
        }
        let options = OptionBytes::new(order, options.len());
        scan.push_with(meta, at + fixed.len(), cap_len, options);
        Ok(())
    }

    /// Appendix A, "Packet Block (obsolete!)".
    fn obsolete_packet(
        &self,
        body: Body<'_>,
        at: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Result<(), Damage> {
        const BLOCK: &str = "Packet";
        let Some((fixed, rest)) = body.split_first_chunk::<20>() else {
            return Err(Damage::Overrun {
                block: BLOCK,
                part: "its fixed fields",
            });
        };
        let order = self.order;
        let iface = self.iface(u32::from(order.u16(part::<0, 2, _>(fixed))))?;
        let ts = iface.timestamp(
            order.u32(part::<4, 4, _>(fixed)),
            order.u32(part::<8, 4, _>(fixed)),
        );
        let cap_len = iface.check_cap_len(order.u32(part::<12, 4, _>(fixed)))?;
        let wire_len = order.u32(part::<16, 4, _>(fixed));
        let Some(options) = rest.get((cap_len as usize).next_multiple_of(4)..) else {
            return Err(Damage::Overrun {
                block: BLOCK,
                part: "its packet",
            });
        };
        let lost = match order.u16(part::<2, 2, _>(fixed)) {
            UNKNOWN_DROPS => 0,
            drops => u32::from(drops),
        };
        let mut meta = PacketMeta {
            ts,
            wire_len,
            lost,
            iface: iface.id,
            link: iface.link,
            ..PacketMeta::UNKNOWN
        };
        packet_options(order, options, &mut meta);
        let options = OptionBytes::new(order, options.len());
        scan.push_with(meta, at + fixed.len(), cap_len, options);
        Ok(())
    }

    /// Section 4.4: a packet of the section's first interface, without a timestamp. It gets time 0,
    /// as in libpcap, and leaves the clock alone.
    fn simple_packet(
        &self,
        body: Body<'_>,
        at: usize,
        scan: &mut Scan<'_, impl Choice>,
    ) -> Result<(), Damage> {
        let Some((fixed, rest)) = body.split_first_chunk::<4>() else {
            return Err(Damage::Overrun {
                block: "Simple Packet",
                part: "its fixed fields",
            });
        };
        let iface = self.iface(0)?;
        let wire_len = self.order.u32(*fixed);
        let cap_len = match iface.snap_len {
            0 => wire_len,
            snap_len => wire_len.min(snap_len),
        };
        let cap_len = iface.check_cap_len(cap_len)?;
        if rest.len() < cap_len as usize {
            return Err(Damage::Overrun {
                block: "Simple Packet",
                part: "its packet",
            });
        }
        let meta = PacketMeta {
            wire_len,
            iface: iface.id,
            link: iface.link,
            ..PacketMeta::UNKNOWN
        };
        scan.push(meta, at + fixed.len(), cap_len);
        Ok(())
    }

    #[inline]
    fn iface(&self, number: u32) -> Result<SectionIface, Damage> {
        match self.section.get(number as usize) {
            Some(&iface) => Ok(iface),
            None => Err(Damage::UnknownIface {
                iface: number,
                described: self.section.len(),
            }),
        }
    }
}

impl SectionIface {
    #[inline]
    fn timestamp(&self, high: u32, low: u32) -> Timestamp {
        let since = self.resolution.ns(u64::from(high) << 32 | u64::from(low));
        match self.offset_secs {
            0 => Timestamp(since),
            offset_secs => {
                let offset_ns = Timestamp::new(offset_secs.unsigned_abs(), 0).0;
                Timestamp(if offset_secs < 0 {
                    since.saturating_sub(offset_ns)
                } else {
                    since.saturating_add(offset_ns)
                })
            }
        }
    }

    #[inline]
    fn check_cap_len(&self, claimed: u32) -> Result<u32, Damage> {
        if claimed > self.max_cap_len {
            return Err(Damage::PacketLength {
                claimed,
                max: self.max_cap_len,
            });
        }
        Ok(claimed)
    }
}

/// Options of an Enhanced Packet Block, and of the obsolete one, which has the same flags. Damage
/// among them does not spoil the packet: what cannot be read is not known, as in libpcap.
fn packet_options(order: ByteOrder, options: &[u8], meta: &mut PacketMeta) {
    for (code, value) in Options::new(order, options) {
        match (code, value) {
            (EPB_FLAGS, &[a, b, c, d]) => {
                // Section 4.3.1, bits 0 and 1.
                meta.direction = match order.u32([a, b, c, d]) & 3 {
                    1 => Some(PacketDirection::Inbound),
                    2 => Some(PacketDirection::Outbound),
                    _ => None,
                };
            }
            (EPB_DROPCOUNT, value) => {
                if let Ok(bytes) = <[u8; 8]>::try_from(value) {
                    meta.lost = u32::try_from(order.u64(bytes)).unwrap_or(u32::MAX);
                }
            }
            (EPB_QUEUE, &[a, b, c, d]) => meta.queue = u16::try_from(order.u32([a, b, c, d])).ok(),
            _ => {}
        }
    }
}

/// An option's text. Some end theirs as C does, which the specification does not ask for.
fn until_nul(text: &[u8]) -> String {
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}

fn section_order(magic: [u8; 4]) -> Result<ByteOrder, Damage> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| order.u32(magic) == BYTE_ORDER_MAGIC)
        .ok_or_else(|| Damage::ByteOrder {
            magic: u32::from_le_bytes(magic),
        })
}

#[inline]
fn check_block_len(claimed: u32) -> Result<(), Damage> {
    let why = if (claimed as usize) < BLOCK_OVERHEAD {
        "less than a block takes"
    } else if !claimed.is_multiple_of(4) {
        "not a multiple of 4"
    } else if claimed > MAX_BLOCK_LEN {
        "more than any block takes"
    } else {
        return Ok(());
    };
    Err(Damage::BlockLength { claimed, why })
}
