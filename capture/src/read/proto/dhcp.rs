//! DHCP (RFC 2131).

use crate::read::field::protocol;

protocol! {
    25, "dhcp", "DHCP", "Dynamic Host Configuration Protocol";
}
