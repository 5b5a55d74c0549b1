//! What follows from what was typed: sizes, times, numbers, with a default for each, short and long.

use anyhow::Result;

use crate::frames::{FrameLen, Traffic};
use crate::live::Effort;
use crate::options::Options;
use crate::receiver::Receiver;
use crate::search::Bounds;

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Lengths of frames.
    pub(crate) lens: Vec<FrameLen>,
    /// Length of the frames of which is counted what the stack gets.
    pub(crate) through_len: FrameLen,
    /// Who receives.
    pub(crate) receivers: Vec<Receiver>,
    /// Connections at a time.
    pub(crate) flows: u32,
    /// CPU that sends.
    pub(crate) sender_cpu: u32,
    /// CPU of the workers and peers.
    pub(crate) worker_cpu: u32,
    /// Memory between kernel and program.
    pub(crate) buffer_bytes: u64,
    /// How long, how often.
    pub(crate) effort: Effort,
    /// Runs of what the stack gets.
    pub(crate) through_runs: u32,
    /// Connections of the file.
    pub(crate) connections: u64,
    /// Runs over it.
    pub(crate) runs: u32,
    /// Connections in the flow table.
    pub(crate) table: Vec<u32>,
    /// Packets into it.
    pub(crate) table_packets: u64,
}

/// What `capture live` has by default.
const BUFFER_BYTES: u64 = 64 << 20;

impl Plan {
    /// Of options.
    ///
    /// # Errors
    ///
    /// A size, a receiver or a CPU that there is not.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let quick = options.quick;
        let either = |short: u32, long: u32| if quick { short } else { long };
        let texts: Vec<&str> = match (options.size.is_empty(), quick) {
            (false, _) => options.size.iter().map(String::as_str).collect(),
            (true, true) => vec!["64"],
            (true, false) => vec!["64", "128", "512", "1514", "imix"],
        };
        let table = match (options.table.is_empty(), quick) {
            (false, _) => options.table.clone(),
            (true, true) => vec![10_000, 1_000_000],
            (true, false) => vec![10_000, 1_000_000, 10_000_000],
        };
        let plan = Self {
            lens: texts
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_>>()?,
            through_len: FrameLen::Fixed(64),
            receivers: Receiver::chosen(&options.consumers)?,
            flows: options.flows.unwrap_or(10_000).max(1),
            sender_cpu: options.sender_cpu.unwrap_or(0),
            worker_cpu: options.worker_cpu.unwrap_or(1),
            buffer_bytes: BUFFER_BYTES,
            effort: Effort {
                seconds: options.seconds.unwrap_or_else(|| either(1, 2)),
                bounds: Bounds {
                    steps: options.trials.unwrap_or_else(|| either(5, 7)),
                    confirmations: either(3, 5),
                    precision: 0.02,
                },
                rounds: options.rounds.unwrap_or(1),
                curve: if quick {
                    &[0.5]
                } else {
                    &[0.25, 0.5, 0.75, 0.9]
                },
                rate: options.rate,
            },
            through_runs: either(1, 3),
            connections: u64::from(either(40_000, 400_000)),
            runs: options.runs.unwrap_or_else(|| either(2, 5)),
            table,
            table_packets: u64::from(either(3_000_000, 10_000_000)),
        };
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32);
        for cpu in [plan.sender_cpu, plan.worker_cpu] {
            anyhow::ensure!(
                cpu < cpus.max(2),
                "there is no CPU {cpu}: this machine has {cpus}"
            );
        }
        Ok(plan)
    }

    /// Frames of a length.
    pub(crate) fn traffic(&self, len: FrameLen) -> Traffic {
        Traffic {
            len,
            flows: self.flows,
            cpu: self.sender_cpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_goes_before_the_defaults() {
        let options = Options {
            quick: true,
            size: vec!["512".to_owned()],
            consumers: vec!["tap".to_owned()],
            seconds: Some(3),
            table: vec![77],
            ..Options::default()
        };
        let plan = Plan::new(&options).unwrap();
        assert_eq!(plan.lens, [FrameLen::Fixed(512)]);
        assert_eq!((plan.effort.seconds, plan.effort.bounds.steps), (3, 5));
        assert_eq!(
            (plan.table.as_slice(), plan.connections),
            ([77].as_slice(), 40_000)
        );
    }

    #[test]
    fn cpus_and_sizes_that_there_are_not_are_refused() {
        let of = |options: Options| Plan::new(&options).map(|_| ()).unwrap_err().to_string();
        let error = of(Options {
            worker_cpu: Some(9999),
            quick: true,
            ..Options::default()
        });
        assert!(error.contains("9999"), "{error}");
        let error = of(Options {
            size: vec!["9000".to_owned()],
            ..Options::default()
        });
        assert!(error.contains("9000"), "{error}");
    }
}
