//! One line a frame, column by column as tshark sets them.

use super::line::{Line, digits, ipv4_len, right};
use super::row::Row;
use super::text::{ether, ipv4, ipv6};
use super::{Names, Shown, Text};
use crate::packet::Timestamp;
use crate::read::color::Color;
use crate::read::column::Address;
use crate::read::vendor::Named;

/// Widths of number, time and addresses.
const NUMBER: usize = 5;
const TIME: usize = 10;
const ADDRESS: usize = 12;

/// The longest name of a protocol that is written as part of a row.
const PROTOCOL: usize = 32;

/// Adds the line of a frame.
pub(super) fn line(shown: &Shown, data: &[u8], layout: &Text, line: &mut Line<'_>) {
    let columns = &shown.columns;
    if let Some(chosen) = &layout.columns {
        colored(shown, line, |line| {
            let between = if layout.tabs { "\t" } else { " " };
            chosen.line(shown, data, (layout.time, layout.names), between, line);
        });
        return;
    }
    if let (Address::Ipv4(from), Address::Ipv4(to)) = (columns.source, columns.destination)
        && let Some(since) = layout.time.since(shown)
        && let None = shown.color
        && columns.protocol.len() <= PROTOCOL
        && !layout.tabs
    {
        line.row(|row| plain(shown, since, (from, to), row));
        columns.write_info_to(line);
        line.text("\n");
    } else {
        any(shown, layout, line);
    }
}

/// What is in front of the info of most frames.
#[inline(always)]
fn plain(shown: &Shown, since: Timestamp, (from, to): ([u8; 4], [u8; 4]), row: &mut Row<'_>) {
    row.right(shown.number, NUMBER);
    row.text(" ");
    row.since(shown.meta.ts, since, shown.decimals.into(), TIME);
    row.text(" ");
    row.fill(ipv4_len(from), ADDRESS);
    row.ipv4(from);
    row.text(" → ");
    row.ipv4_left(to, ADDRESS);
    row.text(" ");
    row.any(&shown.columns.protocol);
    row.text(" ");
    row.decimal(shown.meta.wire_len.into());
    row.text(" ");
}

/// The line of any frame.
fn any(shown: &Shown, layout: &Text, line: &mut Line<'_>) {
    colored(shown, line, |line| usual(shown, layout, line));
}

/// A line in the frame's color.
fn colored<'o>(shown: &Shown, line: &mut Line<'o>, write: impl FnOnce(&mut Line<'o>)) {
    if let Some(color) = shown.color {
        set(color, line);
    }
    write(line);
    if shown.color.is_some() {
        // To the end of the line, and back to what was.
        line.text("\x1b[K\x1b[0m");
    }
    line.text("\n");
}

/// The columns that the list usually has.
fn usual(shown: &Shown, layout: &Text, line: &mut Line<'_>) {
    let (between, arrow) = if layout.tabs {
        ("\t", "\t→\t")
    } else {
        (" ", " → ")
    };
    line.fill(digits(shown.number), NUMBER);
    line.decimal(shown.number);
    line.text(between);
    layout.time.write_right(shown, TIME, line);
    line.text(between);
    let columns = &shown.columns;
    match columns.source {
        Address::Ipv4(bytes) => {
            line.fill(ipv4_len(bytes), ADDRESS);
            line.ipv4(bytes);
        }
        other => line.with(|out| right(out, ADDRESS, |out| address(out, other, layout.names))),
    }
    line.text(arrow);
    match columns.destination {
        Address::Ipv4(bytes) => {
            line.ipv4(bytes);
            line.fill(ipv4_len(bytes), ADDRESS);
        }
        other => {
            let width = line.with(|out| {
                let start = out.len();
                address(out, other, layout.names);
                out.len() - start
            });
            line.fill(width, ADDRESS);
        }
    }
    line.text(between);
    line.text(&columns.protocol);
    line.text(between);
    line.decimal(shown.meta.wire_len.into());
    line.text(between);
    columns.write_info_to(line);
}

/// Sets colors of 24 bits (ISO 8613-6).
fn set(color: Color, line: &mut Line<'_>) {
    for (what, [red, green, blue]) in [("48", color.background), ("38", color.foreground)] {
        line.text("\x1b[");
        line.text(what);
        line.text(";2");
        for part in [red, green, blue] {
            line.text(";");
            line.decimal(part.into());
        }
        line.text("m");
    }
}

/// Adds an address as the list shows it.
pub(crate) fn address(out: &mut String, address: Address, names: Names) {
    match address {
        Address::None => {}
        Address::Ether(bytes) => match names {
            Names::Numbers => ether(out, bytes),
            Names::Vendors => {
                use std::fmt::Write as _;
                let address = bytes;
                // Writing to a string does not fail.
                let _infallible = write!(out, "{}", Named { address, names });
            }
        },
        Address::Ipv4(bytes) => ipv4(out, bytes),
        Address::Ipv6(bytes) => ipv6(out, bytes),
        Address::Radio(bytes, role) => {
            use std::fmt::Write as _;
            // Names stand in front of the number.
            if names == Names::Vendors {
                let named = Named {
                    address: bytes,
                    names,
                };
                let _infallible = write!(out, "{named} (");
                ether(out, bytes);
                out.push(')');
            } else {
                ether(out, bytes);
            }
            let _infallible = write!(out, " ({})", role.name());
        }
        Address::Text(text) => out.push_str(text.text()),
    }
}
