//! The X Window System (X11R7.7): whose bytes they are, and which messages set a connection up.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const FIRST_PORT: u16 = 6000;
const PORTS: u16 = 64;

/// X11 in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &all_ports(),
    recognizes: None,
    dissect,
};

/// One port for each display.
const fn all_ports() -> [u16; PORTS as usize] {
    let mut ports = [0; PORTS as usize];
    let mut display = 0;
    while display < PORTS {
        ports[display as usize] = FIRST_PORT + display;
        display += 1;
    }
    ports
}

/// The byte order of a connection, in what is remembered of it.
const BIG: u64 = 1;
const LITTLE: u64 = 2;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_request = (FIRST_PORT..FIRST_PORT + PORTS).contains(&payload.destination_port);
    let first = region.u8(0)?;
    let state = *walk.memory.tcp.state(payload);
    if is_request && state == 0 && matches!(first, b'B' | b'l') {
        *walk.memory.tcp.state(payload) = if first == b'B' { BIG } else { LITTLE };
        name(walk, names::x11::THIS, &region);
        walk.columns
            .set_info(format_args!("Initial connection request"));
        return Ok(Outcome::Done);
    }
    if is_request && let Some(need) = missing(&region, payload, state)? {
        return Ok(Outcome::More { at: 0, need });
    }
    name(walk, names::x11::THIS, &region);
    if is_request {
        walk.columns.set_info(format_args!("Requests"));
    } else if payload.seq == 1 && first <= 2 {
        walk.columns
            .set_info(format_args!("Initial connection reply"));
    }
    Ok(Outcome::Done)
}

/// What the first request needs beyond what there is: it counts itself in words.
fn missing(region: &Region<'_>, payload: &Payload, state: u64) -> Result<Option<Need>, Stop> {
    if payload.asking != Asking::Possible {
        return Ok(None);
    }
    if region.reported() < 4 {
        return Ok(Some(Need::Segment));
    }
    let word: [u8; 2] = region.array(2)?;
    let (big, little) = (u16::from_be_bytes(word), u16::from_le_bytes(word));
    // Without the beginning of the connection, the shorter one is meant.
    let words = match state {
        BIG => big,
        LITTLE => little,
        _ => big.min(little),
    };
    let len = usize::from(words) * 4;
    let missing = len.saturating_sub(region.reported());
    Ok((missing > 0).then_some(Need::Bytes(missing as u32)))
}
