//! What can be typed. Names follow tcpdump, dumpcap and tshark where they have one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use super::tracking::TrackingArgs;
use super::units::{bytes, duration};
use crate::flow::ConnState;
use crate::kernel::Watch;
use crate::sink::flows::{By, FlowFormat};

/// Captures packets in the kernel, tracks connections, writes pcapng and connection records.
#[derive(Debug, Parser)]
#[command(
    name = "capture",
    version,
    about = "Packet capture engine: counts, captures and tracks connections, live and on files",
    arg_required_else_help = true,
    after_help = "Examples:
  capture live -i eth0                        watch SYN, FIN and RST rates
  capture live -i eth0 --write out            packets and connection records into out/
  capture flows traffic.pcapng                connections of a file, as a table
  capture flows traffic.pcap --top 20 --by bytes
  capture flows traffic.pcap -o flows.parquet all that is known of them, for DuckDB and others
  capture doctor -i eth0                      what of this machine helps or hinders"
)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Capture live traffic until Ctrl-C, --duration or --count.
    Live(LiveArgs),
    /// Connection records from capture files (pcap, pcapng, gzipped or not).
    Flows(FlowsArgs),
    /// What of this machine helps or hinders capture, and what to do about it.
    Doctor(DoctorArgs),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --write, --packets or --flows nothing is written to disk.

Mirror mode (the default) copies packets and lets them go on. Tap mode (--tap) is for ports that are
dedicated to capture: frames are consumed.

Examples:
  capture live -i eth0 --duration 10s --json  one JSON object a second
  capture live -i eth0 -w - | tshark -r -     packets to another program
  capture live -i tap0 --tap --write out --workers 4 --cpus 2-5"
)]
pub(super) struct LiveArgs {
    /// Interface to capture on; may be given several times.
    #[arg(short, long, value_name = "IF", required = true)]
    pub(super) iface: Vec<String>,

    /// Write packets.pcapng and connections.csv (or by --format) into this directory, which is made if
    /// need be.
    #[arg(long, value_name = "DIR")]
    pub(super) write: Option<PathBuf>,

    /// Write packets to this pcapng file (- is standard output).
    #[arg(short = 'w', long, value_name = "FILE")]
    pub(super) packets: Option<PathBuf>,

    /// Write connection records to this file (- is standard output); .parquet, .csv, .jsonl, .log
    /// (Zeek), .ipfix or .txt chooses the format. A directory (DIR/) gets a file for each hour;
    /// udp://HOST:PORT or tcp://HOST:PORT is an IPFIX collector.
    #[arg(long, value_name = "FILE")]
    pub(super) flows: Option<PathBuf>,

    /// Format of the connection records, whatever the file's ending says [default in a directory:
    /// parquet].
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    /// Take --flows for a directory, and write date=…/hour=…/flows-….parquet in it.
    #[arg(long, value_name = "BY", requires = "flows")]
    pub(super) partition: Option<Partition>,

    /// Replace files that exist.
    #[arg(long)]
    pub(super) overwrite: bool,

    /// End after this time (10s, 5m, 1h; a bare number is seconds).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,

    /// End after this many packets.
    #[arg(short, long, value_name = "N")]
    pub(super) count: Option<u64>,

    /// Copy at most this many bytes of each packet; 0 is as much as there is.
    #[arg(short, long, value_name = "BYTES", value_parser = bytes, default_value = "0")]
    pub(super) snaplen: u64,

    /// Which way to capture [default: both; in on loopback and with --tap].
    #[arg(short = 'Q', long, value_name = "WAY")]
    pub(super) direction: Option<Way>,

    /// Consume frames after the copy: for a port that is dedicated to capture (SPAN, TAP).
    #[arg(long)]
    pub(super) tap: bool,

    /// Allow --tap on the interface that carries the default route.
    #[arg(long)]
    pub(super) force: bool,

    /// Number of workers, each with a ring of its own [default: half of the CPUs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) workers: Option<u32>,

    /// CPUs for the workers, in turn (2-5 or 1,3).
    #[arg(long, value_name = "LIST", value_parser = super::units::cpu_list)]
    pub(super) cpus: Option<super::units::CpuList>,

    /// Memory of each worker's ring in the kernel; rounded up to a power of two.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(super) ring_size: u64,

    /// Memory for packets on their way to the disk.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(super) write_buffer: u64,

    #[command(flatten)]
    pub(super) tracking: TrackingArgs,

    /// One JSON object a second, and the ledger as JSON at the end.
    #[arg(long)]
    pub(super) json: bool,

    /// No line a second; only the ledger at the end.
    #[arg(short, long)]
    pub(super) quiet: bool,

    /// Show what the programs in the kernel report.
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without -o a table goes to standard output, oldest connection first. In it, > behind an outcome means
ended by the initiator, < by the responder, and ! that somebody may want to look; columns that do not fit
the terminal are left out. The records are the same for any number of workers; Parquet, CSV and JSON lines
have all columns.

A file is called NAME.partial (.NAME.partial in a directory) until it is complete. A directory gets
date=2026-11-21/hour=04/flows-RUN-N.parquet by the hour in which records start, which engines read as
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
pub(super) struct FlowsArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required_unless_present = "columns")]
    pub(super) files: Vec<PathBuf>,

    /// List the columns of Parquet, CSV and JSON lines, and what they mean.
    #[arg(long)]
    pub(super) columns: bool,

    /// Write the records here (- is standard output); .parquet, .csv, .jsonl, .log (Zeek), .ipfix or
    /// .txt chooses the format. A directory (DIR/) gets a file for each hour; udp://HOST:PORT or
    /// tcp://HOST:PORT is an IPFIX collector.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Format of the records, whatever the file's ending says [default: table; in a directory:
    /// parquet].
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    /// Take the output for a directory, and write date=…/hour=…/flows-….parquet in it.
    #[arg(long, value_name = "BY", requires = "output")]
    pub(super) partition: Option<Partition>,

    /// Only the first N connections in the order that --by says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) top: Option<u32>,

    /// Order of the connections [default: with --top bytes; as a table start; else as they end].
    #[arg(long, value_name = "WHAT")]
    pub(super) by: Option<OrderBy>,

    /// Only connections in these states, by Zeek's words (S0,S1,SF,REJ,S2,S3,RSTO,RSTR,RSTOS0,RSTRH,SH,
    /// SHR,OTH).
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = conn_state)]
    pub(super) state: Vec<ConnState>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(super) overwrite: bool,

    /// Number of workers [default: the number of CPUs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) workers: Option<u32>,

    #[command(flatten)]
    pub(super) tracking: TrackingArgs,

    /// Show what became of every packet, on standard error.
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Look at this interface [default: all that are up].
    #[arg(short, long, value_name = "IF")]
    pub(super) iface: Option<String>,

    /// The report as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Formats of connection records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
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
pub(super) enum Partition {
    /// Every hour, in UTC, by the time at which a record starts.
    Hour,
}

/// What connections are put in order by: the largest first, but for the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OrderBy {
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

/// Directions, by tcpdump's words (and `both` for its `inout`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    /// What comes in.
    In,
    /// What goes out.
    Out,
    /// Both.
    #[value(alias = "inout")]
    Both,
}

impl From<Way> for Watch {
    fn from(way: Way) -> Self {
        match way {
            Way::In => Self::Ingress,
            Way::Out => Self::Egress,
            Way::Both => Self::Both,
        }
    }
}
