//! WebSocket (RFC 6455), in a stream that HTTP was spoken in before.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_message};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// WebSocket in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[],
    recognizes: None,
    dissect,
};

const HEADER_LEN: usize = 2;
const IS_MASKED: u8 = 0x80;
const IS_FINAL: u8 = 0x80;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    each_message(walk, region, payload, HEADER_LEN, len_of, frame)
}

/// The length of a frame (section 5.2); `None` if more of it is needed to tell.
fn len_of(region: &Region<'_>) -> Result<Option<usize>, Stop> {
    let second = region.u8(1)?;
    let (extended, wide) = match second & 0x7f {
        126 => (2, true),
        127 => (8, true),
        _ => (0, false),
    };
    if wide && region.reported() < HEADER_LEN + extended {
        return Ok(None);
    }
    let len = match extended {
        0 => u64::from(second & 0x7f),
        2 => region.u16(2)?.into(),
        _ => u64::from_be_bytes(region.array(2)?),
    };
    let mask = if second & IS_MASKED == 0 { 0 } else { 4 };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    Ok(Some(len.saturating_add(HEADER_LEN + extended + mask)))
}

fn frame(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let (first, second) = (region.u8(0)?, region.u8(1)?);
    name(walk, names::websocket::THIS, &region);
    let kind = match first & 0x0f {
        0 => "Continuation",
        1 => "Text",
        2 => "Binary",
        8 => "Connection Close",
        9 => "Ping",
        10 => "Pong",
        _ => "Unknown",
    };
    let ending = if first & IS_FINAL == 0 { "" } else { " [FIN]" };
    let masked = if second & IS_MASKED == 0 {
        " "
    } else {
        " [MASKED]"
    };
    walk.columns
        .append_info(format_args!("WebSocket {kind}{ending}{masked}"));
    walk.columns.fence();
    Ok(())
}
