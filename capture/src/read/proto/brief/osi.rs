//! Network layer of OSI, by the byte that each of its protocols begins with (ISO/IEC TR 9577): IS-IS
//! (ISO/IEC 10589), ES-IS (ISO/IEC 9542), CLNP (ISO/IEC 8473).

use std::fmt;

use super::{name, names};
use crate::read::proto::data;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Identifier of CLNP.
const CLNP: u8 = 0x81;
/// Identifier of ES-IS.
const ESIS: u8 = 0x82;
/// Identifier of IS-IS.
const ISIS: u8 = 0x83;

/// Whether a packet begins with an identifier that is told here.
pub(crate) const fn is_known(identifier: u8) -> bool {
    matches!(identifier, CLNP | ESIS | ISIS)
}

/// Dissects a packet by its first byte, behind a link layer that has no more to say.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    match region.captured().first() {
        Some(&identifier) if is_known(identifier) => by_identifier(walk, region, identifier),
        _ => data::dissect(walk, region),
    }
}

/// Dissects a packet of an identifier that is known.
pub(crate) fn by_identifier(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    identifier: u8,
) -> Result<(), Stop> {
    match identifier {
        ISIS => isis(walk, &region),
        ESIS => esis(walk, &region),
        CLNP => {
            name(walk, names::clnp::THIS, &region);
            Ok(())
        }
        _ => data::dissect(walk, region),
    }
}

/// An identifier of a system, with what follows it: `1111.1111.1111.00-00`.
struct System<'b>(&'b [u8]);

impl fmt::Display for System<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            match place {
                0 => {}
                7 => f.write_str("-")?,
                _ if place % 2 == 0 => f.write_str(".")?,
                _ => {}
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

const HEADER_LEN: usize = 8;
const SYSTEM_LEN: usize = 6;

fn isis(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::isis::THIS, region);
    let kind = region.u8(4)? & 0x1f;
    let shown = match kind {
        15..=17 => "ISIS HELLO",
        18 | 20 => "ISIS LSP",
        24 | 25 => "ISIS CSNP",
        26 | 27 => "ISIS PSNP",
        _ => return Ok(()),
    };
    let system_len = match region.u8(3)? {
        0 => SYSTEM_LEN,
        0xff => 0,
        len => usize::from(len),
    };
    walk.columns.set_protocol(shown);
    let level = match kind {
        15 | 18 | 24 | 26 => "L1",
        17 => "P2P",
        _ => "L2",
    };
    let own_len = usize::from(region.u8(1)?);
    match kind {
        15..=17 => {
            let text = format_args!("{level} HELLO");
            walk.columns.set_info(text);
            let system = System(region.slice(HEADER_LEN + 1, system_len)?);
            walk.columns
                .append_info(format_args!(", System-ID: {system}"));
            values(region, own_len, HEADER_LEN + 1 + system_len + 2)
        }
        18 | 20 => {
            let text = format_args!("{level} LSP");
            walk.columns.set_info(text);
            let lifetime = region.u16(HEADER_LEN + 2)?;
            let id = System(region.slice(HEADER_LEN + 4, system_len + 2)?);
            let sequence = region.u32(HEADER_LEN + 6 + system_len)?;
            walk.columns.append_info(format_args!(
                ", LSP-ID: {id}, Sequence: 0x{sequence:08x}, Lifetime: {lifetime:>5}s"
            ));
            values(region, own_len, HEADER_LEN)
        }
        24 | 25 => {
            let text = format_args!("{level} CSNP");
            walk.columns.set_info(text);
            let at = HEADER_LEN + 2;
            let source = System(region.slice(at, system_len + 1)?);
            walk.columns
                .append_info(format_args!(", Source-ID: {source}"));
            let first = System(region.slice(at + system_len + 1, system_len + 2)?);
            walk.columns
                .append_info(format_args!(", Start LSP-ID: {first}"));
            let last = System(region.slice(at + 2 * system_len + 3, system_len + 2)?);
            walk.columns
                .append_info(format_args!(", End LSP-ID: {last}"));
            values(region, own_len, HEADER_LEN)
        }
        _ => {
            let text = format_args!("{level} PSNP");
            walk.columns.set_info(text);
            let source = System(region.slice(HEADER_LEN + 2, system_len + 1)?);
            walk.columns
                .append_info(format_args!(", Source-ID: {source}"));
            values(region, own_len, HEADER_LEN)
        }
    }
}

/// Goes through what follows a header, up to the length of the whole that stands at `total_at`.
fn values(region: &Region<'_>, header_len: usize, total_at: usize) -> Result<(), Stop> {
    let total = usize::from(region.u16(total_at)?);
    let mut at = header_len;
    while at < total {
        region.u8(at)?;
        let len = usize::from(region.u8(at + 1)?);
        if at + 2 + len > total {
            return Ok(());
        }
        region.slice(at + 2, len)?;
        at += 2 + len;
    }
    Ok(())
}

fn esis(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::esis::THIS, region);
    let len = usize::from(region.u8(1)?);
    let kind = region.u8(4)? & 0x1f;
    match kind {
        2 => walk.columns.set_info(format_args!("ES HELLO")),
        4 => walk.columns.set_info(format_args!("IS HELLO")),
        6 => walk.columns.set_info(format_args!("RD REQUEST")),
        _ => {
            walk.columns.set_info(format_args!("Unknown (0x{kind:x})"));
            return Ok(());
        }
    }
    region.slice(0, len)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_written_in_fours_with_the_fragment_behind_a_dash() {
        let id = [0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x01, 0x0a];
        assert_eq!(System(&id[..6]).to_string(), "2222.2222.2222");
        assert_eq!(System(&id[..7]).to_string(), "2222.2222.2222.01");
        assert_eq!(System(&id).to_string(), "2222.2222.2222.01-0a");
    }
}
