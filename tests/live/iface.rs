//! What the library says of interfaces, held against `ip` and `ethtool` in a namespace of its own.
#![expect(unsafe_code, reason = "entering a network namespace is a system call")]

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use capture::doctor::{RingMemory, Status, examine};
use capture::iface;
use serde_json::Value;

/// A network namespace that goes away with this value.
struct Namespace(String);

impl Namespace {
    /// Makes one; `None`, with a line that says why, where that is not possible.
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("iface-{}-{number}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        if made.is_ok_and(|output| output.status.success()) {
            return Some(Self(name));
        }
        println!("SKIPPED: needs root and ip");
        None
    }

    /// Runs a command line in it, and gives what it prints.
    fn run(&self, line: &str) -> String {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.0])
            .args(line.split_whitespace());
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Calls a function on a thread in it. The thread sees the `/sys` of the test all the same.
    fn inside<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.0)).unwrap();
        let body = || {
            // SAFETY: no pointers are passed; only this thread changes its namespace.
            let entered = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(entered, 0, "{}", std::io::Error::last_os_error());
            function()
        };
        thread::scope(|scope| scope.spawn(body).join().unwrap())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let removed = Command::new("ip").args(["netns", "del", &self.0]).status();
        assert!(
            removed.is_ok_and(|status| status.success()),
            "{} stays",
            self.0
        );
    }
}

/// A namespace with both ends of a veth pair, `va` and `vb`; `None`, with a line that says why,
/// where that is not possible.
fn with_veth_pair() -> Option<Namespace> {
    if Command::new("ethtool").arg("--version").output().is_err() {
        println!("SKIPPED: ethtool is not installed");
        return None;
    }
    let namespace = Namespace::new()?;
    namespace.run("ip link add va numrxqueues 4 numtxqueues 3 mtu 1450 type veth peer name vb");
    namespace.run("ip link set va up");
    namespace.run("ip link set vb up");
    Some(namespace)
}

#[test]
fn interfaces_are_those_of_the_namespace_of_the_thread() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let ours = namespace.inside(|| iface::all().unwrap());
    let theirs: Value = serde_json::from_str(&namespace.run("ip -j -d link")).unwrap();
    let theirs = theirs.as_array().unwrap();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(theirs["ifname"], ours.name);
        assert_eq!(theirs["ifindex"], ours.index);
        assert_eq!(theirs["mtu"], ours.mtu);
        assert_eq!(theirs["num_rx_queues"], ours.rx_queues);
        assert_eq!(theirs["num_tx_queues"], ours.tx_queues);
        assert_eq!(
            theirs["flags"].as_array().unwrap().contains(&"UP".into()),
            ours.up
        );
        assert_eq!(
            theirs["linkinfo"]["info_kind"].as_str(),
            ours.kind.as_deref()
        );
    }
    let unknown = namespace.inside(|| iface::find("eth9").unwrap_err().to_string());
    assert_eq!(unknown, "no interface \"eth9\"; there are: lo, vb, va");
}

#[test]
fn an_alternative_name_finds_its_interface() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    namespace.run("ip link property add dev va altname short altname longer-than-fifteen-bytes");
    for name in ["short", "longer-than-fifteen-bytes"] {
        assert_eq!(namespace.inside(|| iface::find(name).unwrap().name), "va");
    }
}

#[test]
fn offloads_are_those_that_ethtool_names() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let theirs = || {
        let text = namespace.run("ethtool -k va");
        move |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
            Some(
                line.unwrap()
                    .trim_start_matches(':')
                    .trim()
                    .starts_with("on"),
            )
        }
    };
    for change in ["", "rxvlan off", "gro on", "tso off", "gso off"] {
        if !change.is_empty() {
            namespace.run(&format!("ethtool -K va {change}"));
        }
        let ours = namespace.inside(|| iface::offloads("va"));
        let theirs = theirs();
        assert_eq!(ours.rx_vlan, theirs("rx-vlan-offload"), "{change}");
        assert_eq!(ours.rx_checksum, theirs("rx-checksumming"), "{change}");
        assert_eq!(ours.tx_checksum, theirs("tx-checksumming"), "{change}");
        assert_eq!(ours.rx_hash, theirs("receive-hashing"), "{change}");
        assert_eq!(ours.gro, theirs("generic-receive-offload"), "{change}");
        assert_eq!(ours.lro, theirs("large-receive-offload"), "{change}");
        assert_eq!(ours.gso, theirs("generic-segmentation-offload"), "{change}");
        assert_eq!(ours.tso, theirs("tcp-segmentation-offload"), "{change}");
    }
    let driver = namespace.inside(|| iface::driver("va"));
    let theirs = namespace.run("ethtool -i va");
    assert_eq!(
        driver.as_deref(),
        theirs.lines().next().unwrap().strip_prefix("driver: ")
    );
    namespace.run("ethtool -L va rx 3 tx 2");
    let channels = namespace.inside(|| iface::channels("va")).unwrap();
    assert_eq!((channels.rx, channels.tx), (3, 2));
    assert_eq!((channels.max_rx, channels.max_tx), (4, 3), "as it was made");
}

#[test]
fn default_routes_count_in_every_table_and_family() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let index = |name| namespace.inside(|| iface::find(name).unwrap().index);
    let (va, vb) = (index("va"), index("vb"));
    let routes = || namespace.inside(|| iface::default_routes().unwrap());
    assert_eq!(routes(), [0_u32; 0]);
    namespace.run("ip addr add 192.0.2.1/24 dev va");
    namespace.run("ip addr add 198.51.100.1/24 dev vb");
    namespace.run("ip route add unreachable default metric 4000");
    assert_eq!(routes(), [0_u32; 0], "leads nowhere");
    namespace.run("ip route add default via 198.51.100.9 table 77");
    assert_eq!(routes(), [vb]);
    namespace.run("ip route flush table 77");
    namespace.run("ip -6 route add default dev va");
    assert_eq!(routes(), [va]);
    namespace.run("ip route add default nexthop via 192.0.2.9 nexthop via 198.51.100.9");
    assert_eq!(routes(), [vb, va], "ascending: the peer is made first");
}

#[test]
fn the_doctor_sees_what_was_set() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let memory = RingMemory {
        rings: 1,
        ring_bytes: 1 << 20,
    };
    let status = |subject: &str| {
        let report = namespace.inside(|| examine(Some("va"), memory));
        report
            .checks()
            .find(|check| check.subject == subject)
            .unwrap()
            .status
    };
    assert_eq!(status("VLAN tags"), Status::Warn);
    assert_eq!(status("state"), Status::Ok);
    namespace.run("ethtool -K va rxvlan off");
    namespace.run("ip link set va down");
    assert_eq!(status("VLAN tags"), Status::Ok);
    assert_eq!(status("state"), Status::Warn);
    let overview = namespace.inside(|| examine(None, memory));
    let shown: Vec<_> = overview.sections[2]
        .checks
        .iter()
        .map(|check| &check.subject)
        .collect();
    assert_eq!(shown, ["vb"], "va is down, and loopback is left out");
}
