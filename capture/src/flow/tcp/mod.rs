//! A TCP connection as an observer between its ends sees it.
//!
//! One tracker says what Zeek's `conn.log` says (states, letters, payload, gaps), what Wireshark's
//! analysis says (retransmissions and the like), and what RFC 9293 calls the states. It is written for
//! exactness: a slot of the table keeps a shorter form (`packed.rs`), and unpacks it for all but the
//! plainest segments.
//!
//! - `end.rs` what is kept of one end
//! - `lifecycle.rs` Zeek's states and letters
//! - `order.rs`, `islands.rs` what arrived out of order, what never arrived
//! - `analysis.rs` Wireshark's analysis
//! - `timing.rs` round-trip times
//! - `states.rs` the states of RFC 9293

mod analysis;
mod end;
mod islands;
mod lifecycle;
mod order;
mod states;
mod timing;

pub(crate) use analysis::{Analysis, Health};
pub(crate) use end::{End, EndState};
pub(crate) use islands::Islands;
pub use states::TcpState;
pub(crate) use timing::{Handshake, Rtt, ShortSpan, Ticks, Timing};

use super::history::{Letter, Letters};
use super::key::Direction;
use crate::dissect::{Checksum, Ip, Tcp, TcpFlags};
use crate::packet::{Span, Timestamp};
pub(crate) use order::is_power_of_ten;

/// Both ends of a TCP connection, and what they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// By direction of the key; who is who says `originator`.
    pub(crate) ends: [End; 2],
    /// The direction in which the originator sends: who sent the first packet, unless roles were
    /// flipped since.
    pub(crate) originator: Direction,
    /// The beginning was not captured.
    pub(crate) partial: bool,
    /// Packets of the originator, of the responder were seen.
    pub(crate) seen: [bool; 2],
    /// Which letters were given, by role (see [`Once`]).
    pub(crate) given: [u8; 2],
    /// Not reset by an end that was open: such connections linger until they are silent.
    pub(crate) active: bool,
    /// An end closed while data was pending.
    pub(crate) close_deferred: bool,
    /// The closing is complete: the connection is over, and lingers for what still comes.
    pub(crate) closed: bool,
    /// Who sent the first FIN, and the first RST.
    pub(crate) first_fin: Option<Direction>,
    pub(crate) first_rst: Option<Direction>,
    /// The second FIN was sent without acknowledging the first.
    pub(crate) crossed_fins: bool,
    pub(crate) history: Letters,
    pub(crate) handshake: Handshake,
}

/// Letters that are given once for each role, or again only for another sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Once(pub(crate) u8);

impl Once {
    pub(crate) const SYN: Self = Self(0x01);
    pub(crate) const FIN: Self = Self(0x02);
    pub(crate) const RST: Self = Self(0x04);
    pub(crate) const FIN_RST: Self = Self(0x08);
    pub(crate) const DATA: Self = Self(0x10);
    pub(crate) const ACK: Self = Self(0x20);
    pub(crate) const SEVERAL: Self = Self(0x40);
    pub(crate) const ALL_BITS: u32 = 7;
}

/// A segment's arrival.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) segment: &'a Tcp,
    pub(crate) ip: &'a Ip,
    pub(crate) checksum: Checksum,
    pub(crate) sender: Direction,
    pub(crate) ts: Timestamp,
    /// Since the connection's first packet.
    pub(crate) since_first: Span,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its checksum is wrong: nothing of it is believed, and it is not counted.
    Corrupt,
    /// It belongs to the connection, but came after both ends had closed.
    Late,
    /// It belongs to the connection.
    Counted,
    /// It belongs to the connection, and closed it.
    Closing,
}

/// What came of following a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    pub(crate) verdict: Verdict,
    /// A round-trip time of the other side's, microseconds.
    pub(crate) rtt_us: Option<u32>,
}

impl Connection {
    /// A connection whose first segment is about to come.
    #[inline(always)]
    pub(crate) fn new(originator: Direction) -> Self {
        Self {
            ends: [End::NEW; 2],
            originator,
            partial: false,
            seen: [false; 2],
            given: [0; 2],
            active: true,
            close_deferred: false,
            closed: false,
            first_fin: None,
            first_rst: None,
            crossed_fins: false,
            history: Letters::default(),
            handshake: Handshake::None,
        }
    }

    /// The sender's end and the other one.
    #[inline(always)]
    pub(crate) fn pair(&mut self, sender: Direction) -> [&mut End; 2] {
        let [forward, reverse] = &mut self.ends;
        match sender {
            Direction::Forward => [forward, reverse],
            Direction::Reverse => [reverse, forward],
        }
    }

    pub(crate) fn end(&self, direction: Direction) -> &End {
        let [forward, reverse] = &self.ends;
        match direction {
            Direction::Forward => forward,
            Direction::Reverse => reverse,
        }
    }

    /// Gives a letter, in the case of whoever sends this way.
    pub(super) fn letter(&mut self, sender: Direction, letter: Letter) {
        self.history.push(letter, sender != self.originator);
    }

    /// Takes a segment.
    pub(crate) fn on_segment(
        &mut self,
        arrival: &Arrival<'_>,
        timing: Timing,
        islands: &mut Islands,
    ) -> Followed {
        let Arrival {
            segment,
            ip,
            sender,
            ts,
            ..
        } = *arrival;
        if arrival.checksum == Checksum::Bad {
            let end = &mut self.ends[sender.index()];
            end.bad_checksums = end.bad_checksums.wrapping_add(1);
            if is_power_of_ten(end.bad_checksums) {
                self.letter(sender, Letter::C);
            }
            return Followed {
                verdict: Verdict::Corrupt,
                rtt_us: None,
            };
        }
        let now = Ticks::of(ts);
        let events = self.analyze(segment, sender, now);
        let rtt_us = self.time_segment(segment, sender, now, events, timing);
        self.note_endings(segment, sender);
        let closed_before = self.closed_ends();
        self.advance(segment, sender, islands);
        // Roles and starts are known now.
        self.time_handshake(segment, sender, ts, arrival.since_first);
        self.ends[sender.index()].note(segment, ip);
        let verdict = if self.closed && self.closed_ends() > closed_before {
            Verdict::Closing
        } else if closed_before == 2 {
            Verdict::Late
        } else {
            Verdict::Counted
        };
        Followed { verdict, rtt_us }
    }

    fn closed_ends(&self) -> usize {
        self.ends.iter().filter(|end| end.did_close).count()
    }

    /// Who sent the first FIN and RST.
    fn note_endings(&mut self, segment: &Tcp, sender: Direction) {
        let flags = segment.flags;
        if flags.has(TcpFlags::RST) {
            self.first_rst.get_or_insert(sender);
        }
        if flags.has(TcpFlags::FIN) {
            match self.first_fin {
                None => self.first_fin = Some(sender),
                Some(first) if first != sender && !self.end(sender).fin => {
                    let peer = self.end(first);
                    let acked = peer.relative_near(segment.ack, peer.ack, peer.ack_wraps);
                    self.crossed_fins =
                        !flags.has(TcpFlags::ACK) || acked.is_ok_and(|acked| acked < peer.fin_end);
                }
                Some(_) => {}
            }
        }
    }
}

impl End {
    /// What a segment says beside its sequence numbers.
    fn note(&mut self, segment: &Tcp, ip: &Ip) {
        const ECE_CWR: u8 = 0xc0;
        let flags = segment.flags;
        if self.flags.0 == 0 && self.ttl == 0 {
            self.ttl = ip.ttl;
        }
        self.flags = self.flags.with(flags);
        if flags.has(TcpFlags::SYN) {
            if let Some(mss) = segment.options.mss {
                self.mss = mss;
            }
            if segment.options.window_scale.is_some() {
                self.scale = segment.options.window_scale;
            }
            self.sack_permitted |= segment.options.sack_permitted;
        } else {
            self.ecn |= flags.0 & ECE_CWR != 0;
        }
        self.ecn |= ip.ecn != 0;
        self.timestamps |= segment.options.timestamps;
    }
}
