//! A value of a record on its way into a file, written without the formatting machinery: with hundreds
//! of thousands of records a second, that would cost more than tracking the connections.

use std::net::IpAddr;

use crate::dissect::TcpFlags;
use crate::packet::{Span, Timestamp};

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An address.
    Addr(IpAddr),
    /// TCP flags by their letters.
    Flags(TcpFlags),
    /// Nothing is known.
    Missing,
    /// A whole number.
    Number(u64),
    /// Seconds with nine decimals.
    Seconds(Span),
    /// Anything else.
    Text(&'a str),
    /// RFC 3339 in UTC with nanoseconds.
    Time(Timestamp),
    /// VLAN identifiers, joined by a dot: text even if there is only one, so that the column has one
    /// type.
    Vlans(u16, Option<u16>),
}

impl Value<'_> {
    /// Appends the value as plain text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Addr(IpAddr::V4(addr)) => {
                for (place, octet) in addr.octets().into_iter().enumerate() {
                    if place > 0 {
                        out.push(b'.');
                    }
                    digits(u64::from(octet), out);
                }
            }
            Self::Addr(IpAddr::V6(addr)) => display(&addr, out),
            Self::Flags(flags) => display(&flags, out),
            Self::Missing => {}
            Self::Number(number) => digits(number, out),
            Self::Seconds(span) => {
                digits(span.0 / 1_000_000_000, out);
                out.push(b'.');
                padded::<9>(span.0 % 1_000_000_000, out);
            }
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
    let second = ts.secs() % 86_400;
    padded::<4>(year, out);
    out.push(b'-');
    padded::<2>(month, out);
    out.push(b'-');
    padded::<2>(day, out);
    out.push(b'T');
    padded::<2>(second / 3600, out);
    out.push(b':');
    padded::<2>(second / 60 % 60, out);
    out.push(b':');
    padded::<2>(second % 60, out);
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
        for addr in ["0.0.0.0", "192.0.2.255", "::", "2001:db8::1"] {
            assert_eq!(text(Value::Addr(addr.parse().unwrap())), addr);
        }
        assert_eq!(text(Value::Vlans(100, Some(4094))), "100.4094");
        assert_eq!(text(Value::Vlans(100, None)), "100");
    }
}
