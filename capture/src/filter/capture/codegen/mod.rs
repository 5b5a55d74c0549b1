//! Expression to blocks: what libpcap's `gencode.c` generates, test by test.
//!
//! The order of loads is part of what an expression means, for a load beyond the captured bytes
//! rejects the packet, whatever the expression would have made of the value; and so are some oddities
//! that users have grown used to. So the blocks are the same as libpcap's, one by one. What moves
//! later tests (`vlan`, `mpls`, `pppoes`, `geneve`) changes the state here, from left to right,
//! whether or not the packet passes such a test.
//!
//! - `graph.rs` blocks and how they are joined
//! - `link.rs` layouts of link types; `payload.rs` tests of what a link-layer header carries
//! - `load.rs` loads and comparisons at offsets that other tests move
//! - `address.rs`, `wlan.rs`, `port.rs`, `proto.rs`, `chain.rs` addresses, ports, protocols
//! - `arith.rs` numbers
//! - `encap.rs` VLAN, MPLS, `PPPoE`, GENEVE
//! - `broadcast.rs`, `meta.rs`, `telecom.rs` the rest

mod address;
mod arith;
mod broadcast;
mod chain;
mod encap;
mod graph;
mod link;
mod load;
mod meta;
mod payload;
mod port;
mod proto;
mod telecom;
mod wlan;

pub(crate) use graph::{BlockId, Graph, Label, NOP, Stmt};

use super::ast::{Expr, Join, Test};
use super::error::{Fault, FilterError};
use super::{FilterOptions, Origin, op};
use crate::packet::LinkType;
use link::{Layout, Link};

/// An expression as blocks.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) graph: Graph,
    pub(crate) root: BlockId,
    /// The blocks have loops or jumps inside that the optimizer does not understand.
    pub(crate) keep: bool,
}

/// Blocks of an expression; those of an empty one keep everything.
pub(crate) fn generate(
    text: &str,
    expr: Option<&Expr>,
    link: LinkType,
    options: &FilterOptions<'_>,
) -> Result<Code, FilterError> {
    let whole = |fault: Fault| fault.at(text, 0..text.len());
    let mut codegen = Codegen::new(link, options).map_err(whole)?;
    let Some(expr) = expr else {
        let root = codegen
            .graph
            .add(op::RET | op::K, options.snap_len, Vec::new());
        return Ok(Code {
            graph: codegen.graph,
            root,
            keep: false,
        });
    };
    let last = codegen.expr(text, expr)?;
    let root = codegen.finish(last).map_err(whole)?;
    Ok(Code {
        graph: codegen.graph,
        root,
        keep: codegen.keep,
    })
}

type Result<T, E = Fault> = std::result::Result<T, E>;

/// An offset in the packet: a constant, plus what a memory word holds if part of it is variable.
#[derive(Clone, Copy, Debug)]
struct Offset {
    constant: u32,
    variable: bool,
    /// The memory word, once there is one.
    register: Option<u32>,
}

impl Offset {
    const fn constant(constant: u32) -> Self {
        Self {
            constant,
            variable: false,
            register: None,
        }
    }
}

struct Codegen {
    graph: Graph,
    link: Link,
    outermost_link: Link,
    previous_link: Link,
    /// Of the link-layer header that tests are about, of the one around it, and of the first.
    header: Offset,
    previous_header: Offset,
    outermost_header: Offset,
    /// Of the type that a link-layer header gives, and of its payload.
    kind: Offset,
    payload: Offset,
    network: u32,
    network_nosnap: u32,
    labels_passed: u32,
    in_geneve: bool,
    registers: [bool; op::MEMORY_WORDS],
    next_register: usize,
    keep: bool,
    origin: Origin,
    snap_len: u32,
    netmask: u32,
}

impl Codegen {
    fn new(link_type: LinkType, options: &FilterOptions<'_>) -> Result<Self> {
        let link = Link::of(link_type);
        let layout = Layout::of(link).ok_or_else(|| {
            Fault::new(format!(
                "packets of link type {link_type} cannot be filtered"
            ))
        })?;
        let header = Offset {
            variable: layout.variable_header,
            ..Offset::constant(layout.header)
        };
        Ok(Self {
            graph: Graph::default(),
            link,
            outermost_link: link,
            previous_link: link,
            header,
            previous_header: header,
            outermost_header: header,
            kind: Offset::constant(layout.kind),
            payload: Offset {
                variable: layout.variable_payload,
                ..Offset::constant(layout.payload)
            },
            network: layout.network,
            network_nosnap: layout.network_nosnap,
            labels_passed: 0,
            in_geneve: false,
            registers: [false; op::MEMORY_WORDS],
            next_register: 0,
            keep: false,
            origin: options.origin,
            snap_len: options.snap_len,
            netmask: options.netmask,
        })
    }

    fn expr(&mut self, text: &str, expr: &Expr) -> Result<BlockId, FilterError> {
        match expr {
            Expr::Not(inner) => {
                let inner = self.expr(text, inner)?;
                Ok(self.graph.not(inner))
            }
            Expr::Chain(first, rest) => {
                let mut last = self.expr(text, first)?;
                for (join, next) in rest {
                    let next = self.expr(text, next)?;
                    last = match join {
                        Join::And => self.graph.and(last, next),
                        Join::Or => self.graph.or(last, next),
                    };
                }
                Ok(last)
            }
            Expr::Test(test, span) => self
                .test(test)
                .map_err(|fault| fault.at(text, span.clone())),
        }
    }

    fn test(&mut self, test: &Test) -> Result<BlockId> {
        match test {
            Test::Id(quals, id) => self.id(*quals, id),
            Test::Proto(proto) => self.protocol(*proto),
            Test::Compare(relation, left, right) => self.compare(*relation, left, right),
            Test::Broadcast(proto) => self.broadcast(*proto),
            Test::Multicast(proto) => self.multicast(*proto),
            Test::Less(len) => Ok(self.less(*len)),
            Test::Greater(len) => Ok(self.greater(*len)),
            Test::Byte(index, test, number) => self.byte(*index, *test, *number),
            Test::Inbound => self.direction(false),
            Test::Outbound => self.direction(true),
            Test::Ifindex(index) => self.ifindex(*index),
            Test::Vlan(id) => self.vlan(*id),
            Test::Mpls(label) => self.mpls(*label),
            Test::PppoeDiscovery => self.carries(payload::PPPOE_DISCOVERY),
            Test::PppoeSession(session) => self.pppoe_session(*session),
            Test::Geneve(vni) => self.geneve(*vni),
            Test::Pf(pf) => self.pf(pf),
            Test::WlanType { value, mask } => self.wlan_type(*value, *mask),
            Test::WlanDir(dir) => self.wlan_dir(*dir),
            Test::Llc(llc) => self.llc(*llc),
            Test::Atm(atm) => self.atm(*atm),
            Test::Field(field, relation, number) => self.field(*field, *relation, *number),
            Test::SignalUnit(unit) => self.signal_unit(*unit),
        }
    }

    /// Wires the whole, and puts in front what computes the variable offsets.
    fn finish(&mut self, last: BlockId) -> Result<BlockId> {
        let head = self.graph.head(last);
        self.insert_variable_offsets(head)?;
        let last = match self.ppi_check() {
            Some(check) => self.graph.and(check, last),
            None => last,
        };
        Ok(self.graph.close(last, self.snap_len))
    }

    /// A memory word that nothing else uses.
    fn register(&mut self) -> Result<u32> {
        for _ in 0..op::MEMORY_WORDS {
            let register = self.next_register;
            if self.registers[register] {
                self.next_register = (register + 1) % op::MEMORY_WORDS;
            } else {
                self.registers[register] = true;
                return Ok(register as u32);
            }
        }
        Err(
            Fault::new("the expression needs more than 16 numbers at once")
                .hint("compare fewer numbers with one another, or in parts joined by and"),
        )
    }

    fn free(&mut self, register: u32) {
        self.registers[register as usize] = false;
    }

    fn and(&mut self, first: BlockId, second: BlockId) -> BlockId {
        self.graph.and(first, second)
    }

    fn or(&mut self, first: BlockId, second: BlockId) -> BlockId {
        self.graph.or(first, second)
    }

    fn not(&mut self, block: BlockId) -> BlockId {
        self.graph.not(block)
    }

    /// An error about a link type that a test makes no sense on.
    fn wrong_link(&self, what: &str) -> Fault {
        let link = LinkType(self.link.0);
        Fault::new(format!("{what} cannot be tested on link type {link}"))
    }
}
