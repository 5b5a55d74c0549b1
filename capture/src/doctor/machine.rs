//! The machine: memory for the rings, processors for the workers, and the clock.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use super::procfs::{self, Limit, MemoryGroup, Version};
use super::{Check, RingMemory};

/// The first kernel that accounts for maps in the memory control group instead of `RLIMIT_MEMLOCK`.
const GROUP_ACCOUNTING: Version = Version::new(5, 11);

const CLOCKS: &str = "/sys/devices/system/clocksource/clocksource0";

pub(super) fn examine(version: Option<Version>, memory: RingMemory) -> Vec<Check> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    let processors = Processors {
        online: procfs::list_len(&read("/sys/devices/system/cpu/online")),
        allowed: procfs::field(&status, "Cpus_allowed_list").and_then(procfs::list_len),
        usable: thread::available_parallelism().ok().map(NonZero::get),
    };
    let mut checks = vec![
        ring_memory(
            memory,
            room(&read("/proc/meminfo"), &read("/proc/self/cgroup")),
        ),
        locked_memory(
            version,
            memory,
            procfs::locked_memory_limit(&read("/proc/self/limits")),
        ),
        processors.check(),
    ];
    checks.extend(load(&read("/proc/loadavg"), processors));
    let clock = |file: &str| read(&format!("{CLOCKS}/{file}"));
    checks.push(clock_source(
        &clock("current_clocksource"),
        &clock("available_clocksource"),
    ));
    checks
}

/// Memory that can still be had, and what sets the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    bytes: u64,
    bound: &'static str,
}

/// Memory that this process can still have, in bytes; `None` if the kernel does not tell.
pub(crate) fn free_memory() -> Option<u64> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    room(&read("/proc/meminfo"), &read("/proc/self/cgroup")).map(|room| room.bytes)
}

fn room(meminfo: &str, cgroup: &str) -> Option<Room> {
    let machine = procfs::available_memory(meminfo).map(|bytes| Room {
        bytes,
        bound: "available",
    });
    let group = group_room(cgroup).map(|bytes| Room {
        bytes,
        bound: "left in the memory control group",
    });
    machine
        .into_iter()
        .chain(group)
        .min_by_key(|room| room.bytes)
}

/// What the memory control groups of this process leave, the tightest of all levels; `None` if
/// nothing limits it.
fn group_room(cgroup: &str) -> Option<u64> {
    let (roots, path, limit_file, usage_file) = match procfs::memory_group(cgroup)? {
        MemoryGroup::Version1(path) => (
            ["/sys/fs/cgroup/memory"].as_slice(),
            path,
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
        ),
        MemoryGroup::Version2(path) => (
            ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].as_slice(),
            path,
            "memory.max",
            "memory.current",
        ),
    };
    let number = |file: PathBuf| fs::read_to_string(file).ok();
    let left = |group: PathBuf| {
        let Limit::Bytes(limit) = procfs::group_limit(&number(group.join(limit_file))?)? else {
            return None;
        };
        let usage: u64 = number(group.join(usage_file))?.trim().parse().ok()?;
        Some(limit.saturating_sub(usage))
    };
    roots
        .iter()
        .flat_map(|root| levels(root, path))
        .filter_map(left)
        .min()
}

/// The directories of a control group and of all above it.
fn levels(root: &str, group: &str) -> Vec<PathBuf> {
    let group = Path::new(group.trim_start_matches('/'));
    group
        .ancestors()
        .map(|level| Path::new(root).join(level))
        .collect()
}

fn ring_memory(memory: RingMemory, room: Option<Room>) -> Check {
    let subject = "ring memory";
    let total = memory.total_bytes();
    let (rings, each) = (memory.rings, size(memory.ring_bytes));
    let plural = if rings == 1 { "" } else { "s" };
    let needed = format!("{} for {rings} ring{plural} of {each}", size(total));
    let Some(Room { bytes, bound }) = room else {
        return Check::note(
            subject,
            format!("{needed}; how much there is cannot be read"),
        )
        .remedy("mount -t proc proc /proc");
    };
    let found = format!("{needed}, {} {bound}", size(bytes));
    let remedy = "use fewer workers or smaller rings, or give it more memory";
    if total > bytes {
        Check::fail(subject, found).remedy(remedy)
    } else if total > bytes / 2 {
        Check::warn(subject, found).remedy(remedy)
    } else {
        Check::ok(subject, found)
    }
}

fn locked_memory(version: Option<Version>, memory: RingMemory, limit: Option<Limit>) -> Check {
    let subject = "locked memory";
    let limit = match limit {
        None => {
            return Check::note(subject, "the limit cannot be read")
                .remedy("mount -t proc proc /proc");
        }
        Some(Limit::Unlimited) => return Check::ok(subject, "unlimited"),
        Some(Limit::Bytes(limit)) => limit,
    };
    if version.is_some_and(|version| version >= GROUP_ACCOUNTING) {
        let found = format!(
            "limit {}, does not concern rings since Linux 5.11",
            size(limit)
        );
        return Check::ok(subject, found);
    }
    let found = format!(
        "limit {}, and the rings take {}",
        size(limit),
        size(memory.total_bytes())
    );
    if memory.total_bytes() > limit {
        Check::fail(subject, found).remedy("ulimit -l unlimited")
    } else {
        Check::ok(subject, found)
    }
}

/// How many processors there are, each `None` if it cannot be read.
#[derive(Clone, Copy, Debug)]
struct Processors {
    /// Switched on in this machine.
    online: Option<usize>,
    /// In the affinity mask of this process.
    allowed: Option<usize>,
    /// What affinity and the quota of the control group leave.
    usable: Option<usize>,
}

impl Processors {
    fn check(self) -> Check {
        let subject = "processors";
        match self {
            Self {
                online: Some(online),
                allowed: Some(allowed),
                ..
            } if allowed < online => Check::note(
                subject,
                format!("{allowed} of {online}: a mask keeps this process off the others"),
            )
            .remedy("leave taskset or the cpuset; taskset -pc $$ shows the mask of a shell"),
            Self {
                allowed: Some(allowed),
                usable: Some(usable),
                ..
            } if usable < allowed => Check::note(
                subject,
                format!("time for {usable} of {allowed}: a control group has a quota"),
            )
            .remedy("raise CPUQuota= of the unit, or --cpus of the container"),
            Self {
                usable: Some(1), ..
            } => Check::note(
                subject,
                "1, which the kernel's receive work and the worker share",
            )
            .remedy("give it a second one, or capture less: a filter, a shorter snap length"),
            Self {
                usable: Some(usable),
                ..
            } => Check::ok(subject, usable.to_string()),
            Self { usable: None, .. } => {
                Check::note(subject, "cannot be counted").remedy("mount -t sysfs sysfs /sys")
            }
        }
    }
}

/// The load of the last minute, where it can be read.
fn load(loadavg: &str, processors: Processors) -> Option<Check> {
    let subject = "load";
    let load: f64 = loadavg.split_whitespace().next()?.parse().ok()?;
    let online = processors.online?;
    let found = format!("{load:.2} in the last minute");
    // More wants to run than can.
    if load > f64::from(u32::try_from(online).ok()?) {
        let found = format!("{found}, more than the {online} processors can run at once");
        return Some(Check::note(subject, found).remedy("top -o %CPU shows who else runs"));
    }
    Some(Check::ok(subject, found))
}

/// Sources that are not read from the processor: every timestamp costs microseconds.
const SLOW_CLOCKS: [&str; 5] = ["hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"];

fn clock_source(current: &str, available: &str) -> Check {
    let subject = "clock source";
    let current = current.trim();
    if current.is_empty() {
        return Check::note(subject, "cannot be read").remedy("mount -t sysfs sysfs /sys");
    }
    if !SLOW_CLOCKS.contains(&current) {
        return Check::ok(subject, current);
    }
    let check = Check::warn(
        subject,
        format!("{current}: slow to read, and every packet is timed"),
    );
    let fast = available
        .split_whitespace()
        .find(|name| !SLOW_CLOCKS.contains(name));
    match fast {
        Some(fast) => check.remedy(format!("echo {fast} > {CLOCKS}/current_clocksource")),
        None => check.remedy("dmesg | grep -i -e clocksource -e tsc   # why there is no fast one"),
    }
}

/// A number of bytes in the largest unit that leaves a whole part.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in UNITS {
        let whole = bytes >> shift;
        if whole > 0 {
            let tenth = (bytes >> (shift - 10)) % 1024 * 10 / 1024;
            return if tenth == 0 || whole >= 100 {
                format!("{whole} {unit}")
            } else {
                format!("{whole}.{tenth} {unit}")
            };
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    const MEMORY: RingMemory = RingMemory {
        rings: 2,
        ring_bytes: 64 << 20,
    };

    #[test]
    fn sizes_are_in_the_largest_unit() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(64 << 20), "64 MiB");
        assert_eq!(size((3 << 30) / 2), "1.5 GiB");
        assert_eq!(size(24_313_856 * 1024), "23.1 GiB");
    }

    #[test]
    fn rings_must_fit_into_the_memory_that_is_left() {
        let status = |bytes| {
            ring_memory(
                MEMORY,
                Some(Room {
                    bytes,
                    bound: "available",
                }),
            )
            .status
        };
        assert_eq!(status(127 << 20), Status::Fail);
        assert_eq!(status(128 << 20), Status::Warn);
        assert_eq!(status(256 << 20), Status::Ok);
        let found = ring_memory(MEMORY, room("MemAvailable: 1048576 kB\n", "")).found;
        assert_eq!(found, "128 MiB for 2 rings of 64 MiB, 1 GiB available");
    }

    #[test]
    fn locked_memory_concerns_old_kernels_only() {
        let limit = Some(Limit::Bytes(8 << 20));
        let status = |version, limit| locked_memory(version, MEMORY, limit).status;
        assert_eq!(status(Some(Version::new(5, 10)), limit), Status::Fail);
        assert_eq!(
            status(Some(Version::new(5, 10)), Some(Limit::Unlimited)),
            Status::Ok
        );
        assert_eq!(status(Some(Version::new(5, 11)), limit), Status::Ok);
    }

    #[test]
    fn all_levels_of_a_control_group_are_looked_at() {
        let expected = ["/cg/a/b", "/cg/a", "/cg"].map(PathBuf::from);
        assert_eq!(levels("/cg", "/a/b"), expected);
        assert_eq!(levels("/cg", "/"), [PathBuf::from("/cg")]);
    }

    #[test]
    fn masks_and_quotas_are_told_apart() {
        let found = |online, allowed, usable| {
            let processors = Processors {
                online: Some(online),
                allowed: Some(allowed),
                usable: Some(usable),
            };
            processors.check().found
        };
        assert_eq!(found(8, 8, 8), "8");
        assert!(found(8, 2, 2).starts_with("2 of 8: a mask"));
        assert!(found(8, 8, 2).starts_with("time for 2 of 8: a control group"));
        assert!(found(1, 1, 1).starts_with("1, which"));
    }

    #[test]
    fn more_work_than_processors_is_pointed_out() {
        let processors = Processors {
            online: Some(2),
            allowed: Some(2),
            usable: Some(2),
        };
        let status = |text| load(text, processors).map(|check| check.status);
        assert_eq!(status("1.99 1.20 1.00 3/400 12345\n"), Some(Status::Ok));
        assert_eq!(status("2.50 1.20 1.00 3/400 12345\n"), Some(Status::Note));
        assert_eq!(status(""), None);
    }

    #[test]
    fn slow_clocks_come_with_a_faster_one_where_there_is_one() {
        assert_eq!(clock_source("tsc\n", "tsc kvm-clock \n").status, Status::Ok);
        assert_eq!(clock_source("arch_sys_counter\n", "").status, Status::Ok);
        let slow = clock_source("hpet\n", "hpet acpi_pm tsc \n");
        assert_eq!(slow.status, Status::Warn);
        assert!(slow.remedy.unwrap().starts_with("echo tsc > "));
        let none = clock_source("acpi_pm\n", "hpet acpi_pm \n");
        assert!(none.remedy.unwrap().starts_with("dmesg"));
    }
}
