//! `cargo xtask oracle tshark`: what `capture read` prints against what tshark prints, with the same
//! options: the list, and `-T fields` of all fields that both know of the protocols below the
//! applications.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use anyhow::{Context as _, Result, anyhow, bail};

use super::cells::{Cells, Known, Place, Show};
use crate::ci::Verdict;
use crate::workspace::{cargo, output, root, run, target};

/// The share of cells that has to be equal.
const WANTED: f64 = 0.995;

/// What the list calls a frame.
const PROTOCOL_COLUMN: &str = "_ws.col.Protocol";

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

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All fields, in all modes.
    Fields,
    /// The list's columns, as they are.
    List,
}

impl From<bool> for Scope {
    fn from(is_list: bool) -> Self {
        if is_list { Self::List } else { Self::Fields }
    }
}

/// Compares, prints, and says whether it holds.
pub(crate) fn tshark(
    folder: Option<&Path>,
    program: Option<PathBuf>,
    scope: Scope,
    show: Show,
) -> Result<Verdict> {
    let files = captures(folder)?;
    let program = if let Some(program) = program {
        program
    } else {
        run(cargo().args(["build", "--release", "--package", "capture"]))?;
        target()?.join("release/capture")
    };
    let known = Known::read(&root().join("tests/oracle/tshark-differences.tsv"))?;
    let fields = match scope {
        Scope::Fields => fields(&program)?,
        Scope::List => COLUMNS.map(str::to_owned).to_vec(),
    };
    println!("{} captures, {} fields", files.len(), fields.len());
    let judge = Judge::new(fields, show)?;
    let mut holds = true;
    let modes = match scope {
        Scope::Fields => &MODES[..],
        Scope::List => &MODES[..1],
    };
    for (mode, options) in modes {
        let cells = judge.compare_all(&program, &files, options, &known)?;
        holds &= print(mode, &judge.fields, &cells);
        if scope == Scope::List {
            print_protocols(&cells);
        }
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
        if [".pcap", ".pcapng", ".pcap.gz", ".pcapng.gz", ".cap"]
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

/// tshark, with what it is asked for.
#[derive(Debug)]
struct Judge {
    fields: Vec<String>,
    show: Show,
    /// Where what it printed is kept: it takes a second to start, and a capture stays what it is.
    kept: PathBuf,
    version: String,
}

impl Judge {
    fn new(fields: Vec<String>, show: Show) -> Result<Self> {
        let kept = target()?.join("oracle");
        fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
        let version = output(Command::new("tshark").arg("--version").stdin(Stdio::null()))?;
        Ok(Self {
            fields,
            show,
            kept,
            version,
        })
    }

    /// Compares all captures, as many at once as there are processors.
    fn compare_all(
        &self,
        program: &Path,
        files: &[PathBuf],
        options: &[&str],
        known: &Known,
    ) -> Result<Cells> {
        let empty = || Cells::new(self.fields.len(), self.show);
        let (next, all) = (AtomicUsize::new(0), Mutex::new(empty()));
        let work = || -> Result<()> {
            // Whoever is free takes the next one; no other memory hangs on that.
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut cells = empty();
                self.compare(program, file, options, known, &mut cells)?;
                if let Ok(mut all) = all.lock() {
                    all.join(cells);
                }
            }
            Ok(())
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        #[expect(
            clippy::needless_collect,
            reason = "all are started before the first is waited for"
        )]
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| match worker.join() {
                    Ok(outcome) => outcome,
                    Err(_) => bail!("a comparison came to grief"),
                })
        })?;
        all.into_inner()
            .map_err(|error| anyhow!("a comparison came to grief: {error}"))
    }

    fn compare(
        &self,
        program: &Path,
        file: &Path,
        options: &[&str],
        known: &Known,
        cells: &mut Cells,
    ) -> Result<()> {
        let theirs = self.theirs(file, options)?;
        let mut command = Command::new(program);
        command.arg("read");
        let ours = table(command, file, options, &self.fields)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let lines = |text: &str| text.lines().count();
        if lines(&theirs) != lines(&ours) {
            println!(
                "{name}: {} frames by tshark, {} by capture",
                lines(&theirs),
                lines(&ours)
            );
        }
        let shown = self
            .fields
            .iter()
            .position(|field| field == PROTOCOL_COLUMN);
        for (theirs, ours) in theirs.lines().zip(ours.lines()) {
            cells.rows += 1;
            let mut columns = theirs.split(SEPARATOR);
            let (Some(frame), Some(protocols)) = (columns.next(), columns.next()) else {
                continue;
            };
            if let Some(shown) = shown.and_then(|place| columns.clone().nth(place)) {
                let ours = ours.splitn(3, SEPARATOR).nth(2);
                let theirs = theirs.splitn(3, SEPARATOR).nth(2);
                cells.add_frame(shown, &name, theirs != ours);
            }
            // Whole rows are compared first: there are hundreds of columns, and few rows that differ.
            if theirs == ours {
                continue;
            }
            let pairs = columns.zip(ours.split(SEPARATOR).skip(2));
            for ((number, field), (theirs, ours)) in self.fields.iter().enumerate().zip(pairs) {
                if theirs != ours {
                    let place = Place {
                        file: &name,
                        frame,
                        protocols,
                        field,
                    };
                    cells.differs(number, &place, known, theirs, ours);
                }
            }
        }
        Ok(())
    }

    /// What tshark prints of a file, or printed of the same file before.
    fn theirs(&self, file: &Path, options: &[&str]) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        let content = fs::read(file).with_context(|| file.display().to_string())?;
        (content, options, &self.fields, &self.version).hash(&mut hasher);
        let kept = self.kept.join(format!("{:016x}", hasher.finish()));
        if let Ok(text) = fs::read_to_string(&kept) {
            return Ok(text);
        }
        let mut command = Command::new("nice");
        command.arg("tshark");
        let text = table(command, file, options, &self.fields)?;
        fs::write(&kept, &text).with_context(|| kept.display().to_string())?;
        Ok(text)
    }
}

/// The lines that a program prints of a file; what it says of a damaged end is another test's subject.
fn table(mut command: Command, file: &Path, options: &[&str], fields: &[String]) -> Result<String> {
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
    Ok(String::from_utf8_lossy(&printed.stdout).into_owned())
}

/// Prints what was counted, and says whether it is enough.
fn print(mode: &str, fields: &[String], cells: &Cells) -> bool {
    let (all, equal, known) = cells.sums();
    let share = share(equal + known, all);
    println!(
        "\n{mode}: {equal} of {all} cells are equal, {known} differ for a known reason: {:.4} %",
        share * 100.0
    );
    let mut fields: Vec<_> = fields.iter().zip(&cells.fields).collect();
    fields.sort_by_key(|(field, _)| *field);
    for (field, count) in fields {
        if count.different + count.shown.len() == 0 {
            continue;
        }
        let part = self::share(cells.rows - count.different, cells.rows);
        println!(
            "  {field}: {:.3} %, {} differ, and {} for a known reason",
            part * 100.0,
            count.different,
            count.known
        );
        for difference in &count.shown {
            println!("      {difference}");
        }
    }
    share >= WANTED
}

/// Prints of which protocols, as tshark's list calls them, frames differ: those with most first.
fn print_protocols(cells: &Cells) {
    let mut rows: Vec<_> = cells.protocols.iter().collect();
    rows.retain(|(_, frames)| frames.different > 0);
    rows.sort_by_key(|(_, frames)| std::cmp::Reverse(frames.different));
    println!("\nframes that differ, of how many, in how many files:");
    for (protocol, frames) in rows {
        println!(
            "  {protocol}: {} of {} in {}",
            frames.different,
            frames.all,
            frames.files.len()
        );
    }
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
