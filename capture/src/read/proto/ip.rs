//! IPv4 (RFC 791).

use crate::read::field::protocol;

protocol! {
    6, "ip", "IPv4", "Internet Protocol Version 4";
}
