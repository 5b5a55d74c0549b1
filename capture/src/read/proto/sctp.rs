//! SCTP (RFC 9260).

use crate::read::field::protocol;

protocol! {
    22, "sctp", "SCTP", "Stream Control Transmission Protocol";
}
