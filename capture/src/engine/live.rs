//! Rings through the shards: one thread for each ring, nothing shared between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use capture_common::{Hook, HookCounters};

use super::ledger::{Ledger, Written};
use super::limit::{Limit, Pause};
use super::{EngineError, Outputs, Tracking, affinity, budget, host};
use crate::flow::FlowTable;
use crate::iface::{self, InterfaceStats};
use crate::kernel::{AttachError, Attachment, Clock, Kernel, Plan};
use crate::packet::{Iface, Timestamp};
use crate::shard::{Latency, Shard, ShardCounters, ShardTotals};
use crate::sink::flows::{FlowFile, FlowFileSummary, FlowSink, IfaceNames};
use crate::sink::pcapng::{
    IfaceDescription, IfaceStatistics, PacketFile, PacketFileOptions, PacketFileSummary, PacketSink,
};
use crate::sink::{Existing, Overflow};
use crate::source::ring::RingSource;

/// A live capture as it is going to be.
#[derive(Clone, Debug)]
pub struct LivePlan {
    /// The kernel side.
    pub kernel: Plan,
    /// How flows are tracked.
    pub tracking: Tracking,
    /// What is written.
    pub outputs: Outputs,
    /// CPUs for the workers, in turn; empty leaves them where the scheduler puts them.
    pub cpus: Vec<usize>,
    /// Packets after which it ends.
    pub count: Option<u64>,
}

/// A running capture.
#[derive(Debug)]
pub struct LiveCapture {
    kernel: Kernel,
    plan: LivePlan,
    clock: Arc<Clock>,
    limit: Arc<Limit>,
    workers: Vec<JoinHandle<Latency>>,
    counters: Vec<Arc<ShardCounters>>,
    packets: Option<PacketFile>,
    flows: Option<FlowFile>,
    started: Timestamp,
    /// The interfaces' own counters at the start, by slot.
    before: Vec<InterfaceStats>,
}

/// All counters at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When.
    pub ts: Timestamp,
    /// The kernel's, of all interfaces and hooks together.
    pub kernel: HookCounters,
    /// The shards'.
    pub shards: ShardTotals,
    /// Packets lost so far: ring full, not copied, not written.
    pub drops: u64,
}

/// How a capture ended.
#[derive(Debug)]
pub struct LiveReport {
    /// What became of every packet.
    pub ledger: Ledger,
    /// The counters at the end.
    pub last: Snapshot,
    /// From the kernel's timestamp to the worker.
    pub latency: Latency,
    /// The pcapng file.
    pub packets: Option<PacketFileSummary>,
    /// Where it is; `-` is standard output.
    pub packets_path: Option<PathBuf>,
    /// The file of connection records.
    pub flows: Option<FlowFileSummary>,
    /// Packets that the interfaces themselves lost meanwhile, before any program saw them; `None`
    /// where the interface was gone at the end.
    pub iface_drops: Vec<(String, Option<u64>)>,
}

impl LiveCapture {
    /// Loads, creates, attaches, starts. On an error nothing stays behind.
    ///
    /// # Errors
    ///
    /// What is in the way, with what to do about it.
    pub fn start(plan: LivePlan) -> Result<Self, EngineError> {
        let workers = plan.kernel.rings as usize;
        let ring_bytes = u64::from(plan.kernel.ring_bytes) * u64::from(plan.kernel.rings);
        budget::check(&plan.tracking, workers, ring_bytes)?;
        let ifaces: Vec<Iface> = plan
            .kernel
            .ifaces
            .iter()
            .map(|attachment| Iface {
                name: attachment.interface.name.clone(),
                description: attachment.describe(plan.kernel.disposition),
                link: attachment.link,
                snap_len: plan.kernel.snap_len,
                decimals: 9,
            })
            .collect();
        // The kernel first: it has the most that can be in the way, and it leaves nothing behind.
        let mut kernel = Kernel::load(&plan.kernel)?;
        let clock = Arc::new(Clock::new());
        let links: Vec<_> = ifaces.iter().map(|iface| iface.link).collect();
        let sources = kernel
            .rings()
            .enumerate()
            .map(|(number, ring)| {
                RingSource::new(
                    ring,
                    plan.kernel.ring_bytes as usize,
                    number as u16,
                    Arc::clone(&clock),
                    links.clone(),
                )
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(EngineError::Ring)?;
        let mut fresh = FreshFiles::default();
        let (packets, packet_sinks) =
            packet_file(&plan.outputs, &ifaces, &plan.kernel.ifaces, workers)?;
        fresh.add(plan.outputs.packets.as_deref(), plan.outputs.existing);
        let (flows, flow_sinks) = flow_file(&plan.outputs, &ifaces, workers)?;
        let before = plan
            .kernel
            .ifaces
            .iter()
            .map(|iface| iface.interface.stats)
            .collect();
        let started = clock.now();
        kernel.attach(&plan.kernel)?;

        let limit = Arc::new(Limit::new(plan.count));
        let counters: Vec<_> = (0..workers)
            .map(|_| Arc::new(ShardCounters::default()))
            .collect();
        let mut threads = Vec::with_capacity(workers);
        let parts = sources
            .into_iter()
            .zip(packet_sinks)
            .zip(flow_sinks)
            .zip(&counters)
            .enumerate();
        for (number, (((source, packet_sink), flow_sink), shard_counters)) in parts {
            let table = FlowTable::new(
                plan.tracking.share(workers),
                plan.tracking.timeouts,
                plan.tracking.seed,
            );
            let shard = Shard::new(
                plan.tracking.dissector,
                table,
                flow_sink,
                packet_sink,
                Arc::clone(shard_counters),
            );
            let worker = Worker {
                source,
                shard,
                limit: Arc::clone(&limit),
                clock: Arc::clone(&clock),
            };
            let cpu = (!plan.cpus.is_empty()).then(|| plan.cpus[number % plan.cpus.len()]);
            threads.push(worker.spawn(number, cpu)?);
        }
        fresh.keep();
        Ok(Self {
            kernel,
            plan,
            clock,
            limit,
            workers: threads,
            counters,
            packets,
            flows,
            started,
            before,
        })
    }

    /// The kernel side, for who asks how it was attached.
    pub fn kernel_mut(&mut self) -> &mut Kernel {
        &mut self.kernel
    }

    /// Number of interfaces.
    #[must_use]
    pub fn iface_count(&self) -> usize {
        self.plan.kernel.ifaces.len()
    }

    /// Whether as many packets were taken as were wanted, or no worker is left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.limit.is_reached() || self.workers.iter().any(JoinHandle::is_finished)
    }

    /// Follows a clock that somebody set; says by how many ns.
    #[must_use]
    pub fn follow_clock(&self) -> Option<i64> {
        self.clock.follow()
    }

    /// The counters now.
    ///
    /// # Errors
    ///
    /// When the kernel does not let its counters be read.
    pub fn snapshot(&self) -> Result<Snapshot, EngineError> {
        let mut kernel = HookCounters::ZERO;
        for slot in 0..self.plan.kernel.ifaces.len() {
            let [ingress, egress] = self.hooks(slot as u16)?;
            kernel.add(&ingress);
            kernel.add(&egress);
        }
        let shards = self.totals();
        let unwritten = self.packets.as_ref().map_or(0, |file| {
            let counters = file.counters();
            counters.unwritten_overflow() + counters.unwritten_disk()
        });
        let drops = kernel.ring_full + kernel.copy_failed + unwritten;
        Ok(Snapshot {
            ts: self.clock.now(),
            kernel,
            shards,
            drops,
        })
    }

    /// Detaches, drains the rings, ends the flows, closes the files.
    ///
    /// # Errors
    ///
    /// When a thread panicked, or the kernel does not let its counters be read.
    pub fn stop(mut self) -> Result<LiveReport, EngineError> {
        self.kernel.detach();
        self.limit.drain();
        let mut latency = Latency::new();
        let mut panicked = false;
        for worker in std::mem::take(&mut self.workers) {
            match worker.join() {
                Ok(part) => latency.add(&part),
                Err(_) => panicked = true,
            }
        }
        let stopped = self.clock.now();
        let stats = self.iface_statistics(stopped)?;
        let last = self.snapshot()?;
        let iface_drops = self.iface_drops();
        let packets = self.packets.take().map(|file| file.finish(stats));
        let flows = self.flows.take().map(FlowFile::finish);
        if panicked {
            return Err(EngineError::Panicked);
        }
        let ledger = Ledger {
            kernel: Some(last.kernel),
            shards: self.totals(),
            packets: packets.as_ref().map(Written::from),
            records: flows.as_ref().map(Written::from),
        };
        let packets_path = self.plan.outputs.packets;
        Ok(LiveReport {
            ledger,
            last,
            latency,
            packets,
            packets_path,
            flows,
            iface_drops,
        })
    }

    fn totals(&self) -> ShardTotals {
        let mut totals = ShardTotals::default();
        for counters in &self.counters {
            totals += counters.read();
        }
        totals
    }

    fn hooks(&self, slot: u16) -> Result<[HookCounters; 2], AttachError> {
        Ok([
            self.kernel.counters(slot, Hook::XdpIngress)?,
            self.kernel.counters(slot, Hook::TcxEgress)?,
        ])
    }
}

/// One thread's work.
struct Worker {
    source: RingSource,
    shard: Shard,
    limit: Arc<Limit>,
    clock: Arc<Clock>,
}

impl Worker {
    /// Starts its thread, on this CPU if one is named.
    fn spawn(self, number: usize, cpu: Option<usize>) -> Result<JoinHandle<Latency>, EngineError> {
        std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || {
                if let Some(cpu) = cpu
                    && let Err(error) = affinity::pin(cpu)
                {
                    log::warn!("worker {number} stays unpinned: CPU {cpu}: {error}");
                }
                self.run()
            })
            .map_err(EngineError::Thread)
    }

    fn run(self) -> Latency {
        let Self {
            mut source,
            mut shard,
            limit,
            clock,
        } = self;
        let mut latency = Latency::new();
        let mut pause = Pause::new();
        loop {
            // Asked before the ring is looked at: if it is empty then, it stays empty.
            let draining = limit.is_draining();
            let polled = source.poll(&mut |burst| {
                let taken = limit.take(burst.len());
                let (wanted, rest) = burst.split_at(taken);
                if let Some(oldest) = wanted.first() {
                    latency.record(clock.now().since(oldest.meta.ts), taken as u64);
                    shard.on_burst(wanted);
                }
                shard.skip(rest.len() as u64);
            });
            shard.on_tick(polled.watermark);
            if polled.packets > 0 {
                pause.reset();
            }
            if polled.drained {
                if draining && polled.packets == 0 {
                    break;
                }
                pause.sleep();
            }
        }
        shard.finish();
        latency
    }
}

/// Files that this start has made; a start that fails takes them away again.
#[derive(Default)]
struct FreshFiles(Vec<PathBuf>);

impl FreshFiles {
    /// A file that was opened just now. What may have been there before is not ours to remove.
    fn add(&mut self, path: Option<&Path>, existing: Existing) {
        if existing == Existing::Refuse
            && let Some(path) = path.filter(|path| path.as_os_str() != "-")
        {
            self.0.push(path.to_owned());
        }
    }

    /// The start has succeeded.
    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for FreshFiles {
    fn drop(&mut self) {
        for path in &self.0 {
            // The error that is on its way says more than one from here could.
            drop(std::fs::remove_file(path));
        }
    }
}

type Sinks<T> = Vec<Option<T>>;

fn packet_file(
    outputs: &Outputs,
    ifaces: &[Iface],
    attachments: &[Attachment],
    workers: usize,
) -> Result<(Option<PacketFile>, Sinks<PacketSink>), EngineError> {
    let Some(path) = &outputs.packets else {
        return Ok((None, (0..workers).map(|_| None).collect()));
    };
    let options = PacketFileOptions {
        path: path.clone(),
        existing: outputs.existing,
        overflow: Overflow::Drop,
        pool_bytes: outputs.buffer_bytes,
        section: host::section(),
        ifaces: ifaces
            .iter()
            .zip(attachments)
            .map(|(iface, attachment)| IfaceDescription {
                iface: iface.clone(),
                filter: None,
                mac: attachment.interface.mac,
                os: host::os(),
            })
            .collect(),
    };
    let (file, sinks) = PacketFile::create(&options, workers)?;
    Ok((Some(file), sinks.into_iter().map(Some).collect()))
}

fn flow_file(
    outputs: &Outputs,
    ifaces: &[Iface],
    workers: usize,
) -> Result<(Option<FlowFile>, Sinks<FlowSink>), EngineError> {
    let Some(options) = &outputs.flows else {
        return Ok((None, (0..workers).map(|_| None).collect()));
    };
    let names = IfaceNames::default();
    names.set(ifaces.iter().map(|iface| iface.name.clone()));
    let (file, sinks) = FlowFile::create(options, workers, names)?;
    Ok((Some(file), sinks.into_iter().map(Some).collect()))
}

impl LiveCapture {
    /// What the pcapng file says of each interface in the end.
    fn iface_statistics(&self, stopped: Timestamp) -> Result<Vec<IfaceStatistics>, EngineError> {
        let drops = self.iface_drops();
        (0..self.plan.kernel.ifaces.len())
            .map(|slot| {
                let [mut sum, egress] = self.hooks(slot as u16)?;
                sum.add(&egress);
                Ok(IfaceStatistics {
                    start: Some(self.started),
                    end: Some(stopped),
                    received: Some(sum.packets),
                    iface_dropped: drops.get(slot).and_then(|(_, drops)| *drops),
                    accepted: Some(sum.packets - sum.filtered),
                    os_dropped: Some(sum.ring_full + sum.copy_failed),
                    delivered: Some(sum.delivered),
                })
            })
            .collect()
    }

    fn iface_drops(&self) -> Vec<(String, Option<u64>)> {
        let now = iface::all().unwrap_or_default();
        self.plan
            .kernel
            .ifaces
            .iter()
            .zip(&self.before)
            .map(|(attachment, before)| {
                let name = &attachment.interface.name;
                let drops = now
                    .iter()
                    .find(|iface| iface.index == attachment.interface.index)
                    .map(|iface| iface.stats.rx_missed.saturating_sub(before.rx_missed));
                (name.clone(), drops)
            })
            .collect()
    }

    /// Interfaces of the capture that are not there any more.
    #[must_use]
    pub fn vanished(&self) -> Vec<&str> {
        let Ok(now) = iface::all() else {
            return Vec::new();
        };
        self.plan
            .kernel
            .ifaces
            .iter()
            .map(|attachment| &attachment.interface)
            .filter(|wanted| now.iter().all(|iface| iface.index != wanted.index))
            .map(|wanted| wanted.name.as_str())
            .collect()
    }
}
