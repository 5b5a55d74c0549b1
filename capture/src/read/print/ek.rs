//! Everything of a frame as two lines of JSON, as tshark's `-T ek` prints it for Elasticsearch's bulk
//! interface (`write_ek_proto_tree` of Wireshark's `epan/print.c`): what lies below a field stands beside
//! it, and values of one name are put together.

use std::fmt::Write as _;

use super::json::{escape, raw_value};
use super::{Chosen, Shown};
use crate::packet::Timestamp;
use crate::read::field::{FieldId, Kind};
use crate::read::proto::data::TEXT;
use crate::read::render;
use crate::read::tree::{Node, Value};

/// Adds a frame.
pub(super) fn frame(
    shown: &Shown,
    data: &[u8],
    bytes: bool,
    chosen: Option<&Chosen>,
    out: &mut String,
) {
    let ts = shown.meta.ts;
    let (year, month, day) = ts.date();
    let ms = ts.secs() * 1000 + u64::from(ts.subsec_ns()) / 1_000_000;
    // Writing to a string does not fail.
    let _infallible = write!(
        out,
        "{{\"index\":{{\"_index\":\"packets-{year:04}-{month:02}-{day:02}\",\"_type\":\"doc\"}}}}\n\
         {{\"timestamp\":\"{ms}\",\"layers\":{{"
    );
    let mut writer = Writer {
        shown,
        data,
        bytes,
        out,
    };
    writer.members(shown.tree.nodes(), None, false, chosen);
    out.push_str("}}\n");
}

/// Nodes of one field below nodes of one field, with what lies below each.
struct Member<'t> {
    parent: Option<FieldId>,
    field: FieldId,
    nodes: Vec<(&'t Node, &'t [Node])>,
}

struct Writer<'a> {
    shown: &'a Shown,
    data: &'a [u8],
    bytes: bool,
    out: &'a mut String,
}

impl Writer<'_> {
    /// Adds what an object has; `follows` says that something is there already.
    fn members(
        &mut self,
        nodes: &[Node],
        parent: Option<FieldId>,
        mut follows: bool,
        chosen: Option<&Chosen>,
    ) {
        let mut members = Vec::new();
        collect(nodes, parent, chosen, &mut members);
        for Member { field, nodes, .. } in members {
            let Some((first, _)) = nodes.first() else {
                continue;
            };
            if self.bytes && first.place.len > 0 && field != TEXT {
                self.name(field, "_raw", &mut follows);
                self.values(&nodes, |writer, (node, _)| {
                    writer.out.push('"');
                    raw_value(node, &writer.shown.tree, writer.data, writer.out);
                    writer.out.push('"');
                });
            }
            self.name(field, "", &mut follows);
            self.values(&nodes, |writer, (node, children)| {
                writer.value(node, children, chosen);
            });
        }
    }

    /// One value, or an array of several.
    fn values<'t>(
        &mut self,
        nodes: &[(&'t Node, &'t [Node])],
        mut add: impl FnMut(&mut Self, (&'t Node, &'t [Node])),
    ) {
        if let [one] = nodes {
            add(self, *one);
            return;
        }
        for (place, node) in nodes.iter().enumerate() {
            self.out.push(if place == 0 { '[' } else { ',' });
            add(self, *node);
        }
        self.out.push(']');
    }

    fn value(&mut self, node: &Node, children: &[Node], chosen: Option<&Chosen>) {
        let field = node.field.field();
        let name = if node.field == TEXT {
            "text"
        } else {
            field.name
        };
        if let Some(chosen) = chosen
            && !chosen.has(name)
        {
            self.out.push_str("{\"filtered\":\"");
            self.out.push_str(name);
            self.out.push_str("\"}");
            return;
        }
        let tree = &self.shown.tree;
        match (field.kind, node.value) {
            _ if node.field == TEXT => escape(tree.name_of(node), self.out),
            (Kind::Protocol, _) => {
                self.out.push('{');
                let chosen = chosen.and_then(Chosen::below);
                self.members(children, Some(node.field), false, chosen);
                self.out.push('}');
            }
            (Kind::None, _) => self.out.push_str("null"),
            (_, Value::Bool(set)) => self.out.push_str(if set { "true" } else { "false" }),
            (Kind::AbsoluteTime, Value::Time(ts)) => moment(ts, self.out),
            _ => {
                let mut text = String::new();
                render::json(node, tree, self.data, &mut text);
                escape(&text, self.out);
            }
        }
    }

    /// Begins a member of an object: its protocol and its name, with underscores for dots.
    fn name(&mut self, field: FieldId, suffix: &str, follows: &mut bool) {
        if std::mem::replace(follows, true) {
            self.out.push(',');
        }
        self.out.push('"');
        if field == TEXT {
            self.out.push_str("text");
        } else {
            let mut add = |name: &str| {
                let letters = name.chars();
                self.out
                    .extend(letters.map(|letter| if letter == '.' { '_' } else { letter }));
            };
            if !stands_alone(field) {
                add(field.protocol_info().name);
                add("_");
            }
            add(field.field().name);
        }
        self.out.push_str(suffix);
        self.out.push_str("\":");
    }
}

/// Puts nodes together by their fields, and by those above them, in the order in which they are found;
/// what lies below a field that is no protocol belongs to the same object.
fn collect<'t>(
    nodes: &'t [Node],
    parent: Option<FieldId>,
    chosen: Option<&Chosen>,
    members: &mut Vec<Member<'t>>,
) {
    let mut rest = nodes;
    while let Some((node, behind)) = rest.split_first() {
        let deeper = behind.iter().take_while(|other| other.depth > node.depth);
        let (children, next) = behind.split_at(deeper.count());
        rest = next;
        let known = members
            .iter_mut()
            .find(|member| member.parent == parent && member.field == node.field);
        match known {
            Some(member) => member.nodes.push((node, children)),
            None => members.push(Member {
                parent,
                field: node.field,
                nodes: vec![(node, children)],
            }),
        }
        let field = node.field.field();
        if field.kind == Kind::Protocol {
            continue;
        }
        match chosen {
            Some(chosen) if !chosen.has(field.name) => {}
            _ => {
                let chosen = chosen.and_then(Chosen::below);
                collect(children, Some(node.field), chosen, members);
            }
        }
    }
}

/// Whether Wireshark has this field beside its protocol and not in it: options of TCP and IP are
/// protocols of their own there, without a value.
fn stands_alone(field: FieldId) -> bool {
    let info = field.field();
    info.kind == Kind::Protocol
        || info.kind == Kind::Bytes
            && (info.name.starts_with("tcp.options.") || info.name.starts_with("ip.opt."))
}

/// `2022-08-03T02:38:00.000000000Z`
fn moment(ts: Timestamp, out: &mut String) {
    let (year, month, day) = ts.date();
    let secs = ts.secs() % 86_400;
    let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
    // Writing to a string does not fail.
    let _infallible = write!(
        out,
        "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z\"",
        ts.subsec_ns()
    );
}
