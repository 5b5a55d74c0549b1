//! Memory that is mapped, and unmapped when its owner goes.

#![expect(
    unsafe_code,
    reason = "memory that others write has to be reached by pointers"
)]

use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};

/// A region of memory that is unmapped when it goes.
#[derive(Debug)]
pub(super) struct Region(MmapRaw);

/// Who may write to a region that belongs to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The kernel alone.
    Read,
    /// The kernel and this process.
    Write,
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
    /// Maps memory that belongs to a file, `offset` bytes from its start.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn of_file(fd: RawFd, access: Access, len: usize, offset: u64) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.len(len).offset(offset).populate();
        let map = match access {
            Access::Read => options.map_raw_read_only(fd)?,
            Access::Write => options.map_raw(fd)?,
        };
        Ok(Self(map))
    }

    /// Maps memory of its own, zeroed: in huge pages where enough of them are reserved.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn anonymous(len: usize) -> io::Result<(Self, Pages)> {
        const HUGE_PAGE: usize = 2 << 20;
        if len.is_multiple_of(HUGE_PAGE)
            && let Ok(map) = MmapOptions::new().len(len).huge(None).map_anon()
        {
            return Ok((Self(map.into()), Pages::Huge));
        }
        let region = Self(MmapOptions::new().len(len).map_anon()?.into());
        crate::hugepages::advise_region(region.start(), len);
        Ok((region, Pages::Usual))
    }

    /// Where it starts; page-aligned.
    pub(super) fn start(&self) -> NonNull<u8> {
        // SAFETY: no mapping begins at address zero.
        unsafe { NonNull::new_unchecked(self.0.as_mut_ptr()) }
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
