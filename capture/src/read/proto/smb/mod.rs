//! SMB and SMB2 in a TCP stream, in the frames of a `NetBIOS` session (RFC 1002 section 4.3): which
//! commands a segment holds.
//!
//! - `details.rs` what the commands of SMB2 are about, `old.rs` those of the first with its
//!   `transactions.rs`; `names.rs` names of numbers

mod details;
mod names;
mod old;
mod transactions;

pub(crate) use details::Memory;

use super::brief::dcerpc;
use super::tcp::applications::{Application, Outcome, Payload, each_message};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;
use names::{command_name, old_command_name, status_name, type_name};

protocol! {
    58, "nbss", "NBSS", "NetBIOS Session Service";
    TYPE: "nbss.type", "Message Type", Uint(8), Hex, names = type_name;
    LENGTH: "nbss.length", "Length", Uint(24), Dec;
}

/// SMB2 ([MS-SMB2]).
pub(crate) mod smb2 {
    use crate::read::field::protocol;

    protocol! {
        59, "smb2", "SMB2", "SMB2 (Server Message Block Protocol version 2)";
        COMMAND: "smb2.cmd", "Command", Uint(16), Dec, names = super::command_name;
        STATUS: "smb2.nt_status", "NT Status", Uint(32), Hex;
    }
}

/// SMB ([MS-CIFS]).
pub(crate) mod smb1 {
    use crate::read::field::protocol;

    protocol! {
        60, "smb", "SMB", "SMB (Server Message Block Protocol)";
        COMMAND: "smb.cmd", "SMB Command", Uint(8), Hex, names = super::old_command_name;
    }
}

/// SMB in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[445, 139],
    recognizes: None,
    dissect,
};

const HEADER_LEN: usize = 4;
const STATUS_PENDING: u32 = 0x103;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_message = |kind: u8| kind == 0 || matches!(kind, 0x81..=0x85);
    if !region.u8(0).is_ok_and(is_message) {
        walk.columns.set_protocol("NBSS");
        walk.columns
            .set_info(format_args!("NBSS Continuation Message"));
        walk.begin(THIS, &region, region.captured().len());
        walk.end();
        return Ok(Outcome::Done);
    }
    // What the session says stands there until the message says something.
    if let Some(name) = type_name(region.u8(0)?.into()) {
        walk.columns.set_info(format_args!("{name}"));
    }
    let len_of = |region: &Region<'_>| region.u24(1).map(|len| Some(HEADER_LEN + len as usize));
    each_message(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            // The list tells of the last one.
            walk.columns.set_protocol("NBSS");
            walk.columns.clear_info();
            let mut is_first = true;
            let kind = message.u8(0)?;
            walk.begin(THIS, &message, HEADER_LEN);
            walk.u8(TYPE, &message, 0)?;
            let len = message.u24(1)?;
            walk.tree
                .add(LENGTH, message.place(1, 3), Value::Uint(len.into()));
            walk.end();
            if kind != 0 {
                let name = type_name(kind.into()).unwrap_or("Unknown");
                walk.columns.set_info(format_args!("{name}"));
                return Ok(());
            }
            let body = message.rest(HEADER_LEN);
            match body.captured().first_chunk::<4>() {
                Some([0xfe, b'S', b'M', b'B']) => new(walk, &body, payload.stream, &mut is_first),
                Some([0xfd, b'S', b'M', b'B']) => {
                    walk.columns.set_protocol("SMB2");
                    walk.columns.set_info(format_args!("Encrypted SMB3"));
                    walk.begin(smb2::THIS, &body, body.captured().len());
                    walk.end();
                    Ok(())
                }
                Some([0xff, b'S', b'M', b'B']) => old(walk, &body, payload.stream),
                _ => {
                    walk.columns
                        .set_info(format_args!("NBSS Continuation Message"));
                    Ok(())
                }
            }
        },
    )
}

/// Messages of SMB2, which can be several in one frame.
fn new(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    stream: u32,
    is_first: &mut bool,
) -> Result<(), Stop> {
    walk.columns.set_protocol("SMB2");
    let mut at = 0;
    // Each one says where the next begins, further on.
    loop {
        let message = body.rest(at);
        let (status, command) = (
            u32::from_le_bytes(message.array(8)?),
            u16::from_le_bytes(message.array(12)?),
        );
        let flags = u32::from_le_bytes(message.array(16)?);
        let next = u32::from_le_bytes(message.array(20)?) as usize;
        let is_response = flags & 1 != 0;
        let word = if is_response { "Response" } else { "Request" };
        let between = if *is_first { "" } else { ";" };
        *is_first = false;
        let name = command_name(command.into()).unwrap_or("unknown");
        match details::title(&message, command, is_response) {
            Some(title) => walk.columns.append_info(format_args!("{between}{title}")),
            None => walk
                .columns
                .append_info(format_args!("{between}{name} {word}")),
        }
        if is_response && status != 0 {
            match status_name(status) {
                Some(name) => walk.columns.append_info(format_args!(", Error: {name}")),
                None if status != STATUS_PENDING => walk
                    .columns
                    .append_info(format_args!(", Error: Unknown (0x{status:08x})")),
                None => {}
            }
        }
        walk.begin(smb2::THIS, &message, message.captured().len());
        let place = message.place(8, 4);
        if is_response {
            walk.tree
                .add(smb2::STATUS, place, Value::Uint(status.into()));
        }
        let place = message.place(12, 2);
        walk.tree
            .add(smb2::COMMAND, place, Value::Uint(command.into()));
        walk.end();
        details::tell(walk, &message, stream);
        if let Some((data, file)) = piped(&message, command, is_response) {
            dcerpc::piped(walk, &data, stream, file)?;
        }
        if next == 0 || at + next >= body.reported() {
            return Ok(());
        }
        at += next;
    }
}

fn old(walk: &mut Walk<'_, '_>, body: &Region<'_>, stream: u32) -> Result<(), Stop> {
    walk.columns.set_protocol("SMB");
    let (command, flags) = (body.u8(4)?, body.u8(9)?);
    let word = if flags & 0x80 == 0 {
        "Request"
    } else {
        "Response"
    };
    match old_command_name(command.into()) {
        Some(name) => walk.columns.append_info(format_args!("{name} {word}")),
        None => walk
            .columns
            .append_info(format_args!("Unknown (0x{command:02x}) {word}")),
    }
    walk.begin(smb1::THIS, body, body.captured().len());
    walk.u8(smb1::COMMAND, body, 4)?;
    walk.end();
    old::tell(walk, body, stream);
    let outcome = match old_piped(body, command, flags & 0x80 != 0) {
        Some((data, file)) => dcerpc::piped(walk, &data, stream, file),
        None => Ok(()),
    };
    old::tell_error(walk, body);
    outcome
}

/// What a message of SMB2 ([MS-SMB2] 2.2) writes to a pipe or reads from one, and the file where it is
/// told.
fn piped<'b>(
    message: &Region<'b>,
    command: u16,
    is_response: bool,
) -> Option<(Region<'b>, Option<u64>)> {
    const HEADER_LEN: usize = 64;
    const READ: u16 = 8;
    const WRITE: u16 = 9;
    const IOCTL: u16 = 11;
    /// `FSCTL_PIPE_TRANSCEIVE`.
    const TRANSCEIVE: u32 = 0x0011_c017;
    let short = |at: usize| message.array(HEADER_LEN + at).ok().map(u16::from_le_bytes);
    let word = |at: usize| message.array(HEADER_LEN + at).ok().map(u32::from_le_bytes);
    let file = |at: usize| {
        message
            .array(HEADER_LEN + at + 8)
            .ok()
            .map(u64::from_le_bytes)
    };
    let data = |at: u32, len: u32| {
        let (at, len) = (at as usize, len as usize);
        (at >= HEADER_LEN && at < message.reported()).then(|| message.part(at, len))
    };
    match (command, is_response) {
        (WRITE, false) => Some((data(short(2)?.into(), word(4)?)?, file(16))),
        (READ, true) => Some((data((short(2)? & 0xff).into(), word(4)?)?, None)),
        (IOCTL, false) if word(4)? == TRANSCEIVE => Some((data(word(24)?, word(28)?)?, file(8))),
        (IOCTL, true) if word(4)? == TRANSCEIVE => Some((data(word(32)?, word(36)?)?, file(8))),
        _ => None,
    }
}

/// The same of SMB1 ([MS-CIFS] 2.2.4).
fn old_piped<'b>(
    message: &Region<'b>,
    command: u8,
    is_response: bool,
) -> Option<(Region<'b>, Option<u64>)> {
    const WORDS: usize = 33;
    const TRANSACTION: u8 = 0x25;
    const READ: u8 = 0x2e;
    const WRITE: u8 = 0x2f;
    let word = |at: usize| message.array(WORDS + at * 2).ok().map(u16::from_le_bytes);
    let data = |at: u16, len: u16| {
        let (at, len) = (usize::from(at), usize::from(len));
        (at >= WORDS && len > 0 && at < message.reported()).then(|| message.part(at, len))
    };
    match (command, is_response) {
        (TRANSACTION, false) => Some((data(word(12)?, word(11)?)?, word(15).map(u64::from))),
        (TRANSACTION, true) => Some((data(word(7)?, word(6)?)?, None)),
        (WRITE, false) => Some((data(word(11)?, word(10)?)?, word(2).map(u64::from))),
        (READ, true) => Some((data(word(6)?, word(5)?)?, None)),
        _ => None,
    }
}
