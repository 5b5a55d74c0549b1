//! Asks the kernel for huge pages under the tables that are read at random, and under frame memory.
//!
//! A look-up in a table of hundreds of megabytes misses the address translation cache nearly every
//! time with pages of 4 KiB; with pages of 2 MiB it rarely does (`Documentation/admin-guide/mm/transhuge.rst`).

#![expect(unsafe_code, reason = "madvise(2)")]

use std::ptr::NonNull;

/// Advises the kernel to use huge pages for the memory that a vector has reserved. Only a wish: where
/// there are none, nothing changes but the speed.
pub(crate) fn advise<T>(reserved: &Vec<T>) {
    /// Below this there is nothing to gain.
    const HUGE: usize = 2 << 20;
    /// Pages that advice is given for.
    const PAGE: usize = 4096;
    let len = reserved.capacity() * size_of::<T>();
    let start = reserved.as_ptr() as usize;
    let first = start.next_multiple_of(PAGE);
    let Some(end) = (start + len).checked_sub(PAGE).filter(|_| len >= HUGE) else {
        return;
    };
    // SAFETY: whole pages within memory that the vector owns, and the advice does not change what is
    // in them. What the call answers makes no difference.
    unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE) };
}

/// As [`advise`], for memory that was mapped: `start` lies on a page.
pub(crate) fn advise_region(start: NonNull<u8>, len: usize) {
    // SAFETY: the advice does not change what is in memory, and the kernel refuses it for pages that
    // are not mapped. What the call answers makes no difference.
    unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
}
