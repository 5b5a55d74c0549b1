//! ARP (RFC 826).

use crate::read::field::protocol;

protocol! {
    5, "arp", "ARP", "Address Resolution Protocol";
}
