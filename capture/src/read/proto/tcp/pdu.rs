//! A message that lies in several segments: which of its bytes are there, what they came from, and whether
//! it is worth looking at them again.

use std::sync::Arc;

use memchr::memchr2;

use super::applications::Need;
use crate::read::region::Stop;

/// A message of unknown length is looked at with each of its segments up to this.
const READ_EACH_TIME: usize = 256 << 10;

/// A message that lies in several segments.
#[derive(Debug)]
pub(super) struct Pdu {
    /// Sequence number of what follows it, as far as that is known.
    pub(super) next: u32,
    pub(super) first_frame: u64,
    pub(super) last_frame: u64,
    /// The next segment belongs to it as a whole.
    pub(super) takes_segment: bool,
    /// What was asked for last, and how many of its bytes were looked at for that.
    pub(super) awaits: Option<(Need, usize)>,
    pub(super) bytes: Arc<Vec<u8>>,
    /// Which bytes are there, in order.
    pub(super) have: Vec<(u32, u32)>,
    pub(super) fragments: Vec<Fragment>,
    /// Its length, once its last segment is there.
    pub(super) len: Option<u32>,
    /// The frame in which it was whole.
    pub(super) whole_in: Option<u64>,
}

/// A segment's part of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) frame: u64,
    pub(super) offset: u32,
    pub(super) len: u32,
    pub(super) overlap: Overlap,
}

/// Whether bytes of a segment were there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Overlap {
    None,
    Same,
    Different,
}

/// What a fragment is added to a message with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    Follows,
    IsThis,
}

impl Pdu {
    pub(super) fn new(next: u32, frame: u64) -> Self {
        Self {
            next,
            first_frame: frame,
            last_frame: frame,
            takes_segment: false,
            awaits: None,
            bytes: Arc::default(),
            have: Vec::new(),
            fragments: Vec::new(),
            len: None,
            whole_in: None,
        }
    }

    /// Adds bytes, of which those that are there already stay as they are. Whether all are there now.
    pub(super) fn add(&mut self, frame: u64, offset: u32, bytes: &[u8], tail: Tail) -> bool {
        if self.whole_in.is_some() {
            return true;
        }
        let start = offset as usize;
        let end = start + bytes.len();
        let own = Arc::make_mut(&mut self.bytes);
        if own.len() < end {
            own.resize(end, 0);
        }
        let mut overlap = Overlap::None;
        let mut at = start;
        let below = self.have.partition_point(|&(_, to)| to as usize <= start);
        for &(from, to) in &self.have[below..] {
            let (from, to) = (from as usize, to as usize);
            if from >= end {
                break;
            }
            if from > at {
                own[at..from].copy_from_slice(&bytes[at - start..from - start]);
            }
            let (low, high) = (from.max(start), to.min(end));
            let is_same = own[low..high] == bytes[low - start..high - start];
            overlap = overlap.max(if is_same {
                Overlap::Same
            } else {
                Overlap::Different
            });
            at = at.max(to);
        }
        if at < end {
            own[at..end].copy_from_slice(&bytes[at - start..]);
        }
        self.cover(offset, end as u32);
        self.fragments.push(Fragment {
            frame,
            offset,
            len: bytes.len() as u32,
            overlap,
        });
        if tail == Tail::IsThis {
            self.len = Some(self.len.unwrap_or(0).max(end as u32));
        }
        match (self.len, self.have.first()) {
            (Some(len), Some(&(0, to))) => to >= len,
            _ => false,
        }
    }

    pub(super) fn cover(&mut self, from: u32, to: u32) {
        let first = self.have.partition_point(|&(_, end)| end < from);
        let last = self.have.partition_point(|&(start, _)| start <= to);
        if first >= last {
            self.have.insert(first, (from, to));
            return;
        }
        let low = self.have[first].0.min(from);
        let high = self.have[last - 1].1.max(to);
        self.have.splice(first..last, [(low, high)]);
    }

    /// Why a segment cannot be added: the message that it lies in is whole without it.
    pub(super) fn refuses(&self, offset: u32, len: u32) -> Option<Stop> {
        self.whole_in?;
        let end = offset.saturating_add(len);
        Some(if self.len.is_some_and(|whole| end > whole) {
            Stop::PastOld
        } else {
            Stop::OverlapsOld
        })
    }

    /// Bytes that it takes: what it consists of counts, too, as segments may have a single byte.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len() + self.fragments.len() * size_of::<Fragment>()
    }

    /// Its bytes, as far as they are known to belong to it. They are shared, not copied: whoever asks for
    /// segment after segment is shown all of them each time.
    pub(super) fn whole(&self) -> Arc<Vec<u8>> {
        match self.len.map(|len| len as usize) {
            Some(len) if len < self.bytes.len() => Arc::new(self.bytes[..len].to_vec()),
            _ => Arc::clone(&self.bytes),
        }
    }

    /// Whether it is not worth asking what its first `len` bytes are: the answer would be the same, or it
    /// was given a short while ago, and reading all of it for each segment would take the square of its
    /// length.
    pub(super) fn keeps_waiting(&self, len: usize) -> bool {
        match self.awaits {
            Some((Need::Line, looked)) => {
                // A CR at their end may have waited for its LF.
                let new = self.bytes.get(looked.saturating_sub(1)..len);
                memchr2(b'\r', b'\n', new.unwrap_or_default()).is_none()
            }
            Some((Need::Segment, looked)) => len > READ_EACH_TIME && len < looked + looked / 8,
            _ => false,
        }
    }

    /// More is needed than was thought.
    pub(super) fn extend(&mut self) {
        self.len = None;
        self.whole_in = None;
    }
}
