//! Bytes that no dissector knows (Wireshark's `packet-data.c`).

use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    2, "data", "Data", "Data";
    DATA: "data.data", "Data", Bytes;
    LEN: "data.len", "Length", Int(32), Dec;
    TEXT: "text", "Text item", None;
}

/// Takes what is left, beside the protocol that carries it; nothing is said of nothing.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let base = walk.base;
    dissect_at(walk, region, base)
}

/// Takes what is left, outside of whatever quotes it.
pub(crate) fn dissect_outside(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    dissect_at(walk, region, 0)
}

fn dissect_at(walk: &mut Walk<'_, '_>, region: Region<'_>, base: u8) -> Result<(), Stop> {
    let depth = walk.tree.depth();
    walk.tree.set_depth(base);
    let outcome = dissect_below(walk, region);
    walk.tree.set_depth(depth);
    outcome
}

/// Takes what is left, below where the tree stands.
#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
pub(crate) fn dissect_below(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let len = region.captured().len();
    if len == 0 {
        return Ok(());
    }
    let added = walk.begin(THIS, &region, len);
    let bytes = if len == 1 { "byte" } else { "bytes" };
    walk.tree.label(added, format_args!("Data ({len} {bytes})"));
    walk.bytes(DATA, &region);
    walk.tree
        .add_generated(LEN, Value::Int(i64::try_from(len).unwrap_or(i64::MAX)));
    walk.end();
    Ok(())
}
