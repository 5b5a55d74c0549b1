//! Protocols that only the list tells of: what it says of messages made by hand, judged by tshark, and
//! that no bytes make their dissectors panic.

use std::path::{Path, PathBuf};
use std::process::Command;

use capture::packet::LinkType;
use capture_tests::oracle::{output, require};
use capture_tests::program::locate;

use crate::damaging::Damaging;
use crate::fixture::{file, pcap};

/// Frames of some hosts, whose TCP segments follow each other.
#[derive(Default)]
pub(crate) struct Talk {
    pub(crate) frames: Vec<Vec<u8>>,
    /// Bytes sent so far: host and port of both ends, and how many.
    sent: Vec<([u8; 2], [u16; 2], u32)>,
}

impl Talk {
    pub(crate) fn ethernet(&mut self, kind: u16, payload: &[u8]) {
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
        frame.extend(kind.to_be_bytes());
        frame.extend(payload);
        self.frames.push(frame);
    }

    pub(crate) fn ip(&mut self, protocol: u8, [from, to]: [u8; 2], payload: &[u8]) {
        let mut packet = vec![0x45, 0];
        packet.extend((20 + payload.len() as u16).to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
        packet.extend(payload);
        self.ethernet(0x0800, &packet);
    }

    pub(crate) fn udp(&mut self, ports: [u16; 2], payload: &[u8]) {
        self.udp_between([1, 2], ports, payload);
    }

    pub(crate) fn udp_between(&mut self, hosts: [u8; 2], [from, to]: [u16; 2], payload: &[u8]) {
        let mut datagram = [from.to_be_bytes(), to.to_be_bytes()].concat();
        datagram.extend((8 + payload.len() as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        self.ip(17, hosts, &datagram);
    }

    /// What was sent this way before; counted from 1000.
    fn count(&mut self, hosts: [u8; 2], ports: [u16; 2]) -> &mut u32 {
        let same = |(h, p, _): &([u8; 2], [u16; 2], u32)| (*h, *p) == (hosts, ports);
        let place = self.sent.iter().position(same).unwrap_or_else(|| {
            self.sent.push((hosts, ports, 1000));
            self.sent.len() - 1
        });
        &mut self.sent[place].2
    }

    /// A segment from the client, host 1, to the server.
    pub(crate) fn ask(&mut self, [client, server]: [u16; 2], payload: &[u8]) {
        self.segment([1, 2], [client, server], payload);
    }

    /// A segment back.
    pub(crate) fn answer(&mut self, [client, server]: [u16; 2], payload: &[u8]) {
        self.segment([2, 1], [server, client], payload);
    }

    fn segment(&mut self, hosts: [u8; 2], ports: [u16; 2], payload: &[u8]) {
        let [from, to] = ports;
        let ack = *self.count([hosts[1], hosts[0]], [to, from]);
        let seq = self.count(hosts, ports);
        let mut segment = [from.to_be_bytes(), to.to_be_bytes()].concat();
        segment.extend(seq.to_be_bytes());
        *seq += payload.len() as u32;
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
        segment.extend(payload);
        self.ip(6, hosts, &segment);
    }
}

/// An element of ASN.1.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&[tag, content.len() as u8][..], &content].concat()
}

fn management(talk: &mut Talk) {
    let name = element(6, &[&[0x2b, 6, 1, 2, 1, 1, 1, 0]]);
    let binding = element(0x30, &[&name, &[5, 0]]);
    let zero = [2, 1, 0];
    let message = |tag: u8| {
        let bindings = element(0x30, &[&binding, &binding]);
        let unit = element(tag, &[&zero, &zero, &zero, &bindings]);
        element(0x30, &[&[2, 1, 1], &element(4, &[b"public"]), &unit])
    };
    for tag in 0xa0..=0xa3 {
        talk.udp([5000, 161], &message(tag));
    }
    let address = element(0x40, &[&[10, 0, 0, 1]]);
    let bindings = element(0x30, &[&binding]);
    let trap = element(
        0xa4,
        &[&name, &address, &zero, &zero, &[0x43, 1, 1], &bindings],
    );
    let trap = element(0x30, &[&zero, &element(4, &[b"public"]), &trap]);
    talk.udp([5000, 162], &trap);
    let request = element(0x30, &[&[0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10]]);
    talk.udp([5001, 88], &element(0x6a, &[&request]));
    let names = element(0xa1, &[&element(0x30, &[&element(0x1b, &[b"x"])])]);
    let error = [
        &[0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 30][..],
        &element(0xa4, &[&element(0x18, &[b"20200101000000Z"])]),
        &[0xa5, 3, 2, 1, 0, 0xa6, 3, 2, 1, 25, 0xa9, 3, 0x1b, 1, b'R'],
        &element(0xaa, &[&element(0x30, &[&[0xa0, 3, 2, 1, 1], &names])]),
    ];
    let error = element(0x7e, &[&element(0x30, &error)]);
    let len = (error.len() as u32).to_be_bytes();
    talk.ask([5002, 88], &[&len, &error[..]].concat());
    let directory =
        |id: u8, tag: u8, parts: &[&[u8]]| element(0x30, &[&[2, 1, id], &element(tag, parts)]);
    let ports = [5003, 389];
    talk.ask(ports, &directory(1, 0x60, &[&[2, 1, 3, 4, 0, 0x80, 0]]));
    talk.answer(ports, &directory(1, 0x61, &[&[10, 1, 0, 4, 0, 4, 0]]));
    let base = element(4, &[b"dc=x"]);
    let options = [10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0];
    let filter = element(0x87, &[b"objectClass"]);
    talk.ask(
        ports,
        &directory(2, 0x63, &[&base, &options, &filter, &[0x30, 0]]),
    );
    let found = directory(2, 0x64, &[&base, &[0x30, 0]]);
    let done = directory(2, 0x65, &[&[10, 1, 0, 4, 0, 4, 0]]);
    talk.answer(ports, &[found, done].concat());
    talk.ask(ports, &directory(3, 0x42, &[]));
}

fn files(talk: &mut Talk) {
    let (request, back) = ([1, 2], [2, 1]);
    talk.udp([6000, 69], b"\0\x01file\0octet\0blksize\x001428\0");
    talk.udp_between(back, [7000, 6000], b"\0\x06blksize\x001428\0");
    talk.udp_between(request, [6000, 7000], &[0, 4, 0, 0]);
    talk.udp_between(
        back,
        [7000, 6000],
        &[&[0, 3, 0, 1][..], &[b'x'; 100]].concat(),
    );
    talk.udp([6001, 69], b"\0\x02f\0netascii\0");
    talk.udp_between(back, [7001, 6001], b"\0\x05\0\x01not here\0");
    let control = [4100, 21];
    talk.ask(control, b"PASV\r\n");
    talk.answer(control, b"227 Entering Passive Mode (10,0,0,2,200,1).\r\n");
    talk.ask(control, b"RETR a.txt\r\n");
    talk.answer([4101, 51201], b"line\r\n");
    talk.ask(control, b"PORT 10,0,0,1,200,2\r\n");
    talk.ask(control, b"LIST\r\n");
    talk.answer([51202, 20], b"\x01\x02\x03");
    let mut call = vec![0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2];
    for number in [100_000_u32, 2, 3, 0, 0, 0, 0, 100_003, 3, 17, 0] {
        call.extend(number.to_be_bytes());
    }
    talk.udp([6002, 111], &call);
    let reply = [0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0].into_iter();
    let reply: Vec<_> = reply.chain([0; 12]).chain([0, 0, 8, 1]).collect();
    talk.udp_between(back, [111, 6002], &reply);
}

fn voice(talk: &mut Talk) {
    let headers = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nTo: <sip:b@a.b>\r\n\
                   From: <sip:b@a.b>;tag=1\r\nCall-ID: 1@a\r\nCSeq: 1 REGISTER\r\n\
                   Contact: <sip:b@10.0.0.1>\r\nExpires: 60\r\nContent-Length: 0\r\n\r\n";
    let request = format!("REGISTER sip:a.b SIP/2.0\r\n{headers}");
    talk.udp([5060, 5060], request.as_bytes());
    talk.udp([7777, 7778], request.as_bytes());
    let response = format!("SIP/2.0 200 OK\r\n{headers}");
    talk.udp_between([2, 1], [5060, 5060], response.as_bytes());
    talk.ask([5062, 5060], request.as_bytes());
    talk.ask(
        [4002, 554],
        b"OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    );
    talk.answer([4002, 554], b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n");
    talk.answer([4002, 554], &[b'$', 0, 0, 4, 1, 2, 3, 4]);
    let report = [0x80, 201, 0, 1, 0, 0, 0, 7];
    talk.udp([7101, 7201], &[report, report].concat());
}

fn chat(talk: &mut Talk) {
    talk.ask([4000, 6667], b"NICK x\r\nUSER a b c :d\r\n");
    talk.answer([4000, 6667], b":srv NOTICE * :hi\r\n:srv 001 x :hello\r\n");
    talk.ask([4001, 119], b"GROUP a.b\r\n");
    talk.answer([4001, 119], b"211 1 2 3 a.b\r\n");
    talk.ask([4003, 79], b"root\r\n");
    talk.ask([4004, 43], b"example.com\r\n");
    talk.answer([4004, 43], b"found\r\n");
    talk.answer(
        [4040, 443],
        b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
    );
}

fn databases(talk: &mut Talk) {
    let ports = [4010, 5432];
    talk.ask(ports, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
    talk.answer(ports, b"N");
    talk.ask(ports, b"\0\0\0\x11\0\x03\0\0user\0me\0\0");
    talk.answer(ports, b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
    talk.ask(ports, b"Q\0\0\0\x0dselect 1\0");
    let ports = [4011, 3306];
    let message = |number: u8, parts: &[&[u8]]| {
        let body = parts.concat();
        let [a, b, c, _] = (body.len() as u32).to_le_bytes();
        [&[a, b, c, number][..], &body].concat()
    };
    let greeting = [
        &b"\x0a5.5.0\0\x01\0\0\0abcdefgh\0\xff\xf7\x08\x02\0\x0f\x80\x15"[..],
        &[0; 10],
        b"abcdefghijkl\0",
    ];
    talk.answer(ports, &message(0, &greeting));
    let login = [
        &[0x8d, 0xa6, 0x0f, 0, 0, 0, 0, 1, 8][..],
        &[0; 23],
        b"root\0\x14",
        &[b'x'; 20],
        b"db\0",
    ];
    talk.ask(ports, &message(1, &login));
    talk.answer(ports, &message(2, &[&[0, 0, 0, 2, 0, 0, 0]]));
    talk.ask(ports, &message(0, &[b"\x03select 1"]));
    talk.ask(ports, &message(0, &[&[1]]));
    let ports = [4012, 6379];
    talk.ask(ports, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    talk.answer(ports, b"$5\r\nvalue\r\n");
    talk.answer(ports, b"+OK\r\n:7\r\n-ERR no\r\n*1\r\n$1\r\na\r\n");
    talk.ask(ports, b"*1\r\n$4\r\nPI");
    talk.ask(ports, b"NG\r\n");
}

fn desktops(talk: &mut Talk) {
    let hello = b"RFB 003.008\n";
    let ports = [4030, 5900];
    talk.answer(ports, hello);
    talk.ask(ports, hello);
    talk.answer(ports, &[1, 1]);
    talk.ask(ports, &[1]);
    talk.answer(ports, &[0; 4]);
    talk.ask(ports, &[1]);
    talk.answer(ports, &[0; 24]);
    talk.ask(ports, &[3, 0, 0, 0, 0, 0, 0, 9, 0, 9]);
    // On another port the conversation begins anew behind its first message.
    talk.answer([4031, 6900], hello);
    talk.ask([4031, 6900], hello);
    talk.answer([4031, 6900], &[1, 7]);
    let request = [
        3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2, 0xc0, 1, 10,
    ];
    talk.ask([4020, 102], &request);
    talk.ask([4020, 102], &[3, 0, 0, 8, 2, 0xf0, 0x80, 9]);
    let cookie = b"Cookie: mstshash=me\r\n\x01\0\x08\0\x03\0\0\0";
    let len = cookie.len() as u8;
    let negotiate = [
        &[3, 0, 0, 11 + len, 6 + len, 0xe0, 0, 0, 0, 0, 0][..],
        cookie,
    ]
    .concat();
    talk.ask([4021, 3389], &negotiate);
    let response = [
        3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 0, 0, 0, 0,
    ];
    talk.answer([4021, 3389], &response);
}

fn routers(talk: &mut Talk) {
    let hosts = [1, 2];
    let mut hello = vec![2, 1, 0, 44, 1, 1, 1, 1];
    hello.extend([0; 16]);
    hello.extend([255, 255, 255, 0, 0, 10, 2, 1, 0, 0, 0, 40]);
    hello.extend([0; 8]);
    talk.ip(89, hosts, &hello);
    let alive = [
        0x21, 1, 100, 1, 0, 1, 0, 0, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    talk.ip(112, hosts, &alive);
    talk.ip(103, hosts, &[0x20, 0, 0, 0, 0, 1, 0, 2, 0, 105]);
    talk.ip(88, hosts, &[&[2, 5][..], &[0; 17], &[1]].concat());
    talk.ip(
        50,
        hosts,
        &[&[0, 0, 0x12, 0x34, 0, 0, 0, 1][..], &[7; 32]].concat(),
    );
    talk.udp(
        [49152, 3784],
        &[&[0x20, 0xc0, 3, 24][..], &[0; 20]].concat(),
    );
    // Nothing within.
    talk.ip(99, hosts, &[]);
    talk.ip(99, hosts, &[1]);
}

fn tunnels(talk: &mut Talk) {
    let cookies = [&[0; 8][..], &[1; 8]].concat();
    let keys = |rest: &[u8]| [&cookies[..], rest].concat();
    talk.udp(
        [500, 500],
        &keys(&[0, 0x20, 37, 8, 0, 0, 0, 5, 0, 0, 0, 28]),
    );
    talk.udp([500, 500], &keys(&[0, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 28]));
    talk.udp([4500, 4500], &[0xff]);
    talk.udp(
        [4500, 4500],
        &[&[0, 0, 0x12, 0x34, 0, 0, 0, 1][..], &[7; 30]].concat(),
    );
    let reset = [&[0x38][..], &[1; 8], &[0; 5]].concat();
    talk.udp([1194, 1194], &reset);
    talk.ask(
        [3333, 1194],
        &[&[0, reset.len() as u8][..], &reset].concat(),
    );
    let guard = |kind: u8, len: usize| {
        let mut message = vec![kind, 0, 0, 0, 0x78, 0x56, 0x34, 0x12, 1];
        message.resize(len, 0);
        message
    };
    for (kind, len) in [(1, 148), (2, 92), (3, 64), (4, 32), (4, 96)] {
        talk.udp([8000, 51820], &guard(kind, len));
    }
    let inner = [&[0x60, 0, 0, 0, 0, 0, 59, 64][..], &[0; 32]].concat();
    talk.udp([3002, 3544], &inner);
    let call = [
        &[0, 16, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 5, 0, 0][..],
        &[0; 4],
    ]
    .concat();
    talk.ask([3003, 1723], &call);
    let mut plain = vec![
        0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    plain.extend([0x30, 0x39, 0x27, 0x0f, 0, 12, 0, 0, 1, 2, 3, 4]);
    talk.ethernet(0x894f, &[&[0, 2, 2, 1, 0, 0, 1, 0][..], &plain].concat());
    talk.ethernet(0x8926, &[&[0, 0, 0, 0, 8, 0][..], &plain].concat());
    talk.ethernet(
        0x88e5,
        &[&[0, 0, 0, 0, 0, 1, 8, 0][..], &plain, &[7; 16]].concat(),
    );
    talk.ethernet(0x88e5, &[&[0x0c, 0, 0, 0, 0, 1][..], &[9; 40]].concat());
    talk.ethernet(0x8899, &[0x23, 2, 3, 4]);
    talk.ethernet(0x8899, &[0x55, 2, 3, 4]);
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &plain].concat();
    let mut air = vec![0x88, 1, 0, 0];
    air.extend([2; 18]);
    air.extend([0x10, 0, 0, 0]);
    let air = [&[0, 0, 0x82, 0][..], &air, &snap].concat();
    talk.ip(47, [1, 2], &air);
}

fn links(talk: &mut Talk) {
    let session = |number: u16, body: &[u8]| {
        let len = (body.len() as u16 + 2).to_be_bytes();
        [&[0x11, 0, 0, 1], &len[..], &number.to_be_bytes(), body].concat()
    };
    let pap = [1, 1, 0, 10, 2, b'm', b'e', 2, b'o', b'k'];
    let chap = [1, 1, 0, 12, 4, 1, 2, 3, 4, b's', b'r', b'v'];
    for (number, body) in [
        (0xc021, &[9, 1, 0, 8, 1, 2, 3, 4][..]),
        (0x8021, &[1, 1, 0, 4]),
        (0x8057, &[2, 1, 0, 4]),
        (0xc023, &pap),
        (0xc223, &chap),
    ] {
        talk.ethernet(0x8864, &session(number, body));
    }
    // UDP-Lite, also shorter than its header.
    let lite = [0x10, 0, 0x10, 1, 0, 0, 0, 0, 9];
    for len in [4, 5, 6, 7, 8, 9] {
        talk.ip(136, [1, 2], &lite[..len]);
    }
    talk.udp([3000, 7], b"hello");
    talk.udp([19, 3000], b"abc");
    let find = [
        &[2, 1, 0, 0, 20, 0, 0, 0, 0, 0, 0, 5, 0, 2][..],
        b"en",
        &[0; 10],
    ]
    .concat();
    talk.udp([3001, 427], &find);
    let peer = b"\x13BitTorrent protocol";
    talk.ask([3010, 3011], &[&peer[..], &[0; 48]].concat());
    let have = [0, 0, 0, 5, 4, 0, 0, 0, 7, 0, 0, 0, 1, 2];
    talk.ask([3010, 3011], &have);
    let greeting = [4, 0, 0, 8, 0, 0, 0, 1];
    talk.ask([3012, 6653], &[greeting, greeting].concat());
    talk.ask([3013, 6000], b"hetinlabtcp");
}

/// What runs in no tunnel, and on Ethernet alone.
fn plain() -> Talk {
    let mut talk = Talk::default();
    management(&mut talk);
    files(&mut talk);
    voice(&mut talk);
    chat(&mut talk);
    databases(&mut talk);
    desktops(&mut talk);
    routers(&mut talk);
    talk
}

fn frames() -> Vec<Vec<u8>> {
    let mut talk = plain();
    tunnels(&mut talk);
    links(&mut talk);
    talk.frames
}

#[test]
fn the_list_says_of_each_of_them_what_tshark_says() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let timed: Vec<_> = frames()
        .into_iter()
        .zip(1..)
        .map(|(frame, at)| (at * 1000, frame))
        .collect();
    let path = file(folder.path(), "listed.pcap", &pcap(&timed, 0));
    let theirs = output(Command::new("tshark").args(["-n", "-r"]).arg(&path)).unwrap();
    let mut command = Command::new(locate().unwrap());
    let ours = output(command.args(["read", "-n", "-r"]).arg(&path)).unwrap();
    let lines = theirs.lines().zip(ours.lines());
    let different: Vec<_> = lines.filter(|(theirs, ours)| theirs != ours).collect();
    assert!(different.is_empty(), "{different:#?}");
    assert_eq!(theirs.lines().count(), ours.lines().count());
}

/// A plain conversation as a file, with times that take all digits, and how many frames it has.
fn plain_file(folder: &Path) -> (PathBuf, usize) {
    let frames = plain().frames.into_iter().zip(1..);
    let timed: Vec<_> = frames.map(|(frame, at)| (at * 1_234_567, frame)).collect();
    (file(folder, "plain.pcap", &pcap(&timed, 0)), timed.len())
}

#[test]
fn columns_that_are_chosen_show_what_tsharks_show() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, frames) = plain_file(folder.path());
    let program = locate().unwrap();
    for columns in [
        r#""No.","%m","T","%t","S","%s","D","%d","p","%p","L","%L","i","%i""#,
        r#""d","%d","s","%s","hs","%hs","hd","%hd","ns","%ns","nd","%nd","uhs","%uhs","us","%us""#,
        r#""R","%Rt","d","%Tt","dd","%Gt","Y","%Yut","D","%YDOYut","A","%Aut""#,
        r#""S","%S","D","%D","q","%q",id,%Cus:ip.id,proto,%Cus:ip.proto:0:R,number,%Cus:ip.proto:0:U"#,
        r#""last","%Cus:ip.addr:-1:R","2","%Cus:ip.addr:2:R","3","%Cus:ip.addr:3","all","%Cus:ip.addr:0:R""#,
        r#""B","%B","f","%f","R","%Cus:tcp.flags:0:R","U","%Cus:tcp.flags:0:U","rns","%rns","rnd","%rnd""#,
        r#""port","%Cus:tcp.port || udp.port:1:U","syn","%Cus:tcp.flags.syn:0:R","0","%Cus:tcp.flags.syn:0:U""#,
        r#""tcp","%Cus:tcp:0:R","<&>","%Cus:tcp.payload:0:R","type","%Cus:eth.type:0:R","t","%Cus:frame.time_epoch""#,
    ] {
        for form in ["text", "tabs", "psml"] {
            let option = format!("gui.column.format:{columns}");
            let printed = |mut command: Command| {
                command.args(["-n", "-o", &option, "-T", form, "-r"]);
                let text = output(command.arg(&path)).unwrap();
                // Up to here, XML says who wrote it.
                let start = text.find("<structure>").unwrap_or_default();
                text[start..].to_owned()
            };
            let mut ours = Command::new(&program);
            ours.arg("read");
            let (theirs, ours) = (printed(Command::new("tshark")), printed(ours));
            assert!(theirs.lines().count() >= frames, "{columns}");
            let lines = theirs.lines().zip(ours.lines());
            let different: Vec<_> = lines.filter(|(theirs, ours)| theirs != ours).collect();
            assert!(different.is_empty(), "{columns} {form}: {different:#?}");
            assert_eq!(theirs.lines().count(), ours.lines().count());
        }
    }
}

#[test]
fn chosen_columns_are_fields_by_their_titles() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, frames) = plain_file(folder.path());
    let program = locate().unwrap();
    let columns = r#"gui.column.format:"My Title","%L","my title","%B","T","%f","T","%p","T","%Cus:tcp.flags","Info","%i","From","%rhs""#;
    for options in [
        &["occurrence=a"][..],
        &["occurrence=f"],
        &["occurrence=l"],
        &["quote=d", "aggregator=;", "header=y"],
    ] {
        for filter in ["", "frame.number > 2"] {
            let printed = |mut command: Command| {
                command.args(["-n", "-o", columns, "-Y", filter, "-T", "fields"]);
                for title in ["My Title", "my title", "T", "Info", "From"] {
                    command.arg("-e").arg(format!("_ws.col.{title}"));
                }
                command.args(["-e", "ip.src"]);
                for option in options {
                    command.args(["-E", option]);
                }
                output(command.arg("-r").arg(&path)).unwrap()
            };
            let mut ours = Command::new(&program);
            ours.arg("read");
            let (theirs, ours) = (printed(Command::new("tshark")), printed(ours));
            assert!(theirs.lines().count() + 2 >= frames, "{theirs}");
            assert_eq!(ours, theirs, "{options:?} {filter}");
        }
    }
}

#[test]
fn no_bytes_of_them_make_dissectors_panic() {
    let frames = frames();
    let mut damaging = Damaging::new();
    for _ in 1..60_000 {
        let mut data = frames[damaging.below(frames.len())].clone();
        damaging.damage(&mut data, 42);
        let links = [LinkType::ETHERNET, LinkType::NFLOG, LinkType::IPOIB];
        let link = links[damaging.below(40) / 38];
        damaging.dissect(link, &data);
    }
}
