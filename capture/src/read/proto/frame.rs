//! What is known of a frame itself (Wireshark's `packet-frame.c`); where every walk begins.

use super::{data, eth};
use crate::packet::LinkType;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

protocol! {
    0, "frame", "Frame", "Frame";
    NUMBER: "frame.number", "Frame Number", Uint(32), Dec;
    LEN: "frame.len", "Frame length on the wire", Uint(32), Dec;
    CAP_LEN: "frame.cap_len", "Frame length stored into the capture file", Uint(32), Dec;
    TIME_EPOCH: "frame.time_epoch", "Epoch Time", AbsoluteTime;
    MALFORMED: "_ws.malformed", "Malformed Packet", None;
}

/// Dissects a frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>) {
    let frame = walk.frame;
    let packet = frame.packet;
    let region = Region::new(
        0,
        packet.data,
        packet.meta.wire_len.max(packet.data.len() as u32),
    );
    walk.begin(THIS, &region, packet.data.len());
    walk.tree
        .add(TIME_EPOCH, Place::default(), Value::Time(packet.meta.ts));
    walk.tree
        .add(NUMBER, Place::default(), Value::Uint(frame.number));
    walk.tree.add(
        LEN,
        Place::default(),
        Value::Uint(packet.meta.wire_len.into()),
    );
    walk.tree.add(
        CAP_LEN,
        Place::default(),
        Value::Uint(packet.data.len() as u64),
    );
    walk.end();
    let outcome = match packet.meta.link {
        LinkType::ETHERNET => eth::dissect(walk, region),
        _ => data::dissect(walk, region),
    };
    walk.tree.set_depth(0);
    match outcome {
        Ok(()) => {}
        Err(Stop::Malformed) => {
            walk.tree.add(MALFORMED, Place::default(), Value::None);
            walk.columns.append_info(format_args!("[Malformed Packet]"));
        }
        Err(Stop::Snapped) => walk
            .columns
            .append_info(format_args!("[Packet size limited during capture]")),
    }
}
