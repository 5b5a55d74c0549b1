//! What is remembered of QUIC connections: by which IDs they are found, which side is the server, and
//! the keys of their first packets (`quic_connection_find` in Wireshark's `packet-quic.c`).
//!
//! Bounded: the oldest of more than [`MAX_CONNECTIONS`] is forgotten, and not more than
//! [`MAX_BUFFERED`] bytes of handshakes that came out of order wait in all.

use std::collections::BTreeMap;

use super::cid::Cid;
use super::crypto::Stream;
use super::protection::{self, Keys};
use super::version::Kind;
use crate::read::column::Address;

/// How many connections are remembered, and as many datagram streams.
const MAX_CONNECTIONS: usize = 1 << 14;
/// Bytes of handshakes that wait for others, in all.
pub(super) const MAX_BUFFERED: usize = 64 << 20;

/// An end of a connection: address and port.
pub(super) type End = (Address, u16);

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    by_number: BTreeMap<u32, Connection>,
    next: u32,
    /// By the ID that the client chose for the server.
    by_first: BTreeMap<Cid, u32>,
    /// By the ID that each side chose for itself.
    by_own: [BTreeMap<Cid, u32>; 2],
    /// A bit for each length that an ID had.
    lens: u32,
    /// UDP streams that are QUIC, and the connection that began last in each.
    streams: BTreeMap<u32, Option<u32>>,
    /// Bytes of handshakes that wait.
    pub(super) buffered: usize,
}

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

impl Side {
    /// 0 or 1.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    const fn other(self) -> usize {
        1 - self as usize
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) version: u32,
    server: End,
    /// The ID that the client chose for the server, unless a Retry made it void.
    pub(super) first: Option<Cid>,
    /// The IDs that client and server chose for themselves.
    own: [Cid; 2],
    /// Of which ID and version the keys are.
    keys_of: Option<(Cid, u32)>,
    keys: Option<Box<[Keys; 2]>>,
    /// Largest number of an Initial packet, by side.
    pub(super) largest: [u64; 2],
    /// Handshake messages in Initial packets, by side.
    pub(super) crypto: [Stream; 2],
    /// It was found that there are no keys for what follows the handshake.
    pub(super) is_sealed: bool,
    /// The connection before in the same datagram stream.
    previous: Option<u32>,
}

/// The beginning of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub(super) kind: Kind,
    pub(super) version: u32,
    /// Of a short header, as many bytes as an ID can have.
    pub(super) to: Cid,
    pub(super) from: Cid,
}

impl Memory {
    /// Whether the stream is QUIC.
    pub(super) fn has(&self, stream: u32) -> bool {
        self.streams.contains_key(&stream)
    }

    /// The stream is QUIC.
    pub(super) fn insert(&mut self, stream: u32) {
        if self.streams.len() >= MAX_CONNECTIONS {
            self.streams.pop_first();
        }
        self.streams.entry(stream).or_default();
    }

    /// Whether there was any connection with an ID.
    pub(super) const fn is_empty(&self) -> bool {
        self.lens == 0
    }

    /// A connection.
    pub(super) fn get(&mut self, number: u32) -> Option<&mut Connection> {
        self.by_number.get_mut(&number)
    }

    fn side_of(&self, number: u32, sender: End) -> Side {
        match self.by_number.get(&number) {
            Some(connection) if connection.server == sender => Side::Server,
            _ => Side::Client,
        }
    }

    /// By an ID, or without one by the stream.
    fn find_by(&self, id: &Cid, stream: u32, sender: End) -> Option<(u32, Side)> {
        if id.is_none() {
            let number = (*self.streams.get(&stream)?)?;
            return Some((number, self.side_of(number, sender)));
        }
        if self.lens >> id.len() & 1 == 0 {
            return None;
        }
        let [clients, servers] = &self.by_own;
        match (clients.get(id), servers.get(id)) {
            // Both chose the same.
            (Some(&number), Some(_)) => Some((number, self.side_of(number, sender))),
            (Some(&number), None) => Some((number, Side::Server)),
            (None, Some(&number)) => Some((number, Side::Client)),
            (None, None) => None,
        }
    }

    /// The connection of a packet and its sender.
    pub(super) fn find(&self, packet: &Beginning, stream: u32, sender: End) -> Option<(u32, Side)> {
        let Beginning { kind, to, .. } = *packet;
        let first = || {
            let number = *self.by_first.get(&to).filter(|_| !to.is_none())?;
            Some((number, Side::Client))
        };
        match kind {
            Kind::ZeroRtt if !to.is_none() => first(),
            Kind::Initial => {
                let found = self.find_by(&to, stream, sender).or_else(first)?;
                let connection = self.by_number.get(&found.0)?;
                // What is neither the first ID nor the server's own begins another connection.
                let is_fresh = found.1 == Side::Client
                    && !to.is_none()
                    && connection.first != Some(to)
                    && !connection.own[Side::Server.index()].begins(&to);
                (!is_fresh).then_some(found)
            }
            Kind::Short => self.find_short(&to, stream, sender),
            _ => self.find_by(&to, stream, sender),
        }
    }

    fn find_short(&self, to: &Cid, stream: u32, sender: End) -> Option<(u32, Side)> {
        if let Some(found) = self.find_by(to, stream, sender) {
            return Some(found);
        }
        let (mut number, side) = self
            .find_by(&Cid::default(), stream, sender)
            .map_or((None, Side::Client), |(number, side)| (Some(number), side));
        // No more than there are: each one is before the other.
        while let Some(this) = number {
            let connection = self.by_number.get(&this)?;
            if connection.own[side.other()].begins(to) {
                return Some((this, side));
            }
            number = connection.previous.filter(|before| *before < this);
        }
        // It moved to other addresses; how long the ID is is not known.
        (1..to.len())
            .rev()
            .find_map(|len| self.find_by(&to.cut(len), stream, sender))
    }

    /// What the packet tells of its connection, which begins with it if it is a client's first.
    pub(super) fn learn(
        &mut self,
        packet: &Beginning,
        found: Option<(u32, Side)>,
        stream: u32,
        receiver: End,
    ) -> Option<(u32, Side)> {
        let side = found.map_or(Side::Client, |(_, side)| side);
        match (packet.kind, side, found) {
            (Kind::Initial, Side::Client, None) => {
                let number = self.begin(packet.version, stream, receiver);
                self.learn_first(number, packet);
                return Some((number, side));
            }
            (Kind::Initial, Side::Client, Some((number, _))) => {
                let connection = self.by_number.get_mut(&number)?;
                if connection.first.is_none() && !packet.to.is_none() {
                    // It answers a Retry: the server's ID comes with its next packet.
                    let own = std::mem::take(&mut connection.own[Side::Server.index()]);
                    self.by_own[Side::Server.index()].remove(&own);
                    self.learn_first(number, packet);
                }
            }
            (Kind::Initial | Kind::Retry | Kind::Handshake, Side::Server, Some((number, _))) => {
                let connection = self.by_number.get_mut(&number)?;
                if packet.kind == Kind::Retry
                    && let Some(first) = connection.first.take()
                {
                    self.by_first.remove(&first);
                }
                let own = &mut connection.own[Side::Server.index()];
                if own.is_none() && !packet.from.is_none() {
                    *own = packet.from;
                    self.by_own[Side::Server.index()].insert(packet.from, number);
                    self.lens |= 1 << packet.from.len();
                }
            }
            _ => {}
        }
        found
    }

    fn learn_first(&mut self, number: u32, packet: &Beginning) {
        let Some(connection) = self.by_number.get_mut(&number) else {
            return;
        };
        if !packet.from.is_none() {
            connection.own[Side::Client.index()] = packet.from;
            self.by_own[Side::Client.index()].insert(packet.from, number);
            self.lens |= 1 << packet.from.len();
        }
        if !packet.to.is_none() {
            connection.first = Some(packet.to);
            self.by_first.insert(packet.to, number);
        }
    }

    fn begin(&mut self, version: u32, stream: u32, server: End) -> u32 {
        if self.by_number.len() >= MAX_CONNECTIONS {
            self.forget_oldest();
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.insert(stream);
        let previous = self.streams.insert(stream, Some(number)).flatten();
        self.by_number.insert(
            number,
            Connection {
                version,
                server,
                first: None,
                own: [Cid::default(); 2],
                keys_of: None,
                keys: None,
                largest: [0; 2],
                crypto: Default::default(),
                is_sealed: false,
                previous,
            },
        );
        number
    }

    fn forget_oldest(&mut self) {
        let Some((number, gone)) = self.by_number.pop_first() else {
            return;
        };
        for stream in &gone.crypto {
            self.buffered = self.buffered.saturating_sub(stream.waiting());
        }
        let Self {
            by_first, by_own, ..
        } = self;
        let [clients, servers] = by_own;
        let [client, server] = gone.own;
        let first = gone.first.unwrap_or_default();
        for (ids, id) in [(by_first, first), (clients, client), (servers, server)] {
            if ids.get(&id) == Some(&number) {
                ids.remove(&id);
            }
        }
    }
}

impl Connection {
    /// The ID that packets of this side carry.
    pub(super) const fn id_to(&self, sender: Side) -> Cid {
        self.own[sender.other()]
    }

    /// The keys of this side's Initial packets; made first if the client said a new ID, or the server
    /// another version.
    pub(super) fn keys(&mut self, packet: &Beginning, sender: Side) -> Option<&Keys> {
        if sender == Side::Server && packet.version != self.version {
            self.version = packet.version;
        }
        let id = match (self.first, self.keys_of) {
            (Some(first), _) => first,
            (None, Some((id, _))) => id,
            // The client chose none at all.
            (None, None) => Cid::default(),
        };
        if self.keys_of != Some((id, self.version)) {
            self.keys_of = Some((id, self.version));
            self.keys = protection::initial(id.bytes(), self.version).map(Box::new);
        }
        self.keys.as_deref().map(|keys| &keys[sender.index()])
    }
}
