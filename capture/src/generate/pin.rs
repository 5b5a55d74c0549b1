//! Pins the calling thread to a CPU for as long as a value lives.

#![expect(unsafe_code, reason = "the scheduler's affinity calls exist only in C")]

use std::io;
use std::mem::{size_of, zeroed};

use super::GenerateError;

/// The calling thread is pinned; dropping it gives the thread back its CPUs.
#[derive(Debug)]
pub(super) struct Pinned {
    before: libc::cpu_set_t,
}

impl Pinned {
    /// Pins the calling thread.
    pub(super) fn to(cpu: usize) -> Result<Self, GenerateError> {
        let failed = |source| GenerateError::Thread {
            what: format!("pin the thread to CPU {cpu}"),
            source,
        };
        if cpu >= libc::CPU_SETSIZE as usize {
            return Err(failed(io::Error::from_raw_os_error(libc::EINVAL)));
        }
        // SAFETY: a set of bits, for which zeros are valid.
        let mut before: libc::cpu_set_t = unsafe { zeroed() };
        // SAFETY: the pointer is valid for the size that is given; 0 is the calling thread.
        let got =
            unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut before) };
        if got != 0 {
            return Err(failed(io::Error::last_os_error()));
        }
        // SAFETY: as above.
        let mut only: libc::cpu_set_t = unsafe { zeroed() };
        // SAFETY: the number was checked against the size of the set.
        unsafe { libc::CPU_SET(cpu, &mut only) };
        set(&only).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Nothing to be done if it fails: the thread stays on one of its CPUs.
        drop(set(&self.before));
    }
}

/// Sets the CPUs that the calling thread may run on.
fn set(cpus: &libc::cpu_set_t) -> io::Result<()> {
    // SAFETY: the pointer is valid for the size that is given; 0 is the calling thread.
    let done = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), cpus) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
