//! IEEE 802.2 LLC.

use crate::read::field::protocol;

protocol! {
    13, "llc", "LLC", "Logical-Link Control";
}
