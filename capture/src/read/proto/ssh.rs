//! SSH (RFC 4253).

use crate::read::field::protocol;

protocol! {
    30, "ssh", "SSH", "SSH Protocol";
}
