//! Extensions of hellos and of what follows them (RFC 8446 section 4.2, RFC 6066 and others).

use super::ja3::Lists;
use super::names::{extension_name, scheme_hash_name, scheme_signature_name};
use super::{groups, quic_parameters};
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

const SERVER_NAME: u16 = 0;
const MAX_FRAGMENT_LENGTH: u16 = 1;
const STATUS_REQUEST: u16 = 5;
const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const HEARTBEAT: u16 = 15;
/// What is spoken inside.
pub(super) const ALPN: u16 = 16;
const TIMESTAMPS: u16 = 18;
const PADDING: u16 = 21;
const ENCRYPT_THEN_MAC: u16 = 22;
const EXTENDED_MASTER_SECRET: u16 = 23;
const COMPRESS_CERTIFICATE: u16 = 27;
const RECORD_SIZE_LIMIT: u16 = 28;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
/// What only TLS 1.3 has.
pub(super) const EARLY_DATA: u16 = 42;
/// Which version is spoken.
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
const COOKIE: u16 = 44;
const KEY_EXCHANGE_MODES: u16 = 45;
const POST_HANDSHAKE_AUTH: u16 = 49;
const SIGNATURE_ALGORITHMS_CERT: u16 = 50;
const KEY_SHARE: u16 = 51;
const QUIC_PARAMETERS: u16 = 57;
const NEXT_PROTOCOL: u16 = 0x3374;
const APPLICATION_SETTINGS: u16 = 0x4469;
const RENEGOTIATION: u16 = 0xff01;
const QUIC_PARAMETERS_DRAFT: u16 = 0xffa5;

/// Which message holds extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    ClientHello,
    ServerHello,
    HelloRetryRequest,
    Other,
}

/// Dissects the extensions with their length; what JA3 wants of them goes into `lists`.
pub(super) fn all(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    holder: Holder,
    lists: &mut Lists,
) -> Result<(), Stop> {
    if region.reported() < 2 {
        return Ok(());
    }
    let end = 2 + usize::from(walk.u16(super::EXTENSIONS_LEN, region, 0)?);
    // A list that says more than there is is not read at all.
    if end > region.reported() {
        return Ok(());
    }
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
        lists.extensions.push(kind);
        // One that says more than the list is the last; one that says more than the message is malformed.
        region.slice(at + 4, len)?;
        if at + 4 + len > end {
            walk.tree.close();
            return Ok(());
        }
        let data = region.part(at + 4, len);
        let depth = walk.tree.depth();
        match one(walk, &data, kind, holder, lists) {
            // Lengths within an extension that do not fit are remarked on, and the next one follows.
            Err(Stop::Malformed) => walk.tree.set_depth(depth),
            outcome => outcome?,
        }
        walk.tree.close();
        at += 4 + len;
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one extension after the other")]
fn one(
    walk: &mut Walk<'_, '_>,
    data: &Region<'_>,
    kind: u16,
    holder: Holder,
    lists: &mut Lists,
) -> Result<(), Stop> {
    let len = data.reported();
    let is_client = holder == Holder::ClientHello;
    match kind {
        SERVER_NAME if len > 0 => server_name(walk, data)?,
        STATUS_REQUEST if is_client && len > 0 => {
            walk.u8(super::STATUS_TYPE, data, 0)?;
            let ids = usize::from(walk.u16(super::STATUS_IDS_LEN, data, 1)?);
            walk.u16(super::STATUS_EXTS_LEN, data, 3 + ids)?;
        }
        MAX_FRAGMENT_LENGTH => {
            walk.u8(super::MAX_FRAGMENT_LENGTH, data, 0)?;
        }
        SUPPORTED_GROUPS => {
            let len = usize::from(walk.u16(super::GROUPS_LEN, data, 0)?);
            data.slice(2, len)?;
            let list = data.part(2, len);
            lists.groups = Lists::numbers(&list);
            let count = len / 2;
            let s = if count == 1 { "" } else { "s" };
            let node = walk
                .tree
                .add(super::GROUPS, list.place(0, len), Value::None);
            walk.tree
                .label(node, format_args!("Supported Groups ({count} group{s})"));
            walk.tree.open();
            for at in (0..count * 2).step_by(2) {
                walk.u16(super::GROUP, &list, at)?;
            }
            walk.tree.close();
        }
        POINT_FORMATS => {
            let len = usize::from(walk.u8(super::FORMATS_LEN, data, 0)?);
            data.slice(1, len)?;
            let list = data.part(1, len);
            lists.formats = list.captured().iter().map(|one| (*one).into()).collect();
            let node = walk
                .tree
                .add(super::FORMATS, list.place(0, len), Value::None);
            walk.tree
                .label(node, format_args!("Elliptic curves point formats ({len})"));
            walk.tree.open();
            for at in 0..len {
                walk.u8(super::FORMAT, &list, at)?;
            }
            walk.tree.close();
        }
        SIGNATURE_ALGORITHMS | SIGNATURE_ALGORITHMS_CERT => schemes(walk, data).map(|_| ())?,
        HEARTBEAT => {
            walk.u8(super::HEARTBEAT_MODE, data, 0)?;
        }
        ALPN => protocols(walk, data)?,
        PADDING => {
            walk.bytes(super::PADDING_DATA, data);
        }
        COMPRESS_CERTIFICATE if is_client => {
            let len = usize::from(walk.u8(super::COMPRESS_LEN, data, 0)?);
            for at in (1..=len.saturating_sub(1)).step_by(2) {
                walk.u16(super::COMPRESS_ALGORITHM, data, at)?;
            }
        }
        RECORD_SIZE_LIMIT => {
            walk.u16(super::RECORD_SIZE_LIMIT, data, 0)?;
        }
        SESSION_TICKET => {
            let node = walk.bytes(super::EXTENSION_DATA, data);
            let s = if len == 1 { "" } else { "s" };
            walk.tree.label(node, format_args!("Data ({len} byte{s})"));
        }
        PRE_SHARED_KEY => pre_shared_key(walk, data, holder)?,
        EARLY_DATA if holder == Holder::Other && len >= 4 => {
            walk.u32(super::MAX_EARLY_DATA, data, 0)?;
        }
        SUPPORTED_VERSIONS if is_client => {
            let len = usize::from(walk.u8(super::VERSIONS_LEN, data, 0)?);
            for at in (1..len).step_by(2) {
                walk.u16(super::SUPPORTED_VERSION, data, at)?;
            }
        }
        SUPPORTED_VERSIONS => {
            walk.u16(super::SUPPORTED_VERSION, data, 0)?;
        }
        COOKIE => {
            let len = usize::from(walk.u16(super::COOKIE_LEN, data, 0)?);
            data.slice(2, len)?;
            walk.tree
                .add(super::COOKIE, data.place(2, len), Value::Bytes);
        }
        KEY_EXCHANGE_MODES => {
            let len = usize::from(walk.u8(super::MODES_LEN, data, 0)?);
            for at in 1..=len {
                walk.u8(super::MODE, data, at)?;
            }
        }
        KEY_SHARE => key_share(walk, data, holder)?,
        QUIC_PARAMETERS | QUIC_PARAMETERS_DRAFT => quic_parameters::all(walk, data)?,
        NEXT_PROTOCOL => {
            let mut at = 0;
            while at < len {
                let name_len = usize::from(walk.u8(super::NPN_LEN, data, at)?);
                let name = Escaped(data.slice(at + 1, name_len)?);
                let place = data.place(at + 1, name_len);
                walk.tree
                    .add_formatted(super::NPN, place, format_args!("{name}"));
                at += 1 + name_len;
            }
        }
        APPLICATION_SETTINGS if is_client => {
            walk.u16(super::ALPS_LEN, data, 0)?;
            let place = data.place(2, len.saturating_sub(2));
            walk.tree.add(super::ALPS_LIST, place, Value::None);
            walk.tree.open();
            let mut at = 2;
            while at < len {
                let name_len = usize::from(walk.u8(super::ALPS_STR_LEN, data, at)?);
                let name = Escaped(data.slice(at + 1, name_len)?);
                let place = data.place(at + 1, name_len);
                walk.tree
                    .add_formatted(super::ALPS_STR, place, format_args!("{name}"));
                at += 1 + name_len;
            }
            walk.tree.close();
        }
        RENEGOTIATION if len > 0 => {
            walk.tree.heading(
                data.place(0, len),
                format_args!("Renegotiation Info extension"),
            );
            walk.tree.open();
            let len = usize::from(walk.u8(super::RENEGOTIATION_LEN, data, 0)?);
            if len > 0 {
                data.slice(1, len)?;
                walk.tree
                    .add(super::RENEGOTIATION_INFO, data.place(1, len), Value::Bytes);
            }
            walk.tree.close();
        }
        // These have nothing in them.
        SERVER_NAME
        | STATUS_REQUEST
        | TIMESTAMPS
        | ENCRYPT_THEN_MAC
        | EXTENDED_MASTER_SECRET
        | EARLY_DATA
        | POST_HANDSHAKE_AUTH
        | RENEGOTIATION
            if len == 0 => {}
        _ => {
            walk.bytes(super::EXTENSION_DATA, data);
        }
    }
    Ok(())
}

fn server_name(walk: &mut Walk<'_, '_>, data: &Region<'_>) -> Result<(), Stop> {
    let len = data.reported();
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
    Ok(())
}

fn protocols(walk: &mut Walk<'_, '_>, data: &Region<'_>) -> Result<(), Stop> {
    let len = data.reported();
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
    Ok(())
}

/// A list of signature schemes with its length; gives how long it is.
pub(super) fn schemes(walk: &mut Walk<'_, '_>, data: &Region<'_>) -> Result<usize, Stop> {
    let len = usize::from(walk.u16(super::SCHEMES_LEN, data, 0)?);
    data.slice(2, len)?;
    let list = data.part(2, len);
    let count = len / 2;
    let s = if count == 1 { "" } else { "s" };
    let node = walk
        .tree
        .add(super::SCHEMES, list.place(0, len), Value::None);
    walk.tree.label(
        node,
        format_args!("Signature Hash Algorithms ({count} algorithm{s})"),
    );
    walk.tree.open();
    for at in (0..count * 2).step_by(2) {
        scheme(walk, &list, at)?;
    }
    walk.tree.close();
    Ok(2 + len)
}

/// A signature scheme, with the two numbers that it was before TLS 1.3.
pub(super) fn scheme(walk: &mut Walk<'_, '_>, data: &Region<'_>, at: usize) -> Result<(), Stop> {
    let number = data.u16(at)?;
    let value = Value::Uint(number.into());
    let node = walk.tree.add(super::SCHEME, data.place(at, 2), value);
    if groups::scheme_name(number.into()).is_none()
        && let Some(hash) = scheme_hash_name((number >> 8).into())
        && let Some(signature) = scheme_signature_name((number & 0xff).into())
    {
        walk.tree.label(
            node,
            format_args!("Signature Algorithm: {hash} {signature} ({number:#06x})"),
        );
    }
    walk.tree.open();
    walk.u8(super::SCHEME_HASH, data, at)?;
    walk.u8(super::SCHEME_SIGNATURE, data, at + 1)?;
    walk.tree.close();
    Ok(())
}

fn key_share(walk: &mut Walk<'_, '_>, data: &Region<'_>, holder: Holder) -> Result<(), Stop> {
    let len = data.reported();
    walk.tree
        .heading(data.place(0, len), format_args!("Key Share extension"));
    walk.tree.open();
    match holder {
        Holder::ClientHello => {
            let end = 2 + usize::from(walk.u16(super::SHARES_LEN, data, 0)?);
            let mut at = 2;
            while at + 4 <= end {
                at += share(walk, &data.rest(at))?;
            }
        }
        Holder::ServerHello => {
            share(walk, data)?;
        }
        Holder::HelloRetryRequest => {
            walk.u16(super::SHARE_SELECTED, data, 0)?;
        }
        Holder::Other => {}
    }
    walk.tree.close();
    Ok(())
}

fn share(walk: &mut Walk<'_, '_>, data: &Region<'_>) -> Result<usize, Stop> {
    let (group, len) = (data.u16(0)?, usize::from(data.u16(2)?));
    // What nobody knows has no name here.
    match groups::group_name(group.into()) {
        Some(name) => walk.tree.heading(
            data.place(0, 4 + len),
            format_args!("Key Share Entry: Group: {name}, Key Exchange length: {len}"),
        ),
        None => walk.tree.heading(
            data.place(0, 4 + len),
            format_args!("Key Share Entry: Group: Unknown ({group}), Key Exchange length: {len}"),
        ),
    };
    walk.tree.open();
    walk.u16(super::SHARE_GROUP, data, 0)?;
    walk.u16(super::SHARE_KEY_LEN, data, 2)?;
    data.slice(4, len)?;
    walk.tree
        .add(super::SHARE_KEY, data.place(4, len), Value::Bytes);
    walk.tree.close();
    Ok(4 + len)
}

fn pre_shared_key(walk: &mut Walk<'_, '_>, data: &Region<'_>, holder: Holder) -> Result<(), Stop> {
    let len = data.reported();
    walk.tree
        .heading(data.place(0, len), format_args!("Pre-Shared Key extension"));
    walk.tree.open();
    match holder {
        Holder::ClientHello => {
            let end = 2 + usize::from(walk.u16(super::PSK_IDENTITIES_LEN, data, 0)?);
            let mut at = 2;
            while at + 2 <= end {
                let len = usize::from(data.u16(at)?);
                walk.tree.heading(
                    data.place(at, len + 6),
                    format_args!("PSK Identity (length: {len})"),
                );
                walk.tree.open();
                walk.u16(super::PSK_IDENTITY_LEN, data, at)?;
                data.slice(at + 2, len)?;
                walk.tree
                    .add(super::PSK_IDENTITY, data.place(at + 2, len), Value::Bytes);
                walk.u32(super::PSK_AGE, data, at + 2 + len)?;
                walk.tree.close();
                at += 6 + len;
            }
            let len = usize::from(walk.u16(super::PSK_BINDERS_LEN, data, end)?);
            walk.tree
                .add(super::PSK_BINDERS, data.place(end + 2, len), Value::None);
        }
        Holder::ServerHello => {
            walk.u16(super::PSK_SELECTED, data, 0)?;
        }
        _ => {}
    }
    walk.tree.close();
    Ok(())
}
