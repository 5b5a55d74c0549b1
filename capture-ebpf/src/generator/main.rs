//! Makes traffic: a program that turns each frame of a test run into the next one of a session, and
//! two small ones for the other end of the wire.
//!
//! An object of its own, so that the one that captures carries nothing that can send.

#![no_std]
#![no_main]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros of aya-ebpf hand contexts over by value"
)]
#![expect(
    unsafe_code,
    reason = "packet memory and map values are raw pointers here; the verifier checks each access"
)]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the entry points that `#[xdp]` makes are public and take no documentation"
)]

mod frame;
mod maps;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use capture_common::generator::{self, LOOPBACK_IFINDEX};

use crate::maps::{SINK, STATE, settings, sizes};

/// Makes the next frame and sends it out of the interface that the test run names.
///
/// What comes in by the loopback interface is no test run: the program is attached there while it
/// sends, which spares each run the kernel's dispatcher update, some twenty milliseconds.
#[xdp]
pub fn generate(ctx: XdpContext) -> u32 {
    if ctx.ingress_ifindex() == LOOPBACK_IFINDEX as usize {
        return xdp_action::XDP_PASS;
    }
    let Some(state) = STATE.get_ptr_mut(0) else {
        return xdp_action::XDP_ABORTED;
    };
    // SAFETY: the value lives as long as the program, and one thread at a time runs it.
    let state = unsafe { &mut *state };
    let segment = generator::next(settings(), sizes(), state);
    if let Some(frame_len) = frame::write(&ctx, settings(), &segment) {
        state.counters.frames += 1;
        state.counters.bytes += u64::from(frame_len);
        xdp_action::XDP_TX
    } else {
        xdp_action::XDP_ABORTED
    }
}

/// Counts what arrives and drops it: the least that a receiver can do.
#[xdp]
pub fn sink_count_drop(ctx: XdpContext) -> u32 {
    if let Some(counters) = SINK.get_ptr_mut(0) {
        // SAFETY: this CPU's value, and nothing interrupts the program on this CPU to run it again.
        let counters = unsafe { &mut *counters };
        counters.frames += 1;
        counters.bytes += (ctx.data_end() - ctx.data()) as u64;
    }
    xdp_action::XDP_DROP
}

/// Lets everything through: a veth passes frames on only if its end has a program.
#[xdp]
pub fn pass(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_PASS
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
