//! `cargo xtask oracle tshark`: what `capture read` prints against what tshark prints, with the same
//! options: the list, and `-T fields` of all fields that both know of the protocols below the
//! applications.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use super::cells::{Cells, Known, Place};
use crate::ci::Verdict;
use crate::workspace::{cargo, output, root, run, target};

/// The share of cells that has to be equal.
const WANTED: f64 = 0.995;

/// What the list shows.
const COLUMNS: [&str; 7] = [
    "_ws.col.No.",
    "_ws.col.Time",
    "_ws.col.Source",
    "_ws.col.Destination",
    "_ws.col.Protocol",
    "_ws.col.Length",
    "_ws.col.Info",
];

/// Protocols whose fields are compared, by the front of their names.
const PROTOCOLS: [&str; 22] = [
    "frame",
    "eth",
    "vlan",
    "ieee8021ad",
    "arp",
    "ip",
    "ipv6",
    "icmp",
    "icmpv6",
    "igmp",
    "udp",
    "tcp",
    "llc",
    "sll",
    "null",
    "ppp",
    "pppoe",
    "mpls",
    "gre",
    "vxlan",
    "geneve",
    "gtp",
];

/// Fields of one call: tshark reads the file again for each.
const FIELDS_AT_ONCE: usize = 150;

/// Sets of options under which everything is compared: the defaults, and checksums checked.
const MODES: [(&str, &[&str]); 2] = [
    ("as it is", &["-n"]),
    (
        "checksums checked, two passes",
        &[
            "-n",
            "-2",
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
        ],
    ),
];

/// Compares, prints, and says whether it holds.
pub(crate) fn tshark(folder: Option<&Path>, program: Option<PathBuf>) -> Result<Verdict> {
    let files = captures(folder)?;
    let program = if let Some(program) = program {
        program
    } else {
        run(cargo().args(["build", "--release", "--package", "capture"]))?;
        target()?.join("release/capture")
    };
    let known = Known::read(&root().join("tests/oracle/tshark-differences.tsv"))?;
    let fields = fields(&program)?;
    println!("{} captures, {} fields", files.len(), fields.len());
    let mut holds = true;
    for (mode, options) in MODES {
        let mut cells = Cells::default();
        for file in &files {
            for some in fields.chunks(FIELDS_AT_ONCE) {
                compare(&program, file, options, some, &known, &mut cells)?;
            }
        }
        holds &= print(mode, &cells);
    }
    println!("{}", if holds { "holds" } else { "does NOT hold" });
    Ok(if holds {
        Verdict::Held
    } else {
        Verdict::Failed
    })
}

/// The captures of a folder and the folders in it, or the one that is named.
fn captures(asked: Option<&Path>) -> Result<Vec<PathBuf>> {
    let folder = asked.map_or_else(
        || {
            env::var_os("CAPTURE_SHARED")
                .map_or_else(|| root().join("../shared"), PathBuf::from)
                .join("captures")
        },
        Path::to_path_buf,
    );
    let mut found = Vec::new();
    let mut rest = vec![folder.clone()];
    while let Some(path) = rest.pop() {
        let kind = fs::metadata(&path).with_context(|| path.display().to_string())?;
        if kind.is_dir() {
            let entries = fs::read_dir(&path).with_context(|| path.display().to_string())?;
            for entry in entries {
                rest.push(entry?.path());
            }
            continue;
        }
        let name = path.to_string_lossy();
        if [".pcap", ".pcapng", ".pcap.gz", ".cap"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!(
            "{}: no captures; name a folder, or set CAPTURE_SHARED",
            folder.display()
        );
    }
    found.sort();
    Ok(found)
}

/// The columns, and the fields that both know.
fn fields(program: &Path) -> Result<Vec<String>> {
    let theirs = output(
        Command::new("tshark")
            .args(["-G", "fields"])
            .stdin(Stdio::null()),
    )?;
    let theirs: BTreeSet<_> = theirs
        .lines()
        .filter(|line| line.starts_with("F\t"))
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    let ours = output(Command::new(program).arg("fields").stdin(Stdio::null()))?;
    let ours: BTreeSet<_> = ours
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| {
            let front = name.split_once('.').map_or(*name, |(front, _)| front);
            PROTOCOLS.contains(&front)
        })
        .filter(|name| theirs.contains(name))
        // Asked for anyway, to tell where a cell stands.
        .filter(|name| !["frame.number", "frame.protocols"].contains(name))
        .collect();
    let columns = COLUMNS.iter().copied();
    Ok(columns.chain(ours).map(str::to_owned).collect())
}

/// What separates cells: no value has it.
const SEPARATOR: char = '\u{1}';

fn compare(
    program: &Path,
    file: &Path,
    options: &[&str],
    fields: &[String],
    known: &Known,
    cells: &mut Cells,
) -> Result<()> {
    let theirs = table(Command::new("tshark"), file, options, fields)?;
    let mut command = Command::new(program);
    command.arg("read");
    let ours = table(command, file, options, fields)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if theirs.len() != ours.len() {
        println!(
            "{name}: {} frames by tshark, {} by capture",
            theirs.len(),
            ours.len()
        );
    }
    for (theirs, ours) in theirs.iter().zip(&ours) {
        let (theirs, ours): (Vec<_>, Vec<_>) = (
            theirs.split(SEPARATOR).collect(),
            ours.split(SEPARATOR).collect(),
        );
        let [frame, protocols, ..] = theirs.as_slice() else {
            continue;
        };
        for (field, (theirs, ours)) in fields.iter().zip(theirs.iter().zip(&ours).skip(2)) {
            let place = Place {
                file: &name,
                frame,
                protocols,
                field,
            };
            cells.add(&place, known, theirs, ours);
        }
    }
    Ok(())
}

/// The lines that a program prints of a file; what it says of a damaged end is another test's subject.
fn table(
    mut command: Command,
    file: &Path,
    options: &[&str],
    fields: &[String],
) -> Result<Vec<String>> {
    command.args(options).arg("-r").arg(file);
    command.args(["-T", "fields", "-E"]);
    command.arg(format!("separator={SEPARATOR}"));
    command.args(["-e", "frame.number", "-e", "frame.protocols"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let printed = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

/// Prints what was counted, and says whether it is enough.
fn print(mode: &str, cells: &Cells) -> bool {
    let (all, equal, known) = cells.sums();
    let share = share(equal + known, all);
    println!(
        "\n{mode}: {equal} of {all} cells are equal, {known} differ for a known reason: {:.4} %",
        share * 100.0
    );
    for (field, count) in &cells.fields {
        let different = count.cells - count.equal - count.known;
        if different == 0 {
            continue;
        }
        let part = self::share(count.equal + count.known, count.cells);
        println!("  {field}: {:.3} %, {different} differ", part * 100.0);
        for difference in &count.first {
            println!("      {difference}");
        }
    }
    share >= WANTED
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are fewer cells than 2^53"
)]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
