//! Puts messages together that lie in several segments (`desegment_tcp` in Wireshark's
//! `packet-tcp.c`, with `tcp.reassemble_out_of_order` off).
//!
//! Bounded: at most [`MAX_BUFFERED`] bytes wait in one direction of a stream, and [`MAX_ALL`] in all;
//! a message that does not fit is given up, and what follows is dissected as it comes. Of messages that
//! are whole, [`REMEMBERED`] in a direction are remembered, to know their segments when they are sent
//! again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::applications::{Asking, Need, Outcome, Payload, dispatch};
use super::fields::{
    FIN_RETRANSMISSION, REASSEMBLED_DATA, REASSEMBLED_IN, REASSEMBLED_LENGTH, SEGMENT,
    SEGMENT_COUNT, SEGMENT_DATA, SEGMENT_ERROR, SEGMENT_OVERLAP, SEGMENT_OVERLAP_CONFLICT,
    SEGMENTS,
};
use super::pdu::{Fragment, Overlap, Pdu, Tail};
use crate::read::column::Columns;
use crate::read::memory::Pass;
use crate::read::proto::data;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Place, Value};
use crate::read::walk::Walk;
use crate::tcp::{TcpEvents, before};

/// Bytes that wait in one direction of a stream.
pub(super) const MAX_BUFFERED: usize = 16 << 20;
/// Bytes that wait in all.
const MAX_ALL: usize = 256 << 20;
/// Messages that are remembered of one direction.
const REMEMBERED: usize = 32;
/// So much is asked for where everything until the end of the stream is wanted: less than half of the
/// space of sequence numbers, more than a stream has.
const UNTIL_FIN: u32 = 0x4000_0000;
/// Pieces of a message with holes between them; one with more is given up. A window of the largest size has
/// as many if every tenth segment in it is lost.
const MOST_PIECES: usize = 4096;
/// A message that begins with more than this in one segment is not put together.
const MOST_AT_ONCE: u32 = 1 << 20;

/// Messages of one direction that lie in several segments, by the sequence number of their first byte.
#[derive(Debug, Default)]
pub(super) struct Pdus {
    list: BTreeMap<u32, Pdu>,
    buffered: usize,
}

/// A segment whose payload is to be dissected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) payload: Payload,
    /// Sequence numbers of its first byte and of what follows it, relative.
    pub(super) seq: u32,
    pub(super) next: u32,
    pub(super) events: TcpEvents,
    /// The node of the TCP header, and the depth that it is at.
    pub(super) node: Added,
    pub(super) depth: u8,
}

/// Dissects the payload of a segment, by itself or together with those before it.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    segment: &Segment,
) -> Result<(), Stop> {
    let Payload {
        place, direction, ..
    } = segment.payload;
    let flow = &mut walk.memory.tcp.streams.at(place).flows[direction.index()];
    let mut pdus = flow.pdus.take();
    let before = pdus.as_ref().map_or(0, |pdus| pdus.buffered);
    let outcome = desegment(walk, region, segment, &mut pdus);
    let mut after = 0;
    if let Some(all) = &mut pdus {
        let others = walk.memory.tcp.buffered.saturating_sub(before);
        all.trim(MAX_ALL.saturating_sub(others).min(MAX_BUFFERED));
        after = all.buffered;
        if all.list.is_empty() {
            pdus = None;
        }
    }
    let memory = &mut walk.memory.tcp;
    memory.buffered = memory.buffered.saturating_sub(before) + after;
    if pdus.is_some() {
        // A dissector does not make streams, so this one is still there.
        memory.streams.at(place).flows[direction.index()].pdus = pdus;
    }
    outcome
}

impl Pdus {
    /// Gives up what does not fit, and forgets what is long done.
    fn trim(&mut self, budget: usize) {
        self.buffered = self.list.values().map(Pdu::memory).sum();
        if self.buffered > budget {
            self.list.retain(|_, pdu| pdu.bytes.is_empty());
            self.buffered = 0;
        }
        while self.list.len() > REMEMBERED {
            let oldest = self.list.iter().min_by_key(|(_, pdu)| pdu.last_frame);
            let Some((&seq, _)) = oldest else { break };
            if let Some(pdu) = self.list.remove(&seq) {
                self.buffered -= pdu.memory();
            }
        }
    }
}

/// What one turn found.
#[derive(Default)]
struct Turn {
    /// The message that the segment belongs to or begins.
    pdu: Option<u32>,
    called: bool,
    /// More is needed: from this offset on in the bytes that were dissected.
    more: Option<(usize, Need)>,
    /// So many bytes of the segment belong to a message that is whole now; another one follows.
    another: u32,
    /// So many of its bytes were added to a message.
    added: u32,
    /// Where what is left begins in the segment.
    left: usize,
}

#[expect(
    clippy::too_many_lines,
    reason = "one decision after another, in Wireshark's order"
)]
fn desegment(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    segment: &Segment,
    all: &mut Option<Box<Pdus>>,
) -> Result<(), Stop> {
    let frame = walk.frame.number;
    let next = segment.next;
    let mut offset = 0;
    let mut seq = segment.seq;
    let mut is_first = true;
    loop {
        let rest = region.rest(offset);
        let list = all.as_deref_mut().map(|pdus| &mut pdus.list);
        let known = list.as_ref().and_then(|list| list.get(&seq));
        if let Some(pdu) = known
            && next <= pdu.next
            && pdu.last_frame != frame
        {
            show_data(walk, segment, &rest, rest.reported(), "Retransmitted ");
            return Ok(());
        }
        if segment.events.has(TcpEvents::SPURIOUS_RETRANSMISSION) {
            return Ok(());
        }
        if segment.events.has(TcpEvents::RETRANSMISSION) {
            show_data(walk, segment, &rest, rest.reported(), "Retransmitted ");
            return Ok(());
        }
        let found = list.and_then(|list| {
            if list.contains_key(&seq) {
                return list.get_key_value(&seq).map(|(&first, _)| first);
            }
            let below = list.range(..=seq.wrapping_sub(1)).next_back();
            below.map(|(&first, _)| first)
        });
        let mut turn = Turn {
            left: offset,
            ..Turn::default()
        };
        let mut payload = segment.payload;
        let within = found.filter(|&first| {
            let pdu = all.as_ref().and_then(|pdus| pdus.list.get(&first));
            pdu.is_some_and(|pdu| !before(seq, first) && before(seq, pdu.next))
        });
        let within = within.filter(|first| {
            let end = seq.wrapping_sub(*first) as usize + rest.captured().len();
            let Some(pdus) = all.as_deref_mut() else {
                return false;
            };
            let pieces = pdus.list.get(first).map_or(0, |pdu| pdu.have.len());
            let fits = end <= MAX_BUFFERED && pieces <= MOST_PIECES;
            if !fits {
                pdus.list.remove(first);
            }
            fits
        });
        if let Some(first) = within
            && let Some(pdus) = all.as_deref_mut()
            && let Some(pdu) = pdus.list.get_mut(&first)
        {
            pdu.last_frame = frame;
            let len = if pdu.takes_segment {
                rest.captured().len() as u32
            } else {
                next.wrapping_sub(seq).min(pdu.next.wrapping_sub(seq))
            };
            turn.added = len;
            turn.pdu = Some(first);
            let bytes = rest.part(0, len as usize).captured();
            let tail = if before(next, pdu.next) {
                Tail::Follows
            } else {
                Tail::IsThis
            };
            let at = seq.wrapping_sub(first);
            if let Some(stop) = pdu.refuses(at, bytes.len() as u32) {
                walk.current = super::fields::THIS;
                return Err(stop);
            }
            let is_whole = pdu.add(frame, at, bytes, tail);
            if is_whole && pdu.takes_segment {
                pdu.takes_segment = false;
                if before(pdu.next, next) {
                    pdu.next = next;
                }
            }
            if pdu.next < next && pdu.next >= seq && len > 0 {
                turn.another = pdu.next.wrapping_sub(seq);
            }
            if is_whole && pdu.whole_in.is_none() {
                pdu.whole_in = Some(frame);
                let whole = pdu.whole();
                turn.called = true;
                if is_read(segment.events) && pdu.keeps_waiting(whole.len()) {
                    if let Some((Need::Line, looked)) = &mut pdu.awaits {
                        *looked = whole.len();
                    }
                    asked_again(walk, pdu, first);
                    pdu.extend();
                    ask(pdu, seq, turn.added, &rest, Need::Segment);
                    turn.more = Some((0, Need::Segment));
                    show_rest(walk, segment, &region, &turn, is_first);
                    return Ok(());
                }
                payload.seq = first;
                let number = walk.tree.add_source("Reassembled TCP", Arc::clone(&whole));
                let reassembled = Region::new(number, &whole, whole.len() as u32);
                let columns = columns_of(walk);
                if let Some((at, need)) = process(walk, reassembled, &payload, segment.events)? {
                    turn.more = Some((at, need));
                    if at == 0 {
                        walk.tree.remove_source();
                        asked_again(walk, pdu, first);
                        let memory = &*walk.memory;
                        // Nobody asked for more after this one.
                        let told = memory
                            .tcp
                            .reassembled_in(memory.pass, pdu.first_frame, first);
                        let is_last = told == Some(frame);
                        forget_asking(walk, columns.filter(|_| !is_last));
                    }
                    if !before(seq, first.wrapping_add(at as u32)) || at == 0 {
                        pdu.extend();
                        pdu.awaits = Some((need, whole.len()));
                        ask(pdu, seq, turn.added, &rest, need);
                    } else {
                        let rest_of = split(pdu, first, at as u32, frame);
                        let begins = first.wrapping_add(at as u32);
                        finish(walk, first, pdu, frame);
                        let mut shown = whole.len();
                        if walk.memory.pass == Pass::Second {
                            // It is known where this message ends, and that another one begins there.
                            shown = at;
                            let len = begins.wrapping_sub(seq) as usize;
                            show_data(walk, segment, &rest, len, "");
                            (turn.pdu, turn.left) = (Some(begins), offset + len);
                        }
                        show_fragments(walk, segment, pdu, number, shown);
                        forget_bytes(pdu);
                        let mut rest_of = rest_of;
                        rest_of.awaits = Some((need, whole.len().saturating_sub(at)));
                        ask(&mut rest_of, seq, turn.added, &rest, need);
                        pdus.list.insert(begins, rest_of);
                    }
                    if need == Need::UntilFin {
                        until_fin(walk, segment);
                    }
                    offset += turn.added as usize;
                    seq = seq.wrapping_add(turn.added);
                    if region.captured().len() > offset {
                        continue;
                    }
                    turn.another = 0;
                } else {
                    let len = match turn.another {
                        0 => rest.reported(),
                        len => len as usize,
                    };
                    show_data(walk, segment, &rest, len, "");
                    finish(walk, first, pdu, frame);
                    show_fragments(walk, segment, pdu, number, whole.len());
                    forget_bytes(pdu);
                }
            }
        } else {
            payload.seq = seq;
            turn.called = true;
            let columns = columns_of(walk);
            turn.more = process(walk, rest, &payload, segment.events)?;
            if let Some((at, need)) = turn.more {
                turn.left = offset + at;
                forget_asking(walk, columns.filter(|_| at == 0));
                let begins = seq.wrapping_add(at as u32);
                let len = next.wrapping_sub(begins);
                if len <= MOST_AT_ONCE {
                    let mut pdu = Pdu::new(next, frame);
                    match need {
                        Need::Bytes(bytes) => pdu.next = next.wrapping_add(bytes),
                        Need::Segment | Need::Line | Need::Chunk => {
                            pdu.next = next.wrapping_add(1);
                            pdu.takes_segment = true;
                        }
                        Need::UntilFin => pdu.next = next.wrapping_add(UNTIL_FIN),
                    }
                    let bytes = rest.captured().get(at..).unwrap_or(&[]);
                    pdu.awaits = Some((need, bytes.len()));
                    pdu.add(frame, 0, bytes, Tail::Follows);
                    turn.pdu = Some(begins);
                    let pdus = all.get_or_insert_default();
                    pdus.buffered += pdu.memory();
                    pdus.list.insert(begins, pdu);
                }
                if need == Need::UntilFin {
                    until_fin(walk, segment);
                }
            }
        }
        if !turn.called || turn.more.is_some() {
            show_rest(walk, segment, &region, &turn, is_first);
        }
        if turn.another == 0 {
            return Ok(());
        }
        walk.columns.settle();
        is_first = false;
        offset += turn.another as usize;
        seq = seq.wrapping_add(turn.another);
    }
}

/// The sender's FIN: whoever wanted everything until then gets it.
pub(super) fn finish_stream(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    segment: &Segment,
) -> Result<bool, Stop> {
    let Payload {
        place, direction, ..
    } = segment.payload;
    let frame = walk.frame.number;
    let flow = &mut walk.memory.tcp.streams.at(place).flows[direction.index()];
    let Some(mut pdus) = flow.pdus.take() else {
        return Ok(false);
    };
    let below = segment.seq.wrapping_sub(1);
    let found = pdus.list.range_mut(..=below).next_back();
    let mut outcome = Ok(false);
    if let Some((&first, pdu)) = found
        && pdu.whole_in.is_none()
    {
        let before = pdu.bytes.len();
        let fits = before + region.captured().len() <= MAX_BUFFERED;
        let offset = segment.seq.wrapping_sub(first);
        if fits
            && (offset as usize) <= before
            && pdu.add(frame, offset, region.captured(), Tail::IsThis)
        {
            pdu.whole_in = Some(frame);
            let whole = Arc::clone(&pdu.bytes);
            let number = walk.tree.add_source("Reassembled TCP", Arc::clone(&whole));
            finish(walk, first, pdu, frame);
            show_fragments(walk, segment, pdu, number, whole.len());
            forget_bytes(pdu);
            let mut payload = segment.payload;
            payload.seq = first;
            payload.asking = Asking::Pointless;
            let reassembled = Region::new(number, &whole, whole.len() as u32);
            outcome = process(walk, reassembled, &payload, segment.events).map(|_| true);
        }
    }
    let was = pdus.buffered;
    pdus.trim(MAX_BUFFERED);
    let memory = &mut walk.memory.tcp;
    memory.buffered = memory.buffered.saturating_sub(was) + pdus.buffered;
    memory.streams.at(place).flows[direction.index()].pdus = Some(pdus);
    outcome
}

/// Whether this FIN is what somebody waits for.
pub(super) fn ends(walk: &mut Walk<'_, '_>, segment: &Segment) -> bool {
    let Payload {
        place, direction, ..
    } = segment.payload;
    let frame = walk.frame.number;
    let rare = walk.memory.tcp.streams.at(place).rare();
    let Some(flow) = rare.map(|rare| &mut rare.flows[direction.index()]) else {
        return false;
    };
    if !flow.until_fin {
        return false;
    }
    if flow.fin_frame == 0 || flow.fin_frame == frame {
        flow.fin_frame = frame;
        return true;
    }
    let first = Value::Uint(flow.fin_frame);
    let back = walk.tree.under(segment.node);
    walk.tree.add(FIN_RETRANSMISSION, Place::default(), first);
    walk.tree.back(back);
    false
}

/// Whether a segment's bytes are handed to a dissector: who reads a stream would be confused by what it has
/// seen, or not yet.
const fn is_read(events: TcpEvents) -> bool {
    const NOT_NOW: TcpEvents = TcpEvents(
        TcpEvents::KEEP_ALIVE.0 | TcpEvents::RETRANSMISSION.0 | TcpEvents::OUT_OF_ORDER.0,
    );
    !events.has(NOT_NOW)
}

/// Hands bytes to a dissector; what it still needs.
pub(super) fn process(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
    events: TcpEvents,
) -> Result<Option<(usize, Need)>, Stop> {
    if events.has(TcpEvents::KEEP_ALIVE) {
        data::dissect(walk, region)?;
        return Ok(None);
    }
    if !is_read(events) {
        return Ok(None);
    }
    let asking = payload.asking;
    match dispatch(walk, region, payload)? {
        Outcome::More { at, need } if asking == Asking::Possible => {
            Ok(Some((at.min(region.captured().len()), need)))
        }
        _ => Ok(None),
    }
}

/// The columns before a dissector is asked for the second time.
fn columns_of(walk: &Walk<'_, '_>) -> Option<Columns> {
    (walk.memory.pass == Pass::Second).then(|| walk.columns.clone())
}

/// In the second pass, Wireshark does not ask a dissector again that could say nothing of a segment without
/// what follows: the columns stay TCP's.
fn forget_asking(walk: &mut Walk<'_, '_>, before: Option<Columns>) {
    if let Some(columns) = before {
        *walk.columns = columns;
    }
}

/// Nobody could tell anything of a message without what follows this segment.
fn asked_again(walk: &mut Walk<'_, '_>, pdu: &Pdu, first: u32) {
    if walk.memory.pass == Pass::First {
        let told = (pdu.first_frame, first, walk.frame.number);
        walk.memory.tcp.reassembled.push(told);
    }
}

/// A message that was thought to be whole needs more.
fn ask(pdu: &mut Pdu, seq: u32, added: u32, rest: &Region<'_>, need: Need) {
    let end = seq.wrapping_add(added);
    match need {
        Need::Segment | Need::Line | Need::Chunk => {
            let all = seq.wrapping_add(rest.reported() as u32);
            pdu.next = all.max(pdu.next).wrapping_add(1);
            pdu.takes_segment = true;
        }
        Need::UntilFin => pdu.next = end.wrapping_add(UNTIL_FIN),
        Need::Bytes(bytes) if end >= pdu.next => pdu.next = end.wrapping_add(bytes),
        Need::Bytes(bytes) => pdu.next = pdu.next.wrapping_add(bytes),
    }
}

/// Cuts a message in two at `at`; gives the later one.
fn split(pdu: &mut Pdu, first: u32, at: u32, frame: u64) -> Pdu {
    let mut later = Pdu::new(pdu.next, frame);
    let at_most = (at as usize).min(pdu.bytes.len());
    let bytes = Arc::make_mut(&mut pdu.bytes).split_off(at_most);
    later.have = vec![(0, bytes.len() as u32)];
    later.bytes = Arc::new(bytes);
    for fragment in &pdu.fragments {
        let end = fragment.offset + fragment.len;
        if end > at {
            later.first_frame = later.first_frame.min(fragment.frame);
            let from = fragment.offset.max(at);
            later.fragments.push(Fragment {
                frame: fragment.frame,
                offset: from - at,
                len: end - from,
                overlap: fragment.overlap,
            });
        }
    }
    pdu.fragments.retain_mut(|fragment| {
        fragment.len = fragment.len.min(at.saturating_sub(fragment.offset));
        fragment.len > 0
    });
    pdu.next = first.wrapping_add(at);
    pdu.len = Some(at);
    later
}

/// A message is whole: the frames of its other segments are told, if there is a second pass.
fn finish(walk: &mut Walk<'_, '_>, first: u32, pdu: &Pdu, frame: u64) {
    if walk.memory.pass == Pass::First {
        let others = pdu.fragments.iter().filter(|one| one.frame != frame);
        let told = others.map(|one| (one.frame, first, frame));
        walk.memory.tcp.reassembled.extend(told);
    }
}

fn forget_bytes(pdu: &mut Pdu) {
    pdu.bytes = Arc::default();
    pdu.have = Vec::new();
    pdu.fragments = Vec::new();
}

fn until_fin(walk: &mut Walk<'_, '_>, segment: &Segment) {
    let Payload {
        place, direction, ..
    } = segment.payload;
    let rare = walk.memory.tcp.streams.at(place).rare_mut();
    rare.flows[direction.index()].until_fin = true;
}

/// What is left of the segment is shown as data that belongs to a message elsewhere.
fn show_rest(
    walk: &mut Walk<'_, '_>,
    segment: &Segment,
    region: &Region<'_>,
    turn: &Turn,
    is_first: bool,
) {
    if let Some(first) = turn.pdu {
        let memory = &walk.memory;
        let frame = walk.frame.number;
        if let Some(whole_in) = memory.tcp.reassembled_in(memory.pass, frame, first)
            && whole_in != frame
        {
            let back = walk.tree.under(segment.node);
            walk.tree
                .add_generated(REASSEMBLED_IN, Value::Uint(whole_in));
            walk.tree.back(back);
        }
    }
    let at = turn.more.map_or(0, |(at, _)| at);
    if at == 0 {
        let begins_here = turn.more.is_some() && turn.added == 0;
        if walk.memory.pass != Pass::Second || !begins_here {
            walk.columns.set_protocol("TCP");
        }
        if is_first {
            walk.columns
                .append_info_after(" ", format_args!("[TCP segment of a reassembled PDU]"));
        }
    }
    let rest = region.rest(turn.left);
    let len = match turn.another {
        0 => rest.reported(),
        len => len as usize,
    };
    show_data(walk, segment, &rest, len, "");
}

fn show_data(
    walk: &mut Walk<'_, '_>,
    segment: &Segment,
    rest: &Region<'_>,
    len: usize,
    again: &str,
) {
    let back = walk.tree.under(segment.node);
    let place = rest.place(0, len.min(rest.captured().len()));
    let added = walk.tree.add(SEGMENT_DATA, place, Value::Bytes);
    let s = if len == 1 { "" } else { "s" };
    walk.tree.label(
        added,
        format_args!("{again}TCP segment data ({len} byte{s})"),
    );
    walk.tree.back(back);
}

/// The tree of a message's segments, which follows the TCP header.
fn show_fragments(
    walk: &mut Walk<'_, '_>,
    segment: &Segment,
    pdu: &mut Pdu,
    source: u8,
    len: usize,
) {
    pdu.fragments.sort_by_key(|fragment| fragment.offset);
    let tree = &mut *walk.tree;
    let back = tree.under(segment.node);
    tree.set_depth(segment.depth);
    let place = |at: u32, len: u32| Place { source, at, len };
    let all = tree.add(SEGMENTS, place(0, len as u32), Value::Bytes);
    tree.set_generated(all);
    if tree.labels() {
        let count = pdu.fragments.len();
        let title = if count == 1 {
            "TCP Segment"
        } else {
            "Reassembled TCP Segments"
        };
        let s = if len == 1 { "" } else { "s" };
        let parts: Vec<_> = pdu
            .fragments
            .iter()
            .map(|one| format!("#{}({})", one.frame, one.len))
            .collect();
        let parts = parts.join(", ");
        tree.label(
            all,
            format_args!("{count} {title} ({len} byte{s}): {parts}"),
        );
    }
    tree.open();
    for one in &pdu.fragments {
        let field = if one.overlap == Overlap::Different {
            SEGMENT_ERROR
        } else {
            SEGMENT
        };
        let added = tree.add(field, place(one.offset, one.len), Value::Uint(one.frame));
        tree.set_generated(added);
        let s = if one.len == 1 { "" } else { "s" };
        let last = one.offset + one.len.saturating_sub(1);
        tree.label(
            added,
            format_args!(
                "Frame: {}, payload: {}-{last} ({} byte{s})",
                one.frame, one.offset, one.len
            ),
        );
        if one.overlap > Overlap::None {
            tree.open();
            tree.add_generated(SEGMENT_OVERLAP, Value::Bool(true));
            if one.overlap == Overlap::Different {
                tree.add_generated(SEGMENT_OVERLAP_CONFLICT, Value::Bool(true));
            }
            tree.close();
        }
    }
    tree.add_generated(SEGMENT_COUNT, Value::Uint(pdu.fragments.len() as u64));
    tree.add_generated(REASSEMBLED_LENGTH, Value::Uint(len as u64));
    let added = tree.add(REASSEMBLED_DATA, place(0, len as u32), Value::Bytes);
    tree.set_generated(added);
    tree.close();
    tree.back(back);
    let conflicts = |one: &Fragment| one.overlap == Overlap::Different;
    if pdu.fragments.iter().any(conflicts) {
        walk.columns.set_info(format_args!("[Illegal Segments]"));
    }
}
