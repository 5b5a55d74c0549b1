//! Numbers and addresses as text. The list prints several for each frame, so they do not go through
//! the formatting machinery of the standard library.

use crate::read::render::Ipv6;

/// Adds a decimal number.
#[inline]
pub(crate) fn decimal(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Adds a number with zeros in front, of exactly `digits` digits (the lower ones).
pub(crate) fn zero_padded(out: &mut String, mut number: u64, digits: usize) {
    let mut buffer = [b'0'; 20];
    let digits = digits.min(buffer.len());
    for place in buffer.iter_mut().take(digits).rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
    for digit in buffer.iter().take(digits) {
        out.push(char::from(*digit));
    }
}

/// Adds spaces.
pub(crate) fn spaces(out: &mut String, count: usize) {
    const SPACES: &str = "                                ";
    let mut left = count;
    while left > 0 {
        let now = left.min(SPACES.len());
        out.push_str(SPACES.get(..now).unwrap_or(SPACES));
        left -= now;
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Adds a byte as two hexadecimal digits.
#[inline]
pub(crate) fn hex(out: &mut String, byte: u8) {
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// Adds a MAC address.
pub(crate) fn ether(out: &mut String, address: [u8; 6]) {
    for (place, byte) in address.into_iter().enumerate() {
        if place > 0 {
            out.push(':');
        }
        hex(out, byte);
    }
}

/// Adds an IPv4 address.
#[inline]
pub(crate) fn ipv4(out: &mut String, address: [u8; 4]) {
    for (place, byte) in address.into_iter().enumerate() {
        if place > 0 {
            out.push('.');
        }
        decimal(out, byte);
    }
}

/// Adds an IPv6 address (RFC 5952, and as `inet_ntop(3)` writes those that hold an IPv4 address).
pub(crate) fn ipv6(out: &mut String, address: [u8; 16]) {
    use std::fmt::Write as _;
    // Writing to a string does not fail.
    let _infallible = write!(out, "{}", Ipv6(address));
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn text(add: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        add(&mut out);
        out
    }

    #[test]
    fn numbers_are_padded_with_zeros() {
        assert_eq!(text(|out| zero_padded(out, 42, 6)), "000042");
        assert_eq!(text(|out| zero_padded(out, 1_234_567, 6)), "234567");
        assert_eq!(text(|out| zero_padded(out, 7, 0)), "");
    }

    #[test]
    fn addresses_are_as_inet_ntop_writes_them() {
        assert_eq!(text(|out| ipv4(out, [10, 0, 200, 1])), "10.0.200.1");
        let ipv6 =
            |address: &str| text(|out| ipv6(out, address.parse::<Ipv6Addr>().unwrap().octets()));
        assert_eq!(ipv6("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
        assert_eq!(ipv6("::1"), "::1");
        assert_eq!(ipv6("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
        assert_eq!(ipv6("::192.0.2.1"), "::192.0.2.1");
        assert_eq!(
            text(|out| ether(out, [0, 0x50, 0xfc, 0x22, 0xc7, 0xbe])),
            "00:50:fc:22:c7:be"
        );
    }
}
