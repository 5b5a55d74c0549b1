//! BSD loopback.

use crate::read::field::protocol;

protocol! {
    23, "null", "NULL", "Null/Loopback";
}
