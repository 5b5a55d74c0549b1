//! UDP (RFC 768), as by Wireshark's `packet-udp.c`.

use super::checksum::{self, Status, Sum};
use super::expert::{Group, Severity};
use super::names::ip::checksum_status;
use super::{
    data, dhcp, dhcpv6, dns, geneve, gre, gtp, http, mpls, nbns, ntp, pfcp, quic, radius, rip,
    stun, syslog, vxlan,
};
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::memory::{Datagrams, Key};
use crate::read::print::text::decimal;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
use crate::read::walk::{Piece, Quoted, Walk};

protocol! {
    11, "udp", "UDP", "User Datagram Protocol";
    SRCPORT: "udp.srcport", "Source Port", Uint(16), Dec;
    DSTPORT: "udp.dstport", "Destination Port", Uint(16), Dec;
    PORT: "udp.port", "Source or Destination Port", Uint(16), Dec;
    LENGTH: "udp.length", "Length", Uint(16), Dec;
    CHECKSUM: "udp.checksum", "Checksum", Uint(16), Hex;
    CHECKSUM_CALCULATED: "udp.checksum_calculated", "Calculated Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "udp.checksum.status", "Checksum Status", Uint(8), Dec, names = checksum_status;
    STREAM: "udp.stream", "Stream index", Uint(32), Dec;
    TIME_RELATIVE: "udp.time_relative", "Time since first frame", RelativeTime;
    TIME_DELTA: "udp.time_delta", "Time since previous frame", RelativeTime;
    PAYLOAD: "udp.payload", "Payload", Bytes;
    LENGTH_BAD: "udp.length.bad", "Bad length value", None;
    CHECKSUM_ZERO: "udp.checksum.zero", "Illegal checksum value (0)", None;
    CHECKSUM_BAD: "udp.checksum.bad", "Bad checksum", None;
    POSSIBLE_TRACEROUTE: "udp.possible_traceroute", "Possible traceroute", None;
}

const HEADER_LEN: usize = 8;
const NUMBER: u8 = 17;

/// Dissects a UDP datagram. What carries it has said so in [`Walk::carrier`].
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("UDP");
    let added = walk.begin(THIS, &region, HEADER_LEN.min(region.captured().len()));
    let (source, destination) = (region.u16(0)?, region.u16(2)?);
    // Every datagram comes by here, so numbers do not go through the formatting machinery.
    walk.columns.clear_info();
    let info = &mut walk.columns.info;
    decimal(info, source);
    info.push_str(" → ");
    decimal(info, destination);
    walk.tree.label(
        added,
        format_args!("User Datagram Protocol, Src Port: {source}, Dst Port: {destination}"),
    );
    if walk.tree.wants_any_of(THIS.protocol) {
        for (field, offset, port) in [(SRCPORT, 0, source), (DSTPORT, 2, destination)] {
            let value = Value::Uint(port.into());
            walk.tree.add(field, region.place(offset, 2), value);
        }
        for (offset, port) in [(0, source), (2, destination)] {
            let value = Value::Uint(port.into());
            walk.tree.add_hidden(PORT, region.place(offset, 2), value);
        }
    }
    let Some(len) = length(walk, &region)? else {
        walk.end();
        return Ok(());
    };
    let whole = walk.carrier.piece == Piece::Whole;
    let region = if len < region.reported() {
        region.part(0, len)
    } else {
        region
    };
    let sent = region.u16(6)?;
    if walk.tree.wants_any_of(THIS.protocol) {
        checksum(walk, &region, sent, len, whole);
    }
    let stream = stream(walk, source, destination);
    let payload = region.rest(HEADER_LEN);
    if !payload.captured().is_empty() && walk.tree.wants(PAYLOAD) {
        let bytes = payload.reported();
        let node = walk.bytes(PAYLOAD, &payload);
        let plural = if bytes == 1 { "byte" } else { "bytes" };
        walk.tree
            .label(node, format_args!("UDP payload ({bytes} {plural})"));
    }
    walk.end();
    walk.columns.info.push_str(" Len=");
    decimal(&mut walk.columns.info, len - HEADER_LEN);
    if payload.reported() == 0 {
        return Ok(());
    }
    hand_on(walk, payload, stream, [source, destination])
}

/// The length that the header says; `None` if it cannot be one.
fn length(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<Option<usize>, Stop> {
    let said = region.u16(4)?;
    let node = walk
        .tree
        .add(LENGTH, region.place(4, 2), Value::Uint(said.into()));
    // A jumbogram says 0 (RFC 2675 section 4).
    let len = match said {
        0 if matches!(walk.carrier.source, Address::Ipv6(_)) => region.reported(),
        said => usize::from(said),
    };
    let bad = (Severity::Error, Group::Malformed);
    if len < HEADER_LEN {
        walk.tree.label(
            node,
            format_args!("Length: {said} (bogus, must be >= {HEADER_LEN})"),
        );
        walk.expert(
            node,
            LENGTH_BAD,
            bad,
            format_args!("Bad length value {said} < 8"),
        );
        walk.columns
            .append_info(format_args!(" [BAD UDP LENGTH {said} < 8]"));
        return Ok(None);
    }
    let cut = walk.carrier.piece == Piece::Fragment || walk.carrier.quoted != Quoted::No;
    if len > region.reported() && !cut {
        let room = region.reported();
        walk.expert(
            node,
            LENGTH_BAD,
            bad,
            format_args!("Bad length value {said} > IP payload length"),
        );
        walk.tree.label(
            node,
            format_args!("Length: {said} (bogus, payload length {room})"),
        );
        walk.columns
            .append_info(format_args!(" [BAD UDP LENGTH {said} > IP PAYLOAD LENGTH]"));
    }
    Ok(Some(len))
}

fn checksum(walk: &mut Walk<'_, '_>, region: &Region<'_>, sent: u16, len: usize, whole: bool) {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Below(CHECKSUM_CALCULATED),
        bad: CHECKSUM_BAD,
        hint: " (maybe caused by \"UDP checksum offload\"?)",
    };
    if sent == 0 {
        let is_ipv4 = matches!(walk.carrier.source, Address::Ipv4(_));
        let added = walk.tree.add(CHECKSUM, region.place(6, 2), Value::Uint(0));
        if is_ipv4 {
            walk.tree
                .label(added, format_args!("Checksum: 0x0000 [zero-value ignored]"));
            walk.tree.open();
            walk.checksum_status(CHECKSUM_STATUS, Status::NotPresent);
            walk.tree.close();
        } else {
            walk.tree
                .label(added, format_args!("Checksum: 0x0000 [Illegal]"));
            walk.expert(
                added,
                CHECKSUM_ZERO,
                (Severity::Error, Group::Checksum),
                format_args!("Illegal checksum value (0)"),
            );
            let status = walk.tree.add_generated(CHECKSUM_STATUS, Value::Uint(4));
            walk.tree
                .label(status, format_args!("Checksum Status: Illegal"));
        }
        return;
    }
    let bytes = region.slice(0, len).ok();
    let bytes = bytes.filter(|_| whole && walk.preferences.udp_check_checksum);
    let carrier = walk.carrier;
    let folded = bytes.map(|bytes| {
        Sum::default()
            .pseudo(carrier.source, carrier.destination, NUMBER, len as u32)
            .add(bytes)
            .fold()
    });
    walk.checksum(FIELDS, region, 6, sent, folded);
}

/// The number of the stream, and how long ago its first and its last datagram were.
fn stream(walk: &mut Walk<'_, '_>, source: u16, destination: u16) -> u32 {
    let carrier = walk.carrier;
    let now = walk.frame.packet.meta.ts.0;
    let (key, _) = Key::new((carrier.source, source), (carrier.destination, destination));
    let found = walk.memory.udp.find(key, |_| Datagrams {
        first: now,
        last: now,
    });
    let times = walk.memory.udp.at(found.place);
    let Datagrams { first, last } = *times;
    let counted = carrier.quoted == Quoted::No;
    if counted {
        times.last = now;
    }
    let tree = &mut *walk.tree;
    if !tree.wants_any_of(THIS.protocol) {
        return found.number;
    }
    tree.add_generated(STREAM, Value::Uint(found.number.into()));
    if !counted {
        return found.number;
    }
    let since = |then: u64| Value::Span(now.wrapping_sub(then).cast_signed());
    let heading = tree.heading(Place::default(), format_args!("Timestamps"));
    tree.set_generated(heading);
    tree.open();
    tree.add_generated(TIME_RELATIVE, since(first));
    tree.add_generated(TIME_DELTA, since(last));
    tree.close();
    found.number
}

/// By the ports, the lower one first.
fn hand_on(
    walk: &mut Walk<'_, '_>,
    payload: Region<'_>,
    stream: u32,
    [source, destination]: [u16; 2],
) -> Result<(), Stop> {
    for port in [source.min(destination), source.max(destination)] {
        match port {
            geneve::PORT => return geneve::dissect(walk, payload),
            gtp::PORT => return gtp::dissect(walk, payload),
            gre::PORT => return gre::dissect(walk, payload),
            mpls::PORT => return mpls::dissect(walk, payload),
            vxlan::PORT => return vxlan::dissect(walk, payload),
            dns::PORT => return dns::dissect(walk, payload, dns::Flavor::Dns, stream),
            dns::MDNS_PORT => return dns::dissect(walk, payload, dns::Flavor::Mdns, stream),
            dns::LLMNR_PORT => return dns::dissect(walk, payload, dns::Flavor::Llmnr, stream),
            http::SSDP_PORT => return http::ssdp(walk, payload),
            nbns::PORT => return nbns::dissect(walk, payload),
            ntp::PORT => return ntp::dissect(walk, payload),
            pfcp::PORT => return pfcp::dissect(walk, payload),
            rip::PORT => return rip::dissect(walk, payload),
            syslog::PORT => return syslog::dissect(walk, payload),
            port if radius::PORTS.contains(&port) => return radius::dissect(walk, payload),
            port if dhcpv6::PORTS.contains(&port) => return dhcpv6::dissect(walk, payload),
            port if dhcp::PORTS.contains(&port) => {
                return dhcp::dissect(walk, payload, [source, destination]);
            }
            _ => {}
        }
    }
    if stun::recognizes(&payload) {
        return stun::dissect(walk, payload);
    }
    if quic::dissect(walk, &payload, stream, [source, destination])? {
        return Ok(());
    }
    data::dissect(walk, payload)
}
