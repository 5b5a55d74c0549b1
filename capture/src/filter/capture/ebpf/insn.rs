//! eBPF instructions, as the kernel numbers them (`Documentation/bpf/standardization/instruction-set.rst`).

/// One instruction of 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Class, operation and source.
    pub code: u8,
    /// Register that is written, or compared.
    pub dst: u8,
    /// Register that is read.
    pub src: u8,
    /// Offset of a memory access, or distance of a jump.
    pub off: i16,
    /// Constant.
    pub imm: i32,
}

impl Insn {
    /// Length in bytes.
    pub const LEN: usize = 8;

    /// As it lies in memory on this machine.
    #[must_use]
    pub fn bytes(self) -> [u8; Self::LEN] {
        let [off_0, off_1] = self.off.to_ne_bytes();
        let [imm_0, imm_1, imm_2, imm_3] = self.imm.to_ne_bytes();
        let registers = if cfg!(target_endian = "little") {
            self.dst | self.src << 4
        } else {
            self.dst << 4 | self.src
        };
        [
            self.code, registers, off_0, off_1, imm_0, imm_1, imm_2, imm_3,
        ]
    }
}

// Classes.
pub(super) const LDX: u8 = 0x01;
pub(super) const ST: u8 = 0x02;
pub(super) const STX: u8 = 0x03;
pub(super) const ALU: u8 = 0x04;
pub(super) const JMP: u8 = 0x05;
pub(super) const JMP32: u8 = 0x06;
pub(super) const ALU64: u8 = 0x07;

/// The other operand is a register, not a constant.
pub(super) const REG: u8 = 0x08;
/// Memory is accessed at a register and an offset.
pub(super) const MEM: u8 = 0x60;

// Sizes of memory accesses.
pub(super) const W: u8 = 0x00;
pub(super) const H: u8 = 0x08;
pub(super) const B: u8 = 0x10;
pub(super) const DW: u8 = 0x18;

// Arithmetic.
pub(super) const ADD: u8 = 0x00;
pub(super) const SUB: u8 = 0x10;
pub(super) const MUL: u8 = 0x20;
pub(super) const DIV: u8 = 0x30;
pub(super) const OR: u8 = 0x40;
pub(super) const AND: u8 = 0x50;
pub(super) const LSH: u8 = 0x60;
pub(super) const RSH: u8 = 0x70;
pub(super) const NEG: u8 = 0x80;
pub(super) const MOD: u8 = 0x90;
pub(super) const XOR: u8 = 0xa0;
pub(super) const MOV: u8 = 0xb0;
/// To big endian, or from it; the constant is the number of bits.
pub(super) const TO_BE: u8 = 0xd8;

// Jumps.
pub(super) const JA: u8 = 0x00;
pub(super) const JEQ: u8 = 0x10;
pub(super) const JGT: u8 = 0x20;
pub(super) const JGE: u8 = 0x30;
pub(super) const JSET: u8 = 0x40;
pub(super) const JNE: u8 = 0x50;
pub(super) const CALL: u8 = 0x80;
pub(super) const EXIT: u8 = 0x90;
pub(super) const JLT: u8 = 0xa0;
pub(super) const JLE: u8 = 0xb0;

/// The stack's end; cells lie below it.
pub(super) const FRAME: u8 = 10;
