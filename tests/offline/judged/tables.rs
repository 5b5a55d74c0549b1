//! What is gathered over whole captures: who logged in, what addresses are called, what is added to the
//! list, and objects of JSON whose members have names of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use capture_tests::oracle::{require, require_shared};
use capture_tests::program::locate;

use super::streams::{Capture, Side};

use Side::{Client, Server};

/// Link types and damage that tshark does not read here, or words otherwise.
const UNREAD: [&str; 5] = [
    "brcm",
    "dsa",
    "invalid-vers",
    "option-too-long",
    "ws__empty",
];

/// Captures of others, if there are any.
fn captures() -> Vec<PathBuf> {
    let Some(shared) = require_shared() else {
        return Vec::new();
    };
    let folder = std::fs::read_dir(shared.join("captures/real"));
    let mut files: Vec<_> = folder
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.to_string_lossy();
            !UNREAD.iter().any(|unread| name.contains(unread))
        })
        .collect();
    files.sort();
    files
}

/// What both programs print.
fn printed(file: &Path, words: &[&str]) -> [String; 2] {
    let mut ours = Command::new(locate().unwrap());
    ours.arg("read");
    [Command::new("tshark"), ours].map(|mut command| {
        // Neither a file of hosts nor preferences of the user.
        let output = command
            .args(words)
            .arg("-r")
            .arg(file)
            .env("HOME", "/nonexistent")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

#[track_caller]
fn agree(file: &Path, words: &[&str]) {
    let [theirs, ours] = printed(file, words);
    assert!(!theirs.is_empty(), "{} {words:?}", file.display());
    for (number, (ours, theirs)) in (1..).zip(ours.lines().zip(theirs.lines())) {
        assert_eq!(ours, theirs, "{} {words:?} line {number}", file.display());
    }
    assert_eq!(ours.len(), theirs.len(), "{} {words:?}", file.display());
}

/// The same lines, whatever their order.
#[track_caller]
fn agree_sorted(file: &Path, words: &[&str]) {
    let sorted = printed(file, words).map(|text| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    });
    let [theirs, ours] = sorted;
    assert!(!theirs.is_empty());
    assert_eq!(ours, theirs, "{} {words:?}", file.display());
}

fn lines(lines: &[(Side, &str)]) -> Vec<(Side, Vec<u8>)> {
    lines
        .iter()
        .map(|(side, line)| (*side, format!("{line}\r\n").into_bytes()))
        .collect()
}

/// Requests of HTTP with these headers.
fn requests(headers: &[String]) -> Vec<(Side, Vec<u8>)> {
    let asked = headers.iter().map(|header| {
        let text = format!("GET / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n");
        (Client, text.into_bytes())
    });
    let told = || (Server, b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    asked.flat_map(|request| [request, told()]).collect()
}

/// Logins of every protocol, good and bad ones.
fn logins() -> Capture {
    let mut capture = Capture::new();
    let ftp = [
        (Server, "220 ready"),
        (Client, "USER bob"),
        (Server, "331 password"),
        (Client, "PASS secret"),
        (Client, "USER eve"),
        (Client, "PASS"),
        (Client, "PA short"),
        (Client, "pass small"),
        (Client, "PASSX long"),
        (Client, " PASS blank"),
    ];
    capture.connection(21, 1400, &lines(&ftp));
    // The name comes behind the password.
    let late = [
        (Client, "PASS x"),
        (Client, "US foo"),
        (Client, "PAS x\r\nPASS y"),
    ];
    capture.connection(21, 1400, &lines(&late));
    let pop = [
        (Server, "+OK ready"),
        (Client, "user al  ice"),
        (Client, "pass  x"),
        (Client, "PASS"),
        (Client, "PASSWORD q"),
    ];
    capture.connection(110, 1400, &lines(&pop));
    let nobody = [
        (Client, "PASS x"),
        (Client, "USER"),
        (Client, "USER  "),
        (Client, "PASS  "),
    ];
    capture.connection(110, 1400, &lines(&nobody));
    let imap = [
        (Server, "* OK ready"),
        (Client, "a1 LOGIN bob secret"),
        (Client, "a2 login \"joe\" \"x y\""),
        (Client, "a3 uid login jim zz\r\na4 LOG w v\r\na5 LOGIN x yy"),
        (Client, "a6 LOGIN only"),
        (Client, "a7  LOGIN  two  spaces"),
        (Client, "a8 LOGIN  none here"),
        (Client, "LOGIN x yy"),
        (Client, " a9 LOGIN x yy"),
        (Client, "a LOGINX x yy"),
    ];
    capture.connection(143, 1400, &lines(&imap));
    let smtp = [
        (Server, "220 ready"),
        (Client, "AUTH LOGIN"),
        (Server, "334 VXNlcm5hbWU6"),
        (Client, "Ym9i"),
        (Server, "334 UGFzc3dvcmQ6"),
        (Client, "c2VjcmV0"),
        (Server, "235 done"),
    ];
    capture.connection(25, 1400, &lines(&smtp));
    let at_once = [
        (Server, "220 ready"),
        (Client, "AUTH LOGIN Ym9i"),
        (Server, "334 UGFzc3dvcmQ6"),
        (Client, "c2VjcmV0"),
        (Server, "235 done"),
    ];
    capture.connection(587, 1400, &lines(&at_once));
    // bob:secret, bob, b:o:b, :x, what is no base64, other schemes.
    let values = [
        "Basic Ym9iOnNlY3JldA==",
        "Basic Ym9i",
        "Basic YjpvOmI=",
        "Basic Ong=",
        "Basic x",
        "Basic ",
        "Basic !!!!",
        "Basic  Ym9iOnNlY3JldA",
        "Bearer abc",
        "Digest username=\"x\", realm=y",
        "basic Ym9iOnNlY3JldA==",
        "",
    ];
    let headers: Vec<_> = ["Authorization", "proxy-authorization"]
        .into_iter()
        .flat_map(|name| values.map(|value| format!("{name}: {value}")))
        .collect();
    capture.connection(80, 1400, &requests(&headers));
    capture
}

#[test]
fn logins_are_those_of_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = logins().write(folder.path());
    for words in [
        &["-q", "-z", "credentials"][..],
        &["-2", "-q", "-z", "credentials"],
        &[
            "-T",
            "fields",
            "-e",
            "smtp.auth.username",
            "-e",
            "smtp.auth.password",
        ],
        &[
            "-T",
            "fields",
            "-e",
            "http.authorization",
            "-e",
            "http.proxy_authorization",
        ],
    ] {
        agree(&file, words);
    }
    for file in captures() {
        agree(&file, &["-q", "-z", "credentials"]);
    }
}

/// An answer of DNS: its class, and records of these types, names and data.
fn answer(class: u16, records: &[(u16, &str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0x81, 0x80, 0, 0];
    bytes.extend((records.len() as u16).to_be_bytes());
    bytes.extend([0; 4]);
    for (kind, name, data) in records {
        for label in name.split('.').filter(|label| !label.is_empty()) {
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend(kind.to_be_bytes());
        bytes.extend(class.to_be_bytes());
        bytes.extend([0, 0, 1, 0]);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

/// Answers of which some give an address another name.
fn answers() -> Capture {
    let (one, two) = (vec![192, 0, 2, 1], vec![192, 0, 2, 10]);
    let mut six = vec![0x20, 1, 0xd, 0xb8];
    six.resize(16, 0);
    let long = format!("{0}.{0}.example", "a".repeat(40));
    let mut capture = Capture::new();
    for message in [
        answer(
            1,
            &[(1, "first.example", one.clone()), (28, "six.example", six)],
        ),
        answer(1, &[(1, "Second.Example", one.clone())]),
        answer(1, &[(1, "second.example", one)]),
        answer(3, &[(1, "chaos.example", vec![192, 0, 2, 3])]),
        answer(0x8001, &[(1, "flush.example", vec![192, 0, 2, 4])]),
        answer(1, &[(1, &long, two), (1, "", vec![192, 0, 2, 5])]),
        answer(1, &[(1, "short.example", vec![192, 0])]),
    ] {
        capture.datagram(5353, &message);
        capture.datagram(53, &message);
    }
    capture
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &len, body, &len].concat()
}

fn section() -> Vec<u8> {
    let header = b"\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff";
    block(0x0a0d_0d0a, header)
}

/// A packet of 14 bytes.
fn packet(iface: u32) -> Vec<u8> {
    let len = 14_u32.to_le_bytes();
    block(
        6,
        &[&iface.to_le_bytes()[..], &[0; 8], &len, &len, &[0; 16]].concat(),
    )
}

/// The name of an address of IPv4, and that of one of IPv6.
fn names(last: u8, name: [u8; 6]) -> Vec<u8> {
    let record = [&[1, 0, 10, 0, 198, 51, 100, last][..], &name, &[0, 0]].concat();
    let v6 = [&[2, 0, 20, 0, 0x20, 1, 0xd, 0xb8][..], &[0; 12], b"six\0"].concat();
    block(4, &[&record[..], &v6, &[0; 4]].concat())
}

/// A pcapng file of one packet, with names in front of it and behind it.
fn named(folder: &Path) -> PathBuf {
    let file = [
        section(),
        block(1, &[1, 0, 0, 0, 0, 0, 4, 0]),
        names(1, *b"front\0"),
        packet(0),
        names(2, *b"after\0"),
        names(1, *b"a\0bcd\0"),
    ];
    let path = folder.join("named.pcapng");
    std::fs::write(&path, file.concat()).unwrap();
    path
}

/// A pcapng file of many packets, each behind another interface and another name; the last name has no
/// packet behind it. Twice as many packets come of the interfaces before.
fn told_bit_by_bit(folder: &Path) -> PathBuf {
    let mut file = section();
    for number in 0..1500_u32 {
        let name = format!("if{number:04}\0\0");
        let option = [&[2, 0, 6, 0][..], name.as_bytes(), &[0; 4]].concat();
        file.extend(block(1, &[&[1, 0, 0, 0, 0, 0, 4, 0][..], &option].concat()));
        let name: [u8; 6] = format!("h{number:04}\0").into_bytes().try_into().unwrap();
        file.extend(names(number as u8, name));
        file.extend(packet(number));
        file.extend(packet(number / 2));
    }
    file.extend(names(7, *b"after\0"));
    let path = folder.join("told.pcapng");
    std::fs::write(&path, file).unwrap();
    path
}

#[test]
fn what_a_file_tells_bit_by_bit_is_known_from_there_on() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = told_bit_by_bit(folder.path());
    let fields = [
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "frame.interface_id",
        "-e",
        "frame.interface_name",
        "-e",
        "frame.section_number",
    ];
    agree(&file, &fields);
    agree(&file, &[&["-2"][..], &fields].concat());
    agree_sorted(&file, &["-q", "-z", "hosts"]);
}

#[test]
fn names_of_hosts_are_those_of_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = [answers().write(folder.path()), named(folder.path())];
    for file in &files {
        for words in [
            &["-q", "-z", "hosts"][..],
            &["-q", "-z", "hosts,ip"],
            &["-q", "-z", "hosts,ipv6"],
            &["-q", "-z", "hosts,ipv4,ipv6"],
            &["-2", "-q", "-z", "hosts"],
            &["-n", "-q", "-z", "hosts"],
            &["-N", "m", "-q", "-z", "hosts"],
            &["-N", "d", "-q", "-z", "hosts"],
        ] {
            agree_sorted(file, words);
        }
    }
    for file in captures() {
        agree_sorted(&file, &["-q", "-z", "hosts"]);
    }
    // Lines come in the order of addresses.
    let [_, ours] = printed(&files[0], &["-q", "-z", "hosts,ip"]);
    let addresses: Vec<_> = ours
        .lines()
        .skip(4)
        .map(|line| line.split('\t').next())
        .collect();
    let expected = ["192.0.2.1", "192.0.2.4", "192.0.2.5", "192.0.2.10"];
    assert_eq!(addresses, expected.map(Some));
}

#[test]
fn fields_are_added_to_the_list_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let asked = |fields: &[&str]| -> Vec<String> {
        let words = fields
            .iter()
            .map(|field| format!("proto,colinfo,{field},{field}"));
        words.flat_map(|word| ["-z".to_owned(), word]).collect()
    };
    let fields = asked(&[
        "frame.time",
        "frame.number",
        "frame.time_relative",
        "eth.src",
        "eth.type",
        "ip",
        "ip.src",
        "ip.flags",
        "ip.dsfield",
        "tcp.flags",
        "tcp.flags.syn",
        "tcp.flags.str",
        "tcp.seq",
        "tcp.payload",
        "tcp.analysis.ack_rtt",
        "tcp.analysis.flags",
        "ftp.request.arg",
        "http.request.line",
        "http.authorization",
        "dns.resp.name",
        "dns.a",
        "dns.aaaa",
        "dns.flags",
    ]);
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    for file in [
        logins().write(folder.path()),
        answers().write(folder.path()),
    ] {
        agree(&file, &fields);
        for words in [
            // The field is there if a filter names it, whichever.
            &["-z", "proto,colinfo,tcp,tcp.flags"][..],
            &[
                "-z",
                "proto,colinfo,tcp,tcp.flags",
                "-Y",
                "tcp.flags || udp",
            ],
            &["-z", "proto,colinfo,ip.dst and udp,ip.dst", "-T", "tabs"],
            &[
                "-z",
                "proto,colinfo,ip.id,ip.id",
                "-T",
                "fields",
                "-e",
                "_ws.col.Info",
            ],
        ] {
            agree(&file, words);
        }
    }
    // Without the column there is nothing to add to.
    let file = answers().write(folder.path());
    for words in [
        &["-q"][..],
        &["-V"],
        &["-T", "json"],
        &["-T", "fields", "-e", "ip.src"],
    ] {
        let words = [words, &["-z", "proto,colinfo,ip.src,ip.src"]].concat();
        assert_eq!(printed(&file, &words)[1], "", "{words:?}");
    }
}

#[test]
fn members_of_one_name_are_put_together_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut capture = Capture::new();
    capture.datagram(40_000, b"datagram");
    capture.connection(
        40_000,
        1400,
        &lines(&[(Client, "question"), (Server, "answer")]),
    );
    let file = capture.write(folder.path());
    for words in [
        &["-T", "json"][..],
        &["-T", "json", "-x", "-J", "ip"],
        &["-T", "json", "-j", "ip ip.flags dns"],
        &["-T", "jsonraw", "-J", "ip"],
        &["-T", "json", "-J", "dns"],
    ] {
        agree(&file, &[&["-n", "--no-duplicate-keys"], words].concat());
    }
    assert_eq!(printed(&file, &["--no-duplicate-keys", "-T", "ek"])[1], "");
}
