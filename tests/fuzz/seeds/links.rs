//! Link layers, and what lies between them and IP.

use super::{Build, Capture, Tcp};

#[expect(clippy::too_many_lines, reason = "a table of link types")]
pub(super) fn captures() -> Vec<Capture> {
    let mut all = vec![
        ethernet("arp", arp()),
        ethernet("vlan", vlan()),
        ethernet("mpls", mpls()),
        ethernet("pppoe", pppoe()),
        ethernet("llc", llc()),
    ];
    let ip = packet();
    let wireless = [
        &[
            0x88, 1, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0,
        ][..],
        &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
        &ip,
    ]
    .concat();
    let with = |header: &[u8]| [header, &ip].concat();
    let others: [(&'static str, u16, Vec<Vec<u8>>); 20] = [
        ("null", 0, vec![with(&[2, 0, 0, 0]), with(&[0, 0, 0, 2])]),
        (
            "ppp",
            9,
            vec![
                with(&[0xff, 3, 0, 0x21]),
                with(&[0x21]),
                vec![0xff, 3, 0xc0, 0x21, 1, 7, 0, 12, 1, 4, 5, 0xdc, 2, 6],
            ],
        ),
        ("raw", 101, vec![ip.clone(), six()]),
        ("raw-bsd", 12, vec![ip.clone()]),
        ("ppp-hdlc", 50, vec![with(&[0xff, 3, 0, 0x21])]),
        (
            "ppp-ether",
            51,
            vec![with(&[0x11, 0, 0, 5, 0, 42, 0, 0x21])],
        ),
        ("c-hdlc", 104, vec![with(&[0x0f, 0, 8, 0])]),
        ("wireless", 105, vec![wireless.clone()]),
        ("frame-relay", 107, vec![with(&[0x18, 0x41, 3, 0xcc])]),
        ("loop", 108, vec![with(&[0, 0, 0, 2])]),
        (
            "enc",
            109,
            vec![with(&[2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])],
        ),
        (
            "cooked",
            113,
            vec![
                with(&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]),
                [
                    &[
                        0, 0, 3, 0x22, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 5, 8, 0,
                    ][..],
                    &ip,
                ]
                .concat(),
            ],
        ),
        (
            "radiotap",
            127,
            vec![[&[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..], &wireless].concat()],
        ),
        ("ppp-with-dir", 204, vec![with(&[1, 0xff, 3, 0, 0x21])]),
        ("ipv4", 228, vec![ip.clone()]),
        ("ipv6", 229, vec![six()]),
        (
            "nflog",
            239,
            vec![
                [
                    &[
                        2,
                        0,
                        0,
                        0,
                        8,
                        0,
                        2,
                        0,
                        b'i',
                        b'n',
                        0,
                        0,
                        4 + ip.len() as u8,
                        0,
                        9,
                        0,
                    ][..],
                    &ip,
                ]
                .concat(),
            ],
        ),
        (
            "cooked2",
            276,
            vec![with(&[
                8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0,
            ])],
        ),
        (
            "broadcom",
            281,
            vec![with(&[
                2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x20, 0, 0, 1, 8, 0,
            ])],
        ),
        (
            "marvell",
            285,
            vec![with(&[
                2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0xda, 0xda, 0, 0, 0xc0, 8, 0, 5, 8, 0,
            ])],
        ),
    ];
    all.extend(others.map(|(name, link, frames)| Capture { name, link, frames }));
    all
}

fn ethernet(name: &'static str, frames: Vec<Vec<u8>>) -> Capture {
    Capture {
        name,
        link: 1,
        frames,
    }
}

fn packet() -> Vec<u8> {
    let tcp = Tcp {
        ports: [50_000, 22],
        seq: 1,
        ack: 2,
        flags: 0x18,
        window: 1000,
        ..Tcp::default()
    };
    Build::tcp(&tcp, b"payload").ip4(6, 1, 2).0
}

fn six() -> Vec<u8> {
    Build::udp(1000, 53, b"").ip6(17, 1, 2).0
}

fn arp() -> Vec<Vec<u8>> {
    [1, 2]
        .map(|operation| {
            let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, operation];
            bytes.extend([2, 0, 0, 0, 0, 1, 10, 0, 0, 1]);
            bytes.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
            // The padding of a short frame, and a frame check sequence.
            bytes.extend([0; 18 + 4]);
            Build::of(&bytes).eth(0x0806).0
        })
        .to_vec()
}

fn vlan() -> Vec<Vec<u8>> {
    let ip = Build::of(&packet());
    vec![
        ip.clone().behind(&[0x20, 5, 8, 0]).eth(0x8100).0,
        ip.clone()
            .behind(&[0, 6, 8, 0])
            .behind(&[0, 5, 0x81, 0])
            .eth(0x88a8)
            .0,
        ip.behind(&[0, 7, 8, 0])
            .behind(&[0, 6, 0x81, 0])
            .behind(&[0, 5, 0x81, 0])
            .eth(0x9100)
            .0,
        Build::of(&six()).behind(&[0, 0, 0x86, 0xdd]).eth(0x8100).0,
    ]
}

fn mpls() -> Vec<Vec<u8>> {
    vec![
        Build::of(&packet())
            .behind(&[0, 0x10, 0, 64, 0, 0x20, 1, 64])
            .eth(0x8847)
            .0,
        Build::of(&six()).behind(&[0, 0, 0x21, 64]).eth(0x8848).0,
        Build::of(&packet())
            .eth(0x0800)
            .behind(&[0, 0, 0, 0])
            .behind(&[0, 0x30, 1, 64])
            .eth(0x8847)
            .0,
    ]
}

fn pppoe() -> Vec<Vec<u8>> {
    let mut discovery = vec![0x11, 9, 0, 0, 0, 24];
    discovery.extend(b"\x01\x01\x00\x00\x01\x03\x00\x04abcd\x01\x02\x00\x03srv\x02\x03\x00\x01x");
    let ip = packet();
    let len = (ip.len() + 2) as u8;
    vec![
        Build::of(&discovery).eth(0x8863).0,
        Build::of(&ip)
            .behind(&[0x11, 0, 0, 5, 0, len, 0, 0x21])
            .eth(0x8864)
            .0,
        Build::of(&[1, 7, 0, 4])
            .behind(&[0x11, 0, 0, 5, 0, 6, 0xc0, 0x21])
            .eth(0x8864)
            .0,
    ]
}

fn llc() -> Vec<Vec<u8>> {
    let spanning = [&[0x42, 0x42, 3, 0, 0, 2, 2, 0x3c][..], &[0; 32]].concat();
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &packet()].concat();
    let cisco = [&[0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0][..], &[2, 0xb4, 0, 0]].concat();
    [spanning, snap, cisco, vec![0xfe, 0xfe, 3, 0x83]]
        .map(|bytes| Build::of(&bytes).eth(bytes.len() as u16).0)
        .to_vec()
}
