//! Where the capture filter goes: two functions of which userspace replaces the instructions before
//! the load, each in a section of its own so that nothing else moves.
//!
//! They are global, so the verifier checks them once and by themselves, and does not multiply their
//! paths with those of the program. What stands here accepts everything, in a way that the compiler
//! cannot see through: it must take neither the result nor the use of the arguments for known.

use aya_ebpf::bindings::{__sk_buff, xdp_md};

/// Says whether a packet at XDP is wanted; 0 refuses. `kind` is a `Settings::LINK_*`, with
/// `Settings::FILTER_OUTGOING` if the packet goes out.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.capture_filter_xdp")]
#[inline(never)]
pub extern "C" fn capture_filter_xdp(ctx: *mut xdp_md, kind: u32) -> u32 {
    // SAFETY: the kernel passes a valid context.
    let index = unsafe { &raw const (*ctx).ingress_ifindex };
    // SAFETY: as above.
    let index = unsafe { index.read_volatile() };
    u32::from(opaque(index) | opaque(kind) != 0) | opaque(1)
}

/// Says whether a packet at TCX is wanted; 0 refuses. `kind` is a `Settings::LINK_*`, with
/// `Settings::FILTER_OUTGOING` if the packet goes out.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.capture_filter_tcx")]
#[inline(never)]
pub extern "C" fn capture_filter_tcx(ctx: *mut __sk_buff, kind: u32) -> u32 {
    // SAFETY: the kernel passes a valid context.
    let index = unsafe { &raw const (*ctx).ifindex };
    // SAFETY: as above.
    let index = unsafe { index.read_volatile() };
    u32::from(opaque(index) | opaque(kind) != 0) | opaque(1)
}

/// The value, of which the compiler knows nothing.
#[inline(always)]
fn opaque(value: u32) -> u32 {
    // SAFETY: reads a local variable.
    unsafe { core::ptr::read_volatile(&raw const value) }
}
