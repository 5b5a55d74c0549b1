//! How long packets wait between the kernel's timestamp and their worker.

use hdrhistogram::Histogram;

use crate::packet::Span;

/// Latencies of one worker, to be added to those of the others in the end.
///
/// The time is taken once a burst, and every packet of it is counted with what the oldest waited: an
/// upper bound.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Latency {
    /// Values above this are counted as this, ns.
    const MAX_NS: u64 = 60_000_000_000;

    /// No values yet. Two significant digits: 60 s in about 20 kB.
    #[must_use]
    pub fn new() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, Self::MAX_NS, 2).expect("the bounds are in order");
        Self { histogram }
    }

    /// Adds a burst of `packets`, of which the oldest waited for `oldest`.
    pub fn record(&mut self, oldest: Span, packets: u64) {
        self.histogram
            .saturating_record_n(oldest.0.clamp(1, Self::MAX_NS), packets);
    }

    /// Adds another worker's values.
    pub fn add(&mut self, other: &Self) {
        self.histogram
            .add(&other.histogram)
            .expect("all histograms have the same bounds");
    }

    /// The value that this share (0 to 1) of all packets does not exceed; `None` without any.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Span> {
        (!self.histogram.is_empty()).then(|| Span(self.histogram.value_at_quantile(share)))
    }

    /// The largest value; `None` without any.
    #[must_use]
    pub fn max(&self) -> Option<Span> {
        (!self.histogram.is_empty()).then(|| Span(self.histogram.max()))
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}
