//! Puts instructions in a row and finds the distances of jumps, however long they are.

use super::insn::{
    ADD, ALU, ALU64, AND, CALL, EXIT, Insn, JA, JMP, JMP32, LDX, LSH, MEM, MOV, OR, REG, ST, STX,
    TO_BE,
};

/// A place to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// A jump, or anything else.
#[derive(Clone, Copy, Debug)]
struct Item {
    insn: Insn,
    to: Option<Label>,
    /// The distance does not fit into 16 bits.
    far: bool,
}

impl Item {
    const fn len(&self) -> usize {
        match (self.far, self.insn.code == JMP | JA) {
            (false, _) | (true, true) => 1,
            // Around an unconditional jump that is taken if the condition holds.
            (true, false) => 3,
        }
    }
}

/// A program under construction.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    items: Vec<Item>,
    /// Number of the item that each label stands before.
    labels: Vec<Option<usize>>,
}

impl Assembler {
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    pub(super) fn labels(&mut self, count: usize) -> Vec<Label> {
        (0..count).map(|_| self.label()).collect()
    }

    /// The label stands here.
    pub(super) fn bind(&mut self, label: Label) {
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = Some(self.items.len());
        }
    }

    /// Whether anything jumps there so far.
    pub(super) fn is_wanted(&self, label: Label) -> bool {
        self.items.iter().any(|item| item.to == Some(label))
    }

    pub(super) fn push(&mut self, insn: Insn) {
        self.items.push(Item {
            insn,
            to: None,
            far: false,
        });
    }

    /// 32-bit arithmetic with a constant.
    pub(super) fn alu(&mut self, operation: u8, dst: u8, imm: i32) {
        self.push(Insn {
            code: ALU | operation,
            dst,
            imm,
            ..Insn::default()
        });
    }

    /// 32-bit arithmetic with a register.
    pub(super) fn alu_reg(&mut self, operation: u8, dst: u8, src: u8) {
        self.push(Insn {
            code: ALU | REG | operation,
            dst,
            src,
            ..Insn::default()
        });
    }

    /// A constant, the upper half zero.
    pub(super) fn set(&mut self, dst: u8, value: u32) {
        self.alu(MOV, dst, value.cast_signed());
    }

    /// The lower half, the upper half zero.
    pub(super) fn copy(&mut self, dst: u8, src: u8) {
        self.alu_reg(MOV, dst, src);
    }

    /// The whole register, a pointer for instance.
    pub(super) fn copy_whole(&mut self, dst: u8, src: u8) {
        self.push(Insn {
            code: ALU64 | REG | MOV,
            dst,
            src,
            ..Insn::default()
        });
    }

    /// Adds a constant to a whole register.
    pub(super) fn advance(&mut self, dst: u8, by: i32) {
        self.push(Insn {
            code: ALU64 | ADD,
            dst,
            imm: by,
            ..Insn::default()
        });
    }

    /// Adds a whole register to another.
    pub(super) fn advance_reg(&mut self, dst: u8, src: u8) {
        self.push(Insn {
            code: ALU64 | REG | ADD,
            dst,
            src,
            ..Insn::default()
        });
    }

    pub(super) fn load(&mut self, size: u8, dst: u8, src: u8, off: i16) {
        self.push(Insn {
            code: LDX | MEM | size,
            dst,
            src,
            off,
            imm: 0,
        });
    }

    pub(super) fn store(&mut self, size: u8, dst: u8, off: i16, src: u8) {
        self.push(Insn {
            code: STX | MEM | size,
            dst,
            src,
            off,
            imm: 0,
        });
    }

    pub(super) fn store_constant(&mut self, size: u8, dst: u8, off: i16, imm: i32) {
        self.push(Insn {
            code: ST | MEM | size,
            dst,
            src: 0,
            off,
            imm,
        });
    }

    /// From network byte order.
    pub(super) fn swap_from_network(&mut self, dst: u8, bits: i32) {
        self.alu(TO_BE, dst, bits);
    }

    pub(super) fn call(&mut self, helper: i32) {
        self.push(Insn {
            code: JMP | CALL,
            imm: helper,
            ..Insn::default()
        });
    }

    /// Ends with this result.
    pub(super) fn exit(&mut self, result: u32) {
        self.set(0, result);
        self.exit_with_result();
    }

    /// Ends with what register 0 holds.
    pub(super) fn exit_with_result(&mut self) {
        self.push(Insn {
            code: JMP | EXIT,
            ..Insn::default()
        });
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.jump_with(
            Insn {
                code: JMP | JA,
                ..Insn::default()
            },
            to,
        );
    }

    /// Jumps if the lower half compares so with a constant.
    pub(super) fn jump_if(&mut self, condition: u8, dst: u8, value: u32, to: Label) {
        self.jump_with(
            Insn {
                code: JMP32 | condition,
                dst,
                imm: value.cast_signed(),
                ..Insn::default()
            },
            to,
        );
    }

    /// Jumps if the lower half compares so with that of another register.
    pub(super) fn jump_if_reg(&mut self, condition: u8, dst: u8, src: u8, to: Label) {
        self.jump_with(
            Insn {
                code: JMP32 | REG | condition,
                dst,
                src,
                ..Insn::default()
            },
            to,
        );
    }

    /// Jumps if the whole register compares so with a constant that is not negative.
    pub(super) fn jump_if_whole(&mut self, condition: u8, dst: u8, imm: i32, to: Label) {
        self.jump_with(
            Insn {
                code: JMP | condition,
                dst,
                imm,
                ..Insn::default()
            },
            to,
        );
    }

    /// Jumps if the whole register compares so with another.
    pub(super) fn jump_if_whole_reg(&mut self, condition: u8, dst: u8, src: u8, to: Label) {
        self.jump_with(
            Insn {
                code: JMP | REG | condition,
                dst,
                src,
                ..Insn::default()
            },
            to,
        );
    }

    fn jump_with(&mut self, insn: Insn, to: Label) {
        self.items.push(Item {
            insn,
            to: Some(to),
            far: false,
        });
    }

    /// `dst` is to be the bytes so far and this one behind them.
    pub(super) fn append_byte(&mut self, dst: u8, byte: u8) {
        self.alu(LSH, dst, 8);
        self.alu_reg(OR, dst, byte);
    }

    /// `dst` is to be four times its lower four bits: a header's length.
    pub(super) fn header_length(&mut self, dst: u8) {
        self.alu(AND, dst, 0xf);
        self.alu(LSH, dst, 2);
    }

    /// The program, with the distances of its jumps. A label that was never bound ends the program
    /// there, which the kernel refuses; translation binds all of them.
    pub(super) fn finish(mut self) -> Vec<Insn> {
        let starts = loop {
            let starts = self.starts();
            let mut grown = false;
            for number in 0..self.items.len() {
                let Some((from, to)) = self.jump_of(number, &starts) else {
                    continue;
                };
                let item = &mut self.items[number];
                if !item.far && i16::try_from(to - from - 1).is_err() {
                    item.far = true;
                    grown = true;
                }
            }
            if !grown {
                break starts;
            }
        };
        let mut insns = Vec::with_capacity(starts.last().copied().unwrap_or(0));
        for number in 0..self.items.len() {
            let Item { insn, far, .. } = self.items[number];
            let Some((from, to)) = self.jump_of(number, &starts) else {
                insns.push(insn);
                continue;
            };
            // `goto` with a distance of 32 bits, which Linux knows since 6.6.
            let long = |distance: i64| Insn {
                code: JMP32 | JA,
                imm: distance as i32,
                ..Insn::default()
            };
            if !far {
                insns.push(Insn {
                    off: (to - from - 1) as i16,
                    ..insn
                });
            } else if insn.code == JMP | JA {
                insns.push(long(to - from - 1));
            } else {
                insns.push(Insn { off: 1, ..insn });
                insns.push(Insn {
                    code: JMP | JA,
                    off: 1,
                    ..Insn::default()
                });
                insns.push(long(to - from - 3));
            }
        }
        insns
    }

    /// Where each item starts, and the end.
    fn starts(&self) -> Vec<usize> {
        let mut at = 0;
        let mut starts: Vec<usize> = self
            .items
            .iter()
            .map(|item| {
                let start = at;
                at += item.len();
                start
            })
            .collect();
        starts.push(at);
        starts
    }

    /// From where to where an item jumps, if it does.
    fn jump_of(&self, number: usize, starts: &[usize]) -> Option<(i64, i64)> {
        let label = self.items[number].to?;
        let target = self.labels[label.0].unwrap_or(self.items.len());
        // Far from any bound: a program has at most a million instructions.
        let place = |item: usize| starts[item].cast_signed() as i64;
        Some((place(number), place(target)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::insn::{JEQ, JNE};
    use super::*;

    fn nothing(asm: &mut Assembler, count: usize) {
        for _ in 0..count {
            asm.set(0, 0);
        }
    }

    #[test]
    fn the_distance_of_a_jump_is_from_the_next_instruction() {
        let mut asm = Assembler::default();
        let to = asm.label();
        asm.jump_if(JEQ, 7, 1, to);
        nothing(&mut asm, 2);
        asm.bind(to);
        asm.exit(0);
        assert_eq!(asm.finish()[0].off, 2);
    }

    #[test]
    fn a_jump_of_more_than_16_bits_goes_around_a_long_one() {
        for (between, insns) in [(32_767, 1), (32_768, 3)] {
            let mut asm = Assembler::default();
            let to = asm.label();
            asm.jump_if(JNE, 7, 1, to);
            nothing(&mut asm, between);
            asm.bind(to);
            asm.exit(0);
            let found = asm.finish();
            assert_eq!(found.len(), insns + between + 2);
            if insns == 1 {
                assert_eq!(found[0].off, 32_767);
            } else {
                assert_eq!((found[0].off, found[1].off), (1, 1));
                assert_eq!((found[2].code, found[2].imm), (JMP32 | JA, 32_768));
            }
        }
    }
}
