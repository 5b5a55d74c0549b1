//! Which response answers which query: those with the same number in one conversation
//! (`dissect_dns_common` in Wireshark's `packet-dns.c`).
//!
//! Bounded: one of more than [`MAX_OPEN`] queries is forgotten, and of [`MAX_TOLD`] it is remembered for
//! a second pass in which frame the response is.

use std::collections::{BTreeMap, HashMap};

use crate::read::memory::Pass;

/// How many queries are remembered.
const MAX_OPEN: usize = 1 << 16;
/// How many responses are remembered for a second pass.
const MAX_TOLD: usize = 1 << 20;
/// A query that comes again within this time is a retransmission, in ns.
const RETRANSMISSION_NS: u64 = 5_000_000_000;

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    open: BTreeMap<(u64, u16), Transaction>,
    /// The frames of responses, by those of their queries.
    told: HashMap<u64, u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Transaction {
    query: u64,
    asked: u64,
    /// 0 while there is none.
    response: u64,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A query, and the frame of its response if that is known.
    Query { response: Option<u64> },
    /// A query that came before in this frame.
    QueryAgain { first: u64 },
    /// A response, with the frame of its query and how long it took in ns.
    Response { query: u64, took: i64 },
    /// A response that came before in this frame.
    ResponseAgain { first: u64 },
    /// Nobody asked.
    Unsolicited,
}

impl Memory {
    /// The first pass is over.
    pub(crate) fn begin_second_pass(&mut self) {
        self.open.clear();
    }

    /// A query.
    pub(super) fn query(
        &mut self,
        stream: u64,
        id: u16,
        (frame, now): (u64, u64),
        pass: Pass,
    ) -> Told {
        let key = (stream, id);
        if let Some(open) = self.open.get(&key)
            && open.response == 0
            && now < open.asked.saturating_add(RETRANSMISSION_NS)
        {
            return Told::QueryAgain { first: open.query };
        }
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(&key) {
            self.open.pop_first();
        }
        let transaction = Transaction {
            query: frame,
            asked: now,
            response: 0,
        };
        self.open.insert(key, transaction);
        let response = match pass {
            Pass::Second => self.told.get(&frame).copied(),
            _ => None,
        };
        Told::Query { response }
    }

    /// A response.
    pub(super) fn response(
        &mut self,
        stream: u64,
        id: u16,
        (frame, now): (u64, u64),
        pass: Pass,
    ) -> Told {
        let Some(open) = self.open.get_mut(&(stream, id)) else {
            return Told::Unsolicited;
        };
        if open.response != 0 && open.response != frame {
            return Told::ResponseAgain {
                first: open.response,
            };
        }
        open.response = frame;
        if pass == Pass::First && self.told.len() < MAX_TOLD {
            self.told.insert(open.query, frame);
        }
        Told::Response {
            query: open.query,
            took: now.wrapping_sub(open.asked).cast_signed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLY: Pass = Pass::Only;

    #[test]
    fn a_response_knows_its_query() {
        let mut memory = Memory::default();
        memory.query(1, 7, (10, 100), ONLY);
        assert_eq!(memory.response(1, 8, (11, 150), ONLY), Told::Unsolicited);
        assert_eq!(
            memory.response(1, 7, (12, 350), ONLY),
            Told::Response {
                query: 10,
                took: 250
            }
        );
        assert_eq!(
            memory.response(1, 7, (13, 400), ONLY),
            Told::ResponseAgain { first: 12 }
        );
    }

    #[test]
    fn a_query_that_comes_again_soon_is_a_retransmission() {
        let mut memory = Memory::default();
        memory.query(1, 7, (1, 0), ONLY);
        let soon = RETRANSMISSION_NS - 1;
        assert_eq!(
            memory.query(1, 7, (2, soon), ONLY),
            Told::QueryAgain { first: 1 }
        );
        assert_eq!(
            memory.query(1, 7, (3, RETRANSMISSION_NS), ONLY),
            Told::Query { response: None }
        );
    }

    #[test]
    fn the_second_pass_knows_the_response() {
        let mut memory = Memory::default();
        memory.query(1, 7, (1, 0), Pass::First);
        memory.response(1, 7, (2, 5), Pass::First);
        memory.begin_second_pass();
        assert_eq!(
            memory.query(1, 7, (1, 0), Pass::Second),
            Told::Query { response: Some(2) }
        );
    }
}
