//! The times of packets: true whether or not frames of one poll share a reading of the clock.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use capture::iface;
use capture_common::{GeneratorSettings, Settings};
use capture_tests::generator::{Generator, OBJECT};
use capture_tests::netns::{Lab, Namespace};
use capture_tests::oracle;

use crate::frames;
use crate::run::{Report, Run};
use crate::wire::{Tunnel, send_frames};

/// How far the calendar and the clock that is read in the kernel can be apart, measured from outside.
const SLACK_NS: u64 = 20_000;
/// Frames that come one by one, some microseconds apart: eight times that is well above the slack.
const FRAMES: usize = 100;

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64)
}

/// The times of the packets whose frames are these, in the order of the file.
fn times(report: &Report, sent: &[u8]) -> Result<Vec<u64>> {
    let packets = report.packets()?.packets;
    let ours = packets.iter().filter(|packet| packet.data == sent);
    Ok(ours.map(|packet| packet.ts).collect())
}

/// No packet is older than what was written down before it was sent.
fn assert_true(times: &[u64], before: &[u64]) {
    assert_eq!(times.len(), before.len());
    for (number, (&time, &before)) in times.iter().zip(before).enumerate() {
        assert!(
            time + SLACK_NS >= before,
            "frame {number} was sent {} ns after its time",
            before - time
        );
    }
}

#[test]
fn what_comes_in_polls_of_its_own_has_times_of_its_own() -> Result<()> {
    let frame = frames::arp();
    for how in [&["--tap"][..], &["--tap", "--af-xdp"], &["-Q", "in"]] {
        let lab = Lab::new()?;
        let run = Run::start(&lab.client, how)?;
        let mut before = Vec::new();
        for _ in 0..FRAMES {
            before.push(now()?);
            // Returns when the frame has arrived, which is when the poll that takes it is on its way.
            send_frames(&lab.server, std::slice::from_ref(&frame))?;
        }
        let report = run.end()?;
        assert_true(&times(&report, &frame)?, &before);
    }
    Ok(())
}

#[test]
fn what_comes_without_polls_has_times_of_its_own() -> Result<()> {
    if !Path::new("/dev/net/tun").exists() {
        oracle::skip("no /dev/net/tun");
        return Ok(());
    }
    let frame = frames::ipv4(frames::TCP, &[], (1, 0), &frames::tcp(1, 80, frames::SYN));
    let packet = &frame[14..];
    let namespace = Namespace::new()?;
    let mut tunnel = Tunnel::open(&namespace, "tun0")?;
    namespace.ip(&["link", "set", "tun0", "up"])?;
    let run = Run::start_in(&namespace, &["-i", "tun0", "--tap"])?;
    let mut before = Vec::new();
    for _ in 0..FRAMES {
        before.push(now()?);
        tunnel.send(packet)?;
        // A system call for each, so that eight of them take more than the slack.
        std::fs::read("/proc/net/dev")?;
    }
    let report = run.end()?;
    assert_true(&times(&report, packet)?, &before);
    Ok(())
}

/// How many packets in a row have the same time: most, and on average.
fn in_a_row(arguments: &[&str]) -> Result<(usize, f64)> {
    const SENT: u64 = 10_000;
    let settings = GeneratorSettings {
        flows: 100,
        session_frames: 10,
        ..GeneratorSettings::UNPATCHED
    };
    let lab = Lab::new()?;
    let mut generator = Generator::load(OBJECT, settings)?.on_cpu(0);
    // No frame but the generator's, and no other CPU's in between.
    let filter = ["--workers", "1", "-f", "tcp"];
    let run = Run::start(&lab.client, &[&["--tap"], arguments, &filter].concat())?;
    // As fast as they go, many at a time.
    lab.server.namespace.enter(|| {
        let index = iface::find(lab.server.interface)?.index;
        Ok(generator.send(index, SENT, None)?)
    })?;
    let packets = run.end()?.packets()?.packets;
    assert!(packets.len() as u64 > SENT / 2, "{}", packets.len());
    let times: Vec<_> = packets.iter().map(|packet| packet.ts).collect();
    let rows: Vec<_> = times
        .chunk_by(|one, next| one == next)
        .map(<[u64]>::len)
        .collect();
    let most = rows.iter().copied().max().unwrap_or(0);
    Ok((most, times.len() as f64 / rows.len() as f64))
}

#[test]
fn frames_of_one_poll_share_a_time_unless_it_is_to_be_their_own() -> Result<()> {
    let (most, average) = in_a_row(&[])?;
    assert_eq!(most as u64, Settings::FRAMES_OF_A_READING);
    assert!(average > 2.0, "{average} in a row");
    for own in [
        &["--time-stamp-type", "host_hiprec"][..],
        &["--pass-unmatched"],
    ] {
        assert_eq!(in_a_row(own)?, (1, 1.0), "{own:?}");
    }
    Ok(())
}
