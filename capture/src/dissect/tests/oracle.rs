//! The dissector against etherparse, on packets that etherparse built, whole and damaged.
//!
//! Where both make something of a packet they have to agree. Known differences, all by intention:
//!
//! - an authentication header in IPv4 is a protocol here, and stepped over in etherparse;
//! - etherparse knows two more IPv6 extension headers (HIP, Shim6), and at most three VLAN tags;
//! - etherparse does not look into SCTP and UDP-Lite.
//!
//! What etherparse refuses and this does not: lengths beyond the frame (snapped, offloaded), and
//! hop-by-hop options that do not come first.

use std::net::IpAddr;

use etherparse::{
    IpFragOffset, IpHeaders, Ipv4Extensions, Ipv4Header, Ipv6Extensions, Ipv6FlowLabel, Ipv6Header,
    NetSlice, PacketBuilder, SlicedPacket, TcpHeader, TcpOptions, TransportSlice, VlanId,
};
use proptest::prelude::*;

use super::{Layers, Net, Transport, frame, layers_of};
use crate::packet::LinkType;

/// What a packet is made of.
#[derive(Clone, Debug)]
struct Recipe {
    vlans: Vec<u16>,
    v6: bool,
    addresses: [[u8; 16]; 2],
    options: Vec<u8>,
    fragment: (u16, bool),
    body: Body,
    payload: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Body {
    Tcp {
        ports: (u16, u16),
        seq: u32,
        ack: u32,
        window: u16,
        flags: u8,
        options: usize,
    },
    Udp(u16, u16),
    Echo(u16, u16),
    Raw(u8),
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (any::<(u16, u16, u32, u32, u16, u8)>(), 0_usize..=10).prop_map(
            |((src, dst, seq, ack, window, flags), words)| Body::Tcp {
                ports: (src, dst),
                seq,
                ack,
                window,
                flags,
                options: words * 4,
            }
        ),
        any::<(u16, u16)>().prop_map(|(src, dst)| Body::Udp(src, dst)),
        any::<(u16, u16)>().prop_map(|(id, seq)| Body::Echo(id, seq)),
        prop::sample::select(vec![2_u8, 50, 89, 253]).prop_map(Body::Raw),
    ]
}

fn recipe() -> impl Strategy<Value = Recipe> {
    (
        prop::collection::vec(0_u16..4096, 0..=2),
        any::<bool>(),
        any::<[[u8; 16]; 2]>(),
        (0_usize..=10).prop_map(|words| vec![1; words * 4]),
        prop_oneof![4 => Just((0, false)), 1 => (0_u16..100, any::<bool>())],
        body(),
        prop::collection::vec(any::<u8>(), 0..200),
    )
        .prop_map(
            |(vlans, v6, addresses, options, fragment, body, payload)| Recipe {
                vlans,
                v6,
                addresses,
                options,
                fragment,
                body,
                payload,
            },
        )
}

impl Recipe {
    fn ip(&self) -> IpHeaders {
        if self.v6 {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: 0,
                next_header: 0.into(),
                hop_limit: 64,
                source: self.addresses[0],
                destination: self.addresses[1],
            };
            return IpHeaders::Ipv6(header, Ipv6Extensions::default());
        }
        let mut header = Ipv4Header {
            time_to_live: 64,
            source: *self.addresses[0].first_chunk().unwrap(),
            destination: *self.addresses[1].first_chunk().unwrap(),
            options: self.options.as_slice().try_into().unwrap(),
            identification: 7,
            ..Ipv4Header::default()
        };
        header.fragment_offset = IpFragOffset::try_new(self.fragment.0).unwrap();
        header.more_fragments = self.fragment.1;
        IpHeaders::Ipv4(header, Ipv4Extensions::default())
    }

    fn build(&self) -> Vec<u8> {
        let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let id = |at: usize| VlanId::try_new(self.vlans[at]).unwrap();
        let step = match self.vlans.len() {
            0 => ethernet.ip(self.ip()),
            1 => ethernet.single_vlan(id(0)).ip(self.ip()),
            _ => ethernet.double_vlan(id(0), id(1)).ip(self.ip()),
        };
        let mut out = Vec::new();
        let payload = &self.payload;
        match self.body {
            Body::Tcp {
                ports,
                seq,
                ack,
                window,
                flags,
                options,
            } => {
                let mut header = TcpHeader::new(ports.0, ports.1, seq, window);
                header.acknowledgment_number = ack;
                let bit = |number: u8| flags >> number & 1 != 0;
                (header.fin, header.syn, header.rst) = (bit(0), bit(1), bit(2));
                (header.psh, header.ack, header.urg) = (bit(3), bit(4), bit(5));
                (header.ece, header.cwr) = (bit(6), bit(7));
                header.options = TcpOptions::try_from_slice(&vec![1; options]).unwrap();
                step.tcp_header(header).write(&mut out, payload).unwrap();
            }
            Body::Udp(src, dst) => step.udp(src, dst).write(&mut out, payload).unwrap(),
            Body::Echo(id, seq) if self.v6 => step
                .icmpv6_echo_request(id, seq)
                .write(&mut out, payload)
                .unwrap(),
            Body::Echo(id, seq) => step
                .icmpv4_echo_request(id, seq)
                .write(&mut out, payload)
                .unwrap(),
            Body::Raw(protocol) => step.write(&mut out, protocol.into(), payload).unwrap(),
        }
        out
    }
}

/// Holds what was found against etherparse's slices of the same frame.
fn compare(data: &[u8], layers: &Layers) -> Result<(), TestCaseError> {
    let Ok(sliced) = SlicedPacket::from_ethernet(data) else {
        return Ok(());
    };
    let vlans: Vec<_> = sliced.vlan_ids().iter().map(|id| id.value()).collect();
    if vlans.len() < 3 {
        prop_assert_eq!(usize::from(layers.vlan_tags), vlans.len());
        prop_assert_eq!(&layers.vlans[..vlans.len()], vlans.as_slice());
    }
    let (addresses, payload, fragment) = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            if ip.extensions().auth.is_some() {
                return Ok(());
            }
            let header = ip.header();
            let addresses: [IpAddr; 2] = [
                header.source_addr().into(),
                header.destination_addr().into(),
            ];
            let offset = header.fragments_offset().byte_offset();
            (addresses, ip.payload(), Some(offset))
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let addresses: [IpAddr; 2] = [
                header.source_addr().into(),
                header.destination_addr().into(),
            ];
            (addresses, ip.payload(), None)
        }
        Some(NetSlice::Arp(_)) => {
            prop_assert_eq!(layers.net, Net::Arp);
            return Ok(());
        }
        None => return Ok(()),
    };
    if layers.malformed.is_some() {
        // etherparse takes protocols that it does not look into for whole.
        prop_assert!(sliced.transport.is_none(), "{:?}", layers);
        return Ok(());
    }
    let ip = super::ip(layers);
    prop_assert_eq!([ip.addresses.src(), ip.addresses.dst()], addresses);
    // Mobility, HIP and Shim6 are extension headers (RFC 7045 section 4), which etherparse takes for what is carried.
    let is_unlike = |protocol| matches!(protocol, 135 | 139 | 140);
    if is_unlike(payload.ip_number.0) || is_unlike(ip.protocol) {
        return Ok(());
    }
    prop_assert_eq!(ip.protocol, payload.ip_number.0);
    prop_assert_eq!(ip.payload_len as usize, payload.payload.len());
    prop_assert_eq!(ip.fragment.is_some(), payload.fragmented);
    if let (Some(found), Some(offset)) = (ip.fragment, fragment) {
        prop_assert_eq!(found.offset, offset);
    }
    match (&sliced.transport, layers.transport) {
        (Some(TransportSlice::Tcp(theirs)), Transport::Tcp(ours)) => {
            prop_assert_eq!(ours.src_port, theirs.source_port());
            prop_assert_eq!(ours.dst_port, theirs.destination_port());
            prop_assert_eq!(ours.seq, theirs.sequence_number());
            prop_assert_eq!(ours.ack, theirs.acknowledgment_number());
            prop_assert_eq!(ours.window, theirs.window_size());
            let flags = [
                theirs.fin(),
                theirs.syn(),
                theirs.rst(),
                theirs.psh(),
                theirs.ack(),
                theirs.urg(),
                theirs.ece(),
                theirs.cwr(),
            ];
            let flags = (0..8).fold(0, |sum, bit| sum | u8::from(flags[bit]) << bit);
            prop_assert_eq!(ours.flags.0, flags);
            prop_assert_eq!(ours.payload_len as usize, theirs.payload().len());
        }
        (
            Some(TransportSlice::Udp(theirs)),
            Transport::Ports {
                src_port, dst_port, ..
            },
        ) => {
            prop_assert_eq!(src_port, theirs.source_port());
            prop_assert_eq!(dst_port, theirs.destination_port());
        }
        (Some(TransportSlice::Icmpv4(theirs)), Transport::Icmp { kind, code, .. }) => {
            prop_assert_eq!((kind, code), (theirs.type_u8(), theirs.code_u8()));
        }
        (Some(TransportSlice::Icmpv6(theirs)), Transport::Icmp { kind, code, .. }) => {
            prop_assert_eq!((kind, code), (theirs.type_u8(), theirs.code_u8()));
        }
        // etherparse looks into no fragment at all.
        (None, _) => {}
        (Some(theirs), ours) => {
            prop_assert!(false, "{ours:?} instead of {theirs:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whole_packets_are_what_etherparse_finds(recipe in recipe()) {
        let data = recipe.build();
        let layers = frame(&data);
        // Whole datagrams are believed; those of which the recipe made fragments, too.
        prop_assert!(layers.malformed.is_none() && !layers.snapped, "{:?}", layers);
        prop_assert_eq!(usize::from(layers.vlan_tags), recipe.vlans.len());
        compare(&data, &layers)?;
    }

    #[test]
    fn damaged_packets_are_what_etherparse_finds_if_anything(
        recipe in recipe(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut data = recipe.build();
        for (at, value) in changes {
            // The headers are at the front; damage to payload would be no test.
            let end = data.len().min(100);
            data[at.index(end)] = value;
        }
        compare(&data, &frame(&data))?;
        data.truncate(cut.index(data.len() + 1));
        compare(&data, &frame(&data))?;
    }

    #[test]
    fn no_bytes_and_no_link_type_make_it_panic(
        data in prop::collection::vec(any::<u8>(), 0..200),
        link in prop::sample::select(vec![
            0_u16, 1, 9, 12, 51, 101, 104, 105, 107, 108, 109, 113, 127, 204, 228, 229, 239, 242, 276,
            281, 282, 284, 285,
        ]),
        more in 0_usize..100,
    ) {
        let layers = layers_of(LinkType(link), &data, data.len() + more);
        prop_assert!(!(layers.snapped && more == 0));
    }
}
