//! `capture bench`: what this machine can take of the traffic on an interface, and what breaks first.
//!
//! - `args.rs` what can be typed
//! - `table.rs` what is printed

mod args;
mod table;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

pub(super) use self::args::BenchArgs;
use super::live::Signals;
use super::status::short;
use super::tracking::Origin;
use crate::engine::{LivePlan, Outputs};
use crate::iface::{Namespace, Selection};
use crate::kernel::{
    Delivery, Disposition, Insist, Plan, Thinning, TimeStampType, Unmatched, Watch,
};
use crate::measure::{Measured, ProgramStats, Step, judge, measure, probe_disk};
use crate::sink::flows::{FlowFileOptions, FlowFormat};
use crate::sink::{Existing, Overflow};

/// Measures one step after the other.
pub(super) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the control thread")?;
    runtime.block_on(control(args))
}

async fn control(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let netns = super::ifaces::namespace(args.netns.as_deref())?;
    let scratch = args.dir.as_deref().map(Scratch::make).transpose()?;
    let mut signals = Signals::new()?;
    let stop = Arc::new(AtomicBool::new(false));
    // Without it the cost of the programs alone is not known, which is no more than a column.
    let _stats = ProgramStats::enable();
    let mut steps = vec![Step::Count, Step::Copy, Step::Track];
    if scratch.is_some() {
        steps.push(Step::Write);
    }
    super::tell(&format!(
        "measuring on {}: {} steps of {:?} each; Ctrl-C ends",
        args.iface,
        steps.len(),
        args.duration
    ));
    let mut out = io::stdout();
    if !args.json {
        writeln!(out, "{}", table::HEADER)?;
    }
    let mut measured: Vec<Measured> = Vec::with_capacity(steps.len());
    for step in steps {
        let plan = plan(args, &netns, scratch.as_ref())?;
        let (duration, told) = (args.duration, Arc::clone(&stop));
        let mut measuring =
            tokio::task::spawn_blocking(move || measure(plan, step, duration, &told));
        let done = loop {
            tokio::select! {
                done = &mut measuring => break done.context("a measurement panicked; this is a bug")??,
                () = signals.any() => {
                    if stop.swap(true, Ordering::Relaxed) {
                        super::live::quit();
                    }
                }
            }
        };
        if args.json {
            writeln!(out, "{}", table::to_json(&done))?;
        } else {
            writeln!(out, "{}", table::row(&done))?;
        }
        out.flush()?;
        measured.push(done);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    let disk = match &scratch {
        Some(scratch) if !stop.load(Ordering::Relaxed) => {
            let path = scratch.0.clone();
            let probed = tokio::task::spawn_blocking(move || probe_disk(&path)).await;
            let probed = probed.context("writing panicked; this is a bug")?;
            Some(probed.with_context(|| format!("writing to {}", scratch.0.display()))?)
        }
        _ => None,
    };
    let verdict = judge(&measured, disk.as_ref(), &short);
    let told = if args.json {
        table::verdict_json(&args.iface, &verdict, disk.as_ref())
    } else {
        table::verdict(&verdict)
    };
    writeln!(out, "{told}")?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A directory in the one that was named, for what is written; it goes when this does.
struct Scratch(PathBuf);

impl Scratch {
    fn make(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(format!("capture-bench-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            super::complain(&format!("{} stays behind: {error}", self.0.display()));
        }
    }
}

/// A capture that writes where it is told; the steps that write nothing leave that out.
fn plan(
    args: &BenchArgs,
    netns: &Namespace,
    scratch: Option<&Scratch>,
) -> anyhow::Result<LivePlan> {
    if let Some(cpus) = &args.cpus {
        super::live::usable(cpus)?;
    }
    let workers = args.workers.unwrap_or_else(super::default_workers);
    let ring_bytes = super::live::ring_bytes(args.ring_size, Delivery::Rings)?;
    let mut kernel = Plan {
        selection: Selection::parse(std::slice::from_ref(&args.iface))?,
        ifaces: Vec::new(),
        watch: args.direction.map(Watch::from),
        ingress: args.hook.into(),
        insist: if args.force { Insist::Yes } else { Insist::No },
        rings: workers,
        ring_bytes,
        filter: None,
        thinning: Thinning::NONE,
        reception: super::live::reception(args.tap, args.reception),
        disposition: if args.tap {
            Disposition::Tap
        } else {
            Disposition::Mirror
        },
        unmatched: Unmatched::Consume,
        time_stamps: TimeStampType::Host,
        delivery: Delivery::Rings,
        seed: super::seed(),
        verbose: false,
    };
    anyhow::ensure!(
        !kernel.selection.is_open(),
        "one interface is measured at a time; name it instead of any or a pattern"
    );
    let refused = netns.enter(|| kernel.choose())??;
    anyhow::ensure!(
        kernel.ifaces.len() == 1,
        "one interface is measured at a time"
    );
    Ok(LivePlan {
        kernel,
        netns: netns.clone(),
        refused,
        tracking: args.tracking.tracking(Origin::Live),
        outputs: outputs(scratch)?,
        print: None,
        folder: None,
        cpus: args.cpus.clone().map(|list| list.0).unwrap_or_default(),
        count: None,
    })
}

fn outputs(scratch: Option<&Scratch>) -> anyhow::Result<Outputs> {
    const BUFFER_BYTES: usize = 64 << 20;
    let existing = Existing::Overwrite;
    let flows = scratch
        .map(|Scratch(folder)| -> anyhow::Result<_> {
            let path = folder.join(format!("connections.{}", FlowFormat::Parquet.ending()));
            let options = super::flows::options(path, None, None)?;
            Ok(FlowFileOptions {
                existing,
                overflow: Overflow::Drop,
                ..options
            })
        })
        .transpose()?;
    Ok(Outputs {
        packets: scratch.map(|Scratch(folder)| folder.join(super::live::PACKETS_NAME)),
        rotation: None,
        flows,
        existing,
        buffer_bytes: BUFFER_BYTES,
    })
}
