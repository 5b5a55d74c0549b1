//! GRE (RFC 2784).

use crate::read::field::protocol;

protocol! {
    18, "gre", "GRE", "Generic Routing Encapsulation";
}
