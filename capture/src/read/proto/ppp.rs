//! PPP (RFC 1661).

use crate::read::field::protocol;

protocol! {
    15, "ppp", "PPP", "Point-to-Point Protocol";
}
