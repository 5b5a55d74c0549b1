//! UDP (RFC 768).

use crate::read::field::protocol;

protocol! {
    11, "udp", "UDP", "User Datagram Protocol";
}
