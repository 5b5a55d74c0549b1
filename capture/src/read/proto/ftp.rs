//! FTP's control connection (RFC 959), as Wireshark's `packet-ftp.c` shows it: line by line, nothing put
//! together.

use super::brief::transfer;
use super::tcp::applications::{Application, Outcome, Payload};
use super::text::{Escaped, line};
use super::tls;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

protocol! {
    45, "ftp", "FTP", "File Transfer Protocol (FTP)";
    REQUEST: "ftp.request", "Request", Bool;
    RESPONSE: "ftp.response", "Response", Bool;
    COMMAND: "ftp.request.command", "Request command", String;
    COMMAND_ARG: "ftp.request.arg", "Request arg", String;
    CODE: "ftp.response.code", "Response code", Uint(32), Dec, names = code_name;
    RESPONSE_ARG: "ftp.response.arg", "Response arg", String;
}

const PORT: u16 = 21;

/// FTP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_request = payload.destination_port == PORT;
    let bytes = region.captured();
    let (first, _) = line(bytes);
    transfer::note(walk, bytes, payload, is_request);
    encryption(walk, first, payload, is_request);
    walk.columns.set_protocol("FTP");
    let word = if is_request { "Request" } else { "Response" };
    walk.columns
        .set_info(format_args!("{word}: {}", Escaped(first)));
    walk.begin(THIS, &region, bytes.len());
    if walk.tree.wants_any_of(THIS.protocol) {
        let field = if is_request { REQUEST } else { RESPONSE };
        walk.tree
            .add_hidden(field, Place::default(), Value::Bool(true));
        if is_request {
            let (_, next) = line(bytes);
            show_line(walk, &region, 0, next);
            walk.tree.open();
            let end = first.iter().position(|byte| *byte == b' ');
            let (command, arg) = first.split_at(end.unwrap_or(first.len()));
            text(walk, &region, COMMAND, 0, command);
            if arg.len() > 1 {
                text(walk, &region, COMMAND_ARG, command.len() + 1, &arg[1..]);
            }
            walk.tree.close();
        } else {
            responses(walk, &region);
        }
    }
    walk.end();
    Ok(Outcome::Done)
}

/// Remembers that the client asked for TLS (RFC 4217); with the server's consent, the stream is TLS's.
fn encryption(walk: &mut Walk<'_, '_>, first: &[u8], payload: &Payload, is_request: bool) {
    const ASKED: u64 = 1;
    let state = walk.memory.tcp.state(payload);
    if is_request {
        let words = first.get(..8).unwrap_or(first).to_ascii_uppercase();
        *state = u64::from(matches!(&words[..], b"AUTH TLS" | b"AUTH SSL"));
    } else if *state == ASKED && first.starts_with(b"234") {
        *state = 0;
        walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
    }
}

/// Lines of responses: those without a code belong to the one before.
fn responses(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    let bytes = region.captured();
    let mut at = 0;
    let mut goes_on = false;
    while at < bytes.len() {
        let (text_of, next) = line(&bytes[at..]);
        show_line(walk, region, at, next);
        let code = text_of
            .first_chunk::<3>()
            .filter(|code| code.iter().all(u8::is_ascii_digit));
        walk.tree.open();
        if let Some(code) = code {
            let number = code
                .iter()
                .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            let place = region.place(at, 3);
            walk.tree.add(CODE, place, Value::Uint(number));
            goes_on = text_of.get(3) == Some(&b'-');
            if text_of.len() > 4 {
                text(walk, region, RESPONSE_ARG, at + 4, &text_of[4..]);
            }
        } else if at == 0 && !goes_on {
            text(walk, region, RESPONSE_ARG, at, text_of);
        }
        walk.tree.close();
        at += next;
    }
}

fn show_line(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize, len: usize) {
    let whole = region.captured().get(at..at + len).unwrap_or(&[]);
    walk.tree
        .heading(region.place(at, len), format_args!("{}", Escaped(whole)));
}

fn text(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: crate::read::FieldId,
    at: usize,
    text: &[u8],
) {
    let place = region.place(at, text.len());
    walk.tree
        .add_formatted(field, place, format_args!("{}", Escaped(text)));
}

/// What a code means, in Wireshark's words.
const fn code_name(value: u64) -> Option<&'static str> {
    Some(match value {
        110 => "Restart marker reply",
        120 => "Service ready in nnn minutes",
        125 => "Data connection already open; transfer starting",
        150 => "File status okay; about to open data connection",
        200 => "Command okay",
        202 => "Command not implemented, superfluous at this site",
        211 => "System status, or system help reply",
        212 => "Directory status",
        213 => "File status",
        214 => "Help message",
        215 => "NAME system type",
        220 => "Service ready for new user",
        221 => "Service closing control connection",
        225 => "Data connection open; no transfer in progress",
        226 => "Closing data connection",
        227 => "Entering Passive Mode",
        229 => "Entering Extended Passive Mode",
        230 => "User logged in, proceed",
        232 => "User logged in, authorized by security data exchange",
        234 => "Security data exchange complete",
        235 => "Security data exchange completed successfully",
        250 => "Requested file action okay, completed",
        257 => "PATHNAME created",
        331 => "User name okay, need password",
        332 => "Need account for login",
        334 => "Requested security mechanism is ok",
        335 => "Security data is acceptable, more is required",
        336 => "Username okay, need password. Challenge is ...",
        350 => "Requested file action pending further information",
        421 => "Service not available, closing control connection",
        425 => "Can't open data connection",
        426 => "Connection closed; transfer aborted",
        431 => "Need some unavailable resource to process security",
        450 => "Requested file action not taken",
        451 => "Requested action aborted: local error in processing",
        452 => "Requested action not taken. Insufficient storage space in system",
        500 => "Syntax error, command unrecognized",
        501 => "Syntax error in parameters or arguments",
        502 => "Command not implemented",
        503 => "Bad sequence of commands",
        504 => "Command not implemented for that parameter",
        522 => "Network protocol not supported",
        530 => "Not logged in",
        532 => "Need account for storing files",
        533 => "Command protection level denied for policy reasons",
        534 => "Request denied for policy reasons",
        535 => "Failed security check (hash, sequence, etc)",
        536 => "Requested PROT level not supported by mechanism",
        537 => "Command protection level not supported by security mechanism",
        550 => "Requested action not taken: File unavailable",
        551 => "Requested action aborted: page type unknown",
        552 => "Requested file action aborted: Exceeded storage allocation",
        553 => "Requested action not taken: File name not allowed",
        631 => "Integrity protected reply",
        632 => "Confidentiality and integrity protected reply",
        633 => "Confidentiality protected reply",
        _ => return None,
    })
}
