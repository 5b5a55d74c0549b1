//! Asks the kernel for huge pages under the tables that are read at random, and under frame memory; and for
//! pages before they are needed.
//!
//! A look-up in a table of hundreds of megabytes misses the address translation cache nearly every
//! time with pages of 4 KiB; with pages of 2 MiB it rarely does (`Documentation/admin-guide/mm/transhuge.rst`).

#![expect(unsafe_code, reason = "madvise(2)")]

use std::ptr::NonNull;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};

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

/// Pages that are wanted soon.
#[derive(Debug)]
struct Wanted {
    start: usize,
    len: usize,
}

/// A thread that has the kernel clear pages before whoever fills them comes there: a huge page takes as long as
/// hundreds of packets, and more where the machine under this one has to find it first.
#[derive(Debug)]
pub(crate) struct Ahead {
    thread: Option<(Sender<Wanted>, JoinHandle<()>)>,
}

impl Ahead {
    pub(crate) const fn new() -> Self {
        Self { thread: None }
    }

    /// Wants the pages under these places of a vector, whether or not there is anything in them yet. Only a wish:
    /// who comes there too early waits for the kernel as without it.
    pub(crate) fn want<T>(&mut self, reserved: &Vec<T>, places: std::ops::Range<usize>) {
        let end = places.end.min(reserved.capacity());
        let Some(count) = end.checked_sub(places.start).filter(|count| *count > 0) else {
            return;
        };
        if self.thread.is_none() {
            self.thread = start();
        }
        if let Some((wanted, _)) = &self.thread {
            let start = reserved.as_ptr() as usize + places.start * size_of::<T>();
            let len = count * size_of::<T>();
            // Who is behind does not catch up by being told more.
            let _full = wanted.try_send(Wanted { start, len });
        }
    }
}

fn start() -> Option<(Sender<Wanted>, JoinHandle<()>)> {
    let (send, receive) = bounded::<Wanted>(2);
    let run = move || {
        for Wanted { start, len } in receive {
            populate(start, len);
        }
    };
    let thread = thread::Builder::new().name("pages".to_owned());
    Some((send, thread.spawn(run).ok()?))
}

/// Has the kernel give whole pages between these addresses.
fn populate(start: usize, len: usize) {
    const PAGE: usize = 4096;
    let first = start.next_multiple_of(PAGE);
    let end = (start + len) & !(PAGE - 1);
    if let Some(len) = end.checked_sub(first).filter(|len| *len > 0) {
        // SAFETY: the advice does not change what is in memory, and the kernel refuses it for pages that are not
        // mapped, or not known to it (before 5.14). What the call answers makes no difference.
        unsafe { libc::madvise(first as *mut libc::c_void, len, libc::MADV_POPULATE_WRITE) };
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some((wanted, thread)) = self.thread.take() {
            drop(wanted);
            // It has nothing in it that panics.
            let _ended = thread.join();
        }
    }
}
