//! One direction's bytes, in a map of intervals: what was seen, how far it could be handed on, and
//! what is missing. Sequence numbers are relative, so that the first byte of payload is 1.

use std::collections::BTreeMap;

/// The intervals that were seen and not acknowledged yet: first byte to one past the last.
#[derive(Clone, Debug)]
pub(super) struct Reassembly {
    pub(super) blocks: BTreeMap<u64, u64>,
    /// Everything below was handed on or given up.
    pub(super) delivered: u64,
    /// Everything below was acknowledged.
    pub(super) trimmed: u64,
    /// Nothing is looked at any more.
    pub(super) skips: bool,
}

/// A range that will not come any more: where, and how many bytes.
pub(super) type Gap = (u64, u64);

/// What the connection knows that decides over gaps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// It is a partial connection: its start was not seen.
    pub(super) partial: bool,
    /// More than 16 KiB were sent, and nothing was acknowledged.
    pub(super) unacked_flood: bool,
}

impl Reassembly {
    pub(super) fn new() -> Self {
        Self {
            blocks: BTreeMap::new(),
            delivered: 1,
            trimmed: 1,
            skips: false,
        }
    }

    /// Bytes from the first that is not handed on to the last that was seen.
    pub(super) fn undelivered(&self) -> u64 {
        self.blocks
            .last_key_value()
            .map_or(0, |(_, upper)| upper.wrapping_sub(self.delivered))
    }

    /// Bytes that are kept.
    pub(super) fn kept(&self) -> u64 {
        self.blocks.iter().map(|(seq, upper)| upper - seq).sum()
    }

    /// Payload was seen.
    pub(super) fn data(&mut self, seq: u64, len: u64, around: Around, gaps: &mut Vec<Gap>) {
        let Some(upper) = seq.checked_add(len) else {
            return;
        };
        if len == 0 || upper <= self.trimmed {
            return;
        }
        let at = self.insert(seq.max(self.trimmed), upper, None);
        self.deliver(at, around, gaps);
    }

    /// Adds what is new of an interval; says which block to hand on first.
    fn insert(&mut self, seq: u64, upper: u64, from: Option<u64>) -> u64 {
        let Some((_, last_upper)) = self.blocks.last_key_value() else {
            self.blocks.insert(seq, upper);
            return seq;
        };
        if seq == *last_upper {
            self.blocks.insert(seq, upper);
            return seq;
        }
        let from = from.or_else(|| self.blocks.range(..=seq).next_back().map(|(at, _)| *at));
        let mut candidates = self.blocks.range(from.unwrap_or(0)..);
        let overlapping = candidates.find(|(_, end)| **end > seq);
        let Some((&at, &end)) = overlapping else {
            self.blocks.insert(seq, upper);
            return seq;
        };
        if upper <= at {
            self.blocks.insert(seq, upper);
            return seq;
        }
        let mut first = at;
        if seq < at {
            self.blocks.insert(seq, at);
            first = seq;
        }
        if upper > end {
            let rest = self.insert(end, upper, Some(at));
            if first == at {
                first = rest;
            }
        }
        first
    }

    /// Hands on what has no hole before it, from the block at `at`.
    fn deliver(&mut self, at: u64, around: Around, gaps: &mut Vec<Gap>) {
        let Some(&upper) = self.blocks.get(&at) else {
            return;
        };
        if at > self.delivered || upper <= self.delivered {
            return;
        }
        for (seq, upper) in self.blocks.range(at..) {
            if *seq > self.delivered {
                break;
            }
            if *seq == self.delivered {
                self.delivered = *upper;
            }
        }
        if around.unacked_flood {
            self.trim(self.delivered, around, gaps);
        }
    }

    /// Everything below `seq` was acknowledged.
    pub(super) fn trim(&mut self, seq: u64, around: Around, gaps: &mut Vec<Gap>) {
        if seq > self.delivered {
            self.give_up(seq, around, gaps);
        }
        while let Some((&first, &upper)) = self.blocks.first_key_value() {
            if upper > seq {
                break;
            }
            self.blocks.remove(&first);
        }
        if let Some((&first, _)) = self.blocks.first_key_value()
            && first == self.delivered
        {
            self.deliver(first, around, gaps);
        }
        self.trimmed = self.trimmed.max(seq);
    }

    /// What is missing below `seq` will not come any more.
    fn give_up(&mut self, seq: u64, around: Around, gaps: &mut Vec<Gap>) {
        // The first acknowledgment of a stream whose beginning was guessed.
        if seq <= 2 && around.partial {
            return;
        }
        if !self.skips {
            while let Some((&first, _)) = self.blocks.range(self.delivered..).next()
                && first < seq
            {
                gaps.push((self.delivered, first - self.delivered));
                self.delivered = first;
                self.deliver(first, around, gaps);
            }
            if seq > self.delivered {
                gaps.push((self.delivered, seq - self.delivered));
            }
        }
        self.delivered = self.delivered.max(seq);
    }
}
