//! IGMP (RFC 3376).

use crate::read::field::protocol;

protocol! {
    10, "igmp", "IGMP", "Internet Group Management Protocol";
}
