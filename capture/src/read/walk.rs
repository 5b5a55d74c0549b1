//! One frame's way through the dissectors.

use super::column::{Address, Columns};
use super::field::FieldId;
use super::memory::Memory;
use super::preferences::Preferences;
use super::proto;
use super::region::{Region, Stop};
use super::tree::{Added, Tree, Value};
use crate::packet::{Iface, IfaceId, Packet, Timestamp};
use crate::source::file::PacketOptions;

/// A frame as it is read.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Number, from 1.
    pub number: u64,
    /// Its bytes, and what the file says beside them.
    pub packet: Packet<'a>,
    /// The interface, where the file describes one.
    pub iface: Option<&'a Iface>,
    /// Number of the file's section, from 1, and that of its first interface, where the format has
    /// sections (pcapng).
    pub section: Option<(u32, IfaceId)>,
    /// What the file says beside the packet (pcapng).
    pub options: PacketOptions<'a>,
    /// Time of the first frame.
    pub first: Timestamp,
    /// Time of the frame before.
    pub previous: Timestamp,
    /// Time of the last frame that was shown.
    pub previous_shown: Timestamp,
}

/// Dissects frames one after the other.
#[derive(Debug, Default)]
pub struct Frames {
    /// What is remembered.
    pub memory: Memory,
    /// What `-o` set.
    pub preferences: Preferences,
}

impl Frames {
    /// Dissects a frame into `tree` and `columns`, which are emptied first.
    pub fn dissect(&mut self, frame: &Frame<'_>, tree: &mut Tree, columns: &mut Columns) {
        tree.clear();
        columns.clear();
        let mut walk = Walk {
            frame,
            memory: &mut self.memory,
            preferences: &self.preferences,
            tree,
            columns,
            protocols: Protocols::default(),
            carrier: Carrier::default(),
            claimed: None,
            current: proto::frame::THIS,
            base: 0,
        };
        proto::frame::dissect(&mut walk);
        tree.finish();
    }
}

/// The protocols that a frame is made of, from the outside in: `frame.protocols`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protocols {
    numbers: [u16; Self::MOST],
    len: u8,
}

impl Protocols {
    const MOST: usize = 32;

    /// One more.
    #[inline]
    pub fn push(&mut self, number: u16) {
        if let Some(place) = self.numbers.get_mut(usize::from(self.len)) {
            *place = number;
            self.len += 1;
        }
    }

    /// Whether there is no room for another one: who can stand within itself stops there, so that no frame
    /// uses up the stack. (Wireshark gives up after 500 layers.)
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len as usize >= Self::MOST
    }

    /// All of them.
    #[must_use]
    pub fn numbers(&self) -> &[u16] {
        self.numbers.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// What carries a transport protocol: the network layer leaves it here for whatever it hands its payload
/// to, and who dissects a packet within a packet puts the outer one's back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carrier {
    /// Who sent it.
    pub source: Address,
    /// To whom.
    pub destination: Address,
    /// How much of a datagram the payload is.
    pub piece: Piece,
    /// Whether it is a packet of its own.
    pub quoted: Quoted,
}

impl Carrier {
    /// The payload is a datagram of its own, and all of it: its length is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.piece == Piece::Whole && self.quoted == Quoted::No
    }
}

/// How much of a datagram a payload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Piece {
    /// All of it, if need be put together from fragments.
    #[default]
    Whole,
    /// A fragment that was not put together with the others: how long the datagram is is not known.
    Fragment,
}

/// Whether a packet is one of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quoted {
    /// It is.
    #[default]
    No,
    /// It is quoted by an ICMP error, as far as that has room.
    Icmp,
    /// It is quoted by an `ICMPv6` error.
    Icmpv6,
}

/// What a dissector works with.
#[derive(Debug)]
pub struct Walk<'w, 'a> {
    /// The frame.
    pub frame: &'w Frame<'a>,
    /// What is remembered.
    pub memory: &'w mut Memory,
    /// What `-o` set.
    pub preferences: &'w Preferences,
    /// Where fields go.
    pub tree: &'w mut Tree,
    /// Where the list's columns go.
    pub columns: &'w mut Columns,
    /// The protocols so far.
    pub protocols: Protocols,
    /// What carries the transport protocol that is being dissected.
    pub carrier: Carrier,
    /// How many bytes of the region that it was given the last dissector says are its own, where its
    /// protocol says so: what is behind them is padding of the layer around it, which takes this.
    pub claimed: Option<u32>,
    /// The protocol that is being dissected: the one to blame if it cannot go on.
    pub current: FieldId,
    /// Depth at which protocols stand in the tree: below the ICMP error that quotes them, or 0.
    pub base: u8,
}

impl Walk<'_, '_> {
    /// Begins a protocol that covers `len` bytes of `region`: the fields added from now on are below
    /// it, until [`Self::end`].
    #[inline]
    pub fn begin(&mut self, protocol: FieldId, region: &Region<'_>, len: usize) -> Added {
        self.enter(protocol);
        self.node(protocol, region, len)
    }

    /// Begins a protocol of which the tree says nothing before [`Self::node`]: what is looked at first
    /// may be missing.
    pub fn enter(&mut self, protocol: FieldId) {
        self.protocols.push(protocol.protocol);
        self.current = protocol;
    }

    /// What [`Self::begin`] does behind [`Self::enter`].
    pub fn node(&mut self, protocol: FieldId, region: &Region<'_>, len: usize) -> Added {
        let extent = Value::Protocol {
            own: len as u32,
            all: region.captured().len() as u32,
        };
        let added = self.tree.add(protocol, region.place(0, len), extent);
        self.tree.open();
        added
    }

    /// Ends the protocol that was begun last.
    #[inline]
    pub fn end(&mut self) {
        self.tree.close();
    }

    /// Adds a field of one byte, and gives its value.
    ///
    /// # Errors
    ///
    /// When the byte is not there.
    #[inline]
    pub fn u8(&mut self, field: FieldId, region: &Region<'_>, offset: usize) -> Result<u8, Stop> {
        let value = region.u8(offset)?;
        self.tree
            .add(field, region.place(offset, 1), Value::Uint(value.into()));
        Ok(value)
    }

    /// Adds a field of two bytes, and gives its value.
    ///
    /// # Errors
    ///
    /// When they are not there.
    #[inline]
    pub fn u16(&mut self, field: FieldId, region: &Region<'_>, offset: usize) -> Result<u16, Stop> {
        let value = region.u16(offset)?;
        self.tree
            .add(field, region.place(offset, 2), Value::Uint(value.into()));
        Ok(value)
    }

    /// Adds a field of four bytes, and gives its value.
    ///
    /// # Errors
    ///
    /// When they are not there.
    #[inline]
    pub fn u32(&mut self, field: FieldId, region: &Region<'_>, offset: usize) -> Result<u32, Stop> {
        let value = region.u32(offset)?;
        self.tree
            .add(field, region.place(offset, 4), Value::Uint(value.into()));
        Ok(value)
    }

    /// Adds a field for all that is left of a region.
    #[inline]
    pub fn bytes(&mut self, field: FieldId, region: &Region<'_>) -> Added {
        self.tree.add(
            field,
            region.place(0, region.captured().len()),
            Value::Bytes,
        )
    }
}
