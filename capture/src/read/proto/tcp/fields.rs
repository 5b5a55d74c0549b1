//! The fields of TCP: Wireshark's names and types (`tshark -G fields`).

#![expect(clippy::doc_markdown, reason = "titles are Wireshark's")]

use crate::read::field::protocol;

protocol! {
    12, "tcp", "TCP", "Transmission Control Protocol";
    SRCPORT: "tcp.srcport", "Source Port", Uint(16), Dec;
    DSTPORT: "tcp.dstport", "Destination Port", Uint(16), Dec;
    PORT: "tcp.port", "Source or Destination Port", Uint(16), Dec;
    STREAM: "tcp.stream", "Stream index", Uint(32), Dec;
    COMPLETENESS: "tcp.completeness", "Conversation completeness", Uint(8), Dec;
    SEQ: "tcp.seq", "Sequence Number", Uint(32), Dec;
    SEQ_RAW: "tcp.seq_raw", "Sequence Number (raw)", Uint(32), Dec;
    NXTSEQ: "tcp.nxtseq", "Next Sequence Number", Uint(32), Dec;
    ACK: "tcp.ack", "Acknowledgment Number", Uint(32), Dec;
    ACK_RAW: "tcp.ack_raw", "Acknowledgment number (raw)", Uint(32), Dec;
    HDR_LEN: "tcp.hdr_len", "Header Length", Uint(8), Dec;
    FLAGS: "tcp.flags", "Flags", Uint(16), Hex;
    FLAGS_RES: "tcp.flags.res", "Reserved", Bool;
    FLAGS_AE: "tcp.flags.ae", "Accurate ECN", Bool, None, mask = 0x100, bits = 12, names = set_name;
    FLAGS_CWR: "tcp.flags.cwr", "Congestion Window Reduced", Bool, None, mask = 0x80, bits = 12, names = set_name;
    FLAGS_ECE: "tcp.flags.ece", "ECN-Echo", Bool, None, mask = 0x40, bits = 12, names = set_name;
    FLAGS_ACE: "tcp.flags.ace", "ACE", Uint(8), Dec;
    FLAGS_URG: "tcp.flags.urg", "Urgent", Bool, None, mask = 0x20, bits = 12, names = set_name;
    FLAGS_ACK: "tcp.flags.ack", "Acknowledgment", Bool, None, mask = 0x10, bits = 12, names = set_name;
    FLAGS_PUSH: "tcp.flags.push", "Push", Bool, None, mask = 0x8, bits = 12, names = set_name;
    FLAGS_RESET: "tcp.flags.reset", "Reset", Bool, None, mask = 0x4, bits = 12, names = set_name;
    FLAGS_SYN: "tcp.flags.syn", "Syn", Bool, None, mask = 0x2, bits = 12, names = set_name;
    FLAGS_FIN: "tcp.flags.fin", "Fin", Bool, None, mask = 0x1, bits = 12, names = set_name;
    FLAGS_STR: "tcp.flags.str", "TCP Flags", String;
    WINDOW_SIZE_VALUE: "tcp.window_size_value", "Window", Uint(16), Dec;
    WINDOW_SIZE: "tcp.window_size", "Calculated window size", Uint(32), Dec;
    WINDOW_SIZE_SCALEFACTOR: "tcp.window_size_scalefactor", "Window size scaling factor", Int(32), Dec;
    CHECKSUM: "tcp.checksum", "Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "tcp.checksum.status", "Checksum Status", Uint(8), Dec, names = checksum_status;
    CHECKSUM_CALCULATED: "tcp.checksum_calculated", "Calculated Checksum", Uint(16), Hex;
    ANALYSIS: "tcp.analysis", "SEQ/ACK analysis", None;
    ANALYSIS_FLAGS: "tcp.analysis.flags", "TCP Analysis Flags", None;
    ANALYSIS_DUPLICATE_ACK: "tcp.analysis.duplicate_ack", "Duplicate ACK", None;
    ANALYSIS_DUPLICATE_ACK_NUM: "tcp.analysis.duplicate_ack_num", "Duplicate ACK #", Uint(32), Dec;
    ANALYSIS_DUPLICATE_ACK_FRAME: "tcp.analysis.duplicate_ack_frame", "Duplicate to the ACK in frame", FrameNumber;
    CONTINUATION_TO: "tcp.continuation_to", "This is a continuation to the PDU in frame", FrameNumber;
    LEN: "tcp.len", "TCP Segment Len", Uint(32), Dec;
    ANALYSIS_ACKS_FRAME: "tcp.analysis.acks_frame", "This is an ACK to the segment in frame", FrameNumber;
    ANALYSIS_BYTES_IN_FLIGHT: "tcp.analysis.bytes_in_flight", "Bytes in flight", Uint(32), Dec;
    ANALYSIS_PUSH_BYTES_SENT: "tcp.analysis.push_bytes_sent", "Bytes sent since last PSH flag", Uint(32), Dec;
    ANALYSIS_ACK_RTT: "tcp.analysis.ack_rtt", "The RTT to ACK the segment was", RelativeTime;
    ANALYSIS_INITIAL_RTT: "tcp.analysis.initial_rtt", "iRTT", RelativeTime;
    ANALYSIS_RTO: "tcp.analysis.rto", "The RTO for this segment was", RelativeTime;
    ANALYSIS_RTO_FRAME: "tcp.analysis.rto_frame", "RTO based on delta from frame", FrameNumber;
    URGENT_POINTER: "tcp.urgent_pointer", "Urgent Pointer", Uint(16), Dec;
    SEGMENT_OVERLAP: "tcp.segment.overlap", "Segment overlap", Bool;
    SEGMENT_OVERLAP_CONFLICT: "tcp.segment.overlap.conflict", "Conflicting data in segment overlap", Bool;
    SEGMENT_MULTIPLETAILS: "tcp.segment.multipletails", "Multiple tail segments found", Bool;
    SEGMENT_TOOLONGFRAGMENT: "tcp.segment.toolongfragment", "Segment too long", Bool;
    SEGMENT_ERROR: "tcp.segment.error", "Reassembling error", FrameNumber;
    SEGMENT_COUNT: "tcp.segment.count", "Segment count", Uint(32), Dec;
    SEGMENT: "tcp.segment", "TCP Segment", FrameNumber;
    SEGMENTS: "tcp.segments", "Reassembled TCP Segments", None;
    REASSEMBLED_IN: "tcp.reassembled_in", "Reassembled PDU in frame", FrameNumber;
    REASSEMBLED_LENGTH: "tcp.reassembled.length", "Reassembled TCP length", Uint(32), Dec;
    REASSEMBLED_DATA: "tcp.reassembled.data", "Reassembled TCP Data", Bytes;
    OPTION_KIND: "tcp.option_kind", "Kind", Uint(8), Dec, names = kind_name;
    OPTION_LEN: "tcp.option_len", "Length", Uint(8), Dec;
    OPTIONS: "tcp.options", "TCP Options", Bytes;
    OPTIONS_MSS_VAL: "tcp.options.mss_val", "MSS Value", Uint(16), Dec;
    OPTIONS_WSCALE_SHIFT: "tcp.options.wscale.shift", "Shift count", Uint(8), Dec;
    OPTIONS_WSCALE_MULTIPLIER: "tcp.options.wscale.multiplier", "Multiplier", Uint(16), Dec;
    OPTIONS_EXPERIMENTAL_DATA: "tcp.options.experimental.data", "Data", Bytes;
    OPTIONS_EXPERIMENTAL_EXID: "tcp.options.experimental.exid", "Experiment Identifier", Uint(16), Hex, names = experiment_name;
    OPTIONS_UNKNOWN_PAYLOAD: "tcp.options.unknown.payload", "Payload", Bytes;
    OPTIONS_SACK_LE: "tcp.options.sack_le", "TCP SACK Left Edge", Uint(32), Dec;
    OPTIONS_SACK_RE: "tcp.options.sack_re", "TCP SACK Right Edge", Uint(32), Dec;
    OPTIONS_SACK_COUNT: "tcp.options.sack.count", "TCP SACK Count", Uint(8), Dec;
    OPTIONS_SACK_DSACK_LE: "tcp.options.sack.dsack_le", "TCP D-SACK Left Edge", Uint(32), Dec;
    OPTIONS_SACK_DSACK_RE: "tcp.options.sack.dsack_re", "TCP D-SACK Right Edge", Uint(32), Dec;
    OPTIONS_ECHO_VALUE: "tcp.options.echo_value", "TCP Echo Option", Uint(32), Dec;
    OPTIONS_TIMESTAMP_TSVAL: "tcp.options.timestamp.tsval", "Timestamp value", Uint(32), Dec;
    OPTIONS_TIMESTAMP_TSECR: "tcp.options.timestamp.tsecr", "Timestamp echo reply", Uint(32), Dec;
    OPTIONS_CC_VALUE: "tcp.options.cc_value", "TCP CC Option", Uint(32), Dec;
    OPTIONS_MD5_DIGEST: "tcp.options.md5.digest", "MD5 digest", Bytes;
    OPTIONS_AO_KEYID: "tcp.options.ao.keyid", "AO KeyID", Uint(8), Dec;
    OPTIONS_AO_RNEXTKEYID: "tcp.options.ao.rnextkeyid", "AO RNextKeyID", Uint(8), Dec;
    OPTIONS_AO_MAC: "tcp.options.ao.mac", "AO MAC", Bytes;
    OPTIONS_QS_RATE: "tcp.options.qs.rate", "QS Rate", Uint(8), Dec, mask = 0xf, names = rate_name;
    OPTIONS_QS_TTL_DIFF: "tcp.options.qs.ttl_diff", "QS Rate", Uint(8), Dec;
    OPTIONS_TARR_RATE: "tcp.options.tarr.rate", "TARR Rate", Uint(8), Dec, mask = 0xfe;
    OPTIONS_TAR_RESERVED: "tcp.options.tar.reserved", "TARR Reserved", Uint(8), Dec, mask = 0x1;
    OPTIONS_ACC_ECN_EE0B: "tcp.options.acc_ecn.ee0b", "Accurate ECN Echo ECT(0) Byte Counter", Uint(24), Dec;
    OPTIONS_ACC_ECN_ECEB: "tcp.options.acc_ecn.eceb", "Accurate ECN Echo CE Byte Counter", Uint(24), Dec;
    OPTIONS_ACC_ECN_EE1B: "tcp.options.acc_ecn.ee1b", "Accurate ECN Echo ECT(1) Byte Counter", Uint(24), Dec;
    OPTIONS_SCPS_VECTOR: "tcp.options.scps.vector", "TCP SCPS Capabilities Vector", Uint(8), Hex;
    OPTIONS_SCPS_BINDING_ID: "tcp.options.scps.binding.id", "Binding Space (Community) ID", Uint(8), Dec;
    OPTIONS_SCPS_BINDING_LEN: "tcp.options.scps.binding.len", "Extended Capability Length", Uint(8), Dec;
    OPTIONS_SNACK_OFFSET: "tcp.options.snack.offset", "TCP SNACK Offset", Uint(16), Dec;
    OPTIONS_SNACK_SIZE: "tcp.options.snack.size", "TCP SNACK Size", Uint(16), Dec;
    OPTIONS_SNACK_LE: "tcp.options.snack.le", "TCP SNACK Left Edge", Uint(16), Dec;
    OPTIONS_SNACK_RE: "tcp.options.snack.re", "TCP SNACK Right Edge", Uint(16), Dec;
    OPTIONS_SCPSFLAGS_BETS: "tcp.options.scpsflags.bets", "Partial Reliability Capable (BETS)", Bool, None, mask = 0x80, bits = 8, names = set_name;
    OPTIONS_SCPSFLAGS_SNACK1: "tcp.options.scpsflags.snack1", "Short Form SNACK Capable (SNACK1)", Bool, None, mask = 0x40, bits = 8, names = set_name;
    OPTIONS_SCPSFLAGS_SNACK2: "tcp.options.scpsflags.snack2", "Long Form SNACK Capable (SNACK2)", Bool, None, mask = 0x20, bits = 8, names = set_name;
    OPTIONS_SCPSFLAGS_COMPRESS: "tcp.options.scpsflags.compress", "Lossless Header Compression (COMP)", Bool, None, mask = 0x10, bits = 8, names = set_name;
    OPTIONS_SCPSFLAGS_NLTS: "tcp.options.scpsflags.nlts", "Network Layer Timestamp (NLTS)", Bool, None, mask = 0x8, bits = 8, names = set_name;
    OPTIONS_SCPSFLAGS_RESERVED: "tcp.options.scpsflags.reserved", "Reserved", Uint(8), Dec, mask = 0x7;
    OPTIONS_SCPS_BINDING: "tcp.options.scps.binding", "Connection ID", Uint(8), Dec;
    OPTIONS_USER_TO_GRANULARITY: "tcp.options.user_to_granularity", "Granularity", Bool, None, mask = 0x8000, bits = 16, names = granularity_name;
    OPTIONS_USER_TO_VAL: "tcp.options.user_to_val", "User Timeout", Uint(16), Dec, mask = 0x7fff;
    OPTIONS_TFO_REQUEST: "tcp.options.tfo.request", "Fast Open Cookie Request", None;
    OPTIONS_TFO_COOKIE: "tcp.options.tfo.cookie", "Fast Open Cookie", Bytes;
    PDU_TIME: "tcp.pdu.time", "Time until the last segment of this PDU", RelativeTime;
    PDU_SIZE: "tcp.pdu.size", "PDU Size", Uint(32), Dec;
    PDU_LAST_FRAME: "tcp.pdu.last_frame", "Last frame of this PDU", FrameNumber;
    TIME_RELATIVE: "tcp.time_relative", "Time since first frame in this TCP stream", RelativeTime;
    TIME_DELTA: "tcp.time_delta", "Time since previous frame in this TCP stream", RelativeTime;
    SEGMENT_DATA: "tcp.segment_data", "TCP segment data", Bytes;
    PAYLOAD: "tcp.payload", "TCP payload", Bytes;
    OPTIONS_SCPS_BINDING_DATA: "tcp.options.scps.binding.data", "Binding Space Data", Bytes;
    FIN_RETRANSMISSION: "tcp.fin_retransmission", "Retransmission of FIN from frame", FrameNumber;
    RESET_CAUSE: "tcp.reset_cause", "Reset cause", String;
    OPTION_LEN_INVALID: "tcp.option.len.invalid", "Invalid length for option", None;
    ANALYSIS_RETRANSMISSION: "tcp.analysis.retransmission", "This frame is a (suspected) retransmission", None;
    ANALYSIS_FAST_RETRANSMISSION: "tcp.analysis.fast_retransmission", "This frame is a (suspected) fast retransmission", None;
    ANALYSIS_SPURIOUS_RETRANSMISSION: "tcp.analysis.spurious_retransmission", "This frame is a (suspected) spurious retransmission", None;
    ANALYSIS_OUT_OF_ORDER: "tcp.analysis.out_of_order", "This frame is a (suspected) out-of-order segment", None;
    ANALYSIS_REUSED_PORTS: "tcp.analysis.reused_ports", "A new tcp session is started with the same ports as an earlier session in this trace", None;
    ANALYSIS_LOST_SEGMENT: "tcp.analysis.lost_segment", "Previous segment(s) not captured (common at capture start)", None;
    ANALYSIS_ACK_LOST_SEGMENT: "tcp.analysis.ack_lost_segment", "ACKed segment that wasn't captured (common at capture start)", None;
    ANALYSIS_WINDOW_UPDATE: "tcp.analysis.window_update", "TCP window update", None;
    ANALYSIS_WINDOW_FULL: "tcp.analysis.window_full", "TCP window specified by the receiver is now completely full", None;
    ANALYSIS_KEEP_ALIVE: "tcp.analysis.keep_alive", "TCP keep-alive segment", None;
    ANALYSIS_KEEP_ALIVE_ACK: "tcp.analysis.keep_alive_ack", "ACK to a TCP keep-alive segment", None;
    ANALYSIS_ZERO_WINDOW_PROBE: "tcp.analysis.zero_window_probe", "TCP Zero Window Probe", None;
    ANALYSIS_ZERO_WINDOW: "tcp.analysis.zero_window", "TCP Zero Window segment", None;
    ANALYSIS_ZERO_WINDOW_PROBE_ACK: "tcp.analysis.zero_window_probe_ack", "ACK to a TCP Zero Window Probe", None;
    ANALYSIS_TFO_SYN: "tcp.analysis.tfo_syn", "TCP SYN with TFO Cookie", None;
    ANALYSIS_TFO_ACK: "tcp.analysis.tfo_ack", "TCP SYN-ACK accepting TFO data", None;
    ANALYSIS_TFO_IGNORED: "tcp.analysis.tfo_ignored", "TCP SYN-ACK ignoring TFO data", None;
    CONNECTION_FIN_ACTIVE: "tcp.connection.fin_active", "This frame initiates the connection closing", None;
    CONNECTION_FIN_PASSIVE: "tcp.connection.fin_passive", "This frame undergoes the connection closing", None;
    OPTIONS_SACK_DSACK: "tcp.options.sack.dsack", "D-SACK Sequence", None;
    OPTIONS_SNACK_SEQUENCE: "tcp.options.snack.sequence", "SNACK Sequence", None;
    OPTIONS_WSCALE_SHIFT_INVALID: "tcp.options.wscale.shift.invalid", "Window scale shift exceeds 14", None;
    OPTIONS_MSS_ABSENT: "tcp.options.mss.absent", "The SYN packet does not contain a MSS option", None;
    OPTIONS_MSS_PRESENT: "tcp.options.mss.present", "The non-SYN packet does contain a MSS option", None;
    SHORT_SEGMENT: "tcp.short_segment", "Short segment", None;
    ACK_NONZERO: "tcp.ack.nonzero", "The acknowledgment number field is nonzero while the ACK flag is not set", None;
    CONNECTION_SYNACK: "tcp.connection.synack", "Connection establish acknowledge (SYN+ACK)", None;
    CONNECTION_SYN: "tcp.connection.syn", "Connection establish request (SYN)", None;
    CONNECTION_FIN: "tcp.connection.fin", "Connection finish (FIN)", None;
    CONNECTION_RST: "tcp.connection.rst", "Connection reset (RST)", None;
    CHECKSUM_FFFF: "tcp.checksum.ffff", "TCP Checksum 0xffff instead of 0x0000 (see RFC 1624)", None;
    CHECKSUM_BAD_EXPERT: "tcp.checksum_bad.expert", "Bad checksum", None;
    URGENT_POINTER_NON_ZERO: "tcp.urgent_pointer.non_zero", "The urgent pointer field is nonzero while the URG flag is not set", None;
    SUBOPTION_MALFORMED: "tcp.suboption_malformed", "suboption would go past end of option", None;
    NOP: "tcp.nop", "4 NOP in a row - a router may have removed some options", None;
    NON_ZERO_BYTES_AFTER_EOL: "tcp.non_zero_bytes_after_eol", "Non zero bytes in option space after EOL option", None;
    BOGUS_HEADER_LENGTH: "tcp.bogus_header_length", "Bogus TCP Header length", None;
    OPTIONS_NOP: "tcp.options.nop", "TCP Option - No-Operation (NOP)", Bytes;
    OPTIONS_EOL: "tcp.options.eol", "TCP Option - End of Option List (EOL)", Bytes;
    OPTIONS_TIMESTAMP: "tcp.options.timestamp", "TCP Option - Timestamps", Bytes;
    OPTIONS_MSS: "tcp.options.mss", "TCP Option - Maximum segment size", Bytes;
    OPTIONS_WSCALE: "tcp.options.wscale", "TCP Option - Window scale", Bytes;
    OPTIONS_SACK_PERM: "tcp.options.sack_perm", "TCP Option - SACK permitted", Bytes;
    OPTIONS_SACK: "tcp.options.sack", "TCP Option - SACK", Bytes;
    OPTIONS_ECHO: "tcp.options.echo", "TCP Option - Echo", Bytes;
    OPTIONS_ECHOREPLY: "tcp.options.echoreply", "TCP Option - Echo reply", Bytes;
    OPTIONS_CC: "tcp.options.cc", "TCP Option - CC", Bytes;
    OPTIONS_CCNEW: "tcp.options.ccnew", "TCP Option - CC.NEW", Bytes;
    OPTIONS_CCECHO: "tcp.options.ccecho", "TCP Option - CC.ECHO", Bytes;
    OPTIONS_AO: "tcp.options.ao", "TCP Option - TCP AO", Bytes;
    OPTIONS_MD5: "tcp.options.md5", "TCP Option - TCP MD5 signature", Bytes;
    OPTIONS_SCPS: "tcp.options.scps", "TCP Option - SCPS capabilities", Bytes;
    OPTIONS_SNACK: "tcp.options.snack", "TCP Option - Selective Negative Acknowledgment", Bytes;
    OPTIONS_SCPSREC: "tcp.options.scpsrec", "TCP Option - SCPS record boundary", Bytes;
    OPTIONS_SCPSCOR: "tcp.options.scpscor", "TCP Option - SCPS corruption experienced", Bytes;
    OPTIONS_QS: "tcp.options.qs", "TCP Option - Quick-Start", Bytes;
    OPTIONS_USER_TO: "tcp.options.user_to", "TCP Option - User Timeout", Bytes;
    OPTIONS_TFO: "tcp.options.tfo", "TCP Option - TCP Fast Open", Bytes;
    OPTIONS_ACC_ECN: "tcp.options.acc_ecn", "TCP Option - Accurate ECN", Bytes;
    OPTIONS_RVBD_PROBE: "tcp.options.rvbd.probe", "TCP Option - Riverbed Probe", Bytes;
    OPTIONS_RVBD_TRPY: "tcp.options.rvbd.trpy", "TCP Option - Riverbed Transparency", Bytes;
    OPTIONS_EXPERIMENTAL: "tcp.options.experimental", "TCP Option - Experimental", Bytes;
    OPTIONS_UNKNOWN: "tcp.options.unknown", "TCP Option - Unknown", Bytes;
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "fields name their values in one form"
)]
fn rate_name(value: u64) -> Option<&'static str> {
    Some(super::names::quick_start(value as u8))
}

fn checksum_status(value: u64) -> Option<&'static str> {
    ["Bad", "Good", "Unverified", "Not present", "Illegal"]
        .get(usize::try_from(value).ok()?)
        .copied()
}

/// Name of an option's kind.
pub(super) fn kind_name(value: u64) -> Option<&'static str> {
    let name = match value {
        0 => "End of Option List",
        1 => "No-Operation",
        2 => "Maximum Segment Size",
        3 => "Window Scale",
        4 => "SACK Permitted",
        5 => "SACK",
        6 => "Echo",
        7 => "Echo Reply",
        8 => "Time Stamp Option",
        9 => "Partial Order Connection Permitted",
        10 => "Partial Order Service Profile",
        11 => "CC",
        12 => "CC.NEW",
        13 => "CC.ECHO",
        14 => "TCP Alternate Checksum Request",
        15 => "TCP Alternate Checksum Data",
        16 => "Skeeter",
        17 => "Bubba",
        18 => "Trailer Checksum Option",
        19 => "MD5 Signature Option",
        20 => "SCPS Capabilities",
        21 => "Selective Negative Acknowledgements",
        22 => "Record Boundaries",
        23 => "Corruption experienced",
        24 => "SNAP",
        25 => "Unassigned",
        26 => "TCP Compression Filter",
        27 => "Quick-Start Response",
        28 => "User Timeout Option",
        29 => "The TCP Authentication Option",
        30 => "Multipath TCP",
        34 => "TCP Fast Open Cookie",
        76 => "Riverbed Probe",
        78 => "Riverbed Transparency",
        0xac => "Accurate ECN Order 0",
        0xae => "Accurate ECN Order 1",
        0xfd => "RFC3692-style Experiment 1",
        0xfe => "RFC3692-style Experiment 2",
        _ => return None,
    };
    Some(name)
}

/// Name of an experiment (RFC 6994, IANA's registry of ExIDs).
pub(super) fn experiment_name(value: u64) -> Option<&'static str> {
    let name = match value {
        0x00ac => "TCP ACK Rate Request",
        0x0348 => "Host ID",
        0x0a0d => "Autonomous System Compensation",
        0x0ca0 => "Capability Option",
        0x0ed0 => "Extended Data Offset",
        0x454e => "Encryption Negotiation",
        0x5323 => "Service Number",
        0x75ec => "Timestamp Interval",
        0xacc0 => "Accurate ECN - Order 0",
        0xacc1 => "Accurate ECN - Order 1",
        0xacce => "Accurate ECN",
        0xe2d4 => "Shared Memory communications over RMDA protocol",
        0xf989 => "Fast Open",
        0xf990 => "Low Latency",
        _ => return None,
    };
    Some(name)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "fields name their values in one form"
)]
fn set_name(value: u64) -> Option<&'static str> {
    Some(if value == 0 { "Not set" } else { "Set" })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "fields name their values in one form"
)]
fn granularity_name(value: u64) -> Option<&'static str> {
    Some(if value == 0 { "Seconds" } else { "Minutes" })
}
