//! States and letters of a connection, by Zeek's rules (`TCPSessionAdapter.cc`, `TCP_Endpoint.cc`).

use super::end::{End, EndState};
use super::islands::Islands;
use super::order::is_power_of_ten;
use super::{Connection, Once};
use crate::dissect::{Tcp, TcpFlags};
use crate::flow::history::{Letter, Letters};
use crate::flow::key::Direction;
use crate::flow::record::ConnState;

/// Sequence numbers of SYN and RST, and acknowledgments of 0, that are further off are not believed.
const TOO_FAR: i32 = 1 << 20;

/// Sequence numbers that a segment occupies; the payload of a RST is no part of the stream.
const fn occupied(segment: &Tcp) -> u32 {
    let control = segment.flags.has(TcpFlags::SYN) as u32 + segment.flags.has(TcpFlags::FIN) as u32;
    if segment.flags.has(TcpFlags::RST) {
        control
    } else {
        segment.payload_len + control
    }
}

impl Connection {
    /// Exchanges originator and responder.
    pub(crate) fn flip(&mut self) {
        self.originator = self.originator.opposite();
        self.seen.reverse();
        self.partial = false;
        self.history.push(Letter::Flip, false);
    }

    fn role(&self, sender: Direction) -> usize {
        usize::from(sender != self.originator)
    }

    /// Whether this SYN begins another connection with the same ports.
    pub(crate) fn is_reused_by(&self, segment: &Tcp) -> bool {
        // Before its first segment there was nothing but parts of it.
        if !segment.flags.has(TcpFlags::SYN) || self.history == Letters::default() {
            return false;
        }
        let originator = self.end(self.originator);
        let responder = self.end(self.originator.opposite());
        let compared = if segment.flags.has(TcpFlags::ACK) {
            if originator.state != EndState::Inactive {
                return false;
            }
            responder
        } else {
            originator
        };
        if originator.did_close || responder.did_close {
            return true;
        }
        if segment.seq == compared.start {
            return false;
        }
        // SYN and SYN-ACK came in the wrong order.
        let reversed = !segment.flags.has(TcpFlags::ACK)
            && compared.state == EndState::SynAckSent
            && responder.state == EndState::Inactive
            && segment.seq == responder.start;
        !reversed
    }

    /// Follows a segment.
    pub(super) fn advance(&mut self, segment: &Tcp, sender: Direction, islands: &mut Islands) {
        let Tcp {
            seq, ack, flags, ..
        } = *segment;
        let (is_syn, is_ack) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::ACK));
        let is_rst = flags.has(TcpFlags::RST);
        let from_originator = sender == self.originator;
        if !self.seen[self.role(sender)] {
            if from_originator {
                self.partial = !is_syn || is_ack;
            } else if !self.partial {
                self.partial = !is_syn;
            }
        }
        let behind = seq.wrapping_add(occupied(segment));
        let [end, _] = self.pair(sender);
        end.begin(segment, behind);
        let relative = end.relative_near(seq, end.last, end.last_wraps);
        let (Ok(at) | Err(at)) = relative;
        self.letters(segment, sender, at);

        let [end, peer] = self.pair(sender);
        if segment.window == 0
            && !is_rst
            && peer.state != EndState::Closed
            && end.state != EndState::Reset
        {
            end.zero_windows = end.zero_windows.wrapping_add(1);
            if is_power_of_ten(end.zero_windows) {
                self.letter(sender, Letter::W);
            }
        }
        let [end, peer] = self.pair(sender);
        if flags.has(TcpFlags::FIN) {
            end.fin = true;
            end.fin_end = at.wrapping_add(u64::from(occupied(segment)));
        }
        let mut acked = 0;
        if is_ack {
            if peer.state == EndState::Inactive {
                // As if there had been a SYN.
                peer.restart(ack.wrapping_sub(1), ack.wrapping_sub(1));
                acked = 1;
            } else if let Ok(relative) = peer.relative_near(ack, peer.ack, peer.ack_wraps) {
                acked = relative;
                // A RST's acknowledgment is not believed.
                let delta = ack.wrapping_sub(peer.ack).cast_signed();
                if !is_rst && delta > 0 && (ack != 0 || delta <= TOO_FAR) {
                    peer.advance_ack(ack);
                }
            }
        }
        let repeated = end.extend(segment, behind);
        if repeated {
            end.repeats = end.repeats.wrapping_add(1);
            if is_power_of_ten(end.repeats) {
                self.letter(sender, Letter::T);
            }
        }
        let closes = self.transition(segment, sender, from_originator);
        if is_ack {
            self.on_acked(sender.opposite(), acked, islands);
        }
        self.seen[usize::from(!from_originator)] = true;
        if segment.payload_len > 0 && segment.captured && !is_rst && relative.is_ok() {
            let from = at + u64::from(is_syn);
            let to = from + u64::from(segment.payload_len);
            self.on_data(sender, from, to, islands);
        }
        self.check_end(sender);
        if closes {
            self.close(sender);
        }
    }

    /// Gives the letter of a segment that begins at the relative sequence number `at`.
    fn letters(&mut self, segment: &Tcp, sender: Direction, at: u64) {
        let flags = segment.flags;
        let has = |flag| flags.has(flag);
        let control = u8::from(has(TcpFlags::SYN))
            + u8::from(has(TcpFlags::FIN))
            + u8::from(has(TcpFlags::RST));
        match control {
            0 if segment.payload_len > 0 => {
                self.expect_traffic();
                self.once(sender, Once::DATA, Letter::D);
            }
            0 if has(TcpFlags::ACK) => {
                self.expect_traffic();
                self.once(sender, Once::ACK, Letter::A);
            }
            0 => {}
            1 if has(TcpFlags::SYN) => {
                let letter = if has(TcpFlags::ACK) {
                    Letter::H
                } else {
                    Letter::S
                };
                let given = self.once(sender, Once::SYN, letter);
                let last = std::mem::replace(&mut self.ends[sender.index()].last_syn, at);
                if given && last != at {
                    self.letter(sender, letter);
                }
            }
            1 if has(TcpFlags::FIN) => {
                let behind = at.wrapping_add(u64::from(segment.payload_len));
                let given = self.once(sender, Once::FIN, Letter::F);
                let last = std::mem::replace(&mut self.ends[sender.index()].last_fin, behind);
                if given && last != behind {
                    self.letter(sender, Letter::F);
                }
            }
            1 => {
                let given = self.once(sender, Once::RST, Letter::R);
                let last = std::mem::replace(&mut self.ends[sender.index()].last_rst, at);
                if given && last != at {
                    self.letter(sender, Letter::R);
                }
            }
            _ if has(TcpFlags::FIN) && has(TcpFlags::RST) => {
                self.once(sender, Once::FIN_RST, Letter::I);
            }
            _ => {
                self.once(sender, Once::SEVERAL, Letter::Q);
            }
        }
    }

    /// A stream that begins with a SYN-ACK is taken for a scan until real traffic follows: then its
    /// sender is the responder.
    fn expect_traffic(&mut self) {
        if self.history.is_only(Letter::H) {
            self.flip();
            self.history.clear();
            self.history.push(Letter::Flip, false);
            self.history.push(Letter::H, true);
            self.seen[0] = true;
        }
    }

    /// Gives a letter unless this role has had it; says whether it has.
    fn once(&mut self, sender: Direction, once: Once, letter: Letter) -> bool {
        let given = &mut self.given[usize::from(sender != self.originator)];
        if *given & once.0 != 0 {
            return true;
        }
        *given |= once.0;
        self.letter(sender, letter);
        false
    }

    /// Moves the sender's state; says whether its end is to be closed.
    fn transition(&mut self, segment: &Tcp, sender: Direction, from_originator: bool) -> bool {
        let flags = segment.flags;
        let (is_fin, is_rst) = (flags.has(TcpFlags::FIN), flags.has(TcpFlags::RST));
        match self.end(sender).state {
            EndState::Inactive => self.leave_inactive(segment, sender, from_originator),
            EndState::SynSent | EndState::SynAckSent => {
                let [end, _] = self.pair(sender);
                if is_fin {
                    end.enter(EndState::Closed);
                }
                if is_rst {
                    end.enter(EndState::Reset);
                    self.active = false;
                }
                is_fin || is_rst
            }
            EndState::Established | EndState::Partial => {
                let [end, peer] = self.pair(sender);
                if flags.has(TcpFlags::SYN)
                    && !flags.has(TcpFlags::ACK)
                    && end.state == EndState::Partial
                    && peer.state == EndState::Inactive
                {
                    end.enter(EndState::SynSent);
                }
                if is_fin && !is_rst {
                    end.enter(EndState::Closed);
                    if peer.state == EndState::Reset && peer.prev == EndState::Closed {
                        // FIN and then RST: that was a normal end after all.
                        peer.enter(EndState::Closed);
                    }
                }
                if is_rst {
                    end.enter(EndState::Reset);
                    if peer.state != EndState::Reset || peer.prev != EndState::Established {
                        self.active = false;
                    }
                }
                is_fin || is_rst
            }
            EndState::Closed => {
                let [end, peer] = self.pair(sender);
                if is_rst && peer.state != EndState::Closed {
                    end.enter(EndState::Reset);
                    return !end.did_close;
                }
                false
            }
            EndState::Reset => false,
        }
    }

    fn leave_inactive(&mut self, segment: &Tcp, sender: Direction, from_originator: bool) -> bool {
        let flags = segment.flags;
        let is_ack = flags.has(TcpFlags::ACK);
        if flags.has(TcpFlags::SYN) {
            if from_originator {
                let [end, _] = self.pair(sender);
                end.enter(if is_ack {
                    EndState::SynAckSent
                } else {
                    EndState::SynSent
                });
            } else {
                let [end, peer] = self.pair(sender);
                if !is_ack && peer.state == EndState::SynAckSent && segment.seq == end.start {
                    peer.enter(EndState::Established);
                    self.partial = false;
                    self.flip();
                    self.seen[0] = true;
                }
                let [end, peer] = self.pair(sender);
                if peer.state == EndState::SynSent {
                    peer.enter(EndState::Established);
                }
                end.enter(EndState::Established);
            }
        }
        let (is_fin, is_rst) = (flags.has(TcpFlags::FIN), flags.has(TcpFlags::RST));
        let originator_state = self.end(self.originator).state;
        let [end, peer] = self.pair(sender);
        if is_fin {
            end.enter(EndState::Closed);
        }
        if is_rst {
            end.enter(EndState::Reset);
        }
        if end.state == EndState::Inactive {
            if !from_originator && segment.payload_len == 0 && originator_state == EndState::SynSent
            {
                // Some acknowledge a SYN before they answer it.
            } else if is_ack && peer.state == EndState::Established {
                // The SYN was missed, the SYN-ACK was not.
                end.enter(EndState::Established);
                self.partial = false;
                self.seen[usize::from(!from_originator)] = true;
            } else {
                end.enter(EndState::Partial);
            }
        }
        is_fin || is_rst
    }

    /// Closes the sender's end, now or when nothing of it is pending.
    pub(super) fn close(&mut self, sender: Direction) {
        if self.is_data_pending(sender) {
            self.close_deferred = true;
            return;
        }
        self.close_deferred = false;
        let [end, peer] = self.pair(sender);
        if end.did_close {
            return;
        }
        end.did_close = true;
        if end.state == EndState::Reset || peer.did_close || peer.state == EndState::Inactive {
            self.closed = true;
        }
    }

    /// Zeek's word for how it went.
    pub(crate) fn conn_state(&self) -> ConnState {
        let originator = self.end(self.originator);
        let responder = self.end(self.originator.opposite());
        let (o, r) = (originator.state, responder.state);
        let silent = |state| matches!(state, EndState::Inactive | EndState::Partial);
        match (o, r) {
            (EndState::SynSent | EndState::SynAckSent, EndState::Reset) => ConnState::Rej,
            (EndState::Reset, EndState::Reset)
                if originator.size(responder) == 0 && responder.size(originator) == 0 =>
            {
                ConnState::Rej
            }
            (_, EndState::Reset) if silent(o) => ConnState::Rstrh,
            (_, EndState::Reset) => ConnState::Rstr,
            (EndState::Reset, _) if silent(r) => {
                if self.is_syn_then_rst() {
                    ConnState::Rstos0
                } else {
                    ConnState::Oth
                }
            }
            (EndState::Reset, _) => ConnState::Rsto,
            (EndState::Closed, EndState::Closed) => ConnState::Sf,
            (EndState::Closed, _) if silent(r) => ConnState::Sh,
            (EndState::Closed, _) => ConnState::S2,
            (_, EndState::Closed) if silent(o) => ConnState::Shr,
            (_, EndState::Closed) => ConnState::S3,
            (EndState::SynSent, EndState::Inactive) => ConnState::S0,
            (EndState::Established, EndState::Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }

    /// The history says SYN, then RST, both of the originator, and nothing real between
    /// (`\^?S[^HAFGIQ]*R.*` in Zeek).
    fn is_syn_then_rst(&self) -> bool {
        let history = self.history.history();
        let letters = history.as_str();
        let letters = letters.strip_prefix('^').unwrap_or(letters);
        letters.strip_prefix('S').is_some_and(|rest| {
            rest.find(|letter| "HAFGIQR".contains(letter))
                .is_some_and(|at| rest[at..].starts_with('R'))
        })
    }
}

impl End {
    /// Where its stream begins, if this segment says so; `behind` is behind what it occupies.
    fn begin(&mut self, segment: &Tcp, behind: u32) {
        let seq = segment.seq;
        let is_syn = segment.flags.has(TcpFlags::SYN);
        match self.state {
            EndState::Inactive if is_syn => self.restart(seq, behind),
            // As if there had been a SYN; and its first segment is not a repeated one.
            EndState::Inactive => self.restart(seq.wrapping_sub(1), seq),
            EndState::SynSent | EndState::SynAckSent if is_syn && seq != self.start => {
                self.restart(seq, behind);
            }
            EndState::Established | EndState::Partial if is_syn => self.restart(seq, behind),
            // The RST before may have been made up.
            EndState::Reset if is_syn && self.prev == EndState::Inactive => {
                self.restart(seq, behind);
            }
            _ => {}
        }
    }

    /// Moves the end of its stream; says whether the segment's payload repeats what was sent before.
    fn extend(&mut self, segment: &Tcp, behind: u32) -> bool {
        let flags = segment.flags;
        let delta = behind.wrapping_sub(self.last).cast_signed();
        let far = !(-TOO_FAR..=TOO_FAR).contains(&delta);
        if (flags.has(TcpFlags::SYN) || flags.has(TcpFlags::RST)) && far {
            return false;
        }
        if flags.has(TcpFlags::FIN) && self.last == self.start.wrapping_add(1) {
            // Of a long connection only the SYN and the FIN may have been seen.
            self.advance_last(behind);
            return false;
        }
        if self.state == EndState::Reset {
            return false;
        }
        if delta > 0 {
            self.advance_last(behind);
            return false;
        }
        segment.payload_len > 0
    }
}
