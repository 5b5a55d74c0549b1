//! `capture filter`: what an expression tests, what it compiles to, what of files it would keep.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::args::{Dump, FilterArgs};
use crate::cli::misuse::misuse;
use crate::engine::{FileFilter, FileRunError, grouped};
use crate::filter::capture::ebpf::{self, ContextKind, Disassembly, Programs};
use crate::filter::capture::{Filter, FilterError, FilterOptions, SystemResolver};
use crate::packet::LinkType;
use crate::source::file::{FileSource, Numbering};

/// Packets that are taken from a file at once.
const READ: usize = 4096;

/// Reads an expression; host names are looked up if asked for.
pub(super) fn read(text: &str, resolve: bool) -> Result<Filter, FilterError> {
    let resolver = SystemResolver;
    let options = FilterOptions {
        resolver: if resolve { Some(&resolver) } else { None },
        ..FilterOptions::default()
    };
    Filter::new(text, &options)
}

/// Explains an expression, or prints its program, or tries it on files.
pub(super) fn run(args: &FilterArgs) -> anyhow::Result<ExitCode> {
    let filter = read(&args.expression, args.resolve)?;
    let mut out = io::stdout().lock();
    if !args.files.is_empty() {
        let code = try_on_files(&filter, args, &mut out)?;
        out.flush()?;
        return Ok(code);
    }
    let program = filter.compile(args.link)?;
    match args.dump {
        Some(Dump::Cbpf) => write!(out, "{program}")?,
        Some(Dump::Ebpf) => {
            let programs = match args.link {
                LinkType::ETHERNET => Programs {
                    ethernet: Some(&program),
                    raw_ip: None,
                },
                LinkType::RAW => Programs {
                    ethernet: None,
                    raw_ip: Some(&program),
                },
                link => misuse!(
                    "the kernel's programs see ETHERNET and RAW (packets that begin with IP), not {link}"
                ),
            };
            let insns = ebpf::translate(ContextKind::Xdp, &programs)?;
            write!(out, "{}", Disassembly(&insns))?;
        }
        None => {
            write!(out, "{}", filter.explain())?;
            let (count, link) = (program.insns.len(), args.link);
            let s = if count == 1 { "" } else { "s" };
            writeln!(out, "{count} instruction{s} for link type {link}")?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Packets and their bytes on the wire.
#[derive(Clone, Copy, Default)]
struct Tally {
    packets: u64,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, wire_len: u32) {
        self.packets += 1;
        self.bytes += u64::from(wire_len);
    }
}

fn try_on_files(
    filter: &Filter,
    args: &FilterArgs,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for path in &args.files {
        let (kept, all, error) = try_on(filter, path);
        writeln!(
            out,
            "{}: {} of {} packets, {} of {} bytes",
            path.display(),
            grouped(kept.packets),
            grouped(all.packets),
            grouped(kept.bytes),
            grouped(all.bytes)
        )?;
        if let Some(error) = error {
            super::complain(&error.to_string());
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// What a filter keeps of a file, what there is, and why it was not read to its end.
fn try_on(filter: &Filter, path: &Path) -> (Tally, Tally, Option<FileRunError>) {
    let (mut kept, mut all) = (Tally::default(), Tally::default());
    let mut read = || -> Result<(), FileRunError> {
        let mut source = FileSource::open(path, Numbering::default())?;
        let mut filter = FileFilter::new(filter.clone());
        let mut slots = Vec::with_capacity(READ);
        loop {
            slots.clear();
            let Some(block) = source.next_batch(&mut slots, READ)? else {
                return Ok(());
            };
            let programs = filter.programs(path, &source)?;
            for slot in &slots {
                let packet = slot.packet(&block);
                all.add(packet.meta.wire_len);
                if programs.keeps(&packet) {
                    kept.add(packet.meta.wire_len);
                }
            }
        }
    };
    let error = read().err();
    (kept, all, error)
}
