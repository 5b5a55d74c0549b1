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
pub(crate) fn set(value: u64) -> Option<&'static str> {
    pick(value, &["Not set", "Set"])
}

/// The name of a number, from a table in order.
fn find(names: &'static [(u16, &'static str)], value: u64) -> Option<&'static str> {
    let value = u16::try_from(value).ok()?;
    let place = names
        .binary_search_by_key(&value, |(number, _)| *number)
        .ok()?;
    names.get(place).map(|(_, name)| *name)
}

/// The name at the place of the value.
pub(crate) fn pick(value: u64, names: &[&'static str]) -> Option<&'static str> {
    names.get(usize::try_from(value).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        for names in [
            &arp::HARDWARES[..],
            &arp::OPERATIONS,
            &encapsulation::ENCAPSULATIONS,
            &ethertype::ETHERTYPES,
            &icmp::V6_TYPES,
            &icmp::OPTIONS,
            &ip::PROTOCOLS,
            &ip::CODEPOINTS,
            &llc::SAPS,
            &ppp::PROTOCOLS,
        ] {
            assert!(names.is_sorted_by_key(|(number, _)| *number));
        }
    }

    // RFC 7042, RFC 790.
    #[test]
    fn numbers_are_found() {
        assert_eq!(ethertype::ethertype(0x0806), Some("ARP"));
        assert_eq!(ip::protocol(17), Some("UDP"));
        assert_eq!(ip::protocol(0x1_0011), None);
        assert_eq!(set(1), Some("Set"));
        assert_eq!(set(2), None);
    }
}
