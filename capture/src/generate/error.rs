//! What can be in the way of sending, in words that say what to do.

use std::io;

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use capture_common::generator::SettingsError;

use crate::export::ExportError;
use crate::iface::IfaceError;
use crate::kernel::{chain, io_error, is_permission};
use crate::sink::SinkError;

/// Why frames cannot be made or sent.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The traffic is none that can be made.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Sizes that cannot be mixed.
    #[error("{0}")]
    Sizes(String),
    /// A rate at which nothing is ever sent.
    #[error("a rate of zero never ends")]
    NoRate,
    /// The interface is the loopback, where a frame that goes out comes in again.
    #[error(
        "the generator cannot send out of the loopback interface; use a veth pair (ip link add veth0 type veth peer name veth1)"
    )]
    Loopback,
    /// The interface leads somewhere, and nobody said that this is wanted.
    #[error(
        "{iface} is {}, not a veth: frames would leave this machine, or reach somebody; \
         --yes-onto {iface} if that is what you want",
        kind.as_ref().map_or_else(|| "hardware".to_owned(), |kind| format!("of kind {kind}"))
    )]
    NotVeth {
        /// The interface.
        iface: String,
        /// Its kind; `None` for hardware.
        kind: Option<String>,
    },
    /// The interface has no Ethernet frames.
    #[error(
        "{iface} is not an Ethernet device (ARPHRD {hardware}), and Ethernet frames are what is made"
    )]
    NotEthernet {
        /// The interface.
        iface: String,
        /// The kernel's type of hardware (`ARPHRD_*` in `linux/if_arp.h`).
        hardware: u16,
    },
    /// The interface is down.
    #[error("{iface} is down; bring it up: ip link set {iface} up")]
    Down {
        /// The interface.
        iface: String,
    },
    /// Frames that the interface would refuse.
    #[error(
        "{iface} has an MTU of {mtu} bytes, and the longest frame carries {len}; choose a smaller --size, or ip link set {iface} mtu {len}"
    )]
    Mtu {
        /// The interface.
        iface: String,
        /// Its MTU, in bytes.
        mtu: u32,
        /// Bytes of the longest frame behind its link layer's header.
        len: u32,
    },
    /// The other end of a veth does not take frames that are no socket buffers.
    #[error(
        "{iface} has nobody at its other end who takes the frames: start `capture live` or another XDP program there, \
         or turn on GRO (ethtool -K PEER gro on), and bring it up"
    )]
    NobodyTakes {
        /// The interface.
        iface: String,
    },
    /// The driver cannot send frames that are no socket buffers.
    #[error(
        "the driver of {iface} cannot send XDP frames (ndo_xdp_xmit); use another interface, or -w FILE and tcpreplay"
    )]
    CannotSend {
        /// The interface.
        iface: String,
    },
    /// The kernel is too old.
    #[error(
        "this kernel ({release}) is too old: frames are sent by live-frame test runs, which need Linux 5.18; -w FILE works"
    )]
    KernelTooOld {
        /// `uname -r`.
        release: String,
    },
    /// Too few rights.
    #[error(
        "not permitted: sending needs root (CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN); try sudo; -w FILE needs no rights"
    )]
    NotPermitted,
    /// Something about the interface could not be found out, or there is no such.
    #[error(transparent)]
    Iface(#[from] IfaceError),
    /// The file cannot be begun.
    #[error(transparent)]
    Output(#[from] SinkError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] ExportError),
    /// A thread could not be started or pinned.
    #[error("{what}: {source}")]
    Thread {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Fewer frames left than were asked for: a bug here.
    #[error("{asked} frames asked for, {made} made; this is a bug")]
    Miscounted {
        /// Frames that were asked for.
        asked: u64,
        /// Frames that were made.
        made: u64,
    },
    /// Anything else that the kernel would not do.
    #[error("{what}: {reason}")]
    Kernel {
        /// What was tried.
        what: String,
        /// What the kernel said.
        reason: String,
    },
}

impl GenerateError {
    /// From a call into the kernel.
    pub(super) fn kernel(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        if io_error(error).is_some_and(is_permission) {
            return Self::NotPermitted;
        }
        Self::Kernel {
            what: what.to_owned(),
            reason: chain(error),
        }
    }

    /// From loading the object.
    pub(super) fn loading(error: &EbpfError) -> Self {
        if let EbpfError::MapError(MapError::CreateError { io_error, .. }) = error
            && is_permission(io_error)
        {
            return Self::NotPermitted;
        }
        Self::kernel("load the generator's object", error)
    }

    /// From loading one of its programs.
    pub(super) fn refused(name: &str, error: &ProgramError) -> Self {
        if let ProgramError::LoadError { io_error, .. } = error
            && is_permission(io_error)
        {
            return Self::NotPermitted;
        }
        Self::kernel(&format!("load the program {name}"), error)
    }

    /// What a file that lacks a part says.
    pub(super) fn missing(what: &str) -> Self {
        Self::Kernel {
            what: "read the generator's object".to_owned(),
            reason: format!("it has no {what}"),
        }
    }
}
