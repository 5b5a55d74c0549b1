//! XDP on an interface: what is attached already, and what its driver says that it can do.

use super::IfaceError;
use super::netlink::{self, Attributes, Request, Scope, u16_at, u32_at, u64_at};

const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_DRV_PROG_ID: u16 = 5;
const IFLA_XDP_SKB_PROG_ID: u16 = 6;
const IFLA_XDP_HW_PROG_ID: u16 = 7;

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XdpMode {
    /// In the driver, before a socket buffer is made.
    Native,
    /// In the stack, on socket buffers: works everywhere, slower.
    Generic,
    /// On the card.
    Offloaded,
}

impl XdpMode {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Offloaded => "offloaded",
        }
    }
}

/// An XDP program that is attached to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XdpAttached {
    /// The kernel's number of the program, as in `bpftool prog`.
    pub program_id: u32,
    /// Its name (at most 15 bytes); `None` if it has none or we may not ask.
    pub program_name: Option<String>,
    /// Where it runs.
    pub mode: XdpMode,
}

/// Reads the nest `IFLA_XDP`. Names are left out: they come from elsewhere.
pub(super) fn attached(nest: &[u8]) -> Vec<XdpAttached> {
    let mut programs = Vec::new();
    let mut only = (None, None);
    for (kind, value) in Attributes(nest) {
        let mode = match kind {
            IFLA_XDP_DRV_PROG_ID => XdpMode::Native,
            IFLA_XDP_SKB_PROG_ID => XdpMode::Generic,
            IFLA_XDP_HW_PROG_ID => XdpMode::Offloaded,
            // Kernels before 4.19 name no mode beside the program, only the mode of the interface.
            IFLA_XDP_ATTACHED => {
                only.0 = match value {
                    [1, ..] => Some(XdpMode::Native),
                    [2, ..] => Some(XdpMode::Generic),
                    [3, ..] => Some(XdpMode::Offloaded),
                    _ => None,
                };
                continue;
            }
            IFLA_XDP_PROG_ID => {
                only.1 = u32_at(value, 0);
                continue;
            }
            _ => continue,
        };
        if let Some(program_id) = u32_at(value, 0) {
            programs.push(XdpAttached {
                program_id,
                program_name: None,
                mode,
            });
        }
    }
    if let (true, (Some(mode), Some(program_id))) = (programs.is_empty(), only) {
        programs.push(XdpAttached {
            program_id,
            program_name: None,
            mode,
        });
    }
    programs
}

/// What the driver of an interface says of XDP (`enum netdev_xdp_act` in `linux/netdev.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct XdpFeatures(u64);

impl XdpFeatures {
    /// From the kernel's bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Programs run in the driver, with the verdicts drop, pass, abort and send back.
    #[must_use]
    pub const fn native(self) -> bool {
        self.0 & 1 != 0
    }

    /// The driver sends frames that are no socket buffers (`ndo_xdp_xmit`). A veth says so only while its
    /// other end takes them.
    #[must_use]
    pub const fn sends(self) -> bool {
        self.0 & 4 != 0
    }

    /// `AF_XDP` without a copy.
    #[must_use]
    pub const fn zero_copy(self) -> bool {
        self.0 & 8 != 0
    }

    /// Frames of several buffers (jumbo frames, LRO) reach a program that says that it knows them.
    #[must_use]
    pub const fn fragments(self) -> bool {
        self.0 & 32 != 0
    }
}

const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;
/// `struct genlmsghdr`: command, version, two reserved bytes.
const GENERIC_HEADER_LEN: usize = 4;

/// What the driver of an interface says of XDP; `None` where the kernel cannot tell (before 6.3).
pub fn xdp_features(index: u32) -> Result<Option<XdpFeatures>, IfaceError> {
    let ask = |family, command, kind, value: &[u8], wanted| {
        let request = Request::new(family, Scope::One, &[command, 1, 0, 0]).attribute(kind, value);
        netlink::ask(libc::NETLINK_GENERIC, request, |message| {
            Attributes(message.payload.get(GENERIC_HEADER_LEN..)?)
                .find(|&(kind, _)| kind == wanted)
                .map(|(_, value)| value.to_vec())
        })
    };
    let name = (CTRL_ATTR_FAMILY_NAME, b"netdev\0");
    let family = match ask(
        GENL_ID_CTRL,
        CTRL_CMD_GETFAMILY,
        name.0,
        name.1,
        CTRL_ATTR_FAMILY_ID,
    ) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(None),
        answer => answer.map_err(|source| IfaceError::XdpFeatures { source })?,
    };
    let Some(family) = family.first().and_then(|value| u16_at(value, 0)) else {
        return Ok(None);
    };
    let index = (NETDEV_A_DEV_IFINDEX, index.to_ne_bytes());
    let wanted = NETDEV_A_DEV_XDP_FEATURES;
    let features = ask(family, NETDEV_CMD_DEV_GET, index.0, &index.1, wanted)
        .map_err(|source| IfaceError::XdpFeatures { source })?;
    Ok(features
        .first()
        .and_then(|value| u64_at(value, 0))
        .map(XdpFeatures::from_bits))
}

#[cfg(test)]
mod tests {
    use super::super::netlink::attribute;
    use super::*;

    fn program(program_id: u32, mode: XdpMode) -> XdpAttached {
        XdpAttached {
            program_id,
            program_name: None,
            mode,
        }
    }

    #[test]
    fn an_interface_without_a_program_has_none() {
        assert_eq!(attached(&attribute(2, &[0])), []);
        assert_eq!(attached(&[]), []);
    }

    #[test]
    fn one_program_is_named_once() {
        let nest = [
            attribute(2, &[2]),
            attribute(4, &41_u32.to_ne_bytes()),
            attribute(6, &41_u32.to_ne_bytes()),
        ];
        assert_eq!(attached(&nest.concat()), [program(41, XdpMode::Generic)]);
        assert_eq!(
            attached(&nest[..2].concat()),
            [program(41, XdpMode::Generic)],
            "before 4.19"
        );
    }

    #[test]
    fn programs_in_several_places_are_all_named() {
        let nest = [
            attribute(2, &[4]),
            attribute(5, &7_u32.to_ne_bytes()),
            attribute(7, &8_u32.to_ne_bytes()),
        ];
        let expected = [program(7, XdpMode::Native), program(8, XdpMode::Offloaded)];
        assert_eq!(attached(&nest.concat()), expected);
    }
}
