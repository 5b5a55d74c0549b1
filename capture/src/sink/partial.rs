//! Files that have their name only once they are complete: until then they lie beside it under another
//! one, where a crash leaves what there was, and nobody takes it for the whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Existing, SinkError};

/// What a file is called until it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// `NAME.partial`, where people look.
    Visible,
    /// `.NAME.partial`, which engines that read whole directories pass over.
    Hidden,
}

/// Whether a complete file must outlast a crash of the machine, not only of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The system writes it when it pleases.
    Relaxed,
    /// It is on the disk before it gets its name.
    Synced,
}

/// A file, or a stream, that bytes are appended to.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Standard output, a pipe or a device: it has the name that it has.
    Stream,
    /// A file that is under another name.
    File {
        unfinished: PathBuf,
        path: PathBuf,
        existing: Existing,
    },
}

impl Output {
    /// Opens a file or a stream; `-` is standard output. What is not a regular file, such as
    /// `/dev/null` or a named pipe, is opened as it is.
    ///
    /// # Errors
    ///
    /// When there is a file of this name, or one that was left unfinished, and it may not be replaced;
    /// when another process is writing it; when it cannot be made.
    pub(crate) fn create(
        path: &Path,
        existing: Existing,
        unfinished: Unfinished,
    ) -> Result<Self, SinkError> {
        let fail = |source| SinkError::Create {
            path: path.to_owned(),
            source,
        };
        if path.as_os_str() == "-" {
            let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(fail)?;
            return Ok(Self::stream(stdout.into()));
        }
        // A link stays a link: what it points at is replaced.
        let path = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(fail(io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(path).map_err(fail)?;
                return Ok(Self::stream(file));
            }
            Ok(_) if existing == Existing::Refuse => {
                return Err(SinkError::Exists {
                    path: path.to_owned(),
                });
            }
            Ok(_) => fs::canonicalize(path).map_err(fail)?,
            Err(_) => path.to_owned(),
        };
        let unfinished = unfinished_name(&path, unfinished)
            .ok_or_else(|| fail(io::ErrorKind::InvalidFilename.into()))?;
        let file = open(&unfinished, existing)?;
        Ok(Self {
            file,
            place: Place::File {
                unfinished,
                path,
                existing,
            },
        })
    }

    const fn stream(file: File) -> Self {
        Self {
            file,
            place: Place::Stream,
        }
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Where the bytes are at the moment; `None` for streams.
    pub(crate) fn unfinished(&self) -> Option<&Path> {
        match &self.place {
            Place::Stream => None,
            Place::File { unfinished, .. } => Some(unfinished),
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// When there is a file of that name by now and it may not be replaced, or the directory is gone.
    /// The file keeps the name that it had.
    pub(crate) fn complete(&self, durability: Durability) -> io::Result<()> {
        let Place::File {
            unfinished,
            path,
            existing,
        } = &self.place
        else {
            return Ok(());
        };
        if durability == Durability::Synced {
            self.file.sync_data()?;
        }
        match existing {
            Existing::Overwrite => fs::rename(unfinished, path),
            Existing::Refuse => rename_to_new(unfinished, path),
        }
    }
}

/// `None` for paths that name no file.
fn unfinished_name(path: &Path, unfinished: Unfinished) -> Option<PathBuf> {
    let mut name = OsString::new();
    if unfinished == Unfinished::Hidden {
        name.push(".");
    }
    name.push(path.file_name()?);
    name.push(".partial");
    Some(path.with_file_name(name))
}

fn open(path: &Path, existing: Existing) -> Result<File, SinkError> {
    let fail = |source| SinkError::Create {
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true);
    match existing {
        Existing::Refuse => options.create_new(true),
        // Nothing is thrown away before it is known that nobody else is writing it.
        Existing::Overwrite => options.create(true).truncate(false),
    };
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(SinkError::Unfinished {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(fail(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(SinkError::InUse {
                path: path.to_owned(),
            });
        }
        // A file system that has no locks: then there is nothing to know.
        Err(fs::TryLockError::Error(_)) => {}
    }
    file.set_len(0).map_err(fail)?;
    Ok(file)
}

/// Renames without ever replacing a file, not even one that was made a moment ago.
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // A file system that cannot: a second name is refused where there is one already.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &Path, existing: Existing) -> Result<Output, SinkError> {
        Output::create(path, existing, Unfinished::Visible)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_gets_its_name_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut output = create(&path, Existing::Refuse).unwrap();
        output.write(b"one\n").unwrap();
        assert_eq!(names(folder.path()), ["a.csv.partial"]);
        output.complete(Durability::Synced).unwrap();
        assert_eq!(names(folder.path()), ["a.csv"]);
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
    }

    #[test]
    fn files_in_directories_of_engines_are_hidden_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let output = Output::create(&path, Existing::Refuse, Unfinished::Hidden).unwrap();
        assert_eq!(names(folder.path()), [".a.parquet.partial"]);
        output.complete(Durability::Relaxed).unwrap();
        assert_eq!(names(folder.path()), ["a.parquet"]);
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut output = create(&path, Existing::Refuse).unwrap();
        output.write(b"mine").unwrap();
        fs::write(&path, b"theirs").unwrap();
        let error = output.complete(Durability::Relaxed).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(fs::read(output.unfinished().unwrap()).unwrap(), b"mine");
    }

    #[test]
    fn what_was_left_unfinished_is_replaced_only_if_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(folder.path().join("a.csv.partial"), b"from a crash").unwrap();
        assert!(matches!(
            create(&path, Existing::Refuse),
            Err(SinkError::Unfinished { .. })
        ));
        let mut output = create(&path, Existing::Overwrite).unwrap();
        output.write(b"new").unwrap();
        output.complete(Durability::Relaxed).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn what_another_is_writing_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut first = create(&path, Existing::Overwrite).unwrap();
        first.write(b"first").unwrap();
        assert!(matches!(
            create(&path, Existing::Overwrite),
            Err(SinkError::InUse { .. })
        ));
        first.complete(Durability::Relaxed).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("real.csv"), folder.path().join("a.csv"));
        fs::write(&target, b"old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut output = create(&link, Existing::Overwrite).unwrap();
        output.write(b"new").unwrap();
        output.complete(Durability::Relaxed).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn devices_are_written_as_they_are() {
        let mut output = create(Path::new("/dev/null"), Existing::Refuse).unwrap();
        output.write(b"gone").unwrap();
        output.complete(Durability::Relaxed).unwrap();
        assert_eq!(output.unfinished(), None);
    }
}
