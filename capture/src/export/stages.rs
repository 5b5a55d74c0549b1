//! The frames in which connections are opened and closed.
//!
//! A handshake is the first SYN of each side and the ACK that completes it; a closing is the first FIN
//! of each side, the first ACK of each, and resets. What repeats one of them is a retransmission.

use std::collections::BTreeMap;

use crate::read::statistics::segment::{Segment, flag};
use crate::read::statistics::traffic::End;

/// Streams that are followed at once.
const MOST: usize = 1 << 20;

/// Which frames of a connection are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Those of the handshake.
    pub handshake: bool,
    /// Those of the closing.
    pub teardown: bool,
    /// Of either, what was sent again too.
    pub retransmissions: bool,
}

impl Stages {
    /// Whether any is wanted.
    pub(super) const fn is_any(self) -> bool {
        self.handshake || self.teardown
    }
}

/// What is remembered of streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: BTreeMap<u64, Stream>,
    /// Streams that made room for others.
    pub(super) forgotten: u64,
}

impl Streams {
    /// Whether a segment is wanted.
    pub(super) fn wants(&mut self, stages: Stages, segment: &Segment) -> bool {
        if !self.streams.contains_key(&segment.stream) && self.streams.len() >= MOST {
            // Numbers rise: the lowest is the oldest.
            self.streams.pop_first();
            self.forgotten += 1;
        }
        let stream = self
            .streams
            .entry(segment.stream)
            .or_insert_with(|| Stream {
                first: segment.source,
                sides: [Side::default(); 2],
            });
        let (handshake, teardown) = stream.take(segment);
        let wanted = |part: Part| match part {
            Part::None => false,
            Part::Again => stages.retransmissions,
            Part::First => true,
        };
        stages.handshake && wanted(handshake) || stages.teardown && wanted(teardown)
    }
}

/// What a segment is of a handshake or a closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    None,
    /// A repetition.
    Again,
    First,
}

#[derive(Debug)]
struct Stream {
    /// Who sent its first segment.
    first: End,
    sides: [Side; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Sequence number behind its SYN.
    syn: Option<u32>,
    syn_again: bool,
    /// It acknowledged the other side's SYN.
    confirmed: bool,
    /// Sequence number behind its FIN.
    fin: Option<u32>,
    fin_again: bool,
    fin_acked: bool,
    reset: bool,
}

impl Stream {
    fn take(&mut self, segment: &Segment) -> (Part, Part) {
        let [first, second] = &mut self.sides;
        let (own, peer) = if segment.source == self.first {
            (first, second)
        } else {
            (second, first)
        };
        (handshake(own, peer, segment), teardown(own, peer, segment))
    }
}

fn handshake(own: &mut Side, peer: &mut Side, segment: &Segment) -> Part {
    let mut part = Part::None;
    if segment.has(flag::SYN) {
        let behind = segment.seq.wrapping_add(1);
        if own.syn == Some(behind) {
            own.syn_again = true;
            part = Part::Again;
        } else {
            *own = Side {
                syn: Some(behind),
                ..Side::default()
            };
            part = Part::First;
        }
    }
    let acknowledges = segment.has(flag::ACK) && !segment.has(flag::RST);
    if acknowledges && own.syn.is_some() && peer.syn == Some(segment.ack) {
        if !own.confirmed {
            own.confirmed = true;
            part = part.max(Part::First);
        } else if segment.len == 0 && std::mem::take(&mut peer.syn_again) {
            part = part.max(Part::Again);
        }
    }
    part
}

fn teardown(own: &mut Side, peer: &mut Side, segment: &Segment) -> Part {
    let mut part = Part::None;
    if segment.has(flag::FIN) {
        let syn = u32::from(segment.has(flag::SYN));
        let behind = segment.seq.wrapping_add(segment.len).wrapping_add(syn + 1);
        if own.fin.is_some() {
            own.fin_again = true;
            part = Part::Again;
        } else {
            own.fin = Some(behind);
            part = Part::First;
        }
    }
    if let Some(fin) = peer.fin
        && segment.has(flag::ACK)
        && segment.ack.wrapping_sub(fin).cast_signed() >= 0
    {
        if !peer.fin_acked {
            peer.fin_acked = true;
            part = part.max(Part::First);
        } else if segment.len == 0 && std::mem::take(&mut peer.fin_again) {
            part = part.max(Part::Again);
        }
    }
    if segment.has(flag::RST) {
        let again = std::mem::replace(&mut own.reset, true);
        part = part.max(if again { Part::Again } else { Part::First });
    }
    part
}
