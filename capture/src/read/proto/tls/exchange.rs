//! The handshake messages after the hellos: certificates, key exchange, tickets (RFC 5246 section 7.4,
//! RFC 8446 section 4.4).

use super::extension::{self, Holder};
use super::ja3::Lists;
use super::names::suite_name;
use super::session::Version;
use crate::read::FieldId;
use crate::read::proto::text::Words;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// How the parties agree on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Curve,
    Group,
    Rsa,
    Unknown,
}

impl Exchange {
    /// From the name of the cipher suite.
    fn of(suite: u16) -> Self {
        let name = suite_name(suite.into()).unwrap_or("");
        let name = name.strip_prefix("TLS_").unwrap_or(name);
        let exchange = name.split("_WITH_").next().unwrap_or("");
        match exchange {
            "ECDHE_ECDSA" | "ECDHE_RSA" | "ECDH_ECDSA" | "ECDH_RSA" | "ECDH_anon" => Self::Curve,
            "DHE_RSA" | "DHE_DSS" | "DH_RSA" | "DH_DSS" | "DH_anon" => Self::Group,
            "RSA" => Self::Rsa,
            _ => Self::Unknown,
        }
    }
}

/// Bytes behind their length, which has `size` bytes; gives what follows.
fn counted(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    at: usize,
    size: usize,
    [len_field, field]: [FieldId; 2],
) -> Result<usize, Stop> {
    let len = match size {
        1 => usize::from(body.u8(at)?),
        2 => usize::from(body.u16(at)?),
        _ => body.u24(at)? as usize,
    };
    walk.tree
        .add(len_field, body.place(at, size), Value::Uint(len as u64));
    let start = at + size;
    body.slice(start, len)?;
    walk.tree.add(field, body.place(start, len), Value::Bytes);
    Ok(start + len)
}

fn signature(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    mut at: usize,
    version: Version,
    fields: [FieldId; 2],
) -> Result<(), Stop> {
    if at >= body.reported() {
        return Ok(());
    }
    if version >= Version::TLS_1_2 {
        extension::scheme(walk, body, at)?;
        at += 2;
    }
    counted(walk, body, at, 2, fields)?;
    Ok(())
}

/// What a server needs to agree on a key.
pub(super) fn server_keys(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    (suite, version): (u16, Version),
) -> Result<(), Stop> {
    let place = body.place(0, body.captured().len());
    let sig = [super::SIGNATURE_LEN, super::SIGNATURE];
    match Exchange::of(suite) {
        Exchange::Curve => {
            walk.tree
                .heading(place, format_args!("EC Diffie-Hellman Server Params"));
            walk.tree.open();
            // Others than named curves are not seen.
            if walk.u8(super::CURVE_TYPE, body, 0)? == 3 {
                walk.u16(super::NAMED_CURVE, body, 1)?;
                let point = [super::SERVER_POINT_LEN, super::SERVER_POINT];
                let at = counted(walk, body, 3, 1, point)?;
                signature(walk, body, at, version, sig)?;
            }
            walk.tree.close();
        }
        Exchange::Group => {
            walk.tree
                .heading(place, format_args!("Diffie-Hellman Server Params"));
            walk.tree.open();
            let mut at = counted(walk, body, 0, 2, [super::P_LEN, super::P])?;
            at = counted(walk, body, at, 2, [super::G_LEN, super::G])?;
            at = counted(walk, body, at, 2, [super::YS_LEN, super::YS])?;
            signature(walk, body, at, version, sig)?;
            walk.tree.close();
        }
        Exchange::Rsa | Exchange::Unknown => {}
    }
    Ok(())
}

/// What a client needs to agree on a key.
pub(super) fn client_keys(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    (suite, version): (u16, Version),
) -> Result<(), Stop> {
    let place = body.place(0, body.captured().len());
    let (title, size, fields) = match Exchange::of(suite) {
        Exchange::Curve => (
            "EC Diffie-Hellman Client Params",
            1,
            [super::CLIENT_POINT_LEN, super::CLIENT_POINT],
        ),
        Exchange::Group => (
            "Diffie-Hellman Client Params",
            2,
            [super::YC_LEN, super::YC],
        ),
        Exchange::Rsa => (
            "RSA Encrypted PreMaster Secret",
            2,
            [super::SECRET_LEN, super::SECRET],
        ),
        Exchange::Unknown => return Ok(()),
    };
    walk.tree.heading(place, format_args!("{title}"));
    walk.tree.open();
    if size == 2 && version == Version::SSL_3 && Exchange::of(suite) == Exchange::Rsa {
        // SSL 3 has no length here.
        walk.bytes(super::SECRET, body);
    } else {
        counted(walk, body, 0, size, fields)?;
    }
    walk.tree.close();
    Ok(())
}

/// A ticket with which a client can go on later (RFC 5077, RFC 8446 section 4.6.1).
pub(super) fn ticket(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    version: Version,
) -> Result<(), Stop> {
    let place = body.place(0, body.captured().len());
    walk.tree.heading(place, format_args!("TLS Session Ticket"));
    walk.tree.open();
    let lifetime = body.u32(0)?;
    let added = walk.tree.add(
        super::TICKET_LIFETIME,
        body.place(0, 4),
        Value::Uint(lifetime.into()),
    );
    let s = if lifetime == 1 { "" } else { "s" };
    if lifetime >= 60 {
        walk.tree.label(
            added,
            format_args!(
                "Session Ticket Lifetime Hint: {lifetime} second{s} ({})",
                Words(lifetime)
            ),
        );
    } else {
        walk.tree.label(
            added,
            format_args!("Session Ticket Lifetime Hint: {lifetime} second{s}"),
        );
    }
    let mut at = 4;
    let is_new = version == Version::TLS_1_3;
    if is_new {
        walk.u32(super::TICKET_AGE_ADD, body, at)?;
        let nonce = [super::TICKET_NONCE_LEN, super::TICKET_NONCE];
        at = counted(walk, body, at + 4, 1, nonce)?;
    }
    at = counted(walk, body, at, 2, [super::TICKET_LEN, super::TICKET])?;
    if is_new {
        extension::all(walk, &body.rest(at), Holder::Other, &mut Lists::default())?;
    }
    walk.tree.close();
    Ok(())
}

/// Certificates (RFC 5246 section 7.4.2).
pub(super) fn certificates(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    let len = body.u24(0)? as usize;
    let value = Value::Uint(len as u64);
    walk.tree
        .add(super::CERTIFICATES_LEN, body.place(0, 3), value);
    let list = body.part(3, len);
    let place = list.place(0, len);
    let node = walk.tree.add(super::CERTIFICATES, place, Value::None);
    walk.tree
        .label(node, format_args!("Certificates ({len} bytes)"));
    walk.tree.open();
    let mut at = 0;
    while at + 3 <= list.reported() {
        let fields = [super::CERTIFICATE_LEN, super::CERTIFICATE];
        at = counted(walk, &list, at, 3, fields)?;
    }
    walk.tree.close();
    Ok(())
}

/// What is known of whether a certificate still holds (RFC 6066 section 8).
pub(super) fn status(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    if walk.u8(super::STATUS_TYPE, body, 0)? == 1 {
        let len = body.u24(1)?;
        walk.tree
            .add(super::OCSP_LEN, body.place(1, 3), Value::Uint(len.into()));
        walk.tree
            .heading(body.place(4, len as usize), format_args!("OCSP Response"));
    }
    Ok(())
}

/// The server wants a certificate (RFC 5246 section 7.4.4).
pub(super) fn request(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    version: Version,
) -> Result<(), Stop> {
    let count = usize::from(walk.u8(super::CERT_TYPES_COUNT, body, 0)?);
    let s = if count == 1 { "" } else { "s" };
    let place = body.place(1, count);
    let node = walk.tree.add(super::CERT_TYPES, place, Value::None);
    walk.tree
        .label(node, format_args!("Certificate types ({count} type{s})"));
    walk.tree.open();
    for at in 1..=count {
        walk.u8(super::CERT_TYPE, body, at)?;
    }
    walk.tree.close();
    let mut at = 1 + count;
    if version >= Version::TLS_1_2 {
        at += extension::schemes(walk, &body.rest(at))?;
    }
    walk.u16(super::DNAMES_LEN, body, at)?;
    Ok(())
}

/// The client shows that it has the key to its certificate.
pub(super) fn verify(
    walk: &mut Walk<'_, '_>,
    body: &Region<'_>,
    version: Version,
) -> Result<(), Stop> {
    signature(walk, body, 0, version, [super::VERIFY_LEN, super::VERIFY])
}
