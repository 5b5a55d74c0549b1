//! Values of fields, frame by frame.

use super::{CHECKED, CLOSING, HANDSHAKE, RESET, RESOLUTION, SESSION, WRONG_ACK, read, seeds};

/// A row: its name, a capture, a field, and its value in each frame, apart by blanks; `-` is none.
type Row = (&'static str, &'static str, &'static str, &'static str);

const SEPARATOR: char = '\u{1}';

/// With one pass, as a stream is printed.
const ONE_PASS: &[Row] = &[
    ("F6", HANDSHAKE, "frame.number", "1 2 3"),
    ("F7", HANDSHAKE, "frame.len", "62 62 54"),
    ("F8", RESET, "frame.cap_len", "66 66 54 54 60"),
    ("F9", RESET, "frame.marked", "0 0 0 0 0"),
    ("F9", RESET, "frame.ignored", "0 0 0 0 0"),
    (
        "F10",
        RESET,
        "frame.protocols",
        "eth:ethertype:ip:tcp eth:ethertype:ip:tcp eth:ethertype:ip:tcp eth:ethertype:ip:tcp eth:ethertype:ip:tcp",
    ),
    (
        "F2",
        RESET,
        "frame.time_epoch",
        "1542252322.026419000 1542252322.116476000 1542252322.121476000 1542252322.251015000 1542252322.376476000",
    ),
    (
        "F3",
        HANDSHAKE,
        "frame.time_delta",
        "0.000000000 0.002362000 0.000025000",
    ),
    (
        "F4",
        HANDSHAKE,
        "frame.time_delta_displayed",
        "0.000000000 0.002362000 0.000025000",
    ),
    (
        "F5",
        HANDSHAKE,
        "frame.time_relative",
        "0.000000000 0.002362000 0.002387000",
    ),
    (
        "F12",
        HANDSHAKE,
        "eth.dst",
        "02:00:7b:16:02:43 02:00:04:78:01:7b 02:00:7b:16:02:43",
    ),
    (
        "F12",
        HANDSHAKE,
        "eth.src",
        "02:00:04:78:01:7b 02:00:7b:16:02:43 02:00:04:78:01:7b",
    ),
    ("F12", HANDSHAKE, "eth.dst.lg", "1 1 1"),
    ("F12", RESOLUTION, "eth.dst.ig", "1 0 0 0 0"),
    (
        "F13",
        RESOLUTION,
        "eth.type",
        "0x0806 0x0806 0x0800 0x0800 0x0800",
    ),
    ("F14", RESOLUTION, "arp.hw.type", "1 1 - - -"),
    ("F14", RESOLUTION, "arp.proto.type", "0x0800 0x0800 - - -"),
    ("F14", RESOLUTION, "arp.hw.size", "6 6 - - -"),
    ("F14", RESOLUTION, "arp.proto.size", "4 4 - - -"),
    ("F14", RESOLUTION, "arp.opcode", "1 2 - - -"),
    (
        "F15",
        RESOLUTION,
        "arp.src.hw_mac",
        "00:50:fc:22:c7:be 00:50:fc:00:00:01 - - -",
    ),
    (
        "F15",
        RESOLUTION,
        "arp.src.proto_ipv4",
        "192.168.113.208 192.168.113.1 - - -",
    ),
    (
        "F15",
        RESOLUTION,
        "arp.dst.hw_mac",
        "00:00:00:00:00:00 00:50:fc:22:c7:be - - -",
    ),
    (
        "F15",
        RESOLUTION,
        "arp.dst.proto_ipv4",
        "192.168.113.1 192.168.113.208 - - -",
    ),
    ("F16", RESOLUTION, "ip.version", "- - 4 4 4"),
    ("F16", RESOLUTION, "ip.hdr_len", "- - 20 20 20"),
    ("F17", RESOLUTION, "ip.dsfield", "- - 0x00 0x00 0x00"),
    ("F17", RESOLUTION, "ip.dsfield.dscp", "- - 0 0 0"),
    ("F17", RESOLUTION, "ip.dsfield.ecn", "- - 0 0 0"),
    ("F18", RESOLUTION, "ip.len", "- - 48 48 40"),
    ("F19", RESOLUTION, "ip.id", "- - 0x3021 0x1f00 0x3022"),
    ("F20", RESOLUTION, "ip.flags.df", "- - 1 1 1"),
    ("F20", RESOLUTION, "ip.flags.mf", "- - 0 0 0"),
    ("F20", HANDSHAKE, "ip.flags.df", "1 1 1"),
    ("F20", HANDSHAKE, "ip.frag_offset", "0 0 0"),
    ("F21", RESOLUTION, "ip.ttl", "- - 128 128 128"),
    ("F22", RESOLUTION, "ip.proto", "- - 6 6 6"),
    (
        "F24",
        RESOLUTION,
        "ip.src",
        "- - 192.168.113.208 192.168.113.1 192.168.113.208",
    ),
    (
        "F24",
        RESOLUTION,
        "ip.dst",
        "- - 192.168.113.1 192.168.113.208 192.168.113.1",
    ),
    ("F27", HANDSHAKE, "tcp.srcport", "56678 6000 56678"),
    ("F27", HANDSHAKE, "tcp.dstport", "6000 56678 6000"),
    ("F27", RESOLUTION, "tcp.port", "- - 1064,21 21,1064 1064,21"),
    ("F28", HANDSHAKE, "tcp.stream", "0 0 0"),
    ("F29", HANDSHAKE, "tcp.completeness", "0 1 3"),
    ("F30", HANDSHAKE, "tcp.len", "0 0 0"),
    ("F31", HANDSHAKE, "tcp.seq", "0 0 1"),
    ("F31", CLOSING, "tcp.seq", "1 1 1 2"),
    (
        "F31",
        HANDSHAKE,
        "tcp.seq_raw",
        "439041101 4294878487 439041102",
    ),
    ("F32", HANDSHAKE, "tcp.nxtseq", "1 1 1"),
    ("F32", CLOSING, "tcp.nxtseq", "2 1 2 2"),
    ("F33", HANDSHAKE, "tcp.ack", "0 1 1"),
    ("F33", CLOSING, "tcp.ack", "1 2 2 2"),
    ("F33", HANDSHAKE, "tcp.ack_raw", "0 439041102 4294878488"),
    ("F34", HANDSHAKE, "tcp.hdr_len", "28 28 20"),
    ("F35", HANDSHAKE, "tcp.flags", "0x0002 0x0012 0x0010"),
    ("F35", CLOSING, "tcp.flags", "0x0011 0x0010 0x0011 0x0010"),
    ("F36", HANDSHAKE, "tcp.flags.syn", "1 1 0"),
    ("F36", HANDSHAKE, "tcp.flags.ack", "0 1 1"),
    ("F36", CLOSING, "tcp.flags.fin", "1 0 1 0"),
    ("F36", RESET, "tcp.flags.reset", "0 0 0 0 1"),
    ("F36", HANDSHAKE, "tcp.flags.ae", "0 0 0"),
    (
        "F37",
        HANDSHAKE,
        "tcp.flags.str",
        "··········S· ·······A··S· ·······A····",
    ),
    ("F38", HANDSHAKE, "tcp.window_size_value", "8192 8192 64240"),
    ("F38", HANDSHAKE, "tcp.window_size", "8192 8192 64240"),
    ("F39", HANDSHAKE, "tcp.window_size_scalefactor", "- - -2"),
    ("F39", CLOSING, "tcp.window_size_scalefactor", "-1 -1 -1 -1"),
    ("F40", HANDSHAKE, "tcp.checksum", "0x16d3 0x5bf8 0x16cb"),
    (
        "F40",
        CLOSING,
        "tcp.checksum",
        "0x16cb 0xadbf 0xadbe 0x16cb",
    ),
    ("F40", HANDSHAKE, "tcp.checksum.status", "2 2 2"),
    ("F41", HANDSHAKE, "tcp.urgent_pointer", "0 0 0"),
    (
        "F42",
        HANDSHAKE,
        "tcp.options",
        "020405b401010402 020405b401010402 -",
    ),
    ("F43", HANDSHAKE, "tcp.options.mss_val", "1460 1460 -"),
    ("F43", HANDSHAKE, "tcp.option_kind", "2,1,1,4 2,1,1,4 -"),
    ("F43", HANDSHAKE, "tcp.option_len", "4,2 4,2 -"),
    ("F48", CLOSING, "tcp.connection.fin_active", "1 - - -"),
    ("F48", CLOSING, "tcp.connection.fin_passive", "- - 1 -"),
    ("F49", HANDSHAKE, "tcp.analysis.acks_frame", "- 1 2"),
    ("F49", CLOSING, "tcp.analysis.acks_frame", "- 1 - 3"),
    (
        "F50",
        HANDSHAKE,
        "tcp.analysis.ack_rtt",
        "- 0.002362000 0.000025000",
    ),
    (
        "F50",
        CLOSING,
        "tcp.analysis.ack_rtt",
        "- 0.000369000 - 0.000040000",
    ),
    (
        "F51",
        HANDSHAKE,
        "tcp.analysis.initial_rtt",
        "- - 0.002387000",
    ),
    ("F51", CLOSING, "tcp.analysis.initial_rtt", "- - - -"),
    (
        "F52",
        RESOLUTION,
        "tcp.seq_raw",
        "- - 987694419 1773195208 987694420",
    ),
    (
        "F52",
        RESOLUTION,
        "tcp.ack_raw",
        "- - 0 987694420 1773195209",
    ),
    (
        "F53",
        RESOLUTION,
        "tcp.window_size_value",
        "- - 16384 17520 17520",
    ),
    (
        "F53",
        RESOLUTION,
        "tcp.checksum",
        "- - 0x9a8d 0x5c93 0x8957",
    ),
    ("F54", RESOLUTION, "tcp.hdr_len", "- - 28 28 20"),
    // What acknowledges one byte too little belongs to no segment.
    ("T4", WRONG_ACK, "tcp.ack", "- - 0 0 1"),
    ("T4", WRONG_ACK, "tcp.analysis.acks_frame", "- - - - 4"),
    (
        "T4",
        WRONG_ACK,
        "tcp.analysis.ack_rtt",
        "- - - - 0.001000000",
    ),
    (
        "T5",
        RESET,
        "frame.time_delta",
        "0.000000000 0.090057000 0.005000000 0.129539000 0.125461000",
    ),
    (
        "T5",
        RESET,
        "frame.time_relative",
        "0.000000000 0.090057000 0.095057000 0.224596000 0.350057000",
    ),
    ("T5", RESET, "eth.padding", "- - - - 000000000000"),
    ("T5", RESET, "ip.ttl", "128 229 128 128 229"),
];

/// With two, as windows show it.
const TWO_PASSES: &[Row] = &[
    ("F29", HANDSHAKE, "tcp.completeness", "7 7 7"),
    (
        "F51",
        HANDSHAKE,
        "tcp.analysis.initial_rtt",
        "- 0.002387000 0.002387000",
    ),
    ("V12", HANDSHAKE, "tcp.seq", "0 0 1"),
    ("V12", HANDSHAKE, "tcp.ack", "0 1 1"),
    ("V13", CLOSING, "tcp.completeness", "20 20 20 20"),
    ("T2", CLOSING, "tcp.analysis.initial_rtt", "- - - -"),
];

/// With checksums checked: 0 is bad, 1 is good.
const WITH_CHECKSUMS: &[Row] = &[
    ("F40", HANDSHAKE, "tcp.checksum.status", "0 1 0"),
    (
        "F40",
        HANDSHAKE,
        "tcp.checksum_calculated",
        "0x0120 0x5bf8 0xadcb",
    ),
    ("F23", RESET, "ip.checksum.status", "1 1 1 1 1"),
    ("V20", RESOLUTION, "ip.checksum.status", "- - 1 1 1"),
    ("T3", RESOLUTION, "tcp.checksum.status", "- - 1 1 1"),
];

fn compare(rows: &[Row], options: &[&str]) {
    let Some(folder) = seeds() else {
        return;
    };
    for (name, file, field, expected) in rows {
        let separator = format!("separator={SEPARATOR}");
        let fields = [
            "-T",
            "fields",
            "-E",
            &separator,
            "-e",
            "frame.number",
            "-e",
            field,
        ];
        let text = read(&folder.join(file), &[&["-n"], options, &fields].concat());
        let values: Vec<_> = text
            .lines()
            .map(|line| match line.split_once(SEPARATOR) {
                Some((_, "")) => "-",
                Some((_, value)) => value,
                // A field that was asked for twice is one.
                None => line,
            })
            .collect();
        assert_eq!(values.join(" "), *expected, "{name}: {field} of {file}");
    }
}

#[test]
fn fields_of_the_seeds_are_as_printed() {
    compare(ONE_PASS, &[]);
}

#[test]
fn with_two_passes_the_seeds_are_as_in_windows() {
    compare(TWO_PASSES, &["-2"]);
}

#[test]
fn checksums_of_the_seeds_are_right_where_they_were_computed() {
    compare(WITH_CHECKSUMS, &CHECKED);
}

#[test]
fn the_conversation_has_nine_frames_and_eleven_bytes() {
    let Some(folder) = seeds() else {
        return;
    };
    let file = folder.join(SESSION);
    let ask = |filter: &str, field: &str| {
        let text = read(&file, &["-n", "-Y", filter, "-T", "fields", "-e", field]);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let both = "ip.addr == 10.1.1.123 and ip.addr == 10.1.1.52";
    let frames = ["70", "73", "74", "100", "101", "428", "429", "430", "431"];
    assert_eq!(ask(both, "frame.number"), frames, "V5");
    // What the colour of a conversation stands for.
    let rule = "(ip.addr eq 10.1.1.123 and ip.addr eq 10.1.1.52) and (tcp.port eq 56678 and tcp.port eq 6000)";
    assert_eq!(ask(rule, "frame.number"), frames, "V6");
    assert_eq!(
        ask("tcp.len > 0 && tcp.port == 6000", "tcp.payload"),
        ["686574696e6c6162746370"],
        "V3"
    );
    assert_eq!(
        ask("tcp.payload contains \"hetinlabtcp\"", "frame.number"),
        ["100"],
        "V3"
    );
    // A protocol is looked through to the end of what it carries, and parts of it are of its header.
    for protocol in ["frame", "eth", "ip", "tcp"] {
        let filter = format!("{protocol} contains \"hetinlabtcp\"");
        assert_eq!(ask(&filter, "frame.number"), ["100"], "V3: {filter}");
    }
    assert!(ask("ip[20:2] == dd:66", "frame.number").is_empty());
    assert_eq!(ask("tcp[20:3] == 68:65:74", "frame.number"), ["100"]);
    let dots = ask("frame.number in {70,73,74}", "tcp.flags.str");
    assert_eq!(
        dots,
        ["··········S·", "·······A··S·", "·······A····"],
        "V12"
    );
    let closing = ask("tcp.stream == 1 && tcp.flags.fin == 1", "frame.number");
    assert_eq!(closing, ["428", "430"], "V13");
    assert!(ask("tcp.connection.rst", "frame.number").is_empty(), "V14");
    assert!(
        ask("tcp.flags.fin==1 && tcp.flags.ack==0", "frame.number").is_empty(),
        "V16"
    );
    let reset = folder.join(RESET);
    let reset = read(
        &reset,
        &[
            "-Y",
            "tcp.connection.rst",
            "-T",
            "fields",
            "-e",
            "frame.number",
        ],
    );
    assert_eq!(reset.trim(), "5", "V14");
}
