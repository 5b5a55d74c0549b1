//! What can be typed to see packets: behind `capture read`, `fields`, `stats` and `plot`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::printing::PrintArgs;
use super::super::units::packets;

#[derive(Debug, clap::Args)]
#[command(after_help = "Options are tshark's, and so is what they print.

Examples:
  capture read traffic.pcapng                 one line a packet
  capture read traffic.pcapng -Y 'tcp.flags.reset == 1 && ip.addr == 10.0.0.0/8'
  capture read traffic.pcapng -V -c 1         all fields of the first packet
  capture read traffic.pcapng -O tcp          of each packet, the details of TCP
  capture read traffic.pcapng -x -P -c 1      the bytes of the first packet, below its line
  capture read traffic.pcapng --diagram=tcp -c 1
                                              the TCP header as its RFC draws it, with its values
  capture read traffic.pcapng -d tcp.port==8888,http
  capture read traffic.pcapng -t ad           with date and time
  capture read traffic.pcapng -T fields -e frame.number -e ip.src -e tcp.dstport -E header=y
  capture read traffic.pcapng -q -z io,phs -z conv,tcp
  capture read traffic.pcapng -Y tcp.analysis.flags -w trouble.pcapng
  capture read traffic.pcapng -q --export-objects http,bodies
  capture read traffic.pcapng -T json -c 1 | jq '.[0]._source.layers.frame'
  tcpdump -i eth0 -w - | capture read -")]
pub(in crate::cli) struct ReadArgs {
    /// Capture files; - is standard input. With -r, the words of a display filter.
    #[arg(value_name = "FILE", required_unless_present_any = ["read_file", "glossary"])]
    pub(in crate::cli) files: Vec<PathBuf>,

    /// A capture file, as tshark names it.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) read_file: Option<PathBuf>,

    /// Read only the packets that match this capture filter, in tcpdump's language; they keep their
    /// numbers.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(in crate::cli) capture_filter: Option<String>,

    /// With -2, read only the packets that match this display filter: the others get no number.
    #[arg(short = 'R', long, value_name = "FILTER")]
    pub(in crate::cli) read_filter: Option<String>,

    /// Write the packets that match to this file instead of printing them (- is standard output), as
    /// `capture export` does; with -P or --print print them too.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) write: Option<PathBuf>,

    /// Format of -w, whatever its name ends in.
    #[arg(short = 'F', long, value_name = "FORMAT", requires = "write")]
    pub(in crate::cli) format: Option<FileFormat>,

    /// Replace the file of -w if it exists.
    #[arg(long, requires = "write")]
    pub(in crate::cli) overwrite: bool,

    /// Print also what -w writes.
    #[arg(long)]
    pub(in crate::cli) print: bool,

    /// Write what HTTP carried into this folder, a file for each body (http,FOLDER); nothing that is there is
    /// replaced.
    #[arg(long, value_name = "http,FOLDER")]
    pub(in crate::cli) export_objects: Option<String>,

    /// Stop after this many packets were read.
    #[arg(short, long, value_name = "N", value_parser = packets)]
    pub(in crate::cli) count: Option<u64>,

    /// Read everything twice, so that packets know what comes after them.
    #[arg(short = '2')]
    pub(in crate::cli) two_passes: bool,

    /// No packets: statistics alone.
    #[arg(short, short_alias = 'Q')]
    pub(in crate::cli) quiet: bool,

    /// What tshark tells of itself; `capture fields` lists fields here.
    #[arg(short = 'G', value_name = "REPORT", num_args = 0..=1, default_missing_value = "fields", hide = true)]
    pub(in crate::cli) glossary: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) print_args: PrintArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  capture fields tcp.analysis
  capture fields checksum
  capture fields | wc -l")]
pub(in crate::cli) struct FieldsArgs {
    /// Only fields whose name or title has this in it, in upper or lower case.
    #[arg(value_name = "PATTERN")]
    pub(in crate::cli) pattern: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a name, all statistics are listed. They are those of `capture read -q -z`, by tshark's words.

Examples:
  capture stats traffic.pcapng                what there is
  capture stats traffic.pcapng conv,tcp expert,warn
  capture stats traffic.pcapng follow,tcp,ascii,0
  capture stats traffic.pcapng 'flow,tcp,network,tcp.stream == 0'
  capture stats traffic.pcapng 'io,stat,1,tcp.flags.syn == 1,tcp.flags.reset == 1'
  capture stats traffic.pcapng scans"
)]
pub(in crate::cli) struct StatsArgs {
    /// Capture file; - is standard input.
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,

    /// Statistics.
    #[arg(value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,

    /// Only packets that match this capture filter.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(in crate::cli) capture_filter: Option<String>,

    /// Read everything twice, so that packets know what comes after them.
    #[arg(short = '2')]
    pub(in crate::cli) two_passes: bool,

    /// A preference, TRUE or FALSE; `-o help:` lists them.
    #[arg(short, value_name = "NAME:VALUE")]
    pub(in crate::cli) option: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "time-sequence, throughput, rtt and window are of one TCP stream; io and flags are of whole files. The \
                  pictures are SVG for any browser, light or dark as it prefers, and stay small however long the file is.

Examples:
  capture plot traffic.pcapng --stream 0 --kind time-sequence -o stream.svg
  capture plot traffic.pcapng --stream 0 --kind rtt -o rtt.svg
  capture plot traffic.pcapng --kind flags -o flags.svg
  capture plot traffic.pcapng --kind io -f 'host 10.0.0.1' -o io.svg"
)]
pub(in crate::cli) struct PlotArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,

    /// What to draw.
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) kind: PlotKind,

    /// The TCP stream, by tcp.stream.
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) stream: Option<u64>,

    /// The picture; - is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,

    /// Only packets that match this capture filter.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(in crate::cli) capture_filter: Option<String>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,
}

/// Formats that -F names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FileFormat {
    /// pcap
    Pcap,
    /// pcapng
    Pcapng,
}

impl From<FileFormat> for crate::export::Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Pcap => Self::Pcap,
            FileFormat::Pcapng => Self::Pcapng,
        }
    }
}

/// What `capture plot` draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PlotKind {
    /// Sequence numbers over time, what was acknowledged, and the receive window, as tcptrace draws it.
    TimeSequence,
    /// Payload over time, each way.
    Throughput,
    /// Round trips over time.
    Rtt,
    /// Receive windows and bytes in flight over time.
    Window,
    /// Packets and bits over time.
    Io,
    /// SYN, FIN and RST over time.
    Flags,
}
