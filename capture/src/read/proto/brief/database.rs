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

/// What comes next in a `MySQL` stream, as Wireshark's `packet-mysql.c` follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unknown,
    Login,
    Request,
    Success,
    Message,
    Columns,
    FieldList,
    Field,
    Row,
    Statement,
    StatementParameter,
    StatementField,
    SwitchWanted,
    SwitchAnswer,
    Log,
}

/// What is remembered of a `MySQL` stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    phase: Phase,
    /// The capabilities of the client in the upper half of the word.
    capabilities: u16,
    /// How many fields are to come, and how many the statement has.
    left: u16,
    fields: u16,
}

impl Session {
    const PHASES: [Phase; 15] = [
        Phase::Unknown,
        Phase::Login,
        Phase::Request,
        Phase::Success,
        Phase::Message,
        Phase::Columns,
        Phase::FieldList,
        Phase::Field,
        Phase::Row,
        Phase::Statement,
        Phase::StatementParameter,
        Phase::StatementField,
        Phase::SwitchWanted,
        Phase::SwitchAnswer,
        Phase::Log,
    ];
    const WITHOUT_EOF: u16 = 0x0100;
    const WITH_PLUGINS: u16 = 0x0008;

    fn unpack(state: u64) -> Self {
        let phase = Self::PHASES.get((state & 0xff) as usize).copied();
        Self {
            phase: phase.unwrap_or(Phase::Unknown),
            capabilities: (state >> 16) as u16,
            left: (state >> 32) as u16,
            fields: (state >> 48) as u16,
        }
    }

    const fn pack(self) -> u64 {
        self.phase as u64
            | (self.capabilities as u64) << 16
            | (self.left as u64) << 32
            | (self.fields as u64) << 48
    }

    /// What follows a field, of which so many were to come.
    fn behind_field(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 || self.capabilities & Self::WITHOUT_EOF == 0 {
            return;
        }
        self.phase = match self.phase {
            Phase::StatementParameter if self.fields > 0 => {
                self.left = self.fields;
                Phase::StatementField
            }
            Phase::StatementParameter | Phase::StatementField => Phase::Request,
            _ => Phase::Row,
        };
    }

    /// What follows the end of fields or of rows.
    fn behind_end(&mut self) {
        self.phase = match self.phase {
            Phase::StatementParameter if self.fields > 0 => {
                self.left = self.fields;
                Phase::StatementField
            }
            Phase::Field => Phase::Row,
            _ => Phase::Request,
        };
    }

    /// A request.
    fn on_command(&mut self, command: u8) {
        self.phase = match command {
            1 | 24 => return,
            3 | 10 | 28 => Phase::Columns,
            23 if self.phase != Phase::Statement => Phase::Columns,
            23 => return,
            9 => Phase::Message,
            4 => Phase::FieldList,
            22 => Phase::Statement,
            17 if self.capabilities & Self::WITH_PLUGINS != 0 => Phase::SwitchWanted,
            2 | 5..=8 | 12..=14 | 17 | 26 | 27 => Phase::Success,
            18 | 30 => Phase::Log,
            19..=21 | 25 => Phase::Request,
            _ => Phase::Unknown,
        };
    }
}

/// A number whose first byte says how long it is; large ones are cut off.
fn fields(body: &Region<'_>) -> Result<u16, Stop> {
    Ok(match body.u8(0)? {
        0xfc..=0xfe => u16::from_le_bytes(body.array(1)?),
        0xfb | 0xff => 0,
        small => small.into(),
    })
}

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
            let mut session = Session::unpack(*walk.memory.tcp.state(payload));
            let phase = session.phase;
            let outcome = match (is_response, number) {
                (true, 0) if phase == Phase::Unknown => mysql_greeting(walk, &body, &mut session),
                (true, _) => mysql_response(walk, &body, &mut session),
                (false, 1) if phase == Phase::Login => {
                    mysql_login(walk, &body, payload, &mut session)
                }
                (false, _) => mysql_request(walk, &body, &mut session),
            };
            // A stream that is TLS's now has another state.
            if walk.memory.tcp.owner(payload).is_none() {
                *walk.memory.tcp.state(payload) = session.pack();
            }
            outcome
        },
    )
}

fn mysql_greeting(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    session: &mut Session,
) -> Result<(), Stop> {
    const ERROR: u8 = 0xff;
    /// `MariaDB` says this in front of its version.
    const DISGUISE: &str = "5.5.5-";
    let columns = &mut *walk.columns;
    columns.append_info(format_args!("Server Greeting "));
    let protocol = body.u8(0)?;
    if protocol == ERROR {
        let code = u16::from_le_bytes(body.array(1)?);
        columns.append_info(format_args!(" Error {code} "));
        session.phase = Phase::Request;
    } else {
        session.phase = Phase::Login;
        let version = ascii(body.captured().get(1..).unwrap_or(&[]));
        let version = version.strip_prefix(DISGUISE).unwrap_or(&version);
        columns.append_info(format_args!(" proto={protocol} version={version} "));
    }
    columns.fence();
    Ok(())
}

fn mysql_response(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    session: &mut Session,
) -> Result<(), Stop> {
    const MOST_OF_END: usize = 6;
    let code = body.u8(0)?;
    let columns = &mut *walk.columns;
    columns.append_info(format_args!("Response "));
    match (code, session.phase) {
        (0xff, _) => {
            let code = u16::from_le_bytes(body.array(1)?);
            columns.append_info(format_args!(" Error {code} "));
            columns.fence();
            session.phase = Phase::Request;
        }
        (0xfe, _) if body.reported() <= MOST_OF_END => session.behind_end(),
        (1..=0xfe, Phase::SwitchWanted) => {
            columns.set_info(format_args!("Auth Switch Request "));
            columns.fence();
            session.phase = Phase::SwitchAnswer;
        }
        (0, Phase::Statement) => {
            let number = |at| body.array(at).map(u16::from_le_bytes);
            let (fields, parameters) = (number(5)?, number(7)?);
            session.fields = fields;
            (session.phase, session.left) = match (parameters, fields) {
                (0, 0) => (Phase::Request, 0),
                (0, fields) => (Phase::StatementField, fields),
                (parameters, _) => (Phase::StatementParameter, parameters),
            };
        }
        (0, Phase::Row | Phase::Log) => {}
        (0 | 0xfe, _) => {
            columns.append_info(format_args!(" OK "));
            columns.fence();
            session.phase = Phase::Request;
        }
        (_, Phase::Message) => session.phase = Phase::Request,
        (_, Phase::Columns | Phase::Request) => {
            columns.append_info(format_args!("TABULAR "));
            columns.fence();
            session.left = fields(body)?;
            session.phase = if session.left > 0 {
                Phase::Field
            } else {
                Phase::Row
            };
        }
        (
            _,
            Phase::Field | Phase::FieldList | Phase::StatementParameter | Phase::StatementField,
        ) => {
            session.behind_field();
        }
        (_, Phase::Row) => {}
        _ => session.phase = Phase::Unknown,
    }
    Ok(())
}

fn mysql_request(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    session: &mut Session,
) -> Result<(), Stop> {
    let columns = &mut *walk.columns;
    if session.phase == Phase::SwitchAnswer {
        columns.append_info(format_args!("Auth Switch Response "));
        return Ok(());
    }
    let command = body.u8(0)?;
    columns.append_info(format_args!("Request"));
    match command_name(command) {
        Some(text) => columns.append_info(format_args!(" {text}")),
        None => columns.append_info(format_args!(" Unknown ({command}) ")),
    }
    session.on_command(command);
    Ok(())
}

fn mysql_login(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    payload: &Payload,
    session: &mut Session,
) -> Result<(), Stop> {
    const PROTOCOL_41: u16 = 0x0200;
    const WITH_DATABASE: u16 = 0x0008;
    const ENCRYPTED: u16 = 0x0800;
    let capabilities = u16::from_le_bytes(body.array(0)?);
    let is_new = capabilities & PROTOCOL_41 != 0;
    if is_new {
        session.capabilities = u16::from_le_bytes(body.array(2)?);
    }
    let columns = &mut *walk.columns;
    if capabilities & ENCRYPTED != 0 && body.reported() <= 32 {
        columns.append_info(format_args!("Response: SSL Handshake user= "));
        walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
        return Ok(());
    }
    if capabilities != 0 {
        session.phase = Phase::Success;
    }
    let at = if is_new { 32 } else { 5 };
    let rest = body.captured().get(at..).unwrap_or(&[]);
    let user = ascii(rest);
    columns.append_info(format_args!("Login Request user={user} "));
    let rest = rest.get(user.len() + 1..).unwrap_or(&[]);
    if !rest.is_empty() && session.capabilities & Session::WITH_PLUGINS != 0 {
        session.phase = Phase::SwitchWanted;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_fields_depends_on_the_client() {
        let mut session = Session::unpack(0);
        session.on_command(3);
        assert_eq!(session.phase, Phase::Columns);
        (session.phase, session.left) = (Phase::Field, 1);
        session.behind_field();
        assert_eq!(session.phase, Phase::Field);
        session.behind_end();
        assert_eq!(session.phase, Phase::Row);
        session.behind_end();
        assert_eq!(session.phase, Phase::Request);
        (session.phase, session.left) = (Phase::Field, 1);
        session.capabilities = Session::WITHOUT_EOF;
        session.behind_field();
        assert_eq!(session.phase, Phase::Row);
        assert_eq!(Session::unpack(session.pack()), session);
    }
}
