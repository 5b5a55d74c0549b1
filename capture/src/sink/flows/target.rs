//! Where records go: one file, a directory with a file for each hour, or a collector.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use super::encoder::{Draft, Encoder, Lines, Names, Piece};
use super::ipfix::{Collector, Exported, Exporter, Now};
use super::{FlowFileOptions, FlowFormat, Layout};
use crate::flow::FlowRecord;
use crate::packet::Timestamp;
use crate::sink::partial::{Durability, Output, Unfinished};
use crate::sink::{Existing, Overflow, SinkError};

/// Where the records of a run go.
pub(super) enum Target {
    Collector(Exporter),
    File(OpenFile),
    Hours(Hours),
}

impl Target {
    /// # Errors
    ///
    /// When the file or the directory cannot be made, or the collector not be reached.
    pub(super) fn create(options: &FlowFileOptions) -> Result<Self, SinkError> {
        if let Some(collector) = Collector::of(&options.path) {
            return Ok(Self::Collector(Exporter::new(&collector?)?));
        }
        match options.layout {
            Layout::File => {
                let file = OpenFile::create(
                    &options.path,
                    options.existing,
                    Unfinished::Visible,
                    options,
                )?;
                Ok(Self::File(file))
            }
            Layout::Hours => Hours::create(options).map(Self::Hours),
        }
    }

    /// Writes a batch, which is not empty, and says what is known to have become of this one and those
    /// before it.
    pub(super) fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
    ) -> io::Result<Exported> {
        match self {
            Self::Collector(exporter) => {
                return Ok(exporter.export(batch, |record| names.of(record.iface), Now::read()));
            }
            Self::File(file) => file.records(batch, names),
            Self::Hours(hours) => hours.records(batch, names),
        }?;
        Ok(Exported {
            sent: batch.len() as u64,
            lost: 0,
        })
    }

    /// Writes records that a shard has encoded, and empties the piece.
    pub(super) fn piece(&mut self, piece: &mut Piece) -> io::Result<Exported> {
        let sent = piece.records;
        match self {
            Self::File(file) => file.piece(piece)?,
            Self::Collector(_) | Self::Hours(_) => {
                return Err(io::Error::other("shards encode for one file only"));
            }
        }
        Ok(Exported { sent, lost: 0 })
    }

    /// Ends all files and gives them their names.
    pub(super) fn finish(&mut self, names: Names<'_>, skipped: u64) -> io::Result<Exported> {
        match self {
            Self::Collector(exporter) => return Ok(exporter.finish(Now::read())),
            Self::File(file) => file.finish(names, skipped),
            Self::Hours(hours) => hours.finish(names),
        }?;
        Ok(Exported::default())
    }

    /// Why records were lost although writing went on, if so.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        match self {
            Self::Collector(exporter) => exporter.take_error(),
            Self::File(_) | Self::Hours(_) => None,
        }
    }

    /// Of the records that were written, how many cannot be read should it end here.
    pub(super) fn unreadable(&self) -> u64 {
        match self {
            Self::Collector(_) => 0,
            Self::File(file) => file.unreadable(),
            Self::Hours(hours) => hours.open.iter().map(|part| part.file.unreadable()).sum(),
        }
    }

    /// Where what was written of an incomplete file is; `None` for streams and directories.
    pub(super) fn unfinished(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.output.unfinished(),
            Self::Collector(_) | Self::Hours(_) => None,
        }
    }
}

/// A file that is being written.
pub(super) struct OpenFile {
    output: Output,
    encoder: Box<dyn Encoder>,
    bytes: Vec<u8>,
    records: u64,
    durability: Durability,
    is_begun: bool,
}

impl OpenFile {
    fn create(
        path: &Path,
        existing: Existing,
        unfinished: Unfinished,
        options: &FlowFileOptions,
    ) -> Result<Self, SinkError> {
        let encoder = options
            .format
            .encoder(options)
            .map_err(|source| SinkError::Create {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            output: Output::create(path, existing, unfinished)?,
            encoder,
            bytes: Vec::with_capacity(1 << 17),
            records: 0,
            durability: match options.overflow {
                Overflow::Block => Durability::Relaxed,
                // Nobody can read live traffic again.
                Overflow::Drop => Durability::Synced,
            },
            is_begun: false,
        })
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.is_begun {
            self.is_begun = true;
            self.encoder.begin(&mut self.bytes)?;
        }
        Ok(())
    }

    fn records(&mut self, batch: &[FlowRecord], names: Names<'_>) -> io::Result<()> {
        self.begin()?;
        self.encoder.records(batch, names, &mut self.bytes)?;
        // A batch at a time: whoever reads along sees whole lines, and soon.
        self.write()?;
        self.records += batch.len() as u64;
        Ok(())
    }

    fn piece(&mut self, piece: &mut Piece) -> io::Result<()> {
        let records = piece.records;
        self.begin()?;
        self.encoder.append(piece, &mut self.bytes)?;
        self.write()?;
        self.records += records;
        Ok(())
    }

    fn finish(&mut self, names: Names<'_>, skipped: u64) -> io::Result<()> {
        self.begin()?;
        self.encoder.finish(names, skipped, &mut self.bytes)?;
        self.write()?;
        self.output.complete(self.durability)?;
        self.records = 0;
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let written = self.output.write(&self.bytes);
        self.bytes.clear();
        written
    }

    fn unreadable(&self) -> u64 {
        if self.encoder.is_readable_unfinished() {
            0
        } else {
            self.records
        }
    }
}

/// Files by the hour in which records start, as Hive and every engine after it lays them out:
/// `date=2026-11-21/hour=04/flows-….parquet`.
///
/// A record comes when its connection ends, so hours overlap: a few files are open at once, and when an
/// hour is over, its file gets its name. What comes later makes another file in the same directory.
pub(super) struct Hours {
    options: FlowFileOptions,
    /// Tells the files of this run from those of all others.
    run: u32,
    made: u32,
    open: Vec<Part>,
    /// The time of the latest packet of all records.
    latest: Timestamp,
}

struct Part {
    hour: u64,
    file: OpenFile,
    /// When its hour is over; for a file that was made after that, when it has been open for a while,
    /// so that what comes late does not make a file for each batch.
    until: u64,
    /// When it was last written, counted in batches.
    used: u64,
}

const NS_PER_HOUR: u64 = 3_600_000_000_000;

impl Hours {
    /// Files that are open at once; each holds a row group in memory.
    const MOST_OPEN: usize = 4;
    /// An hour is over when this much of the next has passed, ns: connections that ended in it have
    /// fallen silent for good by then.
    const LINGER: u64 = NS_PER_HOUR / 2;

    fn create(options: &FlowFileOptions) -> Result<Self, SinkError> {
        fs::create_dir_all(&options.path).map_err(|source| SinkError::Create {
            path: options.path.clone(),
            source,
        })?;
        Ok(Self {
            options: options.clone(),
            run: RandomState::new().hash_one(0_u8) as u32,
            made: 0,
            open: Vec::new(),
            latest: Timestamp::default(),
        })
    }

    fn records(&mut self, batch: &[FlowRecord], names: Names<'_>) -> io::Result<()> {
        for same in batch.chunk_by(|a, b| hour_of(a) == hour_of(b)) {
            if let Some(first) = same.first() {
                self.part(hour_of(first), names)?.records(same, names)?;
            }
        }
        let latest = batch.iter().map(|record| record.last_ts).max();
        self.latest = self.latest.max(latest.unwrap_or_default());
        while let Some(place) = self
            .open
            .iter()
            .position(|part| part.until <= self.latest.0)
        {
            self.end(place, names)?;
        }
        Ok(())
    }

    /// The open file of an hour.
    fn part(&mut self, hour: u64, names: Names<'_>) -> io::Result<&mut OpenFile> {
        let used = self
            .open
            .iter()
            .map(|part| part.used)
            .max()
            .unwrap_or_default()
            + 1;
        let known = self.open.iter().position(|part| part.hour == hour);
        let place = if let Some(place) = known {
            place
        } else {
            if self.open.len() >= Self::MOST_OPEN {
                let oldest = self
                    .open
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, part)| part.used);
                if let Some((place, _)) = oldest {
                    self.end(place, names)?;
                }
            }
            let file = self.new_file(hour)?;
            let until = ((hour + 1) * NS_PER_HOUR).max(self.latest.0) + Self::LINGER;
            self.open.push(Part {
                hour,
                file,
                until,
                used,
            });
            self.open.len() - 1
        };
        let part = &mut self.open[place];
        part.used = used;
        Ok(&mut part.file)
    }

    fn new_file(&mut self, hour: u64) -> io::Result<OpenFile> {
        let directory = self.options.path.join(directory_of(hour));
        fs::create_dir_all(&directory)?;
        let name = format!(
            "flows-{:08x}-{}.{}",
            self.run,
            self.made,
            self.options.format.ending()
        );
        self.made += 1;
        let path = directory.join(name);
        OpenFile::create(&path, Existing::Refuse, Unfinished::Hidden, &self.options)
            .map_err(io::Error::other)
    }

    fn end(&mut self, place: usize, names: Names<'_>) -> io::Result<()> {
        // It stays where it can be counted if it cannot be ended.
        self.open[place].file.finish(names, 0)?;
        self.open.swap_remove(place);
        Ok(())
    }

    fn finish(&mut self, names: Names<'_>) -> io::Result<()> {
        while !self.open.is_empty() {
            self.end(self.open.len() - 1, names)?;
        }
        Ok(())
    }
}

const fn hour_of(record: &FlowRecord) -> u64 {
    record.first_ts.0 / NS_PER_HOUR
}

fn directory_of(hour: u64) -> PathBuf {
    let (year, month, day) = Timestamp::new(hour * 3600, 0).date();
    PathBuf::from(format!(
        "date={year:04}-{month:02}-{day:02}/hour={:02}",
        hour % 24
    ))
}

impl FlowFormat {
    /// The encoder of one file.
    fn encoder(self, options: &FlowFileOptions) -> io::Result<Box<dyn Encoder>> {
        Ok(match self {
            Self::Csv => Box::new(super::csv::Csv),
            Self::Ipfix => Box::new(super::ipfix::IpfixFile::new()),
            Self::JsonLines => Box::new(super::jsonl::JsonLines),
            Self::Parquet => Box::new(super::parquet::Parquet::new()?),
            Self::Table => Box::new(super::table::Table::new(options.width)),
            Self::Zeek => Box::new(super::zeek::ConnLog),
            Self::ZeekJson => Box::new(super::zeek::ConnJson),
        })
    }
}

impl FlowFileOptions {
    /// What encodes the records of one of so many shards; `None` if the thread that writes does that.
    ///
    /// Shards encode where that makes the whole faster and nothing is in the way: records are wanted as
    /// they come and in one file, and a shard may take its time, as there is no ring that fills up
    /// meanwhile. A single shard has that thread beside it anyway. The records of a shard keep their
    /// order, and those of several lie in each other's way as they happen to come.
    pub(super) fn draft(&self, shards: usize) -> io::Result<Option<Box<dyn Draft>>> {
        if shards == 1
            || self.layout != Layout::File
            || self.order.is_some()
            || self.overflow != Overflow::Block
            || Collector::of(&self.path).is_some()
        {
            return Ok(None);
        }
        Ok(Some(match self.format {
            FlowFormat::Csv => Box::new(Lines(super::csv::Csv)),
            FlowFormat::JsonLines => Box::new(Lines(super::jsonl::JsonLines)),
            FlowFormat::Parquet => Box::new(super::parquet::RowGroups::new(shards)?),
            FlowFormat::Zeek => Box::new(Lines(super::zeek::ConnLog)),
            FlowFormat::ZeekJson => Box::new(Lines(super::zeek::ConnJson)),
            // Messages have a number, and a table is as wide as its rows.
            FlowFormat::Ipfix | FlowFormat::Table => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_have_the_names_that_hive_gives_them() {
        // `date -u -d @1700000000` is 2023-11-14T22:13:20Z.
        assert_eq!(
            directory_of(1_700_000_000 / 3600),
            Path::new("date=2023-11-14/hour=22")
        );
        assert_eq!(directory_of(0), Path::new("date=1970-01-01/hour=00"));
    }
}
