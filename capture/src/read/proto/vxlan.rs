//! VXLAN (RFC 7348, with the bits of the group policy extension).

use super::eth;
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    19, "vxlan", "VXLAN", "Virtual eXtensible Local Area Network";
    FLAGS: "vxlan.flags", "Flags", Uint(16), Hex;
    FLAG_G: "vxlan.flag_g", "GBP Extension", Bool, None, mask = 0x8000, names = defined;
    FLAG_I: "vxlan.flag_i", "VXLAN Network ID (VNI)", Bool, None, mask = 0x0800;
    FLAG_D: "vxlan.flag_d", "Don't Learn", Bool, None, mask = 0x0040;
    FLAG_A: "vxlan.flag_a", "Policy Applied", Bool, None, mask = 0x0008;
    FLAGS_RESERVED: "vxlan.flags_reserved", "Reserved(R)", Uint(16), Hex, mask = 0x77b7;
    GBP: "vxlan.gbp", "Group Policy ID", Uint(16), Dec;
    VNI: "vxlan.vni", "VXLAN Network Identifier (VNI)", Uint(24), Dec;
    RESERVED8: "vxlan.reserved8", "Reserved", Uint(8), Dec;
}

fn defined(value: u64) -> Option<&'static str> {
    pick(value, &["Not defined", "Defined"])
}

/// Its UDP port.
pub(crate) const PORT: u16 = 4789;

/// Dissects the header and the frame behind it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    walk.columns.set_protocol("VxLAN");
    walk.columns.clear_info();
    walk.begin(THIS, &region, HEADER_LEN);
    let flags = region.u16(0)?;
    let place = region.place(0, 2);
    let tree = &mut *walk.tree;
    let added = tree.add(FLAGS, place, Value::Uint(flags.into()));
    let names = [
        (0x8000, ", GBP Extension"),
        (0x0800, ", VXLAN Network ID (VNI)"),
        (0x0040, ", Don't Learn"),
        (0x0008, ", Policy Applied"),
    ]
    .map(|(bit, name)| if flags & bit == 0 { "" } else { name });
    let [g, i, d, a] = names;
    tree.label(added, format_args!("Flags: {flags:#06x}{g}{i}{d}{a}"));
    tree.open();
    for (field, mask) in [
        (FLAG_G, 0x8000),
        (FLAG_I, 0x0800),
        (FLAG_D, 0x0040),
        (FLAG_A, 0x0008),
    ] {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    }
    let reserved = tree.add(FLAGS_RESERVED, place, Value::Uint((flags & 0x77b7).into()));
    tree.label(
        reserved,
        format_args!("Reserved(R): {:#06x}", flags & 0x77b7),
    );
    tree.close();
    walk.u16(GBP, &region, 2)?;
    let vni = region.u24(4)?;
    walk.tree
        .add(VNI, region.place(4, 3), Value::Uint(vni.into()));
    walk.u8(RESERVED8, &region, 7)?;
    walk.end();
    let outcome = eth::dissect(walk, region.rest(HEADER_LEN), eth::Fcs::None);
    walk.claimed = None;
    outcome
}
