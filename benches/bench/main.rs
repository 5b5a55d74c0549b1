//! What `cargo xtask bench` runs: measures captures, programs that read files, and the flow table, and says it as
//! tables, as `report.json` and as a page.
//!
//! What decides without a kernel is apart from what needs one, so that it can be tested:
//!
//! - `options.rs` what can be typed; `plan.rs` what follows from it
//! - `search.rs` the highest rate without loss
//! - `receiver.rs` who captures, and a trial with each; `peer/` the captures of others; `ledger.rs` what ours
//!   says; `frames.rs` the wire
//! - `live.rs`, `through.rs`, `offline.rs`, `flow_table.rs` the parts
//! - `process.rs`, `child.rs`, `machine.rs` what is asked of the system
//! - `report/` what is told

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables and progress are what this program is for"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "rates do not need the 54th bit, and none is negative"
)]

mod child;
mod flow_table;
mod frames;
mod ledger;
mod live;
mod machine;
mod offline;
mod options;
mod peer;
mod plan;
mod process;
mod receiver;
mod report;
mod search;
mod through;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use capture_tests::oracle::output;
use clap::Parser;

use crate::frames::SESSION_FRAMES;
use crate::options::{Options, Part};
use crate::plan::Plan;
use crate::process::CpuTimes;
use crate::receiver::Setting;
use crate::report::{Report, Run, goals, page, tables};

/// Measures; started by `cargo xtask bench`.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
    /// Revision of the sources, for the report.
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let options = &args.options;
    let directory = options
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from("target/bench"));
    fs::create_dir_all(&directory).with_context(|| format!("making {}", directory.display()))?;
    let mut report = match &options.from {
        Some(file) => {
            let text =
                fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            Report::from_json(&text).with_context(|| file.display().to_string())?
        }
        None => measure(args, &directory)?,
    };
    report.goals = goals::goals(&report);
    for grid in tables::tables(&report) {
        println!(
            "{}",
            if options.markdown {
                grid.markdown()
            } else {
                grid.text()
            }
        );
    }
    write(&report, &directory)?;
    for name in [JSON, PAGE] {
        eprintln!("{}", directory.join(name).display());
    }
    hand_over(&directory)
}

/// All that was found.
const JSON: &str = "report.json";
/// The same to look at.
const PAGE: &str = "report.html";

fn write(report: &Report, directory: &Path) -> Result<()> {
    for (name, text) in [(JSON, report.to_json()?), (PAGE, page::page(report))] {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Gives the files to who called sudo, so that `cargo clean` still works.
fn hand_over(directory: &Path) -> Result<()> {
    let id = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    let (Some(user), Some(group)) = (id("SUDO_UID"), id("SUDO_GID")) else {
        return Ok(());
    };
    use std::os::unix::fs::chown;
    chown(directory, Some(user), Some(group))?;
    for entry in fs::read_dir(directory)? {
        chown(entry?.path(), Some(user), Some(group))?;
    }
    Ok(())
}

/// Measures one part after the other. One that fails is a remark and leaves the others; after each of them the
/// report is written, so that an interruption costs no more than one.
fn measure(args: &Args, directory: &Path) -> Result<Report> {
    let plan = Plan::new(&args.options)?;
    // Peers and `capture` may run elsewhere than here.
    let directory = &fs::canonicalize(directory)?;
    let begun = Instant::now();
    let times = CpuTimes::now(plan.sender_cpu)?;
    let run = Run {
        date: machine::date()?,
        revision: args.revision.clone(),
        command: command(),
        load: machine::load(),
        quick: args.options.quick,
        sender_cpu: plan.sender_cpu,
        worker_cpu: plan.worker_cpu,
        rate_pps: plan.effort.rate,
        flows: plan.flows,
        session_frames: SESSION_FRAMES,
        buffer_bytes: plan.buffer_bytes,
        ..Run::default()
    };
    let mut report = Report::new(machine::machine(directory, programs()), run);
    let told = &mut |line: &str| eprintln!("[{:>5.0} s] {line}", begun.elapsed().as_secs_f64());
    let scratch = &directory.join("scratch");
    let mut parts = 0;
    let mut failures = Vec::new();
    let mut part = |report: &mut Report, work: &mut dyn FnMut(&mut Report) -> Result<()>| {
        parts += 1;
        if let Err(error) = work(report) {
            eprintln!("error: {error:#}");
            report.remarks.push(format!("{error:#}"));
            failures.push(error);
        }
        if scratch.exists() {
            fs::remove_dir_all(scratch)?;
        }
        report.run.seconds = begun.elapsed().as_secs_f64();
        let now = CpuTimes::now(plan.sender_cpu)?;
        report.run.stolen_seconds = now.since(times).stolen_seconds;
        report.goals = goals::goals(report);
        write(report, directory)
    };
    if args.options.wants(Part::Live) {
        let setting = Setting {
            program: sibling("capture")?,
            scratch: scratch.clone(),
            sender_cpu: plan.sender_cpu,
            worker_cpu: plan.worker_cpu,
            buffer_bytes: plan.buffer_bytes,
        };
        for len in &plan.lens {
            part(&mut report, &mut |report| {
                let traffic = plan.traffic(*len);
                let (size, remarks) =
                    live::size(traffic, &plan.receivers, &setting, &plan.effort, told)?;
                report.live.push(size);
                report.remarks.extend(remarks);
                Ok(())
            })?;
        }
        if plan.effort.rate.is_none() {
            part(&mut report, &mut |report| {
                let traffic = plan.traffic(plan.through_len);
                let load = (plan.effort.seconds, plan.through_runs);
                report.through = through::through(traffic, &plan.receivers, &setting, load, told)?;
                Ok(())
            })?;
        }
    }
    if args.options.wants(Part::Offline) {
        let setting = offline::Setting {
            program: sibling("capture")?,
            sessions: sibling("sessions")?,
            file: args.options.file.clone(),
            connections: plan.connections,
            runs: plan.runs,
            scratch: scratch.clone(),
        };
        part(&mut report, &mut |report| {
            let (offline, remarks) = offline::offline(&setting, told)?;
            report.offline = Some(offline);
            report.remarks.extend(remarks);
            Ok(())
        })?;
    }
    if args.options.wants(Part::FlowTable) {
        let program = sibling("flow-table")?;
        part(&mut report, &mut |report| {
            report.flow_table =
                flow_table::flow_table(&program, &plan.table, plan.table_packets, told)?;
            Ok(())
        })?;
    }
    match failures.pop() {
        Some(error) if failures.len() + 1 == parts => Err(error),
        _ => Ok(report),
    }
}

/// What was typed, as it is typed again.
fn command() -> String {
    let mut words = vec!["cargo xtask bench".to_owned()];
    let mut typed = std::env::args().skip(1);
    while let Some(word) = typed.next() {
        // The task adds these two by itself.
        if matches!(word.as_str(), "--revision" | "--output") {
            typed.next();
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

/// A program that was built with this one.
fn sibling(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this program lies")?;
    let path = own.with_file_name(name);
    anyhow::ensure!(
        path.is_file(),
        "no {name} beside {}: cargo xtask bench builds it",
        own.display()
    );
    Ok(path)
}

/// Versions of the programs of others that are installed.
fn programs() -> BTreeMap<String, String> {
    let all = [
        ("tcpdump", "--version"),
        ("dumpcap", "--version"),
        ("netsniff-ng", "--version"),
        ("argus", "-h"),
        ("softflowd", "-h"),
        ("tcptrace", "-v"),
        ("nfpcapd", "-V"),
        ("tshark", "--version"),
    ];
    all.into_iter()
        .filter(|(name, _)| capture_tests::oracle::is_installed(name))
        .map(|(name, flag)| {
            let version = machine::version(Path::new(name), flag).or_else(|| packaged(name));
            (
                name.to_owned(),
                version.unwrap_or_else(|| "of unknown version".to_owned()),
            )
        })
        .collect()
}

/// What Debian's package manager says of the package that a program came in.
fn packaged(name: &str) -> Option<String> {
    use std::process::Command;
    let path = output(Command::new("which").arg(name)).ok()?;
    let owner = output(Command::new("dpkg").args(["-S", path.trim()])).ok()?;
    let package = owner.split(':').next()?;
    let version =
        output(Command::new("dpkg-query").args(["-W", "-f", "${Version}", package])).ok()?;
    Some(version).filter(|version| !version.is_empty())
}
