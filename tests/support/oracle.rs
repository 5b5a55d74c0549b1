//! The tools that other people trust, as judges; a test that cannot have its judge says so and is
//! counted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, thread};

use anyhow::{Context as _, Result, bail};

/// Variable that names the file to which a skipped test adds a line; `cargo xtask test` counts them.
pub const SKIPS: &str = "CAPTURE_SKIPS";

/// Variable that names a folder with captures too large to be part of the repository.
pub const SHARED: &str = "CAPTURE_SHARED";

/// Whether `tool` is installed.
pub fn is_installed(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// Whether all of `tools` are installed; if not, says that the running test is skipped for it.
///
/// ```no_run
/// # use capture_tests::oracle::require;
/// # fn test() {
/// if !require(&["tshark"]) {
///     return;
/// }
/// # }
/// ```
pub fn require(tools: &[&str]) -> bool {
    let missing: Vec<_> = tools
        .iter()
        .copied()
        .filter(|tool| !is_installed(tool))
        .collect();
    if !missing.is_empty() {
        skip(&format!("not installed: {}", missing.join(", ")));
    }
    missing.is_empty()
}

/// The folder that [`SHARED`] names; if there is none, says that the running test is skipped for it.
pub fn require_shared() -> Option<PathBuf> {
    let folder = env::var_os(SHARED)
        .map(PathBuf::from)
        .filter(|folder| folder.is_dir());
    if folder.is_none() {
        skip(&format!("{SHARED} names no folder"));
    }
    folder
}

/// Says that the running test is skipped, where a person and `cargo xtask test` see it.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub fn skip(reason: &str) {
    // cargo-nextest says it in the environment; the harness names the thread after the test.
    let name = env::var("NEXTEST_TEST_NAME").ok();
    let name = name.or_else(|| thread::current().name().map(str::to_owned));
    let line = format!(
        "SKIPPED: {}: {reason}",
        name.as_deref().unwrap_or("unnamed test")
    );
    eprintln!("{line}");
    if let Some(file) = env::var_os(SKIPS)
        && let Err(error) = add_line(Path::new(&file), &line)
    {
        eprintln!(
            "cannot note that in {}: {error}",
            Path::new(&file).display()
        );
    }
}

fn add_line(file: &Path, line: &str) -> std::io::Result<()> {
    // One write of a short line to a file opened for appending is not torn by another test's.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)?
        .write_all(format!("{line}\n").as_bytes())
}

/// What `command` prints to stdout.
///
/// # Errors
///
/// When it fails, with what it printed to stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{name} printed something else than text"))
}

/// The values of `fields` of every packet of a capture file that matches the display filter
/// (everything if empty), as tshark sees them: one line a packet, separated by tabs.
///
/// # Errors
///
/// When tshark fails.
pub fn tshark_fields(file: &Path, filter: &str, fields: &[&str]) -> Result<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(file).args(["-T", "fields"]);
    if !filter.is_empty() {
        command.args(["-Y", filter]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let text = output(&mut command)?;
    Ok(text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect())
}
