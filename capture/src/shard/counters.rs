//! What a shard counts. The shard is the only writer; others read the published copy.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::flow::FlowTableCounters;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A shard's published counters; all of them only grow.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct ShardCounters {
            $($name: AtomicU64,)*
        }

        /// Counters at one moment, of one shard or of several together.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct ShardTotals {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl ShardCounters {
            /// What is published now. The counters are read one by one: while the shard runs, they
            /// can be one burst apart.
            #[must_use]
            pub fn read(&self) -> ShardTotals {
                ShardTotals { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl std::ops::AddAssign for ShardTotals {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters! {
    /// Packets that were taken from the source.
    packets,
    /// Their bytes on the wire.
    bytes,
    /// Packets that the capture filter left out.
    filtered,
    /// Packets that belong to a flow.
    tracked,
    /// Packets that are not IP.
    not_ip,
    /// Packets whose headers were not captured as far as their ports.
    snapped,
    /// Packets whose headers cannot be believed.
    malformed,
    /// Packets that came after `--count` was reached.
    past_count,
    /// Flows that began.
    flows_created,
    /// Flows that ended.
    flows_ended,
    /// Flows that had to go for lack of room.
    flows_evicted,
    /// How often what happened on a connection did not fit into the table's memory, and was left out
    /// of its record.
    details_refused,
    /// Packets of flows whose checksum is wrong.
    bad_checksums,
    /// Packets that the kernel counted and did not copy, and that are in records.
    cut,
    /// Records that were made.
    records,
}

/// What a shard counts of its packets, for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bins {
    /// Packets that were taken from the source.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets that the capture filter left out; they are not in `packets`.
    pub filtered: u64,
    /// Packets that belong to a flow.
    pub tracked: u64,
    /// Packets that are not IP.
    pub not_ip: u64,
    /// Packets whose headers were not captured as far as their ports.
    pub snapped: u64,
    /// Packets whose headers cannot be believed.
    pub malformed: u64,
    /// Packets that came after `--count` was reached.
    pub past_count: u64,
}

impl ShardCounters {
    /// Lets others see the shard's counters. Plain stores: there is one writer, and nothing is
    /// ordered by them.
    pub(super) fn publish(&self, bins: &Bins, flows: &FlowTableCounters, records: u64) {
        let Bins {
            packets,
            bytes,
            filtered,
            tracked,
            not_ip,
            snapped,
            malformed,
            past_count,
        } = *bins;
        let FlowTableCounters {
            created,
            ended,
            evicted,
            details_refused,
            bad_checksums,
            cut,
        } = *flows;
        for (counter, value) in [
            (&self.packets, packets),
            (&self.bytes, bytes),
            (&self.filtered, filtered),
            (&self.tracked, tracked),
            (&self.not_ip, not_ip),
            (&self.snapped, snapped),
            (&self.malformed, malformed),
            (&self.past_count, past_count),
            (&self.flows_created, created),
            (&self.flows_ended, ended),
            (&self.flows_evicted, evicted),
            (&self.details_refused, details_refused),
            (&self.bad_checksums, bad_checksums),
            (&self.cut, cut),
            (&self.records, records),
        ] {
            counter.store(value, Ordering::Relaxed);
        }
    }
}

impl ShardTotals {
    /// Packets in all bins; every packet is in one.
    #[must_use]
    pub const fn binned(&self) -> u64 {
        self.tracked + self.not_ip + self.snapped + self.malformed
    }
}
