//! Objects behind the packet that an error quotes, and in probes of interfaces: RFC 4884, RFC 4950,
//! RFC 5837, RFC 8335. `ICMPv6` has the same.

use super::names::role;
use super::{
    EXT, EXT_CHECKSUM, EXT_CHECKSUM_BAD, EXT_CHECKSUM_STATUS, EXT_CLASS, EXT_CTYPE, EXT_DATA,
    EXT_LENGTH, EXT_RES, EXT_VERSION, HAS_ADDRESS, HAS_INDEX, HAS_MTU, HAS_NAME, IDENT_ADDRESS,
    IDENT_FAMILY, IDENT_INDEX, IDENT_IPV4, IDENT_IPV6, IDENT_LENGTH, IDENT_NAME, IDENT_RESERVED,
    INFO_ADDRESS, INFO_FAMILY, INFO_INDEX, INFO_IPV4, INFO_IPV6, INFO_MTU, INFO_NAME,
    INFO_NAME_LENGTH, INFO_RESERVED, MPLS_DATA, MPLS_EXP, MPLS_LABEL, MPLS_S, MPLS_TTL, RESERVED,
    ROLE,
};
use crate::read::field::FieldId;
use crate::read::proto::checksum::{self, Status, Sum};
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::text::ascii;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

/// Length of the header of all objects, and of each.
const HEADER_LEN: usize = 4;

const MPLS_STACK: u8 = 1;
const INTERFACE: u8 = 2;
const IDENTIFICATION: u8 = 3;

/// Whether an object is of a kind that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    No,
    Yes,
}

/// Dissects the objects.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let len = region.reported();
    let title = "ICMP Multi-Part Extensions";
    let all = walk.tree.add(EXT, region.place(0, len), Value::None);
    walk.tree.label(all, format_args!("{title}"));
    if len < HEADER_LEN {
        return Ok(());
    }
    walk.tree.open();
    let version = region.u8(0)? >> 4;
    walk.tree
        .add(EXT_VERSION, region.place(0, 1), Value::Uint(version.into()));
    let reserved = Value::Uint((region.u16(0)? & 0x0fff).into());
    walk.tree.add(EXT_RES, region.place(0, 2), reserved);
    sum(walk, region)?;
    if !matches!(version, 1 | 2) {
        walk.tree
            .label(all, format_args!("{title} (unsupported version)"));
        walk.tree.close();
        return Ok(());
    }
    let mut at = HEADER_LEN;
    let mut interfaces = 0;
    while at + HEADER_LEN <= len {
        let told = usize::from(region.u16(at)?);
        let part = region.part(at, told.min(len - at));
        let span = part.reported().max(HEADER_LEN);
        // Nothing of an object is told unless all of it was captured.
        region.slice(at, span)?;
        let place = region.place(at, span);
        let node = walk.tree.heading(place, format_args!("Unknown object"));
        walk.tree.open();
        walk.u16(EXT_LENGTH, region, at)?;
        let class = walk.u8(EXT_CLASS, region, at + 2)?;
        let kind = region.u8(at + 3)?;
        if told < HEADER_LEN {
            walk.tree
                .label(node, format_args!("Object with bad length"));
            walk.tree.close();
            break;
        }
        let rest = region.rest(at);
        let mut name = "Unknown object";
        let known = match class {
            0 => payload(walk, &part, kind, &mut name)?,
            MPLS_STACK => labels(walk, &part, kind, &mut name)?,
            INTERFACE => {
                interfaces += 1;
                name = if interfaces > 4 {
                    "More than 4 Interface Information Objects"
                } else {
                    "Interface Information Object"
                };
                interface(walk, &rest, part.reported(), kind)?;
                Known::Yes
            }
            IDENTIFICATION => {
                name = "Interface Identification Object";
                identification(walk, &rest, told, kind)?
            }
            _ => Known::No,
        };
        let truncated = if part.reported() < told {
            " (truncated)"
        } else {
            ""
        };
        if known == Known::No {
            walk.u8(EXT_CTYPE, region, at + 3)?;
            walk.tree.label(
                node,
                format_args!("Unknown object ({class}/{kind}){truncated}"),
            );
            if part.reported() > HEADER_LEN {
                walk.bytes(EXT_DATA, &part.rest(HEADER_LEN));
            }
        } else {
            walk.tree.label(node, format_args!("{name}{truncated}"));
        }
        walk.tree.close();
        at += part.reported();
    }
    walk.tree.close();
    Ok(())
}

/// The checksum over all objects; 0 if there is none.
fn sum(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: EXT_CHECKSUM,
        status: EXT_CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: EXT_CHECKSUM_BAD,
        how: (Severity::Warning, Group::Checksum),
        hint: "",
        zero: 0,
    };
    let sent = region.u16(2)?;
    if sent == 0 {
        let added = walk
            .tree
            .add(EXT_CHECKSUM, region.place(2, 2), Value::Uint(0));
        walk.tree
            .label(added, format_args!("[Checksum: [missing]]"));
        walk.checksum_status(EXT_CHECKSUM_STATUS, Status::NotPresent);
        return Ok(());
    }
    let bytes = region.slice(0, region.reported())?;
    walk.checksum(
        FIELDS,
        region,
        2,
        sent,
        Some(Sum::default().add(bytes).fold()),
    );
    Ok(())
}

/// More of the packet that is quoted.
fn payload(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    kind: u8,
    name: &mut &'static str,
) -> Result<Known, Stop> {
    walk.u8(EXT_CTYPE, part, 3)?;
    if kind != 1 {
        return Ok(Known::No);
    }
    *name = "Extended Payload";
    if part.reported() > HEADER_LEN {
        walk.bytes(EXT_DATA, &part.rest(HEADER_LEN));
    }
    Ok(Known::Yes)
}

/// The labels that the quoted packet had.
fn labels(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    kind: u8,
    name: &mut &'static str,
) -> Result<Known, Stop> {
    walk.u8(EXT_CTYPE, part, 3)?;
    if kind != 1 {
        return Ok(Known::No);
    }
    *name = "MPLS Stack Entry";
    let len = part.reported();
    let mut at = HEADER_LEN;
    while at + 4 <= len {
        let word = part.u32(at)?;
        let (label, exp, stack, ttl) = (word >> 12, word >> 9 & 7, word >> 8 & 1, word & 0xff);
        walk.tree.heading(
            part.place(at, 4),
            format_args!("Label: {label}, Exp: {exp}, S: {stack}, TTL: {ttl}"),
        );
        walk.tree.open();
        let tree = &mut *walk.tree;
        tree.add(MPLS_LABEL, part.place(at, 3), Value::Uint(label.into()));
        let place = part.place(at + 2, 1);
        tree.add(MPLS_EXP, place, Value::Uint(exp.into()));
        tree.add(MPLS_S, place, Value::Bool(stack != 0));
        tree.add(MPLS_TTL, part.place(at + 3, 1), Value::Uint(ttl.into()));
        tree.close();
        at += 4;
    }
    if at < len {
        walk.bytes(MPLS_DATA, &part.rest(at));
    }
    Ok(Known::Yes)
}

/// The kind of an object as a set of flags.
fn interface_kind(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) {
    const PRESENT: [(FieldId, u8); 4] = [
        (HAS_INDEX, 8),
        (HAS_ADDRESS, 4),
        (HAS_NAME, 2),
        (HAS_MTU, 1),
    ];
    let place = part.place(3, 1);
    let added: Added = walk.tree.add(EXT_CTYPE, place, Value::Uint(kind.into()));
    if walk.tree.labels() {
        let role = role((kind >> 6).into()).unwrap_or("Unknown");
        let mut label = format!("C-Type: {kind}, Interface Role: {role}");
        for (field, bit) in PRESENT {
            if kind & bit != 0 {
                label.push_str(", ");
                label.push_str(field.field().title);
            }
        }
        walk.tree.label(added, format_args!("{label}"));
    }
    let tree = &mut *walk.tree;
    tree.open();
    tree.add(ROLE, place, Value::Uint((kind >> 6).into()));
    tree.add(INFO_RESERVED, place, Value::Uint((kind >> 4 & 3).into()));
    for (field, bit) in PRESENT {
        tree.add(field, place, Value::Bool(kind & bit != 0));
    }
    tree.close();
}

/// What is told of an interface (RFC 5837). `region` begins with the object, which has `len` bytes.
fn interface(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    len: usize,
    kind: u8,
) -> Result<(), Stop> {
    interface_kind(walk, region, kind);
    let mut at = HEADER_LEN;
    if kind & 8 != 0 {
        walk.u32(INFO_INDEX, region, at)?;
        at += 4;
    }
    if kind & 4 != 0 && len >= at + 2 {
        let family = region.u16(at)?;
        let covered = if family == 1 { 8 } else { 20 };
        walk.tree.heading(
            region.place(at, covered),
            format_args!("IP Address Sub-Object"),
        );
        walk.tree.open();
        walk.u16(INFO_FAMILY, region, at)?;
        region.slice(at + 2, 2)?;
        walk.bytes(RESERVED, &region.part(at + 2, 2));
        at += 4;
        match family {
            1 => {
                let address = Value::Ipv4(region.array(at)?);
                walk.tree.add(INFO_IPV4, region.place(at, 4), address);
                at += 4;
            }
            2 => {
                let address = Value::Ipv6(region.array(at)?);
                walk.tree.add(INFO_IPV6, region.place(at, 16), address);
                at += 16;
            }
            _ => {
                walk.bytes(INFO_ADDRESS, &region.rest(at));
                walk.tree.close();
                return Ok(());
            }
        }
        walk.tree.close();
    }
    if kind & 2 != 0 {
        let mut name_len = 0;
        if len > at {
            name_len = usize::from(region.u8(at)?);
            walk.tree.heading(
                region.place(at, name_len),
                format_args!("Interface Name Sub-Object"),
            );
            walk.tree.open();
            walk.u8(INFO_NAME_LENGTH, region, at)?;
            at += 1;
            walk.tree.close();
        }
        if len >= at + name_len && name_len > 0 {
            let name = ascii(region.slice(at, name_len - 1)?);
            walk.tree.open();
            walk.tree
                .add_text(INFO_NAME, region.place(at, name_len - 1), &name);
            walk.tree.close();
            at += name_len - 1;
        }
    }
    if kind & 1 != 0 {
        walk.u32(INFO_MTU, region, at)?;
    }
    Ok(())
}

/// Which interface is asked about (RFC 8335). `region` begins with the object, which says that it has
/// `told` bytes.
fn identification(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    told: usize,
    kind: u8,
) -> Result<Known, Stop> {
    let len = region.reported();
    if len < 5 {
        return Ok(Known::No);
    }
    let by = match kind {
        1 => "Identifies Interface By Name",
        2 => "Identifies Interface By Index",
        3 => "Identifies Interface By Address",
        _ => "",
    };
    let added = walk
        .tree
        .add(EXT_CTYPE, region.place(3, 1), Value::Uint(kind.into()));
    if by.is_empty() {
        walk.tree.label(
            added,
            format_args!("C-Type: {kind} (Unknown C-Type {kind})"),
        );
    } else {
        walk.tree
            .label(added, format_args!("C-Type: {kind} ({by})"));
    }
    match kind {
        1 => {
            let name = ascii(region.slice(4, told - HEADER_LEN)?);
            walk.tree
                .add_text(IDENT_NAME, region.place(4, told - HEADER_LEN), &name);
        }
        2 => {
            walk.u32(IDENT_INDEX, region, 4)?;
        }
        3 => {
            let family = walk.u16(IDENT_FAMILY, region, 4)?;
            let mut left = usize::from(walk.u8(IDENT_LENGTH, region, 6)?);
            region.slice(7, 1)?;
            walk.bytes(IDENT_RESERVED, &region.part(7, 1));
            let mut at = 8;
            let step = match family {
                1 => 4,
                2 => 16,
                _ => {
                    walk.bytes(IDENT_ADDRESS, &region.rest(at));
                    return Ok(Known::Yes);
                }
            };
            while left >= step && at + step <= len {
                let place = region.place(at, step);
                if step == 4 {
                    let address = Value::Ipv4(region.array(at)?);
                    walk.tree.add(IDENT_IPV4, place, address);
                } else {
                    let address = Value::Ipv6(region.array(at)?);
                    walk.tree.add(IDENT_IPV6, place, address);
                }
                at += step;
                left -= step;
            }
        }
        _ => {}
    }
    Ok(Known::Yes)
}
