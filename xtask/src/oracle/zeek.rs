//! `cargo xtask oracle zeek`: connection records against Zeek's `conn.log`, over all captures, with
//! and without checksum validation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::compare::{Difference, NONE, compare};
use super::expected::{self, Verdict};
use super::found;
use super::known::Known;
use super::row::{Class, FIELDS};
use crate::ci;
use crate::workspace::{cargo, root, run, target};

/// The share of Zeek's TCP rows that has to be equal.
const WANTED: f64 = 0.99;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The folder with `real`, `seeds` and `expected` in it; else `captures` in the folder that
    /// `CAPTURE_SHARED` names, or in `../shared`.
    pub(crate) folder: Option<PathBuf>,
    /// The program; else it is built.
    pub(crate) program: Option<PathBuf>,
    /// The report as JSON.
    pub(crate) json: bool,
    /// Every difference is printed, the known ones too.
    pub(crate) all: bool,
}

/// A way to treat checksums: its name, what the program is told, and Zeek's table.
const MODES: [(&str, &[&str], &str); 2] = [
    ("validate", &[], "zeek-conn-validate-checksums.tsv.gz"),
    (
        "ignore",
        &["--ignore-checksums"],
        "zeek-conn-ignore-checksums.tsv.gz",
    ),
];

/// What came of a mode.
#[derive(Debug, Default)]
struct Report {
    files: usize,
    gave_up: Vec<String>,
    rows: BTreeMap<Class, usize>,
    equal: BTreeMap<Class, usize>,
    surplus: BTreeMap<Class, usize>,
    tunnels: usize,
    fields: BTreeMap<(Class, &'static str), usize>,
    differences: Vec<(String, Difference, bool)>,
}

impl Report {
    fn share(&self, class: Class) -> f64 {
        let count = |of: &BTreeMap<Class, usize>| of.get(&class).copied().unwrap_or(0);
        share(count(&self.equal), count(&self.rows))
    }

    fn unknown(&self) -> usize {
        self.differences
            .iter()
            .filter(|(_, _, known)| !known)
            .count()
    }
}

/// Compares, prints, and says whether it holds.
pub(crate) fn zeek(options: &Options) -> Result<ci::Verdict> {
    let folder = captures(options.folder.as_deref())?;
    let program = if let Some(program) = &options.program {
        program.clone()
    } else {
        run(cargo().args(["build", "--release", "--package", "capture"]))?;
        target()?.join("release/capture")
    };
    let mut known = Known::read(&root().join("tests/oracle/zeek-differences.tsv"))?;
    let mut holds = true;
    let mut names = Vec::new();
    let mut reports = Vec::new();
    for (mode, arguments, table) in MODES {
        let expected = expected::read(&folder.join("expected").join(table))?;
        let mut report = Report::default();
        for (name, verdict) in &expected {
            let Some(path) = ["real", "seeds"]
                .iter()
                .map(|part| folder.join(part).join(name))
                .find(|path| path.is_file())
            else {
                continue;
            };
            let Verdict::Rows(rows) = verdict else {
                report.gave_up.push(name.clone());
                continue;
            };
            names.push(name.clone());
            let ours = found::read(&program, &path, arguments)?;
            report.file(mode, name, &compare(&ours, rows), &mut known);
        }
        if report.files == 0 {
            bail!("{}: none of the captures is there", folder.display());
        }
        holds &= report.share(Class::Tcp) >= WANTED && report.unknown() == 0;
        reports.push((mode, report));
    }
    let stale: Vec<_> = known.stale(&names).collect();
    holds &= stale.is_empty();
    if options.json {
        let modes: serde_json::Map<_, _> = reports
            .iter()
            .map(|(mode, report)| ((*mode).to_owned(), report.json()))
            .collect();
        println!(
            "{}",
            json!({ "modes": modes, "stale": stale, "holds": holds })
        );
    } else {
        for (mode, report) in &reports {
            report.print(mode, options.all);
        }
        for (line, file) in &stale {
            println!("zeek-differences.tsv:{line}: {file}: nothing differs here any more");
        }
        println!("{}", if holds { "holds" } else { "does NOT hold" });
    }
    Ok(if holds {
        ci::Verdict::Held
    } else {
        ci::Verdict::Failed
    })
}

/// The folder of captures.
fn captures(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = asked {
        return Ok(folder.to_path_buf());
    }
    let shared = env::var_os("CAPTURE_SHARED")
        .map_or_else(|| root().join("../shared"), PathBuf::from)
        .join("captures");
    fs::metadata(shared.join("expected")).with_context(|| {
        format!(
            "{}: name the folder with the captures, or set CAPTURE_SHARED",
            shared.display()
        )
    })?;
    Ok(shared)
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer rows than 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

impl Report {
    fn file(
        &mut self,
        mode: &str,
        name: &str,
        outcome: &super::compare::Outcome,
        known: &mut Known,
    ) {
        self.files += 1;
        self.tunnels += outcome.tunnels;
        for (class, count) in &outcome.rows {
            *self.rows.entry(*class).or_default() += count;
        }
        for (class, count) in &outcome.equal {
            *self.equal.entry(*class).or_default() += count;
        }
        for (class, count) in &outcome.surplus {
            *self.surplus.entry(*class).or_default() += count;
        }
        for difference in &outcome.differences {
            let key = (difference.class, difference.field);
            if difference.theirs != NONE {
                *self.fields.entry(key).or_default() += 1;
            }
            let explained = known.explains(mode, name, difference);
            self.differences
                .push((name.to_owned(), difference.clone(), explained));
        }
    }

    fn print(&self, mode: &str, all: bool) {
        println!("checksums: {mode}");
        for (name, difference, known) in &self.differences {
            if *known && !all {
                continue;
            }
            let Difference {
                tuple,
                field,
                ours,
                theirs,
                ..
            } = difference;
            let mark = if *known { "  (known)" } else { "" };
            println!("  {name}\t{tuple}\t{field}\tours {ours}\tZeek {theirs}{mark}");
        }
        println!(
            "  {} files; {} that Zeek gave up on; {} rows that only carry other rows",
            self.files,
            self.gave_up.len(),
            self.tunnels
        );
        for class in Class::ALL {
            let count = |of: &BTreeMap<Class, usize>| of.get(&class).copied().unwrap_or(0);
            println!(
                "  {:5} {:6} of Zeek's {:6} rows equal, {:.2} %; {} more of ours",
                class.name(),
                count(&self.equal),
                count(&self.rows),
                100.0 * self.share(class),
                count(&self.surplus)
            );
            for field in ["row", "initiator"].iter().chain(&FIELDS) {
                let Some(differ) = self.fields.get(&(class, *field)) else {
                    continue;
                };
                let rows = count(&self.rows);
                let share = 100.0 * share(rows.saturating_sub(*differ), rows);
                println!("        {field:14} {differ:6} differ, {share:.2} % equal");
            }
        }
        println!(
            "  {} differences, {} of them not known",
            self.differences.len(),
            self.unknown()
        );
    }

    fn json(&self) -> serde_json::Value {
        let classes: serde_json::Map<_, _> = Class::ALL
            .iter()
            .map(|class| {
                let fields: serde_json::Map<_, _> = ["row", "initiator"]
                    .iter()
                    .chain(&FIELDS)
                    .filter_map(|field| {
                        let differ = self.fields.get(&(*class, *field))?;
                        Some(((*field).to_owned(), json!(differ)))
                    })
                    .collect();
                let value = json!({
                    "rows": self.rows.get(class).copied().unwrap_or(0),
                    "equal": self.equal.get(class).copied().unwrap_or(0),
                    "surplus": self.surplus.get(class).copied().unwrap_or(0),
                    "share": self.share(*class),
                    "differences": fields,
                });
                (class.name().to_owned(), value)
            })
            .collect();
        let differences: Vec<_> = self
            .differences
            .iter()
            .map(|(name, difference, known)| {
                json!({
                    "file": name,
                    "tuple": difference.tuple,
                    "field": difference.field,
                    "ours": difference.ours,
                    "zeek": difference.theirs,
                    "known": known,
                })
            })
            .collect();
        json!({
            "files": self.files,
            "gave_up": self.gave_up,
            "tunnels": self.tunnels,
            "protocols": classes,
            "differences": differences,
        })
    }
}
