//! What is remembered of a TLS connection: its version, since when it is encrypted, and the handshake
//! message that goes on in the next record.
//!
//! Bounded: the oldest of more than [`MAX_SESSIONS`] connections is forgotten.

use std::collections::BTreeMap;

use super::opening::{self, Epoch, Opener};
use super::secrets::{Random, Secrets};

/// How many connections are remembered.
const MAX_SESSIONS: usize = 1 << 16;

/// All connections, by the number of their TCP stream, those of QUIC by [`of_quic`].
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sessions: BTreeMap<u64, Session>,
    pub(super) secrets: Secrets,
    /// Bytes of messages inside that wait for more, of all connections.
    pub(super) waiting: usize,
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
    /// What is known where the secrets are.
    pub(super) opened: Option<Box<Opened>>,
}

/// A connection whose secrets are known.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) client: Random,
    pub(super) server: Random,
    /// The client's direction.
    pub(super) client_direction: usize,
    /// By direction.
    pub(super) openers: [Option<Opener>; 2],
    /// Beginnings of messages inside, by direction, and how many bytes have to be there.
    pub(super) waiting: [Vec<u8>; 2],
    pub(super) needed: [usize; 2],
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

impl Memory {
    /// The first pass is over: of a connection its version stays.
    pub(crate) fn begin_second_pass(&mut self) {
        let versions = std::mem::take(&mut self.sessions);
        let versions = versions
            .into_iter()
            .map(|(place, Session { version, .. })| {
                let session = Session {
                    version,
                    ..Session::default()
                };
                (place, session)
            });
        *self = Self {
            sessions: versions.collect(),
            ..Self::default()
        };
    }

    /// Takes in a log of secrets.
    pub(crate) fn add_secrets(&mut self, log: &[u8]) {
        self.secrets.add(log);
    }

    /// A client's hello: the secrets of the connection go by its random.
    pub(super) fn client_hello(&mut self, flight: Flight, random: Random) {
        if self.secrets.get(&random).is_some() {
            let opened = Opened {
                client: random,
                client_direction: flight.direction,
                ..Opened::default()
            };
            self.session(flight.session).opened = Some(Box::new(opened));
        }
    }

    /// A server's hello: in TLS 1.3 all is encrypted from here on.
    pub(super) fn server_hello(&mut self, flight: Flight, random: Random) {
        let Some(opened) = self.opened(flight.session) else {
            return;
        };
        opened.server = random;
        for direction in [0, 1] {
            self.use_traffic_secret(flight.session, direction, Epoch::Handshake);
        }
    }

    /// Takes another secret of TLS 1.3 for a direction.
    pub(super) fn use_traffic_secret(&mut self, place: u64, direction: usize, epoch: Epoch) {
        let Self {
            sessions, secrets, ..
        } = self;
        let Some(session) = sessions.get_mut(&place) else {
            return;
        };
        let (suite, is_new) = (session.suite, session.version == Version::TLS_1_3);
        if let Some(opened) = session.opened.as_deref_mut().filter(|_| is_new) {
            let side = opened.side(direction);
            let secret = secrets.get(&opened.client).and_then(|secret| match epoch {
                Epoch::Handshake => secret.handshake[side].as_deref(),
                Epoch::Data => secret.traffic[side].as_deref(),
            });
            opened.openers[direction] = match (epoch, &opened.openers[direction]) {
                (Epoch::Data, Some(before)) if before.is_of_data() => before.updated(suite),
                _ => secret.and_then(|secret| opening::of_traffic(suite, secret, epoch)),
            };
        }
    }

    /// Up to TLS 1.2, what a direction sends from here on is encrypted with what was agreed on.
    pub(super) fn use_master_secret(&mut self, place: u64, direction: usize) {
        let Self {
            sessions, secrets, ..
        } = self;
        let Some(session) = sessions.get_mut(&place) else {
            return;
        };
        let (suite, version) = (session.suite, session.version);
        if version == Version::TLS_1_2
            && let Some(opened) = session.opened.as_deref_mut()
            && let Some(secret) = secrets.get(&opened.client)
        {
            let both = opening::of_master(suite, secret, &opened.client, &opened.server);
            let side = opened.side(direction);
            opened.openers[direction] = both.and_then(|both| both.into_iter().nth(side));
        }
    }

    /// What is known of a connection whose secrets are.
    pub(super) fn opened(&mut self, place: u64) -> Option<&mut Opened> {
        self.sessions.get_mut(&place)?.opened.as_deref_mut()
    }
}

impl Opened {
    /// 0 for the client's direction, 1 for the server's.
    const fn side(&self, direction: usize) -> usize {
        (direction != self.client_direction) as usize
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
