//! Where the bytes of a capture file go: a new file, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use super::{Existing, SinkError};

/// A place that bytes are appended to.
pub(super) trait Output: Write + Send {
    /// Cuts what was written back to `len` bytes, so that it ends with a whole block.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

/// A file that can be cut.
struct Regular(File);

/// A pipe, a terminal or a device: what was written is gone.
struct Flowing(File);

/// The end of a pipe, at whose other end is another thread of this process.
pub(super) fn pipe(pipe: PipeWriter) -> Box<dyn Output> {
    Box::new(Flowing(OwnedFd::from(pipe).into()))
}

/// Opens `path` for writing; `-` is standard output. What is not a regular file, such as
/// `/dev/null` or a named pipe, is opened as it is.
pub(super) fn create(path: &Path, existing: Existing) -> Result<Box<dyn Output>, SinkError> {
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
        Ok(file) => Ok(Box::new(Regular(file))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SinkError::Exists {
            path: path.to_owned(),
        }),
        Err(error) => Err(fail(error)),
    }
}

impl Write for Regular {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Output for Regular {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

impl Write for Flowing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Output for Flowing {
    fn cut(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
