//! Identifiers to what they stand for: which of the things that a name can be, its qualifiers say.

use std::net::{IpAddr, Ipv6Addr};

use super::ast::{Id, Kind, Proto, Quals, Transport};
use super::error::Fault;
use super::names;
use super::parser::Parser;
use super::token::{Token, nearest};

impl Parser<'_> {
    /// What a token stands for that is an identifier and not a number.
    pub(super) fn look_up(&mut self, token: &Token, quals: Quals) -> Result<Id, Fault> {
        match token {
            Token::Dotted(text) if quals.proto == Some(Proto::Decnet) && !is_port(quals.kind) => {
                names::decnet(text)
                    .map(Id::Decnet)
                    .ok_or_else(|| Fault::new(format!("{text} is no DECnet address")))
            }
            Token::Dotted(text) => match quals.kind {
                None | Some(Kind::Host | Kind::Net) => {
                    let (addr, mask) = names::dotted(text)?;
                    Ok(Id::Ipv4 { addr, mask })
                }
                Some(kind) => Err(Fault::new(format!(
                    "{} is about {text}, which is an address",
                    kind.word()
                ))),
            },
            Token::Mac(mac) => Ok(Id::Mac(*mac)),
            Token::Arcnet(addr) => Ok(Id::Arcnet(*addr)),
            Token::Name(name) => self.look_up_name(name, quals),
            _ => Err(Fault::new("a name, a number or an address is expected")),
        }
    }

    fn look_up_name(&mut self, name: &str, quals: Quals) -> Result<Id, Fault> {
        match quals.kind {
            Some(Kind::Port) => {
                let (port, transport) = self.names.port(name)?;
                transport_of(quals, transport, name).map(|transport| Id::Port(port, transport))
            }
            Some(Kind::Portrange) => {
                let (first, last, transport) = self.names.ports(name)?;
                transport_of(quals, transport, name)
                    .map(|transport| Id::Ports(first, last, transport))
            }
            Some(Kind::Proto | Kind::Protochain) => self.protocol(name, quals).map(Id::Protocol),
            Some(Kind::Gateway) => Err(Fault::new(
                "gateway is not supported, as in libpcap with IPv6",
            )
            .hint("use ether host MAC and not host ADDRESS")),
            Some(Kind::Net) => self.net(name),
            None | Some(Kind::Host) => self.host(name, quals),
        }
    }

    fn protocol(&mut self, name: &str, quals: Quals) -> Result<u32, Fault> {
        let (number, what) = match quals.proto {
            None | Some(Proto::Ip | Proto::Ipv6) => (self.names.protocol(name), "IP protocol"),
            Some(Proto::Link) => (names::link_protocol(name), "link-layer protocol"),
            Some(Proto::Iso) => (names::iso_protocol(name), "OSI protocol"),
            Some(proto) => {
                return Err(Fault::new(format!(
                    "{} carries no named protocols",
                    proto.word()
                )));
            }
        };
        number.ok_or_else(|| Fault::new(format!("{name} is no {what}")).hint("give its number"))
    }

    fn net(&self, name: &str) -> Result<Id, Fault> {
        let resolver = self.options.resolver.ok_or_else(|| {
            Fault::new(format!(
                "{name}: network names are refused: what they mean could change"
            ))
            .hint("give the network as in net 10.0.0.0/8, or --resolve")
        })?;
        let number = resolver
            .network(name)
            .filter(|number| *number != 0)
            .ok_or_else(|| Fault::new(format!("{name} is no network of /etc/networks")))?;
        let shift = number.leading_zeros() / 8 * 8;
        Ok(Id::NamedNet {
            addr: number << shift,
            mask: u32::MAX << shift,
        })
    }

    fn host(&self, name: &str, quals: Quals) -> Result<Id, Fault> {
        if quals.proto == Some(Proto::Decnet) {
            return Err(
                Fault::new(format!("{name}: DECnet names cannot be looked up"))
                    .hint("give the address as AREA.NODE"),
            );
        }
        if quals.proto != Some(Proto::Link)
            && let Some(addr) = names::literal_host(name)
        {
            return Ok(Id::Hosts(vec![addr]));
        }
        let Some(resolver) = self.options.resolver else {
            let fault = Fault::new(format!(
                "{name}: host names are refused: they'd be looked up at start and could change"
            ));
            return Err(match nearest(name) {
                Some(word) => fault.hint(format!(
                    "give the address or --resolve; or is {word} meant?"
                )),
                None => fault.hint("give the address or --resolve"),
            });
        };
        if quals.proto == Some(Proto::Link) {
            return resolver.ethernet(name).map(Id::Mac).ok_or_else(|| {
                Fault::new(format!("{name} is no host of /etc/ethers")).hint("give the address")
            });
        }
        let addrs = resolver
            .host(name)
            .map_err(|error| Fault::new(format!("{name} cannot be looked up: {error}")))?;
        let wanted = |addr: &IpAddr| match quals.proto {
            Some(Proto::Ipv6) => addr.is_ipv6(),
            Some(Proto::Ip) => addr.is_ipv4(),
            _ => true,
        };
        let addrs: Vec<_> = addrs.into_iter().filter(wanted).collect();
        if addrs.is_empty() {
            return Err(Fault::new(format!("{name} has no address of this kind")));
        }
        Ok(Id::Hosts(addrs))
    }
}

/// A network of IPv4 by the length of its prefix.
pub(super) fn ipv4_prefix(text: &str, prefix: u32) -> Result<Id, Fault> {
    let (addr, _) = names::dotted(text)?;
    if prefix > 32 {
        return Err(Fault::new(format!(
            "a prefix of IPv4 has at most 32 bits, not {prefix}"
        )));
    }
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    network(addr, mask)
}

/// A network of IPv4 by its mask.
pub(super) fn ipv4_mask(text: &str, mask: &str) -> Result<Id, Fault> {
    let (addr, _) = names::dotted(text)?;
    let (mask, _) = names::dotted(mask)?;
    network(addr, mask)
}

/// A network of IPv6, or an address of 128 bits.
pub(super) fn ipv6(addr: Ipv6Addr, prefix: u32) -> Result<Id, Fault> {
    if prefix > 128 {
        return Err(Fault::new(format!(
            "a prefix of IPv6 has at most 128 bits, not {prefix}"
        )));
    }
    let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    if addr.to_bits() & !mask != 0 {
        let network = Ipv6Addr::from_bits(addr.to_bits() & mask);
        return Err(Fault::new("the address has bits outside of its prefix")
            .hint(format!("the network is {network}/{prefix}")));
    }
    Ok(Id::Ipv6 { addr, prefix })
}

const fn is_port(kind: Option<Kind>) -> bool {
    matches!(
        kind,
        Some(Kind::Port | Kind::Portrange | Kind::Proto | Kind::Protochain)
    )
}

fn network(addr: u32, mask: u32) -> Result<Id, Fault> {
    if addr & !mask == 0 {
        return Ok(Id::Ipv4Net { addr, mask });
    }
    let network = std::net::Ipv4Addr::from_bits(addr & mask);
    Err(Fault::new("the address has bits outside of its mask")
        .hint(format!("the network is {network}")))
}

/// The transport protocol of a service that was named, by the service and by the qualifier.
fn transport_of(quals: Quals, service: Transport, name: &str) -> Result<Transport, Fault> {
    let asked = match quals.proto {
        None => return Ok(service),
        Some(Proto::Tcp) => Transport::Tcp,
        Some(Proto::Udp) => Transport::Udp,
        Some(Proto::Sctp) => Transport::Sctp,
        Some(proto) => {
            return Err(Fault::new(format!("{} has no ports", proto.word())));
        }
    };
    if service == Transport::Any || service == asked {
        return Ok(asked);
    }
    Err(
        Fault::new(format!("{name} is a service of another transport protocol"))
            .hint("give the number of the port"),
    )
}
