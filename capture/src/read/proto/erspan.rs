//! ERSPAN: mirrored frames behind GRE, type I without a header of its own, and type II
//! (draft-foschiano-erspan).

use super::eth;
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    42, "erspan", "ERSPAN", "Encapsulated Remote Switch Packet ANalysis";
    VERSION: "erspan.version", "Version", Uint(16), Dec, mask = 0xf000, names = version_name;
    VLAN: "erspan.vlan", "Vlan", Uint(16), Dec, mask = 0x0fff;
    COS: "erspan.cos", "COS", Uint(16), Dec, mask = 0xe000;
    ENCAP: "erspan.encap", "Encap", Uint(16), Dec, mask = 0x1800, names = encap_name;
    TRUNCATED: "erspan.truncated", "Truncated", Bool, None, mask = 0x0400, bits = 16, names = truncated_name;
    SPANID: "erspan.spanid", "SpanID", Uint(16), Dec, mask = 0x03ff;
    RESERVED: "erspan.reserved", "Reserved", Uint(32), Dec, mask = 0xfff0_0000;
    INDEX: "erspan.index", "Index", Uint(32), Dec, mask = 0x000f_ffff;
}

const fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Type II",
        2 => "Type III",
        _ => return None,
    })
}

fn encap_name(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 4] = [
        "Originally without VLAN tag",
        "Originally ISL encapsulated",
        "Originally 802.1Q encapsulated",
        "VLAN tag preserved in frame",
    ];
    pick(value, &NAMES)
}

fn truncated_name(value: u64) -> Option<&'static str> {
    pick(value, &["Not truncated", "Truncated"])
}

/// Dissects type I: the frame follows at once.
pub(crate) fn dissect_v1(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("ERSPAN");
    let added = walk.begin(THIS, &region, 0);
    walk.tree.label(
        added,
        format_args!("Encapsulated Remote Switch Packet ANalysis Type I"),
    );
    walk.end();
    eth::dissect(walk, region, eth::Fcs::None)
}

/// Dissects type III: a longer header, and a part of eight bytes that a platform can add.
pub(crate) fn dissect_v3(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 12;
    const PLATFORM_LEN: usize = 8;
    walk.columns.set_protocol("ERSPAN");
    let first = region.u16(0)?;
    let len = if region.u16(10)? & 1 == 0 {
        HEADER_LEN
    } else {
        HEADER_LEN + PLATFORM_LEN
    };
    let added = walk.begin(THIS, &region, len);
    walk.tree.label(
        added,
        format_args!("Encapsulated Remote Switch Packet ANalysis Type III"),
    );
    let place = region.place(0, 2);
    walk.tree
        .add(VERSION, place, Value::Uint((first >> 12).into()));
    walk.tree
        .add(VLAN, place, Value::Uint((first & 0xfff).into()));
    walk.end();
    eth::dissect(walk, region.rest(len), eth::Fcs::None)
}

/// Dissects type II.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    walk.columns.set_protocol("ERSPAN");
    let added = walk.begin(THIS, &region, HEADER_LEN);
    let (first, second, third) = (region.u16(0)?, region.u16(2)?, region.u32(4)?);
    if first >> 12 != 1 {
        walk.end();
        return super::data::dissect(walk, region);
    }
    walk.tree.label(
        added,
        format_args!("Encapsulated Remote Switch Packet ANalysis Type II"),
    );
    let (a, b, c) = (region.place(0, 2), region.place(2, 2), region.place(4, 4));
    let tree = &mut *walk.tree;
    let numbers = [
        (VERSION, a, u32::from(first >> 12)),
        (VLAN, a, u32::from(first & 0xfff)),
        (COS, b, u32::from(second >> 13)),
        (ENCAP, b, u32::from(second >> 11 & 3)),
    ];
    for (field, place, number) in numbers {
        tree.add(field, place, Value::Uint(number.into()));
    }
    tree.add(TRUNCATED, b, Value::Bool(second & 0x400 != 0));
    tree.add(SPANID, b, Value::Uint((second & 0x3ff).into()));
    tree.add(RESERVED, c, Value::Uint((third >> 20).into()));
    tree.add(INDEX, c, Value::Uint((third & 0xf_ffff).into()));
    walk.end();
    eth::dissect(walk, region.rest(HEADER_LEN), eth::Fcs::None)
}
