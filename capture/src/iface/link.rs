//! One interface as `RTM_NEWLINK` describes it (`linux/if_link.h`, `linux/rtnetlink.h`).

use super::netlink::{Attributes, Message, i32_at, text, u16_at, u32_at, u64_at};
use super::xdp::{self, XdpAttached};
use crate::packet::LinkType;

pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_DELLINK: u16 = 17;
pub(super) const RTM_GETLINK: u16 = 18;
pub(super) const IFLA_IFNAME: u16 = 3;
pub(super) const IFLA_ALT_IFNAME: u16 = 53;
/// `struct ifinfomsg`: family, type of hardware, index, flags, mask of flags.
pub(super) const LINK_HEADER_LEN: usize = 16;

const IFLA_ADDRESS: u16 = 1;
const IFLA_MTU: u16 = 4;
const IFLA_LINKINFO: u16 = 18;
const IFLA_STATS64: u16 = 23;
const IFLA_NUM_TX_QUEUES: u16 = 31;
const IFLA_NUM_RX_QUEUES: u16 = 32;
const IFLA_XDP: u16 = 43;
const IFLA_INFO_KIND: u16 = 1;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The kernel's index of it, unique within the network namespace.
    pub index: u32,
    /// What the first bytes of its packets are; `None` for hardware that is not captured from.
    pub link: Option<LinkType>,
    /// The kernel's type of hardware (`ARPHRD_*` in `linux/if_arp.h`).
    pub hardware: u16,
    /// It is a loopback interface.
    pub loopback: bool,
    /// It is set up (which says nothing about a cable).
    pub up: bool,
    /// Bytes of the largest packet that it sends, without the link layer's header.
    pub mtu: u32,
    /// Its hardware address, if it has one of six bytes.
    pub mac: Option<[u8; 6]>,
    /// Receive queues that the kernel keeps for it.
    pub rx_queues: u32,
    /// Send queues that the kernel keeps for it.
    pub tx_queues: u32,
    /// What kind of virtual interface it is (`veth`, `bridge`…); `None` for hardware.
    pub kind: Option<String>,
    /// The XDP programs that are attached to it: none, one, or one in each mode.
    pub xdp: Vec<XdpAttached>,
    /// What it counted since it exists.
    pub stats: InterfaceStats,
}

/// Counters of an interface since it exists (`struct rtnl_link_stats64`). Which losses a driver
/// counts where differs between drivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceStats {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets received with an error (checksum of the frame, length…).
    pub rx_errors: u64,
    /// Packets that came in and were dropped by the stack or for want of memory.
    pub rx_dropped: u64,
    /// Packets that the card lost because the host did not fetch them fast enough.
    pub rx_missed: u64,
    /// Packets that were dropped on the way out.
    pub tx_dropped: u64,
}

impl InterfaceStats {
    fn parse(value: &[u8]) -> Self {
        let field = |number: usize| u64_at(value, number * 8).unwrap_or(0);
        Self {
            rx_packets: field(0),
            tx_packets: field(1),
            rx_bytes: field(2),
            tx_bytes: field(3),
            rx_errors: field(4),
            rx_dropped: field(6),
            rx_missed: field(15),
            tx_dropped: field(7),
        }
    }
}

impl Interface {
    /// Reads a message; `None` if it is of another kind or too short for its header.
    pub(super) fn parse(message: Message<'_>) -> Option<Self> {
        if message.kind != RTM_NEWLINK {
            return None;
        }
        let (header, attributes) = message.payload.split_at_checked(LINK_HEADER_LEN)?;
        let hardware = u16_at(header, 2)?;
        let flags = i32_at(header, 8)?;
        let mut interface = Self {
            name: String::new(),
            index: u32_at(header, 4)?,
            link: link_type(hardware),
            hardware,
            loopback: flags & libc::IFF_LOOPBACK != 0,
            up: flags & libc::IFF_UP != 0,
            mtu: 0,
            mac: None,
            rx_queues: 1,
            tx_queues: 1,
            kind: None,
            xdp: Vec::new(),
            stats: InterfaceStats::default(),
        };
        for (kind, value) in Attributes(attributes) {
            interface.attribute(kind, value);
        }
        Some(interface)
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        match kind {
            IFLA_IFNAME => self.name = text(value),
            IFLA_ADDRESS => self.mac = value.try_into().ok(),
            IFLA_MTU => self.mtu = u32_at(value, 0).unwrap_or(0),
            IFLA_NUM_TX_QUEUES => self.tx_queues = u32_at(value, 0).unwrap_or(1),
            IFLA_NUM_RX_QUEUES => self.rx_queues = u32_at(value, 0).unwrap_or(1),
            IFLA_STATS64 => self.stats = InterfaceStats::parse(value),
            IFLA_XDP => self.xdp = xdp::attached(value),
            IFLA_LINKINFO => {
                self.kind = Attributes(value)
                    .find(|&(kind, _)| kind == IFLA_INFO_KIND)
                    .map(|(_, value)| text(value));
            }
            _ => {}
        }
    }
}

/// What the first bytes of a packet are, by the kernel's type of hardware.
const fn link_type(hardware: u16) -> Option<LinkType> {
    /// A bare IP packet, as on cellular modems.
    const ARPHRD_RAWIP: u16 = 519;
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(LinkType::ETHERNET),
        // Tun devices and WireGuard; IP in IP and its relatives.
        libc::ARPHRD_NONE
        | ARPHRD_RAWIP
        | libc::ARPHRD_TUNNEL
        | libc::ARPHRD_TUNNEL6
        | libc::ARPHRD_SIT => Some(LinkType::RAW),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::attribute;
    use super::super::xdp::XdpMode;
    use super::*;

    /// A payload: hardware type, index, flags, and these attributes.
    fn payload(hardware: u16, index: u32, flags: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend_from_slice(&hardware.to_ne_bytes());
        bytes.extend_from_slice(&index.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[0xff; 4]);
        bytes.extend(attributes.concat());
        bytes
    }

    #[test]
    fn every_field_is_found() {
        let stats: Vec<u8> = (100..124_u64).flat_map(u64::to_ne_bytes).collect();
        let bytes = payload(
            1,
            4,
            0x1003, // up, broadcast, multicast
            &[
                attribute(3, b"veth7\0"),
                attribute(1, &[2, 0, 0, 0, 0, 9]),
                attribute(4, &1400_u32.to_ne_bytes()),
                attribute(31, &8_u32.to_ne_bytes()),
                attribute(32, &4_u32.to_ne_bytes()),
                attribute(0x8012, &attribute(1, b"veth\0")),
                attribute(23, &stats),
                attribute(
                    0x802b,
                    &[attribute(2, &[1]), attribute(5, &[3, 0, 0, 0])].concat(),
                ),
            ],
        );
        let interface = Interface::parse(Message::new(RTM_NEWLINK, &bytes)).unwrap();
        assert_eq!(
            interface,
            Interface {
                name: "veth7".into(),
                index: 4,
                link: Some(LinkType::ETHERNET),
                hardware: 1,
                loopback: false,
                up: true,
                mtu: 1400,
                mac: Some([2, 0, 0, 0, 0, 9]),
                rx_queues: 4,
                tx_queues: 8,
                kind: Some("veth".into()),
                xdp: vec![XdpAttached {
                    program_id: u32::from_ne_bytes([3, 0, 0, 0]),
                    program_name: None,
                    mode: XdpMode::Native,
                }],
                stats: InterfaceStats {
                    rx_packets: 100,
                    tx_packets: 101,
                    rx_bytes: 102,
                    tx_bytes: 103,
                    rx_errors: 104,
                    rx_dropped: 106,
                    rx_missed: 115,
                    tx_dropped: 107,
                },
            }
        );
    }

    #[test]
    fn link_types_follow_the_hardware() {
        let of = |hardware, flags| {
            let bytes = payload(hardware, 1, flags, &[]);
            let interface = Interface::parse(Message::new(RTM_NEWLINK, &bytes)).unwrap();
            (interface.link, interface.loopback, interface.up)
        };
        assert_eq!(of(772, 0x49), (Some(LinkType::ETHERNET), true, true));
        assert_eq!(of(65534, 0x10), (Some(LinkType::RAW), false, false));
        assert_eq!(of(32, 1), (None, false, true), "InfiniBand");
    }

    #[test]
    fn a_message_that_is_too_short_or_of_another_kind_is_no_interface() {
        let bytes = payload(1, 4, 0, &[]);
        assert!(Interface::parse(Message::new(RTM_NEWLINK, &bytes[..15])).is_none());
        assert!(Interface::parse(Message::new(17, &bytes)).is_none());
    }

    #[test]
    fn an_address_of_another_length_is_no_mac() {
        let bytes = payload(32, 4, 0, &[attribute(1, &[0; 20])]);
        assert_eq!(
            Interface::parse(Message::new(RTM_NEWLINK, &bytes))
                .unwrap()
                .mac,
            None
        );
    }
}
