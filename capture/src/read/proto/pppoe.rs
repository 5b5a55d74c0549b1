//! `PPPoE` (RFC 2516).

use crate::read::field::protocol;

protocol! {
    16, "pppoe", "PPPoE", "PPP-over-Ethernet";
}
