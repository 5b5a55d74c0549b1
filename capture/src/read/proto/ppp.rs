//! PPP (RFC 1661), in HDLC-like framing (RFC 1662) or without.

use super::brief::{control, osi};
use super::names::ppp::protocol as protocol_name;
use super::{chdlc, data, ip, ipv6, mpls};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    15, "ppp", "PPP", "Point-to-Point Protocol";
    ADDRESS: "ppp.address", "Address", Uint(8), Hex;
    CONTROL: "ppp.control", "Control", Uint(8), Hex;
    PROTOCOL_FIELD: "ppp.protocol", "Protocol", Uint(16), Hex, names = protocol_name;
}

/// Address and control of HDLC-like framing.
const FRAMED: u16 = 0xff03;

/// Dissects PPP whose framing may be there.
pub(crate) fn dissect_hdlc(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("PPP");
    walk.columns.say_no_addresses();
    let added = walk.begin(THIS, &region, 4.min(region.captured().len()));
    if matches!(region.u8(0)?, 0x0f | 0x8f) {
        walk.end();
        return chdlc::dissect(walk, region);
    }
    let framed = region.u16(0)? == FRAMED;
    let at = if framed {
        walk.u8(ADDRESS, &region, 0)?;
        walk.u8(CONTROL, &region, 1)?;
        2
    } else {
        0
    };
    inside(walk, region, at, added)
}

/// Dissects PPP without framing, as it is in `PPPoE`.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("PPP");
    let added = walk.begin(THIS, &region, 2.min(region.captured().len()));
    inside(walk, region, 0, added)
}

fn inside(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    at: usize,
    added: crate::read::tree::Added,
) -> Result<(), Stop> {
    // An odd first byte means that the field is one byte (RFC 1661 section 2).
    let first = region.u8(at)?;
    let (number, len) = if first & 1 == 1 {
        (first.into(), 1)
    } else {
        (region.u16(at)?, 2)
    };
    walk.tree.add(
        PROTOCOL_FIELD,
        region.place(at, len),
        Value::Uint(number.into()),
    );
    walk.tree.set_len(added, (at + len) as u32);
    walk.end();
    let rest = region.rest(at + len);
    match number {
        0x0021 => ip::dissect(walk, rest),
        0x0057 => ipv6::dissect(walk, rest),
        0x0023 => osi::dissect(walk, rest),
        0x0281 | 0x0283 => mpls::dissect(walk, rest),
        _ => {
            if let Some(protocol) = control::by_number(number) {
                return control::dissect(walk, protocol, &rest);
            }
            let name = protocol_name(number.into());
            match name {
                Some(name) => walk.columns.set_info(format_args!("{name}")),
                None => walk
                    .columns
                    .set_info(format_args!("PPP type (0x{number:04x})")),
            }
            data::dissect(walk, rest)
        }
    }
}
