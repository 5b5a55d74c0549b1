//! What is known before each instruction of a classic program, on every way to it. Jumps go forward
//! only, so one pass finds it.

use super::super::program::{Insn, Program};
use super::classic::{self, Offset, Operation, Source};

/// What holds before an instruction, however it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Bytes from the packet's start that were found to be there.
    pub(super) checked: u32,
    /// The index register is no more than this.
    pub(super) x_max: u32,
    /// Memory cells that were written, a bit each.
    pub(super) written: u16,
}

impl Facts {
    /// Before the first instruction.
    pub(super) const START: Self = Self {
        checked: 0,
        x_max: 0,
        written: 0,
    };

    const fn join(self, other: Self) -> Self {
        const fn min(a: u32, b: u32) -> u32 {
            if a < b { a } else { b }
        }
        const fn max(a: u32, b: u32) -> u32 {
            if a > b { a } else { b }
        }
        Self {
            checked: min(self.checked, other.checked),
            x_max: max(self.x_max, other.x_max),
            written: self.written & other.written,
        }
    }
}

/// How packets are read: decides what an instruction leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// In place, and what cannot be read in place is left to another body.
    InPlace,
    /// By a call.
    ByCall,
}

/// Whether a read is left to the body that reads by a call without a look at the packet: offsets in
/// instructions have 16 bits.
pub(super) fn never_in_place(size: u32, offset: Offset) -> bool {
    const LARGEST: u32 = 0x7000;
    let (Offset::Constant(k) | Offset::Indexed(k)) = offset;
    k.saturating_add(size) > LARGEST
}

/// Facts before each instruction; `None` where it cannot be reached. `entries` are the instructions
/// at which the body is entered.
pub(super) fn facts(
    program: &Program,
    reading: Reading,
    entries: &[Option<Facts>],
) -> Vec<Option<Facts>> {
    let insns = &program.insns;
    let mut facts: Vec<Option<Facts>> = entries.to_vec();
    facts.resize(insns.len(), None);
    for (at, insn) in insns.iter().enumerate() {
        let Some(before) = facts[at] else { continue };
        let (after, next) = step(*insn, before, reading);
        for skip in next.into_iter().flatten() {
            if let Some(place) = facts.get_mut(at + 1 + skip as usize) {
                *place = Some(place.map_or(after, |known| known.join(after)));
            }
        }
    }
    facts
}

/// What holds after an instruction, and how many it skips: up to two ways.
fn step(insn: Insn, before: Facts, reading: Reading) -> (Facts, [Option<u32>; 2]) {
    let mut after = before;
    let on = [Some(0), None];
    let next = match classic::decode(insn) {
        Operation::Load { size, offset, .. } | Operation::HeaderLength { size, offset } => {
            if let Operation::HeaderLength { .. } = classic::decode(insn) {
                after.x_max = 60;
            }
            if let Offset::Constant(k) = offset {
                after.checked = before.checked.max(k.saturating_add(size));
            }
            if reading == Reading::InPlace && never_in_place(size, offset) {
                [None, None]
            } else {
                on
            }
        }
        Operation::SetX(source) => {
            after.x_max = match source {
                Source::Constant(k) => k,
                _ => u32::MAX,
            };
            on
        }
        Operation::Store { cell, .. } => {
            after.written |= 1 << (cell & 15);
            on
        }
        Operation::Divide {
            by: Source::Constant(0),
            ..
        } => [None, None],
        Operation::SetA(_) | Operation::Arithmetic { .. } | Operation::Divide { .. } => on,
        Operation::Jump(k) => [Some(k), None],
        Operation::Branch { jt, jf, .. } => [Some(jt), Some(jf)],
        Operation::ReturnConstant(_) | Operation::Return(_) | Operation::Invalid => [None, None],
    };
    (after, next)
}
