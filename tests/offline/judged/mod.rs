//! Captures that nobody wrote down, in every field, against what tshark says of them.
//!
//! - `conversations.rs` random TCP conversations, with one pass and with two
//! - `packets.rs` random packets of the layers below, whole, cut short and damaged
//! - `fragments.rs` datagrams in pieces that overlap, contradict each other and come again
//! - `frames.rs` Ethernet with tags, lengths, LLC, padding and trailers
//! - `names.rs` messages of DNS
//! - `services.rs` what is asked of the services of a network
//! - `ssh.rs` sessions of SSH
//! - `streams.rs` applications by port and beginning, and streams that turn into others
//! - `tables.rs` logins, names of hosts, fields in the list, members of JSON
//!
//! `CAPTURE_JUDGED_PACKETS` and `CAPTURE_JUDGED_SEED` ask for more, and for others.

mod conversations;
mod fragments;
mod frames;
mod names;
mod packets;
mod services;
mod ssh;
mod streams;
mod tables;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use capture_tests::oracle::output;
use capture_tests::program::locate;

/// What separates cells: no value has it.
const SEPARATOR: char = '\u{1}';

const PROTOCOLS: &str = "frame.protocols";

/// Differences that a failing test prints.
const SHOWN: usize = 12;

/// A number that the environment can replace.
fn setting(name: &str, usual: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Fields of these protocols that both know.
fn fields(fronts: &[&str], program: &Path) -> Vec<String> {
    let theirs = output(Command::new("tshark").args(["-G", "fields"])).unwrap();
    let theirs: BTreeSet<_> = theirs
        .lines()
        .filter(|line| line.starts_with("F\t"))
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    let ours = output(Command::new(program).arg("fields")).unwrap();
    let ours: BTreeSet<_> = ours
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| {
            let front = name.split_once('.').map_or(*name, |(front, _)| front);
            fronts.contains(&front) && theirs.contains(name)
        })
        .collect();
    ours.into_iter().map(str::to_owned).collect()
}

/// What a program prints of a capture: a row for each frame, a cell for each field.
fn table(mut command: Command, file: &Path, options: &[&str], fields: &[String]) -> Vec<String> {
    command.arg("-n").args(options).arg("-r").arg(file);
    command.args(["-T", "fields", "-E"]);
    command.arg(format!("separator={SEPARATOR}"));
    for field in fields {
        command.args(["-e", field]);
    }
    let text = command.output().unwrap().stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// Every cell of a capture that differs, as text; `is_excused` is told the protocols of the frame, the
/// field, and tshark's value and ours.
fn differences(
    file: &Path,
    options: &[&str],
    fields: &[String],
    is_excused: impl Fn(&str, &str, [&str; 2]) -> bool,
) -> Vec<String> {
    let program = locate().unwrap();
    // A field that is asked for twice, tshark gives once.
    let mut asked = vec![PROTOCOLS.to_owned()];
    asked.extend(fields.iter().filter(|field| *field != PROTOCOLS).cloned());
    let theirs = table(Command::new("tshark"), file, options, &asked);
    let mut command = Command::new(program);
    command.arg("read");
    let ours = table(command, file, options, &asked);
    assert!(!theirs.is_empty(), "tshark says nothing");
    assert_eq!(theirs.len(), ours.len(), "frames");
    let mut found = Vec::new();
    for (number, (theirs, ours)) in (1..).zip(theirs.iter().zip(&ours)) {
        let (theirs, ours): (Vec<_>, Vec<_>) = (
            theirs.split(SEPARATOR).collect(),
            ours.split(SEPARATOR).collect(),
        );
        assert_eq!(theirs.len(), ours.len(), "cells of frame {number}");
        let protocols = theirs[0];
        for ((field, theirs), ours) in asked.iter().zip(theirs.iter()).zip(&ours) {
            if theirs != ours && !is_excused(protocols, field, [theirs, ours]) {
                found.push(format!(
                    "frame {number} ({protocols}) {field}\n  tshark  {theirs}\n  capture {ours}"
                ));
            }
        }
    }
    found
}

/// Fails with the first differences.
fn expect_none(found: &[String], file: &Path) {
    let first: Vec<_> = found.iter().take(SHOWN).cloned().collect();
    let shown = first.join("\n");
    assert!(
        found.is_empty(),
        "{}: {} cells differ\n{shown}",
        file.display(),
        found.len()
    );
}

/// A capture in a folder of its own, as a file: link type, and packets with their times in nanoseconds,
/// what was captured of them, and their lengths.
fn write(folder: &Path, link: u32, packets: &[(u64, Vec<u8>, u32)]) -> std::path::PathBuf {
    let mut bytes = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    bytes.extend(link.to_le_bytes());
    for (at, data, wire_len) in packets {
        let (secs, nanos) = (at / 1_000_000_000, at % 1_000_000_000);
        for field in [secs as u32, nanos as u32, data.len() as u32, *wire_len] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(data);
    }
    let path = folder.join(format!("link-{link}.pcap"));
    std::fs::write(&path, bytes).unwrap();
    path
}
