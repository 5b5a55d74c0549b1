//! VXLAN (RFC 7348).

use crate::read::field::protocol;

protocol! {
    19, "vxlan", "VXLAN", "Virtual eXtensible Local Area Network";
}
