//! The straight way through the layers that nearly all frames have: Ethernet II, IPv4 without options
//! that is not a fragment, and all of it there. What `eth.rs`, `ethertype.rs` and `ip/` say of such a
//! frame, said at once; whatever differs, and whatever more is wanted of it, goes through them.

use super::{eth, ethertype, expert, ip, tcp, udp};
use crate::read::column::Address;
use crate::read::memory::Key;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Group, Tree, Value};
use crate::read::walk::{Piece, Quoted, Walk};

const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const TCP: u8 = 6;
const TCP_LEN: usize = 20;
const UDP: u8 = 17;
const UDP_LEN: usize = 8;

/// What it can tell of Ethernet, and of IPv4.
const ETHERNET_FIELDS: Group = Group::of(&[eth::THIS, eth::DST, eth::SRC, eth::TYPE, eth::ADDR]);
const IPV4_FIELDS: Group = Group::of(&[
    ip::THIS,
    ip::VERSION,
    ip::HDR_LEN,
    ip::DSFIELD,
    ip::DSCP,
    ip::ECN,
    ip::LEN,
    ip::ID,
    ip::FLAGS,
    ip::RB,
    ip::DF,
    ip::MF,
    ip::FRAG_OFFSET,
    ip::TTL,
    ip::PROTO,
    ip::CHECKSUM,
    ip::SRC,
    ip::DST,
    ip::ADDR,
]);

/// What is mostly wanted of IPv4, if anything is.
const ADDRESS_FIELDS: Group = Group::of(&[ip::SRC, ip::DST, ip::ADDR]);

/// The beginning of a frame that can go this way.
type Headers = [u8; ETHERNET_LEN + IPV4_LEN];

/// The headers of a frame that can go this way, and the length that IPv4 says.
#[inline]
fn headers(data: &[u8]) -> Option<(&Headers, usize)> {
    let headers = data.first_chunk::<{ ETHERNET_LEN + IPV4_LEN }>()?;
    let [.., high, low, version] = headers.first_chunk::<15>()?;
    let is_ipv4 = u16::from_be_bytes([*high, *low]) == ethertype::IPV4 && *version == 0x45;
    let is_fragment = u16::from_be_bytes([headers[20], headers[21]]) & 0x3fff != 0;
    let total = usize::from(u16::from_be_bytes([headers[16], headers[17]]));
    let least = match headers[23] {
        TCP => IPV4_LEN + TCP_LEN,
        UDP => IPV4_LEN + UDP_LEN,
        _ => return None,
    };
    let is_all = total >= least && total <= data.len() - ETHERNET_LEN;
    (is_ipv4 && !is_fragment && is_all).then_some((headers, total))
}

/// Whether a frame goes this way to a TCP header that makes sense.
#[inline]
pub(crate) fn is_plain_segment(region: &Region<'_>) -> bool {
    let data = region.captured();
    let offset = data.get(ETHERNET_LEN + IPV4_LEN + 12);
    let header_len = usize::from(offset.map_or(0, |byte| byte >> 4)) * 4;
    headers(data).is_some_and(|(headers, total)| {
        headers[23] == TCP
            && header_len >= TCP_LEN
            && IPV4_LEN + header_len <= total
            && !lacks_padding(region, total)
    })
}

/// Whether part of what follows the packet was not captured, which has to be told.
#[inline]
fn lacks_padding(region: &Region<'_>, total: usize) -> bool {
    region.is_cut() && region.captured().len() > ETHERNET_LEN + total
}

/// Dissects an Ethernet frame if it can go this way, and no more is wanted of it than is told here.
#[inline]
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Option<Result<(), Stop>> {
    let (headers, total) = headers(region.captured())?;
    if lacks_padding(&region, total) {
        return None;
    }
    let tree = &*walk.tree;
    let wants_nothing = tree.wants_nothing();
    if !wants_nothing
        && (!tree.wants_only(&ETHERNET_FIELDS)
            || !tree.wants_only(&IPV4_FIELDS)
            || tree.wants_any_of(expert::THIS.protocol))
    {
        return None;
    }
    for protocol in [eth::THIS, ethertype::THIS, ip::THIS] {
        walk.protocols.push(protocol.protocol);
    }
    if !wants_nothing && walk.tree.wants_any_of(eth::THIS.protocol) {
        ethernet(walk.tree, &region, headers);
    }
    let region = region.part(ETHERNET_LEN, total);
    if !wants_nothing && walk.tree.wants_any_of(ip::THIS.protocol) {
        if !walk.tree.wants_only(&ADDRESS_FIELDS) {
            ipv4(walk.tree, &region, headers);
        }
        addresses(walk.tree, &region, headers);
    }
    let address = |at: usize| {
        [
            headers[at],
            headers[at + 1],
            headers[at + 2],
            headers[at + 3],
        ]
    };
    let (source, destination) = (address(26), address(30));
    // One by one, and not as values that are copied: what was just written in pieces is not read as a
    // whole.
    walk.columns.source = Address::Ipv4(source);
    walk.columns.destination = Address::Ipv4(destination);
    walk.carrier.source = Address::Ipv4(source);
    walk.carrier.destination = Address::Ipv4(destination);
    walk.carrier.piece = Piece::Whole;
    walk.carrier.quoted = Quoted::No;
    walk.claimed = Some(total as u32);
    walk.current = ip::THIS;
    let rest = region.rest(IPV4_LEN);
    let outcome = if headers[23] == TCP {
        tcp::dissect(walk, rest)
    } else {
        udp::dissect(walk, rest)
    };
    if let Err(stop) = outcome {
        walk.stopped(stop);
    }
    walk.claimed = None;
    walk.current = eth::THIS;
    Some(Ok(()))
}

/// What `eth.rs` adds, as far as it is told here.
fn ethernet(tree: &mut Tree, region: &Region<'_>, headers: &Headers) {
    let address = |at: usize| {
        Value::Ether([
            headers[at],
            headers[at + 1],
            headers[at + 2],
            headers[at + 3],
            headers[at + 4],
            headers[at + 5],
        ])
    };
    let extent = Value::Protocol {
        own: ETHERNET_LEN as u32,
        all: region.captured().len() as u32,
    };
    tree.add(eth::THIS, region.place(0, ETHERNET_LEN), extent);
    tree.open();
    for (field, at) in [(eth::DST, 0), (eth::SRC, 6)] {
        let (place, value) = (region.place(at, 6), address(at));
        tree.add(field, place, value);
        tree.open();
        tree.add(eth::ADDR, place, value);
        tree.close();
    }
    let kind = Value::Uint(ethertype::IPV4.into());
    tree.add(eth::TYPE, region.place(12, 2), kind);
    tree.close();
}

/// What `ip/` adds in front of the addresses, as far as it is told here; `region` is the packet.
fn ipv4(tree: &mut Tree, region: &Region<'_>, headers: &Headers) {
    let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, ip @ ..] = headers;
    let word = |at: usize| u64::from(u16::from_be_bytes([ip[at], ip[at + 1]]));
    let byte = |at: usize| u64::from(ip[at]);
    let extent = Value::Protocol {
        own: IPV4_LEN as u32,
        all: region.captured().len() as u32,
    };
    tree.add(ip::THIS, region.place(0, IPV4_LEN), extent);
    tree.open();
    let first = region.place(0, 1);
    tree.add(ip::VERSION, first, Value::Uint(4));
    tree.add(ip::HDR_LEN, first, Value::Uint(IPV4_LEN as u64));
    let services = region.place(1, 1);
    tree.add(ip::DSFIELD, services, Value::Uint(byte(1)));
    tree.open();
    tree.add(ip::DSCP, services, Value::Uint(byte(1) >> 2));
    tree.add(ip::ECN, services, Value::Uint(byte(1) & 3));
    tree.close();
    tree.add(ip::LEN, region.place(2, 2), Value::Uint(word(2)));
    tree.add(ip::ID, region.place(4, 2), Value::Uint(word(4)));
    let flags = region.place(6, 1);
    tree.add(ip::FLAGS, flags, Value::Uint(byte(6) >> 5));
    tree.open();
    for (field, bit) in [(ip::RB, 0x80), (ip::DF, 0x40), (ip::MF, 0x20)] {
        tree.add(field, flags, Value::Bool(ip[6] & bit != 0));
    }
    tree.close();
    tree.add(ip::FRAG_OFFSET, region.place(6, 2), Value::Uint(0));
    tree.add(ip::TTL, region.place(8, 1), Value::Uint(byte(8)));
    tree.add(ip::PROTO, region.place(9, 1), Value::Uint(byte(9)));
    tree.add(ip::CHECKSUM, region.place(10, 2), Value::Uint(word(10)));
    tree.close();
}

/// The addresses of IPv4.
#[inline]
fn addresses(tree: &mut Tree, region: &Region<'_>, headers: &Headers) {
    let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, ip @ ..] = headers;
    tree.open();
    for (field, at) in [(ip::SRC, 12), (ip::DST, 16)] {
        let place = region.place(at, 4);
        let value = Value::Ipv4([ip[at], ip[at + 1], ip[at + 2], ip[at + 3]]);
        tree.add(field, place, value);
        tree.add_hidden(ip::ADDR, place, value);
    }
    tree.close();
}

#[inline]
fn ports(data: &[u8], at: usize) -> Option<(u16, u16)> {
    let [a, b, c, d] = data.get(at..)?.first_chunk::<4>()?;
    Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
}

/// The TCP conversation of a frame that is going to be dissected, if that is easily told: to have its
/// memory fetched. `data` are the bytes of an Ethernet frame.
#[inline]
pub(crate) fn conversation(data: &[u8]) -> Option<Key> {
    if let Some((headers, _)) = headers(data) {
        if headers[23] != TCP {
            return None;
        }
        let (from, to) = ports(data, ETHERNET_LEN + IPV4_LEN)?;
        let (source, destination) = headers[26..].split_at(4);
        let (source, destination) = (*source.first_chunk()?, *destination.first_chunk()?);
        return Some(Key::ipv4((source, from), (destination, to)).0);
    }
    conversation_ipv6(data)
}

#[inline(never)]
fn conversation_ipv6(data: &[u8]) -> Option<Key> {
    let headers = data.first_chunk::<{ ETHERNET_LEN + IPV6_LEN }>()?;
    if u16::from_be_bytes([headers[12], headers[13]]) != ethertype::IPV6 || headers[20] != TCP {
        return None;
    }
    let (from, to) = ports(data, ETHERNET_LEN + IPV6_LEN)?;
    let (source, destination) = headers[22..].split_at(16);
    let source = Address::Ipv6(*source.first_chunk()?);
    let destination = Address::Ipv6(*destination.first_chunk()?);
    Some(Key::new((source, from), (destination, to)).0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::packet::{LinkType, Packet, PacketMeta, Timestamp};
    use crate::read::FieldId;
    use crate::read::column::Columns;
    use crate::read::print::{Fields, Layout, ListColumns, Shown};
    use crate::read::tree::Wanted;
    use crate::read::walk::{Frame, Frames};
    use crate::source::file::PacketOptions;

    /// A segment or a datagram of eight bytes over IPv4, and what fills the frame.
    fn frame(protocol: u8) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        let len = if protocol == TCP { 48 } else { 36 };
        bytes.extend([0x45, 0, 0, len, 0x12, 0x34, 0x40, 0, 64, protocol, 0, 0]);
        bytes.extend([10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 7]);
        if protocol == TCP {
            bytes.extend([0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        } else {
            bytes.extend([0, 16, 0, 0]);
        }
        bytes.extend(*b"to fill ");
        bytes.extend([0; 12]);
        bytes
    }

    /// What is found of frames, one after the other: all fields but `apart`, and the columns.
    fn found(frames: &[Vec<u8>], cut: u32, wanted: Wanted, apart: Option<FieldId>) -> Vec<String> {
        let mut all = Frames::default();
        let mut tree = Tree::new(Arc::new(wanted));
        let mut columns = Columns::default();
        let mut lines = Vec::new();
        for (number, bytes) in (1..).zip(frames) {
            let meta = PacketMeta {
                ts: Timestamp(number * 1000),
                wire_len: bytes.len() as u32 + cut,
                link: LinkType::ETHERNET,
                ..PacketMeta::UNKNOWN
            };
            let frame = Frame {
                number,
                packet: Packet { meta, data: bytes },
                iface: None,
                section: None,
                options: PacketOptions::default(),
                first: Timestamp(1000),
                previous: Timestamp(1000),
                previous_shown: Timestamp(1000),
            };
            all.dissect(&frame, &mut tree, &mut columns);
            for node in tree.nodes() {
                if apart != Some(node.field) {
                    lines.push(format!("{node:?}"));
                }
            }
            lines.push(format!("{columns:?}"));
        }
        lines
    }

    /// All that is told on this way, with TCP, UDP and what is known of the frame.
    fn wanted() -> Wanted {
        let mut wanted = Wanted::none();
        for (id, _) in crate::read::registry::all() {
            // Who wants remarks wants everything, and goes the other way.
            if id.protocol == expert::THIS.protocol {
                continue;
            }
            let mut one = Wanted::none();
            one.add(id);
            let other = id.protocol != eth::THIS.protocol && id.protocol != ip::THIS.protocol;
            if other || one.has_any(&ETHERNET_FIELDS) || one.has_any(&IPV4_FIELDS) {
                wanted.add(id);
            }
        }
        wanted
    }

    proptest! {
        /// The layers' own dissectors are the oracle: they are taken if anything else of Ethernet is
        /// wanted.
        #[test]
        fn the_straight_way_says_what_the_layers_say(
            changes in prop::collection::vec((0_usize..80, any::<u8>(), any::<bool>()), 0..12),
            kept in 0_usize..80,
            cut in 0_u32..3,
            fields in any::<bool>(),
        ) {
            let mut frames = Vec::new();
            for (at, byte, is_tcp) in changes.into_iter().chain([(0, 2, true), (0, 2, false)]) {
                let mut bytes = frame(if is_tcp { TCP } else { UDP });
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
                frames.push(bytes);
            }
            if let Some(last) = frames.last_mut() {
                last.truncate(kept.max(1));
            }
            let straight = if fields { wanted() } else { Wanted::none() };
            let mut around = straight.clone();
            around.add(eth::PADDING);
            prop_assert_eq!(
                found(&frames, cut, straight, None),
                found(&frames, cut, around, Some(eth::PADDING))
            );
        }
    }

    /// What `-T fields` prints of frames, one after the other.
    fn printed(frames: &[Vec<u8>], names: &[String]) -> Vec<String> {
        let layout = Layout::Fields(Fields::new(names, &ListColumns::default()).unwrap());
        let mut all = Frames::default();
        let mut lines = Vec::new();
        for (number, data) in (1..).zip(frames) {
            let meta = PacketMeta {
                ts: Timestamp(number * 1_234_567),
                wire_len: data.len() as u32,
                link: LinkType::ETHERNET,
                ..PacketMeta::UNKNOWN
            };
            let [first, previous, previous_shown] = [1, number - 1, 2].map(Timestamp);
            let mut shown = Shown {
                number,
                before: number - 1,
                cumulative_bytes: 0,
                meta,
                decimals: 9,
                first,
                previous,
                previous_shown,
                tree: Tree::new(Arc::new(layout.wanted())),
                columns: Columns::default(),
                color: None,
            };
            let frame = Frame {
                number,
                packet: Packet { meta, data },
                iface: None,
                section: None,
                options: PacketOptions::default(),
                first,
                previous,
                previous_shown,
            };
            all.dissect(&frame, &mut shown.tree, &mut shown.columns);
            let mut line = String::new();
            layout.frame(&shown, data, &mut line);
            lines.push(line);
        }
        lines
    }

    proptest! {
        /// The oracle is what is printed where another field is asked for, too.
        #[test]
        fn plain_segments_print_the_same_without_fields(
            changes in prop::collection::vec((0_usize..80, any::<u8>(), any::<bool>()), 0..12),
        ) {
            let plain: Vec<String> = [
                "frame.number", "frame.len", "frame.cap_len", "frame.time_epoch", "frame.time_relative",
                "frame.time_delta", "frame.time_delta_displayed", "eth.dst", "eth.src", "eth.type", "ip.len",
                "ip.id", "ip.ttl", "ip.proto", "ip.checksum", "ip.src", "ip.dst", "tcp.srcport",
                "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.window_size_value", "tcp.checksum",
                "tcp.urgent_pointer", "tcp.seq", "tcp.nxtseq", "tcp.ack", "tcp.len", "tcp.hdr_len",
                "tcp.flags", "tcp.flags.urg", "tcp.flags.ack", "tcp.flags.push", "tcp.flags.reset",
                "tcp.flags.syn", "tcp.flags.fin", "tcp.window_size", "tcp.stream", "tcp.completeness",
                "tcp.time_relative", "tcp.time_delta", "_ws.col.Info",
            ].map(str::to_owned).into();
            let mut with_more = plain.clone();
            with_more.push("ip.opt.mtu".to_owned());
            let mut frames = Vec::new();
            for (at, byte, is_tcp) in changes.into_iter().chain([(0, 2, true), (0, 2, false)]) {
                let mut bytes = frame(if is_tcp { TCP } else { UDP });
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
                frames.push(bytes);
            }
            let expected: Vec<_> = printed(&frames, &with_more)
                .iter()
                .map(|line| line.replace("\t\n", "\n"))
                .collect();
            prop_assert_eq!(printed(&frames, &plain), expected);
        }
    }

    #[test]
    fn the_frames_of_the_comparison_go_this_way() {
        for protocol in [TCP, UDP] {
            let bytes = frame(protocol);
            assert!(headers(&bytes).is_some());
            let region = Region::new(0, &bytes, bytes.len() as u32);
            assert_eq!(is_plain_segment(&region), protocol == TCP);
        }
    }
}
