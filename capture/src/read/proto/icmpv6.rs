//! `ICMPv6` (RFC 4443).

use crate::read::field::protocol;

protocol! {
    9, "icmpv6", "ICMPv6", "Internet Control Message Protocol v6";
}
