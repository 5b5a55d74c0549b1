//! Packets in packets: IP in IP, GRE, VXLAN, GENEVE, GTP-U and Teredo.
//!
//! A tunnel is entered only if what is in it is a whole IP packet whose headers can be believed and were
//! captured: otherwise the packet that carries it counts, as if it were no tunnel. That is so for what
//! is not IP, too. A fragment is not looked into, because its tunnel's end is elsewhere, and neither is
//! a datagram whose own checksum is wrong. What is accepted follows Zeek's packet analyzers.

use capture_common::flow_hash::{
    PORT_GENEVE, PORT_GRE, PORT_GTP_U, PORT_TEREDO, PORT_VXLAN, PORT_VXLAN_GPE, endpoint_v4,
    endpoint_v6, flow_hash,
};

use super::layers::{Addresses, Ip, Layers, Net, Transport, Tunnel, TunnelKind};
use super::{Scope, link, wireless};

const PROTO_IPV4: u8 = 4;
const PROTO_IPV6: u8 = 41;
const PROTO_GRE: u8 = 47;

/// Tunnels in tunnels that are entered.
const MAX_DEPTH: u8 = 4;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Transparent Ethernet bridging (RFC 1701).
const ETHERTYPE_ETHERNET: u16 = 0x6558;
/// PPP in PPTP's GRE (RFC 2637).
const ETHERTYPE_PPP: u16 = 0x880b;
/// ERSPAN types I and II, and type III (draft-foschiano-erspan).
const ETHERTYPE_ERSPAN: u16 = 0x88be;
const ETHERTYPE_ERSPAN_III: u16 = 0x22eb;

/// What a tunnel carries.
#[derive(Clone, Copy)]
enum Inside {
    /// What this `EtherType` says.
    Ethertype(u16),
    Ethernet,
    /// IPv4 or IPv6, by the first nibble.
    Ip,
    Ppp,
    Wireless,
}

/// Where a tunnel's load is.
struct Load {
    kind: TunnelKind,
    id: u32,
    inside: Inside,
    at: usize,
    /// Where it ends, if the tunnel's own header says so.
    end: Option<usize>,
}

/// Whether packets of this protocol are tunnels.
#[inline(always)]
pub(super) const fn is_protocol(protocol: u8) -> bool {
    matches!(protocol, PROTO_IPV4 | PROTO_IPV6 | PROTO_GRE)
}

/// Whether UDP datagrams with these ports can be tunnels. Teredo clients are answered from its port.
#[inline(always)]
pub(super) const fn is_port(src: u16, dst: u16) -> bool {
    matches!(
        dst,
        PORT_VXLAN | PORT_VXLAN_GPE | PORT_GENEVE | PORT_GTP_U | PORT_TEREDO | PORT_GRE
    ) || src == PORT_TEREDO
}

/// Enters the tunnel in the IP packet that was found, whose payload is at `at`, if there is one.
#[inline(never)]
pub(super) fn by_protocol(scope: Scope<'_>, at: usize, layers: &mut Layers) {
    let Net::Ip(ip) = layers.net else { return };
    let direct = |ethertype| Load {
        kind: TunnelKind::IpInIp,
        id: 0,
        inside: Inside::Ethertype(ethertype),
        at,
        end: None,
    };
    let load = match ip.protocol {
        PROTO_IPV4 => Some(direct(ETHERTYPE_IPV4)),
        PROTO_IPV6 => Some(direct(ETHERTYPE_IPV6)),
        _ => gre(scope, at),
    };
    if let Some(load) = load {
        enter(scope, &load, at + ip.payload_len as usize, &ip, layers);
    }
}

/// Enters the tunnel in the UDP datagram at `at`, if there is one.
#[inline(never)]
pub(super) fn by_port(scope: Scope<'_>, at: usize, (src, dst): (u16, u16), layers: &mut Layers) {
    let Net::Ip(ip) = layers.net else { return };
    let payload = at + 8;
    let len = match scope.cursor.u16(at + 4) {
        Some(len) if len >= 8 => ip.payload_len.min(u32::from(len)),
        _ => ip.payload_len,
    };
    let end = at + len as usize;
    let load = match dst {
        PORT_VXLAN => vxlan(scope, payload),
        PORT_VXLAN_GPE => vxlan_gpe(scope, payload),
        PORT_GENEVE => geneve(scope, payload),
        PORT_GTP_U => gtp_u(scope, payload),
        PORT_GRE => gre(scope, payload),
        _ => None,
    };
    let load = match load {
        None if src == PORT_TEREDO || dst == PORT_TEREDO => teredo(scope, payload, end),
        load => load,
    };
    if let Some(load) = load {
        enter(scope, &load, end, &ip, layers);
    }
}

/// Which flows carry what lies behind these layers.
fn carrier(layers: &Layers, kind: TunnelKind, ip: &Ip) -> u32 {
    let outer = layers.tunnel.map_or(0, |tunnel| tunnel.carrier.into());
    let (src_port, dst_port) = match layers.transport {
        // These are tunnels between two hosts, whatever they travel in.
        _ if matches!(kind, TunnelKind::Gre | TunnelKind::IpInIp) => (0, 0),
        Transport::Ports {
            src_port, dst_port, ..
        } => (src_port, dst_port),
        _ => (0, 0),
    };
    let [src, dst] = match ip.addresses {
        Addresses::V4 { src, dst } => [
            endpoint_v4(outer, src, src_port),
            endpoint_v4(outer, dst, dst_port),
        ],
        Addresses::V6 { src, dst } => [
            endpoint_v6(outer, src, src_port),
            endpoint_v6(outer, dst, dst_port),
        ],
    };
    // 0 is what nothing carries.
    flow_hash(src, dst, ip.protocol) | 1
}

/// Walks on within a tunnel that ends at `end`. What was found before stands if there is nothing in it.
fn enter(scope: Scope<'_>, load: &Load, end: usize, ip: &Ip, layers: &mut Layers) {
    let depth = layers.tunnel.map_or(0, |tunnel| tunnel.depth);
    let Some(scope) = scope.unwrapped() else {
        return;
    };
    if ip.fragment.is_some() || depth >= MAX_DEPTH {
        return;
    }
    let end = load.end.map_or(end, |own| own.min(end));
    let wire_len = (end as u32).min(scope.wire_len);
    let inner = Scope {
        cursor: scope.cursor.until(wire_len as usize),
        wire_len,
        nested: true,
        ..scope
    };
    let outer = *layers;
    *layers = Layers {
        tunnel: Some(Tunnel {
            kind: load.kind,
            depth: depth + 1,
            id: load.id,
            src: Some(ip.addresses.src()),
            dst: Some(ip.addresses.dst()),
            carrier: carrier(&outer, load.kind, ip),
        }),
        ..Layers::EMPTY
    };
    let walked = match load.inside {
        Inside::Ethertype(ethertype) => link::by_ethertype(inner, ethertype, load.at, layers),
        Inside::Ethernet => link::inner_ethernet(inner, load.at, layers),
        Inside::Ip => link::by_version(inner, load.at, layers),
        Inside::Ppp => link::ppp(inner, load.at, layers),
        Inside::Wireless => wireless::descend(inner, load.at, layers),
    };
    if walked.is_ok() && layers.malformed.is_none() && matches!(layers.net, Net::Ip(_)) {
        layers.vlans = outer.vlans;
        layers.vlan_tags = outer.vlan_tags;
    } else {
        *layers = outer;
    }
}

/// GRE (RFC 2784, RFC 2890), PPTP's variant (RFC 2637), ERSPAN and NVGRE (RFC 7637).
fn gre(scope: Scope<'_>, start: usize) -> Option<Load> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    /// Recursion control, strict source route, and what is left of the flags.
    const RESERVED: u16 = 0x0078;
    const VERSION: u16 = 0x0007;
    /// In an ERSPAN III header: eight more bytes.
    const PLATFORM: u8 = 0x01;

    let cursor = scope.cursor;
    let flags = cursor.u16(start)?;
    let ethertype = cursor.u16(start + 2)?;
    if flags & (ROUTING | RESERVED) != 0 {
        return None;
    }
    let mut at = start + 4;
    if flags & CHECKSUM != 0 {
        at += 4;
    }
    let mut id = 0;
    if flags & KEY != 0 {
        id = cursor.u32(at)?;
        at += 4;
    }
    if flags & SEQUENCE != 0 {
        at += 4;
    }
    let mut end = None;
    let inside = match (flags & VERSION, ethertype) {
        (1, ETHERTYPE_PPP) => {
            if flags & ACKNOWLEDGMENT != 0 {
                at += 4;
            }
            // The key is the length of the payload and the number of the call. An acknowledgment
            // alone has no sequence number, and no payload.
            if flags & (KEY | SEQUENCE) != KEY | SEQUENCE {
                return None;
            }
            end = Some(at + (id >> 16) as usize);
            id &= 0xffff;
            Inside::Ppp
        }
        (0, _) if flags & ACKNOWLEDGMENT != 0 => return None,
        (0, ETHERTYPE_ETHERNET) => Inside::Ethernet,
        (0, ETHERTYPE_ERSPAN) => {
            // Only type II has a header, and only it has a sequence number.
            if flags & SEQUENCE != 0 {
                at += 8;
            }
            Inside::Ethernet
        }
        (0, ETHERTYPE_ERSPAN_III) => {
            at += if cursor.u8(at + 11)? & PLATFORM != 0 {
                20
            } else {
                12
            };
            Inside::Ethernet
        }
        // Aruba's access points, with a number for each queue.
        (0, 0x8200..=0x8370 | 0x9000) if ethertype.is_multiple_of(16) => Inside::Wireless,
        (0, _) => Inside::Ethertype(ethertype),
        _ => return None,
    };
    Some(Load {
        kind: TunnelKind::Gre,
        id,
        inside,
        at,
        end,
    })
}

/// A network identifier of three bytes, with a fourth behind it.
fn network_id(scope: Scope<'_>, at: usize) -> Option<u32> {
    scope.cursor.u32(at).map(|word| word >> 8)
}

/// VXLAN (RFC 7348 section 5).
fn vxlan(scope: Scope<'_>, at: usize) -> Option<Load> {
    const ID_IS_VALID: u8 = 0x08;

    let flags = scope.cursor.u8(at)?;
    (flags & ID_IS_VALID != 0).then_some(Load {
        kind: TunnelKind::Vxlan,
        id: network_id(scope, at + 4)?,
        inside: Inside::Ethernet,
        at: at + 8,
        end: None,
    })
}

/// VXLAN with a protocol field (draft-ietf-nvo3-vxlan-gpe section 3).
fn vxlan_gpe(scope: Scope<'_>, at: usize) -> Option<Load> {
    const VERSION: u8 = 0x30;
    const ID_IS_VALID: u8 = 0x08;
    const PROTOCOL_IS_VALID: u8 = 0x04;
    const MAINTENANCE: u8 = 0x01;

    let [flags, _, _, protocol] = *scope.cursor.array::<4>(at)?;
    if flags & (VERSION | MAINTENANCE) != 0 || flags & ID_IS_VALID == 0 {
        return None;
    }
    let inside = match protocol {
        1 if flags & PROTOCOL_IS_VALID != 0 => Inside::Ethertype(ETHERTYPE_IPV4),
        2 if flags & PROTOCOL_IS_VALID != 0 => Inside::Ethertype(ETHERTYPE_IPV6),
        3 if flags & PROTOCOL_IS_VALID != 0 => Inside::Ethernet,
        0 if flags & PROTOCOL_IS_VALID == 0 => Inside::Ethernet,
        _ => return None,
    };
    Some(Load {
        kind: TunnelKind::Vxlan,
        id: network_id(scope, at + 4)?,
        inside,
        at: at + 8,
        end: None,
    })
}

/// GENEVE (RFC 8926 section 3.4).
fn geneve(scope: Scope<'_>, at: usize) -> Option<Load> {
    let first = scope.cursor.u8(at)?;
    if first >> 6 != 0 {
        return None;
    }
    let inside = match scope.cursor.u16(at + 2)? {
        ETHERTYPE_ETHERNET => Inside::Ethernet,
        ethertype => Inside::Ethertype(ethertype),
    };
    Some(Load {
        kind: TunnelKind::Geneve,
        id: network_id(scope, at + 4)?,
        inside,
        at: at + 8 + usize::from(first & 0x3f) * 4,
        end: None,
    })
}

/// GTP-U (3GPP TS 29.281 section 5): a G-PDU, with its extension headers.
fn gtp_u(scope: Scope<'_>, start: usize) -> Option<Load> {
    /// Version 1, and the protocol type that is not GTP'.
    const VERSION: u8 = 0xf0;
    const VERSION_1: u8 = 0x30;
    const EXTENSION: u8 = 0x04;
    /// Any of extension, sequence number and N-PDU number: then all three fields are there.
    const OPTIONAL: u8 = 0x07;
    const G_PDU: u8 = 255;
    const MAX_EXTENSIONS: usize = 8;

    let cursor = scope.cursor;
    let [flags, kind, high, low, id @ ..] = *cursor.array::<8>(start)?;
    if flags & VERSION != VERSION_1 || kind != G_PDU {
        return None;
    }
    let mut at = start + 8;
    let end = at + usize::from(u16::from_be_bytes([high, low]));
    if flags & OPTIONAL != 0 {
        let mut next = cursor.u8(at + 3)?;
        at += 4;
        if flags & EXTENSION == 0 {
            next = 0;
        }
        for _ in 0..MAX_EXTENSIONS {
            if next == 0 {
                break;
            }
            let len = usize::from(cursor.u8(at)?) * 4;
            next = cursor.u8((at + len).checked_sub(1)?)?;
            if len == 0 {
                return None;
            }
            at += len;
        }
        if next != 0 {
            return None;
        }
    }
    Some(Load {
        kind: TunnelKind::GtpU,
        id: u32::from_be_bytes(id),
        inside: Inside::Ip,
        at,
        end: Some(end),
    })
}

/// Teredo (RFC 4380 section 5.1.1): IPv6, perhaps behind an authentication and an origin indication.
/// The port is a client's as well, so the length has to be right to the byte.
fn teredo(scope: Scope<'_>, mut at: usize, end: usize) -> Option<Load> {
    let cursor = scope.cursor;
    if cursor.u16(at)? == 1 {
        // Lengths of both, then they themselves, a nonce of eight bytes and a confirmation of one.
        let [_, _, id, value] = *cursor.array::<4>(at)?;
        at += 13 + usize::from(id) + usize::from(value);
    }
    if cursor.u16(at)? == 0 {
        at += 8;
    }
    let len = 40 + usize::from(cursor.u16(at + 4)?);
    if cursor.u8(at)? >> 4 != 6 || at + len != end {
        return None;
    }
    Some(Load {
        kind: TunnelKind::Teredo,
        id: 0,
        inside: Inside::Ip,
        at,
        end: None,
    })
}
