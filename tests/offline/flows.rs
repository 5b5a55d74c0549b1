//! `capture flows` as a user runs it: what it prints, writes and returns.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use capture_tests::oracle::{require, require_shared, tshark_fields};
use capture_tests::program::locate;
use serde_json::Value;

use crate::fixture::{connections, file, pcap};

fn flows(arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = Command::new(locate().unwrap());
    command.arg("flows").stdin(Stdio::null());
    command.args(arguments.iter().copied().map(AsRef::as_ref));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output of a run that must succeed without a word.
fn printed(arguments: &[&dyn AsRef<OsStr>]) -> String {
    let output = flows(arguments);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout)
}

/// The lines in an order that does not depend on when flows ended; the header stays first.
fn sorted(csv: &str) -> Vec<&str> {
    let mut lines: Vec<_> = csv.lines().collect();
    if let Some(records) = lines.get_mut(1..) {
        records.sort_unstable();
    }
    lines
}

/// The one line of complaint of a run that must fail.
fn complaint(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn any_number_of_workers_gives_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.pcap", &pcap(&connections(2000), 0));
    for format in ["csv", "jsonl"] {
        let run = |workers: &str| printed(&[&path, &"--format", &format, &"--workers", &workers]);
        let one = run("1");
        let mut expected: Vec<_> = one.lines().collect();
        expected.sort_unstable();
        assert_eq!(expected.len(), 4000 + usize::from(format == "csv"));
        // Up to eight read for themselves; of nine, one reads for all.
        for workers in ["2", "8", "9"] {
            let many = run(workers);
            let mut lines: Vec<_> = many.lines().collect();
            lines.sort_unstable();
            assert!(lines == expected, "{workers} workers, {format}");
        }
    }
}

#[test]
fn how_flows_ended_does_not_depend_on_the_workers() {
    // One flow falls silent, the others go on for longer than any timeout.
    let folder = tempfile::tempdir().unwrap();
    let mut frames = connections(40);
    for late in connections(3) {
        frames.push((late.0 + 400_000_000, late.1));
    }
    let path = file(folder.path(), "a.pcap", &pcap(&frames, 0));
    let run = |workers: &str| printed(&[&path, &"--format", &"csv", &"--workers", &workers]);
    let one = run("1");
    assert!(one.contains(",idle,") && one.contains(",shutdown,"));
    assert_eq!(sorted(&run("8")), sorted(&one));
}

#[test]
fn outcomes_are_what_the_packets_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.pcap", &pcap(&connections(30), 0));
    let jsonl = printed(&[&path, &"--format", &"jsonl"]);
    let mut outcomes = BTreeMap::new();
    for line in jsonl.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let outcome = record["outcome"].as_str().unwrap().to_owned();
        if outcome == "closed" {
            // Five segments and four; 14 + 20 + 20 bytes of headers each.
            assert_eq!(record["initiator_packets"], 5);
            assert_eq!(record["responder_packets"], 3);
            assert_eq!(record["initiator_bytes"], 5 * 54 + 300);
            assert_eq!(record["responder_bytes"], 3 * 54 + 1000);
            assert_eq!(record["initiator_ip_bytes"], 5 * 40 + 300);
            assert_eq!(record["initiator_state"], "TIME-WAIT");
            assert_eq!(record["handshake_rtt"].as_f64(), Some(0.000_274));
        }
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    let expected = [
        ("closed", 10),
        ("refused", 10),
        ("reset", 10),
        ("unanswered", 30),
    ];
    let expected = expected.map(|(outcome, count)| (outcome.to_owned(), count));
    assert_eq!(outcomes, BTreeMap::from(expected));
}

#[test]
fn csv_columns_are_the_keys_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.pcap", &pcap(&connections(6), 0));
    let csv = printed(&[&path, &"--format", &"csv", &"--workers", &"1"]);
    let jsonl = printed(&[&path, &"--format", &"jsonl", &"--workers", &"1"]);
    let columns: Vec<_> = csv.lines().next().unwrap().split(',').collect();
    let documented: Vec<_> = capture::sink::flows::COLUMNS
        .iter()
        .map(|column| column.name)
        .collect();
    assert_eq!(columns, documented);
    assert_eq!(csv.lines().count() - 1, jsonl.lines().count());
    for (row, line) in csv.lines().skip(1).zip(jsonl.lines()) {
        let record: Value = serde_json::from_str(line).unwrap();
        let fields: Vec<_> = row.split(',').collect();
        assert_eq!(fields.len(), columns.len());
        for (name, field) in columns.iter().zip(fields) {
            let value = match &record[*name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                // Nine decimals in both.
                Value::Number(number) if field.contains('.') => {
                    format!("{:.9}", number.as_f64().unwrap())
                }
                other => other.to_string(),
            };
            assert_eq!(value, field, "{name}");
        }
        let known = record
            .as_object()
            .unwrap()
            .keys()
            .all(|key| columns.contains(&key.as_str()));
        assert!(known, "{line}");
    }
}

#[test]
fn standard_input_and_gzip_give_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = pcap(&connections(300), 0);
    let path = file(folder.path(), "a.pcap", &bytes);
    let expected = printed(&[&path, &"--format", &"csv"]);
    for redirect in [true, false] {
        let mut command = Command::new(locate().unwrap());
        command
            .args(["flows", "-", "--format", "csv"])
            .stdout(Stdio::piped());
        let output = if redirect {
            command.stdin(File::open(&path).unwrap()).output().unwrap()
        } else {
            let mut cat = Command::new("cat")
                .arg(&path)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let output = command.stdin(cat.stdout.take().unwrap()).output().unwrap();
            cat.wait().unwrap();
            output
        };
        assert_eq!(sorted(&text(&output.stdout)), sorted(&expected));
        assert!(output.status.success());
    }
    if require(&["gzip"]) {
        assert!(Command::new("gzip").arg(&path).status().unwrap().success());
        let path = folder.path().join("a.pcap.gz");
        assert_eq!(
            sorted(&printed(&[&path, &"--format", &"csv"])),
            sorted(&expected)
        );
    }
}

#[test]
fn several_files_are_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let frames = connections(100);
    let whole = file(folder.path(), "whole.pcap", &pcap(&frames, 0));
    // Cut in the middle of connections.
    let (head, tail) = frames.split_at(frames.len() / 2);
    let head = file(folder.path(), "head.pcap", &pcap(head, 0));
    let tail = file(folder.path(), "tail.pcap", &pcap(tail, 0));
    assert_eq!(
        sorted(&printed(&[&head, &tail, &"--format", &"csv"])),
        sorted(&printed(&[&whole, &"--format", &"csv"]))
    );
}

#[test]
fn files_in_the_wrong_order_are_not_torn_into_packets() {
    let folder = tempfile::tempdir().unwrap();
    let last = connections(200).pop().unwrap();
    let late = file(folder.path(), "late.pcap", &pcap(&[last], 7200));
    let early = file(folder.path(), "early.pcap", &pcap(&connections(30), 0));
    let csv = printed(&[&late, &early, &"--format", &"csv"]);
    // A header, the datagram of the first file, connections and datagrams of the second.
    assert_eq!(csv.lines().count(), 1 + 1 + 30 + 30);
    assert_eq!(csv.matches(",closed,").count(), 10);
}

#[test]
fn what_lies_before_the_damage_is_in_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let frames = connections(50);
    let whole = pcap(&frames, 0);
    let cut = whole.len() - 10;
    let path = file(folder.path(), "cut.pcap", &whole[..cut]);
    let last = frames.len() - 1;
    let good = file(folder.path(), "good.pcap", &pcap(&frames[..last], 0));
    let expected = printed(&[&good, &"--format", &"csv"]);
    let offset = whole.len() - 16 - frames[last].1.len();
    for workers in ["1", "4"] {
        let output = flows(&[&path, &"--format", &"csv", &"--workers", &workers]);
        let said = complaint(&output);
        assert!(
            said.contains(&format!("cut.pcap: damaged at byte {offset}")),
            "{said}"
        );
        assert_eq!(sorted(&text(&output.stdout)), sorted(&expected));
    }
}

#[test]
fn a_file_that_is_none_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let empty = file(folder.path(), "empty.pcap", b"");
    let text_file = file(folder.path(), "text.pcap", b"this is not a capture, by far");
    let missing = folder.path().join("missing.pcap");
    let output_path = folder.path().join("out.csv");
    for (path, word) in [
        (missing.as_path(), "No such file"),
        (folder.path(), "directory"),
        (&empty, "empty"),
        (&text_file, "not a pcap"),
    ] {
        let output = flows(&[&path, &"-o", &output_path]);
        let said = complaint(&output);
        assert!(
            said.contains(word) && said.contains(&*path.to_string_lossy()),
            "{said}"
        );
        assert!(!output_path.exists());
    }
}

#[test]
fn an_output_that_exists_is_kept_unless_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.pcap", &pcap(&connections(3), 0));
    let out = file(folder.path(), "out.csv", b"precious");
    let said = complaint(&flows(&[&path, &"-o", &out]));
    assert!(
        said.contains("out.csv") && said.contains("--overwrite"),
        "{said}"
    );
    assert_eq!(std::fs::read(&out).unwrap(), b"precious");
    assert_eq!(printed(&[&path, &"-o", &out, &"--overwrite"]), "");
    assert!(std::fs::read_to_string(&out).unwrap().starts_with("start,"));
}

#[test]
fn an_unknown_ending_is_answered_with_the_formats() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.pcap", &pcap(&connections(3), 0));
    let out = folder.path().join("out.xlsx");
    let said = complaint(&flows(&[&path, &"-o", &out]));
    for word in [".csv", ".jsonl", ".txt", "--format"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!out.exists());
}

#[test]
fn a_full_disk_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.pcap", &pcap(&connections(3), 0));
    let arguments: [&dyn AsRef<OsStr>; 6] = [
        &path,
        &"-o",
        &"/dev/full",
        &"--format",
        &"csv",
        &"--overwrite",
    ];
    let said = complaint(&flows(&arguments));
    assert!(
        said.contains("/dev/full") && said.contains("No space left"),
        "{said}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    // More than a pipe holds.
    let path = file(folder.path(), "a.pcap", &pcap(&connections(3000), 0));
    let mut child = Command::new(locate().unwrap())
        .arg("flows")
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 100];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(0), "")
    );
}

/// Packets and bytes from one end to another.
type Sent = BTreeMap<[String; 4], (u64, u64)>;

/// What was sent over TCP, by the records.
fn by_records(csv: &str) -> Sent {
    let columns: Vec<_> = csv.lines().next().unwrap_or_default().split(',').collect();
    let mut sent = Sent::new();
    for row in csv.lines().skip(1) {
        let fields: BTreeMap<_, _> = columns.iter().copied().zip(row.split(',')).collect();
        if fields["proto"] != "tcp" {
            continue;
        }
        for (from, to) in [("initiator", "responder"), ("responder", "initiator")] {
            let field = |end: &str, name: &str| fields[format!("{end}{name}").as_str()].to_owned();
            let packets: u64 = field(from, "_packets").parse().unwrap();
            if packets > 0 {
                let ends = [
                    field(from, ""),
                    field(from, "_port"),
                    field(to, ""),
                    field(to, "_port"),
                ];
                let sum = sent.entry(ends).or_default();
                sum.0 += packets;
                sum.1 += field(from, "_bytes").parse::<u64>().unwrap();
            }
        }
    }
    sent
}

/// Whether a frame is TCP in IP in a link layer, and nothing around it: tunnels (and what ICMP
/// quotes) are one flow here and the inner connection in tshark.
fn is_plain(protocols: &str) -> bool {
    let mut layers = protocols
        .split(':')
        .filter(|layer| {
            !matches!(*layer, "ethertype" | "vlan" | "ieee8021ad") && !layer.starts_with("ipv6.")
        })
        .skip_while(|layer| {
            matches!(
                *layer,
                "eth"
                    | "sll"
                    | "raw"
                    | "null"
                    | "ppp"
                    | "pppoes"
                    | "chdlc"
                    | "cfp"
                    | "ipoib"
                    | "nflog"
            )
        });
    let net = layers.next();
    matches!(net, Some("ip" | "ipv6")) && layers.next() == Some("tcp")
}

/// What was sent over TCP, by tshark.
fn by_tshark(path: &Path) -> Option<Sent> {
    const FIELDS: [&str; 10] = [
        "frame.protocols",
        "ip.src",
        "ipv6.src",
        "ip.dst",
        "ipv6.dst",
        "tcp.srcport",
        "tcp.dstport",
        "frame.len",
        "tcp.hdr_len",
        "ip.len",
    ];
    let mut sent = Sent::new();
    for row in tshark_fields(path, "tcp", &FIELDS).ok()? {
        // Of headers within the payload there are more values; the first is the outermost.
        let row: Vec<_> = row
            .iter()
            .map(|values| values.split(',').next().unwrap_or_default())
            .collect();
        let [
            protocols,
            src4,
            src6,
            dst4,
            dst6,
            src_port,
            dst_port,
            len,
            header_len,
            ip_len,
        ] = *row.as_slice()
        else {
            return None;
        };
        // Headers that cannot be are malformed here.
        let header_len: u64 = header_len.parse().unwrap_or(0);
        // So is a datagram that the frame has no room for; no frame has less than 14 bytes before it.
        let ip_len: u64 = ip_len.parse().unwrap_or(0);
        let frame_len: u64 = len.parse().unwrap();
        let is_cut = protocols.starts_with("eth:") && ip_len + 14 > frame_len;
        if !is_plain(protocols) || header_len < 20 || is_cut {
            continue;
        }
        let ends = [
            format!("{src4}{src6}"),
            src_port.to_owned(),
            format!("{dst4}{dst6}"),
            dst_port.to_owned(),
        ];
        let sum = sent.entry(ends).or_default();
        sum.0 += 1;
        sum.1 += frame_len;
    }
    Some(sent)
}

/// Files that are left out, each with its reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("ndpi__fuzz-2006-09-29-28586.pcap", DAMAGED),
    (
        "sv__defrag__bug-6887-defrag-eth-vlan-ipv4-tcp-syn__frag-eth-vlan-ip-tcp-syn.pcap",
        FRAGMENTS,
    ),
    (
        "sv__defrag__bug-6887-defrag-ipv4-tcp-syn__frag-ip-tcp-syn.pcap",
        FRAGMENTS,
    ),
    (
        "sv__defrag__bug-6887-defrag-ipv6-tcp__frag-ip-tcp.pcap",
        FRAGMENTS,
    ),
    (
        "sv__defrag__bug-6887-defrag-ppp-ipv4-tcp-syn__frag-ppp-ip-tcp-syn.pcap",
        FRAGMENTS,
    ),
    ("tcpdump__brcm-tag-prepend.pcap", UNKNOWN_LINK),
    ("tcpdump__brcm-tag.pcap", UNKNOWN_LINK),
    ("tcpdump__dsa-high-vid.pcap", UNKNOWN_LINK),
    ("tcpdump__edsa-high-vid.pcap", UNKNOWN_LINK),
    ("tcpdump__edsa.pcap", UNKNOWN_LINK),
    ("zeek__ipv4__fragmented-3.pcap", FRAGMENTS),
];
const DAMAGED: &str = "a fuzzer set fragment bits and lengths, over which tools differ";
const UNKNOWN_LINK: &str = "tshark 4.0 does not know the link type and reads nothing";
const FRAGMENTS: &str = "tshark counts only the frame that completes a datagram, we count all";

fn captures(shared: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["captures/real", "captures/seeds"] {
        let Ok(entries) = std::fs::read_dir(shared.join(folder)) else {
            continue;
        };
        files.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| {
            let name = path.to_string_lossy();
            [".pcap", ".pcapng"].iter().any(|end| name.ends_with(end))
        }));
    }
    files.sort();
    files
}

#[test]
fn conversations_are_those_of_tshark() {
    let Some(shared) = require_shared() else {
        return;
    };
    if !require(&["tshark"]) {
        return;
    }
    let mut differences = Vec::new();
    let mut damaged = Vec::new();
    let mut compared = 0;
    for path in captures(&shared) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if LEFT_OUT.iter().any(|(left_out, _reason)| *left_out == name) {
            continue;
        }
        // tshark is asked for the outermost conversation, and validates no checksum.
        let output = flows(&[
            &path,
            &"--format",
            &"csv",
            &"--no-tunnels",
            &"--ignore-checksums",
        ]);
        let expected = match (by_tshark(&path), output.status.success()) {
            (Some(expected), true) => expected,
            // Damaged for both; `files.rs` compares what stands before the damage.
            (None, false) => {
                damaged.push(name);
                continue;
            }
            (_, ours) => {
                let who = if ours { "tshark" } else { "capture" };
                differences.push(format!("{name}: only {who} finds it damaged"));
                continue;
            }
        };
        let found = by_records(&text(&output.stdout));
        compared += expected.len();
        let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
        for ends in keys {
            if found.get(ends) != expected.get(ends) {
                differences.push(format!(
                    "{name}: {ends:?}: {:?}, tshark {:?}",
                    found.get(ends),
                    expected.get(ends)
                ));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {compared}\n{}",
        differences.len(),
        differences.join("\n")
    );
    println!(
        "{compared} conversations compared; damaged: {}",
        damaged.join(", ")
    );
    assert!(compared > 0);
}

#[test]
fn real_captures_give_the_same_records_on_any_number_of_workers() {
    let Some(shared) = require_shared() else {
        return;
    };
    for path in captures(&shared) {
        let run = |workers: &str| flows(&[&path, &"--format", &"csv", &"--workers", &workers]);
        let one = run("1");
        // Up to eight read for themselves; of nine, one reads for all.
        for workers in ["8", "9"] {
            let many = run(workers);
            assert_eq!(one.stderr, many.stderr, "{}", path.display());
            let (one, many) = (text(&one.stdout), text(&many.stdout));
            assert!(sorted(&one) == sorted(&many), "{}", path.display());
        }
    }
}
