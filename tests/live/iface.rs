//! What the library says of interfaces, held against `ip` and `ethtool` in a namespace of its own.

use std::process::Command;

use anyhow::Result;
use capture::doctor::{RingMemory, Status, examine};
use capture::iface;
use capture_tests::netns::Namespace;
use capture_tests::oracle;
use serde_json::Value;

/// Runs a command line in a namespace, and gives what it prints.
fn run(namespace: &Namespace, line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let mut command: Command = namespace.command(words.next().unwrap_or_default());
    oracle::output(command.args(words))
}

/// Calls a function on a thread in a namespace. The thread sees the `/sys` of the test all the same.
fn inside<T: Send>(namespace: &Namespace, function: impl FnOnce() -> T + Send) -> T {
    namespace.enter(|| Ok(function())).unwrap()
}

/// A namespace with both ends of a veth pair, `va` and `vb`; `None`, with a line that says why,
/// where ethtool is missing.
fn with_veth_pair() -> Option<Namespace> {
    if !oracle::require(&["ethtool"]) {
        return None;
    }
    let namespace = Namespace::new().unwrap();
    let ip = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        namespace.ip(&words).unwrap();
    };
    ip("link add va numrxqueues 4 numtxqueues 3 mtu 1450 type veth peer name vb");
    ip("link set va up");
    ip("link set vb up");
    Some(namespace)
}

#[test]
fn interfaces_are_those_of_the_namespace_of_the_thread() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let ours = inside(&namespace, || iface::all().unwrap());
    let theirs: Value = serde_json::from_str(&run(&namespace, "ip -j -d link").unwrap()).unwrap();
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
    let unknown = inside(&namespace, || iface::find("eth9").unwrap_err().to_string());
    assert_eq!(unknown, "no interface \"eth9\"; there are: lo, vb, va");
}

#[test]
fn an_alternative_name_finds_its_interface() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    run(
        &namespace,
        "ip link property add dev va altname short altname longer-than-fifteen-bytes",
    )
    .unwrap();
    for name in ["short", "longer-than-fifteen-bytes"] {
        assert_eq!(inside(&namespace, || iface::find(name).unwrap().name), "va");
    }
}

#[test]
fn offloads_are_those_that_ethtool_names() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let theirs = || {
        let text = run(&namespace, "ethtool -k va").unwrap();
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
            run(&namespace, &format!("ethtool -K va {change}")).unwrap();
        }
        let ours = inside(&namespace, || iface::offloads("va"));
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
    let driver = inside(&namespace, || iface::driver("va"));
    let theirs = run(&namespace, "ethtool -i va").unwrap();
    assert_eq!(
        driver.as_deref(),
        theirs.lines().next().unwrap().strip_prefix("driver: ")
    );
    run(&namespace, "ethtool -L va rx 3 tx 2").unwrap();
    let channels = inside(&namespace, || iface::channels("va")).unwrap();
    assert_eq!((channels.rx, channels.tx), (3, 2));
    assert_eq!((channels.max_rx, channels.max_tx), (4, 3), "as it was made");
}

#[test]
fn default_routes_count_in_every_table_and_family() {
    let Some(namespace) = with_veth_pair() else {
        return;
    };
    let index = |name| inside(&namespace, || iface::find(name).unwrap().index);
    let (va, vb) = (index("va"), index("vb"));
    let routes = || inside(&namespace, || iface::default_routes().unwrap());
    assert_eq!(routes(), [0_u32; 0]);
    run(&namespace, "ip addr add 192.0.2.1/24 dev va").unwrap();
    run(&namespace, "ip addr add 198.51.100.1/24 dev vb").unwrap();
    run(&namespace, "ip route add unreachable default metric 4000").unwrap();
    assert_eq!(routes(), [0_u32; 0], "leads nowhere");
    run(&namespace, "ip route add default via 198.51.100.9 table 77").unwrap();
    assert_eq!(routes(), [vb]);
    run(&namespace, "ip route flush table 77").unwrap();
    run(&namespace, "ip -6 route add default dev va").unwrap();
    assert_eq!(routes(), [va]);
    run(
        &namespace,
        "ip route add default nexthop via 192.0.2.9 nexthop via 198.51.100.9",
    )
    .unwrap();
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
        let report = inside(&namespace, || examine(Some("va"), memory));
        report
            .checks()
            .find(|check| check.subject == subject)
            .unwrap()
            .status
    };
    assert_eq!(status("VLAN tags"), Status::Warn);
    assert_eq!(status("state"), Status::Ok);
    run(&namespace, "ethtool -K va rxvlan off").unwrap();
    run(&namespace, "ip link set va down").unwrap();
    assert_eq!(status("VLAN tags"), Status::Ok);
    assert_eq!(status("state"), Status::Warn);
    let overview = inside(&namespace, || examine(None, memory));
    let shown: Vec<_> = overview.sections[2]
        .checks
        .iter()
        .map(|check| &check.subject)
        .collect();
    assert_eq!(shown, ["vb"], "va is down, and loopback is left out");
}
