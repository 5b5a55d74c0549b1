//! The command line of `capture read`, against tshark's: the same words, the same bytes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use capture_tests::oracle::require;
use capture_tests::program;
use etherparse::PacketBuilder;
use tempfile::TempDir;

use crate::fixture;

const CLIENT: [u8; 4] = [10, 1, 0, 1];
const SERVER: [u8; 4] = [10, 2, 0, 1];

fn ethernet(from_client: bool) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    let (src, dst) = if from_client {
        (CLIENT, SERVER)
    } else {
        (SERVER, CLIENT)
    };
    // The vendor of the client is in every registry.
    let (client, server) = ([0x00, 0x50, 0xfc, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let (from, to) = if from_client {
        (client, server)
    } else {
        (server, client)
    };
    PacketBuilder::ethernet2(from, to).ipv4(src, dst, 64)
}

fn udp(from_client: bool, [src, dst]: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let step = ethernet(from_client).udp(src, dst);
    step.write(&mut frame, payload).unwrap();
    frame
}

fn echo(request: bool, seq: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    let step = if request {
        ethernet(true).icmpv4_echo_request(7, seq)
    } else {
        ethernet(false).icmpv4_echo_reply(7, seq)
    };
    step.write(&mut frame, b"0123456789abcdef").unwrap();
    frame
}

/// A request, its answer, and what opens and acknowledges them, on a port that is nobody's.
fn connection(request: &[u8], response: &[u8]) -> Vec<Vec<u8>> {
    let (ours, theirs) = (request.len() as u32, response.len() as u32);
    let segment = |from_client: bool, seq: u32, ack: Option<u32>, payload: &[u8]| {
        let ports = if from_client {
            [40_000, 8888]
        } else {
            [8888, 40_000]
        };
        let mut step = ethernet(from_client).tcp(ports[0], ports[1], seq, 8192);
        if payload.is_empty() && (seq == 100 || seq == 500) {
            step = step.syn();
        }
        if let Some(ack) = ack {
            step = step.ack(ack);
        }
        let mut frame = Vec::new();
        step.write(&mut frame, payload).unwrap();
        frame
    };
    vec![
        segment(true, 100, None, b""),
        segment(false, 500, Some(101), b""),
        segment(true, 101, Some(501), b""),
        segment(true, 101, Some(501), request),
        segment(false, 501, Some(101 + ours), response),
        segment(true, 101 + ours, Some(501 + theirs), b""),
    ]
}

/// A question and its answer (RFC 1035 section 4.1), without the layers below.
fn dns() -> [Vec<u8>; 2] {
    let name = b"\x07example\x03org\x00";
    let mut query = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(name);
    query.extend([0, 1, 0, 1]);
    let mut answer = query.clone();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    [query, answer]
}

/// Echoes, a connection and a datagram whose payload is nobody's, some ms to some seconds apart.
fn capture(folder: &Path) -> PathBuf {
    let mut frames = vec![echo(true, 1), echo(false, 1)];
    frames.extend(connection(&[0x2a; 40], &[0x2b; 300]));
    frames.push(udp(true, [5000, 6000], b"<bytes> & \"quotes\"\x00\xff"));
    frames.extend([echo(true, 2), echo(false, 2)]);
    written(folder, "command-line.pcap", frames)
}

/// HTTP and DNS on ports that are nobody's.
fn spoken(folder: &Path) -> PathBuf {
    let mut frames = connection(
        b"GET /index.html HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nServer: test\r\n\r\n",
    );
    let [query, answer] = dns();
    frames.push(udp(true, [40_001, 5300], &query));
    frames.push(udp(false, [5300, 40_001], &answer));
    written(folder, "spoken.pcap", frames)
}

fn written(folder: &Path, name: &str, frames: Vec<Vec<u8>>) -> PathBuf {
    let frames: Vec<_> = (0_u64..)
        .zip(frames)
        .map(|(number, frame)| (number * number * 31_007, frame))
        .collect();
    fixture::file(folder, name, &fixture::pcap(&frames, 0))
}

/// Runs a program on a file; without HOME, so that nobody's preferences matter.
fn run(program: &Path, words: &[&str], file: &Path) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(program)
        .args(words)
        .arg("-r")
        .arg(file)
        .env("HOME", home.path())
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

fn ours(words: &[&str], file: &Path) -> Output {
    let program = program::locate().unwrap();
    let all: Vec<_> = [&["read"][..], words].concat();
    run(&program, &all, file)
}

/// What is printed, without the lines of XML that name the program and the time, and without where in
/// XML things stand that were concluded and take no bytes: dissectors of Wireshark differ in that.
fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let own = |line: &&str| {
        let header = ["<?xml", "<!--", "<pdml", "<psml"];
        !header.iter().any(|start| line.starts_with(start))
    };
    let lines = text.split_inclusive('\n').filter(own);
    lines
        .map(|line| match line.split_once("size=\"0\" pos=\"") {
            Some((start, rest)) => {
                let behind = rest.split_once('"').map_or("", |(_, behind)| behind);
                format!("{start}size=\"0\"{behind}")
            }
            None => line.to_owned(),
        })
        .collect()
}

#[track_caller]
fn agree(file: &Path, words: &[&str]) {
    let theirs = run(Path::new("tshark"), words, file);
    let found = ours(words, file);
    assert!(found.status.success(), "{words:?}: {found:?}");
    assert!(!found.stdout.is_empty(), "{words:?}");
    let (found, theirs) = (text(&found), text(&theirs));
    for (number, (ours, theirs)) in (1..).zip(found.lines().zip(theirs.lines())) {
        assert_eq!(ours, theirs, "{words:?}, line {number}");
    }
    assert_eq!(found.len(), theirs.len(), "{words:?}");
}

fn with_capture(work: impl FnOnce(&Path)) {
    if !require(&["tshark"]) {
        return;
    }
    let folder: TempDir = tempfile::tempdir().unwrap();
    work(&capture(folder.path()));
}

#[test]
fn the_list_the_tree_and_the_bytes_go_together_as_in_tshark() {
    with_capture(|file| {
        for words in [
            &[][..],
            &["-n"],
            &["-x"],
            &["-x", "-P"],
            &["-V"],
            &["-V", "-x"],
            &["-V", "-P", "-S", "----"],
            &["-x", "-S", "===="],
            &["-O", "icmp,udp"],
            &["-P", "-O", "tcp"],
        ] {
            agree(file, words);
        }
    });
}

#[test]
fn times_are_written_as_in_tshark() {
    with_capture(|file| {
        for format in ["r", "d", "dd", "e", "u", "ud", "udoy"] {
            agree(file, &["-t", format]);
            agree(file, &["-t", format, "-u", "hms"]);
        }
    });
}

#[test]
fn every_form_of_the_output_is_that_of_tshark() {
    with_capture(|file| {
        for words in [
            &["-T", "tabs"][..],
            &["-T", "psml"],
            &["-T", "psml", "--color"],
            &["-T", "json"],
            &["-T", "json", "-x"],
            &["-T", "json", "-j", "ip ip.flags tcp"],
            &["-T", "json", "-J", "ip tcp"],
            &["-T", "ek"],
            &["-T", "ek", "-x"],
            &["-T", "ek", "-j", "frame ip ip.src"],
            &["-T", "ek", "-J", "ip"],
            &["-T", "pdml"],
            &["-T", "pdml", "-j", "ip"],
            &["-T", "pdml", "-J", "icmp"],
            &[
                "-T",
                "fields",
                "-e",
                "_ws.col.Info",
                "-e",
                "ip.ttl",
                "-E",
                "quote=d",
            ],
            &[
                "-T", "fields", "-e", "ip.src", "-E", "bom=y", "-E", "header=y",
            ],
            &[
                "-T",
                "fields",
                "-e",
                "ip.addr",
                "-E",
                "aggregator=/s",
                "-E",
                "occurrence=a",
            ],
        ] {
            agree(file, words);
        }
    });
}

#[test]
fn a_file_that_is_missing_is_told_before_anything_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = capture(folder.path());
    let program = program::locate().unwrap();
    for (command, last) in [("read", "tcp"), ("flows", "tcp"), ("read", "missing.pcap")] {
        let mut words = Command::new(&program);
        let output = words.arg(command).arg(&file).arg(last).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(output.stdout.is_empty(), "{command}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(&format!("{last}: cannot be opened")),
            "{said}"
        );
        // Where tcpdump has a filter.
        let is_filter = command == "read" && last == "tcp";
        assert_eq!(said.contains("-f 'port 80'"), is_filter, "{said}");
    }
}

#[test]
fn words_that_make_no_sense_have_an_exit_code_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = capture(folder.path());
    for (words, told) in [
        (&["-Y", "tcp.prot == 1"][..], "did you mean tcp.port"),
        (&["-f", "tcp prot 1"], "did you mean port"),
        (&["-T", "fields", "-e", "ip.scr"], "did you mean ip.src"),
        (&["-z", "conv,tcpp"], "tcpp"),
        (&["-c", "0"], "at least 1"),
        (&["-X"], "-x prints the bytes"),
        (&["-E", "header=maybe"], "header is y or n"),
        (&["-e", "ip.src"], "-T fields"),
        (&["-j", "ip"], "-T json"),
        (&["-o", "tcp.checksum"], "NAME:VALUE"),
        (&["-O", "tpc"], "capture fields"),
        (&["-z", "proto,colinfo,tcp,tcp.len", "-q"], "Info column"),
    ] {
        let output = ours(words, &file);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told), "{words:?}: {said}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn ports_carry_what_they_are_said_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = spoken(folder.path());
    let said = ours(&["-d", "tcp.port==8888,nothing"], &file);
    assert_eq!(said.status.code(), Some(2));
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("-d") && said.contains("http"), "{said}");
    if !require(&["tshark"]) {
        return;
    }
    for words in [
        &["-d", "tcp.port==8888,http", "-d", "udp.port==5300,dns"][..],
        &["-d", "tcp.port==8880-8890,http", "-Y", "http"],
        &["-d", "tcp.port==8880:20,http", "-Y", "http"],
    ] {
        agree(&file, words);
    }
    let http = ["-d", "tcp.port==8888,http", "-q", "-z"];
    for statistic in ["http,tree", "http_req,tree", "http,stat,"] {
        agree(&file, &[&http[..], &[statistic]].concat());
    }
}

#[test]
fn frames_that_the_read_filter_leaves_out_have_no_number() {
    with_capture(|file| {
        for filter in ["tcp", "icmp", "udp.port == 5000"] {
            agree(file, &["-2", "-R", filter]);
            let fields = ["-e", "frame.number", "-e", "tcp.analysis.acks_frame"];
            let words = [&["-2", "-R", filter, "-T", "fields"][..], &fields].concat();
            agree(file, &words);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let said = ours(&["-R", "tcp"], &capture(folder.path()));
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("-2"));
}

#[test]
fn the_coloring_rule_is_named_where_colors_are_asked_for() {
    with_capture(|file| {
        let name = ["-e", "frame.coloring_rule.name"];
        let words = [&["--color", "-T", "fields"][..], &name].concat();
        agree(file, &words);
        agree(file, &["--color", "-T", "json"]);
        agree(file, &["-V"]);
        agree(file, &[&["-T", "fields"][..], &name].concat());
    });
    // And where a filter asks for it, which tshark would not answer.
    let folder = tempfile::tempdir().unwrap();
    let file = capture(folder.path());
    let words = ["-Y", "frame.coloring_rule.name == \"ICMP\"", "-T", "fields"];
    let words = [&words[..], &["-e", "frame.coloring_rule.string"]].concat();
    assert_eq!(text(&ours(&words, &file)), "icmp || icmpv6\n".repeat(4));
}

#[test]
fn counters_in_trees_are_those_of_tshark() {
    with_capture(|file| {
        for statistic in [
            "plen,tree",
            "plen,tree,icmp",
            "ptype,tree",
            "ip_hosts,tree",
            "dests,tree",
            "icmp,srt",
            "io,stat,0",
            "io,stat,1,icmp,SUM(frame.len)frame.len",
            "io,phs",
            "conv,udp",
            "endpoints,ip",
            "follow,udp,ascii,0",
            "follow,udp,hex,0",
            "follow,udp,yaml,0",
            "follow,tcp,ascii,10.1.0.1:40000,10.2.0.1:8888",
        ] {
            agree(file, &["-n", "-q", "-z", statistic]);
        }
        // The last one first.
        agree(file, &["-q", "-z", "plen,tree", "-z", "io,phs"]);
    });
}

/// A block of pcapng (draft-ietf-opsawg-pcapng section 3.1).
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &len, body, &len].concat()
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = [code.to_le_bytes(), (value.len() as u16).to_le_bytes()].concat();
    option.extend(value);
    option.resize(option.len().next_multiple_of(4), 0);
    option
}

/// One packet with every option that there is, and one without any.
fn pcapng(folder: &Path) -> PathBuf {
    let mut file = block(
        0x0a0d_0d0a,
        &[
            &0x1a2b_3c4d_u32.to_le_bytes()[..],
            &[1, 0, 0, 0],
            &[0xff; 8],
        ]
        .concat(),
    );
    let names = [option(2, b"eth7"), option(3, b"the one in front")].concat();
    file.extend(block(1, &[&[1, 0, 0, 0, 0, 0, 4, 0][..], &names].concat()));
    let packet = udp(true, [5000, 6000], b"hello!");
    let mut options = option(1, b"a comment");
    options.extend(option(1, b"and one more"));
    options.extend(option(2, &0x8100_0009_u32.to_le_bytes()));
    options.extend(option(4, &77_u64.to_le_bytes()));
    options.extend(option(5, &1_234_567_890_123_u64.to_le_bytes()));
    options.extend(option(6, &3_u32.to_le_bytes()));
    options.extend(option(7, &[&[1][..], &0_i64.to_le_bytes()].concat()));
    options.extend(option(7, &[&[2][..], &2_i64.to_le_bytes()].concat()));
    options.extend([0; 4]);
    for options in [&options[..], &[]] {
        let len = (packet.len() as u32).to_le_bytes();
        let mut body = [&[0; 4][..], &1_u32.to_le_bytes(), &7_u32.to_le_bytes()].concat();
        body.extend([len, len].concat());
        body.extend(&packet);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        file.extend(block(6, &body));
    }
    let path = folder.join("options.pcapng");
    fs::write(&path, file).unwrap();
    path
}

#[test]
fn what_pcapng_says_of_a_packet_is_shown() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = pcapng(folder.path());
    agree(&file, &["-V"]);
    let fields = ["comment", "packet_flags", "drop_count", "packet_id"];
    let more = ["interface_queue", "verdict.ebpf_xdp", "section_number"];
    let more = [&more[..], &["p2p_dir", "interface_description"]].concat();
    let names = fields
        .iter()
        .chain(&more)
        .map(|name| format!("frame.{name}"));
    let mut words = vec!["-T".to_owned(), "fields".to_owned()];
    words.extend(names.flat_map(|name| ["-e".to_owned(), name]));
    agree(&file, &words.iter().map(String::as_str).collect::<Vec<_>>());
    agree(&file, &["-Y", "frame.comment contains \"more\""]);
    // A second section begins with other interfaces.
    let mut twice = fs::read(&file).unwrap();
    twice.extend(twice.clone());
    fs::write(&file, twice).unwrap();
    let words = [
        "-T",
        "fields",
        "-e",
        "frame.section_number",
        "-e",
        "frame.interface_id",
    ];
    assert_eq!(text(&ours(&words, &file)), "1\t0\n1\t0\n2\t0\n2\t0\n");
}
