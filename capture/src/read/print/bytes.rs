//! Bytes in hexadecimal and ASCII, as `-x` prints them.

use super::Shown;
use super::text::{hex, spaces};

/// Bytes of a line.
const LINE: usize = 16;

/// Adds the bytes of a frame, and of what was put together from it and others.
pub(super) fn print(shown: &Shown, data: &[u8], out: &mut String) {
    let sources = shown.tree.sources();
    if sources.is_empty() {
        dump(data, out);
        return;
    }
    title("Frame", data.len(), out);
    dump(data, out);
    for (name, bytes) in sources {
        title(name, bytes.len(), out);
        dump(bytes, out);
    }
}

fn title(name: &str, len: usize, out: &mut String) {
    use std::fmt::Write as _;
    let unit = if len == 1 { "byte" } else { "bytes" };
    // Writing to a string does not fail.
    let _infallible = writeln!(out, "{name} ({len} {unit}):");
}

/// Adds bytes, 16 a line.
pub(super) fn dump(data: &[u8], out: &mut String) {
    for (number, line) in data.chunks(LINE).enumerate() {
        offset(number * LINE, out);
        out.push_str("  ");
        for byte in line {
            hex(out, *byte);
            out.push(' ');
        }
        spaces(out, (LINE - line.len()) * 3 + 2);
        for byte in line {
            out.push(match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            });
        }
        out.push('\n');
    }
}

/// Four digits, or eight where they do not do.
fn offset(at: usize, out: &mut String) {
    let [.., a, b, c, d] = at.to_be_bytes();
    if at > 0xffff {
        hex(out, a);
        hex(out, b);
    }
    hex(out, c);
    hex(out, d);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_set_as_tshark_sets_them() {
        let mut out = String::new();
        dump(b"\x00\x01ABCDEFGHIJKLMN~\x7f", &mut out);
        assert_eq!(
            out,
            "0000  00 01 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e   ..ABCDEFGHIJKLMN\n\
             0010  7e 7f                                             ~.\n"
        );
    }
}
