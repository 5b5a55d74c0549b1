//! Colors of the list: Wireshark's default rules, and a color for each conversation.

use super::field::FieldId;
use super::tree::{Tree, Wanted};
use crate::filter::display::DisplayFilter;

/// Colors of a line, as red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Behind the text.
    pub background: [u8; 3],
    /// Of the text.
    pub foreground: [u8; 3],
}

/// A rule: frames that match get its color.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name: `Bad TCP`.
    pub name: &'static str,
    /// The filter as Wireshark writes it.
    pub text: &'static str,
    filter: Option<DisplayFilter>,
    /// What it gives.
    pub color: Color,
}

/// A color of Wireshark's file: three numbers of 16 bits.
const fn color(background: [u16; 3], foreground: [u16; 3]) -> Color {
    const fn narrow(wide: [u16; 3]) -> [u8; 3] {
        [
            (wide[0] >> 8) as u8,
            (wide[1] >> 8) as u8,
            (wide[2] >> 8) as u8,
        ]
    }
    Color {
        background: narrow(background),
        foreground: narrow(foreground),
    }
}

const BLACK: [u16; 3] = [4718, 10030, 11796];
const DARK_RED: [u16; 3] = [42148, 0, 0];
const YELLOW: [u16; 3] = [65535, 64764, 40092];
const PINK: [u16; 3] = [63479, 34695, 34695];

/// Name, Wireshark's filter, the part of it whose fields are known here (empty for all of it), color.
/// The order matters: the first that matches wins.
type Row = (&'static str, &'static str, &'static str, Color);

/// `colorfilters` of Wireshark 4.0.
const RULES: [Row; 20] = [
    (
        "Bad TCP",
        "tcp.analysis.flags && !tcp.analysis.window_update && !tcp.analysis.keep_alive && !tcp.analysis.keep_alive_ack",
        "",
        color(BLACK, PINK),
    ),
    (
        "HSRP State Change",
        "hsrp.state != 8 && hsrp.state != 16",
        NOTHING,
        color(BLACK, YELLOW),
    ),
    (
        "Spanning Tree Topology  Change",
        "stp.type == 0x80",
        NOTHING,
        color(BLACK, YELLOW),
    ),
    (
        "OSPF State Change",
        "ospf.msg != 1",
        NOTHING,
        color(BLACK, YELLOW),
    ),
    (
        "ICMP errors",
        "icmp.type in { 3..5, 11 } || icmpv6.type in { 1..4 }",
        "",
        color(BLACK, [47031, 63479, 29812]),
    ),
    ("ARP", "arp", "", color([64250, 61680, 55255], BLACK)),
    (
        "ICMP",
        "icmp || icmpv6",
        "",
        color([64764, 57568, 65535], BLACK),
    ),
    (
        "TCP RST",
        "tcp.flags.reset eq 1",
        "",
        color(DARK_RED, YELLOW),
    ),
    (
        "SCTP ABORT",
        "sctp.chunk_type eq ABORT",
        "sctp.chunk_type == 6",
        color(DARK_RED, YELLOW),
    ),
    (
        "TTL low or unexpected",
        "(ip.dst != 224.0.0.0/4 && ip.ttl < 5 && !pim && !ospf) || (ip.dst == 224.0.0.0/24 && ip.dst != 224.0.0.251 && ip.ttl != 1 && !(vrrp || carp))",
        "(ip.dst != 224.0.0.0/4 && ip.ttl < 5 && !(ip.proto in {103, 89})) || (ip.dst == 224.0.0.0/24 && ip.dst != 224.0.0.251 && ip.ttl != 1 && !(ip.proto == 112))",
        color(DARK_RED, [60652, 61680, 60395]),
    ),
    (
        "Checksum Errors",
        "eth.fcs.status==\"Bad\" || ip.checksum.status==\"Bad\" || tcp.checksum.status==\"Bad\" || udp.checksum.status==\"Bad\" || sctp.checksum.status==\"Bad\" || mstp.checksum.status==\"Bad\" || cdp.checksum.status==\"Bad\" || edp.checksum.status==\"Bad\" || wlan.fcs.status==\"Bad\" || stt.checksum.status==\"Bad\"",
        "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0",
        color(BLACK, PINK),
    ),
    (
        "SMB",
        "smb || nbss || nbns || netbios",
        "tcp.port in {139, 445} && tcp.len > 0 || udp.port == 137",
        color([65278, 65535, 53456], BLACK),
    ),
    (
        "HTTP",
        "http || tcp.port == 80 || http2",
        "http || tcp.port == 80",
        color([58596, 65535, 51143], BLACK),
    ),
    (
        "DCERPC",
        "dcerpc",
        NOTHING,
        color([51199, 38706, 65533], BLACK),
    ),
    (
        "Routing",
        "hsrp || eigrp || ospf || bgp || cdp || vrrp || carp || gvrp || igmp || ismp",
        "igmp || ip.proto in {88, 89, 112}",
        color([65534, 62325, 54808], BLACK),
    ),
    (
        "TCP SYN/FIN",
        "tcp.flags & 0x02 || tcp.flags.fin == 1",
        "",
        color([41026, 41026, 41026], BLACK),
    ),
    ("TCP", "tcp", "", color([59345, 58980, 65535], BLACK)),
    ("UDP", "udp", "", color([56026, 61166, 65535], BLACK)),
    (
        "Broadcast",
        "eth[0] & 1",
        "",
        color([65535, 65535, 65535], [47802, 48573, 46774]),
    ),
    (
        "System Event",
        "systemd_journal || sysdig",
        NOTHING,
        color([59110, 59110, 59110], [11565, 28527, 39578]),
    ),
];

/// Of protocols that no dissector here knows: never matches.
const NOTHING: &str = "-";

/// Wireshark's default rules.
#[must_use]
pub fn default_rules() -> Vec<Rule> {
    RULES
        .into_iter()
        .map(|(name, text, known, color)| {
            let filter = match known {
                NOTHING => None,
                "" => DisplayFilter::new(text).ok(),
                known => DisplayFilter::new(known).ok(),
            };
            Rule {
                name,
                text,
                filter,
                color,
            }
        })
        .collect()
}

/// Gives frames their colors.
#[derive(Clone, Debug)]
pub enum Coloring {
    /// By rules.
    Rules(Vec<Rule>),
    /// By conversation, which these fields number: ten colors in turn.
    Conversations(Vec<FieldId>),
}

impl Coloring {
    /// By conversation.
    #[must_use]
    pub fn conversations() -> Self {
        let fields = STREAMS.into_iter().flat_map(super::registry::by_name);
        Self::Conversations(fields.collect())
    }

    /// The fields that it needs.
    pub fn want(&self, wanted: &mut Wanted) {
        match self {
            Self::Rules(rules) => {
                for filter in rules.iter().filter_map(|rule| rule.filter.as_ref()) {
                    wanted.add_all(filter.wanted());
                }
            }
            Self::Conversations(streams) => {
                for id in streams {
                    wanted.add(*id);
                }
            }
        }
    }

    /// The rule that a frame matches.
    #[must_use]
    pub fn rule(&self, tree: &Tree, frame: &[u8]) -> Option<&Rule> {
        let Self::Rules(rules) = self else {
            return None;
        };
        rules.iter().find(|rule| {
            rule.filter
                .as_ref()
                .is_some_and(|filter| filter.matches(tree, frame))
        })
    }

    /// The color of a frame, by the rule that it matches if there are rules.
    #[must_use]
    pub fn color(&self, tree: &Tree, frame: &[u8]) -> Option<Color> {
        match self {
            Self::Rules(_) => self.rule(tree, frame).map(|rule| rule.color),
            Self::Conversations(streams) => conversation(tree, streams),
        }
    }
}

/// Fields that number conversations.
const STREAMS: [&str; 2] = ["tcp.stream", "udp.stream"];

/// Wireshark's ten colors of conversations, on black.
const PALETTE: [[u8; 3]; 10] = [
    [0xff, 0xc0, 0xc0],
    [0xff, 0xc0, 0xff],
    [0xe0, 0xc0, 0xe0],
    [0xc0, 0xc0, 0xff],
    [0xc0, 0xe0, 0xe0],
    [0xc0, 0xff, 0xff],
    [0xc0, 0xff, 0xc0],
    [0xff, 0xff, 0xc0],
    [0xe0, 0xe0, 0xc0],
    [0xe0, 0xe0, 0xe0],
];

fn conversation(tree: &Tree, streams: &[FieldId]) -> Option<Color> {
    let stream = tree.nodes().iter().rev().find_map(|node| {
        let is_stream = streams.contains(&node.field);
        match node.value {
            super::tree::Value::Uint(number) if is_stream => Some(number),
            _ => None,
        }
    })?;
    let place = (stream % PALETTE.len() as u64) as usize;
    Some(Color {
        background: PALETTE[place],
        foreground: [0; 3],
    })
}
