//! Tests of what is known beside the bytes (length, direction, interface), of single bytes, and of
//! what the BSDs' packet filter logs.

use super::super::Origin;
use super::super::ast::{Arith, ByteTest, Pf, Proto, Relation};
use super::super::error::Fault;
use super::super::op;
use super::graph::Stmt;
use super::link::Link;
use super::load::From;
use super::{BlockId, Codegen, Result};

/// What cooked captures, and the kernel, call an outgoing packet.
const OUTGOING: u32 = 4;

impl Codegen {
    fn len(&mut self, jump: u16, len: u32) -> BlockId {
        let stmts = vec![Stmt::new(op::LD | op::LEN, 0)];
        self.graph.add(op::JMP | jump | op::K, len, stmts)
    }

    pub(super) fn greater(&mut self, len: u32) -> BlockId {
        self.len(op::JGE, len)
    }

    pub(super) fn less(&mut self, len: u32) -> BlockId {
        let block = self.len(op::JGT, len);
        self.not(block)
    }

    pub(super) fn byte(&mut self, index: u32, test: ByteTest, value: u32) -> Result<BlockId> {
        let operation = match test {
            ByteTest::Equal => return self.equal(From::Header, index, op::B, value),
            ByteTest::Greater => return self.greater_than(From::Header, index, op::B, value),
            ByteTest::Less => {
                let block = self.at_least(From::Header, index, op::B, value)?;
                return Ok(self.not(block));
            }
            ByteTest::And => op::AND,
            ByteTest::Or => op::OR,
        };
        // As in libpcap, which forgets to load the byte: the test is about what was loaded last.
        let stmts = vec![Stmt::new(op::ALU | operation | op::K, value)];
        let block = self.graph.add(op::JMP | op::JEQ | op::K, 0, stmts);
        Ok(self.not(block))
    }

    pub(super) fn ifindex(&mut self, index: u32) -> Result<BlockId> {
        if self.link == Link::SLL2 {
            return self.equal(From::Header, 4, op::W, index);
        }
        self.needs_kernel("ifindex")?;
        self.equal(From::Header, op::ANCILLARY_IFINDEX, op::W, index)
    }

    fn needs_kernel(&self, what: &str) -> Result<()> {
        if self.origin == Origin::Live {
            return Ok(());
        }
        Err(self
            .wrong_link(what)
            .hint("files of this link type do not say it of their packets"))
    }

    /// `inbound` and `outbound`.
    pub(super) fn direction(&mut self, outbound: bool) -> Result<BlockId> {
        let outgoing = match self.link {
            Link::SLIP => {
                let zero = self.arith(&Arith::Number(0, 0..0))?;
                let index = self.arith(&Arith::Number(0, 0..0))?;
                let byte = self.load_number(Proto::Link, index, 1)?;
                let relation = if outbound {
                    Relation::NotEqual
                } else {
                    Relation::Equal
                };
                return Ok(self.compare_numbers(relation, byte, zero));
            }
            Link::IPNET => {
                return self.equal(From::Header, 2, op::H, if outbound { 1 } else { 2 });
            }
            Link::PFLOG => {
                return self.equal(From::Header, 60, op::B, if outbound { 2 } else { 1 });
            }
            Link::PPP_PPPD => {
                return self.equal(From::Header, 0, op::B, u32::from(outbound));
            }
            link if link.is_juniper() => {
                return self.masked(From::Header, 3, op::B, u32::from(!outbound), 0x01);
            }
            Link::SLL => self.equal(From::Header, 0, op::H, OUTGOING)?,
            Link::SLL2 => self.equal(From::Header, 10, op::B, OUTGOING)?,
            _ => {
                self.needs_kernel("the direction of a packet")?;
                self.equal(From::Header, op::ANCILLARY_PACKET_TYPE, op::H, OUTGOING)?
            }
        };
        Ok(if outbound {
            outgoing
        } else {
            self.not(outgoing)
        })
    }

    /// Fields of the header that the packet filter's log has.
    pub(super) fn pf(&mut self, pf: &Pf) -> Result<BlockId> {
        if self.link != Link::PFLOG {
            return Err(self.wrong_link("what a packet filter did"));
        }
        match pf {
            Pf::Ifname(name) => self.pf_name(4, name),
            Pf::Ruleset(name) => self.pf_name(20, name),
            Pf::Rule(number) => self.equal(From::Header, 36, op::W, *number),
            Pf::Subrule(number) => self.equal(From::Header, 40, op::W, *number),
            Pf::Reason(number) => self.equal(From::Header, 3, op::B, *number),
            Pf::Action(number) => self.equal(From::Header, 2, op::B, *number),
        }
    }

    fn pf_name(&mut self, offset: u32, name: &str) -> Result<BlockId> {
        if name.len() > 15 {
            return Err(Fault::new(format!("{name} is longer than 15 characters")));
        }
        self.equal_bytes(From::Header, offset, name.as_bytes())?
            .ok_or_else(|| Fault::new("the name is empty"))
    }
}
