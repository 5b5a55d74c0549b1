//! Names under which a connection is found again: in our own files, and in those of other tools.

use std::net::IpAddr;

use crate::flow::FlowRecord;

/// Length of a unique id.
pub(super) const UID_LEN: usize = 18;
/// Length of a Community ID: `1:` and 20 bytes in base 64.
pub(super) const COMMUNITY_ID_LEN: usize = 30;

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const BASE_64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;
const SCTP: u8 = 132;

/// A unique id in the form of Zeek's: `C` and 17 characters of base 62, which hold 101 bits.
///
/// It is made of nothing but the connection (its first packet's time and number, and who talks to
/// whom), so that all records of a connection have the same, and so have two runs over one file.
pub(crate) fn uid(record: &FlowRecord) -> [u8; UID_LEN] {
    let [from, to] = [&record.initiator, &record.responder].map(|side| {
        let addr = match side.endpoint.addr {
            IpAddr::V4(addr) => u128::from(u32::from(addr)),
            IpAddr::V6(addr) => u128::from(addr),
        };
        let addr = mix((addr >> 64) as u64 ^ mix(addr as u64));
        mix(addr ^ u64::from(side.endpoint.port))
    });
    // Either end may turn out to be the initiator in a later record.
    let ends = from.wrapping_add(to) ^ u64::from(record.protocol);
    let when = mix(record.flow_ts.0 ^ mix(record.id.0));
    let low = mix(when ^ ends);
    let high = mix(low ^ mix(when.wrapping_add(ends)));
    let mut id = [b'C'; UID_LEN];
    let (left, right) = id[1..].split_at_mut(8);
    base_62(low, left);
    base_62(high, right);
    id
}

/// A permutation of 64 bits that spreads every bit over all others (the finalizer of `SplitMix64`).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The leading digits of a number that is taken as a fraction of 2 to the power of 64, two at a time.
fn base_62(mut fraction: u64, digits: &mut [u8]) {
    /// All pairs of digits.
    static PAIRS: [[u8; 2]; 62 * 62] = {
        let mut pairs = [[0; 2]; 62 * 62];
        let mut pair = 0;
        while pair < pairs.len() {
            pairs[pair] = [BASE_62[pair / 62], BASE_62[pair % 62]];
            pair += 1;
        }
        pairs
    };
    for digits in digits.chunks_mut(2) {
        let product = u128::from(fraction) * 62 * 62;
        let pair = PAIRS[(product >> 64) as usize];
        digits.copy_from_slice(pair.get(..digits.len()).unwrap_or_default());
        fraction = product as u64;
    }
}

/// Community ID, version 1 with seed 0 (<https://github.com/corelight/community-id-spec>): the same
/// in every tool that knows it, and for both directions.
pub(crate) fn community_id(record: &FlowRecord) -> [u8; COMMUNITY_ID_LEN] {
    let [initiator, responder] = [record.initiator.endpoint, record.responder.endpoint];
    let protocol = record.protocol;
    let ports = match protocol {
        ICMP => icmp_ports(initiator.port, responder.port, icmp_counterpart),
        ICMP6 => icmp_ports(initiator.port, responder.port, icmp6_counterpart),
        TCP | UDP | SCTP => Ports::Ordered,
        _ => Ports::None,
    };
    let ends = match ports {
        Ports::OneWay => [initiator, responder],
        _ if initiator <= responder => [initiator, responder],
        _ => [responder, initiator],
    };
    // Seed, addresses, protocol, padding, ports, and SHA-1's end mark: 41 bytes at most.
    let mut block = [0_u8; 64];
    let mut len = 2;
    let mut push = |bytes: &[u8]| {
        if let Some(room) = block.get_mut(len..len + bytes.len()) {
            room.copy_from_slice(bytes);
            len += bytes.len();
        }
    };
    for end in ends {
        match end.addr {
            IpAddr::V4(addr) => push(&addr.octets()),
            IpAddr::V6(addr) => push(&addr.octets()),
        }
    }
    push(&[protocol, 0]);
    if !matches!(ports, Ports::None) {
        push(&ends[0].port.to_be_bytes());
        push(&ends[1].port.to_be_bytes());
    }
    push(&[0x80]);
    let bits = (len as u64 - 1) * 8;
    block[56..].copy_from_slice(&bits.to_be_bytes());
    let hash = sha1(&block);
    let mut id = [b'='; COMMUNITY_ID_LEN];
    id[..2].copy_from_slice(b"1:");
    base_64(&hash, &mut id[2..]);
    id
}

/// Base 64 (RFC 4648, section 4), two letters for twelve bits at a time; there is an equals sign already
/// where the last is missing.
fn base_64(bytes: &[u8; 20], letters: &mut [u8]) {
    /// All pairs of letters.
    static PAIRS: [[u8; 2]; 1 << 12] = {
        let mut pairs = [[0; 2]; 1 << 12];
        let mut pair = 0;
        while pair < pairs.len() {
            pairs[pair] = [BASE_64[pair >> 6], BASE_64[pair & 63]];
            pair += 1;
        }
        pairs
    };
    for (four, three) in letters.chunks_exact_mut(4).zip(bytes.chunks(3)) {
        let mut word = [0; 4];
        for (room, byte) in word.iter_mut().zip(three) {
            *room = *byte;
        }
        let word = u32::from_be_bytes(word);
        four[..2].copy_from_slice(&PAIRS[(word >> 20) as usize]);
        let last = PAIRS[(word >> 8 & 0xfff) as usize];
        if three.len() == 3 {
            four[2..].copy_from_slice(&last);
        } else {
            four[2] = last[0];
        }
    }
}

/// SHA-1 of a message that fits into one block with its padding (FIPS 180-4, sections 5.1.1 and 6.1): the
/// library's function without its buffer.
fn sha1(block: &[u8; 64]) -> [u8; 20] {
    let mut state = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    sha1::block_api::compress(&mut state, std::slice::from_ref(block));
    let mut hash = [0; 20];
    for (room, word) in hash.chunks_exact_mut(4).zip(state) {
        room.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// What becomes of the ports, which are types and codes for ICMP.
#[derive(Clone, Copy)]
enum Ports {
    /// The lower end comes first.
    Ordered,
    /// The sender comes first: nothing answers this message.
    OneWay,
    /// There are none.
    None,
}

fn icmp_ports(kind: u16, other: u16, counterpart: fn(u16) -> Option<u16>) -> Ports {
    // The record has the counterpart, if there is one, where ports are.
    if counterpart(kind) == Some(other) {
        Ports::Ordered
    } else {
        Ports::OneWay
    }
}

const fn icmp_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

const fn icmp6_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::flows::samples::{between, records};

    fn id_of(protocol: u8, initiator: (&str, u16), responder: (&str, u16)) -> String {
        String::from_utf8(community_id(&between(protocol, initiator, responder)).to_vec()).unwrap()
    }

    /// The first two are in the specification's baseline; the others were computed with Python's
    /// hashlib by the specification's rules.
    #[test]
    fn community_ids_are_those_of_the_specification() {
        for (protocol, from, to, expected) in [
            (
                6,
                ("128.232.110.120", 34855),
                ("66.35.250.204", 80),
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (
                17,
                ("192.168.1.52", 54585),
                ("8.8.8.8", 53),
                "1:d/FP5EW3wiY1vCndhwleRRKHowQ=",
            ),
            (
                132,
                ("192.168.170.8", 7),
                ("192.168.170.56", 80),
                "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=",
            ),
            (
                1,
                ("192.168.0.89", 8),
                ("192.168.0.1", 0),
                "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=",
            ),
            (
                1,
                ("192.168.0.89", 3),
                ("192.168.0.1", 1),
                "1:LXCfhMUFbYXe+CEMrQuZCbiLY3o=",
            ),
            (
                1,
                ("192.168.0.2", 5),
                ("192.168.0.89", 1),
                "1:UJ4RwFaAkAGfiJOPChZY3HpFljI=",
            ),
            (
                58,
                ("fe80::200:86ff:fe05:80da", 135),
                ("fe80::260:97ff:fe07:69ea", 136),
                "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
            ),
            (
                58,
                ("fe80::2", 128),
                ("fe80::1", 129),
                "1:hcQR4+TVVdHthPBS7U0F6CmEKfY=",
            ),
            (
                58,
                ("fe80::2", 1),
                ("fe80::1", 4),
                "1:KP7k20289QLlEmMHLKdRgaeGmfo=",
            ),
            (
                6,
                ("2001:db8::2", 40000),
                ("2001:db8::1", 443),
                "1:jn1M/64iWT+nYqxpE1jYHo+15rE=",
            ),
            (
                47,
                ("10.0.0.2", 0),
                ("10.0.0.1", 0),
                "1:+KlEHDT0vJgzs/eNmzHq0aSpRYw=",
            ),
        ] {
            assert_eq!(
                id_of(protocol, from, to),
                expected,
                "{protocol} {from:?} {to:?}"
            );
        }
    }

    #[test]
    fn both_directions_have_one_community_id_where_there_is_an_answer() {
        let (a, b) = (("192.0.2.9", 40000), ("192.0.2.1", 443));
        assert_eq!(id_of(6, a, b), id_of(6, b, a));
        assert_eq!(
            id_of(1, ("192.0.2.9", 8), ("192.0.2.1", 0)),
            id_of(1, ("192.0.2.1", 0), ("192.0.2.9", 8))
        );
    }

    #[test]
    fn all_records_of_a_connection_have_one_uid_and_others_have_another() {
        let mut known = std::collections::HashSet::new();
        for record in records(5000) {
            let id = uid(&record);
            assert!(id.starts_with(b"C") && id.iter().all(u8::is_ascii_alphanumeric));
            assert!(known.insert(id));
            let mut later = record.clone();
            later.part += 1;
            later.first_ts = record.last_ts;
            assert_eq!(uid(&later), id);
            std::mem::swap(&mut later.initiator, &mut later.responder);
            assert_eq!(uid(&later), id);
        }
    }
}
