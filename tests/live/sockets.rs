//! `AF_XDP` sockets against rings: the same traffic through both gives the same packets and records,
//! and what is lost is lost under its own cause.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use capture::iface;
use capture::source::xsk::{Sockets, XskOptions};
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::{Host, Lab, Namespace};
use capture_tests::oracle;
use capture_tests::program::{self, Program, Signal};
use serde_json::Value;

use crate::frames;
use crate::pcapng::Packet;
use crate::run::{Report, Run, assert_detached, command};
use crate::wire::{Wire, is_in_order};

/// Option codes of draft-ietf-opsawg-pcapng, sections 4.3 and 4.6.
const EPB_FLAGS: u16 = 2;
const EPB_DROPCOUNT: u16 = 4;
const EPB_QUEUE: u16 = 6;
const ISB_IFRECV: u16 = 4;
const ISB_OSDROP: u16 = 7;
const ISB_USRDELIV: u16 = 8;
/// The two lowest bits of `epb_flags`.
const INBOUND: u64 = 1;

const SETTINGS: GeneratorSettings = GeneratorSettings {
    flows: 50,
    session_frames: 12,
    reset_every: 3,
    ..GeneratorSettings::UNPATCHED
};

/// Nobody speaks unasked, so that two runs see the same.
pub(crate) fn quiet(lab: Lab) -> Result<Lab> {
    for host in [&lab.client, &lab.server] {
        host.namespace.enter(|| {
            let all = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
            Ok(std::fs::write(all, "1")?)
        })?;
    }
    Ok(lab)
}

fn send(host: &Host, generator: &mut Generator, frames: u64, rate: u64) -> Result<()> {
    host.namespace.enter(|| {
        let index = iface::find(host.interface)?.index;
        generator.send(index, frames, Some(rate))?;
        Ok(())
    })
}

/// One run over traffic that is always the same.
fn tapped(lab: &Lab, arguments: &[&str], traffic: impl FnOnce() -> Result<()>) -> Result<Report> {
    let mut all = vec!["--tap"];
    all.extend(arguments);
    let run = Run::start(&lab.client, &all)?;
    traffic()?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_detached(&lab.client.namespace)?;
    Ok(report)
}

/// What a packet is, but for its time.
pub(crate) fn told(packet: &Packet) -> (u32, u32, Option<u64>, Vec<u8>) {
    let flags = packet.options.number(EPB_FLAGS);
    (
        packet.interface,
        packet.wire_len,
        flags.map(|flags| flags & 3),
        packet.data.clone(),
    )
}

/// Columns that hold a time, or a number that depends on one or on the order of records.
pub(crate) fn timed() -> Result<BTreeSet<String>> {
    let text = oracle::output(Command::new(program::locate()?).args(["flows", "--columns"]))?;
    let mut columns: BTreeSet<_> = ["uid", "id"].map(str::to_owned).into();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some("time" | "seconds")) = (words.next(), words.next()) {
            columns.insert(name.to_owned());
        }
    }
    Ok(columns)
}

/// All records without what depends on time, by their ends.
fn records(report: &Report) -> Result<BTreeMap<String, usize>> {
    let timed = timed()?;
    let mut counted = BTreeMap::new();
    for record in report.records()? {
        let Value::Object(columns) = record.0 else {
            anyhow::bail!("not an object");
        };
        let rest: BTreeMap<_, _> = columns
            .into_iter()
            .filter(|(name, _)| !timed.contains(name))
            .collect();
        *counted.entry(serde_json::to_string(&rest)?).or_default() += 1;
    }
    Ok(counted)
}

#[test]
fn one_queue_gives_the_same_packets_in_the_same_order_as_a_ring() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    let run = |arguments: &[&str]| {
        tapped(&lab, arguments, || {
            let mut generator = Generator::load(OBJECT, SETTINGS)?.on_cpu(0);
            send(&lab.server, &mut generator, 3_000, 50_000)
        })
    };
    let rings = run(&["--workers", "1"])?;
    let sockets = run(&["--af-xdp", "--workers", "1"])?;
    let said = sockets.ended.stderr.lines().next().unwrap_or_default();
    assert!(
        said.starts_with("client0 queue 0: AF_XDP with a copy"),
        "{said}"
    );
    let packets = |report: &Report| -> Result<Vec<_>> {
        Ok(report.packets()?.packets.iter().map(told).collect())
    };
    let expected = packets(&rings)?;
    assert_eq!(expected.len(), 3_000);
    assert_eq!(expected[0].2, Some(INBOUND));
    assert_eq!(packets(&sockets)?, expected);
    assert_eq!(records(&sockets)?, records(&rings)?);
    assert!(is_in_order(&sockets.packets_path())?);
    for counter in ["packets", "bytes", "tcp", "syn", "syn_ack", "fin", "rst"] {
        assert_eq!(sockets.kernel(counter), rings.kernel(counter), "{counter}");
    }
    Ok(())
}

/// Each connection's packets come by two queues in turns, both directions by both: what a card with an
/// asymmetric hash does, and worse.
#[test]
fn connections_across_queues_are_those_of_rings() -> Result<()> {
    const QUEUES: u32 = 4;
    const FRAMES: u64 = 50 * 12;
    let cpus = thread::available_parallelism()?.get();
    if cpus < 2 {
        oracle::skip("the frames of one CPU come by one queue");
        return Ok(());
    }
    let lab = quiet(Lab::with_queues(QUEUES)?)?;
    let run = |arguments: &[&str]| {
        let all = [&["--tap"], arguments].concat();
        let run = Run::start(&lab.client, &all)?;
        // Nobody reads meanwhile, so that all of it lies in the queues at once.
        run.signal(Signal::Stop)?;
        let mut generator = Generator::load(OBJECT, SETTINGS)?;
        // Not a divisor of the number of connections: the next frame of each comes by the other queue.
        for turn in 0..FRAMES / 20 {
            generator = generator.on_cpu(turn as usize % 2);
            send(&lab.server, &mut generator, 20, 5_000)?;
        }
        run.signal(Signal::Continue)?;
        let report = run.end()?;
        report.assert_lossless()?;
        anyhow::Ok(report)
    };
    let rings = run(&["--workers", "2"])?;
    for workers in ["1", "2", "3"] {
        let sockets = run(&["--af-xdp", "--workers", workers])?;
        let packets = sockets.packets()?.packets;
        let queues: BTreeSet<_> = packets
            .iter()
            .map(|packet| packet.options.number(EPB_QUEUE))
            .collect();
        assert_eq!(queues, [Some(0), Some(1)].into());
        let sorted = |packets: &[Packet]| {
            let mut told: Vec<_> = packets.iter().map(told).collect();
            told.sort_unstable();
            told
        };
        assert_eq!(sorted(&packets), sorted(&rings.packets()?.packets));
        assert_eq!(records(&sockets)?, records(&rings)?, "{workers} workers");
        assert!(is_in_order(&sockets.packets_path())?);
        let listed = sockets.ledger["af_xdp"].as_array().context("queues")?;
        assert_eq!(listed.len(), QUEUES as usize);
    }
    Ok(())
}

#[test]
fn several_workers_share_one_queue() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    let run = |arguments: &[&str]| {
        tapped(&lab, arguments, || {
            let mut generator = Generator::load(OBJECT, SETTINGS)?.on_cpu(0);
            send(&lab.server, &mut generator, 3_000, 50_000)
        })
    };
    let rings = run(&["--workers", "3"])?;
    let sockets = run(&["--af-xdp", "--workers", "3"])?;
    assert_eq!(records(&sockets)?, records(&rings)?);
    assert_eq!(sockets.packets()?.packets.len(), 3_000);
    Ok(())
}

/// Frames around the places where they are cut into buffers, with tags and without.
#[test]
fn jumbo_frames_are_put_together_again() -> Result<()> {
    let frame = |len: usize| {
        let payload: Vec<u8> = (0..len - 14 - 20 - 8)
            .map(|at| (at * 7 >> 3) as u8)
            .collect();
        let udp = [
            &[0, 9, 0, 9][..],
            &((8 + payload.len()) as u16).to_be_bytes(),
            &[0, 0],
            &payload,
        ]
        .concat();
        frames::ipv4(frames::UDP, &[], (1, 0), &udp)
    };
    for (mtu, lens) in [
        (1500, vec![60, 1514]),
        // A buffer holds 4096 - 256 bytes, and a header of 32 comes first.
        (9000, vec![60, 3807, 3808, 3809, 7647, 7648, 7649, 9014]),
    ] {
        let lab = quiet(Lab::with_mtu(mtu)?)?;
        let mut sent: Vec<_> = lens.into_iter().map(frame).collect();
        sent.push(frames::tagged(&frame(200), &[(0x88a8, 7), (0x8100, 8)]));
        for workers in ["1", "2"] {
            for snaplen in [0, 4000] {
                let snap = snaplen.to_string();
                let more = ["--af-xdp", "--ignore-checksums", "--workers", workers];
                let arguments = [&more[..], &["--snaplen", &snap]].concat();
                let report = tapped(&lab, &arguments, || {
                    let wire = Wire::open(&lab.server)?;
                    sent.iter().try_for_each(|frame| wire.send(frame))
                })?;
                let packets = report.packets()?.packets;
                let found: Vec<_> = packets
                    .iter()
                    .map(|packet| (packet.wire_len as usize, packet.data.clone()))
                    .collect();
                let expected: Vec<_> = sent
                    .iter()
                    .map(|frame| {
                        let cap_len = if snaplen == 0 { usize::MAX } else { snaplen };
                        (frame.len(), frame[..frame.len().min(cap_len)].to_vec())
                    })
                    .collect();
                assert_eq!(
                    found, expected,
                    "MTU {mtu}, {workers} workers, snaplen {snaplen}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn an_empty_fill_ring_loses_packets_that_are_all_counted() -> Result<()> {
    const FRAMES: u64 = 20_000;
    for workers in ["1", "2"] {
        let lab = quiet(Lab::new()?)?;
        let mut generator = Generator::load(OBJECT, SETTINGS)?.on_cpu(0);
        // The least memory there is, and nobody who empties it.
        let run = Run::start(
            &lab.client,
            &[
                "--tap",
                "--af-xdp",
                "--ring-size",
                "1",
                "--workers",
                workers,
            ],
        )?;
        run.signal(Signal::Stop)?;
        send(&lab.server, &mut generator, FRAMES, 100_000)?;
        run.signal(Signal::Continue)?;
        // Packets that come after the loss tell of it; slowly, so that they find room.
        send(&lab.server, &mut generator, 500, 1_000)?;
        let sent = generator.counters()?;
        let report = run.end()?;
        report.assert_closed()?;
        assert!(report.ended.status.success(), "a loss is no failure");

        let empty = report.row("to sockets", "fill ring empty")?;
        assert!(empty > FRAMES - 1_000, "{}", report.ledger);
        // Of two workers, none may have more than half of the frames.
        let behind = report.row("to sockets", "worker behind")?;
        assert!(behind == 0 || workers == "2", "{}", report.ledger);
        let lost = empty + behind;
        assert_eq!(report.ledger["lost"], lost, "{}", report.ledger);
        let queue = &report.ledger["af_xdp"][0];
        assert_eq!(queue["rx_dropped"], empty);
        assert_eq!(queue["rx_fill_ring_empty_descs"], empty);
        for never in [
            "rx_ring_full",
            "rx_invalid_descs",
            "tx_invalid_descs",
            "tx_ring_empty_descs",
        ] {
            assert_eq!(queue[never], 0, "{never}");
        }
        let counted = ["tcp", "syn", "syn_ack", "fin", "rst"].map(|name| report.kernel(name));
        assert_eq!(
            counted,
            [sent.frames, sent.syn, sent.syn_ack, sent.fin, sent.rst]
        );
        let file = report.packets()?;
        let told: u64 = file
            .packets
            .iter()
            .filter_map(|packet| packet.options.number(EPB_DROPCOUNT))
            .sum();
        assert_eq!(told, lost, "each loss is told by a packet that follows it");
        let statistics = &file.statistics[0].options;
        assert_eq!(statistics.number(ISB_OSDROP), Some(lost));
        assert_eq!(
            statistics.number(ISB_IFRECV),
            Some(report.kernel("packets"))
        );
        assert_eq!(
            statistics.number(ISB_USRDELIV),
            Some(file.packets.len() as u64)
        );
    }
    Ok(())
}

#[test]
fn busy_polling_delivers_the_same() -> Result<()> {
    let lab = quiet(Lab::new()?)?;
    for workers in ["1", "2"] {
        let arguments = ["--af-xdp", "--busy-poll", "50", "--workers", workers];
        let report = tapped(&lab, &arguments, || {
            let mut generator = Generator::load(OBJECT, SETTINGS)?.on_cpu(0);
            send(&lab.server, &mut generator, 600, 10_000)
        })?;
        assert_eq!(report.packets()?.packets.len(), 600);
    }
    Ok(())
}

#[test]
fn a_device_without_native_xdp_hands_over_in_generic_mode() -> Result<()> {
    const DATAGRAMS: u64 = 10;
    let namespace = Namespace::new()?;
    let run = Run::start_in(&namespace, &["-i", "lo", "--tap", "--af-xdp"])?;
    namespace.enter(|| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        for _ in 0..DATAGRAMS {
            socket.send_to(b"consumed", socket.local_addr()?)?;
        }
        Ok(())
    })?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert!(report.ended.stderr.contains("generic mode"));
    assert_eq!(report.kernel("udp"), DATAGRAMS);
    assert_eq!(report.stage("delivered")?.0, DATAGRAMS);
    Ok(())
}

/// Runs a command that must refuse; gives what it says.
fn refusal(command: &mut Command) -> Result<String> {
    let ended = Program::start(command)?.wait()?;
    assert!(!ended.status.success(), "{ended:?}");
    Ok(ended.stderr)
}

#[test]
fn what_is_in_the_way_of_a_socket_is_said() -> Result<()> {
    let lab = quiet(Lab::with_queues(2)?)?;
    let client = &lab.client;
    let tap = ["-i", client.interface, "--tap", "--af-xdp"];
    let refused = |arguments: &[&str]| refusal(command(&client.namespace)?.args(arguments));
    let has = |said: &str, words: &[&str]| {
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    };
    // It consumes what it takes, so it has to be wanted.
    let said = refused(&["-i", client.interface, "--af-xdp"])?;
    has(&said, &["--tap"]);
    let said = refused(&[&tap[..], &["--direction", "both"]].concat())?;
    has(&said, &["--af-xdp", "--direction both"]);

    // This process has a socket on the queue.
    let own = client.namespace.enter(|| {
        let interface = iface::find(client.interface)?;
        Ok(Sockets::open(
            &[&interface],
            1 << 20,
            XskOptions::default(),
        )?)
    })?;
    let said = refused(&tap)?;
    let owner = format!("process {} ", std::process::id());
    has(&said, &["queue 0 of client0", "AF_XDP socket", &owner]);
    drop(own);
    assert_detached(&client.namespace)?;

    if oracle::require(&["setpriv", "prlimit"]) {
        let mut limited = client.namespace.command("setpriv");
        limited
            .args(["--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"])
            .args(["prlimit", "--memlock=65536"])
            .arg(program::locate()?)
            .arg("live")
            .args(tap);
        let said = refusal(&mut limited)?;
        has(&said, &["RLIMIT_MEMLOCK", "ulimit -l", "--ring-size"]);
    }

    client.namespace.ip(&[
        "route",
        "add",
        "default",
        "via",
        &lab.server.ipv4.to_string(),
    ])?;
    let said = refused(&tap)?;
    has(&said, &["default route", "--force"]);
    assert_detached(&client.namespace)
}
