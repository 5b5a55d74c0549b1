//! What `capture bench` prints: a row for each step, then what follows from them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::status::{short, short_spaced};
use crate::measure::{DiskSpeed, Finding, Measured, Step, Verdict};
use crate::packet::Span;

/// What stands above the rows. Losses are packets; workers, softirqs and stolen time are shares of one CPU,
/// of the busiest one; ns/pkt is what the programs in the kernel cost for a packet.
pub(super) const HEADER: &str = "step        pps       bit/s  lost: nic     ring     disk  worker  softirq  steal   p50 ms   p99 ms ns/pkt";

/// A step.
pub(super) fn row(step: &Measured) -> String {
    let share = |share: Option<f64>| {
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
    };
    let ms = |of: f64| {
        // Nobody waits for packets that nobody takes.
        let span = step.latency.quantile(of);
        span.map_or_else(
            || "-".to_owned(),
            |span| format!("{:.3}", span.as_secs_f64() * 1e3),
        )
    };
    let steal = step.cpus.iter().map(|cpu| cpu.steal).reduce(f64::max);
    format!(
        "{:<6} {:>8} {:>11} {:>10} {:>8} {:>8} {:>7} {:>8} {:>6} {:>8} {:>8} {:>6}",
        step.step.name(),
        short(step.rate()),
        short_spaced(step.bits()).trim_end(),
        step.device.missed + step.device.dropped,
        step.losses.ring_full + step.losses.not_copied,
        if step.step == Step::Write {
            (step.losses.disk_slow + step.losses.disk_error).to_string()
        } else {
            "-".to_owned()
        },
        share(step.busiest_worker().map(|worker| worker.busy)),
        share(step.busiest_cpu().map(|cpu| cpu.softirq)),
        share(steal),
        ms(0.5),
        ms(0.99),
        program_ns(step).map_or_else(|| "-".to_owned(), |ns| format!("{ns:.0}")),
    )
}

/// What the programs cost on average.
#[expect(clippy::cast_precision_loss, reason = "an average")]
fn program_ns(step: &Measured) -> Option<f64> {
    let runs: u64 = step.programs.iter().map(|program| program.runs).sum();
    let ns: u128 = step
        .programs
        .iter()
        .map(|program| program.time.as_nanos())
        .sum();
    (runs > 0).then(|| ns as f64 / runs as f64)
}

/// A step as JSON.
pub(super) fn to_json(step: &Measured) -> Value {
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let ns = |of: f64| step.latency.quantile(of).map(|Span(ns)| ns);
    let threads: Vec<_> = step
        .threads
        .iter()
        .map(|thread| json!({"name": thread.name, "busy": round(thread.busy), "waited": round(thread.waited)}))
        .collect();
    let cpus: Vec<_> = step
        .cpus
        .iter()
        .map(|cpu| {
            json!({"cpu": cpu.cpu, "softirq": round(cpu.softirq), "busy": round(cpu.busy), "steal": round(cpu.steal)})
        })
        .collect();
    let programs: Vec<_> = step
        .programs
        .iter()
        .map(|program| json!({"name": program.name, "runs": program.runs, "ns": program.ns().map(round)}))
        .collect();
    let of_driver: serde_json::Map<_, _> = step
        .device
        .of_driver
        .iter()
        .map(|(name, by)| (name.clone(), json!(by)))
        .collect();
    json!({
        "type": "step",
        "step": step.step.name(),
        "seconds": round(step.secs),
        "packets": step.packets,
        "bytes": step.bytes,
        "packets_per_second": round(step.rate()),
        "bits_per_second": round(step.bits()),
        "peak_packets_per_second": round(step.peak),
        "lost": step.lost(),
        "ring_full": step.losses.ring_full,
        "not_copied": step.losses.not_copied,
        "disk_too_slow": step.losses.disk_slow,
        "disk_error": step.losses.disk_error,
        "nic": {
            "received": step.device.received, "missed": step.device.missed, "dropped": step.device.dropped,
            "errors": step.device.errors, "of_driver": of_driver,
        },
        "worker_packets": step.worker_packets,
        "written_packets": step.written_packets,
        "written_bytes": step.written_bytes,
        "latency_ns": {"p50": ns(0.5), "p99": ns(0.99), "p999": ns(0.999), "max": step.latency.max().map(|Span(ns)| ns)},
        "threads": threads,
        "cpus": cpus,
        "programs": programs,
    })
}

/// What follows, in words.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let mut text = String::from("\n");
    for finding in &verdict.findings {
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "{}: {}", finding.place.name(), finding.words);
    }
    if !verdict.findings.is_empty() {
        text.push('\n');
    }
    text.push_str(&verdict.words);
    text
}

/// What follows, as JSON.
pub(super) fn verdict_json(iface: &str, verdict: &Verdict, disk: Option<&DiskSpeed>) -> String {
    let finding = |finding: &Finding| {
        json!({
            "place": finding.place.name(),
            "step": finding.step.name(),
            "lost": finding.lost,
            "packets_per_second": finding.room.map(f64::round),
            "words": finding.words,
        })
    };
    let findings: Vec<_> = verdict.findings.iter().map(finding).collect();
    json!({
        "type": "verdict",
        "iface": iface,
        "first": verdict.first.map(crate::measure::Place::name),
        "findings": findings,
        "disk_bytes_per_second": disk.map(|disk| disk.bytes_per_second().round()),
        "words": verdict.words,
    })
    .to_string()
}
