//! Telnet (RFC 854): text, and the commands between it.

use super::tcp::applications::{Application, Outcome, Payload};
use super::text::Escaped;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    48, "telnet", "TELNET", "Telnet";
    DATA: "telnet.data", "Data", String;
    COMMAND: "telnet.cmd", "Command", Uint(8), Dec, names = command_name;
    SUBCOMMAND: "telnet.subcmd", "Subcommand", Uint(8), Dec;
}

/// Telnet in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[23],
    recognizes: None,
    dissect,
};

/// A byte that begins a command.
const COMMAND_BYTE: u8 = 255;
const SUBOPTION: u8 = 250;
const END: u8 = 240;

fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, _: &Payload) -> Result<Outcome, Stop> {
    walk.columns.set_protocol("TELNET");
    walk.columns.set_info(format_args!("Telnet Data ..."));
    let bytes = region.captured();
    walk.begin(THIS, &region, bytes.len());
    let mut at = 0;
    // Commands are read for the list, too: it says where one ends early.
    let is_read = walk.tree.wants_any_of(THIS.protocol) || bytes.contains(&COMMAND_BYTE);
    while is_read && at < bytes.len() {
        at += if bytes[at] == COMMAND_BYTE {
            command(walk, &region.rest(at))?
        } else {
            text(walk, &region.rest(at))
        };
    }
    walk.end();
    Ok(Outcome::Done)
}

/// Text up to the next command; gives its length.
fn text(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> usize {
    let bytes = region.captured();
    let commands = bytes.iter().position(|byte| *byte == COMMAND_BYTE);
    let all = commands.unwrap_or(bytes.len());
    let mut at = 0;
    for line in bytes[..all].split_inclusive(|byte| *byte == b'\n') {
        let place = region.place(at, line.len());
        walk.tree
            .add_formatted(DATA, place, format_args!("{}", Escaped(line)));
        at += line.len();
    }
    all
}

/// A command; gives its length.
fn command(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<usize, Stop> {
    let bytes = region.captured();
    let kind = region.u8(1)?;
    let name = command_name(kind.into()).unwrap_or("<unknown option>");
    let len = match kind {
        251..=254 => 3,
        SUBOPTION => {
            let rest = bytes.get(2..).unwrap_or(&[]);
            let end = rest.windows(2).position(|pair| pair == [COMMAND_BYTE, END]);
            end.map_or(bytes.len(), |end| 2 + end)
        }
        _ => 2,
    };
    let option = if len > 2 || kind == SUBOPTION {
        option_name(region.u8(2)?)
    } else {
        None
    };
    let place = region.place(0, len.min(bytes.len()));
    match option {
        Some(option) => walk.tree.heading(place, format_args!("{name} {option}")),
        None if len > 2 => walk
            .tree
            .heading(place, format_args!("{name} <unknown option>")),
        None => walk.tree.heading(place, format_args!("{name}")),
    };
    walk.tree.open();
    walk.u8(COMMAND, region, 1)?;
    if len > 2 {
        let added = walk.tree.add(
            SUBCOMMAND,
            region.place(2, 1),
            crate::read::Value::Uint(region.u8(2)?.into()),
        );
        let option = option.unwrap_or("<unknown option>");
        walk.tree.label(added, format_args!("Subcommand: {option}"));
    }
    walk.tree.close();
    Ok(len)
}

const fn command_name(value: u64) -> Option<&'static str> {
    Some(match value {
        236 => "End of File",
        237 => "Suspend Current Process",
        238 => "Abort Process",
        239 => "End of Record",
        240 => "Suboption End",
        241 => "No-Operation",
        242 => "Data Mark",
        243 => "Break",
        244 => "Interrupt Process",
        245 => "Abort Output",
        246 => "Are You There?",
        247 => "Escape Character",
        248 => "Erase Line",
        249 => "Go Ahead",
        250 => "Suboption",
        251 => "Will",
        252 => "Won't",
        253 => "Do",
        254 => "Don't",
        255 => "Data Byte 255",
        _ => return None,
    })
}

const fn option_name(value: u8) -> Option<&'static str> {
    Some(match value {
        0 => "Binary Transmission",
        1 => "Echo",
        2 => "Reconnection",
        3 => "Suppress Go Ahead",
        4 => "Approx Message Size Negotiation",
        5 => "Status",
        6 => "Timing Mark",
        24 => "Terminal Type",
        25 => "End of Record",
        31 => "Negotiate About Window Size",
        32 => "Terminal Speed",
        33 => "Remote Flow Control",
        34 => "Linemode",
        35 => "X Display Location",
        36 => "Environment Option",
        37 => "Authentication Option",
        38 => "Encryption Option",
        39 => "New Environment Option",
        40 => "TN3270E",
        _ => return None,
    })
}
