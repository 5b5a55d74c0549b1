//! Rings or sockets through the shards: one thread for each, nothing shared between them.

use std::io::PipeWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use capture_common::HookCounters;

use super::change::Change;
use super::fresh::FreshFiles;
use super::ifaces::{self, IfaceReport, Ifaces};
use super::ledger::{Ledger, Written};
use super::limit::{Limit, Pause};
use super::{EngineError, Outputs, Tracking, affinity, budget, host, receivers};
use crate::flow::{FlowTable, LiveSampling};
use crate::iface::{self, Namespace};
use crate::kernel::{AttachError, Clock, Delivery, Kernel, Plan, Refused};
use crate::packet::Timestamp;
use crate::shard::{Latency, Shard, ShardCounters, ShardTotals};
use crate::sink::flows::{FlowFile, FlowFileSummary, FlowSink, IfaceNames};
use crate::sink::pcapng::{
    IfaceDescription, PacketFile, PacketFileOptions, PacketFileSummary, PacketSink,
};
use crate::sink::{Existing, Overflow};
use crate::source::LiveSource;
use crate::source::ring::{LinkTypes, ReportRing, RingSource};
use crate::source::xsk::{QueueId, QueueTotals, Receiver, Sockets, XskCounters};

/// A live capture as it is going to be.
#[derive(Debug)]
pub struct LivePlan {
    /// The kernel side.
    pub kernel: Plan,
    /// Where the interfaces are.
    pub netns: Namespace,
    /// Interfaces that were meant, but cannot be captured.
    pub refused: Vec<Refused>,
    /// How flows are tracked.
    pub tracking: Tracking,
    /// What is written.
    pub outputs: Outputs,
    /// Where packets go that are to be printed, as pcapng; whoever reads the other end may be slow, and
    /// gets less then.
    pub print: Option<PipeWriter>,
    /// A directory for it, which is made if need be once nothing else is in the way.
    pub folder: Option<PathBuf>,
    /// CPUs for the workers, in turn; empty leaves them where the scheduler puts them.
    pub cpus: Vec<usize>,
    /// Packets after which it ends.
    pub count: Option<u64>,
}

/// A running capture.
#[derive(Debug)]
pub struct LiveCapture {
    pub(super) kernel: Kernel,
    pub(super) plan: LivePlan,
    pub(super) ifaces: Ifaces,
    /// The names of the interfaces, for the records.
    pub(super) names: IfaceNames,
    /// What their packets start with, for the workers.
    pub(super) links: LinkTypes,
    pub(super) clock: Arc<Clock>,
    pub(super) changes: Vec<Change>,
    /// What the records of all shards say.
    pub(super) sampling: Arc<LiveSampling>,
    started: Timestamp,
    limit: Arc<Limit>,
    workers: Vec<JoinHandle<Latency>>,
    /// Threads between the sockets and the workers.
    receivers: Vec<JoinHandle<()>>,
    sockets: Option<XskCounters>,
    /// What the sockets are, a line for each kind of them.
    socket_lines: Vec<String>,
    counters: Vec<Arc<ShardCounters>>,
    pub(super) packets: Option<PacketFile>,
    pub(super) printed: Option<PacketFile>,
    flows: Option<FlowFile>,
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
    /// Packets lost so far: ring full, not copied, not written, or not printed where that is all that
    /// becomes of them.
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
    /// What went to the printer.
    pub printed: Option<PacketFileSummary>,
    /// The file of connection records.
    pub flows: Option<FlowFileSummary>,
    /// The interfaces, in the order in which they came.
    pub ifaces: Vec<IfaceReport>,
    /// Interfaces that could not be captured when they were meant to be.
    pub refused: u64,
    /// What each queue counted; empty without `AF_XDP` sockets.
    pub queues: Vec<(QueueId, QueueTotals)>,
    /// What was changed meanwhile.
    pub changes: Vec<Change>,
}

impl LiveCapture {
    /// Loads, creates, attaches, starts. On an error nothing stays behind.
    ///
    /// # Errors
    ///
    /// What is in the way, with what to do about it.
    pub fn start(mut plan: LivePlan) -> Result<Self, EngineError> {
        let workers = plan.kernel.rings as usize;
        budget::check(&plan.tracking, workers, plan.kernel.memory_bytes())?;
        // The kernel first: it has the most that can be in the way, and it leaves nothing behind.
        let mut kernel = Kernel::load(&plan.kernel)?;
        let clock = Arc::new(Clock::new());
        let cuts = kernel.take_cuts(&plan.kernel, &clock)?;
        let links: LinkTypes = plan.kernel.ifaces.iter().map(|iface| iface.link).collect();
        let Feeds {
            sources,
            receivers: unstarted,
            sockets,
            socket_lines,
        } = Feeds::open(&plan, &mut kernel, &clock, &links)?;
        let mut fresh = FreshFiles::default();
        if let Some(folder) = &plan.folder {
            fresh.make_folder(folder)?;
        }
        let (packets, packet_sinks) = packet_file(&plan.outputs, &plan.kernel, workers)?;
        let print = plan.print.take();
        let (printed, print_sinks) = print_pipe(print, &plan.kernel, workers)?;
        let first = packets.as_ref().map(PacketFile::path);
        fresh.add(first, plan.outputs.existing);
        let names = first_names(&plan.kernel);
        let (flows, flow_sinks) = flow_file(&plan.outputs, &names, workers)?;
        let refused = std::mem::take(&mut plan.refused);
        let started = clock.now();
        let ifaces = plan.netns.enter(|| {
            let mut ifaces = Ifaces::new(refused)?;
            ifaces.attach_first(&mut kernel, &plan.kernel, started)?;
            Ok::<_, AttachError>(ifaces)
        });
        let ifaces = ifaces.map_err(EngineError::Thread)??;

        let sampling = Arc::new(LiveSampling::new(plan.kernel.thinning.sampling));
        let limit = Arc::new(Limit::new(plan.count));
        let counters: Vec<_> = (0..workers)
            .map(|_| Arc::new(ShardCounters::default()))
            .collect();
        let mut threads = Vec::with_capacity(workers);
        let parts = sources
            .into_iter()
            .zip(packet_sinks.into_iter().zip(print_sinks))
            .zip(flow_sinks)
            .zip(&counters)
            .enumerate();
        for (number, (((source, (packet_sink, print_sink)), flow_sink), shard_counters)) in parts {
            let table = FlowTable::new(
                plan.tracking.share(workers),
                plan.tracking.timeouts,
                plan.tracking.seed,
            )
            .cut_by(cuts.clone())
            .sampled(Arc::clone(&sampling));
            let shard = Shard::new(
                plan.tracking.dissector,
                table,
                flow_sink,
                packet_sink,
                Arc::clone(shard_counters),
            )
            .also_into(print_sink);
            let worker = Worker {
                source,
                shard,
                limit: Arc::clone(&limit),
                clock: Arc::clone(&clock),
            };
            let cpu = (!plan.cpus.is_empty()).then(|| plan.cpus[number % plan.cpus.len()]);
            threads.push(worker.spawn(number, cpu)?);
        }
        let mut receivers = Vec::with_capacity(unstarted.len());
        for (number, receiver) in unstarted.into_iter().enumerate() {
            // The CPUs go on in turn after those of the workers.
            let cpu =
                (!plan.cpus.is_empty()).then(|| plan.cpus[(workers + number) % plan.cpus.len()]);
            receivers.push(receivers::spawn(receiver, Arc::clone(&limit), cpu)?);
        }
        fresh.keep();
        Ok(Self {
            kernel,
            plan,
            ifaces,
            names,
            links,
            clock,
            changes: Vec::new(),
            sampling,
            started,
            limit,
            workers: threads,
            receivers,
            sockets,
            socket_lines,
            counters,
            packets,
            printed,
            flows,
        })
    }

    /// What was planned.
    #[must_use]
    pub const fn plan(&self) -> &LivePlan {
        &self.plan
    }

    /// The kernel side, for who asks how it was attached.
    pub fn kernel_mut(&mut self) -> &mut Kernel {
        &mut self.kernel
    }

    /// What the `AF_XDP` sockets are, a line for each kind of them.
    #[must_use]
    pub fn socket_lines(&self) -> &[String] {
        &self.socket_lines
    }

    /// When it started.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        self.started
    }

    /// Whether nobody takes what is to be printed any more.
    #[must_use]
    pub fn is_printer_gone(&self) -> bool {
        self.printed
            .as_ref()
            .is_some_and(|printed| printed.counters().is_reader_gone())
    }

    /// Whether as many packets were taken, or files filled, as were wanted, or no worker is left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let files = self.packets.as_ref();
        self.limit.is_reached()
            || files.is_some_and(|file| file.counters().is_full())
            || self.workers.iter().any(JoinHandle::is_finished)
            || self.receivers.iter().any(JoinHandle::is_finished)
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
        let kernel = self.ifaces.totals(&self.kernel)?;
        let shards = self.totals();
        let unwritten = self.packets.as_ref().or(self.printed.as_ref());
        let unwritten = unwritten.map_or(0, |file| {
            let counters = file.counters();
            counters.unwritten_overflow() + counters.unwritten_disk()
        });
        let at_sockets = self
            .sockets
            .as_ref()
            .map_or(0, |sockets| sockets.totals(None).lost());
        let drops =
            kernel.ring_full + kernel.copy_failed + kernel.no_socket + at_sockets + unwritten;
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
        for receiver in std::mem::take(&mut self.receivers) {
            panicked |= receiver.join().is_err();
        }
        for worker in std::mem::take(&mut self.workers) {
            match worker.join() {
                Ok(part) => latency.add(&part),
                Err(_) => panicked = true,
            }
        }
        let stopped = self.clock.now();
        let now = self.plan.netns.enter(iface::all);
        let now = now.map_err(EngineError::Thread)?.unwrap_or_default();
        let ifaces = self.ifaces.report(&self.kernel, &now)?;
        let mut statistics =
            self.ifaces
                .statistics(&self.kernel, self.sockets.as_ref(), &now, stopped)?;
        for statistics in &mut statistics {
            let remarks = self.changes.iter();
            statistics
                .comments
                .extend(remarks.map(|change| format!("{}: {}", change.ts, change.text)));
        }
        let last = self.snapshot()?;
        let packets = self
            .packets
            .take()
            .map(|file| file.finish(statistics.clone()));
        let flows = self.flows.take().map(FlowFile::finish);
        // Last, for a terminal can take long.
        let printed = self.printed.take().map(|file| file.finish(statistics));
        if panicked {
            return Err(EngineError::Panicked);
        }
        let ledger = Ledger {
            kernel: Some(last.kernel),
            sockets: self.sockets.as_ref().map(|sockets| sockets.totals(None)),
            shards: self.totals(),
            packets: packets.as_ref().map(Written::from),
            printed: printed.as_ref().map(Written::from),
            records: flows.as_ref().map(Written::from),
        };
        let queues = self
            .sockets
            .as_ref()
            .map(XskCounters::read)
            .unwrap_or_default();
        let packets_path = self.plan.outputs.packets;
        Ok(LiveReport {
            ledger,
            last,
            latency,
            packets,
            packets_path,
            printed,
            flows,
            ifaces,
            refused: self.ifaces.refusals(),
            queues,
            changes: self.changes,
        })
    }

    /// What each shard counts now.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardTotals> {
        self.counters
            .iter()
            .map(|counters| counters.read())
            .collect()
    }

    fn totals(&self) -> ShardTotals {
        let mut totals = ShardTotals::default();
        for counters in &self.counters {
            totals += counters.read();
        }
        totals
    }
}

/// Where the workers' packets come from.
struct Feeds {
    sources: Vec<LiveSource>,
    receivers: Vec<Receiver>,
    sockets: Option<XskCounters>,
    socket_lines: Vec<String>,
}

impl Feeds {
    fn open(
        plan: &LivePlan,
        kernel: &mut Kernel,
        clock: &Arc<Clock>,
        links: &LinkTypes,
    ) -> Result<Self, EngineError> {
        match plan.kernel.delivery {
            Delivery::Rings => {
                let sources = kernel
                    .rings()
                    .map(|ring| RingSource::new(&ring, Arc::clone(clock), links.clone()))
                    .map(|source| source.map(LiveSource::Ring))
                    .collect::<Result<_, _>>()
                    .map_err(EngineError::Ring)?;
                Ok(Self {
                    sources,
                    receivers: Vec::new(),
                    sockets: None,
                    socket_lines: Vec::new(),
                })
            }
            Delivery::Sockets(options) => {
                let ifaces: Vec<_> = plan
                    .kernel
                    .ifaces
                    .iter()
                    .map(|attachment| &attachment.interface)
                    .collect();
                let memory = u64::from(plan.kernel.ring_bytes) * u64::from(plan.kernel.rings);
                let opened = plan.netns.enter(|| Sockets::open(&ifaces, memory, options));
                let sockets = opened.map_err(EngineError::Thread)??;
                for (id, socket) in sockets.descriptors() {
                    kernel.set_socket(id.slot, id.queue, socket)?;
                }
                let socket_lines = sockets.describe();
                let workers = plan.kernel.rings as usize;
                let (sources, receivers, counters) = sockets.connect(workers, clock, links);
                let mut rings = kernel.rings();
                let sources = sources
                    .into_iter()
                    .map(|source| match rings.next() {
                        Some(ring) => ReportRing::new(&ring).map(|ring| source.told_by(ring)),
                        None => Ok(source),
                    })
                    .map(|source| source.map(|source| LiveSource::Xsk(Box::new(source))))
                    .collect::<Result<_, _>>()
                    .map_err(EngineError::Ring)?;
                Ok(Self {
                    sources,
                    receivers,
                    sockets: Some(counters),
                    socket_lines,
                })
            }
        }
    }
}

/// One thread's work.
struct Worker {
    source: LiveSource,
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
            let polled = source.poll(&mut |burst, told| {
                let taken = limit.take(burst.len());
                let (wanted, rest) = burst.split_at(taken);
                if let Some(oldest) = wanted.first() {
                    latency.record(clock.now().since(oldest.meta.ts), taken as u64);
                }
                if !wanted.is_empty() || !told.is_empty() {
                    shard.on_told_burst(wanted, told);
                }
                shard.skip(rest.len() as u64);
            });
            shard.on_tick(polled.watermark);
            if polled.packets > 0 {
                pause.reset();
            }
            if polled.drained {
                if draining && polled.packets == 0 && !polled.feeding {
                    break;
                }
                if !source.is_busy_polling() {
                    pause.sleep();
                }
            }
        }
        // What the source counted is complete when it is gone.
        drop(source);
        shard.finish();
        latency
    }
}

type Sinks<T> = Vec<Option<T>>;

/// The names of the interfaces that are there at the start.
fn first_names(plan: &Plan) -> IfaceNames {
    let names = IfaceNames::default();
    let ifaces = plan.ifaces.iter();
    names.set(ifaces.map(|iface| iface.interface.name.clone()));
    names
}

fn packet_file(
    outputs: &Outputs,
    plan: &Plan,
    workers: usize,
) -> Result<(Option<PacketFile>, Sinks<PacketSink>), EngineError> {
    let Some(path) = &outputs.packets else {
        return Ok((None, (0..workers).map(|_| None).collect()));
    };
    let options = PacketFileOptions {
        path: path.clone(),
        existing: outputs.existing,
        rotation: outputs.rotation,
        overflow: Overflow::Drop,
        pool_bytes: outputs.buffer_bytes,
        section: host::section(),
        ifaces: described(plan),
    };
    let (file, sinks) = PacketFile::create(&options, workers)?;
    Ok((Some(file), sinks.into_iter().map(Some).collect()))
}

/// Memory for packets on their way to the printer: seconds of what a terminal shows.
const PRINT_POOL_BYTES: usize = 16 << 20;

fn print_pipe(
    pipe: Option<PipeWriter>,
    plan: &Plan,
    workers: usize,
) -> Result<(Option<PacketFile>, Sinks<PacketSink>), EngineError> {
    let Some(pipe) = pipe else {
        return Ok((None, (0..workers).map(|_| None).collect()));
    };
    let options = PacketFileOptions {
        path: PathBuf::from("printed packets"),
        existing: Existing::Overwrite,
        rotation: None,
        overflow: Overflow::Drop,
        pool_bytes: PRINT_POOL_BYTES,
        section: host::section(),
        ifaces: described(plan),
    };
    let (file, sinks) = PacketFile::into_pipe(pipe, &options, workers)?;
    Ok((Some(file), sinks.into_iter().map(Some).collect()))
}

/// The interfaces of the plan, as files describe them.
fn described(plan: &Plan) -> Vec<IfaceDescription> {
    let attachments = plan.ifaces.iter();
    attachments
        .map(|attachment| ifaces::describe(attachment, plan))
        .collect()
}

fn flow_file(
    outputs: &Outputs,
    names: &IfaceNames,
    workers: usize,
) -> Result<(Option<FlowFile>, Sinks<FlowSink>), EngineError> {
    let Some(options) = &outputs.flows else {
        return Ok((None, (0..workers).map(|_| None).collect()));
    };
    let (file, sinks) = FlowFile::create(options, workers, names.clone())?;
    Ok((Some(file), sinks.into_iter().map(Some).collect()))
}
