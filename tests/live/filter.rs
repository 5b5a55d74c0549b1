//! Capture filters on the wire: what is refused is counted and nothing else, and what is delivered is
//! what other tools take for a match.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use capture_tests::netns::{Family, Lab, Namespace};
use capture_tests::oracle::{self, require};
use capture_tests::program::Program;
use capture_tests::traffic::{self, Side, Volume};

use crate::frames::{self, SYN};
use crate::run::{self, Run};
use crate::wire::{Tunnel, flush};

/// Option codes of draft-ietf-opsawg-pcapng, sections 4.2 and 4.6.
const IF_FILTER: u16 = 11;
const ISB_FILTERACCEPT: u16 = 6;

/// Types of ICMP messages (RFC 792).
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;

const DOWNLOAD: Volume = Volume {
    request_bytes: 100,
    response_bytes: 3_000_000,
};

/// How many packets of a file libpcap takes for matches.
fn matches(file: &Path, expression: &str) -> Result<usize> {
    let mut command = Command::new("tcpdump");
    command.args(["-nn", "-t", "-r"]).arg(file).arg(expression);
    Ok(oracle::output(&mut command)?.lines().count())
}

#[test]
fn refused_packets_are_counted_as_filtered_and_the_rest_is_delivered() -> Result<()> {
    if !require(&["tcpdump", "capinfos"]) {
        return Ok(());
    }
    const EXPRESSION: &str = "tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0";
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--workers", "2", "-f", EXPRESSION])?;
    for side in [Side::Client, Side::Server] {
        traffic::closed(&lab, Family::Ipv4, side, DOWNLOAD)?;
        traffic::reset(&lab, Family::Ipv4, side, DOWNLOAD)?;
    }
    traffic::closed(&lab, Family::Ipv6, Side::Client, DOWNLOAD)?;
    traffic::ping(&lab, Family::Ipv4, 5)?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    // Counters come before the filter: five connections.
    let counted = ["syn", "syn_ack", "fin", "rst"].map(|counter| report.kernel(counter));
    assert_eq!(counted, [5, 5, 6, 2]);
    assert!(report.kernel("bytes") > 5 * 3_000_000);
    assert!(report.kernel("icmp") >= 10);
    // tcp[…] of libpcap's is of IPv4 alone, so those of IPv6 are refused: four flags there.
    let delivered = report.stage("delivered")?.0;
    assert_eq!(delivered, 18 - 4);
    assert_eq!(
        report.row("seen", "filtered")?,
        report.kernel("packets") - delivered
    );
    let file = report.packets()?;
    assert_eq!(file.packets.len() as u64, delivered);
    assert_eq!(
        matches(&report.packets_path(), EXPRESSION)? as u64,
        delivered
    );
    let text = [b"\0", EXPRESSION.as_bytes()].concat();
    assert_eq!(file.interfaces[0].options.get(IF_FILTER), Some(&text[..]));
    assert_eq!(
        file.statistics[0].options.number(ISB_FILTERACCEPT),
        Some(delivered)
    );
    let mut capinfos = Command::new("capinfos");
    capinfos.arg(report.packets_path());
    let shown = oracle::output(&mut capinfos)?;
    assert!(
        shown.contains(&format!("Filter string = {EXPRESSION}")),
        "{shown}"
    );
    Ok(())
}

#[test]
fn a_filter_that_refuses_everything_delivers_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["less", "1"])?;
    traffic::closed(&lab, Family::Ipv6, Side::Client, DOWNLOAD)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("filtered"), report.kernel("packets"));
    assert_eq!(report.kernel("delivered"), 0);
    assert_eq!(report.kernel("syn"), 1);
    Ok(())
}

#[test]
fn a_filter_reads_bytes_that_do_not_lie_in_one_piece() -> Result<()> {
    // What goes out in one piece of up to 64 KiB has its payload in other pages than its headers.
    const EXPRESSION: &str = "tcp and len > 4000 and ether[len - 1] = 0x21";
    if !require(&["tcpdump"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    let run = Run::start(&lab.server, &["-Q", "out", "-f", EXPRESSION])?;
    let volume = Volume {
        request_bytes: 100,
        response_bytes: 20_000_000,
    };
    traffic::closed(&lab, Family::Ipv4, Side::Client, volume)?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let packets = report.packets()?.packets;
    assert!(packets.len() > 10, "{}", packets.len());
    assert_eq!(matches(&report.packets_path(), EXPRESSION)?, packets.len());
    for packet in &packets {
        assert!(packet.wire_len > 4000 && packet.data.last() == Some(&b'!'));
    }
    Ok(())
}

#[test]
fn interfaces_of_both_kinds_share_a_filter() -> Result<()> {
    if !Path::new("/dev/net/tun").exists() {
        oracle::skip("no /dev/net/tun");
        return Ok(());
    }
    let namespace = Namespace::new()?;
    let mut tunnel = Tunnel::open(&namespace, "tun0")?;
    namespace.ip(&["addr", "add", "192.0.2.1/24", "dev", "tun0"])?;
    namespace.ip(&["link", "set", "tun0", "up"])?;
    namespace.ip(&["link", "set", "lo", "up"])?;
    let run = Run::start_in(
        &namespace,
        &[
            "-i",
            "tun0",
            "-i",
            "lo",
            "--ignore-checksums",
            "--no-control",
            "tcp port 80 or icmp",
        ],
    )?;
    let wanted = frames::ipv4(frames::TCP, &[], (1, 0), &frames::tcp(1000, 80, SYN));
    let other = frames::ipv4(frames::TCP, &[], (1, 0), &frames::tcp(1000, 81, SYN));
    for _ in 0..7 {
        tunnel.send(&wanted[14..])?;
        tunnel.send(&other[14..])?;
    }
    let mut ping = namespace.command("ping");
    ping.args(["-c", "3", "-i", "0.01", "127.0.0.1"]);
    oracle::output(&mut ping)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let by_interface = |number| {
        report.packets().map(|file| {
            let packets = file.packets.into_iter();
            packets
                .filter(|packet| packet.interface == number)
                .map(|packet| packet.data.len())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(by_interface(0)?, [wanted.len() - 14; 7]);
    // Echo requests and replies, as they come in.
    assert_eq!(by_interface(1)?.len(), 6);
    assert!(report.kernel("filtered") >= 7);
    Ok(())
}

#[test]
fn a_filter_that_makes_no_sense_is_refused_before_anything_is_attached() -> Result<()> {
    let lab = Lab::new()?;
    let mut command = run::command(&lab.client.namespace)?;
    command.args(["-i", lab.client.interface, "-f", "tcp prot 80"]);
    let ended = Program::start(&mut command)?.wait()?;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.stderr.contains("tcp prot 80"), "{}", ended.stderr);
    run::assert_detached(&lab.client.namespace)
}

#[test]
fn directions_are_those_of_the_hooks() -> Result<()> {
    let lab = Lab::new()?;
    for (way, wanted) in [("inbound", ECHO_REPLY), ("outbound", ECHO_REQUEST)] {
        let run = Run::start(&lab.client, &["icmp", "and", way])?;
        // The client asks, so requests go out and replies come in.
        traffic::ping(&lab, Family::Ipv4, 4)?;
        flush(&lab)?;
        let report = run.end()?;
        report.assert_lossless()?;
        let packets = report.packets()?.packets;
        assert_eq!(packets.len(), 4, "{way}");
        assert!(
            packets.iter().all(|packet| packet.data[34] == wanted),
            "{way}"
        );
    }
    Ok(())
}
