//! What can be typed behind `capture export`.

use std::path::PathBuf;

use super::super::units::packets;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "All conditions have to hold; without any, all packets are chosen. --handshake and --teardown together \
                  choose both. Frames are numbered as `capture read` numbers them, through all files.

The files are read twice, and what is chosen is copied as it is: time stamps, interfaces, comments, \
                  options, names and secrets stay. The ending of the new file chooses its format: .pcap, .cap and .dmp are \
                  pcap, all others pcapng; .gz behind it packs it. Standard input is kept in a temporary file (in TMPDIR).

Examples:
  capture export traffic.pcapng -w web.pcapng -Y 'tcp.port == 443'
  capture export traffic.pcapng -w some.pcapng --frames 70,73,74,428-431
  capture export traffic.pcapng -w open.pcapng --handshake --stream 42
  capture export traffic.pcapng -w close.pcapng --teardown --retransmissions
  capture export traffic.pcapng -w seen.pcapng -Y tcp.analysis.flags --mark='look at this'
  capture export traffic.pcap -w traffic.pcapng --comment 'before the update'"
)]
pub(in crate::cli) struct ExportArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,

    /// The new file; - is standard output.
    #[arg(short, long = "write", value_name = "FILE")]
    pub(in crate::cli) write: PathBuf,

    /// Packets that match this display filter.
    #[arg(short = 'Y', long, value_name = "FILTER")]
    pub(in crate::cli) display_filter: Option<String>,

    /// Packets that match this capture filter; the others are not even dissected.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(in crate::cli) capture_filter: Option<String>,

    /// Packets with these numbers: 70,73,74,428-431,500-
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true)]
    pub(in crate::cli) frames: Option<crate::export::FrameRanges>,

    /// Packets of these TCP streams, by tcp.stream.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub(in crate::cli) stream: Vec<u64>,

    /// Packets of TCP handshakes: the first SYN, its SYN+ACK, and the ACK, wherever they lie.
    #[arg(long)]
    pub(in crate::cli) handshake: bool,

    /// Packets that close TCP connections: each side's FIN and its ACK, and resets.
    #[arg(long)]
    pub(in crate::cli) teardown: bool,

    /// Of handshakes and closings, also what was sent again.
    #[arg(long)]
    pub(in crate::cli) retransmissions: bool,

    /// Read at most this many packets.
    #[arg(short, long, value_name = "N", value_parser = packets)]
    pub(in crate::cli) count: Option<u64>,

    /// Choose when everything is known: packets know what comes after them.
    #[arg(short = '2')]
    pub(in crate::cli) two_passes: bool,

    /// A preference, TRUE or FALSE; `-o help:` lists them.
    #[arg(short, value_name = "NAME:VALUE")]
    pub(in crate::cli) option: Vec<String>,

    /// A comment on the new file (pcapng).
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) comment: Option<String>,

    /// A comment on each packet, beside those that it has (pcapng) [default without a value: marked].
    #[arg(long, value_name = "TEXT", num_args = 0..=1, require_equals = true, default_missing_value = "marked")]
    pub(in crate::cli) mark: Option<String>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,

    /// Do not tell how many packets were written.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}
