//! Connections of Multipath TCP, and the TCP streams that are their subflows (`mptcp_analysis` in
//! Wireshark's `packet-tcp.c`).
//!
//! A connection begins with a key (RFC 8684 section 3.1); a subflow joins it by the token that is made of
//! the key (section 3.2). A stream that has options of MPTCP otherwise is a connection of its own.
//!
//! Bounded: of more than [`MOST`] subflows the oldest is forgotten, and further connections have no token.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::mptcp;
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// Subflows and tokens that are remembered.
const MOST: usize = 1 << 16;
/// Subflows that are listed of a connection.
const MOST_LISTED: usize = 64;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How many connections there were.
    count: u32,
    /// The connection of each subflow, by the number of its stream.
    subflows: BTreeMap<u32, u32>,
    tokens: HashMap<u32, u32>,
    connections: BTreeMap<u32, Connection>,
}

/// A connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Connection {
    /// The stream that has the keys.
    pub(super) master: Option<u32>,
    /// Its streams, the last one first.
    pub(super) subflows: Vec<u32>,
}

/// What is made of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Derived {
    /// What the connection is known by.
    pub(super) token: u32,
    /// The number before that of the first byte of data.
    pub(super) data_number: u64,
}

/// Token and first number of a key's owner (RFC 6824 section 3.1 for version 0, RFC 8684 for version 1).
pub(super) fn derive(key: [u8; 8], version: u8) -> Derived {
    let digest = if version == 0 {
        Sha1::digest(key).to_vec()
    } else {
        Sha256::digest(key).to_vec()
    };
    let first = digest.first_chunk().copied().unwrap_or_default();
    let last = digest.last_chunk().copied().unwrap_or_default();
    Derived {
        token: u32::from_be_bytes(first),
        data_number: u64::from_be_bytes(last),
    }
}

impl Memory {
    /// Takes in an option of a stream: the bytes behind its kind and length.
    pub(super) fn note(&mut self, stream: u32, option: &[u8]) {
        let Some(&first) = option.first() else {
            return;
        };
        let part = |at: usize| option.get(at..).and_then(<[u8]>::first_chunk).copied();
        // With kind and length, as the RFC counts.
        match (first >> 4, option.len() + 2) {
            (0, len @ (12 | 20 | 22 | 24)) => {
                let Some(key) = part(2) else { return };
                let version = first & 0x0f;
                let connection = self.by_token(stream, derive(key, version).token);
                let known = self.connections.entry(connection).or_default();
                known.master.get_or_insert(stream);
                if let Some(key) = part(10).filter(|_| len >= 20) {
                    self.by_token(stream, derive(key, version).token);
                }
            }
            (0, _) => {}
            (1, 12) => {
                if let Some(token) = option.get(2..).and_then(<[u8]>::first_chunk) {
                    self.by_token(stream, u32::from_be_bytes(*token));
                }
            }
            _ => {
                self.of(stream);
            }
        }
    }

    /// The connection of a stream, or a new one.
    fn of(&mut self, stream: u32) -> u32 {
        if let Some(connection) = self.subflows.get(&stream) {
            return *connection;
        }
        let connection = self.count;
        self.count += 1;
        self.belongs(stream, connection);
        connection
    }

    fn belongs(&mut self, stream: u32, connection: u32) -> &mut Connection {
        if self.subflows.len() >= MOST {
            self.subflows.pop_first();
        }
        if self.connections.len() >= MOST {
            self.connections.pop_first();
        }
        self.subflows.insert(stream, connection);
        self.connections.entry(connection).or_default()
    }

    /// The stream is listed with the connection's.
    fn attach(&mut self, stream: u32, connection: u32) {
        let known = self.belongs(stream, connection);
        if !known.subflows.contains(&stream) && known.subflows.len() < MOST_LISTED {
            known.subflows.insert(0, stream);
        }
    }

    /// The connection that a token stands for; the stream belongs to it from now on.
    fn by_token(&mut self, stream: u32, token: u32) -> u32 {
        if let Some(connection) = self.tokens.get(&token).copied() {
            self.attach(stream, connection);
            return connection;
        }
        let is_new = !self.subflows.contains_key(&stream);
        let connection = self.of(stream);
        if is_new {
            self.attach(stream, connection);
        }
        if self.tokens.len() < MOST {
            self.tokens.insert(token, connection);
        }
        connection
    }

    /// The connection of a stream, and its number.
    pub(super) fn find(&self, stream: u32) -> Option<(u32, &Connection)> {
        let number = self.subflows.get(&stream)?;
        Some((*number, self.connections.get(number)?))
    }
}

/// Says which connection a stream belongs to.
pub(super) fn show(walk: &mut Walk<'_, '_>, stream: u32) {
    let Some((number, connection)) = walk.memory.tcp.multipath.find(stream) else {
        return;
    };
    let tree = &mut *walk.tree;
    tree.add_generated(mptcp::ANALYSIS, Value::None);
    tree.open();
    let is_master = connection.master == Some(stream);
    let added = tree.add_generated(mptcp::MASTER, Value::Bool(is_master));
    if let Some(master) = connection.master {
        tree.label(
            added,
            format_args!("Master flow: Master is tcp stream {master}"),
        );
    }
    tree.add_generated(mptcp::STREAM, Value::Uint(number.into()));
    let mut list = String::new();
    for subflow in &connection.subflows {
        // Writing to a string does not fail.
        let _infallible = write!(list, "{subflow} ");
    }
    let place = crate::read::tree::Place::default();
    let added = tree.add_text(mptcp::SUBFLOWS, place, &list);
    tree.set_generated(added);
    tree.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys, tokens and numbers as tshark 4.0 tells them of tcpdump's `mptcp-v1.pcap`.
    #[test]
    fn tokens_and_numbers_are_made_of_keys() {
        let derived = derive(2_295_531_734_017_261_039_u64.to_be_bytes(), 1);
        assert_eq!(derived.token, 597_671_344);
        assert_eq!(derived.data_number, 14_413_541_604_287_230_029);
        let derived = derive(3_001_306_557_161_771_836_u64.to_be_bytes(), 1);
        assert_eq!(derived.token, 2_740_809_090);
        assert_eq!(derived.data_number, 11_713_449_205_243_392_241);
    }

    #[test]
    fn a_subflow_joins_by_its_token() {
        let mut memory = Memory::default();
        let key = 7_u64.to_be_bytes();
        memory.note(3, &[&[0x00, 0x81][..], &key].concat());
        memory.note(4, &[0x20, 0x00]);
        let token = derive(key, 0).token.to_be_bytes();
        memory.note(5, &[&[0x10, 0x01][..], &token, &[0; 4]].concat());
        let joined = Connection {
            master: Some(3),
            subflows: vec![5, 3],
        };
        assert_eq!(memory.find(3), Some((0, &joined)));
        assert_eq!(memory.find(5), Some((0, &joined)));
        assert_eq!(memory.find(4).map(|(number, _)| number), Some(1));
    }
}
