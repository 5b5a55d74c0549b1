//! The rows that `capture flows` writes of a file as a `conn.log`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::row::{FIELDS, Row};

/// Runs the program on a file. What stands before a file's damage counts; a program that refuses its
/// command line does not.
pub(crate) fn read(program: &Path, file: &Path, options: &[&str]) -> Result<Vec<Row>> {
    let output = Command::new(program)
        .arg("flows")
        .arg(file)
        .args(["--format", "zeek", "-o", "-"])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    if !matches!(output.status.code(), Some(0 | 1)) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}: {}: {said}", file.display(), output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    rows(&text).with_context(|| file.display().to_string())
}

/// The rows of a `conn.log`.
fn rows(text: &str) -> Result<Vec<Row>> {
    let mut columns: Vec<&str> = Vec::new();
    // A long connection has several records, which add up.
    let mut parts: BTreeMap<&str, Row> = BTreeMap::new();
    for line in text.lines() {
        if let Some(names) = line.strip_prefix("#fields\t") {
            columns = names.split('\t').collect();
        }
        if line.starts_with('#') {
            continue;
        }
        let named: BTreeMap<_, _> = columns.iter().copied().zip(line.split('\t')).collect();
        let get = |column: &str| named.get(column).copied().unwrap_or("-");
        let part = Row::of(&get).with_context(|| line.to_owned())?;
        match parts.entry(get("uid")) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(part);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => add(place.get_mut(), part),
        }
    }
    Ok(parts.into_values().collect())
}

/// Adds a later part of a connection.
fn add(row: &mut Row, later: Row) {
    let passed = later.start_us.saturating_sub(row.start_us).max(0);
    let passed = Duration::from_micros(passed.unsigned_abs()).as_secs_f64();
    for (name, (value, more)) in FIELDS.iter().zip(row.values.iter_mut().zip(later.values)) {
        *value = match *name {
            "conn_state" | "history" => more,
            "duration" => {
                let seconds = more.and_then(|text| text.parse::<f64>().ok());
                Some(format!("{:.6}", seconds.unwrap_or(0.0) + passed))
            }
            _ => {
                let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
                let sum = number(value.take()).unwrap_or(0) + number(more).unwrap_or(0);
                Some(sum.to_string())
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_connection_add_up() {
        let log = "#separator \\x09
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tip_proto\tduration\torig_bytes\thistory\torig_pkts
10.500000\tCa\t192.0.2.1\t5000\t192.0.2.2\t80\t6\t60.000000\t7\tSD\t3
80.500000\tCa\t192.0.2.1\t5000\t192.0.2.2\t80\t6\t-\t-\tSDF\t1
10.500000\tCb\t192.0.2.1\t5001\t192.0.2.2\t80\t6\t-\t-\tS\t1
#close\t2026-01-01-00-00-00
";
        let rows = rows(log).unwrap();
        assert_eq!(rows.len(), 2);
        let value = |name: &str| {
            let place = FIELDS.iter().position(|field| *field == name).unwrap();
            rows[0].values[place].clone().unwrap()
        };
        assert_eq!(rows[0].start_us, 10_500_000);
        assert_eq!(value("duration"), "70.000000");
        assert_eq!(value("history"), "SDF");
        assert_eq!(
            (value("orig_bytes"), value("orig_pkts")),
            ("7".to_owned(), "4".to_owned())
        );
    }
}
