//! Who takes a datagram of a port, and who knows one of any port by its first bytes.

use super::{
    asn1, bare, browser, dnp3, ldap, lines, media, names, routing, rpc, service, tftp, tunnel,
};
use crate::read::proto::{data, eth, gtp, ip, ipv6, mpls};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Port of VXLAN's generic protocol extension.
const VXLAN_GPE_PORT: u16 = 4790;
/// Port of the implicit messages of industrial devices.
const CIPIO_PORT: u16 = 2222;
/// Port of frames that a sensor sends on.
const SNIFFER_PORT: u16 = 37008;

/// Dissects a datagram of a port, if the port belongs to somebody here.
pub(crate) fn of_port(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    port: u16,
    ports: [u16; 2],
) -> Option<Result<(), Stop>> {
    Some(match port {
        7 => {
            service::echo(walk, &region, ports[1]);
            Ok(())
        }
        19 => {
            service::chargen(walk, &region);
            Ok(())
        }
        asn1::KERBEROS_PORT => asn1::kerberos(walk, region),
        ldap::PORT => {
            ldap::datagram(walk, &region);
            Ok(())
        }
        browser::PORT => browser::dissect(walk, &region),
        port if asn1::SNMP_PORTS.contains(&port) => asn1::snmp(walk, region),
        tftp::PORT => tftp::dissect(walk, region, ports),
        tunnel::ISAKMP_PORT => tunnel::isakmp(walk, &region),
        tunnel::IPSEC_PORT => tunnel::ipsec(walk, region),
        tunnel::OPENVPN_PORT => tunnel::openvpn(walk, region),
        tunnel::TEREDO_PORT => tunnel::teredo(walk, region),
        service::SRVLOC_PORT => service::srvloc(walk, &region),
        service::SAP_PORT => service::sap(walk, &region),
        service::DROPBOX_PORT => service::dropbox(walk, region),
        routing::HSRP_PORT | routing::HSRP_IPV6_PORT => routing::hsrp(walk, region),
        dnp3::PORT => dnp3::datagram(walk, region),
        port if gtp::is_control(port) => gtp::control(walk, region),
        lines::SIP_PORT => lines::sip(walk, region),
        VXLAN_GPE_PORT => vxlan_gpe(walk, region),
        CIPIO_PORT => cipio(walk, &region),
        port if routing::BFD_PORTS.contains(&port) => routing::bfd(walk, &region),
        SNIFFER_PORT => bare::sniffed(walk, region),
        _ => return bare::datagram(walk, region, port),
    })
}

/// Dissects a datagram that somebody here knows by its beginning.
pub(crate) fn by_content(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    stream: u32,
    ports: [u16; 2],
) -> Option<Result<(), Stop>> {
    if tftp::is_transfer(walk, ports) {
        return Some(tftp::dissect(walk, region, ports));
    }
    if let Some(outcome) = media::rtp(walk, &region, ports) {
        return Some(outcome);
    }
    if let Some(outcome) = rpc::datagram(walk, &region) {
        return Some(outcome);
    }
    if let Some(outcome) = bare::known(walk, &region, stream) {
        return Some(outcome);
    }
    Some(match region.captured().first()? {
        1..=4 if tunnel::is_wireguard(&region) => tunnel::wireguard(walk, &region),
        0x80..=0xbf if media::is_rtcp(&region) => media::rtcp(walk, &region),
        b'A'..=b'Z' if lines::is_sip(region.captured()) => lines::sip(walk, region),
        _ => return None,
    })
}

/// Dissects what a TURN server hands on in a channel, if somebody knows it by its beginning.
pub(crate) fn in_channel(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Option<Result<(), Stop>> {
    media::is_rtcp(region).then(|| media::rtcp(walk, region))
}

/// Dissects what follows a VXLAN header that says what it is.
fn vxlan_gpe(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    let next = region.u8(3)?;
    let rest = region.from(HEADER_LEN)?;
    walk.columns.clear_info();
    match next {
        1 => ip::dissect(walk, rest),
        2 => ipv6::dissect(walk, rest),
        3 => eth::dissect(walk, rest, eth::Fcs::None),
        4 => super::shim::nsh(walk, rest),
        5 => mpls::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    }
}

/// Names an implicit message: its items are counted first.
fn cipio(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("CIP I/O");
    walk.begin(names::cipio::THIS, region, region.captured().len());
    let count = u16::from_le_bytes(region.array(0)?);
    let mut at = 2;
    for _ in 0..count {
        let len = usize::from(u16::from_le_bytes(region.array(at + 2)?));
        region.slice(at, 4 + len)?;
        at += 4 + len;
    }
    walk.end();
    Ok(())
}
