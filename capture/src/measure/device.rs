//! What an interface loses itself, before any program sees it: the counters that all have, and those of
//! its driver.

use crate::iface::{self, IfaceError, InterfaceStats};

/// Parts of names of drivers' counters that speak of losses on the way in. What drivers count is not
/// standardized; these are the words that Linux' own use.
const WORDS: [&str; 10] = [
    "drop",
    "discard",
    "miss",
    "no_buf",
    "nobuf",
    "out_of_buffer",
    "no_desc",
    "overrun",
    "overflow",
    "fifo",
];
/// And those that say that it is about something else: what went out, and what XDP programs dropped
/// because they were told to.
const NOT: [&str; 4] = ["tx_", "_tx", "xdp_drop", "xdp_packets"];

/// What was lost on an interface in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceLosses {
    /// Packets that the card lost because the host did not fetch them fast enough (`rx_missed`).
    pub missed: u64,
    /// Packets dropped by driver or stack (`rx_dropped`); some are just not for this host.
    pub dropped: u64,
    /// Packets with an error (`rx_errors`).
    pub errors: u64,
    /// Packets that came in, by the interface's own count.
    pub received: u64,
    /// The driver's counters that speak of losses and that grew, with by how much.
    pub of_driver: Vec<(String, u64)>,
}

/// Counters at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    stats: InterfaceStats,
    driver: Vec<(String, u64)>,
}

impl Sample {
    /// Reads all counters of an interface of this thread's namespace.
    pub(super) fn take(name: &str) -> Result<Self, IfaceError> {
        let stats = iface::find(name)?.stats;
        let mut driver = iface::driver_counters(name);
        driver.retain(|(name, _)| speaks_of_losses(name));
        Ok(Self { stats, driver })
    }

    /// What came in between.
    pub(super) fn since(&self, earlier: &Self) -> DeviceLosses {
        let (now, before) = (&self.stats, &earlier.stats);
        let grown = |(name, now): &(String, u64)| {
            let mut rows = earlier.driver.iter();
            let (_, before) = rows.find(|(known, _)| known == name)?;
            let by = now.saturating_sub(*before);
            (by > 0).then(|| (name.clone(), by))
        };
        DeviceLosses {
            missed: now.rx_missed.saturating_sub(before.rx_missed),
            dropped: now.rx_dropped.saturating_sub(before.rx_dropped),
            errors: now.rx_errors.saturating_sub(before.rx_errors),
            received: now.rx_packets.saturating_sub(before.rx_packets),
            of_driver: self.driver.iter().filter_map(grown).collect(),
        }
    }
}

fn speaks_of_losses(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word)) && !NOT.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_on_the_way_in_are_told_from_all_else() {
        // As ixgbe, mlx5, ena, virtio_net and veth call them.
        for name in [
            "rx_missed_errors",
            "rx_no_dma_resources_fifo",
            "rx_out_of_buffer",
            "rx_discards_phy",
            "queue_0_rx_no_bufs_overflow",
            "rx_queue_0_drops",
            "rx0_dropped",
        ] {
            assert!(speaks_of_losses(name), "{name}");
        }
        for name in [
            "rx_packets",
            "tx_dropped",
            "rx_queue_0_xdp_drops",
            "rx_queue_0_xdp_packets",
            "tx_queue_0_xdp_xmit_errors",
            "rx_queue_0_xdp_tx_errors",
        ] {
            assert!(!speaks_of_losses(name), "{name}");
        }
    }

    #[test]
    fn only_what_grew_is_told() {
        let sample = |missed, driver: &[(&str, u64)]| Sample {
            stats: InterfaceStats {
                rx_missed: missed,
                rx_packets: 100 + missed,
                ..InterfaceStats::default()
            },
            driver: driver
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        };
        let before = sample(5, &[("a_drops", 1), ("b_drops", 2)]);
        let after = sample(7, &[("a_drops", 1), ("b_drops", 12), ("c_drops", 9)]);
        let losses = after.since(&before);
        let expected = DeviceLosses {
            missed: 2,
            received: 2,
            of_driver: vec![("b_drops".to_owned(), 10)],
            ..DeviceLosses::default()
        };
        assert_eq!(losses, expected);
    }
}
