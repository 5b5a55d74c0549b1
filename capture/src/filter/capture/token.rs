//! The words of the language: keywords, and names that stand for numbers.
//!
//! After pcap-filter(7) and libpcap 1.10's `scanner.l`: keywords are in lower case only, and a name
//! such as `tcp-syn` is a number wherever a number can stand.

use std::net::Ipv6Addr;

use super::ast::{Atm, Field, Kind, Mac, Proto, SignalUnit};

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    End,
    /// A word that is none of the language's, or an escaped one.
    Name(String),
    Number(u32),
    /// Two to four numbers with dots between them.
    Dotted(String),
    Ipv6(Ipv6Addr),
    Mac(Mac),
    Arcnet(u8),
    Proto(Proto),
    Kind(Kind),
    Word(Word),
    Symbol(Symbol),
}

/// Keywords that are neither protocols nor types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Action,
    Addr1,
    Addr2,
    Addr3,
    Addr4,
    And,
    Atm(Atm),
    Broadcast,
    Byte,
    Dir,
    Dst,
    Field(Field),
    Geneve,
    Greater,
    Ifindex,
    Ifname,
    Inbound,
    Len,
    Less,
    Llc,
    Mask,
    Mpls,
    Multicast,
    Not,
    Or,
    Outbound,
    Pppoed,
    Pppoes,
    Ra,
    Reason,
    Rnr,
    Rset,
    SignalUnit(SignalUnit),
    Src,
    Srnr,
    Subtype,
    Ta,
    Type,
    Vlan,
}

/// Signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Ampersand,
    Bar,
    Caret,
    Colon,
    CloseBracket,
    CloseParen,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    LeftShift,
    Minus,
    NotEqual,
    OpenBracket,
    OpenParen,
    Percent,
    Plus,
    RightShift,
    Slash,
    Star,
}

/// Every keyword.
pub(crate) const KEYWORDS: &[(&str, Token)] = &[
    ("dst", Token::Word(Word::Dst)),
    ("src", Token::Word(Word::Src)),
    ("link", Token::Proto(Proto::Link)),
    ("ether", Token::Proto(Proto::Link)),
    ("ppp", Token::Proto(Proto::Link)),
    ("slip", Token::Proto(Proto::Link)),
    ("fddi", Token::Proto(Proto::Link)),
    ("tr", Token::Proto(Proto::Link)),
    ("wlan", Token::Proto(Proto::Link)),
    ("arp", Token::Proto(Proto::Arp)),
    ("rarp", Token::Proto(Proto::Rarp)),
    ("ip", Token::Proto(Proto::Ip)),
    ("sctp", Token::Proto(Proto::Sctp)),
    ("tcp", Token::Proto(Proto::Tcp)),
    ("udp", Token::Proto(Proto::Udp)),
    ("icmp", Token::Proto(Proto::Icmp)),
    ("igmp", Token::Proto(Proto::Igmp)),
    ("igrp", Token::Proto(Proto::Igrp)),
    ("pim", Token::Proto(Proto::Pim)),
    ("vrrp", Token::Proto(Proto::Vrrp)),
    ("carp", Token::Proto(Proto::Carp)),
    ("radio", Token::Proto(Proto::Radio)),
    ("ip6", Token::Proto(Proto::Ipv6)),
    ("icmp6", Token::Proto(Proto::Icmpv6)),
    ("ah", Token::Proto(Proto::Ah)),
    ("esp", Token::Proto(Proto::Esp)),
    ("atalk", Token::Proto(Proto::Atalk)),
    ("aarp", Token::Proto(Proto::Aarp)),
    ("decnet", Token::Proto(Proto::Decnet)),
    ("lat", Token::Proto(Proto::Lat)),
    ("sca", Token::Proto(Proto::Sca)),
    ("moprc", Token::Proto(Proto::Moprc)),
    ("mopdl", Token::Proto(Proto::Mopdl)),
    ("iso", Token::Proto(Proto::Iso)),
    ("esis", Token::Proto(Proto::Esis)),
    ("es-is", Token::Proto(Proto::Esis)),
    ("isis", Token::Proto(Proto::Isis)),
    ("is-is", Token::Proto(Proto::Isis)),
    ("l1", Token::Proto(Proto::IsisL1)),
    ("l2", Token::Proto(Proto::IsisL2)),
    ("iih", Token::Proto(Proto::IsisIih)),
    ("lsp", Token::Proto(Proto::IsisLsp)),
    ("snp", Token::Proto(Proto::IsisSnp)),
    ("csnp", Token::Proto(Proto::IsisCsnp)),
    ("psnp", Token::Proto(Proto::IsisPsnp)),
    ("clnp", Token::Proto(Proto::Clnp)),
    ("stp", Token::Proto(Proto::Stp)),
    ("ipx", Token::Proto(Proto::Ipx)),
    ("netbeui", Token::Proto(Proto::Netbeui)),
    ("host", Token::Kind(Kind::Host)),
    ("net", Token::Kind(Kind::Net)),
    ("port", Token::Kind(Kind::Port)),
    ("portrange", Token::Kind(Kind::Portrange)),
    ("proto", Token::Kind(Kind::Proto)),
    ("protochain", Token::Kind(Kind::Protochain)),
    ("gateway", Token::Kind(Kind::Gateway)),
    ("mask", Token::Word(Word::Mask)),
    ("type", Token::Word(Word::Type)),
    ("subtype", Token::Word(Word::Subtype)),
    ("direction", Token::Word(Word::Dir)),
    ("dir", Token::Word(Word::Dir)),
    ("address1", Token::Word(Word::Addr1)),
    ("addr1", Token::Word(Word::Addr1)),
    ("address2", Token::Word(Word::Addr2)),
    ("addr2", Token::Word(Word::Addr2)),
    ("address3", Token::Word(Word::Addr3)),
    ("addr3", Token::Word(Word::Addr3)),
    ("address4", Token::Word(Word::Addr4)),
    ("addr4", Token::Word(Word::Addr4)),
    ("ra", Token::Word(Word::Ra)),
    ("ta", Token::Word(Word::Ta)),
    ("less", Token::Word(Word::Less)),
    ("greater", Token::Word(Word::Greater)),
    ("byte", Token::Word(Word::Byte)),
    ("broadcast", Token::Word(Word::Broadcast)),
    ("multicast", Token::Word(Word::Multicast)),
    ("and", Token::Word(Word::And)),
    ("or", Token::Word(Word::Or)),
    ("not", Token::Word(Word::Not)),
    ("len", Token::Word(Word::Len)),
    ("length", Token::Word(Word::Len)),
    ("inbound", Token::Word(Word::Inbound)),
    ("outbound", Token::Word(Word::Outbound)),
    ("ifindex", Token::Word(Word::Ifindex)),
    ("vlan", Token::Word(Word::Vlan)),
    ("mpls", Token::Word(Word::Mpls)),
    ("pppoed", Token::Word(Word::Pppoed)),
    ("pppoes", Token::Word(Word::Pppoes)),
    ("geneve", Token::Word(Word::Geneve)),
    ("lane", Token::Word(Word::Atm(Atm::Lane))),
    ("llc", Token::Word(Word::Llc)),
    ("metac", Token::Word(Word::Atm(Atm::Metac))),
    ("bcc", Token::Word(Word::Atm(Atm::Bcc))),
    ("oam", Token::Word(Word::Atm(Atm::Oam))),
    ("oamf4", Token::Word(Word::Atm(Atm::OamF4))),
    ("oamf4ec", Token::Word(Word::Atm(Atm::OamF4Ec))),
    ("oamf4sc", Token::Word(Word::Atm(Atm::OamF4Sc))),
    ("sc", Token::Word(Word::Atm(Atm::Sc))),
    ("ilmic", Token::Word(Word::Atm(Atm::Ilmic))),
    ("connectmsg", Token::Word(Word::Atm(Atm::ConnectMsg))),
    ("metaconnect", Token::Word(Word::Atm(Atm::MetaConnect))),
    ("vpi", Token::Word(Word::Field(Field::Vpi))),
    ("vci", Token::Word(Word::Field(Field::Vci))),
    ("on", Token::Word(Word::Ifname)),
    ("ifname", Token::Word(Word::Ifname)),
    ("rset", Token::Word(Word::Rset)),
    ("ruleset", Token::Word(Word::Rset)),
    ("rnr", Token::Word(Word::Rnr)),
    ("rulenum", Token::Word(Word::Rnr)),
    ("srnr", Token::Word(Word::Srnr)),
    ("subrulenum", Token::Word(Word::Srnr)),
    ("reason", Token::Word(Word::Reason)),
    ("action", Token::Word(Word::Action)),
    ("fisu", Token::Word(Word::SignalUnit(SignalUnit::Fisu))),
    ("lssu", Token::Word(Word::SignalUnit(SignalUnit::Lssu))),
    ("lsu", Token::Word(Word::SignalUnit(SignalUnit::Lssu))),
    ("msu", Token::Word(Word::SignalUnit(SignalUnit::Msu))),
    (
        "hfisu",
        Token::Word(Word::SignalUnit(SignalUnit::HighSpeedFisu)),
    ),
    (
        "hlssu",
        Token::Word(Word::SignalUnit(SignalUnit::HighSpeedLssu)),
    ),
    (
        "hmsu",
        Token::Word(Word::SignalUnit(SignalUnit::HighSpeedMsu)),
    ),
    ("sio", Token::Word(Word::Field(Field::Sio))),
    ("opc", Token::Word(Word::Field(Field::Opc))),
    ("dpc", Token::Word(Word::Field(Field::Dpc))),
    ("sls", Token::Word(Word::Field(Field::Sls))),
    ("hsio", Token::Word(Word::Field(Field::HighSpeedSio))),
    ("hopc", Token::Word(Word::Field(Field::HighSpeedOpc))),
    ("hdpc", Token::Word(Word::Field(Field::HighSpeedDpc))),
    ("hsls", Token::Word(Word::Field(Field::HighSpeedSls))),
];

/// Names of numbers: offsets of fields, ICMP types, TCP flags.
pub(crate) const NUMBERS: &[(&str, u32)] = &[
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
];

/// What a word means, if it is one of the language's.
pub(crate) fn word(text: &str) -> Option<Token> {
    let keyword = KEYWORDS.iter().find(|(word, _)| *word == text);
    keyword.map(|(_, token)| token.clone()).or_else(|| {
        let number = NUMBERS.iter().find(|(word, _)| *word == text);
        number.map(|(_, number)| Token::Number(*number))
    })
}

/// The word of the language that is most like `text`, if any is.
pub(crate) fn nearest(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let words = KEYWORDS.iter().map(|(word, _)| *word);
    let words = words.chain(NUMBERS.iter().map(|(word, _)| *word));
    words
        .map(|word| (distance(&text, word), word))
        // One slip in a short word, two in a longer one.
        .filter(|(distance, word)| *distance <= if word.len() > 4 { 2 } else { 1 })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Letters to insert, leave out, replace or swap with their neighbor.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // What it takes to make nothing of the one, or the other of nothing.
    let row = |i: usize| (i..=i + b.len()).collect::<Vec<_>>();
    let mut rows: Vec<_> = (0..=a.len()).map(row).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
