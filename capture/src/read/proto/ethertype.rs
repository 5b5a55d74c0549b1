//! What an `EtherType` announces (Wireshark's `packet-ethertype.c`): where link layers hand on.

use super::brief::{bare, service, shim};
use super::names::ethertype::ethertype as ethertype_name;
use super::{arp, data, ip, ipv6, mpls, pppoe, vlan};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    32, "ethertype", "Ethertype", "Ethertype";
}

/// IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// ARP.
pub(crate) const ARP: u16 = 0x0806;
/// Ethernet within something else.
pub(crate) const BRIDGED: u16 = 0x6558;
/// A VLAN tag.
pub(crate) const VLAN: u16 = 0x8100;
/// IPv6.
pub(crate) const IPV6: u16 = 0x86dd;
/// A service VLAN tag.
pub(crate) const SERVICE_VLAN: u16 = 0x88a8;

/// Dissects what follows an `EtherType`. What goes wrong within is said there and ends here, so that
/// the layer around it can go on with its own trailer.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, ethertype: u16, region: Region<'_>) {
    walk.protocols.push(THIS.protocol);
    let (depth, current) = (walk.tree.depth(), walk.current);
    walk.tree.set_depth(walk.base);
    walk.claimed = None;
    match hand_on(walk, ethertype, region) {
        Ok(()) => walk.current = current,
        Err(stop) => walk.stopped(stop),
    }
    walk.tree.set_depth(depth);
}

/// Dissects what an `EtherType` announces, without saying that there was one.
pub(crate) fn hand_on(
    walk: &mut Walk<'_, '_>,
    ethertype: u16,
    region: Region<'_>,
) -> Result<(), Stop> {
    if walk.protocols.is_full() {
        return data::dissect(walk, region);
    }
    match ethertype {
        IPV4 => ip::dissect(walk, region),
        IPV6 => ipv6::dissect(walk, region),
        ARP | 0x8035 => arp::dissect(walk, region),
        VLAN => vlan::dissect(walk, region, vlan::Tag::Customer),
        SERVICE_VLAN => vlan::dissect(walk, region, vlan::Tag::Service),
        0x9100 => vlan::dissect(walk, region, vlan::Tag::OldService),
        0x8847 | 0x8848 => mpls::dissect(walk, region),
        0x8863 => pppoe::dissect_discovery(walk, region),
        0x8864 => pppoe::dissect_session(walk, region),
        shim::VNTAG => shim::vntag(walk, region),
        shim::NSH => shim::nsh(walk, region),
        shim::MACSEC if shim::is_macsec(&region) => shim::macsec(walk, region),
        service::REALTEK => {
            service::realtek(walk, &region);
            Ok(())
        }
        BRIDGED => super::eth::dissect(walk, region, super::eth::Fcs::None),
        _ => {
            if let Some(outcome) = bare::frame(walk, ethertype, &region) {
                return outcome;
            }
            walk.columns.set_protocol_hex(ethertype);
            if let Some(name) = ethertype_name(ethertype.into()) {
                walk.columns.set_info(format_args!("{name}"));
            }
            data::dissect(walk, region)
        }
    }
}

/// Whether there is a dissector for it.
pub(crate) const fn is_known(ethertype: u16) -> bool {
    matches!(
        ethertype,
        IPV4 | IPV6
            | ARP
            | 0x8035
            | VLAN
            | SERVICE_VLAN
            | 0x9100
            | 0x8847
            | 0x8848
            | 0x8863
            | 0x8864
            | BRIDGED
    )
}
