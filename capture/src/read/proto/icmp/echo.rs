//! Echoes of ICMP: which reply answers which request, and what `ping(8)` puts into them.

use super::pairs::{Echo, Seen};
use super::{
    DATA_TIME, DATA_TIME_RELATIVE, ECHO, NO_RESP, RESP_IN, RESP_NOT_FOUND, RESP_TO, RESPTIME,
};
use crate::packet::Timestamp;
use crate::read::FieldId;
use crate::read::column::Address;
use crate::read::proto::data;
use crate::read::proto::expert::{Group, Severity};
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::{Quoted, Walk};

/// Dissects what follows the identifier and the number.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8) -> Result<(), Stop> {
    if walk.carrier.quoted == Quoted::No {
        let hosts = (walk.carrier.source, walk.carrier.destination);
        let numbers = (region.u16(4)?, region.u16(6)?);
        let (part, less) = if kind == ECHO {
            (Part::Request, 0x0800)
        } else {
            (Part::Reply, 0)
        };
        let echo = Echo::new(hosts, numbers, region.u16(2)?, less);
        pair(walk, echo, part, &PAIRING);
    }
    let rest = region.rest(8);
    let used = time_of_ping(walk, &rest);
    data::dissect_below(walk, rest.rest(used))
}

/// What an echo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Request,
    Reply,
}

/// What is said of requests and replies that belong together, by the protocol that they are of.
#[derive(Debug)]
pub(crate) struct Pairing {
    /// The frame of the reply, in the request.
    pub(crate) reply: FieldId,
    /// The frame of the request, in the reply.
    pub(crate) request: FieldId,
    /// How long it took.
    pub(crate) time: FieldId,
    pub(crate) time_title: &'static str,
    /// That nobody answered, and the remark on it.
    pub(crate) none: FieldId,
    pub(crate) not_found: FieldId,
    pub(crate) protocol: &'static str,
}

const PAIRING: Pairing = Pairing {
    reply: RESP_IN,
    request: RESP_TO,
    time: RESPTIME,
    time_title: "Response time",
    none: NO_RESP,
    not_found: RESP_NOT_FOUND,
    protocol: "ICMP",
};

/// Finds the request of a reply, and the other way round if that is known.
pub(crate) fn pair(walk: &mut Walk<'_, '_>, echo: Echo, part: Part, pairing: &Pairing) {
    let seen = Seen {
        frame: walk.frame.number,
        time: walk.frame.packet.meta.ts,
    };
    if part == Part::Request {
        if let Some(reply) = walk.memory.echoes.request(echo, seen) {
            walk.tree.add_generated(pairing.reply, Value::Uint(reply));
            walk.columns
                .append_info(format_args!(" (reply in {reply})"));
        } else if walk.memory.echoes.is_complete() {
            unanswered(walk, pairing);
        }
        return;
    }
    if let Some(request) = walk.memory.echoes.reply(echo, seen.frame) {
        let frame = request.frame;
        walk.tree.add_generated(pairing.request, Value::Uint(frame));
        let ns = seen.time.0.wrapping_sub(request.time.0).cast_signed();
        #[expect(clippy::cast_precision_loss, reason = "shown with three decimals")]
        let ms = ns as f64 / 1e6;
        let added = walk.tree.add_generated(pairing.time, Value::Double(ms));
        walk.tree
            .label(added, format_args!("{}: {ms:.3} ms", pairing.time_title));
        walk.columns
            .append_info(format_args!(" (request in {frame})"));
    }
}

/// A request that nobody answers; those to many hosts are not expected to be.
fn unanswered(walk: &mut Walk<'_, '_>, pairing: &Pairing) {
    match walk.carrier.destination {
        Address::Ipv4([255, 255, 255, 255]) => {
            walk.columns.append_info(format_args!(" (broadcast)"));
        }
        Address::Ipv4([224..240, ..]) | Address::Ipv6([0xff, ..]) => {
            walk.columns.append_info(format_args!(" (multicast)"));
        }
        _ => {
            let added = walk.tree.add_generated(pairing.none, Value::None);
            walk.columns
                .append_info(format_args!(" (no response found!)"));
            walk.expert(
                added,
                pairing.not_found,
                (Severity::Warning, Group::Sequence),
                format_args!("No response seen to {} request", pairing.protocol),
            );
        }
    }
}

/// `ping(8)` puts the time of sending in front of its data, in the order of its processor: seconds and
/// microseconds of 32 bits (of 64 bits, only the seconds are looked at). Gives how many bytes that were;
/// 0 if it does not look like a time.
fn time_of_ping(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> usize {
    const LEN: usize = 8;
    const SECONDS_IN_DAY: u64 = 24 * 60 * 60;
    let now = walk.frame.packet.meta.ts;
    let (Ok(secs), Ok(micros)) = (region.array::<4>(0), region.array::<4>(4)) else {
        return 0;
    };
    let orders: [fn([u8; 4]) -> u32; 2] = [u32::from_be_bytes, u32::from_le_bytes];
    let moments = orders.map(|order| (u64::from(order(secs)), u64::from(order(micros))));
    let near = |(secs, micros): &(u64, u64)| {
        now.secs().abs_diff(*secs) < SECONDS_IN_DAY && *micros < 1_000_000
    };
    let Some((secs, micros)) = moments.into_iter().find(near) else {
        return 0;
    };
    let sent = Timestamp::new(secs, micros * 1000);
    let place = region.place(0, LEN);
    walk.tree.add(DATA_TIME, place, Value::Time(sent));
    let ago = now.0.wrapping_sub(sent.0).cast_signed();
    let added = walk.tree.add(DATA_TIME_RELATIVE, place, Value::Span(ago));
    walk.tree.set_generated(added);
    LEN
}
