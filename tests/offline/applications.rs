//! Dissectors above UDP and TCP: what the list says of messages made by hand, judged by tshark, and that
//! no bytes make them panic or run away.

use std::process::Command;

use capture::packet::LinkType;
use capture_tests::oracle::{output, require};
use capture_tests::program::locate;

use crate::damaging::Damaging;
use crate::fixture::{file, pcap};

/// An IPv4 packet in an Ethernet frame; checksums are left out.
fn packet(protocol: u8, [from, to]: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, 0x45, 0];
    frame.extend((20 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    frame.extend(payload);
    frame
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = [from.to_be_bytes(), to.to_be_bytes()].concat();
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    packet(17, [1, 2], &datagram)
}

/// One direction of a connection: the frames of its segments, one for each part.
fn client(port: u16, to: u16, parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut seq = 1000_u32;
    let mut frames = Vec::new();
    for part in parts {
        let mut segment = [port.to_be_bytes(), to.to_be_bytes()].concat();
        segment.extend(seq.to_be_bytes());
        segment.extend(1_u32.to_be_bytes());
        segment.extend([0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
        segment.extend(*part);
        seq += part.len() as u32;
        frames.push(packet(6, [1, 2], &segment));
    }
    frames
}

/// A message of DNS: a question for `a.b`, and records after it.
fn dns(flags: u16, kind: u16, class: u16, records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34];
    message.extend(flags.to_be_bytes());
    message.extend([0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    message.extend(b"\x01a\x01b\0");
    message.extend(kind.to_be_bytes());
    message.extend(class.to_be_bytes());
    for (kind, data) in records {
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 1, 0x2c]);
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(*data);
    }
    message
}

/// A record of TLS.
fn record(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(version.to_be_bytes());
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A hello of a client that asks for `a.b`.
fn client_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0, 0, 12]);
    body.extend([0, 0, 0, 8, 0, 6, 0, 0, 3, b'a', b'.', b'b']);
    let mut message = vec![1, 0, 0, body.len() as u8];
    message.extend(body);
    message
}

/// Protocols that are read line by line.
fn mail_and_files() -> Vec<Vec<u8>> {
    let mut frames = client(5010, 21, &[b"USER me\r\n", b"RETR a b\r\n", b"QUIT"]);
    frames.extend(client(21, 5010, &[b"220-hello\r\n there\r\n220 x\r\n"]));
    frames.extend(client(5011, 110, &[b"USER me\r\n"]));
    frames.extend(client(110, 5011, &[b"+OK ready\r\n"]));
    frames.extend(client(
        5012,
        143,
        &[b"a1 CAPA", b"BILITY\r\n", b"a2 NOOP\r\n"],
    ));
    frames.extend(client(143, 5012, &[b"* OK hi\r\na1 OK done\r\n"]));
    frames.extend(client(25, 5013, &[b"220 mx ready\r\n"]));
    frames.extend(client(5013, 25, &[b"EHL", b"O me\r\n"]));
    frames.extend(client(
        5014,
        23,
        &[&[255, 253, 3, 255, 251, 24], b"login\r\n"],
    ));
    frames
}

/// A message of a `NetBIOS` name, which is written in twice as many letters.
fn name(flags: u16, answers: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34];
    message.extend(flags.to_be_bytes());
    message.extend([0, 1 - answers, 0, answers, 0, 0, 0, 0, 32]);
    message.extend(b"FDEFFCFGEFFCCACACACACACACACACACA\0");
    message.extend(rest);
    message
}

/// Protocols of which little is shown.
fn others() -> Vec<Vec<u8>> {
    let stun = |kind: u16, attributes: &[u8]| {
        let mut message = kind.to_be_bytes().to_vec();
        message.extend((attributes.len() as u16).to_be_bytes());
        message.extend([0x21, 0x12, 0xa4, 0x42]);
        message.extend([5; 12]);
        message.extend(attributes);
        message
    };
    let access = [
        &[1, 7, 0, 26][..],
        &[9; 16],
        &[1, 6, b'b', b'o', b'b', b'1'],
    ]
    .concat();
    let route: Vec<u8> = [
        &[2, 2, 0, 0, 0, 2, 0, 0, 10, 0, 0, 0, 255][..],
        &[0; 10],
        &[1],
    ]
    .concat();
    let solicit = [1, 0, 0, 9, 0, 1, 0, 4, 0, 3, 0, 1, 0, 8, 0, 2, 0, 1];
    let mut frames = vec![
        udp(137, 137, &name(0x0110, 0, &[0, 32, 0, 1])),
        udp(
            137,
            137,
            &name(
                0x8500,
                1,
                &[0, 32, 0, 1, 0, 0, 0, 9, 0, 6, 0, 0, 10, 0, 0, 2],
            ),
        ),
        udp(
            137,
            137,
            &name(
                0x8500,
                1,
                &[
                    0, 32, 0, 1, 0, 0, 0, 9, 0, 12, 0, 0, 10, 0, 0, 2, 0, 0, 10, 0, 0, 3,
                ],
            ),
        ),
        udp(137, 137, &name(0x8503, 0, &[0, 32, 0, 1])),
        udp(514, 514, b"<34>Oct 11 22:14:15 host su: failed"),
        udp(4001, 514, b"no priority"),
        udp(4001, 1812, &access),
        udp(520, 520, &route),
        udp(546, 547, &solicit),
        udp(
            4001,
            3478,
            &stun(0x0001, &[0, 6, 0, 3, b'a', b':', b'b', 0]),
        ),
        udp(
            3478,
            4001,
            &stun(
                0x0101,
                &[0, 32, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43],
            ),
        ),
        udp(
            4001,
            8805,
            &[0x20, 1, 0, 12, 0, 0, 1, 0, 0, 96, 0, 4, 0, 0, 0, 1],
        ),
    ];
    let alive = [&[0xff; 16][..], &[0, 19, 4]].concat();
    frames.extend(client(5020, 179, &[&alive[..10], &alive[10..]]));
    frames.extend(client(5021, 502, &[&[0, 1, 0, 0, 0, 6, 9, 3, 0, 0, 0, 1]]));
    frames.extend(client(502, 5021, &[&[0, 1, 0, 0, 0, 3, 9, 0x83, 2]]));
    frames.extend(client(
        5022,
        1883,
        &[&[0xc0, 0], &[0x30, 5, 0, 1, b't', b'h', b'i']],
    ));
    let mut smb = vec![0, 0, 0, 68, 0xfe, b'S', b'M', b'B', 64, 0];
    smb.extend([0; 58]);
    smb.extend([4, 0, 0, 0]);
    // An echo.
    smb[16] = 13;
    frames.extend(client(5023, 445, &[&smb[..30], &smb[30..]]));
    frames
}

fn frames() -> Vec<Vec<u8>> {
    let soa = [
        &b"\x02ns\xc0\x0c\x04root\xc0\x0c"[..],
        &[0, 0, 0, 60].repeat(5),
    ]
    .concat();
    let records: &[(u16, &[u8])] = &[
        (1, &[192, 0, 2, 1]),
        (
            28,
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
        (5, b"\x03www\xc0\x0c"),
        (2, b"\x02ns\xc0\x0c"),
        (12, b"\x01p\0"),
        (15, b"\x00\x0a\x02mx\xc0\x0c"),
        (16, b"\x05hello"),
        (33, b"\x00\x01\x00\x02\x00\x50\x01s\0"),
        (13, b"\x03cpu\x02os"),
        (6, &soa),
        (65280, b"xyz"),
    ];
    let mut frames = vec![
        udp(4000, 53, &dns(0x0100, 1, 1, &[])),
        udp(53, 4000, &dns(0x8180, 1, 1, records)),
        udp(53, 4000, &dns(0x8183, 28, 1, &[])),
        udp(4000, 53, &dns(0x2800, 6, 1, &[])),
        udp(5353, 5353, &dns(0, 12, 0x8001, &[])),
        udp(5353, 5353, &dns(0x8400, 12, 1, &records[..3])),
        udp(4000, 5355, &dns(0, 1, 1, &[])),
        // A pointer to itself, and a message that ends early.
        udp(
            4000,
            53,
            b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01",
        ),
        udp(4000, 53, &dns(0x0100, 1, 1, &[])[..18]),
        udp(4000, 123, &[&[0x23, 2, 6, 0xec][..], &[0; 44]].concat()),
        udp(123, 4000, &[&[0x1c, 1, 6, 0xec][..], &[1; 44]].concat()),
        udp(4000, 123, &[0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        udp(4000, 1900, b"M-SEARCH * HTTP/1.1\r\nHost: x\r\n\r\n"),
    ];
    let mut bootp = vec![1, 1, 6, 0, 0, 0, 0x3d, 0x1d];
    bootp.extend([0; 20]);
    bootp.extend([2, 0, 0, 0, 0, 9]);
    bootp.extend([0; 202]);
    bootp.extend([0x63, 0x82, 0x53, 0x63]);
    for kind in [1, 3, 6, 8, 99] {
        let message = [&bootp[..], &[53, 1, kind, 12, 1, b'h', 255]].concat();
        frames.push(udp(68, 67, &message));
    }
    frames.push(udp(68, 67, &[&bootp[..], &[255]].concat()));
    let stream = [&[0, 21][..], &dns(0x0100, 1, 1, &[])].concat();
    frames.extend(client(5001, 53, &[&stream[..9], &stream[9..]]));
    let hello = record(22, 0x0301, &client_hello());
    let app = record(23, 0x0303, &[9; 40]);
    let closing = [record(21, 0x0303, &[1, 0]), record(20, 0x0303, &[1])].concat();
    let finished = record(22, 0x0303, &[0xaa; 40]);
    let parts = [&hello[..20], &hello[20..], &app, &closing, &finished];
    frames.extend(client(5002, 443, &parts));
    frames.extend(client(5003, 7777, &[&hello]));
    let post = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let chunked: &[u8] =
        b"PUT /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let parts = [
        &post[..9],
        &post[9..50],
        &post[50..],
        chunked,
        b"GET / HTTP/1.0\r\n\r\n",
    ];
    frames.extend(client(5004, 80, &parts));
    frames.extend(mail_and_files());
    frames.extend(others());
    let packet: &[u8] = &[0, 0, 0, 12, 10, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let parts = [&b"SSH-2.0-test\r\n"[..], packet];
    frames.extend(client(5005, 22, &parts));
    frames
}

/// Datagrams of QUIC that were recorded.
fn recorded() -> Vec<Vec<u8>> {
    let mut rest = &include_bytes!("captures/quic.pcap")[24..];
    let mut frames = Vec::new();
    while let Some((header, data)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        frames.push(data[..len].to_vec());
        rest = &data[len..];
    }
    assert!(frames.len() > 10);
    frames
}

#[test]
fn the_list_says_of_each_message_what_tshark_says() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let timed: Vec<_> = frames()
        .into_iter()
        .zip(1..)
        .map(|(frame, at)| (at * 1000, frame))
        .collect();
    let path = file(folder.path(), "applications.pcap", &pcap(&timed, 0));
    let fields = [
        "dns.qry.name",
        "dns.a",
        "dns.aaaa",
        "dns.flags.rcode",
        "dhcp.option.dhcp",
        "ntp.stratum",
        "tls.handshake.type",
        "tls.handshake.extensions_server_name",
        "http.request.method",
        "http.request.full_uri",
        "ssh.protocol",
    ];
    let fields = fields.iter().flat_map(|name| ["-e", name]);
    let fields: Vec<_> = ["-n", "-T", "fields"].into_iter().chain(fields).collect();
    for options in [&["-n"][..], &fields] {
        let theirs = output(Command::new("tshark").args(options).arg("-r").arg(&path)).unwrap();
        let mut command = Command::new(locate().unwrap());
        let ours = output(command.arg("read").args(options).arg("-r").arg(&path)).unwrap();
        let lines = theirs.lines().zip(ours.lines());
        let different: Vec<_> = lines.filter(|(theirs, ours)| theirs != ours).collect();
        assert!(different.is_empty(), "{different:#?}");
        assert_eq!(theirs.lines().count(), ours.lines().count());
    }
}

#[test]
fn no_message_makes_dissectors_panic_or_run_away() {
    /// The most fields of a frame of at most 500 bytes.
    const MOST_FIELDS: usize = 20_000;
    let mut frames = frames();
    frames.extend(recorded());
    let mut damaging = Damaging::new();
    for _ in 1..30_000 {
        let mut data = frames[damaging.below(frames.len())].clone();
        damaging.damage(&mut data, 42);
        let tree = damaging.dissect(LinkType::ETHERNET, &data);
        assert!(tree.nodes().len() < MOST_FIELDS, "{data:02x?}");
    }
}
