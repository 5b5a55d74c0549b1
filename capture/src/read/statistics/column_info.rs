//! Values of a field behind the info of the list (`tshark -z proto,colinfo,FILTER,FIELD`), written as a
//! display filter would be.
//!
//! As in tshark, the field is there only if a filter names it; here also with `-V`. Of several fields
//! of one name (`vlan.priority`, `ip.version`), tshark shows those of the dissector that was registered last;
//! here all are shown.

use std::fmt::{self, Write as _};

use super::{Known, Statistic, StatisticError, filter, passes};
use crate::filter::display::DisplayFilter;
use crate::read::field::{Base, Kind};
use crate::read::proto::text::Escaped;
use crate::read::render;
use crate::read::tree::{Node, Tree, Value, Wanted};
use crate::read::walk::Frame;
use crate::read::{Columns, registry};

/// A field that the list shows.
#[derive(Debug)]
pub(super) struct ColumnInfo {
    filter: Option<DisplayFilter>,
    field: Known,
}

impl ColumnInfo {
    /// `FILTER,FIELD`
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let argument = |reason| StatisticError::Argument {
            name: "proto,colinfo",
            reason,
        };
        // A filter can have commas, a field has none.
        let Some((words, name)) = rest.rsplit_once(',') else {
            return Err(argument(format!(
                "{rest:?} is not a filter, a comma and a field"
            )));
        };
        if registry::by_name(name).next().is_none() {
            return Err(argument(format!("there is no field {name:?}")));
        }
        Ok(Box::new(Self {
            filter: filter(Some(words))?,
            field: Known::named(name),
        }))
    }
}

impl Statistic for ColumnInfo {
    fn want(&self, wanted: &mut Wanted) {
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, _frame: &Frame<'_>, _tree: &Tree, _columns: &Columns) {}

    fn adds_info(&self) -> bool {
        true
    }

    fn add_info(&self, frame: &Frame<'_>, tree: &Tree, columns: &mut Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        for node in tree.nodes().iter().filter(|node| self.field.is(node)) {
            let mut text = String::new();
            if write(node, tree, frame.packet.data, &mut text) {
                columns.append_info(format_args!("  {text}"));
            }
        }
    }

    fn print(&mut self, _out: &mut String) {}
}

/// Writes a filter that this field matches (Wireshark's `proto_construct_match_selected_string`). Whether
/// there is one.
fn write(node: &Node, tree: &Tree, frame: &[u8], out: &mut String) -> bool {
    let field = node.field.field();
    out.push_str(field.name);
    match field.kind {
        Kind::Protocol => return true,
        // Of bytes without a value there is none.
        Kind::None => return node.place.len == 0,
        _ => out.push_str(" == "),
    }
    // Writing to a string does not fail.
    let _infallible = match (node.value, field.base) {
        (Value::Uint(number), Base::Hex | Base::HexDec) => {
            render::hexadecimal(field, number, out);
            Ok(())
        }
        (Value::Text(range), _) => quote(tree.text(range), tree.bytes(node.place, frame), out),
        (Value::Double(number), _) => write!(out, "{}", Shortest(number)),
        (Value::Time(time), _) if field.kind == Kind::AbsoluteTime => {
            let (year, month, day) = time.date();
            let secs = time.secs() % 86_400;
            let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
            let fraction = match time.subsec_ns() {
                0 => String::new(),
                ns => format!(".{ns:09}"),
            };
            write!(
                out,
                "\"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}+0000\""
            )
        }
        (Value::Bytes, _) => {
            match tree.bytes(node.place, frame) {
                [] => out.push_str("\"\""),
                _ => render::json(node, tree, frame, out),
            }
            Ok(())
        }
        _ => {
            render::value(node, tree, frame, out);
            Ok(())
        }
    };
    true
}

/// Writes text in quotation marks, as in a filter. What cannot be printed is escaped in it already, which
/// `bytes` may tell from a backslash that was there.
fn quote(text: &str, bytes: &[u8], out: &mut String) -> fmt::Result {
    let is_plain = str::from_utf8(bytes) == Ok(text);
    out.push('"');
    let mut rest = text;
    while let Some(place) = rest.find(['"', '\\']) {
        let (before, found) = rest.split_at(place);
        write!(out, "{}", Escaped(before.as_bytes()))?;
        if is_plain || !is_escape(found.as_bytes()) {
            out.push('\\');
        }
        out.push_str(&found[..1]);
        rest = &found[1..];
    }
    write!(out, "{}\"", Escaped(rest.as_bytes()))
}

/// Whether text begins with an escape as [`Escaped`] writes them.
fn is_escape(text: &[u8]) -> bool {
    match text {
        [b'\\', b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v', ..] => true,
        [b'\\', digits @ ..] => digits
            .first_chunk::<3>()
            .is_some_and(|digits| digits.iter().all(|digit| matches!(digit, b'0'..=b'7'))),
        _ => false,
    }
}

/// A number with as many digits as tell it from all others (C's `%.17g`).
struct Shortest(f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render::general(self.0, 17, f)
    }
}
