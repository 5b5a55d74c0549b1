//! One capture in several files: when the next one begins, what it is called, and which are kept.
//!
//! Conditions and names are those of dumpcap's `-b`: `NAME_NNNNN_YYYYMMDDHHMMSS.pcapng`, here with the
//! time in UTC. Time is that of packets, so a file begins with a packet and none is empty, and the same
//! packets give the same files.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::output::{self, Output};
use super::{Existing, Overflow, PacketFileOptions, SinkError};
use crate::packet::{Span, Timestamp};

/// When a new file begins, whichever comes first, and how many are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// A packet this long after the first one of the file.
    pub duration: Option<Span>,
    /// A packet beyond the next multiple of this since 1970: 3600 s begins files on the hour.
    pub interval: Option<Span>,
    /// The file would be larger than this, bytes. A packet that is larger by itself has one of its own.
    pub bytes: Option<u64>,
    /// The file has so many packets.
    pub packets: Option<u64>,
    /// Files that are kept: with one more, the oldest of this run is removed.
    pub files: Option<u32>,
    /// Files after which it is enough: no packet is written when the last one is full.
    pub enough: Option<u32>,
    /// What the files are called.
    pub names: Names,
}

/// What the files of a run are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// With a number and the time before the ending.
    #[default]
    Numbered,
    /// As was asked for: there is one.
    Plain,
}

/// The files of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesSummary {
    /// Files that were begun.
    pub begun: u64,
    /// Those of them that were removed to make room.
    pub removed: u64,
    /// The oldest that is there.
    pub first: PathBuf,
    /// The newest.
    pub last: PathBuf,
}

/// The files of a run while they are written.
#[derive(Debug)]
pub(super) struct Series {
    rotation: Rotation,
    path: PathBuf,
    existing: Existing,
    overflow: Overflow,
    /// What each file begins with: the section and the interfaces that are known by then.
    pub(super) header: Vec<u8>,
    begun: u64,
    removed: u64,
    /// The oldest first; only the first and the last one if all are kept.
    kept: VecDeque<PathBuf>,
    /// Of the file at hand.
    bytes: u64,
    packets: u64,
    first: Timestamp,
}

impl Series {
    /// Begins the first file; `now` goes into its name.
    pub(super) fn create(
        options: &PacketFileOptions,
        rotation: Rotation,
        now: Timestamp,
    ) -> Result<(Self, Box<dyn Output>), SinkError> {
        let mut series = Self {
            rotation,
            path: options.path.clone(),
            existing: options.existing,
            overflow: options.overflow,
            header: options.header(),
            begun: 0,
            removed: 0,
            kept: VecDeque::new(),
            bytes: 0,
            packets: 0,
            first: Timestamp::default(),
        };
        let output = series.open(now)?;
        Ok((series, output))
    }

    /// Opens the next file; its header is still to be written.
    fn open(&mut self, ts: Timestamp) -> Result<Box<dyn Output>, SinkError> {
        let path = match self.rotation.names {
            Names::Numbered => file_name(&self.path, self.begun + 1, ts),
            Names::Plain => self.path.clone(),
        };
        let output = output::create(&path, self.existing, self.overflow)?;
        self.begun += 1;
        if self.rotation.files.is_none() && self.kept.len() > 1 {
            self.kept.pop_back();
        }
        self.kept.push_back(path);
        (self.bytes, self.packets) = (self.header.len() as u64, 0);
        Ok(output)
    }

    /// Opens the next file, for a packet of this time, and removes those that are too many.
    pub(super) fn next(&mut self, ts: Timestamp) -> Result<Box<dyn Output>, SinkError> {
        let output = self.open(ts)?;
        if let Some(files) = self.rotation.files {
            while self.kept.len() > files.max(1) as usize
                && let Some(oldest) = self.kept.pop_front()
            {
                match fs::remove_file(&oldest) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        log::warn!("{}: cannot be removed: {error}", oldest.display());
                    }
                    // Whoever has taken it away has made the room.
                    Ok(()) | Err(_) => self.removed += 1,
                }
            }
        }
        Ok(output)
    }

    /// Whether a packet that takes so many bytes belongs into the next file.
    pub(super) fn is_over(&self, block_len: usize, ts: Timestamp) -> bool {
        if self.packets == 0 {
            return false;
        }
        let Rotation {
            duration,
            interval,
            bytes,
            packets,
            files: _,
            enough: _,
            names: _,
        } = self.rotation;
        packets.is_some_and(|packets| self.packets >= packets)
            || bytes.is_some_and(|bytes| self.bytes + block_len as u64 > bytes)
            || duration.is_some_and(|duration| ts.since(self.first) >= duration)
            || interval.is_some_and(|Span(interval)| ts.0 / interval > self.first.0 / interval)
    }

    /// Whether no file comes after the one at hand.
    pub(super) fn is_last(&self) -> bool {
        self.rotation
            .enough
            .is_some_and(|files| self.begun >= u64::from(files))
    }

    /// Counts a packet of the file at hand.
    pub(super) fn count(&mut self, block_len: usize, ts: Timestamp) {
        if self.packets == 0 {
            self.first = ts;
        }
        self.packets += 1;
        self.bytes += block_len as u64;
    }

    /// One more interface is known.
    pub(super) fn add_iface(&mut self, block: &[u8]) {
        self.header.extend_from_slice(block);
        self.bytes += block.len() as u64;
    }

    /// The file at hand.
    pub(super) fn path(&self) -> &Path {
        self.kept.back().unwrap_or(&self.path)
    }

    pub(super) fn summary(self) -> SeriesSummary {
        let last = self.path().to_owned();
        SeriesSummary {
            begun: self.begun,
            removed: self.removed,
            first: self.kept.into_iter().next().unwrap_or(self.path),
            last,
        }
    }
}

/// The name of a file of the series: number and time go before the ending.
fn file_name(path: &Path, number: u64, ts: Timestamp) -> PathBuf {
    let (year, month, day) = ts.date();
    let (hour, minute, second) = ts.time_of_day();
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(
        "_{number:05}_{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}"
    ));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_dumpcap() {
        // date -u -d @1700000000: 2023-11-14 22:13:20.
        let ts = Timestamp::new(1_700_000_000, 0);
        for (path, expected) in [
            ("out/web.pcapng", "out/web_00007_20231114221320.pcapng"),
            ("web", "web_00007_20231114221320"),
        ] {
            assert_eq!(file_name(Path::new(path), 7, ts), Path::new(expected));
        }
    }
}
