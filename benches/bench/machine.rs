//! What the machine is that this ran on, and when.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use capture::packet::Timestamp;

use crate::process::kib;
use crate::report::Machine;

/// Looks at the machine; `directory` is where files are written.
pub(crate) fn machine(directory: &Path, programs: BTreeMap<String, String>) -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let field = |name: &str| {
        let mut lines = cpus.lines();
        lines.find_map(|line| {
            Some(
                line.strip_prefix(name)?
                    .split_once(':')?
                    .1
                    .trim()
                    .to_owned(),
            )
        })
    };
    let release = read("/etc/os-release");
    let system = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    Machine {
        cpu: field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        memory_bytes: kib(&read("/proc/meminfo"), "MemTotal:").unwrap_or_default(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        system: system.unwrap_or("Linux").trim_matches('"').to_owned(),
        governor: Some(governor.trim().to_owned()).filter(|governor| !governor.is_empty()),
        is_virtual: cpus.lines().any(|line| {
            line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor")
        }),
        file_system: file_system(directory),
        programs,
    }
}

/// Type of the file system that a folder is in.
fn file_system(directory: &Path) -> Option<String> {
    let output = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(directory)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

/// Load of the last minute (`proc_loadavg(5)`).
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// Now, in UTC, to the second.
pub(crate) fn date() -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(short(&Timestamp(now.as_secs() * 1_000_000_000).to_string()))
}

/// A time without its fraction.
fn short(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

/// What a program says of its version: the first number with a dot in what it prints first.
pub(crate) fn version(program: &Path, flag: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(flag)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    text.iter().find_map(|text| number(text))
}

/// The first word of the first lines that looks like a version.
fn number(text: &str) -> Option<String> {
    let words = text
        .lines()
        .take(5)
        .flat_map(|line| line.split([' ', ',', '(', ')']));
    let mut versions = words.filter_map(|word| {
        let word = word.trim_start_matches('v').trim_end_matches(['.', ':']);
        let is_version =
            word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.');
        is_version.then(|| word.to_owned())
    });
    versions.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        // First lines of the programs of Debian 12.
        for (text, expected) in [
            (
                "tcpdump version 4.99.3\nlibpcap version 1.10.3 (with TPACKET_V3)\n",
                "4.99.3",
            ),
            (
                "Dumpcap (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u1).\n",
                "4.0.17",
            ),
            ("Argus Version 3.0.8.2\n", "3.0.8.2"),
        ] {
            assert_eq!(number(text).as_deref(), Some(expected));
        }
        assert_eq!(number("no version here\n"), None);
    }

    #[test]
    fn this_machine_has_a_cpu_memory_and_a_kernel() {
        let machine = machine(Path::new("/"), BTreeMap::new());
        assert!(!machine.cpu.is_empty() && machine.cores > 0);
        assert!(machine.memory_bytes > 1 << 20 && machine.kernel.contains('.'));
        assert!(machine.file_system.is_some());
    }

    #[test]
    fn dates_end_with_the_second() {
        let date = date().unwrap();
        assert!(
            date.ends_with('Z') && !date.contains('.') && date.starts_with("20"),
            "{date}"
        );
    }
}
