//! What `-o NAME:VALUE` sets, with tshark's names and defaults.

/// Preferences of the dissectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// `tcp.check_checksum`.
    pub tcp_check_checksum: bool,
    /// `udp.check_checksum`.
    pub udp_check_checksum: bool,
    /// `ip.check_checksum`.
    pub ip_check_checksum: bool,
    /// `tcp.relative_sequence_numbers`.
    pub tcp_relative_sequence_numbers: bool,
    /// `tcp.analyze_sequence_numbers`.
    pub tcp_analyze_sequence_numbers: bool,
    /// `tcp.desegment_tcp_streams`.
    pub tcp_desegment_streams: bool,
    /// `ip.defragment`.
    pub ip_defragment: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            tcp_check_checksum: false,
            udp_check_checksum: false,
            ip_check_checksum: false,
            tcp_relative_sequence_numbers: true,
            tcp_analyze_sequence_numbers: true,
            tcp_desegment_streams: true,
            ip_defragment: true,
        }
    }
}
