//! What `capture live --json` says at its end: the loss ledger, by the names of its stages.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::report::Latency;

/// What is taken from a ledger.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// Frames that the program in the kernel saw.
    pub(crate) seen: u64,
    /// Frames that a worker got, or that were left out as it was told to (`--cutoff`).
    pub(crate) received: u64,
    /// Packets and records that were lost, by cause.
    pub(crate) lost: BTreeMap<String, u64>,
    /// From the kernel's timestamp to the worker.
    pub(crate) latency: Option<Latency>,
    /// Whether it adds up.
    pub(crate) holds: bool,
}

/// Parts of stages that are losses, and what they are called in the report.
const CAUSES: [(&str, &str, &str); 11] = [
    ("seen", "ring full", "ring full"),
    ("seen", "not copied", "not copied"),
    ("seen", "no socket", "no socket"),
    ("to sockets", "fill ring empty", "fill ring empty"),
    ("to sockets", "rx ring full", "rx ring full"),
    ("to sockets", "refused", "refused by the socket"),
    ("to sockets", "worker behind", "worker behind"),
    ("packets to write", "disk too slow", "disk too slow"),
    ("packets to write", "disk error", "disk error"),
    (
        "records to write",
        "disk too slow",
        "records: disk too slow",
    ),
    ("records to write", "disk error", "records: disk error"),
];

/// Reads what it printed; `None` if there is no ledger in it.
pub(crate) fn told(stdout: &str) -> Option<Told> {
    let ledger = stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["type"] == "ledger")?;
    let stages = ledger["stages"].as_array()?;
    let stage = |name: &str| stages.iter().find(|stage| stage.get(name).is_some());
    let lost = CAUSES.iter().filter_map(|(name, part, cause)| {
        let count = stage(name)?["parts"].get(part)?.as_u64()?;
        (count > 0).then(|| ((*cause).to_owned(), count))
    });
    let ns = |quantile: &str| ledger["latency_ns"][quantile].as_u64();
    Some(Told {
        seen: stage("seen")?["seen"].as_u64()?,
        received: stage("delivered")?["delivered"].as_u64()? + ledger["kernel"]["cut"].as_u64()?,
        lost: lost.collect(),
        latency: ns("p50").map(|p50_ns| Latency {
            p50_ns,
            p99_ns: ns("p99").unwrap_or_default(),
            p999_ns: ns("p999").unwrap_or_default(),
            max_ns: ns("max").unwrap_or_default(),
        }),
        holds: ledger["holds"] == true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `capture live --tap --af-xdp --write` prints, with counts that add up.
    fn ledger() -> Value {
        serde_json::json!({
            "type": "ledger", "holds": true, "lost": 75,
            "kernel": {"packets": 1000, "cut": 40, "filtered": 0, "ring_full": 0},
            "latency_ns": {"p50": 300_000, "p99": 4_000_000, "p999": 5_000_000, "max": 6_000_000},
            "stages": [
                {"seen": 1000, "holds": true, "parts": {"filtered": 0, "sampled": 0, "cut": 40, "ring full": 0,
                 "not copied": 0, "no socket": 10, "to sockets": 950}},
                {"to sockets": 950, "holds": true, "parts": {"fill ring empty": 30, "rx ring full": 0, "refused": 0,
                 "worker behind": 20, "delivered": 900}},
                {"delivered": 900, "holds": true, "parts": {"tracked": 890, "not IP": 10, "cut by snaplen": 0,
                 "malformed": 0}},
                {"packets to write": 900, "holds": true, "parts": {"written": 885, "disk too slow": 15,
                 "disk error": 0}},
                {"records to write": 7, "holds": true, "parts": {"written": 7, "disk too slow": 0, "disk error": 0}},
            ],
        })
    }

    #[test]
    fn losses_of_all_stages_are_told_by_cause() {
        let ledger = ledger();
        let told = told(&format!("{{\"type\":\"rates\"}}\n{ledger}\n")).unwrap();
        assert_eq!((told.seen, told.received, told.holds), (1000, 940, true));
        let lost: Vec<_> = told
            .lost
            .iter()
            .map(|(cause, count)| (cause.as_str(), *count))
            .collect();
        let expected = [
            ("disk too slow", 15),
            ("fill ring empty", 30),
            ("no socket", 10),
            ("worker behind", 20),
        ];
        assert_eq!(lost, expected);
        assert_eq!(
            told.lost.values().sum::<u64>(),
            ledger["lost"].as_u64().unwrap()
        );
        assert_eq!(told.latency.unwrap().p99_ns, 4_000_000);
    }

    #[test]
    fn a_capture_of_nothing_has_no_latency() {
        let mut ledger = ledger();
        ledger["latency_ns"] =
            serde_json::json!({"p50": null, "p99": null, "p999": null, "max": null});
        ledger["holds"] = false.into();
        let told = told(&ledger.to_string()).unwrap();
        assert_eq!((told.latency, told.holds), (None, false));
        assert_eq!(super::told("{\"type\":\"rates\"}\nnot JSON\n"), None);
    }
}
