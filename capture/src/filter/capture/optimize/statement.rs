//! Statements of one block: loads that were done before, sums of constants, stores that nobody reads.

use super::super::codegen::{NOP, Stmt};
use super::super::error::Fault;
use super::super::op;
use super::values::{UNKNOWN, Value};
use super::{A, ATOMS, Optimizer, Pass, X};

/// Whether statements may be changed, or their values only be computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alter {
    No,
    Yes,
}

const LD_IMM: u16 = op::LD | op::IMM;
const LDX_IMM: u16 = op::LDX | op::IMM;
const LD_MEM: u16 = op::LD | op::MEM;
const LDX_MEM: u16 = op::LDX | op::MEM;
const LD_LEN: u16 = op::LD | op::LEN;
const TAX: u16 = op::MISC | op::TAX;
const TXA: u16 = op::MISC | op::TXA;
const NEG: u16 = op::ALU | op::NEG;
const MSH: u16 = op::LDX | op::MSH | op::B;
const ADD_X: u16 = op::ALU | op::ADD | op::X;
const JEQ_K: u16 = op::JMP | op::JEQ | op::K;
const JSET_K: u16 = op::JMP | op::JSET | op::K;

/// Atoms that an instruction reads, as a set.
fn reads(code: u16, k: u32) -> u32 {
    const BOTH: u32 = 1 << A | 1 << X;
    if code == NOP {
        return 0;
    }
    match op::class(code) {
        op::RET => match code & 0x18 {
            op::A => 1 << A,
            op::X => 1 << X,
            _ => 0,
        },
        op::LD | op::LDX => match op::mode(code) {
            op::IND => 1 << X,
            op::MEM => 1 << k,
            _ => 0,
        },
        op::ST => 1 << A,
        op::STX => 1 << X,
        op::JMP | op::ALU if op::source(code) == op::X => BOTH,
        op::JMP | op::ALU => 1 << A,
        _ if code == TXA => 1 << X,
        _ => 1 << A,
    }
}

/// The atom that an instruction writes.
fn writes(code: u16, k: u32) -> Option<usize> {
    if code == NOP {
        return None;
    }
    match op::class(code) {
        op::LD | op::ALU => Some(A),
        op::LDX => Some(X),
        op::ST | op::STX => Some(k as usize),
        op::MISC if code == TAX => Some(X),
        op::MISC => Some(A),
        _ => None,
    }
}

impl Optimizer {
    /// Finds what each block reads, and what is read after it.
    pub(super) fn find_uses(&mut self) {
        for block in self.levels.iter().flatten() {
            let node = &self.flow.nodes[*block];
            let (mut written, mut read, mut killed) = (0, 0, 0);
            for stmt in node.stmts.iter().filter(|stmt| stmt.code != NOP) {
                read |= reads(stmt.code, stmt.k) & !written;
                if let Some(atom) = writes(stmt.code, stmt.k) {
                    killed |= 1 << atom & !read;
                    written |= 1 << atom;
                }
            }
            if op::class(node.code) == op::JMP {
                read |= reads(node.code, node.k) & !written;
            }
            let facts = &mut self.facts[*block];
            facts.kill = killed;
            facts.in_use = read;
            facts.out_use = 0;
        }
        for level in self.levels.iter().skip(1) {
            for block in level.iter().rev() {
                let node = &self.flow.nodes[*block];
                let mut used = 0;
                for next in [node.jt, node.jf].into_iter().flatten() {
                    used |= self.facts[next].in_use;
                }
                let facts = &mut self.facts[*block];
                facts.out_use |= used;
                facts.in_use |= facts.out_use & !facts.kill;
            }
        }
    }

    /// One block: what it computes, and what of that is not needed.
    pub(super) fn block(&mut self, block: usize, pass: Pass) -> Result<(), Fault> {
        let alter = match pass {
            Pass::Branches => Alter::No,
            Pass::Statements => Alter::Yes,
        };
        let mut val = self.values_at_start(block);
        let (first_a, first_x) = (val[A], val[X]);
        let mut stmts = std::mem::take(&mut self.flow.nodes[block].stmts);
        for stmt in &mut stmts {
            self.statement(stmt, &mut val, alter)?;
        }
        self.flow.nodes[block].stmts = stmts;
        self.facts[block].val = val;

        let unchanged = self.facts[block].out_use == 0
            && first_a != UNKNOWN
            && val[A] == first_a
            && first_x != UNKNOWN
            && val[X] == first_x;
        let returns = op::class(self.flow.nodes[block].code) == op::RET;
        if alter == Alter::Yes && (unchanged || returns) {
            if !self.flow.nodes[block].stmts.is_empty() {
                self.flow.nodes[block].stmts.clear();
                self.changed();
            }
        } else {
            self.peephole(block);
            self.dead_stores(block);
        }

        let node = &self.flow.nodes[block];
        let operand = if op::source(node.code) == op::K {
            self.values.of_constant(node.k)
        } else {
            val[X]
        };
        let facts = &mut self.facts[block];
        facts.operand = operand;
        facts.test = node.code;
        Ok(())
    }

    /// What is known on all ways to a block.
    fn values_at_start(&self, block: usize) -> [Value; ATOMS] {
        let mut edges = self.facts[block].in_edges.iter().rev();
        let Some(first) = edges.next() else {
            return [UNKNOWN; ATOMS];
        };
        let mut val = self.facts[self.from(*first)].val;
        for edge in edges {
            let other = &self.facts[self.from(*edge)].val;
            for (value, other) in val.iter_mut().zip(other) {
                if *value != *other {
                    *value = UNKNOWN;
                }
            }
        }
        val
    }

    fn statement(
        &mut self,
        stmt: &mut Stmt,
        val: &mut [Value; ATOMS],
        alter: Alter,
    ) -> Result<(), Fault> {
        let altering = alter == Alter::Yes;
        if stmt.code == NOP {
            return Ok(());
        }
        match (op::class(stmt.code), op::mode(stmt.code)) {
            (op::LD, op::ABS) => {
                let value = self.values.of(stmt.code, stmt.k, 0);
                store(stmt, &mut val[A], value, alter);
            }
            (op::LD, op::IND) => {
                let index = val[X];
                let value = match self.values.constant(index) {
                    Some(constant) if altering => {
                        stmt.code = op::LD | op::ABS | op::size(stmt.code);
                        stmt.k = stmt.k.wrapping_add(constant);
                        self.changed();
                        self.values.of(stmt.code, stmt.k, 0)
                    }
                    _ => self.values.of(stmt.code, stmt.k, index),
                };
                store(stmt, &mut val[A], value, alter);
            }
            _ if stmt.code == LD_LEN => {
                let value = self.values.of(stmt.code, 0, 0);
                store(stmt, &mut val[A], value, alter);
            }
            _ if stmt.code == LD_IMM => {
                let value = self.values.of_constant(stmt.k);
                store(stmt, &mut val[A], value, alter);
            }
            _ if stmt.code == LDX_IMM => {
                let value = self.values.of_constant(stmt.k);
                store(stmt, &mut val[X], value, alter);
            }
            _ if stmt.code == MSH => {
                let value = self.values.of(stmt.code, stmt.k, 0);
                store(stmt, &mut val[X], value, alter);
            }
            _ if stmt.code == NEG => match self.values.constant(val[A]) {
                Some(constant) if altering => {
                    stmt.code = LD_IMM;
                    stmt.k = constant.wrapping_neg();
                    val[A] = self.values.of_constant(stmt.k);
                }
                _ => val[A] = self.values.of(stmt.code, val[A], 0),
            },
            (op::ALU, _) if op::source(stmt.code) == op::K => {
                self.constant_operation(stmt, val, altering)?;
            }
            (op::ALU, _) => self.operation(stmt, val, alter)?,
            _ if stmt.code == TXA => {
                let value = val[X];
                store(stmt, &mut val[A], value, alter);
            }
            _ if stmt.code == TAX => {
                let value = val[A];
                store(stmt, &mut val[X], value, alter);
            }
            _ if stmt.code == LD_MEM || stmt.code == LDX_MEM => {
                let value = val[stmt.k as usize];
                let register = if stmt.code == LD_MEM { A } else { X };
                if let Some(constant) = self.values.constant(value)
                    && altering
                {
                    stmt.code = if register == A { LD_IMM } else { LDX_IMM };
                    stmt.k = constant;
                    self.changed();
                }
                store(stmt, &mut val[register], value, alter);
            }
            (op::ST, _) => {
                let (at, value) = (stmt.k as usize, val[A]);
                store(stmt, &mut val[at], value, alter);
            }
            (op::STX, _) => {
                let (at, value) = (stmt.k as usize, val[X]);
                store(stmt, &mut val[at], value, alter);
            }
            _ => {}
        }
        Ok(())
    }

    /// An operation with a constant.
    fn constant_operation(
        &mut self,
        stmt: &mut Stmt,
        val: &mut [Value; ATOMS],
        altering: bool,
    ) -> Result<(), Fault> {
        if altering {
            if stmt.k == 0 {
                match op::operation(stmt.code) {
                    op::ADD | op::LSH | op::RSH | op::OR | op::XOR => {
                        stmt.code = NOP;
                        return Ok(());
                    }
                    op::MUL | op::AND => {
                        stmt.code = LD_IMM;
                        val[A] = self.values.of_constant(stmt.k);
                        return Ok(());
                    }
                    op::DIV | op::MOD => return Err(Fault::new("division by zero")),
                    _ => {}
                }
            }
            if let Some(constant) = self.values.constant(val[A]) {
                self.fold(stmt, constant, stmt.k)?;
                val[A] = self.values.of_constant(stmt.k);
                return Ok(());
            }
        }
        let operand = self.values.of_constant(stmt.k);
        val[A] = self.values.of(stmt.code, val[A], operand);
        Ok(())
    }

    /// An operation with the index register.
    fn operation(
        &mut self,
        stmt: &mut Stmt,
        val: &mut [Value; ATOMS],
        alter: Alter,
    ) -> Result<(), Fault> {
        let operation = op::operation(stmt.code);
        let (a, x) = (self.values.constant(val[A]), self.values.constant(val[X]));
        match (a, x) {
            _ if alter == Alter::No => {}
            (Some(a), Some(x)) => {
                self.fold(stmt, a, x)?;
                val[A] = self.values.of_constant(stmt.k);
                return Ok(());
            }
            (None, Some(x)) => {
                stmt.code = op::ALU | op::K | operation;
                stmt.k = x;
                if matches!(operation, op::LSH | op::RSH) && x > 31 {
                    return Err(Fault::new("shift by more than 31 bits"));
                }
                self.changed();
                let operand = self.values.of_constant(stmt.k);
                val[A] = self.values.of(stmt.code, val[A], operand);
                return Ok(());
            }
            (Some(0), None) => match operation {
                op::ADD | op::OR | op::XOR => {
                    stmt.code = TXA;
                    let value = val[X];
                    store(stmt, &mut val[A], value, alter);
                    return Ok(());
                }
                op::MUL | op::DIV | op::MOD | op::AND | op::LSH | op::RSH => {
                    stmt.code = LD_IMM;
                    stmt.k = 0;
                    let value = self.values.of_constant(0);
                    store(stmt, &mut val[A], value, alter);
                    return Ok(());
                }
                _ => {}
            },
            _ => {}
        }
        val[A] = self.values.of(stmt.code, val[A], val[X]);
        Ok(())
    }

    /// Both operands are constants.
    fn fold(&mut self, stmt: &mut Stmt, a: u32, b: u32) -> Result<(), Fault> {
        let zero = || Fault::new("division by zero");
        stmt.k = match op::operation(stmt.code) {
            op::ADD => a.wrapping_add(b),
            op::SUB => a.wrapping_sub(b),
            op::MUL => a.wrapping_mul(b),
            op::DIV => a.checked_div(b).ok_or_else(zero)?,
            op::MOD => a.checked_rem(b).ok_or_else(zero)?,
            op::AND => a & b,
            op::OR => a | b,
            op::XOR => a ^ b,
            op::LSH => a.checked_shl(b).unwrap_or(0),
            _ => a.checked_shr(b).unwrap_or(0),
        };
        stmt.code = LD_IMM;
        self.changed();
        Ok(())
    }

    /// Shorter forms of what stands next to each other.
    fn peephole(&mut self, block: usize) {
        let mut stmts = std::mem::take(&mut self.flow.nodes[block].stmts);
        if stmts.is_empty() {
            return;
        }
        let last = self.neighbors(block, &mut stmts);
        self.test(block, &mut stmts[last]);
        self.flow.nodes[block].stmts = stmts;
    }

    /// Returns the last statement that does something, or the first if none does.
    fn neighbors(&mut self, block: usize, stmts: &mut [Stmt]) -> usize {
        let x_is_read = self.facts[block].out_use & 1 << X != 0;
        let mut last = 0;
        let mut from = 0;
        while let Some(this) = live(stmts, from)
            && let Some(next) = live(stmts, this + 1)
        {
            from = next;
            last = next;
            if stmts[this].code == op::ST
                && stmts[next].code == LDX_MEM
                && stmts[this].k == stmts[next].k
            {
                stmts[next].code = TAX;
                self.changed();
            }
            if stmts[this].code == LD_IMM && stmts[next].code == TAX {
                stmts[this].code = LDX_IMM;
                stmts[next].code = TXA;
                self.changed();
            }
            // A constant that is added to an index is part of the offset.
            if stmts[this].code != LD_IMM || x_is_read {
                continue;
            }
            let add = if stmts[next].code == MSH {
                live(stmts, next + 1)
            } else {
                Some(next)
            };
            let Some(add) = add.filter(|at| stmts[*at].code == ADD_X) else {
                continue;
            };
            let Some(tax) = live(stmts, add + 1).filter(|at| stmts[*at].code == TAX) else {
                continue;
            };
            let is_load = |at: &usize| {
                let code = stmts[*at].code;
                op::class(code) == op::LD && op::mode(code) == op::IND
            };
            let Some(load) = live(stmts, tax + 1).filter(is_load) else {
                continue;
            };
            stmts[load].k = stmts[load].k.wrapping_add(stmts[this].k);
            for gone in [this, add, tax] {
                stmts[gone].code = NOP;
            }
            self.changed();
        }
        last
    }

    /// The test of a block, by what was computed last.
    fn test(&mut self, block: usize, last: &mut Stmt) {
        let facts = &self.facts[block];
        let (a, x) = (
            self.values.constant(facts.val[A]),
            self.values.constant(facts.val[X]),
        );
        let a_is_read = facts.out_use & 1 << A != 0;
        let mut changed = false;
        let node = &mut self.flow.nodes[block];
        if node.code == JEQ_K && !a_is_read {
            if last.code == op::ALU | op::SUB | op::X {
                if let Some(x) = x {
                    node.k = node.k.wrapping_add(x);
                    last.code = NOP;
                    changed = true;
                } else if node.k == 0 {
                    last.code = NOP;
                    node.code = op::JMP | op::JEQ | op::X;
                    changed = true;
                }
            } else if last.code == op::ALU | op::SUB | op::K {
                last.code = NOP;
                node.k = node.k.wrapping_add(last.k);
                changed = true;
            } else if last.code == op::ALU | op::AND | op::K && node.k == 0 {
                node.k = last.k;
                node.code = JSET_K;
                last.code = NOP;
                changed = true;
                std::mem::swap(&mut node.jt, &mut node.jf);
            }
        }
        if node.code == JSET_K {
            if node.k == 0 {
                node.jt = node.jf;
            }
            if node.k == u32::MAX {
                node.jf = node.jt;
            }
        }
        if let Some(x) = x
            && op::source(node.code) == op::X
        {
            node.code &= !op::X;
            node.k = x;
        }
        if let Some(a) = a
            && op::source(node.code) == op::K
        {
            let holds = match op::operation(node.code) {
                op::JEQ => a == node.k,
                op::JGT => a > node.k,
                op::JGE => a >= node.k,
                _ => a & node.k != 0,
            };
            if node.jt != node.jf {
                changed = true;
            }
            if holds {
                node.jf = node.jt;
            } else {
                node.jt = node.jf;
            }
        }
        if changed {
            self.changed();
        }
    }

    /// Takes out what is written and not read.
    fn dead_stores(&mut self, block: usize) {
        let out_use = self.facts[block].out_use;
        let node = &mut self.flow.nodes[block];
        let mut last: [Option<usize>; ATOMS] = [None; ATOMS];
        let mut dead = Vec::new();
        let forget = |last: &mut [Option<usize>; ATOMS], read: u32| {
            for (atom, last) in last.iter_mut().enumerate() {
                if read & 1 << atom != 0 {
                    *last = None;
                }
            }
        };
        for (at, stmt) in node.stmts.iter().enumerate() {
            forget(&mut last, reads(stmt.code, stmt.k));
            if let Some(atom) = writes(stmt.code, stmt.k) {
                dead.extend(last[atom].replace(at));
            }
        }
        forget(&mut last, reads(node.code, node.k));
        for (atom, last) in last.into_iter().enumerate() {
            if out_use & 1 << atom == 0 {
                dead.extend(last);
            }
        }
        if dead.is_empty() {
            return;
        }
        for at in dead {
            node.stmts[at].code = NOP;
        }
        self.changed();
    }
}

/// The next statement from a place on that does something.
fn live(stmts: &[Stmt], from: usize) -> Option<usize> {
    let rest = stmts.get(from..)?;
    let ahead = rest.iter().position(|stmt| stmt.code != NOP)?;
    Some(from + ahead)
}

/// Remembers a value; a statement that stores what is there already does nothing.
fn store(stmt: &mut Stmt, place: &mut Value, value: Value, alter: Alter) {
    if alter == Alter::Yes && value != UNKNOWN && *place == value {
        stmt.code = NOP;
    } else {
        *place = value;
    }
}
