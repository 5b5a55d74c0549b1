//! Which end is the server when the beginning was not captured: by well-known ports, as in Zeek
//! (`likely_server_ports`, to which each protocol's script adds its own).

/// TCP ports of servers.
const TCP: &[u16] = &[
    21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 389, 443, 445, 465, 502, 514, 563, 585, 587,
    614, 631, 636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222,
    5223, 5269, 5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
];

/// UDP ports of servers.
const UDP: &[u16] = &[
    53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3389, 3544, 4789, 5060, 5072,
    5353, 5355, 6081, 20000,
];

/// Bits of all ports of a protocol.
struct Ports([u64; 1024]);

impl Ports {
    const fn of(list: &[u16]) -> Self {
        let mut bits = [0; 1024];
        let mut at = 0;
        while at < list.len() {
            let port = list[at] as usize;
            bits[port / 64] |= 1 << (port % 64);
            at += 1;
        }
        Self(bits)
    }

    const fn has(&self, port: u16) -> bool {
        self.0[port as usize / 64] >> (port % 64) & 1 != 0
    }
}

static TCP_PORTS: Ports = Ports::of(TCP);
static UDP_PORTS: Ports = Ports::of(UDP);

/// Whether a server is likely to use this TCP port.
pub(crate) fn is_tcp_server(port: u16) -> bool {
    TCP_PORTS.has(port)
}

/// Whether a server is likely to use this UDP port.
pub(crate) fn is_udp_server(port: u16) -> bool {
    UDP_PORTS.has(port)
}

/// Whether the users of this TCP service are silent for long: FTP, SSH, Telnet and rlogin (Zeek's
/// `Conn::port_inactivity_timeouts`).
pub(crate) const fn is_slow_service(port: u16) -> bool {
    matches!(port, 21 | 22 | 23 | 513)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_the_lists() {
        for port in 0..=u16::MAX {
            assert_eq!(is_tcp_server(port), TCP.contains(&port));
            assert_eq!(is_udp_server(port), UDP.contains(&port));
        }
    }
}
