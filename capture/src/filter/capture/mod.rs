//! Capture filters: the language of pcap-filter(7), compiled to a program for the classic BPF machine.
//!
//! That machine is the meeting point: it is what libpcap compiles to, so that a program of ours and
//! one of libpcap's can be held against each other; files are filtered by running it, and the
//! kernel's hooks by translating it to eBPF.
//!
//! - `token.rs`, `lexer.rs`, `ast.rs`, `parser.rs`, `primitives.rs`, `arithmetic.rs` text to
//!   expression
//! - `names.rs`, `lookup.rs`, `wlan_names.rs` what names stand for
//! - `codegen/` expression to blocks, for one link type; `optimize/` blocks to program
//! - `op.rs`, `program.rs` the machine and its programs; `machine.rs` runs them on packets
//! - `ebpf/` that machine's programs for the kernel's hooks
//! - `explain.rs` expression to words; `error.rs` what is wrong with one, and where

mod arithmetic;
mod ast;
mod codegen;
pub mod ebpf;
mod error;
mod explain;
mod lexer;
mod lookup;
mod machine;
mod names;
pub(crate) mod op;
mod optimize;
mod parser;
mod primitives;
mod program;
#[cfg(test)]
mod tests;
mod token;
mod wlan_names;

pub use ast::Span;
pub use error::FilterError;
pub use machine::Machine;
pub use names::{Resolver, SystemResolver};
pub use optimize::Optimize;
pub use program::{Insn, InvalidProgram, Program};

use std::fmt;

use crate::packet::LinkType;
use ast::Expr;
use error::Fault;

/// Bytes that a program keeps unless asked otherwise: the same as tcpdump.
pub const DEFAULT_SNAP_LEN: u32 = 262_144;

/// Where packets come from. It decides what is known of them beside their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A file that was written in the byte order of this machine.
    #[default]
    File,
    /// A file that was written in the other byte order, which link type NULL tells from.
    ForeignFile,
    /// The kernel: `inbound`, `outbound` and `ifindex` load what it knows of a packet, from offsets
    /// that begin at `0xfffff000` (`SKF_AD_OFF` of `linux/filter.h`). Programs that do so keep
    /// nothing when run in userspace.
    Live,
}

/// How an expression is read and compiled.
#[derive(Clone, Copy)]
pub struct FilterOptions<'a> {
    /// Where packets come from.
    pub origin: Origin,
    /// Bytes of a matching packet to keep: what programs return.
    pub snap_len: u32,
    /// Network mask for `ip broadcast`, the first byte the highest; 0 if it is not known.
    pub netmask: u32,
    /// Whether to optimize programs.
    pub optimize: Optimize,
    /// Looks up names of hosts and networks; `None` refuses them.
    pub resolver: Option<&'a dyn Resolver>,
}

impl Default for FilterOptions<'_> {
    fn default() -> Self {
        Self {
            origin: Origin::File,
            snap_len: DEFAULT_SNAP_LEN,
            netmask: 0,
            optimize: Optimize::Yes,
            resolver: None,
        }
    }
}

impl fmt::Debug for FilterOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterOptions")
            .field("origin", &self.origin)
            .field("snap_len", &self.snap_len)
            .field("netmask", &self.netmask)
            .field("optimize", &self.optimize)
            .field("resolver", &self.resolver.is_some())
            .finish()
    }
}

/// An expression, read and its names looked up: to be compiled for any number of link types.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    /// `None` matches everything.
    expr: Option<Expr>,
    origin: Origin,
    snap_len: u32,
    netmask: u32,
    optimize: Optimize,
}

impl Filter {
    /// Reads an expression; an empty one matches everything.
    ///
    /// # Errors
    ///
    /// When the expression is none of the language, or a name in it stands for nothing.
    pub fn new(text: &str, options: &FilterOptions<'_>) -> Result<Self, FilterError> {
        Ok(Self {
            text: text.to_owned(),
            expr: parser::parse(text, options)?,
            origin: options.origin,
            snap_len: options.snap_len,
            netmask: options.netmask,
            optimize: options.optimize,
        })
    }

    /// The expression as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The program for packets of a link type.
    ///
    /// # Errors
    ///
    /// When packets of this link type do not have what is tested, or none of them can match.
    pub fn compile(&self, link: LinkType) -> Result<Program, FilterError> {
        self.compile_for(link, self.origin)
    }

    /// The same, checked and ready to run in userspace.
    ///
    /// # Errors
    ///
    /// As [`Filter::compile`].
    pub fn machine(&self, link: LinkType, origin: Origin) -> Result<Machine, FilterError> {
        self.compile_for(link, origin)?.validate().map_err(|error| {
            Fault::new(format!(
                "the program is not valid ({error}): a bug, please report it"
            ))
            .at(&self.text, 0..self.text.len())
        })
    }

    /// The program for packets that come from elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Filter::compile`].
    pub fn compile_for(&self, link: LinkType, origin: Origin) -> Result<Program, FilterError> {
        let options = FilterOptions {
            origin,
            snap_len: self.snap_len,
            netmask: self.netmask,
            optimize: self.optimize,
            resolver: None,
        };
        let code = codegen::generate(&self.text, self.expr.as_ref(), link, &options)?;
        optimize::program(code, self.optimize)
            .map_err(|fault| fault.at(&self.text, 0..self.text.len()))
    }
}
