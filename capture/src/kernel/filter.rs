//! Puts the capture filter into the object before it is loaded.
//!
//! The object has a function for it at each hook, in a section of its own. Their instructions are
//! replaced in the file, so the loader needs to know nothing of it, and the kernel checks the filter
//! by itself, apart from the program that calls it.

use object::build::elf::{Builder, SectionData};

use super::error::AttachError;
use crate::filter::capture::ebpf::{self, ContextKind, Programs};
use crate::filter::capture::{Filter, FilterError, FilterOptions, Insn, Origin, Program, Resolver};
use crate::packet::LinkType;

/// A capture filter, compiled for the link layers that there may be.
#[derive(Clone, Debug)]
pub struct CaptureFilter {
    text: String,
    /// For frames with an Ethernet header.
    ethernet: Result<Program, FilterError>,
    /// For packets that start with the IP header.
    raw_ip: Result<Program, FilterError>,
}

impl CaptureFilter {
    /// Compiles an expression; `None` if it is empty, and every packet is wanted. `resolver` looks up
    /// names of hosts; without one they are refused.
    ///
    /// # Errors
    ///
    /// When the expression makes no sense, or none for any link layer.
    pub fn new(text: &str, resolver: Option<&dyn Resolver>) -> Result<Option<Self>, FilterError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let options = FilterOptions {
            origin: Origin::Live,
            resolver,
            ..FilterOptions::default()
        };
        let filter = Filter::new(text, &options)?;
        let compiled = Self {
            text: text.to_owned(),
            ethernet: filter.compile(LinkType::ETHERNET),
            raw_ip: filter.compile(LinkType::RAW),
        };
        match compiled {
            Self {
                ethernet: Err(error),
                raw_ip: Err(_),
                ..
            } => Err(error),
            compiled => Ok(Some(compiled)),
        }
    }

    /// From programs that somebody else compiled.
    #[must_use]
    pub fn from_programs(text: &str, ethernet: Program, raw_ip: Program) -> Self {
        Self {
            text: text.to_owned(),
            ethernet: Ok(ethernet),
            raw_ip: Ok(raw_ip),
        }
    }

    /// Refuses every packet: they are counted, and nothing else is done.
    #[must_use]
    pub fn refusing() -> Self {
        Self::from_programs("none", refuse_all(), refuse_all())
    }

    /// The expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The programs for these link layers. Where there are several, packets of one for which the
    /// expression makes no sense do not match.
    fn programs(&self, links: &[LinkType]) -> Result<[Option<Program>; 2], FilterError> {
        let all = [
            (LinkType::ETHERNET, &self.ethernet),
            (LinkType::RAW, &self.raw_ip),
        ];
        let needed = || all.iter().filter(|(link, _)| links.contains(link));
        if let Some((_, Err(error))) = needed().next()
            && needed().all(|(_, program)| program.is_err())
        {
            return Err(error.clone());
        }
        Ok(all.map(|(link, program)| {
            links
                .contains(&link)
                .then(|| program.clone().unwrap_or_else(|_| refuse_all()))
        }))
    }
}

fn refuse_all() -> Program {
    const RET: u16 = 6;
    Program {
        insns: vec![Insn {
            code: RET,
            ..Insn::default()
        }],
    }
}

/// The functions, and what their packets come in. The addresses only have to differ from each other
/// and from those of all other functions: the loader tells functions apart by them.
const FUNCTIONS: [(&str, ContextKind, u64); 2] = [
    ("capture_filter_xdp", ContextKind::Xdp, 1 << 32),
    ("capture_filter_tcx", ContextKind::SkBuff, 2 << 32),
];

/// The object with this filter in it, or with none; `links` are those of the interfaces.
pub(super) fn install(
    object: &[u8],
    filter: Option<&CaptureFilter>,
    links: &[LinkType],
) -> Result<Vec<u8>, AttachError> {
    let [ethernet, raw_ip] = match filter {
        Some(filter) => filter.programs(links)?,
        None => [None, None],
    };
    let programs = Programs {
        ethernet: ethernet.as_ref(),
        raw_ip: raw_ip.as_ref(),
    };
    let broken = |reason: String| AttachError::Kernel {
        what: "putting the filter into the eBPF object",
        reason,
    };
    let mut builder = Builder::read(object).map_err(|error| broken(error.to_string()))?;
    for (name, context, address) in FUNCTIONS {
        let insns =
            ebpf::translate(context, &programs).map_err(|error| AttachError::FilterTooComplex {
                reason: error.to_string(),
            })?;
        let bytes: Vec<u8> = insns.into_iter().flat_map(ebpf::Insn::bytes).collect();
        let symbol = builder
            .symbols
            .iter_mut()
            .find(|symbol| symbol.name.as_slice() == name.as_bytes());
        let section = symbol.and_then(|symbol| {
            symbol.st_size = bytes.len() as u64;
            symbol.st_value = address;
            symbol.section
        });
        let Some(section) = section else {
            return Err(broken(format!("{name} is not in it")));
        };
        let section = builder.sections.get_mut(section);
        section.sh_addr = address;
        section.data = SectionData::Data(bytes.into());
    }
    let mut installed = Vec::with_capacity(object.len());
    builder
        .write(&mut installed)
        .map_err(|error| broken(error.to_string()))?;
    Ok(installed)
}
