//! Inputs for what wants a path: a file that lies in memory and has a name all the same.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

/// A file in memory, which this process can open by its path.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    file: File,
    path: PathBuf,
}

impl MemoryFile {
    pub(crate) fn new() -> Self {
        let file = memfd_create("input", MemfdFlags::CLOEXEC).expect("a file in memory");
        let file = File::from(file);
        let path = Path::new("/proc/self/fd").join(file.as_raw_fd().to_string());
        Self { file, path }
    }

    /// Replaces what is in it, and gives its path.
    pub(crate) fn set(&self, bytes: &[u8]) -> &Path {
        self.file.set_len(0).expect("a file can be emptied");
        self.file.write_all_at(bytes, 0).expect("room for it");
        &self.path
    }
}

thread_local! {
    static INPUT: MemoryFile = MemoryFile::new();
}

/// Calls `with` with the path of a file of these bytes.
pub(crate) fn with_file<T>(bytes: &[u8], with: impl FnOnce(&Path) -> T) -> T {
    INPUT.with(|file| with(file.set(bytes)))
}
