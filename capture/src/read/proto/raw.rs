//! Packets without a link layer (Wireshark's `packet-raw.c`).

use crate::read::field::protocol;

protocol! {
    33, "raw", "Raw", "Raw packet data";
}
