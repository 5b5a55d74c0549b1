//! FTP's data connections (RFC 959 section 3.2): the control connection says where they will be.

use std::collections::BTreeMap;

use super::{memory, name, names};
use crate::read::column::Address;
use crate::read::proto::data;
use crate::read::proto::tcp::applications::{Application, Outcome, Payload};
use crate::read::proto::text::{Escaped, ascii, line};
use crate::read::region::{Region, Stop};
use crate::read::walk::{Carrier, Walk};

const DATA_PORT: u16 = 20;

/// FTP's data connections from its own port.
pub(crate) static APPLICATION: Application = Application {
    ports: &[DATA_PORT],
    recognizes: None,
    dissect,
};

/// An address and a port.
type End = ([u8; 16], u16);

/// A connection that was announced.
#[derive(Debug)]
struct Announced {
    method: &'static str,
    /// The server opens it, from its own port.
    is_active: bool,
    /// Somebody has opened it.
    is_begun: bool,
    /// What it was opened for.
    command: Option<String>,
}

/// All that were announced, by the end that waits for the other one.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    announced: BTreeMap<End, Announced>,
    /// The last one of a control connection that was not asked for anything yet.
    waiting: BTreeMap<u32, End>,
}

impl Memory {
    fn announce(&mut self, stream: u32, end: End, method: &'static str) {
        memory::make_room(&mut self.announced);
        memory::make_room(&mut self.waiting);
        let announced = Announced {
            method,
            is_active: matches!(method, "PORT" | "EPRT"),
            is_begun: false,
            command: None,
        };
        self.announced.insert(end, announced);
        self.waiting.insert(stream, end);
    }

    /// A request on a control connection.
    fn request(&mut self, stream: u32, text: &[u8]) {
        if let Some(end) = self.waiting.remove(&stream)
            && let Some(announced) = self.announced.get_mut(&end)
        {
            announced.command = Some(ascii(text));
        }
    }
}

/// Looks at what a control connection says.
pub(crate) fn note(walk: &mut Walk<'_, '_>, bytes: &[u8], payload: &Payload, is_request: bool) {
    let (text, _) = line(bytes);
    let carrier = walk.carrier;
    let memory = &mut walk.memory.brief.announced;
    let stream = payload.stream;
    if !is_request {
        if let Some(rest) = text.strip_prefix(b"227 ") {
            if let Some((address, port)) = numbers(rest) {
                memory.announce(stream, (Address::Ipv4(address).wide(), port), "PASV");
            }
        } else if let Some(rest) = text.strip_prefix(b"229 ")
            && let Some(port) = extended(rest)
        {
            memory.announce(stream, (carrier.source.wide(), port), "EPASV");
        }
        return;
    }
    if let Some(rest) = text.strip_prefix(b"PORT ") {
        if let Some((address, port)) = numbers(rest) {
            memory.announce(stream, (Address::Ipv4(address).wide(), port), "PORT");
        }
    } else if let Some(rest) = text.strip_prefix(b"EPRT ") {
        if let Some(port) = extended_request(rest) {
            memory.announce(stream, (carrier.source.wide(), port), "EPRT");
        }
    } else {
        memory.request(stream, text);
    }
}

/// Six numbers: an address and a port.
fn numbers(text: &[u8]) -> Option<([u8; 4], u16)> {
    let begin = text.iter().position(u8::is_ascii_digit)?;
    let mut parts = text[begin..].split(|byte| !byte.is_ascii_digit());
    let mut next = || std::str::from_utf8(parts.next()?).ok()?.parse::<u8>().ok();
    let address = [next()?, next()?, next()?, next()?];
    Some((address, u16::from_be_bytes([next()?, next()?])))
}

/// The port between three and one of the same sign (RFC 2428 section 3).
fn extended(text: &[u8]) -> Option<u16> {
    let begin = text.iter().position(|byte| *byte == b'(')? + 1;
    let sign = *text.get(begin)?;
    let port = text[begin..].split(|byte| *byte == sign).nth(3)?;
    std::str::from_utf8(port).ok()?.parse().ok()
}

/// The port of a request (RFC 2428 section 2).
fn extended_request(text: &[u8]) -> Option<u16> {
    let sign = *text.first()?;
    let port = text.split(|byte| *byte == sign).nth(3)?;
    std::str::from_utf8(port).ok()?.parse().ok()
}

/// The end of a connection that was announced.
fn announced(memory: &Memory, carrier: &Carrier, (from, to): (u16, u16)) -> Option<End> {
    let all = &memory.announced;
    if all.is_empty() {
        return None;
    }
    let ends = [
        (carrier.source.wide(), from),
        (carrier.destination.wide(), to),
    ];
    let found = ends.into_iter().zip([to, from]).find(|(end, other)| {
        let announced = all.get(end);
        announced.is_some_and(|announced| !announced.is_active || *other == DATA_PORT)
    });
    found.map(|(end, _)| end)
}

/// Whether the first segment of a connection opens one that was announced; that happens once.
pub(crate) fn is_begun(memory: &mut memory::Memory, carrier: &Carrier, ports: (u16, u16)) -> bool {
    let memory = &mut memory.announced;
    announced(memory, carrier, ports)
        .and_then(|end| memory.announced.get_mut(&end))
        .is_some_and(|announced| !std::mem::replace(&mut announced.is_begun, true))
}

/// The end of a segment's connection that was announced.
fn announced_end(walk: &Walk<'_, '_>, payload: &Payload) -> Option<End> {
    let ports = (payload.source_port, payload.destination_port);
    announced(&walk.memory.brief.announced, &walk.carrier, ports)
}

/// Whether a segment is of a connection that was announced.
pub(crate) fn is_announced(walk: &Walk<'_, '_>, payload: &Payload) -> bool {
    announced_end(walk, payload).is_some()
}

/// Dissects a segment's data.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    name(walk, names::ftp_data::THIS, &region);
    let len = region.reported();
    walk.columns.set_info(format_args!("FTP Data: {len} bytes"));
    let end = announced_end(walk, payload);
    if let Some(end) = end
        && let Some(found) = walk.memory.brief.announced.announced.get(&end)
    {
        walk.columns
            .append_info(format_args!(" ({})", found.method));
        if let Some(command) = &found.command {
            let command = Escaped(command.as_bytes());
            walk.columns.append_info(format_args!(" ({command})"));
        }
    }
    let is_text = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ') || byte.is_ascii_graphic();
    if !region.captured().iter().take(20).all(is_text) {
        data::dissect(walk, region)?;
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 959 section 4.1.2 and RFC 2428.
    #[test]
    fn connections_are_announced_in_two_ways() {
        let found = numbers(b"Entering Passive Mode (10,0,0,2,4,1).");
        assert_eq!(found, Some(([10, 0, 0, 2], 1025)));
        assert_eq!(numbers(b"10,0,0,2,4"), None);
        assert_eq!(
            extended(b"Entering Extended Passive Mode (|||6446|)"),
            Some(6446)
        );
        assert_eq!(extended_request(b"|1|132.235.1.2|6275|"), Some(6275));
    }
}
