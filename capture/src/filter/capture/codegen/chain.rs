//! `protochain`: a protocol behind any number of headers.
//!
//! libpcap generates a loop. Programs here only jump forward, so that they end and the kernel can run
//! them; the loop is unrolled, and a packet with more headers than [`MAX_HEADERS`] does not match.

use super::super::ast::Proto;
use super::super::error::Fault;
use super::super::op;
use super::graph::Stmt;
use super::{BlockId, Codegen, Result, payload};

/// Headers that are followed: twice as many as RFC 8200 (section 4.1) has any use for.
const MAX_HEADERS: u32 = 16;

/// IP protocols that are headers with a protocol behind them, and the one that says that nothing is.
const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
const FRAGMENT: u32 = 44;
const AH: u32 = 51;
const NONE: u32 = 59;
const DESTINATION_OPTIONS: u32 = 60;

impl Codegen {
    pub(super) fn protochain(&mut self, number: u32, of: Option<Proto>) -> Result<BlockId> {
        let register = self.register()?;
        let v6 = match of {
            Some(Proto::Ip) => false,
            Some(Proto::Ipv6) => true,
            None => {
                // As in libpcap, the register stays taken.
                let v4 = self.protochain(number, Some(Proto::Ip))?;
                let v6 = self.protochain(number, Some(Proto::Ipv6))?;
                return Ok(self.or(v4, v6));
            }
            Some(proto) => {
                return Err(
                    Fault::new(format!("{} has no chain of headers", proto.word()))
                        .hint("protochain goes with ip, ip6, or nothing before it"),
                );
            }
        };
        if self.payload.variable {
            return Err(Fault::new(
                "protochain cannot follow a header of variable length",
            ));
        }
        self.keep = true;
        let carried = self.carries(if v6 { payload::IPV6 } else { payload::IPV4 })?;
        let stmts = self.chain(number, v6, register);
        let block = self.graph.add(op::JMP | op::JEQ | op::K, number, stmts);
        self.free(register);
        Ok(self.and(carried, block))
    }

    /// Statements that leave in `A` the protocol at which the chain ends, or the one looked for.
    fn chain(&mut self, number: u32, v6: bool, register: u32) -> Vec<Stmt> {
        let network = self.network_offset();
        let jeq = |k: u32| Stmt::new(op::JMP | op::JEQ | op::K, k);
        let byte = |offset: u32| Stmt::new(op::LD | op::IND | op::B, network.wrapping_add(offset));
        let alu = |operation: u16, k: u32| Stmt::new(op::ALU | operation | op::K, k);
        let tax = Stmt::new(op::MISC | op::TAX, 0);
        let txa = Stmt::new(op::MISC | op::TXA, 0);
        let (save, restore) = (
            Stmt::new(op::ST, register),
            Stmt::new(op::LD | op::MEM, register),
        );

        let mut stmts = Vec::new();
        let load = |offset: u32| Stmt::new(op::LD | op::ABS | op::B, network.wrapping_add(offset));
        // `X` is where the next header begins, counted from the network layer.
        if v6 {
            stmts.extend([load(6), Stmt::new(op::LDX | op::IMM, 40)]);
        } else {
            stmts.extend([load(9), Stmt::new(op::LDX | op::MSH | op::B, network)]);
        }
        let end = self.graph.label();
        let mut again = self.graph.label();
        for _ in 0..MAX_HEADERS {
            let mut label = || self.graph.label();
            let (nothing, headers, ah) = (label(), label(), label());
            let (options, routing, fragment) = (label(), label(), label());
            let (skip, skip_ah, next) = (label(), label(), label());
            stmts.extend([
                jeq(number).at(again).to(end, nothing),
                jeq(NONE).at(nothing).to(end, headers),
            ]);
            if v6 {
                stmts.extend([
                    jeq(HOP_BY_HOP).at(headers).to(skip, options),
                    jeq(DESTINATION_OPTIONS).at(options).to(skip, routing),
                    jeq(ROUTING).at(routing).to(skip, fragment),
                    // The length is read from a reserved byte, which is 0 as it should be.
                    jeq(FRAGMENT).at(fragment).to(skip, ah),
                    byte(0).at(skip),
                    save,
                    byte(1),
                    alu(op::ADD, 1),
                    alu(op::MUL, 8),
                    Stmt::new(op::ALU | op::ADD | op::X, 0),
                    tax,
                    restore,
                    Stmt::new(op::JMP | op::JA, JUMP_OVER_AH),
                ]);
            } else {
                stmts.push(alu(op::ADD, 0).at(headers));
            }
            stmts.extend([
                jeq(AH).at(ah).to(skip_ah, end),
                txa.at(skip_ah),
                byte(0),
                save,
                txa,
                alu(op::ADD, 1),
                tax,
                byte(0),
                alu(op::ADD, 2),
                alu(op::MUL, 4),
                // As in libpcap, which forgets where the header was.
                tax,
                restore,
            ]);
            again = next;
        }
        stmts.extend([
            Stmt::new(op::RET | op::K, 0).at(again),
            alu(op::ADD, 0).at(end),
        ]);
        stmts
    }
}

/// Statements about an authentication header, which follow those about other headers.
const JUMP_OVER_AH: u32 = 12;
