//! Protocols: by their own words, and by `proto`.

use super::super::ast::{Dir, Proto};
use super::super::error::Fault;
use super::super::op;
use super::link::Link;
use super::load::From;
use super::{BlockId, Codegen, Result, payload};

/// IP protocols.
const ICMP: u32 = 1;
const IGMP: u32 = 2;
const TCP: u32 = 6;
const IGRP: u32 = 9;
const UDP: u32 = 17;
const FRAGMENT: u32 = 44;
const ESP: u32 = 50;
const AH: u32 = 51;
pub(super) const ICMPV6: u32 = 58;
const PIM: u32 = 103;
const VRRP: u32 = 112;
const SCTP: u32 = 132;

/// OSI protocols.
const CLNP: u32 = 0x81;
const ESIS: u32 = 0x82;
const ISIS: u32 = 0x83;

/// Kinds of IS-IS packets.
const L1_HELLO: u32 = 15;
const L2_HELLO: u32 = 16;
const POINT_TO_POINT_HELLO: u32 = 17;
const L1_LSP: u32 = 18;
const L2_LSP: u32 = 20;
const L1_CSNP: u32 = 24;
const L2_CSNP: u32 = 25;
const L1_PSNP: u32 = 26;
const L2_PSNP: u32 = 27;

impl Codegen {
    /// A protocol by its own word.
    pub(super) fn protocol(&mut self, proto: Proto) -> Result<BlockId> {
        let (number, of) = match proto {
            Proto::Sctp => (SCTP, None),
            Proto::Tcp => (TCP, None),
            Proto::Udp => (UDP, None),
            Proto::Icmp => (ICMP, Some(Proto::Ip)),
            Proto::Igmp => (IGMP, Some(Proto::Ip)),
            Proto::Igrp => (IGRP, Some(Proto::Ip)),
            Proto::Pim => (PIM, None),
            // CARP has the number of VRRP.
            Proto::Vrrp | Proto::Carp => (VRRP, Some(Proto::Ip)),
            Proto::Icmpv6 => (ICMPV6, Some(Proto::Ipv6)),
            Proto::Ah => (AH, None),
            Proto::Esp => (ESP, None),
            Proto::Esis => (ESIS, Some(Proto::Iso)),
            Proto::Isis => (ISIS, Some(Proto::Iso)),
            Proto::Clnp => (CLNP, Some(Proto::Iso)),
            Proto::Ip => return self.carries(payload::IPV4),
            Proto::Arp => return self.carries(payload::ARP),
            Proto::Rarp => return self.carries(payload::RARP),
            Proto::Atalk => return self.carries(payload::ATALK),
            Proto::Aarp => return self.carries(payload::AARP),
            Proto::Decnet => return self.carries(payload::DECNET),
            Proto::Sca => return self.carries(payload::SCA),
            Proto::Lat => return self.carries(payload::LAT),
            Proto::Mopdl => return self.carries(payload::MOPDL),
            Proto::Moprc => return self.carries(payload::MOPRC),
            Proto::Ipv6 => return self.carries(payload::IPV6),
            Proto::Iso => return self.carries(payload::SAP_ISO),
            Proto::Stp => return self.carries(payload::SAP_STP),
            Proto::Ipx => return self.carries(payload::SAP_IPX),
            Proto::Netbeui => return self.carries(payload::SAP_NETBEUI),
            Proto::IsisL1 => {
                return self.isis(&[L1_HELLO, POINT_TO_POINT_HELLO, L1_LSP, L1_CSNP, L1_PSNP]);
            }
            Proto::IsisL2 => {
                return self.isis(&[L2_HELLO, POINT_TO_POINT_HELLO, L2_LSP, L2_CSNP, L2_PSNP]);
            }
            Proto::IsisIih => return self.isis(&[L1_HELLO, L2_HELLO, POINT_TO_POINT_HELLO]),
            Proto::IsisLsp => return self.isis(&[L1_LSP, L2_LSP]),
            Proto::IsisSnp => return self.isis(&[L1_CSNP, L2_CSNP, L1_PSNP, L2_PSNP]),
            Proto::IsisCsnp => return self.isis(&[L1_CSNP, L2_CSNP]),
            Proto::IsisPsnp => return self.isis(&[L1_PSNP, L2_PSNP]),
            Proto::Link | Proto::Radio => {
                return Err(Fault::new(format!("{} alone tests nothing", proto.word()))
                    .hint("follow it with host, proto, broadcast, multicast or [offset]"));
            }
        };
        self.proto(number, of, None)
    }

    /// Any of some kinds of IS-IS packets.
    fn isis(&mut self, kinds: &[u32]) -> Result<BlockId> {
        let mut block = None;
        for (at, kind) in kinds.iter().enumerate() {
            let next = self.proto(*kind, Some(Proto::Isis), None)?;
            block = Some(match block {
                None => next,
                Some(first) if at == 1 => self.or(first, next),
                // The second kind stays the last test.
                Some(block) => self.or(next, block),
            });
        }
        block.ok_or_else(|| Fault::new("no kind of IS-IS packets"))
    }

    /// What a protocol carries, by number.
    pub(super) fn proto(
        &mut self,
        number: u32,
        of: Option<Proto>,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        if let Some(dir) = dir {
            return Err(Fault::new(format!(
                "{} makes no sense before proto",
                dir.words()
            )));
        }
        match of {
            None => {
                let v4 = self.proto(number, Some(Proto::Ip), None)?;
                let v6 = self.proto(number, Some(Proto::Ipv6), None)?;
                Ok(self.or(v4, v6))
            }
            Some(Proto::Link) => self.carries(number),
            Some(Proto::Ip) => {
                let carried = self.carries(payload::IPV4)?;
                let block = self.equal(From::Network, 9, op::B, number)?;
                Ok(self.and(carried, block))
            }
            Some(Proto::Ipv6) => {
                let carried = self.carries(payload::IPV6)?;
                // Behind a fragment header, and behind nothing; other headers are not skipped.
                let fragment = self.equal(From::Network, 6, op::B, FRAGMENT)?;
                let behind = self.equal(From::Network, 40, op::B, number)?;
                let behind = self.and(fragment, behind);
                let next = self.equal(From::Network, 6, op::B, number)?;
                let block = self.or(next, behind);
                Ok(self.and(carried, block))
            }
            Some(Proto::Iso) => match self.link {
                Link::FRELAY => self.equal(From::Header, 2, op::H, 0x0300 | number),
                link => {
                    let hdlc = matches!(link, Link::C_HDLC | Link::HDLC);
                    let carried = self.carries(if hdlc {
                        payload::SAP_ISO << 8 | payload::SAP_ISO
                    } else {
                        payload::SAP_ISO
                    })?;
                    let offset = u32::from(hdlc);
                    let block = self.equal(From::NetworkNosnap, offset, op::B, number)?;
                    Ok(self.and(carried, block))
                }
            },
            Some(Proto::Isis) => {
                let isis = self.proto(ISIS, Some(Proto::Iso), None)?;
                let block = self.equal(From::NetworkNosnap, 4, op::B, number)?;
                Ok(self.and(isis, block))
            }
            Some(proto) => Err(Fault::new(format!(
                "what {} carries cannot be tested by proto",
                proto.word()
            ))
            .hint("proto goes with ether, ip, ip6, iso, isis, or nothing before it")),
        }
    }
}
