//! What agents of mobile nodes add to router advertisements (RFC 5944 section 2.1, RFC 4721).

use super::names::mobile;
use super::{
    MIP_B, MIP_CHALLENGE, MIP_COA, MIP_CONTENT, MIP_F, MIP_FLAGS, MIP_G, MIP_H, MIP_LENGTH,
    MIP_LIFE, MIP_M, MIP_PREFIX_LENGTH, MIP_R, MIP_RESERVED, MIP_RT, MIP_SEQ, MIP_TYPE, MIP_U,
    MIP_V, MIP_X,
};
use crate::read::field::FieldId;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

const FLAGS: [(FieldId, u16); 10] = [
    (MIP_R, 0x8000),
    (MIP_B, 0x4000),
    (MIP_H, 0x2000),
    (MIP_F, 0x1000),
    (MIP_M, 0x0800),
    (MIP_G, 0x0400),
    (MIP_V, 0x0200),
    (MIP_RT, 0x0100),
    (MIP_U, 0x0080),
    (MIP_X, 0x0040),
];

/// Dissects the extensions behind the addresses of an advertisement.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    // A list does not ask, and so is not told that something is missing.
    if !walk.tree.labels() && !walk.tree.wants_any_of(super::THIS.protocol) {
        return Ok(());
    }
    let mut at = 0;
    while at < region.reported() {
        let kind = region.u8(at)?;
        let len = if kind == 0 {
            0
        } else {
            usize::from(region.u8(at + 1)?)
        };
        let name = mobile(kind.into()).map_or_else(|| format!("Unknown ext {kind}"), str::to_owned);
        let whole = if kind == 0 { 1 } else { len + 2 };
        walk.tree
            .heading(region.place(at, whole), format_args!("Ext: {name}"));
        walk.tree.open();
        walk.u8(MIP_TYPE, region, at)?;
        at += 1;
        if kind != 0 {
            walk.u8(MIP_LENGTH, region, at)?;
            at += 1;
        }
        match kind {
            0 => {}
            16 => at = agent(walk, region, at, len)?,
            19 => {
                for _ in 0..len {
                    walk.u8(MIP_PREFIX_LENGTH, region, at)?;
                    at += 1;
                }
            }
            24 => {
                region.slice(at, len)?;
                walk.bytes(MIP_CHALLENGE, &region.part(at, len));
                at += len;
            }
            _ if len > 0 => {
                let content = len.saturating_sub(4);
                region.slice(at, content)?;
                walk.bytes(MIP_CONTENT, &region.part(at, content));
                at += len;
            }
            _ => {}
        }
        walk.tree.close();
    }
    Ok(())
}

/// An agent says what it offers. Gives where its extension ends.
fn agent(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    start: usize,
    len: usize,
) -> Result<usize, Stop> {
    walk.u16(MIP_SEQ, region, start)?;
    walk.u16(MIP_LIFE, region, start + 2)?;
    let bits = region.u16(start + 4)?;
    let place = region.place(start + 4, 2);
    let added = walk.tree.add(MIP_FLAGS, place, Value::Uint(bits.into()));
    if walk.tree.labels() {
        let mut label = format!("Flags: {bits:#06x}");
        for (field, bit) in FLAGS {
            if bits & bit != 0 {
                label.push_str(", ");
                label.push_str(field.field().title);
            }
        }
        walk.tree.label(added, format_args!("{label}"));
    }
    walk.tree.open();
    for (field, bit) in FLAGS {
        walk.tree.add(field, place, Value::Bool(bits & bit != 0));
    }
    walk.tree
        .add(MIP_RESERVED, place, Value::Uint((bits & 0x3f).into()));
    walk.tree.close();
    let mut at = start + 6;
    for _ in 0..len.saturating_sub(6) / 4 {
        let address = Value::Ipv4(region.array(at)?);
        walk.tree.add(MIP_COA, region.place(at, 4), address);
        at += 4;
    }
    Ok(at)
}
