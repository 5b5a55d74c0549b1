//! Everything of a frame as JSON, in the shape of tshark's `-T json`: what lies below a field is an
//! object beside it, called `FIELD_tree`.

use std::collections::HashMap;

use super::text::hex;
use super::{Chosen, Shown};
use crate::read::field::{Field, Kind};
use crate::read::proto::data::TEXT;
use crate::read::proto::{expert, frame};
use crate::read::render::{self, mask};
use crate::read::tree::{Node, Tree, Value};

/// Where a frame's protocols begin.
const INDENT: usize = 8;

/// Adds what comes before all frames.
pub(super) fn begin(out: &mut String) {
    out.push('[');
}

/// Adds what comes behind all frames.
pub(super) fn end(frames: u64, out: &mut String) {
    out.push_str(if frames == 0 { "]\n" } else { "\n]\n" });
}

/// Whether bytes of fields are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonBytes {
    /// No: values alone.
    None,
    /// Beside the values (`-T json -x`).
    Beside,
    /// Instead of them (`-T jsonraw`).
    Alone,
}

/// What is done where several fields of an object have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKeys {
    /// Each is a member.
    Each,
    /// Their values are an array (`--no-duplicate-keys`).
    Merged,
}

/// Adds a frame.
pub(super) fn object(
    shown: &Shown,
    data: &[u8],
    (bytes, keys): (JsonBytes, JsonKeys),
    chosen: Option<&Chosen>,
    out: &mut String,
) {
    use std::fmt::Write as _;
    out.push_str(if shown.before == 0 { "\n" } else { ",\n" });
    let (year, month, day) = shown.meta.ts.date();
    // Writing to a string does not fail.
    let _infallible = write!(
        out,
        "  {{\n    \"_index\": \"packets-{year:04}-{month:02}-{day:02}\",\n    \"_type\": \"doc\",\n    \
         \"_score\": null,\n    \"_source\": {{\n      \"layers\": {{"
    );
    let mut writer = Writer {
        shown,
        data,
        bytes,
        out,
    };
    let nodes = shown.tree.nodes();
    match keys {
        JsonKeys::Each => writer.level(nodes, 0, false, chosen),
        JsonKeys::Merged => writer.merged(nodes, 0, chosen),
    }
    out.push_str("\n      }\n    }\n  }");
}

/// A node, and those below it.
type Branch<'n> = (&'n Node, &'n [Node]);

/// Splits off the first node with those below it.
fn first_branch(nodes: &[Node]) -> Option<(Branch<'_>, &[Node])> {
    let (node, behind) = nodes.split_first()?;
    let below = behind
        .iter()
        .take_while(|other| other.depth > node.depth)
        .count();
    let (children, next) = behind.split_at(below);
    Some(((node, children), next))
}

struct Writer<'a> {
    shown: &'a Shown,
    data: &'a [u8],
    bytes: JsonBytes,
    out: &'a mut String,
}

impl Writer<'_> {
    /// The nodes of one depth, each with those below it. `follows` says that something is there
    /// already.
    fn level(&mut self, nodes: &[Node], depth: u8, mut follows: bool, chosen: Option<&Chosen>) {
        let mut rest = nodes;
        while let Some(((node, children), next)) = first_branch(rest) {
            rest = next;
            self.node(node, children, depth, &mut follows, chosen);
        }
    }

    /// The same, with nodes of one name together.
    fn merged(&mut self, nodes: &[Node], depth: usize, chosen: Option<&Chosen>) {
        let mut places = HashMap::new();
        let mut groups: Vec<Vec<Branch<'_>>> = Vec::new();
        let mut rest = nodes;
        while let Some((branch, next)) = first_branch(rest) {
            rest = next;
            let name = self.shown.tree.name_of(branch.0);
            match places.get(name) {
                None => {
                    places.insert(name, groups.len());
                    groups.push(vec![branch]);
                }
                Some(place) => {
                    let group: &mut Vec<_> = &mut groups[*place];
                    group.push(branch);
                }
            }
        }
        let mut follows = false;
        for group in &groups {
            self.group(group, depth, &mut follows, chosen);
        }
    }

    /// Nodes of one name: the first one says what all of them have.
    fn group(
        &mut self,
        group: &[Branch<'_>],
        depth: usize,
        follows: &mut bool,
        chosen: Option<&Chosen>,
    ) {
        let Some((first, _)) = group.first() else {
            return;
        };
        let field = first.field.field();
        let is_text = first.field == TEXT;
        let has_value = !matches!(field.kind, Kind::Protocol | Kind::None);
        let has_children = group.iter().any(|(_, children)| !children.is_empty());
        let values = self.bytes != JsonBytes::Alone;
        let raw = match self.bytes {
            JsonBytes::None => false,
            JsonBytes::Beside => first.place.len > 0,
            JsonBytes::Alone => true,
        };
        if first.field == frame::THIS && self.bytes != JsonBytes::None {
            self.key(first, "_raw", depth, follows);
            self.raw_frame();
        } else if raw && !is_text {
            self.key(first, "_raw", depth, follows);
            self.each(group, depth, |this, (node, _), depth| this.raw(node, depth));
        }
        if values && has_value {
            self.key(first, "", depth, follows);
            self.each(group, depth, |this, (node, _), _| {
                this.string(|out, shown, data| render::json(node, &shown.tree, data, out));
            });
        }
        if has_children {
            self.key(first, if has_value { "_tree" } else { "" }, depth, follows);
            let is_filtered = chosen.is_some_and(|chosen| !chosen.has(field.name));
            let below = chosen.and_then(Chosen::below);
            self.each(group, depth, |this, (node, children), depth| {
                if children.is_empty() && !is_filtered {
                    this.no_value(node);
                    return;
                }
                this.out.push('{');
                if is_filtered {
                    this.newline(depth + 1);
                    this.out.push_str("\"filtered\": ");
                    escape(this.shown.tree.name_of(node), this.out);
                } else {
                    this.merged(children, depth + 1, below);
                }
                this.newline(depth);
                this.out.push('}');
            });
        } else if !has_value && (values || is_text) {
            self.key(first, "", depth, follows);
            self.each(group, depth, |this, (node, _), _| this.no_value(node));
        }
    }

    /// What `write` adds of each node of a group: an array, if there are several.
    fn each(
        &mut self,
        group: &[Branch<'_>],
        depth: usize,
        write: impl Fn(&mut Self, Branch<'_>, usize),
    ) {
        if let [branch] = group {
            write(self, *branch, depth);
            return;
        }
        self.out.push('[');
        for (place, branch) in group.iter().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            self.newline(depth + 1);
            write(self, *branch, depth + 1);
        }
        self.newline(depth);
        self.out.push(']');
    }

    /// What stands for a node that has neither a value nor others below it.
    fn no_value(&mut self, node: &Node) {
        match node.field.field().kind {
            Kind::Protocol => {
                self.string(|out, shown, data| render::json(node, &shown.tree, data, out));
            }
            _ => self.out.push_str("\"\""),
        }
    }

    /// `write_json_proto_node_list` of Wireshark's `epan/print.c`.
    fn node(
        &mut self,
        node: &Node,
        children: &[Node],
        depth: u8,
        follows: &mut bool,
        chosen: Option<&Chosen>,
    ) {
        let field = node.field.field();
        let indent = usize::from(depth);
        let is_text = node.field == TEXT;
        let has_value = !matches!(field.kind, Kind::Protocol | Kind::None);
        let values = self.bytes != JsonBytes::Alone;
        let raw = match self.bytes {
            JsonBytes::None => false,
            JsonBytes::Beside => node.place.len > 0,
            JsonBytes::Alone => true,
        };
        if node.field == frame::THIS && self.bytes != JsonBytes::None {
            self.key(node, "_raw", indent, follows);
            self.raw_frame();
        } else if raw && !is_text {
            self.key(node, "_raw", indent, follows);
            self.raw(node, indent);
        }
        if values && has_value {
            self.key(node, "", indent, follows);
            self.string(|out, shown, data| render::json(node, &shown.tree, data, out));
        }
        if !children.is_empty() {
            let suffix = if has_value { "_tree" } else { "" };
            self.key(node, suffix, indent, follows);
            self.out.push('{');
            match chosen {
                Some(chosen) if !chosen.has(field.name) => {
                    self.newline(indent + 1);
                    self.out.push_str("\"filtered\": ");
                    escape(self.shown.tree.name_of(node), self.out);
                }
                Some(chosen) => self.level(children, depth + 1, false, chosen.below()),
                None => self.level(children, depth + 1, false, None),
            }
            self.newline(indent);
            self.out.push('}');
        } else if !has_value && (values || is_text) {
            self.key(node, "", indent, follows);
            self.no_value(node);
        }
    }

    /// Begins a member of an object.
    fn key(&mut self, node: &Node, suffix: &str, depth: usize, follows: &mut bool) {
        if std::mem::replace(follows, true) {
            self.out.push(',');
        }
        self.newline(depth);
        let name = self.shown.tree.name_of(node);
        escape(name, self.out);
        if !suffix.is_empty() {
            self.out.pop();
            self.out.push_str(suffix);
            self.out.push('"');
        }
        self.out.push_str(": ");
    }

    fn newline(&mut self, depth: usize) {
        self.out.push('\n');
        super::text::spaces(self.out, INDENT + 2 * depth);
    }

    /// A value as a JSON string.
    fn string(&mut self, value: impl FnOnce(&mut String, &Shown, &[u8])) {
        let mut text = String::new();
        value(&mut text, self.shown, self.data);
        escape(&text, self.out);
    }

    fn raw_frame(&mut self) {
        let mut bytes = String::new();
        for byte in self.data {
            hex(&mut bytes, *byte);
        }
        self.five(Some(&bytes), [0, self.data.len() as u64, 0, 1], 0);
    }

    /// tshark's five: bytes, position, length, mask, type.
    fn raw(&mut self, node: &Node, depth: usize) {
        let mut bytes = String::new();
        raw_value(node, &self.shown.tree, self.data, &mut bytes);
        let field = node.field.field();
        let place = node.place;
        // Wireshark keeps no bytes for what it concludes and only remarks on.
        let is_remark = node.place.len == 0
            && (node.field.protocol == expert::THIS.protocol
                || matches!(field.kind, Kind::None | Kind::Protocol));
        let bytes = (!is_remark).then_some(&*bytes);
        let numbers = [
            place.at.into(),
            place.len.into(),
            mask(field),
            type_number(field),
        ];
        self.five(bytes, numbers, depth);
    }

    fn five(&mut self, bytes: Option<&str>, numbers: [u64; 4], depth: usize) {
        use std::fmt::Write as _;
        self.out.push('[');
        if let Some(bytes) = bytes {
            self.newline(depth + 1);
            let _infallible = write!(self.out, "\"{bytes}\",");
        }
        for (place, number) in numbers.into_iter().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            self.newline(depth + 1);
            let _infallible = write!(self.out, "{number}");
        }
        self.newline(depth);
        self.out.push(']');
    }
}

/// Adds the bytes of a node, or of a masked one its value, in hexadecimal.
pub(super) fn raw_value(node: &Node, tree: &Tree, data: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    if mask(node.field.field()) == 0 {
        for byte in tree.bytes(node.place, data) {
            hex(out, *byte);
        }
        return;
    }
    let value = match node.value {
        Value::Uint(number) => number,
        Value::Int(number) => number.cast_unsigned(),
        Value::Bool(set) => set.into(),
        _ => return,
    };
    // Writing to a string does not fail.
    let _infallible = write!(out, "{value:X}");
}

/// Wireshark's number of a type (`enum ftenum` of `epan/ftypes/ftypes.h`, 4.0).
const fn type_number(field: &Field) -> u64 {
    match field.kind {
        Kind::None => 0,
        Kind::Protocol => 1,
        Kind::Bool => 2,
        Kind::Uint(8) => 4,
        Kind::Uint(16) => 5,
        Kind::Uint(24) => 6,
        Kind::Uint(64) => 11,
        Kind::Uint(_) => 7,
        Kind::Int(8) => 12,
        Kind::Int(16) => 13,
        Kind::Int(24) => 14,
        Kind::Int(64) => 19,
        Kind::Int(_) => 15,
        Kind::Double => 23,
        Kind::AbsoluteTime => 24,
        Kind::RelativeTime => 25,
        Kind::String => 26,
        Kind::Ether => 29,
        Kind::Bytes => 30,
        Kind::Ipv4 => 32,
        Kind::Ipv6 => 33,
        Kind::FrameNumber => 35,
    }
}

/// Adds a JSON string (RFC 8259 section 7).
pub(super) fn escape(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => {
                let _infallible = write!(out, "\\u{:04x}", letter as u32);
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}
