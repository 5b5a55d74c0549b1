//! Pictures of streams and files: what Wireshark's stream graphs and its I/O graph show, as SVG that
//! needs nothing else.
//!
//! However long a file is, a picture has a bounded number of points; what is thinned out keeps its
//! extremes.
//!
//! - `stream.rs` what is drawn of a TCP stream; `whole.rs` of a whole file
//! - `thin.rs` points and bins that stay few
//! - `chart.rs` what a picture is made of; `scale.rs` its axes; `svg.rs` the picture as text
//! - `ranking.rs` pictures of names with a value each, as bars

pub mod chart;
pub mod ranking;
mod scale;
mod stream;
mod svg;
mod thin;
mod whole;

use std::io;
use std::path::{Path, PathBuf};

use crate::read::pipeline::{ReadError, ReadPlan, read};
use crate::read::statistics::Statistic;
use crate::sink::partial::{Durability, Output, Unfinished};
use crate::sink::{Existing, SinkError};
use crate::source::file::FileError;
use stream::Stream;
pub use svg::picture;
use whole::Whole;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sequence numbers over time, with what was acknowledged, and the window.
    TimeSequence,
    /// Payload over time.
    Throughput,
    /// Round trips over time.
    Rtt,
    /// Windows and bytes in flight over time.
    Window,
    /// Packets and bits of the whole file over time.
    Io,
    /// SYN, FIN and RST of the whole file over time.
    Flags,
}

impl Kind {
    /// Whether it is of one stream.
    #[must_use]
    pub const fn is_of_stream(self) -> bool {
        !matches!(self, Self::Io | Self::Flags)
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The stream is not in the file.
    #[error("there is no TCP stream {stream}; {}", match streams { 0 => "the files have none".to_owned(), _ => format!("the streams are numbered from 0 to {}", streams - 1) })]
    NoStream {
        /// Its number.
        stream: u64,
        /// Streams that there are.
        streams: u64,
    },
    /// The output cannot be made.
    #[error(transparent)]
    Output(#[from] SinkError),
    /// The files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads files, and draws; gives the picture, and why not everything was read, if so. `stream` matters
/// to those kinds that are of one.
///
/// # Errors
///
/// When the files cannot be read, or there is no such stream.
pub fn draw(
    plan: &ReadPlan,
    kind: Kind,
    stream: u64,
) -> Result<(String, Option<FileError>), PlotError> {
    let file = plan
        .files
        .first()
        .map_or_else(String::new, |path| name(path));
    if kind.is_of_stream() {
        let mut found = Stream::new(stream);
        let error = run(plan, &mut found)?;
        let chart = found.chart(kind, &file).ok_or(PlotError::NoStream {
            stream,
            streams: found.streams,
        })?;
        return Ok((picture(&chart), error));
    }
    let mut whole = Whole::new();
    let error = run(plan, &mut whole)?;
    Ok((picture(&whole.chart(kind, &file)), error))
}

fn run(plan: &ReadPlan, statistic: &mut dyn Statistic) -> Result<Option<FileError>, ReadError> {
    let mut all: [Box<dyn Statistic + '_>; 1] = [Box::new(statistic)];
    Ok(read(plan, &mut all, Box::new(io::sink()))?.error)
}

fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) if name != "-" => name.to_string_lossy().into_owned(),
        _ => "standard input".to_owned(),
    }
}

/// Writes a picture; `-` is standard output.
///
/// # Errors
///
/// When the file exists and may not be replaced, or cannot be written.
pub fn write(picture: &str, path: &Path, existing: Existing) -> Result<(), PlotError> {
    let fail = |source| PlotError::Write {
        path: path.to_owned(),
        source,
    };
    let mut output = Output::create(path, existing, Unfinished::Visible)?;
    output.write(picture.as_bytes()).map_err(fail)?;
    output.complete(Durability::Relaxed).map_err(fail)
}
