//! Ports of TCP, UDP and SCTP, over IPv4 (not in later fragments) and IPv6 (no extension headers).

use super::super::ast::{Dir, Proto, Transport};
use super::super::error::Fault;
use super::super::op;
use super::load::From;
use super::{BlockId, Codegen, Result, payload};

const TCP: u32 = 6;
const UDP: u32 = 17;
const SCTP: u32 = 132;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V4,
    V6,
}

/// One port or several.
#[derive(Clone, Copy)]
enum Ports {
    One(u32),
    Range(u32, u32),
}

/// What a protocol qualifier means for ports.
pub(super) fn transport(proto: Option<Proto>) -> Result<Transport> {
    match proto {
        None => Ok(Transport::Any),
        Some(Proto::Tcp) => Ok(Transport::Tcp),
        Some(Proto::Udp) => Ok(Transport::Udp),
        Some(Proto::Sctp) => Ok(Transport::Sctp),
        Some(proto) => Err(Fault::new(format!("{} has no ports", proto.word()))
            .hint("tcp, udp and sctp have ports")),
    }
}

impl Codegen {
    pub(super) fn port(
        &mut self,
        port: u16,
        transport: Transport,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        self.either_version(Ports::One(u32::from(port)), transport, dir)
    }

    pub(super) fn ports(
        &mut self,
        first: u16,
        last: u16,
        transport: Transport,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        let (first, last) = (u32::from(first.min(last)), u32::from(first.max(last)));
        self.either_version(Ports::Range(first, last), transport, dir)
    }

    fn either_version(
        &mut self,
        ports: Ports,
        transport: Transport,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        let v4 = self.transport(Version::V4, ports, transport, dir)?;
        let v6 = self.transport(Version::V6, ports, transport, dir)?;
        Ok(self.or(v6, v4))
    }

    /// A destination port of UDP.
    pub(super) fn udp_destination(&mut self, v6: bool, port: u32) -> Result<BlockId> {
        let version = if v6 { Version::V6 } else { Version::V4 };
        self.transport(version, Ports::One(port), Transport::Udp, Some(Dir::Dst))
    }

    fn transport(
        &mut self,
        version: Version,
        ports: Ports,
        transport: Transport,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        let carried = self.carries(match version {
            Version::V4 => payload::IPV4,
            Version::V6 => payload::IPV6,
        })?;
        let block = match transport {
            Transport::Tcp => self.ports_of(version, ports, TCP, dir)?,
            Transport::Udp => self.ports_of(version, ports, UDP, dir)?,
            Transport::Sctp => self.ports_of(version, ports, SCTP, dir)?,
            Transport::Any => {
                let tcp = self.ports_of(version, ports, TCP, dir)?;
                let udp = self.ports_of(version, ports, UDP, dir)?;
                let block = self.or(tcp, udp);
                let sctp = self.ports_of(version, ports, SCTP, dir)?;
                self.or(sctp, block)
            }
        };
        Ok(self.and(carried, block))
    }

    fn ports_of(
        &mut self,
        version: Version,
        ports: Ports,
        proto: u32,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        let proto = match version {
            Version::V4 => {
                let proto = self.equal(From::Network, 9, op::B, proto)?;
                let first = self.first_fragment()?;
                self.and(proto, first)
            }
            Version::V6 => self.equal(From::Network, 6, op::B, proto)?,
        };
        let from = match version {
            Version::V4 => From::Ipv4Payload,
            Version::V6 => From::Ipv6Payload,
        };
        let block = self.both_ways(dir, |this, dir| {
            let offset = match dir {
                Dir::Src => 0,
                Dir::Dst => 2,
                other => return Err(super::address::only_wlan(other)),
            };
            match ports {
                Ports::One(port) => this.equal(from, offset, op::H, port),
                Ports::Range(first, last) => {
                    let low = this.at_least(from, offset, op::H, first)?;
                    let above = this.greater_than(from, offset, op::H, last)?;
                    let high = this.not(above);
                    Ok(this.and(low, high))
                }
            }
        })?;
        Ok(self.and(proto, block))
    }

    /// No fragment, or the first one.
    pub(super) fn first_fragment(&mut self) -> Result<BlockId> {
        let stmts = self.load(From::Network, 6, op::H)?;
        let later = self.graph.add(op::JMP | op::JSET | op::K, 0x1fff, stmts);
        Ok(self.not(later))
    }
}
