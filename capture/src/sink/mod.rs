//! What leaves a shard: packets into pcapng files, connection records into tables.
//!
//! Shards never touch a file: they fill buffers, and one thread for each file writes them.
//!
//! - `flows/` connection records: Parquet, CSV, JSON lines, Zeek's logs, IPFIX, a table for people
//! - `partial.rs` files that have their name only once they are complete
//! - `pcapng/` packets

pub mod flows;
pub(crate) mod partial;
pub mod pcapng;

pub use pcapng::{Existing, Overflow, SinkError};
