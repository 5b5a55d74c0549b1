//! Packets printed as they come: the lines are those that reading the file gives, and whoever takes
//! them slowly holds nothing up.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use capture_tests::netns::{Family, Lab, Namespace};
use capture_tests::oracle;
use capture_tests::program::{self, Ended, Program, Signal};
use capture_tests::traffic::{self, Side, Volume};
use serde_json::Value;

use crate::ledger::pipe_without_reader;
use crate::pcapng::File;
use crate::run::command;
use crate::wire::flush;

const DOWNLOAD: Volume = Volume {
    request_bytes: 1000,
    response_bytes: 300_000,
};

/// Captures what `work` does; gives what was printed, and what `read` prints of the file with the same
/// options.
fn printed_and_read(
    lab: &Lab,
    file: &Path,
    arguments: &[&str],
    work: impl FnOnce() -> Result<()>,
) -> Result<(Ended, String)> {
    let mut command = command(&lab.client.namespace)?;
    command
        .args([
            "-i",
            lab.client.interface,
            "--workers",
            "2",
            "--print",
            "-w",
        ])
        .arg(file)
        .args(arguments);
    let program = Program::start_capturing(&mut command)?;
    work()?;
    flush(lab)?;
    let ended = program.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    let mut again = Command::new(program::locate()?);
    again.arg("read").arg(file).args(arguments);
    Ok((ended, oracle::output(&mut again)?))
}

/// A row of the ledger that a person reads.
fn row(stderr: &str, name: &str) -> Result<u64> {
    let line = stderr.lines().find_map(|line| {
        let rest = line.trim_start().trim_start_matches(['=', '+', ' ']);
        rest.strip_prefix(name).filter(|rest| rest.starts_with(' '))
    });
    let number = line.with_context(|| format!("no {name:?} in {stderr}"))?;
    Ok(number.trim().replace(',', "").parse()?)
}

#[test]
fn the_list_is_that_of_the_file_in_time_order() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("packets.pcapng");
    let (ended, read) = printed_and_read(&lab, &path, &[], || {
        traffic::closed(&lab, Family::Ipv4, Side::Client, DOWNLOAD)?;
        traffic::closed(&lab, Family::Ipv6, Side::Server, DOWNLOAD)?;
        traffic::ping(&lab, Family::Ipv4, 3)?;
        Ok(())
    })?;
    let packets = File::read(&path)?.packets;
    assert_eq!(ended.stdout.lines().count(), packets.len());
    assert!(packets.is_sorted_by_key(|packet| packet.ts));
    assert_eq!(ended.stdout, read);
    let count = packets.len() as u64;
    assert_eq!(row(&ended.stderr, "packets to print")?, count);
    assert_eq!(row(&ended.stderr, "printer")?, count);
    Ok(())
}

#[test]
fn details_bytes_and_json_are_those_of_the_file() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    for (number, arguments) in [["-V", "-x"], ["-T", "json"], ["-T", "pdml"]]
        .iter()
        .enumerate()
    {
        let path = folder.path().join(format!("{number}.pcapng"));
        let (ended, read) = printed_and_read(&lab, &path, arguments, || {
            traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
            Ok(())
        })?;
        assert!(!read.is_empty());
        assert_eq!(ended.stdout, read, "{arguments:?}");
    }
    Ok(())
}

#[test]
fn a_display_filter_chooses_what_is_printed_and_not_what_is_written() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("packets.pcapng");
    let mut done = None;
    let arguments = [
        "-Y",
        "tcp.flags.syn == 1",
        "-T",
        "fields",
        "-e",
        "tcp.srcport",
    ];
    let (ended, read) = printed_and_read(&lab, &path, &arguments, || {
        let volume = Volume::default();
        done = Some(traffic::closed(&lab, Family::Ipv4, Side::Client, volume)?);
        Ok(())
    })?;
    let done = done.context("there was a connection")?;
    let ports = format!("{}\n{}\n", done.client.port(), done.server.port());
    assert_eq!(ended.stdout, ports);
    assert_eq!(ended.stdout, read);
    assert!(File::read(&path)?.packets.len() > 2);
    Ok(())
}

#[test]
fn statistics_are_told_at_the_end() -> Result<()> {
    let lab = Lab::new()?;
    let mut command = command(&lab.client.namespace)?;
    command.args(["-i", lab.client.interface, "-z", "conv,tcp"]);
    let program = Program::start_capturing(&mut command)?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    flush(&lab)?;
    let ended = program.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    let conversation = format!("{:<26} <-> {}", done.client, done.server);
    assert!(ended.stdout.contains(&conversation), "{ended:?}");
    Ok(())
}

#[test]
fn a_terminal_that_stands_still_holds_nothing_up() -> Result<()> {
    const MUCH: Volume = Volume {
        request_bytes: 1,
        response_bytes: 48 << 20,
    };
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let (pipe, mut reader) = pipe_without_reader(folder.path())?;
    let path = folder.path().join("written.pcapng");
    // The signal goes to the program, which takes the place of the shell.
    let mut command = lab.client.namespace.command("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" >\"$PIPE\""])
        .arg(program::locate()?)
        .args([
            "live",
            "-i",
            lab.client.interface,
            "--json",
            "--print",
            "-x",
        ])
        .args(["--write-buffer", "256MiB", "-w"])
        .arg(&path)
        .env("PIPE", &pipe);
    let program = Program::start_capturing(&mut command)?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, MUCH)?;
    flush(&lab)?;
    program.signal(Signal::Interrupt)?;
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    let ended = program.wait()?;
    assert!(ended.status.success(), "{}", ended.stderr);
    let ledger = ended.stderr.lines().filter_map(|line| {
        let line = serde_json::from_str::<Value>(line).ok()?;
        (line["type"] == "ledger").then_some(line)
    });
    let ledger = ledger.last().context("a ledger")?;
    assert_eq!(ledger["holds"], true, "{ledger}");
    assert_eq!(ledger["lost"], 0, "the file has all: {ledger}");
    let stages = ledger["stages"].as_array().context("stages")?;
    let of = |name: &str| stages.iter().find(|stage| !stage[name].is_null());
    let printed = of("packets to print").context("a stage for the printer")?;
    let slow = printed["parts"]["printer too slow"].as_u64();
    assert!(slow > Some(0), "{ledger}");
    // The first line of a packet's bytes is the only one at this offset.
    let dumped = text.lines().filter(|line| line.starts_with("0000  "));
    assert_eq!(
        Some(dumped.count() as u64),
        printed["parts"]["printer"].as_u64()
    );
    let file = File::read(&path)?;
    assert_eq!(
        Some(file.packets.len() as u64),
        printed["packets to print"].as_u64()
    );
    assert!(
        done.response_bytes >= 48 << 20,
        "the connection got everything"
    );
    Ok(())
}

#[test]
fn a_reader_that_has_enough_ends_the_capture() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let (pipe, reader) = pipe_without_reader(folder.path())?;
    let mut command = lab.client.namespace.command("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" >\"$PIPE\""])
        .arg(program::locate()?)
        .args(["live", "-i", lab.client.interface, "--print"])
        .env("PIPE", &pipe);
    let program = Program::start_capturing(&mut command)?;
    drop(reader);
    traffic::ping(&lab, Family::Ipv4, 3)?;
    let ended = program.wait()?;
    assert!(ended.status.success(), "{ended:?}");
    Ok(())
}

/// What is said of arguments that make no sense, or not together.
fn refused(namespace: &Namespace, arguments: &[&str]) -> Result<String> {
    let mut command = command(namespace)?;
    command.args(["-i", "lo"]).args(arguments);
    let ended = Program::start(&mut command)?.wait()?;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("capture: "), "{}", ended.stderr);
    Ok(ended.stderr)
}

#[test]
fn what_cannot_be_printed_is_refused_before_anything_is_captured() -> Result<()> {
    let namespace = Namespace::new()?;
    let said = refused(&namespace, &["--print", "-w", "-"])?;
    assert!(said.contains("standard output"), "{said}");
    let said = refused(&namespace, &["-V"])?;
    assert!(said.contains("-V") && said.contains("--print"), "{said}");
    let said = refused(&namespace, &["--print", "-Y", "tcp.prot == 80"])?;
    assert!(said.contains("tcp.port"), "{said}");
    let said = refused(&namespace, &["-z", "nothing,like,this"])?;
    assert!(said.contains("conv,"), "{said}");
    Ok(())
}
