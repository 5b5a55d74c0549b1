//! What is asked of the services of a network, in the words of the list: files of SMB, entries of LDAP, pages of
//! HTTP/2, ways through translators, objects of SNMP.

use capture_tests::oracle::require;

use super::streams::Side::{Client, Server};
use super::streams::{Capture, Side, hex, record};

type Messages = Vec<(Side, Vec<u8>)>;

const COLUMNS: [&str; 2] = ["_ws.col.Protocol", "_ws.col.Info"];

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A message in a session of `NetBIOS`.
fn session(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// An element of ASN.1.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, content.len() as u8][..], content].concat()
}

/// What NTLM says first, as a challenge, and of whom.
fn ntlm(kind: u8) -> Vec<u8> {
    let mut message = b"NTLMSSP\0".to_vec();
    message.extend([kind, 0, 0, 0]);
    let (domain, user) = (wide("HOME"), wide("me"));
    match kind {
        1 => message.extend([0; 20]),
        2 => message.extend([0; 36]),
        _ => {
            let end = 64;
            for len in [0, 0, domain.len(), user.len(), 0, 0] {
                let at = if len == user.len() {
                    end + domain.len()
                } else {
                    end
                };
                message.extend((len as u16).to_le_bytes());
                message.extend((len as u16).to_le_bytes());
                message.extend((at as u32).to_le_bytes());
            }
            message.extend([1, 0, 0, 0]);
            message.extend(domain);
            message.extend(user);
        }
    }
    message
}

/// A message of SMB2: command, number, status and body; the next one follows in `next` bytes.
fn smb2(command: u16, id: u64, status: Option<u32>, body: &[u8], next: u32) -> Vec<u8> {
    let mut bytes = hex("fe534d42 4000 0000");
    bytes.extend(status.unwrap_or(0).to_le_bytes());
    bytes.extend(command.to_le_bytes());
    bytes.extend([1, 0]);
    bytes.extend(u32::from(status.is_some()).to_le_bytes());
    bytes.extend(next.to_le_bytes());
    bytes.extend(id.to_le_bytes());
    bytes.extend([0, 0, 0, 0, 9, 0, 0, 0]);
    bytes.extend(77_u64.to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(body);
    bytes
}

/// A body of zeros with numbers of two bytes in it, and what follows.
fn body(len: usize, numbers: &[(usize, u16)], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for (at, number) in numbers {
        bytes[*at..at + 2].copy_from_slice(&number.to_le_bytes());
    }
    [bytes, rest.to_vec()].concat()
}

#[expect(clippy::too_many_lines, reason = "one message after the other")]
#[test]
fn files_of_smb2_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let (tree, name, pattern) = (wide("\\\\a\\b"), wide("a\\b.txt"), wide("*"));
    let file: &[(usize, u16)] = &[(0, 89), (64, 5), (72, 6)];
    let asks = |command, id, body: Vec<u8>| (Client, session(&smb2(command, id, None, &body, 0)));
    let says = |command, id, status, body: Vec<u8>| {
        (Server, session(&smb2(command, id, Some(status), &body, 0)))
    };
    let blob = |kind| {
        let message = ntlm(kind);
        body(
            24,
            &[(0, 25), (12, 88), (14, message.len() as u16)],
            &message,
        )
    };
    let challenge = ntlm(2);
    let error = || body(9, &[(0, 9)], &[]);
    let close = |id| asks(6, id, body(24, &[(0, 24), (8, 5), (16, 6)], &[]));
    let renamed = [&[0; 16][..], &[2, 0, 0, 0], &wide("c")].concat();
    let create = body(56, &[(0, 57), (44, 120), (46, name.len() as u16)], &name);
    let first = smb2(
        5,
        20,
        None,
        &[create.clone(), vec![0; 2]].concat(),
        64 + 56 + 16,
    );
    let chained = [first, smb2(6, 21, None, &body(24, &[(0, 24)], &[]), 0)].concat();
    let messages: Messages = vec![
        asks(1, 1, blob(1)),
        says(
            1,
            1,
            0xc000_0016,
            body(
                8,
                &[(0, 9), (4, 72), (6, challenge.len() as u16)],
                &challenge,
            ),
        ),
        asks(1, 2, blob(3)),
        says(1, 2, 0xc000_006d, error()),
        asks(
            3,
            3,
            body(8, &[(0, 9), (4, 72), (6, tree.len() as u16)], &tree),
        ),
        asks(5, 4, create),
        says(5, 4, 0, body(88, file, &[])),
        asks(
            8,
            5,
            body(49, &[(0, 49), (4, 512), (8, 3), (16, 5), (24, 6)], &[]),
        ),
        asks(
            9,
            6,
            body(48, &[(0, 49), (2, 112), (4, 2), (16, 5), (24, 6)], b"ab"),
        ),
        asks(
            14,
            7,
            body(
                32,
                &[(0, 33), (2, 0x25), (8, 5), (16, 6), (24, 96), (26, 2)],
                &pattern,
            ),
        ),
        says(14, 7, 0x8000_0006, error()),
        asks(
            16,
            8,
            body(41, &[(0, 41), (2, 0x0501), (24, 5), (32, 6)], &[]),
        ),
        asks(
            16,
            9,
            body(41, &[(0, 41), (2, 0x0302), (24, 5), (32, 6)], &[]),
        ),
        asks(
            17,
            10,
            body(
                32,
                &[(0, 33), (2, 0x0a01), (4, 22), (8, 96), (16, 5), (24, 6)],
                &renamed,
            ),
        ),
        asks(
            11,
            11,
            body(
                57,
                &[(0, 57), (4, 0xc017), (6, 0x0011), (8, 5), (16, 6)],
                &[],
            ),
        ),
        asks(
            11,
            12,
            body(57, &[(0, 57), (4, 0x1234), (6, 0x0009), (8, 0xffff)], &[]),
        ),
        asks(7, 13, body(24, &[(0, 24), (8, 5), (16, 6)], &[])),
        close(14),
        close(15),
        (Client, session(&chained)),
        asks(18, 16, body(24, &[(0, 24), (8, 5)], &[])),
    ];
    let mut capture = Capture::new();
    for most in [1400, 90] {
        capture.connection(445, most, &messages);
    }
    capture.compare(&COLUMNS);
}

/// A message of the first SMB: command, number, tree, parameters and bytes.
fn smb1(command: u8, id: u16, status: Option<u32>, words: &[u16], bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![0xff, b'S', b'M', b'B', command];
    message.extend(status.unwrap_or(0).to_le_bytes());
    message.push(if status.is_some() { 0x88 } else { 0x08 });
    message.extend(hex("01c8 0000 0000000000000000 0000 0100 0200 0300"));
    message.extend(id.to_le_bytes());
    message.push(words.len() as u8);
    message.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    message.extend((bytes.len() as u16).to_le_bytes());
    message.extend(bytes);
    session(&message)
}

#[test]
fn files_of_the_first_smb_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let blob = ntlm(1);
    let mut words = vec![0xff; 1];
    words.extend([0, 0xffff, 2, 0, 0, 0, blob.len() as u16, 0, 0, 0, 0]);
    let text = |text: &str| [wide(text), vec![0, 0]].concat();
    let plain: Vec<u16> = [&[0xff, 0, 0xffff, 2, 0, 0, 0, 1][..], &[0; 5]].concat();
    let names = |user: &str, domain: &str| {
        [vec![0], text(user), text(domain), text("x"), text("y")].concat()
    };
    let path = [vec![0], text("\\a.txt")].concat();
    let mut create = vec![0; 24];
    (create[0], create[2]) = (0xff, 14 << 8);
    let mut created = vec![0; 34];
    (created[0], created[2], created[3]) = (0xff, 0x0700, 0x40);
    let read = [0xff, 0, 0x4007, 100, 0, 4096, 0, 0, 0, 0, 0, 0];
    let write = [0xff, 0, 0x4007, 3, 0, 0, 0, 0, 0, 0, 2, 63, 0, 0];
    let messages: Messages = vec![
        (
            Client,
            smb1(
                0x73,
                1,
                None,
                &words,
                &[blob, text("x"), text("y")].concat(),
            ),
        ),
        (Server, smb1(0x73, 1, Some(0xc000_006d), &[], &[])),
        (Client, smb1(0x73, 2, None, &plain, &names("me", "HOME"))),
        (Client, smb1(0x73, 3, None, &plain, &names("", ""))),
        (
            Client,
            smb1(
                0x75,
                4,
                None,
                &[0xff, 0, 0, 1],
                &[vec![0], text("\\\\a\\b"), b"?????\0".to_vec()].concat(),
            ),
        ),
        (Client, smb1(0xa2, 5, None, &create, &path)),
        (Server, smb1(0xa2, 5, Some(0), &created, &[])),
        (Client, smb1(0x2e, 6, None, &read, &[])),
        (
            Server,
            smb1(
                0x2e,
                6,
                Some(0),
                &[0xff, 0, 0xffff, 0, 0, 1, 60, 0, 0, 0, 0, 0],
                &[0, 9],
            ),
        ),
        (Client, smb1(0x2f, 7, None, &write, &[0, 8, 9])),
        (
            Server,
            smb1(0x2f, 7, Some(0), &[0xff, 0, 2, 0xffff, 0, 0], &[]),
        ),
        (Client, smb1(0x04, 8, None, &[0x4007, 0, 0], &[])),
        (Server, smb1(0x04, 8, Some(0), &[], &[])),
        (Client, smb1(0x04, 9, None, &[0x4008, 0, 0], &[])),
        (Server, smb1(0x04, 9, Some(0xc000_0008), &[], &[])),
        (Client, smb1(0x74, 10, None, &[0x04ff & 0xff, 0], &[])),
    ];
    let asks = |kind: u16, parameters: &[u8]| {
        let len = parameters.len() as u16;
        let at = 32 + 1 + 30 + 2 + 3;
        let words = vec![len, 0, 10, 0, 0, 0, 0, 0, 0, len, at, 0, at + len, 1, kind];
        (words, [&[0; 3], parameters].concat())
    };
    let mut more = Vec::new();
    for (id, (kind, parameters)) in (20..).zip([
        (
            1,
            [&hex("1600 0100 0600 0401 00000000")[..], &text("*")].concat(),
        ),
        (3, hex("0201")),
        (5, [&hex("0101 00000000")[..], &text("\\b")].concat()),
        (6, [&hex("0101 00000000")[..], &text("\\b")].concat()),
        (7, hex("0740 ec03")),
        (8, hex("0740 0101 0000")),
        (14, hex("0000")),
        (16, [&hex("0300")[..], &text("\\a\\b")].concat()),
    ]) {
        let (words, bytes) = asks(kind, &parameters);
        more.push((Client, smb1(0x32, id, None, &words, &bytes)));
        more.push((Server, smb1(0x32, id, Some(0xc000_000f), &[], &[])));
    }
    let messages = [messages, more].concat();
    let mut capture = Capture::new();
    capture.connection(139, 1400, &messages);
    capture.compare(&COLUMNS);
}

#[test]
fn entries_of_directories_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let message =
        |id: u8, operation: Vec<u8>| element(0x30, &[element(2, &[id]), operation].concat());
    let bind = |way: &[u8], token: &[u8]| {
        let credentials = [element(4, way), element(4, token)].concat();
        let content = [
            element(2, &[3]),
            element(4, b""),
            element(0xa3, &credentials),
        ]
        .concat();
        element(0x60, &content)
    };
    let result = |tag: u8, code: u8, more: &[u8]| {
        let content = [
            element(10, &[code]),
            element(4, b""),
            element(4, b""),
            more.to_vec(),
        ];
        element(tag, &content.concat())
    };
    let search = || {
        let filter = element(0x87, b"objectClass");
        let parts = [
            element(4, b"dc=a"),
            element(10, &[2]),
            element(10, &[0]),
            element(2, &[0]),
            element(2, &[0]),
            element(1, &[0]),
            filter,
            element(0x30, &[]),
        ];
        element(0x63, &parts.concat())
    };
    let entry = || element(0x64, &[element(4, b"cn=b"), element(0x30, &[])].concat());
    let found = [message(3, entry()), message(3, result(0x65, 0, &[]))].concat();
    let wrapped = |flags: u8, len: usize, inside: &[u8]| {
        let token = [
            &[5, 4, flags, 0xff, 0, 0, 0, 0][..],
            &[0; 8],
            &vec![9; len],
            inside,
        ]
        .concat();
        [(token.len() as u32).to_be_bytes().to_vec(), token].concat()
    };
    let extended = |name: &[u8]| element(0x77, &element(0x80, name));
    let secured: Messages = vec![
        (Client, message(1, extended(b"1.3.6.1.4.1.1466.20037"))),
        (
            Server,
            message(
                1,
                result(0x78, 0, &element(0x8a, b"1.3.6.1.4.1.1466.20037")),
            ),
        ),
    ];
    let plain: Messages = vec![
        (Client, message(2, extended(b"1.3.6.1.4.1.4203.1.11.3"))),
        (Server, message(2, result(0x78, 2, &[]))),
        (Client, message(3, search())),
        (Server, found.clone()),
        (Client, message(4, search())),
        (Server, found.clone()),
        (Client, message(5, element(0x50, &[4]))),
        (Client, message(6, bind(b"GSS-SPNEGO", &ntlm(1)))),
        (
            Server,
            message(6, result(0x61, 14, &element(0x87, &ntlm(2)))),
        ),
        (Client, message(7, bind(b"GSS-SPNEGO", &ntlm(3)))),
        (Server, message(7, result(0x61, 49, &[]))),
    ];
    let sealed: Messages = vec![
        (Client, message(1, bind(b"GSSAPI", &[4, 0]))),
        (Server, message(1, result(0x61, 0, &element(0x87, &[])))),
        (Client, wrapped(0, 0, &message(2, search()))),
        (Server, wrapped(1, 0, &found)),
        (Client, wrapped(2, 44, &[7; 30])),
        (Server, wrapped(3, 44, &[7])),
    ];
    let mut capture = Capture::new();
    for messages in [secured, plain, sealed] {
        for most in [1400, 100] {
            capture.connection(389, most, &messages);
        }
    }
    capture.datagram(389, &found);
    capture.compare(&COLUMNS);
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

#[test]
fn header_fields_of_http_2_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    // RFC 7541 appendices C.4.1, C.4.2 and C.6.1, and a field that is not indexed.
    let request = hex("828684418cf1e3c2e5f23a6ba0ab90f4ff");
    let second = hex("828684be5886a8eb10649cbf 5084ae63 0f 01 00");
    let response = hex(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f\
         0b97c8e9ae82ae43d3",
    );
    let text = [vec![0x88, 0x0f, 0x10, 10], b"text/plain".to_vec()].concat();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let messages: Messages = vec![
        (Client, [preface, frame(4, 0, 0, &[])].concat()),
        (Server, [frame(4, 0, 0, &[]), frame(4, 1, 0, &[])].concat()),
        (Client, frame(1, 5, 1, &request)),
        (
            Server,
            [frame(1, 4, 1, &response), frame(0, 1, 1, b"none")].concat(),
        ),
        (
            Client,
            frame(1, 0x25, 3, &[&[0, 0, 0, 0, 9][..], &second[..12]].concat()),
        ),
        (Server, frame(1, 4, 3, &text)),
        (Server, frame(0, 0, 3, b"one")),
        (
            Server,
            frame(0, 9, 3, &[&[2][..], b"two", &[0, 0]].concat()),
        ),
        (
            Client,
            [frame(1, 1, 5, &[0x82, 0x86]), frame(9, 4, 5, &[0x84])].concat(),
        ),
        (Server, frame(1, 5, 5, &[0x8d])),
    ];
    let mut capture = Capture::new();
    capture.connection(80, 1400, &messages);
    capture.compare(&COLUMNS);
}

#[test]
fn ways_through_translators_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let message = |kind: &str, attributes: &str| {
        let attributes = hex(attributes);
        let header = hex(&format!("{kind} {:04x} 2112a442", attributes.len()));
        [&header[..], &[7; 12], &attributes].concat()
    };
    let request = message("0001", "");
    let framed = [&(request.len() as u16).to_be_bytes(), &request[..]].concat();
    let channel = hex("4001 0005 6162636465");
    let padded = [&channel[..], &[0; 3]].concat();
    for port in [3_478, 50_000] {
        let said: Messages = vec![
            (Client, [request.clone(), request.clone()].concat()),
            (Server, message("0101", "0020 0008 0001 e1ba 5e12a443")),
            (Client, padded.clone()),
            (Client, message("0113", "0009 0008 00000425 41420000")),
        ];
        capture.connection(port, 1400, &said);
        capture.connection(port, 1400, &[(Client, framed.clone())]);
    }
    let between = |capture: &mut Capture, payload: &[u8]| {
        let header = hex("c351 c352 0000 0000");
        let mut bytes = [&header[..], payload].concat();
        let len = (bytes.len() as u16).to_be_bytes();
        bytes[4..6].copy_from_slice(&len);
        capture.add(17, Client, &bytes);
    };
    // What looks like a channel is one between ends that speak STUN.
    for payload in [
        &channel,
        &request,
        &channel,
        &padded,
        &hex("4001 0009 6162"),
    ] {
        between(&mut capture, payload);
    }
    let unmapped = format!("0001 0014 0002 0050 {}", "20".repeat(16));
    for (kind, attributes) in [
        ("0101", &unmapped[..]),
        ("0101", "0014 0004 61620000"),
        ("002f", ""),
    ] {
        capture.datagram(50_001, &message(kind, attributes));
    }
    let old = |kind: u16| [&kind.to_be_bytes()[..], &[0, 0], &[9; 16]].concat();
    for kind in [
        0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0003, 0x0115, 0x0116, 0x0200,
    ] {
        capture.datagram(50_002, &old(kind));
    }
    capture.compare(&COLUMNS);
}

#[test]
fn objects_of_snmp_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let bindings = |objects: &[&str]| {
        let bindings = objects
            .iter()
            .map(|object| element(0x30, &[element(6, &hex(object)), vec![5, 0]].concat()));
        element(0x30, &bindings.collect::<Vec<_>>().concat())
    };
    let unit = |tag: u8, objects: &[&str]| {
        let numbers = [element(2, &[1]), element(2, &[0]), element(2, &[0])].concat();
        element(tag, &[numbers, bindings(objects)].concat())
    };
    let security = [
        element(4, b""),
        element(2, &[0]),
        element(2, &[0]),
        element(4, b"me"),
        element(4, b""),
        element(4, b""),
    ];
    let third = |flags: u8, data: Vec<u8>| {
        let global = [
            element(2, &[1]),
            element(2, &[5, 0xdc]),
            element(4, &[flags]),
            element(2, &[3]),
        ];
        let parts = [
            element(2, &[3]),
            element(0x30, &global.concat()),
            element(4, &element(0x30, &security.concat())),
            data,
        ];
        element(0x30, &parts.concat())
    };
    let scoped = |unit: Vec<u8>| element(0x30, &[element(4, b""), element(4, b""), unit].concat());
    let mut capture = Capture::new();
    for message in [
        third(4, scoped(unit(0xa0, &[]))),
        third(0, scoped(unit(0xa8, &["2b060102010101"]))),
        third(7, element(4, &[9; 20])),
        element(
            0x30,
            &[
                element(2, &[1]),
                element(4, b"public"),
                unit(0xa1, &["01", "2b0601"]),
            ]
            .concat(),
        ),
    ] {
        capture.datagram(161, &message);
    }
    capture.compare(&COLUMNS);
}

#[test]
fn hellos_and_packets_in_packets_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let hello = |extensions: &str| {
        let list = hex(extensions);
        let len = (list.len() as u16).to_be_bytes();
        let body = [
            &[3, 3][..],
            &[7; 32],
            &hex("00 0002 1301 0100"),
            &len,
            &list,
        ]
        .concat();
        let len = (body.len() as u32).to_be_bytes();
        (Client, record(22, &[&[1], &len[1..], &body].concat()))
    };
    let mut capture = Capture::new();
    for extensions in [
        // Data before the server says anything; a name and an extension that say too much.
        "002b 0003 020304 002a 0000",
        "0000 0006 0004 00 0009 61 002b 0003 020304",
        "002b 0003 020304 0010 0009 0007",
    ] {
        let messages: Messages = vec![
            hello(extensions),
            (Client, record(20, &[1])),
            (Client, record(23, &[9; 30])),
        ];
        capture.connection(443, 1400, &messages);
    }
    let beats: Messages = vec![hello(""), (Client, record(24, &hex("01 4000 6162")))];
    capture.connection(443, 1400, &beats);
    // An authenticated echo; a packet of no version.
    let echo = "0800 0000 0001 0002 61626364";
    let authenticated = format!("01 04 0000 00000001 00000001 {} {echo}", "00".repeat(12));
    capture.add(51, Client, &hex(&authenticated));
    capture.add(4, Client, &[0x55; 20]);
    capture.compare(&COLUMNS);
}

#[test]
fn codes_of_icmpv6_are_named_as_by_tshark() {
    const ICMPV6: u8 = 58;
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    for kind in [1, 2, 3, 4, 138, 139, 140, 155, 157, 158, 200] {
        // Renumbering is not read any deeper.
        let first = if kind == 138 { 2 } else { 0 };
        for code in (first..=9).chain(0x80..=0x8b).chain([255]) {
            // Long enough for whatever Wireshark reads of them.
            let body = [&[kind, code, 0, 0][..], &[0; 400]].concat();
            capture.add(ICMPV6, Client, &body);
        }
    }
    // A router tells where to search: whole names, one that goes beyond its option, one that points.
    for names in [
        "01 61 02 6263 00 0000",
        "01 61 00 01 62 00 0000",
        "07 61626364 656667 ",
        "01 61 c0 00 0000 0000",
    ] {
        let advertised = hex("86000000 40000708 00000000 00000000");
        let option = hex(&format!("1f 02 0000 00000e10 {names}"));
        capture.add(ICMPV6, Client, &[advertised, option].concat());
    }
    // Options of EDNS: one that is whole, and one that says more than its record has.
    for option in [
        "000a 0008 0102030405060708",
        "000a 0010 0102030405060708",
        "000a",
    ] {
        let option = hex(option);
        let mut query =
            hex("1234 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 1000 00000000");
        query.extend((option.len() as u16).to_be_bytes());
        query.extend(option);
        capture.datagram(53, &query);
    }
    capture.compare(&[
        "_ws.col.Protocol",
        "_ws.col.Info",
        "icmpv6.code",
        "icmpv6.opt.dnssl",
        "dns.opt.code",
    ]);
}
