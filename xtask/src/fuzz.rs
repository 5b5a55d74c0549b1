//! `cargo xtask fuzz`: the fuzz targets of `tests/fuzz`, with coverage as feedback, on stable Rust.
//!
//! The program is built in a folder and with a profile of its own: optimized, with debug assertions and
//! overflow checks, and with a call at each edge of the control flow. Each target is a process of its own,
//! so that one that is ended takes no other with it.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};
use capture_tests::oracle::SHARED;

use crate::ci::Verdict;
use crate::workspace::{cargo, output, run, shown, target};

/// What is fuzzed, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// The targets; none for all.
    pub(crate) targets: Vec<String>,
    /// Inputs of each.
    pub(crate) inputs: u64,
    /// Where the random numbers start.
    pub(crate) seed: u64,
    /// Files to run one target on instead.
    pub(crate) replay: Vec<PathBuf>,
}

/// Inputs of each target in `cargo xtask ci` and `.ci/run`: a minute or two for all of them.
pub(crate) const BOUNDED: u64 = 20_000;

/// Calls at edges (LLVM's `SanitizerCoverage`); all of these flags are stable.
const COVERAGE: [&str; 3] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=3",
    "-Cllvm-args=-sanitizer-coverage-trace-pc-guard",
];

/// Builds, runs, and says what came of it.
pub(crate) fn fuzz(options: &Options) -> Result<Verdict> {
    let folder = target()?.join("fuzz");
    let program = build(&folder)?;
    let known = output(Command::new(&program).arg("list"))?;
    let known: Vec<_> = known.lines().map(str::to_owned).collect();
    for name in &options.targets {
        if !known.contains(name) {
            bail!(
                "there is no fuzz target {name:?}; there are {}",
                known.join(", ")
            );
        }
    }
    if !options.replay.is_empty() {
        let [name] = &options.targets[..] else {
            bail!("--replay runs one target; name it: {}", known.join(", "));
        };
        let mut replay = Command::new(&program);
        replay.arg("replay").arg(name).args(&options.replay);
        run(&mut replay)?;
        return Ok(Verdict::Held);
    }
    let targets = if options.targets.is_empty() {
        known
    } else {
        options.targets.clone()
    };
    let captures = env::var_os(SHARED)
        .map(|shared| Path::new(&shared).join("captures"))
        .filter(|captures| captures.is_dir());
    let waiting = Mutex::new(VecDeque::from(targets));
    let failed = Mutex::new(Vec::new());
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                loop {
                    let next = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some(name) = next else { return };
                    let findings = folder.join("findings").join(&name);
                    let mut command = Command::new(&program);
                    command.arg("run").arg(&name);
                    command.args(["--inputs", &options.inputs.to_string()]);
                    command.args(["--seed", &options.seed.to_string()]);
                    command.arg("--findings").arg(&findings);
                    if let Some(captures) = &captures {
                        command.arg("--captures").arg(captures);
                    }
                    if let Err(error) = one(&mut command, &findings) {
                        eprintln!("error: {error:#}");
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() {
        return Ok(Verdict::Held);
    }
    println!(
        "findings: {}; run one again with `cargo xtask fuzz TARGET --replay FILE`",
        failed.join(", ")
    );
    Ok(Verdict::Failed)
}

/// Runs one target.
fn one(command: &mut Command, findings: &Path) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", shown(command)))?;
    if status.success() {
        return Ok(());
    }
    match left_behind(status, findings)? {
        Some(path) => bail!("{} ended with {status}: {}", shown(command), path.display()),
        None => bail!("{} ended with {status}", shown(command)),
    }
}

/// The input that ended a whole process, under a name that stays.
fn left_behind(status: ExitStatus, findings: &Path) -> Result<Option<PathBuf>> {
    let current = findings.join("current");
    if status.code().is_some() || !current.exists() {
        return Ok(None);
    }
    for number in 0.. {
        let path = findings.join(format!("ended-{number}"));
        if !path.exists() {
            fs::rename(&current, &path)?;
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The program, built.
fn build(folder: &Path) -> Result<PathBuf> {
    let host = host()?;
    let target = folder.join("build");
    let mut command = cargo();
    // For a named target, flags are not those of build scripts and macros.
    command.args(["build", "--profile", "fuzz", "--package", "capture-fuzz"]);
    command.args(["--bin", "fuzz", "--target", &host, "--target-dir"]);
    command.arg(&target);
    command.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    run(&mut command)?;
    Ok(target.join(host).join("fuzz/fuzz"))
}

/// The target that the compiler makes programs for by itself.
fn host() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc -vV does not say what it makes programs for")
}
