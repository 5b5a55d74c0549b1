//! IEEE 802.1Q tags.

use crate::read::field::protocol;

protocol! {
    4, "vlan", "VLAN", "802.1Q Virtual LAN";
}
