//! Numbers that are computed for each packet, and comparisons of them.

use super::super::ast::{Arith, Operator, Proto, Relation};
use super::super::error::Fault;
use super::super::op;
use super::graph::Stmt;
use super::link::Link;
use super::load::From;
use super::proto::ICMPV6;
use super::{BlockId, Codegen, Result};

/// A number: how to compute it, the memory word that it ends in, and what has to hold before.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) stmts: Vec<Stmt>,
    pub(super) register: u32,
    pub(super) guard: Option<BlockId>,
}

impl Number {
    const fn to_x(&self) -> Stmt {
        Stmt::new(op::LDX | op::MEM, self.register)
    }

    const fn to_a(&self) -> Stmt {
        Stmt::new(op::LD | op::MEM, self.register)
    }

    /// Whether a constant comes first. libpcap takes that for the whole number, so that it refuses to
    /// divide by `ip[0]`.
    fn begins_with(&self, test: impl Fn(u32) -> bool) -> bool {
        self.stmts
            .first()
            .is_some_and(|stmt| stmt.code == op::LD | op::IMM && test(stmt.k))
    }
}

impl Codegen {
    pub(super) fn arith(&mut self, arith: &Arith) -> Result<Number> {
        match arith {
            Arith::Number(number, _) => {
                let register = self.register()?;
                Ok(Number {
                    stmts: vec![
                        Stmt::new(op::LD | op::IMM, *number),
                        Stmt::new(op::ST, register),
                    ],
                    register,
                    guard: None,
                })
            }
            Arith::Len(_) => {
                let register = self.register()?;
                Ok(Number {
                    stmts: vec![Stmt::new(op::LD | op::LEN, 0), Stmt::new(op::ST, register)],
                    register,
                    guard: None,
                })
            }
            Arith::Load {
                proto, index, size, ..
            } => {
                let index = self.arith(index)?;
                self.load_number(*proto, index, *size)
            }
            Arith::Neg(inner) => {
                let mut number = self.arith(inner)?;
                let to_a = number.to_a();
                number.stmts.extend([
                    to_a,
                    Stmt::new(op::ALU | op::NEG, 0),
                    Stmt::new(op::ST, number.register),
                ]);
                Ok(number)
            }
            Arith::Binary(operator, left, right) => {
                let left = self.arith(left)?;
                let right = self.arith(right)?;
                self.operation(*operator, left, right)
            }
        }
    }

    fn operation(&mut self, operator: Operator, left: Number, right: Number) -> Result<Number> {
        let operation = match operator {
            Operator::Add => op::ADD,
            Operator::Sub => op::SUB,
            Operator::Mul => op::MUL,
            Operator::Div => op::DIV,
            Operator::Mod => op::MOD,
            Operator::And => op::AND,
            Operator::Or => op::OR,
            Operator::Xor => op::XOR,
            Operator::Lsh => op::LSH,
            Operator::Rsh => op::RSH,
        };
        match operator {
            Operator::Div | Operator::Mod if right.begins_with(|k| k == 0) => {
                return Err(Fault::new("division by zero"));
            }
            Operator::Lsh | Operator::Rsh if right.begins_with(|k| k > 31) => {
                return Err(Fault::new("shift by more than 31 bits"));
            }
            _ => {}
        }
        let (to_x, to_a) = (right.to_x(), left.to_a());
        let mut stmts = left.stmts;
        stmts.extend(right.stmts);
        stmts.extend([to_x, to_a, Stmt::new(op::ALU | op::X | operation, 0)]);
        self.free(left.register);
        self.free(right.register);
        let register = self.register()?;
        stmts.push(Stmt::new(op::ST, register));
        // As in libpcap: what has to hold for the right number is forgotten.
        Ok(Number {
            stmts,
            register,
            guard: left.guard,
        })
    }

    /// A comparison of two numbers.
    pub(super) fn compare(
        &mut self,
        relation: Relation,
        left: &Arith,
        right: &Arith,
    ) -> Result<BlockId> {
        let left = self.arith(left)?;
        let right = self.arith(right)?;
        Ok(self.compare_numbers(relation, left, right))
    }

    pub(super) fn compare_numbers(
        &mut self,
        relation: Relation,
        left: Number,
        right: Number,
    ) -> BlockId {
        let (jump, contrary) = match relation {
            Relation::Greater => (op::JGT, false),
            Relation::GreaterOrEqual => (op::JGE, false),
            Relation::Equal => (op::JEQ, false),
            Relation::Less => (op::JGE, true),
            Relation::LessOrEqual => (op::JGT, true),
            Relation::NotEqual => (op::JEQ, true),
        };
        let (to_x, to_a) = (right.to_x(), left.to_a());
        let mut stmts = left.stmts;
        stmts.extend(right.stmts);
        stmts.extend([to_x, to_a]);
        let code = if jump == op::JEQ {
            stmts.push(Stmt::new(op::ALU | op::SUB | op::X, 0));
            op::JMP | op::JEQ | op::K
        } else {
            op::JMP | jump | op::X
        };
        let block = self.graph.add(code, 0, stmts);
        if contrary {
            self.graph.not(block);
        }
        self.free(left.register);
        self.free(right.register);
        let guard = match (left.guard, right.guard) {
            (Some(left), Some(right)) => Some(self.and(left, right)),
            (left, right) => left.or(right),
        };
        match guard {
            Some(guard) => self.and(guard, block),
            None => block,
        }
    }

    /// `proto[index:size]`
    pub(super) fn load_number(&mut self, proto: Proto, index: Number, size: u32) -> Result<Number> {
        let register = self.register()?;
        self.free(index.register);
        let size = match size {
            1 => op::B,
            2 => op::H,
            4 => op::W,
            _ => {
                return Err(Fault::new(format!("{size} bytes cannot be loaded at once"))
                    .hint("1, 2 or 4 can"));
            }
        };
        let load = |k: u32| Stmt::new(op::LD | op::IND | size, k);
        let index_in_a = index.to_a();
        let index_in_x = index.to_x();
        let add_x = Stmt::new(op::ALU | op::ADD | op::X, 0);
        let tax = Stmt::new(op::MISC | op::TAX, 0);
        let mut stmts = index.stmts;
        let mut guard = index.guard;
        match proto {
            Proto::Radio => {
                if !matches!(
                    self.link,
                    Link::WLAN_AVS | Link::WLAN_RADIOTAP | Link::WLAN_PRISM
                ) {
                    return Err(self.wrong_link("radio information"));
                }
                stmts.extend([index_in_x, load(0)]);
            }
            Proto::Link => {
                match self.load_variable_part(|this| &mut this.header)? {
                    Some(load_x) => stmts.extend([load_x, index_in_a, add_x, tax]),
                    None => stmts.push(index_in_x),
                }
                stmts.push(load(self.header.constant));
            }
            Proto::Ip
            | Proto::Arp
            | Proto::Rarp
            | Proto::Atalk
            | Proto::Decnet
            | Proto::Lat
            | Proto::Sca
            | Proto::Moprc
            | Proto::Mopdl
            | Proto::Ipv6 => {
                match self.load_variable_part(|this| &mut this.payload)? {
                    Some(load_x) => stmts.extend([load_x, index_in_a, add_x, tax]),
                    None => stmts.push(index_in_x),
                }
                stmts.push(load(self.network_offset()));
                let carried = self.protocol(proto)?;
                guard = Some(self.after(guard, carried));
            }
            Proto::Sctp
            | Proto::Tcp
            | Proto::Udp
            | Proto::Icmp
            | Proto::Igmp
            | Proto::Igrp
            | Proto::Pim
            | Proto::Vrrp
            | Proto::Carp => {
                stmts.extend(self.load_ipv4_header_len()?);
                stmts.extend([index_in_a, add_x, tax, load(self.network_offset())]);
                let (carried, first) = (self.protocol(proto)?, self.first_fragment()?);
                let block = self.and(carried, first);
                let block = self.after(guard, block);
                let ip = self.protocol(Proto::Ip)?;
                guard = Some(self.and(ip, block));
            }
            Proto::Icmpv6 => {
                let ip = self.protocol(Proto::Ipv6)?;
                let block = self.after(guard, ip);
                let next = self.equal(From::Network, 6, op::B, ICMPV6)?;
                guard = Some(self.and(block, next));
                match self.load_variable_part(|this| &mut this.payload)? {
                    Some(load_x) => stmts.extend([load_x, index_in_a, add_x, tax]),
                    None => stmts.push(index_in_x),
                }
                stmts.push(load(self.network_offset().wrapping_add(40)));
            }
            _ => {
                return Err(
                    Fault::new(format!("{} has no bytes to look at", proto.word()))
                        .hint("ether, ip, ip6, arp, tcp, udp, icmp, icmp6 and others do"),
                );
            }
        }
        stmts.push(Stmt::new(op::ST, register));
        Ok(Number {
            stmts,
            register,
            guard,
        })
    }

    fn after(&mut self, guard: Option<BlockId>, block: BlockId) -> BlockId {
        match guard {
            Some(guard) => self.and(guard, block),
            None => block,
        }
    }
}
