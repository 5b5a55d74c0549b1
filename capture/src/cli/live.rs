//! `capture live`: the control thread of a capture. Signals, the clock, the line a second, the end.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aya_log::EbpfLogger;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::args::{LiveArgs, ReceptionArgs};
use super::control::{Listener, Reply, Request};
use super::printer::{PrintPlan, Printer};
use super::status::{Status, Style};
use super::tracking::Origin;
use super::units::CpuList;
use crate::engine::{Change, LiveCapture, LiveIface, LivePlan, LiveReport, Outputs};
use crate::iface::Selection;
use crate::kernel::{
    CaptureFilter, Delivery, Disposition, Insist, Plan, Reception, Unmatched, Watch,
};
use crate::sink::Overflow;
use crate::sink::flows::{FlowFileOptions, FlowFormat};
use crate::sink::pcapng::Ending;
use crate::source::xsk::{BusyPoll, QueueId, QueueTotals, XskOptions};

/// File names in a `--write` directory.
pub(super) const PACKETS_NAME: &str = "packets.pcapng";
const FLOWS_STEM: &str = "connections";

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
        anyhow::bail!(
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
    /// Ctrl-C, SIGTERM, a closed terminal, `--duration`, `--count`.
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
    let deadline = args.duration.map(|duration| started + duration);
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

/// The plan that the words describe, checked against the machine.
fn plan(args: &LiveArgs) -> anyhow::Result<LivePlan> {
    let disposition = if args.tap {
        Disposition::Tap
    } else {
        Disposition::Mirror
    };
    let insist = if args.force { Insist::Yes } else { Insist::No };
    let watch = args.direction.map(Watch::from);
    if args.tap && watch.is_some_and(|watch| !watch.ingress()) {
        anyhow::bail!("--tap consumes what comes in; it cannot go with --direction out");
    }
    let selection = Selection::parse(&args.iface)?;
    if args.af_xdp && selection.is_open() {
        anyhow::bail!(
            "--af-xdp opens a socket for each queue at the start; name its interfaces instead of any or a pattern"
        );
    }
    if args.af_xdp && watch.is_some_and(Watch::egress) {
        anyhow::bail!(
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
    let workers = args.workers.unwrap_or_else(super::default_workers);
    let thinning = args.thinning.thinning()?;
    if args.af_xdp && thinning.cutoff.is_some() {
        anyhow::bail!(
            "--cutoff tells what it left out through the rings, which --af-xdp does without; leave one of them out"
        );
    }
    let words = args
        .filter
        .clone()
        .unwrap_or_else(|| args.expression.join(" "));
    let filter = super::expression::compile(&words, args.resolve)?;
    let netns = super::ifaces::namespace(args.netns.as_deref())?;
    let mut kernel = netns.enter(|| -> anyhow::Result<_> {
        Ok(Plan {
            selection,
            ifaces: Vec::new(),
            watch,
            ingress: args.hook.into(),
            insist,
            rings: workers,
            ring_bytes: ring_bytes(args.ring_size)?,
            thinning,
            filter,
            reception: reception(args.tap, args.reception),
            disposition,
            unmatched: if args.pass_unmatched {
                Unmatched::Pass
            } else {
                Unmatched::Consume
            },
            delivery: delivery(args),
            seed: super::seed(),
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
        count: args.count,
    })
}

/// A port that is dedicated to capture is there for the frames of others.
pub(super) fn reception(tap: bool, args: ReceptionArgs) -> Reception {
    if args.promiscuous_mode || (tap && !args.no_promiscuous_mode) {
        Reception::Everything
    } else {
        Reception::AsItIs
    }
}

/// Whether workers can run on these CPUs: tried on a thread that ends.
pub(super) fn usable(cpus: &CpuList) -> anyhow::Result<()> {
    for &cpu in &cpus.0 {
        let tried = std::thread::spawn(move || crate::engine::pin(cpu)).join();
        if let Ok(Err(error)) = tried {
            anyhow::bail!(
                "--cpus: CPU {cpu} cannot be used here ({error}); this process may run on {}: taskset -cp $$",
                match super::cpus() {
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
pub(super) fn ring_bytes(wanted: u64) -> anyhow::Result<u32> {
    const SMALLEST: u64 = 1 << 18;
    const LARGEST: u64 = 1 << 30;
    if wanted > LARGEST {
        anyhow::bail!(
            "--ring-size is at most 1GiB; use more --workers, each has a ring of its own"
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
        anyhow::bail!("packets and connection records cannot both go to standard output");
    }
    if to_stdout(&packets) && io::stdout().is_terminal() {
        anyhow::bail!(
            "packets are not written to a terminal; name a file, or pipe them into another program"
        );
    }
    if let Some(path) = &packets {
        warn_of_name(path);
    }
    let existing = super::existing(args.overwrite);
    let flows = flows
        .map(|path| -> anyhow::Result<_> {
            let options = super::flows::options(path, args.format, args.partition)?;
            Ok(FlowFileOptions {
                existing,
                overflow: Overflow::Drop,
                ..options
            })
        })
        .transpose()?;
    let rotation = args.rotation.rotation()?;
    if rotation.is_some() {
        if packets.is_none() {
            anyhow::bail!("-b begins new packet files; name them with -w FILE or --write DIR");
        }
        if to_stdout(&packets) {
            anyhow::bail!("-b begins new files; standard output is one, name a file with -w");
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
fn flows_name(format: Option<super::args::Format>) -> String {
    let format = format.map_or(FlowFormat::Csv, FlowFormat::from);
    format!("{FLOWS_STEM}.{}", format.ending())
}

fn uses_stdout(outputs: &Outputs) -> bool {
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

/// The ledger, and what went wrong.
fn print_report(
    args: &LiveArgs,
    report: &LiveReport,
    writes_to_stdout: bool,
) -> anyhow::Result<ExitCode> {
    let text = if args.json {
        json_report(report).to_string() + "\n"
    } else {
        text_report(report)
    };
    let mut out: Box<dyn Write> = if writes_to_stdout {
        Box::new(io::stderr())
    } else {
        Box::new(io::stdout())
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;

    let mut code = ExitCode::SUCCESS;
    let LiveReport {
        ledger,
        packets,
        flows,
        ..
    } = report;
    let mut reader_gone = report
        .printed
        .as_ref()
        .is_some_and(|printed| matches!(printed.ending, Ending::ReaderGone));
    if let Some(file) = packets {
        match &file.ending {
            Ending::Complete => {}
            Ending::Failed(error) => {
                super::complain(&format!(
                    "{error}; the {} packets before that are in it, {} are missing",
                    file.written, file.unwritten_disk
                ));
                code = ExitCode::FAILURE;
            }
            Ending::ReaderGone => reader_gone = true,
        }
    }
    if let Some(file) = flows {
        reader_gone |= file.reader_gone;
        if super::flows::complain_of(file) {
            code = ExitCode::FAILURE;
        }
    }
    if !reader_gone && !ledger.holds() {
        super::complain(
            "the ledger does not add up; this is a bug, please report it with the lines above",
        );
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

fn text_report(report: &LiveReport) -> String {
    use std::fmt::Write as _;
    let LiveReport {
        ledger,
        last,
        latency,
        packets,
        flows,
        ifaces,
        refused,
        queues,
        ..
    } = report;
    let mut text = String::new();
    // Writing to a string does not fail, in all of these.
    let _infallible = write!(text, "\nloss ledger (packets)\n{ledger}");
    for line in super::ifaces::losses(ifaces, *refused) {
        let _infallible = writeln!(text, "  {line}");
    }
    if ledger.lost() == 0 {
        text.push_str("  nothing was lost\n");
    } else {
        let _infallible = writeln!(text, "  {} packets were lost", ledger.lost());
    }
    if let Some(left_out) = report.ledger.printed.filter(|_| packets.is_some())
        && left_out.overflowed > 0
    {
        let _infallible = writeln!(
            text,
            "  {} packets are in the file and were not printed: who takes what is printed is too slow",
            left_out.overflowed
        );
    }
    for change in &report.changes {
        let _infallible = writeln!(text, "  at {} {}", change.ts, change.text);
    }
    let k = &last.kernel;
    let _infallible = writeln!(
        text,
        "\nkernel   {} bytes  IPv4 {}  IPv6 {}  ARP {}  TCP {}  UDP {}  ICMP {}  SYN {}  SYN-ACK {}  FIN {}  RST {}",
        k.bytes, k.ipv4, k.ipv6, k.arp, k.tcp, k.udp, k.icmp, k.syn, k.syn_ack, k.fin, k.rst
    );
    let s = &ledger.shards;
    let _infallible = writeln!(
        text,
        "flows    {} record{}",
        s.records,
        if s.records == 1 { "" } else { "s" },
    );
    for note in super::thinning::notes(k, s) {
        let _infallible = writeln!(text, "  {note}");
    }
    for note in super::tracking::notes(s) {
        let _infallible = writeln!(text, "  {note}");
    }
    for (id, queue) in queues {
        let s = &queue.statistics;
        let _infallible = writeln!(
            text,
            "af_xdp   {id}: {} delivered, {} behind, rx dropped {}, rx ring full {}, fill ring empty {}, \
             invalid {} rx {} tx, tx ring empty {}",
            queue.delivered,
            queue.behind,
            s.rx_dropped,
            s.rx_ring_full,
            s.rx_fill_ring_empty_descs,
            s.rx_invalid_descs,
            s.tx_invalid_descs,
            s.tx_ring_empty_descs,
        );
    }
    if let (Some(p50), Some(p99), Some(p999), Some(max)) = (
        latency.quantile(0.5),
        latency.quantile(0.99),
        latency.quantile(0.999),
        latency.max(),
    ) {
        let ms = |span: crate::packet::Span| span.as_secs_f64() * 1_000.0;
        let _infallible = writeln!(
            text,
            "latency  kernel to worker: p50 {:.3} ms  p99 {:.3} ms  p99.9 {:.3} ms  max {:.3} ms",
            ms(p50),
            ms(p99),
            ms(p999),
            ms(max)
        );
    }
    if let (Some(file), Some(path)) = (packets, &report.packets_path) {
        let place = match &file.series {
            None => path.display().to_string(),
            Some(series) => super::rotation::place(series),
        };
        let _infallible = writeln!(
            text,
            "packets  {} in {place} ({} bytes)",
            file.written, file.bytes
        );
    }
    if let Some(file) = flows {
        let _infallible = writeln!(text, "records  {} in {}", file.written, file.path.display());
    }
    text
}

fn json_report(report: &LiveReport) -> serde_json::Value {
    let LiveReport {
        ledger,
        last,
        latency,
        ifaces,
        refused,
        queues,
        ..
    } = report;
    let mut json = ledger.to_json();
    let k = &last.kernel;
    let ns = |share: f64| latency.quantile(share).map(|span| span.0);
    let missed: serde_json::Map<_, _> = ifaces
        .iter()
        .map(|iface| (iface.name.clone(), serde_json::json!(iface.missed)))
        .collect();
    if let Some(object) = json.as_object_mut() {
        object.insert(
            "kernel".to_owned(),
            serde_json::json!({
                "packets": k.packets, "bytes": k.bytes, "ipv4": k.ipv4, "ipv6": k.ipv6, "arp": k.arp,
                "other_net": k.other_net, "tcp": k.tcp, "udp": k.udp, "icmp": k.icmp,
                "other_transport": k.other_transport, "fragments": k.fragments, "syn": k.syn,
                "syn_ack": k.syn_ack, "fin": k.fin, "rst": k.rst, "malformed": k.malformed,
                "filtered": k.filtered, "sampled": k.sampled, "cut": k.cut, "ring_full": k.ring_full,
                "copy_failed": k.copy_failed, "no_socket": k.no_socket, "delivered": k.delivered,
                "delivered_bytes": k.delivered_bytes, "snapped": k.snapped,
                "cut_evicted": k.cut_evicted, "cut_unfollowed": k.cut_unfollowed,
            }),
        );
        object.insert(
            "latency_ns".to_owned(),
            serde_json::json!({
                "p50": ns(0.5), "p99": ns(0.99), "p999": ns(0.999), "max": latency.max().map(|span| span.0),
            }),
        );
        object.insert(
            "flows_evicted".to_owned(),
            ledger.shards.flows_evicted.into(),
        );
        object.insert("iface_missed".to_owned(), missed.into());
        let ifaces: Vec<_> = ifaces.iter().map(super::ifaces::report_json).collect();
        object.insert("interfaces".to_owned(), ifaces.into());
        object.insert("interfaces_refused".to_owned(), (*refused).into());
        if !queues.is_empty() {
            let queues: Vec<_> = queues.iter().map(queue_json).collect();
            object.insert("af_xdp".to_owned(), queues.into());
        }
        object.insert("changes".to_owned(), changes_json(&report.changes));
    }
    json
}

/// One queue, with the names of `struct xdp_statistics`.
fn queue_json((id, queue): &(QueueId, QueueTotals)) -> serde_json::Value {
    let s = &queue.statistics;
    serde_json::json!({
        "iface": id.iface_name, "queue": id.queue, "zero_copy": queue.zero_copy,
        "delivered": queue.delivered, "behind": queue.behind,
        "rx_dropped": s.rx_dropped, "rx_invalid_descs": s.rx_invalid_descs,
        "tx_invalid_descs": s.tx_invalid_descs, "rx_ring_full": s.rx_ring_full,
        "rx_fill_ring_empty_descs": s.rx_fill_ring_empty_descs,
        "tx_ring_empty_descs": s.tx_ring_empty_descs,
    })
}
