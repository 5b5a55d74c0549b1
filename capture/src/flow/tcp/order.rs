//! Putting one end's data in order, as far as it has to be known what never arrived.
//!
//! This is Zeek's reassembler (`Reassem.cc`, `TCP_Reassembler.cc`) without the bytes: what an
//! acknowledgment covers and was never seen is a gap, and a connection is not over while data is
//! pending.

use super::Connection;
use super::analysis::before;
use super::end::{End, EndState};
use super::islands::Islands;
use super::timing::Ticks;
use crate::flow::cutoff::Skipped;
use crate::flow::history::Letter;
use crate::flow::key::Direction;

/// Zeek's `tcp_max_initial_window` and `tcp_max_above_hole_without_any_acks`, bytes.
const WITHOUT_ANY_ACKS: u64 = 16_384;
/// Zeek's `tcp_excessive_data_without_further_acks`, bytes.
const WITHOUT_FURTHER_ACKS: u64 = 10 << 20;

impl Connection {
    /// Payload that was captured as a whole, from relative sequence number `from` to `to`.
    pub(super) fn on_data(&mut self, sender: Direction, from: u64, to: u64, islands: &mut Islands) {
        let [end, peer] = self.pair(sender);
        if end.unordered {
            return;
        }
        let acked = end.relative_ack();
        if from < acked && to <= acked {
            return;
        }
        let from = if from < acked { acked } else { from };
        if to > end.trimmed {
            let from = from.max(end.trimmed);
            if from <= end.delivered {
                if to > end.delivered {
                    end.delivered = to;
                    deliver(end, peer, islands);
                }
            } else if !islands.insert(&mut end.islands, from, to) {
                end.give_up(islands);
            }
        }
        if end.unordered {
            return;
        }
        let (top, waiting) = islands.extent(end.islands).unwrap_or((end.delivered, 0));
        let unheard = end.nothing_acked() && top - end.delivered > WITHOUT_ANY_ACKS;
        let unacknowledged = end.delivered.saturating_sub(end.trimmed) + waiting;
        if unheard || unacknowledged > WITHOUT_FURTHER_ACKS {
            end.give_up(islands);
        }
    }

    /// Segments that the kernel counted and did not copy. They continued the stream, so whatever is
    /// missing before them is missing still, and of them nothing is.
    pub(crate) fn on_skipped(
        &mut self,
        sender: Direction,
        skipped: &Skipped,
        islands: &mut Islands,
    ) {
        let now = Ticks::of(skipped.last_ts);
        let [end, peer] = self.pair(sender);
        let Some(next) = skipped.next_seq else { return };
        if end.state == EndState::Inactive || skipped.is_none() {
            return;
        }
        let (Ok(to) | Err(to)) = end.relative_near(next, end.last, end.last_wraps);
        if next.wrapping_sub(end.last).cast_signed() > 0 {
            end.advance_last(next);
        }
        let from = to.saturating_sub(skipped.payload_bytes).max(end.trimmed);
        if !end.unordered && to > from {
            if from <= end.delivered {
                end.delivered = end.delivered.max(to);
                deliver(end, peer, islands);
            } else if !islands.insert(&mut end.islands, from, to) {
                end.give_up(islands);
            }
        }
        let analysis = &mut end.analysis;
        if before(analysis.next_seq, next) {
            analysis.next_seq = next;
            analysis.next_at = now;
        }
        if before(analysis.max_seq_to_ack, next) {
            analysis.max_seq_to_ack = next;
        }
        // They may have acknowledged what is being timed.
        peer.rtt.stop();
    }

    /// The other side acknowledged what `sender` sent up to the relative sequence number `seq`.
    pub(super) fn on_acked(&mut self, sender: Direction, mut seq: u64, islands: &mut Islands) {
        let [end, _] = self.pair(sender);
        if end.fin && seq >= end.fin_end {
            // A FIN from before the beginning leaves nothing to acknowledge. Zeek goes on at 2^64 - 1.
            seq = end.fin_end.saturating_sub(1);
        }
        if seq <= end.trimmed {
            return;
        }
        // Where the beginning was not captured, the first numbers are guesses.
        let guessed = self.partial && seq <= 2;
        let [end, peer] = self.pair(sender);
        if seq > end.delivered && !guessed {
            let gaps = undelivered(end, peer, seq, islands);
            for _ in 0..gaps {
                let gap = &mut self.ends[sender.index()].gaps;
                *gap = gap.wrapping_add(1);
                if is_power_of_ten(*gap) {
                    self.letter(sender, Letter::G);
                }
            }
        }
        let [end, peer] = self.pair(sender);
        while let Some((_, to)) = islands.first(end.islands)
            && to <= seq
        {
            islands.pop(&mut end.islands);
        }
        // What lies right behind what was given up can be delivered now.
        if islands
            .first(end.islands)
            .is_some_and(|(from, _)| from == end.delivered)
        {
            deliver(end, peer, islands);
        }
        end.trimmed = seq;
        self.check_end(sender);
    }

    /// Whether something that `sender` sent is still to come, or to be acknowledged
    /// (`TCP_Reassembler::DataPending`).
    pub(super) fn is_data_pending(&mut self, sender: Direction) -> bool {
        let [end, peer] = self.pair(sender);
        if end.unordered {
            return false;
        }
        let delivered = u64::from(end.start).wrapping_add(end.delivered);
        let last = u64::from(end.last_wraps) << 32 | u64::from(end.last);
        if last < delivered {
            return false;
        }
        // Up to the FIN, which takes a sequence number, or to the end, where a RST takes none.
        if delivered + 1 != last && delivered != last {
            return true;
        }
        end.state != EndState::Reset && peer.has_unacked()
    }

    /// Nothing more is to come of an end that closed: the closing that waited for this goes on.
    pub(super) fn check_end(&mut self, sender: Direction) {
        let end = &self.ends[sender.index()];
        let closes = end.fin || matches!(end.state, EndState::Closed | EndState::Reset);
        if end.at_end || !closes || self.is_data_pending(sender) {
            return;
        }
        self.ends[sender.index()].at_end = true;
        if self.close_deferred {
            self.close(sender);
            self.close_deferred = false;
        }
    }
}

impl End {
    /// It sent something that was not acknowledged yet, or waits beyond a hole.
    fn has_unacked(&self) -> bool {
        !self.unordered && (self.delivered > self.trimmed || self.islands != Self::NO_ISLANDS)
    }

    fn give_up(&mut self, islands: &mut Islands) {
        islands.clear(&mut self.islands);
        self.unordered = true;
    }
}

/// Goes on delivering from `delivered`, through the islands that it has reached.
fn deliver(end: &mut End, peer: &End, islands: &mut Islands) {
    while let Some((from, to)) = islands.first(end.islands)
        && from <= end.delivered
    {
        islands.pop(&mut end.islands);
        end.delivered = end.delivered.max(to);
    }
    if end.nothing_acked() && end.size(peer) > WITHOUT_ANY_ACKS {
        // The other side's acknowledgments are not seen: nothing is held for them.
        end.trimmed = end.delivered;
    }
}

/// What lies below `seq` and was not seen never will be. Gives the number of gaps that count.
fn undelivered(end: &mut End, peer: &End, seq: u64, islands: &mut Islands) -> u32 {
    let counts = end.is_clean() && peer.is_clean();
    let mut gaps = 0;
    if !end.unordered {
        while let Some((from, _)) = islands.first(end.islands)
            && from < seq
        {
            if counts {
                gaps += 1;
                end.missed += from.saturating_sub(end.delivered);
            }
            end.delivered = from;
            deliver(end, peer, islands);
        }
        if seq > end.delivered && counts {
            gaps += 1;
            end.missed += seq - end.delivered;
        }
    }
    end.delivered = end.delivered.max(seq);
    gaps
}

/// Letters that come again after 1, 10, 100… occurrences.
pub(crate) const fn is_power_of_ten(count: u32) -> bool {
    matches!(
        count,
        1 | 10
            | 100
            | 1_000
            | 10_000
            | 100_000
            | 1_000_000
            | 10_000_000
            | 100_000_000
            | 1_000_000_000
    )
}
