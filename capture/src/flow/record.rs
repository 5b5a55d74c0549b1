//! What is said of a flow in the end: flat, final, owned.

use super::key::{Address, Direction, Endpoint};
use super::slab::Slot;
use super::state::{Counts, Flow};
use super::tcp::{Ending, TcpState};
use crate::dissect::TcpFlags;
use crate::packet::{FrameNo, IfaceId, Span, Timestamp};

/// Why a record was written (as IPFIX `flowEndReason` means it, RFC 5102 section 5.11.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
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

/// What TCP showed of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSummary {
    /// All flags that the initiator ever set.
    pub initiator_flags: TcpFlags,
    /// All flags that the responder ever set.
    pub responder_flags: TcpFlags,
    /// The initiator's state at the end.
    pub initiator_state: TcpState,
    /// The responder's state at the end.
    pub responder_state: TcpState,
    /// From the last SYN to the SYN-ACK, and from there to its acknowledgment: the round trips from
    /// the observation point to the responder and to the initiator. `None` unless all three segments
    /// were seen, within 4.29 s each.
    pub handshake: Option<[Span; 2]>,
}

/// What is said of a flow in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRecord {
    /// Number of the first packet: unique within a run, and the same for any number of workers when
    /// a file is read.
    pub id: FrameNo,
    /// Timestamp of the first packet.
    pub first_ts: Timestamp,
    /// Largest timestamp of a packet.
    pub last_ts: Timestamp,
    /// Interface of the first packet.
    pub iface: IfaceId,
    /// VLAN identifiers of the first packet from the outside in.
    pub vlans: [u16; 2],
    /// VLAN tags of the first packet; of more than two the identifiers are not kept.
    pub vlan_tags: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// Who sent the first packet, or the SYN.
    pub initiator: Endpoint,
    /// The other end.
    pub responder: Endpoint,
    /// What the initiator sent.
    pub initiator_counts: Counts,
    /// What the responder sent.
    pub responder_counts: Counts,
    /// `None` for other protocols than TCP.
    pub tcp: Option<TcpSummary>,
    /// What became of it.
    pub outcome: Outcome,
    /// Who sent the first FIN, or the RST if there was one; `None` if nobody.
    pub ended_by: Option<EndedBy>,
    /// Why the record was written.
    pub end: EndReason,
}

impl FlowRecord {
    /// The record of the flow in this slot.
    ///
    /// `why` holds unless the flow had ended by itself before.
    pub(crate) fn new<A: Address>(slot: &Slot<A>, is_tcp: bool, why: EndReason) -> Self {
        let Slot { key, flow, .. } = slot;
        let initiator_sends = flow.initiator;
        let responder_sends = flow.initiator.opposite();
        let [first, second] = key.endpoints();
        let (initiator, responder) = match initiator_sends {
            Direction::Forward => (first, second),
            Direction::Reverse => (second, first),
        };
        let role = |direction: Direction| {
            if direction == initiator_sends {
                EndedBy::Initiator
            } else {
                EndedBy::Responder
            }
        };
        let ended_by = match flow.tcp.ending() {
            Ending::Open => None,
            Ending::Fin(direction) | Ending::Rst(direction) => Some(role(direction)),
        };
        let end = match flow.tcp.ending() {
            Ending::Rst(_) => EndReason::Reset,
            Ending::Fin(_) if flow.tcp.both_finished() => EndReason::Fin,
            _ => why,
        };
        let tcp = is_tcp.then(|| TcpSummary {
            initiator_flags: flow.tcp.end(initiator_sends).flags,
            responder_flags: flow.tcp.end(responder_sends).flags,
            initiator_state: flow.tcp.end(initiator_sends).state,
            responder_state: flow.tcp.end(responder_sends).state,
            handshake: flow
                .tcp
                .handshake_ns()
                .map(|(syn_ack, ack)| [Span(u64::from(syn_ack)), Span(u64::from(ack))]),
        });
        Self {
            id: flow.id,
            first_ts: flow.first_ts,
            last_ts: flow.last_ts,
            iface: flow.iface,
            vlans: flow.vlans,
            vlan_tags: flow.vlan_tags,
            protocol: key.protocol(),
            initiator,
            responder,
            initiator_counts: *flow.counts(initiator_sends),
            responder_counts: *flow.counts(responder_sends),
            outcome: outcome(flow, tcp.as_ref()),
            tcp,
            ended_by,
            end,
        }
    }

    /// From the first packet to the last.
    #[must_use]
    pub fn duration(&self) -> Span {
        self.last_ts.since(self.first_ts)
    }
}

fn outcome(flow: &Flow, tcp: Option<&TcpSummary>) -> Outcome {
    let answered = flow.counts(flow.initiator.opposite()).packets > 0;
    let Some(tcp) = tcp else {
        return if answered {
            Outcome::Answered
        } else {
            Outcome::Unanswered
        };
    };
    let syn = tcp.initiator_flags.has(TcpFlags::SYN);
    let syn_ack = tcp.responder_flags.has(TcpFlags::SYN);
    match flow.tcp.ending() {
        Ending::Rst(direction) if direction != flow.initiator && syn && !syn_ack => {
            Outcome::Refused
        }
        Ending::Rst(_) => Outcome::Reset,
        Ending::Fin(_) if flow.tcp.both_finished() => Outcome::Closed,
        Ending::Fin(_) => Outcome::HalfClosed,
        Ending::Open if !syn && !syn_ack => Outcome::Midstream,
        Ending::Open if flow.tcp.is_embryonic() && syn_ack => Outcome::HalfOpen,
        Ending::Open if !answered => Outcome::Unanswered,
        // Only a SYN-ACK was caught of the handshake, and nothing after it.
        Ending::Open if tcp.responder_state == TcpState::SynReceived => Outcome::HalfOpen,
        Ending::Open => Outcome::Established,
    }
}
