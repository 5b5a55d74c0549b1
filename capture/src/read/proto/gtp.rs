//! GTP-U (3GPP TS 29.281).

use crate::read::field::protocol;

protocol! {
    21, "gtp", "GTP", "GPRS Tunneling Protocol";
}
