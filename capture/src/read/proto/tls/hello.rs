//! The hellos of client and server, and their extensions (RFC 8446 sections 4.1 and 4.2).

use super::names::{compression_name, extension_name, suite_name};
use super::session::Version;
use crate::packet::Timestamp;
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::render::Moment;
use crate::read::tree::Value;
use crate::read::walk::Walk;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// The random that makes a server's hello a request for another one of the client
/// (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a server's hello says of the connection.
pub(super) struct ServerHello {
    pub(super) version: Option<Version>,
    pub(super) is_retry: bool,
}

/// Looks for the version in a server's hello, which the extension knows better.
pub(super) fn scan_server_hello(body: &Region<'_>) -> Option<ServerHello> {
    let mut number = body.u16(0).ok()?;
    let is_retry = body.array::<32>(2).ok()? == RETRY;
    let mut at = 35 + usize::from(body.u8(34).ok()?) + 3;
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
            at += 4 + usize::from(len);
        }
    }
    Some(ServerHello {
        version: Version::known(number),
        is_retry,
    })
}

/// Version, random and session, which both have. Gives what follows.
fn beginning(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<usize, Stop> {
    walk.u16(super::HANDSHAKE_VERSION, body, 0)?;
    body.slice(2, 32)?;
    walk.tree
        .add(super::RANDOM, body.place(2, 32), Value::Bytes);
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
    let len = usize::from(walk.u8(super::SESSION_ID_LEN, body, 34)?);
    if len > 0 {
        body.slice(35, len)?;
        walk.tree
            .add(super::SESSION_ID, body.place(35, len), Value::Bytes);
    }
    Ok(35 + len)
}

/// Dissects a client's hello.
pub(super) fn client(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    let mut at = beginning(walk, body)?;
    let len = usize::from(walk.u16(super::SUITES_LEN, body, at)?);
    at += 2;
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
    let len = usize::from(walk.u8(super::COMP_METHODS_LEN, body, at)?);
    at += 1;
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
    extensions(walk, &body.rest(at + len), Sender::Client)
}

/// Dissects a server's hello.
pub(super) fn server(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    let at = beginning(walk, body)?;
    walk.u16(super::SUITE, body, at)?;
    let method = body.u8(at + 2)?;
    let node = walk.tree.add(
        super::COMP_METHOD,
        body.place(at + 2, 1),
        Value::Uint(method.into()),
    );
    let name = compression_name(method.into()).unwrap_or("Unknown");
    walk.tree
        .label(node, format_args!("Compression Method: {name} ({method})"));
    extensions(walk, &body.rest(at + 3), Sender::Server)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

fn extensions(walk: &mut Walk<'_, '_>, region: &Region<'_>, sender: Sender) -> Result<(), Stop> {
    if region.reported() < 2 {
        return Ok(());
    }
    let end = 2 + usize::from(walk.u16(super::EXTENSIONS_LEN, region, 0)?);
    let mut at = 2;
    while at + 4 <= end {
        let (kind, len) = (region.u16(at)?, usize::from(region.u16(at + 2)?));
        let name = extension_name(kind.into()).unwrap_or("Unknown type");
        walk.tree.heading(
            region.place(at, len + 4),
            format_args!("Extension: {name} (len={len})"),
        );
        walk.tree.open();
        walk.u16(super::EXTENSION_TYPE, region, at)?;
        walk.u16(super::EXTENSION_LEN, region, at + 2)?;
        region.slice(at + 4, len)?;
        extension(walk, &region.part(at + 4, len), kind, sender)?;
        walk.tree.close();
        at += 4 + len;
    }
    Ok(())
}

fn extension(
    walk: &mut Walk<'_, '_>,
    data: &Region<'_>,
    kind: u16,
    sender: Sender,
) -> Result<(), Stop> {
    let len = data.reported();
    if len == 0 {
        return Ok(());
    }
    match kind {
        SERVER_NAME => {
            walk.tree.heading(
                data.place(0, len),
                format_args!("Server Name Indication extension"),
            );
            walk.tree.open();
            walk.u16(super::SNI_LIST_LEN, data, 0)?;
            let mut at = 2;
            while at + 3 <= len {
                walk.u8(super::SNI_TYPE, data, at)?;
                let name_len = usize::from(walk.u16(super::SNI_LEN, data, at + 1)?);
                let name = Escaped(data.slice(at + 3, name_len)?);
                let place = data.place(at + 3, name_len);
                walk.tree
                    .add_formatted(super::SNI, place, format_args!("{name}"));
                at += 3 + name_len;
            }
            walk.tree.close();
        }
        ALPN => {
            walk.u16(super::ALPN_LEN, data, 0)?;
            walk.tree.add(
                super::ALPN_LIST,
                data.place(2, len.saturating_sub(2)),
                Value::None,
            );
            walk.tree.open();
            let mut at = 2;
            while at < len {
                let name_len = usize::from(walk.u8(super::ALPN_STR_LEN, data, at)?);
                let name = Escaped(data.slice(at + 1, name_len)?);
                let place = data.place(at + 1, name_len);
                walk.tree
                    .add_formatted(super::ALPN_STR, place, format_args!("{name}"));
                at += 1 + name_len;
            }
            walk.tree.close();
        }
        SUPPORTED_VERSIONS if sender == Sender::Client => {
            walk.u8(super::VERSIONS_LEN, data, 0)?;
            for at in (1..len.saturating_sub(1)).step_by(2) {
                walk.u16(super::SUPPORTED_VERSION, data, at)?;
            }
        }
        SUPPORTED_VERSIONS => {
            walk.u16(super::SUPPORTED_VERSION, data, 0)?;
        }
        _ => {
            walk.bytes(super::EXTENSION_DATA, data);
        }
    }
    Ok(())
}
