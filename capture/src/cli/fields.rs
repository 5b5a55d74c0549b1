//! `capture fields`: what display filters and `-T fields` know.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::args::FieldsArgs;
use crate::read::{Kind, registry};

/// Lists fields: name, type, title.
pub(super) fn run(args: &FieldsArgs) -> anyhow::Result<ExitCode> {
    let pattern = args
        .pattern
        .as_ref()
        .map(|pattern| pattern.to_ascii_lowercase());
    let mut fields: Vec<_> = registry::all()
        .map(|(_, field)| field)
        .filter(|field| {
            pattern.as_ref().is_none_or(|pattern| {
                field.name.contains(pattern) || field.title.to_ascii_lowercase().contains(pattern)
            })
        })
        .collect();
    fields.sort_by_key(|field| field.name);
    fields.dedup_by_key(|field| field.name);
    let mut out = io::stdout().lock();
    for field in &fields {
        writeln!(
            out,
            "{:<40} {:<10} {}",
            field.name,
            kind_name(field.kind),
            field.title
        )?;
    }
    out.flush()?;
    if fields.is_empty() {
        super::complain("no field matches; `capture fields` without a pattern lists all");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// A word for a type.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Protocol => "protocol",
        Kind::None => "mark",
        Kind::Bool => "bool",
        Kind::Uint(8) => "uint8",
        Kind::Uint(16) => "uint16",
        Kind::Uint(24) => "uint24",
        Kind::Uint(64) => "uint64",
        Kind::Uint(_) => "uint32",
        Kind::Int(64) => "int64",
        Kind::Int(_) => "int32",
        Kind::FrameNumber => "frame",
        Kind::Double => "double",
        Kind::Ipv4 => "ipv4",
        Kind::Ipv6 => "ipv6",
        Kind::Ether => "ether",
        Kind::Bytes => "bytes",
        Kind::String => "string",
        Kind::AbsoluteTime => "time",
        Kind::RelativeTime => "seconds",
    }
}
