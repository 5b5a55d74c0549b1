//! Domain names and their compression (RFC 1035 section 4.1.4; `expand_dns_name` in Wireshark's
//! `packet-dns.c`).
//!
//! Bounded: of a name at most [`MAX_LEN`] bytes are kept, and pointers are followed only as long as fewer bytes
//! were looked at than the message has.

use std::fmt::Write as _;

use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};

/// Longest name that is shown, in bytes: 255 with the first length and the root (RFC 1035 section
/// 2.3.4).
const MAX_LEN: usize = 253;

/// Reads the name at `offset` of a message into `out`, which is emptied first. Gives its length in the
/// message, up to its end or its first pointer.
///
/// # Errors
///
/// When the name goes beyond the message, or is not one.
pub(super) fn read(region: &Region<'_>, offset: usize, out: &mut String) -> Result<usize, Stop> {
    out.clear();
    let mut at = offset;
    let mut len = None;
    let mut looked_at = 0;
    // As it is sent, without escapes.
    let mut name_len = 0;
    loop {
        let first = region.u8(at)?;
        at += 1;
        match first >> 6 {
            0 if first == 0 => break,
            0 => {
                let count = usize::from(first);
                let Ok(label) = region.slice(at, count) else {
                    // Wireshark takes byte by byte: the first one that is missing says why.
                    let missing = at.max(region.captured().len());
                    return Err(region.u8(missing).err().unwrap_or(Stop::Malformed));
                };
                if name_len > 0 {
                    out.push('.');
                    name_len += 1;
                }
                name_len += count;
                if name_len <= MAX_LEN {
                    // Writing to a string does not fail.
                    let _infallible = write!(out, "{}", Escaped(label));
                }
                at += count;
                looked_at += count + 1;
            }
            3 => {
                let to = usize::from(region.u16(at - 1)? & 0x3fff);
                at += 1;
                if len.is_none() {
                    len = Some(at - offset);
                }
                looked_at += 2;
                if looked_at > region.reported() {
                    out.clear();
                    out.push_str("<Name contains a pointer that loops>");
                    break;
                }
                at = to;
            }
            // Where such a label ends, nobody knows. Wireshark goes on behind its first byte, but not
            // if nothing was before it.
            1 if at > offset + 1 => {
                out.clear();
                out.push_str("<Unknown extended label>");
                return Ok(at - offset);
            }
            _ => return Err(Stop::Malformed),
        }
    }
    if name_len > MAX_LEN {
        out.clear();
        out.push_str("<Name too long>");
    }
    if out.is_empty() {
        out.push_str("<Root>");
    }
    Ok(len.unwrap_or_else(|| at - offset))
}
