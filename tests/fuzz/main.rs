//! Runs fuzz targets: `cargo xtask fuzz` builds this program with coverage and starts it, once a target.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person who started it"
)]

#[path = "runner/mod.rs"]
mod runner;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use capture_fuzz::random::digest;
use capture_fuzz::{TARGETS, Target};
use clap::{Parser, Subcommand};

use runner::{Run, memory::Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs fuzz targets.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists the targets.
    List,
    /// Makes inputs, and runs a target on them.
    Run {
        /// The target.
        #[arg(value_parser = target)]
        target: &'static Target,
        /// How many inputs.
        #[arg(long, default_value = "10000")]
        inputs: u64,
        /// Where the random numbers start.
        #[arg(long, default_value = "1")]
        seed: u64,
        /// Where inputs go that a target fell over.
        #[arg(long)]
        findings: PathBuf,
        /// Captures to start from beside the seeds: a folder.
        #[arg(long)]
        captures: Option<PathBuf>,
        /// Where inputs go that reached something new, at the end.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Runs a target on files, which hold an input each.
    Replay {
        /// The target.
        #[arg(value_parser = target)]
        target: &'static Target,
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Writes the seeds into a folder, one for each target: what other fuzzers start from.
    Seeds {
        /// The folder.
        folder: PathBuf,
    },
}

fn target(name: &str) -> Result<&'static Target, String> {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            format!("there are {}", names.join(", "))
        })
}

fn main() -> Result<ExitCode> {
    match Args::parse().what {
        What::List => {
            for target in &TARGETS {
                println!("{}", target.name);
            }
        }
        What::Run {
            target,
            inputs,
            seed,
            findings,
            captures,
            keep,
        } => {
            let summary = Run {
                target,
                inputs,
                seed,
                findings,
                captures,
                keep,
            }
            .run()?;
            println!("{summary}");
            if summary.findings > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        What::Replay { target, files } => {
            for file in files {
                let input =
                    fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                eprintln!("{}: {}", target.name, file.display());
                if let Some(problem) = runner::replay(target, &input) {
                    bail!("{}: {problem}", file.display());
                }
            }
        }
        What::Seeds { folder } => {
            for target in &TARGETS {
                let folder = folder.join(target.name);
                fs::create_dir_all(&folder)?;
                for seed in (target.seeds)() {
                    fs::write(folder.join(format!("{:016x}", digest(&seed))), &seed)?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
