//! Default routes: which interfaces this machine can be reached through, so that nobody consumes
//! their packets by mistake.

use super::IfaceError;
use super::netlink::{self, Attributes, Message, Request, Scope, u16_at, u32_at};

/// The address families, in the one byte that a route has for them.
const AF_INET: u8 = libc::AF_INET as u8;
const AF_INET6: u8 = libc::AF_INET6 as u8;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
/// `struct rtmsg`.
const ROUTE_HEADER_LEN: usize = 12;
/// `struct rtnexthop`: length, flags, hops, interface.
const NEXT_HOP_HEADER_LEN: usize = 8;
const RTA_OIF: u16 = 4;
const RTA_MULTIPATH: u16 = 9;
const RTN_UNICAST: u8 = 1;

/// The indexes of the interfaces that carry a default route, IPv4 or IPv6, in any routing table;
/// ascending, each once.
///
/// Not only the main table counts: a management interface often has a table (or a VRF) of its own.
pub fn default_routes() -> Result<Vec<u32>, IfaceError> {
    let mut interfaces = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let mut header = [0; ROUTE_HEADER_LEN];
        header[0] = family;
        let request = Request::new(RTM_GETROUTE, Scope::Dump, &header);
        let found = netlink::ask(libc::NETLINK_ROUTE, request, default_route);
        interfaces.extend(
            found
                .map_err(|source| IfaceError::Routes { source })?
                .concat(),
        );
    }
    interfaces.sort_unstable();
    interfaces.dedup();
    Ok(interfaces)
}

/// The interfaces of a route, if it is a default route that leads anywhere.
fn default_route(message: Message<'_>) -> Option<Vec<u32>> {
    let (header, attributes) = message.payload.split_at_checked(ROUTE_HEADER_LEN)?;
    let (prefix_len, kind) = (header[1], header[7]);
    if message.kind != RTM_NEWROUTE || prefix_len != 0 || kind != RTN_UNICAST {
        return None;
    }
    let mut interfaces = Vec::new();
    for (kind, value) in Attributes(attributes) {
        match kind {
            RTA_OIF => interfaces.extend(u32_at(value, 0)),
            RTA_MULTIPATH => interfaces.extend(NextHops(value)),
            _ => {}
        }
    }
    Some(interfaces)
}

/// The interfaces of a multipath route.
#[derive(Debug)]
struct NextHops<'a>(&'a [u8]);

impl Iterator for NextHops<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let len = usize::from(u16_at(self.0, 0)?);
        let interface = u32_at(self.0, 4)?;
        if len < NEXT_HOP_HEADER_LEN {
            return None;
        }
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some(interface)
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::attribute;
    use super::*;

    /// What `default_route` makes of a route of this prefix length and type.
    fn interfaces(prefix_len: u8, kind: u8, attributes: &[u8]) -> Option<Vec<u32>> {
        let mut datagram = Vec::new();
        datagram.extend_from_slice(&[2, prefix_len, 0, 0, 254, 3, 0, kind, 0, 0, 0, 0]);
        datagram.extend_from_slice(attributes);
        default_route(Message::new(RTM_NEWROUTE, &datagram))
    }

    #[test]
    fn only_a_unicast_route_to_everywhere_is_a_default_route() {
        let out = attribute(4, &7_u32.to_ne_bytes());
        assert_eq!(interfaces(0, 1, &out), Some(vec![7]));
        assert_eq!(interfaces(8, 1, &out), None, "a network");
        assert_eq!(
            interfaces(0, 7, &out),
            None,
            "unreachable, as on the loopback interface"
        );
    }

    #[test]
    fn every_next_hop_of_a_multipath_route_counts() {
        let mut hops = Vec::new();
        for index in [3_u32, 9] {
            let gateway = attribute(5, &[192, 0, 2, 1]);
            hops.extend_from_slice(&((8 + gateway.len()) as u16).to_ne_bytes());
            hops.extend_from_slice(&[0, 0]);
            hops.extend_from_slice(&index.to_ne_bytes());
            hops.extend_from_slice(&gateway);
        }
        assert_eq!(interfaces(0, 1, &attribute(9, &hops)), Some(vec![3, 9]));
    }
}
