//! `cargo xtask bench`: builds what measures and what is measured, becomes root where frames are sent, and
//! hands over.
//!
//! - `check.rs` instructions per packet against the committed ones
//! - `peers.rs` the packages of the peers
//! - `words.rs` options, typed once more for the program that measures

mod check;
#[path = "../../../benches/bench/options.rs"]
mod options;
mod peers;
mod words;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::bench::options::{Options, Part};
use crate::ci::Verdict;
use crate::run::{apart, as_root};
use crate::workspace::{cargo, root, run, shown, target};

/// What can be typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench --install-peers             by apt, and nothing else
  cargo xtask bench --quick                     a few minutes
  cargo xtask bench                             most of an hour
  cargo xtask bench --only live --size 64,1514 --rounds 3
  cargo xtask bench --only live --size 64 --consumers tap-write,dumpcap
  cargo xtask bench --only live --size 64 --rate 2000000
  cargo xtask bench --only offline --file traffic.pcapng
  cargo xtask bench --check                     instructions per packet
  cargo xtask bench --from target/bench/report.json --markdown")]
pub(crate) struct Bench {
    /// Installs the programs to compare with, by apt, and ends: tcpdump, dumpcap and tshark (wireshark),
    /// netsniff-ng, argus, softflowd, tcptrace, nfpcapd (nfdump), and ethtool.
    #[arg(long, exclusive = true)]
    install_peers: bool,

    /// Counts the instructions per packet of each part that packets pass, and fails if one takes 10 % more
    /// than benches/instructions.tsv says. Needs valgrind.
    #[arg(long, exclusive = true)]
    check: bool,

    /// The same, and writes benches/instructions.tsv.
    #[arg(long, exclusive = true)]
    bless: bool,

    #[command(flatten)]
    options: Options,
}

/// Does what was typed.
pub(crate) fn bench(arguments: &Bench) -> Result<Verdict> {
    if arguments.install_peers {
        return peers::install().map(|()| Verdict::Held);
    }
    if arguments.check {
        return check::instructions(check::Mode::Check);
    }
    if arguments.bless {
        return check::instructions(check::Mode::Bless);
    }
    measure(&arguments.options)?;
    Ok(Verdict::Held)
}

/// Builds, and replaces this process by the program that measures.
fn measure(options: &Options) -> Result<()> {
    run(cargo().args([
        "build",
        "--release",
        "--package",
        "capture",
        "--package",
        "capture-benches",
        "--bins",
    ]))?;
    let program = target()?.join("release/bench");
    let mut words: Vec<OsString> = vec![program.into()];
    words.extend(words::words(options).into_iter().map(OsString::from));
    if options.output.is_none() {
        words.extend(["--output".into(), target()?.join("bench").into()]);
    }
    // Asked here, for git does not answer root about the folder of somebody else.
    if let Some(revision) = revision() {
        words.extend(["--revision".into(), revision.into()]);
    }
    if options.wants(Part::Live) {
        return as_root(&[apart().to_vec(), words].concat());
    }
    let [program, arguments @ ..] = words.as_slice() else {
        anyhow::bail!("nothing to run")
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let error = command.exec();
    Err(error).with_context(|| format!("starting {}", shown(&command)))
}

/// The revision of the sources, with a `+` if they were changed since.
fn revision() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .current_dir(root())
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then_some(text)
    };
    let revision = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let mark = if changed.trim().is_empty() { "" } else { "+" };
    Some(format!("{}{mark}", revision.trim()))
}
