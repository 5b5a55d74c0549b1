//! What lies between a link layer and IP, and is no tunnel: MPLS (RFC 3032), `PPPoE` (RFC 2516),
//! provider backbone bridges (IEEE 802.1ah), and what two vendors put there.

use super::layers::{Header, Layers, Net};
use super::{Beyond, Scope, link};

const ETHERTYPE_MPLS: u16 = 0x8847;
const ETHERTYPE_MPLS_UPSTREAM: u16 = 0x8848;
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1ah: the service tag of a provider backbone bridge.
const ETHERTYPE_PBB: u16 = 0x88e7;
/// Cisco's virtual network tag.
const ETHERTYPE_VN_TAG: u16 = 0x8926;
/// Cisco's fabric path.
const ETHERTYPE_FABRIC_PATH: u16 = 0x8903;

const BEYOND: Beyond = Beyond(Header::Link);

/// What `ethertype` announces, at `at`, if it can be looked behind.
#[inline(never)]
pub(super) fn descend(
    scope: Scope<'_>,
    ethertype: u16,
    at: usize,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    let Some(scope) = scope.unwrapped() else {
        return Ok(());
    };
    match ethertype {
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_UPSTREAM => mpls(scope, at, layers),
        ETHERTYPE_PPPOE_SESSION => pppoe(scope, at, layers),
        // Priority, flags and service identifier, then the customer's frame.
        ETHERTYPE_PBB => link::inner_ethernet(scope, at + 4, layers),
        ETHERTYPE_VN_TAG => {
            let ethertype = scope.cursor.u16(at + 4).ok_or(BEYOND)?;
            link::by_ethertype(scope, ethertype, at + 6, layers)
        }
        // Forwarding tag and time to live, then the frame.
        ETHERTYPE_FABRIC_PATH => link::inner_ethernet(scope, at + 2, layers),
        _ => Ok(()),
    }
}

/// MPLS labels from `at` on. Nothing says what lies behind the last one: the first nibble of IPv4 or
/// IPv6 does (RFC 4928), and a nibble of zero announces the control word of a pseudowire (RFC 4385)
/// with, perhaps, an Ethernet frame (RFC 4448). What then turns out not to be such a packet was a wrong
/// guess, and not malformed.
pub(super) fn mpls(scope: Scope<'_>, mut at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    const BOTTOM: u8 = 0x01;
    const MAX_LABELS: usize = 16;

    let mut bottom = false;
    for _ in 0..MAX_LABELS {
        bottom = scope.cursor.u8(at + 2).ok_or(BEYOND)? & BOTTOM != 0;
        at += 4;
        if bottom {
            break;
        }
    }
    if !bottom {
        return Ok(());
    }
    let before = *layers;
    let walked = match scope.cursor.u8(at).ok_or(BEYOND)? >> 4 {
        4 | 6 => link::by_version(scope, at, layers),
        0 => link::inner_ethernet(scope, at + 4, layers),
        _ => Ok(()),
    };
    let wrong = match &walked {
        Ok(()) => layers.malformed.is_some() || !matches!(layers.net, Net::Ip(_) | Net::Arp),
        // Whether it is one cannot be said of what was not captured.
        Err(_) => scope.cursor.len() >= scope.wire_len as usize,
    };
    if wrong {
        *layers = before;
        return Ok(());
    }
    walked
}

/// A `PPPoE` session header at `at`.
pub(super) fn pppoe(scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    // Version and type, code; session and length follow.
    let [version, code, ..] = *scope.cursor.array::<6>(at).ok_or(BEYOND)?;
    // Version 1, type 1; other codes are of the discovery stage.
    if version != 0x11 || code != 0 {
        return Ok(());
    }
    link::ppp(scope, at + 6, layers)
}
