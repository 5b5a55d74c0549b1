//! A capture file to connection records, against argus, by wall time: runs in turn, so that what else
//! the machine does falls on both.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

/// Compares the time from a capture file to connection records.
#[derive(Debug, Parser)]
struct Args {
    /// A capture file; made if it is not there, of 400,000 connections and 4.8 million packets.
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
    /// Ending of the file of records.
    #[arg(long, default_value = "parquet")]
    format: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if !args.file.exists() {
        time(Command::new(&args.sessions).arg(&args.file))?;
    }
    let folder = args.file.parent().unwrap_or_else(|| Path::new("."));
    let ours = folder.join(format!("against-argus.{}", args.format));
    let theirs = folder.join("against-argus.argus");
    // The file lies in memory for both.
    fs::read(&args.file)?;
    let mut times = [Vec::new(), Vec::new()];
    for run in 1..=args.runs {
        let capture = time(
            Command::new(&args.program)
                .arg("flows")
                .arg(&args.file)
                .args(["--overwrite", "-o"])
                .arg(&ours),
        )?;
        // argus adds to a file that exists.
        fs::remove_file(&theirs).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let argus = time(
            Command::new("argus")
                .arg("-r")
                .arg(&args.file)
                .arg("-w")
                .arg(&theirs),
        )?;
        println!(
            "run {run}: capture {:.3} s, argus {:.3} s",
            capture.as_secs_f64(),
            argus.as_secs_f64()
        );
        times[0].push(capture);
        times[1].push(argus);
    }
    let [capture, argus] = times.map(median);
    println!(
        "{:<10} {:>10} {:>12}\n{:<10} {:>10.3} {:>12}\n{:<10} {:>10.3} {:>12}",
        "",
        "median s",
        "output bytes",
        "capture",
        capture.as_secs_f64(),
        fs::metadata(&ours)?.len(),
        "argus",
        argus.as_secs_f64(),
        fs::metadata(&theirs)?.len(),
    );
    println!(
        "capture is {:.1} times as fast",
        argus.as_secs_f64() / capture.as_secs_f64()
    );
    fs::remove_file(&ours)?;
    fs::remove_file(&theirs)?;
    Ok(())
}

/// How long a command runs; it must succeed.
fn time(command: &mut Command) -> Result<Duration> {
    let begun = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
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
