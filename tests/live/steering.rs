//! The kernel's walk against the library's: the same packets through both, by test runs of the XDP
//! program that is shipped, and through two readers of the ring.

use std::collections::HashMap;
use std::sync::Arc;

use aya::programs::{TestRun as _, Xdp};
use aya::{Ebpf, TestRunOptions};
use capture::dissect::{Addresses, Dissector, Layers, Net, TcpFlags, Transport, Tunnels};
use capture::iface::{self, Selection};
use capture::kernel::{
    Attachment, CaptureFilter, Clock, Delivery, Disposition, Extent, IngressHook, Insist, Kernel,
    Plan, Reception, Thinning, TimeStampType, Unmatched, Watch,
};
use capture::packet::{LinkType, Packet, PacketMeta};
use capture::source::ring::RingSource;
use capture_common::flow_hash::{endpoint_v4, endpoint_v6, flow_hash, is_tunnel_port};
use capture_common::{Hook, HookCounters, RingRecord};
use capture_tests::oracle::skip;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::slow_ring::SlowRings;

const SEED: u64 = 0x5eed_0f57_ee21_0001;
const RING_BYTES: u32 = 32 << 20;
/// The shortest frame that the kernel takes for a test run.
const SHORTEST: usize = 14;

/// What comes in on loopback, taken for an interface of this kind.
pub(crate) fn plan(link: LinkType, snap_len: u32, filter: Option<CaptureFilter>) -> Plan {
    let loopback = iface::find("lo").unwrap();
    Plan {
        ifaces: vec![Attachment {
            interface: loopback,
            link,
            watch: Watch::Ingress,
            ingress: IngressHook::Xdp,
        }],
        selection: Selection::default(),
        watch: None,
        ingress: IngressHook::Xdp,
        insist: Insist::No,
        rings: 1,
        ring_bytes: RING_BYTES,
        filter,
        thinning: Thinning {
            snap_len,
            ..Thinning::NONE
        },
        reception: Reception::AsItIs,
        disposition: Disposition::Mirror,
        unmatched: Unmatched::Consume,
        time_stamps: TimeStampType::Host,
        delivery: Delivery::Rings,
        seed: SEED,
        verbose: false,
    }
}

/// With so many rings: where there is one, the programs spare themselves the hash.
fn load(link: LinkType, snap_len: u32, rings: u32) -> Option<Kernel> {
    let plan = Plan {
        rings,
        ..plan(link, snap_len, None)
    };
    match Kernel::load(&plan) {
        Ok(kernel) => Some(kernel),
        Err(error) => {
            skip(&format!("the programs cannot be loaded: {error}"));
            None
        }
    }
}

pub(crate) fn run(ebpf: &mut Ebpf, frame: &[u8]) {
    let program: &mut Xdp = ebpf.program_mut("capture_xdp").unwrap().try_into().unwrap();
    let options = TestRunOptions {
        data_in: Some(frame),
        ..TestRunOptions::new()
    };
    program.test_run(options).unwrap();
}

/// Bytes that lead deep into the walk: headers that are right but for a few fields.
#[expect(
    clippy::too_many_lines,
    reason = "a list of what packets can look like"
)]
pub(crate) fn frames(count: usize) -> Vec<Vec<u8>> {
    let extension = prop_oneof![
        (
            prop::sample::select(vec![0_u8, 43, 60, 135]),
            0_u8..4,
            any::<u64>()
        )
            .prop_map(|(kind, words, fill)| {
                let mut bytes = vec![0, words];
                bytes.resize(8 + usize::from(words) * 8, fill as u8);
                (kind, bytes)
            }),
        (1_u8..6).prop_map(|words| (51, {
            let mut bytes = vec![0, words];
            bytes.resize(8 + usize::from(words) * 4, 0);
            bytes
        })),
        (0_u16..6, 0_u8..4).prop_map(|(field, id)| {
            let [high, low] = (field >> 1 << 3 | field & 1).to_be_bytes();
            (44, vec![0, 0, high, low, 0, 0, 0, id])
        }),
        // Longer than anybody believes.
        (50_u8..140).prop_map(|words| (60, {
            let mut bytes = vec![0, words];
            bytes.resize(8 + usize::from(words) * 8, 0);
            bytes
        })),
    ];
    let transport = (
        prop::sample::select(vec![1_u8, 6, 6, 6, 17, 17, 58, 132, 136, 47, 59]),
        prop::collection::vec(any::<u8>(), 24),
        prop_oneof![6 => 5_u8..8, 1 => 0_u8..16],
        0_usize..80,
    )
        .prop_map(|(protocol, mut bytes, data_offset, payload_len)| {
            // Few ports, so that flows meet, and those of tunnels.
            let ports: [u16; 2] = match bytes[2] % 12 {
                0 => [
                    [4789, 4790, 6081, 2152, 3544, 4754][usize::from(bytes[3] % 6)],
                    90,
                ],
                1 => [
                    80,
                    [4789, 4790, 6081, 2152, 3544, 4754][usize::from(bytes[3] % 6)],
                ],
                _ => [80 + u16::from(bytes[0] % 2), 90 + u16::from(bytes[1] % 2)],
            };
            for (to, from) in bytes
                .iter_mut()
                .zip(ports.iter().flat_map(|port| port.to_be_bytes()))
            {
                *to = from;
            }
            bytes[12] = data_offset << 4;
            bytes.resize(24 + payload_len, 0x2a);
            (protocol, bytes)
        });
    let tags = prop::collection::vec(prop::sample::select(vec![0x8100_u16, 0x88a8, 0x9100]), 0..6);
    let length =
        prop_oneof![8 => Just(None), 1 => Just(Some(0_u16)), 2 => (0_u16..120).prop_map(Some)];
    let fragment =
        prop_oneof![5 => Just(0x4000_u16), 2 => (0_u16..4).prop_map(|n| n >> 1 | (n & 1) << 13)];
    let net = (
        any::<bool>(),
        prop::collection::vec(extension, 0..4),
        length,
        fragment,
        0_u8..4,
        0_u8..12,
    );
    let cut = prop_oneof![3 => Just(usize::MAX), 2 => 0_usize..140];
    let changes = prop::collection::vec((0_usize..70, any::<u8>()), 0..3);
    let changes = prop_oneof![3 => Just(Vec::new()), 1 => changes];
    let strategy = (tags, net, transport, cut, changes, 0_u8..20).prop_map(
        |(
            tags,
            (v6, extensions, length, fragment, id, ihl),
            (mut protocol, body),
            cut,
            changes,
            other,
        )| {
            let mut inside = body;
            let mut ethertype = if v6 { 0x86dd_u16 } else { 0x0800 };
            if v6 {
                for (kind, mut bytes) in extensions.into_iter().rev() {
                    bytes[0] = protocol;
                    bytes.extend(inside);
                    inside = bytes;
                    protocol = kind;
                }
                let mut bytes = vec![0x60, 0, 0, 0];
                bytes.extend(length.unwrap_or(inside.len() as u16).to_be_bytes());
                bytes.extend([protocol, 64]);
                bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
                bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
                bytes.extend(inside);
                inside = bytes;
            } else {
                let ihl = if ihl > 4 { 5 } else { 5 + ihl };
                let mut bytes = vec![0x40 | ihl, 0];
                let total = inside.len() as u16 + u16::from(ihl) * 4;
                bytes.extend(length.unwrap_or(total).to_be_bytes());
                bytes.extend([0, id]);
                bytes.extend(fragment.to_be_bytes());
                bytes.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
                bytes.resize(usize::from(ihl) * 4, 1);
                bytes.extend(inside);
                inside = bytes;
            }
            match other {
                0 => ethertype = 0x0806,
                1 => ethertype = 0x88cc,
                _ => {}
            }
            for tpid in tags {
                let mut bytes = vec![0, 7];
                bytes.extend(ethertype.to_be_bytes());
                bytes.extend(inside);
                inside = bytes;
                ethertype = tpid;
            }
            let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
            frame.extend(ethertype.to_be_bytes());
            frame.extend(inside);
            for (at, value) in changes {
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
            frame.truncate(cut.max(SHORTEST));
            frame
        },
    );
    let mut runner = TestRunner::deterministic();
    let mut frames: Vec<Vec<u8>> = (0..count)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    // Nothing but noise, and every size class of ring records.
    let noise = prop::collection::vec(any::<u8>(), SHORTEST..200);
    frames.extend((0..500).map(|_| noise.new_tree(&mut runner).unwrap().current()));
    for len in [64, 65, 96, 128, 129, 512, 1500, 1536, 3000, 3500] {
        let mut frame = frames[0].clone();
        frame.resize(len, 0x2a);
        frames.push(frame);
    }
    frames
}

fn packet(frame: &[u8], link: LinkType) -> Packet<'_> {
    let meta = PacketMeta {
        link,
        wire_len: frame.len() as u32,
        ..Packet::EMPTY.meta
    };
    Packet { meta, data: frame }
}

/// Adds what the kernel has to count for a packet with these layers.
fn count(sum: &mut HookCounters, layers: &Layers, wire_len: usize) {
    sum.packets += 1;
    sum.bytes += wire_len as u64;
    let malformed = layers.malformed.is_some();
    sum.malformed += u64::from(malformed);
    if malformed {
        return;
    }
    match layers.net {
        Net::Arp => sum.arp += 1,
        Net::Other { .. } => sum.other_net += 1,
        Net::Ip(ip) => {
            match ip.addresses {
                Addresses::V4 { .. } => sum.ipv4 += 1,
                Addresses::V6 { .. } => sum.ipv6 += 1,
            }
            sum.fragments += u64::from(ip.fragment.is_some());
            match ip.protocol {
                6 => sum.tcp += 1,
                17 => sum.udp += 1,
                1 | 58 => sum.icmp += 1,
                _ => sum.other_transport += 1,
            }
        }
    }
    if let Transport::Tcp(tcp) = layers.transport {
        let (syn, ack) = (tcp.flags.has(TcpFlags::SYN), tcp.flags.has(TcpFlags::ACK));
        sum.syn += u64::from(syn && !ack);
        sum.syn_ack += u64::from(syn && ack);
        sum.fin += u64::from(tcp.flags.has(TcpFlags::FIN));
        sum.rst += u64::from(tcp.flags.has(TcpFlags::RST));
    }
}

/// What both sides count of a packet that neither takes for malformed.
fn compared(counters: &HookCounters) -> [u64; 16] {
    let c = counters;
    [
        c.packets,
        c.bytes,
        c.ipv4,
        c.ipv6,
        c.arp,
        c.other_net,
        c.tcp,
        c.udp,
        c.icmp,
        c.other_transport,
        c.fragments,
        c.syn,
        c.syn_ack,
        c.fin,
        c.rst,
        c.malformed,
    ]
}

fn header(bytes: &[u8]) -> (u32, u32, u32) {
    let at = |at: usize| u32::from_ne_bytes(*bytes[at..].first_chunk().unwrap());
    (at(8), at(12), at(16))
}

/// Hashes of the datagrams whose first fragment came, by what identifies them.
#[derive(Debug, Default)]
struct Datagrams(HashMap<(Addresses, u8, u32), u32>);

impl Datagrams {
    /// The flow hash of a packet: of both ends and the protocol, and of a fragment what its first one has.
    fn hash(&mut self, layers: &Layers) -> u32 {
        const UDP: u8 = 17;
        let Net::Ip(ip) = &layers.net else { return 0 };
        let (src_port, dst_port) = match layers.transport {
            Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port),
            Transport::Ports {
                src_port, dst_port, ..
            } if ip.protocol != UDP || !(is_tunnel_port(src_port) || is_tunnel_port(dst_port)) => {
                (src_port, dst_port)
            }
            _ => (0, 0),
        };
        let (src_port, dst_port) = (src_port.to_be(), dst_port.to_be());
        let (src, dst, of_all) = match ip.addresses {
            Addresses::V4 { src, dst } => (
                endpoint_v4(SEED, src, src_port),
                endpoint_v4(SEED, dst, dst_port),
                ip.protocol,
            ),
            // RFC 8200 section 4.5: the next header is not part of what identifies a datagram.
            Addresses::V6 { src, dst } => (
                endpoint_v6(SEED, src, src_port),
                endpoint_v6(SEED, dst, dst_port),
                0,
            ),
        };
        let hash = flow_hash(src, dst, ip.protocol);
        let Some(fragment) = &ip.fragment else {
            return hash;
        };
        let datagram = (ip.addresses, of_all, fragment.id);
        if fragment.offset == 0 {
            self.0.insert(datagram, hash);
        }
        self.0.get(&datagram).copied().unwrap_or(hash)
    }
}

fn compare(link: LinkType, frames: &[Vec<u8>]) {
    let Some(mut kernel) = load(link, 65_600, 2) else {
        return;
    };
    let mut ring = SlowRings::new(&kernel);
    let mut datagrams = Datagrams::default();
    // The kernel looks into no tunnel.
    let dissector = Dissector {
        tunnels: Tunnels::Outer,
        ..Dissector::default()
    };
    let mut before = kernel.counters(0, Hook::XdpIngress).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        run(kernel.ebpf_mut(), frame);
        let layers = dissector.dissect(&packet(frame, link));
        let item = ring
            .next()
            .unwrap_or_else(|| panic!("no record of packet {number}"));
        let (wire_len, cap_len, kernel_hash) = header(&item);
        assert_eq!(
            (wire_len as usize, cap_len as usize),
            (frame.len(), frame.len())
        );
        assert_eq!(item[RingRecord::LEN..][..frame.len()], frame[..]);
        drop(item);
        assert!(ring.next().is_none(), "one record a packet");

        let after = kernel.counters(0, Hook::XdpIngress).unwrap();
        let malformed = after.malformed - before.malformed;
        assert_eq!(
            malformed,
            u64::from(layers.malformed.is_some()),
            "packet {number} is {layers:?}: {frame:02x?}"
        );
        // Of a malformed packet the kernel counts what it found before, and routes it anywhere.
        if malformed == 0 {
            let mut expected = before;
            count(&mut expected, &layers, frame.len());
            assert_eq!(
                compared(&after),
                compared(&expected),
                "packet {number} is {layers:?}: {frame:02x?}"
            );
            if matches!(layers.net, Net::Ip(_)) {
                assert_eq!(
                    kernel_hash,
                    datagrams.hash(&layers),
                    "packet {number} is {layers:?}: {frame:02x?}"
                );
            }
        }
        assert_eq!(after.delivered, number as u64 + 1);
        before = after;
    }
}

/// Packets that the kernel's short way through the headers takes, and those that differ from them in one
/// byte or one bit of one, or in their length: on either side of each of its conditions.
fn bordering() -> Vec<Vec<u8>> {
    let tcp = [
        &super::frames::tcp(80, 90, super::frames::SYN)[..],
        &[0x2a; 12],
    ]
    .concat();
    let udp = super::frames::udp(80, 90, &[0x2a; 24]);
    let usual = [
        super::frames::ipv4(6, &[], (1, 0x4000), &tcp),
        super::frames::ipv4(17, &[], (1, 0), &udp),
        super::frames::ipv6(6, &tcp),
        super::frames::ipv6(17, &udp),
    ];
    let mut frames = Vec::new();
    for frame in usual {
        for at in 12..frame.len().min(76) {
            let byte = frame[at];
            let near = [byte.wrapping_sub(1), byte.wrapping_add(1), 0, 0xff];
            let values = near.into_iter().chain((0..8).map(|bit| byte ^ 1 << bit));
            for value in values {
                let mut other = frame.clone();
                other[at] = value;
                frames.push(other);
            }
        }
        frames.extend((SHORTEST..frame.len()).map(|len| frame[..len].to_vec()));
        // Ports of tunnels and their neighbors, in either direction.
        for port in [2152_u16, 3544, 4754, 4789, 4790, 6081] {
            for port in port - 1..=port + 1 {
                for at in [frame.len() - 32, frame.len() - 30] {
                    let mut other = frame.clone();
                    other.splice(at..at + 2, port.to_be_bytes());
                    frames.push(other);
                }
            }
        }
        frames.push(frame);
    }
    frames
}

#[test]
fn kernel_and_library_agree_on_every_packet() {
    compare(LinkType::ETHERNET, &frames(6000));
}

#[test]
fn kernel_and_library_agree_where_the_short_way_ends() {
    compare(LinkType::ETHERNET, &bordering());
}

/// The second tag leads a packet the long way through the headers, which has to find the same there as the
/// short way found without it, or with one.
#[test]
fn tags_make_a_packet_longer_and_change_nothing_else() {
    let mut plan = plan(LinkType::ETHERNET, 65_600, None);
    plan.thinning.extent = Extent::Headers;
    plan.rings = 2;
    let mut kernel = match Kernel::load(&plan) {
        Ok(kernel) => kernel,
        Err(error) => return skip(&format!("the programs cannot be loaded: {error}")),
    };
    let mut ring = SlowRings::new(&kernel);
    let mut seen = |frame: &[u8]| {
        let before = kernel.counters(0, Hook::XdpIngress).unwrap();
        run(kernel.ebpf_mut(), frame);
        let after = kernel.counters(0, Hook::XdpIngress).unwrap();
        let [before, after] = [&before, &after].map(compared);
        let counted: [u64; 16] = std::array::from_fn(|at| after[at] - before[at]);
        (counted, header(&ring.next().unwrap()))
    };
    let mut frames = frames(2000);
    frames.extend(bordering());
    for frame in frames {
        if matches!(frame[12..14], [0x81 | 0x91, 0] | [0x88, 0xa8]) {
            // There is a limit to tags.
            continue;
        }
        let without = seen(&frame);
        for tags in [&[0x81, 0, 0, 7][..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7]] {
            let mut tagged = frame.clone();
            tagged.splice(12..12, tags.iter().copied());
            let (mut counted, (wire_len, cap_len, flow_hash)) = seen(&tagged);
            let more = tags.len() as u32;
            counted[1] -= u64::from(more);
            assert_eq!(
                (counted, (wire_len - more, cap_len - more, flow_hash)),
                without,
                "{frame:02x?} with {tags:02x?}"
            );
        }
    }
}

#[test]
fn kernel_and_library_agree_without_a_link_layer() {
    let frames: Vec<_> = frames(1500)
        .into_iter()
        .filter_map(|frame| match frame[12..14] {
            [0x08, 0x00] | [0x86, 0xdd] if frame.len() >= 2 * SHORTEST => {
                Some(frame[14..].to_vec())
            }
            _ => None,
        })
        .collect();
    compare(LinkType::RAW, &frames);
}

#[test]
fn the_ring_reader_sees_what_a_slow_one_sees() {
    for snap_len in [65_600, 60] {
        let frames = frames(3000);
        let (Some(mut kernel), Some(mut other)) = (
            load(LinkType::ETHERNET, snap_len, 1),
            load(LinkType::ETHERNET, snap_len, 1),
        ) else {
            return;
        };
        for frame in &frames {
            run(kernel.ebpf_mut(), frame);
            run(other.ebpf_mut(), frame);
        }
        let mut ring = SlowRings::new(&kernel);
        let mut theirs = Vec::new();
        while let Some(item) = ring.next() {
            let (wire_len, cap_len, _) = header(&item);
            theirs.push((
                wire_len,
                item[RingRecord::LEN..][..cap_len as usize].to_vec(),
            ));
        }
        let clock = Arc::new(Clock::new());
        let links = [LinkType::ETHERNET].into_iter().collect();
        let ring = other.rings().next().unwrap();
        let mut source = RingSource::new(&ring, clock, links).unwrap();
        let mut ours = Vec::new();
        loop {
            let polled = source.poll(&mut |burst, _told| {
                ours.extend(
                    burst
                        .iter()
                        .map(|packet| (packet.meta.wire_len, packet.data.to_vec())),
                );
            });
            if polled.drained {
                break;
            }
        }
        assert_eq!(source.backlog_bytes(), 0);
        let expected: Vec<_> = frames
            .iter()
            .map(|frame| {
                let cap_len = frame.len().min(snap_len as usize);
                (frame.len() as u32, frame[..cap_len].to_vec())
            })
            .collect();
        assert!(theirs == expected, "the slow reader");
        assert!(ours == expected, "the library's reader");
    }
}
