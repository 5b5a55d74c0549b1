//! `capture stats`: statistics of a capture file, or the list of them.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::args::StatsArgs;
use super::printing::preferences;
use super::read::capture_filter;
use crate::read::pipeline::{Flush, Passes, ReadPlan, read};
use crate::read::statistics::{self, Description};

/// Prints what was asked for, or what can be.
pub(super) fn run(args: &StatsArgs) -> anyhow::Result<ExitCode> {
    if args.names.is_empty() {
        let mut out = io::stdout().lock();
        for Description {
            name, rest, help, ..
        } in statistics::ALL
        {
            writeln!(out, "{name}{rest}\n    {help}")?;
        }
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let names = args.names.iter().map(|name| statistics::parse(name));
    let mut statistics = names.collect::<Result<Vec<_>, _>>()?;
    let plan = ReadPlan {
        files: vec![args.file.clone()],
        layout: None,
        capture_filter: capture_filter(args.capture_filter.as_deref())?,
        read_filter: None,
        filter: None,
        coloring: None,
        preferences: preferences(&args.option)?,
        count: None,
        passes: if args.two_passes {
            Passes::Two
        } else {
            Passes::One
        },
        printers: 1,
        flush: Flush::Whole,
    };
    let summary = read(&plan, &mut statistics, Box::new(io::sink()))?;
    let mut text = String::new();
    for statistic in &mut statistics {
        statistic.print(&mut text);
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    let Some(error) = summary.error else {
        return Ok(ExitCode::SUCCESS);
    };
    super::complain(&error.to_string());
    Ok(ExitCode::FAILURE)
}
