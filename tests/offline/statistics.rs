//! Statistics of packets, against those of tshark.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use capture_tests::oracle::{require, require_shared};
use capture_tests::program;

/// Captures of TCP whose every link is known.
fn captures() -> Vec<PathBuf> {
    let Some(shared) = require_shared() else {
        return Vec::new();
    };
    let seeds = fs::read_dir(shared.join("captures/seeds"))
        .into_iter()
        .flatten();
    let seeds = seeds.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = seeds
        .filter(|path| path.extension().is_some_and(|ending| ending == "pcapng"))
        .collect();
    let real = [
        "sv__http-gap-simple__input.pcap",
        "sv__http-gap-double__input.pcap",
        "sv__eve-overlap-payload-01__tcp-overlap.pcap",
        "sv__eve-overlap-payload-04-partial-overlap__tcp-overlap2.pcap",
        "zeek__tcp__reassembly.pcap",
        "zeek__tcp__handshake-reorder.pcap",
        "zeek__http__entity_gap.pcap",
        "ndpi__telnet.pcap",
    ];
    files.extend(
        real.iter()
            .map(|name| shared.join("captures/real").join(name)),
    );
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// Protocols above TCP and UDP whose packets both programs take apart, in Wireshark's names.
const DISSECTED: [&str; 8] = [
    "data",
    "data-text-lines",
    "dns",
    "http",
    "quic",
    "ssh",
    "telnet",
    "tls",
];

/// What a program prints for a statistic.
fn printed(program: &str, arguments: &[&str], file: &PathBuf, statistic: &str) -> String {
    said(program, arguments, file, &["-q", "-z", statistic])
}

/// What a program prints of a file.
fn said(program: &str, arguments: &[&str], file: &PathBuf, options: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    if let Some(shared) = std::env::var_os("CAPTURE_SHARED").map(PathBuf::from) {
        // Protocols above TCP that tshark alone dissects say more than is compared here.
        let folder = home.path().join(".config/wireshark");
        fs::create_dir_all(&folder).unwrap();
        let list = shared.join("captures/expected/tshark-disabled_protos");
        let list = fs::read_to_string(list).unwrap();
        let disabled: Vec<_> = list
            .lines()
            .filter(|name| !DISSECTED.contains(name))
            .collect();
        fs::write(folder.join("disabled_protos"), disabled.join("\n") + "\n").unwrap();
    }
    let output = Command::new(program)
        .args(arguments)
        .arg("-r")
        .arg(file)
        .arg("-n")
        .args(options)
        .env("HOME", home.path())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn streams_ladders_and_expert_information_are_those_of_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let program = program::locate().unwrap();
    let program = program.to_str().unwrap();
    for file in captures() {
        for statistic in [
            "follow,tcp,ascii,0",
            "follow,tcp,hex,0",
            "follow,tcp,raw,0",
            "follow,tcp,yaml,0",
            "follow,tcp,raw,0,2-4",
            "follow,http,ascii,0",
            "follow,http,hex,0",
            "follow,http,yaml,0,2-3",
            "http_srv,tree",
            "flow,tcp,network",
            "flow,tcp,standard,tcp.stream == 0",
            "expert",
            "expert,warn",
        ] {
            // A stream on port 80 that never begins a message is HTTP for tshark alone.
            if statistic.contains("http") && file.ends_with("zeek__tcp__reassembly.pcap") {
                continue;
            }
            let theirs = printed("tshark", &[], &file, statistic);
            let ours = printed(program, &["read"], &file, statistic);
            assert_eq!(ours, theirs, "{} {statistic}", file.display());
        }
    }
}

#[test]
fn the_column_of_severities_is_that_of_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let program = program::locate().unwrap();
    let program = program.to_str().unwrap();
    let options = ["-o", r#"gui.column.format:"No.","%m","Severity","%a""#];
    for file in captures() {
        let theirs = said("tshark", &[], &file, &options);
        let ours = said(program, &["read"], &file, &options);
        assert_eq!(ours, theirs, "{}", file.display());
    }
}

#[test]
fn a_scan_is_told_with_its_answers() {
    let Some(shared) = require_shared() else {
        return;
    };
    let file = shared.join("captures/real/ndpi__synscan.pcap");
    if !file.is_file() {
        return;
    }
    // What nmap printed when the capture was made, and tshark's count of ports:
    // tshark -Y 'tcp.flags == 2' -T fields -e tcp.dstport | sort -u | wc -l
    let text = printed(
        program::locate().unwrap().to_str().unwrap(),
        &["read"],
        &file,
        "scans",
    );
    let line = text.lines().find(|line| line.starts_with("SYN")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[1..3], ["172.16.0.8", "64.13.134.52"]);
    assert_eq!(words[3..7], ["1000", "3", "4", "993"]);
    assert_eq!(words.last(), Some(&"22,53,80"));
}
