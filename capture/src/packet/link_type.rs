//! Link types: what the first bytes of a packet are.
//!
//! Numbers as in the `LINKTYPE_` registry of tcpdump.org, which pcap and pcapng store.

use std::fmt;

/// A link type number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: four bytes of protocol family in the writer's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without HDLC framing.
    pub const PPP: Self = Self(9);
    /// Raw IP, by the version nibble, as some systems number it in files.
    pub const RAW_BSD: Self = Self(12);
    /// The same, as `OpenBSD` does.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing.
    pub const PPP_HDLC: Self = Self(50);
    /// `PPPoE` session headers (RFC 2516).
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IPv4 or IPv6, by the version nibble.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// Frame relay.
    pub const FRELAY: Self = Self(107);
    /// `OpenBSD` loopback: four bytes of protocol family in network byte order.
    pub const LOOP: Self = Self(108);
    /// `OpenBSD` encapsulating interface: twelve bytes in front of raw IP.
    pub const ENC: Self = Self(109);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 behind radiotap information.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// PPP behind a byte of direction.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux netfilter log messages.
    pub const NFLOG: Self = Self(239);
    /// IP over `InfiniBand`, behind a global routing header.
    pub const IPOIB: Self = Self(242);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// Ethernet with a Broadcom switch tag behind the addresses.
    pub const DSA_TAG_BRCM: Self = Self(281);
    /// Ethernet with a Broadcom switch tag in front.
    pub const DSA_TAG_BRCM_PREPEND: Self = Self(282);
    /// Ethernet with a Marvell switch tag behind the addresses.
    pub const DSA_TAG_DSA: Self = Self(284);
    /// Ethernet with a Marvell switch tag and its own `EtherType` behind the addresses.
    pub const DSA_TAG_EDSA: Self = Self(285);
    /// Token Ring.
    pub const TOKEN_RING: Self = Self(6);
    /// SLIP, with its own header of BSD.
    pub const SLIP: Self = Self(8);
    /// FDDI.
    pub const FDDI: Self = Self(10);
    /// IEEE 802.11 behind a Prism header.
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// Juniper's ATM1 cards.
    pub const JUNIPER_ATM1: Self = Self(137);
    /// IEEE 802.11 behind an AVS header.
    pub const IEEE802_11_AVS: Self = Self(163);
    /// Juniper's own header in front of Ethernet.
    pub const JUNIPER_ETHER: Self = Self(178);
    /// Per-packet information, which tells the link type.
    pub const PPI: Self = Self(192);
    /// IEEE 802.15.4 with a checksum.
    pub const IEEE802_15_4_WITHFCS: Self = Self(195);
    /// Solaris IPNET.
    pub const IPNET: Self = Self(226);
    /// IEEE 802.15.4 without a checksum.
    pub const IEEE802_15_4_NOFCS: Self = Self(230);
    /// Linux vsock.
    pub const VSOCK: Self = Self(271);

    /// Link types that this program looks into, by their names in the registry. Where a name stands for
    /// several numbers, the first one is the registry's.
    const NAMES: &[(Self, &str)] = &[
        (Self::RAW, "RAW"),
        (Self::NULL, "NULL"),
        (Self::ETHERNET, "ETHERNET"),
        (Self::PPP, "PPP"),
        (Self::RAW_BSD, "RAW"),
        (Self::RAW_OPENBSD, "RAW"),
        (Self::PPP_HDLC, "PPP_HDLC"),
        (Self::PPP_ETHER, "PPP_ETHER"),
        (Self::C_HDLC, "C_HDLC"),
        (Self::IEEE802_11, "IEEE802_11"),
        (Self::FRELAY, "FRELAY"),
        (Self::LOOP, "LOOP"),
        (Self::ENC, "ENC"),
        (Self::LINUX_SLL, "LINUX_SLL"),
        (Self::IEEE802_11_RADIOTAP, "IEEE802_11_RADIOTAP"),
        (Self::PPP_WITH_DIR, "PPP_WITH_DIR"),
        (Self::IPV4, "IPV4"),
        (Self::IPV6, "IPV6"),
        (Self::NFLOG, "NFLOG"),
        (Self::IPOIB, "IPOIB"),
        (Self::LINUX_SLL2, "LINUX_SLL2"),
        (Self::DSA_TAG_BRCM, "DSA_TAG_BRCM"),
        (Self::DSA_TAG_BRCM_PREPEND, "DSA_TAG_BRCM_PREPEND"),
        (Self::DSA_TAG_DSA, "DSA_TAG_DSA"),
        (Self::DSA_TAG_EDSA, "DSA_TAG_EDSA"),
    ];

    /// The name as in the registry; `None` for numbers that this program does not look into.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let found = Self::NAMES.iter().find(|(link, _)| *link == self);
        found.map(|(_, name)| *name)
    }

    /// The link type of a name in the registry.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(link, _)| *link)
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "LINKTYPE {}", self.0),
        }
    }
}
