//! What can be typed. Names follow tcpdump, dumpcap and tshark where they have one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use super::bench::BenchArgs;
use super::generate::GenerateArgs;
use super::printing::PrintArgs;
use super::rotation::RotationArgs;
use super::thinning::{SamplingArgs, ThinningArgs};
use super::tracking::TrackingArgs;
use super::units::{bytes, duration, packets};
use crate::flow::ConnState;
use crate::kernel::{IngressHook, Watch};
use crate::packet::LinkType;
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

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --write, --packets or --flows nothing is written to disk.

-i any and patterns follow interfaces that come and go; packets that pass two captured interfaces are \
                  captured twice. Names have to be captured, the rest is captured where it can be.

Mirror mode (the default) copies packets and lets them go on. Tap mode (--tap) is for ports that are \
                  dedicated to capture: frames are consumed.

The filter is in the language of pcap-filter(7) and runs in the kernel: packets that it refuses are counted \
                  but not copied. `capture ctl` changes it while the capture runs.

Examples:
  capture live -i eth0 --duration 10s --json  one JSON object a second
  capture live -i eth0 -w - | tshark -r -     packets to another program
  capture live -i any --netns blue            everything in a network namespace
  capture live -i eth0 --hook tc              beside the XDP program of somebody else
  capture live -i eth0 -w eth0.pcapng -b filesize:1GB -b files:24    the last 24 GB
  capture live -i tap0 --tap --write out --workers 4 --cpus 2-5
  capture live -i tap0 --tap --af-xdp --write out
  capture live -i eth0 --print                one line a packet, as it comes
  capture live -i eth0 --print -Y 'tcp.analysis.flags' -w all.pcapng
  capture live -i eth0 --print -T fields -e ip.src -e tls.handshake.extensions_server_name
  capture live -i eth0 -z conv,tcp --duration 10s
  capture live -i eth0 -w web.pcapng tcp port 80 or tcp port 443
  capture live -i eth0 --flows out.parquet -f 'net 10.0.0.0/8 and not port 22'
  capture live -i eth0 --write out --cutoff 64KiB     the beginning of every connection
  capture live -i eth0 --flows f.parquet --headers-only
  capture live -i eth0 -w s.pcapng --sample 1/100     every hundredth packet; all SYN, FIN and RST
  capture live -i eth0 --write out --sample-flows 1%  whole connections, one of a hundred"
)]
pub(super) struct LiveArgs {
    /// Interface to capture on; may be given several times, or as a list with commas. A name, a number
    /// of --list-interfaces, a shell pattern ('veth*'), or any for all that are up; patterns and any
    /// follow interfaces that come and go.
    #[arg(
        short,
        long,
        alias = "interface",
        value_name = "IF",
        required_unless_present = "list_interfaces"
    )]
    pub(super) iface: Vec<String>,

    /// List the interfaces that can be captured on.
    #[arg(short = 'D', long)]
    pub(super) list_interfaces: bool,

    /// Capture in another network namespace: a name (ip netns), the number of a process that is in it,
    /// or a file (/proc/1/ns/net).
    #[arg(long, value_name = "NAME|PID|PATH")]
    pub(super) netns: Option<String>,

    /// Where to capture what comes in. tc works beside the XDP program of somebody else; it sees less
    /// (nothing that XDP drops) and later (segments may be merged).
    #[arg(long, value_name = "HOOK", default_value = "xdp")]
    pub(super) hook: IngressHookName,
    /// Capture only packets that match, as with tcpdump (pcap-filter(7)).
    #[arg(value_name = "EXPR", conflicts_with = "filter")]
    pub(super) expression: Vec<String>,

    /// The same in one word.
    #[arg(short, long, value_name = "EXPR")]
    pub(super) filter: Option<String>,

    /// Look up names of hosts in the filter.
    #[arg(long)]
    pub(super) resolve: bool,

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

    #[command(flatten)]
    pub(super) rotation: RotationArgs,

    /// Replace files that exist.
    #[arg(long)]
    pub(super) overwrite: bool,

    /// End after this time (10s, 5m, 1h; a bare number is seconds).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,

    /// End after this many packets.
    #[arg(short, long, value_name = "N", value_parser = packets)]
    pub(super) count: Option<u64>,

    /// Which way to capture [default: both; in on loopback and with --tap].
    #[arg(short = 'Q', long, value_name = "WAY")]
    pub(super) direction: Option<Way>,

    #[command(flatten)]
    pub(super) reception: ReceptionArgs,

    /// Consume frames after the copy: for a port that is dedicated to capture (SPAN, TAP).
    #[arg(long)]
    pub(super) tap: bool,

    /// Take frames through AF_XDP sockets, one for each receive queue, instead of rings; without a copy
    /// where the driver can.
    #[arg(long, requires = "tap")]
    pub(super) af_xdp: bool,

    /// Let the workers run the driver's receive path themselves, for so many microseconds at a time:
    /// the lowest latency, and a CPU that is always busy [default without a value: 20].
    #[arg(long, value_name = "USECS", requires = "af_xdp", num_args = 0..=1, default_missing_value = "20",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) busy_poll: Option<u32>,

    /// Let frames that the filter refuses go on to the kernel; without it --tap consumes them too.
    #[arg(long, requires = "tap")]
    pub(super) pass_unmatched: bool,

    /// Allow --tap on the interface that carries the default route.
    #[arg(long)]
    pub(super) force: bool,

    /// Number of workers, each with a ring of its own [default: half of the CPUs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) workers: Option<u32>,

    /// CPUs for the workers, in turn (2-5 or 1,3).
    #[arg(long, value_name = "LIST", value_parser = super::units::cpu_list)]
    pub(super) cpus: Option<super::units::CpuList>,

    /// Memory of each worker's ring in the kernel; rounded up to a power of two. With --af-xdp, the
    /// queues share as much.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(super) ring_size: u64,

    /// Memory for packets on their way to the disk.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(super) write_buffer: u64,

    /// Socket for `capture ctl` [default: /run/capture/PID.sock; where that cannot be, capture/PID.sock
    /// in `$XDG_RUNTIME_DIR`, or capture-UID/PID.sock in the folder for temporary files].
    #[arg(long, value_name = "PATH")]
    pub(super) control: Option<PathBuf>,

    /// No such socket.
    #[arg(long, conflicts_with = "control")]
    pub(super) no_control: bool,

    /// One JSON object a second, and the ledger as JSON at the end.
    #[arg(long)]
    pub(super) json: bool,

    /// No line a second; only the ledger at the end.
    #[arg(short, long)]
    pub(super) quiet: bool,

    /// Show what the programs in the kernel report.
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Print the packets as they come, as `capture read` prints them; what is printed too slowly is left
    /// out, and counted.
    #[arg(long)]
    pub(super) print: bool,

    #[command(flatten)]
    pub(super) thinning: ThinningArgs,

    #[command(flatten)]
    pub(super) tracking: TrackingArgs,

    #[command(flatten)]
    pub(super) print_args: PrintArgs,
}

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
pub(super) struct FlowsArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required_unless_present = "columns")]
    pub(super) files: Vec<PathBuf>,

    /// List the columns of Parquet, CSV and JSON lines, and what they mean.
    #[arg(long)]
    pub(super) columns: bool,

    /// Only packets that match this expression, in the language of tcpdump (pcap-filter(7)).
    #[arg(short, long, value_name = "EXPR")]
    pub(super) filter: Option<String>,

    /// Look up host names in the filter, once, before reading.
    #[arg(long, requires = "filter")]
    pub(super) resolve: bool,

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

    /// Show what became of every packet, on standard error.
    #[arg(short, long)]
    pub(super) verbose: bool,

    #[command(flatten)]
    pub(super) tracking: TrackingArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Options are tshark's, and so is what they print.

Examples:
  capture read traffic.pcapng                 one line a packet
  capture read traffic.pcapng -Y 'tcp.flags.reset == 1 && ip.addr == 10.0.0.0/8'
  capture read traffic.pcapng -V -c 1         all fields of the first packet
  capture read traffic.pcapng -O tcp          of each packet, the details of TCP
  capture read traffic.pcapng -x -P -c 1      the bytes of the first packet, below its line
  capture read traffic.pcapng -d tcp.port==8888,http
  capture read traffic.pcapng -t ad           with date and time
  capture read traffic.pcapng -T fields -e frame.number -e ip.src -e tcp.dstport -E header=y
  capture read traffic.pcapng -q -z io,phs -z conv,tcp
  capture read traffic.pcapng -Y tcp.analysis.flags -w trouble.pcapng
  capture read traffic.pcapng -T json -c 1 | jq '.[0]._source.layers.frame'
  tcpdump -i eth0 -w - | capture read -")]
pub(super) struct ReadArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required_unless_present_any = ["read_file", "glossary"])]
    pub(super) files: Vec<PathBuf>,

    /// A capture file, as tshark names it.
    #[arg(short, long, value_name = "FILE", conflicts_with = "files")]
    pub(super) read_file: Option<PathBuf>,

    /// Read only the packets that match this capture filter, in tcpdump's language; they keep their
    /// numbers.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(super) capture_filter: Option<String>,

    /// With -2, read only the packets that match this display filter: the others get no number.
    #[arg(short = 'R', long, value_name = "FILTER")]
    pub(super) read_filter: Option<String>,

    /// Write the packets that match to this file instead of printing them (- is standard output), as
    /// `capture export` does; with -P or --print print them too.
    #[arg(short, long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,

    /// Replace the file of -w if it exists.
    #[arg(long, requires = "write")]
    pub(super) overwrite: bool,

    /// Print also what -w writes.
    #[arg(long)]
    pub(super) print: bool,

    /// Stop after this many packets were read.
    #[arg(short, long, value_name = "N", value_parser = packets)]
    pub(super) count: Option<u64>,

    /// Read everything twice, so that packets know what comes after them.
    #[arg(short = '2')]
    pub(super) two_passes: bool,

    /// No packets: statistics alone.
    #[arg(short, short_alias = 'Q')]
    pub(super) quiet: bool,

    /// What tshark tells of itself; `capture fields` lists fields here.
    #[arg(short = 'G', value_name = "REPORT", num_args = 0..=1, default_missing_value = "fields", hide = true)]
    pub(super) glossary: Option<String>,

    #[command(flatten)]
    pub(super) print_args: PrintArgs,
}

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
pub(super) struct ExportArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    /// The new file; - is standard output.
    #[arg(short, long = "write", value_name = "FILE")]
    pub(super) write: PathBuf,

    /// Packets that match this display filter.
    #[arg(short = 'Y', long, value_name = "FILTER")]
    pub(super) display_filter: Option<String>,

    /// Packets that match this capture filter; the others are not even dissected.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(super) capture_filter: Option<String>,

    /// Packets with these numbers: 70,73,74,428-431,500-
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true)]
    pub(super) frames: Option<crate::export::FrameRanges>,

    /// Packets of these TCP streams, by tcp.stream.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub(super) stream: Vec<u64>,

    /// Packets of TCP handshakes: the first SYN, its SYN+ACK, and the ACK, wherever they lie.
    #[arg(long)]
    pub(super) handshake: bool,

    /// Packets that close TCP connections: each side's FIN and its ACK, and resets.
    #[arg(long)]
    pub(super) teardown: bool,

    /// Of handshakes and closings, also what was sent again.
    #[arg(long)]
    pub(super) retransmissions: bool,

    /// Read at most this many packets.
    #[arg(short, long, value_name = "N", value_parser = packets)]
    pub(super) count: Option<u64>,

    /// Choose when everything is known: packets know what comes after them.
    #[arg(short = '2')]
    pub(super) two_passes: bool,

    /// A preference, TRUE or FALSE; `-o help:` lists them.
    #[arg(short, value_name = "NAME:VALUE")]
    pub(super) option: Vec<String>,

    /// A comment on the new file (pcapng).
    #[arg(long, value_name = "TEXT")]
    pub(super) comment: Option<String>,

    /// A comment on each packet, beside those that it has (pcapng) [default without a value: marked].
    #[arg(long, value_name = "TEXT", num_args = 0..=1, require_equals = true, default_missing_value = "marked")]
    pub(super) mark: Option<String>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(super) overwrite: bool,

    /// Do not tell how many packets were written.
    #[arg(short, long)]
    pub(super) quiet: bool,
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
pub(super) struct StatsArgs {
    /// Capture file; - is standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Statistics.
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,

    /// Only packets that match this capture filter.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(super) capture_filter: Option<String>,

    /// Read everything twice, so that packets know what comes after them.
    #[arg(short = '2')]
    pub(super) two_passes: bool,

    /// A preference, TRUE or FALSE; `-o help:` lists them.
    #[arg(short, value_name = "NAME:VALUE")]
    pub(super) option: Vec<String>,
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
pub(super) struct PlotArgs {
    /// Capture files; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    /// What to draw.
    #[arg(long, value_name = "KIND")]
    pub(super) kind: PlotKind,

    /// The TCP stream, by tcp.stream.
    #[arg(long, value_name = "NUMBER")]
    pub(super) stream: Option<u64>,

    /// The picture; - is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,

    /// Only packets that match this capture filter.
    #[arg(short = 'f', long, value_name = "FILTER")]
    pub(super) capture_filter: Option<String>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(super) overwrite: bool,
}

/// What `capture plot` draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlotKind {
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

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  capture fields tcp.analysis
  capture fields checksum
  capture fields | wc -l")]
pub(super) struct FieldsArgs {
    /// Only fields whose name or title has this in it, in upper or lower case.
    #[arg(value_name = "PATTERN")]
    pub(super) pattern: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The language is that of tcpdump, pcap-filter(7), as libpcap 1.10 has it. `and` and `or` bind alike, from \
                  left to right. A packet that is too short for a test does not match, even under `not`. After `vlan`, \
                  `mpls`, `pppoes` and `geneve`, tests look behind that header, also on the other side of `or`.

Examples:
  capture filter 'tcp port 443 and not host 10.0.0.1'
  capture filter 'vlan 5 and icmp' --dump cbpf
  capture filter 'udp port 53' --dump ebpf
  capture filter 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0' *.pcapng"
)]
pub(super) struct FilterArgs {
    /// The expression; empty matches everything.
    #[arg(value_name = "EXPR")]
    pub(super) expression: String,

    /// Count how many packets of these files would be kept; - is standard input.
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Print the program instead: cbpf as tcpdump -d does, ebpf as bpftool does.
    #[arg(long, value_name = "MACHINE", conflicts_with = "files")]
    pub(super) dump: Option<Dump>,

    /// Link type of the packets, by name (as in --link RAW or --link EN10MB) or number.
    #[arg(long, value_name = "TYPE", value_parser = link_type, default_value = "ETHERNET", conflicts_with = "files")]
    pub(super) link: LinkType,

    /// Look up host names, once.
    #[arg(long)]
    pub(super) resolve: bool,
}

/// Machines that a filter can be printed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Dump {
    /// The classic BPF machine.
    Cbpf,
    /// The kernel's machine: the function that runs at XDP.
    Ebpf,
}

/// A link type by one of its names, or by number.
fn link_type(word: &str) -> Result<LinkType, String> {
    if let Ok(number) = word.parse() {
        return Ok(LinkType(number));
    }
    let name = word.trim().to_ascii_uppercase();
    let name = ["LINKTYPE_", "DLT_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(&name);
    let name = match name {
        "EN10MB" => "ETHERNET",
        "IEEE802_11_RADIO" => "IEEE802_11_RADIOTAP",
        "PPP_SERIAL" => "PPP_HDLC",
        name => name,
    };
    LinkType::from_name(name).ok_or_else(|| {
        "there is no such link type; a number of tcpdump.org's list is taken, too".to_owned()
    })
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "If one capture runs, it is found by itself. A new filter is checked first; if it makes no sense, or \
                  the kernel refuses it, the old one stays. At each hook the new program follows the old one between two \
                  packets: none is missed, and none is counted twice.

Examples:
  capture ctl status
  capture ctl filter tcp port 443
  capture ctl filter --clear
  capture ctl sample --sample 1/100
  capture ctl sample                          everything again
  capture ctl --pid 4711 stop"
)]
pub(super) struct CtlArgs {
    /// The capture with this process number.
    #[arg(long, value_name = "PID", conflicts_with = "control")]
    pub(super) pid: Option<u32>,

    /// The capture with this --control socket.
    #[arg(long, value_name = "PATH")]
    pub(super) control: Option<PathBuf>,

    #[command(subcommand)]
    pub(super) command: CtlCommand,
}

/// What is asked of a running capture.
#[derive(Debug, Subcommand)]
pub(super) enum CtlCommand {
    /// How it stands.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Another filter, or none.
    Filter {
        /// Packets that are wanted, as pcap-filter(7) says it.
        #[arg(value_name = "EXPR", required_unless_present = "clear")]
        expression: Vec<String>,
        /// All packets are wanted.
        #[arg(long, conflicts_with = "expression")]
        clear: bool,
        /// Look up names of hosts in the filter.
        #[arg(long)]
        resolve: bool,
    },
    /// Another sampling, by the options of `capture live`; without any, everything is copied.
    Sample {
        /// How much.
        #[command(flatten)]
        sampling: SamplingArgs,
    },
    /// End it, as Ctrl-C does.
    Stop,
}

#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Look at this interface [default: all that are up].
    #[arg(short, long, value_name = "IF")]
    pub(super) iface: Option<String>,

    /// Look in another network namespace: a name (ip netns), the number of a process, or a file.
    #[arg(long, value_name = "NAME|PID|PATH")]
    pub(super) netns: Option<String>,

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

/// Which frames a card passes on.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct ReceptionArgs {
    /// Have the card pass on frames for other hosts, too, as long as the capture runs [default with --tap].
    #[arg(long, conflicts_with = "no_promiscuous_mode")]
    pub(super) promiscuous_mode: bool,

    /// Leave the card as it is, with --tap as well.
    #[arg(short = 'p', long)]
    pub(super) no_promiscuous_mode: bool,
}

/// Hooks, by the words that `ip link` and `tc` have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum IngressHookName {
    /// XDP: in the driver if it can, else in generic mode.
    Xdp,
    /// XDP in generic mode, on socket buffers.
    XdpGeneric,
    /// TCX ingress, behind XDP.
    #[value(alias = "tcx")]
    Tc,
}

impl From<IngressHookName> for IngressHook {
    fn from(hook: IngressHookName) -> Self {
        match hook {
            IngressHookName::Xdp => Self::Xdp,
            IngressHookName::XdpGeneric => Self::XdpGeneric,
            IngressHookName::Tc => Self::Tcx,
        }
    }
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
