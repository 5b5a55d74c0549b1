//! IPv6 (RFC 8200), as by Wireshark's `packet-ipv6.c`.
//!
//! - `addresses.rs` the addresses, and what is hidden in them
//! - `extension.rs` extension headers
//! - `options.rs` options; `routing.rs` routes

mod addresses;
pub(crate) mod extension;
mod options;
mod routing;

use super::data;
use super::expert::{Group, Severity};
use super::ip::{self, short_codepoint, short_congestion};
use super::names::ip::{codepoint, congestion, protocol as protocol_name};
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::{Bits, Ipv6};
use crate::read::tree::{Added, Value};
use crate::read::walk::{Carrier, Piece, Quoted, Walk};

protocol! {
    7, "ipv6", "IPv6", "Internet Protocol Version 6";
    VERSION: "ipv6.version", "Version", Uint(8), Dec;
    TCLASS: "ipv6.tclass", "Traffic Class", Uint(32), Hex, mask = 0x0ff0_0000;
    TCLASS_DSCP: "ipv6.tclass.dscp", "Differentiated Services Codepoint", Uint(32), Dec, mask = 0x0fc0_0000, names = codepoint;
    TCLASS_ECN: "ipv6.tclass.ecn", "Explicit Congestion Notification", Uint(32), Dec, mask = 0x0030_0000, names = congestion;
    FLOW: "ipv6.flow", "Flow Label", Uint(24), Hex, mask = 0xf_ffff;
    PLEN: "ipv6.plen", "Payload Length", Uint(16), Dec;
    NXT: "ipv6.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    HLIM: "ipv6.hlim", "Hop Limit", Uint(8), Dec;
    SRC: "ipv6.src", "Source Address", Ipv6;
    SRC_HOST: "ipv6.src_host", "Source Host", String;
    DST: "ipv6.dst", "Destination Address", Ipv6;
    DST_HOST: "ipv6.dst_host", "Destination Host", String;
    ADDR: "ipv6.addr", "Source or Destination Address", Ipv6;
    HOST: "ipv6.host", "Source or Destination Host", String;
    SRC_SLAAC_MAC: "ipv6.src_slaac_mac", "Source SLAAC MAC", Ether;
    DST_SLAAC_MAC: "ipv6.dst_slaac_mac", "Destination SLAAC MAC", Ether;
    SLAAC_MAC: "ipv6.slaac_mac", "SLAAC MAC", Ether;
    SRC_ISATAP: "ipv6.src_isatap_ipv4", "Source ISATAP IPv4", Ipv4;
    DST_ISATAP: "ipv6.dst_isatap_ipv4", "Destination ISATAP IPv4", Ipv4;
    ISATAP: "ipv6.isatap_ipv4", "ISATAP IPv4", Ipv4;
    SRC_6TO4: "ipv6.src_6to4_gw_ipv4", "Source 6to4 Gateway IPv4", Ipv4;
    DST_6TO4: "ipv6.dst_6to4_gw_ipv4", "Destination 6to4 Gateway IPv4", Ipv4;
    GATEWAY_6TO4: "ipv6.6to4_gw_ipv4", "6to4 Gateway IPv4", Ipv4;
    SRC_SLA: "ipv6.src_6to4_sla_id", "Source 6to4 SLA ID", Uint(16), Dec;
    DST_SLA: "ipv6.dst_6to4_sla_id", "Destination 6to4 SLA ID", Uint(16), Dec;
    SLA: "ipv6.6to4_sla_id", "6to4 SLA ID", Uint(16), Dec;
    SRC_TEREDO: "ipv6.src_ts_ipv4", "Source Teredo Server IPv4", Ipv4;
    DST_TEREDO: "ipv6.dst_ts_ipv4", "Destination Teredo Server IPv4", Ipv4;
    TEREDO: "ipv6.ts_ipv4", "Teredo Server IPv4", Ipv4;
    SRC_TEREDO_PORT: "ipv6.src_tc_port", "Source Teredo Port", Uint(16), Dec;
    DST_TEREDO_PORT: "ipv6.dst_tc_port", "Destination Teredo Port", Uint(16), Dec;
    TEREDO_PORT: "ipv6.tc_port", "Teredo Port", Uint(16), Dec;
    SRC_TEREDO_CLIENT: "ipv6.src_tc_ipv4", "Source Teredo Client IPv4", Ipv4;
    DST_TEREDO_CLIENT: "ipv6.dst_tc_ipv4", "Destination Teredo Client IPv4", Ipv4;
    TEREDO_CLIENT: "ipv6.tc_ipv4", "Teredo Client IPv4", Ipv4;
    SRC_EMBEDDED: "ipv6.src_embed_ipv4", "Source Embedded IPv4", Ipv4;
    DST_EMBEDDED: "ipv6.dst_embed_ipv4", "Destination Embedded IPv4", Ipv4;
    EMBEDDED: "ipv6.embed_ipv4", "Embedded IPv4", Ipv4;
    EMBEDDED_PREFIX: "ipv6.embed_ipv4_prefix", "Embedded IPv4 Prefix", Bytes;
    EMBEDDED_U: "ipv6.embed_ipv4.u.nonzero", "IPv4-Embedded IPv6 address bit 64 to 71 must be zero", None;
    HOPOPTS_NXT: "ipv6.hopopts.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    HOPOPTS_LEN: "ipv6.hopopts.len", "Length", Uint(8), Dec;
    HOPOPTS_LEN_OCT: "ipv6.hopopts.len_oct", "Length", Uint(16), Dec;
    DSTOPTS_NXT: "ipv6.dstopts.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    DSTOPTS_LEN: "ipv6.dstopts.len", "Length", Uint(8), Dec;
    DSTOPTS_LEN_OCT: "ipv6.dstopts.len_oct", "Length", Uint(16), Dec;
    ROUTING_NXT: "ipv6.routing.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    ROUTING_LEN: "ipv6.routing.len", "Length", Uint(8), Dec;
    ROUTING_LEN_OCT: "ipv6.routing.len_oct", "Length", Uint(16), Dec;
    ROUTING_TYPE: "ipv6.routing.type", "Type", Uint(8), Dec, names = routing::type_name;
    ROUTING_SEGLEFT: "ipv6.routing.segleft", "Segments Left", Uint(8), Dec;
    ROUTING_ADDR: "ipv6.routing.src.addr", "Address", Ipv6;
    ROUTING_DATA: "ipv6.routing.unknown_data", "Type-Specific Data", Bytes;
    FRAGHDR_NXT: "ipv6.fraghdr.nxt", "Next header", Uint(8), Dec, names = protocol_name;
    FRAGHDR_RESERVED: "ipv6.fraghdr.reserved_octet", "Reserved octet", Uint(8), Hex;
    FRAGHDR_OFFSET: "ipv6.fraghdr.offset", "Offset", Uint(16), Dec, mask = 0xfff8;
    FRAGHDR_RESERVED_BITS: "ipv6.fraghdr.reserved_bits", "Reserved bits", Uint(16), Dec, mask = 0x0006;
    FRAGHDR_MORE: "ipv6.fraghdr.more", "More Fragments", Bool, None, mask = 0x0001, bits = 16, names = options::yes;
    FRAGHDR_IDENT: "ipv6.fraghdr.ident", "Identification", Uint(32), Hex;
    OPT: "ipv6.opt", "IPv6 Option", None;
    OPT_TYPE: "ipv6.opt.type", "Type", Uint(8), Hex, names = options::name;
    OPT_ACTION: "ipv6.opt.type.action", "Action", Uint(8), Dec, mask = 0xc0, names = options::action;
    OPT_CHANGE: "ipv6.opt.type.change", "May Change", Bool, None, mask = 0x20, names = options::yes;
    OPT_REST: "ipv6.opt.type.rest", "Low-Order Bits", Uint(8), Hex, mask = 0x1f;
    OPT_LENGTH: "ipv6.opt.length", "Length", Uint(8), Dec;
    OPT_PAD1: "ipv6.opt.pad1", "Pad1", None;
    OPT_PADN: "ipv6.opt.padn", "PadN", Bytes, MayBeNone;
    OPT_ALERT: "ipv6.opt.router_alert", "Router Alert", Uint(16), Dec, names = options::alert;
    OPT_TEL: "ipv6.opt.tel", "Tunnel Encapsulation Limit", Uint(8), Dec;
    OPT_JUMBO: "ipv6.opt.jumbo", "Payload Length", Uint(32), Dec;
    OPT_HOME: "ipv6.opt.mipv6.home_address", "MIPv6 Home Address", Ipv6;
    OPT_DATA: "ipv6.opt.unknown", "Unknown Option Payload", Bytes;
    OPT_UNKNOWN_DATA: "ipv6.opt_unknown_data", "Unknown Data", Bytes;
    OPT_EXPERIMENTAL: "ipv6.opt.experimental", "Experimental Option", Bytes;
    OPT_PMTU_MIN: "ipv6.opt.pmtu.min", "Minimum Reported PMTU", Uint(16), Dec;
    OPT_PMTU_RETURNED: "ipv6.opt.pmtu.rtn", "Return Minimum PMTU", Uint(16), Dec;
    OPT_PMTU_FLAG: "ipv6.opt.pmtu.r_flag", "Return Flag", Bool;
    OPT_CALIPSO_DOI: "ipv6.opt.calipso.doi", "CALIPSO Domain of Interpretation", Uint(32), Dec;
    OPT_CALIPSO_LENGTH: "ipv6.opt.calipso.cmpt.length", "Compartment Length", Uint(8), Dec;
    OPT_CALIPSO_LEVEL: "ipv6.opt.calipso.sens_level", "Sensitivity Level", Uint(8), Dec;
    OPT_CALIPSO_CHECKSUM: "ipv6.opt.calipso.checksum", "Checksum", Uint(16), Hex;
    OPT_CALIPSO_BITMAP: "ipv6.opt.calipso.cmpt_bitmap", "Compartment Bitmap", Bytes, MayBeNone;
    OPT_PDM_SCALE_RECEIVED: "ipv6.opt.pdm.scale_dtlr", "Scale DTLR", Uint(8), Dec;
    OPT_PDM_SCALE_SENT: "ipv6.opt.pdm.scale_dtls", "Scale DTLS", Uint(8), Dec;
    OPT_PDM_THIS: "ipv6.opt.pdm.psn_this_pkt", "PSN This Packet", Uint(16), Dec;
    OPT_PDM_LAST: "ipv6.opt.pdm.psn_last_recv", "PSN Last Received", Uint(16), Dec;
    OPT_PDM_RECEIVED: "ipv6.opt.pdm.delta_last_recv", "Delta Time Last Received", Uint(16), Dec;
    OPT_PDM_SENT: "ipv6.opt.pdm.delta_last_sent", "Delta Time Last Sent", Uint(16), Dec;
    OPT_RPL_FLAG: "ipv6.opt.rpl.flag", "Flag", Uint(8), Hex;
    OPT_RPL_DOWN: "ipv6.opt.rpl.flag.o", "Down", Bool, None, mask = 0x80;
    OPT_RPL_RANK_ERROR: "ipv6.opt.rpl.flag.r", "Rank Error", Bool, None, mask = 0x40;
    OPT_RPL_FORWARDING_ERROR: "ipv6.opt.rpl.flag.f", "Forwarding Error", Bool, None, mask = 0x20;
    OPT_RPL_RESERVED: "ipv6.opt.rpl.flag.rsv", "Reserved", Uint(8), Hex, mask = 0x1f;
    OPT_RPL_INSTANCE: "ipv6.opt.rpl.instance_id", "RPLInstanceID", Uint(8), Hex;
    OPT_RPL_RANK: "ipv6.opt.rpl.sender_rank", "Sender Rank", Uint(16), Hex;
    OPT_ILNP: "ipv6.opt.ilnp_nonce", "ILNP Nonce", Bytes;
    OPT_TPF: "ipv6.opt.tpf_information", "TPF Information", Uint(32), Hex;
    OPT_LINE_LENGTH: "ipv6.opt.lio.length", "LineIDLen", Uint(8), Dec;
    OPT_LINE: "ipv6.opt.lio.line_id", "Line ID", String;
    OPT_INVALID: "ipv6.opt.invalid_len", "Invalid IPv6 option length", None;
    OPT_UNKNOWN: "ipv6.opt.unknown_data.expert", "Unknown Data (not interpreted)", None;
    OPT_MISMATCH: "ipv6.opt.header_mismatch", "Wrong options extension header for type", None;
    OPT_DEPRECATED: "ipv6.opt.deprecated", "Option type is deprecated", None;
    JUMBO_MISSING: "ipv6.opt.jumbo.missing", "IPv6 payload length equals 0 and Hop-By-Hop present and Jumbo Payload option missing", None;
    JUMBO_PROHIBITED: "ipv6.opt.jumbo.prohibited", "When IPv6 payload length does not equal 0 a Jumbo Payload option must not be present", None;
    JUMBO_TRUNCATED: "ipv6.opt.jumbo.truncated", "Jumbo Payload option present and jumbo length < 65536", None;
    JUMBO_FRAGMENT: "ipv6.opt.jumbo.fragment", "Jumbo Payload option cannot be used with a fragment header", None;
    HOPOPTS_NOT_FIRST: "ipv6.hopopts.not_first", "IPv6 Hop-by-Hop extension header must appear immediately after IPv6 header", None;
    ROUTING_RESERVED: "ipv6.routing.src.reserved", "Reserved", Bytes;
    MOBILE_RESERVED: "ipv6.routing.mipv6.reserved", "Reserved", Bytes;
    MOBILE_HOME: "ipv6.routing.mipv6.home_address", "Home Address", Ipv6;
    SEGMENT_LAST: "ipv6.routing.srh.last_entry", "Last Entry", Uint(8), Dec;
    SEGMENT_FLAGS: "ipv6.routing.srh.flags", "Flags", Uint(8), Hex;
    SEGMENT_TAG: "ipv6.routing.srh.tag", "Tag", Bytes;
    SEGMENT_ADDR: "ipv6.routing.srh.addr", "Address", Ipv6;
    ROUTING_MULTICAST: "ipv6.src_route_list.multicast_addr", "Multicast addresses must not appear in the source route list", None;
    ROUTING_INVALID_LEN: "ipv6.routing.invalid_length", "Invalid IPv6 Routing header length", None;
    ROUTING_INVALID_LEFT: "ipv6.routing.invalid_segleft", "IPv6 Routing Header segments left field must not exceed address count", None;
    ROUTING_UNDECODED: "ipv6.routing.undecoded", "Undecoded IPv6 routing header field", None;
    ROUTING_DEPRECATED: "ipv6.routing.deprecated", "Routing header type is deprecated", None;
    FRAGMENT_ERROR: "ipv6.fragment.error", "Defragmentation error", FrameNumber;
    FRAGMENTS: "ipv6.fragments", "IPv6 Fragments", None;
    FRAGMENT: "ipv6.fragment", "IPv6 Fragment", FrameNumber;
    OVERLAP: "ipv6.fragment.overlap", "Fragment overlap", Bool;
    OVERLAP_CONFLICT: "ipv6.fragment.overlap.conflict", "Conflicting data in fragment overlap", Bool;
    MULTIPLE_TAILS: "ipv6.fragment.multipletails", "Multiple tail fragments found", Bool;
    TOO_LONG: "ipv6.fragment.toolongfragment", "Fragment too long", Bool;
    FRAGMENT_COUNT: "ipv6.fragment.count", "Fragment count", Uint(32), Dec;
    REASSEMBLED_IN: "ipv6.reassembled.in", "Reassembled IPv6 in frame", FrameNumber;
    REASSEMBLED_LEN: "ipv6.reassembled.length", "Reassembled IPv6 length", Uint(32), Dec;
    REASSEMBLED_DATA: "ipv6.reassembled.data", "Reassembled IPv6 data", Bytes;
    PLEN_EXCEEDS: "ipv6.plen_exceeds_framing", "IPv6 payload length does not match expected framing length", None;
    PLEN_ZERO: "ipv6.plen_zero", "IPv6 payload length equals 0 (maybe because of \"TCP segmentation offload\" (TSO))", None;
    BOGUS_VERSION: "ipv6.bogus_ipv6_version", "Bogus IP version", None;
    INVALID_HEADER: "ipv6.invalid_header", "Invalid IPv6 header", None;
}

const HEADER_LEN: usize = 40;

/// Dissects an IPv6 packet.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if walk.protocols.is_full() {
        return data::dissect(walk, region);
    }
    walk.columns.set_protocol("IPv6");
    walk.columns.clear_info();
    walk.enter(THIS);
    let first = region.u8(0)?;
    let added = walk.node(THIS, &region, HEADER_LEN.min(region.captured().len()));
    let version = walk.tree.add(
        VERSION,
        region.place(0, 1),
        Value::Uint((first >> 4).into()),
    );
    walk.tree.label(
        version,
        format_args!(
            "{} = Version: {}",
            Bits::new(first.into(), 0xf0, 8),
            first >> 4
        ),
    );
    let hidden = walk.tree.add_hidden(
        ip::VERSION,
        region.place(0, 1),
        Value::Uint((first >> 4).into()),
    );
    walk.tree
        .label(hidden, format_args!("Version: {}", first >> 4));
    if first >> 4 != 6 {
        walk.columns.set_info(format_args!(
            "Bogus IPv6 version ({}, must be 6)",
            first >> 4
        ));
        walk.expert(
            version,
            BOGUS_VERSION,
            (Severity::Error, Group::Malformed),
            format_args!("Bogus IPv6 version"),
        );
        walk.end();
        return Ok(());
    }
    let first = region.u32(0)?;
    let wanted = walk.tree.wants_any_of(THIS.protocol);
    if region.reported() < HEADER_LEN {
        short(walk, &region, added);
    }
    if wanted {
        fields(walk, &region, added, first);
    }
    let (payload_len, next) = (region.u16(4)?, region.u8(6)?);
    let plen = walk
        .tree
        .add(PLEN, region.place(4, 2), Value::Uint(payload_len.into()));
    if payload_len == 0 && next != 0 && next != extension::NO_NEXT {
        walk.expert(
            plen,
            PLEN_ZERO,
            (Severity::Chat, Group::Protocol),
            format_args!(
                "IPv6 payload length equals 0 (maybe because of \"TCP segmentation offload\" (TSO))"
            ),
        );
    }
    walk.u8(NXT, &region, 6)?;
    let hops = walk.u8(HLIM, &region, 7)?;
    let source: [u8; 16] = region.array(8)?;
    walk.columns.source = Address::Ipv6(source);
    if wanted && region.captured().len() < HEADER_LEN {
        addresses::first(walk, &region, source);
    }
    let destination: [u8; 16] = region.array(24)?;
    walk.columns.destination = Address::Ipv6(destination);
    walk.carrier = Carrier {
        source: Address::Ipv6(source),
        destination: Address::Ipv6(destination),
        piece: Piece::Whole,
        quoted: walk.carrier.quoted,
    };
    if wanted {
        addresses::dissect(walk, &region, source, destination);
    }
    let rest = region.rest(HEADER_LEN);
    let len = length(walk, &rest, plen, (payload_len, next));
    let claimed = (HEADER_LEN + len).min(region.reported()) as u32;
    let rest = rest.part(0, len);
    walk.claimed = Some(claimed);
    let outcome = extension::dissect(walk, rest, next, hops);
    walk.claimed = Some(claimed);
    outcome
}

/// Says that a header ends early.
fn short(walk: &mut Walk<'_, '_>, region: &Region<'_>, added: Added) {
    walk.columns.set_info(format_args!(
        "Invalid IPv6 header ({} bytes, need exactly 40)",
        region.reported()
    ));
    walk.expert(
        added,
        INVALID_HEADER,
        (Severity::Error, Group::Malformed),
        format_args!("IPv6 header must be exactly 40 bytes"),
    );
}

/// How long the payload is: a jumbogram tells that in an option (RFC 2675).
fn length(
    walk: &mut Walk<'_, '_>,
    rest: &Region<'_>,
    node: Added,
    (payload_len, next): (u16, u8),
) -> usize {
    let mut len = usize::from(payload_len);
    if payload_len == 0 && next == 0 {
        if let Some(jumbo) = extension::jumbo_len(rest) {
            len = jumbo;
            walk.tree
                .label(node, format_args!("Payload Length: 0 (Jumbogram)"));
        } else {
            walk.columns
                .set_info(format_args!("Invalid IPv6 payload length"));
            walk.expert(
                node,
                JUMBO_MISSING,
                (Severity::Error, Group::Malformed),
                format_args!(
                    "IPv6 payload length equals 0 and Hop-By-Hop present and Jumbo Payload option missing"
                ),
            );
        }
    }
    if len > rest.reported() && walk.carrier.quoted == Quoted::No {
        walk.expert(
            node,
            PLEN_EXCEEDS,
            (Severity::Warning, Group::Protocol),
            format_args!(
                "IPv6 payload length exceeds framing length ({} bytes)",
                rest.reported()
            ),
        );
    }
    len
}

/// Says that what should be an IPv6 packet is none, by its version; it stays bytes.
pub(crate) fn not_one(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    let Ok(first) = region.u8(0) else { return };
    let place = region.place(0, 1);
    let value = Value::Uint((first >> 4).into());
    let added = walk.tree.add(THIS, region.place(0, 1), Value::None);
    walk.tree
        .label(added, format_args!("Internet Protocol Version 6"));
    walk.tree.open();
    let version = walk.tree.add(VERSION, place, value);
    walk.tree.label(
        version,
        format_args!(
            "{} = Version: {}",
            Bits::new(first.into(), 0xf0, 8),
            first >> 4
        ),
    );
    walk.tree.add_hidden(ip::VERSION, place, value);
    walk.expert(
        version,
        BOGUS_VERSION,
        (Severity::Error, Group::Malformed),
        format_args!("Bogus IPv6 version"),
    );
    walk.tree.close();
}

fn fields(walk: &mut Walk<'_, '_>, region: &Region<'_>, added: Added, first: u32) {
    let tree = &mut *walk.tree;
    if let (Ok(source), Ok(destination)) = (region.array(8), region.array(24)) {
        tree.label(
            added,
            format_args!(
                "Internet Protocol Version 6, Src: {}, Dst: {}",
                Ipv6(source),
                Ipv6(destination)
            ),
        );
    }
    let class = (first >> 20) as u8;
    let place = region.place(0, 4);
    let node = tree.add(TCLASS, place, Value::Uint(class.into()));
    tree.label(
        node,
        format_args!(
            "Traffic Class: {class:#04x} (DSCP: {}, ECN: {})",
            short_codepoint(class >> 2),
            short_congestion(class)
        ),
    );
    tree.open();
    tree.add(TCLASS_DSCP, place, Value::Uint((class >> 2).into()));
    tree.add(TCLASS_ECN, place, Value::Uint((class & 3).into()));
    tree.close();
    tree.add(
        FLOW,
        region.place(1, 3),
        Value::Uint((first & 0xf_ffff).into()),
    );
}

/// Hands on to what is behind all headers.
fn hand_on(walk: &mut Walk<'_, '_>, region: Region<'_>, next: u8, hops: u8) -> Result<(), Stop> {
    walk.end();
    if next == extension::NO_NEXT {
        walk.columns.set_info(format_args!("IPv6 no next header"));
        return data::dissect(walk, region);
    }
    ip::dissect_protocol(walk, next, region, Some(hops))
}
