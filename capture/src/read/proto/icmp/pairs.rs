//! Which echo reply answers which request.

use std::collections::{BTreeMap, HashMap};

use crate::packet::Timestamp;
use crate::read::column::Address;
use crate::read::memory::Pass;

/// Requests that are remembered at most.
const MOST: usize = 1 << 18;

/// What a reply has in common with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Echo {
    id: u16,
    sequence: u16,
    low: [u8; 16],
    high: [u8; 16],
}

impl Echo {
    /// Of a message between two hosts, whichever way it goes.
    pub(crate) fn new(source: Address, destination: Address, id: u16, sequence: u16) -> Self {
        let (from, to) = (source.wide(), destination.wide());
        Self {
            id,
            sequence,
            low: from.min(to),
            high: from.max(to),
        }
    }
}

/// A frame and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) frame: u64,
    pub(crate) time: Timestamp,
}

/// Requests that wait for their replies, and what the first of two passes learned.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    waiting: HashMap<Echo, Seen>,
    /// Frame of the reply by frame of the request.
    replies: BTreeMap<u64, u64>,
    pass: Pass,
}

impl Pairs {
    /// The first pass is over.
    pub(crate) fn begin_second_pass(&mut self) {
        self.waiting.clear();
        self.pass = Pass::Second;
    }

    /// A request was seen; the frame of its reply, if the first pass found it.
    pub(crate) fn request(&mut self, echo: Echo, seen: Seen) -> Option<u64> {
        if self.waiting.len() >= MOST {
            self.waiting.clear();
        }
        self.waiting.insert(echo, seen);
        match self.pass {
            Pass::Second => self.replies.get(&seen.frame).copied(),
            Pass::Only | Pass::First => None,
        }
    }

    /// A reply was seen; gives its request.
    pub(crate) fn reply(&mut self, echo: Echo, frame: u64) -> Option<Seen> {
        let request = self.waiting.remove(&echo)?;
        if self.pass != Pass::Second {
            self.replies.insert(request.frame, frame);
            if self.replies.len() > MOST {
                self.replies.pop_first();
            }
        }
        Some(request)
    }

    /// Whether everything is known: then a request without a reply has none.
    pub(crate) fn is_complete(&self) -> bool {
        self.pass == Pass::Second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_finds_its_request_once() {
        let mut pairs = Pairs::default();
        let (a, b) = (Address::Ipv4([1, 1, 1, 1]), Address::Ipv4([2, 2, 2, 2]));
        let seen = Seen {
            frame: 1,
            time: Timestamp(5),
        };
        assert_eq!(pairs.request(Echo::new(a, b, 1, 2), seen), None);
        assert_eq!(pairs.reply(Echo::new(b, a, 1, 3), 2), None);
        assert_eq!(pairs.reply(Echo::new(b, a, 1, 2), 2), Some(seen));
        assert_eq!(pairs.reply(Echo::new(b, a, 1, 2), 3), None);
        pairs.begin_second_pass();
        assert_eq!(pairs.request(Echo::new(a, b, 1, 2), seen), Some(2));
    }
}
