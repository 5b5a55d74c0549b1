//! Databases: `PostgreSQL`'s frontend and backend protocol, and `MySQL`'s.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::proto::text::{Escaped, ascii};
use crate::read::proto::tls;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const PGSQL_PORT: u16 = 5432;
const MYSQL_PORT: u16 = 3306;

/// `PostgreSQL` in a TCP stream.
pub(crate) static PGSQL: Application = Application {
    ports: &[PGSQL_PORT],
    recognizes: None,
    dissect: pgsql,
};

/// `MySQL` in a TCP stream.
pub(crate) static MYSQL: Application = Application {
    ports: &[MYSQL_PORT],
    recognizes: None,
    dissect: mysql,
};

/// A request to encrypt what follows; the answer is one byte.
const ENCRYPTION_REQUEST: u32 = 80_877_103;

fn pgsql(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    const HEADER_LEN: usize = 5;
    name(walk, names::pgsql::THIS, &region);
    let is_frontend = payload.destination_port == PGSQL_PORT;
    let arrow = if is_frontend { ">" } else { "<" };
    walk.columns.set_info(format_args!("{arrow}"));
    if std::mem::take(walk.memory.tcp.state(payload)) != 0 {
        if region.captured().first() == Some(&b'S') {
            walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
        }
        return Ok(Outcome::Done);
    }
    let mut is_first = true;
    let len_of = |region: &Region<'_>| {
        // The first messages of a frontend have no kind: their lengths begin with a zero.
        let kind = region.u8(0)?;
        let at = usize::from(kind != 0);
        let len = (region.u32(at)? as usize).saturating_add(at);
        // What cannot be a length takes the rest.
        Ok(Some(if len < HEADER_LEN {
            region.reported()
        } else {
            len
        }))
    };
    each_pdu(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            let kind = message.u8(0)?;
            if is_frontend && kind == 0 && message.u32(4) == Ok(ENCRYPTION_REQUEST) {
                *walk.memory.tcp.state(payload) = 1;
            }
            let between = if is_first { "" } else { "/" };
            is_first = false;
            walk.columns.append_info(format_args!("{between}"));
            // A kind of zero ends the text.
            if kind != 0 {
                walk.columns
                    .append_info(format_args!("{}", Escaped(&[kind])));
            }
            Ok(())
        },
    )
}

/// What is remembered of a `MySQL` stream: that its greeting was seen, and its login.
const GREETED: u64 = 1;
const LOGGED_IN: u64 = 2;

fn mysql(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    const HEADER_LEN: usize = 4;
    let is_response = payload.destination_port != MYSQL_PORT;
    let len_of = |region: &Region<'_>| {
        let [a, b, c] = region.array(0)?;
        Ok(Some(HEADER_LEN + u32::from_le_bytes([a, b, c, 0]) as usize))
    };
    each_pdu(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            name(walk, names::mysql::THIS, &message);
            let number = message.u8(3)?;
            let body = message.rest(HEADER_LEN);
            let state = *walk.memory.tcp.state(payload);
            if !is_response {
                return mysql_request(walk, &body, payload, number);
            }
            if number == 0 && state == 0 {
                *walk.memory.tcp.state(payload) = GREETED;
                return mysql_greeting(walk, &body);
            }
            mysql_response(walk, &body)
        },
    )
}

fn mysql_greeting(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    const ERROR: u8 = 0xff;
    let columns = &mut *walk.columns;
    columns.append_info(format_args!("Server Greeting "));
    let protocol = body.u8(0)?;
    if protocol == ERROR {
        let code = u16::from_le_bytes(body.array(1)?);
        columns.append_info(format_args!(" Error {code} "));
    } else {
        let version = ascii(body.captured().get(1..).unwrap_or(&[]));
        columns.append_info(format_args!(" proto={protocol} version={version} "));
    }
    columns.fence();
    Ok(())
}

fn mysql_response(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    let kind = body.u8(0)?;
    let columns = &mut *walk.columns;
    columns.append_info(format_args!("Response "));
    match kind {
        0xff => {
            let code = u16::from_le_bytes(body.array(1)?);
            columns.append_info(format_args!(" Error {code} "));
            columns.fence();
        }
        0 => {
            columns.append_info(format_args!(" OK "));
            columns.fence();
        }
        1..=0xfa => {
            columns.append_info(format_args!("TABULAR "));
            columns.fence();
        }
        _ => {}
    }
    Ok(())
}

fn mysql_request(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    payload: &Payload,
    number: u8,
) -> Result<(), Stop> {
    let state = *walk.memory.tcp.state(payload);
    if state & LOGGED_IN == 0 && number == 1 {
        *walk.memory.tcp.state(payload) = GREETED | LOGGED_IN;
        return mysql_login(walk, body, payload);
    }
    let columns = &mut *walk.columns;
    let command = body.u8(0)?;
    columns.append_info(format_args!("Request"));
    match command_name(command) {
        Some(text) => columns.append_info(format_args!(" {text}")),
        None => columns.append_info(format_args!(" Unknown ({command}) ")),
    }
    Ok(())
}

fn mysql_login(walk: &mut Walk<'_, '_>, body: &Region<'_>, payload: &Payload) -> Result<(), Stop> {
    const PROTOCOL_41: u16 = 0x0200;
    const WITH_DATABASE: u16 = 0x0008;
    const ENCRYPTED: u16 = 0x0800;
    let capabilities = u16::from_le_bytes(body.array(0)?);
    let columns = &mut *walk.columns;
    if capabilities & ENCRYPTED != 0 && body.reported() <= 32 {
        columns.append_info(format_args!("Response: SSL Handshake"));
        walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
        return Ok(());
    }
    let at = if capabilities & PROTOCOL_41 == 0 {
        5
    } else {
        32
    };
    let rest = body.captured().get(at..).unwrap_or(&[]);
    let user = ascii(rest);
    columns.append_info(format_args!("Login Request user={user} "));
    let rest = rest.get(user.len() + 1..).unwrap_or(&[]);
    let secret = rest.first().copied().map_or(0, usize::from);
    let rest = rest.get(1 + secret..).unwrap_or(&[]);
    if capabilities & WITH_DATABASE != 0 && !rest.is_empty() {
        columns.append_info(format_args!("db={} ", ascii(rest)));
    }
    columns.fence();
    Ok(())
}

const fn command_name(command: u8) -> Option<&'static str> {
    Some(match command {
        0 => "SLEEP",
        1 => "Quit",
        2 => "Use Database",
        3 => "Query",
        4 => "Show Fields",
        5 => "Create Database",
        6 => "Drop Database",
        7 => "Refresh",
        8 => "Shutdown",
        9 => "Statistics",
        10 => "Process List",
        11 => "Connect",
        12 => "Kill Server Thread",
        13 => "Dump Debuginfo",
        14 => "Ping",
        15 => "Time",
        16 => "Insert Delayed",
        17 => "Change User",
        18 => "Send Binlog",
        19 => "Send Table",
        20 => "Slave Connect",
        21 => "Register Slave",
        22 => "Prepare Statement",
        23 => "Execute Statement",
        24 => "Send BLOB",
        25 => "Close Statement",
        26 => "Reset Statement",
        27 => "Set Option",
        28 => "Fetch Data",
        _ => return None,
    })
}
