//! SMTP (RFC 5321), as Wireshark's `packet-smtp.c` shows it in the list: commands, responses, and how
//! much of a message there is.

use std::collections::BTreeMap;

use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use super::text::{Escaped, line};
use super::tls;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    49, "smtp", "SMTP", "Simple Mail Transfer Protocol";
    COMMAND_LINE: "smtp.command_line", "Command Line", String;
    COMMAND: "smtp.req.command", "Command", String;
    PARAMETER: "smtp.req.parameter", "Request parameter", String;
    RESPONSE: "smtp.response", "Response", String;
    CODE: "smtp.response.code", "Response code", Uint(32), Dec;
    RESPONSE_PARAMETER: "smtp.rsp.parameter", "Response parameter", String;
}

const PORTS: &[u16] = &[25, 587];
/// How many streams are remembered.
const MAX_STREAMS: usize = 1 << 16;

/// SMTP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: PORTS,
    recognizes: None,
    dissect,
};

/// What the client sends in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Commands,
    /// It asked to send a message.
    Asked,
    /// It asked to encrypt what follows (RFC 3207).
    Encrypting,
    Message,
}

/// The streams.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    streams: BTreeMap<u32, State>,
}

impl Memory {
    fn state(&mut self, stream: u32) -> &mut State {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&stream) {
            self.streams.pop_first();
        }
        self.streams.entry(stream).or_default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_request = PORTS.contains(&payload.destination_port);
    let bytes = region.captured();
    if !bytes.ends_with(b"\n") && payload.asking == Asking::Possible {
        let state = *walk.memory.smtp.state(payload.stream);
        if !is_request || state != State::Message {
            let need = Need::Segment;
            return Ok(Outcome::More { at: 0, need });
        }
    }
    walk.columns.set_protocol("SMTP");
    walk.columns.clear_info();
    walk.begin(THIS, &region, bytes.len());
    if is_request {
        requests(walk, &region, payload.stream);
    } else {
        responses(walk, &region, payload);
    }
    walk.end();
    Ok(Outcome::Done)
}

fn requests(walk: &mut Walk<'_, '_>, region: &Region<'_>, stream: u32) {
    let bytes = region.captured();
    let state = *walk.memory.smtp.state(stream);
    if state == State::Message {
        let is_end = bytes == b".\r\n" || bytes.ends_with(b"\r\n.\r\n");
        let len = bytes.len();
        if bytes == b".\r\n" {
            walk.columns.append_info(format_args!("C: ."));
        } else {
            let s = if len == 1 { "" } else { "s" };
            walk.columns
                .append_info(format_args!("C: DATA fragment, {len} byte{s}"));
        }
        if is_end {
            // The message is whole.
            walk.columns.set_protocol("SMTP/IMF");
            *walk.memory.smtp.state(stream) = State::Commands;
        }
        return;
    }
    let mut at = 0;
    while at < bytes.len() {
        let (text, next) = line(&bytes[at..]);
        let between = if at == 0 { "C: " } else { " | " };
        let shown = Escaped(text);
        walk.columns.append_info(format_args!("{between}{shown}"));
        let place = region.place(at, next);
        let added = walk
            .tree
            .add_formatted(COMMAND_LINE, place, format_args!("{shown}"));
        let whole = Escaped(&bytes[at..at + next]);
        walk.tree
            .label(added, format_args!("Command Line: {whole}"));
        walk.tree.open();
        let command = text.get(..4).unwrap_or(text);
        walk.tree.add_formatted(
            COMMAND,
            region.place(at, command.len()),
            format_args!("{}", Escaped(command)),
        );
        if text.len() > 5 {
            walk.tree.add_formatted(
                PARAMETER,
                region.place(at + 5, text.len() - 5),
                format_args!("{}", Escaped(&text[5..])),
            );
        }
        walk.tree.close();
        if text.eq_ignore_ascii_case(b"DATA") {
            *walk.memory.smtp.state(stream) = State::Asked;
        } else if text.eq_ignore_ascii_case(b"STARTTLS") {
            *walk.memory.smtp.state(stream) = State::Encrypting;
        }
        at += next;
    }
}

fn responses(walk: &mut Walk<'_, '_>, region: &Region<'_>, payload: &Payload) {
    let stream = payload.stream;
    let bytes = region.captured();
    let mut goes_on = false;
    let mut at = 0;
    while at < bytes.len() {
        let (text, next) = line(&bytes[at..]);
        let code = text
            .first_chunk::<3>()
            .filter(|code| code.iter().all(u8::is_ascii_digit));
        let rest = text.get(4..).unwrap_or(&[]);
        if at == 0 {
            walk.columns
                .append_info(format_args!("S: {}", Escaped(text)));
        } else if code.is_some() {
            // The lines of a reply go on without their codes; the next one has it again.
            let shown = if goes_on { rest } else { text };
            walk.columns
                .append_info(format_args!(" | {}", Escaped(shown)));
        }
        goes_on = code.is_some() && text.get(3) == Some(&b'-');
        let place = region.place(at, next);
        let added = walk
            .tree
            .add_formatted(RESPONSE, place, format_args!("{}", Escaped(text)));
        let whole = Escaped(&bytes[at..at + next]);
        walk.tree.label(added, format_args!("Response: {whole}"));
        if let Some(code) = code {
            let number = code
                .iter()
                .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            walk.tree.open();
            let place = region.place(at, 3);
            walk.tree.add(CODE, place, crate::read::Value::Uint(number));
            walk.tree.add_formatted(
                RESPONSE_PARAMETER,
                region.place(at + 4, rest.len()),
                format_args!("{}", Escaped(rest)),
            );
            walk.tree.close();
            let state = walk.memory.smtp.state(stream);
            match *state {
                State::Asked if number == 354 => *state = State::Message,
                State::Encrypting if number == 220 => {
                    *state = State::Commands;
                    walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
                }
                State::Asked | State::Encrypting => *state = State::Commands,
                State::Commands | State::Message => {}
            }
        }
        at += next;
    }
}
