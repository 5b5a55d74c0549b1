//! What can be typed. Names follow tcpdump, dumpcap and tshark where they have one.
//!
//! - `live.rs` behind `capture live`
//! - `flows.rs` behind `capture flows`
//! - `read.rs` behind `capture read`, `fields`, `stats` and `plot`
//! - `export.rs` behind `capture export`
//! - `filter.rs` behind `capture filter`
//! - `control.rs` behind `capture ctl` and `capture doctor`
//!
//! `capture bench` and `capture generate` have theirs in their own folders.

mod control;
mod export;
mod filter;
mod flows;
mod live;
mod read;

use clap::{Parser, Subcommand};

pub(super) use control::{CtlArgs, CtlCommand, DoctorArgs};
pub(super) use export::ExportArgs;
pub(super) use filter::{Dump, FilterArgs};
pub(super) use flows::{FlowsArgs, Format, Partition};
pub(super) use live::{IngressHookName, LiveArgs, ReceptionArgs, Way};
pub(super) use read::{FieldsArgs, PlotArgs, PlotKind, ReadArgs, StatsArgs};

use super::bench::BenchArgs;
use super::generate::GenerateArgs;

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
  capture live -i eth0 -w out.pcapng tcp port 443
  capture ctl filter 'tcp port 80'            another filter for the capture that runs
  capture flows traffic.pcapng                connections of a file, as a table
  capture flows traffic.pcap --top 20 --by bytes
  capture flows traffic.pcap -o flows.parquet all that is known of them, for DuckDB and others
  capture read traffic.pcapng -V -c 1         packets, as tshark shows them
  capture flows traffic.pcap -f 'port 53'     only packets that match a capture filter
  capture filter 'port 80 and not vlan'       what a capture filter means
  capture generate -i veth0 --rate 1M         traffic to try it with
  capture bench -i eth0                       what this machine takes of its own traffic
  capture doctor -i eth0                      what of this machine helps or hinders"
)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Capture live traffic until Ctrl-C, --duration or --count.
    Live(Box<LiveArgs>),
    /// Connection records from capture files (pcap, pcapng, gzipped or not).
    Flows(FlowsArgs),
    /// What this machine can take of the traffic on an interface before it loses some, and what
    /// breaks first.
    Bench(BenchArgs),
    /// Make traffic: TCP sessions, datagrams or a SYN flood, onto a veth or into a file.
    Generate(GenerateArgs),
    /// Packets of capture files, as tshark shows them: list, details, bytes, chosen fields, JSON.
    Read(Box<ReadArgs>),
    /// Chosen packets of capture files into a new one.
    Export(ExportArgs),
    /// Statistics of capture files: conversations, what is remarkable, port scans and others.
    Stats(StatsArgs),
    /// Pictures (SVG) of a TCP stream, or of whole files.
    Plot(PlotArgs),
    /// The fields that display filters and -T fields know.
    Fields(FieldsArgs),
    /// What a capture filter tests, what it compiles to, and what of files it would keep.
    Filter(FilterArgs),
    /// Ask or change a running capture.
    Ctl(CtlArgs),
    /// What of this machine helps or hinders capture, and what to do about it.
    Doctor(DoctorArgs),
}
