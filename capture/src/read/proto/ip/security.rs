//! Options of IPv4 about secrets: RFC 791 section 3.1, RFC 1108, and the Commercial IP Security Option
//! (draft-ietf-cipso-ipsecurity-01, FIPS 188).

use super::options::WARNING;
use super::{
    CIPSO_CATEGORIES, CIPSO_DATA, CIPSO_DOI, CIPSO_LEVEL, CIPSO_MALFORMED, CIPSO_TAG_TYPE,
    OPT_ADDITIONAL, OPT_AUTHORITIES, OPT_CLASSIFICATION, OPT_COMPARTMENTS, OPT_CONTROL_CODE,
    OPT_DOE, OPT_FORMAT_CODE, OPT_GENSER, OPT_HANDLING, OPT_LEN_INVALID, OPT_NSA, OPT_SCI,
    OPT_SECURITY, OPT_SIOP_ESI, OPT_TERMINATION, OPT_UNASSIGNED, OPT_UNASSIGNED_LATER,
};
use crate::read::field::FieldId;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::names::pick;
use crate::read::proto::text::ascii;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

/// Levels of RFC 791.
pub(super) const fn level(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0000 => "Unclassified",
        0xf135 => "Confidential",
        0x789a => "EFTO",
        0xbc4d => "MMMM",
        0x5e26 => "PROG",
        0xaf13 => "Restricted",
        0xd788 => "Secret",
        0x6bc5 => "Top secret",
        0x35e2 | 0x9af1 | 0x4d78 | 0x24bd | 0x135e | 0x89af | 0xc4d6 | 0xe26b => "Reserved",
        _ => return None,
    })
}

/// Levels of RFC 1108.
pub(super) const fn classification(value: u64) -> Option<&'static str> {
    Some(match value {
        0x01 => "Reserved 4",
        0x3d => "Top secret",
        0x5a => "Secret",
        0x96 => "Confidential",
        0x66 => "Reserved 3",
        0xcc => "Reserved 2",
        0xab => "Unclassified",
        0xf1 => "Reserved 1",
        _ => return None,
    })
}

pub(super) fn protected(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 2] = [
        "Datagram not protected in accordance with its rules",
        "Datagram protected in accordance with its rules",
    ];
    pick(value, &NAMES)
}

pub(super) fn termination(value: u64) -> Option<&'static str> {
    pick(value, &["Final octet", "Additional octet present"])
}

/// Tags of the Commercial IP Security Option.
pub(super) const fn tag(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Padding",
        1 => "Restrictive Category Bitmap",
        2 => "Enumerated Categories",
        5 => "Ranged Categories",
        6 => "Permissive Categories",
        7 => "Free Form",
        _ => return None,
    })
}

/// The Security option, as RFC 791 or RFC 1108 have it.
pub(super) fn basic(walk: &mut Walk<'_, '_>, part: &Region<'_>, option: Added) -> Result<(), Stop> {
    let len = part.reported();
    if len == 11 && level(part.u16(2)?.into()).is_some() {
        walk.u16(OPT_SECURITY, part, 2)?;
        walk.u16(OPT_COMPARTMENTS, part, 4)?;
        text(walk, OPT_HANDLING, part, (6, 2))?;
        return text(walk, OPT_CONTROL_CODE, part, (8, 3));
    }
    walk.u8(OPT_CLASSIFICATION, part, 2)?;
    if len <= 3 {
        return Ok(());
    }
    let mut authorities = part.u8(3)?;
    first_authorities(walk, part, authorities);
    let mut at = 4;
    while authorities & 1 != 0 {
        if at == len {
            let message =
                format_args!("Field Termination Indicator set to 1 for last byte of option");
            walk.expert(option, OPT_LEN_INVALID, WARNING, message);
            break;
        }
        authorities = part.u8(at)?;
        let place = part.place(at, 1);
        let added = walk
            .tree
            .add(OPT_AUTHORITIES, place, Value::Uint(authorities.into()));
        if authorities & 1 != 0 {
            walk.tree.label(
                added,
                format_args!(
                    "Protection Authority Flags: {authorities:#04x}, Field Termination Indicator"
                ),
            );
        }
        walk.tree.open();
        let unassigned = Value::Uint((authorities >> 1).into());
        walk.tree.add(OPT_UNASSIGNED_LATER, place, unassigned);
        walk.tree
            .add(OPT_TERMINATION, place, Value::Bool(authorities & 1 != 0));
        walk.tree.close();
        at += 1;
    }
    if at < len {
        let message = format_args!("Extraneous data in option");
        walk.expert(option, OPT_LEN_INVALID, WARNING, message);
    }
    Ok(())
}

/// The authorities that RFC 1108 gave a bit.
fn first_authorities(walk: &mut Walk<'_, '_>, part: &Region<'_>, bits: u8) {
    const NAMES: [(FieldId, u8); 5] = [
        (OPT_GENSER, 0x80),
        (OPT_SIOP_ESI, 0x40),
        (OPT_SCI, 0x20),
        (OPT_NSA, 0x10),
        (OPT_DOE, 0x08),
    ];
    let place = part.place(3, 1);
    let added = walk
        .tree
        .add(OPT_AUTHORITIES, place, Value::Uint(bits.into()));
    walk.tree.open();
    for (field, bit) in NAMES {
        walk.tree.add(field, place, Value::Bool(bits & bit != 0));
    }
    walk.tree
        .add(OPT_UNASSIGNED, place, Value::Uint((bits >> 1 & 3).into()));
    walk.tree
        .add(OPT_TERMINATION, place, Value::Bool(bits & 1 != 0));
    walk.tree.close();
    if walk.tree.labels() {
        let mut label = format!("Protection Authority Flags: {bits:#04x}");
        for (field, bit) in NAMES.into_iter().chain([(OPT_TERMINATION, 1)]) {
            if bits & bit != 0 {
                label.push_str(", ");
                label.push_str(field.field().title);
            }
        }
        walk.tree.label(added, format_args!("{label}"));
    }
}

fn text(
    walk: &mut Walk<'_, '_>,
    field: FieldId,
    part: &Region<'_>,
    (at, len): (usize, usize),
) -> Result<(), Stop> {
    let text = ascii(part.slice(at, len)?);
    walk.tree.add_text(field, part.place(at, len), &text);
    Ok(())
}

/// The Extended Security option (RFC 1108).
pub(super) fn extended(walk: &mut Walk<'_, '_>, part: &Region<'_>) -> Result<(), Stop> {
    walk.u8(OPT_FORMAT_CODE, part, 2)?;
    if part.reported() > 3 {
        walk.bytes(OPT_ADDITIONAL, &part.rest(3));
    }
    Ok(())
}

/// The Commercial IP Security Option.
pub(super) fn commercial(walk: &mut Walk<'_, '_>, part: &Region<'_>) -> Result<(), Stop> {
    walk.u32(CIPSO_DOI, part, 2)?;
    let len = part.reported();
    let mut at = 6;
    while at < len {
        let kind = part.u8(at)?;
        let added = walk
            .tree
            .add(CIPSO_TAG_TYPE, part.place(at, 1), Value::Uint(kind.into()));
        let tag_len = if at + 1 < len {
            usize::from(part.u8(at + 1)?)
        } else {
            1
        };
        let least = match kind {
            0 => {
                at += 1;
                continue;
            }
            1 | 2 | 5 | 6 => 4,
            7 => 2,
            _ => {
                let tag_len = part.u8(at + 1)?;
                walk.tree.label(
                    added,
                    format_args!("Tag Type: Unknown ({kind}) ({tag_len} bytes)"),
                );
                return Ok(());
            }
        };
        // The longest is what a header of 60 bytes has room for.
        if tag_len < least || tag_len > 34 || at + tag_len - 1 > len {
            let how = (Severity::Error, Group::Sequence);
            let message = format_args!("Malformed CIPSO tag");
            walk.expert(added, CIPSO_MALFORMED, how, message);
            return Ok(());
        }
        if kind >= 6 {
            part.slice(at + 2, tag_len - 2)?;
            walk.bytes(CIPSO_DATA, &part.part(at + 2, tag_len - 2));
            at += tag_len;
            continue;
        }
        walk.u8(CIPSO_LEVEL, part, at + 3)?;
        at += 4;
        if tag_len > 4 {
            at += categories(walk, part, kind, (at, tag_len - 4))?;
        }
    }
    Ok(())
}

/// The categories of a tag. Gives how many bytes of them were read.
fn categories(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    kind: u8,
    (at, len): (usize, usize),
) -> Result<usize, Stop> {
    let mut names: Vec<String> = Vec::new();
    let mut read = 0;
    match kind {
        1 => {
            for (place, byte) in part.slice(at, len)?.iter().enumerate() {
                let bits = (0..8).filter(|bit| byte & 0x80 >> bit != 0);
                names.extend(bits.map(|bit| (place * 8 + bit).to_string()));
            }
            read = len;
        }
        2 => {
            while read + 2 <= len {
                names.push(part.u16(at + read)?.to_string());
                read += 2;
            }
        }
        _ => {
            while read + 2 <= len {
                let high = part.u16(at + read)?;
                let mut low = 0;
                if read + 4 <= len {
                    low = part.u16(at + read + 2)?;
                    read += 2;
                }
                read += 2;
                names.push(if low == high {
                    high.to_string()
                } else {
                    format!("{high}-{low}")
                });
            }
        }
    }
    part.slice(at, len)?;
    let place = part.place(at, len);
    walk.tree
        .add_text(CIPSO_CATEGORIES, place, &names.join(","));
    Ok(read)
}
