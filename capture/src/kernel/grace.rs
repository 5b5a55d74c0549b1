//! Waits until the kernel's programs are really gone.

#![expect(unsafe_code, reason = "membarrier(2) has no wrapper")]

/// Waits for an RCU grace period. Programs run under RCU, so one that was detached before is not
/// running any more afterwards.
pub(super) fn wait() {
    /// `MEMBARRIER_CMD_GLOBAL`, which is `synchronize_rcu` (`kernel/sched/membarrier.c`).
    const GLOBAL: libc::c_long = 1;
    // SAFETY: the call takes numbers and has no effect but to wait.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) };
    if result != 0 {
        // Not available (nohz_full CPUs refuse it): a pause that is longer than any program runs.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
