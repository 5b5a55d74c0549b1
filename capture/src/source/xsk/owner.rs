//! Who has an `AF_XDP` socket. The kernel tells which queue a socket has only where it was built with
//! `CONFIG_XDP_SOCKETS_DIAG`, so this looks for processes that have a fill ring mapped, which nothing
//! else looks like.

use std::fs;

/// Another process with an `AF_XDP` socket, as `process 123 (name)`; of several, all.
pub(super) fn others() -> Option<String> {
    let own = std::process::id();
    let mut found: Vec<(u32, String)> = fs::read_dir("/proc")
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|process| {
            let pid: u32 = process.file_name().to_str()?.parse().ok()?;
            let maps = fs::read_to_string(process.path().join("maps")).ok()?;
            if pid == own || !maps.lines().any(is_fill_ring) {
                return None;
            }
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            Some((pid, format!("process {pid} ({})", command.trim())))
        })
        .collect();
    found.sort_unstable();
    let names: Vec<_> = found.into_iter().map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join(" or "))
}

/// Whether a line of `/proc/PID/maps` (`proc_pid_maps(5)`) is a fill ring: a socket, mapped at
/// `XDP_UMEM_PGOFF_FILL_RING`.
fn is_fill_ring(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (Some(offset), Some(path)) = (words.nth(2), words.nth(2)) else {
        return false;
    };
    path.starts_with("socket:[")
        && u64::from_str_radix(offset, 16) == Ok(libc::XDP_UMEM_PGOFF_FILL_RING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_ring_is_told_from_other_mappings() {
        let line = |offset, path| {
            format!(
                "7f6c3a600000-7f6c3a641000 rw-s {offset} 00:09 30721                      {path}"
            )
        };
        assert!(is_fill_ring(&line("100000000", "socket:[30721]")));
        // A receive ring, the ring of a packet socket, a file.
        assert!(!is_fill_ring(&line("00000000", "socket:[30721]")));
        assert!(!is_fill_ring(&line("100000000", "/var/lib/big")));
        assert!(!is_fill_ring(
            "7f6c3a600000-7f6c3a641000 rw-p 00000000 00:00 0"
        ));
    }
}
