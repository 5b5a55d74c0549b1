//! TCP, UDP and the others behind either version of IP.

use super::build::{PORTS, V4Header, ethernet, ipv4, ipv6, ipv6_saying, tcp, udp};
use super::{
    Header, LinkType, Malformed, Tcp, TcpFlags, TcpOptions, Transport, frame, layers_of, udp_found,
};

/// The payload behind either version of IP in Ethernet.
fn both(protocol: u8, payload: &[u8]) -> [Vec<u8>; 2] {
    [
        ethernet(0x0800, &ipv4(protocol, payload)),
        ethernet(0x86dd, &ipv6(protocol, payload)),
    ]
}

const MALFORMED: Option<Malformed> = Some(Malformed::HeaderLength(Header::Transport));

#[test]
fn tcp_fields_are_the_headers() {
    for data in both(6, &tcp(5, 0x12, b"hello")) {
        assert_eq!(
            frame(&data).transport,
            Transport::Tcp(Tcp {
                src_port: 49152,
                dst_port: 443,
                seq: 1000,
                ack: 2000,
                flags: TcpFlags::SYN.with(TcpFlags::ACK),
                window: 8192,
                payload_len: 5,
                captured: true,
                options: TcpOptions::default(),
            })
        );
    }
}

#[test]
fn tcp_options_are_not_payload() {
    for data_offset in 5..=15 {
        for data in both(6, &tcp(data_offset, 0x10, b"hello")) {
            assert_eq!(super::tcp(&frame(&data)).payload_len, 5, "{data_offset}");
        }
    }
}

#[test]
fn a_data_offset_that_cannot_be_is_malformed() {
    for data_offset in 0..5 {
        for data in both(6, &tcp(data_offset, 0x10, b"hello")) {
            let layers = frame(&data);
            assert_eq!(layers.malformed, MALFORMED, "{data_offset}");
            assert_eq!(layers.transport, Transport::None);
        }
    }
    // 24 bytes of header in 20 bytes of payload.
    let header = tcp(6, 0x10, b"");
    for data in both(6, &header[..20]) {
        assert_eq!(frame(&data).malformed, MALFORMED);
    }
}

#[test]
fn payload_is_measured_by_the_ip_header_and_not_by_what_was_captured() {
    for data in both(6, &tcp(8, 0x18, &[0x2a; 1000])) {
        // Captured up to the end of the fixed header.
        let cut = data.len() - 1000 - 12;
        let layers = layers_of(LinkType::ETHERNET, &data[..cut], data.len());
        assert_eq!(super::tcp(&layers).payload_len, 1000);
        assert!(!super::tcp(&layers).captured);
        assert!(super::tcp(&frame(&data)).captured);
        assert!(!layers.snapped);
        // Padding is not payload either.
        let mut padded = data.clone();
        padded.extend([0; 30]);
        assert_eq!(super::tcp(&frame(&padded)).payload_len, 1000);
    }
}

#[test]
fn syn_and_fin_take_a_sequence_number_each() {
    for (flags, expected) in [(0x10, 3), (0x02, 4), (0x11, 4), (0x03, 5), (0x04, 3)] {
        let layers = frame(&ethernet(0x0800, &ipv4(6, &tcp(5, flags, b"abc"))));
        assert_eq!(super::tcp(&layers).seq_len(), expected, "{flags:#x}");
    }
}

#[test]
fn udp_and_its_relatives_have_ports() {
    // SCTP's header is four bytes longer.
    for (protocol, payload_len) in [(17, 4), (136, 4), (132, 0)] {
        for data in both(protocol, &udp(b"0123")) {
            assert_eq!(frame(&data).transport, udp_found(payload_len), "{protocol}");
        }
    }
}

#[test]
fn payload_of_udp_is_what_its_own_header_says() {
    // Shorter and longer than IP says, below its header, and RFC 2675's zero.
    for (said, payload_len) in [(9_u16, 1), (100, 92), (7, 0), (0, 4)] {
        let mut body = udp(b"0123");
        body[4..6].copy_from_slice(&said.to_be_bytes());
        for data in both(17, &body) {
            assert_eq!(frame(&data).transport, udp_found(payload_len), "{said}");
        }
    }
}

#[test]
fn icmp_has_a_type_and_a_code() {
    for protocol in [1, 58] {
        for data in both(protocol, &[3, 13, 0, 0, 0, 0, 0, 0, 1, 2, 3]) {
            let expected = Transport::Icmp {
                kind: 3,
                code: 13,
                payload_len: 3,
            };
            assert_eq!(frame(&data).transport, expected);
        }
    }
}

#[test]
fn protocols_without_ports_are_whole_packets() {
    // IGMP, GRE, ESP, OSPF, and one that nobody has assigned.
    for protocol in [2, 47, 50, 89, 200] {
        for data in both(protocol, &PORTS) {
            let layers = frame(&data);
            assert_eq!(layers.transport, Transport::Other);
            assert_eq!((layers.malformed, layers.snapped), (None, false));
        }
    }
}

/// Lengths of the shortest header: RFC 9293, 768, 3828, 9260 (common header), 792, 4443.
const SHORTEST: [(u8, u16); 6] = [(6, 20), (17, 8), (136, 8), (132, 12), (1, 4), (58, 4)];

#[test]
fn a_datagram_without_room_for_the_header_is_malformed() {
    for (protocol, min_len) in SHORTEST {
        // The frame has the bytes, but they do not belong to the datagram.
        let body = tcp(5, 0x10, b"");
        for len in [0, min_len - 1] {
            let header = V4Header {
                total_len: Some(20 + len),
                ..V4Header::of(protocol)
            };
            let layers = frame(&ethernet(0x0800, &header.before(&body)));
            assert_eq!(layers.malformed, MALFORMED, "{protocol}");
            if len > 0 {
                let layers = frame(&ethernet(0x86dd, &ipv6_saying(len, protocol, &body)));
                assert_eq!(layers.malformed, MALFORMED, "{protocol}");
            }
        }
        for data in both(protocol, &body[..usize::from(min_len)]) {
            assert_eq!(frame(&data).malformed, None, "{protocol}");
        }
    }
}
