//! CPU time, as the kernel accounts for it: of the threads of this process, and of each CPU.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Ticks of `/proc` a second (`USER_HZ`), the same on every architecture that Linux runs eBPF on.
const TICKS_PER_SECOND: u64 = 100;

/// How busy a thread was.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadShare {
    /// Its name, such as `worker-0`.
    pub name: String,
    /// Share of one CPU that it used, 0 to 1.
    pub busy: f64,
    /// Share of the time in which it could have run, but had no CPU.
    pub waited: f64,
}

/// How busy a CPU was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuShare {
    /// Its number.
    pub cpu: usize,
    /// Share of the time in softirqs, where packets are received, 0 to 1.
    pub softirq: f64,
    /// Share of the time that it was not idle, softirqs included.
    pub busy: f64,
    /// Share of the time that the host under a virtual machine ran something else.
    pub steal: f64,
}

/// Accounts at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Instant,
    /// By thread id.
    threads: BTreeMap<u32, Thread>,
    cpus: BTreeMap<usize, Ticks>,
}

#[derive(Clone, Debug)]
struct Thread {
    name: String,
    ran: Duration,
    waited: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    all: u64,
    idle: u64,
    softirq: u64,
    steal: u64,
}

impl Sample {
    /// Reads all accounts; what cannot be read is left out.
    pub(super) fn take() -> Self {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            let id = entry.file_name().to_str().and_then(|id| id.parse().ok());
            let read = |name| fs::read_to_string(entry.path().join(name));
            let (Some(id), Ok(name)) = (id, read("comm")) else {
                continue;
            };
            let times = read("schedstat").ok().and_then(|text| schedstat(&text));
            let times = times.or_else(|| stat(&read("stat").ok()?));
            if let Some((ran, waited)) = times {
                let name = name.trim().to_owned();
                threads.insert(id, Thread { name, ran, waited });
            }
        }
        let cpus = fs::read_to_string("/proc/stat").unwrap_or_default();
        Self {
            at: Instant::now(),
            threads,
            cpus: self::cpus(&cpus),
        }
    }

    /// Time between two samples, in seconds.
    pub(super) fn secs_since(&self, earlier: &Self) -> f64 {
        self.at.duration_since(earlier.at).as_secs_f64().max(1e-9)
    }

    /// How busy threads were that there are in both samples.
    pub(super) fn threads_since(&self, earlier: &Self) -> Vec<ThreadShare> {
        let secs = self.secs_since(earlier);
        let mut shares: Vec<_> = self
            .threads
            .iter()
            .filter_map(|(id, now)| {
                let before = earlier.threads.get(id)?;
                let share = |now: Duration, before: Duration| {
                    (now.saturating_sub(before).as_secs_f64() / secs).min(1.0)
                };
                Some(ThreadShare {
                    name: now.name.clone(),
                    busy: share(now.ran, before.ran),
                    waited: share(now.waited, before.waited),
                })
            })
            .collect();
        shares.sort_by(|a, b| a.name.cmp(&b.name));
        shares
    }

    /// How busy CPUs were.
    #[expect(clippy::cast_precision_loss, reason = "shares")]
    pub(super) fn cpus_since(&self, earlier: &Self) -> Vec<CpuShare> {
        let share = |(cpu, now): (&usize, &Ticks)| {
            let before = earlier.cpus.get(cpu)?;
            let all = now.all.saturating_sub(before.all);
            if all == 0 {
                return None;
            }
            let part = |now: u64, before: u64| now.saturating_sub(before) as f64 / all as f64;
            Some(CpuShare {
                cpu: *cpu,
                softirq: part(now.softirq, before.softirq),
                busy: 1.0 - part(now.idle, before.idle),
                steal: part(now.steal, before.steal),
            })
        };
        self.cpus.iter().filter_map(share).collect()
    }
}

/// `/proc/PID/task/TID/schedstat`: nanoseconds on a CPU, nanoseconds waiting for one, and how often.
fn schedstat(text: &str) -> Option<(Duration, Duration)> {
    let mut words = text.split_whitespace();
    let mut time = || Some(Duration::from_nanos(words.next()?.parse().ok()?));
    Some((time()?, time()?))
}

/// `/proc/PID/task/TID/stat` (`proc_pid_stat(5)`): fields 14 and 15 are the ticks on a CPU. The name, in
/// parentheses, can hold anything.
fn stat(text: &str) -> Option<(Duration, Duration)> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let ticks = ticks()? + ticks()?;
    let ran = Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND);
    Some((ran, Duration::ZERO))
}

/// `/proc/stat` (`proc_stat(5)`): user, nice, system, idle, iowait, irq, softirq, steal of each CPU.
fn cpus(text: &str) -> BTreeMap<usize, Ticks> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let cpu = words.next()?.strip_prefix("cpu")?.parse().ok()?;
            let ticks: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
            let of = |place: usize| ticks.get(place).copied().unwrap_or(0);
            let ticks = Ticks {
                all: ticks.iter().sum(),
                idle: of(3) + of(4),
                softirq: of(6),
                steal: of(7),
            };
            Some((cpu, ticks))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_its_line() {
        let text = "cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 5 1 5 40 2 0 3 4 9 9\ncpu12 0 0 0 7 0 0 0 0 0 0\nintr 5\n";
        let zero = Ticks {
            all: 60,
            idle: 42,
            softirq: 3,
            steal: 4,
        };
        let twelve = Ticks {
            all: 7,
            idle: 7,
            ..Ticks::default()
        };
        assert_eq!(cpus(text), BTreeMap::from([(0, zero), (12, twelve)]));
    }

    #[test]
    fn a_thread_has_run_and_waited() {
        let times = schedstat("1500000000 250000000 17\n");
        let expected = (Duration::from_millis(1500), Duration::from_millis(250));
        assert_eq!(times, Some(expected));
        assert_eq!(schedstat(""), None);
        let text = "7 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20";
        assert_eq!(
            stat(text),
            Some((Duration::from_millis(1750), Duration::ZERO))
        );
    }

    #[test]
    fn shares_are_of_the_time_between() {
        let at = Instant::now();
        let sample = |at, ran, waited, ticks| Sample {
            at,
            threads: BTreeMap::from([(
                7,
                Thread {
                    name: "worker-0".to_owned(),
                    ran: Duration::from_millis(ran),
                    waited: Duration::from_millis(waited),
                },
            )]),
            cpus: BTreeMap::from([(0, ticks)]),
        };
        let before = sample(at, 100, 0, Ticks::default());
        let ticks = Ticks {
            all: 200,
            idle: 50,
            softirq: 80,
            steal: 10,
        };
        let after = sample(at + Duration::from_secs(2), 1100, 500, ticks);
        let thread = ThreadShare {
            name: "worker-0".to_owned(),
            busy: 0.5,
            waited: 0.25,
        };
        assert_eq!(after.threads_since(&before), [thread]);
        let cpu = CpuShare {
            cpu: 0,
            softirq: 0.4,
            busy: 0.75,
            steal: 0.05,
        };
        assert_eq!(after.cpus_since(&before), [cpu]);
    }

    #[test]
    fn this_thread_is_among_those_of_the_process() {
        let sample = Sample::take();
        assert!(!sample.threads.is_empty());
        assert!(!sample.cpus.is_empty());
    }
}
