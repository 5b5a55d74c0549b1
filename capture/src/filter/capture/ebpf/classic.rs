//! Instructions of the classic machine by what they do (`linux/bpf_common.h`).

use super::super::program::Insn;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Constant(u32),
    A,
    X,
    Memory(u32),
    WireLen,
    /// `PACKET_OUTGOING` of `linux/if_packet.h` for what goes out, 0 for the rest.
    PacketType,
    /// The kernel's number of the interface.
    Ifindex,
}

/// Where in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offset {
    Constant(u32),
    /// This and the index register.
    Indexed(u32),
}

/// A register of the classic machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    A,
    X,
}

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Reads bytes of the packet into A.
    Load {
        size: u32,
        offset: Offset,
    },
    /// X = four times the lower half of a byte of the packet.
    HeaderLength {
        size: u32,
        offset: Offset,
    },
    SetA(Source),
    SetX(Source),
    Store {
        cell: u32,
        from: Register,
    },
    /// One of the operations that cannot fail, by the eBPF number of it.
    Arithmetic {
        code: u8,
        with: Source,
    },
    /// Division or remainder, by the eBPF number of it.
    Divide {
        code: u8,
        by: Source,
    },
    Jump(u32),
    Branch {
        /// By the eBPF number of it.
        condition: u8,
        with: Source,
        jt: u32,
        jf: u32,
    },
    ReturnConstant(u32),
    Return(Register),
    /// None that there is: the packet is refused.
    Invalid,
}

/// Loads that the kernel's classic machine answers from beside the packet (`SKF_AD_OFF` of
/// `linux/filter.h`, and what is added to it).
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
const IFINDEX: u32 = 0xffff_f000 + 8;

/// What an instruction does.
pub(super) fn decode(insn: Insn) -> Operation {
    const LD: u16 = 0;
    const LDX: u16 = 1;
    const ST: u16 = 2;
    const STX: u16 = 3;
    const ALU: u16 = 4;
    const JMP: u16 = 5;
    const RET: u16 = 6;
    const MISC: u16 = 7;
    let Insn { code, jt, jf, k } = insn;
    let size = match code & 0x18 {
        0x00 => 4,
        0x08 => 2,
        _ => 1,
    };
    let with = if code & 0x08 == 0 {
        Source::Constant(k)
    } else {
        Source::X
    };
    match (code & 0x07, code & 0xe0) {
        (LD, 0x00) => Operation::SetA(Source::Constant(k)),
        (LD, 0x20) if k == PACKET_TYPE => Operation::SetA(Source::PacketType),
        (LD, 0x20) if k == IFINDEX => Operation::SetA(Source::Ifindex),
        (LD, 0x20) => Operation::Load {
            size,
            offset: Offset::Constant(k),
        },
        (LD, 0x40) => Operation::Load {
            size,
            offset: Offset::Indexed(k),
        },
        (LD, 0x60) => Operation::SetA(Source::Memory(k)),
        (LD, 0x80) => Operation::SetA(Source::WireLen),
        (LDX, 0x00) => Operation::SetX(Source::Constant(k)),
        (LDX, 0x60) => Operation::SetX(Source::Memory(k)),
        (LDX, 0x80) => Operation::SetX(Source::WireLen),
        (LDX, 0xa0) => Operation::HeaderLength {
            size: 1,
            offset: Offset::Constant(k),
        },
        (ST, _) => Operation::Store {
            cell: k,
            from: Register::A,
        },
        (STX, _) => Operation::Store {
            cell: k,
            from: Register::X,
        },
        (ALU, _) => match (code & 0xf0) as u8 {
            code @ (super::insn::DIV | super::insn::MOD) => Operation::Divide { code, by: with },
            code if code <= super::insn::XOR => Operation::Arithmetic { code, with },
            _ => Operation::Invalid,
        },
        (JMP, _) => match (code & 0xf0) as u8 {
            super::insn::JA => Operation::Jump(k),
            condition if condition <= super::insn::JSET => Operation::Branch {
                condition,
                with,
                jt,
                jf,
            },
            _ => Operation::Invalid,
        },
        (RET, _) => match code & 0x18 {
            0x00 => Operation::ReturnConstant(k),
            0x08 => Operation::Return(Register::X),
            _ => Operation::Return(Register::A),
        },
        (MISC, _) if code & 0x80 == 0 => Operation::SetX(Source::A),
        (MISC, _) => Operation::SetA(Source::X),
        _ => Operation::Invalid,
    }
}
