//! Trees of packets: their lengths, addresses and ports (`plen,tree`, `ip_hosts,tree`, `ptype,tree`,
//! `dests,tree`, and those of IPv6).

use super::counter_tree::{CounterTree, Place, Values};
use super::traffic::{End, host};
use super::{Known, Statistic, StatisticError, filter, passes};
use crate::filter::display::DisplayFilter;
use crate::read::Columns;
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::walk::Frame;

/// The filter behind a statistic's name, if there is one.
pub(super) fn filter_behind(
    name: &'static str,
    rest: &str,
) -> Result<Option<DisplayFilter>, StatisticError> {
    let words = match rest {
        "" => None,
        _ => Some(
            rest.strip_prefix(',')
                .ok_or_else(|| StatisticError::Argument {
                    name,
                    reason: format!("{rest:?} is not a comma and a filter"),
                })?,
        ),
    };
    Ok(filter(words)?)
}

/// Packets by their length on the wire.
#[derive(Debug)]
pub(super) struct Lengths {
    filter: Option<DisplayFilter>,
    tree: CounterTree,
    all: Place,
    /// First length that is too long for it, and its counter.
    ranges: Vec<(u32, Place)>,
}

impl Lengths {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        const RANGES: [(u32, &str); 10] = [
            (20, "0-19"),
            (40, "20-39"),
            (80, "40-79"),
            (160, "80-159"),
            (320, "160-319"),
            (640, "320-639"),
            (1280, "640-1279"),
            (2560, "1280-2559"),
            (5120, "2560-5119"),
            (u32::MAX, "5120 and greater"),
        ];
        let filter = filter_behind("plen,tree", rest)?;
        let mut tree = CounterTree::new("Packet Lengths");
        let all = tree.add("Packet Lengths", None, Values::WHOLE);
        let ranges = RANGES
            .into_iter()
            .map(|(end, name)| (end, tree.add(name, Some(all), Values::WHOLE)));
        let ranges = ranges.collect();
        Ok(Box::new(Self {
            filter,
            tree,
            all,
            ranges,
        }))
    }
}

/// Time since the first frame.
pub(super) fn since_first(frame: &Frame<'_>) -> i64 {
    let ts = frame.packet.meta.ts.0;
    ts.wrapping_sub(frame.first.0).cast_signed()
}

impl Statistic for Lengths {
    fn want(&self, wanted: &mut Wanted) {
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        self.tree.set_time(since_first(frame));
        let len = frame.packet.meta.wire_len;
        self.tree.count_value(self.all, len.into());
        let range = self.ranges.iter().find(|(end, _)| len < *end);
        if let Some((_, place)) = range {
            self.tree.count_value(*place, len.into());
        }
    }

    fn print(&mut self, out: &mut String) {
        self.tree.print(out);
    }
}

/// What is counted of a packet's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Hosts,
    Types,
    Destinations,
}

/// Packets by their addresses, protocols and ports.
#[derive(Debug)]
pub(super) struct Addresses {
    what: What,
    filter: Option<DisplayFilter>,
    tree: CounterTree,
    root: Place,
    quotes: [Known; 2],
    source: Known,
    destination: Known,
    /// That it is a fragment, and that it was put together with others.
    more: Known,
    offset: Known,
    together: Known,
    /// Protocols with ports by their names, and their destination ports.
    transports: [(&'static str, Known, Known); 3],
}

impl Addresses {
    fn of(
        (what, version): (What, &'static str),
        title: &'static str,
        name: &'static str,
        rest: &str,
    ) -> Result<Box<dyn Statistic>, StatisticError> {
        let root_name = match what {
            What::Hosts => "All Addresses",
            What::Types => "IP Protocol Types",
            What::Destinations => "Destinations and Ports",
        };
        let filter = filter_behind(name, rest)?;
        let mut tree = CounterTree::new(title);
        let root = tree.add(root_name, None, Values::None);
        let known = |field: &str| Known::named(&format!("{version}{field}"));
        // Wireshark counts fragments of IPv4 for themselves.
        let of_v6 = |field: &str| match version {
            "ip" => Known(Vec::new()),
            _ => known(field),
        };
        let transport = |name: &'static str, lower: &str| {
            let port = Known::named(&format!("{lower}.dstport"));
            (name, Known::named(lower), port)
        };
        Ok(Box::new(Self {
            what,
            filter,
            tree,
            root,
            quotes: [Known::named("icmp"), Known::named("icmpv6")],
            source: known(".src"),
            destination: known(".dst"),
            more: of_v6(".fraghdr.more"),
            offset: of_v6(".fraghdr.offset"),
            together: of_v6(".fragment.count"),
            transports: [
                transport("TCP", "tcp"),
                transport("UDP", "udp"),
                transport("SCTP", "sctp"),
            ],
        }))
    }

    pub(super) fn hosts(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let title = "IPv4 Statistics/All Addresses";
        Self::of((What::Hosts, "ip"), title, "ip_hosts,tree", rest)
    }

    pub(super) fn types(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let title = "IPv4 Statistics/IP Protocol Types";
        Self::of((What::Types, "ip"), title, "ptype,tree", rest)
    }

    pub(super) fn destinations(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let title = "IPv4 Statistics/Destinations and Ports";
        Self::of((What::Destinations, "ip"), title, "dests,tree", rest)
    }

    pub(super) fn hosts_v6(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let title = "IPv6 Statistics/All Addresses";
        Self::of((What::Hosts, "ipv6"), title, "ipv6_hosts,tree", rest)
    }

    pub(super) fn types_v6(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let title = "IPv6 Statistics/IP Protocol Types";
        Self::of((What::Types, "ipv6"), title, "ipv6_ptype,tree", rest)
    }

    pub(super) fn destinations_v6(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let title = "IPv6 Statistics/Destinations and Ports";
        Self::of((What::Destinations, "ipv6"), title, "ipv6_dests,tree", rest)
    }
}

/// What a packet's headers say, the innermost one last.
#[derive(Default)]
struct Found {
    /// Network headers that are not quoted.
    headers: u32,
    source: Option<End>,
    destination: Option<End>,
    transport: Option<&'static str>,
    port: u64,
    is_fragment: bool,
}

impl Statistic for Addresses {
    fn want(&self, wanted: &mut Wanted) {
        let own = [
            &self.source,
            &self.destination,
            &self.more,
            &self.offset,
            &self.together,
        ];
        let transports = self.transports.iter();
        let transports = transports.flat_map(|(_, protocol, port)| [protocol, port]);
        for known in own.into_iter().chain(&self.quotes).chain(transports) {
            known.want(wanted);
        }
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let mut found = Found::default();
        let mut quoting = false;
        for node in tree.nodes() {
            quoting |= self.quotes.iter().any(|quote| quote.is(node));
            if self.source.is(node) && !quoting {
                found.source = host(node.value);
            } else if self.destination.is(node) && !quoting {
                // A header that is not whole is none.
                found.headers += 1;
                found.destination = host(node.value);
            }
            match node.value {
                Value::Bool(true) if self.more.is(node) => found.is_fragment = true,
                Value::Uint(1..) if self.offset.is(node) => found.is_fragment = true,
                _ if self.together.is(node) => found.is_fragment = false,
                _ => {}
            }
            for (name, protocol, port) in &self.transports {
                if protocol.is(node) {
                    found.transport = Some(name);
                } else if port.is(node)
                    && let Value::Uint(number) = node.value
                {
                    found.port = number;
                }
            }
        }
        // A fragment counts with the others, once they are put together.
        if found.headers == 0 || found.is_fragment {
            return;
        }
        self.tree.set_time(since_first(frame));
        let address = |end: Option<End>| end.map_or_else(String::new, |end| end.address());
        let transport = found.transport.unwrap_or("NONE");
        // Wireshark's taps of all headers see what the innermost one says.
        for _ in 0..found.headers {
            self.tree.count(self.root);
            match self.what {
                What::Hosts => {
                    for end in [found.source, found.destination] {
                        self.tree.count_below(self.root, &address(end));
                    }
                }
                What::Types => {
                    self.tree.count_below(self.root, transport);
                }
                What::Destinations => {
                    let host = self
                        .tree
                        .count_below(self.root, &address(found.destination));
                    let transport = host.and_then(|host| self.tree.count_below(host, transport));
                    if let Some(transport) = transport {
                        self.tree.count_below(transport, &found.port.to_string());
                    }
                }
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        self.tree.print(out);
    }
}
