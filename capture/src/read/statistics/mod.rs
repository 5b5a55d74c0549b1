//! What is counted over all frames: tshark's `-z`.
//!
//! A statistic sees every frame, whatever `-Y` shows; those that take a filter have it as their last
//! word, as in tshark: `conv,tcp,ip.addr == 10.0.0.1`.
//!
//! - `conversations.rs` `conv,TYPE`; `endpoints.rs` `endpoints,TYPE`; `traffic.rs` what both count
//! - `interval.rs` `io,stat`; `hierarchy.rs` `io,phs`

mod conversations;
mod endpoints;
mod hierarchy;
mod interval;
mod traffic;

use std::fmt;

use super::field::FieldId;
use super::tree::{Node, Tree, Value, Wanted};
use super::walk::Frame;
use super::{Columns, registry};
use crate::filter::display::{DisplayFilter, FilterError};

/// Something that is counted over all frames.
pub trait Statistic: fmt::Debug + Send {
    /// The fields that it needs.
    fn want(&self, wanted: &mut Wanted);
    /// Takes a frame.
    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, columns: &Columns);
    /// Adds the result, as tshark prints it.
    fn print(&mut self, out: &mut String);
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

/// All of them: how they begin, what follows, how they are made.
const ALL: &[(&str, &str, Make)] = &[
    (
        "conv,",
        "eth|ip|ipv6|tcp|udp[,FILTER]",
        conversations::Conversations::parse,
    ),
    (
        "endpoints,",
        "eth|ip|ipv6|tcp|udp[,FILTER]",
        endpoints::Endpoints::parse,
    ),
    ("io,phs", "[,FILTER]", hierarchy::Hierarchy::parse),
    (
        "io,stat,",
        "SECONDS[,FILTER|COUNT|SUM|MIN|MAX|AVG|LOAD(FIELD)FILTER]…",
        interval::Intervals::parse,
    ),
];

/// How all of them are written.
#[must_use]
pub fn names() -> String {
    let names: Vec<_> = ALL
        .iter()
        .map(|(name, rest, _)| format!("{name}{rest}"))
        .collect();
    names.join("; ")
}

/// A statistic by tshark's words for it.
///
/// # Errors
///
/// When there is none of that name, or what follows the name is wrong.
pub fn parse(text: &str) -> Result<Box<dyn Statistic>, StatisticError> {
    for (name, _, make) in ALL {
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
#[derive(Clone, Debug)]
struct Known(Vec<FieldId>);

impl Known {
    fn named(name: &str) -> Self {
        Self(registry::by_name(name).collect())
    }

    fn want(&self, wanted: &mut Wanted) {
        for id in &self.0 {
            wanted.add(*id);
        }
    }

    fn is(&self, node: &Node) -> bool {
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
