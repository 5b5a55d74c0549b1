//! TCP connections, and what they carry: HTTP, TLS, SSH, DNS, Multipath TCP.

use super::datagrams::{dns_query, dns_response};
use super::{Build, Capture, Tcp};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A connection that is written down segment by segment.
struct Connection {
    port: u16,
    sent: [u32; 2],
    frames: Vec<Vec<u8>>,
}

const SYN_OPTIONS: &[u8] = &[
    2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 7,
];

impl Connection {
    fn open(port: u16) -> Self {
        let mut connection = Self {
            port,
            sent: [1000, 9000],
            frames: Vec::new(),
        };
        connection.say(0, SYN, b"", SYN_OPTIONS);
        connection.say(1, SYN | ACK, b"", SYN_OPTIONS);
        connection.say(0, ACK, b"", b"");
        connection
    }

    fn say(&mut self, from: usize, flags: u8, payload: &[u8], options: &[u8]) {
        let seq = self.sent[from];
        self.say_at(from, flags, seq, payload, options);
        let spans =
            payload.len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.sent[from] += spans;
    }

    fn say_at(&mut self, from: usize, flags: u8, seq: u32, payload: &[u8], options: &[u8]) {
        let ports = [[50_000, self.port], [self.port, 50_000]][from];
        let tcp = Tcp {
            ports,
            seq,
            ack: if flags & ACK == 0 {
                0
            } else {
                self.sent[1 - from]
            },
            flags,
            window: 512,
            options: options.to_vec(),
        };
        let hosts = [[1, 2], [2, 1]][from];
        let frame = Build::tcp(&tcp, payload).ip4(6, hosts[0], hosts[1]);
        self.frames.push(frame.eth(0x0800).0);
    }

    fn close(&mut self) {
        self.say(0, FIN | ACK, b"", b"");
        self.say(1, FIN | ACK, b"", b"");
        self.say(0, ACK, b"", b"");
    }

    fn named(self, name: &'static str) -> Capture {
        Capture {
            name,
            link: 1,
            frames: self.frames,
        }
    }
}

pub(super) fn captures() -> Vec<Capture> {
    vec![
        http(),
        trouble(),
        http_chunked(),
        tls(),
        ssh(),
        dns_over_tcp(),
        multipath(),
        over_ipv6(),
    ]
}

fn http() -> Capture {
    let mut connection = Connection::open(80);
    connection.say(
        0,
        PSH | ACK,
        b"GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x\r\nCookie: a=1\r\n\r\n",
        b"",
    );
    connection.say(
        1,
        PSH | ACK,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10\r\n\r\n0123456789",
        b"",
    );
    connection.close();
    connection.named("http")
}

/// Repeats, gaps, selective acknowledgments, a window that closes, keep-alives, a reset.
fn trouble() -> Capture {
    let mut connection = Connection::open(5000);
    connection.say(0, ACK, &[b'a'; 40], b"");
    let seq = connection.sent[0];
    connection.say_at(0, ACK, seq + 40, &[b'c'; 40], b"");
    let sack = [
        1, 1, 5, 10, 0, 0, 4, 0x39, 0, 0, 4, 0x61, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,
    ];
    for _ in 0..3 {
        connection.say(1, ACK, b"", &sack);
    }
    connection.say_at(0, ACK, seq, &[b'b'; 40], b"");
    connection.say_at(0, ACK, seq, &[b'b'; 40], b"");
    connection.sent[0] = seq + 80;
    connection.say(1, ACK, b"", b"");
    let seq = connection.sent[0];
    connection.say_at(0, ACK, seq - 1, b"", b"");
    connection.say_at(1, RST | ACK, connection.sent[1], b"", b"");
    connection.named("trouble")
}

fn http_chunked() -> Capture {
    let mut connection = Connection::open(8080);
    connection.say(
        0,
        ACK,
        b"POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"",
    );
    connection.say(
        0,
        PSH | ACK,
        b"lo\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
        b"",
    );
    connection.say(1, ACK, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 30", b"");
    connection.say(1, PSH | ACK, b"4 Not Modified\r\nETag: \"x\"\r\n\r\n", b"");
    connection.close();
    connection.named("http-chunked")
}

/// A record, or a message of a handshake, of this type, behind its length.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes[0] = kind;
    bytes.extend(body);
    bytes
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn client_hello() -> Vec<u8> {
    let extensions = [
        extension(0, b"\x00\x0e\x00\x00\x0bexample.com"),
        extension(10, &[0, 4, 0, 0x1d, 0, 0x17]),
        extension(13, &[0, 4, 4, 3, 8, 4]),
        extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
        extension(43, &[4, 3, 4, 3, 3]),
        extension(51, &[0, 8, 0, 0x1d, 0, 4, 1, 2, 3, 4]),
        extension(0x1a1a, &[0]),
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([0x11; 32]);
    body.extend([4, 9, 9, 9, 9]);
    body.extend([0, 6, 0x13, 1, 0xc0, 0x2f, 0, 0xff]);
    body.extend([1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    body
}

fn tls() -> Capture {
    let mut connection = Connection::open(443);
    let hello = record(22, &message(1, &client_hello()));
    let (first, rest) = hello.split_at(60);
    connection.say(0, ACK, first, b"");
    connection.say(0, PSH | ACK, rest, b"");
    let mut body = vec![3, 3];
    body.extend([0x22; 32]);
    body.extend([0, 0x13, 1, 0, 0, 6]);
    body.extend(extension(43, &[3, 4]));
    let certificate = message(11, b"\x00\x00\x08\x00\x00\x05\x30\x03\x02\x01\x05");
    let mut answer = record(
        22,
        &[message(2, &body), certificate, message(14, &[])].concat(),
    );
    answer.extend(record(20, &[1]));
    answer.extend(record(23, &[0x55; 24]));
    answer.extend(record(21, &[2, 40]));
    connection.say(1, PSH | ACK, &answer, b"");
    connection.close();
    connection.named("tls")
}

fn ssh() -> Capture {
    let mut connection = Connection::open(22);
    connection.say(1, PSH | ACK, b"SSH-2.0-OpenSSH_9.2\r\n", b"");
    connection.say(0, PSH | ACK, b"SSH-2.0-x comment\r\n", b"");
    let mut body = vec![6, 20];
    body.extend([7; 16]);
    for list in [
        "curve25519-sha256",
        "ssh-ed25519",
        "aes128-ctr",
        "aes128-ctr",
    ] {
        body.extend((list.len() as u32).to_be_bytes());
        body.extend(list.as_bytes());
    }
    body.extend([0; 24 + 5 + 6]);
    let mut packet = (body.len() as u32).to_be_bytes().to_vec();
    packet.extend(body);
    connection.say(0, PSH | ACK, &packet, b"");
    connection.say(
        1,
        PSH | ACK,
        &[0, 0, 0, 12, 10, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        b"",
    );
    connection.close();
    connection.named("ssh")
}

fn dns_over_tcp() -> Capture {
    let mut connection = Connection::open(53);
    for (from, message) in [(0, dns_query()), (1, dns_response())] {
        let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
        bytes.extend(message);
        let (first, rest) = bytes.split_at(1);
        connection.say(from, ACK, first, b"");
        connection.say(from, PSH | ACK, rest, b"");
    }
    connection.close();
    connection.named("dns-over-tcp")
}

/// Options of Multipath TCP (RFC 8684), TCP Fast Open, MD5, user timeout, and some that are damaged.
fn multipath() -> Capture {
    let mut connection = Connection::open(8000);
    let all: [&[u8]; 10] = [
        &[30, 12, 1, 0x81, 1, 2, 3, 4, 5, 6, 7, 8],
        &[
            30, 20, 0x20, 5, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 4, 0xab, 0xcd,
        ],
        &[30, 12, 0x10, 2, 1, 2, 3, 4, 5, 6, 7, 8],
        &[30, 16, 0x30, 3, 10, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8],
        &[30, 4, 0x40, 2, 30, 4, 0x51, 3],
        &[30, 12, 0x60, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        &[34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 28, 4, 0x80, 9],
        &[
            19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
        ],
        &[
            253, 4, 0xf9, 0x89, 14, 3, 1, 29, 4, 1, 1, 27, 8, 1, 2, 3, 4, 5,
        ],
        &[5, 40, 8, 1, 3, 0],
    ];
    for (number, options) in all.iter().enumerate() {
        connection.say(number % 2, ACK, b"data", options);
    }
    connection.close();
    connection.named("multipath")
}

fn over_ipv6() -> Capture {
    let mut frames = Vec::new();
    for (flags, payload) in [(SYN, &b""[..]), (PSH | ACK, b"GET / HTTP/1.0\r\n\r\n")] {
        let tcp = Tcp {
            ports: [50_001, 80],
            seq: 5,
            ack: 6,
            flags,
            window: 100,
            options: vec![],
        };
        frames.push(Build::tcp(&tcp, payload).ip6(6, 1, 2).eth(0x86dd).0);
    }
    Capture {
        name: "over-ipv6",
        link: 1,
        frames,
    }
}
