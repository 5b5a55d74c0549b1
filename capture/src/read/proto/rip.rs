//! RIP (RFC 1058, RFC 2453), as Wireshark's `packet-rip.c` shows it.

use super::names::pick;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    53, "rip", "RIP", "Routing Information Protocol";
    COMMAND: "rip.command", "Command", Uint(8), Dec, names = command_name;
    VERSION: "rip.version", "Version", Uint(8), Dec, names = version_name;
    DOMAIN: "rip.routing_domain", "Routing Domain", Uint(16), Dec;
    FAMILY: "rip.family", "Address Family", Uint(16), Dec, names = family_name;
    ROUTE_TAG: "rip.route_tag", "Route Tag", Uint(16), Dec;
    ADDRESS: "rip.ip", "IP Address", Ipv4;
    NETMASK: "rip.netmask", "Netmask", Ipv4;
    NEXT_HOP: "rip.next_hop", "Next Hop", Ipv4;
    METRIC: "rip.metric", "Metric", Uint(16), Dec;
}

/// Port of RIP, over UDP.
pub(crate) const PORT: u16 = 520;
const HEADER_LEN: usize = 4;
const ENTRY_LEN: usize = 20;

fn command_name(value: u64) -> Option<&'static str> {
    let names = [
        "Request",
        "Response",
        "Traceon",
        "Traceoff",
        "Vendor specific (Sun)",
    ];
    pick(value.checked_sub(1)?, &names)
}

fn version_name(value: u64) -> Option<&'static str> {
    pick(value.checked_sub(1)?, &["RIPv1", "RIPv2"])
}

const fn family_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Unspecified",
        2 => "IP",
        0xffff => "Authentication",
        _ => return None,
    })
}

/// Dissects a datagram.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let (command, version) = (region.u8(0)?, region.u8(1)?);
    let name = version_name(version.into()).unwrap_or("RIP");
    walk.columns.set_protocol(name);
    match command_name(command.into()) {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk
            .columns
            .set_info(format_args!("Unknown command ({command})")),
    }
    walk.begin(THIS, &region, region.captured().len());
    walk.u8(COMMAND, &region, 0)?;
    walk.u8(VERSION, &region, 1)?;
    if version == 2 && region.u16(2)? != 0 {
        walk.u16(DOMAIN, &region, 2)?;
    }
    let mut at = HEADER_LEN;
    while at + ENTRY_LEN <= region.reported() {
        entry(walk, &region.part(at, ENTRY_LEN), version)?;
        at += ENTRY_LEN;
    }
    walk.end();
    Ok(())
}

fn entry(walk: &mut Walk<'_, '_>, entry: &Region<'_>, version: u8) -> Result<(), Stop> {
    let family = entry.u16(0)?;
    let (address, metric) = (entry.array::<4>(4)?, entry.u32(16)?);
    let place = entry.place(0, ENTRY_LEN);
    let shown = std::net::Ipv4Addr::from(address);
    match family {
        0 if metric == 16 => walk
            .tree
            .heading(place, format_args!("Address not specified, Metric: 16")),
        0xffff => walk.tree.heading(place, format_args!("Authentication")),
        _ => walk
            .tree
            .heading(place, format_args!("IP Address: {shown}, Metric: {metric}")),
    };
    walk.tree.open();
    walk.u16(FAMILY, entry, 0)?;
    if family != 0xffff {
        if version == 2 {
            walk.u16(ROUTE_TAG, entry, 2)?;
        }
        walk.tree
            .add(ADDRESS, entry.place(4, 4), Value::Ipv4(address));
        if version == 2 {
            let mask = entry.array(8)?;
            walk.tree.add(NETMASK, entry.place(8, 4), Value::Ipv4(mask));
            let hop = entry.array(12)?;
            walk.tree
                .add(NEXT_HOP, entry.place(12, 4), Value::Ipv4(hop));
        }
        let value = Value::Uint(metric.into());
        walk.tree.add(METRIC, entry.place(16, 4), value);
    }
    walk.tree.close();
    Ok(())
}
