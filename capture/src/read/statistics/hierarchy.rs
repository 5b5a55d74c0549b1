//! Which protocols lie in which (`tshark -z io,phs`).

use std::fmt::Write as _;

use super::traffic::Volume;
use super::{Statistic, StatisticError, filter, passes};
use crate::filter::display::DisplayFilter;
use crate::read::registry::PROTOCOLS;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;
use crate::read::{Columns, FieldId};

/// Protocols as a tree of those that were seen.
#[derive(Debug)]
pub(super) struct Hierarchy {
    filter: Option<DisplayFilter>,
    /// Nodes in the order in which they were seen; the first stands for the frame.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    protocol: u8,
    volume: Volume,
    children: Vec<usize>,
}

impl Hierarchy {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let words = match rest {
            "" => None,
            _ => Some(
                rest.strip_prefix(',')
                    .ok_or_else(|| StatisticError::Argument {
                        name: "io,phs",
                        reason: format!("{rest:?} is not a comma and a filter"),
                    })?,
            ),
        };
        Ok(Box::new(Self {
            filter: filter(words)?,
            nodes: vec![Node::default()],
        }))
    }

    fn child(&mut self, parent: usize, protocol: u8) -> usize {
        let known = self.nodes[parent]
            .children
            .iter()
            .copied()
            .find(|child| self.nodes[*child].protocol == protocol);
        known.unwrap_or_else(|| {
            let place = self.nodes.len();
            self.nodes.push(Node {
                protocol,
                ..Node::default()
            });
            self.nodes[parent].children.push(place);
            place
        })
    }

    fn lines(&self, parent: usize, depth: usize, out: &mut String) {
        for child in &self.nodes[parent].children {
            let Node {
                protocol, volume, ..
            } = &self.nodes[*child];
            let name = PROTOCOLS[usize::from(*protocol)].name;
            let indent = 2 * depth;
            let width = 40_usize.saturating_sub(indent);
            // Writing to a string does not fail.
            let _infallible = writeln!(
                out,
                "{:indent$}{name:<width$} frames:{} bytes:{}",
                "", volume.frames, volume.bytes
            );
            self.lines(*child, depth + 1, out);
        }
    }
}

/// Protocols deeper than this are counted with the one above them.
const DEEPEST: usize = 64;

impl Statistic for Hierarchy {
    fn want(&self, wanted: &mut Wanted) {
        for protocol in PROTOCOLS {
            wanted.add(FieldId {
                protocol: protocol.number,
                index: 0,
            });
        }
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let mut at = 0;
        let protocols = tree
            .nodes()
            .iter()
            .filter(|node| node.field.is_protocol() && node.depth == 0)
            // The frame itself is left out, as tshark does.
            .skip(1);
        for node in protocols.take(DEEPEST) {
            at = self.child(at, node.field.protocol);
            self.nodes[at].volume.add(frame.packet.meta.wire_len);
        }
    }

    fn print(&mut self, out: &mut String) {
        const RULE: &str = "===================================================================\n";
        let filter = self.filter.as_ref().map_or("", DisplayFilter::text);
        // Writing to a string does not fail.
        let _infallible = write!(
            out,
            "\n{RULE}Protocol Hierarchy Statistics\nFilter: {filter}\n\n"
        );
        self.lines(0, 0, out);
        out.push_str(RULE);
    }
}
