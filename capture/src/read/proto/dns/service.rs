//! Records that say how a service is reached and whom to trust: SVCB and HTTPS (RFC 9460), CAA
//! (RFC 8659), TLSA (RFC 6698), SSHFP (RFC 4255).

use super::name;
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// Dissects the data of such a record; whether it is one.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u16,
    at: usize,
    len: usize,
    text: &mut String,
) -> Result<bool, Stop> {
    let end = at + len;
    let rest = |from: usize| region.place(from, end.saturating_sub(from));
    match kind {
        44 => {
            walk.u8(super::SSHFP_ALGORITHM, region, at)?;
            walk.u8(super::SSHFP_TYPE, region, at + 1)?;
            region.slice(at, len)?;
            walk.tree.add(super::SSHFP, rest(at + 2), Value::Bytes);
        }
        52 => {
            walk.u8(super::TLSA_USAGE, region, at)?;
            walk.u8(super::TLSA_SELECTOR, region, at + 1)?;
            walk.u8(super::TLSA_MATCHING, region, at + 2)?;
            region.slice(at, len)?;
            walk.tree.add(super::TLSA_DATA, rest(at + 3), Value::Bytes);
        }
        64 | 65 => service(walk, region, at, end, text)?,
        257 => caa(walk, region, at, end)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn service(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    end: usize,
    text: &mut String,
) -> Result<(), Stop> {
    walk.u16(super::SVCB_PRIORITY, region, at)?;
    let name_len = name::read(region, at + 2, text)?;
    let place = region.place(at + 2, name_len);
    walk.tree.add_text(super::SVCB_TARGET, place, text);
    let mut at = at + 2 + name_len;
    while at < end {
        let (key, len) = (region.u16(at)?, usize::from(region.u16(at + 2)?));
        region.slice(at + 4, len)?;
        let value = region.part(at + 4, len);
        let all = region.place(at, 4 + len);
        let node = walk.tree.add(super::SVCB_PARAM, all, Value::None);
        let mut shown = match parameter_name(key.into()) {
            Some(name) => format!("SvcParam: {name}"),
            None => format!("SvcParam: key{key}"),
        };
        walk.tree.open();
        walk.u16(super::SVCB_KEY, region, at)?;
        walk.u16(super::SVCB_LEN, region, at + 2)?;
        parameter(walk, &value, key, &mut shown)?;
        walk.tree.close();
        walk.tree.label(node, format_args!("{shown}"));
        at += 4 + len;
    }
    Ok(())
}

fn parameter(
    walk: &mut Walk<'_, '_>,
    value: &Region<'_>,
    key: u16,
    shown: &mut String,
) -> Result<(), Stop> {
    let len = value.reported();
    let mut separator = "=";
    let mut add = |text: &str| {
        shown.push_str(separator);
        shown.push_str(text);
        separator = ",";
    };
    match key {
        0 => {
            for at in (0..len / 2 * 2).step_by(2) {
                let key = walk.u16(super::SVCB_MANDATORY, value, at)?;
                match parameter_name(key.into()) {
                    Some(name) => add(name),
                    None => add(&format!("key{key}")),
                }
            }
        }
        1 => {
            let mut at = 0;
            while at < len {
                let name_len = usize::from(walk.u8(super::SVCB_ALPN_LEN, value, at)?);
                let name = Escaped(value.slice(at + 1, name_len)?).to_string();
                let place = value.place(at + 1, name_len);
                walk.tree.add_text(super::SVCB_ALPN, place, &name);
                add(&name);
                at += 1 + name_len;
            }
        }
        2 => {}
        3 => {
            let port = walk.u16(super::SVCB_PORT, value, 0)?;
            add(&port.to_string());
        }
        4 => {
            for at in (0..len / 4 * 4).step_by(4) {
                let address = value.array::<4>(at)?;
                let place = value.place(at, 4);
                walk.tree.add(super::SVCB_IPV4, place, Value::Ipv4(address));
                add(&std::net::Ipv4Addr::from(address).to_string());
            }
        }
        6 => {
            for at in (0..len / 16 * 16).step_by(16) {
                let address = value.array::<16>(at)?;
                let place = value.place(at, 16);
                walk.tree.add(super::SVCB_IPV6, place, Value::Ipv6(address));
                add(&crate::read::render::Ipv6(address).to_string());
            }
        }
        5 => {
            walk.bytes(super::SVCB_ECH, value);
        }
        _ if len > 0 => {
            walk.bytes(super::SVCB_VALUE, value);
        }
        _ => {}
    }
    Ok(())
}

/// Name of a parameter.
pub(super) const fn parameter_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "echconfig",
        6 => "ipv6hint",
        32769 => "odohconfig",
        65535 => "key65535",
        _ => return None,
    })
}

fn caa(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize, end: usize) -> Result<(), Stop> {
    let flags = walk.u8(super::CAA_FLAGS, region, at)?;
    walk.tree.open();
    walk.tree.add(
        super::CAA_CRITICAL,
        region.place(at, 1),
        Value::Bool(flags & 0x80 != 0),
    );
    walk.tree.close();
    let tag_len = usize::from(region.u8(at + 1)?);
    let tag = region.slice(at + 2, tag_len)?;
    let value_at = at + 2 + tag_len;
    let value_len = end.saturating_sub(value_at);
    let value = Escaped(region.slice(value_at, value_len)?);
    let field = match tag {
        b"issue" => super::CAA_ISSUE,
        b"issuewild" => super::CAA_ISSUE_WILD,
        b"iodef" => super::CAA_IODEF,
        _ => super::CAA_UNKNOWN,
    };
    let place = region.place(value_at, value_len);
    walk.tree
        .add_formatted(field, place, format_args!("{value}"));
    walk.tree.open();
    walk.u8(super::CAA_TAG_LEN, region, at + 1)?;
    let tag_place = region.place(at + 2, tag_len);
    walk.tree
        .add_formatted(super::CAA_TAG, tag_place, format_args!("{}", Escaped(tag)));
    walk.tree
        .add_formatted(super::CAA_VALUE, place, format_args!("{value}"));
    walk.tree.close();
    Ok(())
}
