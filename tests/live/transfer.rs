//! A download, super-frames of segmentation offload included: every packet of it is in the file, and
//! the record, tshark and what was sent agree.

use anyhow::{Context as _, Result};
use capture_tests::netns::{Family, Lab};
use capture_tests::oracle;
use capture_tests::traffic::{self, Done, Side, Volume};

use crate::pcapng::File;
use crate::run::{Report, Run};
use crate::wire::flush;

const DOWNLOAD: Volume = Volume {
    request_bytes: 1_000,
    response_bytes: 20_000_000,
};

/// Room for all of it, however slow the disk is.
const ROOM: [&str; 4] = ["--ring-size", "256MiB", "--write-buffer", "256MiB"];

/// Payload bytes from `from` without repetition, as a receiver would put them together.
fn payload(report: &Report, from: u16) -> Result<u64> {
    let filter = format!("tcp.srcport == {from} && tcp.len > 0");
    let rows = oracle::tshark_fields(&report.packets_path(), &filter, &["tcp.seq", "tcp.len"])?;
    let mut pieces = rows
        .iter()
        .map(|row| Ok((row[0].parse::<u64>()?, row[1].parse::<u64>()?)))
        .collect::<Result<Vec<_>>>()?;
    pieces.sort_unstable();
    let mut end = 1;
    for (seq, len) in pieces {
        assert!(seq <= end, "a gap before relative sequence number {seq}");
        end = end.max(seq + len);
    }
    Ok(end - 1)
}

/// Packets and bytes that each end sent, as `tshark -z conv,tcp` adds them up: the one that it names
/// first, then the other. The bytes are in steps of the second value.
struct Conversation {
    frames: [u64; 2],
    bytes: [(u64, u64); 2],
}

fn conversation(report: &Report, first: &Done) -> Result<Conversation> {
    let mut tshark = std::process::Command::new("tshark");
    tshark
        .args(["-n", "-q", "-z", "conv,tcp", "-r"])
        .arg(report.packets_path());
    let text = oracle::output(&mut tshark)?;
    let client = format!("{}:{}", first.client.ip(), first.client.port());
    // `client <-> server  frames bytes unit  frames bytes unit  …`: to the left, then to the right.
    let line = text
        .lines()
        .find(|line| line.contains("<->") && line.contains(&client))
        .with_context(|| format!("tshark says: {text}"))?;
    let words: Vec<_> = line.split_whitespace().collect();
    let number = |at: usize| -> Result<u64> { Ok(words[at].replace(',', "").parse()?) };
    let bytes = |at: usize| -> Result<(u64, u64)> {
        let step = match words[at + 1] {
            "bytes" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            unit => anyhow::bail!("unit {unit} in {line}"),
        };
        Ok((number(at)? * step, step))
    };
    let (left, right) = ((number(3)?, bytes(4)?), (number(6)?, bytes(7)?));
    let (client_sent, server_sent) = if words[0] == client {
        (right, left)
    } else {
        (left, right)
    };
    Ok(Conversation {
        frames: [client_sent.0, server_sent.0],
        bytes: [client_sent.1, server_sent.1],
    })
}

/// Downloads with the capture on one side. The sender's stack hands over super-frames, so that is what
/// is seen there; where an XDP program is attached a veth lets none of them in.
fn a_transfer_is_complete(family: Family, side: Side, workers: &str) -> Result<()> {
    let lab = Lab::new()?;
    let host = match side {
        Side::Client => &lab.client,
        Side::Server => &lab.server,
    };
    let mut arguments = ROOM.to_vec();
    arguments.extend(["--workers", workers]);
    let run = Run::start(host, &arguments)?;
    let done = traffic::closed(&lab, family, Side::Client, DOWNLOAD)?;
    flush(&lab)?;
    let report = run.end()?;
    report.assert_lossless()?;

    assert_eq!(payload(&report, done.server.port())?, done.response_bytes);
    assert_eq!(payload(&report, done.client.port())?, done.request_bytes);

    let file = report.packets()?;
    let super_frames = file.packets.iter().any(|packet| packet.wire_len > 1_514);
    assert_eq!(super_frames, side == Side::Server);
    assert!(
        file.packets
            .iter()
            .all(|packet| packet.data.len() == packet.wire_len as usize),
        "without --snaplen packets are whole"
    );

    let record = report.record("tcp", [done.client, done.server])?;
    assert_eq!(record.initiator(), Some(done.client));
    assert_eq!(record.text("outcome"), Some("closed"));
    let theirs = conversation(&report, &done)?;
    for (role, port, (frames, (bytes, step))) in [
        (
            "initiator",
            done.client.port(),
            (theirs.frames[0], theirs.bytes[0]),
        ),
        (
            "responder",
            done.server.port(),
            (theirs.frames[1], theirs.bytes[1]),
        ),
    ] {
        let ours = record.number(&format!("{role}_bytes"));
        assert_eq!(record.number(&format!("{role}_packets")), frames, "{role}");
        assert!(ours.abs_diff(bytes) < step, "{role}: {ours} and {bytes}");
        // What `conv,tcp` rounds, the frames themselves do not.
        let filter = format!("tcp.srcport == {port}");
        let lengths = oracle::tshark_fields(&report.packets_path(), &filter, &["frame.len"])?;
        let sum: u64 = lengths
            .iter()
            .map(|row| Ok(row[0].parse::<u64>()?))
            .sum::<Result<u64>>()?;
        assert_eq!(ours, sum, "{role}");
    }
    Ok(())
}

#[test]
fn every_packet_that_a_receiver_gets_is_in_the_file() -> Result<()> {
    if !oracle::require(&["tshark"]) {
        return Ok(());
    }
    a_transfer_is_complete(Family::Ipv4, Side::Client, "1")
}

#[test]
fn every_super_frame_of_a_sender_is_in_the_file() -> Result<()> {
    if !oracle::require(&["tshark"]) {
        return Ok(());
    }
    a_transfer_is_complete(Family::Ipv4, Side::Server, "1")
}

#[test]
fn two_workers_do_not_tear_a_download_apart() -> Result<()> {
    if !oracle::require(&["tshark"]) {
        return Ok(());
    }
    a_transfer_is_complete(Family::Ipv6, Side::Server, "2")
}

#[test]
fn files_in_a_row_hold_the_whole_transfer() -> Result<()> {
    /// Bytes of a file, as `-b filesize:500` has them.
    const MOST: u64 = 500_000;
    let lab = Lab::new()?;
    let mut arguments = ROOM.to_vec();
    arguments.extend(["--workers", "2", "-b", "filesize:500"]);
    let run = Run::start(&lab.client, &arguments)?;
    let done = traffic::closed(&lab, Family::Ipv4, Side::Client, DOWNLOAD)?;
    flush(&lab)?;
    let report = run.end()?;
    assert!(report.ended.status.success(), "{:?}", report.ended);
    assert_eq!(report.ledger["lost"], 0, "{}", report.ledger);

    let folder = report.packets_path();
    let folder = folder.parent().context("a folder")?;
    let mut paths = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pcapng"));
    paths.sort();
    assert!(paths.len() > DOWNLOAD.response_bytes / MOST as usize);
    let (mut packets, mut wire_bytes) = (0, 0);
    for path in &paths {
        assert!(path.metadata()?.len() <= MOST, "{}", path.display());
        let rows = oracle::tshark_fields(path, "tcp", &["frame.len"])?;
        for row in &rows {
            wire_bytes += row[0].parse::<u64>()?;
        }
        packets += File::read(path)?.packets.len() as u64;
    }
    assert_eq!(report.row("packets to write", "written")?, packets);
    let record = report.record("tcp", [done.client, done.server])?;
    let counted = record.number("initiator_bytes") + record.number("responder_bytes");
    assert_eq!(wire_bytes, counted);
    Ok(())
}
