//! The generator makes what it says: every frame arrives, and Wireshark finds nothing wrong with them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use capture::generate::GenerateError;
use capture_common::GeneratorSettings;
use capture_common::generator::SettingsError;
use capture_tests::generator::{Generator, OBJECT, Pass, Sink};
use capture_tests::netns::Namespace;
use capture_tests::oracle;
use capture_tests::program::Program;

/// The end that sends.
const SENDER: &str = "sender";
/// The end that receives.
const RECEIVER: &str = "receiver";

/// A namespace with both ends of a wire, which carries nothing but the generator's frames.
fn wire() -> Result<Namespace> {
    let namespace = Namespace::new()?;
    namespace.ip(&[
        "link", "add", "name", SENDER, "type", "veth", "peer", "name", RECEIVER,
    ])?;
    for end in [SENDER, RECEIVER] {
        // Without a link-local address there is no neighbor discovery.
        namespace.ip(&["link", "set", "dev", end, "addrgenmode", "none"])?;
        namespace.ip(&["link", "set", "dev", end, "up"])?;
    }
    Ok(namespace)
}

/// The kernel's index of the end that sends.
fn sender(namespace: &Namespace) -> Result<u32> {
    let mut command = Command::new("ip");
    command.args(["-n", namespace.name(), "-o", "link", "show", "dev", SENDER]);
    let line = oracle::output(&mut command)?;
    let (ifindex, _) = line.split_once(':').context("ip gives no index")?;
    Ok(ifindex.parse()?)
}

/// Runs tshark on a capture with all checksums checked, in two passes; one line for each packet.
fn tshark(file: &Path, arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new("tshark");
    command
        .args(["-n", "-2", "-r"])
        .arg(file)
        .args(["-o", "tcp.check_checksum:TRUE"])
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(arguments);
    let text = oracle::output(&mut command)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Sends `frames` frames while tcpdump listens, and gives how many streams tshark finds of each
/// `tcp.completeness`, after making sure that it finds nothing wrong with any packet.
fn completeness(settings: GeneratorSettings, frames: u64) -> Result<BTreeMap<u32, u32>> {
    let namespace = wire()?;
    let ifindex = sender(&namespace)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("frames.pcap");
    let mut command = namespace.command("tcpdump");
    command
        .args(["-Z", "root", "-B", "65536", "-i", RECEIVER])
        .args(["-c", &frames.to_string(), "-w"])
        .arg(&file);
    let mut tcpdump = Program::start(&mut command)?;
    tcpdump.wait_for_line("tcpdump: listening")?;
    let sent = namespace.enter(|| {
        let _pass = Pass::attach(OBJECT, RECEIVER)?;
        Ok(Generator::load(OBJECT, settings)?.send(ifindex, frames, Some(50_000))?)
    })?;
    let ended = tcpdump.wait()?;
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(sent.frames, frames);

    let wrong = "_ws.malformed || tcp.analysis.flags || tcp.checksum.status != \"Good\" \
                 || ip.checksum.status != \"Good\" || !tcp";
    assert_eq!(tshark(&file, &["-Y", wrong])?, [""; 0]);
    let flags = |filter| anyhow::Ok(tshark(&file, &["-Y", filter])?.len() as u64);
    assert_eq!(
        flags("tcp.flags.syn == 1 && tcp.flags.ack == 0")?,
        sent.counters.syn
    );
    assert_eq!(
        flags("tcp.flags.syn == 1 && tcp.flags.ack == 1")?,
        sent.counters.syn_ack
    );
    assert_eq!(flags("tcp.flags.fin == 1")?, sent.counters.fin);
    assert_eq!(flags("tcp.flags.reset == 1")?, sent.counters.rst);

    let first = "tcp.flags.syn == 1 && tcp.flags.ack == 0";
    let mut streams = BTreeMap::new();
    for line in tshark(
        &file,
        &["-Y", first, "-T", "fields", "-e", "tcp.completeness"],
    )? {
        *streams.entry(line.parse()?).or_default() += 1;
    }
    Ok(streams)
}

/// SYN, SYN-ACK, ACK, data and FIN, in Wireshark's bits.
const COMPLETE_WITH_FIN: u32 = 31;
/// SYN, SYN-ACK, ACK, data and RST.
const COMPLETE_WITH_RST: u32 = 47;
/// Nothing but a SYN.
const ONLY_SYN: u32 = 1;

#[test]
fn whole_sessions_are_orderly_connections() -> Result<()> {
    if !oracle::require(&["tcpdump", "tshark"]) {
        return Ok(());
    }
    // Three rounds of seven flows; frames of odd length, so that the last byte of a checksum counts.
    let settings = GeneratorSettings {
        flows: 7,
        session_frames: 12,
        frame_len: 1001,
        ..GeneratorSettings::UNPATCHED
    };
    let streams = completeness(settings, 3 * 7 * 12)?;
    assert_eq!(streams, BTreeMap::from([(COMPLETE_WITH_FIN, 21)]));
    Ok(())
}

#[test]
fn every_third_connection_resets_when_asked() -> Result<()> {
    if !oracle::require(&["tcpdump", "tshark"]) {
        return Ok(());
    }
    let settings = GeneratorSettings {
        flows: 10,
        session_frames: GeneratorSettings::MIN_SESSION_FRAMES,
        reset_every: 3,
        ..GeneratorSettings::UNPATCHED
    };
    let streams = completeness(settings, 3 * 10 * 7)?;
    assert_eq!(
        streams,
        BTreeMap::from([(COMPLETE_WITH_FIN, 20), (COMPLETE_WITH_RST, 10)])
    );
    Ok(())
}

#[test]
fn syn_flood_comes_from_another_source_each_time() -> Result<()> {
    if !oracle::require(&["tcpdump", "tshark"]) {
        return Ok(());
    }
    let settings = GeneratorSettings {
        syn_flood: 1,
        ..GeneratorSettings::UNPATCHED
    };
    let streams = completeness(settings, 1000)?;
    assert_eq!(streams, BTreeMap::from([(ONLY_SYN, 1000)]));
    Ok(())
}

#[test]
fn every_frame_arrives_as_fast_as_it_goes() -> Result<()> {
    let namespace = wire()?;
    let ifindex = sender(&namespace)?;
    namespace.enter(|| {
        let sink = Sink::attach(OBJECT, RECEIVER)?;
        let settings = GeneratorSettings {
            flows: 1000,
            frame_len: 1514,
            ..GeneratorSettings::UNPATCHED
        };
        let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
        // What one call sent, the next goes on from.
        for calls in 1..=2 {
            let sent = generator.send(ifindex, 500_000, None)?;
            assert_eq!(sent.frames, 500_000);
            assert_eq!(sent.counters.syn, 50_000);
            assert_eq!(sent.counters.syn_ack, 50_000);
            assert_eq!(sent.counters.fin, 100_000);
            let received = sink.counters()?;
            assert_eq!(received.frames, calls * sent.frames);
            assert_eq!(received.bytes, calls * sent.counters.bytes);
        }
        Ok(())
    })
}

#[test]
fn what_cannot_be_made_is_refused() -> Result<()> {
    let settings = GeneratorSettings {
        session_frames: 2,
        ..GeneratorSettings::UNPATCHED
    };
    let error = Generator::load(OBJECT, settings).map(drop).unwrap_err();
    assert!(matches!(
        error,
        GenerateError::Settings(SettingsError::SessionTooShort(2))
    ));
    let namespace = Namespace::new()?;
    namespace.enter(|| {
        let mut generator = Generator::load(OBJECT, GeneratorSettings::UNPATCHED)?;
        let error = generator.send(4_000_000, 1, None).unwrap_err();
        assert!(error.to_string().contains("interface 4000000"), "{error}");
        assert!(generator.send(4_000_000, 1, Some(0)).is_err());
        Ok(())
    })
}
