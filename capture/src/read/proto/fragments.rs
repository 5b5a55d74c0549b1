//! Datagrams put together from their fragments (RFC 791 section 3.2, RFC 8200 section 4.5; what is
//! said of them as by Wireshark's `epan/reassemble.c`).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::read::column::Address;
use crate::read::field::FieldId;
use crate::read::memory::Pass;
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

/// Bytes of fragments that wait at most.
const MOST_BYTES: usize = 64 << 20;
/// Datagrams that wait at most.
const MOST_DATAGRAMS: usize = 1 << 16;
/// Fragments whose end the second pass knows at most.
const MOST_KNOWN: usize = 1 << 20;

/// What a fragment's header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    /// What tells datagrams between the same two apart.
    pub(crate) id: u32,
    /// In bytes.
    pub(crate) offset: u32,
    /// Others follow.
    pub(crate) more: bool,
}

/// What is the same in all fragments of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: [u8; 16],
    destination: [u8; 16],
    id: u32,
}

#[derive(Debug)]
struct Part {
    frame: u64,
    offset: u32,
    bytes: Vec<u8>,
    overlaps: bool,
    conflicts: bool,
    /// It ends the datagram elsewhere than another one that does.
    is_other_tail: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    parts: Vec<Part>,
    /// What the last fragment says is the length.
    len: Option<u32>,
    bytes: usize,
    /// When it was begun, to find the oldest.
    turn: u64,
}

/// Fragments that wait for the others.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    waiting: HashMap<Key, Waiting>,
    order: VecDeque<(u64, Key)>,
    turn: u64,
    bytes: usize,
    /// The frame in which a fragment's datagram was whole, by the fragment's frame.
    known: BTreeMap<u64, u64>,
    pass: Pass,
}

/// A datagram that is whole.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) bytes: Arc<Vec<u8>>,
    parts: Vec<Shown>,
}

impl Datagram {
    /// Whether its fragments contradict each other.
    pub(crate) fn is_illegal(&self) -> bool {
        self.parts.iter().any(Shown::is_illegal)
    }
}

/// What is said of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    frame: u64,
    offset: u32,
    len: u32,
    overlaps: bool,
    conflicts: bool,
    /// It goes beyond what the last one says is the end.
    too_long: bool,
    is_other_tail: bool,
}

impl Shown {
    /// Whether it contradicts the others.
    const fn is_illegal(&self) -> bool {
        self.conflicts || self.too_long || self.is_other_tail
    }
}

/// What became of a fragment.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was the last one missing.
    Whole(Datagram),
    /// It waits; the frame in which the datagram will be whole, if that is known.
    Later(Option<u64>),
    /// It cannot be one.
    Alone,
}

impl Fragments {
    /// The first pass is over.
    pub(crate) fn begin_second_pass(&mut self) {
        let known = std::mem::take(&mut self.known);
        *self = Self {
            known,
            pass: Pass::Second,
            ..Self::default()
        };
    }

    /// One more fragment.
    pub(crate) fn add(&mut self, fragment: &Fragment, frame: u64, bytes: &[u8]) -> Outcome {
        let end = fragment.offset as usize + bytes.len();
        let key = Key {
            source: fragment.source.wide(),
            destination: fragment.destination.wide(),
            id: fragment.id,
        };
        self.make_room(bytes.len());
        self.turn += 1;
        let turn = self.turn;
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            self.order.push_back((turn, key));
            Waiting {
                turn,
                ..Waiting::default()
            }
        });
        let mut is_other_tail = false;
        if !fragment.more {
            is_other_tail = waiting.len.is_some_and(|len| len as usize != end);
            waiting.len.get_or_insert(end as u32);
        }
        waiting.bytes += bytes.len();
        self.bytes += bytes.len();
        let at = waiting
            .parts
            .partition_point(|part| part.offset <= fragment.offset);
        waiting.parts.insert(
            at,
            Part {
                frame,
                offset: fragment.offset,
                bytes: bytes.to_vec(),
                overlaps: false,
                conflicts: false,
                is_other_tail,
            },
        );
        if !waiting.is_whole() {
            return Outcome::Later(self.known.get(&frame).copied());
        }
        let Some(waiting) = self.waiting.remove(&key) else {
            return Outcome::Alone;
        };
        self.bytes -= waiting.bytes;
        if self.pass != Pass::Second {
            for part in &waiting.parts {
                self.known.insert(part.frame, frame);
            }
            while self.known.len() > MOST_KNOWN {
                self.known.pop_first();
            }
        }
        Outcome::Whole(waiting.together())
    }

    /// Makes room by giving up what waits longest.
    fn make_room(&mut self, len: usize) {
        while self.bytes + len > MOST_BYTES || self.waiting.len() >= MOST_DATAGRAMS {
            let Some((turn, key)) = self.order.pop_front() else {
                return;
            };
            // Another one of the same key can wait since then.
            if self
                .waiting
                .get(&key)
                .is_some_and(|waiting| waiting.turn == turn)
                && let Some(waiting) = self.waiting.remove(&key)
            {
                self.bytes -= waiting.bytes;
            }
        }
        if self.order.len() > 2 * MOST_DATAGRAMS {
            let waiting = &self.waiting;
            self.order
                .retain(|(turn, key)| waiting.get(key).is_some_and(|found| found.turn == *turn));
        }
    }
}

impl Waiting {
    fn is_whole(&self) -> bool {
        let Some(len) = self.len else { return false };
        let mut reached = 0;
        for part in &self.parts {
            if part.offset > reached {
                break;
            }
            reached = reached.max(part.offset + part.bytes.len() as u32);
        }
        reached >= len
    }

    /// The bytes; where fragments overlap, those of the one that begins first.
    fn together(mut self) -> Datagram {
        let len = self.len.unwrap_or(0) as usize;
        let mut bytes: Vec<u8> = Vec::with_capacity(len);
        for part in &mut self.parts {
            if part.bytes.is_empty() || part.offset as usize >= len {
                // Nothing, or all of it behind the end.
                continue;
            }
            let known = bytes.len().saturating_sub(part.offset as usize);
            let known = known.min(part.bytes.len());
            part.overlaps = known > 0;
            let start = part.offset as usize;
            part.conflicts = bytes.get(start..start + known) != part.bytes.get(..known);
            bytes.extend(part.bytes.get(known..).unwrap_or(&[]));
            bytes.truncate(len);
        }
        let parts = self.parts.iter();
        Datagram {
            parts: parts
                .map(|part| Shown {
                    frame: part.frame,
                    offset: part.offset,
                    len: part.bytes.len() as u32,
                    overlaps: part.overlaps,
                    conflicts: part.conflicts,
                    too_long: !part.bytes.is_empty()
                        && part.offset as usize + part.bytes.len() > len,
                    is_other_tail: part.is_other_tail,
                })
                .collect(),
            bytes: bytes.into(),
        }
    }
}

/// The fields that tell of fragments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) name: &'static str,
    pub(crate) buffer: &'static str,
    pub(crate) fragments: FieldId,
    pub(crate) fragment: FieldId,
    /// The same of one that contradicts the others.
    pub(crate) error: FieldId,
    pub(crate) overlap: FieldId,
    pub(crate) conflict: FieldId,
    pub(crate) tails: FieldId,
    pub(crate) too_long: FieldId,
    pub(crate) count: FieldId,
    pub(crate) len: FieldId,
    pub(crate) data: FieldId,
}

/// Adds what a datagram was put together from, and gives the number of the buffer with its bytes.
pub(crate) fn show(walk: &mut Walk<'_, '_>, datagram: &Datagram, fields: &Fields) -> u8 {
    let tree = &mut *walk.tree;
    let source = tree.add_source(fields.buffer, Arc::clone(&datagram.bytes));
    let len = datagram.bytes.len();
    let whole = Place {
        source,
        at: 0,
        len: len as u32,
    };
    let added = tree.add(fields.fragments, whole, Value::Bytes);
    tree.set_generated(added);
    let count = datagram.parts.len();
    if tree.labels() {
        let mut list = String::new();
        for Shown { frame, len, .. } in &datagram.parts {
            let comma = if list.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _infallible = write!(list, "{comma}#{frame}({len})");
        }
        let s = if count == 1 { "" } else { "s" };
        let name = fields.name;
        tree.label(
            added,
            format_args!("{count} {name} Fragment{s} ({len} bytes): {list}"),
        );
    }
    tree.open();
    for part in &datagram.parts {
        let Shown {
            frame,
            offset,
            len,
            overlaps,
            conflicts,
            too_long,
            is_other_tail,
        } = part;
        let place = Place {
            source,
            at: *offset,
            len: *len,
        };
        let field = if part.is_illegal() {
            fields.error
        } else {
            fields.fragment
        };
        let added = tree.add(field, place, Value::Uint(*frame));
        tree.set_generated(added);
        let bytes = if *len == 1 { "byte" } else { "bytes" };
        match (offset + len).checked_sub(1) {
            Some(last) if *len > 0 => tree.label(
                added,
                format_args!("Frame: {frame}, payload: {offset}-{last} ({len} {bytes})"),
            ),
            _ => tree.label(added, format_args!("Frame: {frame} (no data)")),
        }
        tree.open();
        if *overlaps {
            tree.add_generated(fields.overlap, Value::Bool(true));
        }
        if *conflicts {
            tree.add_generated(fields.conflict, Value::Bool(true));
        }
        if *is_other_tail {
            tree.add_generated(fields.tails, Value::Bool(true));
        }
        if *too_long {
            tree.add_generated(fields.too_long, Value::Bool(true));
        }
        tree.close();
    }
    tree.add_generated(fields.count, Value::Uint(count as u64));
    tree.add_generated(fields.len, Value::Uint(len as u64));
    let data = tree.add(fields.data, whole, Value::Bytes);
    tree.set_generated(data);
    tree.close();
    if datagram.is_illegal() {
        let name = fields.name;
        walk.columns
            .set_info(format_args!("[Illegal {name} fragments]"));
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(offset: u32, more: bool) -> Fragment {
        Fragment {
            source: Address::Ipv4([1, 1, 1, 1]),
            destination: Address::Ipv4([2, 2, 2, 2]),
            id: 7,
            offset,
            more,
        }
    }

    #[test]
    fn fragments_come_together_in_any_order() {
        let mut fragments = Fragments::default();
        let later = fragments.add(&fragment(8, false), 1, b"behind");
        assert!(matches!(later, Outcome::Later(None)));
        let Outcome::Whole(datagram) = fragments.add(&fragment(0, true), 2, b"in front") else {
            panic!("both are there");
        };
        assert_eq!(&*datagram.bytes, b"in frontbehind");
        assert_eq!(fragments.bytes, 0);
        fragments.begin_second_pass();
        let later = fragments.add(&fragment(8, false), 1, b"behind");
        assert!(matches!(later, Outcome::Later(Some(2))));
    }

    #[test]
    fn what_overlaps_is_taken_from_the_one_in_front() {
        let mut fragments = Fragments::default();
        fragments.add(&fragment(4, false), 1, b"XXefgh");
        let Outcome::Whole(datagram) = fragments.add(&fragment(0, true), 2, b"abcdef") else {
            panic!("all bytes are there");
        };
        assert_eq!(&*datagram.bytes, b"abcdefefgh");
        let second = datagram.parts[1];
        assert_eq!((second.frame, second.offset, second.len), (1, 4, 6));
        assert!(second.overlaps && second.conflicts && !second.too_long);
    }

    #[test]
    fn what_is_beyond_the_end_is_left_out_and_said_to_be_illegal() {
        let mut fragments = Fragments::default();
        fragments.add(&fragment(16, true), 1, b"beyond!!");
        fragments.add(&fragment(8, false), 2, b"tail");
        let Outcome::Whole(datagram) = fragments.add(&fragment(0, true), 3, b"in front") else {
            panic!("all bytes are there");
        };
        assert_eq!(&*datagram.bytes, b"in fronttail");
        assert!(datagram.is_illegal());
        let last = datagram.parts[2];
        assert!(last.too_long && !last.overlaps && !last.conflicts);
    }

    #[test]
    fn what_never_comes_together_makes_room() {
        let mut fragments = Fragments::default();
        for number in 0..2 * MOST_DATAGRAMS as u32 + 9 {
            let fragment = Fragment {
                id: number,
                ..fragment(0, true)
            };
            fragments.add(&fragment, 1, &[0; 64]);
        }
        assert!(fragments.waiting.len() <= MOST_DATAGRAMS);
        assert!(fragments.order.len() <= 2 * MOST_DATAGRAMS + 1);
        assert!(fragments.bytes <= MOST_BYTES);
    }
}
