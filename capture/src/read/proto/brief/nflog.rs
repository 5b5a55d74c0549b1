//! Linux netfilter's log messages as a link layer (`LINKTYPE_NFLOG`): attributes, one of which is the packet.

use super::{name_of, names};
use crate::read::proto::{data, ip, ipv6};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// The attribute that holds the packet (`NFULA_PAYLOAD`).
const PAYLOAD: u16 = 9;
/// Address families of Linux.
const INET: u8 = 2;
const INET6: u8 = 10;

/// Dissects a message. Attributes are in the byte order of the host that logged: lengths tell which.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    const ATTRIBUTE_LEN: usize = 4;
    name_of(walk, names::nflog::THIS, &region, HEADER_LEN);
    let family = region.u8(0)?;
    let first: [u8; 2] = region.array(HEADER_LEN)?;
    let is_little = u16::from_le_bytes(first) <= u16::from_be_bytes(first);
    let number = |at: usize| {
        region.array(at).map(|bytes| {
            if is_little {
                u16::from_le_bytes(bytes)
            } else {
                u16::from_be_bytes(bytes)
            }
        })
    };
    let mut at = HEADER_LEN;
    while at < region.reported() {
        let (len, kind) = (usize::from(number(at)?), number(at + 2)? & 0x7fff);
        if len < ATTRIBUTE_LEN {
            break;
        }
        if kind == PAYLOAD {
            let packet = region.part(at + ATTRIBUTE_LEN, len - ATTRIBUTE_LEN);
            return match family {
                INET => ip::dissect(walk, packet),
                INET6 => ipv6::dissect(walk, packet),
                _ => data::dissect(walk, packet),
            };
        }
        at += len.next_multiple_of(4);
    }
    Ok(())
}
