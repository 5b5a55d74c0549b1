//! The classic BPF machine (Linux `Documentation/networking/filter.rst`, `McCanne` and Jacobson 1993):
//! an accumulator, an index register, sixteen words of memory, and jumps that only go forward.

use std::fmt;

use super::op;

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

/// Why a program cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProgram {
    /// There are no instructions.
    #[error("the program is empty")]
    Empty,
    /// The last instruction does not return.
    #[error("the program does not end with a return")]
    NoReturn,
    /// Places do not fit into 32 bits.
    #[error("the program has more than 2^32 instructions")]
    TooLong,
    /// There is no such instruction.
    #[error("instruction {at}: code {code:#06x} is unknown")]
    Unknown {
        /// Its place.
        at: usize,
        /// Its code.
        code: u16,
    },
    /// A jump leads out of the program.
    #[error("instruction {at}: the jump leads out of the program")]
    Jump {
        /// Its place.
        at: usize,
    },
    /// A memory word does not exist.
    #[error("instruction {at}: there are 16 memory words")]
    Memory {
        /// Its place.
        at: usize,
    },
}

/// The program as `tcpdump -d` prints it, a line an instruction.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, insn) in self.insns.iter().enumerate() {
            line(f, at, insn)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, at: usize, insn: &Insn) -> fmt::Result {
    let Insn { code, jt, jf, .. } = *insn;
    let name = name(code);
    let operand = operand(at, insn);
    if op::class(code) == op::JMP && op::operation(code) != op::JA {
        let next = at as u64 + 1;
        let (jt, jf) = (next + u64::from(jt), next + u64::from(jf));
        return writeln!(f, "({at:03}) {name:<8} {operand:<16} jt {jt}\tjf {jf}");
    }
    writeln!(f, "({at:03}) {name:<8} {operand}")
}

const fn name(code: u16) -> &'static str {
    match op::class(code) {
        op::LD => match op::size(code) {
            op::B => "ldb",
            op::H => "ldh",
            _ => "ld",
        },
        op::LDX if op::mode(code) == op::MSH => "ldxb",
        op::LDX => "ldx",
        op::ST => "st",
        op::STX => "stx",
        op::ALU => match op::operation(code) {
            op::ADD => "add",
            op::SUB => "sub",
            op::MUL => "mul",
            op::DIV => "div",
            op::MOD => "mod",
            op::AND => "and",
            op::OR => "or",
            op::XOR => "xor",
            op::LSH => "lsh",
            op::RSH => "rsh",
            op::NEG => "neg",
            _ => "unimp",
        },
        op::JMP => match op::operation(code) {
            op::JA => "ja",
            op::JEQ => "jeq",
            op::JGT => "jgt",
            op::JGE => "jge",
            op::JSET => "jset",
            _ => "unimp",
        },
        op::RET => "ret",
        _ if code == op::MISC | op::TAX => "tax",
        _ if code == op::MISC | op::TXA => "txa",
        _ => "unimp",
    }
}

fn operand(at: usize, insn: &Insn) -> String {
    let Insn { code, k, .. } = *insn;
    // tcpdump prints most numbers as signed ones.
    let signed = k.cast_signed();
    match op::class(code) {
        op::LD | op::LDX => match op::mode(code) {
            op::IMM => format!("#{k:#x}"),
            op::ABS => match k {
                op::ANCILLARY_PACKET_TYPE => "[type]".to_owned(),
                op::ANCILLARY_IFINDEX => "[ifidx]".to_owned(),
                _ => format!("[{signed}]"),
            },
            op::IND => format!("[x + {signed}]"),
            op::MEM => format!("M[{k}]"),
            op::LEN => "#pktlen".to_owned(),
            _ => format!("4*([{signed}]&0xf)"),
        },
        op::ST | op::STX => format!("M[{k}]"),
        op::ALU if op::operation(code) == op::NEG => String::new(),
        op::ALU | op::JMP if op::operation(code) == op::JA && op::class(code) == op::JMP => {
            format!("{}", at as u64 + 1 + u64::from(k))
        }
        op::ALU | op::JMP if op::source(code) == op::X => "x".to_owned(),
        op::JMP => format!("#{k:#x}"),
        op::ALU => match op::operation(code) {
            op::AND | op::OR | op::XOR => format!("#{k:#x}"),
            _ => format!("#{signed}"),
        },
        op::RET if code & 0x18 == op::K => format!("#{signed}"),
        _ => String::new(),
    }
}
