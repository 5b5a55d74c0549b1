//! Instructions as text, in the style of `bpftool prog dump xlated`.

use std::fmt;

use super::insn::{
    ADD, ALU, ALU64, AND, CALL, DIV, EXIT, FRAME, Insn, JA, JEQ, JGE, JGT, JLE, JLT, JMP, JMP32,
    JNE, JSET, LDX, LSH, MOD, MOV, MUL, NEG, OR, REG, RSH, ST, STX, SUB, TO_BE, XOR,
};

/// A program, one line an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Disassembly<'a>(pub &'a [Insn]);

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, insn) in self.0.iter().enumerate() {
            write!(f, "{at:>4}: ")?;
            one(f, at, *insn)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn one(f: &mut fmt::Formatter<'_>, at: usize, insn: Insn) -> fmt::Result {
    let Insn {
        code,
        dst,
        src,
        off,
        imm,
    } = insn;
    let class = code & 0x07;
    let wide = class == ALU64 || class == JMP;
    let name = if wide { 'r' } else { 'w' };
    let memory = match code & 0x18 {
        0x00 => "u32",
        0x08 => "u16",
        0x10 => "u8",
        _ => "u64",
    };
    match class {
        LDX => write!(f, "r{dst} = *({memory} *)({})", Address(src, off)),
        ST => write!(f, "*({memory} *)({}) = {imm}", Address(dst, off)),
        STX => write!(f, "*({memory} *)({}) = r{src}", Address(dst, off)),
        ALU if code & 0xf8 == TO_BE => write!(f, "r{dst} = be{imm} r{dst}"),
        ALU | ALU64 if code & 0xf0 == NEG => write!(f, "{name}{dst} = -{name}{dst}"),
        ALU | ALU64 => {
            let operator = match code & 0xf0 {
                ADD => "+=",
                SUB => "-=",
                MUL => "*=",
                DIV => "/=",
                OR => "|=",
                AND => "&=",
                LSH => "<<=",
                RSH => ">>=",
                MOD => "%=",
                XOR => "^=",
                MOV => "=",
                _ => "?=",
            };
            write!(f, "{name}{dst} {operator} {}", Operand(insn, name))
        }
        JMP if code & 0xf0 == CALL => match helper(imm) {
            Some(helper) => write!(f, "call {helper}#{imm}"),
            None => write!(f, "call #{imm}"),
        },
        JMP if code & 0xf0 == EXIT => write!(f, "exit"),
        JMP if code & 0xf0 == JA => write!(f, "goto {}", Target(at, i64::from(off))),
        JMP32 if code & 0xf0 == JA => write!(f, "gotol {}", Target(at, i64::from(imm))),
        _ => {
            let comparison = match code & 0xf0 {
                JEQ => "==",
                JGT => ">",
                JGE => ">=",
                JSET => "&",
                JNE => "!=",
                JLT => "<",
                JLE => "<=",
                _ => "?",
            };
            write!(
                f,
                "if {name}{dst} {comparison} {} goto {}",
                Operand(insn, name),
                Target(at, i64::from(off))
            )
        }
    }
}

struct Address(u8, i16);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(register, off) = self;
        write!(f, "r{register} {off:+}")
    }
}

struct Operand(Insn, char);

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(insn, name) = self;
        if insn.code & REG != 0 {
            write!(f, "{name}{}", insn.src)
        } else if insn.dst == FRAME || (insn.imm < 0 && *name == 'r') {
            write!(f, "{}", insn.imm)
        } else {
            write!(f, "{:#x}", insn.imm)
        }
    }
}

/// Distance, and where that is.
struct Target(usize, i64);

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(at, distance) = self;
        write!(
            f,
            "{distance:+} <{}>",
            at.cast_signed() as i64 + 1 + distance
        )
    }
}

const fn helper(number: i32) -> Option<&'static str> {
    match number {
        26 => Some("bpf_skb_load_bytes"),
        188 => Some("bpf_xdp_get_buff_len"),
        189 => Some("bpf_xdp_load_bytes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ContextKind, Programs, translate};
    use super::*;
    use crate::filter::capture::{Insn as Classic, Program};

    #[test]
    fn instructions_are_shown_with_the_places_that_they_jump_to() {
        // ld [x + 2]; jgt #5, 0, 1; ret #1; ret #0
        let classic = [(0x40, 0, 0, 2), (0x25, 0, 1, 5), (6, 0, 0, 1), (6, 0, 0, 0)];
        let insns = classic.map(|(code, jt, jf, k)| Classic { code, jt, jf, k });
        let program = Program {
            insns: insns.to_vec(),
        };
        let programs = Programs {
            ethernet: Some(&program),
            raw_ip: None,
        };
        let insns = translate(ContextKind::Xdp, &programs).unwrap();
        let text = Disassembly(&insns).to_string();
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        assert_eq!(
            lines[..12],
            [
                "0: r6 = r1",
                "1: w7 = 0x0",
                "2: w8 = 0x0",
                "3: r2 = *(u32 *)(r6 +0)",
                "4: r3 = *(u32 *)(r6 +4)",
                "5: w4 = w8",
                "6: r4 += r2",
                "7: r5 = r4",
                "8: r5 += 0x6",
                "9: if r5 > r3 goto +7 <17>",
                "10: r7 = *(u32 *)(r4 +2)",
                "11: r7 = be32 r7",
            ]
        );
        assert!(text.contains("if w7 <= 0x5 goto"), "{text}");
        assert!(text.contains("call bpf_xdp_load_bytes#189"), "{text}");
        assert!(text.contains("r3 += -8"), "{text}");
    }
}
