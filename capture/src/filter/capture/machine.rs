//! Runs programs on packets: checked once, then decoded, so that a run asks nothing twice.
//!
//! Jumps hold the place that they lead to, and every place is followed by another or returns; what
//! could still go wrong is a load beyond the captured bytes, or a division by zero, and both end the
//! run with 0. Nothing panics and nothing is unsafe: places and memory words are masked or looked up
//! with `get`.

use super::op;
use super::program::{Insn, InvalidProgram, Program};

/// A checked program, ready to run.
#[derive(Clone, Debug)]
pub struct Machine {
    steps: Vec<Step>,
}

/// A number that is known, or the index register.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Constant(u32),
    Index,
}

#[derive(Clone, Copy, Debug)]
enum Compare {
    Equal,
    Greater,
    GreaterOrEqual,
    Bits,
}

/// Where to go next.
#[derive(Clone, Copy, Debug)]
struct Ways {
    yes: u32,
    no: u32,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
enum Step {
    Return(u32),
    ReturnAccumulator,
    ReturnIndex,
    LoadByte(u32),
    LoadHalf(u32),
    LoadWord(u32),
    LoadByteAt(u32),
    LoadHalfAt(u32),
    LoadWordAt(u32),
    LoadLen,
    LoadConstant(u32),
    LoadMemory(u32),
    LoadIndexConstant(u32),
    LoadIndexLen,
    LoadIndexMemory(u32),
    LoadIndexHeaderLen(u32),
    Store(u32),
    StoreIndex(u32),
    Add(Operand),
    Sub(Operand),
    Mul(Operand),
    Div(Operand),
    Mod(Operand),
    And(Operand),
    Or(Operand),
    Xor(Operand),
    ShiftLeft(Operand),
    ShiftRight(Operand),
    Negate,
    ToIndex,
    ToAccumulator,
    Jump(u32),
    /// A constant is compared with what is loaded from a constant offset: most of what filters do.
    ByteIs(u32, u32, Ways),
    HalfIs(u32, u32, Ways),
    WordIs(u32, u32, Ways),
    Compare(Compare, Operand, Ways),
}

impl Program {
    /// Checks the program and makes it ready to run.
    ///
    /// # Errors
    ///
    /// When an instruction is unknown, a jump leaves the program, a memory word does not exist, or
    /// the last instruction does not return.
    pub fn validate(&self) -> Result<Machine, InvalidProgram> {
        Machine::new(&self.insns)
    }

    /// Runs the program once: bytes of the packet to keep, 0 for none, and 0 for programs that are
    /// not valid. Whoever has more than one packet calls [`Program::validate`] first.
    #[must_use]
    pub fn run(&self, data: &[u8], wire_len: u32) -> u32 {
        self.validate()
            .map_or(0, |machine| machine.run(data, wire_len))
    }
}

impl Machine {
    fn new(insns: &[Insn]) -> Result<Self, InvalidProgram> {
        match insns.last() {
            None => return Err(InvalidProgram::Empty),
            Some(last) if op::class(last.code) != op::RET => {
                return Err(InvalidProgram::NoReturn);
            }
            Some(_) => {}
        }
        if u32::try_from(insns.len()).is_err() {
            return Err(InvalidProgram::TooLong);
        }
        let steps = insns
            .iter()
            .enumerate()
            .map(|(at, insn)| step(insns, at, insn))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            steps: joined(insns, steps),
        })
    }

    /// Runs on a packet of which `data` was captured and that had `wire_len` bytes: how many bytes to
    /// keep, 0 for none.
    #[must_use]
    pub fn run(&self, data: &[u8], wire_len: u32) -> u32 {
        self.execute(data, wire_len).unwrap_or(0)
    }

    /// Whether the packet is kept.
    #[must_use]
    pub fn keeps(&self, data: &[u8], wire_len: u32) -> bool {
        self.run(data, wire_len) != 0
    }

    /// `None` for a load beyond the packet, and for a division by zero.
    fn execute(&self, data: &[u8], wire_len: u32) -> Option<u32> {
        let mut a: u32 = 0;
        let mut x: u32 = 0;
        let mut memory = [0_u32; op::MEMORY_WORDS];
        let mut at = 0_usize;
        let value = |operand: Operand, x: u32| match operand {
            Operand::Constant(constant) => constant,
            Operand::Index => x,
        };
        loop {
            let step = self.steps.get(at)?;
            at += 1;
            match *step {
                Step::ByteIs(offset, constant, ways) => {
                    a = byte(data, offset)?;
                    at = ways.go(a == constant);
                }
                Step::HalfIs(offset, constant, ways) => {
                    a = half(data, offset)?;
                    at = ways.go(a == constant);
                }
                Step::WordIs(offset, constant, ways) => {
                    a = word(data, offset)?;
                    at = ways.go(a == constant);
                }
                Step::Compare(compare, operand, ways) => {
                    let operand = value(operand, x);
                    at = ways.go(match compare {
                        Compare::Equal => a == operand,
                        Compare::Greater => a > operand,
                        Compare::GreaterOrEqual => a >= operand,
                        Compare::Bits => a & operand != 0,
                    });
                }
                Step::Jump(to) => at = to as usize,
                Step::Return(keep) => return Some(keep),
                Step::ReturnAccumulator => return Some(a),
                Step::ReturnIndex => return Some(x),
                Step::LoadByte(offset) => a = byte(data, offset)?,
                Step::LoadHalf(offset) => a = half(data, offset)?,
                Step::LoadWord(offset) => a = word(data, offset)?,
                Step::LoadByteAt(offset) => a = byte(data, x.checked_add(offset)?)?,
                Step::LoadHalfAt(offset) => a = half(data, x.checked_add(offset)?)?,
                Step::LoadWordAt(offset) => a = word(data, x.checked_add(offset)?)?,
                Step::LoadLen => a = wire_len,
                Step::LoadConstant(constant) => a = constant,
                Step::LoadMemory(place) => a = *memory.get(place as usize)?,
                Step::LoadIndexConstant(constant) => x = constant,
                Step::LoadIndexLen => x = wire_len,
                Step::LoadIndexMemory(place) => x = *memory.get(place as usize)?,
                Step::LoadIndexHeaderLen(offset) => x = (byte(data, offset)? & 0xf) << 2,
                Step::Store(place) => *memory.get_mut(place as usize)? = a,
                Step::StoreIndex(place) => *memory.get_mut(place as usize)? = x,
                Step::Add(operand) => a = a.wrapping_add(value(operand, x)),
                Step::Sub(operand) => a = a.wrapping_sub(value(operand, x)),
                Step::Mul(operand) => a = a.wrapping_mul(value(operand, x)),
                Step::Div(operand) => a = a.checked_div(value(operand, x))?,
                Step::Mod(operand) => a = a.checked_rem(value(operand, x))?,
                Step::And(operand) => a &= value(operand, x),
                Step::Or(operand) => a |= value(operand, x),
                Step::Xor(operand) => a ^= value(operand, x),
                // As in libpcap: whatever is shifted by 32 or more is gone.
                Step::ShiftLeft(operand) => a = a.checked_shl(value(operand, x)).unwrap_or(0),
                Step::ShiftRight(operand) => a = a.checked_shr(value(operand, x)).unwrap_or(0),
                Step::Negate => a = a.wrapping_neg(),
                Step::ToIndex => x = a,
                Step::ToAccumulator => a = x,
            }
        }
    }
}

impl Ways {
    const fn go(self, yes: bool) -> usize {
        if yes {
            self.yes as usize
        } else {
            self.no as usize
        }
    }
}

fn byte(data: &[u8], offset: u32) -> Option<u32> {
    data.get(offset as usize).map(|byte| u32::from(*byte))
}

fn half(data: &[u8], offset: u32) -> Option<u32> {
    let bytes = data.get(offset as usize..)?.first_chunk::<2>()?;
    Some(u32::from(u16::from_be_bytes(*bytes)))
}

fn word(data: &[u8], offset: u32) -> Option<u32> {
    let bytes = data.get(offset as usize..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

fn step(insns: &[Insn], at: usize, insn: &Insn) -> Result<Step, InvalidProgram> {
    let Insn { code, jt, jf, k } = *insn;
    let unknown = InvalidProgram::Unknown { at, code };
    let operand = if op::source(code) == op::X {
        Operand::Index
    } else {
        Operand::Constant(k)
    };
    let place = |k: u32| {
        if (k as usize) < op::MEMORY_WORDS {
            Ok(k)
        } else {
            Err(InvalidProgram::Memory { at })
        }
    };
    let target = |ahead: u32| {
        let to = (at + 1).checked_add(ahead as usize);
        to.filter(|to| *to < insns.len())
            .map(|to| to as u32)
            .ok_or(InvalidProgram::Jump { at })
    };
    Ok(match op::class(code) {
        op::LD => match (op::mode(code), op::size(code)) {
            (op::ABS, op::B) => Step::LoadByte(k),
            (op::ABS, op::H) => Step::LoadHalf(k),
            (op::ABS, op::W) => Step::LoadWord(k),
            (op::IND, op::B) => Step::LoadByteAt(k),
            (op::IND, op::H) => Step::LoadHalfAt(k),
            (op::IND, op::W) => Step::LoadWordAt(k),
            (op::LEN, op::W) => Step::LoadLen,
            (op::IMM, op::W) => Step::LoadConstant(k),
            (op::MEM, op::W) => Step::LoadMemory(place(k)?),
            _ => return Err(unknown),
        },
        op::LDX => match (op::mode(code), op::size(code)) {
            (op::IMM, op::W) => Step::LoadIndexConstant(k),
            (op::MEM, op::W) => Step::LoadIndexMemory(place(k)?),
            (op::LEN, op::W) => Step::LoadIndexLen,
            (op::MSH, op::B) => Step::LoadIndexHeaderLen(k),
            _ => return Err(unknown),
        },
        op::ST if code == op::ST => Step::Store(place(k)?),
        op::STX if code == op::STX => Step::StoreIndex(place(k)?),
        op::ALU => match op::operation(code) {
            op::ADD => Step::Add(operand),
            op::SUB => Step::Sub(operand),
            op::MUL => Step::Mul(operand),
            op::DIV => Step::Div(operand),
            op::MOD => Step::Mod(operand),
            op::AND => Step::And(operand),
            op::OR => Step::Or(operand),
            op::XOR => Step::Xor(operand),
            op::LSH => Step::ShiftLeft(operand),
            op::RSH => Step::ShiftRight(operand),
            op::NEG if code == op::ALU | op::NEG => Step::Negate,
            _ => return Err(unknown),
        },
        op::JMP if op::operation(code) == op::JA => Step::Jump(target(k)?),
        op::JMP => {
            let compare = match op::operation(code) {
                op::JEQ => Compare::Equal,
                op::JGT => Compare::Greater,
                op::JGE => Compare::GreaterOrEqual,
                op::JSET => Compare::Bits,
                _ => return Err(unknown),
            };
            let ways = Ways {
                yes: target(jt)?,
                no: target(jf)?,
            };
            Step::Compare(compare, operand, ways)
        }
        op::RET => match code & 0x18 {
            op::K => Step::Return(k),
            op::X => Step::ReturnIndex,
            op::A => Step::ReturnAccumulator,
            _ => return Err(unknown),
        },
        op::MISC if code == op::MISC | op::TAX => Step::ToIndex,
        op::MISC if code == op::MISC | op::TXA => Step::ToAccumulator,
        _ => return Err(unknown),
    })
}

/// Joins loads and the comparisons after them. Both stay where they are, for jumps that lead to the
/// comparison.
fn joined(insns: &[Insn], mut steps: Vec<Step>) -> Vec<Step> {
    for at in 0..insns.len().saturating_sub(1) {
        if let Some(Step::Compare(Compare::Equal, Operand::Constant(k), ways)) =
            steps.get(at + 1).copied()
            && let Some(step) = steps.get_mut(at)
        {
            *step = match *step {
                Step::LoadByte(offset) => Step::ByteIs(offset, k, ways),
                Step::LoadHalf(offset) => Step::HalfIs(offset, k, ways),
                Step::LoadWord(offset) => Step::WordIs(offset, k, ways),
                other => other,
            };
        }
    }
    steps
}
