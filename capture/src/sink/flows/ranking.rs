//! Which records are written and in which order, where somebody asked.

use std::cmp::Reverse;

use super::columns::round_trip;
use crate::flow::{ConnState, FlowRecord};
use crate::packet::{FrameNo, Timestamp};

/// What records are put in order by. All but the start go from the largest to the smallest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Bytes of both sides.
    Bytes,
    /// From the first packet to the last.
    Duration,
    /// Packets of both sides.
    Packets,
    /// Segments that both sides sent again.
    Retransmissions,
    /// Round trip of the handshake, or the mean of later ones where that was not seen.
    Rtt,
    /// Time of the first packet, oldest first.
    #[default]
    Start,
}

/// How records are put in order, and how many of them are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: By,
    /// Only so many, the first of them; `None` for all.
    pub top: Option<usize>,
}

/// States of connections that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States(u16);

impl States {
    /// All of them.
    pub const ALL: Self = Self(u16::MAX);
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These and one more.
    #[must_use]
    pub const fn and(self, state: ConnState) -> Self {
        Self(self.0 | 1 << state as u16)
    }

    /// Whether a state is wanted.
    #[must_use]
    pub const fn has(self, state: ConnState) -> bool {
        self.0 & 1 << state as u16 != 0
    }
}

/// What makes the order: the largest value first, then the oldest. The number of the first packet and
/// of the part make it total, so that any number of workers gives the same.
type Key = (Reverse<u64>, Timestamp, FrameNo, u32);

/// Collects records and gives them back in order: all, up to a bound, or the first few.
///
/// Of the first few, up to twice as many are held; when there are more, those that can no longer be
/// among them go. That is as good as a heap, and moves each record once.
#[derive(Debug)]
pub(super) struct Ranking {
    order: Order,
    records: Vec<FlowRecord>,
    /// The last of the first few, as far as is known: what comes after it is not wanted.
    worst: Option<Key>,
}

impl Ranking {
    /// Records that are put in order at once where all are wanted: about 150 MiB.
    pub(super) const BLOCK: usize = 200_000;

    pub(super) const fn new(order: Order) -> Self {
        Self {
            order,
            records: Vec::new(),
            worst: None,
        }
    }

    /// Takes a batch; gives the number of records that are not wanted after all.
    pub(super) fn take(&mut self, batch: &mut Vec<FlowRecord>) -> u64 {
        let Some(top) = self.order.top else {
            self.records.append(batch);
            return 0;
        };
        let before = self.records.len() + batch.len();
        let (by, worst) = (self.order.by, self.worst);
        let wanted = |record: &FlowRecord| worst.is_none_or(|worst| key(by, record) < worst);
        self.records.extend(batch.drain(..).filter(wanted));
        if self.records.len() >= top.saturating_mul(2).max(1024) {
            self.cut(top);
        }
        (before - self.records.len()) as u64
    }

    fn cut(&mut self, top: usize) {
        let by = self.order.by;
        if self.records.len() > top {
            if top > 0 {
                self.records
                    .select_nth_unstable_by_key(top - 1, |record| key(by, record));
                self.worst = self.records.get(top - 1).map(|record| key(by, record));
            }
            self.records.truncate(top);
        }
    }

    /// Whether as many wait as are put in order at once.
    pub(super) const fn is_full(&self) -> bool {
        self.order.top.is_none() && self.records.len() >= Self::BLOCK
    }

    /// What was collected, in order, and the number of records that are not wanted after all.
    pub(super) fn drain(&mut self) -> (Vec<FlowRecord>, u64) {
        let before = self.records.len();
        if let Some(top) = self.order.top {
            self.cut(top);
        }
        let mut records = std::mem::take(&mut self.records);
        let by = self.order.by;
        records.sort_by_cached_key(|record| key(by, record));
        let left_out = before - records.len();
        (records, left_out as u64)
    }
}

fn key(by: By, record: &FlowRecord) -> Key {
    let (a, b) = (&record.initiator, &record.responder);
    let value = match by {
        By::Bytes => a.counts.wire_bytes.saturating_add(b.counts.wire_bytes),
        By::Duration => record.duration().0,
        By::Packets => a.counts.packets.saturating_add(b.counts.packets),
        By::Retransmissions => a
            .tcp
            .retransmitted_segments
            .saturating_add(b.tcp.retransmitted_segments),
        By::Rtt => round_trip(record).map_or(0, |span| span.0),
        By::Start => 0,
    };
    (Reverse(value), record.first_ts, record.id, record.part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::flows::samples::records;

    const ALL: [By; 6] = [
        By::Bytes,
        By::Duration,
        By::Packets,
        By::Retransmissions,
        By::Rtt,
        By::Start,
    ];

    /// The value by which a person would sort, written down a second time.
    fn value(by: By, r: &FlowRecord) -> i128 {
        let sides = [&r.initiator, &r.responder];
        match by {
            By::Bytes => sides.iter().map(|s| i128::from(s.counts.wire_bytes)).sum(),
            By::Duration => i128::from(r.last_ts.0) - i128::from(r.first_ts.0),
            By::Packets => sides.iter().map(|s| i128::from(s.counts.packets)).sum(),
            By::Retransmissions => sides
                .iter()
                .map(|s| i128::from(s.tcp.retransmitted_segments))
                .sum(),
            By::Rtt => match r.tcp {
                None => 0,
                Some(tcp) => match tcp.handshake {
                    Some([a, b]) => i128::from(a.0 + b.0),
                    None if sides.iter().any(|s| s.tcp.rtt.samples == 0) => 0,
                    None => sides
                        .iter()
                        .map(|s| i128::from(s.tcp.rtt.sum.0 / u64::from(s.tcp.rtt.samples)))
                        .sum(),
                },
            },
            By::Start => -i128::from(r.first_ts.0),
        }
    }

    #[test]
    fn the_first_few_are_those_of_a_slow_sort() {
        let mut all = records(5000);
        // No order that the ranking could lean on.
        all.sort_by_key(|r| r.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for by in ALL {
            let mut slow = all.clone();
            slow.sort_by(|a, b| {
                (value(by, b), a.first_ts, a.id).cmp(&(value(by, a), b.first_ts, b.id))
            });
            for top in [0, 1, 20, 700, 5000, 9000] {
                let mut ranking = Ranking::new(Order { by, top: Some(top) });
                let mut left_out = 0;
                for batch in all.chunks(256) {
                    left_out += ranking.take(&mut batch.to_vec());
                    assert!(ranking.records.len() < 1024 + 256 + 2 * top);
                }
                let (ranked, rest) = ranking.drain();
                assert!(ranked == slow[..top.min(5000)], "{by:?} {top}");
                assert_eq!(left_out + rest + ranked.len() as u64, 5000);
            }
        }
    }

    #[test]
    fn states_are_told_apart() {
        let some = States::NONE.and(ConnState::S0).and(ConnState::Rej);
        assert!(some.has(ConnState::S0) && some.has(ConnState::Rej));
        assert!(!some.has(ConnState::Sf) && !some.has(ConnState::Oth));
        assert!(States::ALL.has(ConnState::Oth));
    }
}
