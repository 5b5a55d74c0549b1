//! Errors that a person can act on: one line, an exit code, and nothing left behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use capture_tests::generator::{OBJECT, Pass};
use capture_tests::netns::Lab;
use capture_tests::oracle;
use capture_tests::program::{self, Ended, Program, Signal};

use crate::run::{assert_detached, command};
use crate::wire::flush;

/// What was wrong, which the exit code tells.
const FAILED: i32 = 1;
const MAKES_NO_SENSE: i32 = 2;

/// Runs a command that must refuse; gives the one line that it says.
fn refusal(command: &mut Command) -> Result<String> {
    refusal_with(command, FAILED)
}

fn refusal_with(command: &mut Command, code: i32) -> Result<String> {
    let Ended {
        status,
        stdout,
        stderr,
    } = Program::start(command)?.wait()?;
    assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("capture: "), "{stderr}");
    assert_eq!(stdout, "");
    Ok(stderr.trim_end().to_owned())
}

/// As [`refusal`], in the client's namespace, with files named that must not be made.
fn refused(lab: &Lab, arguments: &[&str]) -> Result<String> {
    refused_with(lab, arguments, FAILED)
}

fn refused_with(lab: &Lab, arguments: &[&str], code: i32) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let mut command = command(&lab.client.namespace)?;
    command
        .arg("--packets")
        .arg(folder.path().join("packets.pcapng"))
        .arg("--flows")
        .arg(folder.path().join("connections.csv"))
        .args(arguments);
    let line = refusal_with(&mut command, code)?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "left behind");
    Ok(line)
}

fn has(line: &str, words: &[&str]) {
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

#[test]
fn an_unknown_interface_names_those_that_there_are() -> Result<()> {
    let lab = Lab::new()?;
    let line = refused(&lab, &["-i", "eth9"])?;
    has(&line, &["eth9", "lo", lab.client.interface]);
    // A second one that is unknown leaves the first one alone.
    let line = refused(&lab, &["-i", lab.client.interface, "-i", "eth9"])?;
    has(&line, &["eth9"]);
    assert_detached(&lab.client.namespace)
}

#[test]
fn what_names_nothing_that_can_be_had_is_refused() -> Result<()> {
    let lab = Lab::new()?;
    let client = lab.client.interface;
    let line = refused(&lab, &["-i", ""])?;
    has(&line, &["no interface \"\"", client]);
    // No machine that this runs on has a thousand processors.
    let line = refused(&lab, &["-i", client, "--cpus", "0,1023"])?;
    has(&line, &["--cpus", "CPU 1023", "this process may run on"]);
    let folder = tempfile::tempdir()?;
    let mut command = command(&lab.client.namespace)?;
    command
        .args(["-i", client, "--overwrite", "-w"])
        .arg(folder.path());
    has(&refusal(&mut command)?, &["is a directory"]);
    assert_detached(&lab.client.namespace)
}

#[test]
fn more_memory_than_there_is_is_not_taken() -> Result<()> {
    let lab = Lab::new()?;
    let client = lab.client.interface;
    // Connections for 700 GiB: more than this machine or any other in CI has.
    let line = refused(
        &lab,
        &[
            "-i",
            client,
            "--max-flows",
            "4000000000",
            "--workers",
            "64",
            "--ring-size",
            "256MiB",
        ],
    )?;
    let words = [
        "not enough memory",
        "--max-flows",
        "--ring-size",
        "16384 MiB",
    ];
    has(&line, &words);
    let too_large = ["-i", client, "--ring-size", "257MiB"];
    let line = refused_with(&lab, &too_large, MAKES_NO_SENSE)?;
    has(&line, &["--ring-size is at most 256MiB", "--workers"]);
    let too_large = ["-i", client, "--tap", "--af-xdp", "--ring-size", "2GiB"];
    let line = refused_with(&lab, &too_large, MAKES_NO_SENSE)?;
    has(&line, &["--ring-size is at most 1024MiB", "--workers"]);
    assert_detached(&lab.client.namespace)
}

#[test]
fn an_interface_that_is_down_says_how_to_bring_it_up() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    client
        .namespace
        .ip(&["link", "set", client.interface, "down"])?;
    let line = refused(&lab, &["-i", client.interface])?;
    has(&line, &["is down", "ip link set client0 up"]);
    Ok(())
}

#[test]
fn without_privileges_it_says_which_it_needs() -> Result<()> {
    if !oracle::require(&["setpriv"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    // Another user may not look into the build folder.
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("capture");
    fs::copy(program::locate()?, &program)?;
    let mut open = Command::new("chmod");
    open.arg("755").arg(folder.path()).arg(&program);
    oracle::output(&mut open)?;
    let mut command = lab.client.namespace.command("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["live", "-i", lab.client.interface]);
    let line = refusal(&mut command)?;
    has(&line, &["not permitted", "root", "CAP_NET_ADMIN"]);
    assert_detached(&lab.client.namespace)
}

#[test]
fn a_program_of_somebody_else_is_named_and_left_alone() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let other = client
        .namespace
        .enter(|| Ok(Pass::attach(OBJECT, client.interface)?))?;
    let id = client
        .namespace
        .enter(|| Ok(capture::iface::find(client.interface)?.xdp[0].program_id))?;
    let line = refused(&lab, &["-i", client.interface])?;
    has(
        &line,
        &["XDP program", &format!("id {id}"), "\"pass\"", "--hook tc"],
    );
    let still = client
        .namespace
        .enter(|| Ok(capture::iface::find(client.interface)?.xdp[0].program_id))?;
    assert_eq!(still, id);
    // What goes out is free.
    let mut command = command(&client.namespace)?;
    command.args(["-i", client.interface, "--direction", "out", "--quiet"]);
    let ended = Program::start_capturing(&mut command)?.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    drop(other);
    Ok(())
}

#[test]
fn a_file_that_exists_is_replaced_only_when_asked() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let with = |arguments: &[&str]| -> Result<Command> {
        let mut command = command(&lab.client.namespace)?;
        command.args(["-i", lab.client.interface, "--quiet", "--write"]);
        command.arg(folder.path()).args(arguments);
        Ok(command)
    };
    for name in ["packets.pcapng", "connections.csv"] {
        let path = folder.path().join(name);
        fs::write(&path, "precious")?;
        let line = refusal(&mut with(&[])?)?;
        has(&line, &[name, "exists", "--overwrite"]);
        assert_eq!(fs::read_to_string(&path)?, "precious");
        let names: Vec<_> = fs::read_dir(folder.path())?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<_>>()?;
        assert_eq!(names, [name], "nothing else was made");
        assert_detached(&lab.client.namespace)?;
        fs::remove_file(&path)?;
    }
    fs::write(folder.path().join("packets.pcapng"), "worthless")?;
    let program = Program::start_capturing(&mut with(&["--overwrite"])?)?;
    flush(&lab)?;
    let ended = program.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    let file = crate::pcapng::File::read(&folder.path().join("packets.pcapng"))?;
    assert!(file.packets.len() >= 2);
    Ok(())
}

#[test]
fn a_tap_on_the_way_out_of_the_host_is_refused_unless_forced() -> Result<()> {
    let lab = Lab::new()?;
    let client = &lab.client;
    let route = ["route", "add", "default", "dev", client.interface];
    client.namespace.ip(&route)?;
    let line = refused(&lab, &["-i", client.interface, "--tap"])?;
    has(&line, &["default route", "--force"]);
    assert_detached(&client.namespace)?;
    let mut command = command(&client.namespace)?;
    command.args(["-i", client.interface, "--tap", "--force", "--quiet"]);
    let ended = Program::start_capturing(&mut command)?.end_by(Signal::Interrupt)?;
    assert!(ended.status.success(), "{ended:?}");
    Ok(())
}

#[test]
fn outputs_that_cannot_be_are_refused() -> Result<()> {
    let lab = Lab::new()?;
    let with = |arguments: &[&str]| -> Result<Command> {
        let mut command = command(&lab.client.namespace)?;
        command.args(["-i", lab.client.interface]).args(arguments);
        Ok(command)
    };
    let line = refusal_with(&mut with(&["-w", "-", "--flows", "-"])?, MAKES_NO_SENSE)?;
    has(&line, &["both", "standard output"]);

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    fs::write(&file, "")?;
    let inside = file.join("inside");
    let path = |path: &Path| path.display().to_string();
    let line = refusal(&mut with(&["--write", &path(&inside)])?)?;
    has(&line, &[&path(&inside), "Not a directory"]);
    let missing = folder.path().join("missing/packets.pcapng");
    let line = refusal(&mut with(&["-w", &path(&missing)])?)?;
    has(&line, &[&path(&missing), "No such file or directory"]);
    let line = refusal(&mut with(&[
        "--flows",
        &path(&folder.path().join("flows.xyz")),
    ])?)?;
    has(&line, &["flows.xyz", ".csv", "--format"]);
    // Root may write everywhere but where nobody can.
    let line = refusal(&mut with(&["-w", "/proc/packets.pcapng"])?)?;
    has(&line, &["/proc/packets.pcapng"]);
    assert_detached(&lab.client.namespace)
}
