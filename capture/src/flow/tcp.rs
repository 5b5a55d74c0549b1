//! The TCP states of both ends (RFC 9293 section 3.3.2), as far as an observer between them can tell.
//!
//! An observer sees what was sent, not what was received, so an end's state moves on what that end
//! sends, and on what the other end acknowledges. An end that never said anything stays CLOSED, even
//! if it listens: nothing shows it.

use super::key::Direction;
use crate::dissect::{Tcp, TcpFlags};
use crate::packet::Timestamp;

/// State of one end of a connection, by the names of RFC 9293.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TcpState {
    /// No connection, as far as could be seen.
    #[default]
    Closed,
    /// Sent a SYN, no answer seen.
    SynSent,
    /// Sent a SYN-ACK, no acknowledgment seen.
    SynReceived,
    /// The connection is open.
    Established,
    /// Sent a FIN that is not yet acknowledged.
    FinWait1,
    /// Its FIN is acknowledged; the other end may still send.
    FinWait2,
    /// Acknowledged the other end's FIN and may still send.
    CloseWait,
    /// Both sent a FIN, neither end's is acknowledged.
    Closing,
    /// Sent its FIN after the other end's; waits for the acknowledgment.
    LastAck,
    /// Everything was acknowledged; this end closed first.
    TimeWait,
}

impl TcpState {
    /// The name in RFC 9293.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        }
    }
}

/// What is kept of one end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TcpEnd {
    /// State of this end.
    pub(crate) state: TcpState,
    /// All flags that this end ever set.
    pub(crate) flags: TcpFlags,
    /// Bits of `TcpEnd::*_SEEN`.
    seen: u8,
    /// Sequence number behind this end's FIN; valid with `FIN_SEEN`.
    fin_end: u32,
    /// First sequence number of this end's SYN; valid with `SYN_SEEN`.
    isn: u32,
}

impl TcpEnd {
    const SYN_SEEN: u8 = 1;
    const FIN_SEEN: u8 = 2;
    const FIN_ACKED: u8 = 4;

    fn saw(self, bit: u8) -> bool {
        self.seen & bit != 0
    }
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nobody yet.
    Open,
    /// This direction's sender sent the first FIN; nobody a RST.
    Fin(Direction),
    /// This direction's sender sent the first RST.
    Rst(Direction),
}

/// Both ends of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpConnection {
    ends: [TcpEnd; 2],
    ending: Ending,
    /// Most recent SYN without ACK; zero if none was seen.
    syn_ts: Timestamp,
    /// From that SYN to the first SYN-ACK, ns, and from there to its acknowledgment; `u32::MAX` for
    /// unknown (or more than 4.29 s).
    syn_ack_after_ns: u32,
    ack_after_ns: u32,
}

/// Sequence numbers are ordered within half of their space (RFC 9293 section 3.4).
fn seq_at_or_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) < 0x8000_0000
}

impl TcpConnection {
    const UNKNOWN_NS: u32 = u32::MAX;

    pub(crate) const fn new() -> Self {
        const END: TcpEnd = TcpEnd {
            state: TcpState::Closed,
            flags: TcpFlags(0),
            seen: 0,
            fin_end: 0,
            isn: 0,
        };
        Self {
            ends: [END; 2],
            ending: Ending::Open,
            syn_ts: Timestamp(0),
            syn_ack_after_ns: Self::UNKNOWN_NS,
            ack_after_ns: Self::UNKNOWN_NS,
        }
    }

    pub(crate) fn end(&self, direction: Direction) -> &TcpEnd {
        let [forward, reverse] = &self.ends;
        match direction {
            Direction::Forward => forward,
            Direction::Reverse => reverse,
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending
    }

    /// SYN to SYN-ACK and SYN-ACK to ACK, both in ns, once the handshake was seen as a whole.
    pub(crate) fn handshake_ns(&self) -> Option<(u32, u32)> {
        (self.ack_after_ns != Self::UNKNOWN_NS && self.syn_ack_after_ns != Self::UNKNOWN_NS)
            .then_some((self.syn_ack_after_ns, self.ack_after_ns))
    }

    /// Neither end has anything left to say: reset, or both FINs were sent and acknowledged.
    pub(crate) fn is_closed(&self) -> bool {
        match self.ending {
            Ending::Open => false,
            Ending::Fin(_) => self.ends.iter().all(|end| end.saw(TcpEnd::FIN_ACKED)),
            Ending::Rst(_) => true,
        }
    }

    /// Both ends sent a FIN.
    pub(crate) fn both_finished(&self) -> bool {
        self.ends.iter().all(|end| end.saw(TcpEnd::FIN_SEEN))
    }

    /// The handshake is not complete: nothing here that a flood of made-up SYNs would not also cause.
    pub(crate) fn is_embryonic(&self) -> bool {
        let [a, b] = &self.ends;
        matches!(
            (a.state, b.state),
            (
                TcpState::SynSent,
                TcpState::Closed | TcpState::SynSent | TcpState::SynReceived
            ) | (TcpState::Closed | TcpState::SynReceived, TcpState::SynSent)
        )
    }

    /// A SYN that cannot belong to this connection: it is over, and the SYN begins another one with
    /// the same ports.
    pub(crate) fn is_reused_by(&self, segment: &Tcp, direction: Direction) -> bool {
        if !segment.flags.has(TcpFlags::SYN) || segment.flags.has(TcpFlags::ACK) {
            return false;
        }
        let end = self.end(direction);
        // A retransmitted SYN that was answered by RST stays with the connection it began.
        let repeated = end.saw(TcpEnd::SYN_SEEN) && end.isn == segment.seq;
        // The last acknowledgment may have been lost: two FINs end a connection all the same.
        (self.is_closed() || self.both_finished()) && !repeated
    }

    /// A segment from `direction`'s sender.
    #[inline]
    pub(crate) fn on_segment(&mut self, segment: &Tcp, direction: Direction, ts: Timestamp) {
        let flags = segment.flags;
        let (sender, receiver) = match &mut self.ends {
            [forward, reverse] => match direction {
                Direction::Forward => (forward, reverse),
                Direction::Reverse => (reverse, forward),
            },
        };
        sender.flags = sender.flags.with(flags);
        // The common case first: data and acknowledgments on an open connection.
        const CONTROL: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0;
        if flags.0 & CONTROL == 0
            && sender.state == TcpState::Established
            && receiver.state == TcpState::Established
        {
            return;
        }
        if flags.has(TcpFlags::RST) {
            if !matches!(self.ending, Ending::Rst(_)) {
                self.ending = Ending::Rst(direction);
            }
            sender.state = TcpState::Closed;
            receiver.state = TcpState::Closed;
            return;
        }
        if matches!(self.ending, Ending::Rst(_)) {
            return;
        }
        if flags.has(TcpFlags::SYN) {
            if !sender.saw(TcpEnd::SYN_SEEN) {
                sender.isn = segment.seq;
                sender.seen |= TcpEnd::SYN_SEEN;
            }
            if !flags.has(TcpFlags::ACK) {
                if sender.state == TcpState::Closed {
                    sender.state = TcpState::SynSent;
                }
                if sender.state == TcpState::SynSent {
                    // Again: what was measured of an earlier try is not the handshake's (Karn's rule,
                    // RFC 6298 section 3).
                    self.syn_ts = ts;
                    self.syn_ack_after_ns = Self::UNKNOWN_NS;
                }
                return;
            }
            if matches!(sender.state, TcpState::Closed | TcpState::SynSent) {
                sender.state = TcpState::SynReceived;
            }
            if sender.state == TcpState::SynReceived
                && receiver.state == TcpState::SynSent
                && self.syn_ack_after_ns == Self::UNKNOWN_NS
            {
                self.syn_ack_after_ns = span_ns(ts, self.syn_ts);
            }
        }
        if flags.has(TcpFlags::ACK) {
            on_ack(sender, receiver, segment.ack);
            if self.ack_after_ns == Self::UNKNOWN_NS
                && self.syn_ack_after_ns != Self::UNKNOWN_NS
                && !flags.has(TcpFlags::SYN)
                && receiver.state == TcpState::Established
                && receiver.isn.wrapping_add(1) == segment.ack
                && receiver.flags.has(TcpFlags::SYN.with(TcpFlags::ACK))
            {
                self.ack_after_ns = span_ns(ts, self.syn_ts).saturating_sub(self.syn_ack_after_ns);
            }
        }
        if flags.has(TcpFlags::FIN) {
            if sender.seen & TcpEnd::FIN_SEEN == 0 {
                sender.seen |= TcpEnd::FIN_SEEN;
                sender.fin_end = segment.seq.wrapping_add(segment.seq_len());
                if self.ending == Ending::Open {
                    self.ending = Ending::Fin(direction);
                }
            }
            sender.state = match sender.state {
                TcpState::Closed
                | TcpState::SynSent
                | TcpState::SynReceived
                | TcpState::Established => TcpState::FinWait1,
                TcpState::CloseWait => TcpState::LastAck,
                later => later,
            };
        } else if sender.state == TcpState::Closed && sender.seen == 0 {
            // The middle of a connection whose beginning was not captured.
            sender.state = TcpState::Established;
        }
    }
}

/// What `sender`'s acknowledgment number says of both ends.
fn on_ack(sender: &mut TcpEnd, receiver: &mut TcpEnd, ack: u32) {
    if receiver.saw(TcpEnd::SYN_SEEN) && seq_at_or_after(ack, receiver.isn.wrapping_add(1)) {
        if sender.state == TcpState::SynSent {
            // It answers a SYN-ACK. (In a simultaneous open, RFC 9293 section 3.5, both ends pass
            // through SYN-RECEIVED, and each is established by the other's acknowledgment.)
            sender.state = TcpState::Established;
        }
        if receiver.state == TcpState::SynReceived {
            receiver.state = TcpState::Established;
        }
    }
    if receiver.saw(TcpEnd::FIN_SEEN)
        && !receiver.saw(TcpEnd::FIN_ACKED)
        && seq_at_or_after(ack, receiver.fin_end)
    {
        receiver.seen |= TcpEnd::FIN_ACKED;
        receiver.state = match receiver.state {
            TcpState::FinWait1 => TcpState::FinWait2,
            TcpState::Closing => TcpState::TimeWait,
            TcpState::LastAck => TcpState::Closed,
            same => same,
        };
        sender.state = match sender.state {
            TcpState::Established | TcpState::SynReceived | TcpState::Closed => TcpState::CloseWait,
            TcpState::FinWait1 => TcpState::Closing,
            TcpState::FinWait2 => TcpState::TimeWait,
            same => same,
        };
    }
}

fn span_ns(later: Timestamp, earlier: Timestamp) -> u32 {
    u32::try_from(later.since(earlier).0).unwrap_or(TcpConnection::UNKNOWN_NS)
}
