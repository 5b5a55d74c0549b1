//! Says in words what an expression tests: for people who want to know whether they wrote what they
//! meant, above all where `and` and `or` meet.

use std::fmt::Write as _;

use super::Filter;
use super::ast::{
    Arith, Atm, ByteTest, Dir, Expr, Field, Id, Join, Kind, Llc, Operator, Pf, Proto, Quals,
    Relation, SignalUnit, Test, Transport,
};

impl Filter {
    /// What the expression tests, as an indented tree, a line a test.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut out = String::new();
        match &self.expr {
            None => out.push_str("every packet\n"),
            Some(expr) => tree(&group(expr), 0, &mut out),
        }
        out
    }
}

/// Tests in groups: what is joined in the same way in a row is one group.
enum Group<'a> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(&'a Test),
}

fn group(expr: &Expr) -> Group<'_> {
    match expr {
        Expr::Test(test, _) => Group::Test(test),
        Expr::Not(inner) => match group(inner) {
            Group::Not(inner) => *inner,
            inner => Group::Not(Box::new(inner)),
        },
        Expr::Chain(first, rest) => {
            let mut left = group(first);
            for (join, next) in rest {
                let next = group(next);
                left = match (join, left, next) {
                    (Join::And, Group::All(mut parts), next) => {
                        parts.push(next);
                        Group::All(parts)
                    }
                    (Join::Or, Group::Any(mut parts), next) => {
                        parts.push(next);
                        Group::Any(parts)
                    }
                    (Join::And, left, next) => Group::All(vec![left, next]),
                    (Join::Or, left, next) => Group::Any(vec![left, next]),
                };
            }
            left
        }
    }
}

fn tree(group: &Group<'_>, depth: usize, out: &mut String) {
    let mut line = |text: &str| {
        for _ in 0..depth {
            out.push_str("  ");
        }
        out.push_str(text);
        out.push('\n');
    };
    let parts = match group {
        Group::Test(test) => return line(&sentence(test)),
        Group::Not(inner) => {
            if let Group::Test(test) = **inner {
                return line(&format!("not: {}", sentence(test)));
            }
            line("none of this:");
            return tree(inner, depth + 1, out);
        }
        Group::All(parts) => {
            line("all of:");
            parts
        }
        Group::Any(parts) => {
            line("any of:");
            parts
        }
    };
    for part in parts {
        tree(part, depth + 1, out);
    }
}

fn sentence(test: &Test) -> String {
    let numbered = |what: &str, number: Option<u32>| match number {
        Some(number) => format!("{what} {number}; later tests look behind it"),
        None => format!("any {what}; later tests look behind it"),
    };
    match test {
        Test::Id(quals, id) => identifier(*quals, id),
        Test::Proto(proto) => format!("the protocol is {}", proto_name(*proto)),
        Test::Compare(relation, left, right) => {
            format!(
                "{} {} {}",
                arith(left),
                relation_sign(*relation),
                arith(right)
            )
        }
        Test::Broadcast(proto) => format!("sent to a broadcast address{}", of(*proto)),
        Test::Multicast(proto) => format!("sent to a multicast address{}", of(*proto)),
        Test::Less(len) => format!("at most {len} bytes on the wire"),
        Test::Greater(len) => format!("at least {len} bytes on the wire"),
        Test::Byte(index, test, number) => match test {
            ByteTest::Equal => format!("byte {index} of the link-layer header is {number:#x}"),
            ByteTest::Less => format!("byte {index} of the link-layer header is below {number:#x}"),
            ByteTest::Greater => {
                format!("byte {index} of the link-layer header is above {number:#x}")
            }
            ByteTest::And => format!(
                "what was loaded last has bits of {number:#x} (libpcap forgets to load byte {index})"
            ),
            ByteTest::Or => format!(
                "what was loaded last or {number:#x} is not 0 (libpcap forgets to load byte {index})"
            ),
        },
        Test::Inbound => "came in".to_owned(),
        Test::Outbound => "went out".to_owned(),
        Test::Ifindex(index) => format!("seen on the interface with index {index}"),
        Test::Vlan(id) => numbered("VLAN tag", *id),
        Test::Mpls(label) => numbered("MPLS label", *label),
        Test::PppoeDiscovery => "PPPoE discovery".to_owned(),
        Test::PppoeSession(session) => numbered("PPPoE session", *session),
        Test::Geneve(vni) => numbered("GENEVE VNI", *vni),
        Test::Pf(pf) => match pf {
            Pf::Ifname(name) => format!("the packet filter saw it on {name}"),
            Pf::Ruleset(name) => format!("a rule of the packet filter's ruleset {name} matched"),
            Pf::Rule(number) => format!("rule {number} of the packet filter matched"),
            Pf::Subrule(number) => {
                format!("rule {number} within a ruleset of the packet filter matched")
            }
            Pf::Reason(number) => format!("the packet filter's reason is {number}"),
            Pf::Action(number) => format!("the packet filter's action is {number}"),
        },
        Test::WlanType { value, mask } => {
            format!("the first byte of the 802.11 header is {value:#04x} in the bits {mask:#04x}")
        }
        Test::WlanDir(dir) => format!("the direction bits of the 802.11 header are {dir}"),
        Test::Llc(llc) => match llc {
            Llc::Any => "has an LLC header".to_owned(),
            Llc::Information => "an LLC information frame".to_owned(),
            Llc::Supervisory => "an LLC supervisory frame".to_owned(),
            Llc::Unnumbered => "an LLC unnumbered frame".to_owned(),
            Llc::SupervisoryType(kind) => format!("an LLC supervisory frame of type {kind:#04x}"),
            Llc::UnnumberedType(kind) => format!("an LLC unnumbered frame of type {kind:#04x}"),
        },
        Test::Atm(atm) => format!("ATM: {}", atm_name(*atm)),
        Test::Field(field, relation, number) => {
            format!(
                "{} {} {number}",
                field_name(*field),
                relation_sign(*relation)
            )
        }
        Test::SignalUnit(unit) => format!("SS7: {}", unit_name(*unit)),
    }
}

fn of(proto: Option<Proto>) -> String {
    proto.map_or_else(String::new, |proto| format!(" of {}", proto_name(proto)))
}

fn identifier(quals: Quals, id: &Id) -> String {
    let Quals { proto, dir, kind } = quals;
    let side = |what: &str| match dir {
        None | Some(Dir::SrcOrDst) => format!("source or destination {what}"),
        Some(Dir::SrcAndDst) => format!("source and destination {what}"),
        Some(Dir::Src) => format!("source {what}"),
        Some(Dir::Dst) => format!("destination {what}"),
        Some(Dir::Ra) => format!("receiver {what}"),
        Some(Dir::Ta) => format!("transmitter {what}"),
        Some(dir) => format!("{} {what}", dir.words()),
    };
    let ports = |what: String, transport: Option<Transport>| {
        let over = match (transport, proto) {
            (Some(Transport::Tcp), _) | (_, Some(Proto::Tcp)) => "TCP",
            (Some(Transport::Udp), _) | (_, Some(Proto::Udp)) => "UDP",
            (Some(Transport::Sctp), _) | (_, Some(Proto::Sctp)) => "SCTP",
            _ => "TCP, UDP or SCTP",
        };
        format!("{over} over IPv4 or IPv6, {what}")
    };
    let address = |shown: String| {
        let arp = if proto.is_none() {
            ", in IPv4, ARP or RARP"
        } else {
            ""
        };
        format!("{}{}{arp}", side(&shown), of(proto))
    };
    match (id, kind) {
        (Id::Number(number), Some(Kind::Port)) => ports(side(&format!("port {number}")), None),
        (Id::Number(number), Some(Kind::Portrange)) => ports(side(&format!("port {number}")), None),
        (Id::Number(number) | Id::Protocol(number), Some(Kind::Proto)) => {
            format!("protocol number {number}{}", of(proto))
        }
        (Id::Number(number) | Id::Protocol(number), Some(Kind::Protochain)) => {
            format!("protocol number {number}{}, behind any headers", of(proto))
        }
        (Id::Port(port, transport), _) => ports(side(&format!("port {port}")), Some(*transport)),
        (Id::Ports(first, last, transport), _) => ports(
            side(&format!("port from {first} to {last}")),
            Some(*transport),
        ),
        (Id::Number(number), kind) => {
            let shift = match kind {
                Some(Kind::Net) if *number != 0 => number.leading_zeros() / 8 * 8,
                _ => 0,
            };
            address(network4(number << shift, u32::MAX << shift))
        }
        (Id::Protocol(number), _) => format!("protocol number {number}"),
        (Id::Ipv4 { addr, mask } | Id::Ipv4Net { addr, mask } | Id::NamedNet { addr, mask }, _) => {
            address(network4(*addr, *mask))
        }
        (Id::Ipv6 { addr, prefix: 128 }, _) => side(&format!("address {addr} of IPv6")),
        (Id::Ipv6 { addr, prefix }, _) => side(&format!("address in {addr}/{prefix} of IPv6")),
        (Id::Mac(mac), _) => {
            let digits = mac.map(|byte| format!("{byte:02x}")).join(":");
            side(&format!("address {digits} of the link layer"))
        }
        (Id::Arcnet(addr), _) => side(&format!("address {addr:#04x} of ARCnet")),
        (Id::Decnet(addr), _) => side(&format!(
            "address {}.{} of DECnet",
            addr >> 10,
            addr & 0x3ff
        )),
        (Id::Hosts(addrs), _) => {
            let addrs: Vec<_> = addrs.iter().map(ToString::to_string).collect();
            side(&format!("address {}{}", addrs.join(" or "), of(proto)))
        }
    }
}

fn network4(addr: u32, mask: u32) -> String {
    let addr = std::net::Ipv4Addr::from_bits(addr);
    if mask == u32::MAX {
        return format!("address {addr}");
    }
    if mask.leading_ones() + mask.trailing_zeros() == 32 {
        return format!("address in {addr}/{}", mask.leading_ones());
    }
    format!(
        "address {addr} under the mask {}",
        std::net::Ipv4Addr::from_bits(mask)
    )
}

fn proto_name(proto: Proto) -> String {
    match proto {
        Proto::Link => "the link layer".to_owned(),
        Proto::Ip => "IPv4".to_owned(),
        Proto::Ipv6 => "IPv6".to_owned(),
        Proto::Tcp | Proto::Udp | Proto::Sctp | Proto::Ah | Proto::Esp | Proto::Pim => {
            format!("{} over IPv4 or IPv6", proto.word().to_ascii_uppercase())
        }
        Proto::Icmpv6 => "ICMPv6".to_owned(),
        proto => proto.word().to_ascii_uppercase(),
    }
}

const fn relation_sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Greater => ">",
        Relation::GreaterOrEqual => ">=",
        Relation::Equal => "=",
        Relation::Less => "<",
        Relation::LessOrEqual => "<=",
        Relation::NotEqual => "!=",
    }
}

/// A number, with parentheses wherever operators meet.
fn arith(number: &Arith) -> String {
    let inner = |number: &Arith| match number {
        Arith::Binary(..) => format!("({})", arith(number)),
        _ => arith(number),
    };
    match number {
        Arith::Number(number, _) => number.to_string(),
        Arith::Len(_) => "the length on the wire".to_owned(),
        Arith::Load {
            proto, index, size, ..
        } => {
            let mut text = format!("{}[{}", proto.word(), arith(index));
            if *size != 1 {
                let _written = write!(text, ":{size}");
            }
            text.push(']');
            text
        }
        Arith::Neg(number) => format!("-{}", inner(number)),
        Arith::Binary(operator, left, right) => {
            let sign = match operator {
                Operator::Add => "+",
                Operator::Sub => "-",
                Operator::Mul => "*",
                Operator::Div => "/",
                Operator::Mod => "%",
                Operator::And => "&",
                Operator::Or => "|",
                Operator::Xor => "^",
                Operator::Lsh => "<<",
                Operator::Rsh => ">>",
            };
            format!("{} {sign} {}", inner(left), inner(right))
        }
    }
}

const fn atm_name(atm: Atm) -> &'static str {
    match atm {
        Atm::Lane => "LAN emulation; later tests look at the frame in it",
        Atm::Metac => "the meta signaling circuit",
        Atm::Bcc => "the broadcast signaling circuit",
        Atm::OamF4Ec => "the end-to-end OAM F4 flow circuit",
        Atm::OamF4Sc => "the segment OAM F4 flow circuit",
        Atm::Sc => "the signaling circuit",
        Atm::Ilmic => "the ILMI circuit",
        Atm::Oam | Atm::OamF4 => "an OAM F4 flow circuit",
        Atm::ConnectMsg => "a message of call control on the signaling circuit",
        Atm::MetaConnect => "a message of call control on the meta signaling circuit",
    }
}

const fn field_name(field: Field) -> &'static str {
    match field {
        Field::Vpi => "the ATM virtual path",
        Field::Vci => "the ATM virtual channel",
        Field::Sio => "the SS7 service information",
        Field::Opc => "the SS7 originating point code",
        Field::Dpc => "the SS7 destination point code",
        Field::Sls => "the SS7 signaling link selection",
        Field::HighSpeedSio => "the SS7 service information (high speed)",
        Field::HighSpeedOpc => "the SS7 originating point code (high speed)",
        Field::HighSpeedDpc => "the SS7 destination point code (high speed)",
        Field::HighSpeedSls => "the SS7 signaling link selection (high speed)",
    }
}

const fn unit_name(unit: SignalUnit) -> &'static str {
    match unit {
        SignalUnit::Fisu => "a fill-in signal unit",
        SignalUnit::Lssu => "a link status signal unit",
        SignalUnit::Msu => "a message signal unit",
        SignalUnit::HighSpeedFisu => "a fill-in signal unit (high speed)",
        SignalUnit::HighSpeedLssu => "a link status signal unit (high speed)",
        SignalUnit::HighSpeedMsu => "a message signal unit (high speed)",
    }
}
