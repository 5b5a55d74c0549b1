//! What requests and responses are about: the method and the path, the status, the type of the body.

use std::collections::BTreeMap;

use super::hpack::{Field, Table};
use crate::read::proto::text::Escaped;
use crate::read::proto::{dns, http};
use crate::read::region::Region;
use crate::read::walk::Walk;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x01;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// Directions of connections that are remembered, and bodies; the first ones make room.
const MOST_TABLES: usize = 1024;
const MOST_BODIES: usize = 256;
/// Bytes of a body that are kept.
const MOST_BYTES: usize = 1 << 16;

/// The TCP stream, and which way it goes there.
pub(super) type Way = (u32, usize);

/// What is remembered of connections.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    tables: BTreeMap<Way, Table>,
    /// By the number of the stream in the connection, too.
    bodies: BTreeMap<(Way, u32), Body>,
}

/// A message whose body is awaited.
#[derive(Debug, Default)]
struct Body {
    content_type: Option<Vec<u8>>,
    is_encoded: bool,
    bytes: Vec<u8>,
    /// Frames with a part of it.
    parts: usize,
}

impl Memory {
    fn table(&mut self, way: Way) -> &mut Table {
        if self.tables.len() >= MOST_TABLES && !self.tables.contains_key(&way) {
            self.tables.pop_first();
        }
        self.tables.entry(way).or_default()
    }

    fn body(&mut self, place: (Way, u32)) -> &mut Body {
        if self.bodies.len() >= MOST_BODIES && !self.bodies.contains_key(&place) {
            self.bodies.pop_first();
        }
        self.bodies.entry(place).or_default()
    }
}

/// Adds what a frame with this kind, these flags and this number of its stream is about to the list.
pub(super) fn frame(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    way: Way,
    (kind, flags, stream): (u8, u8, u32),
) {
    if !matches!(kind, DATA | HEADERS | PUSH_PROMISE | CONTINUATION) || body.is_cut() {
        return;
    }
    let is_padded = flags & PADDED != 0 && kind != CONTINUATION;
    let (mut from, mut end) = (0, body.reported());
    if is_padded {
        let Ok(padding) = body.u8(0) else { return };
        from = 1;
        end = end.saturating_sub(padding.into());
    }
    from += match kind {
        HEADERS if flags & PRIORITY != 0 => 5,
        PUSH_PROMISE => 4,
        _ => 0,
    };
    let part = body.part(from, end.saturating_sub(from));
    if kind == DATA {
        data(walk, &part, (way, stream), flags & END_STREAM != 0);
        return;
    }
    let fields = walk.memory.brief.http2.table(way).decode(part.captured());
    say(walk, &fields);
    if kind == PUSH_PROMISE {
        return;
    }
    remember(walk, fields, (way, stream));
    if flags & END_STREAM != 0 && kind == HEADERS {
        walk.memory.brief.http2.bodies.remove(&(way, stream));
    }
}

/// The line of a request or of a response.
fn say(walk: &mut Walk<'_, '_>, fields: &[Field]) {
    let (mut method, mut path) = (None, None);
    for (name, value) in fields {
        match &name[..] {
            b":method" => method = Some(value),
            b":path" => path = Some(value),
            b":status" => {
                let code = std::str::from_utf8(value).ok();
                let code = code.and_then(|code| code.parse().ok()).unwrap_or(0);
                let phrase = http::status_name(code).unwrap_or("Unknown");
                let value = Escaped(value);
                walk.columns
                    .append_info_after(": ", format_args!("{value} {phrase}"));
                continue;
            }
            _ => continue,
        }
        if let (Some(method), Some(path)) = (method, path) {
            let (method, path) = (Escaped(method), Escaped(path));
            walk.columns
                .append_info_after(": ", format_args!("{method} {path}"));
        }
    }
}

/// What the body will be.
fn remember(walk: &mut Walk<'_, '_>, fields: Vec<Field>, place: (Way, u32)) {
    for (name, value) in fields {
        let memory = &mut walk.memory.brief.http2;
        match &name[..] {
            b"content-type" => memory.body(place).content_type = Some(value),
            b"content-encoding" => memory.body(place).is_encoded = value != b"identity",
            _ => {}
        }
    }
}

/// A part of a body: the last one tells what it is.
fn data(walk: &mut Walk<'_, '_>, part: &Region<'_>, place: (Way, u32), is_last: bool) {
    let Some(body) = walk.memory.brief.http2.bodies.get_mut(&place) else {
        return;
    };
    if !is_last || body.parts > 0 {
        let room = MOST_BYTES.saturating_sub(body.bytes.len());
        let bytes = part.captured();
        body.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        body.parts += 1;
    }
    if !is_last {
        return;
    }
    let Some(body) = walk.memory.brief.http2.bodies.remove(&place) else {
        return;
    };
    let Some(content_type) = body.content_type else {
        return;
    };
    // Of what is compressed only the type is known here.
    let is_text = content_type.starts_with(b"text/") && !content_type.starts_with(b"text/xml");
    if body.is_encoded && !is_text {
        return;
    }
    if body.parts == 0 {
        if part.reported() > 0 {
            tell(walk, &content_type, part, place);
        }
        return;
    }
    if body.bytes.is_empty() {
        return;
    }
    let source = walk.tree.add_source("Reassembled body", body.bytes.clone());
    let whole = Region::new(source, &body.bytes, body.bytes.len() as u32);
    tell(walk, &content_type, &whole, place);
}

fn tell(walk: &mut Walk<'_, '_>, content_type: &[u8], body: &Region<'_>, place: (Way, u32)) {
    if content_type.starts_with(b"application/dns-message") {
        let ((connection, _), stream) = place;
        // What is malformed in it says so itself.
        if dns::over_http(walk, *body, connection.wrapping_add(stream << 16)).is_err() {
            walk.columns.append_info(format_args!("[Malformed Packet]"));
        }
        return;
    }
    http::body(walk, content_type, body);
}
