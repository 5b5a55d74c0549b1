//! ICMP (RFC 792).

use crate::read::field::protocol;

protocol! {
    8, "icmp", "ICMP", "Internet Control Message Protocol";
}
