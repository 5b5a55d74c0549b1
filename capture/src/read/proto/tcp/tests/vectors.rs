//! Frames whose every number is known from the documents about Wireshark that they were made from.

use super::driver::{Driver, Given};
use crate::packet::Timestamp;
use crate::read::column::Address;
use crate::read::memory::Pass;
use crate::read::tree::Wanted;
use crate::read::walk::{Piece, Quoted};

/// 2022-08-03 02:38:00 UTC.
const EPOCH: u64 = 1_659_494_280_000_000_000;

const SYN: &str = "02007b16024302000478017b080045000030010040008006e3170a01017b0a010134\
    dd6617701a2b3c4d000000007002200016d30000020405b401010402";
const SYN_ACK: &str = "02000478017b02007b160243080045000030020040008006e2170a0101340a01017b\
    1770dd66fffea5171a2b3c4e701220005bf80000020405b401010402";
const ACK: &str = "02007b16024302000478017b080045000028010140008006e31e0a01017b0a010134\
    dd6617701a2b3c4efffea5185010faf016cb0000";
const CLOSE: [&str; 4] = [
    "02007b16024302000478017b080045000028011040008006e30f0a01017b0a010134\
     dd6617701a2b3c59fffea5185011faf016cb0000",
    "02000478017b02007b160243080045000028021040008006e20f0a0101340a01017b\
     1770dd66fffea5181a2b3c5a5010faf0adbf0000",
    "02000478017b02007b160243080045000028021140008006e20e0a0101340a01017b\
     1770dd66fffea5181a2b3c5a5011faf0adbe0000",
    "02007b16024302000478017b080045000028011140008006e30e0a01017b0a010134\
     dd6617701a2b3c5afffea5195010faf016cb0000",
];
const HOST_1: [&str; 2] = [
    "0050fc0000010050fc22c7be0800450000303021400080066684c0a871d0c0a87101\
     042800153adf055300000000700240009a8d0000020405b401010402",
    "0050fc22c7be0050fc0000010800450000301f004000800677a5c0a87101c0a871d0\
     0015042869b0cfc83adf0554701244705c930000020405b401010402",
];

/// The segment of a frame written out: IPv4 without options on Ethernet.
fn segment(frame: u64, us: u64, hex: &str) -> Given {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let data: Vec<u8> = digits
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect();
    let total = usize::from(u16::from_be_bytes([data[16], data[17]]));
    let address = |at: usize| Address::Ipv4(data[at..at + 4].try_into().unwrap());
    Given {
        frame,
        ts: Timestamp(EPOCH + us * 1000),
        source: address(26),
        destination: address(30),
        bytes: data[34..14 + total].to_vec(),
        reported: total - 20,
        piece: Piece::Whole,
        quoted: Quoted::No,
    }
}

fn driver() -> Driver {
    Driver::new(Wanted::all(), Pass::Only)
}

fn handshake() -> [Given; 3] {
    [
        segment(1, 0, SYN),
        segment(2, 2362, SYN_ACK),
        segment(3, 2387, ACK),
    ]
}

#[test]
fn handshake_has_the_numbers_of_its_document() {
    let expected = [
        ("tcp.stream", ["0", "0", "0"]),
        ("tcp.completeness", ["0", "1", "3"]),
        ("tcp.len", ["0", "0", "0"]),
        ("tcp.seq", ["0", "0", "1"]),
        ("tcp.seq_raw", ["439041101", "4294878487", "439041102"]),
        ("tcp.nxtseq", ["1", "1", "1"]),
        ("tcp.ack", ["0", "1", "1"]),
        ("tcp.hdr_len", ["28", "28", "20"]),
        ("tcp.window_size", ["8192", "8192", "64240"]),
        ("tcp.window_size_scalefactor", ["", "", "-2"]),
        ("tcp.analysis.acks_frame", ["", "1", "2"]),
        ("tcp.analysis.ack_rtt", ["", "0.002362000", "0.000025000"]),
        ("tcp.analysis.initial_rtt", ["", "", "0.002387000"]),
        ("tcp.options.mss_val", ["1460", "1460", ""]),
        ("tcp.checksum.status", ["0", "1", "0"]),
        (
            "tcp.time_delta",
            ["0.000000000", "0.002362000", "0.000025000"],
        ),
        ("tcp.connection.syn", ["1", "", ""]),
        ("tcp.connection.synack", ["", "1", ""]),
    ];
    let mut driver = driver();
    driver.preferences.tcp_check_checksum = true;
    for (place, given) in handshake().iter().enumerate() {
        driver.dissect(given).unwrap();
        for (name, values) in expected {
            assert_eq!(driver.last(name), values[place], "{name} of {}", place + 1);
        }
    }
}

#[test]
fn wrong_checksums_name_the_right_ones() {
    let mut driver = driver();
    driver.preferences.tcp_check_checksum = true;
    let mut right = Vec::new();
    for given in handshake() {
        driver.dissect(&given).unwrap();
        right.push(driver.last("tcp.checksum_calculated"));
    }
    assert_eq!(right, ["0x0120", "0x5bf8", "0xadcb"]);
}

#[test]
fn list_shows_options_and_relative_numbers() {
    let expected = [
        "56678 → 6000 [SYN] Seq=0 Win=8192 Len=0 MSS=1460 SACK_PERM",
        "6000 → 56678 [SYN, ACK] Seq=0 Ack=1 Win=8192 Len=0 MSS=1460 SACK_PERM",
        "56678 → 6000 [ACK] Seq=1 Ack=1 Win=64240 Len=0",
    ];
    for wanted in [Wanted::all, Wanted::none] {
        let mut driver = Driver::new(wanted(), Pass::Only);
        for (given, expected) in handshake().iter().zip(expected) {
            driver.dissect(given).unwrap();
            assert_eq!(driver.info(), expected);
        }
    }
}

#[test]
fn wrong_checksum_is_told_in_front_of_the_length() {
    let mut driver = driver();
    driver.preferences.tcp_check_checksum = true;
    driver.dissect(&segment(1, 0, SYN)).unwrap();
    let expected =
        "56678 → 6000 [SYN] Seq=0 Win=8192 [TCP CHECKSUM INCORRECT] Len=0 MSS=1460 SACK_PERM";
    assert_eq!(driver.info(), expected);
}

#[test]
fn closing_has_the_numbers_of_its_document() {
    let expected = [
        ("tcp.seq", ["1", "1", "1", "2"]),
        ("tcp.ack", ["1", "2", "2", "2"]),
        ("tcp.nxtseq", ["2", "1", "2", "2"]),
        ("tcp.window_size_scalefactor", ["-1", "-1", "-1", "-1"]),
        ("tcp.analysis.acks_frame", ["", "1", "", "3"]),
        (
            "tcp.analysis.ack_rtt",
            ["", "0.000369000", "", "0.000040000"],
        ),
        ("tcp.analysis.initial_rtt", ["", "", "", ""]),
        ("tcp.connection.fin_active", ["1", "", "", ""]),
        ("tcp.connection.fin_passive", ["", "", "1", ""]),
        ("tcp.completeness", ["0", "0", "4", "20"]),
    ];
    let times = [0, 369, 400, 440];
    let mut driver = driver();
    for (place, (frame, us)) in CLOSE.iter().zip(times).enumerate() {
        driver
            .dissect(&segment(place as u64 + 1, us, frame))
            .unwrap();
        for (name, values) in expected {
            assert_eq!(driver.last(name), values[place], "{name} of {}", place + 1);
        }
    }
}

#[test]
fn acknowledgment_of_the_initial_number_itself_is_of_no_segment() {
    let mut driver = driver();
    driver.dissect(&segment(1, 0, HOST_1[0])).unwrap();
    assert_eq!(driver.last("tcp.seq_raw"), "987694419");
    let wrong = HOST_1[1].replace("3adf0554", "3adf0553");
    driver.dissect(&segment(2, 100, &wrong)).unwrap();
    assert_eq!(driver.last("tcp.ack"), "0");
    assert_eq!(driver.last("tcp.analysis.acks_frame"), "");
    let mut driver = self::driver();
    driver.dissect(&segment(1, 0, HOST_1[0])).unwrap();
    driver.dissect(&segment(2, 100, HOST_1[1])).unwrap();
    assert_eq!(driver.last("tcp.ack"), "1");
    assert_eq!(driver.last("tcp.analysis.acks_frame"), "1");
}

#[test]
fn raw_numbers_are_shown_where_relative_ones_are_not_wanted() {
    let mut driver = driver();
    driver.preferences.tcp_relative_sequence_numbers = false;
    driver.dissect(&segment(1, 0, SYN)).unwrap();
    driver.dissect(&segment(2, 1, SYN_ACK)).unwrap();
    assert_eq!(driver.last("tcp.seq"), "4294878487");
    assert_eq!(driver.last("tcp.ack"), "439041102");
}

#[test]
fn second_pass_knows_what_the_first_one_learned() {
    let mut driver = Driver::new(Wanted::all(), Pass::First);
    for given in handshake() {
        driver.dissect(&given).unwrap();
    }
    driver.memory.begin_second_pass();
    let mut found = Vec::new();
    for given in handshake() {
        driver.dissect(&given).unwrap();
        let names = [
            "tcp.completeness",
            "tcp.analysis.initial_rtt",
            "tcp.analysis.acks_frame",
        ];
        found.push(names.map(|name| driver.last(name)));
    }
    // tshark -2: the initial round trip wherever there is an analysis, and how far it went in the end.
    assert_eq!(
        found,
        [
            ["7", "", ""],
            ["7", "0.002387000", "1"],
            ["7", "0.002387000", "2"]
        ]
    );
}

#[test]
fn flags_are_letters_and_bits() {
    let mut driver = driver();
    driver.dissect(&segment(1, 0, SYN)).unwrap();
    assert_eq!(driver.last("tcp.flags.str"), "··········S·");
    assert_eq!(driver.last("tcp.flags.syn"), "1");
    assert_eq!(driver.last("tcp.flags.ack"), "0");
}

#[test]
fn new_initial_number_is_a_new_stream() {
    let mut driver = driver();
    driver.dissect(&segment(1, 0, SYN)).unwrap();
    driver.dissect(&segment(2, 10, SYN)).unwrap();
    assert_eq!(driver.last("tcp.stream"), "0");
    assert_eq!(driver.last("tcp.analysis.retransmission"), "1");
    driver
        .dissect(&segment(3, 20, &SYN.replace("1a2b3c4d", "1a2b3c4c")))
        .unwrap();
    assert_eq!(driver.last("tcp.stream"), "1");
    assert_eq!(driver.last("tcp.analysis.reused_ports"), "1");
    assert!(driver.info().starts_with("[TCP Port numbers reused] 56678"));
}
