//! `capture flows`: connection records from capture files.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{FlowsArgs, Format};
use crate::engine::{FileRun, FilesPlan, Outputs, Progress, Tracking};
use crate::flow::{Limits, Timeouts};
use crate::sink::flows::{FlowFileSummary, FlowFormat};

/// Reads the files and writes the records.
pub(super) fn run(args: &FlowsArgs) -> anyhow::Result<ExitCode> {
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from("-"));
    let to_stdout = output.as_os_str() == "-";
    let format = format_of(&output, args.format)?;
    let plan = FilesPlan {
        files: args.files.clone(),
        tracking: Tracking {
            limits: Limits::flows(args.max_flows),
            timeouts: Timeouts::default(),
            seed: super::seed(),
        },
        outputs: Outputs {
            packets: None,
            flows: Some((output, format)),
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
    let mut code = ExitCode::SUCCESS;
    if run.flows.as_ref().is_some_and(complain_of) {
        code = ExitCode::FAILURE;
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

/// Says what is wrong with a file of records, if anything is.
pub(super) fn complain_of(file: &FlowFileSummary) -> bool {
    let Some(error) = &file.error else {
        return false;
    };
    super::complain(&format!(
        "{}: cannot be written: {error}; the {} records before that are in it, {} are missing",
        file.path.display(),
        file.written,
        file.failed
    ));
    true
}

/// The format that was asked for, or that the file's ending names; a table on standard output.
pub(super) fn format_of(path: &Path, asked: Option<Format>) -> anyhow::Result<FlowFormat> {
    if let Some(format) = asked {
        return Ok(format.into());
    }
    if path.as_os_str() == "-" {
        return Ok(FlowFormat::Table);
    }
    FlowFormat::of(path).ok_or_else(|| {
        anyhow::anyhow!(
            "{}: the ending names no format; use .csv, .jsonl or .txt, or say --format csv|jsonl|table",
            path.display()
        )
    })
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
