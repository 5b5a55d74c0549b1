//! Network namespaces, so that real traffic runs without touching the host: two of them with a veth
//! pair between make a [`Lab`].

#![expect(
    unsafe_code,
    reason = "entering a namespace is a system call that the standard library does not have"
)]

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail};

/// Where `ip netns` keeps the names.
const NAMES: &str = "/run/netns";

/// Beginning of every name that is made here; the number of the process follows.
const PREFIX: &str = "capture-";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A network namespace with its loopback up; gone when this is dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one under a name that no other process uses.
    ///
    /// # Errors
    ///
    /// When `ip netns add` fails: not root, or a kernel or container without namespaces.
    pub fn new() -> Result<Self> {
        remove_leftovers();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        ip(&["netns", "add", &name])?;
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// The name, for `ip -n`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside. The process keeps its id, so that a signal reaches it.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name])
            .arg(program.as_ref());
        command
    }

    /// Runs `ip` on this namespace.
    ///
    /// # Errors
    ///
    /// When it fails, with what it said.
    pub fn ip(&self, arguments: &[&str]) -> Result<()> {
        let mut all = vec!["-n", &self.name];
        all.extend(arguments);
        ip(&all)
    }

    /// Runs `work` inside, on a thread that ends with it; what it opens stays in this namespace.
    ///
    /// # Errors
    ///
    /// Those of `work`, and when the namespace cannot be entered.
    ///
    /// # Panics
    ///
    /// When `work` does.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = Path::new(NAMES).join(&self.name);
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                join(&path).with_context(|| format!("entering the namespace {}", self.name))?;
                work()
            });
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A failure leaves a name behind, which the next namespace that is made removes.
        drop(
            Command::new("ip")
                .args(["netns", "del", &self.name])
                .stderr(Stdio::null())
                .status(),
        );
    }
}

/// Moves the calling thread, which must be one of this file's own, into a namespace.
fn join(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    // SAFETY: the descriptor is open, and the call changes nothing but this thread's namespace.
    let failed = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
    if failed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Removes namespaces of processes that were killed before they could.
fn remove_leftovers() {
    let Ok(names) = fs::read_dir(NAMES) else {
        return;
    };
    for name in names
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
    {
        let process = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('-'))
            .map(|(process, _)| process);
        let Some(process) =
            process.filter(|process| process.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            continue;
        };
        if !PathBuf::from("/proc").join(process).exists() {
            drop(
                Command::new("ip")
                    .args(["netns", "del", &name])
                    .stderr(Stdio::null())
                    .status(),
            );
        }
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("starting ip (package iproute2)")?;
    if !output.status.success() {
        bail!(
            "ip {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// One end of the wire of a [`Lab`].
#[derive(Debug)]
pub struct Host {
    /// Where it lives.
    pub namespace: Namespace,
    /// Name of its interface.
    pub interface: &'static str,
    /// Its address, of a range reserved for documentation (RFC 5737).
    pub ipv4: Ipv4Addr,
    /// Its address, of a range reserved for documentation (RFC 3849).
    pub ipv6: Ipv6Addr,
}

impl Host {
    /// Its address of a family.
    pub fn address(&self, family: Family) -> IpAddr {
        match family {
            Family::Ipv4 => self.ipv4.into(),
            Family::Ipv6 => self.ipv6.into(),
        }
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// Two namespaces, client and server, with a veth pair between them. Nothing of it is visible from
/// the host but two names in `ip netns`.
#[derive(Debug)]
pub struct Lab {
    /// The side that connects.
    pub client: Host,
    /// The side that is connected to.
    pub server: Host,
}

impl Lab {
    /// Interface of the client, in its own namespace.
    pub const CLIENT_INTERFACE: &str = "client0";
    /// Interface of the server, in its own namespace.
    pub const SERVER_INTERFACE: &str = "server0";
    /// What a veth has when nobody says otherwise, in bytes.
    pub const DEFAULT_MTU: u32 = 1500;
    /// An address on the wire that nobody has, but whose link address the client knows: what is
    /// sent there goes out, and nothing comes back.
    pub const SILENT_IPV4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 99);
    /// As [`Self::SILENT_IPV4`].
    pub const SILENT_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x99);

    /// Makes the lab with [`Self::DEFAULT_MTU`].
    ///
    /// # Errors
    ///
    /// As [`Self::with_mtu`].
    pub fn new() -> Result<Self> {
        Self::with_mtu(Self::DEFAULT_MTU)
    }

    /// Makes the lab; `mtu` in bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::with_queues`].
    pub fn with_mtu(mtu: u32) -> Result<Self> {
        Self::make(mtu, 1)
    }

    /// Makes the lab with [`Self::DEFAULT_MTU`] and so many queues at both ends, each way.
    ///
    /// # Errors
    ///
    /// As [`Namespace::new`], and when the kernel has no veth.
    pub fn with_queues(queues: u32) -> Result<Self> {
        Self::make(Self::DEFAULT_MTU, queues)
    }

    fn make(mtu: u32, queues: u32) -> Result<Self> {
        let queues = queues.to_string();
        let queues = ["numrxqueues", &queues, "numtxqueues", &queues];
        let client = Host {
            namespace: Namespace::new()?,
            interface: Self::CLIENT_INTERFACE,
            ipv4: Ipv4Addr::new(198, 51, 100, 1),
            ipv6: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        };
        let server = Host {
            namespace: Namespace::new()?,
            interface: Self::SERVER_INTERFACE,
            ipv4: Ipv4Addr::new(198, 51, 100, 2),
            ipv6: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
        };
        let name = ["link", "add", client.interface];
        let peer = ["type", "veth", "peer", "name", server.interface];
        let netns = ["netns", server.namespace.name()];
        let words = [&name[..], &queues, &peer, &queues, &netns].concat();
        client.namespace.ip(&words)?;
        let mtu = mtu.to_string();
        for host in [&client, &server] {
            let ip = |arguments: &[&str]| host.namespace.ip(arguments);
            ip(&["link", "set", host.interface, "mtu", &mtu])?;
            ip(&[
                "addr",
                "add",
                &format!("{}/24", host.ipv4),
                "dev",
                host.interface,
            ])?;
            // Without duplicate address detection the address works at once.
            ip(&[
                "addr",
                "add",
                &format!("{}/64", host.ipv6),
                "dev",
                host.interface,
                "nodad",
            ])?;
            ip(&["link", "set", host.interface, "up"])?;
        }
        for silent in [IpAddr::from(Self::SILENT_IPV4), Self::SILENT_IPV6.into()] {
            client.namespace.ip(&[
                "neigh",
                "add",
                &silent.to_string(),
                "lladdr",
                "02:00:00:00:00:99",
                "dev",
                client.interface,
                "nud",
                "permanent",
            ])?;
        }
        Ok(Self { client, server })
    }
}
