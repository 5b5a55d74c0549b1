//! One line a frame, column by column as tshark sets them.

use super::text::{decimal, ether, ipv4, ipv6, spaces};
use super::{Names, Shown, Text};
use crate::read::color::Color;
use crate::read::column::Address;

/// Widths of number, time and addresses.
const NUMBER: usize = 5;
const TIME: usize = 10;
const ADDRESS: usize = 12;

/// Adds the line of a frame.
pub(super) fn line(shown: &Shown, layout: &Text, out: &mut String) {
    if let Some(color) = shown.color {
        set(color, out);
    }
    right(out, NUMBER, |out| decimal(out, shown.number));
    out.push(' ');
    right(out, TIME, |out| layout.time.write(shown, out));
    out.push(' ');
    right(out, ADDRESS, |out| {
        address(out, shown.columns.source, layout.names);
    });
    out.push_str(" → ");
    let start = out.len();
    address(out, shown.columns.destination, layout.names);
    let width = out.len() - start;
    spaces(out, ADDRESS.saturating_sub(width));
    out.push(' ');
    out.push_str(&shown.columns.protocol);
    out.push(' ');
    decimal(out, shown.meta.wire_len);
    out.push(' ');
    shown.columns.write_info(out);
    if shown.color.is_some() {
        // To the end of the line, and back to what was.
        out.push_str("\x1b[K\x1b[0m");
    }
    out.push('\n');
}

/// Sets colors of 24 bits (ISO 8613-6).
fn set(color: Color, out: &mut String) {
    for (what, [red, green, blue]) in [("48", color.background), ("38", color.foreground)] {
        out.push_str("\x1b[");
        out.push_str(what);
        out.push_str(";2");
        for part in [red, green, blue] {
            out.push(';');
            decimal(out, part);
        }
        out.push('m');
    }
}

/// Adds text with spaces in front of it, to be at least so wide. All of it is ASCII.
fn right(out: &mut String, width: usize, add: impl FnOnce(&mut String)) {
    let start = out.len();
    add(out);
    let len = out.len() - start;
    if len < width {
        const SPACES: &str = "            ";
        out.insert_str(start, SPACES.get(..width - len).unwrap_or(SPACES));
    }
}

pub(super) fn address(out: &mut String, address: Address, names: Names) {
    match address {
        Address::None => {}
        Address::Ether(bytes) => match names {
            Names::Numbers => ether(out, bytes),
            Names::Vendors => ether(out, bytes),
        },
        Address::Ipv4(bytes) => ipv4(out, bytes),
        Address::Ipv6(bytes) => ipv6(out, bytes),
    }
}
