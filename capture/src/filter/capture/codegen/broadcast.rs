//! `broadcast` and `multicast`.

use super::super::ast::{Dir, Proto};
use super::super::error::Fault;
use super::super::op;
use super::link::Link;
use super::load::From;
use super::{BlockId, Codegen, Result, payload};

const EVERYBODY: [u8; 6] = [0xff; 6];

impl Codegen {
    pub(super) fn broadcast(&mut self, proto: Option<Proto>) -> Result<BlockId> {
        match proto {
            None | Some(Proto::Link) => match self.link {
                link if link.is_arcnet() => self.arcnet(0, Some(Dir::Dst)),
                link if link.is_ethernet()
                    || link.is_wlan_or_ppi()
                    || matches!(link, Link::FDDI | Link::TOKEN_RING | Link::IP_OVER_FC) =>
                {
                    self.mac(EVERYBODY, Some(Dir::Dst))
                }
                _ => Err(self.wrong_link("broadcast")),
            },
            Some(Proto::Ip) => {
                let carried = self.carries(payload::IPV4)?;
                let host = !self.netmask;
                let zeros = self.masked(From::Network, 16, op::W, 0, host)?;
                let ones = self.masked(From::Network, 16, op::W, host, host)?;
                let block = self.or(zeros, ones);
                Ok(self.and(carried, block))
            }
            Some(proto) => Err(no_groups(proto, "broadcast")),
        }
    }

    pub(super) fn multicast(&mut self, proto: Option<Proto>) -> Result<BlockId> {
        match proto {
            None | Some(Proto::Link) => match self.link {
                link if link.is_arcnet() => self.arcnet(0, Some(Dir::Dst)),
                link if link.is_ethernet() => {
                    let check = self.previous_header_check()?;
                    let block = self.bits(From::Header, 0, 1)?;
                    Ok(match check {
                        Some(check) => self.and(check, block),
                        None => block,
                    })
                }
                Link::FDDI => self.bits(From::Header, 1, 1),
                Link::TOKEN_RING | Link::IP_OVER_FC => self.bits(From::Header, 2, 1),
                link if link.is_wlan_or_ppi() => self.wlan_multicast(),
                _ => Err(self.wrong_link("multicast")),
            },
            Some(Proto::Ip) => {
                let carried = self.carries(payload::IPV4)?;
                let block = self.at_least(From::Network, 16, op::B, 224)?;
                Ok(self.and(carried, block))
            }
            Some(Proto::Ipv6) => {
                let carried = self.carries(payload::IPV6)?;
                let block = self.equal(From::Network, 24, op::B, 255)?;
                Ok(self.and(carried, block))
            }
            Some(proto) => Err(no_groups(proto, "multicast")),
        }
    }
}

fn no_groups(proto: Proto, what: &str) -> Fault {
    Fault::new(format!("{} has no {what} addresses", proto.word()))
}
