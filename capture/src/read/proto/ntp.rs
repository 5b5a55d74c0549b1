//! NTP (RFC 5905).

use crate::read::field::protocol;

protocol! {
    26, "ntp", "NTP", "Network Time Protocol";
}
