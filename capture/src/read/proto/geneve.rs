//! GENEVE (RFC 8926), as by Wireshark's `packet-geneve.c`.

use super::names::ethertype::ethertype as ethertype_name;
use super::{data, eth, ethertype};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    20, "geneve", "Geneve", "Generic Network Virtualization Encapsulation";
    VERSION: "geneve.version", "Version", Uint(8), Dec;
    FLAGS: "geneve.flags", "Flags", Uint(8), Hex;
    FLAG_OAM: "geneve.flags.oam", "Operations, Administration and Management Frame", Bool, None, mask = 0x80;
    FLAG_CRITICAL: "geneve.flags.critical", "Critical Options Present", Bool, None, mask = 0x40;
    FLAG_RESERVED: "geneve.flags.reserved", "Reserved", Bool, None, mask = 0x3f;
    PROTO_TYPE: "geneve.proto_type", "Protocol Type", Uint(16), Hex, names = ethertype_name;
    VNI: "geneve.vni", "Virtual Network Identifier (VNI)", Uint(24), HexDec;
    RESERVED: "geneve.reserved", "Reserved", Uint(8), Hex;
    OPTIONS: "geneve.options", "Geneve Options", Bytes;
    OPTION: "geneve.option", "Option", Bytes;
    OPTION_CLASS: "geneve.option.class", "Class", Uint(16), Hex, names = class_name;
    OPTION_TYPE: "geneve.option.type", "Type", Uint(8), Hex;
    OPTION_CRITICAL: "geneve.option.type.critical", "Critical Option", Bool, None, mask = 0x80;
    OPTION_FLAGS: "geneve.option.flags", "Flags", Uint(8), Hex;
    OPTION_FLAGS_RESERVED: "geneve.option.flags.reserved", "Reserved", Bool, None, mask = 0xe0;
    OPTION_LENGTH: "geneve.option.length", "Length", Uint(8), Dec;
    OPTION_UNKNOWN: "geneve.option.unknown.data", "Unknown Option Data", Bytes;
}

const fn class_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0000..=0x00ff => "Standard",
        0x0100 => "Linux",
        0x0101 => "Open vSwitch",
        0x0102 => "Open Virtual Networking (OVN)",
        0x0103 => "In-band Network Telemetry (INT)",
        0x0104 => "VMware",
        0x0105 => "Amazon.com, Inc.",
        0x0106 => "Cisco Systems, Inc.",
        0x0107 => "Oracle Corporation",
        0xff00..=0xffff => "Experimental",
        _ => return None,
    })
}

/// Its UDP port.
pub(crate) const PORT: u16 = 6081;

/// Dissects the header, its options and what follows them.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    walk.columns.set_protocol("Geneve");
    let added = walk.begin(THIS, &region, HEADER_LEN);
    let (first, flags, kind) = (region.u8(0)?, region.u8(1)?, region.u16(2)?);
    let vni = region.u24(4)?;
    let name = ethertype_name(kind.into());
    match name {
        Some(name) => walk.columns.set_info(format_args!("Encapsulated {name}")),
        None => walk
            .columns
            .set_info(format_args!("Encapsulated 0x{kind:04x} (unknown)")),
    }
    let options_len = usize::from(first & 0x3f) * 4;
    walk.tree.set_len(added, (HEADER_LEN + options_len) as u32);
    let tree = &mut *walk.tree;
    let oam = if flags & 0x80 == 0 { "" } else { ", OAM" };
    tree.label(
        added,
        format_args!("Generic Network Virtualization Encapsulation, VNI: {vni:#08x}{oam}"),
    );
    tree.add(
        VERSION,
        region.place(0, 1),
        Value::Uint((first >> 6).into()),
    );
    let node = tree.add(
        OPTION_LENGTH,
        region.place(0, 1),
        Value::Uint(options_len as u64),
    );
    tree.label(node, format_args!("Length: {options_len} bytes"));
    let place = region.place(1, 1);
    let node = tree.add(FLAGS, place, Value::Uint(flags.into()));
    let critical = if flags & 0x40 == 0 {
        ""
    } else {
        ", Critical Options Present"
    };
    tree.label(node, format_args!("Flags: {flags:#04x}{oam}{critical}"));
    tree.open();
    for (field, mask) in [
        (FLAG_OAM, 0x80),
        (FLAG_CRITICAL, 0x40),
        (FLAG_RESERVED, 0x3f),
    ] {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    }
    tree.close();
    walk.u16(PROTO_TYPE, &region, 2)?;
    walk.tree
        .add(VNI, region.place(4, 3), Value::Uint(vni.into()));
    let reserved = region.u8(7)?;
    let node = walk
        .tree
        .add(RESERVED, region.place(7, 1), Value::Uint(reserved.into()));
    if reserved == 0 {
        walk.tree.set_hidden(node);
    }
    if options_len > 0 {
        options(walk, &region.part(HEADER_LEN, options_len))?;
    }
    walk.end();
    let rest = region.rest(HEADER_LEN + options_len);
    let outcome = match kind {
        ethertype::BRIDGED => eth::dissect(walk, rest, eth::Fcs::None),
        kind if ethertype::is_known(kind) => ethertype::hand_on(walk, kind, rest),
        _ => data::dissect(walk, rest),
    };
    walk.claimed = None;
    outcome
}

fn options(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let len = region.reported();
    let added = walk.tree.add(OPTIONS, region.place(0, len), Value::Bytes);
    walk.tree
        .label(added, format_args!("Options: ({len} bytes)"));
    walk.tree.open();
    let mut at = 0;
    while at + 4 <= len {
        let (class, kind, word) = (region.u16(at)?, region.u8(at + 2)?, region.u8(at + 3)?);
        let option_len = 4 + usize::from(word & 0x1f) * 4;
        let part = region.part(at, option_len);
        let name = class_name(class.into()).unwrap_or("Unknown");
        let critical = if kind & 0x80 == 0 { "" } else { " (Critical)" };
        let tree = &mut *walk.tree;
        let added = tree.add(OPTION, part.place(0, option_len), Value::Bytes);
        tree.label(
            added,
            format_args!("Unknown, Class: {name} ({class:#06x}) Type: {kind:#04x}{critical}"),
        );
        tree.open();
        tree.add(OPTION_CLASS, part.place(0, 2), Value::Uint(class.into()));
        let place = part.place(2, 1);
        let node = tree.add(OPTION_TYPE, place, Value::Uint(kind.into()));
        tree.label(node, format_args!("Type: {kind:#04x}{critical}"));
        tree.add_hidden(OPTION_CRITICAL, place, Value::Bool(kind & 0x80 != 0));
        let place = part.place(3, 1);
        let flags = tree.add(OPTION_FLAGS, place, Value::Uint((word >> 5).into()));
        tree.open();
        let reserved = tree.add(OPTION_FLAGS_RESERVED, place, Value::Bool(word & 0xe0 != 0));
        tree.close();
        if word & 0xe0 == 0 {
            tree.set_hidden(flags);
            tree.set_hidden(reserved);
        }
        let node = tree.add(OPTION_LENGTH, place, Value::Uint(option_len as u64));
        tree.label(node, format_args!("Length: {option_len} bytes"));
        if option_len > 4 {
            walk.bytes(OPTION_UNKNOWN, &part.rest(4));
        }
        walk.tree.close();
        at += option_len;
    }
    walk.tree.close();
    Ok(())
}
