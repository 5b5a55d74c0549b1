//! The words of `capture live` as a plan, checked against the machine.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use capture_common::ring::MAX_RING_BYTES;

use super::PACKETS_NAME;
use crate::cli;
use crate::cli::args::{LiveArgs, ReceptionArgs};
use crate::cli::misuse::misuse;
use crate::cli::tracking::Origin;
use crate::cli::units::CpuList;
use crate::engine::{LivePlan, Outputs};
use crate::iface::Selection;
use crate::kernel::{Delivery, Disposition, Insist, Plan, Reception, Unmatched, Watch};
use crate::sink::Overflow;
use crate::sink::flows::{FlowFileOptions, FlowFormat};
use crate::sink::pcapng::Names;
use crate::source::xsk::{BusyPoll, XskOptions};

/// Name of the connection records in a `--write` directory, without an ending.
const FLOWS_STEM: &str = "connections";

/// The plan that the words describe, checked against the machine.
pub(super) fn plan(args: &LiveArgs) -> anyhow::Result<LivePlan> {
    let disposition = if args.tap {
        Disposition::Tap
    } else {
        Disposition::Mirror
    };
    let insist = if args.force { Insist::Yes } else { Insist::No };
    let watch = args.direction.map(Watch::from);
    if args.tap && watch.is_some_and(|watch| !watch.ingress()) {
        misuse!("--tap consumes what comes in; it cannot go with --direction out");
    }
    let selection = Selection::parse(&args.iface)?;
    if args.af_xdp && selection.is_open() {
        misuse!(
            "--af-xdp opens a socket for each queue at the start; name its interfaces instead of any or a pattern"
        );
    }
    if args.af_xdp && watch.is_some_and(Watch::egress) {
        misuse!(
            "--af-xdp takes what comes in; it cannot go with --direction {}",
            if watch == Some(Watch::Both) {
                "both"
            } else {
                "out"
            }
        );
    }
    if let Some(cpus) = &args.cpus {
        usable(cpus)?;
    }
    let workers = args.workers.unwrap_or_else(cli::default_workers);
    let thinning = args.thinning.thinning()?;
    let words = args
        .filter
        .clone()
        .unwrap_or_else(|| args.expression.join(" "));
    let filter = cli::expression::compile(&words, args.resolve)?;
    let netns = cli::ifaces::namespace(args.netns.as_deref())?;
    let mut kernel = netns.enter(|| -> anyhow::Result<_> {
        Ok(Plan {
            selection,
            ifaces: Vec::new(),
            watch,
            ingress: args.hook.into(),
            insist,
            rings: workers,
            ring_bytes: ring_bytes(args.ring_size, delivery(args))?,
            thinning,
            filter,
            reception: reception(args.tap, args.reception),
            disposition,
            unmatched: if args.pass_unmatched {
                Unmatched::Pass
            } else {
                Unmatched::Consume
            },
            time_stamps: args.time_stamp_type.into(),
            delivery: delivery(args),
            seed: cli::seed(),
            verbose: args.verbose,
        })
    })??;
    let outputs = outputs(args)?;
    let refused = netns.enter(|| kernel.choose())??;
    Ok(LivePlan {
        kernel,
        netns,
        refused,
        tracking: args.tracking.tracking(Origin::Live),
        outputs,
        print: None,
        folder: args.write.clone(),
        cpus: args.cpus.clone().map(|list| list.0).unwrap_or_default(),
        count: [args.count, args.rotation.packets()]
            .into_iter()
            .flatten()
            .min(),
    })
}

/// A port that is dedicated to capture is there for the frames of others.
pub(in crate::cli) fn reception(tap: bool, args: ReceptionArgs) -> Reception {
    if args.promiscuous_mode || (tap && !args.no_promiscuous_mode) {
        Reception::Everything
    } else {
        Reception::AsItIs
    }
}

/// Whether workers can run on these CPUs: tried on a thread that ends.
pub(in crate::cli) fn usable(cpus: &CpuList) -> anyhow::Result<()> {
    for &cpu in &cpus.0 {
        let tried = std::thread::spawn(move || crate::engine::pin(cpu)).join();
        if let Ok(Err(error)) = tried {
            anyhow::bail!(
                "--cpus: CPU {cpu} cannot be used here ({error}); this process may run on {}: taskset -cp $$",
                match cli::cpus() {
                    1 => "one CPU".to_owned(),
                    cpus => format!("{cpus} CPUs"),
                }
            );
        }
    }
    Ok(())
}

/// Says so when a name promises another format than the one that is written.
fn warn_of_name(path: &Path) {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if ["pcap", "cap", "dmp"]
        .iter()
        .any(|pcap| ending.eq_ignore_ascii_case(pcap))
    {
        let path = path.display();
        log::warn!(
            "{path}: what is written is pcapng, whatever the name says; `capture export {path} -w FILE.pcap` makes \
             pcap of it"
        );
    }
    if ending.eq_ignore_ascii_case("gz") {
        log::warn!(
            "{}: what is written is not compressed, whatever the name says",
            path.display()
        );
    }
}

/// Rings, or sockets if they are asked for.
fn delivery(args: &LiveArgs) -> Delivery {
    /// Packets at a time, as a driver's own polls have it (`NAPI_POLL_WEIGHT`).
    const BUDGET: u32 = 64;
    if !args.af_xdp {
        return Delivery::Rings;
    }
    let busy_poll = args.busy_poll.map(|usecs| BusyPoll {
        usecs,
        budget: BUDGET,
    });
    Delivery::Sockets(XskOptions { busy_poll })
}

/// The size that a ring gets: a power of two that holds more than the largest packet.
pub(in crate::cli) fn ring_bytes(wanted: u64, delivery: Delivery) -> anyhow::Result<u32> {
    const SMALLEST: u64 = 1 << 18;
    let largest = match delivery {
        // What programs can reach of an element of a map.
        Delivery::Rings => u64::from(MAX_RING_BYTES),
        Delivery::Sockets(_) => 1 << 30,
    };
    if wanted > largest {
        misuse!(
            "--ring-size is at most {}MiB; use more --workers, each has as much, or a larger --write-buffer for \
             packets that wait for the disk",
            largest >> 20
        );
    }
    Ok(wanted.max(SMALLEST).next_power_of_two() as u32)
}

fn outputs(args: &LiveArgs) -> anyhow::Result<Outputs> {
    let mut packets = args.packets.clone();
    let mut flows = args.flows.clone();
    if let Some(dir) = &args.write {
        packets = packets.or_else(|| Some(dir.join(PACKETS_NAME)));
        flows = flows.or_else(|| Some(dir.join(flows_name(args.format))));
    }
    let to_stdout =
        |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if to_stdout(&packets) && to_stdout(&flows) {
        misuse!("packets and connection records cannot both go to standard output");
    }
    if to_stdout(&packets) && io::stdout().is_terminal() {
        anyhow::bail!(
            "packets are not written to a terminal; name a file, or pipe them into another program"
        );
    }
    if let Some(path) = &packets {
        warn_of_name(path);
    }
    let existing = cli::existing(args.overwrite);
    let flows = flows
        .map(|path| -> anyhow::Result<_> {
            let options = cli::flows::options(path, args.format, args.partition)?;
            Ok(FlowFileOptions {
                existing,
                overflow: Overflow::Drop,
                ..options
            })
        })
        .transpose()?;
    let rotation = args.rotation.rotation()?;
    if let Some(rotation) = &rotation {
        if packets.is_none() {
            misuse!(
                "-b and -a filesize: are about packet files; name them with -w FILE or --write DIR"
            );
        }
        if rotation.names == Names::Numbered && to_stdout(&packets) {
            misuse!("-b begins new files; standard output is one, name a file with -w");
        }
    }
    Ok(Outputs {
        packets,
        rotation,
        flows,
        existing,
        buffer_bytes: usize::try_from(args.write_buffer).unwrap_or(usize::MAX),
    })
}

/// The name says what is in it.
fn flows_name(format: Option<cli::args::Format>) -> String {
    let format = format.map_or(FlowFormat::Csv, FlowFormat::from);
    format!("{FLOWS_STEM}.{}", format.ending())
}

/// Whether standard output is for packets or records.
pub(super) fn uses_stdout(outputs: &Outputs) -> bool {
    let packets = outputs
        .packets
        .as_ref()
        .is_some_and(|path| path.as_os_str() == "-");
    packets
        || outputs
            .flows
            .as_ref()
            .is_some_and(|flows| flows.path.as_os_str() == "-")
}
