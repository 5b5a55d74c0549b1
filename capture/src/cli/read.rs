//! `capture read`: packets of capture files, with tshark's options.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::args::ReadArgs;
use super::export;
use crate::cli::misuse::misuse;
use crate::export::{Choice, ExportPlan};
use crate::filter::capture::Filter;
use crate::filter::display::DisplayFilter;
use crate::read::objects::Objects;
use crate::read::pipeline::{Flush, Passes, ReadError, ReadPlan, ReadSummary, read};
use crate::read::statistics::{self, Statistic};

/// Reads the files and prints their packets.
pub(super) fn run(args: &ReadArgs) -> anyhow::Result<ExitCode> {
    if let Some(report) = &args.glossary {
        misuse!(
            "there is no -G {report} here; `capture fields [PATTERN]` lists the fields that filters and -e know"
        );
    }
    let plan = plan(args)?;
    let mut statistics = statistics_of(&args.print_args.statistics)?;
    let objects = args.export_objects.as_deref().map(Objects::parse);
    let mut objects = objects.transpose().context("--export-objects")?;
    let mut counting: Vec<Box<dyn Statistic + '_>> = Vec::new();
    for statistic in &mut statistics {
        counting.push(Box::new(statistic.as_mut()));
    }
    if let Some(objects) = &mut objects {
        counting.push(Box::new(objects));
    }
    let error = if let Some(path) = &args.write {
        if path.as_os_str() == "-"
            && (plan.layout.is_some() || !args.print_args.statistics.is_empty())
        {
            misuse!("-w - and what is printed cannot both go to standard output");
        }
        export::refuse_terminal(path)?;
        let plan = ExportPlan {
            choice: Choice {
                filter: plan.filter.clone(),
                ..Choice::default()
            },
            read: plan,
            output: path.clone(),
            format: args.format.map(Into::into),
            existing: super::existing(args.overwrite),
            comment: None,
            mark: None,
        };
        crate::export::export(&plan, &mut counting, Box::new(io::stdout()))?.error
    } else {
        let read = read(&plan, &mut counting, Box::new(io::stdout()));
        let ReadSummary { error, .. } = read.map_err(|error| filter_hint(error, args))?;
        error
    };
    drop(counting);
    print_statistics(&mut statistics)?;
    if let Some(objects) = objects {
        objects.finish()?;
    }
    let Some(error) = error else {
        return Ok(ExitCode::SUCCESS);
    };
    super::complain(&error.to_string());
    Ok(ExitCode::FAILURE)
}

/// Behind the files of tcpdump and tshark comes a filter: says where it goes here.
fn filter_hint(error: ReadError, args: &ReadArgs) -> anyhow::Error {
    let is_word = |path: &Path| {
        let later = args.files.iter().skip(1).any(|file| file == path);
        later && path.extension().is_none() && path.components().count() == 1
    };
    match &error {
        ReadError::File(file) if is_word(&file.path) => {
            let words =
                format!("{file}; if it is of a filter: -f 'port 80' or -Y 'tcp.port == 80'");
            anyhow::Error::msg(words)
        }
        _ => error.into(),
    }
}

/// The statistics that `-z` names.
pub(super) fn statistics_of(words: &[String]) -> anyhow::Result<Vec<Box<dyn Statistic>>> {
    let statistics = words.iter().map(|text| statistics::parse(text));
    statistics.collect::<Result<_, _>>().context("-z")
}

/// Prints statistics, the last one first, as tshark does.
pub(super) fn print_statistics(statistics: &mut [Box<dyn Statistic>]) -> io::Result<()> {
    let mut text = String::new();
    for statistic in statistics.iter_mut().rev() {
        statistic.print(&mut text);
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The plan that the words describe.
fn plan(args: &ReadArgs) -> anyhow::Result<ReadPlan> {
    let print = &args.print_args;
    let prints = !args.quiet && (args.write.is_none() || args.print || print.list);
    // As with tshark, what stands behind the file of -r is a display filter.
    let (files, words) = match &args.read_file {
        Some(file) => (vec![file.clone()], &args.files[..]),
        None => (args.files.clone(), &[][..]),
    };
    let filter = match (print.filter()?, words) {
        (filter, []) => filter,
        (Some(_), _) => {
            misuse!("a display filter goes behind the file of -r or to -Y, not to both")
        }
        (None, words) => {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            Some(DisplayFilter::new(&words.join(" ")).context("the filter behind -r")?)
        }
    };
    let read_filter = args.read_filter.as_deref().map(DisplayFilter::new);
    if read_filter.is_some() && !args.two_passes {
        misuse!("-R filters in the first of two passes; add -2, or use -Y");
    }
    if read_filter.is_some() && args.write.is_some() {
        misuse!("-R gives packets other numbers, by which -w cannot choose them; use -Y");
    }
    // The walk has a thread of its own.
    let printers = super::cpus().saturating_sub(1).clamp(1, 16);
    Ok(ReadPlan {
        files,
        layout: prints.then(|| print.layout()).transpose()?,
        capture_filter: capture_filter(args.capture_filter.as_deref())?,
        read_filter: read_filter.transpose().context("-R")?,
        filter,
        coloring: print.coloring(),
        preferences: print.preferences()?,
        count: args.count,
        passes: if args.two_passes {
            Passes::Two
        } else {
            Passes::One
        },
        printers,
        flush: if print.flush {
            Flush::AtOnce
        } else {
            Flush::Whole
        },
    })
}

/// The capture filter that `-f` gives.
pub(super) fn capture_filter(text: Option<&str>) -> anyhow::Result<Option<Filter>> {
    let filter = text.map(|text| super::filter::read(text, false));
    filter.transpose().context("-f")
}
