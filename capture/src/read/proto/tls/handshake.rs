//! Handshake messages (RFC 8446 section 4), which can go on in the next record.

use super::extension::Holder;
use super::names::handshake_name;
use super::opening::Epoch;
use super::record::Record;
use super::session::{Flight, Pending, Version};
use super::{append, exchange, hello};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
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
const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const FINISHED: u8 = 20;
const CERTIFICATE_STATUS: u8 = 22;
const KEY_UPDATE: u8 = 24;

const MULTIPLE: &str = "Handshake Protocol: Multiple Handshake Messages";
/// Parts of a message that are put together.
const MOST_PARTS: usize = 4096;

/// Dissects the messages of a record.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    body: Region<'_>,
    record: &Record,
) -> Result<(), Stop> {
    let Flight { session, direction } = record.flight;
    let frame = walk.frame.number;
    let known = walk.memory.tls.session(session);
    let was_encrypted = known.is_encrypted(direction, frame);
    let pending = std::mem::take(&mut known.pending[direction]);
    let mut at = 0;
    let mut is_first = true;
    if !pending.bytes.is_empty() {
        let Some(used) = go_on(walk, &body, record, pending)? else {
            return Ok(());
        };
        at = used;
        is_first = false;
    }
    while at < body.reported() {
        let rest = body.rest(at);
        if at == 0 && !record.is_open && looks_encrypted(&rest, was_encrypted) {
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
            fragment(
                walk,
                &rest,
                record,
                kind,
                if at == 0 { Part::Alone } else { Part::Last },
            );
            if bytes.len() <= MOST {
                let known = walk.memory.tls.session(session);
                known.pending[direction] = Pending {
                    bytes: bytes.to_vec(),
                    parts: vec![(frame, bytes.len() as u32)],
                };
            }
            return Ok(());
        };
        let message = rest.part(0, len);
        one(
            walk,
            &message,
            record,
            if is_first { Part::Alone } else { Part::Last },
        )?;
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
    record: &Record,
    mut pending: Pending,
) -> Result<Option<usize>, Stop> {
    let Flight { session, direction } = record.flight;
    let frame = walk.frame.number;
    let had = pending.bytes.len();
    let kind = pending.bytes.first().copied().unwrap_or(0);
    pending.bytes.extend_from_slice(body.captured());
    let len = pending.bytes.first_chunk::<HEADER_LEN>().map(|header| {
        let [_, a, b, c] = *header;
        HEADER_LEN + u32::from_be_bytes([0, a, b, c]) as usize
    });
    let whole = len.and_then(|len| pending.bytes.get(..len));
    let Some(bytes) = whole else {
        fragment(walk, body, record, kind, Part::Middle);
        let is_sane = pending.bytes.len() <= MOST + HEADER_LEN && len.is_none_or(|len| len < MOST);
        if is_sane && pending.parts.len() < MOST_PARTS {
            pending.parts.push((frame, body.captured().len() as u32));
            walk.memory.tls.session(session).pending[direction] = pending;
        }
        return Ok(None);
    };
    let len = bytes.len();
    let used = len.saturating_sub(had);
    pending.parts.push((frame, used as u32));
    let name = handshake_name(kind.into()).unwrap_or("Unknown");
    let node = walk
        .tree
        .add(super::HANDSHAKE, body.place(0, used), Value::None);
    walk.tree.label(
        node,
        format_args!("Handshake Protocol: {name} (last fragment)"),
    );
    let number = walk
        .tree
        .add_source("Reassembled TLS Handshake", bytes.to_vec());
    show_parts(walk, &pending.parts, number, len);
    let message = Region::new(number, bytes, len as u32);
    one(walk, &message, record, Part::Alone)?;
    Ok(Some(used))
}

fn show_parts(walk: &mut Walk<'_, '_>, parts: &[(u64, u32)], source: u8, len: usize) {
    let tree = &mut *walk.tree;
    let place = |at: u32, len: u32| Place { source, at, len };
    let all = tree.add(super::FRAGMENTS, place(0, len as u32), Value::None);
    tree.set_generated(all);
    if tree.labels() {
        let (count, s) = (parts.len(), if len == 1 { "" } else { "s" });
        let list: Vec<_> = parts
            .iter()
            .map(|(frame, len)| format!("#{frame}({len})"))
            .collect();
        let list = list.join(", ");
        tree.label(
            all,
            format_args!("{count} Reassembled Handshake Fragments ({len} byte{s}): {list}"),
        );
    }
    tree.open();
    let mut at = 0;
    for &(frame, len) in parts {
        let added = tree.add(super::FRAGMENT, place(at, len), Value::Uint(frame));
        tree.set_generated(added);
        let s = if len == 1 { "" } else { "s" };
        let last = (at + len).saturating_sub(1);
        tree.label(
            added,
            format_args!("Frame: {frame}, payload: {at}-{last} ({len} byte{s})"),
        );
        at += len;
    }
    tree.add_generated(super::FRAGMENT_COUNT, Value::Uint(parts.len() as u64));
    tree.close();
}

/// Where a message or a part of one stands in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It is the first one there.
    Alone,
    /// The record goes on with a message from before, and ends in it.
    Middle,
    /// Others are before it.
    Last,
}

/// A message that is not whole in this record.
fn fragment(walk: &mut Walk<'_, '_>, rest: &Region<'_>, record: &Record, kind: u8, part: Part) {
    let name = handshake_name(kind.into()).unwrap_or("Unknown");
    // Wireshark names it in the list only where it has a record for itself.
    if part == Part::Alone {
        walk.columns
            .append_info_after(", ", format_args!("[{name} Fragment]"));
    }
    if part == Part::Alone {
        record.title(walk, format_args!("Handshake Protocol: {name} (fragment)"));
    } else {
        record.title(walk, format_args!("{MULTIPLE}"));
    }
    let place = rest.place(0, rest.captured().len());
    let node = walk.tree.add(super::HANDSHAKE, place, Value::None);
    walk.tree
        .label(node, format_args!("Handshake Protocol: {name} (fragment)"));
}

/// Dissects one whole message.
fn one(
    walk: &mut Walk<'_, '_>,
    message: &Region<'_>,
    record: &Record,
    part: Part,
) -> Result<(), Stop> {
    let mut kind = message.u8(0)?;
    let body = message.rest(HEADER_LEN);
    let Flight { session, direction } = record.flight;
    let has_secrets = !walk.memory.tls.secrets.is_empty();
    if kind == CLIENT_HELLO
        && has_secrets
        && let Ok(random) = body.array(2)
    {
        walk.memory.tls.client_hello(record.flight, random);
    }
    if kind == SERVER_HELLO
        && let Some(found) = hello::scan_server_hello(&body)
    {
        if found.is_retry {
            kind = HELLO_RETRY_REQUEST;
        }
        let known = walk.memory.tls.session(session);
        if let Some(version) = found.version {
            known.version = version;
        }
        known.suite = found.suite;
        known.resumed_by = Some(record.flight.direction);
        known.inside = found.inside.or(known.inside);
        let version = known.version;
        walk.columns.set_protocol(version.name());
    }
    if kind == SERVER_HELLO
        && has_secrets
        && let Ok(random) = body.array(2)
    {
        walk.memory.tls.server_hello(record.flight, random);
    }
    if matches!(kind, FINISHED | KEY_UPDATE) && record.is_open {
        let memory = &mut walk.memory.tls;
        memory.use_traffic_secret(session, direction, Epoch::Data);
    }
    if kind == SERVER_HELLO_DONE {
        walk.memory.tls.session(session).resumed_by = None;
    }
    let name = handshake_name(kind.into());
    match name {
        Some(name) => append(walk, name),
        None => append(walk, "Unknown Handshake type"),
    }
    let name = name.unwrap_or("Unknown");
    if part == Part::Alone {
        record.title(walk, format_args!("Handshake Protocol: {name}"));
    } else {
        record.title(walk, format_args!("{MULTIPLE}"));
    }
    // Hellos are read in any case: whether they are malformed stands in the list.
    let is_hello = matches!(kind, CLIENT_HELLO | SERVER_HELLO | HELLO_RETRY_REQUEST);
    if !is_hello && !walk.tree.wants_any_of(super::THIS.protocol) {
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
    let known = walk.memory.tls.session(session);
    let agreed = (known.suite, known.version);
    let (_, version) = agreed;
    match kind {
        CLIENT_HELLO => {
            let is_early = hello::client(walk, &body, version)?;
            // Whatever the server will say: only TLS 1.3 has data before that.
            let known = walk.memory.tls.session(session);
            if is_early {
                known.version = Version::TLS_1_3;
            }
        }
        SERVER_HELLO => hello::server(walk, &body, Holder::ServerHello, version)?,
        HELLO_RETRY_REQUEST => hello::server(walk, &body, Holder::HelloRetryRequest, version)?,
        NEW_SESSION_TICKET => exchange::ticket(walk, &body, version)?,
        CERTIFICATE if version != Version::TLS_1_3 => exchange::certificates(walk, &body)?,
        SERVER_KEY_EXCHANGE => exchange::server_keys(walk, &body, agreed)?,
        CERTIFICATE_REQUEST if version != Version::TLS_1_3 => {
            exchange::request(walk, &body, version)?;
        }
        CERTIFICATE_VERIFY => exchange::verify(walk, &body, version)?,
        CLIENT_KEY_EXCHANGE => exchange::client_keys(walk, &body, agreed)?,
        FINISHED => {
            let place = body.place(0, body.captured().len());
            walk.tree.add(super::VERIFY_DATA, place, Value::None);
        }
        CERTIFICATE_STATUS => exchange::status(walk, &body)?,
        KEY_UPDATE => {
            walk.u8(super::KEY_UPDATE, &body, 0)?;
        }
        _ => {}
    }
    walk.tree.close();
    Ok(())
}
