//! One capture of a test: the program started with both files and the ledger as JSON, and what it
//! left behind, read by nothing that the program itself uses.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use capture::iface;
use capture_tests::netns::{Host, Namespace};
use capture_tests::program::{self, Ended, Program, Signal};
use serde_json::Value;
use tempfile::TempDir;

use crate::pcapng::File;

/// The command that captures in a namespace; nothing but `live` is said yet.
pub(crate) fn command(namespace: &Namespace) -> Result<Command> {
    let mut command = namespace.command(program::locate()?);
    command.arg("live");
    Ok(command)
}

/// A capture that runs.
#[derive(Debug)]
pub(crate) struct Run {
    program: Program,
    folder: TempDir,
}

impl Run {
    /// Starts on the interface of a host.
    pub(crate) fn start(host: &Host, arguments: &[&str]) -> Result<Self> {
        let mut all = vec!["-i", host.interface];
        all.extend(arguments);
        Self::start_in(&host.namespace, &all)
    }

    /// Starts in a namespace; `arguments` name the interfaces.
    pub(crate) fn start_in(namespace: &Namespace, arguments: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let packets = folder.path().join("packets.pcapng");
        Self::start_with(namespace, arguments, folder, packets)
    }

    /// Starts in a namespace, with the packets somewhere else than the records.
    pub(crate) fn start_with(
        namespace: &Namespace,
        arguments: &[&str],
        folder: TempDir,
        packets: PathBuf,
    ) -> Result<Self> {
        let mut command = command(namespace)?;
        command
            .args(["--json", "--quiet", "--packets"])
            .arg(packets)
            .arg("--flows")
            .arg(folder.path().join("connections.jsonl"))
            .args(arguments);
        Ok(Self {
            program: Program::start_capturing(&mut command)?,
            folder,
        })
    }

    /// Waits for a line of stderr that begins like this.
    pub(crate) fn wait_for_line(&mut self, start: &str) -> Result<String> {
        self.program.wait_for_line(start)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        self.program.signal(signal)
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn end(self) -> Result<Report> {
        self.end_by(Signal::Interrupt)
    }

    pub(crate) fn end_by(self, signal: Signal) -> Result<Report> {
        self.program.signal(signal)?;
        self.wait()
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(self) -> Result<Report> {
        let ended = self.program.wait()?;
        let ledger = ended
            .stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["type"] == "ledger")
            .with_context(|| format!("no ledger in {ended:?}"))?;
        Ok(Report {
            ended,
            ledger,
            folder: self.folder,
        })
    }
}

/// What a capture left behind.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) ended: Ended,
    pub(crate) ledger: Value,
    folder: TempDir,
}

impl Report {
    /// The packets, as a file for other tools.
    pub(crate) fn packets_path(&self) -> PathBuf {
        self.folder.path().join("packets.pcapng")
    }

    /// The packets, block by block.
    pub(crate) fn packets(&self) -> Result<File> {
        File::read(&self.packets_path())
    }

    /// The connection records.
    pub(crate) fn records(&self) -> Result<Vec<Record>> {
        std::fs::read_to_string(self.folder.path().join("connections.jsonl"))?
            .lines()
            .map(|line| Ok(Record(serde_json::from_str(line)?)))
            .collect()
    }

    /// The one record of a flow, whoever began it.
    pub(crate) fn record(&self, protocol: &str, ends: [SocketAddr; 2]) -> Result<Record> {
        let found: Vec<_> = self
            .records()?
            .into_iter()
            .filter(|record| record.0["proto"] == protocol && record.is_between(ends))
            .collect();
        ensure!(
            found.len() == 1,
            "{} records of {protocol} between {ends:?}: {found:?}",
            found.len()
        );
        found.into_iter().next().context("counted above")
    }

    /// A stage of the ledger: the whole, and its parts.
    pub(crate) fn stage(&self, whole: &str) -> Result<(u64, BTreeMap<String, u64>)> {
        let stages = self.ledger["stages"].as_array().context("stages")?;
        let stage = stages
            .iter()
            .find(|stage| stage.get(whole).is_some())
            .with_context(|| format!("no stage {whole:?} in {}", self.ledger))?;
        let number = |value: &Value| value.as_u64().context("not a count");
        let parts = stage["parts"].as_object().context("parts")?;
        Ok((
            number(&stage[whole])?,
            parts
                .iter()
                .map(|(name, value)| Ok((name.clone(), number(value)?)))
                .collect::<Result<_>>()?,
        ))
    }

    /// One row of the ledger.
    pub(crate) fn row(&self, whole: &str, part: &str) -> Result<u64> {
        let (_, parts) = self.stage(whole)?;
        Ok(parts.get(part).copied().unwrap_or_default())
    }

    /// One of the kernel's counters.
    pub(crate) fn kernel(&self, counter: &str) -> u64 {
        self.ledger["kernel"][counter]
            .as_u64()
            .unwrap_or_else(|| panic!("no counter {counter} in {}", self.ledger))
    }

    /// Adds up all equations of the ledger anew, and holds it against the file of packets.
    pub(crate) fn assert_closed(&self) -> Result<()> {
        assert_eq!(self.ledger["holds"], true, "{}", self.ledger);
        let sockets = self.stage("to sockets").is_ok();
        let more = sockets.then_some("to sockets");
        let stages = ["seen", "delivered", "packets to write", "records to write"];
        for whole in stages.into_iter().chain(more) {
            let (sum, parts) = self.stage(whole)?;
            assert_eq!(sum, parts.values().sum::<u64>(), "{whole}: {}", self.ledger);
        }
        let row = |whole, part| self.row(whole, part);
        let (delivered, _) = self.stage("delivered")?;
        if sockets {
            assert_eq!(row("seen", "to sockets")?, self.stage("to sockets")?.0);
            assert_eq!(row("to sockets", "delivered")?, delivered);
        } else {
            assert_eq!(row("seen", "delivered")?, delivered);
        }
        assert_eq!(self.kernel("packets"), self.stage("seen")?.0);
        assert_eq!(
            self.stage("packets to write")?.0 + row("delivered", "past --count")?,
            delivered
        );
        assert_eq!(
            row("records to write", "written")?,
            self.records()?.len() as u64
        );
        Ok(())
    }

    /// As [`Self::assert_closed`], and nothing was lost or went wrong.
    pub(crate) fn assert_lossless(&self) -> Result<()> {
        assert!(self.ended.status.success(), "{:?}", self.ended);
        self.assert_closed()?;
        assert_eq!(self.ledger["lost"], 0, "{}", self.ledger);
        assert_eq!(
            self.row("packets to write", "written")?,
            self.packets()?.packets.len() as u64
        );
        Ok(())
    }
}

/// A connection record, as it stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct Record(pub(crate) Value);

impl Record {
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.0[column].as_str()
    }

    pub(crate) fn number(&self, column: &str) -> u64 {
        self.0[column]
            .as_u64()
            .unwrap_or_else(|| panic!("no number {column} in {}", self.0))
    }

    /// Seconds as nanoseconds; nine digits survive in a floating-point number of this size.
    pub(crate) fn nanoseconds(&self, column: &str) -> Option<u64> {
        self.0[column]
            .as_f64()
            .map(|seconds| nanoseconds(&format!("{seconds:.9}")))
    }

    pub(crate) fn initiator(&self) -> Option<SocketAddr> {
        self.end("initiator")
    }

    pub(crate) fn responder(&self) -> Option<SocketAddr> {
        self.end("responder")
    }

    fn end(&self, role: &str) -> Option<SocketAddr> {
        let address: IpAddr = self.text(role)?.parse().ok()?;
        let port = self.0[format!("{role}_port")].as_u64()?;
        Some(SocketAddr::new(address, u16::try_from(port).ok()?))
    }

    fn is_between(&self, [one, other]: [SocketAddr; 2]) -> bool {
        let ends = [self.initiator(), self.responder()];
        ends == [Some(one), Some(other)] || ends == [Some(other), Some(one)]
    }
}

/// Decimal seconds as nanoseconds, without rounding.
pub(crate) fn nanoseconds(seconds: &str) -> u64 {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let fraction = format!("{fraction:0<9}");
    whole.parse::<u64>().unwrap() * 1_000_000_000 + fraction[..9].parse::<u64>().unwrap()
}

/// Asserts that no program is attached to any interface of the namespace.
pub(crate) fn assert_detached(namespace: &Namespace) -> Result<()> {
    let attached = attached(namespace)?;
    assert!(attached.is_empty(), "{attached:?}");
    Ok(())
}

/// What is attached in the namespace, in words.
pub(crate) fn attached(namespace: &Namespace) -> Result<Vec<String>> {
    namespace.enter(|| {
        let mut found = Vec::new();
        for interface in iface::all()? {
            let tcx = iface::tcx_programs(&interface.name)?;
            found.extend(
                interface
                    .xdp
                    .iter()
                    .map(|xdp| format!("{}: {xdp:?}", interface.name)),
            );
            found.extend(
                tcx.ingress
                    .iter()
                    .chain(&tcx.egress)
                    .map(|program| format!("{}: {program:?}", interface.name)),
            );
        }
        Ok(found)
    })
}
