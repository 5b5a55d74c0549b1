//! What is kept of a flow while it lives.

use super::cutoff::Skipped;
use super::detail::{Detail, Details};
use super::history::Letter;
use super::key::Direction;
use super::packed::{Packed, Plain, U48};
use super::tcp::{Arrival, Connection, EndState, Followed, Islands, Once, Timing, Verdict};
use super::timer::Link;
use crate::dissect::{Tcp, TcpFlags};
use crate::packet::{FrameNo, Span, Timestamp};

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames, as on the wire without frame check sequence: what Wireshark counts.
    pub wire_bytes: u64,
    /// Bytes from the IP header on: what Zeek and IPFIX count.
    pub ip_bytes: u64,
}

impl Counts {
    /// Nothing.
    pub(crate) const ZERO: Self = Self {
        packets: 0,
        wire_bytes: 0,
        ip_bytes: 0,
    };

    pub(crate) const fn add(&mut self, more: &Self) {
        self.packets += more.packets;
        self.wire_bytes += more.wire_bytes;
        self.ip_bytes += more.ip_bytes;
    }
}

/// How long a flow may be silent, and whether it goes first when room is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// TCP: a SYN, and no answer.
    TcpAttempt,
    /// TCP: nothing but damaged segments.
    TcpUnheard,
    /// TCP: the initiator said nothing after its SYN.
    TcpEmbryonic,
    /// TCP that is open.
    TcpOpen,
    /// The same, of a service that is known to be silent for long.
    TcpOpenSlow,
    /// TCP: one end closed, and one was reset.
    TcpBroken,
    /// TCP that is over; it stays for what still comes, such as the last acknowledgment again.
    TcpClosed,
    /// Not TCP, only one side was heard.
    Unanswered,
    /// Not TCP, both sides were heard.
    Answered,
}

impl Class {
    /// Whether flows of this class are evicted before the others.
    pub(crate) const fn is_transient(self) -> bool {
        !matches!(self, Self::TcpOpen | Self::TcpOpenSlow | Self::Answered)
    }

    /// The class of a connection.
    #[inline(always)]
    pub(crate) fn of_tcp(outline: Outline) -> Self {
        let Outline {
            originator,
            responder,
            ..
        } = outline;
        // The common case first.
        if originator == EndState::Established
            && responder == EndState::Established
            && outline.went_on
            && !outline.closed
        {
            return outline.open();
        }
        if outline.closed {
            return Self::TcpClosed;
        }
        if responder == EndState::Inactive {
            if originator == EndState::Inactive {
                return Self::TcpUnheard;
            }
            if outline.active && originator.is_handshake() {
                return Self::TcpAttempt;
            }
        }
        if outline.active
            && outline.did_close
            && (originator == EndState::Reset || responder == EndState::Reset)
        {
            return Self::TcpBroken;
        }
        if outline.went_on {
            outline.open()
        } else {
            Self::TcpEmbryonic
        }
    }
}

/// What the class of a connection depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline {
    /// It is over.
    pub(crate) closed: bool,
    /// It was not reset while it was open.
    pub(crate) active: bool,
    pub(crate) originator: EndState,
    pub(crate) responder: EndState,
    /// An end's closing was noticed.
    pub(crate) did_close: bool,
    /// The originator sent more than SYNs.
    pub(crate) went_on: bool,
    /// Users of the service are silent for long.
    pub(crate) slow_service: bool,
}

impl Outline {
    #[inline(always)]
    const fn open(self) -> Class {
        if self.slow_service {
            Class::TcpOpenSlow
        } else {
            Class::TcpOpen
        }
    }

    fn of(connection: &Connection, slow_service: bool) -> Self {
        let originator = connection.end(connection.originator);
        let responder = connection.end(connection.originator.opposite());
        let [given, _] = connection.given;
        Self {
            closed: connection.closed,
            active: connection.active,
            originator: originator.state,
            responder: responder.state,
            did_close: originator.did_close || responder.did_close,
            went_on: given & !Once::SYN.0 != 0,
            slow_service,
        }
    }
}

/// A flow: 5-tuple, both directions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// Timestamp of the first packet.
    pub(crate) first_ts: Timestamp,
    /// Timestamp of the last packet that says something of the flow.
    pub(crate) last_ts: Timestamp,
    pub(crate) packed: Packed,
    /// What does not fit into `packed`; `Details::NONE` if everything does.
    pub(crate) detail: u32,
    /// The source's clock at that packet, or when the flow was closed: what silence is measured from.
    pub(crate) seen: Moment,
    /// Where it was found.
    pub(crate) context: u32,
    /// Number of the first packet, without the worker's number.
    id: [u16; 3],
    /// Its bucket in the wheels; see `timer.rs`.
    pub(crate) bucket: u16,
}

/// A time to 17 ms, modulo 2.3 years.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u32);

impl Moment {
    const SHIFT: u32 = 24;
    /// Times further apart than this are not told apart.
    const HORIZON: Span = Span(1 << (Self::SHIFT + 31));

    pub(crate) const fn of(ts: Timestamp) -> Self {
        Self((ts.0 >> Self::SHIFT) as u32)
    }

    /// The time, given one that is less than 2.3 years later.
    pub(crate) const fn before(self, later: Timestamp) -> Timestamp {
        let ticks = later.0 >> Self::SHIFT;
        let ago = (ticks as u32).wrapping_sub(self.0) as u64;
        Timestamp(ticks.saturating_sub(ago) << Self::SHIFT)
    }
}

/// A packet on its way into its flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) direction: Direction,
    pub(crate) ts: Timestamp,
    pub(crate) clock: Timestamp,
    pub(crate) wire_len: u32,
    pub(crate) ip_len: u32,
    pub(crate) ttl: u8,
    pub(crate) content: Content<'a>,
}

/// What a packet carries, as far as its flow is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    /// A TCP segment.
    Segment(Arrival<'a>),
    /// A part of a segment, or of a datagram: it is counted, and says nothing more.
    Part,
    /// A datagram.
    Datagram(Datagram),
}

/// A datagram's arrival.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram {
    /// Bytes of payload.
    pub(crate) payload_len: u32,
    /// Its checksum is wrong.
    pub(crate) is_corrupt: bool,
    /// It is UDP, which has a history.
    pub(crate) is_udp: bool,
}

impl Flow {
    const ID_BITS: u32 = 48;

    /// The flow that a packet begins; the packet itself is not counted yet.
    pub(crate) fn new(
        id: FrameNo,
        [ts, clock]: [Timestamp; 2],
        context: u32,
        originator: Direction,
    ) -> Self {
        Self {
            first_ts: ts,
            last_ts: ts,
            packed: Packed::new(originator),
            detail: Details::NONE,
            seen: Moment::of(clock),
            context,
            id: [id.0 as u16, (id.0 >> 16) as u16, (id.0 >> 32) as u16],
            bucket: Link::NO_BUCKET,
        }
    }

    /// Number of the first packet, given that of any packet of the same worker.
    pub(crate) fn id(&self, worker: FrameNo) -> FrameNo {
        let [a, b, c] = self.id.map(u64::from);
        FrameNo(worker.0 >> Self::ID_BITS << Self::ID_BITS | c << 32 | b << 16 | a)
    }

    /// Takes a packet; says whether the flow's class can be another one now.
    #[inline(always)]
    pub(crate) fn on_packet(
        &mut self,
        step: &Step<'_>,
        details: &mut Details,
        islands: &mut Islands,
    ) -> bool {
        match &step.content {
            Content::Segment(arrival) => {
                if self.detail == Details::NONE {
                    let plain = self.packed.on_plain_segment(arrival);
                    if plain != Plain::No {
                        self.count(step);
                        self.on_plain(step, plain);
                        return matches!(plain, Plain::First | Plain::Closing);
                    }
                }
                self.on_segment(step, arrival, details, islands);
                true
            }
            Content::Part => {
                self.count(step);
                false
            }
            Content::Datagram(datagram) => {
                self.on_datagram(step, *datagram);
                true
            }
        }
    }

    /// Takes a packet if it is a plain segment that only acknowledges or carries data, as most are, of a
    /// flow without a detail; `No` if not, and then nothing has changed. What [`Self::on_packet`] does
    /// with it is the same; here, all of it stays in registers.
    #[inline(always)]
    pub(crate) fn on_plain_data(&mut self, step: Step<'_>) -> Plain {
        let Content::Segment(arrival) = &step.content else {
            return Plain::No;
        };
        let plain = self.packed.on_plain_data(arrival);
        if plain != Plain::No {
            self.count(&step);
            self.on_plain(&step, plain);
        }
        plain
    }

    #[inline(always)]
    fn on_plain(&mut self, step: &Step<'_>, plain: Plain) {
        match plain {
            Plain::Again => self.heard(step, false),
            Plain::First => self.heard(step, self.packed.is_closed()),
            Plain::Closing => {
                self.last_ts = step.ts;
                self.seen = Moment::of(step.clock);
            }
            Plain::Late | Plain::No => {}
        }
    }

    fn on_segment(
        &mut self,
        step: &Step<'_>,
        arrival: &Arrival<'_>,
        details: &mut Details,
        islands: &mut Islands,
    ) {
        let (verdict, closed) = if let Some(detail) = details.get_mut(self.detail) {
            let followed = detail
                .connection
                .on_segment(arrival, Timing::OneByOne, islands);
            if let Some(us) = followed.rtt_us {
                detail.add_rtt(step.direction.opposite(), us);
            }
            (followed.verdict, detail.connection.closed)
        } else {
            let mut connection = self.packed.unpack();
            let Followed { verdict, .. } = connection.on_segment(arrival, Timing::Newest, islands);
            let bulk = self.packed.halves[step.direction.index()].packets == Detail::BULK_PACKETS;
            if !self.packed.pack(&connection) || bulk {
                self.detail = details.take(Detail::new(connection, self.first_ts));
                if self.detail == Details::NONE {
                    // There is no room: what does not fit is forgotten.
                    let [a, b] = &mut connection.ends;
                    islands.clear(&mut a.islands);
                    islands.clear(&mut b.islands);
                }
            }
            (verdict, connection.closed)
        };
        if verdict == Verdict::Corrupt {
            return;
        }
        self.count(step);
        match verdict {
            Verdict::Closing => {
                self.last_ts = step.ts;
                self.seen = Moment::of(step.clock);
            }
            Verdict::Counted => self.heard(step, closed),
            Verdict::Late | Verdict::Corrupt => {}
        }
    }

    fn on_datagram(&mut self, step: &Step<'_>, datagram: Datagram) {
        let Datagram {
            payload_len,
            is_corrupt,
            is_udp,
        } = datagram;
        // As with TCP, what is corrupt leaves its letter, and nothing else.
        if is_corrupt {
            if is_udp {
                self.packed.on_corrupt_datagram(step.direction);
            }
            return;
        }
        self.count(step);
        let rest = &mut self.packed.rest[step.direction.index()];
        if rest.ttl == 0 {
            rest.ttl = step.ttl;
        }
        self.packed.on_datagram(step.direction, payload_len, is_udp);
        self.heard(step, false);
    }

    /// Takes what the kernel counted and did not copy. `clock` is the source's.
    pub(crate) fn on_skipped(
        &mut self,
        direction: Direction,
        skipped: &Skipped,
        is_tcp: bool,
        details: &mut Details,
        islands: &mut Islands,
    ) {
        let half = &mut self.packed.halves[direction.index()];
        let packets = u32::try_from(skipped.counts.packets).unwrap_or(u32::MAX);
        half.packets = half.packets.saturating_add(packets);
        half.ip_bytes = U48::new(half.ip_bytes.get() + skipped.counts.ip_bytes);
        half.wire_bytes = U48::new(half.wire_bytes.get() + skipped.counts.wire_bytes);
        if skipped.last_ts > self.last_ts {
            self.last_ts = skipped.last_ts;
            self.seen = Moment::of(skipped.last_ts);
        }
        if !is_tcp {
            self.packed
                .on_skipped_datagrams(direction, skipped.payload_bytes);
            return;
        }
        if let Some(detail) = details.get_mut(self.detail) {
            detail.connection.on_skipped(direction, skipped, islands);
            return;
        }
        let mut connection = self.packed.unpack();
        connection.on_skipped(direction, skipped, islands);
        if !self.packed.pack(&connection) {
            self.detail = details.take(Detail::new(connection, self.first_ts));
            if self.detail == Details::NONE {
                let [a, b] = &mut connection.ends;
                islands.clear(&mut a.islands);
                islands.clear(&mut b.islands);
            }
        }
    }

    #[inline(always)]
    fn count(&mut self, step: &Step<'_>) {
        let half = &mut self.packed.halves[step.direction.index()];
        half.packets += 1;
        half.ip_bytes.add(step.ip_len);
        half.wire_bytes.add(step.wire_len);
    }

    /// It was heard of. What is closed already stays no longer because of it.
    #[inline(always)]
    fn heard(&mut self, step: &Step<'_>, closed: bool) {
        self.last_ts = step.ts;
        if !closed {
            self.seen = Moment::of(step.clock);
        }
    }

    /// Since when it is silent; `clock` is now.
    #[inline(always)]
    pub(crate) fn silent_since(&self, clock: Timestamp) -> Timestamp {
        // Later than the last packet's timestamp where timestamps went back, as they do when a
        // machine's clock is corrected; otherwise the timestamp is exact.
        if clock.since(self.last_ts) < Moment::HORIZON {
            self.last_ts.max(self.seen.before(clock))
        } else {
            self.last_ts
        }
    }

    /// Since when it is closed, if it is; `clock` is now.
    #[inline(always)]
    pub(crate) fn closed_since(&self, clock: Timestamp) -> Timestamp {
        if clock.since(self.last_ts) < Moment::HORIZON {
            self.seen.before(clock)
        } else {
            self.last_ts
        }
    }

    /// How the flow is treated by expiry and eviction now.
    #[inline(always)]
    pub(crate) fn class(&self, is_tcp: bool, slow: bool, details: &Details) -> Class {
        match details.get(self.detail) {
            Some(detail) if is_tcp => Class::of_tcp(Outline::of(&detail.connection, slow)),
            _ => self.packed.class(is_tcp, slow),
        }
    }

    /// The direction in which the originator sends.
    #[inline(always)]
    pub(crate) fn originator(&self, details: &Details) -> Direction {
        details.get(self.detail).map_or_else(
            || self.packed.originator(),
            |detail| detail.connection.originator,
        )
    }

    /// Something else carries the flow from now on.
    #[cold]
    pub(crate) fn carry(&mut self, carrier: u32, is_tcp: bool, details: &mut Details) {
        if self.detail == Details::NONE {
            self.detail = details.take(Detail::new(self.packed.unpack(), self.first_ts));
        }
        let Some(detail) = details.get_mut(self.detail) else {
            return;
        };
        if detail.carry(carrier) {
            // Zeek gives this letter in upper case, whoever sent.
            if is_tcp {
                detail.connection.history.push(Letter::X, false);
            } else {
                self.packed.push_letter(Letter::X);
            }
        }
    }

    /// Whether this SYN begins another connection with the same ports.
    #[inline(always)]
    pub(crate) fn is_reused_by(&self, segment: &Tcp, details: &Details) -> bool {
        segment.flags.has(TcpFlags::SYN)
            && match details.get(self.detail) {
                Some(detail) => detail.connection.is_reused_by(segment),
                None => {
                    !self.packed.is_answered_by(segment)
                        && self.packed.unpack().is_reused_by(segment)
                }
            }
    }

    pub(crate) fn counts(&self, direction: Direction) -> Counts {
        let half = &self.packed.halves[direction.index()];
        Counts {
            packets: half.packets.into(),
            wire_bytes: half.wire_bytes.get(),
            ip_bytes: half.ip_bytes.get(),
        }
    }

    /// Timestamp of the first packet since the last record.
    #[inline(always)]
    pub(crate) fn part_ts(&self, details: &Details) -> Timestamp {
        details
            .get(self.detail)
            .map_or(self.first_ts, |detail| detail.part_ts)
    }

    /// Whether its counters are about to be full.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        const NEARLY: u32 = u32::MAX - 1;
        let [forward, reverse] = &self.packed.halves;
        forward.packets >= NEARLY || reverse.packets >= NEARLY
    }

    /// Begins the next part, after a record of the one before was written.
    pub(crate) fn next_part(&mut self, ts: Timestamp, is_tcp: bool, details: &mut Details) {
        for direction in [Direction::Forward, Direction::Reverse] {
            let half = &mut self.packed.halves[direction.index()];
            half.packets = 0;
            half.ip_bytes = U48::default();
            half.wire_bytes = U48::default();
        }
        if !is_tcp {
            self.packed.clear_payload();
        }
        if self.detail == Details::NONE {
            let detail = Detail::new(self.packed.unpack(), self.first_ts);
            self.detail = details.take(detail);
        }
        if let Some(detail) = details.get_mut(self.detail) {
            detail.next_part(ts, is_tcp);
        }
    }
}
