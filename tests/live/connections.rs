//! Each way a connection can go has its record, held against what the scenario did and against what
//! tcpdump saw at the other end of the wire.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, Result};
use capture_tests::netns::{Family, Host, Lab};
use capture_tests::oracle;
use capture_tests::traffic::{self, Done, Outcome, Protocol, Side, Volume};

use crate::run::{Record, Report, Run, nanoseconds};
use crate::wire::Tcpdump;

const TCP: Volume = Volume {
    request_bytes: 333,
    response_bytes: 70_000,
};

const UDP: Volume = Volume {
    request_bytes: 30,
    response_bytes: 1200,
};

const PINGS: u16 = 5;

/// What one side sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sent {
    packets: u64,
    bytes: u64,
    flags: u16,
}

type Flow = (&'static str, SocketAddr, SocketAddr);

/// All scenarios, and who is expected to have ended each.
fn all_scenarios(lab: &Lab) -> Result<Vec<(Done, Option<Side>)>> {
    let mut done = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for side in [Side::Client, Side::Server] {
            done.push((traffic::closed(lab, family, side, TCP)?, Some(side)));
            done.push((traffic::reset(lab, family, side, TCP)?, Some(side)));
        }
        done.push((traffic::refused(lab, family)?, Some(Side::Server)));
        done.push((traffic::unanswered(lab, family)?, None));
        done.push((traffic::datagrams(lab, family, UDP)?, None));
        done.push((traffic::ping(lab, family, PINGS)?, None));
    }
    Ok(done)
}

/// Packets, bytes and flags of each flow and direction, as tshark reads them from a file.
fn sent(file: &Path) -> Result<HashMap<Flow, Sent>> {
    const FIELDS: [&str; 14] = [
        "frame.len",
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
        "tcp.srcport",
        "tcp.dstport",
        "udp.srcport",
        "udp.dstport",
        "icmp.type",
        "icmpv6.type",
        "tcp.flags",
        "tcp.len",
        "frame.number",
    ];
    let filter = "tcp || udp || icmp.type in {0, 8} || icmpv6.type in {128, 129}";
    let mut flows: HashMap<Flow, Sent> = HashMap::new();
    for row in oracle::tshark_fields(file, filter, &FIELDS)? {
        let field = |name: &str| {
            let place = FIELDS.iter().position(|known| *known == name).unwrap();
            row.get(place).filter(|value| !value.is_empty())
        };
        let address = |v4, v6| -> Result<IpAddr> {
            Ok(field(v4).or_else(|| field(v6)).context("no IP")?.parse()?)
        };
        let (src, dst) = (
            address("ip.src", "ipv6.src")?,
            address("ip.dst", "ipv6.dst")?,
        );
        let (protocol, ports) = if field("tcp.srcport").is_some() {
            ("tcp", ["tcp.srcport", "tcp.dstport"])
        } else if field("udp.srcport").is_some() {
            ("udp", ["udp.srcport", "udp.dstport"])
        } else if field("icmp.type").is_some() {
            ("icmp", ["", ""])
        } else {
            ("icmp6", ["", ""])
        };
        let port = |name: &str| -> Result<u16> {
            if name.is_empty() {
                return Ok(0);
            }
            Ok(field(name).context("no port")?.parse()?)
        };
        let flow = (
            protocol,
            SocketAddr::new(src, port(ports[0])?),
            SocketAddr::new(dst, port(ports[1])?),
        );
        let sum = flows.entry(flow).or_default();
        sum.packets += 1;
        sum.bytes += field("frame.len").context("no length")?.parse::<u64>()?;
        if let Some(flags) = field("tcp.flags") {
            sum.flags |= u16::from_str_radix(flags.trim_start_matches("0x"), 16)?;
        }
    }
    Ok(flows)
}

/// The letters of a record for the bits of RFC 9293 section 3.1.
fn letters(flags: u16) -> String {
    const LETTERS: [(u16, char); 8] = [
        (0x02, 'S'),
        (0x01, 'F'),
        (0x10, 'A'),
        (0x08, 'P'),
        (0x04, 'R'),
        (0x20, 'U'),
        (0x40, 'E'),
        (0x80, 'C'),
    ];
    if flags == 0 {
        return "-".to_owned();
    }
    LETTERS
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, letter)| letter)
        .collect()
}

fn protocol(done: &Done) -> &'static str {
    match (done.protocol, done.client.is_ipv4()) {
        (Protocol::Tcp, _) => "tcp",
        (Protocol::Udp, _) => "udp",
        (Protocol::Icmp, true) => "icmp",
        (Protocol::Icmp, false) => "icmp6",
    }
}

/// Where the record puts the types of an echo and its reply: RFC 792, RFC 4443 section 4.
fn ends(done: &Done) -> [SocketAddr; 2] {
    let with = |request, reply| {
        [
            SocketAddr::new(done.client.ip(), request),
            SocketAddr::new(done.server.ip(), reply),
        ]
    };
    match protocol(done) {
        "icmp" => with(8, 0),
        "icmp6" => with(128, 129),
        _ => [done.client, done.server],
    }
}

/// What RFC 9293 section 3.3.2 says of the ends after each scenario, the client first. Who never
/// sent a SYN is CLOSED, and so is each end after a RST.
fn states(done: &Done, ended_by: Option<Side>) -> [Option<&'static str>; 2] {
    match (done.expected, ended_by) {
        (Outcome::Closed, Some(Side::Client)) => [Some("TIME-WAIT"), Some("CLOSED")],
        (Outcome::Closed, _) => [Some("CLOSED"), Some("TIME-WAIT")],
        (Outcome::Reset | Outcome::Refused, _) => [Some("CLOSED"), Some("CLOSED")],
        (Outcome::Unanswered, _) => [Some("SYN-SENT"), Some("CLOSED")],
        (Outcome::Answered, _) => [None, None],
    }
}

fn check(record: &Record, done: &Done, ended_by: Option<Side>, seen: &HashMap<Flow, Sent>) {
    let [initiator, responder] = ends(done);
    assert_eq!(record.initiator(), Some(initiator), "{done:?} {record:?}");
    assert_eq!(record.responder(), Some(responder), "{done:?} {record:?}");
    let outcome = done.expected.to_string();
    assert_eq!(record.text("outcome"), Some(&*outcome), "{done:?}");
    let side = ended_by.map(|side| match side {
        Side::Client => "initiator",
        Side::Server => "responder",
    });
    assert_eq!(record.text("ended_by"), side, "{done:?} {record:?}");
    let end = match done.expected {
        Outcome::Closed => "fin",
        Outcome::Reset | Outcome::Refused => "reset",
        Outcome::Unanswered | Outcome::Answered => "shutdown",
    };
    assert_eq!(record.text("end_reason"), Some(end), "{done:?} {record:?}");
    let found = [
        record.text("initiator_state"),
        record.text("responder_state"),
    ];
    assert_eq!(found, states(done, ended_by), "{done:?} {record:?}");

    for (role, src, dst) in [
        ("initiator", done.client, done.server),
        ("responder", done.server, done.client),
    ] {
        let sent = seen
            .get(&(protocol(done), src, dst))
            .copied()
            .unwrap_or_default();
        let recorded = (
            record.number(&format!("{role}_packets")),
            record.number(&format!("{role}_bytes")),
        );
        assert_eq!(recorded, (sent.packets, sent.bytes), "{role} of {done:?}");
        assert_eq!(
            record.number(&format!("{role}_ip_bytes")),
            sent.bytes - 14 * sent.packets,
            "Ethernet headers have 14 bytes"
        );
        let flags = record.text(&format!("{role}_flags")).map(str::to_owned);
        if done.protocol == Protocol::Tcp {
            assert_eq!(flags, Some(letters(sent.flags)), "{role} of {done:?}");
        } else {
            assert_eq!(flags, None);
        }
    }
}

/// The handshake, of a connection that had one, as tshark finds it in our own file.
fn check_handshake(record: &Record, done: &Done, report: &Report) -> Result<()> {
    let rtt = |column| record.nanoseconds(column);
    if !matches!(done.expected, Outcome::Closed | Outcome::Reset) {
        assert_eq!(rtt("handshake_rtt"), None, "{done:?}");
        return Ok(());
    }
    let all = rtt("handshake_rtt").context("no handshake_rtt")?;
    let parts = [rtt("responder_rtt"), rtt("initiator_rtt")].map(Option::unwrap_or_default);
    assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
    assert_eq!(parts.iter().sum::<u64>(), all);
    assert!(all < rtt("duration").context("no duration")?);
    let filter = format!(
        "tcp.port == {} && tcp.port == {}",
        done.client.port(),
        done.server.port()
    );
    let rows = oracle::tshark_fields(
        &report.packets_path(),
        &filter,
        &["tcp.analysis.initial_rtt"],
    )?;
    let theirs = rows
        .iter()
        .find_map(|row| row.first().filter(|value| !value.is_empty()))
        .with_context(|| format!("tshark finds no handshake of {done:?}"))?;
    assert_eq!(nanoseconds(theirs), all, "{done:?}");
    Ok(())
}

/// Runs all scenarios with the capture on one end of the wire and tcpdump on the other.
fn records_agree(lab: &Lab, captured: &Host, witness: &Host) -> Result<()> {
    let run = Run::start(captured, &[])?;
    let tcpdump = Tcpdump::start(witness)?;
    let done = all_scenarios(lab)?;
    let seen = sent(&tcpdump.end(lab)?.path())?;
    let report = run.end()?;
    report.assert_lossless()?;
    for (done, ended_by) in &done {
        let record = report.record(protocol(done), ends(done))?;
        check(&record, done, *ended_by, &seen);
        check_handshake(&record, done, &report)?;
    }
    let of_tcp = |flow: &&Flow| flow.0 == "tcp";
    assert_eq!(
        report
            .records()?
            .iter()
            .filter(|record| record.text("proto") == Some("tcp"))
            .count(),
        12,
        "one for each connection and no other"
    );
    let ours = sent(&report.packets_path())?;
    for flow in seen.keys().filter(of_tcp) {
        assert_eq!(ours.get(flow), seen.get(flow), "{flow:?} in our own file");
    }
    Ok(())
}

#[test]
fn every_way_of_a_connection_has_its_record_on_the_client() -> Result<()> {
    if !oracle::require(&["tcpdump", "tshark"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    records_agree(&lab, &lab.client, &lab.server)
}

#[test]
fn every_way_of_a_connection_has_its_record_on_the_server() -> Result<()> {
    if !oracle::require(&["tcpdump", "tshark"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    records_agree(&lab, &lab.server, &lab.client)
}
