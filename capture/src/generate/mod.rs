//! Makes traffic: TCP sessions, datagrams or a SYN flood, sent by the million from the kernel, or written
//! into a file.
//!
//! The frames leave the kernel in live-frame test runs (`BPF_F_TEST_XDP_LIVE_FRAMES`, Linux 5.18) of an
//! XDP program that rewrites each one into the next. No socket can keep up with that, so whoever measures
//! a capture engine, or tries his own alarms, has a sender that is faster than what it is sent to. The
//! object is another one than the one that captures, which carries nothing that can send.
//!
//! - `error.rs` what can be in the way
//! - `file.rs` frames as a capture file
//! - `frame/` frames in memory
//! - `pace.rs` keeps to a rate
//! - `pin.rs` keeps to a CPU
//! - `registered.rs` makes a program one that the kernel calls directly
//! - `sink.rs` the other end of the wire
//! - `size.rs` sizes of frames
//! - `target.rs` where frames go out, and whether they may
//! - `template.rs` what no frame changes
//! - `traffic.rs` the traffic to make

mod error;
mod file;
mod frame;
mod pace;
mod pin;
mod registered;
mod sink;
mod size;
mod target;
mod template;
mod traffic;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aya::maps::{Array, MapData};
use aya::programs::{ProgramError, TestRun as _, Xdp};
use aya::util::KernelVersion;
use aya::{Ebpf, EbpfLoader, TestRunAttrs, TestRunOptions};
use capture_common::GeneratorCounters;
use capture_common::generator::{GeneratorState, LOOPBACK_IFINDEX};

pub use self::error::GenerateError;
pub use self::file::{FilePlan, write_file};
pub use self::frame::Frames;
use self::pace::Pace;
use self::pin::Pinned;
use self::registered::Registered;
pub use self::sink::{Pass, Sink};
pub use self::size::Sizes;
pub use self::target::{Consent, Target};
pub use self::template::MacAddrs;
pub use self::traffic::Traffic;

/// The committed object, for [`Generator::load`], [`Sink::attach`] and [`Pass::attach`].
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../capture-ebpf/object/generator.o"
));

const PROGRAM: &str = "generate";

/// Frames that the kernel makes before it flushes them to the device and lets softirqs run. 32 to 128
/// measure alike, less costs a tenth; a veth has room for 256 between two polls, and with as many a
/// busy machine has lost some.
const BATCH: u32 = 64;

/// Frames of one test run when nothing holds them back: a tenth of a second or less, after which somebody
/// looks whether to stop. Setting up a run costs a thousandth of that.
const CHUNK: u64 = 1 << 18;

/// The time between two test runs of a paced sender. Each costs some ten microseconds to set up, and
/// a longer time makes longer bursts.
const CHUNK_TIME: Duration = Duration::from_millis(1);

/// How much is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Frames after which it ends; `None`: when it is told to stop.
    pub frames: Option<u64>,
    /// Frames a second, not zero; `None`: as fast as it goes.
    pub rate: Option<u64>,
}

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
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn rate(&self) -> f64 {
        self.frames as f64 / self.elapsed.as_secs_f64()
    }
}

/// What a generator has sent so far, for whoever looks on.
#[derive(Clone)]
pub struct Progress {
    state: Arc<Array<MapData, GeneratorState>>,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl Progress {
    /// What was handed to the device since the generator was loaded.
    ///
    /// # Errors
    ///
    /// The kernel refuses to read the map.
    pub fn counters(&self) -> Result<GeneratorCounters, GenerateError> {
        let state = self.state.get(&0, 0);
        let state = state
            .map_err(|error| GenerateError::kernel("read the counters of the generator", &error))?;
        Ok(state.counters)
    }
}

/// The generator, loaded. What it sends goes on where the last call left off, sessions included.
#[derive(Debug)]
pub struct Generator {
    // Goes before the program that it holds.
    registered: Option<Registered>,
    object: Ebpf,
    progress: Progress,
    template: Vec<u8>,
    batch: u32,
    cpu: Option<usize>,
}

impl Generator {
    /// Loads the program.
    ///
    /// # Errors
    ///
    /// Settings out of range, an object that is none, or a kernel that refuses it.
    pub fn load(object: &[u8], traffic: impl Into<Traffic>) -> Result<Self, GenerateError> {
        let traffic = traffic.into();
        traffic.settings.check()?;
        let template = template::frame(&traffic.settings, &traffic.macs);
        let too_old =
            KernelVersion::current().is_ok_and(|version| version < KernelVersion::new(5, 18, 0));
        if too_old {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            return Err(GenerateError::KernelTooOld {
                release: release.trim().to_owned(),
            });
        }
        let mut object = EbpfLoader::new()
            .override_global("GENERATOR_SETTINGS", &traffic.settings, true)
            .override_global("GENERATOR_SIZES", &traffic.sizes, true)
            .load(object)
            .map_err(|error| GenerateError::loading(&error))?;
        sink::program(&mut object, PROGRAM)?
            .load()
            .map_err(|error| GenerateError::refused(PROGRAM, &error))?;
        let state = object.take_map("STATE");
        let state = state.ok_or_else(|| GenerateError::missing("STATE"))?;
        let state = Array::try_from(state)
            .map_err(|error| GenerateError::kernel("open the generator's state", &error))?;
        Ok(Self {
            registered: None,
            object,
            progress: Progress {
                state: Arc::new(state),
            },
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
    pub const fn on_cpu(mut self, cpu: usize) -> Self {
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
    /// # Errors
    ///
    /// No such interface here, a rate of zero, or the kernel refuses the test run.
    pub fn send(
        &mut self,
        ifindex: u32,
        frames: u64,
        rate: Option<u64>,
    ) -> Result<Sent, GenerateError> {
        let amount = Amount {
            frames: Some(frames),
            rate,
        };
        let sent = self.send_until(ifindex, amount, &AtomicBool::new(false))?;
        if sent.frames == frames {
            Ok(sent)
        } else {
            Err(GenerateError::Miscounted {
                asked: frames,
                made: sent.frames,
            })
        }
    }

    /// As [`Self::send`], but ends as well when it is told to stop, within a tenth of a second.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    pub fn send_until(
        &mut self,
        ifindex: u32,
        Amount { frames, rate }: Amount,
        stop: &AtomicBool,
    ) -> Result<Sent, GenerateError> {
        if rate == Some(0) {
            return Err(GenerateError::NoRate);
        }
        if ifindex == LOOPBACK_IFINDEX {
            return Err(GenerateError::Loopback);
        }
        if self.registered.is_none() {
            let program = sink::program(&mut self.object, PROGRAM)?;
            self.registered = Some(Registered::new(program)?);
        }
        let _pinned = self.cpu.map(Pinned::to).transpose()?;
        let before = self.counters()?;
        let chunk = rate.map_or(CHUNK, |rate| {
            (u128::from(rate) * CHUNK_TIME.as_nanos() / 1_000_000_000).max(1) as u64
        });
        // The kernel takes a number of 32 bits.
        let chunk = chunk.min(CHUNK);
        let pace = rate.map(Pace::new);
        let start = Instant::now();
        let mut sent = 0;
        loop {
            let left = frames.map_or(u64::MAX, |frames| frames.saturating_sub(sent));
            // Behind the last one too: its time is to be over.
            if let Some(pace) = &pace {
                pace.wait_for(sent, stop);
            }
            if left == 0 || stop.load(Ordering::Relaxed) {
                break;
            }
            if self.run(ifindex, chunk.min(left) as u32)? {
                sent += chunk.min(left);
            } else {
                sent = self.counters()?.frames - before.frames;
            }
        }
        let elapsed = start.elapsed();
        let counters = difference(&self.counters()?, &before);
        Ok(Sent {
            frames: counters.frames,
            elapsed,
            counters,
        })
    }

    /// One test run; false if a signal cut it short.
    fn run(&mut self, ifindex: u32, repeat: u32) -> Result<bool, GenerateError> {
        // `struct xdp_md`: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
        let context = [0, self.template.len() as u32, 0, ifindex, 0, 0];
        let context = context.map(u32::to_ne_bytes).concat();
        let program = sink::program(&mut self.object, PROGRAM)?;
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
            Err(error) => {
                let what = format!("run the generator on interface {ifindex} of this namespace");
                Err(GenerateError::kernel(&what, &error))
            }
        }
    }

    /// What was sent since the object was loaded.
    ///
    /// # Errors
    ///
    /// The kernel refuses to read the map.
    pub fn counters(&self) -> Result<GeneratorCounters, GenerateError> {
        self.progress.counters()
    }

    /// The counters, for another thread to look at while this one sends.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The kernel's number of the program, as `bpftool prog show id` takes it.
    ///
    /// # Errors
    ///
    /// The kernel does not tell.
    pub fn program_id(&mut self) -> Result<u32, GenerateError> {
        let program: &mut Xdp = sink::program(&mut self.object, PROGRAM)?;
        let info = program.info();
        let info = info.map_err(|error| GenerateError::kernel("ask for the program", &error))?;
        Ok(info.id())
    }
}

/// What came in between.
pub(crate) const fn difference(
    now: &GeneratorCounters,
    before: &GeneratorCounters,
) -> GeneratorCounters {
    GeneratorCounters {
        frames: now.frames - before.frames,
        bytes: now.bytes - before.bytes,
        syn: now.syn - before.syn,
        syn_ack: now.syn_ack - before.syn_ack,
        fin: now.fin - before.fin,
        rst: now.rst - before.rst,
    }
}
