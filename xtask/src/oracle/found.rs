//! The rows that `capture flows` writes of a file, by its JSON lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use super::row::{FIELDS, Row, field};

/// Runs the program on a file. What stands before a file's damage counts; a program that refuses its
/// command line does not.
pub(crate) fn read(program: &Path, file: &Path, options: &[&str]) -> Result<Vec<Row>> {
    let output = Command::new(program)
        .arg("flows")
        .arg(file)
        .args(["--format", "jsonl", "-o", "-"])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    if !matches!(output.status.code(), Some(0 | 1)) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}: {}: {said}", file.display(), output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    // A long connection has several records, which add up.
    let mut parts: BTreeMap<u64, Row> = BTreeMap::new();
    for line in text.lines() {
        let record: Map<String, Value> =
            serde_json::from_str(line).with_context(|| format!("{}: {line}", file.display()))?;
        let (id, part) = row(&record).with_context(|| format!("{}: {line}", file.display()))?;
        match parts.entry(id) {
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
    let passed = Duration::from_micros(
        later
            .start_us
            .saturating_sub(row.start_us)
            .max(0)
            .unsigned_abs(),
    );
    for (name, (value, more)) in FIELDS.iter().zip(row.values.iter_mut().zip(later.values)) {
        let number =
            |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u64>().ok());
        *value = match *name {
            "conn_state" | "history" => more,
            "duration" => {
                let seconds = more.as_ref().and_then(|text| text.parse::<f64>().ok());
                seconds.map(|seconds| format!("{:.6}", seconds + passed.as_secs_f64()))
            }
            _ => number(value)
                .zip(number(&more))
                .map(|(a, b)| (a + b).to_string()),
        };
    }
}

fn row(record: &Map<String, Value>) -> Result<(u64, Row)> {
    let text = |name: &str| match record.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let number = |name: &str| text(name).and_then(|text| text.parse::<u64>().ok());
    let end = |who: &str| -> Result<_> {
        let address = text(who).with_context(|| format!("no {who}"))?;
        let port = text(&format!("{who}_port")).unwrap_or_default();
        Ok((address, port.parse().unwrap_or(0)))
    };
    // Zeek counts what was missed of both directions together.
    let missed = [
        number("initiator_missed_bytes"),
        number("responder_missed_bytes"),
    ];
    let missed = missed.into_iter().flatten().reduce(|a, b| a + b);
    let values = FIELDS.map(|name| match name {
        "conn_state" | "history" | "duration" => text(name).filter(|text| !text.is_empty()),
        "missed_bytes" => missed.map(|bytes| bytes.to_string()),
        _ => {
            let (who, rest) = name.split_once('_').unwrap_or_default();
            let who = if who == "orig" {
                "initiator"
            } else {
                "responder"
            };
            let what = match rest {
                "pkts" => "packets",
                "bytes" => "payload_bytes",
                other => other,
            };
            text(&format!("{who}_{what}"))
        }
    });
    let mut row = Row {
        start_us: micros(&text("start").context("no start")?).context("start is no time")?,
        protocol: protocol(&text("proto").unwrap_or_default()).context("unknown protocol")?,
        orig: end("initiator")?,
        resp: end("responder")?,
        is_tunnel: false,
        values,
    };
    // As `conn.log` has it: no duration, and no bytes, unless time passed.
    let duration = &mut row.values[field("duration")];
    if duration
        .as_ref()
        .and_then(|text| text.parse::<f64>().ok())
        .is_none_or(|seconds| seconds < 5e-7)
    {
        *duration = None;
        row.values[field("orig_bytes")] = None;
        row.values[field("resp_bytes")] = None;
    }
    Ok((number("id").context("no id")?, row))
}

/// The number of a protocol that records name.
fn protocol(name: &str) -> Option<u8> {
    Some(match name {
        "icmp" => 1,
        "igmp" => 2,
        "tcp" => 6,
        "udp" => 17,
        "gre" => 47,
        "esp" => 50,
        "icmp6" => 58,
        "sctp" => 132,
        number => number.parse().ok()?,
    })
}

/// Microseconds since the epoch of a time by RFC 3339 in UTC.
fn micros(text: &str) -> Option<i64> {
    let number = |at: std::ops::Range<usize>| text.get(at)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let fraction: String = text
        .get(20..)?
        .chars()
        .take_while(char::is_ascii_digit)
        .chain("000000".chars())
        .take(6)
        .collect();
    // Days since 1970-01-01 in a calendar whose years begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_microseconds_since_the_epoch() {
        // From `date -u -d TIME +%s`.
        assert_eq!(micros("1970-01-01T00:00:00.000001000Z"), Some(1));
        assert_eq!(micros("2000-02-29T23:59:59Z"), Some(951_868_799_000_000));
        assert_eq!(
            micros("2013-03-07T21:42:06.869344999Z"),
            Some(1_362_692_526_869_344)
        );
    }
}
