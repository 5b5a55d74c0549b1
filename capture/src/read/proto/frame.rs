//! What is known of a frame itself (Wireshark's `packet-frame.c`); where every walk begins.

use std::borrow::Cow;
use std::fmt;

use super::brief::link;
use super::brief::wireless::header as wireless;
use super::expert::{Group, Severity};
use super::names::encapsulation::encapsulation;
use super::text::shown;
use super::{brief, chdlc, data, eth, ip, ipv6, null, ppp, pppoe, raw, sll, straight};
use crate::packet::{Iface, LinkType, PacketDirection, Timestamp};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Place, Tree, Value};
use crate::read::walk::{Frame, Piece, Protocols, Walk};
use crate::source::file::{PacketOption, PacketOptions};

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
    FLAGS_DIRECTION: "frame.packet_flags_direction", "Direction", Uint(32), Hex, mask = 0x3, bits = 32, names = direction_name;
    FLAGS_RECEPTION: "frame.packet_flags_reception_type", "Reception type", Uint(32), Dec, mask = 0x1c, bits = 32, names = reception_name;
    FLAGS_FCS_LEN: "frame.packet_flags_fcs_length", "FCS length", Uint(32), Dec, mask = 0x1e0, bits = 32;
    FLAGS_RESERVED: "frame.packet_flags_reserved", "Reserved", Uint(32), Dec, mask = 0xfe00, bits = 32;
    FLAGS_CRC: "frame.packet_flags_crc_error", "CRC error", Bool, None, mask = 0x100_0000, bits = 32, names = set_name;
    FLAGS_LONG: "frame.packet_flags_packet_too_error", "Packet too long error", Bool, None, mask = 0x200_0000, bits = 32, names = set_name;
    FLAGS_SHORT: "frame.packet_flags_packet_too_short_error", "Packet too short error", Bool, None, mask = 0x400_0000, bits = 32, names = set_name;
    FLAGS_GAP: "frame.packet_flags_wrong_inter_frame_gap_error", "Wrong interframe gap error", Bool, None, mask = 0x800_0000, bits = 32, names = set_name;
    FLAGS_UNALIGNED: "frame.packet_flags_unaligned_frame_error", "Unaligned frame error", Bool, None, mask = 0x1000_0000, bits = 32, names = set_name;
    FLAGS_START: "frame.packet_flags_start_frame_delimiter_error", "Start frame delimiter error", Bool, None, mask = 0x2000_0000, bits = 32, names = set_name;
    FLAGS_PREAMBLE: "frame.packet_flags_preamble_error", "Preamble error", Bool, None, mask = 0x4000_0000, bits = 32, names = set_name;
    FLAGS_SYMBOL: "frame.packet_flags_symbol_error", "Symbol error", Bool, None, mask = 0x8000_0000, bits = 32, names = set_name;
    PACKET_ID: "frame.packet_id", "Packet id", Uint(64), Dec;
    VERDICT: "frame.verdict", "Verdict", String;
    VERDICT_HARDWARE: "frame.verdict.hw", "Hardware", String;
    VERDICT_TC: "frame.verdict.ebpf_tc", "eBPF TC", Int(64), Dec, names = tc_name;
    VERDICT_XDP: "frame.verdict.ebpf_xdp", "eBPF XDP", Int(64), Dec, names = xdp_name;
    P2P_DIRECTION: "frame.p2p_dir", "Point-to-Point Direction", Int(8), Dec, names = p2p_name;
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
    PACKET_COMMENTS: "pkt_comment", "Packet comments", Protocol;
    REASSEMBLY_ERROR: "_ws.malformed.reassembly", "Reassembly error", None;
    UNREASSEMBLED_EXPERT: "_ws.unreassembled.expert", "Unreassembled fragment (change preferences to enable reassembly)", None;
    STRAY: "_ws.string.trailing_stray_characters", "Trailing stray characters", None;
    SHORT: "_ws.short", "Packet size limited during capture", Protocol;
    UNREASSEMBLED: "_ws.unreassembled", "Unreassembled Packet", Protocol;
}

fn direction_name(value: u64) -> Option<&'static str> {
    ["Unknown", "Inbound", "Outbound"]
        .get(value as usize)
        .copied()
}

fn set_name(value: u64) -> Option<&'static str> {
    ["Not set", "Set"].get(value as usize).copied()
}

fn p2p_name(value: u64) -> Option<&'static str> {
    ["Sent", "Received"].get(value as usize).copied()
}

/// `TC_ACT_*` of `linux/pkt_cls.h`.
fn tc_name(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 9] = [
        "TC_ACT_OK",
        "TC_ACT_RECLASSIFY",
        "TC_ACT_SHOT",
        "TC_ACT_PIPE",
        "TC_ACT_STOLEN",
        "TC_ACT_QUEUED",
        "TC_ACT_REPEAT",
        "TC_ACT_REDIRECT",
        "TC_ACT_TRAP",
    ];
    if value == u64::MAX {
        return Some("TC_ACT_UNSPEC");
    }
    NAMES.get(value as usize).copied()
}

/// `enum xdp_action` of `linux/bpf.h`.
fn xdp_name(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 5] = [
        "XDP_ABORTED",
        "XDP_DROP",
        "XDP_PASS",
        "XDP_TX",
        "XDP_REDIRECT",
    ];
    NAMES.get(value as usize).copied()
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

/// Adds the coloring rule that a frame matches: to be called when the tree is finished.
pub(crate) fn name_rule(tree: &mut Tree, name: &str, text: &str) {
    let back = tree.find(THIS).map(|frame| tree.under(frame));
    for (field, text) in [(COLORING_RULE_NAME, name), (COLORING_RULE_STRING, text)] {
        let added = tree.add_text(field, Place::default(), text);
        tree.set_generated(added);
    }
    if let Some(back) = back {
        tree.back(back);
        tree.finish();
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

/// Dissects a packet of a link type.
pub(crate) fn by_link_type(
    walk: &mut Walk<'_, '_>,
    link: LinkType,
    region: Region<'_>,
) -> Result<(), Stop> {
    match link {
        LinkType::ETHERNET => straight::dissect(walk, region)
            .unwrap_or_else(|| eth::dissect(walk, region, eth::Fcs::Perhaps)),
        LinkType::NULL | LinkType::LOOP => null::dissect(walk, region, link),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => {
            walk.protocols.push(ip::RAW);
            raw::dissect(walk, region)
        }
        LinkType::IPV4 => ip::dissect(walk, region),
        LinkType::IPV6 => ipv6::dissect(walk, region),
        LinkType::LINUX_SLL => sll::dissect(walk, region),
        LinkType::LINUX_SLL2 => sll::dissect_v2(walk, region),
        LinkType::PPP | LinkType::PPP_HDLC => ppp::dissect_hdlc(walk, region),
        LinkType::C_HDLC => chdlc::dissect(walk, region),
        LinkType::PPP_ETHER => pppoe::dissect_session(walk, region),
        LinkType::NFLOG => brief::nflog::dissect(walk, region),
        LinkType::IPOIB => brief::ipoib::dissect(walk, region),
        LinkType::IEEE802_11 => wireless::bare(walk, region),
        LinkType::IEEE802_11_RADIOTAP => wireless::radiotap(walk, region),
        LinkType::IEEE802_11_PRISM => wireless::prism(walk, region),
        LinkType::IEEE802_11_AVS => wireless::avs(walk, region),
        LinkType::PPI => wireless::ppi(walk, region),
        LinkType::FRELAY => brief::frame_relay::dissect(walk, region),
        LinkType::FDDI => link::fddi(walk, region),
        LinkType::TOKEN_RING => link::token_ring(walk, region),
        LinkType::IPNET => link::ipnet(walk, region),
        LinkType::VSOCK => link::vsock(walk, &region),
        LinkType::JUNIPER_ETHER => link::juniper(walk, region),
        LinkType::JUNIPER_ATM1 => link::juniper_atm(walk, region),
        LinkType::IEEE802_15_4_NOFCS => brief::wpan::dissect(walk, region, brief::wpan::Fcs::None),
        LinkType::IEEE802_15_4_WITHFCS => {
            brief::wpan::dissect(walk, region, brief::wpan::Fcs::Last)
        }
        LinkType::DSA_TAG_BRCM | LinkType::DSA_TAG_DSA => link::switch(walk, region, 4),
        LinkType::DSA_TAG_EDSA => link::switch(walk, region, 8),
        LinkType::DSA_TAG_BRCM_PREPEND => link::switch_in_front(walk, region),
        // What these are is up to whoever uses them.
        LinkType(147..=162) => data::dissect(walk, region),
        _ => {
            walk.columns.set_protocol("UNKNOWN");
            match encapsulation_number(link) {
                0 => walk.columns.set_info(format_args!("Link type {link}")),
                number => walk.columns.set_info(format_args!("WTAP_ENCAP = {number}")),
            }
            data::dissect(walk, region)
        }
    }
}

/// Adds what is known of the frame before anything in it is looked at.
fn describe(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Added {
    let frame = walk.frame;
    let meta = frame.packet.meta;
    let cap_len = frame.packet.data.len();
    comments(walk);
    let added = walk.begin(THIS, region, cap_len);
    title(walk, added, cap_len);
    let tree = &mut *walk.tree;
    let nowhere = Place::default();
    if let Some(iface) = frame.iface.filter(|_| frame.section.is_some()) {
        tree.add(
            SECTION,
            nowhere,
            Value::Uint(frame.section.map_or(1, |(number, _)| number).into()),
        );
        let number = iface_number(frame);
        let id = tree.add(INTERFACE, nowhere, Value::Uint(number.into()));
        let name = &*iface_name(iface);
        tree.label(id, format_args!("Interface id: {number} ({name})"));
        tree.open();
        tree.add_text(INTERFACE_NAME, nowhere, name);
        if !iface.description.is_empty() {
            let description = shown(&iface.description);
            tree.add_text(INTERFACE_DESCRIPTION, nowhere, &description);
        }
        tree.close();
        if let Some(queue) = meta.queue {
            tree.add(QUEUE, nowhere, Value::Uint(queue.into()));
        }
        options(walk);
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
    let bits = |tree: &mut Tree, field, word: &str, len: u64| {
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
    if meta.lost > 0 {
        tree.add(DROPS, nowhere, Value::Uint(meta.lost.into()));
    }
    tree.add_generated(MARKED, Value::Bool(false));
    tree.add_generated(IGNORED, Value::Bool(false));
    if let Some(direction) = meta.direction {
        let received = i64::from(direction == PacketDirection::Inbound);
        tree.add(P2P_DIRECTION, nowhere, Value::Int(received));
    }
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
    let name = iface.map_or_else(Cow::default, iface_name);
    let on = if iface.is_some() {
        " on interface "
    } else {
        ""
    };
    let id = iface.map_or_else(String::new, |_| format!(", id {}", iface_number(frame)));
    let direction = match frame.packet.meta.direction.filter(|_| iface.is_some()) {
        None => "",
        Some(PacketDirection::Inbound) => " (inbound)",
        Some(PacketDirection::Outbound) => " (outbound)",
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

/// The name of an interface, as it can be shown.
fn iface_name(iface: &Iface) -> Cow<'_, str> {
    match iface.name.as_str() {
        "" => Cow::Borrowed("unknown"),
        name => shown(name),
    }
}

/// The number of the interface in its section.
fn iface_number(frame: &Frame<'_>) -> u32 {
    let id = frame.packet.meta.iface.0;
    frame.section.map_or(id, |(_, first)| id - first.0)
}

/// Comments are a tree of their own in front of the frame's.
fn comments(walk: &mut Walk<'_, '_>) {
    let comments = |option| match option {
        PacketOption::Comment(text) => Some(text),
        _ => None,
    };
    let mut comments = walk.frame.options.iter().filter_map(comments).peekable();
    if comments.peek().is_none() {
        return;
    }
    let tree = &mut *walk.tree;
    let added = tree.add(PACKET_COMMENTS, Place::default(), Value::None);
    tree.label(added, format_args!("Packet comments"));
    tree.open();
    for comment in comments {
        let comment = String::from_utf8_lossy(comment);
        let comment = &*shown(&comment);
        let added = walk.tree.add_text(COMMENT, Place::default(), comment);
        walk.tree.label(added, format_args!("{comment}"));
        walk.expert(
            added,
            COMMENT_EXPERT,
            (Severity::Comment, Group::Comments),
            format_args!("{comment}"),
        );
    }
    walk.tree.close();
}

/// Flags, number and verdicts, where the file has them; each once but verdicts.
fn options(walk: &mut Walk<'_, '_>) {
    let nowhere = Place::default();
    let all = walk.frame.options;
    let flags = all.iter().find_map(|option| match option {
        PacketOption::Flags(flags) => Some(flags),
        _ => None,
    });
    let tree = &mut *walk.tree;
    if let Some(value) = flags {
        tree.add(FLAGS, nowhere, Value::Uint(value.into()));
        tree.open();
        for field in [
            FLAGS_DIRECTION,
            FLAGS_RECEPTION,
            FLAGS_FCS_LEN,
            FLAGS_RESERVED,
        ] {
            let mask = field.field().mask;
            let part = (u64::from(value) & mask) >> mask.trailing_zeros();
            tree.add(field, nowhere, Value::Uint(part));
        }
        for field in [
            FLAGS_CRC,
            FLAGS_LONG,
            FLAGS_SHORT,
            FLAGS_GAP,
            FLAGS_UNALIGNED,
            FLAGS_START,
            FLAGS_PREAMBLE,
            FLAGS_SYMBOL,
        ] {
            let set = u64::from(value) & field.field().mask != 0;
            tree.add(field, nowhere, Value::Bool(set));
        }
        tree.close();
    }
    let id = all.iter().find_map(|option| match option {
        PacketOption::Id(id) => Some(id),
        _ => None,
    });
    if let Some(id) = id {
        tree.add(PACKET_ID, nowhere, Value::Uint(id));
    }
    verdicts(tree, all);
}

fn verdicts(tree: &mut Tree, options: PacketOptions<'_>) {
    use std::fmt::Write as _;
    let nowhere = Place::default();
    let mut kinds = String::new();
    for option in options.iter() {
        let (kind, name) = match option {
            PacketOption::Verdict(0, _) => (0, "Hardware"),
            PacketOption::ProgramVerdict(1, _) => (1, "eBPF_TC"),
            PacketOption::ProgramVerdict(kind, _) => (kind, "eBPF_XDP"),
            _ => continue,
        };
        // Writing to a string does not fail.
        let _infallible = write!(kinds, ", {name} ({kind})");
    }
    if kinds.is_empty() {
        return;
    }
    let added = tree.add_text(VERDICT, nowhere, "");
    tree.label(added, format_args!("Verdict: {kinds}"));
    tree.open();
    for option in options.iter() {
        match option {
            PacketOption::Verdict(0, bytes) => {
                let separated = |between: &str| {
                    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    bytes.join(between)
                };
                let added = tree.add_text(VERDICT_HARDWARE, nowhere, &separated(""));
                tree.label(added, format_args!("Hardware: {}", separated(" ")));
            }
            PacketOption::ProgramVerdict(1, number) => {
                tree.add(VERDICT_TC, nowhere, Value::Int(number));
            }
            PacketOption::ProgramVerdict(_, number) => {
                tree.add(VERDICT_XDP, nowhere, Value::Int(number));
            }
            _ => {}
        }
    }
    tree.close();
}

/// What Wireshark calls a link type (`WTAP_ENCAP_`).
const fn encapsulation_number(link: LinkType) -> i64 {
    match link {
        LinkType::ETHERNET => 1,
        LinkType::TOKEN_RING => 2,
        LinkType::SLIP => 3,
        LinkType::PPP => 4,
        LinkType::FDDI => 6,
        LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::RAW => 7,
        LinkType::NULL => 15,
        LinkType::PPP_HDLC => 19,
        LinkType::IEEE802_11 => 20,
        LinkType::IEEE802_11_PRISM => 21,
        LinkType::IEEE802_11_RADIOTAP => 23,
        LinkType::IEEE802_11_AVS => 24,
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
                self.expert(
                    added,
                    UNREASSEMBLED_EXPERT,
                    (Severity::Note, Group::Reassemble),
                    format_args!(
                        "Unreassembled fragment (change preferences to enable reassembly)"
                    ),
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
            Stop::OverlapsOld => {
                self.reassembly_error("New fragment overlaps old data (retransmission?)");
            }
            Stop::PastOld => self.reassembly_error("New fragment past old data limits"),
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

    /// A piece does not fit to what was put together.
    fn reassembly_error(&mut self, why: &'static str) {
        let name = self.current.protocol_info().short;
        let text = format!("[Reassembly error, protocol {name}: {why}]");
        self.columns.append_info(format_args!("{text}"));
        let added = self.tree.heading(Place::default(), format_args!("{text}"));
        self.expert(
            added,
            REASSEMBLY_ERROR,
            (Severity::Error, Group::Malformed),
            format_args!("{why}"),
        );
        let hidden = self.tree.add(MALFORMED, Place::default(), Value::None);
        self.tree.set_hidden(hidden);
    }
}
