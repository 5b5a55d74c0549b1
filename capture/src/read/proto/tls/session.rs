//! What is remembered of a TLS connection: its version, since when it is encrypted, and the handshake
//! message that goes on in the next record.
//!
//! Bounded: the oldest of more than [`MAX_SESSIONS`] connections is forgotten.

use std::collections::BTreeMap;

use crate::read::memory::Direction;

/// How many connections are remembered.
const MAX_SESSIONS: usize = 1 << 16;

/// All connections, by the number of their TCP stream.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sessions: BTreeMap<u32, Session>,
}

/// A version of TLS as it stands on the wire; 0 is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Version(pub(super) u16);

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) version: Version,
    /// The frames from which on each direction is encrypted; 0 is none yet.
    pub(super) encrypted_from: [u64; 2],
    /// The beginning of a handshake message, by direction.
    pub(super) pending: [Vec<u8>; 2],
}

impl Memory {
    /// The version of a stream's connection, as far as it is known.
    pub(super) fn version(&self, stream: u32) -> Version {
        let session = self.sessions.get(&stream);
        session.map_or(Version::UNKNOWN, |session| session.version)
    }

    /// The connection of a stream.
    pub(super) fn session(&mut self, stream: u32) -> &mut Session {
        if self.sessions.len() >= MAX_SESSIONS && !self.sessions.contains_key(&stream) {
            self.sessions.pop_first();
        }
        self.sessions.entry(stream).or_default()
    }
}

impl Session {
    /// Whether the direction was encrypted before this frame.
    pub(super) const fn is_encrypted(&self, direction: Direction, frame: u64) -> bool {
        let from = self.encrypted_from[direction.index()];
        from != 0 && frame > from
    }
}

impl Version {
    pub(super) const UNKNOWN: Self = Self(0);
    pub(super) const TLS_1_0: Self = Self(0x0301);
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
