//! SMTP (RFC 5321), as Wireshark's `packet-smtp.c` shows it in the list: commands, responses, and how
//! much of a message there is; the message itself once it is whole.

use std::collections::BTreeMap;

use memchr::memchr2;

use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use super::text::{Escaped, line, plural};
use super::{imf, tls};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    49, "smtp", "SMTP", "Simple Mail Transfer Protocol";
    USERNAME: "smtp.auth.username", "Username", String;
    PASSWORD: "smtp.auth.password", "Password", String;
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
    Start,
    Commands,
    Message,
    /// It asked to encrypt what follows (RFC 3207).
    Encrypting,
}

/// How far the client is in telling who it is (RFC 4954).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    None,
    Asked,
    NameWanted,
    NameSent,
    PasswordWanted,
    PasswordSent,
    PlainAsked,
    PlainWanted,
    PlainSent,
    NtlmAsked,
    NtlmWanted,
    NtlmSent,
    Over,
}

/// What is remembered of a stream.
#[derive(Debug, Default)]
struct Session {
    state: State,
    login: Login,
    /// What was sent last ended with a line.
    line_ended: bool,
    /// A message was begun.
    had_message: bool,
    /// Bytes of chunks (RFC 3030) that were announced, and those that came.
    announced: u32,
    arrived: u32,
    /// The chunk is not the last one of its message.
    goes_on: bool,
}

/// What a segment of the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Command,
    /// A part of a message.
    Message,
    /// The end of one, behind so many bytes of it.
    End(usize),
}

/// A segment of the client.
struct Sent {
    kind: Kind,
    /// The last chunk of a message is in it.
    is_last_chunk: bool,
    /// What is in front of the name or password that it is.
    word: &'static str,
    /// The name follows the command that asks for it.
    has_name: bool,
}

/// The streams.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    streams: BTreeMap<u32, Session>,
}

impl Memory {
    fn session(&mut self, stream: u32) -> &mut Session {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&stream) {
            self.streams.pop_first();
        }
        self.streams.entry(stream).or_default()
    }
}

/// Whether the beginning of a line is a command: four letters, or one that is known.
fn is_command(text: &[u8]) -> bool {
    const OTHERS: [&[u8]; 4] = [b"STARTTLS", b"X-EXPS", b"X-LINK2STATE", b"XEXCH50"];
    let word = text.split(|byte| *byte == b' ').next().unwrap_or(&[]);
    word.len() == 4 && word.iter().all(u8::is_ascii_alphabetic)
        || OTHERS.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// What follows a command, if it is this one.
fn command<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(rest)
}

impl Session {
    /// Notes whether a line of a message ends it, at whose beginning `rest` is.
    fn is_end(&mut self, rest: &[u8]) -> bool {
        let is_end =
            self.line_ended && rest.starts_with(b".\r\n") || rest.starts_with(b"\r\n.\r\n");
        self.line_ended = rest.ends_with(b"\r\n");
        is_end
    }

    /// Follows what the client sends.
    fn on_request(&mut self, bytes: &[u8]) -> Sent {
        let mut sent = Sent {
            kind: Kind::Command,
            is_last_chunk: false,
            word: "",
            has_name: false,
        };
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let (text, next) = line(rest);
            if self.state != State::Message {
                self.on_line(text, &mut sent);
            } else if self.is_end(rest) {
                sent.kind = Kind::End(at);
                self.state = State::Commands;
                break;
            } else {
                sent.kind = Kind::Message;
                if self.announced > 0 {
                    self.arrived = self.arrived.wrapping_add(rest.len() as u32);
                    if self.arrived == self.announced {
                        self.state = State::Commands;
                        sent.is_last_chunk |= !self.goes_on;
                    }
                    break;
                }
            }
            at += next;
        }
        sent
    }

    /// A line that is no message, unless what came before it was not captured.
    fn on_line(&mut self, text: &[u8], sent: &mut Sent) {
        if is_command(text) {
            sent.kind = Kind::Command;
            self.on_command(text, sent);
            return;
        }
        match self.login {
            Login::NameWanted => (self.login, sent.word) = (Login::NameSent, "User: "),
            Login::PasswordWanted => (self.login, sent.word) = (Login::PasswordSent, "Pass: "),
            Login::PlainWanted => self.login = Login::PlainSent,
            Login::NtlmWanted => self.login = Login::NtlmSent,
            _ if self.had_message || self.state == State::Start => sent.kind = Kind::Message,
            _ => sent.kind = Kind::Command,
        }
    }

    fn on_command(&mut self, text: &[u8], sent: &mut Sent) {
        const WITH_PARAMETER: usize = 11;
        let is_long = text.len() > WITH_PARAMETER;
        if command(text, b"DATA").is_some() {
            self.state = State::Message;
            self.had_message = true;
        } else if let Some(rest) = command(text, b"BDAT") {
            let digits = rest.trim_ascii_start();
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit());
            let digits = &digits[..count.count()];
            let len = digits.iter().fold(0u64, |len, digit| {
                len.saturating_mul(10)
                    .saturating_add(u64::from(digit - b'0'))
            }) as u32;
            self.had_message = true;
            self.announced = self.announced.wrapping_add(len);
            self.state = if len == 0 {
                State::Commands
            } else {
                State::Message
            };
            let end = &text[text.len().saturating_sub(4)..];
            self.goes_on = !end.eq_ignore_ascii_case(b"LAST");
            sent.is_last_chunk |= !self.goes_on && len == 0;
        } else if command(text, b"AUTH LOGIN").is_some() {
            self.state = State::Commands;
            self.login = if is_long {
                Login::NameSent
            } else {
                Login::Asked
            };
            sent.has_name = is_long;
        } else if command(text, b"AUTH PLAIN").is_some() {
            self.state = State::Commands;
            self.login = if is_long {
                Login::PlainSent
            } else {
                Login::PlainAsked
            };
        } else if command(text, b"AUTH NTLM").is_some_and(|rest| rest.len() > 1) {
            self.state = State::Commands;
            self.login = Login::NtlmAsked;
        } else if command(text, b"STARTTLS").is_some() {
            self.state = State::Encrypting;
        }
    }

    /// A code of the server; whether TLS follows.
    fn on_code(&mut self, code: u64) -> bool {
        let encrypts = self.state == State::Encrypting;
        if encrypts {
            self.state = State::Commands;
        }
        const GO_ON: u64 = 334;
        self.login = match self.login {
            Login::Asked if code == GO_ON => Login::NameWanted,
            Login::NameSent if code == GO_ON => Login::PasswordWanted,
            Login::PlainAsked if code == GO_ON => Login::PlainWanted,
            Login::NtlmAsked if code == GO_ON => Login::NtlmWanted,
            Login::PasswordSent | Login::PlainSent | Login::NtlmSent if code != GO_ON => {
                Login::Over
            }
            other => other,
        };
        encrypts && code == 220
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
    if !has_line(bytes) && payload.asking == Asking::Possible {
        let need = Need::Line;
        return Ok(Outcome::More { at: 0, need });
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

/// Whether the first line is whole. Of a carriage return at the very end nobody knows yet what it is.
fn has_line(bytes: &[u8]) -> bool {
    let end = memchr2(b'\r', b'\n', bytes);
    end.is_some_and(|end| bytes[end] == b'\n' || end + 1 < bytes.len())
}

fn requests(walk: &mut Walk<'_, '_>, region: &Region<'_>, stream: u32) {
    const TITLE: &str = "Reassembled SMTP";
    let bytes = region.captured();
    let sent = walk.memory.smtp.session(stream).on_request(bytes);
    match sent.kind {
        Kind::Message => {
            let len = region.reported();
            let s = plural(len);
            walk.columns
                .append_info(format_args!("C: DATA fragment, {len} byte{s}"));
            walk.memory.mails.add(stream, bytes);
            if sent.is_last_chunk {
                // Wireshark puts it together, and then takes the frame for one that has only a part.
                walk.memory.mails.take(stream);
            }
        }
        Kind::End(len) => {
            walk.columns.append_info(format_args!("C: ."));
            walk.memory.mails.add(stream, &bytes[..len]);
            imf::finish(walk, stream, TITLE);
        }
        Kind::Command => {
            commands(walk, region, &sent);
            if sent.is_last_chunk {
                imf::finish(walk, stream, TITLE);
            }
        }
    }
}

fn commands(walk: &mut Walk<'_, '_>, region: &Region<'_>, sent: &Sent) {
    const BEFORE_NAME: usize = 11;
    let bytes = region.captured();
    let mut at = 0;
    while at < bytes.len() {
        let (text, next) = line(&bytes[at..]);
        let between = if at == 0 { "C: " } else { " | " };
        let shown = Escaped(text);
        match text.split_at_checked(BEFORE_NAME) {
            Some((command, name)) if sent.has_name => {
                let (command, name) = (Escaped(command), Escaped(name));
                walk.columns
                    .append_info(format_args!("{between}{command}User: {name}"));
            }
            _ => {
                let word = sent.word;
                walk.columns
                    .append_info(format_args!("{between}{word}{shown}"));
            }
        }
        let login = match sent.word {
            "User: " => Some(USERNAME),
            "Pass: " => Some(PASSWORD),
            _ => None,
        };
        if let Some(field) = login {
            let place = region.place(at, text.len());
            walk.tree
                .add_formatted(field, place, format_args!("{shown}"));
            at += next;
            continue;
        }
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
        if let Some(name) = text.get(BEFORE_NAME..).filter(|_| sent.has_name) {
            let place = region.place(at + BEFORE_NAME, name.len());
            walk.tree
                .add_formatted(USERNAME, place, format_args!("{}", Escaped(name)));
        }
        walk.tree.close();
        at += next;
    }
}

/// Where a reply of several lines is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    One,
    First,
    More,
    Last,
}

fn responses(walk: &mut Walk<'_, '_>, region: &Region<'_>, payload: &Payload) {
    let stream = payload.stream;
    let bytes = region.captured();
    let mut lines = Lines::One;
    let mut at = 0;
    while at < bytes.len() {
        let (text, next) = line(&bytes[at..]);
        let session = walk.memory.smtp.session(stream);
        if session.state == State::Message {
            session.is_end(&bytes[at..]);
        }
        let between = if at == 0 { "S: " } else { " | " };
        walk.columns.append_info(format_args!("{between}"));
        let code = text
            .first_chunk::<3>()
            .filter(|code| code.iter().all(u8::is_ascii_digit));
        let rest = text.get(4..).unwrap_or(&[]);
        if code.is_some() {
            lines = match (lines, text.get(3)) {
                (Lines::One, Some(b'-')) => Lines::First,
                (_, Some(b'-')) => Lines::More,
                (Lines::First | Lines::More, _) => Lines::Last,
                (lines, _) => lines,
            };
            let goes_on = matches!(lines, Lines::More | Lines::Last) && text.len() >= 4;
            let shown = if goes_on { rest } else { text };
            walk.columns.append_info(format_args!("{}", Escaped(shown)));
        }
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
            if walk.memory.smtp.session(stream).on_code(number) {
                walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
            }
        }
        if lines == Lines::Last {
            lines = Lines::One;
        }
        at += next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_a_point_on_its_own_line() {
        let mut session = Session::default();
        assert_eq!(session.on_request(b"DATA\r\n").kind, Kind::Command);
        assert_eq!(session.on_request(b"From: a\r\n").kind, Kind::Message);
        assert_eq!(session.on_request(b"b\r\n.\r\n").kind, Kind::End(3));
        assert_eq!(session.on_request(b"QUIT\r\n").kind, Kind::Command);
    }

    // RFC 3030 section 4.2.
    #[test]
    fn a_chunk_has_the_bytes_that_were_announced() {
        let mut session = Session::default();
        assert!(!session.on_request(b"BDAT 4\r\n").is_last_chunk);
        let first = session.on_request(b"ab\r\n");
        assert_eq!((first.kind, first.is_last_chunk), (Kind::Message, false));
        session.on_request(b"BDAT 3 LAST\r\n");
        let last = session.on_request(b"c\r\n");
        assert_eq!((last.kind, last.is_last_chunk), (Kind::Message, true));
        assert_eq!(session.state, State::Commands);
        assert!(session.on_request(b"BDAT 0 LAST\r\n").is_last_chunk);
    }

    // RFC 4954 section 4.
    #[test]
    fn what_answers_a_challenge_is_a_name_and_then_a_password() {
        let mut session = Session::default();
        session.on_request(b"AUTH LOGIN\r\n");
        session.on_code(334);
        assert_eq!(session.on_request(b"Zm9v\r\n").word, "User: ");
        session.on_code(334);
        assert_eq!(session.on_request(b"YmFyYmF6\r\n").word, "Pass: ");
        session.on_code(235);
        assert_eq!(session.login, Login::Over);
    }
}
