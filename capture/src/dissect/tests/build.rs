//! Headers as bytes, each from its specification; what is not asked for is zero.

/// 192.0.2.1 and 198.51.100.2 (RFC 5737).
pub(super) const V4: [[u8; 4]; 2] = [[192, 0, 2, 1], [198, 51, 100, 2]];

/// `2001:db8::1` and `2001:db8::2` (RFC 3849).
pub(super) const V6: [[u8; 16]; 2] = [
    [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
];

/// Source port 49152, destination port 443.
pub(super) const PORTS: [u8; 4] = [0xc0, 0x00, 0x01, 0xbb];

/// An Ethernet frame (IEEE 802.3): destination, source, `EtherType`.
pub(super) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    bytes.extend(ethertype.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A VLAN tag behind its tag protocol identifier (IEEE 802.1Q): control information, `EtherType`.
pub(super) fn tag(tci: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = tci.to_be_bytes().to_vec();
    bytes.extend(ethertype.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// An IPv4 header (RFC 791 section 3.1) that can be wrong in every field.
#[derive(Clone, Copy)]
pub(super) struct V4Header {
    pub(super) version: u8,
    /// In words of four bytes.
    pub(super) ihl: u8,
    /// `None`: what is right for the payload.
    pub(super) total_len: Option<u16>,
    pub(super) id: u16,
    /// Flags and fragment offset.
    pub(super) fragment: u16,
    pub(super) protocol: u8,
}

impl V4Header {
    pub(super) fn of(protocol: u8) -> Self {
        Self {
            version: 4,
            ihl: 5,
            total_len: None,
            id: 0,
            fragment: 0,
            protocol,
        }
    }

    pub(super) fn before(self, payload: &[u8]) -> Vec<u8> {
        let header_len = usize::from(self.ihl.max(5)) * 4;
        let right = u16::try_from(header_len + payload.len()).expect("an IPv4 length");
        let mut bytes = vec![self.version << 4 | self.ihl, 0];
        bytes.extend(self.total_len.unwrap_or(right).to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([64, self.protocol, 0, 0]);
        bytes.extend(V4.as_flattened());
        // No-operation options.
        bytes.resize(header_len, 1);
        bytes.extend(payload);
        bytes
    }
}

/// An IPv4 packet.
pub(super) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4Header::of(protocol).before(payload)
}

/// An IPv6 header (RFC 8200 section 3) with a payload length of its own.
pub(super) fn ipv6_saying(payload_len: u16, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(payload_len.to_be_bytes());
    bytes.extend([next, 64]);
    bytes.extend(V6.as_flattened());
    bytes.extend(payload);
    bytes
}

/// An IPv6 packet.
pub(super) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let payload_len = u16::try_from(payload.len()).expect("an IPv6 length");
    ipv6_saying(payload_len, next, payload)
}

/// A TCP header (RFC 9293 section 3.1) with its data offset in words of four bytes; options are
/// no-operations. Sequence number 1000, acknowledgment number 2000, window 8192.
pub(super) fn tcp(data_offset: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = PORTS.to_vec();
    bytes.extend(1000_u32.to_be_bytes());
    bytes.extend(2000_u32.to_be_bytes());
    bytes.extend([data_offset << 4, flags, 0x20, 0x00, 0, 0, 0, 0]);
    bytes.resize(usize::from(data_offset.max(5)) * 4, 1);
    bytes.extend(payload);
    bytes
}

/// A UDP header (RFC 768).
pub(super) fn udp(payload: &[u8]) -> Vec<u8> {
    udp_between([49152, 443], payload)
}

/// A UDP header with these ports.
pub(super) fn udp_between(ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).expect("a UDP length");
    let mut bytes: Vec<u8> = ports.into_iter().flat_map(u16::to_be_bytes).collect();
    bytes.extend(len.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}
