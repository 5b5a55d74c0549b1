//! `ICMPv6` (RFC 4443), with neighbor discovery (RFC 4861) and multicast listeners (RFC 2710, 3810).
//!
//! - `options.rs` options of neighbor discovery

mod options;

use std::borrow::Cow;

use super::checksum::{self, Sum};
use super::expert::{Group, Severity};
use super::icmp::echo::{Pairing, Part};
use super::icmp::pairs::Echo;
use super::icmp::{self, extension};
use super::names::icmp::{option, v6_type};
use super::names::ip::checksum_status;
use super::names::{pick, set};
use super::{data, ipv6};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::Ipv6;
use crate::read::tree::{Added, Value};
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
    MLD_CODE: "icmpv6.mld.maximum_response_code", "Maximum Response Code", Uint(16), Dec;
    MLD_MULTICAST: "icmpv6.mld.multicast_address", "Multicast Address", Ipv6;
    MLD_FLAG: "icmpv6.mld.flag", "Flags", Uint(8), Hex;
    MLD_FLAG_S: "icmpv6.mld.flag.s", "Suppress Router-Side Processing", Bool, None, mask = 0x08, names = set;
    MLD_FLAG_QRV: "icmpv6.mld.flag.qrv", "QRV (Querier's Robustness Variable)", Uint(8), Dec, mask = 0x07;
    MLD_FLAG_RESERVED: "icmpv6.mld.flag.reserved", "Reserved", Uint(8), Dec, mask = 0xf0;
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
    MLDR_AUX: "icmpv6.mldr.mar.auxiliary_data", "Auxiliary Data", Bytes;
    LENGTH: "icmpv6.length", "Length of original datagram", Uint(8), Dec;
    PROBE_SEQ: "icmpv6.ext.echo.seq", "Sequence number", Uint(8), DecHex;
    PROBE_RESERVED: "icmpv6.ext.echo.req.res", "Reserved", Uint(8), Hex, mask = 0xfe;
    PROBE_LOCAL: "icmpv6.ext.echo.req.local", "Local bit", Bool, None, mask = 0x01, names = set;
    PROBED_STATE: "icmpv6.ext.echo.rsp.state", "State", Uint(8), Dec, mask = 0xe0, names = icmp::names::state;
    PROBED_RESERVED: "icmpv6.ext.echo.rsp.res", "Reserved", Uint(8), Hex, mask = 0x18;
    PROBED_ACTIVE: "icmpv6.ext.echo.rsp.active", "Active bit", Bool, None, mask = 0x04, names = set;
    PROBED_IPV4: "icmpv6.ext.echo.rsp.ipv4", "IPv4 bit", Bool, None, mask = 0x02, names = set;
    PROBED_IPV6: "icmpv6.ext.echo.rsp.ipv6", "IPv6 bit", Bool, None, mask = 0x01, names = set;
    OPT_HARDWARE: "icmpv6.opt.linkaddr", "Link-layer address", Bytes;
    OPT_SRC_HARDWARE: "icmpv6.opt.src_linkaddr", "Source Link-layer address", Bytes;
    OPT_TARGET_HARDWARE: "icmpv6.opt.target_linkaddr", "Target Link-layer address", Bytes;
    OPT_REDIRECTED: "icmpv6.opt.redirected_packet", "Redirected Packet", None;
    OPT_INTERVAL: "icmpv6.opt.advertisement_interval", "Advertisement Interval", Uint(32), Dec;
    OPT_AGENT_PREFERENCE: "icmpv6.opt.home_agent_preference", "Home Agent Preference", Uint(16), Dec;
    OPT_AGENT_LIFETIME: "icmpv6.opt.home_agent_lifetime", "Home Agent Preference", Uint(16), Dec;
    OPT_ROUTE_FLAG: "icmpv6.opt.route_info.flag", "Flag", Uint(8), Hex;
    OPT_ROUTE_PREFERENCE: "icmpv6.opt.route_info.flag.route_preference", "Route Preference", Uint(8), Dec, mask = 0x18, names = preference;
    OPT_ROUTE_RESERVED: "icmpv6.opt.route_info.flag.reserved", "Reserved", Uint(8), Dec, mask = 0xe7;
    OPT_ROUTE_LIFETIME: "icmpv6.opt.route_lifetime", "Route Lifetime", Uint(32), Dec;
    OPT_DNSSL_LIFETIME: "icmpv6.opt.dnssl.lifetime", "Lifetime", Uint(32), Dec;
    OPT_DNSSL: "icmpv6.opt.dnssl", "Domain Names", String;
    OPT_PADDING: "icmpv6.opt.padding", "Padding", None;
    OPT_PORTAL: "icmpv6.opt.captive_portal", "Captive Portal", String;
    UNKNOWN_DATA: "icmpv6.unknown_data", "Unknown Data", Bytes;
    OPT_INVALID: "icmpv6.invalid_option_length", "Invalid Option Length", None;
    OPT_UNDECODED: "icmpv6.undecoded.option", "Undecoded option", None;
    UNKNOWN: "icmpv6.unknown_data.expert", "Unknown Data (not interpreted)", None;
    UNDECODED: "icmpv6.undecoded.type", "Undecoded type", None;
    RESP_NOT_FOUND: "icmpv6.resp_not_found", "Response not found", None;
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
fn code_name(kind: u8, code: u8) -> Option<Cow<'static, str>> {
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
    const PROBLEM: [&str; 4] = [
        "erroneous header field encountered",
        "unrecognized Next Header type encountered",
        "unrecognized IPv6 option encountered",
        "IPv6 First Fragment has incomplete IPv6 Header Chain",
    ];
    const PROBED: [&str; 5] = [
        "No error",
        "Malformed Query",
        "No Such Interface",
        "No Such Table Entry",
        "Multiple Interfaces Satisfy Query",
    ];
    const SUBJECTS: [&str; 3] = [
        "Query subject = IPv6 addresses",
        "Query subject = DNS name or empty",
        "Query subject = IPv4 addresses",
    ];
    const ANSWERS: [&str; 3] = ["Successful", "Refused", "Unknown query type"];
    if let (138, 255) = (kind, code) {
        return Some("Sequence number reset".into());
    }
    if kind == 155 {
        let name = routing_name(code).map_or_else(|| format!("Unknown ({code})").into(), Cow::from);
        return Some(name);
    }
    let names: &[&'static str] = match kind {
        138 => &["Command", "Result"],
        139 => &SUBJECTS,
        140 => &ANSWERS,
        1 => &UNREACHABLE,
        3 => &EXCEEDED,
        4 => &PROBLEM,
        160 => &PROBED[..1],
        161 => &PROBED,
        _ => return None,
    };
    Some(match names.get(usize::from(code)) {
        Some(name) => (*name).into(),
        None if kind == 1 => "Unknown".into(),
        None => format!("Unknown ({code})").into(),
    })
}

/// What a message of routing in networks of low power says (RFC 6550 section 6, RFC 6997 section 8).
const fn routing_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x00 => "DODAG Information Solicitation",
        0x01 => "DODAG Information Object",
        0x02 => "Destination Advertisement Object",
        0x03 => "Destination Advertisement Object Acknowledgment",
        0x04 => "P2P Discovery Reply Object",
        0x05 => "P2P Discovery Reply Object Acknowledgement",
        0x80 => "Secure DODAG Information Solicitation",
        0x81 => "Secure DODAG Information Object",
        0x82 => "Secure Destination Advertisement Object",
        0x83 => "Secure Destination Advertisement Object Acknowledgment",
        0x84 => "P2P Secure Discovery Reply Object",
        0x85 => "P2P Secure Discovery Reply Object Acknowledgement",
        0x8a => "Consistency Check",
        _ => return None,
    })
}

const NUMBER: u8 = 58;
const ECHO: u8 = 128;
const ECHO_REPLY: u8 = 129;

/// Dissects an `ICMPv6` message.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    hops: Option<u8>,
) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: CHECKSUM_BAD,
        how: (Severity::Warning, Group::Checksum),
        hint: "",
        zero: 0,
    };
    walk.columns.set_protocol("ICMPv6");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    let kind = region.u8(0)?;
    match v6_type(kind.into()) {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk.columns.set_info(format_args!("Unknown ({kind})")),
    }
    let type_node = walk
        .tree
        .add(TYPE, region.place(0, 1), Value::Uint(kind.into()));
    let code = region.u8(1)?;
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
    let (added, _) = walk.checksum(FIELDS, &region, 2, sent, folded);
    if !whole {
        let why = if carrier.quoted == Quoted::No {
            "fragmented datagram"
        } else {
            "in ICMP error packet"
        };
        walk.tree.label(
            added,
            format_args!("Checksum: {sent:#06x} [unverified] [{why}]"),
        );
    }
    let outcome = body(walk, &region, kind, (hops, type_node));
    if outcome.is_ok() {
        walk.end();
    }
    outcome
}

fn body(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u8,
    (hops, type_node): (Option<u8>, Added),
) -> Result<(), Stop> {
    match kind {
        1 | 3 => {
            let units = usize::from(region.u8(4)?);
            if units > 0 {
                walk.u8(LENGTH, region, 4)?;
                reserved(walk, region, 5, 3)?;
            } else {
                reserved(walk, region, 4, 4)?;
            }
            quote(walk, region.from(8)?)?;
            if units > 0 {
                // The objects are a dissector of their own there.
                walk.protocols.push(icmp::THIS.protocol);
                extension::dissect(walk, &region.from(8 + 8 * units)?)?;
            }
        }
        2 => {
            walk.u32(MTU, region, 4)?;
            quote(walk, region.from(8)?)?;
        }
        4 => {
            walk.u32(POINTER, region, 4)?;
            quote(walk, region.from(8)?)?;
        }
        ECHO | ECHO_REPLY => return echo(walk, region, kind, hops),
        130 if region.captured().len() >= 28 => listener_query(walk, region)?,
        130..=132 => {
            walk.u16(MLD_MAX, region, 4)?;
            reserved(walk, region, 6, 2)?;
            address(walk, region, MLD_MULTICAST, 8)?;
        }
        133 | 141 | 142 => {
            reserved(walk, region, 4, 4)?;
            return options::dissect(walk, &region.rest(8));
        }
        134 => {
            router_advertisement(walk, region)?;
            return options::dissect(walk, &region.rest(16));
        }
        135 => {
            reserved(walk, region, 4, 4)?;
            let target = address(walk, region, NS_TARGET, 8)?;
            walk.columns
                .append_info(format_args!(" for {}", Ipv6(target)));
            return options::dissect(walk, &region.rest(24));
        }
        136 => {
            neighbor_advertisement(walk, region)?;
            return options::dissect(walk, &region.rest(24));
        }
        137 => {
            reserved(walk, region, 4, 4)?;
            address(walk, region, RD_TARGET, 8)?;
            address(walk, region, RD_DESTINATION, 24)?;
            return options::dissect(walk, &region.rest(40));
        }
        143 => return listener_report(walk, region),
        160 | 161 => probe(walk, region, kind)?,
        _ => {
            walk.expert(
                type_node,
                UNDECODED,
                (Severity::Note, Group::Undecoded),
                format_args!(
                    "Dissector for ICMPv6 Type ({kind}) code not implemented, Contact Wireshark developers if you want this supported"
                ),
            );
            region.slice(4, 1)?;
            walk.bytes(DATA, &region.rest(4));
        }
    }
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

/// A question about an interface, or the answer (RFC 8335).
fn probe(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8) -> Result<(), Stop> {
    walk.u16(IDENTIFIER, region, 4)?;
    walk.u8(PROBE_SEQ, region, 6)?;
    let bits = region.u8(7)?;
    let place = region.place(7, 1);
    let tree = &mut *walk.tree;
    if kind == 160 {
        tree.add(PROBE_RESERVED, place, Value::Uint((bits >> 1).into()));
        tree.add(PROBE_LOCAL, place, Value::Bool(bits & 1 != 0));
        let objects = region.from(8)?;
        walk.protocols.push(icmp::THIS.protocol);
        return extension::dissect(walk, &objects);
    }
    tree.add(PROBED_STATE, place, Value::Uint((bits >> 5).into()));
    tree.add(PROBED_RESERVED, place, Value::Uint((bits >> 3 & 3).into()));
    for (field, bit) in [(PROBED_ACTIVE, 4), (PROBED_IPV4, 2), (PROBED_IPV6, 1)] {
        tree.add(field, place, Value::Bool(bits & bit != 0));
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
fn quote(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if region.u8(0)? >> 4 != 6 {
        return data::dissect_below(walk, region);
    }
    let columns = std::mem::take(walk.columns);
    let (carrier, base, claimed) = (walk.carrier, walk.base, walk.claimed);
    let (current, depth) = (walk.current, walk.tree.depth());
    walk.carrier.quoted = Quoted::Icmpv6;
    walk.base = depth;
    let outcome = ipv6::dissect(walk, region);
    walk.tree.set_depth(depth);
    (walk.carrier, walk.base, walk.claimed) = (carrier, base, claimed);
    walk.current = current;
    *walk.columns = columns;
    match outcome {
        // That there is no more of it is nobody's fault.
        Err(Stop::Malformed) | Ok(()) => Ok(()),
        Err(stop) => {
            walk.current = ipv6::THIS;
            Err(stop)
        }
    }
}

fn echo(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u8,
    hops: Option<u8>,
) -> Result<(), Stop> {
    let id = walk.u16(IDENTIFIER, region, 4)?;
    let sequence = walk.u16(SEQUENCE, region, 6)?;
    walk.columns
        .append_info(format_args!(" id=0x{id:04x}, seq={sequence}"));
    if let Some(hops) = hops {
        walk.columns.append_info(format_args!(", hop limit={hops}"));
    }
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
    const PAIRING: Pairing = Pairing {
        reply: RESP_IN,
        request: RESP_TO,
        time: RESPTIME,
        time_title: "Response Time",
        none: NO_RESP,
        not_found: RESP_NOT_FOUND,
        protocol: "ICMPv6",
    };
    let hosts = (walk.carrier.source, walk.carrier.destination);
    let (part, less) = if kind == ECHO {
        (Part::Request, 0)
    } else {
        (Part::Reply, 0x0100)
    };
    let echo = Echo::new(hosts, numbers, checksum, less);
    icmp::echo::pair(walk, echo, part, &PAIRING);
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
        (0x04, ", Proxy"),
    ]
    .map(|(bit, word)| if flags & bit == 0 { "" } else { word });
    let [m, o, h, p] = words;
    tree.label(
        added,
        format_args!("Flags: {flags:#04x}, {m}{o}{h}Prf (Default Router Preference): {name}{p}"),
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
    let end = if between == " (" { " (none)" } else { ")" };
    walk.columns.append_info(format_args!("{end}"));
    Ok(())
}

/// A number in the form of a floating point number (RFC 3810 section 5.1.3 and 5.1.9).
const fn exponential(code: u32, bits: u32) -> u32 {
    if code >> (bits + 3) == 0 {
        return code;
    }
    let mantissa = code & ((1 << bits) - 1) | 1 << bits;
    mantissa << ((code >> bits & 7) + 3)
}

fn listener_query(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let max = exponential(region.u16(4)?.into(), 12);
    walk.tree
        .add(MLD_CODE, region.place(4, 2), Value::Uint(max.into()));
    reserved(walk, region, 6, 2)?;
    address(walk, region, MLD_MULTICAST, 8)?;
    let flags = region.u8(24)?;
    let place = region.place(24, 1);
    let added = walk.tree.add(MLD_FLAG, place, Value::Uint(flags.into()));
    if flags & 8 != 0 {
        walk.tree.label(
            added,
            format_args!("Flags: {flags:#04x}, Suppress Router-Side Processing"),
        );
    }
    walk.tree.open();
    walk.tree
        .add(MLD_FLAG_S, place, Value::Bool(flags & 8 != 0));
    walk.tree
        .add(MLD_FLAG_QRV, place, Value::Uint((flags & 7).into()));
    walk.tree
        .add(MLD_FLAG_RESERVED, place, Value::Uint((flags >> 4).into()));
    walk.tree.close();
    let interval = exponential(region.u8(25)?.into(), 4);
    walk.tree
        .add(MLD_QQI, region.place(25, 1), Value::Uint(interval.into()));
    let count = walk.u16(MLD_NB_SOURCES, region, 26)?;
    for source in 0..usize::from(count) {
        address(walk, region, MLD_SOURCE, 28 + 16 * source)?;
    }
    Ok(())
}

fn listener_report(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    reserved(walk, region, 4, 2)?;
    walk.u16(MLDR_COUNT, region, 6)?;
    let mut at = 8;
    // As many as there is room for, whatever is said of their number.
    while at < region.reported() {
        // At least its type is there.
        region.u8(at)?;
        let left = region.captured().len() - at;
        let added = walk
            .tree
            .add(MLDR_RECORD, region.place(at, left), Value::None);
        walk.tree.open();
        let kind = walk.u8(MLDR_TYPE, region, at)?;
        let aux = walk.u8(MLDR_AUX_LEN, region, at + 1)?;
        let sources = usize::from(walk.u16(MLDR_NB_SOURCES, region, at + 2)?);
        let len = 20 + 16 * sources + 4 * usize::from(aux);
        let group: [u8; 16] = region.array(at + 4)?;
        address(walk, region, MLDR_ADDRESS, at + 4)?;
        let group = Ipv6(group);
        match record_name(kind.into()) {
            Some(name) => walk.tree.label(
                added,
                format_args!("Multicast Address Record {name}: {group}"),
            ),
            None => walk.tree.label(
                added,
                format_args!("Multicast Address Record Unknown Record Type ({kind}): {group}"),
            ),
        }
        for source in 0..sources {
            address(walk, region, MLDR_SOURCE, at + 20 + 16 * source)?;
        }
        if aux > 0 {
            let aux_len = 4 * usize::from(aux);
            region.slice(at + len - aux_len, aux_len)?;
            walk.bytes(MLDR_AUX, &region.part(at + len - aux_len, aux_len));
        }
        walk.tree.set_len(added, len as u32);
        walk.tree.close();
        at += len;
    }
    Ok(())
}
