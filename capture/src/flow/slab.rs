//! Where flows live: slots that never move, so that the index and the timers can name them by number.

use super::key::{Address, Key};
use super::state::Flow;
use super::timer::Link;

/// One flow with its key and its place among the timers: three cache lines for IPv4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<A: Address> {
    _aligned: [A::Alignment; 0],
    pub(crate) key: Key<A>,
    pub(crate) link: Link,
    pub(crate) flow: Flow,
}

/// Slots, and which of them are free. It grows as flows come, up to what it was made for, within
/// memory that was reserved once: it never moves and never frees.
#[derive(Debug)]
pub(crate) struct Slab<A: Address> {
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
            _aligned: [],
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
        slot.flow.bucket = Link::NO_BUCKET;
        slot.link = Link {
            next: self.free,
            ..Link::UNLINKED
        };
        self.free = number;
    }

    /// Forgets all flows.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.free = Link::NONE;
        self.live = 0;
    }

    /// Slots that were ever used.
    pub(crate) fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Whether there is a flow in a slot: a free one is in no bucket, and every flow is in one.
    pub(crate) fn is_used(&self, number: u32) -> bool {
        self.get(number).flow.bucket != Link::NO_BUCKET
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
            crate::prefetch::lines(slot);
        }
    }
}
