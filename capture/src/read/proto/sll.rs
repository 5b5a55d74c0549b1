//! Linux cooked captures.

use crate::read::field::protocol;

protocol! {
    14, "sll", "SLL", "Linux cooked capture";
}
