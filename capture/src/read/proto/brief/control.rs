//! PPP's control protocols (RFC 1661, 1332, 5072, 1962) and its authentication (RFC 1334, 1994).

use super::{name, names};
use crate::read::FieldId;
use crate::read::proto::text::{Escaped, Hex};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// The control protocol of a PPP protocol number, if it is told here.
pub(crate) const fn by_number(number: u16) -> Option<FieldId> {
    Some(match number {
        0x8021 => names::ipcp::THIS,
        0x8057 => names::ipv6cp::THIS,
        0x80fd => names::ccp::THIS,
        0xc021 => names::lcp::THIS,
        0xc023 => names::pap::THIS,
        0xc223 => names::chap::THIS,
        _ => return None,
    })
}

const fn code_name(code: u8, is_link: bool) -> &'static str {
    match code {
        0 => "Vendor Specific",
        1 => "Configuration Request",
        2 => "Configuration Ack",
        3 => "Configuration Nak",
        4 => "Configuration Reject",
        5 => "Termination Request",
        6 => "Termination Ack",
        7 => "Code Reject",
        8 if is_link => "Protocol Reject",
        9 if is_link => "Echo Request",
        10 if is_link => "Echo Reply",
        11 if is_link => "Discard Request",
        12 if is_link => "Identification",
        13 if is_link => "Time Remaining",
        _ => "Unknown",
    }
}

/// Dissects a packet of such a protocol.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    protocol: FieldId,
    region: &Region<'_>,
) -> Result<(), Stop> {
    name(walk, protocol, region);
    let code = region.u8(0)?;
    if protocol == names::pap::THIS {
        return pap(walk, region, code);
    }
    if protocol == names::chap::THIS {
        return chap(walk, region, code);
    }
    if protocol == names::ccp::THIS && matches!(code, 14 | 15) {
        let text = if code == 14 {
            "Reset Request"
        } else {
            "Reset Ack"
        };
        walk.columns.set_info(format_args!("{text}"));
        return Ok(());
    }
    let text = code_name(code, protocol == names::lcp::THIS);
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

/// Text behind a byte that tells its length, and where it ends.
fn counted<'b>(region: &Region<'b>, at: usize) -> Result<(&'b [u8], usize), Stop> {
    let len = usize::from(region.u8(at)?);
    Ok((region.slice(at + 1, len)?, at + 1 + len))
}

fn pap(walk: &mut Walk<'_, '_>, region: &Region<'_>, code: u8) -> Result<(), Stop> {
    let text = match code {
        1 => "Authenticate-Request",
        2 => "Authenticate-Ack",
        3 => "Authenticate-Nak",
        _ => "Unknown",
    };
    walk.columns.set_info(format_args!("{text}"));
    match code {
        1 => {
            let (peer, at) = counted(region, 4)?;
            let (password, _) = counted(region, at)?;
            walk.columns.append_info(format_args!(
                " (Peer-ID='{}', Password='{}')",
                Escaped(peer),
                Escaped(password)
            ));
        }
        2 | 3 => {
            let (message, _) = counted(region, 4)?;
            walk.columns
                .append_info(format_args!(" (Message='{}')", Escaped(message)));
        }
        _ => {}
    }
    Ok(())
}

fn chap(walk: &mut Walk<'_, '_>, region: &Region<'_>, code: u8) -> Result<(), Stop> {
    const MOST: usize = 20;
    let text = match code {
        1 => "Challenge",
        2 => "Response",
        3 => "Success",
        4 => "Failure",
        _ => "Unknown",
    };
    walk.columns.set_info(format_args!("{text}"));
    let len = usize::from(region.u16(2)?);
    match code {
        1 | 2 => {
            let (value, at) = counted(region, 4)?;
            let name = region.slice(at, len.saturating_sub(at))?;
            let short = |bytes: &[u8]| if bytes.len() > MOST { "..." } else { "" };
            walk.columns.append_info(format_args!(
                " (NAME='{}{}', VALUE=0x{}{})",
                Escaped(&name[..name.len().min(MOST)]),
                short(name),
                Hex(&value[..value.len().min(MOST)]),
                short(value)
            ));
        }
        3 | 4 if len > 4 => {
            let message = Escaped(region.slice(4, len - 4)?);
            walk.columns
                .append_info(format_args!(" (MESSAGE='{message}')"));
        }
        _ => {}
    }
    Ok(())
}
