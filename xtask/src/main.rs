//! Everything that a person or CI runs, as `cargo xtask …`: one file per task.
//!
//! Nothing here depends on the `capture` crate: its build script refuses a stale eBPF object, and
//! the task that mends that must still build.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the person who started it"
)]

mod bench;
mod btf;
mod ci;
mod demo;
mod ebpf;
mod fuzz;
mod lint;
mod object;
mod oracle;
mod records;
mod run;
#[path = "../../capture-ebpf/source_hash.rs"]
mod source_hash;
mod summary;
mod test;
mod vendors;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::ci::Verdict;

/// Builds, runs, tests and checks `capture`.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Captures live, as root: `cargo xtask run -- --iface eth0`. Without arguments: the demo.
    ///
    /// The demo touches nothing of the host: two network namespaces, real connections between them,
    /// and what capture recorded of each.
    Run {
        /// What `capture live` is told.
        #[arg(last = true, value_name = "ARGS")]
        arguments: Vec<String>,
    },
    /// Runs every test that this machine can run, and counts those that it cannot.
    Test {
        /// Leaves out the tests that need root and network namespaces.
        #[arg(long)]
        no_live: bool,
    },
    /// Rebuilds the committed eBPF objects from their sources.
    Ebpf {
        /// Changes nothing; fails if what is committed is not what the sources give.
        #[arg(long)]
        check: bool,
    },
    /// Formatting, clippy, documentation, dependencies.
    Lint,
    /// Runs the fuzz targets, as many at once as there are processors.
    ///
    /// Holds if none of them panicked, hung, or took more work or memory than its input accounts for. What
    /// one fell over is in target/fuzz/findings; the same seed makes the same inputs.
    Fuzz {
        /// The targets [default: all].
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// Inputs of each target.
        #[arg(long, default_value = "20000")]
        inputs: u64,
        /// Where the random numbers start.
        #[arg(long, default_value = "1")]
        seed: u64,
        /// Runs one target on files instead, which hold an input each.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        replay: Vec<PathBuf>,
    },
    /// What has to pass before a merge: lint, `ebpf --check`, test, fuzz.
    Ci,
    /// Compares what is said of whole captures with what other people's tools say.
    Oracle {
        #[command(subcommand)]
        oracle: Oracle,
    },
    /// Measures: live captures, programs that read files, the flow table; beside the peers that are here.
    ///
    /// Live needs root (through sudo, if need be) and touches nothing of the host: frames run between two
    /// network namespaces, on two CPUs. Tables go to the terminal, all numbers to target/bench/report.json,
    /// and all of it with pictures to target/bench/report.html. Only what was measured in one run compares.
    Bench(bench::Bench),
    /// Makes the table of MAC addresses' vendors from IEEE's registry: a folder with `oui.csv`, `mam.csv`,
    /// `oui36.csv` and `iab.csv` (Debian: /usr/share/ieee-data of the package ieee-data).
    Vendors {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// The demo itself, as root and inside a mount namespace of its own.
    #[command(hide = true)]
    Demo {
        /// The built program.
        #[arg(long)]
        program: PathBuf,
        /// Where its files go.
        #[arg(long)]
        directory: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Oracle {
    /// Connection records with Zeek's conn.log, with and without checksum validation.
    ///
    /// Holds if 99 % of the TCP rows are equal, and every difference stands in
    /// tests/oracle/zeek-differences.tsv, and nothing else does.
    Zeek {
        /// The captures: a folder with `real`, `seeds` and `expected` in it [default: captures in the
        /// folder that `CAPTURE_SHARED` names, or in ../shared].
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// The program [default: it is built].
        #[arg(long)]
        program: Option<PathBuf>,
        /// Prints the report as JSON.
        #[arg(long)]
        json: bool,
        /// Prints the known differences, too.
        #[arg(long)]
        all: bool,
    },
    /// Capture filters with libpcap, through tcpdump: random expressions on random packets, and on
    /// those of real captures where `CAPTURE_SHARED` names some.
    ///
    /// Holds if libpcap accepts the same expressions, compiles them to the same programs, and comes to
    /// the same verdict for every pair of an expression and a packet.
    Filter {
        /// Pairs of an expression and a packet.
        #[arg(long, default_value = "1000000")]
        pairs: u64,
        /// Where the random numbers start.
        #[arg(long, default_value = "1")]
        seed: u64,
    },
    /// The list and the fields of `capture read` with tshark's.
    ///
    /// Prints the share of equal cells by field, and the first differences. Holds if 99.5 % are equal, the
    /// differences in tests/oracle/tshark-differences.tsv left out.
    Tshark {
        /// A folder of captures, or one capture [default: captures in the folder that `CAPTURE_SHARED`
        /// names, or in ../shared].
        #[arg(value_name = "PATH")]
        folder: Option<PathBuf>,
        /// The program [default: it is built].
        #[arg(long)]
        program: Option<PathBuf>,
        /// The columns of the list alone, read once: a minute instead of ten. Tells of each protocol of the
        /// list in how many frames and files it differs.
        #[arg(long)]
        list: bool,
        /// Prints all differences, the known ones too.
        #[arg(long)]
        all: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Run { arguments } => run::run(&arguments).map(|()| Verdict::Held),
        Task::Test { no_live } => {
            let live = if no_live {
                test::Live::LeaveOut
            } else {
                test::Live::WherePossible
            };
            test::test(live).map(|counts| {
                if counts.failed == 0 {
                    Verdict::Held
                } else {
                    Verdict::Failed
                }
            })
        }
        Task::Ebpf { check } => {
            let mode = if check {
                ebpf::Mode::Check
            } else {
                ebpf::Mode::Write
            };
            ebpf::ebpf(mode).map(|()| Verdict::Held)
        }
        Task::Lint => lint::lint().map(|()| Verdict::Held),
        Task::Fuzz {
            targets,
            inputs,
            seed,
            replay,
        } => fuzz::fuzz(&fuzz::Options {
            targets,
            inputs,
            seed,
            replay,
        }),
        Task::Ci => ci::ci(),
        Task::Oracle {
            oracle:
                Oracle::Zeek {
                    folder,
                    program,
                    json,
                    all,
                },
        } => oracle::zeek(&oracle::Options {
            folder,
            program,
            json,
            all,
        }),
        Task::Oracle {
            oracle: Oracle::Filter { pairs, seed },
        } => oracle::filter(pairs, seed),
        Task::Oracle {
            oracle:
                Oracle::Tshark {
                    folder,
                    program,
                    list,
                    all,
                },
        } => oracle::tshark(folder.as_deref(), program, list.into(), all.into()),
        Task::Bench(arguments) => bench::bench(&arguments),
        Task::Vendors { folder } => vendors::vendors(&folder).map(|()| Verdict::Held),
        Task::Demo { program, directory } => {
            demo::demo(&program, &directory).map(|()| Verdict::Held)
        }
    };
    match result {
        Ok(Verdict::Held) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
