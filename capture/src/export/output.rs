//! The new file: complete or not there at all, gzipped if its name says so.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::ExportError;
use crate::sink::partial::{self, Durability, Unfinished};
use crate::sink::{Existing, SinkError};

const BUFFER_LEN: usize = 1 << 20;

/// Formats of the new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcap: `.pcap`, `.cap`, `.dmp`.
    Pcap,
    /// pcapng: all others.
    Pcapng,
}

impl Format {
    /// By the ending of a name; `.gz` behind it makes no difference.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let stem;
        let path = if is_gzip(path) {
            stem = path.with_extension("");
            &stem
        } else {
            path
        };
        let ending = path.extension().and_then(OsStr::to_str);
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("pcap" | "cap" | "dmp") => Self::Pcap,
            _ => Self::Pcapng,
        }
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
}

/// The new file. Unless it is completed, nothing is left of it.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    writer: Option<Writer>,
    unfinished: Option<PathBuf>,
}

#[derive(Debug)]
enum Writer {
    Plain(BufWriter<Bytes>),
    Gzip(GzEncoder<BufWriter<Bytes>>),
}

/// A file of [`partial`] as the standard library writes.
#[derive(Debug)]
struct Bytes(partial::Output);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    /// Begins a file; `-` is standard output.
    pub(crate) fn create(path: &Path, existing: Existing) -> Result<Self, SinkError> {
        let file = partial::Output::create(path, existing, Unfinished::Visible)?;
        let unfinished = file.unfinished().map(Path::to_owned);
        let plain = BufWriter::with_capacity(BUFFER_LEN, Bytes(file));
        let writer = if is_gzip(path) {
            Writer::Gzip(GzEncoder::new(plain, Compression::default()))
        } else {
            Writer::Plain(plain)
        };
        Ok(Self {
            path: path.to_owned(),
            writer: Some(writer),
            unfinished,
        })
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        let outcome = match &mut self.writer {
            Some(Writer::Plain(writer)) => writer.write_all(bytes),
            Some(Writer::Gzip(writer)) => writer.write_all(bytes),
            None => Ok(()),
        };
        outcome.map_err(|source| self.failed(source))
    }

    /// Gives the file its name.
    pub(crate) fn complete(mut self) -> Result<(), ExportError> {
        let outcome = self.finish();
        if outcome.is_ok() {
            self.unfinished = None;
        }
        outcome.map_err(|source| self.failed(source))
    }

    fn finish(&mut self) -> io::Result<()> {
        let plain = match self.writer.take() {
            Some(Writer::Plain(writer)) => writer,
            Some(Writer::Gzip(writer)) => writer.finish()?,
            None => return Ok(()),
        };
        let Bytes(file) = plain.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.complete(Durability::Relaxed)
    }

    fn failed(&self, source: io::Error) -> ExportError {
        ExportError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(unfinished) = self.unfinished.take() {
            // What is buffered is not to be written to what is removed.
            drop(fs::remove_file(unfinished));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_go_by_the_ending() {
        for (name, format) in [
            ("a.pcap", Format::Pcap),
            ("a.CAP", Format::Pcap),
            ("a.pcap.gz", Format::Pcap),
            ("a.pcapng", Format::Pcapng),
            ("a.pcapng.gz", Format::Pcapng),
            ("a", Format::Pcapng),
            ("-", Format::Pcapng),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn what_is_not_completed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcapng");
        let mut output = Output::create(&path, Existing::Refuse).unwrap();
        output.write(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
