//! All of it together: one shard's flows, bounded, with their expiry and eviction.

use std::sync::Arc;

use capture_common::CutReport;
use capture_common::cutoff::CutTotals;
use capture_common::flow_hash::mix64;

use super::context::{Context, Contexts};
use super::cutoff::{CutTable, Cuts, Skipped};
use super::detail::{Detail, Details};
use super::index::Index;
use super::key::{Address, AnyKey, Direction, Key};
use super::limits::{FIRST_CHECK, Limits, Timeouts};
use super::packed::Plain;
use super::record::{EndReason, Ended, FlowRecord, LiveSampling, Sampling};
use super::server_ports::is_slow_service;
use super::slab::{Slab, Slot};
use super::state::{Class, Counts, Flow};
use super::tcp::Islands;
use super::timer::{Link, Links, WheelKind, Wheels};
use super::visit::{Visit, icmp_ports};
use crate::dissect::{Addresses, Checksum, Fragments, Ip, Layers, Net, PROTO_TCP, Transport};
use crate::packet::{FrameNo, Packet, PayloadCut, Span, Timestamp};

/// What a table counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowTableCounters {
    /// Flows that began.
    pub created: u64,
    /// Flows that ended: closed, reset, expired or evicted. What lingers in the table after its end
    /// is not counted again.
    pub ended: u64,
    /// Flows that had to go for lack of room, a part of `ended` unless they had ended before.
    pub evicted: u64,
    /// How often a detail was left out for lack of room.
    pub details_refused: u64,
    /// Packets whose checksum is wrong.
    pub bad_checksums: u64,
    /// Packets that the kernel counted and did not copy, and that are in the counts of their flow.
    pub cut: u64,
}

/// In which bin a packet was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It belongs to a flow.
    Tracked,
    /// Its headers cannot be believed.
    Malformed,
    /// It is not IP.
    NotIp,
    /// Its headers were not captured as far as its ports.
    Snapped,
}

/// A packet on its way into the table: its key, or why it has none.
#[derive(Clone, Copy, Debug)]
pub struct Prepared {
    key: Result<(AnyKey, Direction, u32), Observed>,
}

impl Prepared {
    /// What a packet without a key is, until more is known.
    pub(crate) const NOT_IP: Self = Self {
        key: Err(Observed::NotIp),
    };
}

/// One shard's flows.
#[derive(Debug)]
pub struct FlowTable {
    v4: Family<u32>,
    v6: Family<[u64; 2]>,
    fragments: Fragments,
    seed: u64,
    shared: Shared,
}

/// Ranges beyond holes that are kept for each detail, on the average.
const ISLANDS_PER_DETAIL: u32 = 8;

/// What both address families have in common.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    timeouts: Timeouts,
    /// See [`Timeouts::least`].
    least: Span,
    clock: Timestamp,
    counters: FlowTableCounters,
    /// Number of the last packet, which says whose shard this is.
    frame: FrameNo,
    details: Details,
    islands: Islands,
    contexts: Contexts,
    /// `None` if the kernel cuts nothing.
    cuts: Option<Cuts>,
    sampling: Arc<LiveSampling>,
    /// A flow was found in a tunnel.
    sees_tunnels: bool,
}

/// The flows of one address family.
#[derive(Debug)]
struct Family<A: Address> {
    slab: Slab<A>,
    index: Index,
    wheels: Wheels,
    seed: u64,
}

impl FlowTable {
    /// An empty table. `seed` is random for each run: whoever sends the packets must not be able to
    /// choose where they go.
    #[must_use]
    pub fn new(limits: Limits, timeouts: Timeouts, seed: u64) -> Self {
        // The rings were chosen by the same function, so the table needs a seed of its own: within a
        // shard the hashes would otherwise lie close together.
        let seed = mix64(seed ^ 0x7461_626c_6500_0001);
        Self {
            v4: Family::new(limits.max_flows, seed),
            v6: Family::new(limits.max_flows, seed),
            fragments: Fragments::new(),
            seed,
            shared: Shared {
                limits,
                timeouts,
                least: timeouts.least(),
                clock: Timestamp::default(),
                counters: FlowTableCounters::default(),
                frame: FrameNo(0),
                details: Details::new(limits.max_details),
                islands: Islands::new(limits.max_details.saturating_mul(ISLANDS_PER_DETAIL)),
                contexts: Contexts::default(),
                cuts: None,
                sampling: Arc::new(LiveSampling::new(Sampling::ALL)),
                sees_tunnels: false,
            },
        }
    }

    /// The same for a table whose flows the kernel cuts short.
    #[must_use]
    pub fn cut_by(mut self, table: Option<Arc<dyn CutTable>>) -> Self {
        self.shared.cuts = table.map(Cuts::new);
        self
    }

    /// The same for a table that gets only a part of the traffic, which its records say: what part it was
    /// when they were written.
    #[must_use]
    pub fn sampled(mut self, sampling: Arc<LiveSampling>) -> Self {
        self.shared.sampling = sampling;
        self
    }

    /// Memory of one detail with its ranges, bytes.
    pub(super) const DETAIL_BYTES: u64 =
        Details::BYTES + ISLANDS_PER_DETAIL as u64 * Islands::BYTES;

    /// Memory for so many flows without details, bytes: as if all were of the family with the longer
    /// addresses.
    pub(super) const fn flow_bytes(flows: u32) -> u64 {
        // Both families have an index for all.
        flows as u64 * Slab::<[u64; 2]>::SLOT_BYTES + 2 * Index::bytes(flows)
    }

    /// Memory that a table with these limits takes when it is full, in bytes.
    #[must_use]
    pub const fn max_bytes(limits: Limits) -> u64 {
        Self::flow_bytes(limits.max_flows) + limits.max_details as u64 * Self::DETAIL_BYTES
    }

    /// Flows in the table, those included that have ended and linger.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.v4.slab.live() + self.v6.slab.live()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> FlowTableCounters {
        FlowTableCounters {
            details_refused: self.shared.details.refused,
            cut: self.shared.cuts.as_ref().map_or(0, |cuts| cuts.counted),
            ..self.shared.counters
        }
    }

    /// First step for a packet of a burst: finds the key.
    #[inline(always)]
    pub fn prepare(&mut self, layers: &mut Layers, packet: &Packet<'_>) -> Prepared {
        let mut prepared = Prepared::NOT_IP;
        self.prepare_into(layers, packet, &mut prepared);
        prepared
    }

    /// The same in place, whatever was there before: nothing is copied.
    #[inline(always)]
    pub fn prepare_into(
        &mut self,
        layers: &mut Layers,
        packet: &Packet<'_>,
        prepared: &mut Prepared,
    ) {
        if let Net::Ip(ip) = &layers.net
            && ip.fragment.is_some()
        {
            self.fragments.follow(layers, packet);
        }
        if packet.meta.cut != PayloadCut::No
            && let Transport::Tcp(tcp) = &mut layers.transport
        {
            // It was there; nobody wanted it.
            tcp.captured = true;
        }
        self.key(layers, prepared);
    }

    /// Second step: asks for the index's memory. For all packets of a burst in a row, as each may have
    /// to wait for the translation of its address, and they can do so together.
    #[inline(always)]
    pub fn prefetch_index(&self, prepared: &Prepared) {
        if let Ok((key, _, hash)) = &prepared.key {
            match key {
                AnyKey::V4(_) => self.v4.index.prefetch(*hash),
                AnyKey::V6(_) => self.v6.index.prefetch(*hash),
            }
        }
    }

    /// Third step: asks for the flow's memory.
    #[inline(always)]
    pub fn prefetch(&self, prepared: &Prepared) {
        if let Ok((key, _, hash)) = &prepared.key {
            match key {
                AnyKey::V4(_) => self.v4.prefetch(*hash),
                AnyKey::V6(_) => self.v6.prefetch(*hash),
            }
        }
    }

    /// Fourth step: asks for what is kept beside the flow, where there is something.
    #[inline(always)]
    pub fn prefetch_detail(&self, prepared: &Prepared) {
        if self.shared.details.is_empty() {
            return;
        }
        if let Ok((key, _, hash)) = &prepared.key {
            let detail = match key {
                AnyKey::V4(_) => self.v4.guess_detail(*hash),
                AnyKey::V6(_) => self.v6.guess_detail(*hash),
            };
            self.shared.details.prefetch(detail);
        }
    }

    /// Last step: the packet joins its flow, or begins one. Records of flows that ended because of
    /// it go to `emit`.
    #[inline(always)]
    pub fn observe(
        &mut self,
        prepared: &Prepared,
        packet: &Packet<'_>,
        layers: &Layers,
        emit: &mut impl FnMut(FlowRecord),
    ) -> Observed {
        let Self { v4, v6, shared, .. } = self;
        let (key, direction, hash) = match prepared.key {
            Ok(key) => key,
            Err(bin) => return bin,
        };
        if packet.meta.clock > shared.clock {
            shared.clock = packet.meta.clock;
        }
        shared.frame = packet.meta.frame;
        if layers.checksum == Checksum::Bad {
            shared.counters.bad_checksums += 1;
        }
        let visit = Visit {
            meta: &packet.meta,
            layers,
            direction,
            hash,
            left_out: if packet.meta.cut == PayloadCut::AtCutoff {
                packet
                    .meta
                    .wire_len
                    .saturating_sub(packet.data.len() as u32)
            } else {
                0
            },
        };
        match key {
            AnyKey::V4(key) => {
                if shared.must_evict(v4.slab.live() + v6.slab.live())
                    && v4.find(&key, hash).is_none()
                {
                    evict_one(v4, v6, shared, emit);
                }
                v4.observe(key, &visit, shared, emit);
                keep_a_place(v4, v6, shared, emit);
            }
            AnyKey::V6(key) => {
                if shared.must_evict(v4.slab.live() + v6.slab.live())
                    && v6.find(&key, hash).is_none()
                {
                    evict_one(v6, v4, shared, emit);
                }
                v6.observe(key, &visit, shared, emit);
                keep_a_place(v6, v4, shared, emit);
            }
        }
        Observed::Tracked
    }

    /// Takes what the kernel says of a flow that it cuts short, before the packets that come after it.
    pub fn on_report(&mut self, report: &CutReport) {
        let Self { v4, v6, shared, .. } = self;
        let Some(cuts) = &mut shared.cuts else {
            return;
        };
        let (key, skipped) = cuts.take(report);
        let lives = match &key {
            AnyKey::V4(key) => v4.on_skipped(*key, &skipped, shared),
            AnyKey::V6(key) => v6.on_skipped(*key, &skipped, shared),
        };
        if let Some(cuts) = &mut shared.cuts {
            let [totals, _] = &report.totals;
            if totals.flags & CutTotals::GONE != 0 {
                cuts.gone(&key, lives);
            }
        }
    }

    /// Moves time on and writes the records of flows that were silent for too long.
    pub fn advance(&mut self, clock: Timestamp, emit: &mut impl FnMut(FlowRecord)) {
        let Self { v4, v6, shared, .. } = self;
        if clock > shared.clock {
            shared.clock = clock;
        }
        v4.expire(shared, emit);
        v6.expire(shared, emit);
    }

    /// Ends all flows that are left. For records that do not depend on the number of tables, each has
    /// to hear the time of the last packet of all before, by [`Self::advance`].
    pub fn finish(&mut self, emit: &mut impl FnMut(FlowRecord)) {
        let Self { v4, v6, shared, .. } = self;
        v4.finish(shared, emit);
        v6.finish(shared, emit);
    }

    #[inline(always)]
    fn key(&self, layers: &Layers, prepared: &mut Prepared) {
        let (ip, src_port, dst_port) = match ends(layers) {
            Ok(ends) => ends,
            Err(bin) => {
                prepared.key = Err(bin);
                return;
            }
        };
        // Written apart: what both families have in common would go through memory.
        match ip.addresses {
            Addresses::V4 { src, dst } => {
                let (key, direction) = Key::new((src, src_port), (dst, dst_port), ip.protocol);
                let hash = (key.hash(self.seed) >> 32) as u32;
                prepared.key = Ok((AnyKey::V4(key), direction, hash));
            }
            Addresses::V6 { src, dst } => {
                let (key, direction) = Key::new((src, src_port), (dst, dst_port), ip.protocol);
                let hash = (key.hash(self.seed) >> 32) as u32;
                prepared.key = Ok((AnyKey::V6(key), direction, hash));
            }
        }
    }
}

/// The IP header of a packet that has a key, and its ports or what stands for them.
#[inline(always)]
fn ends(layers: &Layers) -> Result<(&Ip, u16, u16), Observed> {
    if layers.malformed.is_some() {
        return Err(Observed::Malformed);
    }
    let Net::Ip(ip) = &layers.net else {
        return Err(if layers.snapped {
            Observed::Snapped
        } else {
            Observed::NotIp
        });
    };
    if layers.snapped {
        return Err(Observed::Snapped);
    }
    // The frame has no room for the datagram: as in Zeek, nothing of it is believed.
    if ip.cut_short {
        return Err(Observed::Malformed);
    }
    let (src_port, dst_port) = match layers.transport {
        Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port),
        Transport::Ports {
            src_port, dst_port, ..
        } => (src_port, dst_port),
        Transport::Icmp { kind, code, .. } => icmp_ports(ip.protocol, kind, code),
        Transport::None | Transport::Other => (0, 0),
    };
    Ok((ip, src_port, dst_port))
}

impl Shared {
    #[inline(always)]
    const fn must_evict(&self, live: u32) -> bool {
        live >= self.limits.max_flows
    }

    /// When the flow has been silent for too long, if nothing more is heard of it.
    #[inline(always)]
    fn deadline(&self, flow: &Flow, class: Class) -> Timestamp {
        let timeouts = &self.timeouts;
        match class {
            Class::TcpOpen | Class::TcpEmbryonic => {
                flow.silent_since(self.clock).after(timeouts.tcp_open)
            }
            Class::TcpOpenSlow => flow.silent_since(self.clock).after(timeouts.tcp_open_slow),
            Class::Answered | Class::Unanswered => {
                flow.silent_since(self.clock).after(timeouts.other)
            }
            Class::TcpClosed => flow.closed_since(self.clock).after(timeouts.tcp_closed),
            Class::TcpAttempt => self.begin_of(flow).after(timeouts.tcp_attempt),
            Class::TcpBroken | Class::TcpUnheard => {
                next_check(self.begin_of(flow), flow.silent_since(self.clock))
            }
        }
    }

    /// Whether the flow began so short a time ago that no timeout can have passed: the answer for most,
    /// without looking at what became of it.
    #[inline(always)]
    fn is_young(&self, flow: &Flow) -> bool {
        flow.last_ts >= flow.first_ts && self.clock.since(flow.first_ts) < self.least
    }

    /// When the flow began, on the source's clock.
    fn begin_of(&self, flow: &Flow) -> Timestamp {
        let behind = flow.silent_since(self.clock).since(flow.last_ts);
        flow.first_ts.after(behind)
    }

    /// Whether a record of the flow is due although it goes on.
    #[inline(always)]
    fn is_part_over(&self, flow: &Flow) -> bool {
        flow.is_full()
            || !self.is_young(flow)
                && self.timeouts.active.is_some_and(|active| {
                    // What was told already is remembered in a detail: without room for one, the flow is told
                    // as a whole when it ends.
                    flow.first_ts.after(active) <= self.clock
                        && (flow.detail != Details::NONE || self.details.has_room())
                        && flow.part_ts(&self.details).after(active) <= self.clock
                })
    }

    /// Notes that a packet came by another way than those before, through tunnels.
    fn check_carrier<A: Address>(&mut self, slot: &mut Slot<A>, carrier: u32) {
        let flow = &mut slot.flow;
        let detail = self.details.get(flow.detail);
        let known = detail.and_then(Detail::carrier).unwrap_or_else(|| {
            let tunnel = self.contexts.get(flow.context).tunnel;
            tunnel.map_or(0, |tunnel| tunnel.carrier)
        });
        if carrier != known {
            let is_tcp = slot.key.protocol() == PROTO_TCP;
            flow.carry(carrier, is_tcp, &mut self.details);
        }
    }

    fn record<A: Address>(&self, slot: &Slot<A>, why: EndReason) -> FlowRecord {
        FlowRecord::new(&Ended {
            slot,
            detail: self.details.get(slot.flow.detail),
            context: self.contexts.get(slot.flow.context),
            worker: self.frame,
            why,
            left_out: self
                .cuts
                .as_ref()
                .map_or([Counts::ZERO; 2], |cuts| cuts.left_out(&A::any(slot.key))),
            sampling: self.sampling.get(),
        })
    }

    /// Writes a flow's record, and gives back what it has beside its slot.
    fn tell<A: Address>(
        &mut self,
        slot: &Slot<A>,
        why: EndReason,
        emit: &mut impl FnMut(FlowRecord),
    ) {
        if self.class(slot) != Class::TcpClosed {
            self.counters.ended += 1;
        }
        emit(self.record(slot, why));
        if let Some(cuts) = &mut self.cuts {
            cuts.reported(&A::any(slot.key), true);
        }
        self.forget(&slot.flow);
    }

    fn forget(&mut self, flow: &Flow) {
        if let Some(detail) = self.details.get_mut(flow.detail) {
            for end in &mut detail.connection.ends {
                self.islands.clear(&mut end.islands);
            }
            self.details.release(flow.detail);
        }
        self.contexts.release(flow.context);
    }

    #[inline(always)]
    fn class<A: Address>(&self, slot: &Slot<A>) -> Class {
        let is_tcp = slot.key.protocol() == PROTO_TCP;
        slot.flow.class(is_tcp, self.is_slow(slot), &self.details)
    }

    /// Whether it is a connection to a service whose users are silent for long.
    #[inline(always)]
    fn is_slow<A: Address>(&self, slot: &Slot<A>) -> bool {
        let responder = slot.flow.originator(&self.details).opposite();
        slot.key.protocol() == PROTO_TCP && is_slow_service(slot.key.port(responder))
    }

    fn is_expired<A: Address>(&self, slot: &Slot<A>) -> bool {
        self.deadline(&slot.flow, self.class(slot)) <= self.clock
    }
}

/// Zeek looks after connections that broke 5 s after they began (`tcp_SYN_timeout`) and then every 6 s
/// (`tcp_session_timer`), and ends those that were silent for more than 5 s
/// (`tcp_connection_linger`).
fn next_check(first: Timestamp, silent_since: Timestamp) -> Timestamp {
    const EVERY: Span = Span::from_secs(6);
    const LINGER: Span = Span::from_secs(5);
    let first_check = first.after(FIRST_CHECK);
    let over = silent_since.after(LINGER).since(first_check);
    if over == Span(0) && silent_since.after(LINGER) < first_check {
        return first_check;
    }
    first_check.after(Span((over.0 / EVERY.0 + 1) * EVERY.0))
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
    fn new(flows: u32, seed: u64) -> Self {
        Self {
            slab: Slab::new(flows),
            index: Index::new(flows),
            wheels: Wheels::new(),
            seed,
        }
    }

    #[inline(always)]
    fn prefetch(&self, hash: u32) {
        if let Some(slot) = self.index.guess(hash) {
            self.slab.prefetch(slot);
        }
    }

    #[inline(always)]
    fn guess_detail(&self, hash: u32) -> u32 {
        self.index
            .guess(hash)
            .map_or(Details::NONE, |slot| self.slab.get(slot).flow.detail)
    }

    #[inline(always)]
    fn find(&self, key: &Key<A>, hash: u32) -> Option<u32> {
        self.index
            .find(hash, |slot| self.slab.get(slot).key == *key)
    }

    #[inline(always)]
    fn observe(
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
    fn observe_closely(&mut self, number: u32, visit: &Visit<'_>, ip: &Ip, shared: &mut Shared) {
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
    fn reclass(&mut self, number: u32, before: Class, shared: &mut Shared) {
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
    fn on_skipped(&mut self, key: Key<A>, skipped: &[Skipped; 2], shared: &mut Shared) -> bool {
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

    fn skip(&mut self, number: u32, skipped: &[Skipped; 2], shared: &mut Shared) {
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
    fn settle(&mut self, number: u32, shared: &mut Shared) {
        let Some(cuts) = &mut shared.cuts else {
            return;
        };
        if let Some(skipped) = cuts.look(&A::any(self.slab.get(number).key)) {
            self.skip(number, &skipped, shared);
        }
    }

    /// What was left out before the flow began, or of this very packet.
    #[inline(always)]
    fn follow_cut(&mut self, number: u32, visit: &Visit<'_>, shared: &mut Shared) {
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
    fn begin(&mut self, key: Key<A>, visit: &Visit<'_>, shared: &mut Shared) -> u32 {
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
    fn end(
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
    fn end_part(
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

    fn expire(&mut self, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
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

    fn finish(&mut self, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
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
    fn end_last(&mut self, number: u32, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
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
    fn victim(&mut self, kind: WheelKind, shared: &Shared) -> Option<u32> {
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

    fn evict(
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
fn keep_a_place<A: Address, B: Address>(
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
fn evict_one<A: Address, B: Address>(
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
