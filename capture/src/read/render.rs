//! Text of a field's value: what `-T fields`, JSON and the detail tree show (Wireshark's
//! `epan/ftypes` and `epan/proto.c`).

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::field::{Base, Field, Kind};
use super::print::Names;
use super::print::line::Line;
use super::proto::text::Escaped;
use super::tree::{Node, Tree, Value};
use super::vendor;
use crate::packet::Timestamp;

/// Most bytes of text in a line of the tree (Wireshark's `ITEM_LABEL_LENGTH`, with its NUL).
const LINE_LEN: usize = 239;

/// Most bytes of a field that a line of the tree shows.
const BYTES_SHOWN: usize = 36;

/// What stands in a line that was cut.
const TRUNCATED: &str = " [truncated]";

/// Writes a value as `-T fields` does.
///
/// A protocol or a text gives the line of the tree, if labels were kept, and else its name.
pub fn value(node: &Node, tree: &Tree, frame: &[u8], out: &mut String) {
    let field = node.field.field();
    match (field.kind, node.value) {
        (Kind::Protocol, _) if node.field == super::proto::data::THIS => {
            hex(tree.bytes(node.place, frame), "", out);
        }
        (Kind::Protocol, _) => match node.label {
            Some(label) => out.push_str(&cut(tree.text(label))),
            None => out.push_str(field.name),
        },
        (Kind::None, _) => match node.label {
            Some(label) if node.field == super::proto::data::TEXT => {
                out.push_str(&cut(tree.text(label)));
            }
            _ => out.push('1'),
        },
        (_, Value::Bytes) => match tree.bytes(node.place, frame) {
            [] => out.push_str(no_bytes(field)),
            bytes => hex(bytes, "", out),
        },
        _ => plain(field, node, tree, out),
    }
}

/// How the values of a field that most frames have are written without the formatting machinery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A number, decimal.
    Decimal,
    /// A number, hexadecimal with so many digits at least.
    Hex(u8),
    /// A length of time, or a moment as one.
    Seconds,
    /// An address, or a truth.
    Plain,
    /// As [`value`] does it.
    Other,
}

impl Form {
    /// That of a field.
    pub(crate) fn of(field: &Field) -> Self {
        match (field.kind, field.base) {
            (Kind::Uint(_) | Kind::Int(_), Base::Hex | Base::HexDec) => {
                Self::Hex(digits(field) as u8)
            }
            (Kind::Uint(_) | Kind::Int(_) | Kind::FrameNumber, _) => Self::Decimal,
            (Kind::RelativeTime, _) => Self::Seconds,
            (Kind::Bool | Kind::Ipv4 | Kind::Ether, _) => Self::Plain,
            _ => Self::Other,
        }
    }

    /// Writes a value as [`value()`] does. Whether this form can.
    #[inline]
    pub(crate) fn write(self, value: Value, line: &mut Line<'_>) -> bool {
        match (self, value) {
            (Self::Decimal, Value::Uint(number)) => line.decimal(number),
            (Self::Hex(digits), Value::Uint(number)) => {
                line.text("0x");
                line.hex(number, digits.into());
            }
            (Self::Plain, Value::Ipv4(address)) => line.ipv4(address),
            (Self::Plain, Value::Ether(address)) => line.ether(address),
            (Self::Plain, Value::Bool(set)) => line.text(if set { "1" } else { "0" }),
            (Self::Seconds, Value::Span(ns)) => seconds(ns < 0, ns.unsigned_abs(), line),
            (Self::Seconds, Value::Time(time)) => seconds(false, time.0, line),
            _ => return false,
        }
        true
    }
}

fn seconds(is_negative: bool, ns: u64, line: &mut Line<'_>) {
    const NS_PER_S: u64 = 1_000_000_000;
    if is_negative {
        line.text("-");
    }
    line.decimal(ns / NS_PER_S);
    line.fraction((ns % NS_PER_S) as u32, 9);
}

/// What is shown of no bytes.
fn no_bytes(field: &Field) -> &'static str {
    match field.base {
        Base::MayBeNone => "<none>",
        _ => "<MISSING>",
    }
}

/// Writes a value as JSON shows it, without quotation marks and escapes: as [`value`], but bytes are
/// apart by colons, and what has no value is empty.
pub fn json(node: &Node, tree: &Tree, frame: &[u8], out: &mut String) {
    match (node.field.field().kind, node.value) {
        (Kind::None, _) => {}
        (_, Value::Bytes) => hex(tree.bytes(node.place, frame), ":", out),
        _ => value(node, tree, frame, out),
    }
}

/// Writes the line of the tree, without its indentation and the brackets of what was concluded.
pub fn line(node: &Node, tree: &Tree, frame: &[u8], names: Names, out: &mut String) {
    let start = out.len();
    let field = node.field.field();
    // The bits, and the title after them: where a cut is marked.
    let mut title_end = start;
    bits_of(field, node, out);
    if let Some(label) = node.label {
        out.push_str(tree.text(label));
    } else {
        out.push_str(field.title);
        title_end = out.len();
        if !matches!(field.kind, Kind::Protocol | Kind::None) {
            out.push_str(": ");
            shown(field, node, tree, frame, names, out);
        }
    }
    if out.len() - start > LINE_LEN {
        out.insert_str(title_end, TRUNCATED);
        let end = out.floor_char_boundary(start + LINE_LEN);
        out.truncate(end);
    }
}

/// A label, cut as in the tree.
fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= LINE_LEN {
        return text.into();
    }
    let end = text.floor_char_boundary(LINE_LEN - TRUNCATED.len());
    format!("{TRUNCATED}{}", &text[..end]).into()
}

/// Writes a value as the tree shows it behind the title.
fn shown(field: &Field, node: &Node, tree: &Tree, frame: &[u8], names: Names, out: &mut String) {
    // Writing to a string does not fail.
    let _infallible = match node.value {
        Value::Bool(set) => {
            let name = field.names.and_then(|names| names(set.into()));
            out.push_str(name.unwrap_or(if set { "True" } else { "False" }));
            Ok(())
        }
        Value::Uint(number) if field.names.is_some() => named(field, number, out),
        Value::Int(number) if field.names.is_some() => named(field, number.cast_unsigned(), out),
        Value::Text(range) if tree.text(range).contains(char::is_control) => {
            write!(out, "{}", Escaped(tree.text(range).as_bytes()))
        }
        Value::Ether(address) if names == Names::Numbers => write!(out, "{}", Ether(address)),
        Value::Ether(address) => {
            write!(
                out,
                "{} ({})",
                vendor::Named { address, names },
                Ether(address)
            )
        }
        Value::Bytes => {
            let bytes = tree.bytes(node.place, frame);
            if bytes.is_empty() {
                out.push_str(no_bytes(field));
            }
            hex(bytes.get(..BYTES_SHOWN).unwrap_or(bytes), "", out);
            if bytes.len() > BYTES_SHOWN {
                out.push('…');
            }
            Ok(())
        }
        Value::Span(_) => {
            plain(field, node, tree, out);
            out.write_str(" seconds")
        }
        Value::Time(_) if field.kind == Kind::RelativeTime => {
            plain(field, node, tree, out);
            out.write_str(" seconds")
        }
        Value::Uint(number) => {
            unnamed(field, number, out);
            Ok(())
        }
        _ => {
            plain(field, node, tree, out);
            Ok(())
        }
    };
}

/// `Name (value)`.
fn named(field: &Field, number: u64, out: &mut String) -> fmt::Result {
    let name = field.names.and_then(|names| names(number));
    out.push_str(name.unwrap_or("Unknown"));
    out.push_str(" (");
    match (field.base, field.kind) {
        (Base::Hex | Base::HexDec, _) => {
            write_hex(field, number, masked_digits(field), out)?;
        }
        (_, Kind::Int(_)) => write!(out, "{}", number.cast_signed())?,
        _ => write!(out, "{number}")?,
    }
    out.write_char(')')
}

/// Writes a value as a column shows it that has names for numbers (Wireshark's `proto_custom_set`): the
/// name alone, without the number.
pub(crate) fn resolved(node: &Node, tree: &Tree, frame: &[u8], names: Names, out: &mut String) {
    let field = node.field.field();
    let number = match node.value {
        Value::Uint(number) => Some(number),
        Value::Int(number) => Some(number.cast_unsigned()),
        _ => None,
    };
    let name = number
        .zip(field.names)
        .and_then(|(number, names)| names(number));
    match (name, node.value) {
        (Some(name), _) => out.push_str(name),
        (None, Value::Ether(address)) => {
            // Writing to a string does not fail.
            let _infallible = write!(out, "{}", vendor::Named { address, names });
        }
        (None, Value::Uint(number)) => unnamed(field, number, out),
        (None, Value::Bool(_) | Value::Bytes) => shown(field, node, tree, frame, names, out),
        _ => value(node, tree, frame, out),
    }
}

/// Writes a value as a custom column does that shows no names: as [`value`], but of numbers no more digits
/// than their bits have.
pub(crate) fn unresolved(node: &Node, tree: &Tree, frame: &[u8], out: &mut String) {
    let field = node.field.field();
    if let (Value::Uint(number), Base::Hex | Base::HexDec) = (node.value, field.base) {
        hexadecimal(field, number, out);
    } else {
        value(node, tree, frame, out);
    }
}

/// Writes a number in hexadecimal, with as many digits as its bits have.
pub(super) fn hexadecimal(field: &Field, number: u64, out: &mut String) {
    // Writing to a string does not fail.
    let _infallible = write_hex(field, number, masked_digits(field), out);
}

/// Writes a number in the way of its field.
fn unnamed(field: &Field, number: u64, out: &mut String) {
    // Writing to a string does not fail.
    let _infallible = match field.base {
        Base::Hex | Base::HexDec => write_hex(field, number, masked_digits(field), out),
        Base::DecHex => write!(
            out,
            "{number} (0x{number:0>width$x})",
            width = masked_digits(field)
        ),
        _ => write!(out, "{number}"),
    }
    .and_then(|()| match field.base {
        Base::HexDec => write!(out, " ({number})"),
        _ => Ok(()),
    });
}

/// Writes a value whose text needs neither the frame nor names.
fn plain(field: &Field, node: &Node, tree: &Tree, out: &mut String) {
    // Writing to a string does not fail.
    let _infallible = match node.value {
        Value::None | Value::Protocol { .. } | Value::Bytes => Ok(()),
        Value::Bool(set) => write!(out, "{}", u8::from(set)),
        Value::Uint(number) => match field.base {
            Base::Hex | Base::HexDec => write_hex(field, number, digits(field), out),
            _ => {
                out.push_str(itoa::Buffer::new().format(number));
                Ok(())
            }
        },
        Value::Int(number) => {
            out.push_str(itoa::Buffer::new().format(number));
            Ok(())
        }
        Value::Double(number) => write!(out, "{}", General(number)),
        Value::Ipv4(address) => write!(out, "{}", Ipv4Addr::from(address)),
        Value::Ipv6(address) => write!(out, "{}", Ipv6(address)),
        Value::Ether(address) => write!(out, "{}", Ether(address)),
        Value::Text(range) => {
            short_escapes(tree.text(range), out);
            Ok(())
        }
        Value::Time(time) if field.kind == Kind::RelativeTime => write!(out, "{}", time.epoch()),
        Value::Time(time) => write!(out, "{}", Moment(time)),
        Value::Span(ns) => write!(out, "{}", Seconds(ns)),
    };
}

/// Adds text, with escapes for the control characters that have a letter: those alone would break lines.
fn short_escapes(text: &str, out: &mut String) {
    if !text.bytes().any(|byte| matches!(byte, 7..=13)) {
        out.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
}

fn write_hex(_field: &Field, number: u64, digits: usize, out: &mut String) -> fmt::Result {
    write!(out, "0x{number:0>digits$x}")
}

/// Hexadecimal digits of a type.
fn digits(field: &Field) -> usize {
    match field.kind {
        Kind::Uint(bits) | Kind::Int(bits) => usize::from(bits).div_ceil(4),
        _ => 8,
    }
}

/// Which bits of its bytes a field is (RFC 9293 section 3.1 for flags, whose lines are written out).
pub(super) fn mask(field: &Field) -> u64 {
    match field.name {
        "tcp.flags" => 0x0fff,
        "tcp.flags.res" => 0x0e00,
        "tcp.flags.ae" => 0x0100,
        "tcp.flags.cwr" => 0x0080,
        "tcp.flags.ece" => 0x0040,
        "tcp.flags.urg" => 0x0020,
        "tcp.flags.ack" => 0x0010,
        "tcp.flags.push" => 0x0008,
        "tcp.flags.reset" => 0x0004,
        "tcp.flags.syn" => 0x0002,
        "tcp.flags.fin" => 0x0001,
        _ => field.mask,
    }
}

/// Hexadecimal digits that a line of the tree shows: those of the bits.
fn masked_digits(field: &Field) -> usize {
    let mask = mask(field);
    if mask == 0 {
        digits(field)
    } else {
        mask.count_ones().div_ceil(4) as usize
    }
}

/// Writes the bits of a masked field, `.... 0101 = `; nothing for others.
fn bits_of(field: &Field, node: &Node, out: &mut String) {
    if field.mask == 0 {
        return;
    }
    let number = match node.value {
        Value::Uint(number) => number,
        Value::Int(number) => number.cast_unsigned(),
        Value::Bool(set) => set.into(),
        _ => return,
    };
    let width = match (field.bits, field.kind) {
        (0, Kind::Uint(bits) | Kind::Int(bits)) => bits,
        (0, _) => (node.place.len * 8).clamp(8, 64) as u8,
        (bits, _) => bits,
    };
    let shifted = if field.kind == Kind::Bool && number != 0 {
        field.mask
    } else {
        number << field.mask.trailing_zeros()
    };
    // Writing to a string does not fail.
    let _infallible = write!(out, "{} = ", Bits::new(shifted, field.mask, width));
}

/// Bits as the tree shows them: `.... 0101`.
#[derive(Clone, Copy, Debug)]
pub struct Bits {
    value: u64,
    mask: u64,
    width: u8,
}

impl Bits {
    /// The bits of `mask` in `value`, the others as dots; `width` in all.
    #[must_use]
    pub const fn new(value: u64, mask: u64, width: u8) -> Self {
        Self { value, mask, width }
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bit in (0..self.width).rev() {
            f.write_char(match (self.mask >> bit & 1, self.value >> bit & 1) {
                (0, _) => '.',
                (_, 0) => '0',
                _ => '1',
            })?;
            if bit > 0 && bit % 4 == 0 {
                f.write_char(' ')?;
            }
        }
        Ok(())
    }
}

/// A MAC address: `00:50:fc:22:c7:be`.
#[derive(Clone, Copy, Debug)]
pub struct Ether(pub [u8; 6]);

impl fmt::Display for Ether {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// An IPv6 address as Wireshark writes it: with an IPv4 address at the end where `inet_ntop(3)` of
/// glibc does.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6(pub [u8; 16]);

impl fmt::Display for Ipv6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // IPv4-compatible (RFC 4291, 2.5.5.1) with anything in the upper half.
        let address = Ipv6Addr::from(self.0);
        if self.0[..12] == [0; 12]
            && self.0[12..14] != [0; 2]
            && let Some(last) = address.to_ipv4()
        {
            return write!(f, "::{last}");
        }
        write!(f, "{address}")
    }
}

/// A moment as Wireshark writes it, in UTC: `Sep  9, 2001 01:46:40.000000000 UTC`.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let (year, month, day) = self.0.date();
        let month = MONTHS.get(month as usize - 1).unwrap_or(&"");
        let secs = self.0.secs() % 86_400;
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        let ns = self.0.subsec_ns();
        write!(
            f,
            "{month} {day:>2}, {year} {hour:02}:{minute:02}:{second:02}.{ns:09} UTC"
        )
    }
}

/// A length of time in ns as seconds: `-0.000001000`.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NS_PER_S: u64 = 1_000_000_000;
        let ns = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:09}", ns / NS_PER_S, ns % NS_PER_S)
    }
}

/// A number with a fraction as C's `%g` writes it: six digits, no zeros behind.
#[derive(Clone, Copy, Debug)]
pub struct General(pub f64);

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        general(self.0, 6, f)
    }
}

/// Writes a number with a fraction with so many digits at most, as C's `%g` does.
pub(super) fn general(number: f64, digits: i32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if number == 0.0 {
        return f.write_char('0');
    }
    let decimals = |count: i32| usize::try_from(count).unwrap_or(0);
    let scientific = format!("{number:.*e}", decimals(digits - 1));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..digits).contains(&exponent) {
        let text = format!("{number:.*}", decimals(digits - 1 - exponent));
        return f.write_str(without_zeros(&text));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let mantissa = without_zeros(mantissa);
    write!(f, "{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// Bytes in hexadecimal, with `between` in between.
fn hex(bytes: &[u8], between: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * (2 + between.len()));
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 {
            out.push_str(between);
        }
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::read::proto::{eth, frame, ip};
    use crate::read::tree::{Place, Wanted};

    fn rendered(
        field: crate::read::FieldId,
        place: Place,
        value_of: Value,
        frame: &[u8],
    ) -> (String, String) {
        let mut tree = Tree::new(Arc::new(Wanted::all()));
        tree.add(field, place, value_of);
        let node = tree.nodes()[0];
        let (mut text, mut whole) = (String::new(), String::new());
        value(&node, &tree, frame, &mut text);
        line(&node, &tree, frame, Names::Numbers, &mut whole);
        (text, whole)
    }

    // All texts as tshark 4.0.17 prints them.
    #[test]
    fn values_read_as_in_wireshark() {
        let place = |len| Place {
            len,
            ..Place::default()
        };
        let cases = [
            (
                eth::DST_LG,
                place(3),
                Value::Bool(true),
                "1",
                ".... ..1. .... .... .... .... = LG bit: Locally administered address (this is NOT the factory default)",
            ),
            (
                eth::TYPE,
                place(2),
                Value::Uint(0x806),
                "0x0806",
                "Type: ARP (0x0806)",
            ),
            (
                ip::DSCP,
                place(1),
                Value::Uint(46),
                "46",
                "1011 10.. = Differentiated Services Codepoint: Expedited Forwarding (46)",
            ),
            (
                ip::ID,
                place(2),
                Value::Uint(0x3021),
                "0x3021",
                "Identification: 0x3021 (12321)",
            ),
            (
                ip::DF,
                place(1),
                Value::Bool(true),
                "1",
                ".1.. .... = Don't fragment: Set",
            ),
            (
                ip::PROTO,
                place(1),
                Value::Uint(6),
                "6",
                "Protocol: TCP (6)",
            ),
            (
                frame::TIME,
                place(0),
                Value::Time(Timestamp::new(1_000_000_000, 5)),
                "Sep  9, 2001 01:46:40.000000005 UTC",
                "Arrival Time: Sep  9, 2001 01:46:40.000000005 UTC",
            ),
            (
                frame::TIME_EPOCH,
                place(0),
                Value::Time(Timestamp::new(1_000_000_000, 5)),
                "1000000000.000000005",
                "Epoch Time: 1000000000.000000005 seconds",
            ),
            (
                eth::SRC,
                place(6),
                Value::Ether([0, 0x50, 0xfc, 0x22, 0xc7, 0xbe]),
                "00:50:fc:22:c7:be",
                "Source: 00:50:fc:22:c7:be",
            ),
        ];
        for (field, place, given, text, whole) in cases {
            let found = rendered(field, place, given, &[]);
            assert_eq!((found.0.as_str(), found.1.as_str()), (text, whole));
        }
        let bytes = [0x58; 40];
        let (text, whole) = rendered(eth::PADDING, place(40), Value::Bytes, &bytes);
        assert_eq!(text, "58".repeat(40));
        assert_eq!(whole, format!("Padding: {}…", "58".repeat(36)));
    }

    #[test]
    fn forms_write_what_values_read_as() {
        let values = [
            Value::Uint(0),
            Value::Uint(7),
            Value::Uint(0xfff_ffff_ffff),
            Value::Int(-3),
            Value::Bool(true),
            Value::Ipv4([10, 0, 200, 1]),
            Value::Ether([0, 0x50, 0xfc, 0x22, 0xc7, 0xbe]),
            Value::Span(-1_000_000_001),
            Value::Time(Timestamp::new(1_000_000_000, 5)),
        ];
        for (id, field) in crate::read::registry::all() {
            for given in values {
                let mut tree = Tree::new(Arc::new(Wanted::all()));
                tree.add(id, Place::default(), given);
                let node = tree.nodes()[0];
                let (mut slow, mut quick) = (String::new(), String::new());
                value(&node, &tree, &[], &mut slow);
                let can = Form::of(field).write(given, &mut Line::new(&mut quick));
                assert_eq!(
                    quick,
                    if can { slow } else { String::new() },
                    "{}",
                    field.name
                );
            }
        }
    }

    // From printf("%g").
    #[test]
    fn fractions_read_as_in_c() {
        for (number, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (123_456.7, "123457"),
            (1_234_567.0, "1.23457e+06"),
            (100.0, "100"),
        ] {
            assert_eq!(General(number).to_string(), text);
        }
    }

    #[test]
    fn lengths_of_time_can_be_negative() {
        assert_eq!(Seconds(-1000).to_string(), "-0.000001000");
        assert_eq!(Seconds(1_000_000_001).to_string(), "1.000000001");
    }
}
