//! Protocols of which the name alone is told: over Ethernet, IP and UDP. The rest of the line is
//! what the layer below says.
//!
//! Who gets what by which port or number, and what it turns down, is Wireshark's (`tshark -G decodes`,
//! and the beginnings of its dissectors).

use super::{capwap, dtls, name, names, neighbors, osi, routing, service, transport, wpan};
use crate::read::FieldId;
use crate::read::column::Address;
use crate::read::proto::text::Hex;
use crate::read::proto::{data, eth, ethertype, ip, ppp};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// A protocol that covers a region, under this name in the list.
fn tell(walk: &mut Walk<'_, '_>, protocol: FieldId, region: &Region<'_>, short: &'static str) {
    walk.columns.set_protocol(short);
    walk.begin(protocol, region, region.captured().len());
    walk.end();
}

/// The same under its own name.
fn tell_plainly(walk: &mut Walk<'_, '_>, protocol: FieldId, region: &Region<'_>) {
    tell(walk, protocol, region, protocol.protocol_info().short);
}

/// A protocol of which the list tells the whole name.
fn titled(walk: &mut Walk<'_, '_>, protocol: FieldId, region: &Region<'_>) {
    name(walk, protocol, region);
    let title = protocol.protocol_info().title;
    walk.columns.set_info(format_args!("{title}"));
}

/// Dissects a frame by its `EtherType`, if it is one of these.
pub(crate) fn frame(
    walk: &mut Walk<'_, '_>,
    ethertype: u16,
    region: &Region<'_>,
) -> Option<Result<(), Stop>> {
    let protocol = match ethertype {
        0x0842 => names::wol::THIS,
        0x8103 => names::lacp::THIS,
        0x8137 => return Some(netware(walk, region)),
        0x8808 => names::macc::THIS,
        0x8809 => names::slow::THIS,
        0x886f => names::nlb::THIS,
        0x888e | 0x88c7 => names::eapol::THIS,
        0x8892 => names::profinet::THIS,
        0x88ab => names::powerlink::THIS,
        0x88b8 => names::goose::THIS,
        0x809a => return Some(wpan::dissect(walk, *region, wpan::Fcs::Last)),
        0x88a2 => return Some(service::disk(walk, region)),
        0x88e7 => return Some(bridged(walk, region)),
        0x88cc | 0x8942 => return Some(neighbors::lldp(walk, region)),
        0x88d9 => names::lltd::THIS,
        0x88e1 => names::homeplug_av::THIS,
        0x88f7 => names::ptp::THIS,
        0x8902 => names::cfm::THIS,
        0x893a => names::ieee1905::THIS,
        0x9000 => names::ctp::THIS,
        _ => return None,
    };
    titled(walk, protocol, region);
    let bytes = region.captured();
    let first = bytes.first().copied().unwrap_or_default();
    let second = bytes.get(1).copied().unwrap_or_default();
    match protocol {
        names::slow::THIS => match first {
            1 => tell_plainly(walk, names::lacp::THIS, region),
            2 => walk.columns.set_protocol("Marker"),
            3 => walk.columns.set_protocol("OAM"),
            10 => walk.columns.set_protocol("OSSP"),
            _ => {}
        },
        names::eapol::THIS => return Some(authentication(walk, region)),
        names::ptp::THIS => precision(walk, region),
        names::profinet::THIS => {
            let id = u16::from_be_bytes([first, second]);
            walk.columns.set_protocol(match id {
                0xfefc..=0xfeff => "PN-DCP",
                0x0000..=0x00ff | 0xff00..=0xff43 => "PN-PTCP",
                _ => "PNIO",
            });
        }
        _ => {}
    }
    Some(Ok(()))
}

/// Dissects what a provider's backbone carries (IEEE 802.1ah): a service, and addresses in front of an
/// `EtherType`.
fn bridged(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 18;
    const IS_SERVICE: u32 = 0x00ff_ffff;
    tell_plainly(walk, names::bridging::THIS, region);
    let flags = region.u32(0)?;
    let (priority, service) = (flags >> 29, flags & IS_SERVICE);
    let drop = flags >> 28 & 1;
    let has_addresses = flags >> 27 & 1;
    walk.columns.set_info(format_args!(
        "PRI: {priority}  Drop: {drop}  NCA: {has_addresses}  I-SID: {service}"
    ));
    let kind = region.u16(HEADER_LEN - 2)?;
    if walk.protocols.is_full() {
        return data::dissect(walk, region.rest(HEADER_LEN));
    }
    ethertype::dissect(walk, kind, region.rest(HEADER_LEN));
    walk.claimed = None;
    Ok(())
}

/// Tells what a message of PTP is for (IEEE 1588 section 13).
fn precision(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    let bytes = region.captured();
    let first = bytes.first().copied().unwrap_or_default();
    let second = bytes.get(1).copied().unwrap_or_default();
    let is_second_version = second & 0x0f == 2;
    walk.columns.set_protocol(ptp_name(second));
    let kind = if is_second_version {
        first & 0x0f
    } else {
        // In the first version another byte tells.
        match bytes.get(32) {
            Some(2) => 8,
            Some(3) => 9,
            Some(4) => 13,
            Some(kind @ (0 | 1)) => *kind,
            _ => 0xff,
        }
    };
    let text = match kind {
        0 => "Sync Message",
        1 => "Delay_Req Message",
        2 => "Peer_Delay_Req Message",
        3 => "Peer_Delay_Resp Message",
        8 => "Follow_Up Message",
        9 => "Delay_Resp Message",
        10 => "Peer_Delay_Resp_Follow_Up Message",
        11 => "Announce Message",
        12 => "Signalling Message",
        13 => "Management Message",
        _ => "Unknown PTP Message",
    };
    walk.columns.set_info(format_args!("{text}"));
}

const fn ptp_name(second: u8) -> &'static str {
    match second & 0x0f {
        2 => "PTPv2",
        _ => "PTPv1",
    }
}

/// Dissects an EAPOL frame (IEEE 802.1X).
fn authentication(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    walk.columns.clear_info();
    let kind = region.u8(1)?;
    let text = match kind {
        0 => "EAP Packet",
        1 => "Start",
        2 => "Logoff",
        3 => "Key",
        4 => "Encapsulated ASF Alert",
        5 => "MKA",
        6 => "Announcement (Generic)",
        7 => "Announcement (Specific)",
        8 => "Announcement Request",
        _ => "",
    };
    match text {
        "" => {
            let text = format_args!("Unknown Type (0x{kind:02X})");
            walk.columns.set_info(text);
        }
        _ => walk.columns.set_info(format_args!("{text}")),
    }
    let len = usize::from(region.u16(2)?);
    let packet = region.part(HEADER_LEN, len);
    match kind {
        0 => extensible(walk, &packet),
        3 => key(walk, &packet),
        _ => Ok(()),
    }
}

/// Dissects a packet of EAP (RFC 3748).
fn extensible(walk: &mut Walk<'_, '_>, packet: &Region<'_>) -> Result<(), Stop> {
    tell_plainly(walk, names::eap::THIS, packet);
    walk.columns.clear_info();
    let code = packet.u8(0)?;
    let title = match code {
        1 => "Request",
        2 => "Response",
        3 => "Success",
        4 => "Failure",
        5 => "Initiate",
        6 => "Finish",
        _ => "Unknown code",
    };
    walk.columns.set_info(format_args!("{title}"));
    let len = packet.u16(2)?;
    if matches!(code, 1 | 2) && len > 4 {
        let method = method_name(packet.u8(4)?);
        walk.columns.append_info(format_args!(", {method}"));
    }
    Ok(())
}

/// Tells which message of a handshake a key frame is (IEEE 802.11 section 12.7), by Wireshark's rules.
fn key(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const IS_PAIRWISE: u16 = 0x0008;
    const INSTALL: u16 = 0x0040;
    const ACKNOWLEDGE: u16 = 0x0080;
    const ERROR: u16 = 0x0400;
    const REQUEST: u16 = 0x0800;
    const FIXED_LEN: usize = 77;
    if !matches!(region.u8(0)?, 2 | 254) {
        return Ok(());
    }
    let flags = region.u16(1)?;
    if flags & REQUEST != 0 {
        let error = if flags & ERROR == 0 { "" } else { ", Error" };
        walk.columns.set_info(format_args!("Key (Request{error})"));
        return Ok(());
    }
    // The length of the check depends on how the station is associated: the one that fits.
    let data_len = |check_len: usize| region.u16(FIXED_LEN + check_len);
    let fits = |check_len: &usize| {
        data_len(*check_len)
            .is_ok_and(|len| FIXED_LEN + check_len + 2 + usize::from(len) == region.reported())
    };
    let check_len = [16, 24, 32, 0].into_iter().find(fits).unwrap_or(16);
    let has_data = match (data_len(check_len)?, check_len) {
        (len, 0) => len > 16,
        (len, _) => len != 0 && len != 12,
    };
    let text = match flags & (IS_PAIRWISE | INSTALL | ACKNOWLEDGE) {
        flags if flags & IS_PAIRWISE == 0 && flags & ACKNOWLEDGE != 0 => "Group Message 1 of 2",
        flags if flags & IS_PAIRWISE == 0 => "Group Message 2 of 2",
        flags if flags & ACKNOWLEDGE != 0 && flags & INSTALL != 0 => "Message 3 of 4",
        flags if flags & ACKNOWLEDGE != 0 => "Message 1 of 4",
        _ if has_data => "Message 2 of 4",
        _ => "Message 4 of 4",
    };
    walk.columns.set_info(format_args!("Key ({text})"));
    Ok(())
}

/// Methods of EAP (IANA's registry), in Wireshark's words.
const fn method_name(kind: u8) -> &'static str {
    match kind {
        1 => "Identity",
        2 => "Notification",
        3 => "Legacy Nak (Response Only)",
        4 => "MD5-Challenge EAP (EAP-MD5-CHALLENGE)",
        5 => "One-Time Password (OTP)",
        6 => "Generic Token Card EAP (EAP-GTC)",
        13 => "TLS EAP (EAP-TLS)",
        17 => "Cisco Wireless EAP / Lightweight EAP (EAP-LEAP)",
        18 => "GSM Subscriber Identity Modules EAP (EAP-SIM)",
        21 => "Tunneled TLS EAP (EAP-TTLS)",
        23 => "UMTS Authentication and Key Agreement EAP (EAP-AKA)",
        25 => "Protected EAP (EAP-PEAP)",
        26 => "MS-EAP-Authentication EAP (EAP-MS-AUTH)",
        43 => "Flexible Authentication via Secure Tunneling EAP (EAP-FAST)",
        254 => "Expanded Type",
        _ => "Unknown",
    }
}

/// Dissects what follows Cisco's number in a SNAP header, if it is one of these.
pub(crate) fn cisco(
    walk: &mut Walk<'_, '_>,
    kind: u16,
    region: &Region<'_>,
) -> Option<Result<(), Stop>> {
    let protocol = match kind {
        0x0104 => names::pagp::THIS,
        0x0111 => return Some(neighbors::cisco(walk, names::udld::THIS, region)),
        0x2000 => return Some(neighbors::cisco(walk, names::cdp::THIS, region)),
        0x2003 => names::vtp::THIS,
        0x2004 => names::dtp::THIS,
        _ => return None,
    };
    titled(walk, protocol, region);
    Some(Ok(()))
}

/// Names a packet of Netware; its addresses are a network and a node.
pub(crate) fn netware(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    titled(walk, names::ipx::THIS, region);
    let address = |at: usize| {
        let (network, node) = (region.u32(at)?, region.slice(at + 4, 6)?);
        Ok(Address::text(&format!("{network:08x}.{}", Hex(node))))
    };
    walk.columns.destination = address(6)?;
    walk.columns.source = address(18)?;
    Ok(())
}

/// Dissects what follows the SAP of an LLC header, if it is one of these.
pub(crate) fn service(
    walk: &mut Walk<'_, '_>,
    sap: u8,
    region: &Region<'_>,
) -> Option<Result<(), Stop>> {
    const OSI: u8 = 0xfe;
    match sap {
        0xe0 | 0x10 => return Some(netware(walk, region)),
        0xf0 => titled(walk, names::netbios::THIS, region),
        OSI => return Some(osi::dissect(walk, *region)),
        _ => return None,
    }
    Some(Ok(()))
}

/// Dissects the payload of an IP packet, if its protocol is one of these.
pub(crate) fn packet(
    walk: &mut Walk<'_, '_>,
    protocol: u8,
    region: &Region<'_>,
) -> Option<Result<(), Stop>> {
    const L2TP: u8 = 115;
    let protocol = match protocol {
        33 => return Some(transport::dccp(walk, region)),
        62 | 135 => return Some(neighbors::mobility(walk, region)),
        46 => names::rsvp::THIS,
        108 => names::ipcomp::THIS,
        113 => return Some(transport::pgm(walk, region)),
        L2TP => names::l2tp::THIS,
        _ => return None,
    };
    titled(walk, protocol, region);
    if protocol == names::l2tp::THIS {
        walk.columns.set_protocol("L2TPv3");
    }
    Some(Ok(()))
}

/// Dissects an authentication header (RFC 4302); gives the next protocol, and what follows.
pub(crate) fn authentication_header<'b>(
    walk: &mut Walk<'_, '_>,
    region: &Region<'b>,
) -> Result<(u8, Region<'b>), Stop> {
    name(walk, names::ah::THIS, region);
    let (next, words) = (region.u8(0)?, region.u8(1)?);
    let index = region.u32(4)?;
    walk.columns
        .set_info(format_args!("AH (SPI=0x{index:08x})"));
    let rest = region.from((usize::from(words) + 2) * 4)?;
    Ok((next, rest))
}

/// Dissects a datagram of a port, if the port is one of these and the datagram is not turned down.
pub(crate) fn datagram(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    port: u16,
) -> Option<Result<(), Stop>> {
    let bytes = region.captured();
    let short = bytes
        .first_chunk::<2>()
        .map_or(0, |two| u16::from_be_bytes(*two));
    let word = bytes
        .first_chunk::<4>()
        .map_or(0, |four| u32::from_be_bytes(*four));
    let [first, second] = short.to_be_bytes();
    let (protocol, shown) = match port {
        13 => (names::daytime::THIS, "DAYTIME"),
        37 => (names::time::THIS, "TIME"),
        177 if short == 1 => (names::xdmcp::THIS, "XDMCP"),
        319 | 320 if matches!(second & 0x0f, 1 | 2) => {
            tell_plainly(walk, names::ptp::THIS, &region);
            precision(walk, &region);
            return Some(Ok(()));
        }
        3503 => return neighbors::mpls_echo(walk, &region),
        6696 => return Some(neighbors::babel(walk, region)),
        496 => (names::autorp::THIS, "Auto-RP"),
        513 => (names::who::THIS, "WHO"),
        521 => (names::ripng::THIS, "RIPng"),
        623 if first == 6 => (names::rmcp::THIS, rmcp_name(bytes)),
        631 => (names::cups::THIS, "CUPS"),
        1701 if matches!(second & 0x0f, 2 | 3) => return Some(tunnel(walk, &region)),
        1718 | 1719 => (names::h225::THIS, "H.225.0"),
        2055 | 9996 | 4739 if matches!(short, 1 | 5 | 7..=10) => (names::cflow::THIS, "CFLOW"),
        2427 | 2727 if is_mgcp(bytes) => (names::mgcp::THIS, "MGCP"),
        3130 => (names::icp::THIS, "ICP"),
        3671 if short == 0x0610 => (names::knxip::THIS, "KNXnet/IP"),
        4341 => return Some(located(walk, &region)),
        4342 => (names::lisp::THIS, "LISP"),
        4569 => (names::iax2::THIS, "IAX2"),
        capwap::CONTROL_PORT => return Some(capwap::control(walk, &region)),
        capwap::DATA_PORT => return Some(capwap::frame(walk, &region)),
        5350 | 5351 => match first {
            0 => return Some(service::mapping(walk, &region)),
            1 => (names::pcp::THIS, "PCP v1"),
            2 => (names::pcp::THIS, "PCP v2"),
            _ => return None,
        },
        4665 | 4672 if matches!(first, 0xc5 | 0xd4 | 0xe3..=0xe5) => {
            (names::edonkey::THIS, "eDonkey")
        }
        5678 => (names::mndp::THIS, "MNDP"),
        5683 => (names::coap::THIS, "CoAP"),
        6343 if matches!(word, 2 | 4 | 5) => return Some(service::sflow(walk, &region)),
        646 if short == 1 => return Some(routing::ldp(walk, &region)),
        8000 if first == 2 && bytes.last() == Some(&3) => (names::oicq::THIS, "OICQ"),
        11211 => (names::memcache::THIS, "MEMCACHE"),
        19132 => (names::raknet::THIS, "RakNet"),
        26000 => (names::quake::THIS, "QUAKE"),
        27500 => (names::quakeworld::THIS, "QUAKEWORLD"),
        27910 => (names::quake2::THIS, "QUAKE2"),
        27950..=27953 | 27960..=27963 => (names::quake3::THIS, "QUAKE3"),
        44818 => (names::enip::THIS, "ENIP"),
        47808 if first == 0x81 => (names::bvlc::THIS, bacnet_name(bytes)),
        54328 => (names::elasticsearch::THIS, "Elasticsearch"),
        _ => return None,
    };
    tell(walk, protocol, &region, shown);
    Some(Ok(()))
}

/// Dissects a datagram that is known by its beginning.
pub(crate) fn known(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
) -> Option<Result<(), Stop>> {
    const DHT: [&[u8]; 4] = [b"d1:ad", b"d1:rd", b"d2:ip", b"d1:el"];
    let bytes = region.captured();
    if let Some(outcome) = dtls::datagram(walk, region, stream) {
        return Some(outcome);
    }
    if DHT.iter().any(|front| bytes.starts_with(front)) {
        tell_plainly(walk, names::bt_dht::THIS, region);
        return Some(Ok(()));
    }
    if bytes.starts_with(b"BT-SEARCH * HTTP/1.1\r\n") {
        tell_plainly(walk, names::lsd::THIS, region);
        return Some(Ok(()));
    }
    if wakes(bytes) {
        tell_plainly(walk, names::wol::THIS, region);
        return Some(Ok(()));
    }
    None
}

/// Six bytes of ones, and an address sixteen times.
fn wakes(bytes: &[u8]) -> bool {
    const ONES: [u8; 6] = [0xff; 6];
    let Some(rest) = bytes.strip_prefix(&ONES) else {
        return false;
    };
    let (addresses, _) = rest.as_chunks::<6>();
    addresses.len() >= 16 && addresses[1..16].iter().all(|one| *one == addresses[0])
}

fn rmcp_name(bytes: &[u8]) -> &'static str {
    match bytes.get(3).copied().unwrap_or_default() & 0x1f {
        6 => "ASF",
        7 if bytes.get(4) == Some(&6) => "RMCP+",
        7 => "IPMB",
        _ => "RMCP",
    }
}

/// Which layer of BACnet/IP (ASHRAE 135 annex J) is the last one of a datagram.
fn bacnet_name(bytes: &[u8]) -> &'static str {
    const IS_NETWORK_MESSAGE: u8 = 0x80;
    let function = bytes.get(1).copied().unwrap_or_default();
    let at = match function {
        4 => 10,
        9..=11 => 4,
        _ => return "BVLC",
    };
    match bytes.get(at + 1) {
        Some(control) if control & IS_NETWORK_MESSAGE == 0 => "BACnet-APDU",
        _ => "BACnet-NPDU",
    }
}

/// A verb of MGCP (RFC 3435), or the three digits of an answer.
fn is_mgcp(bytes: &[u8]) -> bool {
    const VERBS: [&[u8; 4]; 9] = [
        b"EPCF", b"CRCX", b"MDCX", b"DLCX", b"RQNT", b"NTFY", b"AUEP", b"AUCX", b"RSIP",
    ];
    let Some(front) = bytes.first_chunk::<4>() else {
        return false;
    };
    VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(front))
        || front[..3].iter().all(u8::is_ascii_digit)
}

/// Dissects a message of L2TP (RFC 2661): frames of PPP, or about them.
fn tunnel(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const IS_CONTROL: u16 = 0x8000;
    const HAS_LENGTH: u16 = 0x4000;
    const HAS_SEQUENCE: u16 = 0x0800;
    const HAS_OFFSET: u16 = 0x0200;
    let flags = region.u16(0)?;
    if flags & IS_CONTROL != 0 {
        let shown = if flags & 0x0f == 3 { "L2TPv3" } else { "L2TP" };
        tell(walk, names::l2tp::THIS, region, shown);
        return Ok(());
    }
    let mut len = 6;
    if flags & HAS_LENGTH != 0 {
        len += 2;
    }
    if flags & HAS_SEQUENCE != 0 {
        len += 4;
    }
    if flags & HAS_OFFSET != 0 {
        len += 2 + usize::from(region.u16(len)?);
    }
    tell_plainly(walk, names::l2tp::THIS, region);
    let rest = region.from(len)?;
    if rest.reported() == 0 {
        return Ok(());
    }
    ppp::dissect_hdlc(walk, rest)
}

/// Dissects a packet in a tunnel of LISP (RFC 9300).
fn located(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    tell_plainly(walk, names::lisp::THIS, region);
    let rest = region.from(HEADER_LEN)?;
    match rest.u8(0).map(|first| first >> 4) {
        Ok(4 | 6) => ip::dissect_by_version(walk, rest),
        _ => data::dissect(walk, rest),
    }
}

/// Dissects an Ethernet frame that a sensor sent on (`TaZmen` Sniffer Protocol).
pub(crate) fn sniffed(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    const END: u8 = 1;
    const PADDING: u8 = 0;
    const ETHERNET: u16 = 1;
    let carried = region.u16(2)?;
    let mut at = HEADER_LEN;
    loop {
        match region.u8(at)? {
            END => break,
            PADDING => at += 1,
            _ => at += 2 + usize::from(region.u8(at + 1)?),
        }
    }
    let rest = region.from(at + 1)?;
    walk.columns.clear_info();
    match carried {
        ETHERNET => eth::dissect(walk, rest, eth::Fcs::None),
        _ => data::dissect(walk, rest),
    }
}
