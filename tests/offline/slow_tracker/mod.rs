//! The flow engine a second time, slow and obvious: what a list of packets says of its TCP
//! connections, without bursts, bounds, packed state or anything else that makes the real one fast.
//!
//! - `segment.rs` bytes to the few fields that matter
//! - `zeek.rs` one connection by Zeek's rules: states, history, payload, what was missed
//! - `reassembly.rs` one direction's bytes, in a map of intervals
//! - `wireshark.rs` one connection by the rules of Wireshark's TCP analysis
//! - `tracker.rs` which packets make a connection, and what is said of each

mod reassembly;
mod segment;
mod tracker;
mod wireshark;
mod zeek;

pub(crate) use segment::{ACK, FIN, Link, PSH, RST, SYN, Segment, checksum, sum};
pub(crate) use tracker::{Checksums, Connection, SideFacts, Tracker};
pub(crate) use wireshark::{Events, Stream};
