//! Mapped files that somebody cuts short, or whose disk fails, while they are read.
//!
//! Where a page of a mapped file is gone, reading it is a SIGBUS (mmap(2)), which ends a process. Here, zeros
//! are put in the place of what is gone, and it is remembered: whoever reads goes on to the next place where
//! it asks, and tells what happened as an error. Only mappings that are watched are treated so; for any other
//! address the signal means what it meant before.

#![expect(unsafe_code, reason = "a signal handler, and memory that it replaces")]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Mappings that can be watched at a time.
const PLACES: usize = 64;

static WATCHED: [Place; PLACES] = [const { Place::free() }; PLACES];
/// What SIGBUS meant before, and the size of a page.
static BEFORE: OnceLock<Option<(libc::sigaction, usize)>> = OnceLock::new();

/// A mapping that is watched.
struct Place {
    is_taken: AtomicBool,
    /// Addresses; both 0 while there is no mapping.
    start: AtomicUsize,
    end: AtomicUsize,
    is_torn: AtomicBool,
}

impl Place {
    const fn free() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            is_torn: AtomicBool::new(false),
        }
    }
}

/// Watches one mapping as long as it lives, which must not be longer than the mapping does.
#[derive(Debug)]
pub(super) struct Watch(usize);

impl Watch {
    /// Watches the mapping of `len` bytes at `start`. `None` if too many are watched, or no signal can be
    /// handled: then nobody should read from it.
    pub(super) fn over(start: *const u8, len: usize) -> Option<Self> {
        BEFORE.get_or_init(install).as_ref()?;
        let free = |place: &Place| !place.is_taken.swap(true, Ordering::Acquire);
        let number = WATCHED.iter().position(free)?;
        let place = &WATCHED[number];
        place.is_torn.store(false, Ordering::Relaxed);
        place.start.store(start.addr(), Ordering::Relaxed);
        place.end.store(start.addr() + len, Ordering::Release);
        Some(Self(number))
    }

    /// Whether something of it was gone when it was read.
    #[inline]
    pub(super) fn is_torn(&self) -> bool {
        WATCHED[self.0].is_torn.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let place = &WATCHED[self.0];
        place.end.store(0, Ordering::Relaxed);
        place.start.store(0, Ordering::Relaxed);
        place.is_taken.store(false, Ordering::Release);
    }
}

/// Handles SIGBUS from now on.
fn install() -> Option<(libc::sigaction, usize)> {
    // SAFETY: sysconf(3) has no preconditions.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asking changes nothing, and there is room for the answer.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), before.as_mut_ptr()) } != 0 {
        return None;
    }
    let mut own = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all of it may be zeros: no flags, no signal blocked meanwhile.
    let action = unsafe { own.assume_init_mut() };
    action.sa_sigaction = on_bus_error as *const () as usize;
    // On the stack for signals, where a thread has one, as the handler before that watches the others.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler calls nothing but what a handler may.
    if unsafe { libc::sigaction(libc::SIGBUS, action, ptr::null_mut()) } != 0 {
        return None;
    }
    // SAFETY: the first call has written it.
    Some((unsafe { before.assume_init() }, page))
}

/// Puts zeros where a watched mapping has lost its pages.
extern "C" fn on_bus_error(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let Some(Some((before, page))) = BEFORE.get() else {
        // SAFETY: abort(3) may be called anywhere.
        unsafe { libc::abort() }
    };
    // SAFETY: the kernel gives it to a handler that asked for it.
    let info = unsafe { &*info };
    // SAFETY: every SIGBUS has an address.
    let address = unsafe { info.si_addr() }.addr();
    for place in &WATCHED {
        let end = place.end.load(Ordering::Acquire);
        if !(place.start.load(Ordering::Relaxed)..end).contains(&address) {
            continue;
        }
        place.is_torn.store(true, Ordering::Relaxed);
        let first = address - address % page;
        let kept = io::Error::last_os_error().raw_os_error();
        let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let len = end - first;
        let first = ptr::without_provenance_mut(first);
        // SAFETY: from this page to the end of a mapping that nobody has let go, for they read from it.
        let zeros = unsafe { libc::mmap(first, len, libc::PROT_READ, flags, -1, 0) };
        // SAFETY: it has no preconditions.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the place of this thread's error number, which was another before.
        unsafe { errno.write(kept.unwrap_or_default()) };
        if zeros != libc::MAP_FAILED {
            return;
        }
    }
    // Not ours: it comes again as soon as this returns, and is what it was.
    // SAFETY: this is what was there before.
    unsafe { libc::sigaction(signal, before, ptr::null_mut()) };
}
