//! Who talks with whom, as conversations and endpoints both need it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::Known;
use crate::read::print::Names;
use crate::read::print::text::{decimal, ether, ipv4, ipv6};
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::vendor::Named;

/// Kinds of addresses that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Eth,
    Ipv4,
    Ipv6,
    Tcp,
    Udp,
    /// Connections of Multipath TCP.
    Mptcp,
}

impl Layer {
    /// tshark's words.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "eth" => Self::Eth,
            "ip" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "mptcp" => Self::Mptcp,
            _ => return None,
        })
    }

    /// As headings have it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Eth => "Ethernet",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Mptcp => "MPTCP",
        }
    }

    pub(super) const fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }
}

/// One end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct End {
    address: Host,
    pub(crate) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Host {
    Ether([u8; 6]),
    Ipv4([u8; 4]),
    Ipv6([u8; 16]),
}

impl End {
    /// The address as text.
    pub(crate) fn address(&self) -> String {
        self.address_with(Names::Numbers)
    }

    /// The same, with the vendor's name of a MAC address if it is to have one.
    pub(super) fn address_with(&self, names: Names) -> String {
        let mut out = String::new();
        match self.address {
            Host::Ether(address) if names == Names::Vendors => {
                // Writing to a string does not fail.
                let _infallible = write!(out, "{}", Named { address, names });
            }
            Host::Ether(address) => ether(&mut out, address),
            Host::Ipv4(address) => ipv4(&mut out, address),
            Host::Ipv6(address) => ipv6(&mut out, address),
        }
        out
    }

    /// The same without the port.
    pub(crate) const fn host(self) -> Self {
        Self { port: 0, ..self }
    }

    /// Address and port, in brackets what has colons of its own.
    pub(crate) fn socket(&self) -> String {
        let address = self.address();
        match self.address {
            Host::Ipv6(_) => format!("[{address}]:{}", self.port),
            Host::Ether(_) | Host::Ipv4(_) => format!("{address}:{}", self.port),
        }
    }

    /// With its port, of those that have one.
    pub(super) fn name(&self, layer: Layer, names: Names) -> String {
        let mut out = self.address_with(names);
        if layer.has_ports() {
            out.push(':');
            decimal(&mut out, self.port);
        }
        out
    }
}

/// The fields that tell who sent a packet to whom.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(super) layer: Layer,
    sources: [Known; 2],
    destinations: [Known; 2],
    ports: [Known; 2],
    stream: Known,
    /// Of IPv6: a fragment, what says that it is one of several, and what says that all are there.
    fragment: [Known; 3],
}

impl Ends {
    pub(super) fn new(layer: Layer) -> Self {
        let pair = |a, b| [Known::named(a), Known::named(b)];
        let (sources, destinations) = match layer {
            Layer::Eth => (pair("eth.src", ""), pair("eth.dst", "")),
            Layer::Ipv4 => (pair("ip.src", ""), pair("ip.dst", "")),
            Layer::Ipv6 => (pair("ipv6.src", ""), pair("ipv6.dst", "")),
            Layer::Tcp | Layer::Udp | Layer::Mptcp => {
                (pair("ip.src", "ipv6.src"), pair("ip.dst", "ipv6.dst"))
            }
        };
        let (ports, stream) = match layer {
            Layer::Tcp => (pair("tcp.srcport", "tcp.dstport"), "tcp.stream"),
            Layer::Udp => (pair("udp.srcport", "udp.dstport"), "udp.stream"),
            Layer::Mptcp => (pair("tcp.srcport", "tcp.dstport"), "mptcp.stream"),
            _ => (pair("", ""), ""),
        };
        Self {
            layer,
            sources,
            destinations,
            ports,
            stream: Known::named(stream),
            fragment: match layer {
                Layer::Ipv6 => [
                    "ipv6.fraghdr.offset",
                    "ipv6.fraghdr.more",
                    "ipv6.fragment.count",
                ]
                .map(Known::named),
                _ => Default::default(),
            },
        }
    }

    /// Whether a frame is counted: of fragments of IPv6, that with which they are put together.
    pub(super) fn counts(&self, tree: &Tree) -> bool {
        let [offset, more, count] = &self.fragment;
        let is_piece = offset.values(tree).any(|value| value != Value::Uint(0))
            || more.values(tree).any(|value| value == Value::Bool(true));
        !is_piece || count.values(tree).next().is_some()
    }

    pub(super) fn want(&self, wanted: &mut Wanted) {
        let all = [&self.sources, &self.destinations, &self.ports];
        let others = self.fragment.iter().chain([&self.stream]);
        for known in all.into_iter().flatten().chain(others) {
            known.want(wanted);
        }
    }

    /// Sender and receiver of a packet, and the number of its stream; one of each layer that it has.
    pub(super) fn of<'t>(
        &'t self,
        tree: &'t Tree,
    ) -> impl Iterator<Item = (End, End, Option<u64>)> + 't {
        // Ports belong to the addresses that came last before them.
        let mut source = None;
        let mut destination = None;
        let mut port = None;
        let mut ready: Option<(End, End)> = None;
        let nodes = tree.nodes().iter();
        let has_ports = self.layer.has_ports() || self.layer == Layer::Mptcp;
        // What an ICMP error quotes stands deeper, and is no traffic.
        let mut nodes = nodes.filter(|node| node.depth <= 1 || self.stream.is(node));
        std::iter::from_fn(move || {
            loop {
                let Some(node) = nodes.next() else {
                    return ready.take().map(|(a, b)| (a, b, None));
                };
                let is_source = self.sources.iter().any(|known| known.is(node));
                if is_source || self.destinations.iter().any(|known| known.is(node)) {
                    // Ethernet has them the other way round.
                    *(if is_source {
                        &mut source
                    } else {
                        &mut destination
                    }) = host(node.value);
                    if !has_ports && source.is_some() && destination.is_some() {
                        return source
                            .take()
                            .zip(destination.take())
                            .map(|(from, to)| (from, to, None));
                    }
                } else if self.ports[0].is(node) {
                    port = number(node.value);
                } else if self.ports[1].is(node) {
                    if let (Some(from), Some(to), Some(from_port), Some(to_port)) =
                        (source, destination, port.take(), number(node.value))
                    {
                        let from = End {
                            port: from_port as u16,
                            ..from
                        };
                        let to = End {
                            port: to_port as u16,
                            ..to
                        };
                        let earlier = ready.replace((from, to));
                        if let Some((a, b)) = earlier {
                            return Some((a, b, None));
                        }
                    }
                } else if self.stream.is(node)
                    && let Some((from, to)) = ready.take()
                {
                    return Some((from, to, number(node.value)));
                }
            }
        })
    }
}

/// The end that an address is of, without a port.
pub(super) fn host(value: Value) -> Option<End> {
    let address = match value {
        Value::Ether(address) => Host::Ether(address),
        Value::Ipv4(address) => Host::Ipv4(address),
        Value::Ipv6(address) => Host::Ipv6(address),
        _ => return None,
    };
    Some(End { address, port: 0 })
}

const fn number(value: Value) -> Option<u64> {
    match value {
        Value::Uint(number) => Some(number),
        _ => None,
    }
}

/// What Wireshark counts segments of Multipath TCP by: the ends of the connection's first segment, for
/// those that come from where a subflow's first one came from; the same the other way round, without
/// ports, for the others.
#[derive(Debug, Default)]
pub(super) struct Metas {
    /// The ends of a connection's first segment.
    connections: HashMap<u64, (End, End)>,
    /// Who sent the first one of a subflow.
    subflows: HashSet<(End, End)>,
}

impl Metas {
    /// Connections and subflows that are told apart.
    const MOST: usize = 1 << 20;

    /// The ends that a segment counts for; `None` if it is of no connection.
    pub(super) fn ends(
        &mut self,
        from: End,
        to: End,
        connection: Option<u64>,
    ) -> Option<(End, End)> {
        let connection = connection?;
        if self.subflows.len() >= Self::MOST {
            return None;
        }
        let (first, second) = *self.connections.entry(connection).or_insert((from, to));
        if self.subflows.contains(&(to, from)) {
            return Some((second.host(), first.host()));
        }
        self.subflows.insert((from, to));
        Some((first, second))
    }
}

/// Packets and bytes one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) frames: u64,
    pub(super) bytes: u64,
}

impl Volume {
    pub(super) fn add(&mut self, bytes: u32) {
        self.frames += 1;
        self.bytes += u64::from(bytes);
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self {
            frames: self.frames + other.frames,
            bytes: self.bytes + other.bytes,
        }
    }
}
