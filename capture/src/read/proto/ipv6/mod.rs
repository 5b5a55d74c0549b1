//! IPv6 (RFC 8200), as by Wireshark's `packet-ipv6.c`.

pub(crate) mod extension;

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
    HOPOPTS_NXT: "ipv6.hopopts.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    HOPOPTS_LEN: "ipv6.hopopts.len", "Length", Uint(8), Dec;
    HOPOPTS_LEN_OCT: "ipv6.hopopts.len_oct", "Length", Uint(16), Dec;
    DSTOPTS_NXT: "ipv6.dstopts.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    DSTOPTS_LEN: "ipv6.dstopts.len", "Length", Uint(8), Dec;
    DSTOPTS_LEN_OCT: "ipv6.dstopts.len_oct", "Length", Uint(16), Dec;
    ROUTING_NXT: "ipv6.routing.nxt", "Next Header", Uint(8), Dec, names = protocol_name;
    ROUTING_LEN: "ipv6.routing.len", "Length", Uint(8), Dec;
    ROUTING_LEN_OCT: "ipv6.routing.len_oct", "Length", Uint(16), Dec;
    ROUTING_TYPE: "ipv6.routing.type", "Type", Uint(8), Dec, names = extension::routing_name;
    ROUTING_SEGLEFT: "ipv6.routing.segleft", "Segments Left", Uint(8), Dec;
    ROUTING_ADDR: "ipv6.routing.src.addr", "Address", Ipv6;
    ROUTING_DATA: "ipv6.routing.unknown_data", "Type-Specific Data", Bytes;
    FRAGHDR_NXT: "ipv6.fraghdr.nxt", "Next header", Uint(8), Dec, names = protocol_name;
    FRAGHDR_RESERVED: "ipv6.fraghdr.reserved_octet", "Reserved octet", Uint(8), Hex;
    FRAGHDR_OFFSET: "ipv6.fraghdr.offset", "Offset", Uint(16), Dec, mask = 0xfff8;
    FRAGHDR_RESERVED_BITS: "ipv6.fraghdr.reserved_bits", "Reserved bits", Uint(16), Dec, mask = 0x0006;
    FRAGHDR_MORE: "ipv6.fraghdr.more", "More Fragments", Bool, None, mask = 0x0001, bits = 16, names = extension::yes;
    FRAGHDR_IDENT: "ipv6.fraghdr.ident", "Identification", Uint(32), Hex;
    OPT: "ipv6.opt", "IPv6 Option", None;
    OPT_TYPE: "ipv6.opt.type", "Type", Uint(8), Hex, names = extension::option_name;
    OPT_ACTION: "ipv6.opt.type.action", "Action", Uint(8), Dec, mask = 0xc0, names = extension::action_name;
    OPT_CHANGE: "ipv6.opt.type.change", "May Change", Bool, None, mask = 0x20, names = extension::yes;
    OPT_REST: "ipv6.opt.type.rest", "Low-Order Bits", Uint(8), Hex, mask = 0x1f;
    OPT_LENGTH: "ipv6.opt.length", "Length", Uint(8), Dec;
    OPT_PAD1: "ipv6.opt.pad1", "Pad1", None;
    OPT_PADN: "ipv6.opt.padn", "PadN", Bytes, MayBeNone;
    OPT_ALERT: "ipv6.opt.router_alert", "Router Alert", Uint(16), Dec, names = extension::alert_name;
    OPT_TEL: "ipv6.opt.tel", "Tunnel Encapsulation Limit", Uint(8), Dec;
    OPT_JUMBO: "ipv6.opt.jumbo", "Payload Length", Uint(32), Dec;
    OPT_HOME: "ipv6.opt.mipv6.home_address", "MIPv6 Home Address", Ipv6;
    OPT_DATA: "ipv6.opt.unknown", "Unknown Option Payload", Bytes;
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
    walk.columns.set_protocol("IPv6");
    walk.columns.clear_info();
    let first = region.u32(0)?;
    let added = walk.begin(THIS, &region, HEADER_LEN.min(region.captured().len()));
    let version = walk.tree.add(
        VERSION,
        region.place(0, 1),
        Value::Uint((first >> 28).into()),
    );
    walk.tree.label(
        version,
        format_args!(
            "{} = Version: {}",
            Bits::new((first >> 24).into(), 0xf0, 8),
            first >> 28
        ),
    );
    let hidden = walk.tree.add_hidden(
        ip::VERSION,
        region.place(0, 1),
        Value::Uint((first >> 28).into()),
    );
    walk.tree
        .label(hidden, format_args!("Version: {}", first >> 28));
    if first >> 28 != 6 {
        walk.columns.set_info(format_args!(
            "Bogus IPv6 version ({}, must be 6)",
            first >> 28
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
    let (payload_len, next, hops) = (region.u16(4)?, region.u8(6)?, region.u8(7)?);
    let source: [u8; 16] = region.array(8)?;
    walk.columns.source = Address::Ipv6(source);
    let destination: [u8; 16] = region.array(24)?;
    walk.columns.destination = Address::Ipv6(destination);
    walk.carrier = Carrier {
        source: Address::Ipv6(source),
        destination: Address::Ipv6(destination),
        piece: Piece::Whole,
        quoted: walk.carrier.quoted,
    };
    let rest = region.rest(HEADER_LEN);
    // A jumbogram tells its length in an option (RFC 2675); else the frame has to tell.
    let len = match payload_len {
        0 if next == 0 => extension::jumbo_len(&rest).unwrap_or(0),
        len => usize::from(len),
    };
    if walk.tree.wants_any_of(THIS.protocol) {
        fields(walk, &region, added, first);
        let node = walk
            .tree
            .add(PLEN, region.place(4, 2), Value::Uint(payload_len.into()));
        if len > rest.reported() && walk.carrier.quoted == Quoted::No {
            walk.expert(
                node,
                PLEN_EXCEEDS,
                (Severity::Warning, Group::Protocol),
                format_args!("IPv6 payload length does not match expected framing length"),
            );
        }
        walk.u8(NXT, &region, 6)?;
        walk.u8(HLIM, &region, 7)?;
        addresses(walk, &region, source, destination);
    }
    let claimed = (HEADER_LEN + len).min(region.reported()) as u32;
    let rest = rest.part(0, len);
    walk.claimed = Some(claimed);
    let outcome = extension::dissect(walk, rest, next, hops);
    walk.claimed = Some(claimed);
    outcome
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

fn addresses(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    source: [u8; 16],
    destination: [u8; 16],
) {
    let tree = &mut *walk.tree;
    let both = [
        (SRC, SRC_HOST, SRC_SLAAC_MAC, 8, source),
        (DST, DST_HOST, DST_SLAAC_MAC, 24, destination),
    ];
    for (field, host, _, offset, address) in both {
        let place = region.place(offset, 16);
        tree.add(field, place, Value::Ipv6(address));
        tree.add_hidden(ADDR, place, Value::Ipv6(address));
        for host in [host, HOST] {
            let hidden = tree.add_formatted(host, place, format_args!("{}", Ipv6(address)));
            tree.set_hidden(hidden);
            tree.set_generated(hidden);
        }
    }
    for (_, _, field, offset, address) in both {
        // An interface identifier made of a MAC address (RFC 4291, appendix A).
        let [.., first, second, third, 0xff, 0xfe, x, y, z] = address else {
            continue;
        };
        if first & 2 == 0 {
            continue;
        }
        let value = Value::Ether([first ^ 2, second, third, x, y, z]);
        let place = region.place(offset + 8, 8);
        let added = tree.add(field, place, value);
        tree.set_generated(added);
        let hidden = tree.add_hidden(SLAAC_MAC, place, value);
        tree.set_generated(hidden);
    }
}

/// Hands on to what is behind all headers.
fn hand_on(walk: &mut Walk<'_, '_>, region: Region<'_>, next: u8, hops: u8) -> Result<(), Stop> {
    walk.end();
    if next == extension::NO_NEXT {
        walk.columns.set_info(format_args!("IPv6 no next header"));
        return super::data::dissect(walk, region);
    }
    ip::dissect_protocol(walk, next, region, hops)
}
