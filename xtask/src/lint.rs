//! `cargo xtask lint`: what a reviewer should not have to look for.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::ebpf;
use crate::workspace::{cargo, find_program, root, run, shown, tool_folders};

/// Runs every check, also after one has failed, and fails if any did.
pub(crate) fn lint() -> Result<()> {
    let mut failed = Vec::new();
    let mut check = |mut command: Command| {
        if let Err(error) = run(&mut command) {
            eprintln!("error: {error:#}");
            failed.push(shown(&command));
        }
    };

    let mut format = cargo();
    format.args(["fmt", "--all", "--", "--check"]);
    check(format);

    let mut clippy = cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--exclude",
        "capture-ebpf",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]);
    check(clippy);

    match ebpf::clippy()? {
        Some(command) => check(command),
        None => println!(
            "SKIPPED: clippy of the eBPF package: no compiler for BPF that has clippy beside it"
        ),
    }

    let mut documentation = cargo();
    documentation.args([
        "doc",
        "--workspace",
        "--exclude",
        "capture-ebpf",
        "--no-deps",
        "--all-features",
        "--document-private-items",
    ]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    check(documentation);

    match find_program("cargo-deny", &tool_folders()?) {
        Some(program) => check(deny(&program)),
        None => println!(
            "SKIPPED: licenses and sources of the dependencies: cargo-deny is not installed"
        ),
    }

    if !failed.is_empty() {
        bail!("failed: {}", failed.join("; "));
    }
    Ok(())
}

/// All of `cargo deny` but the advisories, which it would clone from a host that not every machine
/// reaches.
fn deny(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(root())
        .args(["--all-features", "check", "bans", "licenses", "sources"]);
    command
}
