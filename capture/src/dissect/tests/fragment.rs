//! Datagrams in several packets: in order and out of it, twice, overlapping, never complete.

use proptest::prelude::*;

use super::build::{V4Header, ethernet, ipv6, tcp, udp};
use super::{LinkType, Tcp, TcpFlags, TcpOptions, Transport, ip, layers_of, udp_found};
use crate::dissect::{Fragments, Steering};
use crate::packet::{Packet, PacketMeta, Timestamp};

const S: u64 = 1_000_000_000;

/// A piece of a datagram: bytes from and to, and whether there are more.
type Piece = (usize, usize, bool);

/// The fragment of this datagram as a frame.
fn fragment(protocol: u8, id: u16, datagram: &[u8], (from, to, more): Piece) -> Vec<u8> {
    let header = V4Header {
        id,
        fragment: (from / 8) as u16 | u16::from(more) << 13,
        ..V4Header::of(protocol)
    };
    ethernet(0x0800, &header.before(&datagram[from..to]))
}

/// What becomes of a frame at this time, of which `cap_len` bytes were captured.
fn follow_at(fragments: &mut Fragments, data: &[u8], cap_len: usize, clock: u64) -> Transport {
    let mut layers = layers_of(LinkType::ETHERNET, &data[..cap_len], data.len());
    let meta = PacketMeta {
        link: LinkType::ETHERNET,
        wire_len: data.len() as u32,
        clock: Timestamp(clock),
        ..Packet::EMPTY.meta
    };
    let data = &data[..cap_len];
    fragments.follow(&mut layers, &Packet { meta, data });
    layers.transport
}

fn follow(fragments: &mut Fragments, data: &[u8]) -> Transport {
    follow_at(fragments, data, data.len(), 0)
}

/// What becomes of all of them, one after the other.
fn all(protocol: u8, datagram: &[u8], pieces: &[Piece]) -> Vec<Transport> {
    let mut fragments = Fragments::new();
    pieces
        .iter()
        .map(|piece| follow(&mut fragments, &fragment(protocol, 7, datagram, *piece)))
        .collect()
}

/// The ports of `build`, and the whole of a TCP segment.
const PORTS: Transport = udp_found(0);

fn whole(payload_len: u32) -> Transport {
    Transport::Tcp(Tcp {
        src_port: 49152,
        dst_port: 443,
        seq: 1000,
        ack: 2000,
        flags: TcpFlags::SYN,
        window: 8192,
        payload_len,
        captured: true,
        options: TcpOptions::default(),
    })
}

#[test]
fn the_packet_that_completes_a_datagram_stands_for_it() {
    let segment = tcp(5, 2, &[0x2a; 2980]);
    let found = all(
        6,
        &segment,
        &[(0, 1480, true), (1480, 2960, true), (2960, 3000, false)],
    );
    assert_eq!(found, [PORTS, PORTS, whole(2980)]);
    // The last before the middle.
    let found = all(
        6,
        &segment,
        &[(0, 1480, true), (2960, 3000, false), (1480, 2960, true)],
    );
    assert_eq!(found, [PORTS, PORTS, whole(2980)]);

    let datagram = udp(&[0x2a; 2992]);
    let found = all(17, &datagram, &[(0, 1480, true), (1480, 3000, false)]);
    assert_eq!(found, [PORTS, udp_found(2992)]);
    let echo = [&[8, 0, 0, 0, 0, 1, 0, 1][..], &[0; 92]].concat();
    let icmp = |payload_len| Transport::Icmp {
        kind: 8,
        code: 0,
        payload_len,
    };
    let found = all(1, &echo, &[(0, 48, true), (48, 100, false)]);
    assert_eq!(found, [icmp(0), icmp(92)]);
}

#[test]
fn a_header_in_pieces_is_put_together() {
    // Options: no-operations, and timestamps in the last piece.
    let mut segment = tcp(15, 2, b"hello");
    segment[46..56].copy_from_slice(&[8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    let mut pieces: Vec<Piece> = (0..64).step_by(8).map(|at| (at, at + 8, true)).collect();
    pieces.push((64, 65, false));
    let expected = {
        let Transport::Tcp(tcp) = whole(5) else {
            unreachable!()
        };
        let options = TcpOptions {
            timestamps: true,
            ..TcpOptions::default()
        };
        Transport::Tcp(Tcp { options, ..tcp })
    };
    let found = all(6, &segment, &pieces);
    assert_eq!(found[..8], [PORTS; 8]);
    assert_eq!(found[8], expected);
    // The first one first; then in any order.
    pieces[1..].reverse();
    assert_eq!(all(6, &segment, &pieces)[8], expected);
}

#[test]
fn what_comes_before_the_first_fragment_has_no_ports() {
    let datagram = udp(&[0x2a; 92]);
    let found = all(
        17,
        &datagram,
        &[(48, 100, false), (0, 48, true), (48, 100, false)],
    );
    assert_eq!(found, [Transport::None, PORTS, udp_found(92)]);
}

#[test]
fn where_fragments_overlap_the_first_counts() {
    let segment = tcp(5, 2, &[0x2a; 80]);
    let mut other = segment.clone();
    // The second one would make it an RST.
    other[13] = 4;
    let mut fragments = Fragments::new();
    for (bytes, piece) in [(&segment, (0, 16, true)), (&other, (8, 48, true))] {
        assert_eq!(follow(&mut fragments, &fragment(6, 7, bytes, piece)), PORTS);
    }
    let last = fragment(6, 7, &other, (48, 100, false));
    assert_eq!(follow(&mut fragments, &last), whole(80));
    // What comes after it is complete adds nothing.
    assert_eq!(follow(&mut fragments, &last), PORTS);
}

#[test]
fn a_number_that_comes_around_is_a_new_datagram() {
    let datagram = udp(&[0x2a; 92]);
    let pieces = [(0, 48, true), (48, 100, false)];
    let found = all(17, &datagram, &[pieces[0], pieces[1], pieces[0], pieces[1]]);
    assert_eq!(found, [PORTS, udp_found(92), PORTS, udp_found(92)]);
    // Other ports before the first one was complete.
    let mut fragments = Fragments::new();
    let mut other = datagram.clone();
    other[3] = 80;
    assert_eq!(
        follow(&mut fragments, &fragment(17, 7, &datagram, pieces[0])),
        PORTS
    );
    follow(&mut fragments, &fragment(17, 7, &other, pieces[0]));
    let found = follow(&mut fragments, &fragment(17, 7, &other, pieces[1]));
    assert!(matches!(
        found,
        Transport::Ports {
            dst_port: 336,
            payload_len: 92,
            ..
        }
    ));
    // The same ports: sent twice.
    let found = all(17, &datagram, &[pieces[0], pieces[0], pieces[1]]);
    assert_eq!(found, [PORTS, PORTS, udp_found(92)]);
}

#[test]
fn fragments_are_waited_for_as_long_as_linux_does() {
    let datagram = udp(&[0x2a; 92]);
    let first = fragment(17, 7, &datagram, (0, 48, true));
    let last = fragment(17, 7, &datagram, (48, 100, false));
    for (clock, expected) in [(30 * S - 1, udp_found(92)), (30 * S, Transport::None)] {
        let mut fragments = Fragments::new();
        assert_eq!(follow_at(&mut fragments, &first, first.len(), 0), PORTS);
        assert_eq!(
            follow_at(&mut fragments, &last, last.len(), clock),
            expected
        );
    }
}

#[test]
fn fragments_that_were_not_captured_whole_count_by_their_headers() {
    let segment = tcp(5, 2, &[0x2a; 80]);
    let first = fragment(6, 7, &segment, (0, 48, true));
    let last = fragment(6, 7, &segment, (48, 100, false));
    // Ethernet, IPv4, TCP.
    for (first_len, last_len) in [(54, last.len()), (first.len(), 34), (first.len(), 40)] {
        let mut fragments = Fragments::new();
        assert_eq!(follow_at(&mut fragments, &first, first_len, 0), PORTS);
        let Transport::Tcp(tcp) = follow_at(&mut fragments, &last, last_len, 0) else {
            panic!("a segment")
        };
        assert_eq!((tcp.payload_len, tcp.captured), (80, false));
    }
    // Not as far as its header.
    let mut fragments = Fragments::new();
    assert_eq!(follow_at(&mut fragments, &first, 50, 0), Transport::None);
    assert_eq!(follow(&mut fragments, &last), Transport::None);
}

#[test]
fn a_datagram_that_cannot_be_is_never_complete() {
    let datagram = udp(&[0x2a; 92]);
    // Beyond 65,535 bytes.
    let mut fragments = Fragments::new();
    follow(&mut fragments, &fragment(17, 7, &datagram, (0, 48, true)));
    let header = V4Header {
        id: 7,
        fragment: 0x1fff,
        ..V4Header::of(17)
    };
    let data = ethernet(0x0800, &header.before(&[0; 64]));
    assert_eq!(follow(&mut fragments, &data), PORTS);
    // More holes than anybody makes by accident.
    let long = udp(&[0x2a; 1000]);
    let mut pieces: Vec<Piece> = (0..60).map(|n| (n * 16, n * 16 + 8, true)).collect();
    pieces.extend((0..60).map(|n| (n * 16 + 8, n * 16 + 16, true)));
    pieces.push((960, 1008, false));
    assert!(all(17, &long, &pieces).iter().all(|found| *found == PORTS));
}

#[test]
fn a_segment_whose_header_cannot_be_has_only_ports() {
    // 60 bytes of header in 40 bytes.
    let segment = tcp(15, 2, &[]);
    let found = all(6, &segment[..40], &[(0, 24, true), (24, 40, false)]);
    assert_eq!(found, [PORTS, PORTS]);
}

#[test]
fn ipv6_fragments_find_what_is_behind_the_extension_headers() {
    // Destination options of 16 bytes behind the fragment header, then UDP.
    let mut datagram = vec![17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    datagram.extend(udp(&[0x2a; 76]));
    let mut fragments = Fragments::new();
    let mut found = Vec::new();
    for (from, to, more) in [(0, 48, true), (48, 100, false)] {
        let mut bytes = vec![60, 0];
        bytes.extend((from as u16 | u16::from(more)).to_be_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes.extend(&datagram[from..to]);
        let data = ethernet(0x86dd, &ipv6(44, &bytes));
        let mut layers = layers_of(LinkType::ETHERNET, &data, data.len());
        let meta = Packet::EMPTY.meta;
        fragments.follow(&mut layers, &Packet { meta, data: &data });
        assert_eq!(ip(&layers).protocol, 17);
        found.push(layers.transport);
    }
    assert_eq!(found, [PORTS, udp_found(76)]);
}

#[test]
fn thousands_of_datagrams_are_followed_at_once() {
    let datagram = udp(&[0x2a; 92]);
    let mut fragments = Fragments::new();
    let mut follow = |id, piece| follow(&mut fragments, &fragment(17, id, &datagram, piece));
    for id in 0..4096 {
        follow(id, (0, 48, true));
    }
    for id in 0..4096 {
        assert_eq!(follow(id, (48, 100, false)), udp_found(92), "{id}");
    }
    // With one more, the oldest is forgotten.
    follow(5000, (0, 48, true));
    assert_eq!(follow(0, (48, 100, false)), Transport::None);
    assert_eq!(follow(1, (48, 100, false)), PORTS);
    assert_eq!(follow(5000, (48, 100, false)), udp_found(92));
}

#[test]
fn fragments_go_where_their_first_one_went() {
    let mut steering = Steering::new(7);
    let datagram = tcp(5, 2, &[0x2a; 80]);
    let mut hash = |data: &[u8], clock| {
        let layers = layers_of(LinkType::ETHERNET, data, data.len());
        steering.hash(&layers, Timestamp(clock))
    };
    let packet = ethernet(0x0800, &V4Header::of(6).before(&datagram));
    let flow = hash(&packet, 0);
    let early = hash(&fragment(6, 7, &datagram, (48, 100, false)), 0);
    assert_ne!(early, flow);
    // As short as a first fragment can be: it still has ports.
    assert_eq!(hash(&fragment(6, 7, &datagram, (0, 8, true)), 0), flow);
    let last = fragment(6, 7, &datagram, (48, 100, false));
    assert_eq!(hash(&last, 30 * S - 1), flow);
    assert_eq!(hash(&last, 30 * S), early);
}

#[test]
fn both_ways_of_a_udp_tunnel_have_one_hash() {
    let mut steering = Steering::new(7);
    let mut hash = |ports| {
        let mut datagram = super::build::udp_between(ports, b"no tunnel at all");
        datagram.resize(80, 0);
        let data = ethernet(0x0800, &V4Header::of(17).before(&datagram));
        let layers = layers_of(LinkType::ETHERNET, &data, data.len());
        steering.hash(&layers, Timestamp(0))
    };
    for port in [4789, 4790, 6081, 2152, 3544, 4754] {
        assert_eq!(hash([50_000, port]), hash([60_000, port]));
        assert_eq!(hash([50_000, port]), hash([port, 60_000]));
    }
    assert_ne!(hash([50_000, 53]), hash([60_000, 53]));
}

/// Which bytes of a datagram were seen, one by one.
fn slow(pieces: &[Piece], len: usize) -> bool {
    let mut seen = vec![false; len];
    for (from, to, _) in pieces {
        seen[*from..*to].fill(true);
    }
    seen.iter().all(|seen| *seen) && pieces.iter().any(|(.., more)| !more)
}

proptest! {
    /// Pieces in any order, some of them twice: complete as soon as every byte was seen.
    #[test]
    fn a_datagram_is_complete_when_all_bytes_were_seen(
        cuts in prop::collection::btree_set(1_usize..40, 0..7),
        order in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let datagram = udp(&[0x2a; 315]);
        let mut at = 0;
        let mut pieces = Vec::new();
        for cut in cuts {
            pieces.push((at, cut * 8, true));
            at = cut * 8;
        }
        pieces.push((at, datagram.len(), false));
        if pieces.len() == 1 {
            return Ok(());
        }
        let mut given = vec![pieces[0]];
        given.extend(order.iter().map(|index| pieces[index.index(pieces.len())]));
        let complete = (1..=given.len()).find(|count| slow(&given[..*count], datagram.len()));
        let found = all(17, &datagram, &given);
        let first = found.iter().position(|found| *found == udp_found(315)).map(|at| at + 1);
        prop_assert_eq!(first, complete);
    }
}
