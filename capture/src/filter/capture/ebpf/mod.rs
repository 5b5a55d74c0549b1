//! Capture filters as eBPF, for the kernel's hooks.
//!
//! - `assembler.rs` instructions in a row, and the distances of jumps
//! - `classic.rs` instructions of the classic machine by what they do
//! - `disassembly.rs` instructions as text
//! - `facts.rs` what is known before each instruction
//! - `insn.rs` eBPF instructions
//! - `translate.rs` from the one machine to the other

mod assembler;
mod classic;
mod disassembly;
mod facts;
mod insn;
mod translate;

pub use disassembly::Disassembly;
pub use insn::Insn;

use super::program::Program;

/// What a program gets at its hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextKind {
    /// `struct xdp_md`, at XDP.
    Xdp,
    /// `struct __sk_buff`, at TCX.
    SkBuff,
}

/// One filter for each link layer that there may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Programs<'a> {
    /// For frames with an Ethernet header.
    pub ethernet: Option<&'a Program>,
    /// For packets that start with the IP header.
    pub raw_ip: Option<&'a Program>,
}

/// Most instructions that the kernel takes in one program (`BPF_COMPLEXITY_LIMIT_INSNS` in
/// `kernel/bpf/verifier.c`), less a share for the rest of ours.
pub const MAX_INSNS: usize = 900_000;

/// The program is longer than the kernel takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has {len} instructions for the kernel, which takes {MAX_INSNS}")]
pub struct TooLong {
    /// Its length.
    pub len: usize,
}

/// Translates to a function of the context and the kind of packet (`LINK_*` and `FILTER_OUTGOING` of
/// `capture_common::Settings`) that returns 0 for packets that are not wanted and 1 for others. Bytes beyond the end of the packet
/// refuse it, whatever of it lies in one piece.
///
/// Its first instruction, and every other one, is 8 bytes long.
///
/// # Errors
///
/// When it gets longer than the kernel takes.
pub fn translate(context: ContextKind, programs: &Programs<'_>) -> Result<Vec<Insn>, TooLong> {
    let insns = translate::translate(context, programs);
    if insns.len() > MAX_INSNS {
        return Err(TooLong { len: insns.len() });
    }
    Ok(insns)
}
