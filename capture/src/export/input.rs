//! Files as they lie on the disk, unpacked; and standard input, put aside to be read twice.

use std::env;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use rustix::fs::{Mode, OFlags, open as open_at};

use super::ExportError;
use crate::source::file::FileError;

const BUFFER_LEN: usize = 1 << 20;
/// First bytes of a pcapng file, in either byte order.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// What a file is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Pcapng,
    /// With its header.
    Pcap([u8; 24]),
}

/// Opens a file that was read before, gzipped or not.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(BUFFER_LEN, File::open(path)?);
    let first = io::BufRead::fill_buf(&mut file)?;
    if first.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(
            BUFFER_LEN,
            MultiGzDecoder::new(file),
        )));
    }
    Ok(Box::new(file))
}

/// What a file is that was read before.
pub(super) fn kind(path: &Path) -> io::Result<Kind> {
    let mut file = open(path)?;
    let mut header = [0; 24];
    file.read_exact(&mut header)?;
    if header.starts_with(&PCAPNG) {
        return Ok(Kind::Pcapng);
    }
    Ok(Kind::Pcap(header))
}

/// A file without a name, and the path by which this process can open it again.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Puts standard input aside, if it is among the files, and names what it was put into instead.
pub(super) fn spool(files: &mut [PathBuf]) -> Result<Option<File>, ExportError> {
    let Some(path) = files.iter_mut().find(|path| path.as_os_str() == "-") else {
        return Ok(None);
    };
    let folder = env::temp_dir();
    let spooled = put_aside(&folder).map_err(|source| ExportError::Spool { folder, source })?;
    *path = Path::new(DESCRIPTORS).join(spooled.as_raw_fd().to_string());
    Ok(Some(spooled))
}

fn put_aside(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut spooled = File::from(open_at(folder, flags, Mode::RUSR | Mode::WUSR)?);
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    io::copy(&mut stdin, &mut spooled)?;
    Ok(spooled)
}

/// What went wrong with what standard input was put into went wrong with standard input.
pub(super) fn named_as_typed(mut error: FileError) -> FileError {
    if error.path.starts_with(DESCRIPTORS) {
        error.path = PathBuf::from("-");
    }
    error
}
