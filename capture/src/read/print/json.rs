//! Everything of a frame as JSON, in the shape of tshark's `-T json`: what lies below a field is an
//! object beside it, called `FIELD_tree`.

use super::Shown;
use super::text::hex;
use crate::read::field::Kind;
use crate::read::render;
use crate::read::tree::{Node, Place};

/// Where a frame's protocols begin.
const INDENT: usize = 8;

/// Adds what comes before all frames.
pub(super) fn begin(out: &mut String) {
    out.push('[');
}

/// Adds what comes behind all frames.
pub(super) fn end(frames: u64, out: &mut String) {
    out.push_str(if frames == 0 { "\n\n]\n" } else { "\n]\n" });
}

/// Adds a frame.
pub(super) fn frame(shown: &Shown, data: &[u8], bytes: bool, out: &mut String) {
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
    if bytes {
        writer.raw_frame();
    }
    let nodes = shown.tree.nodes();
    writer.level(nodes, 0, bytes);
    out.push_str("\n      }\n    }\n  }");
}

struct Writer<'a> {
    shown: &'a Shown,
    data: &'a [u8],
    bytes: bool,
    out: &'a mut String,
}

impl Writer<'_> {
    /// The nodes of one depth, each with those below it. `follows` says that something is there
    /// already.
    fn level(&mut self, nodes: &[Node], depth: u8, mut follows: bool) {
        let mut rest = nodes;
        while let Some((node, behind)) = rest.split_first() {
            let below = behind
                .iter()
                .take_while(|other| other.depth > depth)
                .count();
            let (children, next) = behind.split_at(below);
            rest = next;
            self.node(node, children, depth, follows);
            follows = true;
        }
    }

    fn node(&mut self, node: &Node, children: &[Node], depth: u8, follows: bool) {
        let field = node.field.field();
        if self.bytes && node.place.len > 0 {
            self.comma(follows, depth);
            self.name(field.name, "_raw");
            self.raw(node.place, field.mask);
            self.comma(true, depth);
        } else {
            self.comma(follows, depth);
        }
        if field.kind == Kind::Protocol && !children.is_empty() {
            self.name(field.name, "");
            self.object(children, depth);
            return;
        }
        self.name(field.name, "");
        self.string(|out, shown, data| render::json(node, &shown.tree, data, out));
        if !children.is_empty() {
            self.comma(true, depth);
            self.name(field.name, "_tree");
            self.object(children, depth);
        }
    }

    fn object(&mut self, children: &[Node], depth: u8) {
        self.out.push('{');
        self.level(children, depth + 1, false);
        self.newline(depth);
        self.out.push('}');
    }

    fn name(&mut self, name: &str, suffix: &str) {
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str(suffix);
        self.out.push_str("\": ");
    }

    fn comma(&mut self, follows: bool, depth: u8) {
        if follows {
            self.out.push(',');
        }
        self.newline(depth);
    }

    fn newline(&mut self, depth: u8) {
        self.out.push('\n');
        super::text::spaces(self.out, INDENT + 2 * usize::from(depth));
    }

    /// A value as a JSON string.
    fn string(&mut self, add: impl FnOnce(&mut String, &Shown, &[u8])) {
        let start = self.out.len();
        add(self.out, self.shown, self.data);
        let value = self.out.split_off(start);
        escape(&value, self.out);
    }

    fn raw_frame(&mut self) {
        self.newline(0);
        self.name("frame", "_raw");
        let place = Place {
            source: 0,
            at: 0,
            len: self.data.len() as u32,
        };
        self.raw(place, 0);
    }

    /// tshark's five: bytes, position, length, mask, type.
    fn raw(&mut self, place: Place, mask: u64) {
        use std::fmt::Write as _;
        self.out.push_str("[\"");
        for byte in self.shown.tree.bytes(place, self.data) {
            hex(self.out, *byte);
        }
        let (at, len) = (place.at, place.len);
        let _infallible = write!(self.out, "\", {at}, {len}, {mask}, 1]");
    }
}

/// Adds a JSON string (RFC 8259 section 7).
fn escape(text: &str, out: &mut String) {
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
