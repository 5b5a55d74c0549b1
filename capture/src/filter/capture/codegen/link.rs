//! Where things lie behind the headers of a link type: the layouts that libpcap's `gencode.c` knows.

use crate::packet::LinkType;

/// A link type by its number within libpcap, which is not always the one in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(pub(super) u16);

impl Link {
    pub(super) const NULL: Self = Self(0);
    pub(super) const ETHERNET: Self = Self(1);
    pub(super) const TOKEN_RING: Self = Self(6);
    pub(super) const ARCNET: Self = Self(7);
    pub(super) const SLIP: Self = Self(8);
    pub(super) const PPP: Self = Self(9);
    pub(super) const FDDI: Self = Self(10);
    pub(super) const ATM_RFC1483: Self = Self(11);
    pub(super) const RAW: Self = Self(12);
    pub(super) const SLIP_BSDOS: Self = Self(15);
    pub(super) const PPP_BSDOS: Self = Self(16);
    pub(super) const ATM_CLIP: Self = Self(19);
    pub(super) const PPP_SERIAL: Self = Self(50);
    pub(super) const PPP_ETHER: Self = Self(51);
    pub(super) const SYMANTEC: Self = Self(99);
    pub(super) const C_HDLC: Self = Self(104);
    pub(super) const WLAN: Self = Self(105);
    pub(super) const FRELAY: Self = Self(107);
    pub(super) const LOOP: Self = Self(108);
    pub(super) const ENC: Self = Self(109);
    pub(super) const HDLC: Self = Self(112);
    pub(super) const SLL: Self = Self(113);
    pub(super) const LTALK: Self = Self(114);
    pub(super) const PFLOG: Self = Self(117);
    pub(super) const WLAN_PRISM: Self = Self(119);
    pub(super) const IP_OVER_FC: Self = Self(122);
    pub(super) const SUNATM: Self = Self(123);
    pub(super) const WLAN_RADIOTAP: Self = Self(127);
    pub(super) const ARCNET_LINUX: Self = Self(129);
    pub(super) const APPLE_1394: Self = Self(138);
    pub(super) const MTP2_WITH_PHDR: Self = Self(139);
    pub(super) const MTP2: Self = Self(140);
    pub(super) const WLAN_AVS: Self = Self(163);
    pub(super) const BACNET: Self = Self(165);
    pub(super) const PPP_PPPD: Self = Self(166);
    pub(super) const MFR: Self = Self(182);
    pub(super) const PPI: Self = Self(192);
    pub(super) const ERF: Self = Self(197);
    pub(super) const AX25_KISS: Self = Self(202);
    pub(super) const IPNET: Self = Self(226);
    pub(super) const IPV4: Self = Self(228);
    pub(super) const IPV6: Self = Self(229);
    pub(super) const NETANALYZER: Self = Self(240);
    pub(super) const NETANALYZER_TRANSPARENT: Self = Self(241);
    pub(super) const PFSYNC: Self = Self(246);
    pub(super) const SLL2: Self = Self(276);

    /// What a link type of a file is within libpcap (`pcap-common.c`).
    pub(super) const fn of(link: LinkType) -> Self {
        match link.0 {
            11 => Self(11),
            100 => Self::ATM_RFC1483,
            101 => Self::RAW,
            // OpenBSD's number, which this program takes for raw IP everywhere.
            14 => Self::RAW,
            102 => Self::SLIP_BSDOS,
            103 => Self::PPP_BSDOS,
            106 => Self::ATM_CLIP,
            number => Self(number),
        }
    }

    /// The numbers that are the same within libpcap and in files.
    const fn is_matching(self) -> bool {
        self.0 >= 104 && self.0 <= 289
    }

    pub(super) const fn is_ethernet(self) -> bool {
        matches!(
            self,
            Self::ETHERNET | Self::NETANALYZER | Self::NETANALYZER_TRANSPARENT
        )
    }

    pub(super) const fn is_arcnet(self) -> bool {
        matches!(self, Self::ARCNET | Self::ARCNET_LINUX)
    }

    /// 802.11 with whatever is in front of it, but for PPI.
    pub(super) const fn is_wlan(self) -> bool {
        matches!(
            self,
            Self::WLAN | Self::WLAN_PRISM | Self::WLAN_AVS | Self::WLAN_RADIOTAP
        )
    }

    /// 802.11 with whatever is in front of it.
    pub(super) const fn is_wlan_or_ppi(self) -> bool {
        self.is_wlan() || matches!(self, Self::PPI)
    }

    pub(super) const fn is_ss7(self) -> bool {
        matches!(self, Self::MTP2 | Self::MTP2_WITH_PHDR | Self::ERF)
    }

    /// Link types of Juniper's that begin with a magic number.
    pub(super) const fn is_juniper(self) -> bool {
        matches!(
            self.0,
            130..=138 | 164 | 167 | 168 | 178..=181 | 183 | 194 | 200 | 232..=234 | 238
        ) && self.0 != Self::APPLE_1394.0
    }
}

/// An offset that was never set: libpcap calculates with it all the same.
pub(super) const UNSET: u32 = u32::MAX;

/// Offsets of a link type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Of the link-layer header that addresses are in.
    pub(super) header: u32,
    /// Of the link-layer header, in a register: it has something of variable length in front.
    pub(super) variable_header: bool,
    /// Of the type of the payload.
    pub(super) kind: u32,
    /// Of the payload.
    pub(super) payload: u32,
    pub(super) variable_payload: bool,
    /// Of the network layer within the payload, with and without SNAP.
    pub(super) network: u32,
    pub(super) network_nosnap: u32,
}

const fn layout(kind: u32, payload: u32, network: u32, network_nosnap: u32) -> Layout {
    Layout {
        header: 0,
        variable_header: false,
        kind,
        payload,
        variable_payload: false,
        network,
        network_nosnap,
    }
}

impl Layout {
    /// The layout of a link type; `None` for numbers that libpcap does not know either.
    pub(super) const fn of(link: Link) -> Option<Self> {
        Some(match link {
            Link::ARCNET => layout(2, 6, 0, 0),
            Link::ARCNET_LINUX => layout(4, 8, 0, 0),
            Link::ETHERNET => layout(12, 14, 0, 3),
            Link::SLIP => layout(UNSET, 16, 0, 0),
            Link::SLIP_BSDOS => layout(UNSET, 24, 0, 0),
            Link::NULL | Link::LOOP => layout(0, 4, 0, 0),
            Link::ENC => layout(0, 12, 0, 0),
            Link::PPP | Link::PPP_PPPD | Link::C_HDLC | Link::HDLC | Link::PPP_SERIAL => {
                layout(2, 4, 0, 0)
            }
            Link::PPP_ETHER => layout(6, 8, 0, 0),
            Link::PPP_BSDOS => layout(5, 24, 0, 0),
            Link::FDDI => layout(13, 13, 8, 3),
            Link::TOKEN_RING => layout(14, 14, 8, 3),
            Link::WLAN => Self {
                variable_payload: true,
                ..layout(24, 0, 8, 3)
            },
            Link::WLAN_PRISM | Link::WLAN_AVS | Link::WLAN_RADIOTAP | Link::PPI => Self {
                variable_header: true,
                variable_payload: true,
                ..layout(24, 0, 8, 3)
            },
            Link::ATM_RFC1483 | Link::ATM_CLIP => layout(0, 0, 8, 3),
            Link::SUNATM => layout(4, 4, 8, 3),
            Link::RAW | Link::IPV4 | Link::IPV6 | Link::LTALK | Link::FRELAY => {
                layout(UNSET, 0, 0, 0)
            }
            Link::MFR => layout(UNSET, 0, 4, 0),
            Link::SLL => layout(14, 16, 0, 0),
            Link::SLL2 => layout(0, 20, 0, 0),
            Link::IP_OVER_FC => layout(16, 16, 8, 3),
            Link::APPLE_1394 => layout(16, 18, 0, 0),
            Link::SYMANTEC => layout(6, 44, 0, 0),
            Link::PFLOG => Self {
                variable_payload: true,
                ..layout(0, 0, 0, 0)
            },
            // Multilink and serial types of Juniper's.
            Link(130 | 131 | 134 | 179 | 180 | 181) => layout(4, 4, 0, UNSET),
            Link(132) => layout(6, UNSET, UNSET, UNSET),
            Link(133) => layout(6, 12, 0, UNSET),
            Link(135) => layout(8, 8, 0, 10),
            Link(136) => layout(12, UNSET, UNSET, UNSET),
            Link(137) => layout(4, 4, 0, 10),
            Link(164) => layout(12, 12, 0, UNSET),
            Link(167 | 178) => layout(16, 14, 18, 21),
            Link(168) => layout(4, 6, 0, UNSET),
            Link(183 | 200) => layout(18, UNSET, UNSET, UNSET),
            Link(194 | 232 | 233 | 234 | 238) => layout(8, UNSET, UNSET, UNSET),
            Link::PFSYNC => layout(UNSET, 4, 0, 0),
            Link::IPNET => layout(1, 24, 0, UNSET),
            Link::NETANALYZER => Self {
                header: 4,
                ..layout(16, 18, 0, 3)
            },
            Link::NETANALYZER_TRANSPARENT => Self {
                header: 12,
                ..layout(24, 26, 0, 3)
            },
            link if link.is_matching() => layout(UNSET, UNSET, UNSET, UNSET),
            _ => return None,
        })
    }
}
