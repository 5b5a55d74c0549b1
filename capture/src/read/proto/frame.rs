//! What is known of a frame itself (Wireshark's `packet-frame.c`); where every walk begins.

use std::fmt;

use super::expert::{Group, Severity};
use super::names::encapsulation::encapsulation;
use super::text::shown;
use super::{chdlc, data, eth, ip, ipv6, null, ppp, pppoe, sll, straight};
use crate::packet::{LinkType, PacketDirection, Timestamp};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Place, Value};
use crate::read::walk::{Piece, Protocols, Walk};

protocol! {
    0, "frame", "Frame", "Frame";
    COMMENT: "frame.comment", "Comment", String;
    COMMENT_EXPERT: "frame.comment.expert", "Formatted comment", None;
    SECTION: "frame.section_number", "Section number", Uint(32), Dec;
    INTERFACE: "frame.interface_id", "Interface id", Uint(32), Dec;
    INTERFACE_NAME: "frame.interface_name", "Interface name", String;
    INTERFACE_DESCRIPTION: "frame.interface_description", "Interface description", String;
    QUEUE: "frame.interface_queue", "Interface queue", Uint(32), Dec;
    FLAGS: "frame.packet_flags", "Packet flags", Uint(32), Hex;
    FLAGS_DIRECTION: "frame.packet_flags_direction", "Direction", Uint(32), Hex, mask = 0x3, names = direction_name;
    FLAGS_RECEPTION: "frame.packet_flags_reception_type", "Reception type", Uint(32), Dec, mask = 0x1c, names = reception_name;
    FLAGS_FCS_LEN: "frame.packet_flags_fcs_length", "FCS length", Uint(32), Dec, mask = 0x1e0;
    FLAGS_RESERVED: "frame.packet_flags_reserved", "Reserved", Uint(32), Dec, mask = 0xfe00;
    DROPS: "frame.drop_count", "Drop Count", Uint(64), Dec;
    ENCAPSULATION: "frame.encap_type", "Encapsulation type", Int(16), Dec, names = encapsulation;
    TIME: "frame.time", "Arrival Time", AbsoluteTime;
    TIME_SHIFT: "frame.offset_shift", "Time shift for this packet", RelativeTime;
    TIME_EPOCH: "frame.time_epoch", "Epoch Time", RelativeTime;
    TIME_DELTA: "frame.time_delta", "Time delta from previous captured frame", RelativeTime;
    TIME_DELTA_SHOWN: "frame.time_delta_displayed", "Time delta from previous displayed frame", RelativeTime;
    TIME_RELATIVE: "frame.time_relative", "Time since reference or first frame", RelativeTime;
    NUMBER: "frame.number", "Frame Number", Uint(32), Dec;
    LEN: "frame.len", "Frame length on the wire", Uint(32), Dec;
    CAP_LEN: "frame.cap_len", "Frame length stored into the capture file", Uint(32), Dec;
    MARKED: "frame.marked", "Frame is marked", Bool;
    IGNORED: "frame.ignored", "Frame is ignored", Bool;
    PROTOCOLS: "frame.protocols", "Protocols in frame", String;
    COLORING_RULE_NAME: "frame.coloring_rule.name", "Coloring Rule Name", String;
    COLORING_RULE_STRING: "frame.coloring_rule.string", "Coloring Rule String", String;
    LEN_LESS: "frame.len_lt_caplen", "Frame length is less than captured length", None;
    MALFORMED: "_ws.malformed", "Malformed Packet", Protocol;
    MALFORMED_EXPERT: "_ws.malformed.expert", "Malformed Packet (Exception occurred)", None;
    SHORT: "_ws.short", "Packet size limited during capture", Protocol;
    UNREASSEMBLED: "_ws.unreassembled", "Unreassembled Packet", Protocol;
}

fn direction_name(value: u64) -> Option<&'static str> {
    ["Unknown", "Inbound", "Outbound"]
        .get(value as usize)
        .copied()
}

fn reception_name(value: u64) -> Option<&'static str> {
    [
        "Not specified",
        "Unicast",
        "Multicast",
        "Broadcast",
        "Promiscuous",
    ]
    .get(value as usize)
    .copied()
}

/// Dissects a frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>) {
    let packet = walk.frame.packet;
    let region = Region::new(
        0,
        packet.data,
        packet.meta.wire_len.max(packet.data.len() as u32),
    );
    if walk.tree.spares_plain_segments()
        && packet.meta.link == LinkType::ETHERNET
        && straight::is_plain_segment(&region)
    {
        walk.tree.spare();
    }
    let wanted = walk.tree.wants_any_of(THIS.protocol);
    let added = if wanted {
        describe(walk, &region)
    } else {
        Added::NOT
    };
    walk.protocols = Protocols::default();
    let outcome = by_link_type(walk, packet.meta.link, region);
    if let Err(stop) = outcome {
        walk.stopped(stop);
    }
    walk.tree.set_depth(0);
    if wanted && walk.tree.wants(PROTOCOLS) {
        // What follows it is added by whoever knows the rules.
        let back = walk.tree.under(added);
        let protocols = walk.protocols;
        let found =
            walk.tree
                .add_formatted(PROTOCOLS, Place::default(), format_args!("{protocols}"));
        walk.tree.set_generated(found);
        walk.tree.back(back);
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.numbers().iter().enumerate() {
            if place > 0 {
                f.write_str(":")?;
            }
            let protocol = crate::read::registry::PROTOCOLS.get(usize::from(*number));
            f.write_str(protocol.map_or("", |protocol| protocol.name))?;
        }
        Ok(())
    }
}

fn by_link_type(walk: &mut Walk<'_, '_>, link: LinkType, region: Region<'_>) -> Result<(), Stop> {
    match link {
        LinkType::ETHERNET => straight::dissect(walk, region)
            .unwrap_or_else(|| eth::dissect(walk, region, eth::Fcs::Perhaps)),
        LinkType::NULL | LinkType::LOOP => null::dissect(walk, region, link),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => {
            walk.protocols.push(ip::RAW);
            match region.captured().first().map(|byte| byte >> 4) {
                Some(6) => ipv6::dissect(walk, region),
                _ => ip::dissect(walk, region),
            }
        }
        LinkType::IPV4 => ip::dissect(walk, region),
        LinkType::IPV6 => ipv6::dissect(walk, region),
        LinkType::LINUX_SLL => sll::dissect(walk, region),
        LinkType::LINUX_SLL2 => sll::dissect_v2(walk, region),
        LinkType::PPP | LinkType::PPP_HDLC => ppp::dissect_hdlc(walk, region),
        LinkType::C_HDLC => chdlc::dissect(walk, region),
        LinkType::PPP_ETHER => pppoe::dissect_session(walk, region),
        _ => data::dissect(walk, region),
    }
}

/// Adds what is known of the frame before anything in it is looked at.
fn describe(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Added {
    let frame = walk.frame;
    let meta = frame.packet.meta;
    let cap_len = frame.packet.data.len();
    let added = walk.begin(THIS, region, cap_len);
    title(walk, added, cap_len);
    for comment in frame.comments {
        comments(walk, comment);
    }
    let tree = &mut *walk.tree;
    let nowhere = Place::default();
    if let Some(iface) = frame.iface.filter(|_| frame.section.is_some()) {
        tree.add(
            SECTION,
            nowhere,
            Value::Uint(frame.section.unwrap_or(1).into()),
        );
        let id = tree.add(INTERFACE, nowhere, Value::Uint(meta.iface.0.into()));
        let name = if iface.name.is_empty() {
            "unknown"
        } else {
            &iface.name
        };
        let name = &*shown(name);
        tree.label(id, format_args!("Interface id: {} ({name})", meta.iface.0));
        tree.open();
        tree.add_text(INTERFACE_NAME, nowhere, name);
        if !iface.description.is_empty() {
            let description = shown(&iface.description);
            tree.add_text(INTERFACE_DESCRIPTION, nowhere, &description);
        }
        if let Some(queue) = meta.queue {
            tree.add(QUEUE, nowhere, Value::Uint(queue.into()));
        }
        tree.close();
        if let Some(direction) = meta.direction {
            flags(walk, direction);
        }
    }
    let tree = &mut *walk.tree;
    let number = encapsulation_number(meta.link);
    tree.add(ENCAPSULATION, nowhere, Value::Int(number));
    tree.add(TIME, nowhere, Value::Time(meta.ts));
    tree.add_generated(TIME_SHIFT, Value::Span(0));
    tree.add(TIME_EPOCH, nowhere, Value::Time(meta.ts));
    let between = |earlier: Timestamp| Value::Span(meta.ts.0.wrapping_sub(earlier.0).cast_signed());
    tree.add_generated(TIME_DELTA, between(frame.previous));
    tree.add_generated(TIME_DELTA_SHOWN, between(frame.previous_shown));
    tree.add_generated(TIME_RELATIVE, between(frame.first));
    tree.add(NUMBER, nowhere, Value::Uint(frame.number));
    let bits = |tree: &mut crate::read::Tree, field, word: &str, len: u64| {
        let added = tree.add(field, nowhere, Value::Uint(len));
        let bytes = if len == 1 { "byte" } else { "bytes" };
        tree.label(
            added,
            format_args!("{word} Length: {len} {bytes} ({} bits)", len * 8),
        );
        added
    };
    let wire = bits(tree, LEN, "Frame", meta.wire_len.into());
    bits(tree, CAP_LEN, "Capture", cap_len as u64);
    tree.add_generated(MARKED, Value::Bool(false));
    tree.add_generated(IGNORED, Value::Bool(false));
    if (meta.wire_len as usize) < cap_len {
        walk.expert(
            wire,
            LEN_LESS,
            (Severity::Error, Group::Malformed),
            format_args!("Frame length is less than captured length"),
        );
    }
    walk.end();
    added
}

fn title(walk: &mut Walk<'_, '_>, added: Added, cap_len: usize) {
    let frame = walk.frame;
    if !walk.tree.labels() {
        return;
    }
    let wire_len = frame.packet.meta.wire_len as usize;
    let plural = |len| if len == 1 { "byte" } else { "bytes" };
    let iface = frame.iface.filter(|_| frame.section.is_some());
    let name = iface.map_or("", |iface| match iface.name.as_str() {
        "" => "unknown",
        name => name,
    });
    let on = if iface.is_some() {
        " on interface "
    } else {
        ""
    };
    let id = iface.map_or_else(String::new, |_| {
        format!(", id {}", frame.packet.meta.iface.0)
    });
    let direction = match frame.packet.meta.direction.filter(|_| iface.is_some()) {
        None => "",
        Some(PacketDirection::Inbound) => ", inbound",
        Some(PacketDirection::Outbound) => ", outbound",
    };
    walk.tree.label(
        added,
        format_args!(
            "Frame {}: {wire_len} {} on wire ({} bits), {cap_len} {} captured ({} bits){on}{name}{id}{direction}",
            frame.number,
            plural(wire_len),
            wire_len * 8,
            plural(cap_len),
            cap_len * 8,
        ),
    );
}

/// Comments are a tree of their own in front of the frame's.
fn comments(walk: &mut Walk<'_, '_>, comment: &str) {
    let comment = &*shown(comment);
    let added = walk.tree.add_text(COMMENT, Place::default(), comment);
    walk.tree.label(added, format_args!("{comment}"));
    walk.expert(
        added,
        COMMENT_EXPERT,
        (Severity::Comment, Group::Comments),
        format_args!("{comment}"),
    );
}

fn flags(walk: &mut Walk<'_, '_>, direction: PacketDirection) {
    let value = match direction {
        PacketDirection::Inbound => 1,
        PacketDirection::Outbound => 2,
    };
    let tree = &mut *walk.tree;
    let place = Place::default();
    tree.add(FLAGS, place, Value::Uint(value));
    tree.open();
    tree.add(FLAGS_DIRECTION, place, Value::Uint(value));
    tree.add(FLAGS_RECEPTION, place, Value::Uint(0));
    tree.add(FLAGS_FCS_LEN, place, Value::Uint(0));
    tree.add(FLAGS_RESERVED, place, Value::Uint(0));
    tree.close();
}

/// What Wireshark calls a link type (`WTAP_ENCAP_`).
const fn encapsulation_number(link: LinkType) -> i64 {
    match link {
        LinkType::ETHERNET => 1,
        LinkType::PPP => 4,
        LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::RAW => 7,
        LinkType::NULL => 15,
        LinkType::PPP_HDLC => 19,
        LinkType::IEEE802_11 => 20,
        LinkType::IEEE802_11_RADIOTAP => 23,
        LinkType::LINUX_SLL => 25,
        LinkType::FRELAY => 26,
        LinkType::C_HDLC => 28,
        LinkType::LOOP => 174,
        LinkType::ENC => 38,
        LinkType::PPP_WITH_DIR => 19,
        LinkType::PPP_ETHER => 111,
        LinkType::IPV4 => 129,
        LinkType::IPV6 => 130,
        LinkType::NFLOG => 141,
        LinkType::IPOIB => 180,
        LinkType::LINUX_SLL2 => 210,
        _ => 0,
    }
}

impl Walk<'_, '_> {
    /// Says in the tree and in the list that a dissector could not go on.
    pub(crate) fn stopped(&mut self, stop: Stop) {
        self.tree.set_depth(0);
        let name = self.current.protocol_info().short;
        match stop {
            // How long the datagram is is not known.
            Stop::Malformed if self.carrier.piece == Piece::Fragment => {
                self.columns
                    .append_info(format_args!("[BoundErrorUnreassembled Packet]"));
                let added = self.tree.add(UNREASSEMBLED, Place::default(), Value::None);
                self.tree.label(
                    added,
                    format_args!("[BoundError Unreassembled Packet: {name}]"),
                );
            }
            Stop::Malformed => {
                self.columns.append_info(format_args!("[Malformed Packet]"));
                let added = self.tree.add(MALFORMED, Place::default(), Value::None);
                self.tree
                    .label(added, format_args!("[Malformed Packet: {name}]"));
                self.expert(
                    added,
                    MALFORMED_EXPERT,
                    (Severity::Error, Group::Malformed),
                    format_args!("Malformed Packet (Exception occurred)"),
                );
            }
            Stop::Snapped => {
                self.columns
                    .append_info(format_args!("[Packet size limited during capture]"));
                let added = self.tree.add(SHORT, Place::default(), Value::None);
                self.tree.label(
                    added,
                    format_args!("[Packet size limited during capture: {name} truncated]"),
                );
            }
        }
    }
}
