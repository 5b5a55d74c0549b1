//! SOCKS 4 and 5 (RFC 1928, RFC 1929): a request for a connection, and then what goes through it, which
//! belongs to the port that was asked for.

use super::{name, names};
use crate::read::proto::data;
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, of_port};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const PORT: u16 = 1080;

/// SOCKS in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

/// What is remembered of a stream: the command and the version, the port that was asked for, and what
/// comes next, from the top.
mod next {
    /// The first message.
    pub(super) const GREETING: u64 = 0;
    /// Which method the server takes.
    pub(super) const METHOD: u64 = 1;
    /// A name and a password.
    pub(super) const PASSWORD: u64 = 2;
    /// Whether they are right.
    pub(super) const VERDICT: u64 = 3;
    /// The request of version 5.
    pub(super) const REQUEST: u64 = 4;
    /// The answer to a request.
    pub(super) const ANSWER: u64 = 5;
    /// What the connection is for.
    pub(super) const DATA: u64 = 6;
}

/// The method that asks for a name and a password.
const BY_PASSWORD: u8 = 2;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let state = *walk.memory.tcp.state(payload);
    let (port, step) = ((state >> 16) as u16, state & 0xffff);
    let (before, version, command) = (step, (state >> 32) as u8, (state >> 40) as u8);
    let bytes = region.captured();
    let is_client = payload.destination_port == PORT;
    if step == next::DATA {
        walk.begin(names::socks::THIS, &region, 0);
        walk.end();
        if let Some(application) = of_port(port).filter(|_| port != PORT) {
            let outcome = (application.dissect)(walk, region, payload)?;
            if outcome != Outcome::NotMine {
                return Ok(outcome);
            }
        }
        walk.columns.set_protocol("Socks");
        data::dissect(walk, region)?;
        return Ok(Outcome::Done);
    }
    let (port, step) = match (step, bytes) {
        (next::GREETING, &[4, _, high, low, ..]) if is_client => {
            (u16::from_be_bytes([high, low]), next::ANSWER)
        }
        (next::GREETING, [5, ..]) if is_client => (0, next::METHOD),
        (next::METHOD, &[5, method]) if !is_client => match method {
            BY_PASSWORD => (0, next::PASSWORD),
            _ => (0, next::REQUEST),
        },
        (next::PASSWORD, _) if is_client => (0, next::VERDICT),
        (next::VERDICT, _) if !is_client => (0, next::REQUEST),
        (next::REQUEST, [5, _, _, _, .., high, low]) if is_client => {
            (u16::from_be_bytes([*high, *low]), next::ANSWER)
        }
        (next::ANSWER, _) if !is_client => (port, next::DATA),
        (step, _) => (port, step),
    };
    let (version, command) = match (before, bytes) {
        (next::GREETING, [version @ (4 | 5), command, ..]) if is_client => {
            (*version, if *version == 4 { *command } else { 0 })
        }
        (next::REQUEST, [_, command, ..]) if is_client => (version, *command),
        _ => (version, command),
    };
    let context = u64::from(version) << 32 | u64::from(command) << 40;
    *walk.memory.tcp.state(payload) = context | u64::from(port) << 16 | step;
    name(walk, names::socks::THIS, &region);
    let what = command_name(command);
    let columns = &mut *walk.columns;
    match version {
        4 | 5 => columns.set_info(format_args!("Version: {version}")),
        _ => {
            columns.set_info(format_args!("Unknown"));
            return Ok(Outcome::Done);
        }
    }
    match (before, version) {
        (next::GREETING, _) => columns.append_info(format_args!(" Connect to server request")),
        (next::METHOD, _) => columns.append_info(format_args!(" Connect to server response")),
        (next::PASSWORD, _) => columns.append_info(format_args!(" User authentication request")),
        (next::VERDICT, _) => columns.append_info(format_args!(" User authentication reply")),
        (next::REQUEST, _) => columns.append_info(format_args!(" Command Request - {what}")),
        (next::ANSWER, 4) => columns.append_info(format_args!(" Connect Response")),
        _ => columns.append_info(format_args!(" Command Response - {what}")),
    }
    Ok(Outcome::Done)
}

const fn command_name(command: u8) -> &'static str {
    match command {
        1 => "Connect",
        2 => "Bind",
        3 => "UdpAssociate",
        0x80 => "Ping",
        0x81 => "Traceroute",
        _ => "Unknown",
    }
}
