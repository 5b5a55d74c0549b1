//! The dissectors. Each one takes a [`Walk`](super::Walk) and the [`Region`](super::Region) that is
//! its own, says what it finds, and hands on what is not its own.
//!
//! - `absent.rs` fields that nothing here gives
//! - `frame.rs` what is known of the frame itself; where every walk begins
//! - `straight.rs` the straight way through the layers that nearly all frames have
//! - `eth.rs` Ethernet
//! - `ethertype.rs` what an `EtherType` announces; `ip/protocols.rs` the same for IP
//! - `checksum.rs` checksums; `fragments.rs` datagrams put together; `names/` names of numbers
//! - `expert.rs` Expert information: what a dissector finds remarkable
//! - `vlan.rs` IEEE 802.1Q tags
//! - `arp.rs` ARP (RFC 826)
//! - `raw.rs` packets without a link layer
//! - `ip/` IPv4 (RFC 791)
//! - `ipv6/` IPv6 (RFC 8200)
//! - `icmp/` ICMP (RFC 792)
//! - `icmpv6/` `ICMPv6` (RFC 4443)
//! - `igmp.rs` IGMP (RFC 3376)
//! - `udp.rs` UDP (RFC 768)
//! - `tcp/` TCP (RFC 9293)
//! - `llc.rs` IEEE 802.2 LLC
//! - `sll.rs` Linux cooked captures
//! - `ppp.rs` PPP (RFC 1661)
//! - `pppoe.rs` `PPPoE` (RFC 2516)
//! - `mpls.rs` MPLS (RFC 3032)
//! - `chdlc.rs` Cisco HDLC; `erspan.rs` mirrored frames
//! - `gre.rs` GRE (RFC 2784)
//! - `vxlan.rs` VXLAN (RFC 7348)
//! - `geneve.rs` GENEVE (RFC 8926)
//! - `gtp.rs` GTP-U (3GPP TS 29.281)
//! - `sctp.rs` SCTP (RFC 9260)
//! - `null.rs` BSD loopback
//! - `dns/` DNS (RFC 1035)
//! - `dhcp.rs` DHCP (RFC 2131)
//! - `ntp.rs` NTP (RFC 5905)
//! - `tls/` TLS (RFC 8446)
//! - `http/` HTTP/1 (RFC 9112); `http2.rs` HTTP/2 (RFC 9113)
//! - `quic/` QUIC (RFC 9000)
//! - `ssh.rs` SSH (RFC 4253)
//! - `ftp.rs`, `imap.rs`, `pop.rs`, `smtp.rs`, `telnet.rs` text line by line; `imf.rs` mails
//! - `nbns.rs` `NetBIOS` names (RFC 1002); `dhcpv6.rs` DHCP for IPv6 (RFC 8415); `rip.rs` RIP (RFC 2453)
//! - `bgp.rs` BGP (RFC 4271); `modbus.rs` Modbus; `mqtt.rs` MQTT; `smb.rs` SMB and SMB2
//! - `pfcp.rs` PFCP; `radius.rs` RADIUS (RFC 2865); `stun.rs` STUN (RFC 8489); `syslog.rs` (RFC 5424)
//! - `stp.rs` the spanning tree of bridges (IEEE 802.1D)
//! - `brief/` many more, of which only the list tells
//! - `text.rs` bytes that are meant to be text
//! - `data.rs` bytes that nobody knows

pub(crate) mod absent;
pub(crate) mod arp;
pub(crate) mod bgp;
pub(crate) mod brief;
pub(crate) mod chdlc;
pub(crate) mod checksum;
pub(crate) mod data;
pub(crate) mod dhcp;
pub(crate) mod dhcpv6;
pub(crate) mod dns;
pub(crate) mod erspan;
pub(crate) mod eth;
pub(crate) mod ethertype;
pub(crate) mod expert;
pub(crate) mod fragments;
pub(crate) mod frame;
pub(crate) mod ftp;
pub(crate) mod geneve;
pub(crate) mod gre;
pub(crate) mod gtp;
pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod icmp;
pub(crate) mod icmpv6;
pub(crate) mod igmp;
pub(crate) mod imap;
pub(crate) mod imf;
pub(crate) mod ip;
pub(crate) mod ipv6;
pub(crate) mod llc;
pub(crate) mod modbus;
pub(crate) mod mpls;
pub(crate) mod mqtt;
pub(crate) mod names;
pub(crate) mod nbns;
pub(crate) mod ntp;
pub(crate) mod null;
pub(crate) mod pfcp;
pub(crate) mod pop;
pub(crate) mod ppp;
pub(crate) mod pppoe;
pub(crate) mod quic;
pub(crate) mod radius;
pub(crate) mod raw;
pub(crate) mod rip;
pub(crate) mod sctp;
pub(crate) mod sll;
pub(crate) mod smb;
pub(crate) mod smtp;
pub(crate) mod ssh;
pub(crate) mod stp;
pub(crate) mod straight;
pub(crate) mod stun;
pub(crate) mod syslog;
pub(crate) mod tcp;
pub(crate) mod telnet;
pub(crate) mod text;
pub(crate) mod tls;
pub(crate) mod udp;
pub(crate) mod vlan;
pub(crate) mod vxlan;
