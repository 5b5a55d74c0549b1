//! RESP, the protocol of Redis: values that can hold values.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::proto::text::{Escaped, ascii};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const PORT: u16 = 6379;
/// How deep arrays are followed.
const DEEPEST: u32 = 100;
/// Strings that are longer are not shown.
const LONGEST: i64 = 100;

/// RESP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

/// What more is needed, and from where on.
type Missing = (usize, Need);

struct Reader<'r, 'b> {
    region: &'r Region<'b>,
    is_response: bool,
    can_ask: bool,
    /// Values that are left: each is a step, so a segment bounds the work.
    text: String,
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    name(walk, names::resp::THIS, &region);
    let is_response = payload.source_port == PORT;
    let mut reader = Reader {
        region: &region,
        is_response,
        can_ask: payload.asking == Asking::Possible,
        text: String::new(),
    };
    let outcome = reader.values(0, 0, None);
    let word = if is_response { "Response:" } else { "Request:" };
    walk.columns
        .set_info(format_args!("{word}{}", Escaped(reader.text.as_bytes())));
    Ok(match outcome {
        Ok(_) => Outcome::Done,
        Err((at, need)) => {
            walk.columns.append_info(format_args!(" [continuation]"));
            Outcome::More { at, need }
        }
    })
}

impl Reader<'_, '_> {
    /// Reads so many values, or all there are; where they end.
    fn values(&mut self, mut at: usize, depth: u32, count: Option<i64>) -> Result<usize, Missing> {
        let mut done = 0;
        let bytes = self.region.captured();
        while at < bytes.len() && count.is_none_or(|count| done < count) {
            let rest = &bytes[at..];
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            // The line may end in the next segment.
            let whole = end.is_some_and(|end| rest[end] == b'\n' || end + 1 < rest.len());
            if !whole && self.can_ask {
                return Err((at, Need::Segment));
            }
            at = self.value(at, end.unwrap_or(rest.len()), depth)?;
            done += 1;
        }
        Ok(at)
    }

    /// Reads one, whose first line has `len` bytes.
    fn value(&mut self, at: usize, len: usize, depth: u32) -> Result<usize, Missing> {
        let bytes = self.region.captured();
        let line = &bytes[at..(at + len).min(bytes.len())];
        let next = at + len + 2;
        let Some((kind, rest)) = line.split_first() else {
            return Ok(next);
        };
        let shown = self.is_response && depth == 0;
        match kind {
            b'+' if shown => self.add(&ascii(rest)),
            b'-' => {
                self.text.push_str(" Error: ");
                self.text.push_str(&ascii(rest));
            }
            b':' if shown => self.add(&number(rest).to_string()),
            b'$' => return self.string(at, next, number(rest), depth),
            b'*' => {
                let count = number(rest);
                if count <= 0 || depth > DEEPEST {
                    return Ok(next);
                }
                if next >= bytes.len() && self.can_ask {
                    return Err((at, Need::Segment));
                }
                if shown {
                    self.add(&format!("Array({count})"));
                }
                return self
                    .values(next, depth + 1, Some(count))
                    .map_err(|_inner| (at, Need::Segment));
            }
            b'+' | b':' => {}
            _ => self.add("[fragment]"),
        }
        Ok(next)
    }

    fn string(&mut self, at: usize, begin: usize, len: i64, depth: u32) -> Result<usize, Missing> {
        let Ok(size) = usize::try_from(len) else {
            return Ok(begin);
        };
        let rest = self.region.captured().get(begin..).unwrap_or(&[]);
        let missing = size.saturating_add(2).saturating_sub(rest.len());
        if missing > 0 {
            if self.can_ask {
                return Err((at, Need::Bytes(u32::try_from(missing).unwrap_or(u32::MAX))));
            }
            self.add("[partial]");
        }
        let bytes = &rest[..size.min(rest.len())];
        let is_text = bytes.is_ascii();
        let is_command = !self.is_response && depth == 1;
        if is_text && (is_command || self.is_response && depth == 0) && len < LONGEST {
            self.add(&ascii(bytes));
        } else if depth == 0 || is_text && is_command {
            self.add(&format!("BulkString({len})"));
        }
        Ok(begin + bytes.len() + if missing > 0 { 0 } else { 2 })
    }

    fn add(&mut self, text: &str) {
        self.text.push(' ');
        self.text.push_str(text);
    }
}

/// The number that text begins with; 0 if there is none.
fn number(bytes: &[u8]) -> i64 {
    let text = std::str::from_utf8(bytes).unwrap_or("");
    text.trim().parse().unwrap_or(0)
}
