//! What was typed as a value, by the type of the field that it is compared with.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::datum::{Constant, Datum};
use super::expression::Type;
use crate::read::field::Kind;

/// A value as it was typed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Typed<'a> {
    Plain(&'a str),
    Quoted(&'a [u8]),
    Character(u8),
}

/// The value, or what is wrong with it.
pub(super) fn constant(typed: Typed<'_>, wanted: Type) -> Result<Constant, String> {
    let kind = wanted.kind;
    let shown = match typed {
        Typed::Plain(text) => text.to_owned(),
        Typed::Quoted(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Typed::Character(byte) => char::from(byte).to_string(),
    };
    let value = match kind {
        Kind::Uint(bits) => unsigned(typed, &shown, bits, wanted)?,
        Kind::FrameNumber => unsigned(typed, &shown, 32, wanted)?,
        Kind::Int(bits) => signed(typed, &shown, bits)?,
        Kind::Bool => boolean(&shown, wanted)?,
        Kind::Double => Datum::Double(
            shown
                .parse()
                .map_err(|_wrong| format!("{shown:?} is not a number"))?,
        ),
        Kind::Ipv4 => return ipv4(&shown),
        Kind::Ipv6 => return ipv6(&shown),
        Kind::Ether => match hex_bytes(&shown) {
            Some(bytes) if bytes.len() == 6 => Datum::Bytes(Cow::Owned(bytes)),
            _ => return Err(format!("{shown:?} is not a MAC address")),
        },
        Kind::Bytes | Kind::Protocol | Kind::None => Datum::Bytes(Cow::Owned(bytes(typed)?)),
        Kind::String => Datum::Text(Cow::Owned(shown)),
        Kind::AbsoluteTime => Datum::Time(moment(&shown)?),
        Kind::RelativeTime => Datum::Time(
            seconds(&shown).ok_or_else(|| format!("{shown:?} is not a time in seconds"))?,
        ),
    };
    Ok(Constant::Value(value))
}

/// The value with this name, of fields whose values have names.
fn named(text: &str, wanted: Type) -> Option<u64> {
    /// Names that are looked through: all of fields of two bytes.
    const MOST: u64 = 0x1_0000;
    let names = wanted.names?;
    // Severities and groups of remarks are numbered from the upper bits on.
    let mut candidates = (0..MOST).chain((1..0x100).map(|value| value << 20));
    candidates.find(|value| names(*value).is_some_and(|name| name.eq_ignore_ascii_case(text)))
}

/// Decimal, hexadecimal (`0x`), octal (`0`) or binary (`0b`).
fn number(text: &str) -> Option<u64> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => radix(&text[2..], 16),
        [b'0', b'b' | b'B', ..] => radix(&text[2..], 2),
        [b'0', _, ..] => radix(&text[1..], 8),
        _ => radix(text, 10),
    }
}

fn unsigned(
    typed: Typed<'_>,
    text: &str,
    bits: u8,
    wanted: Type,
) -> Result<Datum<'static>, String> {
    let found = match typed {
        Typed::Character(byte) => Some(u64::from(byte)),
        Typed::Plain(text) => number(text).or_else(|| named(text, wanted)),
        Typed::Quoted(_) => named(text, wanted),
    };
    let Some(number) = found else {
        return Err(match (wanted.names, typed) {
            (Some(_), _) => {
                format!("{text:?} is neither a number nor the name of a value of this field")
            }
            (None, Typed::Quoted(_)) => format!("this field is a number; {text:?} is text"),
            (None, _) => format!("{text:?} is not a number"),
        });
    };
    let most = u64::MAX >> (64 - u32::from(bits.clamp(1, 64)));
    if number > most {
        return Err(format!(
            "{text:?} is too big for this field, whose maximum is {most}"
        ));
    }
    Ok(Datum::Uint(number))
}

fn signed(typed: Typed<'_>, text: &str, bits: u8) -> Result<Datum<'static>, String> {
    let found = match typed {
        Typed::Character(byte) => Some(i64::from(byte)),
        _ => match text.strip_prefix('-') {
            Some(digits) => number(digits)
                .and_then(|number| i64::try_from(number).ok())
                .map(|number| -number),
            None => number(text).and_then(|number| i64::try_from(number).ok()),
        },
    };
    let number = found.ok_or_else(|| format!("{text:?} is not a number"))?;
    let most = i64::MAX >> (64 - u32::from(bits.clamp(1, 64)));
    if number > most || number < -most - 1 {
        return Err(format!(
            "{text:?} does not fit this field, which ends at {most}"
        ));
    }
    Ok(Datum::Int(number))
}

fn boolean(text: &str, wanted: Type) -> Result<Datum<'static>, String> {
    let named = |value| {
        let names = wanted.names?;
        names(value)
    };
    let value = match text {
        "1" => true,
        "0" => false,
        _ if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("set") => true,
        _ if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("not set") => false,
        _ if named(1).is_some_and(|name| name.eq_ignore_ascii_case(text)) => true,
        _ if named(0).is_some_and(|name| name.eq_ignore_ascii_case(text)) => false,
        _ => return Err(format!("{text:?} is neither True (1) nor False (0)")),
    };
    Ok(Datum::Bool(value))
}

/// An address, or a network with the length of its prefix.
fn ipv4(text: &str) -> Result<Constant, String> {
    let wrong = || format!("{text:?} is not an IPv4 address");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: Ipv4Addr = address.parse().map_err(|_wrong| wrong())?;
    let address = address.to_bits();
    let Some(prefix) = prefix else {
        return Ok(Constant::Value(Datum::Ipv4(address)));
    };
    let prefix: u32 = prefix.parse().map_err(|_wrong| wrong())?;
    if prefix > 32 {
        return Err(format!(
            "a prefix of an IPv4 address has at most 32 bits, not {prefix}"
        ));
    }
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    Ok(Constant::Ipv4Net(address, mask))
}

fn ipv6(text: &str) -> Result<Constant, String> {
    let wrong = || format!("{text:?} is not an IPv6 address");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().map_err(|_wrong| wrong())?;
    let address = address.to_bits();
    let Some(prefix) = prefix else {
        return Ok(Constant::Value(Datum::Ipv6(address)));
    };
    let prefix: u32 = prefix.parse().map_err(|_wrong| wrong())?;
    if prefix > 128 {
        return Err(format!(
            "a prefix of an IPv6 address has at most 128 bits, not {prefix}"
        ));
    }
    let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    Ok(Constant::Ipv6Net(address, mask))
}

fn bytes(typed: Typed<'_>) -> Result<Vec<u8>, String> {
    match typed {
        Typed::Quoted(bytes) => Ok(bytes.to_vec()),
        Typed::Character(byte) => Ok(vec![byte]),
        Typed::Plain(text) => hex_bytes(text).ok_or_else(|| {
            format!("{text:?} is neither bytes (01:02:ff) nor text in double quotes")
        }),
    }
}

/// Bytes in hexadecimal: `01:02:ff`, `01-02-ff`, `0102.ff03`, `0102ff`.
fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let mut all = Vec::with_capacity(text.len() / 2);
    for part in text.split([':', '-', '.']) {
        let padded = if part.len() == 1 {
            format!("0{part}")
        } else {
            part.to_owned()
        };
        if padded.is_empty() || !padded.len().is_multiple_of(2) {
            return None;
        }
        for pair in padded.as_bytes().chunks(2) {
            let pair = std::str::from_utf8(pair).ok()?;
            all.push(u8::from_str_radix(pair, 16).ok()?);
        }
    }
    Some(all)
}

/// Nanoseconds of a number of seconds with a fraction.
fn seconds(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 || whole.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(sign * (whole * 1_000_000_000 + fraction))
}

/// A moment in UTC: `2026-11-21 10:00:00.5`, `2026-11-21T10:00:00Z`, `Nov 21, 2026 10:00:00`, or seconds
/// since 1970.
fn moment(text: &str) -> Result<i128, String> {
    let wrong = || {
        format!("{text:?} is not a time; write \"2026-11-21 10:00:00\" (UTC) or seconds since 1970")
    };
    if let Some(ns) = seconds(text) {
        return Ok(ns);
    }
    let text = text.trim().trim_end_matches(" UTC").trim_end_matches('Z');
    let (date, time) = if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let (day, rest) = text.split_once(',').ok_or_else(wrong)?;
        let rest = rest.trim_start();
        let (year, time) = rest.split_once(' ').unwrap_or((rest, "0:00"));
        (month_and_day(day, year).ok_or_else(wrong)?, time)
    } else {
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "0:00"));
        let mut parts = date.split('-').map(str::parse::<i64>);
        let mut part = || parts.next().and_then(Result::ok).ok_or_else(wrong);
        ((part()?, part()?, part()?), time)
    };
    let (year, month, day) = date;
    if !(1970..=2554).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(wrong());
    }
    let mut parts = time.trim().split(':');
    let mut next = || parts.next().map_or(Some(0), seconds);
    let (Some(hours), Some(minutes), Some(rest)) = (next(), next(), next()) else {
        return Err(wrong());
    };
    let days = i128::from(days_since_1970(year, month, day));
    // `seconds` gave nanoseconds of each.
    Ok(days * 86_400_000_000_000 + hours * 3600 + minutes * 60 + rest)
}

fn month_and_day(text: &str, year: &str) -> Option<(i64, i64, i64)> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (month, day) = text.split_once(' ')?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    Some((
        year.parse().ok()?,
        i64::try_from(month).ok()? + 1,
        day.trim().parse().ok()?,
    ))
}

/// Days from the first of January 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_several_forms() {
        // date -u -d '2022-08-03 02:38:00' +%s
        let ns = 1_659_494_280_000_000_000;
        for text in [
            "2022-08-03 02:38:00",
            "2022-08-03T02:38:00Z",
            "2022-08-03 02:38",
            "Aug  3, 2022 02:38:00.000000000 UTC",
            "1659494280",
        ] {
            assert_eq!(moment(text), Ok(ns), "{text}");
        }
        assert_eq!(moment("2022-08-03 02:38:00.25"), Ok(ns + 250_000_000));
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn numbers_have_four_notations() {
        assert_eq!(
            ["80", "0x50", "0120", "0b1010000"].map(number),
            [Some(80); 4]
        );
        assert_eq!(number("8o"), None);
    }

    #[test]
    fn bytes_have_four_notations() {
        for text in ["02:00:04", "02-00-04", "0200.04", "020004"] {
            assert_eq!(hex_bytes(text), Some(vec![2, 0, 4]), "{text}");
        }
        assert_eq!(hex_bytes("02:0g"), None);
        assert_eq!(hex_bytes("020"), None);
    }
}
