//! Frames at a given rate into a live capture, over a veth pair between two network namespaces.
//!
//! One CPU sends and receives (the frames of a veth are received where they are sent), the other one
//! runs the worker. Each row is one run; the first is the ceiling, a program that counts and drops. What
//! is lost is shown by place: on the wire, for want of room in the ring, for want of a disk.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT, Sent, Sink};
use capture_tests::netns::Lab;
use capture_tests::program::{self, Program, Signal};
use clap::Parser;
use serde_json::Value;

/// Sends frames into a capture and shows what became of them.
#[derive(Debug, Parser)]
struct Args {
    /// Frames a second; 0 is as fast as it goes.
    #[arg(long, default_value = "2000000")]
    rate: u64,
    /// Seconds of frames at that rate; flat out, of two million a second.
    #[arg(long, default_value = "5")]
    seconds: u64,
    /// Bytes of a frame, without frame check sequence; several make a table for each.
    #[arg(long, value_delimiter = ',', default_value = "64")]
    size: Vec<u32>,
    /// Connections at a time.
    #[arg(long, default_value = "10000")]
    flows: u32,
    /// Frames of a connection.
    #[arg(long, default_value = "12")]
    session_frames: u32,
    /// Which captures: any of ceiling, tap, cutoff (tap with --cutoff 16KiB), tap-write, af-xdp, af-xdp-write,
    /// mirror, mirror-write.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ceiling,tap,tap-write,af-xdp,af-xdp-write,mirror,mirror-write"
    )]
    modes: Vec<String>,
    /// CPU of the worker; the sender has CPU 0.
    #[arg(long, default_value = "1")]
    worker_cpu: usize,
    /// More words for `capture live`.
    #[arg(last = true)]
    more: Vec<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    println!(
        "{:>5} {:<14} {:>10} {:>7} {:>6} {:>10} {:>8} {:>8} {:>8} {:>10} {:>7} {:>8} {:>7} {:>7}  ledger",
        "bytes",
        "mode",
        "sent",
        "Mpps",
        "share",
        "seen",
        "on wire",
        "in ring",
        "to disk",
        "written",
        "CPU s",
        "p99 ms",
        "RSS MiB",
        "steal s"
    );
    for &size in &args.size {
        // Of the last count of the ceiling before it, for the machine's pace changes.
        let mut most = None;
        for mode in &args.modes {
            match mode.as_str() {
                "ceiling" => most = Some(ceiling(&args, size)?),
                mode => capture(&args, mode, size, most)?,
            }
        }
    }
    Ok(())
}

/// A lab in which nobody speaks unasked. What the stack sends by itself (neighbor and router discovery)
/// it may send from the worker's CPU, which then goes on to poll the veth, and the sender overruns it.
fn quiet_lab() -> Result<Lab> {
    let lab = Lab::new()?;
    for host in [&lab.client, &lab.server] {
        host.namespace.enter(|| {
            Ok(std::fs::write(
                "/proc/sys/net/ipv6/conf/all/disable_ipv6",
                "1",
            )?)
        })?;
    }
    Ok(lab)
}

fn send(args: &Args, size: u32, lab: &Lab) -> Result<Sent> {
    lab.client.namespace.enter(|| {
        let settings = GeneratorSettings {
            flows: args.flows,
            session_frames: args.session_frames,
            frame_len: size,
            ..GeneratorSettings::UNPATCHED
        };
        let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
        let (frames, rate) = match args.rate {
            0 => (args.seconds * 2_000_000, None),
            rate => (args.seconds * rate, Some(rate)),
        };
        Ok(generator.send(index(Lab::CLIENT_INTERFACE)?, frames, rate)?)
    })
}

/// The index of an interface of this thread's namespace.
fn index(name: &str) -> Result<u32> {
    let output = Command::new("ip")
        .args(["-j", "link", "show", "dev", name])
        .output()?;
    let links: Value = serde_json::from_slice(&output.stdout)?;
    links[0]["ifindex"]
        .as_u64()
        .and_then(|index| u32::try_from(index).ok())
        .context("no index")
}

/// The most there can be, frames a second.
fn ceiling(args: &Args, size: u32) -> Result<f64> {
    let lab = quiet_lab()?;
    let sink = lab
        .server
        .namespace
        .enter(|| Ok(Sink::attach(OBJECT, Lab::SERVER_INTERFACE)?))?;
    let stolen = stolen_secs()?;
    let sent = send(args, size, &lab)?;
    let stolen = stolen_secs()? - stolen;
    let seen = sink.counters()?.frames;
    println!(
        "{size:>5} {:<14} {:>10} {:>7.3} {:>6} {seen:>10} {:>8} {:>8} {:>8} {:>10} {:>7} {:>8} {:>7} {stolen:>7.2}",
        "count and drop",
        sent.frames,
        sent.rate() / 1e6,
        "1.00",
        sent.frames.saturating_sub(seen),
        "-",
        "-",
        "-",
        "-",
        "-",
        "-",
    );
    Ok(sent.rate())
}

fn capture(args: &Args, mode: &str, size: u32, most: Option<f64>) -> Result<()> {
    let lab = quiet_lab()?;
    let dir = std::env::temp_dir().join(format!("capture-line-rate-{}", std::process::id()));
    let mut command = lab.server.namespace.command(program::locate()?);
    command.args([
        "live",
        "--json",
        "--quiet",
        "--direction",
        "in",
        "--iface",
        Lab::SERVER_INTERFACE,
    ]);
    command.args(["--cpus", &args.worker_cpu.to_string()]);
    if mode.starts_with("tap") || mode.starts_with("af-xdp") {
        command.arg("--tap");
    }
    if mode.starts_with("af-xdp") {
        command.arg("--af-xdp");
    }
    if mode == "cutoff" {
        command.args(["--tap", "--cutoff", "16KiB"]);
    }
    if mode.ends_with("write") {
        command.arg("--write").arg(&dir);
    }
    command.args(&args.more).stdin(Stdio::null());
    let running = Program::start_capturing(&mut command)?;
    let process = running.id();
    let stolen = stolen_secs()?;
    let sent = send(args, size, &lab)?;
    let stolen = stolen_secs()? - stolen;
    let usage = usage(process);
    let ended = running.end_by(Signal::Interrupt)?;
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    ensure!(ended.status.success(), "capture failed: {}", ended.stderr);
    let ledger: Value = ended
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|line: &Value| line["type"] == "ledger")
        .with_context(|| format!("no ledger: {}", ended.stderr))?;
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let kernel = &ledger["kernel"];
    let seen = number(&kernel["packets"]);
    let stage = |whole: &str| {
        let stages = ledger["stages"].as_array()?;
        stages.iter().find(|stage| stage.get(whole).is_some())
    };
    let at_sockets = stage("to sockets").map_or(0, |stage| {
        number(&stage["to sockets"]) - number(&stage["parts"]["delivered"])
    });
    let in_ring = number(&kernel["ring_full"]) + number(&kernel["copy_failed"]) + at_sockets;
    let written = stage("packets to write").map_or_else(
        || "-".to_owned(),
        |stage| stage["parts"]["written"].to_string(),
    );
    let (cpu_secs, resident_mib) = usage?;
    println!(
        "{size:>5} {mode:<14} {:>10} {:>7.3} {:>6} {seen:>10} {:>8} {in_ring:>8} {:>8} {written:>10} {cpu_secs:>7.2} {:>8.3} {resident_mib:>7.0} {stolen:>7.2}  {}",
        sent.frames,
        sent.rate() / 1e6,
        most.map_or_else(
            || "-".to_owned(),
            |most| format!("{:.2}", sent.rate() / most)
        ),
        sent.frames.saturating_sub(seen),
        number(&ledger["lost"]) - in_ring,
        ledger["latency_ns"]["p99"].as_f64().unwrap_or_default() / 1e6,
        if ledger["holds"] == true {
            "closed"
        } else {
            "DOES NOT ADD UP"
        },
    );
    Ok(())
}

/// Time in which the host under this machine ran something else on its CPUs, all together
/// (`proc_stat(5)`): what is lost meanwhile is not the program's doing.
fn stolen_secs() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let ticks = stat
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(8));
    Ok(ticks.context("no steal in /proc/stat")?.parse::<f64>()? / 100.0)
}

/// CPU seconds and resident MiB of a process that runs (`proc_pid_stat(5)`).
fn usage(process: u32) -> Result<(f64, f64)> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or_default()
    };
    let pages = ticks(21);
    Ok((
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
        pages * 4096.0 / f64::from(1 << 20),
    ))
}
