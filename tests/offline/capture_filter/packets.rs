//! Packets to filter: whatever the tests of the language look at, whole, cut short, and damaged.

use super::random::Random;

/// A packet: its bytes, and how long it was on the wire.
pub(super) struct Sample {
    pub(super) data: Vec<u8>,
    pub(super) wire_len: u32,
}

/// Link types that expressions are compiled for, by number, the first ones more often.
pub(super) const LINKS: [u16; 34] = [
    1, 1, 1, 1, 1, 1, 1, 1, 101, 101, 113, 276, 0, 9, 105, 127, 12, 228, 229, 108, 50, 51, 104,
    107, 119, 163, 192, 117, 123, 140, 6, 10, 122, 226,
];

/// A packet of a link type.
pub(super) fn sample(random: &mut Random, link: u16) -> Sample {
    let mut data = if random.one_in(20) {
        let len = random.below(120);
        random.bytes(len)
    } else {
        frame(random, link)
    };
    if random.one_in(4) {
        for _ in 0..=random.below(3) {
            if !data.is_empty() {
                let at = random.below(data.len().min(80));
                data[at] = match random.below(3) {
                    0 => 0,
                    1 => data[at] ^ 1 << random.below(8),
                    _ => random.next() as u8,
                };
            }
        }
    }
    let wire_len = data.len() as u32
        + if random.one_in(5) {
            random.below(1500) as u32
        } else {
            0
        };
    if random.one_in(3) {
        data.truncate(random.below(data.len() + 1));
    }
    Sample { data, wire_len }
}

fn frame(random: &mut Random, link: u16) -> Vec<u8> {
    let v6 = random.one_in(3);
    let ip = |random: &mut Random| ip_packet(random, v6);
    let kind: u16 = if v6 { 0x86dd } else { 0x0800 };
    match link {
        1 => ethernet(random, 2),
        101 | 12 => ip(random),
        228 => ip_packet(random, false),
        229 => ip_packet(random, true),
        113 => {
            let head = [0, random.below(5) as u8, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
            join(&[&head, &kind.to_be_bytes(), &ip(random)])
        }
        276 => {
            let head = [
                0,
                0,
                0,
                0,
                0,
                random.below(4) as u8,
                0,
                1,
                random.below(5) as u8,
                6,
                2,
                0,
                0,
                0,
                0,
                1,
                0,
                0,
            ];
            join(&[&kind.to_be_bytes(), &head, &ip(random)])
        }
        0 | 108 => {
            let family = random.of(&[&2_u32, &10, &24, &28, &30]);
            let family = if link == 0 {
                family.to_le_bytes()
            } else {
                family.to_be_bytes()
            };
            join(&[&family, &ip(random)])
        }
        9 | 50 => {
            let kind: u16 = random.of(&[&0x21, &0x57, &0x0281]).to_owned();
            join(&[&[0xff, 3], &kind.to_be_bytes(), &ip(random)])
        }
        105 => wlan(random),
        127 | 192 => {
            let flags = random.of(&[&0_u8, &1, &2, &3, &0x80]);
            let mut head = vec![0, 0, 18, 0, *flags, 0, 0, 0];
            if link == 192 {
                head[4] = 105;
            }
            head.extend(random.bytes(10));
            join(&[&head, &wlan(random)])
        }
        163 => {
            let head = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 16][..], &random.bytes(8)].concat();
            join(&[&head, &wlan(random)])
        }
        117 => {
            let mut head = random.bytes(64);
            head[..4].copy_from_slice(&[61, if v6 { 10 } else { 2 }, 1, 0]);
            head[4..20].copy_from_slice(b"em0\0\0\0\0\0\0\0\0\0\0\0\0\0");
            join(&[&head, &ip(random)])
        }
        _ => {
            let front = random.below(26);
            let front = random.bytes(front);
            join(&[&front, &ip(random)])
        }
    }
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const MACS: [[u8; 6]; 5] = [
    [2, 0, 0, 0, 0, 1],
    [2, 0, 0, 0, 0, 2],
    [0xff; 6],
    [1, 0, 0x5e, 0, 0, 1],
    [0x33, 0x33, 0, 0, 0, 1],
];

fn ethernet(random: &mut Random, depth: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(MACS[random.below(5)]);
    frame.extend(MACS[random.below(2)]);
    let mut kind = |kind: u16, rest: Vec<u8>| {
        frame.extend(kind.to_be_bytes());
        frame.extend(rest);
    };
    match random.below(14) {
        0..=2 => kind(0x0800, ip_packet(random, false)),
        3 | 4 => kind(0x86dd, ip_packet(random, true)),
        5 => {
            let tpid = random.of(&[&0x8100_u16, &0x88a8, &0x9100]);
            kind(*tpid, tagged(random, depth));
        }
        6 => kind(0x8847, mpls(random)),
        7 => {
            let session = [0, 7 * random.below(2) as u8];
            let v6 = random.one_in(2);
            let proto: [u8; 2] = if v6 { [0, 0x57] } else { [0, 0x21] };
            let rest = join(&[
                &[0x11, 0],
                &session,
                &[0, 60],
                &proto,
                &ip_packet(random, v6),
            ]);
            kind(0x8864, rest);
        }
        8 | 9 => kind(random.of(&[&0x0806, &0x8035]).to_owned(), arp(random)),
        10 => {
            let sap = random.of(&[
                &[0xfe_u8, 0xfe, 3],
                &[0x42, 0x42, 3],
                &[0xe0, 0xe0, 3],
                &[0xaa, 0xaa, 3],
                &[0xf0, 0xf0, 0x7f],
            ]);
            let len = random.below(40) + 20;
            let mut rest = sap.to_vec();
            rest.extend(random.of(&[
                &[0x83_u8, 0x1b, 1, 0, 15],
                &[0x81, 0, 0, 0, 20],
                &[0, 0, 0, 0x81, 0x37],
                &[8, 0, 7, 0x80, 0x9b],
            ]));
            rest.extend(random.bytes(len));
            kind(len as u16, rest);
        }
        11 => {
            let kind_of = random.of(&[
                &0x6003_u16,
                &0x8863,
                &0x6002,
                &0x6004,
                &0x809b,
                &0x80f3,
                &0x8137,
            ]);
            let len = random.below(60);
            kind(*kind_of, random.bytes(len));
        }
        12 if depth > 0 => kind(0x0800, geneve(random, depth)),
        _ => kind(0x0800, ip_packet(random, false)),
    }
    frame
}

fn tagged(random: &mut Random, depth: usize) -> Vec<u8> {
    let id = random.of(&[&0_u16, &5, &7, &100, &4095]);
    let tag = (*id | 0x6000).to_be_bytes();
    match random.below(4) {
        0 if depth > 0 => join(&[&tag, &[0x81, 0], &tagged(random, depth - 1)]),
        1 => join(&[&tag, &[0x86, 0xdd], &ip_packet(random, true)]),
        2 => join(&[&tag, &[0x88, 0x47], &mpls(random)]),
        _ => join(&[&tag, &[8, 0], &ip_packet(random, false)]),
    }
}

fn mpls(random: &mut Random) -> Vec<u8> {
    let mut labels = Vec::new();
    let count = random.below(3);
    for label in 0..=count {
        let value = *random.of(&[&7_u32, &100, &5]);
        let bottom = u32::from(label == count) << 8;
        labels.extend((value << 12 | bottom | 64).to_be_bytes());
    }
    let v6 = random.one_in(2);
    join(&[&labels, &ip_packet(random, v6)])
}

fn geneve(random: &mut Random, depth: usize) -> Vec<u8> {
    let options = random.below(3) as u8;
    let inner = if random.one_in(3) {
        join(&[
            &[options, 0, 8, 0, 0, 0, 7, 0],
            &random.bytes(4 * usize::from(options)),
            &ip_packet(random, false),
        ])
    } else {
        let vni = 7 * random.below(2) as u8;
        join(&[
            &[options, 0, 0x65, 0x58, 0, 0, vni, 0],
            &random.bytes(4 * usize::from(options)),
            &ethernet(random, depth - 1),
        ])
    };
    let udp = join(&[&[0xc0, 0, 0x17, 0xc1, 0, 8, 0, 0], &inner]);
    ipv4(random, 17, &udp)
}

fn arp(random: &mut Random) -> Vec<u8> {
    join(&[
        &[0, 1, 8, 0, 6, 4, 0, 1],
        &MACS[0],
        &address4(random),
        &[0; 6],
        &address4(random),
        &[0; 18],
    ])
}

fn address4(random: &mut Random) -> [u8; 4] {
    *random.of(&[
        &[10, 0, 0, 1],
        &[10, 0, 0, 2],
        &[10, 0, 1, 1],
        &[192, 168, 1, 7],
        &[224, 0, 0, 1],
        &[255, 255, 255, 255],
        &[10, 1, 0, 0],
    ])
}

fn address6(random: &mut Random) -> [u8; 16] {
    let text = random.of(&[
        "::1",
        "2001:db8::1",
        "2001:db8::2",
        "fe80::1",
        "ff02::1",
        "::ffff:10.0.0.1",
    ]);
    text.parse::<std::net::Ipv6Addr>().unwrap().octets()
}

fn ip_packet(random: &mut Random, v6: bool) -> Vec<u8> {
    let (proto, rest) = transport(random, v6);
    if v6 {
        ipv6(random, proto, &rest)
    } else {
        ipv4(random, proto, &rest)
    }
}

fn ipv4(random: &mut Random, proto: u8, rest: &[u8]) -> Vec<u8> {
    let words = if random.one_in(5) {
        random.below(11)
    } else {
        0
    };
    let options = random.bytes(4 * words);
    let fragment: [u8; 2] = *random.of(&[
        &[0x40, 0],
        &[0x40, 0],
        &[0, 0],
        &[0x20, 0],
        &[0x20, 9],
        &[0, 100],
    ]);
    let len = (20 + options.len() + rest.len()) as u16;
    // An authentication header in front, or two.
    let mut chain = Vec::new();
    let mut first = proto;
    for _ in 0..random.below(12).saturating_sub(9) {
        chain.splice(0..0, [first, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
        first = 51;
    }
    join(&[
        &[0x45 + words as u8, 0],
        &len.to_be_bytes(),
        &[0, 1],
        &fragment,
        &[random.next() as u8, first, 0, 0],
        &address4(random),
        &address4(random),
        &options,
        &chain,
        rest,
    ])
}

fn ipv6(random: &mut Random, proto: u8, rest: &[u8]) -> Vec<u8> {
    let mut chain = Vec::new();
    let mut first = proto;
    for _ in 0..random.below(9).saturating_sub(4) {
        let header = *random.of(&[&0_u8, &43, &44, &60, &51]);
        let len = if header == 44 || header == 51 {
            0
        } else {
            random.below(2) as u8
        };
        let mut bytes = vec![first, if header == 51 { 1 } else { len }];
        let total = if header == 51 {
            12
        } else {
            8 * (usize::from(len) + 1)
        };
        bytes.extend(random.bytes(total - 2));
        chain.splice(0..0, bytes);
        first = header;
    }
    let len = (chain.len() + rest.len()) as u16;
    join(&[
        &[0x60, 0, 0, 0],
        &len.to_be_bytes(),
        &[first, 64],
        &address6(random),
        &address6(random),
        &chain,
        rest,
    ])
}

fn port(random: &mut Random) -> [u8; 2] {
    random
        .of(&[&80_u16, &443, &53, &22, &0, &123, &6081, &40000, &85])
        .to_be_bytes()
}

fn transport(random: &mut Random, v6: bool) -> (u8, Vec<u8>) {
    let payload = random.below(30);
    let payload = random.bytes(payload);
    match random.below(12) {
        0..=3 => {
            let flags = *random.of(&[&2_u8, &0x12, &0x10, &0x11, &4, &0x18]);
            let tcp = [port(random), port(random)].concat();
            (
                6,
                join(&[
                    &tcp,
                    &random.bytes(8),
                    &[0x50 + 16 * random.below(3) as u8, flags, 1, 0, 0, 0, 0, 0],
                    &payload,
                ]),
            )
        }
        4..=6 => (
            17,
            join(&[&port(random), &port(random), &[0, 20, 0, 0], &payload]),
        ),
        7 => (132, join(&[&port(random), &port(random), &payload])),
        8 | 9 => {
            let kind = *random.of(&[&0_u8, &3, &8, &11, &128, &135]);
            (
                if v6 { 58 } else { 1 },
                join(&[&[kind, random.below(3) as u8, 0, 0], &payload]),
            )
        }
        10 => (*random.of(&[&2_u8, &9, &50, &51, &103, &112, &47]), payload),
        _ => (random.next() as u8, payload),
    }
}

fn wlan(random: &mut Random) -> Vec<u8> {
    let v6 = random.one_in(3);
    let kind: [u8; 2] = if v6 { [0x86, 0xdd] } else { [8, 0] };
    let control = *random.of(&[
        &0x08_u8, &0x88, &0x08, &0x80, &0x00, &0xb4, &0xc4, &0xd4, &0x48,
    ]);
    let ds = random.below(4) as u8;
    let qos: &[u8] = if control == 0x88 { &[0, 0] } else { &[] };
    join(&[
        &[control, ds, 0, 0],
        &MACS[random.below(5)],
        &MACS[random.below(5)],
        &MACS[random.below(5)],
        &[0, 0],
        qos,
        &[0xaa, 0xaa, 3, 0, 0, 0],
        &kind,
        &ip_packet(random, v6),
    ])
}
