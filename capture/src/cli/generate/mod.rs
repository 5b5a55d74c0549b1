//! `capture generate`: traffic onto a veth or into a file, a line a second, the totals.
//!
//! - `args.rs` what can be typed
//! - `rates.rs` what is printed

mod args;
mod rates;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use capture_common::GeneratorCounters;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, sleep_until};

pub(super) use self::args::GenerateArgs;
use self::rates::{Show, Style, Total};
use super::live::{Signals, every};
use crate::cli::misuse::misuse;
use crate::engine::grouped;
use crate::generate::{
    Amount, Consent, FilePlan, GenerateError, Generator, OBJECT, Sent, Target, Traffic, write_file,
};
use crate::iface::{InterfaceStats, Namespace};

/// Frames a second in a file, where they take no time.
const FILE_RATE: u64 = 1_000_000;

/// How long a veth may take to count the last frames.
const SETTLE: Duration = Duration::from_millis(200);

/// Sends or writes until it is enough.
pub(super) fn run(args: &GenerateArgs) -> anyhow::Result<ExitCode> {
    let traffic = args.traffic()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the control thread")?;
    match (&args.write, &args.iface) {
        (Some(path), _) => runtime.block_on(write(args, path, traffic)),
        (None, Some(name)) => runtime.block_on(send(args, name, traffic)),
        (None, None) => misuse!("name an interface (-i) or a file (-w)"),
    }
}

/// Writes frames into a file.
async fn write(args: &GenerateArgs, path: &Path, traffic: Traffic) -> anyhow::Result<ExitCode> {
    super::export::refuse_terminal(path)?;
    let rate = args.rate(&traffic)?.unwrap_or(FILE_RATE);
    let Some(frames) = args.frames(Some(rate)) else {
        misuse!("a file has to end: give --count or --duration");
    };
    let plan = FilePlan {
        traffic,
        frames,
        rate,
        path: path.to_owned(),
        existing: super::existing(args.overwrite),
    };
    let mut signals = Signals::new()?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let mut writing = tokio::task::spawn_blocking(move || write_file(&plan, &told));
    let made = loop {
        tokio::select! {
            made = &mut writing => break ended(made)??,
            () = signals.any() => end_or_quit(&stop),
        }
    };
    if !args.quiet {
        let place = match path.as_os_str() {
            name if name == "-" => "standard output".to_owned(),
            _ => path.display().to_string(),
        };
        super::tell(&format!(
            "{} frames ({} bytes) written to {place}: {}",
            grouped(made.frames),
            grouped(made.bytes),
            rates::flags(&made)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends frames out of an interface.
async fn send(args: &GenerateArgs, name: &str, traffic: Traffic) -> anyhow::Result<ExitCode> {
    let consent = match args.yes_onto.as_deref() {
        None => Consent::VethOnly,
        Some(yes) if yes == name => Consent::Given,
        Some(yes) => misuse!("--yes-onto {yes} is not the interface of -i {name}"),
    };
    let rate = args.rate(&traffic)?;
    let amount = Amount {
        frames: args.frames(rate),
        rate,
    };
    let netns = super::ifaces::namespace(args.netns.as_deref())?;
    let target = netns.enter(|| Target::open(name, consent, &traffic.settings))??;
    let mut generator = Generator::load(OBJECT, traffic)?;
    if let Some(cpu) = args.cpu {
        generator = generator.on_cpu(cpu);
    }
    let wire = Wire::new(netns.clone(), target)?;
    let mut signals = Signals::new()?;
    let stop = Arc::new(AtomicBool::new(false));
    let progress = generator.progress();
    let (told, index) = (Arc::clone(&stop), wire.target.index());
    super::tell(&format!("sending on {name}; Ctrl-C ends"));
    let mut sending = tokio::task::spawn_blocking(move || {
        netns.enter(|| generator.send_until(index, amount, &told))
    });

    let mut show = Show::new(style(args));
    let started = Instant::now();
    // At a rate that is kept, the time is over when its frames are out.
    let deadline = args.duration.map(|duration| {
        let spare = if rate.is_none() {
            Duration::ZERO
        } else {
            (duration / 20).max(SETTLE)
        };
        started + duration + spare
    });
    let mut second = every(Duration::from_secs(1));
    let mut reader_gone = false;
    let sent = loop {
        tokio::select! {
            sent = &mut sending => break ended(sent)?.context("cannot enter the namespace")??,
            () = signals.any() => end_or_quit(&stop),
            () = sleep_until(deadline.unwrap_or(started)),
                if deadline.is_some() && !stop.load(Ordering::Relaxed) =>
            {
                stop.store(true, Ordering::Relaxed);
            }
            _ = second.tick() => {
                let made = progress.counters()?;
                let counted = wire.counted()?;
                if let Err(error) = wire.check(&made, &counted) {
                    stop.store(true, Ordering::Relaxed);
                    drop((&mut sending).await);
                    return Err(error.into());
                }
                if show.line(made, counted.dropped).is_err() {
                    reader_gone = true;
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    if reader_gone {
        return Ok(ExitCode::SUCCESS);
    }
    finish(&mut show, &wire, &sent).await?;
    if let (Some(wanted), Some(deadline)) = (amount.frames, deadline)
        && sent.frames < wanted
        && Instant::now() >= deadline
    {
        super::complain(&format!(
            "the rate was not kept: of {} frames, {} were sent in time",
            grouped(wanted),
            grouped(sent.frames)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until the device has counted the last frames, and tells what became of all.
async fn finish(show: &mut Show, wire: &Wire, sent: &Sent) -> anyhow::Result<()> {
    let deadline = Instant::now() + SETTLE;
    let counted = loop {
        let counted = wire.counted()?;
        if counted.missing(sent) == 0 || Instant::now() >= deadline {
            break counted;
        }
        sleep(Duration::from_millis(5)).await;
    };
    wire.check(&sent.counters, &counted)?;
    show.total(&Total {
        iface: wire.target.name(),
        sent,
        dropped: counted.dropped + counted.missing(sent),
    })?;
    Ok(())
}

/// The device that frames go out of, and what it had counted before.
struct Wire {
    netns: Namespace,
    target: Target,
    before: InterfaceStats,
}

/// What the device counted since.
struct Counted {
    /// Frames that it dropped.
    dropped: u64,
    /// Frames that its other end has taken, where it tells.
    taken: Option<u64>,
}

impl Counted {
    /// Frames that are neither.
    fn missing(&self, sent: &Sent) -> u64 {
        self.taken.map_or(0, |taken| {
            sent.frames
                .saturating_sub(taken)
                .saturating_sub(self.dropped)
        })
    }
}

impl Wire {
    fn new(netns: Namespace, target: Target) -> anyhow::Result<Self> {
        let before = netns.enter(|| target.stats())??;
        Ok(Self {
            netns,
            target,
            before,
        })
    }

    fn counted(&self) -> anyhow::Result<Counted> {
        let now = self.netns.enter(|| self.target.stats())??;
        let taken = now.tx_packets.saturating_sub(self.before.tx_packets);
        Ok(Counted {
            dropped: now.tx_dropped.saturating_sub(self.before.tx_dropped),
            taken: self.target.counts_what_arrives().then_some(taken),
        })
    }

    /// Whether anybody takes the frames at all.
    fn check(&self, made: &GeneratorCounters, counted: &Counted) -> Result<(), GenerateError> {
        if made.frames > 0 && counted.taken == Some(0) && counted.dropped == 0 {
            return Err(GenerateError::NobodyTakes {
                iface: self.target.name().to_owned(),
            });
        }
        Ok(())
    }
}

/// What a thread that ended has to say.
fn ended<T>(outcome: Result<T, JoinError>) -> anyhow::Result<T> {
    outcome.context("the generator panicked; this is a bug, please report it")
}

/// The first signal ends it, the second does not wait for that.
fn end_or_quit(stop: &AtomicBool) {
    if stop.swap(true, Ordering::Relaxed) {
        super::live::quit();
    }
}

fn style(args: &GenerateArgs) -> Style {
    match (args.json, args.quiet, io::stdout().is_terminal()) {
        (true, true, _) => Style::JsonTotal,
        (true, false, _) => Style::Json,
        (_, true, _) => Style::Total,
        (.., true) => Style::InPlace,
        (.., false) => Style::Lines,
    }
}
