//! `capture live`: the control thread of a capture. Signals, the clock, the line a second, the end.
//!
//! - `plan.rs` what the words ask for
//! - `report.rs` what is said in the end

mod plan;
mod report;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aya_log::EbpfLogger;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use self::plan::{plan, uses_stdout};
pub(super) use self::plan::{reception, ring_bytes, usable};
use self::report::print_report;
use super::args::LiveArgs;
use super::control::{Listener, Reply, Request};
use super::printer::{PrintPlan, Printer};
use super::status::{Status, Style};
use crate::cli::misuse::misuse;
use crate::engine::{Change, LiveCapture, LiveIface, LivePlan};
use crate::kernel::{CaptureFilter, Delivery};

/// Name of the packet file in a `--write` directory.
pub(super) const PACKETS_NAME: &str = "packets.pcapng";

/// Exit code after a second Ctrl-C, as shells have it: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Captures until something ends it, and accounts for every packet.
pub(super) fn run(args: &LiveArgs) -> anyhow::Result<ExitCode> {
    if args.list_interfaces {
        return super::ifaces::list(args);
    }
    let print = PrintPlan::new(args)?;
    let plan = plan(args)?;
    if print.is_some() && uses_stdout(&plan.outputs) {
        misuse!(
            "what is printed and what is written cannot both go to standard output; write to a file, or leave out --print and -z"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the control thread")?;
    runtime.block_on(control(args, plan, print))
}

/// Why a capture ends.
enum End {
    /// Ctrl-C, SIGTERM, a closed terminal, `--duration`, `--count`, `-a`.
    Asked,
    /// All interfaces are gone.
    Vanished(String),
    /// Whoever read the line a second went away.
    ReaderGone,
    /// Whoever read the printed packets did.
    PrinterGone,
}

async fn control(
    args: &LiveArgs,
    mut plan: LivePlan,
    print: Option<PrintPlan>,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut control = listen(args)?;
    let hook = plan.kernel.ingress;
    let writes_to_stdout = uses_stdout(&plan.outputs) || print.is_some();
    let prints = print.as_ref().is_some_and(PrintPlan::prints);
    let printer = match print {
        None => None,
        Some(print) => {
            let (printer, pipe) = print.start()?;
            plan.print = Some(pipe);
            Some(printer)
        }
    };
    let mut capture = LiveCapture::start(plan)?;
    for line in super::ifaces::lines(&capture.follow_ifaces()?) {
        super::tell(&line);
    }
    if let Some(line) = super::ifaces::generic_mode(&capture, hook) {
        super::tell(&line);
    }
    for line in capture.socket_lines() {
        super::tell(line);
    }
    let mut kernel_log = args.verbose.then(|| kernel_log(&mut capture)).flatten();
    // Before anybody is told: what is sent from then on is in the rates.
    let first = capture.snapshot()?;
    super::tell(&format!("capturing on {}; Ctrl-C ends", describe(&capture)));

    let style = match style(args, writes_to_stdout) {
        // It would stand between the packets.
        Style::InPlace | Style::Lines if prints => Style::Quiet,
        style => style,
    };
    // What goes to standard output is for a program then, and the line goes beside it.
    let out: Box<dyn Write> = if writes_to_stdout {
        Box::new(io::stderr())
    } else {
        Box::new(io::stdout())
    };
    let mut status = Status::new(style, out, first);
    let end = watch(
        args,
        &mut capture,
        &mut status,
        printer.as_ref(),
        &mut signals,
        &mut control,
        &mut kernel_log,
    )
    .await?;
    drop(control);
    let reader_gone = matches!(end, End::ReaderGone);
    if !reader_gone {
        drop(status.end());
    }

    // Draining takes as long as the disk needs; a second Ctrl-C does not wait for it.
    let mut stopping = tokio::task::spawn_blocking(move || {
        let report = capture.stop();
        // The capture has closed the pipe.
        (report, printer.map(Printer::finish).transpose())
    });
    let (report, printed) = tokio::select! {
        ended = &mut stopping => ended.context("the capture could not be ended")?,
        () = signals.any() => quit(),
    };
    let report = report?;
    if reader_gone {
        return Ok(ExitCode::SUCCESS);
    }
    let mut code = print_report(args, &report, writes_to_stdout)?;
    match printed {
        Ok(Some(summary)) if !args.json && prints => super::tell(&format!(
            "printed  {} of {} packets",
            summary.shown, summary.frames
        )),
        Ok(_) => {}
        Err(error) if super::is_broken_pipe(&error) => {}
        Err(error) => return Err(error),
    }
    if let End::Vanished(name) = end {
        super::complain(&format!("{name} is gone; the capture ended with it"));
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

#[expect(
    clippy::exit,
    reason = "a second Ctrl-C means now; the kernel detaches what this process holds"
)]
pub(super) fn quit() -> ! {
    std::process::exit(INTERRUPTED)
}

/// Runs until something ends the capture.
async fn watch(
    args: &LiveArgs,
    capture: &mut LiveCapture,
    status: &mut Status,
    printer: Option<&Printer>,
    signals: &mut Signals,
    control: &mut Listener,
    kernel_log: &mut Option<EbpfLogger<&'static dyn log::Log>>,
) -> anyhow::Result<End> {
    /// How often it is looked whether `--count` is reached, what the programs report, and whether
    /// interfaces came: what is sent on them before is not captured.
    const LOOK: Duration = Duration::from_millis(10);
    let started = Instant::now();
    let duration = [args.duration, args.rotation.duration()];
    let deadline = duration.into_iter().flatten().min();
    let deadline = deadline.map(|duration| started + duration);
    let mut second = every(Duration::from_secs(1));
    let mut look = every(LOOK);
    loop {
        tokio::select! {
            () = signals.any() => return Ok(End::Asked),
            Some((request, reply)) = control.next() => {
                if request == Request::Stop {
                    reply.done();
                    return Ok(End::Asked);
                }
                let changes = capture.changes().len();
                serve(capture, status, request, reply)?;
                if capture.changes().len() > changes && let Some(old) = kernel_log {
                    old.flush();
                    // The programs are others now, with a log of their own.
                    *kernel_log = self::kernel_log(capture).or_else(|| kernel_log.take());
                }
            }
            () = sleep_until(deadline.unwrap_or(started)), if deadline.is_some() => return Ok(End::Asked),
            _ = look.tick() => {
                if let Some(kernel_log) = kernel_log {
                    kernel_log.flush();
                }
                if let Some(end) = follow(capture, status)? {
                    return Ok(end);
                }
                if capture.is_done() {
                    return Ok(End::Asked);
                }
                if capture.is_printer_gone() || printer.is_some_and(Printer::is_finished) {
                    return Ok(End::PrinterGone);
                }
            }
            _ = second.tick() => {
                if let Some(step_ns) = capture.follow_clock() {
                    log::warn!("the clock was set by {} ms; timestamps follow it", step_ns / 1_000_000);
                }
                match status.show(capture.snapshot()?) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        return Ok(End::ReaderGone);
                    }
                    // A log that is full is no reason to lose packets.
                    Err(error) => {
                        super::complain(&format!(
                            "the line a second cannot be written any more: {error}; the capture goes on"
                        ));
                        status.silence();
                    }
                }
            }
        }
    }
}

/// Where `capture ctl` is heard. Only a place that was asked for has to be had.
fn listen(args: &LiveArgs) -> anyhow::Result<Listener> {
    if args.no_control {
        return Ok(Listener::none());
    }
    match Listener::listen(args.control.as_deref()) {
        Err(error) if args.control.is_none() => {
            log::warn!("{error:#}");
            Ok(Listener::none())
        }
        listening => listening,
    }
}

/// Does what was asked for, and answers.
fn serve(
    capture: &mut LiveCapture,
    status: &mut Status,
    request: Request,
    reply: Reply,
) -> anyhow::Result<()> {
    match request {
        Request::Status => {
            reply.answer(json_status(capture)?);
            Ok(())
        }
        // Ends the loop that this is called from.
        Request::Stop => {
            reply.done();
            Ok(())
        }
        Request::Filter {
            expression,
            resolve,
        } => {
            let expression = expression.unwrap_or_default();
            let changed = super::expression::compile(&expression, resolve)
                .and_then(|filter| Ok(capture.set_filter(filter)?));
            answer(capture, status, reply, changed)
        }
        Request::Sample { sampling, control } => {
            let changed = capture.set_sampling(sampling, control);
            answer(capture, status, reply, changed.map_err(anyhow::Error::from))
        }
    }
}

/// Says whether the capture was changed, here and to whoever asked.
fn answer(
    capture: &LiveCapture,
    status: &mut Status,
    reply: Reply,
    changed: anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Err(error) = changed {
        reply.refuse(&format!("{error:#}"));
        return Ok(());
    }
    status.end()?;
    if let Some(change) = capture.changes().last() {
        super::tell(&change.text);
    }
    reply.done();
    Ok(())
}

/// What `capture ctl status` shows.
fn json_status(capture: &LiveCapture) -> anyhow::Result<serde_json::Value> {
    let snapshot = capture.snapshot()?;
    let kernel = &snapshot.kernel;
    let captured = capture.ifaces().filter(|iface| iface.is_captured());
    let names: Vec<_> = captured.map(LiveIface::name).collect();
    Ok(serde_json::json!({
        "ok": true,
        "pid": std::process::id(),
        "interfaces": names,
        "started": capture.started().to_string(),
        "filter": capture.filter().map(CaptureFilter::text),
        "copied": match capture.plan().kernel.thinning.to_string() {
            words if words.is_empty() => "everything".to_owned(),
            words => words,
        },
        "changes": changes_json(capture.changes()),
        "packets": kernel.packets,
        "bytes": kernel.bytes,
        "filtered": kernel.filtered,
        "delivered": kernel.delivered,
        "drops": snapshot.drops,
    }))
}

fn changes_json(changes: &[Change]) -> serde_json::Value {
    changes
        .iter()
        .map(|change| serde_json::json!({"time": change.ts.to_string(), "what": change.text}))
        .collect()
}

pub(super) fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    interval
}

/// Follows interfaces that come and go, and tells of them.
fn follow(capture: &mut LiveCapture, status: &mut Status) -> anyhow::Result<Option<End>> {
    let events = capture.follow_ifaces()?;
    if let Some(names) = capture.all_gone() {
        return Ok(Some(End::Vanished(names)));
    }
    if !events.is_empty() {
        status.make_way();
    }
    for line in super::ifaces::lines(&events) {
        super::tell(&line);
    }
    Ok(None)
}

/// What ends a capture from outside.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    pub(super) async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

fn style(args: &LiveArgs, writes_to_stdout: bool) -> Style {
    let terminal = if writes_to_stdout {
        io::stderr().is_terminal()
    } else {
        io::stdout().is_terminal()
    };
    match (args.quiet, args.json, terminal) {
        (true, ..) => Style::Quiet,
        (_, true, _) => Style::Json,
        (.., true) => Style::InPlace,
        (.., false) => Style::Lines,
    }
}

/// What is said of a capture when it starts.
fn describe(capture: &LiveCapture) -> String {
    let plan = capture.plan();
    let workers = plan.kernel.rings;
    let from = match plan.kernel.delivery {
        Delivery::Rings => "a ring",
        Delivery::Sockets(_) => "AF_XDP frames",
    };
    let mut thinning = plan.kernel.thinning.to_string();
    if !thinning.is_empty() {
        thinning.insert_str(0, ", ");
    }
    let text = format!(
        "{}{thinning}, {workers} worker{} with {from} of {} MiB{}",
        super::ifaces::described(plan, capture),
        if workers == 1 { "" } else { "s" },
        plan.kernel.ring_bytes as f64 / f64::from(1 << 20),
        if workers == 1 { "" } else { " each" },
    );
    match &plan.kernel.filter {
        Some(filter) => format!("{text}, filter: {}", filter.text()),
        None => text,
    }
}

/// Passes on what the programs in the kernel report; they only do with `--verbose`.
fn kernel_log(capture: &mut LiveCapture) -> Option<EbpfLogger<&'static dyn log::Log>> {
    EbpfLogger::init(capture.kernel_mut().ebpf_mut())
        .inspect_err(|error| log::warn!("the programs' reports cannot be read: {error}"))
        .ok()
}
