//! Asks the CPU for memory that is going to be read soon.

#![expect(unsafe_code, reason = "the prefetch instruction is an intrinsic")]

/// Fetches the cache line at `place` for reading; a hint that never faults.
#[inline(always)]
pub(crate) fn read<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect that the program could see; the address is a valid reference.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
            core::ptr::from_ref(place).cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
