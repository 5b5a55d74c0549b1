//! Whatever the bytes are: no panic, and memory that does not grow without end.

use proptest::prelude::*;

use super::driver::{Driver, Given};
use crate::packet::Timestamp;
use crate::read::column::Address;
use crate::read::memory::Pass;
use crate::read::tree::Wanted;
use crate::read::walk::{Piece, Quoted};

/// Segments between few ends, most of them with a header that makes sense.
fn segments() -> impl Strategy<Value = Vec<(Vec<u8>, u8, u8)>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..90);
    let sensible = (
        any::<[u8; 20]>(),
        0..4_u32,
        5..16_u8,
        prop::collection::vec(any::<u8>(), 0..90),
    )
        .prop_map(|(mut header, seq, words, rest)| {
            header[..4].copy_from_slice(&[0, 80, 0, 81]);
            header[4..8].copy_from_slice(&(seq * 40).to_be_bytes());
            header[8..11].fill(0);
            header[12] = words << 4 | header[12] & 15;
            [header.as_slice(), &rest].concat()
        });
    prop::collection::vec(
        (prop_oneof![1 => bytes, 4 => sensible], 0..3_u8, any::<u8>()),
        1..40,
    )
}

#[test]
fn what_a_reset_says_breaks_no_line() {
    let mut driver = Driver::new(Wanted::all(), Pass::Only);
    let mut bytes = vec![
        0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x14, 0, 9, 0, 0, 0, 0,
    ];
    bytes.extend(b"\x1b[2J\r\ngone");
    let given = Given {
        frame: 1,
        ts: Timestamp(0),
        source: Address::Ipv4([10, 0, 0, 1]),
        destination: Address::Ipv4([10, 0, 0, 2]),
        reported: bytes.len(),
        bytes,
        piece: Piece::Whole,
        quoted: Quoted::No,
    };
    driver.dissect(&given).unwrap();
    // As tshark prints fields: what would break a line is escaped there, everything in the tree.
    assert_eq!(driver.last("tcp.reset_cause"), "\u{1b}[2J\\r\\ngone");
}

proptest! {
    #[test]
    fn any_bytes_are_read_as_far_as_they_go(segments in segments(), all in any::<bool>()) {
        let wanted = if all { Wanted::all() } else { Wanted::none() };
        let mut driver = Driver::new(wanted, Pass::First);
        for _pass in 0..2 {
            for (number, (bytes, host, more)) in segments.iter().enumerate() {
                let given = Given {
                    frame: number as u64 + 1,
                    ts: Timestamp(number as u64 * 1_000_000),
                    source: Address::Ipv4([10, 0, 0, *host]),
                    destination: Address::Ipv4([10, 0, 0, 1 - host.min(&1)]),
                    bytes: bytes.clone(),
                    reported: bytes.len() + usize::from(more % 3),
                    piece: if more % 7 == 0 { Piece::Fragment } else { Piece::Whole },
                    quoted: if more % 11 == 0 { Quoted::Icmp } else { Quoted::No },
                };
                let _outcome = driver.dissect(&given);
                let _text = (driver.info(), driver.lines());
            }
            driver.memory.begin_second_pass();
        }
    }

    #[test]
    fn what_is_wanted_does_not_change_the_list(segments in segments()) {
        let mut with = Driver::new(Wanted::all(), Pass::Only);
        let mut without = Driver::new(Wanted::none(), Pass::Only);
        for (number, (bytes, host, _)) in segments.iter().enumerate() {
            let given = Given {
                frame: number as u64 + 1,
                ts: Timestamp(number as u64 * 1_000_000),
                source: Address::Ipv4([10, 0, 0, *host]),
                destination: Address::Ipv4([10, 0, 0, 1 - host.min(&1)]),
                bytes: bytes.clone(),
                reported: bytes.len(),
                piece: Piece::Whole,
                quoted: Quoted::No,
            };
            let outcomes = (with.dissect(&given), without.dissect(&given));
            prop_assert_eq!(outcomes.0, outcomes.1);
            prop_assert_eq!(with.info(), without.info());
        }
    }

    /// With only the numbers wanted that are asked for most, the rest is not even looked at.
    #[test]
    fn numbers_that_are_wanted_alone_are_those_among_all_fields(segments in segments()) {
        let names = [
            "tcp.srcport", "tcp.dstport", "tcp.port", "tcp.stream", "tcp.completeness", "tcp.len", "tcp.seq",
            "tcp.seq_raw", "tcp.nxtseq", "tcp.ack", "tcp.ack_raw", "tcp.hdr_len", "tcp.flags",
            "tcp.window_size_value", "tcp.window_size",
        ];
        let mut wanted = Wanted::none();
        for name in names {
            wanted.add(crate::read::registry::by_name(name).next().unwrap());
        }
        let mut all = Driver::new(Wanted::all(), Pass::Only);
        let mut alone = Driver::new(wanted, Pass::Only);
        for (number, (bytes, host, more)) in segments.iter().enumerate() {
            let given = Given {
                frame: number as u64 + 1,
                ts: Timestamp(number as u64 * 1_000_000),
                source: Address::Ipv4([10, 0, 0, *host]),
                destination: Address::Ipv4([10, 0, 0, 1 - host.min(&1)]),
                bytes: bytes.clone(),
                reported: bytes.len(),
                piece: if more % 7 == 0 { Piece::Fragment } else { Piece::Whole },
                quoted: if more % 11 == 0 { Quoted::Icmp } else { Quoted::No },
            };
            prop_assert_eq!(all.dissect(&given), alone.dissect(&given));
            for name in names {
                prop_assert_eq!(all.values(name), alone.values(name), "{}", name);
            }
        }
    }
}
