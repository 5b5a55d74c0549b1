//! `capture doctor`: what of this machine helps or hinders.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::args::DoctorArgs;
use crate::doctor::{Palette, RingMemory, Status, examine};

/// Examines the machine and prints the report. Fails if something keeps capture from working.
pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let memory = RingMemory {
        rings: super::default_workers(),
        ring_bytes: super::DEFAULT_RING_BYTES,
    };
    let netns = super::ifaces::namespace(args.netns.as_deref())?;
    let report = netns.enter(|| examine(args.iface.as_deref(), memory))?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report.json())?;
        writeln!(out)?;
    } else {
        let palette = if super::colors(&out) {
            Palette::Colored
        } else {
            Palette::Plain
        };
        write!(out, "{}", report.text(palette))?;
    }
    out.flush()?;
    Ok(if report.worst() == Status::Fail {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
