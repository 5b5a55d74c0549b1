//! Hosts and networks: IPv4, IPv6, link-layer addresses, `DECnet`.

use std::net::{IpAddr, Ipv6Addr};

use super::super::ast::{Dir, Id, Kind, Mac, Proto, Quals};
use super::super::error::Fault;
use super::super::op;
use super::link::{Link, UNSET};
use super::load::From;
use super::{BlockId, Codegen, Result, payload};

/// An IPv4 address and the bits of it that count.
#[derive(Clone, Copy)]
struct Net4 {
    addr: u32,
    mask: u32,
}

impl Codegen {
    /// An identifier with its qualifiers.
    pub(super) fn id(&mut self, quals: Quals, id: &Id) -> Result<BlockId> {
        let Quals { proto, dir, kind } = quals;
        match id {
            Id::Number(number) => self.number_id(quals, *number),
            Id::Ipv4 { addr, mask } => {
                if proto == Some(Proto::Link) {
                    return Err(not_link_address());
                }
                self.host(*addr, *mask, proto, dir)
            }
            Id::Ipv4Net { addr, mask } => match kind {
                Some(Kind::Net) => self.host(*addr, *mask, proto, dir),
                _ => Err(mask_without_net()),
            },
            Id::NamedNet { addr, mask } => self.host(*addr, *mask, proto, dir),
            Id::Ipv6 { addr, prefix } => match kind {
                None | Some(Kind::Host) if *prefix != 128 => Err(mask_without_net()),
                None | Some(Kind::Host | Kind::Net) => self.host6(*addr, *prefix, proto, dir),
                Some(kind) => Err(Fault::new(format!(
                    "{} is about {addr}, which is an address",
                    kind.word()
                ))),
            },
            Id::Decnet(addr) => match kind {
                None | Some(Kind::Host | Kind::Net) => self.decnet_host(*addr, dir),
                Some(kind) => Err(Fault::new(format!("{} is about an address", kind.word()))),
            },
            Id::Mac(mac) => match (kind, proto) {
                (None | Some(Kind::Host), Some(Proto::Link)) => self.mac(*mac, dir),
                _ => Err(
                    Fault::new("an Ethernet address without ether host before it")
                        .hint("write ether host, ether src or ether dst before it"),
                ),
            },
            Id::Arcnet(addr) => match (kind, proto) {
                (None | Some(Kind::Host), Some(Proto::Link)) if self.link.is_arcnet() => {
                    self.arcnet(*addr, dir)
                }
                _ => Err(self.wrong_link("an ARCnet address")),
            },
            Id::Hosts(addrs) => self.hosts(addrs, proto, dir),
            Id::Port(port, transport) => self.port(*port, *transport, dir),
            Id::Ports(first, last, transport) => self.ports(*first, *last, *transport, dir),
            Id::Protocol(number) => match kind {
                Some(Kind::Protochain) => self.protochain(*number, proto),
                _ => self.proto(*number, proto, dir),
            },
        }
    }

    /// A plain number: an address, a port, a protocol.
    fn number_id(&mut self, quals: Quals, number: u32) -> Result<BlockId> {
        let Quals { proto, dir, kind } = quals;
        match kind {
            None | Some(Kind::Host | Kind::Net) => match proto {
                Some(Proto::Decnet) => self.decnet_host(number as u16, dir),
                Some(Proto::Link) => Err(not_link_address()),
                _ => {
                    // The number of a network is as long as it needs.
                    let shift = match kind {
                        Some(Kind::Net) if number != 0 => number.leading_zeros() / 8 * 8,
                        _ => 0,
                    };
                    self.host(number << shift, u32::MAX << shift, proto, dir)
                }
            },
            Some(Kind::Port | Kind::Portrange) => {
                let transport = super::port::transport(proto)?;
                let port = u16::try_from(number)
                    .map_err(|_error| Fault::new(format!("{number}: a port is at most 65535")))?;
                if kind == Some(Kind::Port) {
                    self.port(port, transport, dir)
                } else {
                    self.ports(port, port, transport, dir)
                }
            }
            Some(Kind::Gateway) => Err(Fault::new(
                "gateway is not supported, as in libpcap with IPv6",
            )
            .hint("use ether host MAC and not host ADDRESS")),
            Some(Kind::Proto) => self.proto(number, proto, dir),
            Some(Kind::Protochain) => self.protochain(number, proto),
        }
    }

    /// IPv4 addresses, and in ARP and RARP too unless a protocol is given.
    fn host(
        &mut self,
        addr: u32,
        mask: u32,
        proto: Option<Proto>,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        let net = Net4 { addr, mask };
        match proto {
            None => {
                let ip = self.host(addr, mask, Some(Proto::Ip), dir)?;
                if self.labels_passed > 0 {
                    return Ok(ip);
                }
                let arp = self.host(addr, mask, Some(Proto::Arp), dir)?;
                let block = self.or(ip, arp);
                let rarp = self.host(addr, mask, Some(Proto::Rarp), dir)?;
                Ok(self.or(block, rarp))
            }
            Some(Proto::Ip) => self.host_at(net, dir, payload::IPV4, 12, 16),
            Some(Proto::Rarp) => self.host_at(net, dir, payload::RARP, 14, 24),
            Some(Proto::Arp) => self.host_at(net, dir, payload::ARP, 14, 24),
            Some(Proto::Decnet) => self.decnet_host(addr as u16, dir),
            Some(proto) => Err(no_addresses(proto, "IPv4")),
        }
    }

    fn host_at(
        &mut self,
        net: Net4,
        dir: Option<Dir>,
        proto: u32,
        src: u32,
        dst: u32,
    ) -> Result<BlockId> {
        self.both_ways(dir, |this, dir| {
            let offset = match dir {
                Dir::Src => src,
                Dir::Dst => dst,
                other => return Err(only_wlan(other)),
            };
            let carried = this.carries(proto)?;
            let block = this.masked(From::Network, offset, op::W, net.addr, net.mask)?;
            Ok(this.and(carried, block))
        })
    }

    /// Does what a direction asks for: one side, either, or both.
    pub(super) fn both_ways(
        &mut self,
        dir: Option<Dir>,
        mut one: impl FnMut(&mut Self, Dir) -> Result<BlockId>,
    ) -> Result<BlockId> {
        match dir {
            None | Some(Dir::SrcOrDst) => {
                let src = one(self, Dir::Src)?;
                let dst = one(self, Dir::Dst)?;
                Ok(self.or(src, dst))
            }
            Some(Dir::SrcAndDst) => {
                let src = one(self, Dir::Src)?;
                let dst = one(self, Dir::Dst)?;
                Ok(self.and(src, dst))
            }
            Some(dir) => one(self, dir),
        }
    }

    fn host6(
        &mut self,
        addr: Ipv6Addr,
        prefix: u32,
        proto: Option<Proto>,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        match proto {
            None | Some(Proto::Ipv6) => {}
            Some(proto) => return Err(no_addresses(proto, "IPv6")),
        }
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        let words = |bits: u128| [96, 64, 32, 0].map(|shift| (bits >> shift) as u32);
        let (addr, mask) = (words(addr.to_bits()), words(mask));
        self.both_ways(dir, |this, dir| {
            let offset = match dir {
                Dir::Src => 8,
                Dir::Dst => 24,
                other => return Err(only_wlan(other)),
            };
            let word = |this: &mut Self, at: usize| {
                let offset = offset + 4 * at as u32;
                this.masked(From::Network, offset, op::W, addr[at], mask[at])
            };
            let mut block = word(this, 3)?;
            for at in [2, 1, 0] {
                let before = word(this, at)?;
                block = this.and(before, block);
            }
            let carried = this.carries(payload::IPV6)?;
            Ok(this.and(carried, block))
        })
    }

    /// What a host name stands for: any of the addresses.
    fn hosts(
        &mut self,
        addrs: &[IpAddr],
        proto: Option<Proto>,
        dir: Option<Dir>,
    ) -> Result<BlockId> {
        // Where nothing says what is carried, there is no ARP to look into.
        let plain = self.kind.constant == UNSET && proto.is_none();
        let mut last = None;
        for addr in addrs {
            let next = match addr {
                IpAddr::V4(_) if proto == Some(Proto::Ipv6) => continue,
                IpAddr::V6(_) if proto == Some(Proto::Ip) => continue,
                IpAddr::V4(addr) => {
                    let proto = if plain { Some(Proto::Ip) } else { proto };
                    self.host(addr.to_bits(), u32::MAX, proto, dir)?
                }
                IpAddr::V6(addr) => {
                    let proto = if plain { Some(Proto::Ipv6) } else { proto };
                    self.host6(*addr, 128, proto, dir)?
                }
            };
            last = Some(match last {
                Some(before) => self.or(before, next),
                None => next,
            });
        }
        last.ok_or_else(|| Fault::new("the host has no address of this kind"))
    }

    /// Link-layer addresses.
    pub(super) fn mac(&mut self, mac: Mac, dir: Option<Dir>) -> Result<BlockId> {
        let (src, dst) = match self.link {
            link if link.is_ethernet() => {
                let check = self.previous_header_check()?;
                let block = self.mac_at(mac, dir, 6, 0)?;
                return Ok(match check {
                    Some(check) => self.and(check, block),
                    None => block,
                });
            }
            link if link.is_wlan_or_ppi() => return self.wlan_host(mac, dir),
            Link::FDDI => (7, 1),
            Link::TOKEN_RING => (8, 2),
            Link::IP_OVER_FC => (10, 2),
            _ => return Err(self.wrong_link("an Ethernet address")),
        };
        self.mac_at(mac, dir, src, dst)
    }

    pub(super) fn mac_at(
        &mut self,
        mac: Mac,
        dir: Option<Dir>,
        src: u32,
        dst: u32,
    ) -> Result<BlockId> {
        self.both_ways(dir, |this, dir| match dir {
            Dir::Src => this.equal_mac(src, mac),
            Dir::Dst => this.equal_mac(dst, mac),
            other => Err(only_wlan(other)),
        })
    }

    pub(super) fn arcnet(&mut self, addr: u8, dir: Option<Dir>) -> Result<BlockId> {
        self.both_ways(dir, |this, dir| {
            let offset = match dir {
                Dir::Src => 0,
                Dir::Dst => 1,
                other => return Err(only_wlan(other)),
            };
            this.equal(From::Header, offset, op::B, u32::from(addr))
        })
    }

    /// `DECnet` addresses, in long and short headers, with padding and without.
    fn decnet_host(&mut self, addr: u16, dir: Option<Dir>) -> Result<BlockId> {
        let addr = u32::from(addr.swap_bytes());
        self.both_ways(dir, |this, dir| {
            let (short, long) = match dir {
                Dir::Dst => (1, 7),
                Dir::Src => (3, 15),
                other => return Err(only_wlan(other)),
            };
            let carried = this.carries(payload::DECNET)?;
            let form = |this: &mut Self, flags: u32, padded: bool, offset: u32| {
                let test = if padded {
                    this.masked(From::Network, 2, op::H, 0x8100 | flags, 0xff07)?
                } else {
                    this.masked(From::Network, 2, op::B, flags, 0x07)?
                };
                let offset = 2 + u32::from(padded) + offset;
                let block = this.equal(From::Network, offset, op::H, addr)?;
                Ok(this.and(test, block))
            };
            let block = form(this, 0x06, true, long)?;
            let next = form(this, 0x06, false, long)?;
            let block = this.or(next, block);
            let next = form(this, 0x02, true, short)?;
            let block = this.or(next, block);
            let next = form(this, 0x02, false, short)?;
            let block = this.or(next, block);
            Ok(this.and(carried, block))
        })
    }
}

fn not_link_address() -> Fault {
    Fault::new("this is no link-layer address")
        .hint("an Ethernet address has six parts, as in ether host 02:00:5e:10:00:01")
}

fn mask_without_net() -> Fault {
    Fault::new("a mask or prefix is about a network").hint("write net before it")
}

fn no_addresses(proto: Proto, of: &str) -> Fault {
    let word = proto.word();
    let fault = Fault::new(format!("{word} does not have {of} addresses"));
    match proto {
        Proto::Tcp | Proto::Udp | Proto::Sctp | Proto::Icmp | Proto::Icmpv6 => {
            fault.hint(format!("write {word} and host, or {word} and net"))
        }
        _ => fault,
    }
}

/// An error about a direction that only 802.11 has.
pub(super) fn only_wlan(dir: Dir) -> Fault {
    Fault::new(format!(
        "{} is about Ethernet addresses in 802.11 frames",
        dir.words()
    ))
}
