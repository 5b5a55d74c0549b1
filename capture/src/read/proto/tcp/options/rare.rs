//! Options that few have seen: SCPS, SNACK, TCP Fast Open, Accurate ECN, and experiments.

use super::super::fields as f;
use super::super::header::Flags;
use super::super::names;
use super::{NOTE, One, Owner, experiment, expert_at};
use crate::read::print::text::decimal;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

/// SCPS capabilities (CCSDS 714.0-B-2 section 3.2.3).
pub(super) fn scps(
    walk: &mut Walk<'_, '_>,
    whole: &Region<'_>,
    one: &One<'_>,
    owner: &Owner,
    item: Added,
) -> Result<(), Stop> {
    let len = one.bytes.len();
    if len == 4 {
        let vector = whole.u8(2)?;
        let place = whole.place(2, 1);
        let added = walk
            .tree
            .add(f::OPTIONS_SCPS_VECTOR, place, Value::Uint(vector.into()));
        if vector != 0 && walk.tree.labels() {
            let list = names::scps(vector).join(", ");
            let line = format_args!("TCP SCPS Capabilities Vector: {vector:#04x} ({list})");
            walk.tree.label(added, line);
        }
        walk.tree.open();
        let bits = [
            (f::OPTIONS_SCPSFLAGS_BETS, 0x80),
            (f::OPTIONS_SCPSFLAGS_SNACK1, 0x40),
            (f::OPTIONS_SCPSFLAGS_SNACK2, 0x20),
            (f::OPTIONS_SCPSFLAGS_COMPRESS, 0x10),
            (f::OPTIONS_SCPSFLAGS_NLTS, 0x08),
        ];
        for (field, bit) in bits {
            walk.tree.add(field, place, Value::Bool(vector & bit != 0));
        }
        let reserved = Value::Uint((vector & 7).into());
        walk.tree
            .add(f::OPTIONS_SCPSFLAGS_RESERVED, place, reserved);
        walk.tree.close();
        walk.u8(f::OPTIONS_SCPS_BINDING, whole, 3)?;
        return Ok(());
    }
    let illegal = if owner.scps { "" } else { "Illegal " };
    walk.tree.label(
        item,
        format_args!("{illegal}SCPS Extended Capabilities ({len} bytes)"),
    );
    if !owner.scps {
        return Ok(());
    }
    let mut at = 2;
    while at < len {
        let space = usize::from(whole.u8(at + 1)? >> 4) << 1;
        walk.u8(f::OPTIONS_SCPS_BINDING_ID, whole, at)?;
        let value = Value::Uint(space as u64);
        walk.tree
            .add(f::OPTIONS_SCPS_BINDING_LEN, whole.place(at + 1, 1), value);
        whole.slice(at + 2, space)?;
        let place = whole.place(at + 2, space);
        walk.tree
            .add(f::OPTIONS_SCPS_BINDING_DATA, place, Value::Bytes);
        at += 2 + space;
    }
    Ok(())
}

/// Selective negative acknowledgment (CCSDS 714.0-B-2 section 3.5).
pub(super) fn snack(
    walk: &mut Walk<'_, '_>,
    whole: &Region<'_>,
    owner: &Owner,
) -> Result<(), Stop> {
    let offset = walk.u16(f::OPTIONS_SNACK_OFFSET, whole, 2)?;
    let size = walk.u16(f::OPTIONS_SNACK_SIZE, whole, 4)?;
    if let Some((from, to)) = hole(owner, offset, size) {
        let place = whole.place(2, 2);
        walk.tree
            .add_hidden(f::OPTIONS_SNACK_LE, place, Value::Uint(from.into()));
        let place = whole.place(4, 2);
        walk.tree
            .add_hidden(f::OPTIONS_SNACK_RE, place, Value::Uint(to.into()));
        let note = if owner.relative { " (relative)" } else { "" };
        let message = format_args!("SNACK Sequence {from} - {to}{note}");
        expert_at(
            walk,
            f::OPTIONS_SNACK_SEQUENCE,
            whole.place(2, 4),
            NOTE,
            message,
        );
    }
    Ok(())
}

/// What is likely missing, if segments are as long as the longest one.
pub(super) fn hole(owner: &Owner, offset: u16, size: u16) -> Option<(u32, u32)> {
    let unit = owner.longest & 0xffff;
    if unit == 0 {
        return None;
    }
    let base = if owner.relative { owner.peer_base } else { 0 };
    let ack = owner.raw_ack.wrapping_sub(base);
    let from = ack.wrapping_add(unit.wrapping_mul(offset.into()));
    Some((from, from.wrapping_add(unit.wrapping_mul(size.into()))))
}

/// TCP Fast Open; `option` has two bytes in front of the cookie.
pub(super) fn fast_open(walk: &mut Walk<'_, '_>, option: &Region<'_>, owner: &Owner) {
    let len = option.captured().len();
    if len <= 2 {
        walk.tree
            .add(f::OPTIONS_TFO_REQUEST, option.place(0, 2), Value::None);
        return;
    }
    let added = walk.bytes(f::OPTIONS_TFO_COOKIE, &option.rest(2));
    if owner.flags.handshake() == Flags::SYN {
        let message = format_args!("TCP SYN with TFO Cookie");
        walk.expert(added, f::ANALYSIS_TFO_SYN, NOTE, message);
    }
}

/// Which counter of Accurate ECN comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Zero,
    One,
}

/// Counters of Accurate ECN, with the names that they have in the list.
pub(super) fn counters(bytes: &[u8], order: Order) -> impl Iterator<Item = (&'static str, u32)> {
    let names = match order {
        Order::Zero => ["EE0B", "ECEB", "EE1B"],
        Order::One => ["EE1B", "ECEB", "EE0B"],
    };
    let (words, _) = bytes.as_chunks::<3>();
    names
        .into_iter()
        .zip(words)
        .map(|(name, &[a, b, c])| (name, u32::from_be_bytes([0, a, b, c])))
}

pub(super) fn acc_ecn(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    order: Order,
    item: Added,
    title: std::fmt::Arguments<'_>,
) {
    let bytes = region.captured();
    let mut line = String::new();
    for (place, (name, value)) in counters(bytes, order).enumerate() {
        let field = match name {
            "EE0B" => f::OPTIONS_ACC_ECN_EE0B,
            "EE1B" => f::OPTIONS_ACC_ECN_EE1B,
            _ => f::OPTIONS_ACC_ECN_ECEB,
        };
        let at = region.place(place * 3, 3);
        walk.tree.add(field, at, Value::Uint(value.into()));
        if walk.tree.labels() {
            let comma = if place == 0 { "" } else { "," };
            line.push_str(comma);
            line.push(' ');
            line.push_str(name);
            line.push(' ');
            decimal(&mut line, value);
        }
    }
    if !line.is_empty() {
        let number = u8::from(order == Order::One);
        walk.tree.label(
            item,
            format_args!("TCP Option - {title} (Order {number}):{line}"),
        );
    }
}

pub(super) fn experimental(
    walk: &mut Walk<'_, '_>,
    whole: &Region<'_>,
    owner: &Owner,
    (item, length): (Added, Added),
) -> Result<(), Stop> {
    let len = whole.captured().len();
    if len < 4 {
        let message = format_args!("option length {len} smaller than 4");
        walk.expert(length, f::OPTION_LEN_INVALID, NOTE, message);
        return Ok(());
    }
    let id = walk.u16(f::OPTIONS_EXPERIMENTAL_EXID, whole, 2)?;
    let name = f::experiment_name(id.into()).unwrap_or("Unknown");
    let rest = whole.rest(4);
    walk.tree
        .label(item, format_args!("TCP Option - Experimental: {name}"));
    match id {
        experiment::ACK_RATE if matches!(len, 4 | 5) => {
            if let Ok(byte) = rest.u8(0) {
                let rate = byte >> 1;
                let place = rest.place(0, 1);
                walk.tree
                    .add(f::OPTIONS_TARR_RATE, place, Value::Uint(rate.into()));
                let reserved = Value::Uint((byte & 1).into());
                walk.tree.add(f::OPTIONS_TAR_RESERVED, place, reserved);
                walk.tree.label(
                    item,
                    format_args!("TCP Option - Experimental: {name} {rate}"),
                );
            }
        }
        experiment::ACK_RATE => {
            let message = format_args!("option length should be 4 or 5 instead of {len}");
            walk.expert(length, f::OPTION_LEN_INVALID, NOTE, message);
        }
        experiment::ACC_ECN_0 | experiment::ACC_ECN_1 if matches!(len, 4 | 7 | 10 | 13) => {
            let order = if id == experiment::ACC_ECN_0 {
                Order::Zero
            } else {
                Order::One
            };
            let title = format_args!("Experimental: {name}: Accurate ECN");
            walk.tree.label(item, format_args!("TCP Option - {title}"));
            acc_ecn(walk, &rest, order, item, title);
        }
        experiment::ACC_ECN_0 | experiment::ACC_ECN_1 => {
            let message = format_args!("option length should be 4, 7, 10, or 13 instead of {len}");
            walk.expert(length, f::OPTION_LEN_INVALID, NOTE, message);
        }
        experiment::FAST_OPEN => fast_open(walk, &whole.rest(2), owner),
        _ if len > 4 => {
            walk.bytes(f::OPTIONS_EXPERIMENTAL_DATA, &rest);
        }
        _ => {}
    }
    Ok(())
}
