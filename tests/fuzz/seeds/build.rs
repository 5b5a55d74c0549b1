//! Packets from the inside out, with lengths and checksums that are right.

/// Bytes of a packet, to which headers are put in front.
#[derive(Clone, Debug)]
pub struct Build(pub Vec<u8>);

/// What stands in a TCP header.
#[derive(Clone, Debug, Default)]
pub struct Tcp {
    /// Source and destination.
    pub ports: [u16; 2],
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Flags.
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options; at most 40 bytes, filled up to words.
    pub options: Vec<u8>,
}

/// Addresses of the hosts: 10.0.0.x.
fn host4(last: u8) -> [u8; 4] {
    [10, 0, 0, last]
}

/// `2001:db8::x`.
pub(super) fn host6(last: u8) -> [u8; 16] {
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

impl Build {
    /// Bytes without a header.
    pub fn of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// A TCP segment; IP fills in its checksum.
    #[must_use]
    pub fn tcp(tcp: &Tcp, payload: &[u8]) -> Self {
        let mut options = tcp.options.clone();
        options.resize(options.len().next_multiple_of(4).min(40), 0);
        let mut bytes = Vec::with_capacity(60 + payload.len());
        for port in tcp.ports {
            bytes.extend(port.to_be_bytes());
        }
        bytes.extend(tcp.seq.to_be_bytes());
        bytes.extend(tcp.ack.to_be_bytes());
        bytes.push((5 + options.len() as u8 / 4) << 4);
        bytes.push(tcp.flags);
        bytes.extend(tcp.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(options);
        bytes.extend(payload);
        Self(bytes)
    }

    /// A UDP datagram; IP fills in its checksum.
    #[must_use]
    pub fn udp(src: u16, dst: u16, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(8 + payload.len());
        for word in [src, dst, 8 + payload.len() as u16, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(payload);
        Self(bytes)
    }

    /// Bytes in front.
    #[must_use]
    pub fn behind(self, header: &[u8]) -> Self {
        Self([header, &self.0].concat())
    }

    /// An IPv4 header in front, and the checksum behind it filled in.
    #[must_use]
    pub fn ip4(self, protocol: u8, src: u8, dst: u8) -> Self {
        self.ip4_with(protocol, src, dst, 0x4000, &[])
    }

    /// The same with flags, offset and options.
    #[must_use]
    pub fn ip4_with(
        mut self,
        protocol: u8,
        src: u8,
        dst: u8,
        fragment: u16,
        options: &[u8],
    ) -> Self {
        let (src, dst) = (host4(src), host4(dst));
        if fragment.trailing_zeros() >= 14 {
            let len = (self.0.len() as u32).to_be_bytes();
            self.checksum(protocol, &[&src, &dst, &len, &[0, 0, 0, protocol]]);
        }
        let header_len = 20 + options.len();
        let mut header = vec![0x40 | (header_len / 4) as u8, 0];
        header.extend(((header_len + self.0.len()) as u16).to_be_bytes());
        header.extend([0x12, 0x34]);
        header.extend(fragment.to_be_bytes());
        header.extend([64, protocol, 0, 0]);
        header.extend(src);
        header.extend(dst);
        header.extend(options);
        let sum = internet_checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        self.behind(&header)
    }

    /// An IPv6 header in front, and the checksum behind it filled in.
    #[must_use]
    pub fn ip6(mut self, protocol: u8, src: u8, dst: u8) -> Self {
        let (src, dst) = (host6(src), host6(dst));
        let len = (self.0.len() as u32).to_be_bytes();
        self.checksum(protocol, &[&src, &dst, &len, &[0, 0, 0, protocol]]);
        let mut header = vec![0x60, 0, 0, 0];
        header.extend((self.0.len() as u16).to_be_bytes());
        header.extend([protocol, 64]);
        header.extend(src);
        header.extend(dst);
        self.behind(&header)
    }

    /// An Ethernet header in front.
    #[must_use]
    pub fn eth(self, ethertype: u16) -> Self {
        let [high, low] = ethertype.to_be_bytes();
        self.behind(&[2, 0, 0, 0, 0, 1, 0, 0x1b, 0x21, 0, 0, 2, high, low])
    }

    /// Fills in the checksum of the transport header in front.
    fn checksum(&mut self, protocol: u8, pseudo: &[&[u8]]) {
        let (at, pseudo) = match protocol {
            6 => (16, pseudo),
            17 => (6, pseudo),
            58 => (2, pseudo),
            1 | 2 => (2, &[][..]),
            _ => return,
        };
        if self.0.len() < at + 2 {
            return;
        }
        self.0[at..at + 2].fill(0);
        let mut parts = pseudo.to_vec();
        parts.push(&self.0);
        let sum = internet_checksum(&parts);
        self.0[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// RFC 1071; all parts but the last have to be of even length.
fn internet_checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for word in part.chunks(2) {
            let low = word.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([word[0], low]));
        }
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
