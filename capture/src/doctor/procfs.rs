//! Reading the texts of `/proc` and of control groups, apart from where they lie, so that what is
//! understood of them can be tested with the texts of other machines.

/// A kernel version: what decides which features there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl Version {
    pub(super) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// From `/proc/sys/kernel/osrelease`, such as `6.1.0-18-amd64`.
    pub(super) fn parse(release: &str) -> Option<Self> {
        let mut numbers = release.trim().split(|c: char| !c.is_ascii_digit());
        Some(Self {
            major: numbers.next()?.parse().ok()?,
            minor: numbers.next()?.parse().ok()?,
        })
    }
}

/// The value of a line `Name:  value` of `/proc/self/status`, `/proc/meminfo` or an fdinfo.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|&(found, _)| found == name)
        .map(|(_, value)| value.trim())
}

/// The effective capabilities of `/proc/self/status`, a bit each.
pub(super) fn effective_capabilities(status: &str) -> Option<u64> {
    u64::from_str_radix(field(status, "CapEff")?, 16).ok()
}

/// `MemAvailable` of `/proc/meminfo` in bytes.
pub(super) fn available_memory(meminfo: &str) -> Option<u64> {
    let kib: u64 = field(meminfo, "MemAvailable")?
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    kib.checked_mul(1024)
}

/// A limit that may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Bytes(u64),
    Unlimited,
}

/// The soft limit `Max locked memory` of `/proc/self/limits`.
pub(super) fn locked_memory_limit(limits: &str) -> Option<Limit> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max locked memory"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(Limit::Unlimited),
        bytes => bytes.parse().ok().map(Limit::Bytes),
    }
}

/// A limit of a memory control group: `max` (version 2), or a number close to 2^63 (version 1), is
/// none.
pub(super) fn group_limit(text: &str) -> Option<Limit> {
    match text.trim() {
        "max" => Some(Limit::Unlimited),
        bytes => {
            let bytes = bytes.parse().ok()?;
            Some(if bytes < 1 << 62 {
                Limit::Bytes(bytes)
            } else {
                Limit::Unlimited
            })
        }
    }
}

/// Which hierarchy accounts for memory, and this process's group in it, from `/proc/self/cgroup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemoryGroup<'a> {
    Version1(&'a str),
    Version2(&'a str),
}

pub(super) fn memory_group(cgroup: &str) -> Option<MemoryGroup<'_>> {
    let mut second = None;
    for line in cgroup.lines() {
        let (hierarchy, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        if controllers.split(',').any(|name| name == "memory") {
            return Some(MemoryGroup::Version1(path));
        }
        if hierarchy == "0" && controllers.is_empty() {
            second = Some(MemoryGroup::Version2(path));
        }
    }
    second
}

/// How many numbers a list such as `0-3,8` names.
pub(super) fn list_len(list: &str) -> Option<usize> {
    list.trim()
        .split(',')
        .map(|range| match range.split_once('-') {
            Some((first, last)) => {
                let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
                last.checked_sub(first)?.checked_add(1)
            }
            None => range.parse::<usize>().ok().map(|_| 1),
        })
        .sum()
}

/// The choice in brackets of a text such as `none [integrity] confidentiality`.
pub(super) fn chosen(text: &str) -> Option<&str> {
    Some(text.split_once('[')?.1.split_once(']')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let of = |text| Version::parse(text).unwrap();
        assert_eq!(of("6.1.0-18-amd64\n"), Version::new(6, 1));
        assert_eq!(of("6.6-rc1"), Version::new(6, 6));
        assert!(of("6.12.3") > of("6.6.0") && of("5.15.0") < of("6.6.0"));
        assert_eq!(Version::parse("Linux"), None);
        assert_eq!(Version::parse("6"), None);
    }

    #[test]
    fn capabilities_are_hexadecimal() {
        let status = "Name:\tcapture\nCapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\n\
                      CapEff:\t000000c000001000\nCpus_allowed_list:\t0-3\n";
        assert_eq!(
            effective_capabilities(status),
            Some((1 << 39) | (1 << 38) | (1 << 12))
        );
        assert_eq!(field(status, "Cpus_allowed_list"), Some("0-3"));
        assert_eq!(effective_capabilities("Name:\tcapture\n"), None);
    }

    #[test]
    fn available_memory_is_in_bytes() {
        let meminfo = "MemTotal:       24683520 kB\nMemFree:          999 kB\n\
                       MemAvailable:   24313856 kB\n";
        assert_eq!(available_memory(meminfo), Some(24_313_856 * 1024));
        assert_eq!(
            available_memory("MemTotal: 1 kB\n"),
            None,
            "before Linux 3.14"
        );
    }

    #[test]
    fn the_soft_limit_of_locked_memory_counts() {
        let limits = |value: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max processes             95987                95987                processes \n\
                 Max locked memory         {value:21}16777216             bytes     \n"
            )
        };
        assert_eq!(
            locked_memory_limit(&limits("8388608")),
            Some(Limit::Bytes(8_388_608))
        );
        assert_eq!(
            locked_memory_limit(&limits("unlimited")),
            Some(Limit::Unlimited)
        );
        assert_eq!(locked_memory_limit(""), None);
    }

    #[test]
    fn both_versions_of_control_groups_say_unlimited_in_their_way() {
        assert_eq!(group_limit("max\n"), Some(Limit::Unlimited));
        assert_eq!(group_limit("9223372036854771712\n"), Some(Limit::Unlimited));
        assert_eq!(group_limit("536870912\n"), Some(Limit::Bytes(512 << 20)));
        assert_eq!(group_limit(""), None);
    }

    #[test]
    fn the_hierarchy_that_has_the_memory_controller_counts() {
        assert_eq!(
            memory_group("0::/system.slice/ssh.service\n"),
            Some(MemoryGroup::Version2("/system.slice/ssh.service"))
        );
        assert_eq!(
            memory_group("5:cpu,memory:/a:b\n1:name=systemd:/\n0::/\n"),
            Some(MemoryGroup::Version1("/a:b"))
        );
        assert_eq!(memory_group("1:name=systemd:/\n"), None);
    }

    #[test]
    fn lists_have_ranges() {
        assert_eq!(list_len("0-3,8\n"), Some(5));
        assert_eq!(list_len("0"), Some(1));
        assert_eq!(list_len("3-0"), None);
        assert_eq!(list_len("a-b"), None);
    }

    #[test]
    fn the_choice_stands_in_brackets() {
        assert_eq!(
            chosen("none [integrity] confidentiality\n"),
            Some("integrity")
        );
        assert_eq!(chosen("none\n"), None);
    }
}
