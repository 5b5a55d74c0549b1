//! The addresses of an IPv6 packet, and the addresses of other kinds that some of them are made of.

use super::{
    ADDR, DST, DST_6TO4, DST_EMBEDDED, DST_HOST, DST_ISATAP, DST_SLA, DST_SLAAC_MAC, DST_TEREDO,
    DST_TEREDO_CLIENT, DST_TEREDO_PORT, EMBEDDED, EMBEDDED_PREFIX, GATEWAY_6TO4, HOST, ISATAP, SLA,
    SLAAC_MAC, SRC, SRC_6TO4, SRC_EMBEDDED, SRC_HOST, SRC_ISATAP, SRC_SLA, SRC_SLAAC_MAC,
    SRC_TEREDO, SRC_TEREDO_CLIENT, SRC_TEREDO_PORT, TEREDO, TEREDO_CLIENT, TEREDO_PORT,
};
use crate::read::field::FieldId;
use crate::read::region::Region;
use crate::read::render::Ipv6;
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// Where the addresses lie.
const PLACES: [usize; 2] = [8, 24];

/// Adds both addresses.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    source: [u8; 16],
    destination: [u8; 16],
) {
    let tree = &mut *walk.tree;
    let both = [(SRC, SRC_HOST, 8, source), (DST, DST_HOST, 24, destination)];
    for (field, host, offset, address) in both {
        let place = region.place(offset, 16);
        tree.add(field, place, Value::Ipv6(address));
        tree.add_hidden(ADDR, place, Value::Ipv6(address));
        for host in [host, HOST] {
            let hidden = tree.add_formatted(host, place, format_args!("{}", Ipv6(address)));
            tree.set_hidden(hidden);
            tree.set_generated(hidden);
        }
    }
    let found: [Find; 5] = [six_to_four, teredo, slaac, isatap, embedded];
    for find in found {
        for (which, address) in [source, destination].into_iter().enumerate() {
            for part in find(address).into_iter().flatten() {
                part.add(walk, region, which);
            }
        }
    }
}

/// Adds the source alone, where the destination was not captured.
pub(super) fn first(walk: &mut Walk<'_, '_>, region: &Region<'_>, source: [u8; 16]) {
    let place = region.place(8, 16);
    walk.tree.add(SRC, place, Value::Ipv6(source));
    walk.tree.add_hidden(ADDR, place, Value::Ipv6(source));
    for host in [SRC_HOST, HOST] {
        let hidden = walk
            .tree
            .add_formatted(host, place, format_args!("{}", Ipv6(source)));
        walk.tree.set_hidden(hidden);
        walk.tree.set_generated(hidden);
    }
}

/// What an address is made of.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// The field of the source's, of the destination's, and of either.
    fields: [FieldId; 3],
    /// Where it lies in the address.
    at: usize,
    len: usize,
    value: Value,
}

impl Part {
    fn add(self, walk: &mut Walk<'_, '_>, region: &Region<'_>, which: usize) {
        let place = region.place(PLACES[which] + self.at, self.len);
        let own = self.fields[which];
        let added = walk.tree.add(own, place, self.value);
        walk.tree.set_generated(added);
        if own == self.fields[2] {
            return;
        }
        let added = walk.tree.add(self.fields[2], place, self.value);
        walk.tree.set_generated(added);
        // Of all, this kind alone is shown twice.
        if own != SRC_EMBEDDED && own != DST_EMBEDDED {
            walk.tree.set_hidden(added);
        }
    }
}

/// RFC 3056 section 2.
fn six_to_four(address: [u8; 16]) -> [Option<Part>; 3] {
    let [0x20, 0x02, a, b, c, d, high, low, ..] = address else {
        return [None; 3];
    };
    let gateway = Part {
        fields: [SRC_6TO4, DST_6TO4, GATEWAY_6TO4],
        at: 2,
        len: 4,
        value: Value::Ipv4([a, b, c, d]),
    };
    let aggregation = Part {
        fields: [SRC_SLA, DST_SLA, SLA],
        at: 6,
        len: 2,
        value: Value::Uint(u16::from_be_bytes([high, low]).into()),
    };
    [Some(gateway), Some(aggregation), None]
}

/// Finds what is told in an address.
type Find = fn([u8; 16]) -> [Option<Part>; 3];

/// RFC 4380 section 4.
fn teredo(address: [u8; 16]) -> [Option<Part>; 3] {
    let ([0x20, 0x01, 0, 0, server @ .., _, _, high, low], hidden) = address.split_at(12) else {
        return [None; 3];
    };
    let (Ok(server), Ok(hidden)) = (<[u8; 4]>::try_from(server), <[u8; 4]>::try_from(hidden))
    else {
        return [None; 3];
    };
    let server = Part {
        fields: [SRC_TEREDO, DST_TEREDO, TEREDO],
        at: 4,
        len: 4,
        value: Value::Ipv4(server),
    };
    let port = Part {
        fields: [SRC_TEREDO_PORT, DST_TEREDO_PORT, TEREDO_PORT],
        at: 10,
        len: 2,
        value: Value::Uint((!u16::from_be_bytes([*high, *low])).into()),
    };
    let client = Part {
        fields: [SRC_TEREDO_CLIENT, DST_TEREDO_CLIENT, TEREDO_CLIENT],
        at: 12,
        len: 4,
        value: Value::Ipv4(hidden.map(|byte| !byte)),
    };
    [Some(server), Some(port), Some(client)]
}

/// An interface identifier made of a MAC address (RFC 4291, appendix A).
fn slaac(address: [u8; 16]) -> [Option<Part>; 3] {
    let [.., first, second, third, 0xff, 0xfe, x, y, z] = address else {
        return [None; 3];
    };
    if first & 2 == 0 {
        return [None; 3];
    }
    let part = Part {
        fields: [SRC_SLAAC_MAC, DST_SLAAC_MAC, SLAAC_MAC],
        at: 8,
        len: 8,
        value: Value::Ether([first ^ 2, second, third, x, y, z]),
    };
    [Some(part), None, None]
}

/// RFC 5214 section 6.1.
fn isatap(address: [u8; 16]) -> [Option<Part>; 3] {
    let [.., 0 | 2, 0, 0x5e, 0xfe, a, b, c, d] = address else {
        return [None; 3];
    };
    let part = Part {
        fields: [SRC_ISATAP, DST_ISATAP, ISATAP],
        at: 12,
        len: 4,
        value: Value::Ipv4([a, b, c, d]),
    };
    [Some(part), None, None]
}

/// Behind the well-known prefix (RFC 6052 section 2.1).
fn embedded(address: [u8; 16]) -> [Option<Part>; 3] {
    let [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] = address else {
        return [None; 3];
    };
    let prefix = Part {
        fields: [EMBEDDED_PREFIX; 3],
        at: 0,
        len: 12,
        value: Value::Bytes,
    };
    let part = Part {
        fields: [SRC_EMBEDDED, DST_EMBEDDED, EMBEDDED],
        at: 12,
        len: 4,
        value: Value::Ipv4([a, b, c, d]),
    };
    [Some(prefix), Some(part), None]
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4380 section 4 with the example of its section 5.2; RFC 5214 section 6.1.
    #[test]
    fn addresses_within_addresses_are_found() {
        let address = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
        let values = |parts: [Option<Part>; 3]| parts.map(|part| part.map(|part| part.value));
        let found = values(teredo(address("2001:0:4136:e378:8000:63bf:3fff:fdd2")));
        let expected = [
            Value::Ipv4([65, 54, 227, 120]),
            Value::Uint(40_000),
            Value::Ipv4([192, 0, 2, 45]),
        ];
        assert_eq!(found, expected.map(Some));
        let [found, ..] = values(isatap(address("fe80::5efe:192.0.2.1")));
        assert_eq!(found, Some(Value::Ipv4([192, 0, 2, 1])));
        assert_eq!(values(six_to_four(address("2001:db8::1"))), [None; 3]);
    }
}
