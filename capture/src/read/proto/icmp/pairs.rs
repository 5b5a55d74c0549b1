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
    /// What the checksum of the reply is, so that other data is another echo.
    checksum: u16,
    id: u16,
    sequence: u16,
    low: [u8; 16],
    high: [u8; 16],
}

impl Echo {
    /// Of a message between two hosts, whichever way it goes. `checksum` is that of the message, and
    /// `less` by how much the types make it less than the other message's.
    pub(crate) fn new(
        (source, destination): (Address, Address),
        (id, sequence): (u16, u16),
        checksum: u16,
        less: u16,
    ) -> Self {
        let (from, to) = (source.wide(), destination.wide());
        // Of the two zeros that such sums have, the one that a checksum has.
        let checksum = match checksum {
            0xffff => less,
            sent => {
                let sum = u32::from(sent) + u32::from(less);
                ((sum & 0xffff) + (sum >> 16)) as u16
            }
        };
        Self {
            checksum: if checksum == 0xffff { 0 } else { checksum },
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
        let request = Echo::new((a, b), (1, 2), 0x1234, 0x0800);
        let reply = |sequence, checksum| Echo::new((b, a), (1, sequence), checksum, 0);
        assert_eq!(pairs.request(request, seen), None);
        assert_eq!(pairs.reply(reply(3, 0x1a34), 2), None);
        // Its data is not what was sent.
        assert_eq!(pairs.reply(reply(2, 0x1a35), 2), None);
        assert_eq!(pairs.reply(reply(2, 0x1a34), 2), Some(seen));
        assert_eq!(pairs.reply(reply(2, 0x1a34), 3), None);
        pairs.begin_second_pass();
        assert_eq!(pairs.request(request, seen), Some(2));
    }
}
