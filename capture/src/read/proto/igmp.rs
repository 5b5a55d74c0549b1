//! IGMP, versions 1 to 3 (RFC 1112, 2236, 3376), as by Wireshark's `packet-igmp.c`.

use super::checksum::{self, Sum};
use super::expert::{Group, Severity};
use super::names::ip::checksum_status;
use crate::read::field::{FieldId, protocol};
use crate::read::proto::ip::Dotted;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::{Piece, Walk};

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
    MAX_RESP_EXP: "igmp.max_resp.exp", "Exponent", Uint(8), Hex, mask = 0x70;
    MAX_RESP_MANT: "igmp.max_resp.mant", "Mantissa", Uint(8), Hex, mask = 0x0f;
    GROUP_TYPE: "igmp.group_type", "Type Of Group", Uint(8), Dec, names = group_name;
    REPLY: "igmp.reply", "Reply", Uint(8), Dec, names = reply_name;
    REPLY_PENDING: "igmp.reply.pending", "Reply Pending", Uint(8), Dec;
    IDENTIFIER: "igmp.identifier", "Identifier", Uint(32), Dec;
    ACCESS_KEY: "igmp.access_key", "Access Key", Bytes;
    HOPS: "igmp.mtrace.max_hops", "# hops", Uint(8), Dec;
    TRACE_SOURCE: "igmp.mtrace.saddr", "Source Address", Ipv4;
    TRACE_RECEIVER: "igmp.mtrace.raddr", "Receiver Address", Ipv4;
    TRACE_RESPONSE: "igmp.mtrace.rspaddr", "Response Address", Ipv4;
    TRACE_TTL: "igmp.mtrace.resp_ttl", "Response TTL", Uint(8), Dec;
    TRACE_ID: "igmp.mtrace.q_id", "Query ID", Uint(24), Dec;
    TRACE_ARRIVAL: "igmp.mtrace.q_arrival", "Query Arrival", Uint(32), Dec;
    TRACE_IN: "igmp.mtrace.q_inaddr", "In itf addr", Ipv4;
    TRACE_OUT: "igmp.mtrace.q_outaddr", "Out itf addr", Ipv4;
    TRACE_PREVIOUS: "igmp.mtrace.q_prevrtr", "Previous rtr addr", Ipv4;
    TRACE_IN_PACKETS: "igmp.mtrace.q_inpkt", "In pkts", Uint(32), Dec;
    TRACE_OUT_PACKETS: "igmp.mtrace.q_outpkt", "Out pkts", Uint(32), Dec;
    TRACE_TOTAL: "igmp.mtrace.q_total", "S,G pkt count", Uint(32), Dec;
    TRACE_ROUTING: "igmp.mtrace.q_rtg_proto", "Rtg Protocol", Uint(8), Dec, names = routing_name;
    TRACE_FORWARD_TTL: "igmp.mtrace.q_fwd_ttl", "FwdTTL", Uint(8), Dec;
    TRACE_ZERO: "igmp.mtrace.q_mbz", "MBZ", Uint(8), Hex, mask = 0x80;
    TRACE_S: "igmp.mtrace.q_s", "S", Uint(8), Hex, mask = 0x40;
    TRACE_MASK: "igmp.mtrace.q_src_mask", "Src Mask", Uint(8), Hex, mask = 0x3f;
    TRACE_CODE: "igmp.mtrace.q_fwd_code", "Forwarding Code", Uint(8), Hex, names = forwarding_name;
    BAD_CHECKSUM: "igmp.bad_checksum", "Bad checksum", None;
}

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x01 => "Create Group Request",
        0x02 => "Create Group Reply",
        0x03 => "Join Group Request",
        0x04 => "Join Group Reply",
        0x05 => "Leave Group Request",
        0x06 => "Leave Group Reply",
        0x07 => "Confirm Group Request",
        0x08 => "Confirm Group Reply",
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

fn group_name(value: u64) -> Option<&'static str> {
    pick(value, &["Public Group", "Private Group"])
}

fn reply_name(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 5] = [
        "Request Granted",
        "Request Denied, No Resources",
        "Request Denied, Invalid Code",
        "Request Denied, Invalid Group",
        "Request Denied, Invalid Key",
    ];
    pick(value, &NAMES)
}

const fn routing_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "DVMRP",
        2 => "MOSPF",
        3 => "PIM",
        4 => "CBT",
        5 => "PIM using special routing table",
        6 => "PIM using a static route",
        7 => "DVMRP using a static route",
        8 => "PIM using MBGP (aka BGP4+) route",
        9 => "CBT using special routing table",
        10 => "CBT using a static route",
        11 => "PIM using state created by Assert processing",
        _ => return None,
    })
}

const fn forwarding_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "NO_ERROR",
        0x01 => "WRONG_IF",
        0x02 => "PRUNE_SENT",
        0x03 => "PRUNE_RCVD",
        0x04 => "SCOPED",
        0x05 => "NO_ROUTE",
        0x06 => "WRONG_LAST_HOP",
        0x07 => "NOT_FORWARDING",
        0x08 => "REACHED_RP",
        0x09 => "RPF_IF",
        0x0a => "NO_MULTICAST",
        0x0b => "INFO_HIDDEN",
        0x81 => "NO_SPACE",
        0x82 => "OLD_ROUTER",
        0x83 => "ADMIN_PROHIB",
        _ => return None,
    })
}

const CREATE_GROUP: u8 = 0x01;
const QUERY: u8 = 0x11;
const REPORT_V1: u8 = 0x12;
const REPORT_V2: u8 = 0x16;
const LEAVE: u8 = 0x17;
const REPORT_V3: u8 = 0x22;
const TRACE_ANSWER: u8 = 0x1e;
const TRACE_QUERY: u8 = 0x1f;

/// Dissects an IGMP message.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.enter(THIS);
    let kind = region.u8(0)?;
    // Each version is a dissector of its own there.
    let is_known = matches!(
        kind,
        0..=15 | QUERY | REPORT_V1 | REPORT_V2 | LEAVE | REPORT_V3
    );
    if is_known {
        walk.protocols.push(THIS.protocol);
    }
    let version = match kind {
        0..=15 => 0,
        QUERY if region.reported() >= 12 => 3,
        QUERY if region.u8(1)? == 0 => 1,
        REPORT_V1 => 1,
        QUERY | REPORT_V2 | LEAVE => 2,
        REPORT_V3 => 3,
        TRACE_ANSWER | TRACE_QUERY => {
            walk.protocols.push(THIS.protocol);
            return trace(walk, &region, kind);
        }
        _ => return unknown(walk, &region, kind),
    };
    walk.columns.set_protocol(match version {
        0 => "IGMPv0",
        1 => "IGMPv1",
        2 => "IGMPv2",
        _ => "IGMPv3",
    });
    walk.node(THIS, &region, region.captured().len());
    type_info(walk, kind);
    walk.tree.add_generated(VERSION, Value::Uint(version));
    walk.u8(TYPE, &region, 0)?;
    match (version, kind) {
        (0, _) => group(walk, &region, kind)?,
        (3, QUERY) => query(walk, &region)?,
        (3, _) => report(walk, &region)?,
        (1, _) => {
            reserved(walk, &region, 1, 1)?;
            sum(walk, &region, 8)?;
            address(walk, &region, MADDR, 4)?;
        }
        _ => {
            let tenths = region.u8(1)?;
            max_resp(walk, &region, tenths.into(), tenths);
            sum(walk, &region, 8)?;
            let group = address(walk, &region, MADDR, 4)?;
            group_info(walk, kind, group);
        }
    }
    walk.end();
    Ok(())
}

/// What the list says of a type.
fn type_info(walk: &mut Walk<'_, '_>, kind: u8) {
    match type_name(kind.into()) {
        Some(title) => walk.columns.set_info(format_args!("{title}")),
        None => walk
            .columns
            .set_info(format_args!("Unknown Type:0x{kind:02x}")),
    }
}

/// A type that is none: the rest is bytes.
fn unknown(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8) -> Result<(), Stop> {
    walk.columns.set_protocol("IGMP");
    walk.node(THIS, region, region.captured().len());
    type_info(walk, kind);
    walk.u8(TYPE, region, 0)?;
    walk.bytes(DATA, &region.from(1)?);
    walk.end();
    Ok(())
}

fn reserved(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    len: usize,
) -> Result<(), Stop> {
    region.slice(at, len)?;
    walk.bytes(RESERVED, &region.part(at, len));
    Ok(())
}

/// The checksum, over so many bytes.
fn sum(walk: &mut Walk<'_, '_>, region: &Region<'_>, len: usize) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: BAD_CHECKSUM,
        how: (Severity::Error, Group::Checksum),
        hint: "",
        zero: 0,
    };
    let sent = region.u16(2)?;
    let bytes = region.captured().get(..len);
    let whole = bytes.filter(|_| walk.carrier.piece == Piece::Whole);
    let folded = whole.map(|bytes| Sum::default().add(bytes).fold());
    walk.checksum(FIELDS, region, 2, sent, folded);
    Ok(())
}

fn max_resp(walk: &mut Walk<'_, '_>, region: &Region<'_>, tenths: u32, code: u8) {
    let place = region.place(1, 1);
    let node = walk.tree.add(MAX_RESP, place, Value::Uint(tenths.into()));
    walk.tree.label(
        node,
        format_args!(
            "Max Resp Time: {}.{} sec (0x{code:02x})",
            tenths / 10,
            tenths % 10
        ),
    );
}

/// Tenths of a second that a code stands for (RFC 3376 section 4.1.1).
const fn tenths(code: u8) -> u32 {
    if code < 128 {
        return code as u32;
    }
    let (exponent, mantissa) = (code >> 4 & 7, code & 15);
    (mantissa as u32 | 0x10) << (exponent + 3)
}

fn group_info(walk: &mut Walk<'_, '_>, kind: u8, group: [u8; 4]) {
    let group = Dotted(group);
    match kind {
        _ if group.0 == [0; 4] => walk.columns.append_info(format_args!(", general")),
        QUERY => walk
            .columns
            .append_info(format_args!(", specific for group {group}")),
        LEAVE => walk.columns.append_info(format_args!(" {group}")),
        _ => walk.columns.append_info(format_args!(" group {group}")),
    }
}

/// Version 0 (RFC 988).
fn group(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8) -> Result<(), Stop> {
    let code = region.u8(1)?;
    let field = match code {
        _ if kind == CREATE_GROUP => Some(GROUP_TYPE),
        _ if kind % 2 == 1 => None,
        0..5 => Some(REPLY),
        _ => Some(REPLY_PENDING),
    };
    if let Some(field) = field {
        walk.u8(field, region, 1)?;
    }
    sum(walk, region, 20)?;
    walk.u32(IDENTIFIER, region, 4)?;
    address(walk, region, MADDR, 8)?;
    region.slice(12, 8)?;
    walk.bytes(ACCESS_KEY, &region.part(12, 8));
    Ok(())
}

fn query(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let count = region.u16(10)?;
    let code = region.u8(1)?;
    max_resp(walk, region, tenths(code), code);
    if code & 0x80 != 0 {
        let place = region.place(1, 1);
        walk.tree.open();
        walk.tree
            .add(MAX_RESP_EXP, place, Value::Uint((code >> 4 & 7).into()));
        walk.tree
            .add(MAX_RESP_MANT, place, Value::Uint((code & 15).into()));
        walk.tree.close();
    }
    sum(walk, region, region.reported())?;
    let group = address(walk, region, MADDR, 4)?;
    group_info(walk, QUERY, group);
    let flags = region.u8(8)?;
    let place = region.place(8, 1);
    walk.tree.add(S, place, Value::Bool(flags & 8 != 0));
    walk.tree.add(QRV, place, Value::Uint((flags & 7).into()));
    walk.u8(QQIC, region, 9)?;
    walk.u16(NUM_SRC, region, 10)?;
    if count > 0 {
        let s = if count == 1 { "" } else { "s" };
        walk.columns.append_info(format_args!(", source{s} {{"));
    }
    sources(walk, region, 12, count.into())
}

/// Addresses at `at`, in the list too, which a `}` ends.
fn sources(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    count: usize,
) -> Result<(), Stop> {
    for place in 0..count {
        let at = at + 4 * place;
        let source: [u8; 4] = region.array(at)?;
        let end = if place + 1 == count { "}" } else { ", " };
        walk.columns
            .append_info(format_args!("{}{end}", Dotted(source)));
        walk.tree
            .add(SADDR, region.place(at, 4), Value::Ipv4(source));
    }
    Ok(())
}

fn address(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: FieldId,
    at: usize,
) -> Result<[u8; 4], Stop> {
    let address = region.array(at)?;
    walk.tree
        .add(field, region.place(at, 4), Value::Ipv4(address));
    Ok(address)
}

fn report(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    reserved(walk, region, 1, 1)?;
    sum(walk, region, region.reported())?;
    reserved(walk, region, 4, 2)?;
    let count = walk.u16(NUM_GRP_RECS, region, 6)?;
    if count == 0 {
        walk.columns.append_info(format_args!(" - General query"));
    }
    let mut at = 8;
    for _ in 0..count {
        let group: [u8; 4] = region.array(at + 4)?;
        let (kind, aux) = (region.u8(at)?, usize::from(region.u8(at + 1)?));
        let count = usize::from(region.u16(at + 2)?);
        let len = 8 + 4 * count + 4 * aux;
        let name = record_name(kind.into()).unwrap_or("");
        let dotted = Dotted(group);
        walk.tree.heading(
            region.place(at, len),
            format_args!("Group Record : {dotted}  {name}"),
        );
        walk.tree.open();
        walk.u8(RECORD_TYPE, region, at)?;
        walk.u8(AUX_DATA_LEN, region, at + 1)?;
        walk.u16(NUM_SRC, region, at + 2)?;
        address(walk, region, MADDR, at + 4)?;
        record_info(walk, kind, dotted, count);
        sources(walk, region, at + 8, count)?;
        if aux > 0 {
            region.slice(at + 8 + 4 * count, 4 * aux)?;
            walk.bytes(AUX_DATA, &region.part(at + 8 + 4 * count, 4 * aux));
        }
        walk.tree.close();
        at += len;
    }
    Ok(())
}

/// What the list says of a record, up to where its sources follow.
fn record_info(walk: &mut Walk<'_, '_>, kind: u8, group: Dotted, sources: usize) {
    let many = sources > 1;
    let s = if many { "s" } else { "" };
    let columns = &mut *walk.columns;
    match (kind, sources) {
        (1 | 3, 0) => columns.append_info(format_args!(" / Leave group {group}")),
        (2 | 4, 0) => columns.append_info(format_args!(" / Join group {group} for any sources")),
        (5, 0) => columns.append_info(format_args!(
            " / Group {group}, ALLOW_NEW_SOURCES but no source specified (?)"
        )),
        (6, 0) => columns.append_info(format_args!(
            " / Group {group}, BLOCK_OLD_SOURCES but no source specified (?)"
        )),
        (_, 0) => columns.append_info(format_args!(" / Group {group}, unknown record type (?)")),
        (1 | 3, _) => {
            let which = if many { "s in" } else { "" };
            columns.append_info(format_args!(" / Join group {group} for source{which} {{"));
        }
        (2 | 4, _) => {
            let which = if many { "s not in" } else { " not" };
            columns.append_info(format_args!(" / Join group {group}, for source{which} {{"));
        }
        (5, _) => columns.append_info(format_args!(" / Group {group}, new source{s} {{")),
        (6, _) => columns.append_info(format_args!(" / Group {group}, block source{s} {{")),
        _ => columns.append_info(format_args!(
            " / Group {group}, unknown record type (?), sources {{"
        )),
    }
}

/// A traceroute of multicast (draft-ietf-idmr-traceroute-ipm).
fn trace(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8) -> Result<(), Stop> {
    const HEADER_LEN: usize = 24;
    const BLOCK_LEN: usize = 32;
    walk.columns.set_protocol("IGMP");
    walk.node(THIS, region, region.captured().len());
    let len = region.reported();
    let name = match kind {
        TRACE_ANSWER => "Traceroute Response",
        _ if len == HEADER_LEN => "Traceroute Query",
        _ => "Traceroute Request",
    };
    walk.columns.set_info(format_args!("{name}"));
    if kind == TRACE_ANSWER {
        let blocks = (len.cast_signed() - HEADER_LEN.cast_signed()) / BLOCK_LEN.cast_signed();
        let s = if blocks == 1 { "" } else { "s" };
        walk.columns
            .append_info(format_args!(", {blocks} block{s}"));
    }
    let added = walk
        .tree
        .add(TYPE, region.place(0, 1), Value::Uint(kind.into()));
    walk.tree
        .label(added, format_args!("Type: {name} (0x{kind:02x})"));
    walk.u8(HOPS, region, 1)?;
    sum(walk, region, len)?;
    let addresses = [MADDR, TRACE_SOURCE, TRACE_RECEIVER, TRACE_RESPONSE];
    for (place, field) in addresses.into_iter().enumerate() {
        address(walk, region, field, 4 + 4 * place)?;
    }
    walk.u8(TRACE_TTL, region, 20)?;
    let id = region.u24(21)?;
    walk.tree
        .add(TRACE_ID, region.place(21, 3), Value::Uint(id.into()));
    let mut at = HEADER_LEN;
    while at + BLOCK_LEN <= len {
        block(walk, &region.part(at, BLOCK_LEN))?;
        at += BLOCK_LEN;
    }
    walk.end();
    Ok(())
}

/// What a router on the way tells.
fn block(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let [incoming, outgoing] = [region.array(4)?, region.array(8)?].map(Dotted);
    let routing = routing_name(region.u8(28)?.into()).unwrap_or("Unknown");
    let code = forwarding_name(region.u8(31)?.into()).unwrap_or("Unknown");
    walk.tree.heading(
        region.place(0, region.reported()),
        format_args!(
            "Response data block: {incoming} -> {outgoing},  Proto: {routing},  Forwarding Code: {code}"
        ),
    );
    walk.tree.open();
    walk.u32(TRACE_ARRIVAL, region, 0)?;
    for (field, at) in [(TRACE_IN, 4), (TRACE_OUT, 8), (TRACE_PREVIOUS, 12)] {
        address(walk, region, field, at)?;
    }
    for (field, at) in [
        (TRACE_IN_PACKETS, 16),
        (TRACE_OUT_PACKETS, 20),
        (TRACE_TOTAL, 24),
    ] {
        walk.u32(field, region, at)?;
    }
    walk.u8(TRACE_ROUTING, region, 28)?;
    walk.u8(TRACE_FORWARD_TTL, region, 29)?;
    let bits = region.u8(30)?;
    let place = region.place(30, 1);
    for (field, value) in [
        (TRACE_ZERO, bits >> 7),
        (TRACE_S, bits >> 6 & 1),
        (TRACE_MASK, bits & 0x3f),
    ] {
        walk.tree.add(field, place, Value::Uint(value.into()));
    }
    walk.u8(TRACE_CODE, region, 31)?;
    walk.tree.close();
    Ok(())
}
