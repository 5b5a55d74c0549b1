//! UDP (RFC 768), as by Wireshark's `packet-udp.c`.

use super::checksum::{self, Status, Sum};
use super::expert::{Group, Severity};
use super::names::ip::checksum_status;
use super::{
    brief, data, dhcp, dhcpv6, dns, geneve, gre, gtp, http, mpls, nbns, ntp, pfcp, quic, radius,
    rip, stun, syslog, vxlan,
};
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::memory::{Counts, Key, Stream};
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
    PDU_SIZE: "udp.pdu.size", "PDU Size", Uint(32), Dec;
    LENGTH_BAD_ZERO: "udp.length.bad_zero", "Length is zero but payload < 65536", None;
    LENGTH_BAD: "udp.length.bad", "Bad length value", None;
    CHECKSUM_ZERO: "udp.checksum.zero", "Illegal checksum value (0)", None;
    CHECKSUM_BAD: "udp.checksum.bad", "Bad checksum", None;
    POSSIBLE_TRACEROUTE: "udp.possible_traceroute", "Possible traceroute", None;
}

/// UDP-Lite (RFC 3828): what is UDP's length is how much the checksum covers.
pub(crate) mod lite {
    use crate::read::field::protocol;

    protocol! {
        39, "udplite", "UDP-Lite", "Lightweight User Datagram Protocol";
        COVERAGE: "udp.checksum_coverage", "Checksum coverage", Uint(16), Dec;
        COVERAGE_BAD: "udplite.checksum_coverage.bad", "Bad checksum coverage length value", None;
    }
}

const HEADER_LEN: usize = 8;
const NUMBER: u8 = 17;

/// Which of the two protocols it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// UDP.
    Udp,
    /// UDP-Lite.
    Lite,
}

/// Dissects a UDP datagram. What carries it has said so in [`Walk::carrier`].
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    dissect_flavor(walk, region, Flavor::Udp)
}

/// Dissects a datagram of either protocol.
pub(crate) fn dissect_flavor(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    flavor: Flavor,
) -> Result<(), Stop> {
    let (protocol, short, title) = match flavor {
        Flavor::Udp => (THIS, "UDP", "User Datagram Protocol"),
        Flavor::Lite => (lite::THIS, "UDP-Lite", lite::PROTOCOL.title),
    };
    walk.enter(protocol);
    let (source, destination) = (region.u16(0)?, region.u16(2)?);
    walk.columns.set_protocol(short);
    // Every datagram comes by here, so numbers do not go through the formatting machinery.
    walk.columns.clear_info();
    let info = &mut walk.columns.info;
    decimal(info, source);
    info.push_str(" → ");
    decimal(info, destination);
    let added = walk.node(protocol, &region, HEADER_LEN.min(region.captured().len()));
    walk.tree.label(
        added,
        format_args!("{title}, Src Port: {source}, Dst Port: {destination}"),
    );
    if walk.tree.wants_any_of(THIS.protocol) {
        ports(walk, &region, [source, destination]);
    }
    let len = match flavor {
        Flavor::Udp => length(walk, &region)?,
        Flavor::Lite => Some(coverage(walk, &region)?),
    };
    let Some(len) = len else {
        walk.end();
        return Ok(());
    };
    walk.columns.info.push_str(" Len=");
    // Of a UDP-Lite datagram that is shorter than its header, Wireshark's number wraps around.
    let payload_len = (len as u32).wrapping_sub(HEADER_LEN as u32) as usize;
    decimal(&mut walk.columns.info, payload_len);
    if flavor == Flavor::Udp && region.u16(4)? == 0 {
        walk.columns.append_info(format_args!(" [Jumbogram]"));
    }
    checksum(walk, &region, flavor, len)?;
    let stream = stream(walk, [source, destination], payload_len);
    if payload_len == 0 {
        walk.end();
        return Ok(());
    }
    let is_quoted = walk.carrier.quoted != Quoted::No;
    if !is_quoted {
        timestamps(walk, &stream);
    }
    if is_quoted && region.captured().len() <= HEADER_LEN {
        walk.end();
        return Ok(());
    }
    let rest = region.from(HEADER_LEN)?;
    // A payload of which nothing was captured is not told at all.
    rest.u8(0)?;
    let payload = rest.part(0, payload_len);
    if walk.tree.wants(PAYLOAD) {
        let bytes = payload.captured().len();
        let node = walk.bytes(PAYLOAD, &rest);
        let plural = if bytes == 1 { "byte" } else { "bytes" };
        walk.tree
            .label(node, format_args!("UDP payload ({bytes} {plural})"));
    }
    walk.end();
    hand_on(walk, payload, stream.number, [source, destination])
}

fn ports(walk: &mut Walk<'_, '_>, region: &Region<'_>, ports: [u16; 2]) {
    let [source, destination] = ports.map(|port| Value::Uint(port.into()));
    let both = [(SRCPORT, 0, source), (DSTPORT, 2, destination)];
    let added = both.map(|(field, at, port)| walk.tree.add(field, region.place(at, 2), port));
    for (_, at, port) in both {
        walk.tree.add_hidden(PORT, region.place(at, 2), port);
    }
    for (node, port) in added.into_iter().zip(ports) {
        // What traceroute counts up from, three datagrams to a hop.
        if let Some(place @ 0..30) = port.checked_sub(32768 + 666 + 1) {
            let (hop, attempt) = (place / 3 + 1, place % 3 + 1);
            walk.expert(
                node,
                POSSIBLE_TRACEROUTE,
                (Severity::Chat, Group::Sequence),
                format_args!("Possible traceroute: hop #{hop}, attempt #{attempt}"),
            );
        }
    }
}

/// The length that the header says; `None` if it cannot be one.
fn length(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<Option<usize>, Stop> {
    let said = region.u16(4)?;
    let node = walk
        .tree
        .add(LENGTH, region.place(4, 2), Value::Uint(said.into()));
    // A jumbogram says 0 (RFC 2675 section 4).
    let is_jumbo = said == 0 && matches!(walk.carrier.source, Address::Ipv6(_));
    let len = if is_jumbo {
        region.reported()
    } else {
        usize::from(said)
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
            format_args!("Bad length value {len} < 8"),
        );
        walk.columns
            .append_info(format_args!(" [BAD UDP LENGTH {len} < 8]"));
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
    if is_jumbo && len < 0x1_0000 {
        walk.expert(
            node,
            LENGTH_BAD_ZERO,
            (Severity::Warning, Group::Protocol),
            format_args!("Length is zero but payload < 65536"),
        );
    }
    Ok(Some(len))
}

/// How much the checksum of UDP-Lite covers, which is not checked.
fn coverage(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<usize, Stop> {
    let said = region.u16(4)?;
    let node = walk
        .tree
        .add(lite::COVERAGE, region.place(4, 2), Value::Uint(said.into()));
    let datagram = region.reported();
    let value = Value::Uint(datagram as u64);
    let added = walk.tree.add(LENGTH, region.place(4, 0), value);
    walk.tree.set_generated(added);
    let covered = match said {
        0 => datagram,
        said => usize::from(said),
    };
    if !(HEADER_LEN..=datagram).contains(&covered) {
        walk.tree.label(
            node,
            format_args!("Checksum coverage: {said} (bogus, must be >= 8 and <= {datagram})"),
        );
        walk.expert(
            node,
            lite::COVERAGE_BAD,
            (Severity::Error, Group::Malformed),
            format_args!("Bad checksum coverage length value {covered} < 8 or > {datagram}"),
        );
        walk.columns.append_info(format_args!(
            " [BAD LIGHTWEIGHT UDP CHECKSUM COVERAGE LENGTH {covered} < 8 or > {datagram}]"
        ));
    }
    Ok(datagram)
}

fn checksum(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    flavor: Flavor,
    len: usize,
) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Below(CHECKSUM_CALCULATED),
        bad: CHECKSUM_BAD,
        how: (Severity::Error, Group::Checksum),
        hint: " (maybe caused by \"UDP checksum offload\"?)",
        zero: 0xffff,
    };
    let sent = region.u16(6)?;
    if sent == 0 {
        no_checksum(walk, region, flavor);
        return Ok(());
    }
    let checked = flavor == Flavor::Udp && walk.preferences.udp_check_checksum;
    let wanted = checked || walk.tree.wants_any_of(THIS.protocol);
    if !wanted {
        return Ok(());
    }
    let carrier = walk.carrier;
    let whole = checked && carrier.piece == Piece::Whole && !region.is_cut();
    let bytes = region.slice(0, len).ok().filter(|_| whole);
    let folded = bytes.map(|bytes| {
        let len = len as u32;
        Sum::default()
            .pseudo(carrier.source, carrier.destination, NUMBER, len)
            .add(bytes)
            .fold()
    });
    let (_, status) = walk.checksum(FIELDS, region, 6, sent, folded);
    if status == Status::Bad {
        walk.columns
            .append_info(format_args!(" [UDP CHECKSUM INCORRECT]"));
    }
    Ok(())
}

/// Without one: allowed over IPv4 alone, and in UDP alone.
fn no_checksum(walk: &mut Walk<'_, '_>, region: &Region<'_>, flavor: Flavor) {
    let is_allowed = flavor == Flavor::Udp && matches!(walk.carrier.source, Address::Ipv4(_));
    let added = walk.tree.add(CHECKSUM, region.place(6, 2), Value::Uint(0));
    if is_allowed || walk.carrier.quoted != Quoted::No {
        walk.tree
            .label(added, format_args!("Checksum: 0x0000 [zero-value ignored]"));
        walk.tree.open();
        walk.checksum_status(CHECKSUM_STATUS, Status::NotPresent);
        walk.tree.close();
        return;
    }
    walk.tree
        .label(added, format_args!("Checksum: 0x0000 [zero-value illegal]"));
    walk.expert(
        added,
        CHECKSUM_ZERO,
        (Severity::Error, Group::Checksum),
        format_args!("Illegal checksum value (0)"),
    );
    walk.columns
        .append_info(format_args!(" [ILLEGAL CHECKSUM (0)]"));
    walk.tree.open();
    let status = walk.tree.add_generated(CHECKSUM_STATUS, Value::Uint(4));
    walk.tree
        .label(status, format_args!("Checksum Status: Illegal"));
    walk.tree.close();
}

/// Finds the stream. Datagrams that carry nothing, and those that an error quotes, are not its last.
fn stream(walk: &mut Walk<'_, '_>, [source, destination]: [u16; 2], payload_len: usize) -> Stream {
    let counts = match (walk.carrier.quoted, payload_len) {
        (Quoted::No, 1..) => Counts::Yes,
        _ => Counts::No,
    };
    let carrier = walk.carrier;
    let now = walk.frame.packet.meta.ts.0;
    let (key, _) = Key::new((carrier.source, source), (carrier.destination, destination));
    let pass = walk.memory.pass;
    let stream = walk.memory.udp.find(key, now, counts, pass);
    walk.tree
        .add_generated(STREAM, Value::Uint(stream.number.into()));
    stream
}

/// How long ago the first and the last datagram of the stream were.
fn timestamps(walk: &mut Walk<'_, '_>, stream: &Stream) {
    let now = walk.frame.packet.meta.ts.0;
    let tree = &mut *walk.tree;
    if !tree.wants_any_of(THIS.protocol) {
        return;
    }
    let since = |then: u64| Value::Span(now.wrapping_sub(then).cast_signed());
    let heading = tree.heading(Place::default(), format_args!("Timestamps"));
    tree.set_generated(heading);
    tree.open();
    tree.add_generated(TIME_RELATIVE, since(stream.first));
    tree.add_generated(TIME_DELTA, since(stream.last));
    tree.close();
}

/// Names of the protocols that `-d` can choose.
pub(crate) const DECODABLE: &[&str] = &[
    "data", "dhcp", "dhcpv6", "dns", "geneve", "gtp", "llmnr", "mdns", "mpls", "nbns", "ntp",
    "pfcp", "quic", "radius", "rip", "ssdp", "stun", "syslog", "vxlan",
];

/// To the protocol that `-d` calls so.
fn decode_as(
    walk: &mut Walk<'_, '_>,
    payload: Region<'_>,
    stream: u32,
    ports: [u16; 2],
    name: &str,
) -> Result<(), Stop> {
    match name {
        "dhcp" => dhcp::dissect(walk, payload, ports),
        "dns" => dns::dissect(walk, payload, dns::Flavor::Dns, stream),
        "dhcpv6" => dhcpv6::dissect(walk, payload),
        "nbns" => nbns::dissect(walk, payload),
        "pfcp" => pfcp::dissect(walk, payload),
        "radius" => radius::dissect(walk, payload),
        "rip" => rip::dissect(walk, payload),
        "stun" if stun::recognizes(&payload) => stun::dissect(walk, payload),
        "syslog" => syslog::dissect(walk, payload),
        "geneve" => geneve::dissect(walk, payload),
        "gtp" => gtp::dissect(walk, payload),
        "llmnr" => dns::dissect(walk, payload, dns::Flavor::Llmnr, stream),
        "mdns" => dns::dissect(walk, payload, dns::Flavor::Mdns, stream),
        "mpls" => mpls::dissect(walk, payload),
        "ntp" => ntp::dissect(walk, payload),
        "quic" if quic::dissect(walk, &payload, stream, ports)? => Ok(()),
        "ssdp" => http::ssdp(walk, payload),
        "vxlan" => vxlan::dissect(walk, payload),
        _ => data::dissect(walk, payload),
    }
}

/// By the ports, the lower one first.
fn hand_on(
    walk: &mut Walk<'_, '_>,
    payload: Region<'_>,
    stream: u32,
    [source, destination]: [u16; 2],
) -> Result<(), Stop> {
    if let Some(name) = walk.preferences.decode_as.udp([source, destination]) {
        return decode_as(walk, payload, stream, [source, destination], name);
    }
    walk.memory.brief.datagram_stream = stream;
    if walk.memory.brief.is_stun(stream)
        && let Some(outcome) = stun::known(walk, &payload, stream)
    {
        return outcome;
    }
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
            port => {
                if let Some(outcome) =
                    brief::udp::of_port(walk, payload, port, [source, destination])
                {
                    return outcome;
                }
            }
        }
    }
    if let Some(outcome) = stun::known(walk, &payload, stream) {
        return outcome;
    }
    if quic::dissect(walk, &payload, stream, [source, destination])? {
        return Ok(());
    }
    if let Some(outcome) = stun::classic(walk, &payload) {
        return outcome;
    }
    if quic::google::dissect(walk, &payload, stream, [source, destination])? {
        return Ok(());
    }
    if let Some(outcome) = brief::udp::by_content(walk, payload, stream, [source, destination]) {
        return outcome;
    }
    // Wireshark asks it nearly last of all.
    if dns::recognizes(&payload)? {
        return dns::dissect(walk, payload, dns::Flavor::Dns, stream);
    }
    data::dissect_outside(walk, payload)
}
