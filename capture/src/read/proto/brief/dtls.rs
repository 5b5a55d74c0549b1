//! DTLS (RFC 6347): which messages a datagram carries, by Wireshark's rules.

use super::memory::Fragments;
use super::names;
use crate::read::proto::tls;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const RECORD_LEN: usize = 13;
const MESSAGE_LEN: usize = 12;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
const CONNECTION_ID: u8 = 25;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

const fn version_name(version: u16) -> Option<&'static str> {
    Some(match version {
        0xfefd => "DTLSv1.2",
        0xfeff => "DTLSv1.0",
        0x0100 => "DTLS 1.0 (OpenSSL pre 0.9.8f)",
        _ => return None,
    })
}

/// Whether a datagram is made of records, all of it.
fn recognizes(region: &Region<'_>) -> bool {
    let bytes = region.captured();
    let mut rest = bytes;
    while let Some((header, more)) = rest.split_first_chunk::<RECORD_LEN>() {
        let version = u16::from_be_bytes([header[1], header[2]]);
        if !matches!(header[0], CHANGE_CIPHER_SPEC..=CONNECTION_ID)
            || version_name(version).is_none()
        {
            return false;
        }
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        match more.get(len..) {
            Some([]) => return true,
            Some(more) => rest = more,
            // It may go on behind what was captured.
            None => return bytes.len() < region.reported(),
        }
    }
    false
}

/// Dissects the records of a datagram, if it is made of them.
pub(super) fn datagram(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
) -> Option<Result<(), Stop>> {
    recognizes(region).then(|| records(walk, region, stream))
}

/// Dissects records.
pub(super) fn records(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
) -> Result<(), Stop> {
    walk.columns.set_protocol("DTLS");
    walk.columns.clear_info();
    walk.begin(names::dtls::THIS, region, region.captured().len());
    walk.end();
    let mut at = 0;
    while at < region.reported() {
        let kind = region.u8(at)?;
        let version = region.u16(at + 1)?;
        let len = usize::from(region.u16(at + 11)?);
        let first = region.u8(at + RECORD_LEN)?;
        let is_settling = match kind {
            HANDSHAKE => first != CLIENT_HELLO && tls::handshake_name(first.into()).is_some(),
            _ => matches!(kind, CHANGE_CIPHER_SPEC..=CONNECTION_ID),
        };
        if walk.memory.brief.secured(stream).is_none()
            && is_settling
            && let Some(name) = version_name(version)
        {
            walk.memory.brief.secure(stream, name);
        }
        let shown = walk.memory.brief.secured(stream).unwrap_or("DTLS");
        walk.columns.set_protocol(shown);
        let body = region.part(at + RECORD_LEN, len);
        record(walk, &body, kind, stream)?;
        at += RECORD_LEN + len;
    }
    Ok(())
}

fn tell(walk: &mut Walk<'_, '_>, text: &str) {
    walk.columns.append_text_after(", ", text);
}

fn record(walk: &mut Walk<'_, '_>, body: &Region<'_>, kind: u8, stream: u32) -> Result<(), Stop> {
    match kind {
        CHANGE_CIPHER_SPEC => {
            tell(walk, "Change Cipher Spec");
            body.u8(0)?;
        }
        ALERT => {
            let (level, description) = (body.u8(0)?, body.u8(1)?);
            let names = (
                tls::level_name(level.into()),
                tls::alert_name(description.into()),
            );
            match names {
                (Some(level), Some(description)) => {
                    let text = format!("Alert (Level: {level}, Description: {description})");
                    tell(walk, &text);
                }
                _ => tell(walk, "Encrypted Alert"),
            }
        }
        HANDSHAKE => return handshake(walk, body, stream),
        APPLICATION_DATA => tell(walk, "Application Data"),
        HEARTBEAT => heartbeat(walk, body)?,
        CONNECTION_ID => tell(walk, "Connection ID"),
        _ => tell(walk, "Continuation Data"),
    }
    Ok(())
}

fn heartbeat(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    const PADDING_LEN: usize = 16;
    let kind = body.u8(0)?;
    let len = usize::from(body.u16(1)?);
    let fits = len <= body.reported().saturating_sub(3 + PADDING_LEN);
    match kind {
        1 if fits => tell(walk, "Heartbeat Request"),
        2 if fits => tell(walk, "Heartbeat Response"),
        _ => tell(walk, "Encrypted Heartbeat"),
    }
    Ok(())
}

/// Tells the messages of a record, and which of them are pieces.
fn handshake(walk: &mut Walk<'_, '_>, body: &Region<'_>, stream: u32) -> Result<(), Stop> {
    let end = body.reported();
    let mut at = 0;
    while at < end {
        let kind = body.u8(at)?;
        let piece_len = body.u24(at + 9)? as usize;
        // What goes past its record is not what it seems.
        let fits = at + piece_len <= end;
        let Some(name) = tls::handshake_name(kind.into()).filter(|_| fits) else {
            if at == 0 {
                tell(walk, "Encrypted Handshake Message");
            }
            return Ok(());
        };
        tell(walk, name);
        let len = body.u24(at + 1)? as usize;
        let number = body.u16(at + 4)?;
        let offset = body.u24(at + 6)? as usize;
        let piece_end = offset + piece_len;
        let mut is_whole = true;
        if piece_end > len {
            is_whole = offset == 0;
        } else if piece_len < len && (offset == 0 || piece_len > 0) {
            body.slice(at + MESSAGE_LEN, piece_len)?;
            let from = walk.carrier.source.wide();
            let pieces: &mut Fragments = &mut walk.memory.brief.fragments;
            let is_last = pieces.add((stream, from, number), offset, piece_end, len);
            let text = if is_last {
                " (Reassembled)"
            } else {
                " (Fragment)"
            };
            walk.columns.append_info(format_args!("{text}"));
            is_whole = false;
        }
        if is_whole && kind == SERVER_HELLO {
            let version = body.u16(at + MESSAGE_LEN)?;
            if let Some(name) = version_name(version) {
                walk.memory.brief.secure(stream, name);
                walk.columns.set_protocol(name);
            }
        }
        at += MESSAGE_LEN + piece_len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_registry() {
        // RFC 6347 section 4.1: {254, 253}; RFC 4347: {254, 255}.
        assert_eq!(version_name(0xfefd), Some("DTLSv1.2"));
        assert_eq!(version_name(0xfeff), Some("DTLSv1.0"));
        assert_eq!(version_name(0x0303), None);
    }
}
