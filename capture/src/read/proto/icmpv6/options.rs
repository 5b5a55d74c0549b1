//! Options of neighbor discovery (RFC 4861 section 4.6, and what IANA registered later).

#![expect(
    clippy::format_push_string,
    reason = "headings grow by a few words, once per option"
)]

use super::{
    DATA, OPT, OPT_AGENT_LIFETIME, OPT_AGENT_PREFERENCE, OPT_DNSSL, OPT_DNSSL_LIFETIME,
    OPT_HARDWARE, OPT_INTERVAL, OPT_INVALID, OPT_LENGTH, OPT_LINKADDR, OPT_MTU, OPT_NONCE,
    OPT_PADDING, OPT_PORTAL, OPT_PREFIX, OPT_PREFIX_FLAG, OPT_PREFIX_FLAG_A, OPT_PREFIX_FLAG_L,
    OPT_PREFIX_FLAG_R, OPT_PREFIX_FLAG_RESERVED, OPT_PREFIX_LENGTH, OPT_PREFIX_PREFERRED,
    OPT_PREFIX_VALID, OPT_RDNSS, OPT_RDNSS_LIFETIME, OPT_REDIRECTED, OPT_RESERVED, OPT_ROUTE_FLAG,
    OPT_ROUTE_LIFETIME, OPT_ROUTE_PREFERENCE, OPT_ROUTE_RESERVED, OPT_SRC_HARDWARE,
    OPT_SRC_LINKADDR, OPT_TARGET_HARDWARE, OPT_TARGET_LINKADDR, OPT_TYPE, OPT_UNDECODED, UNKNOWN,
    UNKNOWN_DATA, address, option, preference, quote,
};
use crate::read::proto::dns;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::text::ascii;
use crate::read::region::{Region, Stop};
use crate::read::render::{Ether, Ipv6};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

const MALFORMED: (Severity, Group) = (Severity::Error, Group::Malformed);

/// Dissects all options.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let mut at = 0;
    while at < region.reported() {
        let units = region.u8(at + 1)?;
        let kind = region.u8(at)?;
        let len = usize::from(units) * 8;
        let part = region.rest(at);
        let added = walk.tree.add(OPT, part.place(0, len), Value::None);
        let name = option(kind.into()).map_or_else(|| format!("Unknown {kind}"), str::to_owned);
        let mut title = format!("ICMPv6 Option ({name}");
        walk.tree.label(added, format_args!("{title}"));
        walk.tree.open();
        walk.u8(OPT_TYPE, &part, 0)?;
        let node = walk
            .tree
            .add(OPT_LENGTH, part.place(1, 1), Value::Uint(units.into()));
        walk.tree
            .label(node, format_args!("Length: {units} ({len} bytes)"));
        if len == 0 {
            walk.expert(
                node,
                OPT_INVALID,
                MALFORMED,
                format_args!("Invalid option length (Zero)"),
            );
            walk.tree.close();
            return Ok(());
        }
        let outcome = one(walk, &part, (kind, len), &mut title, [added, node]);
        walk.tree.label(added, format_args!("{title}"));
        let used = outcome?;
        if used < len {
            part.slice(used, len - used)?;
            let added = walk.bytes(UNKNOWN_DATA, &part.part(used, len - used));
            walk.expert(
                added,
                UNKNOWN,
                MALFORMED,
                format_args!("Unknown Data (not interpreted)"),
            );
        }
        walk.tree.label(added, format_args!("{title})"));
        walk.tree.close();
        at += len;
    }
    Ok(())
}

/// Bytes that are reserved.
fn reserved(walk: &mut Walk<'_, '_>, part: &Region<'_>, at: usize, len: usize) -> Result<(), Stop> {
    part.from(at)?;
    walk.tree
        .add(OPT_RESERVED, part.place(at, len), Value::None);
    Ok(())
}

/// What an option says, and its title; gives where what is known of it ends.
fn one(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    (kind, len): (u8, usize),
    title: &mut String,
    [added, len_node]: [Added; 2],
) -> Result<usize, Stop> {
    Ok(match kind {
        1 | 2 => {
            hardware(walk, part, (kind, len), title)?;
            len
        }
        3 => {
            prefix(walk, part, title)?;
            32
        }
        4 => {
            reserved(walk, part, 2, 6)?;
            if len > 8 {
                part.from(8)?;
                let place = part.place(8, len - 8);
                walk.tree.add(OPT_REDIRECTED, place, Value::None);
                quote(walk, part.part(8, len - 8))?;
            }
            len
        }
        5 => {
            reserved(walk, part, 2, 2)?;
            let mtu = walk.u32(OPT_MTU, part, 4)?;
            title.push_str(&format!(" : {}", mtu.cast_signed()));
            8
        }
        7 => {
            reserved(walk, part, 2, 2)?;
            let interval = walk.u32(OPT_INTERVAL, part, 4)?;
            title.push_str(&format!(" : {}", interval.cast_signed()));
            8
        }
        8 => {
            reserved(walk, part, 2, 2)?;
            walk.u16(OPT_AGENT_PREFERENCE, part, 4)?;
            walk.u16(OPT_AGENT_LIFETIME, part, 6)?;
            8
        }
        14 => {
            part.slice(2, len - 2)?;
            walk.bytes(OPT_NONCE, &part.part(2, len - 2));
            len
        }
        24 => route(walk, part, len, (title, len_node))?,
        25 => {
            reserved(walk, part, 2, 2)?;
            walk.u32(OPT_RDNSS_LIFETIME, part, 4)?;
            let mut at = 8;
            while at < len {
                let server = address(walk, part, OPT_RDNSS, at)?;
                title.push_str(&format!(" {}", Ipv6(server)));
                at += 16;
            }
            at
        }
        31 => {
            reserved(walk, part, 2, 2)?;
            walk.u32(OPT_DNSSL_LIFETIME, part, 4)?;
            names(walk, part, len, title)?
        }
        37 => {
            let portal = ascii(part.slice(2, len - 2)?);
            walk.tree
                .add_text(OPT_PORTAL, part.place(2, len - 2), &portal);
            title.push(' ');
            title.push_str(&portal);
            len
        }
        _ => {
            walk.expert(
                added,
                OPT_UNDECODED,
                (Severity::Note, Group::Undecoded),
                format_args!(
                    "Dissector for ICMPv6 Option ({kind}) code not implemented, Contact Wireshark developers if you want this supported"
                ),
            );
            part.slice(2, len - 2)?;
            walk.bytes(DATA, &part.part(2, len - 2));
            len
        }
    })
}

/// An address of the link layer.
fn hardware(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    (kind, len): (u8, usize),
    title: &mut String,
) -> Result<(), Stop> {
    if len != 8 {
        part.slice(2, len - 2)?;
        let bytes = part.part(2, len - 2);
        walk.bytes(OPT_HARDWARE, &bytes);
        let whose = if kind == 1 {
            OPT_SRC_HARDWARE
        } else {
            OPT_TARGET_HARDWARE
        };
        let hidden = walk.bytes(whose, &bytes);
        walk.tree.set_hidden(hidden);
        return Ok(());
    }
    let address: [u8; 6] = part.array(2)?;
    let (place, value) = (part.place(2, 6), Value::Ether(address));
    walk.tree.add(OPT_LINKADDR, place, value);
    let (whose, word) = if kind == 1 {
        (OPT_SRC_LINKADDR, "from")
    } else {
        (OPT_TARGET_LINKADDR, "is at")
    };
    walk.tree.add_hidden(whose, place, value);
    title.push_str(&format!(" : {}", Ether(address)));
    walk.columns
        .append_info(format_args!(" {word} {}", Ether(address)));
    Ok(())
}

/// A route (RFC 4191 section 2.3).
fn route(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    len: usize,
    (title, len_node): (&mut String, Added),
) -> Result<usize, Stop> {
    let bits = walk.u8(OPT_PREFIX_LENGTH, part, 2)?;
    let flags = part.u8(3)?;
    let name = preference((flags >> 3 & 3).into()).unwrap_or("");
    let place = part.place(3, 1);
    let tree = &mut *walk.tree;
    let node = tree.add(OPT_ROUTE_FLAG, place, Value::Uint(flags.into()));
    tree.label(
        node,
        format_args!("Flag: {flags:#04x}, Route Preference: {name}"),
    );
    tree.open();
    let value = Value::Uint((flags >> 3 & 3).into());
    tree.add(OPT_ROUTE_PREFERENCE, place, value);
    tree.add(
        OPT_ROUTE_RESERVED,
        place,
        Value::Uint((flags & 0xe7).into()),
    );
    tree.close();
    title.push_str(&format!(" : {name}"));
    walk.u32(OPT_ROUTE_LIFETIME, part, 4)?;
    match len {
        8 => title.push_str(&format!(" ::/{bits}")),
        16 => {
            let mut prefix = [0; 16];
            prefix[..8].copy_from_slice(part.slice(8, 8)?);
            walk.tree
                .add(OPT_PREFIX, part.place(8, 8), Value::Ipv6(prefix));
            title.push_str(&format!(" {}/{bits}", Ipv6(prefix)));
        }
        24 => {
            let prefix = address(walk, part, OPT_PREFIX, 8)?;
            title.push_str(&format!(" {}/{bits}", Ipv6(prefix)));
        }
        _ => {
            walk.expert(
                len_node,
                OPT_INVALID,
                MALFORMED,
                format_args!("Invalid Option Length"),
            );
            return Ok(8);
        }
    }
    Ok(len)
}

/// Names to search in (RFC 8106 section 5.2).
fn names(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    len: usize,
    title: &mut String,
) -> Result<usize, Stop> {
    let mut at = 8;
    while at < len {
        if part.u8(at)? == 0 {
            let place = part.place(at, len - at);
            walk.tree.add(OPT_PADDING, place, Value::None);
            return Ok(len);
        }
        let mut name = String::new();
        let name_len = dns::read_name(&part.rest(at), &mut name)?;
        walk.tree
            .add_text(OPT_DNSSL, part.place(at, name_len), &name);
        title.push(' ');
        title.push_str(&name);
        at += name_len;
    }
    Ok(at)
}

fn prefix(walk: &mut Walk<'_, '_>, part: &Region<'_>, title: &mut String) -> Result<(), Stop> {
    let bits = walk.u8(OPT_PREFIX_LENGTH, part, 2)?;
    let flags = part.u8(3)?;
    let place = part.place(3, 1);
    let tree = &mut *walk.tree;
    let node = tree.add(OPT_PREFIX_FLAG, place, Value::Uint(flags.into()));
    let fields = [
        (OPT_PREFIX_FLAG_L, 0x80, ", On-link flag(L)"),
        (
            OPT_PREFIX_FLAG_A,
            0x40,
            ", Autonomous address-configuration flag(A)",
        ),
        (OPT_PREFIX_FLAG_R, 0x20, ", Router address flag(R)"),
    ];
    let [l, a, r] = fields.map(|(_, bit, word)| if flags & bit == 0 { "" } else { word });
    tree.label(node, format_args!("Flag: {flags:#04x}{l}{a}{r}"));
    tree.open();
    for (field, bit, _) in fields {
        tree.add(field, place, Value::Bool(flags & bit != 0));
    }
    tree.add(
        OPT_PREFIX_FLAG_RESERVED,
        place,
        Value::Uint((flags & 0x1f).into()),
    );
    tree.close();
    for (field, at) in [(OPT_PREFIX_VALID, 4), (OPT_PREFIX_PREFERRED, 8)] {
        let secs = part.u32(at)?;
        let node = walk
            .tree
            .add(field, part.place(at, 4), Value::Uint(secs.into()));
        let title = field.field().title;
        if secs == u32::MAX {
            walk.tree
                .label(node, format_args!("{title}: Infinity ({secs})"));
        } else {
            walk.tree.label(node, format_args!("{title}: {secs}"));
        }
    }
    reserved(walk, part, 12, 4)?;
    let prefix = address(walk, part, OPT_PREFIX, 16)?;
    title.push_str(&format!(" : {}/{bits}", Ipv6(prefix)));
    Ok(())
}
