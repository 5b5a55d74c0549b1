//! Sampling, headers alone, and connections that are cut short: what is copied is what was asked for,
//! and what is counted stays whole.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use capture_common::{GeneratorCounters, GeneratorSettings};
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::{Family, Lab};
use capture_tests::oracle;
use capture_tests::traffic::{self, Done, Side, Volume};

use crate::frames;
use crate::pcapng::Packet;
use crate::run::{Record, Report, Run};
use crate::wire::{Wire, flush, send_all};

const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

const BULK: Volume = Volume {
    request_bytes: 3_000_000,
    response_bytes: 5_000_000,
};

/// Of interface description blocks: draft-ietf-opsawg-pcapng section 3.5.
const OPT_COMMENT: u16 = 1;

fn send(lab: &Lab, settings: GeneratorSettings, frames: u64) -> Result<GeneratorCounters> {
    let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
    send_all(&lab.server, &mut generator, frames, 20_000)
}

/// Of all records together, both sides.
pub(crate) fn sum(records: &[Record], column: &str) -> u64 {
    records
        .iter()
        .map(|record| {
            record.number(&format!("initiator_{column}"))
                + record.number(&format!("responder_{column}"))
        })
        .sum()
}

/// What records say together is what the kernel counted of IP, and what was captured is what is in the
/// file.
pub(crate) fn assert_whole(report: &Report) -> Result<()> {
    report.assert_lossless()?;
    let records = report.records()?;
    let arp = report.kernel("arp");
    assert_eq!(
        sum(&records, "packets"),
        report.kernel("packets") - arp,
        "{}",
        report.ledger
    );
    assert_eq!(
        sum(&records, "captured_packets"),
        report.kernel("delivered") - arp
    );
    // What the hosts ask with ARP has 42 bytes.
    assert_eq!(sum(&records, "bytes"), report.kernel("bytes") - 42 * arp);
    assert_eq!(
        sum(&records, "captured_bytes"),
        report.kernel("delivered_bytes") - 42 * arp
    );
    assert_eq!(sum(&records, "missed_bytes"), 0);
    Ok(())
}

/// Bytes of TCP payload from this port that are in the file: Ethernet, IP without options, TCP.
fn payload_from(packets: &[Packet], port: u16) -> usize {
    packets
        .iter()
        .filter_map(|packet| {
            let data = packet.data.as_slice();
            let (at, protocol) = match data.get(12..14)? {
                [0x08, 0x00] => (14 + 20, data[23]),
                [0x86, 0xdd] => (14 + 40, data[20]),
                _ => return None,
            };
            let tcp = data.get(at..at + 20)?;
            let from = u16::from_be_bytes([tcp[0], tcp[1]]);
            (protocol == 6 && from == port).then(|| data.len() - at - usize::from(tcp[12] >> 4) * 4)
        })
        .sum()
}

#[test]
fn a_cut_transfer_has_all_of_it_in_its_record_and_its_beginning_in_the_file() -> Result<()> {
    const CUTOFF: usize = 16 * 1024;
    const MOST_RUNS: usize = 5;
    let mut runs = 0;
    let (report, done) = loop {
        let lab = Lab::new()?;
        let run = Run::start(&lab.client, &["--cutoff", "16KiB", "--workers", "2"])?;
        let mut done = Vec::new();
        for family in FAMILIES {
            done.push(traffic::closed(&lab, family, Side::Client, BULK)?);
        }
        flush(&lab)?;
        let report = run.end()?;
        assert_whole(&report)?;
        // A virtual CPU that is stopped while it holds the flow's place: what comes meanwhile is copied
        // whole, and said to be.
        runs += 1;
        if report.kernel("cut_unfollowed") == 0 {
            break (report, done);
        }
        ensure!(runs < MOST_RUNS, "{}", report.ledger);
    };
    assert!(report.kernel("cut") > 0);
    assert_eq!(report.kernel("cut_evicted"), 0);
    let file = report.packets()?;
    for Done { client, server, .. } in done {
        let record = report.record("tcp", [client, server])?;
        assert_eq!(record.text("conn_state"), Some("SF"), "{record:?}");
        assert_eq!(record.text("outcome"), Some("closed"));
        // What goes out is seen before a veth can lose any of it.
        assert_eq!(record.number("initiator_lost_segments"), 0, "{record:?}");
        for (side, bytes) in [
            ("initiator", BULK.request_bytes),
            ("responder", BULK.response_bytes),
        ] {
            let number = |column: &str| record.number(&format!("{side}_{column}"));
            assert_eq!(number("payload_bytes"), bytes as u64, "{record:?}");
            assert!(number("bytes") > bytes as u64);
            assert!(number("captured_packets") < number("packets"));
            assert_eq!(number("acked_unseen"), 0, "{record:?}");
        }
        for end in [client, server] {
            assert_eq!(payload_from(&file.packets, end.port()), CUTOFF, "{end}");
        }
    }
    assert_eq!(
        file.interfaces[0].options.text(OPT_COMMENT),
        Some("capture: cutoff 16384 bytes of payload each way")
    );
    assert!(
        file.packets
            .iter()
            .all(|packet| packet.options.number(4).is_none())
    );
    Ok(())
}

/// Sends datagrams of 1,000 bytes that nobody answers, and waits until they are through.
struct Talker {
    socket: UdpSocket,
    server: SocketAddr,
    _listener: UdpSocket,
}

impl Talker {
    const LEN: usize = 1_000;

    fn new(lab: &Lab) -> Result<Self> {
        let listener = lab
            .server
            .namespace
            .enter(|| Ok(UdpSocket::bind((lab.server.ipv4, 0))?))?;
        let server = listener.local_addr()?;
        let socket = lab
            .client
            .namespace
            .enter(|| Ok(UdpSocket::bind((lab.client.ipv4, 0))?))?;
        Ok(Self {
            socket,
            server,
            _listener: listener,
        })
    }

    fn send(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.socket.send_to(&[0x2a; Self::LEN], self.server)?;
        }
        Ok(())
    }

    /// Packets, bytes of frames and payload by the record, held against what was sent.
    fn assert_sent(&self, report: &Report, count: usize) -> Result<Record> {
        let record = report.record("udp", [self.socket.local_addr()?, self.server])?;
        let number = |column: &str| record.number(&format!("initiator_{column}"));
        assert_eq!(number("packets"), count as u64);
        assert_eq!(number("bytes"), (count * (14 + 20 + 8 + Self::LEN)) as u64);
        assert_eq!(number("ip_bytes"), (count * (20 + 8 + Self::LEN)) as u64);
        assert_eq!(number("payload_bytes"), (count * Self::LEN) as u64);
        Ok(record)
    }
}

#[test]
fn datagrams_are_cut_too_and_an_open_flow_is_told_of_at_the_end() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--cutoff", "10000"])?;
    let talker = Talker::new(&lab)?;
    talker.send(500)?;
    flush(&lab)?;
    let report = run.end()?;
    assert_whole(&report)?;
    let record = talker.assert_sent(&report, 500)?;
    // Ten whole ones, and one each second that it took.
    let captured = record.number("initiator_captured_packets");
    assert_eq!(captured + report.kernel("cut"), 500);
    assert!((11..100).contains(&captured), "{captured}");
    Ok(())
}

#[test]
fn more_flows_than_places_evict_each_other_and_every_count_stays_exact() -> Result<()> {
    const FLOWS: usize = 12;
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--cutoff", "1", "--cutoff-flows", "4"])?;
    let talkers: Vec<_> = (0..FLOWS)
        .map(|_| Talker::new(&lab))
        .collect::<Result<_>>()?;
    for talker in &talkers {
        talker.send(50)?;
    }
    // All of the first four have gone by now, and take part anew.
    for talker in &talkers[..4] {
        talker.send(30)?;
    }
    flush(&lab)?;
    let report = run.end()?;
    assert_whole(&report)?;
    for (number, talker) in talkers.iter().enumerate() {
        talker.assert_sent(&report, if number < 4 { 80 } else { 50 })?;
    }
    // Each one that comes when the four places are taken by others; the last is the flush. On a machine so
    // busy that a flow is silent for long meanwhile, its place counts as free.
    let evicted = report.kernel("cut_evicted");
    assert!(
        (1..=FLOWS as u64 - 4 + 4 + 1).contains(&evicted),
        "{evicted}"
    );
    assert!(report.kernel("cut") > 12 * 45);
    Ok(())
}

#[test]
fn generated_sessions_that_share_few_places_keep_their_counts() -> Result<()> {
    let settings = GeneratorSettings {
        flows: 20,
        session_frames: 60,
        frame_len: 600,
        reset_every: 5,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let run = Run::start(
        &lab.client,
        &[
            "--direction",
            "in",
            "--cutoff",
            "600",
            "--cutoff-flows",
            "16",
        ],
    )?;
    let sent = send(&lab, settings, 24_000)?;
    let report = run.end()?;
    assert_whole(&report)?;
    assert!(report.kernel("cut") > 1_000, "{}", report.ledger);
    let records = report.records()?;
    let of_tcp: Vec<_> = records
        .into_iter()
        .filter(|record| record.text("proto") == Some("tcp"))
        .collect();
    assert_eq!(of_tcp.len(), 400, "one for each session");
    for record in &of_tcp {
        assert_eq!(sum(std::slice::from_ref(record), "packets"), 60);
        let state = record.text("conn_state").unwrap_or_default();
        assert!(["SF", "RSTO"].contains(&state), "{record:?}");
    }
    assert_eq!(sum(&of_tcp, "bytes"), sent.bytes);
    assert_eq!(sum(&of_tcp, "retransmitted_segments"), 0);
    assert_eq!(sum(&of_tcp, "lost_segments"), 0);
    Ok(())
}

#[test]
fn a_flood_of_syns_takes_no_place_from_who_is_cut_short() -> Result<()> {
    let flood = GeneratorSettings {
        syn_flood: 1,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let run = Run::start(
        &lab.client,
        &[
            "--cutoff",
            "1000",
            "--cutoff-flows",
            "4",
            "--ring-size",
            "64MiB",
        ],
    )?;
    let talker = Talker::new(&lab)?;
    talker.send(50)?;
    let sent = send(&lab, flood, 20_000)?;
    assert_eq!(sent.syn, 20_000);
    talker.send(50)?;
    flush(&lab)?;
    let report = run.end()?;
    assert_whole(&report)?;
    assert_eq!(report.kernel("syn"), 20_000);
    assert_eq!(
        report.kernel("cut_evicted") + report.kernel("cut_unfollowed"),
        0
    );
    let record = talker.assert_sent(&report, 100)?;
    // The first; then two, if it took so long, of each second.
    assert!(
        record.number("initiator_captured_packets") < 30,
        "{record:?}"
    );
    Ok(())
}

#[test]
fn a_new_connection_of_the_same_ports_is_captured_from_its_beginning() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--cutoff", "5000"])?;
    let listener = lab
        .server
        .namespace
        .enter(|| Ok(TcpListener::bind((lab.server.ipv4, 0))?))?;
    let server = listener.local_addr()?;
    let mut client = None;
    for _ in 0..2 {
        let mut near = lab
            .client
            .namespace
            .enter(|| connect_from(client, lab.client.ipv4, server))?;
        client = Some(near.local_addr()?);
        let (far, _) = listener.accept()?;
        let reader = std::thread::spawn(move || std::io::copy(&mut &far, &mut std::io::sink()));
        near.write_all(&[1; 400_000])?;
        // Ends by RST, so that the ports are free at once.
        socket2::SockRef::from(&near).set_linger(Some(std::time::Duration::ZERO))?;
        while unsent(&near)? > 0 {
            std::thread::yield_now();
        }
        drop(near);
        drop(reader.join());
    }
    flush(&lab)?;
    let report = run.end()?;
    assert_whole(&report)?;
    let records: Vec<_> = report
        .records()?
        .into_iter()
        .filter(|record| record.text("proto") == Some("tcp"))
        .collect();
    assert_eq!(records.len(), 2, "{records:?}");
    for record in &records {
        assert_eq!(record.number("initiator_payload_bytes"), 400_000);
    }
    let file = report.packets()?;
    let port = client.context("connected above")?.port();
    assert_eq!(payload_from(&file.packets, port), 2 * 5_000);
    Ok(())
}

fn connect_from(
    from: Option<SocketAddr>,
    address: std::net::Ipv4Addr,
    to: SocketAddr,
) -> Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&from.unwrap_or_else(|| (address, 0).into()).into())?;
    socket.connect(&to.into())?;
    Ok(socket.into())
}

/// Bytes that were not acknowledged yet, by `ss`.
fn unsent(stream: &TcpStream) -> Result<u64> {
    use std::os::fd::AsRawFd as _;
    let mut bytes: libc::c_int = 0;
    #[expect(unsafe_code, reason = "tcp(7): SIOCOUTQ is an ioctl")]
    // SAFETY: the pointer is to an integer that lives longer than the call.
    let failed = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    ensure!(failed == 0, std::io::Error::last_os_error());
    Ok(u64::from(bytes.unsigned_abs()))
}

/// Six standard deviations around what is expected: a fair run fails once in five hundred million.
fn assert_share(kept: u64, of: u64, n: u64) {
    let (kept, of, n) = (kept as f64, of as f64, n as f64);
    let deviation = (of * (1.0 / n) * (1.0 - 1.0 / n)).sqrt();
    assert!(
        (kept - of / n).abs() < 6.0 * deviation,
        "{kept} of {of} is not 1/{n}: six standard deviations are {}",
        6.0 * deviation
    );
}

const SESSIONS: GeneratorSettings = GeneratorSettings {
    flows: 100,
    session_frames: 10,
    reset_every: 4,
    ..GeneratorSettings::UNPATCHED
};

/// Segments with one of these flags, in Ethernet and IPv4 without options.
fn with_flags(packets: &[Packet], mask: u8) -> u64 {
    let is = |packet: &&Packet| packet.data.get(47).is_some_and(|flags| flags & mask != 0);
    packets.iter().filter(is).count() as u64
}

#[test]
fn sampled_packets_are_their_share_and_control_segments_are_all_there() -> Result<()> {
    const CONTROL: u8 = 0x01 | 0x02 | 0x04;
    let lab = Lab::new()?;
    for (words, kept_control) in [
        (&["--sample", "1/10"][..], true),
        (&["--sample", "10%", "--no-keep-control"], false),
    ] {
        let all = [&["--direction", "in"], words].concat();
        let run = Run::start(&lab.client, &all)?;
        let sent = send(&lab, SESSIONS, 30_000)?;
        let report = run.end()?;
        report.assert_lossless()?;
        let control = sent.syn + sent.syn_ack + sent.fin + sent.rst;
        let counted = ["tcp", "syn", "syn_ack", "fin", "rst"].map(|counter| report.kernel(counter));
        assert_eq!(
            counted,
            [sent.frames, sent.syn, sent.syn_ack, sent.fin, sent.rst]
        );
        let file = report.packets()?;
        let kept = file.packets.len() as u64;
        let (kept_of_control, kept_of_rest) = {
            let of_control = with_flags(&file.packets, CONTROL);
            (of_control, kept - of_control)
        };
        // What the hosts say by themselves is a packet or two.
        assert_share(kept_of_rest, report.kernel("packets") - control, 10);
        if kept_control {
            assert_eq!(kept_of_control, control);
        } else {
            assert_share(kept_of_control, control, 10);
        }
        assert_eq!(
            report.row("seen", "sampled")?,
            report.kernel("packets") - kept
        );
        for record in report.records()? {
            assert_eq!(
                ["packet_sampling", "flow_sampling"].map(|column| record.number(column)),
                [10, 1]
            );
        }
        let comment = file.interfaces[0].options.text(OPT_COMMENT);
        assert_eq!(
            comment,
            Some(if kept_control {
                "capture: sampled 1/10 packets, control segments kept"
            } else {
                "capture: sampled 1/10 packets"
            })
        );
    }
    Ok(())
}

#[test]
fn sampled_connections_are_whole_and_the_others_are_not_there() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(
        &lab.client,
        &[
            "--direction",
            "in",
            "--sample-flows",
            "1/10",
            "--workers",
            "2",
        ],
    )?;
    let sent = send(&lab, SESSIONS, 30_000)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("tcp"), sent.frames);
    let records: Vec<_> = report
        .records()?
        .into_iter()
        .filter(|record| record.text("proto") == Some("tcp"))
        .collect();
    assert_share(records.len() as u64, 3_000, 10);
    for record in &records {
        assert_eq!(
            sum(std::slice::from_ref(record), "packets"),
            10,
            "{record:?}"
        );
        let outcome = record.text("outcome").unwrap_or_default();
        assert!(["closed", "reset"].contains(&outcome), "{record:?}");
        assert_eq!(
            ["packet_sampling", "flow_sampling"].map(|column| record.number(column)),
            [1, 10]
        );
    }

    let run = Run::start(
        &lab.client,
        &[
            "--direction",
            "in",
            "--sample-flows",
            "1/10",
            "--keep-control",
        ],
    )?;
    let sent = send(&lab, SESSIONS, 3_000)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let file = report.packets()?;
    let control = sent.syn + sent.syn_ack + sent.fin + sent.rst;
    assert_eq!(with_flags(&file.packets, 0x07), control);
    Ok(())
}

#[test]
fn fragments_go_with_their_datagram_when_connections_are_sampled() -> Result<()> {
    let volume = Volume {
        request_bytes: 4_000,
        response_bytes: 4_000,
    };
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--sample-flows", "1/2", "--workers", "2"])?;
    let mut done = Vec::new();
    for _ in 0..16 {
        for family in FAMILIES {
            done.push(traffic::datagrams(&lab, family, volume)?);
        }
    }
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("fragments"), 32 * 6);
    let mut sampled = 0;
    for done in &done {
        if let Ok(record) = report.record("udp", [done.client, done.server]) {
            sampled += 1;
            let packets =
                ["initiator_packets", "responder_packets"].map(|side| record.number(side));
            assert_eq!(packets, [3, 3], "{record:?}");
        }
    }
    assert_share(sampled, 32, 2);
    Ok(())
}

#[test]
fn headers_end_where_tshark_says() -> Result<()> {
    if !oracle::require(&["tshark"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--headers-only"])?;
    for family in FAMILIES {
        traffic::closed(&lab, family, Side::Client, Volume::default())?;
        traffic::ping(&lab, family, 2)?;
    }
    let wire = Wire::open(&lab.server)?;
    // A TCP header of fifteen words, the longest, behind IPv4 options; and an IPv6 extension header.
    let mut tcp = frames::tcp(7, 80, frames::ACK);
    tcp[12] = 0xf0;
    tcp.extend([1; 40]);
    tcp.extend([0x2a; 500]);
    wire.send(&frames::ipv4(frames::TCP, &[1; 8], (1, 0), &tcp))?;
    let mut behind = vec![frames::TCP, 0, 1, 4, 0, 0, 0, 0];
    behind.extend(&tcp);
    wire.send(&frames::ipv6(0, &behind))?;
    wire.send(&frames::tagged(
        &frames::ipv4(frames::UDP, &[], (2, 0), &frames::udp(9, 53, &[0x2a; 300])),
        &[(0x8100, 5)],
    ))?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(report.packets_path()).args([
        "-o",
        "tcp.desegment_tcp_streams:FALSE",
        "-T",
        "fields",
        "-e",
        "frame.cap_len",
        "-e",
        "frame.len",
        "-e",
        "vlan.id",
        "-e",
        "ip.hdr_len",
        "-e",
        "ipv6.version",
        "-e",
        "ipv6.opt.length",
        "-e",
        "tcp.hdr_len",
        "-e",
        "udp.srcport",
        "-e",
        "icmp.type",
        "-e",
        "icmpv6.type",
        "-E",
        "separator=|",
        "-E",
        "occurrence=f",
    ]);
    let text = oracle::output(&mut tshark)?;
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let number = |at: usize| fields[at].parse::<u32>().unwrap_or(0);
        let (cap_len, wire_len) = (number(0), number(1));
        let present = |at: usize| u32::from(!fields[at].is_empty());
        let net = number(3) + 40 * present(4) + 8 * present(5);
        if net == 0 {
            // Not IP.
            assert_eq!(cap_len, wire_len, "{line}");
            continue;
        }
        let (kind, transport) = if present(6) == 1 {
            ("tcp", number(6))
        } else if present(7) == 1 {
            ("udp", 8)
        } else {
            ("icmp", 8)
        };
        *seen.entry(kind).or_default() += 1;
        // A router solicitation of IPv6 has its hop-by-hop header told in options of their own.
        if fields[9].is_empty() || present(5) == 0 {
            assert_eq!(cap_len, 14 + 4 * present(2) + net + transport, "{line}");
        }
    }
    assert!(
        ["tcp", "udp", "icmp"]
            .iter()
            .all(|kind| seen.get(kind).is_some_and(|n| *n > 2)),
        "{seen:?}"
    );
    // Records know of payload by the lengths in the headers, and miss nothing.
    for record in report.records()? {
        assert_eq!(
            sum(std::slice::from_ref(&record), "missed_bytes"),
            0,
            "{record:?}"
        );
    }
    Ok(())
}

#[test]
fn everything_together_loads_on_several_interfaces() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start_in(
        &lab.client.namespace,
        &[
            "-i",
            lab.client.interface,
            "-i",
            "lo",
            "--sample",
            "2",
            "--sample-flows",
            "2",
            "--cutoff",
            "0",
            "--headers-only",
            "--snaplen",
            "200",
        ],
    )?;
    traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    flush(&lab)?;
    run.end()?.assert_lossless()
}
