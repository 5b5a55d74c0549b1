//! Names of what frames of 802.11 and LLC, and the logs of the BSDs' packet filter, have as numbers.

pub(crate) const TYPE_MASK: u32 = 0x0c;
pub(crate) const SUBTYPE_MASK: u32 = 0xf0;

const MANAGEMENT: u32 = 0x00;
const CONTROL: u32 = 0x04;
const DATA: u32 = 0x08;

pub(crate) const TYPES: &[(&str, u32)] = &[
    ("data", DATA),
    ("mgt", MANAGEMENT),
    ("management", MANAGEMENT),
    ("ctl", CONTROL),
    ("control", CONTROL),
];

const MANAGEMENT_SUBTYPES: &[(&str, u32)] = &[
    ("assocreq", 0x00),
    ("assoc-req", 0x00),
    ("assocresp", 0x10),
    ("assoc-resp", 0x10),
    ("reassocreq", 0x20),
    ("reassoc-req", 0x20),
    ("reassocresp", 0x30),
    ("reassoc-resp", 0x30),
    ("probereq", 0x40),
    ("probe-req", 0x40),
    ("proberesp", 0x50),
    ("probe-resp", 0x50),
    ("beacon", 0x80),
    ("atim", 0x90),
    ("disassoc", 0xa0),
    ("disassociation", 0xa0),
    ("auth", 0xb0),
    ("authentication", 0xb0),
    ("deauth", 0xc0),
    ("deauthentication", 0xc0),
];

const CONTROL_SUBTYPES: &[(&str, u32)] = &[
    ("ps-poll", 0xa0),
    ("rts", 0xb0),
    ("cts", 0xc0),
    ("ack", 0xd0),
    ("cf-end", 0xe0),
    ("cf-end-ack", 0xf0),
];

const DATA_SUBTYPES: &[(&str, u32)] = &[
    ("data", 0x00),
    ("data-cf-ack", 0x10),
    ("data-cf-poll", 0x20),
    ("data-cf-ack-poll", 0x30),
    ("null", 0x40),
    ("cf-ack", 0x50),
    ("cf-poll", 0x60),
    ("cf-ack-poll", 0x70),
    ("qos-data", 0x80),
    ("qos-data-cf-ack", 0x90),
    ("qos-data-cf-poll", 0xa0),
    ("qos-data-cf-ack-poll", 0xb0),
    ("qos", 0xc0),
    ("qos-cf-poll", 0xe0),
    ("qos-cf-ack-poll", 0xf0),
];

pub(crate) const DIRECTIONS: &[(&str, u32)] =
    &[("nods", 0), ("tods", 1), ("fromds", 2), ("dstods", 3)];

pub(crate) const LLC_RNR: u32 = 0x05;

pub(crate) const LLC_SUPERVISORY: &[(&str, u32)] = &[("rr", 0x01), ("rnr", LLC_RNR), ("rej", 0x09)];

pub(crate) const LLC_UNNUMBERED: &[(&str, u32)] = &[
    ("ui", 0x03),
    ("ua", 0x63),
    ("disc", 0x43),
    ("dm", 0x0f),
    ("sabme", 0x6f),
    ("test", 0xe3),
    ("xid", 0xaf),
    ("frmr", 0x87),
];

pub(crate) const PF_REASONS: &[(&str, u32)] = &[
    ("match", 0),
    ("bad-offset", 1),
    ("fragment", 2),
    ("short", 3),
    ("normalize", 4),
    ("memory", 5),
    ("bad-timestamp", 6),
    ("congestion", 7),
    ("ip-option", 8),
    ("proto-cksum", 9),
    ("state-mismatch", 10),
    ("state-insert", 11),
    ("state-limit", 12),
    ("src-limit", 13),
    ("synproxy", 14),
];

pub(crate) const PF_ACTIONS: &[(&str, u32)] = &[
    ("pass", 0),
    ("accept", 0),
    ("drop", 1),
    ("block", 1),
    ("scrub", 2),
    ("noscrub", 3),
    ("nat", 4),
    ("nonat", 5),
    ("binat", 6),
    ("nobinat", 7),
    ("rdr", 8),
    ("nordr", 9),
    ("synproxy-drop", 10),
];

/// The number of a name, in upper or lower case.
pub(crate) fn find(names: &[(&str, u32)], name: &str) -> Option<u32> {
    let found = names
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, number)| *number)
}

/// Subtypes of a type.
pub(crate) const fn subtypes(kind: u32) -> Option<&'static [(&'static str, u32)]> {
    match kind {
        MANAGEMENT => Some(MANAGEMENT_SUBTYPES),
        CONTROL => Some(CONTROL_SUBTYPES),
        DATA => Some(DATA_SUBTYPES),
        _ => None,
    }
}

/// Type and subtype by the name of the subtype.
pub(crate) fn subtype(name: &str) -> Option<u32> {
    [MANAGEMENT, CONTROL, DATA].into_iter().find_map(|kind| {
        let subtype = find(subtypes(kind)?, name)?;
        Some(kind | subtype)
    })
}
