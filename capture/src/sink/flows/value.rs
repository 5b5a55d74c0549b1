//! A value of a record on its way into a file, written without the formatting machinery: with hundreds
//! of thousands of records a second, that would cost more than tracking the connections.

use std::net::{IpAddr, Ipv4Addr};

use super::identity::COMMUNITY_ID_LEN;
use crate::dissect::TcpFlags;
use crate::packet::{Span, Timestamp};

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An address.
    Addr(IpAddr),
    /// Yes or no.
    Flag(bool),
    /// TCP flags by their letters.
    Flags(TcpFlags),
    /// Nothing is known.
    Missing,
    /// A whole number.
    Number(u64),
    /// Seconds with nine decimals.
    Seconds(Span),
    /// Text that is made for the record.
    Short(Short),
    /// Anything else.
    Text(&'a str),
    /// RFC 3339 in UTC with nanoseconds.
    Time(Timestamp),
    /// VLAN identifiers, joined by a dot: text even if there is only one, so that the column has one
    /// type.
    Vlans(u16, Option<u16>),
}

/// A few ASCII letters and digits, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Short {
    const CAPACITY: usize = COMMUNITY_ID_LEN;

    /// What does not fit is cut off.
    pub(super) fn new(text: &[u8]) -> Self {
        let mut bytes = [0; Self::CAPACITY];
        let len = text.len().min(Self::CAPACITY);
        if let (Some(room), Some(text)) = (bytes.get_mut(..len), text.get(..len)) {
            room.copy_from_slice(text);
        }
        Self {
            bytes,
            len: len as u8,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Value<'_> {
    /// Appends the value as plain text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Addr(IpAddr::V4(addr)) => dotted(addr, out),
            Self::Addr(IpAddr::V6(addr)) => display(&addr, out),
            Self::Flag(flag) => {
                out.extend_from_slice(if flag { b"true" } else { b"false" });
            }
            Self::Flags(flags) => letters(flags, out),
            Self::Missing => {}
            Self::Number(number) => digits(number, out),
            Self::Seconds(span) => {
                digits(span.0 / 1_000_000_000, out);
                out.push(b'.');
                padded::<9>(span.0 % 1_000_000_000, out);
            }
            Self::Short(short) => out.extend_from_slice(short.as_bytes()),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Time(ts) => time(ts, out),
            Self::Vlans(outer, inner) => {
                digits(u64::from(outer), out);
                if let Some(inner) = inner {
                    out.push(b'.');
                    digits(u64::from(inner), out);
                }
            }
        }
    }
}

/// An IPv4 address: four bytes are appended at a time, and those after the dot are written over.
fn dotted(addr: Ipv4Addr, out: &mut Vec<u8>) {
    /// The digits of each octet and a dot, and how many bytes these are.
    static OCTETS: [([u8; 4], u8); 256] = {
        let mut octets = [([b'.'; 4], 0); 256];
        let mut octet = 0;
        while octet < 256 {
            let digits = [octet / 100, octet / 10 % 10, octet % 10];
            let mut place = if octet < 10 {
                2
            } else if octet < 100 {
                1
            } else {
                0
            };
            while place < 3 {
                octets[octet].0[octets[octet].1 as usize] = b'0' + digits[place] as u8;
                octets[octet].1 += 1;
                place += 1;
            }
            octets[octet].1 += 1;
            octet += 1;
        }
        octets
    };
    let mut text = [0; 16];
    let mut len = 0;
    for octet in addr.octets() {
        let (digits, more) = OCTETS[usize::from(octet)];
        if let Some(room) = text.get_mut(len..len + 4) {
            room.copy_from_slice(&digits);
        }
        len += usize::from(more);
    }
    // Without the last dot.
    out.extend_from_slice(text.get(..len - 1).unwrap_or_default());
}

/// TCP flags, in the order in which they print.
fn letters(flags: TcpFlags, out: &mut Vec<u8>) {
    const LETTERS: [(u8, u8); 8] = [
        (0x02, b'S'),
        (0x01, b'F'),
        (0x10, b'A'),
        (0x08, b'P'),
        (0x04, b'R'),
        (0x20, b'U'),
        (0x40, b'E'),
        (0x80, b'C'),
    ];
    if flags == TcpFlags::default() {
        out.push(b'-');
    }
    for (bit, letter) in LETTERS {
        if flags.0 & bit != 0 {
            out.push(letter);
        }
    }
}

/// A whole number.
fn digits(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A whole number with zeros before it.
fn padded<const WIDTH: usize>(mut number: u64, out: &mut Vec<u8>) {
    let mut text = [b'0'; WIDTH];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text);
}

fn time(ts: Timestamp, out: &mut Vec<u8>) {
    let (year, month, day) = ts.date();
    let (hour, minute, second) = ts.time_of_day();
    padded::<4>(year, out);
    out.push(b'-');
    padded::<2>(month, out);
    out.push(b'-');
    padded::<2>(day, out);
    out.push(b'T');
    padded::<2>(hour, out);
    out.push(b':');
    padded::<2>(minute, out);
    out.push(b':');
    padded::<2>(second, out);
    out.push(b'.');
    padded::<9>(u64::from(ts.subsec_ns()), out);
    out.push(b'Z');
}

/// What is rare enough to be formatted.
fn display(value: &impl std::fmt::Display, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to a vector does not fail.
    let _infallible = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: Value<'_>) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// The oracle is the formatting machinery.
    #[test]
    fn values_print_as_the_standard_library_prints_them() {
        for ns in [
            0,
            1,
            999_999_999,
            1_000_000_000,
            951_782_400_000_000_005,
            u64::MAX,
        ] {
            assert_eq!(text(Value::Time(Timestamp(ns))), Timestamp(ns).to_string());
            assert_eq!(text(Value::Seconds(Span(ns))), Span(ns).to_string());
            assert_eq!(text(Value::Number(ns)), ns.to_string());
        }
        for addr in [
            "0.0.0.0",
            "9.10.99.100",
            "192.0.2.255",
            "255.255.255.255",
            "::",
            "2001:db8::1",
        ] {
            assert_eq!(text(Value::Addr(addr.parse().unwrap())), addr);
        }
        for flags in 0..=u8::MAX {
            let flags = TcpFlags(flags);
            assert_eq!(text(Value::Flags(flags)), flags.to_string());
        }
        assert_eq!(text(Value::Vlans(100, Some(4094))), "100.4094");
        assert_eq!(text(Value::Vlans(100, None)), "100");
    }
}
