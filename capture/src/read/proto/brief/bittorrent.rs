//! `BitTorrent`'s peer protocol (BEP 3, BEP 6, BEP 10).

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// `BitTorrent` in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[6881, 6882, 6883, 6884, 6885, 6886, 6887, 6888, 6889],
    recognizes: Some(recognizes),
    dissect,
};

const GREETING: &[u8; 20] = b"\x13BitTorrent protocol";
/// With reserved bytes, the hash and the peer's name.
const HANDSHAKE_LEN: usize = 68;
const LENGTH_LEN: usize = 4;

fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    region.captured().starts_with(GREETING)
}

const fn message_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "Choke",
        1 => "Unchoke",
        2 => "Interested",
        3 => "Not Interested",
        4 => "Have",
        5 => "Bitfield",
        6 => "Request",
        7 => "Piece",
        8 => "Cancel",
        9 => "Port",
        20 => "Extended",
        13 => "Suggest Piece",
        14 => "Have All",
        15 => "Have None",
        16 => "Reject Request",
        17 => "Allowed Fast",
        _ => return None,
    })
}

/// Whether a message of this kind can be so long, its kind included.
const fn is_possible(kind: u8, len: u32) -> bool {
    match kind {
        1..=3 | 14 | 15 => len == 1,
        9 => len == 3,
        4 | 13 | 17 => len == 5,
        6 | 8 | 16 => len == 13,
        7 | 20 => len <= 0x4009,
        0 | 5 => len <= 0x2_0000,
        _ => false,
    }
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    walk.memory.tcp.belongs_to(payload, &APPLICATION);
    let can_ask = payload.asking == Asking::Possible;
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        if can_ask && rest.reported() < LENGTH_LEN {
            let need = Need::Segment;
            return Ok(Outcome::More { at, need });
        }
        let len = len_of(&rest)?;
        if can_ask && rest.reported() < len {
            let need = Need::Bytes((len - rest.reported()) as u32);
            return Ok(Outcome::More { at, need });
        }
        payload.tell_len(walk, len);
        let message = rest.part(0, len);
        name(walk, names::bittorrent::THIS, &message);
        if message.captured().starts_with(GREETING) {
            walk.columns.append_info(format_args!("Handshake"));
        } else {
            one(walk, &message)?;
        }
        walk.columns.append_info(format_args!("  "));
        walk.columns.fence();
        at += len;
    }
    Ok(Outcome::Done)
}

/// How long a message is; what is none takes the rest.
fn len_of(rest: &Region<'_>) -> Result<usize, Stop> {
    if rest.captured().starts_with(GREETING) {
        return Ok(HANDSHAKE_LEN);
    }
    let len = rest.u32(0)?;
    if len == 0 {
        return Ok(LENGTH_LEN);
    }
    let kind = rest.captured().get(LENGTH_LEN);
    if kind.is_some_and(|kind| is_possible(*kind, len)) {
        Ok(LENGTH_LEN + len as usize)
    } else {
        Ok(rest.reported())
    }
}

fn one(walk: &mut Walk<'_, '_>, message: &Region<'_>) -> Result<(), Stop> {
    let Some(kind) = message.captured().get(LENGTH_LEN).copied() else {
        walk.columns.append_info(format_args!("BitTorrent "));
        return Ok(());
    };
    let len = message.u32(0)?;
    let Some(name) = message_name(kind).filter(|_| is_possible(kind, len)) else {
        walk.columns.append_info(format_args!("Continuation data"));
        return Ok(());
    };
    walk.columns.append_info(format_args!("{name}"));
    let columns = &mut *walk.columns;
    match kind {
        6 | 8 | 16 => {
            let [index, begin, len] = [5, 9, 13].map(|at| message.u32(at));
            columns.append_info(format_args!(
                ", Piece (Idx:{:#x},Begin:{:#x},Len:{:#x})",
                index?, begin?, len?
            ));
        }
        4 | 13 | 17 => columns.append_info(format_args!(", Piece (Idx:{:#x})", message.u32(5)?)),
        5 => columns.append_info(format_args!(", Len:{:#x}", len - 1)),
        7 => {
            let (index, begin) = (message.u32(5)?, message.u32(9)?);
            let len = len.saturating_sub(9);
            columns.append_info(format_args!(
                ", Idx:{index:#x},Begin:{begin:#x},Len:{len:#x}"
            ));
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // BEP 3: a request is 13 bytes.
    #[test]
    fn messages_are_as_long_as_their_kind_wants() {
        assert!(is_possible(6, 13));
        assert!(!is_possible(6, 14));
        let bytes = [0, 0, 0, 13, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0];
        assert_eq!(len_of(&Region::new(0, &bytes, 17)), Ok(17));
        let bytes = [1, 2, 3, 4, 99, 0];
        assert_eq!(len_of(&Region::new(0, &bytes, 6)), Ok(6));
    }
}
