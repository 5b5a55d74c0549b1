//! ARP (RFC 826) and RARP (RFC 903), as by Wireshark's `packet-arp.c`.

use super::names::arp::{hardware, operation};
use super::names::ethertype::ethertype;
use crate::read::field::protocol;
use crate::read::proto::ip::Dotted;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::vendor::Named;
use crate::read::walk::Walk;

protocol! {
    5, "arp", "ARP", "Address Resolution Protocol";
    HW_TYPE: "arp.hw.type", "Hardware type", Uint(16), Dec, names = hardware;
    PROTO_TYPE: "arp.proto.type", "Protocol type", Uint(16), Hex, names = ethertype;
    HW_SIZE: "arp.hw.size", "Hardware size", Uint(8), Dec;
    PROTO_SIZE: "arp.proto.size", "Protocol size", Uint(8), Dec;
    OPCODE: "arp.opcode", "Opcode", Uint(16), Dec, names = operation;
    IS_GRATUITOUS: "arp.isgratuitous", "Is gratuitous", Bool;
    IS_PROBE: "arp.isprobe", "Is probe", Bool;
    IS_ANNOUNCEMENT: "arp.isannouncement", "Is announcement", Bool;
    SRC_HW: "arp.src.hw", "Sender hardware address", Bytes;
    SRC_HW_MAC: "arp.src.hw_mac", "Sender MAC address", Ether;
    SRC_PROTO: "arp.src.proto", "Sender protocol address", Bytes;
    SRC_PROTO_IPV4: "arp.src.proto_ipv4", "Sender IP address", Ipv4;
    DST_HW: "arp.dst.hw", "Target hardware address", Bytes;
    DST_HW_MAC: "arp.dst.hw_mac", "Target MAC address", Ether;
    DST_PROTO: "arp.dst.proto", "Target protocol address", Bytes;
    DST_PROTO_IPV4: "arp.dst.proto_ipv4", "Target IP address", Ipv4;
}

const HEADER_LEN: usize = 8;
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// What an address resolution is for, beside asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Usual,
    /// It tells of the sender (RFC 5227 section 3, for replies and as RFC 2002 says).
    Gratuitous,
    /// It asks whether an address is in use (RFC 5227 section 2.1.1).
    Probe,
    /// It says that an address is in use (RFC 5227 section 3).
    Announcement,
}

/// Dissects an ARP packet.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("ARP");
    let (hw_type, proto_type) = (region.u16(0)?, region.u16(2)?);
    let (hw_len, proto_len) = (usize::from(region.u8(4)?), usize::from(region.u8(5)?));
    let code = region.u16(6)?;
    if (3..=4).contains(&code) {
        walk.columns.set_protocol("RARP");
    }
    if (8..=9).contains(&code) {
        walk.columns.set_protocol("Inverse ARP");
    }
    let total = HEADER_LEN + 2 * (hw_len + proto_len);
    walk.claimed = Some(total as u32);
    let is_ether = hw_len == 6 && matches!(hw_type, 1 | 6);
    let is_ipv4 = proto_len == 4 && matches!(proto_type, 0x0800 | 0);
    let places = [
        HEADER_LEN,
        HEADER_LEN + hw_len,
        HEADER_LEN + hw_len + proto_len,
        HEADER_LEN + 2 * hw_len + proto_len,
    ];
    let ipv4 = |at| region.array::<4>(at).ok().filter(|_| is_ipv4);
    let ether = |at| region.array::<6>(at).ok().filter(|_| is_ether);
    let (sender, target) = (ipv4(places[1]), ipv4(places[3]));
    let purpose = match (sender, target) {
        (Some(sender), Some(target)) if sender == target && matches!(code, REQUEST | REPLY) => {
            if code == REQUEST && ether(places[2]) == Some([0; 6]) {
                Purpose::Announcement
            } else {
                Purpose::Gratuitous
            }
        }
        (Some([0, 0, 0, 0]), Some(_)) if code == REQUEST => Purpose::Probe,
        _ => Purpose::Usual,
    };
    info(
        walk,
        &region,
        code,
        purpose,
        places,
        (is_ether, is_ipv4),
        (hw_len, proto_len),
    );
    let added = walk.begin(THIS, &region, total.min(region.captured().len()));
    title(walk, added, code, purpose);
    walk.u16(HW_TYPE, &region, 0)?;
    walk.u16(PROTO_TYPE, &region, 2)?;
    walk.u8(HW_SIZE, &region, 4)?;
    walk.u8(PROTO_SIZE, &region, 5)?;
    walk.u16(OPCODE, &region, 6)?;
    let said = match purpose {
        Purpose::Usual => &[][..],
        Purpose::Gratuitous => &[IS_GRATUITOUS],
        Purpose::Probe => &[IS_PROBE],
        Purpose::Announcement => &[IS_GRATUITOUS, IS_ANNOUNCEMENT],
    };
    for field in said {
        walk.tree.add_generated(*field, Value::Bool(true));
    }
    let fields = [
        (SRC_HW, SRC_HW_MAC, SRC_PROTO, SRC_PROTO_IPV4, 0),
        (DST_HW, DST_HW_MAC, DST_PROTO, DST_PROTO_IPV4, 2),
    ];
    for (hw, mac, proto, ip, which) in fields {
        let at = places[which];
        if hw_len != 0 {
            if is_ether {
                let value = Value::Ether(region.array(at)?);
                walk.tree.add(mac, region.place(at, 6), value);
            } else {
                region.slice(at, hw_len)?;
                walk.tree.add(hw, region.place(at, hw_len), Value::Bytes);
            }
        }
        let at = places[which + 1];
        if proto_len != 0 {
            if is_ipv4 {
                let value = Value::Ipv4(region.array(at)?);
                walk.tree.add(ip, region.place(at, 4), value);
            } else {
                region.slice(at, proto_len)?;
                walk.tree
                    .add(proto, region.place(at, proto_len), Value::Bytes);
            }
        }
    }
    walk.end();
    Ok(())
}

/// The heading of the tree.
fn title(walk: &mut Walk<'_, '_>, added: Added, code: u16, purpose: Purpose) {
    if !walk.tree.labels() {
        return;
    }
    let name = operation(code.into())
        .map_or_else(|| format!("Unknown ARP opcode 0x{code:04x}"), str::to_owned);
    let words = match purpose {
        Purpose::Usual => name,
        Purpose::Gratuitous => format!("{name}/gratuitous ARP"),
        Purpose::Probe => "ARP Probe".to_owned(),
        Purpose::Announcement => "ARP Announcement".to_owned(),
    };
    walk.tree
        .label(added, format_args!("Address Resolution Protocol ({words})"));
}

/// An address in the list's info: by its type or as bytes.
fn hardware_text(
    walk: &Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    len: usize,
    is_ether: bool,
) -> String {
    let names = walk.preferences.names;
    match region.array(at) {
        Ok(address) if is_ether => format!("{}", Named { address, names }),
        _ => bytes_text(region, at, len),
    }
}

fn protocol_text(region: &Region<'_>, at: usize, len: usize, is_ipv4: bool) -> String {
    match region.array(at) {
        Ok(address) if is_ipv4 => format!("{}", Dotted(address)),
        _ => bytes_text(region, at, len),
    }
}

fn bytes_text(region: &Region<'_>, at: usize, len: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    if len == 0 {
        return "<No address>".to_owned();
    }
    for byte in region.slice(at, len).unwrap_or(&[]) {
        // Writing to a string does not fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn info(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    code: u16,
    purpose: Purpose,
    places: [usize; 4],
    (is_ether, is_ipv4): (bool, bool),
    (hw_len, proto_len): (usize, usize),
) {
    let hw = |walk: &Walk<'_, '_>, place: usize| {
        hardware_text(walk, region, places[place], hw_len, is_ether)
    };
    let ip = |place: usize| protocol_text(region, places[place], proto_len, is_ipv4);
    let text = match (code, purpose) {
        (REQUEST, Purpose::Announcement) => format!("ARP Announcement for {}", ip(3)),
        (REQUEST, Purpose::Gratuitous) => format!("Gratuitous ARP for {} (Request)", ip(3)),
        (REQUEST, Purpose::Probe) => format!("Who has {}? (ARP Probe)", ip(3)),
        (REQUEST, Purpose::Usual) => format!("Who has {}? Tell {}", ip(3), ip(1)),
        (REPLY, Purpose::Gratuitous) => format!("Gratuitous ARP for {} (Reply)", ip(1)),
        (REPLY, _) => format!("{} is at {}", ip(1), hw(walk, 0)),
        (3 | 5 | 8, _) => format!("Who is {}? Tell {}", hw(walk, 2), hw(walk, 0)),
        (4 | 6, _) => format!("{} is at {}", hw(walk, 2), ip(3)),
        (9, _) => format!("{} is at {}", hw(walk, 0), ip(1)),
        _ => match operation(code.into()) {
            Some(name) => name.to_owned(),
            None => format!("Unknown ARP opcode 0x{code:04x}"),
        },
    };
    walk.columns.set_info(format_args!("{text}"));
}
