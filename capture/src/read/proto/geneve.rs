//! GENEVE (RFC 8926).

use crate::read::field::protocol;

protocol! {
    20, "geneve", "Geneve", "Generic Network Virtualization Encapsulation";
}
