//! Packets of a capture file as text, against tshark, by wall time: the list, and ten fields of TCP.
//! Runs in turn, so that what else the machine does falls on both; what both print is compared first.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

/// Compares the time from a capture file to text.
#[derive(Debug, Parser)]
struct Args {
    /// A capture file; made if it is not there, of 83,334 connections and a million packets.
    file: PathBuf,
    /// Runs of each.
    #[arg(long, default_value = "5")]
    runs: usize,
    /// The program under test.
    #[arg(long, default_value = "target/release/capture")]
    program: PathBuf,
    /// The program that makes the file.
    #[arg(long, default_value = "target/release/sessions")]
    sessions: PathBuf,
    /// Both give addresses and ports their names, as they do by themselves; else both get -n.
    #[arg(long)]
    names: bool,
    /// Only the comparison of what both print.
    #[arg(long)]
    compare: bool,
}

/// Connections of 12 packets that make a million.
const CONNECTIONS: &str = "83334";

/// The fields that are asked for.
const FIELDS: [&str; 10] = [
    "frame.number",
    "ip.src",
    "ip.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq",
    "tcp.ack",
    "tcp.len",
    "tcp.flags",
    "tcp.window_size",
];

fn main() -> Result<()> {
    let args = Args::parse();
    if !args.file.exists() {
        let mut make = Command::new(&args.sessions);
        make.arg(&args.file).args(["--connections", CONNECTIONS]);
        time(&mut make, Stdio::null())?;
    }
    // The file lies in memory for both.
    fs::read(&args.file)?;
    let mut fields = vec!["-T", "fields"];
    for field in FIELDS {
        fields.extend(["-e", field]);
    }
    let mut ratios = Vec::new();
    for (what, options) in [("list", &[][..]), ("ten fields", &fields)] {
        let lines = compare(&args, options)?;
        println!("{what}: {lines} lines, the same of both");
        if args.compare {
            continue;
        }
        let mut times = [Vec::new(), Vec::new()];
        for run in 1..=args.runs {
            let capture = time(&mut ours(&args, options), Stdio::null())?;
            let tshark = time(&mut theirs(&args, options), Stdio::null())?;
            println!(
                "{what}, run {run}: capture {:.3} s, tshark {:.3} s",
                capture.as_secs_f64(),
                tshark.as_secs_f64()
            );
            times[0].push(capture);
            times[1].push(tshark);
        }
        let [capture, tshark] = times.map(|times| median(times).as_secs_f64());
        ratios.push(format!(
            "{what:<12} {capture:>10.3} {tshark:>10.3} {:>8.1}",
            tshark / capture
        ));
    }
    if !args.compare {
        println!(
            "{:<12} {:>10} {:>10} {:>8}",
            "", "capture s", "tshark s", "times"
        );
        println!("{}", ratios.join("\n"));
    }
    Ok(())
}

fn ours(args: &Args, options: &[&str]) -> Command {
    let mut command = Command::new(&args.program);
    command.arg("read").arg(&args.file).args(options);
    command.args((!args.names).then_some("-n"));
    command
}

fn theirs(args: &Args, options: &[&str]) -> Command {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&args.file).args(options);
    command.args((!args.names).then_some("-n"));
    command
}

/// How many lines both print; they must be the same.
fn compare(args: &Args, options: &[&str]) -> Result<u64> {
    let folder = args.file.parent().unwrap_or_else(|| Path::new("."));
    let paths = ["capture", "tshark"].map(|name| folder.join(format!("against-tshark.{name}")));
    let [our_path, their_path] = &paths;
    time(&mut ours(args, options), File::create(our_path)?.into())?;
    time(&mut theirs(args, options), File::create(their_path)?.into())?;
    let mut readers = [
        BufReader::new(File::open(our_path)?),
        BufReader::new(File::open(their_path)?),
    ];
    let mut number = 0;
    loop {
        let [ours, theirs] = &mut readers;
        let (mut our_line, mut their_line) = (Vec::new(), Vec::new());
        ours.read_until(b'\n', &mut our_line)?;
        theirs.read_until(b'\n', &mut their_line)?;
        if our_line.is_empty() && their_line.is_empty() {
            break;
        }
        number += 1;
        ensure!(
            our_line == their_line,
            "line {number} differs:\ncapture: {}\ntshark:  {}",
            String::from_utf8_lossy(&our_line).trim_end(),
            String::from_utf8_lossy(&their_line).trim_end()
        );
    }
    for path in paths {
        fs::remove_file(path)?;
    }
    Ok(number)
}

/// How long a command runs; it must succeed.
fn time(command: &mut Command, output: Stdio) -> Result<Duration> {
    let begun = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
    let output = child.wait_with_output()?;
    let time = begun.elapsed();
    ensure!(
        output.status.success(),
        "{}: {}",
        command.get_program().to_string_lossy(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(time)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
