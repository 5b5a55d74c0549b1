//! MPLS (RFC 3032), as by Wireshark's `packet-mpls.c`.

use super::{data, eth, ip, ipv6};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    17, "mpls", "MPLS", "MultiProtocol Label Switching Header";
    LABEL: "mpls.label", "MPLS Label", Uint(32), DecHex, mask = 0xffff_f000, names = label_name;
    EXP: "mpls.exp", "MPLS Experimental Bits", Uint(32), Dec, mask = 0x0000_0e00;
    BOTTOM: "mpls.bottom", "MPLS Bottom Of Label Stack", Uint(32), Dec, mask = 0x0000_0100;
    TTL: "mpls.ttl", "MPLS TTL", Uint(32), Dec, mask = 0x0000_00ff;
}

const fn label_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "IPv4 Explicit-Null",
        1 => "Router Alert",
        2 => "IPv6 Explicit-Null",
        3 => "Implicit-Null",
        7 => "Entropy Label Indicator (ELI)",
        13 => "Generic Associated Channel Label (GAL)",
        14 => "OAM Alert",
        15 => "Extension Label",
        _ => return None,
    })
}

/// Labels of one stack at most: a packet of nothing else is no packet.
const MOST: usize = 64;

/// Its UDP port (RFC 7510).
pub(crate) const PORT: u16 = 6635;

/// Dissects a stack of labels and what is below it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("MPLS");
    walk.columns
        .set_info(format_args!("MPLS Label Switched Packet"));
    let mut rest = region;
    for _ in 0..MOST {
        let entry = rest.u32(0)?;
        label(walk, &rest, entry);
        rest = rest.rest(4);
        if entry & 0x100 != 0 {
            break;
        }
    }
    walk.claimed = None;
    let labels = (region.reported() - rest.reported()) as u32;
    let outcome = below(walk, rest);
    walk.claimed = walk.claimed.map(|claimed| claimed + labels);
    outcome
}

/// Nothing says what is below the labels: its first bits tell.
fn below(walk: &mut Walk<'_, '_>, rest: Region<'_>) -> Result<(), Stop> {
    let first = rest.captured().first().map(|byte| byte >> 4);
    match first {
        None => Ok(()),
        Some(4) => ip::dissect(walk, rest),
        Some(6) => ipv6::dissect(walk, rest),
        // A control word of four zeros can precede Ethernet (RFC 4448).
        Some(0) if rest.captured().len() > 18 => eth::dissect(walk, rest.rest(4), eth::Fcs::None),
        Some(_) => data::dissect(walk, rest),
    }
}

fn label(walk: &mut Walk<'_, '_>, region: &Region<'_>, entry: u32) {
    let place = region.place(0, 4);
    // Each label is a line of its own, but the stack is one protocol.
    let added = walk.tree.add(THIS, place, Value::None);
    if walk.protocols.numbers().last() != Some(&THIS.protocol) {
        walk.protocols.push(THIS.protocol);
    }
    walk.current = THIS;
    let (label, exp, bottom, ttl) = (entry >> 12, entry >> 9 & 7, entry >> 8 & 1, entry & 0xff);
    let tree = &mut *walk.tree;
    match label_name(label.into()) {
        Some(name) => tree.label(
            added,
            format_args!(
                "MultiProtocol Label Switching Header, Label: {label} ({name}), Exp: {exp}, S: {bottom}, TTL: {ttl}"
            ),
        ),
        None => tree.label(
            added,
            format_args!(
                "MultiProtocol Label Switching Header, Label: {label}, Exp: {exp}, S: {bottom}, TTL: {ttl}"
            ),
        ),
    }
    tree.open();
    let node = tree.add(LABEL, place, Value::Uint(label.into()));
    match label_name(label.into()) {
        Some(name) => tree.label(node, format_args!("MPLS Label: {name} ({label})")),
        None => tree.label(node, format_args!("MPLS Label: {label} (0x{label:05x})")),
    }
    for (field, value) in [(EXP, exp), (BOTTOM, bottom), (TTL, ttl)] {
        tree.add(field, place, Value::Uint(value.into()));
    }
    tree.close();
}
