//! A program that runs to its end: how long it took, its CPU time, and the most memory that it had.
//!
//! The kernel counts into the most memory of a child what its parent had when it was started (`ru_maxrss`), so
//! that is looked at while it runs.

#![expect(
    unsafe_code,
    reason = "the standard library does not tell what a child used: wait4(2) does"
)]

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::most_resident_bytes;

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// By the clock on the wall.
    pub(crate) wall_seconds: f64,
    /// In user and system mode, on all CPUs.
    pub(crate) cpu_seconds: f64,
    /// At most.
    pub(crate) resident_bytes: u64,
}

/// Runs a command to its end; its output goes nowhere, but for what it complains about.
///
/// # Errors
///
/// When it cannot be started, or fails.
pub(crate) fn run(command: &mut Command) -> Result<Used> {
    let name = command.get_program().to_string_lossy().into_owned();
    let complaints = tempfile::tempfile()?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(complaints.try_clone()?);
    let begun = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let process = child.id();
    let has_ended = AtomicBool::new(false);
    let (waited, resident_bytes) = thread::scope(|scope| {
        let memory = scope.spawn(|| watch(process, &has_ended));
        let waited = wait(process).map(|(status, usage)| (status, usage, begun.elapsed()));
        has_ended.store(true, Ordering::Relaxed);
        memory.thread().unpark();
        (waited, memory.join().unwrap_or_default())
    });
    let (status, usage, wall) = waited.with_context(|| format!("waiting for {name}"))?;
    let wall_seconds = wall.as_secs_f64();
    if !status.success() {
        let text = io::read_to_string(rewound(complaints)?)?;
        bail!(
            "{name} failed ({status}): {}",
            text.lines().last().unwrap_or_default()
        );
    }
    Ok(Used {
        wall_seconds,
        cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        resident_bytes,
    })
}

/// The most memory that a process has until it ends, looked at every few milliseconds.
fn watch(process: u32, has_ended: &AtomicBool) -> u64 {
    const STEP: Duration = Duration::from_millis(5);
    let mut most = 0;
    while !has_ended.load(Ordering::Relaxed) {
        // The number may be somebody else's by now only if it has ended, which is looked at next.
        let now = most_resident_bytes(process).unwrap_or_default();
        if !has_ended.load(Ordering::Relaxed) {
            most = most.max(now);
        }
        thread::park_timeout(STEP);
    }
    most
}

fn rewound(mut file: std::fs::File) -> io::Result<std::fs::File> {
    io::Seek::rewind(&mut file)?;
    Ok(file)
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Waits for a child of this process that nobody else waits for.
fn wait(process: u32) -> io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    // SAFETY: numbers only, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to values that live across the call.
        let waited =
            unsafe { libc::wait4(process.cast_signed(), &raw mut status, 0, &raw mut usage) };
        if waited == process.cast_signed() {
            return Ok((ExitStatus::from_raw(status), usage));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_the_program_and_not_of_who_starts_it() {
        // 300 MB here; there a shell that has 20 MB and counts for a while.
        let ballast = vec![1_u8; 300_000_000];
        let script = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let used = run(Command::new("sh").args(["-c", script])).unwrap();
        assert!(ballast.iter().step_by(4096).all(|byte| *byte == 1));
        let mb = used.resident_bytes / 1_000_000;
        assert!((20..200).contains(&mb), "{used:?}");
        assert!(
            used.cpu_seconds > 0.0 && used.wall_seconds >= 0.2,
            "{used:?}"
        );
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error =
            run(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"])).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("no such thing") && text.contains('3'),
            "{text}"
        );
        let error = run(&mut Command::new("/no/such/program")).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/program"));
    }
}
