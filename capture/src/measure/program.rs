//! What the programs in the kernel cost, by the kernel's own clock (`BPF_STATS_RUN_TIME`, some 20 ns a
//! run, which are in it).

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use aya::Ebpf;
use aya::programs::ProgramInfo;
use aya::sys::{Stats, enable_stats};

/// The kernel measures programs as long as this lives.
#[derive(Debug)]
pub struct ProgramStats {
    _enabled: OwnedFd,
}

impl ProgramStats {
    /// Has the kernel measure; `None` where it may not be asked.
    #[must_use]
    pub fn enable() -> Option<Self> {
        let enabled = enable_stats(Stats::RunTime).ok()?;
        Some(Self { _enabled: enabled })
    }
}

/// What a program cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramCost {
    /// Its name in the object.
    pub name: String,
    /// How often it ran.
    pub runs: u64,
    /// How long that took.
    pub time: Duration,
}

impl ProgramCost {
    /// Nanoseconds of a run; `None` if there was none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    pub fn ns(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.time.as_nanos() as f64 / self.runs as f64)
    }
}

/// Totals at one moment, by name.
#[derive(Debug, Default)]
pub(super) struct Sample(BTreeMap<String, (u64, Duration)>);

impl Sample {
    /// Reads those of all programs that are loaded.
    pub(super) fn take(object: &Ebpf) -> Self {
        let totals = |info: ProgramInfo| (info.run_count(), info.run_time());
        let programs = object.programs().filter_map(|(name, program)| {
            let info = program.info().ok()?;
            Some((name.to_owned(), totals(info)))
        });
        Self(programs.collect())
    }

    /// What came in between, of those that ran.
    pub(super) fn since(&self, earlier: &Self) -> Vec<ProgramCost> {
        let cost = |(name, (runs, time)): (&String, &(u64, Duration))| {
            let (runs_before, time_before) = earlier.0.get(name).copied().unwrap_or_default();
            let runs = runs.saturating_sub(runs_before);
            (runs > 0).then(|| ProgramCost {
                name: name.clone(),
                runs,
                time: time.saturating_sub(time_before),
            })
        };
        self.0.iter().filter_map(cost).collect()
    }
}
