//! One measurement: a live capture for a while, and the accounts before and after.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cpu::{self, CpuShare, ThreadShare};
use super::device::{self, DeviceLosses};
use super::program::{self, ProgramCost};
use crate::engine::{EngineError, LiveCapture, LivePlan};
use crate::iface::IfaceError;
use crate::kernel::CaptureFilter;
use crate::shard::Latency;

/// How often it is looked how much came, for the peak, and whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// What is done with the traffic; each step does what the one before does, and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The kernel counts, and copies nothing.
    Count,
    /// Packets are copied into the rings, and taken out of them.
    Copy,
    /// Connections are tracked.
    Track,
    /// Packets and records are written.
    Write,
}

impl Step {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Copy => "copy",
            Self::Track => "track",
            Self::Write => "write",
        }
    }

    /// Makes a plan, which names outputs, one of this step.
    fn apply(self, plan: &mut LivePlan) {
        match self {
            Self::Count => plan.kernel.filter = Some(CaptureFilter::refusing()),
            // Workers pass over what comes after the last packet that is wanted.
            Self::Copy => plan.count = Some(0),
            Self::Track | Self::Write => {}
        }
        if self != Self::Write {
            plan.outputs.packets = None;
            plan.outputs.flows = None;
        }
    }
}

/// Packets that were lost, by place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// A ring was full.
    pub ring_full: u64,
    /// The kernel could not copy them.
    pub not_copied: u64,
    /// The disk was too slow.
    pub disk_slow: u64,
    /// The disk would not take them.
    pub disk_error: u64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What was done with the traffic.
    pub step: Step,
    /// How long, in seconds; all but `losses` and `latency` is of this time.
    pub secs: f64,
    /// Packets that the programs saw.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// The most packets in a second, of tenths of a second.
    pub peak: f64,
    /// Packets that were lost on the way to workers and disk, from the start to the end.
    pub losses: Losses,
    /// What the interface lost.
    pub device: DeviceLosses,
    /// Packets that each worker took.
    pub worker_packets: Vec<u64>,
    /// Bytes that were written to the file of packets, in all.
    pub written_bytes: u64,
    /// Packets that are in it.
    pub written_packets: u64,
    /// Threads of this process.
    pub threads: Vec<ThreadShare>,
    /// CPUs of the machine.
    pub cpus: Vec<CpuShare>,
    /// Programs in the kernel; empty where they cannot be measured.
    pub programs: Vec<ProgramCost>,
    /// From the kernel's timestamp to the worker.
    pub latency: Latency,
}

/// Why it cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The capture.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The interface.
    #[error(transparent)]
    Iface(#[from] IfaceError),
    /// Its namespace.
    #[error("cannot enter the network namespace: {0}")]
    Namespace(std::io::Error),
    /// No interface is captured.
    #[error("no interface is captured")]
    NoIface,
}

/// Captures for a while. `plan` names the one interface and, for [`Step::Write`], outputs.
///
/// # Errors
///
/// What is in the way of capturing.
pub fn measure(
    mut plan: LivePlan,
    step: Step,
    duration: Duration,
    stop: &AtomicBool,
) -> Result<Measured, MeasureError> {
    step.apply(&mut plan);
    let iface = plan.kernel.ifaces.first().ok_or(MeasureError::NoIface)?;
    let name = iface.interface.name.clone();
    let netns = plan.netns.clone();
    let device = || {
        let sample = netns.enter(|| device::Sample::take(&name));
        Ok::<_, MeasureError>(sample.map_err(MeasureError::Namespace)??)
    };
    let device_before = device()?;
    let mut capture = LiveCapture::start(plan)?;

    let programs_before = program::Sample::take(capture.kernel_mut().ebpf_mut());
    let workers_before = capture.shards();
    let first = capture.snapshot()?;
    let before = cpu::Sample::take();
    let started = Instant::now();
    let mut peak = 0_f64;
    let mut looked = (started, first.kernel.packets);
    while started.elapsed() < duration && !stop.load(Ordering::Relaxed) {
        thread::sleep(LOOK.min(duration.saturating_sub(started.elapsed())));
        let packets = capture.snapshot()?.kernel.packets;
        let now = Instant::now();
        peak = peak.max(rate(packets - looked.1, now.duration_since(looked.0)));
        looked = (now, packets);
    }
    let after = cpu::Sample::take();
    let last = capture.snapshot()?;
    let workers = capture.shards();
    let programs = program::Sample::take(capture.kernel_mut().ebpf_mut());
    let programs = programs.since(&programs_before);
    let report = capture.stop()?;
    let device = device()?.since(&device_before);

    let kernel = report.ledger.kernel.unwrap_or_default();
    let written = report.ledger.packets.unwrap_or_default();
    Ok(Measured {
        step,
        secs: after.secs_since(&before),
        packets: last.kernel.packets - first.kernel.packets,
        bytes: last.kernel.bytes - first.kernel.bytes,
        peak,
        losses: Losses {
            ring_full: kernel.ring_full,
            not_copied: kernel.copy_failed,
            disk_slow: written.overflowed,
            disk_error: written.failed,
        },
        device,
        worker_packets: workers
            .iter()
            .zip(&workers_before)
            .map(|(now, before)| {
                (now.packets + now.past_count) - (before.packets + before.past_count)
            })
            .collect(),
        written_bytes: report.packets.as_ref().map_or(0, |file| file.bytes),
        written_packets: written.written,
        threads: after.threads_since(&before),
        cpus: after.cpus_since(&before),
        programs,
        latency: report.latency,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

impl Measured {
    /// Packets a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub fn rate(&self) -> f64 {
        self.packets as f64 / self.secs.max(1e-9)
    }

    /// Bits a second on the wire.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub fn bits(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.secs.max(1e-9)
    }

    /// The busiest worker.
    #[must_use]
    pub fn busiest_worker(&self) -> Option<&ThreadShare> {
        let workers = self
            .threads
            .iter()
            .filter(|thread| thread.name.starts_with("worker-"));
        workers.max_by(|a, b| a.busy.total_cmp(&b.busy))
    }

    /// The CPU with the most softirqs.
    #[must_use]
    pub fn busiest_cpu(&self) -> Option<&CpuShare> {
        self.cpus
            .iter()
            .max_by(|a, b| a.softirq.total_cmp(&b.softirq))
    }

    /// Packets that were lost between the kernel's programs and the disk.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        let Losses {
            ring_full,
            not_copied,
            disk_slow,
            disk_error,
        } = self.losses;
        ring_full + not_copied + disk_slow + disk_error
    }
}
