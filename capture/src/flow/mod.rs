//! One shard's connections: no locks, no clock, no input or output.
//!
//! A packet goes in with [`FlowTable::observe`], records come out through the closure that every call
//! takes. Time is the packets' own; [`FlowTable::advance`] moves it when no packet comes.
//!
//! - `key.rs` who talks to whom, in canonical order
//! - `visit.rs` what a packet says of its flow; `server_ports.rs` which end is the server
//! - `tcp/` a connection as an observer sees it: Zeek's rules, Wireshark's, RFC 9293's states
//! - `state.rs` what is kept of a flow; `packed/` in 192 bytes; `detail.rs` and `context.rs` beside that
//! - `cutoff.rs` what the kernel counted of a flow and did not copy
//! - `history.rs` what happened, by Zeek's letters
//! - `index.rs` from hash to slot
//! - `slab.rs` where flows live
//! - `timer.rs` when flows expire, and who goes first when there is no room
//! - `limits.rs` how much is kept, and for how long
//! - `table/` all of it together: the table itself, the flows of one address family, and what both
//!   families have in common
//! - `record.rs` what is said of a flow in the end

mod context;
mod cutoff;
mod detail;
mod history;
mod index;
mod key;
mod limits;
mod packed;
mod record;
mod server_ports;
mod slab;
mod state;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod timer;
mod visit;

pub use cutoff::CutTable;
pub use history::History;
pub(crate) use index::Index;
pub use key::{Direction, Endpoint};
pub use limits::{Limits, Timeouts};
pub use record::{
    ConnState, EndReason, EndedBy, FlowRecord, LiveSampling, Outcome, RttHistogram, RttSummary,
    Sampling, Side, TcpSide, TcpSummary,
};
pub use state::Counts;
pub use table::{FlowTable, FlowTableCounters, Observed, Prepared};
pub use tcp::TcpState;
