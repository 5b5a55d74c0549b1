//! What an IP protocol number announces: where IPv4 and IPv6 hand on.

use super::super::brief::{bare, routing, tunnel};
use super::super::names::ip::protocol as protocol_name;
use super::super::{data, eth, gre, icmp, icmpv6, igmp, ip, ipv6, mpls, sctp, tcp, udp};
use crate::read::column::Address;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Dissects what an IP packet carries that may live so long.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    protocol: u8,
    region: Region<'_>,
    ttl: Option<u8>,
) -> Result<(), Stop> {
    let current = walk.current;
    match protocol {
        1 => icmp::dissect(walk, region, ttl)?,
        2 => igmp::dissect(walk, region)?,
        4 => ip::dissect_by_version(walk, region)?,
        6 => tcp::dissect(walk, region)?,
        17 => udp::dissect(walk, region)?,
        41 if region.captured().first().is_none_or(|byte| byte >> 4 == 6) => {
            ipv6::dissect(walk, region)?;
        }
        47 => gre::dissect(walk, region)?,
        50 => tunnel::esp(walk, &region)?,
        58 => icmpv6::dissect(walk, region, ttl)?,
        88 => routing::eigrp(walk, &region)?,
        89 => routing::ospf(walk, &region)?,
        103 => routing::pim(walk, &region)?,
        112 => routing::vrrp(walk, &region)?,
        132 => sctp::dissect(walk, region)?,
        51 => {
            let (next, rest) = bare::authentication_header(walk, &region)?;
            // Over IPv4, what is authenticated is not told of the packet around it.
            let ttl = ttl.filter(|_| matches!(walk.carrier.source, Address::Ipv6(_)));
            dissect(walk, next, rest, ttl)?;
        }
        136 => udp::dissect_flavor(walk, region, udp::Flavor::Lite)?,
        97 => eth::dissect(walk, region.from(2)?, eth::Fcs::None)?,
        137 => mpls::dissect(walk, region)?,
        _ => {
            if let Some(outcome) = bare::packet(walk, protocol, &region) {
                outcome?;
                walk.current = current;
                return Ok(());
            }
            if protocol == 41 {
                ipv6::not_one(walk, &region);
            }
            let name = protocol_name(protocol.into()).unwrap_or("Unknown");
            let words = match walk.carrier.source {
                Address::Ipv6(_) => "Unknown IP Protocol: ",
                _ => "",
            };
            // IPv4 says nothing of nothing.
            if region.reported() > 0 || !words.is_empty() {
                walk.columns
                    .set_info(format_args!("{words}{name} ({protocol})"));
            }
            data::dissect(walk, region)?;
        }
    }
    walk.current = current;
    Ok(())
}
