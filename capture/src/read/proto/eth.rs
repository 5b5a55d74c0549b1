//! Ethernet (Wireshark's `packet-eth.c`).

use super::data;
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    1, "eth", "Ethernet", "Ethernet";
    DST: "eth.dst", "Destination", Ether;
    SRC: "eth.src", "Source", Ether;
    ADDR: "eth.addr", "Address", Ether;
    TYPE: "eth.type", "Type", Uint(16), Hex;
}

/// Dissects an Ethernet frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 14;
    let added = walk.begin(THIS, &region, HEADER_LEN);
    let (dst, src) = (region.array::<6>(0)?, region.array::<6>(6)?);
    walk.columns.source = Address::Ether(src);
    walk.columns.destination = Address::Ether(dst);
    walk.tree.label(added, format_args!("Ethernet II"));
    walk.tree.add(DST, region.place(0, 6), Value::Ether(dst));
    walk.tree.open();
    walk.tree.add(ADDR, region.place(0, 6), Value::Ether(dst));
    walk.tree.close();
    walk.tree.add(SRC, region.place(6, 6), Value::Ether(src));
    walk.u16(TYPE, &region, 12)?;
    walk.end();
    data::dissect(walk, region.rest(HEADER_LEN))
}
