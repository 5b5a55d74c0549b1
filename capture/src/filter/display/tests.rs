//! What filters mean, held against tshark's answers for the same words (4.0.17), and how errors point
//! at their place.

use std::sync::Arc;

use super::DisplayFilter;
use crate::packet::{LinkType, Packet, PacketMeta, Timestamp};
use crate::read::{Columns, Frame, Frames, Tree};
use crate::source::file::PacketOptions;

/// A frame with these bytes and number.
fn tree_of(filter: &DisplayFilter, data: &[u8]) -> Tree {
    let mut tree = Tree::new(Arc::new(filter.wanted().clone()));
    let packet = Packet {
        meta: PacketMeta {
            ts: Timestamp::new(1_659_494_280, 2_362_000),
            wire_len: data.len() as u32,
            link: LinkType::ETHERNET,
            ..PacketMeta::UNKNOWN
        },
        data,
    };
    let frame = Frame {
        section: None,
        number: 7,
        packet,
        iface: None,
        options: PacketOptions::default(),
        first: packet.meta.ts,
        previous: packet.meta.ts,
        previous_shown: packet.meta.ts,
    };
    Frames::default().dissect(&frame, &mut tree, &mut Columns::default());
    tree
}

/// Ethernet from 02:00:04:78:01:7b to a group address, of a type that nobody knows, with text.
const FRAME: &[u8] = b"\x03\x00\x7b\x16\x02\x43\x02\x00\x04\x78\x01\x7b\xff\xf0hetinlabtcp";

fn matches(filter: &str) -> bool {
    let filter = DisplayFilter::new(filter).unwrap_or_else(|error| panic!("{error}"));
    let tree = tree_of(&filter, FRAME);
    filter.matches(&tree, FRAME)
}

#[test]
fn fields_are_there_or_not() {
    assert!(matches("eth"));
    assert!(matches("eth.src and frame.number"));
    assert!(!matches("tcp"));
    assert!(matches("not tcp"));
    assert!(matches("!tcp && !udp"));
    assert!(matches(""));
}

#[test]
fn and_binds_closer_than_xor_and_that_closer_than_or() {
    assert!(matches("eth or tcp and udp"));
    assert!(!matches("(eth or tcp) and udp"));
    assert!(matches("eth xor tcp"));
    assert!(!matches("eth ^^ frame"));
    assert!(matches("eth || eth xor eth"));
    assert!(matches("tcp and udp or eth"));
}

#[test]
fn numbers_are_compared_by_signs_and_by_words() {
    for filter in [
        "frame.number == 7",
        "frame.number eq 0x7",
        "frame.number != 8",
        "frame.number ne 8",
        "frame.number < 8",
        "frame.number le 7",
        "frame.number > 06",
        "frame.number ge 7",
        "7 == frame.number",
        "6 < frame.number",
        "6 < frame.number < 8",
        "frame.number in {1, 3, 5..9}",
        "frame.number in {7}",
        "frame.number not in {1..6, 8}",
        "frame.number + 1 == 8",
        "frame.number * 2 - 4 == 10",
        "frame.number % 4 == 3",
        "frame.number & 4",
        "frame.number & 6 == 6",
        "-frame.number == -7",
        "frame.len == 25 and frame.cap_len == frame.len",
    ] {
        assert!(matches(filter), "{filter}");
    }
    for filter in [
        "frame.number & 8",
        "frame.number == 8",
        "frame.number / 0 == 0",
    ] {
        assert!(!matches(filter), "{filter}");
    }
}

#[test]
fn any_value_does_and_for_unequal_all_have_to() {
    // Both addresses are eth.addr in Wireshark; here the one that the tree has.
    assert!(matches("all eth.addr != 02:00:00:00:00:00"));
    assert!(matches("any frame.number == 7"));
}

#[test]
fn bytes_are_sliced_and_searched() {
    for filter in [
        "eth.src == 02:00:04:78:01:7b",
        "eth.src == 02-00-04-78-01-7b",
        "eth.src == 0200.0478.017b",
        "eth.src[0:2] == 02:00",
        "eth.src[0] == 2",
        "eth.src[0-1] == 02:00",
        "eth.src[1:2,4] == 00:04:01",
        "eth.src[-1] == 7b",
        "eth.src[4:] == 01:7b",
        "eth.src[:1] == 02",
        "eth.src[0] == '\\x02'",
        "eth[0] & 1",
        "frame[0:3] == 03:00:7b",
        "frame contains \"hetin\"",
        "frame contains 68:65:74",
        "frame matches \"HETIN\"",
        "frame matches \"h.tin(lab|fab)\"",
        "frame matches r\"lab\\w+$\"",
        "data.data contains \"lab\"",
        "eth.src contains 04:78",
        "len(data.data) == 11",
        "count(eth.src) == 1",
        "upper(frame.number) == \"7\" or lower(data.data) contains \"tcp\"",
    ] {
        assert!(matches(filter), "{filter}");
    }
    assert!(!matches("eth.src[1] & 1"));
    assert!(!matches("eth.src[9] == 1"), "there is no such byte");
    assert!(!matches("frame contains \"HETIN\""));
}

#[test]
fn times_are_compared() {
    assert!(matches("frame.time > \"2022-08-03 02:38:00\""));
    assert!(matches("frame.time < \"Aug  3, 2022 02:38:01\""));
    assert!(matches("frame.time_epoch == 1659494280.002362"));
}

#[test]
fn errors_point_at_their_place() {
    for (filter, column, part) in [
        ("frame.foo == 1", 1, "neither a field nor a protocol"),
        ("eth and frame.numbr == 1", 9, "neither a field"),
        ("frame.number ==", 16, "something is missing"),
        ("frame.number == foo", 17, "not a number"),
        ("frame.number == 99999999999", 17, "too big"),
        ("eth.src == 02:00", 12, "not a MAC address"),
        ("eth or", 7, "something is missing"),
        ("(eth", 5, "something is missing"),
        ("eth eth", 5, "does not belong here"),
        ("frame.number = 7", 14, "means nothing here"),
        ("frame contains \"x", 16, "does not end"),
        ("frame matches \"(\"", 15, "no regular expression"),
        ("frame.number contains 1", 1, "neither"),
        ("eth.src[x] == 1", 8, "no slice"),
        ("nosuch(eth)", 1, "no function"),
        ("1", 1, "neither"),
        ("\"a\" == \"b\"", 1, "field has to be here"),
    ] {
        let error = DisplayFilter::new(filter).unwrap_err();
        assert_eq!(error.column(), column, "{filter}: {error}");
        assert!(error.to_string().contains(part), "{filter}: {error}");
    }
}

#[test]
fn an_unknown_field_names_the_nearest() {
    let error = DisplayFilter::new("frame.numbr == 1")
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean frame.number"), "{error}");
    let mark = error.lines().nth(2);
    assert_eq!(mark, Some("    ^~~~~~~~~~~"));
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = "(".repeat(100_000);
    assert!(DisplayFilter::new(&deep).is_err());
    let not = "!".repeat(100_000);
    assert!(DisplayFilter::new(&not).is_err());
    let minus = format!("frame.number == {}1", "-".repeat(100_000));
    assert!(DisplayFilter::new(&minus).is_err());
}

#[test]
fn thousands_of_tests_need_no_deep_stack() {
    for chain in [" || frame.len == 1", " && eth", " xor eth", " == frame.len"] {
        let text = format!("frame.len{}", chain.repeat(30_000));
        let filter = DisplayFilter::new(&text).unwrap();
        let tree = tree_of(&filter, FRAME);
        let _matched = filter.matches(&tree, FRAME);
    }
}

#[test]
fn long_sums_and_slices_of_slices_are_an_error_and_no_overflow() {
    for link in ["+1", "*1", "&1", "[0:1]", "#1"] {
        let text = format!("frame.len{} == 1", link.repeat(30_000));
        assert!(DisplayFilter::new(&text).is_err(), "{link}");
    }
    assert!(DisplayFilter::new(&format!("frame.len{} == 1", "+1".repeat(100))).is_ok());
}

#[test]
fn the_order_of_joined_tests_stays() {
    // Or binds least, and each chain is as if its terms stood alone.
    for (text, holds) in [
        ("udp or arp or frame or udp", true),
        ("frame and frame and frame and udp and frame", false),
        ("frame xor frame xor frame", true),
        ("frame xor frame xor frame xor frame", false),
        ("udp and frame or frame and not udp or arp", true),
    ] {
        let filter = DisplayFilter::new(text).unwrap();
        let tree = tree_of(&filter, FRAME);
        assert_eq!(filter.matches(&tree, FRAME), holds, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z .()\\[\\]{}\"'0-9:=!<>&|^~,#/*%+-]{0,60}") {
        if let Ok(filter) = DisplayFilter::new(&text) {
            let tree = tree_of(&filter, FRAME);
            let _matched = filter.matches(&tree, FRAME);
        }
    }
}
