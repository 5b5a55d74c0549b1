//! Connection records on their way out: Parquet, CSV, JSON lines, Zeek's logs, IPFIX, or a table
//! for people.
//!
//! Shards move records in batches to one writer thread, which encodes and writes. Of files, several
//! shards encode their own, and that thread only writes: the records of each keep their order, in which
//! its flows end, and lie among those of the others as they happen to come. Batches go through a bounded
//! channel; when the disk is too slow for that, a live capture counts what it leaves out, and a file
//! waits.
//!
//! - `columns/` the one list of columns that all formats read
//! - `identity.rs` names under which a connection is found again
//! - `ranking.rs` which records are written, and in which order
//! - `encoder.rs` what a format is
//! - `csv.rs`, `ipfix/`, `jsonl.rs`, `parquet/`, `table/`, `zeek/` the formats
//! - `value.rs` values as text
//! - `target.rs` one file, one for each hour, or a collector
//! - `writer.rs` the thread and the shards' ends of it

mod columns;
mod csv;
mod encoder;
mod identity;
mod ipfix;
mod jsonl;
mod parquet;
mod ranking;
#[cfg(test)]
mod samples;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod value;
mod writer;
mod zeek;

use std::path::{Path, PathBuf};

pub use columns::{COLUMNS, Column, ColumnKind, Presence, protocol_name};
pub use ipfix::{Collector, CollectorError, Transport};
pub use ranking::{By, Order, States};
pub use writer::{FlowFile, FlowFileCounters, FlowFileSummary, FlowSink, IfaceNames};

use super::{Existing, Overflow};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowFormat {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// IPFIX messages (RFC 7011, RFC 5655).
    Ipfix,
    /// One JSON object a line.
    JsonLines,
    /// Typed columns, compressed (<https://parquet.apache.org>).
    Parquet,
    /// Aligned columns for people.
    Table,
    /// Zeek's `conn.log`: values with tabs between them.
    Zeek,
    /// Zeek's `conn.log` as JSON: one object a line.
    ZeekJson,
}

impl FlowFormat {
    /// The endings that name a format, for people.
    pub const ENDINGS: &'static str = ".parquet, .csv, .jsonl, .log, .ipfix or .txt";

    /// The format that a file's ending names; `None` if it names none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "ipfix" => Some(Self::Ipfix),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "log" => Some(Self::Zeek),
            "parquet" => Some(Self::Parquet),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }

    /// The ending of files that are named here.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ipfix => "ipfix",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::Table => "txt",
            Self::Zeek | Self::ZeekJson => "log",
        }
    }
}

/// How records lie on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In one file.
    File,
    /// In a directory, with a file or more for each hour in which records start:
    /// `date=2026-11-21/hour=04/flows-….parquet`.
    Hours,
}

/// Where records go, which of them, and how.
#[derive(Clone, Debug)]
pub struct FlowFileOptions {
    /// The file, or the directory; `-` is standard output, and `udp://HOST:PORT` or `tcp://HOST:PORT`
    /// an IPFIX collector ([`Collector::of`]).
    pub path: PathBuf,
    /// Whether it is a file or a directory.
    pub layout: Layout,
    /// The format of each file.
    pub format: FlowFormat,
    /// What to do about files that exist. Files in a directory have names of their own.
    pub existing: Existing,
    /// What to do when the disk is too slow.
    pub overflow: Overflow,
    /// The order of the records; `None` writes each when its connection ends.
    pub order: Option<Order>,
    /// Which states of connections are wanted.
    pub states: States,
    /// How wide a table may be, in characters; `None` for as wide as it needs.
    pub width: Option<usize>,
}

impl FlowFileOptions {
    /// All records into one file, as they come.
    #[must_use]
    pub const fn new(path: PathBuf, format: FlowFormat) -> Self {
        Self {
            path,
            layout: Layout::File,
            format,
            existing: Existing::Refuse,
            overflow: Overflow::Block,
            order: None,
            states: States::ALL,
            width: None,
        }
    }
}
