//! POP3 (RFC 1939), as Wireshark's `packet-pop.c` shows it in the list: the first line of each segment.

use super::tcp::applications::{Application, Outcome, Payload};
use super::text::{Escaped, line};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    46, "pop", "POP", "Post Office Protocol";
    REQUEST_COMMAND: "pop.request.command", "Request command", String;
    REQUEST_PARAMETER: "pop.request.parameter", "Request parameter", String;
    RESPONSE_INDICATOR: "pop.response.indicator", "Response indicator", String;
    RESPONSE_DESCRIPTION: "pop.response.description", "Response description", String;
}

const PORT: u16 = 110;

/// POP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

/// What a segment has of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    None,
    First,
    Last,
}

/// Follows a mail that the client asked for, by the octets that the server says it has. What is
/// remembered: that it asked, or how many octets are still to come.
fn message(walk: &mut Walk<'_, '_>, bytes: &[u8], payload: &Payload, is_request: bool) -> Part {
    const ASKED: u64 = 1 << 63;
    let state = walk.memory.tcp.state(payload);
    let (first, next) = line(bytes);
    if is_request {
        *state = 0;
        if first
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"RETR"))
        {
            *state = ASKED;
        }
        return Part::None;
    }
    if *state != 0 && *state != ASKED {
        *state = state.saturating_sub(bytes.len() as u64);
        return if *state == 0 { Part::Last } else { Part::First };
    }
    if let Some(rest) = first.strip_prefix(b"+OK") {
        if *state == ASKED {
            let digits = rest.trim_ascii_start();
            let count = digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let len = str::from_utf8(&digits[..count]).ok();
            let len = len.and_then(|len| len.parse::<u32>().ok()).unwrap_or(0);
            *state = u64::from(len).saturating_sub((bytes.len() - next) as u64);
        }
        return Part::None;
    }
    if first.starts_with(b"-ERR") {
        *state = 0;
        return Part::None;
    }
    Part::Last
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_request = payload.destination_port == PORT;
    let bytes = region.captured();
    let (first, _) = line(bytes);
    let part = message(walk, bytes, payload, is_request);
    walk.columns.set_protocol(match part {
        Part::Last => "POP/IMF",
        Part::First | Part::None => "POP",
    });
    let word = if is_request { "C" } else { "S" };
    walk.columns
        .set_info(format_args!("{word}: {}", Escaped(first)));
    walk.begin(THIS, &region, bytes.len());
    if walk.tree.wants_any_of(THIS.protocol) {
        let [token, rest] = if is_request {
            [REQUEST_COMMAND, REQUEST_PARAMETER]
        } else {
            [RESPONSE_INDICATOR, RESPONSE_DESCRIPTION]
        };
        let mut at = 0;
        while at < bytes.len() {
            let (text, next) = line(&bytes[at..]);
            let whole = Escaped(&bytes[at..at + next]);
            walk.tree
                .heading(region.place(at, next), format_args!("{whole}"));
            let is_first = at == 0;
            if is_first && !text.is_empty() {
                let end = text.iter().position(|byte| *byte == b' ');
                let end = end.unwrap_or(text.len());
                walk.tree.open();
                let place = region.place(at, end);
                walk.tree
                    .add_formatted(token, place, format_args!("{}", Escaped(&text[..end])));
                if end + 1 < text.len() {
                    let place = region.place(at + end + 1, text.len() - end - 1);
                    let value = Escaped(&text[end + 1..]);
                    walk.tree
                        .add_formatted(rest, place, format_args!("{value}"));
                }
                walk.tree.close();
            }
            at += next;
        }
    }
    walk.end();
    Ok(Outcome::Done)
}
