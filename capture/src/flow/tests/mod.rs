//! The flow table on traffic that tests write packet by packet, on a clock that they set.
//!
//! - `script.rs` packets and records without bytes
//! - `handshake.rs`, `teardown.rs` the paths of RFC 9293
//! - `health.rs` what Wireshark's rules find
//! - `expiry.rs`, `eviction.rs` when records are written
//! - `identity.rs` what belongs to one flow
//! - `oracle.rs` against a list of all packets, and any number of shards
//! - `packing.rs` what a slot keeps
//! - `parts.rs` records of flows that go on

mod cutoff;
mod eviction;
mod expiry;
mod handshake;
mod health;
mod identity;
mod oracle;
mod packing;
mod parts;
mod script;
mod teardown;
