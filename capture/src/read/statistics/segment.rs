//! TCP segments as statistics, export and plots see them: what the dissector found, by field names.

use super::Known;
use super::traffic::{End, host};
use crate::read::tree::{Node, Place, Tree, Value, Wanted};

/// Flags of the header, as `tcp.flags` has them.
pub(crate) mod flag {
    pub(crate) const FIN: u16 = 0x01;
    pub(crate) const SYN: u16 = 0x02;
    pub(crate) const RST: u16 = 0x04;
    pub(crate) const PSH: u16 = 0x08;
    pub(crate) const ACK: u16 = 0x10;
    pub(crate) const URG: u16 = 0x20;
}

/// Blocks of a selective acknowledgment that fit into a header.
const SACKS: usize = 4;

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) source: End,
    pub(crate) destination: End,
    /// `tcp.stream`
    pub(crate) stream: u64,
    /// Sequence and acknowledgment number as they were sent.
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    /// The same as they are shown.
    pub(crate) shown_seq: u32,
    pub(crate) shown_ack: u32,
    pub(crate) flags: u16,
    /// Bytes of payload on the wire.
    pub(crate) len: u32,
    /// The window in bytes, scaled if the scale is known.
    pub(crate) window: u64,
    /// The payload that was captured.
    pub(crate) payload: Option<Place>,
    /// The round trip that its acknowledgment measures.
    pub(crate) rtt_ns: Option<i64>,
    /// It repeats what was sent before.
    pub(crate) is_repeated: bool,
    /// Blocks that were acknowledged selectively, as they are shown.
    sacks: [(u32, u32); SACKS],
    sack_count: usize,
}

impl Segment {
    const fn new(source: End, destination: End) -> Self {
        Self {
            source,
            destination,
            stream: 0,
            seq: 0,
            ack: 0,
            shown_seq: 0,
            shown_ack: 0,
            flags: 0,
            len: 0,
            window: 0,
            payload: None,
            rtt_ns: None,
            is_repeated: false,
            sacks: [(0, 0); SACKS],
            sack_count: 0,
        }
    }

    /// Whether any of these flags is set.
    pub(crate) const fn has(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// Blocks that were acknowledged selectively.
    pub(crate) fn sacks(&self) -> &[(u32, u32)] {
        &self.sacks[..self.sack_count]
    }
}

/// The fields that segments are read from.
#[derive(Clone, Debug)]
pub(crate) struct Segments {
    quotes: [Known; 2],
    sources: [Known; 2],
    destinations: [Known; 2],
    source_port: Known,
    destination_port: Known,
    stream: Known,
    seq: Known,
    ack: Known,
    shown_seq: Known,
    shown_ack: Known,
    flags: Known,
    len: Known,
    window: Known,
    payload: Known,
    /// What a reset says of its cause, which is payload as well.
    cause: Known,
    rtt: Known,
    repeated: [Known; 3],
    left: Known,
    right: Known,
}

impl Segments {
    pub(crate) fn new() -> Self {
        let known = Known::named;
        Self {
            quotes: [known("icmp"), known("icmpv6")],
            sources: [known("ip.src"), known("ipv6.src")],
            destinations: [known("ip.dst"), known("ipv6.dst")],
            source_port: known("tcp.srcport"),
            destination_port: known("tcp.dstport"),
            stream: known("tcp.stream"),
            seq: known("tcp.seq_raw"),
            ack: known("tcp.ack_raw"),
            shown_seq: known("tcp.seq"),
            shown_ack: known("tcp.ack"),
            flags: known("tcp.flags"),
            len: known("tcp.len"),
            window: known("tcp.window_size"),
            payload: known("tcp.payload"),
            cause: known("tcp.reset_cause"),
            rtt: known("tcp.analysis.ack_rtt"),
            repeated: [
                known("tcp.analysis.retransmission"),
                known("tcp.analysis.fast_retransmission"),
                known("tcp.analysis.spurious_retransmission"),
            ],
            left: known("tcp.options.sack_le"),
            right: known("tcp.options.sack_re"),
        }
    }

    pub(crate) fn want(&self, wanted: &mut Wanted) {
        let several = [&self.quotes, &self.sources, &self.destinations];
        let single = [
            &self.source_port,
            &self.destination_port,
            &self.stream,
            &self.seq,
            &self.ack,
            &self.shown_seq,
            &self.shown_ack,
            &self.flags,
            &self.len,
            &self.window,
            &self.payload,
            &self.cause,
            &self.rtt,
            &self.left,
            &self.right,
        ];
        let all = several.into_iter().flatten().chain(single);
        for known in all.chain(&self.repeated) {
            known.want(wanted);
        }
    }

    /// The segments of a frame, from the outside in; those that ICMP quotes are left out.
    pub(crate) fn of<'t>(&'t self, tree: &'t Tree) -> impl Iterator<Item = Segment> + 't {
        let mut nodes = tree.nodes().iter();
        let (mut source, mut destination) = (None, None);
        let mut segment: Option<Segment> = None;
        // Wireshark, too, passes over headers that end before their window.
        let mut is_whole = false;
        std::iter::from_fn(move || {
            loop {
                let Some(node) = nodes.next() else {
                    return segment.take().filter(|_| is_whole);
                };
                if self.quotes.iter().any(|known| known.is(node)) {
                    nodes = [].iter();
                } else if self.sources.iter().any(|known| known.is(node)) {
                    source = host(node.value);
                } else if self.destinations.iter().any(|known| known.is(node)) {
                    destination = host(node.value);
                } else if self.source_port.is(node) {
                    let ends = source.zip(destination);
                    let next = ends.map(|(source, destination)| Segment::new(source, destination));
                    let last = std::mem::replace(&mut segment, next);
                    if let Some(segment) = &mut segment {
                        segment.source.port = number(node) as u16;
                    }
                    if std::mem::take(&mut is_whole) && last.is_some() {
                        return last;
                    }
                } else if let Some(segment) = &mut segment {
                    is_whole |= self.window.is(node);
                    self.take(node, segment);
                }
            }
        })
    }

    fn take(&self, node: &Node, segment: &mut Segment) {
        if self.destination_port.is(node) {
            segment.destination.port = number(node) as u16;
        } else if self.stream.is(node) {
            segment.stream = number(node);
        } else if self.seq.is(node) {
            segment.seq = number(node) as u32;
        } else if self.ack.is(node) {
            segment.ack = number(node) as u32;
        } else if self.shown_seq.is(node) {
            segment.shown_seq = number(node) as u32;
        } else if self.shown_ack.is(node) {
            segment.shown_ack = number(node) as u32;
        } else if self.flags.is(node) {
            segment.flags = number(node) as u16;
        } else if self.len.is(node) {
            segment.len = number(node) as u32;
        } else if self.window.is(node) {
            segment.window = number(node);
        } else if self.payload.is(node) || self.cause.is(node) {
            segment.payload = Some(node.place);
        } else if self.rtt.is(node) {
            if let Value::Span(ns) = node.value {
                segment.rtt_ns = Some(ns);
            }
        } else if self.repeated.iter().any(|known| known.is(node)) {
            segment.is_repeated = true;
        } else if self.left.is(node) {
            if let Some(block) = segment.sacks.get_mut(segment.sack_count) {
                *block = (number(node) as u32, number(node) as u32);
                segment.sack_count += 1;
            }
        } else if self.right.is(node)
            && let Some(block) = segment.sacks[..segment.sack_count].last_mut()
        {
            block.1 = number(node) as u32;
        }
    }
}

const fn number(node: &Node) -> u64 {
    match node.value {
        Value::Uint(number) => number,
        _ => 0,
    }
}
