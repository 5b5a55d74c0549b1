//! What follows from the measurements: where packets were lost and why, or how much more there is room
//! for, and what breaks first. Every number is in a sentence that says where it comes from.

use super::{CpuShare, DiskSpeed, Measured, Step, ThreadShare};

/// Shares of a CPU that say something: below, the accounts of the kernel and the pauses of an idle
/// worker are as large as what is measured.
const SMALLEST_SHARE: f64 = 0.05;
/// Packets that say something.
const FEWEST_PACKETS: u64 = 1_000;
/// From here on a worker or a CPU has no room left.
const FULL: f64 = 0.9;
/// A share of the time without a CPU that is worth a word.
const WAITED: f64 = 0.1;
/// Packets that the stack drops on any net, because they are not for this host: this many of a thousand
/// are not taken for losses.
const USUAL_DROPS: u64 = 1;

/// Where packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The interface: the card or its driver.
    Nic,
    /// The CPU on which packets are received: driver, stack and program.
    Softirq,
    /// The ring between kernel and worker.
    Ring,
    /// The worker.
    Worker,
    /// The disk.
    Disk,
}

impl Place {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nic => "nic",
            Self::Softirq => "softirq",
            Self::Ring => "ring",
            Self::Worker => "worker",
            Self::Disk => "disk",
        }
    }
}

/// What one account says.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What was done with the traffic then.
    pub step: Step,
    /// Packets that were lost there; 0 for room that is left.
    pub lost: u64,
    /// Packets a second that it could take, by extrapolation; `None` where packets were lost.
    pub room: Option<f64>,
    /// The same in words, with the reason.
    pub words: String,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Losses in the order in which packets pass the places, then room, the least first.
    pub findings: Vec<Finding>,
    /// What breaks first; `None` if there was too little traffic to say.
    pub first: Option<Place>,
    /// All in one sentence.
    pub words: String,
}

/// Judges the steps of one run. `show` writes a rate as people read it.
#[must_use]
pub fn judge(
    steps: &[Measured],
    disk: Option<&DiskSpeed>,
    show: &dyn Fn(f64) -> String,
) -> Verdict {
    let mut losses: Vec<_> = steps.iter().flat_map(|step| losses(step, show)).collect();
    let most = steps.iter().map(Measured::rate).fold(0.0, f64::max);
    if let Some(first) = losses.first() {
        let (place, step) = (first.place, first.step);
        let words = format!(
            "the {} breaks first, at the step {:?}: {}",
            place.name(),
            step.name(),
            first.words
        );
        return Verdict {
            findings: std::mem::take(&mut losses),
            first: Some(place),
            words,
        };
    }
    let mut room: Vec<_> = steps
        .last()
        .map(|step| room(steps, step, disk, show))
        .unwrap_or_default();
    room.sort_by(|a, b| {
        a.room
            .unwrap_or(f64::MAX)
            .total_cmp(&b.room.unwrap_or(f64::MAX))
    });
    let enough = steps
        .last()
        .is_some_and(|step| step.packets >= FEWEST_PACKETS);
    let (first, words) = match room.first() {
        Some(least) if enough => {
            let words = format!(
                "nothing was lost at {} pps; the {} would break first, at about {} pps by extrapolation",
                show(most),
                least.place.name(),
                show(least.room.unwrap_or_default())
            );
            (Some(least.place), words)
        }
        _ => {
            let words = format!(
                "nothing was lost at {} pps, which is too little traffic to say what this machine can take: nothing \
                 was busy enough ({:.0} % of a CPU) to go by; try again under load, or with `capture generate` on a veth",
                show(most),
                SMALLEST_SHARE * 100.0
            );
            (None, words)
        }
    };
    Verdict {
        findings: if enough { room } else { Vec::new() },
        first,
        words,
    }
}

/// What was lost in a step, in the order in which packets pass the places.
fn losses(step: &Measured, show: &dyn Fn(f64) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |place, lost, words| {
        findings.push(Finding {
            place,
            step: step.step,
            lost,
            room: None,
            words,
        });
    };
    let rate = show(step.rate());
    let device = &step.device;
    let unusual = device.received / 1000 * USUAL_DROPS;
    let of_driver: Vec<_> = device
        .of_driver
        .iter()
        .map(|(name, by)| format!("{name} +{by}"))
        .collect();
    let of_driver = if of_driver.is_empty() {
        String::new()
    } else {
        format!(" ({})", of_driver.join(", "))
    };
    let lost_by_device = device.missed
        + if device.dropped > unusual {
            device.dropped
        } else {
            0
        };
    if lost_by_device > 0 {
        let cpu = step.busiest_cpu().filter(|cpu| cpu.softirq >= FULL);
        let why = match cpu {
            Some(CpuShare { cpu, softirq, .. }) => format!(
                "CPU {cpu} spent {:.0} % of its time receiving and could not fetch them: spread the queues over more CPUs",
                softirq * 100.0
            ),
            None => "longer rings (ethtool -g, -G) hold more between two polls; or they were not for this host (rx_dropped)".to_owned(),
        };
        add(
            Place::Nic,
            lost_by_device,
            format!(
                "the interface lost {lost_by_device} packets at {rate} pps, {} missed and {} dropped{of_driver}; {why}",
                device.missed, device.dropped
            ),
        );
    }
    let in_ring = step.losses.ring_full + step.losses.not_copied;
    if in_ring > 0 {
        let (place, why) = match step.busiest_worker() {
            Some(worker) if worker.busy + worker.waited >= FULL => {
                (Place::Worker, worker_is_full(worker, step))
            }
            Some(worker) => (
                Place::Ring,
                format!(
                    "{} was only {:.0} % busy, so they came in bursts (up to {} pps): a larger --ring-size holds them",
                    worker.name,
                    worker.busy * 100.0,
                    show(step.peak)
                ),
            ),
            None => (Place::Ring, "a larger --ring-size holds more".to_owned()),
        };
        add(
            place,
            in_ring,
            format!("{in_ring} packets found a ring full at {rate} pps; {why}"),
        );
    }
    let at_disk = step.losses.disk_slow + step.losses.disk_error;
    if at_disk > 0 {
        add(
            Place::Disk,
            at_disk,
            format!(
                "{at_disk} packets were not written at {rate} pps ({}bit/s): the disk was too slow for {}, and refused {}",
                show(step.bits()),
                step.losses.disk_slow,
                step.losses.disk_error
            ),
        );
    }
    findings
}

fn worker_is_full(worker: &ThreadShare, step: &Measured) -> String {
    let waited = if worker.waited >= WAITED {
        format!(
            ", and had to wait for a CPU for {:.0} % of the time",
            worker.waited * 100.0
        )
    } else {
        String::new()
    };
    format!(
        "{} was {:.0} % busy{waited}: more --workers (now {}), on CPUs that do not receive (--cpus)",
        worker.name,
        worker.busy * 100.0,
        step.worker_packets.len()
    )
}

/// How much more there is room for in the last step, by what was busy in it.
fn room(
    steps: &[Measured],
    step: &Measured,
    disk: Option<&DiskSpeed>,
    show: &dyn Fn(f64) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |place, room, words| {
        findings.push(Finding {
            place,
            step: step.step,
            lost: 0,
            room: Some(room),
            words,
        });
    };
    let rate = step.rate();
    // A worker whose ring stays empty looks for packets all the same; where nothing is copied, that is
    // all it does.
    let idle = steps
        .iter()
        .find(|step| step.step == Step::Count)
        .and_then(Measured::busiest_worker)
        .map_or(0.0, |worker| worker.busy);
    if let Some(worker) = step
        .busiest_worker()
        .filter(|worker| worker.busy - idle >= SMALLEST_SHARE)
    {
        let alone = rate / worker.busy;
        let (room, words) = if worker.waited < WAITED {
            (
                alone,
                format!(": about {} pps by extrapolation", show(alone)),
            )
        } else {
            // Whoever waits is not idle; how long he waits is for others to say.
            let shared = rate / (worker.busy + worker.waited).min(1.0);
            let words = format!(
                " and waited for a CPU for {:.0} % of the time: about {} pps by extrapolation as things are, {} pps with \
                 a CPU of its own",
                worker.waited * 100.0,
                show(shared),
                show(alone)
            );
            (shared, words)
        };
        add(
            Place::Worker,
            room,
            format!(
                "at {} pps {} was {:.0} % busy{words}",
                show(rate),
                worker.name,
                worker.busy * 100.0,
            ),
        );
    }
    if let Some(cpu) = step
        .busiest_cpu()
        .filter(|cpu| cpu.softirq >= SMALLEST_SHARE)
    {
        let room = rate / cpu.softirq;
        add(
            Place::Softirq,
            room,
            format!(
                "at {} pps CPU {} spent {:.0} % of its time receiving (driver, program and stack): about {} pps by extrapolation",
                show(rate),
                cpu.cpu,
                cpu.softirq * 100.0,
                show(room)
            ),
        );
    }
    if let Some(disk) = disk.filter(|_| step.written_packets > 0) {
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let each = step.written_bytes as f64 / step.written_packets as f64;
        let room = disk.bytes_per_second() / each.max(1.0);
        add(
            Place::Disk,
            room,
            format!(
                "the disk took {:.0} MB/s, and a packet is {each:.0} bytes in the file: about {} pps",
                disk.bytes_per_second() / 1e6,
                show(room)
            ),
        );
    }
    findings
}

#[cfg(test)]
mod tests;
