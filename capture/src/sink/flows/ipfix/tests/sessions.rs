//! Sessions with collectors on the loopback interface, with clocks made by hand.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::super::{FlowFile, FlowFileOptions, FlowFormat, IfaceNames};
use super::super::collector::{Collector, CollectorError};
use super::super::exporter::{Exported, Exporter, Now};
use super::decoder::{Decoded, Decoder};
use super::one_of_each;
use crate::flow::FlowRecord;

const PATIENCE: Duration = Duration::from_secs(10);

fn exporter(name: &str) -> Result<Exporter, CollectorError> {
    Exporter::new(&Collector::of(Path::new(name)).unwrap().unwrap())
}

fn at(instant: Instant) -> Now {
    Now {
        instant,
        unix_secs: 1_700_000_000,
    }
}

fn many(count: usize) -> Vec<FlowRecord> {
    one_of_each().into_iter().cycle().take(count).collect()
}

fn sent(count: u64) -> Exported {
    Exported {
        sent: count,
        lost: 0,
    }
}

/// A collector on UDP, with what it was sent.
struct UdpCollector {
    socket: UdpSocket,
    decoder: Decoder,
}

impl UdpCollector {
    fn new() -> (Self, Exporter) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = format!("udp://{}", socket.local_addr().unwrap());
        let decoder = Decoder::default();
        (Self { socket, decoder }, exporter(&name).unwrap())
    }

    fn receive(&mut self) -> Decoded {
        let mut bytes = [0; 2_000];
        let len = self.socket.recv(&mut bytes).unwrap();
        assert!(len <= 1_400, "a datagram of {len} bytes");
        let (decoded, rest) = self.decoder.message(&bytes[..len]);
        assert!(rest.is_empty());
        decoded
    }
}

#[test]
fn datagrams_are_short_and_numbered_by_records() {
    let (mut collector, mut exporter) = UdpCollector::new();
    let now = at(Instant::now());
    let exported = exporter.export(&many(100), |_| "eth0", now);
    let last = exporter.finish(now);
    assert!(exporter.take_error().is_none());
    assert_eq!(exported.sent + last.sent, 100);
    assert_eq!(exported.lost + last.lost, 0);
    let mut records = 0;
    while records < 100 {
        let message = collector.receive();
        assert_eq!(message.templates, if records == 0 { 6 } else { 0 });
        assert_eq!(message.sequence, records);
        assert_eq!(message.export_secs, 1_700_000_000);
        records += message.records.len() as u32;
    }
    assert_eq!(records, 100);
}

#[test]
fn templates_are_sent_again_after_a_minute_or_five_hundred_messages() {
    let (mut collector, mut exporter) = UdpCollector::new();
    let start = Instant::now();
    let mut templates_at = |after: Duration| {
        exporter.export(&many(1), |_| "", at(start + after));
        collector.receive().templates > 0
    };
    assert!(templates_at(Duration::ZERO));
    assert!(!templates_at(Duration::from_secs(59)));
    assert!(templates_at(Duration::from_mins(1)));
    assert!(!templates_at(Duration::from_secs(119)));
    assert!(templates_at(Duration::from_mins(2)));
    for _ in 1..500 {
        assert!(!templates_at(Duration::from_mins(2)));
    }
    assert!(templates_at(Duration::from_mins(2)));
}

#[test]
fn records_that_no_collector_takes_over_udp_are_counted() {
    let (collector, mut exporter) = UdpCollector::new();
    drop(collector);
    let now = at(Instant::now());
    let mut exported = exporter.export(&many(50), |_| "", now);
    let last = exporter.finish(now);
    exported.sent += last.sent;
    exported.lost += last.lost;
    // On the loopback interface, the refusal comes before the next datagram is sent.
    assert_eq!(exported, Exported { sent: 0, lost: 50 });
    assert!(exporter.take_error().is_some());
}

#[test]
fn a_connection_begins_with_the_templates_and_counts_from_zero_each_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let mut exporter = exporter(&format!("tcp://{addr}")).unwrap();
    let start = Instant::now();
    let (stream, _) = listener.accept().unwrap();
    assert_eq!(exporter.export(&many(10), |_| "", at(start)), sent(10));
    assert_eq!(exporter.export(&many(10), |_| "", at(start)), sent(10));
    drop(stream);
    drop(listener);

    let lost = |count| Exported {
        sent: 0,
        lost: count,
    };
    assert_eq!(exporter.export(&many(10), |_| "", at(start)), lost(10));
    // Nobody listens, and it is not asked before a second has gone by, then two.
    let after = |secs| at(start + Duration::from_secs(secs));
    assert_eq!(exporter.export(&many(10), |_| "", after(1)), lost(10));
    let listener = TcpListener::bind(addr).unwrap();
    assert_eq!(exporter.export(&many(10), |_| "", after(2)), lost(10));
    assert_eq!(exporter.export(&many(10), |_| "", after(3)), sent(10));
    let (mut stream, _) = listener.accept().unwrap();
    let last = exporter.finish(after(3));
    assert_eq!(last, Exported::default());
    assert!(
        exporter.take_error().is_some(),
        "what went wrong in between is told"
    );

    let mut bytes = Vec::new();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_to_end(&mut bytes).unwrap();
    let messages = Decoder::default().messages(&bytes);
    assert_eq!(messages[0].templates, 6);
    assert_eq!(messages[0].sequence, 0);
    assert_eq!(messages[0].records.len(), 10);
}

#[test]
fn records_through_the_writer_reach_the_collector_or_are_counted() {
    let (mut collector, exporter) = UdpCollector::new();
    drop(exporter);
    let name = format!("udp://{}", collector.socket.local_addr().unwrap());
    let run = || {
        let options = FlowFileOptions::new(PathBuf::from(&name), FlowFormat::Ipfix);
        let names = IfaceNames::default();
        names.set(["eth0".to_owned()].into_iter());
        let (file, mut sinks) = FlowFile::create(&options, 1, names).unwrap();
        for record in many(20) {
            sinks[0].record(record);
        }
        drop(sinks);
        file.finish()
    };
    let summary = run();
    assert_eq!((summary.written, summary.failed), (20, 0));
    assert!(summary.error.is_none());
    let mut records = 0;
    while records < 20 {
        records += collector.receive().records.len();
    }

    drop(collector);
    let summary = run();
    assert_eq!((summary.written, summary.failed), (0, 20));
    assert!(summary.error.is_some());
}

#[test]
fn a_collector_that_is_not_there_is_an_error_that_names_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = exporter(&name).unwrap_err().to_string();
    assert!(said.starts_with(&name), "{said}");
    assert!(said.contains("collector listens"), "{said}");

    let said = exporter("udp://host.invalid:4739").unwrap_err().to_string();
    assert!(said.contains("cannot be resolved"), "{said}");
}
