//! The kernel: its version and what is switched on in it, and whether this process may use it.

use std::fs;
use std::io;

use aya::maps::MapType;
use aya::programs::{ProgramError, ProgramType, loaded_programs};
use aya::sys::{SyscallError, is_map_supported, is_program_supported};

use super::Check;
use super::procfs::{self, Version};
use crate::iface::{self, IfaceError};

/// The first kernel with TCX links, where what goes out is seen.
const TCX: Version = Version::new(6, 6);

/// Capabilities that loading and attaching need, from `linux/capability.h`, with the bit of each.
const CAPABILITIES: [(&str, u32); 3] =
    [("CAP_BPF", 39), ("CAP_NET_ADMIN", 12), ("CAP_PERFMON", 38)];
const CAP_SYS_ADMIN: u32 = 21;

/// The version of the running kernel; `None` if it cannot be read.
pub(super) fn running_version() -> Option<Version> {
    Version::parse(&fs::read_to_string("/proc/sys/kernel/osrelease").ok()?)
}

pub(super) fn examine(running: Option<Version>) -> Vec<Check> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let missing = missing_capabilities(&status);
    let privileged = missing.is_empty();
    let mut checks = vec![
        version(release.trim(), running),
        privileges(&missing),
        probe(
            "ring buffer",
            "a map was created",
            privileged,
            ring_buffer(),
        ),
        probe("XDP", "a program was loaded", privileged, xdp()),
        probe("TCX", "the kernel answers for it", privileged, tcx()),
        btf(fs::File::open("/sys/kernel/btf/vmlinux").map(drop)),
        jit(
            &fs::read_to_string("/proc/sys/net/core/bpf_jit_enable"),
            compiled(),
        ),
        lockdown(&fs::read_to_string("/sys/kernel/security/lockdown")),
    ];
    checks.extend(statistics(fs::read_to_string(
        "/proc/sys/kernel/bpf_stats_enabled",
    )));
    checks
}

fn version(release: &str, version: Option<Version>) -> Check {
    let subject = "version";
    match version {
        None => Check::note(subject, "cannot be read from /proc/sys/kernel/osrelease")
            .remedy("mount -t proc proc /proc"),
        Some(version) if version < TCX => Check::fail(
            subject,
            format!(
                "{release}: too old; 6.6 is the first where packets that go out are seen (TCX)"
            ),
        )
        .remedy(
            "boot 6.6 or later (Debian 12: apt install -t bookworm-backports linux-image-amd64)",
        ),
        Some(_) => Check::ok(subject, release),
    }
}

/// The names of the capabilities that are needed and not there.
///
/// `CAP_SYS_ADMIN` stands for the two that were split from it (capabilities(7)).
fn missing_capabilities(status: &str) -> Vec<&'static str> {
    let effective = procfs::effective_capabilities(status).unwrap_or(0);
    let has = |bit: u32| effective & (1 << bit) != 0;
    CAPABILITIES
        .into_iter()
        .filter(|&(name, bit)| !has(bit) && (name == "CAP_NET_ADMIN" || !has(CAP_SYS_ADMIN)))
        .map(|(name, _)| name)
        .collect()
}

fn privileges(missing: &[&str]) -> Check {
    let subject = "privileges";
    let all = CAPABILITIES.map(|(name, _)| name);
    if missing.is_empty() {
        return Check::ok(subject, all.join(", "));
    }
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let found = format!("{} {verb} missing", missing.join(", "));
    let wanted = all.join(",").to_lowercase();
    let program = std::env::current_exe();
    let program = program.map_or_else(|_| "capture".into(), |path| path.display().to_string());
    Check::fail(subject, found).remedy(format!(
        "run it with sudo, or once: sudo setcap {wanted}+ep {program}"
    ))
}

/// What trying a feature has shown.
#[derive(Debug)]
enum Probe {
    Works,
    Unknown,
    Refused(io::Error),
}

fn ring_buffer() -> Probe {
    match is_map_supported(MapType::RingBuf) {
        Ok(true) => Probe::Works,
        Ok(false) => Probe::Unknown,
        Err(SyscallError { io_error, .. }) => Probe::Refused(io_error),
    }
}

fn xdp() -> Probe {
    match is_program_supported(ProgramType::Xdp) {
        Ok(true) => Probe::Works,
        Ok(false) => Probe::Unknown,
        Err(ProgramError::SyscallError(SyscallError { io_error, .. })) => Probe::Refused(io_error),
        Err(error) => Probe::Refused(io::Error::other(error)),
    }
}

/// Asks which programs are attached to the loopback interface: a kernel without TCX does not know
/// the question.
fn tcx() -> Probe {
    match iface::tcx_programs("lo") {
        Ok(_) => Probe::Works,
        Err(IfaceError::Tcx { source }) if source.raw_os_error() == Some(libc::EINVAL) => {
            Probe::Unknown
        }
        Err(IfaceError::Tcx { source }) => Probe::Refused(source),
        Err(error) => Probe::Refused(io::Error::other(error)),
    }
}

fn probe(subject: &str, works: &str, privileged: bool, probe: Probe) -> Check {
    match probe {
        Probe::Works => Check::ok(subject, works),
        Probe::Unknown => Check::fail(subject, "not in this kernel")
            .remedy("boot a kernel of 6.6 or later with CONFIG_BPF_SYSCALL and CONFIG_NET_XGRESS"),
        Probe::Refused(_) if !privileged => {
            Check::note(subject, "not tried: privileges are missing")
                .remedy("run this again with sudo")
        }
        Probe::Refused(error) => Check::fail(
            subject,
            format!("refused in spite of the privileges: {error}"),
        )
        .remedy("in a container, leave its restrictions: docker run --privileged --network host"),
    }
}

fn btf(readable: io::Result<()>) -> Check {
    let subject = "BTF";
    match readable {
        Ok(()) => Check::ok(subject, "/sys/kernel/btf/vmlinux can be read"),
        Err(error) => Check::warn(
            subject,
            format!("no kernel types ({error}): programs that need them cannot be loaded"),
        )
        .remedy("boot a kernel with CONFIG_DEBUG_INFO_BTF=y; in a container: mount /sys"),
    }
}

/// Whether a program that is loaded now, no matter whose, was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compiled {
    Seen,
    NotSeen,
}

fn compiled() -> Compiled {
    let mut programs = loaded_programs().filter_map(Result::ok);
    if programs.any(|program| program.size_jitted() > 0) {
        Compiled::Seen
    } else {
        Compiled::NotSeen
    }
}

fn jit(setting: &io::Result<String>, compiled: Compiled) -> Check {
    let subject = "JIT";
    let on = "sysctl -w net.core.bpf_jit_enable=1";
    match setting.as_deref().map(str::trim) {
        Ok("1") => Check::ok(subject, "programs are compiled"),
        Ok("2") => Check::warn(
            subject,
            "programs are compiled, and each is written to the kernel log",
        )
        .remedy(on),
        Ok("0") => Check::warn(
            subject,
            "off: programs are interpreted, several times slower",
        )
        .remedy(on),
        Ok(other) => Check::note(subject, format!("unknown setting {other}")).remedy(on),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match compiled {
            Compiled::Seen => Check::ok(subject, "the programs that are loaded are compiled"),
            Compiled::NotSeen => Check::note(
                subject,
                "not shown here: the setting is in the first network namespace",
            )
            .remedy("sudo nsenter -t 1 -n sysctl net.core.bpf_jit_enable   # 1 is right"),
        },
        Err(error) => Check::note(subject, format!("cannot be read: {error}"))
            .remedy("sudo sysctl net.core.bpf_jit_enable   # 1 is right"),
    }
}

/// Lockdown takes the reading of kernel memory and the writing of user memory from BPF programs;
/// programs on packets do neither. It is worth a line because it is the first suspect.
fn lockdown(setting: &io::Result<String>) -> Check {
    let subject = "lockdown";
    match setting.as_deref().map(procfs::chosen) {
        Ok(Some("none")) => Check::ok(subject, "off"),
        Ok(Some(mode)) => Check::ok(
            subject,
            format!("{mode}: does not concern programs on packets"),
        ),
        Ok(None) | Err(_) => Check::ok(subject, "not in this kernel, or not shown here"),
    }
}

fn statistics(setting: io::Result<String>) -> Option<Check> {
    let subject = "run statistics";
    match setting.ok()?.trim() {
        "0" => Some(Check::ok(subject, "off")),
        _ => Some(
            Check::note(
                subject,
                "on: every run of every program is timed, which costs time per packet",
            )
            .remedy("sysctl -w kernel.bpf_stats_enabled=0"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_kernel_without_tcx_links_fails() {
        let status = |text| version(text, Version::parse(text)).status;
        assert_eq!(status("6.1.0-18-amd64"), Status::Fail);
        assert_eq!(status("6.6.0"), Status::Ok);
        assert_eq!(version("", None).status, Status::Note);
    }

    #[test]
    fn each_missing_capability_is_named() {
        let missing = |bits: u64| missing_capabilities(&format!("CapEff:\t{bits:016x}\n"));
        assert_eq!(missing(0), ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"]);
        assert_eq!(missing((1 << 39) | (1 << 38)), ["CAP_NET_ADMIN"]);
        assert_eq!(
            missing(1 << 21),
            ["CAP_NET_ADMIN"],
            "CAP_SYS_ADMIN stands for the others"
        );
        assert!(missing((1 << 21) | (1 << 12)).is_empty());
        assert_eq!(privileges(&["CAP_BPF"]).found, "CAP_BPF is missing");
        assert_eq!(privileges(&[]).status, Status::Ok);
    }

    #[test]
    fn a_refused_probe_fails_only_with_privileges() {
        let refused = || Probe::Refused(io::Error::from_raw_os_error(libc::EPERM));
        assert_eq!(probe("XDP", "", false, refused()).status, Status::Note);
        assert_eq!(probe("XDP", "", true, refused()).status, Status::Fail);
        assert_eq!(probe("XDP", "", true, Probe::Unknown).status, Status::Fail);
        assert_eq!(probe("XDP", "", true, Probe::Works).status, Status::Ok);
    }

    #[test]
    fn settings_that_cost_time_are_pointed_out() {
        let text = |text: &str| Ok(text.to_owned());
        let absent = || Err(io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(jit(&text("1\n"), Compiled::NotSeen).status, Status::Ok);
        assert_eq!(jit(&text("0\n"), Compiled::Seen).status, Status::Warn);
        assert_eq!(jit(&absent(), Compiled::NotSeen).status, Status::Note);
        assert_eq!(jit(&absent(), Compiled::Seen).status, Status::Ok);
        assert_eq!(statistics(text("1\n")).unwrap().status, Status::Note);
        assert_eq!(statistics(text("0\n")).unwrap().status, Status::Ok);
        assert_eq!(statistics(absent()), None);
        let found = |setting: io::Result<String>| lockdown(&setting).found;
        assert!(found(text("none [integrity] confidentiality\n")).starts_with("integrity"));
        assert_eq!(found(text("[none] integrity confidentiality\n")), "off");
        assert_eq!(
            btf(Err(io::Error::from(io::ErrorKind::NotFound))).status,
            Status::Warn
        );
    }
}
