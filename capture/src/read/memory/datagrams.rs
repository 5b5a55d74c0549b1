//! Streams of datagrams: their numbers, and when their first and their last one came.
//!
//! A dissector can make a conversation of its own for the ends of a datagram that it gets (Wireshark's
//! `conversation_new`, as SNMP's does): then the next datagram is the first of another stream, and the
//! second pass finds all of them in that one.

use std::collections::BTreeMap;

use super::Pass;
use super::conversations::{Conversations, Key, MAX_CONVERSATIONS};

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    streams: Conversations<State>,
    /// Where the stream of the datagram at hand is remembered, and its number.
    place: u32,
    number: u32,
    /// What became of streams by the number that they had before, for the second pass; nothing if no
    /// datagram came any more.
    anew: BTreeMap<u32, Option<Anew>>,
    /// In the second pass, the number of the next stream that only had one datagram.
    next: u32,
}

/// What is remembered of a stream.
#[derive(Clone, Copy, Debug)]
struct State {
    /// When its first one and its last one came, in ns since 1970.
    first: u64,
    last: u64,
    ownership: Ownership,
}

/// Whether a dissector has a conversation of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    None,
    /// It begins with the next datagram.
    Next,
    Own,
}

/// What became of a stream.
#[derive(Clone, Copy, Debug)]
struct Anew {
    number: u32,
    first: u64,
}

/// What is known of the stream of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) number: u32,
    /// When its first datagram came, in ns since 1970.
    pub(crate) first: u64,
    /// When the one before came.
    pub(crate) last: u64,
}

/// Whether a datagram counts as the last of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    Yes,
    No,
}

impl Datagrams {
    /// The stream of a datagram.
    #[inline]
    pub(crate) fn find(&mut self, key: Key, now: u64, counts: Counts, pass: Pass) -> Stream {
        let state = |ownership| State {
            first: now,
            last: now,
            ownership,
        };
        let mut found = self.streams.find(key, |_| state(Ownership::None));
        if self.streams.at(found.place).ownership == Ownership::Next {
            let before = found.number;
            found = self.streams.renew(found.place, |_| state(Ownership::Own));
            if let (Pass::First, Some(anew)) = (pass, self.anew.get_mut(&before)) {
                let number = found.number;
                *anew = Some(Anew { number, first: now });
            }
        }
        (self.place, self.number) = (found.place, found.number);
        let state = self.streams.at(found.place);
        let mut stream = Stream {
            number: found.number,
            first: state.first,
            last: state.last,
        };
        if counts == Counts::Yes {
            state.last = now;
        }
        if pass == Pass::Second
            && let Some(anew) = self.anew.get_mut(&found.number)
        {
            let Anew { number, first } = *anew.get_or_insert_with(|| {
                let number = self.next;
                self.next += 1;
                Anew { number, first: now }
            });
            (stream.number, stream.first) = (number, first);
        }
        stream
    }

    /// A dissector makes a conversation of its own for the datagram at hand, unless it has one.
    pub(crate) fn own(&mut self, pass: Pass) {
        let state = self.streams.at(self.place);
        if state.ownership == Ownership::None {
            state.ownership = Ownership::Next;
            if pass == Pass::First && self.anew.len() < MAX_CONVERSATIONS {
                self.anew.insert(self.number, None);
            }
        }
    }

    /// Forgets everything but what the second pass is to know.
    pub(super) fn begin_second_pass(&mut self) {
        self.next = self.streams.count();
        self.streams = Conversations::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::column::Address;

    fn key(port: u16) -> Key {
        let end = |last| Address::Ipv4([10, 0, 0, last]);
        Key::new((end(1), port), (end(2), 161)).0
    }

    // What tshark 4.0 prints of a request and its reply, of two streams, with one pass and with two.
    #[test]
    fn what_a_dissector_takes_is_another_stream_from_the_next_datagram_on() {
        let mut datagrams = Datagrams::default();
        let mut pass = |pass| -> Vec<(u32, u64, u64)> {
            let mut seen = Vec::new();
            for (port, now) in [(1, 10), (2, 11), (1, 12), (1, 15), (2, 16), (3, 20)] {
                let stream = datagrams.find(key(port), now, Counts::Yes, pass);
                datagrams.own(pass);
                seen.push((stream.number, stream.first, stream.last));
            }
            datagrams.begin_second_pass();
            seen
        };
        let first = [
            (0, 10, 10),
            (1, 11, 11),
            (2, 12, 12),
            (2, 12, 12),
            (3, 16, 16),
            (4, 20, 20),
        ];
        assert_eq!(pass(Pass::First), first);
        let second = [
            (2, 12, 10),
            (3, 16, 11),
            (2, 12, 12),
            (2, 12, 12),
            (3, 16, 16),
            (5, 20, 20),
        ];
        assert_eq!(pass(Pass::Second), second);
    }
}
