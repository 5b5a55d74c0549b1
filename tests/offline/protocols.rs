//! Dissectors: what they say of frames made by hand, judged by tshark, and that no bytes make them panic
//! or run away.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use capture::packet::{LinkType, Packet, PacketMeta, Timestamp};
use capture::read::{Columns, Frames, Tree, Wanted};
use capture_tests::oracle::{output, require};
use capture_tests::program::locate;

use crate::damaging::alone;
use crate::fixture::{connections, file, pcap};

const ETHERNET: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

/// A datagram without a checksum.
const UDP: [u8; 12] = [0x30, 0x39, 0x27, 0x0f, 0, 12, 0, 0, 1, 2, 3, 4];

/// Frames of all protocols below the applications, by hand from their specifications.
fn frames() -> Vec<Vec<u8>> {
    [arp(), internet(), control(), internet6(), tunnels()].concat()
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&ETHERNET, &kind.to_be_bytes()[..], payload].concat()
}

/// A packet to put into others.
fn plain() -> Vec<u8> {
    ipv4(17, 0, 64, &[], &UDP)
}

fn arp() -> Vec<Vec<u8>> {
    let arp = |code: u8, sender: u8, target_mac: u8, target: u8| {
        let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, code, 2, 0, 0, 0, 0, 1];
        bytes.extend([192, 0, 2, sender].map(|byte| if sender == 0 { 0 } else { byte }));
        bytes.extend([target_mac; 6]);
        bytes.extend([192, 0, 2, target]);
        ethernet(0x0806, &bytes)
    };
    vec![
        arp(1, 1, 0, 2),
        arp(2, 2, 7, 1),
        arp(1, 1, 0, 1),
        arp(1, 1, 0xff, 1),
        arp(1, 0, 0, 9),
        arp(3, 1, 7, 1),
    ]
}

fn internet() -> Vec<Vec<u8>> {
    let mut frames = vec![ethernet(0x0800, &plain())];
    // Options: record route, time stamps, router alert, a source route, nothing and the end.
    let options: [&[u8]; 4] = [
        &[7, 11, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0],
        &[68, 12, 13, 0x11, 10, 0, 0, 1, 0, 0, 0, 9],
        &[148, 4, 0, 0],
        &[1, 131, 7, 4, 10, 0, 0, 3, 0, 0, 0, 0],
    ];
    for some in options {
        frames.push(ethernet(0x0800, &ipv4(17, 0, 64, some, &UDP)));
    }
    // Fragments, the last one first.
    let datagram: Vec<u8> = [&[0x30, 0x39, 0x27, 0x0f, 0, 32, 0, 0][..], &[0x5a; 24]].concat();
    frames.push(ethernet(0x0800, &ipv4(17, 2, 64, &[], &datagram[16..])));
    frames.push(ethernet(
        0x0800,
        &ipv4(17, 0x2000, 64, &[], &datagram[..16]),
    ));
    // Time to live, congestion, total length 0.
    frames.push(ethernet(0x0800, &ipv4(17, 0x4000, 3, &[], &UDP)));
    frames
}

fn control() -> Vec<Vec<u8>> {
    let plain = plain();
    let mut frames = Vec::new();
    // ICMP: echo, its reply, an error with the packet that it is about, the others.
    let icmp = |message: &[u8]| ethernet(0x0800, &ipv4(1, 0, 64, &[], &with_checksum(message, 2)));
    frames.push(icmp(&[8, 0, 0, 0, 0, 1, 0, 2, 9, 9]));
    frames.push(icmp(&[0, 0, 0, 0, 0, 1, 0, 2, 9, 9]));
    frames.push(icmp(&[&[3, 3, 0, 0, 0, 0, 0, 0][..], &plain].concat()));
    frames.push(icmp(&[&[3, 4, 0, 0, 0, 0, 5, 0xdc][..], &plain].concat()));
    frames.push(icmp(
        &[&[11, 0, 0, 0, 0, 0, 0, 0][..], &plain[..28]].concat(),
    ));
    frames.push(icmp(&[&[5, 1, 0, 0, 192, 0, 2, 254][..], &plain].concat()));
    frames.push(icmp(&[&[12, 0, 0, 0, 20, 0, 0, 0][..], &plain].concat()));
    frames.push(icmp(&[&[4, 0, 0, 0, 0, 0, 0, 0][..], &plain].concat()));
    frames.push(icmp(&[
        13, 0, 0, 0, 0, 1, 0, 1, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    ]));
    frames.push(icmp(&[17, 0, 0, 0, 0, 1, 0, 1, 255, 255, 255, 0]));
    // IGMP of all versions.
    let igmp = |message: &[u8]| {
        ethernet(
            0x0800,
            &ipv4(2, 0, 1, &[148, 4, 0, 0], &with_checksum(message, 2)),
        )
    };
    frames.push(igmp(&[0x11, 100, 0, 0, 0, 0, 0, 0]));
    frames.push(igmp(&[0x16, 0, 0, 0, 239, 1, 2, 3]));
    frames.push(igmp(&[0x17, 0, 0, 0, 239, 1, 2, 3]));
    frames.push(igmp(&[0x12, 0, 0, 0, 239, 1, 2, 3]));
    frames.push(igmp(&[
        0x11, 100, 0, 0, 239, 1, 2, 3, 0x0a, 125, 0, 1, 10, 0, 0, 1,
    ]));
    frames.push(igmp(&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 239, 1, 2, 3]));
    frames
}

fn internet6() -> Vec<Vec<u8>> {
    let udp6 = with_udp6(&[1, 2, 3, 4]);
    let mut frames = Vec::new();
    // IPv6 with its headers.
    frames.push(ethernet(0x86dd, &ipv6(17, &udp6)));
    let hop = [&[17, 0, 5, 2, 0, 0, 1, 0][..], &udp6].concat();
    frames.push(ethernet(0x86dd, &ipv6(0, &hop)));
    let destination = [&[17, 0, 1, 4, 0, 0, 0, 0][..], &udp6].concat();
    frames.push(ethernet(0x86dd, &ipv6(60, &destination)));
    let first = [&[17, 0, 0, 1, 0, 0, 0, 9][..], &udp6[..8]].concat();
    let last = [&[17, 0, 0, 8, 0, 0, 0, 9][..], &udp6[8..]].concat();
    frames.push(ethernet(0x86dd, &ipv6(44, &first)));
    frames.push(ethernet(0x86dd, &ipv6(44, &last)));
    // ICMPv6: echo, an error, neighbors.
    let icmp6 = |message: &[u8]| ethernet(0x86dd, &ipv6(58, &with_checksum6(message)));
    frames.push(icmp6(&[128, 0, 0, 0, 0, 1, 0, 2, 9, 9]));
    frames.push(icmp6(&[129, 0, 0, 0, 0, 1, 0, 2, 9, 9]));
    frames.push(icmp6(
        &[&[1, 4, 0, 0, 0, 0, 0, 0][..], &ipv6(17, &udp6)].concat(),
    ));
    frames.push(icmp6(
        &[&[2, 0, 0, 0, 0, 0, 5, 0][..], &ipv6(17, &udp6)].concat(),
    ));
    let (from, to) = addresses6();
    frames.push(icmp6(
        &[
            &[135, 0, 0, 0, 0, 0, 0, 0][..],
            &to,
            &[1, 1, 2, 0, 0, 0, 0, 1],
        ]
        .concat(),
    ));
    frames.push(icmp6(
        &[
            &[136, 0, 0, 0, 0x60, 0, 0, 0][..],
            &from,
            &[2, 1, 2, 0, 0, 0, 0, 2],
        ]
        .concat(),
    ));
    frames.push(icmp6(&[133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1]));
    let prefix = [
        &[3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0][..],
        &from,
    ]
    .concat();
    let router = [
        134, 0, 0, 0, 64, 0x40, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0, 5, 0xdc,
    ];
    frames.push(icmp6(&[&router[..], &prefix].concat()));
    frames
}

fn tunnels() -> Vec<Vec<u8>> {
    let udp6 = with_udp6(&[1, 2, 3, 4]);
    let plain = plain();
    let inner = ethernet(0x0800, &plain);
    // Tags, labels, tunnels.
    let mut frames = vec![[&ETHERNET, &[0x81, 0, 0x60, 5, 8, 0][..], &plain].concat()];
    frames.push(
        [
            &ETHERNET,
            &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5, 8, 0][..],
            &plain,
        ]
        .concat(),
    );
    frames.push(ethernet(
        0x8847,
        &[&[0, 1, 0, 64, 0, 2, 1, 64][..], &plain].concat(),
    ));
    frames.push(ethernet(
        0x0800,
        &ipv4(47, 0, 64, &[], &[&[0, 0, 8, 0][..], &plain].concat()),
    ));
    let keyed = [&[0x30, 0, 0x65, 0x58, 0, 0, 0, 1, 0, 0, 0, 2][..], &inner].concat();
    frames.push(ethernet(0x0800, &ipv4(47, 0, 64, &[], &keyed)));
    frames.push(ethernet(0x0800, &ipv4(4, 0, 64, &[], &plain)));
    frames.push(ethernet(0x0800, &ipv4(41, 0, 64, &[], &ipv6(17, &udp6))));
    let over_udp = |port: u16, header: &[u8], payload: &[u8]| {
        let len = (8 + header.len() + payload.len()) as u16;
        let head = [0x30, 0x39, port.to_be_bytes()[0], port.to_be_bytes()[1]];
        let head = [&head[..], &len.to_be_bytes(), &[0, 0], header, payload].concat();
        ethernet(0x0800, &ipv4(17, 0, 64, &[], &head))
    };
    frames.push(over_udp(4789, &[8, 0, 0, 0, 0, 0, 42, 0], &inner));
    frames.push(over_udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 42, 0], &inner));
    frames.push(over_udp(
        2152,
        &[0x30, 0xff, 0, plain.len() as u8, 0, 0, 0, 1],
        &plain,
    ));
    let session = [
        &[0x11, 0, 0, 1, 0, plain.len() as u8 + 2, 0, 0x21][..],
        &plain,
    ]
    .concat();
    frames.push(ethernet(0x8864, &session));
    frames.push(ethernet(
        0x8863,
        &[0x11, 9, 0, 0, 0, 8, 1, 1, 0, 0, 1, 3, 0, 0],
    ));
    // An unknown type, and padding behind a packet.
    frames.push(ethernet(0x88b5, &[1, 2, 3, 4, 5]));
    frames.push([inner.clone(), vec![0; 60 - inner.len()]].concat());
    frames.push([inner.clone(), vec![0; 60 - inner.len()], vec![1, 2, 3, 4]].concat());
    frames
}

/// An IPv4 packet; `fragment` are flags and offset as in the header.
fn ipv4(protocol: u8, fragment: u16, ttl: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let total = (header_len + payload.len()) as u16;
    let [high, low] = fragment.to_be_bytes();
    let mut packet = vec![0x40 | (header_len / 4) as u8, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0x12, 0x34, high, low, ttl, protocol, 0, 0]);
    packet.extend([192, 0, 2, 1, 198, 51, 100, 1]);
    packet.extend(options);
    packet = with_checksum(&packet, 10);
    packet.extend(payload);
    packet
}

fn addresses6() -> ([u8; 16], [u8; 16]) {
    let mut from = [
        0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1,
    ];
    from[8] = 2;
    let mut to = from;
    to[15] = 2;
    (from, to)
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to) = addresses6();
    let len = (payload.len() as u16).to_be_bytes();
    [
        &[0x60, 0, 0, 0, len[0], len[1], next, 64][..],
        &from,
        &to,
        payload,
    ]
    .concat()
}

fn with_udp6(payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len() as u8;
    [&[0x30, 0x39, 0x27, 0x0f, 0, len, 0x12, 0x34][..], payload].concat()
}

/// RFC 1071, the slow way.
fn with_checksum(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    bytes[at..at + 2].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    bytes
}

fn with_checksum6(message: &[u8]) -> Vec<u8> {
    let (from, to) = addresses6();
    let pseudo = [&from[..], &to, &[0, 0, 0, message.len() as u8, 0, 0, 0, 58]].concat();
    let whole = with_checksum(&[&pseudo, message].concat(), pseudo.len() + 2);
    whole[pseudo.len()..].to_vec()
}

/// What both programs print of a file with these options, from the first line on.
fn printed(path: &Path, options: &[&str]) -> (String, String) {
    let theirs = output(Command::new("tshark").args(options).arg("-r").arg(path)).unwrap();
    let mut command = Command::new(locate().unwrap());
    let ours = output(command.arg("read").args(options).arg("-r").arg(path)).unwrap();
    (theirs, ours)
}

/// Lines that differ, each with the frame that it belongs to.
fn differences(theirs: &str, ours: &str) -> Vec<String> {
    let mut frame = "";
    let mut found = Vec::new();
    let end = |text: &str| text.lines().count();
    if end(theirs) != end(ours) {
        found.push(format!("{} lines and not {}", end(ours), end(theirs)));
    }
    for (theirs, ours) in theirs.lines().zip(ours.lines()) {
        if theirs.starts_with("Frame ") {
            frame = theirs.split(':').next().unwrap_or("");
        }
        if theirs != ours {
            found.push(format!("{frame}\n    tshark  {theirs}\n    capture {ours}"));
        }
    }
    found
}

#[test]
fn each_protocol_is_shown_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut frames: Vec<_> = frames().into_iter().zip(1..).collect();
    let timed: Vec<_> = frames
        .drain(..)
        .map(|(frame, at)| (at * 1000, frame))
        .collect();
    let path = file(folder.path(), "protocols.pcap", &pcap(&timed, 0));
    for options in [
        &["-n"][..],
        &["-n", "-2"],
        &["-n", "-V"],
        &[
            "-n",
            "-V",
            "-2",
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
        ],
    ] {
        let (theirs, ours) = printed(&path, options);
        let found = differences(&theirs, &ours);
        assert!(found.is_empty(), "{options:?}\n{}", found.join("\n"));
    }
}

/// A generator of numbers that is the same everywhere (`SplitMix64`, Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound as u64) as usize
    }
}

#[test]
fn no_bytes_make_dissectors_panic_or_run_away() {
    /// The most fields of a frame of at most 200 bytes.
    const MOST_FIELDS: usize = 20_000;
    const LINKS: [u16; 14] = [0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 228, 229, 276];
    let mut frames = frames();
    frames.extend(connections(6).into_iter().map(|(_, frame)| frame));
    let mut random = Random(3);
    let mut dissecting = Frames::default();
    let mut tree = Tree::new(Arc::new(Wanted::all()));
    let mut columns = Columns::default();
    for number in 1..40_000_u64 {
        let mut data = frames[random.below(frames.len())].clone();
        for _ in 0..random.below(5) {
            let at = random.below(data.len());
            data[at] = [0, 1, 0x7f, 0xff, random.below(256) as u8][random.below(5)];
        }
        if random.below(3) == 0 {
            data.truncate(random.below(data.len()) + 1);
        }
        let link = if random.below(3) > 0 {
            LinkType::ETHERNET
        } else {
            LinkType(LINKS[random.below(LINKS.len())])
        };
        let meta = PacketMeta {
            link,
            ts: Timestamp(number * 1000),
            wire_len: (data.len() + random.below(2) * random.below(100)) as u32,
            ..PacketMeta::UNKNOWN
        };
        let frame = alone(number, Packet { meta, data: &data });
        dissecting.dissect(&frame, &mut tree, &mut columns);
        assert!(tree.nodes().len() < MOST_FIELDS, "{data:02x?}");
        let mut text = String::new();
        for node in tree.nodes() {
            capture::read::render::value(node, &tree, &data, &mut text);
        }
    }
}
