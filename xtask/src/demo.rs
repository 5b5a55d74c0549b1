//! The demo: real connections between two namespaces, the capture of them, and beside each thing
//! that was done what `capture` recorded of it.

use std::env;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use capture_tests::netns::{Family, Lab};
use capture_tests::program::{Ended, Program, Signal};
use capture_tests::traffic::{self, Done, Outcome, Protocol, Side, Volume};

use crate::records::{self, Record};

/// Times that each scenario runs over each family.
const ROUNDS: usize = 2;

/// Runs the demo with a built `capture`; its files go to `directory`, which is emptied first.
pub(crate) fn demo(program: &Path, directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("emptying {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;

    println!();
    println!(
        "Two network namespaces with a veth pair between them; nothing of the host is touched."
    );
    println!(
        "  client  198.51.100.1  2001:db8::1  {}",
        Lab::CLIENT_INTERFACE
    );
    println!(
        "  server  198.51.100.2  2001:db8::2  {}   <- captured here",
        Lab::SERVER_INTERFACE
    );
    let lab = Lab::new().context("the demo needs root and network namespaces")?;

    let mut command = lab.server.namespace.command(program);
    command
        .args(["live", "--iface", lab.server.interface, "--write"])
        .arg(directory);
    let mut capture = Program::start(&mut command)?;
    let ready = capture.wait_for_line(capture_tests::program::READY)?;
    println!();
    println!("capture: {ready}");

    let done = traffic(&lab)?;
    let ended = capture.end_by(Signal::Interrupt)?;
    drop(lab);
    hand_over(directory)?;

    show_output(&ended);
    if !ended.status.success() {
        bail!("capture ended with {}", ended.status);
    }
    let records = records::read(&directory.join("connections.csv"))?;
    let wrong = compare(&done, &records);
    show_files(program, directory)?;
    if wrong > 0 {
        bail!("{wrong} of {} records are not what was done", done.len());
    }
    Ok(())
}

/// All scenarios, in rounds, so that they mix in time.
fn traffic(lab: &Lab) -> Result<Vec<Done>> {
    let volume = Volume {
        request_bytes: 200,
        response_bytes: 50_000,
    };
    let datagrams = Volume {
        request_bytes: 40,
        response_bytes: 400,
    };
    let mut done = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for _ in 0..ROUNDS {
            for side in [Side::Client, Side::Server] {
                done.push(traffic::closed(lab, family, side, volume)?);
            }
            for side in [Side::Client, Side::Server] {
                done.push(traffic::reset(lab, family, side, volume)?);
            }
            done.push(traffic::refused(lab, family)?);
            done.push(traffic::datagrams(lab, family, datagrams)?);
        }
        done.push(traffic::unanswered(lab, family)?);
        done.push(traffic::ping(lab, family, 3)?);
    }
    Ok(done)
}

/// What capture said, after the line that it captures.
fn show_output(ended: &Ended) {
    let said = ended
        .stderr
        .lines()
        .skip_while(|line| !line.starts_with(capture_tests::program::READY))
        .skip(1);
    println!();
    for line in ended.stdout.lines().chain(said) {
        println!("  {line}");
    }
}

/// Shows what was done beside what was recorded; gives how many differ.
fn compare(done: &[Done], records: &[Record]) -> usize {
    println!();
    println!(
        "  {:<28} {:<5} {:<27} {:<27} {:<11} {:<11} packets",
        "what was done", "", "client", "server", "expected", "recorded"
    );
    let mut wrong = 0;
    for done in done {
        let found: Vec<_> = records
            .iter()
            .filter(|record| is_record_of(record, done))
            .collect();
        let (recorded, packets) = match found.as_slice() {
            [] => ("nothing".to_owned(), String::new()),
            [record] => (
                record.outcome.clone(),
                format!("{} + {}", record.packets.0, record.packets.1),
            ),
            several => (format!("{} records", several.len()), String::new()),
        };
        let mark = if recorded == done.expected.to_string() {
            Mark::Equal
        } else {
            wrong += 1;
            Mark::Different
        };
        println!(
            "{mark} {:<28} {:<5} {:<27} {:<27} {:<11} {recorded:<11} {packets}",
            done.name,
            done.protocol,
            endpoint(done.client),
            endpoint(done.server),
            done.expected
        );
    }
    let count = |outcome| done.iter().filter(|done| done.expected == outcome).count();
    println!();
    println!(
        "  {} closed, {} reset, {} refused, {} unanswered, {} answered without a connection: {}",
        count(Outcome::Closed),
        count(Outcome::Reset),
        count(Outcome::Refused),
        count(Outcome::Unanswered),
        count(Outcome::Answered),
        if wrong == 0 {
            "every record is what was done".to_owned()
        } else {
            format!("{wrong} records are WRONG")
        }
    );
    wrong
}

fn is_record_of(record: &Record, done: &Done) -> bool {
    match done.protocol {
        Protocol::Icmp => {
            record.protocol.starts_with("icmp")
                // Neighbor discovery is ICMP as well: port is the type, 8 and 128 are echo requests.
                && matches!(record.initiator.1, 8 | 128)
                && record.initiator.0 == done.client.ip()
                && record.responder.0 == done.server.ip()
        }
        Protocol::Tcp | Protocol::Udp => {
            record.protocol == done.protocol.to_string()
                && record.initiator == (done.client.ip(), done.client.port())
                && record.responder == (done.server.ip(), done.server.port())
        }
    }
}

fn endpoint(address: SocketAddr) -> String {
    if address.port() == 0 {
        address.ip().to_string()
    } else {
        address.to_string()
    }
}

enum Mark {
    Equal,
    Different,
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Equal => "✓",
            Self::Different => "✗",
        })
    }
}

/// Gives the files to who called sudo, so that `cargo clean` still works.
fn hand_over(directory: &Path) -> Result<()> {
    let id = |name| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    let (Some(user), Some(group)) = (id("SUDO_UID"), id("SUDO_GID")) else {
        return Ok(());
    };
    chown(directory, Some(user), Some(group))?;
    for entry in fs::read_dir(directory)? {
        chown(entry?.path(), Some(user), Some(group))?;
    }
    Ok(())
}

fn show_files(program: &Path, directory: &Path) -> Result<()> {
    let here = env::current_dir().unwrap_or_default();
    let short = |path: &Path| {
        path.strip_prefix(&here)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    println!();
    println!("Files:");
    for name in ["packets.pcapng", "connections.csv"] {
        let file = directory.join(name);
        let len = fs::metadata(&file)
            .with_context(|| format!("capture wrote no {}", file.display()))?
            .len();
        println!("  {}  {len} bytes", short(&file));
    }
    let packets = short(&directory.join("packets.pcapng"));
    println!();
    println!("Go on with:");
    println!("  tshark -r {packets} -q -z conv,tcp");
    println!("  {} flows {packets}", short(program));
    println!("  cargo xtask run -- --iface eth0 --duration 10s");
    Ok(())
}
