//! The command line: words typed, things built, text printed.
//!
//! - `args/` what can be typed
//! - `bench/` what a machine takes of its own traffic
//! - `control/` changes to a running capture
//! - `expression.rs` filter expressions
//! - `familiar.rs` words of other programs, and what they are called here
//! - `generate/` traffic
//! - `doctor.rs`, `export.rs`, `fields.rs`, `filter.rs`, `flows.rs`, `live.rs`, `plot.rs`, `read.rs`, `stats.rs` one
//!   command each
//! - `ifaces.rs` the list of interfaces, and what is told of them
//! - `logger.rs` warnings on standard error
//! - `misuse.rs` words that make no sense
//! - `printing.rs` how packets are printed, live and from files; `printer.rs` the thread that does so live
//! - `status.rs` the line a second
//! - `units.rs` sizes and durations as people write them
//!
//! Exit codes: 0 for success (and when whoever read our output went away), 1 when something failed
//! or packets do not add up, 2 for words that make no sense, 130 when a second Ctrl-C cut it short.

mod args;
mod bench;
mod control;
mod doctor;
mod export;
mod expression;
mod familiar;
mod fields;
mod filter;
mod flows;
mod generate;
mod ifaces;
mod live;
mod logger;
mod misuse;
mod plot;
mod printer;
mod printing;
mod read;
mod rotation;
mod stats;
mod status;
mod thinning;
mod tracking;
mod units;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::misuse::Misuse;
use crate::filter::capture::FilterError;
use crate::filter::display;
use crate::generate::GenerateError;
use crate::read::pipeline::ReadError;
use crate::read::print::UnknownFields;
use crate::read::statistics::StatisticError;
pub use args::Args;
use args::Command;

/// Runs the program with the words of the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refuse(error),
    };
    logger::install();
    let result = match args.command {
        Command::Bench(args) => bench::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Fields(args) => fields::run(&args),
        Command::Filter(args) => filter::run(&args),
        Command::Flows(args) => flows::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Live(args) => live::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Read(args) => read::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Ctl(args) => control::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&in_full(&error));
            if makes_no_sense(&error) {
                return ExitCode::from(2);
            }
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with the words of the command line, or prints the help that was asked for.
fn refuse(error: clap::Error) -> ExitCode {
    let command = std::env::args().nth(1);
    let command = command.as_deref().filter(|word| !word.starts_with('-'));
    let error = familiar::advise(error, command);
    let code = match error.print() {
        Err(unwritten) if unwritten.kind() != io::ErrorKind::BrokenPipe => {
            return ExitCode::FAILURE;
        }
        _ => error.exit_code(),
    };
    ExitCode::from(u8::try_from(code).unwrap_or(2))
}

/// Whether the words of the command line are wrong, and not what they were tried on.
fn makes_no_sense(error: &anyhow::Error) -> bool {
    error.is::<Misuse>()
        || error.is::<FilterError>()
        || error.is::<display::FilterError>()
        || error.is::<UnknownFields>()
        || error.is::<StatisticError>()
        || matches!(
            error.downcast_ref(),
            Some(ReadError::TwiceFromPipe | ReadError::NoInfo)
        )
        || matches!(
            error.downcast_ref(),
            Some(GenerateError::Settings(_) | GenerateError::Sizes(_) | GenerateError::NoRate)
        )
}

/// An error with what is behind it, on one line; each part once, though an error may say itself what is
/// behind it.
fn in_full(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// One line of complaint on standard error.
fn complain(text: &str) {
    // Where standard error is closed there is nobody to tell.
    drop(writeln!(io::stderr(), "capture: {text}"));
}

/// One line of information on standard error.
fn tell(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Whoever read our output went away, as `head` does: not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether a stream shows colors: a terminal does, unless `NO_COLOR` asks otherwise
/// (<https://no-color.org>).
fn colors(stream: &impl io::IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What `--overwrite` means.
const fn existing(overwrite: bool) -> crate::sink::Existing {
    if overwrite {
        crate::sink::Existing::Overwrite
    } else {
        crate::sink::Existing::Refuse
    }
}

/// CPUs that this process may use.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Size of a worker's ring unless asked otherwise: room for a hundred milliseconds of the highest rates.
const DEFAULT_RING_BYTES: u64 = 64 << 20;

/// Workers of a live capture unless asked otherwise: half of the CPUs, for the other half receives.
fn default_workers() -> u32 {
    u32::try_from(cpus() / 2)
        .unwrap_or(u32::MAX)
        .clamp(1, capture_common::MAX_RINGS as u32)
}

/// A seed that nobody who sends packets can know.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}

/// Whether standard error can show progress.
fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
