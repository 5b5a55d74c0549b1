//! `cargo xtask ci`: all that has to pass before a merge, in one go.

use anyhow::Result;

use crate::ebpf::{Mode, ebpf};
use crate::fuzz::{self, fuzz};
use crate::lint::lint;
use crate::test::{Live, test};

/// Whether everything held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It did.
    Held,
    /// Something did not, and was told.
    Failed,
}

/// Runs all of them, the tests last, so that their count ends the output.
pub(crate) fn ci() -> Result<Verdict> {
    let mut verdict = Verdict::Held;
    for (name, result) in [("lint", lint()), ("ebpf --check", ebpf(Mode::Check))] {
        if let Err(error) = result {
            eprintln!("error: {name}: {error:#}");
            verdict = Verdict::Failed;
        }
    }
    let bounded = fuzz::Options {
        targets: Vec::new(),
        inputs: fuzz::BOUNDED,
        seed: 1,
        replay: Vec::new(),
    };
    match fuzz(&bounded) {
        Ok(Verdict::Held) => {}
        Ok(Verdict::Failed) => verdict = Verdict::Failed,
        Err(error) => {
            eprintln!("error: fuzz: {error:#}");
            verdict = Verdict::Failed;
        }
    }
    if test(Live::WherePossible)?.failed > 0 {
        verdict = Verdict::Failed;
    }
    Ok(verdict)
}
