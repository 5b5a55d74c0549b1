//! Values as Zeek prints them, written without the formatting machinery.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::Timestamp;

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An address.
    Addr(IpAddr),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Count(u64),
    /// Seconds with six decimals, from microseconds.
    Micros(u64),
    /// Text without anything that needs escaping.
    Text(&'a str),
    /// The field is not set.
    Unset,
}

impl Value<'_> {
    /// Appends the value for a tab-separated file.
    pub(super) fn write_tsv(self, out: &mut Vec<u8>) {
        match self {
            Self::Addr(addr) => address(addr, out),
            Self::Bool(true) => out.push(b'T'),
            Self::Bool(false) => out.push(b'F'),
            Self::Count(number) => digits(number, out),
            Self::Micros(micros) => {
                digits(micros / 1_000_000, out);
                out.push(b'.');
                padded::<6>(micros % 1_000_000, out);
            }
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Unset => out.push(b'-'),
        }
    }

    /// Appends the value as JSON.
    pub(super) fn write_json(self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            Self::Unset => out.extend_from_slice(b"null"),
            Self::Count(_) | Self::Micros(_) => self.write_tsv(out),
            Self::Addr(_) | Self::Text(_) => {
                out.push(b'"');
                self.write_tsv(out);
                out.push(b'"');
            }
        }
    }
}

/// Whole microseconds of a time, cut off as Zeek cuts them off when it reads a file with nanoseconds.
pub(super) const fn micros(ts: Timestamp) -> u64 {
    ts.0 / 1000
}

/// A whole number.
fn digits(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A whole number with zeros before it.
pub(super) fn padded<const WIDTH: usize>(mut number: u64, out: &mut Vec<u8>) {
    let mut text = [b'0'; WIDTH];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text);
}

/// An address: an IPv4-mapped one is an IPv4 address to Zeek, and IPv4-compatible and
/// IPv4-translated ones (RFC 4291 section 2.5.5, RFC 2765) end in dotted decimal.
fn address(addr: IpAddr, out: &mut Vec<u8>) {
    match addr {
        IpAddr::V4(addr) => dotted(addr, out),
        IpAddr::V6(addr) => {
            let [_, _, _, _, _, _, high, low] = addr.segments();
            let embedded = || Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
            match addr.segments() {
                [0, 0, 0, 0, 0, 0xffff, _, _] => dotted(embedded(), out),
                [0, 0, 0, 0, 0, 0, seventh, _] if seventh != 0 => {
                    out.extend_from_slice(b"::");
                    dotted(embedded(), out);
                }
                [0, 0, 0, 0, 0xffff, 0, _, _] => {
                    out.extend_from_slice(b"::ffff:0:");
                    dotted(embedded(), out);
                }
                _ => plain(addr, out),
            }
        }
    }
}

fn dotted(addr: Ipv4Addr, out: &mut Vec<u8>) {
    for (place, octet) in addr.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        digits(u64::from(octet), out);
    }
}

fn plain(addr: Ipv6Addr, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _infallible = write!(out, "{addr}");
}
