//! Versions of QUIC: what they call their packets, and with what their first packets are protected
//! (RFC 9001 section 5.2, RFC 9369 section 3, and the drafts before them).

/// Version 2 (RFC 9369).
pub(super) const V2: u32 = 0x6b33_43cf;

/// A kind of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first ones of a connection.
    Initial,
    /// Data of the client before the handshake is done.
    ZeroRtt,
    Handshake,
    /// The server wants the client to begin again.
    Retry,
    /// The server does not know the version.
    Negotiation,
    /// A short header: everything after the handshake.
    Short,
}

impl Kind {
    /// Of a long header.
    pub(super) const fn of(first: u8, version: u32) -> Self {
        if version == 0 {
            return Self::Negotiation;
        }
        // Version 2 numbers them otherwise (RFC 9369 section 3.2).
        let shift = if is_v2(version) { 3 } else { 0 };
        match ((first >> 4) + shift) & 3 {
            0 => Self::Initial,
            1 => Self::ZeroRtt,
            2 => Self::Handshake,
            _ => Self::Retry,
        }
    }

    /// As the list shows it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Initial => "Initial",
            Self::ZeroRtt => "0-RTT",
            Self::Handshake => "Handshake",
            Self::Retry => "Retry",
            Self::Negotiation => "Version Negotiation",
            Self::Short => "Protected Payload",
        }
    }
}

/// Whether packets are numbered and protected as in version 2.
pub(super) const fn is_v2(version: u32) -> bool {
    version == V2
}

/// Whether it stands for no version, and is sent to see what the server does (RFC 9000 section 15).
pub(super) const fn is_grease(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// The number of the draft that the version is like; 34 for version 1, 100 for version 2, 0 for what
/// is not known.
pub(super) const fn draft(version: u32) -> u32 {
    match version {
        1 => 34,
        V2 => 100,
        0xff00_0000..=0xff00_00ff => version & 0xff,
        0xface_b001 => 22,
        0xface_b002 | 0xface_b00e => 27,
        // Google's with TLS.
        0x5130_3530 | 0x5430_3530 | 0x5430_3531 => 27,
        // Wireshark takes it for a draft.
        _ if is_grease(version) => 29,
        _ => 0,
    }
}

/// Whether packets with this version can be told from other datagrams.
pub(super) const fn is_known(version: u32) -> bool {
    draft(version) >= 11
}

/// What the secrets of a connection's first packets are derived with.
pub(super) const fn salt(version: u32) -> [u8; 20] {
    match (version, draft(version)) {
        (0x5130_3530, _) => [
            0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3,
            0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45,
        ],
        (0x5430_3530, _) => [
            0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2,
            0x36, 0x7c, 0x60, 0x48, 0x83, 0x10,
        ],
        (0x5430_3531, _) => [
            0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f,
            0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d,
        ],
        (_, 1..=22) => [
            0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51,
            0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a,
        ],
        (_, 23..=28) => [
            0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
            0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02,
        ],
        (_, 29..=32) => [
            0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
            0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99,
        ],
        (_, 33 | 34) => [
            0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
            0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
        ],
        _ => [
            0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
            0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
        ],
    }
}

/// Key and nonce of the tag by which a client knows that a Retry answers it (RFC 9001 section 5.8).
pub(super) const fn retry_key(version: u32) -> ([u8; 16], [u8; 12]) {
    match draft(version) {
        0..=28 => (
            [
                0x4d, 0x32, 0xec, 0xdb, 0x2a, 0x21, 0x33, 0xc8, 0x41, 0xe4, 0x04, 0x3d, 0xf2, 0x7d,
                0x44, 0x30,
            ],
            [
                0x4d, 0x16, 0x11, 0xd0, 0x55, 0x13, 0xa5, 0x52, 0xc5, 0x87, 0xd5, 0x75,
            ],
        ),
        29..=32 => (
            [
                0xcc, 0xce, 0x18, 0x7e, 0xd0, 0x9a, 0x09, 0xd0, 0x57, 0x28, 0x15, 0x5a, 0x6c, 0xb9,
                0x6b, 0xe1,
            ],
            [
                0xe5, 0x49, 0x30, 0xf9, 0x7f, 0x21, 0x36, 0xf0, 0x53, 0x0a, 0x8c, 0x1c,
            ],
        ),
        33 | 34 => (
            [
                0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68,
                0xc8, 0x4e,
            ],
            [
                0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb,
            ],
        ),
        _ => (
            [
                0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c,
                0xcc, 0x92,
            ],
            [
                0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a,
            ],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9000 section 17.2, RFC 9369 section 3.2.
    #[test]
    fn version_2_numbers_its_packets_otherwise() {
        let kinds = |version| [0xc0, 0xd0, 0xe0, 0xf0].map(|first| Kind::of(first, version));
        use Kind::{Handshake, Initial, Retry, ZeroRtt};
        assert_eq!(kinds(1), [Initial, ZeroRtt, Handshake, Retry]);
        assert_eq!(kinds(V2), [Retry, Initial, ZeroRtt, Handshake]);
    }
}
