//! One face for the two kernel contexts, so that XDP and TCX run the same code.

use core::arch::asm;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{__sk_buff, xdp_md};
use aya_ebpf::helpers::generated::{bpf_skb_load_bytes, bpf_xdp_get_buff_len, bpf_xdp_load_bytes};
use aya_ebpf::programs::{TcContext, XdpContext};
use capture_common::{Hook, RingRecord, xdp_flags};

/// A VLAN tag that the kernel keeps beside a packet, as one number: protocol and tag in the order of the
/// wire. (Of an `Option`, LLVM keeps the part that is not there in a register that holds nothing, which
/// the verifier does not take.)
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AsideTag(u32);

impl AsideTag {
    /// There is none: no protocol has the number 0.
    pub(crate) const NONE: Self = Self(0);

    /// What is to be put into the packet, if anything: four bytes as they lie in memory.
    #[inline(always)]
    pub(crate) fn word(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// A packet as the kernel hands it to a program.
pub(crate) trait Context {
    /// The hook that this is.
    const HOOK: Hook;
    /// First byte of the part that can be read directly.
    fn start(&self) -> usize;
    /// One past the last byte that can be read directly.
    fn end(&self) -> usize;
    /// Length of the whole packet in bytes, a tag that the kernel keeps aside not counted.
    fn frame_len(&self) -> u32;
    /// Copies `len` bytes from `offset` to `to`, wherever they lie; false if it cannot be done.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writing `len` bytes.
    unsafe fn copy(&self, offset: u32, to: *mut u8, len: u32) -> bool;
    /// The kernel's index of the interface.
    fn ifindex(&self) -> u32;
    /// The queue.
    fn queue(&self) -> u16;
    /// `RingRecord::FLAG_*`.
    fn flags(&self) -> u16;
    /// A VLAN tag that the kernel keeps beside the packet.
    fn vlan(&self) -> AsideTag;
    /// What the capture filter says: 0 refuses. `kind` is a `Settings::LINK_*`, with
    /// `Settings::FILTER_OUTGOING` if the packet goes out.
    fn filter(&self, kind: u32) -> u32;
    /// What the long way through the headers finds, packed.
    fn walk(&self, frame_len: u32, link: u32) -> u64;
    /// Gives the packet's flow a place among those that are cut short; 1 if another one lost its place.
    fn insert(&self) -> u32;
}

/// A packet at XDP.
pub(crate) struct Ingress {
    ctx: *mut xdp_md,
}

impl Ingress {
    #[inline(always)]
    pub(crate) fn new(ctx: &XdpContext) -> Self {
        Self::from_raw(ctx.as_ptr().cast())
    }

    /// `ctx` is the context that the kernel passed.
    #[inline(always)]
    pub(crate) fn from_raw(ctx: *mut xdp_md) -> Self {
        Self { ctx }
    }

    /// The context as helpers want it.
    #[inline(always)]
    pub(crate) fn raw(&self) -> *mut xdp_md {
        self.ctx
    }

    /// Whether a part of the frame lies where it cannot be read directly, or nobody knows.
    ///
    /// The context does not say so, but what the kernel made it from does. The verifier puts a move of the register
    /// in the place of the call. Which function that is and where the flags lie is the running kernel's, so
    /// userspace writes both instructions anew before the load (`fragments.rs` in its `kernel` folder).
    #[inline(always)]
    fn has_fragments(&self) -> bool {
        let flags: u64;
        // SAFETY: both instructions are replaced by some that set the register, and write nothing else.
        unsafe {
            asm!(
                "call {placeholder}",
                "r0 = *(u32 *)(r0 + 0)",
                placeholder = const xdp_flags::PLACEHOLDER,
                inlateout("r1") self.ctx => _,
                lateout("r0") flags,
                lateout("r2") _,
                lateout("r3") _,
                lateout("r4") _,
                lateout("r5") _,
                options(nostack),
            );
        }
        flags & xdp_flags::HAS_FRAGMENTS != 0
    }
}

impl Context for Ingress {
    const HOOK: Hook = Hook::XdpIngress;

    #[inline(always)]
    fn start(&self) -> usize {
        // SAFETY: the kernel passes a valid context.
        unsafe { (*self.ctx).data as usize }
    }

    #[inline(always)]
    fn end(&self) -> usize {
        // SAFETY: as in `start`.
        unsafe { (*self.ctx).data_end as usize }
    }

    /// The helper is asked only of those whose length it alone can tell: it took 8 ns in test runs.
    #[inline(always)]
    fn frame_len(&self) -> u32 {
        if !self.has_fragments() {
            return (self.end() - self.start()) as u32;
        }
        // SAFETY: the context is the one that the kernel passed.
        unsafe { bpf_xdp_get_buff_len(self.ctx) as u32 }
    }

    #[inline(always)]
    unsafe fn copy(&self, offset: u32, to: *mut u8, len: u32) -> bool {
        // SAFETY: the caller vouches for `to`; the verifier checks it again.
        unsafe { bpf_xdp_load_bytes(self.ctx, offset, to.cast(), len) == 0 }
    }

    #[inline(always)]
    fn ifindex(&self) -> u32 {
        // SAFETY: as in `start`.
        unsafe { (*self.ctx).ingress_ifindex }
    }

    #[inline(always)]
    fn queue(&self) -> u16 {
        // SAFETY: as in `start`.
        unsafe { (*self.ctx).rx_queue_index as u16 }
    }

    #[inline(always)]
    fn flags(&self) -> u16 {
        0
    }

    #[inline(always)]
    fn vlan(&self) -> AsideTag {
        AsideTag::NONE
    }

    #[inline(always)]
    fn filter(&self, kind: u32) -> u32 {
        crate::filter::capture_filter_xdp(self.ctx, kind)
    }

    #[inline(always)]
    fn walk(&self, frame_len: u32, link: u32) -> u64 {
        crate::long_way::capture_walk_xdp(self.ctx, frame_len, link)
    }

    #[inline(always)]
    fn insert(&self) -> u32 {
        crate::places::capture_insert_xdp(self.ctx)
    }
}

/// A packet at TCX, whose hook has this number.
pub(crate) struct Skb<const HOOK: u8> {
    ctx: *mut __sk_buff,
}

/// A packet at TCX egress.
pub(crate) type Egress = Skb<{ Hook::TcxEgress as u8 }>;
/// A packet at TCX ingress.
pub(crate) type TcxIngress = Skb<{ Hook::TcxIngress as u8 }>;

impl<const HOOK: u8> Skb<HOOK> {
    #[inline(always)]
    pub(crate) fn new(ctx: &TcContext) -> Self {
        Self::from_raw(ctx.as_ptr().cast())
    }

    /// `ctx` is the context that the kernel passed.
    #[inline(always)]
    pub(crate) fn from_raw(ctx: *mut __sk_buff) -> Self {
        Self { ctx }
    }
}

impl<const HOOK: u8> Context for Skb<HOOK> {
    const HOOK: Hook = match Hook::from_u8(HOOK) {
        Some(hook) => hook,
        None => panic!("no such hook"),
    };

    #[inline(always)]
    fn start(&self) -> usize {
        // SAFETY: the kernel passes a valid context.
        unsafe { (*self.ctx).data as usize }
    }

    #[inline(always)]
    fn end(&self) -> usize {
        // SAFETY: as in `start`.
        unsafe { (*self.ctx).data_end as usize }
    }

    #[inline(always)]
    fn frame_len(&self) -> u32 {
        // SAFETY: as in `start`.
        unsafe { (*self.ctx).len }
    }

    #[inline(always)]
    unsafe fn copy(&self, offset: u32, to: *mut u8, len: u32) -> bool {
        // SAFETY: the caller vouches for `to`; the verifier checks it again.
        unsafe { bpf_skb_load_bytes(self.ctx.cast(), offset, to.cast(), len) == 0 }
    }

    #[inline(always)]
    fn ifindex(&self) -> u32 {
        // SAFETY: as in `start`.
        unsafe { (*self.ctx).ifindex }
    }

    #[inline(always)]
    fn queue(&self) -> u16 {
        // SAFETY: as in `start`.
        let mapping = unsafe { (*self.ctx).queue_mapping as u16 };
        // On the way in the kernel writes the receive queue plus one, and 0 if it has none.
        if matches!(Self::HOOK, Hook::TcxIngress) {
            mapping.saturating_sub(1)
        } else {
            mapping
        }
    }

    #[inline(always)]
    fn flags(&self) -> u16 {
        // SAFETY: as in `start`.
        if unsafe { (*self.ctx).gso_segs } > 1 {
            RingRecord::FLAG_GSO
        } else {
            0
        }
    }

    #[inline(always)]
    fn vlan(&self) -> AsideTag {
        // SAFETY: as in `start`.
        let ctx = unsafe { &*self.ctx };
        // The kernel gives the protocol in network byte order and the tag in host byte order.
        if ctx.vlan_present == 0 {
            return AsideTag::NONE;
        }
        AsideTag(ctx.vlan_proto & 0xffff | u32::from((ctx.vlan_tci as u16).to_be()) << 16)
    }

    #[inline(always)]
    fn filter(&self, kind: u32) -> u32 {
        crate::filter::capture_filter_tcx(self.ctx, kind)
    }

    #[inline(always)]
    fn walk(&self, frame_len: u32, link: u32) -> u64 {
        crate::long_way::capture_walk_tcx(self.ctx, frame_len, link)
    }

    #[inline(always)]
    fn insert(&self) -> u32 {
        crate::places::capture_insert_tcx(self.ctx)
    }
}
