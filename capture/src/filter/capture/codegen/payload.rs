//! What a link-layer header says that it carries.

use super::super::ast::Llc;
use super::super::op;
use super::link::{Link, UNSET};
use super::load::From;
use super::{BlockId, Codegen, Result};
use crate::filter::capture::Origin;
use crate::filter::capture::error::Fault;

/// Ethernet types.
pub(super) const IPV4: u32 = 0x0800;
pub(super) const ARP: u32 = 0x0806;
pub(super) const NS: u32 = 0x0600;
pub(super) const MOPDL: u32 = 0x6001;
pub(super) const MOPRC: u32 = 0x6002;
pub(super) const DECNET: u32 = 0x6003;
pub(super) const LAT: u32 = 0x6004;
pub(super) const SCA: u32 = 0x6007;
pub(super) const TRANSPARENT_ETHERNET: u32 = 0x6558;
pub(super) const RARP: u32 = 0x8035;
pub(super) const ATALK: u32 = 0x809b;
pub(super) const AARP: u32 = 0x80f3;
pub(super) const VLAN: u32 = 0x8100;
pub(super) const IPX: u32 = 0x8137;
pub(super) const IPV6: u32 = 0x86dd;
pub(super) const MPLS: u32 = 0x8847;
pub(super) const PPPOE_DISCOVERY: u32 = 0x8863;
pub(super) const PPPOE_SESSION: u32 = 0x8864;
pub(super) const VLAN_AD: u32 = 0x88a8;
pub(super) const VLAN_QINQ: u32 = 0x9100;
/// What a length field can hold at most.
const MAX_LENGTH: u32 = 1500;

/// Service access points of 802.2.
pub(super) const SAP_IP: u32 = 0x06;
pub(super) const SAP_STP: u32 = 0x42;
pub(super) const SAP_IPX: u32 = 0xe0;
pub(super) const SAP_NETBEUI: u32 = 0xf0;
pub(super) const SAP_ISO: u32 = 0xfe;

/// MPLS in PPP.
pub(super) const PPP_MPLS: u32 = 0x0281;

/// Cooked captures: frames with a length, and 802.2 frames.
const SLL_802_3: u32 = 0x0001;
const SLL_802_2: u32 = 0x0004;

const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

impl Codegen {
    /// Whether the link-layer header says that a protocol follows: an Ethernet type, or a service
    /// access point if it is small.
    pub(super) fn carries(&mut self, proto: u32) -> Result<BlockId> {
        if self.labels_passed > 0 {
            return self.mpls_carries(proto);
        }
        match self.link {
            link if link.is_ethernet() => {
                let check = if self.in_geneve {
                    None
                } else {
                    self.previous_header_check()?
                };
                let block = self.ethernet_carries(proto)?;
                Ok(match check {
                    Some(check) => self.and(check, block),
                    None => block,
                })
            }
            Link::C_HDLC | Link::HDLC => {
                let proto = if proto == SAP_ISO {
                    proto << 8 | SAP_ISO
                } else {
                    proto
                };
                self.equal(From::Kind, 0, op::H, proto)
            }
            link if link.is_wlan_or_ppi() => {
                let data = self.wlan_data_frame()?;
                let block = self.llc_carries(proto)?;
                Ok(self.and(data, block))
            }
            Link::FDDI
            | Link::TOKEN_RING
            | Link::ATM_RFC1483
            | Link::ATM_CLIP
            | Link::IP_OVER_FC => self.llc_carries(proto),
            Link::SUNATM => {
                let llc = self.atm_llc_type()?;
                let block = self.llc_carries(proto)?;
                Ok(self.and(llc, block))
            }
            Link::SLL => self.cooked_carries(proto),
            Link::SLIP | Link::SLIP_BSDOS | Link::RAW => match proto {
                IPV4 => self.masked(From::Header, 0, op::B, 0x40, 0xf0),
                IPV6 => self.masked(From::Header, 0, op::B, 0x60, 0xf0),
                _ => Ok(self.never()),
            },
            Link::IPV4 if proto == IPV4 => Ok(self.always()),
            Link::IPV6 if proto == IPV6 => Ok(self.always()),
            Link::IPV4 | Link::IPV6 => Ok(self.never()),
            Link::PPP | Link::PPP_PPPD | Link::PPP_SERIAL | Link::PPP_ETHER => {
                self.equal(From::Kind, 0, op::H, ppp_type(proto))
            }
            Link::PPP_BSDOS => {
                if proto != IPV4 {
                    return self.equal(From::Kind, 0, op::H, ppp_type(proto));
                }
                // IP, and TCP/IP with compressed headers.
                let plain = self.equal(From::Kind, 0, op::H, 0x21)?;
                let compressed = self.equal(From::Kind, 0, op::H, 0x2d)?;
                let either = self.or(plain, compressed);
                let uncompressed = self.equal(From::Kind, 0, op::H, 0x2f)?;
                Ok(self.or(either, uncompressed))
            }
            Link::NULL | Link::LOOP | Link::ENC => self.loopback_carries(proto),
            Link::PFLOG => match proto {
                IPV4 => self.equal(From::Header, 1, op::B, AF_INET),
                IPV6 => self.equal(From::Header, 1, op::B, AF_INET6),
                _ => Ok(self.never()),
            },
            link if link.is_arcnet() => self.arcnet_carries(proto),
            Link::LTALK => Ok(if proto == ATALK {
                self.always()
            } else {
                self.never()
            }),
            Link::FRELAY => self.frame_relay_carries(proto),
            link if link.is_juniper() => {
                // The magic number, which is before every packet.
                self.masked(From::Header, 0, op::W, 0x4d47_4300, 0xffff_ff00)
            }
            Link::BACNET => self.masked(From::Header, 0, op::W, 0x55ff_0000, 0xffff_0000),
            Link::IPNET => match proto {
                IPV4 => self.equal(From::Kind, 0, op::B, 2),
                IPV6 => self.equal(From::Kind, 0, op::B, 26),
                _ => Ok(self.never()),
            },
            Link::MFR
            | Link::MTP2
            | Link::MTP2_WITH_PHDR
            | Link::ERF
            | Link::PFSYNC
            | Link::AX25_KISS => Err(self.wrong_link("protocols")),
            _ if self.kind.constant != UNSET => self.equal(From::Kind, 0, op::H, proto),
            _ => Err(self.wrong_link("protocols")),
        }
    }

    /// The two access points of an 802.2 header.
    fn access_points(&mut self, sap: u32) -> Result<BlockId> {
        self.equal(From::Payload, 0, op::H, sap << 8 | sap)
    }

    /// A SNAP header.
    fn snap(&mut self, organization: u32, proto: u32) -> Result<BlockId> {
        let value = organization << 16 | proto;
        let first = self.equal(From::Payload, 4, op::W, value)?;
        let second = self.equal(From::Payload, 0, op::W, 0xaaaa_0300 | organization >> 16)?;
        Ok(self.and(first, second))
    }

    /// The type field is a length.
    fn has_length(&mut self) -> Result<BlockId> {
        let block = self.greater_than(From::Kind, 0, op::H, MAX_LENGTH)?;
        Ok(self.not(block))
    }

    fn apple_snap(&mut self, proto: u32) -> Result<BlockId> {
        if proto == ATALK {
            self.snap(0x08_0007, ATALK)
        } else {
            self.snap(0, AARP)
        }
    }

    fn ethernet_carries(&mut self, proto: u32) -> Result<BlockId> {
        match proto {
            SAP_ISO | SAP_IP | SAP_NETBEUI => {
                let length = self.has_length()?;
                let block = self.access_points(proto)?;
                Ok(self.and(length, block))
            }
            SAP_IPX => {
                let sap = self.equal(From::Payload, 0, op::B, SAP_IPX)?;
                let raw = self.equal(From::Payload, 0, op::H, 0xffff)?;
                let block = self.or(sap, raw);
                let snap = self.snap(0, IPX)?;
                let block = self.or(snap, block);
                let length = self.has_length()?;
                let block = self.and(length, block);
                let plain = self.equal(From::Kind, 0, op::H, IPX)?;
                Ok(self.or(plain, block))
            }
            ATALK | AARP => {
                let length = self.has_length()?;
                let block = self.apple_snap(proto)?;
                let block = self.and(length, block);
                let plain = self.equal(From::Kind, 0, op::H, proto)?;
                Ok(self.or(plain, block))
            }
            0..=MAX_LENGTH => {
                let length = self.has_length()?;
                let block = self.equal(From::Kind, 2, op::B, proto)?;
                Ok(self.and(length, block))
            }
            _ => self.equal(From::Kind, 0, op::H, proto),
        }
    }

    fn cooked_carries(&mut self, proto: u32) -> Result<BlockId> {
        match proto {
            SAP_ISO | SAP_IP | SAP_NETBEUI => {
                let llc = self.equal(From::Kind, 0, op::H, SLL_802_2)?;
                let block = self.access_points(proto)?;
                Ok(self.and(llc, block))
            }
            SAP_IPX => {
                let sap = self.equal(From::Payload, 0, op::B, SAP_IPX)?;
                let snap = self.snap(0, IPX)?;
                let block = self.or(sap, snap);
                let llc = self.equal(From::Kind, 0, op::H, SLL_802_2)?;
                let block = self.and(llc, block);
                let raw = self.equal(From::Kind, 0, op::H, SLL_802_3)?;
                let block = self.or(raw, block);
                let plain = self.equal(From::Kind, 0, op::H, IPX)?;
                Ok(self.or(plain, block))
            }
            ATALK | AARP => {
                let llc = self.equal(From::Kind, 0, op::H, SLL_802_2)?;
                let block = self.apple_snap(proto)?;
                let block = self.and(llc, block);
                let plain = self.equal(From::Kind, 0, op::H, proto)?;
                Ok(self.or(plain, block))
            }
            0..=MAX_LENGTH => {
                let llc = self.equal(From::Kind, 0, op::H, SLL_802_2)?;
                let offset = self.payload.constant;
                let block = self.equal(From::Header, offset, op::B, proto)?;
                Ok(self.and(llc, block))
            }
            _ => self.equal(From::Kind, 0, op::H, proto),
        }
    }

    fn llc_carries(&mut self, proto: u32) -> Result<BlockId> {
        match proto {
            SAP_IP | SAP_ISO | SAP_NETBEUI => self.access_points(proto),
            SAP_IPX => self.equal(From::Payload, 0, op::B, SAP_IPX),
            ATALK => self.snap(0x08_0007, ATALK),
            0..=MAX_LENGTH => self.equal(From::Payload, 0, op::B, proto),
            _ => self.equal(From::Payload, 6, op::H, proto),
        }
    }

    fn loopback_family(&mut self, family: u32) -> Result<BlockId> {
        let value = match (self.link, self.origin) {
            (Link::LOOP, _) => family,
            (_, Origin::ForeignFile) => family.to_be().swap_bytes(),
            // In the byte order of the machine that wrote it, which is the one at hand.
            _ => family.to_be(),
        };
        self.equal(From::Header, 0, op::W, value)
    }

    fn loopback_carries(&mut self, proto: u32) -> Result<BlockId> {
        match (proto, self.origin) {
            (IPV4, _) => self.loopback_family(AF_INET),
            (IPV6, Origin::Live) => self.loopback_family(AF_INET6),
            (IPV6, Origin::File | Origin::ForeignFile) => {
                // As NetBSD, OpenBSD and others number it, as FreeBSD does, as macOS does.
                let net = self.loopback_family(24)?;
                let free = self.loopback_family(28)?;
                let block = self.or(net, free);
                let mac = self.loopback_family(30)?;
                Ok(self.or(mac, block))
            }
            _ => Ok(self.never()),
        }
    }

    fn arcnet_carries(&mut self, proto: u32) -> Result<BlockId> {
        let (new, old) = match proto {
            IPV4 => (212, Some(240)),
            ARP => (213, Some(241)),
            RARP => (214, None),
            IPV6 => (0xc4, None),
            ATALK => (221, None),
            _ => return Ok(self.never()),
        };
        let block = self.equal(From::Kind, 0, op::B, new)?;
        let Some(old) = old else { return Ok(block) };
        let old = self.equal(From::Kind, 0, op::B, old)?;
        Ok(self.or(block, old))
    }

    fn frame_relay_carries(&mut self, proto: u32) -> Result<BlockId> {
        let mut nlpid = |id: u32| self.equal(From::Header, 2, op::H, 0x0300 | id);
        match proto {
            IPV4 => nlpid(0xcc),
            IPV6 => nlpid(0x8e),
            SAP_ISO => {
                let clnp = nlpid(0x81)?;
                let esis = nlpid(0x82)?;
                let isis = nlpid(0x83)?;
                let block = self.or(esis, isis);
                Ok(self.or(clnp, block))
            }
            _ => Ok(self.never()),
        }
    }

    fn mpls_carries(&mut self, proto: u32) -> Result<BlockId> {
        let version = match proto {
            IPV4 => 0x40,
            IPV6 => 0x60,
            _ => {
                return Err(Fault::new(
                    "behind mpls, only IPv4 and IPv6 can be told from each other",
                )
                .hint("put tests of other protocols before mpls"));
            }
        };
        let bottom = self.masked(From::Network, 2_u32.wrapping_neg(), op::B, 1, 1)?;
        let block = self.masked(From::Network, 0, op::B, version, 0xf0)?;
        Ok(self.and(bottom, block))
    }

    /// What has to hold for the link-layer header to be there at all.
    pub(super) fn previous_header_check(&mut self) -> Result<Option<BlockId>> {
        if self.in_geneve {
            return self.geneve_has_ethernet().map(Some);
        }
        if self.previous_link == Link::SUNATM {
            // LAN emulation: control frames have no Ethernet header.
            let control = self.equal(From::PreviousHeader, 4, op::H, 0xff00)?;
            return Ok(Some(self.not(control)));
        }
        Ok(None)
    }

    /// `llc` and its formats and types.
    pub(super) fn llc(&mut self, llc: Llc) -> Result<BlockId> {
        let block = self.is_llc()?;
        let control = match llc {
            Llc::Any => return Ok(block),
            Llc::Information => {
                let bit = self.bits(From::Payload, 2, 0x01)?;
                self.not(bit)
            }
            Llc::Supervisory => self.masked(From::Payload, 2, op::B, 0x01, 0x03)?,
            Llc::Unnumbered => self.masked(From::Payload, 2, op::B, 0x03, 0x03)?,
            Llc::SupervisoryType(kind) => self.masked(From::Payload, 2, op::B, kind, 0x0f)?,
            Llc::UnnumberedType(kind) => self.masked(From::Payload, 2, op::B, kind, 0xef)?,
        };
        Ok(self.and(block, control))
    }

    fn is_llc(&mut self) -> Result<BlockId> {
        match self.link {
            Link::ETHERNET => {
                let length = self.has_length()?;
                let raw = self.equal(From::Payload, 0, op::H, 0xffff)?;
                let block = self.not(raw);
                Ok(self.and(length, block))
            }
            Link::SUNATM => {
                let block = self.atm_llc_type()?;
                self.link = self.previous_link;
                Ok(block)
            }
            Link::TOKEN_RING | Link::FDDI | Link::ATM_RFC1483 => Ok(self.always()),
            link if link.is_wlan_or_ppi() => self.wlan_data_frame(),
            _ => Err(self.wrong_link("llc")),
        }
    }
}

/// What PPP calls a protocol.
fn ppp_type(proto: u32) -> u32 {
    match proto {
        IPV4 => 0x21,
        IPV6 => 0x57,
        DECNET => 0x27,
        ATALK => 0x29,
        NS => 0x25,
        SAP_ISO => 0x23,
        SAP_STP => 0x31,
        SAP_IPX => 0x2b,
        other => other,
    }
}
