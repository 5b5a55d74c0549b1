//! Each row of the ledger, provoked on purpose: what went in is known, and where it went is what the
//! ledger says.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::Result;
use capture::iface;
use capture_common::GeneratorSettings;
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::{Family, Host, Lab};
use capture_tests::oracle;
use capture_tests::program::{self, Program, Signal};
use capture_tests::traffic::{self, Side, Volume};

use crate::frames::{self, SYN};
use crate::pcapng;
use crate::run::Run;
use crate::wire::{Wire, flush};

const DOWNLOAD: Volume = Volume {
    request_bytes: 100,
    response_bytes: 4_000_000,
};

/// Option codes of draft-ietf-opsawg-pcapng, sections 4.3 and 4.6.
const EPB_DROPCOUNT: u16 = 4;
const ISB_IFRECV: u16 = 4;
const ISB_OSDROP: u16 = 7;
const ISB_USRDELIV: u16 = 8;

/// The generator on a host of the lab; the frames come out of its interface. At 100,000 a second a
/// veth loses none, even where another CPU polls it.
fn send(host: &Host, generator: &mut Generator, frames: u64, rate: u64) -> Result<()> {
    host.namespace.enter(|| {
        let index = iface::find(host.interface)?.index;
        generator.send(index, frames, Some(rate))?;
        Ok(())
    })
}

#[test]
fn tracked_not_ip_and_malformed_are_told_apart() -> Result<()> {
    let lab = Lab::new()?;
    // What the hosts say on their own, such as router solicitations, is IP and well formed.
    let run = Run::start(
        &lab.client,
        // The frames are made by hand, without checksums.
        &["--direction", "in", "--ignore-checksums"],
    )?;
    let wire = Wire::open(&lab.server)?;
    let good = frames::ipv4(frames::TCP, &[], (1, 0), &frames::tcp(1000, 80, SYN));
    let arp = frames::arp();
    let unknown = frames::ethernet(0x88b5, &[0; 50]);
    let change = |at: usize, value: u8| {
        let mut frame = good.clone();
        frame[at] = value;
        frame
    };
    let malformed = [
        // A header of three words (RFC 791: the minimum is five).
        change(14, 0x43),
        // Version 5 behind the type of version 4.
        change(14, 0x55),
        // The total length ends within the IP header.
        change(17, 19),
        // The total length ends within the TCP header.
        change(17, 30),
        // A TCP header of four words (RFC 9293: the minimum is five).
        change(14 + 20 + 12, 0x40),
        // The frame ends within the IP header, and within the TCP header.
        good[..14 + 12].to_vec(),
        good[..14 + 20 + 10].to_vec(),
        // Version 4 behind the type of version 6.
        frames::ethernet(0x86dd, &[0x45; 60]),
    ];
    for frame in &malformed {
        wire.send(frame)?;
    }
    for _ in 0..5 {
        wire.send(&good)?;
        wire.send(&arp)?;
        wire.send(&unknown)?;
    }
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    assert_eq!(
        report.row("delivered", "malformed")?,
        malformed.len() as u64
    );
    assert_eq!(report.kernel("malformed"), malformed.len() as u64);
    let arps = report.kernel("arp");
    assert!(
        arps >= 5,
        "the hosts ask for each other's addresses as well"
    );
    assert_eq!(report.kernel("other_net"), 5);
    assert_eq!(report.row("delivered", "not IP")?, arps + 5);
    let ip = report.kernel("ipv4") + report.kernel("ipv6");
    assert_eq!(
        report.row("delivered", "tracked")?,
        ip - malformed.len() as u64
    );
    // Of the ends that the good ones name there is one record, of the good ones alone.
    let ends = [(frames::SRC_V4, 1000).into(), (frames::DST_V4, 80).into()];
    assert_eq!(report.record("tcp", ends)?.number("initiator_packets"), 5);
    Ok(())
}

#[test]
fn a_snap_length_within_the_headers_leaves_packets_untracked_but_counted() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--snaplen", "20"])?;
    traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    traffic::ping(&lab, Family::Ipv6, 3)?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;
    let ip = report.kernel("ipv4") + report.kernel("ipv6");
    assert_eq!(report.row("delivered", "cut by snaplen")?, ip);
    assert_eq!(report.row("delivered", "tracked")?, 0);
    assert_eq!(report.kernel("snapped"), report.kernel("packets"));
    // The kernel counts before it cuts.
    let counted = ["syn", "syn_ack", "fin"].map(|counter| report.kernel(counter));
    assert_eq!(counted, [1, 1, 2]);
    let packets = report.packets()?.packets;
    assert!(packets.iter().all(|packet| packet.data.len() == 20));
    assert_eq!(
        packets
            .iter()
            .map(|packet| u64::from(packet.wire_len))
            .sum::<u64>(),
        report.kernel("bytes")
    );
    Ok(())
}

#[test]
fn a_count_ends_the_capture_with_exactly_so_many_packets() -> Result<()> {
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["--count", "10", "--workers", "2"])?;
    traffic::closed(&lab, Family::Ipv4, Side::Client, DOWNLOAD)?;
    let report = run.wait()?;
    report.assert_lossless()?;
    assert_eq!(report.packets()?.packets.len(), 10);
    let past = report.row("delivered", "past --count")?;
    assert_eq!(report.stage("delivered")?.0, 10 + past);
    Ok(())
}

#[test]
fn a_file_that_is_large_enough_ends_the_capture() -> Result<()> {
    const MOST: u64 = 200_000;
    let lab = Lab::new()?;
    let run = Run::start(&lab.client, &["-a", "filesize:200", "-a", "duration:1h"])?;
    traffic::closed(&lab, Family::Ipv4, Side::Client, DOWNLOAD)?;
    let report = run.wait()?;
    report.assert_closed()?;
    assert!(report.ended.status.success(), "{:?}", report.ended);
    let skipped = report.row("packets to write", "not asked for")?;
    assert!(skipped > 0, "{}", report.ledger);
    let written = report.row("packets to write", "written")?;
    let file = report.packets()?;
    assert_eq!(file.packets.len() as u64, written);
    let bytes: usize = file.packets.iter().map(|packet| packet.data.len()).sum();
    assert!(
        (bytes as u64) < MOST && bytes as u64 > MOST / 2,
        "{bytes} of {MOST}"
    );
    Ok(())
}

#[test]
fn a_full_ring_loses_packets_that_are_all_counted() -> Result<()> {
    let settings = GeneratorSettings {
        flows: 50,
        session_frames: 12,
        reset_every: 3,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
    // The smallest ring there is, and nobody who empties it.
    let run = Run::start(
        &lab.client,
        &["--ring-size", "1", "--workers", "1", "--direction", "in"],
    )?;
    run.signal(Signal::Stop)?;
    send(&lab.server, &mut generator, 60_000, 100_000)?;
    run.signal(Signal::Continue)?;
    // Packets that come after the loss tell of it, each of its own CPU; slowly, so that they find room.
    for cpu in 0..thread::available_parallelism()?.get() {
        generator = generator.on_cpu(cpu);
        send(&lab.server, &mut generator, 1_000, 2_000)?;
    }
    let sent = generator.counters()?;
    let report = run.end()?;
    report.assert_closed()?;
    assert!(report.ended.status.success(), "a loss is no failure");

    let lost = report.row("seen", "ring full")?;
    assert!(lost > 50_000, "256 KiB hold some two thousand records");
    assert_eq!(report.ledger["lost"], lost);
    // Before any loss the kernel counts everything.
    let counted = ["tcp", "syn", "syn_ack", "fin", "rst"].map(|counter| report.kernel(counter));
    assert_eq!(
        counted,
        [sent.frames, sent.syn, sent.syn_ack, sent.fin, sent.rst]
    );

    let file = report.packets()?;
    let told: u64 = file
        .packets
        .iter()
        .filter_map(|packet| packet.options.number(EPB_DROPCOUNT))
        .sum();
    assert_eq!(
        told, lost,
        "each loss is told by the packet that follows it"
    );
    let statistics = &file.statistics[0].options;
    assert_eq!(statistics.number(ISB_OSDROP), Some(lost));
    assert_eq!(
        statistics.number(ISB_IFRECV),
        Some(report.kernel("packets"))
    );
    assert_eq!(
        statistics.number(ISB_USRDELIV),
        Some(file.packets.len() as u64)
    );
    Ok(())
}

/// A file system of a given size; gone when this is dropped.
struct SmallDisk {
    mounted_at: tempfile::TempDir,
    /// Where its bytes are, if they are in a file.
    _image: Option<tempfile::NamedTempFile>,
}

impl SmallDisk {
    /// In memory.
    fn in_memory(size: &str) -> Result<Self> {
        let mounted_at = tempfile::tempdir()?;
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(mounted_at.path());
        oracle::output(&mut mount)?;
        Ok(Self {
            mounted_at,
            _image: None,
        })
    }

    /// On a device, which can be written past the page cache.
    fn on_device(bytes: u64) -> Result<Self> {
        let (mounted_at, image) = (tempfile::tempdir()?, tempfile::NamedTempFile::new()?);
        image.as_file().set_len(bytes)?;
        let mut format = Command::new("mkfs.ext4");
        format
            .args(["-q", "-F", "-m", "0", "-O", "^has_journal"])
            .arg(image.path());
        oracle::output(&mut format)?;
        let mut mount = Command::new("mount");
        mount
            .args(["-o", "loop"])
            .args([image.path(), mounted_at.path()]);
        oracle::output(&mut mount)?;
        Ok(Self {
            mounted_at,
            _image: Some(image),
        })
    }

    fn path(&self) -> &Path {
        self.mounted_at.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.path()).status());
    }
}

#[test]
fn a_log_that_is_full_does_not_end_the_capture() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let packets = folder.path().join("packets.pcapng");
    let mut command = lab.client.namespace.command("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" > /dev/full"])
        .arg(program::locate()?)
        .args(["live", "-i", lab.client.interface, "-w"])
        .arg(&packets);
    let mut program = Program::start_capturing(&mut command)?;
    program.wait_for_line("capture: the line a second cannot be written")?;
    // Behind the first line that could not be written.
    traffic::closed(&lab, Family::Ipv4, Side::Client, Volume::default())?;
    program.signal(Signal::Interrupt)?;
    let ended = program.wait()?;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    // Three packets open a connection, and three close it.
    let packets = pcapng::File::read(&packets)?.packets.len();
    assert!(packets >= 6, "{packets}");
    Ok(())
}

#[test]
fn a_full_disk_ends_the_file_and_not_the_capture() -> Result<()> {
    ends_the_file_alone(&SmallDisk::in_memory("1m")?)
}

#[test]
fn a_full_disk_that_is_written_past_the_page_cache_does_too() -> Result<()> {
    if !oracle::require(&["mkfs.ext4"]) {
        return Ok(());
    }
    ends_the_file_alone(&SmallDisk::on_device(2 << 20)?)
}

/// Captures more than there is room for.
fn ends_the_file_alone(disk: &SmallDisk) -> Result<()> {
    if !oracle::require(&["capinfos"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    let packets = disk.path().join("packets.pcapng");
    let run = Run::start_with(
        &lab.client.namespace,
        &["-i", lab.client.interface],
        tempfile::tempdir()?,
        packets.clone(),
    )?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, DOWNLOAD)?;
    flush(&lab)?;
    let report = run.end()?;
    assert_eq!(report.ended.status.code(), Some(1), "{:?}", report.ended);
    report.assert_closed()?;
    assert!(
        report.ended.stderr.contains("No space left on device"),
        "{}",
        report.ended.stderr
    );
    let failed = report.row("packets to write", "disk error")?;
    assert!(failed > 0);
    // Records are on another disk: the connection is there from its beginning to its end.
    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.text("outcome"), Some("closed"));
    assert!(record.number("responder_bytes") > DOWNLOAD.response_bytes as u64);
    // As many as the ledger says are in the file, and all of them whole.
    let file = pcapng::File::read(&packets)?;
    assert_eq!(
        file.packets.len() as u64,
        report.row("packets to write", "written")?
    );
    let mut capinfos = Command::new("capinfos");
    capinfos.args(["-c", "-M"]).arg(&packets);
    let text = oracle::output(&mut capinfos)?;
    assert!(
        text.contains(&format!(" {}\n", file.packets.len())),
        "{text}"
    );
    Ok(())
}

/// A pipe with a name, in a folder of its own; the reader is there and does not read.
pub(crate) fn pipe_without_reader(folder: &Path) -> Result<(PathBuf, File)> {
    let path = folder.join("packets.pcapng");
    let mut mkfifo = Command::new("mkfifo");
    mkfifo.arg(&path);
    oracle::output(&mut mkfifo)?;
    // Opening one end waits for the other, but not where both are opened at once.
    let both = File::options().read(true).write(true).open(&path)?;
    let reader = File::open(&path)?;
    drop(both);
    Ok((path, reader))
}

#[test]
fn a_slow_disk_loses_packets_that_are_all_counted() -> Result<()> {
    let lab = Lab::new()?;
    let folder = tempfile::tempdir()?;
    let (pipe, mut reader) = pipe_without_reader(folder.path())?;
    let run = Run::start_with(
        &lab.client.namespace,
        &[
            "-i",
            lab.client.interface,
            "--overwrite",
            "--write-buffer",
            "64KiB",
            "--workers",
            "1",
        ],
        tempfile::tempdir()?,
        pipe,
    )?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, DOWNLOAD)?;
    flush(&lab)?;
    run.signal(Signal::Interrupt)?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let report = run.wait()?;
    report.assert_closed()?;
    assert!(report.ended.status.success(), "{:?}", report.ended);
    let overflowed = report.row("packets to write", "disk too slow")?;
    assert!(overflowed > 0);
    assert_eq!(report.ledger["lost"], overflowed);
    let file = pcapng::File::parse(&bytes)?;
    assert_eq!(
        file.packets.len() as u64,
        report.row("packets to write", "written")?
    );
    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.text("outcome"), Some("closed"));
    Ok(())
}
