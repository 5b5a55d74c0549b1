//! Copies a packet into a ring: room for a record, its header, the packet's bytes.

use capture_common::{MAX_CAP_LEN, RingRecord};

use crate::clock;
use crate::context::{AsideTag, Context};
use crate::rings::Room;

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
    ring: u32,
    record: &RingRecord,
    vlan: AsideTag,
) -> Result<(), Lost> {
    let Some(room) = Room::new(ring, record.cap_len) else {
        return Err(Lost::RingFull);
    };
    room.write(&stamped::<C>(record));
    if !copy(ctx, room.data(), record.cap_len, vlan) {
        room.discard(record.cap_len);
        return Err(Lost::CopyFailed);
    }
    room.submit();
    Ok(())
}

/// The record of a packet that is seen now.
#[inline(always)]
pub(crate) fn stamped<C: Context>(record: &RingRecord) -> RingRecord {
    RingRecord {
        mono_ns: clock::now::<C>(),
        ..*record
    }
}

/// Copies `len` bytes, putting a tag that the kernel kept aside where it belongs.
#[inline(always)]
fn copy<C: Context>(ctx: &C, to: *mut u8, len: u32, vlan: AsideTag) -> bool {
    let Some(len) = bounded(len, MAX_CAP_LEN) else {
        return len == 0;
    };
    if let Some(tag) = vlan.word()
        && len > MACS_LEN + TAG_LEN
    {
        // There is room for `len` bytes, which is more than the tag and what precedes it.
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
        // SAFETY: there is room for what is left of the packet.
        return unsafe { bulk(ctx, MACS_LEN, rest_at, len - MACS_LEN - TAG_LEN) };
    }
    macro_rules! short {
        ($($most:literal: $head:literal $tail:literal,)*) => {
            $(if len <= $most {
                // SAFETY: there is room for `len` bytes.
                let copied = unsafe { words::<C, $head, $tail>(ctx, to, len) };
                // SAFETY: there is room for `len` bytes.
                return copied || unsafe { bulk(ctx, 0, to, len) };
            })*
        };
    }
    short!(48: 3 3, 64: 6 2, 96: 8 4, 128: 12 4, 256: 16 16, 512: 32 32,);
    // SAFETY: there is room for `len` bytes.
    unsafe { bulk(ctx, 0, to, len) }
}

/// Copies a short packet by words (`bpf_xdp_load_bytes` took 25 ns for 60 bytes in test runs); false if it
/// does not lie in one piece, or is shorter than HEAD words. First come HEAD words, then the last TAIL words of the
/// packet, which overlap those before unless the packet is as long as both.
///
/// # Safety
///
/// `to` must be valid for writing `len` bytes, which must be no more than HEAD and TAIL words.
#[inline(always)]
unsafe fn words<C: Context, const HEAD: usize, const TAIL: usize>(
    ctx: &C,
    to: *mut u8,
    len: u32,
) -> bool {
    const { assert!(TAIL <= HEAD) };
    let (start, end) = (ctx.start(), ctx.end());
    // Not a byte behind the record: what lies there may be another one.
    if len < HEAD as u32 * 8 || start + HEAD * 8 > end {
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
unsafe fn bulk<C: Context>(ctx: &C, offset: u32, to: *mut u8, len: u32) -> bool {
    const PART: u32 = 32_768;
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
    let Some(rest) = bounded(len - PART, MAX_CAP_LEN - PART) else {
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
