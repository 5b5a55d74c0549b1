//! IEEE 802.2 logical link control, with the `EtherType` that a SNAP header carries.

use super::names::ethertype::ethertype as ethertype_name;
use super::names::llc::sap;
use super::{data, ethertype, stp};
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::vendor;
use crate::read::walk::Walk;

protocol! {
    13, "llc", "LLC", "Logical-Link Control";
    DSAP: "llc.dsap", "DSAP", Uint(8), Hex, names = sap;
    DSAP_SAP: "llc.dsap.sap", "SAP", Uint(8), Dec, mask = 0xfe;
    DSAP_IG: "llc.dsap.ig", "IG Bit", Bool, None, mask = 0x01, names = group;
    SSAP: "llc.ssap", "SSAP", Uint(8), Hex, names = sap;
    SSAP_SAP: "llc.ssap.sap", "SAP", Uint(8), Dec, mask = 0xfe;
    SSAP_CR: "llc.ssap.cr", "CR Bit", Bool, None, mask = 0x01, names = response;
    CONTROL: "llc.control", "Control", Uint(16), Hex;
    CONTROL_COMMAND: "llc.control.u_modifier_cmd", "Command", Uint(8), Hex, mask = 0xec, names = command;
    CONTROL_FTYPE: "llc.control.ftype", "Frame type", Uint(16), Hex, mask = 0x03, names = frame_type;
    UNNUMBERED_FTYPE: "llc.control.ftype", "Frame type", Uint(8), Hex, mask = 0x03, names = frame_type;
    OUI: "llc.oui", "Organization Code", Uint(24), Dec;
    TYPE: "llc.type", "Type", Uint(16), Hex, names = ethertype_name;
    PID: "llc.pid", "Protocol ID", Uint(16), Hex;
}

fn group(value: u64) -> Option<&'static str> {
    pick(value, &["Individual", "Group"])
}

fn response(value: u64) -> Option<&'static str> {
    pick(value, &["Command", "Response"])
}

const fn command(value: u64) -> Option<&'static str> {
    Some(match value << 2 {
        0x00 => "Unnumbered Information",
        0x0c => "Disconnected mode",
        0x40 => "Disconnect",
        0x60 => "Unnumbered Acknowledge",
        0x6c => "Set Asynchronous Balanced Mode Extended",
        0xac => "Exchange identification",
        0xe0 => "Test",
        _ => return None,
    })
}

fn frame_type(value: u64) -> Option<&'static str> {
    const INFORMATION: &str = "Information frame";
    pick(
        value,
        &[
            INFORMATION,
            "Supervisory frame",
            INFORMATION,
            "Unnumbered frame",
        ],
    )
}

/// The SAP of bridges.
const SPANNING_TREE: u8 = 0x42;
/// Both SAPs of a SNAP header.
const SNAP: u8 = 0xaa;

/// Dissects an LLC header and what follows it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("LLC");
    walk.columns.clear_info();
    walk.begin(THIS, &region, 3.min(region.captured().len()));
    let (dsap, ssap, control) = (region.u8(0)?, region.u8(1)?, region.u8(2)?);
    let saps = [
        (DSAP, DSAP_SAP, DSAP_IG, 0, dsap),
        (SSAP, SSAP_SAP, SSAP_CR, 1, ssap),
    ];
    for (field, number, bit, offset, value) in saps {
        let place = region.place(offset, 1);
        let added = walk.tree.add(field, place, Value::Uint(value.into()));
        let name = sap((value & 0xfe).into()).unwrap_or("Unknown");
        let title = field.field().title;
        walk.tree
            .label(added, format_args!("{title}: {name} ({value:#04x})"));
        walk.tree.open();
        let added = walk
            .tree
            .add(number, place, Value::Uint((value >> 1).into()));
        walk.tree.label(added, format_args!("SAP: {name}"));
        walk.tree.add(bit, place, Value::Bool(value & 1 != 0));
        walk.tree.close();
    }
    // Numbered frames have one byte more.
    let unnumbered = control & 3 == 3;
    let header_len = if unnumbered { 3 } else { 4 };
    let place = region.place(2, header_len - 2);
    let value = if unnumbered {
        control.into()
    } else {
        u16::from_le_bytes(region.array(2)?)
    };
    let added = walk.tree.add(CONTROL, place, Value::Uint(value.into()));
    if unnumbered {
        walk.tree.label(
            added,
            format_args!("Control field: U, func=UI (0x{control:02X})"),
        );
        walk.columns.set_info(format_args!(
            "U, func=UI; DSAP {dsap:#04x} {}, SSAP {ssap:#04x} {}",
            group((dsap & 1).into()).unwrap_or(""),
            response((ssap & 1).into()).unwrap_or("")
        ));
    }
    walk.tree.open();
    if unnumbered {
        walk.tree
            .add(CONTROL_COMMAND, place, Value::Uint((control >> 2).into()));
    }
    let frame_type = if unnumbered {
        UNNUMBERED_FTYPE
    } else {
        CONTROL_FTYPE
    };
    walk.tree
        .add(frame_type, place, Value::Uint((control & 3).into()));
    walk.tree.close();
    if (dsap, ssap) == (SNAP, SNAP) && unnumbered {
        return snap(walk, &region);
    }
    walk.end();
    let rest = region.rest(header_len);
    if dsap == SPANNING_TREE && unnumbered {
        return stp::dissect(walk, rest);
    }
    data::dissect(walk, rest)
}

fn snap(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let (oui, kind) = (region.u24(3)?, region.u16(6)?);
    let added = walk
        .tree
        .add(OUI, region.place(3, 3), Value::Uint(oui.into()));
    let [_, a, b, c] = oui.to_be_bytes();
    let name = vendor::organization(oui).filter(|_| walk.tree.labels());
    let name = name.unwrap_or_default();
    walk.tree.label(
        added,
        format_args!("Organization Code: {a:02x}:{b:02x}:{c:02x} ({name})"),
    );
    let place = region.place(6, 2);
    let rest = region.rest(8);
    // Encapsulated Ethernet, or bridged by Cisco.
    if matches!(oui, 0 | 0xf8) {
        walk.tree.add(TYPE, place, Value::Uint(kind.into()));
        walk.end();
        return ethertype::hand_on(walk, kind, rest);
    }
    walk.tree.add(PID, place, Value::Uint(kind.into()));
    walk.end();
    data::dissect(walk, rest)
}
