//! Memory that is mapped, and unmapped when its owner goes.

#![expect(unsafe_code, reason = "mmap(2) and munmap(2)")]

use std::io;
use std::os::fd::RawFd;
use std::ptr::{NonNull, null_mut};

/// A region of memory that is unmapped when it goes.
#[derive(Debug)]
pub(super) struct Region {
    start: NonNull<u8>,
    len: usize,
}

/// What the pages of anonymous memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Huge pages that the administrator reserved (`vm.nr_hugepages`).
    Huge,
    /// The usual ones; where the kernel can, it joins them to huge pages.
    Usual,
}

impl Region {
    /// Maps memory that belongs to a file.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn of_file(
        fd: RawFd,
        protection: i32,
        len: usize,
        offset: libc::off_t,
    ) -> io::Result<Self> {
        let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
        Self::map(fd, protection, flags, len, offset)
    }

    /// Maps memory of its own, zeroed: in huge pages where enough of them are reserved.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn anonymous(len: usize) -> io::Result<(Self, Pages)> {
        const HUGE_PAGE: usize = 2 << 20;
        const PROTECTION: i32 = libc::PROT_READ | libc::PROT_WRITE;
        const FLAGS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        if len.is_multiple_of(HUGE_PAGE)
            && let Ok(region) = Self::map(-1, PROTECTION, FLAGS | libc::MAP_HUGETLB, len, 0)
        {
            return Ok((region, Pages::Huge));
        }
        let region = Self::map(-1, PROTECTION, FLAGS, len, 0)?;
        crate::hugepages::advise_region(region.start, len);
        Ok((region, Pages::Usual))
    }

    fn map(
        fd: RawFd,
        protection: i32,
        flags: i32,
        len: usize,
        offset: libc::off_t,
    ) -> io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { libc::mmap(null_mut(), len, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start =
            NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        Ok(Self { start, len })
    }

    /// Where it starts; page-aligned.
    pub(super) const fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Its length in bytes.
    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the region was mapped by `map` with this length, and nothing borrows from it any
        // more, since borrows have the lifetime of its owner.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
