//! Frames by the million: loads the generator's object, runs it, and reads what it counted.
//!
//! The frames leave the kernel in live-frame test runs, which no socket can keep up with, so a test or
//! a benchmark of a capture engine has a sender that is faster than what it measures.

mod pace;
mod pin;
mod sink;
mod template;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use aya::maps::Array;
use aya::programs::xdp::XdpMode;
use aya::programs::{ProgramError, TestRun as _, Xdp};
use aya::{Ebpf, EbpfLoader, TestRunAttrs, TestRunOptions};
use capture_common::generator::{GeneratorState, LOOPBACK_IFINDEX};
use capture_common::{GeneratorCounters, GeneratorSettings};

use self::pace::Pace;
use self::pin::Pinned;
pub use self::sink::{Pass, Sink};
pub use self::template::MacAddrs;

/// The committed object, for [`Generator::load`], [`Sink::attach`] and [`Pass::attach`].
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../capture-ebpf/object/generator.o"
));

/// Frames that the kernel makes before it flushes them to the device and lets softirqs run. 32 to 128
/// measure alike, less costs a tenth; a veth has room for 256 between two polls, and with as many a
/// busy machine has lost some.
const BATCH: u32 = 64;

/// Frames of one test run when nothing holds them back: some seconds.
const CHUNK: u64 = 1 << 24;

/// The time between two test runs of a paced sender. Each costs some ten microseconds to set up, and
/// a longer time makes longer bursts.
const CHUNK_TIME: Duration = Duration::from_millis(1);

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Frames that were handed to the device.
    pub frames: u64,
    /// How long that took.
    pub elapsed: Duration,
    /// What kind of frames they were.
    pub counters: GeneratorCounters,
}

impl Sent {
    /// Frames per second.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn rate(&self) -> f64 {
        self.frames as f64 / self.elapsed.as_secs_f64()
    }
}

/// The generator, loaded. What it sends goes on where the last call left off, sessions included.
#[derive(Debug)]
pub struct Generator {
    object: Ebpf,
    template: Vec<u8>,
    batch: u32,
    cpu: Option<usize>,
}

impl Generator {
    /// Loads the program. `settings.payload_sum` is filled in here.
    ///
    /// # Errors
    ///
    /// Settings out of range, an object that is none, or a kernel that refuses it.
    pub fn load(object: &[u8], settings: GeneratorSettings) -> anyhow::Result<Self> {
        settings.check()?;
        let template = template::frame(&settings);
        let settings = GeneratorSettings {
            payload_sum: template::payload_sum(&template),
            ..settings
        };
        let mut object = EbpfLoader::new()
            .override_global("GENERATOR_SETTINGS", &settings, true)
            .load(object)
            .context("load the generator's object")?;
        sink::program(&mut object, "generate")?.load()?;
        Ok(Self {
            object,
            template,
            batch: BATCH,
            cpu: None,
        })
    }

    /// Sets the Ethernet addresses of all frames, whichever side of the session they play; a stack
    /// looks only at those that carry its own.
    #[must_use]
    pub fn with_macs(mut self, macs: MacAddrs) -> Self {
        macs.write(&mut self.template);
        self
    }

    /// Sends from this CPU: the calling thread is pinned to it while it sends. Where the other end is
    /// a veth, its program runs there as well.
    #[must_use]
    pub fn on_cpu(mut self, cpu: usize) -> Self {
        self.cpu = Some(cpu);
        self
    }

    /// Sets how many frames the kernel makes between two flushes, 1 to 256. For measurements; the
    /// default is the best that was found.
    #[must_use]
    pub fn with_batch(mut self, batch: u32) -> Self {
        self.batch = batch.clamp(1, 256);
        self
    }

    /// Sends `frames` frames out of an interface of the calling thread's network namespace, `rate` a
    /// second or as fast as it goes, and returns when the last one is out and its time is over.
    ///
    /// What the device has no room for is lost, as on any wire. Over a veth that is nothing as long as
    /// the other end has a program or GRO and this CPU finds the time to poll it.
    ///
    /// One generator at a time can send in a network namespace, because it occupies the loopback
    /// interface, whose traffic it lets pass: the kernel keeps a list of the programs that it calls
    /// directly, and a test run of a program that is not on it waits some twenty milliseconds until
    /// all CPUs know the new list. Being attached anywhere is being on it.
    ///
    /// # Errors
    ///
    /// No such interface here, a rate of zero, a program on the loopback interface, or the kernel
    /// refuses the test run.
    pub fn send(&mut self, ifindex: u32, frames: u64, rate: Option<u64>) -> anyhow::Result<Sent> {
        ensure!(rate != Some(0), "a rate of zero never ends");
        ensure!(
            ifindex != LOOPBACK_IFINDEX,
            "the generator cannot send out of the loopback interface"
        );
        let program = sink::program(&mut self.object, "generate")?;
        let link = program
            .attach("lo", XdpMode::Skb)
            .context("attach the generator to lo")?;
        let _link = program.take_link(link)?;
        let _pinned = self.cpu.map(Pinned::to).transpose()?;
        let before = self.counters()?;
        let chunk = rate.map_or(CHUNK, |rate| {
            (u128::from(rate) * CHUNK_TIME.as_nanos() / 1_000_000_000).max(1) as u64
        });
        let pace = rate.map(Pace::new);
        let start = Instant::now();
        let mut sent = 0;
        while sent < frames {
            if let Some(pace) = &pace {
                pace.wait_for(sent);
            }
            if self.run(ifindex, chunk.min(frames - sent) as u32)? {
                sent += chunk.min(frames - sent);
            } else {
                sent = self.counters()?.frames - before.frames;
            }
        }
        if let Some(pace) = &pace {
            pace.wait_for(sent);
        }
        let elapsed = start.elapsed();
        let counters = difference(&self.counters()?, &before);
        ensure!(
            counters.frames == frames,
            "{frames} frames asked for, {} made",
            counters.frames
        );
        Ok(Sent {
            frames,
            elapsed,
            counters,
        })
    }

    /// One test run; false if a signal cut it short.
    fn run(&mut self, ifindex: u32, repeat: u32) -> anyhow::Result<bool> {
        // `struct xdp_md`: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
        let context = [0, self.template.len() as u32, 0, ifindex, 0, 0];
        let context = context.map(u32::to_ne_bytes).concat();
        let program = sink::program(&mut self.object, "generate")?;
        let run = program.test_run(TestRunOptions {
            data_in: Some(&self.template),
            ctx_in: Some(&context),
            repeat,
            attrs: TestRunAttrs::new().xdp_live_frames(self.batch),
            ..TestRunOptions::new()
        });
        match run {
            Ok(_) => Ok(true),
            Err(ProgramError::SyscallError(error))
                if error.io_error.kind() == std::io::ErrorKind::Interrupted =>
            {
                Ok(false)
            }
            Err(error) => Err(error).with_context(|| {
                format!("run the generator on interface {ifindex} of this namespace")
            }),
        }
    }

    /// What was sent since the object was loaded.
    ///
    /// # Errors
    ///
    /// The kernel refuses to read the map.
    pub fn counters(&self) -> anyhow::Result<GeneratorCounters> {
        let map = self
            .object
            .map("STATE")
            .context("the object has no STATE")?;
        let state: Array<_, GeneratorState> = Array::try_from(map)?;
        Ok(state.get(&0, 0)?.counters)
    }

    /// The kernel's number of the program, as `bpftool prog show id` takes it.
    ///
    /// # Errors
    ///
    /// The kernel does not tell.
    pub fn program_id(&mut self) -> anyhow::Result<u32> {
        let program: &mut Xdp = sink::program(&mut self.object, "generate")?;
        Ok(program.info()?.id())
    }
}

/// What came in between.
fn difference(now: &GeneratorCounters, before: &GeneratorCounters) -> GeneratorCounters {
    GeneratorCounters {
        frames: now.frames - before.frames,
        bytes: now.bytes - before.bytes,
        syn: now.syn - before.syn,
        syn_ack: now.syn_ack - before.syn_ack,
        fin: now.fin - before.fin,
        rst: now.rst - before.rst,
    }
}
