//! Names of ICMP types and codes (IANA; words as Wireshark has them).

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

/// Name of a type in the list.
pub(super) const fn info_name(kind: u8) -> &'static str {
    type_name(kind)
}

/// Name of a code, for the types that have some.
pub(super) fn code_name(kind: u8, code: u8) -> Option<&'static str> {
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
    let names: &[&'static str] = match kind {
        3 => &UNREACHABLE,
        5 => &REDIRECT,
        9 => match code {
            0 => return Some("Normal router advertisement"),
            16 => return Some("Does not route common traffic"),
            _ => return None,
        },
        11 => &EXCEEDED,
        12 => &PROBLEM,
        _ => return None,
    };
    names.get(usize::from(code)).copied()
}
