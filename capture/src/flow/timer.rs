//! When flows expire, and who goes first when there is no room.
//!
//! A timing wheel with one bucket a second of packet time. A packet does not touch it: a flow that was
//! seen since it was put into its bucket is moved to the right one when the bucket comes up. Flows
//! that go first when room is needed (see `Class::is_transient`) have a wheel of their own, so eviction
//! takes from the earliest bucket, which holds those that were silent longest.

use crate::packet::Timestamp;

/// A flow's place in a wheel: a doubly linked list through the slots, newest first. The first one's
/// `prev` is the last one, so that both ends are at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) prev: u32,
    pub(crate) next: u32,
}

impl Link {
    pub(crate) const NONE: u32 = u32::MAX;
    pub(crate) const UNLINKED: Self = Self {
        prev: Self::NONE,
        next: Self::NONE,
    };
    /// In no bucket.
    pub(crate) const NO_BUCKET: u16 = u16::MAX;
}

/// Which of the two wheels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WheelKind {
    /// Flows that are evicted last.
    Durable,
    /// Flows that are evicted first.
    Transient,
}

/// The two wheels of a table.
#[derive(Debug)]
pub(crate) struct Wheels {
    /// First slot of each bucket; the transient wheel's buckets follow the durable one's.
    heads: Vec<u32>,
    /// Number of flows in each wheel.
    counts: [u32; 2],
    /// The second up to which buckets were worked off.
    tick: u64,
}

/// Access to the links, wherever they are stored.
pub(crate) trait Links {
    fn link(&mut self, slot: u32) -> &mut Link;
    /// The bucket that a slot is in; `Link::NO_BUCKET` when in none.
    fn bucket(&mut self, slot: u32) -> &mut u16;
}

impl Wheels {
    /// Buckets of a wheel: deadlines further ahead than this many seconds are looked at once on the
    /// way.
    const BUCKETS: u64 = 1024;

    pub(crate) fn new() -> Self {
        Self {
            heads: vec![Link::NONE; 2 * Self::BUCKETS as usize],
            counts: [0; 2],
            tick: 0,
        }
    }

    /// Takes all flows out; what time it is stays.
    pub(crate) fn clear(&mut self) {
        self.heads.fill(Link::NONE);
        self.counts = [0; 2];
    }

    /// Flows in a wheel.
    pub(crate) const fn count(&self, kind: WheelKind) -> u32 {
        self.counts[kind as usize]
    }

    /// Puts a flow where it comes up once `deadline` has passed.
    pub(crate) fn insert(
        &mut self,
        links: &mut impl Links,
        slot: u32,
        kind: WheelKind,
        deadline: Timestamp,
    ) {
        // A bucket comes up when its second is over, so that its deadlines have all passed.
        let second = deadline
            .secs()
            .clamp(self.tick, self.tick + Self::BUCKETS - 1);
        let bucket = kind as u32 * Self::BUCKETS as u32 + (second % Self::BUCKETS) as u32;
        let head = self.heads[bucket as usize];
        let last = if head == Link::NONE {
            slot
        } else {
            std::mem::replace(&mut links.link(head).prev, slot)
        };
        *links.link(slot) = Link {
            prev: last,
            next: head,
        };
        *links.bucket(slot) = bucket as u16;
        self.heads[bucket as usize] = slot;
        self.counts[kind as usize] += 1;
    }

    /// Takes a flow out of its bucket.
    pub(crate) fn remove(&mut self, links: &mut impl Links, slot: u32) {
        let Link { prev, next } = *links.link(slot);
        let bucket = std::mem::replace(links.bucket(slot), Link::NO_BUCKET);
        if bucket == Link::NO_BUCKET {
            return;
        }
        let head = self.heads[bucket as usize];
        if head == slot {
            self.heads[bucket as usize] = next;
        } else {
            links.link(prev).next = next;
        }
        if next != Link::NONE {
            links.link(next).prev = prev;
        } else if head != slot {
            links.link(head).prev = prev;
        }
        self.counts[usize::from(u64::from(bucket) >= Self::BUCKETS)] -= 1;
        *links.link(slot) = Link::UNLINKED;
    }

    /// A flow whose bucket's second is over by `now`, if there is one left. The caller removes it,
    /// or inserts it again with its later deadline.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<u32> {
        // The first time, or after a silence longer than the wheel: every bucket is due once.
        if self.counts == [0; 2] {
            self.tick = self.tick.max(now.secs());
            return None;
        }
        if now.secs() > self.tick + Self::BUCKETS {
            self.tick = now.secs() - Self::BUCKETS;
        }
        while self.tick < now.secs() {
            for kind in 0..2 {
                let head = self.heads[(kind * Self::BUCKETS + self.tick % Self::BUCKETS) as usize];
                if head != Link::NONE {
                    return Some(head);
                }
            }
            self.tick += 1;
        }
        None
    }

    /// Of the bucket in this wheel that comes up next, the flow that was put there first: a candidate
    /// for eviction.
    pub(crate) fn earliest(&self, links: &mut impl Links, kind: WheelKind) -> Option<u32> {
        if self.count(kind) == 0 {
            return None;
        }
        let base = kind as u64 * Self::BUCKETS;
        (self.tick..self.tick + Self::BUCKETS)
            .map(|second| self.heads[(base + second % Self::BUCKETS) as usize])
            .find(|head| *head != Link::NONE)
            .map(|head| links.link(head).prev)
    }

    /// Whether a flow with this deadline sits in the bucket where it would be put now.
    pub(crate) fn is_in_place(&self, bucket: u16, deadline: Timestamp) -> bool {
        let second = deadline
            .secs()
            .clamp(self.tick, self.tick + Self::BUCKETS - 1);
        u64::from(bucket) % Self::BUCKETS == second % Self::BUCKETS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Span;

    struct Plain(Vec<(Link, u16)>);

    impl Links for Plain {
        fn link(&mut self, slot: u32) -> &mut Link {
            &mut self.0[slot as usize].0
        }

        fn bucket(&mut self, slot: u32) -> &mut u16 {
            &mut self.0[slot as usize].1
        }
    }

    impl Plain {
        fn new(slots: usize) -> Self {
            Self(vec![(Link::UNLINKED, Link::NO_BUCKET); slots])
        }
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::new(secs, 0)
    }

    fn expire(wheels: &mut Wheels, links: &mut Plain, now: Timestamp) -> Vec<u32> {
        let mut out = Vec::new();
        while let Some(slot) = wheels.due(now) {
            wheels.remove(links, slot);
            out.push(slot);
        }
        out.sort_unstable();
        out
    }

    #[test]
    fn a_flow_comes_up_when_its_second_is_over_and_not_before() {
        let (mut wheels, mut links) = (Wheels::new(), Plain::new(4));
        wheels.due(at(1_000_000));
        for (slot, secs) in [(0, 5), (1, 6), (2, 6), (3, 900)] {
            let kind = if slot % 2 == 0 {
                WheelKind::Durable
            } else {
                WheelKind::Transient
            };
            wheels.insert(&mut links, slot, kind, at(1_000_000 + secs));
        }
        assert_eq!(expire(&mut wheels, &mut links, at(1_000_005)), [0_u32; 0]);
        assert_eq!(expire(&mut wheels, &mut links, at(1_000_006)), [0]);
        assert_eq!(expire(&mut wheels, &mut links, at(1_000_007)), [1, 2]);
        assert_eq!(expire(&mut wheels, &mut links, at(1_000_900)), [0_u32; 0]);
        assert_eq!(expire(&mut wheels, &mut links, at(1_000_901)), [3]);
    }

    #[test]
    fn a_silence_longer_than_the_wheel_loses_nobody() {
        let (mut wheels, mut links) = (Wheels::new(), Plain::new(50));
        wheels.due(at(77));
        for slot in 0..50 {
            wheels.insert(
                &mut links,
                slot,
                WheelKind::Durable,
                at(77).after(Span::from_secs(u64::from(slot) * 20)),
            );
        }
        assert_eq!(expire(&mut wheels, &mut links, at(10_000_000)).len(), 50);
    }

    #[test]
    fn the_earliest_is_the_one_that_comes_up_first() {
        let (mut wheels, mut links) = (Wheels::new(), Plain::new(3));
        wheels.due(at(1_020));
        for (slot, secs) in [(0, 1_030), (1, 1_023), (2, 1_500)] {
            wheels.insert(&mut links, slot, WheelKind::Transient, at(secs));
        }
        assert_eq!(wheels.earliest(&mut links, WheelKind::Durable), None);
        assert_eq!(wheels.earliest(&mut links, WheelKind::Transient), Some(1));
        wheels.remove(&mut links, 1);
        assert_eq!(wheels.earliest(&mut links, WheelKind::Transient), Some(0));
    }

    #[test]
    fn of_one_second_the_first_comes_first_whoever_leaves() {
        let kind = WheelKind::Transient;
        for gone in 0..5 {
            let (mut wheels, mut links) = (Wheels::new(), Plain::new(5));
            wheels.due(at(1_020));
            for slot in 0..5 {
                wheels.insert(&mut links, slot, kind, at(1_030));
            }
            wheels.remove(&mut links, gone);
            for slot in (0..5).filter(|slot| *slot != gone) {
                assert_eq!(wheels.earliest(&mut links, kind), Some(slot));
                wheels.remove(&mut links, slot);
            }
            assert_eq!(wheels.earliest(&mut links, kind), None);
        }
    }
}
