//! What other programs read out of our messages: `nfdump`, `tshark`, and the crate `netflow_parser`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use netflow_parser::variable_versions::field_value::{DataNumber, FieldValue};
use netflow_parser::variable_versions::ipfix::FlowSetBody;
use netflow_parser::{NetflowPacket, NetflowParser};

use super::super::collector::Collector;
use super::super::exporter::{Exporter, Now};
use super::{file_of, one_of_each};
use crate::flow::FlowRecord;
use crate::packet::Timestamp;

/// Says that a tool is missing.
fn skipped(tool: &str) {
    eprintln!("SKIPPED: {tool} is not installed");
}

/// Ends the process when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
/// A record as a line: source, destination, ports or what ICMP has there, protocol, flags of the
/// initiator, packets and bytes both ways, start and end.
fn line(record: &FlowRecord) -> String {
    let (from, to) = (&record.initiator, &record.responder);
    let ports = match record.protocol {
        1 => "0,771".to_owned(),
        58 => "0,32768".to_owned(),
        _ => format!("{},{}", from.endpoint.port, to.endpoint.port),
    };
    format!(
        "{},{},{ports},{},{},{},{},{},{},{},{}",
        from.endpoint.addr,
        to.endpoint.addr,
        record.protocol,
        from.tcp.flags.0,
        from.counts.packets,
        from.counts.ip_bytes,
        to.counts.packets,
        to.counts.ip_bytes,
        milliseconds(record.first_ts),
        milliseconds(record.last_ts),
    )
}

/// As in `2023-11-14 22:13:20.123`.
fn milliseconds(ts: Timestamp) -> String {
    ts.to_string()[..23].replace('T', " ")
}

/// nfdump's flags, as in `...AP.SF`, as a number.
fn flags(text: &str) -> u8 {
    text.chars()
        .fold(0, |bits, letter| bits << 1 | u8::from(letter != '.'))
}

/// A port that nobody else listens on, as far as can be known.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// Bytes that wait in the UDP socket of this port, by `proc_net_udp`(5): the local address with the
/// port second, the queues fifth.
fn waiting_bytes(port: u16) -> Option<u64> {
    let sockets = fs::read_to_string("/proc/net/udp").unwrap();
    sockets.lines().skip(1).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (_, local_port) = columns[1].split_once(':').unwrap();
        let (_, received) = columns[4].split_once(':').unwrap();
        (u16::from_str_radix(local_port, 16).unwrap() == port)
            .then(|| u64::from_str_radix(received, 16).unwrap())
    })
}

/// Asks until the answer is yes.
fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !happened() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nfdump_prints_what_the_records_say() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let nfcapd = Command::new("nfcapd")
        .args(["-b", "127.0.0.1", "-p", &port.to_string(), "-w"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut nfcapd = match nfcapd {
        Err(error) if error.kind() == ErrorKind::NotFound => return skipped("nfcapd"),
        nfcapd => Running(nfcapd.unwrap()),
    };
    wait_for("nfcapd listens", || waiting_bytes(port).is_some());

    let records = one_of_each();
    let name = format!("udp://127.0.0.1:{port}");
    let collector = Collector::of(Path::new(&name)).unwrap().unwrap();
    let mut exporter = Exporter::new(&collector).unwrap();
    let exported = exporter.export(&records, |_| "eth0", Now::read());
    let last = exporter.finish(Now::read());
    assert!(exporter.take_error().is_none());
    assert_eq!(exported.sent + last.sent, records.len() as u64);

    // What it has read is in its file when it ends.
    wait_for("nfcapd reads", || waiting_bytes(port) == Some(0));
    let end = Command::new("kill")
        .args(["-TERM", &nfcapd.0.id().to_string()])
        .status();
    assert!(end.unwrap().success());
    nfcapd.0.wait().unwrap();

    let nfdump = Command::new("nfdump")
        .env("TZ", "UTC")
        .arg("-R")
        .arg(folder.path())
        .args(["-6", "-q", "-N", "-o"])
        .arg("fmt:%sa,%da,%sp,%dp,%pr,%flg,%ipkt,%ibyt,%opkt,%obyt,%ts,%te")
        .output()
        .unwrap();
    let said = String::from_utf8(nfdump.stdout).unwrap();
    let mut lines: Vec<_> = said
        .lines()
        .map(|line| {
            let mut values: Vec<_> = line.split(',').map(|v| v.trim().to_owned()).collect();
            values[5] = flags(&values[5]).to_string();
            if let "1" | "58" = values[4].as_str() {
                let (kind, code) = values[3].split_once('.').unwrap();
                let numbers: [u16; 2] = [kind, code].map(|text| text.parse().unwrap());
                values[3] = (numbers[0] << 8 | numbers[1]).to_string();
            }
            values.join(",")
        })
        .collect();
    let mut expected: Vec<_> = records.iter().map(line).collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected, "{said}");
}

#[test]
fn tshark_finds_nothing_malformed_and_the_same_values() {
    let records = one_of_each();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.ipfix");
    fs::write(&path, file_of(&records, &["eth0".to_owned()])).unwrap();
    let tshark = |args: &[&str]| {
        Command::new("tshark")
            .arg("-r")
            .arg(&path)
            .args(args)
            .env("TZ", "UTC")
            .output()
    };
    let tree = match tshark(&["-V"]) {
        Err(error) if error.kind() == ErrorKind::NotFound => return skipped("tshark"),
        tree => String::from_utf8(tree.unwrap().stdout).unwrap(),
    };
    for word in ["Malformed", "Expert Info", "Unknown", "Padding"] {
        let line = tree.lines().find(|line| line.contains(word));
        assert_eq!(line, None);
    }
    let has = |text: &str| tree.lines().filter(|line| line.trim() == text).count();
    assert_eq!(has("Biflow Direction: Initiator (1)"), records.len());
    assert_eq!(has("IfName: eth0"), records.len());
    for record in &records {
        let (from, to) = (&record.initiator, &record.responder);
        for line in [
            format!("Octets: {}", from.counts.ip_bytes),
            format!("Octets: {} (Reverse Type 1 BYTES)", to.counts.ip_bytes),
            format!("Packets: {}", from.counts.packets),
            format!("Packets: {} (Reverse Type 2 PKTS)", to.counts.packets),
            format!("IP TTL: {}", from.initial_ttl),
            format!("IP TTL: {} (Reverse Type 192 IP_TTL)", to.initial_ttl),
            format!("Flow Id: {}", record.id.0),
        ] {
            assert_eq!(has(&line), 1, "{line}");
        }
    }
    // Of the connection, which nothing else is like.
    for line in [
        "StartTime: Nov 14, 2023 22:13:20.123456789 UTC",
        "EndTime: Nov 14, 2023 22:13:22.623456789 UTC",
        "TCP Flags: 0x001b, ACK, PSH, SYN, FIN",
        "Flow End Reason: End of Flow detected (3)",
        "Vlan Id: 100",
        "Dot1q Customer Vlan Id: 200",
        "SrcPort: 40000 (40000)",
        "Protocol: TCP (6)",
    ] {
        assert!(has(line) > 0, "{line}");
    }
}

#[test]
fn a_second_decoder_reads_the_same_values() {
    let records = one_of_each();
    let bytes = file_of(&records, &["eth0".to_owned()]);
    let parsed = NetflowParser::default().parse_bytes(&bytes);
    assert!(parsed.error.is_none(), "{:?}", parsed.error);
    let mut read = Vec::new();
    for packet in parsed.packets {
        let NetflowPacket::IPFix(message) = packet else {
            panic!("not IPFIX");
        };
        for set in message.flowsets {
            match set.body {
                FlowSetBody::Data(data) => read.extend(data.fields),
                FlowSetBody::Templates(templates) => assert_eq!(templates.len(), 6),
                body => panic!("{body:?}"),
            }
        }
    }
    assert_eq!(read.len(), records.len());
    for (fields, record) in read.into_iter().zip(&records) {
        let values: BTreeMap<_, _> = fields
            .into_iter()
            .map(|(field, value)| (format!("{field:?}"), value))
            .collect();
        let number = |value: u64| FieldValue::DataNumber(DataNumber::U64(value));
        for (name, expected) in [
            ("IANA(FlowId)", number(record.id.0)),
            (
                "IANA(OctetDeltaCount)",
                number(record.initiator.counts.ip_bytes),
            ),
            (
                "IANA(PacketDeltaCount)",
                number(record.initiator.counts.packets),
            ),
            (
                "ReverseInformationElement(ReverseOctetDeltaCount)",
                number(record.responder.counts.ip_bytes),
            ),
            (
                "ReverseInformationElement(ReversePacketDeltaCount)",
                number(record.responder.counts.packets),
            ),
        ] {
            assert_eq!(values[name], expected, "{name}");
        }
        for (name, ts) in [
            ("IANA(FlowStartNanoseconds)", record.first_ts),
            ("IANA(FlowEndNanoseconds)", record.last_ts),
        ] {
            let FieldValue::Duration(value) = &values[name] else {
                panic!("{:?}", values[name]);
            };
            // It counts from 1900.
            let since_1970 = value.as_duration().as_nanos() - 2_208_988_800_000_000_000;
            assert_eq!(since_1970, u128::from(ts.0), "{name}");
        }
    }
}
