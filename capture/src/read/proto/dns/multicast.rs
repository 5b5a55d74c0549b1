//! Multicast DNS and LLMNR: messages of DNS under names of their own, whose fields are those of DNS.

/// Multicast DNS (RFC 6762).
pub(crate) mod mdns {
    use crate::read::field::protocol;

    protocol! {
        43, "mdns", "mDNS", "Multicast Domain Name System";
    }
}

/// LLMNR (RFC 4795).
pub(crate) mod llmnr {
    use crate::read::field::protocol;

    protocol! {
        44, "llmnr", "LLMNR", "Link-local Multicast Name Resolution";
    }
}

pub(super) use llmnr::THIS as LLMNR;
pub(super) use mdns::THIS as MDNS;
