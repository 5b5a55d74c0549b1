//! TCP (RFC 9293), as Wireshark's `packet-tcp.c` shows it.
//!
//! - `header.rs` the fixed part of the header
//! - `fields.rs` the fields; `names.rs` names of values
//! - `options.rs` options; `mptcp.rs` those of Multipath TCP,
//!   `meta.rs` its connections
//! - `info.rs` what the list says
//! - `streams.rs` what is remembered of streams
//! - `tracker.rs` what a segment says in the light of those before it
//! - `details.rs` what the tree says of that
//! - `applications.rs` who takes what streams carry; `reassembly.rs` how messages are put together, `pdu.rs` one of
//!   them

pub(crate) mod applications;
mod details;
pub(crate) mod fields;
mod header;
mod info;
mod meta;
pub(crate) mod mptcp;
mod names;
mod options;
mod pdu;
mod reassembly;
mod streams;
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use fields::{PROTOCOL, SEGMENTS};
pub use info::TcpInfo;
pub(crate) use streams::Memory;

pub(crate) use self::applications::DECODABLE;
use self::applications::{Asking, Payload};
use self::details::{Extent, Parts};
use self::fields as f;
use self::header::{EcnBits, Flags, Header, MIN_LEN};
use self::info::{Remark, Shown, Stage};
use self::options::Owner;
use self::tracker::{Moment, Standing};
use super::brief::transfer;
use super::expert::{Group, Severity};
use super::frame;
use super::text::ascii;
use crate::dissect::checksum;
use crate::read::column::Address;
use crate::read::memory::Key;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::{Carrier, Piece, Quoted, Walk};
use crate::tcp::Nanoseconds;
use crate::tcp::Side;

/// Dissects a TCP segment. What carries it has said so in [`Walk::carrier`].
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let depth = walk.tree.depth();
    walk.enter(f::THIS);
    let (source_port, destination_port) = (region.u16(0)?, region.u16(2)?);
    walk.columns.set_protocol("TCP");
    walk.columns.clear_info();
    walk.columns.set_tcp(source_port, destination_port);
    let node = walk.node(f::THIS, &region, region.captured().len());
    let wanted = !walk.tree.wants_nothing()
        && (walk.tree.wants_any_of(f::THIS.protocol) || walk.tree.labels());
    let mut parts = Parts {
        region: &region,
        node,
        source_port,
        destination_port,
        extent: Extent::of(walk.tree),
    };
    if wanted {
        parts.ports(walk);
    }
    if walk.carrier.quoted == Quoted::Icmp {
        let place = region.place(4, 4);
        if let Ok(seq) = region.u32(4) {
            walk.tree.add(f::SEQ, place, Value::Uint(seq.into()));
        }
    }
    let header = read(walk, &region, source_port, destination_port)?;
    let standing = arrive(walk, &header);
    let segment = Arriving::new(walk, &region, header, &standing);
    let outcome = rest(walk, &region, &segment, wanted.then_some(&mut parts));
    walk.tree.set_depth(depth);
    if !outcome? {
        return Ok(());
    }
    payload(walk, &region, &segment, &parts, depth)
}

/// Reads the fixed header.
#[inline]
fn read(
    walk: &Walk<'_, '_>,
    region: &Region<'_>,
    source_port: u16,
    destination_port: u16,
) -> Result<Header, Stop> {
    // In this order Wireshark asks for them, and stops where one is missing.
    let (seq, ack) = (region.u32(4)?, region.u32(8)?);
    let offset_and_flags = region.u16(12)?;
    let window = region.u16(14)?;
    let header_len = usize::from(offset_and_flags >> 12) * 4;
    let has_len = walk.carrier.is_whole();
    Ok(Header {
        source_port,
        destination_port,
        seq,
        ack,
        payload_at: header_len,
        flags: Flags(offset_and_flags & 0xfff),
        window,
        len: region
            .reported()
            .checked_sub(header_len)
            .filter(|_| has_len)
            .map(|len| len as u32),
    })
}

/// Finds the stream.
#[inline]
fn arrive(walk: &mut Walk<'_, '_>, header: &Header) -> Standing {
    let ports = (header.source_port, header.destination_port);
    let key = match (&walk.carrier.source, &walk.carrier.destination) {
        (Address::Ipv4(from), Address::Ipv4(to)) => Key::ipv4((*from, ports.0), (*to, ports.1)),
        (from, to) => Key::new((*from, ports.0), (*to, ports.1)),
    };
    let moment = Moment {
        frame: walk.frame.number,
        now: walk.frame.packet.meta.ts.0,
        pass: walk.memory.pass,
        is_announced: header.flags.handshake() == Flags::SYN
            && transfer::is_begun(&mut walk.memory.brief, &walk.carrier, ports),
    };
    let analyze = walk.preferences.tcp_analyze_sequence_numbers;
    tracker::arrive(&mut walk.memory.tcp, key, header, moment, analyze)
}

/// A segment with what is known of it before its options are read.
struct Arriving<'s> {
    header: Header,
    standing: &'s Standing,
    shown: Shown,
    ecn: EcnBits,
    relative: bool,
    analyzed: bool,
    /// The whole segment is there, so that it can be summed up and put together with others.
    whole: bool,
}

impl<'s> Arriving<'s> {
    #[inline]
    fn new(
        walk: &Walk<'_, '_>,
        region: &Region<'_>,
        header: Header,
        standing: &'s Standing,
    ) -> Self {
        let Header { flags, .. } = header;
        let analyzed = walk.preferences.tcp_analyze_sequence_numbers;
        let relative = walk.preferences.tcp_relative_sequence_numbers && analyzed;
        let counted = header.len.is_some() && relative;
        let base = if counted { standing.base } else { 0 };
        let is_acked = counted && flags.has(Flags::ACK);
        let peer_base = if is_acked { standing.peer_base } else { 0 };
        let scaled = header.len.is_some() && !flags.has(Flags::SYN) && standing.scale > 0;
        let shift = if scaled {
            u32::from(standing.scale.unsigned_abs())
        } else {
            0
        };
        let ecn = if !flags.has(Flags::SYN) && standing.setup.counts_ecn() {
            EcnBits::Number
        } else {
            EcnBits::Flags
        };
        Self {
            shown: Shown {
                seq: header.seq.wrapping_sub(base),
                ack: header.ack.wrapping_sub(peer_base),
                window: u32::from(header.window) << shift,
            },
            header,
            standing,
            ecn,
            relative,
            analyzed,
            whole: walk.carrier.piece == Piece::Whole && !region.is_cut(),
        }
    }

    /// What the options need to know.
    fn owner(&self) -> Owner {
        Owner {
            flags: self.header.flags,
            ack: self.shown.ack,
            raw_ack: self.header.ack,
            peer_base: self.standing.peer_base,
            relative: self.relative,
            longest: self.standing.longest,
            scps: self.standing.scps,
        }
    }
}

/// What follows the window. Whether there may be a payload.
fn rest(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    segment: &Arriving<'_>,
    mut parts: Option<&mut Parts<'_, '_>>,
) -> Result<bool, Stop> {
    let Arriving {
        header, standing, ..
    } = segment;
    let info = info(walk);
    info.note(header, segment.shown, segment.ecn);
    info.note_standing(standing);
    info.len = header.len;
    if header.payload_at < MIN_LEN {
        if let Some(parts) = parts {
            parts.stream(walk, segment);
            parts.bogus(walk, segment);
        }
        return Ok(false);
    }
    if let Some(parts) = parts.as_deref_mut() {
        parts.stream(walk, segment);
        parts.numbers(walk, segment);
        parts.flags(walk, segment);
        parts.window(walk, segment);
    }
    let sum = region.u16(16)?;
    let remark = check(walk, region, segment, sum, parts.as_deref_mut());
    let info = self::info(walk);
    info.checksum = remark;
    info.stage = Stage::Checksum;
    let urgent = region.u16(18)?;
    if let Some(parts) = parts.as_deref_mut() {
        parts.urgent(walk, segment, urgent);
    }
    let info = self::info(walk);
    info.urgent = urgent;
    info.stage = Stage::Fixed;
    let options_len = header.payload_at - MIN_LEN;
    let mut outcome = Ok(());
    let mut found = options::Found::default();
    if options_len > 0 {
        let owner = segment.owner();
        let options = region.part(MIN_LEN, options_len);
        self::info(walk).note_options(options.captured(), owner);
        (found, outcome) = options::look(options.captured(), &owner);
        for _option in 0..found.mptcp_options {
            walk.columns.set_protocol("MPTCP");
            walk.protocols.push(mptcp::THIS.protocol);
        }
        if found.mptcp_options > 0 {
            let multipath = &mut walk.memory.tcp.multipath;
            options::each_mptcp(options.captured(), |option| {
                multipath.note(standing.stream, option);
            });
        }
        if let Some(parts) = parts.as_deref_mut() {
            let shown = parts.options(walk, segment, options_len, &owner);
            outcome = outcome.and(shown);
        }
        outcome = outcome.and_then(|()| region.slice(MIN_LEN, options_len).map(|_| ()));
    }
    if let (Some(parts), true) = (parts.as_deref_mut(), options_len == 0) {
        parts.timestamps(walk, segment);
    }
    tracker::note_options(&mut walk.memory.tcp, standing, header, &found);
    outcome?;
    if header.flags.has(Flags::SYN) {
        tracker::settle(&mut walk.memory.tcp, standing, header);
    }
    if segment.analyzed && standing.report.exists {
        if let Some(parts) = parts {
            parts.analysis(walk, segment);
        }
        let report = &standing.report;
        let info = self::info(walk);
        info.events = report.events;
        info.duplicate_number = report.duplicate_number;
        info.duplicate_frame = report.duplicate_frame;
    }
    if found.mptcp_options > 0 && walk.tree.wants_any_of(mptcp::THIS.protocol) {
        meta::show(walk, standing.stream);
    }
    Ok(true)
}

fn info<'c>(walk: &'c mut Walk<'_, '_>) -> &'c mut TcpInfo {
    walk.columns.tcp_mut()
}

/// Looks at the checksum, if that is wanted.
fn check(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    segment: &Arriving<'_>,
    sum: u16,
    parts: Option<&mut Parts<'_, '_>>,
) -> Remark {
    let computed = (segment.whole && walk.preferences.tcp_check_checksum)
        .then(|| computed(&walk.carrier, region.captured()))
        .flatten();
    if let Some(parts) = parts {
        parts.checksum(walk, sum, computed);
    }
    match computed {
        Some(0) if sum == 0xffff => Remark::Ones,
        None | Some(0) => Remark::None,
        Some(_) => Remark::Incorrect,
    }
}

/// The checksum of a segment with its checksum in it: zero if that is right.
fn computed(carrier: &Carrier, segment: &[u8]) -> Option<u16> {
    const PROTOCOL: u8 = 6;
    let (source, destination): (&[u8], &[u8]) = match (&carrier.source, &carrier.destination) {
        (Address::Ipv4(source), Address::Ipv4(destination)) => (source, destination),
        (Address::Ipv6(source), Address::Ipv6(destination)) => (source, destination),
        _ => return None,
    };
    Some(checksum::over(source, destination, PROTOCOL, segment))
}

/// What a segment carries.
fn payload(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    segment: &Arriving<'_>,
    parts: &Parts<'_, '_>,
    depth: u8,
) -> Result<(), Stop> {
    let Arriving {
        header,
        standing,
        shown,
        ..
    } = segment;
    let rest = region.rest(header.payload_at);
    let bytes = rest.captured().len();
    let flags = header.flags;
    let remark = info(walk).checksum;
    let can_ask = segment.whole
        && remark != Remark::Incorrect
        && walk.preferences.tcp_desegment_streams
        && walk.carrier.quoted == Quoted::No;
    let asking = if can_ask {
        Asking::Possible
    } else {
        Asking::Pointless
    };
    let syn = u32::from(flags.has(Flags::SYN));
    let seq = shown.seq.wrapping_add(syn);
    let at = (standing.stream, standing.place);
    let piece = reassembly::Segment {
        payload: Payload::new(at, standing.direction, header, seq, asking, parts.node),
        seq,
        next: seq.wrapping_add(header.len.unwrap_or(0)),
        events: standing.report.events,
        node: parts.node,
        depth,
    };
    if can_ask
        && flags.has(Flags::FIN)
        && reassembly::ends(walk, &piece)
        && reassembly::finish_stream(walk, rest, &piece)?
    {
        return Ok(());
    }
    if bytes == 0 {
        return Ok(());
    }
    if flags.has(Flags::RST) {
        let back = walk.tree.under(parts.node);
        let text = ascii(rest.captured());
        let added = walk
            .tree
            .add_text(f::RESET_CAUSE, rest.place(0, bytes), &text);
        // The text ends with a zero; behind it, only zeros are expected.
        let behind = rest.captured().iter().skip_while(|byte| **byte != 0);
        if behind.into_iter().any(|byte| *byte != 0) {
            let how = (Severity::Warning, Group::Undecoded);
            let message = format_args!("Trailing stray characters");
            walk.expert(added, frame::STRAY, how, message);
        }
        walk.tree.back(back);
        return Ok(());
    }
    if !walk.tree.wants_nothing() {
        let back = walk.tree.under(parts.node);
        let added = walk
            .tree
            .add(f::PAYLOAD, rest.place(0, bytes), Value::Bytes);
        let len = rest.reported();
        let s = if len == 1 { "" } else { "s" };
        walk.tree
            .label(added, format_args!("TCP payload ({len} byte{s})"));
        walk.tree.back(back);
    }
    if can_ask {
        return reassembly::dissect(walk, rest, &piece);
    }
    reassembly::process(walk, rest, &piece.payload, piece.events).map(|_| ())
}

/// Windows are not scaled as long as nothing is known.
const NOT_SCALED: i8 = Side::<Nanoseconds>::NO_SCALE;
const NOTE: (Severity, Group) = (Severity::Note, Group::Sequence);
