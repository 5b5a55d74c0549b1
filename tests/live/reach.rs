//! Which interfaces are captured: several, all, those that come and go, those of other namespaces; and
//! beside the programs of others.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use capture::iface::{self, Interface, Selection};
use capture::kernel::{
    Delivery, Disposition, IngressHook, Insist, Kernel, Plan, Reception, Thinning, TimeStampType,
    Unmatched, Watch,
};
use capture_common::{Hook, MAX_IFACES};
use capture_tests::generator::{OBJECT, Pass};
use capture_tests::netns::{Family, Host, Lab, Namespace};
use capture_tests::oracle;
use capture_tests::program::{self, Program, Signal};
use capture_tests::traffic::{self, Side, Volume};
use serde_json::Value;

use crate::frames;
use crate::pcapng::File;
use crate::run::{Report, Run, assert_detached, command};
use crate::wire::{Wire, flush};

const IF_NAME: u16 = 2;
const EPB_FLAGS: u16 = 2;
const ISB_IFRECV: u16 = 4;
/// For local experiments (IEEE 802): nobody else sends it.
const ETHERTYPE: u16 = 0x88b5;

/// The names of the interfaces that a file describes, by their number.
fn described(file: &File) -> Vec<String> {
    let name = |interface: &crate::pcapng::Interface| {
        interface
            .options
            .text(IF_NAME)
            .unwrap_or_default()
            .to_owned()
    };
    file.interfaces.iter().map(name).collect()
}

/// `ip -batch` in a namespace.
fn batch(namespace: &Namespace, lines: &[String]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lines");
    fs::write(&path, lines.join("\n") + "\n")?;
    let mut ip = Command::new("ip");
    ip.args(["-n", namespace.name(), "-batch"]).arg(path);
    oracle::output(&mut ip).map(drop)
}

/// The lines that make a veth pair that says nothing by itself, and bring it up.
fn pair(one: &str, other: &str) -> Vec<String> {
    let mut lines = vec![format!("link add {one} type veth peer name {other}")];
    for name in [one, other] {
        lines.push(format!("link set {name} addrgenmode none"));
        lines.push(format!("link set {name} up"));
    }
    lines
}

/// A frame of nobody's protocol.
fn frame(number: usize) -> Vec<u8> {
    let mut payload = [0; 50];
    payload[..8].copy_from_slice(&number.to_be_bytes());
    frames::ethernet(ETHERTYPE, &payload)
}

/// Frames of nobody's protocol that a file has of each interface, going out.
fn sent(file: &File) -> BTreeMap<String, usize> {
    let names = described(file);
    let mut sent = BTreeMap::new();
    for packet in &file.packets {
        let outbound = packet.options.number(EPB_FLAGS).map(|flags| flags & 3) == Some(2);
        if outbound && packet.data.get(12..14) == Some(&ETHERTYPE.to_be_bytes()) {
            *sent
                .entry(names[packet.interface as usize].clone())
                .or_default() += 1;
        }
    }
    sent
}

/// What the report, the file's packets and its statistics say of each interface is the same.
fn assert_interfaces_agree(report: &Report) -> Result<()> {
    let file = report.packets()?;
    let names = described(&file);
    let reported = report.ledger["interfaces"]
        .as_array()
        .context("interfaces")?;
    assert_eq!(reported.len(), names.len(), "{}", report.ledger);
    assert_eq!(file.statistics.len(), names.len());
    let mut counted = vec![0; names.len()];
    for packet in &file.packets {
        counted[packet.interface as usize] += 1;
    }
    for (number, name) in names.iter().enumerate() {
        let one = &reported[number];
        assert_eq!(one["name"], **name);
        assert_eq!(one["packets"], counted[number], "{one}");
        let statistics = &file.statistics[number];
        assert_eq!(statistics.interface as usize, number);
        assert_eq!(
            statistics.options.number(ISB_IFRECV),
            Some(counted[number]),
            "{name}"
        );
    }
    Ok(())
}

#[test]
fn a_list_means_each_interface_once() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let list = format!("lo,{}", client.interface);
    let run = Run::start_in(
        &client.namespace,
        &["-i", &list, "-i", client.interface, "-i", "1"],
    )?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(described(&report.packets()?), ["lo", client.interface]);
    assert_interfaces_agree(&report)?;
    assert_detached(&client.namespace)
}

#[test]
fn any_follows_interfaces_that_come_and_go() -> Result<()> {
    const PAIRS: usize = 6;
    let namespace = Namespace::new()?;
    let mut run = Run::start_in(&namespace, &["-i", "any", "--workers", "2"])?;
    let over = AtomicBool::new(false);
    let datagrams = thread::scope(|scope| {
        // Traffic goes on all the while on the one that stays.
        let talk = scope.spawn(|| {
            namespace.enter(|| {
                let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                let mut sent = 0_u64;
                while !over.load(Ordering::Relaxed) {
                    one.send_to(b"hello", other.local_addr()?)?;
                    other.recv_from(&mut [0; 16])?;
                    sent += 1;
                }
                Ok(sent)
            })
        });
        let mut come_and_go = || -> Result<()> {
            for number in 0..PAIRS {
                let (one, other) = (format!("v{number}a"), format!("v{number}b"));
                batch(&namespace, &pair(&one, &other))?;
                for _ in 0..2 {
                    let line = run.wait_for_line(&format!("v{number}"))?;
                    ensure!(
                        line.contains(" came up: XDP ingress and TCX egress"),
                        "{line}"
                    );
                }
                let wire = Wire::open_on(&namespace, &one)?;
                for frame_number in 0..10 * number + 7 {
                    wire.send(&frame(frame_number))?;
                }
                // The last pair stays.
                if number + 1 < PAIRS {
                    namespace.ip(&["link", "del", &one])?;
                    for _ in 0..2 {
                        let line = run.wait_for_line(&format!("v{number}"))?;
                        ensure!(line.contains(" is gone; "), "{line}");
                    }
                }
            }
            Ok(())
        };
        let came = come_and_go();
        over.store(true, Ordering::Relaxed);
        let datagrams = talk.join().unwrap();
        came?;
        datagrams
    })?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_interfaces_agree(&report)?;
    let file = report.packets()?;
    assert_eq!(file.interfaces.len(), 1 + 2 * PAIRS);
    let expected: BTreeMap<_, _> = (0..PAIRS)
        .map(|number| (format!("v{number}a"), 10 * number + 7))
        .collect();
    assert_eq!(sent(&file), expected);
    assert_eq!(report.kernel("udp"), datagrams, "loopback, each once");
    assert_eq!(report.ledger["interfaces_refused"], 0);
    if oracle::require(&["tshark"]) {
        // Wireshark numbers and names them alike.
        let rows = oracle::tshark_fields(
            &report.packets_path(),
            "eth.type == 0x88b5 && frame.interface_name matches \"a$\" && frame.packet_flags_direction == 2",
            &["frame.interface_name"],
        )?;
        let mut counted = BTreeMap::new();
        for row in rows {
            *counted.entry(row[0].clone()).or_default() += 1;
        }
        assert_eq!(counted, expected);
    }
    assert_detached(&namespace)
}

#[test]
fn more_interfaces_than_there_is_room_for_wait_for_their_turn() -> Result<()> {
    const PAIRS: usize = 70;
    /// All of them and loopback, less those that there is room for.
    const LEFT_OUT: usize = 2 * PAIRS + 1 - MAX_IFACES;
    const FREED: usize = 10;
    let namespace = Namespace::new()?;
    let names = |number: usize| (format!("v{number}a"), format!("v{number}b"));
    let mut lines = Vec::new();
    for number in 0..PAIRS {
        let (one, other) = names(number);
        lines.extend(pair(&one, &other));
    }
    batch(&namespace, &lines)?;
    // One way and in generic mode, because that is attached and detached fast.
    let mut run = Run::start_in(&namespace, &["-i", "v*,lo", "--direction", "out"])?;
    for number in 0..FREED {
        let wire = Wire::open_on(&namespace, &names(number).0)?;
        for frame_number in 0..3 {
            wire.send(&frame(frame_number))?;
        }
    }
    let gone: Vec<_> = (0..FREED)
        .map(|number| format!("link del {}", names(number).0))
        .collect();
    batch(&namespace, &gone)?;
    let mut came = Vec::new();
    while came.len() < LEFT_OUT {
        let line = run.wait_for_line("v")?;
        if let Some((name, _)) = line.split_once(" came up") {
            came.push(name.to_owned());
        }
    }
    // Their slots belonged to others, and so did the counts.
    for (number, name) in came.iter().enumerate() {
        let wire = Wire::open_on(&namespace, name)?;
        for frame_number in 0..=number {
            wire.send(&frame(frame_number))?;
        }
    }
    let report = run.end()?;
    report.assert_lossless()?;
    let refusals = report
        .ended
        .stderr
        .lines()
        .filter(|line| line.contains("128 interfaces are captured, and no more can be at once"))
        .count();
    assert!((1..=8).contains(&refusals), "{}", report.ended.stderr);
    assert_eq!(report.ledger["interfaces_refused"], LEFT_OUT);
    assert_interfaces_agree(&report)?;
    let expected: BTreeMap<_, _> = came
        .iter()
        .enumerate()
        .map(|(number, name)| (name.clone(), number + 1))
        .chain((0..FREED).map(|number| (names(number).0, 3)))
        .collect();
    assert_eq!(sent(&report.packets()?), expected);
    Ok(())
}

#[test]
fn a_pattern_means_what_it_matches_and_nothing_else() -> Result<()> {
    let lab = Lab::new()?;
    let namespace = &lab.client.namespace;
    batch(namespace, &pair("veth1", "other1"))?;
    let mut run = Run::start(&lab.client, &["-i", "veth*"])?;
    batch(namespace, &[pair("other2", "veth2")].concat())?;
    let line = run.wait_for_line("veth2")?;
    assert!(line.contains("came up"), "{line}");
    // It goes on without any of them, because more can come.
    namespace.ip(&["link", "del", "veth1"])?;
    namespace.ip(&["link", "del", "veth2"])?;
    namespace.ip(&["link", "del", lab.client.interface])?;
    for _ in 0..3 {
        run.wait_for_line("")?;
    }
    batch(namespace, &pair("veth3", "other3"))?;
    run.wait_for_line("veth3 came up")?;
    let report = run.end()?;
    report.assert_lossless()?;
    let names = described(&report.packets()?);
    assert_eq!(names, [lab.client.interface, "veth1", "veth2", "veth3"]);
    Ok(())
}

#[test]
fn what_cannot_be_attached_is_left_out_of_any_unless_nothing_is_left() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let other = client
        .namespace
        .enter(|| Ok(Pass::attach(OBJECT, client.interface)?))?;
    let run = Run::start_in(&client.namespace, &["-i", "any"])?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let line = report.ended.stderr.lines().next().unwrap_or_default();
    for word in [
        "going on without",
        client.interface,
        "\"pass\"",
        "--hook tc",
    ] {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
    assert_eq!(report.ledger["interfaces_refused"], 1);
    assert_eq!(described(&report.packets()?), ["lo"]);

    for (pattern, words) in [
        ("client*", ["XDP program", "--hook tc"]),
        ("nobody*", ["nobody*", "lo, client0"]),
    ] {
        let mut command = command(&client.namespace)?;
        let ended = Program::start(command.args(["-i", pattern]))?.wait()?;
        assert_eq!(ended.status.code(), Some(1));
        for word in words {
            assert!(ended.stderr.contains(word), "{word:?} is not in: {ended:?}");
        }
    }
    drop(other);
    Ok(())
}

#[test]
fn a_tap_of_any_leaves_the_host_its_loopback_and_its_way_out() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let namespace = &client.namespace;
    batch(namespace, &pair("tap0", "tap1"))?;
    namespace.ip(&["route", "add", "default", "dev", client.interface])?;
    let run = Run::start_in(namespace, &["-i", "any", "--tap"])?;
    // Both would be cut off otherwise.
    flush(&lab)?;
    namespace.enter(|| {
        let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        one.send_to(b"hello", one.local_addr()?)?;
        one.recv_from(&mut [0; 16])?;
        Ok(())
    })?;
    let report = run.end()?;
    report.assert_lossless()?;
    let mut names = described(&report.packets()?);
    names.sort_unstable();
    assert_eq!(names, ["tap0", "tap1"]);
    Ok(())
}

/// A process that does nothing in a namespace; gone with this.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn start(namespace: &Namespace) -> Result<Self> {
        let sleeper = Self(namespace.command("sleep").arg("600").spawn()?);
        // Until then it is `ip`, and may not be in there yet.
        while fs::read_to_string(format!("/proc/{}/comm", sleeper.0.id()))? != "sleep\n" {
            thread::yield_now();
        }
        Ok(sleeper)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn another_namespace_is_captured_by_name_process_and_path() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let sleeper = Sleeper::start(&client.namespace)?;
    let name = client.namespace.name().to_owned();
    let process = sleeper.0.id().to_string();
    let path = format!("/run/netns/{name}");
    // It runs where there is no such interface.
    let elsewhere = Namespace::new()?;
    for netns in [&name, &process, &path] {
        for hook in ["xdp", "tc"] {
            let run = Run::start_in(
                &elsewhere,
                &["--netns", netns, "-i", client.interface, "--hook", hook],
            )?;
            let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
            flush(&lab)?;
            let report = run.end()?;
            report.assert_lossless()?;
            let record = report.record("tcp", [done.client, done.server])?;
            assert_eq!(record.text("iface"), Some(client.interface));
            assert_eq!(record.text("outcome"), Some("closed"));
            // Statistics are those of the other namespace too.
            assert_eq!(report.ledger["iface_missed"][client.interface], 0);
            assert_interfaces_agree(&report)?;
            assert_detached(&client.namespace)?;
        }
    }
    // What comes and goes there is followed.
    let mut run = Run::start_in(&elsewhere, &["--netns", &process, "-i", "any"])?;
    batch(&elsewhere, &pair("here0", "here1"))?;
    batch(&client.namespace, &pair("there0", "there1"))?;
    for _ in 0..2 {
        let line = run.wait_for_line("")?;
        ensure!(
            line.starts_with("there") && line.contains("came up"),
            "{line}"
        );
    }
    client.namespace.ip(&["link", "del", "there0"])?;
    for _ in 0..2 {
        let line = run.wait_for_line("")?;
        ensure!(
            line.starts_with("there") && line.contains("is gone"),
            "{line}"
        );
    }
    let report = run.end()?;
    report.assert_lossless()?;
    assert_interfaces_agree(&report)?;
    // And the end of the only one is the end.
    let run = Run::start_in(&elsewhere, &["--netns", &path, "-i", client.interface])?;
    client.namespace.ip(&["link", "del", client.interface])?;
    let report = run.wait()?;
    assert_eq!(report.ended.status.code(), Some(1));
    assert!(
        report.ended.stderr.contains("is gone"),
        "{:?}",
        report.ended
    );
    report.assert_closed()
}

/// The shipped programs once more, as those of somebody else: they count what reaches them.
fn somebody(host: &Host, ingress: IngressHook, watch: Watch) -> Result<Kernel> {
    host.namespace.enter(|| {
        let mut plan = Plan {
            selection: Selection::parse(&[host.interface])?,
            ifaces: Vec::new(),
            watch: Some(watch),
            ingress,
            insist: Insist::No,
            rings: 1,
            ring_bytes: 1 << 18,
            thinning: Thinning {
                snap_len: 64,
                ..Thinning::NONE
            },
            filter: None,
            reception: Reception::AsItIs,
            disposition: Disposition::Mirror,
            unmatched: Unmatched::Consume,
            time_stamps: TimeStampType::Host,
            delivery: Delivery::Rings,
            seed: 1,
            verbose: false,
        };
        plan.choose()?;
        let mut kernel = Kernel::load(&plan)?;
        kernel.attach(0, 0, &plan.ifaces[0])?;
        Ok(kernel)
    })
}

fn xdp_of(host: &Host) -> Result<Interface> {
    host.namespace.enter(|| Ok(iface::find(host.interface)?))
}

#[test]
fn at_tcx_it_works_beside_the_xdp_program_of_somebody_else() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let other = somebody(client, IngressHook::Xdp, Watch::Ingress)?;
    let before = xdp_of(client)?.xdp;
    let run = Run::start(client, &["--hook", "tc"])?;
    let seen_before = other.counters(0, Hook::XdpIngress)?;
    assert_eq!(xdp_of(client)?.xdp, before, "left alone");
    let done = traffic::closed(&lab, Family::Ipv6, Side::Server, Volume::default())?;
    flush(&lab)?;
    let report = run.end()?;
    let seen = other.counters(0, Hook::XdpIngress)?;
    report.assert_lossless()?;
    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.text("outcome"), Some("closed"));
    // Both saw the same flags come in: of SYN-ACK and FIN there was one each.
    assert_eq!(seen.syn_ack - seen_before.syn_ack, 1);
    assert_eq!(seen.fin - seen_before.fin, 1);
    let counted = ["syn", "syn_ack", "fin", "rst"].map(|counter| report.kernel(counter));
    assert_eq!(counted, [1, 1, 2, 0]);
    let file = report.packets()?;
    let ways = |way| {
        let of = |packet: &&crate::pcapng::Packet| {
            packet.options.number(EPB_FLAGS).map(|flags| flags & 3) == Some(way)
        };
        file.packets.iter().filter(of).count()
    };
    assert!(ways(1) > 0 && ways(2) > 0);
    Ok(())
}

#[test]
fn at_tcx_it_runs_between_programs_of_others_next_to_the_wire() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let earlier = somebody(client, IngressHook::Tcx, Watch::Both)?;
    let run = Run::start(client, &["--hook", "tc"])?;
    let later = somebody(client, IngressHook::Tcx, Watch::Both)?;
    let order = client
        .namespace
        .enter(|| Ok(iface::tcx_programs(client.interface)?))?;
    assert_eq!((order.ingress.len(), order.egress.len()), (3, 3));
    let counts = |kernel: &Kernel, hook| -> Result<_> { Ok(kernel.counters(0, hook)?.udp) };
    let before = [
        counts(&earlier, Hook::TcxIngress)?,
        counts(&earlier, Hook::TcxEgress)?,
    ];
    for _ in 0..5 {
        flush(&lab)?;
    }
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("udp"), 10, "five each way");
    for (place, hook) in [Hook::TcxIngress, Hook::TcxEgress].into_iter().enumerate() {
        assert_eq!(counts(&earlier, hook)? - before[place], 5, "{hook:?}");
        assert_eq!(counts(&later, hook)?, 5, "{hook:?}");
    }
    // Whoever comes later puts himself next to the wire; those that were there keep their order.
    let left = client
        .namespace
        .enter(|| Ok(iface::tcx_programs(client.interface)?))?;
    assert_eq!(
        left.ingress,
        [&order.ingress[..1], &order.ingress[2..]].concat()
    );
    assert_eq!(
        left.egress,
        [&order.egress[..1], &order.egress[2..]].concat()
    );
    Ok(())
}

#[test]
fn a_tap_at_tcx_consumes_what_comes_in() -> Result<()> {
    let lab = Lab::new()?;
    flush(&lab)?;
    let client = &lab.client;
    let run = Run::start(client, &["--tap", "--hook", "tc"])?;
    let listening = client.namespace.enter(|| {
        let socket = UdpSocket::bind((client.ipv4, 0))?;
        Ok(socket)
    })?;
    let target = listening.local_addr()?;
    let from = lab.server.namespace.enter(|| {
        let socket = UdpSocket::bind((lab.server.ipv4, 0))?;
        socket.send_to(b"consumed", target)?;
        Ok(socket)
    })?;
    Wire::open(&lab.server)?.send(&frames::arp())?;
    let report = run.end()?;
    report.assert_lossless()?;
    let record = report.record("udp", [from.local_addr()?, target])?;
    assert_eq!(record.number("initiator_packets"), 1);
    from.send_to(b"arrives", target)?;
    let mut buffer = [0; 16];
    let (len, _) = listening.recv_from(&mut buffer)?;
    assert_eq!(&buffer[..len], b"arrives");
    assert_detached(&client.namespace)
}

#[test]
fn tags_that_the_kernel_keeps_aside_are_put_back() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(
        &lab.client,
        &["--hook", "tc", "--direction", "in", "--ignore-checksums"],
    )?;
    let wire = Wire::open(&lab.server)?;
    let inner = frames::ipv4(frames::TCP, &[], (1, 0), &frames::tcp(7, 80, frames::SYN));
    // The stack takes the outer tag off every frame that comes in before programs at TCX see it.
    let tags: [&[(u16, u16)]; 4] = [
        &[(0x8100, 5)],
        &[(0x8100, 0xe005)],
        &[(0x88a8, 7), (0x8100, 8)],
        &[(0x8100, 9), (0x8100, 10), (0x8100, 11)],
    ];
    let sent: Vec<_> = tags
        .iter()
        .map(|tags| frames::tagged(&inner, tags))
        .collect();
    for frame in &sent {
        wire.send(frame)?;
    }
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let file = report.packets()?;
    let seen: Vec<_> = file
        .packets
        .iter()
        .filter(|packet| [[0x81, 0], [0x88, 0xa8]].contains(&[packet.data[12], packet.data[13]]))
        .collect();
    assert_eq!(seen.len(), sent.len());
    for (seen, sent) in seen.iter().zip(&sent) {
        assert_eq!(seen.data, *sent);
        assert_eq!(seen.wire_len as usize, sent.len());
    }
    assert_eq!(report.kernel("syn"), 4, "headers are found behind the tags");
    Ok(())
}

#[test]
fn segments_that_were_merged_are_one_packet() -> Result<()> {
    let lab = Lab::new()?;
    let volume = Volume {
        request_bytes: 100,
        response_bytes: 2_000_000,
    };
    let run = Run::start(&lab.client, &["--hook", "tc"])?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, volume)?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.text("outcome"), Some("closed"));
    assert_eq!(record.number("responder_payload_bytes"), 2_000_000);
    let file = report.packets()?;
    assert!(
        file.packets.iter().any(|packet| packet.wire_len > 1514),
        "the sender cuts late"
    );
    assert_eq!(report.row("delivered", "malformed")?, 0);
    Ok(())
}

#[test]
fn generic_mode_can_be_asked_for() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--hook", "xdp-generic"])?;
    let mode = xdp_of(&lab.client)?.xdp[0].mode;
    assert_eq!(mode, iface::XdpMode::Generic);
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("udp"), 2);
    assert_eq!(report.ended.stderr.lines().count(), 1, "nothing to explain");
    Ok(())
}

#[test]
fn the_list_of_interfaces_is_that_of_ip() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let mut list = client.namespace.command(program::locate()?);
    let text = oracle::output(list.args(["live", "-D", "--json"]))?;
    let ours: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let mut ip = client.namespace.command("ip");
    let theirs: Value = serde_json::from_str(&oracle::output(ip.args(["-j", "addr"]))?)?;
    let theirs = theirs.as_array().context("a list")?;
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours["number"], theirs["ifindex"]);
        assert_eq!(ours["name"], theirs["ifname"]);
        let up = theirs["flags"]
            .as_array()
            .context("flags")?
            .contains(&"UP".into());
        assert_eq!(ours["up"], up);
        let mut addresses: Vec<_> = theirs["addr_info"]
            .as_array()
            .context("addr_info")?
            .iter()
            .map(|one| format!("{}/{}", one["local"].as_str().unwrap(), one["prefixlen"]))
            .collect();
        addresses.sort_unstable();
        let mut shown: Vec<_> = ours["addresses"]
            .as_array()
            .context("addresses")?
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, addresses);
    }
    // The same for people, and from elsewhere.
    let mut list = Command::new(program::locate()?);
    let text = oracle::output(list.args(["live", "-D", "--netns", client.namespace.name()]))?;
    let line = text
        .lines()
        .find(|line| line.contains(client.interface))
        .context("no line")?;
    assert!(
        line.contains(&client.ipv4.to_string()) && line.contains(" native "),
        "{line}"
    );
    Ok(())
}

#[test]
fn a_refusal_leaves_no_directory_behind() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let other = client
        .namespace
        .enter(|| Ok(Pass::attach(OBJECT, client.interface)?))?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let start = |hook: &str| -> Result<Command> {
        let mut command = command(&client.namespace)?;
        command.args(["-i", client.interface, "--quiet", "--hook", hook, "--write"]);
        command.arg(&out);
        Ok(command)
    };
    let ended = Program::start(&mut start("xdp")?)?.wait()?;
    assert_eq!(ended.status.code(), Some(1));
    assert!(!out.exists());
    let ended = Program::start_capturing(&mut start("tc")?)?.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    assert!(out.join("packets.pcapng").exists());
    drop(other);
    Ok(())
}
