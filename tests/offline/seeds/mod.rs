//! The seed captures, row by row: what three tutorials show of a handshake, a closing, an address
//! resolution and a reset, each row with its value as the tutorials have it, and corrected where their
//! authors misprinted it. The captures are made from their numbers.
//!
//! - `details.rs` lines of `-V`, and whole trees
//! - `fields.rs` values of fields, frame by frame
//! - `views.rs` lists, choices, exports, statistics and pictures

mod details;
mod fields;
mod views;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use capture_tests::oracle::require_shared;
use capture_tests::program;

/// Three frames: SYN, SYN-ACK, ACK.
const HANDSHAKE: &str = "seed000-tcp-handshake.pcapng";
/// Four frames: FIN and ACK of both sides.
const CLOSING: &str = "seed000-tcp-break.pcapng";
/// 431 frames, with both at 70, 73, 74 and 428 to 431.
const SESSION: &str = "seed000-session-431.pcapng";
/// Five frames, of which the last one is a reset.
const RESET: &str = "seed002-frame5.pcapng";
/// Address resolution, then a handshake.
const RESOLUTION: &str = "seed003-arp-3whs.pcapng";
/// The same with an acknowledgment that is one too low.
const WRONG_ACK: &str = "seed003-wrong-ack.pcapng";

/// Checksums are checked.
const CHECKED: [&str; 6] = [
    "-o",
    "ip.check_checksum:TRUE",
    "-o",
    "udp.check_checksum:TRUE",
    "-o",
    "tcp.check_checksum:TRUE",
];

/// The folder of the seeds, if there is one.
fn seeds() -> Option<PathBuf> {
    let folder = require_shared()?.join("captures/seeds");
    let is_there = folder.join(SESSION).is_file();
    assert!(is_there, "{}: the seeds are not there", folder.display());
    Some(folder)
}

/// Runs a command of the program on a file.
fn run(command: &str, file: &Path, arguments: &[&str]) -> Output {
    Command::new(program::locate().unwrap())
        .arg(command)
        .arg(file)
        .args(arguments)
        .output()
        .unwrap()
}

/// What `capture read` prints of a file.
fn read(file: &Path, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = run("read", file, arguments);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{arguments:?}: {stderr}");
    String::from_utf8_lossy(&stdout).into_owned()
}
