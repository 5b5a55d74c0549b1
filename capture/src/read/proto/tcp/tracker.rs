//! What a segment says in the light of those before it: its stream, what it acknowledges, and all that
//! `tcp.analysis.*` tells, in Wireshark's order (`dissect_tcp`, `tcp_analyze_sequence_number`).

use super::header::{self, Flags, Header, completeness};
use super::options::Found as Options;
use super::streams::{
    Flow, Known, MAX_SENT_A_DIRECTION, Memory, Past, Rare, Segment, Setup, Stream,
};
use crate::read::memory::{Conversations, Direction, Found, Key, Pass};
use crate::tcp::{self, Duplicates, Nanoseconds, Side, TcpEvents};

/// What is found of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Report {
    pub(super) events: TcpEvents,
    /// There is something to say, if only that there was something to look at.
    pub(super) exists: bool,
    /// The frame that it acknowledges, and how long ago that came, in ns.
    pub(super) acks_frame: u64,
    pub(super) rtt: i64,
    /// The frame since which the sender waited before it sent this again, and how long.
    pub(super) rto_frame: u64,
    pub(super) rto: i64,
    pub(super) duplicate_number: u32,
    pub(super) duplicate_frame: u64,
    pub(super) in_flight: u32,
    pub(super) push_bytes: u32,
}

/// Where a segment stands in its stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) place: u32,
    pub(super) direction: Direction,
    pub(super) stream: u32,
    /// As far as it went before this segment; with two passes, as far as it went.
    pub(super) completeness: u8,
    pub(super) since_first: i64,
    pub(super) since_last: i64,
    /// Sequence numbers zero: the sender's, the other side's.
    pub(super) base: u32,
    pub(super) peer_base: u32,
    /// The sender's window scale.
    pub(super) scale: i8,
    pub(super) setup: Setup,
    pub(super) irtt: i64,
    /// Whether a FIN is the first one.
    pub(super) closing: Option<Closing>,
    /// The longest segment that the other side acknowledged, for SNACK.
    pub(super) longest: u32,
    /// SCPS was offered by the sender.
    pub(super) scps: bool,
    pub(super) report: Report,
}

/// Who closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// The sender of this FIN.
    Active,
    /// The other side did before.
    Passive,
}

/// The frame that a segment comes in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) frame: u64,
    /// In ns since 1970.
    pub(super) now: u64,
    pub(super) pass: Pass,
    /// The first segment of a connection that another one announced.
    pub(super) is_announced: bool,
}

/// Finds the stream of a segment and judges it, before its options are read.
pub(super) fn arrive(
    memory: &mut Memory,
    (key, direction): (Key, Direction),
    header: &Header,
    moment: Moment,
    analyze: bool,
) -> Standing {
    let Moment { now, pass, .. } = moment;
    let flags = header.flags;
    let room = memory.has_room();
    let Memory {
        streams,
        expected,
        known,
        sent,
        ..
    } = memory;
    let mut found = streams.find_expected(key, expected.take(), |number| Stream::new(number, now));
    let mut report = Report::default();
    if found.is_new || streams.at(found.place).begins_anew() || flags.handshake() == Flags::SYN {
        begin(streams, &mut found, direction, header, moment, &mut report);
        if let Some(gone) = streams.take_gone()
            && pass == Pass::First
        {
            Memory::keep(known, &gone);
        }
    }
    let stream = streams.at(found.place);
    // What the first pass knew in the end.
    let mut end = (pass == Pass::Second)
        .then(|| known.get_mut(found.number as usize))
        .flatten();
    negotiate(stream, end.as_deref_mut(), direction, header, &mut report);
    let completeness = end
        .as_deref()
        .map_or(stream.completeness, |end| end.completeness);
    let since_first = now.wrapping_sub(stream.first).cast_signed();
    let since_last = now.wrapping_sub(stream.last).cast_signed();
    stream.last = now;
    stream.pair(direction)[0].sacked = 0;
    if let Some(len) = header.len {
        note_bases(stream, direction, header);
        if analyze {
            judge(stream, direction, header, len, moment, room, &mut report);
            *sent += usize::from(room);
        }
    }
    let mut closing = None;
    if header.payload_at >= header::MIN_LEN {
        let len = header.len.unwrap_or(0);
        stream.completeness |= completeness::of(flags, len, found.is_new);
        if let Some(end) = end.as_deref_mut() {
            end.completeness |= completeness::of(flags, len, false);
        }
        closing = note_handshake(stream, direction, header, now, analyze);
        if let Some(end) = end.as_deref_mut() {
            note_round_trip(&mut end.irtt, &mut end.syn_at, flags, now, analyze);
        }
    }
    let known = end.map_or_else(|| stream.knowledge(), |end| *end);
    let (own, other) = (direction.index(), 1 - direction.index());
    let rare = stream.rare().map(|rare| rare.flows[own]);
    let rare = rare.unwrap_or_default();
    let Known {
        base,
        scale,
        setup,
        irtt,
        ..
    } = known;
    Standing {
        place: found.place,
        direction,
        stream: found.number,
        completeness,
        since_first,
        since_last,
        base: base[own],
        peer_base: base[other],
        scale: scale[own],
        setup,
        irtt,
        closing,
        longest: rare.longest,
        scps: rare.scps,
        report,
    }
}

/// A segment that may be the first of a stream: of a new one, or of another one between the same ends.
fn begin(
    streams: &mut Conversations<Stream>,
    found: &mut Found,
    direction: Direction,
    header: &Header,
    moment: Moment,
    report: &mut Report,
) {
    let anew = |number| Stream::new(number, moment.now);
    // Wireshark has made its conversation when it was announced.
    found.is_new &= !moment.is_announced;
    let stream = streams.at(found.place);
    if stream.begins_anew() {
        let (application, state) = (stream.application, stream.state);
        *found = streams.renew(found.place, anew);
        let stream = streams.at(found.place);
        (stream.application, stream.state) = (application, state);
    }
    if header.flags.handshake() == Flags::SYN {
        let fwd = &mut streams.at(found.place).flows[direction.index()];
        if fwd.base().is_some_and(|base| base != header.seq) {
            *found = streams.renew(found.place, anew);
            found.is_new = false;
            streams.at(found.place).completeness = completeness::SYN;
            report.events.add(TcpEvents::REUSED_PORTS);
            report.exists = true;
        } else if fwd.base().is_some() {
            fwd.side.next_seq = fwd.side.max_seq_to_ack;
            report.exists = true;
        }
    }
}

/// Where the relative numbers of both sides begin, if that is not known.
fn note_bases(stream: &mut Stream, direction: Direction, header: &Header) {
    let [fwd, rev] = stream.pair(direction);
    if fwd.base().is_none() {
        let before = u32::from(!header.flags.has(Flags::SYN));
        fwd.set_base(header.seq.wrapping_sub(before));
    }
    if rev.base().is_none() && header.flags.has(Flags::ACK) {
        rev.set_base(header.ack.wrapping_sub(1));
    }
}

/// What SYN and SYN-ACK change of an existing stream.
fn negotiate(
    stream: &mut Stream,
    end: Option<&mut Known>,
    direction: Direction,
    header: &Header,
    report: &mut Report,
) {
    let Header { seq, flags, .. } = *header;
    let (ae, cwr, ece) = (Flags::AE.0, Flags::CWR.0, Flags::ECE.0);
    if flags.handshake() == Flags::SYN {
        let all = ae | cwr | ece;
        stream.setup.set(Setup::ACC_ECN_SYN, flags.0 & all == all);
    } else if flags.handshake() == Flags::SYN.with(Flags::ACK) {
        let fwd = &mut stream.flows[direction.index()];
        let mut differs = fwd.base().is_some_and(|base| base != seq);
        if differs {
            fwd.set_base(seq);
            fwd.sent.rebase();
        }
        if let Some(end) = end {
            let base = &mut end.base[direction.index()];
            differs |= *base != seq;
            *base = seq;
        }
        if differs {
            report.events.add(TcpEvents::REUSED_PORTS);
            report.exists = true;
        }
        let counts = flags.0 & (ae | cwr) == cwr || flags.0 & (ae | ece) == ae;
        stream.setup.set(Setup::ACC_ECN_SYN_ACK, counts);
    }
}

/// The analysis proper, by the rules that the connection records follow too.
fn judge(
    stream: &mut Stream,
    direction: Direction,
    header: &Header,
    len: u32,
    Moment { frame, now, .. }: Moment,
    room: bool,
    report: &mut Report,
) {
    let Header {
        seq, ack, flags, ..
    } = *header;
    let irtt = (stream.irtt != 0).then_some(stream.irtt.cast_unsigned());
    let duplicates = note_multipath(stream, direction);
    let [fwd, rev] = stream.pair(direction);
    let (is_syn, is_fin) = (flags.has(Flags::SYN), flags.has(Flags::FIN));
    let occupies = len > 0 || is_syn || is_fin;
    let is_noted = occupies && room && fwd.sent.len() < MAX_SENT_A_DIRECTION;
    let flag_len = u32::from(is_noted && (is_syn || is_fin));
    if flags.has(Flags::ACK) {
        rev.in_flight_known = true;
    }
    let is_new_ack = ack != fwd.side.last_ack;
    let (next_before, next_at, next_frame) = (fwd.side.next_seq, fwd.side.next_at, fwd.next_frame);
    let segment = tcp::Segment {
        seq,
        ack,
        len,
        window: header.window.into(),
        is_syn,
        is_fin,
        is_rst: flags.has(Flags::RST),
        is_ack: flags.has(Flags::ACK),
        flag_len,
        duplicates,
    };
    let time = Nanoseconds(now);
    // Wireshark looks closer at this one, whatever it finds.
    let unseen = rev.side.max_seq_to_ack;
    let beyond = segment.is_ack && unseen != 0 && tcp::before(unseen, ack);
    let events = tcp::judge(&mut fwd.side, &mut rev.side, &segment, time, irtt);
    report.events.add(events);
    if events.has(TcpEvents::LOST_SEGMENT) {
        fwd.in_flight_known = false;
    }
    if events.has(TcpEvents::DUPLICATE_ACK) {
        report.duplicate_number = fwd.side.duplicate_acks;
        report.duplicate_frame = fwd.new_ack_frame.before(frame);
    }
    if is_new_ack {
        fwd.new_ack_frame = Past::of(frame);
    }
    if events.has(TcpEvents::RETRANSMISSION) {
        let (at, from) = fwd
            .sent
            .oldest()
            .map_or((next_at.0, next_frame), |oldest| (oldest.at, oldest.frame));
        report.rto = now.wrapping_sub(at).cast_signed();
        report.rto_frame = from.before(frame);
    }
    if fwd.side.next_seq != next_before || next_before == 0 {
        fwd.next_frame = Past::of(frame);
    }
    let base = fwd.base().unwrap_or(0);
    if is_noted {
        let next = seq.wrapping_add(len).wrapping_add(flag_len);
        fwd.sent.push(
            Segment {
                frame: Past::of(frame),
                at: now,
                seq,
                next,
            },
            base,
        );
    }
    let (acked, longest) = rev.sent.acknowledge(ack);
    if let Some(acked) = acked {
        report.acks_frame = acked.frame.before(frame);
        report.rtt = now.wrapping_sub(acked.at).cast_signed();
    }
    if len > 0 {
        weigh(fwd, rev.sacked, flags, len, base, report);
    }
    report.exists |= report.events != TcpEvents::default() || report.acks_frame != 0 || beyond;
    if let Some(rare) = stream.rare()
        && rare.flows[1 - direction.index()].scps
    {
        let own = &mut rare.flows[direction.index()];
        own.longest = own.longest.max(longest);
    }
}

/// Whether a repeated acknowledgment counts as such: not if operations of MPTCP came with it.
#[inline]
fn note_multipath(stream: &mut Stream, direction: Direction) -> Duplicates {
    let Some(Rare { flows, mptcp, .. }) = stream.rare() else {
        return Duplicates::Count;
    };
    let own = &mut flows[direction.index()].mptcp;
    if std::mem::replace(own, *mptcp) == *mptcp {
        Duplicates::Count
    } else {
        Duplicates::Ignore
    }
}

/// Bytes in flight, and since the last PSH.
fn weigh(fwd: &mut Flow, sacked: u32, flags: Flags, len: u32, base: u32, report: &mut Report) {
    /// More cannot be in flight: the numbers belong to something else.
    const TOO_MANY: u32 = 2_000_000_000;
    if !fwd.in_flight_known {
        return;
    }
    let Some(in_flight) = fwd.sent.in_flight(base) else {
        return;
    };
    let in_flight = in_flight.wrapping_sub(sacked);
    if in_flight > 0 && in_flight < TOO_MANY {
        let flag = u32::from(flags.has(Flags::SYN.with(Flags::FIN)));
        report.in_flight = in_flight - flag;
    }
    let push = flags.has(Flags::PSH);
    if fwd.pushed {
        fwd.push_bytes = len;
    } else {
        fwd.push_bytes = fwd.push_bytes.wrapping_add(len);
    }
    fwd.pushed = push;
    report.push_bytes = fwd.push_bytes;
    report.exists = true;
}

/// What Wireshark remembers of handshake and closing, before it reads the options.
fn note_handshake(
    stream: &mut Stream,
    direction: Direction,
    header: &Header,
    now: u64,
    analyze: bool,
) -> Option<Closing> {
    let flags = header.flags;
    if flags.handshake() == Flags::SYN {
        stream.server_port = header.destination_port;
    } else if flags.has(Flags::SYN) {
        stream.server_port = header.source_port;
    }
    let mut closing = None;
    if flags.has(Flags::FIN) {
        let [fwd, rev] = stream.pair(direction);
        closing = Some(if rev.closes {
            Closing::Passive
        } else {
            fwd.closes = true;
            Closing::Active
        });
    }
    note_round_trip(&mut stream.irtt, &mut stream.syn_at, flags, now, analyze);
    closing
}

/// The initial round trip is from the last SYN to the next ACK. What the first pass left is where the
/// second one begins, so that an ACK before the only SYN has a round trip below zero there.
fn note_round_trip(irtt: &mut i64, syn_at: &mut u64, flags: Flags, now: u64, analyze: bool) {
    match flags.handshake() {
        Flags::SYN => *syn_at = now,
        Flags::ACK if analyze && *syn_at != 0 && *irtt == 0 => {
            *irtt = now.wrapping_sub(*syn_at).cast_signed();
        }
        _ => {}
    }
}

/// Takes in what the options said.
pub(super) fn note_options(
    memory: &mut Memory,
    standing: &Standing,
    header: &Header,
    options: &Options,
) {
    if *options == Options::default() {
        return;
    }
    let stream = memory.streams.at(standing.place);
    if options.acc_ecn {
        stream.setup.set(Setup::ACC_ECN_OPTION, true);
    }
    let has_data = header.len.is_some_and(|len| len > 0);
    if options.cookie && has_data && header.flags.handshake() == Flags::SYN {
        stream.setup.set(Setup::FAST_OPEN, true);
    }
    if options.mptcp != 0 || options.scps {
        let rare = stream.rare_mut();
        rare.mptcp |= options.mptcp;
        rare.flows[standing.direction.index()].scps |= options.scps;
    }
    let [fwd, _] = stream.pair(standing.direction);
    fwd.sacked = options.sacked;
    if let Some(scale) = options.scale {
        fwd.side.scale = scale.min(Side::<Nanoseconds>::MAX_SCALE).cast_signed();
    }
}

/// A SYN's options are all read: what one side alone offered is not used.
pub(super) fn settle(memory: &mut Memory, standing: &Standing, header: &Header) {
    let stream = memory.streams.at(standing.place);
    let is_ack = header.flags.has(Flags::ACK);
    let [fwd, rev] = stream.pair(standing.direction);
    tcp::settle_scale(&mut fwd.side, &mut rev.side, is_ack);
    if let Some(rare) = stream.rare().filter(|_| is_ack) {
        let [up, down] = &mut rare.flows;
        let both = up.scps && down.scps;
        (up.scps, down.scps) = (both, both);
    }
}
