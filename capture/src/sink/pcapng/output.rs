//! Where the bytes of a capture file go: a new file, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, PipeWriter, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use super::appended::{Appended, Queue};
use super::{Existing, Overflow, SinkError};

/// A place that bytes are appended to.
pub(super) trait Output: Send {
    /// Appends bytes from the start of `bytes`, and gives how many, which may be fewer than all.
    ///
    /// # Errors
    ///
    /// Nothing was appended.
    fn append(&mut self, bytes: &[u8], queue: Queue) -> io::Result<usize>;

    /// Cuts what was written back to `len` bytes, so that it ends with a whole block.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Appends all bytes; gives how many were, and why no more, if they were not all.
    fn append_all(&mut self, bytes: &[u8], queue: Queue) -> (usize, io::Result<()>) {
        let mut done = 0;
        while done < bytes.len() {
            match self.append(&bytes[done..], queue) {
                Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
                Ok(appended_len) => done += appended_len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (done, Err(error)),
            }
        }
        (done, Ok(()))
    }
}

/// A pipe, a terminal or a device: what was written is gone.
struct Flowing(File);

/// The end of a pipe, at whose other end is another thread of this process.
pub(super) fn pipe(pipe: PipeWriter) -> Box<dyn Output> {
    Box::new(Flowing(OwnedFd::from(pipe).into()))
}

/// Opens `path` for writing; `-` is standard output. What is not a regular file, such as
/// `/dev/null` or a named pipe, is opened as it is.
///
/// What is captured live goes past the page cache where that serves. What is written of a file does not wait for
/// time, and is often read next, so the page cache is the right place for it.
pub(super) fn create(
    path: &Path,
    existing: Existing,
    overflow: Overflow,
) -> Result<Box<dyn Output>, SinkError> {
    let fail = |source| SinkError::Create {
        path: path.to_owned(),
        source,
    };
    if path.as_os_str() == "-" {
        let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(fail)?;
        return Ok(Box::new(Flowing(stdout.into())));
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        Ok(metadata) if !metadata.is_file() => {
            let file = OpenOptions::new().write(true).open(path).map_err(fail)?;
            return Ok(Box::new(Flowing(file)));
        }
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true);
    match existing {
        Existing::Overwrite => options.create(true).truncate(true),
        Existing::Refuse => options.create_new(true),
    };
    match options.open(path) {
        Ok(file) => Ok(Box::new(match overflow {
            Overflow::Drop => Appended::direct(file),
            Overflow::Block => Appended::cached(file),
        })),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SinkError::Exists {
            path: path.to_owned(),
        }),
        Err(error) => Err(fail(error)),
    }
}

impl Output for Appended {
    fn append(&mut self, bytes: &[u8], queue: Queue) -> io::Result<usize> {
        Self::append(self, bytes, queue)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        Self::cut(self, len)
    }
}

impl Output for Flowing {
    fn append(&mut self, bytes: &[u8], _: Queue) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
