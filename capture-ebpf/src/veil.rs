//! Keeps the verifier from following paths that differ in nothing that matters.

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_coarse_ns};
use capture_common::{CutReport, FragmentKey};

use crate::facts::Facts;
use crate::headers::SCRATCH_LEN;
use crate::settings::Patched;

/// What one packet needs beside the stack.
#[repr(C)]
pub(crate) struct Scratch {
    pub(crate) cell: u64,
    pub(crate) facts: Facts,
    pub(crate) report: CutReport,
    /// What is looked up of a fragment.
    key: FragmentKey,
    /// What the tick's number was when `ns` was asked for.
    tick: u64,
    ns: u64,
    pub(crate) bytes: [u8; SCRATCH_LEN],
}

impl Scratch {
    /// Now, in nanoseconds, as of the last tick of the kernel's clock or the one before. The number of the
    /// tick is a load, the time is a call: it is asked for once in a tick on each CPU.
    #[inline(always)]
    pub(crate) fn coarse_ns(&mut self) -> u64 {
        // SAFETY: takes no argument.
        let tick = unsafe { bpf_jiffies64() };
        if tick != self.tick {
            self.tick = tick;
            // SAFETY: takes no argument.
            self.ns = unsafe { bpf_ktime_get_coarse_ns() };
        }
        self.ns
    }
}

/// Makes the verifier forget what it knows of a number.
///
/// The verifier follows every path with all that it knows of each value, and takes two paths for one
/// only if what it knows is the same. After a handful of optional headers that is thousands of
/// paths, and seconds at every start. What was stored in a map it forgets, so paths meet again.
#[derive(Clone, Copy)]
pub(crate) struct Veil {
    cell: *mut u64,
    facts: *mut Facts,
    key: *mut FragmentKey,
}

/// Stores the fields one by one, without a copy of the whole on the stack, so that nobody knows what is there.
macro_rules! keep {
    ($place:ident, $value:ident: $($field:ident)*) => {
        $(
            // SAFETY: a field of a valid value.
            unsafe { core::ptr::write_volatile(&raw mut $place.$field, $value.$field) };
        )*
    };
}

impl Veil {
    /// `scratch` is in a map, and nobody else uses it while the packet is looked at.
    #[inline(always)]
    pub(crate) fn new(scratch: *mut Scratch) -> Self {
        Self {
            // SAFETY: the fields of a valid value.
            cell: unsafe { &raw mut (*scratch).cell },
            // SAFETY: as above.
            facts: unsafe { &raw mut (*scratch).facts },
            // SAFETY: as above.
            key: unsafe { &raw mut (*scratch).key },
        }
    }

    /// Keeps facts in the scratch, if anybody asks for them.
    #[inline(always)]
    pub(crate) fn note(self, facts: &Facts) {
        if Patched.wants_facts() {
            // SAFETY: as in `draw`.
            let place = unsafe { &mut *self.facts };
            keep!(place, facts: fingerprint seq payload_len ip_len net_at ports_at headers_end bits protocol tcp_flags net);
        }
    }

    /// Keeps nothing of the packet before.
    #[inline(always)]
    pub(crate) fn forget(self) {
        if Patched.headers_only() != 0 {
            self.note(&Facts::NONE);
        } else if Patched.wants_facts() {
            // SAFETY: the field of a valid value.
            let bits = unsafe { &raw mut (*self.facts).bits };
            // SAFETY: as in `draw`. Without its bits, nobody asks for the rest.
            unsafe { core::ptr::write_volatile(bits, 0) };
        }
    }

    /// The key, where it takes no room on the stack.
    #[inline(always)]
    pub(crate) fn keep_key<'a>(self, key: FragmentKey) -> &'a FragmentKey {
        // SAFETY: as in `draw`.
        let place = unsafe { &mut *self.key };
        keep!(place, key: src dst id protocol version reserved);
        place
    }

    /// The same number, of which nothing is known.
    #[inline(always)]
    pub(crate) fn draw(self, value: usize) -> usize {
        // SAFETY: the cell is valid for as long as the program runs, by the contract of `new`.
        unsafe { core::ptr::write_volatile(self.cell, value as u64) };
        // SAFETY: as above.
        unsafe { core::ptr::read_volatile(self.cell) as usize }
    }
}
