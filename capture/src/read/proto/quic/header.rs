//! Headers of packets (RFC 9000 section 17), and the payload behind them where it can be decrypted.

use super::cid::Cid;
use super::connections::Side;
use super::frame::{self, Packet};
use super::protection::{SAMPLE_LEN, TAG_LEN, Uncovered, is_retry_for, whole_number};
use super::version::{self, Kind, is_grease, is_v2};
use super::{Datagram, number};
use crate::read::proto::text::Hex;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

/// Drafts until this one have the ID that a Retry answers in it, and no tag.
const LAST_WITH_ORIGINAL_ID: u32 = 24;

/// What is known of an Initial packet behind its header protection.
#[derive(Clone, Copy, Debug)]
struct Known {
    uncovered: Uncovered,
    number: u64,
}

/// Dissects one packet of a datagram; whether others can follow.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    node: Added,
    datagram: &Datagram,
) -> Result<bool, Stop> {
    let first = packet.u8(0)?;
    if first & 0x80 == 0 {
        let end = short(walk, packet, node, datagram)?;
        remaining(walk, packet, end);
        return Ok(true);
    }
    let place = packet.place(0, 1);
    walk.tree.add(super::HEADER_FORM, place, Value::Uint(1));
    let version = packet.u32(1)?;
    if version == 0 {
        walk.columns.set_info(format_args!("Version Negotiation"));
        let unused = Value::Uint((first & 0x7f).into());
        walk.tree.add(super::VN_UNUSED, place, unused);
        let mut at = ids(walk, packet)?;
        while at < packet.reported() {
            let supported = packet.u32(at)?;
            let value = Value::Uint(supported.into());
            let node = walk
                .tree
                .add(super::SUPPORTED_VERSION, packet.place(at, 4), value);
            if is_grease(supported) {
                walk.tree.label(
                    node,
                    format_args!("Supported Version: Unknown ({supported:#010x}) (GREASE)"),
                );
            }
            at += 4;
        }
        return Ok(false);
    }
    let end = match Kind::of(first, version) {
        Kind::Retry => retry(walk, packet, datagram)?,
        kind => long(walk, packet, node, datagram, kind)?,
    };
    remaining(walk, packet, end);
    Ok(true)
}

fn remaining(walk: &mut Walk<'_, '_>, packet: &Region<'_>, end: usize) {
    if end < packet.reported() {
        walk.bytes(super::REMAINING_PAYLOAD, &packet.rest(end));
    }
}

/// Version and IDs; gives where they end.
fn ids(walk: &mut Walk<'_, '_>, packet: &Region<'_>) -> Result<usize, Stop> {
    let version = packet.u32(1)?;
    let value = Value::Uint(version.into());
    let node = walk.tree.add(super::VERSION, packet.place(1, 4), value);
    if is_grease(version) {
        walk.tree.label(
            node,
            format_args!("Version: Unknown ({version:#010x}) (Forcing Version Negotiation)"),
        );
    }
    let mut at = 5;
    let mut shown = [Cid::default(); 2];
    for (place, (len_field, field)) in [(super::DCIL, super::DCID), (super::SCIL, super::SCID)]
        .into_iter()
        .enumerate()
    {
        let len = walk.u8(len_field, packet, at)?;
        at += 1;
        if len > 0 {
            packet.slice(at, len.into())?;
            walk.tree
                .add(field, packet.place(at, len.into()), Value::Bytes);
            shown[place] = Cid::read(packet, at, len)?;
            at += usize::from(len);
        }
    }
    for (word, id) in ["DCID", "SCID"].into_iter().zip(shown) {
        if !id.is_none() {
            walk.columns.append_info(format_args!(", {word}={id}"));
        }
    }
    Ok(at)
}

fn packet_type(walk: &mut Walk<'_, '_>, packet: &Region<'_>) -> Result<(), Stop> {
    let (first, version) = (packet.u8(0)?, packet.u32(1)?);
    let field = if is_v2(version) {
        super::PACKET_TYPE_V2
    } else {
        super::PACKET_TYPE
    };
    let value = Value::Uint((first >> 4 & 3).into());
    walk.tree.add(field, packet.place(0, 1), value);
    Ok(())
}

fn retry(walk: &mut Walk<'_, '_>, packet: &Region<'_>, datagram: &Datagram) -> Result<usize, Stop> {
    let version = packet.u32(1)?;
    packet_type(walk, packet)?;
    walk.columns.set_info(format_args!("Retry"));
    let mut at = ids(walk, packet)?;
    let draft = version::draft(version);
    let is_old = draft > 0 && draft <= LAST_WITH_ORIGINAL_ID;
    if is_old {
        let len = walk.u8(super::ODCIL, packet, at)?;
        at += 1;
        packet.slice(at, len.into())?;
        walk.tree
            .add(super::ODCID, packet.place(at, len.into()), Value::Bytes);
        at += usize::from(len);
    }
    let mut len = packet.reported().saturating_sub(at);
    if !is_old && len >= TAG_LEN {
        len -= TAG_LEN;
    }
    packet.slice(at, len)?;
    walk.tree
        .add(super::RETRY_TOKEN, packet.place(at, len), Value::Bytes);
    at += len;
    if is_old {
        return Ok(at);
    }
    let tag = packet.slice(at, TAG_LEN)?;
    let place = packet.place(at, TAG_LEN);
    let node = walk.tree.add(super::RETRY_TAG, place, Value::Bytes);
    let whole = packet.slice(0, at + TAG_LEN)?;
    let verdict = datagram
        .answers
        .map(|id| is_retry_for(id.bytes(), version, whole));
    match verdict {
        Some(true) if walk.tree.labels() => {
            let tag = Hex(tag);
            walk.tree
                .label(node, format_args!("Retry Integrity Tag: {tag} [verified]"));
        }
        Some(true) => {}
        Some(false) => walk.expert(
            node,
            super::BAD_RETRY,
            super::PROTOCOL_NOTE,
            format_args!("Retry Integrity Tag verification failure"),
        ),
        None => walk.expert(
            node,
            super::BAD_RETRY,
            super::PROTOCOL_NOTE,
            format_args!("Cannot verify Retry Packet due to unknown ODCID"),
        ),
    }
    Ok(at + TAG_LEN)
}

/// Why a packet's number stays hidden.
fn obstacle(walk: &Walk<'_, '_>, datagram: &Datagram, kind: Kind) -> Option<&'static str> {
    let number = datagram.connection?;
    match kind {
        Kind::Handshake if !walk.memory.tls.knows_cipher(number) => {
            Some("Unable to retrieve cipher information")
        }
        Kind::Handshake => Some("Secrets are not available"),
        Kind::ZeroRtt if datagram.sender == Side::Client => Some("Secrets are not available"),
        _ => None,
    }
}

/// Takes off the header protection of an Initial packet.
fn uncover(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    datagram: &Datagram,
) -> Result<Result<Known, &'static str>, Stop> {
    const FAILED: Result<Known, &str> = Err("Header deprotection failed");
    let beginning = super::beginning(packet)?;
    let Some(connection) = walk.quic_connection(datagram) else {
        return Ok(FAILED);
    };
    let largest = connection.largest[datagram.sender.index()];
    let Some(keys) = connection.keys(&beginning, datagram.sender) else {
        return Ok(FAILED);
    };
    let at = number_at(packet, Kind::Initial)?;
    let sample = packet.array::<SAMPLE_LEN>(at.saturating_add(4))?;
    let uncovered = keys.uncover(packet.u8(0)?, packet.array(at)?, sample);
    Ok(Ok(Known {
        uncovered,
        number: whole_number(largest, uncovered),
    }))
}

/// Where the packet number begins.
fn number_at(packet: &Region<'_>, kind: Kind) -> Result<usize, Stop> {
    let mut at = 6 + usize::from(packet.u8(5)?);
    at += 1 + usize::from(packet.u8(at)?);
    if kind == Kind::Initial {
        let (len, size) = number(packet, at)?;
        at = at
            .saturating_add(size)
            .saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
    }
    let (_, size) = number(packet, at)?;
    Ok(at.saturating_add(size))
}

fn long(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    node: Added,
    datagram: &Datagram,
    kind: Kind,
) -> Result<usize, Stop> {
    let known = match (kind, datagram.connection) {
        (_, None) => Err("Failed to decrypt packet number"),
        (Kind::Initial, Some(_)) => uncover(walk, packet, datagram)?,
        _ => Err(obstacle(walk, datagram, kind).unwrap_or("Failed to decrypt packet number")),
    };
    let place = packet.place(0, 1);
    let first = packet.u8(0)?;
    walk.tree
        .add(super::FIXED_BIT, place, Value::Bool(first & 0x40 != 0));
    packet_type(walk, packet)?;
    if let Ok(known) = known {
        let first = known.uncovered.first;
        walk.tree.add(
            super::LONG_RESERVED,
            place,
            Value::Uint((first >> 2 & 3).into()),
        );
        walk.tree
            .add(super::NUMBER_LEN, place, Value::Uint((first & 3).into()));
    }
    walk.columns.set_info(format_args!("{}", kind.name()));
    let mut at = ids(walk, packet)?;
    if kind == Kind::Initial {
        let (len, size) = number(packet, at)?;
        walk.tree.add(
            super::TOKEN_LENGTH,
            packet.place(at, size),
            Value::Uint(len),
        );
        at += size;
        if len > 0 {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            packet.slice(at, len)?;
            walk.tree
                .add(super::TOKEN, packet.place(at, len), Value::Bytes);
            at += len;
        }
    }
    let (len, size) = number(packet, at)?;
    walk.tree
        .add(super::LENGTH, packet.place(at, size), Value::Uint(len));
    at += size;
    let Known { uncovered, number } = match known {
        Ok(known) => known,
        Err(text) => {
            if datagram.connection.is_some() && text != "Failed to decrypt packet number" {
                walk.decryption_failed(
                    node,
                    format_args!("Failed to create decryption context: {text}"),
                );
            } else {
                walk.decryption_failed(node, format_args!("{text}"));
            }
            return Ok(at);
        }
    };
    let place = packet.place(at, uncovered.len);
    walk.tree.add(super::NUMBER, place, Value::Uint(number));
    walk.columns.append_info(format_args!(", PKN: {number}"));
    let header = at + uncovered.len;
    payload(walk, packet, header, datagram, Known { uncovered, number })?;
    Ok(packet.reported())
}

/// Decrypts an Initial packet's payload and dissects it.
fn payload(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    header_len: usize,
    datagram: &Datagram,
    known: Known,
) -> Result<(), Stop> {
    let rest = packet.rest(header_len);
    let node = walk.bytes(super::PAYLOAD, &rest);
    let sealed = rest.captured();
    if sealed.len() <= TAG_LEN {
        walk.decryption_failed(
            node,
            format_args!("Decryption failed: Decryption not possible, ciphertext is too short"),
        );
        return Ok(());
    }
    let beginning = super::beginning(packet)?;
    let mut header = packet.slice(0, header_len)?.to_vec();
    header[0] = known.uncovered.first;
    let bytes = known.number.to_be_bytes();
    let count = known.uncovered.len;
    header[header_len - count..].copy_from_slice(&bytes[bytes.len() - count..]);
    let Some(connection) = walk.quic_connection(datagram) else {
        return Ok(());
    };
    let plain = connection
        .keys(&beginning, datagram.sender)
        .and_then(|keys| keys.open(&header, known.number, sealed));
    let Some(plain) = plain else {
        walk.decryption_failed(
            node,
            format_args!("Decryption failed: Decryption (checktag) failed: Checksum error"),
        );
        return Ok(());
    };
    connection.largest[datagram.sender.index()] = known.number;
    let len = plain.len() as u32;
    let source = walk.tree.add_source("Decrypted QUIC", plain.clone());
    let region = Region::new(source, &plain, len);
    let inside = Packet {
        connection: datagram.connection.unwrap_or_default(),
        sender: datagram.sender,
    };
    frame::all(walk, &region, inside)
}

/// A packet with a short header; gives where what can be read ends.
fn short(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    node: Added,
    datagram: &Datagram,
) -> Result<usize, Stop> {
    let all = packet.place(0, packet.captured().len());
    let heading = walk.tree.add(super::SHORT, all, Value::None);
    let first = packet.u8(0)?;
    let place = packet.place(0, 1);
    walk.tree.open();
    walk.tree.add(super::HEADER_FORM, place, Value::Uint(0));
    walk.tree
        .add(super::FIXED_BIT, place, Value::Bool(first & 0x40 != 0));
    walk.tree
        .add(super::SPIN_BIT, place, Value::Bool(first & 0x20 != 0));
    walk.columns
        .set_info(format_args!("Protected Payload (KP0)"));
    let sender = datagram.sender;
    let len = walk
        .quic_connection(datagram)
        .map_or(0, |connection| connection.id_to(sender).len());
    if len > 0 {
        let id = Cid::read(packet, 1, len)?;
        let place = packet.place(1, len.into());
        walk.tree.add(super::DCID, place, Value::Bytes);
        walk.columns.append_info(format_args!(", DCID={id}"));
        walk.tree
            .label(heading, format_args!("QUIC Short Header DCID={id}"));
    }
    walk.tree.close();
    if let Some(number) = datagram.connection {
        let knows_cipher = walk.memory.tls.knows_cipher(number);
        let Some(connection) = walk.memory.quic.get(number) else {
            return Ok(1 + usize::from(len));
        };
        let text = match (knows_cipher, connection.is_sealed) {
            (_, true) => None,
            (true, false) => {
                connection.is_sealed = true;
                Some("Secrets are not available")
            }
            (false, false) => Some("Missing TLS handshake, unsupported ciphers or padding"),
        };
        if let Some(text) = text {
            walk.decryption_failed(
                node,
                format_args!("Failed to create decryption context: {text}"),
            );
        }
    }
    Ok(1 + usize::from(len))
}
