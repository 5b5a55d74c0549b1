//! The tree of a TCP segment, line by line as Wireshark lays it out.

use super::fields as f;
use super::header::{EcnBits, Flags, MIN_LEN, completeness};
use super::info::{letters, write_flags};
use super::options::{self, Owner};
use super::tracker::Closing;
use super::{Arriving, NOT_SCALED, NOTE};
use crate::read::field::FieldId;
use crate::read::print::text::decimal;
use crate::read::proto::expert::{self, Group, Severity};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Group as FieldGroup, Tree, Value};
use crate::read::walk::{Quoted, Walk};
use crate::tcp::TcpEvents;

const CHAT: (Severity, Group) = (Severity::Chat, Group::Sequence);
const WARNING: (Severity, Group) = (Severity::Warning, Group::Sequence);

/// A segment that is being laid out.
pub(super) struct Parts<'p, 'b> {
    pub(super) region: &'p Region<'b>,
    /// The node of the protocol.
    pub(super) node: Added,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) extent: Extent,
}

/// How much is wanted of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// The numbers that are asked for most: [`NUMBERS`].
    Numbers,
    /// More.
    All,
}

/// What is told where no more is wanted.
const NUMBERS: FieldGroup = FieldGroup::of(&[
    f::THIS,
    f::SRCPORT,
    f::DSTPORT,
    f::PORT,
    f::STREAM,
    f::COMPLETENESS,
    f::LEN,
    f::SEQ,
    f::SEQ_RAW,
    f::NXTSEQ,
    f::ACK,
    f::ACK_RAW,
    f::HDR_LEN,
    f::FLAGS,
    f::WINDOW_SIZE_VALUE,
    f::WINDOW_SIZE,
]);

impl Extent {
    /// How much a tree wants.
    #[inline]
    pub(super) fn of(tree: &Tree) -> Self {
        let wants_nothing = tree.wants_nothing();
        if wants_nothing || tree.wants_only(&NUMBERS) && !tree.wants_any_of(expert::THIS.protocol) {
            Self::Numbers
        } else {
            Self::All
        }
    }
}

impl Parts<'_, '_> {
    #[inline]
    fn add(
        &self,
        walk: &mut Walk<'_, '_>,
        field: FieldId,
        at: (usize, usize),
        value: u64,
    ) -> Added {
        let place = self.region.place(at.0, at.1);
        walk.tree.add(field, place, Value::Uint(value))
    }

    /// Ports.
    pub(super) fn ports(&self, walk: &mut Walk<'_, '_>) {
        let (from, to) = (self.source_port, self.destination_port);
        walk.tree.label(
            self.node,
            format_args!("Transmission Control Protocol, Src Port: {from}, Dst Port: {to}"),
        );
        self.add(walk, f::SRCPORT, (0, 2), from.into());
        self.add(walk, f::DSTPORT, (2, 2), to.into());
        for (at, port) in [(0, from), (2, to)] {
            let place = self.region.place(at, 2);
            walk.tree
                .add_hidden(f::PORT, place, Value::Uint(port.into()));
        }
    }

    /// Stream, completeness, length.
    pub(super) fn stream(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        let Arriving {
            header,
            standing,
            shown,
            ..
        } = segment;
        if walk.tree.labels() {
            let (from, to) = (self.source_port, self.destination_port);
            let mut title = format!(
                "Transmission Control Protocol, Src Port: {from}, Dst Port: {to}, Seq: {}",
                shown.seq
            );
            if header.payload_at >= MIN_LEN {
                if header.flags.has(Flags::ACK) {
                    title.push_str(", Ack: ");
                    decimal(&mut title, shown.ack);
                }
                if let Some(len) = header.len {
                    title.push_str(", Len: ");
                    decimal(&mut title, len);
                }
            }
            walk.tree.label(self.node, format_args!("{title}"));
        }
        walk.tree.set_shown_len(
            self.node,
            header.payload_at.min(self.region.captured().len()) as u32,
        );
        let stream = Value::Uint(standing.stream.into());
        walk.tree.add_generated(f::STREAM, stream);
        let value = standing.completeness;
        let added = walk
            .tree
            .add_generated(f::COMPLETENESS, Value::Uint(value.into()));
        let name = completeness::name(value);
        walk.tree.label(
            added,
            format_args!("Conversation completeness: {name} ({value})"),
        );
        let carrier = walk.carrier;
        if let Some(len) = header.len {
            walk.tree.add_generated(f::LEN, Value::Uint(len.into()));
        } else if carrier.is_whole() {
            let place = self.region.place(0, 0);
            let message = format_args!(
                "Short segment. Segment/fragment does not contain a full TCP header (might be NMAP or someone else deliberately sending unusual packets)"
            );
            let how = (Severity::Warning, Group::Malformed);
            options::expert_at(walk, f::SHORT_SEGMENT, place, how, message);
        }
        if carrier.quoted == Quoted::Icmp {
            return;
        }
        let seq = self.add(walk, f::SEQ, (4, 4), shown.seq.into());
        let raw = self.add(walk, f::SEQ_RAW, (4, 4), header.seq.into());
        if segment.relative {
            walk.tree.label(
                seq,
                format_args!(
                    "Sequence Number: {}    (relative sequence number)",
                    shown.seq
                ),
            );
        } else {
            walk.tree.set_hidden(raw);
        }
    }

    /// A header that is too short.
    pub(super) fn bogus(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        let len = segment.header.payload_at;
        let added = self.header_len(walk, len);
        let message = format_args!("Bogus TCP header length ({len}, must be at least {MIN_LEN})");
        let how = (Severity::Error, Group::Protocol);
        walk.expert(added, f::BOGUS_HEADER_LENGTH, how, message);
    }

    fn header_len(&self, walk: &mut Walk<'_, '_>, len: usize) -> Added {
        let added = self.add(walk, f::HDR_LEN, (12, 1), len as u64);
        if walk.tree.labels() {
            let words = len / 4;
            let bits: String = (0..4)
                .rev()
                .map(|bit| if words >> bit & 1 == 0 { '0' } else { '1' })
                .collect();
            walk.tree.label(
                added,
                format_args!("{bits} .... = Header Length: {len} bytes ({words})"),
            );
        }
        added
    }

    /// Next sequence number, acknowledgment, header length.
    pub(super) fn numbers(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        let Arriving {
            header,
            standing,
            shown,
            relative,
            ..
        } = segment;
        let flags = header.flags;
        if let Some(len) = header.len {
            let flag = u32::from(flags.has(Flags::SYN.with(Flags::FIN)));
            let next = shown.seq.wrapping_add(len).wrapping_add(flag);
            let added = walk.tree.add_generated(f::NXTSEQ, Value::Uint(next.into()));
            if *relative {
                walk.tree.label(
                    added,
                    format_args!("Next Sequence Number: {next}    (relative sequence number)"),
                );
            }
        }
        let ack = self.add(walk, f::ACK, (8, 4), shown.ack.into());
        if flags.has(Flags::ACK) {
            if *relative {
                walk.tree.label(
                    ack,
                    format_args!(
                        "Acknowledgment Number: {}    (relative ack number)",
                        shown.ack
                    ),
                );
            }
            if flags.has(Flags::SYN) && segment.analyzed {
                let beyond = if *relative {
                    shown.ack
                } else {
                    shown.ack.wrapping_sub(standing.peer_base)
                };
                if beyond > 1 {
                    let message = format_args!("TCP SYN-ACK accepting TFO data");
                    walk.expert(ack, f::ANALYSIS_TFO_ACK, NOTE, message);
                } else if standing.setup.has(super::streams::Setup::FAST_OPEN) {
                    let message = format_args!("TCP SYN-ACK ignoring TFO data");
                    walk.expert(ack, f::ANALYSIS_TFO_IGNORED, NOTE, message);
                }
            }
        } else if header.ack != 0 {
            let message = format_args!(
                "The acknowledgment number field is nonzero while the ACK flag is not set"
            );
            let how = (Severity::Note, Group::Protocol);
            walk.expert(ack, f::ACK_NONZERO, how, message);
        }
        let raw = self.add(walk, f::ACK_RAW, (8, 4), header.ack.into());
        if flags.has(Flags::ACK) && !relative {
            walk.tree.set_hidden(raw);
        }
        self.header_len(walk, header.payload_at);
    }

    /// Flags.
    pub(super) fn flags(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        let Arriving {
            header,
            standing,
            ecn,
            ..
        } = segment;
        let flags = header.flags;
        let all = self.add(walk, f::FLAGS, (12, 2), flags.0.into());
        if self.extent == Extent::Numbers {
            return;
        }
        if walk.tree.labels() {
            let mut names = String::new();
            write_flags(flags, *ecn, &mut names);
            walk.tree
                .label(all, format_args!("Flags: {:#05x} ({names})", flags.0));
        }
        walk.tree.open();
        let bit = |walk: &mut Walk<'_, '_>, field, at, bit: Flags| {
            let place = self.region.place(at, 1);
            walk.tree.add(field, place, Value::Bool(flags.has(bit)))
        };
        let added = bit(walk, f::FLAGS_RES, 12, Flags::RESERVED);
        let [a, b, c] = [11, 10, 9].map(|bit| flags.0 >> bit & 1);
        let set = if flags.has(Flags::RESERVED) {
            "Set"
        } else {
            "Not set"
        };
        walk.tree.label(
            added,
            format_args!("{a}{b}{c}. .... .... = Reserved: {set}"),
        );
        if *ecn == EcnBits::Number {
            let ace = flags.ace();
            let added = self.add(walk, f::FLAGS_ACE, (12, 2), ace.into());
            let [a, b, c] = [ace >> 2 & 1, ace >> 1 & 1, ace & 1];
            walk.tree
                .label(added, format_args!("...{a} {b}{c}.. .... = ACE: {ace}"));
        } else {
            bit(walk, f::FLAGS_AE, 12, Flags::AE);
            bit(walk, f::FLAGS_CWR, 13, Flags::CWR);
            bit(walk, f::FLAGS_ECE, 13, Flags::ECE);
        }
        bit(walk, f::FLAGS_URG, 13, Flags::URG);
        bit(walk, f::FLAGS_ACK, 13, Flags::ACK);
        bit(walk, f::FLAGS_PUSH, 13, Flags::PSH);
        let added = bit(walk, f::FLAGS_RESET, 13, Flags::RST);
        if flags.has(Flags::RST) {
            let message = format_args!("Connection reset (RST)");
            walk.expert(added, f::CONNECTION_RST, WARNING, message);
        }
        let added = bit(walk, f::FLAGS_SYN, 13, Flags::SYN);
        if flags.handshake() == Flags::SYN {
            let port = self.destination_port;
            let message = format_args!("Connection establish request (SYN): server port {port}");
            walk.expert(added, f::CONNECTION_SYN, CHAT, message);
        } else if flags.has(Flags::SYN) {
            let port = self.source_port;
            let message =
                format_args!("Connection establish acknowledge (SYN+ACK): server port {port}");
            walk.expert(added, f::CONNECTION_SYNACK, CHAT, message);
        }
        let added = bit(walk, f::FLAGS_FIN, 13, Flags::FIN);
        if flags.has(Flags::FIN) {
            let message = format_args!("Connection finish (FIN)");
            walk.expert(added, f::CONNECTION_FIN, CHAT, message);
        }
        let mut added = None;
        if walk.tree.wants(f::FLAGS_STR) {
            let text = letters(flags, *ecn);
            let node = walk
                .tree
                .add_text(f::FLAGS_STR, self.region.place(12, 2), &text);
            walk.tree.set_generated(node);
            added = Some(node);
        }
        let parent = added.unwrap_or(all);
        match standing.closing {
            Some(Closing::Active) => {
                let message = format_args!("This frame initiates the connection closing");
                walk.expert(parent, f::CONNECTION_FIN_ACTIVE, NOTE, message);
            }
            Some(Closing::Passive) => {
                let message = format_args!("This frame undergoes the connection closing");
                walk.expert(parent, f::CONNECTION_FIN_PASSIVE, NOTE, message);
            }
            None => {}
        }
        walk.tree.close();
    }

    /// Window.
    pub(super) fn window(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        let Arriving {
            header,
            standing,
            shown,
            ..
        } = segment;
        self.add(walk, f::WINDOW_SIZE_VALUE, (14, 2), header.window.into());
        let added = self.add(walk, f::WINDOW_SIZE, (14, 2), shown.window.into());
        walk.tree.set_generated(added);
        if header.flags.has(Flags::SYN) {
            return;
        }
        let scale = standing.scale;
        let factor = if scale < 0 {
            i64::from(scale)
        } else {
            1 << scale
        };
        let place = self.region.place(14, 2);
        let added = walk
            .tree
            .add(f::WINDOW_SIZE_SCALEFACTOR, place, Value::Int(factor));
        walk.tree.set_generated(added);
        if scale < 0 {
            let why = if scale == NOT_SCALED {
                "no window scaling used"
            } else {
                "unknown"
            };
            walk.tree.label(
                added,
                format_args!("Window size scaling factor: {factor} ({why})"),
            );
        }
    }

    /// Checksum; `computed` is zero if it is right, and nothing if it was not looked at.
    pub(super) fn checksum(&self, walk: &mut Walk<'_, '_>, sum: u16, computed: Option<u16>) {
        if self.extent == Extent::Numbers {
            return;
        }
        const BAD: u64 = 0;
        const GOOD: u64 = 1;
        const UNVERIFIED: u64 = 2;
        let added = self.add(walk, f::CHECKSUM, (16, 2), sum.into());
        let place = self.region.place(16, 0);
        let status = |walk: &mut Walk<'_, '_>, status| {
            let added = walk
                .tree
                .add(f::CHECKSUM_STATUS, place, Value::Uint(status));
            walk.tree.set_generated(added);
            let name = ["Bad", "Good", "Unverified"][status as usize];
            walk.tree
                .label(added, format_args!("Checksum Status: {name}"));
            added
        };
        let Some(computed) = computed else {
            walk.tree
                .label(added, format_args!("Checksum: {sum:#06x} [unverified]"));
            status(walk, UNVERIFIED);
            return;
        };
        if computed == 0 && sum == 0xffff {
            walk.tree.label(
                added,
                format_args!("Checksum: 0xffff [should be 0x0000 (see RFC 1624)]"),
            );
            walk.tree.open();
            let calculated = self.add(walk, f::CHECKSUM_CALCULATED, (16, 2), 0);
            walk.tree.set_generated(calculated);
            let parent = status(walk, BAD);
            let message = format_args!("TCP Checksum 0xffff instead of 0x0000 (see RFC 1624)");
            let how = (Severity::Warning, Group::Checksum);
            walk.expert(parent, f::CHECKSUM_FFFF, how, message);
            walk.tree.close();
            return;
        }
        let right = should_be(sum, computed);
        if computed == 0 {
            walk.tree
                .label(added, format_args!("Checksum: {sum:#06x} [correct]"));
            status(walk, GOOD);
        } else {
            walk.tree.label(
                added,
                format_args!(
                    "Checksum: {sum:#06x} incorrect, should be {right:#06x}(maybe caused by \"TCP checksum offload\"?)"
                ),
            );
            let message = format_args!("Bad checksum [should be {right:#06x}]");
            let how = (Severity::Error, Group::Checksum);
            walk.expert(added, f::CHECKSUM_BAD_EXPERT, how, message);
            status(walk, BAD);
        }
        let added = self.add(walk, f::CHECKSUM_CALCULATED, (16, 2), right.into());
        walk.tree.set_generated(added);
    }

    /// Urgent pointer.
    pub(super) fn urgent(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>, urgent: u16) {
        let added = self.add(walk, f::URGENT_POINTER, (18, 2), urgent.into());
        if urgent != 0 && !segment.header.flags.has(Flags::URG) {
            let message =
                format_args!("The urgent pointer field is nonzero while the URG flag is not set");
            let how = (Severity::Note, Group::Protocol);
            walk.expert(added, f::URGENT_POINTER_NON_ZERO, how, message);
        }
    }

    /// Options, and the timestamps that follow them.
    pub(super) fn options(
        &self,
        walk: &mut Walk<'_, '_>,
        segment: &Arriving<'_>,
        len: usize,
        owner: &Owner,
    ) -> Result<(), Stop> {
        let there = self.region.part(MIN_LEN, len).captured().len();
        let place = self.region.place(MIN_LEN, there);
        let added = walk.tree.add(f::OPTIONS, place, Value::Bytes);
        walk.tree
            .label(added, format_args!("Options: ({len} bytes)"));
        // They stand in front of the options, where those cannot be read.
        self.timestamps(walk, segment);
        let back = walk.tree.under(added);
        let outcome = options::dissect(walk, self.region, len, owner, added);
        walk.tree.back(back);
        outcome
    }

    /// When it came.
    pub(super) fn timestamps(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        if self.extent == Extent::Numbers {
            return;
        }
        let standing = &segment.standing;
        let place = self.region.place(0, 0);
        let added = walk.tree.heading(place, format_args!("Timestamps"));
        walk.tree.set_generated(added);
        walk.tree.open();
        let times = [
            (f::TIME_RELATIVE, standing.since_first),
            (f::TIME_DELTA, standing.since_last),
        ];
        for (field, time) in times {
            walk.tree.add_generated(field, Value::Span(time));
        }
        walk.tree.close();
    }

    /// What the analysis found.
    pub(super) fn analysis(&self, walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        if self.extent == Extent::Numbers {
            return;
        }
        let standing = &segment.standing;
        let report = &standing.report;
        walk.tree.add_generated(f::ANALYSIS, Value::None);
        walk.tree.open();
        if report.acks_frame != 0 {
            let frame = Value::Uint(report.acks_frame);
            walk.tree.add_generated(f::ANALYSIS_ACKS_FRAME, frame);
            if report.rtt != 0 {
                let rtt = Value::Span(report.rtt);
                walk.tree.add_generated(f::ANALYSIS_ACK_RTT, rtt);
            }
        }
        if standing.irtt != 0 {
            let irtt = Value::Span(standing.irtt);
            walk.tree.add_generated(f::ANALYSIS_INITIAL_RTT, irtt);
        }
        if report.in_flight != 0 {
            let bytes = Value::Uint(report.in_flight.into());
            walk.tree.add_generated(f::ANALYSIS_BYTES_IN_FLIGHT, bytes);
            let bytes = Value::Uint(report.push_bytes.into());
            walk.tree.add_generated(f::ANALYSIS_PUSH_BYTES_SENT, bytes);
        }
        if report.events != TcpEvents::default() {
            let flags = walk.tree.add_generated(f::ANALYSIS_FLAGS, Value::None);
            walk.tree.open();
            Self::events(walk, segment, flags, &EVENTS_BEFORE);
            if report.rto != 0 && report.events.has(TcpEvents::RETRANSMISSION) {
                let rto = Value::Span(report.rto);
                walk.tree.add_generated(f::ANALYSIS_RTO, rto);
                let frame = Value::Uint(report.rto_frame);
                walk.tree.add_generated(f::ANALYSIS_RTO_FRAME, frame);
            }
            Self::events(walk, segment, flags, &EVENTS);
            Self::duplicate(walk, segment);
            Self::events(walk, segment, flags, &EVENTS_BEHIND);
            walk.tree.close();
        }
        walk.tree.close();
    }

    fn events(
        walk: &mut Walk<'_, '_>,
        segment: &Arriving<'_>,
        parent: Added,
        list: &[(TcpEvents, FieldId, Severity)],
    ) {
        let events = segment.standing.report.events;
        for &(event, field, severity) in list {
            if events.has(event) {
                let message = field.field().title;
                let how = (severity, Group::Sequence);
                walk.expert(parent, field, how, format_args!("{message}"));
            }
        }
    }

    fn duplicate(walk: &mut Walk<'_, '_>, segment: &Arriving<'_>) {
        let report = &segment.standing.report;
        let number = report.duplicate_number;
        if number == 0 {
            return;
        }
        let added = walk
            .tree
            .add_generated(f::ANALYSIS_DUPLICATE_ACK, Value::None);
        walk.tree
            .label(added, format_args!("This is a TCP duplicate ack"));
        walk.tree.close();
        walk.tree
            .add_generated(f::ANALYSIS_DUPLICATE_ACK_NUM, Value::Uint(number.into()));
        let frame = Value::Uint(report.duplicate_frame);
        let added = walk
            .tree
            .add_generated(f::ANALYSIS_DUPLICATE_ACK_FRAME, frame);
        let message = format_args!("Duplicate ACK (#{number})");
        walk.expert(added, f::ANALYSIS_DUPLICATE_ACK, NOTE, message);
        walk.tree.open();
    }
}

type Events<const N: usize> = [(TcpEvents, FieldId, Severity); N];

const EVENTS_BEFORE: Events<2> = [
    (
        TcpEvents::REUSED_PORTS,
        f::ANALYSIS_REUSED_PORTS,
        Severity::Note,
    ),
    (
        TcpEvents::RETRANSMISSION,
        f::ANALYSIS_RETRANSMISSION,
        Severity::Note,
    ),
];

const EVENTS: Events<11> = [
    (
        TcpEvents::FAST_RETRANSMISSION,
        f::ANALYSIS_FAST_RETRANSMISSION,
        Severity::Note,
    ),
    (
        TcpEvents::FAST_RETRANSMISSION,
        f::ANALYSIS_RETRANSMISSION,
        Severity::Note,
    ),
    (
        TcpEvents::SPURIOUS_RETRANSMISSION,
        f::ANALYSIS_SPURIOUS_RETRANSMISSION,
        Severity::Note,
    ),
    (
        TcpEvents::SPURIOUS_RETRANSMISSION,
        f::ANALYSIS_RETRANSMISSION,
        Severity::Note,
    ),
    (
        TcpEvents::OUT_OF_ORDER,
        f::ANALYSIS_OUT_OF_ORDER,
        Severity::Warning,
    ),
    (
        TcpEvents::LOST_SEGMENT,
        f::ANALYSIS_LOST_SEGMENT,
        Severity::Warning,
    ),
    (
        TcpEvents::ACKED_UNSEEN,
        f::ANALYSIS_ACK_LOST_SEGMENT,
        Severity::Warning,
    ),
    (
        TcpEvents::WINDOW_UPDATE,
        f::ANALYSIS_WINDOW_UPDATE,
        Severity::Chat,
    ),
    (
        TcpEvents::WINDOW_FULL,
        f::ANALYSIS_WINDOW_FULL,
        Severity::Warning,
    ),
    (
        TcpEvents::KEEP_ALIVE,
        f::ANALYSIS_KEEP_ALIVE,
        Severity::Note,
    ),
    (
        TcpEvents::KEEP_ALIVE_ACK,
        f::ANALYSIS_KEEP_ALIVE_ACK,
        Severity::Note,
    ),
];

const EVENTS_BEHIND: Events<3> = [
    (
        TcpEvents::ZERO_WINDOW_PROBE,
        f::ANALYSIS_ZERO_WINDOW_PROBE,
        Severity::Note,
    ),
    (
        TcpEvents::ZERO_WINDOW,
        f::ANALYSIS_ZERO_WINDOW,
        Severity::Warning,
    ),
    (
        TcpEvents::ZERO_WINDOW_PROBE_ACK,
        f::ANALYSIS_ZERO_WINDOW_PROBE_ACK,
        Severity::Note,
    ),
];

/// What the checksum should be (RFC 1624), given the sum of everything with it.
fn should_be(sum: u16, computed: u16) -> u16 {
    let (added, carry) = sum.overflowing_add(computed);
    added + u16::from(carry)
}
