//! Link layers: Ethernet with its VLAN tags (IEEE 802.1Q, 802.1ad), and what capture files bring.

use super::layers::{Header, Layers, Net};
use super::{Beyond, Scope, net, shim, wireless};
use crate::packet::LinkType;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_QINQ: u16 = 0x88a8;
/// QinQ before 802.1ad settled its number.
const ETHERTYPE_QINQ_OLD: u16 = 0x9100;

/// PPP protocol numbers (RFC 1332, RFC 5072, RFC 3032).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS: u16 = 0x0281;

/// Network layer protocol identifiers (ISO/IEC TR 9577, RFC 2427).
const NLPID_SNAP: u8 = 0x80;
const NLPID_IPV6: u8 = 0x8e;
const NLPID_IPV4: u8 = 0xcc;

/// VLAN tags that are looked behind.
const MAX_VLAN_TAGS: u8 = 4;

const BEYOND: Beyond = Beyond(Header::Link);

/// From the first byte of a packet downwards.
#[inline(always)]
pub(super) fn descend(scope: Scope<'_>, link: LinkType, layers: &mut Layers) -> Result<(), Beyond> {
    if link == LinkType::ETHERNET {
        ethernet(scope, 0, layers)
    } else {
        other(scope, link, layers)
    }
}

/// An Ethernet frame at `at`.
#[inline(always)]
pub(super) fn ethernet(scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    let ethertype = scope.cursor.u16(at + 12).ok_or(BEYOND)?;
    tagged(scope, ethertype, at + 14, layers)
}

/// Everything but Ethernet.
#[inline(never)]
fn other(scope: Scope<'_>, link: LinkType, layers: &mut Layers) -> Result<(), Beyond> {
    let cursor = scope.cursor;
    // Where the EtherType is, and the header's last byte.
    let (ethertype_at, last) = match link {
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => return by_version(scope, 0, layers),
        LinkType::NULL | LinkType::LOOP => {
            // The family's number differs between systems and the byte order is the writer's; the
            // version nibble behind it says the same in one way.
            cursor.u32(0).ok_or(BEYOND)?;
            return by_version(scope, 4, layers);
        }
        // Family, security parameter index, flags: OpenBSD's encapsulating interface.
        LinkType::ENC => return by_version(scope, 12, layers),
        LinkType::PPP | LinkType::PPP_HDLC => return ppp(scope, 0, layers),
        // One byte of direction in front.
        LinkType::PPP_WITH_DIR => return ppp(scope, 1, layers),
        LinkType::PPP_ETHER => return shim::pppoe(scope, 0, layers),
        LinkType::FRELAY => return frame_relay(scope, layers),
        LinkType::NFLOG => return nflog(scope, layers),
        LinkType::IEEE802_11 => return wireless::descend(scope, 0, layers),
        LinkType::IEEE802_11_RADIOTAP => {
            let len = cursor.array::<2>(2).ok_or(BEYOND)?;
            return wireless::descend(scope, usize::from(u16::from_le_bytes(*len)), layers);
        }
        LinkType::DSA_TAG_BRCM_PREPEND => return ethernet(scope, 4, layers),
        LinkType::LINUX_SLL => (14, 15),
        LinkType::LINUX_SLL2 => (0, 19),
        LinkType::C_HDLC => (2, 3),
        // Behind the global routing header.
        LinkType::IPOIB => (40, 43),
        // Four bytes between the addresses and the EtherType.
        LinkType::DSA_TAG_BRCM => (16, 17),
        LinkType::DSA_TAG_DSA => {
            dsa_vlan(scope, 12, layers)?;
            (16, 17)
        }
        // The same with an EtherType of its own and two reserved bytes in front.
        LinkType::DSA_TAG_EDSA => {
            dsa_vlan(scope, 16, layers)?;
            (20, 21)
        }
        _ => return Ok(()),
    };
    let ethertype = cursor.u16(ethertype_at).ok_or(BEYOND)?;
    cursor.u8(last).ok_or(BEYOND)?;
    tagged(scope, ethertype, last + 1, layers)
}

/// Behind the VLAN tags, if there are any.
#[inline(always)]
fn tagged(
    scope: Scope<'_>,
    mut ethertype: u16,
    mut at: usize,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    while matches!(
        ethertype,
        ETHERTYPE_VLAN | ETHERTYPE_QINQ | ETHERTYPE_QINQ_OLD
    ) && layers.vlan_tags < MAX_VLAN_TAGS
    {
        let tag = scope.cursor.u16(at).ok_or(BEYOND)?;
        ethertype = scope.cursor.u16(at + 2).ok_or(BEYOND)?;
        note_vlan(tag, layers);
        at += 4;
    }
    match ethertype {
        ETHERTYPE_IPV4 => net::ipv4(scope, at, layers),
        ETHERTYPE_IPV6 => net::ipv6(scope, at, layers),
        ETHERTYPE_ARP => {
            layers.net = Net::Arp;
            Ok(())
        }
        _ => {
            layers.net = Net::Other { ethertype };
            shim::descend(scope, ethertype, at, layers)
        }
    }
}

#[inline(always)]
fn note_vlan(tag: u16, layers: &mut Layers) {
    if let Some(id) = layers.vlans.get_mut(usize::from(layers.vlan_tags)) {
        *id = tag & 0x0fff;
    }
    layers.vlan_tags += 1;
}

/// An Ethernet frame within something, at `at`.
#[inline(never)]
pub(super) fn inner_ethernet(
    scope: Scope<'_>,
    at: usize,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    ethernet(scope, at, layers)
}

/// What an `EtherType` announces, within something, at `at`.
#[inline(never)]
pub(super) fn by_ethertype(
    scope: Scope<'_>,
    ethertype: u16,
    at: usize,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    tagged(scope, ethertype, at, layers)
}

/// IPv4 or IPv6, by the first nibble.
#[inline(never)]
pub(super) fn by_version(scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    match scope.cursor.u8(at).ok_or(BEYOND)? >> 4 {
        4 => net::ipv4(scope, at, layers),
        6 => net::ipv6(scope, at, layers),
        _ => Ok(()),
    }
}

/// PPP (RFC 1661), with HDLC-like framing (RFC 1662: address 0xff, control 0x03) or without, and with a
/// protocol field of one byte (RFC 1661 section 6.5) or two.
pub(super) fn ppp(scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    let cursor = scope.cursor;
    let at = if cursor.u16(at).ok_or(BEYOND)? == 0xff03 {
        at + 2
    } else {
        at
    };
    let first = cursor.u8(at).ok_or(BEYOND)?;
    // The low bit is set in the last byte of the number only.
    let (protocol, at) = if first & 1 == 0 {
        (cursor.u16(at).ok_or(BEYOND)?, at + 2)
    } else {
        (u16::from(first), at + 1)
    };
    match protocol {
        PPP_IPV4 => by_ethertype(scope, ETHERTYPE_IPV4, at, layers),
        PPP_IPV6 => by_ethertype(scope, ETHERTYPE_IPV6, at, layers),
        PPP_MPLS => shim::mpls(scope, at, layers),
        _ => Ok(()),
    }
}

/// Frame relay (ITU-T Q.922 annex A): an address of two to four bytes, then RFC 2427's framing or, as
/// Cisco has it, an `EtherType`.
fn frame_relay(scope: Scope<'_>, layers: &mut Layers) -> Result<(), Beyond> {
    let cursor = scope.cursor;
    let mut at = 0;
    // The low bit is set in the last byte of the address only.
    while cursor.u8(at).ok_or(BEYOND)? & 1 == 0 {
        at += 1;
        if at == 4 {
            return Ok(());
        }
    }
    at += 1;
    // Unnumbered information; zero bytes may pad what follows to an even place.
    if cursor.u8(at).ok_or(BEYOND)? != 0x03 {
        let ethertype = cursor.u16(at).ok_or(BEYOND)?;
        return by_ethertype(scope, ethertype, at + 2, layers);
    }
    at += 1;
    if cursor.u8(at).ok_or(BEYOND)? == 0 {
        at += 1;
    }
    match cursor.u8(at).ok_or(BEYOND)? {
        NLPID_IPV4 => by_ethertype(scope, ETHERTYPE_IPV4, at + 1, layers),
        NLPID_IPV6 => by_ethertype(scope, ETHERTYPE_IPV6, at + 1, layers),
        NLPID_SNAP => {
            let organization = cursor.array::<3>(at + 1).ok_or(BEYOND)?;
            let kind = cursor.u16(at + 4).ok_or(BEYOND)?;
            match (organization, kind) {
                ([0, 0, 0], ethertype) => by_ethertype(scope, ethertype, at + 6, layers),
                // IEEE 802.1: bridged Ethernet, with its check sequence and without.
                ([0, 0x80, 0xc2], 0x0001 | 0x0007) => inner_ethernet(scope, at + 6, layers),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Linux's netfilter log (`linux/netfilter/nfnetlink_log.h`): attributes, of which one is the packet.
/// Their numbers are in the writer's byte order, which nothing tells; little-endian it is.
fn nflog(scope: Scope<'_>, layers: &mut Layers) -> Result<(), Beyond> {
    const PAYLOAD: u16 = 9;
    /// More than there are kinds.
    const MAX_ATTRIBUTES: usize = 64;

    let field = |at| {
        let bytes = scope.cursor.array::<2>(at).ok_or(BEYOND)?;
        Ok(u16::from_le_bytes(*bytes))
    };
    // Family, version, resource.
    let mut at = 4;
    for _ in 0..MAX_ATTRIBUTES {
        let (len, kind) = (usize::from(field(at)?), field(at + 2)?);
        if kind & 0x3fff == PAYLOAD {
            return by_version(scope, at + 4, layers);
        }
        if len < 4 || at + len >= scope.wire_len as usize {
            return Ok(());
        }
        at += len.next_multiple_of(4);
    }
    Ok(())
}

/// The VLAN tag that Marvell's switches fold into theirs, at `at`.
fn dsa_vlan(scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    const TAGGED: u8 = 0x20;

    if scope.cursor.u8(at).ok_or(BEYOND)? & TAGGED != 0 {
        note_vlan(scope.cursor.u16(at + 2).ok_or(BEYOND)?, layers);
    }
    Ok(())
}
