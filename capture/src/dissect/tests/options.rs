//! TCP options: those that flows want to know, in any order and company, and broken ones.

use proptest::prelude::*;

use super::build::{ethernet, ipv4, tcp};
use super::{LinkType, TcpOptions, frame, layers_of};

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// A segment with these options, padded with zeros to whole words.
fn segment(flags: u8, options: &[u8]) -> Vec<u8> {
    let words = options.len().div_ceil(4);
    let mut bytes = tcp(5 + words as u8, flags, b"payload");
    bytes[20..20 + words * 4].fill(0);
    bytes[20..20 + options.len()].copy_from_slice(options);
    ethernet(0x0800, &ipv4(6, &bytes))
}

fn options(flags: u8, options: &[u8]) -> TcpOptions {
    super::tcp(&frame(&segment(flags, options))).options
}

#[test]
fn a_syn_says_what_its_sender_can() {
    // Linux: MSS 1460, SACK permitted, timestamps, no-operation, window scale 7.
    let linux = [
        2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
    ];
    let expected = TcpOptions {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: true,
    };
    assert_eq!(options(SYN, &linux), expected);
    assert_eq!(options(SYN | ACK, &linux), expected);
    // The others are not looked for without SYN.
    let timestamps = TcpOptions {
        timestamps: true,
        ..TcpOptions::default()
    };
    assert_eq!(options(ACK, &linux), timestamps);
}

#[test]
fn timestamps_are_found_wherever_they_are() {
    let stamps = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    for before in [&[1_u8, 1][..], &[], &[1], &[5, 10, 0, 0, 0, 1, 0, 0, 0, 9]] {
        let all = [before, &stamps].concat();
        assert!(options(ACK, &all).timestamps, "{before:?}");
    }
    // Behind the end of options there is nothing.
    assert!(!options(ACK, &[&[0_u8][..], &stamps].concat()).timestamps);
    assert_eq!(options(ACK, &[1, 1, 1, 1]), TcpOptions::default());
    // The usual bytes, but of a header that ends before they do.
    assert!(!options(ACK, &[1, 1, 8, 10]).timestamps);
}

#[test]
fn an_option_whose_length_cannot_be_ends_the_options() {
    let mss = [2, 4, 5, 0xb4];
    for broken in [&[3_u8, 0][..], &[254, 200], &[3]] {
        let all = [&mss[..], broken].concat();
        let found = options(SYN, &all);
        assert_eq!(
            (found.mss, found.window_scale),
            (Some(1460), None),
            "{broken:?}"
        );
    }
    let all = [&[254, 0][..], &mss].concat();
    assert_eq!(options(SYN, &all).mss, None);
    // Too short for what they should hold, but they can be stepped over.
    for short in [&[2_u8, 2][..], &[2, 3, 5], &[3, 2], &[8, 6, 0, 0, 0, 0]] {
        let all = [short, &[4, 2]].concat();
        let expected = TcpOptions {
            sack_permitted: true,
            ..TcpOptions::default()
        };
        assert_eq!(options(SYN, &all), expected, "{short:?}");
    }
}

#[test]
fn options_that_were_not_captured_are_not_there() {
    let data = segment(SYN, &[2, 4, 0x05, 0xb4, 3, 3, 7]);
    for cut in 54..62 {
        let layers = layers_of(LinkType::ETHERNET, &data[..cut], data.len());
        let found = super::tcp(&layers).options;
        assert_eq!(found.mss, (cut >= 58).then_some(1460), "{cut}");
        assert_eq!(found.window_scale, (cut >= 61).then_some(7), "{cut}");
    }
}

proptest! {
    #[test]
    fn any_options_are_read_to_their_end(
        flags in 0_u8..64,
        bytes in prop::collection::vec(prop_oneof![0_u8..12, any::<u8>()], 0..=40),
    ) {
        let _found = options(flags, &bytes);
    }
}
