//! Every way a capture can end: files complete where there is time for it, and in no case anything
//! left attached.

use std::fs;
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use capture_tests::netns::{Family, Lab, Namespace};
use capture_tests::program::{self, Program, Signal};
use capture_tests::traffic::{self, Side, Volume};

use crate::ledger::pipe_without_reader;
use crate::run::{Run, assert_detached, attached, command};
use crate::wire::flush;

fn a_signal_ends_orderly(signal: Signal) -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &[])?;
    assert_eq!(attached(&lab.client.namespace)?.len(), 2, "both ways");
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    flush(&lab)?;
    let report = run.end_by(signal)?;
    assert_eq!(report.ended.status.code(), Some(0), "{:?}", report.ended);
    report.assert_lossless()?;
    report.record("tcp", [done.client, done.server])?;
    assert_eq!(
        report.packets()?.statistics.len(),
        1,
        "the file has its end"
    );
    assert_detached(&lab.client.namespace)
}

#[test]
fn an_interrupt_ends_orderly() -> Result<()> {
    a_signal_ends_orderly(Signal::Interrupt)
}

#[test]
fn a_termination_ends_orderly() -> Result<()> {
    a_signal_ends_orderly(Signal::Terminate)
}

#[test]
fn a_closed_terminal_ends_orderly() -> Result<()> {
    a_signal_ends_orderly(Signal::HangUp)
}

#[test]
fn a_killed_process_leaves_nothing_attached() -> Result<()> {
    let lab = Lab::new()?;
    let mut command = command(&lab.client.namespace)?;
    command.args(["-i", lab.client.interface, "--quiet"]);
    let program = Program::start_capturing(&mut command)?;
    assert_eq!(attached(&lab.client.namespace)?.len(), 2, "both ways");
    let ended = program.end_by(Signal::Kill)?;
    assert_eq!(ended.status.code(), None, "killed");
    assert_detached(&lab.client.namespace)?;
    // And traffic goes on.
    flush(&lab)?;
    Ok(())
}

#[test]
fn a_duration_ends_the_capture_by_itself() -> Result<()> {
    let lab = Lab::new()?;
    let started = Instant::now();
    let report = Run::start(&lab.client, &["--duration", "1s"])?.wait()?;
    assert!(started.elapsed().as_secs() >= 1);
    report.assert_lossless()?;
    assert_detached(&lab.client.namespace)
}

#[test]
fn a_vanished_interface_ends_the_capture_with_its_files_complete() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &[])?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    flush(&lab)?;
    let client = &lab.client;
    client.namespace.ip(&["link", "del", client.interface])?;
    let report = run.wait()?;
    assert_eq!(report.ended.status.code(), Some(1), "{:?}", report.ended);
    let last = report.ended.stderr.lines().last().unwrap_or_default();
    assert!(
        last.contains(client.interface) && last.contains("is gone"),
        "{last}"
    );
    report.assert_closed()?;
    assert_eq!(report.ledger["lost"], 0);
    report.record("tcp", [done.client, done.server])?;
    assert_eq!(
        report.packets()?.statistics.len(),
        1,
        "the file has its end"
    );
    Ok(())
}

#[test]
fn one_of_two_interfaces_may_vanish() -> Result<()> {
    let lab = Lab::new()?;
    let namespace = &lab.client.namespace;
    namespace.ip(&[
        "link", "add", "extra0", "type", "veth", "peer", "name", "extra1",
    ])?;
    namespace.ip(&["link", "set", "extra0", "up"])?;
    namespace.ip(&["link", "set", "extra1", "up"])?;
    let run = Run::start(&lab.client, &["-i", "extra0"])?;
    namespace.ip(&["link", "del", "extra0"])?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    report.record("tcp", [done.client, done.server])?;
    assert_detached(namespace)
}

#[test]
fn a_reader_that_goes_away_is_no_failure() -> Result<()> {
    let lab = Lab::new()?;
    let mut command = lab.client.namespace.command("bash");
    command
        .args(["-o", "pipefail", "-c", "\"$@\" | head -n 1", "bash"])
        .arg(program::locate()?)
        .args(["live", "-i", lab.client.interface, "--json"]);
    let ended = Program::start_capturing(&mut command)?.wait()?;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert_detached(&lab.client.namespace)
}

/// Waits until nothing is attached: the first thing that the end of a capture does.
fn until_detached(namespace: &Namespace) -> Result<()> {
    let started = Instant::now();
    while !attached(namespace)?.is_empty() {
        ensure!(started.elapsed().as_secs() < 30, "stays attached");
        thread::yield_now();
    }
    Ok(())
}

#[test]
fn a_second_interrupt_does_not_wait_for_the_disk() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let (pipe, reader) = pipe_without_reader(folder.path())?;
    let mut command = command(&lab.client.namespace)?;
    command
        .args(["-i", lab.client.interface, "--quiet", "--overwrite", "-w"])
        .arg(pipe);
    let program = Program::start_capturing(&mut command)?;
    // More than fits into the pipe, so that closing the file cannot come to an end.
    let volume = Volume {
        response_bytes: 1_000_000,
        ..Volume::default()
    };
    traffic::closed(&lab, Family::Ipv4, Side::Client, volume)?;
    program.signal(Signal::Interrupt)?;
    until_detached(&lab.client.namespace)?;
    let ended = program.end_by(Signal::Interrupt)?;
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    drop(reader);
    Ok(())
}

#[test]
fn a_capture_leaves_no_memory_behind() -> Result<()> {
    // Maps and programs live as long as somebody holds them: none may be pinned.
    let lab = Lab::new()?;
    let pinned = || -> Vec<_> {
        fs::read_dir("/sys/fs/bpf")
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default()
    };
    let before = pinned();
    let run = Run::start(&lab.client, &[])?;
    assert_eq!(pinned(), before);
    run.end()?.assert_lossless()?;
    assert_eq!(pinned(), before);
    Ok(())
}
