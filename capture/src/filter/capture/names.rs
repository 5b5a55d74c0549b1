//! Names that stand for numbers outside of the language: services, protocols, hosts, networks.
//!
//! Services and protocols are looked up where libpcap has them looked up on most machines, in
//! `/etc/services` and `/etc/protocols`; where there are no such files, the usual ones are known.
//! Hosts are looked up by whoever is passed in, or refused.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs as _};

use super::ast::{Mac, Transport};
use super::error::Fault;

/// Looks up what a name of a host or a network stands for.
pub trait Resolver {
    /// Addresses of a host, in the order in which they are to be tested.
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>>;

    /// A network number, its first byte the highest; `None` if there is no such name.
    fn network(&self, name: &str) -> Option<u32>;

    /// An Ethernet address; `None` if there is no such name.
    fn ethernet(&self, name: &str) -> Option<[u8; 6]>;
}

/// Looks names up as the machine does: hosts through the system's resolver, networks in
/// `/etc/networks`, Ethernet addresses in `/etc/ethers`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|addr| addr.ip()).collect())
    }

    fn network(&self, name: &str) -> Option<u32> {
        let file = fs::read_to_string("/etc/networks").ok()?;
        let number = lines(&file).find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (first, number) = (words.next()?, words.next()?);
            (first == name || words.any(|alias| alias == name)).then_some(number)
        })?;
        // As inet_network(3) reads it: what is missing is missing in front.
        let parts = number.split('.').map(str::parse::<u8>);
        let number = parts.collect::<Result<Vec<_>, _>>().ok()?;
        Some(
            number
                .iter()
                .fold(0, |sum, part| sum << 8 | u32::from(*part)),
        )
    }

    fn ethernet(&self, name: &str) -> Option<Mac> {
        let file = fs::read_to_string("/etc/ethers").ok()?;
        lines(&file).find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (mac, host) = (words.next()?, words.next()?);
            if host != name {
                return None;
            }
            let parts = mac.split(':').map(|part| u8::from_str_radix(part, 16));
            let parts = parts.collect::<Result<Vec<_>, _>>().ok()?;
            parts.try_into().ok()
        })
    }
}

/// Lines of a file without what is after a `#`.
fn lines(file: &str) -> impl Iterator<Item = &str> {
    file.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
}

/// Names of services and protocols, from files that are read when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Names {
    services: Option<String>,
    protocols: Option<String>,
}

impl Names {
    /// The port of a service, or of a number.
    pub(crate) fn port(&mut self, name: &str) -> Result<(u16, Transport), Fault> {
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            let port = name.parse::<u16>().map_err(|_error| too_large(name))?;
            return Ok((port, Transport::Any));
        }
        let services = self.services.get_or_insert_with(|| {
            fs::read_to_string("/etc/services").unwrap_or_else(|_error| SERVICES.to_owned())
        });
        let (tcp, udp) = (
            service(services, name, "tcp"),
            service(services, name, "udp"),
        );
        match (tcp, udp) {
            (Some(tcp), Some(udp)) if tcp == udp => Ok((tcp, Transport::Any)),
            (Some(tcp), _) => Ok((tcp, Transport::Tcp)),
            (None, Some(udp)) => Ok((udp, Transport::Udp)),
            (None, None) => Err(Fault::new(format!("{name} is no service of /etc/services"))
                .hint("give the number of the port")),
        }
    }

    /// The ports of a range, such as `6000-6010` or `ftp-data-ssh`.
    pub(crate) fn ports(&mut self, name: &str) -> Result<(u16, u16, Transport), Fault> {
        if let Some((first, last)) = numeric_range(name) {
            let port = |number: i64| u16::try_from(number).map_err(|_error| too_large(name));
            return Ok((port(first)?, port(last)?, Transport::Any));
        }
        let Some((first, last)) = name.split_once('-') else {
            return Err(Fault::new(format!("{name} is no range of ports"))
                .hint("a range is written as in portrange 6000-6010"));
        };
        let (first, transport) = self.port(first)?;
        let (last, other) = self.port(last)?;
        let transport = if transport == other {
            transport
        } else {
            Transport::Any
        };
        Ok((first, last, transport))
    }

    /// The number of an IP protocol.
    pub(crate) fn protocol(&mut self, name: &str) -> Option<u32> {
        let protocols = self.protocols.get_or_insert_with(|| {
            fs::read_to_string("/etc/protocols").unwrap_or_else(|_error| PROTOCOLS.to_owned())
        });
        lines(protocols).find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (first, number) = (words.next()?, words.next()?);
            let number = number.parse().ok()?;
            (first == name || words.any(|alias| alias == name)).then_some(number)
        })
    }
}

fn too_large(name: &str) -> Fault {
    Fault::new(format!("{name}: a port is at most 65535"))
}

fn service(services: &str, name: &str, transport: &str) -> Option<u16> {
    lines(services).find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (first, port) = (words.next()?, words.next()?);
        let (port, of) = port.split_once('/')?;
        let named = first == name || words.any(|alias| alias == name);
        (named && of == transport).then(|| port.parse().ok())?
    })
}

/// Two numbers with a `-` between them, as `sscanf` reads `%d-%d`: what follows them is ignored.
fn numeric_range(name: &str) -> Option<(i64, i64)> {
    let (first, rest) = integer(name)?;
    let (last, _) = integer(rest.strip_prefix('-')?)?;
    Some((first, last))
}

fn integer(text: &str) -> Option<(i64, &str)> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let end = digits
        .find(|digit: char| !digit.is_ascii_digit())
        .unwrap_or(digits.len());
    let number = digits.get(..end)?.parse::<i64>().ok()?;
    Some((sign * number, digits.get(end..)?))
}

/// Reads `10`, `10.1`, `10.1.2` or `10.1.2.3`: the address, the missing bytes zero, and the bits that
/// are given.
pub(crate) fn dotted(text: &str) -> Result<(u32, u32), Fault> {
    let mut addr = 0;
    let mut bits = 0;
    for part in text.split('.') {
        // Leading zeros do not make it octal, and hexadecimal numbers are none here.
        let byte = part
            .bytes()
            .all(|digit| digit.is_ascii_digit())
            .then(|| part.parse::<u32>().ok())
            .flatten()
            .filter(|byte| *byte <= 255 && bits < 32)
            .ok_or_else(|| Fault::new(format!("{text} is no IPv4 address")))?;
        addr = addr << 8 | byte;
        bits += 8;
    }
    Ok((addr << (32 - bits), u32::MAX << (32 - bits)))
}

/// A `DECnet` address: area and node.
pub(crate) fn decnet(text: &str) -> Option<u16> {
    let (area, node) = text.split_once('.')?;
    let bits = |text: &str| integer(text).map(|(number, _)| number.cast_unsigned());
    Some(((bits(area)? << 10) & 0xfc00 | bits(node)? & 0x3ff) as u16)
}

/// An address as getaddrinfo(3) reads it without looking anything up.
pub(crate) fn literal_host(name: &str) -> Option<IpAddr> {
    name.parse().ok().or_else(|| {
        let (addr, mask) = dotted(name).ok()?;
        (mask == u32::MAX).then(|| IpAddr::V4(Ipv4Addr::from_bits(addr)))
    })
}

/// Link-layer protocols by name: Ethernet types, then service access points of LLC.
pub(crate) fn link_protocol(name: &str) -> Option<u32> {
    Some(match name {
        "aarp" => 0x80f3,
        "arp" => 0x0806,
        "atalk" => 0x809b,
        "decnet" => 0x6003,
        "ip" => 0x0800,
        "ip6" => 0x86dd,
        "lat" => 0x6004,
        "loopback" => 0x9000,
        "mopdl" => 0x6001,
        "moprc" => 0x6002,
        "rarp" => 0x8035,
        "sca" => 0x6007,
        "iso" => 0xfe,
        "stp" => 0x42,
        "ipx" => 0xe0,
        "netbeui" => 0xf0,
        _ => return None,
    })
}

/// OSI protocols by name.
pub(crate) fn iso_protocol(name: &str) -> Option<u32> {
    Some(match name {
        "clnp" => 0x81,
        "esis" => 0x82,
        "isis" => 0x83,
        _ => return None,
    })
}

/// Services for machines without `/etc/services`.
const SERVICES: &str = "\
echo 7/tcp\necho 7/udp\ndiscard 9/tcp\ndiscard 9/udp\nftp-data 20/tcp\nftp 21/tcp\nssh 22/tcp\n\
telnet 23/tcp\nsmtp 25/tcp mail\ntime 37/tcp\ntime 37/udp\nwhois 43/tcp\ndomain 53/tcp\n\
domain 53/udp\nbootps 67/udp\nbootpc 68/udp\ntftp 69/udp\nhttp 80/tcp www\nkerberos 88/tcp\n\
kerberos 88/udp\npop3 110/tcp\nsunrpc 111/tcp\nsunrpc 111/udp\nnntp 119/tcp\nntp 123/udp\n\
netbios-ns 137/udp\nnetbios-dgm 138/udp\nnetbios-ssn 139/tcp\nimap2 143/tcp imap\nsnmp 161/tcp\n\
snmp 161/udp\nsnmp-trap 162/tcp\nsnmp-trap 162/udp\nbgp 179/tcp\nldap 389/tcp\nldap 389/udp\n\
https 443/tcp\nhttps 443/udp\nmicrosoft-ds 445/tcp\nisakmp 500/udp\nsyslog 514/udp\n\
printer 515/tcp\nsubmission 587/tcp\nldaps 636/tcp\nldaps 636/udp\ndomain-s 853/tcp\n\
domain-s 853/udp\nrsync 873/tcp\nimaps 993/tcp\npop3s 995/tcp\nopenvpn 1194/tcp\n\
openvpn 1194/udp\nradius 1812/udp\nradius-acct 1813/udp\nnfs 2049/tcp\nnfs 2049/udp\n\
mysql 3306/tcp\nms-wbt-server 3389/tcp\nsip 5060/tcp\nsip 5060/udp\nxmpp-client 5222/tcp\n\
mdns 5353/udp\npostgresql 5432/tcp\nredis 6379/tcp\nhttp-alt 8080/tcp\nhttp-alt 8080/udp\n";

/// Protocols for machines without `/etc/protocols`.
const PROTOCOLS: &str = "\
ip 0 IP\nicmp 1 ICMP\nigmp 2 IGMP\nggp 3 GGP\nipencap 4 IP-ENCAP\ntcp 6 TCP\negp 8 EGP\n\
igp 9 IGP\nudp 17 UDP\nrdp 27 RDP\ndccp 33 DCCP\nipv6 41 IPv6\nipv6-route 43 IPv6-Route\n\
ipv6-frag 44 IPv6-Frag\nrsvp 46 RSVP\ngre 47 GRE\nesp 50 IPSEC-ESP\nah 51 IPSEC-AH\n\
ipv6-icmp 58 IPv6-ICMP\nipv6-nonxt 59 IPv6-NoNxt\nipv6-opts 60 IPv6-Opts\neigrp 88 EIGRP\n\
ospf 89 OSPFIGP\nipip 94 IPIP\npim 103 PIM\nvrrp 112 VRRP\nl2tp 115 L2TP\nsctp 132 SCTP\n\
udplite 136 UDPLite\nmpls-in-ip 137 MPLS-in-IP\n";
