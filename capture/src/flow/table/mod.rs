//! All of it together: one shard's flows, bounded, with their expiry and eviction.

mod family;
mod shared;

use std::sync::Arc;

use capture_common::CutReport;
use capture_common::cutoff::CutTotals;
use capture_common::flow_hash::mix64;

use crate::dissect::{Addresses, Checksum, Fragments, Ip, Layers, Net, Transport};
use crate::flow::context::Contexts;
use crate::flow::cutoff::{CutTable, Cuts};
use crate::flow::detail::Details;
use crate::flow::index::Index;
use crate::flow::key::{AnyKey, Direction, Key};
use crate::flow::limits::{Limits, Timeouts};
use crate::flow::record::{FlowRecord, LiveSampling, Sampling};
use crate::flow::slab::Slab;
use crate::flow::tcp::Islands;
use crate::flow::visit::{Visit, icmp_ports};
use crate::packet::{FrameNo, Packet, PayloadCut, Timestamp};
use family::{Family, evict_one, keep_a_place};
use shared::Shared;

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
