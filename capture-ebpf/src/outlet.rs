//! Where a packet leaves the kernel: copied into a ring, or handed to the `AF_XDP` socket of its queue.

use aya_ebpf::helpers::generated::bpf_xdp_adjust_head;
use capture_common::{RingRecord, socket_index};

use crate::context::{AsideTag, Context, Ingress};
use crate::emit::{Lost, emit, stamped};
use crate::maps::SOCKETS;

/// What decides where a packet goes.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The ring that the flow hash chose.
    pub(crate) ring: u32,
    /// Slot of the interface.
    pub(crate) slot: u32,
}

/// A way out of the kernel.
pub(crate) trait Outlet<C: Context> {
    /// Puts the packet there.
    fn put(ctx: &C, place: Place, record: &RingRecord, vlan: AsideTag) -> Result<(), Lost>;
}

/// The rings, one for each worker; the packet is copied and stays the kernel's.
pub(crate) struct Rings;

impl<C: Context> Outlet<C> for Rings {
    #[inline(always)]
    fn put(ctx: &C, place: Place, record: &RingRecord, vlan: AsideTag) -> Result<(), Lost> {
        emit(ctx, place.ring, record, vlan)
    }
}

/// The sockets, one for each queue of an interface. The program has to return `XDP_REDIRECT` then.
///
/// The same header as in a ring precedes the frame, as its first bytes. (The metadata area in front of
/// a frame would do as well, but not every driver has one, and the descriptor does not say whether it
/// is there.)
pub(crate) struct Sockets;

impl Outlet<Ingress> for Sockets {
    #[inline(always)]
    fn put(ctx: &Ingress, place: Place, record: &RingRecord, _vlan: AsideTag) -> Result<(), Lost> {
        let index = socket_index(place.slot, record.queue).ok_or(Lost::NoSocket)?;
        if SOCKETS.redirect(index, 0).is_err() {
            return Err(Lost::NoSocket);
        }
        if ctx.prepend(&stamped::<Ingress>(record)) {
            Ok(())
        } else {
            Err(Lost::CopyFailed)
        }
    }
}

impl Ingress {
    /// Puts the header in front of the frame; false if there is no room.
    #[inline(always)]
    fn prepend(&self, record: &RingRecord) -> bool {
        const GROWTH: i32 = -32;
        const _: () = assert!(RingRecord::LEN == 32);
        // SAFETY: the context is the one that the kernel passed; no pointer into the packet is used
        // after this that was made before.
        if unsafe { bpf_xdp_adjust_head(self.raw(), GROWTH) } != 0 {
            return false;
        }
        let start = self.start();
        if start + RingRecord::LEN > self.end() {
            return false;
        }
        // SAFETY: the bytes were checked to lie within the frame; the BPF machine has no alignment.
        unsafe { *(start as *mut RingRecord) = *record };
        true
    }
}
