//! `-f` on files: what tcpdump would have kept is what is tracked, and the rest is counted.

use std::path::Path;
use std::process::Command;

use capture_tests::oracle::require;
use capture_tests::program::locate;

use crate::fixture::{connections, file, pcap};

fn tcpdump_counts(path: &Path, expression: &str) -> usize {
    let output = Command::new("tcpdump")
        .args(["-nn", "-t", "-r"])
        .arg(path)
        .arg(expression)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().count()
}

/// Output, what is said beside it, and the exit code.
fn capture(words: &[&str], path: &Path) -> (String, String, Option<i32>) {
    let output = Command::new(locate().unwrap())
        .args(words)
        .arg(path)
        .output()
        .unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code(),
    )
}

#[test]
fn what_tcpdump_keeps_is_tracked_and_the_rest_is_counted_as_filtered() {
    if !require(&["tcpdump"]) {
        return;
    }
    let frames = connections(50);
    let folder = tempfile::tempdir().unwrap();
    let path = &file(folder.path(), "connections.pcap", &pcap(&frames, 0));
    for expression in [
        "tcp",
        "host 10.1.0.7",
        "tcp[tcpflags] & tcp-syn != 0",
        "portrange 40010-40020 and dst port 443",
        "udp",
    ] {
        let kept = tcpdump_counts(path, expression);
        let (out, _, code) = capture(&["filter", expression], path);
        assert_eq!(code, Some(0));
        let beginning = format!("{}: {kept} of {} packets", path.display(), frames.len());
        assert!(out.starts_with(&beginning), "{expression}: {out}");
        let mut records = Vec::new();
        for workers in ["1", "3"] {
            let words = [
                "flows",
                "-v",
                "--format",
                "csv",
                "--by",
                "start",
                "--workers",
                workers,
                "-f",
                expression,
            ];
            let (out, ledger, code) = capture(&words, path);
            assert_eq!(code, Some(0), "{ledger}");
            let count = |name: &str| -> usize {
                let line = ledger.lines().find(|line| line.contains(name)).unwrap();
                let number = line.split_whitespace().last().unwrap();
                number.replace(',', "").parse().unwrap()
            };
            assert_eq!(count("read"), frames.len());
            assert_eq!(count("filtered"), frames.len() - kept, "{expression}");
            assert_eq!(count("tracked"), kept);
            records.push(out.lines().count());
        }
        assert_eq!(records[0], records[1], "{expression}");
    }
}

/// A pcapng file with an interface of Ethernet and one of raw IPv4, a packet each.
fn two_links() -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &len, &body, &len].concat()
    };
    let mut out = block(
        0x0a0d_0d0a,
        &[
            0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    );
    for (link, name) in [(1_u16, b"eth0"), (228, b"tun0")] {
        let head = [
            &link.to_le_bytes()[..],
            &[0; 6],
            &[2, 0, 4, 0],
            name,
            &[0; 4],
        ]
        .concat();
        out.extend(block(1, &head));
    }
    let ip = [&[
        0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ][..]]
    .concat();
    let ethernet = [&[0; 12][..], &[8, 0], &ip].concat();
    for (iface, data) in [(0_u32, &ethernet), (1, &ip)] {
        let len = (data.len() as u32).to_le_bytes();
        let body = [&iface.to_le_bytes()[..], &[0; 8], &len, &len, data].concat();
        out.extend(block(6, &body));
    }
    out
}

#[test]
fn each_link_type_of_a_file_has_its_own_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = &file(folder.path(), "two-links.pcapng", &two_links());
    let (out, said, code) = capture(&["filter", "host 10.0.0.2 and udp"], path);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(out.contains(": 2 of 2 packets, 54 of 54 bytes"), "{out}");
}

#[test]
fn a_link_type_without_what_is_tested_is_an_error_that_names_file_and_interface() {
    let folder = tempfile::tempdir().unwrap();
    let path = &file(folder.path(), "two-links.pcapng", &two_links());
    for words in [
        &["filter", "ether host 1:2:3:4:5:6"][..],
        &["flows", "-f", "ether host 1:2:3:4:5:6"],
    ] {
        let (_, said, code) = capture(words, path);
        assert_eq!(code, Some(1), "{said}");
        let expected = format!("{}: interface tun0 (IPV4): ", path.display());
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn an_expression_that_makes_no_sense_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = &file(folder.path(), "two-links.pcapng", &two_links());
    let (_, said, code) = capture(&["flows", "-f", "tpc port 80"], path);
    assert_eq!(code, Some(2));
    assert!(said.contains("did you mean tcp?"), "{said}");
}
