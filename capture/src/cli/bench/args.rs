//! What can be typed behind `capture bench`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::args::{IngressHookName, ReceptionArgs, Way};
use super::super::tracking::TrackingArgs;
use super::super::units::{CpuList, bytes, cpu_list, duration};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The traffic of the interface is captured several times, each time with more to do: count (nothing is copied), \
                  copy (into the rings and out of them), track (connections), and with --dir write (packets and records). For each \
                  step it is shown what was lost and where, how busy workers and CPUs were, and how long packets waited; then what \
                  breaks first, or would by extrapolation, and why. Nobody here sends: without traffic nothing can be said.

Frames go on as if nothing had been, unless --tap says otherwise.

Examples:
  capture bench -i eth0                          a few seconds for each step
  capture bench -i eth0 --dir /data --duration 10s
  capture bench -i eth0 --workers 4 --cpus 2-5 --json
  capture bench -i tap0 --tap --dir /data        a port that is dedicated to capture"
)]
pub(in super::super) struct BenchArgs {
    /// Interface to measure.
    #[arg(short, long, value_name = "IF")]
    pub(super) iface: String,

    /// Network namespace of the interface: a name (ip netns), the number of a process that is in it, or a
    /// file.
    #[arg(long, value_name = "NAME|PID|PATH")]
    pub(super) netns: Option<String>,

    /// Measure writing as well, into this directory, which is as it was afterwards.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,

    /// Time for each step (10s, 5m; a bare number is seconds).
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub(super) duration: Duration,

    /// Consume frames after the copy: for a port that is dedicated to capture (SPAN, TAP).
    #[arg(long)]
    pub(super) tap: bool,

    #[command(flatten)]
    pub(super) reception: ReceptionArgs,

    /// Allow --tap on the interface that carries the default route.
    #[arg(long, requires = "tap")]
    pub(super) force: bool,

    /// Where to capture what comes in, as for `capture live`.
    #[arg(long, value_name = "HOOK", default_value = "xdp")]
    pub(super) hook: IngressHookName,

    /// Which way to capture [default: both; in on loopback and with --tap].
    #[arg(short = 'Q', long, value_name = "WAY")]
    pub(super) direction: Option<Way>,

    /// Number of workers, each with a ring of its own [default: half of the CPUs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) workers: Option<u32>,

    /// CPUs for the workers, in turn (2-5 or 1,3).
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub(super) cpus: Option<CpuList>,

    /// Memory of each worker's ring in the kernel, at most 256MiB; rounded up to a power of two.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MiB")]
    pub(super) ring_size: u64,

    /// One JSON object for each step, and one at the end.
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) tracking: TrackingArgs,
}
