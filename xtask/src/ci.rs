//! `cargo xtask ci`: all that has to pass before a merge, in one go.

use anyhow::{Result, bail};

use crate::ebpf::{Mode, ebpf};
use crate::lint::lint;
use crate::test::{Live, test};

/// Runs all three, the tests last, so that their count ends the output.
pub(crate) fn ci() -> Result<()> {
    let mut failed = Vec::new();
    for (name, result) in [("lint", lint()), ("ebpf --check", ebpf(Mode::Check))] {
        if let Err(error) = result {
            eprintln!("error: {name}: {error:#}");
            failed.push(name);
        }
    }
    test(Live::WherePossible)?;
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}
