//! MPLS (RFC 3032).

use crate::read::field::protocol;

protocol! {
    17, "mpls", "MPLS", "MultiProtocol Label Switching Header";
}
