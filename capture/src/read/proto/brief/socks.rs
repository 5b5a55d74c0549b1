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

/// What comes next in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The first message.
    Greeting,
    /// Which method the server takes.
    Method,
    /// A name and a password.
    Password,
    /// Whether they are right.
    Verdict,
    /// The request of version 5.
    Request,
    /// The answer to a request.
    Answer,
    /// The first of what the connection is for.
    Data,
    /// More of it.
    MoreData,
}

/// What is remembered of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    next: Next,
    /// 0 as long as nothing was said.
    version: u8,
    command: u8,
    /// The port that was asked for.
    port: u16,
}

impl Session {
    const STEPS: [Next; 8] = [
        Next::Greeting,
        Next::Method,
        Next::Password,
        Next::Verdict,
        Next::Request,
        Next::Answer,
        Next::Data,
        Next::MoreData,
    ];

    fn unpack(state: u64) -> Self {
        let [_, _, _, high, low, command, version, step] = state.to_be_bytes();
        let next = Self::STEPS.get(usize::from(step)).copied();
        Self {
            next: next.unwrap_or(Next::Greeting),
            version,
            command,
            port: u16::from_be_bytes([high, low]),
        }
    }

    const fn pack(self) -> u64 {
        (self.port as u64) << 24
            | (self.command as u64) << 16
            | (self.version as u64) << 8
            | self.next as u64
    }

    /// Follows a message, and says what it is; `None` if it is not the one that comes next.
    fn on_message(&mut self, bytes: &[u8], is_client: bool) -> Option<&'static str> {
        let (next, text) = match (self.next, self.version, bytes) {
            (Next::Greeting, 4, &[_, command, high, low, ..]) if is_client => {
                self.command = command;
                self.port = u16::from_be_bytes([high, low]);
                (Next::Answer, " Connect to server request")
            }
            (Next::Greeting, 5, [_, methods @ ..]) if is_client => {
                let next = match methods {
                    [0] | [0, ..] | [1, 0, ..] => Next::Request,
                    _ => Next::Method,
                };
                (next, " Connect to server request")
            }
            // Without a password, the client's request is expected whatever the server says.
            (Next::Method | Next::Request, 5, &[_, method]) if !is_client => {
                let next = match method {
                    BY_PASSWORD => Next::Password,
                    _ => Next::Request,
                };
                (next, " Connect to server response")
            }
            (Next::Password, ..) if is_client => (Next::Verdict, " User authentication request"),
            (Next::Verdict, ..) if !is_client => (Next::Request, " User authentication reply"),
            (Next::Request, _, [_, command, _, _, .., high, low]) if is_client => {
                self.command = *command;
                self.port = u16::from_be_bytes([*high, *low]);
                (Next::Answer, " Command Request - ")
            }
            (Next::Answer, 4, _) if !is_client => (Next::Data, " Connect Response"),
            (Next::Answer, ..) if !is_client => (Next::Data, " Command Response - "),
            _ => return None,
        };
        self.next = next;
        Some(text)
    }
}

const PING: u8 = 0x80;
const TRACEROUTE: u8 = 0x81;

const fn command_name(command: u8) -> &'static str {
    match command {
        1 => "Connect",
        2 => "Bind",
        3 => "UdpAssociate",
        PING => "Ping",
        TRACEROUTE => "Traceroute",
        _ => "Unknown",
    }
}

/// The method that asks for a name and a password.
const BY_PASSWORD: u8 = 2;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let mut session = Session::unpack(*walk.memory.tcp.state(payload));
    let bytes = region.captured();
    let is_client = payload.destination_port == PORT;
    if session.version == 0 {
        session.version = bytes.first().copied().unwrap_or(0);
    }
    if session.next == Next::Data && !matches!(session.command, PING | TRACEROUTE) {
        // Wireshark makes a conversation with the port that was asked for, which nobody sees.
        walk.memory.tcp.skip_number();
        session.next = Next::MoreData;
        *walk.memory.tcp.state(payload) = session.pack();
    }
    if matches!(session.next, Next::Data | Next::MoreData) {
        walk.begin(names::socks::THIS, &region, 0);
        walk.end();
        says_version(walk, session.version);
        if let Some(application) = of_port(session.port).filter(|_| session.port != PORT) {
            let outcome = (application.dissect)(walk, region, payload)?;
            if outcome != Outcome::NotMine {
                return Ok(outcome);
            }
        }
        data::dissect(walk, region)?;
        return Ok(Outcome::Done);
    }
    name(walk, names::socks::THIS, &region);
    says_version(walk, session.version);
    let text = session.on_message(bytes, is_client);
    *walk.memory.tcp.state(payload) = session.pack();
    let columns = &mut *walk.columns;
    match text {
        Some(text) if text.ends_with("- ") => {
            let command = command_name(session.command);
            columns.append_info(format_args!("{text}{command}"));
        }
        Some(text) => columns.append_info(format_args!("{text}")),
        None if session.port != 0 && session.version == 5 => {
            columns.append_info(format_args!(", Remote Port: {}", session.port));
        }
        None => {}
    }
    Ok(Outcome::Done)
}

fn says_version(walk: &mut Walk<'_, '_>, version: u8) {
    walk.columns.set_protocol("Socks");
    match version {
        4 | 5 => walk.columns.set_info(format_args!("Version: {version}")),
        _ => walk.columns.set_info(format_args!("Unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 1928 sections 3 to 6.
    #[test]
    fn a_connection_is_asked_for_and_granted() {
        let mut session = Session::unpack(5 << 8);
        let mut says = |bytes: &[u8], is_client| session.on_message(bytes, is_client);
        assert_eq!(says(&[5, 1, 0], true), Some(" Connect to server request"));
        assert_eq!(says(&[5, 0], false), Some(" Connect to server response"));
        let request = [5, 1, 0, 1, 192, 0, 2, 1, 0x01, 0xbb];
        assert_eq!(says(&request, true), Some(" Command Request - "));
        assert_eq!(says(&[5, 0, 0, 1], false), Some(" Command Response - "));
        assert_eq!((session.next, session.port), (Next::Data, 443));
        assert_eq!(Session::unpack(session.pack()), session);
    }
}
