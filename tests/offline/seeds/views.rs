//! Lists, choices, exports, statistics and pictures.

use std::fs;
use std::path::Path;

use super::{CHECKED, CLOSING, HANDSHAKE, RESET, RESOLUTION, SESSION, WRONG_ACK, read, run, seeds};

/// A row: its name, a capture, options, and what is printed, line by line, without indent.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const LISTS: &[Row] = &[
    (
        "V2",
        HANDSHAKE,
        &["-n"],
        &[
            "1 0.000000000   10.1.1.123 → 10.1.1.52    TCP 62 56678 → 6000 [SYN] Seq=0 Win=8192 Len=0 MSS=1460 SACK_PERM",
            "2 0.002362000    10.1.1.52 → 10.1.1.123   TCP 62 6000 → 56678 [SYN, ACK] Seq=0 Ack=1 Win=8192 Len=0 MSS=1460 SACK_PERM",
            "3 0.002387000   10.1.1.123 → 10.1.1.52    TCP 54 56678 → 6000 [ACK] Seq=1 Ack=1 Win=64240 Len=0",
        ],
    ),
    // The figure of RFC 9293, filled with the values of the rows F27 to F42.
    (
        "V11",
        HANDSHAKE,
        &["--diagram=tcp", "-Y", "frame.number == 2"],
        &[
            "Frame 2: 62 bytes on wire (496 bits), 62 bytes captured (496 bits) on interface unknown, id 0",
            "Transmission Control Protocol, Src Port: 6000, Dst Port: 56678, Seq: 0, Ack: 1, Len: 0",
            "0                   1                   2                   3",
            "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1",
            "┌───────────────────────────────┬───────────────────────────────┐",
            "0 │          Source Port          │       Destination Port        │",
            "│             6000              │             56678             │",
            "├───────────────────────────────┴───────────────────────────────┤",
            "4 │                        Sequence Number                        │",
            "│                 0 (relative sequence number)                  │",
            "├───────────────────────────────────────────────────────────────┤",
            "8 │                     Acknowledgment Number                     │",
            "│                    1 (relative ack number)                    │",
            "├───────┬───────────────────────┬───────────────────────────────┤",
            "12 │Header │         Flags         │            Window             │",
            "│Length │   0x012 (SYN, ACK)    │             8192              │",
            "│  28   │                       │                               │",
            "│ bytes │                       │                               │",
            "├───────┴───────────────────────┼───────────────────────────────┤",
            "16 │           Checksum            │        Urgent Pointer         │",
            "│      0x5bf8 [unverified]      │               0               │",
            "├───────────────────────────────┴───────────────────────────────┤",
            "20 │                            Options                            │",
            "│     (8 bytes), Maximum segment size, No-Operation (NOP),      │",
            "│              No-Operation (NOP), SACK permitted               │",
            "│                                                               │",
            "24 │                                                               │",
            "└───────────────────────────────────────────────────────────────┘",
        ],
    ),
    // The last acknowledgment is 2, which one tutorial has as 1.
    (
        "V13",
        CLOSING,
        &["-n"],
        &[
            "1 0.000000000   10.1.1.123 → 10.1.1.52    TCP 54 56678 → 6000 [FIN, ACK] Seq=1 Ack=1 Win=64240 Len=0",
            "2 0.000369000    10.1.1.52 → 10.1.1.123   TCP 54 6000 → 56678 [ACK] Seq=1 Ack=2 Win=64240 Len=0",
            "3 0.000800000    10.1.1.52 → 10.1.1.123   TCP 54 6000 → 56678 [FIN, ACK] Seq=1 Ack=2 Win=64240 Len=0",
            "4 0.000840000   10.1.1.123 → 10.1.1.52    TCP 54 56678 → 6000 [ACK] Seq=2 Ack=2 Win=64240 Len=0",
        ],
    ),
    (
        "V14",
        RESET,
        &["-n", "-Y", "tcp.flags.reset eq 1"],
        &[
            "5 0.350057000 157.55.135.130 → 172.31.116.114 TCP 60 443 → 51018 [RST, ACK] Seq=1 Ack=1 Win=256 Len=0",
        ],
    ),
    (
        "V22",
        RESOLUTION,
        &[],
        &[
            "1 0.000000000 EdimaxTe_22:c7:be → Broadcast    ARP 60 Who has 192.168.113.1? Tell 192.168.113.208",
            "2 0.001000000 EdimaxTe_00:00:01 → EdimaxTe_22:c7:be ARP 60 192.168.113.1 is at 00:50:fc:00:00:01",
            "3 0.002000000 192.168.113.208 → 192.168.113.1 TCP 62 1064 → 21 [SYN] Seq=0 Win=16384 Len=0 MSS=1460 SACK_PERM",
            "4 0.003000000 192.168.113.1 → 192.168.113.208 TCP 62 21 → 1064 [SYN, ACK] Seq=0 Ack=1 Win=17520 Len=0 MSS=1460 SACK_PERM",
            "5 0.004000000 192.168.113.208 → 192.168.113.1 TCP 60 1064 → 21 [ACK] Seq=1 Ack=1 Win=17520 Len=0",
        ],
    ),
    (
        "V23",
        RESOLUTION,
        &["-Y", "arp.opcode == 1"],
        &[
            "1 0.000000000 EdimaxTe_22:c7:be → Broadcast    ARP 60 Who has 192.168.113.1? Tell 192.168.113.208",
        ],
    ),
    (
        "V24",
        RESOLUTION,
        &["-x", "-Y", "frame.number == 3"],
        &[
            "0000  00 50 fc 00 00 01 00 50 fc 22 c7 be 08 00 45 00   .P.....P.\"....E.",
            "0010  00 30 30 21 40 00 80 06 66 84 c0 a8 71 d0 c0 a8   .00!@...f...q...",
            "0020  71 01 04 28 00 15 3a df 05 53 00 00 00 00 70 02   q..(..:..S....p.",
            "0030  40 00 9a 8d 00 00 02 04 05 b4 01 01 04 02         @.............",
        ],
    ),
    (
        "T4",
        WRONG_ACK,
        &["-n", "-Y", "frame.number == 4"],
        &[
            "4 0.003000000 192.168.113.1 → 192.168.113.208 TCP 62 21 → 1064 [SYN, ACK] Seq=0 Ack=0 Win=17520 Len=0 MSS=1460 SACK_PERM",
        ],
    ),
    (
        "F40",
        HANDSHAKE,
        &["-n", CHECKED[4], CHECKED[5], "-Y", "frame.number == 3"],
        &[
            "3 0.002387000   10.1.1.123 → 10.1.1.52    TCP 54 56678 → 6000 [ACK] Seq=1 Ack=1 Win=64240 [TCP CHECKSUM INCORRECT] Len=0",
        ],
    ),
];

/// Statistics; what is printed without the lines that are rules.
const STATISTICS: &[Row] = &[
    (
        "V26",
        HANDSHAKE,
        &["-q", "-z", "expert"],
        &[
            "Chats (2)",
            "Frequency      Group           Protocol  Summary",
            "1   Sequence                TCP  Connection establish request (SYN): server port 6000",
            "1   Sequence                TCP  Connection establish acknowledge (SYN+ACK): server port 6000",
        ],
    ),
    (
        "2.7",
        SESSION,
        &["-n", "-q", "-z", "conv,tcp,tcp.port==6000"],
        &[
            "TCP Conversations",
            "Filter:tcp.port==6000",
            "|       <-      | |       ->      | |     Total     |    Relative    |   Duration   |",
            "| Frames  Bytes | | Frames  Bytes | | Frames  Bytes |      Start     |              |",
            "10.1.1.123:56678           <-> 10.1.1.52:6000                   4 224 bytes       5 289 bytes       9 513 bytes     1.980000000        10.0008",
        ],
    ),
    (
        "T6",
        SESSION,
        &["-n", "-q", "-z", "follow,tcp,ascii,1"],
        &[
            "Follow: tcp,ascii",
            "Filter: tcp.stream eq 1",
            "Node 0: 10.1.1.123:56678",
            "Node 1: 10.1.1.52:6000",
            "11",
            "hetinlabtcp",
        ],
    ),
];

#[test]
fn lists_and_bytes_of_the_seeds_are_as_printed() {
    let Some(folder) = seeds() else {
        return;
    };
    for (name, file, options, expected) in LISTS {
        let text = read(&folder.join(file), options);
        let lines: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(lines, *expected, "{name}: {file}");
    }
}

#[test]
fn statistics_of_the_seeds_are_as_printed() {
    let Some(folder) = seeds() else {
        return;
    };
    for (name, file, options, expected) in STATISTICS {
        let text = read(&folder.join(file), options);
        let lines: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.trim_matches('=').is_empty())
            .collect();
        assert_eq!(lines, *expected, "{name}: {file}");
    }
}

/// The colors of a list: background and foreground of each line.
fn colors(file: &Path, options: &[&str]) -> Vec<(String, String)> {
    let text = read(file, &[&["-n"], options].concat());
    let codes = |line: &str| {
        let (background, rest) = line.strip_prefix("\u{1b}[48;2;")?.split_once('m')?;
        let (foreground, _) = rest.strip_prefix("\u{1b}[38;2;")?.split_once('m')?;
        Some((background.to_owned(), foreground.to_owned()))
    };
    text.lines().map(|line| codes(line).unwrap()).collect()
}

#[test]
fn the_seeds_have_the_colors_of_their_rules() {
    let Some(folder) = seeds() else {
        return;
    };
    // The rules' numbers have 16 bits, of which a terminal takes the upper eight.
    let [closing, usual, reset, arp] = [
        ("160;160;160", "18;39;46"),
        ("231;230;255", "18;39;46"),
        ("164;0;0", "255;252;156"),
        ("250;240;215", "18;39;46"),
    ];
    for (file, expected) in [
        (HANDSHAKE, &[closing, closing, usual][..]),
        (CLOSING, &[closing, usual, closing, usual]),
        (RESET, &[closing, closing, usual, closing, reset]),
        (RESOLUTION, &[arp, arp, closing, closing, usual]),
    ] {
        let found = colors(&folder.join(file), &["--color"]);
        let found: Vec<_> = found
            .iter()
            .map(|(back, fore)| (&**back, &**fore))
            .collect();
        assert_eq!(found, expected, "V18: {file}");
    }
    // The frames of one conversation stand out from those of others, and have one color.
    let conversation = "tcp.stream == 1";
    let found = colors(
        &folder.join(SESSION),
        &["--color=conversation", "-Y", conversation],
    );
    assert_eq!(found.len(), 9, "V6");
    assert!(
        found.iter().all(|color| *color == found[0]),
        "V6: {found:?}"
    );
    let others = colors(
        &folder.join(SESSION),
        &["--color=conversation", "-Y", "tcp.stream == 0"],
    );
    assert!(
        others.iter().all(|color| *color != found[0]),
        "V6: {others:?}"
    );
}

#[test]
fn marked_frames_and_ranges_are_exported_and_numbered_anew() {
    let Some(folder) = seeds() else {
        return;
    };
    let file = folder.join(SESSION);
    let scratch = tempfile::tempdir().unwrap();
    let bytes = |file: &Path, frames: &str| {
        read(
            file,
            &["-x", "-Y", &format!("frame.number in {{{frames}}}")],
        )
    };
    for (name, options, original, count) in [
        ("V8", &["--frames", "70,73,74"][..], "70,73,74", 3),
        ("V9", &["--frames", "428-431"], "428..431", 4),
        ("V10", &["--handshake", "--stream", "1"], "70,73,74", 3),
        ("V13", &["--teardown", "--stream", "1"], "428..431", 4),
        (
            "V7",
            &["--frames", "70,73,74,428-431", "--mark=seen"],
            "70,73,74,428..431",
            7,
        ),
    ] {
        let out = scratch.path().join(format!("{name}.pcapng"));
        let path = out.to_str().unwrap();
        let run = run("export", &file, &[&["-w", path], options].concat());
        assert!(
            run.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
        let numbers = read(&out, &["-T", "fields", "-e", "frame.number"]);
        let expected: Vec<_> = (1..=count)
            .map(|number: usize| number.to_string())
            .collect();
        assert_eq!(numbers.lines().collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(read(&out, &["-x"]), bytes(&file, original), "{name}");
        if name == "V7" {
            let marks = read(&out, &["-T", "fields", "-e", "frame.comment"]);
            assert_eq!(marks.lines().collect::<Vec<_>>(), ["seen"; 7], "{name}");
        }
    }
    // What is chosen by reading is the same.
    let out = scratch.path().join("read.pcapng");
    let choose = "frame.number in {70,73,74}";
    read(&file, &["-Y", choose, "-w", out.to_str().unwrap()]);
    assert_eq!(read(&out, &["-x"]), bytes(&file, "70,73,74"), "V8");
}

#[test]
fn the_bytes_of_a_header_stand_beside_its_fields() {
    let Some(folder) = seeds() else {
        return;
    };
    let text = read(
        &folder.join(RESOLUTION),
        &["-T", "json", "-x", "-Y", "frame.number == 3"],
    );
    let words: String = text.split_whitespace().collect();
    for expected in [
        // Where it begins, and how long it is.
        "\"tcp_raw\":[\"042800153adf055300000000700240009a8d0000020405b401010402\",34,28,0,1]",
        "\"tcp.srcport_raw\":[\"0428\",34,2,0,5]",
        "\"tcp.srcport\":\"1064\"",
        "\"tcp.seq_raw_raw\":[\"3adf0553\",38,4,0,7]",
        "\"tcp.seq_raw\":\"987694419\"",
    ] {
        assert!(words.contains(expected), "V24: {expected} is not in {text}");
    }
}

#[test]
fn a_handshake_and_a_closing_are_seen_at_a_glance() {
    let Some(folder) = seeds() else {
        return;
    };
    let options = ["-n", "-q", "-z", "flow,tcp,network,tcp.stream == 1"];
    let text = read(&folder.join(SESSION), &options);
    for expected in [
        "SYN",
        "SYN, ACK",
        "FIN, ACK",
        "10.1.1.123",
        "10.1.1.52",
        "56678",
        "6000",
    ] {
        assert!(text.contains(expected), "2.7: {expected} is not in {text}");
    }
    let scratch = tempfile::tempdir().unwrap();
    for kind in ["time-sequence", "throughput", "rtt", "window"] {
        let picture = scratch.path().join(format!("{kind}.svg"));
        let path = picture.to_str().unwrap();
        let options = ["--stream", "1", "--kind", kind, "-o", path];
        let run = run("plot", &folder.join(SESSION), &options);
        assert!(
            run.status.success(),
            "{kind}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
        assert!(
            fs::read_to_string(picture).unwrap().contains("</svg>"),
            "{kind}"
        );
    }
}
