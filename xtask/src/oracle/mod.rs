//! Other people's tools as judges of whole capture files, for comparisons that are too large for a
//! test: what is equal, what is not, and whether every difference is known.
//!
//! - `expected.rs` the rows that Zeek wrote
//! - `found.rs` the rows that `capture flows` writes
//! - `row.rs` what both say of a connection, in one form
//! - `compare.rs` which rows belong together, and how they differ
//! - `known.rs` differences that are understood, each with its reason
//! - `zeek.rs` the task with Zeek
//! - `filter.rs` capture filters with libpcap
//! - `tshark.rs` the task with tshark; `cells.rs` what it counts

mod cells;
mod compare;
mod expected;
mod filter;
mod found;
mod known;
mod row;
mod tshark;
mod zeek;

pub(crate) use filter::filter;
pub(crate) use tshark::tshark;
pub(crate) use zeek::{Options, zeek};
