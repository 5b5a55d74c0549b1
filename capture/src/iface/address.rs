//! The IP addresses of interfaces (`RTM_GETADDR`), for the list that people choose from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::IfaceError;
use super::netlink::{self, Attributes, Message, Request, Scope, u32_at};

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
const ADDRESS_HEADER_LEN: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The kernel's index of the interface.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Bits of it that name the network.
    pub prefix_len: u8,
}

/// The addresses of all interfaces of the current network namespace.
///
/// # Errors
///
/// When the kernel does not list them.
pub fn addresses() -> Result<Vec<Address>, IfaceError> {
    let request = Request::new(RTM_GETADDR, Scope::Dump, &[0; ADDRESS_HEADER_LEN]);
    netlink::ask(libc::NETLINK_ROUTE, request, address)
        .map_err(|source| IfaceError::List { source })
}

fn address(message: Message<'_>) -> Option<Address> {
    let (header, attributes) = message.payload.split_at_checked(ADDRESS_HEADER_LEN)?;
    if message.kind != RTM_NEWADDR {
        return None;
    }
    // On a point-to-point link the first is the other end's, and the second the own one.
    let value = |wanted| {
        Attributes(attributes)
            .find(|&(kind, _)| kind == wanted)
            .and_then(|(_, value)| ip(value))
    };
    Some(Address {
        index: u32_at(header, 4)?,
        address: value(IFA_LOCAL).or_else(|| value(IFA_ADDRESS))?,
        prefix_len: header[1],
    })
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(value) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(value)
        .ok()
        .map(|octets| Ipv6Addr::from(octets).into())
}

#[cfg(test)]
mod tests {
    use super::super::netlink::attribute;
    use super::*;

    #[test]
    fn the_own_end_of_a_point_to_point_link_counts() {
        let mut bytes = vec![2, 24, 0, 0];
        bytes.extend_from_slice(&7_u32.to_ne_bytes());
        bytes.extend(attribute(1, &[192, 0, 2, 2]));
        bytes.extend(attribute(2, &[192, 0, 2, 1]));
        let found = address(Message::new(20, &bytes)).unwrap();
        assert_eq!((found.index, found.prefix_len), (7, 24));
        assert_eq!(found.address, IpAddr::from([192, 0, 2, 1]));
        let mut bytes = vec![10, 64, 0, 0];
        bytes.extend_from_slice(&7_u32.to_ne_bytes());
        bytes.extend(attribute(1, &[0xfe; 16]));
        let found = address(Message::new(20, &bytes)).unwrap();
        assert_eq!(found.address, IpAddr::from([0xfe; 16]));
        assert!(address(Message::new(20, &bytes[..7])).is_none());
    }

    #[test]
    fn loopback_has_its_address() {
        let lo = super::super::find("lo").unwrap().index;
        let found = addresses().unwrap();
        assert!(
            found
                .iter()
                .any(|one| one.index == lo && one.address == IpAddr::from([127, 0, 0, 1])),
            "{found:?}"
        );
    }
}
