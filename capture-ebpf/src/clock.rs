//! When a packet is seen.
//!
//! Asking the kernel's clock took 21 to 28 ns in test runs, as much as all else that is done to copy a short
//! packet. A driver hands over in one poll what came since it last looked, and each reading says when a frame's turn
//! was rather than when it came. Where nothing but this program runs between two frames of a poll, a few share a
//! reading: the time of the last is off by what those before it take, which is less than two microseconds.

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns};
use capture_common::{Hook, Settings};

use crate::context::Context;
use crate::maps::READING;
use crate::settings::Patched;

/// What the clock said last on a CPU.
#[repr(C)]
pub(crate) struct Reading {
    mono_ns: u64,
    /// The number of the kernel's tick then.
    tick: u64,
    /// How many more frames of the poll may have it.
    left: u64,
}

/// `CLOCK_MONOTONIC`, in ns, for a packet that is seen now. It is asked last, for those alone that get through.
#[inline(always)]
pub(crate) fn now<C: Context>() -> u64 {
    if Patched.shared_clock() != 0
        && matches!(C::HOOK, Hook::XdpIngress)
        && let Some(reading) = READING.get_ptr_mut(0)
    {
        // SAFETY: it belongs to this CPU while the program runs.
        return unsafe { &mut *reading }.next();
    }
    // SAFETY: takes no argument.
    unsafe { bpf_ktime_get_ns() }
}

impl Reading {
    #[inline(always)]
    fn next(&mut self) -> u64 {
        // A load; nothing is kept for longer than a tick, though nobody should say that a poll is over.
        // SAFETY: takes no argument.
        let tick = unsafe { bpf_jiffies64() };
        if self.left == 0 || self.tick != tick {
            self.tick = tick;
            self.left = Settings::FRAMES_OF_A_READING;
            // SAFETY: takes no argument.
            self.mono_ns = unsafe { bpf_ktime_get_ns() };
        }
        self.left -= 1;
        self.mono_ns
    }
}

/// A poll is over: whatever comes next on this CPU came later.
#[inline(always)]
pub(crate) fn polled() {
    if let Some(reading) = READING.get_ptr_mut(0) {
        // SAFETY: it belongs to this CPU while the program runs.
        unsafe { (*reading).left = 0 };
    }
}
