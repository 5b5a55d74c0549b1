//! IPv6 (RFC 8200).

use crate::read::field::protocol;

protocol! {
    7, "ipv6", "IPv6", "Internet Protocol Version 6";
}
