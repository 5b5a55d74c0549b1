//! `capture export`: chosen packets of capture files into a new one.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::args::ExportArgs;
use super::printing::preferences;
use super::read::capture_filter;
use crate::cli::misuse::misuse;
use crate::engine::grouped;
use crate::export::{Choice, ExportPlan, ExportSummary, Stages, export};
use crate::filter::display::DisplayFilter;
use crate::read::pipeline::{Flush, Passes, ReadPlan};

/// Copies what was chosen, and tells how much that was.
pub(super) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    refuse_terminal(&args.write)?;
    let ExportSummary {
        frames,
        chosen,
        forgotten,
        error,
    } = export(&plan, &mut Vec::new(), Box::new(io::sink()))?;
    if !args.quiet {
        let place = match args.write.as_os_str() {
            name if name == "-" => "standard output".to_owned(),
            _ => args.write.display().to_string(),
        };
        let (chosen, frames) = (grouped(chosen), grouped(frames));
        super::tell(&format!("{chosen} of {frames} packets written to {place}"));
    }
    if forgotten > 0 {
        super::complain(&format!(
            "{} TCP streams made room for others before they were closed; what followed of them may be missing",
            grouped(forgotten)
        ));
    }
    let Some(error) = error else {
        return Ok(ExitCode::SUCCESS);
    };
    super::complain(&error.to_string());
    Ok(ExitCode::FAILURE)
}

/// Nobody wants to look at a capture file as text.
pub(super) fn refuse_terminal(path: &Path) -> anyhow::Result<()> {
    if path.as_os_str() == "-" && io::stdout().is_terminal() {
        bail!("-w - writes a capture file to standard output, which is a terminal; redirect it");
    }
    Ok(())
}

fn plan(args: &ExportArgs) -> anyhow::Result<ExportPlan> {
    let stages = Stages {
        handshake: args.handshake,
        teardown: args.teardown,
        retransmissions: args.retransmissions,
    };
    if args.retransmissions && !args.handshake && !args.teardown {
        misuse!("--retransmissions adds to --handshake and --teardown; name one of them");
    }
    let filter = args.display_filter.as_deref().map(DisplayFilter::new);
    Ok(ExportPlan {
        read: ReadPlan {
            files: args.files.clone(),
            layout: None,
            capture_filter: capture_filter(args.capture_filter.as_deref())?,
            read_filter: None,
            filter: None,
            coloring: None,
            preferences: preferences(&args.option)?,
            count: args.count,
            passes: if args.two_passes {
                Passes::Two
            } else {
                Passes::One
            },
            printers: 1,
            flush: Flush::Whole,
        },
        choice: Choice {
            filter: filter.transpose().context("-Y")?,
            frames: args.frames.clone(),
            streams: args.stream.iter().copied().collect(),
            stages,
        },
        output: args.write.clone(),
        format: None,
        existing: super::existing(args.overwrite),
        comment: args.comment.clone(),
        mark: args.mark.clone(),
    })
}
