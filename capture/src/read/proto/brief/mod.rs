//! Protocols that are told briefly: their names, and what Wireshark's list says of them, without fields of
//! their own. Much of what passes servers is theirs, so a list without them is a list of TCP and UDP.
//!
//! - `names.rs` the protocols themselves
//! - `shim.rs` headers between Ethernet and what it carries
//! - `wireless/` IEEE 802.11; `wpan.rs` IEEE 802.15.4; `frame_relay.rs`, `nflog.rs`, `ipoib.rs`, `link.rs` (several)
//!   link layers of captures
//! - `neighbors.rs` what devices tell their neighbors
//! - `osi.rs` routing beside IP: IS-IS, ES-IS
//! - `udp.rs` who takes a datagram
//! - `bare.rs`, `streams.rs` (over TCP) all those of which only the name is told
//! - `tunnel.rs`, `routing.rs`, `service.rs`, `lines.rs` (protocols of text), `database.rs`, `media.rs`
//!   several protocols of one purpose each
//! - `asn1.rs`, `ldap.rs` protocols in ASN.1: SNMP and Kerberos, LDAP
//! - `transport.rs` transport beside TCP and UDP: DCCP, and what SCTP carries
//! - `dtls.rs`, `capwap.rs` (access points with their controller)
//! - `bittorrent.rs`, `browser.rs` (announcements of Windows networks), `control.rs` (of PPP),
//!   `dcerpc.rs`, `dnp3.rs`, `ipp.rs`, `iso.rs` (remote desktops), `openflow.rs`, `resp.rs`
//!   (Redis), `ntlmssp.rs`, `tftp.rs`, `rpc.rs` (with NFS), `socks.rs`, `transfer.rs` (FTP's data), `vnc.rs`, `websocket.rs`, `x11.rs` one each
//! - `memory.rs` what they remember

pub(crate) mod asn1;
pub(crate) mod bare;
pub(crate) mod bittorrent;
mod browser;
pub(crate) mod capwap;
pub(crate) mod control;
pub(crate) mod database;
pub(crate) mod dcerpc;
pub(crate) mod dnp3;
mod dtls;
pub(crate) mod frame_relay;
pub(crate) mod ipoib;
pub(crate) mod ipp;
pub(crate) mod iso;
pub(crate) mod ldap;
pub(crate) mod lines;
pub(crate) mod link;
mod media;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod neighbors;
pub(crate) mod nflog;
pub(crate) mod ntlmssp;
pub(crate) mod openflow;
pub(crate) mod osi;
pub(crate) mod resp;
pub(crate) mod routing;
pub(crate) mod rpc;
pub(crate) mod service;
pub(crate) mod shim;
pub(crate) mod socks;
pub(crate) mod streams;
mod tftp;
pub(crate) mod transfer;
pub(crate) mod transport;
pub(crate) mod tunnel;
pub(crate) mod udp;
pub(crate) mod vnc;
pub(crate) mod websocket;
pub(crate) mod wireless;
pub(crate) mod wpan;
pub(crate) mod x11;

use crate::read::FieldId;
use crate::read::region::Region;
use crate::read::walk::Walk;

/// A protocol that covers a region: its line in the tree, its name in the list, no info yet.
pub(crate) fn name(walk: &mut Walk<'_, '_>, protocol: FieldId, region: &Region<'_>) {
    name_of(walk, protocol, region, region.captured().len());
}

/// The same for a header of `len` bytes.
pub(crate) fn name_of(walk: &mut Walk<'_, '_>, protocol: FieldId, region: &Region<'_>, len: usize) {
    walk.columns.set_protocol(protocol.protocol_info().short);
    walk.columns.clear_info();
    walk.begin(protocol, region, len.min(region.captured().len()));
    walk.end();
}
