//! What is counted over all frames: tshark's `-z`.
//!
//! A statistic sees every frame, whatever `-Y` shows; those that take a filter have it as their last
//! word, as in tshark: `conv,tcp,ip.addr == 10.0.0.1`.
//!
//! - `conversations.rs` `conv,TYPE`; `endpoints.rs` `endpoints,TYPE`; `traffic.rs` what both count
//! - `interval.rs` `io,stat`, and `interval_table.rs` its table; `hierarchy.rs` `io,phs`
//! - `expert.rs` `expert`; `follow.rs` `follow,tcp`; `flow.rs` `flow`; `scans.rs` `scans`
//! - `counter_tree.rs` counters in a tree; `packets.rs` such trees of lengths, addresses and ports;
//!   `applications.rs` of DNS and HTTP; `echoes.rs` `icmp,srt`
//! - `hosts.rs` `hosts`; `credentials.rs` `credentials`; `column_info.rs` `proto,colinfo`
//! - `segment.rs` TCP segments as statistics see them

mod applications;
mod column_info;
mod conversations;
mod counter_tree;
mod credentials;
mod echoes;
mod endpoints;
mod expert;
mod flow;
mod follow;
mod hierarchy;
mod hosts;
mod interval;
mod interval_table;
mod packets;
mod scans;
pub(crate) mod segment;
pub(crate) mod traffic;

use std::fmt;

use super::field::FieldId;
use super::pipeline::ReadPlan;
use super::tree::{Node, Tree, Value, Wanted};
use super::walk::Frame;
use super::{Columns, registry};
use crate::filter::display::{DisplayFilter, FilterError};
use crate::source::file::HostName;

/// Something that is counted over all frames.
pub trait Statistic: fmt::Debug + Send {
    /// The fields that it needs.
    fn want(&self, wanted: &mut Wanted);
    /// Takes a frame.
    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, columns: &Columns);
    /// What is read, and how: told before all frames.
    fn begin(&mut self, _plan: &ReadPlan) {}
    /// Names that the files give addresses.
    fn names(&mut self, _names: &[HostName]) {}
    /// Whether it adds to the list's info.
    fn adds_info(&self) -> bool {
        false
    }
    /// Adds to the info of a frame.
    fn add_info(&self, _frame: &Frame<'_>, _tree: &Tree, _columns: &mut Columns) {}
    /// Adds the result, as tshark prints it.
    fn print(&mut self, out: &mut String);
}

impl<S: Statistic + ?Sized> Statistic for &mut S {
    fn want(&self, wanted: &mut Wanted) {
        (**self).want(wanted);
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, columns: &Columns) {
        (**self).frame(frame, tree, columns);
    }

    fn begin(&mut self, plan: &ReadPlan) {
        (**self).begin(plan);
    }

    fn names(&mut self, names: &[HostName]) {
        (**self).names(names);
    }

    fn adds_info(&self) -> bool {
        (**self).adds_info()
    }

    fn add_info(&self, frame: &Frame<'_>, tree: &Tree, columns: &mut Columns) {
        (**self).add_info(frame, tree, columns);
    }

    fn print(&mut self, out: &mut String) {
        (**self).print(out);
    }
}

/// Why there is no such statistic.
#[derive(Debug, thiserror::Error)]
pub enum StatisticError {
    /// Nothing has that name.
    #[error("there is no statistic {0:?}; there are {list}", list = names())]
    Unknown(String),
    /// What follows the name makes no sense.
    #[error("{name}: {reason}")]
    Argument {
        /// The statistic.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Its filter is wrong.
    #[error("{0}")]
    Filter(#[from] FilterError),
}

/// Makes a statistic of the words that follow its name.
type Make = fn(&str) -> Result<Box<dyn Statistic>, StatisticError>;

/// A statistic as it is written, and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// How it begins.
    pub name: &'static str,
    /// What follows.
    pub rest: &'static str,
    /// What it tells.
    pub help: &'static str,
    make: Make,
}

/// All of them.
pub static ALL: &[Description] = &[
    Description {
        name: "conv,",
        rest: "eth|ip|ipv6|mptcp|tcp|udp[,FILTER]",
        help: "conversations: packets and bytes between two ends, each way",
        make: conversations::Conversations::parse,
    },
    Description {
        name: "credentials",
        rest: "",
        help: "who logged in without encryption: FTP, HTTP, IMAP, POP, SMTP",
        make: credentials::Credentials::parse,
    },
    Description {
        name: "dests,tree",
        rest: "[,FILTER]",
        help: "where IPv4 packets go to: address, protocol, port; ipv6_dests,tree likewise",
        make: packets::Addresses::destinations,
    },
    Description {
        name: "dns,tree",
        rest: "[,FILTER]",
        help: "DNS messages by kind, type, answer and size",
        make: applications::Dns::parse,
    },
    Description {
        name: "endpoints,",
        rest: "eth|ip|ipv6|mptcp|tcp|udp[,FILTER]",
        help: "packets and bytes of each address",
        make: endpoints::Endpoints::parse,
    },
    Description {
        name: "expert",
        rest: "[,error|warn|note|chat|comment][,FILTER]",
        help: "what is remarkable, this severity or worse",
        make: expert::Expert::parse,
    },
    Description {
        name: "flow,",
        rest: "any|tcp,standard|network[,FILTER]",
        help: "who sent what to whom, as a ladder",
        make: flow::Flow::parse,
    },
    Description {
        name: "follow,http,",
        rest: "ascii|hex|raw|yaml,STREAM|IP:PORT,IP:PORT[,FIRST-LAST]",
        help: "the messages of HTTP/1 in a TCP stream: headers, and bodies without chunks and compression",
        make: follow::Follow::http,
    },
    Description {
        name: "follow,tcp,",
        rest: "ascii|hex|raw|yaml,STREAM|IP:PORT,IP:PORT[,FIRST-LAST]",
        help: "what a TCP stream carries, in order",
        make: follow::Follow::parse,
    },
    Description {
        name: "follow,udp,",
        rest: "ascii|hex|raw|yaml,STREAM|IP:PORT,IP:PORT[,FIRST-LAST]",
        help: "what a UDP stream carries",
        make: follow::Follow::udp,
    },
    Description {
        name: "hosts",
        rest: "[,ip|ipv4|ipv6]…",
        help: "names of addresses that DNS told or the file has, as lines of a hosts file, by address",
        make: hosts::Hosts::parse,
    },
    Description {
        name: "http,stat",
        rest: "[,FILTER]",
        help: "HTTP messages by status code and by method, in two lists",
        make: applications::HttpLists::parse,
    },
    Description {
        name: "http,tree",
        rest: "[,FILTER]",
        help: "HTTP messages by method and status code",
        make: applications::Http::parse,
    },
    Description {
        name: "http_req,tree",
        rest: "[,FILTER]",
        help: "HTTP requests by host and address",
        make: applications::Requests::parse,
    },
    Description {
        name: "http_srv,tree",
        rest: "[,FILTER]",
        help: "HTTP requests by server and host, responses by server and outcome",
        make: applications::Load::parse,
    },
    Description {
        name: "icmp,srt",
        rest: "[,FILTER]",
        help: "how long echo replies take",
        make: echoes::Echoes::v4,
    },
    Description {
        name: "io,phs",
        rest: "[,FILTER]",
        help: "which protocols lie in which",
        make: hierarchy::Hierarchy::parse,
    },
    Description {
        name: "io,stat,",
        rest: "SECONDS[,FILTER|COUNT|SUM|MIN|MAX|AVG|LOAD(FIELD)FILTER]…",
        help: "packets and bytes over time",
        make: interval::Intervals::parse,
    },
    Description {
        name: "ip_hosts,tree",
        rest: "[,FILTER]",
        help: "IPv4 packets by address, of either side; ipv6_hosts,tree likewise",
        make: packets::Addresses::hosts,
    },
    Description {
        name: "ipv6_dests,tree",
        rest: "[,FILTER]",
        help: "where IPv6 packets go to",
        make: packets::Addresses::destinations_v6,
    },
    Description {
        name: "ipv6_hosts,tree",
        rest: "[,FILTER]",
        help: "IPv6 packets by address",
        make: packets::Addresses::hosts_v6,
    },
    Description {
        name: "ipv6_ptype,tree",
        rest: "[,FILTER]",
        help: "IPv6 packets by protocol",
        make: packets::Addresses::types_v6,
    },
    Description {
        name: "plen,tree",
        rest: "[,FILTER]",
        help: "packets by their length",
        make: packets::Lengths::parse,
    },
    Description {
        name: "proto,colinfo,",
        rest: "FILTER,FIELD",
        help: "no statistic: values of a field behind the info of the list; FILTER has to name FIELD too",
        make: column_info::ColumnInfo::parse,
    },
    Description {
        name: "ptype,tree",
        rest: "[,FILTER]",
        help: "IPv4 packets by protocol; ipv6_ptype,tree likewise",
        make: packets::Addresses::types,
    },
    Description {
        name: "scans",
        rest: "[,PORTS][,FILTER]",
        help: "port scans (SYN, FIN, NULL, Xmas, ACK): who, whom, how many ports, what answered",
        make: scans::Scans::parse,
    },
];

/// How all of them are written.
#[must_use]
pub fn names() -> String {
    let names: Vec<_> = ALL
        .iter()
        .map(|Description { name, rest, .. }| format!("{name}{rest}"))
        .collect();
    names.join("; ")
}

/// A statistic by tshark's words for it.
///
/// # Errors
///
/// When there is none of that name, or what follows the name is wrong.
pub fn parse(text: &str) -> Result<Box<dyn Statistic>, StatisticError> {
    for Description { name, make, .. } in ALL {
        if let Some(rest) = text.strip_prefix(name) {
            return make(rest);
        }
    }
    Err(StatisticError::Unknown(text.to_owned()))
}

/// The filter at the end of a statistic's words, if there is one.
fn filter(text: Option<&str>) -> Result<Option<DisplayFilter>, FilterError> {
    text.filter(|text| !text.trim().is_empty())
        .map(DisplayFilter::new)
        .transpose()
}

/// What tshark prints of a filter.
fn filter_text(filter: Option<&DisplayFilter>) -> &str {
    filter.map_or("<No Filter>", DisplayFilter::text)
}

/// Whether a frame is counted.
fn passes(filter: Option<&DisplayFilter>, tree: &Tree, frame: &Frame<'_>) -> bool {
    filter.is_none_or(|filter| filter.matches(tree, frame.packet.data))
}

/// A field of the registry by its name, to be looked for in trees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Vec<FieldId>);

impl Known {
    pub(crate) fn named(name: &str) -> Self {
        Self(registry::by_name(name).collect())
    }

    pub(crate) fn want(&self, wanted: &mut Wanted) {
        for id in &self.0 {
            wanted.add(*id);
        }
    }

    pub(crate) fn is(&self, node: &Node) -> bool {
        self.0.contains(&node.field)
    }

    /// Its values in a tree, in the order of the packet.
    fn values<'t>(&'t self, tree: &'t Tree) -> impl Iterator<Item = Value> + 't {
        let nodes = tree.nodes().iter().filter(|node| self.is(node));
        nodes.map(|node| node.value)
    }
}

/// The line of `=` around tshark's tables.
const RULE: &str =
    "================================================================================\n";
