//! What can go wrong between this program and the kernel, in words that say what to do.

use std::io;

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use aya::sys::SyscallError;

use crate::filter::capture::FilterError;
use crate::iface::IfaceError;

/// Why packets cannot be captured.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The interface carries the default route, and tap mode would cut it off.
    #[error(
        "{iface} carries the default route: tap mode consumes its frames and would cut this host off; \
         use mirror mode (without --tap), or --force if that is what you want"
    )]
    DefaultRoute {
        /// The interface.
        iface: String,
    },
    /// The interface is down.
    #[error("{iface} is down; bring it up: ip link set {iface} up")]
    Down {
        /// The interface.
        iface: String,
    },
    /// Something about the interface could not be found out, or there is no such.
    #[error(transparent)]
    Iface(#[from] IfaceError),
    /// The capture filter makes no sense for any of the interfaces.
    #[error("in the filter: {0}")]
    Filter(#[from] FilterError),
    /// The kernel's verifier gave up on the capture filter.
    #[error(
        "the filter is too large for the kernel ({reason}); use a shorter one: a net or a portrange \
         in place of many hosts or ports, or filter the file afterwards"
    )]
    FilterTooComplex {
        /// What the kernel said.
        reason: String,
    },
    /// The kernel has no type information.
    #[error("the kernel has no BTF (/sys/kernel/btf/vmlinux): it needs CONFIG_DEBUG_INFO_BTF=y")]
    NoBtf,
    /// The kernel is too old for what is asked of it.
    #[error(
        "this kernel ({release}) is too old: TCX links need Linux 6.6; --direction in at XDP works from 6.0 on, \
         and from 5.18 on with --ring-size 2MiB"
    )]
    KernelTooOld {
        /// `uname -r`.
        release: String,
    },
    /// The kernel has no memory for the rings, or may not give it.
    #[error(
        "the kernel gave no memory for {rings} ring(s) of {ring_bytes} bytes ({source}); \
         use a smaller --ring-size, fewer --workers, or raise the limit (ulimit -l, or the cgroup's memory.max)"
    )]
    Memory {
        /// Number of rings.
        rings: u32,
        /// Size of one.
        ring_bytes: u32,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel has no elements of maps that are as long as a ring.
    #[error(
        "this kernel has no rings of {ring_bytes} bytes: before Linux 6.0 they are at most 2 MiB; use --ring-size 2MiB"
    )]
    RingTooLong {
        /// Size of one.
        ring_bytes: u32,
    },
    /// Too few rights for a change.
    #[error(
        "not permitted: changing a running capture needs CAP_SYS_ADMIN beside what capturing needs; \
         run the capture as root, or end it and start another"
    )]
    MayNotChange,
    /// Too few rights.
    #[error(
        "not permitted: capturing needs root, or the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; \
         try sudo, and `capture doctor` for what is missing"
    )]
    NotPermitted,
    /// A program of somebody else is attached where only one can be.
    #[error(
        "{iface} already has an XDP program: id {id}{}; use --hook tc to capture behind it, \
         or remove it first (ip link set dev {iface} xdp off, or end the process that holds it)", name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default()
    )]
    Occupied {
        /// The interface.
        iface: String,
        /// Id of the program.
        id: u32,
        /// Its name, if the kernel tells.
        name: Option<String>,
    },
    /// More interfaces have come than there are numbers for in one run.
    #[error(
        "{iface} is the {}th interface of this run, and there are no more numbers; start it again",
        u32::from(u16::MAX) + 2
    )]
    NoNumbers {
        /// The interface.
        iface: String,
    },
    /// As many interfaces are captured as can be at once.
    #[error("{iface}: {max} interfaces are captured, and no more can be at once")]
    NoRoom {
        /// The interface.
        iface: String,
        /// How many there may be.
        max: usize,
    },
    /// No interface is meant.
    #[error("no interface that is up matches {patterns}; there are: {}", crate::iface::listed(.known))]
    NoneMatches {
        /// What was asked for.
        patterns: String,
        /// The names of those that there are.
        known: Vec<String>,
    },
    /// More interfaces than there is room for.
    #[error("{count} interfaces are too many; at most {max} can be captured at once")]
    TooManyIfaces {
        /// How many were asked for.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// The link layer is none that the programs know.
    #[error(
        "{iface} is neither an Ethernet nor an IP device (ARPHRD {hardware}); it cannot be captured"
    )]
    UnsupportedLink {
        /// The interface.
        iface: String,
        /// The kernel's type of hardware (`ARPHRD_*` in `linux/if_arp.h`).
        hardware: u16,
    },
    /// The kernel refused a program; this is a bug here, or a kernel that nobody tried.
    #[error("the kernel refused program {program}: {reason}")]
    Refused {
        /// Name of the program.
        program: &'static str,
        /// The end of the verifier's log, or what the kernel said.
        reason: String,
    },
    /// Too many interfaces wait to be described in the file of packets.
    #[error("{iface}: nobody takes the packets, so no more interfaces can be added to them")]
    WriterBehind {
        /// The interface.
        iface: String,
    },
    /// Anything else that the kernel would not do.
    #[error("{what} failed: {reason}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        reason: String,
    },
}

impl AttachError {
    /// Lines of the verifier's log that are shown: the reason stands at its end.
    const LOG_LINES: usize = 5;

    /// From a failure to load the object.
    pub(super) fn loading(error: &EbpfError) -> Self {
        if let EbpfError::MapError(MapError::CreateError { io_error, .. }) = error
            && is_permission(io_error)
        {
            return Self::NotPermitted;
        }
        Self::Kernel {
            what: "loading the eBPF object",
            reason: chain(error),
        }
    }

    /// From a failure to load one of its programs.
    pub(super) fn refused(program: &'static str, error: ProgramError) -> Self {
        match error {
            ProgramError::LoadError {
                io_error,
                verifier_log,
            } => {
                if is_permission(&io_error) && verifier_log.to_string().trim().is_empty() {
                    return Self::NotPermitted;
                }
                let log = verifier_log.to_string();
                let lines: Vec<&str> = log.lines().collect();
                let end = lines.len().saturating_sub(Self::LOG_LINES);
                Self::Refused {
                    program,
                    reason: format!("{io_error}: {}", lines[end..].join(" | ")),
                }
            }
            other => Self::Refused {
                program,
                reason: chain(&other),
            },
        }
    }

    /// From any other call.
    pub(super) fn kernel(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        if io_error(error).is_some_and(is_permission) {
            return Self::NotPermitted;
        }
        Self::Kernel {
            what,
            reason: chain(error),
        }
    }
}

pub(crate) fn is_permission(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES))
}

/// The I/O error at the bottom of an error, if that is what it is.
pub(crate) fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        if let Some(SyscallError { io_error, .. }) = error.downcast_ref::<SyscallError>() {
            return Some(io_error);
        }
        if let Some(ProgramError::SyscallError(SyscallError { io_error, .. })) =
            error.downcast_ref::<ProgramError>()
        {
            return Some(io_error);
        }
        if let Some(MapError::CreateError { io_error, .. }) = error.downcast_ref::<MapError>() {
            return Some(io_error);
        }
        next = error.source();
    }
    None
}

/// An error with everything behind it, on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = error.source();
    }
    text.replace('\n', " | ")
}
