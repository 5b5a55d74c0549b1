//! Which protocols lie in which (`tshark -z io,phs`).

use std::fmt::Write as _;

use super::traffic::Volume;
use super::{Statistic, StatisticError, filter, passes};
use crate::filter::display::DisplayFilter;
use crate::read::proto::{frame, tcp};
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

#[derive(Debug)]
struct Node {
    /// A protocol, or something else that stands at the top of tshark's tree.
    field: FieldId,
    volume: Volume,
    children: Vec<usize>,
}

impl Node {
    fn new(field: FieldId) -> Self {
        Self {
            field,
            volume: Volume::default(),
            children: Vec::new(),
        }
    }
}

/// What tshark counts like protocols.
const BESIDE: [FieldId; 4] = [
    frame::MALFORMED,
    frame::SHORT,
    frame::UNREASSEMBLED,
    tcp::SEGMENTS,
];

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
            nodes: vec![Node::new(frame::THIS)],
        }))
    }

    fn child(&mut self, parent: usize, field: FieldId) -> usize {
        let known = self.nodes[parent]
            .children
            .iter()
            .copied()
            .find(|child| self.nodes[*child].field == field);
        known.unwrap_or_else(|| {
            let place = self.nodes.len();
            self.nodes.push(Node::new(field));
            self.nodes[parent].children.push(place);
            place
        })
    }

    fn lines(&self, parent: usize, depth: usize, out: &mut String) {
        for child in &self.nodes[parent].children {
            let Node { field, volume, .. } = &self.nodes[*child];
            let name = field.field().name;
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
        for field in BESIDE {
            wanted.add(field);
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
            .filter(|node| node.depth == 0)
            .filter(|node| node.field.is_protocol() || BESIDE.contains(&node.field))
            // The frame itself is left out, as tshark does.
            .skip(1);
        // tshark counts what was put together behind those whose message it is, which lie in it.
        let mut put_together: Option<FieldId> = None;
        let mut count = |field: FieldId| {
            at = self.child(at, field);
            self.nodes[at].volume.add(frame.packet.meta.wire_len);
        };
        for node in protocols.take(DEEPEST) {
            if (node.place.source == 0 || node.field == tcp::SEGMENTS)
                && let Some(before) = put_together.take()
            {
                count(before);
            }
            if node.field == tcp::SEGMENTS {
                put_together = Some(node.field);
            } else {
                count(node.field);
            }
        }
        if let Some(last) = put_together {
            count(last);
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
