//! `capture ctl`: changes to a capture while packets pass, none of them missed and none counted twice.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use capture::iface;
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::{Family, Lab};
use capture_tests::oracle;
use capture_tests::program::{self, Signal};
use capture_tests::traffic::{self, Side, Volume};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::Run;
use crate::wire::flush;

/// Comment option of any block (draft-ietf-opsawg-pcapng, section 3.5).
const OPT_COMMENT: u16 = 1;

/// A socket that nobody else knows of.
pub(crate) struct Socket {
    folder: TempDir,
}

impl Socket {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    pub(crate) fn start(&self, lab: &Lab, arguments: &[&str]) -> Result<Run> {
        let path = self.path();
        let path = path.to_str().context("a path of text")?;
        let mut all = vec!["--control", path];
        all.extend(arguments);
        Run::start(&lab.client, &all)
    }

    /// What `capture ctl` does with these words.
    fn ctl(&self, words: &[&str]) -> Result<Output> {
        Command::new(program::locate()?)
            .args(["ctl", "--control"])
            .arg(self.path())
            .args(words)
            .output()
            .context("capture ctl")
    }

    /// The same, which has to succeed.
    pub(crate) fn done(&self, words: &[&str]) -> Result<String> {
        let output = self.ctl(words)?;
        ensure!(output.status.success(), "{words:?}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    fn status(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.done(&["status", "--json"])?)?)
    }
}

/// Frames that the server's device had no room for.
fn dropped(lab: &Lab) -> Result<u64> {
    let mut ip = lab.server.namespace.command("ip");
    ip.args(["-j", "-s", "link", "show", lab.server.interface]);
    let shown: Value = serde_json::from_str(&oracle::output(&mut ip)?)?;
    shown[0]["stats64"]["tx"]["dropped"]
        .as_u64()
        .context("no count of dropped frames")
}

#[test]
fn many_changes_under_traffic_miss_nothing_and_count_nothing_twice() -> Result<()> {
    const CHANGES: usize = 50;
    let settings = GeneratorSettings {
        flows: 50,
        session_frames: 12,
        reset_every: 3,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
    let socket = Socket::new()?;
    let run = socket.start(&lab, &["--direction", "in", "--workers", "1"])?;
    // By hand, and not by `capture ctl`: a process that starts holds what the generator attaches until
    // it has become another program.
    let stream = UnixStream::connect(socket.path())?;
    let mut answers = BufReader::new(&stream).lines();
    let mut change = |request: Value| -> Result<()> {
        (&stream).write_all(format!("{request}\n").as_bytes())?;
        let answer = answers.next().context("an answer")??;
        ensure!(answer == r#"{"ok":true}"#, "{request}: {answer}");
        Ok(())
    };
    let filters = [
        json!({"command": "filter", "expression": "tcp[tcpflags] & tcp-syn != 0"}),
        json!({"command": "filter", "expression": "not tcp"}),
        json!({"command": "filter", "clear": true}),
        json!({"command": "filter", "expression": "less 100 or greater 101"}),
    ];
    let over = AtomicBool::new(false);
    thread::scope(|scope| -> Result<()> {
        let changes = scope.spawn(|| {
            let mut filters = filters.iter().cycle();
            let done =
                (0..CHANGES).try_for_each(|_| change(filters.next().expect("a cycle").clone()));
            over.store(true, Ordering::Release);
            done
        });
        let sent = lab.server.namespace.enter(|| {
            let index = iface::find(lab.server.interface)?.index;
            while !over.load(Ordering::Acquire) {
                generator.send(index, 50_000, Some(100_000))?;
            }
            Ok(())
        });
        changes.join().expect("no panic")?;
        sent
    })?;
    flush(&lab)?;
    let status = socket.status()?;
    assert_eq!(status["changes"].as_array().map(Vec::len), Some(CHANGES));
    let sent = generator.counters()?;
    // A busy machine may lose frames on the wire; the device counts them.
    let lost = dropped(&lab)?;
    let report = run.end()?;
    report.assert_closed()?;
    assert_eq!(report.kernel("tcp") + lost, sent.frames);
    let counted = ["syn", "syn_ack", "fin", "rst"].map(|counter| report.kernel(counter));
    let made = [sent.syn, sent.syn_ack, sent.fin, sent.rst];
    for (counted, made) in counted.into_iter().zip(made) {
        assert!(
            (made - lost.min(made)..=made).contains(&counted),
            "{counted} of {made}"
        );
    }
    let [filtered, delivered] = ["filtered", "delivered"].map(|row| report.row("seen", row));
    let (filtered, delivered) = (filtered?, delivered?);
    assert!(
        filtered > 100_000 && delivered > 100_000,
        "{filtered} {delivered}"
    );
    assert_eq!(
        report.ledger["changes"].as_array().map(Vec::len),
        Some(CHANGES)
    );
    Ok(())
}

#[test]
fn a_change_is_noted_in_the_file_and_in_the_report() -> Result<()> {
    let lab = Lab::new()?;
    let socket = Socket::new()?;
    let run = socket.start(&lab, &["tcp"])?;
    traffic::ping(&lab, Family::Ipv4, 2)?;
    assert_eq!(socket.status()?["filter"], "tcp");
    socket.done(&["filter", "icmp", "or", "icmp6"])?;
    assert_eq!(socket.status()?["filter"], "icmp or icmp6");
    traffic::ping(&lab, Family::Ipv4, 3)?;
    socket.done(&["filter", "--clear"])?;
    assert_eq!(socket.status()?["filter"], Value::Null);
    traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    let shown = socket.done(&["status"])?;
    assert!(shown.contains("filter   none"), "{shown}");
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let file = report.packets()?;
    let icmp =
        |packet: &&crate::pcapng::Packet| packet.data[12..14] == [8, 0] && packet.data[23] == 1;
    assert_eq!(file.packets.iter().filter(icmp).count(), 6);
    let comments: Vec<_> = file.statistics[0].options.texts(OPT_COMMENT);
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[0].ends_with("Z: filter changed to: icmp or icmp6"));
    assert!(comments[1].ends_with("Z: filter taken away"));
    let changes = report.ledger["changes"].as_array().context("changes")?;
    assert_eq!(changes[0]["what"], "filter changed to: icmp or icmp6");
    Ok(())
}

#[test]
fn another_sampling_holds_from_then_on_and_records_say_so() -> Result<()> {
    /// None of so many is copied but by a rare chance.
    const RARE: &str = "1/1000000000";
    let lab = Lab::new()?;
    let socket = Socket::new()?;
    let run = socket.start(&lab, &["icmp", "or", "tcp"])?;
    assert_eq!(socket.status()?["copied"], "everything");
    traffic::ping(&lab, Family::Ipv4, 2)?;
    socket.done(&["sample", "--sample", RARE])?;
    let words = "sampled 1/1000000000 packets, control segments kept";
    assert_eq!(socket.status()?["copied"], words);
    traffic::ping(&lab, Family::Ipv4, 3)?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    flush(&lab)?;
    let refused = socket.ctl(&["sample", "--sample", "0"])?;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let report = run.end()?;
    report.assert_closed()?;
    let file = report.packets()?;
    let icmp = |packet: &&crate::pcapng::Packet| packet.data[23] == 1;
    assert_eq!(file.packets.iter().filter(icmp).count(), 4);
    // SYN, SYN-ACK and a FIN each way of the connection, and nothing else of it.
    assert_eq!(file.packets.len(), 4 + 4);
    assert_eq!(
        report.row("seen", "sampled")? + report.row("seen", "filtered")? + 8,
        report.kernel("packets")
    );
    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.number("packet_sampling"), 1_000_000_000);
    let comments: Vec<_> = file.statistics[0].options.texts(OPT_COMMENT);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].ends_with(&format!("Z: sampling changed to: {words}")));
    Ok(())
}

#[test]
fn a_filter_that_is_refused_leaves_the_old_one() -> Result<()> {
    let lab = Lab::new()?;
    let socket = Socket::new()?;
    let run = socket.start(&lab, &["icmp"])?;
    let refused = socket.ctl(&["filter", "tcp", "prot", "80"])?;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("tcp prot 80"), "{said}");
    let status = socket.status()?;
    assert_eq!(status["filter"], "icmp");
    assert_eq!(status["changes"], Value::Array(Vec::new()));
    traffic::ping(&lab, Family::Ipv4, 2)?;
    traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(report.kernel("delivered"), 4);
    Ok(())
}

#[test]
fn a_stop_ends_the_capture_as_a_signal_does() -> Result<()> {
    let lab = Lab::new()?;
    let socket = Socket::new()?;
    let run = socket.start(&lab, &[])?;
    let mode = std::fs::symlink_metadata(socket.path())?;
    assert!(mode.file_type().is_socket());
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    traffic::ping(&lab, Family::Ipv4, 2)?;
    socket.done(&["stop"])?;
    let report = run.wait()?;
    report.assert_lossless()?;
    assert!(!socket.path().exists(), "the socket goes with the capture");
    let nobody = socket.ctl(&["status"])?;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("no capture listens at"));
    Ok(())
}

#[test]
fn a_socket_that_a_dead_capture_left_is_replaced() -> Result<()> {
    let lab = Lab::new()?;
    let socket = Socket::new()?;
    let run = socket.start(&lab, &[])?;
    // A second one cannot listen where the first one does.
    let mut second = crate::run::command(&lab.client.namespace)?;
    second.args(["-i", "lo", "--control"]).arg(socket.path());
    let refused = second.output()?;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cannot listen at"));
    run.signal(Signal::Kill)?;
    assert!(run.wait().is_err(), "killed, so there is no ledger");
    assert!(socket.path().exists());
    let run = socket.start(&lab, &[])?;
    assert_eq!(socket.status()?["ok"], true);
    run.end()?.assert_lossless()
}

#[test]
fn of_several_captures_one_has_to_be_named() -> Result<()> {
    let lab = Lab::new()?;
    let ctl = |words: &[&str]| -> Result<Output> {
        let mut command = Command::new(program::locate()?);
        command.arg("ctl").args(words);
        command.output().context("capture ctl")
    };
    let first = Run::start(&lab.client, &[])?;
    let second = Run::start(&lab.server, &[])?;
    let both = ctl(&["status"])?;
    assert_eq!(both.status.code(), Some(1));
    let said = String::from_utf8_lossy(&both.stderr);
    for run in [&first, &second] {
        assert!(said.contains(&format!("--pid {}", run.id())), "{said}");
    }
    assert!(
        said.contains(lab.client.interface) && said.contains(lab.server.interface),
        "{said}"
    );
    let pid = first.id().to_string();
    let named = ctl(&["--pid", &pid, "stop"])?;
    assert!(named.status.success(), "{named:?}");
    first.wait()?.assert_lossless()?;
    let pid = second.id().to_string();
    assert!(ctl(&["--pid", &pid, "filter", "icmp"])?.status.success());
    second.end()?.assert_lossless()
}
