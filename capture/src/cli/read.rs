//! `capture read`: packets of capture files, with tshark's options.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::args::{ColorBy, Form, ReadArgs};
use super::export;
use crate::export::{Choice, ExportPlan};
use crate::filter::capture::Filter;
use crate::filter::display::DisplayFilter;
use crate::read::color::{Coloring, default_rules};
use crate::read::pipeline::{Flush, Passes, ReadPlan, ReadSummary, read};
use crate::read::print::{Details, Fields, Layout, Names, Occurrence, Quote, Text};
use crate::read::{Preferences, statistics};

/// Reads the files and prints their packets.
pub(super) fn run(args: &ReadArgs) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    let mut statistics = args
        .statistics
        .iter()
        .map(|text| statistics::parse(text))
        .collect::<Result<Vec<_>, _>>()
        .context("-z")?;
    let error = if let Some(path) = &args.write {
        if path.as_os_str() == "-" && (plan.layout.is_some() || !statistics.is_empty()) {
            bail!("-w - and what is printed cannot both go to standard output");
        }
        export::refuse_terminal(path)?;
        let plan = ExportPlan {
            choice: Choice {
                filter: plan.filter.clone(),
                ..Choice::default()
            },
            read: plan,
            output: path.clone(),
            existing: super::existing(args.overwrite),
            comment: None,
            mark: None,
        };
        crate::export::export(&plan, &mut statistics, Box::new(io::stdout()))?.error
    } else {
        let ReadSummary { error, .. } = read(&plan, &mut statistics, Box::new(io::stdout()))?;
        error
    };
    let mut text = String::new();
    for statistic in &mut statistics {
        statistic.print(&mut text);
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    let Some(error) = error else {
        return Ok(ExitCode::SUCCESS);
    };
    super::complain(&error.to_string());
    Ok(ExitCode::FAILURE)
}

/// The plan that the words describe.
fn plan(args: &ReadArgs) -> anyhow::Result<ReadPlan> {
    let mut preferences = preferences(&args.option)?;
    if args.numbers {
        preferences.names = Names::Numbers;
    }
    let prints = !args.quiet && (args.write.is_none() || args.list);
    let files: Vec<PathBuf> = args.read_file.iter().chain(&args.files).cloned().collect();
    // The walk has a thread of its own.
    let printers = super::cpus().saturating_sub(1).clamp(1, 16);
    Ok(ReadPlan {
        files,
        layout: prints.then(|| layout(args)).transpose()?,
        capture_filter: capture_filter(args.capture_filter.as_deref())?,
        filter: args
            .display_filter
            .as_deref()
            .map(DisplayFilter::new)
            .transpose()
            .context("-Y")?,
        coloring: args.color.map(|color| match color {
            ColorBy::Rules => Coloring::Rules(default_rules()),
            ColorBy::Conversation => Coloring::Conversations,
        }),
        preferences,
        count: args.count,
        passes: if args.two_passes {
            Passes::Two
        } else {
            Passes::One
        },
        printers,
        flush: if args.flush {
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

/// Preferences that `-o` sets.
pub(super) fn preferences(options: &[String]) -> anyhow::Result<Preferences> {
    let mut preferences = Preferences::default();
    for option in options {
        preferences
            .set(option)
            .map_err(anyhow::Error::msg)
            .context("-o")?;
    }
    Ok(preferences)
}

fn layout(args: &ReadArgs) -> anyhow::Result<Layout> {
    let names = if args.numbers {
        Names::Numbers
    } else {
        Names::Vendors
    };
    if args.form != Form::Fields && !args.fields.is_empty() {
        bail!("-e names fields for -T fields; add that");
    }
    Ok(match args.form {
        Form::Text => {
            let details = match &args.only {
                Some(only) => Some(
                    Details::only(only)
                        .map_err(anyhow::Error::msg)
                        .context("-O")?,
                ),
                None => args.details.then_some(Details::All),
            };
            Layout::Text(Text {
                list: args.list || details.is_none(),
                details,
                bytes: args.bytes,
                time: args.time,
                names,
            })
        }
        Form::Json => Layout::Json { bytes: args.bytes },
        Form::Fields => {
            if args.fields.is_empty() {
                bail!("-T fields prints the fields that -e names: -e ip.src -e tcp.dstport");
            }
            let mut fields = Fields::new(&args.fields)?;
            fields.time = args.time;
            fields.address_names = names;
            for option in &args.field_options {
                field_option(&mut fields, option).context("-E")?;
            }
            Layout::Fields(fields)
        }
    })
}

/// One of `-E`.
fn field_option(fields: &mut Fields, option: &str) -> anyhow::Result<()> {
    let Some((name, value)) = option.split_once('=') else {
        bail!("{option:?} is not OPTION=VALUE");
    };
    match (name, value) {
        ("header", _) => fields.header = yes(name, value)?,
        ("bom", _) => fields.bom = yes(name, value)?,
        ("separator", _) => fields.separator = character(name, value)?,
        ("aggregator", _) => fields.aggregator = character(name, value)?,
        ("occurrence", "f") => fields.occurrence = Occurrence::First,
        ("occurrence", "l") => fields.occurrence = Occurrence::Last,
        ("occurrence", "a") => fields.occurrence = Occurrence::All,
        ("occurrence", _) => bail!("occurrence is f (first), l (last) or a (all)"),
        ("quote", "d") => fields.quote = Quote::Double,
        ("quote", "s") => fields.quote = Quote::Single,
        ("quote", "n") => fields.quote = Quote::None,
        ("quote", _) => bail!("quote is d (double), s (single) or n (none)"),
        _ => bail!(
            "there is no option {name:?}; there are header, separator, occurrence, aggregator, quote, bom"
        ),
    }
    Ok(())
}

fn yes(name: &str, value: &str) -> anyhow::Result<bool> {
    match value {
        "y" => Ok(true),
        "n" => Ok(false),
        _ => bail!("{name} is y or n"),
    }
}

/// A character, or tshark's words for tab and space.
fn character(name: &str, value: &str) -> anyhow::Result<char> {
    match value {
        "/t" => return Ok('\t'),
        "/s" => return Ok(' '),
        _ => {}
    }
    let mut characters = value.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => bail!("{name} is one character, /t (tab) or /s (space)"),
    }
}
