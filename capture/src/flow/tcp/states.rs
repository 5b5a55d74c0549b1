//! The TCP states of both ends (RFC 9293 section 3.3.2), as far as an observer between them can tell.
//!
//! An observer sees what was sent, not what was received, so an end's state follows from what it sent
//! and from what the other end acknowledged. An end that never said anything is CLOSED, even if it
//! listens: nothing shows it.

use super::Connection;
use super::end::{End, EndState};
use crate::dissect::TcpFlags;
use crate::flow::key::Direction;

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

impl End {
    /// Its FIN was acknowledged.
    fn is_fin_acked(&self) -> bool {
        self.fin && self.relative_ack() >= self.fin_end && self.relative_ack() < 1 << 63
    }
}

impl Connection {
    /// Both ends sent a FIN.
    pub(crate) fn both_finished(&self) -> bool {
        self.ends.iter().all(|end| end.fin)
    }

    /// An end's state.
    pub(crate) fn tcp_state(&self, direction: Direction) -> TcpState {
        let (end, peer) = (self.end(direction), self.end(direction.opposite()));
        if self.first_rst.is_some() || end.flags.0 == 0 && end.state == EndState::Inactive {
            return TcpState::Closed;
        }
        let (own_acked, others_acked) = (end.is_fin_acked(), peer.is_fin_acked());
        if !end.fin {
            return if others_acked {
                TcpState::CloseWait
            } else {
                opening_state(end, peer)
            };
        }
        let first = self.first_fin == Some(direction);
        if peer.fin && !first && !self.crossed_fins {
            return if own_acked {
                TcpState::Closed
            } else {
                TcpState::LastAck
            };
        }
        match (own_acked, others_acked) {
            (true, true) => TcpState::TimeWait,
            (true, false) => TcpState::FinWait2,
            (false, true) => TcpState::Closing,
            (false, false) => TcpState::FinWait1,
        }
    }
}

/// The state of an end that did not close.
fn opening_state(end: &End, peer: &End) -> TcpState {
    if !end.flags.has(TcpFlags::SYN) {
        return TcpState::Established;
    }
    if !end.flags.has(TcpFlags::ACK) {
        return TcpState::SynSent;
    }
    let acked = end.relative_ack();
    if peer.flags.has(TcpFlags::ACK) && (1..1 << 63).contains(&acked) {
        TcpState::Established
    } else {
        TcpState::SynReceived
    }
}
