//! Values as text: as `-T fields` prints them, and as lines of the tree.

use std::fmt::Write as _;

use super::field::{Base, Kind};
use super::print::Names;
use super::print::text::{decimal, ether, hex, ipv4, ipv6};
use super::tree::{Node, Tree, Value};

/// Adds a node's value as `-T fields` prints it; `frame` are the frame's bytes.
pub(crate) fn value(node: &Node, tree: &Tree, frame: &[u8], out: &mut String) {
    let field = node.field.field();
    match node.value {
        Value::None => match (field.kind, node.label) {
            (Kind::Protocol, Some(label)) => out.push_str(tree.text(label)),
            (Kind::Protocol, None) => out.push_str(field.title),
            _ => out.push('1'),
        },
        Value::Bool(value) => out.push(if value { '1' } else { '0' }),
        Value::Uint(number) => match (field.base, field.kind) {
            (Base::Hex | Base::HexDec, Kind::Uint(bits)) => {
                let digits = usize::from(bits.div_ceil(4));
                let _infallible = write!(out, "0x{number:0digits$x}");
            }
            _ => decimal(out, number),
        },
        Value::Int(number) => decimal(out, number),
        Value::Double(number) => {
            let _infallible = write!(out, "{number}");
        }
        Value::Ipv4(address) => ipv4(out, address),
        Value::Ipv6(address) => ipv6(out, address),
        Value::Ether(address) => ether(out, address),
        Value::Bytes => {
            for byte in tree.bytes(node.place, frame) {
                hex(out, *byte);
            }
        }
        Value::Text(range) => out.push_str(tree.text(range)),
        Value::Time(ts) => {
            let _infallible = write!(out, "{}", ts.epoch());
        }
        Value::Span(ns) => {
            let sign = if ns < 0 { "-" } else { "" };
            let ns = ns.unsigned_abs();
            let (secs, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
            let _infallible = write!(out, "{sign}{secs}.{rest:09}");
        }
    }
}

/// Adds a node's line in the tree.
pub(crate) fn line(node: &Node, tree: &Tree, frame: &[u8], _names: Names, out: &mut String) {
    if let Some(label) = node.label {
        out.push_str(tree.text(label));
        return;
    }
    out.push_str(node.field.field().title);
    if node.value != Value::None {
        out.push_str(": ");
        value(node, tree, frame, out);
    }
}
