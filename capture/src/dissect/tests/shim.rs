//! What lies between a link layer and IP.

use super::build::{ethernet, ipv4, ipv6, tag, udp};
use super::{LinkType, Net, Transport, frame, layers_of, udp_found};

const FOUND: Transport = udp_found(3);

fn v4() -> Vec<u8> {
    ipv4(17, &udp(b"abc"))
}

fn v6() -> Vec<u8> {
    ipv6(17, &udp(b"abc"))
}

/// MPLS label stack entries (RFC 3032 section 2.1): label 16 and up, time to live 64.
fn labels(count: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 1..=count {
        let bottom = u32::from(number == count);
        bytes.extend(((15 + number) << 12 | bottom << 8 | 64).to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

#[test]
fn labels_are_looked_behind() {
    for ethertype in [0x8847, 0x8848] {
        for count in 1..=16 {
            for payload in [v4(), v6()] {
                let layers = frame(&ethernet(ethertype, &labels(count, &payload)));
                assert_eq!(layers.transport, FOUND, "{count}");
                assert_eq!((layers.malformed, layers.tunnel), (None, None));
            }
        }
        let layers = frame(&ethernet(ethertype, &labels(17, &v4())));
        assert_eq!(layers.net, Net::Other { ethertype });
    }
}

#[test]
fn a_pseudowire_is_looked_into_if_it_carries_ethernet() {
    // RFC 4448: control word of zeros, or with a sequence number, then a frame.
    for word in [[0, 0, 0, 0], [0, 0, 0, 9]] {
        let inner = ethernet(0x8100, &tag(5, 0x0800, &v4()));
        let layers = frame(&ethernet(0x8847, &labels(2, &[&word[..], &inner].concat())));
        assert_eq!(layers.transport, FOUND);
        assert_eq!((layers.vlan_tags, layers.vlans), (1, [5, 0]));
    }
}

#[test]
fn what_only_looked_like_ip_behind_labels_is_not_malformed() {
    let other = Net::Other { ethertype: 0x8847 };
    let mut no_header_length = v4();
    no_header_length[0] = 0x42;
    let mut frame_without_word = ethernet(0x0800, &v4());
    frame_without_word[0] = 0x42;
    for payload in [
        no_header_length,
        frame_without_word,
        v4()[..12].to_vec(),
        vec![0xf0; 30],
    ] {
        let layers = frame(&ethernet(0x8847, &labels(1, &payload)));
        assert_eq!(
            (layers.net, layers.malformed),
            (other, None),
            "{payload:02x?}"
        );
        assert_eq!(layers.transport, Transport::None);
    }
}

#[test]
fn sessions_are_looked_behind() {
    for (protocol, payload) in [(0x0021_u16, v4()), (0x0057, v6())] {
        // RFC 2516 section 4: version and type, code, session, length.
        let mut bytes = vec![0x11, 0, 0, 9];
        bytes.extend((payload.len() as u16 + 2).to_be_bytes());
        bytes.extend(protocol.to_be_bytes());
        bytes.extend(payload);
        let layers = frame(&ethernet(0x8864, &bytes));
        assert_eq!(layers.transport, FOUND);
        // On a VLAN, and twice.
        let layers = frame(&ethernet(0x88a8, &tag(7, 0x8864, &bytes)));
        assert_eq!((layers.transport, layers.vlans), (FOUND, [7, 0]));
        // Not version 1.
        bytes[0] = 0x21;
        let layers = frame(&ethernet(0x8864, &bytes));
        assert_eq!(layers.net, Net::Other { ethertype: 0x8864 });
    }
    // Link control (RFC 1661).
    let layers = frame(&ethernet(
        0x8864,
        &[0x11, 0, 0, 9, 0, 6, 0xc0, 0x21, 1, 1, 0, 4],
    ));
    assert_eq!(layers.net, Net::Other { ethertype: 0x8864 });
    assert_eq!(layers.malformed, None);
}

#[test]
fn other_frames_in_frames_are_looked_into() {
    let inner = ethernet(0x0800, &v4());
    // IEEE 802.1ah: priority and service identifier.
    let backbone = [&[0, 0, 0, 1][..], &inner].concat();
    assert_eq!(frame(&ethernet(0x88e7, &backbone)).transport, FOUND);
    // Forwarding tag and time to live.
    let fabric = [&[0, 0x41][..], &inner].concat();
    assert_eq!(frame(&ethernet(0x8903, &fabric)).transport, FOUND);
    // Source and destination of the virtual network, EtherType.
    let tagged = [&[0, 0, 0, 3, 0x08, 0][..], &v4()].concat();
    assert_eq!(frame(&ethernet(0x8926, &tagged)).transport, FOUND);
}

#[test]
fn frames_in_frames_come_to_an_end() {
    let mut bytes = ethernet(0x0800, &v4());
    for _ in 0..8 {
        bytes = ethernet(0x88e7, &[&[0; 4][..], &bytes].concat());
    }
    assert_eq!(frame(&bytes).transport, FOUND);
    for _ in 0..3000 {
        bytes = ethernet(0x88e7, &[&[0; 4][..], &bytes].concat());
    }
    assert_eq!(frame(&bytes).net, Net::Other { ethertype: 0x88e7 });
}

#[test]
fn shims_that_are_cut_off_never_lead_astray() {
    let payload = labels(2, &v4());
    let session = [&[0x11, 0, 0, 9, 0, 33, 0, 0x21][..], &v4()].concat();
    for data in [ethernet(0x8847, &payload), ethernet(0x8864, &session)] {
        let whole = frame(&data);
        for len in 0..data.len() {
            let layers = layers_of(LinkType::ETHERNET, &data[..len], data.len());
            assert_eq!(layers.malformed, None, "{len}");
            assert!(
                layers.snapped || layers.transport == whole.transport,
                "{len}"
            );
            let layers = frame(&data[..len]);
            assert!(!layers.snapped);
        }
    }
}
