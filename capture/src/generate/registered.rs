//! Makes a program one that the kernel calls directly.
//!
//! The kernel keeps a list of the XDP programs that it calls directly (`bpf_prog_change_xdp`), and a
//! test run of one that is not on it waits some twenty milliseconds until all CPUs know the new list.
//! Being attached anywhere is being on it, so the generator is attached where nothing ever arrives: to
//! the loopback interface of a network namespace that nobody else is in. Nothing of this machine's own
//! interfaces is occupied.

#![expect(unsafe_code, reason = "unshare(2) has no wrapper")]

use std::fs::File;
use std::io;
use std::thread;

use aya::programs::Xdp;
use aya::programs::xdp::{XdpLink, XdpMode};
use capture_common::generator::LOOPBACK_IFINDEX;

use super::GenerateError;

/// A program is registered; dropping it ends that.
#[derive(Debug)]
pub(super) struct Registered {
    // The link goes before the namespace that it is in.
    _link: XdpLink,
    _namespace: File,
}

impl Registered {
    /// Registers a program that is loaded.
    pub(super) fn new(program: &mut Xdp) -> Result<Self, GenerateError> {
        thread::scope(|scope| {
            let thread = thread::Builder::new()
                .name("registered".to_owned())
                .spawn_scoped(scope, || Self::in_own_namespace(program))
                .map_err(|source| GenerateError::Thread {
                    what: "start a thread".to_owned(),
                    source,
                })?;
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn in_own_namespace(program: &mut Xdp) -> Result<Self, GenerateError> {
        let failed = |error: &io::Error| {
            GenerateError::kernel("make a network namespace for the generator", error)
        };
        // SAFETY: changes nothing but the namespace of this thread, which ends soon.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return Err(failed(&io::Error::last_os_error()));
        }
        let namespace = File::open("/proc/thread-self/ns/net").map_err(|error| failed(&error))?;
        let attaching = |error| GenerateError::kernel("attach the generator", &error);
        let link = program
            .attach_to_if_index(LOOPBACK_IFINDEX, XdpMode::Skb)
            .map_err(attaching)?;
        let link = program.take_link(link).map_err(attaching)?;
        Ok(Self {
            _link: link,
            _namespace: namespace,
        })
    }
}
