//! Connection records on their way out: CSV, JSON lines, or a table for people.
//!
//! Shards move records in batches to one writer thread, which encodes and writes. Batches come from
//! a bounded channel; when the disk is too slow for that, a live capture counts what it leaves out,
//! and a file waits.
//!
//! - `columns.rs` the one list of columns that all formats read
//! - `csv.rs`, `jsonl.rs`, `table.rs` the formats
//! - `value.rs` values as text
//! - `writer.rs` the thread and the shards' ends of it

mod columns;
mod csv;
mod jsonl;
mod table;
mod value;
mod writer;

use std::path::Path;

pub use columns::{COLUMNS, Column, protocol_name};
pub(crate) use writer::Out;
pub use writer::{FlowFile, FlowFileCounters, FlowFileSummary, FlowSink, IfaceNames};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowFormat {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Aligned columns for people.
    Table,
}

impl FlowFormat {
    /// The format that a file's ending names; `None` if it names none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }

    /// What stands before the first record.
    pub(crate) fn header(self, out: &mut Vec<u8>) {
        match self {
            Self::Csv => csv::header(out),
            Self::JsonLines => {}
            Self::Table => table::header(out),
        }
    }

    /// Appends a record.
    pub(crate) fn record(self, record: &crate::flow::FlowRecord, iface: &str, out: &mut Vec<u8>) {
        match self {
            Self::Csv => csv::record(record, iface, out),
            Self::JsonLines => jsonl::record(record, iface, out),
            Self::Table => table::record(record, out),
        }
    }
}
