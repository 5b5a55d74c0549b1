//! What UDP carries: DNS, mDNS, DHCP, NTP, QUIC.

use super::{Build, Capture};

pub(super) fn captures() -> Vec<Capture> {
    let both = |port: u16, question: &[u8], answer: &[u8]| {
        vec![
            Build::udp(40_000, port, question)
                .ip4(17, 1, 2)
                .eth(0x0800)
                .0,
            Build::udp(port, 40_000, answer).ip4(17, 2, 1).eth(0x0800).0,
        ]
    };
    let ethernet = |name, frames| Capture {
        name,
        link: 1,
        frames,
    };
    vec![
        ethernet("dns", both(53, &dns_query(), &dns_response())),
        ethernet("dns-records", both(53, &dns_records(), &dns_loop())),
        ethernet(
            "mdns",
            vec![
                Build::udp(5353, 5353, &mdns())
                    .ip4(17, 1, 251)
                    .eth(0x0800)
                    .0,
                Build::udp(5355, 5355, &dns_query())
                    .ip6(17, 1, 3)
                    .eth(0x86dd)
                    .0,
            ],
        ),
        ethernet(
            "dhcp",
            vec![
                Build::udp(68, 67, &dhcp(1)).ip4(17, 0, 255).eth(0x0800).0,
                Build::udp(67, 68, &dhcp(2)).ip4(17, 2, 255).eth(0x0800).0,
            ],
        ),
        ethernet("ntp", both(123, &ntp(0xe3), &ntp(0x24))),
        ethernet("quic", quic()),
    ]
}

fn question(name: &[&str], kind: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

pub(super) fn dns_query() -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    bytes.extend(question(&["www", "example", "com"], 1));
    // EDNS with a cookie.
    bytes.extend([0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 12, 0, 10, 0, 8]);
    bytes.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    bytes
}

/// A resource record whose name points at the question.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xc0, 12];
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 1, 44]);
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

pub(super) fn dns_response() -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 1, 0, 0];
    bytes.extend(question(&["www", "example", "com"], 1));
    bytes.extend(record(5, b"\x01w\xc0\x10"));
    bytes.extend(record(1, &[93, 184, 216, 34]));
    bytes.extend(record(
        28,
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
    ));
    bytes.extend(record(2, b"\x02ns\xc0\x10"));
    bytes
}

fn dns_records() -> Vec<u8> {
    let soa = b"\x02ns\xc0\x0c\x01h\xc0\x0c\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05";
    let all: [(u16, &[u8]); 12] = [
        (6, soa),
        (12, b"\x01p\xc0\x0c"),
        (15, b"\x00\x0a\x02mx\xc0\x0c"),
        (16, b"\x05hello\x03abc"),
        (33, b"\x00\x01\x00\x02\x01\xbb\x01s\xc0\x0c"),
        (35, b"\x00\x01\x00\x02\x01u\x03sip\x00\x00"),
        (43, b"\x12\x34\x08\x02abcd"),
        (
            46,
            b"\x00\x01\x08\x02\x00\x00\x01\x2c\x00\x00\x00\x02\x00\x00\x00\x01\x12\x34\xc0\x0csig",
        ),
        (47, b"\x01n\xc0\x0c\x00\x06\x40\x00\x00\x00\x00\x03"),
        (48, b"\x01\x01\x03\x08key"),
        (
            65,
            b"\x00\x01\x00\x00\x01\x00\x03\x02h2\x00\x04\x00\x04\x0a\x00\x00\x01",
        ),
        (257, b"\x00\x05issueca"),
    ];
    let mut bytes = vec![0, 9, 0x85, 0, 0, 1, 0, all.len() as u8, 0, 0, 0, 0];
    bytes.extend(question(&["a"], 255));
    for (kind, data) in all {
        bytes.extend(record(kind, data));
    }
    bytes
}

/// A name that points at itself, and one that points at that.
fn dns_loop() -> Vec<u8> {
    let mut bytes = vec![0, 9, 0x81, 0x83, 0, 1, 0, 1, 0, 0, 0, 0];
    bytes.extend(b"\x01a\xc0\x0c\x00\x01\x00\x01");
    bytes.extend(b"\x01b\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x14");
    bytes
}

fn mdns() -> Vec<u8> {
    let mut bytes = vec![0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 1];
    bytes.extend(question(&["_http", "_tcp", "local"], 12));
    let last = bytes.len() - 2;
    bytes[last] = 0x80;
    bytes.extend(record(12, b"\x04here\xc0\x0c"));
    bytes.extend(record(16, b"\x03a=b\x00"));
    bytes
}

fn dhcp(op: u8) -> Vec<u8> {
    let mut bytes = vec![op, 1, 6, 0, 0, 0, 0, 7, 0, 1, 0x80, 0];
    bytes.extend([0; 16]);
    bytes.extend([0, 0x1b, 0x21, 0, 0, 2]);
    bytes.extend([0; 10 + 64 + 128]);
    bytes.extend([0x63, 0x82, 0x53, 0x63]);
    bytes.extend([53, 1, op]);
    bytes.extend([61, 7, 1, 0, 0x1b, 0x21, 0, 0, 2]);
    bytes.extend(b"\x0c\x04host\x37\x04\x01\x03\x06\x0f");
    bytes.extend([
        1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 0, 2, 51, 4, 0, 0, 0xe, 0x10,
    ]);
    bytes.extend([82, 8, 1, 6, 0, 1, 2, 3, 4, 5]);
    bytes.extend(b"\x51\x09\x01\x00\x00host.a\x7d\x07\x00\x00\x01\x02\x02\x01\x00");
    bytes.extend([121, 6, 8, 10, 10, 0, 0, 2, 0, 0, 255]);
    bytes
}

fn ntp(first: u8) -> Vec<u8> {
    let mut bytes = vec![first, 2, 6, 0xec];
    bytes.extend([0, 0, 1, 0, 0, 0, 0, 9]);
    bytes.extend(b"GPS\0");
    for _ in 0..4 {
        bytes.extend([0xe8, 1, 2, 3, 4, 5, 6, 7]);
    }
    bytes
}

fn quic() -> Vec<Vec<u8>> {
    let mut initial = vec![
        0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 9, 9, 0, 0x40, 40,
    ];
    initial.extend([0x5a; 40]);
    initial.extend([0xe1, 0, 0, 0, 1, 4, 1, 2, 3, 4, 0, 20]);
    initial.extend([0x5b; 20]);
    let versions = [
        0x80, 0, 0, 0, 0, 4, 9, 9, 9, 9, 4, 1, 2, 3, 4, 0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf,
    ];
    let mut retry = vec![0xf0, 0, 0, 0, 1, 0, 4, 7, 7, 7, 7];
    retry.extend([0x33; 30]);
    let mut short = vec![0x41, 9, 9, 9, 9];
    short.extend([0x77; 24]);
    [&initial[..], &versions, &retry, &short]
        .iter()
        .enumerate()
        .map(|(number, payload)| {
            let build = if number % 2 == 0 {
                Build::udp(40_000, 443, payload).ip4(17, 1, 2)
            } else {
                Build::udp(443, 40_000, payload).ip4(17, 2, 1)
            };
            build.eth(0x0800).0
        })
        .collect()
}
