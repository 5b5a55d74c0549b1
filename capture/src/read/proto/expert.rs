//! Expert information: what a dissector finds remarkable.

use crate::read::field::protocol;

protocol! {
    3, "_ws.expert", "Expert", "Expert Info";
}
