//! `ICMPv6` (RFC 4443), with neighbor discovery (RFC 4861) and multicast listeners (RFC 2710, 3810).

use super::checksum::{self, Sum};
use super::expert::{Group, Severity};
use super::icmp::pairs::{Echo, Seen};
use super::names::icmp::{option, v6_type};
use super::names::ip::checksum_status;
use super::names::{pick, set};
use super::{data, ipv6};
use crate::read::field::protocol;
use crate::read::print::Names;
use crate::read::region::{Region, Stop};
use crate::read::render::{Ether, Ipv6};
use crate::read::tree::Value;
use crate::read::vendor::Named;
use crate::read::walk::{Piece, Quoted, Walk};

protocol! {
    9, "icmpv6", "ICMPv6", "Internet Control Message Protocol v6";
    TYPE: "icmpv6.type", "Type", Uint(8), Dec, names = v6_type;
    CODE: "icmpv6.code", "Code", Uint(8), Dec;
    CHECKSUM: "icmpv6.checksum", "Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "icmpv6.checksum.status", "Checksum Status", Uint(8), Dec, names = checksum_status;
    RESERVED: "icmpv6.reserved", "Reserved", Bytes;
    MTU: "icmpv6.mtu", "MTU", Uint(32), Dec;
    POINTER: "icmpv6.pointer", "Pointer", Uint(32), Dec;
    IDENTIFIER: "icmpv6.echo.identifier", "Identifier", Uint(16), Hex;
    SEQUENCE: "icmpv6.echo.sequence_number", "Sequence", Uint(16), Dec;
    NO_RESP: "icmpv6.no_resp", "No response seen", None;
    RESP_IN: "icmpv6.resp_in", "Response In", FrameNumber;
    RESP_TO: "icmpv6.resp_to", "Response To", FrameNumber;
    RESPTIME: "icmpv6.resptime", "Response Time", Double;
    HOP_LIMIT: "icmpv6.nd.ra.cur_hop_limit", "Cur hop limit", Uint(8), Dec;
    RA_FLAG: "icmpv6.nd.ra.flag", "Flags", Uint(8), Hex;
    RA_FLAG_M: "icmpv6.nd.ra.flag.m", "Managed address configuration", Bool, None, mask = 0x80, names = set;
    RA_FLAG_O: "icmpv6.nd.ra.flag.o", "Other configuration", Bool, None, mask = 0x40, names = set;
    RA_FLAG_H: "icmpv6.nd.ra.flag.h", "Home Agent", Bool, None, mask = 0x20, names = set;
    RA_FLAG_PRF: "icmpv6.nd.ra.flag.prf", "Prf (Default Router Preference)", Uint(8), Dec, mask = 0x18, names = preference;
    RA_FLAG_P: "icmpv6.nd.ra.flag.p", "Proxy", Bool, None, mask = 0x04, names = set;
    RA_FLAG_RSV: "icmpv6.nd.ra.flag.rsv", "Reserved", Uint(8), Dec, mask = 0x03;
    RA_LIFETIME: "icmpv6.nd.ra.router_lifetime", "Router lifetime (s)", Uint(16), Dec;
    RA_REACHABLE: "icmpv6.nd.ra.reachable_time", "Reachable time (ms)", Uint(32), Dec;
    RA_RETRANS: "icmpv6.nd.ra.retrans_timer", "Retrans timer (ms)", Uint(32), Dec;
    NS_TARGET: "icmpv6.nd.ns.target_address", "Target Address", Ipv6;
    NA_FLAG: "icmpv6.nd.na.flag", "Flags", Uint(32), Hex;
    NA_FLAG_R: "icmpv6.nd.na.flag.r", "Router", Bool, None, mask = 0x8000_0000, names = set;
    NA_FLAG_S: "icmpv6.nd.na.flag.s", "Solicited", Bool, None, mask = 0x4000_0000, names = set;
    NA_FLAG_O: "icmpv6.nd.na.flag.o", "Override", Bool, None, mask = 0x2000_0000, names = set;
    NA_FLAG_RSV: "icmpv6.nd.na.flag.rsv", "Reserved", Uint(32), Dec, mask = 0x1fff_ffff;
    NA_TARGET: "icmpv6.nd.na.target_address", "Target Address", Ipv6;
    RD_TARGET: "icmpv6.nd.rd.target_address", "Target Address", Ipv6;
    RD_DESTINATION: "icmpv6.rd.na.destination_address", "Destination Address", Ipv6;
    OPT: "icmpv6.opt", "ICMPv6 Option", None;
    OPT_TYPE: "icmpv6.opt.type", "Type", Uint(8), Dec, names = option;
    OPT_LENGTH: "icmpv6.opt.length", "Length", Uint(8), Dec;
    OPT_LINKADDR: "icmpv6.opt.linkaddr", "Link-layer address", Ether;
    OPT_SRC_LINKADDR: "icmpv6.opt.src_linkaddr", "Source Link-layer address", Ether;
    OPT_TARGET_LINKADDR: "icmpv6.opt.target_linkaddr", "Target Link-layer address", Ether;
    OPT_PREFIX_LENGTH: "icmpv6.opt.prefix.length", "Prefix Length", Uint(8), Dec;
    OPT_PREFIX_FLAG: "icmpv6.opt.prefix.flag", "Flag", Uint(8), Hex;
    OPT_PREFIX_FLAG_L: "icmpv6.opt.prefix.flag.l", "On-link flag(L)", Bool, None, mask = 0x80, names = set;
    OPT_PREFIX_FLAG_A: "icmpv6.opt.prefix.flag.a", "Autonomous address-configuration flag(A)", Bool, None, mask = 0x40, names = set;
    OPT_PREFIX_FLAG_R: "icmpv6.opt.prefix.flag.r", "Router address flag(R)", Bool, None, mask = 0x20, names = set;
    OPT_PREFIX_FLAG_RESERVED: "icmpv6.opt.prefix.flag.reserved", "Reserved", Uint(8), Dec, mask = 0x1f;
    OPT_PREFIX_VALID: "icmpv6.opt.prefix.valid_lifetime", "Valid Lifetime", Uint(32), Dec;
    OPT_PREFIX_PREFERRED: "icmpv6.opt.prefix.preferred_lifetime", "Preferred Lifetime", Uint(32), Dec;
    OPT_PREFIX: "icmpv6.opt.prefix", "Prefix", Ipv6;
    OPT_RESERVED: "icmpv6.opt.reserved", "Reserved", None;
    OPT_MTU: "icmpv6.opt.mtu", "MTU", Uint(32), Dec;
    OPT_RDNSS_LIFETIME: "icmpv6.opt.rdnss.lifetime", "Lifetime", Uint(32), Dec;
    OPT_RDNSS: "icmpv6.opt.rdnss", "Recursive DNS Servers", Ipv6;
    OPT_NONCE: "icmpv6.opt.nonce", "Nonce", Bytes;
    MLD_MAX: "icmpv6.mld.maximum_response_delay", "Maximum Response Delay [ms]", Uint(16), Dec;
    MLD_MULTICAST: "icmpv6.mld.multicast_address", "Multicast Address", Ipv6;
    MLD_FLAG: "icmpv6.mld.flag", "Flags", Uint(8), Hex;
    MLD_FLAG_S: "icmpv6.mld.flag.s", "Suppress Router-Side Processing", Bool, None, mask = 0x08, names = set;
    MLD_FLAG_QRV: "icmpv6.mld.flag.qrv", "QRV (Querier's Robustness Variable)", Uint(8), Dec, mask = 0x07;
    MLD_QQI: "icmpv6.mld.qqi", "QQIC (Querier's Query Interval Code)", Uint(8), Dec;
    MLD_NB_SOURCES: "icmpv6.mld.nb_sources", "Number of Sources", Uint(16), Dec;
    MLD_SOURCE: "icmpv6.mld.source_address", "Source Address", Ipv6;
    MLDR_COUNT: "icmpv6.mldr.nb_mcast_records", "Number of Multicast Address Records", Uint(16), Dec;
    MLDR_RECORD: "icmpv6.mldr.mar", "Multicast Address Record", None;
    MLDR_TYPE: "icmpv6.mldr.mar.record_type", "Record Type", Uint(8), Dec, names = record_name;
    MLDR_AUX_LEN: "icmpv6.mldr.mar.aux_data_len", "Aux Data Len", Uint(8), Dec;
    MLDR_NB_SOURCES: "icmpv6.mldr.mar.nb_sources", "Number of Sources", Uint(16), Dec;
    MLDR_ADDRESS: "icmpv6.mldr.mar.multicast_address", "Multicast Address", Ipv6;
    MLDR_SOURCE: "icmpv6.mldr.mar.source_address", "Source Address", Ipv6;
    DATA: "icmpv6.data", "Data", Bytes;
    CHECKSUM_BAD: "icmpv6.checksum_bad.expert", "Bad checksum", None;
}

fn preference(value: u64) -> Option<&'static str> {
    pick(value, &["Medium", "High", "Reserved", "Low"])
}

const fn record_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Include",
        2 => "Exclude",
        3 => "Changed to include",
        4 => "Changed to exclude",
        5 => "Allow new sources",
        6 => "Block old sources",
        _ => return None,
    })
}

/// Name of a code.
fn code_name(kind: u8, code: u8) -> Option<&'static str> {
    const UNREACHABLE: [&str; 8] = [
        "no route to destination",
        "Administratively prohibited",
        "Beyond scope of source address",
        "Address unreachable",
        "Port unreachable",
        "Source address failed ingress/egress policy",
        "Reject route to destination",
        "Error in Source Routing Header",
    ];
    const EXCEEDED: [&str; 2] = [
        "hop limit exceeded in transit",
        "fragment reassembly time exceeded",
    ];
    const PROBLEM: [&str; 3] = [
        "erroneous header field encountered",
        "unrecognized Next Header type encountered",
        "unrecognized IPv6 option encountered",
    ];
    let names: &[&'static str] = match kind {
        1 => &UNREACHABLE,
        3 => &EXCEEDED,
        4 => &PROBLEM,
        _ => return None,
    };
    names.get(usize::from(code)).copied()
}

const NUMBER: u8 = 58;
const ECHO: u8 = 128;
const ECHO_REPLY: u8 = 129;

/// Dissects an `ICMPv6` message.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, hops: u8) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: CHECKSUM_BAD,
        how: (Severity::Warning, Group::Checksum),
        hint: "",
    };
    walk.columns.set_protocol("ICMPv6");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    let (kind, code) = (region.u8(0)?, region.u8(1)?);
    match v6_type(kind.into()) {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk.columns.set_info(format_args!("Unknown ({kind})")),
    }
    walk.u8(TYPE, &region, 0)?;
    let added = walk
        .tree
        .add(CODE, region.place(1, 1), Value::Uint(code.into()));
    if let Some(name) = code_name(kind, code) {
        walk.tree
            .label(added, format_args!("Code: {code} ({name})"));
        walk.columns.append_info(format_args!(" ({name})"));
    }
    let sent = region.u16(2)?;
    let carrier = walk.carrier;
    let whole = !region.is_cut() && carrier.piece == Piece::Whole && carrier.quoted == Quoted::No;
    let folded = whole.then(|| {
        let len = region.reported() as u32;
        Sum::default()
            .pseudo(carrier.source, carrier.destination, NUMBER, len)
            .add(region.captured())
            .fold()
    });
    walk.checksum(FIELDS, &region, 2, sent, folded);
    let outcome = body(walk, &region, kind, hops);
    if outcome.is_ok() {
        walk.end();
    }
    outcome
}

fn body(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8, hops: u8) -> Result<(), Stop> {
    match kind {
        1 | 3 => {
            walk.bytes(RESERVED, &region.part(4, 4));
            quote(walk, region.rest(8));
        }
        2 => {
            walk.u32(MTU, region, 4)?;
            quote(walk, region.rest(8));
        }
        4 => {
            walk.u32(POINTER, region, 4)?;
            quote(walk, region.rest(8));
        }
        ECHO | ECHO_REPLY => return echo(walk, region, kind, hops),
        130..=132 => {
            let max = region.u16(4)?;
            walk.tree
                .add(MLD_MAX, region.place(4, 2), Value::Uint(max.into()));
            walk.bytes(RESERVED, &region.part(6, 2));
            address(walk, region, MLD_MULTICAST, 8)?;
            if kind == 130 && region.reported() > 24 {
                listener_query(walk, region)?;
            }
        }
        133 => {
            walk.bytes(RESERVED, &region.part(4, 4));
            return options(walk, &region.rest(8));
        }
        134 => {
            router_advertisement(walk, region)?;
            return options(walk, &region.rest(16));
        }
        135 => {
            walk.bytes(RESERVED, &region.part(4, 4));
            let target = address(walk, region, NS_TARGET, 8)?;
            walk.columns
                .append_info(format_args!(" for {}", Ipv6(target)));
            return options(walk, &region.rest(24));
        }
        136 => {
            neighbor_advertisement(walk, region)?;
            return options(walk, &region.rest(24));
        }
        137 => {
            walk.bytes(RESERVED, &region.part(4, 4));
            address(walk, region, RD_TARGET, 8)?;
            address(walk, region, RD_DESTINATION, 24)?;
            return options(walk, &region.rest(40));
        }
        143 => return listener_report(walk, region),
        _ => {
            let rest = region.rest(4);
            if !rest.captured().is_empty() {
                walk.bytes(DATA, &rest);
            }
        }
    }
    Ok(())
}

fn address(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: crate::read::FieldId,
    at: usize,
) -> Result<[u8; 16], Stop> {
    let address = region.array(at)?;
    walk.tree
        .add(field, region.place(at, 16), Value::Ipv6(address));
    Ok(address)
}

/// The packet that an error is about: below the error, and not in the list.
fn quote(walk: &mut Walk<'_, '_>, region: Region<'_>) {
    if region.captured().is_empty() {
        return;
    }
    let columns = std::mem::take(walk.columns);
    let (carrier, base, claimed) = (walk.carrier, walk.base, walk.claimed);
    let (current, depth) = (walk.current, walk.tree.depth());
    walk.carrier.quoted = Quoted::Icmpv6;
    walk.base = depth;
    // That there is no more of it is nobody's fault.
    let _cut = ipv6::dissect(walk, region);
    walk.tree.set_depth(depth);
    (walk.carrier, walk.base, walk.claimed) = (carrier, base, claimed);
    walk.current = current;
    *walk.columns = columns;
}

fn echo(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8, hops: u8) -> Result<(), Stop> {
    let id = walk.u16(IDENTIFIER, region, 4)?;
    let sequence = walk.u16(SEQUENCE, region, 6)?;
    walk.columns.append_info(format_args!(
        " id=0x{id:04x}, seq={sequence}, hop limit={hops}"
    ));
    if walk.carrier.quoted == Quoted::No {
        pair(walk, kind, (id, sequence), region.u16(2)?);
    }
    let rest = region.rest(8);
    if rest.captured().is_empty() {
        return Ok(());
    }
    data::dissect_below(walk, rest)
}

fn pair(walk: &mut Walk<'_, '_>, kind: u8, numbers: (u16, u16), checksum: u16) {
    let hosts = (walk.carrier.source, walk.carrier.destination);
    let less = if kind == ECHO { 0 } else { 0x0100 };
    let echo = Echo::new(hosts, numbers, checksum, less);
    let seen = Seen {
        frame: walk.frame.number,
        time: walk.frame.packet.meta.ts,
    };
    if kind == ECHO {
        if let Some(reply) = walk.memory.echoes.request(echo, seen) {
            walk.tree.add_generated(RESP_IN, Value::Uint(reply));
            walk.columns
                .append_info(format_args!(" (reply in {reply})"));
        } else if walk.memory.echoes.is_complete() {
            walk.tree.add_generated(NO_RESP, Value::None);
            walk.columns
                .append_info(format_args!(" (no response found!)"));
        }
        return;
    }
    if let Some(request) = walk.memory.echoes.reply(echo, seen.frame) {
        walk.tree.add_generated(RESP_TO, Value::Uint(request.frame));
        let ns = seen.time.0.wrapping_sub(request.time.0).cast_signed();
        #[expect(clippy::cast_precision_loss, reason = "shown with three decimals")]
        let ms = ns as f64 / 1e6;
        let added = walk.tree.add_generated(RESPTIME, Value::Double(ms));
        walk.tree
            .label(added, format_args!("Response Time: {ms:.3} ms"));
        walk.columns
            .append_info(format_args!(" (request in {})", request.frame));
    }
}

fn router_advertisement(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    walk.u8(HOP_LIMIT, region, 4)?;
    let flags = region.u8(5)?;
    let place = region.place(5, 1);
    let tree = &mut *walk.tree;
    let added = tree.add(RA_FLAG, place, Value::Uint(flags.into()));
    let name = preference((flags >> 3 & 3).into()).unwrap_or("");
    let words = [
        (0x80, "Managed address configuration, "),
        (0x40, "Other configuration, "),
        (0x20, "Home Agent, "),
    ]
    .map(|(bit, word)| if flags & bit == 0 { "" } else { word });
    let [m, o, h] = words;
    tree.label(
        added,
        format_args!("Flags: {flags:#04x}, {m}{o}{h}Prf (Default Router Preference): {name}"),
    );
    tree.open();
    for (field, mask) in [(RA_FLAG_M, 0x80), (RA_FLAG_O, 0x40), (RA_FLAG_H, 0x20)] {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    }
    tree.add(RA_FLAG_PRF, place, Value::Uint((flags >> 3 & 3).into()));
    tree.add(RA_FLAG_P, place, Value::Bool(flags & 4 != 0));
    tree.add(RA_FLAG_RSV, place, Value::Uint((flags & 3).into()));
    tree.close();
    walk.u16(RA_LIFETIME, region, 6)?;
    walk.u32(RA_REACHABLE, region, 8)?;
    walk.u32(RA_RETRANS, region, 12)?;
    Ok(())
}

fn neighbor_advertisement(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let flags = region.u32(4)?;
    let place = region.place(4, 4);
    let bits = [
        (NA_FLAG_R, 0x8000_0000_u32, ", Router", "rtr"),
        (NA_FLAG_S, 0x4000_0000, ", Solicited", "sol"),
        (NA_FLAG_O, 0x2000_0000, ", Override", "ovr"),
    ];
    let tree = &mut *walk.tree;
    let added = tree.add(NA_FLAG, place, Value::Uint(flags.into()));
    let [r, s, o] = bits.map(|(_, bit, word, _)| if flags & bit == 0 { "" } else { word });
    tree.label(added, format_args!("Flags: {flags:#010x}{r}{s}{o}"));
    tree.open();
    for (field, bit, ..) in bits {
        tree.add(field, place, Value::Bool(flags & bit != 0));
    }
    tree.add(
        NA_FLAG_RSV,
        place,
        Value::Uint((flags & 0x1fff_ffff).into()),
    );
    tree.close();
    let target = address(walk, region, NA_TARGET, 8)?;
    walk.columns.append_info(format_args!(" {}", Ipv6(target)));
    let mut between = " (";
    for (_, bit, _, short) in bits {
        if flags & bit != 0 {
            walk.columns.append_info(format_args!("{between}{short}"));
            between = ", ";
        }
    }
    if between != " (" {
        walk.columns.append_info(format_args!(")"));
    }
    Ok(())
}

/// Options of neighbor discovery (RFC 4861 section 4.6, RFC 8106).
fn options(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let mut at = 0;
    while at + 2 <= region.reported() {
        let (kind, units) = (region.u8(at)?, region.u8(at + 1)?);
        let len = usize::from(units) * 8;
        let part = region.part(at, len.max(2));
        let name = option(kind.into()).unwrap_or("Unknown");
        let added = walk.tree.add(OPT, part.place(0, len), Value::None);
        walk.tree
            .label(added, format_args!("ICMPv6 Option ({name})"));
        walk.tree.open();
        walk.u8(OPT_TYPE, &part, 0)?;
        let node = walk
            .tree
            .add(OPT_LENGTH, part.place(1, 1), Value::Uint(units.into()));
        walk.tree
            .label(node, format_args!("Length: {units} ({len} bytes)"));
        if len == 0 {
            walk.tree.close();
            return Ok(());
        }
        one_option(walk, &part, kind, added)?;
        walk.tree.close();
        at += len;
    }
    Ok(())
}

fn one_option(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    kind: u8,
    added: crate::read::tree::Added,
) -> Result<(), Stop> {
    let len = part.reported();
    match kind {
        1 | 2 if len == 8 => {
            let address: [u8; 6] = part.array(2)?;
            walk.tree
                .add(OPT_LINKADDR, part.place(2, 6), Value::Ether(address));
            let whose = if kind == 1 {
                OPT_SRC_LINKADDR
            } else {
                OPT_TARGET_LINKADDR
            };
            walk.tree
                .add_hidden(whose, part.place(2, 6), Value::Ether(address));
            let names = walk.preferences.names;
            let name = option(kind.into()).unwrap_or("");
            walk.tree.label(
                added,
                format_args!("ICMPv6 Option ({name} : {})", Ether(address)),
            );
            let shown = Named { address, names };
            let word = if kind == 1 { "from" } else { "is at" };
            match names {
                Names::Vendors | Names::Numbers => walk
                    .columns
                    .append_info(format_args!(" {word} {}", Ether(shown.address))),
            }
        }
        3 if len == 32 => {
            prefix(walk, part, added)?;
        }
        5 if len == 8 => {
            walk.tree.add(OPT_RESERVED, part.place(2, 2), Value::None);
            let mtu = walk.u32(OPT_MTU, part, 4)?;
            walk.tree
                .label(added, format_args!("ICMPv6 Option (MTU : {mtu})"));
        }
        14 => {
            walk.bytes(OPT_NONCE, &part.rest(2));
        }
        25 => {
            walk.tree.add(OPT_RESERVED, part.place(2, 2), Value::None);
            walk.u32(OPT_RDNSS_LIFETIME, part, 4)?;
            for at in (8..len).step_by(16) {
                address(walk, part, OPT_RDNSS, at)?;
            }
        }
        _ => {
            walk.bytes(DATA, &part.rest(2));
        }
    }
    Ok(())
}

fn prefix(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    added: crate::read::tree::Added,
) -> Result<(), Stop> {
    let bits = walk.u8(OPT_PREFIX_LENGTH, part, 2)?;
    let flags = part.u8(3)?;
    let place = part.place(3, 1);
    let tree = &mut *walk.tree;
    let node = tree.add(OPT_PREFIX_FLAG, place, Value::Uint(flags.into()));
    let fields = [
        (OPT_PREFIX_FLAG_L, 0x80, ", On-link flag(L)"),
        (
            OPT_PREFIX_FLAG_A,
            0x40,
            ", Autonomous address-configuration flag(A)",
        ),
        (OPT_PREFIX_FLAG_R, 0x20, ", Router address flag(R)"),
    ];
    let [l, a, r] = fields.map(|(_, bit, word)| if flags & bit == 0 { "" } else { word });
    tree.label(node, format_args!("Flag: {flags:#04x}{l}{a}{r}"));
    tree.open();
    for (field, bit, _) in fields {
        tree.add(field, place, Value::Bool(flags & bit != 0));
    }
    tree.add(
        OPT_PREFIX_FLAG_RESERVED,
        place,
        Value::Uint((flags & 0x1f).into()),
    );
    tree.close();
    for (field, at) in [(OPT_PREFIX_VALID, 4), (OPT_PREFIX_PREFERRED, 8)] {
        let secs = part.u32(at)?;
        let node = walk
            .tree
            .add(field, part.place(at, 4), Value::Uint(secs.into()));
        let title = field.field().title;
        if secs == u32::MAX {
            walk.tree
                .label(node, format_args!("{title}: Infinity ({secs})"));
        } else {
            walk.tree.label(node, format_args!("{title}: {secs}"));
        }
    }
    walk.tree.add(OPT_RESERVED, part.place(12, 4), Value::None);
    let prefix = address(walk, part, OPT_PREFIX, 16)?;
    walk.tree.label(
        added,
        format_args!(
            "ICMPv6 Option (Prefix information : {}/{bits})",
            Ipv6(prefix)
        ),
    );
    Ok(())
}

fn listener_query(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let flags = region.u8(24)?;
    let place = region.place(24, 1);
    walk.tree.add(MLD_FLAG, place, Value::Uint(flags.into()));
    walk.tree.open();
    walk.tree
        .add(MLD_FLAG_S, place, Value::Bool(flags & 8 != 0));
    walk.tree
        .add(MLD_FLAG_QRV, place, Value::Uint((flags & 7).into()));
    walk.tree.close();
    walk.u8(MLD_QQI, region, 25)?;
    let count = walk.u16(MLD_NB_SOURCES, region, 26)?;
    for source in 0..usize::from(count) {
        address(walk, region, MLD_SOURCE, 28 + 16 * source)?;
    }
    Ok(())
}

fn listener_report(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    walk.bytes(RESERVED, &region.part(4, 2));
    let count = walk.u16(MLDR_COUNT, region, 6)?;
    let mut at = 8;
    for _ in 0..count {
        let (kind, aux) = (region.u8(at)?, region.u8(at + 1)?);
        let sources = usize::from(region.u16(at + 2)?);
        let group: [u8; 16] = region.array(at + 4)?;
        let len = 20 + 16 * sources + 4 * usize::from(aux);
        let added = walk
            .tree
            .add(MLDR_RECORD, region.place(at, len), Value::None);
        let name = record_name(kind.into()).unwrap_or("Unknown");
        walk.tree.label(
            added,
            format_args!("Multicast Address Record {name}: {}", Ipv6(group)),
        );
        walk.tree.open();
        walk.u8(MLDR_TYPE, region, at)?;
        walk.u8(MLDR_AUX_LEN, region, at + 1)?;
        walk.u16(MLDR_NB_SOURCES, region, at + 2)?;
        address(walk, region, MLDR_ADDRESS, at + 4)?;
        for source in 0..sources {
            address(walk, region, MLDR_SOURCE, at + 20 + 16 * source)?;
        }
        walk.tree.close();
        at += len;
    }
    Ok(())
}
