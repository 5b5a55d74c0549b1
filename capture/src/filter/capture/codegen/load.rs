//! Loads and comparisons, at offsets that other tests may have moved.

use super::super::op;
use super::graph::Stmt;
use super::{BlockId, Codegen, Offset, Result};

/// What an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The first byte of the packet.
    Packet,
    /// The link-layer header.
    Header,
    /// The link-layer header around it.
    PreviousHeader,
    /// The type within the link-layer header.
    Kind,
    /// What follows the link-layer header.
    Payload,
    /// The MPLS label before the network layer.
    PreviousLabel,
    /// The network layer.
    Network,
    /// The network layer behind an 802.2 header without SNAP.
    NetworkNosnap,
    /// Behind an IPv4 header.
    Ipv4Payload,
    /// Behind an IPv6 header without extensions.
    Ipv6Payload,
}

impl Codegen {
    /// `X` becomes the variable part of an offset; nothing if it has none.
    pub(super) fn load_variable_part(
        &mut self,
        offset: fn(&mut Self) -> &mut Offset,
    ) -> Result<Option<Stmt>> {
        if !offset(self).variable {
            return Ok(None);
        }
        let register = if let Some(register) = offset(self).register {
            register
        } else {
            let register = self.register()?;
            offset(self).register = Some(register);
            register
        };
        Ok(Some(Stmt::new(op::LDX | op::MEM, register)))
    }

    fn load_at(
        &mut self,
        base: fn(&mut Self) -> &mut Offset,
        offset: u32,
        size: u16,
    ) -> Result<Vec<Stmt>> {
        let k = base(self).constant.wrapping_add(offset);
        Ok(match self.load_variable_part(base)? {
            Some(load_x) => vec![load_x, Stmt::new(op::LD | op::IND | size, k)],
            None => vec![Stmt::new(op::LD | op::ABS | size, k)],
        })
    }

    /// Statements that load a byte, two or four.
    pub(super) fn load(&mut self, from: From, offset: u32, size: u16) -> Result<Vec<Stmt>> {
        let network = self.network;
        match from {
            From::Packet => Ok(vec![Stmt::new(op::LD | op::ABS | size, offset)]),
            From::Header => self.load_at(|this| &mut this.header, offset, size),
            From::PreviousHeader => self.load_at(|this| &mut this.previous_header, offset, size),
            From::Kind => self.load_at(|this| &mut this.kind, offset, size),
            From::Payload => self.load_at(|this| &mut this.payload, offset, size),
            From::PreviousLabel => {
                let offset = network.wrapping_sub(4).wrapping_add(offset);
                self.load_at(|this| &mut this.payload, offset, size)
            }
            From::Network => {
                self.load_at(|this| &mut this.payload, network.wrapping_add(offset), size)
            }
            From::NetworkNosnap => {
                let offset = self.network_nosnap.wrapping_add(offset);
                self.load_at(|this| &mut this.payload, offset, size)
            }
            From::Ipv4Payload => {
                let mut stmts = self.load_ipv4_header_len()?;
                let k = self.network_offset().wrapping_add(offset);
                stmts.push(Stmt::new(op::LD | op::IND | size, k));
                Ok(stmts)
            }
            From::Ipv6Payload => {
                let offset = network.wrapping_add(40).wrapping_add(offset);
                self.load_at(|this| &mut this.payload, offset, size)
            }
        }
    }

    /// The constant part of where the network layer is.
    pub(super) fn network_offset(&self) -> u32 {
        self.payload.constant.wrapping_add(self.network)
    }

    /// Statements that leave in `X` the length of the IPv4 header, and the variable part of where it
    /// begins.
    pub(super) fn load_ipv4_header_len(&mut self) -> Result<Vec<Stmt>> {
        let k = self.network_offset();
        Ok(match self.load_variable_part(|this| &mut this.payload)? {
            Some(load_x) => vec![
                load_x,
                Stmt::new(op::LD | op::IND | op::B, k),
                Stmt::new(op::ALU | op::AND | op::K, 0xf),
                Stmt::new(op::ALU | op::LSH | op::K, 2),
                Stmt::new(op::ALU | op::ADD | op::X, 0),
                Stmt::new(op::MISC | op::TAX, 0),
            ],
            None => vec![Stmt::new(op::LDX | op::MSH | op::B, k)],
        })
    }

    /// Compares what is loaded, after a mask if there is one, with a constant.
    pub(super) fn compare_masked(
        &mut self,
        from: From,
        offset: u32,
        size: u16,
        mask: u32,
        jump: u16,
        value: u32,
    ) -> Result<BlockId> {
        let mut stmts = self.load(from, offset, size)?;
        if mask != u32::MAX {
            stmts.push(Stmt::new(op::ALU | op::AND | op::K, mask));
        }
        Ok(self.graph.add(op::JMP | jump | op::K, value, stmts))
    }

    pub(super) fn equal(
        &mut self,
        from: From,
        offset: u32,
        size: u16,
        value: u32,
    ) -> Result<BlockId> {
        self.compare_masked(from, offset, size, u32::MAX, op::JEQ, value)
    }

    pub(super) fn masked(
        &mut self,
        from: From,
        offset: u32,
        size: u16,
        value: u32,
        mask: u32,
    ) -> Result<BlockId> {
        self.compare_masked(from, offset, size, mask, op::JEQ, value)
    }

    pub(super) fn greater_than(
        &mut self,
        from: From,
        offset: u32,
        size: u16,
        value: u32,
    ) -> Result<BlockId> {
        self.compare_masked(from, offset, size, u32::MAX, op::JGT, value)
    }

    pub(super) fn at_least(
        &mut self,
        from: From,
        offset: u32,
        size: u16,
        value: u32,
    ) -> Result<BlockId> {
        self.compare_masked(from, offset, size, u32::MAX, op::JGE, value)
    }

    /// Tests bits of one byte.
    pub(super) fn bits(&mut self, from: From, offset: u32, bits: u32) -> Result<BlockId> {
        let stmts = self.load(from, offset, op::B)?;
        Ok(self.graph.add(op::JMP | op::JSET | op::K, bits, stmts))
    }

    /// Compares several bytes, the last ones first.
    pub(super) fn equal_bytes(
        &mut self,
        from: From,
        offset: u32,
        bytes: &[u8],
    ) -> Result<Option<BlockId>> {
        let mut last = None;
        let mut left = bytes;
        while !left.is_empty() {
            let len = match left.len() {
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            let (rest, part) = left.split_at(left.len() - len);
            let value = part
                .iter()
                .fold(0, |value, byte| value << 8 | u32::from(*byte));
            let size = match len {
                4 => op::W,
                2 => op::H,
                _ => op::B,
            };
            let next = self.equal(from, offset + rest.len() as u32, size, value)?;
            last = Some(match last {
                Some(before) => self.and(before, next),
                None => next,
            });
            left = rest;
        }
        Ok(last)
    }

    /// Six bytes of an address.
    pub(super) fn equal_mac(&mut self, offset: u32, mac: [u8; 6]) -> Result<BlockId> {
        let [a, b, low @ ..] = mac;
        let first = self.equal(From::Header, offset + 2, op::W, u32::from_be_bytes(low))?;
        let high = u32::from(u16::from_be_bytes([a, b]));
        let second = self.equal(From::Header, offset, op::H, high)?;
        Ok(self.and(first, second))
    }

    fn constant(&mut self, value: u32) -> BlockId {
        let stmts = vec![Stmt::new(op::LD | op::IMM, value)];
        self.graph.add(op::JMP | op::JEQ | op::K, 0, stmts)
    }

    /// A test that always holds.
    pub(super) fn always(&mut self) -> BlockId {
        self.constant(0)
    }

    /// A test that never holds.
    pub(super) fn never(&mut self) -> BlockId {
        self.constant(1)
    }
}
