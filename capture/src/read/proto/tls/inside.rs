//! What is spoken inside a connection: as the server chose (ALPN, RFC 7301), or by its port.

use super::flight;
use crate::read::proto::tcp::applications::{Asking, Need, Outcome, Payload};
use crate::read::proto::{http, http2};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const HTTP: &str = "Hypertext Transfer Protocol";
const HTTP_2: &str = "HyperText Transfer Protocol 2";
/// Bytes of messages that wait for more, of one direction and of all connections.
const MOST: usize = 16 << 20;
const MOST_IN_ALL: usize = 128 << 20;

type Dissect = fn(&mut Walk<'_, '_>, Region<'_>, &Payload) -> Result<Outcome, Stop>;

/// Who takes apart what is spoken; `None` if nobody does.
fn dissector(name: &str) -> Option<Dissect> {
    match name {
        HTTP => Some(http::inside),
        HTTP_2 => Some(http2::inside),
        _ => None,
    }
}

/// Whether what is spoken is taken apart.
pub(super) fn is_known(name: &str) -> bool {
    dissector(name).is_some()
}

/// Dissects what was encrypted, together with what waits for it.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    plain: Vec<u8>,
    payload: &Payload,
) -> Result<(), Stop> {
    let flight = flight(payload);
    let Some(dissect) = name(walk, payload).and_then(dissector) else {
        return Ok(());
    };
    let Some(opened) = walk.memory.tls.opened(flight.session) else {
        return Ok(());
    };
    let had = std::mem::take(&mut opened.waiting[flight.direction]);
    let needed = std::mem::take(&mut opened.needed[flight.direction]);
    walk.memory.tls.waiting = walk.memory.tls.waiting.saturating_sub(had.len());
    let is_alone = had.is_empty();
    let bytes = if is_alone {
        plain
    } else {
        [had, plain].concat()
    };
    let fits = bytes.len() < MOST && walk.memory.tls.waiting + bytes.len() < MOST_IN_ALL;
    if bytes.len() < needed && fits {
        keep(walk, payload, bytes, needed);
        return Ok(());
    }
    let number = if is_alone {
        // What was opened last.
        walk.tree.sources().len() as u8
    } else {
        walk.tree.add_source("Reassembled TLS", bytes.clone())
    };
    let region = Region::new(number, &bytes, bytes.len() as u32);
    let mut inner = *payload;
    inner.asking = if fits {
        Asking::Possible
    } else {
        Asking::Pointless
    };
    let (told, protocol) = (walk.columns.info.len(), walk.columns.protocol.clone());
    let outcome = dissect(walk, region, &inner)?;
    let (at, need) = match outcome {
        Outcome::More { at, need } => (at.min(bytes.len()), need),
        Outcome::Done | Outcome::NotMine => return Ok(()),
    };
    if at == 0 && need != Need::UntilFin {
        // What was said of a beginning is said again when all is there.
        walk.columns.info.truncate(told);
        walk.columns.protocol = protocol;
    }
    let rest = bytes.get(at..).unwrap_or(&[]).to_vec();
    match need {
        Need::Bytes(more) => {
            let needed = rest.len().saturating_add(more as usize);
            keep(walk, payload, rest, needed);
        }
        Need::Segment | Need::Line | Need::Chunk => {
            let needed = rest.len() + 1;
            keep(walk, payload, rest, needed);
        }
        // There is no end to wait for: what is there is shown.
        Need::UntilFin => {
            inner.asking = Asking::Pointless;
            dissect(walk, region.rest(at), &inner)?;
        }
    }
    Ok(())
}

/// Keeps the beginning of a message until more of it is there.
fn keep(walk: &mut Walk<'_, '_>, payload: &Payload, bytes: Vec<u8>, needed: usize) {
    let flight = flight(payload);
    walk.columns
        .append_info(format_args!("[TLS segment of a reassembled PDU]"));
    walk.memory.tls.waiting += bytes.len();
    if let Some(opened) = walk.memory.tls.opened(flight.session) {
        opened.waiting[flight.direction] = bytes;
        opened.needed[flight.direction] = needed;
    }
}

/// The protocol of application data, by its full name.
pub(super) fn name(walk: &mut Walk<'_, '_>, payload: &Payload) -> Option<&'static str> {
    let session = walk.memory.tls.session(flight(payload).session);
    session.inside.or_else(|| {
        [
            payload.server_port,
            payload.destination_port,
            payload.source_port,
        ]
        .into_iter()
        .find_map(by_port)
    })
}

/// By what the server chose.
pub(super) fn by_choice(protocol: &[u8]) -> Option<&'static str> {
    Some(match protocol {
        b"http/1.1" | b"http/1.0" | b"http/0.9" => HTTP,
        b"h2" => HTTP_2,
        b"imap" => "Internet Message Access Protocol",
        b"pop3" => "Post Office Protocol",
        b"ftp" => "File Transfer Protocol (FTP)",
        _ if protocol.starts_with(b"h2-") => HTTP_2,
        _ if protocol.starts_with(b"spdy/") => "SPDY",
        _ => return None,
    })
}

const fn by_port(port: u16) -> Option<&'static str> {
    Some(match port {
        443 => HTTP,
        465 => "Simple Mail Transfer Protocol",
        636 => "Lightweight Directory Access Protocol",
        853 => "Domain Name System",
        990 => "File Transfer Protocol (FTP)",
        992 => "Telnet",
        993 => "Internet Message Access Protocol",
        995 => "Post Office Protocol",
        5061 => "Session Initiation Protocol",
        8883 => "MQ Telemetry Transport Protocol",
        _ => return None,
    })
}
