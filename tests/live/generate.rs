//! `capture generate`: what the other end of the wire counts is what was sent, and nothing is sent where
//! it must not be.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use capture::iface;
use capture_tests::generator::{OBJECT, Pass};
use capture_tests::netns::{Host, Lab, Namespace};
use capture_tests::oracle;
use capture_tests::program::{self, Ended, Program, Signal};
use serde_json::Value;

use crate::run::Run;

/// The line that says that frames go out.
const READY: &str = "sending on ";

/// `capture generate` in a namespace.
fn command(namespace: &Namespace, words: &str) -> Result<Command> {
    let mut command = namespace.command(program::locate()?);
    command.arg("generate").args(words.split_whitespace());
    Ok(command)
}

/// Sends out of the client's interface and gives the totals.
fn send(lab: &Lab, words: &str) -> Result<Value> {
    let words = format!("-i {} --json --quiet {words}", lab.client.interface);
    let ended = Program::start(&mut command(&lab.client.namespace, &words)?)?.wait()?;
    total(&ended)
}

fn total(ended: &Ended) -> Result<Value> {
    assert!(ended.status.success(), "{ended:?}");
    let last = ended.stdout.lines().last().context("it said nothing")?;
    let total: Value = serde_json::from_str(last)?;
    assert_eq!(total["type"], "total");
    Ok(total)
}

/// Runs `work` while the server's interface takes frames, and gives what it received meanwhile.
fn received<T: Send>(server: &Host, work: impl FnOnce() -> Result<T> + Send) -> Result<(T, u64)> {
    server.namespace.enter(|| {
        let _pass = Pass::attach(OBJECT, server.interface)?;
        let count = || anyhow::Ok(iface::find(server.interface)?.stats.rx_packets);
        let before = count()?;
        let done = work()?;
        Ok((done, count()? - before))
    })
}

/// A lab in which nobody speaks unasked.
fn quiet_lab() -> Result<Lab> {
    let lab = Lab::new()?;
    for host in [&lab.client, &lab.server] {
        host.namespace.enter(|| {
            let disable = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
            Ok(fs::write(disable, "1")?)
        })?;
    }
    Ok(lab)
}

#[test]
fn the_other_end_counts_as_many_frames_as_were_sent() -> Result<()> {
    let lab = quiet_lab()?;
    for words in [
        "--count 50k --rate 100k --cpu 0",
        "--count 50k --rate flat-out --size imix --ipv6 --vlan 7 --cpu 0",
        "--duration 200ms --bits 50M --size 64-1514 --udp --cpu 0",
    ] {
        let (total, received) = received(&lab.server, || send(&lab, words))?;
        let frames = total["frames"].as_u64().context("frames")?;
        let dropped = total["dropped"].as_u64().context("dropped")?;
        assert!(frames > 0);
        assert_eq!(frames - dropped, received, "{words}: {total}");
        if words.contains("count") {
            assert_eq!(frames, 50_000, "{words}");
        }
        // At a rate that a veth keeps up with nothing is lost.
        if words.contains("100k") {
            assert_eq!(dropped, 0, "{total}");
        }
    }
    Ok(())
}

#[test]
fn frames_on_the_wire_are_those_of_the_file_byte_by_byte() -> Result<()> {
    if !oracle::require(&["tcpdump"]) {
        return Ok(());
    }
    let lab = quiet_lab()?;
    let folder = tempfile::tempdir()?;
    let (wire, file) = (
        folder.path().join("wire.pcap"),
        folder.path().join("file.pcap"),
    );
    for words in [
        "--flows 50 --rst 10% --open 10% --unanswered 10%",
        "--flows 50 --size 64-1514 --vlan 7",
        "--flows 50 --size imix --ipv6 --rst 10%",
        "--flows 50 --size 99,1001 --udp --seed 9",
        "--flows 50 --udp --ipv6 --vlan 1 --dst 2001:db8::/125",
        "--syn-flood --ipv6",
        "--syn-flood --dst 192.0.2.0/29",
    ] {
        let mut tcpdump = lab.server.namespace.command("tcpdump");
        tcpdump
            .args(["-Z", "root", "-B", "65536", "-i", lab.server.interface])
            .args(["-c", "2000", "-w"])
            .arg(&wire);
        let mut tcpdump = Program::start(&mut tcpdump)?;
        tcpdump.wait_for_line("tcpdump: listening")?;
        received(&lab.server, || send(&lab, &format!("--count 2000 {words}")))?;
        let ended = tcpdump.wait()?;
        assert!(ended.status.success(), "{}", ended.stderr);

        let write = format!("-w {} --overwrite --count 2000 {words}", file.display());
        let ended = Program::start(&mut command(&lab.client.namespace, &write)?)?.wait()?;
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(
            frames(&fs::read(&wire)?),
            frames(&fs::read(&file)?),
            "{words}"
        );
    }
    Ok(())
}

/// The packets of a pcap file.
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[24..];
    let mut frames = Vec::new();
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes(*header[8..].first_chunk().unwrap()) as usize;
        frames.push(&behind[..len]);
        rest = &behind[len..];
    }
    frames
}

#[test]
fn nothing_is_sent_but_onto_a_veth_that_somebody_listens_to() -> Result<()> {
    let lab = quiet_lab()?;
    let client = &lab.client.namespace;
    client.ip(&["link", "add", "name", "card0", "type", "bridge"])?;
    client.ip(&["link", "set", "dev", "card0", "up"])?;
    client.ip(&[
        "link", "add", "name", "down0", "type", "veth", "peer", "name", "down1",
    ])?;
    let veth = lab.client.interface;
    let small = format!("-i {veth} --size 1514");
    for (words, reason) in [
        ("-i card0", "--yes-onto card0"),
        (
            "-i card0 --yes-onto other0",
            "not the interface of -i card0",
        ),
        // The driver of a bridge takes socket buffers alone, and says so.
        ("-i card0 --yes-onto card0", "cannot send XDP frames"),
        ("-i lo", "loopback"),
        ("-i lo --yes-onto lo", "loopback"),
        ("-i down0", "ip link set down0 up"),
        ("-i eth9", "eth9"),
        (&small, "ip link set client0 mtu 1500"),
        (&format!("-i {veth}"), "ethtool -K PEER gro on"),
    ] {
        let mtu = if words.contains("1514") {
            "1400"
        } else {
            "1500"
        };
        client.ip(&["link", "set", "dev", veth, "mtu", mtu])?;
        let words = format!("--count 10 {words}");
        let ended = Program::start(&mut command(client, &words)?)?.wait()?;
        // Words that contradict each other make no sense.
        let code = if words.contains("other0") { 2 } else { 1 };
        assert_eq!(ended.status.code(), Some(code), "{words}: {ended:?}");
        let lines = ended.stderr.lines().filter(|line| !line.starts_with(READY));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), 1, "{words}: {ended:?}");
        assert!(lines[0].contains(reason), "{words}: {lines:?}");
    }
    for name in [veth, "card0"] {
        let sent = client.enter(|| Ok(iface::find(name)?.stats.tx_packets))?;
        // The host itself may have said something, but not as much.
        assert!(sent < 10, "{name}: {sent}");
    }
    Ok(())
}

#[test]
fn who_has_no_rights_is_told() -> Result<()> {
    if !oracle::require(&["setpriv"]) {
        return Ok(());
    }
    let lab = quiet_lab()?;
    let program = program::locate()?;
    // The folders above the program may be root's alone.
    let folder = tempfile::tempdir_in("/tmp")?;
    let copy = folder.path().join("capture");
    fs::copy(&program, &copy)?;
    let mut mode = Command::new("chmod");
    oracle::output(mode.args(["-R", "a+rx"]).arg(folder.path()))?;
    let (ended, received) = received(&lab.server, || {
        let mut command = lab.client.namespace.command("setpriv");
        command
            .args(["--reuid", "65534", "--clear-groups", "--inh-caps=-all"])
            .arg(&copy)
            .args(["generate", "--count", "1", "-i", lab.client.interface]);
        Program::start(&mut command)?.wait()
    })?;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("needs root"), "{ended:?}");
    assert_eq!(received, 0);
    Ok(())
}

#[test]
fn a_signal_ends_it_with_the_totals() -> Result<()> {
    let lab = quiet_lab()?;
    for (signal, rate) in [
        (Signal::Interrupt, "1k"),
        (Signal::Terminate, "flat-out"),
        // A frame a second is waited for by sleeping.
        (Signal::HangUp, "1"),
    ] {
        let words = format!("-i {} --json --quiet --rate {rate}", lab.client.interface);
        let (total, received) = received(&lab.server, || {
            let mut program = Program::start(&mut command(&lab.client.namespace, &words)?)?;
            program.wait_for_line(READY)?;
            // The first frame is on its way or not; the signal is listened for.
            total(&program.end_by(signal)?)
        })?;
        let frames = total["frames"].as_u64().context("frames")?;
        let dropped = total["dropped"].as_u64().context("dropped")?;
        assert_eq!(frames - dropped, received, "{rate}: {total}");
    }
    Ok(())
}

/// How many records there are of each `conn_state`.
fn states(run: Run) -> Result<(BTreeMap<String, u64>, u64)> {
    let report = run.end()?;
    report.assert_closed()?;
    let mut states = BTreeMap::new();
    for record in report.records()? {
        if record.text("proto") == Some("tcp") {
            let state = record.text("conn_state").context("no state")?;
            *states.entry(state.to_owned()).or_default() += 1;
        }
    }
    Ok((states, report.kernel("syn")))
}

#[test]
fn sessions_are_connections_to_whoever_captures() -> Result<()> {
    let lab = quiet_lab()?;
    let run = Run::start(&lab.server, &["--direction", "in", "--ring-size", "16MiB"])?;
    let words = "--count 12k --flows 200 --rate 20k --rst 10% --open 5% --unanswered 5%";
    let total = send(&lab, words)?;
    assert_eq!(
        (&total["frames"], &total["dropped"]),
        (&12_000.into(), &0.into())
    );
    let (states, syn) = states(run)?;
    let expected = [("RSTO", 100), ("S0", 50), ("S1", 50), ("SF", 800)];
    let expected: BTreeMap<_, _> = expected.map(|(state, n)| (state.to_owned(), n)).into();
    assert_eq!(states, expected);
    // One for each connection, and one for each frame where nobody answers.
    assert_eq!(syn, 950 + 50 * 12);
    Ok(())
}

#[test]
fn a_syn_flood_is_counted_as_one_by_who_is_flooded() -> Result<()> {
    let lab = quiet_lab()?;
    let run = Run::start(&lab.server, &["--direction", "in", "--ring-size", "16MiB"])?;
    let total = send(&lab, "--syn-flood --count 5k --rate 20k --port 443")?;
    assert_eq!(
        (&total["syn"], &total["dropped"]),
        (&5_000.into(), &0.into())
    );
    let (states, syn) = states(run)?;
    assert_eq!(syn, 5_000);
    // Of 2^40 addresses and ports hardly any comes twice.
    assert_eq!(states, BTreeMap::from([("S0".to_owned(), 5_000)]));
    Ok(())
}
