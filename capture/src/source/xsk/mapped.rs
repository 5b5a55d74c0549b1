//! A ring of an `AF_XDP` socket in mapped memory: where the kernel says that positions, flags and slots
//! lie (`XDP_MMAP_OFFSETS`, `Documentation/networking/af_xdp.rst`).

#![expect(
    unsafe_code,
    reason = "reads and writes memory that is shared with the kernel"
)]

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{io, ptr};

use super::ring::Shared;
use crate::source::region::{Access, Region};

/// `struct xdp_ring_offset`: where the parts of a ring lie, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offsets {
    pub(super) producer: u64,
    pub(super) consumer: u64,
    pub(super) slots: u64,
    pub(super) flags: u64,
}

/// A mapped ring whose slots are `T`.
#[derive(Debug)]
pub(super) struct MappedRing<T> {
    memory: Region,
    offsets: Offsets,
    size: u32,
    entries: PhantomData<T>,
}

// SAFETY: the memory is owned by this value alone on this side, and what is in it is accessed by the
// ring's protocol; moving the owner to another thread changes nothing for the kernel.
unsafe impl<T: Send> Send for MappedRing<T> {}

/// What may lie in a slot: any bytes are a value of it.
pub(super) trait Slot: Copy {}

/// The fill ring has addresses.
impl Slot for u64 {}

/// `struct xdp_desc`: an entry of the receive ring.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    /// Where in the memory the bytes start.
    pub(super) address: u64,
    pub(super) len: u32,
    /// `XDP_PKT_CONTD`.
    pub(super) options: u32,
}

impl Slot for Descriptor {}

impl<T: Slot> MappedRing<T> {
    /// Maps the ring at `page_offset` of a socket, which has `size` slots, a power of two.
    ///
    /// # Errors
    ///
    /// What mmap(2) says, and when the offsets make no sense.
    pub(super) fn new(fd: i32, page_offset: u64, offsets: Offsets, size: u32) -> io::Result<Self> {
        let slots = size as usize * size_of::<T>();
        let len = offsets.slots as usize + slots;
        let fits = |at: u64| at.is_multiple_of(4) && at as usize + size_of::<u32>() <= len;
        let sane = size.is_power_of_two()
            && fits(offsets.producer)
            && fits(offsets.consumer)
            && fits(offsets.flags)
            && (offsets.slots as usize).is_multiple_of(align_of::<T>());
        if !sane {
            return Err(io::Error::other(format!("a ring as in {offsets:?}")));
        }
        Ok(Self {
            memory: Region::of_file(fd, Access::Write, len, page_offset)?,
            offsets,
            size,
            entries: PhantomData,
        })
    }

    /// Whether the kernel wants to be told that there is something (`XDP_RING_NEED_WAKEUP`).
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        // Nothing is read because of it, so it is not ordered with anything.
        self.word(self.offsets.flags).load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }

    #[inline(always)]
    fn word(&self, at: u64) -> &AtomicU32 {
        // SAFETY: within the mapped memory and aligned, as was checked when it was mapped.
        let word = unsafe { self.memory.start().add(at as usize) };
        // SAFETY: as above; the kernel accesses it atomically, too.
        unsafe { word.cast().as_ref() }
    }

    #[inline(always)]
    fn slot(&self, slot: u32) -> *mut T {
        assert!(slot < self.size, "a slot of this ring");
        let at = self.offsets.slots as usize + slot as usize * size_of::<T>();
        // SAFETY: within the mapped memory, whose length is that of all slots.
        unsafe { self.memory.start().add(at) }.cast().as_ptr()
    }
}

impl<T: Slot> Shared for MappedRing<T> {
    type Entry = T;
    type Position = AtomicU32;

    #[inline(always)]
    fn producer(&self) -> &AtomicU32 {
        self.word(self.offsets.producer)
    }

    #[inline(always)]
    fn consumer(&self) -> &AtomicU32 {
        self.word(self.offsets.consumer)
    }

    #[inline(always)]
    fn size(&self) -> u32 {
        self.size
    }

    #[inline(always)]
    fn read(&self, slot: u32) -> T {
        // SAFETY: a slot within the memory, aligned; any bytes are a value; the kernel is done with it,
        // as its position says.
        unsafe { ptr::read(self.slot(slot)) }
    }

    #[inline(always)]
    fn write(&self, slot: u32, entry: T) {
        // SAFETY: a slot within the memory, aligned; the kernel does not read it before our position
        // says so.
        unsafe { ptr::write(self.slot(slot), entry) };
    }
}
