//! Other interfaces than a veth in mirror mode, other directions, and other outputs than files.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use capture::iface::{self, XdpMode};
use capture_tests::netns::{Family, Host, Lab, Namespace};
use capture_tests::oracle;
use capture_tests::program::{self, Program, Signal};
use capture_tests::traffic::{self, Side, Volume};
use serde_json::Value;

use crate::frames;
use crate::run::{Run, assert_detached, command};
use crate::wire::{Tunnel, Wire, flush, is_in_order};

/// Option codes of draft-ietf-opsawg-pcapng, sections 4.1, 4.2, 4.3 and 4.6.
const SHB_HARDWARE: u16 = 2;
const SHB_OS: u16 = 3;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_OS: u16 = 12;
const EPB_FLAGS: u16 = 2;
const EPB_QUEUE: u16 = 6;
const ISB_STARTTIME: u16 = 2;
const ISB_ENDTIME: u16 = 3;
/// `isb_ifrecv`, `isb_ifdrop`, `isb_filteraccept`, `isb_osdrop`, `isb_usrdeliv`.
const ISB_COUNTERS: [u16; 5] = [4, 5, 6, 7, 8];

const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_RAW: u16 = 101;

/// Direction of a packet: the two lowest bits of `epb_flags` (section 4.3.1).
fn direction(packet: &crate::pcapng::Packet) -> Option<u64> {
    packet.options.number(EPB_FLAGS).map(|flags| flags & 3)
}
const INBOUND: Option<u64> = Some(1);
const OUTBOUND: Option<u64> = Some(2);

#[test]
fn loopback_is_captured_in_generic_mode_and_each_packet_once() -> Result<()> {
    const DATAGRAMS: u64 = 10;
    let namespace = Namespace::new()?;
    let run = Run::start_in(&namespace, &["-i", "lo"])?;
    let mode = namespace.enter(|| Ok(iface::find("lo")?.xdp[0].mode))?;
    assert_eq!(mode, XdpMode::Generic);
    namespace.enter(|| {
        let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        for _ in 0..DATAGRAMS {
            one.send_to(b"hello", other.local_addr()?)?;
            other.recv_from(&mut [0; 16])?;
        }
        Ok(())
    })?;
    let report = run.end()?;
    report.assert_lossless()?;
    let said = report.ended.stderr.lines().next().unwrap_or_default();
    assert!(
        said.starts_with("lo: ") && said.contains("generic mode"),
        "{said}"
    );
    assert_eq!(report.kernel("udp"), DATAGRAMS);
    assert_eq!(report.stage("seen")?.0, DATAGRAMS);
    Ok(())
}

#[test]
fn a_direction_leaves_out_the_other() -> Result<()> {
    for (way, expected) in [("in", INBOUND), ("out", OUTBOUND)] {
        let lab = Lab::new()?;
        let run = Run::start(&lab.client, &["--direction", way])?;
        let done = traffic::datagrams(&lab, Family::Ipv4, Volume::default_datagram())?;
        let report = run.end()?;
        report.assert_lossless()?;
        let packets = report.packets()?.packets;
        assert!(packets.iter().all(|packet| direction(packet) == expected));
        let record = report.record("udp", [done.client, done.server])?;
        assert_eq!(record.text("outcome"), Some("unanswered"), "heard one way");
        let began = if way == "in" {
            done.server
        } else {
            done.client
        };
        assert_eq!(record.initiator(), Some(began));
        assert_eq!(record.number("initiator_packets"), 1);
    }
    Ok(())
}

/// A datagram that fits the MTU.
trait Datagram {
    fn default_datagram() -> Volume;
}

impl Datagram for Volume {
    fn default_datagram() -> Volume {
        Volume {
            request_bytes: 100,
            response_bytes: 200,
        }
    }
}

#[test]
fn a_tap_consumes_what_comes_in_until_it_ends() -> Result<()> {
    let lab = Lab::new()?;
    // The addresses are known on both sides, so that nobody has to ask.
    flush(&lab)?;
    let run = Run::start(&lab.client, &["--tap"])?;
    let listening = lab.client.namespace.enter(|| {
        let socket = UdpSocket::bind((lab.client.ipv4, 0))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    })?;
    let target = listening.local_addr()?;
    let from = lab.server.namespace.enter(|| {
        let socket = UdpSocket::bind((lab.server.ipv4, 0))?;
        socket.send_to(b"consumed", target)?;
        Ok(socket)
    })?;
    // Behind it on the same wire, and nobody's: when it is counted, the datagram was seen.
    Wire::open(&lab.server)?.send(&frames::arp())?;
    let report = run.end()?;
    report.assert_lossless()?;
    let record = report.record("udp", [from.local_addr()?, target])?;
    assert_eq!(record.number("initiator_packets"), 1);
    assert!(
        report
            .packets()?
            .packets
            .iter()
            .all(|packet| direction(packet) == INBOUND)
    );
    // It was taken off the wire; and now that the tap is gone, the next one arrives.
    from.send_to(b"arrives", target)?;
    listening.set_nonblocking(false)?;
    let mut buffer = [0; 16];
    let (len, _) = listening.recv_from(&mut buffer)?;
    assert_eq!(&buffer[..len], b"arrives");
    assert_detached(&lab.client.namespace)
}

/// How many want the interface to be promiscuous, as iproute2 has it from the kernel.
fn promiscuity(host: &Host) -> Result<u64> {
    let mut command = host.namespace.command("ip");
    command.args(["-d", "-j", "link", "show", host.interface]);
    let links: Value = serde_json::from_str(&oracle::output(&mut command)?)?;
    links[0]["promiscuity"].as_u64().context("promiscuity")
}

#[test]
fn a_tap_takes_frames_for_others_and_leaves_the_card_as_it_was() -> Result<()> {
    let lab = Lab::new()?;
    for (arguments, while_it_runs) in [
        (&["--tap"][..], 1),
        (&["--tap", "-p"], 0),
        (&["--promiscuous-mode"], 1),
        (&[], 0),
    ] {
        assert_eq!(promiscuity(&lab.client)?, 0);
        let run = Run::start(&lab.client, arguments)?;
        assert_eq!(promiscuity(&lab.client)?, while_it_runs, "{arguments:?}");
        run.end()?;
    }
    let killed = Run::start(&lab.client, &["--tap"])?;
    killed.signal(Signal::Kill)?;
    // Waits until it has ended.
    drop(killed);
    assert_eq!(promiscuity(&lab.client)?, 0, "nobody was left to undo it");
    Ok(())
}

#[test]
fn two_interfaces_are_told_apart() -> Result<()> {
    let lab = Lab::new()?;
    let namespace = &lab.client.namespace;
    let run = Run::start_in(namespace, &["-i", "lo", "-i", lab.client.interface])?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    let (one, other) = namespace.enter(|| {
        let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        one.send_to(b"hello", other.local_addr()?)?;
        other.recv_from(&mut [0; 16])?;
        Ok((one.local_addr()?, other.local_addr()?))
    })?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let record = report.record("udp", [one, other])?;
    assert_eq!(record.text("iface"), Some("lo"));
    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.text("iface"), Some(lab.client.interface));

    let file = report.packets()?;
    let names: Vec<_> = file
        .interfaces
        .iter()
        .map(|interface| interface.options.text(IF_NAME).unwrap())
        .collect();
    assert_eq!(names, ["lo", lab.client.interface]);
    assert_eq!(file.statistics.len(), 2);
    for packet in &file.packets {
        let local = packet.data[12..14] == [8, 0] && packet.data[26..30] == [127, 0, 0, 1];
        assert_eq!(packet.interface, u32::from(!local));
    }
    assert!(file.packets.iter().any(|packet| packet.interface == 0));
    Ok(())
}

#[test]
fn a_device_without_ethernet_is_captured_as_ip() -> Result<()> {
    if !Path::new("/dev/net/tun").exists() {
        oracle::skip("no /dev/net/tun");
        return Ok(());
    }
    for hook in ["xdp", "tc"] {
        let namespace = Namespace::new()?;
        let mut tunnel = Tunnel::open(&namespace, "tun0")?;
        namespace.ip(&["addr", "add", "192.0.2.1/24", "dev", "tun0"])?;
        namespace.ip(&["link", "set", "tun0", "up"])?;
        let run = Run::start_in(
            &namespace,
            &["-i", "tun0", "--ignore-checksums", "--hook", hook],
        )?;
        let (from, target) = namespace.enter(|| {
            let socket = UdpSocket::bind((Ipv4Addr::new(192, 0, 2, 1), 0))?;
            let target = (Ipv4Addr::new(192, 0, 2, 2), 9).into();
            socket.send_to(b"hello", target)?;
            Ok((socket.local_addr()?, target))
        })?;
        // Without the Ethernet header it is an IP packet, 20 bytes of IPv4 and 20 of TCP.
        let frame = frames::ipv4(frames::TCP, &[], (1, 0), &frames::tcp(1, 80, frames::SYN));
        tunnel.send(&frame[14..])?;
        let report = run.end()?;
        report.assert_lossless()?;
        let file = report.packets()?;
        assert_eq!(file.interfaces[0].link_type, LINKTYPE_RAW);
        assert!(file.packets.iter().any(|packet| packet.data == frame[14..]));
        assert_eq!(report.kernel("syn"), 1);
        let ends = [(frames::SRC_V4, 1).into(), (frames::DST_V4, 80).into()];
        let record = report.record("tcp", ends)?;
        assert_eq!(record.number("initiator_bytes"), 20 + 20);
        let record = report.record("udp", [from, target])?;
        assert_eq!(record.number("initiator_bytes"), 20 + 8 + 5);
        assert_eq!(record.number("initiator_ip_bytes"), 20 + 8 + 5);
        assert_eq!(report.kernel("udp"), 1);
    }
    Ok(())
}

#[test]
fn status_lines_are_json_with_rates_and_sums() -> Result<()> {
    let lab = Lab::new()?;
    let mut command = command(&lab.client.namespace)?;
    // Where the records take stdout, the status goes to stderr, which can be followed.
    command.args(["-i", lab.client.interface, "--json", "--flows", "-"]);
    let mut program = Program::start_capturing(&mut command)?;
    traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    traffic::refused(&lab, Family::Ipv6)?;
    flush(&lab)?;
    // Rates times their intervals add up to the sums, which do not grow any more.
    let mut added = 0.0;
    for second in 1.. {
        let line: Value = serde_json::from_str(&program.wait_for_line("{")?)?;
        assert_eq!(line["type"], "status");
        for rate in ["packets", "bits", "syn", "syn_ack", "fin", "rst"] {
            assert!(line[format!("{rate}_per_second")].is_number(), "{line}");
        }
        let number = |name: &str| line[name].as_f64().with_context(|| format!("no {name}"));
        added += number("syn_per_second")? * number("interval")?;
        let sums = ["syn", "syn_ack", "fin", "rst", "drops"].map(|sum| line[sum].as_u64());
        if sums == [Some(2), Some(1), Some(2), Some(1), Some(0)] {
            break;
        }
        assert!(second < 10, "the sums stay at {line}");
    }
    assert!((added - 2.0).abs() < 0.02, "{added}");
    let ended = program.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    let ledger: Value = serde_json::from_str(last)?;
    assert_eq!(
        (&ledger["type"], &ledger["holds"]),
        (&"ledger".into(), &true.into())
    );
    Ok(())
}

#[test]
fn packets_go_to_another_program_while_the_ledger_stays_readable() -> Result<()> {
    if !oracle::require(&["tshark", "bash"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut command = lab.client.namespace.command("bash");
    // With job control off, bash passes no signal on: it is told the number of the process.
    command
        .args(["-o", "pipefail", "-c"])
        .arg("{ echo \"pid $BASHPID\" >&2; exec \"$@\"; } | tshark -l -n -r - -T fields -e udp.port 2>/dev/null")
        .arg("bash")
        .arg(program::locate()?)
        .args(["live", "-i", lab.client.interface, "-w", "-", "--count", "2"])
        .args(["--json", "--quiet"]);
    let program = Program::start_capturing(&mut command)?;
    // The first packets may be the hosts' own, so there are more than enough.
    let done = (0..4).map(|_| flush(&lab)).collect::<Result<Vec<_>>>()?;
    let ended = program.wait()?;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 2, "{ended:?}");
    let ports: BTreeSet<_> = done
        .iter()
        .flat_map(|done| [done.client.port(), done.server.port()])
        .map(|port| port.to_string())
        .collect();
    for port in ended
        .stdout
        .split(['\n', ',', '\t'])
        .filter(|port| !port.is_empty())
    {
        assert!(ports.contains(port), "{port} of {ports:?}");
    }
    let ledger = ended
        .stderr
        .lines()
        .find_map(|line| serde_json::from_str::<Value>(line).ok())
        .context("no ledger on stderr")?;
    assert_eq!(ledger["holds"], true);
    Ok(())
}

#[test]
fn the_file_says_where_it_comes_from_and_is_in_time_order() -> Result<()> {
    if !oracle::require(&["capinfos"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--workers", "2"])?;
    for family in [Family::Ipv4, Family::Ipv6] {
        for side in [Side::Client, Side::Server] {
            traffic::closed(&lab, family, side, Volume::default())?;
        }
        traffic::ping(&lab, family, 20)?;
    }
    let report = run.end()?;
    report.assert_lossless()?;
    assert!(is_in_order(&report.packets_path())?);

    let file = report.packets()?;
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let os = format!("Linux {}", release.trim());
    assert!(
        file.section
            .text(SHB_HARDWARE)
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!(file.section.text(SHB_OS), Some(&*os));
    let application = file.section.text(SHB_USERAPPL).unwrap_or_default();
    let version = oracle::output(Command::new(program::locate()?).arg("--version"))?;
    assert_eq!(application, version.trim());

    let [interface] = file.interfaces.as_slice() else {
        anyhow::bail!("{} interfaces", file.interfaces.len());
    };
    assert_eq!(interface.link_type, LINKTYPE_ETHERNET);
    assert_eq!(interface.options.text(IF_NAME), Some(lab.client.interface));
    assert!(interface.options.text(IF_DESCRIPTION).is_some());
    assert_eq!(interface.options.number(IF_TSRESOL), Some(9), "10^-9 s");
    assert_eq!(interface.options.text(IF_OS), Some(&*os));

    let [statistics] = file.statistics.as_slice() else {
        anyhow::bail!("{} statistics", file.statistics.len());
    };
    assert_eq!(statistics.interface, 0);
    let packets = file.packets.len() as u64;
    assert_eq!(
        ISB_COUNTERS.map(|code| statistics.options.number(code)),
        [packets, 0, packets, 0, packets].map(Some)
    );
    // Timestamps are in halves, the upper one first.
    let [start, end] = [ISB_STARTTIME, ISB_ENDTIME].map(|code| {
        let halves = statistics.options.number(code).unwrap();
        halves << 32 | halves >> 32
    });
    for packet in &file.packets {
        assert!((start..=end).contains(&packet.ts));
        assert!([INBOUND, OUTBOUND].contains(&direction(packet)));
        assert!(packet.options.number(EPB_QUEUE).is_some());
    }
    Ok(())
}
