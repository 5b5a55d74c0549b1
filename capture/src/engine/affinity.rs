//! Which CPU a thread runs on.

#![expect(unsafe_code, reason = "sched_setaffinity(2)")]

use std::io;

/// Keeps the calling thread on one CPU.
///
/// # Errors
///
/// When there is no such CPU, or this process may not use it.
pub fn pin(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: a set of CPUs is an array of integers, for which zero is a valid value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `cpu` is within the set by the check above.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set is valid for the length given; 0 names the calling thread.
    let result =
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
