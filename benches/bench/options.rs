//! What `cargo xtask bench` can be told, typed once: the task reads it and hands it on to the program
//! that measures.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to measure, and how long.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// A few minutes: 64-byte frames only, short trials, a small file, a million connections at most.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Only these parts [default: all of them].
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    pub(crate) only: Vec<Part>,

    /// Bytes of a frame with data, without frame check sequence, or imix: 60, 590 and 1514 bytes in the
    /// proportion 7:4:1, which are 64, 594 and 1518 with it [default: 64,128,512,1514,imix; quick: 64].
    #[arg(long, value_delimiter = ',', value_name = "SIZES")]
    pub(crate) size: Vec<String>,

    /// Who receives: any of tap, tap-write (packets), tap-all (packets and connection records), af-xdp,
    /// af-xdp-write, mirror, mirror-write, cutoff, tcpdump, dumpcap, netsniff-ng [default: all that are
    /// installed].
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) consumers: Vec<String>,

    /// Connections at a time, of 12 frames each [default: 10000].
    #[arg(long, value_name = "N")]
    pub(crate) flows: Option<u32>,

    /// Seconds of a trial [default: 2; quick: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: Option<u32>,

    /// Trials of the search for the highest rate without loss, at most [default: 7; quick: 5].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) trials: Option<u32>,

    /// Times that the search is made; the median counts [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) rounds: Option<u32>,

    /// No search: one trial at so many frames a second; 0 is as fast as it goes.
    #[arg(long, value_name = "RATE")]
    pub(crate) rate: Option<u64>,

    /// CPU that sends, and on which the frames of a veth are received [default: 0].
    #[arg(long, value_name = "CPU")]
    pub(crate) sender_cpu: Option<u32>,

    /// CPU of the worker and of each peer [default: 1].
    #[arg(long, value_name = "CPU")]
    pub(crate) worker_cpu: Option<u32>,

    /// Capture file for the offline part [default: one is made, of 4.8 million packets of 400,000
    /// connections; quick: a tenth of it].
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Runs of each program over the file, in turn; one that takes long gets fewer [default: 5; quick: 2].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) runs: Option<u32>,

    /// Numbers of connections in the flow table [default: 10000,1000000,10000000; quick: without the
    /// last].
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub(crate) table: Vec<u32>,

    /// Prints the tables as Markdown.
    #[arg(long)]
    pub(crate) markdown: bool,

    /// Measures nothing: tables and page of an earlier report.json.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,

    /// Folder for report.json and report.html, and for what is written while it is measured: the disk
    /// that counts [default: target/bench].
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// Parts of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Frames over a veth pair into captures.
    Live,
    /// A capture file through programs that read one.
    Offline,
    /// The flow table alone.
    FlowTable,
}

impl Options {
    /// Whether a part is wanted.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.from.is_none() && (self.only.is_empty() || self.only.contains(&part))
    }
}
