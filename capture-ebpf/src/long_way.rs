//! The walk for packets that are not plain, as functions of their own, one for each kind of context.
//!
//! They are global, so the verifier checks them once and by themselves, and does not multiply their
//! paths with those of the program; and the program, which hardly ever calls them, keeps its registers
//! for the short way.

use aya_ebpf::bindings::{__sk_buff, xdp_md};
use capture_common::Settings;

use crate::context::{Context, Egress, Ingress};
use crate::emit::bounded;
use crate::headers::{Gathered, SCRATCH_LEN, Walk, walk};
use crate::maps::SCRATCH;
use crate::settings::Patched;
use crate::veil::Veil;

/// Walks the headers of a packet at XDP; gives a packed [`Walk`], and leaves the facts in the scratch.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_walk_xdp(ctx: *mut xdp_md, frame_len: u32, link: u32) -> u64 {
    headers(&Ingress::from_raw(ctx), frame_len, link).pack()
}

/// Walks the headers of a packet at TCX; gives a packed [`Walk`], and leaves the facts in the scratch.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn capture_walk_tcx(ctx: *mut __sk_buff, frame_len: u32, link: u32) -> u64 {
    headers(&Egress::from_raw(ctx), frame_len, link).pack()
}

/// Walks the headers in a copy of them: they need not lie in one piece, and one body for all packets
/// leaves more of the stack to the program.
#[inline(always)]
fn headers<C: Context>(ctx: &C, frame_len: u32, link: u32) -> Walk {
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        return Walk::new();
    };
    let veil = Veil::new(scratch);
    veil.forget();
    // What is constant to the program is to be so here as well.
    let link = if Patched.ifaces() == 1 {
        Patched.link()
    } else {
        link
    };
    let filled = if frame_len < SCRATCH_LEN as u32 {
        frame_len
    } else {
        SCRATCH_LEN as u32
    };
    // SAFETY: the scratch belongs to this CPU, and this program is not interrupted by another one
    // that uses it.
    let bytes = unsafe { &raw mut (*scratch).bytes };
    let copied = bounded(filled, SCRATCH_LEN as u32)
        // SAFETY: the buffer has SCRATCH_LEN bytes, and `filled` is no more.
        .is_some_and(|filled| unsafe { ctx.copy(0, bytes.cast(), filled) });
    let gathered = Gathered {
        bytes,
        // LLVM must not know that this is no more than the buffer: it would leave out the check
        // of the offset alone, which is the one that the verifier understands.
        filled: veil.draw(if copied { filled as usize } else { 0 }),
    };
    let raw_ip = link == Settings::LINK_RAW_IP;
    walk(&gathered, frame_len, raw_ip, Patched.seed(), veil)
}
