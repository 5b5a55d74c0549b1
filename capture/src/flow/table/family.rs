//! The flows of one address family: found, begun, followed, and ended.

use super::shared::Shared;
use crate::dissect::{Ip, Net, PROTO_TCP};
use crate::flow::context::Context;
use crate::flow::cutoff::Skipped;
use crate::flow::detail::Details;
use crate::flow::index::Index;
use crate::flow::key::{Address, Direction, Key};
use crate::flow::packed::Plain;
use crate::flow::record::{EndReason, FlowRecord};
use crate::flow::slab::{Slab, Slot};
use crate::flow::state::{Class, Flow};
use crate::flow::timer::{Link, Links, WheelKind, Wheels};
use crate::flow::visit::Visit;
use crate::packet::Timestamp;

/// The flows of one address family.
#[derive(Debug)]
pub(super) struct Family<A: Address> {
    pub(super) slab: Slab<A>,
    pub(super) index: Index,
    pub(super) wheels: Wheels,
    pub(super) seed: u64,
}

impl<A: Address> Links for Slab<A> {
    fn link(&mut self, slot: u32) -> &mut Link {
        &mut self.get_mut(slot).link
    }

    fn bucket(&mut self, slot: u32) -> &mut u16 {
        &mut self.get_mut(slot).flow.bucket
    }
}

const fn wheel_of(class: Class) -> WheelKind {
    if class.is_transient() {
        WheelKind::Transient
    } else {
        WheelKind::Durable
    }
}

impl<A: Address> Family<A> {
    pub(super) fn new(flows: u32, seed: u64) -> Self {
        Self {
            slab: Slab::new(flows),
            index: Index::new(flows),
            wheels: Wheels::new(),
            seed,
        }
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u32) {
        if let Some(slot) = self.index.guess(hash) {
            self.slab.prefetch(slot);
        }
    }

    #[inline(always)]
    pub(super) fn guess_detail(&self, hash: u32) -> u32 {
        self.index
            .guess(hash)
            .map_or(Details::NONE, |slot| self.slab.get(slot).flow.detail)
    }

    #[inline(always)]
    pub(super) fn find(&self, key: &Key<A>, hash: u32) -> Option<u32> {
        self.index
            .find(hash, |slot| self.slab.get(slot).key == *key)
    }

    #[inline(always)]
    pub(super) fn observe(
        &mut self,
        key: Key<A>,
        visit: &Visit<'_>,
        shared: &mut Shared,
        emit: &mut impl FnMut(FlowRecord),
    ) {
        let Net::Ip(ip) = &visit.layers.net else {
            return;
        };
        let is_tcp = key.protocol() == PROTO_TCP;
        let number = match self.find(&key, visit.hash) {
            Some(number) => {
                let slot = self.slab.get(number);
                // Whether the flow has expired must not depend on whether its timer was looked at
                // yet, so that any number of shards gives the same records.
                let over = !shared.is_young(&slot.flow) && shared.is_expired(slot)
                    || visit
                        .segment()
                        .is_some_and(|tcp| slot.flow.is_reused_by(tcp, &shared.details));
                if over {
                    self.end(number, EndReason::Idle, shared, emit);
                    self.begin(key, visit, shared)
                } else {
                    if shared.is_part_over(&slot.flow) {
                        self.end_part(number, visit.meta.ts, shared, emit);
                    }
                    number
                }
            }
            None => self.begin(key, visit, shared),
        };
        self.follow_cut(number, visit, shared);
        let slot = self.slab.get_mut(number);
        if shared.sees_tunnels {
            shared.check_carrier(slot, visit.layers.tunnel.map_or(0, |tunnel| tunnel.carrier));
        }
        let flow = &mut slot.flow;
        if is_tcp && flow.detail == Details::NONE {
            let before = flow.packed.standing();
            match flow.on_plain_data(visit.step(ip, is_tcp, flow.first_ts)) {
                Plain::Again | Plain::Late => return,
                Plain::First | Plain::Closing => {
                    if flow.packed.standing().is_like(before) {
                        return;
                    }
                    let slow = shared.is_slow(slot);
                    return self.reclass(number, before.class(is_tcp, slow), shared);
                }
                Plain::No => {}
            }
        }
        self.observe_closely(number, visit, ip, shared);
    }

    /// Takes whatever is not a plain segment.
    #[inline(never)]
    pub(super) fn observe_closely(
        &mut self,
        number: u32,
        visit: &Visit<'_>,
        ip: &Ip,
        shared: &mut Shared,
    ) {
        let slot = self.slab.get_mut(number);
        let before = shared.class(slot);
        let is_tcp = slot.key.protocol() == PROTO_TCP;
        let step = visit.step(ip, is_tcp, slot.flow.first_ts);
        let changed = slot
            .flow
            .on_packet(&step, &mut shared.details, &mut shared.islands);
        if changed {
            self.reclass(number, before, shared);
        }
    }

    /// Moves a flow to where its class belongs, if that was another one before.
    pub(super) fn reclass(&mut self, number: u32, before: Class, shared: &mut Shared) {
        let slot = self.slab.get(number);
        let after = shared.class(slot);
        if before != after {
            let deadline = shared.deadline(&slot.flow, after);
            if after == Class::TcpClosed {
                shared.counters.ended += 1;
            }
            self.wheels.remove(&mut self.slab, number);
            self.wheels
                .insert(&mut self.slab, number, wheel_of(after), deadline);
        }
    }

    /// Takes what was left out of a flow; says whether it is in the table.
    pub(super) fn on_skipped(
        &mut self,
        key: Key<A>,
        skipped: &[Skipped; 2],
        shared: &mut Shared,
    ) -> bool {
        let hash = (key.hash(self.seed) >> 32) as u32;
        let found = self.find(&key, hash);
        match found {
            Some(number) => self.skip(number, skipped, shared),
            None if skipped.iter().all(Skipped::is_none) => {}
            None => {
                if let Some(cuts) = &mut shared.cuts {
                    cuts.keep(&A::any(key), skipped);
                }
            }
        }
        found.is_some()
    }

    pub(super) fn skip(&mut self, number: u32, skipped: &[Skipped; 2], shared: &mut Shared) {
        let Slot { key, flow, .. } = self.slab.get_mut(number);
        let is_tcp = key.protocol() == PROTO_TCP;
        for (direction, skipped) in [Direction::Forward, Direction::Reverse]
            .into_iter()
            .zip(skipped)
            .filter(|(_, skipped)| !skipped.is_none())
        {
            flow.on_skipped(
                direction,
                skipped,
                is_tcp,
                &mut shared.details,
                &mut shared.islands,
            );
        }
        if let Some(cuts) = &mut shared.cuts {
            cuts.count(&A::any(*key), skipped);
        }
    }

    /// Takes from the kernel's table what it has not told of a flow. Before a packet everything was told
    /// that came before it, and the table is ahead of it: not to be asked then.
    #[inline(always)]
    pub(super) fn settle(&mut self, number: u32, shared: &mut Shared) {
        let Some(cuts) = &mut shared.cuts else {
            return;
        };
        if let Some(skipped) = cuts.look(&A::any(self.slab.get(number).key)) {
            self.skip(number, &skipped, shared);
        }
    }

    /// What was left out before the flow began, or of this very packet.
    #[inline(always)]
    pub(super) fn follow_cut(&mut self, number: u32, visit: &Visit<'_>, shared: &mut Shared) {
        let Some(cuts) = &mut shared.cuts else {
            return;
        };
        let key = A::any(self.slab.get(number).key);
        if visit.left_out > 0 {
            cuts.trim(key, visit.direction, visit.left_out.into());
        }
        if let Some(skipped) = cuts.waiting_for(&key) {
            self.skip(number, &skipped, shared);
        }
    }

    /// A new flow in a new slot; there is room, since whoever calls made some.
    pub(super) fn begin(&mut self, key: Key<A>, visit: &Visit<'_>, shared: &mut Shared) -> u32 {
        let meta = visit.meta;
        let context = Context::of(meta.iface, visit.layers);
        shared.sees_tunnels |= context.tunnel.is_some();
        let mut flow = Flow::new(
            meta.frame,
            [meta.ts, meta.clock],
            shared.contexts.refer(&context),
            visit.direction,
        );
        if visit.is_answer(&key) {
            flow.packed.flip();
        }
        let number = self.slab.take(key, flow);
        let slot = self.slab.get(number);
        let class = shared.class(slot);
        let deadline = shared.deadline(&slot.flow, class);
        self.index.insert(visit.hash, number);
        self.wheels
            .insert(&mut self.slab, number, wheel_of(class), deadline);
        shared.counters.created += 1;
        number
    }

    /// Writes a flow's record and forgets it.
    pub(super) fn end(
        &mut self,
        number: u32,
        why: EndReason,
        shared: &mut Shared,
        emit: &mut impl FnMut(FlowRecord),
    ) {
        let slot: &Slot<A> = self.slab.get(number);
        shared.tell(slot, why, emit);
        let hash = (slot.key.hash(self.seed) >> 32) as u32;
        self.index.remove(hash, number);
        self.wheels.remove(&mut self.slab, number);
        self.slab.release(number);
    }

    /// Writes a record of a flow that goes on.
    #[cold]
    pub(super) fn end_part(
        &mut self,
        number: u32,
        ts: Timestamp,
        shared: &mut Shared,
        emit: &mut impl FnMut(FlowRecord),
    ) {
        let slot = self.slab.get_mut(number);
        emit(shared.record(slot, EndReason::Active));
        if let Some(cuts) = &mut shared.cuts {
            cuts.reported(&A::any(slot.key), false);
        }
        let is_tcp = slot.key.protocol() == PROTO_TCP;
        slot.flow.next_part(ts, is_tcp, &mut shared.details);
    }

    pub(super) fn expire(&mut self, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
        while let Some(number) = self.wheels.due(shared.clock) {
            self.settle(number, shared);
            let slot = self.slab.get(number);
            let class = shared.class(slot);
            let deadline = shared.deadline(&slot.flow, class);
            if deadline <= shared.clock {
                self.end(number, EndReason::Idle, shared, emit);
            } else {
                self.wheels.remove(&mut self.slab, number);
                self.wheels
                    .insert(&mut self.slab, number, wheel_of(class), deadline);
            }
        }
    }

    pub(super) fn finish(&mut self, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
        for number in 0..self.slab.len() {
            if self.slab.is_used(number) {
                self.end_last(number, shared, emit);
            }
        }
        // All at once: one by one, they would have to be found first.
        self.index.clear();
        self.wheels.clear();
        self.slab.clear();
    }

    /// Ends a flow because nothing more will come. Not every shard hears of the time as often, and what
    /// is said must not depend on it: a flow that is past its time was idle.
    pub(super) fn end_last(
        &mut self,
        number: u32,
        shared: &mut Shared,
        emit: &mut impl FnMut(FlowRecord),
    ) {
        self.settle(number, shared);
        let why = if shared.is_expired(self.slab.get(number)) {
            EndReason::Idle
        } else {
            EndReason::Shutdown
        };
        let slot = self.slab.get(number);
        shared.tell(slot, why, emit);
    }

    /// The flow of this kind that was silent longest, or close to it.
    pub(super) fn victim(&mut self, kind: WheelKind, shared: &Shared) -> Option<u32> {
        /// Flows that were seen since they were put in place are moved on the way; more than this
        /// many are not looked at for one eviction.
        const TRIES: u32 = 16;
        for _ in 0..TRIES {
            let number = self.wheels.earliest(&mut self.slab, kind)?;
            let slot = self.slab.get(number);
            let deadline = shared.deadline(&slot.flow, shared.class(slot));
            if self.wheels.is_in_place(slot.flow.bucket, deadline) {
                return Some(number);
            }
            self.wheels.remove(&mut self.slab, number);
            self.wheels.insert(&mut self.slab, number, kind, deadline);
        }
        self.wheels.earliest(&mut self.slab, kind)
    }

    pub(super) fn evict(
        &mut self,
        kind: WheelKind,
        shared: &mut Shared,
        emit: &mut impl FnMut(FlowRecord),
    ) -> bool {
        let Some(number) = self.victim(kind, shared) else {
            return false;
        };
        shared.counters.evicted += 1;
        self.settle(number, shared);
        self.end(number, EndReason::Evicted, shared, emit);
        true
    }
}

/// Keeps one place for flows that are evicted first, so that whoever sends SYNs from made-up addresses
/// only ever pushes out others of that kind: connections make room when another one opens, and not when
/// somebody knocks.
#[inline(always)]
pub(super) fn keep_a_place<A: Address, B: Address>(
    own: &mut Family<A>,
    other: &mut Family<B>,
    shared: &mut Shared,
    emit: &mut impl FnMut(FlowRecord),
) {
    let durable = own.wheels.count(WheelKind::Durable) + other.wheels.count(WheelKind::Durable);
    if shared.must_evict(durable) && shared.limits.max_flows > 1 {
        let _evicted = own.evict(WheelKind::Durable, shared, emit)
            || other.evict(WheelKind::Durable, shared, emit);
    }
}

/// Makes room for one flow: embryonic and closed ones go first, then whoever was silent longest; the
/// family that wants the room gives it if it can.
#[cold]
pub(super) fn evict_one<A: Address, B: Address>(
    own: &mut Family<A>,
    other: &mut Family<B>,
    shared: &mut Shared,
    emit: &mut impl FnMut(FlowRecord),
) {
    let _evicted = own.evict(WheelKind::Transient, shared, emit)
        || other.evict(WheelKind::Transient, shared, emit)
        || own.evict(WheelKind::Durable, shared, emit)
        || other.evict(WheelKind::Durable, shared, emit);
}
