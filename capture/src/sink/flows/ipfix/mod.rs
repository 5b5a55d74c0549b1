//! Records as IPFIX (RFC 7011), to a collector or into a file (RFC 5655).
//!
//! A record is a biflow (RFC 5103): what the responder sent stands in reverse elements beside what the
//! initiator sent. Counts are deltas, so interim records of a long flow add up. Elements are IANA's;
//! there are none for what TCP's analysis finds, which goes into the other formats.
//!
//! Times are there twice: in nanoseconds, and in milliseconds for collectors that know nothing finer
//! (nfdump is one).
//!
//! - `element.rs` information elements: number, length, value
//! - `template.rs` which elements a record has
//! - `message.rs` messages: templates and records with a header
//! - `file.rs` messages in a file
//! - `collector.rs` where a collector is, in words and as addresses
//! - `exporter.rs` messages to a collector, with its transport sessions

mod collector;
mod element;
mod exporter;
mod file;
mod message;
mod template;

#[cfg(test)]
mod tests;

pub use collector::{Collector, CollectorError, Transport};
pub(super) use exporter::{Exported, Exporter, Now};
pub(super) use file::IpfixFile;
