//! All protocols and fields, by number and by name.

use std::sync::LazyLock;

use super::field::{Field, FieldId, Protocol};
use super::proto;

/// All protocols; each one's number is its place here.
pub static PROTOCOLS: &[&Protocol] = &[
    &proto::frame::PROTOCOL,
    &proto::eth::PROTOCOL,
    &proto::data::PROTOCOL,
    &proto::expert::PROTOCOL,
    &proto::vlan::PROTOCOL,
    &proto::arp::PROTOCOL,
    &proto::ip::PROTOCOL,
    &proto::ipv6::PROTOCOL,
    &proto::icmp::PROTOCOL,
    &proto::icmpv6::PROTOCOL,
    &proto::igmp::PROTOCOL,
    &proto::udp::PROTOCOL,
    &proto::tcp::PROTOCOL,
    &proto::llc::PROTOCOL,
    &proto::sll::PROTOCOL,
    &proto::ppp::PROTOCOL,
    &proto::pppoe::PROTOCOL,
    &proto::mpls::PROTOCOL,
    &proto::gre::PROTOCOL,
    &proto::vxlan::PROTOCOL,
    &proto::geneve::PROTOCOL,
    &proto::gtp::PROTOCOL,
    &proto::sctp::PROTOCOL,
    &proto::null::PROTOCOL,
    &proto::dns::PROTOCOL,
    &proto::dhcp::PROTOCOL,
    &proto::ntp::PROTOCOL,
    &proto::tls::PROTOCOL,
    &proto::http::PROTOCOL,
    &proto::quic::PROTOCOL,
    &proto::ssh::PROTOCOL,
    &proto::tcp::mptcp::PROTOCOL,
    &proto::ethertype::PROTOCOL,
    &proto::raw::PROTOCOL,
    &proto::ipv6::extension::HOPOPTS,
    &proto::ipv6::extension::ROUTING,
    &proto::ipv6::extension::FRAGMENT,
    &proto::ipv6::extension::DSTOPTS,
    &proto::pppoe::discovery::PROTOCOL,
    &proto::udp::lite::PROTOCOL,
    &proto::vlan::service::PROTOCOL,
    &proto::chdlc::PROTOCOL,
    &proto::erspan::PROTOCOL,
    &proto::dns::multicast::mdns::PROTOCOL,
    &proto::dns::multicast::llmnr::PROTOCOL,
    &proto::ftp::PROTOCOL,
    &proto::pop::PROTOCOL,
    &proto::imap::PROTOCOL,
    &proto::telnet::PROTOCOL,
    &proto::smtp::PROTOCOL,
    &proto::nbns::PROTOCOL,
    &proto::stp::PROTOCOL,
    &proto::dhcpv6::PROTOCOL,
    &proto::rip::PROTOCOL,
    &proto::http::discovery::PROTOCOL,
    &proto::bgp::PROTOCOL,
    &proto::modbus::PROTOCOL,
    &proto::mqtt::PROTOCOL,
    &proto::smb::PROTOCOL,
    &proto::smb::smb2::PROTOCOL,
    &proto::smb::smb1::PROTOCOL,
    &proto::radius::PROTOCOL,
    &proto::pfcp::PROTOCOL,
    &proto::syslog::PROTOCOL,
    &proto::stun::PROTOCOL,
    &proto::absent::common::PROTOCOL,
    &proto::absent::ipv6::PROTOCOL,
    &proto::absent::icmpv6::PROTOCOL,
    &proto::brief::names::fabricpath::PROTOCOL,
    &proto::brief::names::vntag::PROTOCOL,
    &proto::brief::names::nsh::PROTOCOL,
    &proto::brief::names::macsec::PROTOCOL,
    &proto::brief::wireless::PROTOCOL,
    &proto::brief::names::nflog::PROTOCOL,
    &proto::brief::names::ipoib::PROTOCOL,
    &proto::brief::names::vnc::PROTOCOL,
    &proto::brief::names::bittorrent::PROTOCOL,
    &proto::brief::names::lcp::PROTOCOL,
    &proto::brief::names::ipcp::PROTOCOL,
    &proto::brief::names::ipv6cp::PROTOCOL,
    &proto::brief::names::ccp::PROTOCOL,
    &proto::brief::names::pap::PROTOCOL,
    &proto::brief::names::chap::PROTOCOL,
    &proto::brief::names::resp::PROTOCOL,
    &proto::brief::names::dnp3::PROTOCOL,
    &proto::brief::names::openflow::PROTOCOL,
    &proto::brief::names::pptp::PROTOCOL,
    &proto::brief::names::whois::PROTOCOL,
    &proto::brief::names::teredo::PROTOCOL,
    &proto::brief::names::srvloc::PROTOCOL,
    &proto::brief::names::sap::PROTOCOL,
    &proto::brief::names::realtek::PROTOCOL,
    &proto::brief::names::dropbox::PROTOCOL,
    &proto::brief::names::tpkt::PROTOCOL,
    &proto::brief::names::cotp::PROTOCOL,
    &proto::brief::names::rdp::PROTOCOL,
    &proto::brief::names::t125::PROTOCOL,
    &proto::brief::names::rtcp::PROTOCOL,
    &proto::brief::names::cipio::PROTOCOL,
    &proto::brief::names::pgsql::PROTOCOL,
    &proto::brief::names::mysql::PROTOCOL,
    &proto::brief::names::sip::PROTOCOL,
    &proto::brief::names::rtsp::PROTOCOL,
    &proto::brief::names::irc::PROTOCOL,
    &proto::brief::names::finger::PROTOCOL,
    &proto::brief::names::nntp::PROTOCOL,
    &proto::brief::names::tftp::PROTOCOL,
    &proto::brief::names::isakmp::PROTOCOL,
    &proto::brief::names::esp::PROTOCOL,
    &proto::brief::names::openvpn::PROTOCOL,
    &proto::brief::names::wireguard::PROTOCOL,
    &proto::brief::names::ospf::PROTOCOL,
    &proto::brief::names::vrrp::PROTOCOL,
    &proto::brief::names::hsrp::PROTOCOL,
    &proto::brief::names::pim::PROTOCOL,
    &proto::brief::names::eigrp::PROTOCOL,
    &proto::brief::names::bfd::PROTOCOL,
    &proto::brief::names::echo::PROTOCOL,
    &proto::brief::names::chargen::PROTOCOL,
    &proto::brief::names::snmp::PROTOCOL,
    &proto::brief::names::kerberos::PROTOCOL,
    &proto::brief::names::ldap::PROTOCOL,
    &proto::brief::names::nbdgm::PROTOCOL,
    &proto::brief::names::portmap::PROTOCOL,
    &proto::brief::names::nfs::PROTOCOL,
    &proto::brief::names::mount::PROTOCOL,
    &proto::brief::names::x11::PROTOCOL,
    &proto::brief::names::ipp::PROTOCOL,
    &proto::brief::names::ftp_data::PROTOCOL,
    &proto::brief::names::ntlmssp::PROTOCOL,
    &proto::brief::names::text_lines::PROTOCOL,
    &proto::brief::names::media::PROTOCOL,
    &proto::brief::names::png::PROTOCOL,
    &proto::brief::names::jfif::PROTOCOL,
    &proto::brief::names::gif::PROTOCOL,
    &proto::brief::names::xml::PROTOCOL,
    &proto::brief::names::json::PROTOCOL,
    &proto::brief::names::form::PROTOCOL,
    &proto::brief::names::multipart::PROTOCOL,
    &proto::brief::names::ocsp::PROTOCOL,
    &proto::brief::names::crl::PROTOCOL,
    &proto::brief::names::timestamps::PROTOCOL,
    &proto::brief::names::websocket::PROTOCOL,
    &proto::brief::names::lldp::PROTOCOL,
    &proto::brief::names::eapol::PROTOCOL,
    &proto::brief::names::eap::PROTOCOL,
    &proto::brief::names::slow::PROTOCOL,
    &proto::brief::names::lacp::PROTOCOL,
    &proto::brief::names::ctp::PROTOCOL,
    &proto::brief::names::macc::PROTOCOL,
    &proto::brief::names::ptp::PROTOCOL,
    &proto::brief::names::ipx::PROTOCOL,
    &proto::brief::names::goose::PROTOCOL,
    &proto::brief::names::profinet::PROTOCOL,
    &proto::brief::names::powerlink::PROTOCOL,
    &proto::brief::names::homeplug_av::PROTOCOL,
    &proto::brief::names::lltd::PROTOCOL,
    &proto::brief::names::cfm::PROTOCOL,
    &proto::brief::names::ieee1905::PROTOCOL,
    &proto::brief::names::nlb::PROTOCOL,
    &proto::brief::names::cdp::PROTOCOL,
    &proto::brief::names::vtp::PROTOCOL,
    &proto::brief::names::dtp::PROTOCOL,
    &proto::brief::names::udld::PROTOCOL,
    &proto::brief::names::pagp::PROTOCOL,
    &proto::brief::names::netbios::PROTOCOL,
    &proto::brief::names::isis::PROTOCOL,
    &proto::brief::names::ah::PROTOCOL,
    &proto::brief::names::rsvp::PROTOCOL,
    &proto::brief::names::pgm::PROTOCOL,
    &proto::brief::names::dccp::PROTOCOL,
    &proto::brief::names::ipcomp::PROTOCOL,
    &proto::brief::names::l2tp::PROTOCOL,
    &proto::brief::names::cflow::PROTOCOL,
    &proto::brief::names::sflow::PROTOCOL,
    &proto::brief::names::coap::PROTOCOL,
    &proto::brief::names::dtls::PROTOCOL,
    &proto::brief::names::rtp::PROTOCOL,
    &proto::brief::names::cldap::PROTOCOL,
    &proto::brief::names::mgcp::PROTOCOL,
    &proto::brief::names::iax2::PROTOCOL,
    &proto::brief::names::bvlc::PROTOCOL,
    &proto::brief::names::enip::PROTOCOL,
    &proto::brief::names::rmcp::PROTOCOL,
    &proto::brief::names::pcp::PROTOCOL,
    &proto::brief::names::autorp::PROTOCOL,
    &proto::brief::names::capwap::PROTOCOL,
    &proto::brief::names::lisp::PROTOCOL,
    &proto::brief::names::time::PROTOCOL,
    &proto::brief::names::daytime::PROTOCOL,
    &proto::brief::names::who::PROTOCOL,
    &proto::brief::names::ripng::PROTOCOL,
    &proto::brief::names::icp::PROTOCOL,
    &proto::brief::names::xdmcp::PROTOCOL,
    &proto::brief::names::memcache::PROTOCOL,
    &proto::brief::names::raknet::PROTOCOL,
    &proto::brief::names::knxip::PROTOCOL,
    &proto::brief::names::cups::PROTOCOL,
    &proto::brief::names::h225::PROTOCOL,
    &proto::brief::names::wol::PROTOCOL,
    &proto::brief::names::bt_dht::PROTOCOL,
    &proto::brief::names::dcerpc::PROTOCOL,
    &proto::brief::names::tds::PROTOCOL,
    &proto::brief::names::tns::PROTOCOL,
    &proto::brief::names::amqp::PROTOCOL,
    &proto::brief::names::xmpp::PROTOCOL,
    &proto::brief::names::cql::PROTOCOL,
    &proto::brief::names::kafka::PROTOCOL,
    &proto::brief::names::iec104::PROTOCOL,
    &proto::brief::names::s7comm::PROTOCOL,
    &proto::brief::names::opcua::PROTOCOL,
    &proto::brief::names::git::PROTOCOL,
    &proto::brief::names::bitcoin::PROTOCOL,
    &proto::brief::names::diameter::PROTOCOL,
    &proto::brief::names::skinny::PROTOCOL,
    &proto::brief::names::socks::PROTOCOL,
    &proto::brief::names::rlogin::PROTOCOL,
    &proto::brief::names::rsh::PROTOCOL,
    &proto::brief::names::exec::PROTOCOL,
    &proto::brief::names::lpd::PROTOCOL,
    &proto::brief::names::rsync::PROTOCOL,
    &proto::brief::names::msnms::PROTOCOL,
    &proto::brief::names::dsi::PROTOCOL,
    &proto::brief::names::msdp::PROTOCOL,
    &proto::brief::names::gopher::PROTOCOL,
    &proto::brief::names::ajp13::PROTOCOL,
    &proto::brief::names::tacplus::PROTOCOL,
    &proto::brief::names::gnutella::PROTOCOL,
    &proto::brief::names::edonkey::PROTOCOL,
    &proto::brief::names::rmi::PROTOCOL,
    &proto::brief::names::elasticsearch::PROTOCOL,
    &proto::brief::names::smpp::PROTOCOL,
    &proto::brief::names::ldp::PROTOCOL,
    &proto::brief::names::icap::PROTOCOL,
    &proto::brief::names::rtmp::PROTOCOL,
    &proto::brief::names::ses::PROTOCOL,
    &proto::brief::names::mms::PROTOCOL,
    &proto::brief::names::quake::PROTOCOL,
    &proto::brief::names::quake2::PROTOCOL,
    &proto::brief::names::quake3::PROTOCOL,
    &proto::brief::names::quakeworld::PROTOCOL,
    &proto::brief::names::oicq::PROTOCOL,
    &proto::brief::names::lsd::PROTOCOL,
    &proto::brief::names::mndp::PROTOCOL,
    &proto::brief::names::afp::PROTOCOL,
    &proto::brief::names::cip::PROTOCOL,
    &proto::brief::names::cvspserver::PROTOCOL,
    &proto::brief::names::gearman::PROTOCOL,
    &proto::brief::names::spice::PROTOCOL,
    &proto::http2::PROTOCOL,
    &proto::llc::exchange::PROTOCOL,
    &proto::brief::names::radiotap::PROTOCOL,
    &proto::brief::names::wlan_radio::PROTOCOL,
    &proto::brief::names::prism::PROTOCOL,
    &proto::brief::names::wlancap::PROTOCOL,
    &proto::brief::names::ppi::PROTOCOL,
    &proto::brief::names::packet_data::PROTOCOL,
    &proto::brief::names::slarp::PROTOCOL,
    &proto::brief::names::frame_relay::PROTOCOL,
    &proto::brief::names::esis::PROTOCOL,
    &proto::brief::names::clnp::PROTOCOL,
    &proto::brief::names::ipnet::PROTOCOL,
    &proto::brief::names::fddi::PROTOCOL,
    &proto::brief::names::token_ring::PROTOCOL,
    &proto::brief::names::vsock::PROTOCOL,
    &proto::brief::names::juniper::PROTOCOL,
    &proto::brief::names::wpan::PROTOCOL,
    &proto::brief::names::mipv6::PROTOCOL,
    &proto::brief::names::rpki_rtr::PROTOCOL,
    &proto::brief::names::babel::PROTOCOL,
    &proto::brief::names::mpls_echo::PROTOCOL,
    &proto::brief::names::aoe::PROTOCOL,
    &proto::brief::names::bridging::PROTOCOL,
    &proto::brief::names::gtpv2::PROTOCOL,
    &proto::brief::names::m3ua::PROTOCOL,
    &proto::brief::names::classicstun::PROTOCOL,
];

/// A field by its number.
///
/// # Panics
///
/// If there is no such field, which the constants of `proto/` rule out.
#[must_use]
#[inline]
pub fn field(id: FieldId) -> &'static Field {
    &PROTOCOLS[usize::from(id.protocol)].fields[usize::from(id.index)]
}

/// All fields.
pub fn all() -> impl Iterator<Item = (FieldId, &'static Field)> {
    PROTOCOLS.iter().flat_map(|protocol| {
        let fields = protocol.fields.iter().enumerate();
        fields.map(|(index, field)| {
            let id = FieldId {
                protocol: protocol.number,
                index: index as u8,
            };
            (id, field)
        })
    })
}

/// All fields by their names; those that share one in the order of the registry.
static NAMES: LazyLock<Vec<(&str, FieldId)>> = LazyLock::new(|| {
    let mut names: Vec<_> = all().map(|(id, field)| (field.name, id)).collect();
    names.sort_by_key(|(name, _)| *name);
    names
});

/// The fields of this name: as in Wireshark, several can share one.
pub fn by_name(name: &str) -> impl Iterator<Item = FieldId> {
    let first = NAMES.partition_point(|(known, _)| *known < name);
    let named = NAMES.iter().skip(first);
    named
        .take_while(move |(known, _)| *known == name)
        .map(|(_, id)| *id)
}

/// Names of fields that look much like this one, the nearest first, three at most.
#[must_use]
pub fn nearest(name: &str) -> Vec<&'static str> {
    // Names of which a third is different are other names.
    let most = name.len().div_ceil(3).min(4);
    let mut near: Vec<_> = all()
        .map(|(_, field)| (distance(name, field.name, most), field.name))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort_unstable();
    near.dedup_by_key(|(_, name)| *name);
    // Beside a name that was hardly missed, others are no help.
    let farthest = near.first().map_or(0, |(distance, _)| distance + 1);
    near.retain(|(distance, _)| *distance <= farthest);
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// Letters to change, add or leave out to make one name of the other (Levenshtein), as far as `most`.
fn distance(a: &str, b: &str, most: usize) -> usize {
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_where_its_number_says() {
        for (place, protocol) in PROTOCOLS.iter().enumerate() {
            assert_eq!(usize::from(protocol.number), place, "{}", protocol.name);
            assert!(protocol.fields.len() <= 256);
            assert!(place < crate::read::tree::PROTOCOLS);
        }
    }

    #[test]
    fn names_find_what_a_walk_through_all_fields_finds() {
        for (_, field) in all() {
            let walked = all().filter(|(_, other)| other.name == field.name);
            let walked: Vec<_> = walked.map(|(id, _)| id).collect();
            assert_eq!(by_name(field.name).collect::<Vec<_>>(), walked);
        }
        for absent in ["", "tcp.por", "tcp.portt", "zzz"] {
            assert_eq!(by_name(absent).next(), None, "{absent}");
        }
    }
}
