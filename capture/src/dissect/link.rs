//! Link layers: Ethernet with its VLAN tags (IEEE 802.1Q, 802.1ad), and what pcap files bring.

use super::cursor::Cursor;
use super::layers::{Header, Layers, Net};
use super::{Beyond, net};
use crate::packet::LinkType;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_QINQ: u16 = 0x88a8;
/// QinQ before 802.1ad settled its number.
const ETHERTYPE_QINQ_OLD: u16 = 0x9100;

/// PPP protocol numbers (RFC 1332, RFC 5072).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

/// VLAN tags that are looked behind.
const MAX_VLAN_TAGS: u8 = 4;

/// From the first byte of a packet downwards.
#[inline(always)]
pub(super) fn descend(
    cursor: Cursor<'_>,
    link: LinkType,
    wire_len: u32,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Link);
    if link == LinkType::ETHERNET {
        let ethertype = cursor.u16(12).ok_or(BEYOND)?;
        return tagged(cursor, ethertype, 14, wire_len, layers);
    }
    match link {
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => by_version(cursor, 0, wire_len, layers),
        LinkType::NULL | LinkType::LOOP => {
            // The family's number differs between systems and the byte order is the writer's; the
            // version nibble behind it says the same in one way.
            cursor.u32(0).ok_or(BEYOND)?;
            by_version(cursor, 4, wire_len, layers)
        }
        LinkType::LINUX_SLL => {
            let ethertype = cursor.u16(14).ok_or(BEYOND)?;
            tagged(cursor, ethertype, 16, wire_len, layers)
        }
        LinkType::LINUX_SLL2 => {
            let ethertype = cursor.u16(0).ok_or(BEYOND)?;
            cursor.u8(19).ok_or(BEYOND)?;
            tagged(cursor, ethertype, 20, wire_len, layers)
        }
        LinkType::C_HDLC => {
            let ethertype = cursor.u16(2).ok_or(BEYOND)?;
            tagged(cursor, ethertype, 4, wire_len, layers)
        }
        LinkType::PPP => ppp(cursor, wire_len, layers),
        _ => Ok(()),
    }
}

/// Behind the VLAN tags, if there are any.
#[inline(always)]
fn tagged(
    cursor: Cursor<'_>,
    mut ethertype: u16,
    mut at: usize,
    wire_len: u32,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    while matches!(
        ethertype,
        ETHERTYPE_VLAN | ETHERTYPE_QINQ | ETHERTYPE_QINQ_OLD
    ) && layers.vlan_tags < MAX_VLAN_TAGS
    {
        let tag = cursor.u16(at).ok_or(Beyond(Header::Link))?;
        ethertype = cursor.u16(at + 2).ok_or(Beyond(Header::Link))?;
        if let Some(id) = layers.vlans.get_mut(usize::from(layers.vlan_tags)) {
            *id = tag & 0x0fff;
        }
        layers.vlan_tags += 1;
        at += 4;
    }
    match ethertype {
        ETHERTYPE_IPV4 => net::ipv4(cursor, at, wire_len, layers),
        ETHERTYPE_IPV6 => net::ipv6(cursor, at, wire_len, layers),
        ETHERTYPE_ARP => {
            layers.net = Net::Arp;
            Ok(())
        }
        _ => {
            layers.net = Net::Other { ethertype };
            Ok(())
        }
    }
}

/// IPv4 or IPv6, by the first nibble.
fn by_version(
    cursor: Cursor<'_>,
    at: usize,
    wire_len: u32,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    match cursor.u8(at).ok_or(Beyond(Header::Link))? >> 4 {
        4 => net::ipv4(cursor, at, wire_len, layers),
        6 => net::ipv6(cursor, at, wire_len, layers),
        _ => Ok(()),
    }
}

/// PPP (RFC 1661), with HDLC-like framing (RFC 1662: address 0xff, control 0x03) or without.
fn ppp(cursor: Cursor<'_>, wire_len: u32, layers: &mut Layers) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Link);
    let at = if cursor.u16(0).ok_or(BEYOND)? == 0xff03 {
        2
    } else {
        0
    };
    let protocol = cursor.u16(at).ok_or(BEYOND)?;
    match protocol {
        PPP_IPV4 => net::ipv4(cursor, at + 2, wire_len, layers),
        PPP_IPV6 => net::ipv6(cursor, at + 2, wire_len, layers),
        _ => Ok(()),
    }
}
