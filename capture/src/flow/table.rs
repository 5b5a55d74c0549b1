//! All of it together: one shard's flows, bounded, with their expiry and eviction.

use capture_common::flow_hash::mix64;

use super::index::Index;
use super::key::{Address, AnyKey, Direction, Key, key_of};
use super::record::{EndReason, FlowRecord};
use super::slab::{Slab, Slot};
use super::state::{Class, Flow};
use super::timer::{Link, Links, WheelKind, Wheels};
use crate::dissect::{Fragments, Layers, Net, PROTO_TCP, Tcp, TcpFlags, Transport};
use crate::packet::{Packet, PacketMeta, Span, Timestamp};

/// How much a table may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows that are tracked at once; when one more comes, another has to go.
    pub max_flows: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_flows: 1_000_000,
        }
    }
}

/// How long a flow may be silent before its record is written, by its state.
///
/// A SYN is repeated after 1, 2, 4, 8, 16 and 32 s by Linux, so 60 s keep the tries of one connect
/// together. Open connections get Zeek's `tcp_inactivity_timeout` (5 min), closed ones its
/// `tcp_close_delay` (5 s), everything else its `udp_inactivity_timeout` (1 min).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP before the handshake is complete.
    pub tcp_embryonic: Span,
    /// TCP that is open.
    pub tcp_open: Span,
    /// TCP that was reset, or closed by both ends.
    pub tcp_closed: Span,
    /// Everything else.
    pub other: Span,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_embryonic: Span::from_secs(60),
            tcp_open: Span::from_secs(300),
            tcp_closed: Span::from_secs(5),
            other: Span::from_secs(60),
        }
    }
}

impl Timeouts {
    const fn of(&self, class: Class) -> Span {
        match class {
            Class::TcpEmbryonic => self.tcp_embryonic,
            Class::TcpOpen => self.tcp_open,
            Class::TcpClosed => self.tcp_closed,
            Class::Answered | Class::Unanswered => self.other,
        }
    }
}

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

/// Which of the two tables.
#[derive(Clone, Copy)]
enum Version {
    V4,
    V6,
}

/// What both address families have in common.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    timeouts: Timeouts,
    clock: Timestamp,
    counters: FlowTableCounters,
}

/// The flows of one address family.
#[derive(Debug)]
struct Family<A> {
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
                clock: Timestamp::default(),
                counters: FlowTableCounters::default(),
            },
        }
    }

    /// Memory that a table with these limits takes when it is full, in bytes: as if all flows were of
    /// the family with the longer addresses.
    #[must_use]
    pub const fn max_bytes(limits: Limits) -> u64 {
        let slots = limits.max_flows as u64 * Slab::<[u64; 2]>::SLOT_BYTES;
        // Both families have an index for all.
        slots + 2 * Index::bytes(limits.max_flows)
    }

    /// Flows in the table, those included that have ended and linger.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.v4.slab.live() + self.v6.slab.live()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> FlowTableCounters {
        self.shared.counters
    }

    /// First step for a packet of a burst: finds the key, asks for the index's memory.
    #[inline(always)]
    pub fn prepare(&mut self, layers: &mut Layers, packet: &Packet<'_>) -> Prepared {
        if let Net::Ip(ip) = &layers.net
            && ip.fragment.is_some()
        {
            self.fragments.follow(layers, packet);
        }
        let key = self.key(layers);
        if let Ok((key, _, hash)) = &key {
            match key {
                AnyKey::V4(_) => self.v4.index.prefetch(*hash),
                AnyKey::V6(_) => self.v6.index.prefetch(*hash),
            }
        }
        Prepared { key }
    }

    /// Second step: asks for the flow's memory.
    #[inline(always)]
    pub fn prefetch(&self, prepared: &Prepared) {
        if let Ok((key, _, hash)) = prepared.key {
            match key {
                AnyKey::V4(_) => self.v4.prefetch(hash),
                AnyKey::V6(_) => self.v6.prefetch(hash),
            }
        }
    }

    /// Third step: the packet joins its flow, or begins one. Records of flows that ended because of
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
        let visit = Visit {
            meta: &packet.meta,
            layers,
            direction,
            hash,
        };
        match key {
            AnyKey::V4(key) => {
                if shared.must_evict(v4.slab.live() + v6.slab.live())
                    && v4.find(&key, hash).is_none()
                {
                    evict_one(v4, v6, shared, emit);
                }
                v4.observe(key, &visit, shared, emit);
            }
            AnyKey::V6(key) => {
                if shared.must_evict(v4.slab.live() + v6.slab.live())
                    && v6.find(&key, hash).is_none()
                {
                    evict_one(v6, v4, shared, emit);
                }
                v6.observe(key, &visit, shared, emit);
            }
        }
        Observed::Tracked
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

    /// Ends all flows that are left, in the order in which they began. For records that do not depend
    /// on the number of tables, each has to hear the time of the last packet of all before, by
    /// [`Self::advance`].
    pub fn finish(&mut self, emit: &mut impl FnMut(FlowRecord)) {
        let Self { v4, v6, shared, .. } = self;
        let v4_flows = v4
            .slab
            .numbers()
            .map(|(id, number)| (id, Version::V4, number));
        let v6_flows = v6
            .slab
            .numbers()
            .map(|(id, number)| (id, Version::V6, number));
        let mut left: Vec<_> = v4_flows.chain(v6_flows).collect();
        left.sort_unstable_by_key(|(id, ..)| *id);
        for (_, version, number) in left {
            match version {
                Version::V4 => v4.end_last(number, shared, emit),
                Version::V6 => v6.end_last(number, shared, emit),
            }
        }
    }

    #[inline(always)]
    fn key(&self, layers: &Layers) -> Result<(AnyKey, Direction, u32), Observed> {
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
        let (src_port, dst_port) = match layers.transport {
            Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port),
            Transport::Ports {
                src_port, dst_port, ..
            } => (src_port, dst_port),
            Transport::Icmp { kind, code, .. } => icmp_ports(ip.protocol, kind, code),
            Transport::None | Transport::Other => (0, 0),
        };
        let (key, direction) = key_of(ip.addresses, src_port, dst_port, ip.protocol);
        let hash = match &key {
            AnyKey::V4(key) => key.hash(self.seed),
            AnyKey::V6(key) => key.hash(self.seed),
        };
        Ok((key, direction, (hash >> 32) as u32))
    }
}

/// ICMP has no ports; as in Zeek (`icmp_conn`), the type takes the source's place, and the type of
/// the expected answer, or else the code, the destination's. A request and its answer then are one
/// flow, and errors are flows of their own.
fn icmp_ports(protocol: u8, kind: u8, code: u8) -> (u16, u16) {
    // RFC 792, RFC 950, RFC 1256; RFC 4443, RFC 2710, RFC 4861.
    const PAIRS_V4: [(u8, u8); 5] = [(8, 0), (13, 14), (15, 16), (17, 18), (10, 9)];
    const PAIRS_V6: [(u8, u8); 4] = [(128, 129), (133, 134), (135, 136), (130, 131)];
    let pairs: &[(u8, u8)] = if protocol == 1 { &PAIRS_V4 } else { &PAIRS_V6 };
    for &(request, reply) in pairs {
        if kind == request {
            return (u16::from(request), u16::from(reply));
        }
        if kind == reply {
            return (u16::from(reply), u16::from(request));
        }
    }
    (u16::from(kind), u16::from(code))
}

impl Shared {
    #[inline(always)]
    const fn must_evict(&self, live: u32) -> bool {
        live >= self.limits.max_flows
    }

    fn deadline(&self, flow: &Flow, class: Class) -> Timestamp {
        flow.seen.after(self.timeouts.of(class))
    }
}

/// One packet's visit to the table.
struct Visit<'a> {
    meta: &'a PacketMeta,
    layers: &'a Layers,
    direction: Direction,
    hash: u32,
}

impl Visit<'_> {
    #[inline(always)]
    fn segment(&self) -> Option<&Tcp> {
        match &self.layers.transport {
            Transport::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// Whom the packet makes the initiator: its sender, unless it is an answer.
    fn initiator(&self) -> Direction {
        const SYN_ACK: TcpFlags = TcpFlags::SYN.with(TcpFlags::ACK);
        let answers = match self.layers.transport {
            Transport::Tcp(tcp) => tcp.flags.has(SYN_ACK),
            Transport::Icmp { kind, .. } => matches!(kind, 0 | 129),
            _ => false,
        };
        if answers {
            self.direction.opposite()
        } else {
            self.direction
        }
    }
}

impl<A: Address> Links for Slab<A> {
    fn link(&mut self, slot: u32) -> &mut Link {
        &mut self.get_mut(slot).link
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
        let is_tcp = key.protocol() == PROTO_TCP;
        let number = match self.find(&key, visit.hash) {
            Some(number) => {
                let flow = &self.slab.get(number).flow;
                // Whether the flow has expired must not depend on whether its timer was looked at
                // yet, so that any number of shards gives the same records.
                let expired = shared.deadline(flow, flow.class(is_tcp)) < visit.meta.clock;
                let reused = visit
                    .segment()
                    .is_some_and(|tcp| flow.tcp.is_reused_by(tcp, visit.direction));
                if expired || reused {
                    self.end(number, EndReason::Idle, shared, emit);
                    self.begin(key, visit, shared)
                } else {
                    number
                }
            }
            None => self.begin(key, visit, shared),
        };
        let flow = &mut self.slab.get_mut(number).flow;
        let before = flow.class(is_tcp);
        let Net::Ip(ip) = &visit.layers.net else {
            return;
        };
        flow.on_packet(
            visit.direction,
            [visit.meta.ts, visit.meta.clock],
            visit.meta.wire_len,
            ip.ip_len,
            visit.segment(),
        );
        let after = flow.class(is_tcp);
        if before != after {
            let deadline = shared.deadline(flow, after);
            if after == Class::TcpClosed {
                shared.counters.ended += 1;
            }
            self.wheels.remove(&mut self.slab, number);
            self.wheels
                .insert(&mut self.slab, number, wheel_of(after), deadline);
        }
    }

    /// A new flow in a new slot; there is room, since whoever calls made some.
    fn begin(&mut self, key: Key<A>, visit: &Visit<'_>, shared: &mut Shared) -> u32 {
        let meta = visit.meta;
        let mut flow = Flow::new(
            meta.frame,
            [meta.ts, meta.clock],
            meta.iface,
            visit.initiator(),
        );
        flow.vlans = visit.layers.vlans;
        flow.vlan_tags = visit.layers.vlan_tags;
        let class = flow.class(key.protocol() == PROTO_TCP);
        let deadline = shared.deadline(&flow, class);
        let number = self.slab.take(key, flow);
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
        let is_tcp = slot.key.protocol() == PROTO_TCP;
        if slot.flow.class(is_tcp) != Class::TcpClosed {
            shared.counters.ended += 1;
        }
        emit(FlowRecord::new(slot, is_tcp, why));
        let hash = (slot.key.hash(self.seed) >> 32) as u32;
        self.index.remove(hash, number);
        self.wheels.remove(&mut self.slab, number);
        self.slab.release(number);
    }

    fn expire(&mut self, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
        while let Some(number) = self.wheels.due(shared.clock) {
            let slot = self.slab.get(number);
            let class = slot.flow.class(slot.key.protocol() == PROTO_TCP);
            let deadline = shared.deadline(&slot.flow, class);
            if deadline < shared.clock {
                self.end(number, EndReason::Idle, shared, emit);
            } else {
                self.wheels.remove(&mut self.slab, number);
                self.wheels
                    .insert(&mut self.slab, number, wheel_of(class), deadline);
            }
        }
    }

    /// Ends a flow because nothing more will come. Not every shard hears of the time as often, and what
    /// is said must not depend on it: a flow that is past its time was idle.
    fn end_last(&mut self, number: u32, shared: &mut Shared, emit: &mut impl FnMut(FlowRecord)) {
        let slot = self.slab.get(number);
        let class = slot.flow.class(slot.key.protocol() == PROTO_TCP);
        let why = if shared.deadline(&slot.flow, class) < shared.clock {
            EndReason::Idle
        } else {
            EndReason::Shutdown
        };
        self.end(number, why, shared, emit);
    }

    /// The flow of this kind that was silent longest, or close to it.
    fn victim(&mut self, kind: WheelKind, shared: &Shared) -> Option<u32> {
        /// Flows that were seen since they were put in place are moved on the way; more than this
        /// many are not looked at for one eviction.
        const TRIES: u32 = 16;
        for _ in 0..TRIES {
            let number = self.wheels.earliest(&mut self.slab, kind)?;
            let slot = self.slab.get(number);
            let class = slot.flow.class(slot.key.protocol() == PROTO_TCP);
            let deadline = shared.deadline(&slot.flow, class);
            if self.wheels.is_in_place(&slot.link, deadline) {
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
        self.end(number, EndReason::Evicted, shared, emit);
        true
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
