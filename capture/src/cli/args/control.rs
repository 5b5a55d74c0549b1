//! What can be typed behind `capture ctl` and `capture doctor`.

use std::path::PathBuf;

use clap::Subcommand;

use super::super::thinning::SamplingArgs;

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
pub(in crate::cli) struct CtlArgs {
    /// The capture with this process number.
    #[arg(long, value_name = "PID", conflicts_with = "control")]
    pub(in crate::cli) pid: Option<u32>,

    /// The capture with this --control socket.
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) control: Option<PathBuf>,

    #[command(subcommand)]
    pub(in crate::cli) command: CtlCommand,
}

/// What is asked of a running capture.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CtlCommand {
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
pub(in crate::cli) struct DoctorArgs {
    /// Look at this interface [default: all that are up].
    #[arg(short, long, value_name = "IF")]
    pub(in crate::cli) iface: Option<String>,

    /// Look in another network namespace: a name (ip netns), the number of a process, or a file.
    #[arg(long, value_name = "NAME|PID|PATH")]
    pub(in crate::cli) netns: Option<String>,

    /// The report as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
