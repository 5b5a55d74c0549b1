//! POP3 (RFC 1939), as Wireshark's `packet-pop.c` shows it in the list: the first line of each segment.

use super::tcp::applications::{Application, Outcome, Payload};
use super::text::{Escaped, line, plural};
use super::{imf, tls};
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

/// What is remembered of a stream: what the client asked for, and how many octets of a mail came and are
/// to come.
const ASKED: u64 = 1 << 63;
const ENCRYPTS: u64 = 1 << 62;
const BITS: u32 = 31;
const OCTETS: u64 = (1 << BITS) - 1;

/// Part of a mail, and whether it is the last one.
fn part(state: &mut u64, len: usize) -> bool {
    let (arrived, all) = (*state & OCTETS, *state >> BITS & OCTETS);
    let arrived = (arrived + len as u64).min(OCTETS);
    let is_last = arrived >= all;
    *state &= ASKED | ENCRYPTS;
    if !is_last {
        *state |= all << BITS | arrived;
    }
    is_last
}

/// Follows what is asked for and answered.
fn follow(walk: &mut Walk<'_, '_>, first: &[u8], payload: &Payload, is_request: bool) {
    let starts = |word: &[u8]| {
        let start = first.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let state = walk.memory.tcp.state(payload);
    if is_request {
        if starts(b"RETR") || starts(b"TOP") {
            *state |= ASKED;
        } else if starts(b"STLS") {
            *state |= ENCRYPTS;
        }
        return;
    }
    if first.first().is_none_or(|byte| *byte == b' ') {
        return;
    }
    let is_positive = starts(b"+OK ");
    if *state & ASKED != 0 && is_positive && first.len() > 4 {
        let mut words = first.split(u8::is_ascii_whitespace).skip(1);
        let digits = words.find(|word| !word.is_empty()).unwrap_or(&[]);
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit());
        let len = str::from_utf8(&digits[..count.count()]).ok();
        let len = len.and_then(|len| len.parse::<u64>().ok()).unwrap_or(0);
        *state = *state & ENCRYPTS | len.min(OCTETS) << BITS;
    }
    *state &= !ASKED;
    let encrypts = *state & ENCRYPTS != 0;
    *state &= !ENCRYPTS;
    if encrypts && is_positive {
        walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
    }
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
    walk.columns.set_protocol("POP");
    if !is_request && !first.starts_with(b"+OK") && !first.starts_with(b"-ERR") {
        let len = region.reported();
        let s = plural(len);
        walk.columns
            .set_info(format_args!("S: DATA fragment, {len} byte{s}"));
        walk.begin(THIS, &region, bytes.len());
        walk.memory.mails.add(payload.stream, bytes);
        if part(walk.memory.tcp.state(payload), len) {
            imf::finish(walk, payload.stream, "Reassembled DATA");
        }
        walk.end();
        return Ok(Outcome::Done);
    }
    follow(walk, first, payload, is_request);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_whole_once_its_octets_are_there() {
        let mut state = 5 << BITS;
        assert!(!part(&mut state, 3));
        assert!(part(&mut state, 3));
        assert_eq!(state, 0);
        assert!(part(&mut state, 1));
    }
}
