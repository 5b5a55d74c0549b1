//! DNS (RFC 1035).

use crate::read::field::protocol;

protocol! {
    24, "dns", "DNS", "Domain Name System";
}
