//! What an expression says, with every name already looked up.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

/// Bytes of the expression's text.
pub type Span = Range<usize>;

/// A whole expression. `and` and `or` bind alike, from left to right, as in pcap-filter(7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    Chain(Box<Self>, Vec<(Join, Self)>),
    Not(Box<Self>),
    Test(Test, Span),
}

/// How two parts are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    And,
    Or,
}

/// Protocol qualifiers, in the order of pcap-filter(7)'s table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proto {
    Link,
    Ip,
    Arp,
    Rarp,
    Sctp,
    Tcp,
    Udp,
    Icmp,
    Igmp,
    Igrp,
    Atalk,
    Decnet,
    Lat,
    Sca,
    Moprc,
    Mopdl,
    Ipv6,
    Icmpv6,
    Ah,
    Esp,
    Pim,
    Vrrp,
    Aarp,
    Iso,
    Esis,
    Isis,
    Clnp,
    Stp,
    Ipx,
    Netbeui,
    IsisL1,
    IsisL2,
    IsisIih,
    IsisSnp,
    IsisCsnp,
    IsisPsnp,
    IsisLsp,
    Radio,
    Carp,
}

impl Proto {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Link => "ether",
            Self::Ip => "ip",
            Self::Arp => "arp",
            Self::Rarp => "rarp",
            Self::Sctp => "sctp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Igmp => "igmp",
            Self::Igrp => "igrp",
            Self::Atalk => "atalk",
            Self::Decnet => "decnet",
            Self::Lat => "lat",
            Self::Sca => "sca",
            Self::Moprc => "moprc",
            Self::Mopdl => "mopdl",
            Self::Ipv6 => "ip6",
            Self::Icmpv6 => "icmp6",
            Self::Ah => "ah",
            Self::Esp => "esp",
            Self::Pim => "pim",
            Self::Vrrp => "vrrp",
            Self::Aarp => "aarp",
            Self::Iso => "iso",
            Self::Esis => "esis",
            Self::Isis => "isis",
            Self::Clnp => "clnp",
            Self::Stp => "stp",
            Self::Ipx => "ipx",
            Self::Netbeui => "netbeui",
            Self::IsisL1 => "l1",
            Self::IsisL2 => "l2",
            Self::IsisIih => "iih",
            Self::IsisSnp => "snp",
            Self::IsisCsnp => "csnp",
            Self::IsisPsnp => "psnp",
            Self::IsisLsp => "lsp",
            Self::Radio => "radio",
            Self::Carp => "carp",
        }
    }
}

/// Direction qualifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dir {
    Src,
    Dst,
    SrcOrDst,
    SrcAndDst,
    Addr1,
    Addr2,
    Addr3,
    Addr4,
    Ra,
    Ta,
}

impl Dir {
    /// The words for it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Src => "src",
            Self::Dst => "dst",
            Self::SrcOrDst => "src or dst",
            Self::SrcAndDst => "src and dst",
            Self::Addr1 => "addr1",
            Self::Addr2 => "addr2",
            Self::Addr3 => "addr3",
            Self::Addr4 => "addr4",
            Self::Ra => "ra",
            Self::Ta => "ta",
        }
    }
}

/// Type qualifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Host,
    Net,
    Port,
    Portrange,
    Gateway,
    Proto,
    Protochain,
}

impl Kind {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Net => "net",
            Self::Port => "port",
            Self::Portrange => "portrange",
            Self::Gateway => "gateway",
            Self::Proto => "proto",
            Self::Protochain => "protochain",
        }
    }
}

/// Qualifiers of an identifier; `None` where nothing was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quals {
    pub(crate) proto: Option<Proto>,
    pub(crate) dir: Option<Dir>,
    pub(crate) kind: Option<Kind>,
}

/// A six-byte address.
pub(crate) type Mac = [u8; 6];

/// What a name of a service stands for: one transport protocol, or any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Any,
    Sctp,
    Tcp,
    Udp,
}

/// An identifier, looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// A plain number.
    Number(u32),
    /// One to four bytes of an IPv4 address, from the front.
    Ipv4 {
        addr: u32,
        mask: u32,
    },
    /// With an explicit mask or prefix length.
    Ipv4Net {
        addr: u32,
        mask: u32,
    },
    /// With a prefix length, 128 if there was none.
    Ipv6 {
        addr: Ipv6Addr,
        prefix: u32,
    },
    Mac(Mac),
    Arcnet(u8),
    Decnet(u16),
    /// What a host name stands for.
    Hosts(Vec<IpAddr>),
    /// What a network name stands for, its leading zero bytes shifted out.
    NamedNet {
        addr: u32,
        mask: u32,
    },
    Port(u16, Transport),
    Ports(u16, u16, Transport),
    /// Number of a protocol by name.
    Protocol(u32),
}

/// Comparisons of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Greater,
    GreaterOrEqual,
    Equal,
    Less,
    LessOrEqual,
    NotEqual,
}

/// Operators on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    And,
    Or,
    Xor,
    Lsh,
    Rsh,
}

/// A number that is computed for each packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arith {
    Number(u32, Span),
    Len(Span),
    /// `proto[index:size]`
    Load {
        proto: Proto,
        index: Box<Self>,
        size: u32,
        span: Span,
    },
    Neg(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
}

/// What `byte N OP N` does with the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteTest {
    And,
    Or,
    Less,
    Greater,
    Equal,
}

/// LLC frames by format and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Llc {
    Any,
    Information,
    Supervisory,
    Unnumbered,
    SupervisoryType(u32),
    UnnumberedType(u32),
}

/// Tests of ATM circuits and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Atm {
    Lane,
    Metac,
    Bcc,
    OamF4Ec,
    OamF4Sc,
    Sc,
    Ilmic,
    Oam,
    OamF4,
    ConnectMsg,
    MetaConnect,
}

/// Fields that `vpi`, `sio` and others test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Vpi,
    Vci,
    Sio,
    Opc,
    Dpc,
    Sls,
    HighSpeedSio,
    HighSpeedOpc,
    HighSpeedDpc,
    HighSpeedSls,
}

/// Signal units of SS7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalUnit {
    Fisu,
    Lssu,
    Msu,
    HighSpeedFisu,
    HighSpeedLssu,
    HighSpeedMsu,
}

/// What the packet filter of the BSDs wrote in front of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pf {
    Ifname(String),
    Ruleset(String),
    Rule(u32),
    Subrule(u32),
    Reason(u32),
    Action(u32),
}

/// One test: what pcap-filter(7) calls a primitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Id(Quals, Id),
    Proto(Proto),
    Compare(Relation, Arith, Arith),
    Broadcast(Option<Proto>),
    Multicast(Option<Proto>),
    Less(u32),
    Greater(u32),
    Byte(u32, ByteTest, u32),
    Inbound,
    Outbound,
    Ifindex(u32),
    Vlan(Option<u32>),
    Mpls(Option<u32>),
    PppoeDiscovery,
    PppoeSession(Option<u32>),
    Geneve(Option<u32>),
    Pf(Pf),
    /// Frame control of 802.11: type, or type and subtype, and the bits that count.
    WlanType {
        value: u32,
        mask: u32,
    },
    WlanDir(u32),
    Llc(Llc),
    Atm(Atm),
    Field(Field, Relation, u32),
    SignalUnit(SignalUnit),
}
