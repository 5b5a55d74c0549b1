//! Reserves a ring record of the right size class and copies the packet into it.
//!
//! `bpf_ringbuf_reserve` wants a constant size, so there is one arm for each class. A record is
//! submitted without waking the reader, which looks by itself: with a wake-up, a record took 2.4 µs in test
//! runs, and without one 0.03.

use aya_ebpf::bindings::BPF_RB_NO_WAKEUP;
use aya_ebpf::helpers::generated::{
    bpf_ktime_get_ns, bpf_ringbuf_discard, bpf_ringbuf_reserve, bpf_ringbuf_submit,
};
use capture_common::{MAX_CAP_LEN, RingRecord};

use crate::context::{AsideTag, Context};
use crate::maps::Ring;

/// Why a packet did not get into a ring or to a socket.
pub(crate) enum Lost {
    /// The kernel would not copy the bytes.
    CopyFailed,
    /// The reader is behind.
    RingFull,
    /// The queue has no `AF_XDP` socket.
    NoSocket,
}

/// Length of a VLAN tag.
const TAG_LEN: u32 = 4;
/// Bytes before a VLAN tag: the two MAC addresses.
const MACS_LEN: u32 = 12;

/// Copies the packet into the ring.
#[inline(always)]
pub(crate) fn emit<C: Context>(
    ctx: &C,
    ring: &Ring,
    record: &RingRecord,
    vlan: AsideTag,
) -> Result<(), Lost> {
    macro_rules! classes {
        ($($class:literal)*) => {
            $(if record.cap_len <= $class {
                return emit_class::<C, $class>(ctx, ring, record, vlan);
            })*
        };
    }
    classes!(64 96 128 256 512 1024 1536 2048 4096 9216 16384 32768);
    emit_class::<C, { MAX_CAP_LEN }>(ctx, ring, record, vlan)
}

#[inline(always)]
fn emit_class<C: Context, const CLASS: u32>(
    ctx: &C,
    ring: &Ring,
    record: &RingRecord,
    vlan: AsideTag,
) -> Result<(), Lost> {
    let size = RingRecord::LEN as u64 + CLASS as u64;
    // SAFETY: `ring` is the map that the verifier knows.
    let slot = unsafe { bpf_ringbuf_reserve(core::ptr::from_ref(ring).cast_mut().cast(), size, 0) };
    if slot.is_null() {
        return Err(Lost::RingFull);
    }
    // SAFETY: the slot is 8-byte aligned and longer than the header.
    unsafe { slot.cast::<RingRecord>().write(stamped(record)) };
    // SAFETY: the slot has CLASS bytes behind the header.
    let data = unsafe { slot.cast::<u8>().add(RingRecord::LEN) };
    if !copy::<C, CLASS>(ctx, data, record.cap_len, vlan) {
        // SAFETY: the slot was reserved above and is given back once.
        unsafe { bpf_ringbuf_discard(slot, u64::from(BPF_RB_NO_WAKEUP)) };
        return Err(Lost::CopyFailed);
    }
    // SAFETY: the slot was reserved above and is submitted once.
    unsafe { bpf_ringbuf_submit(slot, u64::from(BPF_RB_NO_WAKEUP)) };
    Ok(())
}

/// The record of a packet that is seen now. The clock is asked last, for those alone that get through: it took
/// 36 ns in test runs, more than reserving and submitting the record together (29 ns).
#[inline(always)]
pub(crate) fn stamped(record: &RingRecord) -> RingRecord {
    RingRecord {
        // SAFETY: takes no argument.
        mono_ns: unsafe { bpf_ktime_get_ns() },
        ..*record
    }
}

/// Copies `len` bytes, at most CLASS, putting a tag that the kernel kept aside where it belongs.
#[inline(always)]
fn copy<C: Context, const CLASS: u32>(ctx: &C, to: *mut u8, len: u32, vlan: AsideTag) -> bool {
    let Some(len) = bounded(len, CLASS) else {
        return len == 0;
    };
    if let Some(tag) = vlan.word()
        && CLASS >= 64
        && len > MACS_LEN + TAG_LEN
    {
        // The class has room for `len` bytes, which is more than the tag and what precedes it.
        // SAFETY: as above.
        let tag_at = unsafe { to.add(MACS_LEN as usize) };
        // SAFETY: as above.
        let rest_at = unsafe { to.add((MACS_LEN + TAG_LEN) as usize) };
        // SAFETY: as above.
        if !unsafe { ctx.copy(0, to, MACS_LEN) } {
            return false;
        }
        // SAFETY: as above.
        unsafe { tag_at.cast::<u32>().write_unaligned(tag) };
        // SAFETY: what is left of the class has room for what is left of the packet.
        return unsafe { bulk::<C, CLASS>(ctx, MACS_LEN, rest_at, len - MACS_LEN - TAG_LEN) };
    }
    let copied = match CLASS {
        // SAFETY: the class has room for all that is copied.
        64 => unsafe { words::<C, 6, 2>(ctx, to, len) },
        // SAFETY: as above.
        96 => unsafe { words::<C, 8, 4>(ctx, to, len) },
        // SAFETY: as above.
        128 => unsafe { words::<C, 12, 4>(ctx, to, len) },
        // SAFETY: as above.
        256 => unsafe { words::<C, 16, 16>(ctx, to, len) },
        // SAFETY: as above.
        512 => unsafe { words::<C, 32, 32>(ctx, to, len) },
        _ => false,
    };
    // SAFETY: the class has room for `len` bytes.
    copied || unsafe { bulk::<C, CLASS>(ctx, 0, to, len) }
}

/// Copies a short packet by words (`bpf_xdp_load_bytes` took 25 ns for 60 bytes in test runs); false if it
/// does not lie in one piece, or is too short for it. First come HEAD words, then the last TAIL words of the
/// packet, which overlap those before unless the packet is as long as both.
///
/// # Safety
///
/// `to` must be valid for writing HEAD and TAIL words, and `len` must be no more.
#[inline(always)]
unsafe fn words<C: Context, const HEAD: usize, const TAIL: usize>(
    ctx: &C,
    to: *mut u8,
    len: u32,
) -> bool {
    let (start, end) = (ctx.start(), ctx.end());
    if start + HEAD * 8 > end {
        return false;
    }
    let Some(tail_at) = bounded(len.wrapping_sub(TAIL as u32 * 8), HEAD as u32 * 8) else {
        return false;
    };
    let tail = start + tail_at as usize;
    if tail + TAIL * 8 > end {
        return false;
    }
    // SAFETY: `tail_at` is no more than HEAD words.
    let tail_to = unsafe { to.add(tail_at as usize) };
    // SAFETY: both pieces of the packet were checked to lie within it, and the caller vouches for `to`.
    unsafe { copy_words::<HEAD>(start, to) };
    // SAFETY: as above.
    unsafe { copy_words::<TAIL>(tail, tail_to) };
    true
}

/// Copies `N` words between addresses that may be unaligned.
///
/// # Safety
///
/// `from` must be readable and `to` writable for `N` words.
#[inline(always)]
#[expect(
    clippy::cast_ptr_alignment,
    reason = "the BPF machine has no alignment"
)]
unsafe fn copy_words<const N: usize>(from: usize, to: *mut u8) {
    for word in 0..N {
        // SAFETY: the caller's.
        let from = unsafe { (from as *const u64).add(word) };
        // SAFETY: the caller's.
        let to = unsafe { to.cast::<u64>().add(word) };
        // Volatile, or LLVM makes a call of the loop, to a function that copies byte by byte.
        // SAFETY: the caller's.
        let value = unsafe { from.read_volatile() };
        // SAFETY: the caller's.
        unsafe { *to = value };
    }
}

/// Copies bytes; more than one helper call takes (65,535) in two.
///
/// # Safety
///
/// `to` must be valid for writing `len` bytes.
#[inline(always)]
unsafe fn bulk<C: Context, const CLASS: u32>(ctx: &C, offset: u32, to: *mut u8, len: u32) -> bool {
    const PART: u32 = 32_768;
    if CLASS <= PART {
        let Some(len) = bounded(len, CLASS) else {
            return false;
        };
        // SAFETY: the caller's.
        return unsafe { ctx.copy(offset, to, len) };
    }
    let first = if len < PART { len } else { PART };
    let Some(first) = bounded(first, PART) else {
        return false;
    };
    // SAFETY: the caller's; `first` is at most `len`.
    if !unsafe { ctx.copy(offset, to, first) } {
        return false;
    }
    if len <= PART {
        return true;
    }
    let Some(rest) = bounded(len - PART, CLASS - PART) else {
        return false;
    };
    // SAFETY: `len` is more than the first part.
    let rest_at = unsafe { to.add(PART as usize) };
    // SAFETY: the two parts together are `len` bytes.
    unsafe { ctx.copy(offset + PART, rest_at, rest) }
}

/// `len` if it is in `1..=max`, in a form in which the verifier sees the check.
///
/// LLVM often knows that it holds and would leave it out, or check another copy of the value than
/// the one that the helper gets; going through memory keeps both from happening.
#[inline(always)]
pub(crate) fn bounded(len: u32, max: u32) -> Option<u32> {
    // SAFETY: reads a local variable.
    let len = unsafe { core::ptr::read_volatile(&raw const len) };
    (len > 0 && len <= max).then_some(len)
}
