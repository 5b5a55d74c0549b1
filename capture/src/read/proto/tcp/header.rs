//! The fixed part of the TCP header (RFC 9293 section 3.1), as the other parts look at it.

/// Shortest header.
pub(super) const MIN_LEN: usize = 20;

/// The twelve flags, reserved bits included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(super) u16);

impl Flags {
    pub(super) const FIN: Self = Self(0x001);
    pub(super) const SYN: Self = Self(0x002);
    pub(super) const RST: Self = Self(0x004);
    pub(super) const PSH: Self = Self(0x008);
    pub(super) const ACK: Self = Self(0x010);
    pub(super) const URG: Self = Self(0x020);
    pub(super) const ECE: Self = Self(0x040);
    pub(super) const CWR: Self = Self(0x080);
    pub(super) const AE: Self = Self(0x100);
    pub(super) const RESERVED: Self = Self(0xe00);

    /// Any of these is set.
    #[inline]
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These and those.
    #[inline]
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// SYN and ACK alone.
    #[inline]
    pub(super) const fn handshake(self) -> Self {
        Self(self.0 & (Self::SYN.0 | Self::ACK.0))
    }

    /// AE, CWR and ECE as a number (draft-ietf-tcpm-accurate-ecn section 3.2.2).
    pub(super) const fn ace(self) -> u8 {
        (self.has(Self::AE) as u8) << 2
            | (self.has(Self::CWR) as u8) << 1
            | self.has(Self::ECE) as u8
    }
}

/// Whether AE, CWR and ECE are flags of their own, or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EcnBits {
    #[default]
    Flags,
    Number,
}

/// What a header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) seq: u32,
    pub(super) ack: u32,
    /// Its length: where the payload begins.
    pub(super) payload_at: usize,
    pub(super) flags: Flags,
    pub(super) window: u16,
    /// Bytes of payload on the wire, where that can be told: not of a fragment, nor within an ICMP
    /// error.
    pub(super) len: Option<u32>,
}

/// How far a conversation went: `tcp.completeness`.
pub(super) mod completeness {
    use super::Flags;

    pub(in super::super) const SYN: u8 = 1;
    const SYN_ACK: u8 = 2;
    const ACK: u8 = 4;
    const DATA: u8 = 8;
    const FIN: u8 = 16;
    const RST: u8 = 32;

    /// What a segment adds. The first one of a conversation adds nothing unless it is a SYN.
    pub(in super::super) fn of(flags: Flags, len: u32, is_first: bool) -> u8 {
        if is_first {
            return match (flags.handshake() == Flags::SYN, len) {
                (true, 0) => SYN,
                (true, _) => SYN | DATA,
                (false, _) => 0,
            };
        }
        let mut bits = 0;
        if flags.handshake() == Flags::SYN.with(Flags::ACK) {
            bits |= SYN_ACK;
        }
        if flags.handshake() == Flags::ACK {
            bits |= if len > 0 { DATA } else { ACK };
        }
        let closing = Flags::FIN.with(Flags::ACK);
        if flags.0 & closing.0 == closing.0 {
            bits |= FIN;
        }
        if flags.has(Flags::RST) {
            bits |= RST;
        }
        bits
    }

    /// Its name.
    pub(in super::super) const fn name(value: u8) -> &'static str {
        match value {
            1 => "Incomplete, SYN_SENT",
            3 => "Incomplete, CLIENT_ESTABLISHED",
            7 => "Incomplete, ESTABLISHED",
            15 => "Incomplete, DATA",
            31 | 47 | 63 => "Complete, WITH_DATA",
            23 | 39 | 55 => "Complete, NO_DATA",
            _ => "Incomplete",
        }
    }
}
