//! Names of numbers in QUIC (RFC 9000, and what implementations made up).

use crate::read::proto::names::pick;

pub(super) fn form(value: u64) -> Option<&'static str> {
    pick(value, &["Short Header", "Long Header"])
}

pub(super) fn kind(value: u64) -> Option<&'static str> {
    pick(value, &["Initial", "0-RTT", "Handshake", "Retry"])
}

pub(super) fn kind_v2(value: u64) -> Option<&'static str> {
    pick(value, &["Retry", "Initial", "0-RTT", "Handshake"])
}

pub(super) fn number_len(value: u64) -> Option<&'static str> {
    pick(value, &["1 bytes", "2 bytes", "3 bytes", "4 bytes"])
}

pub(super) fn initiator(value: u64) -> Option<&'static str> {
    pick(value, &["Client-initiated", "Server-initiated"])
}

pub(super) fn direction(value: u64) -> Option<&'static str> {
    pick(value, &["Bidirectional", "Unidirectional"])
}

pub(crate) fn version(value: u64) -> Option<&'static str> {
    const DRAFTS: [&str; 31] = [
        "draft-04", "draft-05", "draft-06", "draft-07", "draft-08", "draft-09", "draft-10",
        "draft-11", "draft-12", "draft-13", "draft-14", "draft-15", "draft-16", "draft-17",
        "draft-18", "draft-19", "draft-20", "draft-21", "draft-22", "draft-23", "draft-24",
        "draft-25", "draft-26", "draft-27", "draft-28", "draft-29", "draft-30", "draft-31",
        "draft-32", "draft-33", "draft-34",
    ];
    Some(match value {
        0 => "Version Negotiation",
        1 => "1",
        0x4547_4700..=0x4547_47ff => "Quant",
        0x5043_5130..=0x5043_5131 => "Picoquic internal",
        0x5052_4f58 => "Proxied QUIC (PROX)",
        0x5130_3433 => "Google Q043",
        0x5130_3434 => "Google Q044",
        0x5130_3436 => "Google Q046",
        0x5130_3530 => "Google Q050",
        0x5147_4f00..=0x5147_4fff => "QGO (QUIC GO)",
        0x5430_3530 => "Google T050",
        0x5430_3531 => "Google T051",
        0x6b33_43cf => "2",
        0x709a_50c4 => "v2-draft-01",
        0x91c1_7000..=0x91c1_70ff => "Quicly",
        0xabcd_0000..=0xabcd_000f => "MsQuic",
        0xf0f0_f0f0..=0xf0f0_f0ff => "ETH Zürich (Measurability experiments)",
        0xf0f0_f1f0..=0xf0f0_f1ff => "Telecom Italia (Measurability experiments)",
        0xf123_f0c0..=0xf123_f0cf => "MozQuic",
        0xface_b001 => "Facebook mvfst (draft-22)",
        0xface_b002 => "Facebook mvfst (draft-27)",
        0xface_b003..=0xface_b00d | 0xface_b00f => "Facebook mvfst",
        0xface_b00e => "Facebook mvfst (Experimental)",
        0xff00_0004..=0xff00_0022 => return pick(value - 0xff00_0004, &DRAFTS),
        0xff02_0000 => "v2-draft-00",
        _ => return None,
    })
}

/// As the list shows them; `None` of those that nobody knows.
pub(super) const fn frame_short(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "PADDING",
        0x01 => "PING",
        0x02 => "ACK",
        0x03 => "ACK_ECN",
        0x04 => "RS",
        0x05 => "SS",
        0x06 => "CRYPTO",
        0x07 => "NT",
        0x08..=0x0f => "STREAM",
        0x10 => "MD",
        0x11 => "MSD",
        0x12 | 0x13 => "MS",
        0x14 => "DB",
        0x15 => "SDB",
        0x16 | 0x17 => "SB",
        0x18 => "NCI",
        0x19 => "RC",
        0x1a => "PC",
        0x1b => "PR",
        0x1c | 0x1d => "CC",
        0x1e => "DONE",
        0x30 | 0x31 => "DG",
        0xac => "IA",
        0xaf => "AF",
        0x2f5 => "TS",
        _ => return None,
    })
}

pub(super) const fn frame(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "PADDING",
        0x01 => "PING",
        0x02 | 0x03 => "ACK",
        0x04 => "RESET_STREAM",
        0x05 => "STOP_SENDING",
        0x06 => "CRYPTO",
        0x07 => "NEW_TOKEN",
        0x08..=0x0f => "STREAM",
        0x10 => "MAX_DATA",
        0x11 => "MAX_STREAM_DATA",
        0x12 => "MAX_STREAMS (BIDI)",
        0x13 => "MAX_STREAMS (UNI)",
        0x14 => "DATA_BLOCKED",
        0x15 => "STREAM_DATA_BLOCKED",
        0x16 => "STREAMS_BLOCKED (BIDI)",
        0x17 => "STREAMS_BLOCKED (UNI)",
        0x18 => "NEW_CONNECTION_ID",
        0x19 => "RETIRE_CONNECTION_ID",
        0x1a => "PATH_CHALLENGE",
        0x1b => "PATH_RESPONSE",
        0x1c => "CONNECTION_CLOSE (Transport)",
        0x1d => "CONNECTION_CLOSE (Application)",
        0x1e => "HANDSHAKE_DONE",
        0x30 | 0x31 => "DATAGRAM",
        0x40 => "MP_NEW_CONNECTION_ID",
        0x41 => "MP_RETIRE_CONNECTION_ID",
        0x42 | 0x43 => "MP_ACK",
        0x44 => "ADD_ADDRESS",
        0x45 => "REMOVE_ADDRESS",
        0x46 => "UNIFLOWS",
        0xac => "IMMEDIATE_ACK",
        0xaf => "ACK_FREQUENCY",
        0x2f5 => "TIME_STAMP",
        _ => return None,
    })
}

pub(super) const fn error(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "NO_ERROR",
        1 => "INTERNAL_ERROR",
        2 => "CONNECTION_REFUSED",
        3 => "FLOW_CONTROL_ERROR",
        4 => "STREAM_ID_ERROR",
        5 => "STREAM_STATE_ERROR",
        6 => "FINAL_SIZE_ERROR",
        7 => "FRAME_ENCODING_ERROR",
        8 => "TRANSPORT_PARAMETER_ERROR",
        9 => "CONNECTION_ID_LIMIT_ERROR",
        10 => "PROTOCOL_VIOLATION",
        11 => "INVALID_TOKEN",
        12 => "APPLICATION_ERROR",
        13 => "CRYPTO_BUFFER_EXCEEDED",
        14 => "KEY_UPDATE_ERROR",
        15 => "AEAD_LIMIT_REACHED",
        16 => "NO_VIABLE_PATH",
        17 => "VERSION_NEGOTIATION_ERROR",
        256..=511 => "CRYPTO_ERROR",
        _ => return None,
    })
}
