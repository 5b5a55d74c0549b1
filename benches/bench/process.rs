//! What the kernel says of processes and CPUs under `/proc`: time used, memory, time taken away.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Ticks of a second in `/proc`: `USER_HZ`, 100 on every architecture that Linux runs on today.
const TICKS: f64 = 100.0;

/// CPU time of a process that runs, or has not been waited for.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    seconds(&stat, [11, 12]).context("no times in /proc/PID/stat")
}

/// CPU time of all children of this process that were waited for.
pub(crate) fn children_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    seconds(&stat, [13, 14]).context("no times in /proc/self/stat")
}

/// Sum of two fields of `proc_pid_stat(5)`, counted from the one behind the name, in seconds. The name is
/// in parentheses, and may hold some itself.
fn seconds(stat: &str, fields: [usize; 2]) -> Option<f64> {
    let behind = stat.rsplit_once(')')?.1;
    let all: Vec<&str> = behind.split_whitespace().collect();
    let mut sum = 0.0;
    for field in fields {
        sum += all.get(field)?.parse::<f64>().ok()?;
    }
    Some(sum / TICKS)
}

/// The most memory that a running process had resident.
pub(crate) fn most_resident_bytes(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    kib(&status, "VmHWM:").context("no VmHWM in /proc/PID/status")
}

/// A line such as `VmHWM:     1234 kB`, in bytes.
pub(crate) fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.trim().strip_suffix("kB")?.trim();
    Some(number.parse::<u64>().ok()? << 10)
}

/// Time of CPUs by what they did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CpuTimes {
    /// In softirqs, of one CPU.
    pub(crate) softirq_seconds: f64,
    /// Taken away by the host, of all CPUs.
    pub(crate) stolen_seconds: f64,
}

impl CpuTimes {
    /// Until now.
    pub(crate) fn now(cpu: u32) -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        Self::parse(&stat, cpu).with_context(|| format!("no CPU {cpu} in /proc/stat"))
    }

    /// `proc_stat(5)`: the line of all CPUs comes first, then one of each.
    fn parse(stat: &str, cpu: u32) -> Option<Self> {
        let field = |name: &str, at: usize| {
            let line = stat
                .lines()
                .find(|line| line.split(' ').next() == Some(name))?;
            let ticks = line.split_whitespace().nth(at)?.parse::<f64>().ok()?;
            Some(ticks / TICKS)
        };
        Some(Self {
            softirq_seconds: field(&format!("cpu{cpu}"), 7)?,
            stolen_seconds: field("cpu", 8)?,
        })
    }

    /// What came in between.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            softirq_seconds: self.softirq_seconds - before.softirq_seconds,
            stolen_seconds: self.stolen_seconds - before.stolen_seconds,
        }
    }
}

/// Waits until a process has used no CPU for a while: then it has emptied its buffers. Not for ever.
pub(crate) fn wait_until_idle(process: u32, quiet: Duration) -> Result<()> {
    const STEP: Duration = Duration::from_millis(50);
    const PATIENCE: Duration = Duration::from_secs(20);
    let begun = Instant::now();
    let mut last = cpu_seconds(process)?;
    let mut since = Instant::now();
    while since.elapsed() < quiet && begun.elapsed() < PATIENCE {
        thread::sleep(STEP);
        let now = cpu_seconds(process)?;
        // A tick in between is its housekeeping.
        if now - last > 1.5 / TICKS {
            last = now;
            since = Instant::now();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lines as proc_pid_stat(5) has them; the name is chosen to be as bad as it may be.
    const STAT: &str = "4711 (a) (b 7) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 1200 34 20 0 3 0 100 \
                        1000000 2500 18446744073709551615 0 0";

    #[test]
    fn times_of_a_process_are_read_behind_its_name() {
        assert_eq!(seconds(STAT, [11, 12]), Some(3.0));
        assert_eq!(seconds(STAT, [13, 14]), Some(12.34));
        assert_eq!(seconds("4711 cut short", [11, 12]), None);
    }

    #[test]
    fn softirqs_are_of_one_cpu_and_what_was_stolen_of_all() {
        let stat = "cpu  100 2 30 4000 5 6 70 80 0 0\ncpu0 50 1 15 2000 2 3 40 30 0 0\ncpu1 50 1 15 2000 3 3 30 50 0 0\n\
                    cpu10 9 9 9 9 9 9 9 9 9 9\nintr 1\n";
        let times = CpuTimes::parse(stat, 1).unwrap();
        assert_eq!((times.softirq_seconds, times.stolen_seconds), (0.3, 0.8));
        assert_eq!(CpuTimes::parse(stat, 7), None);
    }

    #[test]
    fn memory_is_given_in_kib() {
        assert_eq!(
            kib("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n", "VmHWM:"),
            Some(2 << 20)
        );
        assert_eq!(kib("Name:\tx\n", "VmHWM:"), None);
    }

    #[test]
    fn this_process_has_times_and_memory() {
        let me = std::process::id();
        assert!(cpu_seconds(me).unwrap() >= 0.0);
        assert!(children_seconds().unwrap() >= 0.0);
        assert!(most_resident_bytes(me).unwrap() > 100_000);
        assert!(CpuTimes::now(0).unwrap().stolen_seconds >= 0.0);
    }
}
