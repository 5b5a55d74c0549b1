//! The highest rate without loss: bisection between nothing and as fast as it goes, with a bound on the
//! number of trials, then a longer trial that has to confirm it.
//!
//! A rate at which something was lost gets a second chance: on a machine that is shared, a moment in which
//! the host runs something else loses packets that the program would not have. What lost twice has lost.

use anyhow::Result;

use crate::report::Trial;

/// What a trial is to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    /// Frames a second; `None` is as fast as it goes.
    pub(crate) rate: Option<f64>,
    /// How long, in trials of usual length.
    pub(crate) lengths: u32,
}

/// Bounds of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Steps of the bisection.
    pub(crate) steps: u32,
    /// Trials to confirm what was found.
    pub(crate) confirmations: u32,
    /// It ends when the answer is known to this part of itself.
    pub(crate) precision: f64,
}

/// Trials of usual length that a confirmation takes.
const LONG: u32 = 3;
/// What is left of a rate that was not confirmed, beside what it lost.
const STEP_DOWN: f64 = 0.97;
/// A sender that stays below this part of what it was told is at its own limit.
const KEPT_UP: f64 = 0.97;

/// What a search found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The trial that confirmed the highest rate; `None` if every rate lost something.
    pub(crate) highest: Option<Trial>,
    /// All other trials, in their order.
    pub(crate) trials: Vec<Trial>,
}

/// Searches.
///
/// # Errors
///
/// Those of a trial.
pub(crate) fn highest(bounds: Bounds, run: &mut dyn FnMut(Load) -> Result<Trial>) -> Result<Found> {
    let mut found = Found::default();
    let mut attempt = |rate: Option<f64>, lengths: u32| -> Result<Trial> {
        let mut trial = run(Load { rate, lengths })?;
        found.trials.push(trial.clone());
        if trial.lost() > 0 && rate.is_some() {
            trial = run(Load { rate, lengths })?;
            found.trials.push(trial.clone());
        }
        Ok(trial)
    };
    let mut flat = attempt(None, 1)?;
    if flat.lost() == 0 {
        flat = attempt(None, LONG)?;
    }
    if flat.lost() == 0 {
        found.highest = found.trials.pop();
        return Ok(found);
    }
    // The rate without loss so far, and the lowest that lost.
    let (mut low, mut high) = (0.0, flat.sent_pps);
    for _ in 0..bounds.steps {
        if high - low <= bounds.precision * high {
            break;
        }
        let middle = f64::midpoint(low, high);
        let trial = attempt(Some(middle), 1)?;
        if trial.lost() > 0 {
            high = middle;
        } else if trial.sent_pps < middle * KEPT_UP {
            low = trial.sent_pps;
            break;
        } else {
            low = middle;
        }
    }
    for _ in 0..bounds.confirmations {
        if low < 1.0 {
            break;
        }
        let trial = attempt(Some(low), LONG)?;
        if trial.lost() == 0 {
            found.highest = found.trials.pop();
            break;
        }
        // What the longer trial delivered is nearly what the receiver takes.
        low *= (1.0 - trial.loss()) * STEP_DOWN;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Trial;

    const BOUNDS: Bounds = Bounds {
        steps: 7,
        confirmations: 6,
        precision: 0.02,
    };

    /// A consumer that takes so many frames a second and can put off so many, behind a sender with a limit.
    struct Synthetic {
        capacity: f64,
        buffer: f64,
        sender: f64,
        trials: u32,
        /// Loses in this trial whatever the rate is.
        hiccup: Option<u32>,
    }

    impl Synthetic {
        fn new(capacity: f64) -> Self {
            Self {
                capacity,
                buffer: 0.0,
                sender: 4e6,
                trials: 0,
                hiccup: None,
            }
        }

        fn run(&mut self, load: Load) -> Trial {
            self.trials += 1;
            let rate = load.rate.unwrap_or(f64::INFINITY).min(self.sender);
            let seconds = f64::from(load.lengths);
            let excess = ((rate - self.capacity) * seconds - self.buffer).max(0.0) as u64;
            let lost = excess + u64::from(self.hiccup == Some(self.trials));
            Trial {
                offered_pps: load.rate,
                sent_pps: rate,
                seconds,
                sent: (rate * seconds) as u64,
                lost: [("ring".to_owned(), lost)].into(),
                ..Trial::default()
            }
        }

        fn search(&mut self) -> Found {
            highest(BOUNDS, &mut |load| Ok(self.run(load))).unwrap()
        }
    }

    fn rate(found: &Found) -> f64 {
        found.highest.as_ref().unwrap().sent_pps
    }

    #[test]
    fn a_known_capacity_is_found_from_below() {
        for capacity in [90_000.0, 700_000.0, 1_234_567.0, 3_900_000.0] {
            let mut consumer = Synthetic::new(capacity);
            let found = rate(&consumer.search());
            let step = 4e6 / f64::from(1_u32 << BOUNDS.steps);
            assert!(found <= capacity, "{found} of {capacity}");
            assert!(
                found >= capacity - step.max(BOUNDS.precision * capacity * 1.1),
                "{found} of {capacity}"
            );
            assert!(consumer.trials <= 1 + 2 * BOUNDS.steps + 2 * BOUNDS.confirmations);
        }
    }

    #[test]
    fn who_loses_nothing_flat_out_is_searched_no_further() {
        let mut consumer = Synthetic::new(9e6);
        let found = consumer.search();
        assert!((rate(&found) - 4e6).abs() < 1.0);
        assert_eq!(
            found.trials.len(),
            1,
            "flat out; the other one confirmed it"
        );
        assert_eq!(found.highest.unwrap().offered_pps, None);
    }

    #[test]
    fn what_a_buffer_hides_in_a_short_trial_the_longer_one_shows() {
        let mut consumer = Synthetic::new(1e6);
        consumer.buffer = 500_000.0;
        let found = rate(&consumer.search());
        // 1.5 million hold for one length, but only 1.167 for three.
        assert!((1e6..=1.167e6).contains(&found), "{found}");
        // Flat out, too: what holds for one length is not what holds.
        let mut consumer = Synthetic::new(3.7e6);
        consumer.buffer = 500_000.0;
        let found = rate(&consumer.search());
        assert!((3.6e6..=3.867e6).contains(&found), "{found}");
    }

    #[test]
    fn one_hiccup_changes_nothing() {
        let undisturbed = rate(&Synthetic::new(1e6).search());
        for trial in 2..6 {
            let mut consumer = Synthetic::new(1e6);
            consumer.hiccup = Some(trial);
            let found = rate(&consumer.search());
            assert!((found - undisturbed).abs() < 1.0, "{found}");
        }
    }

    #[test]
    fn a_consumer_that_always_loses_has_no_rate() {
        let mut consumer = Synthetic::new(-1e9);
        let found = consumer.search();
        assert!(found.highest.is_none());
        assert!(!found.trials.is_empty());
    }

    #[test]
    fn a_sender_at_its_limit_ends_the_search_at_what_it_sent() {
        // Paced frames cost more than those that nothing holds back: 4 million flat out with loss, at most one
        // million by the clock.
        let mut found = highest(BOUNDS, &mut |load| {
            let mut consumer = Synthetic::new(2e6);
            if load.rate.is_some() {
                consumer.sender = 1e6;
            }
            Ok(consumer.run(load))
        })
        .unwrap();
        let highest = found.highest.take().unwrap();
        assert!((highest.sent_pps - 1e6).abs() < 1.0, "{}", highest.sent_pps);
    }
}
