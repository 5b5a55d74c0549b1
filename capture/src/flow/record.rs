//! What is said of a flow in the end: flat, final, owned.

use super::context::Context;
use super::detail::Detail;
use super::history::History;
use super::key::{Address, Direction, Endpoint};
use super::slab::Slot;
use super::state::Counts;
use super::tcp::{Connection, Once, TcpState};
use crate::dissect::{PROTO_TCP, PROTO_UDP, TcpFlags, Tunnel};
use crate::packet::{FrameNo, IfaceId, Span, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a record was written (as IPFIX `flowEndReason` means it, RFC 5102 section 5.11.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// It lasted longer than the active timeout and goes on (IPFIX 2, active timeout).
    Active,
    /// There was no room for it in the table (IPFIX 5, lack of resources).
    Evicted,
    /// Both ends sent a FIN (IPFIX 3, end of flow detected).
    Fin,
    /// Nothing was heard for as long as its state allows (IPFIX 1, idle timeout).
    Idle,
    /// An end sent a RST (IPFIX 3, end of flow detected).
    Reset,
    /// The capture or the file ended (IPFIX 4, forced end).
    Shutdown,
}

impl EndReason {
    /// The word in the records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Evicted => "evicted",
            Self::Fin => "fin",
            Self::Idle => "idle",
            Self::Reset => "reset",
            Self::Shutdown => "shutdown",
        }
    }
}

/// What became of a flow, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not TCP: both sides were heard.
    Answered,
    /// TCP: both sides sent a FIN.
    Closed,
    /// TCP: the handshake was seen, no FIN and no RST.
    Established,
    /// TCP: one side sent a FIN, the other did not.
    HalfClosed,
    /// TCP: SYN and SYN-ACK were seen, and nothing that completes the handshake.
    HalfOpen,
    /// TCP: no SYN was seen, no FIN and no RST.
    Midstream,
    /// TCP: the SYN was answered by a RST.
    Refused,
    /// TCP: a side sent a RST.
    Reset,
    /// Only one side was heard.
    Unanswered,
}

impl Outcome {
    /// The word in the records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Closed => "closed",
            Self::Established => "established",
            Self::HalfClosed => "half-closed",
            Self::HalfOpen => "half-open",
            Self::Midstream => "midstream",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Unanswered => "unanswered",
        }
    }
}

/// An end of a flow, by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// The side that began.
    Initiator,
    /// The other side.
    Responder,
}

impl EndedBy {
    /// The word in the records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        }
    }
}

/// How a connection went, by Zeek's `conn_state` (`scripts/base/protocols/conn/main.zeek`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnState {
    /// A SYN, and no answer. Not TCP: only the initiator was heard.
    S0,
    /// Open: not closed yet.
    S1,
    /// Closed normally by both ends. Not TCP: both sides were heard.
    Sf,
    /// The SYN was refused.
    Rej,
    /// The initiator closed; the responder did not answer that.
    S2,
    /// The responder closed; the initiator did not answer that.
    S3,
    /// Open, then reset by the initiator.
    Rsto,
    /// Reset by the responder.
    Rstr,
    /// The initiator sent a SYN and then a RST; nothing was heard of the responder.
    Rstos0,
    /// The responder sent a SYN-ACK and then a RST; no SYN was seen.
    Rstrh,
    /// The initiator sent a SYN and then a FIN; nothing was heard of the responder.
    Sh,
    /// The responder sent a SYN-ACK and then a FIN; no SYN was seen.
    Shr,
    /// No SYN was seen, or anything else; ICMP and other protocols always.
    #[default]
    Oth,
}

impl ConnState {
    /// The word in `conn.log`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::Sf => "SF",
            Self::Rej => "REJ",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
            Self::Oth => "OTH",
        }
    }
}

/// Round-trip times of one direction's segments: from the moment a segment passed until it was
/// acknowledged. Segments that were sent more than once are left out (Karn's rule, RFC 6298
/// section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RttSummary {
    /// Number of samples; the rest means nothing when it is 0.
    pub samples: u32,
    /// The shortest.
    pub min: Span,
    /// The sum of all, for the mean.
    pub sum: Span,
    /// The longest.
    pub max: Span,
    /// How often each range of times occurred.
    pub histogram: RttHistogram,
}

impl RttSummary {
    /// The mean; `None` without samples.
    #[must_use]
    pub const fn mean(&self) -> Option<Span> {
        match self.sum.0.checked_div(self.samples as u64) {
            Some(mean) => Some(Span(mean)),
            None => None,
        }
    }
}

/// Round-trip times by powers of two: bucket 0 holds those below 2^13 ns (8.2 us), bucket `n` those
/// from 2^(n + 12) ns on, the last one everything from 2^31 ns (2.1 s) on. Counts stay at their largest
/// value when they reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RttHistogram(pub [u16; Self::BUCKETS]);

impl RttHistogram {
    /// Number of buckets.
    pub const BUCKETS: usize = 20;
    /// The first bucket's upper bound is two to the power of this, ns.
    pub const FIRST_LOG2_NS: u32 = 13;

    /// The bucket of a time.
    #[must_use]
    pub const fn bucket(rtt: Span) -> usize {
        let log2 = u64::BITS - rtt.0.leading_zeros();
        let bucket = log2.saturating_sub(Self::FIRST_LOG2_NS) as usize;
        if bucket < Self::BUCKETS {
            bucket
        } else {
            Self::BUCKETS - 1
        }
    }

    /// Counts a time so many times.
    pub fn add(&mut self, rtt: Span, times: u64) {
        let count = &mut self.0[Self::bucket(rtt)];
        *count = count.saturating_add(u16::try_from(times).unwrap_or(u16::MAX));
    }

    /// The upper bound of the bucket in which this share (0 to 1) of the samples is reached; `None`
    /// without samples.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "there are fewer samples than 2^21, and none or more are wanted"
    )]
    pub fn quantile(&self, share: f64) -> Option<Span> {
        let total: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let wanted = (share * total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.0
            .iter()
            .zip(Self::FIRST_LOG2_NS..)
            .find_map(|(count, log2)| {
                seen += u64::from(*count);
                (seen >= wanted).then_some(Span(1 << log2))
            })
    }
}

/// What TCP showed of one side: of the segments that this side sent.
///
/// The counts follow Wireshark's TCP analysis (`packet-tcp.c`, `tcp_analyze_sequence_number`), one
/// pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpSide {
    /// All flags that it ever set.
    pub flags: TcpFlags,
    /// Its state at the end (RFC 9293 section 3.3.2).
    pub state: TcpState,
    /// Maximum segment size that it announced, bytes.
    pub mss: Option<u16>,
    /// Window scale that it announced (RFC 7323): a shift of 0 to 14.
    pub window_scale: Option<u8>,
    /// It announced that it takes selective acknowledgments (RFC 2018).
    pub sack_permitted: bool,
    /// It sent the timestamps option (RFC 7323).
    pub timestamps: bool,
    /// It used explicit congestion notification (RFC 3168): an ECT or CE codepoint, or ECE or CWR
    /// on a segment without SYN.
    pub ecn: bool,
    /// Times from its segments to their acknowledgments.
    pub rtt: RttSummary,
    /// Segments that were sent again, fast and spurious ones included.
    pub retransmitted_segments: u64,
    /// Their payload, bytes.
    pub retransmitted_bytes: u64,
    /// Of these, sent because of duplicate acknowledgments.
    pub fast_retransmissions: u64,
    /// Of these, sent although they had been acknowledged.
    pub spurious_retransmissions: u64,
    /// Segments that came after later ones, too soon to be sent again.
    pub out_of_order: u64,
    /// Segments before which something is missing in the capture.
    pub lost_segments: u64,
    /// Acknowledgments of what was not captured.
    pub acked_unseen: u64,
    /// Acknowledgments that it repeated.
    pub duplicate_acks: u64,
    /// Segments in which it announced a window of zero.
    pub zero_windows: u64,
    /// Probes of the other side's zero window.
    pub zero_window_probes: u64,
    /// Segments that filled the other side's window.
    pub window_full: u64,
    /// Keep-alive segments.
    pub keep_alives: u64,
}

/// One side of a flow: who, and what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Address and port.
    pub endpoint: Endpoint,
    /// Packets and bytes.
    pub counts: Counts,
    /// Of the packets, those that were captured: all, unless the kernel cut the flow short.
    pub captured_packets: u64,
    /// Of the bytes of whole frames, those that were captured: all but what the kernel cut.
    pub captured_bytes: u64,
    /// Payload in bytes as Zeek counts it (`orig_bytes`): for TCP by sequence numbers, which includes
    /// what was missed and not what was repeated; for UDP and ICMP by the length in the header.
    pub payload_bytes: u64,
    /// Payload in bytes that was acknowledged and never seen (`missed_bytes`).
    pub missed_bytes: u64,
    /// Packets whose checksum is wrong; for TCP and UDP.
    pub bad_checksums: u64,
    /// Time to live or hop limit of its first packet; 0 if there was none.
    pub initial_ttl: u8,
    /// For TCP; nothing is set for other protocols.
    pub tcp: TcpSide,
}

/// How much of the traffic was captured: one of so many packets, and of so many flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Of so many packets one was captured, by chance; 1 is all.
    pub packets: u32,
    /// Of so many flows one was captured, with all its packets; 1 is all.
    pub flows: u32,
}

impl Sampling {
    /// Everything.
    pub const ALL: Self = Self {
        packets: 1,
        flows: 1,
    };
}

/// The sampling of a run, which may change while shards work.
#[derive(Debug)]
pub struct LiveSampling(AtomicU64);

impl LiveSampling {
    /// As it begins.
    #[must_use]
    pub const fn new(sampling: Sampling) -> Self {
        Self(AtomicU64::new(Self::pack(sampling)))
    }

    /// As it is now.
    #[must_use]
    pub fn get(&self) -> Sampling {
        let both = self.0.load(Ordering::Relaxed);
        Sampling {
            packets: (both >> 32) as u32,
            flows: both as u32,
        }
    }

    /// As it is from now on.
    pub fn set(&self, sampling: Sampling) {
        self.0.store(Self::pack(sampling), Ordering::Relaxed);
    }

    const fn pack(sampling: Sampling) -> u64 {
        (sampling.packets as u64) << 32 | sampling.flows as u64
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self::ALL
    }
}

/// What both sides' TCP showed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSummary {
    /// From the last SYN to the SYN-ACK, and from there to its acknowledgment: the round trips from
    /// the observation point to the responder and to the initiator. `None` unless all three segments
    /// were seen.
    pub handshake: Option<[Span; 2]>,
}

/// What is said of a flow, in the end or in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRecord {
    /// Number of the first packet: unique within a run, and the same for any number of workers when
    /// a file is read.
    pub id: FrameNo,
    /// Which of the flow's records this is, from 0: there are several if it lasted longer than the
    /// active timeout. Packets, bytes and events of all of them add up; `history`, `conn_state` and
    /// `initial_ttl` are of the whole flow up to here.
    pub part: u32,
    /// Timestamp of the flow's first packet, in every part.
    pub flow_ts: Timestamp,
    /// Timestamp of the first packet of this part.
    pub first_ts: Timestamp,
    /// When the last packet of this part came that says something of the connection: what TCP sends
    /// after both ends have closed does not (as in Zeek).
    pub last_ts: Timestamp,
    /// Interface of the first packet.
    pub iface: IfaceId,
    /// VLAN identifiers of the first packet from the outside in.
    pub vlans: [u16; 2],
    /// VLAN tags of the first packet; of more than two the identifiers are not kept.
    pub vlan_tags: u8,
    /// What the first packet travelled in.
    pub tunnel: Option<Tunnel>,
    /// IP protocol number.
    pub protocol: u8,
    /// Who sent the first packet, or the SYN.
    pub initiator: Side,
    /// The other end.
    pub responder: Side,
    /// `None` for other protocols than TCP.
    pub tcp: Option<TcpSummary>,
    /// How it went, by Zeek's words.
    pub conn_state: ConnState,
    /// What happened in which order, by Zeek's letters.
    pub history: History,
    /// What became of it, in a word.
    pub outcome: Outcome,
    /// Who sent the first FIN, or the RST if there was one; `None` if nobody.
    pub ended_by: Option<EndedBy>,
    /// Why the record was written.
    pub end: EndReason,
    /// How much of the traffic was captured.
    pub sampling: Sampling,
}

/// A flow of which a record is written.
#[derive(Debug)]
pub(crate) struct Ended<'a, A: Address> {
    pub(crate) slot: &'a Slot<A>,
    pub(crate) detail: Option<&'a Detail>,
    pub(crate) context: &'a Context,
    /// Number of any packet of the same worker.
    pub(crate) worker: FrameNo,
    /// Why, unless the flow had ended by itself before.
    pub(crate) why: EndReason,
    /// What the kernel counted and did not copy since the last record, by direction.
    pub(crate) left_out: [Counts; 2],
    pub(crate) sampling: Sampling,
}

impl FlowRecord {
    /// The record of a flow.
    pub(crate) fn new<A: Address>(ended: &Ended<'_, A>) -> Self {
        let Slot { key, flow, .. } = ended.slot;
        let is_tcp = key.protocol() == PROTO_TCP;
        let connection = is_tcp.then(|| match ended.detail {
            Some(detail) => detail.connection,
            None => flow.packed.unpack(),
        });
        let connection = connection.as_ref();
        let originator = match (connection, ended.detail) {
            (Some(connection), _) => connection.originator,
            (None, _) => flow.packed.originator(),
        };
        let side = |direction| side(ended, connection, direction);
        let initiator = side(originator);
        let responder = side(originator.opposite());
        let role = |direction: Direction| {
            if direction == originator {
                EndedBy::Initiator
            } else {
                EndedBy::Responder
            }
        };
        let ended_by =
            connection.and_then(|connection| connection.first_rst.or(connection.first_fin));
        let end = match connection {
            _ if ended.why == EndReason::Active => EndReason::Active,
            Some(connection) if connection.first_rst.is_some() => EndReason::Reset,
            Some(connection) if connection.both_finished() => EndReason::Fin,
            _ => ended.why,
        };
        let conn_state = match connection {
            Some(connection) => connection.conn_state(),
            None if key.protocol() == PROTO_UDP => {
                let heard = |direction| flow.packed.was_heard(direction);
                match (heard(originator), heard(originator.opposite())) {
                    (true, true) => ConnState::Sf,
                    (true, false) => ConnState::S0,
                    (false, true) => ConnState::Shr,
                    (false, false) => ConnState::Oth,
                }
            }
            None => ConnState::Oth,
        };
        Self {
            id: flow.id(ended.worker),
            part: ended.detail.map_or(0, |detail| detail.part),
            flow_ts: flow.first_ts,
            first_ts: ended.detail.map_or(flow.first_ts, |detail| detail.part_ts),
            last_ts: flow.last_ts,
            iface: ended.context.iface,
            vlans: ended.context.vlans,
            vlan_tags: ended.context.vlan_tags,
            tunnel: ended.context.tunnel,
            protocol: key.protocol(),
            outcome: outcome(connection, &initiator, &responder),
            initiator,
            responder,
            tcp: connection.map(|connection| TcpSummary {
                handshake: connection.handshake.split(),
            }),
            conn_state,
            history: connection
                .map_or_else(|| flow.packed.letters(), |connection| connection.history)
                .history(),
            ended_by: ended_by.map(role),
            end,
            sampling: ended.sampling,
        }
    }

    /// From the first packet to the last; 0 if timestamps went back.
    #[must_use]
    pub fn duration(&self) -> Span {
        self.last_ts.since(self.first_ts)
    }
}

fn side<A: Address>(
    ended: &Ended<'_, A>,
    connection: Option<&Connection>,
    direction: Direction,
) -> Side {
    let Slot { key, flow, .. } = ended.slot;
    let endpoint = key.endpoints()[direction.index()];
    let counts = flow.counts(direction);
    let left_out = &ended.left_out[direction.index()];
    let captured_packets = counts.packets.saturating_sub(left_out.packets);
    let captured_bytes = counts.wire_bytes.saturating_sub(left_out.wire_bytes);
    let Some(connection) = connection else {
        return Side {
            endpoint,
            counts,
            captured_packets,
            captured_bytes,
            payload_bytes: flow.packed.payload(direction),
            missed_bytes: 0,
            bad_checksums: flow.packed.corrupt_datagrams(direction).into(),
            initial_ttl: flow.packed.rest[direction.index()].ttl,
            tcp: TcpSide::default(),
        };
    };
    let (end, peer) = (
        connection.end(direction),
        connection.end(direction.opposite()),
    );
    let (payload, bad_checksums) = ended
        .detail
        .map_or((0, 0), |detail| detail.reported(direction));
    let histogram = ended.detail.map_or_else(
        || end.rtt.histogram(),
        |detail| detail.histograms[direction.index()],
    );
    let health = &end.health;
    Side {
        endpoint,
        counts,
        captured_packets,
        captured_bytes,
        payload_bytes: end.size(peer).saturating_sub(payload),
        missed_bytes: end.missed,
        bad_checksums: end.bad_checksums.saturating_sub(bad_checksums).into(),
        initial_ttl: end.ttl,
        tcp: TcpSide {
            flags: end.flags,
            state: connection.tcp_state(direction),
            mss: (end.mss > 0).then_some(end.mss),
            window_scale: end.scale,
            sack_permitted: end.sack_permitted,
            timestamps: end.timestamps,
            ecn: end.ecn,
            rtt: end.rtt.summary(histogram),
            retransmitted_segments: health.retransmitted_segments.into(),
            retransmitted_bytes: health.retransmitted_bytes,
            fast_retransmissions: health.fast_retransmissions.into(),
            spurious_retransmissions: health.spurious_retransmissions.into(),
            out_of_order: health.out_of_order.into(),
            lost_segments: health.lost_segments.into(),
            acked_unseen: health.acked_unseen.into(),
            duplicate_acks: health.duplicate_acks.into(),
            zero_windows: health.zero_windows.into(),
            zero_window_probes: health.zero_window_probes.into(),
            window_full: health.window_full.into(),
            keep_alives: health.keep_alives.into(),
        },
    }
}

fn outcome(connection: Option<&Connection>, initiator: &Side, responder: &Side) -> Outcome {
    let answered = responder.counts.packets > 0;
    let Some(connection) = connection else {
        return if answered {
            Outcome::Answered
        } else {
            Outcome::Unanswered
        };
    };
    let syn = initiator.tcp.flags.has(TcpFlags::SYN);
    let syn_ack = responder.tcp.flags.has(TcpFlags::SYN);
    let [went_on, _] = connection.given;
    let opened = went_on & !Once::SYN.0 != 0;
    match connection.first_rst {
        Some(direction) if direction != connection.originator && syn && !syn_ack => {
            Outcome::Refused
        }
        Some(_) => Outcome::Reset,
        None if connection.both_finished() => Outcome::Closed,
        None if connection.first_fin.is_some() => Outcome::HalfClosed,
        None if !syn && !syn_ack => Outcome::Midstream,
        None if !answered => Outcome::Unanswered,
        None if syn_ack && !opened => Outcome::HalfOpen,
        None => Outcome::Established,
    }
}
