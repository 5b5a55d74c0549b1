//! Links beside Ethernet, and what devices tell their neighbors: what the list says of frames made by hand,
//! judged by tshark, and that no bytes make their dissectors panic.

use std::process::Command;

use capture::packet::LinkType;
use capture_tests::oracle::{output, require};
use capture_tests::program::locate;

use crate::damaging::Damaging;
use crate::fixture::file;
use crate::listed::Talk;

/// An IPv4 packet with a datagram in it.
fn packet() -> Vec<u8> {
    let mut packet = vec![
        0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    packet.extend([0x30, 0x39, 0x27, 0x0f, 0, 12, 0, 0, 1, 2, 3, 4]);
    packet
}

/// What LLC and SNAP announce by an `EtherType`.
fn snap(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[0xaa, 0xaa, 3, 0, 0, 0], &kind.to_be_bytes()[..], payload].concat()
}

/// A frame of IEEE 802.11 behind its two bytes of control: addresses that end in 1, 2 and 3.
fn air(control: [u8; 2], sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = control.to_vec();
    frame.extend([0, 0]);
    for last in 1..=3 {
        frame.extend([2, 0, 0, 0, 0, last]);
    }
    frame.extend(sequence.to_le_bytes());
    frame.extend(body);
    frame
}

/// A key frame of a handshake with these flags and so many bytes of data.
fn key(flags: u16, data_len: u16) -> Vec<u8> {
    let mut frame = vec![1, 3];
    frame.extend((95 + data_len).to_be_bytes());
    frame.push(2);
    frame.extend(flags.to_be_bytes());
    frame.extend([0, 16]);
    frame.extend([7; 72]);
    frame.extend([0; 16]);
    frame.extend(data_len.to_be_bytes());
    if let Some(rest) = data_len.checked_sub(2) {
        frame.extend([0xdd, rest as u8]);
        frame.extend(vec![0; rest.into()]);
    }
    frame
}

fn radio() -> Vec<Vec<u8>> {
    let fixed = [0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 1, 0];
    let named = |name: &[u8]| [&[0, name.len() as u8][..], name, &[1, 1, 0x82]].concat();
    let beacon = [&fixed[..], &named(b"home")].concat();
    let request = [&[1, 0, 10, 0][..], &named(b"home")].concat();
    let mut frames = vec![
        air([0x80, 0], 0x10, &beacon),
        air([0x50, 8], 0x20, &[&fixed[..], &named(b"")].concat()),
        air([0x40, 0], 0x30, &named(&[1, 2])),
        air([0, 0], 0x40, &request),
        air([0x10, 0], 0x50, &[1, 0, 0, 0, 1, 0xc0, 1, 1, 0x82]),
        air([0xb0, 0], 0x60, &[0, 0, 1, 0, 0, 0]),
        air([0xc0, 0], 0x70, &[3, 0]),
        air([0x08, 1], 0x80, &snap(0x0800, &packet())),
        air([0x08, 2], 0x90, &snap(0x0800, &packet())),
        air(
            [0x88, 1],
            0xa0,
            &[&[0, 0][..], &snap(0x0800, &packet())].concat(),
        ),
        air([0x08, 0x41], 0xb0, &[1; 24]),
        air([0x48, 0x11], 0xc0, &[]),
        air([0xc8, 0x11], 0xd0, &[0, 0]),
        vec![0xd4, 0, 0, 0, 2, 0, 0, 0, 0, 1],
        vec![0xc4, 0, 0, 0, 2, 0, 0, 0, 0, 1],
        [&[0xb4, 0, 0, 0][..], &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]].concat(),
        [
            &[0xa4, 0, 1, 0xc0][..],
            &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2],
        ]
        .concat(),
    ];
    for (flags, len) in [(0x008a, 0), (0x010a, 22), (0x13ca, 56), (0x030a, 0)] {
        frames.push(air([0x08, 2], 0xe0, &snap(0x888e, &key(flags, len))));
    }
    frames.push(air([0x08, 1], 0xf0, &snap(0x888e, &[1, 1, 0, 0])));
    frames
}

fn isis() -> Vec<Vec<u8>> {
    let header = |kind: u8, len: u8| vec![0x83, len, 1, 0, kind, 1, 0, 0];
    let id = [0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0, 7];
    let hello = [&[1][..], &id[..6], &[0, 30, 0, 27, 64], &id[..7]].concat();
    let state = [&[0, 27, 4, 0xb0][..], &id, &[0, 0, 0, 9, 0, 0, 3]].concat();
    let all = [&[0, 33][..], &id[..7], &[0; 8], &[0xff; 8]].concat();
    let some = [&[0, 17][..], &id[..7]].concat();
    vec![
        [header(15, 27), hello].concat(),
        [header(20, 27), state].concat(),
        [header(24, 33), all].concat(),
        [header(27, 17), some].concat(),
    ]
}

fn serial() -> Vec<Vec<u8>> {
    let cisco = |kind: u16, body: &[u8]| [&[0x0f, 0], &kind.to_be_bytes()[..], body].concat();
    let alive = [0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4, 0xff, 0xff];
    let device = [2, 180, 0, 0, 0, 1, 0, 6, b'R', b'1', 0, 3, 0, 6, b'e', b'0'];
    let mut frames = vec![
        cisco(0x8035, &alive),
        cisco(0x0800, &packet()),
        cisco(0x2000, &device),
        cisco(0x1234, &[1, 2, 3]),
    ];
    frames.extend(isis().iter().map(|body| cisco(0xfefe, body)));
    frames
}

fn relayed() -> Vec<Vec<u8>> {
    let frame = |body: &[u8]| [&[0x18, 0x41, 3][..], body].concat();
    let mut frames = vec![
        frame(&[&[0xcc][..], &packet()].concat()),
        [&[0x18, 0x41, 8, 0][..], &packet()].concat(),
        vec![0, 1, 0x10, 0x20, 1, 2],
    ];
    frames.extend(isis().iter().map(|body| frame(body)));
    frames
}

/// Frames by their link types.
fn links() -> Vec<(u16, Vec<Vec<u8>>)> {
    let behind = |header: &[u8], frame: &[u8]| [header, frame].concat();
    let checked = |frame: &Vec<u8>| {
        let flags = [0, 0, 9, 0, 2, 0, 0, 0, 0x10];
        [&flags[..], frame, &[1, 2, 3, 4]].concat()
    };
    let packet = packet();
    let mut ring = vec![0x10, 0x40, 2, 0, 0, 0, 0, 2, 0x82, 0, 0, 0, 0, 1, 2, 0];
    ring.extend(snap(0x0800, &packet));
    let mut fiber = vec![0x50, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    fiber.extend(snap(0x0800, &packet));
    let mut zone = vec![1, 2, 0, 0, 0, 0, 0, 32];
    zone.extend([0; 16]);
    let mut socket = vec![3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    socket.extend([0, 1, 0, 0, 0, 2, 0, 0, 1, 0, 2, 0, 44, 0, 0, 0]);
    socket.extend([0; 28]);
    socket.extend([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let person = [0x41, 0x88, 7, 0x34, 0x12, 0xff, 0xff, 2, 0, 1, 2, 3];
    vec![
        (
            127,
            radio()
                .iter()
                .map(|frame| behind(&[0, 0, 8, 0, 0, 0, 0, 0], frame))
                .collect(),
        ),
        (127, radio().iter().map(checked).collect()),
        (105, radio()),
        (
            192,
            radio()
                .iter()
                .map(|frame| behind(&[0, 0, 8, 0, 105, 0, 0, 0], frame))
                .collect(),
        ),
        (104, serial()),
        (50, serial()),
        (107, relayed()),
        (6, vec![ring]),
        (10, vec![fiber]),
        (226, vec![behind(&zone, &packet)]),
        (271, vec![socket]),
        (230, vec![person.to_vec()]),
    ]
}

/// What is told over Ethernet, IP, UDP and TCP.
fn talk() -> Vec<Vec<u8>> {
    let mut talk = Talk::default();
    bridges(&mut talk);
    routers(&mut talk);
    secured(&mut talk);
    transports(&mut talk);
    calls(&mut talk);
    streams(&mut talk);
    talk.frames
}

fn bridges(talk: &mut Talk) {
    let tlv = |kind: u8, value: &[u8]| [&[kind << 1, value.len() as u8][..], value].concat();
    let device = tlv(1, &[4, 2, 0, 0, 0, 0, 9]);
    let port = tlv(2, &[5, b'e', b't', b'h', b'0']);
    let all = [
        &device[..],
        &port,
        &tlv(3, &[0, 120]),
        &tlv(5, b"sw1"),
        &[0, 0],
    ]
    .concat();
    talk.ethernet(0x88cc, &all);
    talk.ethernet(0x88cc, &port);
    for kind in [0x00, 0x01, 0x08, 0x09, 0x0b, 0x0c, 0x0d] {
        let mut message = vec![kind, 2, 0, 64];
        message.extend([0; 60]);
        talk.ethernet(0x88f7, &message);
    }
    for (flags, len) in [(0x008a, 0), (0x010a, 22), (0x13ca, 56), (0x030a, 0)] {
        talk.ethernet(0x888e, &key(flags, len));
    }
    let mut behind = vec![0, 0, 0, 7];
    behind.extend([2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 9, 8, 0]);
    talk.ethernet(0x88e7, &[behind, packet()].concat());
}

fn routers(talk: &mut Talk) {
    let mut babel = vec![42, 2, 0, 16, 4, 6, 0, 0, 0, 1, 1, 0x90];
    babel.extend([5, 6, 0, 0, 0, 96, 1, 0x2c]);
    talk.udp([6696, 6696], &babel);
    let mut echo = vec![0, 1, 0, 0, 1, 2, 0, 0];
    echo.extend([0; 24]);
    talk.udp([3503, 3503], &echo);
    let mut sample = vec![0, 0, 0, 5, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 3];
    sample.extend([0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    talk.udp([6343, 6343], &sample);
    talk.udp([5351, 5351], &[0, 0]);
    talk.udp([5351, 5350], &[0, 128, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1]);
    let mut hello = vec![0, 1, 0, 30, 10, 0, 0, 1, 0, 0];
    hello.extend([
        1, 0, 0, 20, 0, 0, 0, 1, 4, 0, 0, 4, 0, 15, 0, 0, 4, 1, 0, 4, 10, 0, 0, 1,
    ]);
    talk.udp([646, 646], &hello);
}

/// Records of DTLS: a message in two pieces, what is encrypted.
fn secured(talk: &mut Talk) {
    let record = |kind: u8, number: u8, body: &[u8]| {
        let front = [kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number];
        [&front[..], &(body.len() as u16).to_be_bytes(), body].concat()
    };
    let done = [14, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0];
    let piece = |from: u8, len: u8| {
        let mut piece = vec![12, 0, 0, 20, 0, 2, 0, 0, from, 0, 0, len];
        piece.extend(vec![0; len.into()]);
        piece
    };
    talk.udp([4000, 4433], &record(22, 0, &piece(0, 12)));
    talk.udp(
        [4000, 4433],
        &[record(22, 1, &piece(12, 8)), record(22, 2, &done)].concat(),
    );
    talk.udp(
        [4433, 4000],
        &[record(20, 0, &[1]), record(22, 1, &[0xee; 40])].concat(),
    );
    talk.udp([4433, 4000], &record(21, 2, &[2, 40]));
    talk.udp([4433, 4000], &record(23, 3, &[0xee; 40]));
}

/// SCTP: data, an acknowledgement. DCCP: an opening and what follows. PGM.
fn transports(talk: &mut Talk) {
    let chunk = |kind: u8, body: &[u8]| {
        let len = (4 + body.len() as u16).to_be_bytes();
        [&[kind, 3], &len[..], body].concat()
    };
    let common = [0x1b, 0x59, 0x1b, 0x5a, 0, 0, 0, 1, 0, 0, 0, 0];
    let data = chunk(0, &[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    talk.ip(132, [1, 2], &[&common[..], &data].concat());
    talk.ip(
        132,
        [1, 2],
        &[&common[..], &data[..4], &[0, 0, 1, 1], &data[8..]].concat(),
    );
    let acknowledged = chunk(3, &[0, 0, 1, 1, 0, 0, 0x80, 0, 0, 0, 0, 0]);
    let back = [0x1b, 0x5a, 0x1b, 0x59, 0, 0, 0, 1, 0, 0, 0, 0];
    talk.ip(132, [2, 1], &[&back[..], &acknowledged].concat());
    let front = |ends: [u8; 4], words: u8, kind: u8, number: u8| {
        let mut front = ends.to_vec();
        front.extend([words, 0, 0, 0, kind << 1 | 1, 0, 0, 0, 0, 0, 0, number]);
        front
    };
    let (there, again) = ([0x10, 0, 0x20, 0], [0x20, 0, 0x10, 0]);
    talk.ip(33, [1, 2], &[front(there, 5, 0, 100), vec![0; 4]].concat());
    let taken = [
        &front(again, 7, 1, 50)[..],
        &[0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0],
    ]
    .concat();
    talk.ip(33, [2, 1], &taken);
    talk.ip(
        33,
        [1, 2],
        &[&front(there, 6, 3, 101)[..], &[0, 0, 0, 0, 0, 0, 0, 50]].concat(),
    );
    let mut spm = vec![
        0x10, 0, 0x20, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 7,
    ];
    spm.extend([0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0, 10, 0, 0, 1]);
    talk.ip(113, [1, 2], &spm);
}

/// Calls of an interface: a binding, its answer, a call and its answer.
fn calls(talk: &mut Talk) {
    let message = |kind: u8, body: &[u8]| {
        let len = (16 + body.len() as u16).to_le_bytes();
        let front = [
            5, 0, kind, 3, 0x10, 0, 0, 0, len[0], len[1], 0, 0, 2, 0, 0, 0,
        ];
        [&front[..], body].concat()
    };
    let services = 0x367a_bb81_9844_35f1_ad32_98f0_3800_1003_u128.to_be_bytes();
    let written = 0x8a88_5d04_1ceb_11c9_9fe8_0800_2b10_4860_u128.to_be_bytes();
    let little = |mut uuid: [u8; 16]| {
        uuid[..4].reverse();
        uuid[4..6].reverse();
        uuid[6..8].reverse();
        uuid
    };
    let mut bind = vec![0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
    bind.extend(little(services));
    bind.extend([2, 0, 0, 0]);
    bind.extend(little(written));
    bind.extend([2, 0, 0, 0]);
    talk.ask([1600, 1601], &message(11, &bind));
    let mut bound = vec![
        0xb8, 0x10, 0xb8, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ];
    bound.extend(little(written));
    bound.extend([2, 0, 0, 0]);
    talk.answer([1600, 1601], &message(12, &bound));
    let unlock = [&[20, 0, 0, 0, 0, 0, 3, 0][..], &[1; 20]].concat();
    talk.ask([1600, 1601], &message(0, &unlock));
    talk.answer(
        [1600, 1601],
        &message(2, &[&[24, 0, 0, 0, 0, 0, 0, 0][..], &[0; 24]].concat()),
    );
}

/// Routes from a cache, a shell, a connection through a proxy; a call that announces where its sound goes,
/// and the sound.
fn streams(talk: &mut Talk) {
    let serial = [1, 0, 0, 9, 0, 0, 0, 12, 0, 0, 0, 7];
    talk.ask([1700, 323], &serial);
    talk.ask([1702, 514], b"1021\0");
    talk.ask([1702, 514], b"me\0you\0date\0");
    talk.ask([1703, 1080], &[5, 1, 0]);
    talk.answer([1703, 1080], &[5, 0]);
    talk.ask([1703, 1080], &[5, 1, 0, 1, 192, 0, 2, 9, 0, 9]);
    talk.answer([1703, 1080], &[5, 0, 0, 1, 192, 0, 2, 9, 0, 9]);
    let invite = b"INVITE sip:b@c SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
        Content-Type: application/sdp\r\nContent-Length: 86\r\n\r\n\
        v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
        m=audio 30000 RTP/AVP 8\r\n";
    talk.udp([5060, 5060], invite);
    let accepted = b"SIP/2.0 200 OK\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
        Content-Type: application/sdp\r\nContent-Length: 86\r\n\r\n\
        v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
        m=audio 40000 RTP/AVP 8\r\n";
    talk.udp_between([2, 1], [5060, 5060], accepted);
    let mut sound = vec![0x80, 0x88, 0, 7, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef];
    sound.extend([0xd5; 20]);
    talk.udp([30000, 40000], &sound);
}

/// A capture of a link type.
fn written(link: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = [0xa1b2_c3d4_u32.to_le_bytes(), [2, 0, 4, 0]].concat();
    bytes.extend([0; 8]);
    bytes.extend(65535_u32.to_le_bytes());
    bytes.extend(u32::from(link).to_le_bytes());
    for (frame, at) in frames.iter().zip(1_u32..) {
        let len = (frame.len() as u32).to_le_bytes();
        bytes.extend([at.to_le_bytes(), [0; 4], len, len].concat());
        bytes.extend(frame);
    }
    bytes
}

/// Lines of the list of a capture that tshark writes differently.
fn judged(link: u16, frames: &[Vec<u8>]) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "judged.pcap", &written(link, frames));
    // Asked for fields, Wireshark looks at packets more closely than for its plain list.
    let columns = ["Source", "Destination", "Protocol", "Info"];
    let mut asked = vec!["-n".to_owned(), "-T".to_owned(), "fields".to_owned()];
    for column in columns {
        asked.extend(["-e".to_owned(), format!("_ws.col.{column}")]);
    }
    asked.push("-r".to_owned());
    let theirs = output(Command::new("tshark").args(&asked).arg(&path)).unwrap();
    let mut command = Command::new(locate().unwrap());
    let ours = output(command.arg("read").args(&asked).arg(&path)).unwrap();
    assert_eq!(theirs.lines().count(), ours.lines().count(), "link {link}");
    let lines = theirs.lines().zip(ours.lines());
    let different = lines.filter(|(theirs, ours)| theirs != ours);
    different
        .map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()))
        .collect()
}

#[test]
fn the_list_of_links_beside_ethernet_is_tsharks() {
    if !require(&["tshark"]) {
        return;
    }
    for (link, frames) in links() {
        let different = judged(link, &frames);
        assert!(different.is_empty(), "link {link}: {different:#?}");
    }
}

#[test]
fn the_list_of_what_neighbors_tell_is_tsharks() {
    if !require(&["tshark"]) {
        return;
    }
    let different = judged(1, &talk());
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn no_bytes_of_links_make_dissectors_panic() {
    let mut frames: Vec<_> = talk().into_iter().map(|frame| (1, frame)).collect();
    for (link, more) in links() {
        frames.extend(more.into_iter().map(|frame| (link, frame)));
    }
    // Link types that have no frames of their own here.
    for link in [119, 137, 163, 178, 195, 281, 282, 284, 285] {
        frames.extend(radio().into_iter().map(|frame| (link, frame)));
    }
    let mut damaging = Damaging::new();
    for _ in 1..60_000 {
        let (link, mut data) = frames[damaging.below(frames.len())].clone();
        damaging.damage(&mut data, 0);
        damaging.dissect(LinkType(link), &data);
    }
}
