//! Changes to packets: fields of headers, options, lengths. IP headers are found by what they look like,
//! wherever they lie, so that link layers and tunnels need not be known.

use super::bytes;
use crate::random::Random;

/// An IP header, and what follows it.
#[derive(Clone, Copy, Debug)]
struct Found {
    at: usize,
    is_v6: bool,
    protocol: u8,
    transport: usize,
}

/// IP headers whose length fits what follows.
fn found(data: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    let mut at = 0;
    while at + 20 <= data.len() && all.len() < 8 {
        let rest = &data[at..];
        let first = rest[0];
        let word = |at: usize| usize::from(u16::from_be_bytes([rest[at], rest[at + 1]]));
        let header = usize::from(first & 15) * 4;
        let fits = |len: usize| len <= rest.len() && rest.len() - len < 32;
        if first >> 4 == 4 && header >= 20 && header <= rest.len() && fits(word(2)) {
            all.push(Found {
                at,
                is_v6: false,
                protocol: rest[9],
                transport: at + header,
            });
            at += header + behind(rest[9]);
        } else if first >> 4 == 6 && rest.len() >= 40 && fits(word(4) + 40) {
            let mut protocol = rest[6];
            let mut transport = 40;
            while [0, 43, 44, 60].contains(&protocol) && transport + 8 <= rest.len() {
                let len = if protocol == 44 {
                    0
                } else {
                    rest[transport + 1]
                };
                protocol = rest[transport];
                transport += 8 + usize::from(len) * 8;
            }
            let transport = (at + transport).min(data.len());
            all.push(Found {
                at,
                is_v6: true,
                protocol,
                transport,
            });
            at = transport + behind(protocol);
        } else {
            at += 1;
        }
    }
    all
}

/// How far behind a header the next IP header can lie at the soonest.
const fn behind(protocol: u8) -> usize {
    match protocol {
        6 => 20,
        1 | 17 | 58 => 8,
        _ => 0,
    }
}

/// Changes a packet a little.
pub(super) fn change(data: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let headers = found(data);
    let Some(header) = random.one_of(&headers).copied() else {
        return bytes::change(data, other, random);
    };
    match random.below(10) {
        0 => bytes::change(data, other, random),
        1 | 2 => {
            let fields: &[(usize, usize)] = if header.is_v6 {
                &[
                    (4, 2),
                    (6, 1),
                    (7, 1),
                    (0, 4),
                    (8, 4),
                    (20, 4),
                    (36, 4),
                    (40, 1),
                    (41, 1),
                    (42, 2),
                ]
            } else {
                &[
                    (0, 1),
                    (2, 2),
                    (6, 2),
                    (8, 1),
                    (9, 1),
                    (12, 4),
                    (16, 4),
                    (4, 2),
                    (20, 1),
                    (21, 1),
                ]
            };
            let (at, width) = fields[random.below(fields.len())];
            bytes::number(data, header.at + at, width, random);
        }
        3 | 4 => transport(data, &header, random),
        5 => {
            // Below IP.
            let at = random.below(header.at.max(1));
            let width = [1, 2][random.below(2)];
            bytes::number(data, at, width, random);
        }
        6..=8 => {
            let payload = payload(data, &header);
            if payload >= data.len() {
                return resize(data, &headers, payload, random, other);
            }
            match random.below(4) {
                0 => {
                    // What a protocol says first.
                    let at = payload + random.below(24);
                    let width = [1, 2][random.below(2)];
                    bytes::number(data, at, width, random);
                }
                1 => length(data, payload, random),
                2 => {
                    let mut rest = data.split_off(payload);
                    let before = rest.len();
                    bytes::change(&mut rest, other, random);
                    data.extend(&rest);
                    let grown = (rest.len() as u16).wrapping_sub(before as u16);
                    adjust(data, &headers, payload, grown);
                }
                _ => resize(data, &headers, payload, random, other),
            }
        }
        _ => {
            if random.once_in(2) {
                data.truncate(random.below(data.len() + 1));
            } else if let Some(byte) = data.get_mut(header.at + 8) {
                // It is said to come from somewhere else.
                *byte = byte.wrapping_add(1);
            }
        }
    }
    if !random.once_in(8) {
        checksums(data);
    }
}

/// Where the payload of what follows an IP header begins.
fn payload(data: &[u8], header: &Found) -> usize {
    let at = header.transport;
    let len = match header.protocol {
        6 => data
            .get(at + 12)
            .map_or(20, |byte| usize::from(byte >> 4) * 4),
        _ => 8,
    };
    (at + len).min(data.len())
}

/// A field of a transport header.
fn transport(data: &mut [u8], header: &Found, random: &mut Random) {
    let at = header.transport;
    let fields: &[(usize, usize)] = match header.protocol {
        6 => &[
            (0, 2),
            (2, 2),
            (4, 4),
            (8, 4),
            (12, 1),
            (13, 1),
            (14, 2),
            (18, 2),
        ],
        17 => &[(0, 2), (2, 2), (4, 2), (6, 2)],
        _ => &[
            (0, 1),
            (1, 1),
            (2, 2),
            (4, 1),
            (5, 1),
            (6, 2),
            (4, 4),
            (8, 2),
        ],
    };
    if header.protocol == 6 && random.once_in(2) {
        // Kinds and lengths of options.
        let end = payload(data, header);
        let mut places = Vec::new();
        let mut option = at + 20;
        while option < end {
            places.push(option);
            let len = match data[option] {
                0 | 1 => 1,
                _ => data
                    .get(option + 1)
                    .map_or(1, |len| usize::from(*len).max(2)),
            };
            option += len;
        }
        if let Some(place) = random.one_of(&places).copied() {
            let at = place + random.below(5);
            let width = [1, 1, 4][random.below(3)];
            return bytes::number(data, at, width, random);
        }
    }
    // Ports that mean something.
    const PORTS: [u16; 20] = [
        22, 53, 67, 68, 80, 123, 443, 2152, 3544, 4754, 4789, 4790, 5353, 5355, 6081, 8080, 8472,
        0, 1, 65535,
    ];
    let (field, width) = fields[random.below(fields.len())];
    if matches!(header.protocol, 6 | 17) && field < 4 {
        let port = PORTS[random.below(PORTS.len())].to_be_bytes();
        if let Some(place) = data.get_mut(at + field..at + field + 2) {
            place.copy_from_slice(&port);
        }
        return;
    }
    bytes::number(data, at + field, width, random);
}

/// Changes something that looks like a length: a number that fits what follows it.
fn length(data: &mut [u8], from: usize, random: &mut Random) {
    let mut places = Vec::new();
    for at in from..data.len() {
        let left = data.len() - at;
        let byte = usize::from(data[at]);
        if byte > 0 && byte < left {
            places.push((at, 1));
        }
        if let Some(next) = data.get(at + 1) {
            let word = byte << 8 | usize::from(*next);
            if word > 1 && word + 2 <= left {
                places.push((at, 2));
            }
        }
    }
    if let Some((at, width)) = random.one_of(&places).copied() {
        bytes::number(data, at, width, random);
    }
}

/// Puts bytes into the payload, or takes some out, and tells the headers around it.
fn resize(
    data: &mut Vec<u8>,
    headers: &[Found],
    payload: usize,
    random: &mut Random,
    other: &[u8],
) {
    let at = payload + random.below(data.len() - payload + 1);
    let grown = if random.once_in(2) {
        let end = (at + 1 + random.below(32)).min(data.len());
        let gone = end - at;
        drop(data.drain(at..end));
        (gone as u16).wrapping_neg()
    } else {
        let from = random.below(other.len());
        let to = (from + 1 + random.below(32)).min(other.len());
        let what = &other[from..to];
        data.splice(at..at, what.iter().copied());
        what.len() as u16
    };
    adjust(data, headers, at, grown);
}

/// Lengths in headers around `at`, which has grown by so many bytes, modulo 2^16.
fn adjust(data: &mut [u8], headers: &[Found], at: usize, grown: u16) {
    let mut add = |place: usize| {
        if let Some([high, low]) = data.get_mut(place..place + 2) {
            let len = u16::from_be_bytes([*high, *low]).wrapping_add(grown);
            [*high, *low] = len.to_be_bytes();
        }
    };
    for header in headers.iter().filter(|header| header.transport <= at) {
        add(header.at + if header.is_v6 { 4 } else { 2 });
        if header.protocol == 17 {
            add(header.transport + 4);
        }
    }
}

/// Puts right the checksums of IPv4 headers, and of what they carry.
fn checksums(data: &mut [u8]) {
    let sum = |parts: &[&[u8]]| {
        let mut sum = 0_u32;
        for part in parts {
            for word in part.chunks(2) {
                let low = word.get(1).copied().unwrap_or(0);
                sum += u32::from(u16::from_be_bytes([word[0], low]));
            }
        }
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        (!(sum as u16)).to_be_bytes()
    };
    // The innermost first: its bytes are the payload of those around it.
    for header in found(data).iter().rev() {
        let field = match header.protocol {
            6 => 16,
            17 => 6,
            1 | 2 | 58 => 2,
            _ => usize::MAX,
        };
        let word = |at: usize| usize::from(u16::from_be_bytes([data[at], data[at + 1]]));
        let end = if header.is_v6 {
            header.at + 40 + word(header.at + 4)
        } else {
            header.at + word(header.at + 2)
        };
        let addresses = if header.is_v6 {
            header.at + 8..header.at + 40
        } else {
            header.at + 12..header.at + 20
        };
        let addresses = data[addresses].to_vec();
        if let Some(bytes) = data.get_mut(header.transport..end)
            && field < bytes.len()
            && field + 2 <= bytes.len()
        {
            let pseudo = [
                &addresses[..],
                &(bytes.len() as u32).to_be_bytes(),
                &[0, 0, 0, header.protocol],
            ]
            .concat();
            let pseudo = if matches!(header.protocol, 1 | 2) {
                &[][..]
            } else {
                &pseudo
            };
            bytes[field..field + 2].fill(0);
            let sum = sum(&[pseudo, bytes]);
            bytes[field..field + 2].copy_from_slice(&sum);
        }
        if !header.is_v6 {
            let options = usize::from(data[header.at] & 15) * 4;
            let bytes = &mut data[header.at..header.at + options];
            bytes[10..12].fill(0);
            let sum = sum(&[bytes]);
            bytes[10..12].copy_from_slice(&sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{Build, captures};

    #[test]
    fn what_was_right_stays_as_it_is() {
        for capture in captures() {
            for frame in &capture.frames {
                let mut again = frame.clone();
                checksums(&mut again);
                // Bytes that only look like IP are no loss.
                if capture.name == "http" {
                    assert_eq!(&again, frame);
                }
            }
        }
    }

    #[test]
    fn headers_are_found_in_each_other() {
        let frame = Build::udp(1, 2, b"x")
            .ip6(17, 1, 2)
            .ip4(41, 3, 4)
            .eth(0x0800)
            .0;
        let headers = found(&frame);
        let places: Vec<_> = headers
            .iter()
            .map(|header| (header.at, header.transport))
            .collect();
        assert_eq!(places, [(14, 34), (34, 74)]);
    }
}
