//! The rows that Zeek wrote for each capture file: one table, gzipped, with the file's name in front.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use flate2::read::MultiGzDecoder;

use super::row::Row;

/// What Zeek made of a file.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Its rows; none for a file without anything that it tracks.
    Rows(Vec<Row>),
    /// It gave up on the file, and wrote nothing even of what comes before the damage.
    GaveUp,
}

/// Zeek's verdicts by file name.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Verdict>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    MultiGzDecoder::new(file)
        .read_to_string(&mut text)
        .with_context(|| path.display().to_string())?;
    let mut columns: Vec<&str> = Vec::new();
    let mut verdicts = BTreeMap::new();
    // Rows that travelled in another one name it.
    let parents: HashSet<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            Some((*fields.first()?, *fields.get(21)?))
        })
        .flat_map(|(file, parents)| parents.split(',').map(move |parent| (file, parent)))
        .collect();
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        if let Some(header) = line.strip_prefix('#') {
            columns = header.split('\t').collect();
            continue;
        }
        let [name, second, ..] = fields.as_slice() else {
            continue;
        };
        if let Some(why) = second.strip_prefix("(no conn.log)") {
            let verdict = if why.contains("fatal error") {
                Verdict::GaveUp
            } else {
                Verdict::Rows(Vec::new())
            };
            verdicts.insert((*name).to_owned(), verdict);
            continue;
        }
        let named: BTreeMap<_, _> = columns
            .iter()
            .copied()
            .zip(fields.iter().copied())
            .collect();
        let get = |column: &str| named.get(column).copied().unwrap_or("-");
        let mut row = Row::of(&get).with_context(|| format!("{name}: {line}"))?;
        row.is_tunnel = parents.contains(&(*name, get("uid")));
        match verdicts
            .entry((*name).to_owned())
            .or_insert_with(|| Verdict::Rows(Vec::new()))
        {
            Verdict::Rows(rows) => rows.push(row),
            Verdict::GaveUp => bail!("{name}: rows of a file that Zeek gave up on"),
        }
    }
    Ok(verdicts)
}
