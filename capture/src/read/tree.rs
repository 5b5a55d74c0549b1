//! The fields of one frame, in the order in which they were found, with their depth.
//!
//! One array that is used again for the next frame. Text is kept aside and only where a value does
//! not say it all.

use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock};

use super::field::FieldId;
use super::proto::expert;
use super::region::Region;
use crate::packet::Timestamp;

/// A bit for each field of a protocol.
type Bits = [u64; 4];

/// Protocols that there is room for.
pub(super) const PROTOCOLS: usize = 288;

/// Which fields are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// By protocol. An array, so that asking takes one step.
    bits: [Bits; PROTOCOLS],
    /// Labels and fields without a value of their own are kept too: for the detail tree.
    labels: bool,
    /// None is kept of plain TCP segments: what is asked for of them lies in their bytes and columns.
    direct: bool,
    /// None is kept at all, nor labels: asked once, where each field would have to be asked for.
    nothing: bool,
}

/// What is kept of plain segments where that is enough.
static NOTHING: LazyLock<Arc<Wanted>> = LazyLock::new(|| Arc::new(Wanted::none()));

impl Wanted {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            bits: [[0; 4]; PROTOCOLS],
            labels: false,
            direct: false,
            nothing: true,
        }
    }

    /// All, with their labels.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            bits: [[u64::MAX; 4]; PROTOCOLS],
            labels: true,
            direct: false,
            nothing: false,
        }
    }

    /// Labels too: what the tree shows of a field beside its value.
    pub const fn add_labels(&mut self) {
        self.labels = true;
        self.direct = false;
        self.nothing = false;
    }

    /// Those of another one too.
    pub fn add_all(&mut self, other: &Self) {
        for (words, others) in self.bits.iter_mut().zip(&other.bits) {
            for (word, bits) in words.iter_mut().zip(others) {
                *word |= bits;
            }
        }
        self.labels |= other.labels;
        self.direct = false;
        self.nothing &= other.nothing;
    }

    /// Of plain TCP segments (Ethernet, IPv4 without options, all there) these are not needed: whoever
    /// asks for them takes them from bytes and columns. Holds as long as nothing is added.
    pub const fn set_direct(&mut self) {
        self.direct = true;
    }

    /// This one too.
    pub fn add(&mut self, id: FieldId) {
        self.direct = false;
        self.nothing = false;
        if id.protocol == expert::THIS.protocol {
            // What is remarkable is said beside the fields that it is about, whosever they are.
            self.bits = [[u64::MAX; 4]; PROTOCOLS];
        }
        self.bits[usize::from(id.protocol)][usize::from(id.index >> 6)] |= 1 << (id.index & 63);
    }

    /// Whether this one is kept.
    #[must_use]
    #[inline]
    pub fn has(&self, id: FieldId) -> bool {
        self.bits[usize::from(id.protocol)][usize::from(id.index >> 6)] >> (id.index & 63) & 1 != 0
    }

    /// Whether any field of this protocol is kept.
    #[must_use]
    #[inline]
    pub fn has_any_of(&self, protocol: u16) -> bool {
        self.bits[usize::from(protocol)] != [0; 4]
    }

    /// Whether any of these fields is kept.
    #[must_use]
    #[inline]
    pub fn has_any(&self, group: &Group) -> bool {
        let words = self.bits[usize::from(group.protocol)]
            .iter()
            .zip(group.bits);
        words.fold(0, |found, (word, bits)| found | word & bits) != 0
    }

    /// Whether of their protocol nothing is kept but some of these, and no labels.
    #[must_use]
    #[inline]
    pub fn is_within(&self, group: &Group) -> bool {
        let words = self.bits[usize::from(group.protocol)]
            .iter()
            .zip(group.bits);
        !self.labels && words.fold(0, |others, (word, bits)| others | word & !bits) == 0
    }
}

/// Fields of one protocol that are asked for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    protocol: u16,
    bits: Bits,
}

impl Group {
    /// These fields.
    ///
    /// # Panics
    ///
    /// If they belong to several protocols, or there are none.
    #[must_use]
    pub const fn of(fields: &[FieldId]) -> Self {
        let protocol = fields[0].protocol;
        let mut bits = [0; 4];
        let mut place = 0;
        while place < fields.len() {
            let FieldId {
                protocol: of,
                index,
            } = fields[place];
            assert!(of == protocol, "fields of one protocol");
            bits[(index >> 6) as usize] |= 1 << (index & 63);
            place += 1;
        }
        Self { protocol, bits }
    }
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// None: the field is there, that is all.
    None,
    /// A protocol.
    Protocol {
        /// Bytes of its own: mostly its header.
        own: u32,
        /// Those of what it carries too.
        all: u32,
    },
    /// True or false.
    Bool(bool),
    /// Unsigned number.
    Uint(u64),
    /// Signed number.
    Int(i64),
    /// Number with a fraction.
    Double(f64),
    /// IPv4 address.
    Ipv4([u8; 4]),
    /// IPv6 address.
    Ipv6([u8; 16]),
    /// MAC address.
    Ether([u8; 6]),
    /// The bytes that the node covers.
    Bytes,
    /// Text, in the tree's own: see [`Tree::text`].
    Text(TextRange),
    /// A moment.
    Time(Timestamp),
    /// A length of time in ns.
    Span(i64),
}

/// Where a text lies in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRange {
    start: u32,
    len: u32,
}

/// Bytes that a field was read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which bytes: 0 the frame's, else a reassembled buffer ([`Tree::source`]).
    pub source: u8,
    /// Offset of the first.
    pub at: u32,
    /// How many; 0 for what was not read but concluded.
    pub len: u32,
}

/// A field that was found.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Which.
    pub field: FieldId,
    /// Depth in the tree: 0 for protocols.
    pub depth: u8,
    /// It was concluded, not read: the tree shows it in square brackets.
    pub generated: bool,
    /// It can be asked for, and is not shown in the tree.
    pub hidden: bool,
    /// Where it was read.
    pub place: Place,
    /// Its value.
    pub value: Value,
    /// What the tree shows instead of `Title: value`.
    pub label: Option<TextRange>,
}

/// Handle to a node that was added; of no use if the field is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added(u32);

impl Added {
    /// Of a field that is not wanted.
    pub(crate) const NOT: Self = Self(u32::MAX);
}

/// The fields of one frame.
#[derive(Debug)]
pub struct Tree {
    wanted: Arc<Wanted>,
    /// Nothing; what is wanted of other frames, while the one at hand leaves no fields.
    aside: Arc<Wanted>,
    is_spared: bool,
    nodes: Vec<Node>,
    text: String,
    depth: u8,
    sources: Vec<(&'static str, Arc<Vec<u8>>)>,
    /// Nodes that were added late, to be put below a node before them.
    late: Vec<Late>,
}

/// Nodes that belong below a node before the one that they follow.
#[derive(Clone, Copy, Debug)]
struct Late {
    /// The node that they belong below.
    parent: u32,
    /// The first.
    start: u32,
    /// What follows the last.
    end: u32,
}

/// Where the tree stood before [`Tree::under`].
#[derive(Clone, Copy, Debug)]
#[must_use = "the tree has to go back there"]
pub struct Back {
    depth: u8,
    parent: Added,
    start: u32,
}

impl Tree {
    /// An empty tree that keeps what is wanted.
    #[must_use]
    pub fn new(wanted: Arc<Wanted>) -> Self {
        Self {
            wanted,
            aside: Arc::clone(&NOTHING),
            is_spared: false,
            nodes: Vec::new(),
            text: String::new(),
            depth: 0,
            sources: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Empty again, for the next frame.
    #[inline]
    pub fn clear(&mut self) {
        // What is empty already is not written to: another CPU reads it.
        if !self.nodes.is_empty() {
            self.nodes.clear();
        }
        if !self.text.is_empty() {
            self.text.clear();
        }
        if self.depth != 0 {
            self.depth = 0;
        }
        if self.is_spared {
            self.is_spared = false;
            std::mem::swap(&mut self.wanted, &mut self.aside);
        }
        if !self.sources.is_empty() {
            self.sources.clear();
        }
        if !self.late.is_empty() {
            self.late.clear();
        }
    }

    /// Whether plain segments leave no fields.
    #[must_use]
    #[inline]
    pub fn spares_plain_segments(&self) -> bool {
        self.wanted.direct
    }

    /// The frame leaves no fields: it is a plain segment.
    #[inline]
    pub(crate) fn spare(&mut self) {
        if !self.is_spared {
            self.is_spared = true;
            std::mem::swap(&mut self.wanted, &mut self.aside);
        }
    }

    /// Whether the frame left no fields because it is a plain segment.
    #[must_use]
    #[inline]
    pub const fn is_spared(&self) -> bool {
        self.is_spared
    }

    /// The fields in the order in which they were found.
    #[must_use]
    #[inline]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The name of a node's field; the text of a line that is no field.
    #[must_use]
    pub fn name_of(&self, node: &Node) -> &str {
        match node.label {
            Some(label) if node.field == super::proto::data::TEXT => self.text(label),
            _ => node.field.field().name,
        }
    }

    /// The first node of a field, as a handle.
    #[must_use]
    pub fn find(&self, field: FieldId) -> Option<Added> {
        let place = self.nodes.iter().position(|node| node.field == field)?;
        Some(Added(place as u32))
    }

    /// A text of this tree.
    #[must_use]
    pub fn text(&self, range: TextRange) -> &str {
        let start = range.start as usize;
        self.text
            .get(start..start + range.len as usize)
            .unwrap_or("")
    }

    /// The bytes of a reassembled buffer, numbered from 1, with its name (`Reassembled TCP`).
    #[must_use]
    pub fn source(&self, number: u8) -> Option<&(&'static str, Arc<Vec<u8>>)> {
        self.sources.get(usize::from(number).checked_sub(1)?)
    }

    /// All reassembled buffers.
    #[must_use]
    pub fn sources(&self) -> &[(&'static str, Arc<Vec<u8>>)] {
        &self.sources
    }

    /// The bytes of a place; `frame` are the frame's own.
    #[must_use]
    pub fn bytes<'a>(&'a self, place: Place, frame: &'a [u8]) -> &'a [u8] {
        let all = match place.source {
            0 => frame,
            number => self.source(number).map_or(&[][..], |(_, bytes)| bytes),
        };
        let start = place.at as usize;
        let end = (start + place.len as usize).min(all.len());
        all.get(start..end).unwrap_or(&[])
    }

    /// Adds a reassembled buffer, and gives its number.
    pub fn add_source(&mut self, name: &'static str, bytes: impl Into<Arc<Vec<u8>>>) -> u8 {
        self.sources.push((name, bytes.into()));
        u8::try_from(self.sources.len()).unwrap_or(u8::MAX)
    }

    /// Removes the buffer that was added last.
    pub fn remove_source(&mut self) {
        self.sources.pop();
    }

    /// Whether this field is kept: asked where it takes work to make its value.
    #[must_use]
    #[inline]
    pub fn wants(&self, field: FieldId) -> bool {
        self.wanted.has(field)
    }

    /// Whether labels are kept: where not, only values matter.
    #[must_use]
    #[inline]
    pub fn labels(&self) -> bool {
        self.wanted.labels
    }

    /// Whether no field is kept, nor labels.
    #[must_use]
    #[inline]
    pub fn wants_nothing(&self) -> bool {
        self.wanted.nothing
    }

    /// Whether any field of this protocol is kept.
    #[must_use]
    #[inline]
    pub fn wants_any_of(&self, protocol: u16) -> bool {
        self.wanted.has_any_of(protocol)
    }

    /// Whether any of these fields is kept, or labels are.
    #[must_use]
    #[inline]
    pub fn wants_any(&self, group: &Group) -> bool {
        self.wanted.labels || self.wanted.has_any(group)
    }

    /// See [`Wanted::is_within`].
    #[must_use]
    #[inline]
    pub fn wants_only(&self, group: &Group) -> bool {
        self.wanted.is_within(group)
    }

    /// Adds a field.
    #[inline]
    pub fn add(&mut self, field: FieldId, place: Place, value: Value) -> Added {
        if !self.wanted.has(field) {
            return Added::NOT;
        }
        self.push(field, place, value)
    }

    /// Adds a field that was concluded.
    #[inline]
    pub fn add_generated(&mut self, field: FieldId, value: Value) -> Added {
        let added = self.add(field, Place::default(), value);
        if let Some(node) = self.node_mut(added) {
            node.generated = true;
        }
        added
    }

    /// Adds a field that can be asked for and is not shown.
    #[inline]
    pub fn add_hidden(&mut self, field: FieldId, place: Place, value: Value) -> Added {
        let added = self.add(field, place, value);
        if let Some(node) = self.node_mut(added) {
            node.hidden = true;
        }
        added
    }

    /// Adds a field whose value is text.
    pub fn add_text(&mut self, field: FieldId, place: Place, text: &str) -> Added {
        if !self.wanted.has(field) {
            return Added::NOT;
        }
        let range = self.keep(format_args!("{text}"));
        self.push(field, place, Value::Text(range))
    }

    /// Adds a field whose value is text that is written for it.
    pub fn add_formatted(
        &mut self,
        field: FieldId,
        place: Place,
        text: fmt::Arguments<'_>,
    ) -> Added {
        if !self.wanted.has(field) {
            return Added::NOT;
        }
        let range = self.keep(text);
        self.push(field, place, Value::Text(range))
    }

    /// Adds a line without a field, such as `[Timestamps]`; only where labels are kept.
    #[inline]
    pub fn heading(&mut self, place: Place, text: fmt::Arguments<'_>) -> Added {
        if !self.wanted.labels {
            return Added::NOT;
        }
        let added = self.push(super::proto::data::TEXT, place, Value::None);
        self.set_label(added, text);
        added
    }

    /// The fields added from now on are below the one before.
    #[inline]
    pub fn open(&mut self) {
        self.depth += 1;
    }

    /// They are not any more.
    #[inline]
    pub fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Where the tree stands, to come back to after an error.
    #[must_use]
    #[inline]
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// Goes back to where the tree stood.
    #[inline]
    pub fn set_depth(&mut self, depth: u8) {
        self.depth = depth;
    }

    /// The fields added from now on are the last ones below `parent`, although others were added after
    /// it, until [`Self::back`].
    #[inline]
    pub fn under(&mut self, parent: Added) -> Back {
        let back = Back {
            depth: self.depth,
            parent,
            start: self.nodes.len() as u32,
        };
        if let Some(node) = self.node_mut(parent) {
            self.depth = node.depth + 1;
        }
        back
    }

    /// Goes on where the tree stood before [`Self::under`].
    #[inline]
    pub fn back(&mut self, back: Back) {
        self.depth = back.depth;
        let end = self.nodes.len() as u32;
        if back.parent != Added::NOT && end > back.start {
            self.late.push(Late {
                parent: back.parent.0,
                start: back.start,
                end,
            });
        }
    }

    /// Puts the fields that were added late where they belong; handles are of no use after this.
    #[inline]
    pub fn finish(&mut self) {
        if !self.late.is_empty() {
            self.put_in_order();
        }
    }

    fn put_in_order(&mut self) {
        let mut late = std::mem::take(&mut self.late);
        // One that was opened within another ended first, and leaves it before that one is moved.
        for place in 0..late.len() {
            let Late { parent, start, end } = late[place];
            let Some(depth) = self.nodes.get(parent as usize).map(|node| node.depth) else {
                continue;
            };
            // What was added late and is still to be moved follows it only by chance.
            let starts = late[place..].iter().map(|late| late.start);
            let stop = starts.filter(|start| *start > parent).min();
            let stop = stop.unwrap_or(start) as usize;
            let below = self
                .nodes
                .get(parent as usize + 1..stop)
                .unwrap_or(&[])
                .iter()
                .take_while(|node| node.depth > depth)
                .count() as u32;
            let to = parent + 1 + below;
            if to >= start {
                continue;
            }
            self.nodes[to as usize..end as usize].rotate_right((end - start) as usize);
            let len = end - start;
            for later in &mut late[place + 1..] {
                later.parent = match later.parent {
                    at if at < to || at >= end => at,
                    at if at < start => at + len,
                    at => at - start + to,
                };
                if (to..=start).contains(&later.start) {
                    later.start += len;
                }
            }
        }
        late.clear();
        self.late = late;
    }

    /// What the tree shows of this node, instead of `Title: value`. Nothing is done unless labels are
    /// kept.
    #[inline]
    pub fn label(&mut self, added: Added, text: fmt::Arguments<'_>) {
        if self.wanted.labels && added != Added::NOT {
            self.set_label(added, text);
        }
    }

    #[inline(never)]
    fn set_label(&mut self, added: Added, text: fmt::Arguments<'_>) {
        let range = self.keep(text);
        if let Some(node) = self.node_mut(added) {
            node.label = Some(range);
        }
    }

    /// How many bytes a node covers, where that is known only later.
    #[inline]
    pub fn set_len(&mut self, added: Added, len: u32) {
        if let Some(node) = self.node_mut(added) {
            node.place.len = len;
            if let Value::Protocol { own, .. } = &mut node.value {
                *own = len;
            }
        }
    }

    /// How many bytes a protocol and what it carries have, if it is not all that was left.
    pub fn set_extent(&mut self, added: Added, len: usize) {
        if let Some(node) = self.node_mut(added)
            && let Value::Protocol { all, .. } = &mut node.value
        {
            *all = len as u32;
        }
    }

    /// The length that is shown of a protocol to which all is its own.
    pub fn set_shown_len(&mut self, added: Added, len: u32) {
        if let Some(node) = self.node_mut(added) {
            node.place.len = len;
        }
    }

    /// Where a node stands, where that is not where it was read.
    pub fn set_place(&mut self, added: Added, place: Place) {
        if let Some(node) = self.node_mut(added) {
            node.place = place;
        }
    }

    /// Changes the value of a node that was added before.
    pub fn set_value(&mut self, added: Added, value: Value) {
        if let Some(node) = self.node_mut(added) {
            node.value = value;
        }
    }

    /// The node was concluded, not read.
    #[inline]
    pub fn set_generated(&mut self, added: Added) {
        if let Some(node) = self.node_mut(added) {
            node.generated = true;
        }
    }

    /// The node can be asked for and is not shown.
    #[inline]
    pub fn set_hidden(&mut self, added: Added) {
        if let Some(node) = self.node_mut(added) {
            node.hidden = true;
        }
    }

    #[inline]
    fn node_mut(&mut self, added: Added) -> Option<&mut Node> {
        self.nodes.get_mut(added.0 as usize)
    }

    fn push(&mut self, field: FieldId, place: Place, value: Value) -> Added {
        let added = Added(self.nodes.len() as u32);
        self.nodes.push(Node {
            field,
            depth: self.depth,
            generated: false,
            hidden: false,
            place,
            value,
            label: None,
        });
        added
    }

    fn keep(&mut self, text: fmt::Arguments<'_>) -> TextRange {
        let start = self.text.len();
        // Writing to a string does not fail.
        let _infallible = self.text.write_fmt(text);
        TextRange {
            start: start as u32,
            len: (self.text.len() - start) as u32,
        }
    }
}

impl Place {
    /// `len` bytes at `offset` of a region.
    #[must_use]
    #[inline]
    pub fn of(region: &Region<'_>, offset: usize, len: usize) -> Self {
        Self {
            source: region.source,
            at: region.at + offset as u32,
            len: len as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::proto::frame;

    #[test]
    fn fields_added_late_stand_below_their_parents() {
        let mut tree = Tree::new(Arc::new(Wanted::all()));
        let add = |tree: &mut Tree, number| {
            tree.add(frame::NUMBER, Place::default(), Value::Uint(number))
        };
        let first = add(&mut tree, 1);
        tree.open();
        let below = add(&mut tree, 2);
        add(&mut tree, 3);
        tree.close();
        let second = add(&mut tree, 6);
        let back = tree.under(below);
        let late = add(&mut tree, 21);
        tree.back(back);
        let back = tree.under(first);
        add(&mut tree, 4);
        tree.open();
        add(&mut tree, 41);
        // One within the other.
        let within = tree.under(second);
        add(&mut tree, 61);
        tree.back(within);
        tree.close();
        add(&mut tree, 5);
        tree.back(back);
        let back = tree.under(late);
        add(&mut tree, 211);
        tree.back(back);
        add(&mut tree, 7);
        tree.finish();
        let found: Vec<_> = tree
            .nodes()
            .iter()
            .map(|node| (node.depth, node.value))
            .collect();
        let expected = [
            (0, 1),
            (1, 2),
            (2, 21),
            (3, 211),
            (1, 3),
            (1, 4),
            (2, 41),
            (1, 5),
            (0, 6),
            (1, 61),
            (0, 7),
        ];
        let expected: Vec<_> = expected
            .map(|(depth, number)| (depth, Value::Uint(number)))
            .into();
        assert_eq!(found, expected);
    }
}
