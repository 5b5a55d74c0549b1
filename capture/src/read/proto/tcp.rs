//! TCP (RFC 9293).

use crate::read::field::protocol;

protocol! {
    12, "tcp", "TCP", "Transmission Control Protocol";
}
