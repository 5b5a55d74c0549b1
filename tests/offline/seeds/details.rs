//! Lines of `-V`, and whole trees.

use std::fs;
use std::process::Command;

use capture_tests::oracle::require;

use super::{CHECKED, CLOSING, HANDSHAKE, RESET, RESOLUTION, SESSION, WRONG_ACK, read, seeds};

/// A row: its name, a capture, a frame, and lines that are in its tree, one after the other.
type Row = (&'static str, &'static str, usize, &'static [&'static str]);

const AS_IT_IS: &[Row] = &[
    (
        "F1",
        RESET,
        5,
        &["Arrival Time: Nov 15, 2018 03:25:22.376476000 UTC"],
    ),
    (
        "F2",
        RESET,
        5,
        &["Epoch Time: 1542252322.376476000 seconds"],
    ),
    (
        "F3",
        RESET,
        5,
        &["[Time delta from previous captured frame: 0.125461000 seconds]"],
    ),
    (
        "F4",
        RESET,
        5,
        &["[Time delta from previous displayed frame: 0.125461000 seconds]"],
    ),
    (
        "F5",
        RESET,
        5,
        &["[Time since reference or first frame: 0.350057000 seconds]"],
    ),
    ("F6", RESET, 5, &["Frame Number: 5"]),
    ("F7", RESET, 5, &["Frame Length: 60 bytes (480 bits)"]),
    ("F7", HANDSHAKE, 1, &["Frame Length: 62 bytes (496 bits)"]),
    ("F8", RESET, 5, &["Capture Length: 60 bytes (480 bits)"]),
    (
        "F9",
        RESET,
        5,
        &["[Frame is marked: False]", "[Frame is ignored: False]"],
    ),
    (
        "F10",
        RESET,
        5,
        &["[Protocols in frame: eth:ethertype:ip:tcp]"],
    ),
    (
        "F12",
        HANDSHAKE,
        1,
        &[
            "Destination: 02:00:7b:16:02:43 (02:00:7b:16:02:43)",
            ".... ..1. .... .... .... .... = LG bit: Locally administered address (this is NOT the factory default)",
            ".... ...0 .... .... .... .... = IG bit: Individual address (unicast)",
            "Source: 02:00:04:78:01:7b (02:00:04:78:01:7b)",
        ],
    ),
    (
        "F12",
        RESET,
        5,
        &[
            "Destination: RealtekS_36:42:ac (00:e0:4c:36:42:ac)",
            "Source: HuaweiTe_c9:6a:22 (04:f9:38:c9:6a:22)",
        ],
    ),
    (
        "F12",
        RESOLUTION,
        1,
        &[
            "Destination: Broadcast (ff:ff:ff:ff:ff:ff)",
            "Source: EdimaxTe_22:c7:be (00:50:fc:22:c7:be)",
        ],
    ),
    (
        "F13",
        RESET,
        5,
        &["Type: IPv4 (0x0800)", "Padding: 000000000000"],
    ),
    ("F13", RESOLUTION, 1, &["Type: ARP (0x0806)"]),
    (
        "F14",
        RESOLUTION,
        1,
        &[
            "Hardware type: Ethernet (1)",
            "Protocol type: IPv4 (0x0800)",
            "Hardware size: 6",
            "Protocol size: 4",
            "Opcode: request (1)",
        ],
    ),
    ("F14", RESOLUTION, 2, &["Opcode: reply (2)"]),
    (
        "F15",
        RESOLUTION,
        1,
        &[
            "Sender MAC address: EdimaxTe_22:c7:be (00:50:fc:22:c7:be)",
            "Sender IP address: 192.168.113.208",
            "Target MAC address: 00:00:00_00:00:00 (00:00:00:00:00:00)",
            "Target IP address: 192.168.113.1",
        ],
    ),
    (
        "F16",
        RESET,
        5,
        &[
            "0100 .... = Version: 4",
            ".... 0101 = Header Length: 20 bytes (5)",
        ],
    ),
    (
        "F17",
        RESET,
        5,
        &[
            "Differentiated Services Field: 0x00 (DSCP: CS0, ECN: Not-ECT)",
            "0000 00.. = Differentiated Services Codepoint: Default (0)",
            ".... ..00 = Explicit Congestion Notification: Not ECN-Capable Transport (0)",
        ],
    ),
    ("F18", RESOLUTION, 3, &["Total Length: 48"]),
    ("F19", RESOLUTION, 3, &["Identification: 0x3021 (12321)"]),
    (
        "F20",
        RESET,
        5,
        &[
            "010. .... = Flags: 0x2, Don't fragment",
            "0... .... = Reserved bit: Not set",
            ".1.. .... = Don't fragment: Set",
            "..0. .... = More fragments: Not set",
            "...0 0000 0000 0000 = Fragment Offset: 0",
        ],
    ),
    ("F21", RESET, 5, &["Time to Live: 229"]),
    ("F22", RESET, 5, &["Protocol: TCP (6)"]),
    (
        "F23",
        RESET,
        5,
        &[
            "Header Checksum: 0x3ecd [validation disabled]",
            "[Header checksum status: Unverified]",
        ],
    ),
    (
        "F24",
        RESET,
        5,
        &[
            "Source Address: 157.55.135.130",
            "Destination Address: 172.31.116.114",
        ],
    ),
    (
        "V19",
        RESET,
        5,
        &[
            "Frame 5: 60 bytes on wire (480 bits), 60 bytes captured (480 bits) on interface unknown, id 0",
            "Ethernet II, Src: HuaweiTe_c9:6a:22 (04:f9:38:c9:6a:22), Dst: RealtekS_36:42:ac (00:e0:4c:36:42:ac)",
            "Internet Protocol Version 4, Src: 157.55.135.130, Dst: 172.31.116.114",
            "Transmission Control Protocol, Src Port: 443, Dst Port: 51018, Seq: 1, Ack: 1, Len: 0",
        ],
    ),
    (
        "F27",
        HANDSHAKE,
        1,
        &["Source Port: 56678", "Destination Port: 6000"],
    ),
    ("F28", HANDSHAKE, 1, &["[Stream index: 0]"]),
    ("F30", HANDSHAKE, 1, &["[TCP Segment Len: 0]"]),
    (
        "F31",
        HANDSHAKE,
        1,
        &[
            "Sequence Number: 0    (relative sequence number)",
            "Sequence Number (raw): 439041101",
        ],
    ),
    (
        "F32",
        HANDSHAKE,
        1,
        &["[Next Sequence Number: 1    (relative sequence number)]"],
    ),
    (
        "F33",
        HANDSHAKE,
        1,
        &["Acknowledgment Number: 0", "Acknowledgment number (raw): 0"],
    ),
    (
        "F33",
        HANDSHAKE,
        2,
        &["Acknowledgment Number: 1    (relative ack number)"],
    ),
    (
        "F34",
        HANDSHAKE,
        1,
        &["0111 .... = Header Length: 28 bytes (7)"],
    ),
    ("F35", HANDSHAKE, 2, &["Flags: 0x012 (SYN, ACK)"]),
    ("F35", CLOSING, 1, &["Flags: 0x011 (FIN, ACK)"]),
    (
        "F36",
        HANDSHAKE,
        1,
        &[
            "000. .... .... = Reserved: Not set",
            "...0 .... .... = Accurate ECN: Not set",
            ".... 0... .... = Congestion Window Reduced: Not set",
            ".... .0.. .... = ECN-Echo: Not set",
            ".... ..0. .... = Urgent: Not set",
            ".... ...0 .... = Acknowledgment: Not set",
            ".... .... 0... = Push: Not set",
            ".... .... .0.. = Reset: Not set",
            ".... .... ..1. = Syn: Set",
        ],
    ),
    (
        "F46",
        HANDSHAKE,
        1,
        &[
            ".... .... ..1. = Syn: Set",
            "[Expert Info (Chat/Sequence): Connection establish request (SYN): server port 6000]",
            "[Connection establish request (SYN): server port 6000]",
            "[Severity level: Chat]",
            "[Group: Sequence]",
            ".... .... ...0 = Fin: Not set",
        ],
    ),
    (
        "F47",
        HANDSHAKE,
        2,
        &[
            "[Expert Info (Chat/Sequence): Connection establish acknowledge (SYN+ACK): server port 6000]",
        ],
    ),
    (
        "F48",
        CLOSING,
        1,
        &[
            ".... .... ...1 = Fin: Set",
            "[Expert Info (Chat/Sequence): Connection finish (FIN)]",
            "[TCP Flags: ·······A···F]",
            "[Expert Info (Note/Sequence): This frame initiates the connection closing]",
        ],
    ),
    (
        "F48",
        CLOSING,
        3,
        &["[Expert Info (Note/Sequence): This frame undergoes the connection closing]"],
    ),
    ("F37", HANDSHAKE, 2, &["[TCP Flags: ·······A··S·]"]),
    (
        "F38",
        HANDSHAKE,
        3,
        &["Window: 64240", "[Calculated window size: 64240]"],
    ),
    (
        "F39",
        HANDSHAKE,
        3,
        &["[Window size scaling factor: -2 (no window scaling used)]"],
    ),
    (
        "F39",
        CLOSING,
        1,
        &["[Window size scaling factor: -1 (unknown)]"],
    ),
    (
        "F40",
        HANDSHAKE,
        1,
        &[
            "Checksum: 0x16d3 [unverified]",
            "[Checksum Status: Unverified]",
        ],
    ),
    ("F41", HANDSHAKE, 1, &["Urgent Pointer: 0"]),
    (
        "F42",
        HANDSHAKE,
        1,
        &[
            "Options: (8 bytes), Maximum segment size, No-Operation (NOP), No-Operation (NOP), SACK permitted",
            "TCP Option - Maximum segment size: 1460 bytes",
            "Kind: Maximum Segment Size (2)",
            "Length: 4",
            "MSS Value: 1460",
            "TCP Option - No-Operation (NOP)",
            "Kind: No-Operation (1)",
            "TCP Option - No-Operation (NOP)",
            "Kind: No-Operation (1)",
            "TCP Option - SACK permitted",
            "Kind: SACK Permitted (4)",
            "Length: 2",
        ],
    ),
    (
        "F49",
        HANDSHAKE,
        2,
        &[
            "[SEQ/ACK analysis]",
            "[This is an ACK to the segment in frame: 1]",
            "[The RTT to ACK the segment was: 0.002362000 seconds]",
        ],
    ),
    (
        "F50",
        HANDSHAKE,
        3,
        &["[The RTT to ACK the segment was: 0.000025000 seconds]"],
    ),
    ("F51", HANDSHAKE, 3, &["[iRTT: 0.002387000 seconds]"]),
    (
        "T4",
        WRONG_ACK,
        4,
        &["Transmission Control Protocol, Src Port: 21, Dst Port: 1064, Seq: 0, Ack: 0, Len: 0"],
    ),
];

const CHECKSUMS: &[Row] = &[
    (
        "F23",
        RESET,
        5,
        &[
            "Header Checksum: 0x3ecd [correct]",
            "[Header checksum status: Good]",
        ],
    ),
    (
        "F40",
        HANDSHAKE,
        1,
        &[
            "Checksum: 0x16d3 incorrect, should be 0x0120(maybe caused by \"TCP checksum offload\"?)",
            "[Checksum Status: Bad]",
        ],
    ),
    (
        "F40",
        HANDSHAKE,
        2,
        &["Checksum: 0x5bf8 [correct]", "[Checksum Status: Good]"],
    ),
    ("F40", RESOLUTION, 3, &["Checksum: 0x9a8d [correct]"]),
];

const TOS: &[Row] = &[(
    "F17",
    RESET,
    5,
    &[
        "Type of Service: 0x00 (None)",
        "000. .... = Precedence: routine (0)",
        "...0 .... = Delay: Normal",
        ".... 0... = Throughput: Normal",
        ".... .0.. = Reliability: Normal",
        ".... ..0. = Cost: Normal",
    ],
)];

const ABSOLUTE: &[Row] = &[(
    "F52",
    RESOLUTION,
    4,
    &[
        "Sequence Number: 1773195208",
        "Acknowledgment Number: 987694420",
    ],
)];

const COLORS: &[Row] = &[
    (
        "F11",
        RESET,
        5,
        &[
            "[Coloring Rule Name: TCP RST]",
            "[Coloring Rule String: tcp.flags.reset eq 1]",
        ],
    ),
    (
        "V18",
        RESOLUTION,
        1,
        &["[Coloring Rule Name: ARP]", "[Coloring Rule String: arp]"],
    ),
    (
        "V18",
        HANDSHAKE,
        3,
        &["[Coloring Rule Name: TCP]", "[Coloring Rule String: tcp]"],
    ),
];

/// The lines of a frame's tree, without their indent.
fn tree(text: &str, frame: usize) -> Vec<&str> {
    let heading = format!("Frame {frame}: ");
    let lines = text.lines().map(str::trim);
    let mut lines = lines.skip_while(|line| !line.starts_with(&heading));
    let first = lines.next();
    let rest = lines.take_while(|line| !line.starts_with("Frame ") || !line.contains(" on wire"));
    first.into_iter().chain(rest).collect()
}

fn compare(rows: &[Row], options: &[&str]) {
    let Some(folder) = seeds() else {
        return;
    };
    for (name, file, frame, expected) in rows {
        let text = read(&folder.join(file), &[&["-V"], options].concat());
        let lines = tree(&text, *frame);
        let mut rest = lines.iter();
        for line in *expected {
            assert!(
                rest.any(|found| found == line),
                "{name}: frame {frame} of {file}: {line:?} is not there, or in another order:\n{}",
                lines.join("\n")
            );
        }
    }
}

#[test]
fn trees_of_the_seeds_are_as_printed() {
    compare(AS_IT_IS, &[]);
}

#[test]
fn options_change_the_trees_of_the_seeds_as_told() {
    compare(CHECKSUMS, &CHECKED);
    compare(TOS, &["-o", "ip.decode_tos_as_diffserv:FALSE"]);
    compare(ABSOLUTE, &["-o", "tcp.relative_sequence_numbers:FALSE"]);
    compare(COLORS, &["--color"]);
}

#[test]
fn the_tree_of_the_handshake_is_that_of_the_tutorial_letter_by_letter() {
    let Some(folder) = seeds() else {
        return;
    };
    let passes: [(&[&str], _); 2] = [
        (&["-V"], "v-handshake-1pass.txt"),
        (&["-V", "-2"], "v-handshake-2pass.txt"),
    ];
    for (arguments, file) in passes {
        let expected = fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read(&folder.join(HANDSHAKE), arguments), expected, "{file}");
    }
}

#[test]
fn every_line_of_every_seed_is_that_of_tshark() {
    let Some(folder) = seeds() else {
        return;
    };
    if !require(&["tshark"]) {
        return;
    }
    for file in [HANDSHAKE, CLOSING, RESET, RESOLUTION, WRONG_ACK, SESSION] {
        let path = folder.join(file);
        // One segment goes to the port of X11, whose requests are not told apart here.
        let plain = ["-n", "-P", "-V", "-x", "-Y", "not x11"];
        let twice = [&["-n", "-P", "-V", "-2", "-Y", "not x11"], &CHECKED[..]].concat();
        for options in [&plain[..], &twice] {
            let theirs = Command::new("tshark")
                .args(options)
                .arg("-r")
                .arg(&path)
                .output()
                .unwrap();
            let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
            let ours = read(&path, options);
            let differs = theirs
                .lines()
                .zip(ours.lines())
                .find(|(theirs, ours)| theirs != ours);
            assert_eq!(differs, None, "{file} {options:?}");
            assert_eq!(
                theirs.lines().count(),
                ours.lines().count(),
                "{file} {options:?}"
            );
        }
    }
}
