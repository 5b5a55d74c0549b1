//! Names of ICMP types and codes (IANA; words as Wireshark has them).

use std::borrow::Cow;

use crate::read::proto::names::pick;

/// Name of a type in the tree.
pub(super) const fn type_name(kind: u8) -> &'static str {
    match kind {
        0 => "Echo (ping) reply",
        1 | 2 => "Reserved",
        3 => "Destination unreachable",
        4 => "Source quench (flow control)",
        5 => "Redirect",
        6 => "Alternate host address",
        8 => "Echo (ping) request",
        9 => "Router advertisement",
        10 => "Router solicitation",
        11 => "Time-to-live exceeded",
        12 => "Parameter problem",
        13 => "Timestamp request",
        14 => "Timestamp reply",
        15 => "Information request",
        16 => "Information reply",
        17 => "Address mask request",
        18 => "Address mask reply",
        19 => "Reserved (for security)",
        30 => "Traceroute",
        31 => "Datagram Conversion Error",
        32 => "Mobile Host Redirect",
        33 => "IPv6 Where-Are-You",
        34 => "IPv6 I-Am-Here",
        35 => "Mobile Registration Request",
        36 => "Mobile Registration Reply",
        37 => "Domain Name Request",
        38 => "Domain Name Reply",
        39 => "SKIP",
        40 => "Photuris",
        41 => "Experimental mobility protocols",
        42 => "Extended Echo request",
        43 => "Extended Echo reply",
        _ => "Unknown ICMP (obsolete or malformed?)",
    }
}

/// Name of a code, for the types that have some.
pub(super) fn code_name(kind: u8, code: u8) -> Option<Cow<'static, str>> {
    const UNREACHABLE: [&str; 16] = [
        "Network unreachable",
        "Host unreachable",
        "Protocol unreachable",
        "Port unreachable",
        "Fragmentation needed",
        "Source route failed",
        "Destination network unknown",
        "Destination host unknown",
        "Source host isolated",
        "Network administratively prohibited",
        "Host administratively prohibited",
        "Network unreachable for TOS",
        "Host unreachable for TOS",
        "Communication administratively filtered",
        "Host precedence violation",
        "Precedence cutoff in effect",
    ];
    const REDIRECT: [&str; 4] = [
        "Redirect for network",
        "Redirect for host",
        "Redirect for TOS and network",
        "Redirect for TOS and host",
    ];
    const EXCEEDED: [&str; 2] = [
        "Time to live exceeded in transit",
        "Fragment reassembly time exceeded",
    ];
    const PROBLEM: [&str; 3] = [
        "Pointer indicates the error",
        "Required option missing",
        "Bad length",
    ];
    const PHOTURIS: [&str; 6] = [
        "Bad SPI",
        "Authentication Failed",
        "Decompression Failed",
        "Decryption Failed",
        "Need Authentication",
        "Need Authorization",
    ];
    const EXTENDED: [&str; 5] = [
        "No error",
        "Malformed Query",
        "No Such Interface",
        "No Such Table Entry",
        "Multiple Interfaces Satisfy Query",
    ];
    let names: &[&'static str] = match kind {
        3 => &UNREACHABLE,
        5 => &REDIRECT,
        6 => &["Alternate address for host"],
        9 if code == 16 => return Some("Does not route common traffic".into()),
        9 => &["Normal router advertisement"],
        11 => &EXCEEDED,
        12 => &PROBLEM,
        40 => &PHOTURIS,
        42 => &EXTENDED[..1],
        43 => &EXTENDED,
        _ => return None,
    };
    Some(match names.get(usize::from(code)) {
        Some(name) => (*name).into(),
        None => format!("Unknown code: {code}").into(),
    })
}

/// What a probed interface's neighbor is (RFC 8335 section 3).
pub(crate) fn state(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 7] = [
        "Reserved",
        "Incomplete",
        "Reachable",
        "Stale",
        "Delay",
        "Probe",
        "Failed",
    ];
    pick(value, &NAMES)
}

/// Class of an extension object (RFC 4884).
pub(super) fn class(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "MPLS Label Stack Class",
        2 => "Interface Information Object",
        3 => "Interface Identification Object",
        _ => return None,
    })
}

/// What an interface has to do with a datagram (RFC 5837 section 4.1).
pub(super) fn role(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 4] = [
        "IP interface upon which datagram arrived",
        "sub-IP component of an IP interface upon which datagram arrived",
        "IP interface through which datagram would be forwarded",
        "IP next-hop to which datagram would be forwarded",
    ];
    pick(value, &NAMES)
}

/// Whether something is there.
pub(super) fn present(value: u64) -> Option<&'static str> {
    pick(value, &["Not Present", "Present"])
}

/// Extension of an advertisement (RFC 5944 section 2.1).
pub(super) fn mobile(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "One byte padding extension",
        16 => "Mobility Agent Advertisement Extension",
        19 => "Prefix Lengths Extension",
        24 => "Challenge Extension",
        _ => return None,
    })
}

/// Address family (IANA).
pub(super) fn family(value: u64) -> Option<&'static str> {
    Some(match value {
        0 | 65535 => "Reserved",
        1 => "IPv4",
        2 => "IPv6",
        3 => "NSAP",
        4 => "HDLC (8-bit multidrop)",
        5 => "BBN 1822",
        6 => "802 (includes all 802 media plus Ethernet)",
        7 => "E.163",
        8 => "E.164 (SMDS, Frame Relay, ATM)",
        9 => "F.69 (Telex)",
        10 => "X.121 (X.25, Frame Relay)",
        11 => "IPX",
        12 => "Appletalk",
        13 => "Decnet IV",
        14 => "Banyan Vines",
        15 => "E.164 with NSAP subaddress",
        16 => "DNS (Domain Name System)",
        17 => "Distinguished Name",
        18 => "AS Number",
        19 => "XTP over IP version 4",
        20 => "XTP over IP version 6",
        21 => "XTP native mode XTP",
        22 => "Fibre Channel World-Wide Port Name",
        23 => "Fibre Channel World-Wide Node Name",
        24 => "GWID",
        25 => "Layer-2 VPN",
        196 => "Layer-2 VPN (old)",
        26 => "MPLS-TP Section Endpoint Identifier",
        27 => "MPLS-TP LSP Endpoint Identifier",
        28 => "MPLS-TP Pseudowire Endpoint Identifier",
        29 => "MT IP: Multi-Topology IP version 4",
        30 => "MT IPv6: Multi-Topology IP version 6",
        16384 => "EIGRP Common Service Family",
        16385 => "EIGRP IPv4 Service Family",
        16386 => "EIGRP IPv6 Service Family",
        16387 => "LISP Canonical Address Format (LCAF)",
        16388 => "BGP-LS",
        16389 => "48-bit MAC Address",
        16390 => "64-bit MAC Address",
        16391 => "OUI",
        16392 => "MAC/24",
        16393 => "MAC/40",
        16394 => "IPv6/64",
        16395 => "RBridge Port ID",
        16396 => "TRILL Nickname",
        _ => return None,
    })
}
