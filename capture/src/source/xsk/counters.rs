//! What is counted for one queue, for others to read: each counter has one writer, the thread that
//! reads the queue.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::socket::Statistics;

/// The counters of one queue.
#[derive(Debug, Default)]
pub(super) struct QueueCounters {
    delivered: AtomicU64,
    behind: AtomicU64,
    /// In the order of [`Statistics`].
    statistics: [AtomicU64; 6],
    zero_copy: AtomicBool,
}

impl QueueCounters {
    pub(super) fn new(zero_copy: bool) -> Self {
        Self {
            zero_copy: AtomicBool::new(zero_copy),
            ..Self::default()
        }
    }

    pub(super) fn publish(&self, delivered: u64, behind: u64) {
        // Readers take each number for itself; at the end they have joined the writer.
        self.delivered.store(delivered, Ordering::Relaxed);
        self.behind.store(behind, Ordering::Relaxed);
    }

    pub(super) fn publish_statistics(&self, statistics: &Statistics) {
        let Statistics {
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        } = *statistics;
        let values = [
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        ];
        for (counter, value) in self.statistics.iter().zip(values) {
            counter.store(value, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> QueueTotals {
        let [
            rx_dropped,
            rx_invalid_descs,
            tx_invalid_descs,
            rx_ring_full,
            rx_fill_ring_empty_descs,
            tx_ring_empty_descs,
        ] = self
            .statistics
            .each_ref()
            .map(|counter| counter.load(Ordering::Relaxed));
        QueueTotals {
            delivered: self.delivered.load(Ordering::Relaxed),
            behind: self.behind.load(Ordering::Relaxed),
            statistics: Statistics {
                rx_dropped,
                rx_invalid_descs,
                tx_invalid_descs,
                rx_ring_full,
                rx_fill_ring_empty_descs,
                tx_ring_empty_descs,
            },
            zero_copy: self.zero_copy.load(Ordering::Relaxed),
        }
    }
}

/// What one queue counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueTotals {
    /// Packets that went to a shard.
    pub delivered: u64,
    /// Packets that were dropped because their shard had not yet taken those before them.
    pub behind: u64,
    /// What the kernel counted.
    pub statistics: Statistics,
    /// Whether the driver writes into our memory itself.
    pub zero_copy: bool,
}

/// What became of the packets that the kernel's programs handed to the sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XskTotals {
    /// Lost because the fill ring was empty: all frames were taken.
    pub fill_empty: u64,
    /// Lost because the receive ring was full.
    pub rx_full: u64,
    /// Dropped by the kernel for another reason.
    pub dropped: u64,
    /// Lost because the shard was behind.
    pub behind: u64,
    /// Given to a shard.
    pub delivered: u64,
}

impl XskTotals {
    /// Packets that were lost.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.fill_empty + self.rx_full + self.dropped + self.behind
    }

    /// Adds another queue's.
    pub fn add(&mut self, queue: &QueueTotals) {
        let QueueTotals {
            delivered,
            behind,
            statistics,
            zero_copy,
        } = *queue;
        // Where the kernel copies, it asks for a frame for each packet: then an empty fill ring is a
        // packet lost, and counted in both numbers. Without a copy it is the driver that asks, ahead
        // of packets.
        let fill_empty = if zero_copy {
            0
        } else {
            statistics
                .rx_fill_ring_empty_descs
                .min(statistics.rx_dropped)
        };
        self.fill_empty += fill_empty;
        self.dropped += statistics.rx_dropped - fill_empty;
        self.rx_full += statistics.rx_ring_full;
        self.behind += behind;
        self.delivered += delivered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_fill_ring_is_a_loss_only_where_the_kernel_copies() {
        let mut queue = QueueTotals {
            delivered: 5,
            behind: 1,
            statistics: Statistics {
                rx_dropped: 7,
                rx_ring_full: 2,
                rx_fill_ring_empty_descs: 4,
                ..Statistics::default()
            },
            zero_copy: false,
        };
        let mut totals = XskTotals::default();
        totals.add(&queue);
        assert_eq!((totals.fill_empty, totals.dropped), (4, 3));
        assert_eq!(totals.lost(), 4 + 3 + 2 + 1);
        queue.zero_copy = true;
        totals.add(&queue);
        assert_eq!((totals.fill_empty, totals.dropped), (4, 3 + 7));
        assert_eq!(totals.delivered, 10);
    }
}
