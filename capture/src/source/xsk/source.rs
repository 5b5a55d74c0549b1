//! `AF_XDP` as a source, for one worker: a queue of its own, or the lanes from all queues.

use std::sync::Arc;

use super::burst::{Burst, Numbering, Progress};
use super::handover::{Lane, Receiver};
use super::queue::Queue;
use super::umem::Umem;
use crate::kernel::{Clock, monotonic_ns};
use crate::packet::{Packet, Timestamp};
use crate::source::ring::{KnownLinks, LinkTypes, ReportRing, RingSource, Told};
use crate::source::{BURST, Polled};

/// What a worker reads from.
#[derive(Debug)]
enum Feed {
    /// The only queue there is, and the only worker.
    Queue(Box<Own>),
    /// One lane from each queue.
    Lanes(Merge),
}

/// The lanes to one worker, in time order.
#[derive(Debug)]
struct Merge {
    lanes: Vec<Lane>,
    /// The memory of each queue.
    umems: Vec<Arc<Umem>>,
    /// How far each queue was read when this poll began; all the way where nobody reads it any more.
    seen_until: Vec<u64>,
}

/// A queue that a worker reads itself.
#[derive(Debug)]
struct Own {
    queue: Queue,
    delivered: u64,
    asked_ns: u64,
    /// Packets lost since the last one that was delivered.
    lost: u32,
}

/// `AF_XDP` sockets, read by one worker.
#[derive(Debug)]
pub struct XskSource {
    feed: Feed,
    burst: Burst,
    numbering: Numbering,
    clock: Arc<Clock>,
    /// No packet that is lent later is older.
    watermark: Timestamp,
}

impl XskSource {
    /// How long a packet waits for those of other queues that were seen before it: a driver publishes
    /// what it received at the end of a poll of at most 64 packets. One that is later than this comes
    /// out of order, and nothing worse.
    const PATIENCE_NS: u64 = 1_000_000;

    pub(super) fn of_queue(queue: Queue, clock: Arc<Clock>, links: LinkTypes) -> Self {
        let own = Own {
            queue,
            delivered: 0,
            asked_ns: 0,
            lost: 0,
        };
        Self::new(Feed::Queue(Box::new(own)), 0, clock, links)
    }

    pub(super) fn of_lanes(
        lanes: Vec<Lane>,
        worker: u16,
        clock: Arc<Clock>,
        links: LinkTypes,
    ) -> Self {
        let umems = lanes.iter().map(|lane| Arc::clone(lane.umem())).collect();
        let seen_until = vec![0; lanes.len()];
        let lanes = Merge {
            lanes,
            umems,
            seen_until,
        };
        Self::new(Feed::Lanes(lanes), worker, clock, links)
    }

    fn new(feed: Feed, worker: u16, clock: Arc<Clock>, links: LinkTypes) -> Self {
        Self {
            feed,
            burst: Burst::default(),
            numbering: Numbering {
                next_frame: (u64::from(worker) << 48) + 1,
                latest: Timestamp::default(),
                links: KnownLinks::new(links),
            },
            clock,
            watermark: Timestamp::default(),
        }
    }

    /// The same with what the kernel tells of flows that it cuts short, which comes by a ring.
    #[must_use]
    pub fn told_by(mut self, reports: ReportRing) -> Self {
        self.burst.tell(reports);
        self
    }

    /// Whether looking again is what brings packets, so that there is no point in a pause.
    #[must_use]
    pub fn is_busy_polling(&self) -> bool {
        match &self.feed {
            Feed::Queue(own) => own.queue.is_busy_polling(),
            Feed::Lanes(_) => false,
        }
    }

    /// Lends the next burst to `on_burst`, unless there is none, with what the kernel tells in between of
    /// flows that it cuts short.
    pub fn poll(&mut self, on_burst: &mut impl FnMut(&[Packet<'_>], &[Told])) -> Polled {
        let Self {
            feed,
            burst,
            numbering,
            clock,
            watermark,
        } = self;
        let polled = match feed {
            Feed::Queue(own) => own.poll(burst, numbering, clock, on_burst),
            Feed::Lanes(lanes) => lanes.poll(burst, numbering, clock, on_burst),
        };
        match polled {
            Some(polled) => {
                *watermark = polled.watermark;
                Polled {
                    feeding: polled.feeding || burst.has_reports(),
                    ..polled
                }
            }
            None => Polled {
                packets: 0,
                drained: true,
                watermark: *watermark,
                feeding: true,
            },
        }
    }
}

impl Own {
    fn poll(
        &mut self,
        burst: &mut Burst,
        numbering: &mut Numbering,
        clock: &Clock,
        on_burst: &mut impl FnMut(&[Packet<'_>], &[Told]),
    ) -> Option<Polled> {
        let Self {
            queue,
            delivered,
            asked_ns,
            lost,
        } = self;
        let now = monotonic_ns();
        let offset = clock.offset_ns();
        if now - *asked_ns >= Receiver::ASK_NS {
            *asked_ns = now;
            let dropped = u32::try_from(queue.ask_statistics()).unwrap_or(u32::MAX);
            *lost = lost.saturating_add(dropped);
        }
        let umem = Arc::clone(queue.umem());
        let drained = queue.receive(BURST - burst.len(), |packet| {
            burst.take(0, &umem, packet.drain(..), std::mem::take(lost));
            *delivered += 1;
        });
        let now = Timestamp(now.wrapping_add_signed(offset));
        let packets = burst.lend(
            |_| &umem,
            Progress {
                offset_ns: offset,
                watermark: if drained {
                    watermark(now)
                } else {
                    Timestamp::default()
                },
            },
            numbering,
            on_burst,
            |_, frame| {
                queue.give_back(frame.into_chunk());
            },
        );
        queue.refill();
        queue.counters().publish(*delivered, 0);
        let seen_until = if drained {
            now
        } else {
            numbering.latest.min(now)
        };
        Some(Polled {
            packets: packets?,
            drained,
            watermark: watermark(seen_until),
            feeding: false,
        })
    }
}

impl Merge {
    /// The lanes in time order: the packets of one connection can come through several queues, and its
    /// two directions usually do.
    fn poll(
        &mut self,
        burst: &mut Burst,
        numbering: &mut Numbering,
        clock: &Clock,
        on_burst: &mut impl FnMut(&[Packet<'_>], &[Told]),
    ) -> Option<Polled> {
        let Self {
            lanes,
            umems,
            seen_until,
        } = self;
        let offset = clock.offset_ns();
        // Asked before the lanes are looked at, so what was handed over until then is found below.
        for (lane, until) in lanes.iter().zip(seen_until.iter_mut()) {
            *until = if lane.is_closed() {
                u64::MAX
            } else {
                lane.seen_until()
            };
        }
        let feeding = seen_until.iter().any(|&until| until != u64::MAX);
        let mut drained = false;
        while !burst.is_full() {
            // The next packet, and the time up to which no lane can bring one that was seen before it.
            let mut next: Option<(u64, usize)> = None;
            let mut bound = u64::MAX;
            for (number, (lane, &until)) in lanes.iter().zip(seen_until.iter()).enumerate() {
                match lane.next_ns() {
                    Some(ns) if next.is_none_or(|(earliest, _)| ns < earliest) => {
                        next = Some((ns, number));
                    }
                    Some(_) => {}
                    None if until == u64::MAX => {}
                    None => bound = bound.min(until.saturating_sub(XskSource::PATIENCE_NS)),
                }
            }
            let Some((_, number)) = next.filter(|&(ns, _)| ns <= bound || lanes.len() == 1) else {
                drained = true;
                break;
            };
            if let Some((lost, frames)) = lanes[number].take() {
                burst.take(number, &umems[number], frames, lost);
            }
        }
        let until = lanes
            .iter()
            .zip(seen_until.iter())
            .map(|(lane, &until)| lane.next_ns().unwrap_or(until))
            .fold(monotonic_ns(), u64::min);
        let watermark = watermark(Timestamp(until.wrapping_add_signed(offset)));
        let packets = burst.lend(
            |number| &umems[number],
            Progress {
                offset_ns: offset,
                watermark,
            },
            numbering,
            on_burst,
            |number, frame| lanes[number].give_back(frame),
        )?;
        Some(Polled {
            packets,
            drained,
            watermark,
            feeding,
        })
    }
}

/// As with the rings: a program takes the time some way ahead of the moment at which its packet can be
/// seen.
fn watermark(seen_until: Timestamp) -> Timestamp {
    Timestamp(seen_until.0.saturating_sub(RingSource::RESERVE_DELAY_NS))
}
