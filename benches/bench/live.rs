//! Frames into receivers: for each size and each receiver the ceiling, the search for the highest rate
//! without loss, the curve above and below it, and how long packets wait at half of it.

use anyhow::Result;

use crate::frames::{Addressed, FrameLen, Traffic, Wire};
use crate::receiver::{Receiver, Setting, trial};
use crate::report::{Consumer, Size, Trial, charts::median};
use crate::search::{Bounds, Load, highest};

/// How long, how often.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    /// Seconds of a trial.
    pub(crate) seconds: u32,
    /// Bounds of the search.
    pub(crate) bounds: Bounds,
    /// Searches, of which the median counts.
    pub(crate) rounds: u32,
    /// Points of the curve that the search leaves open, in parts of the rate flat out.
    pub(crate) curve: &'static [f64],
    /// No search: one trial at this rate, 0 for flat out.
    pub(crate) rate: Option<u64>,
}

/// Frames of the trial that replaces the guess.
const PROBE: u64 = 200_000;

/// Measures all receivers with frames of a length. What goes wrong is a remark and no end.
///
/// # Errors
///
/// When the wire cannot be made, or no frame be sent.
pub(crate) fn size(
    traffic: Traffic,
    receivers: &[Receiver],
    setting: &Setting,
    effort: &Effort,
    told: &mut dyn FnMut(&str),
) -> Result<(Size, Vec<String>)> {
    let mut size = Size {
        frame_len: traffic.len.to_string(),
        ..Size::default()
    };
    let mut remarks = Vec::new();
    for receiver in receivers {
        let mut results = Vec::new();
        for _ in 0..effort.rounds {
            let wire = Wire::new(traffic)?;
            let (ceiling_pps, mean_len) = ceiling(&wire, effort)?;
            size.mean_len = mean_len;
            let run = Run {
                receiver: *receiver,
                wire: &wire,
                setting,
                effort,
            };
            match run.measure(ceiling_pps) {
                Ok(consumer) => results.push(consumer),
                Err(error) => {
                    let remark =
                        format!("{}, frames of {}: {error:#}", receiver.name(), traffic.len);
                    told(&remark);
                    remarks.push(remark);
                    break;
                }
            }
        }
        if let Some(consumer) = middle(results) {
            told(&line(traffic.len, &consumer));
            size.consumers.push(consumer);
        }
    }
    Ok((size, remarks))
}

/// The result with the median rate, and the trials of all.
fn middle(mut results: Vec<Consumer>) -> Option<Consumer> {
    results.sort_by(|left, right| {
        let rate = |consumer: &Consumer| consumer.highest_pps.unwrap_or(0.0);
        rate(left).total_cmp(&rate(right))
    });
    let ceiling = median(
        results
            .iter()
            .map(|consumer| consumer.ceiling_pps)
            .collect(),
    );
    let at = results.len() / 2;
    if results.is_empty() {
        return None;
    }
    let mut chosen = results.swap_remove(at);
    chosen.ceiling_pps = ceiling;
    chosen
        .trials
        .extend(results.into_iter().flat_map(|consumer| consumer.trials));
    Some(chosen)
}

/// One line of progress.
fn line(len: FrameLen, consumer: &Consumer) -> String {
    use crate::report::words::{mpps, percent};
    let rate = match (consumer.highest_pps, consumer.trials.first()) {
        (Some(rate), _) => format!(
            "{} Mpps without loss, {} of {}",
            mpps(rate),
            percent(rate / consumer.ceiling_pps),
            mpps(consumer.ceiling_pps)
        ),
        (None, Some(trial)) => format!(
            "{} Mpps, {} lost",
            mpps(trial.sent_pps),
            percent(trial.loss())
        ),
        (None, None) => "no trial".to_owned(),
    };
    format!("{len:>5}  {:<28} {rate}", consumer.name)
}

/// What a program takes that counts and drops, and how long the frames were.
fn ceiling(wire: &Wire, effort: &Effort) -> Result<(f64, f64)> {
    let sink = wire.sink()?;
    let probe = wire.send(PROBE, None, Addressed::ToNobody)?;
    let frames = (probe.rate() * f64::from(effort.seconds)) as u64;
    let sent = wire.send(frames, None, Addressed::ToNobody)?;
    drop(sink);
    Ok((sent.rate(), sent.bytes as f64 / sent.frames as f64))
}

/// A receiver on a wire.
struct Run<'a> {
    receiver: Receiver,
    wire: &'a Wire,
    setting: &'a Setting,
    effort: &'a Effort,
}

impl Run<'_> {
    fn trial(&self, frames: f64, rate: Option<f64>) -> Result<Trial> {
        let frames = (frames as u64).max(1000);
        trial(
            self.receiver,
            self.wire,
            self.setting,
            (frames, rate),
            Addressed::ToNobody,
        )
    }

    fn measure(&self, ceiling_pps: f64) -> Result<Consumer> {
        let mut consumer = Consumer {
            id: self.receiver.id().to_owned(),
            name: self.receiver.name().to_owned(),
            ceiling_pps,
            ..Consumer::default()
        };
        // Flat out nobody knows beforehand how many frames make a second.
        let mut flat_out = ceiling_pps / 2.0;
        let mut run = |load: Load| -> Result<Trial> {
            let seconds = f64::from(self.effort.seconds * load.lengths);
            let rate = load.rate.unwrap_or(flat_out);
            let trial = self.trial(rate * seconds, load.rate)?;
            if load.rate.is_none() {
                flat_out = trial.sent_pps;
            }
            Ok(trial)
        };
        if let Some(rate) = self.effort.rate {
            let rate = (rate > 0).then_some(rate as f64);
            if rate.is_none() {
                run(Load { rate, lengths: 1 })?;
            }
            let trial = run(Load { rate, lengths: 1 })?;
            consumer.trials.push(trial);
            return Ok(consumer);
        }
        let found = highest(self.effort.bounds, &mut run)?;
        consumer.trials = found.trials;
        let flat_out = consumer.trials.first().map_or(0.0, |trial| trial.sent_pps);
        for part in self.effort.curve {
            let rate = flat_out * part;
            let is_near = |trial: &Trial| (trial.sent_pps - rate).abs() < 0.06 * flat_out;
            if !consumer.trials.iter().any(is_near) {
                let seconds = f64::from(self.effort.seconds);
                consumer
                    .trials
                    .push(self.trial(rate * seconds, Some(rate))?);
            }
        }
        if let Some(trial) = &found.highest {
            consumer.highest_pps = Some(trial.sent_pps);
            let rate = trial.sent_pps / 2.0;
            consumer.half = Some(self.trial(rate * f64::from(self.effort.seconds), Some(rate))?);
        }
        consumer.highest = found.highest;
        Ok(consumer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(rate: f64, ceiling_pps: f64) -> Consumer {
        Consumer {
            ceiling_pps,
            highest_pps: Some(rate),
            trials: vec![Trial {
                sent_pps: rate,
                ..Trial::default()
            }],
            ..Consumer::default()
        }
    }

    #[test]
    fn of_several_rounds_the_median_counts_and_no_trial_is_lost() {
        let chosen = middle(vec![
            consumer(3.0, 9.0),
            consumer(1.0, 7.0),
            consumer(2.0, 8.0),
        ])
        .unwrap();
        assert_eq!(chosen.highest_pps, Some(2.0));
        assert!((chosen.ceiling_pps - 8.0).abs() < 1e-9);
        assert_eq!(chosen.trials.len(), 3);
        assert!(middle(Vec::new()).is_none());
    }
}
