//! BGP (RFC 4271): which messages a segment holds.

use super::tcp::applications::{Application, Outcome, Payload, each_message};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    55, "bgp", "BGP", "Border Gateway Protocol";
    MARKER: "bgp.marker", "Marker", Bytes;
    LENGTH: "bgp.length", "Length", Uint(16), Dec;
    TYPE: "bgp.type", "Type", Uint(8), Dec, names = type_name;
}

const HEADER_LEN: usize = 19;
const MARKER_LEN: usize = 16;

/// BGP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[179],
    recognizes: None,
    dissect,
};

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "OPEN Message",
        2 => "UPDATE Message",
        3 => "NOTIFICATION Message",
        4 => "KEEPALIVE Message",
        5 => "ROUTE-REFRESH Message",
        6 => "CAPABILITY Message",
        128 => "Cisco ROUTE-REFRESH Message",
        _ => return None,
    })
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    // What does not begin with the marker belongs to a message that began before the capture.
    let front = region.captured();
    let front = &front[..front.len().min(MARKER_LEN)];
    if !front.iter().all(|byte| *byte == 0xff) {
        walk.columns.set_protocol("BGP");
        walk.columns.clear_info();
        walk.begin(THIS, &region, region.captured().len());
        walk.end();
        return Ok(Outcome::Done);
    }
    walk.columns.clear_info();
    let mut is_first = true;
    let len_of = |region: &Region<'_>| region.u16(MARKER_LEN).map(|len| Some(usize::from(len)));
    each_message(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            if is_first {
                walk.columns.set_protocol("BGP");
            }
            let kind = message.u8(MARKER_LEN + 2)?;
            let name = type_name(kind.into()).unwrap_or("Unknown Message");
            let between = if is_first { "" } else { ", " };
            walk.columns.append_info(format_args!("{between}{name}"));
            is_first = false;
            let added = walk.begin(THIS, &message, message.captured().len());
            walk.tree
                .label(added, format_args!("Border Gateway Protocol - {name}"));
            let place = message.place(0, MARKER_LEN);
            walk.tree.add(MARKER, place, Value::Bytes);
            walk.u16(LENGTH, &message, MARKER_LEN)?;
            walk.u8(TYPE, &message, MARKER_LEN + 2)?;
            walk.end();
            Ok(())
        },
    )
}
