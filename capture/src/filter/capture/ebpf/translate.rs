//! From a program for the classic machine to one for the kernel's hooks.
//!
//! Up to three bodies say the same. The first reads the packet in place: no call, and a check of the
//! length only where no earlier one covers it. What it finds not to lie in one piece, or to be beyond
//! the end, it leaves to the second body at the same instruction, which reads by a call. The third is
//! for packets at TCX whose VLAN tag the kernel keeps aside: it reads as if the tag were in its place.

use super::super::program::Program;
use super::assembler::{Assembler, Label};
use super::classic::{self, Offset, Operation, Register, Source};
use super::facts::{Facts, Reading, facts, never_in_place};
use super::insn::{self, FRAME, Insn};
use super::{ContextKind, Programs};

// Registers. Those from 6 on survive calls.
const RESULT: u8 = 0;
const CTX: u8 = 6;
const A: u8 = 7;
const X: u8 = 8;
const WIRE_LEN: u8 = 9;
// In the body that reads in place.
const DATA: u8 = 2;
const END: u8 = 3;
const AT: u8 = 4;
const BEHIND: u8 = 5;
// In the others: arguments of calls.
const ARGUMENT: [u8; 5] = [1, 2, 3, 4, 5];
const OFFSET: u8 = ARGUMENT[1];

/// Where a call puts what it reads, below the stack's end.
const READ_AT: i16 = -8;
/// Which way the packet goes.
const PACKET_TYPE_AT: i16 = -16;
const PACKET_OUTGOING: u32 = 4;
/// Where the beginning of a tagged packet is put together: addresses, tag, and what follows it.
const IMAGE_AT: i16 = -40;
/// Reads that start before this are of that image.
const IMAGE_STARTS: u32 = 16;
const MACS_LEN: u32 = 12;
const TAG_LEN: u32 = 4;
/// The first memory cell.
const CELLS_AT: i16 = -48;

/// Index registers above this are not read in place: the verifier follows offsets so far only.
const INDEX_MAX: u32 = 0x7000;

/// Programs are long from here on; well below the number of jumps that the verifier remembers.
const LONG: usize = 2_000;

/// Offsets in the contexts, and helpers (`linux/bpf.h`).
struct Abi {
    data: i16,
    data_end: i16,
    ifindex: i16,
    load_bytes: i32,
}

const XDP: Abi = Abi {
    data: 0,
    data_end: 4,
    ifindex: 12,
    load_bytes: 189,
};
const XDP_GET_BUFF_LEN: i32 = 188;

const SKB: Abi = Abi {
    data: 76,
    data_end: 80,
    ifindex: 40,
    load_bytes: 26,
};
const SKB_LEN: i16 = 0;
const SKB_VLAN_PRESENT: i16 = 20;
const SKB_VLAN_TCI: i16 = 24;
const SKB_VLAN_PROTO: i16 = 28;

/// The whole function: `u32 filter(context, u32 kind)`.
pub(super) fn translate(context: ContextKind, programs: &Programs<'_>) -> Vec<Insn> {
    let mut asm = Assembler::default();
    asm.copy_whole(CTX, ARGUMENT[0]);
    let raw_ip = asm.label();
    if programs.ethernet.is_some() && programs.raw_ip.is_some() {
        // The flags of links differ in their bits.
        let link = capture_common::Settings::LINK_RAW_IP;
        asm.jump_if(insn::JSET, ARGUMENT[1], link, raw_ip);
    }
    if let Some(program) = programs.ethernet {
        Translation::new(&mut asm, context, program).run(Tags::Possible);
    }
    asm.bind(raw_ip);
    if let Some(program) = programs.raw_ip {
        Translation::new(&mut asm, context, program).run(Tags::Never);
    }
    if programs.ethernet.is_none() && programs.raw_ip.is_none() {
        asm.exit(1);
    }
    asm.finish()
}

/// Whether the kernel may keep a VLAN tag aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tags {
    Possible,
    Never,
}

/// How a body reads the packet.
#[derive(Clone, Copy, Debug)]
enum Access<'a> {
    /// In place; the labels of the body that reads by call.
    InPlace(&'a [Label]),
    ByCall,
    /// By call, as if the tag were in its place.
    Tagged,
}

struct Translation<'a> {
    asm: &'a mut Assembler,
    context: ContextKind,
    abi: Abi,
    program: &'a Program,
    reject: Label,
    uses_x: bool,
    uses_wire_len: bool,
    uses_packet_type: bool,
    /// So many instructions that the order in which the verifier goes through them matters.
    is_long: bool,
    /// Memory cells that may be read before they are written; they start as 0.
    zeroed: u16,
}

impl<'a> Translation<'a> {
    fn new(asm: &'a mut Assembler, context: ContextKind, program: &'a Program) -> Self {
        let reject = asm.label();
        let known = facts(program, Reading::ByCall, &[Some(Facts::START)]);
        let (mut uses_x, mut uses_wire_len, mut uses_packet_type, mut zeroed) =
            (false, false, false, 0);
        let operations = program.insns.iter().map(|insn| classic::decode(*insn));
        for (operation, before) in operations.zip(&known) {
            let Some(before) = before else { continue };
            let (source, x) = match operation {
                Operation::SetA(source) => (Some(source), source == Source::X),
                Operation::SetX(source) => (Some(source), true),
                Operation::Arithmetic { with, .. }
                | Operation::Divide { by: with, .. }
                | Operation::Branch { with, .. } => (None, with == Source::X),
                Operation::Store { from, .. } => (None, from == Register::X),
                Operation::Load { offset, .. } => (None, matches!(offset, Offset::Indexed(_))),
                Operation::HeaderLength { .. } | Operation::Return(Register::X) => (None, true),
                _ => (None, false),
            };
            uses_x |= x;
            uses_wire_len |= source == Some(Source::WireLen);
            uses_packet_type |= source == Some(Source::PacketType);
            if let Some(Source::Memory(cell)) = source
                && before.written & (1 << (cell & 15)) == 0
            {
                zeroed |= 1 << (cell & 15);
            }
        }
        Self {
            asm,
            context,
            abi: match context {
                ContextKind::Xdp => XDP,
                ContextKind::SkBuff => SKB,
            },
            program,
            reject,
            uses_x,
            uses_wire_len,
            uses_packet_type,
            is_long: program.insns.len() > LONG,
            zeroed,
        }
    }

    fn run(mut self, tags: Tags) {
        let tagged = self.asm.label();
        let tags = if self.context == ContextKind::Xdp {
            Tags::Never
        } else {
            tags
        };
        if self.uses_packet_type {
            let outgoing = capture_common::Settings::FILTER_OUTGOING;
            let kind = ARGUMENT[1];
            self.asm.alu(insn::AND, kind, outgoing.cast_signed());
            // Where the flag is, and where `PACKET_OUTGOING` is.
            let distance = outgoing.trailing_zeros() - PACKET_OUTGOING.trailing_zeros();
            self.asm.alu(insn::RSH, kind, distance.cast_signed());
            self.asm.store(insn::DW, FRAME, PACKET_TYPE_AT, kind);
        }
        if tags == Tags::Possible {
            self.asm.load(insn::W, RESULT, CTX, SKB_VLAN_PRESENT);
            self.asm.jump_if(insn::JNE, RESULT, 0, tagged);
        }
        self.clear();
        if self.uses_wire_len {
            self.wire_len();
        }
        self.asm.load(insn::W, DATA, CTX, self.abi.data);
        self.asm.load(insn::W, END, CTX, self.abi.data_end);
        let count = self.program.insns.len();
        let by_call = self.asm.labels(count);
        let start = [Some(Facts::START)];
        let known = facts(self.program, Reading::InPlace, &start);
        self.body(Access::InPlace(&by_call), &known, None);
        let entries: Vec<_> = (0..count)
            .map(|at| known[at].filter(|before| self.leaves(at, *before)))
            .collect();
        let known = facts(self.program, Reading::ByCall, &entries);
        self.body(Access::ByCall, &known, Some(&by_call));
        self.asm.bind(tagged);
        if tags == Tags::Possible {
            self.clear();
            self.wire_len();
            self.asm.advance(WIRE_LEN, TAG_LEN.cast_signed());
            self.image();
            let known = facts(self.program, Reading::ByCall, &start);
            self.body(Access::Tagged, &known, None);
        }
        // The kernel takes no program with instructions that cannot be reached.
        if self.asm.is_wanted(self.reject) {
            self.asm.bind(self.reject);
            self.asm.exit(0);
        }
    }

    /// Whether the body that reads in place may leave at this instruction.
    fn leaves(&self, at: usize, before: Facts) -> bool {
        match classic::decode(self.program.insns[at]) {
            Operation::Load { size, offset, .. } | Operation::HeaderLength { size, offset } => {
                match offset {
                    Offset::Constant(k) => {
                        u64::from(k) + u64::from(size) > u64::from(before.checked)
                    }
                    Offset::Indexed(_) => true,
                }
            }
            _ => false,
        }
    }

    fn clear(&mut self) {
        self.asm.set(A, 0);
        if self.uses_x {
            self.asm.set(X, 0);
        }
        for cell in 0..16 {
            if self.zeroed & (1 << cell) != 0 {
                self.asm.store_constant(insn::DW, FRAME, cell_at(cell), 0);
            }
        }
    }

    fn wire_len(&mut self) {
        match self.context {
            ContextKind::Xdp => {
                self.asm.copy_whole(ARGUMENT[0], CTX);
                self.asm.call(XDP_GET_BUFF_LEN);
                self.asm.copy(WIRE_LEN, RESULT);
            }
            ContextKind::SkBuff => self.asm.load(insn::W, WIRE_LEN, CTX, SKB_LEN),
        }
    }

    /// Puts the beginning of a tagged packet together. Bytes that are not there are 0, and not read.
    fn image(&mut self) {
        self.call_read_constant(0, MACS_LEN, IMAGE_AT);
        let tag_at = IMAGE_AT + MACS_LEN as i16;
        // The kernel gives the protocol in network byte order and the tag in that of this machine.
        self.asm.load(insn::W, RESULT, CTX, SKB_VLAN_PROTO);
        self.asm.store(insn::H, FRAME, tag_at, RESULT);
        self.asm.load(insn::W, RESULT, CTX, SKB_VLAN_TCI);
        self.asm.swap_from_network(RESULT, 16);
        self.asm.store(insn::H, FRAME, tag_at + 2, RESULT);
        // A failed call leaves zeros.
        self.call_read_constant(MACS_LEN, 2, tag_at + 4);
        self.call_read_constant(MACS_LEN + 2, 2, tag_at + 6);
    }

    fn call_read_constant(&mut self, offset: u32, len: u32, to: i16) {
        self.asm.set(OFFSET, offset);
        self.call_read(len, to);
    }

    /// Reads from the offset in its register.
    fn call_read(&mut self, len: u32, to: i16) {
        self.asm.copy_whole(ARGUMENT[0], CTX);
        self.asm.copy_whole(ARGUMENT[2], FRAME);
        self.asm.advance(ARGUMENT[2], i32::from(to));
        self.asm.set(ARGUMENT[3], len);
        self.asm.call(self.abi.load_bytes);
    }

    /// All instructions that can be reached.
    fn body(&mut self, access: Access<'_>, known: &[Option<Facts>], labels: Option<&[Label]>) {
        let labels = match labels {
            Some(labels) => labels.to_vec(),
            None => self.asm.labels(self.program.insns.len()),
        };
        for (at, before) in known.iter().enumerate() {
            let Some(before) = before else { continue };
            self.asm.bind(labels[at]);
            self.one(access, at, *before, &labels);
        }
    }

    fn one(&mut self, access: Access<'_>, at: usize, before: Facts, labels: &[Label]) {
        match classic::decode(self.program.insns[at]) {
            Operation::Load { size, offset } => self.read(access, at, before, A, size, offset),
            Operation::HeaderLength { size, offset } => {
                self.read(access, at, before, X, size, offset);
                if !(matches!(access, Access::InPlace(_)) && never_in_place(size, offset)) {
                    self.asm.header_length(X);
                }
            }
            Operation::SetA(source) => self.assign(A, source),
            Operation::SetX(source) => self.assign(X, source),
            Operation::Store { cell, from } => {
                let from = match from {
                    Register::A => A,
                    Register::X => X,
                };
                self.asm.store(insn::DW, FRAME, cell_at(cell), from);
            }
            Operation::Arithmetic { code, with } => self.arithmetic(code, with, before),
            Operation::Divide { code, by } => match by {
                Source::Constant(0) => self.asm.exit(0),
                Source::Constant(k) => self.asm.alu(code, A, k.cast_signed()),
                _ => {
                    self.asm.jump_if(insn::JEQ, X, 0, self.reject);
                    self.asm.alu_reg(code, A, X);
                }
            },
            Operation::Jump(skip) => {
                if skip > 0 {
                    self.asm.jump(labels[at + 1 + skip as usize]);
                }
            }
            Operation::Branch {
                condition,
                with,
                jt,
                jf,
            } => self.branch(condition, with, [jt, jf], &labels[at + 1..]),
            Operation::ReturnConstant(k) => self.asm.exit(u32::from(k != 0)),
            Operation::Return(register) => {
                let register = match register {
                    Register::A => A,
                    Register::X => X,
                };
                self.asm.jump_if(insn::JEQ, register, 0, self.reject);
                self.asm.exit(1);
            }
            Operation::Invalid => self.asm.exit(0),
        }
    }

    fn assign(&mut self, register: u8, source: Source) {
        match source {
            Source::Constant(k) => self.asm.set(register, k),
            Source::A => self.asm.copy(register, A),
            Source::X => self.asm.copy(register, X),
            Source::Memory(cell) => {
                // Only 32 bits are ever stored, so only as many are of interest.
                self.asm.load(insn::DW, register, FRAME, cell_at(cell));
            }
            Source::WireLen => self.asm.copy(register, WIRE_LEN),
            Source::PacketType => {
                self.asm.load(insn::DW, register, FRAME, PACKET_TYPE_AT);
            }
            Source::Ifindex => self.asm.load(insn::W, register, CTX, self.abi.ifindex),
        }
    }

    fn arithmetic(&mut self, code: u8, with: Source, before: Facts) {
        let shift = code == insn::LSH || code == insn::RSH;
        match with {
            _ if code == insn::NEG => self.asm.alu(code, A, 0),
            // All bits are shifted out; eBPF would take the distance modulo 32.
            Source::Constant(k) if shift && k > 31 => self.asm.set(A, 0),
            Source::Constant(k) => self.asm.alu(code, A, k.cast_signed()),
            _ if shift && before.x_max > 31 => {
                let (small, done) = (self.asm.label(), self.asm.label());
                self.asm.jump_if(insn::JLE, X, 31, small);
                self.asm.set(A, 0);
                self.asm.jump(done);
                self.asm.bind(small);
                self.asm.alu_reg(code, A, X);
                self.asm.bind(done);
            }
            _ => self.asm.alu_reg(code, A, X),
        }
    }

    fn branch(&mut self, condition: u8, with: Source, [jt, jf]: [u32; 2], behind: &[Label]) {
        let opposite = match condition {
            insn::JEQ => Some(insn::JNE),
            insn::JGT => Some(insn::JLE),
            insn::JGE => Some(insn::JLT),
            _ => None,
        };
        let mut jump_if = |condition, to| match with {
            Source::Constant(k) => self.asm.jump_if(condition, A, k, to),
            _ => self.asm.jump_if_reg(condition, A, X, to),
        };
        let (met, not_met) = (behind[jt as usize], behind[jf as usize]);
        match opposite {
            // The verifier remembers the targets of the jumps that it went past, and not more than
            // 8192 of them; so in a long chain it is led to each target before the next test.
            Some(opposite) if self.is_long && jf == 0 && jt > 0 => {
                jump_if(opposite, not_met);
                self.asm.jump(met);
            }
            _ if jt == jf => {
                if jt > 0 {
                    self.asm.jump(met);
                }
            }
            Some(opposite) if jt == 0 => jump_if(opposite, not_met),
            _ => {
                jump_if(condition, met);
                if jf > 0 {
                    self.asm.jump(not_met);
                }
            }
        }
    }

    fn read(
        &mut self,
        access: Access<'_>,
        at: usize,
        before: Facts,
        to: u8,
        size: u32,
        offset: Offset,
    ) {
        match (access, offset) {
            (Access::InPlace(by_call), Offset::Constant(k)) => {
                if never_in_place(size, offset) {
                    self.asm.jump(by_call[at]);
                    return;
                }
                let end = k + size;
                if end > before.checked {
                    self.asm.copy_whole(AT, DATA);
                    self.asm.advance(AT, end.cast_signed());
                    self.asm.jump_if_whole_reg(insn::JGT, AT, END, by_call[at]);
                }
                self.asm.load(width(size), to, DATA, k as i16);
                self.swap(to, size);
            }
            (Access::InPlace(by_call), Offset::Indexed(k)) => {
                if never_in_place(size, offset) {
                    self.asm.jump(by_call[at]);
                    return;
                }
                self.asm.copy(AT, X);
                if before.x_max > INDEX_MAX {
                    let limit = INDEX_MAX.cast_signed();
                    self.asm.jump_if_whole(insn::JGT, AT, limit, by_call[at]);
                }
                self.asm.advance_reg(AT, DATA);
                self.asm.copy_whole(BEHIND, AT);
                self.asm.advance(BEHIND, (k + size).cast_signed());
                self.asm
                    .jump_if_whole_reg(insn::JGT, BEHIND, END, by_call[at]);
                self.asm.load(width(size), to, AT, k as i16);
                self.swap(to, size);
            }
            (Access::ByCall, Offset::Constant(k)) => {
                self.asm.set(OFFSET, k);
                self.called(to, size);
            }
            (Access::ByCall, Offset::Indexed(k)) => {
                self.offset(k);
                self.called(to, size);
            }
            (Access::Tagged, Offset::Constant(k)) if k >= IMAGE_STARTS => {
                self.asm.set(OFFSET, k - TAG_LEN);
                self.called(to, size);
            }
            (Access::Tagged, Offset::Constant(k)) => {
                self.asm.jump_if(insn::JLT, WIRE_LEN, k + size, self.reject);
                self.read_image(to, FRAME, IMAGE_AT + k as i16, size);
            }
            (Access::Tagged, Offset::Indexed(k)) => {
                let (behind, done) = (self.asm.label(), self.asm.label());
                self.offset(k);
                self.asm.jump_if(insn::JGE, OFFSET, IMAGE_STARTS, behind);
                self.asm.copy_whole(BEHIND, OFFSET);
                self.asm.advance(BEHIND, size.cast_signed());
                self.asm
                    .jump_if_whole_reg(insn::JGT, BEHIND, WIRE_LEN, self.reject);
                self.asm.copy_whole(AT, FRAME);
                self.asm.advance_reg(AT, OFFSET);
                self.read_image(to, AT, IMAGE_AT, size);
                self.asm.jump(done);
                self.asm.bind(behind);
                self.asm.advance(OFFSET, -(TAG_LEN.cast_signed()));
                self.called(to, size);
                self.asm.bind(done);
            }
        }
    }

    /// The sum of the index register and a constant, which no packet is too long for.
    fn offset(&mut self, k: u32) {
        const LARGEST: i32 = 0x3fff_ffff;
        self.asm.copy(OFFSET, X);
        self.asm
            .jump_if_whole(insn::JGT, OFFSET, LARGEST, self.reject);
        self.asm
            .advance(OFFSET, k.min(LARGEST.cast_unsigned()).cast_signed());
    }

    /// Reads by a call from the offset in its register; what is not there refuses the packet.
    fn called(&mut self, to: u8, size: u32) {
        self.call_read(size, READ_AT);
        self.asm.jump_if_whole(insn::JNE, RESULT, 0, self.reject);
        self.asm.load(width(size), to, FRAME, READ_AT);
        self.swap(to, size);
    }

    /// Byte by byte: the verifier wants reads of the stack to be aligned.
    fn read_image(&mut self, to: u8, base: u8, off: i16, size: u32) {
        self.asm.load(insn::B, to, base, off);
        for byte in 1..size as i16 {
            self.asm.load(insn::B, RESULT, base, off + byte);
            self.asm.append_byte(to, RESULT);
        }
    }

    fn swap(&mut self, register: u8, size: u32) {
        if size > 1 {
            self.asm.swap_from_network(register, size.cast_signed() * 8);
        }
    }
}

const fn width(size: u32) -> u8 {
    match size {
        4 => insn::W,
        2 => insn::H,
        _ => insn::B,
    }
}

/// Where a memory cell lies.
const fn cell_at(cell: u32) -> i16 {
    CELLS_AT - 8 * (cell & 15) as i16
}
