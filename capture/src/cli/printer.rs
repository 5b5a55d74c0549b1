//! Prints what a running capture takes: a thread that reads the packets through a pipe, as it would
//! read a file.
//!
//! The capture does not wait for it. What the pipe and the buffers in front of it do not hold is left
//! out, and counted there.

use std::io::{self, PipeWriter};
use std::path::Path;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, bail};

use super::args::LiveArgs;
use super::read::{print_statistics, statistics_of};
use crate::cli::misuse::misuse;
use crate::read::pipeline::{Flush, Passes, ReadError, ReadPlan, ReadSummary, read_from};
use crate::read::statistics::Statistic;
use crate::source::file::{FileErrorKind, FileSource};

/// Bytes that a pipe holds: as much as anybody may ask for (`/proc/sys/fs/pipe-max-size`).
const PIPE_BYTES: usize = 1 << 20;

/// Packets of a capture as they are going to be printed.
pub(super) struct PrintPlan {
    plan: ReadPlan,
    statistics: Vec<Box<dyn Statistic>>,
}

/// The thread that prints.
pub(super) struct Printer {
    thread: JoinHandle<Printed>,
}

/// What became of it.
struct Printed {
    outcome: Result<ReadSummary, ReadError>,
    statistics: Vec<Box<dyn Statistic>>,
}

impl PrintPlan {
    /// What the words describe; `None` if nothing is to be printed.
    pub(super) fn new(args: &LiveArgs) -> anyhow::Result<Option<Self>> {
        let print = &args.print_args;
        let prints = args.print || print.list;
        if !prints && let Some(word) = print.given() {
            misuse!("{word} says how packets are printed; add --print");
        }
        let statistics = statistics_of(&print.statistics)?;
        if !prints && statistics.is_empty() {
            return Ok(None);
        }
        let plan = ReadPlan {
            files: Vec::new(),
            layout: prints.then(|| print.layout()).transpose()?,
            capture_filter: None,
            read_filter: None,
            filter: print.filter()?,
            coloring: print.coloring(),
            preferences: print.preferences()?,
            count: None,
            passes: Passes::One,
            printers: 1,
            flush: Flush::AtOnce,
        };
        Ok(Some(Self { plan, statistics }))
    }

    /// Whether packets are printed, and not only counted.
    pub(super) const fn prints(&self) -> bool {
        self.plan.layout.is_some()
    }

    /// Starts the thread; the capture writes pcapng into the pipe.
    pub(super) fn start(self) -> anyhow::Result<(Printer, PipeWriter)> {
        let (reader, writer) = io::pipe().context("cannot make a pipe for the printer")?;
        if let Err(error) = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES) {
            // A smaller one does, too.
            log::debug!("the printer's pipe keeps its size: {error}");
        }
        let Self {
            plan,
            mut statistics,
        } = self;
        let thread = thread::Builder::new().name("printer".to_owned());
        let thread = thread
            .spawn(move || {
                let source = FileSource::from_pipe(reader, Path::new("printed packets"));
                let outcome = match source {
                    // A capture that did not start has said why.
                    Err(error) if matches!(error.kind, FileErrorKind::Empty) => {
                        Ok(ReadSummary::default())
                    }
                    Err(error) => Err(error.into()),
                    Ok(source) => read_from(source, &plan, &mut statistics, Box::new(io::stdout())),
                };
                Printed {
                    outcome,
                    statistics,
                }
            })
            .context("cannot start the printer")?;
        Ok((Printer { thread }, writer))
    }
}

impl Printer {
    /// Whether nothing is printed any more.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until everything is printed, statistics too. To be called when the capture has ended.
    pub(super) fn finish(self) -> anyhow::Result<ReadSummary> {
        let Ok(Printed {
            outcome,
            mut statistics,
        }) = self.thread.join()
        else {
            bail!("the printer panicked; this is a bug, please report it");
        };
        let summary = outcome?;
        print_statistics(&mut statistics)?;
        Ok(summary)
    }
}
