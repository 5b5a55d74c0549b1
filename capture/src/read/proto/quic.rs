//! QUIC (RFC 9000).

use crate::read::field::protocol;

protocol! {
    29, "quic", "QUIC", "QUIC IETF";
}
