//! The tree of a frame, a line for each field, as `-V` and `-O` print it.

use super::text::spaces;
use super::{Shown, Text};
use crate::read::registry::PROTOCOLS;
use crate::read::render;

/// Which protocols are shown in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Details {
    /// All (`-V`).
    All,
    /// These, by their numbers, and of the others the first line (`-O`).
    Only(Vec<u16>),
}

impl Details {
    /// Those of these names, apart by commas.
    ///
    /// # Errors
    ///
    /// The name that is no protocol's.
    pub fn only(names: &str) -> Result<Self, String> {
        numbers(names).map(Self::Only)
    }

    /// Adds the tree of a frame.
    pub(super) fn print(&self, shown: &Shown, data: &[u8], text: &Text, out: &mut String) {
        let mut full = true;
        for node in shown.tree.nodes() {
            if node.depth == 0 {
                full = match self {
                    Self::All => true,
                    Self::Only(protocols) => {
                        node.field.is_protocol() && protocols.contains(&node.field.protocol)
                    }
                };
            } else if !full {
                continue;
            }
            if node.hidden {
                continue;
            }
            spaces(out, 4 * usize::from(node.depth));
            if node.generated {
                out.push('[');
            }
            render::line(node, &shown.tree, data, text.names, out);
            if node.generated {
                out.push(']');
            }
            out.push('\n');
            // Bytes that nobody knows are shown as bytes, too, unless all are.
            if full && node.field == crate::read::proto::data::THIS && !text.bytes {
                out.push('\n');
                super::bytes::dump(shown.tree.bytes(node.place, data), out);
            }
        }
    }
}

/// The numbers of the protocols of these names, apart by commas.
pub(super) fn numbers(names: &str) -> Result<Vec<u16>, String> {
    names
        .split(',')
        .map(|name| {
            let name = name.trim();
            let known = PROTOCOLS.iter().find(|protocol| protocol.name == name);
            known
                .map(|protocol| protocol.number)
                .ok_or_else(|| format!("{name:?} is not a protocol; `capture fields` lists them"))
        })
        .collect()
}
