//! `capture plot`: pictures of a stream, or of whole files.

use std::process::ExitCode;

use super::args::{PlotArgs, PlotKind};
use super::read::capture_filter;
use crate::cli::misuse::misuse;
use crate::plot::{self, Kind};
use crate::read::Preferences;
use crate::read::pipeline::{Flush, Passes, ReadPlan};

/// Reads, draws, writes.
pub(super) fn run(args: &PlotArgs) -> anyhow::Result<ExitCode> {
    let kind = match args.kind {
        PlotKind::TimeSequence => Kind::TimeSequence,
        PlotKind::Throughput => Kind::Throughput,
        PlotKind::Rtt => Kind::Rtt,
        PlotKind::Window => Kind::Window,
        PlotKind::Io => Kind::Io,
        PlotKind::Flags => Kind::Flags,
    };
    let stream = match (args.stream, kind.is_of_stream()) {
        (Some(stream), true) => stream,
        (None, false) => 0,
        (None, true) => misuse!("this kind is of one TCP stream; --stream N names it (tcp.stream)"),
        (Some(_), false) => misuse!("this kind is of whole files; leave --stream out"),
    };
    let plan = ReadPlan {
        files: args.files.clone(),
        layout: None,
        capture_filter: capture_filter(args.capture_filter.as_deref())?,
        read_filter: None,
        filter: None,
        coloring: None,
        preferences: Preferences::default(),
        count: None,
        passes: Passes::One,
        printers: 1,
        flush: Flush::Whole,
    };
    let (picture, error) = plot::draw(&plan, kind, stream)?;
    plot::write(&picture, &args.output, super::existing(args.overwrite))?;
    let Some(error) = error else {
        return Ok(ExitCode::SUCCESS);
    };
    super::complain(&error.to_string());
    Ok(ExitCode::FAILURE)
}
