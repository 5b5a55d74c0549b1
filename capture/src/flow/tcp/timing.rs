//! How long things take: the handshake, and segments until they are acknowledged.

use super::Connection;
use super::analysis::{TcpEvents, before};
use crate::dissect::{Tcp, TcpFlags};
use crate::flow::key::Direction;
use crate::flow::record::{RttHistogram, RttSummary};
use crate::packet::{Span, Timestamp};

/// A moment in microseconds, modulo 2^32: enough to tell times apart that are less than 71 minutes
/// away from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticks(pub(crate) u32);

impl Ticks {
    pub(crate) const fn of(ts: Timestamp) -> Self {
        Self((ts.0 / 1000) as u32)
    }

    /// Microseconds since `earlier`; a very long time if that is later.
    pub(crate) const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

/// A length of time in four bytes: nanoseconds below 2.1 s, microseconds above, 35 minutes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShortSpan(pub(crate) u32);

impl ShortSpan {
    const MICROSECONDS: u32 = 1 << 31;

    pub(crate) const fn of(span: Span) -> Self {
        if span.0 < Self::MICROSECONDS as u64 {
            return Self(span.0 as u32);
        }
        let us = span.0 / 1000;
        let most = (Self::MICROSECONDS - 1) as u64;
        Self(Self::MICROSECONDS | if us < most { us as u32 } else { most as u32 })
    }

    pub(crate) const fn span(self) -> Span {
        if self.0 < Self::MICROSECONDS {
            Span(self.0 as u64)
        } else {
            Span((self.0 & !Self::MICROSECONDS) as u64 * 1000)
        }
    }
}

/// How far the handshake was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// No SYN.
    None,
    /// The last SYN came so long after the connection's first packet.
    Syn(ShortSpan),
    /// And the SYN-ACK so long after that SYN.
    SynAck(ShortSpan, ShortSpan),
    /// From SYN to SYN-ACK, and from there to its acknowledgment.
    Done(ShortSpan, ShortSpan),
    /// From SYN to an acknowledgment that is not the handshake's.
    Unsplit(ShortSpan),
}

impl Handshake {
    /// From the SYN to the first acknowledgment: Wireshark's initial round-trip time.
    pub(crate) fn irtt(self) -> Option<Span> {
        match self {
            Self::Done(a, b) => Some(Span(a.span().0 + b.span().0)),
            Self::Unsplit(all) => Some(all.span()),
            _ => None,
        }
    }

    /// Its two round trips, if all three segments were seen.
    pub(crate) fn split(self) -> Option<[Span; 2]> {
        match self {
            Self::Done(a, b) => Some([a.span(), b.span()]),
            _ => None,
        }
    }
}

/// Round-trip times of one end's segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rtt {
    /// A segment is being timed: its end, and when it came.
    pub(crate) timing: bool,
    pub(crate) end: u32,
    pub(crate) at: Ticks,
    pub(crate) samples: u32,
    /// Microseconds.
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) sum: u64,
}

impl Rtt {
    pub(crate) const NONE: Self = Self {
        timing: false,
        end: 0,
        at: Ticks(0),
        samples: 0,
        min: 0,
        max: 0,
        sum: 0,
    };

    pub(crate) fn sample(&mut self, us: u32) {
        if self.samples == 0 || us < self.min {
            self.min = us;
        }
        self.max = self.max.max(us);
        self.sum += u64::from(us);
        self.samples = self.samples.saturating_add(1);
    }

    pub(super) fn stop(&mut self) {
        self.timing = false;
        self.end = 0;
        self.at = Ticks(0);
    }

    /// How often each range of times occurred, as far as it follows from the least, the greatest and
    /// the sum: of more than three samples, all others count where their mean lies.
    pub(crate) fn histogram(&self) -> RttHistogram {
        let mut histogram = RttHistogram::default();
        let Some(others) = u64::from(self.samples).checked_sub(1) else {
            return histogram;
        };
        let ns = |us: u64| Span(us * 1000);
        histogram.add(ns(self.min.into()), 1);
        if let Some(others) = others.checked_sub(1) {
            histogram.add(ns(self.max.into()), 1);
            let rest = self
                .sum
                .saturating_sub(u64::from(self.min) + u64::from(self.max));
            if let Some(mean) = rest.checked_div(others) {
                histogram.add(ns(mean), others);
            }
        }
        histogram
    }

    /// For the record; sampling goes on.
    pub(crate) fn summary(&self, histogram: RttHistogram) -> RttSummary {
        let span = |us: u64| Span(us * 1000);
        RttSummary {
            samples: self.samples,
            min: span(self.min.into()),
            sum: span(self.sum),
            max: span(self.max.into()),
            histogram,
        }
    }

    /// Forgets the samples; what is being timed still is.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            timing: self.timing,
            end: self.end,
            at: self.at,
            ..Self::NONE
        };
    }
}

/// Which segments are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// The newest, which says most of those who ask and answer.
    Newest,
    /// One after the other, which also gives samples while much is on its way.
    OneByOne,
}

impl Connection {
    /// Follows the handshake; `since_first` is the time since the connection's first packet.
    pub(super) fn time_handshake(
        &mut self,
        segment: &Tcp,
        sender: Direction,
        ts: Timestamp,
        since_first: Span,
    ) {
        let flags = segment.flags;
        let is_ack = flags.has(TcpFlags::ACK);
        if flags.has(TcpFlags::SYN) {
            if !is_ack {
                // Again: what was measured of an earlier try is not the handshake's (Karn's rule, RFC
                // 6298 section 3). A time of zero is no time.
                if self.handshake.irtt().is_none() && ts.0 != 0 {
                    self.handshake = Handshake::Syn(ShortSpan::of(since_first));
                }
            } else if let Handshake::Syn(syn) = self.handshake {
                let after = Span(since_first.0.saturating_sub(syn.span().0));
                self.handshake = Handshake::SynAck(syn, ShortSpan::of(after));
            }
            return;
        }
        if !is_ack {
            return;
        }
        let (syn, syn_ack) = match self.handshake {
            Handshake::Syn(syn) => (syn, None),
            Handshake::SynAck(syn, after) => (syn, Some(after)),
            _ => return,
        };
        let all = Span(since_first.0.saturating_sub(syn.span().0));
        let peer = &self.ends[sender.opposite().index()];
        let completes = sender == self.originator
            && segment.ack == peer.start.wrapping_add(1)
            && !flags.has(TcpFlags::RST);
        self.handshake = match syn_ack {
            Some(after) if completes => {
                let rest = all.0.saturating_sub(after.span().0);
                Handshake::Done(after, ShortSpan::of(Span(rest)))
            }
            _ => Handshake::Unsplit(ShortSpan::of(all)),
        };
    }

    /// Takes a sample from an acknowledgment, of what the other side sent, and gives it in
    /// microseconds; picks segments to be timed.
    pub(super) fn time_segment(
        &mut self,
        segment: &Tcp,
        sender: Direction,
        now: Ticks,
        events: TcpEvents,
        timing: Timing,
    ) -> Option<u32> {
        const SENT_AGAIN: u16 = TcpEvents::RETRANSMISSION.0 | TcpEvents::OUT_OF_ORDER.0;
        let flags = segment.flags;
        let [end, peer] = self.pair(sender);
        let mut sample = None;
        if flags.has(TcpFlags::ACK)
            && peer.rtt.timing
            && !before(segment.ack, peer.rtt.end)
            && !flags.has(TcpFlags::RST)
        {
            let us = now.since(peer.rtt.at);
            peer.rtt.stop();
            // Time that went back is no sample.
            if us < 1 << 31 {
                peer.rtt.sample(us);
                sample = Some(us);
            }
        }
        let occupies = segment.payload_len > 0 || flags.has(TcpFlags::FIN);
        if !occupies || flags.has(TcpFlags::SYN) || flags.has(TcpFlags::RST) {
            return sample;
        }
        if events.has(TcpEvents(SENT_AGAIN | TcpEvents::KEEP_ALIVE.0)) {
            // Which of them is acknowledged cannot be told.
            end.rtt.stop();
            return sample;
        }
        if events.has(TcpEvents::ZERO_WINDOW_PROBE) {
            return sample;
        }
        if timing == Timing::Newest || !end.rtt.timing {
            end.rtt.timing = true;
            end.rtt.end = segment.seq.wrapping_add(segment.seq_len());
            end.rtt.at = now;
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_spans_keep_nanoseconds_while_they_fit() {
        for ns in [0, 1, 999, 2_147_483_647] {
            assert_eq!(ShortSpan::of(Span(ns)).span(), Span(ns));
        }
        assert_eq!(
            ShortSpan::of(Span(2_147_483_648)).span(),
            Span(2_147_483_000)
        );
        assert_eq!(
            ShortSpan::of(Span::from_secs(1800)).span(),
            Span::from_secs(1800)
        );
        let most = ShortSpan::of(Span::from_secs(1_000_000)).span();
        assert!(most > Span::from_secs(2100) && most < Span::from_secs(2200));
    }

    #[test]
    fn ticks_wrap_around() {
        assert_eq!(Ticks(5).since(Ticks(u32::MAX)), 6);
        assert!(Ticks(5).since(Ticks(6)) > 1 << 31);
    }
}
