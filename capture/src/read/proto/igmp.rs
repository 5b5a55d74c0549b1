//! IGMP, versions 1 to 3 (RFC 1112, 2236, 3376), as by Wireshark's `packet-igmp.c`.

use super::checksum::{self, Sum};
use super::names::ip::checksum_status;
use crate::read::field::protocol;
use crate::read::proto::ip::Dotted;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    10, "igmp", "IGMP", "Internet Group Management Protocol";
    VERSION: "igmp.version", "IGMP Version", Uint(8), Dec;
    TYPE: "igmp.type", "Type", Uint(8), Hex, names = type_name;
    RESERVED: "igmp.reserved", "Reserved", Bytes;
    MAX_RESP: "igmp.max_resp", "Max Resp Time", Uint(8), Dec;
    CHECKSUM: "igmp.checksum", "Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "igmp.checksum.status", "Checksum Status", Uint(8), Dec, names = checksum_status;
    MADDR: "igmp.maddr", "Multicast Address", Ipv4;
    S: "igmp.s", "S", Bool, None, mask = 0x08, names = suppress;
    QRV: "igmp.qrv", "QRV", Uint(8), Dec, mask = 0x07;
    QQIC: "igmp.qqic", "QQIC", Uint(8), Dec;
    NUM_SRC: "igmp.num_src", "Num Src", Uint(16), Dec;
    SADDR: "igmp.saddr", "Source Address", Ipv4;
    NUM_GRP_RECS: "igmp.num_grp_recs", "Num Group Records", Uint(16), Dec;
    RECORD_TYPE: "igmp.record_type", "Record Type", Uint(8), Dec, names = record_name;
    AUX_DATA_LEN: "igmp.aux_data_len", "Aux Data Len", Uint(8), Dec;
    AUX_DATA: "igmp.aux_data", "Aux Data", Bytes;
    DATA: "igmp.data", "Data", Bytes;
    BAD_CHECKSUM: "igmp.bad_checksum", "Bad checksum", None;
}

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x11 => "Membership Query",
        0x12 | 0x16 | 0x22 => "Membership Report",
        0x13 => "DVMRP Protocol",
        0x14 => "PIM Routing Message",
        0x17 => "Leave Group",
        0x1e => "Traceroute Response",
        0x1f => "Traceroute Query or Request",
        _ => return None,
    })
}

fn suppress(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Do not suppress router side processing",
            "SUPPRESS router side processing",
        ],
    )
}

const fn record_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Mode Is Include",
        2 => "Mode Is Exclude",
        3 => "Change To Include Mode",
        4 => "Change To Exclude Mode",
        5 => "Allow New Sources",
        6 => "Block Old Sources",
        _ => return None,
    })
}

const QUERY: u8 = 0x11;
const REPORT_V1: u8 = 0x12;
const REPORT_V2: u8 = 0x16;
const LEAVE: u8 = 0x17;
const REPORT_V3: u8 = 0x22;

/// Dissects an IGMP message.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: BAD_CHECKSUM,
        hint: "",
    };
    walk.begin(THIS, &region, region.captured().len());
    let (kind, max_resp) = (region.u8(0)?, region.u8(1)?);
    let version = match (kind, max_resp) {
        (QUERY, _) if region.reported() >= 12 => 3,
        (QUERY | REPORT_V1, 0) | (REPORT_V1, _) => 1,
        (QUERY | REPORT_V2 | LEAVE, _) => 2,
        (REPORT_V3, _) => 3,
        _ => 0,
    };
    let name = match version {
        1 => "IGMPv1",
        2 => "IGMPv2",
        3 => "IGMPv3",
        _ => "IGMP",
    };
    if version > 0 {
        // Each version is a dissector of its own there.
        walk.protocols.push(THIS.protocol);
    }
    walk.columns.set_protocol(name);
    let title = type_name(kind.into());
    match title {
        Some(title) => walk.columns.set_info(format_args!("{title}")),
        None => walk
            .columns
            .set_info(format_args!("Unknown Type:0x{kind:02x}")),
    }
    walk.tree.add_generated(VERSION, Value::Uint(version));
    walk.u8(TYPE, &region, 0)?;
    match (version, kind) {
        (2, _) | (3, QUERY) => {
            let seconds = tenths(max_resp, version);
            let node = walk
                .tree
                .add(MAX_RESP, region.place(1, 1), Value::Uint(max_resp.into()));
            walk.tree.label(
                node,
                format_args!(
                    "Max Resp Time: {}.{} sec (0x{max_resp:02x})",
                    seconds / 10,
                    seconds % 10
                ),
            );
        }
        _ => {
            walk.bytes(RESERVED, &region.part(1, 1));
        }
    }
    let sent = region.u16(2)?;
    let whole = !region.is_cut();
    let folded = whole.then(|| Sum::default().add(region.captured()).fold());
    walk.checksum(FIELDS, &region, 2, sent, folded);
    match (version, kind) {
        (3, QUERY) => query(walk, &region)?,
        (3, REPORT_V3) => report(walk, &region)?,
        (1 | 2, _) => {
            let group: [u8; 4] = region.array(4)?;
            walk.tree.add(MADDR, region.place(4, 4), Value::Ipv4(group));
            group_info(walk, kind, group);
        }
        _ => {
            walk.bytes(DATA, &region.rest(4));
        }
    }
    walk.end();
    Ok(())
}

/// Tenths of a second that a code stands for (RFC 3376 section 4.1.1).
const fn tenths(code: u8, version: u64) -> u32 {
    if version < 3 || code < 128 {
        return code as u32;
    }
    let (exponent, mantissa) = (code >> 4 & 7, code & 15);
    (mantissa as u32 | 0x10) << (exponent + 3)
}

fn group_info(walk: &mut Walk<'_, '_>, kind: u8, group: [u8; 4]) {
    let group = Dotted(group);
    match kind {
        QUERY if group.0 == [0; 4] => {
            walk.columns.append_info(format_args!(", general"));
        }
        QUERY => walk
            .columns
            .append_info(format_args!(", specific for group {group}")),
        LEAVE => walk.columns.append_info(format_args!(" {group}")),
        REPORT_V2 => walk.columns.append_info(format_args!(" group {group}")),
        _ => {}
    }
}

fn query(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let group: [u8; 4] = region.array(4)?;
    walk.tree.add(MADDR, region.place(4, 4), Value::Ipv4(group));
    let flags = region.u8(8)?;
    let place = region.place(8, 1);
    walk.tree.add(S, place, Value::Bool(flags & 8 != 0));
    walk.tree.add(QRV, place, Value::Uint((flags & 7).into()));
    walk.u8(QQIC, region, 9)?;
    let count = walk.u16(NUM_SRC, region, 10)?;
    group_info(walk, QUERY, group);
    if count > 0 {
        walk.columns.append_info(format_args!(", source {{"));
        for source in 0..usize::from(count) {
            let address = address(walk, region, 12 + 4 * source)?;
            let comma = if source > 0 { ", " } else { "" };
            walk.columns
                .append_info(format_args!("{comma}{}", Dotted(address)));
        }
        walk.columns.append_info(format_args!("}}"));
    }
    Ok(())
}

fn address(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize) -> Result<[u8; 4], Stop> {
    let address = region.array(at)?;
    walk.tree
        .add(SADDR, region.place(at, 4), Value::Ipv4(address));
    Ok(address)
}

fn report(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    walk.bytes(RESERVED, &region.part(4, 2));
    let count = walk.u16(NUM_GRP_RECS, region, 6)?;
    let mut at = 8;
    for _ in 0..count {
        let (kind, aux) = (region.u8(at)?, region.u8(at + 1)?);
        let sources = usize::from(region.u16(at + 2)?);
        let group: [u8; 4] = region.array(at + 4)?;
        let len = 8 + 4 * sources + 4 * usize::from(aux);
        let name = record_name(kind.into()).unwrap_or("Unknown");
        let dotted = Dotted(group);
        walk.tree.heading(
            region.place(at, len),
            format_args!("Group Record : {dotted}  {name}"),
        );
        walk.tree.open();
        walk.u8(RECORD_TYPE, region, at)?;
        walk.u8(AUX_DATA_LEN, region, at + 1)?;
        walk.u16(NUM_SRC, region, at + 2)?;
        walk.tree
            .add(MADDR, region.place(at + 4, 4), Value::Ipv4(group));
        record_info(walk, kind, dotted, sources);
        for source in 0..sources {
            let found = address(walk, region, at + 8 + 4 * source)?;
            let comma = if source > 0 { ", " } else { "" };
            walk.columns
                .append_info(format_args!("{comma}{}", Dotted(found)));
        }
        if sources > 0 {
            walk.columns.append_info(format_args!("}}"));
        }
        if aux > 0 {
            walk.bytes(
                AUX_DATA,
                &region.part(at + 8 + 4 * sources, 4 * usize::from(aux)),
            );
        }
        walk.tree.close();
        at += len;
    }
    Ok(())
}

/// What the list says of a record, up to where its sources follow.
fn record_info(walk: &mut Walk<'_, '_>, kind: u8, group: Dotted, sources: usize) {
    let (many, none) = match kind {
        1 | 3 => (" for source {", "Leave group "),
        2 | 4 => (" not in {", "Join group "),
        5 => (" allow source {", "Group "),
        _ => (" block source {", "Group "),
    };
    if sources == 0 {
        match kind {
            1..=4 => walk
                .columns
                .append_info(format_args!(" / {none}{group} for any sources")),
            5 => walk.columns.append_info(format_args!(
                " / Group {group}, ALLOW_NEW_SOURCES but no source specified (?)"
            )),
            _ => walk.columns.append_info(format_args!(
                " / Group {group}, BLOCK_OLD_SOURCES but no source specified (?)"
            )),
        }
        return;
    }
    let words = match kind {
        1 | 3 => format!(" / Join group {group}{many}"),
        2 | 4 => format!(" / Join group {group}, new source{many}"),
        5 => format!(" / Group {group}, new source {{"),
        _ => format!(" / Group {group}, block source {{"),
    };
    walk.columns.append_info(format_args!("{words}"));
}
