//! Names of numbers that more than one dissector shows, or that are many.
//!
//! - `arp.rs` hardware types, operations
//! - `encapsulation.rs` what Wireshark calls link types
//! - `ethertype.rs` `EtherTypes`
//! - `icmp.rs` `ICMPv6` messages and options
//! - `ip.rs` protocols, traffic classes, outcomes of checksums
//! - `llc.rs` service access points
//! - `ppp.rs` PPP protocols

pub(crate) mod arp;
pub(crate) mod encapsulation;
pub(crate) mod ethertype;
pub(crate) mod icmp;
pub(crate) mod ip;
pub(crate) mod llc;
pub(crate) mod ppp;

/// Of a flag.
pub(crate) const fn set(value: u64) -> Option<&'static str> {
    Some(if value == 0 { "Not set" } else { "Set" })
}
