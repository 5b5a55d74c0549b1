//! `cargo xtask test`: every test that the machine can run, and one line that counts them all, those
//! that could not run included.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::{env, fs};

use anyhow::{Context as _, Result};
use capture_tests::netns::Namespace;
use capture_tests::oracle::{SHARED, SKIPS};

use crate::ci::Verdict;
use crate::oracle;
use crate::summary::Counts;
use crate::workspace::{cargo, find_program, is_root, output, run, shown, target, tool_folders};

/// What to do about the tests that need root and network namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    /// Run them where the machine allows it.
    WherePossible,
    /// Do not.
    LeaveOut,
}

/// Everything that has tests; the eBPF package builds for another target only.
const EVERYTHING: [&str; 3] = ["--workspace", "--exclude", "capture-ebpf"];
const LIVE_SUITE: [&str; 6] = [
    "--package",
    "capture-tests",
    "--features",
    "generator",
    "--test",
    "live",
];

/// Runs everything and prints the counts as the last line.
pub(crate) fn test(live: Live) -> Result<Counts> {
    run(cargo().args(["build", "--package", "capture", "--bin", "capture"]))?;
    let skips = target()?.join("skipped-tests");
    fs::write(&skips, "").with_context(|| format!("writing {}", skips.display()))?;

    let runner = Runner::find()?;
    let mut counts = Counts::default();
    counts += runner.run("default", &EVERYTHING, &skips)?;
    let mut documentation = cargo();
    documentation
        .args(["test", "--doc", "--no-fail-fast"])
        .args(EVERYTHING)
        .env(SKIPS, &skips);
    counts += counted(&mut documentation)?;

    match obstacle(live) {
        None => counts += runner.run("live", &LIVE_SUITE, &skips)?,
        Some(reason) => {
            let names = live_tests()?;
            counts.skipped += names;
            println!("SKIPPED: the live suite, {names} tests: {reason}");
        }
    }

    counts += against_zeek()?;

    // A test that finds out by itself that it cannot run has passed in the eyes of the runner.
    let text =
        fs::read_to_string(&skips).with_context(|| format!("reading {}", skips.display()))?;
    let lines: BTreeSet<_> = text.lines().collect();
    for line in &lines {
        println!("{line}");
    }
    counts.passed = counts.passed.saturating_sub(lines.len() as u64);
    counts.skipped += lines.len() as u64;
    println!();
    println!("{counts}");
    Ok(counts)
}

/// Connection records against Zeek's, which counts as one test.
fn against_zeek() -> Result<Counts> {
    let shared = env::var_os(SHARED).map(PathBuf::from);
    let Some(folder) = shared.map(|shared| shared.join("captures")) else {
        println!("SKIPPED: connection records against Zeek's: {SHARED} names no folder");
        return Ok(Counts {
            skipped: 1,
            ..Counts::default()
        });
    };
    let verdict = oracle::zeek(&oracle::Options {
        folder: Some(folder),
        program: Some(target()?.join("debug/capture")),
        json: false,
        all: false,
    });
    let held = match verdict {
        Ok(verdict) => verdict == Verdict::Held,
        Err(error) => {
            eprintln!("error: connection records against Zeek's: {error:#}");
            false
        }
    };
    Ok(Counts {
        passed: u64::from(held),
        failed: u64::from(!held),
        skipped: 0,
    })
}

/// Why the live suite cannot run here, if it cannot.
fn obstacle(live: Live) -> Option<String> {
    if live == Live::LeaveOut {
        return Some("asked for by --no-live".to_owned());
    }
    if !is_root() {
        return Some("not root".to_owned());
    }
    Namespace::new()
        .err()
        .map(|error| format!("no network namespaces: {error:#}"))
}

/// How many tests the live suite has.
fn live_tests() -> Result<u64> {
    let listed = output(
        cargo()
            .args(["test", "--quiet"])
            .args(LIVE_SUITE)
            .args(["--", "--list", "--format", "terse"]),
    )?;
    Ok(listed
        .lines()
        .filter(|line| line.ends_with(": test"))
        .count() as u64)
}

/// What runs tests.
enum Runner {
    Nextest,
    Cargo,
}

impl Runner {
    fn find() -> Result<Self> {
        let found = find_program("cargo-nextest", &tool_folders()?);
        Ok(if found.is_some() {
            Self::Nextest
        } else {
            Self::Cargo
        })
    }

    fn run(&self, profile: &str, selection: &[&str], skips: &Path) -> Result<Counts> {
        let mut command = cargo();
        match self {
            Self::Nextest => {
                command.args([
                    "nextest",
                    "run",
                    "--profile",
                    profile,
                    "--no-fail-fast",
                    "--no-tests",
                    "pass",
                ]);
                command.args(selection);
            }
            Self::Cargo => {
                command.args(["test", "--no-fail-fast"]).args(selection);
                if profile == "live" {
                    command.args(["--", "--test-threads", "1"]);
                } else {
                    // Documentation has a run of its own, so that each is counted once.
                    command.args(["--lib", "--bins", "--tests"]);
                }
            }
        }
        command.env(SKIPS, skips);
        counted(&mut command)
    }
}

/// Runs a command, shows all that it prints, and adds up the summaries in it.
fn counted(command: &mut Command) -> Result<Counts> {
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    eprintln!("+ {}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", shown(command)))?;
    let stdout = child.stdout.take().context("no pipe from stdout")?;
    let stderr = child.stderr.take().context("no pipe from stderr")?;
    let mut counts = thread::scope(|scope| {
        let errors = scope.spawn(|| pass_on(stderr, &mut std::io::stderr()));
        let mut counts = pass_on(stdout, &mut std::io::stdout());
        if let Ok(more) = errors.join() {
            counts += more;
        }
        counts
    });
    let status = child
        .wait()
        .with_context(|| format!("waiting for {}", shown(command)))?;
    if !status.success() && counts.failed == 0 {
        // It did not build, or the runner itself broke: that must not look like "nothing failed".
        eprintln!(
            "{} ended with {status} and counts no failure: counted as one",
            shown(command)
        );
        counts.failed = 1;
    }
    Ok(counts)
}

fn pass_on(from: impl Read, to: &mut dyn Write) -> Counts {
    let mut counts = Counts::default();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if let Some(more) = Counts::from_line(&line) {
            counts += more;
        }
        // Nobody reads any more: go on counting.
        let _closed = writeln!(to, "{line}");
    }
    counts
}
