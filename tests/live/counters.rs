//! The kernel's counters are exact, whatever the traffic looks like and whatever becomes of it later.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::Result;
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::{Family, Lab};
use capture_tests::traffic::{self, Volume};

use crate::frames::{self, ACK, DST_V4, DST_V6, FIN, RST, SRC_V4, SRC_V6, SYN, TCP, UDP};
use crate::run::{Report, Run};
use crate::wire::{Wire, flush, send_all};

/// Frames a second, which a worker keeps up with.
const UNHURRIED: u64 = 100_000;

fn counted<const N: usize>(report: &Report, counters: [&str; N]) -> [u64; N] {
    counters.map(|counter| report.kernel(counter))
}

#[test]
fn generated_sessions_are_counted_and_recorded_to_the_last_frame() -> Result<()> {
    let settings = GeneratorSettings {
        flows: 100,
        session_frames: 10,
        reset_every: 4,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
    let run = Run::start(
        &lab.client,
        &[
            "--direction",
            "in",
            "--ring-size",
            "64MiB",
            "--workers",
            "2",
        ],
    )?;
    // Whole sessions only: 30 rounds of 100 flows with 10 frames each.
    let expected = send_all(&lab.server, &mut generator, 30_000, UNHURRIED)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(
        counted(&report, ["tcp", "syn", "syn_ack", "fin", "rst"]),
        [
            expected.frames,
            expected.syn,
            expected.syn_ack,
            expected.fin,
            expected.rst
        ]
    );
    let records = report.records()?;
    let of_tcp: Vec<_> = records
        .iter()
        .filter(|record| record.text("proto") == Some("tcp"))
        .collect();
    assert_eq!(of_tcp.len(), 3_000, "one for each session");
    let with = |outcome| {
        of_tcp
            .iter()
            .filter(|record| record.text("outcome") == Some(outcome))
            .count() as u64
    };
    assert_eq!(with("reset"), expected.rst);
    assert_eq!(with("closed"), 3_000 - expected.rst);
    let bytes: u64 = of_tcp
        .iter()
        .map(|record| record.number("initiator_bytes") + record.number("responder_bytes"))
        .sum();
    assert_eq!(bytes, expected.bytes);
    Ok(())
}

#[test]
fn a_flood_of_syns_is_counted_and_an_established_connection_survives_it() -> Result<()> {
    const FLOOD: u64 = 20_000;
    const MOST: usize = 1_000;
    let settings = GeneratorSettings {
        syn_flood: 1,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
    let most = MOST.to_string();
    let run = Run::start(
        &lab.client,
        &[
            "--max-flows",
            &most,
            "--workers",
            "1",
            "--ring-size",
            "64MiB",
        ],
    )?;

    let listener = lab
        .server
        .namespace
        .enter(|| Ok(TcpListener::bind((lab.server.ipv4, 0))?))?;
    let server = listener.local_addr()?;
    let mut near = lab
        .client
        .namespace
        .enter(|| Ok(TcpStream::connect(server)?))?;
    let (mut far, client) = listener.accept()?;
    near.write_all(b"before")?;
    far.read_exact(&mut [0; 6])?;

    let sent = send_all(&lab.server, &mut generator, FLOOD, UNHURRIED)?;
    assert_eq!(sent.syn, FLOOD);

    near.write_all(b"after")?;
    far.read_exact(&mut [0; 5])?;
    drop(near);
    assert_eq!(far.read(&mut [0; 1])?, 0);
    drop(far);
    flush(&lab)?;
    let report = run.end()?;
    report.assert_closed()?;
    assert_eq!(
        counted(&report, ["syn", "syn_ack", "fin", "rst"]),
        [FLOOD + 1, 1, 2, 0]
    );
    assert_eq!(report.row("seen", "ring full")?, 0);

    let record = report.record("tcp", [client, server])?;
    assert_eq!(record.text("outcome"), Some("closed"), "{record:?}");
    let flags = record.text("initiator_flags").unwrap_or_default();
    assert!(flags.contains('S'), "seen from its beginning on: {flags}");
    let records = report.records()?;
    let ended = |end| {
        records
            .iter()
            .filter(|record| record.text("end_reason") == Some(end))
            .count()
    };
    assert!(ended("shutdown") <= MOST, "no more fit into the table");
    let evicted = report.ledger["flows_evicted"].as_u64().unwrap_or_default();
    assert!(evicted >= FLOOD - 2 * MOST as u64, "{evicted}");
    // A slow disk may cost records of the flood, but not those of what lived to the end.
    if report.row("records to write", "disk too slow")? == 0 {
        // The flood's own SYNs make room, even for the datagram after it: they are older than the
        // connection's end.
        assert_eq!(ended("evicted") as u64, evicted);
    }
    Ok(())
}

#[test]
fn headers_of_every_shape_are_walked_alike_in_kernel_and_userspace() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(
        &lab.client,
        // The frames are made by hand, without checksums.
        &["--direction", "in", "--ignore-checksums"],
    )?;
    let wire = Wire::open(&lab.server)?;
    let plain = |flags, port| frames::ipv4(TCP, &[], (1, 0), &frames::tcp(port, 80, flags));
    // Extension headers (RFC 8200 section 4): hop-by-hop and destination options with padding alone,
    // a routing header without segments, and an authentication header (RFC 4302).
    let behind = |extensions: &[u8], transport: &[u8]| [extensions, transport].concat();
    let pad_n = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
    let routing = |next: u8| [next, 0, 4, 0, 0, 0, 0, 0];
    let auth = |next: u8| [next, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    let tcp = |port, flags| frames::tcp(port, 80, flags);
    let shapes: Vec<Vec<u8>> = vec![
        frames::tagged(&plain(SYN, 1), &[(0x8100, 100)]),
        frames::tagged(&plain(SYN | ACK, 2), &[(0x88a8, 200), (0x8100, 300)]),
        // Record route, ten words in all; and padding to the longest header there can be.
        frames::ipv4(
            TCP,
            &[[7, 19, 4].as_slice(), &[0; 17]].concat(),
            (1, 0),
            &tcp(3, FIN | ACK),
        ),
        frames::ipv4(TCP, &[1; 40], (1, 0), &tcp(4, RST)),
        frames::ipv6(0, &behind(&pad_n(TCP), &tcp(5, SYN))),
        frames::ipv6(
            0,
            &behind(
                &[pad_n(60), pad_n(43), routing(TCP)].concat(),
                &tcp(6, FIN | ACK),
            ),
        ),
        frames::ipv6(51, &behind(&auth(TCP), &tcp(7, RST | ACK))),
        frames::tagged(
            &frames::ipv6(60, &behind(&pad_n(TCP), &tcp(8, SYN | ACK))),
            &[(0x8100, 5), (0x8100, 6)],
        ),
        frames::ipv4(UDP, &[], (1, 0), &frames::udp(9, 53, b"?")),
        frames::ipv4(132, &[], (1, 0), &[0, 10, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for frame in &shapes {
        wire.send(frame)?;
    }
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(
        counted(&report, ["tcp", "syn", "syn_ack", "fin", "rst"]),
        [8, 2, 2, 2, 2]
    );
    // The datagram of the list, and the one of the flush that comes in.
    assert_eq!(counted(&report, ["udp", "other_transport"]), [2, 1]);
    assert_eq!(counted(&report, ["fragments", "malformed"]), [0, 0]);
    assert_eq!(report.row("delivered", "malformed")?, 0);
    let expect = [
        (1, SRC_V4.into(), "S", "100"),
        (2, SRC_V4.into(), "SA", "200.300"),
        (3, SRC_V4.into(), "FA", ""),
        (4, SRC_V4.into(), "R", ""),
        (5, std::net::IpAddr::from(SRC_V6), "S", ""),
        (6, SRC_V6.into(), "FA", ""),
        (7, SRC_V6.into(), "AR", ""),
        (8, SRC_V6.into(), "SA", "5.6"),
    ];
    for (port, src, flags, vlan) in expect {
        let dst = if src.is_ipv4() {
            DST_V4.into()
        } else {
            DST_V6.into()
        };
        let ends = [SocketAddr::new(src, port), SocketAddr::new(dst, 80)];
        let record = report.record("tcp", ends)?;
        // Even who sends a SYN-ACK is the originator, as in Zeek, while nothing else says otherwise: it
        // may be a scan.
        assert_eq!(record.initiator(), Some(ends[0]), "{record:?}");
        assert_eq!(record.text("initiator_flags"), Some(flags));
        assert_eq!(record.number("initiator_packets"), 1);
        assert_eq!(record.text("vlan").unwrap_or_default(), vlan);
    }
    Ok(())
}

#[test]
fn all_fragments_of_a_datagram_are_in_one_record() -> Result<()> {
    // Three fragments for an MTU of 1500: 4008 bytes in pieces of at most 1480, or 1448 with the
    // fragment header of IPv6.
    let volume = Volume {
        request_bytes: 4_000,
        response_bytes: 4_000,
    };
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--workers", "2"])?;
    let mut done = Vec::new();
    for _ in 0..8 {
        done.push(traffic::datagrams(&lab, Family::Ipv4, volume)?);
        done.push(traffic::datagrams(&lab, Family::Ipv6, volume)?);
    }
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("fragments"), 16 * 2 * 3);
    for done in &done {
        let record = report.record("udp", [done.client, done.server])?;
        let packets = ["initiator_packets", "responder_packets"].map(|side| record.number(side));
        assert_eq!(packets, [3, 3], "{done:?}");
    }
    // And no record has the rest of a datagram, without ports.
    let without_ports: HashSet<_> = report
        .records()?
        .iter()
        .filter(|record| record.text("proto") == Some("udp"))
        .filter_map(|record| Some([record.initiator()?, record.responder()?]))
        .filter(|ends| ends.iter().any(|end| end.port() == 0))
        .collect();
    assert_eq!(without_ports, HashSet::new());
    Ok(())
}
