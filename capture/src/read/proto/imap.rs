//! IMAP (RFC 9051), as Wireshark's `packet-imap.c` shows it: lines, put together with the literals that
//! they announce.

use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use super::text::{Escaped, line};
use super::tls;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

protocol! {
    47, "imap", "IMAP", "Internet Message Access Protocol";
    REQUEST: "imap.request", "Request", String;
    RESPONSE: "imap.response", "Response", String;
    IS_REQUEST: "imap.isrequest", "Request", Bool;
    LINE: "imap.line", "Line", None;
    TAG: "imap.request_tag", "Request Tag", String;
    RESPONSE_TAG: "imap.response_tag", "Response Tag", String;
}

const PORT: u16 = 143;

/// IMAP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

/// How many bytes the literal has that a line announces at its end: `{123}`.
fn literal(text: &[u8]) -> Option<usize> {
    let digits = text.strip_suffix(b"}")?;
    let open = digits.iter().rposition(|byte| *byte == b'{')?;
    let digits = digits.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Lines that belong together because literals join them; gives how long they are, or what is missing.
/// A client waits before it sends a literal, so what it sends ends with its lines.
fn whole(bytes: &[u8], is_request: bool) -> Result<usize, Need> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        if !rest.contains(&b'\n') {
            return Err(Need::Line);
        }
        let (text, next) = line(rest);
        at += next;
        let Some(len) = literal(text).filter(|_| !is_request) else {
            return Ok(at);
        };
        let left = bytes.len() - at;
        if len > left {
            let missing = u32::try_from(len - left).unwrap_or(u32::MAX);
            return Err(Need::Bytes(missing.min(0x3fff_ffff)));
        }
        at += len;
    }
}

/// Remembers that the client asked for TLS (RFC 9051 section 6.2.1); with the server's consent, the
/// stream is TLS's.
fn encryption(walk: &mut Walk<'_, '_>, text: &[u8], payload: &Payload, is_request: bool) {
    let mut words = text.split(|byte| *byte == b' ').skip(1);
    let word = words.next().unwrap_or(&[]);
    if is_request && word.eq_ignore_ascii_case(b"STARTTLS") {
        *walk.memory.tcp.state(payload) = 1;
    } else if !is_request && !text.starts_with(b"*") && *walk.memory.tcp.state(payload) == 1 {
        *walk.memory.tcp.state(payload) = 0;
        if word.eq_ignore_ascii_case(b"OK") {
            walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
        }
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
    let mut end = 0;
    while payload.asking == Asking::Possible && end < bytes.len() {
        match whole(&bytes[end..], is_request) {
            Ok(len) => end += len,
            Err(need) => return Ok(Outcome::More { at: 0, need }),
        }
    }
    // The list shows the last line.
    let mut at = 0;
    let mut last: &[u8] = &[];
    while at < bytes.len() {
        let (text, next) = line(&bytes[at..]);
        last = text;
        at += next;
        encryption(walk, text, payload, is_request);
        if is_request {
            continue;
        }
        if let Some(len) = literal(text) {
            at += len;
        }
    }
    walk.columns.set_protocol("IMAP");
    let word = if is_request { "Request" } else { "Response" };
    walk.columns
        .set_info(format_args!("{word}: {}", Escaped(last)));
    walk.begin(THIS, &region, bytes.len());
    if walk.tree.wants_any_of(THIS.protocol) {
        walk.tree
            .add_hidden(IS_REQUEST, Place::default(), Value::Bool(is_request));
        let mut at = 0;
        while at < bytes.len() {
            let (text, next) = line(&bytes[at..]);
            let node = walk.tree.add(LINE, region.place(at, next), Value::None);
            let shown = Escaped(&bytes[at..at + next]);
            walk.tree.label(node, format_args!("{shown}"));
            walk.tree.open();
            let tag_len = text.iter().position(|byte| *byte == b' ');
            if let Some(tag_len) = tag_len {
                let [tag, rest] = if is_request {
                    [TAG, REQUEST]
                } else {
                    [RESPONSE_TAG, RESPONSE]
                };
                let (value, place) = (Escaped(&text[..tag_len]), region.place(at, tag_len));
                walk.tree.add_formatted(tag, place, format_args!("{value}"));
                let place = region.place(at + tag_len + 1, text.len() - tag_len - 1);
                let value = Escaped(&text[tag_len + 1..]);
                walk.tree
                    .add_formatted(rest, place, format_args!("{value}"));
            }
            walk.tree.close();
            at += next;
        }
    }
    walk.end();
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9051 section 4.3.
    #[test]
    fn a_literal_belongs_to_its_line() {
        assert_eq!(literal(b"A001 LOGIN {11}"), Some(11));
        assert_eq!(literal(b"A001 LOGIN {11+}"), Some(11));
        assert_eq!(literal(b"A001 NOOP"), None);
        assert_eq!(whole(b"A1 X {3}\r\nabc\r\nA2 NOOP\r\n", false), Ok(15));
        assert_eq!(whole(b"A1 X {30}\r\nabc", false), Err(Need::Bytes(27)));
        assert_eq!(whole(b"A1 X", false), Err(Need::Line));
    }
}
