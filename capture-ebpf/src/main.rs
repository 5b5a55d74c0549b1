//! What runs in the kernel: one program at XDP for what comes in, one at TCX for what goes out, and
//! one at TCX for what comes in, for where XDP is not to be had; and one at XDP that hands what comes in to
//! `AF_XDP` sockets.
//!
//! All do the same, [`observe()`]: walk the headers, count, decide what is wanted of the packet, choose the
//! ring by the flow hash, copy or hand over.
//! The order is the product's promise: counters come first, so that no filter and no full ring ever
//! changes them.

#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![feature(asm_experimental_arch)]
#![expect(
    internal_features,
    reason = "the exchange of a word has no stable name on this target"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros of aya-ebpf hand contexts over by value"
)]
#![expect(
    unsafe_code,
    reason = "packet memory, map values and helper calls are raw pointers here; the verifier checks each access"
)]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the entry points that the macros make are public and take no documentation"
)]

mod clock;
mod context;
mod counters;
mod cutoff;
mod decide;
mod emit;
mod facts;
mod filter;
mod glide;
mod headers;
mod lock;
mod long_way;
mod maps;
mod observe;
mod outlet;
mod places;
mod plain;
mod rings;
mod settings;
mod veil;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::macros::{classifier, raw_tracepoint, xdp};
use aya_ebpf::programs::{RawTracePointContext, TcContext, XdpContext};

use crate::context::{Egress, Ingress, TcxIngress};
use crate::observe::{Fate, observe};
use crate::outlet::{Rings, Sockets};
use crate::settings::Patched;

/// `TCX_NEXT`: let the next program on the hook, or the stack, decide.
const TCX_NEXT: i32 = -1;
/// The same as a ring record has it.
const TCX_NEXT_VERDICT: u8 = 0xff;
/// `TCX_DROP`: the packet ends here.
const TCX_DROP: i32 = 2;
/// The same as a ring record has it.
const TCX_DROP_VERDICT: u8 = 2;

/// Sees what comes in. Mirror lets it pass, tap consumes it.
#[xdp(frags)]
#[inline(always)]
pub fn capture_xdp(ctx: XdpContext) -> u32 {
    let verdict = if Patched.tap() == 0 {
        xdp_action::XDP_PASS
    } else {
        xdp_action::XDP_DROP
    };
    match observe::<_, Rings>(&Ingress::new(&ctx), verdict as u8) {
        Fate::Unmatched => unmatched(verdict),
        Fate::Captured | Fate::Consumed => verdict,
    }
}

/// Sees what comes in and hands it to the `AF_XDP` socket of its queue. What does not get there is
/// consumed: the port is dedicated to capture.
#[xdp(frags)]
#[inline(always)]
pub fn capture_xsk(ctx: XdpContext) -> u32 {
    match observe::<_, Sockets>(&Ingress::new(&ctx), xdp_action::XDP_REDIRECT as u8) {
        Fate::Captured => xdp_action::XDP_REDIRECT,
        Fate::Unmatched => unmatched(xdp_action::XDP_DROP),
        Fate::Consumed => xdp_action::XDP_DROP,
    }
}

/// What becomes of a frame that nobody asked for.
#[inline(always)]
fn unmatched(verdict: u32) -> u32 {
    if Patched.pass_unmatched() == 0 {
        verdict
    } else {
        xdp_action::XDP_PASS
    }
}

/// Sees what goes out; never consumes.
#[classifier]
#[inline(always)]
pub fn capture_tcx(ctx: TcContext) -> i32 {
    observe::<_, Rings>(&Egress::new(&ctx), TCX_NEXT_VERDICT);
    TCX_NEXT
}

/// Sees what comes in, behind XDP. Mirror leaves it to whoever comes next, tap consumes it.
#[classifier]
#[inline(always)]
pub fn capture_tcx_ingress(ctx: TcContext) -> i32 {
    let (action, verdict) = if Patched.tap() == 0 {
        (TCX_NEXT, TCX_NEXT_VERDICT)
    } else {
        (TCX_DROP, TCX_DROP_VERDICT)
    };
    match observe::<_, Rings>(&TcxIngress::new(&ctx), verdict) {
        Fate::Unmatched if Patched.pass_unmatched() != 0 => TCX_NEXT,
        _ => action,
    }
}

/// Hears of every poll of a driver that is over (`napi:napi_poll`).
#[raw_tracepoint(tracepoint = "napi_poll")]
#[inline(always)]
pub fn capture_polled(_ctx: RawTracePointContext) -> i32 {
    clock::polled();
    0
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier would refuse a program in which this could be reached.
    loop {}
}

/// The license that the kernel reads: GPL-compatible, as the helpers demand.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
