//! Asks the CPU for memory that is going to be read soon.

#![expect(unsafe_code, reason = "the prefetch instruction is an intrinsic")]

/// Bytes of a cache line.
const LINE: usize = 64;

/// Fetches the cache line at `place` for reading; a hint that never faults.
#[inline(always)]
pub(crate) fn read<T>(place: &T) {
    line(core::ptr::from_ref(place).cast());
}

/// Fetches all cache lines of a value, but perhaps the last if it does not begin with one.
#[inline(always)]
pub(crate) fn lines<T>(value: &T) {
    let first = core::ptr::from_ref(value).cast::<u8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        line(first.wrapping_add(offset));
    }
}

/// Fetches all cache lines of a value, but perhaps the last, to be written to: no other CPU has them then.
#[inline(always)]
pub(crate) fn lines_to_write<T>(value: &T) {
    let first = core::ptr::from_ref(value).cast::<u8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        line_to_write(first.wrapping_add(offset));
    }
}

#[inline(always)]
fn line_to_write(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect that the program could see, wherever it points.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_ET0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

#[inline(always)]
fn line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect that the program could see, wherever it points.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
