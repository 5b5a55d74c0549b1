//! TLS (RFC 8446).

use crate::read::field::protocol;

protocol! {
    27, "tls", "TLS", "Transport Layer Security";
}
