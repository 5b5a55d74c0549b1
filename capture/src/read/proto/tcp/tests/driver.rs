//! Hands segments to the dissector as IP would.

use std::collections::HashMap;
use std::sync::Arc;

use crate::packet::{Packet, PacketMeta, Timestamp};
use crate::read::column::{Address, Columns};
use crate::read::memory::{Memory, Pass};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Node, Tree, Value, Wanted};
use crate::read::walk::{Carrier, Frame, Piece, Protocols, Quoted, Walk};
use crate::read::{Kind, Preferences, render};
use crate::source::file::PacketOptions;

/// A dissector with its memory.
pub(super) struct Driver {
    pub(super) memory: Memory,
    pub(super) preferences: Preferences,
    pub(super) tree: Tree,
    pub(super) columns: Columns,
    bytes: Vec<u8>,
}

/// A segment, with what IP says of it.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) frame: u64,
    pub(super) ts: Timestamp,
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) bytes: Vec<u8>,
    /// Its length on the wire.
    pub(super) reported: usize,
    pub(super) piece: Piece,
    pub(super) quoted: Quoted,
}

impl Driver {
    pub(super) fn new(wanted: Wanted, pass: Pass) -> Self {
        Self {
            memory: Memory::new(pass),
            preferences: Preferences::default(),
            tree: Tree::new(Arc::new(wanted)),
            columns: Columns::default(),
            bytes: Vec::new(),
        }
    }

    pub(super) fn dissect(&mut self, given: &Given) -> Result<(), Stop> {
        self.tree.clear();
        self.columns.clear();
        self.bytes.clone_from(&given.bytes);
        let meta = PacketMeta {
            ts: given.ts,
            wire_len: given.reported as u32,
            ..PacketMeta::UNKNOWN
        };
        let frame = Frame {
            section: None,
            number: given.frame,
            packet: Packet {
                meta,
                data: &given.bytes,
            },
            iface: None,
            options: PacketOptions::default(),
            first: given.ts,
            previous: given.ts,
            previous_shown: given.ts,
        };
        let mut walk = Walk {
            frame: &frame,
            memory: &mut self.memory,
            preferences: &self.preferences,
            tree: &mut self.tree,
            columns: &mut self.columns,
            protocols: Protocols::default(),
            claimed: None,
            current: super::super::fields::THIS,
            base: 0,
            carrier: Carrier {
                source: given.source,
                destination: given.destination,
                piece: given.piece,
                quoted: given.quoted,
            },
        };
        let region = Region::new(0, &given.bytes, given.reported as u32);
        let outcome = super::super::dissect(&mut walk, region);
        self.tree.finish();
        outcome
    }

    /// The last value of each field that is wanted.
    pub(super) fn each_last(&self) -> HashMap<&'static str, String> {
        let nodes = self.tree.nodes().iter();
        nodes
            .map(|node| (node.field.field().name, self.text(node)))
            .collect()
    }

    fn text(&self, node: &Node) -> String {
        let mut text = String::new();
        match (node.value, node.field.field().kind) {
            (Value::None, Kind::None) => text.push('1'),
            (Value::Int(number), _) => text = number.to_string(),
            _ => render::value(node, &self.tree, &self.bytes, &mut text),
        }
        text
    }

    /// The values of a field as text, as `-T fields` prints them.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        let nodes = self.tree.nodes().iter();
        nodes
            .filter(|node| node.field.field().name == name)
            .map(|node| self.text(node))
            .collect()
    }

    /// The last value of a field, or nothing.
    pub(super) fn last(&self, name: &str) -> String {
        self.values(name).pop().unwrap_or_default()
    }

    /// The tree as indented lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let nodes = self.tree.nodes().iter().filter(|node| !node.hidden);
        nodes
            .map(|node| {
                let mut line = "    ".repeat(node.depth.into());
                let mut text = String::new();
                let names = crate::read::print::Names::Numbers;
                render::line(node, &self.tree, &self.bytes, names, &mut text);
                if node.generated {
                    text = format!("[{text}]");
                }
                line.push_str(&text);
                line
            })
            .collect()
    }

    pub(super) fn info(&self) -> String {
        let mut text = String::new();
        self.columns.write_info(&mut text);
        text
    }
}
