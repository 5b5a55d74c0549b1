//! Names of MAC addresses: well-known ones, and vendors by the front of an address.

use std::fmt;

use super::print::Names;
use super::render::Ether;

/// A MAC address with its name, if it has one: `Broadcast`, `EdimaxTe_22:c7:be`.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The address.
    pub address: [u8; 6],
    /// Whether names are looked up.
    pub names: Names,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, names } = *self;
        if names == Names::Numbers {
            return write!(f, "{}", Ether(address));
        }
        if address == [0xff; 6] {
            return f.write_str("Broadcast");
        }
        let [a, b, c, d, e, g] = address;
        match (a, b, c) {
            (1, 0, 0x5e) if d < 0x80 => write!(f, "IPv4mcast_{d:02x}:{e:02x}:{g:02x}"),
            (0x33, 0x33, _) => write!(f, "IPv6mcast_{c:02x}:{d:02x}:{e:02x}:{g:02x}"),
            _ => write!(f, "{}", Ether(address)),
        }
    }
}

/// The organization that has the front of these addresses (as `eth.src.oui_resolved` shows it).
#[must_use]
pub fn organization(_oui: u32) -> Option<&'static str> {
    None
}
