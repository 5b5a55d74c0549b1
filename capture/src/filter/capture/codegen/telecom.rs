//! ATM and SS7: circuits, signalling, and the link types that have them.

use super::super::ast::{Atm, Field, Relation, SignalUnit};
use super::super::error::Fault;
use super::super::op;
use super::link::Link;
use super::load::From;
use super::{BlockId, Codegen, Offset, Result};

/// Kinds of traffic in the first byte of a `SunATM` header.
const LAN_EMULATION: u32 = 1;
const LLC: u32 = 2;
/// Messages of call control.
const SETUP: u32 = 0x05;
const CALL_PROCEEDING: u32 = 0x02;
const CONNECT: u32 = 0x07;
const CONNECT_ACK: u32 = 0x0f;
const RELEASE: u32 = 0x4d;
const RELEASE_DONE: u32 = 0x5a;

/// Which way a comparison jumps, and whether it is meant the other way round.
const fn jump(relation: Relation) -> (u16, bool) {
    match relation {
        Relation::Greater => (op::JGT, false),
        Relation::GreaterOrEqual => (op::JGE, false),
        Relation::Equal => (op::JEQ, false),
        Relation::Less => (op::JGE, true),
        Relation::LessOrEqual => (op::JGT, true),
        // As in libpcap, which forgets the contrary here.
        Relation::NotEqual => (op::JEQ, false),
    }
}

impl Codegen {
    fn compare_field(
        &mut self,
        from: From,
        offset: u32,
        size: u16,
        mask: u32,
        (relation, value): (Relation, u32),
    ) -> Result<BlockId> {
        let (jump, contrary) = jump(relation);
        let block = self.compare_masked(from, offset, size, mask, jump, value)?;
        Ok(if contrary { self.not(block) } else { block })
    }

    fn vpi(&mut self, value: u32) -> Result<BlockId> {
        self.equal(From::Header, 1, op::B, value)
    }

    fn vci(&mut self, value: u32) -> Result<BlockId> {
        self.equal(From::Header, 2, op::H, value)
    }

    pub(super) fn atm_llc_type(&mut self) -> Result<BlockId> {
        self.masked(From::Header, 0, op::B, LLC, 0x0f)
    }

    fn circuit(&mut self, vci: u32) -> Result<BlockId> {
        let vpi = self.vpi(0)?;
        let vci = self.vci(vci)?;
        Ok(self.and(vpi, vci))
    }

    fn oam(&mut self) -> Result<BlockId> {
        let segment = self.vci(3)?;
        let end_to_end = self.vci(4)?;
        let either = self.or(segment, end_to_end);
        let vpi = self.vpi(0)?;
        Ok(self.and(vpi, either))
    }

    fn messages(&mut self, kinds: &[u32], vci: u32) -> Result<BlockId> {
        let mut last: Option<BlockId> = None;
        for (at, kind) in kinds.iter().enumerate() {
            let next = self.equal(From::Header, 4 + 5, op::B, *kind)?;
            last = Some(match last {
                None => next,
                Some(first) if at == 1 => self.or(first, next),
                // The second kind stays the last test.
                Some(block) => self.or(next, block),
            });
        }
        let block = last.ok_or_else(|| Fault::new("no kind of messages"))?;
        let circuit = self.circuit(vci)?;
        Ok(self.and(circuit, block))
    }

    /// Circuits and messages of ATM.
    pub(super) fn atm(&mut self, atm: Atm) -> Result<BlockId> {
        if self.outermost_link != Link::SUNATM {
            return Err(self.wrong_link("an ATM circuit"));
        }
        match atm {
            Atm::Metac => self.circuit(1),
            Atm::Bcc => self.circuit(2),
            Atm::OamF4Sc => self.circuit(3),
            Atm::OamF4Ec => self.circuit(4),
            Atm::Sc => self.circuit(5),
            Atm::Ilmic => self.circuit(16),
            Atm::Oam | Atm::OamF4 => self.oam(),
            Atm::ConnectMsg => self.messages(
                &[
                    SETUP,
                    CALL_PROCEEDING,
                    CONNECT,
                    CONNECT_ACK,
                    RELEASE,
                    RELEASE_DONE,
                ],
                5,
            ),
            Atm::MetaConnect => {
                self.messages(&[SETUP, CALL_PROCEEDING, CONNECT, RELEASE, RELEASE_DONE], 1)
            }
            Atm::Lane => {
                let block = self.masked(From::Header, 0, op::B, LAN_EMULATION, 0x0f)?;
                // Two bytes of LAN emulation before the Ethernet frame.
                let header = Offset::constant(4 + 2);
                self.previous_link = self.link;
                self.previous_header = self.header;
                self.link = Link::ETHERNET;
                self.header = header;
                self.in_geneve = false;
                self.kind.constant = header.constant + 12;
                self.payload.constant = header.constant + 14;
                self.network = 0;
                self.network_nosnap = 3;
                Ok(block)
            }
        }
    }

    /// `vpi`, `vci`, and the fields of SS7.
    pub(super) fn field(
        &mut self,
        field: Field,
        relation: Relation,
        value: u32,
    ) -> Result<BlockId> {
        if matches!(field, Field::Vpi | Field::Vci) {
            if self.outermost_link != Link::SUNATM {
                return Err(self.wrong_link("an ATM circuit"));
            }
            let (offset, size) = match field {
                Field::Vpi => (1, op::B),
                _ => (2, op::H),
            };
            return self.compare_field(From::Header, offset, size, u32::MAX, (relation, value));
        }
        let base = self.ss7_base()?;
        let (high_speed, max) = match field {
            Field::Sio => (0, 255),
            Field::HighSpeedSio => (3, 255),
            Field::Opc | Field::Dpc => (0, 16383),
            Field::HighSpeedOpc | Field::HighSpeedDpc => (3, 16383),
            Field::Sls | Field::Vpi | Field::Vci => (0, 15),
            Field::HighSpeedSls => (3, 15),
        };
        if value > max {
            return Err(Fault::new(format!(
                "{value} is too large: the largest is {max}"
            )));
        }
        let (offset, size, mask, value) = match field {
            Field::Sio | Field::HighSpeedSio => (3, op::B, u32::MAX, value),
            Field::Opc | Field::HighSpeedOpc => {
                // Fourteen bits in an order of their own.
                let spread =
                    (value & 0x3c00) >> 10 | (value & 0x03fc) << 6 | (value & 0x0003) << 22;
                (4, op::W, 0x00c0_ff0f, spread)
            }
            Field::Dpc | Field::HighSpeedDpc => {
                let spread = (value & 0x00ff) << 24 | (value & 0x3f00) << 8;
                (4, op::W, 0xff3f_0000, spread)
            }
            Field::Sls | Field::HighSpeedSls | Field::Vpi | Field::Vci => {
                (7, op::B, 0xf0, value << 4)
            }
        };
        let offset = base + high_speed + offset;
        self.compare_field(From::Packet, offset, size, mask, (relation, value))
    }

    /// Where MTP2 begins.
    fn ss7_base(&self) -> Result<u32> {
        match self.outermost_link {
            Link::MTP2 => Ok(0),
            Link::MTP2_WITH_PHDR => Ok(4),
            Link::ERF => Ok(20),
            _ => Err(self.wrong_link("SS7")),
        }
    }

    /// Kinds of signal units, which their length indicator tells.
    pub(super) fn signal_unit(&mut self, unit: SignalUnit) -> Result<BlockId> {
        if !self.link.is_ss7() {
            return Err(self.wrong_link("SS7"));
        }
        let base = self.ss7_base()?;
        let high_speed = matches!(
            unit,
            SignalUnit::HighSpeedFisu | SignalUnit::HighSpeedLssu | SignalUnit::HighSpeedMsu
        );
        let (offset, size, mask, two) = if high_speed {
            (base + 4, op::H, 0xff80, 0x0100)
        } else {
            (base + 2, op::B, 0x3f, 2)
        };
        let from = From::Packet;
        match unit {
            SignalUnit::Fisu | SignalUnit::HighSpeedFisu => {
                self.compare_masked(from, offset, size, mask, op::JEQ, 0)
            }
            SignalUnit::Lssu | SignalUnit::HighSpeedLssu => {
                let above = self.compare_masked(from, offset, size, mask, op::JGT, two)?;
                let at_most = self.not(above);
                let above_zero = self.compare_masked(from, offset, size, mask, op::JGT, 0)?;
                Ok(self.and(above_zero, at_most))
            }
            SignalUnit::Msu | SignalUnit::HighSpeedMsu => {
                self.compare_masked(from, offset, size, mask, op::JGT, two)
            }
        }
    }
}
