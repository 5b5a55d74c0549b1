//! One worker: packets in bursts go in, records and encoded packets come out.
//!
//! A shard owns everything that it touches; what others may look at are its counters.
//!
//! - `counters.rs` what a shard counts, for others to read
//! - `latency.rs` from the kernel's timestamp to here

mod counters;
mod latency;

use std::sync::Arc;

pub use counters::{Bins, ShardCounters, ShardTotals};
pub use latency::Latency;

use crate::dissect::{Dissector, Layers};
use crate::flow::{FlowRecord, FlowTable, Observed, Prepared};
use crate::packet::{Packet, Timestamp};
use crate::sink::flows::FlowSink;
use crate::sink::pcapng::PacketSink;
use crate::source::BURST;
use crate::source::ring::Told;

/// Packets that are worked on while one's bytes are on their way.
const AHEAD: usize = 8;

/// One worker's state.
#[derive(Debug)]
pub struct Shard {
    dissector: Dissector,
    flows: FlowTable,
    records: Records,
    /// Each takes all packets.
    packets: Vec<PacketSink>,
    bins: Bins,
    counters: Arc<ShardCounters>,
    /// What is found of the packets of a burst; it means nothing between two of them.
    work: Box<[(Layers, Prepared); BURST]>,
}

/// Where records go, and how many did.
#[derive(Debug)]
struct Records {
    sink: Option<FlowSink>,
    count: u64,
}

impl Records {
    fn emit(&mut self, record: FlowRecord) {
        self.count += 1;
        if let Some(sink) = &mut self.sink {
            sink.record(record);
        }
    }
}

impl Shard {
    /// A shard with an empty table.
    #[must_use]
    pub fn new(
        dissector: Dissector,
        flows: FlowTable,
        records: Option<FlowSink>,
        packets: Option<PacketSink>,
        counters: Arc<ShardCounters>,
    ) -> Self {
        Self {
            dissector,
            flows,
            records: Records {
                sink: records,
                count: 0,
            },
            packets: packets.into_iter().collect(),
            bins: Bins::default(),
            counters,
            work: Box::new([(Layers::EMPTY, Prepared::NOT_IP); BURST]),
        }
    }

    /// The same, with packets going to one more sink.
    #[must_use]
    pub fn also_into(mut self, sink: Option<PacketSink>) -> Self {
        self.packets.extend(sink);
        self
    }

    /// Takes a burst of at most [`BURST`] packets.
    pub fn on_burst(&mut self, burst: &[Packet<'_>]) {
        self.on_told_burst(burst, &[]);
    }

    /// The same with what the kernel tells in between of flows that it cuts short.
    ///
    /// Five passes, so that the memory that a packet needs is on its way while the ones before it
    /// are worked on.
    pub fn on_told_burst(&mut self, burst: &[Packet<'_>], told: &[Told]) {
        let Self {
            dissector,
            flows,
            records,
            packets,
            bins,
            work,
            ..
        } = self;
        debug_assert!(burst.len() <= BURST, "a burst fits the arrays");
        let mut told = told.iter().peekable();
        if let Some(first) = burst.first() {
            flows.advance(first.meta.clock, &mut |record| records.emit(record));
        }

        for (number, (packet, (layers, prepared))) in burst.iter().zip(work.iter_mut()).enumerate()
        {
            if let Some(ahead) = burst.get(number + AHEAD) {
                ahead.prefetch();
            }
            dissector.dissect_into(packet, layers);
            flows.prepare_into(layers, packet, prepared);
        }
        for (_, prepared) in work.iter().take(burst.len()) {
            flows.prefetch_index(prepared);
        }
        for (_, prepared) in work.iter().take(burst.len()) {
            flows.prefetch(prepared);
        }
        for (_, prepared) in work.iter().take(burst.len()) {
            flows.prefetch_detail(prepared);
        }
        for (place, (packet, (layers, prepared))) in burst.iter().zip(work.iter()).enumerate() {
            while let Some(told) = told.next_if(|told| told.before <= place) {
                flows.on_report(&told.report);
            }
            bins.packets += 1;
            bins.bytes += u64::from(packet.meta.wire_len);
            match flows.observe(prepared, packet, layers, &mut |record| records.emit(record)) {
                Observed::Tracked => bins.tracked += 1,
                Observed::Malformed => bins.malformed += 1,
                Observed::NotIp => bins.not_ip += 1,
                Observed::Snapped => bins.snapped += 1,
            }
            for sink in &mut *packets {
                sink.packet(packet);
            }
        }
        for told in told {
            flows.on_report(&told.report);
        }
    }

    /// Nothing will come that is older than `watermark`; called after each burst and while nothing
    /// comes. Ends what was silent for too long, and lets others see the counters.
    pub fn on_tick(&mut self, watermark: Timestamp) {
        let Self {
            flows,
            records,
            packets,
            bins,
            counters,
            ..
        } = self;
        flows.advance(watermark, &mut |record| records.emit(record));
        for sink in packets {
            sink.advance(watermark);
        }
        counters.publish(bins, &flows.counters(), records.count);
    }

    /// A packet that was delivered and is not wanted any more (`--count` was reached).
    pub fn skip(&mut self, packets: u64) {
        self.bins.past_count += packets;
    }

    /// Packets that the capture filter left out: nothing else is ever known of them.
    pub fn filtered(&mut self, packets: u64) {
        self.bins.filtered += packets;
    }

    /// Hands over the records that were collected: for a capture in which few flows end.
    pub fn flush_records(&mut self) {
        if let Some(sink) = &mut self.records.sink {
            sink.flush();
        }
    }

    /// Ends all flows and hands over everything that is left. That waits for the disk: those that lived
    /// to the end are the last that should be missing.
    pub fn finish(mut self) {
        let Self { flows, records, .. } = &mut self;
        if let Some(sink) = &mut records.sink {
            sink.take_time();
        }
        flows.finish(&mut |record| records.emit(record));
        self.counters
            .publish(&self.bins, &self.flows.counters(), self.records.count);
        for sink in self.packets {
            sink.finish();
        }
    }
}
