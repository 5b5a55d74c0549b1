//! What can be typed behind `capture flows`, and of connection records elsewhere.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::tracking::TrackingArgs;
use crate::flow::ConnState;
use crate::sink::flows::{By, FlowFormat};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without -o a table goes to standard output, oldest connection first. In it, > behind an outcome means \
                  ended by the initiator, < by the responder, and ! that somebody may want to look; columns that do not fit \
                  the terminal are left out. The records are the same for any number of workers; their order is not, unless \
                  --by says one. Parquet, CSV and JSON lines have all columns.

A file is called NAME.partial (.NAME.partial in a directory) until it is complete. A directory gets \
                  date=2026-11-21/hour=04/flows-RUN-N.parquet by the hour in which records start, which engines read as \
                  columns date and hour.

Examples:
  capture flows big.pcap --top 20 --by retransmissions
  capture flows big.pcap --state S0,REJ       connections that nobody answered, or refused
  capture flows *.pcapng -o flows.parquet && duckdb -c \"FROM 'flows.parquet' LIMIT 5\"
  capture flows big.pcap -o conn.log          as Zeek writes it; --format zeek-json for JSON
  capture flows big.pcap -o tcp://collector:4739
  capture flows *.pcapng -o records/          a directory, a file or more for each hour
  capture flows big.pcap --format jsonl | jq 'select(.outcome == \"refused\")'
  tcpdump -i eth0 -w - | capture flows -"
)]
pub(in crate::cli) struct FlowsArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required_unless_present = "columns")]
    pub(in crate::cli) files: Vec<PathBuf>,

    /// List the columns of Parquet, CSV and JSON lines, and what they mean.
    #[arg(long)]
    pub(in crate::cli) columns: bool,

    /// Only packets that match this expression, in the language of tcpdump (pcap-filter(7)).
    #[arg(short, long, value_name = "EXPR")]
    pub(in crate::cli) filter: Option<String>,

    /// Look up host names in the filter, once, before reading.
    #[arg(long, requires = "filter")]
    pub(in crate::cli) resolve: bool,

    /// Write the records here (- is standard output); .parquet, .csv, .jsonl, .log (Zeek), .ipfix or
    /// .txt chooses the format. A directory (DIR/) gets a file for each hour; udp://HOST:PORT or
    /// tcp://HOST:PORT is an IPFIX collector.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Format of the records, whatever the file's ending says [default: table; in a directory:
    /// parquet].
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,

    /// Take the output for a directory, and write date=…/hour=…/flows-….parquet in it.
    #[arg(long, value_name = "BY", requires = "output")]
    pub(in crate::cli) partition: Option<Partition>,

    /// Only the first N connections in the order that --by says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(in crate::cli) top: Option<u32>,

    /// Order of the connections [default: with --top bytes; as a table start; else as they end].
    #[arg(long, value_name = "WHAT")]
    pub(in crate::cli) by: Option<OrderBy>,

    /// Only connections in these states, by Zeek's words (S0,S1,SF,REJ,S2,S3,RSTO,RSTR,RSTOS0,RSTRH,SH,
    /// SHR,OTH).
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = conn_state)]
    pub(in crate::cli) state: Vec<ConnState>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,

    /// Number of workers [default: the number of CPUs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(in crate::cli) workers: Option<u32>,

    /// Show what became of every packet, on standard error.
    #[arg(short, long)]
    pub(in crate::cli) verbose: bool,

    #[command(flatten)]
    pub(in crate::cli) tracking: TrackingArgs,
}

/// Formats of connection records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Typed columns, compressed; for DuckDB, Spark, pandas and others.
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// IPFIX messages, as collectors take them.
    Ipfix,
    /// One JSON object a line.
    Jsonl,
    /// Aligned columns for people.
    Table,
    /// Zeek's conn.log.
    Zeek,
    /// Zeek's conn.log as JSON lines.
    ZeekJson,
}

impl From<Format> for FlowFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Ipfix => Self::Ipfix,
            Format::Jsonl => Self::JsonLines,
            Format::Parquet => Self::Parquet,
            Format::Table => Self::Table,
            Format::Zeek => Self::Zeek,
            Format::ZeekJson => Self::ZeekJson,
        }
    }
}

/// What the files of a directory are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Partition {
    /// Every hour, in UTC, by the time at which a record starts.
    Hour,
}

/// What connections are put in order by: the largest first, but for the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OrderBy {
    /// Bytes of both sides.
    Bytes,
    /// Packets of both sides.
    Packets,
    /// Round trip of the handshake, or the mean of later ones.
    Rtt,
    /// Segments that were sent again, of both sides.
    Retransmissions,
    /// From the first packet to the last.
    Duration,
    /// Time of the first packet, oldest first.
    Start,
}

impl From<OrderBy> for By {
    fn from(by: OrderBy) -> Self {
        match by {
            OrderBy::Bytes => Self::Bytes,
            OrderBy::Packets => Self::Packets,
            OrderBy::Rtt => Self::Rtt,
            OrderBy::Retransmissions => Self::Retransmissions,
            OrderBy::Duration => Self::Duration,
            OrderBy::Start => Self::Start,
        }
    }
}

/// A state by Zeek's word, in upper or lower case.
fn conn_state(word: &str) -> Result<ConnState, String> {
    const ALL: [ConnState; 13] = [
        ConnState::S0,
        ConnState::S1,
        ConnState::Sf,
        ConnState::Rej,
        ConnState::S2,
        ConnState::S3,
        ConnState::Rsto,
        ConnState::Rstr,
        ConnState::Rstos0,
        ConnState::Rstrh,
        ConnState::Sh,
        ConnState::Shr,
        ConnState::Oth,
    ];
    ALL.into_iter()
        .find(|state| state.name().eq_ignore_ascii_case(word.trim()))
        .ok_or_else(|| {
            let names = ALL.map(ConnState::name).join(", ");
            format!("there is no such state; there are {names}")
        })
}
