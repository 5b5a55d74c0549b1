//! DHCP for IPv6 (RFC 8415), as Wireshark's `packet-dhcpv6.c` shows it in the list, with the types of its
//! options.

use std::fmt::Write as _;

use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::Ipv6;
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    52, "dhcpv6", "DHCPv6", "DHCPv6";
    MESSAGE_TYPE: "dhcpv6.msgtype", "Message type", Uint(8), Dec, names = type_name;
    TRANSACTION: "dhcpv6.xid", "Transaction ID", Uint(24), Hex;
    HOP_COUNT: "dhcpv6.hopcount", "Hopcount", Uint(8), Dec;
    LINK_ADDRESS: "dhcpv6.linkaddr", "Link address", Ipv6;
    PEER_ADDRESS: "dhcpv6.peeraddr", "Peer address", Ipv6;
    OPTION: "dhcpv6.option.type", "Option", Uint(16), Dec;
    OPTION_LEN: "dhcpv6.option.length", "Length", Uint(16), Dec;
    OPTION_VALUE: "dhcpv6.option.value", "Value", Bytes;
    DUID: "dhcpv6.duid.bytes", "DUID", Bytes;
    ADDRESS: "dhcpv6.iaaddr.ip", "IPv6 address", Ipv6;
}

/// Ports of clients and of servers.
pub(crate) const PORTS: [u16; 2] = [546, 547];

const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;
const CLIENT_ID: u16 = 1;
const IA_NA: u16 = 3;
const IA_TA: u16 = 4;
const IA_ADDRESS: u16 = 5;
const RELAY_MESSAGE: u16 = 9;
/// How deep messages and options lie in one another.
const MAX_DEPTH: u32 = 8;

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Solicit",
        2 => "Advertise",
        3 => "Request",
        4 => "Confirm",
        5 => "Renew",
        6 => "Rebind",
        7 => "Reply",
        8 => "Release",
        9 => "Decline",
        10 => "Reconfigure",
        11 => "Information-request",
        12 => "Relay-forw",
        13 => "Relay-reply",
        14 => "Leasequery",
        15 => "Leasequery-reply",
        16 => "Leasequery-done",
        17 => "Leasequery-data",
        18 => "Reconfigure-request",
        19 => "Reconfigure-reply",
        _ => return None,
    })
}

/// Dissects a datagram.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("DHCPv6");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    message(walk, &region, 0)?;
    walk.end();
    Ok(())
}

fn message(walk: &mut Walk<'_, '_>, region: &Region<'_>, depth: u32) -> Result<(), Stop> {
    let kind = walk.u8(MESSAGE_TYPE, region, 0)?;
    match type_name(kind.into()) {
        Some(name) => walk.columns.append_info(format_args!("{name} ")),
        None => walk
            .columns
            .append_info(format_args!("Message Type {kind} ")),
    }
    let start = if matches!(kind, RELAY_FORWARD | RELAY_REPLY) {
        walk.u8(HOP_COUNT, region, 1)?;
        let link = region.array(2)?;
        walk.tree
            .add(LINK_ADDRESS, region.place(2, 16), Value::Ipv6(link));
        walk.columns.append_info(format_args!("L: {} ", Ipv6(link)));
        let peer = region.array(18)?;
        walk.tree
            .add(PEER_ADDRESS, region.place(18, 16), Value::Ipv6(peer));
        34
    } else {
        let transaction = region.u24(1)?;
        let value = Value::Uint(transaction.into());
        walk.tree.add(TRANSACTION, region.place(1, 3), value);
        walk.columns
            .append_info(format_args!("XID: {transaction:#08x} "));
        4
    };
    options(walk, &region.rest(start), depth)
}

fn options(walk: &mut Walk<'_, '_>, region: &Region<'_>, depth: u32) -> Result<(), Stop> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let mut at = 0;
    while at < region.reported() {
        let (kind, len) = (region.u16(at)?, usize::from(region.u16(at + 2)?));
        region.slice(at + 4, len)?;
        let data = region.part(at + 4, len);
        walk.u16(OPTION, region, at)?;
        walk.tree.open();
        walk.u16(OPTION_LEN, region, at + 2)?;
        match kind {
            CLIENT_ID => {
                walk.bytes(DUID, &data);
                let mut text = String::from("CID: ");
                for byte in data.captured() {
                    // Writing to a string does not fail.
                    let _infallible = write!(text, "{byte:02x}");
                }
                walk.columns.append_info(format_args!("{text} "));
            }
            IA_NA if len >= 12 => options(walk, &data.rest(12), depth + 1)?,
            IA_TA if len >= 4 => options(walk, &data.rest(4), depth + 1)?,
            IA_ADDRESS if len >= 24 => {
                let address = data.array(0)?;
                walk.tree
                    .add(ADDRESS, data.place(0, 16), Value::Ipv6(address));
                walk.columns
                    .append_info(format_args!("IAA: {} ", Ipv6(address)));
                options(walk, &data.rest(24), depth + 1)?;
            }
            RELAY_MESSAGE if depth < MAX_DEPTH => message(walk, &data, depth + 1)?,
            _ if len > 0 => {
                walk.bytes(OPTION_VALUE, &data);
            }
            _ => {}
        }
        walk.tree.close();
        at += 4 + len;
    }
    Ok(())
}
