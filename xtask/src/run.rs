//! `cargo xtask run`: build, become root, capture; without arguments, the demo.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace::{cargo, find_program, is_root, run as run_command, shown, target};

/// Builds `capture` and replaces this process by it, or by the demo.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let program = build()?;
    let mut words: Vec<OsString> = Vec::new();
    if arguments.is_empty() {
        words.extend(apart());
        words.push(
            std::env::current_exe()
                .context("where this program lies")?
                .into(),
        );
        words.extend(["demo".into(), "--program".into(), program.into()]);
        words.extend(["--directory".into(), target()?.join("demo").into()]);
    } else {
        words.extend([program.into(), "live".into()]);
        words.extend(arguments.iter().map(OsString::from));
    }
    as_root(&words)
}

/// The release build of `capture`.
fn build() -> Result<PathBuf> {
    run_command(cargo().args([
        "build",
        "--release",
        "--package",
        "capture",
        "--bin",
        "capture",
    ]))?;
    Ok(target()?.join("release/capture"))
}

/// What a command begins with whose network namespaces get their names in a mount namespace that ends with
/// it, so that nothing is left on the host, however it ends.
pub(crate) fn apart() -> [OsString; 7] {
    [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        "mkdir -p /run/netns && mount -t tmpfs none /run/netns && exec \"$0\" \"$@\"",
    ]
    .map(OsString::from)
}

/// Replaces this process by `words`, through sudo when it does not run as root.
pub(crate) fn as_root(words: &[OsString]) -> Result<()> {
    let mut words = words.to_vec();
    if !is_root() {
        if find_program("sudo", &[]).is_none() {
            bail!("not root, and there is no sudo: capturing needs root");
        }
        eprintln!("not root: using sudo");
        words.insert(0, "sudo".into());
    }
    let [program, arguments @ ..] = words.as_slice() else {
        bail!("nothing to run")
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let error = command.exec();
    Err(error).with_context(|| format!("starting {}", shown(&command)))
}
