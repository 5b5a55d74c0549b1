//! Tests that move everything after them: VLAN, MPLS, `PPPoE` and GENEVE.

use super::super::error::Fault;
use super::super::op;
use super::graph::Stmt;
use super::link::Link;
use super::load::From;
use super::{BlockId, Codegen, Offset, Result, payload};

const GENEVE_PORT: u32 = 6081;

fn at_most(what: &str, number: u32, max: u32) -> Result<()> {
    if number <= max {
        return Ok(());
    }
    Err(Fault::new(format!(
        "{what} {number} does not exist: the largest is {max}"
    )))
}

impl Codegen {
    /// A VLAN tag; later tests look behind it.
    pub(super) fn vlan(&mut self, id: Option<u32>) -> Result<BlockId> {
        if self.labels_passed > 0 {
            return Err(
                Fault::new("there is no VLAN tag behind mpls").hint("write vlan before mpls")
            );
        }
        if !self.link.is_ethernet() && !self.link.is_wlan() {
            return Err(self.wrong_link("vlan"));
        }
        let plain = self.carries(payload::VLAN)?;
        let provider = self.carries(payload::VLAN_AD)?;
        let block = self.or(plain, provider);
        let old = self.carries(payload::VLAN_QINQ)?;
        let mut block = self.or(block, old);
        if let Some(id) = id {
            at_most("VLAN", id, 0xfff)?;
            let tag = self.masked(From::Network, 0, op::H, id, 0xfff)?;
            block = self.and(block, tag);
        }
        self.payload.constant = self.payload.constant.wrapping_add(4);
        self.kind.constant = self.kind.constant.wrapping_add(4);
        Ok(block)
    }

    /// An MPLS label; later tests look behind it.
    pub(super) fn mpls(&mut self, label: Option<u32>) -> Result<BlockId> {
        let mut block = if self.labels_passed > 0 {
            // The one before was not the last.
            self.masked(From::PreviousLabel, 2, op::B, 0, 0x01)?
        } else {
            match self.link {
                Link::C_HDLC | Link::HDLC => self.carries(payload::MPLS)?,
                link if link.is_ethernet() => self.carries(payload::MPLS)?,
                Link::PPP => self.carries(payload::PPP_MPLS)?,
                _ => return Err(self.wrong_link("mpls")),
            }
        };
        if let Some(label) = label {
            at_most("MPLS label", label, 0xf_ffff)?;
            let value = self.masked(From::Network, 0, op::W, label << 12, 0xffff_f000)?;
            block = self.and(block, value);
        }
        self.network_nosnap = self.network_nosnap.wrapping_add(4);
        self.network = self.network.wrapping_add(4);
        self.labels_passed += 1;
        Ok(block)
    }

    fn push_header(&mut self, link: Link, header: Offset) {
        self.previous_link = self.link;
        self.previous_header = self.header;
        self.link = link;
        self.header = header;
        self.in_geneve = false;
    }

    /// A `PPPoE` session; later tests look at the PPP frame in it.
    pub(super) fn pppoe_session(&mut self, session: Option<u32>) -> Result<BlockId> {
        let mut block = self.carries(payload::PPPOE_SESSION)?;
        if let Some(session) = session {
            at_most("PPPoE session", session, 0xffff)?;
            let id = self.masked(From::Network, 0, op::W, session, 0xffff)?;
            block = self.and(block, id);
        }
        let header = Offset {
            constant: self.network_offset().wrapping_add(6),
            ..self.payload
        };
        self.push_header(Link::PPP, header);
        self.kind = header;
        self.payload.constant = header.constant.wrapping_add(2);
        self.network = 0;
        self.network_nosnap = 0;
        Ok(block)
    }

    /// GENEVE over UDP; later tests look at what is in it.
    pub(super) fn geneve(&mut self, vni: Option<u32>) -> Result<BlockId> {
        let v4 = self.geneve_over(false, vni)?;
        let v6 = self.geneve_over(true, vni)?;
        let block = self.or(v4, v6);
        let mut stmts = self.geneve_offsets()?;
        let offsets = self.always();
        let test = self.graph.block_mut(offsets);
        stmts.append(&mut test.stmts);
        test.stmts = stmts;
        let block = self.and(block, offsets);
        self.in_geneve = true;
        Ok(block)
    }

    /// Leaves in `A` how long the IP header is, plus what varies before it.
    fn geneve_over(&mut self, v6: bool, vni: Option<u32>) -> Result<BlockId> {
        let mut block = self.udp_destination(v6, GENEVE_PORT)?;
        let from = if v6 {
            From::Ipv6Payload
        } else {
            From::Ipv4Payload
        };
        let version = self.masked(from, 8, op::B, 0, 0xc0)?;
        block = self.and(block, version);
        if let Some(vni) = vni {
            at_most("GENEVE VNI", vni, 0xff_ffff)?;
            let id = self.masked(from, 12, op::W, vni << 8, 0xffff_ff00)?;
            block = self.and(block, id);
        }
        let stmts = if v6 {
            let mut stmts = Vec::new();
            match self.load_variable_part(|this| &mut this.payload)? {
                Some(load_x) => stmts.extend([
                    load_x,
                    Stmt::new(op::LD | op::IMM, 40),
                    Stmt::new(op::ALU | op::ADD | op::X, 0),
                ]),
                None => stmts.push(Stmt::new(op::LD | op::IMM, 40)),
            }
            stmts.push(Stmt::new(op::MISC | op::TAX, 0));
            stmts
        } else {
            let mut stmts = self.load_ipv4_header_len()?;
            stmts.push(Stmt::new(op::MISC | op::TXA, 0));
            stmts
        };
        // A and X are the same here: the test always holds, and keeps both.
        let keep = self.graph.add(op::JMP | op::JEQ | op::X, 0, stmts);
        Ok(self.and(block, keep))
    }

    /// Where the type of what is in GENEVE is, where its link-layer header would begin, and where its
    /// payload does.
    fn geneve_offsets(&mut self) -> Result<Vec<Stmt>> {
        let start = self.network_offset().wrapping_add(8);
        let alu = |operation: u16, k: u32| Stmt::new(op::ALU | operation | op::K, k);
        let tax = Stmt::new(op::MISC | op::TAX, 0);

        let kind = self.register()?;
        self.kind = Offset {
            constant: 0,
            variable: true,
            register: Some(kind),
        };
        let header = self.register()?;
        self.push_header(
            Link::ETHERNET,
            Offset {
                constant: 0,
                variable: true,
                register: Some(header),
            },
        );
        self.keep = true;
        let payload = self.register()?;
        self.payload = Offset {
            constant: 0,
            variable: true,
            register: Some(payload),
        };
        self.network = 0;
        let (ethernet, other) = (self.graph.label(), self.graph.label());
        Ok(vec![
            alu(op::ADD, start),
            tax,
            alu(op::ADD, 2),
            Stmt::new(op::ST, kind),
            // The options, in words.
            Stmt::new(op::LD | op::IND | op::B, 0),
            alu(op::AND, 0x3f),
            alu(op::MUL, 4),
            alu(op::ADD, 8),
            Stmt::new(op::ALU | op::ADD | op::X, 0),
            Stmt::new(op::ST, header),
            Stmt::new(op::LD | op::IND | op::H, 2),
            Stmt::new(op::LDX | op::MEM, header),
            Stmt::new(op::JMP | op::JEQ | op::K, payload::TRANSPARENT_ETHERNET).to(ethernet, other),
            Stmt::new(op::MISC | op::TXA, 0).at(ethernet),
            alu(op::ADD, 12),
            Stmt::new(op::ST, kind),
            alu(op::ADD, 2),
            tax,
            Stmt::new(op::STX, payload).at(other),
        ])
    }

    /// GENEVE carries an Ethernet frame: there is something before the payload.
    pub(super) fn geneve_has_ethernet(&mut self) -> Result<BlockId> {
        let (Some(header), Some(payload)) = (self.header.register, self.payload.register) else {
            return Err(Fault::new("GENEVE without offsets"));
        };
        let stmts = vec![
            Stmt::new(op::LD | op::MEM, header),
            Stmt::new(op::LDX | op::MEM, payload),
        ];
        let same = self.graph.add(op::JMP | op::JEQ | op::X, 0, stmts);
        Ok(self.not(same))
    }
}
