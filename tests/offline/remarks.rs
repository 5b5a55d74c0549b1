//! What is said of real packets that are not as they should be, or that secrets open: the list and
//! statistics, against those of tshark.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use capture_tests::oracle::{require, require_shared};
use capture_tests::program;

/// What a program prints; without HOME, so that nobody's preferences matter.
fn printed(program: &Path, words: &[&str], file: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(words)
        .arg("-r")
        .arg(file)
        .env("HOME", home.path())
        .env("TZ", "UTC")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn compare(file: &Path, words: &[&str]) {
    let program = program::locate().unwrap();
    let ours = printed(&program, &[&["read"], words].concat(), file);
    let theirs = printed(Path::new("tshark"), words, file);
    let (mut own, mut other) = (ours.lines(), theirs.lines());
    loop {
        let (own, other) = (own.next(), other.next());
        assert_eq!(own, other, "{} {words:?}", file.display());
        if own.is_none() {
            break;
        }
    }
}

/// Captures of this folder, as far as they are there.
fn real(names: &[&str]) -> Vec<PathBuf> {
    let Some(shared) = require_shared() else {
        return Vec::new();
    };
    let folder = shared.join("captures/real");
    let files = names.iter().map(|name| folder.join(name));
    files.filter(|file| file.is_file()).collect()
}

const LIST: &[&str] = &[
    "-T",
    "fields",
    "-e",
    "frame.number",
    "-e",
    "_ws.col.Protocol",
    "-e",
    "_ws.col.Info",
];

#[test]
fn what_does_not_fit_together_is_remarked_as_tshark_does() {
    if !require(&["tshark"]) {
        return;
    }
    for file in real(&[
        // Segments that say different things of the same bytes.
        "ndpi__heuristic_tcp_ack_payload.pcap",
        "ws__tcp-badsegments.pcap",
        // Segments of messages that are whole without them.
        "zeek__pppoe-over-qinq.pcap",
        "sv__tcp-empty-sack__tcp-opt.pcap",
        "sv__bug-4376__syn_retransmit_with_ts.pcap",
        // Names and first lines that were cut off, lengths that are shorter than headers.
        "ndpi__badpackets.pcap",
        "zeek__communityid__tcp.pcap",
        "zeek__trunc__mpls-6in6-6in6-4in6-trunc.pcap",
        "zeek__tunnels__geneve-truncated.pcapng",
        // Who asks by NTLM.
        "zeek__erspan.pcap",
    ]) {
        compare(&file, LIST);
    }
}

#[test]
fn secrets_in_the_file_open_its_connections() {
    if !require(&["tshark"]) {
        return;
    }
    for file in real(&[
        "ws__tls12-dsb.pcapng",
        "ws__challenge01_ooo_stream.pcapng.gz",
    ]) {
        compare(&file, LIST);
    }
}

#[test]
fn the_second_pass_knows_the_version_and_opens_again() {
    if !require(&["tshark"]) {
        return;
    }
    for file in real(&["ws__tls12-dsb.pcapng"]) {
        compare(&file, &[&["-2"], LIST].concat());
    }
}

#[test]
fn the_second_pass_asks_nobody_again_who_could_say_nothing() {
    if !require(&["tshark"]) {
        return;
    }
    for file in real(&[
        // HTTP in several segments, lines that never end, a message that is not whole.
        "zeek__http-qinq-0.pcap",
        "ndpi__http_asymmetric.pcapng",
        "sv__bug-6244-tcp-rst-with-data__tcp-rst-with-data.pcap",
        "ndpi__avast.pcap",
        "ndpi__netflix.pcap",
        // MPTCP keeps its name.
        "ndpi__tls_change_cipher.pcap",
        // The version of SSH is known from the first segment on.
        "sv__vxlan-decoder-03__vxlan.pcap",
        "tcpdump__ipoib.pcap",
    ]) {
        compare(
            &file,
            &[&["-n", "-2"], LIST, &["-e", "tcp.reassembled_in"]].concat(),
        );
    }
}

#[test]
fn requests_that_cannot_be_put_together_are_told_as_they_are() {
    let Some(shared) = require_shared().filter(|_| require(&["tshark"])) else {
        return;
    };
    let seed = shared.join("captures/seeds/seed000-session-431.pcapng");
    if seed.is_file() {
        let checked = ["-n", "-o", "tcp.check_checksum:TRUE"];
        compare(&seed, &[&checked, LIST].concat());
        compare(&seed, &[&["-2"], &checked[..], LIST].concat());
    }
}

#[test]
fn lengths_of_messages_are_those_of_tshark() {
    const FIELDS: &[&str] = &[
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "tcp.pdu.size",
        "-e",
        "pppoe.payload_length.bad",
    ];
    if !require(&["tshark"]) {
        return;
    }
    for file in real(&[
        "ndpi__bittorrent.pcap",
        "ndpi__dnp3.pcap",
        "tcpdump__dns_tcp.pcap",
        "zeek__modbus__fuzz-72.pcap",
        "ndpi__discord_mid_flow.pcap",
    ]) {
        compare(&file, FIELDS);
        compare(&file, &[&["-2"], FIELDS].concat());
    }
}

#[test]
fn a_log_of_secrets_opens_connections() {
    if !require(&["tshark", "editcap"]) {
        return;
    }
    for file in real(&["ws__tls12-dsb.pcapng"]) {
        let folder = tempfile::tempdir().unwrap();
        let closed = folder.path().join("closed.pcapng");
        let done = Command::new("editcap")
            .arg("--discard-all-secrets")
            .args([&file, &closed])
            .status()
            .unwrap();
        assert!(done.success());
        let text = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&text);
        let lines = text.match_indices("CLIENT_RANDOM ");
        // The label, 32 bytes and 48 bytes in hexadecimal, with spaces between.
        let lines: Vec<_> = lines
            .map(|(at, _)| &text[at..at + 14 + 64 + 1 + 96])
            .collect();
        assert_eq!(lines.len(), 2);
        let log = folder.path().join("keys.log");
        fs::write(&log, lines.join("\n")).unwrap();
        let option = format!("tls.keylog_file:{}", log.display());
        compare(&closed, &[&["-o", &option], LIST].concat());
        let program = program::locate().unwrap();
        let without = printed(&program, &[&["read"], LIST].concat(), &closed);
        assert!(without.contains("Encrypted Handshake Message"));
        assert!(!without.contains("HEAD / HTTP/1.1"));
    }
}

#[test]
fn a_log_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pcap");
    fs::write(&file, crate::fixture::pcap(&[], 0)).unwrap();
    let output = Command::new(program::locate().unwrap())
        .args(["read", "-o", "tls.keylog_file:/nowhere/keys.log"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("/nowhere/keys.log"), "{text}");
}

#[test]
fn statistics_of_real_captures_are_those_of_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let cases: &[(&str, &[&str])] = &[
        // Which connection a subflow belongs to.
        ("tcpdump__mptcp-v1.pcap", &["conv,mptcp"]),
        ("tcpdump__mptcp-fclose.pcap", &["conv,mptcp"]),
        ("tcpdump__mptcp-aa-echo.pcap", &["conv,mptcp"]),
        // Vendors' names, and packets that errors quote.
        (
            "ndpi__alexa-app.pcapng",
            &["conv,eth", "endpoints,eth", "conv,ip", "endpoints,tcp"],
        ),
        // Times that lie between two decimals.
        ("ndpi__teams.pcap", &["conv,ip", "conv,tcp", "conv,udp"]),
        // What could not be put together.
        ("ndpi__badpackets.pcap", &["expert", "io,phs"]),
        ("ndpi__heuristic_tcp_ack_payload.pcap", &["io,phs"]),
        // Fragments of IPv6 count once they are whole.
        (
            "sv__defrag__bug-6887-defrag-ipv6-tcp__frag-ip-tcp.pcap",
            &["conv,ipv6", "endpoints,ipv6"],
        ),
        // Means of nothing, and headers that are not whole.
        ("ws__arp.pcap", &["dns,tree", "plen,tree"]),
        (
            "zeek__trunc__ipv4-truncated-broken-header.pcap",
            &["ip_hosts,tree", "dests,tree"],
        ),
        // A message that is cut.
        ("sv__decode-chdlc-01__hdlc-http_1tx.pcap", &["expert"]),
    ];
    for (name, statistics) in cases {
        for file in real(&[name]) {
            for statistic in *statistics {
                compare(&file, &["-q", "-z", statistic]);
            }
        }
    }
}
