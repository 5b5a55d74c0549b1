//! How fast a directory takes bytes, measured by writing some.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes that are written at most, and for how long.
const MOST: usize = 256 << 20;
const LONGEST: Duration = Duration::from_secs(2);
/// Bytes of one write.
const BLOCK: usize = 1 << 20;

/// What a directory took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskSpeed {
    /// Bytes that were written, and are on the disk.
    pub bytes: u64,
    /// How long it took, in seconds.
    pub secs: f64,
}

impl DiskSpeed {
    /// Bytes a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.secs.max(1e-9)
    }
}

/// A file that goes when this does.
struct Scratch {
    path: PathBuf,
    file: File,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to tell.
        drop(fs::remove_file(&self.path));
    }
}

/// Writes a file into a directory, up to 256 MiB or for two seconds and what the disk then has to
/// catch up with, and removes it.
///
/// # Errors
///
/// It cannot be written there.
pub fn probe(folder: &Path) -> io::Result<DiskSpeed> {
    let path = folder.join(format!(".capture-bench-{}", std::process::id()));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    let mut scratch = Scratch { path, file };
    // Not zeros: some file systems do not write them.
    let block: Vec<u8> = (0..BLOCK as u64)
        .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    let started = Instant::now();
    let mut bytes = 0;
    while bytes < MOST && started.elapsed() < LONGEST {
        scratch.file.write_all(&block)?;
        bytes += block.len();
    }
    scratch.file.sync_data()?;
    Ok(DiskSpeed {
        bytes: bytes as u64,
        secs: started.elapsed().as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let speed = probe(folder.path()).unwrap();
        assert!(speed.bytes >= BLOCK as u64);
        assert!(speed.bytes_per_second() > 0.0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(probe(&folder.path().join("missing")).is_err());
    }
}
