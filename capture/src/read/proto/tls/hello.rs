//! The hellos of client and server, and their extensions (RFC 8446 sections 4.1 and 4.2).

use super::extension::{self, ALPN, EARLY_DATA, Holder, SUPPORTED_VERSIONS};
use super::inside::by_choice;
use super::ja3::Lists;
use super::names::{compression_name, suite_name};
use super::session::Version;
use crate::packet::Timestamp;
use crate::read::proto::text::Hex;
use crate::read::region::{Region, Stop};
use crate::read::render::Moment;
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// The random that makes a server's hello a request for another one of the client
/// (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Where the random ends.
const RANDOM_END: usize = 34;

/// What a server's hello says of the connection.
pub(super) struct ServerHello {
    pub(super) version: Option<Version>,
    pub(super) is_retry: bool,
    pub(super) suite: u16,
    /// What is to be spoken inside.
    pub(super) inside: Option<&'static str>,
}

/// Looks for the version in a server's hello, which the extension knows better.
pub(super) fn scan_server_hello(body: &Region<'_>) -> Option<ServerHello> {
    let mut number = body.u16(0).ok()?;
    let is_retry = body.array::<32>(2).ok()? == RETRY;
    let mut at = if is_short(body) {
        RANDOM_END + 2
    } else {
        35 + usize::from(body.u8(RANDOM_END).ok()?) + 3
    };
    let suite_at = if is_short(body) { RANDOM_END } else { at - 3 };
    let suite = body.u16(suite_at).unwrap_or_default();
    let mut inside = None;
    if let Ok(len) = body.u16(at) {
        at += 2;
        let end = at + usize::from(len);
        while at + 4 <= end {
            let (Ok(kind), Ok(len)) = (body.u16(at), body.u16(at + 2)) else {
                break;
            };
            if kind == SUPPORTED_VERSIONS
                && len == 2
                && let Ok(version) = body.u16(at + 4)
            {
                number = version;
            }
            if kind == ALPN && len >= 3 {
                let name = body.slice(at + 7, usize::from(len) - 3);
                inside = name.ok().and_then(by_choice);
            }
            at += 4 + usize::from(len);
        }
    }
    Some(ServerHello {
        version: Version::known(number),
        is_retry,
        suite,
        inside,
    })
}

/// Whether a server's hello is one of the drafts of TLS 1.3 in which it has neither a session nor a
/// compression method (those before 22).
fn is_short(body: &Region<'_>) -> bool {
    matches!(body.u16(0), Ok(0x7f01..=0x7f15))
}

/// Version, random and session, which both have. Gives what follows.
fn beginning(walk: &mut Walk<'_, '_>, body: &Region<'_>, version: Version) -> Result<usize, Stop> {
    walk.u16(super::HANDSHAKE_VERSION, body, 0)?;
    let random = body.slice(2, 32)?;
    let node = walk
        .tree
        .add(super::RANDOM, body.place(2, 32), Value::Bytes);
    if random == RETRY && walk.tree.labels() {
        let digits = Hex(random);
        walk.tree.label(
            node,
            format_args!("Random: {digits} (HelloRetryRequest magic)"),
        );
    }
    // TLS 1.3 has no time in it.
    if version != Version::TLS_1_3 {
        walk.tree.open();
        let time = Timestamp(u64::from(body.u32(2)?) * 1_000_000_000);
        let node = walk
            .tree
            .add(super::RANDOM_TIME, body.place(2, 4), Value::Time(time));
        walk.tree
            .label(node, format_args!("GMT Unix Time: {}", Moment(time)));
        walk.tree
            .add(super::RANDOM_BYTES, body.place(6, 28), Value::Bytes);
        walk.tree.close();
    }
    if is_short(body) {
        return Ok(RANDOM_END);
    }
    let len = usize::from(walk.u8(super::SESSION_ID_LEN, body, RANDOM_END)?);
    if len > 0 {
        body.slice(35, len)?;
        walk.tree
            .add(super::SESSION_ID, body.place(35, len), Value::Bytes);
    }
    Ok(35 + len)
}

/// Dissects a client's hello; gives whether data follow it before anything is agreed on.
///
/// A list that says more than there is ends it without being malformed.
pub(super) fn client(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    version: Version,
) -> Result<bool, Stop> {
    let mut at = beginning(walk, body, version)?;
    let has_room = |at: usize, len: usize| at + len <= body.reported();
    if !has_room(at, 2) {
        return Ok(false);
    }
    let len = usize::from(walk.u16(super::SUITES_LEN, body, at)?);
    at += 2;
    if !has_room(at, len) {
        return Ok(false);
    }
    let suites = body.part(at, len);
    let node = walk
        .tree
        .add(super::SUITES, body.place(at, len), Value::None);
    let (count, s) = (len / 2, if len == 2 { "" } else { "s" });
    walk.tree
        .label(node, format_args!("Cipher Suites ({count} suite{s})"));
    walk.tree.open();
    for place in (0..len / 2 * 2).step_by(2) {
        let suite = suites.u16(place)?;
        let value = Value::Uint(suite.into());
        let node = walk.tree.add(super::SUITE, suites.place(place, 2), value);
        let name = suite_name(suite.into()).unwrap_or("Unknown");
        walk.tree
            .label(node, format_args!("Cipher Suite: {name} ({suite:#06x})"));
    }
    walk.tree.close();
    at += len;
    if !has_room(at, 1) {
        return Ok(false);
    }
    let len = usize::from(walk.u8(super::COMP_METHODS_LEN, body, at)?);
    at += 1;
    if !has_room(at, len) {
        return Ok(false);
    }
    let node = walk
        .tree
        .add(super::COMP_METHODS, body.place(at, len), Value::None);
    let s = if len == 1 { "" } else { "s" };
    walk.tree
        .label(node, format_args!("Compression Methods ({len} method{s})"));
    walk.tree.open();
    for place in at..at + len {
        walk.u8(super::COMP_METHOD, body, place)?;
    }
    walk.tree.close();
    let mut lists = Lists {
        version: body.u16(0)?,
        suites: Lists::numbers(&suites),
        ..Lists::default()
    };
    let rest = body.rest(at + len);
    extension::all(walk, &rest, Holder::ClientHello, &mut lists)?;
    if walk.tree.labels() || walk.tree.wants_any_of(super::THIS.protocol) {
        lists.show_client(walk.tree);
    }
    Ok(lists.extensions.contains(&EARLY_DATA))
}

/// Dissects a server's hello.
pub(super) fn server(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    holder: Holder,
    version: Version,
) -> Result<(), Stop> {
    let at = beginning(walk, body, version)?;
    walk.u16(super::SUITE, body, at)?;
    let mut end = at + 2;
    if !is_short(body) {
        let method = body.u8(end)?;
        let node = walk.tree.add(
            super::COMP_METHOD,
            body.place(end, 1),
            Value::Uint(method.into()),
        );
        let name = compression_name(method.into()).unwrap_or("Unknown");
        walk.tree
            .label(node, format_args!("Compression Method: {name} ({method})"));
        end += 1;
    }
    let mut lists = Lists {
        version: body.u16(0)?,
        suites: vec![body.u16(at)?],
        ..Lists::default()
    };
    extension::all(walk, &body.rest(end), holder, &mut lists)?;
    // A request for another hello is not one.
    if holder == Holder::ServerHello && walk.tree.wants_any_of(super::THIS.protocol) {
        lists.show_server(walk.tree);
    }
    Ok(())
}
