//! Everything of a frame as XML, in the shape of tshark's `-T pdml` (`proto_tree_write_node_pdml` of
//! Wireshark's `epan/print.c`).

use std::fmt::Write as _;

use super::json::raw_value;
use super::text::{hex, spaces};
use super::{Chosen, Names, Shown};
use crate::read::color::Color;
use crate::read::field::Kind;
use crate::read::proto::{data, expert};
use crate::read::render::{self, Moment, Seconds, mask};
use crate::read::tree::{Node, Place};

/// What XML begins with.
pub(super) const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// Adds what comes before all frames.
pub(super) fn begin(out: &mut String) {
    out.push_str(PROLOG);
    out.push_str("<pdml version=\"0\" creator=\"capture/");
    out.push_str(env!("CARGO_PKG_VERSION"));
    out.push_str("\">\n");
}

/// Adds what comes behind all frames.
pub(super) fn end(out: &mut String) {
    out.push_str("</pdml>\n");
}

/// Adds a frame.
pub(super) fn frame(
    shown: &Shown,
    data: &[u8],
    chosen: Option<&Chosen>,
    names: Names,
    out: &mut String,
) {
    out.push_str("<packet");
    colors(shown.color, out);
    out.push_str(">\n");
    general(shown, data.len(), out);
    let mut writer = Writer {
        shown,
        data,
        names,
        top: 0,
        out,
    };
    writer.level(shown.tree.nodes(), 0, 1, None, chosen);
    out.push_str("</packet>\n\n\n");
}

/// The attributes for a color.
pub(super) fn colors(color: Option<Color>, out: &mut String) {
    let Some(Color {
        background,
        foreground,
    }) = color
    else {
        return;
    };
    for (name, [red, green, blue]) in [("foreground", foreground), ("background", background)] {
        // Writing to a string does not fail.
        let _infallible = write!(out, " {name}='#{red:02x}{green:02x}{blue:02x}'");
    }
}

/// Adds text with what XML does not allow in attributes written otherwise.
pub(super) fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            _ => out.push(letter),
        }
    }
}

/// The fields that stand in front of all others.
fn general(shown: &Shown, cap_len: usize, out: &mut String) {
    let meta = &shown.meta;
    let (number, len, ts) = (shown.number, meta.wire_len, meta.ts);
    // Writing to a string does not fail.
    let _infallible = write!(
        out,
        "  <proto name=\"geninfo\" pos=\"0\" showname=\"General information\" size=\"{len}\">\n    \
         <field name=\"num\" pos=\"0\" show=\"{number}\" showname=\"Number\" value=\"{number:x}\" size=\"{len}\"/>\n    \
         <field name=\"len\" pos=\"0\" show=\"{len}\" showname=\"Frame Length\" value=\"{len:x}\" size=\"{len}\"/>\n    \
         <field name=\"caplen\" pos=\"0\" show=\"{cap_len}\" showname=\"Captured Length\" value=\"{cap_len:x}\" size=\"{len}\"/>\n    \
         <field name=\"timestamp\" pos=\"0\" show=\"{}\" showname=\"Captured Time\" value=\"{}\" size=\"{len}\"/>\n  </proto>\n",
        Moment(ts),
        Seconds(ts.0.cast_signed()),
    );
}

struct Writer<'a> {
    shown: &'a Shown,
    data: &'a [u8],
    names: Names,
    /// Where the protocol at hand begins.
    top: u32,
    out: &'a mut String,
}

impl Writer<'_> {
    /// The nodes of one depth, each with those below it, at this indentation; `parent` is the node above
    /// them.
    fn level(
        &mut self,
        nodes: &[Node],
        depth: u8,
        indent: usize,
        parent: Option<&Node>,
        chosen: Option<&Chosen>,
    ) {
        let mut rest = nodes;
        while let Some((node, behind)) = rest.split_first() {
            let below = behind
                .iter()
                .take_while(|other| other.depth > depth)
                .count();
            let (children, next) = behind.split_at(below);
            rest = next;
            self.node(node, children, (depth, indent, parent), chosen);
        }
    }

    fn node(
        &mut self,
        node: &Node,
        children: &[Node],
        (depth, indent, parent): (u8, usize, Option<&Node>),
        chosen: Option<&Chosen>,
    ) {
        if depth == 0 {
            self.top = node.place.at;
        }
        let kind = node.field.field().kind;
        let is_data = node.field == data::THIS;
        let wrapped = depth == 0 && (kind != Kind::Protocol || is_data);
        let mut inside = indent;
        if wrapped {
            self.indent(indent);
            self.out.push_str("<proto name=\"fake-field-wrapper\">\n");
            inside += 1;
        }
        self.indent(inside);
        if is_data {
            self.out.push_str("<field name=\"data\" value=\"");
            self.bytes(node.place);
        } else {
            self.attributes(node, parent);
        }
        let opens = is_data || !children.is_empty();
        self.out.push_str(if opens { "\">\n" } else { "\"/>\n" });
        let name = node.field.field().name;
        match chosen {
            _ if children.is_empty() => {}
            Some(chosen) if !chosen.has(name) => {
                self.indent(inside + 1);
                self.out.push_str("<field name=\"filtered\" value=\"");
                escape(name, self.out);
                self.out.push_str("\" />\n");
            }
            _ => {
                let chosen = chosen.and_then(Chosen::below);
                self.level(children, depth + 1, inside + 1, Some(node), chosen);
            }
        }
        if !children.is_empty() {
            let is_proto = kind == Kind::Protocol && !is_data && node.field != expert::THIS;
            self.indent(indent);
            self.out
                .push_str(if is_proto { "</proto>\n" } else { "</field>\n" });
        }
        if wrapped {
            self.indent(indent);
            self.out.push_str("</proto>\n");
        }
    }

    /// A node up to its last attribute's value.
    fn attributes(&mut self, node: &Node, parent: Option<&Node>) {
        let field = node.field.field();
        let tree = &self.shown.tree;
        let is_text = node.field == data::TEXT;
        if is_text {
            self.out.push_str("<field name=\"\" show=\"");
            escape(tree.name_of(node), self.out);
        } else {
            let is_proto = field.kind == Kind::Protocol && node.field != expert::THIS;
            self.out.push_str(if is_proto {
                "<proto name=\""
            } else {
                "<field name=\""
            });
            self.out.push_str(field.name);
            self.out.push_str("\" showname=\"");
            let mut line = String::new();
            render::line(node, tree, self.data, self.names, &mut line);
            escape(&line, self.out);
            if node.hidden {
                self.out.push_str("\" hide=\"yes");
            }
        }
        let Place { at, len, .. } = node.place;
        let at = match parent {
            // What was concluded stands where its protocol begins, and remarks where what they are on does.
            Some(parent) if at == 0 && len == 0 && parent.field == expert::THIS => 0,
            Some(parent) if at == 0 && len == 0 && node.field == expert::THIS => parent.place.at,
            Some(parent) if at == 0 && len == 0 => match parent.field.field().kind {
                Kind::Protocol => parent.place.at,
                _ => self.top,
            },
            _ => at,
        };
        // Writing to a string does not fail.
        let _infallible = write!(self.out, "\" size=\"{len}\" pos=\"{at}");
        match field.kind {
            Kind::Protocol => return,
            _ if is_text => {}
            Kind::None => {
                self.out.push_str("\" show=\"\" value=\"");
                return;
            }
            _ => {
                let mut value = String::new();
                render::json(node, tree, self.data, &mut value);
                self.out.push_str("\" show=\"");
                escape(&value, self.out);
            }
        }
        if len == 0 {
            return;
        }
        self.out.push_str("\" value=\"");
        if mask(field) != 0 {
            raw_value(node, tree, self.data, self.out);
            self.out.push_str("\" unmaskedvalue=\"");
        }
        self.bytes(node.place);
    }

    fn bytes(&mut self, place: Place) {
        for byte in self.shown.tree.bytes(place, self.data) {
            hex(self.out, *byte);
        }
    }

    fn indent(&mut self, indent: usize) {
        spaces(self.out, 2 * indent);
    }
}
