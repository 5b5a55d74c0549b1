//! Who receives: `capture` in each of its modes, and the captures of others; and one trial with each.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use capture_tests::oracle::is_installed;
use capture_tests::program::{Program, READY, Signal};

use crate::frames::{Addressed, Sent, Wire};
use crate::peer::Peer;
use crate::process::{
    CpuTimes, children_seconds, cpu_seconds, most_resident_bytes, wait_until_idle,
};
use crate::report::{Latency, Trial};
use crate::{ledger, peer};

/// A receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// This project's.
    Capture(&'static Mode),
    /// Another's.
    Peer(Peer),
}

/// How `capture live` is run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    /// As it is typed.
    pub(crate) id: &'static str,
    /// As people call it.
    pub(crate) name: &'static str,
    words: &'static [&'static str],
    writes: Writes,
}

/// What of it goes to the disk; connections are tracked in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writes {
    Nothing,
    Packets,
    PacketsAndRecords,
}

/// Modes of `capture live`.
pub(crate) static MODES: [Mode; 8] = [
    Mode {
        id: "tap",
        name: "capture --tap",
        words: &["--tap"],
        writes: Writes::Nothing,
    },
    Mode {
        id: "tap-write",
        name: "capture --tap -w",
        words: &["--tap"],
        writes: Writes::Packets,
    },
    Mode {
        id: "tap-all",
        name: "capture --tap --write",
        words: &["--tap"],
        writes: Writes::PacketsAndRecords,
    },
    Mode {
        id: "af-xdp",
        name: "capture --tap --af-xdp",
        words: &["--tap", "--af-xdp"],
        writes: Writes::Nothing,
    },
    Mode {
        id: "af-xdp-write",
        name: "capture --tap --af-xdp -w",
        words: &["--tap", "--af-xdp"],
        writes: Writes::Packets,
    },
    Mode {
        id: "mirror",
        name: "capture (mirror)",
        words: &[],
        writes: Writes::Nothing,
    },
    Mode {
        id: "mirror-write",
        name: "capture (mirror) -w",
        words: &[],
        writes: Writes::Packets,
    },
    // Data of a connection beyond its first KiB each way: what the longer frames have enough of.
    Mode {
        id: "cutoff",
        name: "capture --tap --cutoff 1KiB",
        words: &["--tap", "--cutoff", "1KiB"],
        writes: Writes::Nothing,
    },
];

/// What all receivers share.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// `capture` itself.
    pub(crate) program: PathBuf,
    /// Where receivers write.
    pub(crate) scratch: PathBuf,
    /// CPU that receives from the wire.
    pub(crate) sender_cpu: u32,
    /// CPU of the workers and peers.
    pub(crate) worker_cpu: u32,
    /// Memory between kernel and program.
    pub(crate) buffer_bytes: u64,
}

impl Receiver {
    /// Everybody, in the order of the tables.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let peers = Peer::ALL.map(Self::Peer);
        MODES.iter().map(Self::Capture).chain(peers)
    }

    /// As it is typed.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Capture(mode) => mode.id,
            Self::Peer(peer) => peer.program(),
        }
    }

    /// As people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Capture(mode) => mode.name,
            Self::Peer(peer) => peer.program(),
        }
    }

    /// Whether it can be started here.
    pub(crate) fn is_installed(self) -> bool {
        match self {
            Self::Capture(_) => true,
            Self::Peer(peer) => is_installed(peer.program()),
        }
    }

    /// Those that were named; all that are installed if none was.
    ///
    /// # Errors
    ///
    /// A name that nobody has, or of somebody who is not installed.
    pub(crate) fn chosen(names: &[String]) -> Result<Vec<Self>> {
        if names.is_empty() {
            return Ok(Self::all()
                .filter(|receiver| receiver.is_installed())
                .collect());
        }
        let named = |name: &String| {
            let Some(receiver) = Self::all().find(|receiver| receiver.id() == name) else {
                let all: Vec<_> = Self::all().map(Self::id).collect();
                bail!("there is no {name}; there are {}", all.join(", "));
            };
            ensure!(
                receiver.is_installed(),
                "{name} is not installed: cargo xtask bench --install-peers"
            );
            Ok(receiver)
        };
        names.iter().map(named).collect()
    }

    /// Beginning of the line by which it says that it captures.
    const fn ready(self) -> &'static str {
        match self {
            Self::Capture(_) => READY,
            Self::Peer(peer) => peer.ready(),
        }
    }

    /// Words of its command line, without the program that it is started by.
    fn words(self, setting: &Setting, interface: &str) -> Vec<OsString> {
        let cpu = setting.worker_cpu.to_string();
        match self {
            Self::Capture(mode) => {
                let mut words: Vec<OsString> = vec![setting.program.clone().into()];
                let buffer = setting.buffer_bytes.to_string();
                let common = [
                    "live",
                    "--json",
                    "--quiet",
                    "--no-control",
                    "--direction",
                    "in",
                    "--iface",
                    interface,
                    "--workers",
                    "1",
                    "--cpus",
                    &cpu,
                    "--ring-size",
                    &buffer,
                ];
                words.extend(common.iter().chain(mode.words).map(OsString::from));
                let (option, name) = match mode.writes {
                    Writes::Nothing => return words,
                    Writes::Packets => ("-w", "live.pcapng"),
                    Writes::PacketsAndRecords => ("--write", "live"),
                };
                words.extend([option.into(), setting.scratch.join(name).into()]);
                words
            }
            Self::Peer(peer) => {
                // What netsniff-ng says comes on standard output.
                let script = "exec \"$0\" \"$@\" >&2";
                let file = setting.scratch.join(format!("live.{}", peer.ending()));
                let head = ["sh", "-c", script, "taskset", "-c", &cpu, peer.program()];
                let words = head.map(OsString::from).into_iter();
                words
                    .chain(
                        peer.arguments(interface, &file, setting.buffer_bytes)
                            .into_iter()
                            .map(OsString::from),
                    )
                    .collect()
            }
        }
    }
}

/// What a receiver said of a trial.
struct Told {
    received: u64,
    lost: BTreeMap<String, u64>,
    latency: Option<Latency>,
    adds_up: bool,
}

/// Frames at a rate into a receiver; `frames` of them.
///
/// # Errors
///
/// When something cannot be started, or does not say what became of the frames.
pub(crate) fn trial(
    receiver: Receiver,
    wire: &Wire,
    setting: &Setting,
    (frames, rate): (u64, Option<f64>),
    to: Addressed,
) -> Result<Trial> {
    let host = wire.receiver();
    clear(&setting.scratch)?;
    let words = receiver.words(setting, host.interface);
    let (program, arguments) = words.split_first().context("a command without words")?;
    let mut command = host.namespace.command(Path::new(program));
    command.args(arguments);
    // A peer has no program of its own in the driver.
    let open = match receiver {
        Receiver::Capture(_) => None,
        Receiver::Peer(_) => Some(wire.open()?),
    };
    let mut running = Program::start(&mut command)?;
    running.wait_for_line(receiver.ready())?;
    let process = running.id();
    let used_before = cpu_seconds(process)?;
    let times_before = CpuTimes::now(setting.sender_cpu)?;
    let sent = wire.send(frames, rate, to)?;
    let times = CpuTimes::now(setting.sender_cpu)?.since(times_before);
    let quiet = match receiver {
        Receiver::Capture(_) => Duration::ZERO,
        Receiver::Peer(peer) => peer.quiet(),
    };
    wait_until_idle(process, quiet)?;
    let resident_bytes = most_resident_bytes(process)?;
    // Nobody else is waited for meanwhile, so what the children used more is what this one used.
    let children_before = children_seconds()?;
    let ended = running.end_by(Signal::Interrupt)?;
    let used = children_seconds()? - children_before - used_before;
    ensure!(
        ended.status.success(),
        "{} failed: {}",
        receiver.name(),
        ended.stderr
    );
    let told = match receiver {
        Receiver::Capture(_) => of_capture(&ended.stdout, &sent),
        Receiver::Peer(peer) => peer.told(&ended.stderr).map(|told| of_peer(told, &sent)),
    };
    let told = told.with_context(|| {
        format!(
            "{} does not say what it captured: {}{}",
            receiver.name(),
            ended.stdout,
            ended.stderr
        )
    })?;
    ensure!(told.adds_up, "the ledger does not add up: {}", ended.stdout);
    drop(open);
    clear(&setting.scratch)?;
    Ok(finish(&sent, rate, told, times, used, resident_bytes))
}

fn finish(
    sent: &Sent,
    rate: Option<f64>,
    told: Told,
    times: CpuTimes,
    used: f64,
    resident_bytes: u64,
) -> Trial {
    let each = |seconds: f64| Some(seconds.max(0.0) * 1e9 / sent.frames as f64);
    Trial {
        offered_pps: rate,
        sent_pps: sent.rate(),
        seconds: sent.seconds,
        sent: sent.frames,
        received: told.received,
        lost: told.lost,
        cpu_ns: each(used),
        softirq_ns: each(times.softirq_seconds),
        resident_bytes: Some(resident_bytes),
        latency: told.latency,
        stolen_seconds: times.stolen_seconds,
    }
}

/// What the ledger of a capture says. What was sent and not seen was lost on the wire.
fn of_capture(stdout: &str, sent: &Sent) -> Option<Told> {
    let told = ledger::told(stdout)?;
    let mut lost = told.lost;
    add(
        &mut lost,
        "on the wire",
        sent.frames.saturating_sub(told.seen),
    );
    Some(Told {
        received: told.received,
        lost,
        latency: told.latency,
        adds_up: told.holds,
    })
}

/// What a peer says; the rest was lost where it does not look.
fn of_peer(told: peer::Told, sent: &Sent) -> Told {
    let mut lost = BTreeMap::new();
    let missing = sent.frames.saturating_sub(told.written);
    let dropped = told.dropped.min(missing);
    add(&mut lost, "dropped by the kernel", dropped);
    add(&mut lost, "not told", missing - dropped);
    Told {
        received: told.written,
        lost,
        latency: None,
        adds_up: true,
    }
}

fn add(lost: &mut BTreeMap<String, u64>, cause: &str, frames: u64) {
    if frames > 0 {
        lost.insert(cause.to_owned(), frames);
    }
}

/// Removes what a receiver wrote, and makes the folder.
fn clear(scratch: &Path) -> Result<()> {
    if scratch.exists() {
        fs::remove_dir_all(scratch).with_context(|| format!("emptying {}", scratch.display()))?;
    }
    fs::create_dir_all(scratch).with_context(|| format!("making {}", scratch.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Sent = Sent {
        frames: 1000,
        bytes: 64_000,
        seconds: 0.5,
    };

    #[test]
    fn everybody_has_a_name_of_his_own() {
        let mut ids: Vec<_> = Receiver::all().map(Receiver::id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), all), (11, 11));
        let error = Receiver::chosen(&["tapp".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("tapp") && error.contains("tap-write"),
            "{error}"
        );
        assert_eq!(Receiver::chosen(&["tap".to_owned()]).unwrap().len(), 1);
    }

    #[test]
    fn what_a_peer_does_not_tell_is_lost_all_the_same() {
        let told = of_peer(
            peer::Told {
                written: 900,
                dropped: 60,
            },
            &SENT,
        );
        let expected = [
            ("dropped by the kernel".to_owned(), 60),
            ("not told".to_owned(), 40),
        ];
        assert_eq!(told.lost, expected.into());
        // Frames of somebody else, or drops that were counted twice, are no gain.
        let told = of_peer(
            peer::Told {
                written: 1001,
                dropped: 5,
            },
            &SENT,
        );
        assert!(told.lost.is_empty());
    }

    #[test]
    fn cpu_time_is_told_for_each_frame() {
        let told = of_peer(
            peer::Told {
                written: 1000,
                dropped: 0,
            },
            &SENT,
        );
        let times = CpuTimes {
            softirq_seconds: 0.0002,
            stolen_seconds: 0.1,
        };
        let trial = finish(&SENT, None, told, times, 0.0005, 1 << 20);
        assert!((trial.cpu_ns.unwrap() - 500.0).abs() < 1e-6);
        assert!((trial.softirq_ns.unwrap() - 200.0).abs() < 1e-6);
        assert!((trial.sent_pps - 2000.0).abs() < 1e-6);
        assert_eq!((trial.lost(), trial.received), (0, 1000));
    }

    #[test]
    fn all_get_the_same_cpu_and_the_same_memory() {
        let setting = Setting {
            program: "/x/capture".into(),
            scratch: "/x/scratch".into(),
            sender_cpu: 0,
            worker_cpu: 3,
            buffer_bytes: 32 << 20,
        };
        for receiver in Receiver::all() {
            let words: Vec<_> = receiver
                .words(&setting, "server0")
                .into_iter()
                .map(|word| word.into_string().unwrap())
                .collect();
            let line = words.join(" ");
            let cpu = ["--cpus 3", "taskset -c 3"]
                .iter()
                .any(|words| line.contains(words));
            let memory = [
                "--ring-size 33554432",
                "-B 32768",
                "-B 32 ",
                "--ring-size 32MiB",
            ];
            assert!(
                cpu && memory.iter().any(|words| line.contains(words)),
                "{line}"
            );
            assert!(line.contains("server0"), "{line}");
            let writes = line.contains("/x/scratch/live");
            assert_eq!(
                writes,
                crate::report::charts::is_written(receiver.id()),
                "{line}"
            );
        }
    }
}
