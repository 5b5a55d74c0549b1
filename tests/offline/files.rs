//! Capture files against the tools that everybody reads them with.
//!
//! Reading is compared packet by packet with tshark on whatever captures `CAPTURE_SHARED` names;
//! writing is checked by capinfos, tshark and tcpdump, none of which may complain.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use capture::packet::{
    FrameNo, Iface, IfaceId, LinkType, Packet, PacketDirection, PacketMeta, PayloadCut, Timestamp,
};
use capture::sink::pcapng::{
    DEFAULT_POOL_BYTES, Ending, Existing, IfaceDescription, IfaceStatistics, Overflow, PacketFile,
    PacketFileOptions, Section,
};
use capture::source::file::{FileError, FileSource, Numbering};
use capture_tests::oracle::skip;

/// Runs a tool; `None`, and a line that says so, where it is not installed.
fn run(tool: &str, arguments: &[&str], file: &Path) -> Option<Output> {
    let output = Command::new(tool).args(arguments).arg(file).output().ok();
    if output.is_none() {
        skip(&format!("{tool} is not installed"));
    }
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The captures to compare on, by path.
fn shared_captures() -> Vec<PathBuf> {
    let Some(shared) = std::env::var_os("CAPTURE_SHARED").map(PathBuf::from) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for folder in ["captures/real", "captures/seeds"] {
        let Ok(entries) = std::fs::read_dir(shared.join(folder)) else {
            continue;
        };
        files.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| {
            let name = path.to_string_lossy();
            [".pcap", ".pcapng", ".gz"]
                .iter()
                .any(|end| name.ends_with(end))
        }));
    }
    files.sort();
    files
}

/// Number, time, length and captured length of each packet, as tshark prints them, and the error.
fn read(path: &Path) -> (Vec<String>, Option<FileError>) {
    let mut lines = Vec::new();
    let mut source = match FileSource::open(path, Numbering::default()) {
        Ok(source) => source,
        Err(error) => return (lines, Some(error)),
    };
    let mut slots = Vec::new();
    loop {
        match source.next_batch(&mut slots, 256) {
            Ok(Some(block)) => lines.extend(slots.drain(..).map(|slot| {
                let packet = slot.packet(&block);
                let PacketMeta {
                    frame: FrameNo(frame),
                    ts,
                    wire_len,
                    ..
                } = packet.meta;
                format!("{frame}\t{}\t{wire_len}\t{}", ts.epoch(), packet.data.len())
            })),
            Ok(None) => return (lines, None),
            Err(error) => return (lines, Some(error)),
        }
    }
}

/// Whether two lines say the same. Microseconds beyond a second are carried into the seconds by us,
/// and overflow in tshark, which then prints more than nine decimals: such times are not compared.
fn agree(ours: &str, theirs: &str) -> bool {
    let fraction = theirs
        .split('\t')
        .nth(1)
        .and_then(|time| time.split_once('.'));
    if fraction.is_some_and(|(_, digits)| digits.len() > 9) {
        let without_time = |line: &str| {
            line.split('\t')
                .skip(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        return without_time(ours) == without_time(theirs);
    }
    ours == theirs
}

#[test]
fn real_captures_read_as_tshark_reads_them() {
    const FIELDS: [&str; 12] = [
        "-n",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.len",
        "-e",
        "frame.cap_len",
        "-r",
    ];
    let files = shared_captures();
    if files.is_empty() {
        skip("CAPTURE_SHARED names no folder with captures");
        return;
    }
    let mut packets = 0;
    let mut differences = Vec::new();
    for path in &files {
        let Some(output) = run("tshark", &FIELDS, path) else {
            return;
        };
        if text(&output.stderr).contains("unknown or unsupported") {
            println!(
                "SKIPPED: tshark does not know the link type of {}",
                path.display()
            );
            continue;
        }
        let (lines, error) = read(path);
        let expected = text(&output.stdout);
        let same = lines.len() == expected.lines().count()
            && lines
                .iter()
                .zip(expected.lines())
                .all(|(ours, theirs)| agree(ours, theirs));
        if !same || error.is_none() != output.status.success() {
            differences.push(format!(
                "{}: {error:?}\n{lines:?}\n{expected}",
                path.display()
            ));
        }
        packets += lines.len();
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    println!("{} files, {packets} packets", files.len());
}

fn iface(name: &str, link: LinkType) -> IfaceDescription {
    let description = format!("{name}, made by a test");
    IfaceDescription {
        iface: Iface {
            name: name.to_owned(),
            description,
            link,
            snap_len: 262_144,
            decimals: 9,
        },
        filter: Some("tcp port 80".to_owned()),
        comment: "made by a test".to_owned(),
        mac: Some([2, 0, 0, 0, 0, 1]),
        os: "Linux 6.18".to_owned(),
    }
}

/// A UDP datagram in IPv4 in Ethernet with so many bytes of payload, checksums left out.
fn datagram(payload_len: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([
        0x45,
        0,
        0,
        28 + payload_len,
        0,
        0,
        0,
        0,
        64,
        17,
        0,
        0,
        10,
        0,
        0,
        1,
        10,
        0,
        0,
        2,
    ]);
    frame.extend([0x30, 0x39, 0x30, 0x3a, 0, 8 + payload_len, 0, 0]);
    frame.resize(frame.len() + usize::from(payload_len), 0x2a);
    frame
}

/// A file of two workers and two interfaces with everything that a packet can say of itself.
fn write_file(path: &Path, packets: u64) {
    let options = PacketFileOptions {
        path: path.to_owned(),
        existing: Existing::Refuse,
        rotation: None,
        overflow: Overflow::Block,
        pool_bytes: DEFAULT_POOL_BYTES,
        section: Section {
            hardware: "a test".to_owned(),
            os: "Linux 6.18".to_owned(),
            application: "capture".to_owned(),
        },
        ifaces: vec![
            iface("veth0", LinkType::ETHERNET),
            iface("veth1", LinkType::ETHERNET),
        ],
    };
    let (file, mut sinks) = PacketFile::create(&options, 2).unwrap();
    let start = Timestamp::new(1_700_000_000, 0);
    let mut newest = start;
    for index in 0..packets {
        // The workers take turns of eight, so that their packets interleave.
        let sink = &mut sinks[usize::from(index / 8 % 2 == 1)];
        let ts = Timestamp(start.0 + index * 1_234_567);
        let data = datagram((index % 64) as u8);
        let meta = PacketMeta {
            frame: FrameNo(index + 1),
            ts,
            clock: ts,
            wire_len: data.len() as u32 + 100 * u32::from(index % 10 == 0),
            lost: u32::from(index % 100 == 99),
            iface: IfaceId((index % 2) as u32),
            link: LinkType::ETHERNET,
            queue: Some((index % 4) as u16),
            direction: Some(if index % 3 == 0 {
                PacketDirection::Outbound
            } else {
                PacketDirection::Inbound
            }),
            gso: false,
            cut: PayloadCut::No,
        };
        sink.packet(&Packet { meta, data: &data });
        newest = ts;
        if index % 8 == 7 {
            for sink in &mut sinks {
                sink.advance(ts);
            }
        }
    }
    drop(sinks);
    let statistics = IfaceStatistics {
        comments: Vec::new(),
        start: Some(start),
        end: Some(newest),
        received: Some(packets),
        iface_dropped: Some(0),
        accepted: Some(packets),
        os_dropped: Some(0),
        delivered: Some(packets),
    };
    let summary = file.finish(vec![statistics; 2]);
    assert!(matches!(summary.ending, Ending::Complete));
    assert_eq!((summary.written, summary.disordered), (packets, 0));
}

#[test]
fn written_files_are_read_by_everybody_without_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("packets.pcapng");
    write_file(&path, 5000);
    // All of the table, as `name: value` lines.
    if let Some(output) = run("capinfos", &[], &path) {
        let report = text(&output.stdout);
        assert!(
            output.status.success() && !text(&output.stderr).contains("arning"),
            "{report}"
        );
        for line in [
            "Strict time order:   True",
            "Number of packets:   5000",
            "Capture hardware:    a test",
            "Capture application: capture",
            "Number of interfaces in file: 2",
            "Number of stat entries = 1",
            "Time precision = nanoseconds (9)",
            "Name = veth1",
            "Filter string = tcp port 80",
        ] {
            assert!(report.contains(line), "no {line:?} in {report}");
        }
    }
    let fields = [
        "-n",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.len",
        "-e",
        "frame.cap_len",
        "-r",
    ];
    if let Some(output) = run("tshark", &fields, &path) {
        assert!(output.status.success(), "{}", text(&output.stderr));
        // Nothing but the reminder not to run it as root.
        let complaints = text(&output.stderr);
        assert!(
            complaints.is_empty() || complaints.starts_with("Running as user"),
            "{complaints}"
        );
        assert_eq!(
            read(&path).0,
            text(&output.stdout).lines().collect::<Vec<_>>()
        );
    }
    if let Some(output) = run(
        "tshark",
        &["-n", "-Y", "frame.packet_flags_direction == 2", "-r"],
        &path,
    ) {
        assert_eq!(text(&output.stdout).lines().count(), 5000_usize.div_ceil(3));
    }
    if let Some(output) = run("tcpdump", &["-n", "-r"], &path) {
        let told = text(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert_eq!(text(&output.stdout).lines().count(), 5000);
        assert!(
            told.lines()
                .all(|line| line.starts_with("reading from file")),
            "{told}"
        );
    }
}

#[test]
fn full_device_stops_the_file_and_nothing_else() {
    let options = PacketFileOptions {
        path: PathBuf::from("/dev/full"),
        existing: Existing::Refuse,
        rotation: None,
        overflow: Overflow::Block,
        pool_bytes: DEFAULT_POOL_BYTES,
        section: Section::default(),
        ifaces: Vec::new(),
    };
    let error = PacketFile::create(&options, 1).unwrap_err().to_string();
    assert!(
        error.starts_with("/dev/full: cannot be written: No space left on device"),
        "{error}"
    );
    assert!(Path::new("/dev/full").exists());
}
