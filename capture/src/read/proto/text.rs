//! Bytes that are meant to be text, as Wireshark shows them (`format_text` in `wsutil/strutil.c`):
//! what cannot be printed is written as an escape, so that no packet can steer a terminal.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use memchr::memchr2;

/// What a noun ends with behind this number.
pub(crate) const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Text of a file as it is shown: the same, but for what cannot be printed.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(Escaped(text.as_bytes()).to_string())
    } else {
        Cow::Borrowed(text)
    }
}

/// What a letter stands for in base 64 (RFC 4648 section 4).
pub(crate) const fn base64_digit(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Text that ends with a zero, if there is one.
pub(crate) fn up_to_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// Shows bytes as UTF-8 with C escapes for what cannot be printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\x07' => f.write_str("\\a")?,
                    '\x08' => f.write_str("\\b")?,
                    '\x0c' => f.write_str("\\f")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    '\x0b' => f.write_str("\\v")?,
                    other if other.is_ascii_control() => {
                        write!(f, "\\{:03o}", u32::from(other))?;
                    }
                    other if other.is_control() => write!(f, "\\u{:04x}", u32::from(other))?,
                    other => f.write_char(other)?,
                }
            }
            // What is not UTF-8 is replaced before it is shown.
            if !chunk.invalid().is_empty() {
                f.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}

/// The same, with a space for each byte of white space (`format_text_wsp`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spaced<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
        for (at, part) in self.0.split(is_space).enumerate() {
            if at > 0 {
                f.write_char(' ')?;
            }
            Escaped(part).fmt(f)?;
        }
        Ok(())
    }
}

/// Shows bytes as hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The first line: without its end, and where the next one begins. A line ends with LF, CR LF or CR
/// (`tvb_find_line_end`).
pub(crate) fn line(bytes: &[u8]) -> (&[u8], usize) {
    let end = memchr2(b'\r', b'\n', bytes);
    let Some(end) = end else {
        return (bytes, bytes.len());
    };
    let next = match (bytes[end], bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => end + 2,
        _ => end + 1,
    };
    (&bytes[..end], next)
}

/// ASCII, with what is none replaced, up to its end or a zero (`get_ascii_string`).
pub(crate) fn ascii(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| match byte {
            0x80.. => char::REPLACEMENT_CHARACTER,
            byte => char::from(*byte),
        })
        .collect()
}

/// A length of time in seconds in words: `1 hour, 30 minutes` (`unsigned_time_secs_to_str`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words(pub(crate) u32);

/// The same in milliseconds: `1 minute, 2.500 seconds` (`signed_time_msecs_to_str`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Milliseconds(pub(crate) u32);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Milliseconds::write(f, self.0, 0)
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::write(f, self.0 / 1000, self.0 % 1000)
    }
}

impl Milliseconds {
    fn write(f: &mut fmt::Formatter<'_>, seconds: u32, fraction: u32) -> fmt::Result {
        if seconds == 0 && fraction == 0 {
            return f.write_str("0 seconds");
        }
        let parts = [
            (seconds / 86_400, "day"),
            (seconds / 3600 % 24, "hour"),
            (seconds / 60 % 60, "minute"),
            (if fraction == 0 { seconds % 60 } else { 0 }, "second"),
        ];
        let mut between = "";
        for (count, word) in parts {
            if count > 0 {
                let s = if count == 1 { "" } else { "s" };
                write!(f, "{between}{count} {word}{s}")?;
                between = ", ";
            }
        }
        if fraction > 0 {
            write!(f, "{between}{}.{fraction:03} seconds", seconds % 60)?;
        }
        Ok(())
    }
}
