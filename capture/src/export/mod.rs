//! Chosen packets of capture files into a new one, with everything that the files say of them.
//!
//! Files are read twice: once to choose (what a frame is can only be told by those around it), once
//! to copy. Between the two lies a set of frame numbers. What goes from pcapng to pcapng, or from pcap
//! to pcap, is copied byte by byte, so that time stamps, interfaces, options and comments stay as they
//! are.
//!
//! - `frames.rs` frame numbers: as they are typed, and as a set
//! - `choice.rs` which frames; `stages.rs` those of handshakes and closings
//! - `input.rs` files as they lie on the disk, and standard input put aside
//! - `blocks.rs` pcapng blocks as they are; `convert.rs` from one format to the other
//! - `output.rs` the new file

mod blocks;
mod choice;
mod convert;
mod frames;
mod input;
mod output;
mod stages;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use choice::Choice;
pub use frames::{FrameRanges, FrameSet};
pub use output::Format;
pub(crate) use output::Output;
pub use stages::Stages;

use crate::read::pipeline::{ReadError, ReadPlan, ReadSummary, read};
use crate::read::statistics::Statistic;
use crate::sink::{Existing, SinkError};
use crate::source::file::FileError;
use blocks::{Edit, Reach};
use choice::{Chooser, Chosen};
use input::Kind;

/// What is to be exported, and where to.
#[derive(Clone, Debug)]
pub struct ExportPlan {
    /// The files, and how they are dissected; what it prints is printed while frames are chosen.
    pub read: ReadPlan,
    /// Which frames.
    pub choice: Choice,
    /// Where they go; `-` is standard output.
    pub output: PathBuf,
    /// Their format; none: by the ending of the name.
    pub format: Option<Format>,
    /// What to do about a file that is there already.
    pub existing: Existing,
    /// A comment on the file (pcapng).
    pub comment: Option<String>,
    /// A comment on each chosen packet (pcapng).
    pub mark: Option<String>,
}

/// How an export ended.
#[derive(Debug, Default)]
pub struct ExportSummary {
    /// Frames that were read.
    pub frames: u64,
    /// Frames that were written.
    pub chosen: u64,
    /// Streams that were not looked at for handshakes and closings, because there were too many at
    /// once.
    pub forgotten: u64,
    /// Why not everything was read, if so.
    pub error: Option<FileError>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Comments, for a format that has none.
    #[error("pcap files have no room for comments; choose a name that ends in .pcapng")]
    Comments,
    /// The input cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The input cannot be read again, for copying.
    #[error("{}: cannot be read again: {source}", path.display())]
    Again {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Packets of several link types, for a format that has one.
    #[error(
        "a pcap file has packets of one link type, and the chosen ones are of {0}; choose a name that ends in .pcapng"
    )]
    LinkTypes(String),
    /// A time that a pcap file has no room for.
    #[error(
        "a pcap file has no room for times after 2106, and frame {0} has one; choose a name that ends in .pcapng"
    )]
    Time(u64),
    /// The output cannot be made.
    #[error(transparent)]
    Output(#[from] SinkError),
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Standard input cannot be put aside.
    #[error("standard input is read twice, and cannot be kept in {}: {source}; TMPDIR names another folder", folder.display())]
    Spool {
        /// Where it was to be kept.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Chooses and copies. `statistics` see every frame of the first reading; `out` gets what the plan
/// prints.
///
/// # Errors
///
/// When the input cannot be read, or the output not be written; then there is no output. What is
/// wrong later with a file is in the summary, and everything before it was exported.
pub fn export(
    plan: &ExportPlan,
    statistics: &mut Vec<Box<dyn Statistic + '_>>,
    out: Box<dyn Write + Send>,
) -> Result<ExportSummary, ExportError> {
    let format = plan.format.unwrap_or_else(|| Format::of(&plan.output));
    if format == Format::Pcap && (plan.comment.is_some() || plan.mark.is_some()) {
        return Err(ExportError::Comments);
    }
    let mut read_plan = plan.read.clone();
    // Kept until the end: its name is only good as long as it is open.
    let spooled = input::spool(&mut read_plan.files)?;
    // Before anything takes long.
    let mut output = Output::create(&plan.output, plan.existing)?;
    let (chosen, summary) = choose(&read_plan, plan, statistics, out)?;
    let summary = match summary.error {
        // Not even the beginning of the first file.
        Some(error) if error.offset == 0 && read_plan.files.first() == Some(&error.path) => {
            return Err(input::named_as_typed(error).into());
        }
        _ => summary,
    };
    let copied = Copying {
        plan,
        files: &read_plan.files,
        error: summary.error.as_ref(),
        frames: summary.frames,
        chosen: &chosen,
        output: &mut output,
    };
    copied.run(format)?;
    output.complete()?;
    drop(spooled);
    Ok(ExportSummary {
        frames: summary.frames,
        chosen: chosen.frames.len(),
        forgotten: chosen.forgotten,
        error: summary.error.map(input::named_as_typed),
    })
}

/// The first reading.
fn choose(
    read_plan: &ReadPlan,
    plan: &ExportPlan,
    statistics: &mut Vec<Box<dyn Statistic + '_>>,
    out: Box<dyn Write + Send>,
) -> Result<(Chosen, ReadSummary), ExportError> {
    let mut chooser = Chooser::new(&plan.choice);
    let mut all: Vec<Box<dyn Statistic + '_>> = Vec::with_capacity(statistics.len() + 1);
    for statistic in statistics.iter_mut() {
        all.push(Box::new(&mut **statistic));
    }
    all.push(Box::new(&mut chooser));
    let summary = read(read_plan, &mut all, out).map_err(|error| match error {
        ReadError::File(error) => ExportError::File(input::named_as_typed(error)),
        error => error.into(),
    })?;
    drop(all);
    Ok((chooser.finish(), summary))
}

/// The second reading.
struct Copying<'c> {
    plan: &'c ExportPlan,
    files: &'c [PathBuf],
    /// Where the first reading ended, if it was not the end.
    error: Option<&'c FileError>,
    /// Frames that there are.
    frames: u64,
    chosen: &'c Chosen,
    output: &'c mut Output,
}

impl Copying<'_> {
    fn run(self, format: Format) -> Result<(), ExportError> {
        let again = |path: &Path| {
            let path = path.to_owned();
            move |source| ExportError::Again { path, source }
        };
        let mut kinds = Vec::with_capacity(self.files.len());
        for path in self.files {
            // Files behind the last frame that was wanted were not even opened.
            kinds.push(input::kind(path).map_err(again(path)).ok());
        }
        if format == Format::Pcap {
            return convert::to_pcap(self.files, &kinds, self.chosen, self.frames, self.output);
        }
        let mut edit = Edit {
            comment: self.plan.comment.as_deref(),
            mark: self.plan.mark.as_deref(),
        };
        let mut number = 1;
        for (path, kind) in self.files.iter().zip(kinds) {
            if number > self.frames && number > 1 {
                break;
            }
            let Some(kind) = kind else { break };
            let frames = (&self.chosen.frames, self.frames);
            number = match kind {
                Kind::Pcapng => {
                    let mut bytes = input::open(path).map_err(again(path))?;
                    let copied = blocks::copy(
                        &mut bytes,
                        number,
                        frames,
                        self.reach(path),
                        &mut edit,
                        self.output,
                    );
                    copied.map_err(|failed| failed.at(path))?
                }
                Kind::Pcap(header) => {
                    convert::section(path, &header, number, frames, &mut edit, self.output)?
                }
            };
            if self.error.is_some_and(|error| error.path == *path) {
                break;
            }
        }
        Ok(())
    }

    /// How far the first reading came in a file that it opened.
    fn reach(&self, path: &Path) -> Reach {
        match self.error {
            Some(error) if error.path == path => Reach::Damage(error.offset),
            _ if self.plan.read.count == Some(self.frames) => Reach::LastFrame,
            _ => Reach::End,
        }
    }
}
