//! `cargo xtask bench --check`: instructions per packet of the workloads in `benches/micro/`, against those
//! in `benches/instructions.tsv`.
//!
//! Valgrind's callgrind counts them, so that they hardly depend on the machine or on what else it does.
//! Each workload runs twice with different numbers of rounds: the difference is what the rounds take,
//! without what comes before them. Each of the two is the least of several runs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::ci::Verdict;
use crate::workspace::{cargo, find_program, output, root, run, shown, target};

/// What to do with the committed figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Compare with them.
    Check,
    /// Replace them.
    Bless,
}

/// More instructions than were committed, in percent, that are a regression.
const TOLERANCE: f64 = 10.0;
/// Numbers of rounds whose difference counts.
const ROUNDS: [u32; 2] = [2, 6];
/// Runs of each, of which the least counts: a workload with a second thread takes more when that one is
/// behind.
const REPEATS: usize = 3;

const FILE: &str = "benches/instructions.tsv";

/// Instructions per packet of a workload.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    workload: String,
    instructions: f64,
}

/// The committed figures, and the compiler that they are of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Baseline {
    rustc: String,
    figures: Vec<Figure>,
}

/// Counts, and compares or replaces.
///
/// # Errors
///
/// When valgrind is not there, or something does not build or run.
pub(crate) fn instructions(mode: Mode) -> Result<Verdict> {
    let valgrind = find_program("valgrind", &[]).context(
        "valgrind, which counts instructions, is not installed: `apt install valgrind` (Debian, Ubuntu) or `dnf install valgrind` (Fedora)",
    )?;
    let rustc = rustc()?;
    let program = build()?;
    let mut figures = Vec::new();
    for workload in output(Command::new(&program).arg("list"))?.lines() {
        let figure = count(&valgrind, &program, workload)?;
        eprintln!(
            "{workload}: {:.1} instructions per packet",
            figure.instructions
        );
        figures.push(figure);
    }
    let path = root().join(FILE);
    let now = Baseline { rustc, figures };
    if mode == Mode::Bless {
        fs::write(&path, now.to_string()).with_context(|| format!("writing {}", path.display()))?;
        println!("{FILE}: {} workloads written", now.figures.len());
        return Ok(Verdict::Held);
    }
    let text = fs::read_to_string(&path)
        .with_context(|| format!("reading {}; --bless makes it", path.display()))?;
    let before = Baseline::parse(&text).with_context(|| format!("in {}", path.display()))?;
    let report = Report::of(&before, &now);
    print!("{}", report.text);
    Ok(report.verdict)
}

/// What the comparison comes to.
struct Report {
    text: String,
    verdict: Verdict,
}

impl Report {
    fn of(before: &Baseline, now: &Baseline) -> Self {
        let mut text = String::new();
        let mut verdict = Verdict::Held;
        let mut line = |words: std::fmt::Arguments<'_>| {
            // A string takes everything.
            let _always = text.write_fmt(words);
        };
        line(format_args!(
            "{:<16} {:>12} {:>12} {:>8}\n",
            "workload", "committed", "now", "change"
        ));
        for Figure {
            workload,
            instructions,
        } in &now.figures
        {
            let known = before.figures.iter().find(|it| it.workload == *workload);
            let Some(known) = known else {
                verdict = Verdict::Failed;
                line(format_args!(
                    "{workload:<16} {:>12} {instructions:>12.1}          not in {FILE}: --bless\n",
                    ""
                ));
                continue;
            };
            let change = (instructions / known.instructions - 1.0) * 100.0;
            let remark = if change > TOLERANCE {
                verdict = Verdict::Failed;
                "  REGRESSION"
            } else if change < -TOLERANCE {
                "  better: --bless keeps it so"
            } else {
                ""
            };
            line(format_args!(
                "{workload:<16} {:>12.1} {instructions:>12.1} {change:>+7.1}%{remark}\n",
                known.instructions
            ));
        }
        for known in &before.figures {
            if !now.figures.iter().any(|it| it.workload == known.workload) {
                verdict = Verdict::Failed;
                line(format_args!("{:<16} is gone: --bless\n", known.workload));
            }
        }
        if before.rustc != now.rustc {
            line(format_args!(
                "{FILE} was made with {}, and this is {}: some of the change may be the compiler's\n",
                before.rustc, now.rustc
            ));
        }
        if verdict == Verdict::Failed {
            line(format_args!(
                "more than {TOLERANCE} % more instructions per packet, or other workloads, than were committed\n"
            ));
        }
        Self { text, verdict }
    }
}

impl std::fmt::Display for Baseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "# Instructions per packet: written by `cargo xtask bench --bless`, compared by `--check`."
        )?;
        writeln!(f, "# {}", self.rustc)?;
        for Figure {
            workload,
            instructions,
        } in &self.figures
        {
            writeln!(f, "{workload}\t{instructions:.1}")?;
        }
        Ok(())
    }
}

impl Baseline {
    fn parse(text: &str) -> Result<Self> {
        let mut baseline = Self::default();
        for line in text.lines() {
            if let Some(remark) = line.strip_prefix("# ") {
                if remark.starts_with("rustc ") {
                    remark.clone_into(&mut baseline.rustc);
                }
                continue;
            }
            let (workload, instructions) = line
                .split_once('\t')
                .with_context(|| format!("{line:?} is not WORKLOAD, a tab, INSTRUCTIONS"))?;
            let instructions: f64 = instructions
                .parse()
                .with_context(|| format!("{instructions:?} is no number"))?;
            if instructions <= 0.0 {
                bail!("{workload} has no instructions");
            }
            baseline.figures.push(Figure {
                workload: workload.to_owned(),
                instructions,
            });
        }
        Ok(baseline)
    }
}

/// Instructions per packet of a workload.
fn count(valgrind: &Path, program: &Path, workload: &str) -> Result<Figure> {
    let mut counted = [u64::MAX; 2];
    let mut packets = 0;
    for (rounds, least) in ROUNDS.iter().zip(&mut counted) {
        for _ in 0..REPEATS {
            let mut command = Command::new(valgrind);
            command
                .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
                .arg(program)
                .args(["run", workload, &rounds.to_string()]);
            let output = command
                .output()
                .with_context(|| format!("starting {}", shown(&command)))?;
            let told = String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                bail!("{} failed ({}):\n{told}", shown(&command), output.status);
            }
            let counted = collected(&told).with_context(|| {
                format!("{} does not say what it counted:\n{told}", shown(&command))
            })?;
            *least = counted.min(*least);
            packets = String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .context("the workload does not say how many packets it has")?;
        }
    }
    let [few, many] = counted;
    let rounds = u64::from(ROUNDS[1] - ROUNDS[0]);
    #[expect(clippy::cast_precision_loss, reason = "some digits are enough")]
    let instructions = many.saturating_sub(few) as f64 / (rounds * packets) as f64;
    Ok(Figure {
        workload: workload.to_owned(),
        instructions,
    })
}

/// The number in callgrind's last words: `==123== Collected : 4567`.
fn collected(text: &str) -> Option<u64> {
    let number = text
        .lines()
        .find_map(|line| line.split_once("Collected : "))?
        .1;
    number.trim().parse().ok()
}

/// The program with the workloads, as it is released.
fn build() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", "capture-benches"]);
    command.args(["--bin", "instructions"]);
    run(&mut command)?;
    Ok(target()?.join("release/instructions"))
}

/// Name and version of the compiler.
fn rustc() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).arg("--version"))?;
    Ok(version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(figures: &[(&str, f64)]) -> Baseline {
        let figures = figures.iter().map(|(workload, instructions)| Figure {
            workload: (*workload).to_owned(),
            instructions: *instructions,
        });
        Baseline {
            rustc: "rustc 1.95.0".to_owned(),
            figures: figures.collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let made = baseline(&[("dissect", 120.5), ("ring-reader", 40.0)]);
        assert_eq!(Baseline::parse(&made.to_string()).unwrap(), made);
    }

    #[test]
    fn more_than_a_tenth_more_is_a_regression() {
        let before = baseline(&[("dissect", 100.0)]);
        let verdict = |now: f64| Report::of(&before, &baseline(&[("dissect", now)])).verdict;
        assert_eq!(verdict(109.9), Verdict::Held);
        assert_eq!(verdict(110.1), Verdict::Failed);
        assert_eq!(verdict(50.0), Verdict::Held);
    }

    #[test]
    fn workloads_that_come_or_go_have_to_be_committed() {
        let [one, two] = [&[("a", 1.0)][..], &[("a", 1.0), ("b", 1.0)]].map(baseline);
        assert_eq!(Report::of(&one, &two).verdict, Verdict::Failed);
        assert_eq!(Report::of(&two, &one).verdict, Verdict::Failed);
        assert_eq!(Report::of(&two, &two).verdict, Verdict::Held);
    }

    #[test]
    fn another_compiler_is_told() {
        let before = baseline(&[("a", 1.0)]);
        let mut now = before.clone();
        now.rustc = "rustc 1.96.0".to_owned();
        let report = Report::of(&before, &now);
        assert_eq!(report.verdict, Verdict::Held);
        assert!(report.text.contains("rustc 1.95.0") && report.text.contains("rustc 1.96.0"));
    }

    #[test]
    fn the_last_words_of_callgrind_are_understood() {
        let text = "==7== Events    : Ir\n==7== Collected : 2236107\n==7==\n==7== I   refs:      2,236,107\n";
        assert_eq!(collected(text), Some(2_236_107));
        assert_eq!(collected("==7== nothing"), None);
    }
}
