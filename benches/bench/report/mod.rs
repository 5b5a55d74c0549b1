//! What a measurement found: the schema of `report.json`, version 1.
//!
//! Rates are frames or packets a second (`_pps`), lengths of time nanoseconds or seconds, memory bytes; the
//! ending of a name says which. What could not be had is `null`. Readers look at `schema` and `version`
//! first; a field is never given another meaning, and one that is added raises the version.
//!
//! - `goals.rs` the numbers that are to be reached
//! - `words.rs` numbers as people write them; `grid.rs` tables as text, Markdown and HTML; `tables.rs`
//!   which tables there are
//! - `charts.rs` the pictures; `page.rs` all of it as one page

pub(crate) mod charts;
pub(crate) mod goals;
pub(crate) mod grid;
pub(crate) mod page;
pub(crate) mod tables;
pub(crate) mod words;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// What `schema` says.
const SCHEMA: &str = "capture-bench";
/// What `version` says.
const VERSION: u32 = 1;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// `capture-bench`.
    pub(crate) schema: String,
    /// Of the schema: 1.
    pub(crate) version: u32,
    /// On what it was measured.
    pub(crate) machine: Machine,
    /// How it was measured.
    pub(crate) run: Run,
    /// Frames into captures, by their size.
    pub(crate) live: Vec<Size>,
    /// What the stack still gets while somebody listens.
    pub(crate) through: Vec<Through>,
    /// A file through programs that read one.
    pub(crate) offline: Option<Offline>,
    /// The flow table alone, by the number of connections in it.
    pub(crate) flow_table: Vec<Table>,
    /// The numbers that are to be reached.
    pub(crate) goals: Vec<Goal>,
    /// What went wrong on the way, for people.
    pub(crate) remarks: Vec<String>,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    /// Model of the CPU.
    pub(crate) cpu: String,
    /// Logical CPUs.
    pub(crate) cores: u32,
    /// Memory.
    pub(crate) memory_bytes: u64,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// Distribution.
    pub(crate) system: String,
    /// What chooses the CPU's frequency, if it is known.
    pub(crate) governor: Option<String>,
    /// Whether it is a virtual one.
    pub(crate) is_virtual: bool,
    /// File system that was written to.
    pub(crate) file_system: Option<String>,
    /// Programs that took part, and their versions.
    pub(crate) programs: BTreeMap<String, String>,
}

/// A run of the measurement.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// When it began, in UTC, by ISO 8601.
    pub(crate) date: String,
    /// The revision of the sources; ends in `+` if they were changed since.
    pub(crate) revision: Option<String>,
    /// What was typed.
    pub(crate) command: String,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Time in which the host ran something else on this machine's CPUs, all of them together.
    pub(crate) stolen_seconds: f64,
    /// Load of the machine (1 minute) before it began.
    pub(crate) load: f64,
    /// Whether it was the short one.
    pub(crate) quick: bool,
    /// CPU that sent, and received what the wire brought.
    pub(crate) sender_cpu: u32,
    /// CPU of the workers and peers.
    pub(crate) worker_cpu: u32,
    /// The rate of the only trials, if none was searched for; 0 is as fast as it goes.
    pub(crate) rate_pps: Option<u64>,
    /// Connections at a time.
    pub(crate) flows: u32,
    /// Frames of each.
    pub(crate) session_frames: u32,
    /// Memory between kernel and program that each capture got.
    pub(crate) buffer_bytes: u64,
}

/// What receivers did with frames of a size.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    /// Bytes of a frame with data, as it was typed, or `imix`.
    pub(crate) frame_len: String,
    /// Bytes of a frame as it was sent, on average.
    pub(crate) mean_len: f64,
    /// Who received.
    pub(crate) consumers: Vec<Consumer>,
}

/// What a receiver did.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consumer {
    /// As it is typed: `tap-write`, `tcpdump`.
    pub(crate) id: String,
    /// As people call it.
    pub(crate) name: String,
    /// What a program that only counts and drops took right before.
    pub(crate) ceiling_pps: f64,
    /// The highest rate without loss (median of the rounds).
    pub(crate) highest_pps: Option<f64>,
    /// The trial that confirmed it.
    pub(crate) highest: Option<Trial>,
    /// The trial at half of it.
    pub(crate) half: Option<Trial>,
    /// All others.
    pub(crate) trials: Vec<Trial>,
}

/// Frames at a rate for a while.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    /// What the sender was told; `null` is as fast as it goes.
    pub(crate) offered_pps: Option<f64>,
    /// What it did.
    pub(crate) sent_pps: f64,
    /// For how long.
    pub(crate) seconds: f64,
    /// Frames that were sent.
    pub(crate) sent: u64,
    /// Frames that the receiver says it took in.
    pub(crate) received: u64,
    /// Frames that were lost, by cause.
    pub(crate) lost: BTreeMap<String, u64>,
    /// CPU time of the receiving process for each frame that was sent.
    pub(crate) cpu_ns: Option<f64>,
    /// CPU time in softirqs of the CPU that receives, for each frame that was sent.
    pub(crate) softirq_ns: Option<f64>,
    /// Most memory that the receiving process had.
    pub(crate) resident_bytes: Option<u64>,
    /// From the kernel's timestamp to the worker.
    pub(crate) latency: Option<Latency>,
    /// Time in which the host ran something else meanwhile.
    pub(crate) stolen_seconds: f64,
}

impl Trial {
    /// Frames that were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Part of the frames that was lost.
    pub(crate) fn loss(&self) -> f64 {
        self.lost() as f64 / (self.sent as f64).max(1.0)
    }
}

/// Quantiles of a time.
#[expect(
    clippy::struct_field_names,
    reason = "the file says the unit with each number"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    /// Half of them.
    pub(crate) p50_ns: u64,
    /// 99 of 100.
    pub(crate) p99_ns: u64,
    /// 999 of 1000.
    pub(crate) p999_ns: u64,
    /// All.
    pub(crate) max_ns: u64,
}

/// What the stack got while somebody listened.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Through {
    /// As it is typed; `nobody` for the rate without a capture.
    pub(crate) id: String,
    /// As people call it.
    pub(crate) name: String,
    /// Datagrams a second that reached IPv4, median of the runs.
    pub(crate) rate_pps: f64,
    /// Part of the rate without a capture.
    pub(crate) share: f64,
    /// Part of the frames that the capture lost meanwhile.
    pub(crate) loss: Option<f64>,
    /// Each run.
    pub(crate) runs_pps: Vec<f64>,
}

/// What programs did with a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offline {
    /// The file.
    pub(crate) file: String,
    /// Its length.
    pub(crate) file_bytes: u64,
    /// Packets in it.
    pub(crate) packets: u64,
    /// Connections in it, if it was made for this.
    pub(crate) connections: Option<u64>,
    /// Who read it.
    pub(crate) programs: Vec<Reader>,
}

/// A program that reads a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reader {
    /// `flows-parquet`, `argus`, …
    pub(crate) id: String,
    /// As people call it.
    pub(crate) name: String,
    /// `floor`, `records` or `packets`: whom it compares with.
    pub(crate) kind: String,
    /// Wall time of each run.
    pub(crate) wall_seconds: Vec<f64>,
    /// The median.
    pub(crate) median_seconds: f64,
    /// The shortest.
    pub(crate) least_seconds: f64,
    /// CPU time of the median run, user and system.
    pub(crate) cpu_seconds: f64,
    /// Packets a second, by the median.
    pub(crate) pps: f64,
    /// Most memory that it had.
    pub(crate) resident_bytes: u64,
    /// Bytes that it wrote, where it writes a file.
    pub(crate) output_bytes: Option<u64>,
}

/// The flow table with so many connections.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// Open connections.
    pub(crate) flows: u32,
    /// Connections in the table with churn, with those that have ended and wait for stragglers.
    pub(crate) live: u32,
    /// Of ten packets six of open connections in any order, three that open one, one that ends one: each
    /// second of packet time a tenth of the connections.
    pub(crate) churn_pps: f64,
    /// The same for packets of open connections alone.
    pub(crate) lookup_pps: f64,
    /// SYNs of connections that begin.
    pub(crate) insert_pps: f64,
    /// SYNs of a flood into the full table.
    pub(crate) flood_pps: f64,
    /// What it takes to end a connection that has fallen silent.
    pub(crate) expiry_ns: f64,
    /// Resident memory of the table, with open connections only.
    pub(crate) resident_bytes: u64,
    /// The same for each of them.
    pub(crate) flow_bytes: f64,
}

/// A number that is to be reached.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Goal {
    /// Of what.
    pub(crate) what: String,
    /// What is wanted, for people.
    pub(crate) wanted: String,
    /// What was found, for people; `null` if it was not measured.
    pub(crate) found: Option<String>,
    /// Whether that is enough; `null` if it was not measured.
    pub(crate) met: Option<bool>,
}

impl Report {
    /// An empty one of this version.
    pub(crate) fn new(machine: Machine, run: Run) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            machine,
            run,
            ..Self::default()
        }
    }

    /// As the file has it.
    ///
    /// # Errors
    ///
    /// A number that JSON does not have.
    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// From the file.
    ///
    /// # Errors
    ///
    /// Something else than a report, or one of another version.
    pub(crate) fn from_json(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
            version: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        ensure!(
            head.schema == SCHEMA,
            "the schema is {:?}, not {SCHEMA:?}",
            head.schema
        );
        ensure!(
            head.version == VERSION,
            "the report has version {}; this program reads version {VERSION}",
            head.version
        );
        Ok(serde_json::from_str(text)?)
    }

    /// A receiver of frames of a size.
    pub(crate) fn consumer(&self, size: &str, id: &str) -> Option<&Consumer> {
        let of_size = self.live.iter().find(|live| live.frame_len == size)?;
        of_size.consumers.iter().find(|consumer| consumer.id == id)
    }

    /// A program that read the file.
    pub(crate) fn reader(&self, id: &str) -> Option<&Reader> {
        let offline = self.offline.as_ref()?;
        offline.programs.iter().find(|program| program.id == id)
    }
}

#[cfg(test)]
pub(crate) mod example;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Whether two values are equal; the last bit of a number may differ, as the reader rounds.
    fn are_equal(left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                let same =
                    |(name, value)| right.get(name).is_some_and(|other| are_equal(value, other));
                left.len() == right.len() && left.iter().all(same)
            }
            (Value::Array(left), Value::Array(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(left, right)| are_equal(left, right))
            }
            (Value::Number(left), Value::Number(right)) => {
                let [left, right] = [left, right].map(|number| number.as_f64().unwrap());
                (left - right).abs() <= 1e-15 * left.abs().max(right.abs())
            }
            _ => left == right,
        }
    }

    #[test]
    fn a_report_comes_back_from_its_file() {
        let report = example::report();
        let back = Report::from_json(&report.to_json().unwrap()).unwrap();
        let [left, right] = [&report, &back].map(|report| serde_json::to_value(report).unwrap());
        assert!(are_equal(&left, &right), "{left}\n{right}");
        assert!(!are_equal(&left, &serde_json::json!({})));
    }

    #[test]
    fn other_files_and_other_versions_are_refused_by_name() {
        let text = example::report().to_json().unwrap();
        let other = text.replace("\"version\": 1", "\"version\": 2");
        let error = Report::from_json(&other).unwrap_err().to_string();
        assert!(error.contains("version 2"), "{error}");
        let other = text.replace("capture-bench", "something");
        let error = Report::from_json(&other).unwrap_err().to_string();
        assert!(error.contains("something"), "{error}");
        assert!(Report::from_json("[]").is_err());
        let more = text.replacen("\"machine\"", "\"unknown\": 1, \"machine\"", 1);
        assert!(Report::from_json(&more).is_err());
    }
}
