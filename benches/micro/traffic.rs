//! Frames that the workloads are made of: sessions of TCP with and without trouble, datagrams, tags, IPv6.

/// A frame, and when it comes, in ns after the first.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) at_ns: u64,
    pub(crate) bytes: Vec<u8>,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// Payload bytes of a segment with data.
const LEN: u32 = 100;
/// Nanoseconds between two frames.
const GAP_NS: u64 = 1000;

/// Sessions under way at the same time: handshake, data both ways, closing. In one of eight, a segment is
/// lost, acknowledged selectively and sent again.
pub(crate) fn sessions(count: u32) -> Vec<Frame> {
    let scripts: Vec<Vec<Vec<u8>>> = (0..count).map(session).collect();
    let mut frames = Vec::new();
    let longest = scripts.iter().map(Vec::len).max().unwrap_or(0);
    for step in 0..longest {
        for script in &scripts {
            if let Some(bytes) = script.get(step) {
                frames.push(Frame {
                    at_ns: frames.len() as u64 * GAP_NS,
                    bytes: bytes.clone(),
                });
            }
        }
    }
    frames
}

/// What most links carry: mostly TCP, and some of everything else.
pub(crate) fn mix() -> Vec<Frame> {
    let mut frames = sessions(64);
    for number in 0..128 {
        let ip = datagram(number);
        let bytes = match number % 4 {
            0 => ethernet(&[0x81, 0, 0, 5, 8, 0], &ip),
            1 => ethernet(&[0x86, 0xdd], &datagram6(number)),
            _ => ethernet(&[8, 0], &ip),
        };
        let place = (number as usize * 7) % frames.len();
        frames.insert(place, Frame { at_ns: 0, bytes });
    }
    for (number, frame) in frames.iter_mut().enumerate() {
        frame.at_ns = number as u64 * GAP_NS;
    }
    frames
}

/// One datagram each of so many flows, in an order that nobody guesses.
pub(crate) fn datagrams(flows: u32) -> Vec<Frame> {
    (0..flows)
        .map(|number| Frame {
            at_ns: u64::from(number) * GAP_NS,
            bytes: ethernet(&[8, 0], &datagram(number.wrapping_mul(0x9e37_79b1) % flows)),
        })
        .collect()
}

fn session(number: u32) -> Vec<Vec<u8>> {
    let mut sent = [number.wrapping_mul(2_654_435_761), !number];
    let mut frames = Vec::new();
    let mut say = |sent: &mut [u32; 2], from: usize, flags: u8, len: u32, options: &[u8]| {
        let [seq, ack] = [sent[from], sent[1 - from]];
        let ack = if flags & ACK == 0 { 0 } else { ack };
        frames.push(segment(number, from, [seq, ack], flags, len, options));
        sent[from] = seq
            .wrapping_add(len)
            .wrapping_add(u32::from(flags & (SYN | FIN) != 0));
    };
    let hello = [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1];
    say(&mut sent, 0, SYN, 0, &hello);
    say(&mut sent, 1, SYN | ACK, 0, &hello);
    say(&mut sent, 0, ACK, 0, &[]);
    for turn in 0..4 {
        say(&mut sent, 0, ACK | PSH, LEN, &[]);
        if number.is_multiple_of(8) && turn == 1 {
            // The server's next segment is lost; three acknowledgments say so, and it comes again.
            let lost = sent[1];
            sent[1] = lost.wrapping_add(LEN);
            say(&mut sent, 1, ACK, LEN, &[]);
            let after = sent[1];
            sent[1] = lost;
            let (from, to) = (lost.wrapping_add(LEN).to_be_bytes(), after.to_be_bytes());
            let sack = [&[1, 1, 5, 10][..], &from, &to].concat();
            for _ in 0..3 {
                say(&mut sent, 0, ACK, 0, &sack);
            }
            say(&mut sent, 1, ACK, LEN, &[]);
            sent[1] = after;
        } else {
            say(&mut sent, 1, ACK | PSH, LEN, &[]);
        }
        say(&mut sent, 0, ACK, 0, &[]);
    }
    say(&mut sent, 0, FIN | ACK, 0, &[]);
    say(&mut sent, 1, FIN | ACK, 0, &[]);
    say(&mut sent, 0, ACK, 0, &[]);
    frames
}

fn segment(
    number: u32,
    from: usize,
    [seq, ack]: [u32; 2],
    flags: u8,
    len: u32,
    options: &[u8],
) -> Vec<u8> {
    let client = (
        0x0a00_0001 + (number >> 14),
        (1024 + (number & 0x3fff)) as u16,
    );
    let server = (0xc633_6401, [80, 443, 22, 5000][number as usize % 4]);
    let (src, dst) = if from == 0 {
        (client, server)
    } else {
        (server, client)
    };
    let mut tcp = Vec::new();
    tcp.extend(src.1.to_be_bytes());
    tcp.extend(dst.1.to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([(5 + options.len() as u8 / 4) << 4, flags, 2, 0, 0, 0, 0, 0]);
    tcp.extend(options);
    tcp.resize(tcp.len() + len as usize, b'x');
    let mut pseudo = [src.0.to_be_bytes(), dst.0.to_be_bytes()].concat();
    pseudo.extend([0, 6]);
    pseudo.extend((tcp.len() as u16).to_be_bytes());
    let sum = checksum(&[&pseudo, &tcp]);
    tcp[16..18].copy_from_slice(&sum);
    ethernet(&[8, 0], &ipv4(6, src.0, dst.0, &tcp))
}

fn datagram(number: u32) -> Vec<u8> {
    let payload = udp(
        (1024 + number % 50_000) as u16,
        5000 + (number / 50_000) as u16,
    );
    ipv4(17, 0x0a01_0000 + number, 0xc633_6402, &payload)
}

fn datagram6(number: u32) -> Vec<u8> {
    let payload = udp(1024 + number as u16, 53);
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([17, 64]);
    for last in [1, 2] {
        bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    bytes.extend(payload);
    bytes
}

/// A datagram without a checksum.
fn udp(src: u16, dst: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(src.to_be_bytes());
    bytes.extend(dst.to_be_bytes());
    bytes.extend([0, 48, 0, 0]);
    bytes.resize(48, b'y');
    bytes
}

fn ipv4(protocol: u8, src: u32, dst: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    bytes.extend(src.to_be_bytes());
    bytes.extend(dst.to_be_bytes());
    let sum = checksum(&[&bytes]);
    bytes[10..12].copy_from_slice(&sum);
    bytes.extend(payload);
    bytes
}

fn ethernet(kind: &[u8], payload: &[u8]) -> Vec<u8> {
    let addresses = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    [&addresses[..], kind, payload].concat()
}

/// The Internet checksum (RFC 1071) over parts, all but the last of even length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words
        .map(|word| match *word {
            [high, low] => u32::from(u16::from_be_bytes([high, low])),
            [high] => u32::from(high) << 8,
            _ => 0,
        })
        .sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
