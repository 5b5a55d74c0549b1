//! What is remembered of a TLS connection: its version, since when it is encrypted, and the handshake
//! message that goes on in the next record.
//!
//! Bounded: the oldest of more than [`MAX_SESSIONS`] connections is forgotten.

use std::collections::BTreeMap;

/// How many connections are remembered.
const MAX_SESSIONS: usize = 1 << 16;

/// All connections, by the number of their TCP stream, those of QUIC by [`of_quic`].
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sessions: BTreeMap<u64, Session>,
}

/// Whose message something is, and who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// The connection's place in [`Memory`].
    pub(super) session: u64,
    /// 0 or 1.
    pub(super) direction: usize,
}

/// The place of a QUIC connection.
pub(super) fn of_quic(connection: u32) -> u64 {
    1 << 32 | u64::from(connection)
}

/// A version of TLS as it stands on the wire; 0 is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u16);

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) version: Version,
    /// The frames from which on each direction is encrypted; 0 is none yet.
    pub(super) encrypted_from: [u64; 2],
    /// The cipher suite that the server chose; 0 is not known.
    pub(super) suite: u16,
    /// The beginning of a handshake message, by direction.
    pub(super) pending: [Pending; 2],
    /// The direction that the server's hello came from, if there was no end of its first messages since:
    /// what it goes on with are keys of an earlier connection.
    pub(super) resumed_by: Option<usize>,
    /// What is spoken inside, if the server said so.
    pub(super) inside: Option<&'static str>,
}

/// The beginning of a handshake message that goes on in another record.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) bytes: Vec<u8>,
    /// The frames that its parts came in, with their lengths.
    pub(super) parts: Vec<(u64, u32)>,
}

impl Memory {
    /// The version of a connection, as far as it is known.
    pub(super) fn version(&self, place: u64) -> Version {
        let session = self.sessions.get(&place);
        session.map_or(Version::UNKNOWN, |session| session.version)
    }

    /// A connection.
    pub(super) fn session(&mut self, place: u64) -> &mut Session {
        if self.sessions.len() >= MAX_SESSIONS && !self.sessions.contains_key(&place) {
            self.sessions.pop_first();
        }
        self.sessions.entry(place).or_default()
    }

    /// Whether a QUIC connection's server chose one of the ciphers of TLS 1.3.
    pub(crate) fn knows_cipher(&self, connection: u32) -> bool {
        let session = self.sessions.get(&of_quic(connection));
        session.is_some_and(|session| matches!(session.suite, 0x1301..=0x1305))
    }
}

impl Session {
    /// Whether the direction was encrypted before this frame.
    pub(super) const fn is_encrypted(&self, direction: usize, frame: u64) -> bool {
        let from = self.encrypted_from[direction];
        from != 0 && frame > from
    }
}

impl Version {
    pub(super) const UNKNOWN: Self = Self(0);
    pub(super) const SSL_2: Self = Self(0x0002);
    pub(super) const TLS_1_0: Self = Self(0x0301);
    pub(super) const SSL_3: Self = Self(0x0300);
    pub(super) const TLS_1_2: Self = Self(0x0303);
    pub(super) const TLS_1_3: Self = Self(0x0304);

    /// As it stands in the list.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            0x0002 => "SSLv2",
            0x0101 => "TLCP",
            0x0300 => "SSLv3",
            0x0301 => "TLSv1",
            0x0302 => "TLSv1.1",
            0x0303 => "TLSv1.2",
            0x0304 => "TLSv1.3",
            _ => "SSL",
        }
    }

    /// A version that can be; drafts of TLS 1.3 count as that.
    pub(super) const fn known(number: u16) -> Option<Self> {
        match number {
            0x0101 | 0x0300..=0x0304 => Some(Self(number)),
            0x7f00..=0x7fff => Some(Self::TLS_1_3),
            // Facebook's draft 23 and 26.
            0xfb17 | 0xfb1a => Some(Self::TLS_1_3),
            _ => None,
        }
    }
}
