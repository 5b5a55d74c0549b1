//! What `capture generate -w` writes, judged by tshark, and by what was asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use capture::source::file::{FileSource, Numbering};
use capture_tests::oracle::{output, require};
use capture_tests::program;
use serde_json::Value;
use tempfile::TempDir;

/// Runs `capture generate`.
fn generate(words: &str) -> Output {
    Command::new(program::locate().unwrap())
        .arg("generate")
        .args(words.split_whitespace())
        .output()
        .unwrap()
}

/// A file of these words, and the folder that it is in.
fn generated(name: &str, words: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let Output { status, stderr, .. } = generate(&format!("-w {} {words}", path.display()));
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{words}: {stderr}");
    (folder, path)
}

/// Frames that a display filter keeps, with all checksums checked, in two passes.
fn tshark(file: &Path, filter: &str, more: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-2", "-r"]).arg(file).args(more);
    for check in ["tcp", "udp", "ip"] {
        command.args(["-o", &format!("{check}.check_checksum:TRUE")]);
    }
    let text = output(command.args(["-Y", filter])).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What is in a file, packet by packet: time and bytes.
fn packets(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut source = FileSource::open(path, Numbering::default()).unwrap();
    let mut slots = Vec::new();
    let mut packets = Vec::new();
    while let Some(block) = source.next_batch(&mut slots, 256).unwrap() {
        for slot in slots.drain(..) {
            let packet = slot.packet(&block);
            packets.push((packet.meta.ts.0, packet.data.to_vec()));
        }
    }
    packets
}

#[test]
fn tshark_finds_nothing_wrong_with_any_frame() {
    if !require(&["tshark"]) {
        return;
    }
    for words in [
        "--size imix --rst 20% --open 10%",
        "--size 64-1514 --vlan 4094 --rst 20%",
        "--size 75,200:3,1514 --ipv6 --rst 1/4",
        "--size 101 --ipv6 --vlan 1 --src 2001:db8:7::ffff/120 --dst 2001:db8:8::/112",
        "--size 63-1001 --udp",
        "--size 99,100 --udp --ipv6 --vlan 9",
        "--syn-flood",
        "--syn-flood --ipv6 --dst 2001:db8::/120",
    ] {
        let flows = if words.contains("flood") {
            ""
        } else {
            "--flows 30 --session-frames 20"
        };
        let (_folder, file) = generated("a.pcapng", &format!("--count 1500 {flows} {words}"));
        let sound = if words.contains("--udp") {
            "udp && udp.checksum.status == \"Good\""
        } else {
            "tcp && tcp.checksum.status == \"Good\" && !tcp.analysis.flags"
        };
        let version = if words.contains("ipv6") {
            "ipv6"
        } else {
            "ip.checksum.status == \"Good\""
        };
        let tag = match words.split_once("--vlan ") {
            Some((_, rest)) => format!("vlan.id == {}", rest.split(' ').next().unwrap()),
            None => "!vlan".to_owned(),
        };
        let filter = format!("{sound} && {version} && {tag} && !_ws.malformed");
        assert_eq!(
            tshark(&file, &filter, &[]).len(),
            1500,
            "{words}: not {filter}"
        );
    }
}

/// SYN, SYN-ACK, ACK, data, FIN and RST in `tcp.completeness`.
const COMPLETE: [(&str, &str); 4] = [("31", "SF"), ("47", "RSTO"), ("15", "S1"), ("1", "S0")];

#[test]
fn connections_end_in_the_shares_that_were_asked_for() {
    // A thousand connections, all of their frames.
    let (folder, file) = generated(
        "sessions.pcap",
        "--count 12k --flows 500 --rst 10% --open 2.5% --unanswered 5%",
    );
    let expected = [("SF", 825), ("RSTO", 100), ("S1", 25), ("S0", 50)];
    let expected: BTreeMap<_, _> = expected.map(|(state, n)| (state.to_owned(), n)).into();

    let records = folder.path().join("flows.jsonl");
    let mut flows = Command::new(program::locate().unwrap());
    let run = flows
        .arg("flows")
        .arg(&file)
        .arg("-o")
        .arg(&records)
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let mut states = BTreeMap::new();
    for line in fs::read_to_string(&records).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let state = record["conn_state"].as_str().unwrap().to_owned();
        *states.entry(state).or_insert(0) += 1;
    }
    assert_eq!(states, expected);

    if !require(&["tshark"]) {
        return;
    }
    let first = "tcp.flags.syn == 1 && tcp.flags.ack == 0 && !tcp.analysis.retransmission";
    let mut states = BTreeMap::new();
    for found in tshark(&file, first, &["-T", "fields", "-e", "tcp.completeness"]) {
        let known = COMPLETE.iter().find(|(bits, _)| *bits == found);
        let state = known.unwrap_or_else(|| panic!("completeness {found}")).1;
        *states.entry(state.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(states, expected);
}

#[test]
fn every_format_has_the_same_frames_as_far_apart_as_the_rate_says() {
    let words = "--rate 4k --duration 500ms --size imix --seed 7";
    let (_folder, pcapng) = generated("a.pcapng", words);
    let expected = packets(&pcapng);
    assert_eq!(expected.len(), 2_000);
    for pair in expected.windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, 250_000);
    }
    for name in ["a.pcap", "a.pcap.gz", "a.pcapng.gz"] {
        let (_folder, file) = generated(name, words);
        assert_eq!(packets(&file), expected, "{name}");
    }
    let (_folder, other) = generated("a.pcap", &words.replace("seed 7", "seed 8"));
    assert_ne!(packets(&other), expected);
    let run = generate(&format!("-w - --quiet {words}"));
    assert!(run.status.success(), "{run:?}");
    assert_eq!(run.stdout, fs::read(&pcapng).unwrap());
}

#[test]
fn bits_a_second_are_those_of_the_frames() {
    // Twelve whole sessions of each of a hundred flows, a tenth of a second or so.
    let words = "--bits 100M --size 200-1400 --flows 100 --count 14400";
    let (_folder, file) = generated("a.pcap", words);
    let packets = packets(&file);
    let bits: usize = packets.iter().map(|(_, frame)| frame.len() * 8).sum();
    let ns = packets.last().unwrap().0 - packets[0].0;
    let rate = bits as u64 * 1_000_000_000 / ns;
    assert!((99_000_000..101_000_000).contains(&rate), "{rate}");
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pcap");
    let to = file.display();
    for (words, reason) in [
        ("", "--count or --duration"),
        ("--count 1 --size 59", "60 to 1514 bytes, not 59"),
        ("--count 1 --size 74 --ipv6", "75 to 1514 bytes, not 74"),
        ("--count 1 --size 1:65", "65"),
        ("--count 1 --session-frames 6", "at least 7"),
        ("--count 1 --rst 60% --open 41%", "101.0 %"),
        ("--count 1 --src 10.0.0.1 --flows 32769", "32,768 ports"),
        ("--count 1 --rate x", "is not a rate"),
        ("--count 1 --size x", "is not a size"),
        ("--count 1 --vlan 4095", "4095"),
        ("--count 1 --syn-flood --udp", "--udp"),
    ] {
        let Output { status, stderr, .. } = generate(&format!("-w {to} {words}"));
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.contains(reason), "{words}: {stderr}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{words}");
    }
    fs::write(&file, "mine").unwrap();
    let run = generate(&format!("-w {to} --count 1"));
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(stderr.contains("--overwrite"), "{stderr}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert!(
        generate(&format!("-w {to} --count 1 --overwrite"))
            .status
            .success()
    );
    assert_eq!(packets(&file).len(), 1);
}
