//! What QUIC was at Google (versions Q02x to Q046), as Wireshark's `packet-gquic.c` tells it in the list:
//! the first messages, which are not encrypted, and packet numbers.
//!
//! Bounded: the oldest of more than [`MAX_STREAMS`] streams is forgotten.

use std::collections::BTreeMap;

use crate::read::proto::data;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// How many streams are remembered.
const MAX_STREAMS: usize = 1 << 16;
/// Flags of the first byte, up to Q043.
const HAS_VERSION: u8 = 0x01;
const RESET: u8 = 0x02;
const HAS_NONCE: u8 = 0x04;
const HAS_ID: u8 = 0x08;
/// Later ones begin with the bits of a header that is long, or short.
const LATER: u8 = 0xc0;
const LONG: u8 = 0xc0;
const HTTPS_PORT: u16 = 443;
const ID_LEN: usize = 8;

/// The streams that are known.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    streams: BTreeMap<u32, Stream>,
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug)]
struct Stream {
    /// `None` if it is no number.
    version: Option<u8>,
    /// Numbers are written in the order of the network, as from Q039 on.
    is_big: bool,
    server_port: u16,
}

/// Whether a datagram begins a conversation.
fn begins(bytes: &[u8]) -> bool {
    match bytes {
        [first, rest @ ..] if first & LATER == 0 => {
            let flags = HAS_VERSION | HAS_ID;
            let version = rest.get(ID_LEN..ID_LEN + 4).unwrap_or(&[]);
            first & flags == flags && matches!(version, [b'Q', b'0', b'2' | b'3' | b'4', _])
        }
        [first, rest @ ..] if first & LATER == LONG => {
            rest.len() >= 13 && rest.starts_with(b"Q046")
        }
        _ => false,
    }
}

/// The number in `Q046`.
fn version(text: &[u8]) -> Option<u8> {
    str::from_utf8(text.get(1..4)?).ok()?.parse().ok()
}

/// A number of up to eight bytes.
fn number(region: &Region<'_>, at: usize, len: usize, is_big: bool) -> Result<u64, Stop> {
    let bytes = region.slice(at, len)?;
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    Ok(if is_big {
        bytes.iter().fold(0, add)
    } else {
        bytes.iter().rev().fold(0, add)
    })
}

/// Dissects a datagram, if it is Google's.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
    ports: [u16; 2],
) -> Result<bool, Stop> {
    let streams = &mut walk.memory.google.streams;
    let mut known = match streams.get(&stream) {
        Some(known) => *known,
        None if begins(region.captured()) => {
            if streams.len() >= MAX_STREAMS {
                streams.pop_first();
            }
            Stream {
                version: Some(0),
                is_big: region.u8(0)? & LATER != 0,
                server_port: HTTPS_PORT,
            }
        }
        None => return Ok(false),
    };
    walk.columns.set_protocol("GQUIC");
    walk.columns.clear_info();
    let outcome = if region.u8(0)? & LATER == 0 {
        earlier(walk, region, &mut known, ports)
    } else {
        later(walk, region, &mut known, ports)
    };
    walk.memory.google.streams.insert(stream, known);
    outcome?;
    data::dissect(walk, *region)?;
    Ok(true)
}

/// A packet of up to Q043.
fn earlier(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    known: &mut Stream,
    ports: [u16; 2],
) -> Result<(), Stop> {
    const NONCE_LEN: usize = 32;
    const BIG_FROM: u8 = 39;
    const NONCE_FROM: u8 = 33;
    let flags = region.u8(0)?;
    let id_len = if flags & HAS_ID == 0 { 0 } else { ID_LEN };
    if flags & HAS_VERSION != 0 {
        known.version = version(region.slice(1 + id_len, 4)?);
    }
    known.is_big |= known.version.is_some_and(|version| version >= BIG_FROM);
    let id = number(region, 1, id_len, known.is_big)?;
    let mut at = 1 + id_len;
    let is_server = ports[0] == known.server_port;
    if flags & HAS_VERSION != 0 {
        if is_server {
            walk.columns
                .append_info(format_args!("Version Negotiation, CID: {id}"));
            return Ok(());
        }
        at += 4;
    }
    if flags & RESET != 0 {
        walk.columns
            .append_info(format_args!("Public Reset, CID: {id}"));
        return Ok(());
    }
    let has_nonce = known.version.is_some_and(|version| version >= NONCE_FROM);
    if flags & HAS_NONCE != 0 && has_nonce && is_server {
        at += NONCE_LEN;
    }
    let number_len = [1, 2, 4, 6][usize::from(flags >> 4 & 3)];
    rest(walk, region, (at, number_len), id, known, ports)
}

/// A packet of Q046.
fn later(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    known: &mut Stream,
    ports: [u16; 2],
) -> Result<(), Stop> {
    let first = region.u8(0)?;
    let is_server = ports[0] == known.server_port;
    let (mut at, mut id_len) = (1, if is_server { 0 } else { ID_LEN });
    if first & LATER == LONG {
        known.version = version(region.slice(1, 4)?);
        let lengths = region.u8(5)?;
        id_len = usize::from(if is_server {
            lengths & 0xf
        } else {
            lengths >> 4
        }) + 3;
        at = 6;
    }
    let id = number(region, at, id_len.min(ID_LEN), known.is_big)?;
    at += id_len;
    let number_len = usize::from(first & 3) + 1;
    rest(walk, region, (at, number_len), id, known, ports)
}

/// What follows the header: the packet number at this place, of this length, and what it carries.
fn rest(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    (at, number_len): (usize, usize),
    id: u64,
    known: &mut Stream,
    ports: [u16; 2],
) -> Result<(), Stop> {
    let packet = number(region, at, number_len, known.is_big)?;
    let frames = region.rest(at + number_len);
    let message = first_message(&frames, number_len, *known).ok().flatten();
    let name = message.unwrap_or("Payload (Encrypted)");
    if message == Some("Client Hello") && ports[0] != HTTPS_PORT {
        known.server_port = ports[1];
    }
    walk.columns
        .append_info(format_args!("{name}, PKN: {packet}"));
    if id != 0 {
        walk.columns.append_info(format_args!(", CID: {id}"));
    }
    Ok(())
}

/// The message that the frames of a packet hold, if they are not encrypted.
fn first_message(
    region: &Region<'_>,
    number_len: usize,
    known: Stream,
) -> Result<Option<&'static str>, Stop> {
    const HASH_LEN: usize = 12;
    const STREAM: u8 = 0x80;
    const ACK: u8 = 0x40;
    const SPECIAL: u8 = 0xe0;
    let is_old = known.version.is_some_and(|version| version < 34);
    if region.captured().len() <= HASH_LEN + 1 {
        return Ok(None);
    }
    let mut at = HASH_LEN + usize::from(is_old);
    let mut blocks = 0;
    while at + 1 < region.captured().len() {
        let kind = region.u8(at)?;
        at += 1;
        if kind & STREAM != 0 {
            const HAS_LEN: u8 = 0x20;
            let offset_len = [0, 2, 3, 4, 5, 6, 7, 8][usize::from(kind >> 2 & 7)];
            let len_len = if kind & HAS_LEN == 0 { 0 } else { 2 };
            at += usize::from(kind & 3) + 1 + offset_len + len_len;
            match &region.array::<4>(at)? {
                b"CHLO" => return Ok(Some("Client Hello")),
                b"SHLO" => return Ok(Some("Server Hello")),
                b"REJ\0" => return Ok(Some("Rejection")),
                _ => {}
            }
        } else if kind & ACK != 0 {
            at = behind_ack(region, at, kind, is_old, &mut blocks)?;
        } else if kind & SPECIAL == 0 {
            at += match kind {
                0 => return Ok(None),
                1 => 16,
                2 => {
                    let len = number(region, at + 4, 2, known.is_big)? as usize;
                    if region.captured().len() == at + 6 + len {
                        return Ok(Some("Connection Close"));
                    }
                    6
                }
                3 => 10 + number(region, at + 8, 2, known.is_big)? as usize,
                4 => 12,
                5 => 4,
                6 => usize::from(is_old) + number_len,
                _ => 0,
            };
        }
    }
    Ok(None)
}

/// Where an acknowledgement ends.
fn behind_ack(
    region: &Region<'_>,
    mut at: usize,
    kind: u8,
    is_old: bool,
    blocks: &mut usize,
) -> Result<usize, Stop> {
    const LENGTHS: [usize; 4] = [1, 2, 4, 6];
    const HAS_BLOCKS: u8 = 0x20;
    let largest_len = LENGTHS[usize::from(kind >> 2 & 3)];
    let missing_len = LENGTHS[usize::from(kind & 3)];
    at += usize::from(is_old) + largest_len + 2;
    if !is_old {
        if kind & HAS_BLOCKS != 0 {
            *blocks = usize::from(region.u8(at)?);
            at += 1;
        }
        at += missing_len + *blocks * (1 + missing_len);
    }
    let times = usize::from(region.u8(at)?);
    at += 1;
    if times > 0 {
        at += 5 + (times - 1) * 3;
    }
    if is_old && kind & HAS_BLOCKS != 0 {
        at += 1 + usize::from(region.u8(at)?) * (missing_len + 1);
        at += 1 + usize::from(region.u8(at)?) * largest_len;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(bytes: &[u8]) -> Region<'_> {
        Region::new(0, bytes, bytes.len() as u32)
    }

    #[test]
    fn a_conversation_begins_with_a_version_and_an_id() {
        let first = b"\x0d12345678Q035\x01";
        assert!(begins(first) && !begins(&first[..12]));
        assert!(begins(b"\xc3Q046\x5012345678"));
        assert!(!begins(b"\xc3\0\0\0\x01\x5012345678") && !begins(b""));
        assert_eq!((version(b"Q035"), version(b"Qxyz")), (Some(35), None));
    }

    #[test]
    fn the_first_message_is_found_behind_other_frames() {
        let known = Stream {
            version: Some(35),
            is_big: false,
            server_port: HTTPS_PORT,
        };
        // A hash, an acknowledgement, what is waited for, and a stream with a length.
        let mut bytes = vec![0; 12];
        bytes.extend_from_slice(&[0x40, 1, 0, 0, 1, 0]);
        bytes.extend_from_slice(&[0x06, 1]);
        bytes.extend_from_slice(&[0xa0, 1, 8, 0]);
        bytes.extend_from_slice(b"CHLO....");
        let found = first_message(&region(&bytes), 1, known).unwrap();
        assert_eq!(found, Some("Client Hello"));
        bytes.truncate(20);
        assert_eq!(first_message(&region(&bytes), 1, known).unwrap(), None);
    }
}
