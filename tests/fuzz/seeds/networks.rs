//! IP with everything that it can have, what reports on it, and tunnels.

use super::build::host6;
use super::{Build, Capture, Tcp};

pub(super) fn captures() -> Vec<Capture> {
    let ethernet = |name, frames| Capture {
        name,
        link: 1,
        frames,
    };
    vec![
        ethernet("icmp", icmp()),
        ethernet("icmpv6", icmpv6()),
        ethernet("igmp", igmp()),
        ethernet("ip-options", ip_options()),
        ethernet("fragments", fragments()),
        ethernet("ipv6-extensions", ipv6_extensions()),
        ethernet("tunnels", tunnels()),
        ethernet("gre", gre()),
        ethernet("sctp", sctp()),
    ]
}

fn segment() -> Build {
    let tcp = Tcp {
        ports: [50_000, 80],
        seq: 1,
        flags: 2,
        window: 1000,
        ..Tcp::default()
    };
    Build::tcp(&tcp, b"").ip4(6, 1, 2)
}

fn icmp() -> Vec<Vec<u8>> {
    let quoted = segment().0;
    let with = |header: [u8; 8], rest: &[u8]| {
        Build::of(&[&header, rest].concat())
            .ip4(1, 2, 1)
            .eth(0x0800)
            .0
    };
    vec![
        with(
            [8, 0, 0, 0, 0, 1, 0, 1],
            b"\x00\x00\x00\x00\x65\x00\x00\x00abcdefgh",
        ),
        with(
            [0, 0, 0, 0, 0, 1, 0, 1],
            b"\x00\x00\x00\x00\x65\x00\x00\x00abcdefgh",
        ),
        with([3, 3, 0, 0, 0, 0, 0, 0], &quoted),
        with([3, 4, 0, 0, 0, 0, 5, 0xdc], &quoted),
        with([5, 1, 0, 0, 10, 0, 0, 3], &quoted),
        with(
            [11, 0, 0, 0, 0, 32, 0, 0],
            &[
                &quoted[..],
                &[0; 88],
                &[0x20, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0x41, 1],
            ]
            .concat(),
        ),
        with([12, 0, 0, 0, 9, 0, 0, 0], &quoted),
        with([13, 0, 0, 0, 0, 1, 0, 2], &[0; 12]),
        with([17, 0, 0, 0, 0, 1, 0, 2], &[255, 255, 255, 0]),
        with([9, 0, 0, 0, 1, 2, 0, 30], &[10, 0, 0, 1, 0, 0, 0, 0]),
    ]
}

fn icmpv6() -> Vec<Vec<u8>> {
    let with = |bytes: &[u8]| Build::of(bytes).ip6(58, 1, 2).eth(0x86dd).0;
    let mut advertisement = vec![134, 0, 0, 0, 64, 0xc0, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2];
    advertisement.extend([1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 5, 0xdc]);
    advertisement.extend([3, 4, 64, 0xc0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    advertisement.extend(host6(0));
    advertisement.extend([25, 3, 0, 0, 0, 0, 1, 0]);
    advertisement.extend(host6(9));
    advertisement.extend(b"\x1f\x02\x00\x00\x00\x00\x01\x00\x03foo\x00\x00\x00\x00");
    let mut solicitation = vec![135, 0, 0, 0, 0, 0, 0, 0];
    solicitation.extend(host6(2));
    solicitation.extend([1, 1, 2, 0, 0, 0, 0, 1]);
    let mut neighbor = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
    neighbor.extend(host6(2));
    neighbor.extend([2, 1, 2, 0, 0, 0, 0, 1, 14, 1, 1, 2, 3, 4, 5, 6]);
    let mut too_big = vec![2, 0, 0, 0, 0, 0, 5, 0];
    too_big.extend(Build::udp(1, 53, b"abc").ip6(17, 2, 1).0);
    let mut redirect = vec![137, 0, 0, 0, 0, 0, 0, 0];
    redirect.extend(host6(3));
    redirect.extend(host6(4));
    redirect.extend([4, 2, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0, 59, 1]);
    let mut listeners = vec![143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1];
    listeners.extend(host6(8));
    listeners.extend(host6(7));
    let mut query = vec![130, 0, 0, 0, 0x27, 0x10, 0, 0];
    query.extend(host6(8));
    query.extend([2, 125, 0, 1]);
    query.extend(host6(7));
    vec![
        with(&[128, 0, 0, 0, 0, 1, 0, 1, b'p', b'i', b'n', b'g']),
        with(&[129, 0, 0, 0, 0, 1, 0, 1, b'p', b'i', b'n', b'g']),
        with(&advertisement),
        with(&solicitation),
        with(&neighbor),
        with(&too_big),
        with(&redirect),
        with(&listeners),
        with(&query),
    ]
}

fn igmp() -> Vec<Vec<u8>> {
    let with = |bytes: &[u8]| {
        Build::of(bytes)
            .ip4_with(2, 1, 22, 0, &[0x94, 4, 0, 0])
            .eth(0x0800)
            .0
    };
    vec![
        with(&[0x11, 100, 0, 0, 224, 0, 0, 5]),
        with(&[0x16, 0, 0, 0, 224, 0, 0, 5]),
        with(&[0x17, 0, 0, 0, 224, 0, 0, 5]),
        with(&[0x11, 100, 0, 0, 224, 0, 0, 5, 2, 125, 0, 1, 10, 0, 0, 1]),
        with(&[
            0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 1, 224, 0, 0, 5, 10, 0, 0, 1, 1, 1, 0, 0, 224, 0,
            0, 6, 9, 9, 9, 9,
        ]),
    ]
}

fn ip_options() -> Vec<Vec<u8>> {
    let all: [&[u8]; 6] = [
        &[7, 11, 8, 10, 0, 0, 1, 10, 0, 0, 2, 0],
        &[68, 12, 13, 1, 10, 0, 0, 1, 0, 0, 0, 1],
        &[131, 7, 4, 10, 0, 0, 9, 0],
        &[137, 7, 4, 10, 0, 0, 9, 0],
        &[130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[
            136, 4, 0, 9, 134, 6, 0, 0, 0, 1, 25, 8, 0, 0, 0, 0, 0, 1, 1, 0,
        ],
    ];
    all.iter()
        .map(|options| {
            let build = Build::udp(1000, 2000, b"options");
            build.ip4_with(17, 1, 2, 0, options).eth(0x0800).0
        })
        .collect()
}

/// A datagram in three pieces that come in the wrong order, and one of IPv6 in two.
fn fragments() -> Vec<Vec<u8>> {
    let datagram = Build::udp(1000, 53, &super::datagrams::dns_query()).0;
    let piece = |from: usize, to: usize| {
        let more = if to < datagram.len() { 0x2000 } else { 0 };
        Build::of(&datagram[from..to])
            .ip4_with(17, 1, 2, more | (from / 8) as u16, &[])
            .eth(0x0800)
            .0
    };
    let piece6 = |from: usize, to: usize| {
        let offset = from as u16 | u16::from(to < datagram.len());
        let [high, low] = offset.to_be_bytes();
        Build::of(&datagram[from..to])
            .behind(&[17, 0, high, low, 0, 0, 0, 9])
            .ip6(44, 1, 2)
            .eth(0x86dd)
            .0
    };
    vec![
        piece(16, 32),
        piece(0, 16),
        piece(0, 24),
        piece(32, datagram.len()),
        piece6(0, 24),
        piece6(24, datagram.len()),
    ]
}

fn ipv6_extensions() -> Vec<Vec<u8>> {
    let datagram = Build::udp(1000, 2000, b"payload").0;
    let mut segments = vec![17, 4, 4, 1, 1, 0, 0, 0];
    segments.extend(host6(1));
    segments.extend(host6(2));
    let mut source = vec![17, 2, 0, 1, 0, 0, 0, 0];
    source.extend(host6(7));
    vec![
        Build::of(&datagram)
            .behind(&[17, 0, 5, 2, 0, 0, 1, 0])
            .ip6(0, 1, 2)
            .eth(0x86dd)
            .0,
        Build::of(&datagram)
            .behind(&segments)
            .ip6(43, 1, 2)
            .eth(0x86dd)
            .0,
        Build::of(&datagram)
            .behind(&source)
            .ip6(43, 1, 2)
            .eth(0x86dd)
            .0,
        Build::of(&datagram)
            .behind(&[17, 1, 0xc2, 4, 0, 1, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0])
            .behind(&[60, 0, 1, 4, 0, 0, 0, 0])
            .ip6(60, 1, 2)
            .eth(0x86dd)
            .0,
        Build::of(&datagram)
            .behind(&[
                17, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
            ])
            .ip6(51, 1, 2)
            .eth(0x86dd)
            .0,
        Build::of(&datagram)
            .behind(&[0, 0, 1, 4, 0, 0, 0, 0])
            .ip6(59, 1, 2)
            .eth(0x86dd)
            .0,
    ]
}

fn tunnels() -> Vec<Vec<u8>> {
    let inner = segment();
    let frame = inner.clone().eth(0x0800).0;
    let vxlan = [&[8, 0, 0, 0, 0, 0, 5, 0][..], &frame].concat();
    let gpe = [&[0x0c, 0, 0, 1, 0, 0, 5, 0][..], &inner.0].concat();
    let geneve = [
        &[
            3, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 0x80, 2, 1, 2, 3, 4, 5, 6, 7, 8,
        ][..],
        &frame,
    ]
    .concat();
    let gtp = [&[0x30, 0xff, 0, 40, 0, 0, 0, 1][..], &inner.0].concat();
    let gtp_extended = [
        &[0x34, 0xff, 0, 48, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0][..],
        &inner.0,
    ]
    .concat();
    let teredo = [
        &[
            0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0x1b, 0x58, 10, 0, 0, 1,
        ][..],
        &Build::udp(1, 2, b"x").ip6(17, 1, 2).0,
    ]
    .concat();
    let over = |port: u16, payload: &[u8]| {
        Build::udp(40_000, port, payload)
            .ip4(17, 3, 4)
            .eth(0x0800)
            .0
    };
    vec![
        over(4789, &vxlan),
        over(4790, &gpe),
        over(6081, &geneve),
        over(2152, &gtp),
        over(2152, &gtp_extended),
        over(3544, &teredo),
        inner.clone().ip4(4, 3, 4).eth(0x0800).0,
        inner.clone().ip6(4, 3, 4).eth(0x86dd).0,
        Build::udp(1, 2, b"x")
            .ip6(17, 1, 2)
            .ip4(41, 3, 4)
            .eth(0x0800)
            .0,
        inner.ip4(4, 3, 4).ip4(4, 5, 6).ip4(4, 7, 8).eth(0x0800).0,
    ]
}

fn gre() -> Vec<Vec<u8>> {
    let inner = segment();
    let frame = inner.clone().eth(0x0800);
    let plain = inner.clone().behind(&[0, 0, 8, 0]);
    let full = inner
        .clone()
        .behind(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7]);
    let routed = inner.behind(&[
        0x40, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0, 4, 10, 0, 0, 9, 0, 0, 0, 0,
    ]);
    let point_to_point = Build::of(&[0xc0, 0x21, 1, 1, 0, 8, 3, 4, 0xc0, 0x23])
        .behind(&[0x30, 0x81, 0x88, 0x0b, 0, 10, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2]);
    let erspan = frame
        .clone()
        .behind(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 7, 0, 0, 0, 3]);
    let erspan3 = frame.clone().behind(&[
        0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 7, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 9,
    ]);
    let bridged = frame.behind(&[0x20, 0, 0x65, 0x58, 0, 0, 5, 0]);
    [
        plain,
        full,
        routed,
        point_to_point,
        erspan,
        erspan3,
        bridged,
    ]
    .map(|build| build.ip4(47, 3, 4).eth(0x0800).0)
    .to_vec()
}

fn sctp() -> Vec<Vec<u8>> {
    let mut init = vec![0x13, 0x88, 0, 80, 0, 0, 0, 0, 1, 2, 3, 4];
    init.extend([
        1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 5,
    ]);
    let mut data = vec![0x13, 0x88, 0, 80, 0, 0, 0, 1, 1, 2, 3, 4];
    data.extend([
        0, 3, 0, 20, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'a', b'b', b'c', b'd',
    ]);
    data.extend([
        3, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0x80, 0, 0, 0, 0, 0, 14, 0, 0, 4,
    ]);
    [init, data]
        .map(|bytes| Build::of(&bytes).ip4(132, 1, 2).eth(0x0800).0)
        .to_vec()
}
