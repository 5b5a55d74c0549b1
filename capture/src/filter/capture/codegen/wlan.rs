//! 802.11: addresses that move with the kind of frame, and headers of variable length.

use super::super::ast::{Dir, Mac};
use super::super::op;
use super::graph::{Label, Stmt};
use super::link::Link;
use super::load::From;
use super::{BlockId, Codegen, Result};

/// Bits of the first byte of the frame control field, and what they are for control frames.
const TYPE_MASK: u32 = 0x0c;
const TYPE_CONTROL: u32 = 0x04;
const SUBTYPE_MASK: u32 = 0xf0;
const SUBTYPE_CTS: u32 = 0xc0;
const SUBTYPE_ACK: u32 = 0xd0;
/// Bits of the second.
const TO_DS: u32 = 0x01;
const FROM_DS: u32 = 0x02;
const BOTH_DS: u32 = 0x03;
/// Set in the first byte of data frames (and reserved ones), and of control frames.
const DATA: u32 = 0x08;
const NOT_DATA: u32 = 0x04;

impl Codegen {
    fn wlan_bits(&mut self, offset: u32, bits: u32) -> Result<BlockId> {
        self.bits(From::Header, offset, bits)
    }

    fn wlan_no_bits(&mut self, offset: u32, bits: u32) -> Result<BlockId> {
        let block = self.wlan_bits(offset, bits)?;
        Ok(self.not(block))
    }

    /// A data frame.
    pub(super) fn wlan_data_frame(&mut self) -> Result<BlockId> {
        let data = self.wlan_bits(0, DATA)?;
        let not_control = self.wlan_no_bits(0, NOT_DATA)?;
        Ok(self.and(not_control, data))
    }

    /// `bits` in the second byte choose between two tests.
    fn wlan_choose(
        &mut self,
        (offset, bits): (u32, u32),
        set: impl FnOnce(&mut Self) -> Result<BlockId>,
        unset: impl FnOnce(&mut Self) -> Result<BlockId>,
    ) -> Result<BlockId> {
        let test = self.wlan_bits(offset, bits)?;
        let block = set(self)?;
        let block = self.and(test, block);
        let test = self.wlan_no_bits(offset, bits)?;
        let other = unset(self)?;
        let other = self.and(test, other);
        Ok(self.or(other, block))
    }

    /// An address, wherever this kind of frame has it.
    pub(super) fn wlan_host(&mut self, mac: Mac, dir: Option<Dir>) -> Result<BlockId> {
        self.both_ways(dir, |this, dir| match dir {
            Dir::Src => {
                let block = this.wlan_choose(
                    (1, TO_DS),
                    |this| this.equal_mac(24, mac),
                    |this| this.equal_mac(16, mac),
                )?;
                let from_ds = this.wlan_bits(1, FROM_DS)?;
                let block = this.and(from_ds, block);
                let not_from_ds = this.wlan_no_bits(1, FROM_DS)?;
                let other = this.equal_mac(10, mac)?;
                let other = this.and(not_from_ds, other);
                let block = this.or(other, block);
                this.wlan_data_or_management(block, |this| this.equal_mac(10, mac))
            }
            Dir::Dst => {
                let block = this.wlan_choose(
                    (1, TO_DS),
                    |this| this.equal_mac(16, mac),
                    |this| this.equal_mac(4, mac),
                )?;
                this.wlan_data_or_management(block, |this| this.equal_mac(4, mac))
            }
            Dir::Addr1 => this.equal_mac(4, mac),
            Dir::Addr2 => {
                let block = this.wlan_has_second_address()?;
                let address = this.equal_mac(10, mac)?;
                Ok(this.and(block, address))
            }
            Dir::Addr3 => {
                let control = this.wlan_control_type()?;
                let block = this.not(control);
                let address = this.equal_mac(16, mac)?;
                Ok(this.and(block, address))
            }
            Dir::Addr4 => {
                let block = this.masked(From::Header, 1, op::B, BOTH_DS, BOTH_DS)?;
                let address = this.equal_mac(24, mac)?;
                Ok(this.and(block, address))
            }
            Dir::Ra => {
                let data = this.wlan_bits(0, DATA)?;
                let address = this.equal_mac(4, mac)?;
                Ok(this.and(data, address))
            }
            Dir::Ta => {
                let block = this.wlan_has_second_address()?;
                let data = this.wlan_bits(0, DATA)?;
                let block = this.and(data, block);
                let address = this.equal_mac(10, mac)?;
                Ok(this.and(block, address))
            }
            Dir::SrcOrDst | Dir::SrcAndDst => Err(super::address::only_wlan(dir)),
        })
    }

    /// A test for data frames and one for management frames; control frames pass neither.
    pub(super) fn wlan_data_or_management(
        &mut self,
        data: BlockId,
        management: impl FnOnce(&mut Self) -> Result<BlockId>,
    ) -> Result<BlockId> {
        let is_data = self.wlan_bits(0, DATA)?;
        let block = self.and(is_data, data);
        let is_not_data = self.wlan_no_bits(0, DATA)?;
        let other = management(self)?;
        let other = self.and(is_not_data, other);
        let block = self.or(other, block);
        let not_control = self.wlan_no_bits(0, NOT_DATA)?;
        Ok(self.and(not_control, block))
    }

    fn wlan_control_type(&mut self) -> Result<BlockId> {
        self.masked(From::Header, 0, op::B, TYPE_CONTROL, TYPE_MASK)
    }

    /// No control frame, or one that is neither CTS nor ACK.
    fn wlan_has_second_address(&mut self) -> Result<BlockId> {
        let control = self.wlan_control_type()?;
        let not_control = self.not(control);
        let cts = self.masked(From::Header, 0, op::B, SUBTYPE_CTS, SUBTYPE_MASK)?;
        let not_cts = self.not(cts);
        let ack = self.masked(From::Header, 0, op::B, SUBTYPE_ACK, SUBTYPE_MASK)?;
        let not_ack = self.not(ack);
        let block = self.and(not_cts, not_ack);
        Ok(self.or(not_control, block))
    }

    /// A multicast address as destination.
    pub(super) fn wlan_multicast(&mut self) -> Result<BlockId> {
        let block = self.wlan_choose(
            (1, TO_DS),
            |this| this.bits(From::Header, 16, 1),
            |this| this.bits(From::Header, 4, 1),
        )?;
        self.wlan_data_or_management(block, |this| this.bits(From::Header, 4, 1))
    }

    pub(super) fn wlan_type(&mut self, value: u32, mask: u32) -> Result<BlockId> {
        if !self.link.is_wlan() {
            return Err(self.wrong_link("the type of 802.11 frames"));
        }
        self.masked(From::Header, 0, op::B, value, mask)
    }

    pub(super) fn wlan_dir(&mut self, dir: u32) -> Result<BlockId> {
        if !self.link.is_wlan() {
            return Err(self.wrong_link("the direction of 802.11 frames"));
        }
        self.masked(From::Header, 1, op::B, dir, BOTH_DS)
    }

    /// Only PPI headers in front of 802.11 are understood.
    pub(super) fn ppi_check(&mut self) -> Option<BlockId> {
        (self.link == Link::PPI).then(|| {
            let load = Stmt::new(op::LD | op::W | op::ABS, 4);
            let wlan = u32::from(Link::WLAN.0).swap_bytes();
            self.graph.add(op::JMP | op::JEQ | op::K, wlan, vec![load])
        })
    }

    /// Puts in front of everything what computes the offsets that vary, if any test needs them.
    pub(super) fn insert_variable_offsets(&mut self, head: BlockId) -> Result<()> {
        if self.payload.register.is_some() && self.header.variable && self.header.register.is_none()
        {
            self.header.register = Some(self.register()?);
        }
        let mut stmts = match (self.outermost_link, self.header.register) {
            (Link::WLAN_PRISM, register) => {
                self.keep = true;
                register.map_or_else(Vec::new, |register| self.prism_header_len(register))
            }
            (Link::WLAN_AVS, Some(register)) => vec![
                Stmt::new(op::LD | op::W | op::ABS, 4),
                Stmt::new(op::ST, register),
                Stmt::new(op::MISC | op::TAX, 0),
            ],
            (Link::WLAN_RADIOTAP | Link::PPI, Some(register)) => little_endian_len(register),
            _ => Vec::new(),
        };
        if self.outermost_link.is_wlan_or_ppi() {
            self.wlan_header_len(&mut stmts, head);
        } else if self.outermost_link == Link::PFLOG
            && let Some(register) = self.payload.register
        {
            stmts = vec![
                Stmt::new(op::LD | op::B | op::ABS, 0),
                Stmt::new(op::ALU | op::ADD | op::K, 3),
                Stmt::new(op::ALU | op::AND | op::K, 0xffff_fffc),
                Stmt::new(op::ST, register),
                Stmt::new(op::MISC | op::TAX, 0),
            ];
        }
        let block = self.graph.block_mut(head);
        stmts.append(&mut block.stmts);
        block.stmts = stmts;
        Ok(())
    }

    /// Prism headers have a fixed length, unless they are AVS headers after all.
    fn prism_header_len(&mut self, register: u32) -> Vec<Stmt> {
        let (avs, prism) = (self.graph.label(), self.graph.label());
        vec![
            Stmt::new(op::LD | op::W | op::ABS, 0),
            Stmt::new(op::ALU | op::AND | op::K, 0xffff_f000),
            Stmt::new(op::JMP | op::JEQ | op::K, 0x8021_1000).to(avs, prism),
            Stmt::new(op::LD | op::W | op::ABS, 4).at(avs),
            Stmt::new(op::JMP | op::JA, 1),
            Stmt::new(op::LD | op::W | op::IMM, 144).at(prism),
            Stmt::new(op::ST, register),
            Stmt::new(op::MISC | op::TAX, 0),
        ]
    }

    /// The length of the 802.11 header: 24 bytes, two more with `QoS`, and rounded up where radiotap
    /// says that the driver pads it.
    fn wlan_header_len(&mut self, stmts: &mut Vec<Stmt>, head: BlockId) {
        let Some(register) = self.payload.register else {
            return;
        };
        self.keep = true;
        if stmts.is_empty() {
            let start = self.outermost_header.constant;
            stmts.push(Stmt::new(op::LDX | op::IMM, start));
        }
        let next = self.graph.label();
        if let Some(first) = self.graph.block_mut(head).stmts.first_mut() {
            first.label = next;
        }
        let jset = |bits: u32| Stmt::new(op::JMP | op::JSET | op::K, bits);
        let st = Stmt::new(op::ST, register);
        let mut label = || self.graph.label();
        let (is_data, qos, add_two, no_qos) = (label(), label(), label(), label());
        let radiotap = self.link == Link::WLAN_RADIOTAP;
        stmts.extend([
            Stmt::new(op::MISC | op::TXA, 0),
            Stmt::new(op::ALU | op::ADD | op::K, 24),
            st,
            Stmt::new(op::LD | op::IND | op::B, 0),
            jset(DATA).to(is_data, next),
            jset(NOT_DATA).at(is_data).to(next, qos),
            jset(0x80)
                .at(qos)
                .to(add_two, if radiotap { no_qos } else { next }),
            Stmt::new(op::LD | op::MEM, register).at(add_two),
            Stmt::new(op::ALU | op::ADD | op::K, 2),
            st,
        ]);
        if !radiotap {
            return;
        }
        let present = |bit: u32| jset(bit.swap_bytes());
        let mut label = || self.graph.label();
        let (extended, timestamp) = (label(), label());
        let (late_flags, late_pad, early_flags) = (label(), Label::NONE, label());
        let round_up = label();
        stmts.extend([
            Stmt::new(op::LD | op::ABS | op::W, 4).at(no_qos),
            present(0x0000_0002).to(extended, next),
            present(0x8000_0000).at(extended).to(next, timestamp),
            present(0x0000_0001)
                .at(timestamp)
                .to(late_flags, early_flags),
            Stmt::new(op::LD | op::ABS | op::B, 16).at(late_flags),
            jset(0x20).at(late_pad).to(round_up, next),
            Stmt::new(op::LD | op::ABS | op::B, 8).at(early_flags),
            jset(0x20).to(round_up, next),
            Stmt::new(op::LD | op::MEM, register).at(round_up),
            Stmt::new(op::ALU | op::ADD | op::K, 3),
            Stmt::new(op::ALU | op::AND | op::K, !3),
            st,
        ]);
    }
}

/// The length of a radiotap or PPI header, in `X` and in memory.
fn little_endian_len(register: u32) -> Vec<Stmt> {
    vec![
        Stmt::new(op::LD | op::B | op::ABS, 3),
        Stmt::new(op::ALU | op::LSH | op::K, 8),
        Stmt::new(op::MISC | op::TAX, 0),
        Stmt::new(op::LD | op::B | op::ABS, 2),
        Stmt::new(op::ALU | op::OR | op::X, 0),
        Stmt::new(op::ST, register),
        Stmt::new(op::MISC | op::TAX, 0),
    ]
}
