//! The spanning tree of bridges (IEEE 802.1D), as Wireshark's `packet-bpdu.c` shows it.

use super::data;
use super::names::pick;
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::Ether;
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    51, "stp", "STP", "Spanning Tree Protocol";
    PROTOCOL_ID: "stp.protocol", "Protocol Identifier", Uint(16), Hex, names = protocol_name;
    VERSION: "stp.version", "Protocol Version Identifier", Uint(8), Dec, names = version_name;
    TYPE: "stp.type", "BPDU Type", Uint(8), Hex, names = type_name;
    FLAGS: "stp.flags", "BPDU flags", Uint(8), Hex;
    TCACK: "stp.flags.tcack", "Topology Change Acknowledgment", Bool, None, mask = 0x80, names = yes;
    AGREEMENT: "stp.flags.agreement", "Agreement", Bool, None, mask = 0x40, names = yes;
    FORWARDING: "stp.flags.forwarding", "Forwarding", Bool, None, mask = 0x20, names = yes;
    LEARNING: "stp.flags.learning", "Learning", Bool, None, mask = 0x10, names = yes;
    PORT_ROLE: "stp.flags.port_role", "Port Role", Uint(8), Dec, mask = 0x0c, names = role_name;
    PROPOSAL: "stp.flags.proposal", "Proposal", Bool, None, mask = 0x02, names = yes;
    TC: "stp.flags.tc", "Topology Change", Bool, None, mask = 0x01, names = yes;
    ROOT_PRIO: "stp.root.prio", "Root Bridge Priority", Uint(16), Dec;
    ROOT_EXT: "stp.root.ext", "Root Bridge System ID Extension", Uint(16), Dec;
    ROOT_HW: "stp.root.hw", "Root Bridge System ID", Ether;
    ROOT_COST: "stp.root.cost", "Root Path Cost", Uint(32), Dec;
    BRIDGE_PRIO: "stp.bridge.prio", "Bridge Priority", Uint(16), Dec;
    BRIDGE_EXT: "stp.bridge.ext", "Bridge System ID Extension", Uint(16), Dec;
    BRIDGE_HW: "stp.bridge.hw", "Bridge System ID", Ether;
    PORT: "stp.port", "Port identifier", Uint(16), Hex;
    MSG_AGE: "stp.msg_age", "Message Age", Double;
    MAX_AGE: "stp.max_age", "Max Age", Double;
    HELLO: "stp.hello", "Hello Time", Double;
    FORWARD: "stp.forward", "Forward Delay", Double;
    VERSION_1_LENGTH: "stp.version_1_length", "Version 1 Length", Uint(8), Dec;
}

const CONFIGURATION: u8 = 0;
const RAPID: u8 = 2;
const TOPOLOGY_CHANGE: u8 = 0x80;

fn protocol_name(value: u64) -> Option<&'static str> {
    (value == 0).then_some("Spanning Tree Protocol")
}

const fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Spanning Tree",
        2 => "Rapid Spanning Tree",
        3 => "Multiple Spanning Tree",
        4 => "Shortest Path Tree",
        _ => return None,
    })
}

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Configuration",
        2 => "Rapid/Multiple Spanning Tree",
        0x80 => "Topology Change Notification",
        _ => return None,
    })
}

fn role_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &["Unknown", "Alternate or Backup", "Root", "Designated"],
    )
}

fn yes(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

/// The identifier of a bridge: priority, extension, address.
struct Bridge {
    priority: u16,
    extension: u16,
    address: [u8; 6],
}

impl Bridge {
    fn read(region: &Region<'_>, at: usize) -> Result<Self, Stop> {
        let number = region.u16(at)?;
        Ok(Self {
            priority: number & 0xf000,
            extension: number & 0x0fff,
            address: region.array(at + 2)?,
        })
    }
}

impl std::fmt::Display for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} / {} / {}",
            self.priority,
            self.extension,
            Ether(self.address)
        )
    }
}

/// Dissects a message of bridges; what is none is data.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    // GARP and its kin (IEEE 802.1D section 12) have addresses of their own.
    let is_registration = matches!(
        walk.columns.destination,
        Address::Ether([1, 0x80, 0xc2, 0, 0, 0x0d | 0x20..=0x2f])
    );
    if is_registration && region.u16(0)? != 0 {
        return data::dissect(walk, region);
    }
    walk.columns.set_protocol("STP");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    walk.u16(PROTOCOL_ID, &region, 0)?;
    let version = walk.u8(VERSION, &region, 2)?;
    let kind = walk.u8(TYPE, &region, 3)?;
    match kind {
        TOPOLOGY_CHANGE => walk
            .columns
            .set_info(format_args!("Topology Change Notification")),
        CONFIGURATION | RAPID => configuration(walk, &region, version, kind)?,
        _ => walk
            .columns
            .set_info(format_args!("Unknown BPDU type ({kind})")),
    }
    walk.end();
    Ok(())
}

fn configuration(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    version: u8,
    kind: u8,
) -> Result<(), Stop> {
    let flags = region.u8(4)?;
    let root = Bridge::read(region, 5)?;
    let (cost, port) = (region.u32(13)?, region.u16(25)?);
    let is_rapid = kind == RAPID;
    let name = match (kind, version) {
        (CONFIGURATION, _) => "Conf.",
        (_, 3) => "MST.",
        (_, 4) => "SPT.",
        _ => "RST.",
    };
    let change = if flags & 1 != 0 { "TC + " } else { "" };
    walk.columns.set_info(format_args!(
        "{name} {change}Root = {}/{}/{}  Cost = {cost}  Port = {port:#06x}",
        root.priority,
        root.extension,
        Ether(root.address)
    ));
    let tree = &mut *walk.tree;
    let place = region.place(4, 1);
    let node = tree.add(FLAGS, place, Value::Uint(flags.into()));
    if is_rapid && tree.labels() {
        let mut text = format!("BPDU flags: {flags:#04x}");
        for (bit, word) in [
            (0x40, "Agreement"),
            (0x20, "Forwarding"),
            (0x10, "Learning"),
        ] {
            if flags & bit != 0 {
                text.push_str(", ");
                text.push_str(word);
            }
        }
        text.push_str(", Port Role: ");
        text.push_str(role_name(u64::from(flags >> 2 & 3)).unwrap_or(""));
        for (bit, word) in [(2, ", Proposal"), (1, ", Topology Change")] {
            if flags & bit != 0 {
                text.push_str(word);
            }
        }
        tree.label(node, format_args!("{text}"));
    }
    tree.open();
    let bit = |bit: u8| Value::Bool(flags & bit != 0);
    tree.add(TCACK, place, bit(0x80));
    if is_rapid {
        tree.add(AGREEMENT, place, bit(0x40));
        tree.add(FORWARDING, place, bit(0x20));
        tree.add(LEARNING, place, bit(0x10));
        tree.add(PORT_ROLE, place, Value::Uint(u64::from(flags >> 2 & 3)));
        tree.add(PROPOSAL, place, bit(0x02));
    }
    tree.add(TC, place, bit(0x01));
    tree.close();
    bridge(walk, region, 5, "Root", [ROOT_PRIO, ROOT_EXT, ROOT_HW])?;
    walk.u32(ROOT_COST, region, 13)?;
    let fields = [BRIDGE_PRIO, BRIDGE_EXT, BRIDGE_HW];
    bridge(walk, region, 17, "Bridge", fields)?;
    walk.u16(PORT, region, 25)?;
    for (place, field) in [MSG_AGE, MAX_AGE, HELLO, FORWARD].into_iter().enumerate() {
        let at = 27 + 2 * place;
        let seconds = f64::from(region.u16(at)?) / 256.0;
        walk.tree
            .add(field, region.place(at, 2), Value::Double(seconds));
    }
    if is_rapid {
        walk.u8(VERSION_1_LENGTH, region, 35)?;
    }
    Ok(())
}

fn bridge(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    title: &str,
    [priority, extension, address]: [crate::read::FieldId; 3],
) -> Result<(), Stop> {
    let bridge = Bridge::read(region, at)?;
    let tree = &mut *walk.tree;
    tree.heading(
        region.place(at, 8),
        format_args!("{title} Identifier: {bridge}"),
    );
    tree.open();
    let place = region.place(at, 2);
    tree.add(priority, place, Value::Uint(bridge.priority.into()));
    tree.add(extension, place, Value::Uint(bridge.extension.into()));
    let place = region.place(at + 2, 6);
    tree.add(address, place, Value::Ether(bridge.address));
    tree.close();
    Ok(())
}
