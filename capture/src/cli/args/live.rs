//! What can be typed behind `capture live`: where to capture, what to write, and how.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::super::printing::PrintArgs;
use super::super::rotation::RotationArgs;
use super::super::thinning::ThinningArgs;
use super::super::tracking::TrackingArgs;
use super::super::units::{CpuList, bytes, cpu_list, duration, packets};
use super::{Format, Partition};
use crate::kernel::{IngressHook, TimeStampType, Watch};

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
pub(in crate::cli) struct LiveArgs {
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
    pub(in crate::cli) iface: Vec<String>,

    /// List the interfaces that can be captured on.
    #[arg(short = 'D', long)]
    pub(in crate::cli) list_interfaces: bool,

    /// Capture in another network namespace: a name (ip netns), the number of a process that is in it,
    /// or a file (/proc/1/ns/net).
    #[arg(long, value_name = "NAME|PID|PATH")]
    pub(in crate::cli) netns: Option<String>,

    /// Where to capture what comes in. tc works beside the XDP program of somebody else; it sees less
    /// (nothing that XDP drops) and later (segments may be merged).
    #[arg(long, value_name = "HOOK", default_value = "xdp")]
    pub(in crate::cli) hook: IngressHookName,
    /// Capture only packets that match, as with tcpdump (pcap-filter(7)).
    #[arg(value_name = "EXPR", conflicts_with = "filter")]
    pub(in crate::cli) expression: Vec<String>,

    /// The same in one word.
    #[arg(short, long, value_name = "EXPR")]
    pub(in crate::cli) filter: Option<String>,

    /// Look up names of hosts in the filter.
    #[arg(long)]
    pub(in crate::cli) resolve: bool,

    /// Write packets.pcapng and connections.csv (or by --format) into this directory, which is made if
    /// need be.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) write: Option<PathBuf>,

    /// Write packets to this pcapng file (- is standard output).
    #[arg(short = 'w', long, value_name = "FILE")]
    pub(in crate::cli) packets: Option<PathBuf>,

    /// Write connection records to this file (- is standard output); .parquet, .csv, .jsonl, .log
    /// (Zeek), .ipfix or .txt chooses the format. A directory (DIR/) gets a file for each hour;
    /// udp://HOST:PORT or tcp://HOST:PORT is an IPFIX collector.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) flows: Option<PathBuf>,

    /// Format of the connection records, whatever the file's ending says [default in a directory:
    /// parquet].
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,

    /// Take --flows for a directory, and write date=…/hour=…/flows-….parquet in it.
    #[arg(long, value_name = "BY", requires = "flows")]
    pub(in crate::cli) partition: Option<Partition>,

    #[command(flatten)]
    pub(in crate::cli) rotation: RotationArgs,

    /// Replace files that exist.
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,

    /// End after this time (10s, 5m, 1h; a bare number is seconds).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(in crate::cli) duration: Option<Duration>,

    /// End after this many packets.
    #[arg(short, long, value_name = "N", value_parser = packets)]
    pub(in crate::cli) count: Option<u64>,

    /// Which way to capture [default: both; in on loopback and with --tap].
    #[arg(short = 'Q', long, value_name = "WAY")]
    pub(in crate::cli) direction: Option<Way>,

    #[command(flatten)]
    pub(in crate::cli) reception: ReceptionArgs,

    /// Consume frames after the copy: for a port that is dedicated to capture (SPAN, TAP).
    #[arg(long)]
    pub(in crate::cli) tap: bool,

    /// Take frames through AF_XDP sockets, one for each receive queue, instead of rings; without a copy
    /// where the driver can.
    #[arg(long, requires = "tap")]
    pub(in crate::cli) af_xdp: bool,

    /// Let the workers run the driver's receive path themselves, for so many microseconds at a time:
    /// the lowest latency, and a CPU that is always busy [default without a value: 20].
    #[arg(long, value_name = "USECS", requires = "af_xdp", num_args = 0..=1, default_missing_value = "20",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(in crate::cli) busy_poll: Option<u32>,

    /// Let frames that the filter refuses go on to the kernel; without it --tap consumes them too.
    #[arg(long, requires = "tap")]
    pub(in crate::cli) pass_unmatched: bool,

    /// How true the times of packets are, by the words of tcpdump.
    #[arg(long, value_name = "TYPE", default_value = "host")]
    pub(in crate::cli) time_stamp_type: TimeStampTypeName,

    /// Allow --tap on the interface that carries the default route.
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// Number of workers, each with a ring of its own [default: half of the CPUs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(in crate::cli) workers: Option<u32>,

    /// CPUs for the workers, in turn (2-5 or 1,3).
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub(in crate::cli) cpus: Option<CpuList>,

    /// Memory of each worker's ring in the kernel, at most 256MiB; rounded up to a power of two. With --af-xdp, the
    /// queues share as much, at most 1GiB, and with --cutoff each worker has a ring of an eighth beside it.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(in crate::cli) ring_size: u64,

    /// Memory for packets on their way to the disk.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(in crate::cli) write_buffer: u64,

    /// Socket for `capture ctl` [default: /run/capture/PID.sock; where that cannot be, capture/PID.sock
    /// in `$XDG_RUNTIME_DIR`, or capture-UID/PID.sock in the folder for temporary files].
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) control: Option<PathBuf>,

    /// No such socket.
    #[arg(long, conflicts_with = "control")]
    pub(in crate::cli) no_control: bool,

    /// One JSON object a second, and the ledger as JSON at the end.
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// No line a second; only the ledger at the end.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,

    /// Show what the programs in the kernel report.
    #[arg(short, long)]
    pub(in crate::cli) verbose: bool,

    /// Print the packets as they come, as `capture read` prints them; what is printed too slowly is left
    /// out, and counted.
    #[arg(long)]
    pub(in crate::cli) print: bool,

    #[command(flatten)]
    pub(in crate::cli) thinning: ThinningArgs,

    #[command(flatten)]
    pub(in crate::cli) tracking: TrackingArgs,

    #[command(flatten)]
    pub(in crate::cli) print_args: PrintArgs,
}

/// Which frames a card passes on.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct ReceptionArgs {
    /// Have the card pass on frames for other hosts, too, as long as the capture runs [default with --tap].
    #[arg(long, conflicts_with = "no_promiscuous_mode")]
    pub(in crate::cli) promiscuous_mode: bool,

    /// Leave the card as it is, with --tap as well.
    #[arg(short = 'p', long)]
    pub(in crate::cli) no_promiscuous_mode: bool,
}

/// Hooks, by the words that `ip link` and `tc` have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum IngressHookName {
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

/// Kinds of time stamps, by the words of pcap-tstamp(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TimeStampTypeName {
    /// The kernel's clock; with --tap up to eight frames of one poll of the driver share a reading.
    Host,
    /// The kernel's clock, read for each packet.
    #[value(name = "host_hiprec")]
    HostHiprec,
}

impl From<TimeStampTypeName> for TimeStampType {
    fn from(name: TimeStampTypeName) -> Self {
        match name {
            TimeStampTypeName::Host => Self::Host,
            TimeStampTypeName::HostHiprec => Self::HostHiprec,
        }
    }
}

/// Directions, by tcpdump's words (and `both` for its `inout`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Way {
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
