//! Handshake messages (RFC 8446 section 4), which can go on in the next record.

use super::names::handshake_name;
use super::record::Record;
use super::{append, hello};
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// Bytes of a message's header: type and length.
const HEADER_LEN: usize = 4;
/// Encryption adds at least so many bytes.
const LEAST_ENCRYPTED: usize = 16;
/// No message is longer: what says so is encrypted.
const MOST: usize = 0x1_0000;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_RETRY_REQUEST: u8 = 6;
const CERTIFICATE: u8 = 11;

/// Dissects the messages of a record.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    body: Region<'_>,
    record: &Record<'_>,
) -> Result<(), Stop> {
    let payload = record.payload;
    let direction = payload.direction.index();
    let frame = walk.frame.number;
    let session = walk.memory.tls.session(payload.stream);
    let was_encrypted = session.is_encrypted(payload.direction, frame);
    let pending = std::mem::take(&mut session.pending[direction]);
    let mut at = 0;
    if !pending.is_empty() {
        let Some(used) = go_on(walk, &body, record, pending)? else {
            return Ok(());
        };
        at = used;
    }
    let mut is_first = true;
    while at < body.reported() {
        let rest = body.rest(at);
        if at == 0 && looks_encrypted(&rest, was_encrypted) {
            append(walk, "Encrypted Handshake Message");
            record.title(
                walk,
                format_args!("Handshake Protocol: Encrypted Handshake Message"),
            );
            let place = rest.place(0, rest.captured().len());
            let node = walk.tree.add(super::HANDSHAKE, place, Value::None);
            walk.tree.label(
                node,
                format_args!("Handshake Protocol: Encrypted Handshake Message"),
            );
            return Ok(());
        }
        let kind = rest.u8(0)?;
        let len = if rest.reported() < HEADER_LEN {
            None
        } else {
            Some(HEADER_LEN + rest.u24(1)? as usize)
        };
        let Some(len) = len.filter(|len| *len <= rest.reported()) else {
            let bytes = rest.captured();
            // Wireshark names it only where it has a record for itself.
            if at == 0 {
                fragment(walk, &rest, record, kind);
            }
            if bytes.len() <= MOST {
                let session = walk.memory.tls.session(payload.stream);
                session.pending[direction] = bytes.to_vec();
            }
            return Ok(());
        };
        let message = rest.part(0, len);
        one(walk, &message, record, is_first && len == body.reported())?;
        is_first = false;
        at += len;
    }
    Ok(())
}

/// Whether these bytes look like what nobody can read without keys.
fn looks_encrypted(body: &Region<'_>, was_encrypted: bool) -> bool {
    if body.reported() < LEAST_ENCRYPTED {
        return false;
    }
    let Ok([kind, a, b, c, next]) = body.array::<5>(0) else {
        return false;
    };
    // An explicit nonce; two requests for a hello would look the same.
    if was_encrypted || [kind, a, b, c, next] == [0; 5] {
        return true;
    }
    let len = u32::from_be_bytes([0, a, b, c]) as usize;
    handshake_name(kind.into()).is_none() || len >= MOST
}

/// Goes on with a message that began in a record before. How many bytes of this one it took, if it is
/// whole now.
fn go_on(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    record: &Record<'_>,
    mut pending: Vec<u8>,
) -> Result<Option<usize>, Stop> {
    let payload = record.payload;
    let had = pending.len();
    let kind = pending.first().copied().unwrap_or(0);
    pending.extend_from_slice(body.captured());
    let len = pending.first_chunk::<HEADER_LEN>().map(|header| {
        let [_, a, b, c] = *header;
        HEADER_LEN + u32::from_be_bytes([0, a, b, c]) as usize
    });
    let whole = len.and_then(|len| pending.get(..len));
    let Some(bytes) = whole else {
        fragment(walk, body, record, kind);
        if pending.len() <= MOST + HEADER_LEN && len.is_none_or(|len| len < MOST) {
            let session = walk.memory.tls.session(payload.stream);
            session.pending[payload.direction.index()] = pending;
        }
        return Ok(None);
    };
    let len = bytes.len();
    let number = walk
        .tree
        .add_source("Reassembled TLS Handshake", bytes.into());
    let message = Region::new(number, bytes, len as u32);
    one(walk, &message, record, false)?;
    Ok(Some(len.saturating_sub(had)))
}

fn fragment(walk: &mut Walk<'_, '_>, rest: &Region<'_>, record: &Record<'_>, kind: u8) {
    let name = handshake_name(kind.into()).unwrap_or("Unknown");
    walk.columns
        .append_info_after(", ", format_args!("[{name} Fragment]"));
    record.title(walk, format_args!("Handshake Protocol: {name} (fragment)"));
    let place = rest.place(0, rest.captured().len());
    let node = walk.tree.add(super::HANDSHAKE, place, Value::None);
    walk.tree
        .label(node, format_args!("Handshake Protocol: {name} (fragment)"));
}

/// Dissects one whole message.
fn one(
    walk: &mut Walk<'_, '_>,
    message: &Region<'_>,
    record: &Record<'_>,
    is_alone: bool,
) -> Result<(), Stop> {
    let mut kind = message.u8(0)?;
    let body = message.rest(HEADER_LEN);
    let stream = record.payload.stream;
    if kind == SERVER_HELLO
        && let Some(found) = hello::scan_server_hello(&body)
    {
        if found.is_retry {
            kind = HELLO_RETRY_REQUEST;
        }
        let session = walk.memory.tls.session(stream);
        if let Some(version) = found.version {
            session.version = version;
        }
        let version = session.version;
        walk.columns.set_protocol(version.name());
    }
    let name = handshake_name(kind.into());
    match name {
        Some(name) => append(walk, name),
        None => append(walk, "Unknown Handshake type"),
    }
    let name = name.unwrap_or("Unknown");
    if is_alone {
        record.title(walk, format_args!("Handshake Protocol: {name}"));
    } else {
        record.title(
            walk,
            format_args!("Handshake Protocol: Multiple Handshake Messages"),
        );
    }
    if !walk.tree.wants_any_of(super::THIS.protocol) {
        return Ok(());
    }
    let place = message.place(0, message.captured().len());
    let node = walk.tree.add(super::HANDSHAKE, place, Value::None);
    walk.tree
        .label(node, format_args!("Handshake Protocol: {name}"));
    walk.tree.open();
    walk.u8(super::HANDSHAKE_TYPE, message, 0)?;
    let len = Value::Uint(message.u24(1)?.into());
    walk.tree
        .add(super::HANDSHAKE_LEN, message.place(1, 3), len);
    match kind {
        CLIENT_HELLO => hello::client(walk, &body)?,
        SERVER_HELLO | HELLO_RETRY_REQUEST => hello::server(walk, &body)?,
        CERTIFICATE if body.reported() >= 3 => {
            let value = Value::Uint(body.u24(0)?.into());
            walk.tree
                .add(super::CERTIFICATES_LEN, body.place(0, 3), value);
        }
        _ => {}
    }
    walk.tree.close();
    Ok(())
}
