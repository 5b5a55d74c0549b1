//! Points and bins that stay few, however many come: what is put together keeps its extremes.

/// Points that are kept of a series, at most.
const MOST: usize = 8192;
/// Bins that a time is cut into, at most.
const MOST_BINS: usize = 512;
/// The shortest bin, in ns.
const SHORTEST_NS: u64 = 1_000_000;

/// Points: of each so many that come, the lowest and the highest are kept, in their order.
#[derive(Debug)]
pub(super) struct Points {
    kept: Vec<(f64, f64)>,
    /// Points that two of those kept stand for.
    stride: usize,
    pending: Vec<(f64, f64)>,
}

impl Default for Points {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            stride: 2,
            pending: Vec::new(),
        }
    }
}

/// The lowest and the highest, in their order; one if they are the same.
fn extremes(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + use<> {
    let by_value = |place: &usize| points[*place].1;
    let places = || 0..points.len();
    let low = places().min_by(|a, b| by_value(a).total_cmp(&by_value(b)));
    let high = places().max_by(|a, b| by_value(a).total_cmp(&by_value(b)));
    let both = low.zip(high);
    let first = both.map(|(low, high)| points[low.min(high)]);
    let second = both.filter(|(low, high)| low != high);
    let second = second.map(|(low, high)| points[low.max(high)]);
    first.into_iter().chain(second)
}

impl Points {
    pub(super) fn push(&mut self, time: f64, value: f64) {
        self.pending.push((time, value));
        if self.pending.len() < self.stride {
            return;
        }
        self.kept.extend(extremes(&self.pending));
        self.pending.clear();
        if self.kept.len() >= MOST {
            self.kept = self.kept.chunks(4).flat_map(extremes).collect();
            self.stride *= 2;
        }
    }

    pub(super) fn take(&mut self) -> Vec<(f64, f64)> {
        let mut all = std::mem::take(&mut self.kept);
        all.extend(extremes(&std::mem::take(&mut self.pending)));
        all
    }
}

/// Bars from one value to another: of each so many that come, one from the lowest to the highest.
#[derive(Debug)]
pub(super) struct Bars {
    kept: Vec<(f64, f64, f64)>,
    stride: usize,
    pending: usize,
}

impl Default for Bars {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            stride: 1,
            pending: 0,
        }
    }
}

impl Bars {
    pub(super) fn push(&mut self, time: f64, low: f64, high: f64) {
        if self.pending > 0
            && let Some(last) = self.kept.last_mut()
        {
            *last = (last.0, last.1.min(low), last.2.max(high));
        } else {
            self.kept.push((time, low, high));
        }
        self.pending = (self.pending + 1) % self.stride;
        if self.kept.len() >= MOST && self.pending == 0 {
            let pairs = self.kept.chunks(2).map(|pair| {
                let (time, low, high) = pair[0];
                let (_, other_low, other_high) = pair[pair.len() - 1];
                (time, low.min(other_low), high.max(other_high))
            });
            self.kept = pairs.collect();
            self.stride *= 2;
        }
    }

    pub(super) fn take(&mut self) -> Vec<(f64, f64, f64)> {
        std::mem::take(&mut self.kept)
    }
}

/// Amounts over time, several of them in the same bins, which get longer as time goes on.
#[derive(Debug)]
pub(super) struct Bins<const N: usize> {
    amounts: Vec<[u64; N]>,
    width_ns: u64,
}

impl<const N: usize> Default for Bins<N> {
    fn default() -> Self {
        Self {
            amounts: Vec::new(),
            width_ns: SHORTEST_NS,
        }
    }
}

impl<const N: usize> Bins<N> {
    /// Adds amounts at a time.
    pub(super) fn add(&mut self, at_ns: u64, amounts: [u64; N]) {
        while at_ns / self.width_ns >= MOST_BINS as u64 {
            let pairs = self.amounts.chunks(2).map(|pair| {
                let mut sum = pair[0];
                for other in &pair[1..] {
                    for (sum, amount) in sum.iter_mut().zip(other) {
                        *sum += amount;
                    }
                }
                sum
            });
            self.amounts = pairs.collect();
            self.width_ns *= 2;
        }
        let place = (at_ns / self.width_ns) as usize;
        if self.amounts.len() <= place {
            self.amounts.resize(place + 1, [0; N]);
        }
        for (sum, amount) in self.amounts[place].iter_mut().zip(amounts) {
            *sum += amount;
        }
    }

    /// Length of a bin in seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a picture does not need the 54th bit"
    )]
    pub(super) fn width(&self) -> f64 {
        self.width_ns as f64 / 1e9
    }

    /// One of the amounts, times a factor, in the middle of each bin.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a picture does not need the 54th bit"
    )]
    pub(super) fn values(&self, which: usize, factor: f64) -> Vec<(f64, f64)> {
        let width = self.width();
        let places = self.amounts.iter().enumerate();
        places
            .map(|(place, amounts)| ((place as f64 + 0.5) * width, amounts[which] as f64 * factor))
            .collect()
    }
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "numbers are copied here, and small"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn points_are_few_and_keep_their_extremes(count in 1..60_000_usize, seed in 0..1000_u32) {
            let mut points = Points::default();
            let value = |n: usize| f64::from((n as u32 ^ seed).wrapping_mul(2_654_435_761) >> 8);
            for n in 0..count {
                points.push(n as f64, value(n));
            }
            let kept = points.take();
            prop_assert!(kept.len() <= MOST + 2);
            prop_assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
            let low = (0..count).map(value).fold(f64::INFINITY, f64::min);
            let high = (0..count).map(value).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(kept.iter().any(|point| point.1 == low));
            prop_assert!(kept.iter().any(|point| point.1 == high));
        }

        #[test]
        fn bins_lose_nothing(times in proptest::collection::vec(0..10_000_000_000_000_u64, 1..300)) {
            let mut bins = Bins::<2>::default();
            for time in &times {
                bins.add(*time, [1, *time % 7]);
            }
            prop_assert!(bins.amounts.len() <= MOST_BINS);
            let sum = |which: usize| bins.amounts.iter().map(|amounts| amounts[which]).sum::<u64>();
            prop_assert_eq!(sum(0), times.len() as u64);
            prop_assert_eq!(sum(1), times.iter().map(|time| time % 7).sum::<u64>());
        }
    }

    #[test]
    fn bars_are_few_and_reach_as_far() {
        let mut bars = Bars::default();
        for n in 0..100_000 {
            bars.push(f64::from(n), f64::from(n), f64::from(n + 1));
        }
        let kept = bars.take();
        assert!(kept.len() <= MOST);
        assert_eq!(kept[0].1, 0.0);
        assert_eq!(kept.last().unwrap().2, 100_000.0);
        // They follow each other without gaps.
        assert!(kept.windows(2).all(|pair| pair[0].2 == pair[1].1));
    }
}
