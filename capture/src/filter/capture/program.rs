//! The classic BPF machine (Linux `Documentation/networking/filter.rst`, `McCanne` and Jacobson 1993):
//! an accumulator, an index register, sixteen words of memory, and jumps that only go forward.

/// One instruction. `code` is as `linux/bpf_common.h` and `linux/filter.h` number it. Jumps are
/// relative to the next instruction.
///
/// Unlike the kernel's `struct sock_filter`, the targets of a conditional jump have 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Class, mode, size, operation and source.
    pub code: u16,
    /// Instructions to skip if the condition holds.
    pub jt: u32,
    /// Instructions to skip if it does not.
    pub jf: u32,
    /// Constant, offset, or the target of an unconditional jump.
    pub k: u32,
}

/// A program: what it returns is the number of bytes of the packet to keep, 0 for none.
///
/// **Invariant:** every jump goes forward and stays within, the last instruction returns, and memory
/// cells are below 16. A load beyond the captured bytes returns 0, and so does a division by zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The instructions.
    pub insns: Vec<Insn>,
}
