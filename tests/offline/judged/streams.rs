//! Segments and datagrams of applications: who takes which port and which beginning, streams that turn
//! into something else, messages that end in another segment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::process::Command;

use capture_tests::oracle::{output, require};
use capture_tests::program::locate;

use super::packets::{Maker, START_NS};
use super::{differences, expect_none, setting, write};
use crate::capture_filter::random::Random;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// A capture that grows.
pub(super) struct Capture {
    maker: Maker,
    packets: Vec<(u64, Vec<u8>, u32)>,
    /// The client's port of the last connection.
    port: u16,
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

use Side::{Client, Server};

impl Capture {
    pub(super) fn new() -> Self {
        Self {
            maker: Maker(Random(setting("CAPTURE_JUDGED_SEED", 11))),
            packets: Vec::new(),
            port: 40_000,
        }
    }

    pub(super) fn add(&mut self, protocol: u8, side: Side, payload: &[u8]) {
        let (from, to) = match side {
            Client => (CLIENT, SERVER),
            Server => (SERVER, CLIENT),
        };
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
        frame.extend((20 + payload.len() as u16).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        frame.extend(from);
        frame.extend(to);
        frame.extend(payload);
        let at = START_NS + self.packets.len() as u64 * 1_000_000;
        let len = frame.len() as u32;
        self.packets.push((at, frame, len));
    }

    pub(super) fn datagram(&mut self, port: u16, payload: &[u8]) {
        self.port += 1;
        let mut bytes = self.port.to_be_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend((8 + payload.len() as u16).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        self.add(17, Client, &bytes);
    }

    /// A connection, from its handshake on, in segments of so many bytes.
    pub(super) fn connection(&mut self, port: u16, most: usize, messages: &[(Side, Vec<u8>)]) {
        self.port += 1;
        let mut next = [1000_u32, 2000];
        let port_of_client = self.port;
        let mut send = |this: &mut Self, side: Side, flags: u8, data: &[u8]| {
            let place = usize::from(side == Server);
            let mut ports = [port_of_client, port];
            if side == Server {
                ports.reverse();
            }
            let mut bytes: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
            bytes.extend(next[place].to_be_bytes());
            let ack = if flags & 0x10 == 0 {
                0
            } else {
                next[1 - place]
            };
            bytes.extend(ack.to_be_bytes());
            bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            bytes.extend(data);
            next[place] += data.len() as u32 + u32::from(flags & 3 != 0);
            this.add(6, side, &bytes);
        };
        send(self, Client, 0x02, &[]);
        send(self, Server, 0x12, &[]);
        send(self, Client, 0x10, &[]);
        for (side, message) in messages {
            for part in message.chunks(most) {
                send(self, *side, 0x18, part);
            }
        }
        send(self, Client, 0x11, &[]);
        send(self, Server, 0x11, &[]);
    }

    /// Has every packet come so many times, one after the other.
    pub(super) fn repeat(&mut self, times: u64) {
        let once = std::mem::take(&mut self.packets);
        for (at, frame, len) in once {
            let again = (0..times).map(|number| (at + number * 1_000, frame.clone(), len));
            self.packets.extend(again);
        }
    }

    /// As a file in a folder.
    pub(super) fn write(&self, folder: &std::path::Path) -> std::path::PathBuf {
        write(folder, 1, &self.packets)
    }

    /// Fails with what differs in these columns.
    pub(super) fn compare(&self, columns: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let file = write(folder.path(), 1, &self.packets);
        let asked: Vec<_> = columns.iter().map(|column| (*column).to_owned()).collect();
        let found = differences(&file, &[], &asked, |_, field, _| field == "frame.protocols");
        expect_none(&found, &file);
    }
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A record of TLS.
pub(super) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// A client's hello without extensions.
fn hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0, 0, 0]].concat();
    let len = (body.len() as u32).to_be_bytes();
    record(22, &[&[1], &len[1..], &body].concat())
}

#[test]
fn streams_turn_into_what_they_agreed_on() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let lines = |lines: &[(Side, &str)]| -> Vec<(Side, Vec<u8>)> {
        let lines = lines.iter();
        lines
            .map(|(side, text)| (*side, format!("{text}\r\n").into_bytes()))
            .collect()
    };
    let secured = |mut before: Vec<(Side, Vec<u8>)>| {
        before.push((Client, hello()));
        before.push((Server, record(23, &[0x55; 300])));
        before.push((Client, record(23, &[0x66; 80])));
        before
    };
    let mail = [
        (Server, "220 mx ESMTP"),
        (Client, "EHLO a"),
        (Server, "250-mx\r\n250 STARTTLS"),
        (Client, "STARTTLS"),
        (Server, "220 go"),
    ];
    let files = [
        (Server, "220 ftp"),
        (Client, "AUTH TLS"),
        (Server, "234 go"),
    ];
    let boxes = [
        (Server, "* OK ready"),
        (Client, "a1 STARTTLS"),
        (Server, "a1 OK go"),
    ];
    for most in [1400, 90] {
        capture.connection(25, most, &secured(lines(&mail)));
        capture.connection(587, most, &secured(lines(&mail)));
        capture.connection(21, most, &secured(lines(&files)));
        capture.connection(143, most, &secured(lines(&boxes)));
        let asked = vec![(Client, hex("0000000804d2162f")), (Server, b"S".to_vec())];
        capture.connection(5432, most, &secured(asked));
        let tunnel = [
            (
                Client,
                "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n",
            ),
            (Server, "HTTP/1.1 200 Connection established\r\n"),
        ];
        capture.connection(8080, most, &secured(lines(&tunnel)));
        let socks = vec![
            (Client, hex("050100")),
            (Server, hex("0500")),
            (Client, hex("0501000101020304 01bb")),
            (Server, hex("05000001000000000000")),
        ];
        capture.connection(1080, most, &secured(socks));
    }
    let upgrade = [
        (
            Client,
            "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        ),
        (
            Server,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        ),
    ];
    let mut sockets = lines(&upgrade);
    sockets.push((Server, hex("810548656c6c6f")));
    sockets.push((Client, hex("818537fa213d7f9f4d5158")));
    sockets.push((Server, [hex("827e0100"), vec![9; 256]].concat()));
    sockets.push((Server, hex("8900")));
    capture.connection(80, 100, &sockets);
    capture.compare(&["_ws.col.Protocol"]);
}

#[test]
fn bodies_become_the_files_that_tshark_makes_of_them() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let message = |head: &str, body: &[u8]| [head.as_bytes(), b"\r\n\r\n", body].concat();
    let get = |uri: &str| message(&format!("GET {uri} HTTP/1.1\r\nHost: a.example"), b"");
    let sized = |body: &[u8]| {
        let len = body.len();
        message(
            &format!(
                "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8\r\nContent-Length: {len}"
            ),
            body,
        )
    };
    let chunked = b"5\r\nabcde\r\n3;x=y\r\nfgh\r\n0\r\n\r\n";
    // RFC 1952, one stored block of "packed".
    let packed = hex("1f8b 0800 00000000 00ff 01 0600 f9ff 7061636b6564 10b4f621 06000000");
    let encoded = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}",
        packed.len()
    );
    for most in [1400, 50] {
        let talk = vec![
            (Client, get("/dir/page.html")),
            (Server, sized(b"<html>one</html>")),
            (Client, get("/other/page.html")),
            (Server, sized(b"<html>two</html>")),
            (Client, get("/")),
            (Server, sized(&[0, 1, 2, 0xff].repeat(100))),
            (Client, get("/a?b=/c:d*")),
            (
                Server,
                message("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", chunked),
            ),
            (Client, get("/packed.txt")),
            (Server, message(&encoded, &packed)),
            (
                Client,
                message("POST /form HTTP/1.1\r\nContent-Length: 3", b"a=b"),
            ),
            (Server, message("HTTP/1.1 204 No Content", b"")),
        ];
        capture.connection(80, most, &talk);
        // Nobody asked.
        capture.connection(80, most, &[(Server, sized(b"unasked"))]);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), 1, &capture.packets);
    let objects = |mut command: Command, name: &str| -> BTreeMap<String, Vec<u8>> {
        let objects = folder.path().join(name);
        let mut words = OsString::from("http,");
        words.push(&objects);
        command.args(["-q", "--export-objects"]).arg(words);
        output(command.arg("-r").arg(&file)).unwrap();
        let entries = fs::read_dir(objects).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect()
    };
    let mut program = Command::new(locate().unwrap());
    program.arg("read");
    let ours = objects(program, "ours");
    assert_eq!(ours, objects(Command::new("tshark"), "theirs"));
    assert_eq!(ours["page(1).html"], b"<html>two</html>");
    assert_eq!(ours["packed.txt"], b"packed");
    assert_eq!(ours.len(), 14);
}

#[test]
fn announced_connections_are_known_before_their_first_segment() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    for (request, reply, port) in [
        (
            "PASV",
            "227 Entering Passive Mode (10,0,0,2,156,67).",
            40_003,
        ),
        (
            "EPSV",
            "229 Entering Extended Passive Mode (|||6446|)",
            6446,
        ),
    ] {
        let lines = [
            (Server, "220 ftp\r\n"),
            (Client, &format!("{request}\r\n")),
            (Server, &format!("{reply}\r\n")),
            (Client, "RETR a.txt\r\n"),
        ];
        let control = lines.map(|(side, text)| (side, text.as_bytes().to_vec()));
        capture.connection(21, 1400, &control);
        // The second one was not announced.
        for _ in 0..2 {
            capture.connection(port, 1400, &[(Server, b"some text\n".to_vec())]);
        }
    }
    capture.compare(&["tcp.completeness"]);
}

#[test]
fn datagrams_of_snmp_are_streams_of_their_own_from_the_second_one_on() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let request = hex("3018 020100 04067075626c6963 a00b 020101 020100 020100 3000");
    let datagrams = [
        (Client, 3000, 161),
        (Client, 3001, 53),
        (Client, 3002, 161),
        (Server, 161, 3000),
        (Client, 3000, 161),
        (Server, 161, 3002),
        (Client, 3003, 162),
        (Client, 3004, 2000),
    ];
    for (side, from, to) in datagrams {
        let mut bytes = Vec::new();
        for field in [from, to, 8 + request.len() as u16, 0] {
            bytes.extend(field.to_be_bytes());
        }
        bytes.extend(&request);
        capture.add(17, side, &bytes);
    }
    let asked = ["udp.stream", "udp.time_relative", "udp.time_delta"].map(str::to_owned);
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), 1, &capture.packets);
    for options in [&[][..], &["-2"]] {
        let found = differences(&file, options, &asked, |_, _, _| false);
        expect_none(&found, &file);
    }
}

// RFC 2637 section 4.1.
#[test]
fn ppp_in_a_tunnel_has_the_addresses_of_what_is_around_it() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let request = hex("3001 880b 0008 0001 00000000 ff03 c021 01 01 0004");
    capture.add(47, Client, &request);
    capture.add(47, Server, &request);
    capture.compare(&["_ws.col.Source", "_ws.col.Destination", "_ws.col.Protocol"]);
}

#[test]
fn dns_is_known_by_its_look_on_any_port() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    // The first one looks like it; the others but for one number.
    for text in [
        "1234 0100 0001 0000 0000 0000 0161 00 0001 0001",
        "1234 0100 0001 0000 0000 000b 0161 00 0001 0001",
        "1234 0100 0001 0000 0001 0000 0161 00 0001 0001",
        "1234 1100 0001 0000 0000 0000 0161 00 0001 0001",
        "1234 8180 0000 0000 000a 0000 0161 00 0001 0001",
        "1234 8180 0000 0065 0000 0000 0161 00 0001 0001",
        "1234 0100 0001 0000 0000 0000",
    ] {
        capture.datagram(20_053, &hex(text));
    }
    capture.compare(&["_ws.col.Protocol", "_ws.col.Info"]);
}

#[test]
fn a_string_with_the_end_of_a_line_stays_on_its_line() {
    let mut capture = Capture::new();
    let messages = [(Server, b"$4\r\na\nb\x1b\r\n".to_vec())];
    capture.connection(6379, 1400, &messages);
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), 1, &capture.packets);
    let mut program = Command::new(locate().unwrap());
    let list = output(program.args(["read", "-n", "-r"]).arg(&file)).unwrap();
    assert_eq!(list.lines().count(), capture.packets.len(), "{list}");
    assert!(!list.contains('\x1b'), "{list}");
}

// RFC 6733 section 3.
#[test]
fn what_is_no_beginning_of_diameter_is_its_continuation() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let header = "80000101 00000000 00000001 00000001";
    let whole = format!("01000024 {header} 00000108 40000008 00000128 40000008");
    let short = format!("01000014 {header}");
    for message in [whole.replace("8000", "8f00"), short, whole] {
        capture.connection(3868, 1400, &[(Client, hex(&message))]);
    }
    capture.compare(&["_ws.col.Protocol", "tcp.pdu.size"]);
}

#[test]
fn ports_and_beginnings_name_the_protocol() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    for port in [
        13, 37, 389, 496, 513, 521, 631, 1719, 3130, 4569, 5683, 11211, 19132, 26000, 27500, 27910,
        27960, 44818, 54328,
    ] {
        for _ in 0..3 {
            let payload = [vec![0x3f], capture.maker.0.bytes(40)].concat();
            capture.datagram(port, &payload);
        }
    }
    for (port, payload) in [
        (
            646,
            "0001 0016 01010101 0000 0100 000c 00000001 0400 0004 000f 0000",
        ),
        (
            2055,
            "0005 0001 000003e8 6553f100 00000000 00000001 00000000",
        ),
        (
            6343,
            "00000005 00000001 0a000001 00000000 00000001 000003e8 00000000",
        ),
        (4433, "16feff 0000 000000000000 0004 01000000"),
        (4433, "17fefd 0001 000000000001 0004 01020304"),
        (47808, "810b000c0120ffff00ff1008"),
        (47808, "810b000801800001"),
        (623, "0600ff06000011be80000000"),
        (5351, "0000"),
        (1701, "c802000c0000000000000000"),
        (319, "0002002c00000200"),
        (40000, "ffffffffffff"),
    ] {
        let mut payload = hex(payload);
        match port {
            40000 => payload.extend([0, 1, 2, 3, 4, 5].repeat(16)),
            2055 | 319 => payload.extend([0; 48]),
            _ => {}
        }
        capture.datagram(port, &payload);
    }
    for text in [
        "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
        "d2:ip6:abcdefe",
    ] {
        capture.datagram(34_567, text.as_bytes());
    }
    for port in [
        7, 13, 19, 37, 70, 512, 513, 514, 515, 639, 873, 1099, 1344, 1863, 2401, 4730, 11211,
    ] {
        let text = |text: &str| text.as_bytes().to_vec();
        let messages = [(Server, text("Welcome\r\n")), (Client, text("hello\r\n"))];
        capture.connection(port, 1400, &messages);
    }
    let bind = hex(
        "05000b0310000000 4800 0000 01000000 d016d016 00000000 01000000 0000 0100 \
         7857341234 12 cdab ef000123456789ac 0100 0000 045d888aeb1cc9119fe808002b104860 02000000",
    );
    let call = hex("0500000310000000 2000 0000 01000000 08000000 0000 0300 0000000000000000");
    let messages = [(Client, bind), (Client, call)];
    for (port, most) in [(135, 1400), (49_155, 20)] {
        capture.connection(port, most, &messages);
    }
    for (port, message) in [
        (1433, "1201000c 00000100 00000000"),
        (2404, "680407000000"),
        (2404, "680e0000000064010600010000000014"),
        (
            44818,
            "6500040000000000000000000000000000000000000000000100 0000",
        ),
        (548, "0004000100000000000000000000 0000"),
        (9042, "040000010500000000"),
        (9092, "0000000e0012 0000 00000001 000474657374"),
        (
            12_345,
            "f9beb4d9 76657261636b000000000000 00000000 5df6e0e2",
        ),
        (102, "0300001902f08032010000000000080000f0000001000101e0"),
    ] {
        for most in [1400, 5] {
            capture.connection(port, most, &[(Client, hex(message))]);
        }
    }
    capture.compare(&["_ws.col.Protocol", "tcp.pdu.size"]);
}

/// What the sides of a connection say.
type Messages = Vec<(Side, Vec<u8>)>;

/// Mails, as they are sent and as they are fetched, with the servers' ports.
fn mails() -> Vec<(u16, Messages)> {
    let lines = |lines: &[(Side, &str)]| -> Messages {
        let lines = lines.iter();
        lines
            .map(|(side, text)| (*side, format!("{text}\r\n").into_bytes()))
            .collect()
    };
    let plain =
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: plain\r\n text\r\n\r\nOne\r\nTwo\r\n";
    let typed = "Subject: typed\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOne\r\nTwo\r\n";
    let parts = "From: c@example.com\r\nContent-Type: multipart/mixed;\r\n boundary=\"xyz\"\r\n\r\nPreamble\r\n\
         --xyz\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b>bold</b>\r\n\
         --xyz\r\nContent-Type: application/zip\r\n\r\nPK\r\n\
         --xyz\r\nContent-Type: application/octet-stream\r\n\r\n123\r\n\
         --xyz--\r\nEpilogue\r\n";
    let mut sent = vec![
        (Server, "220 mx ESMTP"),
        (Client, "EHLO a"),
        (Server, "250-mx\r\n250-AUTH LOGIN\r\n250 CHUNKING"),
        (Client, "AUTH LOGIN"),
        (Server, "334 VXNlcm5hbWU6"),
        (Client, "Zm9v"),
        (Server, "334 UGFzc3dvcmQ6"),
        (Client, "YmFyYmF6"),
        (Server, "235 go"),
    ];
    let ends: Vec<String> = [plain, typed, parts]
        .iter()
        .map(|mail| format!("{mail}."))
        .collect();
    for end in &ends {
        let data = [
            (
                Client,
                "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>",
            ),
            (Server, "250 ok\r\n250 ok"),
            (Client, "DATA"),
            (Server, "354 go"),
            (Client, end),
            (Server, "250 queued"),
        ];
        sent.extend(data);
    }
    sent.push((Client, "QUIT"));
    let (begun, ended) = ("Subject: chunks\r\n", "\r\nIn two.");
    let chunks = lines(&[
        (Client, "BDAT 19"),
        (Client, begun),
        (Server, "250 ok"),
        (Client, "BDAT 11 LAST"),
        (Client, ended),
        (Server, "250 ok"),
    ]);
    let answer = format!("+OK {} octets", typed.len());
    let fetched = lines(&[
        (Server, "+OK ready"),
        (Client, "RETR 1"),
        (Server, &answer),
        (Server, typed.trim_end()),
        (Client, "LIST"),
        (Server, "+OK"),
        (Server, "1 247\r\n."),
    ]);
    vec![(25, lines(&sent)), (587, chunks), (110, fetched)]
}

#[test]
fn mails_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    for (port, messages) in mails() {
        for most in [1400, 60] {
            capture.connection(port, most, &messages);
        }
    }
    capture.compare(&["_ws.col.Protocol", "_ws.col.Info"]);
}

#[test]
fn bodies_end_where_they_end_for_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let text = "Content-Type: text/plain\r\n";
    let chunks = "3\r\nabc\r\n0\r\n\r\n";
    for (header, body) in [
        ("Content-Length: 3\r\n", "abc"),
        ("Content-Length: 3 5\r\n", "abcde"),
        ("Content-Length: 3x\r\n", "abcde"),
        ("Transfer-Encoding: chunked\r\n", chunks),
        ("Transfer-Encoding: CHUNKED\r\n", chunks),
        ("Transfer-Encoding: xchunked\r\n", chunks),
        ("Transfer-Encoding: chunked, gzip\r\n", chunks),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            chunks,
        ),
        ("Transfer-Encoding: chunked\r\n", "xyz\r\n"),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Content-Encoding: gzip\r\n", "not compressed"),
        ("Content-Encoding: none\r\n", "as it is"),
        ("Connection: keep-alive\r\n", "until the end"),
        ("A: b\rC: d\r\n", "after a line that ends with CR"),
        ("A: b\r\n folded\r\n", "after a line that goes on"),
        (
            "Content-Length: 60\r\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>0123456789abcde</a>",
        ),
    ] {
        let ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
        let say = format!("HTTP/1.1 200 OK\r\n{header}{text}\r\n{body}").into_bytes();
        for (port, most) in [(80, 1400), (8_123, 40)] {
            let messages = [(Client, ask.clone()), (Server, say.clone())];
            capture.connection(port, most, &messages);
        }
    }
    for method in ["HEAD", "POST"] {
        let ask = format!("{method} / HTTP/1.0\r\n\r\n").into_bytes();
        let say = format!("HTTP/1.0 204 Empty\r\n{text}\r\n").into_bytes();
        capture.connection(80, 1400, &[(Client, ask), (Server, say)]);
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let settings = vec![(Client, preface), (Server, hex("000000040000000000"))];
    capture.connection(80, 1400, &settings);
    capture.compare(&["_ws.col.Protocol", "_ws.col.Info", "tcp.stream"]);
}

/// Lines over many segments, with their ends wherever an end can be.
#[test]
fn long_lines_end_where_they_end_for_tshark() {
    const MOST: usize = 1_000;
    if !require(&["tshark"]) {
        return;
    }
    let text = |parts: &[&str]| -> Messages {
        let many = "a".repeat(50 * MOST);
        let parts = parts.iter().map(|part| part.replace("MANY", &many));
        parts.map(|part| (Client, part.into_bytes())).collect()
    };
    let mut capture = Capture::new();
    for (port, parts) in [
        (80, &["MANY", "b\r", "\nxyz", "MANY", "\n\n"][..]),
        (
            80,
            &[
                "GET /MANY",
                " HTTP/1.1\r",
                "\nHost: b\r\n\r",
                "\nGET /b HTTP/1.0\r\nX: y",
                "MANY",
                "\r\n",
                "\r\nGET /",
                "MANY",
            ],
        ),
        (
            25,
            &["EHLO MANY", "b\r", "\nMAIL FROM:<a@b>", "\r\nQUIT\r\n"],
        ),
        (25, &["EHLO MANY", "b\r", "QUIT\r\n"]),
    ] {
        capture.connection(port, MOST, &text(parts));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), 1, &capture.packets);
    let fields = ["_ws.col.Protocol", "_ws.col.Info", "tcp.reassembled_in"].map(str::to_owned);
    for passes in [&[][..], &["-2"]] {
        expect_none(&differences(&file, passes, &fields, |_, _, _| false), &file);
        let list = |program: &mut Command| output(program.args(passes).arg("-nr").arg(&file));
        let theirs = list(&mut Command::new("tshark")).unwrap();
        let ours = list(Command::new(locate().unwrap()).arg("read")).unwrap();
        assert!(theirs == ours, "the list with {passes:?}");
    }
}

#[test]
fn what_is_asked_of_servers_is_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    // What version 5 has more are properties.
    let told = |messages: [&str; 8]| {
        let sides = [Client, Server].into_iter().cycle();
        let messages = messages.iter().map(|message| hex(message));
        sides.zip(messages).collect::<Vec<_>>()
    };
    let version_4 = told([
        "100e 0004 4d515454 04 02 003c 0002 6964",
        "20020000",
        "820a 0001 0001 61 00 0001 62 00",
        "90030001 00",
        "3205 0001 61 0002",
        "40020002",
        "a205 0003 0001 61",
        "b0020003",
    ]);
    let version_5 = told([
        "100f 0004 4d515454 05 02 003c 00 0002 6964",
        "2003000000",
        "820b 0001 00 0001 61 00 0001 62 00",
        "90040001 00 00",
        "3206 0001 61 0002 00",
        "40020002",
        "a206 0003 00 0001 61",
        "b0040003 00 00",
    ]);
    let socks4 = vec![
        (Client, hex("0401 01bb 01020304 00")),
        (Server, hex("005a 0000 00000000")),
        (Client, b"data".to_vec()),
    ];
    let socks5 = vec![
        (Client, hex("05020002")),
        (Server, hex("0502")),
        (Client, hex("0103 666f6f 03 626172")),
        (Server, hex("0100")),
        (Client, hex("0501000101020304 2710")),
        (Server, hex("05000001000000000000")),
        (Client, b"data".to_vec()),
    ];
    let first = vec![
        (Server, b"SSH-1.5-a\n".to_vec()),
        (Client, b"SSH-1.5-b\n".to_vec()),
        (Server, hex("0000000a 000000000000 02 0102030405060708 09")),
        (Client, hex("0000000a 000000000000 03 0102030405060708 09")),
        (Client, hex("00000005 000000 0102030405")),
    ];
    for (port, messages) in [
        (1883, version_4),
        (1883, version_5),
        (1080, socks4),
        (1080, socks5),
        (22, first),
    ] {
        capture.connection(port, 1400, &messages);
    }
    // A client's hello of Google's QUIC, and what follows.
    let hash = "00".repeat(12);
    let greeting = "0d 0102030405060708 51303335 01";
    for (port, text) in [
        (
            443,
            format!("{greeting} {hash} a00108 00 43484c4f 0000 0000"),
        ),
        (4_443, format!("{greeting} {hash} 0755 0000 0000 0000 0000")),
    ] {
        capture.datagram(port, &hex(&text));
    }
    // Attributes of TURN (RFC 8656 section 18).
    for (kind, attributes) in [
        ("0003", "0019 0004 11000000"),
        ("0009", "000c 0004 40000000"),
        (
            "0101",
            "802b 0008 0001 0050 c0000201 802c 0008 0001 0051 c0000202",
        ),
    ] {
        let attributes = hex(attributes);
        let header = hex(&format!("{kind} {:04x} 2112a442", attributes.len()));
        let message = [&header[..], &[7; 12], &attributes].concat();
        capture.datagram(3_478, &message);
        capture.connection(3_478, 1400, &[(Client, message)]);
    }
    capture.compare(&["_ws.col.Protocol", "_ws.col.Info", "tcp.stream"]);
}
