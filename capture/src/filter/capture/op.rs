//! Numbers of the classic machine's instructions (`linux/bpf_common.h`), named once.

/// Classes: the lowest three bits.
pub(crate) const LD: u16 = 0x00;
pub(crate) const LDX: u16 = 0x01;
pub(crate) const ST: u16 = 0x02;
pub(crate) const STX: u16 = 0x03;
pub(crate) const ALU: u16 = 0x04;
pub(crate) const JMP: u16 = 0x05;
pub(crate) const RET: u16 = 0x06;
pub(crate) const MISC: u16 = 0x07;

/// Sizes of a load.
pub(crate) const W: u16 = 0x00;
pub(crate) const H: u16 = 0x08;
pub(crate) const B: u16 = 0x10;

/// Modes of a load.
pub(crate) const IMM: u16 = 0x00;
pub(crate) const ABS: u16 = 0x20;
pub(crate) const IND: u16 = 0x40;
pub(crate) const MEM: u16 = 0x60;
pub(crate) const LEN: u16 = 0x80;
pub(crate) const MSH: u16 = 0xa0;

/// Operations of `ALU`.
pub(crate) const ADD: u16 = 0x00;
pub(crate) const SUB: u16 = 0x10;
pub(crate) const MUL: u16 = 0x20;
pub(crate) const DIV: u16 = 0x30;
pub(crate) const OR: u16 = 0x40;
pub(crate) const AND: u16 = 0x50;
pub(crate) const LSH: u16 = 0x60;
pub(crate) const RSH: u16 = 0x70;
pub(crate) const NEG: u16 = 0x80;
pub(crate) const MOD: u16 = 0x90;
pub(crate) const XOR: u16 = 0xa0;

/// Operations of `JMP`.
pub(crate) const JA: u16 = 0x00;
pub(crate) const JEQ: u16 = 0x10;
pub(crate) const JGT: u16 = 0x20;
pub(crate) const JGE: u16 = 0x30;
pub(crate) const JSET: u16 = 0x40;

/// Where the second operand comes from.
pub(crate) const K: u16 = 0x00;
pub(crate) const X: u16 = 0x08;
/// What `RET` returns, if not the constant.
pub(crate) const A: u16 = 0x10;

/// Operations of `MISC`.
pub(crate) const TAX: u16 = 0x00;
pub(crate) const TXA: u16 = 0x80;

/// Memory words of the machine.
pub(crate) const MEMORY_WORDS: usize = 16;

/// Loads from here on read what the kernel knows beside the bytes (`SKF_AD_OFF` of
/// `linux/filter.h`): no packet has a byte there.
pub(crate) const ANCILLARY: u32 = 0xffff_f000;
/// Direction of the packet: 4 is outgoing.
pub(crate) const ANCILLARY_PACKET_TYPE: u32 = ANCILLARY + 4;
/// Number of the interface.
pub(crate) const ANCILLARY_IFINDEX: u32 = ANCILLARY + 8;

/// Class of an instruction.
pub(crate) const fn class(code: u16) -> u16 {
    code & 0x07
}

/// Size of a load.
pub(crate) const fn size(code: u16) -> u16 {
    code & 0x18
}

/// Mode of a load.
pub(crate) const fn mode(code: u16) -> u16 {
    code & 0xe0
}

/// Operation of an `ALU` or `JMP` instruction.
pub(crate) const fn operation(code: u16) -> u16 {
    code & 0xf0
}

/// Where the second operand of an `ALU` or `JMP` instruction comes from.
pub(crate) const fn source(code: u16) -> u16 {
    code & 0x08
}
