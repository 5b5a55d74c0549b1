//! What `capture bench` says of an interface, with traffic that is known and with none.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use capture::generate::Amount;
use capture::iface;
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT, Pass};
use capture_tests::netns::Lab;
use capture_tests::program::{self, Program};
use serde_json::Value;

use crate::run::assert_detached;

/// Frames a second: few enough for any machine, and enough to see.
const RATE: u64 = 20_000;

/// `capture bench` on the server's interface: its objects, one a line.
fn bench(lab: &Lab, more: &[&str]) -> Result<Vec<Value>> {
    let mut command: Command = lab.server.namespace.command(program::locate()?);
    command
        .args(["bench", "--json", "-i", lab.server.interface, "-Q", "in"])
        .args([
            "--workers",
            "1",
            "--ring-size",
            "16MiB",
            "--max-flows",
            "10000",
        ])
        .args(more);
    let ended = Program::start(&mut command)?.wait()?;
    assert!(ended.status.success(), "{ended:?}");
    let lines = ended.stdout.lines();
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Runs `work` while frames come to the server at a rate.
fn under_load<T>(lab: &Lab, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            lab.client.namespace.enter(|| {
                let index = iface::find(lab.client.interface)?.index;
                let amount = Amount {
                    frames: None,
                    rate: Some(RATE),
                };
                let settings = GeneratorSettings {
                    flows: 100,
                    ..GeneratorSettings::UNPATCHED
                };
                let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
                Ok(generator.send_until(index, amount, &stop)?)
            })
        });
        let done = work();
        stop.store(true, Ordering::Relaxed);
        let sent = sender.join().expect("the sender panicked")?;
        assert!(sent.frames > 0);
        done
    })
}

#[test]
fn each_step_sees_the_traffic_and_does_more_with_it() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let dir = folder.path().to_str().context("a name")?;
    let lines = under_load(&lab, || bench(&lab, &["--duration", "1", "--dir", dir]))?;
    let (verdict, steps) = lines.split_last().context("it said nothing")?;
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str()).collect();
    assert_eq!(
        names,
        [Some("count"), Some("copy"), Some("track"), Some("write")]
    );
    let number = |value: &Value| value.as_u64().context("not a number");
    for step in steps {
        let packets = number(&step["packets"])?;
        // A busy machine may send late, but nobody sends more than was asked for and some to catch up.
        assert!((RATE / 10..RATE * 3).contains(&packets), "{step}");
        assert_eq!(step["lost"], 0, "{step}");
        let taken = number(&step["worker_packets"][0])?;
        if step["step"] == "count" {
            assert_eq!(taken, 0, "{step}");
        } else {
            // What is in the ring at the two moments is counted by one side alone.
            assert!(taken > packets / 2 && taken < packets * 2, "{step}");
        }
        let waits = !step["latency_ns"]["p99"].is_null();
        assert_eq!(
            waits,
            step["step"] == "track" || step["step"] == "write",
            "{step}"
        );
        let written = number(&step["written_packets"])?;
        assert_eq!(written > 0, step["step"] == "write", "{step}");
        let threads = step["threads"].as_array().context("threads")?;
        assert!(
            threads.iter().any(|thread| thread["name"] == "worker-0"),
            "{step}"
        );
        assert!(
            !step["cpus"].as_array().context("cpus")?.is_empty(),
            "{step}"
        );
        let runs: u64 = step["programs"]
            .as_array()
            .context("programs")?
            .iter()
            .filter_map(|program| program["runs"].as_u64())
            .sum();
        assert!(runs >= packets, "{step}");
    }
    assert_eq!(verdict["type"], "verdict");
    // On a machine that has nothing else to do this is too little to say anything; on a busy one it is
    // not. A disk has been written to, so there is a figure of it.
    assert!(verdict["disk_bytes_per_second"].as_f64().context("disk")? > 0.0);
    for finding in verdict["findings"].as_array().context("findings")? {
        let room = finding["packets_per_second"].as_f64();
        assert!(room.is_some_and(|room| room > 0.0), "{verdict}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "left behind");
    assert_detached(&lab.server.namespace)
}

#[test]
fn without_traffic_it_says_that_it_cannot_say() -> Result<()> {
    let lab = Lab::new()?;
    let lines = bench(&lab, &["--duration", "200ms"])?;
    assert_eq!(lines.len(), 4, "{lines:?}");
    let verdict = lines.last().context("no verdict")?;
    assert!(verdict["first"].is_null(), "{verdict}");
    assert_eq!(verdict["findings"], Value::Array(Vec::new()));
    let words = verdict["words"].as_str().context("words")?;
    assert!(words.contains("too little traffic"), "{words}");
    assert_detached(&lab.server.namespace)
}

#[test]
fn what_cannot_be_measured_is_refused() -> Result<()> {
    let lab = Lab::new()?;
    let refused = |more: &[&str]| -> Result<String> {
        let mut command = lab.server.namespace.command(program::locate()?);
        command.arg("bench").args(more);
        let ended = Program::start(&mut command)?.wait()?;
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        Ok(ended.stderr)
    };
    assert!(refused(&["-i", "any"])?.contains("one interface"));
    assert!(refused(&["-i", "eth9"])?.contains("eth9"));
    let missing = refused(&["-i", lab.server.interface, "--dir", "/nowhere/at/all"])?;
    assert!(missing.contains("/nowhere/at/all"), "{missing}");
    // Somebody else's program is in the way.
    lab.server.namespace.enter(|| {
        let _pass = Pass::attach(OBJECT, lab.server.interface)?;
        let occupied = refused(&["-i", lab.server.interface])?;
        assert!(occupied.contains("--hook tc"), "{occupied}");
        Ok(())
    })
}
