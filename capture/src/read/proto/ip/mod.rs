//! IPv4 (RFC 791; Wireshark's `packet-ip.c`).
//!
//! - `services.rs` the byte that was the type of service
//! - `options.rs` options; `security.rs` those about secrets
//! - `protocols.rs` who takes what a packet carries

mod options;
mod protocols;
mod security;
mod services;

use std::fmt;

pub(crate) use protocols::dissect as dissect_protocol;
pub(crate) use services::{UNKNOWN_CODEPOINT, short_codepoint, short_congestion};

use super::checksum::{self, Status, Sum};
use super::data;
use super::expert::{Group, Severity};
use super::fragments::{self, Fragment};
use super::ipv6;
use super::names::ip::{checksum_status, codepoint, congestion, protocol as protocol_name};
use super::names::set;
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::Bits;
use crate::read::tree::{Added, Value};
use crate::read::walk::{Carrier, Piece, Quoted, Walk};

protocol! {
    6, "ip", "IPv4", "Internet Protocol Version 4";
    VERSION: "ip.version", "Version", Uint(8), Dec;
    HDR_LEN: "ip.hdr_len", "Header Length", Uint(8), Dec;
    DSFIELD: "ip.dsfield", "Differentiated Services Field", Uint(8), Hex;
    DSCP: "ip.dsfield.dscp", "Differentiated Services Codepoint", Uint(8), Dec, mask = 0xfc, names = codepoint;
    ECN: "ip.dsfield.ecn", "Explicit Congestion Notification", Uint(8), Dec, mask = 0x03, names = congestion;
    LEN: "ip.len", "Total Length", Uint(16), Dec;
    ID: "ip.id", "Identification", Uint(16), HexDec;
    FLAGS: "ip.flags", "Flags", Uint(8), Hex, mask = 0xe0;
    RB: "ip.flags.rb", "Reserved bit", Bool, None, mask = 0x80, names = set;
    DF: "ip.flags.df", "Don't fragment", Bool, None, mask = 0x40, names = set;
    MF: "ip.flags.mf", "More fragments", Bool, None, mask = 0x20, names = set;
    FRAG_OFFSET: "ip.frag_offset", "Fragment Offset", Uint(16), Dec, mask = 0x1fff;
    TTL: "ip.ttl", "Time to Live", Uint(8), Dec;
    PROTO: "ip.proto", "Protocol", Uint(8), Dec, names = protocol_name;
    CHECKSUM: "ip.checksum", "Header Checksum", Uint(16), Hex;
    CHECKSUM_CALCULATED: "ip.checksum_calculated", "Calculated Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "ip.checksum.status", "Header checksum status", Uint(8), Dec, names = checksum_status;
    SRC: "ip.src", "Source Address", Ipv4;
    SRC_HOST: "ip.src_host", "Source Host", String;
    DST: "ip.dst", "Destination Address", Ipv4;
    DST_HOST: "ip.dst_host", "Destination Host", String;
    ADDR: "ip.addr", "Source or Destination Address", Ipv4;
    HOST: "ip.host", "Source or Destination Host", String;
    TOS: "ip.tos", "Type of Service", Uint(8), Dec;
    TOS_PRECEDENCE: "ip.tos.precedence", "Precedence", Uint(8), Dec, mask = 0xe0, names = services::precedence;
    TOS_DELAY: "ip.tos.delay", "Delay", Bool, None, mask = 0x10, names = services::delay;
    TOS_THROUGHPUT: "ip.tos.throughput", "Throughput", Bool, None, mask = 0x08, names = services::high;
    TOS_RELIABILITY: "ip.tos.reliability", "Reliability", Bool, None, mask = 0x04, names = services::high;
    TOS_COST: "ip.tos.cost", "Cost", Bool, None, mask = 0x02, names = services::cost;
    SF: "ip.flags.sf", "Security flag", Bool, None, mask = 0x80, names = services::evil;
    OPT_TYPE: "ip.opt.type", "Type", Uint(8), Dec;
    OPT_COPY: "ip.opt.type.copy", "Copy on fragmentation", Bool, None, mask = 0x80, names = options::yes;
    OPT_CLASS: "ip.opt.type.class", "Class", Uint(8), Dec, mask = 0x60, names = options::class;
    OPT_NUMBER: "ip.opt.type.number", "Number", Uint(8), Dec, mask = 0x1f, names = options::number;
    OPT_LEN: "ip.opt.len", "Length", Uint(8), Dec;
    OPT_PTR: "ip.opt.ptr", "Pointer", Uint(8), Dec;
    OPT_SID: "ip.opt.sid", "Stream Identifier", Uint(16), Dec;
    OPT_MTU: "ip.opt.mtu", "MTU", Uint(16), Dec;
    OPT_ID_NUMBER: "ip.opt.id_number", "ID Number", Uint(16), Dec;
    OPT_OHC: "ip.opt.ohc", "Outbound Hop Count", Uint(16), Dec;
    OPT_RHC: "ip.opt.rhc", "Return Hop Count", Uint(16), Dec;
    OPT_ORIGINATOR: "ip.opt.originator", "Originator IP Address", Ipv4;
    OPT_RA: "ip.opt.ra", "Router Alert", Uint(16), Dec, names = options::alert;
    OPT_ADDR: "ip.opt.addr", "IP Address", Ipv4;
    OPT_PADDING: "ip.opt.padding", "Padding", Bytes;
    OPT_QS_FUNC: "ip.opt.qs_func", "Function", Uint(8), Dec, mask = 0xf0, names = options::quick_start;
    OPT_QS_RATE: "ip.opt.qs_rate", "Rate", Uint(8), Dec, mask = 0x0f, names = options::quick_start_rate;
    OPT_QS_TTL: "ip.opt.qs_ttl", "QS TTL", Uint(8), Dec;
    OPT_QS_TTL_DIFF: "ip.opt.qs_ttl_diff", "TTL Diff", Uint(8), Dec;
    OPT_QS_UNUSED: "ip.opt.qs_unused", "Not Used", Uint(8), Dec;
    OPT_QS_NONCE: "ip.opt.qs_nonce", "QS Nonce", Uint(32), Hex, mask = 0xffff_fffc;
    OPT_QS_RESERVED: "ip.opt.qs_reserved", "Reserved", Uint(32), Hex, mask = 0x3;
    OPT_SECURITY: "ip.opt.sec_rfc791_sec", "Security", Uint(16), Hex, names = security::level;
    OPT_COMPARTMENTS: "ip.opt.sec_rfc791_comp", "Compartments", Uint(16), Dec;
    OPT_HANDLING: "ip.opt.sec_rfc791_hr", "Handling Restrictions", String;
    OPT_CONTROL_CODE: "ip.opt.sec_rfc791_tcc", "Transmission Control Code", String;
    OPT_CLASSIFICATION: "ip.opt.sec_cl", "Classification Level", Uint(8), Hex, names = security::classification;
    OPT_AUTHORITIES: "ip.opt.sec_prot_auth_flags", "Protection Authority Flags", Uint(8), Hex;
    OPT_GENSER: "ip.opt.sec_prot_auth_genser", "GENSER", Bool, None, mask = 0x80, names = security::protected;
    OPT_SIOP_ESI: "ip.opt.sec_prot_auth_siop_esi", "SIOP-ESI", Bool, None, mask = 0x40, names = security::protected;
    OPT_SCI: "ip.opt.sec_prot_auth_sci", "SCI", Bool, None, mask = 0x20, names = security::protected;
    OPT_NSA: "ip.opt.sec_prot_auth_nsa", "NSA", Bool, None, mask = 0x10, names = security::protected;
    OPT_DOE: "ip.opt.sec_prot_auth_doe", "DOE", Bool, None, mask = 0x08, names = security::protected;
    OPT_UNASSIGNED: "ip.opt.sec_prot_auth_unassigned", "Unassigned", Uint(8), Hex, mask = 0x06;
    OPT_UNASSIGNED_LATER: "ip.opt.sec_prot_auth_unassigned", "Unassigned", Uint(8), Hex, mask = 0xfe;
    OPT_TERMINATION: "ip.opt.sec_prot_auth_fti", "Field Termination Indicator", Bool, None, mask = 0x01, names = security::termination;
    OPT_FORMAT_CODE: "ip.opt.ext_sec_add_sec_info_format_code", "Additional Security Info Format Code", Uint(8), Hex;
    OPT_ADDITIONAL: "ip.opt.ext_sec_add_sec_info", "Additional Security Info", Bytes;
    REC_RT: "ip.rec_rt", "Recorded Route", Ipv4;
    REC_RT_HOST: "ip.rec_rt_host", "Recorded Route Host", String;
    CUR_RT: "ip.cur_rt", "Current Route", Ipv4;
    CUR_RT_HOST: "ip.cur_rt_host", "Current Route Host", String;
    SRC_RT: "ip.src_rt", "Source Route", Ipv4;
    SRC_RT_HOST: "ip.src_rt_host", "Source Route Host", String;
    EMPTY_RT: "ip.empty_rt", "Empty Route", Ipv4;
    EMPTY_RT_HOST: "ip.empty_rt_host", "Empty Route Host", String;
    CIPSO_TAG_TYPE: "ip.cipso.tag_type", "Tag Type", Uint(8), Dec, names = security::tag;
    CIPSO_DOI: "ip.cipso.doi", "DOI", Uint(32), Dec;
    CIPSO_LEVEL: "ip.cipso.sensitivity_level", "Sensitivity Level", Uint(8), Dec;
    CIPSO_CATEGORIES: "ip.cipso.categories", "Categories", String;
    CIPSO_DATA: "ip.cipso.tag_data", "Tag data", Bytes;
    OPT_OVERFLOW: "ip.opt.overflow", "Overflow", Uint(8), Dec, mask = 0xf0;
    OPT_FLAG: "ip.opt.flag", "Flag", Uint(8), Hex, mask = 0x0f, names = options::time_flag;
    OPT_TIME: "ip.opt.time_stamp", "Time stamp", Uint(32), Dec;
    OPT_TIME_ADDR: "ip.opt.time_stamp_addr", "Address", Ipv4;
    OPT_LEN_INVALID: "ip.opt.len.invalid", "Invalid length for option", None;
    OPT_BEFORE: "ip.opt.ptr.before_address", "Pointer points before first address", None;
    OPT_MIDDLE: "ip.opt.ptr.middle_address", "Pointer points to middle of address", None;
    OPT_TOO_LONG: "ip.subopt_too_long", "Suboption would go past end of option", None;
    CIPSO_MALFORMED: "ip.cipso.malformed", "Malformed CIPSO tag", None;
    EVIL: "ip.evil_packet", "Packet has evil intent", None;
    EOL_OPTION: "ip.options.eol", "IP Option - End of Options List (EOL)", Bytes;
    NOP_OPTION: "ip.options.nop", "IP Option - No-Operation (NOP)", Bytes;
    SECURITY_OPTION: "ip.options.security", "IP Option - Security", Bytes;
    LOOSE_OPTION: "ip.options.route", "IP Option - Loose Source Route", Bytes;
    TIME_OPTION: "ip.options.timestamp", "IP Option - Time Stamp", Bytes;
    EXTENDED_OPTION: "ip.options.ext_security", "IP Option - Extended Security", Bytes;
    CIPSO_OPTION: "ip.options.cipso", "IP Option - Commercial Security", Bytes;
    RECORD_OPTION: "ip.options.record_route", "IP Option - Record Route", Bytes;
    SID_OPTION: "ip.options.sid", "IP Option - Stream ID", Bytes;
    STRICT_OPTION: "ip.options.source_route", "IP Option - Strict Source Route", Bytes;
    MTU_PROBE_OPTION: "ip.options.mtu_probe", "IP Option - MTU Probe", Bytes;
    MTU_REPLY_OPTION: "ip.options.mtu_reply", "IP Option - MTU Reply", Bytes;
    TRACEROUTE_OPTION: "ip.options.traceroute", "IP Option - Traceroute", Bytes;
    ALERT_OPTION: "ip.options.routeralert", "IP Option - Router Alert", Bytes;
    BROADCAST_OPTION: "ip.options.sdb", "IP Option - Selective Directed Broadcast", Bytes;
    QUICK_START_OPTION: "ip.options.qs", "IP Option - Quick-Start", Bytes;
    FRAGMENTS: "ip.fragments", "IPv4 Fragments", Bytes;
    FRAGMENT: "ip.fragment", "IPv4 Fragment", FrameNumber;
    OVERLAP: "ip.fragment.overlap", "Fragment overlap", Bool;
    OVERLAP_CONFLICT: "ip.fragment.overlap.conflict", "Conflicting data in fragment overlap", Bool;
    MULTIPLE_TAILS: "ip.fragment.multipletails", "Multiple tail fragments found", Bool;
    TOO_LONG: "ip.fragment.toolongfragment", "Fragment too long", Bool;
    FRAGMENT_ERROR: "ip.fragment.error", "Defragmentation error", FrameNumber;
    FRAGMENT_COUNT: "ip.fragment.count", "Fragment count", Uint(32), Dec;
    REASSEMBLED_IN: "ip.reassembled_in", "Reassembled IPv4 in frame", FrameNumber;
    REASSEMBLED_LEN: "ip.reassembled.length", "Reassembled IPv4 length", Uint(32), Dec;
    REASSEMBLED_DATA: "ip.reassembled.data", "Reassembled IPv4 data", Bytes;
    BOGUS_LENGTH: "ip.bogus_ip_length", "Bogus IP length", None;
    BOGUS_VERSION: "ip.bogus_ip_version", "Bogus IP version", None;
    BOGUS_HEADER_LENGTH: "ip.bogus_header_length", "Bogus IP header length", None;
    CHECKSUM_BAD: "ip.checksum_bad.expert", "Bad checksum", None;
    TTL_LNCB: "ip.ttl.lncb", "Time To Live", None;
    TTL_TOO_SMALL: "ip.ttl.too_small", "Time To Live", None;
    NOP: "ip.nop", "4 NOP in a row - a router may have removed some options", None;
}

/// Number of the protocol that stands for raw IP in `frame.protocols`.
pub(crate) const RAW: u16 = super::raw::THIS.protocol;

const MIN_HEADER_LEN: usize = 20;

/// What an IPv4 header says, as far as others need it.
#[derive(Clone, Copy, Debug)]
struct Header {
    len: usize,
    total: usize,
    id: u16,
    offset: u16,
    more: bool,
    ttl: u8,
    protocol: u8,
    source: [u8; 4],
    destination: [u8; 4],
    /// Where a source route sends it next, before its destination.
    via: Option<[u8; 4]>,
    checksum: Status,
    /// All of its bytes were captured.
    all_there: bool,
}

/// Whether a length of 0 stands for a packet that was to be cut into several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offload {
    No,
    Perhaps,
}

/// Dissects a packet of the version that its first byte says.
pub(crate) fn dissect_by_version(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let version = region.u8(0)? >> 4;
    match version {
        4 => return dissect(walk, region),
        6 => return ipv6::dissect(walk, region),
        _ => {}
    }
    let added = walk.begin(THIS, &region, 1);
    walk.tree.label(
        added,
        format_args!("Internet Protocol, bogus version ({version})"),
    );
    walk.columns.set_protocol("IP");
    walk.columns
        .set_info(format_args!("Bogus IP version ({version})"));
    let field = walk
        .tree
        .add(VERSION, region.place(0, 1), Value::Uint(version.into()));
    let bits = Bits::new(region.u8(0)?.into(), 0xf0, 8);
    walk.tree
        .label(field, format_args!("{bits} = Version: {version}"));
    walk.expert(
        field,
        BOGUS_VERSION,
        (Severity::Error, Group::Protocol),
        format_args!("Bogus IP version"),
    );
    walk.end();
    Ok(())
}

/// Dissects an IPv4 packet.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if walk.protocols.is_full() {
        return data::dissect(walk, region);
    }
    walk.columns.set_protocol("IPv4");
    walk.columns.clear_info();
    walk.enter(THIS);
    // Nothing is told of a packet of which nothing was captured.
    region.u8(0)?;
    let added = walk.node(THIS, &region, region.captured().len().min(MIN_HEADER_LEN));
    let Some(mut header) = header(walk, added, region)? else {
        walk.end();
        if region.u8(0)? >> 4 == 6 {
            return ipv6::dissect(walk, region);
        }
        return Ok(());
    };
    header.all_there = header.total <= region.captured().len();
    let region = region.part(0, header.total);
    walk.tree.set_extent(added, region.captured().len());
    walk.claimed = Some(region.reported() as u32);
    if header.len > MIN_HEADER_LEN {
        if region.reported() < header.len {
            return Err(Stop::Malformed);
        }
        let options = region.part(MIN_HEADER_LEN, header.len - MIN_HEADER_LEN);
        options::dissect(walk, &options, header.ttl)?;
    }
    let claimed = walk.claimed;
    let outcome = payload(walk, &header, region);
    walk.claimed = claimed;
    outcome
}

fn header(
    walk: &mut Walk<'_, '_>,
    added: Added,
    region: Region<'_>,
) -> Result<Option<Header>, Stop> {
    let Some(len) = version(walk, &region)? else {
        return Ok(None);
    };
    walk.tree
        .set_len(added, len.min(region.captured().len()) as u32);
    if let Ok(total @ 1..) = region.u16(2)
        && usize::from(total) < len
    {
        bogus_length(walk, &region, total, len)?;
        return Ok(None);
    }
    let bytes: [u8; MIN_HEADER_LEN] = match region.array(0) {
        Ok(bytes) => bytes,
        Err(stop) => {
            beginning(walk, added, &region);
            return Err(stop);
        }
    };
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let (source, destination) = (
        [bytes[12], bytes[13], bytes[14], bytes[15]],
        [bytes[16], bytes[17], bytes[18], bytes[19]],
    );
    let mut header = Header {
        len,
        total: word(2).into(),
        id: word(4),
        offset: word(6) & 0x1fff,
        more: word(6) & 0x2000 != 0,
        ttl: bytes[8],
        protocol: bytes[9],
        source,
        destination,
        via: None,
        checksum: Status::Unverified,
        all_there: false,
    };
    let mut from_offload = Offload::No;
    if header.total == 0 {
        from_offload = Offload::Perhaps;
        header.total = region.reported();
    }
    let options = region.part(MIN_HEADER_LEN, len - MIN_HEADER_LEN);
    let last = options::destination(&options);
    if last.is_err() {
        beginning(walk, added, &region);
    }
    if let Some(last) = last? {
        header.via = Some(destination);
        header.destination = last;
    }
    let destination = header.destination;
    walk.columns.source = Address::Ipv4(source);
    walk.columns.destination = Address::Ipv4(destination);
    if !walk.tree.wants_any_of(THIS.protocol) {
        return Ok(Some(header));
    }
    walk.tree.label(
        added,
        format_args!(
            "Internet Protocol Version 4, Src: {}, Dst: {}{}{}",
            Dotted(source),
            Dotted(destination),
            if header.via.is_some() { ", Via: " } else { "" },
            header
                .via
                .map_or_else(String::new, |via| Dotted(via).to_string())
        ),
    );
    services::dissect(walk, &region, bytes[1]);
    total_length(walk, &region, header.total, from_offload);
    walk.tree
        .add(ID, region.place(4, 2), Value::Uint(header.id.into()));
    flags(walk, &region, bytes[6]);
    let offset = walk.tree.add(
        FRAG_OFFSET,
        region.place(6, 2),
        Value::Uint(header.offset.into()),
    );
    walk.tree.label(
        offset,
        format_args!("Fragment Offset: {}", u32::from(header.offset) * 8),
    );
    time_to_live(walk, &region, &header);
    walk.u8(PROTO, &region, 9)?;
    header.checksum = header_checksum(walk, &region, &header, word(10));
    addresses(walk, &region, &header);
    Ok(Some(header))
}

/// The packet says that it is shorter than its header.
fn bogus_length(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    total: u16,
    len: usize,
) -> Result<(), Stop> {
    walk.columns.set_info(format_args!(
        "Bogus IP length ({total}, less than header length {len})"
    ));
    services::dissect(walk, region, region.u8(1)?);
    let added = walk
        .tree
        .add(LEN, region.place(2, 2), Value::Uint(total.into()));
    walk.tree.label(
        added,
        format_args!("Total Length: {total} bytes (bogus, less than header length {len})"),
    );
    walk.expert(
        added,
        BOGUS_LENGTH,
        (Severity::Error, Group::Protocol),
        format_args!("Bogus IP length"),
    );
    Ok(())
}

/// What is there of a header that was not captured whole.
fn beginning(walk: &mut Walk<'_, '_>, added: Added, region: &Region<'_>) {
    if !walk.tree.wants_any_of(THIS.protocol) {
        return;
    }
    if let Ok(services) = region.u8(1) {
        services::dissect(walk, region, services);
    }
    if let Ok(total) = region.u16(2) {
        total_length(walk, region, total.into(), Offload::No);
    }
    // Adding stops where bytes are missing; that is told by who calls.
    let _missing = walk.u16(ID, region, 4);
    if let Ok(word) = region.u16(6) {
        flags(walk, region, (word >> 8) as u8);
        let place = region.place(6, 2);
        let node = walk
            .tree
            .add(FRAG_OFFSET, place, Value::Uint((word & 0x1fff).into()));
        let offset = u32::from(word & 0x1fff) * 8;
        walk.tree
            .label(node, format_args!("Fragment Offset: {offset}"));
    }
    let _missing = walk.u8(TTL, region, 8);
    let _missing = walk.u8(PROTO, region, 9);
    if let Ok(sum) = region.u16(10) {
        let node = walk
            .tree
            .add(CHECKSUM, region.place(10, 2), Value::Uint(sum.into()));
        let why = if walk.preferences.ip_check_checksum {
            "not all data available"
        } else {
            "validation disabled"
        };
        walk.tree
            .label(node, format_args!("Header Checksum: {sum:#06x} [{why}]"));
        walk.checksum_status(CHECKSUM_STATUS, Status::Unverified);
    }
    if let Ok(source) = region.array(12) {
        walk.columns.source = Address::Ipv4(source);
        let title = THIS.field().title;
        walk.tree
            .label(added, format_args!("{title}, Src: {}", Dotted(source)));
        let (place, value) = (region.place(12, 4), Value::Ipv4(source));
        walk.tree.add(SRC, place, value);
        walk.tree.add_hidden(ADDR, place, value);
        for host in [SRC_HOST, HOST] {
            let text = format_args!("{}", Dotted(source));
            let hidden = walk.tree.add_formatted(host, place, text);
            walk.tree.set_hidden(hidden);
            walk.tree.set_generated(hidden);
        }
    }
}

/// Version and header length; `None` if they cannot be that.
fn version(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<Option<usize>, Stop> {
    let first = region.u8(0)?;
    let bits = |mask, width| Bits::new(first.into(), mask, width);
    let version = walk.tree.add(
        VERSION,
        region.place(0, 1),
        Value::Uint((first >> 4).into()),
    );
    walk.tree.label(
        version,
        format_args!("{} = Version: {}", bits(0xf0, 8), first >> 4),
    );
    if first >> 4 != 4 {
        walk.columns.set_info(format_args!(
            "Bogus IPv4 version ({}, must be 4)",
            first >> 4
        ));
        walk.expert(
            version,
            BOGUS_VERSION,
            (Severity::Error, Group::Protocol),
            format_args!("Bogus IPv4 version"),
        );
        return Ok(None);
    }
    let len = usize::from(first & 15) * 4;
    let hdr_len = walk
        .tree
        .add(HDR_LEN, region.place(0, 1), Value::Uint(len as u64));
    if len < MIN_HEADER_LEN {
        walk.columns.set_info(format_args!(
            "Bogus IP header length ({len}, must be at least {MIN_HEADER_LEN})"
        ));
        walk.tree.label(
            hdr_len,
            format_args!(
                "{} = Header Length: {len} bytes (bogus, must be at least {MIN_HEADER_LEN})",
                bits(0x0f, 8)
            ),
        );
        walk.expert(
            hdr_len,
            BOGUS_HEADER_LENGTH,
            (Severity::Error, Group::Protocol),
            format_args!("Bogus IP header length"),
        );
        return Ok(None);
    }
    walk.tree.label(
        hdr_len,
        format_args!(
            "{} = Header Length: {len} bytes ({})",
            bits(0x0f, 8),
            first & 15
        ),
    );
    Ok(Some(len))
}

fn total_length(walk: &mut Walk<'_, '_>, region: &Region<'_>, len: usize, offload: Offload) {
    let total = walk
        .tree
        .add(LEN, region.place(2, 2), Value::Uint(len as u64));
    if offload == Offload::Perhaps {
        walk.tree.label(
            total,
            format_args!(
                "Total Length: {len} bytes (reported as 0, presumed to be because of \"TCP segmentation offload\" (TSO))"
            ),
        );
    } else if len > region.reported() && walk.carrier.quoted == Quoted::No {
        walk.expert(
            total,
            BOGUS_LENGTH,
            (Severity::Error, Group::Protocol),
            format_args!(
                "IPv4 total length exceeds packet length ({} bytes)",
                region.reported()
            ),
        );
    }
}

fn flags(walk: &mut Walk<'_, '_>, region: &Region<'_>, byte: u8) {
    let (first, title) = if walk.preferences.ip_security_flag {
        (SF, "Security flag")
    } else {
        (RB, "Reserved bit")
    };
    let tree = &mut *walk.tree;
    let place = region.place(6, 1);
    let flags = tree.add(FLAGS, place, Value::Uint((byte >> 5).into()));
    let names = [
        (0x80, title),
        (0x40, "Don't fragment"),
        (0x20, "More fragments"),
    ]
    .map(|(bit, name)| {
        if byte & bit == 0 {
            ["", ""]
        } else {
            [", ", name]
        }
    });
    let [[a, reserved], [b, dont], [c, more]] = names;
    tree.label(
        flags,
        format_args!("Flags: {:#x}{a}{reserved}{b}{dont}{c}{more}", byte >> 5),
    );
    tree.open();
    for (field, bit) in [(first, 0x80), (DF, 0x40), (MF, 0x20)] {
        tree.add(field, place, Value::Bool(byte & bit != 0));
    }
    tree.close();
    if first == SF && byte & 0x80 != 0 {
        let how = (Severity::Warning, Group::Protocol);
        walk.expert(flags, EVIL, how, format_args!("Packet has evil intent"));
    }
}

fn time_to_live(walk: &mut Walk<'_, '_>, region: &Region<'_>, header: &Header) {
    const IGMP: u8 = 2;
    /// PIM and OSPF send to neighbors only.
    const NEIGHBORS: [u8; 2] = [103, 89];
    let ttl = header.ttl;
    let added = walk
        .tree
        .add(TTL, region.place(8, 1), Value::Uint(ttl.into()));
    let expert = (Severity::Note, Group::Sequence);
    if let [224, 0, 0, last] = header.destination {
        let right = match last {
            _ if header.protocol == IGMP => 1,
            // VRRP, GLBP, mDNS.
            18 | 102 | 251 => 255,
            // LLMNR does not say.
            252 => return,
            _ => 1,
        };
        if ttl != right {
            walk.expert(
                added,
                TTL_LNCB,
                expert,
                format_args!(
                    "\"Time To Live\" != {right} for a packet sent to the Local Network Control Block (see RFC 3171)"
                ),
            );
        }
    } else if ttl < 5
        && !(224..240).contains(&header.destination[0])
        && !NEIGHBORS.contains(&header.protocol)
    {
        walk.expert(
            added,
            TTL_TOO_SMALL,
            expert,
            format_args!("\"Time To Live\" only {ttl}"),
        );
    }
}

fn header_checksum(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    header: &Header,
    sent: u16,
) -> Status {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Behind(CHECKSUM_CALCULATED),
        bad: CHECKSUM_BAD,
        how: (Severity::Error, Group::Checksum),
        hint: "(may be caused by \"IP checksum offload\"?)",
        zero: 0,
    };
    let quoted = walk.carrier.quoted != Quoted::No;
    let bytes = region.slice(0, header.len).ok();
    let checked = bytes.filter(|_| walk.preferences.ip_check_checksum);
    let folded = checked.map(|bytes| Sum::default().add(bytes).fold());
    let (added, status) = walk.checksum(FIELDS, region, 10, sent, folded);
    if status == Status::Unverified {
        let why = if walk.preferences.ip_check_checksum && quoted {
            "in ICMP error packet"
        } else if walk.preferences.ip_check_checksum {
            "not all data available"
        } else {
            "validation disabled"
        };
        walk.tree
            .label(added, format_args!("Header Checksum: {sent:#06x} [{why}]"));
    }
    status
}

fn addresses(walk: &mut Walk<'_, '_>, region: &Region<'_>, header: &Header) {
    let tree = &mut *walk.tree;
    let next = header
        .via
        .map_or((DST, DST_HOST, 16, header.destination), |via| {
            (CUR_RT, CUR_RT_HOST, 16, via)
        });
    for (field, host, offset, address) in [(SRC, SRC_HOST, 12, header.source), next] {
        let (place, value) = (region.place(offset, 4), Value::Ipv4(address));
        tree.add(field, place, value);
        let is_end = field != CUR_RT;
        if is_end {
            tree.add_hidden(ADDR, place, value);
        }
        let hosts = [Some(host), is_end.then_some(HOST)];
        for host in hosts.into_iter().flatten() {
            let hidden = tree.add_formatted(host, place, format_args!("{}", Dotted(address)));
            tree.set_hidden(hidden);
            tree.set_generated(hidden);
        }
    }
}

/// Hands on what the packet carries, put together from fragments if it is the last of them.
fn payload(walk: &mut Walk<'_, '_>, header: &Header, region: Region<'_>) -> Result<(), Stop> {
    let rest = region.rest(header.len);
    let carrier = Carrier {
        source: Address::Ipv4(header.source),
        destination: Address::Ipv4(header.destination),
        piece: Piece::Whole,
        quoted: walk.carrier.quoted,
    };
    walk.carrier = carrier;
    if header.offset == 0 && !header.more {
        walk.end();
        return carried(walk, header, rest);
    }
    let whole = header.all_there && !rest.captured().is_empty() && header.checksum != Status::Bad;
    let mut seen_in = None;
    if walk.preferences.ip_defragment && whole {
        let fragment = Fragment {
            source: carrier.source,
            destination: carrier.destination,
            id: datagram_id(walk, header),
            offset: u32::from(header.offset) * 8,
            more: header.more,
        };
        let frame = walk.frame.number;
        match walk.memory.fragments.add(&fragment, frame, rest.captured()) {
            fragments::Outcome::Whole(datagram) => {
                let source = fragments::show(walk, &datagram, &FRAGMENT_FIELDS);
                walk.end();
                let is_illegal = datagram.is_illegal();
                let bytes = datagram.bytes;
                let len = bytes.len() as u32;
                let together = Region::new(source, &bytes, len);
                let layers = walk.protocols.numbers().len();
                dissect_protocol(walk, header.protocol, together, Some(header.ttl))?;
                // Where nobody knows the protocol, that is what is said of it.
                if is_illegal
                    && walk.protocols.numbers().get(layers..) == Some(&[data::THIS.protocol])
                {
                    walk.columns
                        .set_info(format_args!("[Illegal IPv4 fragments]"));
                }
                return Ok(());
            }
            fragments::Outcome::Later(later) => seen_in = later,
            fragments::Outcome::Alone => {}
        }
    }
    if seen_in.is_none() && header.offset == 0 && !(walk.preferences.ip_defragment && whole) {
        walk.carrier.piece = Piece::Fragment;
        walk.end();
        return carried(walk, header, rest);
    }
    if let Some(frame) = seen_in {
        walk.tree.add_generated(REASSEMBLED_IN, Value::Uint(frame));
    }
    walk.end();
    let name = protocol_name(header.protocol.into()).unwrap_or("Unknown");
    walk.columns.set_info(format_args!(
        "Fragmented IP protocol (proto={name} {}, off={}, ID={:04x})",
        header.protocol,
        u32::from(header.offset) * 8,
        header.id
    ));
    if let Some(frame) = seen_in {
        walk.columns
            .append_info(format_args!(" [Reassembled in #{frame}]"));
    }
    data::dissect(walk, rest)
}

/// What a packet carries; nothing is not handed on.
fn carried(walk: &mut Walk<'_, '_>, header: &Header, rest: Region<'_>) -> Result<(), Stop> {
    if rest.reported() == 0 {
        return Ok(());
    }
    dissect_protocol(walk, header.protocol, rest, Some(header.ttl))
}

/// What tells datagrams between the same two apart (as `packet-ip.c` computes it): addresses that are
/// not unique everywhere can be another's in another VLAN.
fn datagram_id(walk: &Walk<'_, '_>, header: &Header) -> u32 {
    let is_shared = |address: [u8; 4]| {
        let address = std::net::Ipv4Addr::from(address);
        address.is_private() || address.is_link_local()
    };
    let id = header.id ^ u16::from(header.protocol);
    let is_shared = is_shared(header.source) || is_shared(header.destination);
    let vlan = if is_shared {
        walk.memory.vlan.of(walk.frame.number)
    } else {
        0
    };
    u32::from(id ^ vlan)
}

const FRAGMENT_FIELDS: fragments::Fields = fragments::Fields {
    name: "IPv4",
    buffer: "Reassembled IPv4",
    fragments: FRAGMENTS,
    fragment: FRAGMENT,
    error: FRAGMENT_ERROR,
    overlap: OVERLAP,
    conflict: OVERLAP_CONFLICT,
    tails: MULTIPLE_TAILS,
    too_long: TOO_LONG,
    count: FRAGMENT_COUNT,
    len: REASSEMBLED_LEN,
    data: REASSEMBLED_DATA,
};

/// An IPv4 address, dotted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dotted(pub(crate) [u8; 4]);

impl fmt::Display for Dotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::Ipv4Addr::from(self.0).fmt(f)
    }
}
