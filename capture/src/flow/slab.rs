//! Where flows live: slots that never move, so that the index and the timers can name them by number.

use super::key::{Address, Direction, Key};
use super::state::Flow;
use super::timer::Link;
use crate::packet::{FrameNo, IfaceId, Timestamp};

/// One flow with its key and its place among the timers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<A> {
    pub(crate) key: Key<A>,
    pub(crate) link: Link,
    pub(crate) flow: Flow,
}

/// Slots, and which of them are free. It grows as flows come, up to what it was made for, within
/// memory that was reserved once: it never moves and never frees.
#[derive(Debug)]
pub(crate) struct Slab<A> {
    slots: Vec<Slot<A>>,
    /// First free slot; the others follow by their link's `next`.
    free: u32,
    live: u32,
}

impl<A: Address> Slab<A> {
    pub(crate) fn new(flows: u32) -> Self {
        // Address space only: the kernel gives memory to what is written.
        let slots = Vec::with_capacity(flows as usize);
        crate::hugepages::advise(&slots);
        Self {
            slots,
            free: Link::NONE,
            live: 0,
        }
    }

    /// Memory of one slot.
    pub(crate) const SLOT_BYTES: u64 = size_of::<Slot<A>>() as u64;

    /// Slots in use.
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Takes a free slot; its content is whatever was there.
    pub(crate) fn take(&mut self, key: Key<A>, flow: Flow) -> u32 {
        self.live += 1;
        let slot = Slot {
            key,
            link: Link::UNLINKED,
            flow,
        };
        if self.free == Link::NONE {
            self.slots.push(slot);
            return self.slots.len() as u32 - 1;
        }
        let number = self.free;
        self.free = self.slots[number as usize].link.next;
        self.slots[number as usize] = slot;
        number
    }

    /// Gives a slot back.
    pub(crate) fn release(&mut self, number: u32) {
        self.live -= 1;
        let slot = &mut self.slots[number as usize];
        slot.key = Key::EMPTY;
        slot.flow = Flow::new(
            FrameNo(0),
            [Timestamp(0); 2],
            IfaceId(0),
            Direction::Forward,
        );
        slot.link = Link {
            next: self.free,
            ..Link::UNLINKED
        };
        self.free = number;
    }

    /// The slots in use, with their flows' identifiers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (FrameNo, u32)> {
        // A free slot is in no bucket, and every flow is in one.
        let used = |slot: &Slot<A>| slot.link.bucket != Link::NONE;
        self.slots
            .iter()
            .enumerate()
            .filter(move |(_, slot)| used(slot))
            .map(|(number, slot)| (slot.flow.id, number as u32))
    }

    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> &Slot<A> {
        &self.slots[number as usize]
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, number: u32) -> &mut Slot<A> {
        &mut self.slots[number as usize]
    }

    /// Asks for the memory of a slot.
    #[inline(always)]
    pub(crate) fn prefetch(&self, number: u32) {
        if let Some(slot) = self.slots.get(number as usize) {
            crate::prefetch::read(&slot.key);
            crate::prefetch::read(&slot.flow.counts);
            crate::prefetch::read(&slot.flow.tcp);
        }
    }
}
