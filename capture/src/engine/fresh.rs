//! What a start has made; one that fails takes it away again, so that a refusal leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sink::{Existing, SinkError};

/// Files and a folder that this start has made.
#[derive(Debug, Default)]
pub(super) struct FreshFiles {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl FreshFiles {
    /// Makes a folder, with those that it lies in, unless it is there.
    pub(super) fn make_folder(&mut self, folder: &Path) -> Result<(), SinkError> {
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(|source| SinkError::Create {
            path: folder.to_owned(),
            source,
        })?;
        self.folder = Some(folder.to_owned());
        Ok(())
    }

    /// A file that was opened just now. What may have been there before is not ours to remove.
    pub(super) fn add(&mut self, path: Option<&Path>, existing: Existing) {
        if existing == Existing::Refuse
            && let Some(path) = path.filter(|path| path.as_os_str() != "-")
        {
            self.files.push(path.to_owned());
        }
    }

    /// The start has succeeded.
    pub(super) fn keep(mut self) {
        self.files.clear();
        self.folder = None;
    }
}

impl Drop for FreshFiles {
    fn drop(&mut self) {
        for path in &self.files {
            // The error that is on its way says more than one from here could.
            drop(fs::remove_file(path));
        }
        if let Some(folder) = &self.folder {
            // One in which others have put something meanwhile stays.
            drop(fs::remove_dir(folder));
        }
    }
}
