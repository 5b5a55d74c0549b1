//! `capture flows`: connection records from capture files.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{FlowsArgs, Format, Partition};
use super::tracking::{Origin, notes};
use crate::cli::misuse::misuse;
use crate::engine::{FileRun, FilesPlan, Outputs, Progress};
use crate::sink::flows::{
    By, COLUMNS, Collector, FlowFileOptions, FlowFileSummary, FlowFormat, Layout, Order, States,
};

/// Reads the files and writes the records.
pub(super) fn run(args: &FlowsArgs) -> anyhow::Result<ExitCode> {
    if args.columns {
        list_columns(&mut io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from("-"));
    let to_stdout = output.as_os_str() == "-";
    let mut flows = options(output, args.format, args.partition)?;
    flows.existing = super::existing(args.overwrite);
    flows.order = order(args, flows.format);
    flows.states = states(args);
    let filter = args
        .filter
        .as_deref()
        .map(|text| super::filter::read(text, args.resolve))
        .transpose()?;
    let plan = FilesPlan {
        files: args.files.clone(),
        filter,
        tracking: args.tracking.tracking(Origin::Files),
        outputs: Outputs {
            packets: None,
            rotation: None,
            flows: Some(flows),
            existing: super::existing(args.overwrite),
            buffer_bytes: 0,
        },
        workers: args
            .workers
            .map_or_else(super::cpus, |workers| workers as usize),
    };
    let quiet = !super::stderr_is_terminal() || (to_stdout && io::stdout().is_terminal());
    let mut bar = Bar::new(quiet);
    let run = FileRun::new(&plan, &mut |progress| bar.show(&progress))?;
    bar.end();

    if args.verbose {
        super::tell(run.ledger.to_string().trim_end());
    }
    for note in notes(&run.ledger.shards) {
        super::tell(&note);
    }
    let mut code = ExitCode::SUCCESS;
    if run.flows.as_ref().is_some_and(complain_of) {
        code = ExitCode::FAILURE;
    }
    if let Some(file) = run.flows.as_ref().filter(|file| file.blocks > 1) {
        super::tell(&format!(
            "more connections than are put in order at once: the {} parts of the output are each in order; \
             --top N puts all in order",
            file.blocks
        ));
    }
    let reader_gone = run.flows.as_ref().is_some_and(|flows| flows.reader_gone);
    if !reader_gone && !run.ledger.holds() {
        super::complain("the packets do not add up; this is a bug, please report it:");
        super::tell(run.ledger.to_string().trim_end());
        code = ExitCode::FAILURE;
    }
    if let Some(error) = run.error {
        super::complain(&error.to_string());
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

/// What the columns of Parquet, CSV and JSON lines are.
fn list_columns(out: &mut impl Write) -> io::Result<()> {
    for column in COLUMNS {
        writeln!(
            out,
            "{:<32} {:<8} {}",
            column.name,
            column.kind.name(),
            column.help
        )?;
    }
    out.flush()
}

/// Says what is wrong with a file of records, if anything is.
pub(super) fn complain_of(file: &FlowFileSummary) -> bool {
    let Some(error) = &file.error else {
        return false;
    };
    if Collector::of(&file.path).is_some() {
        super::complain(&format!(
            "{}: {error}; of {} records, {} are known to have been lost",
            file.path.display(),
            file.written + file.failed,
            file.failed
        ));
        return true;
    }
    let what = match (file.written, file.failed) {
        (0, failed) => format!("none of {failed} records can be read"),
        (written, 0) => format!("it is incomplete; {written} records are in it"),
        (written, failed) => {
            format!("the {written} records before that are in it, {failed} are missing")
        }
    };
    super::complain(&format!(
        "{}: cannot be written: {error}; {what}",
        file.path.display()
    ));
    true
}

/// Where records go and how, by the words for it: in the format that was asked for, or that the file's
/// ending names, or that is usual there.
pub(super) fn options(
    path: PathBuf,
    asked: Option<Format>,
    partition: Option<Partition>,
) -> anyhow::Result<FlowFileOptions> {
    if let Some(collector) = Collector::of(&path) {
        collector?;
        if asked.is_some_and(|format| format != Format::Ipfix) || partition.is_some() {
            misuse!("{}: a collector takes IPFIX only", path.display());
        }
        return Ok(FlowFileOptions::new(path, FlowFormat::Ipfix));
    }
    let to_stdout = path.as_os_str() == "-";
    if to_stdout && partition.is_some() {
        misuse!("--partition needs a directory; name one with -o or --flows");
    }
    let layout = if partition.is_some() || is_directory(&path) {
        Layout::Hours
    } else {
        Layout::File
    };
    let format = match (asked.map(FlowFormat::from), layout) {
        (Some(format), _) => format,
        (None, Layout::Hours) => FlowFormat::Parquet,
        (None, Layout::File) if to_stdout => FlowFormat::Table,
        (None, Layout::File) => FlowFormat::of(&path).ok_or_else(|| {
            anyhow::anyhow!(
                "{}: the ending names no format; use {}, end the name with / for a directory, or say \
                 --format parquet|csv|jsonl|zeek|zeek-json|ipfix|table",
                path.display(),
                FlowFormat::ENDINGS
            )
        })?,
    };
    if to_stdout
        && matches!(format, FlowFormat::Ipfix | FlowFormat::Parquet)
        && io::stdout().is_terminal()
    {
        anyhow::bail!(
            "{} is not written to a terminal; name a file with -o",
            format.ending()
        );
    }
    let width = (to_stdout && io::stdout().is_terminal())
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(terminal_size::Width(width), _)| usize::from(width));
    Ok(FlowFileOptions {
        layout,
        width,
        ..FlowFileOptions::new(path, format)
    })
}

/// Whether a path means a directory: it is one, or it ends as one.
fn is_directory(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}

fn order(args: &FlowsArgs, format: FlowFormat) -> Option<Order> {
    let top = args.top.map(|top| top as usize);
    let by = match (args.by, top) {
        (Some(by), _) => by.into(),
        (None, Some(_)) => By::Bytes,
        (None, None) if format == FlowFormat::Table => By::Start,
        (None, None) => return None,
    };
    Some(Order { by, top })
}

fn states(args: &FlowsArgs) -> States {
    if args.state.is_empty() {
        return States::ALL;
    }
    args.state
        .iter()
        .fold(States::NONE, |states, state| states.and(*state))
}

/// Progress on standard error, for files that take a while.
struct Bar {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Bar {
    /// Files below this are read before anybody could look.
    const WORTH_SHOWING: u64 = 50 << 20;

    fn new(quiet: bool) -> Self {
        Self { bar: None, quiet }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        if self.quiet
            || progress
                .total_bytes
                .is_some_and(|total| total < Self::WORTH_SHOWING)
        {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template(
                "{prefix} [{bar:30}] {bytes}/{total_bytes}  {bytes_per_sec}  {msg}  eta {eta}",
            )
            .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style.progress_chars("=> "))
        });
        bar.set_length(progress.total_bytes.unwrap_or(progress.read_bytes));
        bar.set_position(progress.read_bytes);
        if bar.prefix().is_empty() {
            bar.set_prefix(progress.path.display().to_string());
        }
        bar.set_message(format!("{} packets", progress.packets));
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
