//! HTTP/1 (RFC 9112).

use crate::read::field::protocol;

protocol! {
    28, "http", "HTTP", "Hypertext Transfer Protocol";
}
